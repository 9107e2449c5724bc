"""The benchmark suite that `cracktrader bench` runs: how long this machine takes, beside a plain Python loop that does the same.

In reading order: rows (rows), the loops (loops), what is measured (workloads), one measurement in its process (process), all of them in
turn and what they say together (suite). Deliberately not here: the table on the terminal (cli/bench.py), and any figure to be met.
"""

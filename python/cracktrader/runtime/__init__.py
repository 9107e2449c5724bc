"""Runtimes tie the rooms together and own no state: so far the backtest."""

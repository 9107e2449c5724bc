"""The wrong-input tour: what a user may get wrong at the command line, and the exact words that come back.

Each message was read for four things: what is wrong, where, the value that was there, and what to do. There is no traceback
but the strategy's own. A case here is one thing wrong; everything else about it is right.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from cracktrader.cli import main

USAGE = "`cracktrader --help` lists the commands, `cracktrader COMMAND --help` their options\n"
GOOD = "import cracktrader as ct\n\nclass Mine(ct.Strategy):\n    fast: int = 10\n"
HEADER = "time,open,high,low,close\n"
DROP = "correct the data, or: --repair drop leaves such rows out"
ROWS = HEADER + "2024-01-01,1,2,1,2\n2024-01-02,1,2,1,2\n2024-01-03,1,2,1,2\n"


class Case(NamedTuple):
    """Files, a command, and what comes back."""

    command: str
    code: int
    message: str
    files: dict[str, str | bytes] = {}
    variables: dict[str, str] = {}


def mine(body: str) -> dict[str, str | bytes]:
    """A strategy file with this body."""
    return {"mine.py": GOOD + textwrap.indent(textwrap.dedent(body).lstrip(), "    ")}


RUN = {"mine.py": GOOD}

COMMAND_LINE = {
    "a command that does not exist": Case(
        "backtset mine.py", 2, f"error: No such command 'backtset'. Did you mean 'backtest'?\n{USAGE}"
    ),
    "a command of a group that does not exist": Case(
        "config shw", 2, f"error: No such command 'shw'. Did you mean 'show'?\n{USAGE}"
    ),
    "an option that does not exist": Case(
        "backtest mine.py --csh 5", 2, f"error: No such option: --csh (Possible options: --cash, --dst)\n{USAGE}", RUN
    ),
    "a number that is none": Case(
        "backtest mine.py --cash lots", 2, "error: --cash lots: has to be a number above 0 and below 1e15\n", RUN
    ),
    "a number out of its limits": Case(
        "backtest mine.py --fees 1", 2, "error: --fees 1: has to be a number from -0.1 up to 0.1\n", RUN
    ),
    "a choice there is not": Case(
        "backtest mine.py --fill nextopen",
        2,
        f"error: Invalid value for '--fill': 'nextopen' is not one of 'next_open', 'same_close'.\n{USAGE}",
        RUN,
    ),
    "a date in another order": Case(
        "backtest mine.py --from 02/03/2020",
        2,
        "error: --from: '02/03/2020' is not a time such as 2024-01-31 or 2024-01-31T16:00:00Z\n",
        RUN,
    ),
    "a date that the calendar does not have": Case(
        "backtest mine.py --to 2020-02-31",
        2,
        "error: --to: '2020-02-31' is not a time such as 2024-01-31 or 2024-01-31T16:00:00Z\n",
        RUN,
    ),
    "a period that ends before it begins": Case(
        "backtest mine.py --from 2020-01-31 --to 2019-01-01",
        2,
        "error: --from 2020-01-31 is not before --to 2019-01-01\n",
        RUN,
    ),
    "a period without data": Case(
        "backtest mine.py --data sample:sp500_1d --from 2030-01-01",
        2,
        "error: sp500_1d has no bars from 2030-01-01: it covers 1999-01-04 to 2019-01-01 UTC\n",
        RUN,
    ),
    "a duration in a unit there is not": Case(
        "backtest mine.py --every 1x",
        2,
        'error: --every 1x: has to be empty, or a duration: a number and one of ns, us, ms, s, m, h, d, w, as in "5m"\n',
        RUN,
    ),
    "a report below a file": Case(
        "backtest mine.py --report taken/report.html",
        2,
        "error: cannot write the report to taken/report.html: taken is not a folder\n",
        {**RUN, "taken": ""},
    ),
    "a name that is no module's": Case(
        "new My-Strategy",
        2,
        "error: 'My-Strategy' is not a name for a strategy file: a-z, 0-9 and _, a letter first, such as my_strategy\n",
    ),
}

SETTINGS = {
    "a file that is not TOML": Case(
        "backtest mine.py",
        2,
        "error: cracktrader.toml: is not TOML: Expected ']' at the end of a table declaration (at line 1, column 10)\n",
        {**RUN, "cracktrader.toml": "[backtest\n"},
    ),
    "a setting that does not exist": Case(
        "backtest mine.py",
        2,
        "error: cracktrader.toml line 2: backtest.csah = 1: there is no such setting; did you mean backtest.cash?\n",
        {**RUN, "cracktrader.toml": "[backtest]\ncsah = 1\n"},
    ),
    "a core that does not exist": Case(
        "config show",
        2,
        'error: cracktrader.toml line 1: engine_backend = "rsut": has to be one of "rust", "python"; did you mean "rust"?\n',
        {"cracktrader.toml": 'engine_backend = "rsut"\n'},
    ),
    "a settings file that is not there": Case(
        "backtest mine.py --config no.toml", 2, "error: no.toml: cannot be read: No such file or directory\n", RUN
    ),
    "a variable with a wrong value": Case(
        "backtest mine.py",
        2,
        "error: CRACKTRADER__BACKTEST__CASH=lots: has to be a number above 0 and below 1e15\n",
        RUN,
        {"CRACKTRADER__BACKTEST__CASH": "lots"},
    ),
    "a variable that sets nothing": Case(
        "backtest mine.py",
        2,
        "error: CRACKTRADER__BACKTEST__CSAH=1: no setting has this variable; did you mean CRACKTRADER__BACKTEST__CASH?\n",
        RUN,
        {"CRACKTRADER__BACKTEST__CSAH": "1"},
    ),
}

STRATEGY_FILES = {
    "a strategy file that is not there": Case(
        "backtest mien.py", 2, "error: mien.py: no such file; did you mean mine.py?\n", RUN
    ),
    "no strategy file at all": Case(
        "backtest mine.py", 2, "error: mine.py: no such file; `cracktrader new NAME` writes a strategy to start from\n"
    ),
    "a folder": Case("backtest .", 2, "error: .: is a folder, not a strategy file: name the .py file in it\n"),
    "a file of another kind": Case(
        "backtest notes.txt", 2, "error: notes.txt: the name of a strategy file ends in .py\n", {"notes.txt": ""}
    ),
    "a file without a strategy": Case(
        "backtest mine.py",
        2,
        "error: mine.py defines no subclass of cracktrader.Strategy: found no class; "
        "`cracktrader new NAME` writes a strategy to start from\n",
        {"mine.py": "x = 1\n"},
    ),
    "a file with two strategies": Case(
        "backtest mine.py",
        2,
        "error: mine.py defines 2 strategies: choose one with --strategy: Mine, Other\n",
        {"mine.py": f"{GOOD}\nclass Other(Mine): pass\n"},
    ),
    "a strategy that is not in the file": Case(
        "backtest mine.py --strategy Mien", 2, "error: mine.py has no Strategy called Mien: found Mine\n", RUN
    ),
    "a syntax error": Case(
        "backtest mine.py",
        4,
        'error: mine.py raised while it was imported\nFile "mine.py", line 1\n    def f(:\n          ^\n'
        "SyntaxError: invalid syntax\n",
        {"mine.py": "def f(:\n"},
    ),
    "a file that raises on import": Case(
        "backtest mine.py",
        4,
        "error: mine.py raised while it was imported\nTraceback (most recent call last):\n"
        '  File "mine.py", line 1, in <module>\n    {}["key"]\n    ~~^^^^^^^\nKeyError: \'key\'\n',
        {"mine.py": '{}["key"]\n'},
    ),
    "a file that imports what is not installed": Case(
        "backtest mine.py",
        4,
        "error: mine.py raised while it was imported: module numpyy is neither beside it nor installed for "
        f"{sys.executable}\nTraceback (most recent call last):\n"
        "  File \"mine.py\", line 1, in <module>\n    import numpyy\nModuleNotFoundError: No module named 'numpyy'\n",
        {"mine.py": "import numpyy\n"},
    ),
    "a file that ends the process": Case(
        "backtest mine.py",
        4,
        "error: mine.py raised while it was imported: it ends the process\nTraceback (most recent call last):\n"
        '  File "mine.py", line 1, in <module>\n    raise SystemExit(3)\nSystemExit: 3\n',
        {"mine.py": "raise SystemExit(3)\n"},
    ),
    "a parameter that does not exist": Case(
        "backtest mine.py --param fats=3",
        2,
        "error: Mine has no parameter fats: it has fast, warm_up; did you mean fast?\n",
        RUN,
    ),
    "a parameter of another type": Case(
        "backtest mine.py --param fast=ten",
        2,
        "error: Mine parameter fast=ten: 'ten' is not of type int (default 10)\n",
        RUN,
    ),
    "a parameter without a value": Case(
        "backtest mine.py --param fast", 2, "error: --param fast: write NAME=VALUE\n", RUN
    ),
    "a parameter out of its bounds": Case(
        "backtest mine.py --param slow=1",
        2,
        "error: Mine.slow is 1: it must be 2 or more and 500 or less\n",
        mine("slow: int = ct.parameter(30, low=2, high=500)\n"),
    ),
}

STRATEGIES = {
    "a callback that raises": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\nTraceback (most recent call last):\n"
        '  File "mine.py", line 6, in on_bar\n    1 / 0\n    ~~^~~\nZeroDivisionError: division by zero\n',
        mine("def on_bar(self, ctx, bar):\n    1 / 0\n"),
    ),
    "a helper that does not exist": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\nTraceback (most recent call last):\n"
        '  File "mine.py", line 6, in on_bar\n    ctx.buyy(1)\n    ^^^^^^^^\n'
        "AttributeError: 'StrategyContext' object has no attribute 'buyy'\n",
        mine("def on_bar(self, ctx, bar):\n    ctx.buyy(1)\n"),
    ),
    "an indicator over nothing": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 0, strategy Mine:\nTraceback (most recent call last):\n"
        '  File "mine.py", line 6, in on_start\n    self.ma = ctx.indicator(ct.SMA(0))\n                            ^^^^^^^^^\n'
        "cracktrader.errors.ConfigError: SMA period 0 is outside 1..100000\n",
        mine("def on_start(self, ctx):\n    self.ma = ctx.indicator(ct.SMA(0))\n"),
    ),
    "a callback that returns junk": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\n"
        "cracktrader.errors.IntentError: a callback returns a list of intents or None, not 5\n",
        mine("def on_bar(self, ctx, bar):\n    return 5\n"),
    ),
    "a callback that returns a list of junk": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\ncracktrader.errors.IntentError: 'buy' is not an intent\n",
        mine("def on_bar(self, ctx, bar):\n    return ['buy']\n"),
    ),
    "an order for less than nothing": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\nTraceback (most recent call last):\n"
        '  File "mine.py", line 6, in on_bar\n    ctx.buy(-1)\n'
        "cracktrader.errors.IntentError: quantity -1 of sp500_1d is less than one lot of 1e-08\n",
        mine("def on_bar(self, ctx, bar):\n    ctx.buy(-1)\n"),
    ),
    "an order for a quantity that is no number": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\nTraceback (most recent call last):\n"
        '  File "mine.py", line 6, in on_bar\n    ctx.buy(float("nan"))\n'
        "cracktrader.errors.IntentError: quantity nan is not a finite number\n",
        mine('def on_bar(self, ctx, bar):\n    ctx.buy(float("nan"))\n'),
    ),
    "an order for an instrument there is not": Case(
        "backtest mine.py --quiet",
        4,
        "strategy error: seq 1, strategy Mine:\nTraceback (most recent call last):\n"
        '  File "mine.py", line 6, in on_bar\n    ctx.buy(1, symbol="SPX")\n'
        "cracktrader.errors.IntentError: instrument 'SPX' is not declared; declared: sp500_1d\n",
        mine('def on_bar(self, ctx, bar):\n    ctx.buy(1, symbol="SPX")\n'),
    ),
}

DATA = {
    "a sample there is not": Case(
        "backtest mine.py --data sample:sp500", 3, "error: no sample is called 'sp500': there is sp500_1d\n", RUN
    ),
    "a data file that is not there": Case(
        "backtest mine.py --data bars.csv", 3, "error: bars.csv: no such file\n", RUN
    ),
    "a symbol with a character it may not have": Case(
        "backtest mine.py --data S&P=bars.csv",
        2,
        "error: --data S&P=bars.csv: 'S&P' is not a symbol: 1 to 64 of A-Z a-z 0-9 . _ : / -\n",
        {**RUN, "bars.csv": ROWS},
    ),
    "a file given twice": Case(
        "backtest mine.py --data A=bars.csv --data A=bars.csv",
        2,
        "error: --data A=bars.csv is given twice\n",
        {**RUN, "bars.csv": ROWS},
    ),
    "two files of one symbol": Case(
        "backtest mine.py --data bars.csv --data deep/bars.csv",
        3,
        "error: bars.csv and deep/bars.csv are both called bars: name them, as in --data A=FILE, "
        "or give files that follow each other as one pattern\n",
        {**RUN, "bars.csv": ROWS, "deep/bars.csv": ROWS},
    ),
    "a time frame that is none": Case(
        "backtest mine.py --timeframe fast",
        2,
        "error: --timeframe fast: 'fast' is not a duration: a positive number and one of ns, us, ms, s, m, h, d, w, "
        'as in "5m"\n',
        RUN,
    ),
    "columns without a name": Case(
        "backtest mine.py --data bars.csv",
        3,
        "error: bars.csv: missing close for bars; found time, open, high, low; "
        "name them with --column, as in --column close=Last\n",
        {**RUN, "bars.csv": "time,open,high,low\n2024-01-01,1,2,1\n"},
    ),
    "a column that is not in the file": Case(
        "backtest mine.py --data bars.csv --column close=Last",
        2,
        "error: --column: close is said to be 'Last'; found time, open, high, low, close\n",
        {**RUN, "bars.csv": ROWS},
    ),
    "an empty file": Case(
        "backtest mine.py --data bars.csv", 3, "error: bars.csv: the file has no rows\n", {**RUN, "bars.csv": ""}
    ),
    "a file without rows": Case(
        "backtest mine.py --data bars.csv", 3, "error: bars.csv: no rows\n", {**RUN, "bars.csv": HEADER}
    ),
    "a file of another kind of data": Case(
        "backtest mine.py --data bars.xlsx",
        3,
        "error: bars.xlsx: the name must end in one of .parquet .pq .feather .arrow .ipc .csv .tsv .txt .prn, text also in .gz .zst .zip\n",
        {**RUN, "bars.xlsx": ROWS},
    ),
    "a file that is not what its name says": Case(
        "backtest mine.py --data bars.parquet",
        3,
        "error: bars.parquet: parquet: File out of specification: The file must end with PAR1 or PARE\n",
        {**RUN, "bars.parquet": ROWS},
    ),
    "a cell that is no number": Case(
        "backtest mine.py --data bars.csv",
        3,
        f"error: bars.csv line 5, column high: 'x' is not a number; {DROP}\n",
        {**RUN, "bars.csv": ROWS + "2024-01-04,1,x,1,2\n"},
    ),
    "a cell without a value": Case(
        "backtest mine.py --data bars.csv",
        3,
        f"error: bars.csv line 5, column high: nan is not a number a bar can hold; {DROP}\n",
        {**RUN, "bars.csv": ROWS + "2024-01-04,1,nan,1,2\n"},
    ),
    "an infinite price": Case(
        "backtest mine.py --data bars.csv",
        3,
        f"error: bars.csv line 5, column high: inf is not a number a bar can hold; {DROP}\n",
        {**RUN, "bars.csv": ROWS + "2024-01-04,1,inf,1,2\n"},
    ),
    "a price of zero": Case(
        "backtest mine.py --data bars.csv",
        3,
        "error: bars.csv: 1 bad row, 2 kinds of trouble\n  line 5, column open: price 0 is not positive\n"
        "  line 5, column low: price 0 is not positive\ncorrect the data, or: --repair drop leaves such rows out\n",
        {**RUN, "bars.csv": ROWS + "2024-01-04,0,2,0,2\n"},
    ),
    "a high below the low": Case(
        "backtest mine.py --data bars.csv",
        3,
        "error: bars.csv line 5, column high: high 1 is below low 2; correct the data, or: "
        "--repair drop leaves such rows out; --repair widen moves high and low\n",
        {**RUN, "bars.csv": ROWS + "2024-01-04,1,1,2,1\n"},
    ),
    "time that goes back": Case(
        "backtest mine.py --data bars.csv",
        3,
        "error: bars.csv line 5, column time: 2024-01-02 goes back behind 2024-01-03; "
        "correct the data, or: --repair sort puts the rows in order\n",
        {**RUN, "bars.csv": ROWS + "2024-01-02,1,2,1,2\n"},
    ),
    "a time that occurs twice": Case(
        "backtest mine.py --data bars.csv",
        3,
        f"error: bars.csv line 5, column time: 2024-01-03 is there twice; {DROP}; "
        '--repair keep_last keeps the last bar of each time, "drop" the first\n',
        {**RUN, "bars.csv": ROWS + "2024-01-03,1,2,1,2\n"},
    ),
    "a time that is none": Case(
        "backtest mine.py --data bars.csv",
        3,
        f"error: bars.csv line 5, column time: 'yesterday' is not a time such as 2024-01-31 16:00:00; {DROP}\n",
        {**RUN, "bars.csv": ROWS + "yesterday,1,2,1,2\n"},
    ),
    "a time zone there is not": Case(
        "backtest mine.py --data bars.csv --tz Mars/Base",
        2,
        'error: --tz Mars/Base is not a time zone: a name such as "Europe/Berlin", "America/New_York" or "UTC", or "+02:00"\n',
        {**RUN, "bars.csv": ROWS},
    ),
    "a repair there is not": Case(
        "backtest mine.py --data bars.csv --repair guess",
        2,
        'error: --repair guess: has to be a list of "sort", "keep_last", "widen", "snap", "drop"\n',
        {**RUN, "bars.csv": ROWS},
    ),
    "one bar alone": Case(
        "backtest mine.py --data bars.csv",
        3,
        "error: bars.csv: one row does not tell how long a bar is: pass --every, as in --every 1d\n",
        {**RUN, "bars.csv": HEADER + "2024-01-03,1,2,1,2\n"},
    ),
    "a run that is not there": Case(
        "report none", 3, "error: none holds no saved run: manifest.json is missing (Result.save writes it)\n"
    ),
    "a folder that is no run": Case(
        "backtest mine.py --save full",
        2,
        "error: cannot write the run to full: it holds something else: name a new or an empty folder\n",
        {**RUN, "full/precious": ""},
    ),
    "a conversion to nothing known": Case(
        "data convert sample:sp500_1d bars.xlsx",
        2,
        "error: bars.xlsx: the name must end in one of .parquet .pq .csv .csv.gz .csv.zst\n",
    ),
}

CASES = {**COMMAND_LINE, **SETTINGS, **STRATEGY_FILES, **STRATEGIES, **DATA}


def test_the_tour_is_long_enough() -> None:
    assert len(CASES) == sum(map(len, (COMMAND_LINE, SETTINGS, STRATEGY_FILES, STRATEGIES, DATA))) >= 30


@pytest.mark.parametrize("name", CASES)
def test_every_wrong_input_gets_its_message_and_its_exit_code(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    case = CASES[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for file, content in case.files.items():
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_bytes(content if isinstance(content, bytes) else content.encode())
    for variable, value in case.variables.items():
        monkeypatch.setenv(variable, value)
    on_core = ["--engine", engine] if case.command.startswith("backtest ") else []
    code = main([*case.command.split(), *on_core])
    said = capsys.readouterr()
    assert said.err == case.message
    assert code == case.code and said.out == ""

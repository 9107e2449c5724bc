"""`cracktrader data` and `cracktrader report`: files looked into and converted, runs kept and shown again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cracktrader.cli import main
from cracktrader.cli.console import as_flags

REPOSITORY = Path(__file__).resolve().parents[2]
CROSS = str(REPOSITORY / "examples" / "sma_cross.py")
ODD = "Day,Open,High,Low,Last\n02.01.2024,1,2,1,2\n03.01.2024,1,2,1,2\n03.01.2024,1,2,1,2\n04.01.2024,1,2,1,2\n"
SAID = ["--column", "close=Last", "--column", "time=Day", "--time-format", "%d.%m.%Y"]


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test has a working folder and an import path of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("odd.csv").write_text(ODD)


def document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON document of a command."""
    assert main([*arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == code
    return found


def test_info_says_what_a_file_holds_and_finds_its_bad_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info", "sample:sp500_1d"]) == 0
    said = capsys.readouterr().out
    assert "5,031" in said and "1999-01-04 to 2018-12-31" in said
    (found,) = document(capsys, "data", "info", "odd.csv", *SAID, code=1)["sources"]
    assert (
        found["rows"] == 4
        and found["columns"]["close"] == "Last"
        and "2024-01-03 is there twice" in found["problems"][0]
    )


def test_convert_repairs_and_writes_what_a_backtest_then_reads(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    assert main(["data", "convert", "odd.csv", "good.parquet", "--symbol", "ODD", *SAID]) == 3
    capsys.readouterr()
    converting = ["data", "convert", "odd.csv", "good.parquet", "--symbol", "ODD", *SAID, "--repair", "drop"]
    (file,) = document(capsys, *converting)["files"]
    assert (file["path"], file["symbol"], file["rows"]) == ("good.parquet", "ODD", 3)
    assert main([*converting[:3], "good.csv", *converting[4:]]) == 0
    assert "it is read with --data ODD=good.csv --every 1d" in capsys.readouterr().out
    (instrument,) = document(capsys, "backtest", CROSS, "--data", "good.parquet", "--engine", engine)["instruments"]
    assert (instrument["symbol"], instrument["rows"]) == ("ODD", 3)


def test_how_data_is_read_may_stand_in_the_settings(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    Path("cracktrader.toml").write_text(
        '[data]\nfiles = ["ODD=odd.csv"]\ncolumns = {close = "Last", time = "Day"}\ntime_format = "%d.%m.%Y"\nrepair = ["drop"]\n'
    )
    (instrument,) = document(capsys, "backtest", CROSS, "--engine", engine)["instruments"]
    assert (instrument["symbol"], instrument["rows"]) == ("ODD", 3)


def test_a_run_that_was_saved_is_shown_and_written_again(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    ran = document(capsys, "backtest", CROSS, "--save", "runs/first", "--engine", engine)
    assert ran["saved"] == "runs/first"
    shown = document(capsys, "report", "runs/first", "--plot", "chart.html")
    assert shown["runs"] == ran["runs"]
    assert (shown["report"], shown["plot"]) == ("runs/first/report.html", "chart.html")
    assert Path("runs/first/report.html").is_file() and Path("chart.html").is_file()
    assert main(["report", "runs/first", "--out", "again.html"]) == 0
    assert "report: again.html" in capsys.readouterr().out


TICKS = "time,price,quantity\n" + "".join(f"2024-01-02T09:{m:02}:00Z,{100 + m},2\n" for m in range(30, 40))
TICK_STRATEGY = """
import cracktrader as ct

class Ticks(ct.Strategy):
    def on_trade(self, ctx, trade): self.log("trade")
    def on_bar(self, ctx, bar): self.log(bar.timeframe, bar.close)
"""


def test_trades_are_run_and_bars_are_made_of_them(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    Path("ticks.csv").write_text(TICKS)
    Path("mine.py").write_text(TICK_STRATEGY)
    arguments = ["backtest", "mine.py", "--data", "ABC=ticks.csv", "--timeframe", "5m", "--timeframe", "4 ticks"]
    ran = document(capsys, *arguments, "--engine", engine)
    assert [(one["symbol"], one["kind"], one["rows"]) for one in ran["instruments"]] == [("ABC", "trades", 10)]
    logged = [text for *_, text in ran["runs"][0]["log"]]
    assert logged.count("trade") == 10 and [text for text in logged if text != "trade"] == [
        "4 ticks 133.0",
        "5m 134.0",
        "4 ticks 137.0",
    ]
    cut = document(capsys, *arguments, "--from", "2024-01-02T09:35", "--engine", engine)
    assert cut["instruments"][0]["rows"] == 5


@pytest.mark.parametrize(
    ("library", "command_line"),
    [
        ('or: repair="drop" leaves such rows out', "or: --repair drop leaves such rows out"),
        ('pass every=, as in every="1d"', "pass --every, as in --every 1d"),
        (
            'name them with columns=, as in columns={"close": "Last"}',
            "name them with --column, as in --column close=Last",
        ),
        ("tz='Mars' is not a time zone", "--tz Mars is not a time zone"),
        ('or ask for engine="python"', "or ask for --engine python"),
        ('pass time_format="%d/%m/%Y"', "pass --time-format %d/%m/%Y"),
        ("are read as UTC (tz= says otherwise)", "are read as UTC (--tz says otherwise)"),
        ("bars.csv: missing close", "bars.csv: missing close"),
    ],
)
def test_remedies_of_the_library_are_given_as_flags(library: str, command_line: str) -> None:
    assert as_flags(library) == command_line

"""`cracktrader new`: a file that runs at once, under a name that hides nothing, over nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cracktrader.cli import main


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test has a working folder and an import path of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_what_new_writes_backtests_at_once_and_says_how(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    assert main(["new", "my_trend"]) == 0
    said = capsys.readouterr().out
    assert "wrote my_trend.py: MyTrend" in said and "  cracktrader backtest my_trend.py\n" in said
    assert main(["backtest", "my_trend.py", "--engine", engine, "--json"]) == 0
    run = json.loads(capsys.readouterr().out)
    assert run["strategies"][0]["name"] == "MyTrend" and run["runs"][0]["stats"]["trades"] > 10


@pytest.mark.rust
def test_what_new_writes_is_a_script_too() -> None:
    assert main(["new", "mine.py"]) == 0
    done = subprocess.run([sys.executable, "mine.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Sharpe ratio" in done.stdout, done.stderr
    assert Path("mine.html").is_file()


def test_with_json_new_says_what_it_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "command": "new",
        "file": "mine.py",
        "strategy": "Mine",
        "exit_code": 0,
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My-Trend", "'My-Trend' is not a name for a strategy file: a-z, 0-9 and _, a letter first, such as my_trend"),
        ("1st", "'1st' is not a name for a strategy file: a-z, 0-9 and _, a letter first, such as my_strategy"),
        ("class", "'class' is a word of the Python language: choose another name, such as class_strategy"),
        ("random", "'random' is a Python module that your file would hide: choose another, such as random_strategy"),
        ("polars", "'polars' is a Python module that your file would hide: choose another, such as polars_strategy"),
        ("none/mine", "none/mine.py cannot be written: No such file or directory"),
    ],
)
def test_a_name_that_would_not_work_is_refused_with_one_that_would(
    capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    assert main(["new", name]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_file_that_is_there_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("precious")
    assert main(["new", "mine"]) == 2
    assert "mine.py is there already and is not overwritten" in capsys.readouterr().err
    assert Path("mine.py").read_text() == "precious"

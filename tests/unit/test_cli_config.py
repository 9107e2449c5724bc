"""`cracktrader config`, and settings that reach a run: by file, by variable, by flag."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cracktrader.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
CROSS = str(REPOSITORY / "examples" / "sma_cross.py")


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test has a working folder and an import path of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The JSON document of a command that succeeds."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_show_prints_every_setting_and_its_origin(capsys: pytest.CaptureFixture[str]) -> None:
    Path("cracktrader.toml").write_text("[backtest]\ncash = 5000\n")
    assert main(["config", "show", "--origin"]) == 0
    said = capsys.readouterr().out
    assert "# file: cracktrader.toml" in said and "cash = 5000.0  # cracktrader.toml line 2" in said
    assert 'dst = "refuse"  # default' in said
    shown = document(capsys, "config", "show")
    assert shown["command"] == "config show" and shown["settings"]["backtest"]["cash"] == 5000.0
    assert shown["origins"]["backtest.cash"] == "cracktrader.toml line 2"


def test_the_schema_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["config", "schema"], ["config", "schema", "--json"]):
        assert main(arguments) == 0
        assert json.loads(capsys.readouterr().out)["title"] == "cracktrader.toml"


def test_a_run_takes_its_settings_from_file_variable_and_flag(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("cracktrader.toml").write_text(
        'engine_backend = "python"\n[backtest]\ncash = 5000\ncurrency = "EUR"\nseed = 7\n'
    )
    monkeypatch.setenv("CRACKTRADER__BACKTEST__CASH", "6000")
    ran = document(capsys, "backtest", CROSS, "--seed", "8")
    assert ran["runs"][0]["engine"] == "python" and ran["currency"] == "EUR" and ran["seed"] == 8
    assert ran["runs"][0]["stats"]["initial_cash"] == 6000


def test_rust_from_the_file_where_it_is_not_built_says_how_to_build_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("cracktrader.toml").write_text('engine_backend = "rust"\n')
    monkeypatch.setitem(sys.modules, "cracktrader._core", None)
    monkeypatch.delattr("cracktrader._core", raising=False)
    assert main(["backtest", CROSS]) == 2
    assert "the Rust core is not built: run `make setup`" in capsys.readouterr().err


def test_a_period_cuts_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = document(capsys, "backtest", CROSS, "--from", "2008-01-01", "--to", "2009-01-01", "--engine", "python")[
        "instruments"
    ]
    assert run["rows"] == 253
    assert main(["backtest", CROSS, "--from", "1980-01-01", "--to", "1981-01-01"]) == 2
    assert "has no bars from 1980-01-01 to 1981-01-01: it covers 1999-01-04" in capsys.readouterr().err


def test_quiet_prints_nothing_and_a_symbol_names_the_instrument(
    capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    assert main(["backtest", CROSS, "--quiet", "--engine", engine]) == 0
    assert capsys.readouterr() == ("", "")
    ran = document(capsys, "backtest", CROSS, "--data", "SPX=sample:sp500_1d", "--engine", engine)
    assert ran["instruments"][0]["symbol"] == "SPX"


def test_a_chart_is_written_whole(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    ran = document(capsys, "backtest", CROSS, "--plot", "charts/run.html", "--engine", engine)
    assert ran["plot"] == "charts/run.html"
    assert [path.name for path in Path("charts").iterdir()] == ["run.html"]
    assert "plotly" in Path("charts/run.html").read_text()


def test_a_place_that_cannot_be_written_is_refused_before_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    assert main(["backtest", "none.py", "--report", "folder"]) == 2
    assert "cannot write the report to folder: it is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x ticks", "--timeframe x ticks: 'x' is not a number of ticks"),
        ("0 ticks", "--timeframe 0 ticks: TickBars: a number of trades is a whole number above 0, not 0"),
        ("1 fortnight", "--timeframe 1 fortnight: '1 fortnight' is not a duration"),
    ],
)
def test_a_time_frame_that_is_none_is_refused_before_data_is_read(
    capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert main(["backtest", CROSS, "--data", "none.csv", "--timeframe", text]) == 2
    assert message in capsys.readouterr().err

"""Settings: which of four sources wins, what each origin is called, and the message a wrong value gets."""

from __future__ import annotations

import inspect
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import cracktrader as ct
from cracktrader.cli.backtest import venue_of
from cracktrader.cli.config import as_toml
from cracktrader.config import Resolved, Settings, VenueSettings, resolve
from cracktrader.config.settings import schema, sections, settings
from cracktrader.errors import ConfigError
from cracktrader.runtime.declare import Options
from cracktrader.runtime.venue import Venue


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test has a working folder of its own."""
    monkeypatch.chdir(tmp_path)


def resolved(text: str = "", variables: dict[str, str] | None = None, **flags: Any) -> Resolved:
    """The settings of a file, an environment and flags."""
    Path("cracktrader.toml").write_text(text)
    return resolve(environment=variables or {}, flags={key.replace("__", "."): value for key, value in flags.items()})


# ---------------------------------------------------------------- where a value comes from


def test_without_a_file_every_setting_has_its_default() -> None:
    found = resolve(environment={})
    assert found.settings == Settings() and found.file is None and set(found.origins.values()) == {"default"}


def test_the_command_line_wins_over_the_environment_and_that_over_the_file() -> None:
    text = "[backtest]\ncash = 1\nfees = 0.1\nseed = 1\n"
    variables = {"CRACKTRADER__BACKTEST__FEES": "0.02", "CRACKTRADER__BACKTEST__SEED": "2"}
    found = resolved(text, variables, backtest__seed=("--seed", 3))
    assert (found.settings.backtest.cash, found.settings.backtest.fees, found.settings.backtest.seed) == (1.0, 0.02, 3)
    assert found.origins["backtest.cash"] == "cracktrader.toml line 2"
    assert found.origins["backtest.fees"] == "CRACKTRADER__BACKTEST__FEES"
    assert found.origins["backtest.seed"] == "--seed"


def test_the_file_is_found_in_a_folder_above_and_its_paths_start_there(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path.cwd()
    Path("cracktrader.toml").write_text('[data]\nfiles = ["bars.csv", "BTC=btc.parquet", "sample:sp500_1d"]\n')
    (root / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(root / "deep" / "er")
    found = resolve(environment={})
    assert found.file == root / "cracktrader.toml"
    assert found.settings.data.files == [f"{root}/bars.csv", f"BTC={root}/btc.parquet", "sample:sp500_1d"]


def test_a_variable_gives_text_numbers_truth_and_lists() -> None:
    found = resolved(
        variables={
            "CRACKTRADER__ENGINE_BACKEND": "python",
            "CRACKTRADER__BACKTEST__CASH": "5e3",
            "CRACKTRADER__OUTPUT__PROGRESS": "false",
            "CRACKTRADER__DATA__FILES": "a.csv, B=b.csv",
            "CRACKTRADER_OTHER": "is nobody's business",
        }
    ).settings
    assert (found.engine_backend, found.backtest.cash, found.output.progress) == ("python", 5_000.0, False)
    assert found.data.files == ["a.csv", "B=b.csv"]


# ---------------------------------------------------------------- what is refused, and how

IN_A_FILE = {
    'engine_backend = "rsut"': 'line 1: engine_backend = "rsut": has to be one of "rust", "python"; did you mean "rust"?',
    "[backtest]\ncsah = 5": "line 2: backtest.csah = 5: there is no such setting; did you mean backtest.cash?",
    "[backtset]\ncash = 5": "line 2: backtset.cash = 5: there is no section [backtset]; did you mean backtest?",
    "backtest = 5": "line 1: backtest = 5: backtest is a section: write [backtest] and its settings below it",
    '[backtest]\n\ncash = "much"': 'line 3: backtest.cash = "much": has to be a number above 0 and below 1e15',
    "[backtest]\ncash = nan": "line 2: backtest.cash = nan: has to be a number above 0 and below 1e15",
    "[backtest]\nseed = 1.5": "line 2: backtest.seed = 1.5: has to be a whole number from 0 up to 9223372036854775807",
    "[venue]\nsubmit_latency = 5": "line 2: venue.submit_latency = 5: has to be a duration: a number and one of ns, us",
    'data.files = "x.csv"': 'line 1: data.files = "x.csv": has to be a list of text',
    "[output]\nprogress = 1": "line 2: output.progress = 1: has to be true or false",
    "a = [": ": is not TOML: Invalid value (at end of document)",
    "b = 2020-01-01": 'line 1: b = "2020-01-01": there is no such setting; there are: engine_backend, backtest.cash',
}


@pytest.mark.parametrize("text", IN_A_FILE)
def test_a_wrong_file_is_refused_with_its_line_the_value_and_what_would_be_right(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolved(text)
    message = str(refused.value)
    assert message.startswith("cracktrader.toml") and IN_A_FILE[text] in message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BACKTEST__CSAH", "5", "no setting has this variable; did you mean CRACKTRADER__BACKTEST__CASH?"),
        ("BACKTEST__CASH", "much", "has to be a number above 0 and below 1e15"),
        ("BACKTEST__ACCOUNT", "margni", 'has to be one of "margin", "cash"; did you mean "margin"?'),
        ("OUTPUT__PROGRESS", "yes", "has to be true or false"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolved(variables={f"CRACKTRADER__{name}": value})
    assert str(refused.value) == f"CRACKTRADER__{name}={value}: {message}"


def test_a_wrong_flag_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigError) as refused:
        resolved(backtest__cash=("--cash", -5.0))
    assert str(refused.value) == "--cash -5.0: has to be a number above 0 and below 1e15"


def test_a_file_that_is_not_there_or_not_text_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"other\.toml: cannot be read: No such file"):
        resolve(Path("other.toml"), environment={})
    Path("bytes.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"bytes\.toml: is not UTF-8 text \(byte 5\)"):
        resolve(Path("bytes.toml"), environment={})


# ---------------------------------------------------------------- one truth


def test_every_setting_is_described_and_every_section_is_opened() -> None:
    assert all(setting.limits.description and setting.expected for setting in settings().values())
    assert all(sections().values()) and len(settings()) > 10


def test_the_defaults_are_those_of_a_backtest_in_a_program() -> None:
    in_a_program = {name: one.default for name, one in inspect.signature(ct.backtest).parameters.items()}
    options = Options()
    for name in ("cash", "account", "currency", "leverage", "fees", "seed"):
        assert settings()[f"backtest.{name}"].default == getattr(options, name) == in_a_program[name], name
    assert venue_of(VenueSettings()) == Venue()
    assert settings()["engine_backend"].default == in_a_program["engine"]


@pytest.mark.parametrize("origin", [True, False])
def test_what_config_show_prints_is_a_file_that_means_the_same(origin: bool) -> None:
    shown = as_toml(resolved('[backtest]\ncurrency = "EUR"\n'), origin)
    Path("again.toml").write_text(shown)
    assert resolve(Path("again.toml"), environment={}).settings.backtest.currency == "EUR"
    assert set(tomllib.loads(shown)) == {"engine_backend", *sections()}


def test_the_schema_knows_every_setting_and_is_json() -> None:
    described = json.loads(json.dumps(schema()))["$defs"]
    for setting in settings().values():
        section = described[type(getattr(Settings(), setting.section)).__name__ if setting.section else "Settings"]
        assert section["properties"][setting.name]["description"] == setting.limits.description
        assert section["additionalProperties"] is False

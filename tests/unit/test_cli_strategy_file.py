"""Loading a strategy from a file: what is found, what is refused, how parameters are read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cracktrader.cli import strategy_file
from cracktrader.cli.strategy_file import known_parameters, load_strategy, parse_parameters
from cracktrader.errors import ConfigError, StrategyError

ONE = """
import cracktrader as ct

class Cross(ct.Strategy):
    fast: int = 10
    rate: float = 0.5
    short: bool = False
    name_of_it: str = "x"
    levels: tuple = (1, 2)
    _inner: int = 3
"""


@pytest.fixture(autouse=True)
def import_path_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loading a file extends the import path and the module table: undo both."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("strategy_file_"):
            del sys.modules[name]


def write(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_only_strategy_of_a_file_is_found(tmp_path: Path) -> None:
    assert load_strategy(write(tmp_path, ONE)).__name__ == "Cross"


def test_an_imported_strategy_does_not_count_as_the_files_own(tmp_path: Path) -> None:
    write(tmp_path, ONE, "neighbour.py")
    path = write(tmp_path, "from neighbour import Cross\n\nclass Mine(Cross):\n    fast: int = 3\n")
    strategy = load_strategy(path)
    assert strategy.__name__ == "Mine"
    assert known_parameters(strategy)["fast"] == 3 and known_parameters(strategy)["rate"] == 0.5
    assert load_strategy(path, "Cross").__name__ == "Cross"


def test_several_strategies_need_a_choice(tmp_path: Path) -> None:
    path = write(tmp_path, ONE + "\nclass Other(ct.Strategy):\n    pass\n")
    with pytest.raises(ConfigError, match="defines 2 strategies: choose one with --strategy: Cross, Other"):
        load_strategy(path)
    assert load_strategy(path, "Other").__name__ == "Other"
    with pytest.raises(ConfigError, match="has no Strategy called Third: found Cross, Other"):
        load_strategy(path, "Third")


def test_a_file_without_a_strategy_names_the_classes_it_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"defines no subclass of cracktrader\.Strategy: found Foo, Bar"):
        load_strategy(write(tmp_path, "class Foo: pass\nclass Bar: pass\n"))
    with pytest.raises(ConfigError, match="found no class"):
        load_strategy(write(tmp_path, "x = 1\n", "empty.py"))


def test_a_missing_file_and_a_file_of_another_kind_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.py: no such file"):
        load_strategy(tmp_path / "none.py")
    with pytest.raises(ConfigError, match="is a folder, not a strategy file"):
        load_strategy(tmp_path)
    with pytest.raises(ConfigError, match=r"a strategy file ends in \.py"):
        load_strategy(write(tmp_path, ONE, "mine.txt"))


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("def f(:\n", "SyntaxError"),
        ("raise SystemExit(3)\n", "3"),
    ],
)
def test_a_file_that_raises_is_a_strategy_error_with_the_end_of_its_traceback(
    tmp_path: Path, text: str, last: str
) -> None:
    with pytest.raises(StrategyError, match="raised while it was imported") as caught:
        load_strategy(write(tmp_path, text))
    assert last in str(caught.value).splitlines()[-1] and "mine.py" in str(caught.value)


def test_parameters_take_the_type_of_their_default(tmp_path: Path) -> None:
    strategy = load_strategy(write(tmp_path, ONE))
    assert list(known_parameters(strategy)) == ["fast", "rate", "short", "name_of_it", "levels", "warm_up"]
    given = ["fast=5", "rate=2", "short=yes", "name_of_it=7", "levels=(3, 4)"]
    assert parse_parameters(strategy, given) == {
        "fast": 5,
        "rate": 2.0,
        "short": True,
        "name_of_it": "7",
        "levels": (3, 4),
    }


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("fast", "write NAME=VALUE"),
        ("quick=5", "Cross has no parameter quick: it has fast, rate, short, name_of_it, levels, warm_up"),
        ("_inner=5", "no parameter _inner"),
        ("fast=2.5", r"Cross parameter fast=2.5: '2.5' is not of type int \(default 10\)"),
        ("short=maybe", "'maybe' is not of type bool"),
    ],
)
def test_a_bad_parameter_is_a_config_error(tmp_path: Path, pair: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_parameters(load_strategy(write(tmp_path, ONE)), [pair])


def test_a_file_that_takes_long_to_import_is_named_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(strategy_file, "SLOW_IMPORT_S", 0.05)
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(0.5)\nfrom cracktrader import Strategy\nclass Slow(Strategy): pass\n")
    assert load_strategy(slow).__name__ == "Slow"
    assert capsys.readouterr().err == f"{slow} is still being imported after 0.05 s: Ctrl-C ends it\n"

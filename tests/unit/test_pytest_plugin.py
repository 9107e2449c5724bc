"""The pytest plugin, run by pytest inside pytest: pins are written, hold, fail with what differs first, and are written anew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy
import polars
import pytest

import cracktrader.testing

IMPORTED_BEFORE = (numpy, polars)
"""A run inside this process takes back what it imported, and these cannot be imported twice."""
pytest_plugins = ["pytester"]

TEST = """
import cracktrader as ct
from cracktrader.data import random_walk

class Mine(ct.Strategy):
    every: int = {every}
    count = 0

    def on_bar(self, ctx, bar):
        self.count += 1
        if self.count % self.every == 0:
            ctx.target({target} if self.count % (2 * self.every) else 0)

def run(**options):
    return ct.backtest(Mine(), random_walk(seed=1, bars={bars}), engine={engine!r}, quiet=True, **options)

def test_mine(pin_run):
    pin_run(run(fees={fees}))
"""


def written(pytester: pytest.Pytester, **changes: object) -> None:
    """The user's test file, with one thing or another changed."""
    values = {"every": 10, "bars": 200, "fees": 0.001, "target": 1, "engine": "python"} | changes
    pytester.makepyfile(test_mine=TEST.format(**values))


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest("-p", "cracktrader.testing", "-p", "no:cacheprovider", *arguments)


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def pinned(pytester: pytest.Pytester) -> Path:
    """A test that has been pinned."""
    written(pytester)
    done = run(pytester)
    done.assert_outcomes(passed=1)
    path = pytester.path / "__pins__" / "test_mine.test_mine.json"
    done.stdout.fnmatch_lines(
        ["*cracktrader pins*", f"written {Path('__pins__') / path.name}: look at it and commit it"]
    )
    return path


def test_a_pin_that_is_not_there_is_written_and_holds(pytester: pytest.Pytester, pinned: Path) -> None:
    pin = json.loads(pinned.read_text(encoding="utf-8"))
    assert (pin["format"], pin["version"]) == ("cracktrader-pin", 1)
    assert pin["strategies"] == [{"name": "Mine", "parameters": {"every": 10}}]
    assert pin["fills"]["count"] == len(pin["fills"]["rows"]) > 10 and len(pin["state_hash"]) == 64
    before = pinned.read_bytes()
    again = run(pytester)
    again.assert_outcomes(passed=1)
    again.stdout.no_fnmatch_line("*cracktrader pins*")
    assert pinned.read_bytes() == before


@pytest.mark.rust
@pytest.mark.usefixtures("pinned")
def test_a_pin_holds_for_either_core(pytester: pytest.Pytester) -> None:
    written(pytester, engine="rust")
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"every": 11}, ["parameters:", "  Mine.every: pinned 10, now 11"]),
        ({"bars": 150}, ["data:", "  data bars: rows: pinned 200, now 150"]),
        (
            {"fees": 0.002},
            ["configuration:", "  instruments[[]data].maker_fee: pinned 0.001 (10 bps), now 0.002 (20 bps)"],
        ),
        ({"target": 2}, ["*configuration are the same: the strategy's code is another one"]),
    ],
    ids=["parameter", "data", "option", "code"],
)
def test_another_run_fails_with_what_differs_first(
    pytester: pytest.Pytester, pinned: Path, changes: dict[str, object], said: list[str]
) -> None:
    before = pinned.read_bytes()
    written(pytester, **changes)
    failed = run(pytester)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(
        [
            "the run is not the pinned one of *test_mine.test_mine.json",
            *said,
            "first fill that differs, number *:",
            "  pinned  *",
            "  now *",
            "profit: pinned * USD, now * USD (*)",
            "if that is wanted: pytest --cracktrader-update-pins 'test_mine.py::test_mine'",
        ]
    )
    failed.stdout.no_fnmatch_line("*Traceback*")
    assert pinned.read_bytes() == before


def test_pins_are_written_anew_when_that_is_asked_for(pytester: pytest.Pytester, pinned: Path) -> None:
    written(pytester, every=11)
    updated = run(pytester, "--cracktrader-update-pins")
    updated.assert_outcomes(passed=1)
    updated.stdout.fnmatch_lines(["updated *test_mine.test_mine.json: look at it and commit it"])
    assert json.loads(pinned.read_text(encoding="utf-8"))["strategies"][0]["parameters"] == {"every": 11}
    run(pytester).assert_outcomes(passed=1)
    before = pinned.read_bytes()
    run(pytester, "--cracktrader-update-pins").stdout.no_fnmatch_line("updated *")
    assert pinned.read_bytes() == before


def test_in_ci_a_pin_that_is_not_there_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    written(pytester)
    monkeypatch.setenv("CI", "true")
    failed = run(pytester)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(["there is no pin *test_mine.test_mine.json: run the test once where CI is not set*"])
    assert not (pytester.path / "__pins__").exists()


def test_in_ci_a_pin_that_is_there_holds(
    pytester: pytest.Pytester, pinned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    run(pytester).assert_outcomes(passed=1)
    assert pinned.is_file()


def test_runs_of_one_test_and_of_several_cases_have_pins_of_their_own(pytester: pytest.Pytester) -> None:
    written(pytester)
    more = """
import pytest
from test_mine import run

@pytest.mark.parametrize("path", ["a/b", "a-b"])
def test_cases(pin_run, path):
    pin_run(run())

class TestGroup:
    def test_two(self, pin_run):
        pin_run(run(), name="free")
        pin_run(run(fees=0.01), name="dear")

    def test_twice(self, pin_run):
        pin_run(run())
        pin_run(run(fees=0.01))
"""
    pytester.makepyfile(test_more=more)
    first = run(pytester)
    first.assert_outcomes(passed=4, failed=1)
    first.stdout.fnmatch_lines(["test_more.TestGroup.test_twice.json is pinned twice in one test: *"])
    names = sorted(one.name for one in (pytester.path / "__pins__").iterdir())
    assert len(names) == 6
    assert {"test_more.TestGroup.test_two-free.json", "test_more.TestGroup.test_two-dear.json"} < set(names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "*cannot be read as a pin*"),
        ('{"format": "else"}', "*is no pin: its format is not 'cracktrader-pin'*"),
        ('{"format": "cracktrader-pin", "version": 2}', "*has version 2, this program reads version 1*"),
        ('{"format": "cracktrader-pin", "version": 1}', "*is not whole: write it anew with --cracktrader-update-pins*"),
    ],
)
def test_a_file_that_is_no_pin_is_refused_and_can_be_written_anew(
    pytester: pytest.Pytester, pinned: Path, text: str, said: str
) -> None:
    pinned.write_text(text)
    failed = run(pytester)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines([said])
    run(pytester, "--cracktrader-update-pins").assert_outcomes(passed=1)
    run(pytester).assert_outcomes(passed=1)


def test_what_is_no_run_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_wrong(pin_run):\n    pin_run(17)\n")
    failed = run(pytester)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(["*ConfigError: pin_run takes the Result of ct.backtest, not 17"])


def test_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, pytest, cracktrader.testing; "
        "print([name for name in sys.modules if name.startswith('cracktrader.') or name in ('numpy', 'polars', 'plotly')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['cracktrader.testing']"


def test_the_package_names_its_plugin(repository: Path) -> None:
    # The name is the module's, so that `-p cracktrader.testing` does not register it twice.
    declared = (repository / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points.pytest11]\n"cracktrader.testing" = "cracktrader.testing"\n' in declared
    assert callable(cracktrader.testing.pin_path)

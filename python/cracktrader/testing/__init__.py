"""The pytest plugin: `pin_run` keeps what a run was in a file beside the test, and fails when a later run is another one.

    def test_my_strategy(pin_run):
        pin_run(ct.backtest(MyStrategy, "data.csv", fees=0.001))

pytest finds it by itself where the package is installed; `pytest --cracktrader-update-pins` writes pins anew. Nothing heavy is imported
before a test pins something. What a pin holds, and how two runs are compared, is in `testing.pins` and `analysis.diff`.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cracktrader.analysis.result import Result
    from cracktrader.runtime.outcome import RunOutcome

__all__ = ["PinRun", "pin_run", "pytest_addoption", "pytest_terminal_summary"]

FOLDER = "__pins__"
UPDATE = "--cracktrader-update-pins"
_NOTE = "cracktrader_pin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The switch that writes pins anew."""
    group = parser.getgroup("cracktrader", "pinned runs of cracktrader strategies")
    group.addoption(UPDATE, action="store_true", help="write the pins of the tests that run, whatever they held before")


class PinRun:
    """What the fixture `pin_run` gives: called with a finished run, it compares the run with the test's pin."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._item: pytest.Item = request.node
        self._updates = bool(request.config.getoption(UPDATE))
        self._used: set[Path] = set()

    def __call__(self, run: Result | RunOutcome, name: str = "") -> None:
        """Fail the test when the run is not the pinned one. `name` tells several runs of one test apart.

        A pin that is not there is written, and said so; where the variable CI is set it fails the test: a pin that is not there proves
        nothing. ConfigError for what is no finished run.
        """
        from cracktrader.testing import pins

        __tracebackhide__ = True
        path = pin_path(self._item, name)
        if path in self._used:
            pytest.fail(
                f'{path.name} is pinned twice in one test: give each run a name, as in pin_run(result, name="fast")',
                pytrace=False,
            )
        self._used.add(path)
        present = pins.pin_of(run)
        if self._updates:
            if pins.write(path, present):
                self._note("updated", path)
        elif not path.is_file():
            if is_ci():
                pytest.fail(
                    f"there is no pin {_shown(path)}: run the test once where CI is not set, look at what it wrote, and commit it",
                    pytrace=False,
                )
            pins.write(path, present)
            self._note("written", path)
        else:
            told = pins.difference(path, present)
            if told:
                pytest.fail(
                    f"the run is not the pinned one of {_shown(path)}\n{told}\nif that is wanted: pytest {UPDATE} {self._item.nodeid!r}",
                    pytrace=False,
                )

    def _note(self, what: str, path: Path) -> None:
        """For the summary; properties of a test reach it from other processes too."""
        self._item.user_properties.append((_NOTE, f"{what} {_shown(path)}"))


@pytest.fixture
def pin_run(request: pytest.FixtureRequest) -> PinRun:
    """Pin a finished run: `pin_run(ct.backtest(...))`. The pin lies in __pins__ beside the test; commit it."""
    return PinRun(request)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which pins were written."""
    reports = [one for outcome in ("passed", "failed") for one in terminalreporter.stats.get(outcome, [])]
    notes = [value for one in reports for name, value in getattr(one, "user_properties", []) if name == _NOTE]
    if notes:
        terminalreporter.section("cracktrader pins")
        for note in dict.fromkeys(notes):
            terminalreporter.line(f"{note}: look at it and commit it")


def pin_path(item: pytest.Item, name: str = "") -> Path:
    """Where the pin of a test lies: __pins__/FILE.TEST.json beside it."""
    spelled = ".".join([item.path.stem, *item.nodeid.split("::")[1:]]) + (f"-{name}" if name else "")
    plain = re.sub(r"[^A-Za-z0-9_.=+-]+", "-", spelled).strip("-")
    if plain.strip("-") != spelled.replace("[", "-").replace("]", "").strip("-"):
        plain += "-" + sha256(spelled.encode()).hexdigest()[:8]
    return item.path.parent / FOLDER / f"{plain}.json"


def is_ci() -> bool:
    """Whether this is a run of continuous integration, as its services say it."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def _shown(path: Path) -> str:
    """The path from the working folder where it lies in it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

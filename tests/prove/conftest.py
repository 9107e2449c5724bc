"""Counts what the proofs try, and keeps it: the long form writes results.json, row by row, of which docs/reference/reliability.md is made.

Deliberately not here: the proofs, and the words of the page (docs/reliability_page.py).
"""

from __future__ import annotations

import json
import platform
from collections.abc import Generator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from cracktrader.backend import available
from cracktrader.core.codec import CONTRACT_HASH, JOURNAL_FORMAT
from tests.prove.story import PROVE, Count

RESULTS = Path(__file__).with_name("results.json")
REPORT = pytest.StashKey[pytest.TestReport]()
_tried: dict[str, dict[str, Any]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep how a test went."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Generator[Count]:
    """Count cases of a row; what was counted stands when the test passed, else the row failed."""
    counted: dict[str, int] = {}

    def count(row: str, cases: int) -> None:
        counted[row] = counted.get(row, 0) + cases

    yield count
    report = request.node.stash.get(REPORT, None)
    for row, cases in counted.items():
        kept = _tried.setdefault(row, {"cases": 0, "failed": [], "seconds": 0.0})
        kept["cases"] += cases
        if report is None or not report.passed:
            kept["failed"].append(request.node.name)
        kept["seconds"] = round(kept["seconds"] + (0 if report is None else report.duration), 1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what the long form tried."""
    if not PROVE or not _tried:
        return
    made_with = {
        "cracktrader": version("cracktrader"),
        "contract": CONTRACT_HASH,
        "journal_format": JOURNAL_FORMAT,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "rust": available(),
    }
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    # What another version of the program showed is nothing of this one.
    rows = kept["rows"] if {name: kept.get(name) for name in made_with} == made_with else {}
    today = datetime.now(UTC).date().isoformat()
    rows |= {row: {"date": today} | tried for row, tried in _tried.items()}
    document = made_with | {"rows": dict(sorted(rows.items()))}
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

"""Counts what the proofs try, and keeps it: the long form writes results.json, row by row, of which docs/reference/reliability.md is made.

A plugin, named in tests/conftest.py, so that it counts what workers report as well. Deliberately not here: the proofs, and the words of the
page (docs/reliability_page.py).
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.prove.story import PROVE, Count

RESULTS = Path(__file__).with_name("results.json")

_tried: dict[str, dict[str, Any]] = {}


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Count:
    """Count cases of a row; what was counted stands when the test passes, else the row failed."""
    counted: dict[str, int] = {}
    request.node.user_properties.append(("proof", counted))

    def count(row: str, cases: int) -> None:
        counted[row] = counted.get(row, 0) + cases

    return count


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add what a test counted to its rows."""
    if report.when != "call":
        return
    for name, counted in report.user_properties:
        if name == "proof" and isinstance(counted, dict):
            for row, cases in counted.items():
                kept = _tried.setdefault(row, {"cases": 0, "failed": [], "seconds": 0.0})
                kept["cases"] += cases
                kept["seconds"] = round(kept["seconds"] + report.duration, 1)
                kept["failed"] += [] if report.passed else [report.nodeid]
    # After every test, so that a long form which is cut short has shown what it has shown.
    if PROVE and "PYTEST_XDIST_WORKER" not in os.environ:
        keep(_tried)


def keep(tried: dict[str, dict[str, Any]]) -> None:
    """Replace the rows that were run; what another version of the program showed is nothing of this one."""
    from cracktrader.backend import available
    from cracktrader.core.codec import CONTRACT_HASH, JOURNAL_FORMAT

    made_with = {
        "cracktrader": version("cracktrader"),
        "contract": CONTRACT_HASH,
        "journal_format": JOURNAL_FORMAT,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "rust": available(),
    }
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    rows = kept["rows"] if {name: kept.get(name) for name in made_with} == made_with else {}
    today = datetime.now(UTC).date().isoformat()
    rows |= {row: {"date": today} | one for row, one in tried.items()}
    RESULTS.write_text(json.dumps(made_with | {"rows": dict(sorted(rows.items()))}, indent=1) + "\n", encoding="utf-8")

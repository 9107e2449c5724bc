"""What every Python test may ask for: the engine under test, recordings beside the checkout, the switch that does
without the extension.

Deliberately not here: any knowledge of trading, and any skip because the extension is missing. Without
`--without-extension` a missing extension is a failure.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.prove.counted"]
REPOSITORY = Path(__file__).resolve().parents[1]
EXTENSION = "cracktrader._core"
NEEDS_EXTENSION = ("parity", "rust")

# A shared machine is slow at times, and a failing example must fail again: no deadline, no random seed.
settings.register_profile("test", deadline=None, derandomize=True, database=None)
settings.register_profile("prove", deadline=None, derandomize=True, database=None, max_examples=5_000)
settings.load_profile("prove" if os.environ.get("CRACKTRADER_PROVE") == "1" else "test")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the one switch that deselects everything which needs the Rust core."""
    parser.addoption(
        "--without-extension",
        action="store_true",
        help="run only what needs no Rust core, and make the extension impossible to import",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Hide an installed extension, so that the switch proves something on a machine that has one."""
    if config.getoption("--without-extension"):
        sys.modules[EXTENSION] = None  # type: ignore[assignment]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests marked `parity` or `rust` when the switch is given."""
    if not config.getoption("--without-extension"):
        return
    dropped = [item for item in items if needs_extension(item)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if not needs_extension(item)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, never skip, a test that needs an extension which is not there."""
    if needs_extension(item) and importlib.util.find_spec(EXTENSION) is None:
        pytest.fail("the Rust core is not built: run `make setup`, or give --without-extension", pytrace=False)


def needs_extension(item: pytest.Item) -> bool:
    """Whether a test carries one of the marks that say so."""
    return any(item.get_closest_marker(name) for name in NEEDS_EXTENSION)


@pytest.fixture(autouse=True)
def _own_import_path() -> Iterator[None]:
    """A strategy file puts its folder on the import path; no other test may find it there."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture(params=["python", pytest.param("rust", marks=pytest.mark.rust)])
def engine(request: pytest.FixtureRequest) -> str:
    """Return the name of the core under test: a contract test runs once on each."""
    return str(request.param)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of recordings that may lie beside the checkout; skip where there is none."""
    shared = Path(os.environ.get("CRACKTRADER_SHARED") or REPOSITORY.parent / "shared")
    folder = shared / "data"
    if not folder.is_dir():
        pytest.skip("no recordings beside the checkout (set CRACKTRADER_SHARED to the folder that holds data/)")
    return folder

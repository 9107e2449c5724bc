"""`cracktrader doctor` and `version`: what is installed, whether it works, and the remedy where it does not.

Nothing is written and nothing is downloaded.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from cracktrader.cli.console import print_json, print_table, say

DEPENDENCIES = ("msgspec", "numpy", "plotly", "polars", "rich", "typer")
OPTIONAL = ("pandas", "pyarrow")


@dataclass(frozen=True)
class Check:
    """One line of the diagnosis; `remedy` is empty where nothing is wrong."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def run_doctor(as_json: bool) -> int:
    """Check everything; returns 0 when nothing is wrong, else 1."""
    checks = diagnose()
    sound = all(check.ok for check in checks)
    if as_json:
        print_json(
            {"command": "doctor", "ok": sound, "checks": [asdict(c) for c in checks], "exit_code": int(not sound)}
        )
        return int(not sound)
    print_table(("check", "", "found"), [(c.name, "ok" if c.ok else "WRONG", c.found) for c in checks], numbers=False)
    for check in checks:
        if check.remedy:
            say(f"\n{check.name}: {check.remedy}")
    say()
    say(
        "everything is in order" if sound else f"{sum(not check.ok for check in checks)} of {len(checks)} checks failed"
    )
    return int(not sound)


def diagnose() -> list[Check]:
    """Every check, in the order in which they are shown."""
    return [
        _python(),
        Check("platform", True, f"{platform.system()} {platform.release()} {platform.machine()}"),
        Check("cracktrader", True, f"{package_version()} in {Path(__file__).parents[1]}"),
        _guarded("rust core", _rust_core),
        *(_dependency(name) for name in DEPENDENCIES),
        *(_optional(name) for name in OPTIONAL),
        _guarded("bundled data", _bundled_data),
        _guarded("cores agree", _cores_agree),
    ]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """A diagnosis must not die of the illness: whatever a check raises is its finding."""
    try:
        return check()
    except Exception as error:
        return Check(
            name, False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", str(error)
        )


def _python() -> Check:
    found = f"{platform.python_version()} ({sys.executable})"
    wanted = sys.version_info >= (3, 11)
    return Check("python", wanted, found, "" if wanted else "cracktrader needs Python 3.11 or newer")


def _rust_core() -> Check:
    from cracktrader import backend

    cores = backend.describe()
    if cores["rust"]:
        same = cores["rust_contract_hash"] == cores["contract_hash"]
        found = f"contract {cores['contract_version']}, {cores['contract_hash'][:16]}"
        return Check(
            "rust core", same, found, "" if same else "built for another contract: build it again (`make setup`)"
        )
    return Check(
        "rust core",
        False,
        "not built",
        'install a Rust toolchain and run `pip install .` in the source folder; engine="python" works without it',
    )


def _dependency(name: str) -> Check:
    try:
        return Check(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, False, "missing", f"pip install {name}")


def _optional(name: str) -> Check:
    try:
        return Check(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, True, "not installed (optional)")


def _bundled_data() -> Check:
    from cracktrader.data import load, samples

    read = [load(f"sample:{name}")[0] for name in samples()]
    found = ", ".join(f"{bars.symbol} {len(bars):,} bars" for bars in read)
    return Check(
        "bundled data", bool(read), found or "none", "" if read else "the package is incomplete: install it again"
    )


def _cores_agree() -> Check:
    """A short run on both cores must end in the same state."""
    from cracktrader import backend

    if not backend.available():
        return Check("cores agree", True, "not compared: the Rust core is not built")
    from cracktrader.analysis.backtest import backtest
    from cracktrader.cli.demo import STRATEGY_TEXT
    from cracktrader.cli.strategy_file import load_source
    from cracktrader.data import load, sample

    strategy, data = load_source(STRATEGY_TEXT), load(sample("sp500_1d").head(400))
    digests = {engine: backtest(strategy(), data, engine=engine).state_hash for engine in ("python", "rust")}
    same = digests["python"] == digests["rust"]
    remedy = "" if same else "the extension is of another version than the package: build it again"
    return Check("cores agree", same, f"state {digests['rust'][:16]}" if same else str(digests), remedy)


def package_version() -> str:
    """The installed version; where the package runs from a source folder, that is said instead."""
    try:
        return metadata.version("cracktrader")
    except metadata.PackageNotFoundError:
        return "0+source"


def run_version(as_json: bool) -> int:
    """Print versions; always 0."""
    from cracktrader import backend

    core: dict[str, Any] = dict(backend.describe())
    if as_json:
        document = {"command": "version", "version": package_version(), "rust_core": backend.available(), **core}
        print_json({**document, "python": platform.python_version(), "exit_code": 0})
        return 0
    rust = "with the Rust core" if backend.available() else "without the Rust core"
    say(f"cracktrader {package_version()} {rust}, Python {platform.python_version()}")
    for key, value in core.items():
        say(f"{key:<18}{value}")
    return 0

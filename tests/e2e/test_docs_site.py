"""The documentation site builds: no broken link, no page outside the navigation, no name that has no docstring page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr
    reference = (tmp_path / "site" / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ("backtest", "Strategy", "StrategyContext", "Result", "load", "ConfigError"):
        assert f">{name}<" in reference or f".{name}" in reference, name

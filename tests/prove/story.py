"""What the proofs run on: bars that nobody traded, folders that sync nothing, and how many cases the short and the long form have.

Deliberately not here: the faults.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from cracktrader.data.columns import BarColumns
from cracktrader.data.loading import load
from cracktrader.data.synthetic import random_walk
from cracktrader.journal.files import Folder

PROVE = os.environ.get("CRACKTRADER_PROVE") == "1"
"""The long form."""


LONG = [pytest.mark.prove] if PROVE else []
"""The mark of every test here: in the long form all of them are run by it, else none has it."""


Count = Callable[[str, int], None]
"""Told how many cases of which row of docs/reference/reliability.md were tried."""


def cases(short: int, long: int) -> int:
    """How many, in the form that is run."""
    return long if PROVE else short


@cache
def bars(count: int, seed: int = 5) -> tuple[BarColumns, ...]:
    """Loaded bars."""
    return tuple(load(random_walk(bars=count, seed=seed)))  # type: ignore[arg-type]  # bars only


def segments(folder: Path) -> dict[str, bytes]:
    """A journal's files."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.ctj"))}


class Hasty(Folder):
    """A real folder that syncs nothing, for what is not about to lose anything."""

    def sync(self, handle: int) -> None:
        """At once."""

    def sync_folder(self) -> None:
        """At once."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a while, in memory where the system has such a place."""
    memory = Path(os.sep, "dev", "shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        yield Path(place)

"""A disk that loses what no sync asked for: every operation on it is logged, and after a power cut at any of them it holds what a disk may.

Of a file: what its last fdatasync returned for is there. Anything later is lost, kept, or torn: each page of 512 bytes or 4 KiB by
itself is as it was at some moment since, and where nothing was written yet zeros, or garbage; its size is one that it had. Of a folder:
each create, rename and remove since its last fsync happened or did not, whatever happened to the others. Deliberately not here: what is
written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

from cracktrader.journal import folder as run_folder
from cracktrader.journal.files import Folder
from cracktrader.runtime import recording, recovery, setup
from tests.prove.story import Hasty

SECTOR, PAGE = 512, 4096


class Operation(NamedTuple):
    """Something that was done: `kind` is create, write, cut, sync, sync_folder, rename, remove or acknowledge."""

    kind: str
    folder: str = ""
    name: str = ""
    inode: int = 0
    content: bytes = b""
    """Of the file, after it."""
    seq: int = -1
    """What was acknowledged."""


@dataclass
class Disk:
    """The log of what was done in the folders below `root`, which are real, so that everything else reads them as ever."""

    root: Path
    log: list[Operation] = field(default_factory=list)
    garbage: bool = False
    """Whether pages that were not written hold what others once wrote there, as where a file system does not order data before sizes."""
    settled: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Files that were durable before the log: (folder, name) to content."""
    inodes: dict[tuple[str, str], int] = field(default_factory=dict)
    contents: dict[int, bytearray] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @classmethod
    def holding(cls, root: Path, folders: tuple[str, ...]) -> Disk:
        """A disk on which everything in these folders is durable."""
        disk = cls(root)
        for folder in folders:
            for path in sorted((root / folder).iterdir()) if (root / folder).is_dir() else ():
                if path.is_file():
                    disk.settled[folder, path.name] = path.read_bytes()
                    disk._appears(folder, path.name, path.read_bytes())
        return disk

    def _appears(self, folder: str, name: str, content: bytes) -> int:
        inode = next(self.numbers)
        self.inodes[folder, name], self.contents[inode] = inode, bytearray(content)
        return inode

    def acknowledge(self, seq: int) -> None:
        """Somebody was told that this step is safe."""
        self.log.append(Operation("acknowledge", seq=seq))

    def acknowledged(self, until: int) -> int:
        """The last step that was acknowledged before an operation, -1 for none."""
        return max((one.seq for one in self.log[:until]), default=-1)

    # --- what is done

    def folder(self, path: Path | str) -> Folder:
        """A folder whose operations are logged. What is synced is not: only the log says what survives."""
        return _Logged(self, path)

    def did(self, kind: str, folder: str, name: str, content: bytes | None = None) -> None:
        """Log an operation on a file by its name."""
        inode = self._appears(folder, name, b"") if kind == "create" else self.inodes.get((folder, name), 0)
        self.did_to(kind, folder, inode, content, name)

    def did_to(self, kind: str, folder: str, inode: int, content: bytes | None = None, name: str = "") -> None:
        """Log an operation on an open file."""
        if content is not None:
            self.contents[inode] = bytearray(content)
        held = bytes(self.contents.get(inode, b"")) if kind in ("create", "write", "cut", "sync") else b""
        self.log.append(Operation(kind, folder, name, inode, held))

    def renamed(self, folder: str, old: str, new: str) -> None:
        """Log a rename."""
        inode = self.inodes.pop((folder, old))
        self.inodes[folder, new] = inode
        self.log.append(Operation("rename", folder, f"{old}/{new}", inode))

    # --- what is left

    def after_a_cut(self, at: int, random: Random, into: Path) -> None:
        """Write into a folder what the disk may hold when the power goes before the operation `at`."""
        for (folder, name), inode in self._names(at, random).items():
            content = self._content(at, inode, random)
            (into / folder).mkdir(parents=True, exist_ok=True)
            (into / folder / name).write_bytes(content)

    def _names(self, at: int, random: Random) -> dict[tuple[str, str], int]:
        """The names that are there: the settled ones, and of the others some."""
        durable: dict[tuple[str, str], int] = {}
        pending: dict[str, list[Operation]] = {}
        for number, key in enumerate(self.settled, start=1):
            durable[key] = number
        for one in self.log[:at]:
            if one.kind in ("create", "rename", "remove"):
                pending.setdefault(one.folder, []).append(one)
            elif one.kind == "sync_folder":
                for done in pending.pop(one.folder, []):
                    _apply(durable, done)
        fate = random.choice(("all", "none", "some"))
        for folder in pending.values():
            for done in folder:
                if fate == "all" or (fate == "some" and random.random() < 0.5):
                    _apply(durable, done)
        return durable

    def _content(self, at: int, inode: int, random: Random) -> bytes:
        """What is in a file: one of the states since its last sync, or pages of several."""
        keys = list(self.settled)
        states = [self.settled[keys[inode - 1]] if inode <= len(keys) else b""]
        for one in self.log[:at]:
            if one.inode != inode or one.kind not in ("create", "write", "cut", "sync"):
                continue
            states = [one.content] if one.kind == "sync" else [*states, one.content]
        fate = random.choice(("lost", "kept", "torn", "torn"))
        if fate == "lost" or len(states) == 1:
            return states[0]
        return states[-1] if fate == "kept" else torn(states, random, self.garbage)


def torn(states: list[bytes], random: Random, garbage: bool) -> bytes:
    """Pages of several states of a file, in a size that it had."""
    page = random.choice((SECTOR, PAGE))
    filled = random.randbytes(page) if garbage else bytes(page)
    size = len(random.choice(states[1:]))
    made = bytearray()
    for start in range(0, size, page):
        state = random.choice((states[0], states[-1], random.choice(states)))
        piece = state[start : start + page]
        # A page that was not written at all holds what was on the disk; behind the end of a file a page is zeros.
        made += piece.ljust(page, b"\0") if piece else filled
    return bytes(made[:size])


def _apply(names: dict[tuple[str, str], int], done: Operation) -> None:
    if done.kind == "create":
        names[done.folder, done.name] = done.inode
    elif done.kind == "remove":
        names.pop((done.folder, done.name), None)
    else:
        old, new = done.name.split("/")
        names.pop((done.folder, old), None)
        names[done.folder, new] = done.inode


class _Logged(Folder):
    """A real folder whose operations are told to a disk."""

    def __init__(self, disk: Disk, path: Path | str) -> None:
        super().__init__(path)
        self._disk = disk
        self._key = str(self.path.relative_to(disk.root))
        self._open: dict[int, int] = {}

    def create(self, name: str) -> int:
        handle = super().create(name)
        self._disk.did("create", self._key, name)
        self._open[handle] = self._disk.inodes[self._key, name]
        return handle

    def reopen(self, name: str, size: int) -> int:
        inode = self._disk.inodes[self._key, name]
        handle = super().reopen(name, size)
        if len(self._disk.contents[inode]) > size:
            self._disk.did_to("cut", self._key, inode, bytes(self._disk.contents[inode][:size]))
        self._open[handle] = inode
        return handle

    def write(self, handle: int, data: bytes) -> int:
        taken = super().write(handle, data)
        inode = self._open[handle]
        self._disk.did_to("write", self._key, inode, bytes(self._disk.contents[inode]) + data[:taken])
        return taken

    def sync(self, handle: int) -> None:
        self._disk.did_to("sync", self._key, self._open[handle])

    def sync_folder(self) -> None:
        self._disk.did("sync_folder", self._key, "")

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._disk.renamed(self._key, old, new)

    def remove(self, name: str) -> None:
        super().remove(name)
        self._disk.did("remove", self._key, name)
        self._disk.inodes.pop((self._key, name), None)


@contextmanager
def on(disk: Disk, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Everything that keeps a run goes through the disk; `wrap` gets each machine that is made."""
    made = setup.machine
    with through(disk.folder), patch.object(setup, "machine", lambda *given, **named: wrap(made(*given, **named))):
        yield


def hastily() -> AbstractContextManager[None]:
    """Everything that keeps a run goes to real folders, and nothing is synced."""
    return through(Hasty)


@contextmanager
def through(kind: Callable[[Path], Folder]) -> Iterator[None]:
    """Everything that keeps a run goes through folders of the kind."""
    told = recording.spec_of

    def spec_of(run: Any, *others: Any) -> Any:
        return told(run, *others)._replace(files=kind(run.journal.path))

    with ExitStack() as stack:
        for place in (run_folder, recovery):
            stack.enter_context(patch.object(place, "Folder", kind))
        for place in (recording, recovery):
            stack.enter_context(patch.object(place, "spec_of", spec_of))
        yield

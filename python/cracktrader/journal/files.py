"""The file system as a run's folder uses it: `Files`, one folder and its few operations, and `Folder`, the real one.

A test that injects faults brings its own `Files`. What happens when an operation fails, or goes on half done, is decided by its callers:
here are only the two habits that they share, asking again after EINTR and replacing a file at once.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from cracktrader.errors import JournalUnreadable

T = TypeVar("T")
Handle: TypeAlias = Any
"""An open file; only its `Files` knows what it is."""

SEGMENT_FRAME, SEAL_FRAME = 87, 49
"""Bytes of the frame that opens a segment, and of the one that ends a block."""
TEMPORARY = ".part"
"""The end of the name of a file that is not yet in its place."""
_SEGMENT = re.compile(r"(\d{6,})\.ctj")


class Files(Protocol):
    """One folder. Names are relative to it; every operation may raise OSError."""

    def create(self, name: str) -> Handle:
        """A new, empty file to write; FileExistsError when there is one of this name."""

    def reopen(self, name: str, size: int) -> Handle:
        """A file that is there, cut to `size` bytes, to be written at its end. It is never made longer."""

    def write(self, handle: Handle, data: bytes) -> int:
        """Append bytes; how many were taken, which may be fewer than given."""

    def sync(self, handle: Handle) -> None:
        """Return when what was written is on the medium (fdatasync)."""

    def close(self, handle: Handle) -> None:
        """Done with the file."""

    def sync_folder(self) -> None:
        """Return when the names of the folder are on the medium (fsync of the folder)."""

    def read(self, name: str) -> bytes:
        """All of a file."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of a file that has it."""

    def remove(self, name: str) -> None:
        """The file is gone."""

    def names(self) -> list[str]:
        """The names of the files, sorted."""


class Folder:
    """A folder of the file system, which exists when it is written to."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Folder({str(self.path)!r})"

    def create(self, name: str) -> int:
        """See Files."""
        return os.open(self.path / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)

    def reopen(self, name: str, size: int) -> int:
        """See Files. OSError (EINVAL) where the file is shorter than `size`: the missing bytes would be zeros that nobody wrote."""
        handle = os.open(self.path / name, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            held = os.fstat(handle).st_size
            if held < size:
                raise OSError(errno.EINVAL, f"it has {held} bytes, {size} are to be kept")
            if held > size:
                os.ftruncate(handle, size)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def write(self, handle: int, data: bytes) -> int:
        """See Files."""
        return os.write(handle, data)

    def sync(self, handle: int) -> None:
        """See Files."""
        os.fdatasync(handle)

    def close(self, handle: int) -> None:
        """See Files."""
        os.close(handle)

    def sync_folder(self) -> None:
        """See Files."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def read(self, name: str) -> bytes:
        """See Files."""
        return (self.path / name).read_bytes()

    def rename(self, old: str, new: str) -> None:
        """See Files."""
        (self.path / old).replace(self.path / new)

    def remove(self, name: str) -> None:
        """See Files."""
        (self.path / name).unlink()

    def names(self) -> list[str]:
        """See Files. None where there is no such folder."""
        try:
            return sorted(one.name for one in self.path.iterdir() if one.is_file())
        except FileNotFoundError:
            return []


def segment_name(number: int) -> str:
    """The name of the segment with this number, from 1."""
    return f"{number:06d}.ctj"


def segment_number(name: str) -> int | None:
    """The number of a segment by its name; None for a file that is none."""
    found = _SEGMENT.fullmatch(name)
    return int(found[1]) if found else None


def place(files: Files, name: str) -> str:
    """A file as an error names it: with its folder where there is a real one."""
    folder = getattr(files, "path", None)
    return name if folder is None else str(Path(folder) / name)


def again(call: Callable[[], T]) -> T:
    """What a call answers; an interrupted system call did nothing and is made again."""
    while True:
        with suppress(InterruptedError):
            return call()


def write_all(files: Files, handle: Handle, data: bytes) -> None:
    """Write every byte, in as many calls as it takes. OSError where the file takes no more."""
    while data:
        rest = data
        taken = again(lambda: files.write(handle, rest))  # noqa: B023 - called at once
        if not 1 <= taken <= len(data):
            raise OSError(errno.EIO, "it takes no more bytes")
        data = data[taken:]


def close_quietly(files: Files, handle: Handle) -> None:
    """Close what was synced before, or failed already: nothing is learned from how that goes."""
    with suppress(OSError):
        files.close(handle)


def put(files: Files, name: str, data: bytes, *, durable: bool = True) -> None:
    """Write a file that is there whole or not at all, in place of one of that name: temporary file, fsync, rename, fsync of the folder.

    OSError at the first step that fails; what was there before is then still there, or the new file is, whole. Without `durable` nothing is
    synced: the file survives the death of the process, not a power cut.
    """
    temporary = name + TEMPORARY
    if temporary in again(files.names):
        again(lambda: files.remove(temporary))
    handle = again(lambda: files.create(temporary))
    try:
        write_all(files, handle, data)
        if durable:
            again(lambda: files.sync(handle))
    finally:
        close_quietly(files, handle)
    again(lambda: files.rename(temporary, name))
    if durable:
        again(files.sync_folder)


def read(files: Files, name: str) -> bytes:
    """All of a file. JournalUnreadable where it cannot be read."""
    try:
        return again(lambda: files.read(name))
    except OSError as error:
        raise JournalUnreadable(f"{place(files, name)} cannot be read: {error.strerror or error}") from error

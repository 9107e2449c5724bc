"""The folder of a run: where its parts lie, the lock of the process that writes it, and `run.json`, the side header.

The side header is everything that is not in the chain: engine, host, versions, strategy code and its hash, options, sync policy, status. It
proves nothing. Deliberately not here: what the parts hold.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cracktrader.errors import ConfigError, JournalError, JournalLocked, JournalUnreadable
from cracktrader.journal.files import Folder, again, put

FORMAT, VERSION = "cracktrader-journal", 1
SIDE_HEADER, LOCK, LOG = "run.json", "lock", "log.jsonl"


class RunFolder:
    """A run's folder. `create` makes one, `open` takes one that is there; who writes holds `lock`."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.journal = Folder(self.path / "journal")
        self.checkpoints = Folder(self.path / "checkpoints")
        self.torn = Folder(self.path / "torn")
        self.data = self.path / "data"
        self.log = self.path / LOG
        self._top = Folder(self.path)
        self._lock: int | None = None

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @classmethod
    def create(cls, path: Path | str, facts: dict[str, Any] | None = None) -> RunFolder:
        """A new run's folder, locked, with its side header.

        ConfigError where the folder holds anything, JournalLocked where another process makes one there, JournalError where the disk
        refuses.
        """
        run = cls(path)
        try:
            run.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"{run.path} cannot be made a run's folder: {error.strerror}: name a folder that can be"
            ) from error
        run._refuse_what_is_there()
        run.lock()
        try:
            # Another process may have been as far as this.
            run._refuse_what_is_there()
            for folder in (run.journal, run.checkpoints, run.torn):
                folder.path.mkdir()
            run.tell(**(facts or {}))
            again(Folder(run.path.absolute().parent).sync_folder)
        except OSError as error:
            run.unlock()
            raise JournalError(f"{run.path} cannot be made a run's folder: {error}: see to the disk") from error
        except BaseException:
            run.unlock()
            raise
        return run

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """A run's folder that is there, not locked. JournalUnreadable where it is none, or of a newer version."""
        run = cls(path)
        run.facts()
        return run

    def _refuse_what_is_there(self) -> None:
        found = sorted(one.name for one in self.path.iterdir() if one.name != LOCK)
        if found:
            listed = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
            remedy = "`cracktrader recover` goes on with a run" if SIDE_HEADER in found else "remove what is in it"
            raise ConfigError(f"{self.path} is not empty (it holds {listed}): name a new folder, or {remedy}")

    # --- the lock

    def lock(self) -> None:
        """Keep every other process from writing, until `unlock` or the end of this one. JournalLocked, naming the process that does."""
        if self._lock is not None:
            return
        path = self.path / LOCK
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            raise JournalUnreadable(f"{self.path} is not there") from None
        except OSError as error:
            raise JournalUnreadable(f"{path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "of another user or machine"
            os.close(handle)
            raise JournalLocked(f"{self.path} is written by process {holder}: wait for its end, or stop it") from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
        self._lock = handle

    def unlock(self) -> None:
        """Let other processes write."""
        if self._lock is not None:
            # The file stays: who waits for its name would else hold a lock on a file that is gone.
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None

    @contextmanager
    def locked(self) -> Iterator[RunFolder]:
        """The lock, while it is needed. JournalLocked."""
        self.lock()
        try:
            yield self
        finally:
            self.unlock()

    def is_written(self) -> bool:
        """Whether some process holds the lock now."""
        if self.is_locked:
            return True
        try:
            handle = os.open(self.path / LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    @property
    def is_locked(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock is not None

    # --- the side header

    def facts(self) -> dict[str, Any]:
        """The side header. JournalUnreadable where there is none, it is of a newer version, or no JSON."""
        path = self.path / SIDE_HEADER
        try:
            document = json.loads(again(lambda: self._top.read(SIDE_HEADER)))
        except (FileNotFoundError, NotADirectoryError):
            raise JournalUnreadable(f"{self.path} holds no run: {SIDE_HEADER} is missing") from None
        except OSError as error:
            raise JournalUnreadable(f"{path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise JournalUnreadable(f"{path} is no JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise JournalUnreadable(f"{path} is of no run: its format is not {FORMAT!r}")
        version = document.get("version")
        if not isinstance(version, int) or version > VERSION:
            raise JournalUnreadable(
                f"{path} is of version {version!r}; this program reads version {VERSION}: use a newer cracktrader"
            )
        return {name: value for name, value in document.items() if name not in ("format", "version")}

    def tell(self, **facts: Any) -> None:
        """Add to the side header, or replace what it says: all at once or not at all. JournalError where the disk refuses."""
        assert self.is_locked, "only who holds the lock may write"
        known = self.facts() if (self.path / SIDE_HEADER).exists() else {}
        document = {"format": FORMAT, "version": VERSION, **known, **facts}
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            put(self._top, SIDE_HEADER, text.encode())
        except OSError as error:
            raise JournalError(
                f"{self.path / SIDE_HEADER} cannot be written: {error}; what it said before stands"
            ) from error

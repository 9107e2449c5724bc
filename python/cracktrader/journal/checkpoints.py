"""Checkpoints on disk: each is a file that is there whole or not at all, and the newest two that are whole are kept.

A file is, in little-endian numbers: `CTCHECKP`, format u16, run_id, the journal's position (segment u32, offset u64, head, last seq u64,
pending first u64, pending count u64), seq u64, the core's payload and the host's state as canonical JSON (each a u64 length and bytes), and
SHA-256 of all that. Deliberately not here: what is in the payload (core/engine/checkpoint), and whether a log has the position
(`Scan.denies`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple

from cracktrader.core.engine.journal import JournalPosition
from cracktrader.errors import JournalError, JournalUnreadable
from cracktrader.journal.files import TEMPORARY, Files, again, place, put

MAGIC, VERSION = b"CTCHECKP", 1
_FRONT = Struct("<8sH")
_FACTS = Struct("<32sIQ32sQQQQ")
_LENGTH = Struct("<Q")
_HASH = 32
_NAME = re.compile(r"(\d{20})\.ctc")


class Checkpoint(NamedTuple):
    """A state to go on from."""

    run_id: bytes
    seq: int
    """Of the last step in it."""
    position: JournalPosition
    """How far the journal was."""
    payload: bytes
    """The core's state."""
    host: dict[str, Any]
    """What the strategies keep, and whatever else is not the core's: plain data."""


def checkpoint_name(seq: int) -> str:
    """The file of the checkpoint after this step."""
    return f"{seq:020d}.ctc"


def write(files: Files, checkpoint: Checkpoint, *, durable: bool = True) -> None:
    """Keep a checkpoint, on the medium on return unless not `durable`: then it is whole or not there after the death of the process, and
    a power cut may leave one that is ahead of its log (`Scan.denies`). Then all but it and the last whole one before it are removed, those
    of a later seq included: they are of a future that a recovery gave up.

    JournalError where the disk refuses, at whichever step: the checkpoints that were there are then still there, or this one is, whole.
    """
    name = checkpoint_name(checkpoint.seq)
    data = encode(checkpoint)
    try:
        put(files, name, data, durable=durable)
        _clear(files, name)
    except OSError as error:
        raise JournalError(
            f"the checkpoint {place(files, name)} cannot be kept: {error}; those before it still can be used: see to the disk"
        ) from error


def _clear(files: Files, newest_name: str) -> None:
    names = again(files.names)
    before = sorted((name for name in names if _NAME.fullmatch(name) and name < newest_name), reverse=True)
    kept = {newest_name, next((name for name in before if _is_whole(files, name)), "")}
    for name in names:
        unfinished = name.endswith(TEMPORARY)
        if unfinished or (_NAME.fullmatch(name) and name not in kept):
            again(partial(files.remove, name))


def _is_whole(files: Files, name: str) -> bool:
    try:
        decode(again(lambda: files.read(name)), name)
    except (OSError, ValueError, JournalUnreadable):
        return False
    return True


def newest(files: Files, skipped: Callable[[str], None]) -> Iterator[Checkpoint]:
    """The checkpoints that are whole, newest first; why another one is not used is told to `skipped`.

    JournalUnreadable for one of a newer version.
    """
    for name in _names(files):
        try:
            yield decode(again(partial(files.read, name)), place(files, name))
        except (OSError, ValueError) as error:
            skipped(f"{place(files, name)} is not used: {error}")


def _names(files: Files) -> list[str]:
    """The files of checkpoints, newest first; a file that was being written when the process died is none."""
    return sorted((name for name in again(files.names) if _NAME.fullmatch(name)), reverse=True)


def encode(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as its file. ValueError where the host's state is no plain data (NaN, or no JSON)."""
    try:
        host = json.dumps(checkpoint.host, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise ValueError(f"the state to keep is no plain data: {error}") from error
    told = host.encode()
    parts = (
        _FRONT.pack(MAGIC, VERSION),
        _FACTS.pack(checkpoint.run_id, *checkpoint.position, checkpoint.seq),
        _LENGTH.pack(len(checkpoint.payload)),
        checkpoint.payload,
        _LENGTH.pack(len(told)),
        told,
    )
    data = b"".join(parts)
    return data + sha256(data).digest()


def decode(data: bytes, name: str) -> Checkpoint:
    """The checkpoint of a file. ValueError where it is not whole, JournalUnreadable where it is of a newer version."""
    if len(data) < _FRONT.size + _FACTS.size + 2 * _LENGTH.size + _HASH or data[:8] != MAGIC:
        raise ValueError(f"its {len(data)} bytes are no checkpoint")
    version = _FRONT.unpack_from(data)[1]
    whole = sha256(memoryview(data)[:-_HASH]).digest() == data[-_HASH:]
    if version > VERSION and whole:
        raise JournalUnreadable(
            f"{name} is a checkpoint of version {version}; this program reads version {VERSION}: use a newer cracktrader"
        )
    if not whole:
        raise ValueError("its SHA-256 does not fit: it was cut off or changed")
    run_id, *position, seq = _FACTS.unpack_from(data, _FRONT.size)
    payload, at = _read(data, _FRONT.size + _FACTS.size)
    host, at = _read(data, at)
    if at != len(data) - _HASH:
        raise ValueError(f"{len(data) - _HASH - at} bytes after its end")
    return Checkpoint(run_id, seq, JournalPosition(*position), payload, json.loads(host))


def _read(data: bytes, at: int) -> tuple[bytes, int]:
    (length,) = _LENGTH.unpack_from(data, at)
    after = at + _LENGTH.size + length
    if after > len(data) - _HASH:
        raise ValueError(f"{length} bytes wanted at {at}, it has {len(data)}")
    return data[at + _LENGTH.size : after], after

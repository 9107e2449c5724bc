"""A head of the chain that lies outside the run's folder: what tells that the end of a journal was removed, or the whole of it replaced.

The chain shows every change in the middle; a journal cut off at a seal is a whole, shorter journal, and one written anew from the start is
right in itself. Against both helps only a head that whoever changed the journal could not reach. It may be signed: with HMAC-SHA256, which
is symmetric, so that everybody who can check a signature can also make one. The key stays with whoever keeps the anchors.
"""

from __future__ import annotations

import hmac
import re
from pathlib import Path
from typing import NamedTuple

from cracktrader.errors import ConfigError, JournalCorrupt, JournalUnreadable
from cracktrader.journal.reader import Scan

WORD, VERSION = "cracktrader-anchor", 1
KEY_LEAST = 16
"""Bytes of the shortest key."""
_LINE = re.compile(
    rf"{WORD} (?P<version>\d+) (?P<run_id>[0-9a-f]{{64}}) (?P<seq>\d+) (?P<head>[0-9a-f]{{64}})(?: hmac-sha256=(?P<mac>[0-9a-f]{{64}}))?"
)


class Anchor(NamedTuple):
    """The chain's head after a step, of a run."""

    run_id: bytes
    seq: int
    head: bytes


def anchor_of(scan: Scan) -> Anchor:
    """The last sealed head of a journal. What comes after the last seal is not in it."""
    last = scan.blocks[-1] if scan.blocks else None
    return Anchor(scan.run_id, -1, scan.run_id) if last is None else Anchor(scan.run_id, last.last_seq, last.head)


def format_anchor(anchor: Anchor, key: bytes | None = None) -> str:
    """An anchor as one line of text, signed where there is a key."""
    line = f"{WORD} {VERSION} {anchor.run_id.hex()} {max(anchor.seq, 0)} {anchor.head.hex()}"
    return line if key is None else f"{line} hmac-sha256={_mac(line, key)}"


def parse_anchor(text: str, key: bytes | None = None, *, name: str = "the anchor") -> Anchor:
    """The anchor of a line; `name` says where the line is from. With a key it must be signed by it.

    JournalUnreadable for what is no anchor or of a newer version, JournalCorrupt for a signature that does not fit.
    """
    found = _LINE.fullmatch(text.strip())
    words = text.split()
    if found is None or int(found["version"]) > VERSION:
        if words[:1] == [WORD] and len(words) > 1 and words[1] != str(VERSION):
            raise JournalUnreadable(
                f"{name} is of version {words[1]}; this program reads version {VERSION}: use a newer cracktrader"
            )
        raise JournalUnreadable(f"{name} is no anchor: `{WORD} {VERSION} RUN_ID SEQ HEAD` on one line was wanted")
    if key is not None:
        if found["mac"] is None:
            raise JournalCorrupt(f"{name} is not signed, and a key was given: it may be anybody's", file=name)
        if not hmac.compare_digest(found["mac"], _mac(text.strip().rpartition(" ")[0], key)):
            raise JournalCorrupt(
                f"{name}: its signature does not fit: it was changed, or signed with another key", file=name
            )
    return Anchor(bytes.fromhex(found["run_id"]), int(found["seq"]), bytes.fromhex(found["head"]))


def read_anchors(path: Path, key: bytes | None = None) -> list[Anchor]:
    """The anchors of a file, one a line; empty lines are passed over. JournalUnreadable, JournalCorrupt, naming file and line."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise JournalUnreadable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise JournalUnreadable(f"{path} holds no anchor")
    return [parse_anchor(line, key, name=f"{path}, line {number}") for number, line in lines]


def read_key(path: Path) -> bytes:
    """The key in a file, without the line feed at its end; it is never shown. ConfigError where it cannot be read or is short."""
    try:
        key = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"the key {path} cannot be read: {error.strerror}") from error
    if len(key) < KEY_LEAST:
        raise ConfigError(
            f"the key {path} has {len(key)} bytes, at least {KEY_LEAST} are wanted: make one with `openssl rand -hex 32`"
        )
    return key


def check(scan: Scan, anchor: Anchor) -> None:
    """The journal still has that head at that seq. JournalCorrupt where it is of another run, ends before, or says otherwise."""
    if anchor.run_id != scan.run_id:
        raise JournalCorrupt(f"the journal is of run {scan.run_id.hex()}, the anchor of {anchor.run_id.hex()}")
    if anchor.head == scan.run_id or any(
        block.head == anchor.head and max(block.last_seq, 0) == anchor.seq for block in reversed(scan.blocks)
    ):
        return
    sealed = max(scan.blocks[-1].last_seq, 0) if scan.blocks else 0
    if sealed < anchor.seq:
        what = f"the journal's last seal is at seq {sealed}, the anchor knows seq {anchor.seq}: the end was removed"
    else:
        what = f"the journal has another head at seq {anchor.seq} than the anchor: it was written anew"
    last = f"{len(scan.sizes):06d}.ctj"
    raise JournalCorrupt(what, file=last, offset=scan.sizes[-1], seq=scan.last_seq)


def _mac(line: str, key: bytes) -> str:
    return hmac.new(key, line.encode("ascii"), "sha256").hexdigest()

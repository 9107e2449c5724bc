"""Whether a run's folder says what was written: chain and framing, the data by its hash, and heads that lie outside.

Deliberately not here: replaying the run, which shows in addition that the records follow from each other. What no check of a folder alone
can show is said by `Verdict.unshown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cracktrader.errors import JournalCorrupt, JournalUnreadable
from cracktrader.journal.anchor import Anchor, check
from cracktrader.journal.datasets import load
from cracktrader.journal.folder import RunFolder
from cracktrader.journal.reader import Scan, Skim, scan

FALSE, UNREADABLE = 1, 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong."""

    message: str
    file: str = ""
    offset: int | None = None
    """Bytes into the file."""
    seq: int | None = None
    """The last step that is believed."""
    code: int = FALSE
    """The exit code of the command line: 1 false, 3 unreadable."""


@dataclass(slots=True)
class Verdict:
    """What a check of a run's folder found."""

    run: Path
    findings: list[Finding] = field(default_factory=list)
    scan: Scan | None = None
    """The journal, where it can be believed up to its end or a torn tail."""
    datasets: int = 0
    """Checked against their hash."""
    anchors: int = 0
    """Found in the chain."""
    anchors_given: int = 0
    """Held against it."""
    is_written: bool = False
    """A process is writing the run: its last frame may be half there."""

    @property
    def is_clean(self) -> bool:
        """Nothing is wrong."""
        return not self.findings

    @property
    def code(self) -> int:
        """The exit code: 0 clean, 1 false, 3 unreadable."""
        return min((finding.code for finding in self.findings), default=0)

    @property
    def unshown(self) -> str:
        """What this check cannot show, or ''."""
        if self.anchors or self.anchors_given:
            return ""
        return (
            "without an anchor from outside nobody can tell that the end was removed, or the whole journal written anew"
        )


def verify(run: Path | str, *, anchors: Sequence[Anchor] = (), data: bool = True, skim: Skim | None = None) -> Verdict:
    """Check the journal of a run's folder, its data (`data=False` leaves that out: it reads every column) and its anchors. `skim` makes it
    faster, and finds the same.

    JournalUnreadable where there is no journal, it may not be read or is of a newer version. What is false is in the findings.
    """
    folder = RunFolder(run)
    verdict = Verdict(folder.path, anchors_given=len(anchors), is_written=folder.is_written())
    try:
        found = verdict.scan = scan(folder.journal, skim)
    except JournalCorrupt as error:
        verdict.findings.append(_of(error))
        return verdict
    if found.torn is not None and not verdict.is_written:
        torn = found.torn
        what = f"a torn tail of {torn.size} bytes ({torn.reason}): a crash left it, or the end was changed"
        where = f"{folder.journal.path / torn.file}, offset {torn.offset}, after seq {found.last_seq}"
        message = f"{where}: {what}; `cracktrader recover` cuts it and goes on"
        verdict.findings.append(Finding(message, torn.file, torn.offset, found.last_seq))
    for anchor in anchors:
        try:
            check(found, anchor)
            verdict.anchors += 1
        except JournalCorrupt as error:
            verdict.findings.append(_of(error))
    if data:
        _check_data(folder, found, verdict)
    return verdict


def _check_data(folder: RunFolder, found: Scan, verdict: Verdict) -> None:
    for digest in dict.fromkeys(one.digest for one in found.header.datasets):
        if found.header.embedded and not (folder.data / f"{digest.hex()}.ipc").exists():
            continue
        try:
            load(folder.data, digest)
            verdict.datasets += 1
        except JournalCorrupt as error:
            verdict.findings.append(_of(error))
        except JournalUnreadable as error:
            verdict.findings.append(Finding(str(error), f"{digest.hex()}.ipc", code=UNREADABLE))


def _of(error: JournalCorrupt) -> Finding:
    return Finding(str(error), error.file, error.offset, error.seq)

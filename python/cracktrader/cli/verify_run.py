"""`cracktrader verify RUN` and `cracktrader anchor RUN`: whether a run's folder says what was written, and the line that tells later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.backend import skim
from cracktrader.cli.console import note, print_json, say
from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from cracktrader.journal.verify import Verdict


@dataclass(frozen=True)
class VerifyRequest:
    """What the command line asked for."""

    run: Path
    anchors: tuple[Path, ...]
    key: Path | None
    replay: bool
    quiet: bool
    as_json: bool


def run_verify(request: VerifyRequest) -> int:
    """Check, show; the exit code: 0 clean, 1 false, 3 unreadable."""
    from cracktrader.journal.anchor import read_anchors, read_key
    from cracktrader.journal.verify import verify

    if request.key is not None and not request.anchors:
        raise ConfigError(f"--key {request.key} checks the signature of an anchor: name the anchor by --anchor FILE")
    key = None if request.key is None else read_key(request.key)
    anchors = [anchor for path in request.anchors for anchor in read_anchors(path, key)]
    verdict = verify(request.run, anchors=anchors, skim=skim())
    if request.replay and verdict.is_clean:
        _replay(request.run, verdict)
    if request.as_json:
        print_json({"command": "verify", **describe(verdict), "exit_code": verdict.code})
    else:
        show(verdict, quiet=request.quiet)
    return verdict.code


def _replay(run: Path, verdict: Verdict) -> None:
    """Run it again with the recorded answers: a step that does not follow from those before it is a finding."""
    from cracktrader.journal.verify import Finding
    from cracktrader.runtime.rerun import RecordedRun, ReplayDiffers

    recorded = RecordedRun(run)
    try:
        recorded.replay(str(recorded.facts["engine"]))
    except ReplayDiffers as differs:
        verdict.findings.append(Finding(str(differs), seq=differs.seq))


def run_anchor(run: Path, key: Path | None, as_json: bool) -> int:
    """Print the anchor of a run's last seal; what is wrong with the journal is raised."""
    from cracktrader.journal.anchor import anchor_of, format_anchor, read_key
    from cracktrader.journal.folder import RunFolder
    from cracktrader.journal.reader import scan

    secret = None if key is None else read_key(key)
    anchor = anchor_of(scan(RunFolder(run).journal))
    line = format_anchor(anchor, secret)
    if as_json:
        print_json({"command": "anchor", "run": str(run), "seq": max(anchor.seq, 0), "anchor": line, "exit_code": 0})
    else:
        say(line)
    return 0


def describe(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain values."""
    found = verdict.scan
    journal = None
    if found is not None:
        journal = {
            "run_id": found.run_id.hex(),
            "segments": len(found.sizes),
            "bytes": found.size,
            "last_seq": found.last_seq,
            "head": found.head.hex(),
            "concluded": found.end is not None,
            "torn": None if found.torn is None else found.torn._asdict(),
        }
    findings = [
        {"file": one.file, "offset": one.offset, "seq": one.seq, "message": one.message} for one in verdict.findings
    ]
    return {
        "run": str(verdict.run),
        "clean": verdict.is_clean,
        "findings": findings,
        "journal": journal,
        "datasets": verdict.datasets,
        "anchors": verdict.anchors,
        "anchors_given": verdict.anchors_given,
        "is_written": verdict.is_written,
        "unshown": verdict.unshown,
    }


def show(verdict: Verdict, *, quiet: bool) -> None:
    """A verdict for people."""
    for finding in verdict.findings:
        say(f"wrong: {finding.message}")
    found = verdict.scan
    if quiet or found is None:
        return
    state = "concluded" if found.end is not None else "is being written" if verdict.is_written else "did not conclude"
    checked = [
        _counted(len(found.sizes), "segment"),
        f"{found.size:,} bytes",
        f"seq 0 to {max(found.last_seq, 0):,}",
        *([_counted(verdict.datasets, "dataset")] if verdict.datasets else []),
        *([_anchors(verdict)] if verdict.anchors_given else []),
    ]
    say(f"{verdict.run}: {'clean' if verdict.is_clean else 'not clean'}; {', '.join(checked)}; the run {state}")
    say(f"head {found.head.hex()}")
    if verdict.unshown:
        note(f"{verdict.unshown}: keep the line of `cracktrader anchor {verdict.run}` elsewhere")


def _anchors(verdict: Verdict) -> str:
    """How many of the anchors that were given are in the chain."""
    if verdict.anchors == verdict.anchors_given:
        return _counted(verdict.anchors, "anchor")
    return f"{verdict.anchors:,} of {_counted(verdict.anchors_given, 'anchor')} that were given"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def request_of(
    run: Path, anchors: Sequence[Path] | None, key: Path | None, *, replay: bool, quiet: bool, as_json: bool
) -> VerifyRequest:
    """The options of the command as one value."""
    return VerifyRequest(run, tuple(anchors or ()), key, replay, quiet, as_json)

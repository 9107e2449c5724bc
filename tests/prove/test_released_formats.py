"""A log and a checkpoint of every released format replay and recover to the hash that was recorded then, on both cores; what is of a newer
version, or of another contract, is refused by its number.

Deliberately not here: what is in the formats (docs/reference/journal.md).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cracktrader.core.codec import CONTRACT_HASH, framed
from cracktrader.core.codec.frame import JOURNAL_FORMAT
from cracktrader.errors import JournalUnreadable
from cracktrader.runtime import rerun
from cracktrader.runtime.recovery import recover
from cracktrader.runtime.rerun import RecordedRun
from tests.prove.disk import hastily
from tests.prove.story import LONG, Count, scratch, segments
from tests.unit.journal_files import split

pytestmark = LONG
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RELEASED = pytest.mark.parametrize("name", ["journal-v1"])
MADE = (
    "contract/ has changed since {name} was made, which is another language: make it again with "
    "`python tests/fixtures/{name}/make.py`, and never for any other reason"
)


def expected_of(name: str) -> dict[str, Any]:
    """What was recorded of a fixture when it was made."""
    expected: dict[str, Any] = json.loads((FIXTURES / name / "expected.json").read_text(encoding="utf-8"))
    assert expected["contract"] == CONTRACT_HASH, MADE.format(name=name)
    return expected


def test_the_format_of_this_version_is_among_the_fixtures() -> None:
    assert (FIXTURES / f"journal-v{JOURNAL_FORMAT}").is_dir()


@RELEASED
@pytest.mark.parametrize("again", [False, True], ids=["answers", "strategies"])
def test_a_released_log_replays_to_its_hash(name: str, again: bool, engine: str, proof: Count) -> None:
    expected = expected_of(name)
    recorded = RecordedRun(FIXTURES / name / "run")
    assert [*recorded.scan.sizes] == expected["segments"]
    replayed = recorded.replay(engine, strategies=recorded.strategies() if again else None)
    outcome = replayed.outcome()
    assert replayed.run.digest().hex() == expected["state_hash"]
    assert (replayed.run.seq, len(outcome.fills["order"])) == (expected["last_seq"], expected["fills"])
    proof("fixtures", 1)


@RELEASED
def test_a_released_log_is_recovered_from_its_checkpoints_and_from_its_beginning(
    name: str, engine: str, proof: Count
) -> None:
    expected = expected_of(name)
    whole = segments(FIXTURES / name / "run" / "journal")
    last = max(whole)
    seqs = [int(one.split(".")[0]) for one in expected["checkpoints"]]
    for kept in (seqs, seqs[:1], []):
        with scratch() as root:
            place = root / "run"
            shutil.copytree(FIXTURES / name / "run", place)
            (place / "torn").mkdir()
            (place / "checkpoints").mkdir(exist_ok=True)
            (place / "journal" / last).write_bytes(b"".join(split(whole[last])[:-4]) + b"torn")
            for path in (place / "checkpoints").iterdir():
                if int(path.stem) not in kept:
                    path.unlink()
            said: list[str] = []
            with hastily():
                outcome = recover(place, engine=engine, note=said.append)
            assert segments(place / "journal") == whole
            assert outcome.state_hash == expected["state_hash"]
            where = f"from the checkpoint at seq {kept[-1]}" if kept else "from the beginning"
            assert where in said[-1]
        proof("fixtures", 1)


@RELEASED
def test_a_newer_version_and_another_contract_are_refused_by_their_numbers(
    name: str, monkeypatch: pytest.MonkeyPatch, proof: Count
) -> None:
    expected_of(name)
    with scratch() as root:
        place = root / "run"
        shutil.copytree(FIXTURES / name / "run", place)
        facts = json.loads((place / "run.json").read_text(encoding="utf-8"))
        (place / "run.json").write_text(json.dumps(facts | {"version": 77}), encoding="utf-8")
        with pytest.raises(JournalUnreadable, match=r"run\.json is of version 77; this program reads version 1"):
            recover(place)
        (place / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(rerun, "CONTRACT_HASH", "77" * 32)
            with pytest.raises(
                JournalUnreadable, match=rf"contract {CONTRACT_HASH[:12]}, this program has 777777777777"
            ):
                recover(place)
        first = place / "journal" / "000001.ctj"
        opening, *others = split(first.read_bytes())
        body = opening[4:13] + (77).to_bytes(2, "little") + opening[15:-4]
        first.write_bytes(b"".join([framed(body), *others]))
        with pytest.raises(JournalUnreadable, match="is of journal format 77; this program reads format 1"):
            recover(place)
    proof("newer_version", 3)

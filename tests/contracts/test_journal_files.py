"""The journals of both cores and both writers: equal to the byte and to the call, readable, and damaged in no way unnoticed.

Deliberately not here: the reader's own tests on hand-made frames (tests/unit/test_journal_reader.py).
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import trace

from test_journal_written import ALWAYS, GROUP, NAME, OS, MemoryFiles
from trace_story import Story

from cracktrader import backend
from cracktrader.core.codec import Header, Kind, decode_data_run, decode_record, encode_config, encode_header, frames
from cracktrader.core.engine.journal import JournalSpec
from cracktrader.errors import JournalCorrupt, JournalUnreadable
from cracktrader.journal.reader import Scan, scan
from cracktrader.journal.writer import Writer
from tests.unit.journal_files import Memory, split

SEGMENT_BYTES = 2_000
NAMES = trace.names()


def written(name: str, engine: str, policy: int = OS, *, embedded: bool = False) -> MemoryFiles:
    """The journal of a trace on a core, each with the writer of its own language."""
    story, files = Story(trace.load(name)), MemoryFiles()
    made = backend.machine(engine, story.config, trace.ScriptedHost(story))
    for stream, rows in story.rows().items():
        made.attach(stream, rows)
    for venue, sessions in story.sessions().items():
        made.attach_sessions(venue, sessions)
    for instrument, scheduled in story.schedule().items():
        made.attach_schedule(instrument, scheduled)
    for item in story.pushed():
        made.push(item)
    header = Header(embedded, SEGMENT_BYTES, encode_config(story.config), ())
    spec = JournalSpec(
        "", header.run_id, encode_header(header), SEGMENT_BYTES, policy, 3, 60_000, embedded=embedded, files=files
    )
    if isinstance(made, backend.PythonMachine):
        writer = Writer(files, spec)  # type: ignore[arg-type]  # it has what a writer calls
        made.engine.open_journal(spec, writer)
        made.run()
        assert made.engine.journal is not None
        made.engine.journal.flush()
        writer.close()
    else:
        made.open_journal(spec)
        made.run()
        made.close_journal()
    return files


def read(files: MemoryFiles) -> Scan:
    """The journal, checked."""
    return scan(Memory(files.held()))


@pytest.mark.parity
@pytest.mark.parametrize("embedded", [False, True], ids=["", "embedded"])
def test_both_cores_write_the_same_journal_of_every_trace(embedded: bool) -> None:
    segments = 0
    for name in NAMES:
        python = written(name, "python", embedded=embedded).held()
        assert python == written(name, "rust", embedded=embedded).held(), name
        segments += len(python)
    assert segments > len(NAMES)


@pytest.mark.parity
@pytest.mark.parametrize("policy", [OS, GROUP, ALWAYS], ids=["os", "group", "always"])
def test_both_writers_ask_the_same_of_the_file_system(policy: int) -> None:
    """Rotation, syncs and all, so that a fault at the n-th call meets both at one place."""
    several = [name for name in NAMES if len(written(name, "python").held()) > 1][:20]
    assert NAME in NAMES and len(several) == 20
    for name in (NAME, *several):
        python, rust = written(name, "python", policy).calls, written(name, "rust", policy).calls
        assert python == rust, name


def test_every_trace_reads_as_its_steps_without_a_gap(engine: str) -> None:
    for name in NAMES:
        found = read(written(name, engine))
        assert found.torn is None, name
        seqs: list[tuple[int, int]] = []
        for chunk in found.frames():
            for kind, frame in frames(chunk):
                if kind == Kind.STEP:
                    seq = decode_record(frame).event.seq_id
                    seqs.append((seq, seq))
                elif kind == Kind.DATA_RUN:
                    run = decode_data_run(frame)
                    seqs.append((run.first, run.last))
        assert all(after[0] == before[1] + 1 for before, after in pairwise(seqs)), name
        assert seqs[0][0] == 0 and seqs[-1][1] == found.last_seq
        assert found.end is None or found.end.last_seq == found.last_seq


def test_each_record_of_a_run_that_is_changed_is_named(engine: str) -> None:
    files = written("a_bracket_takes_its_profit_and_drops_its_stop", engine).held()
    last = max(files)
    for name, data in files.items():
        at = 0
        for frame in split(data):
            for place in (at, at + 5, at + len(frame) // 2, at + len(frame) - 1):
                wrong = bytearray(data)
                wrong[place] ^= 0x10
                try:
                    torn = scan(Memory(files | {name: bytes(wrong)})).torn
                except (JournalCorrupt, JournalUnreadable) as error:
                    assert isinstance(error, JournalCorrupt) and error.file == name and error.offset <= place
                else:
                    assert torn is not None and name == last and torn.offset <= place
            at += len(frame)

"""`verify` names what is wrong with a run's folder; an anchor from outside tells that an end was removed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cracktrader.cli import main
from cracktrader.core.codec import Header, encode_header
from cracktrader.data.columns import TradeColumns
from cracktrader.errors import ConfigError, JournalCorrupt, JournalUnreadable
from cracktrader.journal.anchor import Anchor, anchor_of, check, format_anchor, parse_anchor, read_anchors, read_key
from cracktrader.journal.datasets import dataset, store
from cracktrader.journal.folder import RunFolder
from cracktrader.journal.reader import scan
from cracktrader.journal.verify import verify
from cracktrader.journal.writer import Writer
from tests.unit.journal_files import Piece, end, pieces, spec, step, written

ONE = np.arange(1, 6, dtype=np.int64)
TRADES = TradeColumns("A", ONE, ONE, ONE, ONE, ONE % 3, 2, 3, "here")
KEY = b"a key of thirty-two bytes, so it is"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """The folder of a run that concluded, with a dataset."""
    folder = RunFolder.create(tmp_path / "run")
    store(folder.data, TRADES)
    header = Header(False, 1_500, b"a configuration", (dataset(TRADES, 0),))
    writer = Writer(folder.journal, spec()._replace(run_id=header.run_id, header=encode_header(header)))
    first, *others = pieces()
    writer.append(encode_header(header) + first.frames[len(spec().header) :], 0, False)
    for piece in others:
        writer.append(*piece)
    writer.close()
    folder.unlock()
    return folder


def test_a_run_that_was_left_alone_is_clean(run: RunFolder) -> None:
    verdict = verify(run.path)
    assert verdict.is_clean and verdict.code == 0 and verdict.datasets == 1 and "anchor" in verdict.unshown
    assert verdict.scan is not None and verdict.scan.end is not None
    anchored = verify(run.path, anchors=[anchor_of(verdict.scan)])
    assert anchored.is_clean and anchored.anchors == 1 and anchored.unshown == ""


def test_of_an_anchor_that_was_given_and_is_not_there_it_is_not_said_that_none_was(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scanned = verify(run.path).scan
    assert scanned is not None
    right = anchor_of(scanned)
    wrong = right._replace(head=bytes(32))
    verdict = verify(run.path, anchors=[right, wrong])
    assert (verdict.anchors, verdict.anchors_given, verdict.unshown) == (1, 2, "")
    assert verify(run.path, anchors=[wrong]).unshown == ""
    lines = [tmp_path / "right", tmp_path / "wrong"]
    for path, one in zip(lines, (right, wrong), strict=True):
        path.write_text(format_anchor(one) + "\n")
    assert main(["verify", str(run.path), "--anchor", str(lines[1])]) == 1
    told = capsys.readouterr()
    assert "wrong: " in told.out and "0 of 1 anchor that were given" in told.out and "without an anchor" not in told.err
    assert main(["verify", str(run.path), *(f"--anchor={path}" for path in lines)]) == 1
    assert "1 of 2 anchors that were given" in capsys.readouterr().out


def test_a_changed_segment_a_changed_column_and_a_torn_tail_are_named(run: RunFolder) -> None:
    data = next(path for path in run.data.iterdir() if path.suffix == ".ipc")
    table = pl.read_ipc(data.read_bytes())
    table.with_columns(pl.col("price") * 2).write_ipc(data, compression="uncompressed")
    (finding,) = verify(run.path).findings
    assert "column price was changed" in finding.message and finding.file == data.name
    data.unlink()
    verdict = verify(run.path)
    assert verdict.code == 3 and "is not there" in verdict.findings[0].message
    assert verify(run.path, data=False).is_clean
    last = max((run.path / "journal").iterdir())
    whole = last.read_bytes()
    last.write_bytes(whole[:-5])
    (finding,) = verify(run.path, data=False).findings
    assert "torn tail" in finding.message and finding.offset and finding.file == last.name
    with run.locked():
        assert verify(run.path, data=False).is_clean
    last.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    (finding,) = verify(run.path).findings
    assert str(last) in finding.message and finding.offset and finding.seq


def test_an_anchor_tells_that_the_end_was_removed_or_all_was_written_anew() -> None:
    """The story's head at each seal is in every longer journal of it and in no other."""
    story = pieces()
    lengths = [at + 1 for at, piece in enumerate(story) if piece.seals]
    scans = [scan(written(story[:length])) for length in lengths]
    for early, shorter in enumerate(scans):
        for late, longer in enumerate(scans):
            if late >= early:
                check(longer, anchor_of(shorter))
            else:
                with pytest.raises(JournalCorrupt, match=r"the anchor knows seq \d+: the end was removed"):
                    check(longer, anchor_of(shorter))
    anew = scan(written([*story[:-2], Piece(step(story[-2].last_seq, size=1), story[-2].last_seq, False), story[-1]]))
    with pytest.raises(JournalCorrupt, match="another head at seq"):
        check(anew, anchor_of(scans[-1]))
    with pytest.raises(JournalCorrupt, match="is of run"):
        check(anew, Anchor(bytes(32), 3, bytes(32)))
    opened = scan(written(story[:1]))
    assert anchor_of(opened) == (opened.run_id, -1, opened.run_id)
    check(scans[-1], parse_anchor(format_anchor(anchor_of(opened))))


def test_a_signature_fits_one_line_and_one_key(tmp_path: Path) -> None:
    anchor = Anchor(b"r" * 32, 7, b"h" * 32)
    line = format_anchor(anchor, KEY)
    assert parse_anchor(line, KEY) == parse_anchor(line) == parse_anchor(format_anchor(anchor)) == anchor
    with pytest.raises(JournalCorrupt, match="is not signed"):
        parse_anchor(format_anchor(anchor), KEY)
    for wrong in (line.replace(" 7 ", " 8 "), format_anchor(anchor, KEY + b"!")):
        with pytest.raises(JournalCorrupt, match="signature does not fit") as error:
            parse_anchor(wrong, KEY)
        assert KEY.decode() not in str(error.value)
    for text, words in (
        ("x", "is no anchor"),
        ("cracktrader-anchor 2 a b", "of version 2"),
        (line + " more", "no anchor"),
    ):
        with pytest.raises(JournalUnreadable, match=words):
            parse_anchor(text)
    path = tmp_path / "anchors"
    path.write_text(f"{format_anchor(anchor)}\n\n{line}\n")
    assert read_anchors(path) == [anchor, anchor]
    with pytest.raises(JournalCorrupt, match="anchors, line 1 is not signed"):
        read_anchors(path, KEY)
    path.write_text("\n")
    with pytest.raises(JournalUnreadable, match="holds no anchor"):
        read_anchors(path)
    key = tmp_path / "key"
    key.write_bytes(KEY + b"\n")
    assert read_key(key) == KEY
    key.write_bytes(b"short\n")
    with pytest.raises(ConfigError, match="has 5 bytes, at least 16") as short:
        read_key(key)
    assert "short" not in str(short.value).replace(str(key), "")


def test_the_command_says_clean_false_or_unreadable(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(run.path)]) == 0
    told = capsys.readouterr()
    assert "clean; " in told.out and "1 dataset" in told.out and "cracktrader anchor" in told.err
    assert main(["anchor", str(run.path)]) == 0
    line = capsys.readouterr().out
    anchor = tmp_path / "anchor"
    anchor.write_text(line)
    assert main(["verify", str(run.path), "--anchor", str(anchor), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (
        document["clean"] and document["anchors"] == 1 and document["journal"]["concluded"] and not document["unshown"]
    )
    last = max((run.path / "journal").iterdir())
    whole = last.read_bytes()
    last.write_bytes(whole[:300] + bytes([whole[300] ^ 4]) + whole[301:])
    assert main(["verify", str(run.path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    (finding,) = document["findings"]
    assert finding["file"] == last.name and finding["offset"] and finding["seq"] and document["exit_code"] == 1
    assert main(["verify", str(run.path)]) == 1
    assert f"wrong: {last}, offset" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "nothing"), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "JournalUnreadable"


def test_the_command_refuses_a_wrong_key_and_a_key_without_an_anchor(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, other, anchor = tmp_path / "key", tmp_path / "other", tmp_path / "anchor"
    key.write_bytes(KEY)
    other.write_bytes(KEY + b"2")
    assert main(["anchor", str(run.path), "--key", str(key), "--json"]) == 0
    anchor.write_text(json.loads(capsys.readouterr().out)["anchor"])
    assert main(["verify", str(run.path), "--anchor", str(anchor), "--key", str(key)]) == 0
    assert main(["verify", str(run.path), "--anchor", str(anchor), "--key", str(other)]) == 1
    assert main(["verify", str(run.path), "--key", str(key)]) == 2
    assert main(["verify"]) == 2
    told = capsys.readouterr()
    assert KEY.decode() not in told.out + told.err


def test_a_run_whose_end_was_removed_is_clean_but_for_an_anchor(run: RunFolder) -> None:
    anchor = anchor_of(scan(run.journal))
    segments = sorted((run.path / "journal").iterdir())
    segments[-1].unlink()
    assert verify(run.path).is_clean
    (finding,) = verify(run.path, anchors=[anchor]).findings
    assert f"the anchor knows seq {anchor.seq}: the end was removed" in finding.message
    assert end(anchor.seq) not in b"".join(scan(run.journal).frames())

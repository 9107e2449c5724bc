"""A damaged journal is never believed: each kind of damage to a small log is found and named, and only a torn tail is cut."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest

from cracktrader import backend
from cracktrader.core.codec import encode_segment, framed
from cracktrader.core.codec.frame import Segment
from cracktrader.core.engine.journal import JournalPosition
from cracktrader.errors import JournalCorrupt, JournalError, JournalUnreadable
from cracktrader.journal import reader
from cracktrader.journal.files import Files
from cracktrader.journal.reader import Scan
from cracktrader.journal.tail import cut
from cracktrader.journal.writer import Writer
from tests.unit.journal_files import HEADER, Memory, Piece, pieces, run, spec, split, step, written


def scan(files: Files) -> Scan:
    """What a scan finds frame by frame; one that passes over what is in order, where the extension is there, finds the same."""
    quick: Scan | Exception | None = None
    try:
        quick = reader.scan(files, backend.skim())
    except (JournalCorrupt, JournalUnreadable) as error:
        quick = error
    try:
        found = reader.scan(files)
    except (JournalCorrupt, JournalUnreadable) as error:
        assert (type(quick), str(quick)) == (type(error), str(error))
        raise
    assert quick == found
    return found


STORY = pieces()
WHOLE = written(STORY).contents()
LAST = max(WHOLE)


def damage_of(files: dict[str, bytes]) -> JournalError | Scan:
    """What a scan raises, or what it says."""
    try:
        return scan(Memory(files))
    except (JournalCorrupt, JournalUnreadable) as error:
        return error


def test_a_whole_journal_reads_as_it_was_written() -> None:
    found = scan(Memory(WHOLE))
    assert len(WHOLE) >= 3 and found.sizes == tuple(map(len, WHOLE.values()))
    assert found.header == HEADER and found.run_id == HEADER.run_id
    assert found.end is not None and found.torn is None and found.last_seq == STORY[-1].last_seq == found.end.last_seq
    assert b"".join(found.frames()) == b"".join(piece.frames for piece in STORY)[len(spec().header) :]
    assert found.frames_count == sum(len(split(piece.frames)) for piece in STORY) - 1
    assert found.open_frames() == b"" and len(found.blocks) == sum(piece.seals for piece in STORY)


def test_an_open_journal_says_what_is_not_sealed_and_how_to_go_on() -> None:
    for told in range(1, len(STORY)):
        files = written(STORY[:told])
        found = scan(files)
        resume = found.resume()
        assert found.end is None and found.last_seq == STORY[told - 1].last_seq
        writer = Writer(files, spec(resume=resume))
        for piece in STORY[told:]:
            writer.append(*piece)
        writer.close()
        assert files.contents() == WHOLE, told


def test_a_log_cut_at_any_byte_of_its_last_records_has_a_torn_tail_and_goes_on_to_the_same_bytes() -> None:
    for whole, story in ((WHOLE, STORY), (written(STORY[:-2]).contents(), STORY)):
        name = max(whole)
        data = whole[name]
        boundaries = [len(data)]
        for frame in reversed(split(data)):
            boundaries.append(boundaries[-1] - len(frame))
        for size in range(boundaries[min(5, len(boundaries) - 1)], len(data)):
            files = Memory(whole | {name: data[:size]})
            found = scan(files)
            if size in boundaries and found.torn is None:
                continue
            torn, kept = found.torn, Memory()
            assert torn is not None and torn.file == name and torn.offset + torn.size == size
            assert cut(found, kept) == torn
            assert kept.contents() == {f"{name[:6]}-{torn.offset}.bin": data[torn.offset : size]}
            again = scan(files)
            assert again.torn is None and again.last_seq == found.last_seq and again.end is None
            writer = Writer(files, spec(resume=again.resume()))
            for piece in rest_of(story, again):
                writer.append(*piece)
            writer.close()
            assert files.contents() == WHOLE


def rest_of(story: list[Piece], found: Scan) -> list[Piece]:
    """What is missing of the story in a log: the rest of the piece it ends in, and the others."""
    done = len(spec().header) + sum(map(len, found.frames()))
    left: list[Piece] = []
    for at, piece in enumerate(story):
        before = sum(len(one.frames) for one in story[:at])
        sealed = sum(one.seals for one in story[: at + 1]) <= len(found.blocks)
        rest = piece.frames[max(done - before, 0) :]
        if rest or (piece.seals and not sealed):
            left.append(piece._replace(frames=rest))
    return left


def test_a_tail_cut_twice_at_one_place_is_kept_twice() -> None:
    kept = Memory()
    for garbage in (b"one", b"two", b"two"):
        files = written(STORY[:-3])
        name = max(files.files)
        offset = len(files.files[name])
        files.files[name] += garbage
        cut(scan(files), kept)
    assert kept.contents() == {f"{name[:6]}-{offset}.bin": b"one", f"{name[:6]}-{offset}-2.bin": b"two"}


def test_every_bit_counts() -> None:
    """Header included: each 13th bit of a small log here, so that every byte of a frame has its turn."""
    assert flip_each(WHOLE, every=13) > 1_000


@pytest.mark.prove
def test_every_bit_of_64_kib_counts() -> None:
    """None is left out: framing, header, padding and all."""
    whole = written(pieces(40, padding=1_400), segment_bytes=24_000).contents()
    size = sum(map(len, whole.values()))
    assert size >= 65_536 and len(whole) > 3
    assert flip_each(whole, every=1) == size * 8


def flip_each(whole: dict[str, bytes], every: int) -> int:
    """Flip each so many bits of each segment, one at a time; each is found, no later than where it is. How many there were."""
    count = 0
    for name, data in whole.items():
        for bit in range(0, len(data) * 8, every):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            found = damage_of(whole | {name: bytes(flipped)})
            count += 1
            if isinstance(found, Scan):
                assert found.torn is not None and found.torn.file == name and found.torn.offset <= bit // 8, (name, bit)
            elif isinstance(found, JournalCorrupt):
                assert found.file == name and found.offset <= bit // 8, (name, bit)
                assert name in str(found) and f"offset {found.offset}" in str(found)
            else:
                # The one segment of a run that never began.
                assert isinstance(found, JournalUnreadable) and len(whole) == 1, (name, bit, found)
    return count


def test_a_bad_record_with_a_good_one_behind_it_is_no_tail() -> None:
    """For each record: the log is refused, at this record."""
    for name, data in WHOLE.items():
        at = 0
        frames = split(data)
        for place, frame in enumerate(frames):
            for broken in (at + 4, at + len(frame) - 1, at + len(frame) // 2):
                wrong = bytearray(data)
                wrong[broken] ^= 0x40
                found = damage_of(WHOLE | {name: bytes(wrong)})
                if name == LAST and place == len(frames) - 1:
                    assert isinstance(found, Scan) and found.torn is not None
                else:
                    assert isinstance(found, JournalCorrupt)
                    assert (found.file, found.offset) == (name, at) and "no torn tail" in str(found)
            at += len(frame)


def test_records_that_are_deleted_doubled_or_swapped_are_found() -> None:
    for name, data in WHOLE.items():
        frames = split(data)
        for at in range(len(frames)):
            wrong = {
                "deleted": [*frames[:at], *frames[at + 1 :]],
                "doubled": [*frames[: at + 1], *frames[at:]],
                "swapped": [*frames[:at], *frames[at : at + 2][::-1], *frames[at + 2 :]],
            }
            for what, changed in wrong.items():
                if changed == frames:
                    continue
                found = damage_of(WHOLE | {name: b"".join(changed)})
                if what == "deleted" and name == LAST and at == len(frames) - 1:
                    assert isinstance(found, Scan) and found.torn is not None and "no SEAL" in found.torn.reason
                else:
                    assert isinstance(found, JournalCorrupt) and found.file == name, (name, at, what)


def test_blocks_that_are_deleted_doubled_or_swapped_are_found() -> None:
    name = sorted(WHOLE)[1]
    frames = split(WHOLE[name])
    blocks: list[list[bytes]] = [[]]
    for frame in frames[1:]:
        blocks[-1].append(frame)
        if frame[4] == 5:
            blocks.append([])
    blocks.pop()
    assert len(blocks) >= 3
    for at in range(len(blocks)):
        for changed in (blocks[:at] + blocks[at + 1 :], blocks[: at + 1] + blocks[at:], [*blocks[1:], blocks[0]]):
            data = b"".join([frames[0], *(b"".join(block) for block in changed)])
            found = damage_of(WHOLE | {name: data})
            assert isinstance(found, JournalCorrupt)


def test_segments_that_are_deleted_doubled_or_swapped_are_found() -> None:
    names = sorted(WHOLE)
    for at, name in enumerate(names[:-1]):
        gone = {other: data for other, data in WHOLE.items() if other != name}
        found = damage_of(gone)
        assert isinstance(found, JournalCorrupt) and f"{name} is missing" in str(found)
        swapped = WHOLE | {name: WHOLE[names[at + 1]], names[at + 1]: WHOLE[name]}
        assert isinstance(damage_of(swapped), JournalCorrupt)
        following = {f"{int(one[:6]) + 1:06d}.ctj": WHOLE[one] for one in names[at:]}
        doubled = {one: WHOLE[one] for one in names[: at + 1]} | following
        found = damage_of(doubled)
        assert isinstance(found, JournalCorrupt) and "it says that it is segment" in str(found)
    twice = WHOLE | {"0000002.ctj": WHOLE["000002.ctj"]}
    assert "twice" in str(damage_of(twice))
    after = damage_of(WHOLE | {f"{len(WHOLE) + 1:06d}.ctj": WHOLE[LAST]})
    assert isinstance(after, JournalCorrupt) and "the run ends here" in str(after)


def test_whatever_comes_after_the_end_is_refused() -> None:
    for more in (b"\0", step(STORY[-1].last_seq + 1), b"garbage" * 9):
        found = damage_of(WHOLE | {LAST: WHOLE[LAST] + more})
        assert isinstance(found, JournalCorrupt) and "after the end of the run" in str(found)


def test_a_crash_while_the_next_segment_is_made_leaves_a_torn_tail() -> None:
    """The segment before is complete; the new one is empty, or its first frame is cut."""
    told = next(at for at in range(1, len(STORY)) if len(written(STORY[:at]).files) == 2) - 1
    before = written(STORY[:told]).contents()
    opening = encode_segment(Segment(2, HEADER.run_id, scan(Memory(before)).head))
    for size in range(len(opening) + 1):
        files, kept = Memory(before | {"000002.ctj": opening[:size]}), Memory()
        found = scan(files)
        if size < len(opening):
            assert found.torn is not None and (found.torn.file, found.torn.offset) == ("000002.ctj", 0)
            cut(found, kept)
            assert files.names() == ["000001.ctj"] and kept.contents() == {"000002-0.bin": opening[:size]}
            found = scan(files)
        assert found.torn is None
        writer = Writer(files, spec(resume=found.resume()))
        for piece in STORY[told:]:
            writer.append(*piece)
        writer.close()
        assert files.contents() == WHOLE


def test_zeros_behind_the_log_are_a_torn_tail() -> None:
    """As a power cut leaves them: the file has its length, and nothing in it."""
    open_log = written(STORY[:-1]).contents()
    found = scan(Memory(open_log | {LAST: open_log[LAST] + bytes(4_096)}))
    assert found.torn is not None and found.torn.size == 4_096


def test_a_large_tail_is_searched_in_time_that_grows_with_its_size() -> None:
    """What looks like the front of a step everywhere, with lengths that would fit, costs no CRC each."""
    open_log = written(STORY[:-1]).contents()
    front = struct.pack("<IBBQ", 200_000, 3, 0, 2**60) + bytes(22)
    tail = b"\1" + front * 14_000
    found = scan(Memory(open_log | {LAST: open_log[LAST] + tail}))
    assert found.torn is not None and found.torn.size == len(tail)


def test_a_sector_that_was_never_written_begins_a_torn_tail_whatever_is_behind_it() -> None:
    """A power cut may leave the later of two sectors: zeros to a sector's end, from its beginning or from where a frame begins."""
    story = [Piece(spec().header + step(0), 0, False), *(Piece(step(seq, size=400), seq, False) for seq in range(1, 9))]
    (name, data), *_ = written(story, segment_bytes=1 << 20).contents().items()
    starts = [0]
    for frame in split(data):
        starts.append(starts[-1] + len(frame))
    last = starts[-2] - starts[-2] % 512
    for sector in range(512, last, 512):
        hole = max([0, *(start for start in starts if start <= sector)])
        found = scan(Memory({name: data[:sector] + bytes(512) + data[sector + 512 :]}))
        assert found.torn is not None and found.torn.offset == hole and found.torn.size == len(data) - hole
    for start in starts[3:-2]:
        end = start - start % 512 + 512
        found = scan(Memory({name: data[:start] + bytes(end - start) + data[end:]}))
        assert found.torn is not None and found.torn.offset == start
        for wrong in (data[:start] + bytes(3) + data[start + 3 :], data[: end - 1] + b"\x01" + data[end:]):
            assert isinstance(damage_of({name: wrong}), JournalCorrupt)


def test_a_frame_whose_length_lost_its_only_bit_at_the_end_of_a_sector_is_corrupt_and_no_tail() -> None:
    """The zeros of a sector that was never written look the same: refused, then."""
    opening = spec().header + step(0)
    length = 256
    filler = length + 8 - len(step(2))
    front = 512 - 2 - 87 - len(opening) - len(step(1))
    story = [Piece(opening + step(1, size=front) + step(2, size=filler) + step(3), 3, False)]
    (name, data), *_ = written(story, segment_bytes=1 << 20).contents().items()
    assert data[510:514] == length.to_bytes(4, "little")
    assert isinstance(damage_of({name: data[:510] + bytes(2) + data[512:]}), JournalCorrupt)


def test_a_torn_segment_behind_an_incomplete_one_is_refused() -> None:
    story = written(STORY[:-1]).contents()
    after = f"{len(story) + 1:06d}.ctj"
    found = damage_of(story | {after: b""})
    assert isinstance(found, JournalCorrupt) and "without a SEAL" in str(found)


def test_an_interrupted_step_is_done_again_and_no_other() -> None:
    opening = Piece(spec().header + step(0) + step(1, interrupted=True), 1, False)
    found = scan(written([opening, Piece(step(1) + step(2), 2, False)]))
    assert found.last_seq == 2 and found.frames_count == 4
    assert scan(written([opening, Piece(run(1, 3), 3, True)])).last_seq == 3
    assert scan(written([opening._replace(seals=True), Piece(step(1), 1, True)], segment_bytes=1)).last_seq == 1
    twice = damage_of(written([opening, Piece(step(1) + step(1), 1, False)]).contents())
    assert isinstance(twice, JournalCorrupt) and "seq 1 follows seq 1" in str(twice)
    gap = damage_of(written([opening, Piece(step(3), 3, False)]).contents())
    assert isinstance(gap, JournalCorrupt) and "seq 3 follows seq 1" in str(gap) and gap.seq == 1


def test_a_newer_format_is_refused_by_its_version() -> None:
    first = split(WHOLE["000001.ctj"])[0]
    body = bytearray(first[4:-4])
    body[9:11] = struct.pack("<H", 7)
    newer = framed(bytes(body) + b"more")
    found = damage_of(WHOLE | {"000001.ctj": newer + WHOLE["000001.ctj"][len(first) :]})
    assert isinstance(found, JournalUnreadable) and "format 7" in str(found) and "newer cracktrader" in str(found)


def test_a_kind_that_is_not_in_the_format_is_refused() -> None:
    body = bytes([9]) + bytes(40)
    odd = struct.pack("<I", len(body)) + body + struct.pack("<I", crc32(body))
    found = damage_of(WHOLE | {LAST: WHOLE[LAST][:87] + odd})
    assert isinstance(found, JournalCorrupt) and "kind 9" in str(found) and found.offset == 87


def test_what_is_no_journal_is_unreadable() -> None:
    assert isinstance(damage_of({}), JournalUnreadable)
    assert isinstance(damage_of({"notes.txt": b"x"}), JournalUnreadable)
    opening = WHOLE["000001.ctj"][: 87 + len(spec().header)]
    for size in range(len(opening)):
        found = damage_of({"000001.ctj": opening[:size]})
        assert isinstance(found, JournalUnreadable) and "never began" in str(found)
    assert scan(Memory({"000001.ctj": opening})).last_seq == -1


def test_a_checkpoint_is_of_this_log_or_is_denied_with_the_reason() -> None:
    """A position that the writer gave while writing is the log's own ever after."""
    files = Memory()
    writer = Writer(files, spec())
    positions: list[JournalPosition] = []
    for piece in STORY[:-1]:
        writer.append(*piece)
        positions.append(writer.position())
    early = scan(files)
    writer.append(*STORY[-1])
    writer.close()
    late = scan(files)
    assert not [late.denies(position) or early.denies(position) for position in positions if late.denies(position)]
    shorter = scan(written(STORY[:4]))
    assert [bool(shorter.denies(position)) for position in positions] == [at >= 4 for at in range(len(positions))]
    one = positions[20]
    assert "another head" in late.denies(one._replace(head=bytes(32)))
    assert "knows seq" in late.denies(one._replace(last_seq=one.last_seq + 1))
    assert "knows seq" in late.denies(one._replace(offset=one.offset - 1))
    assert "the log ends at" in late.denies(one._replace(segment=99))

"""A checkpoint is there whole or not at all: interrupted at any step, the old one or the new one is found, never a mixture."""

from __future__ import annotations

import errno
from hashlib import sha256
from itertools import count

import pytest

from cracktrader.core.engine.journal import JournalPosition
from cracktrader.errors import JournalError, JournalUnreadable
from cracktrader.journal.checkpoints import Checkpoint, checkpoint_name, decode, encode, newest, write
from tests.unit.journal_files import Memory


def made(seq: int) -> Checkpoint:
    """A checkpoint of a run."""
    position = JournalPosition(2, seq * 100, bytes([seq % 256]) * 32, seq - 1, seq, 1)
    return Checkpoint(
        b"r" * 32, seq, position, b"state of " + str(seq).encode() * 50, {"S": {"held": [seq, "x"]}, "A": None}
    )


def found(files: Memory) -> tuple[list[int], list[str]]:
    """The seqs of the checkpoints that can be used, and what was said of the others."""
    skipped: list[str] = []
    whole = list(newest(files, skipped.append))
    assert whole == [made(one.seq) for one in whole]
    return [one.seq for one in whole], skipped


def test_a_checkpoint_comes_back_as_it_was() -> None:
    one = made(300)
    data = encode(one)
    assert decode(data, "it") == one
    assert data == encode(one._replace(host={"A": None, "S": {"held": [300, "x"]}}))
    assert data[-32:] == sha256(data[:-32]).digest() and data[:10] == b"CTCHECKP\x01\0"


def test_two_are_kept_and_those_of_a_future_given_up_go() -> None:
    files = Memory()
    for seq in (10, 20, 30):
        write(files, made(seq))
    assert files.names() == [checkpoint_name(20), checkpoint_name(30)]
    write(files, made(25))
    assert found(files) == ([25, 20], [])


def test_the_second_that_is_kept_is_a_whole_one() -> None:
    files = Memory()
    for seq in (10, 20):
        write(files, made(seq))
    files.files[checkpoint_name(20)][70] ^= 1
    write(files, made(30))
    assert found(files) == ([30, 10], [])


def test_a_checkpoint_that_was_cut_off_or_changed_is_skipped_with_the_reason() -> None:
    files = Memory()
    write(files, made(10))
    write(files, made(20))
    whole = files.contents()
    name = checkpoint_name(20)
    for size in range(len(whole[name])):
        seqs, skipped = found(Memory(whole | {name: whole[name][:size]}))
        assert seqs == [10] and len(skipped) == 1 and name in skipped[0]
    for bit in range(0, len(whole[name]) * 8, 5):
        wrong = bytearray(whole[name])
        wrong[bit // 8] ^= 1 << bit % 8
        seqs, skipped = found(Memory(whole | {name: bytes(wrong)}))
        assert seqs == [10] and f"{name} is not used: " in skipped[0]
    assert found(Memory(dict.fromkeys(whole, b"")))[0] == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_interrupted_at_any_step_the_old_or_the_new_is_found(code: int, before: int) -> None:
    """Each call of the file system fails in turn; so does half a write."""
    outcomes = set()
    for n in count(1):
        files = Memory()
        for seq in range(before):
            write(files, made(seq + 1))
        files.calls = 0

        def fault(call: int, operation: str, n: int = n) -> str | OSError | None:
            if call == n:
                return "short" if operation == "write" and code == errno.ENOSPC else OSError(code, "as told")
            return OSError(code, "as told") if call > n else None

        files.fault = fault
        old = list(range(before, 0, -1))
        try:
            write(files, made(9))
        except JournalError as error:
            assert "cannot be kept" in str(error) and "as told" in str(error)
        else:
            break
        files.fault = None
        seqs, skipped = found(files)
        assert skipped == [] and seqs in (old, [9, *old]), n
        outcomes.add(seqs == old)
        write(files, made(11))
        assert found(files)[0] == [11, *seqs][:2]
        assert not [name for name in files.names() if name.endswith(".part")]
    assert True in outcomes and n > 5


def test_a_newer_version_is_refused() -> None:
    data = bytearray(encode(made(10))[:-32])
    data[8] = 3
    files = Memory({checkpoint_name(10): bytes(data) + sha256(data).digest()})
    with pytest.raises(JournalUnreadable, match="a checkpoint of version 3; this program reads version 1"):
        list(newest(files, print))


def test_state_that_is_no_plain_data_is_refused() -> None:
    for wrong in ({"x": object()}, {"x": float("nan")}):
        with pytest.raises(ValueError, match=r"plain data|compliant"):
            encode(made(1)._replace(host=wrong))

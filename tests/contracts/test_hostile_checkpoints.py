"""Damaged and hostile checkpoints: every flipped bit and every cut is refused, and what was forged to fit its digests is refused or led
from, but never breaks a core.

Deliberately not here: checkpoints as they were made (test_checkpoints.py).
"""

from __future__ import annotations

import trace
from hashlib import sha256
from random import Random

import pytest

from cracktrader.core.codec import CodecError

DIGEST = 32
FORGED = 1_500


def stories() -> list[str]:
    """Traces with groups, indicators, sessions, timers and quotes, by the length of their checkpoints."""
    wanted = ("group", "indicator", "timer", "session", "quote", "bust", "aggregate", "replace")
    return [
        next(name for name in trace.names() if word in name) for word in wanted if any(word in n for n in trace.names())
    ]


def checkpoint(name: str, engine: str, steps: int) -> bytes:
    """The checkpoint of a trace after so many steps."""
    going = trace.Run(trace.load(name), engine)
    for taken, _ in enumerate(going.steps(), start=1):
        if taken == steps:
            break
    return going.machine.checkpoint()


def sealed(body: bytes) -> bytes:
    """Bytes with the last digest that fits."""
    return body + sha256(body).digest()


def refused(name: str, engine: str, data: bytes) -> str:
    """Why the bytes are refused; '' when they are not. The engine that refuses is as it was."""
    fresh = trace.Run(trace.load(name), engine)
    before = fresh.machine.checkpoint()
    try:
        fresh.machine.restore(data)
    except CodecError as error:
        assert fresh.machine.checkpoint() == before
        return str(error)
    return ""


@pytest.mark.parametrize("name", stories()[:2])
def test_a_flipped_bit_or_a_cut_is_refused(name: str, engine: str) -> None:
    data = checkpoint(name, engine, 6)
    run = trace.Run(trace.load(name), engine)
    for place in range(8 * len(data)):
        bent = bytearray(data)
        bent[place // 8] ^= 1 << place % 8
        with pytest.raises(CodecError):
            run.machine.restore(bytes(bent))
    for length in range(len(data)):
        with pytest.raises(CodecError):
            run.machine.restore(data[:length])
    with pytest.raises(CodecError):
        run.machine.restore(data + b"\0")
    run.machine.restore(data)
    assert run.machine.checkpoint() == data


@pytest.mark.parity
@pytest.mark.parametrize("name", stories())
def test_a_forged_checkpoint_is_refused_alike_or_leads_to_itself(name: str) -> None:
    rng = Random(name)
    data = checkpoint(name, "python", 7)
    runs = {engine: trace.Run(trace.load(name), engine) for engine in ("python", "rust")}
    for _ in range(FORGED // len(stories())):
        body = bytearray(data[:-DIGEST])
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            body[rng.randrange(74, len(body))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        forged = sealed(bytes(body))
        for engine, run in runs.items():
            try:
                run.machine.restore(forged)
            except CodecError:
                continue
            assert run.machine.checkpoint() == forged
            runs[engine] = trace.Run(trace.load(name), engine)


def test_what_a_checkpoint_is_not_of_is_named(engine: str) -> None:
    first, *_, last = stories()
    data = checkpoint(first, engine, 3)
    assert "another configuration" in refused(last, engine, data)
    assert "does not begin with CTCHECKP" in refused(first, engine, b"x" + data[1:])
    newer = sealed(data[:8] + b"\x02\x00" + data[10:-DIGEST])
    assert refused(first, engine, newer).startswith("the checkpoint has format 2, this version of cracktrader reads 1")
    other = sealed(data[:10] + bytes(32) + data[42:-DIGEST])
    assert "under another contract" in refused(first, engine, other)
    assert "is damaged" in refused(first, engine, data[:-1] + bytes([data[-1] ^ 1]))
    assert "trailing bytes" in refused(first, engine, sealed(data[:-DIGEST] + b"\0"))

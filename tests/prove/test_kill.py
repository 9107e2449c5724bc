"""Killed at random moments, also during rotation, checkpoints and recovery itself, a run is recovered to the one that nothing interrupted,
and what it acknowledged is in it.

A child acknowledges through a pipe: the journal's `durable_seq` after every step, or with a venue outside each command that left.
Deliberately not here: what a power cut leaves (test_power_cut.py).
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from cracktrader.errors import JournalUnreadable
from cracktrader.journal.reader import scan
from tests.prove.outside import Outside
from tests.prove.story import LONG, Count, bars, cases, scratch, segments
from tests.unit.journal_files import Memory

pytestmark = LONG
ZYGOTE = Path(__file__).with_name("zygote.py")
KILLS = {"rust": 30, "python": 20}
"""Runs of each kind that are killed in a part, 100 in all; half of their recoveries are killed, too."""
PARTS = range(cases(1, 30))
"""3,000 kills in the long form."""
KINDS = ("saves", "forgets")
"""Strategies that save what they keep, and that do not."""
AGAIN = 0.5
"""How likely a recovery is killed, too."""


class Zygote:
    """The process that forks the children."""

    def __init__(self, given: Path) -> None:
        library = given.with_name("kill_at.so")
        source = ZYGOTE.with_name("kill_at.c")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._process = subprocess.Popen(
            [sys.executable, str(ZYGOTE), str(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"LD_PRELOAD": str(library)},
        )

    def do(self, job: dict[str, Any]) -> dict[str, Any]:
        """Let a child do a job."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        """End."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """What the children run on is made once."""
    loaded = list(bars(80))
    outside = Outside.of(list(bars(60))).scripted("python", Memory())
    with scratch() as folder:
        (folder / "given").write_bytes(pickle.dumps((loaded, outside)))
        made = Zygote(folder / "given")
        yield made
        made.close()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("what", ["run", "run_outside"])
def test_a_killed_run_is_recovered_to_the_one_that_nothing_interrupted(
    engine: str, what: str, part: int, zygote: Zygote, proof: Count
) -> None:
    wholes: dict[str, Whole] = {}
    killed = 0
    for seed in count():
        if killed >= KILLS[engine]:
            break
        random = Random(f"{engine} {what} {part} {seed}")
        made = job(what, engine, random)
        name = json.dumps(made)
        if name not in wholes:
            with scratch() as folder:
                wholes[name] = Whole.of(zygote.do(placed(made, folder)), journal_of(folder, what))
        with scratch() as folder:
            kills = recovers(zygote, placed(made, folder), random, wholes[name])
        killed += kills[0]
        proof("kill", kills[0])
        proof("kill_recovery", kills[1])
    assert len({whole.segments["000001.ctj"] for whole in wholes.values()}) <= len(KINDS)


class Whole(NamedTuple):
    """A job that nothing interrupted."""

    result: str
    segments: dict[str, bytes]
    acknowledgements: int
    calls: int
    """That touch a file."""
    seconds: float

    @classmethod
    def of(cls, answer: dict[str, Any], journal: Path) -> Whole:
        """What a child answered, and left."""
        return cls(answer["result"], segments(journal), answer["count"], answer["calls"], answer["seconds"])


def job(what: str, engine: str, random: Random) -> dict[str, Any]:
    """A job with a policy and a strategy."""
    journal = {
        "sync": random.choice(("os", "group", "always")),
        "records": 7,
        "checkpoint_events": random.choice((5, 50)),
    }
    return {"do": what, "engine": engine, "kind": random.choice(KINDS), "journal": journal if what == "run" else {}}


def placed(made: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The job in a folder."""
    for name in ("journal", "torn") if made["do"] == "run_outside" else ():
        (folder / name).mkdir()
    return made | {"folder": str(folder)}


def journal_of(folder: Path, what: str) -> Path:
    """Where the segments are."""
    return folder / "journal" if what == "run_outside" else folder / "run" / "journal"


def death(random: Random, whole: Whole) -> dict[str, Any]:
    """When a child is killed: at a call that touches a file, or some time after so many acknowledgements."""
    if random.random() < 0.5:
        return {"call": random.randint(1, whole.calls), "half": random.random() < 0.5}
    # A quick run may have ended before it acknowledged anything.
    after = random.randrange(max(whole.acknowledgements, 1))
    return {"after": after, "delay": random.random() * (0.003 if after else whole.seconds)}


def recovers(zygote: Zygote, first: dict[str, Any], random: Random, whole: Whole) -> tuple[int, int]:
    """Kill the job; recover, and kill that, too; until it is left alone. How often the run was killed, and its recovery."""
    what, journal = first["do"], journal_of(Path(first["folder"]), first["do"])
    answer = zygote.do(first | death(random, whole))
    acknowledged, kills, more = answer["acknowledged"], int(answer["killed"]), 0
    while "result" not in answer:
        assert is_there(journal, acknowledged)
        if "unreadable" in answer:
            assert acknowledged < 0, answer["unreadable"]
            return kills, more
        killed = death(random, whole) if random.random() < AGAIN else {}
        answer = zygote.do(first | {"do": what.replace("run", "recover", 1)} | killed)
        acknowledged, more = max(acknowledged, answer["acknowledged"]), more + int(answer["killed"])
    assert answer["result"] == whole.result
    assert segments(journal) == whole.segments
    return kills, more


def is_there(journal: Path, acknowledged: int) -> bool:
    """Whether what was acknowledged is in the journal as the kill left it."""
    try:
        return scan(journal).last_seq >= acknowledged
    except JournalUnreadable:
        return acknowledged < 0

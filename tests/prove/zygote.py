"""A process that has imported everything and forks a child for each job, which it may kill: a child costs milliseconds, not the start of
Python.

    python tests/prove/zygote.py PICKLE     what jobs run on; then a line of JSON for each job on stdin, and its answer on stdout

Deliberately not here: which job is killed when, and what is expected of it (test_kill.py).
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import select
import signal
import sys
from pathlib import Path
from time import monotonic
from traceback import format_exc
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import polars  # noqa: F401 - a child would import it

from cracktrader.errors import JournalUnreadable
from cracktrader.journal.files import Folder
from cracktrader.runtime import setup
from cracktrader.runtime.recovery import recover
from tests.prove.outside import Outside
from tests.prove.recorded import Watched, backtest, told

LONGEST = 120.0
"""Seconds after which a child that nobody kills is stuck."""


class Child:
    """Does a job; tells the pipe what it acknowledges, a line each, and at last what came of it."""

    def __init__(self, pipe: int, loaded: Any, outside: Outside) -> None:
        self.pipe, self.loaded, self.outside = pipe, loaded, outside

    def acknowledge(self, seq: int) -> None:
        """Tell the world that a step is safe."""
        os.write(self.pipe, b"%d\n" % seq)

    def do(self, job: dict[str, Any]) -> str:
        """The job's result, to be compared."""
        result: str = getattr(self, job["do"])(Path(job["folder"]), job)
        return result

    def run(self, folder: Path, job: dict[str, Any]) -> str:
        """A recorded backtest."""
        with self._watched():
            return told(backtest(folder / "run", job["engine"], job["kind"], self.loaded, **job["journal"]))

    def recover(self, folder: Path, job: dict[str, Any]) -> str:
        """The same, recovered."""
        with self._watched():
            return told(recover(folder / "run"))

    def _watched(self) -> Any:
        made = setup.machine
        return patch.object(setup, "machine", lambda *given, **named: Watched(made(*given, **named), self.acknowledge))

    def run_outside(self, folder: Path, job: dict[str, Any]) -> str:
        """A run whose venue is outside: each command that left is an acknowledgement."""
        run = self.outside.run(job["engine"], str(folder / "journal"), self.acknowledge)
        return run.digest().hex()

    def recover_outside(self, folder: Path, job: dict[str, Any]) -> str:
        """The same, recovered."""
        journal = folder / "journal"
        run = self.outside.recover(
            job["engine"], Folder(journal), Folder(folder / "torn"), self.acknowledge, folder=str(journal)
        )
        return run.digest().hex()


def child(pipe: int, loaded: Any, outside: Outside, job: dict[str, Any]) -> None:
    """The child's whole life."""
    answer: dict[str, Any]
    shim = ctypes.CDLL(None)
    shim.kill_at(job.get("call", 0), job.get("half", False), pipe)
    try:
        answer = {"result": Child(pipe, loaded, outside).do(job), "calls": shim.kill_calls()}
    except JournalUnreadable as error:
        answer = {"unreadable": str(error)}
    except BaseException:
        answer = {"error": format_exc()}
    os.write(pipe, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def watch(pid: int, pipe: int, after: int | None, delay: float) -> dict[str, Any]:
    """Read what a child tells until it ends, or kill it so many seconds `after` so many acknowledgements; None never."""
    started, data, killed = monotonic(), b"", False
    deadline = started + (delay if after == 0 else LONGEST)
    while True:
        left = deadline - monotonic()
        if left <= 0 and not killed:
            os.kill(pid, signal.SIGKILL)
            killed = True
        ready, _, _ = select.select([pipe], [], [], 60 if killed else max(left, 0))
        if ready:
            more = os.read(pipe, 1 << 16)
            if not more:
                break
            data += more
            if after and data.count(b"\n") >= after:
                deadline, after = monotonic() + delay, None
    _, status = os.waitpid(pid, 0)
    assert killed or monotonic() < started + LONGEST, "a child was stuck"
    return answer_of(data, os.WIFSIGNALED(status)) | {"seconds": monotonic() - started}


def answer_of(data: bytes, killed: bool) -> dict[str, Any]:
    """What a child said: the last step that it acknowledged, and what came of its job."""
    lines = data.split(b"\n")[:-1]
    numbers = [int(line) for line in lines if line.isdigit()]
    answer = {"acknowledged": max(numbers, default=-1), "count": len(numbers), "killed": killed}
    return answer | (json.loads(lines[-1]) if lines and not lines[-1].isdigit() else {})


def main() -> None:
    """Serve until stdin ends."""
    loaded, outside = pickle.loads(Path(sys.argv[1]).read_bytes())
    for line in sys.stdin:
        job = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            child(writing, loaded, outside, job)
        os.close(writing)
        answer = watch(pid, reading, job.get("after"), job.get("delay", 0.0))
        os.close(reading)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

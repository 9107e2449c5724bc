"""A run's folder belongs to one process, its side header is there whole or as before, and a folder in use is never written over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cracktrader.errors import ConfigError, JournalError, JournalLocked, JournalUnreadable
from cracktrader.journal.folder import RunFolder


def test_a_new_folder_has_its_parts_and_its_side_header(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "runs" / "one", {"engine": "python"})
    assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "journal", "lock", "run.json", "torn"]
    run.tell(status="running", seeds=[1, 2])
    assert run.facts() == {"engine": "python", "status": "running", "seeds": [1, 2]}
    assert json.loads((run.path / "run.json").read_text())["version"] == 1
    run.unlock()
    assert RunFolder.open(run.path).facts()["status"] == "running"


def test_a_folder_that_holds_anything_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"is not empty \(it holds notes.txt\): name a new folder"):
        RunFolder.create(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1
    RunFolder.create(tmp_path / "run").unlock()
    with pytest.raises(ConfigError, match="cracktrader recover"):
        RunFolder.create(tmp_path / "run")
    with pytest.raises(JournalError, match="name a folder that can be"):
        RunFolder.create(tmp_path / "notes.txt")


def test_the_second_process_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    code = (
        "import sys\nfrom cracktrader.journal.folder import RunFolder\nrun = RunFolder.open(sys.argv[1])\n"
        "print(run.is_written())\nrun.lock()\n"
    )
    other = [sys.executable, "-c", code, str(run.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    refused = subprocess.run(other, capture_output=True, text=True, env=environment, check=False)
    assert refused.returncode == 1 and refused.stdout == "True\n"
    assert f"JournalLocked: {run.path} is written by process {os.getpid()}" in refused.stderr.replace(
        "cracktrader.errors.", ""
    )
    with pytest.raises(JournalLocked, match=rf"process {os.getpid()}\b"):
        RunFolder.open(run.path).lock()
    run.unlock()
    passed = subprocess.run(other, capture_output=True, text=True, env=environment, check=False)
    assert (passed.returncode, passed.stdout) == (0, "False\n")
    with RunFolder.open(run.path).locked() as again:
        assert again.is_locked and again.is_written()
    assert not RunFolder.open(run.path).is_written()


def test_what_is_no_run_or_a_newer_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match=r"holds no run: run\.json is missing"):
        RunFolder.open(tmp_path / "nowhere")
    side = tmp_path / "run.json"
    for text, words in (
        ("{", "is no JSON"),
        ("[]", "its format is not"),
        ('{"format": "cracktrader-run", "version": 1}', "its format is not"),
        ('{"format": "cracktrader-journal", "version": 7}', "of version 7; this program reads version 1"),
        ('{"format": "cracktrader-journal"}', "of version None"),
    ):
        side.write_text(text)
        with pytest.raises(JournalUnreadable, match=words):
            RunFolder.open(tmp_path)


def test_a_side_header_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder.create(tmp_path / "run", {"status": "running"})

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="what it said before stands"):
        run.tell(status="ended")
    monkeypatch.undo()
    assert run.facts() == {"status": "running"}
    run.tell(status="ended")
    assert run.facts() == {"status": "ended"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.tell(figure=float("nan"))
    assert run.facts() == {"status": "ended"}

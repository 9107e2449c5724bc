"""A recorded run from outside: the bytes of both cores, replay in every way, recovery after an interrupt or a cut, and what is refused.

Deliberately not here: kills, power cuts and damage (tests/prove), the reader and the writers alone (tests/unit/test_journal_*).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cracktrader as ct
from cracktrader.errors import ConfigError, JournalLocked, JournalUnreadable
from cracktrader.journal import checkpoints
from cracktrader.journal.folder import RunFolder
from cracktrader.runtime.declare import Options
from cracktrader.runtime.recording import FINISHED, INTERRUPTED, RUNNING, Recording
from cracktrader.runtime.rerun import RecordedRun, ReplayDiffers
from cracktrader.runtime.setup import set_up

STRATEGY = '''
from datetime import timedelta

import cracktrader as ct

class Busy(ct.Strategy):
    """Market orders, exits, a resting limit that is replaced and cancelled, timers, chance, a log, and a refusal now and then."""

    fast: int = 5
    slow: int = 20

    def on_start(self, ctx):
        self.fast_ma, self.slow_ma = ctx.indicator(ct.SMA(self.fast)), ctx.indicator(ct.EMA(self.slow))
        ctx.set_timer(every=timedelta(days=30))

    def on_timer(self, ctx, timer):
        self.log("timer", ctx.random.below(10))
        for order in ctx.orders():
            ctx.cancel(order.id)

    def on_bar(self, ctx, bar):
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.buy(percent=0.3, take_profit=bar.close * 1.05, stop_loss=bar.close * 0.97)
            ctx.sell(1 + ctx.random.below(3), limit=bar.close * 1.02)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.close()
            ctx.buy(1_000_000)
'''


@pytest.fixture
def busy(tmp_path: Path) -> type[ct.Strategy]:
    """The strategy, from a file of its own."""
    from cracktrader.runtime.code import import_file

    path = tmp_path / "busy.py"
    path.write_text(STRATEGY)
    found: type[ct.Strategy] = import_file(path).Busy
    return found


def data() -> Any:
    return ct.data.random_walk(bars=900, every="1d", seed=11, volatility=0.02)


def record(strategy: Any, folder: Path, engine: str, **how: Any) -> ct.Result:
    journal = ct.Journal(folder, **how)
    return ct.backtest(strategy, data(), fees=0.001, seed=3, engine=engine, journal=journal, quiet=True)


def segments(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "journal").glob("*.ctj"))]


def tables(result: Any) -> Any:
    outcome = getattr(result, "outcome", result)
    return (
        outcome.fills,
        outcome.orders,
        {name: column.tolist() for name, column in outcome.equity.items()},
        outcome.log,
    )


@pytest.mark.parity
@pytest.mark.parametrize(
    "how", [{}, {"full": True}, {"sync": "group", "records": 7}, {"sync": "always", "segment_bytes": 4096}]
)
def test_both_cores_record_the_same_bytes(busy: Any, tmp_path: Path, how: dict[str, Any]) -> None:
    results = [record(busy, tmp_path / engine, engine, **how) for engine in ("python", "rust")]
    assert results[0].state_hash == results[1].state_hash
    assert len(results[0].fills) > 20
    assert segments(tmp_path / "python") == segments(tmp_path / "rust")
    assert RunFolder.open(tmp_path / "rust").facts()["status"] == FINISHED


def test_the_policy_leaves_no_trace_in_the_bytes(busy: Any, tmp_path: Path, engine: str) -> None:
    for sync in ("os", "group", "always"):
        record(busy, tmp_path / sync, engine, sync=sync, records=3)
    assert segments(tmp_path / "os") == segments(tmp_path / "group") == segments(tmp_path / "always")


def test_a_run_replays_on_its_core_in_every_way(busy: Any, tmp_path: Path, engine: str) -> None:
    result = record(busy, tmp_path / "run", engine)
    run = RecordedRun(tmp_path / "run")
    for strategies in (None, run.strategies()):
        for venues in (True, False):
            replayed = run.replay(engine, strategies=strategies, venues=venues)
            assert replayed.run.digest().hex() == result.state_hash
            if venues:
                assert tables(replayed.outcome()) == tables(result)


def test_a_replay_stops_where_it_is_told(busy: Any, tmp_path: Path, engine: str) -> None:
    record(busy, tmp_path / "run", engine)
    run = RecordedRun(tmp_path / "run")
    for until in (0, 1, 500, run.scan.last_seq):
        assert run.replay(engine, until=until).run.seq == until


def test_a_journal_with_every_row_replays_without_its_data(busy: Any, tmp_path: Path, engine: str) -> None:
    result = record(busy, tmp_path / "run", engine, full=True)
    shutil.rmtree(tmp_path / "run" / "data")
    run = RecordedRun(tmp_path / "run")
    assert run.replay(engine, strategies=run.strategies()).run.digest().hex() == result.state_hash
    assert run.setup.loaded[0].close.tolist() == result.outcome.data[0].close.tolist()


def test_without_its_data_a_run_says_what_is_missing(busy: Any, tmp_path: Path, engine: str) -> None:
    record(busy, tmp_path / "run", engine)
    shutil.rmtree(tmp_path / "run" / "data")
    with pytest.raises(JournalUnreadable, match="does not hold the data of the run: put it back"):
        RecordedRun(tmp_path / "run").replay(engine)


def test_a_strategy_that_answers_otherwise_is_named_with_both_answers(busy: Any, tmp_path: Path, engine: str) -> None:
    record(busy, tmp_path / "run", engine)
    run = RecordedRun(tmp_path / "run")
    first = next(record.event.seq_id for record in run.records() if record.answers and record.event.seq_id)

    class Other(busy):  # type: ignore[misc]  # a class known at run time
        def on_bar(self, ctx: Any, bar: Any) -> None:
            if ctx.view.seq() == first:
                ctx.sell(9)
            else:
                super().on_bar(ctx, bar)

    with pytest.raises(ReplayDiffers) as caught:
        run.replay(engine, strategies=[Other()])
    assert caught.value.seq == first
    told = str(caught.value)
    assert f"nondeterministic: at seq {first}" in told
    assert "recorded: Busy: PlaceOrder" in told
    assert "now:      Busy: PlaceOrder" in told
    assert told.count("PlaceOrder") > 1


@pytest.mark.parametrize(("then", "now"), [("cold", "warm"), ("cold", ""), ("", "warm"), ("cold", ValueError)])
def test_a_strategy_that_writes_otherwise_is_named_with_both_lines(
    busy: Any, tmp_path: Path, engine: str, then: str, now: Any
) -> None:
    class Moody(busy):  # type: ignore[misc]  # a class known at run time
        word: Any = then
        count = 0

        def on_bar(self, ctx: Any, bar: Any) -> None:
            self.count += 1
            if self.count == 40 and self.word is ValueError:
                raise ValueError("too late")
            if self.count == 40 and self.word:
                self.log("it is", self.word)

    record(Moody, tmp_path / "run", engine)
    run = RecordedRun(tmp_path / "run")
    assert run.replay(engine, strategies=[Moody()]).run.seq == run.scan.last_seq
    moody = Moody()
    moody.word = now

    def told(word: Any) -> str:
        return f"Moody: 'it is {word}'" if word else "nothing"

    with pytest.raises(ReplayDiffers, match="nondeterministic: at seq ") as caught:
        run.replay(engine, strategies=[moody])
    if now is not ValueError:
        assert f"recorded: {told(then)}\n" in str(caught.value)
        assert f"now:      {told(now)}\n" in str(caught.value)
        assert run.replay(engine, strategies=[moody], log=False).run.seq == run.scan.last_seq


def test_a_recovery_shows_how_far_it_is(
    busy: Any, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the log has is done again before the run goes on: that, too, is told."""
    interrupted(busy, tmp_path / "run", engine, 400)
    last = RecordedRun(tmp_path / "run").scan.last_seq
    seen: list[tuple[int, int]] = []
    done_again: list[tuple[int, int]] = []
    go_on = Recording.run

    def run(self: Recording, *arguments: Any) -> None:
        done_again.extend(seen)
        go_on(self, *arguments)

    monkeypatch.setattr(Recording, "run", run)
    ct.recover(tmp_path / "run", strategies=[busy()], progress=lambda taken, total: seen.append((taken, total)))
    assert done_again[-1][0] == last
    assert all(taken <= total for taken, total in done_again)


@pytest.mark.parametrize(("then", "now"), [(True, False), (False, True)])
def test_a_strategy_that_answers_only_one_time_is_named(
    busy: Any, tmp_path: Path, engine: str, then: bool, now: bool
) -> None:
    """A row of the data without an answer has no step of its own: the other side is empty."""

    class Moody(busy):  # type: ignore[misc]  # a class known at run time
        orders = then

        def on_bar(self, ctx: Any, bar: Any) -> None:
            if self.orders:
                ctx.buy(1)

    record(Moody, tmp_path / "run", engine)
    moody = Moody()
    moody.orders = now
    with pytest.raises(ReplayDiffers, match="nondeterministic: at seq ") as caught:
        RecordedRun(tmp_path / "run").replay(engine, strategies=[moody])
    assert ("recorded: nothing" if now else "now:      nothing") in str(caught.value)


def test_an_interrupt_in_a_replay_is_not_taken_for_an_answer(busy: Any, tmp_path: Path, engine: str) -> None:
    record(busy, tmp_path / "run", engine)

    class Stopped(busy):  # type: ignore[misc]  # a class known at run time
        def on_timer(self, ctx: Any, timer: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RecordedRun(tmp_path / "run").replay(engine, strategies=[Stopped()])


def test_other_parameters_than_the_recorded_ones_are_refused(busy: Any, tmp_path: Path, engine: str) -> None:
    interrupted(busy, tmp_path / "run", engine, 400)
    with pytest.raises(ConfigError, match=r"Busy was recorded with parameters .*'slow': 20.*, not .*'slow': 21.*"):
        ct.recover(tmp_path / "run", strategies=[busy(slow=21)])
    with pytest.raises(ConfigError, match="is not a Strategy"):
        ct.recover(tmp_path / "run", strategies=[7])  # type: ignore[list-item]  # on purpose


def interrupted(strategy: Any, folder: Path, engine: str, at: int) -> None:
    """A run that is interrupted in a callback, as by Ctrl-C."""

    class Stopped(strategy):  # type: ignore[misc]  # a class known at run time
        def on_bar(self, ctx: Any, bar: Any) -> None:
            super().on_bar(ctx, bar)
            if ctx.view.seq() >= at:
                raise KeyboardInterrupt

    Stopped.__name__ = Stopped.__qualname__ = strategy.__name__
    Stopped.__module__ = strategy.__module__
    with pytest.raises(KeyboardInterrupt):
        record(Stopped, folder, engine)


@pytest.mark.parametrize("at", [1, 400, 899])
def test_an_interrupted_run_goes_on_to_the_same_end(busy: Any, tmp_path: Path, engine: str, at: int) -> None:
    whole = record(busy, tmp_path / "whole", engine)
    interrupted(busy, tmp_path / "run", engine, at)
    assert RunFolder.open(tmp_path / "run").facts()["status"] == INTERRUPTED
    notes: list[str] = []
    result = ct.recover(tmp_path / "run", strategies=[busy()], note=notes.append)
    assert result.state_hash == whole.state_hash
    assert tables(result) == tables(whole)
    assert any("recovered to seq" in line for line in notes)
    assert RunFolder.open(tmp_path / "run").facts()["status"] == FINISHED
    run = RecordedRun(tmp_path / "run")
    assert run.replay(engine, strategies=[busy()]).run.digest().hex() == whole.state_hash
    assert run.lines()[0] == [tuple(line) for line in whole.outcome.log]


def test_a_run_that_ended_is_only_read(busy: Any, tmp_path: Path, engine: str) -> None:
    whole = record(busy, tmp_path / "run", engine)
    before = segments(tmp_path / "run")
    notes: list[str] = []
    assert tables(ct.recover(tmp_path / "run", note=notes.append)) == tables(whole)
    assert "there is nothing to recover" in notes[0]
    assert segments(tmp_path / "run") == before


def test_a_run_that_was_killed_right_after_its_end_has_all_of_its_log(busy: Any, tmp_path: Path, engine: str) -> None:
    whole = record(busy, tmp_path / "run", engine)
    folder = RunFolder.open(tmp_path / "run")
    written, journal = folder.log.read_text(), segments(tmp_path / "run")
    folder.log.write_text(written[: len(written) // 2])
    with folder.locked():
        folder.tell(status=RUNNING)
    notes: list[str] = []
    assert tables(ct.recover(tmp_path / "run", note=notes.append)) == tables(whole)
    assert "its log may not be whole: the strategies write it again" in notes[0]
    assert folder.log.read_text() == written
    assert segments(tmp_path / "run") == journal
    assert folder.facts()["status"] == FINISHED


class Raising(ct.Strategy):
    """Raises by itself, by what it calls, and by what it returns."""

    way: int = 0

    def on_bar(self, ctx: Any, bar: Any) -> Any:
        if self.way == 0:
            raise ValueError(f"at {bar.close}")
        if self.way == 1:
            ctx.indicator(ct.SMA(3))
        return [1]


@pytest.mark.parity
@pytest.mark.parametrize("way", [0, 1, 2])
def test_what_a_strategy_raises_is_told_alike_by_both_cores(tmp_path: Path, way: int) -> None:
    told = [record(Raising(way=way), tmp_path / engine, engine).errors for engine in ("python", "rust")]
    assert told[0] == told[1]
    assert "strategy/host.py" not in str(told[0])


@pytest.mark.parity
def test_one_core_goes_on_where_the_other_was(busy: Any, tmp_path: Path) -> None:
    whole = record(busy, tmp_path / "whole", "rust")
    for began, goes_on in (("python", "rust"), ("rust", "python")):
        interrupted(busy, tmp_path / began, began, 700)
        result = ct.recover(tmp_path / began, strategies=[busy()], engine=goes_on)
        assert result.state_hash == whole.state_hash


def test_changed_code_is_refused_unless_accepted(busy: Any, tmp_path: Path, engine: str) -> None:
    interrupted(busy, tmp_path / "run", engine, 400)
    (tmp_path / "busy.py").write_text((tmp_path / "busy.py").read_text() + "\n# another\n")
    with pytest.raises(ConfigError, match=r"Busy of .*busy.py has changed: .* then, .* now.*--accept-code-change"):
        ct.recover(tmp_path / "run")
    whole = record(busy, tmp_path / "whole", engine)
    assert ct.recover(tmp_path / "run", accept_code_change=True).state_hash == whole.state_hash
    # With the code it went on with, it can be asked and replayed when the file is gone.
    assert len(list((tmp_path / "run" / "code").iterdir())) == 2


def test_the_kept_copy_stands_in_for_code_that_is_gone(busy: Any, tmp_path: Path, engine: str) -> None:
    whole = record(busy, tmp_path / "whole", engine)
    interrupted(busy, tmp_path / "run", engine, 400)
    (tmp_path / "busy.py").unlink()
    assert ct.recover(tmp_path / "run").state_hash == whole.state_hash


def test_a_script_that_runs_when_it_is_imported_can_be_recovered(tmp_path: Path, engine: str) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "run"
    script.write_text(
        f"{STRATEGY}\n"
        "result = ct.backtest(Busy, ct.data.random_walk(bars=900, every='1d', seed=11, volatility=0.02),\n"
        f"                     engine={engine!r}, journal={str(folder)!r}, quiet=True)\n"
        "print(result.state_hash)\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    run = RecordedRun(folder)
    assert run.codes[0].module == "__main__"
    assert run.replay(engine, strategies=run.strategies()).run.digest().hex() == ran.stdout.strip()


def test_a_folder_that_is_written_is_refused_to_everybody_else(busy: Any, tmp_path: Path, engine: str) -> None:
    interrupted(busy, tmp_path / "run", engine, 400)
    with RunFolder.open(tmp_path / "run").locked(), pytest.raises(JournalLocked, match="is written by process"):
        ct.recover(tmp_path / "run")


def test_what_cannot_be_recorded_is_refused_before_the_run(busy: Any, tmp_path: Path, engine: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        record(busy, tmp_path / "taken", engine)
    with pytest.raises(ConfigError, match="journal sync 'sometimes' is none of: os, group, always"):
        ct.Journal(tmp_path / "run", sync="sometimes")
    with pytest.raises(ConfigError, match="journal records 0 is not a whole number of at least 1"):
        ct.Journal(tmp_path / "run", records=0)
    with pytest.raises(ConfigError, match="journal full 1 is neither True nor False"):
        ct.Journal(tmp_path / "run", full=1)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ConfigError, match=r"journal segment_bytes 65536\.5 is not a whole number of at least 4096"):
        ct.Journal(tmp_path / "run", segment_bytes=65536.5)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ConfigError, match=r"journal takes a folder or ct\.Journal"):
        ct.backtest(busy, data(), journal=7, quiet=True)  # type: ignore[arg-type]  # on purpose


def test_a_run_of_another_contract_is_refused_by_name(busy: Any, tmp_path: Path, engine: str, monkeypatch: Any) -> None:
    record(busy, tmp_path / "run", engine)
    monkeypatch.setattr("cracktrader.runtime.rerun.CONTRACT_HASH", "ab" * 32)
    with pytest.raises(JournalUnreadable, match=r"was recorded with contract .* this program has abababababab"):
        RecordedRun(tmp_path / "run")


def test_the_side_header_says_who_ran_it(busy: Any, tmp_path: Path, engine: str) -> None:
    record(busy, tmp_path / "run", engine, sync="group")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["engine"] == engine
    assert facts["journal"]["sync"] == "group"
    assert facts["strategies"][0]["parameters"] == {"fast": 5, "slow": 20}
    digest = facts["strategies"][0]["code"]["digest"]
    assert (tmp_path / "run" / "code" / f"{digest}.py").read_text() == (tmp_path / "busy.py").read_text()


class Counting(ct.Strategy):
    """Trades at every tenth bar: the count is a state of its own."""

    def on_start(self, ctx: Any) -> None:
        self.count = 0

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.count += 1
        if self.count % 10 == 0:
            ctx.target(1 - ctx.position().quantity)


class Kept(Counting):
    """The same, and says what to keep."""

    def save_state(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state(self, state: dict[str, Any]) -> None:
        self.count = state["count"]


@pytest.mark.parametrize(
    ("own", "said"), [(Kept, "from the checkpoint at seq"), (Counting, "Counting keeps state of its own")]
)
def test_a_killed_run_goes_on_from_its_checkpoint_or_from_the_log(
    tmp_path: Path, engine: str, own: type[ct.Strategy], said: str
) -> None:
    whole = record(own, tmp_path / "whole", engine)

    journal = ct.Journal(tmp_path / "run", checkpoint_events=200)
    ct.backtest(own, data(), fees=0.001, seed=3, engine=engine, journal=journal, quiet=True)
    # As a kill leaves it: without the end of the journal.
    with (tmp_path / "run" / "journal" / "000001.ctj").open("r+b") as last:
        last.truncate(last.seek(0, 2) - 2_000)
    notes: list[str] = []
    result = ct.recover(tmp_path / "run", note=notes.append)
    assert any(said in line for line in notes), notes
    assert segments(tmp_path / "run") == segments(tmp_path / "whole")
    assert tables(result) == tables(whole)


def test_a_checkpoint_that_a_power_cut_left_ahead_of_its_log_is_not_used(tmp_path: Path, engine: str) -> None:
    """Without a sync the checkpoint may reach the disk before the log does."""
    whole = record(Kept, tmp_path / "whole", engine)

    journal = ct.Journal(tmp_path / "run", checkpoint_events=200)
    ct.backtest(Kept, data(), fees=0.001, seed=3, engine=engine, journal=journal, quiet=True)
    newest, older = sorted((tmp_path / "run" / "checkpoints").iterdir(), reverse=True)
    ahead = checkpoints.decode(newest.read_bytes(), newest.name).position
    os.truncate(tmp_path / "run" / "journal" / "000001.ctj", ahead.offset - 1)
    notes: list[str] = []
    result = ct.recover(tmp_path / "run", note=notes.append)
    assert any(f"checkpoint at seq {int(newest.stem)} is not used: it was made at segment 1" in one for one in notes)
    assert f"from the checkpoint at seq {int(older.stem)}" in notes[-1]
    assert segments(tmp_path / "run") == segments(tmp_path / "whole")
    assert tables(result) == tables(whole)


def test_no_checkpoint_is_written_that_could_not_be_used(tmp_path: Path, engine: str) -> None:
    for own, some in ((Counting, False), (Kept, True)):
        journal = ct.Journal(tmp_path / own.__name__, checkpoint_events=200)
        ct.backtest(own, data(), fees=0.001, seed=3, engine=engine, journal=journal, quiet=True)
        assert any((tmp_path / own.__name__ / "checkpoints").iterdir()) is some


class Noting(ct.Strategy):
    """Has no state of its own, and writes at every bar."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.log("closed at", bar.close, ctx.random.below(10))


def test_a_checkpoint_is_not_used_without_the_log_that_was_written_until_then(tmp_path: Path, engine: str) -> None:
    whole = record(Noting, tmp_path / "whole", engine)
    record(Noting, tmp_path / "run", engine, checkpoint_events=200)
    os.truncate(
        tmp_path / "run" / "journal" / "000001.ctj", (tmp_path / "run" / "journal" / "000001.ctj").stat().st_size - 500
    )
    log = tmp_path / "run" / "log.jsonl"
    os.truncate(log, log.stat().st_size // 3)
    notes: list[str] = []
    result = ct.recover(tmp_path / "run", note=notes.append)
    assert any("does not have all that strategies wrote until then" in line for line in notes), notes
    assert tables(result) == tables(whole)
    assert log.read_text() == (tmp_path / "whole" / "log.jsonl").read_text()


def test_a_run_that_left_its_header_alone_begins_again(busy: Any, tmp_path: Path, engine: str) -> None:
    whole = record(busy, tmp_path / "whole", engine)
    record(busy, tmp_path / "run", engine)
    with (tmp_path / "run" / "journal" / "000001.ctj").open("r+b") as journal:
        opening = 8 + int.from_bytes(journal.read(4), "little")
        journal.seek(opening)
        journal.truncate(opening + 8 + int.from_bytes(journal.read(4), "little"))
    assert RecordedRun(tmp_path / "run").scan.last_seq == -1
    assert tables(ct.recover(tmp_path / "run")) == tables(whole)
    assert segments(tmp_path / "run") == segments(tmp_path / "whole")


@pytest.mark.parametrize("every", [1, 200])
def test_a_pause_comes_at_the_multiples_and_nowhere_else(engine: str, every: int) -> None:
    run, _ = set_up([Kept()], ct.data.load(data()), Options()).start(engine, [Kept()])
    seen: list[int] = []
    run.run(None, lambda: seen.append(run.seq), every)
    assert seen == list(range(every, seen[-1] + 1, every))
    assert len(seen) >= 4

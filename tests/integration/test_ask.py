"""Questions to recorded runs: the lives of orders, moments, refusals; the same answers from both cores, word for word.

The texts are in `asked/`; with CRACKTRADER_WRITE_ASKED=1 they are written anew, for a change that is meant.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cracktrader as ct
from cracktrader.analysis.ask.differ import diff_runs
from cracktrader.analysis.ask.explain import explain_order
from cracktrader.analysis.ask.export import RESULTS, TABLES, export
from cracktrader.analysis.ask.fill_rules import FILL_RULES
from cracktrader.analysis.ask.moment import moment
from cracktrader.analysis.ask.playback import Playback
from cracktrader.analysis.ask.refusals import explain_at, refusals
from cracktrader.analysis.ask.steps import steps
from cracktrader.cli import main
from cracktrader.errors import ConfigError, JournalUnreadable

TEXTS = Path(__file__).parent / "asked"
CLOSES = (100, 101, 102, 103, 104, 105, 106, 108, 111, 109, 108, 107)
DAY = 86_400_000_000_000
LIMITS = ct.RiskLimits(instruments=(ct.InstrumentLimit(0, max_order_quantity=500 * 10**8),))


def bars() -> dict[str, list[Any]]:
    """Twelve days that rise to 111; each opens at the close before and is 2 wide."""
    opens = (100, *CLOSES[:-1])
    return {
        "time": [f"2024-01-{day:02}" for day in range(1, 13)],
        "open": list(opens),
        "high": [max(pair) + 1 for pair in zip(opens, CLOSES, strict=True)],
        "low": [min(pair) - 1 for pair in zip(opens, CLOSES, strict=True)],
        "close": list(CLOSES),
        "volume": [1_000] * 12,
    }


class Script(ct.Strategy):
    """One order of every kind, by the number of the bar."""

    def on_start(self, ctx: Any) -> None:
        self.average = ctx.indicator(ct.SMA(3))
        self.bar = 0

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.bar += 1
        if self.bar == 1:
            ctx.bracket("buy", 10, take_profit=110, stop_loss=95)
        elif self.bar == 2:
            ctx.buy(1, limit=50, expire_time=ctx.now + 2 * DAY)
        elif self.bar == 3:
            self.resting = ctx.buy(2, limit=60)
        elif self.bar == 4:
            ctx.replace(self.resting, limit=61, quantity=3)
            ctx.buy(600)
        elif self.bar == 5:
            ctx.cancel(self.resting)
            ctx.buy(400)
        elif self.bar == 6:
            ctx.cancel(self.resting)
            ctx.set_timer(after=DAY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script, recorded."""
    path = tmp_path_factory.mktemp("asked") / "script"
    result = ct.backtest(Script, {"SPX": bars()}, fees=0.001, limits=LIMITS, engine="python", journal=path, quiet=True)
    assert not result.errors
    return path


@pytest.fixture(params=["python", pytest.param("rust", marks=pytest.mark.rust)])
def playback(request: pytest.FixtureRequest, folder: Path) -> Playback:
    """The run, played on a core."""
    return Playback(folder, request.param)


def check(name: str, text: str) -> None:
    """Hold a text against its golden one."""
    path = TEXTS / f"{name}.txt"
    if os.environ.get("CRACKTRADER_WRITE_ASKED"):
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


LIVES = {
    "filled_entry": 1,
    "filled_take_profit": 2,
    "cancelled_by_its_group": 3,
    "expired": 4,
    "replaced_and_cancelled": 5,
    "refused_by_risk": 6,
    "refused_for_margin": 7,
}


@pytest.mark.parametrize("name", LIVES)
def test_the_life_of_an_order_reads_as_it_should(playback: Playback, name: str) -> None:
    check(name, str(explain_order(playback, LIVES[name])))


def test_refusals_read_as_they_should(playback: Playback) -> None:
    check("refusals", str(refusals(playback)))


@pytest.mark.parametrize("day", ["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-07", "2024-01-08"])
def test_a_moment_says_what_was_answered_and_why_not(playback: Playback, day: str) -> None:
    check(f"at_{day}", f"{explain_at(playback, day)}\n\n{moment(playback, day)}")


def test_an_order_is_found_by_its_name_too(playback: Playback) -> None:
    first = explain_order(playback, 2)
    assert str(explain_order(playback, first.id)) == str(first)
    assert str(explain_order(playback, "2")) == str(first)


def test_an_explanation_has_the_same_as_values(playback: Playback) -> None:
    life = explain_order(playback, 2)
    assert (life.status, life.filled_quantity, life.average_price) == ("Filled", 10.0, 110.0)
    assert life.realized_pnl == pytest.approx(100.0)
    assert [one.kind for one in life.happenings] == ["signal", "accepted", "filled"]
    assert [one["role"] for one in life.group] == ["entry", "exit", "exit"]
    assert json.loads(json.dumps(life.as_dict()))["happenings"][0]["fields"]["checks"]["risk"] == "passed"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (99, "the run has 7, numbered from 1; near it are\n  3 "),
        ("0:3:7", "there is no order 0:3:7: the run has 7"),
        ("first", "'first' names no order: give its number"),
        (-1, "-1 names no order"),
        (True, "True names no order"),
    ],
)
def test_an_order_that_is_not_there_is_refused_with_those_near_it(playback: Playback, order: Any, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        explain_order(playback, order)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (10_000, "there is no seq 10,000: the run has 0 to"),
        (-1, "there is no seq -1"),
        ("1999-01-01", "the run begins at 2024-01-01, which is later than 1999-01-01"),
        ("soon", "'soon' is not a time"),
        (1.5, "1.5 is no moment of a run"),
    ],
)
def test_a_moment_that_is_not_there_is_refused(playback: Playback, at: Any, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        moment(playback, at)
    assert said in str(refused.value)


def test_a_symbol_that_is_not_there_is_refused(playback: Playback) -> None:
    with pytest.raises(ConfigError, match="the run has no symbol 'BTC': not subscribed; it has: SPX"):
        explain_at(playback, 5, "BTC")


def test_every_step_of_a_run_can_be_looked_at_forwards_and_backwards(playback: Playback) -> None:
    there = [moment(playback, seq) for seq in range(playback.last_seq + 1)]
    back = [moment(playback, seq) for seq in reversed(range(playback.last_seq + 1))]
    assert [str(one) for one in there] == [str(one) for one in reversed(back)]
    assert [one.seq for one in there] == list(range(playback.last_seq + 1))
    assert there[5].next().previous().text == there[5].text
    with pytest.raises(ConfigError):
        there[-1].next()
    with pytest.raises(ConfigError):
        there[0].previous()


class Plain(ct.Strategy):
    """Flips at every bar, and keeps nothing: its checkpoints can be gone on from."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        ctx.target(1 if ctx.position().quantity <= 0 else -1)


@pytest.mark.parametrize("core", ["python", pytest.param("rust", marks=pytest.mark.rust)])
def test_going_on_from_checkpoints_gives_the_same(tmp_path: Path, core: str) -> None:
    data = {"X": ct.data.random_walk(seed=2, bars=2_000)}
    journal = ct.Journal(tmp_path / "kept", checkpoint_events=600)
    ct.backtest(Plain, data, engine=core, journal=journal, quiet=True)
    kept, bare = Playback(tmp_path / "kept", core), Playback(tmp_path / "kept", core)
    assert kept._kept
    bare._kept = []
    for seq in (1_950, 1_949, 1_500, 1_501, 700, 3):
        assert str(moment(kept, seq)) == str(moment(bare, seq))
    assert str(explain_order(kept, 2)) == str(explain_order(bare, 2))
    broken = Playback(tmp_path / "kept", core)
    broken._kept = [(1_200, b"no checkpoint")]
    assert str(moment(broken, 1_500)) == str(moment(bare, 1_500))


def test_a_time_is_the_last_step_that_is_not_later(playback: Playback) -> None:
    moments = [moment(playback, seq) for seq in range(playback.last_seq + 1)]
    for time in sorted({one.time for one in moments}):
        assert playback.seq_of(time) == max(one.seq for one in moments if one.time <= time)
        assert playback.seq_of(time + 1) == max(one.seq for one in moments if one.time <= time + 1)


def test_a_long_stretch_of_data_is_searched(tmp_path: Path) -> None:
    data = ct.data.random_walk(seed=1, bars=3_000)
    ct.backtest(ct.Strategy, {"X": data}, engine="python", journal=tmp_path / "idle", quiet=True)
    playback = Playback(tmp_path / "idle", "python")
    start = 1_704_067_200_000_000_000
    for minute in (1, 2, 64, 65, 1_499, 2_999, 3_000):
        assert moment(playback, start + minute * 60_000_000_000).seq >= minute
        assert playback.seq_of(start + minute * 60_000_000_000 - 1) == minute - 1


def test_a_result_knows_its_folder(folder: Path, tmp_path: Path) -> None:
    result = ct.replay(folder, engine="python")
    assert result.journal == str(folder)
    assert str(result.explain(2)) == (TEXTS / "filled_take_profit.txt").read_text(encoding="utf-8").rstrip("\n")
    assert result.at("2024-01-03").positions[0]["quantity"] == 10.0
    assert "order 2" in repr(result.explain(2))
    assert repr(result.at(0)).startswith("Moment(seq 0, 2024-01-01, start: flat, 0 open orders, equity 10,000.00)")
    bare = ct.backtest(Script, {"SPX": bars()}, engine="python", quiet=True)
    with pytest.raises(ConfigError, match=r"run it with ct.backtest\(..., journal=DIR\)"):
        bare.at(0)
    with pytest.raises(ConfigError, match="the run is not recorded"):
        bare.explain(1)
    with pytest.raises(JournalUnreadable):
        ct.replay(tmp_path / "nothing")


def test_a_replay_is_the_run_again(folder: Path) -> None:
    again, with_strategies = (
        ct.replay(folder, engine="python"),
        ct.replay(folder, engine="python", strategies=[Script()]),
    )
    assert again.state_hash == with_strategies.state_hash
    assert again.fills.equals(with_strategies.fills)
    half = ct.replay(folder, engine="python", until="2024-01-05")
    assert 0 < half.events < again.events


def test_a_replay_with_another_strategy_is_told(folder: Path) -> None:
    class Other(Script):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            super().on_bar(ctx, bar)
            if self.bar == 3:
                ctx.buy(1)

    with pytest.raises(ct.CracktraderError, match="nondeterministic: at seq") as told:
        ct.replay(folder, engine="python", strategies=[Other()])
    assert "has changed" in str(told.value)


EXAMPLES = {
    "sma_cross": "SmaCross",
    "breakout_bracket": "BreakoutBracket",
    "rsi_reversion": "RsiReversion",
    "time_of_day": "TimeOfDay",
}


@pytest.mark.rust
@pytest.mark.parametrize("name", EXAMPLES)
def test_both_cores_give_the_same_answers_about_the_examples(
    name: str, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "examples"))
    kind = getattr(importlib.import_module(name), EXAMPLES[name])
    data = {"X": ct.data.random_walk(seed=7, bars=2_500)} if name == "time_of_day" else ct.data.sample("sp500_1d")
    ct.backtest(kind, data, fees=0.001, journal=tmp_path / name, quiet=True)
    cores = [Playback(tmp_path / name, core) for core in ("rust", "python")]
    orders = list(cores[0].orders())
    assert orders
    assert orders == list(cores[1].orders())
    asked = [orders[0], orders[len(orders) // 2]]
    assert [[str(explain_order(one, order)) for order in asked] for one in cores[:1]] == [
        [str(explain_order(one, order)) for order in asked] for one in cores[1:]
    ]
    last = cores[0].last_seq
    for seq in (1, last // 3, last):
        assert len({f"{moment(one, seq)}\n{explain_at(one, seq)}" for one in cores}) == 1


def test_the_images_of_steps_are_those_of_their_orders(folder: Path) -> None:
    playback = Playback(folder, "python")
    seen = 0
    for step in steps(playback.run):
        for ordinal, order in step.orders.items():
            assert playback.state(step.seq).orders.get(ordinal, order) == order
            seen += 1
    assert seen > 10


def test_the_fill_rules_in_words_are_the_contract_s(repository: Path) -> None:
    rules = tomllib.loads((repository / "contract" / "fills.toml").read_text(encoding="utf-8"))["rule"]
    assert {one["number"]: (one["name"], one["when"], one["price"]) for one in rules} == FILL_RULES


# --- the command line


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command on the reference core: exit code, stdout, stderr."""
    code = main([*arguments, "--engine", "python"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_explain_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "explain", str(folder), "2")
    assert (code, out) == (0, (TEXTS / "filled_take_profit.txt").read_text(encoding="utf-8"))
    code, out, _ = ask(capsys, "explain", str(folder), "2", "--json")
    assert (code, json.loads(out)["status"]) == (0, "Filled")
    code, out, _ = ask(capsys, "explain", str(folder), "--refused", "--json")
    assert (code, json.loads(out)["count"]) == (0, 3)
    code, out, _ = ask(capsys, "explain", str(folder), "--at", "2024-01-05", "--symbol", "SPX")
    assert code == 0
    assert "Script answered" in out


def test_wrong_questions_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = ask(capsys, "explain", str(folder), "99", "--json")
    assert (code, json.loads(out)["error"]["type"]) == (2, "ConfigError")
    assert "the run has 7" in err
    assert ask(capsys, "explain", str(folder))[0] == 2
    assert ask(capsys, "explain", str(folder), "1", "--refused")[0] == 2
    assert ask(capsys, "explain", str(folder), "1", "--symbol", "SPX")[0] == 2
    assert ask(capsys, "explain", str(tmp_path), "1")[0] == 3
    assert ask(capsys, "inspect", str(tmp_path / "gone"))[0] == 3
    assert ask(capsys, "inspect", str(folder), "--step", "1", "--back", "1")[0] == 2
    assert ask(capsys, "inspect", str(folder), "--at", "5", "--back", "9")[0] == 2


def test_inspect_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "inspect", str(folder), "--at", "5", "--step", "2", "--json")
    assert (code, json.loads(out)["seq"]) == (0, 7)
    code, out, _ = ask(capsys, "inspect", str(folder), "--at", "5", "--back", "2")
    assert out.startswith("seq 3 of ")


def test_keys_step_through_a_run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = iter(["n", "p", "7", "2024-01-05", "nowhere", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(keys))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    code, out, err = ask(capsys, "inspect", str(folder), "--at", "4")
    shown = [line.split()[1] for line in out.splitlines() if line.startswith("seq ")]
    assert code == 0
    assert shown[:4] == ["4", "5", "4", "7"]
    assert len(shown) == 5
    assert "'nowhere' is not a time" in err


# --- two runs


class Later(Script):
    """The script, but for one order."""

    def on_bar(self, ctx: Any, bar: Any) -> None:
        super().on_bar(ctx, bar)
        if self.bar == 7:
            ctx.buy(5)


def record(path: Path, kind: Any = Script, data: Any = None, **options: Any) -> Path:
    """A run on the reference core."""
    told = {"fees": 0.001, "limits": LIMITS, "engine": "python"} | options
    ct.backtest(kind, {"SPX": data or bars()}, journal=path, quiet=True, **told)
    return path


def differ(one: Path, other: Path) -> Any:
    return diff_runs(one, other, "python")


def test_the_same_run_twice_is_the_same(folder: Path, tmp_path: Path) -> None:
    found = differ(folder, record(tmp_path / "again"))
    assert found.is_same
    assert str(found) == "script and again are the same run"


@pytest.mark.rust
def test_the_same_run_of_both_cores_is_the_same(folder: Path, tmp_path: Path) -> None:
    found = differ(folder, record(tmp_path / "rust", engine="rust"))
    assert found.is_same
    assert "core: script python, rust rust" in str(found)


def test_an_order_more_is_the_first_event_that_differs(folder: Path, tmp_path: Path) -> None:
    found = differ(folder, record(tmp_path / "later", Later))
    told = found.event["runs"]
    assert not found.is_same
    assert found.event["seq"] == 21 or told[0]["answers"] != told[1]["answers"]
    assert told[0]["event"] == told[1]["event"]
    assert told[0]["answers"] == []
    assert told[1]["answers"][0]["text"] == ["buy 5 SPX market"]
    text = str(found)
    assert "answered Later: buy 5 SPX market" in text
    assert "fills: script 2, later 3" in text
    assert "profit: script" in text


def test_other_fees_are_named_and_the_state_that_they_lead_to(folder: Path, tmp_path: Path) -> None:
    found = differ(folder, record(tmp_path / "dear", fees=0.002))
    text = str(found)
    assert "configuration:\n  instruments[SPX].maker_fee: script 0.001 (10 bps), dear 0.002 (20 bps)" in text
    assert "filled SPX order 1: 10 at 100 as taker, fee 2.00 USD" in text
    assert found.event["seq"] == 5


@pytest.mark.parametrize("close", [105, 104.5])
def test_a_changed_row_is_named_and_found_in_the_run(folder: Path, tmp_path: Path, close: float) -> None:
    data = bars()
    data["close"][4] = close
    found = differ(folder, record(tmp_path / "changed", data=data))
    text = str(found)
    assert "data:\n  SPX bars: " in text
    assert f"first row of SPX that differs: row 5, 2024-01-06\n  close: script 104, changed {close}" in text
    assert found.event["runs"][0]["event"]["text"].endswith("close 104, volume 1,000")
    assert found.event["runs"][1]["event"]["text"].endswith(f"close {close}, volume 1,000")


def test_a_run_that_goes_on_differs_where_the_other_ended(folder: Path, tmp_path: Path) -> None:
    short = {name: values[:6] for name, values in bars().items()}
    found = differ(folder, record(tmp_path / "short", data=short))
    assert "SPX bars: rows: script 12, short 6" in str(found)
    assert "first row of SPX that differs: row 7, 2024-01-08\n  event_time: script 2024-01-07, short none" in str(found)


def test_other_code_is_shown_as_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import cracktrader as ct\n\nclass Asks(ct.Strategy):\n    def on_bar(self, ctx, bar):\n        ctx.target({})\n"
    runs = []
    for size in (1, 2):
        file = tmp_path / f"{size}" / "asks.py"
        file.parent.mkdir()
        file.write_text(text.format(size))
        monkeypatch.setattr(sys, "path", [str(file.parent), *sys.path])
        sys.modules.pop("asks", None)
        runs.append(record(tmp_path / f"run{size}", importlib.import_module("asks").Asks))
    found = differ(*runs)
    assert [one["lines"] for one in found.code] == [
        ["@@ -4,2 +4,2 @@", "     def on_bar(self, ctx, bar):", "-        ctx.target(1)", "+        ctx.target(2)"]
    ]
    assert "code of Asks:\n  @@ -4,2 +4,2 @@" in str(found)


def test_diff_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again, dear = record(tmp_path / "again"), record(tmp_path / "dear", fees=0.002)
    assert ask(capsys, "diff", str(folder), str(again))[0] == 0
    code, out, _ = ask(capsys, "diff", str(folder), str(dear), "--json")
    document = json.loads(out)
    assert (code, document["exit_code"], document["same"], document["event"]["seq"]) == (1, 1, False, 5)
    assert ask(capsys, "diff", str(folder), str(tmp_path / "gone"))[0] == 3


# --- files


def test_a_run_is_exported_as_tables(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(capsys, "export", str(folder), "--to", str(tmp_path / "out"), "--json")
    assert code == 0
    tables = {name: pl.read_parquet(tmp_path / "out" / f"{name}.parquet") for name in (*TABLES, *RESULTS)}
    assert {Path(one["file"]).stem: one["rows"] for one in json.loads(out)["files"]} == {
        name: len(table) for name, table in tables.items()
    }
    assert {name: table.columns for name, table in tables.items() if name in TABLES} == {
        name: list(columns) for name, columns in TABLES.items()
    }
    assert tables["events"]["time"].dtype == pl.Datetime("ns", "UTC")
    recorded = list(steps(Playback(folder, "python").run))
    assert tables["events"]["seq"].to_list() == [one.seq for one in recorded]
    assert tables["answers"].filter(pl.col("code") == "E_ORDER_QUANTITY")["order"].to_list() == [6]
    assert tables["transitions"].filter(pl.col("order") == 5)["status"].to_list() == [
        "Submitted",
        "Accepted",
        "ReplacePending",
        "Accepted",
        "CancelPending",
        "Cancelled",
    ]
    assert tables["fills"].equals(ct.replay(folder, engine="python").fills)


def test_a_run_is_exported_as_lines(folder: Path, tmp_path: Path) -> None:
    exported = export(folder, tmp_path / "out", "jsonl", engine="python")
    lines = {
        name: [json.loads(line) for line in (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines()]
        for name in exported.files
    }
    assert {name: len(rows) for name, rows in lines.items()} == exported.files
    records = lines["records.jsonl"]
    assert records[0]["event"]["type"] == "start"
    assert [one["event"]["payload"]["order"] for one in records if one["event"]["type"] == "filled"] == [1, 2]
    placed = next(one for one in lines["answers.jsonl"] if one["order"] == 1)
    assert (placed["kind"], placed["text"], json.loads(placed["fields"])["limit_price"]) == (
        "place",
        "buy 10 SPX market",
        None,
    )


def test_an_export_refuses_what_it_cannot_do(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(ConfigError, match="is not an empty folder"):
        export(folder, tmp_path, engine="python")
    with pytest.raises(ConfigError, match="there is no export format 'csv'; there are: parquet, jsonl"):
        export(folder, tmp_path / "new", "csv", engine="python")
    with pytest.raises(ct.JournalError):
        export(folder, tmp_path / "file" / "below", engine="python")

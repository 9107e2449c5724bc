"""The benchmark suite: every form does what the loop does, what comes out otherwise is told, and an interruption keeps what there is.

Deliberately not here: how fast anything is.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cracktrader.bench import loops, rows
from cracktrader.bench.suite import MeasurementFailed, Suite, in_a_process, make_suite
from cracktrader.bench.workloads import Form, Measured, Workload, workloads
from cracktrader.cli import main
from cracktrader.cli.bench import BenchRequest, run_bench

ROWS = {"W1": 400, "W2": 2_600, "W3": 60, "W4": 60, "W5": 120, "core": 1_200, "journal": 30, "import": 1}
RIGHT = Measured(0.5, 80.0, 1_000, 3, 9_999_990.0, 4, 1)


def small(workload: Workload, form: Form) -> Measured:
    """A measurement in this process, of few rows."""
    return form.measure(ROWS[workload.name])


def pretended(workload: Workload, form: Form) -> Measured:
    """A measurement that nobody took: what trades comes to the same, what does not leaves the cash."""
    return RIGHT if form.trades else replace(RIGHT, fills=0, equity=loops.CASH)


@pytest.mark.rust
@pytest.mark.parametrize("name", ROWS)
def test_every_form_comes_to_what_the_loop_comes_to(name: str) -> None:
    suite = make_suite([name], quick=False, repeats=1)
    suite.run(small)
    assert suite.problems == []
    assert all(len(summary.measured) == 1 for table in suite.tables for summary in table.forms)


def test_the_workloads_trade() -> None:
    frame = rows.bars(400)
    assert loops.averages([frame[name].to_list() for name in ("open", "high", "low", "close")]).fills > 5
    prices = rows.trades(20_000)["price"].to_list()
    seldom, busy = loops.trading(loops.Seldom, prices), loops.trading(loops.Busy, prices[:100])
    assert seldom.fills > 5
    assert seldom.cancelled > 0
    assert (busy.placed, busy.cancelled, busy.fills) == (100, 99, 0)
    assert set(ROWS) == {workload.name for workload in workloads()}


@pytest.mark.rust
@pytest.mark.parametrize("wrong", ["fee", "missed"])
def test_a_loop_that_does_something_else_is_told_from_the_engine(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = loops.Book.fill

    def fill(book: loops.Book, quantity: int, price: float) -> None:
        right(book, quantity, price)
        if wrong == "fee":
            book.cash -= 0.01
        else:
            book.fills -= 1

    monkeypatch.setattr(loops.Book, "fill", fill)
    suite = make_suite(["W1"], quick=False, repeats=1)
    suite.run(small)
    assert {problem.split(":")[0] for problem in suite.problems} == {"W1 core", "W1 own"}
    assert all(("final equity" if wrong == "fee" else " fills") in problem for problem in suite.problems)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fills": 4}, "4 fills, not 3"),
        ({"placed": 5}, "5 placed, not 4"),
        ({"cancelled": 0}, "0 cancelled, not 1"),
        ({"equity": 9_999_990.01}, "final equity 9999990.0100, not 9999990.0000"),
        ({"equity": float("nan")}, "final equity nan, not 9999990.0000"),
    ],
)
def test_a_form_that_comes_to_something_else_ends_with_code_1(
    changes: dict[str, float], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(workload: Workload, form: Form) -> Measured:
        return replace(RIGHT, **changes) if form.name == "called" else pretended(workload, form)

    assert run_bench(BenchRequest(("W2",)), measure) == 1
    assert f"error: W2 called: {words}" in capsys.readouterr().err
    assert run_bench(BenchRequest(("W2",)), pretended) == 0
    assert capsys.readouterr().err == ""


def test_a_form_that_should_not_trade_leaves_the_cash() -> None:
    suite = make_suite(["core"], quick=False, repeats=2)
    suite.run(lambda workload, form: RIGHT)
    assert suite.problems == [
        f"core {form}: {words}"
        for form in ("one", "merged")
        for words in ("3 fills, not 0", "final equity 9999990.0000, not 10000000.0000")
    ]


def test_forms_alternate_and_are_told_by_their_medians() -> None:
    seconds = iter([1.0, 3.0, 2.0, 5.0, 9.0, 4.0])
    order: list[str] = []

    def measure(workload: Workload, form: Form) -> Measured:
        order.append(form.name)
        return replace(RIGHT, seconds=next(seconds))

    suite = make_suite(["w2"], quick=False, repeats=3)
    suite.run(measure)
    table = suite.tables[0]
    loop, called = table.forms
    assert order == ["loop", "called"] * 3
    assert (loop.median, loop.least, loop.most) == (2.0, 1.0, 9.0)
    assert table.ratio(called) == 2.0


def test_an_interruption_keeps_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken: list[str] = []

    def measure(workload: Workload, form: Form) -> Measured:
        if len(taken) == 5:
            raise KeyboardInterrupt
        taken.append(form.name)
        return pretended(workload, form)

    out = tmp_path / "figures.json"
    assert run_bench(BenchRequest(("W1", "W2"), out=out), measure) == 130
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["interrupted"]
    first, second = document["workloads"]
    assert [len(form["seconds"]) for form in first["forms"]] == [2, 1, 1, 1]
    assert second["forms"] == []
    assert "averages in Python" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_a_process_that_fails_is_told_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def measure(workload: Workload, form: Form) -> Measured:
        if form.name == "called":
            raise MeasurementFailed("its process ended with 1: no memory")
        return pretended(workload, form)

    assert run_bench(BenchRequest(("W3",), as_json=True), measure) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["problems"] == ["W3 called: its process ended with 1: no memory"]
    assert [form["name"] for form in document["workloads"][0]["forms"]] == ["loop", "recorded"]
    assert document["machine"]["processors"] >= 1


def test_one_measurement_is_one_process() -> None:
    workload = next(one for one in workloads() if one.name == "W4")
    measured = in_a_process(replace(workload, rows=100), workload.forms[0])
    assert (measured.items, measured.fills, measured.equity) == (100, 0, loops.CASH)
    assert measured.seconds > 0
    assert measured.peak_mb > 1
    with pytest.raises(MeasurementFailed, match="its process ended with 1: StopIteration"):
        in_a_process(workload, replace(workload.forms[0], name="nothing"))


def test_averages_are_never_equal_on_the_bars() -> None:
    cents = np.rint(rows.bars(20_000)["close"].to_numpy() * 100).astype(np.int64)
    sums = np.concatenate(([0], np.cumsum(cents)))
    last = np.arange(30, len(cents) + 1)
    assert not ((sums[last] - sums[last - 10]) * 3 == sums[last] - sums[last - 30]).any()
    frame = rows.bars(20_000)
    assert (frame["high"] >= frame["close"]).all()
    assert (frame["low"] <= frame["close"]).all()


def test_quick_takes_a_tenth_of_the_rows_and_other_options_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full, quick = make_suite([], quick=False, repeats=None), make_suite([], quick=True, repeats=None)
    assert [table.workload.rows // 10 or 1 for table in full.tables] == [table.workload.rows for table in quick.tables]
    assert (full.repeats, quick.repeats) == (5, 3)
    assert isinstance(quick, Suite)
    assert main(["bench", "--only", "W9"]) == 2
    assert "no workload 'W9': name one of W1, W2, W3, W4, W5, core, journal, import" in capsys.readouterr().err
    assert main(["bench", "--out", str(tmp_path / "none" / "f.json")]) == 2
    assert "make it first" in capsys.readouterr().err

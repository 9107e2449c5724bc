"""The boundary of the Rust core: strategies see the same values on both cores, and nothing that Python does wrong gets lost in between.

Deliberately not here: what a run computes; golden traces and the fuzzer hold the cores against each other.
"""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from cracktrader.backend import Machine, _extension, machine
from cracktrader.core import event as events
from cracktrader.core.codec import CodecError, encode_config
from cracktrader.core.engine import Response
from cracktrader.core.event import BarRows, Event, Quote, Trade, event
from cracktrader.core.indicator import NULL_SOURCE, RULES, Declaration, IndicatorKind
from cracktrader.core.intent import PlaceOrder
from cracktrader.data.columns import BarColumns
from cracktrader.errors import StaleView
from cracktrader.runtime.declare import Options, declare
from cracktrader.runtime.streams import rows_of
from cracktrader.strategy import EMA, MACD, SMA, Indicator, Strategy
from cracktrader.strategy.host import StrategyHost
from cracktrader.strategy.indicator_views import IndicatorView
from cracktrader.strategy.views import BarView, QuoteView, TradeView

MINUTE = 60 * 10**9
FIRST = 1_700_000_000 * 10**9
ENGINES = ("python", "rust")


def columns(count: int, name: str = "ABC") -> BarColumns:
    """Minute bars that wander, with two decimals of price and three of volume."""
    closes = FIRST + MINUTE * np.arange(1, count + 1, dtype=np.int64)
    close = 10_000 + np.arange(count, dtype=np.int64) * 7 % 31
    volume = 1_000 + np.arange(count, dtype=np.int64)
    return BarColumns(
        name, closes - 1, closes - MINUTE, closes, close - 1, close + 3, close - 3, close, volume, 2, 3, MINUTE, "test"
    )


def prepared(
    engine: str, strategies: Sequence[Strategy], count: int = 50, pushed: Sequence[Event] = ()
) -> tuple[Machine, StrategyHost]:
    """A machine with bars, ready to run, and its host."""
    config = declare(list(strategies), [columns(count)], Options(fees=0.001))
    host = StrategyHost(config, strategies)
    run = machine(engine, config, host)
    run.attach(0, rows_of(columns(count)))
    for item in pushed:
        run.push(item)
    return run, host


def ran(engine: str, strategies: Sequence[Strategy], count: int = 50, pushed: Sequence[Event] = ()) -> Machine:
    """A run to its end, without a defect of a strategy."""
    run, host = prepared(engine, strategies, count, pushed)
    run.run()
    assert [one.traceback for one in host.failures] == []
    return run


# --- values that strategies see

TICKS = (
    event(events.Bar(FIRST, FIRST + 30, 1, 2, 1, 2, 0, 0), FIRST + 80 * 10**9, venue=0, instrument=0),
    event(Trade(10_010, 150_000_000, 1), FIRST + 90 * 10**9, venue=0, instrument=0),
    event(Quote(10_000, 5 * 10**8, 10_002, 7 * 10**8), FIRST + 95 * 10**9, venue=0, instrument=0),
)


def shown(value: Any) -> list[Any]:
    """Everything a reader can tell of a value."""
    names = [name for name in dir(value) if not name.startswith("_")]
    read = {name: getattr(value, name) for name in names if not callable(getattr(value, name))}
    return [type(value).__name__, type(value).__module__, repr(value), names, {n: repr(v) for n, v in read.items()}]


class Halves(Indicator):
    """Half of what it is given."""

    def update(self, value: Any) -> None:
        self.value = value / 2

    def __repr__(self) -> str:
        return "Halves()"


class Rise:
    """What a window rose by."""

    def __call__(self, values: Any) -> Any:
        return values[-1] - values[0]

    def __repr__(self) -> str:
        return "Rise()"


class Probe(Strategy):
    """Dumps every view it is given."""

    def on_start(self, ctx: Any) -> None:
        self.dump: list[Any] = []
        self.kept: list[Any] = []
        self.sma = ctx.indicator(SMA(3))
        self.slow = ctx.indicator(SMA(5, field="volume"))
        self.macd = ctx.indicator(MACD(2, 5, 3, field="hlc3", keep=4))
        self.chained = ctx.indicator(EMA(3, source=self.macd.signal))
        self.own = ctx.indicator(Halves(), field="ohlc4")
        self.spread = ctx.indicator(Rise(), field=self.macd.signal, window=2, keep=3)
        ctx.set_timer(at=FIRST + 150 * 10**9)

    def keep(self, *values: Any) -> None:
        for value in values:
            self.kept.append(value)
            assert value == value and value != "bar"
            self.dump.append([*shown(value), hash(value)])

    def on_event(self, ctx: Any, event: Any) -> None:
        self.keep(event)
        views = [
            self.sma,
            self.slow,
            self.macd,
            self.macd.signal,
            self.macd.histogram,
            self.chained,
            self.own,
            self.spread,
        ]
        for view in views:
            self.dump.append([*shown(view), view[0], view[-1], float(view), hash(view) == hash(view)])
            others = [*views, 100.0, 100, -0.5]
            self.dump.append([(view.crossed_above(other), view.crossed_below(other)) for other in others])
            for wrong in ("100", None):
                with pytest.raises(TypeError, match="an indicator crosses another one or a number, not"):
                    view.crossed_above(wrong)
        with pytest.raises(AttributeError) as raised:
            _ = self.macd.trigger
        self.dump.append([str(raised.value), self.macd[-3], self.spread[-2]])
        self.dump.append([ctx.now, ctx.time, ctx.equity, ctx.cash, ctx.warm, ctx.mark(), ctx.symbols])
        self.keep(ctx.position(), ctx.account_position(), *ctx.orders())
        if event.event_type == "Bar":
            assert isinstance(event, BarView)
            assert event.close_exact == Decimal(str(event.close))
            if event.seq_id % 4 == 0:
                placed = ctx.buy(1 + ctx.random.below(3), limit=event.close - 0.01 * ctx.random.below(5))
                self.dump.append([placed, ctx.random.random()])
            elif event.seq_id % 7 == 0:
                ctx.target(-2)
            for order in ctx.orders()[1:]:
                ctx.cancel(order.id)
                self.keep(ctx.order(order.id))
        if getattr(event, "fill", None) is not None:
            self.keep(event.fill, event.order)


@pytest.mark.parity
def test_every_view_looks_the_same_on_both_cores() -> None:
    probes = Probe(), Probe()
    digests = [ran(engine, [probe], pushed=TICKS).digest() for engine, probe in zip(ENGINES, probes, strict=True)]
    python, rust = (repr(probe.dump) for probe in probes)
    assert python == rust
    assert digests[0] == digests[1]
    kinds = {type(one).__name__ for one in probes[1].kept}
    assert kinds >= {"BarView", "TradeView", "QuoteView", "TimerView", "ReportView", "OrderView", "FillView"}
    assert kinds >= {"PositionView", "ControlView"}


@pytest.mark.parity
def test_bars_that_were_kept_stay_what_they_were() -> None:
    class Keeper(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.bars: list[Any] = []

        def on_bar(self, ctx: Any, bar: Any) -> None:
            self.bars.append(bar)

    keepers = Keeper(), Keeper()
    for engine, keeper in zip(ENGINES, keepers, strict=True):
        ran(engine, [keeper], count=10_000)
    python, rust = keepers[0].bars, keepers[1].bars
    assert len(python) == len(rust) == 10_000
    assert [repr(bar) for bar in python] == [repr(bar) for bar in rust]
    assert [hash(bar) for bar in python] == [hash(bar) for bar in rust]
    assert len(set(rust)) == 10_000 and rust[0] != rust[1]
    again = Keeper()
    ran("rust", [again], count=10_000)
    assert again.bars == rust


def ticks(count: int) -> list[Event]:
    """Trades and quotes in turn, one a second."""
    made = []
    for index in range(count):
        payload = Trade(10_000 + index % 7, index + 1, index % 3) if index % 2 else Quote(9_999, index, 10_001, 3)
        made.append(event(payload, FIRST + index * 10**9, venue=0, instrument=0))
    return made


@pytest.mark.parity
def test_trades_and_quotes_that_were_kept_stay_what_they_were() -> None:
    class Keeper(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.kept: list[Any] = []

        def on_trade(self, ctx: Any, trade: Any) -> None:
            assert isinstance(trade, TradeView) and trade.price_exact == Decimal(str(trade.price))
            self.kept.append(trade)

        def on_quote(self, ctx: Any, quote: Any) -> None:
            assert isinstance(quote, QuoteView) and quote.bid < quote.ask
            self.kept.append(quote)

    keepers = Keeper(), Keeper()
    for engine, keeper in zip(ENGINES, keepers, strict=True):
        ran(engine, [keeper], pushed=ticks(1000))
    python, rust = keepers[0].kept, keepers[1].kept
    assert len(python) == len(rust) == len(set(rust)) == 1000
    assert [repr(one) for one in python] == [repr(one) for one in rust]
    assert [hash(one) for one in python] == [hash(one) for one in rust]
    assert rust[0] != rust[2] and rust[0] != rust[1]


def test_a_trade_is_frozen(engine: str) -> None:
    class Vandal(Strategy):
        def on_trade(self, ctx: Any, trade: Any) -> None:
            with pytest.raises(AttributeError, match="TradeView is a frozen value: price cannot be set"):
                trade.price = 1.0
            with pytest.raises(TypeError):
                _ = trade < trade

    ran(engine, [Vandal()], count=2, pushed=ticks(4))


@pytest.mark.parity
def test_orders_and_exceptions_in_tick_hooks_are_recorded_equally() -> None:
    class Trader(Strategy):
        def on_trade(self, ctx: Any, trade: Any) -> Any:
            ctx.buy(1)
            if trade.seq_id > 20:
                raise ZeroDivisionError("twenty")
            return [PlaceOrder(0, 1, 0, 0, 10**8)] if trade.seq_id % 3 == 0 else None

        def on_quote(self, ctx: Any, quote: Any) -> None:
            ctx.set_timer(after=1)

    outcomes = []
    for engine in ENGINES:
        run, host = prepared(engine, [Trader()], pushed=ticks(40))
        run.run()
        failures = [(one.seq_id, one.traceback.splitlines()[-1]) for one in host.failures]
        assert all(context.intents == [] and context.timers == [] for context in host.contexts)
        outcomes.append((failures, run.digest(), run.executions(), run.closed(), run.counters()))
    assert outcomes[0] == outcomes[1] and len(outcomes[0][0]) == 1


@pytest.mark.parity
def test_strategies_that_wait_until_warm_see_the_same_bars() -> None:
    class Waiter(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.sma = ctx.indicator(SMA(7))
            self.bars: list[str] = []

        def on_bar(self, ctx: Any, bar: Any) -> None:
            assert ctx.warm or not self.warm_up
            self.bars.append(repr(bar))
            ctx.target(len(self.bars) % 3)

    class Late(Waiter):
        def on_start(self, ctx: Any) -> None:
            super().on_start(ctx)
            self.warm_up = True

    seen = []
    for engine in ENGINES:
        waiters = [Waiter(warm_up=True), Waiter(), Late()]
        digest = ran(engine, waiters).digest()
        seen.append((digest, [one.bars for one in waiters]))
        assert [len(one.bars) for one in waiters] == [44, 50, 44]
    assert seen[0] == seen[1]


def test_a_bar_is_frozen(engine: str) -> None:
    class Vandal(Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            with pytest.raises(AttributeError, match="BarView is a frozen value: close cannot be set"):
                bar.close = 1.0
            with pytest.raises(AttributeError, match="BarView is a frozen value: mine cannot be set"):
                bar.mine = 1.0
            with pytest.raises(TypeError):
                _ = bar < bar

    ran(engine, [Vandal()], count=2)


def test_an_indicator_says_how_many_values_it_keeps(engine: str) -> None:
    class Reader(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.sma = ctx.indicator(SMA(2))
            self.longer = ctx.indicator(SMA(2, keep=4))
            self.seen: list[float] = []

        def on_bar(self, ctx: Any, bar: Any) -> None:
            assert isinstance(self.sma, IndicatorView)
            assert self.sma.warm is not math.isnan(self.sma.value)
            for ago in (1, -2, "x"):
                with pytest.raises(
                    IndexError,
                    match=rf"this indicator keeps 2 values, \[0\] now to \[-1\], not \[{ago}\]: declare it with a larger keep=",
                ):
                    _ = self.sma[ago]
            with pytest.raises(IndexError, match=r"keeps 4 values, \[0\] now to \[-3\], not \[-4\]"):
                _ = self.longer[-4]
            self.seen.insert(0, self.sma.value)
            kept = [*self.seen, *[math.nan] * 4][:4]
            assert repr([self.longer[-ago] for ago in range(4)]) == repr(kept)

    ran(engine, [Reader()], count=9)


REFUSED = [
    ((0, 0, 0, 0), {}, "SMA period 0 is outside 1..100000"),
    ((100_001, 0, 0, 0), {}, "SMA period 100001 is outside 1..100000"),
    ((5, 0, 1, 0), {}, "SMA parameter 2 1 is outside 0..0"),
    ((5, 0, 0, 0), {"stream": 9}, "indicator stream 9 is not declared"),
    ((5, 0, 0, 0), {"kind": 99}, "indicator kind 99 is not declared"),
    ((5, 0, 0, 0), {"bar_field": 9}, "indicator field 9 is not declared"),
    ((5, 0, 0, 0), {"keep": 1}, "indicator keep 1 is outside 2..10000"),
    ((5, 0, 0, 0), {"source": 7}, "indicator source 7 is not declared"),
    ((5, 0, 0, 0), {"source": 1}, "indicator source 1 is of another strategy or stream"),
    ((5, 0, 0, 0), {"source": 0, "line": 1}, "indicator line 1 is not declared"),
    ((5, 0, 0, 0), {"kind": IndicatorKind.ATR, "source": 0}, "ATR reads whole bars, it takes no source"),
    ((9, 9, 1, 0), {"kind": IndicatorKind.MACD}, "MACD fast 9 is not below slow 9"),
]


def test_the_view_refuses_what_cannot_be_declared(engine: str) -> None:
    class Asker(Strategy):
        def on_start(self, ctx: Any) -> None:
            assert [ctx.view.declare(owner, declaration((5, 0, 0, 0))) for owner in (0, 1)] == [0, 1]
            for parameters, changes, problem in REFUSED:
                with pytest.raises(ValueError, match=re.escape(problem)):
                    ctx.view.declare(0, declaration(parameters, **changes))

        def on_bar(self, ctx: Any, bar: Any) -> None:
            with pytest.raises(ValueError, match="indicators are declared in on_start only"):
                ctx.view.declare(0, declaration((5, 0, 0, 0)))
            for question in (ctx.view.mark, ctx.view.account_position, ctx.view.draw, ctx.view.indicator):
                with pytest.raises(IndexError):
                    question(7)
            assert ctx.view.order(0, 99, 0) is None and ctx.view.order_by_ordinal(99) is None

    ran(engine, [Asker(), Strategy()], count=2)


def test_each_kind_takes_its_parameters_to_the_ends_of_their_ranges_and_has_its_lines(engine: str) -> None:
    class Asker(Strategy):
        def on_start(self, ctx: Any) -> None:
            for kind, rule in RULES.items():
                best = [parameter.high if parameter.name != "fast" else 1 for parameter in rule.parameters]
                for place, (name, low, high) in enumerate(rule.parameters):
                    for value in (low, high):
                        numbers = [*best[:place], value, *best[place + 1 :], 0, 0, 0, 0][:4]
                        if name != "fast" or value == low:
                            index = ctx.view.declare(0, declaration(tuple(numbers), kind=kind, keep=3))
                            assert ctx.view.indicator(index) is not None
                    for value in (low - 1, high + 1):
                        numbers = [*best[:place], value, *best[place + 1 :], 0, 0, 0, 0][:4]
                        with pytest.raises(
                            ValueError, match=re.escape(f"{kind.name} {name} {value} is outside {low}..")
                        ):
                            ctx.view.declare(0, declaration(tuple(numbers), kind=kind))
                index = ctx.view.declare(0, declaration(tuple([*best, 0, 0, 0, 0][:4]), kind=kind))
                numbers = (2, 0, 0, 0)
                for line in range(len(rule.lines)):
                    ctx.view.declare(0, declaration(numbers, source=index, line=line))
                with pytest.raises(ValueError, match=f"indicator line {len(rule.lines)} is not declared"):
                    ctx.view.declare(0, declaration(numbers, source=index, line=len(rule.lines)))

        def on_bar(self, ctx: Any, bar: Any) -> None:
            """Only so that bars are read."""

    ran(engine, [Asker()], count=3)


def declaration(parameters: tuple[int, ...], **changes: int) -> Declaration:
    """An SMA of closes of the first stream, but for what is changed."""
    return Declaration(0, parameters, 0, 3, NULL_SOURCE, 0, 2)._replace(**changes)


def test_a_context_is_stale_after_its_callback(engine: str) -> None:
    class Leaker(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.ctx = ctx
            self.sma = ctx.indicator(SMA(2))

        def on_bar(self, ctx: Any, bar: Any) -> None:
            assert ctx.now == bar.close_time

    leaker = Leaker()
    run, _ = prepared(engine, [leaker])
    for _ in range(3):
        run.step()
        asking: list[Callable[[Any], Any]] = [lambda ctx: ctx.now, lambda ctx: ctx.position(), lambda ctx: ctx.warm]
        asking.append(lambda ctx: ctx.buy(1))
        for ask in asking:
            with pytest.raises(StaleView):
                ask(leaker.ctx)
    assert leaker.ctx.intents == []


@pytest.mark.rust
def test_an_indicator_of_the_rust_core_is_stale_after_its_callback() -> None:
    class Leaker(Strategy):
        def on_start(self, ctx: Any) -> None:
            self.sma = ctx.indicator(SMA(2))

    leaker = Leaker()
    run, _ = prepared("rust", [leaker])
    run.run()
    sma: Any = leaker.sma
    asking: list[Callable[[], Any]] = [lambda: sma.value, lambda: sma[-1], lambda: sma.crossed_above(sma)]
    for ask in asking:
        with pytest.raises(StaleView):
            ask()


# --- what callbacks do wrong


class Clumsy(Strategy):
    """Records an order and raises on the fifth bar."""

    what: int = 0

    def on_start(self, ctx: Any) -> None:
        self.count = 0

    def on_bar(self, ctx: Any, bar: Any) -> Any:
        self.count += 1
        ctx.buy(1)
        if self.count == 5:
            if self.what == 0:
                raise ZeroDivisionError("five")
            return "nonsense"
        return [PlaceOrder(0, 1, 0, 0, 10**8)] if self.count == 3 else None


@pytest.mark.parity
@pytest.mark.parametrize("what", [0, 1])
def test_an_exception_in_a_hook_is_recorded_equally(what: int) -> None:
    class Other(Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            ctx.target(1)

    outcomes = []
    for engine in ENGINES:
        run, host = prepared(engine, [Clumsy(what=what), Other()])
        run.run()
        failures = [(one.seq_id, one.strategy, one.traceback.splitlines()[-1]) for one in host.failures]
        assert "in on_bar" in host.failures[0].traceback or what == 1
        assert all(context.intents == [] and context.timers == [] for context in host.contexts)
        outcomes.append((failures, run.digest(), run.executions(), run.closed(), run.counters(), run.equity()))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) == 1


@pytest.mark.parity
@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_callback_stops_after_commit_a(raised: type[BaseException]) -> None:
    class Stopper(Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            ctx.buy(1)
            if bar.seq_id >= 10:
                raise raised

    outcomes = []
    for engine in ENGINES:
        run, host = prepared(engine, [Stopper()])
        run.run()
        assert run.interrupted and type(host.interruption) is raised
        outcomes.append((run.seq, run.full_root(), run.executions()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.rust
def test_a_signal_stops_a_run_without_callbacks() -> None:
    run, _ = prepared("rust", [Strategy()], count=3_000_000)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        started = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            run.run()
        assert time.perf_counter() - started < 0.02 + 0.2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert 0 < run.seq < 3_000_000


@pytest.mark.rust
def test_progress_may_ask_the_machine_and_its_errors_are_raised() -> None:
    run, _ = prepared("rust", [Strategy()], count=2_000_000)
    seen = []

    def progress(taken: int) -> None:
        seen.append((taken, run.seq))
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run.run(progress)
    assert seen[0][0] == seen[0][1] > 0
    run.run()
    assert run.seq > 2_000_000


class PlainHost:
    """A host that answers as it is told, without strategies."""

    def __init__(self, answer: Callable[[Event], Any]) -> None:
        self.answer = answer

    def bind(self, view: Any) -> None:
        self.view = view

    def wants(self, strategy: int) -> int:
        del strategy
        return 2**64 - 1

    def pass_over(self, strategy: int) -> None:
        """Nothing is counted here."""

    def call(self, strategy: int, event: Event, status_changed: bool) -> Any:
        del strategy, status_changed
        return self.answer(event)


def with_host(engine: str, answer: Callable[[Event], Any]) -> Machine:
    config = declare([Strategy()], [columns(5)], Options())
    run = machine(engine, config, PlainHost(answer))
    run.attach(0, rows_of(columns(5)))
    return run


def test_what_a_host_raises_is_raised_by_the_run(engine: str) -> None:
    def answer(_: Event) -> None:
        raise LookupError("a defect of the host")

    with pytest.raises(LookupError, match="a defect of the host"):
        with_host(engine, answer).step()


@pytest.mark.rust
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response([PlaceOrder(0, 0, 0, 0, 2**63)]), OverflowError),
        (Response([PlaceOrder(-1, 0, 0, 0, 1)]), OverflowError),
        (Response([PlaceOrder(0, 0, 0, 0, 1.5)]), TypeError),  # type: ignore[arg-type]
        (Response(["buy"]), TypeError),  # type: ignore[list-item]
        (Response([], [(1,)]), TypeError),  # type: ignore[list-item]
        (Response(error="\u00e9"), ValueError),
        (Response(error=7), TypeError),  # type: ignore[arg-type]
        ("nonsense", (TypeError, ValueError)),
    ],
)
def test_an_answer_that_does_not_fit_is_a_defect_of_the_host(answer: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        with_host("rust", lambda _: answer).step()


# --- feeding


def test_columns_may_be_lists_or_buffers(engine: str) -> None:
    source = columns(20)
    buffers = rows_of(source)
    names = ("stamp", "open_time", "close_time", "open", "high", "low", "close", "volume")
    shapes: tuple[Any, ...] = (
        buffers,
        BarRows(*(getattr(buffers, name).tolist() for name in names)),
        BarRows(*(tuple(getattr(buffers, name)) for name in names)),
        BarRows(*(np.repeat(np.asarray(getattr(buffers, name)), 2)[::2] for name in names)),  # type: ignore[arg-type]
    )
    digests = set()
    for rows in shapes:
        config = declare([Strategy()], [source], Options())
        run = machine(engine, config, StrategyHost(config, [Strategy()]))
        run.attach(0, rows)
        run.run()
        digests.add(run.digest())
        assert run.mark(0) == source.close[-1]
    assert len(digests) == 1


@pytest.mark.rust
def test_columns_that_are_no_integers_are_refused() -> None:
    source = rows_of(columns(3))
    config = declare([Strategy()], [columns(3)], Options())
    run = machine("rust", config, StrategyHost(config, [Strategy()]))
    for wrong, error in (
        ([1, 2], ValueError),
        ([1, 2, 2**63], OverflowError),
        ([1, 2, 3.0], TypeError),
        (7, TypeError),
    ):
        with pytest.raises(error):
            run.attach(0, replace(source, volume=wrong))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stream 7"):
        run.attach(7, source)
    run.attach(0, source)
    run.run()
    assert run.seq > 3


GOOD = event(Trade(10_010, 150_000_000, 1), FIRST, venue=0, instrument=0)


@pytest.mark.rust
@pytest.mark.parametrize(
    "bad",
    [
        GOOD._replace(ingest_time=2**63),
        GOOD._replace(seq_id=-1),
        GOOD._replace(source=4),
        GOOD._replace(venue=65_536),
        GOOD._replace(instrument=2**32),
        GOOD._replace(payload=Trade(2**63, 1, 1)),
        GOOD._replace(payload=Trade(1, 1, 256)),
        GOOD._replace(payload=Trade("1", 1, 1)),  # type: ignore[arg-type]
        GOOD._replace(payload=(1, 1, 1)),  # type: ignore[arg-type]
        GOOD._replace(payload=events.Funding(0, 2**127)),
        GOOD._replace(payload=events.Rejected(1, 0, "\u00e9")),
        GOOD._replace(idempotency_key="\ud800"),
        GOOD._replace(idempotency_key=None),  # type: ignore[arg-type]
        tuple(GOOD),
        None,
    ],
)
def test_a_bad_event_is_refused_when_it_is_pushed(bad: Any) -> None:
    run, _ = prepared("rust", [Strategy()], count=3)
    with pytest.raises((ValueError, OverflowError, TypeError)):
        run.push(bad)
    run.push(GOOD)
    run.run()
    assert run.seq == ran("rust", [Strategy()], 3, [GOOD]).seq


@pytest.mark.rust
def test_a_configuration_that_cannot_run_is_refused() -> None:
    config = declare([Strategy()], [columns(3)], Options())
    host = StrategyHost(config, [Strategy()])
    with pytest.raises(CodecError):
        _extension().Machine(b"nonsense", host)
    with pytest.raises(ValueError, match="has 0 accounts, it needs one"):
        _extension().Machine(encode_config(replace(config, accounts=())), host)

"""Streams as columns: bars, trades, quotes and sessions come out in the order of the sequencer, on both cores.

Deliberately not here: bars that the core makes itself (test_aggregates.py), and what a venue does with its rows (the golden traces).
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import pytest

from cracktrader.backend import Machine, machine
from cracktrader.core.account import Account, AccountKind, Deposit
from cracktrader.core.capability import SIMULATOR, Venue
from cracktrader.core.config import Config, DataKind, StrategyConfig, Stream
from cracktrader.core.event import BarRows, Event, Quote, QuoteRows, SessionRows, Trade, TradeRows
from cracktrader.core.instrument import Currency, Instrument, InstrumentKind
from cracktrader.core.units import RATE_ONE

LATENCY = 5


def instrument(name: str) -> Instrument:
    """A spot instrument on the first venue."""
    return Instrument(
        name,
        0,
        InstrumentKind.SPOT,
        0,
        0,
        8,
        2,
        8,
        1,
        1,
        10**12,
        10**12,
        RATE_ONE,
        RATE_ONE,
        0,
        maker_fee=0,
        taker_fee=0,
    )


CONFIG = Config(
    currencies=(Currency("USD", 8),),
    venues=(Venue("sim", True, SIMULATOR),),
    accounts=(Account("main", 0, AccountKind.MARGIN, (Deposit(0, 10**12),)),),
    instruments=(instrument("A"), instrument("B")),
    streams=(
        Stream(0, DataKind.TRADE, True, 8, LATENCY),
        Stream(0, DataKind.QUOTE, False, 8),
        Stream(0, DataKind.BAR, False, 8),
        Stream(1, DataKind.QUOTE, True, 8),
    ),
    strategies=(StrategyConfig("s"),),
)


def q(*values: int) -> array[int]:
    """A column."""
    return array("q", values)


BARS = BarRows(q(0, 10), q(0, 10), q(10, 20), q(100, 110), q(120, 120), q(90, 100), q(110, 105), q(7, 8))
TRADES = TradeRows(q(1, 4, 4), q(2, 5, 15), q(101, 102, 103), q(10, 20, 30), q(0, 1, 2))
QUOTES = QuoteRows(q(7, 20), q(7, 20), q(99, 100), q(1, 2), q(101, 103), q(3, 4))
SESSIONS = SessionRows(q(0, 10), q(10, 20))


class Recorder:
    """Keeps every market event it is called for."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    def bind(self, view: Any) -> None:
        """Nothing is asked."""

    def wants(self, strategy: int) -> int:
        """Market data."""
        del strategy
        return 0b1111110

    def pass_over(self, strategy: int) -> None:
        """Nothing is counted here."""

    def call(self, strategy: int, event: Event, status_changed: bool) -> None:
        """Keep it."""
        del strategy, status_changed
        self.seen.append(event)


def prepared(engine: str, config: Config = CONFIG) -> tuple[Machine, Recorder]:
    """A machine with nothing attached."""
    host = Recorder()
    return machine(engine, config, host, record=True), host


def test_rows_of_every_kind_come_in_one_order(engine: str) -> None:
    run, host = prepared(engine)
    run.attach(0, TRADES)
    run.attach(1, QUOTES)
    run.attach(2, BARS)
    run.attach(3, QUOTES)
    run.attach_sessions(0, SESSIONS)
    run.run()
    told = [(one.ingest_time, type(one.payload).__name__, one.event_time, one.instrument) for one in host.seen]
    everywhere = 2**32 - 1
    assert told == [
        (0, "SessionOpened", 0, everywhere),
        (7, "Trade", 1, 0),
        (7, "Quote", 7, 0),
        (7, "Quote", 7, 1),
        (10, "Trade", 4, 0),
        (10, "Bar", 0, 0),
        (10, "SessionClosed", 10, everywhere),
        (10, "SessionOpened", 10, everywhere),
        (20, "Trade", 4, 0),
        (20, "Quote", 20, 0),
        (20, "Bar", 10, 0),
        (20, "Quote", 20, 1),
        (20, "SessionClosed", 20, everywhere),
    ]
    assert host.seen[1].payload == Trade(101, 10, 0)
    assert host.seen[2].payload == Quote(99, 1, 101, 3)
    assert run.mark(0) == 103 and run.mark(1) == 102


def test_only_the_kind_that_drives_matching_moves_the_mark(engine: str) -> None:
    bars_drive = replace(
        CONFIG,
        streams=(*(replace(one, matching=False) for one in CONFIG.streams[:2]), Stream(0, DataKind.BAR, True, 8)),
    )
    run, _ = prepared(engine, bars_drive)
    run.attach(0, TRADES)
    run.attach(1, QUOTES)
    run.attach(2, BARS)
    run.run()
    assert run.mark(0) == 105
    assert [row[0] for row in run.equity()] == [0, 10]


@pytest.mark.parametrize(
    ("stream", "rows", "message"),
    [
        (9, TRADES, "stream 9 is not declared"),
        (0, BARS, "stream 0 carries TradeRows, not BarRows"),
        (1, TRADES, "stream 1 carries QuoteRows, not TradeRows"),
        (2, QUOTES, "stream 2 carries BarRows, not QuoteRows"),
        (0, replace(TRADES, price=q(1)), "the columns of stream 0 differ in length"),
        (1, replace(QUOTES, ask_quantity=q()), "the columns of stream 1 differ in length"),
        (2, replace(BARS, stamp=q(1, 2, 3)), "the columns of stream 2 differ in length"),
        (0, replace(TRADES, aggressor=q(0, 3, 1)), r"stream 0 have aggressor 3, which is not 0 \(unknown\), 1"),
        (0, replace(TRADES, aggressor=q(0, 3, -1)), "stream 0 have aggressor -1, which is not 0"),
    ],
)
def test_rows_that_do_not_fit_their_stream_are_refused(engine: str, stream: int, rows: Any, message: str) -> None:
    run, _ = prepared(engine)
    with pytest.raises(ValueError, match=message):
        run.attach(stream, rows)


@pytest.mark.parametrize(
    ("venue", "rows", "message"),
    [
        (1, SESSIONS, "venue 1 is not declared"),
        (0, SessionRows(q(0), q()), "the sessions of venue 0 differ in length"),
        (0, SessionRows(q(5), q(4)), "the sessions of venue 0 are not sorted"),
        (0, SessionRows(q(0, 9), q(10, 20)), "the sessions of venue 0 are not sorted"),
    ],
)
def test_sessions_out_of_order_are_refused(engine: str, venue: int, rows: SessionRows, message: str) -> None:
    run, _ = prepared(engine)
    with pytest.raises(ValueError, match=message):
        run.attach_sessions(venue, rows)


def test_a_trade_of_an_unknown_side_is_malformed(engine: str) -> None:
    run, host = prepared(engine)
    run.push(Event(0, 3, 3, 3, 0, 65_535, 0, Trade(101, 10, 3), ""))
    run.run()
    assert host.seen == [] and run.counters()


@pytest.mark.parity
def test_both_cores_record_the_same_bytes_for_ticks() -> None:
    records = []
    for engine in ("python", "rust"):
        run, _ = prepared(engine)
        run.attach(0, TRADES)
        run.attach(1, QUOTES)
        run.attach(2, BARS)
        run.attach_sessions(0, SESSIONS)
        taken = []
        while run.step() and len(taken) < 12:
            taken.append((run.last_record, run.root(), run.venue_bytes()))
        run.finish()
        records.append((taken, run.digest(), run.equity()))
    assert records[0] == records[1]

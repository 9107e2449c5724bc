"""Columns of several kinds as streams of the core: which one drives matching, which time frames are made of which, what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from cracktrader.core.config import Config, DataKind, Stream
from cracktrader.core.event import BarRows, QuoteRows, Rows, TradeRows
from cracktrader.core.instrument import Instrument
from cracktrader.data.columns import (
    ARRAY_FIELDS,
    QUOTE_FIELDS,
    TRADE_FIELDS,
    BarColumns,
    Columns,
    QuoteColumns,
    TradeColumns,
)
from cracktrader.data.stamps import duration_text
from cracktrader.runtime.timeframes import FINEST, TimeFrame, derived_stream, frames_of

KINDS: dict[type[Columns], DataKind] = {
    BarColumns: DataKind.BAR,
    TradeColumns: DataKind.TRADE,
    QuoteColumns: DataKind.QUOTE,
}


def in_units(loaded: Sequence[Columns], instruments: Sequence[Instrument]) -> list[Columns]:
    """The columns with the decimals of their instruments. DataError for a price off the tick, or a quantity with more decimals."""
    named = {instrument.name: instrument for instrument in instruments}
    made: list[Columns] = []
    for columns in loaded:
        declared = named[columns.symbol]
        is_fit = columns.price_decimals == declared.price_decimals and declared.tick == 1
        if not isinstance(columns, BarColumns):
            is_fit = is_fit and columns.quantity_decimals == declared.quantity_decimals
        if not is_fit:
            from cracktrader.data.grid import in_units as brought_in

            columns = brought_in(
                columns,
                price_decimals=declared.price_decimals,
                tick=declared.tick,
                quantity_decimals=declared.quantity_decimals,
            )
        made.append(columns)
    return made


def streams_of(
    loaded: Sequence[Columns], instruments: Sequence[Instrument], feed_latency: int, timeframes: Sequence[TimeFrame]
) -> tuple[Stream, ...]:
    """A stream for each of the columns, in their order, then those of the time frames, instrument by instrument.

    Of an instrument's columns the finest drives matching and marks: trades before quotes before bars; the others are only delivered.
    """
    places = {instrument.name: index for index, instrument in enumerate(instruments)}
    given: list[Stream] = []
    for columns in loaded:
        kinds = {KINDS[type(one)] for one in loaded if one.symbol == columns.symbol}
        kind, instrument = KINDS[type(columns)], instruments[places[columns.symbol]]
        decimals = columns.volume_decimals if isinstance(columns, BarColumns) else instrument.quantity_decimals
        drives = kind is next(one for one in FINEST if one in kinds)
        given.append(Stream(places[columns.symbol], kind, drives, decimals, feed_latency))
    derived = [
        derived_stream(
            frame,
            instrument,
            [one for one in zip(range(len(given)), given, loaded, strict=True) if one[1].instrument == place],
        )
        for place, instrument in enumerate(instruments)
        for frame in frames_of(timeframes)
    ]
    return (*given, *derived)


def names_of(config: Config, loaded: Sequence[Columns], timeframes: Sequence[TimeFrame]) -> list[str]:
    """What each stream's bars are called: their duration, or the time frame asked for; "" where there are no bars."""
    names = [
        duration_text(one.interval_ns) if isinstance(one, BarColumns) and one.interval_ns > 0 else "" for one in loaded
    ]
    frames = frames_of(timeframes)
    names += [str(frames[place % len(frames)]) for place in range(len(config.streams) - len(loaded))]
    return names


def rows_of(columns: Columns) -> Rows:
    """The columns as the cores take them: int64 buffers, nothing copied."""
    if isinstance(columns, BarColumns):
        return BarRows(*(memoryview(getattr(columns, name)) for name in ARRAY_FIELDS))
    if isinstance(columns, TradeColumns):
        return TradeRows(*(memoryview(getattr(columns, name)) for name in TRADE_FIELDS))
    return QuoteRows(*(memoryview(getattr(columns, name)) for name in QUOTE_FIELDS))

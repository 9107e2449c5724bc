"""Bars made in the core: what a derived stream may declare, and that bars of trades, quotes and bars equal those computed from the rows
alone, by polars, without a run.

Deliberately not here: single rules as stories (the golden traces), and recorded data (tests/integration/test_exchange_bars.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_streams import CONFIG, prepared

from cracktrader.core.config import MAX_BAR_VALUE, BarRule, DataKind, Stream
from cracktrader.core.event import BarRows

TRADES, QUOTES, BARS, OTHER = range(4)
"""Streams of the configuration; the last one is of another instrument."""


def derived(source: int, rule: BarRule, size: int, **changes: Any) -> Stream:
    """A stream of bars made of another one of the first instrument."""
    return replace(Stream(0, DataKind.BAR, False, 8, 0, source, rule, size), **changes)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (derived(4, BarRule.TIME, 60), "stream 4: its source, stream 4, is not declared before it"),
        (derived(9, BarRule.TIME, 60), "stream 4: its source, stream 9, is not declared before it"),
        (derived(OTHER, BarRule.TIME, 60), "stream 4: its source, stream 3, is of another instrument"),
        (derived(TRADES, BarRule.TIME, 60, kind=DataKind.TRADE), "stream 4: a derived stream carries bars"),
        (
            derived(TRADES, BarRule.TIME, 60, matching=True),
            "stream 4: a derived stream carries bars, drives no matching",
        ),
        (derived(TRADES, BarRule.TIME, 60, feed_latency=1), "stream 4: a derived stream .* has its source's latency"),
        (derived(QUOTES, BarRule.VOLUME, 60), "stream 4: quotes have no volume to make bars by"),
        (derived(QUOTES, BarRule.VALUE, 60), "stream 4: quotes have no volume to make bars by"),
        (derived(TRADES, BarRule.TIME, 60, volume_decimals=2), "volume_decimals 2 are not the 8 of its source"),
        (derived(BARS, BarRule.TIME, 0), "stream 4: size 0 is outside 1..9223372036854775807"),
        (derived(BARS, BarRule.TICK, 2**63), "stream 4: size 9223372036854775808 is outside 1.."),
        (derived(BARS, BarRule.VALUE, MAX_BAR_VALUE + 1), f"is outside 1..{MAX_BAR_VALUE}"),
        (derived(BARS, BarRule.TIME, 60, offset=60), "stream 4: offset 60 is outside 0..59"),
        (derived(BARS, BarRule.TIME, 60, offset=-1), "stream 4: offset -1 is outside 0..59"),
        (derived(BARS, BarRule.TICK, 60, offset=1), "stream 4: offset 1 is outside 0..0"),
        (Stream(0, DataKind.BAR, False, 8, size=60), "stream 4: its rows come from outside, so that it has no rule"),
        (Stream(0, DataKind.BAR, False, 19), "stream 4: volume_decimals 19 is outside 0.."),
        (Stream(0, DataKind.TRADE, False, 8), "an instrument has two streams of trades, or two of quotes"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(engine: str, stream: Stream, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepared(engine, replace(CONFIG, streams=(*CONFIG.streams, stream)))


def test_a_derived_stream_takes_no_rows(engine: str) -> None:
    run, _ = prepared(engine, replace(CONFIG, streams=(*CONFIG.streams, derived(TRADES, BarRule.TICK, 2))))
    with pytest.raises(ValueError, match="stream 4 is derived from stream 0: it takes no rows"):
        run.attach(4, BarRows(*([],) * 8))

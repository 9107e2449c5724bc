"""The options of a simulated venue: what they become in the core, and what is said of those that make no sense.

Deliberately not here: how the venue matches (the golden traces).
"""

from __future__ import annotations

from typing import Any

import pytest

import cracktrader as ct
from cracktrader.core.capability import SIMULATOR, FillModel
from cracktrader.core.units import RATE_ONE
from cracktrader.runtime.venue import declared_venue

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"fill": "open"}, 'fill is "next_open" or "same_close", not \'open\''),
    ({"participation": 1.5}, "participation 1.5 is a share: 0.1 is a tenth; it may be 0 to 1"),
    ({"touch_probability": -0.1}, "touch_probability -0.1 is a share"),
    ({"slippage_bps": -1}, "slippage_bps -1 is in basis points: 5 is 0.05 %"),
    ({"spread_bps": 20_000}, "spread_bps 20000 is in basis points"),
    ({"slippage_ticks": 1.5}, "slippage_ticks 1.5 is a whole number of ticks"),
    ({"spread_ticks": -1}, "spread_ticks -1 is a whole number of ticks"),
    ({"cancel_latency": "2000d"}, "cancel_latency '2000d' is outside 0..366 days"),
    ({"latency_jitter": -5}, "latency_jitter: -5 is not a duration"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_option_is_named_with_what_it_may_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ct.ConfigError) as raised:
        declared_venue(ct.Venue(**options))
    assert message.split(" is ")[0] in str(raised.value)


def test_the_plainest_venue_has_no_costs_limits_or_latency() -> None:
    venue = declared_venue(ct.Venue())
    assert (venue.capabilities, venue.fill) == (SIMULATOR, FillModel.NEXT_OPEN)
    assert (venue.participation, venue.slippage, venue.spread, venue.touch_probability) == (0, 0, 0, RATE_ONE)
    assert venue.submit_latency == venue.cancel_latency == venue.replace_latency == venue.latency_jitter == 0


def test_cancels_and_replaces_travel_like_orders_unless_said_otherwise() -> None:
    venue = declared_venue(ct.Venue(submit_latency="200ms", replace_latency="1s"))
    assert (venue.submit_latency, venue.cancel_latency, venue.replace_latency) == (200_000_000, 200_000_000, 10**9)


def test_basis_points_and_shares_become_rates() -> None:
    venue = declared_venue(ct.Venue(slippage_bps=2.5, spread_bps=10, participation=0.1, touch_probability=0.25))
    assert (venue.slippage, venue.spread) == (250_000, 1_000_000)
    assert (venue.participation, venue.touch_probability) == (100_000_000, 250_000_000)

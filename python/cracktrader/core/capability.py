"""What a venue can do, as it declares it (contract/capabilities.toml), and how the simulated venue behaves.

Whether an order asks for too much is checked in `admission`.
"""

from dataclasses import dataclass
from enum import IntEnum

from cracktrader.core.intent import OrderType, TimeInForce
from cracktrader.core.units import RATE_ONE, Rate, Time


def bits(*members: int) -> int:
    """A set of enumeration members as a bit mask."""
    mask = 0
    for member in members:
        mask |= 1 << member
    return mask


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Sets are bit masks: bit n is the enumeration's member n."""

    order_types: int
    times_in_force: int
    post_only: bool
    reduce_only: bool
    replace: bool
    provisional_fills: bool
    dense_keys: bool
    retention_ns: Time
    groups: bool = False


SIMULATOR = Capabilities(
    order_types=bits(*OrderType),
    times_in_force=bits(*TimeInForce),
    post_only=True,
    reduce_only=True,
    replace=True,
    provisional_fills=False,
    dense_keys=True,
    retention_ns=0,
    groups=True,
)
"""What the simulated venue does: everything but busts."""


class FillModel(IntEnum):
    """When a market order fills on bars."""

    NEXT_OPEN = 0
    SAME_CLOSE = 1


@dataclass(frozen=True, slots=True)
class Venue:
    """A declared venue: outside, or simulated in this process."""

    name: str
    simulated: bool
    capabilities: Capabilities
    fill: FillModel = FillModel.NEXT_OPEN
    submit_latency: Time = 0
    """From decision to the venue, for a new order; ns."""
    report_latency: Time = 0
    """From the venue to the engine; ns."""
    cancel_latency: Time = 0
    replace_latency: Time = 0
    latency_jitter: Time = 0
    """What each message takes at most beyond its latency, drawn evenly; ns."""
    participation: Rate = 0
    """Share of a bar's volume, of a trade or of the top of the book that all orders together may fill; 0 is without limit."""
    slippage: Rate = 0
    """What takers pay beyond the price, as a share of it."""
    slippage_ticks: int = 0
    """And in ticks."""
    spread: Rate = 0
    """Between bid and ask, as a share of the price, where the data has one price only: takers pay half of it."""
    spread_ticks: int = 0
    """And in ticks."""
    touch_probability: Rate = RATE_ONE
    """How likely a limit fills that the price touches but does not cross."""


MAX_LATENCY: Time = 366 * 86_400_000_000_000
MAX_TICKS = 1_000_000


def venue_problem(venue: Venue) -> str:
    """Why the declaration is invalid, or ''."""
    for name, value, most in (
        ("submit_latency", venue.submit_latency, MAX_LATENCY),
        ("report_latency", venue.report_latency, MAX_LATENCY),
        ("cancel_latency", venue.cancel_latency, MAX_LATENCY),
        ("replace_latency", venue.replace_latency, MAX_LATENCY),
        ("latency_jitter", venue.latency_jitter, MAX_LATENCY),
        ("participation", venue.participation, RATE_ONE),
        ("slippage", venue.slippage, RATE_ONE),
        ("slippage_ticks", venue.slippage_ticks, MAX_TICKS),
        ("spread", venue.spread, RATE_ONE),
        ("spread_ticks", venue.spread_ticks, MAX_TICKS),
        ("touch_probability", venue.touch_probability, RATE_ONE),
    ):
        if not 0 <= value <= most:
            return f"{name} {value} is outside 0..{most}"
    return ""

"""What a venue can do, as it declares it (contract/capabilities.toml), and how the simulated venue behaves.

Whether an order asks for too much is checked in `admission`.
"""

from dataclasses import dataclass
from enum import IntEnum

from cracktrader.core.intent import OrderType, TimeInForce
from cracktrader.core.units import Time


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
    order_types=bits(OrderType.MARKET, OrderType.LIMIT),
    times_in_force=bits(TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK),
    post_only=False,
    reduce_only=False,
    replace=True,
    provisional_fills=False,
    dense_keys=True,
    retention_ns=0,
    groups=False,
)
"""What the simulated venue does in this version."""


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
    """From decision to the venue, for every command; ns."""
    report_latency: Time = 0
    """From the venue to the engine; ns."""

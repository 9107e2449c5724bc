"""The simulated venue: matches every order type on bars, trades and quotes, and holds groups. Its fill table is contract/fills.toml.

Read `order`, then `group`, `lane`, `path`, `fill`, `desk`, `bars`, `ticks`, `venue`.
"""

from cracktrader.core.matching.desk import longest_command, longest_way
from cracktrader.core.matching.order import (
    NO_CAUSE,
    Cause,
    Command,
    CommandKind,
    FillRule,
    Phase,
    Point,
    Report,
    VenueOrder,
)
from cracktrader.core.matching.venue import SimulatedVenue

__all__ = [
    "Cause",
    "Command",
    "CommandKind",
    "FillRule",
    "NO_CAUSE",
    "Phase",
    "Point",
    "Report",
    "SimulatedVenue",
    "VenueOrder",
    "longest_command",
    "longest_way",
]

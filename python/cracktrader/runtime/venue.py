"""How a simulated venue behaves, in a user's units, and the core's declaration of it.

What a venue can do and how it matches is not here: that is the core's `capability` and `matching`.
"""

from __future__ import annotations

from dataclasses import dataclass

from cracktrader.core.capability import MAX_LATENCY, MAX_TICKS, SIMULATOR, FillModel
from cracktrader.core.capability import Venue as DeclaredVenue
from cracktrader.core.units import RATE_ONE
from cracktrader.data.stamps import parse_duration
from cracktrader.errors import ConfigError

FILL_MODELS = {"next_open": FillModel.NEXT_OPEN, "same_close": FillModel.SAME_CLOSE}
RATE_PER_BPS = RATE_ONE // 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """How the simulated venue behaves. Latencies are ns or text ("200ms"); bps are hundredths of a percent of the price.

    The plainest venue, `Venue()`, fills market orders at the next open, any quantity, without latency or cost.
    """

    fill: str = "next_open"
    """When market orders fill on bars: at the "next_open", or at the "same_close" they were decided on."""
    submit_latency: int | str = 0
    """From a decision to the arrival of the order."""
    cancel_latency: int | str | None = None
    """The same for cancels; None is that of orders."""
    replace_latency: int | str | None = None
    """The same for replaces; None is that of orders."""
    report_latency: int | str = 0
    """From the venue to the strategy: acceptance, fills and refusals."""
    feed_latency: int | str = 0
    """From the venue to the strategy: bars, trades and quotes."""
    latency_jitter: int | str = 0
    """What each message may take on top, drawn evenly from 0 to this with the run's seed."""
    participation: float = 0.0
    """Share of a bar's volume (of a trade, of the top of the book) that all orders together may fill: 0.1 is a tenth. 0 is no limit."""
    slippage_bps: float = 0.0
    """What market orders, stops and market-on-close orders pay beyond the price; on bars never beyond what the bar traded."""
    slippage_ticks: int = 0
    """And in ticks."""
    spread_bps: float = 0.0
    """Between bid and ask: takers pay half of it on bars and trades; quotes have their own."""
    spread_ticks: int = 0
    """And in ticks."""
    touch_probability: float = 1.0
    """How likely a limit fills that the price touches but does not cross."""
    session: str | None = None
    """When the venue is open: "bars" (each daily bar is a session), "24h" (days of UTC), or hours of a place on its days, such as
    "09:30-16:00 America/New_York" or "Sun-Thu 17:00-16:00 America/Chicago"; None: not declared."""


def declared_venue(venue: Venue) -> DeclaredVenue:
    """The core's declaration. ConfigError naming the option and what it may be."""
    if venue.fill not in FILL_MODELS:
        raise ConfigError(f'fill is "next_open" or "same_close", not {venue.fill!r}')
    submit = latency("submit_latency", venue.submit_latency)
    return DeclaredVenue(
        "simulator",
        True,
        SIMULATOR,
        FILL_MODELS[venue.fill],
        submit,
        latency("report_latency", venue.report_latency),
        submit if venue.cancel_latency is None else latency("cancel_latency", venue.cancel_latency),
        submit if venue.replace_latency is None else latency("replace_latency", venue.replace_latency),
        latency("latency_jitter", venue.latency_jitter),
        round(_share("participation", venue.participation) * RATE_ONE),
        _bps("slippage_bps", venue.slippage_bps),
        _ticks("slippage_ticks", venue.slippage_ticks),
        _bps("spread_bps", venue.spread_bps),
        _ticks("spread_ticks", venue.spread_ticks),
        round(_share("touch_probability", venue.touch_probability) * RATE_ONE),
    )


def latency(name: str, value: int | str) -> int:
    """A latency in ns. ConfigError when it is below 0 or longer than a year."""
    try:
        found = 0 if value == 0 else parse_duration(value)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error
    if not 0 <= found <= MAX_LATENCY:
        raise ConfigError(f'{name} {value!r} is outside 0..366 days; give ns or text such as "200ms"')
    return found


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} {value!r} is a share: 0.1 is a tenth; it may be 0 to 1")
    return value


def _bps(name: str, value: float) -> int:
    if not 0 <= value <= 10_000:
        raise ConfigError(f"{name} {value!r} is in basis points: 5 is 0.05 %; it may be 0 to 10000")
    return round(value * RATE_PER_BPS)


def _ticks(name: str, value: float) -> int:
    if value != round(value) or not 0 <= value <= MAX_TICKS:
        raise ConfigError(f"{name} {value!r} is a whole number of ticks, 0 to {MAX_TICKS}")
    return int(value)

"""Why a run traded nothing, in words: what raised, was never ready, was refused and by which check, or was never reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cracktrader.core.reject import REJECTS
from cracktrader.runtime.table import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cracktrader.runtime.outcome import BoundIndicator, RunOutcome

_REMEDIES = {reject.slug: reject.remedy for reject in REJECTS.values()}
_MESSAGES = {reject.slug: reject.message for reject in REJECTS.values()}
_FOLLOWING = ("E_GROUP", "V_GROUP", "V_PARENT")
"""Codes of orders that mostly end because another one did: the cause is said before them."""
_LISTED = 3
_OPEN = ("Created", "Submitted", "Accepted", "Triggered", "CancelPending", "ReplacePending")


def why_no_trades(outcome: RunOutcome) -> str:
    """Why a run has no fills, one reason a line; empty when it has some."""
    if rows_in(outcome.fills):
        return ""
    reasons = [*_troubles(outcome), *(_without_orders(outcome) if not rows_in(outcome.orders) else _of_orders(outcome))]
    return "Nothing was traded. " + "\n".join(reasons)


def _troubles(outcome: RunOutcome) -> list[str]:
    """An early end, and what strategies raised."""
    lines = []
    if outcome.stopped:
        lines.append(f"The run stopped early: {outcome.stopped}.")
    if outcome.errors:
        raised = outcome.errors[0].strip().splitlines()
        where = raised[0].split(",")[0]
        lines.append(
            f"The strategy raised at {where}: {raised[-1].strip()}. The orders of that moment were discarded and it was not called again; "
            "the traceback is in result.errors."
        )
    return lines


def _without_orders(outcome: RunOutcome) -> list[str]:
    count = sum(len(one) for one in outcome.bars)
    if not count:
        return ["The data has no rows."]
    if refused := _refused(outcome.diagnostics.items()):
        return ["No intent became an order.", *refused]
    if outcome.errors:
        return []
    never = _never_warm(outcome)
    if never:
        return [f"The strategy placed no order in {count:,} rows of data.", *never]
    ready = _ready_from(outcome)
    return [f"The strategy placed no order in {count:,} rows of data: its conditions never held{ready}."]


def _never_warm(outcome: RunOutcome) -> list[str]:
    """Which indicators never had enough data, and how much each needs."""
    import numpy as np

    lines = []
    for bound, _, values in _indicator_values(outcome):
        if np.isfinite(values).any():
            continue
        lines.append(
            f"{_named(bound)} on {bound.symbol} was never ready: it had {len(values):,} bars{_needs(bound)}. Give it more data or a "
            "shorter period."
        )
    return lines


def _named(bound: BoundIndicator) -> str:
    return f"{bound.attribute} = {bound.name}" if bound.attribute else bound.name


def _needs(bound: BoundIndicator) -> str:
    period = getattr(bound.declared, "period", None)
    return f" and needs {period:,}" if isinstance(period, int) else ""


def _ready_from(outcome: RunOutcome) -> str:
    """From when on every indicator was warm."""
    import numpy as np

    ready = [
        (int(np.isfinite(values).argmax()) + 1, int(times[np.isfinite(values).argmax()]))
        for _, times, values in _indicator_values(outcome)
    ]
    if not ready:
        return ""
    bars, time = max(ready)
    return f", though its indicators were ready from bar {bars:,} ({_moment(time)}) on"


def _indicator_values(outcome: RunOutcome) -> list[Any]:
    from cracktrader.runtime.indicators import indicator_values

    return indicator_values(outcome)


def _of_orders(outcome: RunOutcome) -> list[str]:
    """What became of the orders, commonest ending first."""
    orders = outcome.orders
    counts: dict[tuple[str, str], int] = {}
    for status, code in zip(orders["status"], orders["code"], strict=True):
        counts[status, code] = counts.get((status, code), 0) + 1
    lines = [f"The strategy placed {_counted(len(orders['order']), 'order')}, and none was filled."]
    for (status, code), count in sorted(counts.items(), key=lambda item: (item[0][1] in _FOLLOWING, -item[1], item[0])):
        if code:
            lines.append(f"{count:,} {status} with {code}{_explained(code)}")
        elif status in _OPEN:
            lines.append(f"{count:,} still open at the end ({status}): the market never reached them.")
        else:
            lines.append(f"{count:,} {status} before the market reached them.")
    return [*lines, *_too_large(outcome), *_unreached(outcome)]


def _too_large(outcome: RunOutcome) -> list[str]:
    """What the first order that cash or margin refused was worth."""
    orders = outcome.orders
    for at, code in enumerate(orders["code"]):
        columns = next((one for one in outcome.bars if one.symbol == orders["symbol"][at] and len(one)), None)
        if code not in ("E_CASH", "E_MARGIN", "V_FUNDS") or columns is None:
            continue
        fact = next((one for one in outcome.instruments if one["symbol"] == columns.symbol), {})
        if fact.get("kind") == "inverse":
            return []
        last = max(int(columns.close_time.searchsorted(orders["created"][at], side="right")) - 1, 0)
        close = float(columns.prices("close")[last])
        size, side = orders["quantity"][at], orders["side"][at]
        worth = size * close * fact.get("multiplier", 1.0)
        line = (
            f"Order {orders['order'][at]}, {side} {size:,.10g} {columns.symbol} at about {close:,g}, was worth {worth:,.2f}; the run began "
            f"with {outcome.initial_cash:,.2f} {outcome.currency}. Sizes may be given as percent= or cash=."
        )
        return [line]
    return []


def _refused(counts: Iterable[tuple[str, int]]) -> list[str]:
    """Refusals at admission, commonest first, with what each asks for."""
    ranked = sorted(
        ((slug, count) for slug, count in counts if slug.startswith("E_")), key=lambda one: (-one[1], one[0])
    )
    return [f"Refused {count:,} times with {slug}{_explained(slug)}" for slug, count in ranked]


def _explained(slug: str) -> str:
    if slug not in _REMEDIES:
        return "."
    message = _MESSAGES[slug].replace("{value}", "...").replace("{limit}", "...")
    return f" ({message}): {_REMEDIES[slug]}."


def _unreached(outcome: RunOutcome) -> list[str]:
    """How near the market came to the first orders with a price."""
    orders = outcome.orders
    bars = {one.symbol: one for one in outcome.bars}
    lines: list[str] = []
    for at, limit in enumerate(orders["limit_price"]):
        columns = bars.get(orders["symbol"][at])
        stop = orders["stop_price"][at]
        price = limit if stop is None else stop
        if price is None or columns is None or orders["status"][at] == "Denied" or len(lines) == _LISTED:
            continue
        first = int(columns.open_time.searchsorted(orders["created"][at]))
        end = orders["closed"][at]
        last = len(columns) if end is None else int(columns.close_time.searchsorted(end, side="right"))
        if first >= last:
            continue
        # A limit to buy and a stop to sell wait below the market, the others above it.
        below = (orders["side"][at] == "buy") == (stop is None)
        edge = columns.prices("low")[first:last].min() if below else columns.prices("high")[first:last].max()
        lines.append(
            f"Order {orders['order'][at]}, {orders['side'][at]} {'limit' if stop is None else 'stop'} {price:g} of "
            f"{_moment(orders['created'][at])}: the {'lowest' if below else 'highest'} price while it was open was {edge:g}, "
            f"{abs(edge / price - 1):.2%} away."
        )
    return lines


def _moment(time: int) -> str:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(time // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d}" if time % 86_400_000_000_000 == 0 else f"{moment:%Y-%m-%d %H:%M:%S}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"

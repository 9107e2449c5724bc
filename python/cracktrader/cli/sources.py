"""What --data, --from and --to mean: sources with their symbols, and the part of them that lies in a period."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cracktrader.data import BarColumns


def named(files: Sequence[str]) -> list[Any]:
    """[SYMBOL=]PATH texts as sources for `load`."""
    from cracktrader.data import Bars

    if not files:
        raise ConfigError("data.files is empty: name at least one file, or sample:sp500_1d")
    seen: dict[str, str] = {}
    sources = []
    for text in files:
        symbol, path = split_symbol(text)
        called = symbol or Path(path).name
        if called in seen:
            raise ConfigError(f"{seen[called]} and {text} have one name: give them two, as in --data A={path}")
        seen[called] = text
        sources.append(Bars(path, symbol=symbol or None))
    return sources


def split_symbol(text: str) -> tuple[str, str]:
    """SYMBOL=PATH in two; a file whose own name has a "=" is found as it stands."""
    from cracktrader.data.columns import is_symbol

    symbol, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        return "", text
    if not symbol.strip() or not path.strip():
        raise ConfigError(f"--data {text}: write PATH or SYMBOL=PATH")
    if not is_symbol(symbol.strip()):
        raise ConfigError(f"--data {text}: {symbol!r} is not a symbol: 1 to 64 of A-Z a-z 0-9 . _ : / -")
    return symbol.strip(), path.strip()


def cut(loaded: list[BarColumns], start: str, end: str) -> list[BarColumns]:
    """The bars that open at or after `start` and before `end`. ConfigError where that leaves nothing of an instrument."""
    if not start and not end:
        return loaded
    since, until = _moment("--from", start), _moment("--to", end)
    if since is not None and until is not None and since >= until:
        raise ConfigError(f"--from {start} is not before --to {end}")
    period = " ".join(word for word in (start and f"from {start}", end and f"to {end}") if word)
    return [_cut_one(bars, since, until, period) for bars in loaded]


def _cut_one(bars: BarColumns, since: int | None, until: int | None, period: str) -> BarColumns:
    import numpy as np

    from cracktrader.data.columns import ARRAY_FIELDS
    from cracktrader.data.stamps import time_text

    first = 0 if since is None else int(np.searchsorted(bars.open_time, since, side="left"))
    last = len(bars) if until is None else int(np.searchsorted(bars.open_time, until, side="left"))
    if first >= last:
        covered = f"{time_text(int(bars.open_time[0]))} to {time_text(int(bars.close_time[-1]))}"
        raise ConfigError(f"{bars.symbol} has no bar {period}: it covers {covered} UTC")
    return replace(bars, **{name: getattr(bars, name)[first:last] for name in ARRAY_FIELDS})


def _moment(flag: str, text: str) -> int | None:
    """ISO text to nanoseconds since 1970, UTC."""
    from cracktrader.data.times import parse_time

    if not text:
        return None
    try:
        return parse_time(text)
    except ConfigError as error:
        raise ConfigError(f"{flag}: {error}") from None

"""What --data, --from and --to mean: sources with their symbols, and the part of them that lies in a period."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cracktrader.data.columns import Columns


def load_files(files: Sequence[str], options: Mapping[str, Any]) -> list[Columns]:
    """The columns of [SYMBOL=]PATH texts; one symbol may have several kinds of data."""
    from cracktrader.data.joining import refuse_twins, share_decimals
    from cracktrader.data.loading import load

    if not files:
        raise ConfigError("data.files is empty: name at least one file, or sample:sp500_1d")
    pairs = [split_symbol(text) for text in files]
    if len(set(pairs)) < len(pairs):
        twice = next(text for text in files if files.count(text) > 1)
        raise ConfigError(f"--data {twice} is given twice")
    loaded = [columns for symbol, path in pairs for columns in load(path, symbol=symbol or None, **options)]
    refuse_twins(loaded)
    return share_decimals(loaded)


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


def cut(loaded: Sequence[Columns], start: str, end: str) -> list[Columns]:
    """The bars that open, and the ticks that are, at or after `start` and before `end`. ConfigError where nothing of one is left."""
    if not start and not end:
        return list(loaded)
    since, until = _moment("--from", start), _moment("--to", end)
    if since is not None and until is not None and since >= until:
        raise ConfigError(f"--from {start} is not before --to {end}")
    period = " ".join(word for word in (start and f"from {start}", end and f"to {end}") if word)
    return [_cut_one(columns, since, until, period) for columns in loaded]


def _cut_one(columns: Columns, since: int | None, until: int | None, period: str) -> Columns:
    import numpy as np

    from cracktrader.data.columns import kind_of
    from cracktrader.data.stamps import time_text

    arrays = [one.name for one in fields(columns) if hasattr(getattr(columns, one.name), "dtype")]
    kind = kind_of(columns)
    times = getattr(columns, "open_time" if kind == "bars" else "time")
    first = 0 if since is None else int(np.searchsorted(times, since, side="left"))
    last = len(columns) if until is None else int(np.searchsorted(times, until, side="left"))
    if first >= last:
        ends = getattr(columns, "close_time" if kind == "bars" else "time")
        covered = f"{time_text(int(times[0]))} to {time_text(int(ends[-1]))}"
        raise ConfigError(f"{columns.symbol} has no {kind} {period}: it covers {covered} UTC")
    return replace(columns, **{name: getattr(columns, name)[first:last] for name in arrays})


def timeframes(texts: Sequence[str]) -> list[Any]:
    """ "5m", "100 ticks", "10 volume", "1e6 value" as what `backtest` takes."""
    from cracktrader.runtime.timeframes import TickBars, TimeBars, ValueBars, VolumeBars

    makers: dict[str, Callable[[str], Any]] = {
        "ticks": lambda number: TickBars(int(number)),
        "volume": lambda number: VolumeBars(float(number)),
        "value": lambda number: ValueBars(float(number)),
    }
    frames: list[Any] = []
    for text in texts:
        number, _, unit = text.strip().partition(" ")
        try:
            frames.append(makers.get(unit, TimeBars)(number if unit in makers else text.strip()))
        except ValueError:
            raise ConfigError(f"--timeframe {text}: {number!r} is not a number of {unit}") from None
        except ConfigError as error:
            raise ConfigError(f"--timeframe {text}: {error}") from None
    return frames


def _moment(flag: str, text: str) -> int | None:
    """ISO text to nanoseconds since 1970, UTC."""
    from cracktrader.data.times import parse_time

    if not text:
        return None
    try:
        return parse_time(text)
    except ConfigError as error:
        raise ConfigError(f"{flag}: {error}") from None

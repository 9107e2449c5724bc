"""Which column is which: names in any case and spelling to fields, and the layout they make.

A name is compared after `canonical`: "Adj Close", "adj_close", "<ADJCLOSE>" and "5. adjusted close" are spellings of
one. Files without a header are recognised in `text_files.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cracktrader.data.declared import Kind
from cracktrader.errors import ConfigError, DataError

PRICES = {"bars": ("open", "high", "low", "close"), "trades": ("price",), "quotes": ("bid_price", "ask_price")}
QUANTITIES = {"bars": ("volume",), "trades": ("quantity",), "quotes": ("bid_quantity", "ask_quantity")}
NEEDED = {kind: (*PRICES[kind], *(QUANTITIES[kind] if kind == "trades" else ())) for kind in PRICES}

INDEX_COLUMN = "(index)"
"""How the stamps of a pandas DatetimeIndex are named in a message."""

NAMES: dict[str, tuple[str, ...]] = {
    "open": ("open", "o", "open_price", "openprice", "px_open"),
    "high": ("high", "h", "high_price", "highprice", "px_high"),
    "low": ("low", "l", "low_price", "lowprice", "px_low"),
    "close": ("close", "c", "close_price", "closeprice", "px_last", "close_last", "price"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base", "tickvol", "tick_volume", "total_volume"),
    "adjusted_close": ("adj_close", "adjclose", "adjusted_close", "adjustedclose", "close_adj"),
    "price": ("price", "p", "trade_price", "last", "px"),
    "quantity": ("quantity", "qty", "size", "amount", "q", "volume", "vol", "trade_size", "last_size", "base_qty"),
    "aggressor": ("aggressor", "side", "aggressor_side", "taker_side", "direction"),
    "buyer_maker": ("is_buyer_maker", "isbuyermaker", "buyer_maker", "buyer_is_maker", "was_the_buyer_the_maker", "m"),
    "trade_id": ("trade_id", "tradeid", "agg_trade_id", "aggregate_trade_id", "aggregate_tradeid", "id", "tid"),
    "bid_price": ("bid_price", "bid", "bidprice", "best_bid", "best_bid_price", "bid_px", "b"),
    "ask_price": ("ask_price", "ask", "askprice", "best_ask", "best_ask_price", "ask_px", "offer", "a"),
    "bid_quantity": (
        "bid_quantity",
        "bid_qty",
        "bid_size",
        "bidsize",
        "best_bid_qty",
        "bid_volume",
        "bidvolume",
        "bid_amount",
    ),
    "ask_quantity": (
        "ask_quantity",
        "ask_qty",
        "ask_size",
        "asksize",
        "best_ask_qty",
        "ask_volume",
        "askvolume",
        "ask_amount",
    ),
    "symbol": ("symbol", "ticker"),
    "time": (
        *("time", "timestamp", "date", "datetime", "ts", "open_time", "opentime", "date_time", "gmt_time"),
        *("local_time", "time_utc", "timestamp_utc", "datetime_utc", "transact_time", "transaction_time"),
        *("trade_time", "event_time", "ts_event", "unix_timestamp", "unix", "unix_time", "t", "dtyyyymmdd"),
        *("window_start", "created_at", "index_level_0"),
    ),
}
"""Spellings of each field, the preferred one first."""

_SUBJECTS = {
    "bars": {"open", "high", "low", "close", "volume", "adjusted_close"},
    "trades": {"price", "quantity", "aggressor", "buyer_maker", "trade_id"},
    "quotes": {"bid_price", "ask_price", "bid_quantity", "ask_quantity"},
}
_COMMON = ("time", "symbol")


@dataclass(frozen=True, slots=True)
class Layout:
    """A source's columns by field, what they are, and what the arrangement is called."""

    name: str
    kind: Kind
    columns: dict[str, str]
    """Field to column; `date` is there beside `time` where day and time of day stand in two columns."""

    @property
    def time_column(self) -> str:
        """The name of the time for messages."""
        return f"{self.columns['date']} {self.columns['time']}" if "date" in self.columns else self.columns["time"]


def canonical(name: str) -> str:
    """A column's name without case, decoration and separators."""
    bare = re.sub(r"^\d+[a-z]?\.\s+", "", name.strip().lower())
    return re.sub(r"[\s\-/.()<>\[\]:]+", "_", bare).strip("_")


def find_layout(
    origin: str, names: Sequence[str], kind: Kind | None, said: Mapping[str, str | int] | None, hint: str = ""
) -> Layout:
    """The layout of columns called `names`; what the user `said` goes first. DataError when something is missing."""
    by_name = _by_name(names)
    explicit = _explicit(names, said)
    candidates: list[Kind] = [kind] if kind else ["bars", "quotes", "trades"]
    found: dict[Kind, dict[str, str]] = {}
    for one in candidates:
        found[one] = _fields(origin, one, by_name, explicit)
        if all(field in found[one] for field in NEEDED[one]) and "time" in found[one]:
            return Layout(hint or _title(by_name, one, names), one, found[one])
    raise DataError(_missing(origin, names, candidates, found))


def _by_name(names: Sequence[str]) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault(canonical(name), []).append(name)
    # A first column without a name is the index that pandas wrote.
    if names and (canonical(names[0]) in ("", "unnamed_0")):
        by_name.setdefault("time", []).append(names[0])
    return by_name


def _explicit(names: Sequence[str], said: Mapping[str, str | int] | None) -> dict[str, str]:
    """The user's mapping with positions and any case of a name resolved. ConfigError for what is not there."""
    explicit: dict[str, str] = {}
    for field, column in (said or {}).items():
        if field not in NAMES and field != "date":
            raise ConfigError(f"columns: {field!r} is not a field; fields are {', '.join(sorted(NAMES))}, date")
        if isinstance(column, int) and 0 <= column < len(names):
            explicit[field] = names[column]
            continue
        matches = [name for name in names if name == column] or [
            name for name in names if isinstance(column, str) and canonical(name) == canonical(column)
        ]
        if len(matches) != 1:
            raise ConfigError(f"columns: {field} is said to be {column!r}; found {', '.join(names)}")
        explicit[field] = matches[0]
    return explicit


def _fields(
    origin: str, kind: Kind | str, by_name: Mapping[str, list[str]], explicit: Mapping[str, str]
) -> dict[str, str]:
    fields: dict[str, str] = {}
    taken = set(explicit.values())
    for field in (*_COMMON, *(name for name in NAMES if name in _SUBJECTS[kind])):
        if field in explicit:
            fields[field] = explicit[field]
            continue
        for name in NAMES[field]:
            columns = [column for column in by_name.get(name, ()) if column not in taken]
            if len(columns) > 1:
                raise DataError(f"{origin}: columns {columns[0]!r} and {columns[1]!r} both read as {name}")
            if columns:
                fields[field] = columns[0]
                break
    if "volume" not in fields and kind == "bars":
        # Exchanges' archives name the currency, as in "Volume BTC"; the first is the traded one.
        fields |= next(({"volume": columns[0]} for name, columns in by_name.items() if name.startswith("volume_")), {})
    if "date" in explicit:
        fields["date"] = explicit["date"]
    elif "time" not in explicit and "time" in fields and canonical(fields["time"]) == "time":
        day = [name for name in ("date", "dtyyyymmdd") if name in by_name]
        if day:
            fields["date"] = by_name[day[0]][0]
    if "time" not in fields and INDEX_COLUMN in {column for columns in by_name.values() for column in columns}:
        fields["time"] = INDEX_COLUMN
    return fields


def _title(by_name: Mapping[str, list[str]], kind: str, names: Sequence[str]) -> str:
    """What the arrangement is called, for people only."""
    has = by_name.keys()
    if kind == "bars":
        if "adj_close" in has:
            return "Yahoo"
        if "openinterest" in has or "open_interest" in has:
            return "Backtrader"
        if "open_time" in has and has & {"taker_buy_base_volume", "taker_buy_volume", "quote_volume", "close_time"}:
            return "Binance klines"
        if INDEX_COLUMN in names and {"Open", "High", "Low", "Close"} <= set(names):
            return "backtesting.py"
    if kind == "trades" and "agg_trade_id" in has:
        return "Binance aggTrades"
    if kind == "trades" and has & {"is_buyer_maker", "isbuyermaker"}:
        return "Binance trades"
    if kind == "quotes" and "best_bid_price" in has:
        return "Binance bookTicker"
    return "generic"


def _missing(origin: str, names: Sequence[str], kinds: Sequence[Kind], found: Mapping[Kind, Mapping[str, str]]) -> str:
    """What the nearest kind lacks, or what each kind needs when none is near."""
    listed = ", ".join(name or "(no name)" for name in names) or "no columns"
    nearest = max(kinds, key=lambda kind: sum(field in found[kind] for field in NEEDED[kind]))
    lacking = [field for field in NEEDED[nearest] if field not in found[nearest]]
    if "time" not in found[nearest]:
        lacking.insert(0, "a time (one of time, timestamp, date, datetime, ts, open_time)")
    remedy = 'name them with columns=, as in columns={"close": "Last"}'
    return f"{origin}: missing {', '.join(lacking)} for {nearest}; found {listed}; {remedy}"

"""Recorded Binance combined streams: one message a line, `<local time in ns> <JSON as received>`, as trades and quotes.

`trade` and `aggTrade` messages become trades, `bookTicker` messages quotes; the book (`depth`) is not read here. Times
and stamps are the local receive times: the one clock that all messages share. The exchange's own times are not used,
because its spot quotes have none, and labels of two clocks would run back and forth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cracktrader.data.problems import Place
from cracktrader.data.sources import Table, expanded
from cracktrader.errors import DataError

if TYPE_CHECKING:
    from cracktrader.data.columns import Columns

LAYOUT = "Binance stream"

_FIRST_LINE = re.compile(rb'\d{16,19} \{"')
_OTHER_SUFFIXES = (".parquet", ".pq", ".zst", ".zip")


def load_binance_stream(path: str | Path, **options: Any) -> list[Columns]:
    """The trades and quotes of every symbol of a recorded combined stream; options as in `load`.

    Raises DataError for a file that is none, and for a message that cannot be read, naming its line.
    """
    from cracktrader.data.loading import load

    if not is_stream(path):
        raise DataError(f'{path}: is no recorded stream: lines must read <local time in ns> {{"stream": ...}}')
    return load(path, **options)


def is_stream(source: object) -> bool:
    """Whether a source is the path of a recorded stream, by its first line."""
    if not isinstance(source, (str, Path)) or str(source).lower().endswith(_OTHER_SUFFIXES):
        return False
    path = expanded(source)
    try:
        with _opened(path) as file:
            return _FIRST_LINE.match(file.read(64)) is not None
    except (OSError, EOFError, ValueError):
        return False


def stream_tables(path: Path) -> list[Table]:
    """One table for each symbol and kind, trades before quotes."""
    import polars as pl

    recording = _Recording()
    try:
        with _opened(path) as file:
            _take(path, file, recording)
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: {error}") from error
    tables: list[Table] = []
    for kind, taken in (("trades", recording.trades), ("quotes", recording.quotes)):
        for symbol, rows in sorted(taken.items()):
            lines = pl.Series(rows.lines, dtype=pl.Int64).to_numpy()
            said = {"kind": kind, "notes": (*rows.notes(), *(recording.notes() if not tables else ()))}
            tables.append(Table(rows.frame(), Place(str(path), 1, lines), symbol, LAYOUT, said))
    if not tables:
        raise DataError(f"{path}: the recording holds neither trades nor bookTicker messages")
    return tables


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    import gzip

    return gzip.open(path)  # type: ignore[return-value]  # a GzipFile reads as the binary file it stands for


@dataclass(slots=True)
class _Taken:
    """The rows of one symbol and kind."""

    names: tuple[str, ...]
    lines: list[int] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    left_out: int = 0

    def frame(self) -> Any:
        """The rows as a frame."""
        import polars as pl

        return pl.DataFrame(self.rows, schema=list(self.names), orient="row", infer_schema_length=None)

    def notes(self) -> tuple[str, ...]:
        """What was not taken."""
        if not self.left_out:
            return ()
        what = "message is no trade" if self.left_out == 1 else "messages are no trades"
        return (f"{self.left_out:,} {what} of the market and left out",)


_TRADE_COLUMNS = ("time", "trade_id", "price", "quantity", "is_buyer_maker")
_QUOTE_COLUMNS = ("time", "bid_price", "bid_quantity", "ask_price", "ask_quantity")


@dataclass(slots=True)
class _Recording:
    trades: dict[str, _Taken] = field(default_factory=dict)
    quotes: dict[str, _Taken] = field(default_factory=dict)
    others: int = 0

    def notes(self) -> tuple[str, ...]:
        """How much of the recording is neither."""
        if not self.others:
            return ()
        return (
            f"{self.others:,} message{' of another kind is' if self.others == 1 else 's of other kinds are'} not read",
        )


def _take(path: Path, file: Iterator[bytes] | IO[bytes], recording: _Recording) -> None:
    """Every trade and quote of the file, in its order."""
    import msgspec

    trade, quote = _decoders()
    for line, text in enumerate(file):
        head = text[:96]
        is_trade = b'rade"' in head and (b'@trade"' in head or b'@aggTrade"' in head)
        if not is_trade and b'@bookTicker"' not in head:
            recording.others += 1
            continue
        local, _, message = text.partition(b" ")
        try:
            data = (trade if is_trade else quote).decode(message).data
            time = int(local)
            if is_trade:
                taken = recording.trades.setdefault(data.s, _Taken(_TRADE_COLUMNS))
                if data.X not in ("", "MARKET"):
                    taken.left_out += 1
                    continue
                number = data.t if data.t is not None else data.a
                row = (time, number, float(data.p), float(data.q), data.m)
            else:
                taken = recording.quotes.setdefault(data.s, _Taken(_QUOTE_COLUMNS))
                row = (time, float(data.b), float(data.B), float(data.a), float(data.A))
        except (ValueError, msgspec.MsgspecError) as error:
            raise DataError(f"{path} line {line + 1}: {str(error).splitlines()[0]}") from error
        taken.lines.append(line)
        taken.rows.append(row)


def _decoders() -> tuple[Any, Any]:
    """Decoders of the messages, by the venue's own one-letter fields."""
    import msgspec

    trade = msgspec.defstruct(
        "TradeData",
        [
            *(("s", str), ("p", str), ("q", str), ("m", bool)),
            *(("t", int | None, None), ("a", int | None, None), ("X", str, "")),
        ],
    )
    quote = msgspec.defstruct("QuoteData", [("s", str), ("b", str), ("B", str), ("a", str), ("A", str)])
    messages = (msgspec.defstruct(f"{data.__name__}Message", [("data", data)]) for data in (trade, quote))
    first, second = (msgspec.json.Decoder(message) for message in messages)
    return first, second

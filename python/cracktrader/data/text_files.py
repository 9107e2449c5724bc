"""Text files with columns: separator, header, comment lines and decimal sign found from the first lines, then read by polars.

A file without a header is recognised by the shape of its rows (`HEADERLESS`), or told by `columns=` with positions.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cracktrader.data.layout import NAMES, canonical
from cracktrader.errors import DataError

if TYPE_CHECKING:
    import polars as pl

HEAD_LINES = 40
SEPARATORS = (",", ";", "\t", "|")

_KLINES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count"),
    *("taker_buy_base_volume", "taker_buy_quote_volume", "ignore"),
)
_AGG_TRADES = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "time", "is_buyer_maker")
_TRADES = ("trade_id", "price", "quantity", "quote_quantity", "time", "is_buyer_maker")
_OHLCV = ("time", "open", "high", "low", "close", "volume")

# Shapes of rows: i epoch integer, n number, d day, t day with time of day, c time of day, b boolean.
HEADERLESS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("i" + "n" * 11, "Binance klines", _KLINES),
    ("nnnnnibb", "Binance aggTrades", (*_AGG_TRADES, "is_best_match")),
    ("nnnnnib", "Binance aggTrades", _AGG_TRADES),
    ("nnnnibb", "Binance trades", (*_TRADES, "is_best_match")),
    ("nnnnib", "Binance trades", _TRADES),
    ("inn", "headerless trades", ("time", "price", "quantity")),
    ("[itd]n{5}", "headerless OHLCV", _OHLCV),
    ("[itd]n{4}", "headerless OHLC", _OHLCV[:5]),
    ("[itd]n{6}", "headerless OHLCV", (*_OHLCV, "openinterest")),
    ("dcn{5}", "headerless date, time, OHLCV", ("date", *_OHLCV)),
    ("dcn{4}", "headerless date, time, OHLC", ("date", *_OHLCV[:5])),
    ("dcn{6}", "headerless date, time, OHLCV", ("date", *_OHLCV, "openinterest")),
)

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)|null|none|na|n/a|", re.IGNORECASE)
_EPOCH = re.compile(r"\d{9,10}(\.\d+)?|\d{13}|\d{16}|\d{19}")
_DAY = re.compile(r"\d{4}[-/.]\d{2}[-/.]\d{2}|[12]\d{7}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}-[A-Za-z]{3}-\d{4}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?|\d{6}|\d{4}")
_MOMENT = re.compile(r"(\d{4}[-/.]\d{2}[-/.]\d{2}|\d{8}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})[T ;,]\d{1,2}:?\d{2}.*")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file's columns, still unconverted where a cell does not fit, and where its rows begin."""

    frame: pl.DataFrame
    first_line: int
    layout: str
    """What a file was recognised as by more than the names of its columns; else empty."""


def read_text(path: Path, said: Mapping[str, str | int] | None) -> TextFile:
    """The columns of a text file, compressed or not. DataError when it is no table."""
    import csv

    content = _content(path)
    head = _head(path, content)
    skipped, separator = _beginning(path, head)
    lines = [line for line in head[skipped:] if line.strip()]
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    decimal_comma = separator == ";" and any(re.fullmatch(r"-?\d+,\d+", cell) for row in cells[1:5] for cell in row)
    if decimal_comma:
        cells = [[cell.replace(",", ".") for cell in row] for row in cells]
    headed = _is_header(cells[0], said)
    names, layout = (cells[0], "") if headed else _headerless(path, cells[0], said)
    below = 1 if headed else 0
    if names[0] == "Price" and len(cells) > 2 and cells[1][0] == "Ticker":
        # The file yfinance writes: a line of tickers and a line that names the index stand below the header.
        names, below, layout = ["Date", *names[1:]], 3, "yfinance"
        if len(set(cells[1][1:])) > 1:
            raise DataError(f"{path}: holds several tickers side by side; write one file for each")
    names = _fitted(path, names, cells[below], skipped + below + 1) if len(cells) > below else names
    reading = _Reading(path, content, separator, skipped + below, _unique(names), decimal_comma)
    return TextFile(reading.frame(), skipped + below + 1, layout)


def _fitted(path: Path, names: list[str], row: Sequence[str], line: int) -> list[str]:
    """The header with as many names as the rows have cells: a time of day beside the date may have none."""
    if len(row) <= len(names):
        return names
    if len(row) == len(names) + 1 and canonical(names[0]) == "date" and _CLOCK.fullmatch(row[1]):
        return [names[0], "Time", *names[1:]]
    if not any(row[len(names) :]):
        return [*names, *("" for _ in row[len(names) :])]
    raise DataError(f"{path} line {line}: {len(row)} cells, the header has {len(names)}")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One file with what its first lines told."""

    path: Path
    content: Path | bytes
    separator: str
    skip: int
    names: list[str]
    decimal_comma: bool

    def frame(self) -> pl.DataFrame:
        """All rows; a column of numbers is text where one of its cells is not a number, so that the cell can be named."""
        import polars as pl

        number_names = {name for field, names in NAMES.items() if field in _NUMBER_FIELDS for name in names}
        numeric = {name for name in self.names if canonical(name) in number_names}
        types = {name: pl.Float64 if name in numeric else pl.String for name in self.names}
        try:
            return self._read(types)
        except pl.exceptions.PolarsError as error:
            if "more fields" in str(error):
                raise DataError(self._ragged()) from error
            if isinstance(error, pl.exceptions.NoDataError):
                raise DataError(f"{self.path}: no rows") from error
        try:
            return self._read(dict.fromkeys(self.names, pl.String))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{self.path}: {str(error).splitlines()[0]}") from error

    def _read(self, types: Mapping[str, Any]) -> pl.DataFrame:
        import polars as pl

        return pl.read_csv(
            self.content,
            has_header=False,
            new_columns=self.names,
            skip_lines=self.skip,
            separator=self.separator,
            schema=dict(types),
            decimal_comma=self.decimal_comma,
            missing_columns="insert",
        )

    def _ragged(self) -> str:
        """Which line has more cells than the header."""
        width = len(self.names)
        with _opened(self.path, self.content) as file:
            for number, line in enumerate(file, 1):
                count = line.decode("utf-8", "replace").count(self.separator) + 1
                if number > self.skip and count > width:
                    return f"{self.path} line {number}: {count} cells, the lines above have {width}"
        return f"{self.path}: a line has more cells than the first"


_NUMBER_FIELDS = frozenset(
    "open high low close volume adjusted_close price quantity bid_price ask_price bid_quantity ask_quantity".split()
)


def _content(path: Path) -> Path | bytes:
    """What polars is given: the path, or the one member of a zip archive."""
    if path.suffix.lower() != ".zip":
        return path
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise DataError(f"{path}: the archive holds {len(members)} files; it must hold one")
            return archive.read(members[0])
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: {error}") from error


def _opened(path: Path, content: Path | bytes) -> IO[bytes]:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    import gzip

    return gzip.open(path)  # type: ignore[return-value]


def _head(path: Path, content: Path | bytes) -> list[str]:
    """The first lines. DataError when they are no UTF-8 text."""
    try:
        if path.suffix.lower() == ".zst":
            raw = _zstd_head(path)
        else:
            with _opened(path, content) as file:
                raw = [line for _, line in zip(range(HEAD_LINES), file, strict=False)]
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: {error}") from error
    if raw and raw[0][:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path}: is UTF-16 text; save it as UTF-8")
    text = b"".join(raw)
    if b"\0" in text:
        raise DataError(f"{path}: is not a text file; the name must tell what it is, as in .parquet")
    return text.decode("utf-8-sig", "replace").splitlines()


def _zstd_head(path: Path) -> list[bytes]:
    import polars as pl

    try:
        lines = pl.read_csv(
            path, has_header=False, separator="\x01", quote_char=None, n_rows=HEAD_LINES, infer_schema=False
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: {str(error).splitlines()[0]}") from error
    return [(line or "").encode() + b"\n" for line in lines.to_series()]


def _beginning(path: Path, head: Sequence[str]) -> tuple[int, str]:
    """How many lines stand above the table, and its separator. DataError for what is no table."""
    filled = [(i, line) for i, line in enumerate(head) if line.strip() and line[0] != "#" and line[:4] != "sep="]
    if not filled:
        raise DataError(f"{path}: the file has no rows")
    first = filled[0][1].lstrip().lower()
    if first.startswith(("<!doctype", "<html", "<?xml")):
        raise DataError(f"{path}: is a web page, not a table: the download went wrong")
    if first.startswith(("{", "[")):
        raise DataError(f"{path}: is JSON; read it into a frame and pass that")
    separator = _separator([line for _, line in filled[1:]] or [filled[0][1]])
    # A line of words above the header, such as where the data comes from, has no separator in it.
    above = len(filled) > 2 and separator not in filled[0][1] and separator in filled[1][1]
    return filled[1 if above else 0][0], separator


def _separator(lines: Sequence[str]) -> str:
    """The separator that splits the first lines into the same number of cells, the most cells first."""
    sample = lines[:10]
    scored = []
    for separator in SEPARATORS:
        counts = [line.count(separator) for line in sample]
        if min(counts) > 0:
            scored.append((counts.count(counts[0]) == len(counts), counts[0], separator))
    return max(scored)[2] if scored else ","


def _is_header(cells: Sequence[str], said: Mapping[str, str | int] | None) -> bool:
    """A row is a header when a cell of it is neither number, time nor truth value; where positions are said, that of the time."""
    position = (said or {}).get("time")
    if isinstance(position, int) and 0 <= position < len(cells):
        return _shape(cells[position]) == "?"
    return any(_shape(cell) == "?" for cell in cells)


def _shape(cell: str) -> str:
    if _EPOCH.fullmatch(cell):
        return "i"
    if _DAY.fullmatch(cell):
        return "d"
    if _MOMENT.fullmatch(cell):
        return "t"
    if _NUMBER.fullmatch(cell):
        return "n"
    if cell.lower() in ("true", "false"):
        return "b"
    return "c" if _CLOCK.fullmatch(cell) else "?"


def _headerless(path: Path, cells: Sequence[str], said: Mapping[str, str | int] | None) -> tuple[list[str], str]:
    """Names for the columns of a file without a header, and what it was recognised as."""
    numbered = [f"column {position}" for position in range(len(cells))]
    if said and all(isinstance(position, int) for position in said.values()):
        return numbered, "headerless"
    shapes = [_shape(cell) for cell in cells]
    for pattern, layout, names in HEADERLESS:
        if len(shapes) == len(names) and _fits(pattern, cells, shapes):
            return list(names), layout
    shown = ", ".join(cells[:8]) + (", ..." if len(cells) > 8 else "")
    raise DataError(
        f"{path}: there is no header, and rows such as {shown} ({len(cells)} columns) are no known layout; add a header, or "
        'say positions from 0, as in columns={"time": 0, "open": 1, "high": 2, "low": 3, "close": 4}'
    )


def _fits(pattern: str, cells: Sequence[str], shapes: Sequence[str]) -> bool:
    """Whether a row has the shape; whole numbers may look like times, and a time of day like a number."""
    spelled = ""
    wanted = re.sub(r"\[itd\]", "T", pattern)
    wanted = re.sub(r"n\{(\d)\}", lambda match: "n" * int(match[1]), wanted)
    for want, cell, shape in zip(wanted, cells, shapes, strict=True):
        if want == "n" and _NUMBER.fullmatch(cell):
            spelled += "n"
        elif want == "T" and shape in "itd":
            spelled += "T"
        elif want == "c" and _CLOCK.fullmatch(cell):
            spelled += "c"
        else:
            spelled += shape
    return spelled == wanted


def _unique(names: Sequence[str]) -> list[str]:
    """The names with repeated ones numbered, so that polars takes them; the layout refuses repeated fields."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique

"""Columns beside columns: files of one symbol joined, one name for one instrument, one price unit for all its kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cracktrader.data.columns import BarColumns, Columns, kind_of
from cracktrader.data.problems import DataReport
from cracktrader.data.stamps import commonest_spacing, spans, time_text
from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def join_files(parts: Sequence[Columns]) -> list[Columns]:
    """The parts of each symbol and kind as one, in the order given. DataError where one begins before the last ended."""
    groups: dict[tuple[str, str], list[Columns]] = {}
    for part in parts:
        groups.setdefault((part.symbol, kind_of(part)), []).append(part)
    return [_joined(group) for group in groups.values()]


def refuse_twins(loaded: Sequence[Columns]) -> None:
    """DataError where two sources of one kind have one name."""
    seen: dict[tuple[str, str], str] = {}
    for columns in loaded:
        name = (columns.symbol, kind_of(columns))
        if name in seen:
            raise DataError(
                f"{seen[name]} and {columns.origin} are both called {columns.symbol}: name them in a dict, or give files "
                "that follow each other as one pattern"
            )
        seen[name] = columns.origin


def share_decimals(loaded: list[Columns]) -> list[Columns]:
    """Bars, trades and quotes of one instrument in one price unit and one quantity unit: the finest of each."""
    by_symbol: dict[str, list[Columns]] = {}
    for columns in loaded:
        by_symbol.setdefault(columns.symbol, []).append(columns)
    return [
        columns if len(by_symbol[columns.symbol]) == 1 else _in_unit(columns, by_symbol[columns.symbol])
        for columns in loaded
    ]


def _in_unit(columns: Columns, group: Sequence[Columns]) -> Columns:
    price = max(one.price_decimals for one in group)
    quantities = [one.quantity_decimals for one in group if not isinstance(one, BarColumns)]
    if isinstance(columns, BarColumns):
        return columns.rescaled(price)
    return columns.rescaled(price, max(quantities))


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    for before, after in pairwise(parts):
        _check_follows(before, after)
    price = max(part.price_decimals for part in parts)
    size = "volume_decimals" if isinstance(parts[0], BarColumns) else "quantity_decimals"
    quantity = max(getattr(part, size) for part in parts)
    parts = [part.rescaled(price, quantity) for part in parts]
    first, last = parts[0], parts[-1]
    arrays = {field.name: _concatenated(parts, field.name) for field in fields(first) if _is_array(first, field.name)}
    origin = f"{first.origin} to {last.origin} ({len(parts)} files)"
    report = _report(parts, origin)
    changes: dict[str, Any] = {**arrays, "origin": origin, "report": report, "note": report.line()}
    if isinstance(first, BarColumns):
        stamps = arrays["event_time"]
        intervals = {part.interval_ns for part in parts if isinstance(part, BarColumns)}
        interval = first.interval_ns if len(intervals) == 1 else commonest_spacing(origin, stamps)
        at_close = all((part.event_time == part.close_time).all() for part in parts if isinstance(part, BarColumns))
        changes["open_time"], changes["close_time"] = spans(stamps, interval, "close" if at_close else "open")
        changes["interval_ns"] = interval
    return replace(first, **changes)


def _check_follows(before: Columns, after: Columns) -> None:
    name = "event_time" if isinstance(before, BarColumns) else "time"
    ended, begins = int(getattr(before, name)[-1]), int(getattr(after, name)[0])
    if begins < ended or (begins == ended and isinstance(before, BarColumns)):
        raise DataError(
            f"{after.origin} begins at {time_text(begins)}, {before.origin} ends at {time_text(ended)}: files of one symbol "
            "must follow each other by name; name instruments in a dict, or leave the overlapping file out"
        )


def _is_array(columns: Columns, name: str) -> bool:
    return hasattr(getattr(columns, name), "dtype")


def _concatenated(parts: Sequence[Columns], name: str) -> NDArray[np.int64]:
    import numpy as np

    return np.concatenate([getattr(part, name) for part in parts])


def _report(parts: Sequence[Columns], origin: str) -> DataReport:
    reports = [part.report for part in parts if part.report is not None]
    return DataReport(
        origin=origin,
        symbol=parts[0].symbol,
        kind=kind_of(parts[0]),
        layout=reports[0].layout if reports else "",
        rows_read=sum(report.rows_read for report in reports),
        rows_kept=sum(report.rows_kept for report in reports),
        repairs=tuple(repair for report in reports for repair in report.repairs),
        notes=tuple(dict.fromkeys(note for report in reports for note in report.notes)),
    )

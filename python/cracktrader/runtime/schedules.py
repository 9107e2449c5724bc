"""Schedules as a user gives them: funding rates, payments a unit and settlements as columns become rows of the simulated venue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from cracktrader.core.instrument import Instrument
from cracktrader.core.schedule import Action, ScheduleRows, schedule_problem
from cracktrader.data.times import parse_time
from cracktrader.errors import ConfigError

GIVEN = {
    Action.FUNDING: ("funding", "rate"),
    Action.PAYMENT: ("payments", "amount"),
    Action.SETTLEMENT: ("settlements", "price"),
}
"""By action: the option and its third column; the first two are time and symbol."""


def schedules_of(given: dict[Action, Any], instruments: Sequence[Instrument]) -> dict[int, ScheduleRows]:
    """Rows by instrument, sorted by time. Each option is a frame or dict of columns (time, symbol, and the value), or a list of such rows.
    ConfigError names the option, the row and the value."""
    named = {instrument.name: index for index, instrument in enumerate(instruments)}
    rows: dict[int, list[tuple[int, int, int]]] = {}
    for action, table in given.items():
        option, column = GIVEN[action]
        for place, (time, symbol, value) in enumerate(_rows(option, column, table)):
            where = f"{option}, row {place}"
            if symbol not in named:
                raise ConfigError(f"{where}: {symbol!r} is none of the symbols {', '.join(named)}")
            instrument = instruments[named[symbol]]
            decimals = 9 if action is Action.FUNDING else instrument.price_decimals
            row = _time(where, time), int(action), _mantissa(where, column, value, decimals)
            rows.setdefault(named[symbol], []).append(row)
    made = {}
    for index, found in sorted(rows.items()):
        columns = ScheduleRows(*(list(column) for column in zip(*sorted(found), strict=True)))
        reason = schedule_problem(instruments[index], columns)
        if reason:
            raise ConfigError(reason)
        made[index] = columns
    return made


def settlement_times(schedules: dict[int, ScheduleRows]) -> dict[int, int]:
    """When each instrument settles, ns; those that do not are left out."""
    return {
        index: time
        for index, rows in schedules.items()
        for time, action in zip(rows.time, rows.action, strict=True)
        if action == Action.SETTLEMENT
    }


def _rows(option: str, column: str, table: Any) -> Iterable[tuple[Any, Any, Any]]:
    if table is None:
        return []
    if isinstance(table, list | tuple):
        if any(not isinstance(row, list | tuple) or len(row) != 3 for row in table):
            raise ConfigError(f"{option}: a row is (time, symbol, {column})")
        return [(row[0], row[1], row[2]) for row in table]
    try:
        return list(zip(table["time"], table["symbol"], table[column], strict=True))
    except Exception as error:
        raise ConfigError(f"{option} needs equally long columns time, symbol and {column} ({error})") from error


def _time(where: str, value: Any) -> int:
    """Nanoseconds of an integer, an aware datetime (a naive one is UTC) or ISO text."""
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    try:
        return parse_time(value) if isinstance(value, str) else int(value)
    except Exception as error:
        raise ConfigError(
            f"{where}: time {value!r} is neither nanoseconds, a datetime nor ISO text ({error})"
        ) from error


def _mantissa(where: str, name: str, value: Any, decimals: int) -> int:
    try:
        scaled = Decimal(str(value)).scaleb(decimals)
        exact = scaled.is_finite() and scaled == int(scaled)
    except (InvalidOperation, ValueError):
        exact = False
    remedy = "" if name == "rate" else ": declare the instrument with more price_decimals"
    if not exact or abs(scaled) >= 2**63:
        raise ConfigError(f"{where}: {name} {value!r} is no number of at most {decimals} decimals{remedy}")
    return int(scaled)

"""Datasets of a run by their content: `data/<sha256>.ipc` holds the columns (Arrow IPC, uncompressed), `data/<sha256>.json` what they are.

A dataset that is there is not written again: its name says what is in it. Deliberately not here: what the hash is made of
(data/digest.py), and which datasets a run has (the journal's header).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.core.codec import Dataset, DatasetKind
from cracktrader.core.event import SessionRows
from cracktrader.core.schedule import ScheduleRows
from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.data.digest import FIELDS, Data, column_digests, combined, data_kind, decimals_of, row_count
from cracktrader.errors import DataError, JournalCorrupt, JournalError, JournalUnreadable
from cracktrader.journal.files import TEMPORARY, Folder, put

if TYPE_CHECKING:
    import polars as pl

VERSION = 1
_KINDS: dict[str, type[Data]] = {
    "bars": BarColumns,
    "trades": TradeColumns,
    "quotes": QuoteColumns,
    "sessions": SessionRows,
    "schedule": ScheduleRows,
}
_DATASETS = {SessionRows: DatasetKind.SESSIONS, ScheduleRows: DatasetKind.SCHEDULE}


def dataset(data: Data, place: int, digests: Mapping[str, bytes] | None = None) -> Dataset:
    """What names data in a journal's header; `place` is its stream, venue or instrument. `digests`: of its columns, where known."""
    kind = _DATASETS.get(type(data), DatasetKind.ROWS)
    return Dataset(kind, place, row_count(data), _hash(data, digests or column_digests(data)))


def store(folder: Path, data: Data, *, sync: bool = True, digests: Mapping[str, bytes] | None = None) -> bytes:
    """Keep data in a folder, which is made where it is missing; returns its content hash. With `sync` it is on the medium on return.

    JournalError where the disk refuses.
    """
    found = digests or column_digests(data)
    digest = _hash(data, found)
    name = digest.hex()
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / f"{name}.json").is_file():
            _write_columns(folder / f"{name}.ipc", data, sync)
            # Last, so that data with facts is complete.
            put(Folder(folder), f"{name}.json", _facts(data, found), durable=sync)
    except OSError as error:
        raise JournalError(f"cannot keep a dataset as {folder / name}.ipc: {error}: see to the disk") from error
    return digest


def load(folder: Path, digest: bytes) -> Data:
    """The data of a content hash. JournalUnreadable where it is not there or of a newer version, JournalCorrupt where it is not what its
    name says, naming the column."""
    path = folder / f"{digest.hex()}.ipc"
    facts = _read_facts(path.with_suffix(".json"))
    kind = _KINDS.get(str(facts.get("kind")))
    if kind is None:
        raise JournalCorrupt(f"{path.with_suffix('.json')}: there is no kind {facts.get('kind')!r}", file=path.name)
    table = _read_columns(path)
    data = _made(path, kind, facts, table)
    found = column_digests(data)
    if _hash(data, found) != digest:
        raise JournalCorrupt(f"{path} is not what its name says: {_difference(facts, data, found)}", file=path.name)
    return data


def _hash(data: Data, digests: Mapping[str, bytes]) -> bytes:
    return combined(data_kind(data), decimals_of(data), row_count(data), digests)


# --- columns


def _write_columns(path: Path, data: Data, sync: bool) -> None:
    import polars as pl

    temporary = path.with_name(path.name + TEMPORARY)
    table = pl.DataFrame({name: pl.Series(getattr(data, name), dtype=pl.Int64) for name in FIELDS[type(data)]})
    table.write_ipc(temporary, compression="uncompressed")
    if sync:
        handle = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    temporary.replace(path)


def _read_columns(path: Path) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_ipc(path).rechunk()
    except FileNotFoundError:
        raise JournalUnreadable(f"{path} is not there: the run's data is missing") from None
    except PermissionError as error:
        raise JournalUnreadable(f"{path} cannot be read: {error.strerror}") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise JournalCorrupt(f"{path} is no table: {error}", file=path.name) from error


def _made(path: Path, kind: type[Data], facts: dict[str, Any], table: pl.DataFrame) -> Data:
    names = FIELDS[kind]
    if tuple(table.columns) != names or any(str(one) != "Int64" for one in table.dtypes):
        raise JournalCorrupt(f"{path} has not the columns {', '.join(names)}, all Int64", file=path.name)
    make: Callable[..., Data] = kind
    if kind in _DATASETS:
        return make(*(table[name].to_list() for name in names))
    known = {one.name for one in fields(kind)} - set(names)
    told = {name: value for name, value in facts["facts"].items() if name in known}
    try:
        return make(**{name: table[name].to_numpy() for name in names}, **told)
    except (TypeError, DataError) as error:
        raise JournalCorrupt(f"{path.with_suffix('.json')}: {error}", file=path.name) from error


# --- facts


def _facts(data: Data, digests: Mapping[str, bytes]) -> bytes:
    """What the columns are; `report` is of use while data is read, and stays behind."""
    told = {one.name: getattr(data, one.name) for one in fields(data) if one.name not in FIELDS[type(data)]}
    told.pop("report", None)
    document = {
        "version": VERSION,
        "kind": data_kind(data),
        "rows": row_count(data),
        "facts": told,
        "columns": {name: digest.hex() for name, digest in digests.items()},
    }
    return (json.dumps(document, indent=1, ensure_ascii=False, default=int) + "\n").encode()


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_bytes())
        version, told = facts["version"], facts["facts"]
    except FileNotFoundError:
        raise JournalUnreadable(f"{path} is not there: the run's data is missing") from None
    except OSError as error:
        raise JournalUnreadable(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise JournalCorrupt(f"{path} does not say what its data is ({error})", file=path.name) from error
    if not isinstance(version, int) or version > VERSION:
        raise JournalUnreadable(
            f"{path} is of version {version!r}; this program reads version {VERSION}: use a newer cracktrader"
        )
    if not isinstance(told, dict):
        raise JournalCorrupt(f"{path} does not say what its data is", file=path.name)
    found: dict[str, Any] = facts
    return found


def _difference(facts: dict[str, Any], data: Data, digests: Mapping[str, bytes]) -> str:
    """Which part of a dataset is another than when it was stored."""
    columns = facts.get("columns")
    known = columns if isinstance(columns, dict) else {}
    wrong = [name for name, digest in digests.items() if known.get(name) != digest.hex()]
    if facts.get("rows") != row_count(data):
        return f"it has {row_count(data)} rows, {facts.get('rows')} were stored"
    if wrong:
        return f"column {', '.join(wrong)} was changed"
    return f"its kind or decimals were changed (they are {data_kind(data)} with {decimals_of(data)})"

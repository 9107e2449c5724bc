"""A run on disk: Parquet files and one JSON manifest, plain data that any program reads. Nothing in it is code, and nothing is pickled.

`manifest.json` holds what is no table and names the files; its `format` and `version` are checked before anything else is read. A run
that is loaded has no configuration of the core any more but the plain one, and its indicators' values come from the files.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.frames import frame
from cracktrader.data.columns import (
    ARRAY_FIELDS,
    QUOTE_FIELDS,
    TRADE_FIELDS,
    BarColumns,
    Columns,
    QuoteColumns,
    TradeColumns,
)
from cracktrader.data.digest import content_hash, decimals_of
from cracktrader.data.problems import DataReport, Repair
from cracktrader.errors import DataError
from cracktrader.runtime.outcome import BoundIndicator, RunOutcome

if TYPE_CHECKING:
    import polars as pl

    from cracktrader.analysis.result import Result

FORMAT, VERSION = "cracktrader-run", 1
MANIFEST = "manifest.json"
_KINDS: dict[str, tuple[type[Columns], tuple[str, ...]]] = {
    "BarColumns": (BarColumns, ARRAY_FIELDS),
    "TradeColumns": (TradeColumns, TRADE_FIELDS),
    "QuoteColumns": (QuoteColumns, QUOTE_FIELDS),
}
_TABLES = ("equity", "fills", "orders", "positions", "holdings")
_PLAIN = (
    "engine state_hash contract_version events seconds currency initial_cash seed errors diagnostics stopped strategies "
    "instruments"
).split()


def save(result: Result, folder: Path) -> Path:
    """Write a run into `folder`, replacing a run that is there. DataError when it holds anything else."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MANIFEST).is_file())):
        raise DataError(f"{folder} is there and is no saved run: name a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    outcome = result.outcome
    for name in _TABLES:
        _table(getattr(outcome, name)).write_parquet(folder / f"{name}.parquet")
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        **{name: getattr(outcome, name) for name in _PLAIN},
        "log": [list(line) for line in outcome.log],
        "config": result.config,
        **_save_columns(outcome, folder),
        "indicators": [
            _save_indicator(bound, times, values, folder, at)
            for at, (bound, times, values) in enumerate(result.indicator_lines)
        ],
    }
    # Last, so that a folder with a manifest is complete.
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return folder


def load(folder: Path) -> RunOutcome:
    """The run in `folder`. DataError where there is none, or one of another version, or a file is missing or broken."""
    manifest = _manifest(folder)
    try:
        tables = {name: _read(folder, f"{name}.parquet") for name in _TABLES}
        told: dict[str, Any] = {name: manifest[name] for name in _PLAIN}
        told |= {name: table.to_dict(as_series=False) for name, table in tables.items()}
        told["equity"] = {column.name: column.to_numpy() for column in tables["equity"]}
        told["log"] = [tuple(line) for line in manifest["log"]]
        columns = [_load_one(one, folder) for one in manifest["columns"]]
        told |= {name: [columns[at] for at in manifest[name]] for name in ("data", "bars")}
        told["indicators"] = [_load_indicator(one, folder) for one in manifest["indicators"]]
        return RunOutcome(config=manifest["config"], **told)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{folder / MANIFEST}: not as Result.save writes it ({type(error).__name__}: {error})"
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{folder} holds no saved run: {MANIFEST} is missing (Result.save writes it)") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(f"{path} is not a saved run: its format is not {FORMAT!r}")
    if manifest.get("version") != VERSION:
        raise DataError(
            f"{path} has version {manifest.get('version')!r}, this program reads version {VERSION}: run the backtest again"
        )
    return manifest


def _table(columns: Any) -> pl.DataFrame:
    """Columns as they are in a RunOutcome: times stay integers."""
    import polars as pl

    typed = frame(columns, internal=True)
    return typed.with_columns(pl.col(pl.Datetime).cast(pl.Int64))


def _read(folder: Path, name: str) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(folder / name)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{folder / name} cannot be read: {error}") from error


def _save_columns(outcome: RunOutcome, folder: Path) -> dict[str, Any]:
    """Write every set of columns once; `data` and `bars` of the run are places in what was written."""
    written: list[Columns] = []
    places: dict[str, list[int]] = {"data": [], "bars": []}
    for kind, columns in (("data", outcome.data), ("bars", outcome.bars)):
        for one in columns:
            known = next((at for at, other in enumerate(written) if other is one), len(written))
            if known == len(written):
                written.append(one)
            places[kind].append(known)
    return {"columns": [_save_one(one, folder, at) for at, one in enumerate(written)], **places}


def _save_one(columns: Columns, folder: Path, at: int) -> dict[str, Any]:
    import polars as pl

    name = f"data-{at}.parquet"
    arrays = _KINDS[type(columns).__name__][1]
    pl.DataFrame({one: getattr(columns, one) for one in arrays}).write_parquet(folder / name)
    facts = {one.name: getattr(columns, one.name) for one in fields(columns) if one.name not in arrays}
    if isinstance(facts.get("report"), DataReport):
        # Where a row stood in its source is of use while it is read.
        facts["report"] = replace(facts["report"], place=None)
    return {"file": name, "type": type(columns).__name__, **{key: plain(value) for key, value in facts.items()}}


def _load_one(facts: dict[str, Any], folder: Path) -> Any:
    kind, arrays = _KINDS[facts["type"]]
    table = _read(folder, facts["file"])
    told: dict[str, Any] = {one: table[one].to_numpy() for one in arrays}
    known = {one.name for one in fields(kind)}
    if (report := facts.get("report")) is not None:
        repairs = tuple(Repair(**one) for one in report["repairs"])
        facts = facts | {"report": DataReport(**(report | {"repairs": repairs, "notes": tuple(report["notes"])}))}
    return kind(**told, **{name: value for name, value in facts.items() if name in known})


def _save_indicator(bound: BoundIndicator, times: Any, values: Any, folder: Path, at: int) -> dict[str, Any]:
    import polars as pl

    name = f"indicator-{at}.parquet"
    pl.DataFrame({"time": times, "value": values}).write_parquet(folder / name)
    return {
        "file": name,
        "strategy": bound.strategy,
        "attribute": bound.attribute,
        "name": bound.name.removesuffix(bound.line).strip(),
        "line": bound.line,
        "symbol": bound.symbol,
        "timeframe": bound.timeframe,
    }


def _load_indicator(facts: dict[str, Any], folder: Path) -> BoundIndicator:
    table = _read(folder, facts["file"])
    series = (table["time"].to_numpy(), table["value"].to_numpy())
    names = (facts["strategy"], facts["attribute"], facts["name"], facts["symbol"])
    return BoundIndicator(*names, series, facts["timeframe"], facts["line"])


# ---------------------------------------------------------------- facts about a run


def plain(value: Any) -> Any:
    """A configuration as plain values: records as dicts, enumerations by name, a strategy's parameters as what they were."""
    if isinstance(value, Enum):
        return (value.name or str(value.value)).lower()
    if is_dataclass(value) and not isinstance(value, type):
        told = {one.name: getattr(value, one.name) for one in fields(value)}
        # Arrays are tables, not facts.
        return {name: plain(part) for name, part in told.items() if not hasattr(part, "dtype")}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(part) for name, part in zip(value._fields, value, strict=True)}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, str) and value[:1] == "{":
        return json.loads(value)
    return value


def data_report(outcome: RunOutcome) -> dict[str, list[Any]]:
    """One row per set of columns that was run."""
    report: dict[str, list[Any]] = {name: [] for name in _REPORTED}
    for columns in outcome.data or outcome.bars:
        row = (
            columns.symbol,
            type(columns).__name__.removesuffix("Columns").lower() + "s",
            len(columns),
            int(columns.event_time[0]) if len(columns) else None,
            int(columns.event_time[-1]) if len(columns) else None,
            columns.interval_ns if isinstance(columns, BarColumns) else None,
            *decimals_of(columns),
            columns.origin,
            columns.note,
            content_hash(columns).hex(),
        )
        for name, value in zip(_REPORTED, row, strict=True):
            report[name].append(value)
    return report


_REPORTED = "symbol kind rows first last interval price_decimals size_decimals origin note sha256".split()

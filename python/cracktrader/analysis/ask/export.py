"""A recorded run as files that other programs read: the steps of its journal as tables or as lines, and the tables of its result.

Steps stream through: a journal of any length takes the memory of one segment, and of the names of its orders. What each column means is
docs/ask.md. Deliberately not here: the bytes of the journal, which are docs/reference/journal.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cracktrader.analysis.ask.steps import Progress, Step, steps
from cracktrader.analysis.ask.words import Words, event_name
from cracktrader.core.intent import INTENT_TYPES, CancelOrder, PlaceOrder, ReplaceOrder
from cracktrader.core.order import STATUS_NAMES, Order
from cracktrader.core.reject import REJECTS
from cracktrader.core.units import NONE_PRICE
from cracktrader.errors import ConfigError, JournalError
from cracktrader.runtime.rerun import RecordedRun

if TYPE_CHECKING:
    from cracktrader.core.codec import Answer

FORMATS = ("parquet", "jsonl")
RESULTS = ("fills", "orders", "trades", "equity")
_INTENTS = {
    "PlaceOrder": "place",
    "CancelOrder": "cancel",
    "ReplaceOrder": "replace",
    "SetRiskFlag": "risk_flag",
    "NoOp": "no_op",
}

EVENTS: dict[str, str] = {
    "seq": "int",
    "time": "time",
    "event_time": "time",
    "type": "text",
    "symbol": "text",
    "venue": "text",
    "account": "text",
    "origin": "text",
    "depth": "int",
    "key": "text",
    "order": "int",
    "fields": "text",
    "findings": "text",
    "interrupted": "bool",
    "text": "text",
}
ANSWERS: dict[str, str] = {
    "seq": "int",
    "time": "time",
    "strategy": "text",
    "kind": "text",
    "index": "int",
    "order": "int",
    "symbol": "text",
    "fields": "text",
    "code": "text",
    "verdict": "text",
    "text": "text",
}
TRANSITIONS: dict[str, str] = {
    "seq": "int",
    "time": "time",
    "order": "int",
    "id": "text",
    "strategy": "text",
    "symbol": "text",
    "status": "text",
    "quantity": "float",
    "filled_quantity": "float",
    "open_quantity": "float",
    "limit_price": "float",
    "stop_price": "float",
    "version": "int",
    "code": "text",
}
TABLES: dict[str, dict[str, str]] = {"events": EVENTS, "answers": ANSWERS, "transitions": TRANSITIONS}
"""The tables of steps: each column with its type."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows by file."""

    folder: Path
    files: dict[str, int]


def export(
    run: RecordedRun | str | Path,
    folder: str | Path,
    form: str = "parquet",
    *,
    engine: str = "rust",
    progress: Progress | None = None,
) -> Exported:
    """Write a recorded run into a new or empty folder: events, answers, transitions, fills, orders, trades and equity; as "jsonl" the
    records as well. ConfigError for another form or a folder that holds something, JournalError where it cannot be written.
    """
    if form not in FORMATS:
        raise ConfigError(f"there is no export format {form!r}; there are: {', '.join(FORMATS)}")
    recorded = run if isinstance(run, RecordedRun) else RecordedRun(run)
    target = Path(folder)
    try:
        _new_folder(target)
        files = _write_steps(recorded, target, form, progress)
        if form == "parquet":
            _to_parquet(target)
        files |= _write_results(recorded, target, form, engine)
    except OSError as error:
        raise JournalError(f"{target} cannot be written: {error.strerror or error}: see to the disk") from error
    return Exported(target, {f"{name}.{form}": count for name, count in files.items()})


def _new_folder(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is there and is not an empty folder: name a new one")
    folder.mkdir(parents=True, exist_ok=True)


# --- steps


def _write_steps(run: RecordedRun, folder: Path, form: str, progress: Progress | None) -> dict[str, int]:
    """One pass over the journal; tables are lines first."""
    words = Words(run.config, run.setup.timeframes)
    makers: dict[str, Callable[[Words, Step], Iterator[dict[str, Any]]]] = {
        "events": _events,
        "answers": _answers,
        "transitions": _transitions,
    }
    if form == "jsonl":
        makers["records"] = _records
    counts = dict.fromkeys(makers, 0)
    with ExitStack() as stack:
        files: dict[str, IO[str]] = {
            name: stack.enter_context((folder / f"{name}.jsonl").open("w", encoding="utf-8")) for name in makers
        }
        for step in steps(run, progress=progress):
            words.learn(step.orders.values())
            for name, make in makers.items():
                for row in make(words, step):
                    files[name].write(json.dumps(row, ensure_ascii=False) + "\n")
                    counts[name] += 1
    return counts


def _events(words: Words, step: Step) -> Iterator[dict[str, Any]]:
    record, event = step.record, step.record.event
    config = words.config
    yield {
        "seq": step.seq,
        "time": event.ingest_time,
        "event_time": event.event_time,
        "type": event_name(event),
        "symbol": _named(config.instruments, event.instrument),
        "venue": _named(config.venues, event.venue),
        "account": _named(config.accounts, event.account),
        "origin": record.origin.name.lower(),
        "depth": record.depth,
        "key": event.idempotency_key,
        "order": getattr(event.payload, "order", None),
        "fields": json.dumps(_plain(event.payload._asdict())),
        "findings": json.dumps(
            [{"code": _slug(one.code), "value": one.value, "limit": one.limit} for one in record.findings]
        ),
        "interrupted": record.interrupted,
        "text": words.event(event),
    }


def _answers(words: Words, step: Step) -> Iterator[dict[str, Any]]:
    """A row an intent, a timer, a declaration, an error."""
    orders = {tuple(order.id): order.ordinal for order in step.orders.values()}
    for answer in step.record.answers:
        front = {"seq": step.seq, "time": step.record.event.ingest_time, "strategy": words.strategy(answer.strategy)}
        for at, (intent, finding) in enumerate(answer.intents):
            instrument = words.instrument_of(intent)
            name = (
                tuple(intent.order)
                if isinstance(intent, CancelOrder | ReplaceOrder)
                else (answer.strategy, step.seq, at)
            )
            numbered = words.number_of(name) if not isinstance(intent, PlaceOrder) else orders.get(name)
            yield front | {
                "kind": _INTENTS[type(intent).__name__],
                "index": at,
                "order": numbered,
                "symbol": _named(words.config.instruments, instrument),
                "fields": json.dumps(_plain(intent._asdict())),
                "code": _slug(finding.code),
                "verdict": words.verdict(finding, instrument),
                "text": words.intent(intent),
            }
        yield from (front | one for one in _others(words, answer))


def _others(words: Words, answer: Answer) -> Iterator[dict[str, Any]]:
    empty: dict[str, Any] = {"order": None, "symbol": None, "code": "", "verdict": ""}
    for at, timer in enumerate(answer.timers):
        told = words.answer(answer._replace(error="", declarations=[], intents=[], timers=[timer]))[0]
        yield empty | {"kind": "timer", "index": at, "fields": json.dumps(_plain(timer._asdict())), "text": told}
    for at, declared in enumerate(answer.declarations):
        fields = json.dumps(_plain(declared._asdict()))
        yield empty | {"kind": "declaration", "index": at, "fields": fields, "text": words.declared(declared)}
    if answer.error:
        yield empty | {"kind": "error", "index": 0, "fields": "{}", "text": answer.error}


def _transitions(words: Words, step: Step) -> Iterator[dict[str, Any]]:
    for ordinal, order in sorted(step.orders.items()):
        yield {
            "seq": step.seq,
            "time": step.record.event.ingest_time,
            "order": ordinal,
            "id": ":".join(map(str, order.id)),
            "strategy": words.strategy(order.id.strategy),
            "symbol": _named(words.config.instruments, order.instrument),
            "status": STATUS_NAMES[order.status],
            **_sizes(words, order),
            "version": order.version,
            "code": _slug(order.code),
        }


def _sizes(words: Words, order: Order) -> dict[str, float | None]:
    from cracktrader.core.indicator import to_float

    known = order.instrument < len(words.config.instruments)
    declared = words.config.instruments[order.instrument] if known else None
    quantity, price = (declared.quantity_decimals, declared.price_decimals) if declared is not None else (0, 0)
    prices = {"limit_price": order.limit_price, "stop_price": order.stop_price}
    return {
        "quantity": to_float(order.quantity, quantity),
        "filled_quantity": to_float(order.net_filled, quantity),
        "open_quantity": to_float(order.remaining_quantity, quantity),
        **{name: None if one == NONE_PRICE else to_float(one, price) for name, one in prices.items()},
    }


def _records(words: Words, step: Step) -> Iterator[dict[str, Any]]:
    """A record with the names of its fields, numbers as the core has them."""
    record, event = step.record, step.record.event
    envelope = {name: value for name, value in event._asdict().items() if name != "payload"}
    yield {
        "seq": step.seq,
        "origin": record.origin.name.lower(),
        "event": {**envelope, "type": event_name(event), "payload": _plain(event.payload._asdict())},
        "depth": record.depth,
        "findings": [one._asdict() for one in record.findings],
        "interrupted": record.interrupted,
        "answers": [_answer_record(one) for one in record.answers],
        "orders": list(_transitions(words, step)),
    }


def _answer_record(answer: Answer) -> dict[str, Any]:
    return {
        "strategy": answer.strategy,
        "error": answer.error,
        "random_counter": answer.random_counter,
        "next_timer": answer.next_timer,
        "declarations": [_plain(one._asdict()) for one in answer.declarations],
        "intents": [
            {"type": INTENT_TYPES[type(intent)], "name": _INTENTS[type(intent).__name__]}
            | {"fields": _plain(intent._asdict()), "verdict": finding._asdict()}
            for intent, finding in answer.intents
        ],
        "timers": [one._asdict() for one in answer.timers],
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Without the core's null price: null is null."""
    return {
        name: None
        if value == NONE_PRICE and not isinstance(value, bool)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in fields.items()
    }


def _named(declared: tuple[Any, ...], index: int) -> str | None:
    return declared[index].name if index < len(declared) else None


def _slug(code: int) -> str:
    return REJECTS[code].slug if code in REJECTS else str(code) if code else ""


# --- files


def _to_parquet(folder: Path) -> None:
    """The lines as Parquet, in pieces."""
    import polars as pl

    kinds: dict[str, Any] = {
        "int": pl.Int64,
        "time": pl.Int64,
        "text": pl.String,
        "float": pl.Float64,
        "bool": pl.Boolean,
    }
    for name, columns in TABLES.items():
        lines = folder / f"{name}.jsonl"
        schema = {column: kinds[kind] for column, kind in columns.items()}
        times = [pl.col(column).cast(pl.Datetime("ns", "UTC")) for column, kind in columns.items() if kind == "time"]
        if lines.stat().st_size:
            pl.scan_ndjson(lines, schema=schema).with_columns(times).sink_parquet(folder / f"{name}.parquet")
        else:
            pl.DataFrame(schema=schema).with_columns(times).write_parquet(folder / f"{name}.parquet")
        lines.unlink()


def _write_results(run: RecordedRun, folder: Path, form: str, engine: str) -> dict[str, int]:
    """Fills, orders, trades and the equity curve, as in a Result."""
    from cracktrader.analysis.result import Result

    result = Result(run.replay(engine).outcome())
    counts = {}
    for name in RESULTS:
        table = getattr(result, name)
        if form == "parquet":
            table.write_parquet(folder / f"{name}.parquet")
        else:
            import polars.selectors as cs

            times = cs.temporal() - cs.duration()
            table.with_columns(times.to_physical()).write_ndjson(folder / f"{name}.jsonl")
        counts[name] = len(table)
    return counts

"""Golden traces: small stories in JSON, run on an engine step by step, with literal columns after each step.

A trace names its configuration, bars, pushed items and scripted answers in contract names and readable units; `engine_defaults.json`
says what is left out. `python tests/contracts/trace.py --show FILE` prints the columns an engine gives, `--bless` rewrites the digests of
the record bytes and nothing else. Deliberately not here: what a trace ought to say, and whether two engines agree (test_golden_traces.py).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger import Ledger
from trace_story import Story

from cracktrader import backend
from cracktrader.core.codec import Record, decode_record
from cracktrader.core.engine import Response
from cracktrader.core.event import BalanceStatement, Bar, Event, Funding, Transfer
from cracktrader.core.indicator import Indicator
from cracktrader.core.intent import NO_ORDER, CancelOrder, PlaceOrder, ReplaceOrder
from cracktrader.core.order import STATUS_NAMES
from cracktrader.core.reject import RejectCode
from cracktrader.core.sequencer import Origin
from cracktrader.core.units import NULL_INSTRUMENT
from cracktrader.strategy.indicator_views import IndicatorView

FOLDER = Path(__file__).resolve().parent / "engine"
SECOND, MINUTE = 10**9, 60 * 10**9


def names() -> list[str]:
    """Every trace, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    """A trace as written."""
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def decimal_text(mantissa: int, decimals: int) -> str:
    """The shortest decimal of a mantissa."""
    text = f"{Decimal(mantissa).scaleb(-decimals):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_text(time: int) -> str:
    """A moment in the largest unit that is exact."""
    for unit, size in (("m", MINUTE), ("s", SECOND), ("ms", 10**6)):
        if time % size == 0:
            return f"{time // size}{unit}"
    return f"{time // MINUTE}m+{time % MINUTE}ns"


class ScriptedHost:
    """Answers the n-th callback of a strategy with an event as the trace says."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.calls: Counter[tuple[int, str]] = Counter()
        self.view: Any = None
        self.indicators: dict[int, list[float]] = {}
        """Values of each declared indicator, one for every bar that a strategy is told of."""
        self.lines: dict[int, str] = {}
        """What each of them says when the run stops, all its lines, with its older values."""

    def bind(self, view: Any) -> None:
        """Take the view."""
        self.view = view

    def wants(self, strategy: int) -> int:
        """Everything."""
        del strategy
        return 2**64 - 1

    def pass_over(self, strategy: int) -> None:
        """Nothing is counted here."""

    def call(self, strategy: int, event: Event, status_changed: bool) -> Response | None:
        """The answer to this callback, or None."""
        del status_changed
        name = type(event.payload).__name__
        self.calls[strategy, name] += 1
        if name == "Bar":
            for index, values in self.indicators.items():
                values.append(self._indicator(index).value)
        answer = self.story.answer(strategy, name, self.calls[strategy, name])
        if name == "RunStopped":
            self.lines = {index: self._indicator_text(index) for index in self.indicators}
        if answer is None:
            return None
        for _ in range(answer.get("draws", 0)):
            self.view.draw(strategy)
        for indicator in answer.get("indicators", []):
            self.indicators[self.view.declare(strategy, indicator)] = []
        timers = self.story.timers(answer)
        for _ in timers:
            self.view.next_timer(strategy)
        return Response(
            self.story.intents(strategy, answer), timers, answer.get("error", ""), answer.get("interrupted", False)
        )

    def _indicator(self, index: int) -> IndicatorView:
        bound = self.view.indicator(index)
        return IndicatorView(bound, index) if isinstance(bound, Indicator) else bound

    def _indicator_text(self, index: int) -> str:
        view = self._indicator(index)
        older = []
        with suppress(IndexError):
            for ago in range(1, 6):
                older.append(repr(view[-ago]))
        return f"{view!r} before: {', '.join(older)}"


class Run:
    """One trace on one engine, a step at a time."""

    def __init__(self, trace: dict[str, Any], engine: str) -> None:
        self.story = Story(trace)
        self.trace = trace
        self.host = ScriptedHost(self.story)
        self.machine = backend.machine(engine, self.story.config, self.host, record=True)
        self.ledger = Ledger(self.story.config)
        self.records: list[bytes] = []
        self.rows: list[list[Any]] = []
        self.ids: dict[tuple[int, int, int], int] = {}
        self.instruments: dict[int, int] = {}
        self.grouped: dict[int, str] = {}
        """Orders that joined a group, as they were last shown."""
        for stream, rows in self.story.rows().items():
            self.machine.attach(stream, rows)
        for venue, sessions in self.story.sessions().items():
            self.machine.attach_sessions(venue, sessions)
        for instrument, scheduled in self.story.schedule().items():
            self.machine.attach_schedule(instrument, scheduled)
        for item in self.story.pushed():
            self.machine.push(item)

    def steps(self) -> Iterator[Record]:
        """Every step up to the end of the data, observed."""
        while self._goes_on() and self.machine.step():
            yield self.observe()

    def finish(self) -> None:
        """The end of the run. On the Python core its steps are observed one by one."""
        engine = getattr(self.machine, "engine", None)
        if engine is None:
            self.machine.finish()
            return
        take: Callable[[Event, int, Origin], None] = engine.take

        def observed(item: Event, depth: int, origin: Origin) -> None:
            take(item, depth, origin)
            self.observe()

        engine.take = observed
        self.machine.finish()
        self.ledger.agree(self.machine, everything=True)
        if not self.trace.get("push"):
            agree_with_venues(engine)

    def _goes_on(self) -> bool:
        delivered = bool(self.records) and self.machine.exhausted
        halted = self.machine.interrupted or (self.machine.stopped and not self.trace.get("run_on", False))
        return not delivered and not halted

    def observe(self) -> Record:
        """Take the last step's record into the columns and the ledger."""
        data = self.machine.last_record
        self.records.append(data)
        record = decode_record(data)
        event = record.event
        admitted = [
            (answer.strategy, [(i, verdict.code) for i, verdict in answer.intents]) for answer in record.answers
        ]
        unfit = any(finding.code == RejectCode.S_RANGE for finding in record.findings)
        self.ledger.follow(event, admitted, unfit=unfit, interrupted=record.interrupted)
        self.ledger.agree(self.machine)
        self.rows.append(self._row(record))
        return record

    # --- columns

    def _row(self, record: Record) -> list[Any]:
        event = record.event
        touched = self._touched(record)
        instrument = self._instrument(event, touched)
        account, currency = self._books(event, instrument)
        declared = self.story.config.instruments[instrument]
        ledger = self.machine.ledger(account, currency)
        scale = self.story.config.currencies[currency].scale
        return [
            event.seq_id,
            time_text(self.machine.now),
            type(event.payload).__name__,
            ", ".join(self.order_text(ordinal) for ordinal in touched),
            decimal_text(self.machine.position(account, instrument).quantity, declared.quantity_decimals),
            decimal_text(ledger.cash, scale),
            decimal_text(ledger.fees, scale),
            " ".join(_codes(record)),
        ]

    def _touched(self, record: Record) -> list[int]:
        """The order a report is about, those that the answers placed or asked to change, then those of groups that the engine changed."""
        ordinals: list[int] = []
        about = getattr(record.event.payload, "order", 0)
        if about in self.instruments:
            ordinals.append(about)
        for answer in record.answers:
            for index, (intent, verdict) in enumerate(answer.intents):
                if isinstance(intent, PlaceOrder):
                    ordinal = len(self.ids) + 1
                    self.ids[answer.strategy, record.event.seq_id, index] = ordinal
                    self.instruments[ordinal] = intent.instrument
                    ordinals.append(ordinal)
                    if not verdict.code and (intent.parent != NO_ORDER or intent.oco != NO_ORDER):
                        self.grouped[ordinal] = ""
                elif isinstance(intent, CancelOrder | ReplaceOrder) and not verdict.code:
                    ordinals.append(self.ids[intent.order])
        for ordinal, before in self.grouped.items():
            self.grouped[ordinal] = self.order_text(ordinal)
            if before not in ("", self.grouped[ordinal]) and "archived" not in self.grouped[ordinal]:
                ordinals.append(ordinal)
        return list(dict.fromkeys(ordinals))

    def _instrument(self, event: Event, touched: list[int]) -> int:
        for instrument in (event.instrument, *(self.instruments[ordinal] for ordinal in touched)):
            if instrument < len(self.story.config.instruments):
                return instrument
        return 0

    def _books(self, event: Event, instrument: int) -> tuple[int, int]:
        account = self.story.account_of(instrument)
        payload = event.payload
        on_money = isinstance(payload, BalanceStatement | Funding | Transfer)
        if on_money and not (isinstance(payload, Transfer) and event.instrument != NULL_INSTRUMENT):
            currency: int = getattr(payload, "currency", 0)
            if currency < len(self.story.config.currencies) and event.account < len(self.story.config.accounts):
                return event.account, currency
        return account, self.story.config.instruments[instrument].settlement_currency

    def order_text(self, ordinal: int) -> str:
        """An order as the columns show it."""
        facts = self.machine.facts(ordinal)
        if facts is None:
            return f"{ordinal} archived"
        declared = self.story.config.instruments
        decimals = declared[facts.instrument].quantity_decimals if facts.instrument < len(declared) else 0
        filled, left = decimal_text(facts.filled_quantity, decimals), decimal_text(facts.remaining_quantity, decimals)
        doubt = " in doubt" if facts.in_doubt else ""
        return f"{ordinal} {STATUS_NAMES[facts.status]} {filled}/{left}{doubt}"

    def end(self, expected: dict[str, Any]) -> dict[str, Any]:
        """What the trace asks to know at the end, by its own keys: `kind holder/subject`."""
        return {key: self._asked(*key.split(" ", 1)) for key in expected}

    def _asked(self, kind: str, name: str = "") -> str:
        machine, story = self.machine, self.story
        if kind == "lines":
            return self.host.lines[int(name)]
        if kind == "stopped":
            return RejectCode(machine.stopped).name if machine.stopped else ""
        if kind == "equity":
            scale = story.config.currencies[story.config.base_currency].scale
            rows = [
                f"{time_text(time)} {'none' if equity is None else decimal_text(equity, scale)}"
                for time, equity, _ in machine.equity()
            ]
            return ", ".join(rows)
        if kind == "fills":
            return ", ".join(self._fill_text(fill) for fill in machine.executions())
        if kind == "bars":
            return ", ".join(self._bar_texts(int(name)))
        if kind == "indicator":
            return " ".join(f"{value:g}" for value in self.host.indicators[int(name)])
        holder, subject = name.split("/")
        if kind in ("cash", "fees", "transfers", "funding", "fees_of"):
            currency = story.currencies.index(subject)
            if kind == "fees_of":
                amount = machine.strategy_fees(story.strategy(holder), currency)
            else:
                amount = getattr(machine.ledger(story.accounts.index(holder), currency), kind)
            return decimal_text(amount, story.config.currencies[currency].scale)
        instrument = story.instruments.index(subject)
        declared = story.config.instruments[instrument]
        own = holder in story.strategies or holder == "nobody"
        if own:
            position = machine.own_position(story.strategy(holder), instrument)
        else:
            position = machine.position(story.accounts.index(holder), instrument)
        value = getattr(position, {"position": "quantity", "realized": "realized_pnl"}.get(kind, kind))
        money = kind in ("realized", "cost")
        return decimal_text(value, declared.settlement_scale if money else declared.quantity_decimals)

    def _bar_texts(self, stream: int) -> Iterator[str]:
        """Every bar of a stream as it was delivered: `seq open_time-close_time open high low close volume`."""
        decimals = self.story.config.instruments[self.story.config.streams[stream].instrument].price_decimals
        for data in self.records:
            record = decode_record(data)
            bar = record.event.payload
            if isinstance(bar, Bar) and bar.stream == stream and not record.findings:
                prices = " ".join(decimal_text(price, decimals) for price in (bar.open, bar.high, bar.low, bar.close))
                span = f"{time_text(bar.open_time)}-{time_text(bar.close_time)}"
                yield f"{record.event.seq_id} {span} {prices} {bar.volume}"

    def _fill_text(self, fill: Any) -> str:
        declared = self.story.config.instruments[fill.instrument]
        quantity = decimal_text(fill.quantity, declared.quantity_decimals)
        price = decimal_text(fill.price, declared.price_decimals)
        return f"{fill.order} {'sell' if fill.side else 'buy'} {quantity} at {price} rule {fill.rule}"

    def records_sha256(self) -> str:
        """Digest over the bytes of every record."""
        return hashlib.sha256(b"".join(self.records)).hexdigest()


def agree_with_venues(engine: Any) -> None:
    """Once every report is delivered, engine and simulated venues hold the same positions and cash, to the last cause."""
    for venue in engine.venues.values():
        clearing, state = venue.desk.clearing, engine.state
        for instrument, position in clearing.positions.items():
            assert state.position(clearing.account, instrument) == position, (instrument, position)
        for currency, ledger in clearing.ledgers.items():
            assert state.ledger(clearing.account, currency) == ledger, (currency, ledger)


def _codes(record: Record) -> list[str]:
    """Findings, the code a report carries, verdicts, and the kind of an exception."""
    payload = record.event.payload
    found = [finding.code for finding in record.findings]
    found += [getattr(payload, field) for field in ("code", "reason") if getattr(payload, field, 0)]
    found += [verdict.code for answer in record.answers for _, verdict in answer.intents if verdict.code]
    codes = {code.value for code in RejectCode}
    slugs = [RejectCode(code).name if code in codes else str(code) for code in found]
    return slugs + [answer.error for answer in record.answers if answer.error] + ["interrupted"] * record.interrupted


def run(trace: dict[str, Any], engine: str) -> Run:
    """The whole trace on an engine."""
    going = Run(trace, engine)
    for _ in going.steps():
        pass
    going.finish()
    return going


def dump(trace: dict[str, Any]) -> str:
    """A trace as text: a list has an item per line."""
    lines = []
    for key, value in trace.items():
        text = json.dumps(value, ensure_ascii=False)
        if key in ("push", "answers", "steps") and value:
            text = "[\n" + ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n  ]"
        elif key in ("config", "bars", "schedule", "end") and value:
            rows = (f"    {json.dumps(name)}: {json.dumps(item, ensure_ascii=False)}" for name, item in value.items())
            text = "{\n" + ",\n".join(rows) + "\n  }"
        lines.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def bless() -> list[str]:
    """Rewrite the digests of the record bytes as the Python core gives them; return the traces whose digest changed."""
    changed = []
    for name in names():
        trace = load(name)
        digest = run(trace, "python").records_sha256()
        if trace.get("records_sha256") != digest:
            changed.append(name)
            trace["records_sha256"] = digest
            (FOLDER / f"{name}.json").write_text(dump(trace), encoding="utf-8")
    return changed


def main(arguments: list[str]) -> None:
    """--bless, or --show FILE."""
    if arguments[:1] == ["--bless"]:
        print("\n".join(bless()) or "no digest changed")
    elif arguments[:1] == ["--show"] and len(arguments) == 2:
        trace = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        shown = run(trace, "python")
        print("\n".join(json.dumps(row) for row in shown.rows))
        print(json.dumps(shown.end(trace.get("end", {})), indent=2))
    else:
        sys.exit("usage: trace.py --bless | --show FILE")


if __name__ == "__main__":
    main(sys.argv[1:])

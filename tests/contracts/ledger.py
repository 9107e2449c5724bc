"""An independent ledger: it follows a run from outside and says what every order, position and balance must be.

Written from the invariants of the design alone. It is fed each taken event with the verdicts on the intents it led to, keeps its own
dictionary of reports, rounds with its own arithmetic, and must agree with the engine after every event. Deliberately not here: any
function or table of the engine (payload classes are used as data), and the displayed status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

from ledger_groups import Families, Ties
from ledger_numbers import (
    FLAT,
    INVERSE,
    MOST_MONEY,
    MOST_QUANTITY,
    OUTCOME,
    SPOT,
    Holding,
    Lot,
    Unfit,
    closed_out,
    fits,
    folded,
    nearest,
    scale,
)

from cracktrader.core.event import (
    Absent,
    Accepted,
    BalanceStatement,
    Busted,
    Cancelled,
    CancelRejected,
    Denied,
    Event,
    Expired,
    Filled,
    Funding,
    InDoubt,
    PositionStatement,
    Refused,
    Rejected,
    Replaced,
    ReplaceRejected,
    Settled,
    Settlement,
    Transfer,
    Triggered,
)
from cracktrader.core.intent import CancelOrder, PlaceOrder, ReplaceOrder

Admitted = tuple[int, Iterable[tuple[Any, int]]]
"""A strategy and its intents, each with the code of its verdict; 0 admits."""

NOBODY, ENGINE = 65_535, 65_534
NO_INSTRUMENT = 4_294_967_295
ABSENT_PRICE = -(2**63)
WINDOW = 64
FIRST_CLOSED_STATUS = 8


class Disagreement(AssertionError):
    """The engine says something else."""


@dataclass(slots=True)
class Order:
    """What an order amounts to."""

    ordinal: int
    owner: int
    instrument: int
    account: int
    direction: int
    priced: tuple[bool, bool]
    """Whether its type has a limit and a stop price."""
    trailing: bool
    """Whether its type may have a stop price, from which it trails."""
    open: int
    sent: bool
    filled: int = 0
    busted: int = 0
    value: int = 0
    closed: bool = False
    accepted: bool = False
    triggered: bool = False
    in_doubt: bool = False
    replacing: bool = False
    provisional: int = 0
    """Fills that may still be busted."""
    ties: Ties = field(default_factory=Ties)


def _has_effect(payload: Any, order: Order) -> bool:
    """Whether a report on an order that was sent changes it: answers that nobody waits for, and what is known already, do not."""
    if isinstance(payload, Filled | Busted | Settled):
        return True
    if order.closed:
        return False
    if isinstance(payload, CancelRejected):
        return order.ties.leaving
    if isinstance(payload, Replaced | ReplaceRejected):
        return order.replacing
    if isinstance(payload, Absent):
        return order.in_doubt
    if isinstance(payload, InDoubt | Accepted):
        return not order.accepted
    return not (isinstance(payload, Triggered) and order.accepted and order.triggered)


class Fill(NamedTuple):
    """A booked fill: signed quantity, signed value, what it cost in fees."""

    order: int
    quantity: int
    value: int
    currency: int
    fee: int
    fee_quantity: int
    final: bool
    busted: bool = False


class Ledger:
    """The books of one run."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.now = 0
        self.started = False
        self.orders: dict[int, Order] = {}
        self.names: dict[tuple[int, int, int], int] = {}
        self.last_ordinal = 0
        self.holdings: dict[tuple[str, int, int], Holding] = {}
        """By ("account" or "strategy", holder, instrument)."""
        self.money: dict[tuple[str, int, int], int] = {}
        """By (what, holder, currency): cash, fees, funding and transfers of an account, fees_of a strategy."""
        self.fills: dict[tuple[int, str], Fill] = {}
        self.parked: dict[tuple[int, str], int] = {}
        self.lots: dict[tuple[str, int, int], tuple[Holding, list[Lot]]] = {}
        self.seen: dict[tuple[int, str], Any] = {}
        self.keys: dict[int, list[str]] = {}
        self.watermarks = [0] * len(config.accounts)
        self.ending: list[tuple[int, int]] = []
        """Closed orders whose reports are still told apart, by the time when they no longer are: a heap."""
        self.families = Families()
        self.touched: set[tuple[Any, ...]] = set()
        self._unfit = False
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._scales = [scale(one) for one in config.instruments]
        for index, account in enumerate(config.accounts):
            for currency, amount in account.deposits:
                for what in ("cash", "transfers"):
                    place = what, index, currency
                    self.money[place] = self.money.get(place, 0) + amount
        self._handlers: dict[type, Callable[[Event, Any], None]] = {
            Transfer: self._transfer,
            Funding: self._funding,
            Settlement: self._settlement,
        }

    # --- following

    def follow(
        self, event: Event, admitted: Iterable[Admitted], *, unfit: bool = False, interrupted: bool = False
    ) -> None:
        """One step: the event as taken, then the intents it led to, then what the engine does for groups. `unfit` says that the engine
        found no room for a confirmed replace: what an open order reserves depends on marks, which are not followed here."""
        self.touched, self._unfit = set(), unfit
        if not self.started:
            self.started, self.now = True, event.ingest_time
        elif event.ingest_time > self.now:
            self.now = event.ingest_time
            self._forget()
        payload = event.payload
        if isinstance(payload, Denied):
            self._denied(event, payload)
        elif isinstance(payload, Cancelled) and event.venue == ENGINE:
            self._held_end(payload)
        elif event.source == 0 and not isinstance(payload, Refused):
            self._report(event)
        for owner, intents in admitted:
            for index, (intent, code) in enumerate(intents):
                self._intent((owner, event.seq_id, index), intent, code)
        if not interrupted:
            self._tend(payload.order if isinstance(payload, ReplaceRejected) else 0)

    def _tend(self, refused: int) -> None:
        self.families.stirred = {one for one in self.families.stirred if not self._venue_holds(one)}
        sent = self.families.tend(
            self.orders,
            lambda order: bool(self._capabilities(order.account).replace),
            lambda order: int(self.config.instruments[order.instrument].lot),
            refused,
        )
        self.touched.update(("order", one) for one in sent)

    def _venue_holds(self, ordinal: int) -> bool:
        order = self.orders.get(ordinal)
        return order is None or order.account == NOBODY or bool(self._capabilities(order.account).groups)

    def _held_end(self, cancelled: Cancelled) -> None:
        """The engine ends what it held; from then on it is as any cancelled order, whose late fills are booked."""
        order = self.orders.get(cancelled.order)
        if order is not None and order.ties.held and not order.closed:
            order.sent = True
            self._close(order)

    def _denied(self, event: Event, denied: Denied) -> None:
        """Only the engine's own venue denies, and only what was never sent."""
        order = self.orders.get(denied.order)
        if event.venue == ENGINE and order is not None and not order.sent and not order.closed:
            self._close(order)

    def _intent(self, name: tuple[int, int, int], intent: Any, code: int) -> None:
        if isinstance(intent, PlaceOrder):
            self.last_ordinal += 1
            declared = self.config.instruments
            account = self._account(intent.instrument) if intent.instrument < len(declared) else NOBODY
            self.names[name] = self.last_ordinal
            self.orders[self.last_ordinal] = Order(
                self.last_ordinal,
                name[0],
                intent.instrument,
                account,
                -1 if intent.side == 1 else 1,
                (intent.order_type in (1, 3), intent.order_type in (2, 3)),
                intent.order_type in (4, 5),
                max(intent.quantity, 0),
                code == 0,
            )
            self.touched.add(("order", self.last_ordinal))
            if code == 0:
                self._tie(self.orders[self.last_ordinal], intent)
        elif isinstance(intent, ReplaceOrder) and code == 0:
            order = self.orders[self.names[intent.order]]
            order.replacing, order.ties.asked = True, intent.quantity
            self.families.stirred.add(order.ordinal)
        elif isinstance(intent, CancelOrder) and code == 0:
            self.orders[self.names[intent.order]].ties.leaving = True

    def _tie(self, order: Order, place: PlaceOrder) -> None:
        """Note what an admitted order names; a child waits where the venue holds no groups."""
        parent, leader = (self.names.get(one, 0) for one in (place.parent, place.oco))
        order.ties = Ties(parent, leader or order.ordinal, order.open, order.open)
        if parent or leader:
            self.families.join(order.ordinal, parent or leader)
        if parent and not self._capabilities(order.account).groups:
            order.ties.held, order.sent = True, False

    def _report(self, event: Event) -> None:
        payload, key = event.payload, event.idempotency_key
        if self._is_impossible(event) or self._is_old(event):
            return
        about: int | None = getattr(payload, "order", None)
        if about is not None and about not in self.orders:
            return
        order = None if about is None else self.orders[about]
        before = () if order is None else tuple(getattr(order, name) for name in Order.__slots__)
        self._undo = []
        if order is not None and order.sent and _has_effect(payload, order):
            self.families.stirred.add(order.ordinal)
        try:
            if order is None:
                handler = self._handlers.get(type(payload))
                if handler is not None:
                    handler(event, payload)
            elif order.sent:
                self._order_report(event, order)
        except Unfit:
            self.families.ended.clear()
            for store, place, was in reversed(self._undo):
                store.pop(place) if was is None else store.__setitem__(place, was)
            for name, value in zip(Order.__slots__, before, strict=order is not None):
                setattr(order, name, value)
            if order is not None and not order.closed:
                family = self.families.of(order.ordinal)
                self.ending = sorted(entry for entry in self.ending if entry[1] not in family)
            self.touched = set()
            return
        if key:
            self._remember(event, about)

    def _set(self, store: dict[Any, Any], place: Any, value: Any) -> None:
        """Write a value so that it can be taken back when a later one does not fit."""
        self._undo.append((store, place, store.get(place)))
        store[place] = value

    def _order_report(self, event: Event, order: Order) -> None:
        payload = event.payload
        self.touched.add(("order", order.ordinal))
        if isinstance(payload, Filled):
            self._fill(event, payload, order)
        elif isinstance(payload, Busted):
            self._bust(order, (event.account, payload.fill_key))
        elif isinstance(payload, Settled):
            self._settle(order, (event.account, payload.fill_key))
        elif order.closed:
            return
        elif isinstance(payload, Cancelled | Expired | Rejected) or (isinstance(payload, Absent) and order.in_doubt):
            self._close(order)
        elif isinstance(payload, Replaced):
            if order.replacing:
                if self._unfit:
                    raise Unfit
                order.accepted, order.replacing, order.in_doubt = True, False, False
                order.open = max(payload.quantity - (order.filled - order.busted), 0)
                order.ties.total = payload.quantity
                if order.open == 0:
                    self._close(order)
        elif isinstance(payload, ReplaceRejected):
            order.replacing = False
        elif isinstance(payload, CancelRejected):
            order.ties.leaving = False
        elif isinstance(payload, InDoubt):
            order.in_doubt = not order.accepted
        elif isinstance(payload, Accepted | Triggered):
            order.accepted, order.in_doubt = True, False
            order.triggered |= isinstance(payload, Triggered)

    # --- fills

    def _fill(self, event: Event, filled: Filled, order: Order) -> None:
        declared = self.config.instruments[order.instrument]
        value = self._value(order.instrument, filled.price, filled.quantity)
        in_asset = self._pays_in_asset(declared, filled.fee_currency)
        fee_quantity = fits(filled.fee, MOST_QUANTITY) if in_asset else 0
        fee = 0 if in_asset else fits(filled.fee, MOST_MONEY)
        signed = order.direction * filled.quantity
        final = not self._capabilities(order.account).provisional_fills
        worth = -value if declared.kind == INVERSE else value
        lot = event.idempotency_key, signed, worth, fee_quantity, "net_fills", final
        self._book(order.account, order.owner, order.instrument, lot)
        self._pay(order.account, order.owner, filled.fee_currency, fee)
        order.filled = fits(order.filled + filled.quantity, MOST_QUANTITY)
        order.value = fits(order.value + value, MOST_MONEY)
        order.open = max(order.open - filled.quantity, 0)
        order.provisional += not final
        if not order.closed:
            order.accepted, order.in_doubt = True, False
            if order.open == 0:
                self._close(order)
        place = event.account, event.idempotency_key
        booked = Fill(order.ordinal, signed, worth, filled.fee_currency, fee, fee_quantity, final)
        self._set(self.fills, place, booked)
        if self.parked.get(place) == order.ordinal:
            self._set(self.parked, place, 0)
            self._bust(order, place)

    def _bust(self, order: Order, place: tuple[int, str]) -> None:
        fill = self.fills.get(place)
        if fill is None or fill.order != order.ordinal:
            self._set(self.parked, place, order.ordinal)
            return
        if fill.busted:
            return
        holders = order.account, order.owner, order.instrument
        if fill.final:
            self._book(*holders, ("", -fill.quantity, fill.value, -fill.fee_quantity, "net_fills", True))
        else:
            self._book_without(*holders, place[1])
            order.provisional -= 1
        self._pay(order.account, order.owner, fill.currency, -fill.fee)
        order.busted = fits(order.busted + abs(fill.quantity), MOST_QUANTITY)
        order.value = fits(order.value - abs(fill.value), MOST_MONEY)
        self._set(self.fills, place, fill._replace(busted=True))

    def _settle(self, order: Order, place: tuple[int, str]) -> None:
        fill = self.fills.get(place)
        if fill is None or fill.order != order.ordinal or fill.final or fill.busted:
            return
        self._set(self.fills, place, fill._replace(final=True))
        order.provisional -= 1
        for holder in (("account", order.account, order.instrument), ("strategy", order.owner, order.instrument)):
            base, lots = self.lots[holder]
            self._keep_lots(holder, base, [(*lot[:5], lot[5] or lot[0] == place[1]) for lot in lots])

    # --- holders

    def _book(self, account: int, owner: int, instrument: int, lot: Lot) -> None:
        """A lot into the account's and the owner's holding, and its cash into the account's."""
        for holder in (("account", account, instrument), ("strategy", owner, instrument)):
            before = self.holdings.get(holder) or FLAT
            base, lots = self.lots.get(holder) or (before, [])
            if lots or not lot[5]:
                self._keep_lots(holder, base if lots else before, [*lots, lot])
            self._put(holder, before, folded(before, lot))

    def _book_without(self, account: int, owner: int, instrument: int, key: str) -> None:
        """Both holdings as if the fill had never been: folded again from the oldest fill that is not final."""
        for holder in (("account", account, instrument), ("strategy", owner, instrument)):
            before = self.holdings[holder]
            base, lots = self.lots[holder]
            left = [lot for lot in lots if lot[0] != key]
            after = base
            for lot in left:
                after = folded(after, lot)
            self._keep_lots(holder, base, left)
            self._put(holder, before, after)

    def _keep_lots(self, holder: tuple[str, int, int], base: Holding, lots: list[Lot]) -> None:
        first = next((index for index, lot in enumerate(lots) if not lot[5]), len(lots))
        for lot in lots[:first]:
            base = folded(base, lot)
        self._set(self.lots, holder, (base, lots[first:]))

    def _put(self, holder: tuple[str, int, int], before: Holding, after: Holding) -> None:
        kind, index, instrument = holder
        self._set(self.holdings, holder, after)
        self.touched.add(holder)
        if kind == "account":
            declared = self.config.instruments[instrument]
            moved = (after.proceeds - after.released) - (before.proceeds - before.released)
            if declared.kind == SPOT:
                moved -= after.cost - before.cost
            self._add("cash", index, declared.settlement_currency, moved)

    def _pay(self, account: int, owner: int, currency: int, fee: int) -> None:
        if fee:
            self._add("cash", account, currency, -fee)
            self._add("fees", account, currency, fee)
            self._add("fees_of", owner, currency, fee)

    def _add(self, what: str, holder: int, currency: int, amount: int) -> None:
        place = what, holder, currency
        self._set(self.money, place, fits(self.money.get(place, 0) + amount, MOST_MONEY))
        self.touched.add(("fees_of" if what == "fees_of" else "cash", holder, currency))

    # --- the account's own events

    def _transfer(self, event: Event, transfer: Transfer) -> None:
        if event.instrument == NO_INSTRUMENT:
            self._add("cash", event.account, transfer.currency, transfer.amount)
            self._add("transfers", event.account, transfer.currency, transfer.amount)
            return
        declared = self.config.instruments[event.instrument]
        value = self._value(event.instrument, transfer.price, abs(transfer.quantity))
        worth = -value if declared.kind == INVERSE else value
        self._book(event.account, NOBODY, event.instrument, ("", transfer.quantity, worth, 0, "transferred", True))
        if declared.kind == SPOT:
            paid = value if transfer.quantity > 0 else -value
            self._add("cash", event.account, declared.settlement_currency, paid)
            self._add("transfers", event.account, declared.settlement_currency, paid)

    def _funding(self, event: Event, funding: Funding) -> None:
        self._add("cash", event.account, funding.currency, funding.amount)
        self._add("funding", event.account, funding.currency, funding.amount)

    def _settlement(self, event: Event, settlement: Settlement) -> None:
        """The account gets its position's one rounded value; holders get theirs, the last one what is left of the account's; nothing before
        it can be busted away."""
        instrument, price = event.instrument, settlement.price
        whole = "account", event.account, instrument
        before = self.holdings.get(whole) or FLAT
        left = total = self._signed_value(instrument, price, before.quantity)
        everyone = (*range(len(self.config.strategies)), NOBODY)
        owners = [("strategy", owner, instrument) for owner in everyone]
        holders = [holder for holder in owners if (self.holdings.get(holder) or FLAT).quantity]
        for holder in holders:
            own = self.holdings[holder]
            value = left if holder == holders[-1] else self._signed_value(instrument, price, own.quantity)
            left = fits(left - value, MOST_MONEY)
            self._put(holder, own, closed_out(own, value))
        self._put(whole, before, closed_out(before, total))
        for holder in [
            holder for holder in self.lots if holder == whole or (holder[0], holder[2]) == ("strategy", instrument)
        ]:
            self._set(self.lots, holder, (FLAT, []))
        for place, fill in list(self.fills.items()):
            order = self.orders[fill.order]
            if place[0] == event.account and order.instrument == instrument and not fill.final:
                order.provisional -= not fill.busted
                self._set(self.fills, place, fill._replace(final=True))

    # --- what is taken at all

    def _is_impossible(self, event: Event) -> bool:
        config, payload = self.config, event.payload
        if event.account >= len(config.accounts) or config.accounts[event.account].venue != event.venue:
            return True
        declared = None
        if event.instrument != NO_INSTRUMENT:
            if event.instrument >= len(config.instruments):
                return True
            declared = config.instruments[event.instrument]
            if declared.venue != event.venue:
                return True
        elif isinstance(payload, Settlement | PositionStatement):
            return True
        if isinstance(payload, BalanceStatement | Funding) or (isinstance(payload, Transfer) and declared is None):
            return payload.currency >= len(config.currencies)
        if declared is not None and isinstance(payload, Transfer):
            return payload.quantity in (0, ABSENT_PRICE) or not 1 <= payload.price <= declared.max_price
        if declared is not None and isinstance(payload, Settlement):
            if declared.kind == OUTCOME:
                return payload.price not in (0, declared.max_price)
            return not (declared.kind == INVERSE) <= payload.price <= declared.max_price
        order = self.orders.get(getattr(payload, "order", 0))
        return order is not None and self._is_impossible_for(order, event)

    def _is_impossible_for(self, order: Order, event: Event) -> bool:
        payload = event.payload
        if event.account != order.account or event.instrument not in (NO_INSTRUMENT, order.instrument):
            return True
        if not isinstance(payload, Filled | Replaced):
            return False
        if payload.quantity <= 0 or order.instrument >= len(self.config.instruments):
            return True
        declared = self.config.instruments[order.instrument]
        if isinstance(payload, Replaced):
            prices = payload.limit_price, payload.stop_price
            priced = (False, payload.stop_price != ABSENT_PRICE) if order.trailing else order.priced
            wanted = zip(prices, priced, strict=True)
            return any(not 1 <= p <= declared.max_price if has else p != ABSENT_PRICE for p, has in wanted)
        if payload.fee_currency >= len(self.config.currencies) or not 1 <= payload.price <= declared.max_price:
            return True
        in_asset = self._pays_in_asset(declared, payload.fee_currency)
        scale: int = self.config.currencies[payload.fee_currency].scale
        return in_asset and scale != declared.quantity_decimals

    def _is_old(self, event: Event) -> bool:
        """A duplicate, a conflict, a fill without a key, or one too old to tell."""
        key, payload = event.idempotency_key, event.payload
        if not key:
            return isinstance(payload, Filled)
        if self._capabilities(event.account).dense_keys:
            number = int(key) if key.isdigit() and key[0] != "0" and len(key) < 19 else 0
            if number == 0 or number <= self.watermarks[event.account] - WINDOW:
                return True
        return (event.account, key) in self.seen

    def _remember(self, event: Event, about: int | None) -> None:
        account, key = event.account, event.idempotency_key
        self.seen[account, key] = event.payload
        if about is not None:
            self.keys.setdefault(about, []).append(key)
        if self._capabilities(account).dense_keys:
            while (account, str(self.watermarks[account] + 1)) in self.seen:
                self.watermarks[account] += 1

    def _forget(self) -> None:
        """Orders whose reports are past the horizon, unless a fill of theirs may still be busted."""
        while self.ending and self.ending[0][0] < self.now:
            _, ordinal = heappop(self.ending)
            order = self.orders[ordinal]
            if order.provisional:
                heappush(self.ending, (self.now, ordinal))
                continue
            del self.orders[ordinal]
            dense = order.account != NOBODY and self._capabilities(order.account).dense_keys
            for key in self.keys.pop(ordinal, []):
                self.fills.pop((order.account, key), None)
                if not dense:
                    self.seen.pop((order.account, key), None)

    def _close(self, order: Order) -> None:
        order.closed = True
        order.in_doubt = order.replacing = False
        horizon = 0 if order.account == NOBODY else self._horizon(order.account)
        family = self.families.of(order.ordinal)
        self.families.ended.append(order.ordinal)
        self.families.stirred.add(order.ordinal)
        if all(self.orders[member].closed for member in family):
            for member in family:
                heappush(self.ending, (self.now + horizon, member))
        self.touched.add(("order", order.ordinal))

    # --- declarations

    def _account(self, instrument: int) -> int:
        venue = self.config.instruments[instrument].venue
        return next(index for index, account in enumerate(self.config.accounts) if account.venue == venue)

    def _capabilities(self, account: int) -> Any:
        return self.config.venues[self.config.accounts[account].venue].capabilities

    def _horizon(self, account: int) -> int:
        """Its own reports are late by the venue's horizon at most, answers to requests by the way there and back."""
        venue = self.config.venues[self.config.accounts[account].venue]
        way = max(venue.submit_latency, venue.cancel_latency, venue.replace_latency) + venue.report_latency
        return int(venue.capabilities.retention_ns + way + 2 * venue.latency_jitter)

    @staticmethod
    def _pays_in_asset(declared: Any, currency: int) -> bool:
        two_currencies = declared.base_currency != declared.settlement_currency
        return bool(declared.kind == SPOT and two_currencies and currency == declared.base_currency)

    def _value(self, instrument: int, price: int, quantity: int) -> int:
        above, below = self._scales[instrument]
        if self.config.instruments[instrument].kind != INVERSE:
            return fits(nearest(price * quantity * above, below), MOST_MONEY)
        return fits(nearest(quantity * above, price * below), MOST_MONEY)

    def _signed_value(self, instrument: int, price: int, held: int) -> int:
        """Of a signed position; a long of an inverse is worth less than nothing."""
        value = self._value(instrument, price, abs(held))
        return -value if (held < 0) != (self.config.instruments[instrument].kind == INVERSE) else value

    # --- agreeing

    def agree(self, machine: Any, *, everything: bool = False) -> None:
        """Compare what the last event touched (or all there is) with the engine; Disagreement names the first difference."""
        for place in self._all() if everything else self.touched:
            kind, *names = place
            found, expected = getattr(self, f"_compare_{kind}")(machine, *names)
            if found != expected:
                raise Disagreement(f"{place}: the engine has {found}, the ledger {expected}")

    def _all(self) -> Iterable[tuple[Any, ...]]:
        yield from self.holdings
        yield from (("order", ordinal) for ordinal in self.orders)
        yield from (("fees_of" if w == "fees_of" else "cash", h, c) for w, h, c in self.money)

    def _compare_order(self, machine: Any, ordinal: int) -> tuple[Any, Any]:
        facts = machine.facts(ordinal)
        order = self.orders.get(ordinal)
        if facts is None or order is None:
            return facts, order
        expected = order.filled - order.busted, 0 if order.closed else order.open, order.value, order.closed
        closed = facts.status >= FIRST_CLOSED_STATUS
        return (facts.filled_quantity, facts.remaining_quantity, facts.filled_value, closed), expected

    def _compare_account(self, machine: Any, account: int, instrument: int) -> tuple[Any, Any]:
        return _figures(machine.position(account, instrument)), _figures(self.holdings["account", account, instrument])

    def _compare_strategy(self, machine: Any, owner: int, instrument: int) -> tuple[Any, Any]:
        held = self.holdings["strategy", owner, instrument]
        return _figures(machine.own_position(owner, instrument)), _figures(held)

    def _compare_cash(self, machine: Any, account: int, currency: int) -> tuple[Any, Any]:
        spot_cost = realized = 0
        for index, declared in enumerate(self.config.instruments):
            held = self.holdings.get(("account", account, index))
            if held is not None and declared.settlement_currency == currency:
                realized += held.proceeds - held.released
                spot_cost += held.cost if declared.kind == SPOT else 0
        cash, fees, transfers, funding = (
            self.money.get((what, account, currency), 0) for what in ("cash", "fees", "transfers", "funding")
        )
        if cash + fees + spot_cost - realized != transfers + funding:
            raise Disagreement(f"the ledger itself does not conserve currency {currency}")
        found = machine.ledger(account, currency)
        expected = cash, fees, spot_cost, realized, transfers, funding
        figures = found.cash, found.fees, found.spot_cost, found.realized, found.transfers, found.funding
        return figures, expected

    def _compare_fees_of(self, machine: Any, owner: int, currency: int) -> tuple[Any, Any]:
        return machine.strategy_fees(owner, currency), self.money["fees_of", owner, currency]


def _figures(held: Any) -> tuple[int, ...]:
    causes = held.net_fills, held.fee_quantity, held.transferred, held.settled
    return held.quantity, held.cost, held.proceeds, held.released, *causes

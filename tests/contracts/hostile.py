"""Items from outside: reports of venues, right and wrong, late, twice and contradictory; market data, account and control events.

Some are what a venue would say next, most aim at the rarest row of the order state machine within reach. Deliberately not here: what
strategies say (generator.py).
"""

from __future__ import annotations

from random import Random
from typing import Any

from reached import Coverage
from scenario import Item, Scenario
from world import DAY, MINUTE, SECOND, typical_price, typical_quantity

from cracktrader.core.event import (
    Absent,
    Accepted,
    BalanceStatement,
    Bar,
    Busted,
    Cancelled,
    CancelRejected,
    DataEnded,
    Denied,
    EngineStopped,
    Event,
    Expired,
    Filled,
    Funding,
    InDoubt,
    InstrumentStatus,
    PositionStatement,
    Quote,
    Refused,
    Rejected,
    Replaced,
    ReplaceRejected,
    RiskFlagSet,
    SessionClosed,
    SessionOpened,
    Settled,
    Settlement,
    StrategyHalted,
    Trade,
    Transfer,
    Triggered,
    event,
)
from cracktrader.core.instrument import contract_value
from cracktrader.core.intent import OrderId
from cracktrader.core.order import Guard, Life, OrderInput, Pending, guard_of, takes_limit, takes_stop
from cracktrader.core.units import I64_MAX, MONEY_MAX, NONE_PRICE, NULL_INDEX, NULL_INSTRUMENT, OutOfRange

ON_ORDERS: tuple[tuple[type, OrderInput], ...] = (
    (Accepted, OrderInput.ACCEPTED),
    (Rejected, OrderInput.REJECTED),
    (Filled, OrderInput.FILLED),
    (Cancelled, OrderInput.CANCELLED),
    (Expired, OrderInput.EXPIRED),
    (Triggered, OrderInput.TRIGGERED),
    (Replaced, OrderInput.REPLACED),
    (CancelRejected, OrderInput.CANCEL_REJECTED),
    (ReplaceRejected, OrderInput.REPLACE_REJECTED),
    (InDoubt, OrderInput.IN_DOUBT),
    (Absent, OrderInput.ABSENT),
    (Busted, OrderInput.BUSTED),
    (Settled, OrderInput.SETTLED),
)
QUANTITIES = (OrderInput.FILLED, OrderInput.REPLACED)


class Hostile:
    """The outside world of one scenario."""

    def __init__(
        self, rng: Random, scenario: Scenario, state: Any, names: dict[OrderId, str], coverage: Coverage
    ) -> None:
        self.rng, self.state, self.names, self.coverage = rng, state, names, coverage
        self.config = scenario.config
        self.items = scenario.items
        self.keys = [0] * len(self.config.accounts)
        self.skipped: list[tuple[int, str]] = []
        """Dense keys left out, to be sent later."""
        self.promised: list[tuple[int, str, int]] = []
        """(account, key, order) of fills that were busted before they came."""
        self.outside = [index for index, venue in enumerate(self.config.venues) if not venue.simulated]
        bars = {stream.instrument for stream in self.config.streams if stream.matching and stream.kind == 0}
        self.quoted = [index for index in range(len(self.config.instruments)) if index not in bars]

    # --- which

    def item(self, after: int) -> Item:
        """The next item."""
        rng = self.rng
        choice = rng.random()
        unmarked = [index for index in self.quoted if not self.state.markets[index].has_mark]
        if unmarked and choice < 0.5:
            return self._market(after, rng.choice(unmarked), sound=True)
        if choice < 0.3 and self._is_tied():
            return self._control(after)
        if choice < 0.86 and self.outside:
            return self._report(after)
        if choice < 0.90:
            return self._account_event(after)
        if choice < 0.96:
            return self._market(after, rng.randrange(len(self.config.instruments)), sound=rng.random() < 0.8)
        return self._control(after)

    def _is_tied(self) -> bool:
        """Whether some flag or freeze keeps strategies from trading."""
        state = self.state
        if state.kill_switch or state.reduce_only or any(market.halted or market.frozen for market in state.markets):
            return True
        return any(owner.kill_switch or owner.reduce_only for owner in state.owners)

    def ending(self, kind: str, after: int) -> Item:
        """The item that ends what strategies may do."""
        at = self.state.now
        if kind == "operator":
            return Item(after, event(EngineStopped(), at))
        if kind == "ended":
            return Item(after, event(DataEnded(), at))
        account = self.rng.randrange(len(self.config.accounts))
        currency = self.rng.randrange(len(self.config.currencies))
        amount = self.rng.choice((MONEY_MAX + 1, -MONEY_MAX * 2, 2**127 - 1))
        payload = Funding(currency, amount) if self.rng.random() < 0.5 else Transfer(currency, amount, 0, NONE_PRICE)
        return self._item(after, payload, account, NULL_INSTRUMENT, at, key="")

    # --- reports on orders

    def _report(self, after: int) -> Item:
        rng = self.rng
        choice = rng.random()
        if choice < 0.10 and self.items:
            return self._again(after)
        if choice < 0.13:
            return self._about_nothing(after)
        orders = [
            order
            for order in self.state.orders.values()
            if order.venue != NULL_INDEX and order.venue in self.outside and order.id in self.names
        ]
        if not orders:
            return self._about_nothing(after) if choice < 0.2 else self._control(after)
        if choice < 0.68:
            return self._rarest(after, orders)
        return self._expected(after, rng.choice(orders))

    def _rarest(self, after: int, orders: list[Any]) -> Item:
        """The report whose row was hit least, of a few orders."""
        rng, rarity = self.rng, self.coverage.rarity
        best: tuple[Any, ...] | None = None
        fleeting = self._fleeting(orders)
        for order in fleeting or rng.sample(orders, min(len(orders), 5)):
            state = order.state
            if order in fleeting and order.life is Life.ACCEPTED and order.net_filled < 2 < order.open_quantity:
                # What is replaced to no more than has filled has filled before.
                return self._about(after, order, OrderInput.FILLED, Guard.GT0, prompt=True)
            for index, (_, told) in enumerate(ON_ORDERS):
                for guard in self._guards(order, told):
                    known = rarity(state, told, guard), rng.random(), index, guard, order
                    if best is None or known < best:
                        best = known
        assert best is not None
        _, _, index, guard, order = best
        return self._about(after, order, ON_ORDERS[index][1], guard, prompt=bool(fleeting) or rng.random() < 0.8)

    def _fleeting(self, orders: list[Any]) -> list[Any]:
        """Orders in states that last no longer than a step or are seldom reached: what is to be said in them is said at once."""
        return [
            order
            for order in orders
            if (order.life is Life.HELD and order.pending)
            or (order.life is Life.ACCEPTED and order.triggered and order.pending & Pending.REPLACE)
        ]

    @property
    def is_fleeting(self) -> bool:
        """Whether some order that an outside venue may speak of is in such a state."""
        return any(
            order.venue in self.outside and order.id in self.names
            for order in self._fleeting([*self.state.orders.values()])
        )

    def _guards(self, order: Any, told: OrderInput) -> tuple[Guard, ...]:
        """Guards that a quantity can give on the order as it is."""
        if told not in QUANTITIES:
            return (Guard.ANY,)
        if told is OrderInput.FILLED:
            if order.life is Life.FILLED:
                return (Guard.LT0,)
            possible = (order.open_quantity > 1, order.open_quantity > 0, True)
        else:
            if order.life is Life.SUBMITTED and order.pending & Pending.REPLACE:
                return (Guard.GT0,)
            possible = (True, order.net_filled > 0, order.net_filled > 1)
        guards = zip((Guard.GT0, Guard.EQ0, Guard.LT0), possible, strict=True)
        return tuple(guard for guard, is_possible in guards if is_possible)

    def _expected(self, after: int, order: Any) -> Item:
        """What a well-behaved venue would say next."""
        rng = self.rng
        choices: list[tuple[OrderInput, Guard]]
        if order.life is Life.SUBMITTED:
            choices = [(OrderInput.ACCEPTED, Guard.ANY)] * 4 + [(OrderInput.FILLED, Guard.GT0)]
        elif order.life is Life.ACCEPTED and order.pending is Pending.NONE:
            choices = [(OrderInput.FILLED, Guard.GT0)] * 4 + [(OrderInput.FILLED, Guard.EQ0)]
        elif order.life is Life.ACCEPTED and order.pending & Pending.CANCEL:
            choices = [(OrderInput.CANCELLED, Guard.ANY), (OrderInput.CANCEL_REJECTED, Guard.ANY)]
            choices.append((OrderInput.FILLED, Guard.GT0))
        elif order.life is Life.ACCEPTED:
            choices = [(OrderInput.REPLACED, Guard.GT0)] * 2 + [(OrderInput.REPLACE_REJECTED, Guard.ANY)]
        else:
            choices = [(OrderInput.BUSTED, Guard.ANY), (OrderInput.SETTLED, Guard.ANY), (OrderInput.FILLED, Guard.LT0)]
        told, guard = rng.choice(choices)
        if told is OrderInput.FILLED and guard is Guard.GT0 and order.open_quantity < 2:
            guard = guard_of(order.open_quantity - 1)
        return self._about(after, order, told, guard, prompt=False)

    def _about(self, after: int, order: Any, told: OrderInput, guard: Guard, *, prompt: bool) -> Item:
        """A report on the order; a prompt one comes at once."""
        rng, ordinal, account = self.rng, order.ordinal, order.account
        key = None
        payload: Any
        if told is OrderInput.FILLED:
            payload = self._filled(order, guard)
            kept = [one for one in self.promised if one[0] == account and one[2] == ordinal]
            if kept and rng.random() < 0.7:
                key = kept[0][1]
                self.promised.remove(kept[0])
        elif told is OrderInput.REPLACED:
            payload = self._replaced(order, guard)
        elif told in (OrderInput.BUSTED, OrderInput.SETTLED):
            kind = Busted if told is OrderInput.BUSTED else Settled
            payload = kind(ordinal, self._fill_key(order, promise=kind is Busted))
        elif told in (
            OrderInput.REJECTED,
            OrderInput.CANCELLED,
            OrderInput.CANCEL_REJECTED,
            OrderInput.REPLACE_REJECTED,
        ):
            kind = next(one for one, code in ON_ORDERS if code is told)
            payload = kind(ordinal, rng.choice((0, 0, 601, 999)), rng.choice(("", "no")))
        else:
            payload = next(one for one, code in ON_ORDERS if code is told)(ordinal)
        instrument = order.instrument if rng.random() < 0.93 else NULL_INSTRUMENT
        at = self.state.now if prompt else self._moment()
        item = self._item(after, payload, account, instrument, at, key=key)
        item.order = self.names[order.id]
        return item if rng.random() < 0.985 else self._spoiled(item)

    def _filled(self, order: Any, guard: Guard) -> Filled:
        rng, instrument = self.rng, self.config.instruments[order.instrument]
        left = order.open_quantity
        if guard is Guard.GT0:
            quantity = rng.randint(1, max(left - 1, 1)) if rng.random() < 0.7 else max(left // 3, 1)
        else:
            quantity = left if guard is Guard.EQ0 else left + rng.choice((1, 1, typical_quantity(instrument) // 3 + 1))
        quantity = min(max(quantity, 1), I64_MAX)
        price = order.reserve_price if order.reserve_price > 0 else typical_price(instrument)
        price = min(max(price + rng.randint(-3, 3), 1), instrument.max_price)
        if rng.random() < 0.01:
            price = rng.choice((1, instrument.max_price))
        currency = instrument.settlement_currency
        if rng.random() < 0.2:
            currency = rng.choice((instrument.base_currency, rng.randrange(len(self.config.currencies))))
        try:
            worth = contract_value(instrument, price, quantity)
        except OutOfRange:
            worth = 10**6
        fee = rng.choice((0, worth // 1000, worth // 700, -(worth // 5000), 1))
        if instrument.is_spot and currency == instrument.base_currency:
            fee = rng.choice((0, 1, quantity // 100, quantity, quantity + 1, -1))
        return Filled(order.ordinal, quantity, price, rng.randrange(2), currency, fee, 0)

    def _replaced(self, order: Any, guard: Guard) -> Replaced:
        rng, net = self.rng, order.net_filled
        if guard is Guard.GT0:
            quantity = (
                order.replace_quantity
                if order.replace_quantity > net and rng.random() < 0.7
                else net + rng.randint(1, 99)
            )
        else:
            quantity = net if guard is Guard.EQ0 else net - rng.randint(1, max(net - 1, 1))
        limit = order.replace_limit_price if order.pending & Pending.REPLACE else order.limit_price
        stop = order.replace_stop_price if order.pending & Pending.REPLACE else order.stop_price
        if takes_limit(order.order_type) and limit < 1:
            limit = 1
        if takes_stop(order.order_type) and stop < 1:
            stop = 1
        return Replaced(order.ordinal, max(min(quantity, I64_MAX), 1), limit, stop)

    def _fill_key(self, order: Any, *, promise: bool) -> str:
        """The key of a fill: mostly of this order, at times of another, one that is to come, or one that never comes."""
        rng, fills = self.rng, self.state.fills
        own = [key for key in self.state.keys.get(order.ordinal, ()) if (order.account, key) in fills]
        busted = [key for key in own if fills[order.account, key].busted]
        if busted and rng.random() < 0.3:
            return str(rng.choice(busted))
        if own and rng.random() < 0.8:
            return str(rng.choice(own))
        if fills and rng.random() < 0.3:
            return str(rng.choice(list(fills)[-20:])[1])
        if promise and rng.random() < 0.8:
            key = f"later{len(self.promised)}.{order.ordinal}"
            if self._is_dense(order.account):
                self.keys[order.account] += 1
                key = str(self.keys[order.account])
            self.promised.append((order.account, key, order.ordinal))
            return key
        return "never"

    def _about_nothing(self, after: int) -> Item:
        """A report on an order that was never placed, or is long forgotten."""
        rng, state = self.rng, self.state
        ordinal = rng.choice((0, state.next_ordinal, 2**63))
        if state.archived and rng.random() < 0.6:
            ordinal = rng.randrange(1, state.next_ordinal)
        venue = rng.choice(self.outside)
        account = next(index for index, one in enumerate(self.config.accounts) if one.venue == venue)
        payload = rng.choice((Accepted(ordinal), Cancelled(ordinal, 0, ""), Filled(ordinal, 1, 1, 0, 0, 0, 0)))
        if rng.random() < 0.1:
            payload = rng.choice((Denied(ordinal, 303, 0, 0), Refused(rng.randrange(4), state.seq, 0, 2, 401, 0, 0)))
        item = self._item(after, payload, account, NULL_INSTRUMENT, self._moment())
        if ordinal in state.orders and not isinstance(payload, Refused):
            item.order = self.names.get(state.orders[ordinal].id, "")
        return item

    def _again(self, after: int) -> Item:
        """An earlier report once more: the same, with another stamp, or with other content under its key."""
        rng = self.rng
        for _ in range(8):
            old = self.items[rng.randrange(max(len(self.items) - 60, 0), len(self.items))]
            if old.event.idempotency_key and old.event.source == 0:
                break
        else:
            return self._about_nothing(after)
        at = self._moment()
        made = old.event._replace(ingest_time=max(at, 0))
        choice = rng.random()
        if choice < 0.4:
            made = made._replace(event_time=rng.choice((at, 0, -(2**63), 2**63 - 1)))
        elif choice < 0.7:
            made = made._replace(payload=self._other(made.payload))
        return Item(after, made, old.order)

    def _other(self, payload: Any) -> Any:
        """Other content."""
        if isinstance(payload, Filled):
            return payload._replace(quantity=_changed(payload.quantity))
        if isinstance(payload, Accepted):
            return Expired(payload.order)
        if isinstance(payload, Expired | Triggered | InDoubt | Absent):
            return Accepted(payload.order)
        return payload._replace(**{payload._fields[-1]: _changed(payload[-1])})

    def _spoiled(self, item: Item) -> Item:
        """The report with an envelope or a content that cannot be."""
        rng, made = self.rng, item.event
        spoil = rng.randrange(6)
        payload = made.payload
        if spoil == 0:
            made = made._replace(account=rng.choice((NULL_INDEX, 9)))
        elif spoil == 1:
            made = made._replace(venue=rng.choice((NULL_INDEX, 7)))
        elif spoil == 2:
            made = made._replace(instrument=rng.choice((len(self.config.instruments), 0, 2**32 - 2)))
        elif spoil == 3 and isinstance(payload, Filled):
            bad = rng.choice((("quantity", 0), ("price", 0), ("fee_currency", 77), ("quantity", -4), ("fee", 2**126)))
            made = made._replace(payload=payload._replace(**{bad[0]: bad[1]}))
        elif spoil == 4:
            made = made._replace(idempotency_key=rng.choice(("", "x:y", "007", "0", "9" * 30)))
        else:
            made = made._replace(ingest_time=max(made.ingest_time - rng.choice((1, MINUTE)), 0))
        return Item(item.after, made, item.order)

    # --- account, market, control

    def _account_event(self, after: int) -> Item:
        rng, state = self.rng, self.state
        account = rng.randrange(len(self.config.accounts))
        own = [i for i, one in enumerate(self.config.instruments) if one.venue == self.config.accounts[account].venue]
        currency = rng.randrange(len(self.config.currencies))
        index = rng.choice(own) if own else NULL_INSTRUMENT
        cash = state.ledger(account, currency).cash
        amount = rng.choice((1, -1, 10**6, cash // 50, -(cash // 90)))
        if rng.random() < 0.01:
            amount = MONEY_MAX - cash - rng.randrange(2)
        choice = rng.randrange(6)
        payload: Any
        if choice == 0:
            payload, index = (
                BalanceStatement(rng.choice((currency, currency, 99)), cash + rng.choice((0, 0, 7))),
                NULL_INSTRUMENT,
            )
        elif choice == 1:
            held = state.position(account, index).quantity if own else 0
            payload = PositionStatement(min(held + rng.choice((0, 0, 1)), I64_MAX))
        elif choice == 2:
            payload, index = Transfer(currency, amount, 0, NONE_PRICE), NULL_INSTRUMENT
        elif choice == 3 and own:
            instrument = self.config.instruments[index]
            quantity = rng.choice((1, -1, typical_quantity(instrument), -typical_quantity(instrument) // 3, 0))
            payload = Transfer(
                currency, 0, quantity, rng.choice((typical_price(instrument), typical_price(instrument), 0))
            )
        elif choice == 4 and own and rng.random() < 0.25:
            instrument = self.config.instruments[index]
            payload = Settlement(rng.choice((typical_price(instrument), typical_price(instrument) + 1, 0, -1)))
        else:
            payload, index = Funding(rng.choice((currency, currency, currency, 99)), amount), NULL_INSTRUMENT
        return self._item(after, payload, account, index, self._moment())

    def _market(self, after: int, index: int, *, sound: bool) -> Item:
        rng, instrument = self.rng, self.config.instruments[index]
        market = self.state.markets[index]
        price = market.mark if market.has_mark and rng.random() < 0.7 else typical_price(instrument)
        price = min(max(price + price * rng.randint(-4, 4) // 200, instrument.tick), instrument.max_price)
        payload: Any
        if rng.random() < 0.5:
            payload = Trade(price, rng.choice((1, instrument.lot)), rng.randrange(3))
        else:
            payload = Quote(price, 1, min(price + rng.randrange(3) * instrument.tick, instrument.max_price), 1)
        if not sound:
            payload = self._bad_market(index, price)
            index = index if rng.random() < 0.9 else len(self.config.instruments)
        return Item(after, event(payload, self._moment(), venue=instrument.venue, instrument=index))

    def _bad_market(self, index: int, price: int) -> Any:
        """Market data that contradicts itself, and bars that come by another way than their stream."""
        rng, now = self.rng, self.state.now
        streams = [s for s, stream in enumerate(self.config.streams) if stream.instrument == index and stream.kind == 0]
        stream = rng.choice(streams) if streams and rng.random() < 0.8 else rng.choice((0, 99))
        wide = rng.randint(-1, 3) if price < I64_MAX - 3 else 0
        bar = Bar(now, now + SECOND, price, price + wide, max(price - wide, 0), price, rng.choice((5, 5, -1)), stream)
        return rng.choice(
            (
                Trade(0, 1, 0),
                Trade(price, 0, 0),
                Trade(price, 1, 3),
                Quote(price, 1, price - 1, 1),
                Quote(0, 1, 1, 1),
                bar,
                bar,
                bar,
            )
        )

    def _control(self, after: int) -> Item:
        rng, state = self.rng, self.state
        at, choice = self._moment(), rng.random()
        strategies = len(state.owners)
        tight = [index for index, owner in enumerate(state.owners) if owner.kill_switch or owner.reduce_only]
        frozen = [index for index, market in enumerate(state.markets) if market.halted or market.frozen]
        if (state.kill_switch or state.reduce_only) and choice < 0.8:
            return Item(after, event(RiskFlagSet(NULL_INDEX, 0 if state.kill_switch else 1, False), at))
        if tight and choice < 0.85:
            owner = rng.choice(tight)
            return Item(after, event(RiskFlagSet(owner, 0 if state.owners[owner].kill_switch else 1, False), at))
        if frozen and choice < 0.93:
            return self._status(after, rng.choice(frozen), False, at)
        if choice < 0.25:
            return self._status(after, rng.randrange(len(state.markets) + 1), True, at)
        if choice < 0.55:
            owner = rng.choice((NULL_INDEX, *range(strategies + 1)))
            return Item(after, event(RiskFlagSet(owner, rng.choice((0, 1, 1, 2)), rng.random() < 0.4), at))
        if choice < 0.555:
            return Item(after, event(StrategyHalted(rng.randrange(strategies + 1)), at))
        payload = SessionOpened() if rng.random() < 0.5 else SessionClosed()
        return Item(after, event(payload, at, venue=0, instrument=rng.choice((0, NULL_INSTRUMENT))))

    def _status(self, after: int, index: int, frozen: bool, at: int) -> Item:
        venue = self.config.instruments[index].venue if index < len(self.config.instruments) else 0
        return Item(after, event(InstrumentStatus(frozen), at, venue=venue, instrument=index))

    # --- envelopes

    def _item(
        self, after: int, payload: Any, account: int, instrument: int, at: int, *, key: str | None = None
    ) -> Item:
        venue = self.config.accounts[account].venue if account < len(self.config.accounts) else 0
        key = self._key(account, isinstance(payload, Filled)) if key is None else key
        stamp = at if self.rng.random() < 0.9 else at - SECOND
        made: Event = event(payload, at, event_time=stamp, venue=venue, account=account, instrument=instrument, key=key)
        return Item(after, made)

    def _key(self, account: int, is_fill: bool) -> str:
        """A fresh key; at times none, or a dense one that leaves a gap."""
        rng = self.rng
        if rng.random() < (0.02 if is_fill else 0.2):
            return ""
        if self.config.venues[self.config.accounts[account].venue].simulated:
            return rng.choice(("", "", "", "", "", "", f"outside{len(self.items)}", str(rng.randrange(1, 99))))
        mine = [one for one in self.skipped if one[0] == account]
        if mine and rng.random() < 0.3:
            self.skipped.remove(mine[0])
            return mine[0][1]
        self.keys[account] += 1
        if self._is_dense(account):
            if rng.random() < 0.05:
                self.skipped.append((account, str(self.keys[account])))
                self.keys[account] += 1
            return str(self.keys[account])
        return f"k{self.keys[account]}"

    def _is_dense(self, account: int) -> bool:
        return self.config.venues[self.config.accounts[account].venue].capabilities.dense_keys

    def _moment(self) -> int:
        """When an item may be known: mostly at once or soon, seldom long ago or much later."""
        choice, now = self.rng.random(), self.state.now
        if choice < 0.4:
            return now
        if choice < 0.65:
            return now + self.rng.randrange(1, SECOND)
        if choice < 0.94:
            return now + self.rng.randrange(1, 20 * SECOND)
        if choice < 0.96:
            return max(now - self.rng.randrange(1, MINUTE), 0)
        return now + (self.rng.randrange(1, 5 * MINUTE) if choice < 0.997 else DAY)


def _changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str):
        return value + "x"
    return value - 1 if value > 0 else value + 1

"""Wake conditions as users write them: `ctx.wake(when=ct.cross(self.fast, self.slow))`. The core asks them; Python is entered where they
hold.

Deliberately not here: what each compares, which is `core.wake`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from cracktrader.core.wake import NOTHING, Op, Operand, OperandKind, Term
from cracktrader.errors import ConfigError
from cracktrader.strategy.indicator_views import IndicatorView, OwnIndicatorView
from cracktrader.strategy.indicators import FIELDS, Declared, Line

if TYPE_CHECKING:
    from cracktrader.strategy.context import StrategyContext


@dataclass(frozen=True)
class Ago:
    """An indicator as it was so many bars ago."""

    indicator: IndicatorView
    bars: int


Side: TypeAlias = IndicatorView | Ago | str | float
"""What is compared: a bound indicator or a line of one, its value some bars ago, a field of the bar, or a number."""


class _Part(NamedTuple):
    """A term whose indicators are still those of the strategy."""

    op: Op
    a: Side | None = None
    b: Side | None = None
    every: int = 0


@dataclass(frozen=True)
class Condition:
    """When to wake a strategy: made by `above`, `below`, `cross`, `cross_above`, `cross_below`, `flips`, `every` and `never`, combined by
    `&` and `|`, given to `ctx.wake`."""

    _parts: tuple[_Part, ...]
    """In postfix order."""

    def __and__(self, other: Condition) -> Condition:
        return self._joined(Op.AND, "&", other)

    def __or__(self, other: Condition) -> Condition:
        return self._joined(Op.OR, "|", other)

    def _joined(self, op: Op, sign: str, other: Any) -> Condition:
        if not isinstance(other, Condition):
            raise ConfigError(f"a condition {sign} {other!r}: both sides are conditions such as ct.above(self.rsi, 70)")
        return Condition((*self._parts, *other._parts, _Part(op)))

    def __bool__(self) -> NoReturn:
        raise ConfigError(
            "a condition is neither true nor false here, the core asks it bar by bar: combine conditions by & and |, not by and, or, "
            "not, and ask an indicator itself in on_bar"
        )


def above(a: Side, b: Side) -> Condition:
    """Bars on which `a` is above `b`, as both are read: `ct.above(self.rsi, 70)`, `ct.above("close", self.average)`. False until both are
    warm."""
    return _comparison(Op.ABOVE, a, b)


def below(a: Side, b: Side) -> Condition:
    """Bars on which `a` is below `b`, as both are read. False until both are warm."""
    return _comparison(Op.BELOW, a, b)


def cross(a: Side, b: Side) -> Condition:
    """Bars on which `a.crossed_above(b)` or `a.crossed_below(b)`."""
    return _comparison(Op.CROSS, a, b)


def cross_above(a: Side, b: Side) -> Condition:
    """Bars on which `a.crossed_above(b)`."""
    return _comparison(Op.CROSS_ABOVE, a, b)


def cross_below(a: Side, b: Side) -> Condition:
    """Bars on which `a.crossed_below(b)`."""
    return _comparison(Op.CROSS_BELOW, a, b)


def flips(a: Side, b: Side) -> Condition:
    """Bars on which a strategy that trades on "`a` is above `b`" may have to trade: the first on which both are warm, and each on which
    the answer is another one than a bar ago."""
    return _comparison(Op.FLIPS, a, b)


def every(bars: int) -> Condition:
    """Every so many bars of the stream, counted from its first: the n-th, the 2n-th and so on."""
    if type(bars) is not int or not 1 <= bars < 2**63:
        raise ConfigError(f"ct.every takes a whole number of bars above 0, not {bars!r}")
    return Condition((_Part(Op.EVERY, every=bars),))


def never() -> Condition:
    """No bar: for a stream whose bars are only there to be matched or to be made others of."""
    return Condition((_Part(Op.NEVER),))


def ago(indicator: IndicatorView, bars: int = 1) -> Ago:
    """An indicator as it was so many bars ago, `indicator[-bars]` in on_bar: `ct.above("close", ct.ago(self.channel.upper))`."""
    _check_indicator(indicator, "ct.ago")
    if type(bars) is not int or bars < 1:
        raise ConfigError(f"ct.ago takes a whole number of bars above 0, not {bars!r}")
    return Ago(indicator, bars)


def _comparison(op: Op, a: Side, b: Side) -> Condition:
    name = f"ct.{op.name.lower()}"
    for side in (a, b):
        _check_side(side, name)
    if not any(isinstance(side, IndicatorView | Ago | str) for side in (a, b)):
        raise ConfigError(f"{name}({a!r}, {b!r}) compares two numbers, which never change: give it an indicator")
    if op not in (Op.ABOVE, Op.BELOW):
        for side in (a, b):
            _check_memory(side, name, takes_ago=op is Op.FLIPS)
    return Condition((_Part(op, a, b),))


def _check_side(side: Any, name: str) -> None:
    if isinstance(side, str):
        if side not in FIELDS:
            raise ConfigError(f"{name}: a bar has no field {side!r}; it has: {', '.join(FIELDS)}")
    elif isinstance(side, int | float) and not isinstance(side, bool):
        if not isfinite(side):
            raise ConfigError(
                f"{name}: {side!r} is not a finite number. A condition takes the indicator itself, not its value: self.fast; for its "
                "value a bar ago ct.ago(self.fast)"
            )
    elif not isinstance(side, Ago):
        _check_indicator(side, name)


def _check_indicator(side: Any, name: str) -> None:
    if isinstance(side, OwnIndicatorView):
        raise ConfigError(
            f"{name}: the core cannot read {side!r}, which is computed in Python: wake on indicators of the core, or filter in on_bar"
        )
    if isinstance(side, Declared | Line):
        raise ConfigError(f"{name}: {side!r} is not bound: give it what ctx.indicator({side!r}) returns")
    if not isinstance(side, IndicatorView):
        raise ConfigError(f"{name} takes bound indicators, fields of the bar and numbers, not {side!r}")


def _check_memory(side: Side, name: str, *, takes_ago: bool) -> None:
    """What is compared with a bar ago is an indicator."""
    if isinstance(side, str):
        raise ConfigError(
            f"{name}: {side!r} of the bar before is not kept: bind it, self.{side} = ctx.indicator(ct.SMA(1, field={side!r})), and compare "
            "that"
        )
    if isinstance(side, Ago) and not takes_ago:
        raise ConfigError(f"{name} is about this bar and the one before: give it the indicator, not ct.ago of it")


# Binding


def wake(context: StrategyContext, when: Condition, symbol: str | None, timeframe: Any) -> None:
    """Hand the condition to the core, for the stream that is named or else for the one that its indicators are of."""
    if not isinstance(when, Condition):
        raise ConfigError(f"ctx.wake takes a condition such as ct.cross(self.fast, self.slow), not {when!r}")
    view = context._ask()
    if not context.takes_bars:
        raise ConfigError("ctx.wake says for which bars on_bar is called: define on_bar in the strategy")
    if context.own:
        raise ConfigError(asleep_with_own(context.own[0]))
    terms = [
        Term(int(part.op), _operand(context, part.a), _operand(context, part.b), part.every) for part in when._parts
    ]
    stream = _stream(context, when, symbol, timeframe)
    try:
        view.wake(context.strategy_index, stream, terms)
    except ValueError as error:
        raise ConfigError(f"ctx.wake: {error}") from error
    context.sleeps = True


def asleep_with_own(own: OwnIndicatorView) -> str:
    """Why a strategy with an indicator written in Python cannot sleep."""
    return (
        f"{own!r} is updated in Python on every bar, and ctx.wake leaves bars out: use an indicator of the core, or filter in on_bar "
        "instead of ctx.wake"
    )


def _operand(context: StrategyContext, side: Side | None) -> Operand:
    if side is None:
        return NOTHING
    if isinstance(side, str):
        return Operand(OperandKind.FIELD, int(FIELDS[side]))
    if isinstance(side, int | float):
        return Operand(OperandKind.LEVEL, level=float(side))
    view, bars = (side.indicator, side.bars) if isinstance(side, Ago) else (side, 0)
    if view._index not in context.unbound:
        raise ConfigError(f"{view!r} was not bound by this strategy in this run: bind it in on_start by ctx.indicator")
    keep = context.unbound[view._index].keep
    if bars >= keep:
        raise ConfigError(
            f"ct.ago: the indicator keeps {keep} values, not that of {bars} bars ago: declare it with keep={bars + 1}"
        )
    return Operand(OperandKind.LINE, view._index, view._line, bars)


def _stream(context: StrategyContext, when: Condition, symbol: str | None, timeframe: Any) -> int:
    if symbol is not None or timeframe is not None:
        return context._bar_stream(symbol, timeframe)
    streams = sorted(set(_streams(when)))
    if len(streams) > 1:
        names = ", ".join(
            f"{context.config.instruments[context.config.streams[one].instrument].name} {context._timeframe(one)}".strip()
            for one in streams
        )
        raise ConfigError(
            f"ctx.wake: the condition's indicators are of different bars ({names}): name on which it is asked, by symbol= or timeframe="
        )
    return streams[0] if streams else context._bar_stream(None, None)


def _streams(when: Condition) -> Iterator[int]:
    """The streams of the indicators."""
    for part in when._parts:
        for side in (part.a, part.b):
            if isinstance(side, Ago):
                yield side.indicator._stream
            elif isinstance(side, IndicatorView):
                yield side._stream

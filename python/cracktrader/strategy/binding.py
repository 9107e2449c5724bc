"""Binding of indicators to bar streams: declarations become the core's, with their sources first; Python ones get a reading to be fed by.

Deliberately not here: what may be declared (`indicators`) and how a bound one reads (`indicator_views`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cracktrader.core.indicator import MAX_KEEP, MAX_PERIOD, MIN_KEEP, NULL_SOURCE, BarField, Declaration, Indicator
from cracktrader.errors import ConfigError
from cracktrader.strategy.indicator_views import IndicatorView, OwnIndicatorView
from cracktrader.strategy.indicators import FIELDS, SMA, Declared, Line, OfField
from cracktrader.strategy.own_indicators import WHOLE_BAR, advance_function, advance_object
from cracktrader.strategy.wake import asleep_with_own

if TYPE_CHECKING:
    from cracktrader.strategy.context import StrategyContext


def bind(context: StrategyContext, declared: Declared | Line, symbol: str | None, timeframe: Any) -> IndicatorView:
    """A declaration, or one line of it, on the stream of the symbol's bars of a time frame, or where neither is named on that of the bound
    indicator it is computed of."""
    given = declared if isinstance(declared, Declared) else declared.of
    stream = _stream_of(given) if symbol is None and timeframe is None else None
    if stream is None:
        stream = context._bar_stream(symbol, timeframe)
    view = _view(context, _declare(context, given, stream))
    return view if isinstance(declared, Declared) else view._of_line(declared.place)


def _view(context: StrategyContext, index: int) -> IndicatorView:
    bound = context.view.indicator(index)
    view: IndicatorView = IndicatorView(bound, index) if isinstance(bound, Indicator) else bound
    return view


def _stream_of(declared: Declared) -> int | None:
    """The stream of the bound indicator at the end of its sources, None where it reads bars."""
    source = declared.source if isinstance(declared, OfField) else None
    if isinstance(source, IndicatorView):
        return source._stream
    if source is None:
        return None
    return _stream_of(source.of if isinstance(source, Line) else source)


def _declare(context: StrategyContext, declared: Declared, stream: int) -> int:
    """Index of the declaration in the core, its sources declared before it; an equal one is shared."""
    source, line, bar_field = NULL_SOURCE, 0, BarField.CLOSE
    if isinstance(declared, OfField):
        bar_field = FIELDS[declared.field]
        if declared.source is not None:
            source, line = _source(context, declared.source, stream)
    given = Declaration(int(declared.kind), declared.numbers(), stream, int(bar_field), source, line, declared.keep)
    known = context.bound.get(given)
    if known is not None:
        return known
    try:
        index: int = context._ask().declare(context.strategy_index, given)
    except ValueError as error:
        raise ConfigError(f"{declared!r}: {error}") from error
    context.bound[given] = index
    context.unbound[index] = _unbound(context, declared)
    return index


def _unbound(context: StrategyContext, declared: Declared) -> Declared:
    """The declaration with what was bound as a declaration again, so that it can be declared in another run."""
    if not isinstance(declared, OfField) or not isinstance(declared.source, IndicatorView):
        return declared
    bound = declared.source
    return replace(declared, source=Line(context.unbound[bound._index], bound._line))


def _source(context: StrategyContext, source: Declared | Line | IndicatorView, stream: int) -> tuple[int, int]:
    """Index and line of what is read."""
    if isinstance(source, IndicatorView):
        return source._index, source._line
    if isinstance(source, Line):
        return _declare(context, source.of, stream), source.place
    return _declare(context, source, stream), 0


def bind_own(
    context: StrategyContext, own: Any, place: tuple[str | None, Any], field: Any, window: Any, keep: Any
) -> OwnIndicatorView:
    """An object with `update`, or a function of a window, fed by a field of each bar or by another indicator; `place` is symbol and time
    frame."""
    if isinstance(own, type):
        raise ConfigError(f"ctx.indicator takes an instance: {own.__name__}(...), not the class")
    if not context.takes_bars:
        raise ConfigError(f"{own!r} is updated before on_bar: define on_bar in the strategy")
    if isinstance(keep, bool) or not isinstance(keep, int) or not MIN_KEEP <= keep <= MAX_KEEP:
        raise ConfigError(f"keep {keep!r} is not a whole number of {MIN_KEEP}..{MAX_KEEP}")
    reading = None if field == WHOLE_BAR else _reading(context, "close" if field is None else field, place)
    stream = context._bar_stream(*place) if reading is None else reading._stream
    if window is None:
        advance = advance_object(own, reading)
    else:
        if reading is None:
            raise ConfigError("a function is called with the values of a field, not with bars")
        if (
            not callable(own)
            or isinstance(window, bool)
            or not isinstance(window, int)
            or not 1 <= window <= MAX_PERIOD
        ):
            raise ConfigError(
                f"window= takes a function and a whole number of 1..{MAX_PERIOD}, not {own!r} and {window!r}"
            )
        advance = advance_function(own, reading, window)
    view = OwnIndicatorView(own, advance, stream, keep)
    if context.sleeps:
        raise ConfigError(asleep_with_own(view))
    context.own.append(view)
    return view


def _reading(context: StrategyContext, field: Any, place: tuple[str | None, Any]) -> IndicatorView:
    """A view that says a field's value of the last bar, or what the named indicator says."""
    if isinstance(field, IndicatorView):
        return field
    if isinstance(field, Declared | Line):
        return bind(context, field, *place)
    return bind(context, SMA(1, field=field), *place)

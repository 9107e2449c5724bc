"""`look_ahead`: whether a strategy answers the same when everything after a moment is otherwise. The proof itself is `runtime.look_ahead`.

Here is how other data reach a strategy: through the run, through a function that makes the strategy of the data, in place of the frame
that was given, wherever the strategy's classes read that very object, and in place of the files that the data came from.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cracktrader.analysis.backtest import backtest, options_of
from cracktrader.analysis.data_files import DataFiles, with_rows
from cracktrader.data.columns import Columns, kind_of
from cracktrader.data.declared import Declared
from cracktrader.errors import ConfigError, CracktraderError, StrategyError
from cracktrader.runtime.look_ahead import Case, LookAhead, prove
from cracktrader.strategy.base import Strategy
from cracktrader.strategy.holdings import replaced

POINTS = 50
_NOT_DECLARED = ("strategy", "data", "engine", "quiet", "progress", "seed")
"""What `backtest` takes beside what it declares."""


def look_ahead(
    strategy: Any,
    data: Any,
    *,
    points: int = POINTS,
    seed: int = 0,
    engine: str = "rust",
    parameters: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> LookAhead:
    """Change everything after a moment, run again, and compare what the strategy asked for up to that moment: `points` times.

    `strategy` is a class, with `parameters`, or an instance, which is built anew from its class and parameters for every run, or a list of
    these; or a function that takes the data and returns the strategy, for strategies that compute on all of it beforehand. It is given
    polars frames with time, open, high, low, close and volume (or the columns of trades or quotes): one frame, or a dict by symbol.
    `data` and the `options` are those of `backtest`, and `seed` is also that of the changes.

    The answer is `clean`, or has a `finding`: the first step that differs, both answers, and which indicators, attributes and globals
    differ there; or names in `unreached` data of the strategy's own that this proof cannot change. Raises what `backtest` raises, and
    StrategyError for a strategy that answers differently on the same data.
    """
    from cracktrader.data.loading import load

    _check_options(options)
    loaded = load(data)
    make = maker_of(strategy, dict(parameters or {}))
    files = DataFiles(loaded)
    with _in_place(strategy, data, loaded, files) as put:

        def build(changed: Sequence[Columns]) -> list[Strategy]:
            put(changed)
            return _made(make, changed)

        case = Case(build, loaded, options_of(seed=seed, **options), engine, lambda: files.unreached)
        return prove(case, points=points, seed=seed, progress=progress)


def _check_options(options: Mapping[str, Any]) -> None:
    known = [name for name in inspect.signature(backtest).parameters if name not in _NOT_DECLARED]
    for name in options:
        if name not in known:
            raise ConfigError(f"look_ahead has no option {name!r}; of a run it has: {', '.join(sorted(known))}")


# --- building strategies


Maker = Callable[[Sequence[Columns]], list[Strategy]]


def maker_of(strategy: Any, parameters: dict[str, Any]) -> Maker:
    """What makes new strategies of the data. ConfigError for what cannot be made again."""
    if isinstance(strategy, list | tuple):
        makers = [maker_of(one, parameters) for one in strategy]
        return lambda loaded: [made for make in makers for made in make(loaded)]
    if isinstance(strategy, Strategy):
        kind, values = (
            type(strategy),
            {name: getattr(strategy, name) for name in strategy.parameter_types()} | parameters,
        )
        return lambda loaded: [kind(**values)]
    if isinstance(strategy, type) and issubclass(strategy, Strategy):
        return lambda loaded: [strategy(**parameters)]
    if callable(strategy):
        return lambda loaded: _listed(strategy, strategy(frames_of(loaded), **parameters))
    raise ConfigError(
        f"{strategy!r} is no strategy: give a subclass of ct.Strategy, an instance of one, or a function that takes the data and "
        "returns one"
    )


def _listed(function: Any, made: Any) -> list[Strategy]:
    listed = list(made) if isinstance(made, list | tuple) else [made]
    for one in listed:
        if not isinstance(one, Strategy):
            name = getattr(function, "__name__", repr(function))
            raise ConfigError(
                f"{name} returned {one!r}: a function given to look_ahead returns an instance of a ct.Strategy"
            )
    return listed


def _made(make: Maker, loaded: Sequence[Columns]) -> list[Strategy]:
    """New strategies. StrategyError for what a constructor raises."""
    try:
        return make(loaded)
    except CracktraderError:
        raise
    except Exception as error:
        rows = ", ".join(f"{len(one):,} {kind_of(one)} of {one.symbol}" for one in loaded)
        raise StrategyError(
            f"the strategy could not be made ({type(error).__name__}: {error}) of {rows}; an instance with more than parameters is "
            "given as a function that takes the data and returns it"
        ) from error


def frames_of(loaded: Sequence[Columns]) -> Any:
    """The data as a strategy's maker takes them: one frame, or frames by symbol, of a symbol with several kinds a list."""
    if len(loaded) == 1:
        return loaded[0].to_polars()
    frames: dict[str, Any] = {}
    for one in loaded:
        held = frames.get(one.symbol)
        frame = one.to_polars()
        frames[one.symbol] = frame if held is None else [*(held if isinstance(held, list) else [held]), frame]
    return frames


# --- the frame that was given, where a strategy's own code reads it


@contextmanager
def _in_place(
    strategy: Any, data: Any, loaded: Sequence[Columns], files: DataFiles
) -> Iterator[Callable[[Sequence[Columns]], None]]:
    """Yields what puts other data in place of the frames and files given, until the next data or the end."""
    kinds = _kinds(strategy)
    pairs = list(_frames_given(data))
    take_back: Callable[[], None] = _nothing

    def put(changed: Sequence[Columns]) -> None:
        nonlocal take_back
        take_back()
        files.take_back()
        take_back = _nothing
        if changed is loaded:
            return
        files.put(changed)
        if len(pairs) == len(loaded):
            others = [(frame, _laid_out(frame, *two)) for frame, *two in zip(pairs, loaded, changed, strict=True)]
            take_back = replaced(kinds, [pair for pair in others if pair[1] is not None])

    try:
        yield put
    finally:
        take_back()
        files.take_back()


def _nothing() -> None:
    """Nothing is in place of anything."""


def _kinds(strategy: Any) -> list[Any]:
    listed = strategy if isinstance(strategy, list | tuple) else [strategy]
    return [type(one) if isinstance(one, Strategy) else one for one in listed]


def _frames_given(data: Any) -> Iterator[Any]:
    """The frames inside what `load` takes, in the order in which it loads them."""
    if isinstance(data, Declared):
        yield from _frames_given(data.data)
    elif (
        isinstance(data, Mapping)
        and data
        and all(hasattr(one, "columns") or isinstance(one, Declared) for one in data.values())
    ):
        for one in data.values():
            yield from _frames_given(one)
    elif isinstance(data, list | tuple):
        for one in data:
            yield from _frames_given(one)
    else:
        yield data


def _laid_out(frame: Any, before: Columns, after: Columns) -> Any:
    """The frame with the values and the number of rows of other columns; None where its rows are not those that were loaded."""
    library = type(frame).__module__.partition(".")[0]
    if library not in ("polars", "pandas") or not hasattr(frame, "columns") or len(frame) != len(before):
        return None
    if library == "polars":
        return with_rows(frame, before, after)
    rows = min(len(before), len(after))
    values = after.to_polars().head(rows)
    spelled = {str(name).strip().lower(): name for name in frame.columns}
    made = frame.iloc[:rows].copy()
    for name in values.columns:
        if name in spelled and name not in ("time", "side"):
            made[spelled[name]] = values[name].to_numpy()
    return made

"""`cracktrader verify --look-ahead`: whether a strategy's answers depend on later data. A run's folder is checked by `verify_run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cracktrader.cli.console import output_of_strategies, print_json, progress_bar, say
from cracktrader.cli.strategy_file import load_maker, parse_parameters

if TYPE_CHECKING:
    from cracktrader.config import Resolved
    from cracktrader.runtime.look_ahead import LookAhead
    from cracktrader.strategy import Strategy

FALSE = 1
NOT_PROVED = 2


@dataclass(frozen=True)
class LookAheadRequest:
    """What the command line asked for beside the settings."""

    strategy_file: Path
    strategy: str | None
    parameters: tuple[str, ...]
    points: int
    quiet: bool
    as_json: bool


def run_look_ahead(request: LookAheadRequest, resolved: Resolved) -> int:
    """Prove, show; the exit code: 0 clean, 1 found, 2 where the strategy holds data that the proof cannot reach."""
    from cracktrader.analysis.look_ahead import look_ahead
    from cracktrader.cli.backtest import load_data, venue_of
    from cracktrader.cli.sources import timeframes

    settings = resolved.settings
    trading = settings.backtest
    shown = settings.output.progress and not (request.quiet or request.as_json)
    with output_of_strategies(request.as_json):
        name = (request.strategy or request.strategy_file.stem).rpartition(".")[2]
        make = _maker(request)
        data = load_data(settings, quiet=request.quiet)
        with progress_bar(f"looking ahead of {name}", shown, unit="moments") as progress:
            outcome = look_ahead(
                make,
                data,
                points=request.points,
                seed=trading.seed,
                engine=settings.engine_backend,
                progress=progress,
                cash=trading.cash,
                currency=trading.currency,
                account=trading.account,
                leverage=trading.leverage,
                fees=trading.fees,
                venue=venue_of(settings.venue),
                timeframes=timeframes(trading.timeframes),
            )
    code = 0 if outcome.clean else FALSE if outcome.finding is not None else NOT_PROVED
    if request.as_json:
        print_json({"command": "verify", "look_ahead": _described(outcome), "exit_code": code})
    elif code or not request.quiet:
        say(str(outcome))
    return code


def _maker(request: LookAheadRequest) -> Any:
    """A function of the data that imports the file anew for every run, so that nothing is kept from run to run.

    Wrong names and parameters are refused here, before anything is read.
    """
    found = load_maker(request.strategy_file, request.strategy)
    parameters = parse_parameters(found, request.parameters) if isinstance(found, type) else {}
    if isinstance(found, type):
        found(**parameters)
    elif request.parameters:
        parameters = _of_function(found, request.parameters)

    def make(frames: Any) -> Strategy | Sequence[Strategy]:
        made: Any = load_maker(request.strategy_file, request.strategy)
        built: Strategy | Sequence[Strategy]
        built = made(**parameters) if isinstance(made, type) else made(frames, **parameters)
        return built

    return make


def _of_function(function: Any, pairs: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE for a function: values as Python literals, else text."""
    import ast

    from cracktrader.errors import ConfigError

    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name.strip() not in function.__code__.co_varnames[1 : function.__code__.co_argcount]:
            raise ConfigError(f"--param {pair}: {function.__name__} takes no such parameter; write NAME=VALUE")
        try:
            values[name.strip()] = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            values[name.strip()] = text.strip()
    return values


def _described(outcome: LookAhead) -> dict[str, Any]:
    return {
        "clean": outcome.clean,
        "strategies": list(outcome.strategies),
        "points": outcome.points,
        "answers": outcome.answers,
        "digest": outcome.digest,
        "finding": None if outcome.finding is None else asdict(outcome.finding),
        "unreached": list(outcome.unreached),
    }

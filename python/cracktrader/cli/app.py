"""The commands and their options, and nothing else: each one hands over to the file of its name.

Imports inside the commands keep `cracktrader --help` under a quarter of a second. The words of an option that is a setting come
from the setting, and so does its default: it is None here, which leaves it to the file and the environment. A number is text here: the
setting reads it, and refuses it in the same words wherever it was given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cracktrader.config.settings import json_text, settings

EXIT_CODES = """Exit codes: 0 done, 1 what was checked is false (the cores differ, the doctor found something), 2 usage or
configuration, 3 data, 4 the strategy raised, 5 an invariant is broken, 6 venue or network, 130 interrupted."""

app = typer.Typer(
    name="cracktrader",
    help="Event-driven trading engine: one deterministic core in Python and in Rust, proved equal.",
    epilog=EXIT_CODES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(
    help="Show the settings of cracktrader.toml, the environment and the defaults.", rich_markup_mode=None
)
app.add_typer(config_app, name="config")


def setting(key: str, *flags: str, **how: Any) -> Any:
    """The option of a setting, described as the setting is."""
    one = settings()[key]
    default = ", ".join(one.default) if isinstance(one.default, list) else json_text(one.default).strip('"')
    return typer.Option(
        *flags, help=f"{one.limits.description} [default: {default or 'none'}]", show_default=False, **how
    )


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file [default: the nearest cracktrader.toml, here or above].")
]


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the strategy, such as my_strategy.")],
    as_json: AsJson = False,
) -> int:
    """Write NAME.py, a strategy that runs at once."""
    from cracktrader.cli.new import run_new

    return run_new(name, as_json)


@app.command(
    epilog="Every option that is a setting may stand in cracktrader.toml or the environment: `cracktrader config show`."
)
def backtest(
    strategy_file: Annotated[Path, typer.Argument(metavar="STRATEGY.py", help="A file that defines a Strategy.")],
    data: Annotated[list[str] | None, setting("data.files", "--data", metavar="[SYMBOL=]PATH")] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the strategy; repeatable.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="Class to run, where the file defines several.")] = None,
    cash: Annotated[str | None, setting("backtest.cash", "--cash", metavar="NUMBER")] = None,
    currency: Annotated[str | None, setting("backtest.currency", "--currency")] = None,
    account: Annotated[Literal["margin", "cash"] | None, setting("backtest.account", "--account")] = None,
    fees: Annotated[str | None, setting("backtest.fees", "--fees", metavar="NUMBER")] = None,
    seed: Annotated[str | None, setting("backtest.seed", "--seed", metavar="NUMBER")] = None,
    fill: Annotated[Literal["next_open", "same_close"] | None, setting("venue.fill", "--fill")] = None,
    submit_latency: Annotated[str | None, setting("venue.submit_latency", "--submit-latency")] = None,
    report_latency: Annotated[str | None, setting("venue.report_latency", "--report-latency")] = None,
    feed_latency: Annotated[str | None, setting("venue.feed_latency", "--feed-latency")] = None,
    every: Annotated[str | None, setting("data.every", "--every")] = None,
    stamp: Annotated[Literal["open", "close"] | None, setting("data.stamp", "--stamp")] = None,
    start: Annotated[str | None, setting("data.start", "--from", metavar="TIME")] = None,
    end: Annotated[str | None, setting("data.end", "--to", metavar="TIME")] = None,
    engine: Annotated[
        Literal["rust", "python", "both"] | None,
        typer.Option(help="Which core runs; both runs both and compares them [default: engine_backend, rust]."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the interactive chart alone to this HTML file.")] = None,
    config: ConfigFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print neither figures nor notes; errors stay.")] = False,
    as_json: AsJson = False,
) -> int:
    """Run the strategy of a file on historical data."""
    from cracktrader.cli.backtest import Request, run_backtest
    from cracktrader.config import resolve

    flags = {
        "data.files": ("--data", data or None),
        "backtest.cash": ("--cash", cash),
        "backtest.currency": ("--currency", currency),
        "backtest.account": ("--account", account),
        "backtest.fees": ("--fees", fees),
        "backtest.seed": ("--seed", seed),
        "venue.fill": ("--fill", fill),
        "venue.submit_latency": ("--submit-latency", submit_latency),
        "venue.report_latency": ("--report-latency", report_latency),
        "venue.feed_latency": ("--feed-latency", feed_latency),
        "data.every": ("--every", every),
        "data.stamp": ("--stamp", stamp),
        "data.start": ("--from", start),
        "data.end": ("--to", end),
        "engine_backend": ("--engine", None if engine == "both" else engine),
    }
    resolved = resolve(config, flags=flags)
    chosen = ("python", "rust") if engine == "both" else (resolved.settings.engine_backend,)
    return run_backtest(
        Request(strategy_file, strategy, tuple(param or ()), chosen, report, plot, quiet, as_json), resolved
    )


@config_app.command("show")
def config_show(
    origin: Annotated[bool, typer.Option("--origin", help="Say beside each value where it comes from.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Print every setting with its value, as a cracktrader.toml."""
    from cracktrader.cli.config import run_show

    return run_show(config, origin, as_json)


@config_app.command("schema")
def config_schema(as_json: AsJson = False) -> int:
    """Print the JSON Schema of cracktrader.toml, for editors."""
    from cracktrader.cli.config import run_schema

    return run_schema()


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to write the report and the strategy.")] = Path(
        "cracktrader-demo"
    ),
    as_json: AsJson = False,
) -> int:
    """Run a strategy on bundled data, on both cores."""
    from cracktrader.cli.demo import run_demo

    return run_demo(folder, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """Check the installation; write nothing."""
    from cracktrader.cli.doctor import run_doctor

    return run_doctor(as_json)


@app.command()
def version(as_json: AsJson = False) -> int:
    """Print versions: package, contract, cores."""
    from cracktrader.cli.doctor import run_version

    return run_version(as_json)

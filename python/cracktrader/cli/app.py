"""The commands and their options, and nothing else: each one hands over to the file of its name.

Imports inside the commands keep `cracktrader --help` under a quarter of a second. The words of an option that is a setting come
from the setting, and so does its default: it is None here, which leaves it to the file and the environment. A number is text here: the
setting reads it, and refuses it in the same words wherever it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cracktrader.config.settings import json_text, settings

EXIT_CODES = """Exit codes: 0 done, 1 what was checked is false (the cores differ, the doctor found something) or a run's folder cannot be
written or believed, 2 usage or configuration, 3 data or a run's folder that cannot be read, 4 the strategy raised, 5 an invariant is
broken, 6 venue or network, 130 interrupted."""

app = typer.Typer(
    name="cracktrader",
    help="Event-driven trading engine: one deterministic core in Python and in Rust, proved equal.",
    epilog=EXIT_CODES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Look into data files and convert them.", rich_markup_mode=None)
config_app = typer.Typer(
    help="Show the settings of cracktrader.toml, the environment and the defaults.", rich_markup_mode=None
)
app.add_typer(data_app, name="data")
app.add_typer(config_app, name="config")


def setting(key: str, *flags: str, **how: Any) -> Any:
    """The option of a setting, described as the setting is."""
    one = settings()[key]
    default = ", ".join(one.default) if isinstance(one.default, list | dict) else json_text(one.default).strip('"')
    return typer.Option(
        *flags, help=f"{one.limits.description} [default: {default or 'none'}]", show_default=False, **how
    )


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print neither figures nor notes; errors stay.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file [default: the nearest cracktrader.toml, here or above].")
]
Kind = Annotated[
    Literal["bars", "trades", "quotes"] | None,
    typer.Option(help="What the rows are [default: found from the columns]."),
]
AskedEngine = Annotated[Literal["rust", "python"], typer.Option("--engine", help="Which core replays.")]
# How data is read: the same for every command that reads it.
Every = Annotated[str | None, setting("data.every", "--every", metavar="DURATION")]
Stamp = Annotated[Literal["open", "close"] | None, setting("data.stamp", "--stamp")]
Tz = Annotated[str | None, setting("data.tz", "--tz", metavar="ZONE")]
Dst = Annotated[Literal["refuse", "infer", "earliest", "latest"] | None, setting("data.dst", "--dst")]
TimeFormat = Annotated[str | None, setting("data.time_format", "--time-format", metavar="FORMAT")]
Column = Annotated[list[str] | None, setting("data.columns", "--column", metavar="FIELD=NAME")]
Adjust = Annotated[bool | None, setting("data.adjust", "--adjust/--no-adjust")]
Tick = Annotated[str | None, setting("data.tick", "--tick", metavar="NUMBER")]
RepairRows = Annotated[list[str] | None, setting("data.repair", "--repair", metavar="REPAIR")]


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
    leverage: Annotated[str | None, setting("backtest.leverage", "--leverage", metavar="NUMBER")] = None,
    fees: Annotated[str | None, setting("backtest.fees", "--fees", metavar="NUMBER")] = None,
    seed: Annotated[str | None, setting("backtest.seed", "--seed", metavar="NUMBER")] = None,
    timeframe: Annotated[list[str] | None, setting("backtest.timeframes", "--timeframe", metavar="SIZE")] = None,
    fill: Annotated[Literal["next_open", "same_close"] | None, setting("venue.fill", "--fill")] = None,
    submit_latency: Annotated[
        str | None, setting("venue.submit_latency", "--submit-latency", metavar="DURATION")
    ] = None,
    cancel_latency: Annotated[
        str | None, setting("venue.cancel_latency", "--cancel-latency", metavar="DURATION")
    ] = None,
    replace_latency: Annotated[
        str | None, setting("venue.replace_latency", "--replace-latency", metavar="DURATION")
    ] = None,
    report_latency: Annotated[
        str | None, setting("venue.report_latency", "--report-latency", metavar="DURATION")
    ] = None,
    feed_latency: Annotated[str | None, setting("venue.feed_latency", "--feed-latency", metavar="DURATION")] = None,
    latency_jitter: Annotated[
        str | None, setting("venue.latency_jitter", "--latency-jitter", metavar="DURATION")
    ] = None,
    participation: Annotated[str | None, setting("venue.participation", "--participation", metavar="NUMBER")] = None,
    slippage_bps: Annotated[str | None, setting("venue.slippage_bps", "--slippage-bps", metavar="NUMBER")] = None,
    slippage_ticks: Annotated[str | None, setting("venue.slippage_ticks", "--slippage-ticks", metavar="NUMBER")] = None,
    spread_bps: Annotated[str | None, setting("venue.spread_bps", "--spread-bps", metavar="NUMBER")] = None,
    spread_ticks: Annotated[str | None, setting("venue.spread_ticks", "--spread-ticks", metavar="NUMBER")] = None,
    touch_probability: Annotated[
        str | None, setting("venue.touch_probability", "--touch-probability", metavar="NUMBER")
    ] = None,
    session: Annotated[str | None, setting("venue.session", "--session", metavar="HOURS")] = None,
    start: Annotated[str | None, setting("data.start", "--from", metavar="TIME")] = None,
    end: Annotated[str | None, setting("data.end", "--to", metavar="TIME")] = None,
    every: Every = None,
    stamp: Stamp = None,
    tz: Tz = None,
    dst: Dst = None,
    time_format: TimeFormat = None,
    column: Column = None,
    adjust: Adjust = None,
    tick: Tick = None,
    repair: RepairRows = None,
    engine: Annotated[
        Literal["rust", "python", "both"] | None,
        typer.Option(help="Which core runs; both runs both and compares them [default: engine_backend, rust]."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the run in this folder, for `cracktrader report`.")] = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Record the run in this new folder, to recover, replay or ask it."),
    ] = None,
    sync: Annotated[Literal["os", "group", "always"] | None, setting("journal.sync", "--sync")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the interactive chart alone to this HTML file.")] = None,
    config: ConfigFile = None,
    quiet: Quiet = False,
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
        "backtest.leverage": ("--leverage", leverage),
        "backtest.fees": ("--fees", fees),
        "backtest.timeframes": ("--timeframe", timeframe or None),
        "backtest.seed": ("--seed", seed),
        "venue.fill": ("--fill", fill),
        "venue.submit_latency": ("--submit-latency", submit_latency),
        "venue.cancel_latency": ("--cancel-latency", cancel_latency),
        "venue.replace_latency": ("--replace-latency", replace_latency),
        "venue.report_latency": ("--report-latency", report_latency),
        "venue.feed_latency": ("--feed-latency", feed_latency),
        "venue.latency_jitter": ("--latency-jitter", latency_jitter),
        "venue.participation": ("--participation", participation),
        "venue.slippage_bps": ("--slippage-bps", slippage_bps),
        "venue.slippage_ticks": ("--slippage-ticks", slippage_ticks),
        "venue.spread_bps": ("--spread-bps", spread_bps),
        "venue.spread_ticks": ("--spread-ticks", spread_ticks),
        "venue.touch_probability": ("--touch-probability", touch_probability),
        "venue.session": ("--session", session),
        "data.start": ("--from", start),
        "data.end": ("--to", end),
        **reading(every, stamp, tz, dst, time_format, column, adjust, tick, repair),
        "engine_backend": ("--engine", None if engine == "both" else engine),
        "journal.sync": ("--sync", sync),
    }
    resolved = resolve(config, flags=flags)
    chosen = ("python", "rust") if engine == "both" else (resolved.settings.engine_backend,)
    return run_backtest(
        Request(strategy_file, strategy, tuple(param or ()), chosen, report, plot, save, journal, quiet, as_json),
        resolved,
    )


@app.command()
def recover(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run that did not end.")],
    accept_code_change: Annotated[
        bool, typer.Option("--accept-code-change", help="Go on although a strategy's file is another than it was.")
    ] = False,
    engine: Annotated[
        Literal["rust", "python"] | None, typer.Option(help="Which core goes on [default: the one that began].")
    ] = None,
    config: ConfigFile = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Go on with a recorded run that was interrupted or killed, to the same end as if it had not been."""
    from cracktrader.cli.recorded import run_recover
    from cracktrader.config import resolve

    shown = resolve(config, flags={}).settings.output.progress and not (quiet or as_json)
    return run_recover(run, engine, accept_code_change, shown, quiet, as_json)


@app.command()
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run.")],
    no_strategy: Annotated[
        bool, typer.Option("--no-strategy", help="Take the recorded answers; no strategy is imported or called.")
    ] = False,
    no_venue: Annotated[
        bool, typer.Option("--no-venue", help="Take the recorded reports, too: nothing is simulated again.")
    ] = False,
    engine: Annotated[
        Literal["rust", "python", "both"] | None,
        typer.Option(help="Which core replays [default: the one that recorded]."),
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Run a recorded run again and compare every step. Exit code 1 where a step comes out otherwise."""
    from cracktrader.cli.recorded import ReplayRequest, run_replay

    return run_replay(ReplayRequest(run, not no_strategy, not no_venue, engine, quiet, as_json))


@app.command(
    epilog="With --look-ahead, cash, venue and the rest are as in `backtest`, from cracktrader.toml and the environment."
)
def verify(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="The folder of a journalled run.", show_default=False)
    ] = None,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Of a run: lines of `cracktrader anchor`, kept elsewhere; repeatable."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of a run: the key that its anchors must be signed with.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Of a run: run it again from its journal, too, and compare every step.")
    ] = False,
    look_ahead: Annotated[
        Path | None,
        typer.Option(
            metavar="STRATEGY.py",
            help="Prove that this strategy does not look ahead: change what is later, compare answers.",
        ),
    ] = None,
    data: Annotated[list[str] | None, setting("data.files", "--data", metavar="[SYMBOL=]PATH")] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the strategy; repeatable.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="Class to run, where the file defines several, or a function of the data that returns one."),
    ] = None,
    points: Annotated[int, typer.Option(min=1, help="How many moments are tried.")] = 50,
    fees: Annotated[str | None, setting("backtest.fees", "--fees", metavar="NUMBER")] = None,
    seed: Annotated[str | None, setting("backtest.seed", "--seed", metavar="NUMBER")] = None,
    timeframe: Annotated[list[str] | None, setting("backtest.timeframes", "--timeframe", metavar="SIZE")] = None,
    start: Annotated[str | None, setting("data.start", "--from", metavar="TIME")] = None,
    end: Annotated[str | None, setting("data.end", "--to", metavar="TIME")] = None,
    every: Every = None,
    stamp: Stamp = None,
    tz: Tz = None,
    dst: Dst = None,
    time_format: TimeFormat = None,
    column: Column = None,
    adjust: Adjust = None,
    tick: Tick = None,
    repair: RepairRows = None,
    engine: Annotated[
        Literal["rust", "python"] | None, typer.Option(help="Which core runs [default: engine_backend, rust].")
    ] = None,
    config: ConfigFile = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Check that a run's folder says what was written, or that a strategy does not look ahead. Exit code 1 when not."""
    if (run is None) == (look_ahead is None):
        raise typer.BadParameter("name the folder of a run, or a strategy by --look-ahead", param_hint="RUN")
    if run is not None:
        from cracktrader.cli.verify_run import request_of, run_verify

        return run_verify(request_of(run, anchor, key, replay=replay, quiet=quiet, as_json=as_json))
    from cracktrader.cli.verify import LookAheadRequest, run_look_ahead
    from cracktrader.config import resolve

    assert look_ahead is not None
    flags = {
        "data.files": ("--data", data or None),
        "backtest.fees": ("--fees", fees),
        "backtest.timeframes": ("--timeframe", timeframe or None),
        "backtest.seed": ("--seed", seed),
        "data.start": ("--from", start),
        "data.end": ("--to", end),
        **reading(every, stamp, tz, dst, time_format, column, adjust, tick, repair),
        "engine_backend": ("--engine", engine),
    }
    request = LookAheadRequest(look_ahead, strategy, tuple(param or ()), points, quiet, as_json)
    return run_look_ahead(request, resolve(config, flags=flags))


@app.command()
def anchor(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a journalled run.")],
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Sign it with this key (HMAC-SHA256).")] = None,
    as_json: AsJson = False,
) -> int:
    """Print the head of a run's journal as one line, to keep elsewhere: it tells later whether the end was removed."""
    from cracktrader.cli.verify_run import run_anchor

    return run_anchor(run, key, as_json)


@app.command()
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run.")],
    order: Annotated[
        str | None,
        typer.Argument(metavar="[ORDER]", help="Its number, or strategy:seq:index.", show_default=False),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="SEQ|TIME", help="What strategies answered there, or why they did not.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="With --at: at the last market data of this symbol.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="List every refusal, by its code.")] = False,
    engine: AskedEngine = "rust",
    as_json: AsJson = False,
) -> int:
    """Tell the life of an order, or why there was none."""
    from cracktrader.cli.ask import ExplainRequest, run_explain

    return run_explain(ExplainRequest(run, order, at, symbol, refused, engine, as_json))


@app.command()
def inspect(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run.")],
    at: Annotated[
        str | None, typer.Option(metavar="SEQ|TIME", help="Of a time, after all that was not later [default: the end].")
    ] = None,
    step: Annotated[int, typer.Option(min=0, metavar="N", help="So many steps later.")] = 0,
    back: Annotated[int, typer.Option(min=0, metavar="N", help="So many steps earlier.")] = 0,
    engine: AskedEngine = "rust",
    as_json: AsJson = False,
) -> int:
    """Show the state of a recorded run at a moment; on a terminal, step on by n, p, a number, q."""
    from cracktrader.cli.ask import InspectRequest, run_inspect

    return run_inspect(InspectRequest(run, at, step, back, engine, as_json))


@app.command()
def diff(
    one: Annotated[Path, typer.Argument(metavar="A", help="The folder of a recorded run.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="The folder of another one.")],
    engine: AskedEngine = "rust",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Tell what differs between two recorded runs and what follows from it. Exit code 1 where they differ."""
    from cracktrader.cli.ask import DiffRequest, run_diff

    return run_diff(DiffRequest(one, other, engine, quiet, as_json))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new or empty folder.")],
    form: Annotated[Literal["parquet", "jsonl"], typer.Option("--format", help="Tables, or lines.")] = "parquet",
    engine: AskedEngine = "rust",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Write a recorded run as files: events, answers, order transitions, fills, orders, trades, equity."""
    from cracktrader.cli.ask import ExportRequest, run_export

    return run_export(ExportRequest(run, to, form, engine, quiet, as_json))


@data_app.command("info")
def data_info(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, patterns, or sample:NAME.")],
    kind: Kind = None,
    every: Every = None,
    stamp: Stamp = None,
    tz: Tz = None,
    dst: Dst = None,
    time_format: TimeFormat = None,
    column: Column = None,
    adjust: Adjust = None,
    tick: Tick = None,
    repair: RepairRows = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Say what a file holds: columns, times, gaps, bad rows. Exit code 1 when it has bad rows."""
    from cracktrader.cli.data import run_info
    from cracktrader.config import resolve

    flags = reading(every, stamp, tz, dst, time_format, column, adjust, tick, repair)
    return run_info(files, kind, resolve(config, flags=flags).settings.data, as_json)


@data_app.command("convert")
def data_convert(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A file, a pattern, or sample:NAME.")],
    target: Annotated[
        str, typer.Argument(metavar="DST", help="A .parquet or .csv file; {symbol} and {kind} for several.")
    ],
    symbol: Annotated[str | None, typer.Option(help="What the instrument is called [default: from the name].")] = None,
    kind: Kind = None,
    every: Every = None,
    stamp: Stamp = None,
    tz: Tz = None,
    dst: Dst = None,
    time_format: TimeFormat = None,
    column: Column = None,
    adjust: Adjust = None,
    tick: Tick = None,
    repair: RepairRows = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Read any layout, check every row, write Parquet or CSV in the canonical one."""
    from cracktrader.cli.data import run_convert
    from cracktrader.config import resolve

    flags = reading(every, stamp, tz, dst, time_format, column, adjust, tick, repair)
    return run_convert(source, target, symbol, kind, resolve(config, flags=flags).settings.data, as_json)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `backtest --save` or Result.save wrote.")],
    out: Annotated[Path | None, typer.Option(help="The HTML file [default: RUN/report.html].")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the interactive chart alone to this HTML file.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Show a saved run again and write its report."""
    from cracktrader.cli.report import run_report

    return run_report(run, out or run / "report.html", plot, quiet, as_json)


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


def reading(
    every: str | None,
    stamp: str | None,
    tz: str | None,
    dst: str | None,
    time_format: str | None,
    column: list[str] | None,
    adjust: bool | None,
    tick: str | None,
    repair: Sequence[str] | None,
) -> dict[str, tuple[str, Any]]:
    """The flags of how data is read."""
    return {
        "data.every": ("--every", every),
        "data.stamp": ("--stamp", stamp),
        "data.tz": ("--tz", tz),
        "data.dst": ("--dst", dst),
        "data.time_format": ("--time-format", time_format),
        "data.columns": ("--column", column or None),
        "data.adjust": ("--adjust", adjust),
        "data.tick": ("--tick", tick),
        "data.repair": ("--repair", repair or None),
    }


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
def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Measure this workload only: W1 to W5, core, journal, import; repeatable."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the rows, three repeats.")] = False,
    repeats: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How often each form is measured [default: 5, quick 3].")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures to this JSON file, too.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Measure how fast runs are on this machine, beside a plain Python loop. Exit code 1 where results differ from the loop's."""
    from cracktrader.cli.bench import BenchRequest, run_bench

    return run_bench(BenchRequest(tuple(only or ()), quick, repeats, out, quiet, as_json))


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

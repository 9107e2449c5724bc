"""The commands and their options, and nothing else: each one hands over to the file of its name.

Imports inside the commands keep `cracktrader --help` under a quarter of a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    name="cracktrader",
    help="Event-driven trading engine: one deterministic core in Python and in Rust, proved equal.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]


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
def backtest(
    strategy_file: Annotated[Path, typer.Argument(metavar="STRATEGY.py", help="A file that defines a Strategy.")],
    data: Annotated[
        list[str], typer.Option(help="CSV or Parquet file, or sample:sp500_1d; repeat for more instruments.")
    ],
    engine: Annotated[Literal["rust", "python", "both"], typer.Option(help="Which core; both compares them.")] = "rust",
    cash: Annotated[float, typer.Option(help="Initial cash.")] = 10_000.0,
    account: Annotated[Literal["margin", "cash"], typer.Option(help="A margin account may go short.")] = "margin",
    fees: Annotated[float, typer.Option(help="One fee rate for maker and taker: 0.001 is 10 bps.")] = 0.0,
    every: Annotated[str, typer.Option(help="Length of a bar, such as 1m or 1d; default: inferred.")] = "",
    stamp: Annotated[Literal["open", "close"], typer.Option(help="Which end of a bar its time marks.")] = "open",
    fill: Annotated[Literal["next_open", "same_close"], typer.Option(help="When a market order fills.")] = "next_open",
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter; repeatable.")] = None,
    strategy: Annotated[str, typer.Option(help="Class to run, where the file defines several.")] = "",
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of ctx.random.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Run the strategy of a file on historical bars."""
    from cracktrader.cli.backtest import Options, run_backtest

    options = Options(
        strategy_file=strategy_file,
        data=tuple(data),
        engine=engine,
        cash=cash,
        account=account,
        fees=fees,
        every=every or None,
        stamp=stamp,
        fill=fill,
        parameters=tuple(param or ()),
        strategy=strategy or None,
        report=report,
        seed=seed,
        as_json=as_json,
    )
    return run_backtest(options)


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

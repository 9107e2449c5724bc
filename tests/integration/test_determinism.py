"""The same run gives the same bytes in any process: other hash seeds, time zones, locales and folders change nothing."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import hashlib, sys
from cracktrader.analysis.backtest import backtest
from cracktrader.data import sample
from cracktrader.strategy import SMA, Strategy

class Noisy(Strategy):
    fast: int = 5
    slow: int = 20

    def on_start(self, ctx):
        self.fast_ma, self.slow_ma = ctx.indicator(SMA(self.fast)), ctx.indicator(SMA(self.slow))

    def on_bar(self, ctx, bar):
        if self.fast_ma.crossed_above(self.slow_ma):
            ctx.target(percent=0.5)
            ctx.sell(1 + ctx.random.below(3), limit=bar.close * 1.02)
        elif self.fast_ma.crossed_below(self.slow_ma):
            ctx.close()
            for order in ctx.orders():
                ctx.cancel(order.id)

result = backtest([Noisy(), Noisy(fast=10)], sample("sp500_1d"), fees=0.001, seed=7, engine=sys.argv[1])
rows = repr((result.outcome.fills, result.outcome.orders, result.outcome.equity["equity"].tolist()))
print(result.state_hash, hashlib.sha256(rows.encode()).hexdigest(), len(result.fills))
"""


def output(engine: str, folder: Path, **changed: str) -> str:
    environment = os.environ | changed
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, engine], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_run_does_not_depend_on_the_process_it_is_in(engine: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "ein anderer Ordner"
    elsewhere.mkdir()
    first = output(engine, tmp_path, PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C")
    second = output(engine, elsewhere, PYTHONHASHSEED="4242", TZ="Asia/Kathmandu", LC_ALL="de_DE.UTF-8")
    third = output(engine, elsewhere, PYTHONHASHSEED="random", TZ="America/St_Johns", LC_ALL="tr_TR.UTF-8")
    assert first == second == third
    assert int(first.split()[2]) > 100

"""Cracktrader: a deterministic trading engine for strategies written in Python.

import cracktrader as ct

class SmaCross(ct.Strategy):
    fast: int = 10
    slow: int = 30

    def on_start(self, ctx):
        self.fast_ma, self.slow_ma = ctx.indicator(ct.SMA(self.fast)), ctx.indicator(ct.SMA(self.slow))

    def on_bar(self, ctx, bar):
        if self.fast_ma.crossed_above(self.slow_ma): ctx.target(1)
        elif self.fast_ma.crossed_below(self.slow_ma): ctx.target(0)

print(ct.backtest(SmaCross, ct.data.sample("sp500_1d")).stats)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cracktrader.exports import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        """Import the public names (exports.py) when the first of them is asked for: `cracktrader --help` asks for none."""
        from importlib import import_module

        public = import_module("cracktrader.exports")
        if name != "__all__" and name not in public.__all__:
            raise AttributeError(f"module 'cracktrader' has no attribute {name!r}")
        globals().update({one: getattr(public, one) for one in public.__all__})
        return getattr(public, name)

    def __dir__() -> list[str]:
        return list(__getattr__("__all__"))

"""Small finished runs for the tests of analysis: a bought and sold position over five bars, and the same bars without a trade."""

from __future__ import annotations

from typing import Any

import numpy as np

from cracktrader.data import load
from cracktrader.runtime.outcome import RunOutcome

MINUTE = 60_000_000_000
START = 1_704_067_200_000_000_000

FILLS = "order strategy symbol time side quantity price fee fee_currency liquidity realized_pnl rule".split()
ORDERS = (
    "order strategy symbol side order_type time_in_force quantity limit_price stop_price status filled_quantity average_price "
    "code created closed"
).split()
POSITIONS = "symbol quantity average_price realized_pnl fees mark unrealized_pnl".split()


def columns(names: list[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def bars(prices: Any, symbol: str = "X") -> Any:
    stamps = START + MINUTE * np.arange(len(prices), dtype=np.int64)
    return load(dict.fromkeys(("open", "high", "low", "close"), prices) | {"time": stamps}, symbol=symbol, every="1m")[
        0
    ]


def outcome(**changes: Any) -> RunOutcome:
    """A run over five bars: bought at 101 on minute 1, sold at 103 on minute 3, one bar each side in cash."""
    market = bars(np.array([100.0, 101.0, 102.0, 103.0, 104.0]))
    fills = [
        (1, "S", "X", START + MINUTE, "buy", 10.0, 101.0, 1.01, "USD", "taker", 0.0, "next_open"),
        (2, "S", "X", START + 3 * MINUTE, "sell", 10.0, 103.0, 1.03, "USD", "taker", 20.0, "next_open"),
    ]
    times = (START + MINUTE, START + 3 * MINUTE)
    orders = [
        (1, "S", "X", "buy", "market", "GTC", 10.0, None, None, "Filled", 10.0, 101.0, "", times[0], times[0]),
        (2, "S", "X", "sell", "market", "GTC", 10.0, None, None, "Filled", 10.0, 103.0, "", times[1], times[1]),
    ]
    run: dict[str, Any] = {
        "engine": "rust",
        "state_hash": "ab" * 32,
        "contract_version": 1,
        "events": 11,
        "seconds": 0.001,
        "currency": "USD",
        "initial_cash": 10_000.0,
        "seed": 7,
        "equity": {
            "time": market.event_time,
            "equity": np.array([10_000.0, 9_998.99, 10_008.99, 10_017.96, 10_017.96]),
            "cash": np.array([10_000.0, 8_988.99, 8_988.99, 10_017.96, 10_017.96]),
        },
        "fills": columns(FILLS, fills),
        "orders": columns(ORDERS, orders),
        "positions": columns(POSITIONS, [("X", 0.0, None, 20.0, 2.04, 104.0, 0.0)]),
        "errors": [],
        "log": [],
        "diagnostics": {},
        "stopped": "",
        "bars": [market],
        "strategies": [{"name": "S", "parameters": {"fast": 5}}],
    }
    return RunOutcome(**(run | changes))


def nothing_filled(**changes: Any) -> RunOutcome:
    idle = {"fills": columns(FILLS, []), "orders": columns(ORDERS, [])}
    return outcome(**(idle | changes))

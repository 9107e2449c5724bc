"""Declarations of core indicators: what to compute, not how. The computing is in the core; `ctx.indicator` binds a declaration."""

from dataclasses import dataclass
from typing import ClassVar

from cracktrader.core.indicator import BarField, IndicatorKind

FIELDS = {field.name.lower(): field for field in BarField}


@dataclass(frozen=True, slots=True)
class Declared:
    """An indicator over `period` values of one field of a bar ("open", "high", "low", "close" or "volume")."""

    kind: ClassVar[IndicatorKind]
    period: int
    field: str = "close"


@dataclass(frozen=True, slots=True)
class SMA(Declared):
    """Simple moving average: the sum of the last `period` values over `period`, exact until the one division."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.SMA


@dataclass(frozen=True, slots=True)
class EMA(Declared):
    """Exponential moving average: seeded with the simple average of the first `period` values, then
    previous + 2 / (period + 1) * (x - previous)."""

    kind: ClassVar[IndicatorKind] = IndicatorKind.EMA

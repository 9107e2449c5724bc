"""Indicators on bars, incremental. With `view` the only room with floats: money never reads them.

Windowed ones run on integer sums, so equal means compare equal; recursive ones use f64 in one written order. In reading order:
`declaration` what may be declared, `number` values and crossing, `window` the last values, `average` recursive averages, `windowed` and
`trend` the kinds, `declared` one declared indicator.
"""

from cracktrader.core.indicator.declaration import (
    MAX_KEEP,
    MAX_PERIOD,
    MIN_KEEP,
    NULL_SOURCE,
    PARAMETERS,
    RULES,
    BarField,
    Declaration,
    IndicatorKind,
    KindRule,
    Parameter,
    parameter_problem,
)
from cracktrader.core.indicator.declared import Indicator
from cracktrader.core.indicator.number import (
    NAN,
    Number,
    Parts,
    Ratio,
    Step,
    compare_as_read,
    crossed_above,
    field_scale,
    level,
    read,
    read_as_real,
    real,
    real_bits,
    real_of_bits,
    to_float,
)

__all__ = [
    "BarField",
    "Declaration",
    "Indicator",
    "IndicatorKind",
    "KindRule",
    "MAX_KEEP",
    "MAX_PERIOD",
    "MIN_KEEP",
    "NAN",
    "NULL_SOURCE",
    "Number",
    "PARAMETERS",
    "Parameter",
    "Parts",
    "RULES",
    "Ratio",
    "Step",
    "compare_as_read",
    "crossed_above",
    "field_scale",
    "level",
    "parameter_problem",
    "read",
    "read_as_real",
    "real",
    "real_bits",
    "real_of_bits",
    "to_float",
]

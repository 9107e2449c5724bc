"""The exception tree: everything this package raises on purpose, and the exit code the command line gives it.

    CracktraderError            1   what was checked is false
    ├── ConfigError             2   an option, a parameter or a file name is wrong
    │   └── EngineNotBuilt      2   the Rust core was asked for and is not built
    ├── DataError               3   a row, a column or a file of market data is wrong
    ├── StrategyError           4   the strategy raised, or asked for something impossible
    │   ├── IntentError         4   an order helper got arguments that cannot become an intent
    │   └── StaleView           4   a context was used after its callback had returned
    └── InvariantBroken         5   a money or order invariant does not hold: a defect, never a warning

Exit code 6 (venue or network) joins with the live venues; 130 is an interrupt. A refused order is not here: it is a
value with a reject code. This module imports nothing.
"""

__all__ = [
    "ConfigError",
    "CracktraderError",
    "DataError",
    "EngineNotBuilt",
    "IntentError",
    "InvariantBroken",
    "StaleView",
    "StrategyError",
]


class CracktraderError(Exception):
    """Root of the tree: catch this to catch everything the package raises on purpose."""

    code: int = 1
    """The exit code of the command line."""


class ConfigError(CracktraderError):
    """An option, a parameter or a file name is wrong; the message names the value and the remedy."""

    code = 2


class EngineNotBuilt(ConfigError):
    """The Rust core was asked for and the extension is not built; never a silent fall-back."""


class DataError(CracktraderError):
    """Market data is wrong; the message names file, row, column and value."""

    code = 3


class StrategyError(CracktraderError):
    """The strategy raised, or asked for something impossible."""

    code = 4


class IntentError(StrategyError):
    """An order helper got arguments that cannot become an intent."""


class StaleView(StrategyError):
    """A context was used after its callback had returned."""


class InvariantBroken(CracktraderError):
    """A money or order invariant does not hold: a defect, never a warning."""

    code = 5

"""The exception tree: everything this package raises on purpose, and the exit code the command line gives it.

    CracktraderError            1   what was checked is false
    ├── ConfigError             2   an option, a parameter or a file name is wrong
    │   └── EngineNotBuilt      2   the Rust core was asked for and is not built
    ├── DataError               3   a row, a column or a file of market data is wrong
    ├── StrategyError           4   the strategy raised, or asked for something impossible
    │   ├── IntentError         4   an order helper got arguments that cannot become an intent
    │   └── StaleView           4   a context was used after its callback had returned
    ├── InvariantBroken         5   a money or order invariant does not hold: a defect, never a warning
    └── JournalError            1   a run's folder cannot be written or believed
        ├── JournalCorrupt      1   a journal says something false: file, offset and seq
        ├── JournalUnreadable   3   it is not there, or of a newer version, or may not be read
        └── JournalLocked       2   another process writes it

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
    "JournalCorrupt",
    "JournalError",
    "JournalLocked",
    "JournalUnreadable",
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


class JournalError(CracktraderError):
    """A run's folder cannot be written or believed; the message names the file and what to do."""


class JournalCorrupt(JournalError):
    """A journal says something false; `file`, `offset` (bytes) and `seq` (the last step believed) say where."""

    def __init__(self, message: str, *, file: str = "", offset: int = 0, seq: int = 0) -> None:
        super().__init__(message)
        self.file, self.offset, self.seq = file, offset, seq


class JournalUnreadable(JournalError):
    """There is no journal, it is of a newer version, or it may not be read."""

    code = 3


class JournalLocked(JournalError):
    """Another process writes the run."""

    code = 2

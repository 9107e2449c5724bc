"""Columns of a finished run that are made when they are asked for: arrays for figures, lists of plain values for everybody else.

A run may leave hundreds of thousands of rows, and nobody reads all of their columns. Which columns there are is in `booked.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Told: TypeAlias = Mapping[str, "bytes | list[int]"]
"""Rows as a core tells them: by field a buffer of int64, a list of integers where one needs more."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A column of texts: each cell is a place among the names."""

    places: Ints
    names: Sequence[str]

    def tolist(self) -> list[str]:
        """The texts."""
        names = self.names
        return [names[place] for place in self.places.tolist()]

    def are(self, name: str) -> NDArray[np.bool_]:
        """Which cells hold this text."""
        import numpy as np

        return np.isin(self.places, [place for place, one in enumerate(self.names) if one == name])

    def only(self) -> set[str]:
        """The texts that occur."""
        import numpy as np

        return {self.names[place] for place in np.unique(self.places).tolist()}


class Arrays(Mapping[str, Any]):
    """Arrays by name, each made once, when it is first asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._names = tuple(makers)
        # What was made needs its maker no more, and with the last one goes what they were made of.
        self._makers = dict(makers)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
            del self._makers[name]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


class Table(Mapping[str, list[Any]]):
    """Lists by name, with the arrays or the `Names` behind them; each made once, when it is first asked for."""

    def __init__(self, rows: int, makers: Mapping[str, Callable[[], Any]]) -> None:
        self.rows = rows
        self._columns = Arrays(makers)
        self._lists: dict[str, list[Any]] = {}

    def column(self, name: str) -> Any:
        """The column as it is held: an array, `Names`, or a list where a cell may be empty."""
        return self._columns[name]

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._lists:
            column = self._columns[name]
            self._lists[name] = column if isinstance(column, list) else column.tolist()
        return self._lists[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return repr(dict(self))


def rows_in(columns: Mapping[str, Sequence[Any]]) -> int:
    """How many rows there are."""
    return columns.rows if isinstance(columns, Table) else len(next(iter(columns.values()), ()))


def numbers(columns: Mapping[str, Sequence[Any]], name: str) -> Floats:
    """A column as floats, without making a list of it."""
    import numpy as np

    column = columns.column(name) if isinstance(columns, Table) else columns[name]
    return np.asarray(column, dtype=np.float64)


def integers(columns: Mapping[str, Sequence[Any]], name: str) -> Ints:
    """A column as 64-bit integers, without making a list of it. OverflowError for a number that does not fit."""
    import numpy as np

    column = columns.column(name) if isinstance(columns, Table) else columns[name]
    return np.asarray(column, dtype=np.int64)


def texts(columns: Mapping[str, Sequence[Any]], name: str) -> Names:
    """A column of texts as places among them."""
    import numpy as np

    column = columns.column(name) if isinstance(columns, Table) else columns[name]
    if isinstance(column, Names):
        return column
    places: dict[str, int] = {}
    at = [places.setdefault(text, len(places)) for text in column]
    return Names(np.array(at, dtype=np.int64), tuple(places))

"""What is wrong with the rows of a source: collected over all of them, then refused in one message or repaired.

A problem has a kind, a column, the rows that have it and the words for the first of them. Finding problems is in
`rows.py` and `times.py`, taking them away in `repair.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cracktrader.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_KINDS = 8
SHOWN_ROWS = 4

DROP = 'repair="drop" leaves such rows out'
FURTHER_REMEDIES = {
    "ambiguous": 'dst="infer" tells the two passes of the hour apart by the order of the rows, "earliest" and "latest" choose one',
    "backwards": 'repair="sort" puts the rows in order',
    "descending": 'repair="sort" puts the rows in order',
    "duplicate": 'repair="keep_last" keeps the last bar of each time, "drop" the first',
    "outside": 'repair="widen" moves high and low',
    "high_below_low": 'repair="widen" moves high and low',
    "off_grid": 'repair="snap" moves prices to the nearest tick',
}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the rows of a source stand, for messages: lines of a text file, or rows of a frame counted from 1.

    `first_line` is the line of row 0 in a text file, header counted; None for a frame. `kept` maps rows to the rows of
    the source where some were left out or moved; None where they are the same.
    """

    origin: str
    first_line: int | None = None
    kept: NDArray[np.int64] | None = None

    def number(self, row: int) -> int:
        """The line or row number that a person looks up."""
        source = row if self.kept is None else int(self.kept[row])
        return source + (1 if self.first_line is None else self.first_line)

    def at(self, row: int) -> str:
        """`bars.csv line 7` or `dict row 6`."""
        return f"{self.origin} {self.word} {self.number(row)}"

    @property
    def word(self) -> str:
        """What the numbers count: "line" or "row"."""
        return "row" if self.first_line is None else "line"

    def taking(self, rows: NDArray[np.int64]) -> Place:
        """The place of a selection of these rows."""
        return Place(self.origin, self.first_line, rows if self.kept is None else self.kept[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One kind of trouble in one column. `rows` rise and count from zero; `describe` takes the row as it was found."""

    kind: str
    column: str
    rows: NDArray[np.int64]
    found_at: NDArray[np.int64]
    describe: Callable[[int], str]

    @property
    def text(self) -> str:
        """What is wrong with the first row."""
        return self.describe(int(self.found_at[0]))


class Problems:
    """Every problem of one source, by kind and column."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.found: list[Problem] = []

    def add(self, kind: str, column: str, wrong: NDArray[np.bool_], describe: Callable[[int], str]) -> None:
        """Note the rows where `wrong` is true; `describe` puts the first into words."""
        import numpy as np

        rows = np.flatnonzero(wrong)
        if len(rows):
            self.found.append(Problem(kind, column, rows, rows, describe))

    def taking(self, selection: NDArray[np.int64], length: int) -> Problems:
        """The problems of a selection of the `length` rows, in the order given."""
        import numpy as np

        taken = Problems(self.place.taking(selection))
        for problem in self.found:
            found_at = np.full(length, -1)
            found_at[problem.rows] = problem.found_at
            chosen = found_at[selection]
            rows = np.flatnonzero(chosen >= 0)
            if len(rows):
                taken.found.append(Problem(problem.kind, problem.column, rows, chosen[rows], problem.describe))
        return taken

    def rows(self) -> NDArray[np.int64]:
        """All rows that have a problem, once each, rising."""
        import numpy as np

        if not self.found:
            return np.empty(0, dtype=np.int64)
        return np.unique(np.concatenate([problem.rows for problem in self.found]))

    def lines(self) -> list[str]:
        """One line for each kind and column, in the order of their first rows."""
        return [self._line(problem) for problem in self._sorted()]

    def refuse(self) -> None:
        """Raise DataError when there is a problem: where, what, and the remedy; all kinds counted, the first ones shown."""
        if not self.found:
            return
        problems = self._sorted()
        first = problems[0]
        if len(problems) == 1:
            where = f"{self.place.origin} {self._line(first)}"
            raise DataError(f"{where}; {_remedies(problems)}")
        rows = len(self.rows())
        shown = [f"  {self._line(problem)}" for problem in problems[:SHOWN_KINDS]]
        if len(problems) > SHOWN_KINDS:
            shown.append(f"  and {len(problems) - SHOWN_KINDS} more")
        head = f"{self.place.origin}: {rows:,} bad row{'' if rows == 1 else 's'}, {len(problems)} kinds of trouble"
        raise DataError("\n".join([head, *shown, _remedies(problems)]))

    def _sorted(self) -> list[Problem]:
        return sorted(self.found, key=lambda problem: int(problem.rows[0]))

    def _line(self, problem: Problem) -> str:
        column = f", column {problem.column}" if problem.column else ""
        line = f"{self.place.word} {self.place.number(int(problem.rows[0]))}{column}: {problem.text}"
        if len(problem.rows) == 1:
            return line
        numbers = ", ".join(str(self.place.number(int(row))) for row in problem.rows[:SHOWN_ROWS])
        more = ", ..." if len(problem.rows) > SHOWN_ROWS else ""
        return f"{line} ({len(problem.rows):,} such {self.place.word}s: {numbers}{more})"


def _remedies(problems: list[Problem]) -> str:
    """What the user may do about them, each remedy once."""
    further = [FURTHER_REMEDIES[one.kind] for one in problems if one.kind in FURTHER_REMEDIES]
    ways = [DROP, *dict.fromkeys(further)]
    if all(one.kind in ("backwards", "descending") for one in problems):
        ways = ways[1:]
    return f"correct the data, or: {'; '.join(ways)}"


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was done to the rows of a source."""

    action: str
    rows: int
    text: str


@dataclass(frozen=True, slots=True)
class DataReport:
    """What became of one source on its way to columns."""

    origin: str
    symbol: str
    kind: str
    layout: str
    rows_read: int
    rows_kept: int
    repairs: tuple[Repair, ...] = ()
    notes: tuple[str, ...] = ()
    """What was assumed or changed without being asked: a time zone, decimals, columns not used."""
    place: Place | None = field(default=None, repr=False, compare=False)
    """Where the rows stand in the source; None for rows of several files."""

    def line(self) -> str:
        """Everything worth a line on the screen; empty when nothing was repaired or assumed."""
        parts = [f"{one.text}" for one in self.repairs]
        if self.rows_kept != self.rows_read:
            parts.append(f"{self.rows_kept:,} of {self.rows_read:,} rows kept")
        parts += self.notes
        return f"{self.symbol}: {'; '.join(parts)}" if parts else ""

    def __str__(self) -> str:
        return self.line() or f"{self.symbol}: {self.rows_kept:,} {self.kind} from {self.origin}, nothing changed"

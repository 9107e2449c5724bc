"""What a strategy may look back at: the bars delivered so far, as read-only numpy columns. Nothing later can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cracktrader.core.config import Config
from cracktrader.core.event import BarRows, Rows
from cracktrader.errors import IntentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRICES = ("open", "high", "low", "close")
TIMES = ("open_time", "close_time")
FIELDS = (*PRICES, "volume", *TIMES)


class History:
    """Bars by stream. A column becomes floats once, when it is first asked for; every answer is a window of it."""

    def __init__(self, config: Config, rows: Mapping[int, Rows]) -> None:
        self._config = config
        self._rows = rows
        self._columns: dict[tuple[int, str], NDArray[Any]] = {}

    def last(self, stream: int, field: str, delivered: int, count: int | None) -> NDArray[np.float64 | np.int64]:
        """The last `count` of the `delivered` bars' values, oldest first; all of them where there are fewer or `count` is None."""
        column = self._columns.get((stream, field))
        if column is None:
            column = self._columns[stream, field] = self._column(stream, field)
        first = 0 if count is None else max(delivered - count, 0)
        return column[first:delivered]

    def _column(self, stream: int, field: str) -> NDArray[Any]:
        import numpy as np

        if field not in FIELDS:
            raise IntentError(f"a bar has no field {field!r}; it has: {', '.join(FIELDS)}")
        rows = self._rows.get(stream)
        if not isinstance(rows, BarRows):
            raise IntentError("this time frame keeps no history: ask for the bars that were given as data")
        column: NDArray[Any] = np.asarray(getattr(rows, field), dtype=np.int64)[:]
        if field not in TIMES:
            declared = self._config.streams[stream]
            instrument = self._config.instruments[declared.instrument]
            decimals = declared.volume_decimals if field == "volume" else instrument.price_decimals
            column = column / float(10**decimals)
        column.flags.writeable = False
        return column

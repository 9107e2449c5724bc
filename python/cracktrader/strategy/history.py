"""What a strategy may look back at: the bars delivered so far, as read-only numpy columns. Nothing later can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cracktrader.core.config import Config
from cracktrader.core.event import BarRows, Rows
from cracktrader.core.state import RECENT_BARS
from cracktrader.errors import IntentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cracktrader.core.view import View

PRICES = ("open", "high", "low", "close")
TIMES = ("open_time", "close_time")
FIELDS = (*PRICES, "volume", *TIMES)


class History:
    """Bars by stream. Of bars that were given as data a column becomes floats once, when it is first asked for, and every answer is a
    window of it; of bars that the core makes, the core keeps the last ones."""

    def __init__(self, config: Config, rows: Mapping[int, Rows]) -> None:
        self._config = config
        self._rows = rows
        self._columns: dict[tuple[int, str], NDArray[Any]] = {}

    def last(self, view: View | Any, stream: int, field: str, count: int | None) -> NDArray[np.float64 | np.int64]:
        """The last `count` values of the bars delivered, oldest first; all that there are where they are fewer or `count` is None."""
        if field not in FIELDS:
            raise IntentError(f"a bar has no field {field!r}; it has: {', '.join(FIELDS)}")
        if self._config.streams[stream].is_derived:
            kept = view.recent(stream, RECENT_BARS if count is None else count)
            return self._readable(stream, field, [getattr(bar, field) for bar in kept])
        column = self._columns.get((stream, field))
        if column is None:
            rows = self._rows[stream]
            assert isinstance(rows, BarRows), "the stream is one of bars"
            column = self._columns[stream, field] = self._readable(stream, field, getattr(rows, field))
        delivered = view.delivered(stream)
        return column[0 if count is None else max(delivered - count, 0) : delivered]

    def _readable(self, stream: int, field: str, mantissas: Any) -> NDArray[Any]:
        """Mantissas as a strategy reads them: floats, but for times."""
        import numpy as np

        column: NDArray[Any] = np.asarray(mantissas, dtype=np.int64)[:]
        if field not in TIMES:
            declared = self._config.streams[stream]
            instrument = self._config.instruments[declared.instrument]
            decimals = declared.volume_decimals if field == "volume" else instrument.price_decimals
            column = column / float(10**decimals)
        column.flags.writeable = False
        return column

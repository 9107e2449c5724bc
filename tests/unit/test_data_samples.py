"""The bundled data: present, sound, and what its description says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import cracktrader.data
from cracktrader.data import load, sample, samples
from cracktrader.errors import DataError


def test_the_daily_index_is_twenty_years_of_sound_bars() -> None:
    frame = sample("sp500_1d")
    assert frame.columns == ["time", "open", "high", "low", "close", "volume"]
    assert (frame.height, frame["time"][0], frame["time"][-1]) == (5_031, date(1999, 1, 4), date(2018, 12, 31))
    (bars,) = load(frame)
    assert bars.note == "" and bars.interval_ns == 86_400_000_000_000
    assert frame["close"].to_list() == pytest.approx(bars.prices("close").tolist(), abs=0)


def test_two_known_days_are_as_published() -> None:
    days = sample("sp500_1d").filter(pl.col("time").is_in([date(2000, 3, 24), date(2009, 3, 6)]))
    assert days["close"].round(2).to_list() == [1527.46, 683.38]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    assert samples() == ["sp500_1d"]
    with pytest.raises(DataError, match="no sample is called 'gold': there is sp500_1d"):
        sample("gold")


def test_every_sample_has_its_origin_and_terms_beside_it() -> None:
    folder = Path(cracktrader.data.__file__).parent / "samples"
    readme = (folder / "README.md").read_text()
    for name in samples():
        assert f"## {name}" in readme
    assert "NCSA" in readme and "arch" in readme


def test_every_public_name_of_the_room_is_found_and_no_other() -> None:
    from cracktrader import data

    for name in data.__all__:
        assert getattr(data, name).__name__ == name
    assert dir(data) == data.__all__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = data.nothing  # type: ignore[attr-defined]

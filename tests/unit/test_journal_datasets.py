"""Data is kept under the hash of its content, and what is not what its name says is refused by its column."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cracktrader.core.codec import DatasetKind
from cracktrader.core.event import SessionRows
from cracktrader.core.schedule import ScheduleRows
from cracktrader.data import load as load_data
from cracktrader.data import random_walk, sample
from cracktrader.data.columns import BarColumns, QuoteColumns, TradeColumns
from cracktrader.data.digest import FIELDS, Data, content_hash, data_kind
from cracktrader.errors import JournalCorrupt, JournalError, JournalUnreadable
from cracktrader.journal.datasets import dataset, load, store

ONE = np.arange(1, 6, dtype=np.int64)
KINDS: list[Data] = [
    BarColumns("A", ONE, ONE, ONE + 1, ONE, ONE, ONE, ONE, ONE, 2, 8, 1, "here", "a note"),
    TradeColumns("A", ONE, ONE, ONE, ONE, ONE % 3, 2, 3, "here"),
    QuoteColumns("A", ONE, ONE, ONE, ONE, ONE, ONE, 2, 3, "here"),
    SessionRows([1, 5], [4, 9]),
    ScheduleRows([3, 4], [0, 1], [-7, 2**62]),
]


@pytest.mark.parametrize("data", KINDS, ids=data_kind)
def test_data_comes_back_as_it_was_kept(data: Data, tmp_path: Path) -> None:
    digest = store(tmp_path / "data", data)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        f"{digest.hex()}.ipc",
        f"{digest.hex()}.json",
    ]
    back = load(tmp_path / "data", digest)
    assert type(back) is type(data) and content_hash(back) == digest == content_hash(data)
    for name in FIELDS[type(data)]:
        assert list(getattr(back, name)) == list(getattr(data, name)), name
    if not isinstance(data, SessionRows | ScheduleRows):
        assert not isinstance(back, SessionRows | ScheduleRows)
        assert (back.symbol, back.price_decimals, back.origin, back.note) == ("A", 2, "here", data.note)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "data").iterdir()}
    assert store(tmp_path / "data", data) == digest
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "data").iterdir()} == before


def test_the_hash_is_what_the_page_says() -> None:
    columns = (ONE, ONE, ONE, ONE, ONE % 3)
    hashes = b"".join(sha256(column.astype("<i8").tobytes()).digest() for column in columns)
    assert content_hash(KINDS[1]) == sha256(b"trades 2 3 5\n" + hashes).digest()
    hashes = b"".join(sha256(np.array(column, dtype="<i8").tobytes()).digest() for column in ([1, 5], [4, 9]))
    assert content_hash(KINDS[3]) == sha256(b"sessions 2\n" + hashes).digest()


def test_large_columns_have_the_hash_that_small_ones_would_have() -> None:
    (bars,) = load_data(random_walk(bars=120_000, seed=3), symbol="X")
    hashes = b"".join(sha256(getattr(bars, name).tobytes()).digest() for name in FIELDS[BarColumns])
    line = f"bars {bars.price_decimals} {bars.volume_decimals} {len(bars)}\n".encode()
    assert content_hash(bars) == sha256(line + hashes).digest()


def test_any_change_of_a_value_a_row_or_the_decimals_is_another_hash() -> None:
    (bars,) = load_data(sample("sp500_1d").head(50), symbol="X")
    seen = {content_hash(bars), content_hash(bars.rescaled(bars.price_decimals + 1))}
    assert len(seen) == 2
    trades = KINDS[1]
    assert isinstance(trades, TradeColumns)
    for name in FIELDS[TradeColumns]:
        arrays = {one: getattr(trades, one).copy() for one in FIELDS[TradeColumns]}
        arrays[name][2] += 1
        seen.add(content_hash(TradeColumns("A", **arrays, price_decimals=2, quantity_decimals=3, origin="")))
    shorter = {one: getattr(trades, one)[:4].copy() for one in FIELDS[TradeColumns]}
    seen.add(content_hash(TradeColumns("A", **shorter, price_decimals=2, quantity_decimals=3, origin="")))
    assert len(seen) == 2 + len(FIELDS[TradeColumns]) + 1


def test_a_dataset_of_a_header_names_kind_place_rows_and_hash() -> None:
    assert [dataset(data, 3)[:3] for data in KINDS] == [
        (DatasetKind.ROWS, 3, 5),
        (DatasetKind.ROWS, 3, 5),
        (DatasetKind.ROWS, 3, 5),
        (DatasetKind.SESSIONS, 3, 2),
        (DatasetKind.SCHEDULE, 3, 2),
    ]
    assert dataset(KINDS[0], 0).digest == content_hash(KINDS[0])


def test_changed_data_is_refused_by_its_column(tmp_path: Path) -> None:
    digest = store(tmp_path, KINDS[0])
    path = tmp_path / f"{digest.hex()}.ipc"
    whole = pl.read_ipc(path.read_bytes())
    whole.with_columns(pl.col("low") + 1).write_ipc(path, compression="uncompressed")
    with pytest.raises(
        JournalCorrupt, match=rf"{digest.hex()}\.ipc is not what its name says: column low was changed"
    ) as error:
        load(tmp_path, digest)
    assert error.value.file == path.name
    whole.head(4).write_ipc(path, compression="uncompressed")
    with pytest.raises(JournalCorrupt, match="it has 4 rows, 5 were stored"):
        load(tmp_path, digest)
    whole.drop("low").write_ipc(path, compression="uncompressed")
    with pytest.raises(JournalCorrupt, match="has not the columns"):
        load(tmp_path, digest)
    path.write_bytes(path.read_bytes()[:99])
    with pytest.raises(JournalCorrupt, match="is no table"):
        load(tmp_path, digest)
    path.unlink()
    with pytest.raises(JournalUnreadable, match="is not there"):
        load(tmp_path, digest)


def test_changed_facts_are_refused(tmp_path: Path) -> None:
    digest = store(tmp_path, KINDS[0])
    path = tmp_path / f"{digest.hex()}.json"
    facts = json.loads(path.read_text())
    for wrong, error, words in (
        ({"version": 9}, JournalUnreadable, "version 9"),
        ({"kind": "news"}, JournalCorrupt, "no kind 'news'"),
        ({"facts": facts["facts"] | {"price_decimals": 3}}, JournalCorrupt, "kind or decimals were changed"),
        ({"facts": {}}, JournalCorrupt, "missing"),
        ({"facts": 3}, JournalCorrupt, "does not say"),
    ):
        path.write_text(json.dumps(facts | wrong))
        with pytest.raises(error, match=words):
            load(tmp_path, digest)
    path.write_text("{")
    with pytest.raises(JournalCorrupt, match="does not say"):
        load(tmp_path, digest)


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(JournalError, match="cannot keep a dataset as"):
        store(tmp_path / "data", KINDS[0])

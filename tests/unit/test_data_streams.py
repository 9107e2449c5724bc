"""Recorded Binance streams: trades and quotes of every symbol on one clock; and what is no recording."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cracktrader.data import QuoteColumns, TradeColumns, info, load, load_binance_stream, read
from cracktrader.errors import ConfigError, DataError

T0 = 1_723_161_600_000_000_000
TRADE = (
    '{{"stream":"{low}@trade","data":{{"e":"trade","E":1723161601273,"s":"{up}","t":{number},"p":"{price}",'
    '"q":"0.50000000","T":1723161601272,"m":{maker}{extra}}}}}'
)
QUOTE = '{{"stream":"{low}@bookTicker","data":{{"u":1,"s":"{up}","b":"{bid}","B":"1.5","a":"{ask}","A":"2.5"{extra}}}}}'
DEPTH = (
    '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["1","2"]],"a":[]}}'
)


def trade(number: int, price: str, *, maker: str = "false", symbol: str = "BTCUSDT", extra: str = "") -> str:
    return TRADE.format(low=symbol.lower(), up=symbol, number=number, price=price, maker=maker, extra=extra)


def quote(bid: str, ask: str, *, symbol: str = "BTCUSDT", extra: str = "") -> str:
    return QUOTE.format(low=symbol.lower(), up=symbol, bid=bid, ask=ask, extra=extra)


def record(path: Path, *messages: str) -> Path:
    text = "".join(f"{T0 + 1_000 * row} {message}\n" for row, message in enumerate(messages))
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_trades_and_quotes_of_every_symbol_come_apart_on_one_clock(tmp_path: Path) -> None:
    path = record(
        tmp_path / "recording.gz",
        DEPTH,
        quote("100.10000000", "100.20000000"),
        trade(1, "100.20000000"),
        trade(1, "5.5", symbol="ETHUSDT", maker="true"),
        trade(2, "100.05", maker="true", extra=',"X":"MARKET"'),
        quote("100.00", "100.15", extra=',"T":1723161601300,"E":1723161601301'),
    )
    loaded = load(path)
    assert [repr(one).partition(" from")[0] for one in loaded] == [
        "TradeColumns(BTCUSDT: 2 trades",
        "TradeColumns(ETHUSDT: 1 trades",
        "QuoteColumns(BTCUSDT: 2 quotes",
    ]
    trades, other, quotes = loaded
    assert isinstance(trades, TradeColumns) and isinstance(other, TradeColumns) and isinstance(quotes, QuoteColumns)
    assert trades.price.tolist() == [10020, 10005] and trades.price_decimals == quotes.price_decimals == 2
    assert trades.aggressor.tolist() == [1, 2] and other.aggressor.tolist() == [2]
    assert trades.time.tolist() == [T0 + 2_000, T0 + 4_000]
    assert trades.event_time is trades.time and quotes.event_time is quotes.time
    assert quotes.time.tolist() == [T0 + 1_000, T0 + 5_000]
    assert quotes.bid_price.tolist() == [10010, 10000] and quotes.ask_quantity.tolist() == [25, 25]


def test_a_recording_says_what_it_leaves_out(tmp_path: Path) -> None:
    path = record(
        tmp_path / "recording.txt", DEPTH, trade(1, "0", extra=',"X":"NA"'), trade(2, "5", extra=',"X":"MARKET"'), DEPTH
    )
    (trades,) = load_binance_stream(path)
    assert len(trades) == 1
    assert (
        trades.note
        == "BTCUSDT: 1 message is no trade of the market and left out; 2 messages of other kinds are not read"
    )


def test_a_broken_message_is_named_by_its_line(tmp_path: Path) -> None:
    good = trade(1, "5")
    with pytest.raises(DataError, match=r"a.gz line 2: JSON is malformed"):
        load(record(tmp_path / "a.gz", good, good[:-3]))
    with pytest.raises(DataError, match=r"b.gz line 2: could not convert string to float: 'x'"):
        load(record(tmp_path / "b.gz", good, trade(2, "x")))
    with pytest.raises(DataError, match=r"c.gz line 2: Object missing required field `p`"):
        load(record(tmp_path / "c.gz", good, good.replace('"p"', '"P"')))
    with pytest.raises(DataError, match=r"d.gz line 2, column price: price 0 is not positive"):
        load(record(tmp_path / "d.gz", good, trade(2, "0")))
    with pytest.raises(DataError, match=r"e.gz line 3, column trade_id: trade 1 is there twice"):
        load(record(tmp_path / "e.gz", good, DEPTH, good))
    assert len(load(record(tmp_path / "e.gz", good, DEPTH, good), repair="drop")[0]) == 1


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("time,open\n")
    with pytest.raises(DataError, match="is no recorded stream: lines must read <local time in ns>"):
        load_binance_stream(tmp_path / "bars.csv")
    with pytest.raises(DataError, match="holds neither trades nor bookTicker messages"):
        load(record(tmp_path / "depth.gz", DEPTH))


def test_info_of_a_recording_is_one_for_each_kind_and_read_wants_one(tmp_path: Path) -> None:
    path = record(tmp_path / "recording.gz", quote("1", "2"), trade(1, "1.5"))
    found = info(path)
    assert isinstance(found, list) and [(one.kind, one.rows, one.layout) for one in found] == [
        ("trades", 1, "Binance stream"),
        ("quotes", 1, "Binance stream"),
    ]
    with pytest.raises(ConfigError, match=r"this is trades of BTCUSDT, quotes of BTCUSDT: use load\(\)"):
        read(path)

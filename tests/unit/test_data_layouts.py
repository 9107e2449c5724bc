"""Every layout that `load` knows, in small files as their programs write them: right kind, times and values, in one call."""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cracktrader.data import BarColumns, Bars, QuoteColumns, Quotes, TradeColumns, Trades, info, load, read
from cracktrader.data.columns import Columns
from cracktrader.errors import ConfigError, DataError

BAR = ("2024-01-02", 1.5, 1.75, 1.25, 1.625, 100.0)


@dataclass(frozen=True)
class Case:
    """A file as it is found, and its first row when read: bars as time, open, high, low, close, volume."""

    name: str
    text: str
    layout: str
    first: tuple[Any, ...]
    rows: int = 2
    options: dict[str, Any] = field(default_factory=dict)


KLINES = (
    "1704153600000,1.50000000,1.75000000,1.25000000,1.62500000,100.00000000,1704153659999,162.5,7,50.0,81.25,0\n"
    "1704153660000,1.62500000,1.75000000,1.25000000,1.62500000,100.00000000,1704153719999,162.5,7,50.0,81.25,0\n"
)
KLINE_HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n"
BARS = [
    Case(
        "yahoo.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1.5,1.75,1.25,1.625,1.3,100\n2024-01-03,1,2,1,2,1.6,5\n",
        "Yahoo",
        BAR,
    ),
    Case(
        "adjusted.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1.5,1.75,1.25,1.625,1.3,100\n2024-01-03,1,2,1,2,1.6,5\n",
        "Yahoo",
        ("2024-01-02", 1.2, 1.4, 1.0, 1.3, 100.0),
        options={"adjust": True},
    ),
    Case(
        "yfinance.csv",
        "Price,Close,High,Low,Open,Volume\nTicker,SPY,SPY,SPY,SPY,SPY\nDate,,,,,\n"
        "2024-01-02,1.625,1.75,1.25,1.5,100\n2024-01-03,1,1,1,1,5\n",
        "yfinance",
        BAR,
    ),
    Case("BTCUSDT-1m-2024-01.csv", KLINES, "Binance klines", BAR),
    Case("BTCUSDT-1m-2025-01.csv", KLINES.replace("000,1.", "000000,1."), "Binance klines", BAR),
    Case("klines.csv", KLINE_HEADER + KLINES, "Binance klines", BAR),
    Case(
        "backtrader_day.txt",
        "Date,Open,High,Low,Close,Volume,OpenInterest\n2024-01-02,1.5,1.75,1.25,1.625,100,0\n2024-01-03,1,1,1,1,5,0\n",
        "Backtrader",
        BAR,
    ),
    Case(
        "backtrader_minute.txt",
        "Date,Time,Open,High,Low,Close,Volume,OpenInterest\n2024-01-02,00:00:00,1.5,1.75,1.25,1.625,100,0\n"
        "2024-01-02,00:05:00,1,1,1,1,5,0\n",
        "Backtrader",
        BAR,
    ),
    Case(
        "backtrader_unnamed_time.txt",
        "Date,Open,High,Low,Close,Volume,OpenInterest\n2024-01-02,00:00:00,1.5,1.75,1.25,1.625,100,0\n"
        "2024-01-02,00:01:00,1,1,1,1,5,0\n",
        "Backtrader",
        BAR,
    ),
    Case(
        "semicolons_compact.csv",
        "Date;Time;Open;High;Low;Close;Volume\n20240102;000000;1.5;1.75;1.25;1.625;100\n20240102;000100;1;1;1;1;5\n",
        "generic",
        BAR,
    ),
    Case(
        "compact_clock_as_number.csv",
        "Date,Time,Open,High,Low,Close,Volume\n20240102,0,1.5,1.75,1.25,1.625,100\n20240102,1,1,1,1,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "histdata.csv",
        "20240102 000000;1.500000;1.750000;1.250000;1.625000;100\n20240102 000100;1.5;1.5;1.5;1.5;0\n",
        "headerless OHLCV",
        BAR,
    ),
    Case(
        "metatrader4.csv",
        "2024.01.02,00:00,1.5,1.75,1.25,1.625,100\n2024.01.02,00:01,1,1,1,1,5\n",
        "headerless date, time, OHLCV",
        BAR,
    ),
    Case(
        "metatrader5.tsv",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<SPREAD>\n"
        "2024.01.02\t00:00:00\t1.5\t1.75\t1.25\t1.625\t100\t3\n2024.01.02\t00:01:00\t1\t1\t1\t1\t5\t3\n",
        "generic",
        BAR,
    ),
    Case(
        "stooq.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "SPY.US,D,20240102,000000,1.5,1.75,1.25,1.625,100,0\nSPY.US,D,20240103,000000,1,1,1,1,5,0\n",
        "generic",
        BAR,
    ),
    Case(
        "alpha_vantage.csv",
        "timestamp,1. open,2. high,3. low,4. close,5. volume\n2024-01-03,1,1,1,1,5\n2024-01-02,1.5,1.75,1.25,1.625,100\n",
        "generic",
        BAR,
        options={"repair": "sort"},
    ),
    Case(
        "crypto_data_download.csv",
        "https://www.example.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
        "1704153660,2024-01-02 00:01:00,BTC/USD,1,1,1,1,5,6\n"
        "1704153600,2024-01-02 00:00:00,BTC/USD,1.5,1.75,1.25,1.625,100,6\n",
        "generic",
        BAR,
        options={"repair": "sort"},
    ),
    Case(
        "european.csv",
        "Date;Open;High;Low;Close;Volume\n02.01.2024;1,5;1,75;1,25;1,625;100\n03.01.2024;1,5;1,5;1,5;1,5;5\n",
        "generic",
        BAR,
    ),
    Case(
        "day_first.csv",
        "Date,Open,High,Low,Close,Volume\n02/01/2024,1.5,1.75,1.25,1.625,100\n31/01/2024,1,1,1,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "month_first.csv",
        "Date,Open,High,Low,Close,Volume\n1/2/2024,1.5,1.75,1.25,1.625,100\n1/31/2024,1,1,1,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "said_format.csv",
        "Date,Open,High,Low,Close,Volume\n02-01-24,1.5,1.75,1.25,1.625,100\n03-01-24,1,1,1,1,5\n",
        "generic",
        BAR,
        options={"time_format": "%d-%m-%y"},
    ),
    Case(
        "am_pm.csv",
        "Date,Open,High,Low,Close,Volume\n1/2/2024 12:00 AM,1.5,1.75,1.25,1.625,100\n1/31/2024 4:00 PM,1,1,1,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "index_without_a_name.csv",
        ",open,high,low,close,volume\n2024-01-02,1.5,1.75,1.25,1.625,100\n2024-01-03,1,1,1,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "quoted.csv",
        '\ufeff"Date","Open","High","Low","Close","Volume"\r\n"2024-01-02","1.5","1.75","1.25","1.625","100"\r\n'
        '"2024-01-03","1","1","1","1","5"\r\n\r\n',
        "generic",
        BAR,
    ),
    Case(
        "comments.csv",
        "# downloaded\n\ntime,open,high,low,close,volume\n1704153600.0,1.5,1.75,1.25,1.625,100\n1704153660.0,1,1,1,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "positions.csv",
        "SPY|2024-01-02|1.625|1.5|1.75|1.25|100\nSPY|2024-01-03|1|1|1|1|5\n",
        "headerless",
        BAR,
        options={"columns": {"time": 1, "close": 2, "open": 3, "high": 4, "low": 5, "volume": 6}},
    ),
    Case(
        "own_names.csv",
        "when,first,top,bottom,last,pieces\n2024-01-02,1.5,1.75,1.25,1.625,100\n2024-01-03,1,1,1,1,5\n",
        "generic",
        BAR,
        options={
            "columns": {
                "time": "when",
                "open": "First",
                "high": "top",
                "low": "bottom",
                "close": "last",
                "volume": "pieces",
            }
        },
    ),
]
BARS += [
    Case(
        "investing.csv",
        "Date,Price,Open,High,Low,Vol.\n01/31/2024,1,1,1,1,5\n01/02/2024,1.625,1.5,1.75,1.25,100\n",
        "generic",
        BAR,
        options={"repair": "sort"},
    ),
    Case(
        "interactive_brokers.csv",
        "date,open,high,low,close,volume,average,barCount\n20240102  00:00:00,1.5,1.75,1.25,1.625,100,1,5\n"
        "20240102  00:01:00,1,1,1,1,5,1,5\n",
        "generic",
        BAR,
    ),
    Case(
        "polygon.csv",
        "ticker,volume,open,close,high,low,window_start,transactions\nSPY,100,1.5,1.625,1.75,1.25,1704153600000000000,4\n"
        "SPY,5,1,1,1,1,1704153660000000000,4\n",
        "generic",
        BAR,
    ),
    Case(
        "XBTUSD_1.csv",
        "1704153600,1.5,1.75,1.25,1.625,100,7\n1704153660,1,1,1,1,5,7\n",
        "headerless OHLCV",
        BAR,
    ),
]
TRADE = ("2024-01-02 00:00:00.123", 1.5, 0.25)
TRADES = [
    Case(
        "BTCUSDT-aggTrades-2024-01-02.csv",
        "7,1.50,0.25,10,12,1704153600123,True,True\n8,1.75,0.5,13,13,1704153600123,False,True\n",
        "Binance aggTrades",
        (*TRADE, "sell"),
    ),
    Case(
        "futures_agg_trades.csv",
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
        "7,1.50,0.25,10,12,1704153600123,true\n8,1.75,0.5,13,13,1704153600123,false\n",
        "Binance aggTrades",
        (*TRADE, "sell"),
    ),
    Case(
        "futures_agg_trades_headerless.csv",
        "7,1.50,0.25,10,12,1704153600123,true\n8,1.75,0.5,13,13,1704153600123,false\n",
        "Binance aggTrades",
        (*TRADE, "sell"),
    ),
    Case(
        "spot_trades.csv",
        "7,1.50,0.25,0.375,1704153600123,False,True\n8,1.75,0.5,0.875,1704153600123,False,True\n",
        "Binance trades",
        (*TRADE, "buy"),
    ),
    Case(
        "futures_trades.csv",
        "id,price,qty,quote_qty,time,is_buyer_maker\n7,1.50,0.25,0.375,1704153600123,false\n8,1.75,0.5,1,1704153600123,true\n",
        "Binance trades",
        (*TRADE, "buy"),
    ),
    Case(
        "own_trades.csv",
        "timestamp,price,size,side\n2024-01-02T00:00:00.123Z,1.5,0.25,SELL\n2024-01-02T00:00:01Z,1.5,0.25,b\n",
        "generic",
        (*TRADE, "sell"),
    ),
    Case(
        "without_side.csv",
        "timestamp,price,volume\n2024-01-02T00:00:00.123Z,1.5,0.25\n2024-01-02T00:00:01Z,1.5,0.25\n",
        "generic",
        (*TRADE, None),
    ),
]
TRADES += [
    Case(
        "bybit.csv",
        "timestamp,symbol,side,size,price\n1704153600.123,BTCUSDT,Sell,0.25,1.5\n1704153601,BTCUSDT,Buy,0.5,1.5\n",
        "generic",
        (*TRADE, "sell"),
    ),
    Case(
        "coinbase.csv",
        "trade_id,side,size,price,created_at\n1,BUY,0.25,1.5,2024-01-02T00:00:00.123000Z\n"
        "2,BUY,0.25,1.5,2024-01-02T00:00:00.123000Z\n",
        "generic",
        (*TRADE, "buy"),
    ),
    Case("kraken.csv", "1704153600.123,1.5,0.25\n1704153601.1,1.5,0.25\n", "headerless trades", (*TRADE, None)),
]
QUOTES = [
    Case(
        "tardis.csv",
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
        "binance,BTCUSDT,1704153600123000,1704153600124000,0.5,1.75,1.5,0.25\n"
        "binance,BTCUSDT,1704153600124000,1704153600125000,0.5,1.75,1.5,0.25\n",
        "generic",
        ("2024-01-02 00:00:00.123", 1.5, 0.25, 1.75, 0.5),
    ),
    Case(
        "bidask.csv",
        "TIMESTAMP,BID,ASK\n02/03/2010 16:53:50,0.5346,0.5347\n02/03/2010 16:53:51,0.5343,0.5347\n",
        "generic",
        ("2010-02-03 16:53:50", 0.5346, 0.0, 0.5347, 0.0),
        options={"time_format": "%m/%d/%Y %H:%M:%S"},
    ),
    Case(
        "dukascopy.csv",
        "Gmt time,Ask,Bid,AskVolume,BidVolume\n02.01.2024 00:00:00.123,1.75,1.5,0.5,0.25\n02.01.2024 00:00:00.500,2,1,1,1\n",
        "generic",
        ("2024-01-02 00:00:00.123", 1.5, 0.25, 1.75, 0.5),
    ),
    Case(
        "book_ticker.csv",
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
        "1,1.5,0.25,1.75,0.5,1704153600123,1704153600125\n2,1,1,2,1,1704153600124,1704153600125\n",
        "Binance bookTicker",
        ("2024-01-02 00:00:00.123", 1.5, 0.25, 1.75, 0.5),
    ),
]
ALL = [
    *((case, BarColumns) for case in BARS),
    *((case, TradeColumns) for case in TRADES),
    *((case, QuoteColumns) for case in QUOTES),
]


def first_row(columns: Columns) -> tuple[Any, ...]:
    """The first row with its time as text."""
    time, *values = columns.to_polars().row(0)
    moment = time.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").removesuffix(".")
    day, _, clock = moment.partition(" ")
    return (day if clock in ("00:00:", "00:00:00") else moment, *values)


@pytest.mark.parametrize(("case", "kind"), ALL, ids=[case.name for case, _ in ALL])
def test_a_layout_loads_in_one_call_with_the_right_values(case: Case, kind: type, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_text(case.text, encoding="utf-8", newline="")
    (columns,) = load(path, **case.options)
    assert type(columns) is kind
    assert columns.report is not None and columns.report.layout == case.layout
    assert len(columns) == case.rows
    assert first_row(columns) == case.first


@pytest.mark.parametrize(("case", "kind"), ALL, ids=[case.name for case, _ in ALL])
def test_what_info_says_of_a_layout_is_what_load_reads(case: Case, kind: type, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_text(case.text, encoding="utf-8", newline="")
    (columns,) = load(path, **case.options)
    told = info(path, **case.options)
    assert not isinstance(told, list)
    decimals = columns.volume_decimals if isinstance(columns, BarColumns) else columns.quantity_decimals
    assert (told.layout, told.rows, told.symbol) == (case.layout, case.rows, columns.symbol)
    assert (told.price_decimals, told.quantity_decimals) == (columns.price_decimals, decimals)
    assert not told.problems and str(told)


@pytest.mark.parametrize("packing", [".gz", ".zip", ".zst"])
def test_packed_text_reads_as_the_text(packing: str, tmp_path: Path) -> None:
    text = BARS[0].text.encode()
    path = tmp_path / f"bars.csv{packing}"
    if packing == ".gz":
        path.write_bytes(gzip.compress(text))
    elif packing == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("bars.csv", text)
    else:
        pl.read_csv(text, infer_schema=False).write_csv(path, compression="zstd", check_extension=False)
    (columns,) = load(path)
    assert first_row(columns) == BAR and columns.symbol == "bars"


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    with pytest.raises(DataError, match="the archive holds 2 files; it must hold one"):
        load(tmp_path / "two.zip")


# ---------------------------------------------------------------- several instruments


def test_files_of_a_pattern_that_name_one_symbol_are_joined(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1m-2024-01.csv").write_text(KLINES)
    later = KLINES.replace("1704153", "1706832").replace("1.62500000,100", "1.6250001,100")
    (tmp_path / "BTCUSDT-1m-2024-02.csv").write_text(later)
    (tmp_path / "ETHUSDT-1m-2024-01.csv").write_text(KLINES)
    loaded = load(str(tmp_path / "*-1m-*.csv"))
    assert [(columns.symbol, len(columns)) for columns in loaded] == [("BTCUSDT", 4), ("ETHUSDT", 2)]
    joined = loaded[0]
    assert isinstance(joined, BarColumns) and joined.price_decimals == 7 and joined.interval_ns == 60 * 10**9
    assert joined.open[0] == 15_000_000 and (joined.close_time[:-1] <= joined.open_time[1:]).all()
    assert "(2 files)" in joined.origin


def test_a_declared_duration_and_stamp_hold_for_joined_files(tmp_path: Path) -> None:
    for month in (1, 2):
        rows = [f"2024-0{month}-0{day} 16:00,1,1,1,1" for day in (1, 3, 5)]
        (tmp_path / f"SPY-1d-2024-0{month}.csv").write_text("\n".join(["time,open,high,low,close", *rows]))
    (columns,) = load(tmp_path / "*.csv", every="1d", stamp="close")
    assert isinstance(columns, BarColumns) and len(columns) == 6
    assert columns.interval_ns == 86_400 * 10**9 and columns.close_time is columns.event_time
    assert (columns.close_time - columns.open_time == columns.interval_ns).all()


def test_files_of_one_symbol_that_overlap_are_refused(tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-1m-2024-01.csv").write_text(KLINES)
    (tmp_path / "BTCUSDT-1m-2024-02.csv").write_text(KLINES)
    with pytest.raises(DataError, match=r"2024-02.csv begins at 2024-01-02, .*2024-01.csv ends at 2024-01-02 00:01:00"):
        load(str(tmp_path / "*.csv"))


def test_a_pattern_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none-\*.csv: no file has such a name"):
        load(tmp_path / "none-*.csv")


def test_a_column_of_symbols_parts_a_frame() -> None:
    frame = pl.DataFrame(
        {"date": ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02"], "symbol": ["B", "A", "B", "A"]}
    ).with_columns(open=pl.lit(1.0), high=pl.lit(1.0), low=pl.lit(1.0), close=pl.Series([1.0, 1.0, 1.0, 2.0]))
    with pytest.raises(DataError, match="polars frame row 4, column close: close 2 is outside low 1 to high 1"):
        load(frame)
    loaded = load(frame, repair="widen")
    assert [(columns.symbol, len(columns)) for columns in loaded] == [("B", 2), ("A", 2)]
    assert load(frame.head(3).filter(pl.col("symbol") == "B"))[0].symbol == "B"


def test_bars_and_trades_of_one_symbol_share_their_price_unit() -> None:
    bars = Bars(
        {"time": ["2024-01-01", "2024-01-02"], **{name: [1.0, 1.0] for name in ("open", "high", "low", "close")}}
    )
    trades = Trades({"time": ["2024-01-01T10:00Z"], "price": [1.125], "qty": [2]}, symbol="A")
    first, second = load({"A": bars, "B": trades}), load([Bars(bars.data, symbol="A"), trades])
    assert [one.price_decimals for one in first] == [0, 3]
    assert [one.price_decimals for one in second] == [3, 3]
    assert isinstance(second[0], BarColumns) and second[0].close.tolist() == [1000, 1000]


# ---------------------------------------------------------------- frames


class Capsule:
    """An object of another library that knows the Arrow PyCapsule interface and nothing else."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


def backtesting_frame() -> Any:
    pandas = pytest.importorskip("pandas", reason="pandas is an optional dependency")
    index = pandas.DatetimeIndex(["2024-01-02", "2024-01-03"])
    return pandas.DataFrame(
        {"Open": [1.5, 1], "High": [1.75, 1], "Low": [1.25, 1], "Close": [1.625, 1], "Volume": [100, 5]}, index=index
    )


def test_a_frame_of_backtesting_py_loads_as_it_is() -> None:
    frame = backtesting_frame()
    (columns,) = load(frame)
    assert first_row(columns) == BAR and columns.report is not None and columns.report.layout == "backtesting.py"
    assert first_row(load(frame.to_period("D"))[0]) == BAR
    assert first_row(load(frame.astype(object))[0]) == BAR
    assert load(frame.tz_localize("America/New_York"))[0].to_polars()["time"][0].hour == 5
    assert load(frame, tz="America/New_York")[0].to_polars()["time"][0].hour == 5


def test_a_frame_with_one_ticker_in_its_columns_loads_and_several_are_told_apart() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is an optional dependency")
    frame = backtesting_frame()
    assert first_row(load(pandas.concat({"SPY": frame}, axis=1))[0]) == BAR
    both = pandas.concat({"SPY": frame, "QQQ": frame}, axis=1)
    with pytest.raises(DataError, match=r"holds several tickers \(QQQ, SPY\); pass a dict"):
        load(both)
    loaded = load({ticker: both.xs(ticker, axis=1, level=0) for ticker in ("SPY", "QQQ")})
    assert [columns.symbol for columns in loaded] == ["SPY", "QQQ"]


def test_any_object_with_the_arrow_interface_is_a_source() -> None:
    frame = pl.DataFrame(dict(zip(("time", "open", "high", "low", "close", "volume"), ([v] for v in BAR), strict=True)))
    assert first_row(load(Capsule(frame), every="1d")[0]) == BAR
    loaded = load({"A": Capsule(frame), "B": frame}, every="1d")
    assert [columns.symbol for columns in loaded] == ["A", "B"]


def test_arrow_decimals_and_batches_are_read() -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an optional dependency")
    prices = {name: pyarrow.array([1, 2], pyarrow.decimal128(10, 2)) for name in ("open", "high", "low", "close")}
    table = pyarrow.table({"time": ["2024-01-01", "2024-01-02"], **prices})
    assert load(table)[0].to_polars()["close"].to_list() == [1.0, 2.0]
    assert load(table.to_batches()[0])[0].to_polars()["close"].to_list() == [1.0, 2.0]
    with pytest.raises(DataError, match="is not a table"):
        load(pyarrow.array([1, 2]))


def test_frames_are_not_copied_where_they_need_not_be() -> None:
    times = pl.Series("time", np.arange(3) * 60_000_000_000 + 1_704_067_200_000_000_000).cast(pl.Datetime("ns", "UTC"))
    frame = pl.DataFrame([times, *(pl.Series(name, [1.0, 1.0, 1.0]) for name in ("open", "high", "low", "close"))])
    (columns,) = load(frame)
    assert isinstance(columns, BarColumns)
    assert columns.event_time is columns.open_time
    assert np.shares_memory(columns.event_time, times.to_physical().to_numpy())


# ---------------------------------------------------------------- kinds


def test_read_gives_the_wrapper_of_what_was_found(tmp_path: Path) -> None:
    for case, wrapper in ((BARS[0], Bars), (TRADES[0], Trades), (QUOTES[2], Quotes)):
        (tmp_path / case.name).write_text(case.text)
        found = read(tmp_path / case.name)
        assert type(found) is wrapper
        assert load(found) == [found.data]
    with pytest.raises(ConfigError, match=r"read\(\) takes one instrument, this is bars of A, bars of B"):
        read({"A": tmp_path / BARS[0].name, "B": tmp_path / BARS[0].name})


def test_the_kind_may_be_said() -> None:
    data = {
        "time": [1_704_153_600, 1_704_153_601],
        "close": [1.5, 1.75],
        "volume": [1, 2],
        "bid": [1, 1],
        "ask": [2, 2],
    }
    assert isinstance(load(data)[0], QuoteColumns)
    (trades,) = load(Trades(data, columns={"price": "close"}))
    assert isinstance(trades, TradeColumns) and trades.price.tolist() == [150, 175]
    with pytest.raises(DataError, match="missing open, high, low for bars"):
        load(Bars(data))
    with pytest.raises(ConfigError, match="kind='ticks' must be one of bars, trades, quotes"):
        load(data, kind="ticks")  # type: ignore[arg-type]


def test_of_several_symbols_the_one_that_is_said_is_read() -> None:
    frame = pl.DataFrame(
        {"date": ["2024-01-01", "2024-01-01", "2024-01-02", "2024-01-02"], "ticker": ["B", "A", "B", "A"]}
    )
    frame = frame.with_columns(open=pl.lit(1.0), high=pl.lit(1.0), low=pl.lit(1.0), close=pl.lit(1.0))
    (columns,) = load(frame, symbol="A")
    assert (columns.symbol, len(columns)) == ("A", 2)
    with pytest.raises(DataError, match="polars frame: C is none of its symbols, which are B, A"):
        load(frame, symbol="C")
    assert load(frame.filter(pl.col("ticker") == "A"), symbol="C")[0].symbol == "C"


def test_files_of_a_pattern_are_joined_by_the_symbols_they_hold(tmp_path: Path) -> None:
    for month in (1, 2):
        rows = [f"2024-0{month}-01,{name},1,1,1,1\n2024-0{month}-02,{name},1,1,1,1\n" for name in ("A", "B")]
        (tmp_path / f"{month}.csv").write_text("date,symbol,open,high,low,close\n" + "".join(rows))
    loaded = load(tmp_path / "*.csv")
    assert [(columns.symbol, len(columns)) for columns in loaded] == [("A", 4), ("B", 4)]
    assert [one.symbol for one in info(tmp_path / "*.csv")] == ["A", "B", "A", "B"]  # type: ignore[union-attr]


@pytest.mark.parametrize("volume", [[None, None], [float("nan")] * 2, ["", " "]])
def test_a_volume_that_is_never_there_is_zero_and_said(volume: Any) -> None:
    data = {"time": ["2024-01-01", "2024-01-02"], "volume": volume}
    (columns,) = load({**data, **{name: [1.0, 1.0] for name in ("open", "high", "low", "close")}})
    assert isinstance(columns, BarColumns) and columns.volume.tolist() == [0, 0]
    assert columns.note == "data: volume holds no number in any row and is read as 0"


def test_days_stamped_at_their_close_are_said_to_be_known_too_early() -> None:
    data = {"time": ["2024-01-01", "2024-01-02"], **{name: [1.0, 1.0] for name in ("open", "high", "low", "close")}}
    (columns,) = load(data, stamp="close")
    assert columns.note == (
        'data: stamp="close" with days: a bar counts as known at 00:00 of its day, before the day is over; give times of day'
    )
    assert load(data | {"time": ["2024-01-01 16:00Z", "2024-01-02 16:00Z"]}, stamp="close")[0].note == ""


CANDLES = [[1_704_153_600_000, 1.5, 1.75, 1.25, 1.625, 100], [1_704_153_660_000, 1, 1, 1, 1, 5]]


def test_candles_of_ccxt_and_records_are_sources() -> None:
    names = ("timestamp", "open", "high", "low", "close", "volume")
    records = [dict(zip(names, candle, strict=True)) for candle in CANDLES]
    assert first_row(load(CANDLES)[0]) == first_row(load(records)[0]) == BAR
    assert [columns.symbol for columns in load({"A": CANDLES, "B": records})] == ["A", "B"]
    assert load([{**records[0], "close": "1.625"}], every="1m")[0].symbol == "data"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([CANDLES[0], [1, 2]], r"list row 2: \[1, 2\] does not have 6 values: time, open, high, low, close, volume"),
        ([{"time": 1_704_153_600, "price": 1, "qty": 1}, CANDLES[0]], r"list row 2: .* is no row like the first"),
        (
            [{"time": 1_704_153_600, "price": 1, "qty": 1}, {"time": 1_704_153_600}],
            "row 2, column price: the value is missing",
        ),
        ([[1, 2]], "a list of data must hold frames"),
        ([], "no data: the list of instruments is empty"),
    ],
)
def test_rows_that_differ_are_refused(rows: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(rows)


def test_files_that_pandas_and_arrow_write_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = backtesting_frame()
    frame.to_parquet(tmp_path / "index.parquet")
    frame.to_csv(tmp_path / "index.csv")
    pl.DataFrame(CANDLES, schema=["time", "open", "high", "low", "close", "volume"], orient="row").write_ipc(
        tmp_path / "candles.feather"
    )
    for name in ("index.parquet", "index.csv", "candles.feather"):
        assert first_row(load(tmp_path / name)[0]) == BAR, name
    monkeypatch.setenv("HOME", str(tmp_path))
    assert first_row(load("~/index.csv")[0]) == first_row(load("~/*.feather")[0]) == BAR
    (tmp_path / "broken.arrow").write_bytes(b"x")
    with pytest.raises(DataError, match=r"broken.arrow: "):
        load(tmp_path / "broken.arrow")

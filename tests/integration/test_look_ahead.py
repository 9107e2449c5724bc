"""The look-ahead proof: planted peeks are found and named, honest strategies are clean, and what it cannot reach is said."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cracktrader as ct
from cracktrader.cli import main
from cracktrader.data import random_walk

BARS = 600
FRAME = random_walk(seed=3, bars=BARS)
SIGNAL = FRAME["close"].shift(-1).to_numpy()
"""Made before any run, of tomorrow's closes."""


class Cross(ct.Strategy):
    """Honest, with indicators of both kinds, history and orders that rest."""

    fast: int = 5

    def on_start(self, ctx: Any) -> None:
        self.quick, self.slow = ctx.indicator(ct.SMA(self.fast)), ctx.indicator(ct.SMA(20))
        self.wide = ctx.indicator(lambda values: float(values.max() - values.min()), window=10)
        self.closes: list[float] = []
        self.best = 0.0

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.closes.append(bar.close)
        self.best = max(self.best, float(ctx.history("close").max()))
        if self.quick.crossed_above(self.slow):
            ctx.target(1)
        elif self.quick.crossed_below(self.slow):
            ctx.target(-1)
        elif self.wide.warm and self.wide.value > 0.2 and not ctx.orders():
            ctx.buy(1, limit=bar.close - 0.5)

    def on_fill(self, ctx: Any, fill: Any) -> None:
        if fill.price > self.best:
            ctx.sell(1, limit=fill.price + 1)


def next_close(data: Any) -> ct.Strategy:
    """numpy, shifted by -1."""
    following = np.append(data["close"].to_numpy()[1:], np.nan)

    class NextClose(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.at, self.following = -1, following

        def on_bar(self, ctx: Any, bar: Any) -> None:
            self.at += 1
            ctx.target(1 if self.following[self.at] > bar.close else 0)

    return NextClose()


class Normalised(ct.Strategy):
    """Reads a global frame, and normalises by the mean of all of it."""

    def on_start(self, ctx: Any) -> None:
        closes = FRAME["close"].to_numpy()
        self.score, self.at = (closes - closes.mean()) / closes.std(), -1

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.at += 1
        ctx.target(1 if self.score[self.at] < -1 else -1 if self.score[self.at] > 1 else 0)


def indicator_ahead(data: Any) -> ct.Strategy:
    """An indicator in Python that reads the bar after its own from a closure."""
    closes = data["close"].to_numpy()

    class Tomorrow(ct.Indicator):
        at = -1

        def update(self, value: Any) -> None:
            self.at += 1
            self.value = closes[min(self.at + 1, len(closes) - 1)]

    class WithIndicator(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.honest, self.tomorrow = ctx.indicator(ct.SMA(5)), ctx.indicator(Tomorrow())

        def on_bar(self, ctx: Any, bar: Any) -> None:
            ctx.target(1 if self.tomorrow.value > bar.close else 0)

    return WithIndicator()


def best_on_all(data: Any) -> ct.Strategy:
    """Fits a parameter to all of the data before it declares its indicator."""
    rising = data["close"][-1] > data["close"][0]

    class Fitted(ct.Strategy):
        def on_start(self, ctx: Any) -> None:
            self.average = ctx.indicator(ct.SMA(5 if rising else 50))

        def on_bar(self, ctx: Any, bar: Any) -> None:
            ctx.target(1 if self.average.warm and bar.close > self.average.value else 0)

    return Fitted()


class OfItsOwn(ct.Strategy):
    """Trades on what was computed before, out of the proof's reach."""

    def on_start(self, ctx: Any) -> None:
        self.at = -1

    def on_bar(self, ctx: Any, bar: Any) -> None:
        self.at += 1
        ctx.target(1 if SIGNAL[self.at] > bar.close else 0)


@pytest.fixture
def points(engine: str) -> int:
    """Moments tried; the Python core takes longer."""
    return 20 if engine == "rust" else 6


def test_an_honest_strategy_is_clean(engine: str, points: int) -> None:
    found = ct.look_ahead(Cross, FRAME, engine=engine, points=points, fees=0.001)
    assert found.clean and found.finding is None and not found.unreached
    assert found.points == points and found.answers > points
    assert repr(found).startswith("LookAhead(clean: Cross does not look ahead: ")


@pytest.mark.parametrize(
    "venue",
    [
        ct.Venue(participation=0.001, slippage_bps=5, spread_bps=2),
        ct.Venue(feed_latency="20s", submit_latency="90s", report_latency="1s"),
        ct.Venue(fill="same_close", session="24h", touch_probability=0.5),
    ],
    ids=["costs", "latency", "same close"],
)
def test_what_a_venue_knows_at_an_open_is_not_taken_for_a_look_ahead(engine: str, points: int, venue: ct.Venue) -> None:
    found = ct.look_ahead(Cross(fast=3), FRAME, engine=engine, points=points, venue=venue, timeframes=["5m"])
    assert found.clean, found


def test_several_strategies_on_several_kinds_of_data_are_clean(engine: str) -> None:
    walk = random_walk(seed=9, bars=300)
    trades = ct.Trades({"time": walk["time"].dt.offset_by("7s"), "price": walk["close"], "quantity": walk["volume"]})
    data = {"A": walk, "B": [trades], "C": random_walk(seed=10, bars=40, every="5m")}

    class Both(ct.Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            ctx.target(1 if bar.close > bar.open else 0, symbol=bar.symbol)

        def on_trade(self, ctx: Any, trade: Any) -> None:
            if int(trade.price * 100) % 7 == 0:
                ctx.buy(1, symbol="B")

    found = ct.look_ahead([Both, Both()], data, engine=engine, points=6)
    assert found.clean, found
    assert found.strategies == ("Both-0", "Both-1")


def test_a_shifted_array_is_found_at_the_bar_that_reads_it(engine: str, points: int) -> None:
    found = ct.look_ahead(next_close, FRAME, engine=engine, points=points)
    finding = found.finding
    assert not found.clean and finding is not None
    assert (finding.strategy, finding.event, finding.symbol) == ("NextClose", "Bar", "data")
    assert finding.answered != finding.answered_otherwise
    # One bar ahead shows at the last bar that is the same in both.
    assert finding.time == finding.until
    named = [one for one in finding.holds if one.startswith("self.following: ")]
    assert len(named) == 1 and f"different from row {finding.row} on" in named[0]
    assert "NextClose looks ahead at the Bar of data" in str(found)


def test_a_mean_over_a_global_frame_is_found_and_the_frame_comes_back(engine: str, points: int) -> None:
    frame = FRAME
    finding = ct.look_ahead(Normalised, FRAME, engine=engine, points=points).finding
    assert finding is not None and finding.strategy == "Normalised"
    assert any(one.startswith("self.score: 600 rows, different from row 0 on") for one in finding.holds)
    assert any(one.startswith("global FRAME: ") for one in finding.holds)
    assert FRAME is frame and globals()["FRAME"] is frame


def test_an_indicator_that_reads_ahead_is_named(engine: str, points: int) -> None:
    finding = ct.look_ahead(indicator_ahead, FRAME, engine=engine, points=points).finding
    assert finding is not None and len(finding.indicators) == 1
    assert finding.indicators[0].startswith("self.tomorrow, Tomorrow: ")
    assert not any(one.startswith(("self.tomorrow", "self.honest")) for one in finding.holds)


def test_a_parameter_fitted_to_all_of_the_data_is_found_at_the_start(engine: str, points: int) -> None:
    finding = ct.look_ahead(best_on_all, FRAME, engine=engine, points=points).finding
    assert finding is not None and (finding.seq, finding.event) == (0, "Start")
    assert "declares indicator" in finding.answered[0]


def test_data_of_its_own_are_not_called_clean(engine: str) -> None:
    found = ct.look_ahead(OfItsOwn, FRAME, engine=engine, points=2)
    assert not found.clean and found.finding is None
    assert found.unreached == ("global SIGNAL of OfItsOwn: ndarray of 600 rows",)
    assert repr(found).startswith("LookAhead(not proved: ")


def test_a_strategy_that_fails_for_want_of_later_rows_is_found(engine: str) -> None:
    def fragile(data: Any) -> ct.Strategy:
        rows = data["close"].to_list()

        class Fragile(ct.Strategy):
            def on_start(self, ctx: Any) -> None:
                self.at = 0

            def on_bar(self, ctx: Any, bar: Any) -> None:
                self.at += 1
                if self.at % 10 == 0:
                    ctx.target(1 if len(rows) > self.at + 100 else 0)

        return Fragile()

    # Of the other ways only the one that leaves the rows out shows that their number was read.
    finding = ct.look_ahead(fragile, FRAME, engine=engine, points=20).finding
    assert finding is not None and finding.way == "cut"


def test_chance_of_its_own_is_said_to_be_that(engine: str) -> None:
    class Dice(ct.Strategy):
        def on_bar(self, ctx: Any, bar: Any) -> None:
            ctx.target(random.randrange(3))

    with pytest.raises(ct.StrategyError, match="answers differently on the same data"):
        ct.look_ahead(Dice, FRAME, engine=engine, points=1)


def test_wrong_arguments_are_refused_by_name() -> None:
    with pytest.raises(ct.ConfigError, match="look_ahead has no option 'fee'"):
        ct.look_ahead(Cross, FRAME, fee=1)
    with pytest.raises(ct.ConfigError, match="is no strategy"):
        ct.look_ahead(17, FRAME)
    with pytest.raises(ct.ConfigError, match="returned 17"):
        ct.look_ahead(lambda data: 17, FRAME, engine="python")
    with pytest.raises(ct.ConfigError, match="moments above 0"):
        ct.look_ahead(Cross, FRAME, points=0, engine="python")
    with pytest.raises(ct.ConfigError, match="needs more data"):
        ct.look_ahead(Cross, FRAME.head(2), engine="python")
    with pytest.raises(ct.StrategyError, match=r"could not be made \(KeyError"):
        ct.look_ahead(lambda data: {}["x"], FRAME, engine="python")


def test_the_same_proof_has_the_same_digest_on_both_cores_of_a_pandas_frame(engine: str) -> None:
    pandas = pytest.importorskip("pandas")
    found = ct.look_ahead(Cross, FRAME.to_pandas(), engine=engine, points=2)
    assert found == ct.look_ahead(Cross, FRAME, engine="python", points=2)
    assert isinstance(FRAME.to_pandas(), pandas.DataFrame)


# --- the command

PEEK = """
import cracktrader as ct

class Honest(ct.Strategy):
    size: int = 1
    def on_bar(self, ctx, bar):
        ctx.target(self.size if bar.close > bar.open else 0)

def peek(data, size=1):
    following = data["close"].shift(-1).to_list()
    class Peek(ct.Strategy):
        def on_start(self, ctx):
            self.at = -1
        def on_bar(self, ctx, bar):
            self.at += 1
            ctx.target(size if (following[self.at] or 0) > bar.close else 0)
    return Peek()
"""


@pytest.mark.rust
def test_the_command_says_clean_or_names_the_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(PEEK)
    FRAME.with_columns(pl.col("time").dt.replace_time_zone(None)).write_parquet("walk.parquet")
    verify = ["verify", "--look-ahead", "mine.py", "--data", "walk.parquet", "--points", "10"]
    assert main([*verify, "--param", "size=2"]) == 0
    assert "Honest does not look ahead" in capsys.readouterr().out
    assert main([*verify, "--strategy", "peek", "--param", "size=2"]) == 1
    said = capsys.readouterr().out
    assert "Peek looks ahead at the Bar of walk" in said and "following: 600 rows" in said
    assert main([*verify, "--strategy", "peek", "--json"]) == 1
    assert '"clean": false' in capsys.readouterr().out
    assert main([*verify, "--strategy", "peek", "--param", "length=2"]) == 2
    assert "peek takes no such parameter" in capsys.readouterr().err
    assert main([*verify, "--param", "length=2"]) == 2
    assert main(["verify"]) == 2


READS = """
import {library}
import cracktrader as ct

{before}
class Reads(ct.Strategy):
    def on_start(self, ctx):
        self.mean = {mean}

    def on_bar(self, ctx, bar):
        ctx.target(1 if bar.close < self.mean else 0)
"""


WITH_OPEN = """
def mean_of():
    with open('walk.csv') as file:
        return sum(float(row['close']) for row in csv.DictReader(file)) / 600

"""


@pytest.mark.rust
@pytest.mark.parametrize(
    ("library", "before", "mean"),
    [
        ("polars", "MEAN = polars.read_csv('walk.csv')['close'].mean()", "MEAN"),
        ("polars", "", "polars.scan_csv('walk.csv').collect()['close'].mean()"),
        ("pandas", "", "float(pandas.read_csv('walk.csv')['close'].mean())"),
        ("numpy", "", "numpy.loadtxt('walk.csv', delimiter=',', skiprows=1, usecols=4).mean()"),
        ("csv", WITH_OPEN, "mean_of()"),
        (
            "pathlib",
            "",
            "sum(float(row.split(',')[4]) for row in pathlib.Path('walk.csv').read_text().split()[1:]) / 600",
        ),
    ],
    ids=["when imported", "polars", "pandas", "numpy", "open", "path"],
)
def test_a_mean_over_the_file_itself_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    library: str,
    before: str,
    mean: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    FRAME.write_csv("walk.csv")
    text = Path("walk.csv").read_bytes()
    Path("reads.py").write_text(READS.format(library=library, before=before, mean=mean))
    assert main(["verify", "--look-ahead", "reads.py", "--data", "walk.csv", "--points", "4"]) == 1
    assert "self.mean: " in capsys.readouterr().out
    assert Path("walk.csv").read_bytes() == text and pl.read_csv("walk.csv").height == BARS


@pytest.mark.rust
def test_a_file_that_cannot_be_changed_is_said_to_be_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    FRAME.write_csv("walk.csv", separator=";")
    mean = "float(pandas.read_csv('walk.csv', sep=';')['close'].mean())"
    Path("reads.py").write_text(READS.format(library="pandas", before="", mean=mean))
    assert main(["verify", "--look-ahead", "reads.py", "--data", "walk.csv", "--points", "2"]) == 2
    said = capsys.readouterr().out
    assert "not proved" in said and f"the file {tmp_path / 'walk.csv'}, which it reads itself" in said


@pytest.mark.rust
def test_a_parquet_file_and_a_packed_one_stand_in_too(tmp_path: Path) -> None:
    import gzip

    FRAME.write_parquet(tmp_path / "walk.parquet")
    (tmp_path / "walk.csv.gz").write_bytes(gzip.compress(FRAME.write_csv().encode()))
    for name, read in (("walk.parquet", pl.read_parquet), ("walk.csv.gz", pl.read_csv)):
        path = tmp_path / name

        class Reads(ct.Strategy):
            def on_start(self, ctx: Any) -> None:
                self.mean = getattr(pl, read.__name__)(path)["close"].mean()  # noqa: B023 - called before the next is made

            def on_bar(self, ctx: Any, bar: Any) -> None:
                ctx.target(1 if bar.close < self.mean else 0)

        finding = ct.look_ahead(Reads, path, points=4).finding
        assert finding is not None and finding.holds[0].startswith("self.mean: "), name

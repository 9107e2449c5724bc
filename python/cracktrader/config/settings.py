"""Every setting with its type, its limits, its default and one sentence: the truth behind the file, the flags and the reference page.

What a limit cannot say (a time zone that does not exist, a file that is missing) is refused where the value is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

DURATION = r"^(0|\d+ ?(ns|us|ms|s|m|h|d|w))$"
"""A number and a unit, or 0."""
INTERVAL = r"^(|\d+ ?(ns|us|ms|s|m|h|d|w))$"
"""A number and a unit, or nothing."""
LATENCY = r"^(|0|\d+ ?(ns|us|ms|s|m|h|d|w))$"
"""A number and a unit, or 0, or nothing."""
CURRENCY = "^[A-Z0-9]{2,16}$"


class BacktestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run starts with and what trading costs."""

    cash: Annotated[float, Meta(gt=0, lt=1e15, description="Initial cash.")] = 10_000.0
    currency: Annotated[str, Meta(pattern=CURRENCY, description="Currency of the cash and of the statistics.")] = "USD"
    account: Annotated[
        Literal["margin", "cash"], Meta(description="A margin account may go short, a cash account may not.")
    ] = "margin"
    leverage: Annotated[
        float,
        Meta(ge=1, le=1000, description="How much may be held for the equity: 5 is an initial margin of 0.2."),
    ] = 1.0
    fees: Annotated[
        float, Meta(ge=-0.1, le=0.1, description="One fee rate for maker and taker; 0.001 is 10 basis points.")
    ] = 0.0
    timeframes: Annotated[
        list[str],
        Meta(
            description="Bars that the core makes while it runs, beside those of the data: 5m, 1h, 1d, 100 ticks, 10 volume, 1e6 value."
        ),
    ] = []
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Seed of everything random, ctx.random included.")] = 0


class VenueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the simulated venue behaves."""

    fill: Annotated[
        Literal["next_open", "same_close"],
        Meta(description="When a market order fills: at the next bar's open or at this close."),
    ] = "next_open"
    submit_latency: Annotated[
        str, Meta(pattern=DURATION, description="Time from a decision to the arrival of the order, such as 200ms.")
    ] = "0"
    cancel_latency: Annotated[
        str, Meta(pattern=LATENCY, description="The same for cancels; empty: that of orders.")
    ] = ""
    replace_latency: Annotated[
        str, Meta(pattern=LATENCY, description="The same for replaces; empty: that of orders.")
    ] = ""
    report_latency: Annotated[
        str, Meta(pattern=DURATION, description="Time from the venue to the strategy, of what becomes of orders.")
    ] = "0"
    feed_latency: Annotated[
        str, Meta(pattern=DURATION, description="Time from the venue to the strategy, of market data.")
    ] = "0"
    latency_jitter: Annotated[
        str, Meta(pattern=DURATION, description="What each message may take on top, drawn with the seed.")
    ] = "0"
    participation: Annotated[
        float, Meta(ge=0, le=1, description="Share of a bar's volume that all orders together may fill; 0: no limit.")
    ] = 0.0
    slippage_bps: Annotated[
        float, Meta(ge=0, le=10_000, description="What market orders and stops pay beyond the price, in basis points.")
    ] = 0.0
    slippage_ticks: Annotated[int, Meta(ge=0, le=10**9, description="And in ticks.")] = 0
    spread_bps: Annotated[
        float,
        Meta(ge=0, le=10_000, description="Between bid and ask, in basis points: takers pay half on bars and trades."),
    ] = 0.0
    spread_ticks: Annotated[int, Meta(ge=0, le=10**9, description="And in ticks.")] = 0
    touch_probability: Annotated[
        float, Meta(ge=0, le=1, description="How likely a limit fills that the price touches but does not cross.")
    ] = 1.0
    session: Annotated[
        str,
        Meta(
            description="When the venue is open: bars, 24h, or hours such as 09:30-16:00 America/New_York; empty: not declared."
        ),
    ] = ""


class DataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is read, and how its times are to be understood."""

    files: Annotated[
        list[str],
        Meta(
            description="CSV or Parquet files as PATH or SYMBOL=PATH, or sample:NAME; more than one are several instruments."
        ),
    ] = msgspec.field(default_factory=lambda: ["sample:sp500_1d"])
    start: Annotated[str, Meta(description="First moment to trade, such as 2020-01-31, UTC; empty: all there is.")] = ""
    end: Annotated[str, Meta(description="Moment before which trading ends, UTC; empty: all there is.")] = ""
    every: Annotated[
        str, Meta(pattern=INTERVAL, description="Length of a bar, such as 1m or 1d; empty: the commonest spacing.")
    ] = ""
    stamp: Annotated[
        Literal["", "open", "close"],
        Meta(
            description="Which end of a bar its time marks; empty: as the file says, else open, which cannot look ahead."
        ),
    ] = ""
    tz: Annotated[
        str, Meta(description="Time zone of times that name none, such as America/New_York or +02:00; empty: UTC.")
    ] = ""
    dst: Annotated[
        Literal["refuse", "infer", "earliest", "latest"],
        Meta(
            description="What to make of a wall clock reading that occurs twice; infer goes by the order of the rows."
        ),
    ] = "refuse"
    time_format: Annotated[str, Meta(description="A strptime format of the times, such as %d.%m.%Y; empty: found.")] = (
        ""
    )
    columns: Annotated[
        dict[str, str], Meta(description="What a field is called in the file, as FIELD=NAME, such as close=Last.")
    ] = {}
    adjust: Annotated[bool, Meta(description="Scale prices to the column of adjusted closes.")] = False
    tick: Annotated[str, Meta(description="Smallest price step, such as 0.01; empty: inferred.")] = ""
    repair: Annotated[
        list[Literal["sort", "keep_last", "widen", "snap", "drop"]],
        Meta(description="What to do about bad rows: sort, keep_last, widen, snap, drop; empty: they are refused."),
    ] = []


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run that is recorded with --journal is kept."""

    sync: Annotated[
        Literal["os", "group", "always"],
        Meta(
            description="When what is written is durable: os: when the system writes it; group: after records or milliseconds; always: "
            "before anything leaves the process."
        ),
    ] = "os"
    records: Annotated[int, Meta(ge=1, le=10**9, description="Recorded steps between two syncs of a group.")] = 1_000
    milliseconds: Annotated[int, Meta(ge=1, le=10**6, description="And how long the first of them waits.")] = 50
    full: Annotated[bool, Meta(description="Write every row of the data into the journal itself.")] = False
    checkpoint_events: Annotated[
        int, Meta(ge=0, le=10**12, description="A checkpoint after so many events; 0: none by number.")
    ] = 250_000
    checkpoint_seconds: Annotated[
        float, Meta(ge=0, le=10**6, description="And after so many seconds; 0: none by time.")
    ] = 30.0


class OutputSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a command shows beside its result."""

    progress: Annotated[bool, Meta(description="Show a progress bar on a terminal.")] = True


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that cracktrader.toml may hold."""

    engine_backend: Annotated[
        Literal["rust", "python"],
        Meta(description="Which core runs: the fast one or the readable one; both are equal to the bit."),
    ] = "rust"
    backtest: BacktestSettings = BacktestSettings()
    venue: VenueSettings = VenueSettings()
    data: DataSettings = msgspec.field(default_factory=DataSettings)
    journal: JournalSettings = JournalSettings()
    output: OutputSettings = OutputSettings()


class Setting(NamedTuple):
    """One value that can be set. `section` is "" for what stands above the first section of the file."""

    section: str
    name: str
    annotation: Any
    default: Any

    @property
    def key(self) -> str:
        """How the setting is named in messages: section.name."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.key.upper().replace(".", "__")

    @property
    def limits(self) -> Meta:
        """Its description and its limits."""
        meta: Meta = get_args(self.annotation)[1]
        return meta

    @property
    def kind(self) -> Any:
        """Its type without the limits."""
        return get_args(self.annotation)[0]

    @property
    def is_list(self) -> bool:
        """Whether it holds several values."""
        return get_origin(self.kind) is list

    @property
    def is_table(self) -> bool:
        """Whether it holds values by name."""
        return get_origin(self.kind) is dict

    @property
    def choices(self) -> tuple[str, ...]:
        """The values there are, where they can be listed."""
        kind = get_args(self.kind)[0] if get_origin(self.kind) is list else self.kind
        return get_args(kind) if get_origin(kind) is Literal else ()

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        if self.choices:
            listed = "a list of" if self.is_list else "one of"
            return f"{listed} {', '.join(map(json_text, self.choices))}"
        if self.limits.pattern is not None:
            return PATTERN_WORDS[self.limits.pattern]
        return f"{KIND_WORDS[self.kind]} {' and '.join(_bounds(self.limits))}".strip().replace(" and up to", " up to")


PREFIX = "CRACKTRADER__"
"""What every environment variable of a setting begins with."""

KIND_WORDS = {
    float: "a number",
    int: "a whole number",
    str: "text",
    bool: "true or false",
    list[str]: "a list of text",
    dict[str, str]: 'names and text, as in {close = "Last"}',
}
PATTERN_WORDS = {
    CURRENCY: "2 to 16 of A-Z and 0-9",
    DURATION: 'a duration: a number and one of ns, us, ms, s, m, h, d, w, as in "200ms"',
    LATENCY: 'empty, 0, or a duration: a number and one of ns, us, ms, s, m, h, d, w, as in "200ms"',
    INTERVAL: 'empty, or a duration: a number and one of ns, us, ms, s, m, h, d, w, as in "5m"',
}


def _bounds(limits: Meta) -> Iterator[str]:
    for value, words in ((limits.gt, "above"), (limits.ge, "from"), (limits.le, "up to"), (limits.lt, "below")):
        if value is not None:
            yield f"{words} {value}" if isinstance(value, int) else f"{words} {value:.15g}".replace("e+", "e")


def json_text(value: Any) -> str:
    """A value as TOML and JSON write it; the two agree for all that a setting can hold."""
    return msgspec.json.encode(value).decode()


@cache
def settings() -> dict[str, Setting]:
    """Every setting by its key, in the order in which a file shows them."""
    found = []
    for name, annotation in get_type_hints(Settings, include_extras=True).items():
        if get_origin(annotation) is None:
            section = get_type_hints(annotation, include_extras=True).items()
            found += [Setting(name, own, kind, getattr(annotation(), own)) for own, kind in section]
        else:
            found.append(Setting("", name, annotation, getattr(Settings(), name)))
    return {setting.key: setting for setting in found}


def sections() -> dict[str, str]:
    """The sections of the file and the sentence that opens each."""
    hints = get_type_hints(Settings)
    return {
        name: str(kind.__doc__)
        for name, kind in hints.items()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of cracktrader.toml, for editors that complete and check TOML."""
    described = msgspec.json.schema(Settings)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "cracktrader.toml", **described}

"""The tables of the report as HTML, and its trades as data."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from cracktrader.analysis.months import monthly
from cracktrader.analysis.stats import FIGURES, shown
from cracktrader.core.reject import REJECTS
from cracktrader.data.stamps import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cracktrader.analysis.result import Result
    from cracktrader.analysis.stats import Figure, Stats
    from cracktrader.runtime.outcome import RunOutcome

MAX_LINES = 500
_GROUPS = {
    "Return": (
        "initial_cash final_equity peak_equity total_return buy_and_hold_return cagr average_return best_trade worst_trade"
    ),
    "Risk": "volatility sharpe sortino calmar alpha beta max_drawdown max_drawdown_days recovery_days longest_drawdown_days",
    "Trades": (
        "trades open_trades win_rate profit_factor expectancy average_win average_loss sqn kelly average_trade_days "
        "longest_trade_days"
    ),
    "Activity": "exposure turnover fees fills orders days periods_per_year risk_free",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def cards(stats: Stats) -> str:
    """The figures a trader looks at first, each with one that puts it in its place."""
    told = {
        "total_return": f"buy and hold {shown('total_return', stats.buy_and_hold_return)}",
        "cagr": f"volatility {shown('volatility', stats.volatility)}",
        "sharpe": f"Sortino {shown('sortino', stats.sortino)}",
        "max_drawdown": f"for {shown('max_drawdown_days', stats.max_drawdown_days)}",
        "trades": f"{shown('win_rate', stats.win_rate)} won" if stats.trades else "none closed",
        "profit_factor": f"SQN {shown('sqn', stats.sqn)}",
        "exposure": f"turnover {shown('turnover', stats.turnover)}",
        "fees": f"final equity {shown('final_equity', stats.final_equity)}",
    }
    return "".join(
        f'<div class="card"><small>{FIGURES[name].label}</small><b{colour(name, stats[name])}>{_short(name, stats[name])}</b>'
        f"<small>{context}</small></div>"
        for name, context in told.items()
    )


def _short(name: str, value: Figure) -> str:
    """As `shown`, with a decimal less where a card would be too narrow."""
    if value is not None and FIGURES[name].unit == "percent":
        return f"{value * 100:,.1f} %" if abs(value) < 100 else f"{value * 100:,.0f} %"
    if value is not None and FIGURES[name].unit == "money" and abs(value) >= 100_000:
        return f"{value:,.0f}"
    return shown(name, value)


def colour(name: str, value: Figure) -> str:
    """A class for figures of which more is better."""
    if not FIGURES[name].signed or not value:
        return ""
    return ' class="up"' if value > 0 else ' class="down"'


def statistics(stats: Stats) -> str:
    """Every figure, in groups."""
    return "".join(
        f"<div><h3>{title}</h3><table>{_rows(stats, names)}</table></div>" for title, names in _GROUPS.items()
    )


def _rows(stats: Stats, names: str) -> str:
    return "".join(
        f"<tr><td>{FIGURES[name].label}</td><td{colour(name, stats[name])}>{shown(name, stats[name])}</td></tr>"
        for name in names.split()
    )


def parameters(strategies: Sequence[dict[str, Any]]) -> str:
    """Chips: the parameters, after the name of their strategy where there are several."""
    chips = []
    for strategy in strategies:
        owner = f"<i>{escape(strategy['name'])}</i>" if len(strategies) > 1 else ""
        pairs = strategy["parameters"].items()
        chips += [f"<span>{owner}{escape(str(name))} <b>{escape(str(value))}</b></span>" for name, value in pairs]
    return "".join(chips)


def settings(config: dict[str, Any]) -> str:
    """Chips: what a reader must know of account, venue and fees; what is at its plain zero is left out."""
    chips = [("account", one["kind"]) for one in config.get("accounts", ())]
    for venue in config.get("venues", ()):
        chips += [
            (name.replace("_", " "), _setting(name, value)) for name, value in venue.items() if _tells(venue, name)
        ]
    rates = {(one["maker_fee"], one["taker_fee"]) for one in config.get("instruments", ())}
    if len(rates) == 1:
        maker, taker = (f"{rate / 1e7:g} %" for rate in rates.pop())
        chips.append(("fees", taker if maker == taker else f"{maker} maker, {taker} taker"))
    return "".join(f"<span><i>{escape(name)}</i>{escape(value)}</span>" for name, value in chips)


_RATES = ("participation", "slippage", "spread", "touch_probability")


def _tells(venue: dict[str, Any], name: str) -> bool:
    """Whether a setting of the venue is worth a chip: set, and not what the one before it already says."""
    value = venue[name]
    if name in ("name", "simulated") or not isinstance(value, str | int) or value in (0, ""):
        return False
    if name in ("cancel_latency", "replace_latency"):
        return bool(value != venue.get("submit_latency"))
    return (name, value) != ("touch_probability", 10**9)


def _setting(name: str, value: Any) -> str:
    """A setting in a person's unit: rates of the core are parts of 1e9, latencies nanoseconds."""
    if name in _RATES:
        return f"{value / 1e7:g} %"
    return duration_text(value) if name.endswith(("latency", "jitter")) else str(value)


# ---------------------------------------------------------------- months


def months(outcome: RunOutcome) -> str:
    """A year per row, a month per column, the year beside them, and what buy and hold made of it."""
    years = monthly(outcome)
    if not years:
        return "<p>No data.</p>"
    held = years[0].held is not None
    heads = ["", *_MONTHS, "Year", *(["Held"] if held else [])]
    rows = [
        f"<tr><th>{one.year}</th>{''.join(_cell(one.months.get(month)) for month in range(1, 13))}{_cell(one.total, 'year')}"
        f"{_cell(one.held, 'held') if held else ''}</tr>"
        for one in years
    ]
    return f'<table class="months"><tr>{"".join(f"<th>{name}</th>" for name in heads)}</tr>{"".join(rows)}</table>'


def _cell(change: float | None, kind: str = "") -> str:
    """One cell, tinted by size: the strongest from ten percent a month, or thirty a year, on."""
    of = f' class="{kind}"' if kind else ""
    if change is None:
        return f"<td{of}></td>"
    strength = min(abs(change) / (0.30 if kind else 0.10), 1.0) ** 0.75 * 0.62
    tint = ""
    if abs(change) >= 5e-4 and kind != "held":
        tint = f' style="background:rgba(var(--{"up" if change > 0 else "down"}-rgb),{strength:.2f})"'
    return f"<td{of}{tint}>{round(change * 100, 1) + 0.0:.1f}</td>"


# ---------------------------------------------------------------- trades

_TRADE_COLUMNS = (
    # name, label, kind, whether above zero is good
    ("number", "#", "count", False),
    ("strategy", "Strategy", "text", False),
    ("symbol", "Symbol", "text", False),
    ("side", "Side", "text", False),
    ("entry_time", "Entry", "moment", False),
    ("exit_time", "Exit", "moment", False),
    ("bars", "Bars", "count", False),
    ("quantity", "Quantity", "size", False),
    ("entry_price", "Entry price", "price", False),
    ("exit_price", "Exit price", "price", False),
    ("pnl", "Profit", "profit", True),
    ("return", "Return", "percent", True),
    ("mae", "Worst", "percent", False),
    ("mfe", "Best", "percent", False),
    ("fees", "Fees", "money", False),
    ("entry_rule", "Entry rule", "text", False),
    ("exit_rule", "Exit rule", "text", False),
)


def trades(result: Result, limit: int) -> dict[str, Any]:
    """Columns and rows for the page's table; times in milliseconds. Columns that say one thing only are left out."""
    trips = result.trips
    count = min(len(trips["pnl"]), limit)
    columns = [column for column in _TRADE_COLUMNS if not _says_nothing(result, column[0])]
    rows = [[_value(trips, name, kind, at) for name, _, kind, _ in columns] for at in range(count)]
    stamps = [time for name in ("entry_time", "exit_time") for time in trips[name] if time is not None]
    return {
        "columns": [
            {"name": name, "label": label, "kind": kind, "coloured": good} for name, label, kind, good in columns
        ],
        "rows": rows,
        "daily": not any(stamp % 86_400_000_000_000 for stamp in stamps),
        "decimals": max((one["price_decimals"] for one in result.outcome.instruments), default=2),
    }


def _says_nothing(result: Result, name: str) -> bool:
    if name == "strategy":
        return len(result.outcome.strategies) < 2
    if name in ("entry_rule", "exit_rule"):
        return len({*result.trips["entry_rule"], *result.trips["exit_rule"]} - {None}) < 2
    return name == "symbol" and len(result.outcome.bars) < 2


def _value(trips: dict[str, list[Any]], name: str, kind: str, at: int) -> Any:
    if name == "number":
        return at + 1
    value = trips[name][at]
    if kind == "moment" and value is not None:
        return value // 1_000_000
    # Twelve digits are more than the table shows and half of what a double spells out.
    return float(f"{value:.12g}") if isinstance(value, float) else value


# ---------------------------------------------------------------- strategies, facts


def strategies(result: Result) -> str:
    """One row a strategy, where several ran."""
    if len(result.outcome.strategies) < 2:
        return ""
    heads = "Strategy, Orders, Fills, Trades, Open trades, Win rate, Realised profit, Unrealised profit, Fees, Profit".split(
        ", "
    )
    rows = []
    for row in result.by_strategy.iter_rows(named=True):
        rate = "-" if row["win_rate"] is None else f"{row['win_rate']:.1%}"
        cells = [f"{row[name]:,}" for name in ("orders", "fills", "trades", "open_trades")]
        cells += [rate, *(f"{row[name]:,.2f}" for name in ("realized_pnl", "unrealized_pnl", "fees"))]
        kind = "up" if row["pnl"] > 0 else "down"
        rows.append(
            f"<tr><td>{escape(row['strategy'])}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}"
            f'<td class="{kind}">{row["pnl"]:+,.2f}</td></tr>'
        )
    table = f"<table>{_head(heads)}{''.join(rows)}</table>"
    return (
        '<section><h2>Strategies: profit after fees</h2><div class="chart" id="strategies"></div>'
        f'<div class="scroll">{table}</div></section>'
    )


def _head(names: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"


def facts(result: Result) -> str:
    """Data, configuration, diagnostics, log and errors, folded away."""
    parts = [_folded("Data", _data(result), opened=True), _folded("Configuration", _configuration(result))]
    if result.diagnostics:
        parts.append(_folded(f"Diagnostics ({len(result.diagnostics)})", _diagnostics(result)))
    if result.outcome.log:
        parts.append(_folded(f"Log ({len(result.outcome.log):,} lines)", _log(result)))
    if result.errors:
        parts.append(_folded(f"Errors ({len(result.errors):,})", f"<pre>{escape(result.errors[0])}</pre>"))
    return "".join(parts)


def _folded(title: str, body: str, *, opened: bool = False) -> str:
    return f"<details{' open' if opened else ''}><summary>{title}</summary>{body}</details>"


def _data(result: Result) -> str:
    rows = [
        f'<tr><td>{escape(row["symbol"])}</td><td class="text">{row["kind"]}</td>'
        f"<td>{row['rows']:,}</td><td>{_moment(row['first'])}</td><td>{_moment(row['last'])}</td>"
        f'<td>{_interval(row["interval"])}</td><td class="text wide">{escape(row["origin"])}</td>'
        f'<td class="text wide"><code>{row["sha256"]}</code></td></tr>'
        for row in result.data_report.iter_rows(named=True)
    ]
    numbers, texts = ("Rows", "First", "Last", "Interval"), ("From", "SHA-256")
    names = "".join(f"<th>{name}</th>" for name in numbers) + "".join(f'<th class="text">{name}</th>' for name in texts)
    notes = [escape(note) for note in result.data_report["note"] if note]
    said = "".join(f'<p class="soft">{note}</p>' for note in notes)
    heads = f'<th>Symbol</th><th class="text">Kind</th>{names}'
    return f'<div class="scroll"><table><tr>{heads}</tr>{"".join(rows)}</table>{said}</div>'


def _interval(interval: Any) -> str:
    """A bar's length, such as "5m"; a dash for ticks."""
    return "-" if interval is None else duration_text(round(interval.total_seconds() * 1_000) * 1_000_000)


def _moment(time: Any) -> str:
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def _configuration(result: Result) -> str:
    """The core's configuration: a table for each list of records, and what is left as names and values."""
    config = result.config
    if not config:
        return "<p>Not kept.</p>"
    single = {name: value for name, value in config.items() if not _is_records(value)}
    parts = [_records(name, value) for name, value in config.items() if _is_records(value)]
    return "".join([*parts, _records("run", [single])])


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _records(title: str, records: list[dict[str, Any]]) -> str:
    heads = list(dict.fromkeys(name for record in records for name in record))
    rows = "".join(
        f"<tr>{''.join(f'<td class=text>{_said(record.get(name))}</td>' for name in heads)}</tr>" for record in records
    )
    names = "".join(f'<th class="text">{escape(name.replace("_", " "))}</th>' for name in heads)
    return f'<div class="scroll"><h3>{escape(title)}</h3><table><tr>{names}</tr>{rows}</table></div>'


def _said(value: Any) -> str:
    """A value in a cell; nothing for none, and for the null of the core's integers."""
    if value is None or value == -(2**63) or value == [] or value == {}:
        return "-"
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name)).replace('_', ' ')} {_said(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "<br>".join(_said(part) for part in value)
    return escape(str(value))


def _diagnostics(result: Result) -> str:
    known = {reject.slug: reject for reject in REJECTS.values()}
    rows = []
    for slug, count in sorted(result.diagnostics.items(), key=lambda item: (-item[1], item[0])):
        reject = known.get(slug)
        said = "" if reject is None else f"{reject.message}: {reject.remedy}"
        rows.append(f'<tr><td>{slug}</td><td>{count:,}</td><td class="text wide">{escape(said)}</td></tr>')
    return f'<div class="scroll"><table><tr><th>Code</th><th>Times</th><th class="text">Meaning</th></tr>{"".join(rows)}</table></div>'


def _log(result: Result) -> str:
    lines = result.log.head(MAX_LINES).iter_rows(named=True)
    text = "\n".join(f"{row['time']:%Y-%m-%d %H:%M:%S}  {row['strategy']}  {row['text']}" for row in lines)
    more = len(result.outcome.log) - MAX_LINES
    return f"<pre>{escape(text)}{f'{chr(10)}... and {more:,} more: result.log' if more > 0 else ''}</pre>"


def footer(outcome: RunOutcome) -> str:
    """What identifies the run."""
    return (
        f"{outcome.events:,} events on the {escape(outcome.engine)} core, contract version {outcome.contract_version}, seed {outcome.seed}"
        f"<br>State digest <code>{escape(outcome.state_hash)}</code>"
    )

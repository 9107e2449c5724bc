"""The fill table in words (contract/fills.toml), by the number that every fill carries. A test holds it against the contract."""

from typing import NamedTuple


class FillRuleWords(NamedTuple):
    """A row: when an order trades, and at what price."""

    name: str
    when: str
    price: str


FILL_RULES: dict[int, FillRuleWords] = {
    1: FillRuleWords(
        "bar_next_open",
        "the first bar whose open is at or after the arrival; for what a triggered stop has left, too",
        "its open",
    ),
    2: FillRuleWords(
        "bar_same_close",
        "the first bar close at or after the arrival, the last one shown included (fill = same_close)",
        "that close",
    ),
    3: FillRuleWords(
        "bar_open",
        "marketable at the first open it takes part in",
        "that open",
    ),
    4: FillRuleWords(
        "bar_gap",
        "marketable at a later open",
        "that open",
    ),
    5: FillRuleWords(
        "bar_touch",
        "the path open, nearer extreme (tie: high first), other extreme, close touches the limit",
        "the limit",
    ),
    6: FillRuleWords(
        "bar_stop_open",
        "an open is at the stop or beyond it",
        "that open",
    ),
    7: FillRuleWords(
        "bar_stop",
        "the path reaches the stop",
        "the stop",
    ),
    8: FillRuleWords(
        "bar_stop_limit",
        "the open or the path triggers the stop at a price that satisfies the limit",
        "that price",
    ),
    9: FillRuleWords(
        "bar_on_close",
        "the close of the first bar whose open it could take part in",
        "that close",
    ),
    10: FillRuleWords(
        "bar_enter",
        "a child becomes live inside a bar where the path stands at its limit or better, or at its stop or beyond",
        "that price",
    ),
    11: FillRuleWords(
        "trade_next",
        "the next trade after the arrival; for what a triggered stop has left, too",
        "its price",
    ),
    12: FillRuleWords(
        "trade_first",
        "marketable at the first trade after the arrival",
        "its price",
    ),
    13: FillRuleWords(
        "trade_touch",
        "a later trade at the limit or better",
        "the limit",
    ),
    14: FillRuleWords(
        "trade_stop",
        "a trade at the stop or beyond it",
        "its price",
    ),
    15: FillRuleWords(
        "trade_stop_limit",
        "a trade triggers the stop at a price that satisfies the limit",
        "its price",
    ),
    16: FillRuleWords(
        "trade_on_close",
        "the close of the session",
        "the last trade's",
    ),
    17: FillRuleWords(
        "quote_top",
        "on arrival, else the first quote; for what a triggered stop has left, the next one",
        "the ask for a buy, the bid for a sell",
    ),
    18: FillRuleWords(
        "quote_first",
        "marketable at the top on arrival, else at the first quote",
        "the top",
    ),
    19: FillRuleWords(
        "quote_touch",
        "the top reaches the limit later",
        "the limit",
    ),
    20: FillRuleWords(
        "quote_stop",
        "the side it would trade at reaches the stop",
        "the top",
    ),
    21: FillRuleWords(
        "quote_stop_limit",
        "the top triggers the stop at a price that satisfies the limit",
        "the top",
    ),
    22: FillRuleWords(
        "quote_on_close",
        "the close of the session",
        "the last top",
    ),
}

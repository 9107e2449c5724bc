"""Every code a value can carry: refusals at admission, findings on reports, broken invariants.

Generated from contract/reject_codes.toml by docs/generate.py: change the contract, not this file. Deliberately not
here: when a code is given (admission, risk, order, invariant decide that).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Stage(IntEnum):
    """Where a code comes from; admission goes through the first four in this order."""

    SCHEMA = 0
    CAPABILITY = 1
    RISK = 2
    LEGALITY = 3
    REPORT = 4
    VENUE = 5
    STOP = 6


class RejectCode(IntEnum):
    """The codes by slug. 0 in a report means no code and is no member."""

    E_UNKNOWN_INSTRUMENT = 101
    E_BAD_FIELD = 102
    E_QUANTITY = 103
    E_LOT = 104
    E_PRICE_MISSING = 105
    E_PRICE_UNEXPECTED = 106
    E_PRICE = 107
    E_TICK = 108
    E_EXPIRE_TIME = 109
    E_GROUP = 110
    E_TRAIL = 111
    E_ORDER_TYPE = 201
    E_TIME_IN_FORCE = 202
    E_POST_ONLY = 203
    E_REDUCE_ONLY = 204
    E_REPLACE = 205
    E_STARTING = 301
    E_ENDED = 302
    E_STOPPED = 303
    E_LOOP = 304
    E_KILL_SWITCH = 305
    E_FROZEN = 306
    E_REDUCE_ONLY_MODE = 307
    E_ORDER_QUANTITY = 308
    E_RANGE = 309
    E_NO_MARK = 310
    E_NO_RATE = 311
    E_ORDER_NOTIONAL = 312
    E_POSITION = 313
    E_OPEN_ORDERS = 314
    E_ORDER_RATE = 315
    E_PRICE_COLLAR = 316
    E_DAILY_LOSS = 317
    E_SHORT = 318
    E_CASH = 319
    E_MARGIN = 320
    E_MAINTENANCE = 321
    E_UNKNOWN_ORDER = 401
    E_CLOSED = 402
    E_NOT_SENT = 403
    E_CANCEL_PENDING = 404
    E_REPLACE_PENDING = 405
    E_IN_DOUBT = 406
    E_REPLACE_FILLED = 407
    E_LOOSEN = 408
    R_ILLEGAL = 501
    R_UNKNOWN_ORDER = 502
    R_DUPLICATE = 503
    R_CONFLICT = 504
    R_NO_KEY = 505
    R_RETIRED = 506
    R_MALFORMED = 507
    R_LATE_FILL = 508
    R_OVERFILL = 509
    R_BUST_UNKNOWN = 510
    R_BUST_SETTLED = 511
    R_BUST_REPEATED = 512
    R_STATEMENT = 513
    R_SETTLED_UNKNOWN = 514
    R_GROUP_OVERFILL = 515
    V_FUNDS = 601
    V_UNFILLED = 602
    V_TOO_LATE = 603
    V_REPLACE_FILLED = 604
    V_GROUP = 605
    V_PARENT = 606
    V_POST_ONLY = 607
    V_REDUCE_ONLY = 608
    V_EXPIRED_ON_ARRIVAL = 609
    V_SESSION = 610
    V_MAINTENANCE = 611
    V_SETTLED = 612
    S_INVARIANT_QUANTITY = 701
    S_INVARIANT_CASH = 702
    S_INVARIANT_POSITION = 703
    S_INVARIANT_LEDGERS = 704
    S_RANGE = 705
    S_OPERATOR = 706
    S_STRATEGY = 707


class Reject(NamedTuple):
    """One row of the catalogue; `message` holds the places {value} and {limit}."""

    number: int
    slug: str
    stage: Stage
    message: str
    remedy: str


REJECTS: dict[int, Reject] = {
    101: Reject(
        number=101,
        slug="E_UNKNOWN_INSTRUMENT",
        stage=Stage.SCHEMA,
        message="instrument {value} is not declared; {limit} are",
        remedy="declare the instrument before the run, or use an index of ctx.instruments",
    ),
    102: Reject(
        number=102,
        slug="E_BAD_FIELD",
        stage=Stage.SCHEMA,
        message="field {limit} holds {value}, which is no member of its enumeration",
        remedy="use the constants of Side, OrderType, TimeInForce and RiskFlag",
    ),
    103: Reject(
        number=103,
        slug="E_QUANTITY",
        stage=Stage.SCHEMA,
        message="quantity {value} is outside 1..{limit}",
        remedy="use a quantity above zero and at most the instrument's max_quantity",
    ),
    104: Reject(
        number=104,
        slug="E_LOT",
        stage=Stage.SCHEMA,
        message="quantity {value} is not a multiple of the lot {limit}",
        remedy="round the quantity down to the lot (ctx helpers do it)",
    ),
    105: Reject(
        number=105,
        slug="E_PRICE_MISSING",
        stage=Stage.SCHEMA,
        message="order type {limit} needs the price that is missing",
        remedy="give limit_price for limit orders and stop_price for stop orders",
    ),
    106: Reject(
        number=106,
        slug="E_PRICE_UNEXPECTED",
        stage=Stage.SCHEMA,
        message="order type {limit} takes no such price, it has {value}",
        remedy="leave the price out",
    ),
    107: Reject(
        number=107,
        slug="E_PRICE",
        stage=Stage.SCHEMA,
        message="price {value} is outside 1..{limit}",
        remedy="use a price above zero and at most the instrument's max_price",
    ),
    108: Reject(
        number=108,
        slug="E_TICK",
        stage=Stage.SCHEMA,
        message="price {value} is not a multiple of the tick {limit}",
        remedy="round the price to the tick (ctx helpers do it)",
    ),
    109: Reject(
        number=109,
        slug="E_EXPIRE_TIME",
        stage=Stage.SCHEMA,
        message="expire_time {value} does not fit the time in force at {limit}",
        remedy="give GTD orders an expire_time later than now, and no other order one",
    ),
    110: Reject(
        number=110,
        slug="E_GROUP",
        stage=Stage.SCHEMA,
        message="the order cannot join a group with the order of seq {value}, index {limit}",
        remedy="name an earlier open order of the strategy and instrument; see Groups in order_lifecycle.md",
    ),
    111: Reject(
        number=111,
        slug="E_TRAIL",
        stage=Stage.SCHEMA,
        message="trailing term {value} does not fit the order (most {limit})",
        remedy="give trailing orders a trail_offset, trailing stop-limits a limit_offset, and no other order either",
    ),
    201: Reject(
        number=201,
        slug="E_ORDER_TYPE",
        stage=Stage.CAPABILITY,
        message="the venue has no order type {value}",
        remedy="use an order type of session capabilities",
    ),
    202: Reject(
        number=202,
        slug="E_TIME_IN_FORCE",
        stage=Stage.CAPABILITY,
        message="the venue has no time in force {value}",
        remedy="use a time in force of session capabilities",
    ),
    203: Reject(
        number=203,
        slug="E_POST_ONLY",
        stage=Stage.CAPABILITY,
        message="the venue has no post-only orders",
        remedy="drop post_only",
    ),
    204: Reject(
        number=204,
        slug="E_REDUCE_ONLY",
        stage=Stage.CAPABILITY,
        message="the venue has no reduce-only orders",
        remedy="drop reduce_only, or use the reduce_only risk flag",
    ),
    205: Reject(
        number=205,
        slug="E_REPLACE",
        stage=Stage.CAPABILITY,
        message="the venue cannot replace orders",
        remedy="cancel the order and place another",
    ),
    301: Reject(
        number=301,
        slug="E_STARTING",
        stage=Stage.RISK,
        message="orders are not taken in on_start",
        remedy="place the first order in the first callback",
    ),
    302: Reject(
        number=302,
        slug="E_ENDED",
        stage=Stage.RISK,
        message="the data has ended",
        remedy="nothing to do: open orders and positions stay and are marked",
    ),
    303: Reject(
        number=303,
        slug="E_STOPPED",
        stage=Stage.RISK,
        message="the engine is stopped by code {value}",
        remedy="resolve the cause, then restart",
    ),
    304: Reject(
        number=304,
        slug="E_LOOP",
        stage=Stage.RISK,
        message="callbacks caused each other {value} deep at one instant (limit {limit})",
        remedy="do not answer every report with an order at the same instant; the strategy is halted",
    ),
    305: Reject(
        number=305,
        slug="E_KILL_SWITCH",
        stage=Stage.RISK,
        message="the kill switch is on",
        remedy="an operator clears it with a control event",
    ),
    306: Reject(
        number=306,
        slug="E_FROZEN",
        stage=Stage.RISK,
        message="instrument {value} is frozen for new risk",
        remedy="wait for the venue, or reconcile the overfill that froze it",
    ),
    307: Reject(
        number=307,
        slug="E_REDUCE_ONLY_MODE",
        stage=Stage.RISK,
        message="only {limit} may be traded to reduce the position, the order wants {value}",
        remedy="send at most the open position in the other direction",
    ),
    308: Reject(
        number=308,
        slug="E_ORDER_QUANTITY",
        stage=Stage.RISK,
        message="quantity {value} is above the order limit {limit}",
        remedy="split the order or raise max_order_quantity",
    ),
    309: Reject(
        number=309,
        slug="E_RANGE",
        stage=Stage.RISK,
        message="the order's worst fill does not fit the number range (quantity {value})",
        remedy="use a smaller quantity or coarser decimals",
    ),
    310: Reject(
        number=310,
        slug="E_NO_MARK",
        stage=Stage.RISK,
        message="instrument {value} has no price yet",
        remedy="wait for its first market data",
    ),
    311: Reject(
        number=311,
        slug="E_NO_RATE",
        stage=Stage.RISK,
        message="currency {value} has no conversion to the base currency",
        remedy="declare a conversion instrument for it",
    ),
    312: Reject(
        number=312,
        slug="E_ORDER_NOTIONAL",
        stage=Stage.RISK,
        message="notional {value} is above the order limit {limit}",
        remedy="send a smaller order or raise max_order_notional",
    ),
    313: Reject(
        number=313,
        slug="E_POSITION",
        stage=Stage.RISK,
        message="the position could reach {value}, above the limit {limit}",
        remedy="send a smaller order, cancel others, or raise max_position",
    ),
    314: Reject(
        number=314,
        slug="E_OPEN_ORDERS",
        stage=Stage.RISK,
        message="{value} orders are open, the limit is {limit}",
        remedy="cancel some or raise max_open_orders",
    ),
    315: Reject(
        number=315,
        slug="E_ORDER_RATE",
        stage=Stage.RISK,
        message="{value} orders inside the window, the limit is {limit}",
        remedy="slow down or raise max_orders_per_window",
    ),
    316: Reject(
        number=316,
        slug="E_PRICE_COLLAR",
        stage=Stage.RISK,
        message="price {value} is further from the mark {limit} than the collar allows",
        remedy="check the price or widen price_collar",
    ),
    317: Reject(
        number=317,
        slug="E_DAILY_LOSS",
        stage=Stage.RISK,
        message="the day's loss is {value}, the limit is {limit}",
        remedy="stop for today or raise max_daily_loss",
    ),
    318: Reject(
        number=318,
        slug="E_SHORT",
        stage=Stage.RISK,
        message="a cash account holds {limit} to sell, the order wants {value}",
        remedy="sell less, or use a margin account",
    ),
    319: Reject(
        number=319,
        slug="E_CASH",
        stage=Stage.RISK,
        message="the order needs {value} in cash, {limit} is free",
        remedy="send a smaller order or cancel others",
    ),
    320: Reject(
        number=320,
        slug="E_MARGIN",
        stage=Stage.RISK,
        message="the order needs {value} initial margin, equity is {limit}",
        remedy="send a smaller order or reduce other positions",
    ),
    321: Reject(
        number=321,
        slug="E_MAINTENANCE",
        stage=Stage.RISK,
        message="the positions need {value} maintenance margin, equity is {limit}",
        remedy="reduce positions or add funds: reductions and cancels still pass",
    ),
    401: Reject(
        number=401,
        slug="E_UNKNOWN_ORDER",
        stage=Stage.LEGALITY,
        message="this strategy has no order (seq {value}, index {limit})",
        remedy="use the id that the helper returned",
    ),
    402: Reject(
        number=402,
        slug="E_CLOSED",
        stage=Stage.LEGALITY,
        message="order {value} is closed",
        remedy="check ctx.orders before cancelling or replacing",
    ),
    403: Reject(
        number=403,
        slug="E_NOT_SENT",
        stage=Stage.LEGALITY,
        message="order {value} was refused and never sent",
        remedy="see its Denied report",
    ),
    404: Reject(
        number=404,
        slug="E_CANCEL_PENDING",
        stage=Stage.LEGALITY,
        message="order {value} has a cancel under way",
        remedy="wait for the venue's answer",
    ),
    405: Reject(
        number=405,
        slug="E_REPLACE_PENDING",
        stage=Stage.LEGALITY,
        message="order {value} has a replace under way",
        remedy="wait for the venue's answer",
    ),
    406: Reject(
        number=406,
        slug="E_IN_DOUBT",
        stage=Stage.LEGALITY,
        message="order {value} is in doubt and cannot be replaced",
        remedy="cancel it, or wait until the venue's state is known",
    ),
    407: Reject(
        number=407,
        slug="E_REPLACE_FILLED",
        stage=Stage.LEGALITY,
        message="the new total {value} is not above the filled quantity {limit}",
        remedy="cancel the order instead",
    ),
    408: Reject(
        number=408,
        slug="E_LOOSEN",
        stage=Stage.LEGALITY,
        message="a strategy may not clear risk flag {value}",
        remedy="an operator clears it with a control event",
    ),
    501: Reject(
        number=501,
        slug="R_ILLEGAL",
        stage=Stage.REPORT,
        message="order {value} cannot apply this event while {limit}",
        remedy="nothing was changed; compare the venue's order history",
    ),
    502: Reject(
        number=502,
        slug="R_UNKNOWN_ORDER",
        stage=Stage.REPORT,
        message="a report for order {value}, which does not exist",
        remedy="reconcile: the order was placed outside this run",
    ),
    503: Reject(
        number=503,
        slug="R_DUPLICATE",
        stage=Stage.REPORT,
        message="the same report again",
        remedy="none needed: it has no effect",
    ),
    504: Reject(
        number=504,
        slug="R_CONFLICT",
        stage=Stage.REPORT,
        message="a known key with other content (order {value})",
        remedy="quarantined; ask the venue which one is true",
    ),
    505: Reject(
        number=505,
        slug="R_NO_KEY",
        stage=Stage.REPORT,
        message="a fill without a key (order {value})",
        remedy="quarantined; fetch the fill with its trade id",
    ),
    506: Reject(
        number=506,
        slug="R_RETIRED",
        stage=Stage.REPORT,
        message="a report for order {value} from before the retention horizon",
        remedy="quarantined; reconcile by statement",
    ),
    507: Reject(
        number=507,
        slug="R_MALFORMED",
        stage=Stage.REPORT,
        message="a report with impossible content: {value}",
        remedy="quarantined; check the adapter",
    ),
    508: Reject(
        number=508,
        slug="R_LATE_FILL",
        stage=Stage.REPORT,
        message="order {value} was already closed; the fill is booked",
        remedy="none needed; position and cash are right",
    ),
    509: Reject(
        number=509,
        slug="R_OVERFILL",
        stage=Stage.REPORT,
        message="order {value} filled {limit} more than was open; booked, the instrument is frozen",
        remedy="reconcile with the venue, then clear the freeze",
    ),
    510: Reject(
        number=510,
        slug="R_BUST_UNKNOWN",
        stage=Stage.REPORT,
        message="a bust before its fill (order {value}); parked",
        remedy="none needed: applied when the fill arrives",
    ),
    511: Reject(
        number=511,
        slug="R_BUST_SETTLED",
        stage=Stage.REPORT,
        message="the bust of a settled fill (order {value}); booked as an opposite fill",
        remedy="check the account statement",
    ),
    512: Reject(
        number=512,
        slug="R_BUST_REPEATED",
        stage=Stage.REPORT,
        message="the fill is already busted (order {value})",
        remedy="none needed: it has no effect",
    ),
    513: Reject(
        number=513,
        slug="R_STATEMENT",
        stage=Stage.REPORT,
        message="the venue says {value}, the engine has {limit}",
        remedy="reconcile before trading on",
    ),
    514: Reject(
        number=514,
        slug="R_SETTLED_UNKNOWN",
        stage=Stage.REPORT,
        message="settlement of a fill that is not open (order {value})",
        remedy="none needed: it has no effect",
    ),
    515: Reject(
        number=515,
        slug="R_GROUP_OVERFILL",
        stage=Stage.REPORT,
        message="order {value} filled {limit} more than its group allows; booked",
        remedy="legs crossed at the venue: check the position; hold groups at a venue that can",
    ),
    601: Reject(
        number=601,
        slug="V_FUNDS",
        stage=Stage.VENUE,
        message="not enough funds at the fill",
        remedy="leave room for gaps and fees when sizing",
    ),
    602: Reject(
        number=602,
        slug="V_UNFILLED",
        stage=Stage.VENUE,
        message="what an IOC or FOK order could not fill at once",
        remedy="none needed",
    ),
    603: Reject(
        number=603,
        slug="V_TOO_LATE",
        stage=Stage.VENUE,
        message="the order was no longer working when the request arrived",
        remedy="none needed",
    ),
    604: Reject(
        number=604,
        slug="V_REPLACE_FILLED",
        stage=Stage.VENUE,
        message="the new total is not above what is already filled",
        remedy="cancel instead",
    ),
    605: Reject(
        number=605,
        slug="V_GROUP",
        stage=Stage.VENUE,
        message="another order of its group filled or ended, or its parent fills no more",
        remedy="none needed",
    ),
    606: Reject(
        number=606,
        slug="V_PARENT",
        stage=Stage.VENUE,
        message="its parent ended without a fill",
        remedy="none needed",
    ),
    607: Reject(
        number=607,
        slug="V_POST_ONLY",
        stage=Stage.VENUE,
        message="a post-only order would have taken",
        remedy="place it further from the market",
    ),
    608: Reject(
        number=608,
        slug="V_REDUCE_ONLY",
        stage=Stage.VENUE,
        message="nothing is left that the order may reduce",
        remedy="none needed: the position is closed",
    ),
    609: Reject(
        number=609,
        slug="V_EXPIRED_ON_ARRIVAL",
        stage=Stage.VENUE,
        message="the order's time was over when it arrived",
        remedy="give a later expire_time, or a lower latency",
    ),
    610: Reject(
        number=610,
        slug="V_SESSION",
        stage=Stage.VENUE,
        message="no session is declared in which the order could end",
        remedy="give the venue sessions (ct.Venue(session=...)), or use another time in force",
    ),
    611: Reject(
        number=611,
        slug="V_MAINTENANCE",
        stage=Stage.VENUE,
        message="equity was below the maintenance margin at a fill that grows the position",
        remedy="reduce positions or add funds",
    ),
    612: Reject(
        number=612,
        slug="V_SETTLED",
        stage=Stage.VENUE,
        message="the instrument has settled and trades no more",
        remedy="trade the next contract",
    ),
    701: Reject(
        number=701,
        slug="S_INVARIANT_QUANTITY",
        stage=Stage.STOP,
        message="order {value}: filled and open quantities do not add up",
        remedy="report a defect with the journal",
    ),
    702: Reject(
        number=702,
        slug="S_INVARIANT_CASH",
        stage=Stage.STOP,
        message="currency {value} is not conserved (off by {limit})",
        remedy="report a defect with the journal",
    ),
    703: Reject(
        number=703,
        slug="S_INVARIANT_POSITION",
        stage=Stage.STOP,
        message="instrument {value}: position is not the sum of its causes (off by {limit})",
        remedy="report a defect with the journal",
    ),
    704: Reject(
        number=704,
        slug="S_INVARIANT_LEDGERS",
        stage=Stage.STOP,
        message="instrument {value}: the strategies' ledgers do not sum to the account (off by {limit})",
        remedy="report a defect with the journal",
    ),
    705: Reject(
        number=705,
        slug="S_RANGE",
        stage=Stage.STOP,
        message="a fact does not fit the number range",
        remedy="declare fewer decimals, or split the account",
    ),
    706: Reject(
        number=706,
        slug="S_OPERATOR",
        stage=Stage.STOP,
        message="an operator stopped the engine",
        remedy="restart when ready",
    ),
    707: Reject(
        number=707,
        slug="S_STRATEGY",
        stage=Stage.STOP,
        message="strategy {value} raised and the policy is to halt the engine",
        remedy="see the error with its traceback",
    ),
}


def explain(code: int, value: int, limit: int) -> str:
    """One line for people: the slug, the message with its two numbers, the remedy."""
    reject = REJECTS[code]
    message = reject.message.replace("{value}", str(value)).replace("{limit}", str(limit))
    return f"{reject.slug}: {message}; {reject.remedy}"

//! Every code a value can carry: refusals at admission, findings on reports, broken invariants.
//!
//! Generated from contract/reject_codes.toml by docs/generate.py: change the contract, not this file. Deliberately not
//! here: when a code is given (admission, risk, order, invariant decide that).

/// Where a code comes from; admission goes through the first four in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// `schema`
    Schema = 0,
    /// `capability`
    Capability = 1,
    /// `risk`
    Risk = 2,
    /// `legality`
    Legality = 3,
    /// `report`
    Report = 4,
    /// `venue`
    Venue = 5,
    /// `stop`
    Stop = 6,
}

/// The codes by slug.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum RejectCode {
    /// `E_UNKNOWN_INSTRUMENT`
    EUnknownInstrument = 101,
    /// `E_BAD_FIELD`
    EBadField = 102,
    /// `E_QUANTITY`
    EQuantity = 103,
    /// `E_LOT`
    ELot = 104,
    /// `E_PRICE_MISSING`
    EPriceMissing = 105,
    /// `E_PRICE_UNEXPECTED`
    EPriceUnexpected = 106,
    /// `E_PRICE`
    EPrice = 107,
    /// `E_TICK`
    ETick = 108,
    /// `E_EXPIRE_TIME`
    EExpireTime = 109,
    /// `E_GROUP`
    EGroup = 110,
    /// `E_TRAIL`
    ETrail = 111,
    /// `E_ORDER_TYPE`
    EOrderType = 201,
    /// `E_TIME_IN_FORCE`
    ETimeInForce = 202,
    /// `E_POST_ONLY`
    EPostOnly = 203,
    /// `E_REDUCE_ONLY`
    EReduceOnly = 204,
    /// `E_REPLACE`
    EReplace = 205,
    /// `E_STARTING`
    EStarting = 301,
    /// `E_ENDED`
    EEnded = 302,
    /// `E_STOPPED`
    EStopped = 303,
    /// `E_LOOP`
    ELoop = 304,
    /// `E_KILL_SWITCH`
    EKillSwitch = 305,
    /// `E_FROZEN`
    EFrozen = 306,
    /// `E_REDUCE_ONLY_MODE`
    EReduceOnlyMode = 307,
    /// `E_ORDER_QUANTITY`
    EOrderQuantity = 308,
    /// `E_RANGE`
    ERange = 309,
    /// `E_NO_MARK`
    ENoMark = 310,
    /// `E_NO_RATE`
    ENoRate = 311,
    /// `E_ORDER_NOTIONAL`
    EOrderNotional = 312,
    /// `E_POSITION`
    EPosition = 313,
    /// `E_OPEN_ORDERS`
    EOpenOrders = 314,
    /// `E_ORDER_RATE`
    EOrderRate = 315,
    /// `E_PRICE_COLLAR`
    EPriceCollar = 316,
    /// `E_DAILY_LOSS`
    EDailyLoss = 317,
    /// `E_SHORT`
    EShort = 318,
    /// `E_CASH`
    ECash = 319,
    /// `E_MARGIN`
    EMargin = 320,
    /// `E_MAINTENANCE`
    EMaintenance = 321,
    /// `E_UNKNOWN_ORDER`
    EUnknownOrder = 401,
    /// `E_CLOSED`
    EClosed = 402,
    /// `E_NOT_SENT`
    ENotSent = 403,
    /// `E_CANCEL_PENDING`
    ECancelPending = 404,
    /// `E_REPLACE_PENDING`
    EReplacePending = 405,
    /// `E_IN_DOUBT`
    EInDoubt = 406,
    /// `E_REPLACE_FILLED`
    EReplaceFilled = 407,
    /// `E_LOOSEN`
    ELoosen = 408,
    /// `R_ILLEGAL`
    RIllegal = 501,
    /// `R_UNKNOWN_ORDER`
    RUnknownOrder = 502,
    /// `R_DUPLICATE`
    RDuplicate = 503,
    /// `R_CONFLICT`
    RConflict = 504,
    /// `R_NO_KEY`
    RNoKey = 505,
    /// `R_RETIRED`
    RRetired = 506,
    /// `R_MALFORMED`
    RMalformed = 507,
    /// `R_LATE_FILL`
    RLateFill = 508,
    /// `R_OVERFILL`
    ROverfill = 509,
    /// `R_BUST_UNKNOWN`
    RBustUnknown = 510,
    /// `R_BUST_SETTLED`
    RBustSettled = 511,
    /// `R_BUST_REPEATED`
    RBustRepeated = 512,
    /// `R_STATEMENT`
    RStatement = 513,
    /// `R_SETTLED_UNKNOWN`
    RSettledUnknown = 514,
    /// `R_GROUP_OVERFILL`
    RGroupOverfill = 515,
    /// `V_FUNDS`
    VFunds = 601,
    /// `V_UNFILLED`
    VUnfilled = 602,
    /// `V_TOO_LATE`
    VTooLate = 603,
    /// `V_REPLACE_FILLED`
    VReplaceFilled = 604,
    /// `V_GROUP`
    VGroup = 605,
    /// `V_PARENT`
    VParent = 606,
    /// `V_POST_ONLY`
    VPostOnly = 607,
    /// `V_REDUCE_ONLY`
    VReduceOnly = 608,
    /// `V_EXPIRED_ON_ARRIVAL`
    VExpiredOnArrival = 609,
    /// `V_SESSION`
    VSession = 610,
    /// `V_MAINTENANCE`
    VMaintenance = 611,
    /// `V_SETTLED`
    VSettled = 612,
    /// `S_INVARIANT_QUANTITY`
    SInvariantQuantity = 701,
    /// `S_INVARIANT_CASH`
    SInvariantCash = 702,
    /// `S_INVARIANT_POSITION`
    SInvariantPosition = 703,
    /// `S_INVARIANT_LEDGERS`
    SInvariantLedgers = 704,
    /// `S_RANGE`
    SRange = 705,
    /// `S_OPERATOR`
    SOperator = 706,
    /// `S_STRATEGY`
    SStrategy = 707,
}

/// One row of the catalogue; `message` holds the places `{value}` and `{limit}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reject {
    /// The number that messages and the journal carry.
    pub number: u16,
    /// The name as contract and documents spell it.
    pub slug: &'static str,
    /// Where the code comes from.
    pub stage: Stage,
    /// What happened.
    pub message: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// The catalogue, by number.
pub const REJECTS: [Reject; 79] = [
    Reject {
        number: 101,
        slug: "E_UNKNOWN_INSTRUMENT",
        stage: Stage::Schema,
        message: "instrument {value} is not declared; {limit} are",
        remedy: "declare the instrument before the run, or use an index of ctx.instruments",
    },
    Reject {
        number: 102,
        slug: "E_BAD_FIELD",
        stage: Stage::Schema,
        message: "field {limit} holds {value}, which is no member of its enumeration",
        remedy: "use the constants of Side, OrderType, TimeInForce and RiskFlag",
    },
    Reject {
        number: 103,
        slug: "E_QUANTITY",
        stage: Stage::Schema,
        message: "quantity {value} is outside 1..{limit}",
        remedy: "use a quantity above zero and at most the instrument's max_quantity",
    },
    Reject {
        number: 104,
        slug: "E_LOT",
        stage: Stage::Schema,
        message: "quantity {value} is not a multiple of the lot {limit}",
        remedy: "round the quantity down to the lot (ctx helpers do it)",
    },
    Reject {
        number: 105,
        slug: "E_PRICE_MISSING",
        stage: Stage::Schema,
        message: "order type {limit} needs the price that is missing",
        remedy: "give limit_price for limit orders and stop_price for stop orders",
    },
    Reject {
        number: 106,
        slug: "E_PRICE_UNEXPECTED",
        stage: Stage::Schema,
        message: "order type {limit} takes no such price, it has {value}",
        remedy: "leave the price out",
    },
    Reject {
        number: 107,
        slug: "E_PRICE",
        stage: Stage::Schema,
        message: "price {value} is outside 1..{limit}",
        remedy: "use a price above zero and at most the instrument's max_price",
    },
    Reject {
        number: 108,
        slug: "E_TICK",
        stage: Stage::Schema,
        message: "price {value} is not a multiple of the tick {limit}",
        remedy: "round the price to the tick (ctx helpers do it)",
    },
    Reject {
        number: 109,
        slug: "E_EXPIRE_TIME",
        stage: Stage::Schema,
        message: "expire_time {value} does not fit the time in force at {limit}",
        remedy: "give GTD orders an expire_time later than now, and no other order one",
    },
    Reject {
        number: 110,
        slug: "E_GROUP",
        stage: Stage::Schema,
        message: "the order cannot join a group with the order of seq {value}, index {limit}",
        remedy: "name an earlier open order of the strategy and instrument; see Groups in order_lifecycle.md",
    },
    Reject {
        number: 111,
        slug: "E_TRAIL",
        stage: Stage::Schema,
        message: "trailing term {value} does not fit the order (most {limit})",
        remedy: "give trailing orders a trail_offset, trailing stop-limits a limit_offset, and no other order either",
    },
    Reject {
        number: 201,
        slug: "E_ORDER_TYPE",
        stage: Stage::Capability,
        message: "the venue has no order type {value}",
        remedy: "use an order type of session capabilities",
    },
    Reject {
        number: 202,
        slug: "E_TIME_IN_FORCE",
        stage: Stage::Capability,
        message: "the venue has no time in force {value}",
        remedy: "use a time in force of session capabilities",
    },
    Reject {
        number: 203,
        slug: "E_POST_ONLY",
        stage: Stage::Capability,
        message: "the venue has no post-only orders",
        remedy: "drop post_only",
    },
    Reject {
        number: 204,
        slug: "E_REDUCE_ONLY",
        stage: Stage::Capability,
        message: "the venue has no reduce-only orders",
        remedy: "drop reduce_only, or use the reduce_only risk flag",
    },
    Reject {
        number: 205,
        slug: "E_REPLACE",
        stage: Stage::Capability,
        message: "the venue cannot replace orders",
        remedy: "cancel the order and place another",
    },
    Reject {
        number: 301,
        slug: "E_STARTING",
        stage: Stage::Risk,
        message: "orders are not taken in on_start",
        remedy: "place the first order in the first callback",
    },
    Reject {
        number: 302,
        slug: "E_ENDED",
        stage: Stage::Risk,
        message: "the data has ended",
        remedy: "nothing to do: open orders and positions stay and are marked",
    },
    Reject {
        number: 303,
        slug: "E_STOPPED",
        stage: Stage::Risk,
        message: "the engine is stopped by code {value}",
        remedy: "resolve the cause, then restart",
    },
    Reject {
        number: 304,
        slug: "E_LOOP",
        stage: Stage::Risk,
        message: "callbacks caused each other {value} deep at one instant (limit {limit})",
        remedy: "do not answer every report with an order at the same instant; the strategy is halted",
    },
    Reject {
        number: 305,
        slug: "E_KILL_SWITCH",
        stage: Stage::Risk,
        message: "the kill switch is on",
        remedy: "an operator clears it with a control event",
    },
    Reject {
        number: 306,
        slug: "E_FROZEN",
        stage: Stage::Risk,
        message: "instrument {value} is frozen for new risk",
        remedy: "wait for the venue, or reconcile the overfill that froze it",
    },
    Reject {
        number: 307,
        slug: "E_REDUCE_ONLY_MODE",
        stage: Stage::Risk,
        message: "only {limit} may be traded to reduce the position, the order wants {value}",
        remedy: "send at most the open position in the other direction",
    },
    Reject {
        number: 308,
        slug: "E_ORDER_QUANTITY",
        stage: Stage::Risk,
        message: "quantity {value} is above the order limit {limit}",
        remedy: "split the order or raise max_order_quantity",
    },
    Reject {
        number: 309,
        slug: "E_RANGE",
        stage: Stage::Risk,
        message: "the order's worst fill does not fit the number range (quantity {value})",
        remedy: "use a smaller quantity or coarser decimals",
    },
    Reject {
        number: 310,
        slug: "E_NO_MARK",
        stage: Stage::Risk,
        message: "instrument {value} has no price yet",
        remedy: "wait for its first market data",
    },
    Reject {
        number: 311,
        slug: "E_NO_RATE",
        stage: Stage::Risk,
        message: "currency {value} has no conversion to the base currency",
        remedy: "declare a conversion instrument for it",
    },
    Reject {
        number: 312,
        slug: "E_ORDER_NOTIONAL",
        stage: Stage::Risk,
        message: "notional {value} is above the order limit {limit}",
        remedy: "send a smaller order or raise max_order_notional",
    },
    Reject {
        number: 313,
        slug: "E_POSITION",
        stage: Stage::Risk,
        message: "the position could reach {value}, above the limit {limit}",
        remedy: "send a smaller order, cancel others, or raise max_position",
    },
    Reject {
        number: 314,
        slug: "E_OPEN_ORDERS",
        stage: Stage::Risk,
        message: "{value} orders are open, the limit is {limit}",
        remedy: "cancel some or raise max_open_orders",
    },
    Reject {
        number: 315,
        slug: "E_ORDER_RATE",
        stage: Stage::Risk,
        message: "{value} orders inside the window, the limit is {limit}",
        remedy: "slow down or raise max_orders_per_window",
    },
    Reject {
        number: 316,
        slug: "E_PRICE_COLLAR",
        stage: Stage::Risk,
        message: "price {value} is further from the mark {limit} than the collar allows",
        remedy: "check the price or widen price_collar",
    },
    Reject {
        number: 317,
        slug: "E_DAILY_LOSS",
        stage: Stage::Risk,
        message: "the day's loss is {value}, the limit is {limit}",
        remedy: "stop for today or raise max_daily_loss",
    },
    Reject {
        number: 318,
        slug: "E_SHORT",
        stage: Stage::Risk,
        message: "a cash account holds {limit} to sell, the order wants {value}",
        remedy: "sell less, or use a margin account",
    },
    Reject {
        number: 319,
        slug: "E_CASH",
        stage: Stage::Risk,
        message: "the order needs {value} in cash, {limit} is free",
        remedy: "send a smaller order or cancel others",
    },
    Reject {
        number: 320,
        slug: "E_MARGIN",
        stage: Stage::Risk,
        message: "the order needs {value} initial margin, equity is {limit}",
        remedy: "send a smaller order or reduce other positions",
    },
    Reject {
        number: 321,
        slug: "E_MAINTENANCE",
        stage: Stage::Risk,
        message: "the positions need {value} maintenance margin, equity is {limit}",
        remedy: "reduce positions or add funds: reductions and cancels still pass",
    },
    Reject {
        number: 401,
        slug: "E_UNKNOWN_ORDER",
        stage: Stage::Legality,
        message: "this strategy has no order (seq {value}, index {limit})",
        remedy: "use the id that the helper returned",
    },
    Reject {
        number: 402,
        slug: "E_CLOSED",
        stage: Stage::Legality,
        message: "order {value} is closed",
        remedy: "check ctx.orders before cancelling or replacing",
    },
    Reject {
        number: 403,
        slug: "E_NOT_SENT",
        stage: Stage::Legality,
        message: "order {value} was refused and never sent",
        remedy: "see its Denied report",
    },
    Reject {
        number: 404,
        slug: "E_CANCEL_PENDING",
        stage: Stage::Legality,
        message: "order {value} has a cancel under way",
        remedy: "wait for the venue's answer",
    },
    Reject {
        number: 405,
        slug: "E_REPLACE_PENDING",
        stage: Stage::Legality,
        message: "order {value} has a replace under way",
        remedy: "wait for the venue's answer",
    },
    Reject {
        number: 406,
        slug: "E_IN_DOUBT",
        stage: Stage::Legality,
        message: "order {value} is in doubt and cannot be replaced",
        remedy: "cancel it, or wait until the venue's state is known",
    },
    Reject {
        number: 407,
        slug: "E_REPLACE_FILLED",
        stage: Stage::Legality,
        message: "the new total {value} is not above the filled quantity {limit}",
        remedy: "cancel the order instead",
    },
    Reject {
        number: 408,
        slug: "E_LOOSEN",
        stage: Stage::Legality,
        message: "a strategy may not clear risk flag {value}",
        remedy: "an operator clears it with a control event",
    },
    Reject {
        number: 501,
        slug: "R_ILLEGAL",
        stage: Stage::Report,
        message: "order {value} cannot apply this event while {limit}",
        remedy: "nothing was changed; compare the venue's order history",
    },
    Reject {
        number: 502,
        slug: "R_UNKNOWN_ORDER",
        stage: Stage::Report,
        message: "a report for order {value}, which does not exist",
        remedy: "reconcile: the order was placed outside this run",
    },
    Reject {
        number: 503,
        slug: "R_DUPLICATE",
        stage: Stage::Report,
        message: "the same report again",
        remedy: "none needed: it has no effect",
    },
    Reject {
        number: 504,
        slug: "R_CONFLICT",
        stage: Stage::Report,
        message: "a known key with other content (order {value})",
        remedy: "quarantined; ask the venue which one is true",
    },
    Reject {
        number: 505,
        slug: "R_NO_KEY",
        stage: Stage::Report,
        message: "a fill without a key (order {value})",
        remedy: "quarantined; fetch the fill with its trade id",
    },
    Reject {
        number: 506,
        slug: "R_RETIRED",
        stage: Stage::Report,
        message: "a report for order {value} from before the retention horizon",
        remedy: "quarantined; reconcile by statement",
    },
    Reject {
        number: 507,
        slug: "R_MALFORMED",
        stage: Stage::Report,
        message: "a report with impossible content: {value}",
        remedy: "quarantined; check the adapter",
    },
    Reject {
        number: 508,
        slug: "R_LATE_FILL",
        stage: Stage::Report,
        message: "order {value} was already closed; the fill is booked",
        remedy: "none needed; position and cash are right",
    },
    Reject {
        number: 509,
        slug: "R_OVERFILL",
        stage: Stage::Report,
        message: "order {value} filled {limit} more than was open; booked, the instrument is frozen",
        remedy: "reconcile with the venue, then clear the freeze",
    },
    Reject {
        number: 510,
        slug: "R_BUST_UNKNOWN",
        stage: Stage::Report,
        message: "a bust before its fill (order {value}); parked",
        remedy: "none needed: applied when the fill arrives",
    },
    Reject {
        number: 511,
        slug: "R_BUST_SETTLED",
        stage: Stage::Report,
        message: "the bust of a settled fill (order {value}); booked as an opposite fill",
        remedy: "check the account statement",
    },
    Reject {
        number: 512,
        slug: "R_BUST_REPEATED",
        stage: Stage::Report,
        message: "the fill is already busted (order {value})",
        remedy: "none needed: it has no effect",
    },
    Reject {
        number: 513,
        slug: "R_STATEMENT",
        stage: Stage::Report,
        message: "the venue says {value}, the engine has {limit}",
        remedy: "reconcile before trading on",
    },
    Reject {
        number: 514,
        slug: "R_SETTLED_UNKNOWN",
        stage: Stage::Report,
        message: "settlement of a fill that is not open (order {value})",
        remedy: "none needed: it has no effect",
    },
    Reject {
        number: 515,
        slug: "R_GROUP_OVERFILL",
        stage: Stage::Report,
        message: "order {value} filled {limit} more than its group allows; booked",
        remedy: "legs crossed at the venue: check the position; hold groups at a venue that can",
    },
    Reject {
        number: 601,
        slug: "V_FUNDS",
        stage: Stage::Venue,
        message: "not enough funds at the fill",
        remedy: "leave room for gaps and fees when sizing",
    },
    Reject {
        number: 602,
        slug: "V_UNFILLED",
        stage: Stage::Venue,
        message: "what an IOC or FOK order could not fill at once",
        remedy: "none needed",
    },
    Reject {
        number: 603,
        slug: "V_TOO_LATE",
        stage: Stage::Venue,
        message: "the order was no longer working when the request arrived",
        remedy: "none needed",
    },
    Reject {
        number: 604,
        slug: "V_REPLACE_FILLED",
        stage: Stage::Venue,
        message: "the new total is not above what is already filled",
        remedy: "cancel instead",
    },
    Reject {
        number: 605,
        slug: "V_GROUP",
        stage: Stage::Venue,
        message: "another order of its group filled or ended, or its parent fills no more",
        remedy: "none needed",
    },
    Reject {
        number: 606,
        slug: "V_PARENT",
        stage: Stage::Venue,
        message: "its parent ended without a fill",
        remedy: "none needed",
    },
    Reject {
        number: 607,
        slug: "V_POST_ONLY",
        stage: Stage::Venue,
        message: "a post-only order would have taken",
        remedy: "place it further from the market",
    },
    Reject {
        number: 608,
        slug: "V_REDUCE_ONLY",
        stage: Stage::Venue,
        message: "nothing is left that the order may reduce",
        remedy: "none needed: the position is closed",
    },
    Reject {
        number: 609,
        slug: "V_EXPIRED_ON_ARRIVAL",
        stage: Stage::Venue,
        message: "the order's time was over when it arrived",
        remedy: "give a later expire_time, or a lower latency",
    },
    Reject {
        number: 610,
        slug: "V_SESSION",
        stage: Stage::Venue,
        message: "no session is declared in which the order could end",
        remedy: "give the venue sessions (ct.Venue(session=...)), or use another time in force",
    },
    Reject {
        number: 611,
        slug: "V_MAINTENANCE",
        stage: Stage::Venue,
        message: "equity was below the maintenance margin at a fill that grows the position",
        remedy: "reduce positions or add funds",
    },
    Reject {
        number: 612,
        slug: "V_SETTLED",
        stage: Stage::Venue,
        message: "the instrument has settled and trades no more",
        remedy: "trade the next contract",
    },
    Reject {
        number: 701,
        slug: "S_INVARIANT_QUANTITY",
        stage: Stage::Stop,
        message: "order {value}: filled and open quantities do not add up",
        remedy: "report a defect with the journal",
    },
    Reject {
        number: 702,
        slug: "S_INVARIANT_CASH",
        stage: Stage::Stop,
        message: "currency {value} is not conserved (off by {limit})",
        remedy: "report a defect with the journal",
    },
    Reject {
        number: 703,
        slug: "S_INVARIANT_POSITION",
        stage: Stage::Stop,
        message: "instrument {value}: position is not the sum of its causes (off by {limit})",
        remedy: "report a defect with the journal",
    },
    Reject {
        number: 704,
        slug: "S_INVARIANT_LEDGERS",
        stage: Stage::Stop,
        message: "instrument {value}: the strategies' ledgers do not sum to the account (off by {limit})",
        remedy: "report a defect with the journal",
    },
    Reject {
        number: 705,
        slug: "S_RANGE",
        stage: Stage::Stop,
        message: "a fact does not fit the number range",
        remedy: "declare fewer decimals, or split the account",
    },
    Reject {
        number: 706,
        slug: "S_OPERATOR",
        stage: Stage::Stop,
        message: "an operator stopped the engine",
        remedy: "restart when ready",
    },
    Reject {
        number: 707,
        slug: "S_STRATEGY",
        stage: Stage::Stop,
        message: "strategy {value} raised and the policy is to halt the engine",
        remedy: "see the error with its traceback",
    },
];

impl RejectCode {
    /// Every code, by number.
    pub const ALL: [Self; 79] = [
        Self::EUnknownInstrument,
        Self::EBadField,
        Self::EQuantity,
        Self::ELot,
        Self::EPriceMissing,
        Self::EPriceUnexpected,
        Self::EPrice,
        Self::ETick,
        Self::EExpireTime,
        Self::EGroup,
        Self::ETrail,
        Self::EOrderType,
        Self::ETimeInForce,
        Self::EPostOnly,
        Self::EReduceOnly,
        Self::EReplace,
        Self::EStarting,
        Self::EEnded,
        Self::EStopped,
        Self::ELoop,
        Self::EKillSwitch,
        Self::EFrozen,
        Self::EReduceOnlyMode,
        Self::EOrderQuantity,
        Self::ERange,
        Self::ENoMark,
        Self::ENoRate,
        Self::EOrderNotional,
        Self::EPosition,
        Self::EOpenOrders,
        Self::EOrderRate,
        Self::EPriceCollar,
        Self::EDailyLoss,
        Self::EShort,
        Self::ECash,
        Self::EMargin,
        Self::EMaintenance,
        Self::EUnknownOrder,
        Self::EClosed,
        Self::ENotSent,
        Self::ECancelPending,
        Self::EReplacePending,
        Self::EInDoubt,
        Self::EReplaceFilled,
        Self::ELoosen,
        Self::RIllegal,
        Self::RUnknownOrder,
        Self::RDuplicate,
        Self::RConflict,
        Self::RNoKey,
        Self::RRetired,
        Self::RMalformed,
        Self::RLateFill,
        Self::ROverfill,
        Self::RBustUnknown,
        Self::RBustSettled,
        Self::RBustRepeated,
        Self::RStatement,
        Self::RSettledUnknown,
        Self::RGroupOverfill,
        Self::VFunds,
        Self::VUnfilled,
        Self::VTooLate,
        Self::VReplaceFilled,
        Self::VGroup,
        Self::VParent,
        Self::VPostOnly,
        Self::VReduceOnly,
        Self::VExpiredOnArrival,
        Self::VSession,
        Self::VMaintenance,
        Self::VSettled,
        Self::SInvariantQuantity,
        Self::SInvariantCash,
        Self::SInvariantPosition,
        Self::SInvariantLedgers,
        Self::SRange,
        Self::SOperator,
        Self::SStrategy,
    ];
}

impl RejectCode {
    /// The code with this number; none for 0, which in a report means no code.
    #[must_use]
    pub fn from_u16(number: u16) -> Option<Self> {
        let index = Self::ALL.partition_point(|code| code.number() < number);
        Self::ALL.get(index).copied().filter(|code| code.number() == number)
    }

    /// The number that messages and the journal carry.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code's row of the catalogue.
    #[must_use]
    pub fn reject(self) -> &'static Reject {
        &REJECTS[Self::ALL.partition_point(|code| *code < self)]
    }

    /// The name as contract and documents spell it.
    #[must_use]
    pub fn slug(self) -> &'static str {
        self.reject().slug
    }

    /// Where the code comes from.
    #[must_use]
    pub fn stage(self) -> Stage {
        self.reject().stage
    }

    /// What happened, with the places `{value}` and `{limit}`.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.reject().message
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.reject().remedy
    }
}

/// One line for people: the slug, the message with its two numbers, the remedy.
#[must_use]
pub fn explain(code: RejectCode, value: i128, limit: i128) -> String {
    let reject = code.reject();
    let message = reject.message.replace("{value}", &value.to_string()).replace("{limit}", &limit.to_string());
    format!("{}: {message}; {}", reject.slug, reject.remedy)
}

//! Wake conditions: on which bars of a stream a strategy is called. They are asked after the bar's indicators have advanced.
//!
//! They are no part of the state: no record, root or checkpoint holds them, so that a run that sleeps is, to the byte, the run of a
//! strategy that is called on every bar and returns. `on_start` declares them, and again where a run goes on; all that they read is
//! state.

use std::cmp::Ordering;

use thiserror::Error;

use crate::config::DataKind;
use crate::event::Bar;
use crate::indicator::{BarField, NAN, Number, Real, compare, compare_as_read, read_as_real};
use crate::state::State;
use crate::units::{StrategyIndex, numbered};

/// The most answers that a condition may hold at once: they are the bits of a word.
pub const MAX_DEPTH: u32 = 64;
/// The side of a term that compares nothing.
pub const NOTHING: Operand = Operand { kind: OperandKind::Level, number: 0, line: 0, ago: 0, level: NAN };

/// What a term asks, or how it joins the two answers before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Op {
    /// a reads above b.
    Above = 0,
    /// a reads below b.
    Below = 1,
    /// a crossed above b on this bar.
    CrossAbove = 2,
    /// a crossed below b on this bar.
    CrossBelow = 3,
    /// Either of the two.
    Cross = 4,
    /// Whether a reads above b is known, and a bar ago it was not known or was otherwise.
    Flips = 5,
    /// The stream's n-th bar, 2n-th and so on.
    Every = 6,
    /// No bar.
    Never = 7,
    /// Both answers.
    And = 8,
    /// Either answer.
    Or = 9,
}

numbered!(Op { Above, Below, CrossAbove, CrossBelow, Cross, Flips, Every, Never, And, Or });

impl Op {
    const fn joins(self) -> bool {
        matches!(self, Self::And | Self::Or)
    }
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum OperandKind {
    /// A line of a declared indicator.
    Line = 0,
    /// A field of the bar.
    Field = 1,
    /// A number.
    Level = 2,
}

numbered!(OperandKind { Line, Field, Level });

/// One side of a comparison.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Operand {
    /// What it is.
    pub kind: OperandKind,
    /// The indicator's index, or the field's number.
    pub number: u32,
    /// Which of the indicator's lines.
    pub line: u8,
    /// How many bars ago the line is read.
    pub ago: u16,
    /// The number that it is.
    pub level: Real,
}

/// One place of a condition in postfix order: those that ask come before those that join them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Term {
    /// What it asks.
    pub op: Op,
    /// What is compared.
    pub a: Operand,
    /// With what.
    pub b: Operand,
    /// Every so many bars.
    pub every: u64,
}

/// Why a condition cannot be declared.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WakeProblem {
    /// The run has started.
    #[error("wake conditions are declared in on_start only")]
    Started,
    /// A number stands for nothing.
    #[error("wake {0} {1} is not declared")]
    Unknown(&'static str, u32),
    /// Bars alone wake a strategy.
    #[error("wake stream {0} carries no bars")]
    NoBars(u16),
    /// Every 0 bars.
    #[error("wake every {0} bars: the number is above 0")]
    Every(u64),
    /// Nothing in it moves.
    #[error("a wake condition compares two numbers, which never change")]
    Numbers,
    /// A field of a bar is of that bar.
    #[error("a field of a bar has no value a bar ago: it takes an indicator")]
    Field,
    /// The indicator is not the strategy's own.
    #[error("wake indicator {0} is of another strategy")]
    Strategy(u32),
    /// A cross compares this bar with the one before.
    #[error("a cross is of this bar: it takes no value of {0} bars ago")]
    Cross(u16),
    /// The indicator does not keep so many values.
    #[error("wake indicator {0} keeps {1} values, not that of {2} bars ago")]
    Keep(u32, u16, u32),
    /// A joining term without its two answers.
    #[error("a wake condition joins answers that are not there")]
    Missing,
    /// Too many answers at once.
    #[error("a wake condition holds at most {MAX_DEPTH} answers at once")]
    Depth,
    /// No answer at the end, or several.
    #[error("a wake condition ends with one answer, not {0}")]
    Ends(u32),
}

/// A term, and for one about two bars what it found on the last.
#[derive(Clone, PartialEq, Debug)]
struct Asked {
    term: Term,
    /// Whether what it compares moves with the stream's bars only: then what was found on the last bar is what stands before this one.
    moves_here: bool,
    /// How many bars had been taken when it was asked, and how a stood to b.
    last: (u64, Option<Ordering>),
}

/// The conditions of one run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Wakes {
    streams: usize,
    /// By strategy and stream, as far as they were declared; an empty one lets every bar pass.
    conditions: Vec<Vec<Asked>>,
}

impl Wakes {
    /// For a run with so many streams, where every strategy is called on every bar.
    #[must_use]
    pub const fn new(streams: usize) -> Self {
        Self { streams, conditions: Vec::new() }
    }

    /// Every strategy is called on every bar.
    pub fn clear(&mut self) {
        self.conditions.clear();
    }

    /// The strategy is called on every bar.
    pub fn forget(&mut self, strategy: StrategyIndex) {
        let first = strategy.at() * self.streams;
        self.conditions.iter_mut().skip(first).take(self.streams).for_each(Vec::clear);
    }

    /// Call the strategy for bars of the stream where the condition holds, or another one declared before.
    pub fn declare(
        &mut self,
        state: &State,
        strategy: StrategyIndex,
        stream: u16,
        terms: &[Term],
    ) -> Result<(), WakeProblem> {
        let declared = state.config.streams.get(usize::from(stream));
        let declared = declared.ok_or(WakeProblem::Unknown("stream", stream.into()))?;
        if declared.kind != DataKind::Bar {
            return Err(WakeProblem::NoBars(stream));
        }
        terms.iter().try_for_each(|term| check_term(state, strategy, term))?;
        let place = strategy.at() * self.streams + usize::from(stream);
        let mut joined = self.conditions.get(place).cloned().unwrap_or_default();
        let is_first = joined.is_empty();
        let asked = |term: &Term| Asked { term: *term, moves_here: moves_with(state, stream, term), last: (0, None) };
        joined.extend(terms.iter().map(asked));
        if !is_first {
            joined.push(asked(&Term { op: Op::Or, a: NOTHING, b: NOTHING, every: 0 }));
        }
        check_shape(&joined)?;
        if self.conditions.len() <= place {
            self.conditions.resize_with(place + 1, Vec::new);
        }
        self.conditions[place] = joined;
        Ok(())
    }

    /// Whether the strategy is called for the bar, the last one that the state took.
    #[inline]
    #[must_use]
    pub fn is_awake(&mut self, state: &State, strategy: StrategyIndex, bar: &Bar) -> bool {
        let place = strategy.at() * self.streams + usize::from(bar.stream);
        match self.conditions.get_mut(place) {
            Some(condition) if !condition.is_empty() => holds(condition, state, bar),
            _ => true,
        }
    }
}

fn moves_with(state: &State, stream: u16, term: &Term) -> bool {
    let moves = |operand: &Operand| match operand.kind {
        OperandKind::Line => {
            let indicator = state.indicators.get(operand.number as usize);
            indicator.is_some_and(|indicator| indicator.declaration.stream == stream)
        }
        OperandKind::Field | OperandKind::Level => true,
    };
    moves(&term.a) && moves(&term.b)
}

/// The answers so far are the bits of a word, the last one lowest.
fn holds(condition: &mut [Asked], state: &State, bar: &Bar) -> bool {
    let mut answers: u64 = 0;
    for asked in condition {
        match asked.term.op {
            Op::And => answers = answers >> 1 & (answers | !1),
            Op::Or => answers = answers >> 1 | answers & 1,
            _ => answers = answers << 1 | u64::from(asks(asked, state, bar)),
        }
    }
    answers & 1 == 1
}

fn asks(asked: &mut Asked, state: &State, bar: &Bar) -> bool {
    let term = &asked.term;
    match term.op {
        Op::Every if planted!(21) => {
            return (state.delivered[usize::from(bar.stream)] + 1).is_multiple_of(term.every);
        }
        Op::Every => return state.delivered[usize::from(bar.stream)].is_multiple_of(term.every),
        Op::Never | Op::And | Op::Or => return false,
        _ => {}
    }
    let now = stands(term, state, bar, 0);
    if matches!(term.op, Op::Above | Op::Below) {
        return now == Some(if term.op == Op::Above { Ordering::Greater } else { Ordering::Less });
    }
    let taken = state.delivered[usize::from(bar.stream)];
    let is_known = asked.moves_here && asked.last.0 + 1 == taken;
    let before = if is_known { asked.last.1 } else { stands(term, state, bar, 1) };
    asked.last = (taken, now);
    let (Some(before), Some(now)) = (before, now) else { return term.op == Op::Flips && now.is_some() };
    match term.op {
        Op::CrossAbove => before.is_le() && now.is_gt(),
        Op::CrossBelow => before.is_ge() && now.is_lt(),
        Op::Cross => before.is_le() && now.is_gt() || before.is_ge() && now.is_lt(),
        _ => before.is_gt() != now.is_gt(),
    }
}

/// How a stands to b so many bars before this one: exact for crosses, else as both are read.
fn stands(term: &Term, state: &State, bar: &Bar, before: usize) -> Option<Ordering> {
    if matches!(term.op, Op::Above | Op::Below | Op::Flips) {
        return compare_as_read(value(&term.a, state, bar, before), value(&term.b, state, bar, before));
    }
    compare(number(&term.a, state, before), number(&term.b, state, before))
}

fn value(operand: &Operand, state: &State, bar: &Bar, before: usize) -> Real {
    match operand.kind {
        OperandKind::Line => {
            let indicator = &state.indicators[operand.number as usize];
            indicator.value(operand.line.into(), usize::from(operand.ago) + before)
        }
        OperandKind::Level => operand.level,
        OperandKind::Field => {
            let stream = state.config.streams[usize::from(bar.stream)];
            let decimals = state.instrument(stream.instrument).price_decimals;
            let bar_field = BarField::from_u8(operand.number as u8).unwrap_or(BarField::Close);
            read_as_real(bar, bar_field, decimals, stream.volume_decimals)
        }
    }
}

fn number(operand: &Operand, state: &State, before: usize) -> Option<Number> {
    if operand.kind != OperandKind::Line {
        return Some(Number::Real(operand.level));
    }
    let (indicator, line) = (&state.indicators[operand.number as usize], usize::from(operand.line));
    if before == 0 { indicator.number(line) } else { indicator.before(line) }
}

fn check_term(state: &State, strategy: StrategyIndex, term: &Term) -> Result<(), WakeProblem> {
    if term.op == Op::Every && term.every == 0 {
        return Err(WakeProblem::Every(term.every));
    }
    if term.op > Op::Flips {
        return Ok(());
    }
    if term.a.kind == OperandKind::Level && term.b.kind == OperandKind::Level {
        return Err(WakeProblem::Numbers);
    }
    [term.a, term.b].iter().try_for_each(|operand| check_operand(state, strategy, term.op, operand))
}

fn check_operand(state: &State, strategy: StrategyIndex, op: Op, operand: &Operand) -> Result<(), WakeProblem> {
    let reads_now = matches!(op, Op::Above | Op::Below);
    match operand.kind {
        OperandKind::Level => return Ok(()),
        OperandKind::Field if u8::try_from(operand.number).ok().and_then(BarField::from_u8).is_none() => {
            return Err(WakeProblem::Unknown("field", operand.number));
        }
        OperandKind::Field => return if reads_now { Ok(()) } else { Err(WakeProblem::Field) },
        OperandKind::Line => {}
    }
    let Some(indicator) = state.indicators.get(operand.number as usize) else {
        return Err(WakeProblem::Unknown("indicator", operand.number));
    };
    if indicator.strategy != strategy {
        return Err(WakeProblem::Strategy(operand.number));
    }
    if usize::from(operand.line) >= indicator.lines().len() {
        return Err(WakeProblem::Unknown("line", operand.line.into()));
    }
    if operand.ago != 0 && !(reads_now || op == Op::Flips) {
        return Err(WakeProblem::Cross(operand.ago));
    }
    let oldest = u32::from(operand.ago) + u32::from(op == Op::Flips);
    let keep = indicator.declaration.keep;
    if oldest >= u32::from(keep) { Err(WakeProblem::Keep(operand.number, keep, oldest)) } else { Ok(()) }
}

/// Every joining term has its two answers, one is left at the end, and no more are held at once than fit.
fn check_shape(condition: &[Asked]) -> Result<(), WakeProblem> {
    let mut held: u32 = 0;
    for asked in condition {
        if !asked.term.op.joins() {
            held += 1;
        } else if held < 2 {
            return Err(WakeProblem::Missing);
        } else {
            held -= 1;
        }
        if held > MAX_DEPTH {
            return Err(WakeProblem::Depth);
        }
    }
    if held == 1 { Ok(()) } else { Err(WakeProblem::Ends(held)) }
}

//! Timers: state, keyed (deadline, strategy, id). A deadline in the past fires next. Deadlines are read from events' time only.

use std::collections::{BTreeMap, BTreeSet};

use crate::units::{StrategyIndex, Time};

/// All pending timers, soonest first. `causes` keeps, per timer, when and how deep in a chain of callbacks it was set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timers {
    /// (deadline, strategy, id), soonest first.
    pub queue: BTreeSet<(Time, StrategyIndex, u64)>,
    /// Deadline by (strategy, id).
    pub deadlines: BTreeMap<(StrategyIndex, u64), Time>,
    /// (now, depth) of the step that set it, by (strategy, id).
    pub causes: BTreeMap<(StrategyIndex, u64), (Time, u32)>,
}

impl Timers {
    /// Set a timer; the same id again moves it.
    pub fn set(&mut self, strategy: StrategyIndex, timer: u64, deadline: Time, cause: (Time, u32)) {
        self.cancel(strategy, timer);
        self.deadlines.insert((strategy, timer), deadline);
        self.causes.insert((strategy, timer), cause);
        self.queue.insert((deadline, strategy, timer));
    }

    /// Forget a timer; one that is not set stays so.
    pub fn cancel(&mut self, strategy: StrategyIndex, timer: u64) {
        if let Some(deadline) = self.deadlines.remove(&(strategy, timer)) {
            self.queue.remove(&(deadline, strategy, timer));
            self.causes.remove(&(strategy, timer));
        }
    }

    /// (deadline, strategy, id) of the soonest.
    #[must_use]
    pub fn next(&self) -> Option<(Time, StrategyIndex, u64)> {
        self.queue.first().copied()
    }

    /// (now, depth) of the step that set the timer, which is pending.
    #[must_use]
    pub fn cause(&self, strategy: StrategyIndex, timer: u64) -> (Time, u32) {
        self.causes[&(strategy, timer)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: StrategyIndex = StrategyIndex(0);
    const BERT: StrategyIndex = StrategyIndex(1);

    #[test]
    fn the_soonest_is_next_then_the_first_strategy_then_the_lowest_id() {
        let mut timers = Timers::default();
        for (strategy, timer, deadline) in [(BERT, 1, 20), (ANNA, 2, 20), (ANNA, 1, 20), (BERT, 9, -5)] {
            timers.set(strategy, timer, Time(deadline), (Time(0), 0));
        }
        let mut fired = Vec::new();
        while let Some((_, strategy, timer)) = timers.next() {
            fired.push((strategy, timer));
            timers.cancel(strategy, timer);
        }
        assert_eq!(fired, [(BERT, 9), (ANNA, 1), (ANNA, 2), (BERT, 1)]);
        assert_eq!(timers, Timers::default());
    }

    #[test]
    fn setting_a_timer_again_moves_it_and_remembers_the_later_cause() {
        let mut timers = Timers::default();
        timers.set(ANNA, 1, Time(10), (Time(1), 0));
        timers.set(ANNA, 1, Time(30), (Time(2), 3));
        timers.cancel(BERT, 1);
        assert_eq!((timers.next(), timers.cause(ANNA, 1)), (Some((Time(30), ANNA, 1)), (Time(2), 3)));
        assert_eq!(timers.queue.len(), 1);
    }
}

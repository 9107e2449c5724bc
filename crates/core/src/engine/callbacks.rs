//! The callbacks of a step: who is called, what they answered, and commit B.

use crate::codec::{Answer, LeafKey};
use crate::config::OnError;
use crate::engine::incoming::Committed;
use crate::engine::run::{Engine, Host, Response};
use crate::event::{Event, EventType, Payload};
use crate::indicator::Declaration;
use crate::reject::RejectCode;
use crate::sequencer::PRODUCER_ENGINE;
use crate::units::StrategyIndex;
use crate::view::View;

/// A callback made: the strategy's counters and the number of indicators before it, and that number after it.
struct Call {
    strategy: StrategyIndex,
    response: Response,
    counters: (u64, u64),
    moved: bool,
    declared: usize,
    declared_after: usize,
}

impl Engine {
    /// Call the strategies that want the event, all on the state after commit A, then admit their intents in order. None where nobody
    /// was called, or nobody left anything.
    pub(super) fn call<H: Host + ?Sized>(
        &mut self,
        committed: &Committed,
        item: &Event,
        depth: u32,
        host: &mut H,
    ) -> Option<Vec<Answer>> {
        let code = item.payload.event_type();
        if self.wanted >> code.number() & 1 == 0 && code != EventType::Start {
            return None;
        }
        let Some(calls) = self.call_all(committed, item, host) else { return Some(Vec::new()) };
        if calls.is_empty() && code != EventType::Start {
            return None;
        }
        let mut answers = Vec::new();
        for call in &calls {
            answers.extend(self.answer(call, item.seq_id, depth));
        }
        for call in calls.iter().filter(|call| !call.response.error.is_empty()) {
            self.punish(call.strategy);
        }
        if code == EventType::Start {
            for call in calls.iter().filter(|call| !call.response.error.is_empty()) {
                self.wakes.forget(call.strategy);
            }
            self.store.state.started = true;
            self.store.touch(LeafKey::Engine);
        }
        if !calls.is_empty() {
            self.dispatch();
        }
        Some(answers)
    }

    /// The callbacks that left something; None when one was interrupted.
    fn call_all<H: Host + ?Sized>(&mut self, committed: &Committed, item: &Event, host: &mut H) -> Option<Vec<Call>> {
        let mut calls: Vec<Call> = Vec::new();
        let code = item.payload.event_type();
        let before = self.store.state.indicators.len();
        for index in self.callees(committed, item) {
            let owner = &self.store.state.owners[index];
            if self.wants[index] >> code.number() & 1 == 0 || owner.halted {
                continue;
            }
            let strategy = StrategyIndex(index as u16);
            let counters = (owner.random_counter, owner.next_timer);
            let declared = self.store.state.indicators.len();
            let is_awake = match &item.payload {
                Payload::Bar(bar) => self.wakes.is_awake(&self.store.state, strategy, bar),
                _ => true,
            };
            let view = &mut View::new(&mut self.store.state, &mut self.wakes);
            let response = if is_awake {
                host.call(strategy, item, committed.status_changed, view)
            } else {
                host.pass_over(strategy, view)
            };
            if response.as_ref().is_some_and(|response| response.interrupted) {
                self.interrupted = true;
                let called = calls.iter().map(|call| (call.strategy, call.counters));
                self.take_back(&called.chain([(strategy, counters)]).collect::<Vec<_>>(), before);
                return None;
            }
            let owner = &self.store.state.owners[index];
            let moved = (owner.random_counter, owner.next_timer) != counters;
            let declared_after = self.store.state.indicators.len();
            if moved || response.is_some() || declared != declared_after {
                let response = response.unwrap_or_default();
                calls.push(Call { strategy, response, counters, moved, declared, declared_after });
            }
        }
        Some(calls)
    }

    /// Counters and declarations as before an interrupted step's callbacks: recovery repeats them.
    fn take_back(&mut self, called: &[(StrategyIndex, (u64, u64))], declared: usize) {
        let state = &mut self.store.state;
        for &(strategy, (random_counter, next_timer)) in called {
            let owner = &mut state.owners[strategy.at()];
            owner.random_counter = random_counter;
            owner.next_timer = next_timer;
        }
        state.indicators.truncate(declared);
        if !state.started {
            self.wakes.clear();
        }
    }

    /// Who may be called: the owner for a report on an order, everyone for the rest.
    fn callees(&self, committed: &Committed, item: &Event) -> std::ops::Range<usize> {
        let code = item.payload.event_type();
        let count = self.wants.len();
        let one = |strategy: StrategyIndex| {
            if strategy.at() < count { strategy.at()..strategy.at() + 1 } else { 0..0 }
        };
        if self.wanted >> code.number() & 1 == 0 {
            0..0
        } else if (EventType::Accepted..=EventType::Refused).contains(&code) {
            committed.owner.map_or(0..0, one)
        } else if let Payload::TimerFired(fired) = &item.payload {
            one(fired.strategy)
        } else if committed.taken {
            0..count
        } else {
            0..0
        }
    }

    /// Commit B of one callback; None when it left nothing.
    fn answer(&mut self, call: &Call, seq: u64, depth: u32) -> Option<Answer> {
        let (strategy, response) = (call.strategy, &call.response);
        if call.moved {
            self.store.touch(LeafKey::Strategy(strategy));
        }
        let declarations = self.declarations(call.declared, call.declared_after);
        let failed = !response.error.is_empty();
        let (intents, timers) = if failed { Default::default() } else { (&response.intents[..], &response.timers[..]) };
        let owner = &self.store.state.owners[strategy.at()];
        let (random_counter, next_timer) = (owner.random_counter, owner.next_timer);
        let intents = self.outgoing.admit_all(&mut self.store, strategy, intents, (seq, depth));
        self.outgoing.set_timers(&mut self.store, strategy, timers, depth);
        let empty = !failed && declarations.is_empty() && intents.is_empty() && timers.is_empty();
        if !self.store.recording || (empty && !call.moved) {
            return None;
        }
        let (error, timers) = (response.error.clone(), timers.to_vec());
        Some(Answer { strategy, error, random_counter, next_timer, declarations, intents, timers })
    }

    fn declarations(&mut self, first: usize, last: usize) -> Vec<Declaration> {
        (first..last).for_each(|index| self.store.touch(LeafKey::Indicator(index as u32)));
        self.store.state.indicators[first..last].iter().map(|one| one.declaration).collect()
    }

    /// Hand on what commit B collected: commands to their venues, denials and refusals to the sequencer.
    pub(super) fn dispatch(&mut self) {
        let now = self.store.state.now;
        for (venue, command) in self.outgoing.commands.drain(..) {
            match self.venues.iter_mut().find(|simulated| simulated.index() == venue) {
                Some(simulated) => simulated.receive(command, now),
                None => self.outgoing.outbox.push(command),
            }
        }
        for report in self.outgoing.reports.drain(..) {
            self.sequencer.push(report.event, PRODUCER_ENGINE, report.cause);
        }
    }

    /// The policy on a strategy's exception, after commit B.
    fn punish(&mut self, strategy: StrategyIndex) {
        match self.config.on_error {
            OnError::HaltStrategy => self.store.halt(strategy),
            OnError::HaltEngine => self.store.stop(RejectCode::SStrategy),
        }
    }
}

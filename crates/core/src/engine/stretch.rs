//! Stretches of rows: data steps taken straight from their columns for as long as nothing else comes between them.
//!
//! Such a step does what `Engine::take` does with a row's event. It only leaves out what cannot happen in a stretch: where that may come,
//! the stretch ends before it. Deliberately without a twin in the Python core, which is read for what a step is.

use crate::engine::incoming::EFFECTIVE;
use crate::engine::run::{DAY_NS, Engine, Host};
use crate::sequencer::Origin;
use crate::units::Time;

impl Engine {
    /// Take up to so many rows that come before anything else does; how many were taken.
    pub fn take_stretch<H: Host + ?Sized>(&mut self, most: u64, host: &mut H) -> u64 {
        let end = self.stretch_end();
        let mut taken = 0;
        while taken < most {
            let Some((mut item, stream)) = self.sequencer.next_row() else { break };
            if item.ingest_time >= end || !self.incoming.is_content_sound(&item) {
                break;
            }
            self.sequencer.pass_row(stream);
            self.store.state.seq += 1;
            item.seq_id = self.store.state.seq;
            if item.ingest_time > self.store.state.now {
                self.equity_row();
                self.store.state.now = item.ingest_time;
            }
            if self.incoming.show(&mut self.store, &item) {
                self.market_label = Some(item.event_time);
            }
            taken += 1;
            if self.wanted >> item.payload.event_type().number() & 1 == 1 {
                if !self.answer_step(&EFFECTIVE, &item, (0, Origin::Data), host) {
                    break;
                }
            } else if self.store.recording {
                self.pass_idle(item.seq_id);
            }
        }
        taken
    }

    /// The first moment at which more may happen than rows that are shown: an item that was pushed, a timer, a moment of a venue, an
    /// order that leaves the state, a new day. The first of all where a row's own step may do more.
    fn stretch_end(&self) -> Time {
        let state = &self.store.state;
        let day = state.now.0.div_euclid(DAY_NS);
        let checked = self.config.recheck_every != 0 || self.store.rooted() || self.embedded;
        let opens = self.tracks_day && state.day != day;
        if checked || opens || self.incoming.derives() || !state.started {
            return Time(i64::MIN);
        }
        let next_day = self.tracks_day.then(|| Time((day + 1).saturating_mul(DAY_NS)));
        let leaves = state.retiring.peek().map(|first| Time(first.0.0.0.saturating_add(1)));
        let point = self.next_point().map(|(point, _)| point.time);
        let timer = self.next_timer().map(|key| key.ingest_time);
        let moments = [self.sequencer.queue_time(), timer, point, leaves, next_day];
        moments.into_iter().flatten().min().unwrap_or(Time(i64::MAX))
    }
}

//! Strategies bound again after a restore: `on_start` fills contexts that a checkpoint cannot hold.

use std::sync::Arc;

use super::CheckpointProblem;
use crate::engine::run::{Engine, Host};
use crate::event::{EventType, Start, event};
use crate::indicator::Declaration;
use crate::state::{State, new_state};
use crate::units::StrategyIndex;
use crate::view::View;
use crate::wake::Wakes;

/// Call `on_start` of every strategy once more, on a state as it was at the start: what it binds and draws comes out as it did then.
///
/// What it asks for is ignored: it is in the state. An error when it raises, or declares other indicators than the checkpoint has; what
/// a strategy raises that was halted is left out, since nobody calls it again.
pub fn bind_again<H: Host + ?Sized>(engine: &mut Engine, host: &mut H) -> Result<(), CheckpointProblem> {
    let mut wakes = Wakes::new(engine.config.streams.len());
    let state = &engine.store.state;
    let too_large = |_| CheckpointProblem::Binding("the opening deposits do not fit".into());
    let mut first = new_state(Arc::clone(&engine.config)).map_err(too_large)?;
    first.now = state.start_time;
    first.start_time = state.start_time;
    for strategy in 0..state.owners.len() {
        if engine.wants(strategy, EventType::Start) {
            bind_one(engine, strategy, (&mut first, &mut wakes), host)?;
        }
    }
    engine.wakes = wakes;
    Ok(())
}

fn bind_one<H: Host + ?Sized>(
    engine: &Engine,
    strategy: usize,
    (first, wakes): (&mut State, &mut Wakes),
    host: &mut H,
) -> Result<(), CheckpointProblem> {
    let (state, declared) = (&engine.store.state, first.indicators.len());
    let (number, name) = (StrategyIndex(strategy as u16), &engine.config.strategies[strategy].name);
    let response = host.call(number, &event(Start, state.start_time), false, &mut View::new(first, wakes));
    let raised = response.map_or_else(Box::default, |response| {
        if response.interrupted { Box::from("interrupted") } else { response.error }
    });
    if !raised.is_empty() && !state.owners[strategy].halted {
        return Err(CheckpointProblem::Binding(format!(
            "on_start of strategy {name}, called to bind it again, ended with {raised}"
        )));
    }
    let now: Vec<_> = first.indicators[declared..].iter().map(|one| one.declaration).collect();
    let own = state.indicators.iter().filter(|one| one.strategy == number);
    let then: Vec<_> = own.map(|one| one.declaration).collect();
    for index in 0..now.len().max(then.len()) {
        if now.get(index) != then.get(index) {
            let (asked, kept) = (told(now.get(index)), told(then.get(index)));
            return Err(CheckpointProblem::Binding(format!(
                "strategy {name} declares {asked} as its indicator {index}, the checkpoint has {kept}"
            )));
        }
    }
    Ok(())
}

fn told(declared: Option<&Declaration>) -> String {
    declared.map_or_else(|| "nothing".into(), |declared| format!("{declared:?}"))
}

//! The order state machine against contract/transitions.toml, over every state, input and guard. What a transition does to quantities
//! is not here: that is tested beside the order.

use std::collections::BTreeSet;

use cracktrader_core::order::{
    Effect, Guard, Life, OrderInput, OrderState, Outcome, Pending, Transition, guard_of, transition,
};
use cracktrader_core::reject::RejectCode;
use toml::{Table, Value};

const CONTRACT: &str = include_str!("../../../contract/transitions.toml");

/// One rule of the table: six patterns and a result.
struct Rule {
    patterns: [String; 6],
    result: Value,
}

fn contract() -> Table {
    CONTRACT.parse().expect("the contract is TOML")
}

fn rules() -> Vec<Rule> {
    let rows = contract()["rules"].as_array().expect("rules are a list").clone();
    let rule = |row: &Value| {
        let cells = row.as_array().expect("a rule is a list");
        let patterns = std::array::from_fn(|at| cells[at].as_str().expect("a pattern is text").to_owned());
        Rule { patterns, result: cells[6].clone() }
    };
    rows.iter().map(rule).collect()
}

fn matches(pattern: &str, value: &str) -> bool {
    pattern == "*" || pattern.split('|').any(|part| part == value)
}

fn names(state: OrderState, told: OrderInput, guard: Guard) -> [String; 6] {
    let (life, pending) = (format!("{:?}", state.life), format!("{:?}", state.pending).to_lowercase());
    let (triggered, in_doubt) = (state.triggered.to_string(), state.in_doubt.to_string());
    [life, pending, triggered, in_doubt, format!("{told:?}"), format!("{guard:?}").to_lowercase()]
}

fn life(name: &str) -> Life {
    *Life::ALL.iter().find(|life| format!("{life:?}") == name).expect("a life of the contract")
}

fn pending(name: &str) -> Pending {
    *Pending::ALL.iter().find(|one| format!("{one:?}").to_lowercase() == name).expect("a pending of the contract")
}

fn effect(names: &str) -> Effect {
    names.split('|').fold(Effect::NONE, |sum, name| {
        sum | match name {
            "noop" => Effect::NOOP,
            "implied_accept" => Effect::IMPLIED_ACCEPT,
            "late" => Effect::LATE,
            "overfill" => Effect::OVERFILL,
            other => panic!("{other} is no effect"),
        }
    })
}

/// What a result of the contract means in `state`.
fn outcome(result: &Value, state: OrderState) -> Outcome {
    if let Some(word) = result.as_str() {
        let code = RejectCode::ALL.iter().find(|code| code.slug() == word);
        return code.map_or(Outcome::Impossible, |code| Outcome::Refused(*code));
    }
    let mut next = Transition { state, effect: Effect::NONE };
    for (part, value) in result.as_table().expect("a result is text or a table") {
        match (part.as_str(), value) {
            ("life", Value::String(name)) => next.state.life = life(name),
            ("pending", Value::String(name)) => next.state.pending = pending(name),
            ("triggered", Value::Boolean(on)) => next.state.triggered = *on,
            ("in_doubt", Value::Boolean(on)) => next.state.in_doubt = *on,
            ("effect", Value::String(names)) => next.effect = effect(names),
            other => panic!("{other:?} is no part of a result"),
        }
    }
    Outcome::Moves(next)
}

fn states() -> Vec<OrderState> {
    let mut states = Vec::new();
    for life in Life::ALL {
        for pending in Pending::ALL {
            for bits in 0..4 {
                states.push(OrderState {
                    life: *life,
                    pending: *pending,
                    triggered: bits & 1 != 0,
                    in_doubt: bits & 2 != 0,
                });
            }
        }
    }
    states
}

fn guards(told: OrderInput) -> &'static [Guard] {
    match told {
        OrderInput::Filled | OrderInput::Replaced => &[Guard::Gt0, Guard::Eq0, Guard::Lt0],
        _ => &[Guard::Any],
    }
}

/// Every (state, input, guard).
fn cases() -> Vec<(OrderState, OrderInput, Guard)> {
    let mut cases = Vec::new();
    for state in states() {
        for told in OrderInput::ALL {
            cases.extend(guards(*told).iter().map(|guard| (state, *told, *guard)));
        }
    }
    cases
}

#[test]
fn every_combination_has_the_outcome_of_its_first_matching_rule() {
    let rules = rules();
    let mut used = BTreeSet::new();
    for (state, told, guard) in cases() {
        let names = names(state, told, guard);
        let is_match = |rule: &Rule| rule.patterns.iter().zip(&names).all(|(pattern, name)| matches(pattern, name));
        let at = rules.iter().position(is_match).unwrap_or_else(|| panic!("no rule for {names:?}"));
        used.insert(at);
        assert_eq!(transition(state, told, guard), outcome(&rules[at].result, state), "{names:?}, rule {at}");
    }
    let idle: Vec<_> = (0..rules.len()).filter(|at| !used.contains(at)).map(|at| &rules[at].patterns).collect();
    assert!(idle.is_empty(), "rules that never decide: {idle:?}");
}

#[test]
fn inputs_lives_pendings_and_guards_are_those_of_the_contract() {
    let contract = contract();
    let listed = |key: &str| -> Vec<String> {
        let words = contract[key].as_array().expect("a list");
        words.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    let shown = |debug: Vec<String>| debug;
    assert_eq!(listed("life"), shown(Life::ALL.iter().map(|life| format!("{life:?}")).collect()));
    assert_eq!(listed("events"), shown(OrderInput::ALL.iter().map(|told| format!("{told:?}")).collect()));
    let lower = |word: String| word.to_lowercase();
    assert_eq!(listed("pending"), shown(Pending::ALL.iter().map(|one| lower(format!("{one:?}"))).collect()));
    let guarded = contract["guards"].as_table().expect("a table");
    assert!(guarded.keys().map(String::as_str).eq(["Filled", "Replaced"]));
}

#[test]
fn no_input_opens_a_closed_order_or_leaves_the_reachable_states() {
    for (state, told, guard) in cases() {
        let Outcome::Moves(next) = transition(state, told, guard) else { continue };
        assert!(!state.life.is_closed() || next.state == state, "{state:?} {told:?} {guard:?}");
        let again = transition(next.state, OrderInput::Busted, Guard::Any);
        assert_ne!(again, Outcome::Impossible, "{state:?} {told:?} {guard:?} leads to {:?}", next.state);
    }
}

#[test]
fn the_guard_is_the_sign_of_what_remains() {
    assert_eq!([guard_of(2), guard_of(0), guard_of(-1)], [Guard::Gt0, Guard::Eq0, Guard::Lt0]);
}

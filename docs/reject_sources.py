"""Source text of the reject catalogue in both cores, from contract/reject_codes.toml.

Deliberately not here: writing files (generate.py). The emitted text is already what ruff and rustfmt would make of it,
so comparing it needs neither tool.
"""

from __future__ import annotations

import json
from typing import Any

STAGES = ("schema", "capability", "risk", "legality", "report", "venue", "stop")


def camel(slug: str) -> str:
    """E_UNKNOWN_INSTRUMENT -> EUnknownInstrument."""
    return "".join(word.capitalize() for word in slug.split("_"))


def quoted(text: str) -> str:
    """A string literal that Python and Rust both read as the text; the contract is ASCII without control characters."""
    return json.dumps(text)


PYTHON_HEAD = '''"""Every code a value can carry: refusals at admission, findings on reports, broken invariants.

Generated from contract/reject_codes.toml by docs/generate.py: change the contract, not this file. Deliberately not
here: when a code is given (admission, risk, order, invariant decide that).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Stage(IntEnum):
    """Where a code comes from; admission goes through the first four in this order."""

'''

PYTHON_CODES = '''

class RejectCode(IntEnum):
    """The codes by slug. 0 in a report means no code and is no member."""

'''

PYTHON_ROWS = '''

class Reject(NamedTuple):
    """One row of the catalogue; `message` holds the places {value} and {limit}."""

    number: int
    slug: str
    stage: Stage
    message: str
    remedy: str


REJECTS: dict[int, Reject] = {
'''

PYTHON_TAIL = '''

def explain(code: int, value: int, limit: int) -> str:
    """One line for people: the slug, the message with its two numbers, the remedy."""
    reject = REJECTS[code]
    message = reject.message.replace("{value}", str(value)).replace("{limit}", str(limit))
    return f"{reject.slug}: {message}; {reject.remedy}"
'''


def python_reject(codes: list[dict[str, Any]]) -> str:
    """Text of python/cracktrader/core/reject.py."""
    lines = [f"    {stage.upper()} = {number}" for number, stage in enumerate(STAGES)]
    lines += PYTHON_CODES.splitlines()
    lines += [f"    {code['slug']} = {code['number']}" for code in codes]
    lines += PYTHON_ROWS.splitlines()
    for code in codes:
        lines += [
            f"    {code['number']}: Reject(",
            f"        number={code['number']},",
            f"        slug={quoted(code['slug'])},",
            f"        stage=Stage.{code['stage'].upper()},",
            f"        message={quoted(code['message'])},",
            f"        remedy={quoted(code['remedy'])},",
            "    ),",
        ]
    lines += ["}", ""]
    return PYTHON_HEAD + "\n".join(lines) + PYTHON_TAIL


RUST_HEAD = """//! Every code a value can carry: refusals at admission, findings on reports, broken invariants.
//!
//! Generated from contract/reject_codes.toml by docs/generate.py: change the contract, not this file. Deliberately not
//! here: when a code is given (admission, risk, order, invariant decide that).

/// Where a code comes from; admission goes through the first four in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
"""

RUST_TAIL = """
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
"""

RUST_CODES = """}

/// The codes by slug.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum RejectCode {
"""

RUST_REJECT = """
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
"""


def rust_reject(codes: list[dict[str, Any]]) -> str:
    """Text of crates/core/src/reject.rs."""
    lines: list[str] = []
    for number, stage in enumerate(STAGES):
        lines += [f"    /// `{stage}`", f"    {stage.capitalize()} = {number},"]
    lines += RUST_CODES.splitlines()
    for code in codes:
        lines += [f"    /// `{code['slug']}`", f"    {camel(code['slug'])} = {code['number']},"]
    lines += ["}", RUST_REJECT, "/// The catalogue, by number.", f"pub const REJECTS: [Reject; {len(codes)}] = ["]
    for code in codes:
        lines += [
            "    Reject {",
            f"        number: {code['number']},",
            f"        slug: {quoted(code['slug'])},",
            f"        stage: Stage::{code['stage'].capitalize()},",
            f"        message: {quoted(code['message'])},",
            f"        remedy: {quoted(code['remedy'])},",
            "    },",
        ]
    lines += ["];", "", "impl RejectCode {", "    /// Every code, by number."]
    lines += [f"    pub const ALL: [Self; {len(codes)}] = ["]
    lines += [f"        Self::{camel(code['slug'])}," for code in codes]
    lines += ["    ];", "}", ""]
    return RUST_HEAD + "\n".join(lines) + RUST_TAIL

"""The contract is well formed: complete tables, unique codes, known names, and nothing generated from it has drifted.

Deliberately not here: whether a core does what the contract says; the tests of each core and of their parity ask that.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import contract_tables as tables
import generate
import reject_sources
from transition_table import expand_transitions, reachable_keys

from cracktrader.core.config import BarRule

DOCUMENTS = (
    "aggregates",
    "capabilities",
    "events",
    "fills",
    "groups",
    "indicators",
    "intents",
    "reject_codes",
    "transitions",
)
FIELD_TYPES = {"u8", "u16", "u32", "u64", "i64", "i128", "bool", "bytes", "order_id", "payload"}
PREFIXES = dict.fromkeys(reject_sources.STAGES[:4], "E_") | {
    "report": "R_",
    "venue": "V_",
    "stop": "S_",
}
CLOSED = {"Filled", "Cancelled", "Rejected", "Expired", "Denied"}


def reject_codes() -> list[dict[str, Any]]:
    return list(tables.load("reject_codes")["code"])


def slugs() -> set[str]:
    return {code["slug"] for code in reject_codes()}


def lines_of_fields() -> list[tuple[str, list[list[str]]]]:
    """Every record of the contract with its fields."""
    events = tables.load("events")
    records = [*events["event"], *tables.load("intents")["intent"]]
    return [("envelope", events["envelope"]["fields"]), *((record["name"], record["fields"]) for record in records)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_plain_ascii_and_carries_the_version(name: str) -> None:
    assert (tables.CONTRACT / f"{name}.toml").read_bytes().isascii()
    assert tables.load(name)["version"] == 1


def test_the_documents_are_these_and_no_others() -> None:
    assert sorted(path.name for path in tables.CONTRACT.iterdir()) == [f"{name}.toml" for name in DOCUMENTS]


# --- events and intents


@pytest.mark.parametrize(("document", "key"), [("events", "event"), ("intents", "intent")])
def test_codes_and_names_are_unique_and_codes_ascend(document: str, key: str) -> None:
    records = tables.load(document)[key]
    codes = [record["code"] for record in records]
    assert codes == sorted(set(codes))
    assert len({record["name"] for record in records}) == len(records)
    assert all(record["doc"].endswith(".") for record in records)


def test_fields_have_known_types_and_names_of_their_own() -> None:
    for record, fields in lines_of_fields():
        names = [name for name, _, _ in fields]
        assert len(set(names)) == len(names), record
        assert {kind for _, kind, _ in fields} <= FIELD_TYPES, record


def test_every_event_comes_from_one_of_the_four_sources() -> None:
    assert {event["source"] for event in tables.load("events")["event"]} == {
        "broker_report",
        "timer",
        "control",
        "market_data",
    }


def test_reports_about_an_order_are_the_inputs_of_its_state_machine() -> None:
    reports = [
        event for event in tables.load("events")["event"] if event["fields"][:1] and event["fields"][0][0] == "order"
    ]
    names = [event["name"] for event in reports if event["name"] != "Denied"]
    assert tables.load("transitions")["events"] == ["Submit", "Deny", "CancelRequest", "ReplaceRequest", "Hold", *names]


# --- transitions


def test_every_combination_of_state_event_and_guard_matches_a_rule() -> None:
    document = tables.load("transitions")
    blanks = [item for item in tables.combinations(document) if tables.first_rule(document, item) is None]
    assert blanks == []


def test_every_rule_decides_at_least_one_combination() -> None:
    document = tables.load("transitions")
    used = {tables.first_rule(document, item) for item in tables.combinations(document)}
    assert [rule for index, rule in enumerate(document["rules"]) if index not in used] == []


def test_rules_name_only_declared_values() -> None:
    document = tables.load("transitions")
    guards = {"any", *(guard for values in document["guards"].values() for guard in values)}
    flags = {"true", "false"}
    allowed = [set(document["life"]), set(document["pending"]), flags, flags, set(document["events"]), guards]
    for rule in document["rules"]:
        for pattern, values in zip(rule[:6], allowed, strict=True):
            assert pattern == "*" or set(pattern.split("|")) <= values, rule


def test_results_are_codes_of_the_catalogue_or_known_parts_and_effects() -> None:
    document = tables.load("transitions")
    values = {part: set(document[part]) for part in ("life", "pending", "triggered", "in_doubt")}
    for *_, outcome in document["rules"]:
        if isinstance(outcome, str):
            assert outcome == "unreachable" or outcome in document["codes"], outcome
            continue
        effects = outcome.get("effect")
        assert effects is None or set(effects.split("|")) <= set(document["effects"]), outcome
        assert all(value in values[part] for part, value in outcome.items() if part != "effect"), outcome
    assert set(document["codes"]) <= slugs()


def test_declared_codes_and_effects_are_all_used() -> None:
    document = tables.load("transitions")
    results = list(expand_transitions().values())
    assert {result[1] for result in results if result[0] == "code"} == set(document["codes"])
    assert {effect for result in results if result[0] == "next" for effect in result[5]} == set(document["effects"])


def test_a_state_that_no_order_can_get_into_is_unreachable_in_every_row_and_no_other_state_is() -> None:
    expanded = tables.expand(tables.load("transitions"))
    reached = tables.reachable_states(expanded)
    with_rows = {key[:4] for key, result in expanded.items() if result[0] != "unreachable"}
    assert with_rows == reached


def test_a_closed_order_never_reopens_and_has_nothing_pending() -> None:
    for key, result in expand_transitions().items():
        if result[0] == "next" and key[0] in CLOSED:
            assert result[1:5] == key[:4], key
        if result[0] == "next" and result[1] in CLOSED:
            assert (result[2], result[4]) == ("none", False), key


def test_a_noop_changes_nothing_and_is_the_only_effect() -> None:
    for key, result in expand_transitions().items():
        if result[0] == "next" and "noop" in result[5]:
            assert result[1:5] == key[:4], key
            assert result[5] == {"noop"}, key


def test_a_fill_is_refused_only_for_an_order_that_was_never_sent() -> None:
    for key, result in expand_transitions().items():
        if key[4] == "Filled" and result[0] == "code":
            assert key[0] in {"Created", "Held", "Denied"}, key


def test_the_expanded_table_has_the_size_its_parts_give() -> None:
    document = tables.load("transitions")
    inputs = sum(len(document["guards"].get(event, ["any"])) for event in document["events"])
    states = len(document["life"]) * len(document["pending"]) * 2 * 2
    assert len(expand_transitions()) == states * inputs
    assert reachable_keys() <= set(expand_transitions())


# --- reject codes


def test_reject_codes_are_sorted_and_unique() -> None:
    numbers = [code["number"] for code in reject_codes()]
    assert numbers == sorted(set(numbers))
    assert len(slugs()) == len(numbers)


def test_a_slug_and_a_number_say_their_stage() -> None:
    for code in reject_codes():
        assert code["slug"].startswith(PREFIXES[code["stage"]]), code
        assert code["number"] // 100 == 1 + reject_sources.STAGES.index(code["stage"]), code


def test_messages_use_only_the_two_values_and_every_code_has_a_remedy() -> None:
    for code in reject_codes():
        assert set(re.findall(r"\{(\w*)\}", code["message"])) <= {"value", "limit"}, code
        assert code["remedy"], code
        assert "{" not in code["remedy"], code


# --- fills and capabilities


def test_the_fill_table_has_no_blank_and_no_unused_cell() -> None:
    document = tables.load("fills")
    used: Counter[int] = Counter()
    for key in itertools.product(document["order_types"], document["times_in_force"], document["data_kinds"]):
        matching = [i for i, cell in enumerate(document["cell"]) if all(map(tables.matches, cell[:3], key))]
        assert matching, key
        used[matching[0]] += 1
    assert set(used) == set(range(len(document["cell"])))


def test_fill_rules_are_numbered_and_each_is_named_by_a_cell() -> None:
    document = tables.load("fills")
    rules = document["rule"]
    assert [rule["number"] for rule in rules] == list(range(1, len(rules) + 1))
    assert {rule["liquidity"] for rule in rules} == {"maker", "taker"}
    words = {word for cell in document["cell"] for word in re.findall(r"\w+", cell[3])}
    assert {word for word in words if "_" in word} - {rule["name"] for rule in rules} <= slugs()
    assert {rule["name"] for rule in rules} <= words


def test_the_fill_table_refuses_what_the_simulated_venue_does_not_declare() -> None:
    document = tables.load("fills")
    simulator = {field["name"]: field["simulator"].split(", ") for field in tables.load("capabilities")["field"]}
    for key in itertools.product(document["order_types"], document["times_in_force"], document["data_kinds"]):
        outcome = next(cell[3] for cell in document["cell"] if all(map(tables.matches, cell[:3], key)))
        if key[0] not in simulator["order_types"]:
            assert outcome == "E_ORDER_TYPE", key
        elif key[1] not in simulator["times_in_force"]:
            assert outcome == "E_TIME_IN_FORCE", key
        else:
            assert not outcome.startswith("E_"), key


def test_the_rules_of_bars_made_in_the_core_are_those_of_the_configuration() -> None:
    rules = tables.load("aggregates")["rule"]
    assert {rule["name"]: rule["number"] for rule in rules} == {rule.name.lower(): int(rule) for rule in BarRule}


# --- what is generated


def test_no_generated_file_has_drifted_from_the_contract() -> None:
    found = [
        generate.summary(name, *texts)
        for make in (generate.generated, generate.drawn)
        for name, texts in generate.drift(make()).items()
    ]
    assert found == [], "run docs/generate.py"


def test_the_python_catalogue_equals_the_contract() -> None:
    from cracktrader.core.reject import REJECTS, RejectCode, explain

    assert {code.name: int(code) for code in RejectCode} == {code["slug"]: code["number"] for code in reject_codes()}
    for code in reject_codes():
        reject = REJECTS[code["number"]]
        assert (reject.slug, reject.stage.name.lower(), reject.message, reject.remedy) == (
            code["slug"],
            code["stage"],
            code["message"],
            code["remedy"],
        )
    assert explain(104, 7, 2) == (
        "E_LOT: quantity 7 is not a multiple of the lot 2; round the quantity down to the lot (ctx helpers do it)"
    )


@pytest.mark.parametrize("name", generate.CODECS)
def test_a_codec_carries_the_hash_and_the_version_of_the_contract(name: str) -> None:
    text = (tables.ROOT / name).read_text(encoding="utf-8")
    assert [match[2] for match in generate.HASH_LINE.finditer(text)] == [tables.contract_hash()]
    assert re.findall(r"CONTRACT_VERSION\b[^=\n]*=\s*(\d+)", text) == ["1"]


def test_the_check_says_which_file_differs_and_how() -> None:
    assert generate.summary("a.md", "one\ntwo\n", "one\nthree\n") == "a.md: 2 lines differ\n  -two\n  +three"


def test_only_the_quoted_hash_of_a_codec_is_rewritten() -> None:
    python, rust = 'CONTRACT_HASH: str = "old"  # why\n', 'pub const CONTRACT_HASH: &str = "old";\n'
    assert generate.with_hash(python, "new") == 'CONTRACT_HASH: str = "new"  # why\n'
    assert generate.with_hash(rust, "new") == 'pub const CONTRACT_HASH: &str = "new";\n'

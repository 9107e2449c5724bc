"""The laws of the repository, run on every file of it, and proof that each of them can fail.

Deliberately not here: the laws themselves (laws.py) and anything that needs the package to be importable.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import laws
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "cracktrader"
PYTHON_CORE = PACKAGE / "core"
RUST_CORE = ROOT / "crates" / "core" / "src"
BUILT = frozenset("target .venv .git build dist __pycache__ .hypothesis .mypy_cache .pytest_cache .ruff_cache".split())

# Names of the Python core without a twin of the same name and kind in Rust, and why.
WITHOUT_TWIN: dict[str, dict[str, str]] = {
    "codec": {
        "pack": "in Rust each field type has its own `Canonical` implementation",
        "ints": "in Rust the reader's type parameter says what is read",
        "EVENT_FIELDS": "in Rust the payload types carry their fields' order",
        "INTENT_FIELDS": "in Rust the intent types carry their fields' order",
        "KEY_FIELDS": "in Rust `LeafKey` is an enumeration with typed parts",
        "ROOT_MODULUS": "in Rust the sum wraps at four u64",
        **dict.fromkeys(
            (
                "encode_aggregate encode_bar encode_cause encode_command encode_fill encode_ledger encode_market encode_number "
                "encode_strategy encode_unsettled encode_working member read_aggregate read_bar read_cause read_command "
                "read_fill read_ledger read_market read_payload read_position read_strategy read_unsettled read_working "
            ).split(),
            "in Rust the entity is `Canonical`: `write` and `read` are its own",
        ),
    },
    "engine": {
        **dict.fromkeys(
            "pair single text".split(), "in Rust the type of a key or value says how it is written and read"
        ),
        "SILENT": "in Rust a callback without an answer is None",
        "JournalSpec": "in Rust files belong to the writer, crates/journal",
        "JournalPosition": "in Rust files belong to the writer, crates/journal",
        "Resume": "in Rust files belong to the writer, crates/journal",
    },
}
# Files over the limit, and why they are whole.
LONG_FILES: dict[str, str] = {
    "crates/core/src/reject.rs": "generated: one match arm a line, a table in truth",
    "crates/core/src/order.rs": "the state machine and its words in one place: every state, input and field has a line on what it is",
}


def test_both_cores_have_the_documented_files() -> None:
    assert not laws.twin_files(core_files(PYTHON_CORE, ".py"), core_files(RUST_CORE, ".rs"))


@pytest.mark.parametrize("name", laws.CORE_FILES)
def test_every_public_name_of_the_python_core_has_its_twin_in_rust(name: str) -> None:
    python = laws.python_names("\n".join(text for _, text in core_sources(PYTHON_CORE, name, ".py")))
    rust = laws.rust_names("\n".join(text for _, text in core_sources(RUST_CORE, name, ".rs")))
    excused = WITHOUT_TWIN.get(name, {})
    assert not laws.twin_names(python, rust, excused)
    assert set(excused) <= set().union(*python), "an exception that excuses nothing"


@pytest.mark.parametrize("name", laws.CORE_FILES)
def test_a_core_file_imports_only_files_above_it(name: str) -> None:
    wrong = []
    for path, text in core_sources(PYTHON_CORE, name, ".py"):
        wrong += laws.core_arrows_python(text, module_of(path), is_package=path.name == "__init__.py")
    for _, text in core_sources(RUST_CORE, name, ".rs"):
        wrong += laws.core_arrows_rust(text, name)
    assert not wrong


def test_a_room_imports_only_the_rooms_below_it() -> None:
    assert not over_package(laws.room_arrows)


def test_only_backend_imports_the_extension() -> None:
    assert not over_package(laws.extension_imports)


def test_the_pure_crate_does_not_know_pyo3() -> None:
    texts = [(ROOT / "crates/core/Cargo.toml").read_text(encoding="utf-8"), *(text for _, text in all_rust_core())]
    assert not [line for text in texts for line in laws.pyo3_mentions(text)]


def test_neither_core_knows_clock_randomness_threads_input_or_output() -> None:
    wrong = [f"{path.name} {line}" for path, text in all_python_core() for line in laws.impure_imports(text)]
    wrong += [f"{path.name} {line}" for path, text in all_rust_core() for line in laws.rust_impure(text)]
    assert not wrong


def test_neither_core_has_a_float_outside_indicator_and_view() -> None:
    python = [(path, text) for path, text in all_python_core() if core_name(path, PYTHON_CORE) not in laws.FLOAT_FILES]
    rust = [(path, text) for path, text in all_rust_core() if core_name(path, RUST_CORE) not in laws.FLOAT_FILES]
    wrong = [f"{path.name} {line}" for path, text in python for line in laws.python_floats(text)]
    wrong += [f"{path.name} {line}" for path, text in rust for line in laws.rust_floats(text)]
    assert not wrong


def test_neither_core_walks_anything_in_hash_order() -> None:
    wrong = [f"{path.name} {line}" for path, text in all_python_core() for line in laws.python_hash_order(text)]
    wrong += [f"{path.name} {line}" for path, text in all_rust_core() for line in laws.rust_hash_order(text)]
    assert not wrong


def test_release_builds_keep_overflow_checks() -> None:
    assert not laws.unchecked_overflow(tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8")))


def test_every_file_is_named_for_what_it_holds() -> None:
    assert not [line for path, _ in tracked() for line in laws.nameless(path)]


def test_every_source_file_opens_with_what_it_is() -> None:
    sources = (".py", ".pyi", ".rs", ".toml", ".sh", "Makefile", ".ci/run")
    assert not [line for path, text in tracked() if path.endswith(sources) for line in laws.headless(path, text)]


def test_no_file_names_a_machine_or_a_package_index() -> None:
    assert not [line for path, text in tracked() for line in laws.machine_words(path, text)]


def test_no_source_file_outgrows_a_head() -> None:
    sources = [(path, text) for path, text in tracked() if path.endswith((".py", ".pyi", ".rs"))]
    assert not [line for path, text in sources for line in laws.too_long(path, text, LONG_FILES)]
    assert set(LONG_FILES) <= {path for path, _ in sources}, "an exception that excuses nothing"


def test_exports_are_sorted() -> None:
    sources = [(path, text) for path, text in tracked() if path.endswith(".py")]
    assert not [line for path, text in sources for line in laws.unsorted_exports(path, text)]


# --- each law can fail -----------------------------------------------------------------------------------------

COMPLETE = laws.CORE_FILES
RELEASE = {"release": {"overflow-checks": True}}
# Put together here, so that this file does not break the law about what files may not say.
INDEX = "https://pypi" + ".org/simple"
HOME = "/" + "home/someone/cracktrader"

BROKEN = {
    "a file only Python has": laws.twin_files(COMPLETE, COMPLETE[1:]),
    "a file only Rust has": laws.twin_files(COMPLETE[1:], COMPLETE),
    "a file missing in both": laws.twin_files(COMPLETE[1:], COMPLETE[1:]),
    "a file nobody documented": laws.twin_files([*COMPLETE, "extra"], [*COMPLETE, "extra"]),
    "a class without a twin": laws.twin_names(laws.python_names("class Fee: ..."), laws.rust_names("struct Fee;"), {}),
    "a function without a twin": laws.twin_names(
        laws.python_names("def fold() -> None: ..."), laws.rust_names("pub fn refold() {}"), {}
    ),
    "a constant without a twin": laws.twin_names(
        laws.python_names("SCALE = 8"), laws.rust_names("const SCALE: u8 = 8;"), {}
    ),
    "an upward import": laws.core_arrows_python("from cracktrader.core.engine import Engine", "cracktrader.core.units"),
    "an upward relative import": laws.core_arrows_python("from . import engine", "cracktrader.core.units"),
    "an upward use": laws.core_arrows_rust("use crate::engine::Engine;", "units"),
    "an upward use in a group": laws.core_arrows_rust("use crate::{units::{A, B}, engine::C};", "fee"),
    "an upward path in code": laws.core_arrows_rust("fn f() { crate::replay::run() }", "fee"),
    "the core importing a room": laws.room_arrows("from cracktrader.data import columns", "cracktrader.core.units"),
    "a room importing upwards": laws.room_arrows("from ..analysis import stats", "cracktrader.runtime.loop"),
    "a room importing the package": laws.room_arrows("import cracktrader as ct", "cracktrader.data.load"),
    "a room nobody documented": laws.room_arrows("", "cracktrader.plumbing"),
    "the extension elsewhere": laws.extension_imports("from cracktrader import _core", "cracktrader.cli.doctor"),
    "the extension, relative": laws.extension_imports("from ._core import run", "cracktrader.runtime"),
    "the extension by name": laws.extension_imports("load('cracktrader._core')", "cracktrader.cli.doctor"),
    "pyo3 in code": laws.pyo3_mentions("use pyo3::prelude::*;"),
    "pyo3 in a manifest": laws.pyo3_mentions("pyo3.workspace = true"),
    "a Python clock": laws.impure_imports("from time import monotonic_ns"),
    "Python randomness": laws.impure_imports("import random"),
    "float mathematics": laws.impure_imports("from math import exp"),
    "a Python thread": laws.impure_imports("import threading"),
    "a float literal": laws.python_floats("x = 0.5"),
    "a float by name": laws.python_floats("x = float(1)"),
    "a true division": laws.python_floats("x = 1\nx /= 2"),
    "a walk through a set": laws.python_hash_order("for x in {1, 2}: ..."),
    "a walk through a set attribute": laws.python_hash_order(
        "class A:\n    s: set[int]\n    def f(self): return [*self.s]"
    ),
    "a list of a set": laws.python_hash_order("s = set(x)\ny = list(s)"),
    "an arbitrary element": laws.python_hash_order("s = set(x)\ny = s.pop()"),
    "a salted hash": laws.python_hash_order("x = hash('a')"),
    "a Rust clock": laws.rust_impure("let now = std::time::Instant::now();"),
    "a Rust lock": laws.rust_impure("use std::sync::Mutex;"),
    "a Rust thread": laws.rust_impure("std::thread::spawn(f);"),
    "Rust randomness": laws.rust_impure("use rand::Rng;"),
    "a Rust float": laws.rust_floats("fn f(x: f64) {}"),
    "a Rust float literal": laws.rust_floats("let x = 1.5;"),
    "a walk through a Rust hash map": laws.rust_hash_order(
        "struct A { m: HashMap<u8, u8> }\nfn f(a: &A) { a.m.values().sum() }"
    ),
    "a Rust loop over a hash map": laws.rust_hash_order("let m = HashMap::new();\nfor x in &m {}"),
    "a walk through an alias": laws.rust_hash_order(
        "type Index = HashMap<u8, u8>;\nstruct A { m: Index }\nfn f(a: &A) { a.m.keys() }"
    ),
    "unchecked release builds": laws.unchecked_overflow({"profile": {"release": {}}}),
    "an unchecked package": laws.unchecked_overflow(
        {"profile": {"release": {"overflow-checks": True, "package": {"x": {"overflow-checks": False}}}}}
    ),
    "a name that says nothing": laws.nameless("python/cracktrader/core/" + "utils.py"),
    "a headless Python file": laws.headless("a.py", "x = 1\n"),
    "a headless Rust file": laws.headless("a.rs", "fn main() {}\n"),
    "a headless manifest": laws.headless("a.toml", "[package]\n"),
    "a machine's path": laws.machine_words("a.md", f"see {HOME}"),
    "an index address": laws.machine_words("a.md", INDEX),
    "an index address in the lock file": laws.machine_words("Cargo.lock", f'source = "registry+{INDEX}"'),
    "a long file": laws.too_long("a.py", "\n" * 701, {}),
    "unsorted exports": laws.unsorted_exports("a.py", "__all__ = ['b', 'a']"),
}

KEPT = {
    "the documented files": laws.twin_files(COMPLETE, COMPLETE),
    "twins": laws.twin_names(
        laws.python_names("SCALE = 8\nclass Fee: ...\ndef fold() -> None: ...\n_OWN = 1"),
        laws.rust_names("pub const SCALE: u8 = 8;\npub struct Fee;\nimpl Fee { pub const fn fold() {} }"),
        {},
    ),
    "a family of types by macro": laws.twin_names(
        laws.python_names("class OrderId: ..."), laws.rust_names("id!(OrderId);"), {}
    ),
    "a downward import": laws.core_arrows_python("from .units import Price", "cracktrader.core.engine"),
    "an upward use in a unit test": laws.core_arrows_rust(
        "#[cfg(test)]\nmod tests {\n use crate::engine::E;\n}", "units"
    ),
    "an upward name in a comment": laws.core_arrows_rust("/// See `crate::engine`.\nfn f() {}", "units"),
    "the extension in backend": laws.extension_imports("from cracktrader import _core", "cracktrader.backend"),
    "the core's own random": laws.impure_imports("from .random import draw"),
    "the correctly rounded root": laws.impure_imports("from math import sqrt"),
    "floor division": laws.python_floats("x = 7 // 2"),
    "a sorted set": laws.python_hash_order("s = set(x)\nfor y in sorted(s): ..."),
    "a range and a tuple field": laws.rust_floats("for i in 0..10 { t.0.1; }"),
    "a float in a string": laws.rust_floats('let s = "1.5 f64";'),
    "a looked-up hash map": laws.rust_hash_order("let m = HashMap::new();\nm.get(&1);"),
    "the planted-defect switch": laws.rust_impure('#[cfg(feature = "planted")]\nthread_local! { static D: u8 = 0; }'),
    "a lifetime": laws.rust_floats("fn f<'a>(x: &'a u8) -> &'a u8 { x }"),
    "checked builds": laws.unchecked_overflow({"profile": RELEASE}),
    "the canonical crate source": laws.machine_words("Cargo.lock", laws.CARGO_SOURCE),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_law_is_reported(case: str) -> None:
    assert BROKEN[case]


@pytest.mark.parametrize("case", KEPT)
def test_a_kept_law_is_silent(case: str) -> None:
    assert not KEPT[case]


# --- what the laws are run on ----------------------------------------------------------------------------------


def core_files(folder: Path, suffix: str) -> list[str]:
    """The names of a core's files; a folder counts by its own name."""
    found = {
        path.stem if path.is_file() else path.name
        for path in folder.iterdir()
        if path.suffix == suffix or path.is_dir()
    }
    return sorted(found - {"__init__", "lib", "__pycache__"})


def core_sources(folder: Path, name: str, suffix: str) -> Iterator[tuple[Path, str]]:
    """The one file of a name, or every file of the folder of that name."""
    for path in [folder / f"{name}{suffix}", *sorted((folder / name).rglob(f"*{suffix}"))]:
        if path.is_file():
            yield path, path.read_text(encoding="utf-8")


def all_python_core() -> list[tuple[Path, str]]:
    """Every file of the Python core."""
    return [(path, path.read_text(encoding="utf-8")) for path in sorted(PYTHON_CORE.rglob("*.py"))]


def all_rust_core() -> list[tuple[Path, str]]:
    """Every file of the Rust core."""
    return [(path, path.read_text(encoding="utf-8")) for path in sorted(RUST_CORE.rglob("*.rs"))]


def core_name(path: Path, folder: Path) -> str:
    """The documented name of a core file, wherever in its folder it lies."""
    return path.relative_to(folder).parts[0].split(".")[0]


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def over_package(law: object) -> list[str]:
    """One import law over every Python file of the package."""
    assert callable(law)
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found = law(path.read_text(encoding="utf-8"), module_of(path), path.name == "__init__.py")
        wrong += [f"{path.relative_to(ROOT)} {line}" for line in found]
    return wrong


def tracked() -> list[tuple[str, str]]:
    """Every text file of the checkout that is not built, as git sees it, or all of them in a copy without git."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    else:
        listed = [str(path.relative_to(ROOT)) for path in sorted(ROOT.rglob("*"))]
    paths = [name for name in listed if name and not BUILT & set(Path(name).parts) and (ROOT / name).is_file()]
    assert "Makefile" in paths
    return [(name, text) for name in paths if (text := text_of(ROOT / name)) is not None]


def text_of(path: Path) -> str | None:
    """A file's text, or nothing for data."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None

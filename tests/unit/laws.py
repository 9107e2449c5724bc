"""The repository's laws as functions: each takes text (or names) and returns what is wrong with it, a line each.

Deliberately not here: which files they are run on and the tests that every law can fail; that is
test_repository_laws.py. Laws about behaviour belong to the contract tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

# --- the core's files ------------------------------------------------------------------------------------------

# In dependency order: a file imports only files above it. Both cores have exactly these.
CORE_FILES = (
    "units random instrument schedule fee event intent reject order group portfolio account book capability risk config "
    "valuation timer aggregate indicator state admission clearing matching wake invariant view sequencer codec engine replay"
).split()
FLOAT_FILES = frozenset({"indicator", "view"})


def twin_files(python_names: Iterable[str], rust_names: Iterable[str]) -> list[str]:
    """Both cores have the documented files and no others; a folder counts by its name."""
    python, rust, documented = set(python_names), set(rust_names), set(CORE_FILES)
    wrong = [f"{name}: in the Python core, not in the Rust core" for name in sorted(python - rust)]
    wrong += [f"{name}: in the Rust core, not in the Python core" for name in sorted(rust - python)]
    wrong += [f"{name}: not in the documented list" for name in sorted((python | rust) - documented)]
    return wrong + [f"{name}: documented, but missing" for name in sorted(documented - (python | rust))]


# --- Rust text -------------------------------------------------------------------------------------------------

RUST_TOKEN = re.compile(
    r"""//[^\n]*
    | /\*.*?\*/
    | b?r(?P<hashes>\#*)".*?"(?P=hashes)
    | [bc]?"(?:\\.|[^"\\])*"
    | b?'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|.)|[^'\\\n])'""",
    re.VERBOSE | re.DOTALL,
)
RUST_TEST_ITEM = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]\s*(?:#\[[^\]]*\]\s*)*")


# What only the test build with planted defects compiles is a test, too.
RUST_PLANTED = '#[cfg(feature = "planted")]'


def rust_code(text: str) -> str:
    """The text without comments, string contents and `#[cfg(test)]` items; line numbers stay."""
    bare = RUST_TOKEN.sub(lambda token: blank(token.group()), text.replace(RUST_PLANTED, "#[cfg(test)]"))
    while found := RUST_TEST_ITEM.search(bare):
        end = item_end(bare, found.end())
        bare = bare[: found.start()] + "\n" * bare.count("\n", found.start(), end) + bare[end:]
    return bare


def blank(token: str) -> str:
    """A token with nothing in it: strings keep their quotes, comments vanish, line breaks stay."""
    return ("" if token.startswith("/") else '""') + "\n" * token.count("\n")


def item_end(code: str, start: int) -> int:
    """Where the item that begins at `start` ends: at its semicolon or its closing brace."""
    depth = 0
    for place in range(start, len(code)):
        if code[place] == ";" and depth == 0:
            return place + 1
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if code[place] == "}" and depth == 0:
            return place + 1
    return len(code)


def rust_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of the code with their numbers."""
    return enumerate(rust_code(text).splitlines(), start=1)


def matches(text: str, pattern: re.Pattern[str], reason: str) -> list[str]:
    """One finding for each line of Rust code that the pattern hits."""
    return [f"line {at}: `{hit.group()}`: {reason}" for at, line in rust_lines(text) if (hit := pattern.search(line))]


# --- public names ----------------------------------------------------------------------------------------------

RUST_TYPE = re.compile(r"\bpub(?:\([^)]*\))?\s+(?:struct|enum|trait|type|union)\s+(\w+)")
RUST_FUNCTION = re.compile(r"\bpub(?:\([^)]*\))?\s+(?:const\s+|unsafe\s+)*fn\s+(\w+)")
RUST_CONSTANT = re.compile(r"\bpub(?:\([^)]*\))?\s+(?:const|static)\s+(\w+)\s*:")
# A macro of the file may declare a family of types or constants: `id_type!(OrderId);`
RUST_MACRO_CALL = re.compile(r"^\s*\w+!\s*[({](.*?)[)}];?\s*$", re.MULTILINE | re.DOTALL)


class Names(NamedTuple):
    """The public names of one file."""

    types: frozenset[str]
    functions: frozenset[str]
    constants: frozenset[str]


def python_names(text: str) -> Names:
    """Classes (and type aliases), functions and constants a Python file defines at its top level."""
    types: set[str] = set()
    functions: set[str] = set()
    assigned: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            types.add(node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.Assign):
            assigned.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            assigned.add(node.target.id)
    types |= {name for name in assigned if not name.isupper() and name[:1].isupper()}
    constants = {name for name in assigned if name.isupper()}
    return Names(*(frozenset(n for n in group if not n.startswith("_")) for group in (types, functions, constants)))


def rust_names(text: str) -> Names:
    """Types, functions (methods included) and constants that a Rust file makes public."""
    code = rust_code(text)
    declared = {word for call in RUST_MACRO_CALL.findall(code) for word in re.findall(r"\w+", call)}
    return Names(
        types=frozenset(RUST_TYPE.findall(code)) | {word for word in declared if word[:1].isupper()},
        functions=frozenset(RUST_FUNCTION.findall(code)),
        constants=frozenset(RUST_CONSTANT.findall(code)) | {word for word in declared if word.isupper()},
    )


def twin_names(python: Names, rust: Names, excused: Mapping[str, str]) -> list[str]:
    """What the Python file makes public, the Rust file of the same name has under the same name."""
    wrong = []
    for kind, here, there in zip(Names._fields, python, rust, strict=True):
        # A Python class that only gathers functions may be a Rust module or the other way round; excuse it by name.
        wrong += [f"{kind} {name}: no twin in Rust" for name in sorted(here - there) if name not in excused]
    return wrong


# --- who may import whom ---------------------------------------------------------------------------------------

CORE_ONLY = frozenset({"core"})
BASE = CORE_ONLY | {"errors"}
LOW = BASE | {"backend", "strategy", "data", "venues", "journal", "runtime"}
TOP = LOW | {"analysis"}
# A room's own files may always import each other. Only the package's __init__ and exports may import from every room.
ROOMS: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "errors": CORE_ONLY,
    "backend": BASE | {"journal"},
    "config": frozenset({"errors"}),
    "strategy": BASE,
    "data": BASE | {"backend"},
    "venues": BASE | {"data"},
    "journal": BASE | {"data"},
    "runtime": LOW,
    "analysis": LOW,
    "research": TOP,
    "compat": TOP,
    "web": TOP,
    "testing": TOP,
    "bench": TOP,
    "cli": TOP | {"config", "research", "compat", "web", "bench"},
}


def imported_modules(text: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """The absolute names of everything a Python file imports, with `from x import y` given as x.y."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def room_arrows(text: str, module: str, is_package: bool = False) -> list[str]:
    """A room imports only the rooms below it."""
    if module in ("cracktrader", "cracktrader.exports"):
        return []
    room = module.split(".")[1]
    if room not in ROOMS:
        return [f"{module}: `{room}` is not a room of the architecture"]
    wrong = []
    for line, name in imported_modules(text, module, is_package):
        parts = name.split(".")
        if parts[0] != "cracktrader":
            continue
        target = parts[1] if len(parts) > 1 else ""
        if target in ROOMS and target != room and target not in ROOMS[room]:
            wrong.append(f"line {line}: `{room}` may not import `{name}`")
        elif target not in ROOMS and target != "_core":
            wrong.append(f"line {line}: `{name}` is the whole package; import the room that has it")
    return wrong


def core_arrows_python(text: str, module: str, is_package: bool = False) -> list[str]:
    """A file of the Python core imports only files above it."""
    own = module.split(".")[2]
    targets = (
        (line, name.split(".")[2])
        for line, name in imported_modules(text, module, is_package)
        if name.startswith("cracktrader.core.")
    )
    return [order for line, target in targets if (order := upwards(own, target, line))]


RUST_CRATE_PATH = re.compile(r"\bcrate::(?:(\w+)|\{)")


def core_arrows_rust(text: str, own: str) -> list[str]:
    """A file of the Rust core names only modules above it (unit tests excepted)."""
    code = rust_code(text)
    wrong = []
    for found in RUST_CRATE_PATH.finditer(code):
        line = code.count("\n", 0, found.start()) + 1
        for target in [found.group(1)] if found.group(1) else group_heads(code, found.end() - 1):
            if order := upwards(own, target, line):
                wrong.append(order)
    return wrong


def group_heads(code: str, brace: int) -> list[str]:
    """The first names inside `crate::{a::X, b::{Y, Z}}`: a and b."""
    inside = code[brace + 1 : item_end(code, brace) - 1]
    while re.search(r"\{[^{}]*\}", inside):
        inside = re.sub(r"\{[^{}]*\}", "", inside)
    return [head.group(1) for part in inside.split(",") if (head := re.match(r"\s*(\w+)", part))]


def upwards(own: str, target: str, line: int) -> str:
    """What is wrong with file `own` naming file `target`, or nothing."""
    if target == own:
        return ""
    if target not in CORE_FILES:
        return f"line {line}: `{target}` is no file of the core"
    if CORE_FILES.index(target) > CORE_FILES.index(own):
        return f"line {line}: `{own}` imports `{target}`, which is below it"
    return ""


EXTENSION = "cracktrader._core"


def extension_imports(text: str, module: str, is_package: bool = False) -> list[str]:
    """Only backend.py may import the extension, in any spelling."""
    if module == "cracktrader.backend":
        return []
    names = [name for _, name in imported_modules(text, module, is_package)]
    names += [
        node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and node.value == EXTENSION
    ]
    return [
        f"`{name}`: only backend.py imports the extension" for name in names if (name + ".").startswith(EXTENSION + ".")
    ]


def pyo3_mentions(text: str) -> list[str]:
    """The pure crate does not know of Python's bindings, neither in code nor in its manifest."""
    return [
        f"line {at}: pyo3 outside crates/python"
        for at, line in enumerate(text.splitlines(), 1)
        if re.search(r"\bpyo3\s*(?:::|[.=])", line)
    ]


# --- purity ----------------------------------------------------------------------------------------------------

IMPURE_MODULES = frozenset(
    "time datetime calendar zoneinfo locale random secrets uuid threading multiprocessing concurrent asyncio queue "
    "signal socket os io pathlib subprocess tempfile shutil math cmath numpy logging".split()
)
RUST_IMPURE = re.compile(
    r"\b(?:SystemTime|Instant|UNIX_EPOCH|Mutex|RwLock|Condvar|Atomic(?:U|I|Bool|Usize|Ptr)\w*|thread_local|OsRng|RandomState"
    r"|std::(?:time|thread|fs|net|io|env|process|sync::mpsc)|tokio|chrono|rand)\b(?!\w)"
)
RUST_FLOAT = re.compile(r"\bf(?:32|64)\b|(?<![\w.])\d[\d_]*\.\d|(?<![\w.])\d[\d_]*(?:f32|f64)\b")
RUST_HASH = re.compile(r"\bHash(?:Map|Set)\b")


def impure_imports(text: str) -> list[str]:
    """No clock, randomness, thread, input or output, and no float mathematics in the Python core but the correctly rounded root."""
    found = imported_modules(text, "cracktrader.core.any", is_package=False)
    pure = {"math.sqrt"}
    return [
        f"line {line}: imports `{name}`"
        for line, name in found
        if name.split(".")[0] in IMPURE_MODULES and name not in pure
    ]


def python_floats(text: str) -> list[str]:
    """No float in the Python core: no literal, no `float` by name, no true division."""
    wrong = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            wrong.append(f"line {node.lineno}: float literal {node.value!r}")
        elif isinstance(node, ast.Name) and node.id == "float":
            wrong.append(f"line {node.lineno}: float")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            wrong.append(f"line {node.lineno}: true division")
    return wrong


def python_hash_order(text: str) -> list[str]:
    """No iteration over a set and no `hash()` or `id()` in the Python core; `sorted(...)` makes a set an order."""
    tree = ast.parse(text)
    sets = set_names(tree)
    wrong = []
    for node in ast.walk(tree):
        for walked in iterated(node):
            if is_set(walked, sets):
                wrong.append(f"line {walked.lineno}: iterates over a set (`{ast.unparse(walked)}`)")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hash", "id"):
            wrong.append(f"line {node.lineno}: {node.func.id}() differs between processes")
    return wrong


def set_names(tree: ast.AST) -> frozenset[str]:
    """Variables and attributes of a file that are annotated or assigned as sets, whatever their scope."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            if re.match(r"(?:typing\.)?(?:frozenset|set|AbstractSet|FrozenSet|Set)\b", ast.unparse(node.annotation)):
                names.add(node.arg if isinstance(node, ast.arg) else last_name(node.target))
        elif isinstance(node, ast.Assign) and is_set(node.value, frozenset()):
            names.update(last_name(target) for target in node.targets)
    return frozenset(names - {""})


def last_name(node: ast.expr) -> str:
    """`x` of `x`, `self.x` and `a.b.x`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_set(node: ast.expr, names: frozenset[str]) -> bool:
    """Whether an expression is a set, as far as its text tells."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        return last_name(node.func) in ("set", "frozenset")
    return last_name(node) in names


def iterated(node: ast.AST) -> list[ast.expr]:
    """The expressions a node walks through in their own order."""
    if isinstance(node, ast.For | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Starred):
        return [node.value]
    if isinstance(node, ast.Call) and last_name(node.func) in (
        "list",
        "tuple",
        "iter",
        "enumerate",
        "map",
        "zip",
        "join",
    ):
        return list(node.args)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "pop"
        and not node.args
    ):
        return [node.func.value]
    return []


def rust_impure(text: str) -> list[str]:
    """No clock, randomness, thread, shared memory, input or output in the Rust core."""
    return matches(text, RUST_IMPURE, "no clock, randomness, thread, input or output in the core")


def rust_floats(text: str) -> list[str]:
    """No float type and no float literal in the Rust core."""
    return matches(text, RUST_FLOAT, "no float outside indicator and view")


def rust_hash_order(text: str) -> list[str]:
    """A hash map may be looked up, never walked: fields, variables and aliases of one are followed by name."""
    code = rust_code(text)
    kinds = r"\bHash(?:Map|Set)\b"
    if aliases := re.findall(r"\btype\s+(\w+)(?:<[^=]*>)?\s*=\s*[^;]*Hash(?:Map|Set)\b", code):
        kinds += r"|\b(?:" + "|".join(aliases) + r")\b"
    names = re.findall(rf"\b(\w+)\s*:\s*&?\s*(?:'\w+\s+)?(?:mut\s+)?(?:[\w:]+::)?(?:{kinds})", code)
    names += re.findall(rf"\blet\s+(?:mut\s+)?(\w+)[^;=]*=[^;]*(?:{kinds})", code)
    if not names:
        return []
    named = "|".join(sorted(set(names)))
    walked = re.compile(
        rf"\b(?:{named})\s*\.\s*(?:iter|iter_mut|into_iter|keys|into_keys|values|values_mut|into_values|drain|retain|extract_if)\b"
        rf"|\bin\s+&?\s*(?:mut\s+)?(?:\w+\.)*(?:{named})\s*\{{"
    )
    return [f"`{hit.group()}`: walks a hash map in its own order" for hit in walked.finditer(code)]


# --- the tree --------------------------------------------------------------------------------------------------

NAMELESS = frozenset({"util", "utils", "common", "helper", "helpers", "misc", "manager", "managers"})
LINES_AT_MOST = 700
INDEX_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|(?:index|static)\.crates\.io|//crates\.io|--(?:extra-)?index-url|--find[-]links", re.I
)
MACHINE_PATH = re.compile(r"(?<![\w.:/}$])/(?:home|root|Users|work|workspace|tmp|opt|mnt|srv)/\w|\b[A-Z]:\\\\?Users\b")
CARGO_SOURCE = 'source = "registry+https://github.com/rust-lang/crates.io-index"'


def nameless(path: str) -> list[str]:
    """A file or folder is named for what it holds."""
    stems = [part.split(".")[0].lower() for part in path.split("/")]
    return [f"{path}: `{stem}` says nothing" for stem in stems if stem in NAMELESS]


def headless(path: str, text: str) -> list[str]:
    """Every source file opens with what it is: a docstring, `//!` or, in scripts and manifests, a comment."""
    if path.endswith((".py", ".pyi")):
        opens = bool(ast.get_docstring(ast.parse(text)))
    elif path.endswith(".rs"):
        opens = text.startswith("//!")
    else:
        opens = bool(re.match(r"(?:#!.*\n)?#\s*\S", text))
    return [] if opens else [f"{path}: does not open with what it is"]


def machine_words(path: str, text: str) -> list[str]:
    """No path of one machine and no address of a package index in any file."""
    wrong = []
    for at, line in enumerate(text.splitlines(), start=1):
        if path.endswith("Cargo.lock") and line == CARGO_SOURCE:
            continue
        if hit := MACHINE_PATH.search(line) or INDEX_HOST.search(line):
            wrong.append(f"{path}:{at}: `{hit.group()}`")
    return wrong


def too_long(path: str, text: str, excused: Mapping[str, str]) -> list[str]:
    """A file fits a head."""
    lines = text.count("\n")
    return [f"{path}: {lines} lines, at most {LINES_AT_MOST}"] if lines > LINES_AT_MOST and path not in excused else []


def unsorted_exports(path: str, text: str) -> list[str]:
    """`__all__` is sorted, so that a change of it is one line in one place."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and [last_name(target) for target in node.targets] == ["__all__"]:
            names = list(ast.literal_eval(node.value))
            return [] if names == sorted(set(names)) else [f"{path}: __all__ is not sorted"]
    return []


def unchecked_overflow(manifest: Mapping[str, object]) -> list[str]:
    """Release builds stop on overflow, and no other profile or package turns the check off."""
    profiles = manifest.get("profile")
    if not isinstance(profiles, dict) or profiles.get("release", {}).get("overflow-checks") is not True:
        return ["profile.release: overflow-checks is not true"]
    return [f"{where}: overflow-checks is off" for where in switched_off(profiles, "profile")]


def switched_off(table: Mapping[str, object], where: str) -> Iterator[str]:
    """Every place below a table that sets overflow-checks to false."""
    for key, value in table.items():
        if key == "overflow-checks" and value is False:
            yield where
        elif isinstance(value, dict):
            yield from switched_off(value, f"{where}.{key}")

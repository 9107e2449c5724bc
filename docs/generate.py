"""Writes everything that is derived; `--check` writes nothing and exits 1 if anything drifted.

From contract/*.toml: the reject catalogue of both cores, the contract hash inside both codecs, and docs/reference. From the
commands and the settings of the package: their two pages there. From what the proofs counted: how reliable a journal is. From
runs of the Python core: the pictures of the guide.
Deliberately not here: the texts and pictures themselves (reject_sources.py, reference_pages.py, command_pages.py,
order_scenes.py, reliability_page.py) and the reading of the contract (contract_tables.py).
"""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import command_pages
import contract_tables as tables
import order_scenes
import reference_pages
import reject_sources
import reliability_page

CODECS = ("python/cracktrader/core/codec/wire.py", "crates/core/src/codec/mod.rs")
HASH_LINE = re.compile(r'(CONTRACT_HASH\b[^=\n"]*=\s*")([^"]*)(")')


def generated() -> dict[str, str]:
    """Path below the repository -> the text it must have."""
    codes = tables.load("reject_codes")["code"]
    texts = {
        "python/cracktrader/core/reject.py": reject_sources.python_reject(codes),
        "crates/core/src/reject.rs": reject_sources.rust_reject(codes),
        **reference_pages.reference(),
        **command_pages.reference(),
        **reliability_page.reference(),
    }
    for name in CODECS:
        path = tables.ROOT / name
        if path.exists():
            texts[name] = with_hash(path.read_text(encoding="utf-8"), tables.contract_hash())
    return texts


def with_hash(text: str, digest: str) -> str:
    """The codec's own text with only the quoted value of CONTRACT_HASH replaced."""
    return HASH_LINE.sub(lambda match: match[1] + digest + match[3], text)


def drawn() -> dict[str, str]:
    """The same for what the core itself has to run for, which it can only once the files of `generated` are right."""
    return order_scenes.pictures()


def drift(texts: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Path -> (text on disk, text it must have), for the files that differ; a missing file counts as empty."""
    found: dict[str, tuple[str, str]] = {}
    for name, wanted in texts.items():
        path = tables.ROOT / name
        actual = path.read_text(encoding="utf-8") if path.exists() else ""
        if actual != wanted:
            found[name] = (actual, wanted)
    return found


def summary(name: str, actual: str, wanted: str) -> str:
    """How much a file differs, and the first lines that do."""
    lines = list(difflib.unified_diff(actual.splitlines(), wanted.splitlines(), n=0, lineterm=""))[2:]
    changed = [line for line in lines if not line.startswith("@@")]
    return "\n".join([f"{name}: {len(changed)} lines differ", *(f"  {line}" for line in changed[:6])])


def main(arguments: list[str]) -> int:
    """Command line: no argument writes, `--check` only compares."""
    if arguments not in ([], ["--check"]):
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    for make in (generated, drawn):
        differing = drift(make())
        for name, (actual, wanted) in differing.items():
            print(summary(name, actual, wanted) if arguments else write(name, wanted))
        if arguments and differing:
            return 1
    return 0


def write(name: str, text: str) -> str:
    """Write one file; what to say about it."""
    path = tables.ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return f"wrote {name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

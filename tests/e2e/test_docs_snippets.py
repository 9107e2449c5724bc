"""Every snippet of the README and of the docs is run: a page's blocks in order, in one folder and one namespace.

    ```python                     is executed; what it defines is there for the page's next block
    ```bash                       is executed by bash, with `cracktrader` on its path; it has to succeed
    ```python title="mine.py"     is written to that file; so are toml and csv blocks with a title
    ```text title="output"        is what the block before it printed, to the letter
    ```text                       is shown, and not run

The one exception is marked where it stands: a comment `<!-- not run: why -->` before a block.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")])
FENCE = re.compile(r"(?P<note><!-- not run: .+? -->\s*)?^(?P<indent> *)```(?P<kind>\S*)(?P<rest>.*)$", re.MULTILINE)
TITLE = re.compile(r'title="([^"]+)"')
SHOWN = ("text", "console", "toml", "csv", "json")
"""What is not run unless it has a title; then it is written to a file."""


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int
    kind: str
    title: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page that are run or written, in order."""
    text = page.read_text(encoding="utf-8")
    at = 0
    while opening := FENCE.search(text, at):
        indent = opening["indent"]
        closing = re.compile(rf"^{indent}```\s*$", re.MULTILINE).search(text, opening.end())
        assert closing, f"{page.name}: a block is not closed"
        body = text[opening.end() + 1 : closing.start()]
        body = "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        title = TITLE.search(opening["rest"])
        if opening["note"] is None:
            line = text.count("\n", 0, opening.start("kind")) + 1
            yield Block(line, opening["kind"], title[1] if title else "", body)
        at = closing.end()


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `cracktrader` and `python` are those under test."""
    programs = tmp_path / ".bin"
    programs.mkdir()
    scripts = {
        "cracktrader": f"#!{sys.executable}\nfrom cracktrader.cli import program\nprogram()\n",
        # Not a link: through one the interpreter would not find its environment.
        "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
    }
    for name, text in scripts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {
        **{name: value for name, value in os.environ.items() if name != "CI"},
        # As where the package is installed: pytest finds its plugin.
        "PYTEST_PLUGINS": "cracktrader.testing",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "python"), os.environ.get("PYTHONPATH", "")]),
    }


@pytest.mark.rust
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_snippet_runs(page: Path, tmp_path: Path, shell: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    printed = ""
    for block in blocks(page):
        where = f"{page.name} line {block.line}"
        if block.title == "output":
            assert printed.strip() == block.text.strip(), where
        elif block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            # Compiled under the page's name and padded, so that a traceback names the page's own line.
            code = compile("\n" * block.line + block.text, str(page), "exec", dont_inherit=True)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(code, module.__dict__)
            printed = out.getvalue()
        elif block.kind == "bash":
            done = subprocess.run(
                ["bash", "-eu", "-o", "pipefail", "-c", block.text],
                env=shell,
                capture_output=True,
                text=True,
                check=False,
            )
            printed = done.stdout + done.stderr
            assert done.returncode == 0, f"{where}:\n{block.text}{printed}"
        else:
            assert block.kind in SHOWN, f"{where}: a block of kind {block.kind!r} is neither run nor said to be shown"


def test_the_pages_hold_snippets() -> None:
    run = [block for page in PAGES for block in blocks(page) if block.kind in ("python", "bash")]
    assert len(run) >= 40

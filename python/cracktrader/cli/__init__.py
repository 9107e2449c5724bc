"""The command line: `main` runs it and turns whatever happens into an exit code.

    0  done                                    4  the strategy raised
    1  the checked thing is false              5  an invariant is broken
    2  usage or configuration                  6  venue or network
    3  data                                  130  interrupted

With `--json` stdout carries exactly one JSON document, failure included; everything else goes to stderr. The commands
are in `app.py`; nothing heavy is imported before one of them runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from cracktrader.errors import CracktraderError

__all__ = ["main", "program"]

INTERRUPTED = 130
GROUPS = ("config", "data")
"""Commands that have commands of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; `arguments` defaults to those of the process. Returns the exit code."""
    from cracktrader.cli.interrupt import prompt_interrupts

    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    # Where a strategy's output is sent elsewhere, the process's own stdout is still there for the last word.
    with prompt_interrupts(lambda: _fail(given, INTERRUPTED, "Interrupted", "interrupted", sys.__stdout__)):
        return _run(given)


def program() -> NoReturn:
    """The installed command: `main`, and the end of the process.

    An interrupted process does not wait until the interpreter has taken apart every library it had loaded, which takes 0.1 s.
    """
    code = main()
    if code == INTERRUPTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run(given: Sequence[str]) -> int:
    import typer

    from cracktrader.cli.app import app

    try:
        code = int(app(args=given, prog_name="cracktrader", standalone_mode=False) or 0)
        # typer turns an interrupt into this code before it can be caught here.
        return _fail(given, code, "Interrupted", "interrupted") if code == INTERRUPTED else code
    except typer.TyperException as error:
        return _fail(given, error.exit_code, "UsageError", error.format_message().replace("Value error, ", ""))
    except CracktraderError as error:
        from cracktrader.cli.console import as_flags

        return _fail(given, error.code, type(error).__name__, as_flags(str(error)))
    except (typer.Abort, KeyboardInterrupt):
        return _fail(given, INTERRUPTED, "Interrupted", "interrupted")
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`): nobody is left to tell, and flushing at exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        import traceback

        traceback.print_exc()
        return _fail(given, 1, type(error).__name__, f"this is a defect of cracktrader: {error}")


def _fail(given: Sequence[str], code: int, kind: str, message: str, out: TextIO | None = None) -> int:
    """Say what went wrong, once for people and, where JSON was asked for, once for programs."""
    print(f"error: {message}", file=sys.stderr)
    if "--json" in given:
        import json

        document = {"command": command_of(given), "error": {"type": kind, "message": message}, "exit_code": code}
        print(json.dumps(document), file=out or sys.stdout)
    elif code == 2 and kind == "UsageError":
        print("`cracktrader --help` lists the commands, `cracktrader COMMAND --help` their options", file=sys.stderr)
    return code


def command_of(given: Sequence[str]) -> str:
    """The command without its arguments: "backtest", "data info"."""
    return " ".join(word for word in (given[:2] if given[0] in GROUPS else given[:1]) if not word.startswith("-"))

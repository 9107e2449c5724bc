"""The command line from outside: exit codes, what goes to stdout and what to stderr, the shape of the JSON."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cracktrader import errors
from cracktrader.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
CROSS = str(REPOSITORY / "examples" / "sma_cross.py")
SAMPLE = ["--data", "sample:sp500_1d"]


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def command(*arguments: str) -> Said:
        code = main(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return command


def strategy(body: str) -> str:
    """A strategy file in the working folder; returns its name."""
    Path("mine.py").write_text(f"import cracktrader as ct\n\nclass Mine(ct.Strategy):\n{body}\n")
    return "mine.py"


# ---------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'"),
        (["backtest"], "Missing argument 'STRATEGY.py'"),
        (["backtest", "x.py", *SAMPLE, "--engine", "go"], "'go' is not one of 'rust', 'python', 'both'"),
        (["backtest", "x.py", *SAMPLE, "--cash", "much"], "--cash"),
        (["backtest", "x.py", *SAMPLE], "x.py: no such file"),
        (
            ["backtest", CROSS, *SAMPLE, "--param", "fats=3"],
            "SmaCross has no parameter fats: it has fast, slow, size, warm_up",
        ),
        (["backtest", CROSS, *SAMPLE, "--every", "1 fortnight"], "--every 1 fortnight: has to be empty, or a duration"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: list[str], message: str) -> None:
    said = run(*arguments)
    assert said.code == 2 and said.out == ""
    assert said.err.startswith("error: ") and message in said.err


def test_no_arguments_and_help_list_the_commands(run: Run) -> None:
    for arguments in ([], ["--help"]):
        said = run(*arguments)
        assert said.code == 0
        for command in ("new", "backtest", "config", "demo", "doctor", "version"):
            assert f"  {command} " in said.out


def test_with_json_a_failure_too_is_one_document(run: Run) -> None:
    said = run("backtest", "x.py", *SAMPLE, "--json")
    assert said.document == {
        "command": "backtest",
        "error": {
            "type": "ConfigError",
            "message": "x.py: no such file; `cracktrader new NAME` writes a strategy to start from",
        },
        "exit_code": 2,
    }
    assert run("backtest", "--json").document["error"]["type"] == "UsageError"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CracktraderError, 1),
        (errors.ConfigError, 2),
        (errors.EngineNotBuilt, 2),
        (errors.DataError, 3),
        (errors.StrategyError, 4),
        (errors.IntentError, 4),
        (errors.StaleView, 4),
        (errors.InvariantBroken, 5),
        (errors.JournalCorrupt, 1),
        (errors.JournalUnreadable, 3),
        (errors.JournalLocked, 2),
        (KeyboardInterrupt, 130),
        (ZeroDivisionError, 1),
    ],
)
def test_every_error_has_its_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], code: int
) -> None:
    def fails(as_json: bool) -> int:
        raise error("as planned")

    monkeypatch.setattr("cracktrader.cli.doctor.run_doctor", fails)
    assert run("doctor").code == code
    assert run("doctor", "--json").document["exit_code"] == code


# ---------------------------------------------------------------- data


def test_bad_data_is_exit_code_3_and_names_the_row(run: Run) -> None:
    Path("bars.csv").write_text("time,open,high,low,close\n2024-01-01,1,1,1,1\n2024-01-02,1,1,1,nan\n")
    said = run("backtest", CROSS, "--data", "bars.csv")
    assert said.code == 3
    assert said.err.startswith("error: bars.csv line 3, column close: nan is not a number a bar can hold;")
    assert run("backtest", CROSS, "--data", "none.csv").code == 3


# ---------------------------------------------------------------- backtests


def test_a_backtest_prints_figures_speed_and_the_final_state(run: Run, engine: str) -> None:
    said = run("backtest", CROSS, *SAMPLE, "--engine", engine, "--fees", "0.001", "--param", "fast=50")
    assert said.code == 0 and said.err == ""
    assert said.out.startswith("SmaCross fast=50 slow=100 size=0.95 on sp500_1d (5,031 bars)")
    for expected in ("Sharpe ratio", "Max drawdown", "Fees", "events/s"):
        assert expected in said.out


def test_json_is_one_document_with_the_figures(run: Run, engine: str) -> None:
    document = run("backtest", CROSS, *SAMPLE, "--engine", engine, "--json").document
    (only,) = document["runs"]
    assert document["exit_code"] == 0 and document["equal"] is None and document["report"] is None
    assert document["strategies"] == [{"name": "SmaCross", "parameters": {"fast": 20, "slow": 100, "size": 0.95}}]
    assert only["engine"] == engine and len(only["state_hash"]) == 64
    assert only["stats"]["trades"] > 10 and only["errors"] == []


@pytest.mark.parity
def test_both_cores_are_run_and_found_equal(run: Run) -> None:
    document = run("backtest", CROSS, *SAMPLE, "--engine", "both", "--fill", "same_close", "--json").document
    python, rust = document["runs"]
    assert (python["engine"], rust["engine"]) == ("python", "rust")
    assert document["equal"] is True and python["stats"] == rust["stats"]
    assert "the final states are equal" in run("backtest", CROSS, *SAMPLE, "--engine", "both").out


@pytest.mark.parity
def test_cores_that_disagree_are_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from cracktrader.analysis import Result

    monkeypatch.setattr(Result, "state_hash", property(lambda result: result.engine * 16))
    said = run("backtest", CROSS, *SAMPLE, "--engine", "both")
    assert said.code == 1 and "THE FINAL STATES DIFFER" in said.out


def test_several_files_are_several_instruments(run: Run, engine: str) -> None:
    rows = "time,open,high,low,close\n" + "".join(f"2024-01-{day:02},1,2,1,2\n" for day in range(1, 29))
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(rows)
    path = strategy("    def on_bar(self, ctx, bar): pass")
    document = run("backtest", path, "--data", "a.csv", "--data", "b.csv", "--engine", engine, "--json").document
    assert [(one["symbol"], one["rows"]) for one in document["instruments"]] == [("a", 28), ("b", 28)]


def test_the_report_is_written_where_it_was_asked_for(run: Run, engine: str) -> None:
    said = run("backtest", CROSS, *SAMPLE, "--engine", engine, "--report", "out/report.html")
    assert said.code == 0 and "report: out/report.html" in said.out
    assert Path("out/report.html").stat().st_size < 6_000_000
    Path("file").write_text("")
    said = run("backtest", CROSS, *SAMPLE, "--engine", engine, "--report", "file/report.html")
    assert said.code == 2 and "cannot write the report to file/report.html" in said.err


def test_a_strategy_that_raises_is_exit_code_4_with_its_traceback(run: Run, engine: str) -> None:
    said = run("backtest", strategy("    def on_bar(self, ctx, bar): 1 / 0"), *SAMPLE, "--engine", engine)
    assert said.code == 4
    assert "ZeroDivisionError: division by zero" in said.err and "mine.py" in said.err
    said = run("backtest", strategy("    nothing = 1 / 0"), *SAMPLE)
    assert said.code == 4 and "raised while it was imported" in said.err


def test_a_run_without_trades_says_why(run: Run, engine: str) -> None:
    said = run("backtest", strategy("    def on_bar(self, ctx, bar): pass"), *SAMPLE, "--engine", engine)
    assert said.code == 0 and "The strategy placed no order in 5,031 rows of data" in said.err


def test_what_a_strategy_prints_stays_out_of_the_json(run: Run, engine: str) -> None:
    path = strategy("    def on_start(self, ctx): print('hello')")
    said = run("backtest", path, *SAMPLE, "--engine", engine, "--json")
    assert said.document["exit_code"] == 0 and "hello" in said.err
    assert "hello" in run("backtest", path, *SAMPLE, "--engine", engine).out


# ---------------------------------------------------------------- demo, doctor, version


@pytest.mark.parity
def test_the_demo_shows_both_cores_equal_and_writes_a_report(run: Run) -> None:
    said = run("demo")
    assert said.code == 0, said.err
    for expected in ("Python core", "Rust core", "Events per second", "the final states are equal", "next:"):
        assert expected in said.out
    assert Path("cracktrader-demo/report.html").is_file()
    commands = [line.split() for line in said.out.splitlines() if line.startswith("  cracktrader ")]
    assert len(commands) == 3
    for command in commands:
        assert run(*command[1:]).code == 0, command


@pytest.mark.parity
def test_the_demo_keeps_a_strategy_that_was_changed(run: Run) -> None:
    run("demo")
    Path("cracktrader-demo/sma_cross.py").write_text("mine = 1\n")
    document = run("demo", "--json").document
    assert document["exit_code"] == 0 and document["equal"] is True
    assert Path("cracktrader-demo/sma_cross.py").read_text() == "mine = 1\n"


def test_the_example_is_the_strategy_of_the_demo() -> None:
    from cracktrader.cli.demo import STRATEGY_TEXT

    assert Path(CROSS).read_text() == STRATEGY_TEXT.read_text()


@pytest.mark.rust
def test_the_doctor_finds_everything_in_order_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    said = run("doctor")
    assert said.code == 0 and "everything is in order" in said.out, said.out
    document = run("doctor", "--json").document
    assert document["ok"] is True and {check["name"] for check in document["checks"]} >= {
        "python",
        "rust core",
        "polars",
    }
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_says_how_to_build_a_missing_core(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cracktrader.backend.available", lambda: False)
    said = run("doctor")
    assert said.code == 1 and "pip install ." in said.out


def test_version_names_package_and_contract(run: Run) -> None:
    assert run("version").out.startswith("cracktrader ")
    document = run("version", "--json").document
    assert document["exit_code"] == 0 and {"version", "rust_core", "python"} <= set(document)


# ---------------------------------------------------------------- the process


def in_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from cracktrader.cli import program; program()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from cracktrader.cli import main; main(['--help']);"
        "print(sorted({'polars', 'numpy', 'plotly', 'rich', 'pandas'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_process_ends_with_the_exit_code() -> None:
    done = in_process("backtest", "x.py", *SAMPLE, "--json")
    assert done.returncode == 2 and json.loads(done.stdout)["exit_code"] == 2


def test_help_is_there_within_a_quarter_of_a_second(tmp_path: Path) -> None:
    # Processor time: on a busy machine the wall clock measures the others. With bytecode, as everybody has it from the second call on.
    code = "from cracktrader.cli import main; main(['--help'])"
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=surroundings)
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=surroundings)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(taken) <= 0.25, taken


def test_help_lists_the_exit_codes_and_the_completion() -> None:
    said = in_process("--help").stdout
    assert "Exit codes: 0 done" in said and "--install-completion" in said


def test_a_shell_completes_commands_and_options() -> None:
    for words, expected in (
        ("cracktrader ba", "backtest"),
        ("cracktrader backtest --acc", "--account"),
        ("cracktrader config s", "schema"),
    ):
        environment = {
            **os.environ,
            "_CRACKTRADER_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        code = "from cracktrader.cli import program; program()"
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert expected in done.stdout.split(), (words, done)

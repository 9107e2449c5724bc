"""Ctrl-C ends a command within a fifth of a second, whatever it is doing.

Python raises KeyboardInterrupt in the main thread between two of its own instructions. That is enough for a strategy and for
the core, which asks for signals as it runs. It is not enough inside a library that reads a large file, nor for a strategy that
catches everything. So a thread hears of the signal too, waits a moment for the clean way, and then ends the process. What a
command writes is written beside its place and moved there whole, so that nothing half written is left behind.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

INTERRUPTED = 130
PATIENCE = 0.1
"""Seconds for the clean way."""
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def prompt_interrupts(report: Callable[[], int]) -> Iterator[None]:
    """Within the block an interrupt that is not heeded ends the process, after `report` has told the user."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    left = threading.Event()
    watch = threading.Thread(target=_watch, args=(heard, left, report), name="interrupts", daemon=True)
    watch.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        os.close(told)
        watch.join()
        os.close(heard)


def _watch(heard: int, left: threading.Event, report: Callable[[], int]) -> None:
    """Wait for the signal's number in the pipe; an empty read says that the command is done."""
    while number := os.read(heard, 1):
        if number[0] == signal.SIGINT and not left.wait(PATIENCE):
            with suppress(OSError, ValueError):
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{_SHOW_CURSOR}")
                report()
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(INTERRUPTED)

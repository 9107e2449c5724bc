"""The public names of the package: loaded when asked for, the same to a program, a shell and a star import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cracktrader as ct
from cracktrader import exports


def test_importing_the_package_imports_no_room_of_it() -> None:
    code = "import sys, cracktrader; print([name for name in sys.modules if name.startswith('cracktrader.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_found_and_listed() -> None:
    assert dir(ct) == exports.__all__
    assert all(getattr(ct, name) is getattr(exports, name) for name in exports.__all__)


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from cracktrader import *", names)
    assert set(exports.__all__) <= set(names)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Stratgey'"):
        _ = ct.Stratgey  # type: ignore[attr-defined]

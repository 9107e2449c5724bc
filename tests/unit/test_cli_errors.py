"""The exception tree: one root, the codes of the command line, and a docstring that draws what is there."""

from __future__ import annotations

import re

from cracktrader import errors


def test_every_exception_is_in_the_tree_of_the_docstring_with_its_code() -> None:
    drawn = dict(re.findall(r"^[ │├└─]*(\w+) {2,}(\d)  ", errors.__doc__ or "", flags=re.MULTILINE))
    assert drawn == {name: str(getattr(errors, name).code) for name in errors.__all__}


def test_every_exception_descends_from_the_root_and_all_is_sorted() -> None:
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), errors.CracktraderError)
    assert list(errors.__all__) == sorted(errors.__all__)

"""Tables of a checkpoint: pairs in the order of their keys, and lists that do not fall; other orders are refused."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from cracktrader.core.codec import (
    CodecError,
    Reader,
    ints,
    pack,
    read_table,
    table,
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def mapping(held: Iterable[tuple[Any, Any]], key: Callable[[Any], bytes], value: Callable[[Any], bytes]) -> bytes:
    """Pairs as a table in the order of their keys."""
    return table(key(name) + value(one) for name, one in sorted(held, key=lambda pair: pair[0]))


def read_mapping(
    reader: Reader, key: Callable[[Reader], _Key], value: Callable[[Reader], _Value]
) -> dict[_Key, _Value]:
    """The next such table; its keys rise."""
    held: dict[_Key, _Value] = {}
    last: Any = None
    for _ in range(int(reader.field("I"))):
        name = key(reader)
        if last is not None and not last < name:
            raise CodecError(f"the key {name} before {reader.at} is not above the one before it")
        held[name] = value(reader)
        last = name
    return held


def pair(kinds: str) -> tuple[Callable[[Any], bytes], Callable[[Reader], tuple[Any, ...]]]:
    """How a key of several parts is written and read."""
    return lambda key: pack(kinds, key), lambda reader: tuple(reader.fields(kinds))


def single(kind: str) -> tuple[Callable[[int], bytes], Callable[[Reader], int]]:
    """How one number is written and read."""
    return lambda value: pack(kind, (value,)), lambda reader: int(reader.field(kind))


def rising(reader: Reader, kinds: str) -> list[Any]:
    """The next table of entries that do not fall."""
    listed = read_table(reader, lambda row: tuple(ints(row, kinds)))
    if listed != sorted(listed):
        raise CodecError(f"the entries before {reader.at} are not in order")
    return listed


def text(reader: Reader) -> str:
    """The next text."""
    return str(reader.field("s"))

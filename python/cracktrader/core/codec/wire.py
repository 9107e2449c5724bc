"""The alphabet of the canonical bytes: how each kind of field is written and read. What a value's fields are is not here.

Little-endian, fixed width, length-prefixed bytes, no optional forms; a reader refuses anything else and trailing bytes.
"""

import struct
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

_Row = TypeVar("_Row")
CONTRACT_VERSION = 1
CONTRACT_HASH = "af4a5228038e15003fd673e29a876aba2124679ad96169f4639e9c5c56cda2f1"
"""SHA-256 over the files of contract/; written by docs/generate.py."""


class CodecError(ValueError):
    """Bytes that are not canonical."""


# Field types: b B H I Q q as in struct, o an i128, s length-prefixed ASCII, ? a bool.
_WIDE = struct.Struct("<Qq")
_LOW = 2**64 - 1


@cache
def _layout(fields: str) -> tuple[struct.Struct | None, tuple[int, ...]]:
    """The fixed layout of fields, with an i128 as its two halves, and the places of those, last first; None where a text makes the width
    vary."""
    if "s" in fields:
        return None, ()
    places = tuple(at for at in reversed(range(len(fields))) if fields[at] == "o")
    return struct.Struct("<" + fields.replace("o", "Qq")), places


def pack(fields: str, values: Iterable[int | str | bool]) -> bytes:
    """Values as bytes, each by its field type."""
    layout, wide = _layout(fields)
    if layout is None:
        return _pack_each(fields, values)
    if not wide:
        return layout.pack(*values)
    halves = list(values)
    for at in wide:
        value = int(halves[at])
        halves[at : at + 1] = value & _LOW, value >> 64
    return layout.pack(*halves)


def _pack_each(fields: str, values: Iterable[int | str | bool]) -> bytes:
    parts = []
    for kind, value in zip(fields, values, strict=True):
        if kind == "o":
            parts.append(_WIDE.pack(int(value) & _LOW, int(value) >> 64))
        elif kind == "s":
            parts.append(prefixed(str(value).encode("ascii")))
        else:
            parts.append(struct.pack("<" + kind, value))
    return b"".join(parts)


def prefixed(data: bytes) -> bytes:
    """A u32 length and the bytes."""
    return struct.pack("<I", len(data)) + data


class Reader:
    """Reads canonical bytes from the front; CodecError names where they end or stray."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if self.at + size > len(self.data):
            raise CodecError(f"{size} bytes wanted at {self.at}, the data has {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def field(self, kind: str) -> int | str | bool:
        """The next value of a field type."""
        if kind == "o":
            return int.from_bytes(self.take(16), "little", signed=True)
        if kind == "s":
            raw = self.take(int(self.field("I")))
            if not raw.isascii():
                raise CodecError(f"text before {self.at} is not ASCII")
            return raw.decode("ascii")
        if kind == "?":
            byte = self.take(1)[0]
            if byte > 1:
                raise CodecError(f"byte {byte} before {self.at} is no bool")
            return byte == 1
        layout, _ = _layout(kind)
        assert layout is not None
        value: int = layout.unpack(self.take(layout.size))[0]
        return value

    def fields(self, kinds: str) -> list[int | str | bool]:
        """The next values."""
        layout, wide = _layout(kinds)
        if layout is None:
            return [self.field(kind) for kind in kinds]
        raw = self.take(layout.size)
        values = list(layout.unpack(raw))
        for at in reversed(wide):
            values[at : at + 2] = (values[at] | values[at + 1] << 64,)
        if "?" in kinds and layout.pack(*layout.unpack(raw)) != raw:
            # A byte that is no bool: read one by one, it is named.
            self.at -= layout.size
            return [self.field(kind) for kind in kinds]
        return values

    def end(self) -> None:
        """There is nothing left."""
        if self.at != len(self.data):
            raise CodecError(f"{len(self.data) - self.at} trailing bytes at {self.at}")


def table(rows: Iterable[bytes]) -> bytes:
    """A u32 count and the rows."""
    listed = list(rows)
    return struct.pack("<I", len(listed)) + b"".join(listed)


def read_table(reader: Reader, read: Callable[[Reader], _Row]) -> list[_Row]:
    """A u32 count and so many rows. What a hostile count asks for ends with the bytes."""
    return [read(reader) for _ in range(int(reader.field("I")))]


def ints(reader: Reader, kinds: str) -> list[int]:
    """The next values, all numbers."""
    return [int(value) for value in reader.fields(kinds)]

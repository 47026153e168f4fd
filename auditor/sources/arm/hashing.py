"""The two hashes of template functions, `uniqueString` and `guid`: they name resources, so they must be exact."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_WORD: Final = 0xFFFFFFFF
_GUID_NAMESPACE: Final = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")


def unique_string(texts: Sequence[str]) -> str:
    """The 13 characters `uniqueString` makes of its arguments.

    They write, five bits each, a 64-bit Murmur hash of the arguments joined with dashes. Microsoft publishes the
    algorithm with the `unique_string` function of its Terraform provider azapi.
    """
    value = _murmur(utf8("-".join(texts)))
    return "".join(_ALPHABET[value << 5 * index >> 59 & 31] for index in range(13))


def guid(texts: Sequence[str]) -> str:
    """The identifier `guid` makes of its arguments: a name-based UUID (version 5) of them joined with dashes."""
    return str(uuid.uuid5(_GUID_NAMESPACE, sound("-".join(texts))))


def utf8(text: str) -> bytes:
    """A text in UTF-8; half of a surrogate pair becomes the replacement character, as in .NET."""
    return sound(text).encode("utf-8")


def sound(text: str) -> str:
    """A text without halves of surrogate pairs: two become the character, one the replacement character."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _WORD


def _mixed(value: int) -> int:
    value = (value ^ value >> 16) * 0x85EBCA6B & _WORD
    value = (value ^ value >> 13) * 0xC2B2AE35 & _WORD
    return value ^ value >> 16


def _first(block: int) -> int:
    return _rotated(block * 0x239B961B & _WORD, 15) * 0xAB0E9789 & _WORD


def _second(block: int) -> int:
    return _rotated(block * 0xAB0E9789 & _WORD, 17) * 0x239B961B & _WORD


def _murmur(data: bytes) -> int:
    """Murmur3 with two lanes of 32 bits and seed 0."""
    one = two = 0
    whole = len(data) & ~7
    for start in range(0, whole, 8):
        one ^= _first(int.from_bytes(data[start : start + 4], "little"))
        one = (_rotated(one, 19) + two) * 5 + 0x561CCD1B & _WORD
        two ^= _second(int.from_bytes(data[start + 4 : start + 8], "little"))
        two = (_rotated(two, 13) + one) * 5 + 0x0BCAA747 & _WORD
    rest = data[whole:]
    if rest:
        one ^= _first(int.from_bytes(rest[:4], "little"))
    if len(rest) > 4:
        two ^= _second(int.from_bytes(rest[4:], "little"))
    one, two = one ^ len(data), two ^ len(data)
    one = one + two & _WORD
    two = two + one & _WORD
    one, two = _mixed(one), _mixed(two)
    one = one + two & _WORD
    two = two + one & _WORD
    return two << 32 | one

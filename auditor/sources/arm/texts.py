"""Case, length and order of texts as .NET has them, for it is .NET that evaluates templates in Azure."""

from __future__ import annotations

import unicodedata
from typing import Final

from auditor.model import Unknown

# The order in which Unicode's root collation puts what ASCII has besides letters and digits.
_SIGNS: Final = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_RANK: Final = {char: rank for rank, char in enumerate(_SIGNS + "0123456789")}
_LETTERS: Final = len(_RANK)


def lower(text: str) -> str:
    """In lower case, character by character: one stays one."""
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def upper(text: str) -> str:
    """In upper case, character by character: one stays one."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def _lower(char: str) -> str:
    changed = char.lower()
    return changed if len(changed) == 1 else char


def _upper(char: str) -> str:
    changed = char.upper()
    return changed if len(changed) == 1 else char


folded = upper
"""What texts have in common that differ in case only. Positions in it are positions in the text."""


WHITE_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def length(text: str) -> int:
    """The length in the units .NET counts: a character beyond the first 65,536 is two."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def part(text: str, start: int, stop: int) -> str | Unknown:
    """The text between two positions in those units; Unknown when one of them lies inside a character."""
    if text.isascii() or max(text) <= "\uffff":
        return text[start:stop]
    try:
        return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * stop].decode("utf-16-le")
    except UnicodeDecodeError:
        return Unknown("the text is cut inside a character")


SortKey = tuple[tuple[int, ...], tuple[int, ...], tuple[bool, ...]]


def sort_key(text: str) -> SortKey:
    """Texts sort by it as `less()` compares them: letters by the alphabet, then by accents, then small ones first."""
    primary: list[int] = []
    accents: list[int] = []
    capitals: list[bool] = []
    for char in text if text.isascii() else unicodedata.normalize("NFD", text):
        small = _lower(char)
        if unicodedata.combining(char):
            accents.append(len(primary) * 0x110000 + ord(char))
        elif char in _RANK:
            primary.append(_RANK[char])
            capitals.append(False)
        elif small >= "a":
            primary.append(_LETTERS + ord(small))
            capitals.append(small != char)
    return tuple(primary), tuple(accents), tuple(capitals)

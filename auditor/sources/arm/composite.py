"""Composite format strings as .NET reads them: `{0}`, `{1,-10}`, `{2:N0}`, with `{{` and `}}` for braces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final, NamedTuple

from auditor.model import Unknown
from auditor.sources.arm.structure import short, to_text, within_text
from auditor.sources.arm.values import EvaluationError, Placeholder

_MAX_PRECISION: Final = 99
_EXACT: Final = Context(prec=1200)


class _Hole(NamedTuple):
    """A place for an argument: which one, how wide (negative is filled at the end), and how it is written."""

    place: int
    width: int
    pattern: str


def compose(template: str, arguments: Sequence[Any]) -> str | Unknown:
    """The text a format string makes of its arguments; a Placeholder when one of those it writes is.

    An Unknown when an argument holds one, or for a number format that is not understood. Raises EvaluationError for
    a format string that .NET refuses.
    """
    parts: list[str] = []
    length = 0
    made_from = template if isinstance(template, Placeholder) else None
    for piece in _pieces(template):
        if isinstance(piece, _Hole):
            if piece.place >= len(arguments):
                raise EvaluationError(f"the format string has no argument {piece.place}")
            text = _written(arguments[piece.place], piece.pattern)
            if isinstance(text, Unknown):
                return text
            if isinstance(text, Placeholder) and made_from is None:
                made_from = text
            within_text(length + abs(piece.width))
            part = text.rjust(piece.width) if piece.width > 0 else text.ljust(-piece.width)
        else:
            part = piece
        length += len(part)
        within_text(length)
        parts.append(part)
    made = "".join(parts)
    return made if made_from is None else Placeholder(made, made_from.reason)


def _pieces(template: str) -> Iterator[str | _Hole]:
    start = 0
    while start < len(template):
        at = min((found for found in (template.find("{", start), template.find("}", start)) if found >= 0), default=-1)
        if at < 0:
            yield template[start:]
            return
        yield template[start:at]
        if template[at : at + 2] in ("{{", "}}"):
            yield template[at]
            start = at + 2
            continue
        end = template.find("}", at)
        if template[at] == "}" or end < 0:
            raise EvaluationError(f"the format string has a brace too many: {short(template)}")
        yield _hole(template[at + 1 : end])
        start = end + 1


def _hole(text: str) -> _Hole:
    place, _, pattern = text.partition(":")
    index, comma, width = place.partition(",")
    index, width = index.rstrip(" "), width.strip(" ")
    sound = _digits(index) and (_digits(width.removeprefix("-")) if comma else True) and "{" not in pattern
    if not sound:
        raise EvaluationError(f"{{{text[:40]}}} is no place for an argument")
    return _Hole(int(index), int(width or 0), pattern)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 7


def _written(value: Any, pattern: str) -> str | Unknown:
    if pattern and isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value, pattern)
    return to_text(value)


def number_text(value: int | float, pattern: str) -> str | Unknown:
    """A number in a .NET number format, as the invariant culture writes it; Unknown for a format not understood.

    Raises EvaluationError for a format that .NET refuses.
    """
    letter, digits = pattern[0].upper(), pattern[1:]
    not_understood = Unknown(f"the number format {short(pattern)} is not understood")
    if set(pattern) == {"0"} and isinstance(value, int):
        return f"{value:0{min(len(pattern), _MAX_PRECISION) + (value < 0)}d}"
    if (digits and not _digits(digits)) or int(digits or 0) > _MAX_PRECISION:
        return not_understood
    match letter:
        case "D" | "X" if not isinstance(value, int):
            raise EvaluationError(f"the number format {short(pattern)} takes whole numbers")
        case "D":
            return f"{value:0{int(digits or 1) + (value < 0)}d}"
        case "X":
            return f"{value % (1 << 64):0{int(digits or 1)}{pattern[0]}}"
        case "N" | "F":
            return _fixed(value, int(digits or 2), "," if letter == "N" else "")
        case "G" if not digits:
            return to_text(value)
    return not_understood


def _fixed(value: int | float, decimals: int, separator: str) -> str | Unknown:
    exact = Decimal(value)
    if not exact.is_finite():
        return Unknown("the number is not finite")
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _EXACT)
    # .NET has written a negative number that rounds to zero with its sign since .NET Core 3.0.
    return f"{rounded:{separator}.{decimals}f}"

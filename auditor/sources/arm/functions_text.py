"""The functions that make and search texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from auditor.model import Unknown
from auditor.sources.arm import hashing, texts
from auditor.sources.arm.composite import compose
from auditor.sources.arm.structure import (
    MAX_ITEMS,
    Builtin,
    a_text,
    an_array,
    an_integer,
    kind,
    render,
    scalar_text,
    unknown_inside,
    within_items,
    within_text,
)
from auditor.sources.arm.values import Arr, EvaluationError, Placeholder

_MAX_DELIMITERS: Final = 64
_MAX_DELIMITERS_LENGTH: Final = 4096


# ── making ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _string(value: Any) -> str | Unknown:
    return render(value) if isinstance(value, dict | list) else scalar_text(value)


def _format(template: Any, *arguments: Any) -> str | Unknown:
    return compose(a_text(template, "the format string"), arguments)


def _pad_left(value: Any, width: Any, fill: Any = " ") -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise EvaluationError(f"{kind(value)} is not padded")
    text, filling = str(value), a_text(fill, "the filling")
    if len(filling) != 1:
        raise EvaluationError("the filling is one character")
    count = an_integer(width, "the length")
    if count < 0:
        raise EvaluationError("the length is negative")
    within_text(count)
    return filling * (count - texts.length(text)) + text


def _replace(text: Any, old: Any, new: Any) -> str:
    text, old, new = a_text(text), a_text(old, "what is replaced"), a_text(new, "the replacement")
    if not old:
        raise EvaluationError("what is replaced is empty")
    within_text(len(text) + text.count(old) * (len(new) - len(old)))
    return str(text.replace(old, new))


def _to_lower(text: Any) -> str:
    return texts.lower(a_text(text))


def _to_upper(text: Any) -> str:
    return texts.upper(a_text(text))


def _trim(text: Any) -> str:
    return a_text(text).strip(texts.WHITE_SPACE)


def _substring(text: Any, start: Any = 0, count: Any = None) -> str | Unknown:
    length = texts.length(a_text(text))
    first = an_integer(start, "the start")
    number = length - first if count is None else an_integer(count, "the length")
    if first < 0 or number < 0 or first + number > length:
        raise EvaluationError(f"a text of {length} characters has no part from {first} of length {number}")
    return texts.part(text, first, first + number)


def _join(items: Any, delimiter: Any) -> str | Unknown:
    parts: list[str] = []
    between = a_text(delimiter, "the delimiter")
    made_from: Placeholder | None = None
    length = 0
    for item in an_array(items):
        if isinstance(item, Unknown):
            return Unknown(item.reason)
        if isinstance(item, dict | list):
            raise EvaluationError(f"{kind(item)} is not joined")
        if isinstance(item, Placeholder) and made_from is None:
            made_from = item
        parts.append(scalar_text(item))
        length += len(parts[-1]) + len(between)
        within_text(length - len(between))
    made = between.join(parts)
    return made if made_from is None else Placeholder(made, made_from.reason)


def _split(text: Any, delimiter: Any) -> Arr | Unknown:
    a_text(text)
    delimiters = [delimiter] if isinstance(delimiter, str) else an_array(delimiter, "the delimiter")
    unknown = unknown_inside(delimiters if isinstance(delimiter, list) else ())
    if unknown is not None:
        return unknown
    wanted = [one for one in (a_text(one, "a delimiter") for one in delimiters) if one]
    if not wanted:
        return Unknown("how a text is split by nothing is not documented") if not delimiters else Arr([text])
    if len(wanted) > _MAX_DELIMITERS or sum(map(len, wanted)) > _MAX_DELIMITERS_LENGTH:
        raise EvaluationError("there are too many delimiters")
    if len(wanted) == 1:
        parts = text.split(wanted[0], MAX_ITEMS)
    else:
        # Alternatives of plain texts: where several match, the first listed one counts, as in .NET.
        parts = re.split("|".join(map(re.escape, wanted)), text, maxsplit=MAX_ITEMS)
    within_items(len(parts))
    return Arr(parts)


def _unique_string(*parts: Any) -> str:
    return hashing.unique_string([a_text(part) for part in _hashed(parts)])


def _guid(*parts: Any) -> str:
    return hashing.guid([a_text(part) for part in _hashed(parts)])


def _hashed(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    within_text(sum(len(part) for part in parts if isinstance(part, str)))
    return parts


def _new_guid() -> Unknown:
    return Unknown("newGuid() is known only at deployment")


def _fail(message: Any) -> NoReturn:
    raise EvaluationError(f"the template fails here: {a_text(message)[:200]}")


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _starts_with(text: Any, start: Any) -> bool:
    return texts.folded(a_text(text)).startswith(texts.folded(a_text(start, "what is looked for")))


def _ends_with(text: Any, end: Any) -> bool:
    return texts.folded(a_text(text)).endswith(texts.folded(a_text(end, "what is looked for")))


def _equals_ignore_case(left: Any, right: Any) -> bool:
    return texts.folded(a_text(left)) == texts.folded(a_text(right))


def _like(text: Any, pattern: Any) -> bool:
    """Whether a text is made of the pattern's pieces, in their order, with anything where a `*` stands."""
    rest, wanted = texts.folded(a_text(text)), texts.folded(a_text(pattern, "the pattern"))
    first, *pieces = wanted.split("*")
    if not pieces:
        return rest == first
    last = pieces.pop()
    if len(first) + len(last) > len(rest) or not (rest.startswith(first) and rest.endswith(last)):
        return False
    at, end = len(first), len(rest) - len(last)
    for piece in pieces:
        found = rest.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


BUILTINS: Final[Mapping[str, Builtin]] = {
    "string": Builtin(_string, 1, 1),
    "format": Builtin(_format, 1, None),
    "padleft": Builtin(_pad_left, 2, 3),
    "replace": Builtin(_replace, 3, 3),
    "tolower": Builtin(_to_lower, 1, 1),
    "toupper": Builtin(_to_upper, 1, 1),
    "trim": Builtin(_trim, 1, 1),
    "substring": Builtin(_substring, 1, 3),
    "join": Builtin(_join, 2, 2),
    "split": Builtin(_split, 2, 2),
    "uniquestring": Builtin(_unique_string, 1, None),
    "guid": Builtin(_guid, 1, None),
    "newguid": Builtin(_new_guid, 0, 0),
    "fail": Builtin(_fail, 1, 1),
    "startswith": Builtin(_starts_with, 2, 2),
    "endswith": Builtin(_ends_with, 2, 2),
    "equalsignorecase": Builtin(_equals_ignore_case, 2, 2),
    "like": Builtin(_like, 2, 2),
}

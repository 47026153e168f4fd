"""Terraform's functions on texts."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.terraform.values import (
    MAX_TEXT,
    EvaluationError,
    Exhausted,
    Undecided,
    is_number,
    known,
    shown,
    to_list,
    to_number,
    to_text,
)

Entry = tuple[Callable[..., Any], int, int | None]

_VERB: Final = re.compile(r"%(?:\[(\d{1,3})\])?([-+ 0#]*)(\d{1,9})?(?:\.(\d{1,9}))?(?:\[(\d{1,3})\])?([a-zA-Z%])")
MAX_WIDTH: Final = 1_000


def _whole(value: Any) -> int:
    number = to_number(value)
    if not isinstance(number, int):
        raise EvaluationError(f"a whole number is needed, and this is {shown(number)}")
    return number


def _format(spec: Any, *values: Any) -> str:
    """`format`: Go's verbs, those that Terraform has."""
    text = to_text(spec)
    result: list[str] = []
    at = following = used = 0
    for match in _VERB.finditer(text):
        result.append(text[at : match.start()])
        at = match.end()
        if "%" in result[-1]:
            raise EvaluationError(f"{shown(text)} has a verb that is none")
        first, flags, width, precision, second, verb = match.groups()
        if verb == "%":
            result.append("%")
            continue
        chosen = first or second
        index = int(chosen) - 1 if chosen else following
        if not 0 <= index < len(values):
            raise EvaluationError(f"{shown(text)} asks for more values than there are")
        following = index + 1
        used = max(used, following)
        result.append(_verb(flags, int(width or 0), None if precision is None else int(precision), verb, values[index]))
    result.append(text[at:])
    if "%" in result[-1]:
        raise EvaluationError(f"{shown(text)} has a verb that is none")
    if used < len(values) and not any(match[1] or match[5] for match in _VERB.finditer(text)):
        raise EvaluationError(f"{shown(text)} asks for {used} values, and there are {len(values)}")
    return "".join(result)


def _verb(flags: str, width: int, precision: int | None, verb: str, value: Any) -> str:
    if width > MAX_WIDTH or (precision or 0) > MAX_WIDTH:
        raise Exhausted("a text is too long")
    value = known(value)
    if value is None:
        raise Undecided(Unknown("format() of null is not evaluated"))
    if verb == "v":
        verb = "s" if isinstance(value, str) else "g" if is_number(value) else "t" if isinstance(value, bool) else "j"
        if "#" in flags:
            verb = "j"
        elif verb == "g" and precision is None:
            verb = "s"
    if verb == "j":
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    elif verb == "s":
        text = to_text(value)
        text = text if precision is None else text[:precision]
    elif verb == "q":
        text = json.dumps(to_text(value), ensure_ascii=False)
    elif verb == "t" and isinstance(value, bool):
        text = to_text(value)
    elif verb in "dbox" or verb == "X":
        text = _integer(flags, width, verb, _whole(value))
    elif verb in "efgEG":
        text = f"%{flags}{width or ''}.{6 if precision is None else precision}{verb}" % to_number(value)
    else:
        raise EvaluationError(f"%{verb} does not go with this value")
    return text.ljust(width) if "-" in flags else text.rjust(width)


def _integer(flags: str, width: int, verb: str, number: int) -> str:
    if verb == "b":
        return f"{number:0{width}b}" if "0" in flags and width else f"{number:b}"
    return f"%{flags}{width or ''}{verb}" % number


def _format_list(spec: Any, *values: Any) -> list[str]:
    lists = [value for value in values if isinstance(value, list)]
    count = len(lists[0]) if lists else 1
    if any(len(one) != count for one in lists):
        raise EvaluationError("its lists are not of one length")
    return [_format(spec, *(v[index] if isinstance(v, list) else v for v in values)) for index in range(count)]


def _indent(spaces: Any, text: Any) -> str:
    count = _whole(spaces)
    if count < 0:
        raise EvaluationError("it cannot be indented by less than nothing")
    if count * (to_text(text).count("\n") + 1) > MAX_TEXT:
        raise Exhausted("a text is too long")
    return to_text(text).replace("\n", "\n" + " " * count)


def _join(separator: Any, *lists: Any) -> str:
    items = [to_text(known(item)) for one in lists for item in to_list(one)]
    between = to_text(separator)
    if sum(map(len, items)) + len(between) * len(items) > MAX_TEXT:
        raise Exhausted("a text is too long")
    return between.join(items)


def _replace(text: Any, old: Any, new: Any) -> str:
    where, what, by = to_text(text), to_text(old), to_text(new)
    if len(what) > 1 and what[0] == what[-1] == "/":
        raise Undecided(Unknown(f"replace() with the pattern {shown(what)} is not evaluated"))
    count = where.count(what) if what else len(where) + 1
    if len(where) + count * len(by) > MAX_TEXT:
        raise Exhausted("a text is too long")
    return where.replace(what, by)


def _split(separator: Any, text: Any) -> list[str]:
    by, where = to_text(separator), to_text(text)
    return where.split(by) if by else list(where)


def _substring(text: Any, offset: Any, length: Any) -> str:
    where, start, count = to_text(text), _whole(offset), _whole(length)
    if start < 0:
        start = max(0, len(where) + start)
    return where[start:] if count < 0 else where[start : start + count]


def _title(text: Any) -> str:
    return "".join(_capitals(to_text(text)))


def _capitals(text: str) -> Iterator[str]:
    before = " "
    for character in text:
        begins = not (before.isalnum() or before == "_" or (not before.isascii() and not before.isspace()))
        yield character.title() if begins else character
        before = character


def _trimmed(text: Any, characters: Any) -> str:
    return to_text(text).strip(to_text(characters)) if to_text(characters) else to_text(text)


def _chomp(text: Any) -> str:
    return to_text(text).rstrip("\r\n")


def _on_text(apply: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: apply(*map(to_text, values))


def _directory(path: str) -> str:
    return posixpath.normpath(path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))


FUNCTIONS: Final[Mapping[str, Entry]] = {
    "chomp": (_chomp, 1, 1),
    "endswith": (_on_text(str.endswith), 2, 2),
    "format": (_format, 1, None),
    "formatlist": (_format_list, 1, None),
    "indent": (_indent, 2, 2),
    "join": (_join, 2, None),
    "lower": (_on_text(str.lower), 1, 1),
    "replace": (_replace, 3, 3),
    "split": (_split, 2, 2),
    "startswith": (_on_text(str.startswith), 2, 2),
    "strcontains": (_on_text(str.__contains__), 2, 2),
    "strrev": (_on_text(lambda text: text[::-1]), 1, 1),
    "substr": (_substring, 3, 3),
    "title": (_title, 1, 1),
    "trim": (_trimmed, 2, 2),
    "trimprefix": (_on_text(str.removeprefix), 2, 2),
    "trimspace": (_on_text(str.strip), 1, 1),
    "trimsuffix": (_on_text(str.removesuffix), 2, 2),
    "upper": (_on_text(str.upper), 1, 1),
    "basename": (_on_text(lambda path: path.rstrip("/").rpartition("/")[2] or ("/" if path else ".")), 1, 1),
    "dirname": (_on_text(_directory), 1, 1),
}

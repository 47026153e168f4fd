"""The date functions: points in time, ISO 8601 durations, and .NET's format strings for dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm.structure import Builtin, a_text, an_integer, short
from auditor.sources.arm.values import EvaluationError

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_ZULU: Final = "yyyy-MM-ddTHH:mm:ssZ"

_DURATION: Final = re.compile(
    r"(-)?P(?!$)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?!$)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)

_STANDARD: Final[Mapping[str, str]] = {
    "d": "MM/dd/yyyy",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "r": "ddd, dd MMM yyyy HH:mm:ss G\\MT",
    "R": "ddd, dd MMM yyyy HH:mm:ss G\\MT",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
}
"""The standard formats that are the same in every culture, and the one the documentation shows."""


def _hour12(moment: datetime) -> int:
    return (moment.hour + 11) % 12 + 1


_CUSTOM: Final[Mapping[str, Callable[[datetime], str]]] = {
    "yyyy": lambda moment: f"{moment.year:04d}",
    "yy": lambda moment: f"{moment.year % 100:02d}",
    "MMMM": lambda moment: _MONTHS[moment.month - 1],
    "MMM": lambda moment: _MONTHS[moment.month - 1][:3],
    "MM": lambda moment: f"{moment.month:02d}",
    "M": lambda moment: str(moment.month),
    "dddd": lambda moment: _DAYS[moment.weekday()],
    "ddd": lambda moment: _DAYS[moment.weekday()][:3],
    "dd": lambda moment: f"{moment.day:02d}",
    "d": lambda moment: str(moment.day),
    "HH": lambda moment: f"{moment.hour:02d}",
    "H": lambda moment: str(moment.hour),
    "hh": lambda moment: f"{_hour12(moment):02d}",
    "h": lambda moment: str(_hour12(moment)),
    "mm": lambda moment: f"{moment.minute:02d}",
    "m": lambda moment: str(moment.minute),
    "ss": lambda moment: f"{moment.second:02d}",
    "s": lambda moment: str(moment.second),
    "tt": lambda moment: "AM" if moment.hour < 12 else "PM",
    "t": lambda moment: "A" if moment.hour < 12 else "P",
    "K": lambda _: "Z",
}
_LETTERS: Final = frozenset("yMdHhmsftKFgz")
"""Letters that mean something in a custom format; all others stand for themselves."""


def parse(text: str) -> datetime:
    """A point in time from ISO 8601, in UTC; without an offset it is UTC already. Raises EvaluationError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise EvaluationError(f"{short(text)} is no date and time") from error


def duration(text: str) -> timedelta | Unknown:
    """An ISO 8601 duration; a year is 365 days and a month 30, as the documentation of `dateTimeAdd` has it.

    Raises EvaluationError for what is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        if text.removeprefix("-").startswith("P") and text.endswith("W"):
            return Unknown(f"how {short(text)} is counted is not documented")
        raise EvaluationError(f"{short(text)} is no duration")
    years, months, days, hours, minutes = (int(part or 0) for part in found.groups()[1:6])
    seconds = float(found[7] or 0)
    try:
        length = timedelta(years * 365 + months * 30 + days, seconds, hours=hours, minutes=minutes)
    except OverflowError as error:
        raise EvaluationError(f"{short(text)} is too long") from error
    return -length if found[1] else length


def formatted(moment: datetime, pattern: str) -> str | Unknown:
    """A point in time in a .NET format, as the invariant culture writes it; Unknown for a format not understood."""
    unknown = Unknown(f"the date format {short(pattern)} is not understood")
    if len(pattern) <= 1:
        if pattern not in _STANDARD:
            return unknown
        pattern = _STANDARD[pattern]
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        end = at + 1
        if char in "'\"":
            end = pattern.find(char, at + 1)
            if end < 0:
                return unknown
            parts.append(pattern[at + 1 : end])
            end += 1
        elif char in "\\%":
            if char == "\\":
                parts.append(pattern[end : end + 1])
                end += 1
        elif char in _LETTERS:
            while end < len(pattern) and pattern[end] == char:
                end += 1
            written = _token(moment, pattern[at:end])
            if written is None:
                return unknown
            parts.append(written)
        else:
            parts.append(char)
        at = end
    return "".join(parts)


def _token(moment: datetime, token: str) -> str | None:
    if token[0] == "f":
        return f"{moment.microsecond:06d}0"[: len(token)] if len(token) <= 7 else None
    write = _CUSTOM.get(token)
    return None if write is None else write(moment)


def _add(base: Any, length: Any, pattern: Any = None) -> str | Unknown:
    text = a_text(base, "the base time")
    moment = parse(text)
    span = duration(a_text(length, "the duration"))
    if isinstance(span, Unknown):
        return span
    try:
        moment += span
    except OverflowError as error:
        raise EvaluationError("the result lies outside the calendar") from error
    if pattern is not None:
        return formatted(moment, a_text(pattern, "the format"))
    if not text.strip().endswith("Z") or len(text.strip()) != len(_ZULU):
        return Unknown("how dateTimeAdd() writes its result without a format is not documented for such a base time")
    return formatted(moment, _ZULU)


def _from_epoch(seconds: Any) -> str | Unknown:
    try:
        return formatted(datetime.fromtimestamp(an_integer(seconds, "the time"), UTC), _ZULU)
    except (ValueError, OverflowError, OSError) as error:
        raise EvaluationError("the time lies outside the calendar") from error


def _to_epoch(text: Any) -> int:
    return int(parse(a_text(text, "the time")).timestamp() // 1)


def _now(pattern: Any = "") -> Unknown:
    a_text(pattern, "the format")
    return Unknown("utcNow() is known only at deployment")


BUILTINS: Final[Mapping[str, Builtin]] = {
    "datetimeadd": Builtin(_add, 2, 3),
    "datetimefromepoch": Builtin(_from_epoch, 1, 1),
    "datetimetoepoch": Builtin(_to_epoch, 1, 1),
    "utcnow": Builtin(_now, 0, 1),
}

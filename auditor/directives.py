"""Inline waivers: what a comment of a template, or its metadata, asks for; and which declaration a comment is for.

    // auditor:waive <rule-id> until=YYYY-MM-DD reason="…" [owner=…] [ticket=…] [created=YYYY-MM-DD]

The words are the same in every language; only the comment marks differ. A front end hands over its comments and gets
waivers back. Whoever wrote a directive meant something by it, so one that cannot be understood is a waiver too, a
malformed one that says why, and is reported like any other.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple

from auditor.model import Origin, Waiver, WaiverState

MAX_LENGTH: Final = 4_000
"""Characters of a directive."""
MAX_DIRECTIVES: Final = 1_000
"""Directives of one file."""
SYNTAX: Final = 'auditor:waive <rule-id> until=YYYY-MM-DD reason="…"'
KEYS: Final = ("until", "reason", "owner", "ticket", "created")
METADATA_KEYS: Final = ("rule", "resource", *KEYS)
NOWHERE: Final = -1
"""Stands for the declaration of directives that are for none."""
WHOLE: Final = -2
"""Stands for all that a file declares: of that, such a waiver names the resources it is for."""

_HINT: Final = re.compile(r"auditor\s{0,4}:", re.IGNORECASE)
_BEGINNING: Final = re.compile(r"[\s/*#]*+auditor(\s{0,4}:\s{0,4})([\w-]{1,40})", re.IGNORECASE)
_WITHIN: Final = re.compile(r"auditor:waive\s[^\n]{0,200}?\b(?:until|reason)\s?=", re.IGNORECASE)
_RULE: Final = re.compile(r"\*|[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_PAIR: Final = re.compile(
    r"""\s*+([A-Za-z_]{1,40})=(?:"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'|([^\s"']++))(?=\s|$)"""
)
_ESCAPE: Final = re.compile(r"\\(.)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _WrongError(Exception):
    """What a directive does wrong."""


def is_date(text: str) -> bool:
    """Whether a text is a day of the calendar as ISO 8601 writes it with dashes, `2027-06-30`."""
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


# ── what a directive says ────────────────────────────────────────────────────────────────────────────────────────────


def hinted(text: str) -> bool:
    """Whether there may be a directive in a text: a quick look that spares nearly every file the slower one."""
    return _HINT.search(text) is not None


def read(comment: str, origin: Origin) -> Waiver | None:
    """The waiver a comment asks for, a malformed one with the reason as its note; None when it asks for none.

    `comment` is the text without the marks around it, `origin` where it stands. What begins like a directive is one,
    however wrong the rest; so is one behind other words, which nobody would otherwise hear of.
    """
    match = _BEGINNING.match(comment)
    if match is None:
        behind = _WITHIN.search(comment) is not None
        note = "a directive begins its comment; this one stands behind other words"
        return _malformed(origin, note) if behind else None
    colon, word = match.groups()
    if colon != ":" or word.casefold() != "waive":
        # "auditor: see below" is prose; "auditor: waive" and "auditor:ignore" are meant.
        meant = colon == ":" or difflib.get_close_matches(word.casefold(), ["waive"])
        return _malformed(origin, f"unknown directive 'auditor{colon}{word}'; expected {SYNTAX}") if meant else None
    if len(comment) > MAX_LENGTH:
        return _malformed(origin, f"the directive is longer than {MAX_LENGTH:,} characters")
    words = comment[match.end() :].split(maxsplit=1)
    rule, rest = words[0] if words else "", words[1] if len(words) > 1 else ""
    try:
        if not rule or "=" in rule:
            raise _WrongError(f"the rule is missing; expected {SYNTAX}")
        return _waiver({"rule": rule, **_pairs(rest)}, KEYS, origin)
    except _WrongError as wrong:
        return _malformed(origin, str(wrong), rule)


def from_metadata(value: Any, origin: Origin) -> Waiver:
    """The waiver one item of `metadata.auditor.waive` asks for, given as plain values."""
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
        return _malformed(origin, f"expected an object of texts with {', '.join(METADATA_KEYS)}")
    rule = value.get("rule", "")
    try:
        if not rule:
            raise _WrongError(f"the rule is missing; expected {', '.join(METADATA_KEYS)}")
        return _waiver(value, METADATA_KEYS, origin)
    except _WrongError as wrong:
        return _malformed(origin, str(wrong), rule)


def _pairs(text: str) -> dict[str, str]:
    """The `key=value` pairs of a directive. Raises _WrongError."""
    pairs: dict[str, str] = {}
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _PAIR.match(text, at)
        if match is None:
            found = text[at:end].strip()[:60]
            raise _WrongError(f'expected key=value or key="…" with {", ".join(KEYS)}, found {found!r}')
        key, double, single, bare = match.groups()
        if key in pairs:
            raise _WrongError(f"{key!r} is given twice")
        quoted = double if double is not None else single
        pairs[key] = bare if quoted is None else _ESCAPE.sub(r"\1", quoted)
        at = match.end()
    return pairs


def _waiver(given: Mapping[str, str], keys: Sequence[str], origin: Origin) -> Waiver:
    """The waiver that names and texts describe. Raises _WrongError."""
    for key in given:
        if key != "rule" and key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            guess = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(keys)}"
            raise _WrongError(f"unknown key {key[:40]!r}{guess}")
    if not _RULE.fullmatch(given["rule"]):
        raise _WrongError(f"{given['rule'][:60]!r} is no id of a rule")
    texts = {key: given.get(key, "").strip() for key in ("resource", *KEYS)}
    for key in ("until", "reason"):
        if not texts[key]:
            raise _WrongError(f"{key!r} is missing; expected {SYNTAX}")
    for key in ("until", "created"):
        if texts[key] and not is_date(texts[key]):
            raise _WrongError(f"{key!r} must be a date such as 2027-06-30, found {texts[key][:40]!r}")
    if texts["created"] > texts["until"]:
        raise _WrongError(f"it was created on {texts['created']}, after its last day {texts['until']}")
    return Waiver(
        given["rule"],
        texts["resource"],
        texts["reason"],
        texts["owner"],
        texts["until"],
        ticket=texts["ticket"],
        created=texts["created"],
        origin=origin,
        inline=True,
    )


def _malformed(origin: Origin, note: str, rule: str = "") -> Waiver:
    named = rule if _RULE.fullmatch(rule) else ""
    return Waiver(named, "", "", "", "", WaiverState.MALFORMED, note, origin=origin, inline=True)


# ── what a directive is for ──────────────────────────────────────────────────────────────────────────────────────────


class Comment(NamedTuple):
    """A comment from offset `start` (inclusive) to `end` (exclusive), and its text without the marks around it."""

    start: int
    end: int
    text: str


class Declared(NamedTuple):
    """A resource or a module call, from offset `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int
    module: bool = False


def bound(
    text: str,
    comments: Iterable[Comment],
    declared: Iterable[Declared],
    origin: Callable[[int], Origin],
    skip: Callable[[int], int] = lambda at: at,
) -> dict[int, tuple[Waiver, ...]]:
    """The directives among all of a text's comments, by the `start` of the declaration each is for.

    `origin` tells where an offset stands. A directive behind code on its line is for that code, one on a line of its
    own for what begins on the next line that is no comment; of the declarations around that code the innermost is
    meant. `skip` leads from code that only precedes a declaration (a decorator) to the declaration itself. Directives
    that are for none stand under NOWHERE.
    """
    every = sorted(comments)
    asked = [(comment, waiver) for comment in every if (waiver := read(comment.text, origin(comment.start)))]
    if not asked:
        return {}
    around = sorted(declared)
    code = _Code(text, every)
    found: dict[int, list[Waiver]] = {}
    for comment, waiver in asked[:MAX_DIRECTIVES]:
        at = code.of(comment)
        meant = None if at is None else innermost(around, skip(at))
        start = NOWHERE if meant is None else meant.start
        found.setdefault(start, []).append(narrowed(waiver, meant, whole=comment.start < code.first))
    if len(asked) > MAX_DIRECTIVES:
        note = f"there are more than {MAX_DIRECTIVES:,} directives; this one and those behind it were not read"
        found.setdefault(NOWHERE, []).append(_malformed(origin(asked[MAX_DIRECTIVES][0].start), note))
    return {start: tuple(waivers) for start, waivers in found.items()}


def of_whole(waiver: Waiver) -> tuple[int, Waiver]:
    """The place and the waiver that metadata of a whole template asks for, which has to name its resources."""
    if waiver.state is WaiverState.ACTIVE and waiver.resource:
        return WHOLE, waiver
    return NOWHERE, narrowed(waiver, None, whole=True)


def narrowed(waiver: Waiver, meant: Declared | None, *, whole: bool) -> Waiver:
    """The waiver as far as it holds for a declaration; for none, it holds for a `whole` file or by nothing at all."""
    if waiver.state is not WaiverState.ACTIVE:
        return waiver
    if meant is None and whole:
        note = "it would hold for the whole template; write it by the resource or module call it is for"
        return replace(waiver, state=WaiverState.TOO_BROAD, note=note)
    if meant is None:
        note = "it stands by no resource, no module call and no property of one"
        return replace(waiver, state=WaiverState.MALFORMED, note=note)
    if meant.module and waiver.rule == "*" and not waiver.resource:
        note = "every rule on everything a module deploys is too much; name the rule, or put it by the resource"
        return replace(waiver, state=WaiverState.TOO_BROAD, note=note)
    return waiver


def innermost(around: Sequence[Declared], at: int) -> Declared | None:
    """Of the declarations, which are sorted, the last to begin that holds an offset."""
    for index in range(bisect.bisect_right(around, at, key=lambda one: one.start) - 1, -1, -1):
        if at < around[index].end:
            return around[index]
    return None


class _Code:
    """The code around the comments of a text; `first` is where the first of it stands."""

    def __init__(self, text: str, comments: Sequence[Comment]) -> None:
        self._text = text
        self._ahead: dict[int, int | None] = {}
        self._behind: dict[int, int | None] = {}
        self._ends = {comment.end: comment for comment in comments}
        self._starts = {comment.start: comment for comment in comments}
        # Runs of comments share what is around them, so that each is walked through once.
        for comment in comments:
            self._ahead[comment.start] = self._code_ahead(comment.start)
        for comment in reversed(comments):
            self._behind[comment.start] = self._code_behind(comment.end)
        self.first = self._first()

    def of(self, comment: Comment) -> int | None:
        """The code a comment is for: what is ahead of it on its line, else what begins on the next."""
        ahead = self._ahead[comment.start]
        return self._behind[comment.start] if ahead is None else ahead

    def _code_ahead(self, at: int) -> int | None:
        while at and self._text[at - 1] not in "\r\n":
            at -= 1
            if at + 1 in self._ends:
                return self._ahead[self._ends[at + 1].start]
            if self._text[at] not in " \t,;\ufeff":
                return at
        return None

    def _code_behind(self, at: int) -> int | None:
        text = self._text
        lines = 0
        while at < len(text) and lines < 2:
            if at in self._starts:
                return self._behind[at]
            if text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n"):
                lines += 1
            elif text[at] not in " \t\r":
                return at
            at += 1
        return None

    def _first(self) -> int:
        at = 0
        while at < len(self._text):
            if at in self._starts:
                at = self._starts[at].end
            elif self._text[at] in " \t\r\n\ufeff":
                at += 1
            else:
                break
        return at

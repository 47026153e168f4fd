"""Reads JSON as people write templates in it, keeping where every value stands.

Comments, trailing commas and texts that go over several lines are allowed, as Azure's own tools allow them. Names are
looked up without case, because Azure Resource Manager compares them so.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

MAX_SIZE: Final = 32 * 2**20
"""Characters of a text."""
MAX_DEPTH: Final = 100
"""Objects and arrays inside one another."""
MAX_VALUES: Final = 1_000_000
"""Values of a text, containers included, as far as its commas and brackets tell."""
MAX_DIGITS: Final = 100
"""Characters of a number."""
MAX_PROBLEMS: Final = 100

_WHITE: Final = r"[ \t\r\n]*+"
_SKIP: Final = rf"{_WHITE}(?:(?:[\f\v\xa0\ufeff]|//[^\n]*+|/\*[\s\S]*?\*/){_WHITE})*+"
_PLAIN: Final = r'"([^"\\]*+)"'
_ESCAPED: Final = r'("(?:[^"\\]++|\\[\s\S])*+")'

_TEXT, _LONG_TEXT, _OPENING, _WHOLE, _DECIMAL, _WORD = range(1, 7)
_VALUE: Final = re.compile(
    rf"{_SKIP}(?:{_PLAIN}|{_ESCAPED}|([{{\[])"
    r"|(-?(?:0|[1-9][0-9]*+)(?![0-9.eE]))|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    r"|(true|false|null)(?![0-9A-Za-z_]))"
)
# A name with its colon; where the value is a plain text, which most are, also that text and the comma behind it.
_MEMBER: Final = re.compile(rf"{_SKIP}(?:{_PLAIN}|{_ESCAPED}){_SKIP}:(?:{_SKIP}{_PLAIN}(?:{_SKIP}(,))?)?")
_NEXT: Final = re.compile(rf"{_SKIP}([,}}\]])")
_REST: Final = re.compile(_SKIP)
_CLOSED: Final = re.compile(_ESCAPED)

_COMMENT: Final = re.compile(r'"(?:[^"\\]++|\\[\s\S])*+"|//([^\n]*+)|/\*([\s\S]*?)\*/')

_WORDS: Final = {"true": True, "false": False, "null": None}
_ESCAPE: Final = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\"\\/'bfnrt]))?"
)
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


T = TypeVar("T")
_new: Final = tuple.__new__
"""Makes a node without the call in Python that a named tuple's own constructor is; there are very many of them."""


class JsonError(ValueError):
    """Text that is no JSON, or more of it than is read; `offset` says where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        """Take what is wrong, and where."""
        super().__init__(message)
        self.offset = offset


class Node(NamedTuple):
    """A value and its place, from offset `start` (inclusive) to `end` (exclusive).

    `value` is a scalar, a list of nodes, or a dict of nodes by their names in lower case. A member of an object also
    has its `name` as it is written, and `at`, where that name begins.
    """

    value: Any
    start: int
    end: int
    name: str = ""
    at: int = -1

    def get(self, name: str) -> Node | None:
        """The member with a name, given in lower case; None where there is none, or this is no object."""
        found: Node | None = self.value.get(name) if isinstance(self.value, dict) else None
        return found

    def text(self, name: str) -> str:
        """The text of a member whose name is given in lower case; empty where there is none."""
        found = self.get(name)
        return found.value if found is not None and isinstance(found.value, str) else ""


class Document(NamedTuple):
    """What a text holds. `problems` are names that are given twice: a message and an offset each."""

    root: Node
    problems: tuple[tuple[str, int], ...]


def read(text: str) -> Document:
    """The value a text holds. Raises JsonError.

    The time is linear in the text's length, and the depth of the call stack is bounded.
    """
    if len(text) > MAX_SIZE:
        raise JsonError(f"the text has more than {MAX_SIZE // 2**20} MiB", 0)
    if sum(map(text.count, ",[{")) >= MAX_VALUES:
        raise JsonError(f"it has more than {MAX_VALUES:,} values", 0)
    reader = _Reader(text)
    root = reader.value(0, "", -1)
    end = reader.skip(reader.at)
    if end < len(text):
        raise JsonError(f"{text[end]!r} stands behind the end of the JSON", end)
    return Document(root, tuple(reader.problems[:MAX_PROBLEMS]))


def comments(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and words of each comment in a text that can be read."""
    for match in _COMMENT.finditer(text):
        line, block = match.groups()
        if line is not None or block is not None:
            yield match.start(), match.end(), line if line is not None else block


def offsets(text: str, node: Node) -> Sequence[int]:
    """Where each character of a text value is written, its escapes considered; one more for the closing quote."""
    start, end = node.start + 1, node.end - 1
    if "\\" not in text[start:end]:
        return range(start, end + 1)
    found = array("q")
    at = start
    for match in _ESCAPE.finditer(text, start, end):
        found.extend(range(at, match.start() + 1))
        at = match.end()
    found.extend(range(at, end + 1))
    return found


def name_of(text: str, member: Node) -> Node:
    """The name of a member as a value with its place."""
    # Of a name that stands for another one, `[[x]` for `[x]`, the place begins one character late.
    match = _CLOSED.match(text, member.at if text.startswith('"', member.at) else member.at - 1)
    return Node(member.name, member.at, match.end() if match is not None else member.start)


class _Reader:
    """One pass over a text; `at` is where it stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.problems: list[tuple[str, int]] = []

    def skip(self, at: int) -> int:
        """Where white space and comments end."""
        match = _REST.match(self.text, at)
        return match.end() if match is not None else at

    def value(self, depth: int, name: str, place: int) -> Node:
        """The value here, which has this name at this place when it is a member of an object."""
        match = _VALUE.match(self.text, self.at)
        if match is None:
            self.fail("a value", self.at)
        kind, end = match.lastindex, match.end()
        self.at = end
        if kind == _OPENING:
            if depth >= MAX_DEPTH:
                raise JsonError(f"it nests deeper than {MAX_DEPTH} levels", end - 1)
            value: Any = self.object(depth + 1) if match[_OPENING] == "{" else self.array(depth + 1)
            return _new(Node, (value, end - 1, self.at, name, place))
        if kind == _TEXT:
            return _new(Node, (match[_TEXT], match.start(_TEXT) - 1, end, name, place))
        if kind == _LONG_TEXT:
            return Node(self.unescaped(match.start(_LONG_TEXT), end), match.start(_LONG_TEXT), end, name, place)
        if kind == _WORD:
            return Node(_WORDS[match[_WORD]], match.start(_WORD), end, name, place)
        start = match.start(kind or 0)
        return Node(self.number(start, end), start, end, name, place)

    def object(self, depth: int) -> dict[str, Node]:
        """The members up to the closing bracket."""
        text, at = self.text, self.at
        members: dict[str, Node] = {}
        while True:
            match = _MEMBER.match(text, at)
            if match is None:
                return self.ended(members, at, "}", "a name in double quotes, or '}'")
            name, _, plain, comma = match.groups()
            place = match.start(1) - 1
            if name is None:
                place = match.start(2)
                name = self.unescaped(place, match.end(2))
            self.at = at = match.end()
            folded = name.lower()
            if folded in members:
                self.twice(members.pop(folded).name, name, place)
            if plain is None:
                members[folded] = self.value(depth, name, place)
                at = self.at
            else:
                start, end = match.span(3)
                members[folded] = _new(Node, (plain, start - 1, end + 1, name, place))
            if not comma:
                match = _NEXT.match(text, at)
                if match is None or match[1] != ",":
                    return self.ended(members, at, "}", "',' or '}'")
                at = match.end()

    def array(self, depth: int) -> list[Node]:
        """The items up to the closing bracket."""
        text = self.text
        items: list[Node] = []
        while True:
            match = _NEXT.match(text, self.at)
            if match is not None:
                return self.ended(items, self.at, "]", "a value, or ']'")
            items.append(self.value(depth, "", -1))
            match = _NEXT.match(text, self.at)
            if match is None or match[1] != ",":
                return self.ended(items, self.at, "]", "',' or ']'")
            self.at = match.end()

    def ended(self, container: T, at: int, bracket: str, expected: str) -> T:
        """The container, when its closing bracket is what comes next."""
        match = _NEXT.match(self.text, at)
        if match is None or match[1] != bracket:
            self.fail(expected, at)
        self.at = match.end()
        return container

    def number(self, start: int, end: int) -> int | float:
        digits = self.text[start:end]
        if len(digits) > MAX_DIGITS:
            raise JsonError(f"the number has more than {MAX_DIGITS} digits", start)
        if digits.lstrip("-").isdecimal():
            return int(digits)
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise JsonError("the number is too large", start)
        return value

    def unescaped(self, start: int, end: int) -> str:
        """The text between quotes, its escapes replaced."""

        def character(match: re.Match[str]) -> str:
            high, low, code, letter = match.groups()
            if letter is not None:
                return _ESCAPES.get(letter, letter)
            if high is not None:
                return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
            if code is None:
                offset = start + 1 + match.start()
                raise JsonError(f"{self.text[offset : offset + 2]!r} is no escape", offset)
            single = int(code, 16)
            # Half of a character is none, and could not be written to any output.
            return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= single < 0xE000 else chr(single)

        return _ESCAPE.sub(character, self.text[start + 1 : end - 1])

    def twice(self, before: str, name: str, place: int) -> None:
        same = f"{name[:60]!r} is given twice"
        differs = f"{before[:60]!r} and {name[:60]!r} are the same name"
        self.problems.append((f"{same if name == before else differs}; the last one counts", place))

    def fail(self, expected: str, at: int) -> NoReturn:
        at = self.skip(at)
        found = self.text[at : at + 1]
        if not found:
            raise JsonError(f"the text ends where {expected} was expected", at)
        if self.text.startswith("/*", at):
            raise JsonError("this comment is not closed", at)
        if found == '"':
            closed = _CLOSED.match(self.text, at)
            if closed is None:
                raise JsonError("this text is not closed", at)
            if "a name" in expected:
                self.fail(f"':' behind {closed[0][:60]}", closed.end())
        raise JsonError(f"expected {expected}, found {found!r}", at)

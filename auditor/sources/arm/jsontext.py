"""Reads JSON as ARM does and keeps where all of it stands: comments, trailing commas, multi-line text are allowed."""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

MAX_DEPTH: Final = 100
MAX_SIZE: Final = 32 * 2**20
"""Characters of a file."""

_SKIP: Final = re.compile(r"(?:[ \t\r\n]++|//[^\n]*+|/\*.*?\*/)*+", re.DOTALL)
_NUMBER: Final = re.compile(r"-?\d++(\.\d++)?([eE][+-]?\d++)?", re.ASCII)
_WORDS: Final = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}


class JsonError(ValueError):
    """Text that is no JSON; `offset` says where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        """Take what was expected, and where."""
        super().__init__(message)
        self.offset = offset


class Node:
    """A value with its place. `value` is a dict of `Node` by name, a list of `Node`, or a scalar.

    `keys` are the offsets of an object's names, by name.
    """

    __slots__ = ("end", "keys", "start", "value")

    def __init__(self, value: Any, start: int, end: int, keys: dict[str, int] | None = None) -> None:
        """Place a value at the offsets `start` (inclusive) to `end` (exclusive)."""
        self.value = value
        self.start = start
        self.end = end
        self.keys = keys or {}

    def get(self, name: str) -> Node | None:
        """The member with a name, compared without case; None where there is none or this is no object."""
        if not isinstance(self.value, dict):
            return None
        found: Node | None = self.value.get(name)
        if found is not None:
            return found
        folded = name.casefold()
        return next((node for key, node in self.value.items() if key.casefold() == folded), None)

    def text(self, name: str) -> str:
        """The text of a member, or an empty one."""
        node = self.get(name)
        return node.value if node is not None and isinstance(node.value, str) else ""


class _Reader:
    """One pass over a text. Duplicate names are noted in `problems`; the last one wins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[tuple[str, int]] = []

    def skip(self, at: int) -> int:
        match = _SKIP.match(self.text, at)
        return match.end() if match is not None else at

    def value(self, at: int, depth: int) -> Node:
        text = self.text
        first = text[at : at + 1]
        if first == '"':
            value, end = self.string(at)
            return Node(value, at, end)
        if first in ("{", "["):
            if depth >= MAX_DEPTH:
                raise JsonError(f"the text nests deeper than {MAX_DEPTH} levels", at)
            return self.object(at, depth + 1) if first == "{" else self.array(at, depth + 1)
        word = _WORDS.get(first)
        if word is not None and text.startswith(word[0], at):
            return Node(word[1], at, at + len(word[0]))
        match = _NUMBER.match(text, at)
        if match is not None and match.end() - at <= 40:
            whole = match[1] is None and match[2] is None
            return Node(int(match[0]) if whole else float(match[0]), at, match.end())
        raise JsonError("expected a value" if first else "the text ends where a value was expected", at)

    def string(self, at: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, at + 1, False)
        except ValueError as error:
            raise JsonError("this text does not end, or holds a bad escape", at) from error
        return value, end

    def object(self, at: int, depth: int) -> Node:
        text = self.text
        members: dict[str, Node] = {}
        keys: dict[str, int] = {}
        folded: set[str] = set()
        place = self.skip(at + 1)
        while True:
            if text[place : place + 1] == "}":
                return Node(members, at, place + 1, keys)
            if text[place : place + 1] != '"':
                raise JsonError("expected a name in quotes or '}'", place)
            start = place
            name, place = self.string(place)
            place = self.skip(place)
            if text[place : place + 1] != ":":
                raise JsonError(f"expected ':' behind {name[:60]!r}", place)
            node = self.value(self.skip(place + 1), depth)
            if name.casefold() in folded:
                self.problems.append((f"{name[:60]!r} is given twice; the last one counts", start))
                for other in [key for key in members if key.casefold() == name.casefold()]:
                    del members[other]
            folded.add(name.casefold())
            members[name] = node
            keys[name] = start
            place = self.skip(node.end)
            if text[place : place + 1] == ",":
                place = self.skip(place + 1)
            elif text[place : place + 1] != "}":
                raise JsonError("expected ',' or '}'", place)

    def array(self, at: int, depth: int) -> Node:
        text = self.text
        items: list[Node] = []
        place = self.skip(at + 1)
        while True:
            if text[place : place + 1] == "]":
                return Node(items, at, place + 1)
            node = self.value(place, depth)
            items.append(node)
            place = self.skip(node.end)
            if text[place : place + 1] == ",":
                place = self.skip(place + 1)
            elif text[place : place + 1] != "]":
                raise JsonError("expected ',' or ']'", place)


def parse(text: str) -> tuple[Node, list[tuple[str, int]]]:
    """The value a text holds, and what is odd about it as (message, offset). Raises JsonError."""
    if len(text) > MAX_SIZE:
        raise JsonError(f"the text is larger than {MAX_SIZE // 2**20} MiB", 0)
    reader = _Reader(text)
    node = reader.value(reader.skip(1 if text.startswith("\ufeff") else 0), 0)
    end = reader.skip(node.end)
    if end < len(text):
        raise JsonError("there is something behind the end of the value", end)
    return node, reader.problems

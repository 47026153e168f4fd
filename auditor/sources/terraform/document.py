"""What `terraform show -json` and a state file write, read without ever holding all of it as objects.

A plan of ten thousand resources is a hundred megabytes of text and several times that as Python's objects. So the text
is gone through once to see that it is JSON to its end and where its members stand; after that, one resource at a time
is parsed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

MAX_FILE: Final = 256 * 2**20
"""Bytes of a plan or a state: some thirty thousand resources."""
MAX_VALUES: Final = 8_000_000
"""Values of a text, as far as its commas and brackets tell."""

_WHITE: Final = re.compile(r"[ \t\n\r]*+")
_INSIDE: Final = frozenset({"values", "root_module", "child_modules", "resources"})
"""Members that hold the resources of a plan or a state, or lead to them."""


class DocumentError(ValueError):
    """Text that is no JSON, or more of it than is read; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        """Take what is wrong, and where."""
        super().__init__(message)
        self.line = line
        self.column = column


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is out of range")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_number)


class _Cursor:
    """A place in a text, moved over values. Raises DocumentError where there is no JSON."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at

    def value(self) -> Any:
        """Parse the value here, and go behind it."""
        self._skip_white()
        try:
            value, self.at = _DECODER.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated string")
            raise self.error(error.msg, len(self.text) if cut else error.pos) from error
        except RecursionError as error:
            raise self.error("it nests too deep") from error
        except ValueError as error:
            raise self.error(str(error)[:100]) from error
        return value

    def members(self) -> Iterator[str]:
        """The names in the object here; whoever takes one may read its value, which is passed over otherwise."""
        if not self._opens("{", "}"):
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise self.error("a name is expected")
            self._skip_white()
            self._expect(":")
            self._skip_white()
            before = self.at
            yield name
            if self.at == before:
                self.value()
            if self._ends("}"):
                return

    def items(self) -> Iterator[Any]:
        """The values in the array here, one by one."""
        for _ in self.places():
            yield self.value()

    def places(self) -> Iterator[None]:
        """Stands at each value in the array here in turn; it has to be read or passed over."""
        if not self._opens("[", "]"):
            return
        while True:
            yield None
            if self._ends("]"):
                return

    def skip(self) -> None:
        """Go behind the value here, which may hold all resources, keeping none of them."""
        match self.next():
            case "{":
                for name in self.members():
                    if name == "child_modules" and self.next() == "[":
                        for _ in self.places():
                            self.skip()
                    elif name in _INSIDE:
                        self.skip()
            case "[":
                for _ in self.items():
                    pass
            case _:
                self.value()

    def next(self) -> str:
        """The character here, or nothing at the end of the text."""
        self._skip_white()
        return self.text[self.at : self.at + 1]

    def _skip_white(self) -> None:
        found = _WHITE.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def _opens(self, opening: str, closing: str) -> bool:
        """Go into a container; False when there is nothing in it."""
        self._skip_white()
        self._expect(opening)
        if self.next() != closing:
            return True
        self.at += 1
        return False

    def _ends(self, closing: str) -> bool:
        """Go behind a comma, or behind the bracket that ends a container."""
        if self.next() == closing:
            self.at += 1
            return True
        self._expect(",")
        return False

    def _expect(self, character: str) -> None:
        if self.text[self.at : self.at + 1] != character:
            raise self.error(f"{character!r} is expected")
        self.at += 1

    def error(self, message: str, at: int | None = None) -> DocumentError:
        """What is wrong at a place."""
        at = min(self.at if at is None else at, len(self.text))
        if at == len(self.text):
            message = "it ends in the middle"
        line = self.text.count("\n", 0, at) + 1
        return DocumentError(message, line, at - self.text.rfind("\n", 0, at))


class _Lines:
    """Tells lines while the text is gone through; in a text of one line there is nothing to tell."""

    def __init__(self, text: str) -> None:
        self._several = "\n" in text[:4_096]
        self._line = 1
        self._counted = 0

    def at(self, cursor: _Cursor) -> int | None:
        """The line of the value a cursor stands at; it has not gone back since it was asked last."""
        if not self._several:
            return None
        cursor.next()
        self._line += cursor.text.count("\n", self._counted, cursor.at)
        self._counted = cursor.at
        return self._line


class Document:
    """The JSON object a text holds, its members parsed when they are asked for."""

    def __init__(self, text: str) -> None:
        """See that the text is JSON to its end. Raises DocumentError."""
        if sum(map(text.count, ",[{")) >= MAX_VALUES:
            raise DocumentError(f"it has more than {MAX_VALUES:,} values")
        self.text = text
        self._places: dict[str, int] = {}
        cursor = _Cursor(text)
        try:
            for name in cursor.members():
                # A name that is given twice counts with its last value, as it does to Terraform.
                self._places[name] = cursor.at
                cursor.skip()
        except RecursionError as error:
            raise DocumentError("it nests too deep") from error
        if cursor.next():
            raise cursor.error("something stands behind its end")

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def get(self, name: str) -> Any:
        """A member's value; None where there is none."""
        place = self._places.get(name)
        return None if place is None else _Cursor(self.text, place).value()

    def items(self, name: str) -> Iterator[tuple[Any, int | None]]:
        """The values in a member that is an array, each with the line it begins in where the text has several."""
        yield from self._items(_Cursor(self.text, self._places[name]), _Lines(self.text))

    @staticmethod
    def _items(cursor: _Cursor, lines: _Lines) -> Iterator[tuple[Any, int | None]]:
        for _ in cursor.places():
            line = lines.at(cursor)
            yield cursor.value(), line

    def resources(self, name: str) -> Iterator[tuple[Any, int | None]]:
        """The resources in the modules of `planned_values` or `values`, from the root module down."""
        cursor = _Cursor(self.text, self._places[name])
        if cursor.next() != "{":
            raise DocumentError(f"its {name} is no object")
        lines = _Lines(self.text)
        for member in cursor.members():
            if member == "root_module":
                yield from self._in_module(cursor, lines)

    def _in_module(self, cursor: _Cursor, lines: _Lines) -> Iterator[tuple[Any, int | None]]:
        if cursor.next() != "{":
            raise cursor.error("a module is no object")
        for member in cursor.members():
            match member, cursor.next():
                case "resources", "[":
                    yield from self._items(cursor, lines)
                case "child_modules", "[":
                    for _ in cursor.places():
                        yield from self._in_module(cursor, lines)
                case (("resources" | "child_modules"), character) if character != "n":
                    raise cursor.error(f"the {member} of a module are no list")


def mapping(value: Any) -> Mapping[str, Any]:
    """A value that should be an object; empty when it is none."""
    return value if isinstance(value, dict) else {}

"""The values an evaluation yields: JSON's own, and what stands for what is not known.

Plain text, numbers, booleans and None are JSON's. Objects and arrays are `Obj` and `Arr`, a dict and a list that
remember where each of their entries is written. What could not be determined is `auditor.model.Unknown`, which may
stand anywhere; text that was put together from something that was not given is a `Placeholder`: it can name things
consistently, and can decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from auditor.model import Origin, Unknown
from auditor.sources.arm.ir import Span

MAX_POSSIBLE: Final = 16
"""Alternatives kept of a value that depends on something undecided."""
MAX_COMPARED: Final = 100_000
"""Values looked at to tell whether two are the same."""


class EvaluationError(Exception):
    """An expression that Azure Resource Manager would refuse; the message says why."""


class Mark(NamedTuple):
    """Where an entry is written, the expression it comes from (None for a literal), and the module calls around it."""

    span: Span
    computed: Span | None
    via: tuple[Origin, ...]

    @property
    def origin(self) -> Origin:
        """The same as a report shows it."""
        line, column = self.span.source.position(self.span.start)
        expression = self.computed.text if self.computed is not None else None
        return Origin(self.span.source.uri, line, column, expression, self.via)


class Obj(dict[str, Any]):
    """An object. `marks` says where entries are written, by their key; entries made up elsewhere have none."""

    __slots__ = ("_folds", "marks")

    def __init__(self, entries: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        """Take entries, and their marks when they come out of another `Obj`."""
        super().__init__(entries)
        self.marks: dict[str, Mark] = dict(entries.marks) if isinstance(entries, Obj) else {}
        self._folds: dict[str, str] = {}

    def put(self, key: str, value: Any, mark: Mark | None = None) -> None:
        """Set an entry; an entry whose name differs in case only is replaced (names compare without case)."""
        if key not in self:
            if len(self._folds) != len(self):
                self._folds = {name.casefold(): name for name in self}
            actual = self._folds.pop(key.casefold(), None)
            if actual is not None:
                del self[actual]
                self.marks.pop(actual, None)
            self._folds[key.casefold()] = key
        self[key] = value
        if mark is not None:
            self.marks[key] = mark
        else:
            self.marks.pop(key, None)


class Arr(list[Any]):
    """An array. `marks` says where items are written, by their index."""

    __slots__ = ("marks",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        """Take items, and their marks when they come out of another `Arr`."""
        super().__init__(items)
        self.marks: dict[int, Mark] = dict(items.marks) if isinstance(items, Arr) else {}

    def add(self, value: Any, mark: Mark | None = None) -> None:
        """Append an item."""
        if mark is not None:
            self.marks[len(self)] = mark
        self.append(value)


class Placeholder(str):
    """Text that stands for, or was made from, something that was not given. `reason` says what that is."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, text: str, reason: str) -> Placeholder:
        """Make the text carry its reason."""
        made = super().__new__(cls, text)
        made.reason = reason
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """How it travels between processes."""
        return Placeholder, (str(self), self.reason)


Function = Callable[..., Any]
"""A lambda's value: called with values, returns a value."""


def find_key(holder: Mapping[str, Any], name: str) -> str | None:
    """The key of an object that equals a name without case, or None."""
    if name in holder:
        return name
    folded = name.casefold()
    return next((key for key in holder if key.casefold() == folded), None)


def unknown_of(alternatives: Iterable[Any], reason: str) -> Any:
    """The value several alternatives have in common, else an Unknown that holds them.

    An alternative that is itself unknown counts with its own alternatives; where one has none, nothing is listed.
    """
    found: list[Any] = []
    listed = True
    for alternative in alternatives:
        if isinstance(alternative, Placeholder):
            listed = False
        elif isinstance(alternative, Unknown):
            listed = listed and bool(alternative.possible)
            found.extend(value for value in alternative.possible if not any(same(value, other) for other in found))
        elif not any(same(alternative, other) for other in found):
            found.append(alternative)
        listed = listed and len(found) <= MAX_POSSIBLE
    if listed and len(found) == 1:
        return found[0]
    return Unknown(reason, tuple(found) if listed else ())


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON (true and 1 are not).

    Values too large to be compared within `MAX_COMPARED` steps count as different.
    """
    steps = MAX_COMPARED
    waiting = [(left, right)]
    while waiting:
        one, other = waiting.pop()
        steps -= 1
        if steps < 0:
            return False
        if one is other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            waiting += [(value, other[key]) for key, value in one.items()]
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            waiting += zip(one, other, strict=True)
        elif isinstance(one, bool) or isinstance(other, bool) or one != other:
            return False
    return True


def unknowns_in(value: Any, depth: int = 8) -> Iterator[Unknown | Placeholder]:
    """Everything unknown or made from a placeholder inside a value, itself included."""
    if isinstance(value, Unknown | Placeholder):
        yield value
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from unknowns_in(item, depth - 1)
    elif depth and isinstance(value, list):
        for item in value:
            yield from unknowns_in(item, depth - 1)

"""Which resource of one side is which of the other: by id, by type and name, and by a map for names nobody can know.

Nothing is guessed: what could be one of several is none of them, and is told as "cannot tell" with the candidates.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from auditor.documents import describe, read_document
from auditor.errors import PolicyError
from auditor.model import Resource, Subject, Unknown
from auditor.reading import look_up

NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
"""What stands in a template's ids for a subscription that was not given; a group is `{resource-group}` there."""
NAMES_TOLD: Final = 3
NAMES_GUESSED: Final = 20
MAX_MAP: Final = 8_000_000
"""Bytes of a map file."""
MAX_PAIRS: Final = 200_000


class Key(NamedTuple):
    """What a store is matched by. `unnamed` is why its name is not known, empty where it is."""

    subject: Subject
    unnamed: str = ""


def key_of(store: Resource, subject: Subject) -> Key:
    """The key of a store; the name of one whose declaration was not at hand may be made up."""
    told = look_up(store.body, ("name",)) if not isinstance(store.body, Unknown) else None
    if isinstance(told, Unknown):
        return Key(subject, told.reason)
    if not store.deployed and "{" in store.name:
        reason = store.body.reason if isinstance(store.body, Unknown) else "it is made of values that were not given"
        return Key(subject, reason)
    return Key(subject)


# ── the map file ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Named(NamedTuple):
    """A pair of the map: a name or id of the reference, that of the current side, and the place it is written at."""

    reference: str
    current: str
    file: str
    line: int

    def fail(self, message: str) -> NoReturn:
        """Raise PolicyError at the line of the pair."""
        raise PolicyError(message, file=self.file, line=self.line)


@dataclass(frozen=True, slots=True)
class NameMap:
    """Which resource is which, as the user's file says it."""

    pairs: tuple[Named, ...] = ()


def load_map(path: Path) -> NameMap:
    """Read a map file: a mapping from a name or id of the reference to one of the current side. Raises PolicyError."""
    document = read_document(path, max_bytes=MAX_MAP, max_nodes=MAX_PAIRS + 1)
    if not isinstance(document.value, Mapping):
        found = describe(document.value)
        document.fail("", f"expected a mapping from reference names to current names, found {found}")
    pairs: list[Named] = []
    taken: dict[str, str] = {}
    for reference, current in document.value.items():
        for name in (reference, current):
            if not isinstance(name, str) or not name.strip():
                found = "an empty text" if isinstance(name, str) else describe(name)
                document.fail(f"/{reference}", f"expected the name or id of a resource, found {found}")
        other = taken.setdefault(_folded(current), reference)
        if other != reference:
            document.fail(f"/{reference}", f"{current!r} stands for {other!r} already")
        pairs.append(Named(reference.strip(), current.strip(), document.file, document.lines[f"/{reference}"]))
    return NameMap(tuple(pairs))


# ── matching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Matching:
    """Positions in the two lists of keys: those that are the same store, those that are not to be told, the rest."""

    pairs: dict[int, int] = field(default_factory=dict)
    doubtful_references: dict[int, str] = field(default_factory=dict)
    doubtful_currents: dict[int, str] = field(default_factory=dict)
    only_reference: list[int] = field(default_factory=list)
    only_current: list[int] = field(default_factory=list)
    unused_map: list[str] = field(default_factory=list)


def match(references: Sequence[Key], currents: Sequence[Key], names: NameMap) -> Matching:
    """Match two sides. Raises PolicyError where the map names what there is more than once."""
    matcher = _Matcher(references, currents)
    matcher.by_map(names)
    # A made-up name is the same one in another reading of the same template, and nobody else's.
    matcher.by(lambda key: (bool(key.unnamed), key.subject.id.casefold().rstrip("/")))
    matcher.by(lambda key: (bool(key.unnamed), key.subject.type.casefold(), key.subject.name.casefold()))
    matcher.rest()
    return matcher.found


class _Called:
    """What the resources of one side go by: each its id and its name."""

    def __init__(self, side: str, keys: Mapping[int, Key]) -> None:
        self.side = side
        self.keys = keys
        self.numbers: dict[str, list[int]] = {}
        for number, key in keys.items():
            for name in {_folded(key.subject.id), _folded(key.subject.name)}:
                self.numbers.setdefault(name, []).append(number)

    def by_type(self, name: str, pair: Named) -> dict[str, int]:
        """What goes by a name and is not paired yet, by its type. Raises PolicyError for several of one type."""
        found: dict[str, list[int]] = {}
        for number in self.numbers.get(_folded(name), ()):
            if number in self.keys:
                found.setdefault(self.keys[number].subject.type.casefold(), []).append(number)
        for numbers in found.values():
            if len(numbers) > 1:
                pair.fail(f"{name!r} is the name of {len(numbers)} resources of {self.side}; give the id of one")
        return {kind: numbers[0] for kind, numbers in found.items()}

    def lacks(self, name: str, *, guess: bool) -> str:
        """Why a name stands for nothing that is left; `guess` asks for the nearest one there is."""
        if _folded(name) in self.numbers:
            return f"{name!r} of {self.side} is paired already"
        near = difflib.get_close_matches(_folded(name), self.numbers, 1) if guess else []
        return f"nothing in {self.side} is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


class _Matcher:
    """Takes pairs out of the positions that are left on either side."""

    def __init__(self, references: Sequence[Key], currents: Sequence[Key]) -> None:
        self.left = dict(enumerate(references))
        self.right = dict(enumerate(currents))
        self.found = Matching()

    def by_map(self, names: NameMap) -> None:
        """Pair what the map says, type by type; what it says of nothing that is left is noted."""
        references, currents = _Called("the reference", self.left), _Called("the current side", self.right)
        for pair in names.pairs:
            left, right = references.by_type(pair.reference, pair), currents.by_type(pair.current, pair)
            both = [kind for kind in left if kind in right]
            for kind in both:
                self._pair(left[kind], right[kind])
            if both:
                continue
            if left and right:
                one, other = self.left[min(left.values())].subject, self.right[min(right.values())].subject
                pair.fail(f"{pair.reference!r} is of type {one.type}, and {pair.current!r} of {other.type}")
            guess = len(self.found.unused_map) < NAMES_GUESSED
            lacking = [] if left else [references.lacks(pair.reference, guess=guess)]
            lacking += [] if right else [currents.lacks(pair.current, guess=guess)]
            self.found.unused_map.append(f"{pair.file}:{pair.line}: {'; '.join(lacking)}")

    def by(self, identity: Callable[[Key], Hashable]) -> None:
        """Pair what has the same identity, each only once on either side."""
        left, right = _grouped(self.left, identity), _grouped(self.right, identity)
        for same, references in left.items():
            currents = right.get(same, [])
            if len(references) == 1 and len(currents) == 1:
                self._pair(references[0], currents[0])
            elif currents:
                self._several(references, currents)

    def _several(self, references: Iterable[int], currents: Iterable[int]) -> None:
        """Tell several of one name apart by what is known of their subscriptions and groups; the rest is in doubt."""
        fits = {one: [other for other in currents if self._agree(one, other)] for one in references}
        for one, found in fits.items():
            if len(found) == 1 and sum(found[0] in others for others in fits.values()) == 1:
                self._pair(one, found[0])
        left = {number: self.left[number] for number in references if number in self.left}
        right = {number: self.right[number] for number in currents if number in self.right}
        if left and right:
            self.found.doubtful_references |= dict.fromkeys(left, _one_of(right))
            self.found.doubtful_currents |= dict.fromkeys(right, _one_of(left))
            self.left = {number: key for number, key in self.left.items() if number not in left}
            self.right = {number: key for number, key in self.right.items() if number not in right}

    def _agree(self, reference: int, current: int) -> bool:
        return same_id(self.left[reference].subject.id, self.right[current].subject.id)

    def _pair(self, left: int, right: int) -> None:
        self.found.pairs[right] = left
        del self.left[left], self.right[right]

    def rest(self) -> None:
        """What is left is on one side only, unless something of its type has a name that is not known."""
        for own, others, doubtful, only in (
            (self.left, self.right, self.found.doubtful_references, self.found.only_reference),
            (self.right, self.left, self.found.doubtful_currents, self.found.only_current),
        ):
            types = {key.subject.type.casefold() for key in others.values()}
            unnamed = {key.subject.type.casefold(): key for key in reversed(others.values()) if key.unnamed}
            for number, key in own.items():
                kind = key.subject.type.casefold()
                if key.unnamed and kind in types:
                    doubtful[number] = f"its name is not known: {key.unnamed}; say what it is called with --map"
                elif kind in unnamed:
                    other = unnamed[kind]
                    doubtful[number] = (
                        f"it may be {other.subject.name}, whose name is not known: {other.unnamed}; say so with --map"
                    )
                else:
                    only.append(number)


def _folded(name: str) -> str:
    return name.strip().casefold().rstrip("/")


def _grouped(keys: Mapping[int, Key], identity: Callable[[Key], Hashable]) -> dict[Hashable, list[int]]:
    groups: dict[Hashable, list[int]] = {}
    for number, key in keys.items():
        groups.setdefault(identity(key), []).append(number)
    return groups


def _one_of(candidates: Mapping[int, Key]) -> str:
    listed = list(dict.fromkeys(key.subject.id for key in candidates.values()))
    if len(listed) == 1 < len(candidates):
        return f"{len(candidates)} resources there have the id {listed[0]}"
    more = f" and {len(listed) - NAMES_TOLD} more" if len(listed) > NAMES_TOLD else ""
    return f"it may be any of {', '.join(listed[:NAMES_TOLD])}{more}; say which with --map"


def same_id(one: str, other: str) -> bool:
    """Whether two ids can be the same; a subscription or group that was not given can be any."""
    left, right = _segments(one), _segments(other)
    return len(left) == len(right) and all(
        a == b or _made_up(a) or _made_up(b) for a, b in zip(left, right, strict=True)
    )


def _segments(resource_id: str) -> list[str]:
    return resource_id.casefold().strip("/").split("/")


def _made_up(segment: str) -> bool:
    return segment == NO_SUBSCRIPTION or (segment.startswith("{") and segment.endswith("}"))


def subjects(keys: Sequence[Key], numbers: Iterable[int]) -> tuple[Subject, ...]:
    """The subjects at some positions."""
    return tuple(keys[number].subject for number in numbers)

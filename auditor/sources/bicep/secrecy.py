"""What Bicep's types say of secrets: `@secure()` on a type, a property or an item, wherever the type is declared.

A type may be imported, so nothing is looked up before there is a value to be looked through. What cannot be followed
within bounds, and a type that is made of itself by way of another file, count as secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from auditor.sources.arm import ir
from auditor.sources.arm.values import find_key
from auditor.sources.bicep import types
from auditor.sources.bicep.types import Declared

MAX_DEPTH: Final = 64
"""Types that lead to one another."""
MAX_SHAPES: Final = 64
"""Kinds of object or array that a value of one type may be."""


class _Meaning(NamedTuple):
    """What a type comes to: shapes of this file, and types of others; `secure` when it is a secret itself."""

    secure: bool = False
    shapes: tuple[types.Shape | types.Sequence, ...] = ()
    others: tuple[ir.Secrecy, ...] = ()


class Secrets:
    """The types of one file, by what they keep secret."""

    def __init__(self, declared: Mapping[str, Declared], imports: Sequence[ir.Import]) -> None:
        """Take what the file declares, and what it imports."""
        self._declared = declared
        self._imports = imports
        self._loaded: dict[int, ir.Template | ir.Unresolved] = {}
        self._meanings: dict[int, _Meaning] = {}
        self._hiding: dict[int, bool] = {}
        self._depth = 0

    def of(self, declared: Declared) -> ir.Secrecy | None:
        """What a type keeps secret; None for one that is no more than a simple value."""
        found = declared.type
        simple = isinstance(found, types.Constant | types.Opaque) or (
            isinstance(found, types.Reference) and found.name in types.AMBIENT and found.name not in self._declared
        )
        return None if simple and not declared.secure else _Typed(self, declared)

    def meaning(self, found: types.Type) -> _Meaning:
        """What a type comes to when all names are followed."""
        key = id(found)
        if key not in self._meanings:
            if self._depth > MAX_DEPTH:
                return _Meaning(secure=True)
            self._meanings[key] = _Meaning(secure=True)
            self._depth += 1
            self._meanings[key] = self._followed(found)
            self._depth -= 1
        return self._meanings[key]

    def _followed(self, start: types.Type) -> _Meaning:
        secure = False
        shapes: list[types.Shape | types.Sequence] = []
        others: list[ir.Secrecy] = []
        waiting = [start]
        seen: set[int] = set()
        while waiting:
            found = waiting.pop()
            if id(found) in seen:
                continue
            seen.add(id(found))
            match found:
                case types.Reference(name) if name in self._declared:
                    secure = secure or self._declared[name].secure
                    waiting.append(self._declared[name].type)
                case types.Reference(name):
                    others += self._named(name)
                case types.Nullable(base):
                    waiting.append(base)
                case types.Union(members):
                    waiting += members
                case types.Shape() | types.Sequence():
                    shapes.append(found)
                case types.Part(base, key):
                    secure = secure or self.meaning(base).secure
                    others += [*self._of_all(base, str(key)), *self.inside(self.meaning(base), key)]
        secure = secure or len(shapes) > MAX_SHAPES or any(one.secure for one in others)
        return _Meaning(secure, tuple(shapes), tuple(others))

    def inside(self, meaning: _Meaning, key: str | int) -> Iterator[ir.Secrecy]:
        """What is said of a property or an item of a type; `*` are all that are not named."""
        for shape in meaning.shapes:
            part = _part(shape, key)
            if part is not None:
                yield _Typed(self, part)
        if not meaning.secure:
            for one in meaning.others:
                yield from one.inside(key)

    def hides(self, declared: Declared) -> bool:
        """Whether a value of a type is a secret, or may have one in it."""
        key = id(declared.type)
        if not declared.secure and key not in self._hiding:
            self._hiding[key] = True
            meaning = self.meaning(declared.type)
            self._depth += 1
            self._hiding[key] = (
                meaning.secure
                or self._depth > MAX_DEPTH
                or any(self.hides(part) for shape in meaning.shapes for part in _parts(shape))
                or any(one.hides for one in meaning.others)
            )
            self._depth -= 1
        return declared.secure or self._hiding[key]

    # ── other files ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _named(self, name: str) -> Iterator[ir.Secrecy]:
        """A type that is imported by its name."""
        for one in self._imports:
            if name in one.names:
                yield from self._exported(one, one.names[name])

    def _of_all(self, base: types.Type, name: str) -> Iterator[ir.Secrecy]:
        """A type of a file that is imported as a whole."""
        for one in self._imports:
            if isinstance(base, types.Reference) and one.alias == base.name:
                yield from self._exported(one, name)

    def _exported(self, one: ir.Import, name: str) -> Iterator[ir.Secrecy]:
        if id(one) not in self._loaded:
            self._loaded[id(one)] = one.load()
        template = self._loaded[id(one)]
        if isinstance(template, ir.Template) and name in template.types:
            yield template.types[name]


@dataclass(frozen=True, slots=True)
class _Typed:
    """`ir.Secrecy` of a type in its file."""

    file: Secrets
    declared: Declared

    @property
    def secure(self) -> bool:
        return self.declared.secure or self.file.meaning(self.declared.type).secure

    @property
    def hides(self) -> bool:
        return self.file.hides(self.declared)

    def inside(self, key: str | int) -> Iterator[ir.Secrecy]:
        return self.file.inside(self.file.meaning(self.declared.type), key)


def _part(shape: types.Shape | types.Sequence, key: str | int) -> Declared | None:
    """What a shape says of a property or an item."""
    if isinstance(shape, types.Shape):
        name = find_key(shape.properties, str(key))
        return shape.rest if name is None else shape.properties[name]
    if isinstance(key, int) and key < len(shape.items):
        return shape.items[key]
    return None if shape.each is None else Declared(shape.each)


def _parts(shape: types.Shape | types.Sequence) -> Iterator[Declared]:
    if isinstance(shape, types.Shape):
        yield from shape.properties.values()
        if shape.rest is not None:
            yield shape.rest
    else:
        yield from shape.items
        if shape.each is not None:
            yield Declared(shape.each)

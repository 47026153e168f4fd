"""Bicep's types: their grammar, and what the evaluation needs to know of them.

A type is kept as a small tree until the whole file is parsed, because a type may be declared below where it is used.
Of a type only this matters afterwards: which of the five simple kinds it is, whether null is among its values, whether
its values are listed, and whether they are secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from auditor.sources.arm import ir
from auditor.sources.bicep.expressions import MAX_DEPTH, MAX_LINKS, NAMESPACES, ExpressionParser
from auditor.sources.bicep.lexer import NAME, NEWLINE, NUMBER, OPEN, TEXT

MAX_ALLOWED: Final = 256
"""Values of a union that are listed; of a longer one only its kind is known."""
MAX_LOOKUPS: Final = 64
"""Declarations followed to find out what one type is."""

AMBIENT: Final = frozenset({"string", "int", "bool", "object", "array"})


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A type by its name: declared in the file, ambient (for sure when it begins with `sys.`), or imported."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """One literal value, as a type."""

    value: str | int | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """Any of its members."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Nullable:
    """Its base or null; with `never`, its base without null."""

    base: Type
    never: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An object type with the properties it names; `rest` is what others have (`*:`)."""

    properties: Mapping[str, Declared]
    rest: Declared | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """An array type: `items` by position of a tuple, `each` of a list."""

    items: tuple[Declared, ...] = ()
    each: Type | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A type inside another: a property, a position, `*` for what all others share."""

    base: Type
    key: str | int


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A type that is known only by Azure's own description of a resource."""


Type = Reference | Constant | Union | Nullable | Shape | Sequence | Part | Opaque


class Declared(NamedTuple):
    """A type with what its decorators add."""

    type: Type
    secure: bool = False


class Known(NamedTuple):
    """What is known of a type: `kind` is empty when it is none of the simple ones for sure, `allowed` when open."""

    kind: str = ""
    nullable: bool = False
    allowed: tuple[Any, ...] = ()
    secure: bool = False


class Decorator(NamedTuple):
    """`@name(…)`, without the namespace."""

    name: str
    arguments: tuple[ir.Expression, ...]


class TypeParser(ExpressionParser):
    """The grammar of types and decorators."""

    def _decorators(self) -> list[Decorator]:
        """Any number of decorators, each on lines of its own."""
        found: list[Decorator] = []
        while self._kinds[self._at] == "@":
            self._at += 1
            name = self._name("a decorator's name behind the '@'")
            while self._kinds[self._at] == ".":
                self._at += 1
                name = self._name("a decorator's name behind the '.'")
            arguments = self._arguments() if self._kinds[self._at] == "(" else ()
            found.append(Decorator(name, arguments))
            if self._kinds[self._at] == NEWLINE:
                self._at += 1
            else:
                self._note(self._here(), "expected a new line behind a decorator")
        return found

    def _type(self) -> Type:
        """The type of a declaration, which may be `resource 'type@version'`."""
        if self._is_word("resource") and self._kinds[self._at + 1] != "<":
            self._at += 1
            if self._kinds[self._at] in (TEXT, OPEN):
                self._operand()
            return Opaque()
        return self._type_expression()

    def _type_expression(self) -> Type:
        """A union, or one type; `|` may begin a new line, and stand before the first member."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._failed(f"types nest deeper than {MAX_DEPTH} levels")
        if self._another_member():
            self._skip_lines()
            self._at += 1
        members = [self._member_type()]
        while self._another_member():
            self._skip_lines()
            self._at += 1
            members.append(self._member_type())
        self._depth -= 1
        return members[0] if len(members) == 1 else Union(tuple(members))

    def _another_member(self) -> bool:
        kind = self._kinds[self._at]
        return kind == "|" or (kind == NEWLINE and self._kinds[self._at + 1] == "|")

    def _member_type(self) -> Type:
        base = self._type_with_parts()
        found = base
        while self._kinds[self._at] in ("?", "!"):
            found = Nullable(base, never=self._kinds[self._at] == "!")
            self._at += 1
        return found

    def _type_with_parts(self) -> Type:
        """A primary type with `[]`, `[*]`, `[0]`, `.name`, `.*` behind it."""
        found = self._primary_type()
        kinds = self._kinds
        for _ in range(MAX_LINKS):
            kind = kinds[self._at]
            if kind == "[":
                self._at += 1
                if kinds[self._at] == "]":
                    found = Sequence(each=found)
                elif kinds[self._at] == "*":
                    self._at += 1
                    found = Part(found, "*")
                else:
                    index = self._expression()
                    value = index.value if isinstance(index, ir.Literal) else None
                    found = Part(found, value) if isinstance(value, int) else Opaque()
                self._expect("]")
            elif kind == ".":
                self._at += 1
                if kinds[self._at] == "*":
                    self._at += 1
                    found = Part(found, "*")
                    continue
                name = self._name("a name or '*' behind the '.'")
                if kinds[self._at] == "<":
                    found = self._parameterized()
                elif isinstance(found, Reference) and found.name in NAMESPACES:
                    found = Reference(f"sys.{name}")
                else:
                    found = Part(found, name)
            else:
                return found
        raise self._failed(f"more than {MAX_LINKS} parts stand in one type")

    def _primary_type(self) -> Type:
        at = self._at
        kind = self._kinds[at]
        if kind == NAME:
            self._at = at + 1
            if self._kinds[self._at] == "<":
                return self._parameterized()
            return Reference(self._values[at])
        if kind in (TEXT, NUMBER, "true", "false", "null", "-", "!"):
            return self._constant(kind)
        if kind == "{":
            return self._shape()
        if kind == "[":
            return self._tuple()
        if kind == "(":
            self._at = at + 1
            self._skip_lines()
            found = self._type_expression()
            self._skip_lines()
            self._expect(")")
            return found
        raise self._unexpected("a type")

    def _constant(self, kind: str) -> Type:
        if kind in ("-", "!"):
            self._at += 1
            if self._kinds[self._at] not in (NUMBER, "true", "false"):
                raise self._unexpected("a value")
            value: Any = self._constant(self._kinds[self._at])
            return Constant(-value.value if kind == "-" else not value.value)
        if kind == NUMBER:
            return Constant(self._number())
        self._at += 1
        value = self._values[self._at - 1]
        return Constant({"true": True, "false": False, "null": None}[kind] if kind != TEXT else value)

    def _parameterized(self) -> Type:
        """`<…>` behind a name: `resourceInput<'type@version'>` and its kin."""
        self._at += 1
        self._skip_lines()
        while self._kinds[self._at] != ">":
            self._type_expression()
            if self._kinds[self._at] == ",":
                self._at += 1
            self._skip_lines()
            if self._kinds[self._at] not in (">", TEXT, NAME):
                raise self._unexpected("'>'")
        self._at += 1
        return Opaque()

    def _shape(self) -> Type:
        """An object type."""
        properties: dict[str, Declared] = {}
        rest: Declared | None = None
        self._at += 1
        self._skip_lines()
        while self._kinds[self._at] != "}":
            secure = is_secure(self._decorators())
            at = self._at
            kind = self._kinds[at]
            if kind == "*":
                self._at += 1
            else:
                self._key()
            self._expect(":")
            found = Declared(self._type_expression(), secure)
            if kind == "*":
                rest = found
            elif kind in (NAME, TEXT):
                properties[self._values[at]] = found
            if not self._separated("}"):
                break
        self._expect("}")
        return Shape(properties, rest)

    def _tuple(self) -> Type:
        items: list[Declared] = []
        self._at += 1
        self._skip_lines()
        while self._kinds[self._at] != "]":
            secure = is_secure(self._decorators())
            items.append(Declared(self._type_expression(), secure))
            if not self._separated("]"):
                break
        self._expect("]")
        return Sequence(tuple(items))


def is_secure(decorators: list[Decorator]) -> bool:
    """Whether one of them is `@secure()`."""
    return any(decorator.name == "secure" for decorator in decorators)


class Types:
    """The types a file declares, by name, and what is known of any type in it."""

    def __init__(self, declared: Mapping[str, Declared]) -> None:
        """Take the declarations; one that depends on itself is known as nothing."""
        self._declared = declared
        self._names: dict[str, Known] = {}
        self._unions: dict[int, Known] = {}
        self._lookups = 0

    def known(self, declared: Declared) -> Known:
        """What is known of a type."""
        self._lookups = 0
        found = self._of(declared.type)
        return found._replace(kind="" if found.kind == "null" else found.kind, secure=found.secure or declared.secure)

    def _of(self, found: Type) -> Known:
        match found:
            case Reference(name):
                return self._named(name)
            case Constant(value):
                return _known_of(value)
            case Union(members):
                if id(found) not in self._unions:
                    self._unions[id(found)] = _any_of([self._of(member) for member in members])
                return self._unions[id(found)]
            case Nullable(base, never):
                return self._of(base)._replace(nullable=not never)
            case Shape():
                return Known("object")
            case Sequence():
                return Known("array")
            case Part():
                part = self._part(found)
                if part is None:
                    return Known()
                known = self._of(part.type)
                return known._replace(secure=known.secure or part.secure)
        return Known()

    def _named(self, name: str) -> Known:
        declared = self._declared.get(name)
        if declared is None:
            kind = name.removeprefix("sys.")
            return Known(kind if kind in AMBIENT else "")
        if name not in self._names:
            if not self._may_look():
                return Known()
            self._names[name] = Known()  # what it is to itself, when it depends on itself
            known = self._of(declared.type)
            self._names[name] = known._replace(secure=known.secure or declared.secure)
        return self._names[name]

    def _may_look(self) -> bool:
        self._lookups += 1
        return self._lookups <= MAX_LOOKUPS

    def _part(self, part: Part) -> Declared | None:
        """The type that a part of another is, as it is declared there."""
        keys: list[str | int] = []
        base: Type = part
        while isinstance(base, Part):
            keys.append(base.key)
            base = base.base
        found: Declared | None = Declared(base)
        while keys and found is not None:
            shape = self._resolved(found.type)
            found = _inside(shape, keys.pop())
        return found

    def _resolved(self, found: Type) -> Type:
        """A type that is no name, and no null."""
        while self._may_look():
            if isinstance(found, Nullable):
                found = found.base
            elif isinstance(found, Reference) and found.name in self._declared:
                found = self._declared[found.name].type
            elif isinstance(found, Part):
                part = self._part(found)
                found = Opaque() if part is None else part.type
            else:
                return found
        return Opaque()


def _inside(found: Type, key: str | int) -> Declared | None:
    match found:
        case Shape(properties, rest):
            return rest if key == "*" else properties.get(str(key))
        case Sequence(items, each):
            if key == "*":
                return None if each is None else Declared(each)
            return items[key] if isinstance(key, int) and 0 <= key < len(items) else None
    return None


def _known_of(value: str | int | bool | None) -> Known:
    if value is None:
        return Known("null", nullable=True)
    kind = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "string"
    return Known(kind, allowed=(value,))


def _any_of(members: list[Known]) -> Known:
    nullable = any(member.nullable for member in members)
    secure = any(member.secure for member in members)
    values = [member for member in members if member.kind != "null"]
    kinds = {member.kind for member in values}
    kind = kinds.pop() if len(kinds) == 1 else ""
    allowed: dict[tuple[type, Any], Any] = {}
    for member in values:
        allowed.update({(type(value), value): value for value in member.allowed})
    listed = all(member.allowed for member in values) and len(allowed) <= MAX_ALLOWED
    return Known(kind, nullable, tuple(allowed.values()) if listed else (), secure)

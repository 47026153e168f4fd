"""The services' tables, compiled: what the attributes of one instance say, as bodies in ARM's shape.

A table is compiled once for each major version of the provider; running it touches only the blocks that are there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from auditor.catalog import ByMajor, Conversion, ResourceMap, Row
from auditor.model import EMPTY, Origin, Unknown
from auditor.services.mapping import MAJORS
from auditor.sources.terraform.instances import Instance, Reference

MAX_ALTERNATIVES: Final = 32
"""Values one setting is followed through before it counts as simply unknown."""
MAX_DEPTH: Final = 12
"""How deep alternatives may stand inside alternatives."""
OWN: Final = ""
"""The label of the body of the resource itself, beside those of its children."""

Resolve = Callable[[Reference], Any]
_MISTAKES: Final = (TypeError, ValueError, KeyError, AttributeError, IndexError)


class _First(str):
    """A step to the first element of a list: `storageSettings[0]`."""

    __slots__ = ()


class _Target(NamedTuple):
    """A place in a body: the child it is on, the steps that lead there, and the path origins are kept under.

    A collection of children is the child alone.
    """

    child: str
    above: tuple[str, ...] = ()
    last: str = ""
    key: str = ""


class _Leaf(NamedTuple):
    """A row, compiled. `others` are the names beside the first.

    `absent` is what ARM gets where the attribute is unset; `by_default` says that this is the provider's default.
    """

    name: str
    others: tuple[str, ...]
    formerly: tuple[tuple[str, Conversion], ...]
    conversion: Conversion
    absent: Any
    by_default: bool
    target: _Target


class _List(NamedTuple):
    """A block that may stand many times; `collection` says that each makes a child of its own."""

    target: _Target
    inside: _Block
    collection: bool


@dataclass(slots=True)
class _Block:
    leaves: list[_Leaf] = field(default_factory=list)
    blocks: dict[str, _Block] = field(default_factory=dict)
    lists: dict[str, _List] = field(default_factory=dict)

    def targets(self) -> Iterator[_Target]:
        """Every place that something in the block is written to."""
        yield from (leaf.target for leaf in self.leaves)
        yield from (one.target for one in self.lists.values())
        for block in self.blocks.values():
            yield from block.targets()


@dataclass(slots=True)
class Shape:
    """What an instance says.

    `bodies` holds the resource's own body under OWN and those of its children (`blobServices/default`), each a mapping,
    or an `Unknown` where it is not known what the child says, or whether it is there. `lists` holds the elements of
    child collections, as shapes of their own. `origins` and `places` say where values and children are written.
    """

    bodies: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[Shape] | Unknown] = field(default_factory=dict)
    origins: dict[str, dict[str, Origin]] = field(default_factory=dict)
    places: dict[str, Origin] = field(default_factory=dict)

    def put(self, target: _Target, value: Any, here: Origin) -> None:
        """Write a value; what lies below an Unknown stays unknown. `here` is where a child stands that begins so."""
        child, above, last, _ = target
        body = self.bodies.get(child)
        if body is None:
            body = self.bodies[child] = {}
            self.places.setdefault(child, here)
        for step in above:
            if type(body) is not dict:
                return
            inside = body.get(step)
            if inside is None:
                inside = {}
                body[step] = [inside] if type(step) is _First else inside
            elif type(inside) is list and type(step) is _First:
                inside = inside[0]
            body = inside
        if type(body) is dict:
            body[last] = [value] if type(last) is _First else value

    def copy(self) -> Shape:
        """The same again, to be written on without touching this one."""
        return Shape(_copied(self.bodies), dict(self.lists), _copied(self.origins), dict(self.places))

    def become(self, shapes: list[Shape], reason: Unknown) -> None:
        """Say what several shapes agree on, and of the rest all that it can be."""
        for child in dict.fromkeys(child for shape in shapes for child in shape.bodies):
            bodies = [shape.bodies.get(child) for shape in shapes]
            if child == OWN:
                bodies = [{} if body is None else body for body in bodies]
            self.bodies[child] = alternatives(bodies, reason)
        for name in dict.fromkeys(name for shape in shapes for name in shape.lists):
            self.lists[name] = Unknown(reason.reason)
        for shape in shapes:
            self.places = shape.places | self.places
            for child, origins in shape.origins.items():
                self.origins[child] = origins | self.origins.get(child, {})


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if type(value) is list else value


def overlay(body: Any, other: Any) -> Any:
    """A body with another laid over it: objects entry by entry, everything else replaced.

    An object laid over what is not known leaves it unknown: it says something of it, not all.
    """
    if isinstance(body, Unknown) and isinstance(other, dict):
        possible = tuple(overlay(one, other) for one in body.possible)
        return Unknown(body.reason, possible, body.permission, body.unseen)
    if not (isinstance(body, dict) and isinstance(other, dict)):
        return other
    result = dict(body)
    names = {name.casefold(): name for name in result} if other.keys() - result.keys() else EMPTY
    for name, value in other.items():
        key = name if name in result else names.get(name.casefold(), name)
        result[key] = overlay(result.get(key), value)
    return result


def alternatives(bodies: Iterable[Any], reason: Unknown) -> Any:
    """One body for several it can be: what they agree on, and an Unknown with all possible values where they do not.

    None stands for what is not written.
    """
    several = list(bodies)
    if all(isinstance(body, dict) for body in several):
        names = dict.fromkeys(name for body in several for name in body)
        return {name: alternatives([body.get(name) for body in several], reason) for name in names}
    return _one_of(several, reason)


def _one_of(values: Iterable[Any], reason: Unknown) -> Any:
    """A value that is one of several: the value itself where they are all the same."""
    # True, 1 and 1.0 are equal to Python and not to a rule.
    several = tuple({repr(value): value for value in values}.values())
    return several[0] if len(several) == 1 else Unknown(reason.reason, several, reason.permission, reason.unseen)


def blurred(bodies: list[Any], reason: Unknown) -> Any:
    """One body for many it can be: all that any of them says is unknown, and none of it listed."""
    if not all(isinstance(body, dict) for body in bodies):
        return reason
    names = dict.fromkeys(name for body in bodies for name in body)
    return {name: blurred([body[name] for body in bodies if name in body], reason) for name in names}


# ── compiling ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Maps:
    """The tables of all services, each compiled when an instance of its type and major first asks for it."""

    def __init__(self, maps: Iterable[ResourceMap]) -> None:
        """Take the tables; of several for one type the last stands."""
        self.by_type: dict[str, ResourceMap] = {one.type: one for one in maps}
        self._compiled: dict[tuple[str, int | None, bool], _Block] = {}

    def shape(self, instance: Instance, resolve: Resolve, *, mark: bool = False) -> Shape:
        """What an instance says. `resolve` answers references; with `mark` every value has an origin."""
        major = instance.provider.major
        return _Run(instance, resolve, mark=mark).all(self._block(instance.type, major, instance.complete))

    def _block(self, kind: str, major: int | None, complete: bool) -> _Block:
        key = (kind, major, complete)
        block = self._compiled.get(key)
        if block is None:
            block = self._compiled[key] = _Block()
            for row in self.by_type[kind].rows:
                _place(block, row, row.names, row.arm, _absent(row, major, complete))
        return block

    def ignored(self, instance: Instance) -> tuple[str, ...]:
        """The attributes that are set and that the table knows nothing of, as paths (`blob_properties.cors_rule`)."""
        known = self.by_type.get(instance.type)
        if known is None:
            return ()
        block = self._block(instance.type, instance.provider.major, instance.complete)
        named = {*known.ignored, *known.owner.split(), "id", "name", "resource_group_name", "timeouts"}
        named |= {part.partition("}")[0] for part in known.id.split("{")[1:]}
        starts = tuple(name[:-1] for name in known.ignored if name.endswith("*"))
        found = _unread(block, instance.values, "")
        return tuple(path for path in dict.fromkeys(found) if path not in named and not path.startswith(starts))


def _place(block: _Block, row: Row, names: tuple[str, ...], arm: str, absent: Any) -> None:
    """Put a row where its attribute stands; `names` and `arm` are what is left of them inside `block`."""
    first = names[0] if names else ""
    head, many, _ = first.partition("[*].")
    *steps, last = head.split(".")
    for step in steps:
        block = block.blocks.setdefault(step, _Block())
    if not many:
        others = tuple(map(_relative, names[1:]))
        formerly = tuple((_relative(name), conversion) for name, conversion in row.formerly)
        by_default = absent is not None and not row.conversion.unset
        block.leaves.append(_Leaf(last, others, formerly, row.conversion, absent, by_default, _target(arm)))
        return
    place, _, inside = arm.partition("[*]")
    collection = inside.startswith(":")
    if last not in block.lists:
        target = _Target(place) if collection else _target(place)
        block.lists[last] = _List(target, _Block(), collection)
    left = tuple(name[len(head) + len(many) :] for name in names)
    _place(block.lists[last].inside, row, left, inside[1:], absent)


def _relative(name: str) -> str:
    return name.rpartition(".")[2]


def _target(arm: str) -> _Target:
    child, colon, path = arm.rpartition(":")
    *above, last = (_First(step[:-3]) if step.endswith("[0]") else step for step in path.split("."))
    return _Target(child if colon else OWN, tuple(above), last, path.casefold())


def _absent(row: Row, major: int | None, complete: bool) -> Any:
    """What ARM gets for an unset attribute whose block is there; None for nothing.

    A plan and a state hold the provider's defaults already.
    """
    default, send = row.default, row.conversion.forward
    if not row.conversion.unset and (default is None or complete):
        return None
    if major is not None and major not in MAJORS:
        return Unknown(f"what azurerm {major} sends by default is not known")
    if row.conversion.unset:
        return send(None)
    if not isinstance(default, ByMajor):
        return send(default)
    values = {one: None if value is None else send(value) for one, value in default.values.items()}
    if major is not None:
        return values[major]
    return _one_of(values.values(), Unknown("the provider's default differs by its major version, which is not told"))


def _unread(block: _Block, holder: Any, prefix: str) -> Iterator[str]:
    """Paths of attributes that are set and that no row reads."""
    if not isinstance(holder, Mapping):
        return
    names = {n for leaf in block.leaves for n in (leaf.name, *leaf.others, *(old for old, _ in leaf.formerly))}
    for key, value in holder.items():
        if value in (None, "", [], {}):
            continue
        if key in block.blocks:
            for element in value if isinstance(value, list) else [value]:
                yield from _unread(block.blocks[key], element, f"{prefix}{key}.")
        elif key in block.lists:
            for element in value if isinstance(value, list) else ():
                yield from _unread(block.lists[key].inside, element, f"{prefix}{key}[*].")
        elif key not in names:
            yield prefix + key


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def plain(unknown: Unknown) -> Unknown:
    """An Unknown as bodies hold it: what it refers to matters no more."""
    if type(unknown) is Unknown:
        return unknown
    return Unknown(unknown.reason, unknown.possible, unknown.permission, unknown.unseen)


_SCALARS: Final = frozenset({str, bool, int, float})


def _is_unset(value: Any) -> bool:
    # The providers keep an empty text for what is not set.
    return value is None or value == ""


class _Run:
    """One instance on its way through its compiled table."""

    def __init__(self, instance: Instance, resolve: Resolve, *, mark: bool) -> None:
        self.instance = instance
        self.origins = instance.origins
        self.mark = mark or bool(instance.origins)
        self.resolve = resolve
        major = instance.provider.major
        self.by_default = f"{instance.provider.name} {major} default" if major else f"{instance.provider.name} default"

    def all(self, block: _Block) -> Shape:
        """Run the whole table."""
        shape = Shape()
        self.block(block, self.instance.values, "", self.instance.origin, shape)
        return shape

    def block(self, block: _Block, holder: Mapping[str, Any], place: str, here: Origin, shape: Shape) -> None:
        """What is written in one block; `place` is its path with a final dot, `here` where it stands."""
        for leaf in block.leaves:
            value = holder.get(leaf.name)
            if type(value) in _SCALARS and value != "" and not leaf.others:
                # Nearly every attribute: one plain value.
                self.write(leaf.target, self.sent(leaf.conversion, value, leaf.name), place + leaf.name, here, shape)
            else:
                self.leaf(leaf, value, holder, place, here, shape)
        for name, inside in block.blocks.items():
            value = holder.get(name)
            if value is not None and value != []:
                self.enter(inside, value, place + name, here, shape)
        for name, many in block.lists.items():
            value = holder.get(name)
            if value is not None and value != []:
                self.many(many, value, place + name, here, shape)

    def leaf(self, leaf: _Leaf, value: Any, holder: Mapping[str, Any], place: str, here: Origin, shape: Shape) -> None:
        """An attribute that is unset, unknown, a block or a list; or several that make one value."""
        name, others, formerly, conversion, absent, by_default, target = leaf
        if others:
            value = self.several([value, *map(holder.get, others)])
        elif formerly and (name not in holder or _is_unset(value)):
            for old, converted in formerly:
                if old in holder and not _is_unset(holder[old]):
                    name, value, conversion = old, holder[old], converted
                    break
        if isinstance(value, Reference):
            value = self.resolve(value)
        if not _is_unset(value):
            self.write(target, self.converted(conversion, value, name, absent), place + name, here, shape)
            return
        self.write(target, absent, place + name, here, shape)
        if by_default:
            shape.origins.setdefault(target.child, {})[target.key] = here._replace(expression=self.by_default)

    def write(self, target: _Target, value: Any, place: str, here: Origin, shape: Shape) -> None:
        """Put a value where it belongs, with its origin."""
        if value is None:
            return
        shape.put(target, value, here)
        if self.mark:
            shape.origins.setdefault(target.child, {})[target.key] = self.origins.get(place, here)

    def several(self, values: list[Any]) -> Any:
        """The values of several attributes as one tuple; None where all are unset, an Unknown where one is."""
        known = [self.resolve(value) if isinstance(value, Reference) else value for value in values]
        if all(map(_is_unset, known)):
            return None
        unknown = next((value for value in known if isinstance(value, Unknown)), None)
        if unknown is None:
            return tuple(None if _is_unset(value) else value for value in known)
        choices = [value.possible if isinstance(value, Unknown) else (value,) for value in known]
        possible = tuple(itertools.islice(itertools.product(*choices), MAX_ALTERNATIVES + 1))
        return Unknown(unknown.reason, possible if len(possible) <= MAX_ALTERNATIVES else ())

    def converted(self, conversion: Conversion, value: Any, name: str, absent: Any, depth: int = 0) -> Any:
        """ARM's value; of one that is one of several, all it can be. `absent` is what it is where it is unset."""
        if _is_unset(value):
            return absent
        if isinstance(value, tuple) and any(isinstance(one, Unknown) for one in value):
            value = next(one for one in value if isinstance(one, Unknown))
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Unknown) and conversion.unset:
            # A block of which it is not known whether, or how often, it stands.
            return Unknown(value[0].reason)
        if isinstance(value, Unknown):
            if not value.possible or depth > MAX_DEPTH or len(value.possible) > MAX_ALTERNATIVES:
                return Unknown(value.reason, (), value.permission, value.unseen)
            each = [self.converted(conversion, one, name, absent, depth + 1) for one in value.possible]
            return _one_of(each, value)
        return self.sent(conversion, value, name)

    @staticmethod
    def sent(conversion: Conversion, value: Any, name: str) -> Any:
        """What the provider sends for a value that is known."""
        try:
            return conversion.forward(value)
        except _MISTAKES:
            inside = next((one for one in value if isinstance(one, Unknown)), None) if type(value) is list else None
            return plain(inside) if inside is not None else Unknown(f"{name} has a value that no provider takes")

    def enter(self, block: _Block, value: Any, place: str, here: Origin, shape: Shape, depth: int = 0) -> None:
        """A block that may stand once."""
        if isinstance(value, Reference):
            value = self.resolve(value)
        if isinstance(value, list):
            place = f"{place}[0]"
            value = value[0] if value else None
            value = EMPTY if value is None else value
        if isinstance(value, Mapping):
            self.block(block, value, f"{place}.", self.origins.get(place, here), shape)
        elif isinstance(value, Unknown):
            here = self.origins.get(place, here)
            if not value.possible or depth > MAX_DEPTH or len(value.possible) > MAX_ALTERNATIVES:
                self.unknown(block, plain(value), here, shape)
                return
            shapes = [shape.copy() for _ in value.possible]
            for one, possible in zip(shapes, value.possible, strict=True):
                if possible is not None and possible != []:
                    self.enter(block, possible, place, here, one, depth + 1)
            shape.become(shapes, value)
        elif value is not None:
            self.unknown(block, Unknown(f"{place} is no block"), here, shape)

    def unknown(self, block: _Block, unknown: Unknown, here: Origin, shape: Shape) -> None:
        """Nothing of a block is known: not what it says, nor whether it is there."""
        reason = Unknown(unknown.reason, (), unknown.permission, unknown.unseen)
        for target in block.targets():
            if not target.last:
                shape.lists[target.child] = reason
            elif target.child and type(shape.bodies.get(target.child)) is not dict:
                # Nothing has been written to the child yet: whether it is there is not known either.
                shape.bodies[target.child] = reason
            else:
                shape.put(target, reason, here)
            shape.places.setdefault(target.child, here)
            if self.mark:
                shape.origins.setdefault(target.child, {})[target.key] = here

    def many(self, many: _List, value: Any, place: str, here: Origin, shape: Shape) -> None:
        """A block that may stand many times."""
        if isinstance(value, Reference):
            value = self.resolve(value)
        if isinstance(value, Mapping):
            value = [value]
        target = many.target
        if many.collection:
            shape.lists[target.child] = self.children(many, value, place, here)
            return
        found = self.elements(many, value, place, here, shape.origins.setdefault(target.child, {}))
        shape.put(target, found, here)

    def elements(self, many: _List, value: Any, place: str, here: Origin, origins: dict[str, Origin]) -> Any:
        """The elements of a list, or an Unknown in the place of the list."""
        if isinstance(value, Unknown):
            if not value.possible or len(value.possible) > MAX_ALTERNATIVES:
                return Unknown(value.reason, (), value.permission, value.unseen)
            each = [self.elements(many, one, place, here, {}) if one else one for one in value.possible]
            return Unknown(value.reason, tuple(each), value.permission, value.unseen)
        if not isinstance(value, list):
            return Unknown(f"{place} is no block")
        found: list[Any] = []
        for index, one in enumerate(value):
            element = self.element(many, one, f"{place}[{index}]", here)
            found.append(element if isinstance(element, Unknown) else element.bodies.get(OWN, {}))
            if isinstance(element, Unknown) or not element.origins:
                continue
            key = f"{many.target.key}[{index}]"
            origins[key] = self.origins.get(f"{place}[{index}]", here)
            origins.update((f"{key}.{path}", origin) for path, origin in element.origins.get(OWN, EMPTY).items())
        return found

    def children(self, many: _List, value: Any, place: str, here: Origin) -> list[Shape] | Unknown:
        """The children that a block makes, or why they are not known."""
        if isinstance(value, Unknown):
            return Unknown(value.reason, (), value.permission, value.unseen)
        if not isinstance(value, list):
            return Unknown(f"{place} is no block")
        found: list[Shape] = []
        for index, one in enumerate(value):
            element = self.element(many, one, f"{place}[{index}]", here)
            if isinstance(element, Unknown):
                return element
            found.append(element)
        return found

    def element(self, many: _List, value: Any, place: str, here: Origin) -> Shape | Unknown:
        """One element of a block that may stand many times."""
        if isinstance(value, Unknown):
            return Unknown(value.reason, (), value.permission, value.unseen)
        if not isinstance(value, Mapping):
            return Unknown(f"{place} is no block")
        shape = Shape()
        shape.places[OWN] = here = self.origins.get(place, here)
        self.block(many.inside, value, f"{place}.", here, shape)
        return shape

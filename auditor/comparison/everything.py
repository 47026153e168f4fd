"""All properties of two sides of a store that no rule reads, without those that services fill in themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from auditor.comparison.items import Filled, Found, Sighted, between, identity, key_of, one_sided, pair_items
from auditor.comparison.orders import Aspect
from auditor.comparison.views import Seen, told
from auditor.model import Resource, Unknown
from auditor.reading import ABSENT, dotted
from auditor.rules import Accessor

MAX_DEPTH: Final = 24
"""How deep properties are told of one by one; what is deeper is compared as a whole."""

_Path = tuple[str, ...]


class Everything:
    """Compares what is left once the rules' own settings have been."""

    def __init__(self, filled: Filled) -> None:
        """Leave out what services fill in."""
        self.filled = filled

    def compare(
        self, left: Sighted, right: Sighted, read: Mapping[Accessor, Aspect], found: Iterable[Found]
    ) -> Iterator[Found]:
        """The differences in the stores' own bodies, then in their children's; `found` is what was told already."""
        told_of = [one.path for one in found]
        yield from _Walk(self.filled, left, right, left.store, right.store, "", read, told_of).compare()
        before, after = _children(left.store), _children(right.store)
        for name in sorted(before.keys() | after.keys()):
            one, other = before.get(name), after.get(name)
            if one is not None and other is not None:
                below = one.id[len(left.store.id) + 1 :]
                yield from _Walk(self.filled, left, right, one, other, below, read, told_of).compare()
            elif not _counted(name, read):
                yield from self._alone(one, other, left, right)

    @staticmethod
    def _alone(one: Resource | None, other: Resource | None, left: Sighted, right: Sighted) -> Iterator[Found]:
        """A child that only one side has, or only one was asked for."""
        own = one or other
        assert own is not None
        holder, lacking = (left.store, right.store) if one is not None else (right.store, left.store)
        path = own.id[len(holder.id) + 1 :]
        listing = next((c for c in lacking.children if c.type == own.type and c.name == "*"), None)
        doubt = Unknown(f"{path} was not read", unseen=True) if listing is None else listing.body
        if own.body is None:
            return
        found = one_sided(path, True, own.origin, gone=one is not None)
        yield found if not isinstance(doubt, Unknown) else found.untold(doubt)


def _children(store: Resource) -> dict[str, Resource]:
    """The children by their casefolded path below the store, without the marks that end listings."""
    return {one.id[len(store.id) + 1 :].casefold(): one for one in store.children if one.name != "*"}


def _counted(name: str, read: Mapping[Accessor, Aspect]) -> bool:
    """Whether a child is an item of a collection that the rules count, and is told of there."""
    kind = "/".join(name.split("/")[:-1])
    return any(one.root == "child" and str(one.child).casefold() == kind and read[one].counts for one in read)


class _Walk:
    """Two bodies side by side, property by property."""

    def __init__(
        self,
        filled: Filled,
        left: Sighted,
        right: Sighted,
        one: Resource,
        other: Resource,
        child: str,
        read: Mapping[Accessor, Aspect],
        told_of: Iterable[str],
    ) -> None:
        self.filled = filled
        self.left = left
        self.right = right
        self.one = one
        self.other = other
        self.label = f"{child}:" if child else ""
        self.told_of = told_of
        self.known = set(_known(child.casefold(), read))

    def compare(self) -> Iterator[Found]:
        """The differences, deepest properties first named."""
        bodies = self.one.body, self.other.body
        if any(isinstance(body, Unknown) for body in bodies):
            before, after = self._seen((), self.one, bodies[0]), self._seen((), self.other, bodies[1])
            yield from between(self.label.removesuffix(":") or "properties", before, after)
            return
        yield from self._walk((), (), bodies[0] or {}, bodies[1] or {})

    def _walk(self, path: _Path, shown: _Path, one: Any, other: Any) -> Iterator[Found]:
        """The differences below a path, where the items of lists go by name in `shown`, and by `[*]` in `path`."""
        if path and (self.filled.why(self.one.type, path) or dotted(path).casefold() in self.known):
            return
        if len(path) < MAX_DEPTH:
            if _is(Mapping, one, other):
                yield from self._objects(path, shown, one, other)
                return
            if _is(list, one, other):
                yield from self._lists(path, shown, one, other)
                return
        seen = self._seen(path, self.one, one), self._seen(path, self.other, other)
        yield from between(self.label + dotted(shown), *seen, (), path)

    def _objects(self, path: _Path, shown: _Path, one: Any, other: Any) -> Iterator[Found]:
        left, right = _named(one), _named(other)
        for key in dict.fromkeys((*left, *right)):
            name, value = left.get(key) or (right[key][0], ABSENT)
            yield from self._walk((*path, name), (*shown, name), value, right.get(key, (name, ABSENT))[1])

    def _lists(self, path: _Path, shown: _Path, one: Any, other: Any) -> Iterator[Found]:
        left, right = ([] if side is ABSENT else list(side) for side in (one, other))
        names = [key_of(item) for item in left], [key_of(item) for item in right]
        contents = [repr(item) for item in left], [repr(item) for item in right]
        pairs, gone, new = pair_items(left, right, names, contents)
        for before, after in pairs:
            yield from self._walk((*path, "[*]"), _within(shown, identity(before)), before, after)
        if any(told_path.startswith(f"{self.label}{dotted(shown)}[") for told_path in self.told_of):
            return  # the rules count these items, and which of them one side alone has is told
        for items, side in ((gone, 0), (new, 1)):
            for item in items:
                yield self._alone(_within(shown, identity(item)), item, side)

    def _alone(self, shown: _Path, item: Any, side: int) -> Found:
        origin = (self.one, self.other)[side].origin
        found = one_sided(self.label + dotted(shown), told(item), origin, gone=side == 0)
        return found.untold(item) if isinstance(item, Unknown) else found

    def _seen(self, path: _Path, owner: Resource, value: Any) -> Seen:
        view = self.left.view if owner is self.one else self.right.view
        return view.value(owner, path, ABSENT if value is None else value)


def _known(child: str, read: Mapping[Accessor, Aspect]) -> Iterator[str]:
    """The casefolded paths in a body, the store's or that of a child below it, that the rules look at."""
    collection = child.rpartition("/")[0]
    for accessor, aspect in read.items():
        if (accessor.child or "").casefold() == child and not aspect.collection:
            yield dotted(accessor.path).casefold()
        elif (accessor.child or "").casefold() == child:
            yield from (dotted((*accessor.path, *path)).casefold() for path in aspect.inner)
        elif accessor.root == "child" and str(accessor.child).casefold() == collection:
            yield from (dotted(path).casefold() for path in aspect.inner)


def _is(kind: type, *values: Any) -> bool:
    """Whether values are all of a kind, or left out, and not all left out."""
    return any(isinstance(value, kind) for value in values) and all(
        isinstance(value, kind) or value is ABSENT or value is None for value in values
    )


def _named(holder: Any) -> dict[str, tuple[str, Any]]:
    if not isinstance(holder, Mapping):
        return {}
    return {str(key).casefold(): (str(key), ABSENT if value is None else value) for key, value in holder.items()}


def _within(shown: _Path, called: str) -> _Path:
    """The path of an item inside a list, by what it goes by."""
    return (*shown[:-1], f"{shown[-1]}[{called}]") if called else (*shown, "[*]")

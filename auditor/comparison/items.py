"""The items of one collection on two sides: regions, replicas, locks, lifecycle rules. Paired, compared, told of."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from auditor.catalog import Catalog
from auditor.comparison.orders import REQUIRE, WHEN, Aspect, Counted, Use, agreed
from auditor.comparison.views import Seen, View, Weighed, is_region, told, weigh
from auditor.delta import Drift
from auditor.engine import Truth, written_at
from auditor.model import Origin, Resource, Unknown
from auditor.reading import Item, dotted, look_up, types_of

IDENTITIES: Final = ("name", "locationName", "datastoreType", "objectId", "id", "value")
"""What an element of an array goes by: the first of these that it has."""

MAX_KNOWN: Final = 50_000
"""Paths whose being filled in is remembered; those of hostile bodies have no end."""

_T = TypeVar("_T")


class Found(NamedTuple):
    """A difference on a store, before it is told of whom. `unseen` says that one side can never show the setting."""

    path: str
    reference: Any
    current: Any
    drift: Drift
    rules: tuple[str, ...] = ()
    reason: str = ""
    unseen: bool = False
    reference_origin: Origin | None = None
    origin: Origin | None = None

    def untold(self, doubt: Unknown) -> Found:
        """The same difference, of which it cannot be told whether it is one."""
        return self._replace(drift=Drift.UNKNOWN, reason=doubt.reason, unseen=doubt.unseen)


def one_sided(path: str, value: Any, origin: Origin | None, *, gone: bool) -> Found:
    """Something that is on one side only: the reference's where it is gone, the current one's where it is new."""
    if gone:
        return Found(path, value, None, Drift.DIFFERENT, reference_origin=origin)
    return Found(path, None, value, Drift.DIFFERENT, origin=origin)


class Sighted(NamedTuple):
    """A store with the view it is seen in."""

    view: View
    store: Resource


class Filled:
    """Which properties services fill in themselves, so that they are no settings."""

    def __init__(self, catalog: Catalog) -> None:
        """Index what the catalog knows, by type and casefolded path."""
        rows = (*catalog.filled, *(row for service in catalog.services for row in service.filled))
        self._reasons = {(row.type.casefold(), row.path.casefold()): row.reason for row in rows}
        self._known: dict[tuple[str, tuple[str, ...]], str] = {}

    def why(self, resource_type: str, path: tuple[str, ...]) -> str:
        """What the service writes at a path or above it; empty where it is a setting."""
        known = self._known.get((resource_type, path))
        if known is None:
            known = self._looked_up(resource_type, path)
            if len(self._known) < MAX_KNOWN:
                self._known[resource_type, path] = known
        return known

    def _looked_up(self, resource_type: str, path: tuple[str, ...]) -> str:
        kind = resource_type.casefold()
        places = [dotted(path[:end]).casefold() for end in range(1, len(path) + 1)]
        keys = ((owner, place) for place in places for owner in (kind, ""))
        return next((self._reasons[key] for key in keys if key in self._reasons), "")


def between(
    path: str, before: Seen, after: Seen, uses: Sequence[Use] = (), arm_path: tuple[str, ...] = ()
) -> Iterator[Found]:
    """The difference between two values of a setting, if there is one."""
    weighed = weigh(before, after, uses, region=is_region(arm_path))
    if weighed is not None:
        yield _found(path, before, after, weighed, _rules(uses))


def _found(path: str, before: Seen, after: Seen, weighed: Weighed, rules: tuple[str, ...]) -> Found:
    values = told(before.value), told(after.value)
    return Found(path, *values, weighed.drift, rules, weighed.reason, weighed.unseen, before.origin, after.origin)


def _rules(uses: Iterable[Use]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(use.rule for use in uses))


# ── pairing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def identity(value: Any) -> str:
    """What an item goes by: a child's name, or the first property of an element that names it; may be empty."""
    if isinstance(value, Resource):
        return value.name
    found = (look_up(value, (key,)) for key in IDENTITIES) if isinstance(value, Mapping) else (value,)
    return next((one for one in found if isinstance(one, str)), "")


def key_of(value: Any) -> str:
    """What an item is paired by: its identity without case and, because regions are spelled both ways, blanks."""
    called = identity(value).casefold()
    return called.replace(" ", "") if isinstance(value, Mapping) else called


def pair_items(
    left: Sequence[_T], right: Sequence[_T], *keys: tuple[Sequence[Hashable], Sequence[Hashable]]
) -> tuple[list[tuple[_T, _T]], list[_T], list[_T]]:
    """Pairs of items that have the same key, the first kind of key first; then what only one side has.

    `keys` are one key an item, for both sides; an empty one is none. Where one item is left on each side, it is that
    one, changed.
    """
    pairs: list[tuple[int, int]] = []
    free, others = list(range(len(left))), list(range(len(right)))
    for left_keys, right_keys in keys:
        places: dict[Hashable, list[int]] = {}
        for number in others:
            places.setdefault(right_keys[number], []).append(number)
        for number in list(free):
            found = places.get(left_keys[number]) if left_keys[number] else None
            if found:
                pairs.append((number, found.pop(0)))
                free.remove(number)
        others = [number for number in others if number not in {right for _, right in pairs}]
    if len(free) == len(others) == 1:
        pairs.append((free.pop(), others.pop()))
    paired = [(left[one], right[other]) for one, other in sorted(pairs)]
    return paired, [left[number] for number in free], [right[number] for number in others]


# ── one collection ───────────────────────────────────────────────────────────────────────────────────────────────────


class Items:
    """A collection that rules look at, on both sides of one store; `active` are the rules that apply on both."""

    def __init__(self, filled: Filled, aspect: Aspect, left: Sighted, right: Sighted, active: set[str]) -> None:
        """Sort what the rules look at in an item into settings, and what the service fills in."""
        self.accessor = aspect.accessor
        self.left = left
        self.right = right
        self.counts = [one for one in aspect.counts if one.part == REQUIRE and one.compiled.rule.id in active]
        read = {
            path: uses
            for path, every in aspect.inner.items()
            if (uses := [use for use in every if use.part == WHEN or use.rule in active])
        }
        counting = [one.compiled.rule.id for one in self.counts]
        reading = _rules(use for uses in read.values() for use in uses)
        # Where only a `when` counts the items, which ones there are is no setting.
        settled = [one.compiled.rule.id for one in aspect.counts] if counting or reading else []
        self.rules = tuple(dict.fromkeys((*counting, *reading, *settled)))
        self.filled_in = [path for path in read if any(filled.why(kind, at) for kind, at in self._places(path))]
        self.settings = {path: uses for path, uses in read.items() if path not in self.filled_in}

    def compare(self) -> Iterator[Found]:
        """The differences between the items of both sides."""
        if not self.rules:
            return
        before, missing_before = self.left.view.reader.items(self.accessor, self.left.store)
        after, missing_after = self.right.view.reader.items(self.accessor, self.right.store)
        pairs, gone, new = pair_items(
            before,
            after,
            ([key_of(item.value) for item in before], [key_of(item.value) for item in after]),
            (self._contents(before, self.left), self._contents(after, self.right)),
        )
        for one, other in pairs:
            yield from self._both(one, other)
        yield from (self._single(one, self.left, missing_after, gone=True) for one in gone)
        yield from (self._single(one, self.right, missing_before, gone=False) for one in new)
        if not gone and not new:
            yield from self._incomplete(missing_before, missing_after)

    def _incomplete(self, before: Unknown | None, after: Unknown | None) -> Iterator[Found]:
        """That there may be more items than were read, unless what the rules ask of them is known all the same."""
        if self.counts and all(
            self._decided(counted, side) for counted in self.counts for side in (self.left, self.right)
        ):
            return
        sides = [(side, one) for side, one in (("reference", before), ("current", after)) if one is not None]
        if sides:
            reason = "; ".join(f"{side}: {one.reason}" for side, one in sides)
            unseen = all(one.unseen for _, one in sides)
            yield self._told(self._name(), (None, None), Drift.UNKNOWN, reason, unseen)

    def _both(self, one: Item, other: Item) -> Iterator[Found]:
        label = self._name(one)
        found: list[Found] = []
        conditions = _condition(one), _condition(other)
        if conditions[0] != conditions[1]:
            found.append(self._told(label, (None, None), Drift.UNKNOWN, conditional(*conditions), False, one, other))
        for path, uses in self.settings.items():
            before, after = self._seen(path, one, self.left), self._seen(path, other, self.right)
            found += between(self._inside(label, path), before, after, uses, path)
        yield from found or self._counted(label, one, other)

    def _counted(self, label: str, one: Item, other: Item) -> Iterator[Found]:
        """Where an item counts on one side only, for what the service itself says of it: whether a replica works."""
        seen = [
            (path, self._seen(path, one, self.left), self._seen(path, other, self.right)) for path in self.filled_in
        ]
        untold = any(isinstance(value.value, Unknown) for _, *values in seen for value in values)
        opinions: list[Drift | None] = []
        doubts: list[Unknown] = []
        for counted in self.counts:
            before, after = self._matches(counted, one, self.left), self._matches(counted, other, self.right)
            if before != after or untold:
                # One doubt on both sides, about a fact, says nothing of a difference between them.
                doubts += [truth for truth in (before, after) if isinstance(truth, Unknown)]
            if isinstance(before, bool) and isinstance(after, bool) and before is not after:
                opinions.append(Drift.STRONGER if after is counted.many else Drift.WEAKER)
        if not opinions and not doubts:
            return
        weighed = Weighed(agreed(opinions))
        if not opinions:
            weighed = Weighed(Drift.UNKNOWN, doubts[0].reason, all(doubt.unseen for doubt in doubts))
        told_of = [
            _found(self._inside(label, path), before, after, weighed, self.rules)
            for path, before, after in seen
            if told(before.value) != told(after.value)
        ]
        yield from told_of or [self._told(label, (None, None), *weighed, one, other)]

    def _single(self, item: Item, side: Sighted, missing: Unknown | None, *, gone: bool) -> Found:
        """An item that only one side has, or that only one is known to have."""
        found = one_sided(self._name(item), self._shown(item, side), _origin(item), gone=gone)
        found = found._replace(rules=self.rules)
        condition = _condition(item)
        if missing is not None or condition is not None:
            return found.untold(missing or Unknown(conditional(condition, None)))
        # Of what there should be many, one fewer is weaker whatever it was like; then of what there should be few.
        for many in (True, False):
            truths = [self._matches(one, item, side) for one in self.counts if one.many is many]
            doubt = next((truth for truth in truths if isinstance(truth, Unknown)), None)
            if doubt is not None:
                return found.untold(doubt)
            if True in truths:
                return found._replace(drift=Drift.WEAKER if many is gone else Drift.STRONGER)
        return found

    @staticmethod
    def _decided(counted: Counted, side: Sighted) -> bool:
        compiled = side.view.rules(side.store.type)[counted.compiled.rule.id]
        return isinstance(compiled.holds(counted.condition, side.store), bool)

    def _matches(self, counted: Counted, item: Item, side: Sighted) -> Truth:
        where = counted.condition.where
        compiled = side.view.rules(side.store.type)[counted.compiled.rule.id]
        return True if where is None else compiled.holds(where, side.store, item)

    def _seen(self, path: tuple[str, ...], item: Item, side: Sighted) -> Seen:
        return side.view.in_item(path, side.store, item)

    def _contents(self, items: Iterable[Item], side: Sighted) -> list[str]:
        """What items say where the rules look, for those that go by no name, or by another one."""
        return [repr([told(self._seen(path, item, side).value) for path in self.settings]) for item in items]

    def _shown(self, item: Item, side: Sighted) -> Any:
        values = {dotted(path): told(self._seen(path, item, side).value) for path in self.settings}
        return {path: value for path, value in values.items() if value is not None} or identity(item.value) or None

    def _told(
        self,
        path: str,
        values: tuple[Any, Any],
        drift: Drift,
        reason: str,
        unseen: bool,
        one: Item | None = None,
        other: Item | None = None,
    ) -> Found:
        return Found(path, *values, drift, self.rules, reason, unseen, _origin(one), _origin(other))

    def _places(self, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The types a path inside an item is read on, and the path there."""
        accessor, store_type = self.accessor, self.left.store.type
        if accessor.root == "related":
            kinds = [one for service in self.left.view.catalog.services for one in service.related]
            yield from ((name, path) for one in kinds if one.name == accessor.related for name in one.types)
        elif accessor.root == "child":
            yield f"{store_type}/{types_of(str(accessor.child))}", path
        else:
            yield owner_type(store_type, accessor.child), (*accessor.path, *path)

    def _name(self, item: Item | None = None) -> str:
        """The collection's name in a path, or one of its items'."""
        accessor = self.accessor
        called = "" if item is None else identity(item.value) or item.label.rpartition("[")[2].rstrip("]")
        if accessor.root in ("related", "child"):
            name = str(accessor.related or accessor.child)
            return f"{name}/{called}" if called else name
        place = (f"{accessor.child}:" if accessor.child else "") + dotted(accessor.path)
        return f"{place.removesuffix('[*]')}[{called}]" if called else place

    def _inside(self, label: str, path: tuple[str, ...]) -> str:
        joint = ":" if self.accessor.root in ("related", "child") else "."
        return f"{label}{joint}{dotted(path)}" if path else label


def owner_type(store_type: str, child: str | None) -> str:
    """The type of what carries a setting: the store, or a child of it."""
    return store_type if child is None else f"{store_type}/{types_of(child)}"


def conditional(reference: str | None, current: str | None) -> str:
    """Why it cannot be told whether something is there: the undecided conditions it is declared under."""
    sides = [(side, text) for side, text in (("reference", reference), ("current", current)) if text is not None]
    told_of = "; ".join(f"{side}: {text}" for side, text in sides)
    return f"it is declared under a condition that is not decided ({told_of})"


def _condition(item: Item) -> str | None:
    return item.value.condition if isinstance(item.value, Resource) else None


def _origin(item: Item | None) -> Origin | None:
    if item is None:
        return None
    return item.value.origin if isinstance(item.value, Resource) else written_at(item.owner, item.label)

"""One store as two sides have it: every setting the rules read, and the items of every collection they count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from auditor.comparison.everything import Everything
from auditor.comparison.items import Filled, Found, Items, Sighted, between, conditional, owner_type
from auditor.comparison.orders import WHEN, Aspect, aspects
from auditor.comparison.views import Seen, View, switches
from auditor.delta import Drift
from auditor.engine import CompiledRule
from auditor.model import Resource, Unknown
from auditor.reading import ABSENT
from auditor.rules import Accessor, AllOf, AnyOf, Condition, Count, Not, Test

MAX_SAME: Final = 4096
"""Pairs of values that are remembered not to differ."""


class StoreComparison:
    """Compares stores of two views; with `everything`, also what no rule reads."""

    def __init__(self, reference: View, current: View, *, everything: bool = False) -> None:
        """Take the rules of the reference for both; they are the same ones."""
        self.reference = reference
        self.current = current
        self.filled = Filled(reference.catalog)
        self.everything = Everything(self.filled) if everything else None
        # What a source carries beside a store is no setting of it: what a plan is about to do.
        self._carried = {name.casefold() for service in reference.catalog.services for name in service.carried}
        self._aspects: dict[str, Mapping[Accessor, Aspect]] = {}
        self._signers: dict[str, tuple[Callable[[Resource], Any], ...]] = {}
        self._same: set[tuple[Any, ...]] = set()
        self._active: dict[tuple[Any, ...], set[str]] = {}

    def aspects(self, resource_type: str) -> Mapping[Accessor, Aspect]:
        """What the rules for a type look at."""
        kind = resource_type.casefold()
        if kind not in self._aspects:
            found = aspects(self.reference.rules(kind).values())
            self._aspects[kind] = {
                accessor: aspect
                for accessor, aspect in found.items()
                if str(accessor.child).casefold() not in self._carried
            }
        return self._aspects[kind]

    def compare(self, reference: Resource, current: Resource) -> list[Found]:
        """The differences between two sides of one store, in the order the rules read its settings.

        Most stores of an estate are alike and have not drifted: those with the values of such a pair are known not to.
        """
        key = (*self._signed(reference, self.reference), *self._signed(current, self.current))
        if key in self._same and self.everything is None:
            return []
        left, right = Sighted(self.reference, reference), Sighted(self.current, current)
        active = self._active.get(key)
        if active is None:
            rules, others = self.reference.rules(reference.type), self.current.rules(reference.type)
            active = {name for name in rules if _applies(left, rules[name]) and _applies(right, others[name])}
            if len(self._active) < MAX_SAME:
                self._active[key] = active
        found = self._compare(left, right, active)
        if not found and len(self._same) < MAX_SAME:
            self._same.add(key)
        return found

    def _signed(self, store: Resource, view: View) -> tuple[Any, ...]:
        """All that a comparison can depend on."""
        side = "reference" if view is self.reference else "current"
        kind = f"{side} {store.type.casefold()}"
        signers = self._signers.get(kind)
        if signers is None:
            read = [one for rule in view.rules(store.type).values() for one in rule.accessors]
            accessors = dict.fromkeys((*read, *(switch for one in read for switch in _switches(one))))
            signers = self._signers[kind] = tuple(view.reader.signer(accessor) for accessor in accessors)
        fixed = (kind, store.region, store.api_version, store.deployed, store.condition)
        return (*fixed, *(sign(store) for sign in signers))

    def _compare(self, left: Sighted, right: Sighted, active: set[str]) -> list[Found]:
        kind = left.store.type
        rules, others = self.reference.rules(kind), self.current.rules(kind)
        read = self.aspects(kind)
        found = list(_existence(left.store, right.store))
        for aspect in read.values():
            if aspect.collection:
                found += Items(self.filled, aspect, left, right, active).compare()
            elif aspect.accessor.root != "child":
                found += self._setting(aspect, left, right, active)
        for aspect in read.values():
            if aspect.accessor.root == "child" and not aspect.collection:
                found += _presence(aspect, left, right, active, found)
        for name in rules:
            found += _applicability(left, right, rules[name], others[name], found)
        if self.everything is not None:
            found += self.everything.compare(left, right, read, found)
        return found

    def _setting(self, aspect: Aspect, left: Sighted, right: Sighted, active: set[str]) -> Iterator[Found]:
        uses = [use for use in aspect.uses if use.part == WHEN or use.rule in active]
        accessor = aspect.accessor
        if not uses or self.filled.why(owner_type(left.store.type, accessor.child), accessor.path):
            return
        before, path = left.view.setting(accessor, left.store)
        after, _ = right.view.setting(accessor, right.store)
        yield from between("location" if path == "region" else path, before, after, uses, accessor.path)


def _switches(accessor: Accessor) -> Iterator[Accessor]:
    """The switches that can take a setting's effect away."""
    if accessor.root == "field":
        for switch in switches(accessor.path):
            yield Accessor("field", switch, accessor.child)


def _existence(reference: Resource, current: Resource) -> Iterator[Found]:
    """Whether both sides deploy the store at all; under one and the same condition, they agree."""
    if reference.condition != current.condition:
        reason = conditional(reference.condition, current.condition)
        yield Found("id", None, None, Drift.UNKNOWN, (), reason, False, reference.origin, current.origin)


def _applies(side: Sighted, compiled: CompiledRule) -> bool:
    """Whether a rule may apply to a store. That a child is not there only leaves nothing in it to be judged."""
    conditions = (one.condition for one in compiled.when if not _asks_for_child(one.condition))
    return all(compiled.holds(condition, side.store) is not False for condition in conditions)


def _asks_for_child(condition: Condition) -> bool:
    return isinstance(condition, Test) and condition.accessor.root == "child"


def _presence(
    aspect: Aspect, left: Sighted, right: Sighted, active: set[str], found: Iterable[Found]
) -> Iterator[Found]:
    """Whether a child is there on one side only; told where nothing in it is told already."""
    label = f"{aspect.accessor.child}:"
    uses = [use for use in aspect.uses if use.rule in active]
    if not uses or any(one.path.startswith(label) for one in found):
        return
    before, _ = left.view.setting(aspect.accessor, left.store)
    after, _ = right.view.setting(aspect.accessor, right.store)
    yield from between(label.removesuffix(":"), _there(before), _there(after), uses)


def _there(seen: Seen) -> Seen:
    return seen if isinstance(seen.value, Unknown) else seen._replace(value=seen.value is not ABSENT)


def _applicability(
    left: Sighted, right: Sighted, compiled: CompiledRule, other: CompiledRule, found: Iterable[Found]
) -> Iterator[Found]:
    """Where a rule applies on one side only because of how many items there are: nothing else tells of these."""
    for one in compiled.when:
        counts = list(_counts(one.condition))
        place = _place(counts[0].items) if counts else ""
        if not counts or any(row.path.startswith(place.removesuffix("[*]")) for row in found):
            continue
        truths = compiled.holds(one.condition, left.store), other.holds(one.condition, right.store)
        if truths[0] == truths[1]:
            continue
        doubts = [truth for truth in truths if isinstance(truth, Unknown)]
        drift, reason = (Drift.UNKNOWN, doubts[0].reason) if doubts else (Drift.DIFFERENT, one.otherwise)
        unseen = bool(doubts) and all(doubt.unseen for doubt in doubts)
        before, after = (None if isinstance(truth, Unknown) else truth for truth in truths)
        yield Found(place, before, after, drift, (compiled.rule.id,), reason, unseen)


def _counts(condition: Condition) -> Iterator[Count]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _counts(part)
        case Not(part):
            yield from _counts(part)
        case Count():
            yield condition


def _place(items: Accessor) -> str:
    name = items.related or (items.child or "") + (":" if items.path and items.child else "")
    return name + ".".join(items.path).replace(".[*]", "[*]")

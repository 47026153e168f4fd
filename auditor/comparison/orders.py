"""Which of two values of a setting is the stronger one, as the conditions of the rules have it.

What a rule requires says which way is up: `equals: true` makes true stronger, `atLeast` makes more stronger, `atMost`
less, and inside a `not`, or inside a count of which there should be few, the other way round. So a rule says nothing
about drift, and a new one needs nothing else. A setting that only says where a rule applies, or that it only shows, has
no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from auditor import quantities
from auditor.delta import Drift
from auditor.engine import CompiledRule
from auditor.model import Unknown
from auditor.rules import ORDERED, Accessor, AllOf, AnyOf, Condition, Count, Not, Test

Order = Callable[[Any, Any], Drift | None]
"""From the reference's value to the current one's: weaker, stronger, different (incomparable), or None: no opinion."""

WHEN, REQUIRE, SHOW = "when", "require", "show"

_NOT_SETTINGS: Final = (("type",), ("id",), ("name",))
_REGION: Final = Accessor("field", ("region",))


class Use(NamedTuple):
    """One place where a rule reads a setting: the part of the rule, and how it orders the values there, if it does."""

    rule: str
    part: str
    order: Order | None = None


class Counted(NamedTuple):
    """A rule's count of a collection, in a part of the rule; `many` says that the more items match, the stronger."""

    compiled: CompiledRule
    condition: Count
    part: str
    many: bool


@dataclass(slots=True)
class Aspect:
    """One thing that rules look at: a setting, or a collection with what they look at in its items.

    `accessor` points at one value (no `[*]`), at a child, or at a collection: an array (its path ends in `[*]`), child
    resources, or related ones. `inner` maps paths inside an item to their uses.
    """

    accessor: Accessor
    uses: list[Use] = field(default_factory=list)
    inner: dict[tuple[str, ...], list[Use]] = field(default_factory=dict)
    counts: list[Counted] = field(default_factory=list)

    @property
    def collection(self) -> bool:
        """Whether it is a collection."""
        accessor = self.accessor
        listed = accessor.root == "child" and str(accessor.child).count("/") % 2 == 0
        return accessor.root == "related" or accessor.path[-1:] == ("[*]",) or listed


def aspects(rules: Iterable[CompiledRule]) -> dict[Accessor, Aspect]:
    """Everything the rules look at, in the order they do."""
    found = _Aspects()
    for compiled in rules:
        for applicability in compiled.when:
            found.condition(compiled, applicability.condition, WHEN, wanted=True)
        found.condition(compiled, compiled.rule.require, REQUIRE, wanted=True)
        for accessor in compiled.rule.show:
            found.use(accessor, Use(compiled.rule.id, SHOW))
    return found.by_accessor


class _Aspects:
    """Gathers aspects from conditions. `wanted` is what the rule asks of a condition: that it holds, or does not."""

    def __init__(self) -> None:
        self.by_accessor: dict[Accessor, Aspect] = {}

    def condition(self, compiled: CompiledRule, condition: Condition, part: str, *, wanted: bool) -> None:
        match condition:
            case AllOf(parts) | AnyOf(parts):
                for one in parts:
                    self.condition(compiled, one, part, wanted=wanted)
            case Not(one):
                self.condition(compiled, one, part, wanted=not wanted)
            case Count():
                self._count(compiled, condition, part, wanted)
            case Test():
                order = _order(compiled, condition, wanted) if part == REQUIRE else None
                self.use(condition.accessor, Use(compiled.rule.id, part, order))
                if isinstance(condition.operand, Accessor):
                    self.use(condition.operand, Use(compiled.rule.id, part))

    def use(self, accessor: Accessor, use: Use) -> None:
        """Note a use of what an accessor of the store points at; what a fact is about stands for the fact."""
        if accessor.root == "fact" and not accessor.path:
            if not str(accessor.fact).startswith("region."):
                return
            accessor = _REGION
        elif accessor.root in ("fact", "parent"):
            accessor = Accessor("field", accessor.path, accessor.child)
        if accessor.root == "field" and accessor.path in _NOT_SETTINGS:
            return
        if "[*]" in accessor.path:
            cut = accessor.path.index("[*]") + 1
            aspect = self._aspect(Accessor("field", accessor.path[:cut], accessor.child))
            aspect.inner.setdefault(accessor.path[cut:], []).append(use)
        else:
            self._aspect(accessor).uses.append(use)

    def _aspect(self, accessor: Accessor) -> Aspect:
        return self.by_accessor.setdefault(accessor, Aspect(accessor))

    def _count(self, compiled: CompiledRule, count: Count, part: str, wanted: bool) -> None:
        many = count.operator in ("atLeast", "moreThan") or (count.operator == "equals" and count.operand != 0)
        aspect = self._aspect(count.items)
        aspect.counts.append(Counted(compiled, count, part, many is wanted))
        if part != REQUIRE:
            # Which items there are matters where they are required; elsewhere only whether the count is met.
            return
        for test, asked in _tests(count.where, many is wanted):
            self._in_item(aspect, test.accessor, Use(compiled.rule.id, part, _order(compiled, test, asked)))
            if isinstance(test.operand, Accessor):
                self._in_item(aspect, test.operand, Use(compiled.rule.id, part))
        for accessor in count.show:
            self._in_item(aspect, accessor, Use(compiled.rule.id, SHOW))

    def _in_item(self, aspect: Aspect, accessor: Accessor, use: Use) -> None:
        if accessor.root == "parent" or (accessor.root == "fact" and not accessor.path):
            self.use(accessor, use)
        else:
            aspect.inner.setdefault(accessor.path, []).append(use)


def _tests(condition: Condition | None, wanted: bool = True) -> Iterator[tuple[Test, bool]]:
    """Every comparison in a condition, with whether it should hold."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _tests(part, wanted)
        case Not(part):
            yield from _tests(part, not wanted)
        case Count():
            yield from _tests(condition.where)
        case Test():
            yield condition, wanted


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _order(compiled: CompiledRule, test: Test, wanted: bool) -> Order | None:
    """How a test orders the values of what it looks at."""
    if test.operator in ORDERED:
        more_is_better = (test.operator in ("atLeast", "moreThan")) is wanted
        return _by_survival(more_is_better) if test.type == "redundancy" else _by_number(test, more_is_better)
    if isinstance(test.operand, Accessor) or (test.operator == "exists" and _guards(compiled, test)):
        return None
    return _by_meeting(compiled, test, wanted)


def _guards(compiled: CompiledRule, test: Test) -> bool:
    """Whether a test for presence only guards another test of the same setting."""
    others = _tests(compiled.rule.require)
    return any(other.accessor == test.accessor and other.operator != "exists" for other, _ in others)


def _by_meeting(compiled: CompiledRule, test: Test, wanted: bool) -> Order:
    """Words by their degree where they have one; otherwise what meets the test is on one side, and all else below."""

    def compare(reference: Any, current: Any) -> Drift | None:
        degrees = quantities.parse_degrees(reference, current)
        before, after = degrees or (compiled.meets(test, reference), compiled.meets(test, current))
        if before == after or isinstance(before, Unknown) or isinstance(after, Unknown):
            return None
        stronger = after > before if degrees else after is wanted
        return Drift.STRONGER if stronger else Drift.WEAKER

    return compare


def _by_number(test: Test, more_is_better: bool) -> Order:
    """Numbers, durations and tiers by their size."""

    def size(value: Any) -> float | None:
        number = quantities.parse_tier(value) if test.type == "tier" else quantities.as_number(value)
        # Nothing lasts a negative time; APIs say -1 for "off" or "never".
        return None if number is None or (test.unit and number < 0) else number

    def compare(reference: Any, current: Any) -> Drift | None:
        before, after = size(reference), size(current)
        if before is None or after is None or before == after:
            return None
        return Drift.STRONGER if (after > before) is more_is_better else Drift.WEAKER

    return compare


def _by_survival(more_is_better: bool) -> Order:
    """Redundancies by what they survive; of two that survive different things neither is the stronger."""

    def compare(reference: Any, current: Any) -> Drift | None:
        before, after = quantities.parse_redundancy(reference), quantities.parse_redundancy(current)
        if before is None or after is None or before == after:
            return None
        if not (before < after or after < before):
            return Drift.DIFFERENT
        return Drift.STRONGER if (before < after) is more_is_better else Drift.WEAKER

    return compare


def classify(reference: Any, current: Any, uses: Iterable[Use]) -> Drift:
    """The class of a difference between two known values, as the rules that read the setting agree on it.

    A rule that reads it in two senses (`type` is Continuous here, and is not there) has no opinion.
    """
    opinions: dict[str, set[Drift | None]] = {}
    for use in uses:
        if use.order is not None:
            opinions.setdefault(use.rule, set()).add(use.order(reference, current))
    return agreed(_one_opinion(found) for found in opinions.values())


def agreed(opinions: Iterable[Drift | None]) -> Drift:
    """What several opinions come to: weaker or stronger where none says the opposite, different otherwise."""
    return _one_opinion(set(opinions)) or Drift.DIFFERENT


def _one_opinion(found: set[Drift | None]) -> Drift | None:
    ways = found & {Drift.WEAKER, Drift.STRONGER}
    return ways.pop() if len(ways) == 1 else None

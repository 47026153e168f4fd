"""One side of a comparison: its stores, what it says of a setting, and what it may be hiding.

Two values are weighed here as well: whether they are the same, which one is stronger, or why that cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from auditor import services
from auditor.comparison.matching import NO_SUBSCRIPTION, same_id
from auditor.comparison.orders import Use, classify
from auditor.delta import Drift
from auditor.engine import CompiledRule, Engine, written_at
from auditor.model import Finding, Gap, Listing, Origin, Resource, Snapshot, Subject, Unknown, ancestors
from auditor.pipeline import Beside, Policy
from auditor.quantities import as_number
from auditor.reading import ABSENT, Defaulted, Estate, Item, Reader, Reading, look_up, shown
from auditor.rules import Accessor
from auditor.services.regions import normalise

MAX_WORLDS: Final = 64
"""Pairs of possible values that are weighed before a setting counts as undecided."""
REGION_NAMES: Final = ("region", "location", "locationname")
ENABLED: Final = "enabled"
LEFT_OUT: Final = "left out, and no default of the API is documented"


class _Inert:
    """The value of a setting that has no effect as long as others are as they are."""

    def __repr__(self) -> str:
        return "without effect"


INERT: Final = _Inert()


class Seen(NamedTuple):
    """A setting as one side has it: a value, ABSENT, an Unknown, or INERT.

    `note` says where a value comes from that nobody wrote. `told` is True where leaving it out means that it is not
    set, as in what a live deployment answers; elsewhere the API chooses then.
    """

    value: Any
    note: str = ""
    origin: Origin | None = None
    told: bool = False


class Weighed(NamedTuple):
    """A difference between two values. `unseen` says that one side can never show the setting."""

    drift: Drift
    reason: str = ""
    unseen: bool = False


# ── one side ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class View:
    """A collection under a policy, read the way the rules read it."""

    def __init__(self, collected: Snapshot, policy: Policy) -> None:
        """Go through the collection once, for all that is not a store."""
        self.collected = collected
        self.beside = Beside()
        self.beside.read(collected)
        self.catalog = services.catalog(self.beside.locations)
        estate = Estate(self.catalog, self.beside.related, self.beside.listings)
        self.reader = Reader(self.catalog, estate)
        self._engine = Engine(policy.rules, policy.baseline, self.catalog, estate)
        self._rules: dict[str, dict[str, CompiledRule]] = {}

    def stores(self) -> Iterable[Resource]:
        """The stores, one at a time; one that is about to be destroyed is none."""
        return (store for store in self.beside.stores(self.collected) if store.body is not None)

    def rules(self, resource_type: str) -> Mapping[str, CompiledRule]:
        """The rules for a type, by id."""
        kind = resource_type.casefold()
        if kind not in self._rules:
            self._rules[kind] = {compiled.rule.id: compiled for compiled in self._engine.rules_for(kind)}
        return self._rules[kind]

    def judge(self, store: Resource, subject: Subject) -> list[Finding]:
        """What the rules find on a store."""
        return self._engine.evaluate(store, subject)

    def setting(self, accessor: Accessor, store: Resource) -> tuple[Seen, str]:
        """A setting of a store or of its child, and its path."""
        reading = self.reader.test(accessor, store, None)[0]
        owner = reading.owner
        if owner is not None and isinstance(owner.body, Mapping) and self._inert(owner, accessor.path):
            return Seen(INERT), reading.path
        return self._seen(reading, store), reading.path

    def in_item(self, path: tuple[str, ...], store: Resource, item: Item) -> Seen:
        """A setting inside an item of a collection; of several (`[*]`), all values together."""
        holder = item.value.body if isinstance(item.value, Resource) else item.value
        if _switched_off(holder, path, first=0):
            return Seen(INERT)
        readings = self.reader.test(Accessor("field", path), store, item)
        if "[*]" not in path:
            return self._seen(readings[0], store)
        seen = [self._seen(reading, store) for reading in readings]
        doubt = next((one.value for one in seen if isinstance(one.value, Unknown)), None)
        values = sorted((one.value for one in seen), key=repr) if doubt is None else doubt
        return Seen(values, origin=seen[0].origin if seen else None, told=store.deployed)

    def value(self, owner: Resource, path: tuple[str, ...], value: Any) -> Seen:
        """What was found in a resource's body, the API's default where it is left out."""
        if value is ABSENT and "[*]" not in path:
            value = self.reader.default(owner, path, owner)
        return self._seen(Reading(value, "", owner, ".".join(path)), owner)

    def _seen(self, reading: Reading, store: Resource) -> Seen:
        value, note = reading.value, ""
        if isinstance(value, Defaulted):
            value, note = value.value, value.note
        owner = reading.owner or store
        origin = owner.origin if reading.owner is None else written_at(owner, reading.concrete)
        return Seen(value, note, origin, store.deployed)

    def _inert(self, owner: Resource, path: tuple[str, ...]) -> bool:
        """Whether a setting has no effect: it is another kind's, or the policy it belongs to is switched off."""
        if not self.reader.concerns(owner, path):
            return True
        return any(_off(self.reader.body(owner, switch)) for switch in switches(path))

    def hides(self, subject: Subject) -> str:
        """Why a store that is not among this side's may be there all the same; empty where it is not."""
        return why_hidden(subject, self.beside.listings, self.beside.gaps)


def why_hidden(subject: Subject, listings: Iterable[Listing], gaps: Iterable[Gap]) -> str:
    """What may hide a store from a collection that does not hold it; empty where nothing does."""
    scopes = list(ancestors(subject.id))
    kind = subject.type.casefold()
    for listing in listings:
        scope = listing.scope.casefold().rstrip("/")
        covers = not scope or scope in scopes or NO_SUBSCRIPTION in scopes[-1]
        if listing.missing is not None and covers and listing.type.casefold() == kind:
            return listing.missing.reason
    for gap in gaps:
        if _may_hide(gap.subject.casefold().rstrip("/"), scopes, kind):
            return f"{gap.subject}: {gap.reason}"
    return ""


def _may_hide(missing: str, scopes: Sequence[str], kind: str) -> bool:
    """Whether a store of a kind may be among what was not read: a file, a scope above it, a list of its kind."""
    if not missing.startswith(("/subscriptions", "/providers")):
        return True
    scope, provider, rest = missing.rpartition("/providers/")
    if not provider or missing in scopes:
        return missing in scopes or missing == "/subscriptions" or missing.startswith("/providers/")
    return rest == kind and (scope in scopes or not scope)


def switches(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Where the objects on the way to a setting say whether they are enabled; they come before any list on it."""
    for cut in range(2, path.index("[*]") if "[*]" in path else len(path)):
        if (*path[:cut], ENABLED) != path:
            yield (*path[:cut], ENABLED)


def _off(value: Any) -> bool:
    value = value.value if isinstance(value, Defaulted) else value
    return value is False or (isinstance(value, str) and value.casefold() == "false")


def _switched_off(holder: Any, path: tuple[str, ...], *, first: int) -> bool:
    """Whether an object on the way to a setting says that it is not enabled."""
    cuts = range(first, len(path))
    return any(path[cut:] != (ENABLED,) and _off(look_up(holder, (*path[:cut], ENABLED))) for cut in cuts)


# ── two values ───────────────────────────────────────────────────────────────────────────────────────────────────────


def weigh(reference: Seen, current: Seen, uses: Iterable[Use] = (), *, region: bool = False) -> Weighed | None:
    """How two values differ; None where they do not, or where the setting has no effect on one side.

    Where a setting has no effect, what takes it away is a setting too, and the difference is told there.
    """
    if reference.value is INERT or current.value is INERT:
        return None
    if reference.note and current.note and reference.value == current.value:
        # Left out on both sides: the same default applies, whichever it is.
        return None
    lefts, rights = _possible(reference.value), _possible(current.value)
    if lefts is None or rights is None or len(lefts) * len(rights) > MAX_WORLDS:
        return _doubt(reference, current)
    uses = tuple(uses)
    found = {_class(reference, left, current, right, uses, region) for left, right in product(lefts, rights)}
    if len(found) > 1:
        return _doubt(reference, current)
    drift = found.pop()
    if drift is Drift.UNKNOWN:
        return Weighed(drift, _sides(reference.value is ABSENT, LEFT_OUT), unseen=True)
    return None if drift is None else Weighed(drift, _notes(reference, current))


def _possible(value: Any) -> tuple[Any, ...] | None:
    """All that a value can be, itself when it is known; None where nobody can tell."""
    if isinstance(value, Defaulted):
        return _possible(value.value)
    if not isinstance(value, Unknown):
        return (ABSENT if value is None else value,)
    found = [_possible(one) for one in value.possible]
    return tuple(one for some in found for one in some or ()) if found and None not in found else None


def _class(reference: Seen, left: Any, current: Seen, right: Any, uses: Sequence[Use], region: bool) -> Drift | None:
    if left is ABSENT and right is ABSENT:
        return None
    for value, seen in ((left, reference), (right, current)):
        if value is ABSENT and not seen.told:
            # The API puts something there that only a deployment shows.
            return Drift.UNKNOWN
    return None if same(left, right, region=region) else classify(left, right, uses)


def _doubt(reference: Seen, current: Seen) -> Weighed:
    doubts = [(side, seen.value) for side, seen in (("reference", reference), ("current", current))]
    unknown = [(side, value) for side, value in doubts if isinstance(value, Unknown)]
    reasons = dict.fromkeys(value.reason for _, value in unknown)
    if len(reasons) == 1 and len(unknown) == 2:
        return Weighed(Drift.UNKNOWN, next(iter(reasons)), all(value.unseen for _, value in unknown))
    reason = "; ".join(f"{side}: {value.reason}" for side, value in unknown) or "too many values are possible"
    # A read that failed outweighs what a side could never have shown.
    return Weighed(Drift.UNKNOWN, reason, bool(unknown) and all(value.unseen for _, value in unknown))


def _sides(reference: bool, text: str) -> str:
    return f"{'reference' if reference else 'current'}: {text}"


def _notes(reference: Seen, current: Seen) -> str:
    notes = [_sides(seen is reference, seen.note) for seen in (reference, current) if seen.note]
    return "; ".join(notes)


def same(one: Any, other: Any, *, region: bool = False) -> bool:
    """Whether two known values mean the same to Resource Manager: without case, `"30"` as 30, an id with its scope.

    An empty object or list is as good as none.
    """
    if isinstance(one, str) and isinstance(other, str) and one[:15].casefold() == "/subscriptions/":
        return same_id(one, other)
    return bool(_plain(one, region) == _plain(other, region))


def _plain(value: Any, region: bool) -> Any:
    match value:
        case bool():
            return ("truth", value)
        case str():
            text = value.strip().casefold()
            if text in ("true", "false"):
                return ("truth", text == "true")
            number = as_number(text)
            return ("number", number) if number is not None else normalise(text) if region else text
        case int() | float():
            return ("number", float(value))
        case Mapping():
            named = {str(name).casefold(): _plain(one, region) for name, one in value.items()}
            return {name: one for name, one in named.items() if one is not None} or None
        case list() | tuple():
            return [_plain(one, region) for one in value] or None
    return None if value is ABSENT else value


def is_region(path: tuple[str, ...]) -> bool:
    """Whether a path leads to the name of a region, which compares without blanks."""
    return path[-1:] != () and path[-1].casefold() in REGION_NAMES


def told(value: Any) -> Any:
    """A value as a report shows it; of one that is one of several, all of them."""
    if isinstance(value, Unknown):
        return [shown(one) for one in value.possible] or None
    return None if value is INERT else shown(value)

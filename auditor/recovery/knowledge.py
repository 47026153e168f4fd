"""What gives data back: scenarios × mechanisms, read from `rules/recovery/<service>.yaml`, each figure with a source.

A mechanism says when it is there (a condition of the rules' language) and what it gives in each scenario it helps in.
Every figure is a `Quantity`: a constant somebody documented, a setting, or the statement that nobody documents one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor import quantities
from auditor.documents import Reader, read_documents
from auditor.model import RecoverySource
from auditor.rules import Accessor, Condition, Conditions, Vocabulary

SCENARIOS: Final[Mapping[str, str]] = {
    "item-loss": "An item is overwritten or deleted",
    "container-loss": "A container, share, database or secret is deleted",
    "store-loss": "The account, vault or store is deleted",
    "malicious-purge": "An insider deletes and purges",
    "late-corruption": "Corruption is found only after a time",
    "zone-outage": "A zone is down",
    "region-outage": "A region is down",
    "protection-attack": "The protections are switched off first, then the data",
    "subscription-loss": "The subscription or tenant is lost",
}
"""The scenarios of the report's contract, with their titles."""
ACTORS: Final = ("nobody", "self-service", "support", "microsoft")
"""Who has to act: nobody (it happens by itself), the owner, a support ticket, or Microsoft by its own decision."""


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Constant(NamedTuple):
    """A documented duration in seconds; None where nobody documents one, infinity for no limit. `note` qualifies it."""

    seconds: float | None
    note: str = ""


class SettingValue(NamedTuple):
    """A setting, API default included, in a unit of time, or a tier that holds its days in its name."""

    accessor: Accessor
    unit: str
    note: str = ""


class Elapsed(NamedTuple):
    """The time since a moment that the service itself reports, up to the collection; nothing for what files declare.

    `related` names the kind of related resource the moment stands on. Of several moments the one that is worse for the
    owner counts: the earliest where data is lost since then (`lost`), the latest where it can be had back to then.
    """

    accessor: Accessor
    related: str = ""
    where: Condition | None = None
    lost: bool = False
    note: str = ""


class LeastOfItems(NamedTuple):
    """The least value among the items of an array that meet a condition; nothing where there is none."""

    items: Accessor
    where: Condition | None
    value: Accessor
    unit: str
    note: str = ""


class Combined(NamedTuple):
    """The least or the most of several figures, or the first of them; those that say nothing are left out."""

    how: str
    parts: tuple[Quantity, ...]
    note: str = ""


Quantity = Constant | SettingValue | Elapsed | LeastOfItems | Combined


# ── mechanisms ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Gift(NamedTuple):
    """What a mechanism gives in a scenario, where `when` holds (None: always)."""

    when: Condition | None
    recoverable: str
    rpo: Quantity
    rto: Quantity
    lookback: Quantity
    actor: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]


class Enabling(NamedTuple):
    """A change of settings that brings a mechanism about: ARM paths and values, what it costs, what cannot be undone.

    `effort` orders changes from 1 (a switch) to 5 (a migration). `rule` names the rule whose remediation says how.
    """

    settings: Mapping[str, Any]
    rule: str
    cost: str
    caveat: str
    effort: int
    when: Condition | None = None


class Mechanism(NamedTuple):
    """One way in which data comes back."""

    id: str
    title: str
    service: str
    when: Condition
    preview: bool
    gives: Mapping[str, tuple[Gift, ...]]
    not_restored: tuple[str, ...]
    defeated_by: tuple[str, ...]
    enabling: tuple[Enabling, ...]
    prerequisites: tuple[str, ...]
    restore: Mapping[str, tuple[str, ...]]
    by_hand: tuple[str, ...]


class Without(NamedTuple):
    """What it means that nothing helps in a scenario."""

    text: str
    sources: tuple[str, ...] = ()


class Remark(NamedTuple):
    """What else is to be said of some scenarios, whichever mechanism helps; `when` is None where it always holds."""

    scenarios: tuple[str, ...]
    text: str
    when: Condition | None = None
    sources: tuple[str, ...] = ()


class CustomerKey(NamedTuple):
    """Where a store names the vault that holds the key its data is encrypted with, and when it has such a key."""

    vault: Accessor
    when: Condition


class Knowledge(NamedTuple):
    """What is known of one service's stores; `without` says per scenario what it means that no mechanism helps."""

    service: str
    applies_to: tuple[str, ...]
    mechanisms: tuple[Mechanism, ...]
    without: Mapping[str, Without]
    sources: Mapping[str, RecoverySource]
    remarks: tuple[Remark, ...] = ()
    customer_key: CustomerKey | None = None


class Library(Iterable[Knowledge]):
    """What is known of several services, each made out when a store of its is first asked about."""

    def __init__(self, shelves: Iterable[tuple[Collection[str], Callable[[], Knowledge]]]) -> None:
        """Take the types of stores, and what makes out what is known of them."""
        kept = [(kinds, functools.cache(read)) for kinds, read in shelves]
        self._shelves = [read for _, read in kept]
        self._about = {kind.casefold(): read for kinds, read in kept for kind in kinds}

    @classmethod
    def of(cls, known: Iterable[Knowledge]) -> Library:
        """What is known already."""
        return cls((one.applies_to, functools.partial(_itself, one)) for one in known)

    def about(self, kind: str) -> Knowledge | None:
        """What is known of stores of a type. Raises PolicyError for a file that is wrong."""
        read = self._about.get(kind.casefold())
        return read() if read is not None else None

    def __iter__(self) -> Iterator[Knowledge]:
        return (read() for read in self._shelves)


def _itself(one: Knowledge) -> Knowledge:
    return one


def open_knowledge(folder: Path, vocabulary: Vocabulary, rules: Collection[str] = ()) -> Library:
    """Every `<service>.yaml` of the folder. `rules` are the ids an `enable` may name.

    Raises PolicyError with file and line for a file that is none; what is wrong inside of one is said when it is read.
    """
    loaders = [
        _Loader(Reader(document), vocabulary, rules) for document in read_documents(sorted(folder.glob("*.yaml")))
    ]
    return Library((loader.texts("/applies_to"), loader.load) for loader in loaders)


def load_knowledge(folder: Path, vocabulary: Vocabulary, rules: Collection[str] = ()) -> tuple[Knowledge, ...]:
    """The same, all of it read at once. Raises PolicyError with file and line for the first thing that is wrong."""
    return tuple(open_knowledge(folder, vocabulary, rules))


_FIGURES: Final = ("field", "child", "fact", "of", "unit", "type", "note", "is", "undocumented", "unlimited", "since",
                   "least", "most", "first", "least_of")  # fmt: skip
PLACES: Final = ("name", "group", "region", "id")
"""What a restore command may leave open in braces, to be filled with the store's own."""
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_GIFT: Final = ("when", "recoverable", "rpo", "rto", "lookback", "actor", "notes", "sources")
_MECHANISM: Final = (
    "id", "title", "when", "preview", "gives", "not_restored", "defeated_by", "enable", "prerequisites", "restore",
    "by_hand",
)  # fmt: skip


class _Loader:
    """Reads one file."""

    def __init__(self, reader: Reader, vocabulary: Vocabulary, rules: Collection[str]) -> None:
        self.reader = reader
        self.rules = rules
        self.conditions = Conditions(reader, {}, vocabulary)
        self.vocabulary = vocabulary
        self.sources: dict[str, RecoverySource] = {}

    def load(self) -> Knowledge:
        reader = self.reader
        keys = ("service", "applies_to", "sources", "without", "mechanisms")
        body = reader.mapping("", (*keys, "remarks", "customer_key"), keys)
        service = reader.text("/service")
        applies = self.texts("/applies_to")
        known = {name.casefold() for name in self.vocabulary.types}
        for index, name in enumerate(applies):
            if known and name.casefold() not in known:
                reader.unknown(f"/applies_to/{index}", name, self.vocabulary.types, "resource type")
        for tag in reader.mapping("/sources", None):
            at = f"/sources/{tag}"
            reader.mapping(at, ("title", "url", "date"), ("title", "url"))
            parts = (reader.text(f"{at}/{key}", "") for key in ("title", "url", "date"))
            self.sources[tag] = RecoverySource(tag, *parts)
        without = {
            self.scenario("/without", name): self.without(f"/without/{name}")
            for name in reader.mapping("/without", None)
        }
        mechanisms = tuple(self.mechanism(f"/mechanisms/{i}", service) for i in range(reader.length("/mechanisms")))
        missing = [name for name in SCENARIOS if name not in without]
        if missing:
            reader.fail("/without", f"says nothing of {', '.join(missing)}")
        remarks = tuple(self.remark(f"/remarks/{i}") for i in range(reader.length("/remarks")))
        key = self.customer_key("/customer_key") if "customer_key" in body else None
        return Knowledge(service, applies, mechanisms, without, self.sources, remarks, key)

    def without(self, at: str) -> Without:
        """A sentence, or one with its sources."""
        if isinstance(self.reader.get(at), str):
            return Without(self.reader.text(at))
        self.reader.mapping(at, ("text", "sources"), ("text", "sources"))
        return Without(self.reader.text(f"{at}/text"), self.cited(f"{at}/sources"))

    def remark(self, at: str) -> Remark:
        body = self.reader.mapping(at, ("scenarios", "text", "when", "sources"), ("scenarios", "text", "sources"))
        names = self.texts(f"{at}/scenarios")
        scenarios = tuple(self.scenario(f"{at}/scenarios", name) for name in names)
        when = self.conditions.condition(f"{at}/when") if "when" in body else None
        return Remark(scenarios, self.reader.text(f"{at}/text"), when, self.cited(f"{at}/sources"))

    def customer_key(self, at: str) -> CustomerKey:
        self.reader.mapping(at, ("vault", "when"), ("vault", "when"))
        return CustomerKey(self.field(f"{at}/vault"), self.conditions.condition(f"{at}/when"))

    def cited(self, at: str) -> tuple[str, ...]:
        """Tags of sources, each of which the file has to name."""
        tags = self.texts(at)
        for index, tag in enumerate(tags):
            if tag not in self.sources:
                self.reader.unknown(f"{at}/{index}", tag, self.sources, "source")
        return tags

    def scenario(self, at: str, name: str) -> str:
        if name not in SCENARIOS:
            self.reader.unknown(f"{at}/{name}", name, SCENARIOS, "scenario")
        return name

    def texts(self, at: str) -> tuple[str, ...]:
        return tuple(self.reader.text(f"{at}/{index}") for index in range(self.reader.length(at)))

    def mechanism(self, at: str, service: str) -> Mechanism:
        reader = self.reader
        body = reader.mapping(at, _MECHANISM, ("id", "title", "when", "gives"))
        gives = {
            self.scenario(f"{at}/gives", name): self.gifts(f"{at}/gives/{name}")
            for name in reader.mapping(f"{at}/gives", None)
        }
        restore = {
            self.scenario(f"{at}/restore", name): self.commands(f"{at}/restore/{name}")
            for name in (reader.mapping(f"{at}/restore", None) if "restore" in body else ())
        }
        return Mechanism(
            id=reader.text(f"{at}/id"),
            title=reader.text(f"{at}/title"),
            service=service,
            when=self.conditions.condition(f"{at}/when"),
            preview=reader.get(f"{at}/preview") is True,
            gives=gives,
            not_restored=self.texts(f"{at}/not_restored"),
            defeated_by=self.texts(f"{at}/defeated_by"),
            enabling=tuple(self.enabling(f"{at}/enable/{i}") for i in range(reader.length(f"{at}/enable"))),
            prerequisites=self.texts(f"{at}/prerequisites"),
            restore=restore,
            by_hand=self.texts(f"{at}/by_hand"),
        )

    def commands(self, at: str) -> tuple[str, ...]:
        """Lines of a runbook; what they leave open in braces is known."""
        lines = self.texts(at)
        for index, line in enumerate(lines):
            for place in _PLACE.findall(line):
                if place not in PLACES:
                    self.reader.unknown(f"{at}/{index}", place, PLACES, "place")
        return lines

    def gifts(self, at: str) -> tuple[Gift, ...]:
        """One case, or a list of them; the first whose condition holds counts."""
        if isinstance(self.reader.get(at), list):
            return tuple(self.gift(f"{at}/{index}") for index in range(self.reader.length(at)))
        return (self.gift(at),)

    def gift(self, at: str) -> Gift:
        reader = self.reader
        body = reader.mapping(at, _GIFT, ("rpo", "rto", "lookback", "actor", "sources"))
        sources = self.cited(f"{at}/sources")
        if not sources:
            reader.fail(f"{at}/sources", "a figure without a source cannot be shown")
        return Gift(
            when=self.conditions.condition(f"{at}/when") if "when" in body else None,
            recoverable=reader.choice(f"{at}/recoverable", ("recoverable", "best-effort"), "recoverable").replace(
                "recoverable", "yes"
            ),
            rpo=self.quantity(f"{at}/rpo", lost=True),
            rto=self.quantity(f"{at}/rto", lost=True),
            lookback=self.quantity(f"{at}/lookback", lost=False),
            actor=reader.choice(f"{at}/actor", ACTORS),
            notes=self.texts(f"{at}/notes"),
            sources=sources,
        )

    def enabling(self, at: str) -> Enabling:
        reader = self.reader
        body = reader.mapping(at, ("set", "rule", "cost", "caveat", "effort", "when"), ("set", "cost", "effort"))
        rule = reader.text(f"{at}/rule", "")
        if rule and self.rules and rule not in self.rules:
            reader.unknown(f"{at}/rule", rule, self.rules, "rule")
        effort = reader.get(f"{at}/effort")
        if not isinstance(effort, int) or isinstance(effort, bool) or not 1 <= effort <= 5:
            reader.fail(f"{at}/effort", "expected a number from 1 (a switch) to 5 (a migration)")
        return Enabling(
            settings=dict(reader.mapping(f"{at}/set", None)),
            rule=rule,
            cost=reader.text(f"{at}/cost"),
            caveat=reader.text(f"{at}/caveat", ""),
            effort=effort,
            when=self.conditions.condition(f"{at}/when") if "when" in body else None,
        )

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def quantity(self, at: str, *, lost: bool) -> Quantity:
        """A figure; `lost` for one of which more is worse."""
        reader = self.reader
        if isinstance(reader.get(at), str):
            return Constant(self.duration(at))
        body = reader.mapping(at, _FIGURES)
        note = reader.text(f"{at}/note", "")
        for how in ("least", "most", "first"):
            if how in body:
                reader.mapping(at, (how, "note"))
                places = [f"{at}/{how}/{index}" for index in range(reader.length(f"{at}/{how}"))]
                return Combined(how, tuple(self.quantity(place, lost=lost) for place in places), note)
        if "is" in body:
            reader.mapping(at, ("is", "note"), ("note",))
            return Constant(self.duration(f"{at}/is"), note)
        for key, seconds in (("undocumented", None), ("unlimited", float("inf"))):
            if key in body:
                reader.mapping(at, (key,))
                return Constant(seconds, reader.text(f"{at}/{key}"))
        if "since" in body:
            reader.mapping(at, ("since", "note"))
            return self.since(f"{at}/since", note, lost=lost)
        if "least_of" in body:
            return self.least_of(f"{at}/least_of", note)
        accessor = self.conditions.accessor(
            at, {k: v for k, v in body.items() if k in ("field", "child", "fact", "of")}
        )
        return SettingValue(accessor, self.unit(at, body), note)

    def since(self, at: str, note: str, *, lost: bool) -> Elapsed:
        body = self.reader.mapping(at, ("field", "child", "related", "where"), ("field",))
        accessor = self.conditions.accessor(at, {k: v for k, v in body.items() if k in ("field", "child")})
        related = self.related(at) if "related" in body else ""
        where = self.conditions.condition(f"{at}/where", item=True) if "where" in body else None
        return Elapsed(accessor, related, where, lost, note)

    def related(self, at: str) -> str:
        name = self.reader.text(f"{at}/related")
        if self.vocabulary.related and name not in self.vocabulary.related:
            self.reader.unknown(f"{at}/related", name, self.vocabulary.related, "related resource")
        return name

    def least_of(self, at: str, note: str) -> LeastOfItems:
        reader = self.reader
        body = reader.mapping(at, ("field", "child", "where", "value", "unit"), ("field", "value", "unit"))
        items = self.conditions.accessor(at, {k: v for k, v in body.items() if k in ("field", "child")})
        if items.path[-1:] != ("[*]",):
            reader.fail(f"{at}/field", "the field must end in [*]")
        where = self.conditions.condition(f"{at}/where", item=True) if "where" in body else None
        return LeastOfItems(items, where, self.field(f"{at}/value"), self.unit(at, body), note)

    def field(self, at: str) -> Accessor:
        return self.conditions.accessor(at, self.reader.mapping(at, ("field",), ("field",)))

    def unit(self, at: str, body: Mapping[str, Any]) -> str:
        if "type" in body:
            return self.reader.choice(f"{at}/type", ("tier",))
        if "unit" not in body:
            self.reader.fail(at, f"a setting needs its unit, one of {', '.join(quantities.UNITS)}, or type: tier")
        return self.reader.choice(f"{at}/unit", tuple(quantities.UNITS))

    def duration(self, at: str) -> float:
        try:
            return quantities.parse_duration(self.reader.text(at))
        except ValueError as error:
            self.reader.fail(at, str(error))


def looked_at(knowledge: Knowledge) -> Iterator[tuple[Condition | None, tuple[Accessor, ...]]]:
    """Every condition, and every setting that gives a figure, of what is known of a service."""
    for remark in knowledge.remarks:
        yield remark.when, ()
    for mechanism in knowledge.mechanisms:
        yield mechanism.when, ()
        for enabling in mechanism.enabling:
            yield enabling.when, ()
        for gift in (gift for gifts in mechanism.gives.values() for gift in gifts):
            yield gift.when, ()
            for quantity in (gift.rpo, gift.rto, gift.lookback):
                yield None, tuple(_settings(quantity))


def _settings(quantity: Quantity) -> Iterator[Accessor]:
    match quantity:
        case SettingValue(accessor):
            yield accessor
        case Elapsed(accessor, related, _, _, _):
            yield Accessor("related", related=related) if related else accessor
        case LeastOfItems(items):
            yield items
        case Combined(_, parts):
            for part in parts:
                yield from _settings(part)

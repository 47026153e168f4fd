"""From a store's effective settings to what every scenario does to it.

Never optimistic: what cannot be read protects nothing. A mechanism that may be there makes a scenario unknown where
nothing else is known to help, and never makes a figure better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from auditor import quantities
from auditor.engine import Judge
from auditor.model import Change, Figure, Recovery, Resource, Unknown
from auditor.reading import ABSENT, Defaulted
from auditor.recovery.changes import ImpossibleChangeError, changed
from auditor.recovery.knowledge import (
    SCENARIOS,
    Combined,
    Constant,
    Elapsed,
    Gift,
    Knowledge,
    LeastOfItems,
    Mechanism,
    Quantity,
    SettingValue,
    looked_at,
)
from auditor.rules import Accessor

NOTHING: Final = Figure(None, "nothing gives the data back")
MAX_KEPT: Final = 4096
"""Results kept for stores that have the same settings."""
_YES, _BEST_EFFORT, _UNKNOWN, _NO = "yes", "best-effort", "unknown", "no"
_STANDING: Final = {_YES: 0, _BEST_EFFORT: 1, _UNKNOWN: 2, _NO: 3}


class _Offer(NamedTuple):
    """What one mechanism gives a store in a scenario; `doubt` says why it may not."""

    mechanism: Mechanism
    gift: Gift
    rpo: Figure
    rto: Figure
    lookback: Figure
    doubt: str = ""

    @property
    def rank(self) -> tuple[float, ...]:
        """The best offer has the lowest: surely recoverable, least lost, furthest back, soonest."""
        return (
            self.gift.recoverable != _YES,
            *_rank(self.rpo),
            *(-number for number in _rank(self.lookback, missing=-1.0)),
            *_rank(self.rto),
        )


def standing(row: Recovery) -> tuple[float, ...]:
    """How a scenario ends, the best lowest: recoverable or not, then least lost, furthest back, soonest."""
    return (
        _STANDING[row.recoverable],
        *_rank(row.rpo),
        *(-number for number in _rank(row.lookback, missing=-1.0)),
        *_rank(row.rto),
    )


def _rank(figure: Figure, missing: float = math.inf) -> tuple[float, ...]:
    return (figure.seconds if figure.seconds is not None else missing,)


class Analysis:
    """Judges stores by what is known of the services. `now` is when the estate was collected."""

    def __init__(self, knowledge: Iterable[Knowledge], judge: Judge, now: datetime, *, previews: bool = False) -> None:
        """Take the knowledge of all services; `previews` counts mechanisms that are in preview."""
        self._knowledge: dict[str, list[Knowledge]] = {}
        self._judge = judge
        self._now = now
        self._previews = previews
        self._signers: dict[str, list[Callable[[Resource], Any]]] = {}
        self._rows: dict[tuple[Any, ...], tuple[Recovery, ...]] = {}
        for one in knowledge:
            for name in one.applies_to:
                self._knowledge.setdefault(name.casefold(), []).append(one)

    def recoveries(self, store: Resource) -> tuple[Recovery, ...]:
        """One row a scenario, in the scenarios' order; empty for a type nothing is known of.

        Rows that are not recoverable for sure carry the changes that would make them better.
        """
        known = self._knowledge.get(store.type.casefold(), [])
        if not known:
            return ()
        signature = (store.type, store.region, store.api_version, store.deployed, *self._signature(store, known))
        rows = self._rows.get(signature)
        if rows is None:
            judged = [self._recovery(store, scenario, one) for one in known for scenario in SCENARIOS]
            rows = tuple(self._with_changes(judged, store))
            if len(self._rows) < MAX_KEPT:
                self._rows[signature] = rows
        return rows

    def recovery(self, store: Resource, scenario: str) -> Recovery:
        """One scenario of a store, changes left out. Raises KeyError for a type nothing is known of."""
        return self._recovery(store, scenario, self._knowledge[store.type.casefold()][0])

    def customer_key(self, store: Resource) -> str:
        """The URL of the key, or of its vault, that a store's data is encrypted with; empty where Microsoft has it."""
        known = self._knowledge[store.type.casefold()][0]
        value = self._judge.reader.body(store, known.customer_key.path) if known.customer_key is not None else ABSENT
        return value if isinstance(value, str) else ""

    def proposals(self, store: Resource) -> list[Change]:
        """Every change of settings that is possible on a store and that some mechanism needs, the easiest first."""
        changes = [
            Change(mechanism.id, mechanism.title, one.settings, one.rule, one.cost, one.caveat, one.effort)
            for known in self._knowledge.get(store.type.casefold(), ())
            for mechanism in known.mechanisms
            if self._previews or not mechanism.preview
            for one in mechanism.enabling
            if one.when is None or self._judge.holds(one.when, store) is True
        ]
        return sorted(changes, key=lambda change: change.effort)

    def _signature(self, store: Resource, known: Iterable[Knowledge]) -> Iterator[Any]:
        """All that can make two stores of a type differ."""
        signers = self._signers.get(store.type)
        if signers is None:
            accessors = dict.fromkeys(
                accessor
                for one in known
                for condition, found in looked_at(one)
                for accessor in (*found, *(self._judge.accessors(condition) if condition is not None else ()))
            )
            signers = self._signers[store.type] = [self._judge.reader.signer(accessor) for accessor in accessors]
        return (sign(store) for sign in signers)

    def _with_changes(self, rows: Sequence[Recovery], store: Resource) -> Iterator[Recovery]:
        """The rows; those that are not surely recoverable with the changes, each tried alone, that make them better."""
        improvable = [row for row in rows if row.recoverable != _YES]
        improving: dict[str, list[Change]] = {row.scenario: [] for row in improvable}
        for change in self.proposals(store) if improvable else ():
            try:
                after = changed(store, change.settings)
            except ImpossibleChangeError:
                continue
            for row in improvable:
                then = self.recovery(after, row.scenario)
                if then.recoverable != _UNKNOWN and standing(then) < standing(row):
                    improving[row.scenario].append(change)
        return (row._replace(changes=tuple(improving.get(row.scenario, ()))) for row in rows)

    def _recovery(self, store: Resource, scenario: str, known: Knowledge) -> Recovery:
        offers = list(self._offers(store, scenario, known))
        sure = sorted((offer for offer in offers if not offer.doubt), key=lambda offer: offer.rank)
        doubtful = [offer for offer in offers if offer.doubt]
        if not sure:
            reason = "; ".join(dict.fromkeys(f"{offer.mechanism.title}: {offer.doubt}" for offer in doubtful))
            figure = Figure(None, reason, known=False) if doubtful else NOTHING
            state = _UNKNOWN if doubtful else _NO
            text = f"It cannot be told: {reason}" if doubtful else known.without[scenario]
            return Recovery(scenario, state, figure, figure, figure, reason=text)
        best = sure[0]
        gift, mechanism = best.gift, best.mechanism
        notes = gift.notes
        if doubtful:
            notes += tuple(f"{offer.mechanism.title} may help as well: {offer.doubt}" for offer in doubtful)
        return Recovery(
            scenario,
            gift.recoverable,
            best.rpo,
            best.rto,
            best.lookback,
            mechanism.id,
            mechanism.title,
            gift.actor,
            mechanism.title,
            tuple(dict.fromkeys(notes)),
            mechanism.not_restored,
            mechanism.defeated_by,
            tuple(dict.fromkeys((offer.mechanism.id, offer.mechanism.title) for offer in sure[1:])),
            sources=tuple(known.sources[tag] for tag in gift.sources),
        )

    def _offers(self, store: Resource, scenario: str, known: Knowledge) -> Iterator[_Offer]:
        for mechanism in known.mechanisms:
            gifts = mechanism.gives.get(scenario, ())
            if not gifts or (mechanism.preview and not self._previews):
                continue
            there = self._judge.holds(mechanism.when, store)
            if there is False:
                continue
            doubt = there.reason if isinstance(there, Unknown) else ""
            for gift in gifts:
                applies = True if gift.when is None else self._judge.holds(gift.when, store)
                if applies is False:
                    continue
                doubt = doubt or (applies.reason if isinstance(applies, Unknown) else "")
                yield self._offer(mechanism, gift, store, doubt)
                if not isinstance(applies, Unknown):
                    break

    def _offer(self, mechanism: Mechanism, gift: Gift, store: Resource, doubt: str) -> _Offer:
        rpo, rto, lookback = (
            self.figure(quantity, store) or Figure(None, "no documented figure")
            for quantity in (gift.rpo, gift.rto, gift.lookback)
        )
        return _Offer(mechanism, gift, rpo, rto, lookback, doubt)

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def figure(self, quantity: Quantity, store: Resource) -> Figure | None:
        """A quantity of a store; None where it says nothing (no rule caps it, the service reports no moment)."""
        match quantity:
            case Constant(None, note):
                return Figure(None, note)
            case Constant(seconds, note):
                return Figure(seconds, note)
            case SettingValue(accessor, unit, note):
                return self._setting(accessor, unit, note, store)
            case Elapsed():
                return self._elapsed(quantity, store)
            case LeastOfItems():
                return self._least(quantity, store)
            case Combined(how, parts, note):
                return _combined(how, [self.figure(part, store) for part in parts], note)

    def _setting(self, accessor: Accessor, unit: str, note: str, store: Resource) -> Figure | None:
        figures = [_in_seconds(reading.value, unit) for reading in self._judge.reader.test(accessor, store, None)]
        return _combined("least", figures, note)

    def _elapsed(self, quantity: Elapsed, store: Resource) -> Figure | None:
        """What a file declares has no past; of what is deployed, evidence that is missing leaves the figure open."""
        if not store.deployed:
            return None
        reader = self._judge.reader
        if quantity.related:
            items, _ = reader.estate.related(quantity.related, store)
            values = [reader.body(item, quantity.accessor.path) for item in items]
        else:
            values = [reading.value for reading in reader.test(quantity.accessor, store, None)]
        moments = [moment for value in values if (moment := _moment(value)) is not None]
        if not moments:
            return Figure(None, "the service's own evidence of it was not read", known=False)
        return Figure(max(0.0, (self._now - max(moments)).total_seconds()), quantity.note)

    def _least(self, quantity: LeastOfItems, store: Resource) -> Figure | None:
        items, missing = self._judge.matching(quantity.items, quantity.where, store)
        if missing is not None:
            return Figure(None, missing.reason, known=False)
        figures = [
            _in_seconds(reading.value, quantity.unit)
            for item in items
            for reading in self._judge.reader.test(quantity.value, store, item)
        ]
        return _combined("least", figures, quantity.note)


def _in_seconds(value: object, unit: str) -> Figure | None:
    note = ""
    if isinstance(value, Defaulted):
        value, note = value.value, "the API's default"
    if value is ABSENT or value is None:
        return None
    if isinstance(value, Unknown):
        return Figure(None, value.reason, known=False)
    if unit == "tier":
        seconds = quantities.parse_tier(value)
        return Figure(seconds, note) if seconds is not None else Figure(None, f"{value!r} is no tier", known=False)
    number = quantities.as_number(value)
    if number is None or number < 0:
        return Figure(None, f"{str(value)[:60]!r} is no number of {unit}", known=False)
    return Figure(number * quantities.UNITS[unit], note)


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _combined(how: str, figures: Iterable[Figure | None], note: str) -> Figure | None:
    """The least, the most or the sum; one part that is not known, or not documented, makes the whole so."""
    said = [figure for figure in figures if figure is not None]
    if not said:
        return None
    for figure in said:
        if figure.seconds is None:
            return figure
    numbers = [(figure.seconds or 0.0, figure.reason) for figure in said]
    if how == "sum":
        return Figure(sum(number for number, _ in numbers), note)
    number, reason = min(numbers) if how == "least" else max(numbers)
    return Figure(number, note or reason)

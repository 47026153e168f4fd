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
from auditor.reading import ABSENT, Defaulted, dotted
from auditor.recovery.changes import ImpossibleChangeError, changed
from auditor.recovery.knowledge import (
    SCENARIOS,
    Combined,
    Constant,
    Elapsed,
    Gift,
    Knowledge,
    LeastOfItems,
    Library,
    Mechanism,
    Quantity,
    Remark,
    SettingValue,
    looked_at,
)
from auditor.rules import Accessor

NOTHING: Final = Figure(None, "nothing gives the data back")
NO_FIGURE: Final = "no documented figure"
UNTOLD: Final = "the service's own evidence of it was not read"
MAX_KEPT: Final = 4096
"""Results kept for stores that have the same settings."""
_YES, _BEST_EFFORT, _UNKNOWN, _NO = "yes", "best-effort", "unknown", "no"
_LATE: Final = "late-corruption"
_STANDING: Final = {_YES: 0, _BEST_EFFORT: 1, _UNKNOWN: 2, _NO: 3}


class _Offer(NamedTuple):
    """What one mechanism gives a store in a scenario; `doubt` says why it may not."""

    mechanism: Mechanism
    gift: Gift
    rpo: Figure
    rto: Figure
    lookback: Figure
    doubt: str = ""

    def standing(self, scenario: str) -> tuple[float, ...]:
        """How the scenario ends by it, the best lowest."""
        return _standing(scenario, self.gift.recoverable, self.rpo, self.rto, self.lookback)


def standing(row: Recovery) -> tuple[float, ...]:
    """How a scenario ends, the best lowest: recoverable or not, then least lost, furthest back, soonest."""
    return _standing(row.scenario, row.recoverable, row.rpo, row.rto, row.lookback)


def _standing(scenario: str, ending: str, rpo: Figure, rto: Figure, lookback: Figure) -> tuple[float, ...]:
    """Corruption that is found late is undone by what reaches back furthest; all else by what loses least."""
    back = -1.0 if lookback.seconds is None else lookback.seconds
    lost, needed = (math.inf if figure.seconds is None else figure.seconds for figure in (rpo, rto))
    figures = (-back, lost, needed) if scenario == _LATE else (lost, -back, needed)
    return (_STANDING[ending], *figures)


class Analysis:
    """Judges stores by what is known of the services. `now` is when the estate was collected."""

    def __init__(
        self,
        knowledge: Iterable[Knowledge],
        judge: Judge,
        now: datetime,
        *,
        previews: bool = False,
        evidence: bool = True,
    ) -> None:
        """Take the knowledge of all services.

        `previews` counts mechanisms that are in preview; without `evidence` settings alone are judged, not what the
        services say of how far back they reach by now.
        """
        self._knowledge = knowledge if isinstance(knowledge, Library) else Library.of(knowledge)
        self._judge = judge
        self._now = now
        self._previews = previews
        self._evidence = evidence
        self._signers: dict[str, list[Callable[[Resource], Any]]] = {}
        self._rows: dict[tuple[Any, ...], tuple[Recovery, ...]] = {}

    def recoveries(self, store: Resource) -> tuple[Recovery, ...]:
        """One row a scenario, in the scenarios' order; empty for a type nothing is known of.

        Rows that are not recoverable for sure carry the changes that would make them better.
        """
        known = self._knowledge.about(store.type)
        if known is None:
            return ()
        signature = (store.type, store.region, store.api_version, store.deployed, *self._signature(store, known))
        rows = self._rows.get(signature)
        if rows is None:
            judged = [self.choices(store, scenario)[0] for scenario in SCENARIOS]
            rows = tuple(self._with_changes(judged, store))
            if len(self._rows) < MAX_KEPT:
                self._rows[signature] = rows
        return rows

    def choices(self, store: Resource, scenario: str, *, evidence: bool | None = None) -> tuple[Recovery, ...]:
        """One row for each mechanism that surely helps, the best first; one that says why there is none otherwise.

        Changes are left out. Raises KeyError for a type nothing is known of.
        """
        known = self._known(store)
        by_evidence = self._evidence if evidence is None else evidence
        offers = [
            offer
            for mechanism in known.mechanisms
            if self._previews or not mechanism.preview
            for offer in self._offers_of(mechanism, store, scenario, evidence=by_evidence)
        ]
        sure = [offer for offer in offers if not offer.doubt]
        doubtful = [offer for offer in offers if offer.doubt]
        remarks = list(self._remarks(store, scenario, known))
        if not sure:
            return (_unhelped(scenario, known, doubtful, remarks),)
        sure.sort(key=lambda one: one.standing(scenario))
        doubts = tuple(f"{offer.mechanism.title} may help as well: {offer.doubt}" for offer in doubtful)
        return tuple(_row(scenario, offer, sure, known, remarks, doubts) for offer in sure)

    def recovery(self, store: Resource, scenario: str, *, evidence: bool | None = None) -> Recovery:
        """One scenario of a store, changes left out. Raises KeyError for a type nothing is known of."""
        return self.choices(store, scenario, evidence=evidence)[0]

    def customer_key(self, store: Resource) -> str | Unknown:
        """The URL of the key, or of its vault, that a store's data is encrypted with; empty where Microsoft has it."""
        key = self._known(store).customer_key
        used = self._judge.holds(key.when, store) if key is not None else False
        if key is None or used is False:
            return ""
        value = self._judge.reader.body(store, key.vault.path)
        if isinstance(value, str | Unknown):
            return value
        return used if isinstance(used, Unknown) else Unknown("the vault of its key is not named")

    def proposals(self, store: Resource) -> list[Change]:
        """Every change of settings that is possible on a store and that some mechanism needs, the easiest first."""
        changes = [
            Change(mechanism.id, mechanism.title, one.settings, one.rule, one.cost, one.caveat, one.effort)
            for mechanism in self._known(store).mechanisms
            if self._previews or not mechanism.preview
            for one in mechanism.enabling
            if one.when is None or self._judge.holds(one.when, store) is True
        ]
        return sorted(changes, key=lambda change: change.effort)

    def settings(self) -> Iterator[str]:
        """Every setting that some scenario depends on, `child:path` on a child; of a collection its name."""
        for known in self._knowledge:
            if known.customer_key is not None:
                yield dotted(known.customer_key.vault.path)
            for accessor in self._accessors(known):
                child = accessor.child or ""
                yield f"{child}:{dotted(accessor.path)}" if child and accessor.path else child or dotted(accessor.path)

    def _known(self, store: Resource) -> Knowledge:
        known = self._knowledge.about(store.type)
        if known is None:
            raise KeyError(store.type)
        return known

    def _accessors(self, known: Knowledge) -> dict[Accessor, None]:
        return dict.fromkeys(
            accessor
            for condition, found in looked_at(known)
            for accessor in (*found, *(self._judge.accessors(condition) if condition is not None else ()))
        )

    def _signature(self, store: Resource, known: Knowledge) -> Iterator[Any]:
        """All that can make two stores of a type differ."""
        signers = self._signers.get(store.type)
        if signers is None:
            signers = [self._judge.reader.signer(accessor) for accessor in self._accessors(known)]
            self._signers[store.type] = signers
        return (sign(store) for sign in signers)

    def _with_changes(self, rows: Sequence[Recovery], store: Resource) -> Iterator[Recovery]:
        """The rows; those that are not surely recoverable with the changes, each tried alone, that make them better.

        A change is held against the settings as they are: what the service says of today is no part of either.
        """
        now = {row.scenario: row for row in rows if row.recoverable != _YES}
        if store.deployed:
            now = {scenario: self.recovery(store, scenario, evidence=False) for scenario in now}
        improving: dict[str, list[Change]] = {scenario: [] for scenario in now}
        mechanisms = {one.id: one for one in self._known(store).mechanisms}
        for change in self.proposals(store) if now else ():
            try:
                after = changed(store, change.settings)
            except ImpossibleChangeError:
                continue
            for scenario, row in now.items():
                # What a change is for is the mechanism it belongs to; that others gain by it is said of their own.
                offers = self._offers_of(mechanisms[change.mechanism], after, scenario, evidence=False)
                if any(not offer.doubt and offer.standing(scenario) < standing(row) for offer in offers):
                    improving[scenario].append(change)
        return (row._replace(changes=tuple(improving.get(row.scenario, ()))) for row in rows)

    def _remarks(self, store: Resource, scenario: str, known: Knowledge) -> Iterator[Remark]:
        """What else holds of a scenario; what may hold is said too, unless the source can never tell."""
        for remark in known.remarks:
            if scenario in remark.scenarios:
                holds = True if remark.when is None else self._judge.holds(remark.when, store)
                if holds is True or (isinstance(holds, Unknown) and not holds.unseen):
                    yield remark

    def _offers_of(self, mechanism: Mechanism, store: Resource, scenario: str, *, evidence: bool) -> Iterator[_Offer]:
        """What a mechanism gives, or may give: its first case that holds, and those before it that may."""
        gifts = mechanism.gives.get(scenario, ())
        there = self._judge.holds(mechanism.when, store) if gifts else False
        doubt = there.reason if isinstance(there, Unknown) else ""
        for gift in gifts if there is not False else ():
            applies = True if gift.when is None else self._judge.holds(gift.when, store)
            if applies is False:
                continue
            doubt = doubt or (applies.reason if isinstance(applies, Unknown) else "")
            rpo, rto, lookback = (
                self.figure(quantity, store, evidence=evidence) or Figure(None, NO_FIGURE)
                for quantity in (gift.rpo, gift.rto, gift.lookback)
            )
            yield _Offer(mechanism, gift, rpo, rto, lookback, doubt)
            if not isinstance(applies, Unknown):
                break

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def figure(self, quantity: Quantity, store: Resource, *, evidence: bool = True) -> Figure | None:
        """A quantity of a store; None where it says nothing (no rule caps it, a file declares no moment)."""
        match quantity:
            case Constant(None, note):
                return Figure(None, note)
            case Constant(seconds, note):
                return Figure(seconds, note)
            case SettingValue(accessor, unit, note):
                return self._setting(accessor, unit, note, store)
            case Elapsed():
                return self._elapsed(quantity, store) if evidence and store.deployed else None
            case LeastOfItems():
                return self._least(quantity, store)
            case Combined(how, parts, note):
                return _combined(how, [self.figure(part, store, evidence=evidence) for part in parts], note)

    def _setting(self, accessor: Accessor, unit: str, note: str, store: Resource) -> Figure | None:
        figures = [_in_seconds(reading.value, unit) for reading in self._judge.reader.test(accessor, store, None)]
        return _combined("least", figures, note)

    def _elapsed(self, quantity: Elapsed, store: Resource) -> Figure:
        """Evidence that is missing leaves the figure open."""
        missing: Unknown | None = None
        if quantity.related:
            items, missing = self._judge.matching(Accessor("related", related=quantity.related), quantity.where, store)
            values = [self._judge.reader.body(item.value, quantity.accessor.path) for item in items]
        else:
            values = [reading.value for reading in self._judge.reader.test(quantity.accessor, store, None)]
        moments = [moment for value in values if (moment := _moment(value)) is not None]
        if missing is not None or not moments or len(moments) < len(values):
            unread = next((value for value in values if isinstance(value, Unknown)), missing)
            return Figure(None, unread.reason if unread is not None else UNTOLD, known=False)
        since = min(moments) if quantity.lost else max(moments)
        return Figure(max(0.0, (self._now - since).total_seconds()), quantity.note)

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
    """The least, the most, or the first; one part that is not known, or not documented, makes those of several so."""
    said = [figure for figure in figures if figure is not None]
    if not said:
        return None
    if how == "first":
        return said[0]
    for figure in said:
        if figure.seconds is None:
            return figure
    numbers = [(figure.seconds or 0.0, figure.reason) for figure in said]
    number, reason = min(numbers) if how == "least" else max(numbers)
    return Figure(number, note or reason)


def _row(
    scenario: str,
    offer: _Offer,
    sure: Sequence[_Offer],
    known: Knowledge,
    remarks: Sequence[Remark],
    doubts: tuple[str, ...],
) -> Recovery:
    """The row of a mechanism that surely helps, beside the others that do."""
    mechanism, gift = offer.mechanism, offer.gift
    notes = (*gift.notes, *(remark.text for remark in remarks), *doubts)
    others = ((other.mechanism.id, other.mechanism.title) for other in sure if other.mechanism is not mechanism)
    cited = dict.fromkeys((*gift.sources, *(tag for remark in remarks for tag in remark.sources)))
    return Recovery(
        scenario,
        gift.recoverable,
        offer.rpo,
        offer.rto,
        offer.lookback,
        mechanism.id,
        mechanism.title,
        gift.actor,
        mechanism.title,
        tuple(dict.fromkeys(notes)),
        mechanism.not_restored,
        mechanism.defeated_by,
        tuple(dict.fromkeys(others)),
        sources=tuple(known.sources[tag] for tag in cited),
    )


def _unhelped(scenario: str, known: Knowledge, doubtful: Sequence[_Offer], remarks: Sequence[Remark]) -> Recovery:
    """The row where nothing surely helps: it cannot be told, or nothing gives the data back."""
    without = known.without[scenario]
    reason = "; ".join(dict.fromkeys(f"{offer.mechanism.title}: {offer.doubt}" for offer in doubtful))
    figure = Figure(None, reason, known=False) if doubtful else NOTHING
    state, text = (_UNKNOWN, f"It cannot be told: {reason}") if doubtful else (_NO, without.text)
    cited = dict.fromkeys((*without.sources, *(tag for remark in remarks for tag in remark.sources)))
    return Recovery(
        scenario,
        state,
        figure,
        figure,
        figure,
        reason=text,
        notes=tuple(remark.text for remark in remarks),
        sources=tuple(known.sources[tag] for tag in cited),
    )

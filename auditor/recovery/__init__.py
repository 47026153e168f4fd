"""What would be lost, and for how long: scenarios × mechanisms, computed from effective settings.

`Recoveries` takes the stores of an estate one by one and gives their rows in the end, when the vaults that hold
customers' keys are known as well.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from auditor.engine import Judge
from auditor.model import Figure, Recovery, Resource, StoreRecovery, Subject, Unknown
from auditor.recovery.analysis import Analysis, standing
from auditor.recovery.changes import ImpossibleChangeError, changed
from auditor.recovery.knowledge import SCENARIOS, Knowledge, Library, Mechanism, load_knowledge, open_knowledge
from auditor.services.regions import normalise

if TYPE_CHECKING:
    from auditor.recovery.objectives import Objectives

__all__ = [
    "SCENARIOS",
    "Analysis",
    "ImpossibleChangeError",
    "Knowledge",
    "Library",
    "Mechanism",
    "Recoveries",
    "RecoveryTerms",
    "changed",
    "load_knowledge",
    "open_knowledge",
]

KEY_LOST: Final = ("malicious-purge", "region-outage", "protection-attack")
"""Scenarios that can take a store's key together with the store: whoever attacks one, and what befalls its region."""
_REGIONAL: Final = "region-outage"
VAULT: Final = "microsoft.keyvault/vaults"


class RecoveryTerms(NamedTuple):
    """What a run's recovery analysis works by. Without knowledge there is none.

    `previews` counts mechanisms that are in preview; without `evidence` settings alone are judged.
    """

    knowledge: Library | tuple[Knowledge, ...] = ()
    objectives: Objectives | None = None
    previews: bool = False
    evidence: bool = True


class _Vault(NamedTuple):
    region: str
    rows: tuple[Recovery, ...]


class _Analysed(NamedTuple):
    subject: Subject
    rows: tuple[Recovery, ...]
    vault: str | Unknown
    store: Resource | None = None


class Recoveries:
    """Collects the rows of an estate."""

    def __init__(self, terms: RecoveryTerms, judge: Judge, now: datetime) -> None:
        """Work by `terms`; `judge` decides conditions on the stores, and `now` is when they were collected."""
        self._objectives = terms.objectives
        self._analysis = Analysis(terms.knowledge, judge, now, previews=terms.previews, evidence=terms.evidence)
        self._stores: list[_Analysed] = []
        self._vaults: dict[str, _Vault] = {}

    def add(self, store: Resource, subject: Subject) -> None:
        """Take a store; one that a plan destroys, and a type nothing is known of, have no rows."""
        rows = self._analysis.recoveries(store) if store.body is not None else ()
        if not rows:
            return
        if store.type.casefold() == VAULT:
            self._know_vault(store, rows)
        # Objectives need the store again in the end, to try what would meet them.
        kept = store if self._objectives is not None else None
        self._stores.append(_Analysed(subject, rows, self._vault_of(store), kept))

    def _know_vault(self, store: Resource, rows: tuple[Recovery, ...]) -> None:
        """Of several vaults of one name (a template's and the deployed one) each scenario ends as with the worst."""
        name, region = store.name.casefold(), _plain(store.region)
        known = self._vaults.get(name)
        if known is not None:
            rows = tuple(max(pair, key=standing) for pair in zip(known.rows, rows, strict=True))
            region = region if region == known.region else ""
        self._vaults[name] = _Vault(region, rows)

    def rows(self, *, whole: bool = True) -> tuple[StoreRecovery, ...]:
        """The rows of every store; `whole` says that no store can have been missed.

        Raises PolicyError when objectives contradict one another, or are for no store.
        """
        objectives = self._objectives
        if objectives is not None and whole:
            objectives.require_stores([one.store for one in self._stores if one.store is not None])
        return tuple(StoreRecovery(one.subject, self._finished(one)) for one in self._stores)

    def _finished(self, one: _Analysed) -> tuple[Recovery, ...]:
        rows = tuple(self._with_key(row, one) for row in one.rows)
        store = one.store
        return rows if store is None else tuple(self._promised(row, one, store) for row in rows)

    def _promised(self, row: Recovery, one: _Analysed, store: Resource) -> Recovery:
        """The row with the verdict on what was promised: that of the mechanism which serves the promise best."""
        from auditor.recovery.objectives import MET, MISSED, judged, would_meet

        objective = self._objectives.of(store, row.scenario) if self._objectives is not None else None
        if objective is None:
            return row
        judgement = judged(row, objective)
        if judgement.verdict != MET and row.others:
            others = self._analysis.choices(store, row.scenario)[1:]
            choices = (judged(self._with_key(other, one), objective) for other in others)
            met = next((other for other in choices if other.verdict == MET), None)
            judgement = met if met is not None else judgement
        if judgement.verdict != MISSED:
            return judgement
        outlook = would_meet(judgement, objective, store, self._analysis)
        reason = f"{judgement.verdict_reason}; {outlook.text}"
        return judgement._replace(verdict_reason=reason, changes=outlook.changes)

    def _vault_of(self, store: Resource) -> str | Unknown:
        """The name of the vault that holds the store's own key; an empty text where Microsoft has the key."""
        place = self._analysis.customer_key(store)
        if isinstance(place, Unknown) or not place:
            return place
        try:
            host = urlsplit(place).hostname or ""
        except ValueError:
            host = ""
        return host.partition(".")[0] or Unknown("the address of its key's vault cannot be read")

    def _with_key(self, row: Recovery, one: _Analysed) -> Recovery:
        """What is encrypted with a key that is lost is lost too, backups included."""
        vault = one.vault
        if vault == "" or row.scenario not in KEY_LOST or row.recoverable in ("no", "unknown"):
            return row
        if isinstance(vault, Unknown):
            return _locked_up(row, "unknown", f"The data is encrypted with a customer's key: {vault.reason}")
        found = self._vaults.get(vault)
        if found is None:
            text = f"The data is encrypted with a key in vault {vault}, which was not read: without the key it is lost"
            return _locked_up(row, "unknown", text)
        if row.scenario == _REGIONAL and found.region and found.region != _plain(one.subject.region):
            return row
        key = next(other for other in found.rows if other.scenario == row.scenario)
        if standing(key)[0] <= standing(row)[0]:
            return row
        said = key.reason if key.recoverable != "best-effort" else f"best effort only, by {key.title.lower()}"
        text = f"The data is encrypted with a key in vault {vault}, and that comes back no better: {said}"
        return _locked_up(row, key.recoverable, text)


def _plain(region: str | None) -> str:
    return normalise(region) if region else ""


def _locked_up(row: Recovery, recoverable: str, reason: str) -> Recovery:
    """The row where the store's data comes back, and its key decides on whether it can be read."""
    figure = Figure(None, reason, known=recoverable != "unknown")
    if recoverable == "best-effort":
        return row._replace(recoverable=recoverable, rpo=row.rpo, rto=figure, reason=reason, notes=(reason, *row.notes))
    return Recovery(
        row.scenario, recoverable, figure, figure, figure, reason=reason, notes=row.notes, sources=row.sources
    )

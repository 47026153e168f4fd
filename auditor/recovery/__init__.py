"""What would be lost, and for how long: scenarios × mechanisms, computed from effective settings.

`Recoveries` takes the stores of an estate one by one and gives their rows in the end, when the vaults that hold
customers' keys are known as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from auditor.engine import Judge
from auditor.model import Figure, Recovery, Resource, StoreRecovery, Subject
from auditor.recovery.analysis import Analysis, standing
from auditor.recovery.changes import ImpossibleChangeError, changed
from auditor.recovery.knowledge import SCENARIOS, Knowledge, Mechanism, load_knowledge

if TYPE_CHECKING:
    from auditor.recovery.objectives import Objectives

__all__ = [
    "SCENARIOS",
    "Analysis",
    "ImpossibleChangeError",
    "Knowledge",
    "Mechanism",
    "Recoveries",
    "RecoveryTerms",
    "changed",
    "load_knowledge",
]

KEY_LOST: Final = ("malicious-purge", "protection-attack")
"""Scenarios in which whoever attacks a store can take its key as well."""
VAULT: Final = "microsoft.keyvault/vaults"


class RecoveryTerms(NamedTuple):
    """What a run's recovery analysis works by. Without knowledge there is none."""

    knowledge: tuple[Knowledge, ...] = ()
    objectives: Objectives | None = None
    previews: bool = False


class _Analysed(NamedTuple):
    subject: Subject
    rows: tuple[Recovery, ...]
    vault: str
    store: Resource | None = None


class Recoveries:
    """Collects the rows of an estate."""

    def __init__(self, terms: RecoveryTerms, judge: Judge, now: datetime) -> None:
        """Work by `terms`; `judge` decides conditions on the stores, and `now` is when they were collected."""
        self._objectives = terms.objectives
        self._analysis = Analysis(terms.knowledge, judge, now, previews=terms.previews)
        self._stores: list[_Analysed] = []
        self._vaults: dict[str, tuple[Recovery, ...]] = {}

    def add(self, store: Resource, subject: Subject) -> None:
        """Take a store; one that a plan destroys, and a type nothing is known of, have no rows."""
        rows = self._analysis.recoveries(store) if store.body is not None else ()
        if not rows:
            return
        if store.type.casefold() == VAULT:
            self._vaults.setdefault(store.name.casefold(), rows)
        # Objectives need the store again in the end, to try what would meet them.
        kept = store if self._objectives is not None else None
        self._stores.append(_Analysed(subject, rows, self._vault_of(store), kept))

    def rows(self) -> tuple[StoreRecovery, ...]:
        """The rows of every store. Raises PolicyError when objectives contradict one another or are for no store."""
        objectives = self._objectives
        if objectives is not None:
            objectives.require_stores([one.store for one in self._stores if one.store is not None])
        return tuple(StoreRecovery(one.subject, self._finished(one)) for one in self._stores)

    def _finished(self, one: _Analysed) -> tuple[Recovery, ...]:
        rows = self._with_key(one.rows, one.vault) if one.vault else one.rows
        return rows if one.store is None else tuple(self._promised(row, one.store) for row in rows)

    def _promised(self, row: Recovery, store: Resource) -> Recovery:
        from auditor.recovery.objectives import MISSED, cheapest, judged

        objective = self._objectives.of(store, row.scenario) if self._objectives is not None else None
        if objective is None:
            return row
        row = judged(row, objective)
        if row.verdict != MISSED:
            return row
        return row._replace(changes=cheapest(row, objective, store, self._analysis) or row.changes)

    def _vault_of(self, store: Resource) -> str:
        """The name of the vault that holds the store's own key, or an empty text."""
        place = self._analysis.customer_key(store)
        host = urlsplit(place).hostname if place else None
        return host.partition(".")[0] if host else ""

    def _with_key(self, rows: Sequence[Recovery], vault: str) -> tuple[Recovery, ...]:
        """What is encrypted with a key that is lost is lost too, backups included."""
        found = self._vaults.get(vault)
        return tuple(self._one_with_key(row, vault, found) if row.scenario in KEY_LOST else row for row in rows)

    @staticmethod
    def _one_with_key(row: Recovery, vault: str, found: Sequence[Recovery] | None) -> Recovery:
        if row.recoverable == "no":
            return row
        if found is None:
            note = f"The data is encrypted with a key in vault {vault}, which was not read: without the key it is lost."
            return row._replace(notes=(*row.notes, note))
        key = next(one for one in found if one.scenario == row.scenario)
        if standing(key)[0] <= standing(row)[0]:
            return row
        reason = f"The data is encrypted with a key in vault {vault}, which would be lost: {key.reason}"
        lost = Figure(None, reason, key.rpo.known)
        return row._replace(recoverable=key.recoverable, rpo=lost, rto=lost, lookback=lost, reason=reason)


def promises(rows: Sequence[StoreRecovery]) -> Mapping[str, int]:
    """How many rows have which verdict."""
    counts: dict[str, int] = {}
    for row in (row for store in rows for row in store.scenarios if row.verdict):
        counts[row.verdict] = counts.get(row.verdict, 0) + 1
    return counts

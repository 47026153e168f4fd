"""A disaster-recovery runbook: for each store and scenario the steps that bring the data back, real names filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from auditor.model import RunbookChapter, RunbookStep, StoreRecovery, Subject, resource_group
from auditor.recovery.knowledge import SCENARIOS, Knowledge, Mechanism

_PLACE: Final = re.compile(r"\{(name|group|region|id)\}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,200}")


def runbook(rows: Iterable[StoreRecovery], knowledge: Iterable[Knowledge]) -> Iterator[RunbookChapter]:
    """The chapters, store by store."""
    mechanisms = {mechanism.id: mechanism for one in knowledge for mechanism in one.mechanisms}
    for store in rows:
        names = _names(store.subject)
        steps = tuple(
            RunbookStep(
                row.scenario,
                SCENARIOS[row.scenario],
                row.title,
                row.actor,
                mechanism.prerequisites if mechanism else (),
                _filled(mechanism, row.scenario, names) if mechanism else (),
                mechanism.by_hand if mechanism else (),
                row.not_restored,
                row.reason,
            )
            for row in store.scenarios
            for mechanism in (mechanisms.get(row.mechanism),)
        )
        yield RunbookChapter(store.subject, steps)


def _names(subject: Subject) -> Mapping[str, str]:
    return {
        "name": subject.name,
        "group": resource_group(subject.id) or "RESOURCE_GROUP",
        "region": subject.region or "REGION",
        "id": subject.id,
    }


def _filled(mechanism: Mechanism, scenario: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Commands with the names put in; a name that a shell could read as anything else is quoted."""

    def value(match: re.Match[str]) -> str:
        text = names[match[1]]
        # Quoted where a command already quotes it; a name that no Azure resource can have is never let through.
        return text if _PLAIN.fullmatch(text) else shlex.quote(re.sub(r"[^\w./ -]", "_", text))

    return tuple(_PLACE.sub(value, command) for command in mechanism.restore.get(scenario, ()))

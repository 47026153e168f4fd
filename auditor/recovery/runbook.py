"""A disaster-recovery runbook: for each store and scenario the steps that bring the data back, real names filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from auditor.model import RunbookChapter, RunbookStep, StoreRecovery, Subject, resource_group
from auditor.recovery.knowledge import PLACES, SCENARIOS, Knowledge, Mechanism

_PLACE: Final = re.compile(r"\{(" + "|".join(PLACES) + r")\}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_NAME: Final = re.compile(r"[\w(][\w .()-]{0,200}")
_ID: Final = re.compile(r"/[\w/.()-]{0,1000}")
_OPEN: Final = {"name": "NAME", "group": "RESOURCE_GROUP", "region": "REGION", "id": "RESOURCE_ID"}
"""What stands where the store's own value is not known, or is none that Azure could have given it."""


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
    """What Azure can have called something, with no sign in it that means anything inside of quotes; else a place."""
    given = {
        "name": subject.name,
        "group": resource_group(subject.id),
        "region": subject.region or "",
        "id": subject.id,
    }
    possible = {place: _ID if place == "id" else _NAME for place in given}
    return {place: text if possible[place].fullmatch(text) else _OPEN[place] for place, text in given.items()}


def _filled(mechanism: Mechanism, scenario: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Commands with the names put in, quoted where a shell needs it and the command does not quote them already."""
    return tuple(_command(line, names) for line in mechanism.restore.get(scenario, ()))


def _command(line: str, names: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        text = names[match[1]]
        before = line[: match.start()]
        quoted = before.count('"') % 2 == 1 or "#" in before
        return text if quoted or _PLAIN.fullmatch(text) else shlex.quote(text)

    return _PLACE.sub(value, line)

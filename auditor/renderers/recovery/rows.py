"""The rows of the recovery analysis in the JSON contract's words; rows that stores share are serialised once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from auditor.model import Change, Figure, Recovery, RunbookChapter, StoreRecovery
from auditor.quantities import iso_duration
from auditor.renderers.escaping import json_text
from auditor.renderers.values import clean, plain

_CACHE: Final = 50_000
_UNITS: Final = ((86_400, "P{}D"), (3_600, "PT{}H"), (60, "PT{}M"))


def rows(stores: Iterable[StoreRecovery]) -> Iterator[str]:
    """Each row as JSON text, store by store in the scenarios' order."""
    known: dict[int, str] = {}
    for store in stores:
        subject = store.subject
        name = json_text({"id": clean(subject.id), "type": clean(subject.type), "name": clean(subject.name)})
        for row in store.scenarios:
            # The stores keep every row alive while it is rendered, so an address stands for one of them alone.
            text = known.get(id(row))
            if text is None:
                text = json_text(as_json(row))[1:]
                if len(known) < _CACHE:
                    known[id(row)] = text
            yield f'{{"resource": {name}, {text}'


def as_json(row: Recovery) -> dict[str, Any]:
    """A row without its store: the contract's keys, then what explains them."""
    figures = {"rpo": row.rpo, "rto": row.rto, "lookback": row.lookback}
    reasons = {name: clean(figure.reason) for name, figure in figures.items() if figure.reason}
    entry: dict[str, Any] = {
        "scenario": row.scenario,
        "recoverable": row.recoverable,
        **{name: duration(figure) for name, figure in figures.items()},
        "mechanism": row.mechanism or None,
        "objective": row.objective or None,
        "verdict": row.verdict or None,
        "sources": [plain(source._asdict()) for source in row.sources],
        "reasons": reasons,
        "title": row.title,
        "reason": row.reason,
        "actor": row.actor or None,
        "verdict_reason": row.verdict_reason,
        "notes": list(row.notes),
        "not_restored": list(row.not_restored),
        "defeated_by": list(row.defeated_by),
        "others": [{"mechanism": mechanism, "title": title} for mechanism, title in row.others],
        "changes": [_change(change) for change in row.changes],
    }
    return dict(plain(entry))


def chapter(one: RunbookChapter) -> str:
    """All steps of a store in a runbook as JSON text."""
    subject = one.subject
    name = {"id": subject.id, "type": subject.type, "name": subject.name}
    return json_text(plain({"resource": name, "steps": [step._asdict() for step in one.steps]}))


def _change(change: Change) -> dict[str, Any]:
    return {**change._asdict(), "settings": dict(change.settings)}


def duration(figure: Figure) -> str | None:
    """ISO 8601 in the largest unit that stays whole (`P30D`, `PT4H`, `PT100S`); None where there is no number."""
    seconds = figure.seconds
    if seconds is None or math.isinf(seconds):
        return None
    whole = round(seconds)
    for size, form in _UNITS:
        if whole and not whole % size:
            return form.format(whole // size)
    return iso_duration(whole) if whole >= 86_400 else f"PT{whole}S"

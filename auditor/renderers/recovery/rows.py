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


class Rows:
    """The rows of a report as JSON text, and what they point to: each mechanism and each change is written once.

    `mechanisms` and `changes` are whole once the rows have been written.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[int, str] = {}
        self.mechanisms: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def texts(self, stores: Iterable[StoreRecovery]) -> Iterator[str]:
        """Each row, store by store in the scenarios' order; rows that stores share are serialised once."""
        for store in stores:
            subject = store.subject
            name = json_text({"id": clean(subject.id), "type": clean(subject.type), "name": clean(subject.name)})
            for row in store.scenarios:
                # The stores keep every row alive while it is rendered, so an address stands for one of them alone.
                text = self._known.get(id(row))
                if text is None:
                    text = json_text(self.as_json(row))[1:]
                    if len(self._known) < _CACHE:
                        self._known[id(row)] = text
                yield f'{{"resource": {name}, {text}'

    def as_json(self, row: Recovery) -> dict[str, Any]:
        """A row without its store: the contract's keys, then what explains them."""
        figures = {"rpo": row.rpo, "rto": row.rto, "lookback": row.lookback}
        reasons = {name: clean(figure.reason) for name, figure in figures.items() if figure.reason}
        if row.mechanism and row.mechanism not in self.mechanisms:
            lists = {"not_restored": row.not_restored, "defeated_by": row.defeated_by}
            about = {"title": row.title, **{name: list(texts) for name, texts in lists.items()}}
            self.mechanisms[row.mechanism] = dict(plain(about))
        entry: dict[str, Any] = {
            "scenario": row.scenario,
            "recoverable": row.recoverable,
            **{name: duration(figure) for name, figure in figures.items()},
            "mechanism": row.mechanism or None,
            "objective": row.objective or None,
            "verdict": row.verdict or None,
            "sources": [plain(source._asdict()) for source in row.sources],
            "reasons": reasons,
            "reason": row.reason,
            "actor": row.actor or None,
            "verdict_reason": row.verdict_reason,
            "notes": list(row.notes),
            "others": [mechanism for mechanism, _ in row.others],
            "changes": [self._change(change) for change in row.changes],
        }
        return dict(plain(entry))

    def _change(self, change: Change) -> int:
        """The place of a change among all of them."""
        made = dict(plain({**change._asdict(), "settings": dict(change.settings)}))
        number = self._numbers.setdefault(json_text(made), len(self.changes))
        if number == len(self.changes):
            self.changes.append(made)
        return number


def chapter(one: RunbookChapter) -> str:
    """All steps of a store in a runbook as JSON text."""
    subject = one.subject
    name = {"id": subject.id, "type": subject.type, "name": subject.name}
    return json_text(plain({"resource": name, "steps": [step._asdict() for step in one.steps]}))


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

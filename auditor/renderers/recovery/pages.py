"""What `auditor recovery` writes: pages for people, made by the same templates' machinery as reports, and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor.model import RecoveryReport, Subject
from auditor.renderers import json_v1, template
from auditor.renderers.escaping import json_text
from auditor.renderers.recovery import rows
from auditor.renderers.recovery.view import Cell, matrix
from auditor.renderers.values import clean

MAX_SHOWN: Final = 500
"""Stores that a page shows in full; the others are in the JSON report."""
WHAT_IF: Final = "auditor/what-if/v1"


class Changed(NamedTuple):
    """One cell that a what-if changes."""

    subject: Subject
    before: Cell
    after: Cell


def renderer(name: str, template_dir: Path | None) -> Callable[[RecoveryReport], Iterator[str]]:
    """The renderer of a recovery template; it sees `report`, `recovery`, `changed`, `what_if`, `runbook`, `limit`."""
    return template.page(name, template_dir, context, _entries)


def context(shown: RecoveryReport) -> Mapping[str, Any]:
    """What a recovery template sees."""
    return {
        "report": shown.report,
        "recovery": matrix(shown.report.recovery),
        "changed": changed(shown),
        "what_if": shown.asked,
        "runbook": shown.runbook,
        "limit": MAX_SHOWN,
    }


def changed(shown: RecoveryReport) -> list[Changed]:
    """The cells that end otherwise than before, or with other figures."""
    before = {line.subject.id: line for line in matrix(shown.before or ()).lines}
    return [
        Changed(line.subject, was, cell)
        for line in matrix(shown.report.recovery).lines
        if line.subject.id in before
        for was, cell in zip(before[line.subject.id].cells, line.cells, strict=True)
        if was[:-1] != cell[:-1] and _outcome(was) != _outcome(cell)
    ]


def _outcome(cell: Cell) -> tuple[str, ...]:
    return (cell.recoverable, cell.rpo, cell.rto, cell.lookback, cell.by, cell.verdict)


def _entries(shown: RecoveryReport) -> int:
    cells = sum(len(store.scenarios) for store in shown.report.recovery)
    return cells * (2 + (shown.before is not None) + (shown.runbook is not None))


def as_json(shown: RecoveryReport) -> Iterator[str]:
    """The report in the v1 contract, whose `recovery` holds the rows, and the runbook where one was asked for.

    One of settings as they might be has a schema of its own, so that nobody takes it for what is.
    """
    more: list[tuple[str, Iterable[str]]] = []
    if shown.asked:
        more.append(("what_if", map(json_text, map(clean, shown.asked))))
    if shown.runbook is not None:
        more.append(("runbook", map(rows.chapter, shown.runbook)))
    schema = WHAT_IF if shown.asked else json_v1.SCHEMA
    return json_v1.in_chunks(json_v1.lines(shown.report, schema=schema, before=shown.before, more=more))

"""What `auditor recovery` writes: pages for people, made by the same templates' machinery as reports, and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from auditor.model import RecoveryReport, Subject
from auditor.renderers import json_v1, template
from auditor.renderers.recovery.view import Cell, matrix


class Changed(NamedTuple):
    """One cell that a what-if changes."""

    subject: Subject
    before: Cell
    after: Cell


def renderer(name: str, template_dir: Path | None) -> Callable[[RecoveryReport], Iterator[str]]:
    """The renderer of a recovery template; it sees `report`, `recovery`, `changed`, `what_if` and `runbook`."""
    return template.page(name, template_dir, context, _entries)


def context(shown: RecoveryReport) -> Mapping[str, Any]:
    """What a recovery template sees."""
    return {
        "report": shown.report,
        "recovery": matrix(shown.report.recovery),
        "changed": changed(shown),
        "what_if": shown.before is not None,
        "runbook": shown.runbook,
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
    """The report in the v1 contract, whose `recovery` holds the rows."""
    return json_v1.render(shown.report)

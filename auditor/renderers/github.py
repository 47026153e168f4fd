"""GitHub's workflow commands: `::error file=…,line=…::…`, the most urgent of each kind.

What ends a property or a line is escaped as the runner undoes it (ActionCommand.cs of actions/runner, 2026-11-26); what
could act otherwise is shown. So a name stays text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from auditor.model import Report, Severity
from auditor.renderers.annotations import MAX_NOTES, Note, notes, safe

KINDS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(report: Report) -> Iterator[str]:
    """The commands, one a chunk. The summary is the first notice, because it is the one that must not be dropped."""
    found = notes(report, KINDS, {"notice": MAX_NOTES - 1})
    yield f"::notice title=auditor::{_data(found.summary)}\n"
    for note in found.shown:
        yield f"::{note.kind} {_properties(note)}::{_data(note.text)}\n"


def _properties(note: Note) -> str:
    where = note.place
    # Without a file the note stands at the run.
    values = {} if where.live else {"file": where.path, "line": where.line, "col": where.column}
    given = {key: str(value) for key, value in values.items() if value is not None} | {"title": note.code}
    return ",".join(f"{key}={_property(value)}" for key, value in given.items())


def _data(text: str) -> str:
    return safe(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

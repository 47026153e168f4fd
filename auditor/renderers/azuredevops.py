"""Azure Pipelines' logging commands: `##vso[task.logissue type=error;…]…`, the most urgent of each kind.

What ends a property or a line is escaped as the agent undoes it (Command.cs of microsoft/azure-pipelines-agent and
taskcommand.ts of its task library, 2026-11-26). There is no `task.complete`: the exit code ends the step, and it knows
of `--fail-on`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from auditor.model import Report, Severity
from auditor.renderers.annotations import Note, notes, safe

KINDS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "warning",
    Severity.INFO: "warning",
}


def render(report: Report) -> Iterator[str]:
    """The summary as a line of the log, then the commands, one a chunk."""
    found = notes(report, KINDS, {})
    yield safe(found.summary) + "\n"
    for note in found.shown:
        yield f"##vso[task.logissue {_properties(note)}]{_data(note.text)}\n"


def _properties(note: Note) -> str:
    where = note.place
    place = {} if where.live else {"sourcepath": where.path, "linenumber": where.line, "columnnumber": where.column}
    given = {"type": note.kind, **{key: str(value) for key, value in place.items() if value is not None}}
    return "".join(f"{key}={_property(value)};" for key, value in (given | {"code": note.code}).items())


def _data(text: str) -> str:
    return safe(text).replace("%", "%AZP25")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")

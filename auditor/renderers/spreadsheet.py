"""The CSV report (RFC 4180): one row a finding, for a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe before it, and control characters are removed, so
that no name of an estate can run or hide anything.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Final

from auditor.model import Finding, Gap, Report, Waiver
from auditor.renderers.escaping import CLASS
from auditor.renderers.overview import waived_by
from auditor.renderers.values import clean, needing, spoken

COLUMNS: Final = (
    "outcome",
    "severity",
    "waived",
    "service",
    "rule",
    "title",
    "resource",
    "type",
    "region",
    "resource id",
    "message",
    "expected",
    "observed",
    "basis",
    "reason",
    "origin",
    "waiver",
    "waiver expires",
    "since",
)

_CHUNK: Final = 64 * 1024
_UNSAFE: Final = re.compile(f"[{CLASS}]+")
# Azure Pipelines obeys this anywhere in a line of a log.
_LOG_COMMAND: Final = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
# Full-width forms are folded to these by some spreadsheets.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: one line, no control or direction characters."""
    safe = _LOG_COMMAND.sub("# #", _UNSAFE.sub(" ", clean(text)).strip())
    return "'" + safe if safe.startswith(_FORMULA) or text.startswith(("\t", "\r")) else safe


def render(report: Report) -> Iterator[str]:
    """The findings as CSV, in chunks.

    Gaps are rows with the outcome `gap`, waivers that want a look rows with the outcome `waiver`, what was open in an
    earlier run and went with its resource rows with the outcome `gone`: they are no findings, and no less.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([cell(text) for text in row])
        if buffer.tell() >= _CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    since = report.since
    fresh = frozenset(since.new_gaps) if since is not None else frozenset[Gap]()
    for gap in report.gaps:
        novelty = "" if since is None else "new" if gap in fresh else "unchanged"
        yield _beside(_gap(gap) | {"since": novelty})
    for finding in report.findings:
        yield _row(report, finding)
    for waiver in report.stale_waivers:
        yield _beside(_waiver(waiver))
    for rule, resource in since.gone if since is not None else ():
        name, said = resource.rpartition("/")[2], "the resource is no longer there"
        told = {"outcome": "gone", "rule": rule, "resource": name, "resource id": resource, "message": said}
        yield _beside(told | {"since": "gone"})


def _beside(cells: Mapping[str, str]) -> tuple[str, ...]:
    """A row that is no finding."""
    return tuple(cells.get(column, "") for column in COLUMNS)


def _gap(gap: Gap) -> dict[str, str]:
    reason = needing(gap.reason, gap.permission)
    origin = f"{gap.origin.uri}:{gap.origin.line}" if gap.origin.line else gap.origin.uri
    told = {"outcome": "gap", "resource id": gap.subject, "message": reason, "basis": "unknown", "reason": reason}
    return told | {"origin": origin}


def _waiver(waiver: Waiver) -> dict[str, str]:
    said = f"{waiver.state.value}: {waiver.note}" if waiver.note else waiver.state.value
    told = {"outcome": "waiver", "waived": "no", "rule": waiver.rule, "resource id": waiver.scope, "message": said}
    return told | {"origin": waiver.place, "waiver": waived_by(waiver), "waiver expires": waiver.expires}


def _row(report: Report, finding: Finding) -> tuple[str, ...]:
    rule = report.rules.get(finding.rule)
    subject = finding.subject
    evidence = finding.evidence
    waiver = finding.waiver
    places = dict.fromkeys(
        f"{place.uri}:{place.line}" if place.line else place.uri for place in map(finding.origin_of, evidence)
    )
    return (
        finding.outcome.value,
        finding.severity.value,
        "yes" if finding.waived else "no",
        report.services.get(rule.service, rule.service) if rule else "",
        finding.rule,
        rule.title if rule else "",
        subject.name,
        subject.type,
        subject.region or "",
        subject.id,
        finding.message,
        "; ".join(f"{item.path}: {spoken(item.expected)}" for item in evidence),
        "; ".join(f"{item.path}: {spoken(item.observed)}" for item in evidence),
        "; ".join(dict.fromkeys(item.basis.value for item in evidence)),
        "; ".join(dict.fromkeys(item.reason for item in evidence if item.reason)),
        "; ".join(places),
        waived_by(waiver) if waiver else "",
        waiver.expires if waiver else "",
        finding.novelty.value if finding.novelty is not None else "",
    )

"""The CSV report (RFC 4180): one row a finding, for a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe before it, and control characters are removed, so
that no name of an estate can run or hide anything.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from auditor.model import Finding, Report
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

    Gaps are rows with the outcome `gap`, waivers that want a look rows with the outcome `waiver`: they are no findings,
    and no less.
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
    for gap in report.gaps:
        reason = needing(gap.reason, gap.permission)
        where = f"{gap.origin.uri}:{gap.origin.line}" if gap.origin.line else gap.origin.uri
        yield ("gap", "", "", "", "", "", "", "", "", gap.subject, reason, "", "", "unknown", reason, where, "", "")
    for finding in report.findings:
        yield _row(report, finding)
    for waiver in report.stale_waivers:
        said = f"{waiver.state.value}: {waiver.note}" if waiver.note else waiver.state.value
        yield (
            "waiver", "", "no", "", waiver.rule, "", "", "", "", waiver.scope, said, "", "", "", "", waiver.place,
            waived_by(waiver), waiver.expires,
        )  # fmt: skip


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
    )

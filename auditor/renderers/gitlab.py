"""GitLab's Code Quality report: what failed, was not decided or not read, and idle waivers; the most urgent first.

GitLab wants a path and a line of everything (docs.gitlab.com, "Code Quality", 2026-11-26): what a live deployment
answered has its resource id as a path, and line 1. Two entries with one fingerprint would be shown as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from auditor.model import Finding, Gap, Origin, Outcome, Report, Severity, Waiver
from auditor.renderers.escaping import json_text, web
from auditor.renderers.locations import Fingerprints, Place, place, primary
from auditor.renderers.overview import by_urgency, said, state_of, without_effect
from auditor.renderers.values import needing

NOT_READ: Final = "not-read"
WAIVER: Final = "waiver"

_SEVERITIES: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}
_UNKNOWN: Final = "major"


def render(report: Report) -> Iterator[str]:
    """The report as JSON text, in chunks of one entry."""
    yield "["
    separator = "\n"
    for entry in _entries(report):
        yield separator + json_text(entry)
        separator = ",\n"
    yield "\n]\n"


def _entries(report: Report) -> Iterator[dict[str, Any]]:
    fingerprints = Fingerprints()
    for gap in report.gaps:
        yield _gap(gap, fingerprints)
    for finding in by_urgency(f for f in report.findings if state_of(f) in ("fail", "unknown")):
        yield _finding(finding, fingerprints)
    for waiver in report.stale_waivers:
        yield _waiver(waiver, fingerprints)


def _finding(finding: Finding, fingerprints: Fingerprints) -> dict[str, Any]:
    severity = _UNKNOWN if finding.outcome is Outcome.UNKNOWN else _SEVERITIES[finding.severity]
    text = f"{finding.subject.name}: {said(finding)}"
    return _entry(finding.rule, text, severity, fingerprints.of(finding.rule, finding.subject.id), primary(finding))


def _gap(gap: Gap, fingerprints: Fingerprints) -> dict[str, Any]:
    text = f"Not read: {gap.subject}: {needing(gap.reason, gap.permission)}"
    return _entry(NOT_READ, text, _UNKNOWN, fingerprints.of(NOT_READ, gap.subject), place(gap.origin, gap.subject))


def _waiver(waiver: Waiver, fingerprints: Fingerprints) -> dict[str, Any]:
    origin = waiver.origin or Origin("")
    fingerprint = fingerprints.of(WAIVER, f"{waiver.rule} {waiver.resource or origin.uri} {waiver.tags}")
    return _entry(WAIVER, without_effect(waiver), "minor", fingerprint, place(origin, "waivers"))


def _entry(check: str, text: str, severity: str, fingerprint: str, where: Place) -> dict[str, Any]:
    return {
        "description": web(text),
        "check_name": web(check),
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": web(where.path), "lines": {"begin": where.line or 1}},
    }

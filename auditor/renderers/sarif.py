"""SARIF 2.1.0, twice: everything, for viewers and archives; and what GitHub code scanning may be given.

GitHub takes every result for a problem, whatever its kind, and knows no suppressions (issue 955 of microsoft/PSRule and
issue 1230 of github/codeql-action, 2026-11-26). So its file holds what failed or could not be decided, and no more.
Both keep to its limits (docs.github.com, "SARIF support for code scanning", 2026-11-26), the most urgent results first,
and a notification says what was left out. Only ASCII is written.

Held against an earlier run, every result has a `baselineState`, and what is gone with its resource is an absent result.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from auditor.model import Finding, Gap, Novelty, Origin, Outcome, Report, RuleInfo, Severity, Since, Waiver
from auditor.renderers.escaping import https_url, json_text, markdown, web
from auditor.renderers.locations import Fingerprints, Place, place, primary, related
from auditor.renderers.overview import STATES, cause, counted, most_urgent, said, state_of
from auditor.renderers.values import clean, utc

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "%SRCROOT%"

MAX_RESULTS: Final = 25_000
"""Results a run: GitHub refuses a file with more, and shows the 5,000 most severe."""
MAX_PACKED: Final = 9_000_000
"""Bytes of packed results. GitHub refuses files of more than 10 MB, packed by gzip; ours are counted packed worse."""
MAX_TAGS: Final = 10
MAX_NOTIFICATIONS: Final = 1_000
MAX_TEXT: Final = 1_000

LEVELS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_KINDS: Final[Mapping[Outcome, str]] = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.UNKNOWN: "open",
    Outcome.NOT_APPLICABLE: "notApplicable",
    Outcome.INFORMATIONAL: "informational",
}
# GitHub's bands: over 9.0 critical, from 7.0 high, from 4.0 medium, from 0.1 low.
_SCORES: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.1",
}
_PROBLEMS: Final[Mapping[str, str]] = {"error": "error", "warning": "warning", "note": "recommendation"}
# What became of a problem: one that may be old counts as new, and one that is mended is there no more.
_BASELINE_STATES: Final[Mapping[Novelty, str]] = {
    Novelty.NEW: "new",
    Novelty.CANNOT_TELL: "new",
    Novelty.FIXED: "absent",
    Novelty.UNCHANGED: "unchanged",
}
_GONE: Final = "gone"
_EMPTY: Final = 4
_NOTIFICATIONS: Final[Mapping[str, str]] = {
    "not-read": "Something in scope could not be read; nothing may be concluded about it.",
    "not-changed": "Entry points that were left out, because only what a change reaches was asked for.",
    "nothing-audited": "No resource of an audited service was found.",
    "left-out": "Findings that this file does not hold.",
    "waiver-stale": "A waiver that does not count, or that nothing needs.",
}
_LANGUAGES: Final[Mapping[str, str]] = {"az": "sh", "bicep": "bicep", "azurerm": "hcl", "powershell": "powershell"}

JSON = dict[str, Any]


class Comparison(NamedTuple):
    """What is told otherwise of a comparison than of a scan: how it ends, what decides on that, what an empty one says.

    A store has many results of one rule there, so that settings are part of their fingerprints.
    """

    code: int
    by: str
    empty: str


def render(report: Report, comparison: Comparison | None = None) -> Iterator[str]:
    """All findings, in chunks of one result; `comparison` is there where they are differences."""
    return _Run(report, comparison, (*STATES, _GONE), "").render()


def render_for_github(report: Report, comparison: Comparison | None = None) -> Iterator[str]:
    """What failed or could not be decided, in chunks of one result; `comparison` as with `render`."""
    why = "GitHub code scanning shows each result as an alert, whatever its kind"
    return _Run(report, comparison, ("fail", "unknown"), why).render()


class _Run:
    """A report on its way to SARIF: results in `states`, and `why` there are no others."""

    def __init__(self, report: Report, comparison: Comparison | None, states: Iterable[str], why: str) -> None:
        self.report = report
        self.comparison = comparison
        self.states = states
        self.why = why
        self.fingerprints = Fingerprints()

    def render(self) -> Iterator[str]:
        left_out = Counter(state_of(finding) for finding in self.report.findings)
        left_out[_GONE] = 0 if self.report.since is None else len(self.report.since.gone)
        yield from _head(self.report)
        packer, packed = zlib.compressobj(1), 0
        separator = "\n"
        for state, result in islice(self.results(), MAX_RESULTS):
            text = json_text(result)
            packed += len(packer.compress(text.encode("ascii")))
            if packed > MAX_PACKED:
                break
            yield separator + text
            separator = ",\n"
            left_out[state] -= 1
        notes = [*_left_out(left_out, self.states, self.why), *_notes(self.report)]
        yield f'\n],\n"invocations": [{json_text(_invocation(self.report, self.comparison, notes))}]\n}}]}}\n'

    def results(self) -> Iterator[tuple[str, JSON]]:
        """The results with the words they are counted under, the most urgent first."""
        report = self.report
        numbers = {name: {"ruleIndex": index} for index, name in enumerate(report.rules)}
        for finding in most_urgent((f for f in report.findings if state_of(f) in self.states), MAX_RESULTS):
            result = _result(finding, self.fingerprint(finding))
            yield state_of(finding), result | numbers.get(finding.rule, {})
        if report.since is not None and _GONE in self.states:
            for rule, resource in report.since.gone:
                yield _GONE, _gone(rule, resource, self.fingerprints.of(rule, resource)) | numbers.get(rule, {})

    def fingerprint(self, finding: Finding) -> str:
        setting = finding.evidence[0].path if self.comparison is not None and finding.evidence else ""
        return self.fingerprints.of(finding.rule, f"{finding.subject.id} {setting}")


def _head(report: Report) -> Iterator[str]:
    live = bool(report.targets) and all(target.startswith("azure:") for target in report.targets)
    run: JSON = {
        # An upload replaces the last one with the same category, which is all but what follows the last slash.
        "automationDetails": {"id": f"auditor/{_text(report.baseline)}/{'live' if live else 'files'}/"},
        "originalUriBaseIds": {
            ROOT: {"description": {"text": "The folder the scan ran in: the root of the checkout."}}
        },
        "columnKind": "unicodeCodePoints",
        "properties": {
            "baseline": _text(report.baseline),
            "targets": [_text(target) for target in report.targets[:100]],
            "summary": report.summary(),
            **({} if report.since is None else {"since": _since(report.since)}),
        },
    }
    yield f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [{{\n'
    yield f'"tool": {{"driver": {{"name": "auditor", "version": {json_text(_text(report.tool_version))},\n"rules": ['
    separator = "\n"
    for rule in report.rules.values():
        yield separator + json_text(_rule(rule))
        separator = ",\n"
    kinds = [_kind(name, text) for name, text in _NOTIFICATIONS.items()]
    yield f'\n],\n"notifications": {json_text(kinds)}}}}},\n'
    for key, value in run.items():
        yield f'"{key}": {json_text(value)},\n'
    yield '"results": ['


def _since(since: Since) -> JSON:
    texts = {"name": since.name, "collectedAt": since.collected_at, "baseline": since.baseline}
    return {name: _text(text) for name, text in texts.items()}


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _rule(rule: RuleInfo) -> JSON:
    level = LEVELS[rule.severity]
    entry: JSON = {
        "id": clean(rule.id),
        "name": _name(rule.id),
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(rule.rationale or rule.title)},
        "help": {"text": _help(rule), "markdown": _help_markdown(rule)},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": _tags(rule),
            "precision": "very-high",
            "problem.severity": _PROBLEMS[level],
            "security-severity": _SCORES[rule.severity],
        },
    }
    url = next((url for _, url in rule.references if https_url(url)), "")
    return entry | {"helpUri": url} if url else entry


def _kind(name: str, text: str) -> JSON:
    said = {"text": text}
    return {"id": name, "name": _name(name), "shortDescription": said, "fullDescription": said, "help": said}


def _name(name: str) -> str:
    """`storage-blob-soft-delete` as `StorageBlobSoftDelete`, which SARIF recommends and GitHub limits."""
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name))[:255] or "Rule"


def _tags(rule: RuleInfo) -> list[str]:
    controls = (f"{control['framework']}: {control['id']}" for control in rule.controls)
    tags = dict.fromkeys(map(_text, ("security", "resiliency", "azure", rule.service, *controls)))
    return list(tags)[:MAX_TAGS]


def _help(rule: RuleInfo) -> str:
    parts = [rule.rationale or rule.title, *(f"{key}: {text}" for key, text in rule.remediation.items())]
    parts += [f"{title}: {url}" for title, url in rule.references]
    return web("\n\n".join(parts))


def _help_markdown(rule: RuleInfo) -> str:
    parts = [_paragraph(rule.rationale or rule.title)]
    for key, text in rule.remediation.items():
        if key in _LANGUAGES:
            parts.append(f"**{key}**\n\n{_fenced(web(text), _LANGUAGES[key])}")
        else:
            parts.append(f"**{_paragraph(key)}**: {_paragraph(text)}")
    links = [f"- [{_paragraph(title)}]({url})" for title, url in rule.references if https_url(url)]
    controls = [
        f"- {_paragraph(control.get('framework', ''))}: {_paragraph(control.get('id', ''))}"
        for control in rule.controls
    ]
    parts += ["\n".join(links), "**Controls**\n\n" + "\n".join(controls) if controls else ""]
    return "\n\n".join(filter(None, parts))


def _paragraph(text: str) -> str:
    return markdown(" ".join(text.split()))


def _fenced(text: str, language: str) -> str:
    """Code in a fence that nothing in it can close."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _result(finding: Finding, fingerprint: str) -> JSON:
    subject = finding.subject
    failed = finding.outcome is Outcome.FAIL
    entry: JSON = {
        "ruleId": clean(finding.rule),
        "kind": _KINDS[finding.outcome],
        "level": LEVELS[finding.severity] if failed else "none",
        "message": {"text": _text(f"{subject.name}: {said(finding)}")},
        "locations": [_location(primary(finding)) | {"logicalLocations": [_logical(subject.name, subject.id)]}],
        "relatedLocations": [
            {"id": index, **_location(found.place), "message": {"text": _text(found.text)}}
            for index, found in enumerate(related(finding), 1)
        ],
        "partialFingerprints": _fingerprints(fingerprint),
        # Either all results have suppressions, or none (SARIF 3.27.23).
        "suppressions": [_suppression(finding.waiver)] if finding.waived and finding.waiver else [],
        "properties": _properties(finding),
    }
    return entry if finding.novelty is None else entry | {"baselineState": _BASELINE_STATES[finding.novelty]}


def _gone(rule: str, resource: str, fingerprint: str) -> JSON:
    """What was open in the earlier run, and is about a resource that is no longer there."""
    name = resource.rpartition("/")[2]
    return {
        "ruleId": clean(rule),
        "kind": "notApplicable",
        "level": "none",
        "message": {"text": _text(f"{name}: the resource is no longer there")},
        "locations": [_location(place(Origin(""), resource)) | {"logicalLocations": [_logical(name, resource)]}],
        "partialFingerprints": _fingerprints(fingerprint),
        "suppressions": [],
        "baselineState": "absent",
    }


def _fingerprints(fingerprint: str) -> JSON:
    # GitHub looks at the first alone, and would otherwise take all stores that one line of a module makes for one.
    return {"primaryLocationLineHash": fingerprint, "auditor/v1": fingerprint}


def _properties(finding: Finding) -> JSON:
    entry: JSON = {"severity": finding.severity.value}
    if finding.novelty is not None:
        entry["since"] = finding.novelty.value
    if finding.subject.condition is not None:
        entry["condition"] = _text(finding.subject.condition)
    if finding.waiver is not None and not finding.waived:
        entry["waiver"] = {"state": finding.waiver.state.value, **_waiver(finding.waiver)}
    return entry


def _suppression(waiver: Waiver) -> JSON:
    entry: JSON = {
        "kind": "inSource" if waiver.inline else "external",
        "status": "accepted",
        "justification": _text(waiver.reason),
        "properties": _waiver(waiver),
    }
    return entry if waiver.origin is None else entry | {"location": _location(place(waiver.origin))}


def _waiver(waiver: Waiver) -> JSON:
    values = {"owner": waiver.owner, "expires": waiver.expires, "ticket": waiver.ticket, "note": waiver.note}
    return {name: _text(value) for name, value in values.items() if value}


def _location(where: Place) -> JSON:
    artifact: JSON = {"uri": where.uri}
    if where.relative:
        artifact["uriBaseId"] = ROOT
    # GitHub wants a line even of what has none.
    region: JSON = {"startLine": where.line or 1}
    if where.column is not None:
        region["startColumn"] = where.column
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _logical(name: str, full: str) -> JSON:
    return {"name": _text(name), "fullyQualifiedName": _text(full), "kind": "resource"}


# ── the run itself ───────────────────────────────────────────────────────────────────────────────────────────────────


def _invocation(report: Report, comparison: Comparison | None, notes: list[JSON]) -> JSON:
    """How the run ended. Only one in which all was read, and something was, is called successful."""
    nothing = _NOTIFICATIONS["nothing-audited"]
    scan = report.exit_code(Severity.LOW), "of a scan with --fail-on low, the default", nothing
    code, by, says = comparison or scan
    empty = report.empty or code == _EMPTY
    if empty:
        notes.append(_notification("nothing-audited", "error", says))
    entry: JSON = {
        "executionSuccessful": not report.gaps and not empty,
        "exitCode": code,
        "exitCodeDescription": by,
        "toolExecutionNotifications": notes,
    }
    for key, time in (("startTimeUtc", report.collected_at), ("endTimeUtc", report.generated_at)):
        if utc(time):
            entry[key] = time
    return entry


def _notes(report: Report) -> Iterator[JSON]:
    yield from map(_not_read, report.gaps[:MAX_NOTIFICATIONS])
    if len(report.gaps) > MAX_NOTIFICATIONS:
        more = counted(len(report.gaps) - MAX_NOTIFICATIONS, "more gap")
        yield _notification("not-read", "error", f"{more}; the JSON report holds all of them")
    if report.left_out:
        text = f"{counted(report.left_out, 'entry point')} not audited: nothing that changed reaches them."
        yield _notification("not-changed", "note", text)
    for waiver in report.stale_waivers[:MAX_NOTIFICATIONS]:
        text = f"{waiver.rule or 'A waiver'} on {waiver.scope}: {waiver.note or waiver.state}"
        yield _notification("waiver-stale", "warning", text)
    if len(report.stale_waivers) > MAX_NOTIFICATIONS:
        more = counted(len(report.stale_waivers) - MAX_NOTIFICATIONS, "more waiver")
        yield _notification("waiver-stale", "warning", f"{more}; the JSON report holds all of them")


def _left_out(numbers: Mapping[str, int], states: Iterable[str], why: str) -> Iterator[JSON]:
    """What is not in the file: because it is not meant to be, or for want of room."""
    meant = {state: number for state, number in numbers.items() if number and state not in states}
    cut = {state: number for state, number in numbers.items() if number and state in states}
    if meant:
        yield _notification("left-out", "note", f"Not in this file: {_numbers(meant)}. {why}.")
    if cut:
        # Where something to act on is missing, the results are not complete (SARIF, appendix I).
        level = "error" if "fail" in cut or "unknown" in cut else "warning"
        limit = f"GitHub code scanning takes {MAX_RESULTS:,} results and 10 MB, packed"
        yield _notification("left-out", level, f"Left out, the least urgent first: {_numbers(cut)}. {limit}.")


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[state]:,} {state}" for state in (*STATES, _GONE) if state in counts)


def _not_read(gap: Gap) -> JSON:
    needs = f" It needs {gap.permission}." if gap.permission else ""
    note = _notification("not-read", "error", f"{gap.subject}: {cause(gap)}{needs}")
    return note | {"locations": [_gap_location(gap.origin, gap.subject)]}


def _gap_location(origin: Origin, subject: str) -> JSON:
    where = place(origin, subject)
    return {"logicalLocations": [_logical(subject, subject)]} if where.live else _location(where)


def _notification(name: str, level: str, text: str) -> JSON:
    number = list(_NOTIFICATIONS).index(name)
    return {"descriptor": {"id": name, "index": number}, "level": level, "message": {"text": _text(text)}}


def _text(text: str) -> str:
    """Text on the one page that will show it: bounded, what could act is shown, and no link is made of it."""
    text = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
    return web(text).replace("](", "\\](")

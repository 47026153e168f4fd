"""The HTML report: one self-contained page. This module turns a report into the compact data the page's script shows.

Findings reach the page as JSON, with each text stored once, because 20,000 of them as table rows would freeze a
browser; the template writes the most urgent ones as a plain table as well, for a reader without scripts.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from auditor.model import (
    Basis,
    Finding,
    Outcome,
    Renderer,
    Report,
    RuleInfo,
    Severity,
    Subject,
    Unknown,
    Waiver,
    WaiverState,
)
from auditor.renderers import template
from auditor.renderers.escaping import https_url, web
from auditor.renderers.overview import STATES, by_urgency, state_of, waived_by, where
from auditor.renderers.values import because, spoken

MAX_FINDINGS: Final = 50_000
MAX_STATIC: Final = 300

_SEVERITIES: Final = tuple(Severity)
_BASES: Final = tuple(Basis)
_REMEDIATION: Final = {"az": "Azure CLI", "bicep": "Bicep", "azurerm": "Terraform (azurerm)", "caveat": "Caveat"}


def renderer(template_dir: Path | None) -> Renderer:
    """The renderer of the page, with the user's own templates before the shipped ones."""
    return template.renderer("html.html.j2", template_dir, _context)


def _context(report: Report) -> Mapping[str, Any]:
    findings = by_urgency(report.findings)
    data = _Data()
    shown = findings[:MAX_FINDINGS]
    rows = [data.finding(report, finding) for finding in shown]
    index = {(finding.rule, finding.subject.id.casefold()): number for number, finding in enumerate(shown)}
    undecided = _behind_gaps(report, shown)
    return {
        "data": {
            "states": STATES,
            "severities": [severity.value for severity in _SEVERITIES],
            "bases": [basis.value for basis in _BASES],
            "services": {web(name): web(title) for name, title in report.services.items()},
            "findings": rows,
            "subjects": data.subjects,
            "rules": data.rules,
            "waivers": data.waivers,
            "statements": [
                [
                    web(row.id),
                    [index[key] for rule, resource in row.findings if (key := (rule, resource.casefold())) in index],
                ]
                for row in report.statements
            ],
            "gaps": undecided,
            "strings": data.strings,
        },
        "undecided": undecided,
        "left_out": len(findings) - len(shown),
        "static_rows": list(islice((f for f in findings if state_of(f) not in ("pass", "not-applicable")), MAX_STATIC)),
    }


def _behind_gaps(report: Report, shown: list[Finding]) -> list[list[int]]:
    """For each gap the numbers of the undecided findings on the resource that it is, or is a part of."""
    numbers: dict[str, list[int]] = {}
    for number, finding in enumerate(shown):
        if finding.outcome is Outcome.UNKNOWN:
            numbers.setdefault(finding.subject.id.casefold(), []).append(number)
    found: list[list[int]] = []
    for gap in report.gaps:
        scope = gap.subject.casefold()
        while scope and scope not in numbers:
            scope = scope.rpartition("/")[0]
        found.append(numbers.get(scope, []))
    return found


class _Data:
    """Tables that findings point into by number."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self.subjects: list[list[int]] = []
        self.rules: list[list[Any]] = []
        self.waivers: list[list[Any]] = []
        self._string_numbers: dict[str, int] = {}
        self._subject_numbers: dict[int, int] = {}
        self._rule_numbers: dict[str, int] = {}
        self._waiver_numbers: dict[Waiver, int] = {}

    def text(self, text: str) -> int:
        """The number of a text, its control and direction characters made visible."""
        number = self._string_numbers.get(text)
        if number is None:
            number = self._string_numbers[text] = len(self.strings)
            self.strings.append(web(text))
        return number

    def finding(self, report: Report, finding: Finding) -> list[Any]:
        """Rule, subject, state, severity, message, evidence, waiver."""
        evidence = [
            [
                self.text(item.path),
                self.text(spoken(item.expected)),
                self.text("" if isinstance(item.observed, Unknown) else spoken(item.observed)),
                _BASES.index(item.basis),
                self.text(because(item)),
                self.text(where(finding.origin_of(item))),
            ]
            for item in finding.evidence
        ]
        return [
            self._rule(report, finding.rule),
            self._subject(finding.subject),
            STATES.index(state_of(finding)),
            _SEVERITIES.index(finding.severity),
            self.text(finding.message),
            evidence,
            -1 if finding.waiver is None else self._waiver(finding.waiver),
        ]

    def _subject(self, subject: Subject) -> int:
        number = self._subject_numbers.get(id(subject))
        if number is None:
            number = self._subject_numbers[id(subject)] = len(self.subjects)
            texts = (subject.id, subject.type, subject.name, subject.region or "", where(subject.origin))
            self.subjects.append([self.text(text) for text in (*texts, subject.condition or "")])
        return number

    def _rule(self, report: Report, name: str) -> int:
        number = self._rule_numbers.get(name)
        if number is None:
            number = self._rule_numbers[name] = len(self.rules)
            rule = report.rules.get(name)
            self.rules.append(_rule(rule) if rule else [web(name), web(name), "", "", [], [], []])
        return number

    def _waiver(self, waiver: Waiver) -> int:
        number = self._waiver_numbers.get(waiver)
        if number is None:
            number = self._waiver_numbers[waiver] = len(self.waivers)
            active = waiver.state is WaiverState.ACTIVE
            self.waivers.append([web(waiver.reason), web(waiver.owner), web(waived_by(waiver)), active])
        return number


def _rule(rule: RuleInfo) -> list[Any]:
    """Id, title, service, rationale, remediation, references, controls. A reference that is no https link is text."""
    return [
        web(rule.id),
        web(rule.title),
        web(rule.service),
        web(rule.rationale),
        [[web(_REMEDIATION.get(kind, kind)), web(text), kind == "caveat"] for kind, text in rule.remediation.items()],
        [[web(title), https_url(url)] for title, url in rule.references],
        [[web(control.get(key, "")) for key in ("framework", "id", "mapping", "note")] for control in rule.controls],
    ]

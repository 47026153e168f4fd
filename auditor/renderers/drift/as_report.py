"""A delta as a report, so that every format for pipelines takes drift as it takes findings.

A weaker setting fails with the severity of the worst rule that reads it, a different one fails without any, a stronger
one is shown, and what cannot be told is unknown. A finding stands where a file says what should be: nobody can note
anything beside a live resource.
"""

from __future__ import annotations

from typing import Final

from auditor.delta import Delta, Difference, Drift
from auditor.model import Basis, Evidence, Finding, Origin, Outcome, Report, RuleInfo, Severity, Subject
from auditor.renderers.drift.overview import sentence
from auditor.renderers.overview import counted
from auditor.renderers.sarif import Comparison

_OUTCOMES: Final = {
    Drift.WEAKER: Outcome.FAIL,
    Drift.DIFFERENT: Outcome.FAIL,
    Drift.STRONGER: Outcome.INFORMATIONAL,
    Drift.UNKNOWN: Outcome.UNKNOWN,
}
_NO_RULE: Final = RuleInfo(
    "drift",
    "The current side is what the reference is",
    "",
    Severity.INFO,
    "What is documented, what a template says and what runs are to be the same. No rule reads what differs here.",
    {},
    (),
    (),
    "report",
)


def as_report(delta: Delta) -> Report:
    """The delta's differences as findings of the first rule that reads each, or of a rule called `drift`."""
    findings = [_finding(delta, row) for row in delta.differences]
    for subjects, text in (
        (delta.only_in_reference, "is in the reference only"),
        (delta.only_in_current, "is in the current side only"),
    ):
        findings += [_alone(subject, text) for subject in subjects]
    if not findings and delta.compared:
        findings.append(_nothing(delta))
    return Report(
        tool_version=delta.tool_version,
        generated_at=delta.generated_at,
        collected_at=delta.current.collected_at,
        # What is uploaded of a comparison must not take the place of what is uploaded of a scan.
        baseline=f"drift/{delta.baseline}",
        baseline_title=delta.baseline_title,
        targets=(delta.reference.name, delta.current.name),
        subjects=tuple({finding.subject.id.casefold(): finding.subject for finding in findings}.values()),
        findings=tuple(findings),
        gaps=(*delta.reference.gaps, *delta.current.gaps),
        statements=(),
        rules={**delta.rules, _NO_RULE.id: _NO_RULE},
        services={},
    )


def as_comparison(delta: Delta) -> Comparison:
    """What SARIF says of a comparison as such."""
    by = "of a comparison with --fail-on weaker, the default"
    return Comparison(delta.exit_code("weaker"), by, "No resource of an audited service is on both sides.")


def _finding(delta: Delta, row: Difference) -> Finding:
    rules = [delta.rules[name] for name in row.rules if name in delta.rules] or [_NO_RULE]
    worst = max((rule.severity for rule in rules), key=lambda severity: severity.rank)
    unknown = row.drift is Drift.UNKNOWN
    basis = Basis.UNKNOWN if unknown else Basis.ABSENT if row.current is None else Basis.EXPLICIT
    evidence = Evidence(row.path, row.reference, row.current, basis, row.reason, _file(row) or row.origin)
    return Finding(
        rules[0].id,
        row.subject._replace(origin=_file(row) or row.subject.origin),
        _OUTCOMES[row.drift],
        worst if row.drift in (Drift.WEAKER, Drift.UNKNOWN) else Severity.INFO,
        sentence(row),
        (evidence,),
    )


def _file(row: Difference) -> Origin | None:
    """Where the reference or else the current value is written, if that is a file."""
    return next((o for o in (row.reference_origin, row.origin) if o is not None and "://" not in o.uri), None)


def _alone(subject: Subject, text: str) -> Finding:
    return Finding(_NO_RULE.id, subject, Outcome.FAIL, Severity.INFO, f"{subject.name} {text}", ())


def _nothing(delta: Delta) -> Finding:
    """What stands for all stores that were compared where none differs: an empty report looks like none."""
    name = delta.current.name
    subject = Subject(name, "", name, None, Origin(name))
    text = f"{counted(delta.compared, 'resource')} compared, and no difference found"
    return Finding(_NO_RULE.id, subject, Outcome.PASS, Severity.INFO, text, ())

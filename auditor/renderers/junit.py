"""JUnit XML, for the test tab of any CI: one suite a resource, one case a finding.

What failed is a failure, what could not be decided or read is an error; what does not apply, is only shown, or is
waived is skipped, with the reason, and so are waivers without effect. Nothing audited is an error too: an empty file
would look green.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from auditor.model import Finding, Gap, Origin, Outcome, Report, Scope, Subject, Waiver, resource_group
from auditor.renderers.escaping import terminal
from auditor.renderers.locations import Place, place, primary
from auditor.renderers.overview import places, said, state_of, without_effect
from auditor.renderers.values import needing, told, utc

_ELEMENTS: Final[Mapping[str, str]] = {
    "fail": "failure",
    "unknown": "error",
    "waived": "skipped",
    "informational": "skipped",
    "not-applicable": "skipped",
}
# The two characters that XML forbids and that are neither controls nor surrogates.
_FORBIDDEN: Final = {0xFFFE: "U+FFFE", 0xFFFF: "U+FFFF"}


def render(report: Report) -> Iterator[str]:
    """The report as XML, in chunks of one suite."""
    counts = Counter(_ELEMENTS.get(state_of(finding), "") for finding in report.findings)
    nothing = [] if not report.empty else ["No resource of an audited service was found"]
    counts["error"] += len(report.gaps) + len(nothing)
    idle = [_waiver(waiver) for waiver in report.stale_waivers]
    left = [scope for scope in report.scopes if scope.left_out]
    counts["skipped"] += len(idle) + len(left)
    total = len(report.findings) + len(report.gaps) + len(nothing) + len(idle) + len(left)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="auditor" {_totals(total, counts)}>\n'
    time = utc(report.generated_at).removesuffix("Z")
    stamp = f' timestamp="{time}"' if time else ""
    if report.gaps:
        yield from _suite("Not read", stamp, [_gap(gap) for gap in report.gaps], Counter(error=len(report.gaps)))
    if nothing:
        case = _case("audit", "auditor", None, f"    <error{_attributes(message=nothing[0], type='empty')}/>\n")
        yield from _suite("Audit", stamp, [case], Counter(error=1))
    for _, group in groupby(report.findings, key=lambda finding: finding.subject.id):
        findings = list(group)
        cases = [_finding(report, finding) for finding in findings]
        inside = Counter(_ELEMENTS.get(state_of(finding), "") for finding in findings)
        yield from _suite(findings[0].subject.id, stamp, cases, inside)
    if idle:
        yield from _suite("Waivers without effect", stamp, idle, Counter(skipped=len(idle)))
    if left:
        yield from _suite("Left out", stamp, [_left_out(scope) for scope in left], Counter(skipped=len(left)))
    yield "</testsuites>\n"


def _suite(name: str, stamp: str, cases: Sequence[str], counts: Counter[str]) -> Iterator[str]:
    head = f"  <testsuite{_attributes(name=name)} {_totals(len(cases), counts)}{stamp}>\n"
    yield head + "".join(cases) + "  </testsuite>\n"


def _totals(total: int, counts: Counter[str]) -> str:
    return (
        f'tests="{total}" failures="{counts["failure"]}" errors="{counts["error"]}" '
        f'skipped="{counts["skipped"]}" time="0"'
    )


def _finding(report: Report, finding: Finding) -> str:
    rule = report.rules.get(finding.rule)
    return _case(
        finding.rule, _class(rule.service if rule else "", finding.subject), primary(finding), _result(finding)
    )


def _class(service: str, subject: Subject) -> str:
    """A resource below its service and group, as a class stands below its package."""
    return ".".join(filter(None, (service, resource_group(subject.id), subject.name)))


def _result(finding: Finding) -> str:
    state = state_of(finding)
    element = _ELEMENTS.get(state)
    if element is None:
        return ""
    waiver = finding.waiver
    message = said(finding)
    if finding.waived and waiver is not None:
        by = f" by {waiver.owner}" if waiver.owner else ""
        message = f"Waived until {waiver.expires}{by}: {waiver.reason}. {message}"
    if element == "skipped":
        return f"    <skipped{_attributes(message=f'{state}: {message}')}/>\n"
    kind = finding.severity.value if finding.outcome is Outcome.FAIL else state
    body = "\n".join(map(_line, _details(finding)))
    return f"    <{element}{_attributes(message=message, type=kind)}>{escape(body)}</{element}>\n"


def _details(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity.value}: {finding.subject.id}"
    yield from map(told, finding.evidence)
    yield from places(finding)


def _gap(gap: Gap) -> str:
    message = needing(gap.reason, gap.permission)
    error = f"    <error{_attributes(message=message, type='not-read')}/>\n"
    return _case(gap.subject, "not-read", place(gap.origin, gap.subject), error)


def _waiver(waiver: Waiver) -> str:
    result = f"    <skipped{_attributes(message=without_effect(waiver))}/>\n"
    return _case(waiver.rule or "waiver", "waivers", place(waiver.origin or Origin(""), "waivers"), result)


def _left_out(scope: Scope) -> str:
    result = f"    <skipped{_attributes(message=scope.state)}/>\n"
    return _case(scope.name or scope.id, "changed-only", place(Origin(scope.id), scope.id), result)


def _case(name: str, class_name: str, where: Place | None, result: str) -> str:
    shown = {"name": name, "classname": class_name, "time": "0"}
    if where is not None and not where.live:
        shown["file"] = where.path
        if where.line is not None:
            shown["line"] = str(where.line)
    return f"   <testcase{_attributes(**shown)}" + (f">\n{result}   </testcase>\n" if result else "/>\n")


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(_line(value))}" for name, value in values.items())


def _line(text: str) -> str:
    """One line that XML can hold and no CI log acts on."""
    return terminal(text).translate(_FORBIDDEN)

"""OSCAL assessment results, 1.1.3: an observation a finding, a risk a rule that does not hold, a finding a control.

Nothing is called satisfied that was not seen to pass: a control is satisfied when all was read and every rule mapped to
it passed where it applies; it has no finding when none of them was judged. What could not be read is an observation
too. UUIDs are made of names (version 5): one report is always one text, and risks and findings keep theirs over time.

Structure: pages.nist.gov/OSCAL, assessment-results v1.1.3 (2026-11-26).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple

from auditor.model import Evidence, Finding, Gap, Report, RuleInfo, Scope, Subject, Waiver
from auditor.renderers.escaping import https_url, json_text, terminal, web
from auditor.renderers.locations import Fingerprints
from auditor.renderers.overview import counted, places, state_of, without_effect
from auditor.renderers.values import needing, told, utc

VERSION: Final = "1.1.3"
PROPERTIES: Final = "urn:azure-resiliency-auditor"
"""The namespace of our own properties."""

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, f"{PROPERTIES}:oscal:v1")
# What OSCAL calls the status of a risk, for what is behind it.
_STATUS: Final[Mapping[str, str]] = {"fail": "open", "unknown": "investigating", "waived": "deviation-approved"}
_NO_TIME: Final = "1970-01-01T00:00:00Z"
_NIST: Final = re.compile(r"([A-Z]{2}-\d{1,2})(?:\((\d{1,2})\))?", re.ASCII)
_NOT_IN_TOKEN: Final = re.compile(r"[^A-Za-z0-9._-]+")

JSON = dict[str, Any]


class _Observed(NamedTuple):
    """A finding, the word it is counted under, and the UUID of its observation."""

    finding: Finding
    state: str
    id: str


class _Control(NamedTuple):
    """A control of a framework, with the rules that are mapped to it."""

    framework: str
    name: str
    rules: tuple[str, ...]

    @property
    def token(self) -> str:
        """Its id as OSCAL can write it: `cp-9.1` as in NIST's own catalog, else with the framework before it."""
        nist = _NIST.fullmatch(self.name) if self.framework.startswith("NIST SP 800-53") else None
        if nist is not None:
            return nist[1].lower() + (f".{nist[2]}" if nist[2] else "")
        return "_" + _NOT_IN_TOKEN.sub("-", f"{self.framework}_{self.name}")[:200]


def render(report: Report) -> Iterator[str]:
    """The assessment results as JSON text, in chunks of one object."""
    plan = _uuid("plan", report.baseline)
    head: JSON = {
        "uuid": _uuid("document", report.generated_at, report.baseline),
        "metadata": {
            "title": _line(f"Resiliency settings against {report.baseline_title or report.baseline}"),
            "last-modified": _time(report.generated_at),
            "version": _line(report.generated_at),
            "oscal-version": VERSION,
            "props": [_prop("tool", "auditor"), _prop("tool-version", report.tool_version)],
        },
        "import-ap": {"href": f"#{plan}"},
    }
    there_is_none = {
        "uuid": plan,
        "title": "No assessment plan",
        "description": web(f"Stands for an assessment plan. What was assessed is the baseline {report.baseline}."),
    }
    yield '{"assessment-results": {\n'
    for key, value in head.items():
        yield f'"{key}": {json_text(value)},\n'
    yield '"results": [{\n'
    yield from _result(report)
    yield f'\n}}],\n"back-matter": {json_text({"resources": [there_is_none]})}\n}}}}\n'


def _result(report: Report) -> Iterator[str]:
    observed = list(_observed(report))
    by_rule: dict[str, list[_Observed]] = {}
    for item in observed:
        by_rule.setdefault(item.finding.rule, []).append(item)
    controls = _controls(report.rules.values())
    collected = _time(report.collected_at, report.generated_at)
    head: JSON = {
        "uuid": _uuid("result", report.generated_at, report.baseline),
        "title": _line(report.baseline_title or report.baseline),
        "description": web(f"Settings of {', '.join(report.targets[:20])}, judged by rules."),
        "start": collected,
        "end": _time(report.generated_at, report.collected_at),
        "props": [_prop(f"summary-{name}", str(number)) for name, number in report.summary().items()],
        "reviewed-controls": {"control-selections": _selections(controls)},
    }
    items = {_item_id(subject): subject for subject in chain(report.subjects, (f.subject for f in report.findings))}
    if items:
        head["local-definitions"] = {"inventory-items": [_item(*item) for item in items.items()]}
    yield ",\n".join(f'"{key}": {json_text(value)}' for key, value in head.items())
    fingerprints = Fingerprints()
    gaps = (_unread(gap, report.generated_at, fingerprints) for gap in report.gaps)
    idle = (_idle(waiver, report.generated_at, fingerprints) for waiver in report.stale_waivers)
    left = (_left_out(scope, report.generated_at) for scope in report.scopes if scope.left_out)
    unread = chain(gaps, left, [] if not report.empty else [_nothing(report.generated_at)], idle)
    judged = (_observation(item, report) for item in observed)
    dated = ({**entry, "collected": collected} for entry in chain(unread, judged))
    yield from _array("observations", dated)
    yield from _array("risks", _risks(report.rules, by_rule))
    yield from _array("findings", (found for control in controls if (found := _finding(control, by_rule, report))))


def _array(key: str, entries: Iterable[JSON]) -> Iterator[str]:
    """An array of the result, unless there is nothing in it: OSCAL knows no empty ones."""
    separator = f',\n"{key}": [\n'
    for entry in entries:
        yield separator + json_text(entry)
        separator = ",\n"
    if separator == ",\n":
        yield "\n]"


# ── what was looked at ───────────────────────────────────────────────────────────────────────────────────────────────


def _controls(rules: Iterable[RuleInfo]) -> list[_Control]:
    mapped: dict[tuple[str, str], dict[str, None]] = {}
    for rule in rules:
        for control in rule.controls:
            mapped.setdefault((control["framework"], control["id"]), {})[rule.id] = None
    return [_Control(framework, name, tuple(ids)) for (framework, name), ids in sorted(mapped.items())]


def _selections(controls: Iterable[_Control]) -> list[JSON]:
    tokens: dict[str, dict[str, None]] = {}
    for control in controls:
        tokens.setdefault(control.framework, {})[control.token] = None
    return [
        {"description": web(framework) or "-", "include-controls": [{"control-id": token} for token in found]}
        for framework, found in tokens.items()
    ] or [{"description": "No rule is mapped to a control.", "include-controls": [{"control-id": "_none"}]}]


def _item_id(subject: Subject) -> str:
    return _uuid("item", subject.id.casefold())


def _item(item: str, subject: Subject) -> JSON:
    props = [{"name": "asset-id", "value": _line(subject.id)}, _prop("type", subject.type)]
    props += [_prop("region", subject.region)] if subject.region else []
    props += [_prop("condition", subject.condition)] if subject.condition is not None else []
    return {"uuid": item, "description": web(subject.name) or "-", "props": props}


# ── observations ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _observed(report: Report) -> Iterator[_Observed]:
    fingerprints = Fingerprints()
    for finding in report.findings:
        key = fingerprints.of(finding.rule, finding.subject.id)
        yield _Observed(finding, state_of(finding), _uuid("observation", report.generated_at, key))


def _observation(item: _Observed, report: Report) -> JSON:
    finding = item.finding
    rule = report.rules.get(finding.rule)
    entry: JSON = {
        "uuid": item.id,
        "title": _line(rule.title if rule else finding.rule),
        "description": web(finding.message) or "-",
        "props": [
            _prop("outcome", finding.outcome.value),
            _prop("severity", finding.severity.value),
            _prop("rule", finding.rule),
        ],
        "methods": ["TEST"],
        "subjects": [
            {
                "subject-uuid": _item_id(finding.subject),
                "type": "inventory-item",
                "title": _line(finding.subject.name),
            }
        ],
        "remarks": web("\n".join(places(finding))),
    }
    if finding.evidence:
        entry["relevant-evidence"] = [_evidence(finding, evidence) for evidence in finding.evidence]
    if finding.waiver is not None:
        waiver = finding.waiver
        given = {"state": waiver.state.value, "reason": waiver.reason, "owner": waiver.owner, "expires": waiver.expires}
        entry["props"] += [_prop(f"waiver-{name}", value) for name, value in given.items()]
    return entry


def _evidence(finding: Finding, item: Evidence) -> JSON:
    url = https_url(finding.origin_of(item).uri)
    return {"description": web(told(item))} | ({"href": url} if url else {})


def _unread(gap: Gap, moment: str, fingerprints: Fingerprints) -> JSON:
    text = f"Not read: {gap.subject}: {needing(gap.reason, gap.permission)}"
    return _missing("Not read", text, _uuid("gap", moment, fingerprints.of(gap.reason, gap.subject)))


def _nothing(moment: str) -> JSON:
    return _missing("Nothing audited", "No resource of an audited service was found.", _uuid("nothing", moment))


def _left_out(scope: Scope, moment: str) -> JSON:
    name = _uuid("left-out", moment, f"{scope.id} {scope.name}")
    return _missing("Left out", f"{scope.id} {scope.name}: {scope.state}", name, "left-out")


def _idle(waiver: Waiver, moment: str, fingerprints: Fingerprints) -> JSON:
    name = _uuid("waiver", moment, fingerprints.of("waiver", f"{waiver.rule} {waiver.scope} {waiver.place}"))
    return _missing("Waiver without effect", without_effect(waiver), name, waiver.state.value)


def _missing(title: str, text: str, name: str, outcome: str = "not-read") -> JSON:
    props = [_prop("outcome", outcome)]
    return {"uuid": name, "title": title, "description": web(text), "props": props, "methods": ["TEST"]}


# ── risks, and what they mean for controls ───────────────────────────────────────────────────────────────────────────


def _risks(rules: Mapping[str, RuleInfo], by_rule: Mapping[str, list[_Observed]]) -> Iterator[JSON]:
    for name, items in by_rule.items():
        for state in _STATUS:
            found = [item for item in items if item.state == state]
            if found:
                yield _risk(name, rules.get(name), state, found)


def _risk(name: str, rule: RuleInfo | None, state: str, found: list[_Observed]) -> JSON:
    severity = max((item.finding.severity for item in found), key=lambda severity: severity.rank)
    entry: JSON = {
        "uuid": _risk_id(name, state),
        "title": _line(rule.title if rule else name),
        "description": f"Does not hold, or is not known to hold, in {counted(len(found), 'finding')}.",
        "statement": web(rule.rationale if rule else name) or "-",
        "props": [_prop("severity", severity.value), _prop("rule", name)],
        "status": _STATUS[state],
        "related-observations": _references(found),
    }
    days = [item.finding.waiver.expires for item in found if state == "waived" and item.finding.waiver]
    deadline = utc(f"{min(days, default='')}T23:59:59Z")
    if deadline:
        entry["deadline"] = deadline
    if rule and rule.remediation:
        entry["remediations"] = [
            {
                "uuid": _uuid("remediation", name, state, kind),
                "lifecycle": "recommendation",
                "title": _line(kind),
                "description": web(text) or "-",
            }
            for kind, text in rule.remediation.items()
        ]
    return entry


def _finding(control: _Control, by_rule: Mapping[str, list[_Observed]], report: Report) -> JSON | None:
    """What the rules mapped to a control say of it; nothing when none of them was judged."""
    items = [item for rule in control.rules for item in by_rule.get(rule, ()) if item.state in (*_STATUS, "pass")]
    if not items:
        return None
    states = {item.state for item in items}
    open_points = [counted(len(report.gaps), "gap")] if report.gaps else []
    open_points += [f"{counted(report.left_out, 'entry point')} left out"] if report.left_out else []
    satisfied = states == {"pass"} and not open_points
    failed = bool(states & {"fail", "waived"})
    risks = [
        {"risk-uuid": _risk_id(rule, state)}
        for rule in control.rules
        for state in _STATUS
        if any(item.state == state for item in by_rule.get(rule, ()))
    ]
    remarks = "Says of the settings that are mapped to the control, not of the control as a whole."
    if states == {"pass"} and open_points:
        remarks = f"All that was judged passed, but {' and '.join(open_points)} remained. {remarks}"
    return {
        "uuid": _uuid("finding", control.framework, control.name),
        "title": _line(f"{control.framework}: {control.name}"),
        "description": web(f"Judged by {', '.join(control.rules)}."),
        "target": {
            "type": "objective-id",
            "target-id": control.token,
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": "pass" if satisfied else "fail" if failed else "other",
            },
        },
        "related-observations": _references(items),
        "remarks": remarks,
    } | ({"related-risks": risks} if risks else {})


def _risk_id(rule: str, state: str) -> str:
    return _uuid("risk", rule, state)


def _references(items: Iterable[_Observed]) -> list[JSON]:
    return [{"observation-uuid": item.id} for item in items]


# ── OSCAL's data types ───────────────────────────────────────────────────────────────────────────────────────────────


def _uuid(*name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\0".join(map(web, name))))


def _prop(name: str, value: str) -> JSON:
    return {"name": name, "ns": PROPERTIES, "value": _line(value)}


def _line(text: str) -> str:
    """A `string`: one line, not empty, without blanks around it."""
    return terminal(text).strip() or "-"


def _time(*texts: str) -> str:
    """A `date-time-with-timezone`: the first of the texts that is one."""
    return next(filter(None, map(utc, texts)), _NO_TIME)

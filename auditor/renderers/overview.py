"""What every report for people says first: the verdict, the score of each service, and what needs a decision."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from auditor.model import (
    Finding,
    Gap,
    Listing,
    Novelty,
    Origin,
    Outcome,
    Report,
    RuleInfo,
    Severity,
    Since,
    Subject,
    Waiver,
    WaiverState,
)

STATES: Final = ("fail", "unknown", "waived", "informational", "not-applicable", "pass")
"""Outcomes and `waived`, the most urgent first."""

NOTHING: Final = "Nothing audited"
"""The verdict on what holds no resource of an audited type."""

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z", re.ASCII)
_URGENCY: Final = {state: number for number, state in enumerate(STATES)}


class Verdict(NamedTuple):
    """The report in a word and a sentence. `tone` is `fail`, `unknown`, `none`, or `pass` when all was read."""

    word: str
    tone: str
    sentence: str


class Score(NamedTuple):
    """The findings of one service by outcome; a waived finding counts under `waived` alone."""

    service: str
    title: str
    counts: Mapping[str, int]

    @property
    def judged(self) -> int:
        """How many findings the score is made of: passed, failed and undecided."""
        return self.counts["pass"] + self.counts["fail"] + self.counts["unknown"]

    @property
    def percent(self) -> int | None:
        """The share of `judged` that passed, rounded down so that 100 means all; None when nothing was judged."""
        return self.counts["pass"] * 100 // self.judged if self.judged else None


class Group(NamedTuple):
    """Findings that one action puts right: those of a failing rule, or those undecided for one reason.

    `title` is the rule's title, or the reason; `rules` are the ids of the rules concerned.
    """

    state: str
    severity: Severity
    title: str
    rules: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the resources concerned, each once."""
        return tuple(dict.fromkeys(finding.subject.name for finding in self.findings))

    @property
    def messages(self) -> tuple[str, ...]:
        """What the findings say, each sentence once."""
        return tuple(dict.fromkeys(finding.message for finding in self.findings))


class Store(NamedTuple):
    """A resource with the outcomes of its findings, and the severity of the worst that fails."""

    subject: Subject
    service: str
    counts: Mapping[str, int]
    worst: Severity | None


class Listed(NamedTuple):
    """All listings of one resource type: how many scopes were read to the end, and how many resources they held."""

    type: str
    complete: int
    incomplete: int
    found: int
    notes: tuple[str, ...]


class News(NamedTuple):
    """What changed since an earlier run, for the findings that are open now or were open then.

    `fresh` is what is new, with what cannot be told to be old (`untold` of them); `fixed` passes now, or applies no
    longer; `kept` is how many were open then and still are; `gone` are open findings whose resource is no longer there.
    """

    since: Since
    fresh: tuple[Finding, ...]
    untold: int
    fixed: tuple[Finding, ...]
    kept: int
    gone: tuple[tuple[str, str], ...]

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        parts = [f"{len(self.fresh):,} new", f"{len(self.fixed):,} fixed", f"{self.kept:,} unchanged"]
        if self.untold:
            parts[0] += f" ({self.untold:,} of them may be old: the earlier run did not see them)"
        if self.gone:
            parts.append(f"{len(self.gone):,} gone with their resources")
        if self.since.new_gaps:
            parts.append(counted(len(self.since.new_gaps), "new gap"))
        elsewhere = "; no resource of that run is among these: it may be of other targets"
        return ", ".join(parts) + (elsewhere if self.since.elsewhere else "")


class Applied(NamedTuple):
    """A waiver with its state (`active`, `unused`, `expired`, …), and how many findings it covers, or would."""

    waiver: Waiver
    state: str
    findings: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The parts of a report in the order people need them. Lists of findings are sorted, worst first."""

    verdict: Verdict
    counts: Mapping[str, int]
    severities: tuple[tuple[str, int], ...]
    scores: tuple[Score, ...]
    groups: tuple[Group, ...]
    stores: tuple[Store, ...]
    failing: tuple[Finding, ...]
    undecided: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    informational: tuple[Finding, ...]
    others: tuple[tuple[RuleInfo, int, int], ...]
    waivers: tuple[Applied, ...]
    listed: tuple[Listed, ...]
    unlisted: tuple[Listing, ...]
    news: News | None = None


def overview(report: Report) -> Overview:
    """Sort and count a report once, for all templates."""
    by_state: dict[str, list[Finding]] = {state: [] for state in STATES}
    services: dict[str, Counter[str]] = {name: Counter() for name in report.services}
    for finding in report.findings:
        state = state_of(finding)
        by_state[state].append(finding)
        rule = report.rules.get(finding.rule)
        services.setdefault(rule.service if rule else "", Counter())[state] += 1
    for state in ("fail", "unknown", "waived", "informational"):
        by_state[state].sort(key=_order)
    counts = report.summary()
    severities = Counter(finding.severity for finding in by_state["fail"])
    return Overview(
        verdict=_verdict(counts | report.promises, report.left_out),
        counts=counts,
        severities=tuple((severity.value, severities[severity]) for severity in Severity if severities[severity]),
        scores=tuple(
            Score(name, report.services.get(name) or name or "Other", {key: found[key] for key in STATES})
            for name, found in services.items()
        ),
        groups=_groups(report.rules, by_state),
        stores=_stores(report),
        failing=tuple(by_state["fail"]),
        undecided=tuple(by_state["unknown"]),
        waived=tuple(by_state["waived"]),
        informational=tuple(by_state["informational"]),
        others=_others(report.rules, by_state),
        waivers=_waivers(report),
        listed=_listed(report.listings),
        unlisted=tuple(listing for listing in report.listings if listing.missing is not None),
        news=_news(report),
    )


def _news(report: Report) -> News | None:
    if report.since is None:
        return None
    by_novelty: dict[Novelty | None, list[Finding]] = {novelty: [] for novelty in (None, *Novelty)}
    for finding in by_urgency(report.findings):
        by_novelty[finding.novelty].append(finding)
    kept = sum(state_of(finding) in ("fail", "unknown") for finding in by_novelty[Novelty.UNCHANGED])
    untold = by_novelty[Novelty.CANNOT_TELL]
    fresh = by_urgency((*by_novelty[Novelty.NEW], *untold))
    return News(report.since, tuple(fresh), len(untold), tuple(by_novelty[Novelty.FIXED]), kept, report.since.gone)


def state_of(finding: Finding) -> str:
    """The finding's outcome, or `waived`: the word it is counted under."""
    return "waived" if finding.waived else finding.outcome.value


def said(finding: Finding) -> str:
    """What a finding says, and why a waiver that it carries does not count."""
    waiver = finding.waiver
    if waiver is None or finding.waived:
        return finding.message
    return f"{finding.message} (the waiver of {waiver.owner or 'nobody'} does not count: {waiver.note or waiver.state})"


def where(origin: Origin) -> str:
    """An origin in one line: `main.bicep:12:3 (softDeleteDays) via main.bicep:41`."""
    text = _position(origin)
    if origin.expression:
        text += f" ({origin.expression})"
    if origin.via:
        text += " via " + " → ".join(_position(step) for step in origin.via)
    return text


def places(finding: Finding) -> tuple[str, ...]:
    """Where the evidence of a finding stands, each place once; where the resource does, when there is none."""
    found = tuple(dict.fromkeys(where(finding.origin_of(item)) for item in finding.evidence))
    return found or (where(finding.subject.origin),)


def _position(origin: Origin) -> str:
    numbers = (origin.line, origin.column) if origin.line is not None else ()
    return ":".join([origin.uri, *(str(number) for number in numbers if number is not None)])


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return _URGENCY[state_of(finding)], -finding.severity.rank, finding.rule, finding.subject.id.casefold()


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order a reader wants them: failing first, by severity; passing last."""
    return sorted(findings, key=_order)


def most_urgent(findings: Iterable[Finding], number: int) -> list[Finding]:
    """The first `number` findings of `by_urgency`, without sorting the rest."""
    return heapq.nsmallest(number, findings, key=_order)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 finding`, `1,204 findings`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def about(subject: str) -> tuple[str, str]:
    """What a gap is about in short, and its ARM id where it has one.

    Short is the resource's name with the child below it; of a list, its type and the group or subscription it is of.
    """
    parts = subject.split("/")
    if "providers" not in parts[:-2]:
        return subject, ""
    provider = len(parts) - 1 - parts[::-1].index("providers")
    _, *rest = parts[provider + 1 :]
    if len(rest) < 2:
        return f"{'/'.join(parts[provider + 1 :])} in {parts[provider - 1] or 'the tenant'}", subject
    return " › ".join(filter(None, (rest[1], "/".join(rest[2:])))), subject


def cause(gap: Gap) -> str:
    """Why something was not read, without the permission that a template names by itself."""
    text = gap.reason.removesuffix(f"; it needs {gap.permission}") if gap.permission else gap.reason
    return text if text.endswith((".", "!", "?")) else text + "."


def moment(text: str) -> str:
    """A time of the report for people: `2026-11-22T10:15:00Z` as `2026-11-22 10:15 UTC`; other text as it is."""
    match = _MOMENT.fullmatch(text)
    return f"{match[1]} {match[2]} UTC" if match else text


def _groups(rules: Mapping[str, RuleInfo], by_state: Mapping[str, list[Finding]]) -> tuple[Group, ...]:
    failing: dict[str, list[Finding]] = {}
    undecided: dict[str, list[Finding]] = {}
    for finding in by_state["fail"]:
        failing.setdefault(finding.rule, []).append(finding)
    for finding in by_state["unknown"]:
        undecided.setdefault(finding.message, []).append(finding)
    groups = [
        Group("fail", found[0].severity, info.title if (info := rules.get(name)) else name, (name,), tuple(found))
        for name, found in failing.items()
    ]
    groups.sort(key=lambda group: (-group.severity.rank, -len(group.findings), group.rules))
    groups += [
        Group("unknown", found[0].severity, reason, tuple(dict.fromkeys(f.rule for f in found)), tuple(found))
        for reason, found in undecided.items()
    ]
    return tuple(groups)


def _stores(report: Report) -> tuple[Store, ...]:
    """The resources that were judged, the one that needs most first."""
    found: dict[str, tuple[Subject, Counter[str], list[Severity], str]] = {}
    for finding in report.findings:
        rule = report.rules.get(finding.rule)
        _, counts, failing, _ = found.setdefault(
            finding.subject.id.casefold(), (finding.subject, Counter(), [], rule.service if rule else "")
        )
        state = state_of(finding)
        counts[state] += 1
        if state == "fail":
            failing.append(finding.severity)
    stores = [
        Store(
            subject,
            report.services.get(service) or service,
            {state: counts[state] for state in STATES},
            max(failing, key=lambda severity: severity.rank, default=None),
        )
        for subject, counts, failing, service in found.values()
    ]
    return tuple(sorted(stores, key=_need))


def _need(store: Store) -> tuple[int, int, int, str]:
    worst = -1 if store.worst is None else store.worst.rank
    return -worst, -store.counts["fail"], -store.counts["unknown"], store.subject.name.casefold()


def _verdict(counts: Mapping[str, int], left_out: int) -> Verdict:
    verdict = _judged(counts)
    if not left_out:
        return verdict
    rest = f"{counted(left_out, 'entry point was', 'entry points were')} left out"
    if verdict.word == NOTHING:
        return Verdict("Nothing changed", "none", f"Nothing that changed is audited: {rest}.")
    return verdict._replace(sentence=f"{verdict.sentence} Only what a change reaches was audited; {rest}.")


def _judged(counts: Mapping[str, int]) -> Verdict:
    open_points = [
        phrase
        for number, phrase in (
            (counts["gaps"], counted(counts["gaps"], "gap") + " in what was read"),
            (counts["unknown"], counted(counts["unknown"], "setting") + " undecided"),
            (counts["untold"], counted(counts["untold"], "recovery objective") + " that cannot be told to be met"),
        )
        if number
    ]
    below = [
        phrase
        for number, phrase in (
            (counts["fail"], counted(counts["fail"], "finding") + " below the baseline"),
            (counts["missed"], counted(counts["missed"], "recovery objective") + " missed"),
        )
        if number
    ]
    judged = counts["pass"] + counts["fail"] + counts["unknown"]
    if below:
        text = " and ".join(below)
        if open_points:
            return Verdict("Failing and incomplete", "fail", f"{text}; {' and '.join(open_points)}.")
        return Verdict("Failing", "fail", f"{text}; everything in scope was read.")
    if open_points:
        text = f"Nothing failed, yet this is no clean result: {' and '.join(open_points)}."
        return Verdict("Incomplete", "unknown", text)
    if not counts["resources"]:
        return Verdict(NOTHING, "none", "No resource of an audited service was found in the targets.")
    waived = f"; {counted(counts['waived'], 'failure is', 'failures are')} waived" if counts["waived"] else ""
    if not judged:
        return Verdict("Nothing judged", "none", f"The baseline expects nothing of what was found{waived}.")
    return Verdict("Clean", "pass", f"All {judged:,} judged settings meet the baseline{waived}; everything was read.")


def _others(
    rules: Mapping[str, RuleInfo], by_state: Mapping[str, list[Finding]]
) -> tuple[tuple[RuleInfo, int, int], ...]:
    passed = Counter(finding.rule for finding in by_state["pass"])
    inapplicable = Counter(finding.rule for finding in by_state["not-applicable"])
    return tuple(
        (rule, passed[name], inapplicable[name]) for name, rule in rules.items() if passed[name] or inapplicable[name]
    )


def _waivers(report: Report) -> tuple[Applied, ...]:
    used = Counter(
        finding.waiver
        for finding in report.findings
        if finding.waiver is not None and finding.outcome in (Outcome.FAIL, Outcome.UNKNOWN)
    )
    rows = {waiver: Applied(waiver, waiver.state.value, number) for waiver, number in used.items()}
    for waiver in report.stale_waivers:
        rows.setdefault(waiver, Applied(waiver, waiver.state.value, 0))
    return tuple(sorted(rows.values(), key=_attention))


def _attention(row: Applied) -> tuple[bool, str, str, str]:
    """The order of waivers: what wants a look comes first, and of that what ends first."""
    waiver = row.waiver
    return row.state == "active" and not waiver.note, waiver.expires, waiver.rule, waiver.place


def waived_by(waiver: Waiver) -> str:
    """A waiver in a sentence: whether it counts, until when, why, and whose it is."""
    match waiver.state:
        case WaiverState.ACTIVE:
            begin = f"Waived until {waiver.expires}"
        case WaiverState.EXPIRED:
            begin = f"Waiver EXPIRED {waiver.expires}"
        case _:
            state = waiver.state.value.upper().replace("-", " ")
            begin = f"Waiver {state} ({waiver.note})" if waiver.note else f"Waiver {state}"
    about = ", ".join(filter(None, (waiver.owner, waiver.ticket, waiver.place)))
    return begin + (f": {waiver.reason}" if waiver.reason else "") + (f" ({about})" if about else "")


def without_effect(waiver: Waiver) -> str:
    """A waiver that does not count, or that nothing needs, in a sentence that stands on its own."""
    what = f"{waiver.rule or 'no rule'} on {waiver.scope}"
    return f"Waiver without effect ({waiver.state.value}): {what}" + (f": {waiver.note}" if waiver.note else "")


def _listed(listings: Iterable[Listing]) -> tuple[Listed, ...]:
    groups: dict[str, list[Listing]] = {}
    for listing in listings:
        groups.setdefault(listing.type, []).append(listing)
    return tuple(
        Listed(
            name,
            sum(item.missing is None for item in items),
            sum(item.missing is not None for item in items),
            sum(item.count for item in items),
            tuple(dict.fromkeys(item.note for item in items if item.note))[:3],
        )
        for name, items in sorted(groups.items())
    )

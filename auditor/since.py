"""What is new since an earlier run, what was fixed, what stayed: a report held against a snapshot or a JSON report.

A finding is the same one when its rule and its resource are. What the earlier run may only not have seen cannot be told
to be old, and counts as new.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from auditor import pipeline, snapshot
from auditor.comparison.views import why_hidden
from auditor.errors import UsageError
from auditor.model import Finding, Gap, Listing, Novelty, Origin, Outcome, Progress, Report, Since, Subject, Unknown

REPORT: Final = "auditor/report/v1"
MAX_REPORT: Final = 512 * 2**20
HINT: Final = "Name a file that `auditor snapshot` or `auditor scan --format json=FILE` has written."
OPEN: Final = (Outcome.FAIL.value, Outcome.UNKNOWN.value)
"""States that want something done."""
WAIVED: Final = "waived"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is needed of an earlier run: the state of each finding, its resources, its rules, what it could not read.

    A state is the outcome, or `waived`. Keys are (rule, resource id casefolded).
    """

    name: str
    collected_at: str
    baseline: str
    states: Mapping[Key, str]
    resources: frozenset[str]
    rules: frozenset[str]
    gaps: tuple[Gap, ...] = ()
    listings: tuple[Listing, ...] = ()


def earlier_run(path: Path, policy: pipeline.Policy, progress: Progress | None = None) -> Earlier:
    """An earlier run from a file: a snapshot, which is judged by the same policy, or a JSON report v1.

    Raises UsageError for a file that is neither, SnapshotError for a snapshot that is cut or was changed.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise UsageError(f"the earlier run {path} cannot be read: {error.strerror}") from error
    if snapshot.is_snapshot(head):
        return _of_report(str(path), pipeline.evaluate(snapshot.read(path), policy, progress))
    return _of_json(path)


def _of_report(name: str, report: Report) -> Earlier:
    return Earlier(
        name,
        report.collected_at,
        report.baseline,
        _states((_key(finding), _state(finding)) for finding in report.findings),
        frozenset(subject.id.casefold() for subject in report.subjects),
        frozenset(report.rules),
        report.gaps,
        report.listings,
    )


def _of_json(path: Path) -> Earlier:
    try:
        if path.stat().st_size > MAX_REPORT:
            hint = "Name a snapshot of that run instead; one of any size can be read."
            raise UsageError(f"the earlier run {path} is larger than {MAX_REPORT // 2**20} MiB", hint=hint)
        data = json.loads(path.read_bytes())
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != REPORT:
            found = f"it says that it is {schema[:60]!r}" if isinstance(schema, str) else "it does not say what it is"
            raise UsageError(f"{path} is neither a snapshot nor a report of schema {REPORT}: {found}", hint=HINT)
        return _read(path, data)
    except json.JSONDecodeError as error:
        text = f"{path}:{error.lineno}: is neither a snapshot nor a JSON report: {error.msg}"
        raise UsageError(text, hint=HINT) from error
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"the earlier run {path} is no JSON report: {str(error)[:120]}", hint=HINT) from error


def _read(path: Path, data: Mapping[str, Any]) -> Earlier:
    states = _states(map(_read_state, data["findings"]))
    return Earlier(
        str(path),
        str(data.get("collected_at", "")),
        str(data["baseline"]),
        states,
        frozenset(str(one["id"]).casefold() for one in data["resources"]),
        frozenset(str(one["id"]) for one in data.get("rules", ())) or frozenset(rule for rule, _ in states),
        tuple(Gap(str(one["subject"]), str(one["reason"]), Origin(str(path))) for one in data["gaps"]),
        tuple(_listings(data.get("listings", ()))),
    )


def _read_state(one: Mapping[str, Any]) -> tuple[Key, str]:
    waiver = one["waiver"]
    waived = waiver is not None and not waiver.get("expired") and waiver.get("state", "active") == "active"
    outcome = Outcome(one["outcome"]).value
    key = (str(one["rule"]), str(one["resource"]["id"]).casefold())
    return key, WAIVED if waived and outcome in OPEN else outcome


def _states(found: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """The state of each finding; of a resource that several files declare, the one that most wants something done."""
    states: dict[Key, str] = {}
    for key, state in found:
        states[key] = min(states.get(key, state), state, key=_urgency)
    return states


def _urgency(state: str) -> int:
    wanted = (*OPEN, WAIVED)
    return wanted.index(state) if state in wanted else len(wanted)


def _listings(rows: Iterable[Mapping[str, Any]]) -> Iterable[Listing]:
    for one in rows:
        missing = None if one["complete"] else Unknown(str(one.get("reason", "it was not listed")))
        yield Listing(str(one["scope"]), str(one["type"]), missing)


def held_against(report: Report, earlier: Earlier, *, only_new: bool = False) -> Report:
    """The report with what each finding is to an earlier run; `only_new` lets only what is new decide the exit code."""
    judge = _Novelty(report, earlier)
    since = Since(
        earlier.name,
        earlier.collected_at,
        earlier.baseline,
        tuple(_gone(report, earlier)),
        tuple(_new_gaps(report.gaps, earlier.gaps)),
        only_new,
        _elsewhere(report, earlier),
    )
    findings = tuple(finding._replace(novelty=judge.of(finding)) for finding in report.findings)
    return replace(report, findings=findings, since=since)


class _Novelty:
    """Tells what findings are to an earlier run."""

    def __init__(self, report: Report, earlier: Earlier) -> None:
        self.earlier = earlier
        self._states = _states((_key(finding), _state(finding)) for finding in report.findings)
        self._hidden: dict[str, bool] = {}

    def of(self, finding: Finding) -> Novelty:
        """New, fixed, unchanged, or not to be told."""
        before, now = self.earlier.states.get(_key(finding)), _state(finding)
        if before == now:
            return Novelty.UNCHANGED
        if now not in OPEN:
            fixed = before in (*OPEN, WAIVED) and self._states[_key(finding)] not in (*OPEN, WAIVED)
            return Novelty.FIXED if fixed else Novelty.UNCHANGED
        unseen = self._unseen(finding) if before is None else before == Outcome.UNKNOWN.value
        return Novelty.CANNOT_TELL if unseen else Novelty.NEW

    def _unseen(self, finding: Finding) -> bool:
        """Whether the earlier run may only not have seen it: by not asking the rule, or by missing the resource."""
        if finding.rule not in self.earlier.rules:
            return True
        folded = finding.subject.id.casefold()
        if folded in self.earlier.resources:
            return False
        if folded not in self._hidden:
            self._hidden[folded] = bool(why_hidden(finding.subject, self.earlier.listings, self.earlier.gaps))
        return self._hidden[folded]


def _gone(report: Report, earlier: Earlier) -> Iterable[Key]:
    """What was open, and is about a resource that is known to be no longer there."""
    if report.left_out:
        return  # it may be in what was left out
    there = {subject.id.casefold() for subject in report.subjects}
    for key, state in earlier.states.items():
        resource = key[1]
        if state in OPEN and resource not in there:
            kind = "/".join(resource.rpartition("/providers/")[2].split("/")[:2])
            lost = Subject(resource, kind, resource.rpartition("/")[2], None, Origin(""))
            if not why_hidden(lost, report.listings, report.gaps):
                yield key


def _new_gaps(now: Iterable[Gap], then: Iterable[Gap]) -> Iterable[Gap]:
    """The gaps that the earlier run did not have: of one subject, those it has more of now, other reasons first."""
    told = Counter((gap.subject.casefold(), gap.reason) for gap in then)
    known = Counter(gap.subject.casefold() for gap in then)
    others: list[Gap] = []
    for gap in now:
        key = gap.subject.casefold(), gap.reason
        if told[key] > 0:
            told[key] -= 1
            known[key[0]] -= 1
        else:
            others.append(gap)
    for gap in others:
        known[gap.subject.casefold()] -= 1
        if known[gap.subject.casefold()] < 0:
            yield gap


def _elsewhere(report: Report, earlier: Earlier) -> bool:
    """Whether both runs saw resources, and no two of them the same one: then they were hardly of the same targets."""
    now = {subject.id.casefold() for subject in report.subjects}
    return bool(now and earlier.resources) and earlier.resources.isdisjoint(now)


def _key(finding: Finding) -> Key:
    return finding.rule, finding.subject.id.casefold()


def _state(finding: Finding) -> str:
    return WAIVED if finding.waived else finding.outcome.value

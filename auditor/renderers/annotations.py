"""Notes beside the code, as CI runners take them from a log: which are written, and how many are not.

A runner keeps ten notes of each kind a step and drops the rest without a word (github.com/actions/toolkit,
docs/problem-matchers.md; ExecutionContext.cs of microsoft/azure-pipelines-agent; 2026-11-26). So the most urgent are
written, and a line says how many are not. Where only what is new since an earlier run counts, there is nothing beside
the code that was there before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from auditor.model import Origin, Outcome, Report, Severity
from auditor.renderers.escaping import terminal
from auditor.renderers.locations import Place, place, primary
from auditor.renderers.overview import by_urgency, counted, overview, said, state_of, without_effect
from auditor.renderers.values import needing

MAX_NOTES: Final = 10
MAX_TEXT: Final = 1_000


class Note(NamedTuple):
    """A note: `kind` is the runner's word for it, `code` a rule's id, `not-read` or `waiver`; texts are raw."""

    kind: str
    code: str
    place: Place
    text: str


class Notes(NamedTuple):
    """The notes to write, gaps first and then the worst, and one line that sums the report up."""

    shown: tuple[Note, ...]
    summary: str


def notes(report: Report, kinds: Mapping[Severity, str], room: Mapping[str, int]) -> Notes:
    """The notes of a report. `kinds` are the runner's words for severities; `room` is what a kind has if not ten."""
    shown: list[Note] = []
    number: Counter[str] = Counter()
    for note in _all(report, kinds):
        number[note.kind] += 1
        if number[note.kind] <= room.get(note.kind, MAX_NOTES):
            shown.append(note)
    number.subtract(note.kind for note in shown)
    return Notes(tuple(shown), _summary(report, +number))


def safe(text: str) -> str:
    """One line of bounded length on which no runner acts: controls are shown, and a command in it is broken."""
    return terminal(text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…")


def _all(report: Report, kinds: Mapping[Severity, str]) -> Iterator[Note]:
    """Gaps, then what failed and what could not be decided, then idle waivers. What is not known is a warning."""
    for gap in report.deciding_gaps:
        reason = needing(gap.reason, gap.permission)
        yield Note("warning", "not-read", place(gap.origin, gap.subject), f"Not read: {gap.subject}: {reason}")
    for finding in by_urgency(f for f in report.deciding if state_of(f) in ("fail", "unknown")):
        kind = "warning" if finding.outcome is Outcome.UNKNOWN else kinds[finding.severity]
        text = f"{finding.subject.name}: {said(finding)} ({finding.severity.value})"
        yield Note(kind, finding.rule, primary(finding), text)
    for waiver in report.stale_waivers:
        yield Note("warning", "waiver", place(waiver.origin or Origin(""), "waivers"), without_effect(waiver))


def _summary(report: Report, left_out: Mapping[str, int]) -> str:
    seen = overview(report)
    verdict = seen.verdict
    more = ", ".join(counted(number, kind) for kind, number in sorted(left_out.items()))
    rest = f" Not shown as notes: {more}; a runner keeps {MAX_NOTES} of a kind." if more else ""
    news = f" Since {seen.news.since.name}: {seen.news.sentence}." if seen.news is not None else ""
    return f"{verdict.word}: {verdict.sentence}{news}{rest}"

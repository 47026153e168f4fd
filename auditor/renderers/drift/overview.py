"""What a comparison comes to, for people: the verdict, the differences by class, and what cannot be told by reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from auditor.delta import Delta, Difference, Drift
from auditor.model import Gap, Severity
from auditor.renderers.overview import Verdict, counted
from auditor.renderers.values import spoken

CLASSES: Final[Mapping[Drift, str]] = {
    Drift.WEAKER: "Weaker than the reference",
    Drift.DIFFERENT: "Different, neither weaker nor stronger",
    Drift.STRONGER: "Stronger than the reference",
}
"""The classes that are told of setting by setting, the most urgent first, with their titles."""


class Doubt(NamedTuple):
    """Differences that cannot be told for one reason."""

    reason: str
    differences: tuple[Difference, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The stores concerned, each once."""
        return tuple(dict.fromkeys(row.subject.name for row in self.differences))

    @property
    def paths(self) -> tuple[str, ...]:
        """The settings concerned, each once."""
        return tuple(dict.fromkeys(row.path for row in self.differences))


@dataclass(frozen=True, slots=True)
class DriftOverview:
    """The parts of a delta in the order people need them; `classes` holds only those there are differences of."""

    verdict: Verdict
    counts: Mapping[str, int]
    classes: tuple[tuple[Drift, str, tuple[Difference, ...]], ...]
    doubts: tuple[Doubt, ...]
    not_compared: tuple[Doubt, ...]
    gaps: tuple[tuple[str, Gap], ...]
    severities: Mapping[str, Severity]

    def severity(self, row: Difference) -> Severity | None:
        """That of the worst rule that reads the setting; None where no rule does."""
        return worst(row, self.severities)

    def before(self, row: Difference) -> str:
        """The reference's side of a difference."""
        return value(row, current=False)

    def after(self, row: Difference) -> str:
        """The current side of a difference."""
        return value(row, current=True)


def drift_overview(delta: Delta) -> DriftOverview:
    """Sort and count a delta once, for all templates."""
    by_class: dict[Drift, list[Difference]] = {drift: [] for drift in Drift}
    for row in delta.differences:
        by_class[row.drift].append(row)
    severities = {name: rule.severity for name, rule in delta.rules.items()}

    def urgency(row: Difference) -> tuple[int, str, str]:
        severity = worst(row, severities)
        return 0 if severity is None else -1 - severity.rank, row.subject.name.casefold(), row.path

    sides = (("reference", delta.reference), ("current", delta.current))
    return DriftOverview(
        verdict=_verdict(delta),
        counts=delta.summary(),
        classes=tuple(
            (drift, title, tuple(sorted(by_class[drift], key=urgency)))
            for drift, title in CLASSES.items()
            if by_class[drift]
        ),
        doubts=_doubts(by_class[Drift.UNKNOWN]),
        not_compared=_doubts(delta.not_compared),
        gaps=tuple((name, gap) for name, side in sides for gap in side.gaps),
        severities=severities,
    )


def worst(row: Difference, severities: Mapping[str, Severity]) -> Severity | None:
    """The severity of the worst rule that reads a setting; None where no rule does."""
    found = [severities[name] for name in row.rules if name in severities]
    return max(found, key=lambda severity: severity.rank, default=None)


def _doubts(rows: Iterable[Difference]) -> tuple[Doubt, ...]:
    reasons: dict[str, list[Difference]] = {}
    for row in rows:
        reasons.setdefault(row.reason, []).append(row)
    return tuple(Doubt(reason, tuple(found)) for reason, found in reasons.items())


def _verdict(delta: Delta) -> Verdict:
    counts = delta.summary()
    parts = [
        phrase
        for number, phrase in (
            (counts["weaker"], counted(counts["weaker"], "setting") + " weaker than the reference"),
            (counts["different"], counted(counts["different"], "setting") + " different"),
            (counts["stronger"], counted(counts["stronger"], "setting") + " stronger"),
            (counts["only-in-reference"], counted(counts["only-in-reference"], "resource") + " only in the reference"),
            (counts["only-in-current"], counted(counts["only-in-current"], "resource") + " only in the current side"),
        )
        if number
    ]
    gaps = len(delta.reference.gaps) + len(delta.current.gaps)
    doubts = [
        phrase
        for number, phrase in (
            (counts["unknown"], counted(counts["unknown"], "setting") + " that cannot be told"),
            (gaps, counted(gaps, "gap") + " in what was read"),
        )
        if number
    ]
    if counts["weaker"]:
        word = "Weaker and incomplete" if doubts else "Weaker"
        return Verdict(word, "fail", f"{'; '.join((*parts, *doubts))}.")
    if doubts:
        return Verdict("Cannot tell", "unknown", f"No weaker setting was seen, yet: {'; '.join((*doubts, *parts))}.")
    if parts:
        return Verdict("Drift, nothing weaker", "none", f"{'; '.join(parts)}.")
    if not delta.compared:
        return Verdict("Nothing compared", "none", "No resource of an audited service was found on both sides.")
    looked = "property" if delta.everything else "setting that a rule reads"
    text = f"Every {looked} is the same on {counted(delta.compared, 'resource')}; everything was read."
    return Verdict("No drift", "pass", text)


def sentence(row: Difference) -> str:
    """A difference in one sentence, for a log line or a note beside the code."""
    if row.drift is Drift.UNKNOWN:
        return f"{row.path} cannot be told: {row.reason}"
    before, after = value(row, current=False), value(row, current=True)
    return f"{row.path} is {after}, and {before} in the reference: {row.drift.value}"


def value(row: Difference, *, current: bool) -> str:
    """One side of a difference for people; what is not there is said to be so."""
    found, other = (row.current, row.reference) if current else (row.reference, row.current)
    if found is None:
        if row.drift is Drift.UNKNOWN:
            return "not known"
        return "not there" if isinstance(other, Mapping) else "not set"
    return _said(found)


def _said(found: Any) -> str:
    if isinstance(found, Mapping):
        return ", ".join(f"{name.removeprefix('properties.')} {_said(one)}" for name, one in found.items())
    if isinstance(found, list):
        return " or ".join(map(_said, found)) or "empty"
    return spoken(found)

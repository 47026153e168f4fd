"""Traceability: every statement of the baseline document with a verdict and the findings behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from auditor.model import Finding, Outcome, StatementResult
from auditor.rules import Baseline, Statement

_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, Outcome.INFORMATIONAL)


def judge(
    baseline: Baseline,
    findings: Iterable[Finding],
    unlisted: Mapping[str, str] = MappingProxyType({}),
    promises: Mapping[str, int] = MappingProxyType({}),
) -> tuple[StatementResult, ...]:
    """One row a statement: its verdict is the worst outcome of the findings of its rules, waived ones left aside.

    A statement without findings is not applicable when rules stand behind it, and informational when it is the
    platform's or an operator's part, or when all there is to find is waived. `unlisted` says of a service (by name) why
    some of its resources may not have been seen: then nothing about them is known, and "not applicable" would be a lie.
    `promises` counts the recovery objectives that are met, missed and untold, where some were given.
    """
    wanted = {rule for statement in baseline.statements for rule in statement.rules}
    by_rule: dict[str, list[Finding]] = {rule: [] for rule in wanted}
    for finding in findings:
        if finding.rule in wanted:
            by_rule[finding.rule].append(finding)
    return tuple(
        _promised(statement, promises)
        if statement.objectives and any(promises.values())
        else _row(statement, by_rule, unlisted.get(statement.service, ""))
        for statement in baseline.statements
    )


def _promised(statement: Statement, promises: Mapping[str, int]) -> StatementResult:
    """A statement that the owner's recovery objectives decide."""
    verdict = Outcome.FAIL if promises["missed"] else Outcome.UNKNOWN if promises["untold"] else Outcome.PASS
    words = {"met": "met", "missed": "missed", "untold": "cannot be told to be met"}
    said = ", ".join(f"{promises[key]} {word}" for key, word in words.items() if promises[key])
    note = f"Of the recovery objectives, by scenario and store: {said}."
    return StatementResult(statement.id, statement.service, statement.text, statement.kind, verdict, note, ())


def _row(statement: Statement, by_rule: Mapping[str, Sequence[Finding]], unlisted: str) -> StatementResult:
    findings = [finding for rule in statement.rules for finding in by_rule[rule]]
    outcomes = {Outcome.INFORMATIONAL if finding.waived else finding.outcome for finding in findings}
    note = statement.note
    if unlisted and statement.rules:
        outcomes.add(Outcome.UNKNOWN)
        note = f"{note} Not all is known: {unlisted}".strip()
    verdict = next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.NOT_APPLICABLE)
    if statement.kind in ("platform", "procedure"):
        verdict = Outcome.UNKNOWN if verdict is Outcome.UNKNOWN else Outcome.INFORMATIONAL
    elif not statement.rules:
        verdict = Outcome.INFORMATIONAL
    keys = tuple((finding.rule, finding.subject.id) for finding in findings)
    return StatementResult(statement.id, statement.service, statement.text, statement.kind, verdict, note, keys)

"""Traceability: every statement of the baseline document with a verdict and the findings behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from auditor.model import Finding, Outcome, StatementResult
from auditor.rules import Baseline, Statement

_WORST_FIRST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, Outcome.INFORMATIONAL)


def judge(baseline: Baseline, findings: Iterable[Finding]) -> tuple[StatementResult, ...]:
    """One row a statement: its verdict is the worst outcome of the findings of its rules, waived ones left aside.

    A statement without findings is not applicable when rules stand behind it, and informational when it is the
    platform's or an operator's part.
    """
    wanted = {rule for statement in baseline.statements for rule in statement.rules}
    by_rule: dict[str, list[Finding]] = {rule: [] for rule in wanted}
    for finding in findings:
        if finding.rule in wanted:
            by_rule[finding.rule].append(finding)
    return tuple(_row(statement, by_rule) for statement in baseline.statements)


def _row(statement: Statement, by_rule: Mapping[str, Sequence[Finding]]) -> StatementResult:
    findings = [finding for rule in statement.rules for finding in by_rule[rule]]
    outcomes = {finding.outcome for finding in findings if not finding.waived}
    verdict = next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.NOT_APPLICABLE)
    if statement.kind in ("platform", "procedure"):
        verdict = Outcome.UNKNOWN if verdict is Outcome.UNKNOWN else Outcome.INFORMATIONAL
    elif not statement.rules:
        verdict = Outcome.INFORMATIONAL
    keys = tuple((finding.rule, finding.subject.id) for finding in findings)
    return StatementResult(
        statement.id, statement.service, statement.text, statement.kind, verdict, statement.note, keys
    )

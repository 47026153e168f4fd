"""Reports of any size, made of the sample's findings on as many stores."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from auditor.model import Finding, Gap, Origin, Outcome, Report, Severity
from tests.renderers.sample_report import ACTIVE_WAIVER, GROUP, RULES, TEMPLATE, live, sample

STORAGE_TYPE = "Microsoft.Storage/storageAccounts"
NO_FINDING = Origin("infra/main.bicep", 1)


def findings(number: int, outcome: Outcome, severity: Severity = Severity.HIGH, prefix: str = "st") -> list[Finding]:
    """As many findings of one outcome, each on a live store of its own."""
    model = sample().findings[2]
    return [
        model._replace(
            outcome=outcome, severity=severity, subject=live(STORAGE_TYPE, f"{prefix}{outcome.value}{index}")
        )
        for index in range(number)
    ]


def waived(number: int) -> list[Finding]:
    """As many failures that an active waiver covers."""
    return [finding._replace(waiver=ACTIVE_WAIVER) for finding in findings(number, Outcome.FAIL, prefix="waived")]


def in_template(number: int) -> list[Finding]:
    """As many failures at as many lines of a template."""
    model = sample().findings[10]
    evidence = [item._replace(observed=7) for item in model.evidence[1:]]
    return [
        model._replace(
            outcome=Outcome.FAIL,
            subject=TEMPLATE._replace(name=f"st{index}", id=f"{TEMPLATE.id}{index}"),
            evidence=tuple(item._replace(origin=item.origin._replace(line=index + 1)) for item in evidence),
        )
        for index in range(number)
    ]


def gaps(number: int) -> tuple[Gap, ...]:
    """As many things that were not read."""
    return tuple(Gap(f"{GROUP}/providers/{STORAGE_TYPE}/gone{index}", "403", NO_FINDING) for index in range(number))


def report_of(found: Sequence[Finding], missing: Sequence[Gap] = ()) -> Report:
    """A report that holds these findings and gaps, and nothing else."""
    subjects = tuple({finding.subject.id: finding.subject for finding in found}.values())
    return dataclasses.replace(
        sample(),
        findings=tuple(found),
        gaps=tuple(missing),
        subjects=subjects,
        statements=(),
        stale_waivers=(),
        rules=RULES,
    )

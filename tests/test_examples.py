"""Every rule does what its own examples say, and carries the examples a rule has to carry."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from auditor import pipeline, services
from auditor.examples import ExampleResult, run_examples
from auditor.paths import data_dir
from auditor.rules import Rule, load_baseline, load_rules

CONTRACT = [
    "cosmosdb-backup-continuous",
    "cosmosdb-backup-retention",
    "cosmosdb-backup-interval",
    "cosmosdb-backup-redundancy",
    "cosmosdb-consistency",
    "cosmosdb-multi-region",
    "cosmosdb-automatic-failover",
    "cosmosdb-zone-redundancy",
    "cosmosdb-restorable",
    "storage-redundancy",
    "storage-zone-redundancy",
    "storage-blob-versioning",
    "storage-blob-soft-delete",
    "storage-container-soft-delete",
    "storage-share-soft-delete",
    "storage-permanent-delete",
    "storage-point-in-time-restore",
    "storage-lifecycle-deletes",
    "storage-backup",
    "storage-delete-lock",
    "keyvault-soft-delete",
    "keyvault-soft-delete-retention",
    "keyvault-purge-protection",
    "keyvault-cross-region",
    "keyvault-delete-lock",
    "appconfig-tier",
    "appconfig-soft-delete-retention",
    "appconfig-purge-protection",
    "appconfig-geo-replication",
    "appconfig-revision-retention",
    "backupvault-soft-delete",
    "backupvault-immutability",
    "backupvault-redundancy",
]


def shipped() -> Mapping[str, Rule]:
    return load_rules([data_dir("rules")], pipeline.vocabulary_of(services.catalog()))


RESULTS = [*run_examples(shipped().values(), services.catalog())]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: f"{result.rule}: {result.name}")
def test_example(result: ExampleResult) -> None:
    assert result.actual is result.expected, f"{result.file}:{result.line}: {result.message}"


def test_every_id_of_the_contract_is_there() -> None:
    assert set(CONTRACT) <= shipped().keys()


@pytest.mark.parametrize("rule", [*shipped().values()], ids=lambda rule: rule.id)
def test_a_rule_carries_what_it_must(rule: Rule) -> None:
    outcomes = {example["outcome"] for example in rule.examples}
    assert {"pass", "fail"} <= outcomes
    assert outcomes & {"unknown", "not-applicable"}
    names = " ".join(example["name"] for example in rule.examples)
    assert "boundary" in names
    assert any(word in names for word in ("left out", "absent", "omits", "null", "is declared", "written down"))
    assert rule.references
    assert rule.remediation.keys() >= {"az", "caveat"}
    assert rule.id.startswith(rule.service)


@pytest.mark.parametrize("name", ["standard-deployment", "well-architected"])
def test_a_baseline_speaks_of_every_rule(name: str) -> None:
    rules = shipped()
    baseline = load_baseline(name, data_dir("rules") / "baselines", rules)
    assert baseline.rules.keys() == rules.keys()


def test_the_statements_of_the_document_are_all_there() -> None:
    baseline = load_baseline("standard-deployment", data_dir("rules") / "baselines", shipped())
    expected = ["G1", *(f"C{n}" for n in range(1, 8)), *(f"S{n}" for n in range(1, 6)), *(f"K{n}" for n in range(1, 6))]
    assert [statement.id for statement in baseline.statements] == [*expected, "A1", "A2", "A3"]


def test_only_known_official_mappings_are_called_official() -> None:
    """Official are the initiatives of Azure Policy; what comes from other tools' tables or the text of a benchmark is not."""
    official = {
        (rule.id, control["framework"].partition(" ")[0])
        for rule in shipped().values()
        for control in rule.controls
        if control["mapping"] == "official"
    }
    assert {rule for rule, _ in official} <= {
        "keyvault-soft-delete",
        "keyvault-purge-protection",
        "storage-redundancy",
        "backupvault-soft-delete",
        "backupvault-immutability",
    }

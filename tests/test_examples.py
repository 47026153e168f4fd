"""Every rule does what its own examples say, and carries the examples a rule has to carry."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from auditor import pipeline, services
from auditor.examples import ExampleResult, run_examples
from auditor.model import Outcome
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
    "terraform-data-loss",
    "terraform-prevent-destroy",
    "terraform-purge-on-destroy",
]


def shipped() -> Mapping[str, Rule]:
    return load_rules([data_dir("rules")], pipeline.vocabulary_of(services.catalog()))


RESULTS = [*run_examples(shipped().values(), services.catalog())]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: f"{result.rule}: {result.name}")
def test_example(result: ExampleResult) -> None:
    assert result.actual is result.expected, f"{result.file}:{result.line}: {result.message}"


# ── what is not known, against what it could be ──────────────────────────────────────────────────────────────────────

VALUES: list[Any] = [
    None, True, False, "true", "x", "", -1, 0, 7, 14, 30, 90, 720, "30", [], {}, [None], [{}], {"enabled": True},
    "Standard_GRS", "Premium_LRS", "Continuous", "Periodic", "West Europe", "free", "FileStorage", "StorageV2", 10**400,
]  # fmt: skip


def outcome_of(rule: Rule, example: Mapping[str, Any], place: tuple[Any, ...], value: Any) -> Outcome:
    """What the rule makes of the example's resource with one value put in a place of it."""
    resource = copy.deepcopy(example["resource"])
    holder = resource
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    changed = replace(rule, examples=({**example, "resource": resource},))
    (result,) = run_examples([changed], services.catalog())
    return result.actual


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in an example's resource that holds something of the resource, its children and what stands beside."""
    steers = place[:1] in (("type",), ("region",), ("deployed",), ("apiVersion",))
    if place and not steers and (place[0] not in ("children", "related") or len(place) > 3):
        yield place
    if isinstance(value, Mapping) and "$unknown" not in value:
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*place, index))


@pytest.mark.parametrize("rule", [*shipped().values()], ids=lambda rule: rule.id)
def test_a_value_that_is_not_known_decides_only_what_no_value_would_change(rule: Rule) -> None:
    choice = random.Random(rule.id)
    for example in rule.examples:
        for place in places(example["resource"]):
            values = choice.sample(VALUES, 6)
            found = [outcome_of(rule, example, place, value) for value in values]
            unknown = outcome_of(rule, example, place, {"$unknown": "nobody knows"})
            assert unknown is Outcome.UNKNOWN or set(found) <= {unknown, Outcome.UNKNOWN}, (example["name"], place)
            for one, other in itertools.pairwise(range(len(values))):
                alternatives = {"$unknown": "one of two", "$possible": [values[one], values[other]]}
                agreed = found[one] if found[one] is found[other] else Outcome.UNKNOWN
                about = (example["name"], place, values[one], values[other])
                assert outcome_of(rule, example, place, alternatives) is agreed, about


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
    # What Terraform does is put right in its configuration, and nowhere else.
    assert rule.remediation.keys() >= {"azurerm" if rule.about else "az", "caveat"}
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


# The groups that initiatives of Azure Policy tie the definitions to. Source: Azure/azure-policy f4a50bac, 2026-04-29.
DELETION_PROTECTION = {
    "Microsoft cloud security benchmark v1 DP-8",
    "NIST SP 800-53 Rev. 5 CP-9",
    "FedRAMP High CP-9",
    "CIS Microsoft Azure Foundations 2.0.0 8.5",
    "CIS Microsoft Azure Foundations 3.0.0 3.3.5",
    "SOC 2 Type 2 CC6.1",
}
OFFICIAL = {
    "keyvault-purge-protection": DELETION_PROTECTION | {"CIS Controls v8.1 11.1", "ISO/IEC 27002:2022 7.14"},
    "keyvault-soft-delete": DELETION_PROTECTION | {"DORA 9.3c"},
    "storage-redundancy": {
        "NIST SP 800-53 Rev. 5 CP-6",
        "NIST SP 800-53 Rev. 5 CP-6(1)",
        "FedRAMP High CP-6",
        "DORA 9.3c",
    },
    "backupvault-soft-delete": {"Microsoft cloud security benchmark v2 (preview) BR-2"},
    "backupvault-immutability": {"Microsoft cloud security benchmark v2 (preview) BR-2"},
}


def test_only_what_an_initiative_names_is_called_official() -> None:
    found = {
        rule.id: {f"{c['framework']} {c['id']}" for c in rule.controls if c["mapping"] == "official"}
        for rule in shipped().values()
    }
    assert {rule_id: controls for rule_id, controls in found.items() if controls} == OFFICIAL


def test_what_only_the_text_of_a_benchmark_says_is_called_so() -> None:
    for rule in shipped().values():
        for control in rule.controls:
            if "benchmark v1" in control["framework"] and control["id"].startswith("BR-"):
                assert control["mapping"] == "text-based", rule.id

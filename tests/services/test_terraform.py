"""What Terraform would do with a store: how it is carried, and what the rules make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from auditor import pipeline, snapshot
from auditor.model import (
    Basis,
    Finding,
    Listing,
    Origin,
    Outcome,
    Record,
    Report,
    Resource,
    Severity,
    Snapshot,
    Unknown,
)
from auditor.services import appconfig, backup, cosmosdb, keyvault, storage, terraform
from auditor.services.terraform import lifecycle_of

GROUP = "/subscriptions/s/resourceGroups/g/providers"
P, F, U, N, I = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE, Outcome.INFORMATIONAL  # noqa: E741
STORES = (
    cosmosdb.ACCOUNT, storage.ACCOUNT, keyvault.VAULT, appconfig.STORE, backup.BACKUP_VAULT, backup.RECOVERY_VAULT
)  # fmt: skip
LOSS, PREVENT, PURGE = "terraform-data-loss", "terraform-prevent-destroy", "terraform-purge-on-destroy"


PLAN = Origin("plan.json")


@dataclass(frozen=True)
class Provider:
    name: str = "azurerm"
    features: Mapping[str, Any] | Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class Instance:
    """As the Terraform source has them, without what is of no use here."""

    address: str
    type: str = "azurerm_storage_account"
    action: str | Unknown = ""
    forced_by: tuple[str, ...] = ()
    prevent_destroy: bool | Unknown | None = None
    provider: Provider = Provider()
    origin: Origin = PLAN


def store(instance: Instance, *parts: Instance | Unknown, kind: str = storage.ACCOUNT, body: Any = None) -> Resource:
    store_id = f"{GROUP}/{kind}/st"
    body = {"properties": {}} if body is None and instance.action != "delete" else body
    child = lifecycle_of(store_id, kind, instance, parts)
    return Resource(store_id, kind, "st", "westeurope", body, Origin("plan.json"), children=(child,))


def report(*records: Record, baseline: str = "well-architected") -> Report:
    return pipeline.evaluate(Snapshot(("t",), "", lambda skip=(): iter(records)), pipeline.load_policy(baseline))


def judged(rule: str, *records: Record, baseline: str = "well-architected") -> Finding:
    (finding,) = (one for one in report(*records, baseline=baseline).findings if one.rule == rule)
    return finding


LOGS = Instance("module.data.azurerm_storage_account.logs", action="none")
FORCED = replace(LOGS, action="replace", forced_by=("account_kind", "is_hns_enabled"))
OLD = Instance('azurerm_storage_container.data["old"]', "azurerm_storage_container", "delete", origin=Origin("p", 7))


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("baseline", ["standard-deployment", "well-architected"])
@pytest.mark.parametrize("action", ["replace", "delete"])
def test_a_store_that_is_destroyed_is_a_critical_finding(kind: str, baseline: str, action: str) -> None:
    finding = judged(LOSS, store(replace(FORCED, action=action), kind=kind), baseline=baseline)
    assert (finding.outcome, finding.severity) == (F, Severity.CRITICAL)
    shown = {evidence.path: evidence.observed for evidence in finding.evidence}
    assert shown["destroyed[0].address"] == LOGS.address
    assert shown["destroyed[0].action"] == action
    assert shown["destroyed[0].forcedBy"] == ["account_kind", "is_hns_enabled"]
    assert LOGS.address in finding.message
    assert "account_kind, is_hns_enabled" in finding.message


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("action", ["create", "update", "none"])
def test_a_store_that_stays_is_none(kind: str, action: str) -> None:
    kept = replace(OLD, action=action)
    assert judged(LOSS, store(replace(LOGS, action=action), kept, kind=kind)).outcome is P


def test_what_is_destroyed_inside_a_store_that_stays_is_data_too() -> None:
    finding = judged(LOSS, store(LOGS, replace(OLD, action="update"), OLD))
    assert finding.outcome is F
    assert OLD.address in finding.message
    origins = {e.path: finding.origin_of(e) for e in finding.evidence if e.path.startswith("destroyed[0]")}
    assert set(origins.values()) == {Origin("p", 7)}


def test_what_a_plan_does_not_say_is_not_known() -> None:
    unsaid = Unknown("the plan is incomplete")
    assert judged(LOSS, store(replace(LOGS, action=unsaid))).outcome is U
    assert judged(LOSS, store(LOGS, Unknown("the account of a container is not known"))).outcome is U
    assert judged(LOSS, store(LOGS, replace(OLD, action=unsaid))).outcome is U
    assert judged(LOSS, store(FORCED, Unknown("the account of a container is not known"))).outcome is F


def test_without_a_plan_nothing_is_destroyed() -> None:
    finding = judged(LOSS, store(replace(LOGS, action=""), replace(OLD, action="")))
    assert (finding.outcome, finding.message) == (N, "Only a plan says what would be destroyed")


def test_a_store_that_goes_is_judged_by_its_going_alone() -> None:
    found = report(store(replace(LOGS, action="delete"))).findings
    assert {finding.rule: finding.outcome for finding in found} == {LOSS: F, PREVENT: N}


def test_a_store_that_goes_is_judged_the_same_from_a_snapshot(tmp_path: Path) -> None:
    records = [store(replace(LOGS, action="delete"), OLD, Unknown("more")), store(FORCED, OLD)]
    path = tmp_path / "s.jsonl"
    snapshot.write(path, records, ("plan.json",))
    assert [*snapshot.read(path).records()] == records
    again = pipeline.evaluate(snapshot.read(path), pipeline.load_policy("well-architected"))
    assert again.findings == report(*records).findings


@pytest.mark.parametrize(
    ("written", "required", "reported"),
    [
        (True, P, I),
        (False, F, I),
        (None, U, I),
        (Unknown("the block could not be read"), U, U),
    ],
)
def test_prevent_destroy(written: Any, required: Outcome, reported: Outcome) -> None:
    about = store(replace(LOGS, prevent_destroy=written))
    assert judged(PREVENT, about).outcome is required
    assert judged(PREVENT, about, baseline="standard-deployment").outcome is reported


KEPT = dict.fromkeys(terraform.FLAGS["key_vault"], False)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({}, F),
        ({"key_vault": []}, F),
        ({"key_vault": {}}, F),
        ({"key_vault": [{"purge_soft_delete_on_destroy": False}]}, F),
        ({"key_vault": [KEPT]}, P),
        ({"key_vault": KEPT}, P),
        ({"key_vault": [{**KEPT, "purge_soft_deleted_keys_on_destroy": True}]}, F),
        ({"key_vault": [{**KEPT, "purge_soft_deleted_keys_on_destroy": None}]}, F),
        ({"key_vault": [{**KEPT, "purge_soft_deleted_keys_on_destroy": Unknown("a variable")}]}, U),
        ({"key_vault": [KEPT, KEPT]}, U),
        ({"key_vault": Unknown("a dynamic block")}, U),
        ({"key_vault": "yes"}, U),
        (Unknown("a state does not hold them"), U),
    ],
)
def test_a_vault_is_purged_unless_the_provider_is_told_not_to(features: Any, expected: Outcome) -> None:
    vault = Instance("azurerm_key_vault.a", "azurerm_key_vault", "create", provider=Provider(features=features))
    assert judged(PURGE, store(vault, kind=keyvault.VAULT)).outcome is expected
    protected = {"properties": {"enablePurgeProtection": True}}
    assert judged(PURGE, store(vault, kind=keyvault.VAULT, body=protected)).outcome is P
    undecided = {"properties": {"enablePurgeProtection": Unknown("a variable")}}
    assert judged(PURGE, store(vault, kind=keyvault.VAULT, body=undecided)).outcome is (P if expected is P else U)


@pytest.mark.parametrize(
    ("sku", "features", "expected"),
    [
        ("standard", {}, F),
        ("standard", {"key_vault": [KEPT]}, F),
        ("standard", {"app_configuration": [{"purge_soft_delete_on_destroy": False}]}, P),
        ("free", {}, N),
        (Unknown("a variable"), {}, U),
        (Unknown("a variable"), {"app_configuration": [{"purge_soft_delete_on_destroy": False}]}, U),
    ],
)
def test_a_configuration_store_is_purged_likewise(sku: Any, features: Any, expected: Outcome) -> None:
    made = Instance("a.b", "azurerm_app_configuration", "create", provider=Provider(features=features))
    body = {"sku": {"name": sku}, "properties": {}}
    assert judged(PURGE, store(made, kind=appconfig.STORE, body=body)).outcome is expected


def test_the_providers_default_is_named_with_its_source() -> None:
    vault = Instance("azurerm_key_vault.a", "azurerm_key_vault", "create")
    finding = judged(PURGE, store(vault, kind=keyvault.VAULT))
    flags = [evidence for evidence in finding.evidence if "features.key_vault" in evidence.path]
    assert [evidence.basis for evidence in flags] == [Basis.DEFAULT] * 4
    assert all("terraform-provider-azurerm" in evidence.reason for evidence in flags)


def test_only_azurerm_purges() -> None:
    vault = Instance("azapi_resource.vault", "azapi_resource", "create", provider=Provider("azapi"))
    assert judged(PURGE, store(vault, kind=keyvault.VAULT)).outcome is N


def test_stores_of_other_sources_hear_nothing_of_terraform() -> None:
    made = store(LOGS)
    bare = replace(made, children=())
    listing = Listing("", storage.ACCOUNT)
    assert not [one for one in report(bare, listing).findings if one.rule.startswith("terraform-")]
    assert not [one for one in report(replace(bare, deployed=True)).findings if one.rule.startswith("terraform-")]
    assert "terraform" not in report(bare).services
    assert report(made).services["terraform"] == "Terraform"

"""One setting of the Terraform estate is changed, in the plan and in the configuration: its verdict changes, no other does.

The edits are those of `test_mutations` in Terraform's words, and those of the rules that Terraform alone is judged by.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from auditor import pipeline

from .test_mutations import (
    BACKUPS,
    CONFIG,
    COSMOS,
    FAIL,
    FREE,
    LAKE,
    LOGS,
    PASS,
    SD,
    STORAGE,
    SUBSCRIPTION,
    TRIALS,
    UNKNOWN,
    VECTORS,
    WA,
    Edit,
    Verdicts,
)  # fmt: skip

LEGACY, OPS, AUTH = "kv-fllm-legacy", "kv-fllm-ops", "kv-fllm-auth"
SOURCES = ("plan", "configuration")


def at(address: str, old: str, new: str) -> Edit:
    """An edit of what the plan says of a resource."""
    # Changes are indented less than the planned values, which hold the same.
    return Edit("plan.json", f'\n   "address": {json.dumps(address)}', old, new)


def of(account: str) -> str:
    """The address of a storage account."""
    return f'module.account["{account}"].azurerm_storage_account.this'


@dataclass(frozen=True)
class Mutation:
    """A rule's verdict on a store before and after the edits of the plan, and of the configuration.

    `also` are other verdicts that change with it: (rule, store) for both, or (source, rule, store) for one. `given` is
    done beforehand, where the estate alone does not bring the rule to a verdict.
    """

    rule: str
    store: str
    before: str
    after: str
    plan: tuple[Edit, ...]
    configuration: tuple[Edit, ...]
    also: tuple[tuple[str, ...], ...] = ()
    given: dict[str, tuple[Edit, ...]] | None = None
    baseline: str = WA

    def edits(self, source: str) -> tuple[Edit, ...]:
        """The edits of a source."""
        return self.plan if source == "plan" else self.configuration

    def changes(self, source: str) -> set[tuple[str, ...]]:
        """All verdicts that change in a source."""
        others = {one for one in self.also if len(one) == 2} | {one[1:] for one in self.also if one[0] == source}
        return {(self.rule, self.store), *others}


CHAT, TRIAL = "module.chat_history.azurerm_cosmosdb_account.this", "azurerm_cosmosdb_account.evaluations[0]"
POLICY, LOCK = "azurerm_storage_management_policy.logs", "azurerm_management_lock.data"
STORE, FREE_STORE = "azurerm_app_configuration.platform", "azurerm_app_configuration.trial[0]"
VAULT, OLD_VAULT = "azurerm_data_protection_backup_vault.this", "azapi_resource.legacy[0]"
ENROLLED = 'module.account["prompts"].azurerm_data_protection_backup_instance_blob_storage.this[0]'
OF_VECTORS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-fllm-storage/providers/Microsoft.Storage/storageAccounts/{VECTORS}"
T, ACCOUNT = "terraform.tfvars", "modules/storage-account/main.tf"
REGION = 'regions = [{ name = "East US 2" }]'
ALL_BLOBS = (STORAGE, VECTORS, LAKE, LOGS)

TWO_REGIONS: dict[str, tuple[Edit, ...]] = {
    "plan": (
        at(
            CHAT, '"zone_redundant": false\n      }',
            '"zone_redundant": false\n      }, {"failover_priority": 1, "location": "centralus", "zone_redundant": false}',
        ),
    ),
    "configuration": (Edit(T, "", REGION, 'regions = [{ name = "East US 2" }, { name = "Central US" }]'),),
}  # fmt: skip

MUTATIONS = (
    Mutation(
        "cosmosdb-backup-continuous", TRIALS, FAIL, PASS,
        (at(TRIAL, '"Periodic"', '"Continuous"'), at(TRIAL, '"tier": true', '"tier": false')),
        (Edit("sandbox.tf", "", '"Periodic"', '"Continuous"'),),
        also=(
            ("cosmosdb-backup-interval", TRIALS), ("cosmosdb-backup-redundancy", TRIALS),
            ("cosmosdb-backup-retention", TRIALS),
        ),
    ),
    Mutation(
        "cosmosdb-backup-retention", COSMOS, PASS, FAIL,
        (at(CHAT, "Continuous30Days", "Continuous7Days"),),
        (Edit(T, "", "chat_history = {", 'chat_history = {\n  backup_tier = "Continuous7Days"'),),
    ),
    Mutation(
        "cosmosdb-backup-interval", TRIALS, FAIL, PASS,
        (at(TRIAL, '"interval_in_minutes": 1440', '"interval_in_minutes": 60'),),
        (Edit("sandbox.tf", "", "1440", "60"),),
    ),
    Mutation(
        "cosmosdb-backup-redundancy", TRIALS, FAIL, PASS,
        (at(TRIAL, '"Local"', '"Geo"'),),
        (Edit("sandbox.tf", "", '"Local"', '"Geo"'),),
    ),
    Mutation(
        "cosmosdb-consistency", COSMOS, PASS, FAIL,
        (at(CHAT, '"Session"', '"Eventual"'),),
        (Edit(T, "", "chat_history = {", 'chat_history = {\n  consistency = "Eventual"'),),
        baseline=SD,
    ),
    Mutation(
        "cosmosdb-multi-region", COSMOS, FAIL, PASS,
        TWO_REGIONS["plan"], TWO_REGIONS["configuration"],
        also=(("cosmosdb-automatic-failover", COSMOS),),
    ),
    Mutation(
        "cosmosdb-automatic-failover", COSMOS, PASS, FAIL,
        (at(CHAT, '"automatic_failover_enabled": true', '"automatic_failover_enabled": false'),),
        (Edit("modules/cosmosdb-account/main.tf", "", "automatic_failover_enabled = true", "automatic_failover_enabled = false"),),
        given=TWO_REGIONS,
    ),
    Mutation(
        "cosmosdb-zone-redundancy", COSMOS, FAIL, PASS,
        (at(CHAT, '"zone_redundant": false', '"zone_redundant": true'),),
        (Edit(T, "", REGION, 'regions = [{ name = "East US 2", zone_redundant = true }]'),),
    ),
    Mutation(
        "storage-redundancy", STORAGE, FAIL, PASS,
        (at(of("prompts"), '"LRS"', '"GRS"'),),
        (Edit(T, "prompts = {", "Standard_LRS", "Standard_GRS"),),
    ),
    Mutation(
        "storage-zone-redundancy", STORAGE, FAIL, PASS,
        (at(of("prompts"), '"LRS"', '"ZRS"'),),
        (Edit(T, "prompts = {", "Standard_LRS", "Standard_ZRS"),),
    ),
    Mutation(
        "storage-blob-versioning", STORAGE, PASS, FAIL,
        (at(of("prompts"), '"versioning_enabled": true', '"versioning_enabled": false'),),
        (Edit(T, "prompts = {", "versioning            = true", "versioning            = false"),),
    ),
    Mutation(
        "storage-blob-soft-delete", STORAGE, PASS, FAIL,
        (at(of("prompts"), '"days": 30,', '"days": 29,'),),
        (Edit(T, "prompts = {", " soft_delete           = 30", " soft_delete           = 29"),),
    ),
    Mutation(
        "storage-container-soft-delete", STORAGE, PASS, FAIL,
        (at(of("prompts"), '"days": 30\n', '"days": 29\n'),),
        (Edit(T, "prompts = {", "container_soft_delete = 30", "container_soft_delete = 30 - 1"),),
    ),
    Mutation(
        "storage-share-soft-delete", STORAGE, FAIL, PASS,
        (at(of("prompts"), '"days": 7', '"days": 14'),),
        (Edit(T, "prompts = {", "share_soft_delete = 7", "share_soft_delete = 14"),),
    ),
    Mutation(
        "storage-permanent-delete", STORAGE, PASS, FAIL,
        (at(of("prompts"), '"permanent_delete_enabled": false', '"permanent_delete_enabled": true'),),
        (Edit(ACCOUNT, "", "permanent_delete_enabled = false", "permanent_delete_enabled = true"),),
        also=tuple(("configuration", "storage-permanent-delete", store) for store in ALL_BLOBS[1:]),
    ),
    Mutation(
        "storage-point-in-time-restore", STORAGE, FAIL, PASS,
        (
            at(of("prompts"), '"change_feed_enabled": false', '"change_feed_enabled": true'),
            at(of("prompts"), '"restore_policy": []', '"restore_policy": [{"days": 7}]'),
        ),
        (
            Edit(
                ACCOUNT, "", "versioning_enabled = blob_properties.value.versioning\n",
                "versioning_enabled = true\n      change_feed_enabled = true\n      restore_policy {\n        days = 7\n      }\n",
            ),
        ),
        also=(
            ("configuration", "storage-point-in-time-restore", VECTORS), ("configuration", "storage-blob-versioning", LOGS),
        ),
    ),
    Mutation(
        "storage-lifecycle-deletes", LOGS, FAIL, PASS,
        (at(POLICY, '"delete_after_days_since_creation": 3', '"delete_after_days_since_creation": 30'),),
        (Edit("main.tf", "", "delete_after_days_since_creation = 3", "delete_after_days_since_creation = 30"),),
    ),
    Mutation(
        "storage-backup", STORAGE, PASS, FAIL,
        (
            at(ENROLLED, '"timeouts": null', f'"timeouts": null, "storage_account_id": "{OF_VECTORS}"'),
            at(ENROLLED, '"storage_account_id": true', '"storage_account_id": false'),
        ),
        (Edit(T, "", 'backed_up = ["prompts"]', 'backed_up = ["vectors"]'),),
        also=(("storage-backup", VECTORS),),
    ),
    Mutation(
        # Without it there may still be a lock above what Terraform manages.
        "storage-delete-lock", LAKE, PASS, UNKNOWN,
        (at(LOCK, "CanNotDelete", "NotSpecified"),),
        (Edit("main.tf", "", "CanNotDelete", "NotSpecified"),),
    ),
    Mutation(
        "keyvault-soft-delete", LEGACY, FAIL, PASS,
        (at(OLD_VAULT, '"enableSoftDelete": false', '"enableSoftDelete": true'),),
        (Edit("sandbox.tf", "", "enableSoftDelete          = false", "enableSoftDelete          = true"),),
        also=(("keyvault-soft-delete-retention", LEGACY),),
    ),
    Mutation(
        "keyvault-soft-delete-retention", AUTH, FAIL, PASS,
        (at('module.vault["auth"].azurerm_key_vault.this', '"soft_delete_retention_days": 7', '"soft_delete_retention_days": 90'),),
        (Edit(T, "auth = {", "retention        = 7", "retention        = 90"),),
    ),
    Mutation(
        "keyvault-purge-protection", AUTH, PASS, FAIL,
        (at('module.vault["auth"].azurerm_key_vault.this', '"purge_protection_enabled": true', '"purge_protection_enabled": null'),),
        (Edit(T, "auth = {", "    purge_protection = true\n", ""),),
    ),
    Mutation(
        "keyvault-cross-region", LEGACY, FAIL, PASS,
        (at(OLD_VAULT, '"italynorth"', '"westeurope"'),),
        (Edit("sandbox.tf", "", '"italynorth"', "var.location"),),
    ),
    Mutation(
        "appconfig-tier", FREE, FAIL, PASS,
        (at(FREE_STORE, '"free"', '"standard"'),),
        (Edit("sandbox.tf", "", '"free"', '"standard"'),),
        also=(
            ("appconfig-geo-replication", FREE), ("appconfig-purge-protection", FREE),
            ("appconfig-soft-delete-retention", FREE), ("appconfig-revision-retention", FREE),
            ("terraform-purge-on-destroy", FREE),
        ),
    ),
    Mutation(
        "appconfig-soft-delete-retention", CONFIG, PASS, FAIL,
        (at(STORE, '"soft_delete_retention_days": 7', '"soft_delete_retention_days": 1'),),
        (Edit("main.tf", '"platform"', "soft_delete_retention_days = 7", "soft_delete_retention_days = 1"),),
    ),
    Mutation(
        "appconfig-purge-protection", CONFIG, FAIL, PASS,
        (at(STORE, '"purge_protection_enabled": false', '"purge_protection_enabled": true'),),
        (Edit("main.tf", '"platform"', "purge_protection_enabled   = false", "purge_protection_enabled   = true"),),
        also=(("terraform-purge-on-destroy", CONFIG),),
    ),
    Mutation(
        "appconfig-geo-replication", CONFIG, FAIL, PASS,
        (at(STORE, '"replica": []', '"replica": [{"location": "centralus", "name": "r"}]'),),
        (Edit("main.tf", '"platform"', "  lifecycle {", '  replica {\n    location = "centralus"\n    name     = "r"\n  }\n\n  lifecycle {'),),
    ),
    Mutation(
        "backupvault-soft-delete", BACKUPS, PASS, FAIL,
        (at(VAULT, '"soft_delete": "On"', '"soft_delete": "Off"'),),
        (Edit("backup.tf", "", '"On"', '"Off"'),),
    ),
    Mutation(
        "backupvault-immutability", BACKUPS, FAIL, PASS,
        (at(VAULT, '"Disabled"', '"Unlocked"'),),
        (Edit("backup.tf", "", '"Disabled"', '"Unlocked"'),),
    ),
    Mutation(
        "backupvault-redundancy", BACKUPS, PASS, FAIL,
        (at(VAULT, '"GeoRedundant"', '"LocallyRedundant"'),),
        (Edit("backup.tf", "", '"GeoRedundant"', '"LocallyRedundant"'),),
    ),
    Mutation(
        "terraform-data-loss", LOGS, PASS, FAIL,
        (at(of("logs"), '"create"', '"delete", "create"'),),
        (),
    ),
    Mutation(
        # A plan does not hold lifecycle blocks; they are read beside it.
        "terraform-prevent-destroy", BACKUPS, PASS, FAIL,
        (Edit("backup.tf", "", "prevent_destroy = true", "prevent_destroy = false"),),
        (Edit("backup.tf", "", "prevent_destroy = true", "prevent_destroy = false"),),
    ),
    Mutation(
        "terraform-prevent-destroy", AUTH, PASS, FAIL,
        (Edit("modules/key-vault/main.tf", "", "prevent_destroy = true", "create_before_destroy = true"),),
        (Edit("modules/key-vault/main.tf", "", "prevent_destroy = true", "create_before_destroy = true"),),
        also=(("terraform-prevent-destroy", OPS),),
    ),
    Mutation(
        "terraform-purge-on-destroy", OPS, PASS, FAIL,
        (Edit("plan.json", '"purge_soft_deleted_keys_on_destroy"', '"constant_value": false', '"constant_value": true'),),
        (Edit("providers.tf", "", "purge_soft_deleted_keys_on_destroy         = false", ""),),
    ),
    Mutation(
        "terraform-purge-on-destroy", CONFIG, FAIL, PASS,
        (
            Edit(
                "plan.json", '"provider_config"', '"key_vault": [',
                '"app_configuration": [{"purge_soft_delete_on_destroy": {"constant_value": false}}], "key_vault": [',
            ),
        ),
        (
            Edit(
                "providers.tf", "", "    resource_group {",
                "    app_configuration {\n      purge_soft_delete_on_destroy = false\n    }\n\n    resource_group {",
            ),
        ),
    ),
)  # fmt: skip

NOT_DECLARED = {
    # What was deployed, only the service can say; and azurerm has no attribute for how long revisions are kept.
    *((rule, source) for rule in ("cosmosdb-restorable", "appconfig-revision-retention") for source in SOURCES),
    # A configuration plans nothing.
    ("terraform-data-loss", "configuration"),
}  # fmt: skip
"""What no edit of a source could change."""

CASES = [
    pytest.param(mutation, source, id=f"{mutation.rule}-{source}-{mutation.store}")
    for mutation in MUTATIONS
    for source in SOURCES
    if mutation.edits(source)
]


def test_every_rule_a_baseline_requires_is_mutated() -> None:
    required = {
        rule.id
        for baseline in (SD, WA)
        for policy in [_policy(baseline)]
        for rule in policy.rules.values()
        if policy.baseline.setting(rule.id).effect == "require"
    }
    mutated = {(one.rule, source) for one in MUTATIONS for source in SOURCES if one.edits(source)}
    assert {(rule, source) for rule in required for source in SOURCES} - mutated == NOT_DECLARED


@pytest.mark.parametrize(("mutation", "source"), CASES)
def test_a_changed_setting_changes_its_verdict_and_no_other(
    mutation: Mutation, source: str, home: Path, tmp_path: Path
) -> None:
    estate = tmp_path / "estate"
    shutil.copytree(home / "samples" / "estate" / "terraform", estate)
    before = _unchanged(home / "samples" / "estate" / "terraform", source, mutation.baseline)
    if mutation.given:
        _make(mutation.given[source], estate)
        before = _verdicts(estate, source, mutation.baseline)
    _make(mutation.edits(source), estate)
    after = _verdicts(estate, source, mutation.baseline)
    key = (mutation.rule, mutation.store)
    assert (before[key], after[key]) == (mutation.before, mutation.after)
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == mutation.changes(
        source
    )


def test_what_a_condition_leaves_out_is_not_judged(home: Path, tmp_path: Path) -> None:
    estate = tmp_path / "estate"
    shutil.copytree(home / "samples" / "estate" / "terraform", estate)
    before = _verdicts(estate, "configuration", WA)
    _make((Edit(T, "", "accounts = {", "deploy_sandbox = false\n\naccounts = {"),), estate)
    after = _verdicts(estate, "configuration", WA)
    assert {store for _, store in before.keys() - after.keys()} == {TRIALS, LEGACY, FREE}
    assert after.items() <= before.items()


def _make(edits: tuple[Edit, ...], estate: Path) -> None:
    """Change the text of a file, in one place each."""
    for edit in edits:
        path = estate / edit.at
        text = path.read_text("utf-8")
        place = text.index(edit.old, text.index(edit.after))
        path.write_text(text[:place] + edit.new + text[place + len(edit.old) :], "utf-8")


@cache
def _policy(baseline: str) -> pipeline.Policy:
    return pipeline.load_policy(baseline)


@cache
def _unchanged(estate: Path, source: str, baseline: str) -> Verdicts:
    return _verdicts(estate, source, baseline)


def _verdicts(estate: Path, source: str, baseline: str) -> Verdicts:
    named = estate / ("plan.json" if source == "plan" else "main.tf")
    report = pipeline.evaluate(pipeline.collect(named, subscription=SUBSCRIPTION), _policy(baseline))
    found = {(one.rule, one.subject.name): str(one.outcome) for one in report.findings}
    assert len(found) == len(report.findings)
    return found

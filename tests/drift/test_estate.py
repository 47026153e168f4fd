"""The template of the sample estate and its recorded deployment: what drifted is found, what only looks different is not.

Both sides are the same estate. In each mutation one setting of the recording is changed, and that one is told of; in each
rewrite the template says the same in other words, and nothing is. What cannot be told in the first place (a 403 in the
recording) stays what it is.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from auditor import comparison, pipeline
from auditor.delta import Delta
from tests.drift.sides import SUBSCRIPTION, policy, told
from tests.test_mutations import (
    BACKUPS,
    BLOBS,
    CONFIG,
    COSMOS,
    LAKE,
    LOGS,
    MUTATIONS,
    STORAGE,
    STORAGES,
    STORES,
    TRIALS,
    Edit,
    _make,
)  # fmt: skip

FORBIDDEN = "stfllmvectors"
UNKNOWN = {
    (FORBIDDEN, f"blobServices/default:properties.{path}"): "unknown"
    for path in (
        "changeFeed.enabled", "containerDeleteRetentionPolicy.days", "containerDeleteRetentionPolicy.enabled",
        "deleteRetentionPolicy.allowPermanentDelete", "deleteRetentionPolicy.days", "deleteRetentionPolicy.enabled",
        "isVersioningEnabled", "restorePolicy.enabled",
    )
}  # fmt: skip
"""What nobody can tell of the estate: its recording holds a 403 where the blob service of one account should be."""

LIVE = {(one.rule, one.store): one.live for one in MUTATIONS if one.live is not None}
BACKUP_TYPE = "properties.backupPolicy."
PERIOD = f"{BACKUP_TYPE}periodicModeProperties."
BLOB = "blobServices/default:properties."


class Mutation(NamedTuple):
    """An edit of the recording, and the one difference it makes."""

    edit: Edit
    store: str
    path: str
    drift: str


MUTATED = (
    Mutation(LIVE["cosmosdb-backup-continuous", TRIALS], TRIALS, f"{BACKUP_TYPE}type", "stronger"),
    Mutation(LIVE["cosmosdb-backup-retention", COSMOS], COSMOS, f"{BACKUP_TYPE}continuousModeProperties.tier", "weaker"),
    Mutation(LIVE["cosmosdb-backup-interval", TRIALS], TRIALS, f"{PERIOD}backupIntervalInMinutes", "stronger"),
    Mutation(LIVE["cosmosdb-backup-redundancy", TRIALS], TRIALS, f"{PERIOD}backupStorageRedundancy", "stronger"),
    Mutation(
        Edit(STORES.replace("AppConfiguration/configurationStores", "DocumentDB/databaseAccounts"), f'"name": "{TRIALS}"', "48", "8"),
        TRIALS, f"{PERIOD}backupRetentionIntervalInHours", "weaker",
    ),
    Mutation(LIVE["cosmosdb-consistency", COSMOS], COSMOS, "properties.consistencyPolicy.defaultConsistencyLevel", "weaker"),
    Mutation(LIVE["cosmosdb-multi-region", COSMOS], COSMOS, "properties.locations[Central US]", "stronger"),
    Mutation(LIVE["cosmosdb-zone-redundancy", COSMOS], COSMOS, "properties.locations[East US 2].isZoneRedundant", "stronger"),
    Mutation(LIVE["storage-redundancy", STORAGE], STORAGE, "sku.name", "stronger"),
    Mutation(Edit(STORAGES, '"name": "stfllmdatalake"', "Standard_GRS", "Standard_ZRS"), LAKE, "sku.name", "different"),
    Mutation(Edit(STORAGES, '"name": "stfllmlogs"', "Standard_ZRS", "Standard_LRS"), LOGS, "sku.name", "weaker"),
    Mutation(LIVE["storage-blob-versioning", STORAGE], STORAGE, f"{BLOB}isVersioningEnabled", "weaker"),
    Mutation(LIVE["storage-blob-soft-delete", STORAGE], STORAGE, f"{BLOB}deleteRetentionPolicy.days", "weaker"),
    Mutation(Edit(BLOBS, '"deleteRetentionPolicy"', '"enabled": true', '"enabled": false'), STORAGE, f"{BLOB}deleteRetentionPolicy.enabled", "weaker"),
    Mutation(LIVE["storage-container-soft-delete", STORAGE], STORAGE, f"{BLOB}containerDeleteRetentionPolicy.days", "weaker"),
    Mutation(LIVE["storage-share-soft-delete", STORAGE], STORAGE, "fileServices/default:properties.shareDeleteRetentionPolicy.days", "stronger"),
    Mutation(LIVE["storage-permanent-delete", STORAGE], STORAGE, f"{BLOB}deleteRetentionPolicy.allowPermanentDelete", "weaker"),
    Mutation(
        Edit(BLOBS, "", '"isVersioningEnabled": true', '"isVersioningEnabled": true, "changeFeed": {"enabled": true}'),
        STORAGE, f"{BLOB}changeFeed.enabled", "stronger",
    ),
    Mutation(
        LIVE["storage-lifecycle-deletes", LOGS], LOGS,
        "managementPolicies/default:properties.policy.rules[{rule}].definition.actions.version.delete.daysAfterCreationGreaterThan",
        "stronger",
    ),
    Mutation(LIVE["storage-delete-lock", LAKE], LAKE, "locks/do-not-delete:properties.level", "weaker"),
    Mutation(LIVE["keyvault-soft-delete", "kv-fllm-ops"], "kv-fllm-ops", "properties.enableSoftDelete", "weaker"),
    Mutation(LIVE["keyvault-soft-delete-retention", "kv-fllm-auth"], "kv-fllm-auth", "properties.softDeleteRetentionInDays", "stronger"),
    Mutation(LIVE["keyvault-purge-protection", "kv-fllm-auth"], "kv-fllm-auth", "properties.enablePurgeProtection", "weaker"),
    Mutation(LIVE["keyvault-cross-region", "kv-fllm-legacy"], "kv-fllm-legacy", "location", "different"),
    Mutation(LIVE["appconfig-soft-delete-retention", CONFIG], CONFIG, "properties.softDeleteRetentionInDays", "weaker"),
    Mutation(LIVE["appconfig-purge-protection", CONFIG], CONFIG, "properties.enablePurgeProtection", "stronger"),
    Mutation(LIVE["appconfig-geo-replication", CONFIG], CONFIG, "replicas/r", "stronger"),
    Mutation(LIVE["appconfig-revision-retention", CONFIG], CONFIG, "properties.defaultKeyValueRevisionRetentionPeriodInSeconds", "weaker"),
    Mutation(LIVE["backupvault-soft-delete", BACKUPS], BACKUPS, "properties.securitySettings.softDeleteSettings.state", "weaker"),
    Mutation(LIVE["backupvault-immutability", BACKUPS], BACKUPS, "properties.securitySettings.immutabilitySettings.state", "stronger"),
    Mutation(LIVE["backupvault-redundancy", BACKUPS], BACKUPS, "properties.storageSettings[VaultStore].type", "weaker"),
)  # fmt: skip


class Rewrite(NamedTuple):
    """The template in other words: texts of one file replaced, or a whole file added."""

    file: str
    changes: tuple[tuple[str, str], ...]
    added: tuple[tuple[str, str], ...] = ()


COSMOSDB, KEYVAULT, ACCOUNTS = "modules/cosmosdb.bicep", "modules/keyVault.bicep", "modules/storageAccount.bicep"
CONFIGS, PARAMS = "modules/appConfig.bicep", "main.bicepparam"
LOCK_MODULE = """resource lock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'do-not-delete'
  properties: {
    level: 'CanNotDelete'
  }
}
"""
BLOB_POLICY = """      deleteRetentionPolicy: {
        ...retention(settings.blobs!.softDelete)
        allowPermanentDelete: settings.blobs!.?permanentDelete
      }
"""

REWRITES = {
    "properties reordered": Rewrite(KEYVAULT, (("    accessPolicies: []\n", ""), ("    tenantId: subscription().tenantId\n", "    tenantId: subscription().tenantId\n    accessPolicies: []\n"))),
    "resource above its parts": Rewrite(CONFIGS, (("  location: location\n  name: name\n  tags: tags\n", "  tags: tags\n  name: name\n  location: location\n"),)),
    "regions one key at a time": Rewrite(COSMOSDB, (("      failoverPriority: index\n      isZoneRedundant: region.?zoneRedundant ?? false\n      locationName: region.name\n", "      locationName: region.name\n      isZoneRedundant: region.?zoneRedundant ?? false\n      failoverPriority: index\n"),)),
    "write locations left out": Rewrite(COSMOSDB, (("    enableMultipleWriteLocations: false\n", ""),)),
    "zone redundancy left out": Rewrite(COSMOSDB, (("region.?zoneRedundant ?? false", "region.?zoneRedundant"),)),
    "failover spelled out": Rewrite(COSMOSDB, (("settings.?automaticFailover\n", "settings.?automaticFailover ?? false\n"),)),
    "consistency left out where it is the default": Rewrite(COSMOSDB, (("defaultConsistencyLevel: settings.consistency", "defaultConsistencyLevel: settings.consistency == 'Session' ? null : settings.consistency"),)),
    "purge protection spelled out": Rewrite(KEYVAULT, (("settings.?purgeProtection", "settings.?purgeProtection ?? false"),)),
    "retention left out where it is the default": Rewrite(KEYVAULT, (("softDeleteRetentionInDays: settings.retention", "softDeleteRetentionInDays: settings.retention == 90 ? null : settings.retention"),)),
    "soft delete by a condition": Rewrite(KEYVAULT, (("enableSoftDelete: settings.softDelete", "enableSoftDelete: settings.softDelete ? true : false"),)),
    "namespace spelled out": Rewrite(ACCOUNTS, (("settings.?hierarchicalNamespace\n", "settings.?hierarchicalNamespace ?? false\n"),)),
    "versioning spelled out": Rewrite(ACCOUNTS, (("settings.blobs!.?versioning\n", "settings.blobs!.?versioning ?? false\n"),)),
    "change feed spelled out": Rewrite(ACCOUNTS, (("restoreDays > 0 ? { enabled: true } : null", "{ enabled: restoreDays > 0 }"),)),
    "restore policy spelled out": Rewrite(ACCOUNTS, (("{ enabled: true, days: restoreDays } : null", "{ enabled: true, days: restoreDays } : { enabled: false }"),)),
    "permanent delete left out where it is the default": Rewrite(ACCOUNTS, (("allowPermanentDelete: settings.blobs!.?permanentDelete", "allowPermanentDelete: (settings.blobs!.?permanentDelete ?? false) ? true : null"),)),
    "a policy that is off keeps its days": Rewrite(ACCOUNTS, (("days > 0 ? { enabled: true, days: days } : { enabled: false }", "{ enabled: days > 0, days: days }"),)),
    "a spread written out": Rewrite(ACCOUNTS, ((BLOB_POLICY, BLOB_POLICY.replace("...retention(settings.blobs!.softDelete)", "enabled: true\n        days: settings.blobs!.softDelete")),)),
    "symbols renamed": Rewrite(ACCOUNTS, (("account", "@store"),)),
    "a nested resource moved out": Rewrite(CONFIGS, (("resource replicas 'Microsoft.AppConfiguration/configurationStores/replicas@2024-05-01' = [for region in settings.?replicas ?? []: {\n  parent: store\n", "resource copies 'Microsoft.AppConfiguration/configurationStores/replicas@2024-05-01' = [for region in settings.?replicas ?? []: {\n  parent: store\n"),)),
    "a module extracted": Rewrite("data-rg.bicep", (("resource lock 'Microsoft.Authorization/locks@2020-05-01' = {\n  name: 'do-not-delete'\n  properties: {\n    level: 'CanNotDelete'\n    notes: 'Chat history and the data lake.'\n  }\n}", "module lock './modules/lock.bicep' = {\n  name: 'lock'\n}"),), (("modules/lock.bicep", LOCK_MODULE),)),
    "a newer API version": Rewrite(ACCOUNTS, (("storageAccounts@2023-05-01", "storageAccounts@2024-01-01"),)),
    "numbers written out": Rewrite(PARAMS, (("aMonth\n", "30\n"), ("2 * aWeek", "14"))),
    "words in another case": Rewrite(PARAMS, (("'Standard_LRS'", "'STANDARD_LRS'"), ("'Continuous30Days'", "'continuous30days'"), ("'Session'", "'session'"))),
    "a region without blanks": Rewrite(PARAMS, (("{ name: 'East US 2' }", "{ name: 'eastus2' }"),)),
    "laid out anew": Rewrite(COSMOSDB, (("\n\n", "\n\n// A comment.\n\n"), ("    backupPolicy: continuous\n      ? {", "    backupPolicy: continuous ? {"))),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(home)
    monkeypatch.delenv("FLLM_LOCATION", raising=False)


def _drift(template: Path, recording: Path, baseline: str = "standard-deployment") -> Delta:
    reference = pipeline.collect(template, subscription=SUBSCRIPTION)
    current = pipeline.collect("azure:", replay=recording)
    return comparison.compare(reference, current, policy(baseline))


@cache
def _unchanged(home: Path, baseline: str = "standard-deployment") -> Delta:
    return _drift(home / "samples/estate/bicep", home / "samples/estate/live", baseline)


def test_the_estate_has_not_drifted(home: Path) -> None:
    delta = _unchanged(home)
    assert told(delta) == UNKNOWN
    assert delta.compared == 13
    assert (delta.only_in_reference, delta.only_in_current) == ((), ())
    assert delta.exit_code("any") == 3
    assert [gap.subject.rpartition("/storageAccounts/")[2] for gap in delta.current.gaps] == [
        f"{FORBIDDEN}/blobServices/default"
    ]
    assert delta.reference.gaps == ()


def test_what_a_template_can_never_show_is_set_apart(home: Path) -> None:
    """Locks above the stores: nothing is required of them here, and where something is, it cannot be told."""
    apart = {(one.subject.name, one.path) for one in _unchanged(home).not_compared}
    assert {path for _, path in apart} == {"locks"}
    assert len(apart) == 7
    strict = told(_unchanged(home, "well-architected"))
    assert {store for store, path in strict if path == "locks"} == {STORAGE, LOGS, FORBIDDEN, "stfllmshares"}


@pytest.mark.parametrize("mutation", MUTATED, ids=lambda one: f"{one.store}-{one.path}")
def test_one_changed_setting_is_told_of_and_nothing_else(mutation: Mutation, home: Path, tmp_path: Path) -> None:
    recording = tmp_path / "estate"
    shutil.copytree(home / "samples/estate/live", recording)
    _make(mutation.edit, recording, "live")
    delta = _drift(home / "samples/estate/bicep", recording)
    (found,) = [one for one in delta.differences if (one.subject.name, one.path) not in UNKNOWN]
    path = re.sub(r"rules\[[^]]+\]", "rules[{rule}]", found.path)
    assert (found.subject.name, path, found.drift.value) == (mutation.store, mutation.path, mutation.drift)
    assert found.rules
    assert found.reference != found.current
    assert UNKNOWN.items() <= told(delta).items()
    assert delta.exit_code("weaker") == (1 if mutation.drift == "weaker" else 3)
    assert delta.exit_code("any") == 1


def test_there_are_twenty_of_each() -> None:
    assert len(MUTATED) >= 20
    assert len(REWRITES) >= 20


@pytest.mark.parametrize("name", REWRITES)
def test_the_same_in_other_words_is_no_drift(name: str, home: Path, tmp_path: Path) -> None:
    rewrite = REWRITES[name]
    template = tmp_path / "estate"
    shutil.copytree(home / "samples/estate/bicep", template)
    path = template / rewrite.file
    text = path.read_text("utf-8")
    for old, new in rewrite.changes:
        assert old in text, "the rewrite changes nothing"
        text = re.sub(rf"(?<![\w'.]){old}(?![\w'])", new[1:], text) if new.startswith("@") else text.replace(old, new)
    assert text != path.read_text("utf-8")
    path.write_text(text, "utf-8")
    for file, content in rewrite.added:
        (template / file).write_text(content, "utf-8")
    delta = _drift(template, home / "samples/estate/live")
    assert told(delta) == UNKNOWN
    assert delta.compared == 13
    assert delta.reference.gaps == ()
    assert not [one for one in delta.not_compared if one.path != "locks"]


def test_bicep_and_the_json_it_compiles_to_have_not_drifted(home: Path) -> None:
    sides = [pipeline.collect(home / "samples/estate" / kind, subscription=SUBSCRIPTION) for kind in ("bicep", "arm")]
    delta = comparison.compare(sides[0], sides[1], policy())
    assert told(delta) == {}
    assert delta.exit_code("any") == 0
    assert delta.compared == 13


@pytest.mark.parametrize("place", ["arm", "terraform/plan.json"])
def test_the_other_languages_have_not_drifted_either(place: str, home: Path) -> None:
    assert told(_drift(home / "samples/estate" / place, home / "samples/estate/live")) == UNKNOWN


def test_a_template_needs_no_subscription_to_be_compared(home: Path) -> None:
    reference = pipeline.collect(home / "samples/estate/bicep")
    current = pipeline.collect("azure:", replay=home / "samples/estate/live")
    delta = comparison.compare(reference, current, policy())
    assert told(delta) == UNKNOWN
    assert delta.compared == 13


def test_everything_is_more_than_what_rules_read(home: Path) -> None:
    reference = pipeline.collect(home / "samples/estate/bicep", subscription=SUBSCRIPTION)
    current = pipeline.collect("azure:", replay=home / "samples/estate/live")
    delta = comparison.compare(reference, current, policy(), everything=True)
    found = told(delta)
    assert UNKNOWN.items() <= found.items()
    # The recording holds what a rule looks at and little more, so what else the template sets is not set there.
    assert found[STORAGE, "properties.minimumTlsVersion"] == "different"
    assert found["kv-fllm-auth", "tags.Project"] == "different"
    assert not [path for _, path in found if "provisioningState" in path or "Endpoint" in path or "etag" in path]
    same = comparison.compare(current, current, policy(), everything=True)
    assert set(told(same).values()) == {"unknown"}
    assert {store for store, _ in told(same)} == {FORBIDDEN}

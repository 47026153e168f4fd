"""One setting of the sample estate is changed in the text of each source: its verdict changes, and no other one does.

For every rule there is a store, and for every source the one edit that changes what the rule looks at. The whole table
of verdicts before and after is compared, so a rule that reads something it should not shows as well; rules that read
the same setting are listed with the edit.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from auditor import pipeline

SUBSCRIPTION = "5c0de5a1-0000-4000-8000-0000000000f1"
SD, WA = "standard-deployment", "well-architected"
PASS, FAIL, UNKNOWN, NA = "pass", "fail", "unknown", "not-applicable"

Verdicts = dict[tuple[str, str], str]


class Edit(NamedTuple):
    """In the file `at`, behind the text `after`, `old` becomes `new`. A recording's file is known by its request."""

    at: str
    after: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutation:
    """A rule's verdict on a store before and after the edit of each source; None where that source has no such edit.

    `also` are other verdicts that change with it: (rule, store) for all sources, or (source, rule, store) for one.
    `given` is done to every source beforehand, where the estate alone does not bring the rule to a verdict.
    """

    rule: str
    store: str
    before: str
    after: str
    live: Edit | None
    bicep: Edit | None
    arm: Edit | None
    also: tuple[tuple[str, ...], ...] = ()
    given: dict[str, Edit] | None = None
    baseline: str = WA

    def edit(self, source: str) -> Edit | None:
        """The edit of a source."""
        return {"live": self.live, "bicep": self.bicep, "arm": self.arm}[source]

    def changes(self, source: str) -> set[tuple[str, ...]]:
        """All verdicts that change in a source."""
        others = {one for one in self.also if len(one) == 2} | {one[1:] for one in self.also if one[0] == source}
        return {(self.rule, self.store), *others}


COSMOS, STORAGE, LAKE, LOGS = "cosmos-fllm-prod", "stfllmprompts", "stfllmdatalake", "stfllmlogs"
TRIALS, CONFIG, FREE, BACKUPS = "cosmos-fllm-evaluations", "appconfig-fllm", "appconfig-fllm-trial", "bvault-fllm"

# The files the edits are made in, and where a store's settings begin in them.
P, Q = "main.bicepparam", "azuredeploy.parameters.json"
PROMPTS = "workload: 'prompts'"
PROMPTS_JSON = '"workload": "prompts"'
ACCOUNTS, ACCOUNT = "Microsoft.DocumentDB/databaseAccounts", f'"name": "{COSMOS}"'
STORAGES = "Microsoft.Storage/storageAccounts"
BLOBS = f"{STORAGE}/blobServices/default"
VAULTS, STORES = "Microsoft.KeyVault/vaults", "Microsoft.AppConfiguration/configurationStores"
PURGE_JSON = '"enablePurgeProtection": "[parameters(\'configuration\').purgeProtection]"'

TWO_REGIONS = {
    "live": Edit(
        ACCOUNTS, ACCOUNT, '"isZoneRedundant": false\n       }',
        '"isZoneRedundant": false\n       },\n       {"locationName": "Central US", "failoverPriority": 1}',
    ),
    "bicep": Edit(P, "param chatHistory", "{ name: 'East US 2' }", "{ name: 'East US 2' }\n    { name: 'Central US' }"),
    "arm": Edit(
        Q, '"chatHistory"', '[{ "name": "East US 2", "zoneRedundant": false }]',
        '[{ "name": "East US 2", "zoneRedundant": false }, { "name": "Central US", "zoneRedundant": false }]',
    ),
}  # fmt: skip

MUTATIONS = (
    Mutation(
        "cosmosdb-backup-continuous", TRIALS, FAIL, PASS,
        Edit(ACCOUNTS, f'"name": "{TRIALS}"', '"Periodic"', '"Continuous"'),
        Edit("sandbox-rg.bicep", "module evaluations", "type: 'Periodic'", "type: 'Continuous'\n        tier: 'Continuous30Days'"),
        Edit("nested/sandbox.json", "cosmos-{0}-evaluations", '"Periodic"', '"Continuous"'),
        # The mode decides which of the other settings count; a deployed account in it should be restorable.
        also=(
            ("cosmosdb-backup-interval", TRIALS), ("cosmosdb-backup-redundancy", TRIALS),
            ("cosmosdb-backup-retention", TRIALS), ("live", "cosmosdb-restorable", TRIALS),
        ),
    ),
    Mutation(
        "cosmosdb-backup-retention", COSMOS, PASS, FAIL,
        Edit(ACCOUNTS, ACCOUNT, "Continuous30Days", "Continuous7Days"),
        Edit(P, "param chatHistory", "Continuous30Days", "Continuous7Days"),
        Edit(Q, '"chatHistory"', "Continuous30Days", "Continuous7Days"),
    ),
    Mutation(
        "cosmosdb-backup-interval", TRIALS, FAIL, PASS,
        Edit(ACCOUNTS, f'"name": "{TRIALS}"', "1440", "60"),
        Edit("sandbox-rg.bicep", "module evaluations", "1440", "60"),
        Edit("nested/sandbox.json", "cosmos-{0}-evaluations", "1440", "60"),
    ),
    Mutation(
        "cosmosdb-backup-redundancy", TRIALS, FAIL, PASS,
        Edit(ACCOUNTS, f'"name": "{TRIALS}"', '"Local"', '"Geo"'),
        Edit("sandbox-rg.bicep", "module evaluations", "'Local'", "'Geo'"),
        Edit("nested/sandbox.json", "cosmos-{0}-evaluations", '"Local"', '"Geo"'),
    ),
    Mutation(
        "cosmosdb-consistency", COSMOS, PASS, FAIL,
        Edit(ACCOUNTS, ACCOUNT, '"Session"', '"Eventual"'),
        Edit(P, "param chatHistory", "'Session'", "'Eventual'"),
        Edit(Q, '"chatHistory"', '"Session"', '"Eventual"'),
        baseline=SD,
    ),
    Mutation(
        "cosmosdb-multi-region", COSMOS, FAIL, PASS,
        *(TWO_REGIONS[source] for source in ("live", "bicep", "arm")),
        also=(("cosmosdb-automatic-failover", COSMOS),),
    ),
    Mutation(
        "cosmosdb-automatic-failover", COSMOS, PASS, FAIL,
        Edit(ACCOUNTS, ACCOUNT, '"enableAutomaticFailover": true', '"enableAutomaticFailover": false'),
        Edit(P, "param chatHistory", "automaticFailover: true", "automaticFailover: false"),
        Edit(Q, '"chatHistory"', '"automaticFailover": true', '"automaticFailover": false'),
        given=TWO_REGIONS,
    ),
    Mutation(
        "cosmosdb-zone-redundancy", COSMOS, FAIL, PASS,
        Edit(ACCOUNTS, ACCOUNT, '"isZoneRedundant": false', '"isZoneRedundant": true'),
        Edit(P, "param chatHistory", "{ name: 'East US 2' }", "{ name: 'East US 2', zoneRedundant: true }"),
        Edit(Q, '"chatHistory"', '"zoneRedundant": false', '"zoneRedundant": true'),
    ),
    Mutation(
        "cosmosdb-restorable", COSMOS, PASS, FAIL,
        Edit("Microsoft.DocumentDB/restorableDatabaseAccounts", '"id"', '"name": "8a5f3c1e', '"name": "99999999'),
        None, None,
    ),
    Mutation(
        "storage-redundancy", STORAGE, FAIL, PASS,
        Edit(STORAGES, f'"name": "{STORAGE}"', "Standard_LRS", "Standard_GRS"),
        Edit(P, PROMPTS, "Standard_LRS", "Standard_GRS"),
        Edit(Q, PROMPTS_JSON, "Standard_LRS", "Standard_GRS"),
    ),
    Mutation(
        "storage-zone-redundancy", STORAGE, FAIL, PASS,
        Edit(STORAGES, f'"name": "{STORAGE}"', "Standard_LRS", "Standard_ZRS"),
        Edit(P, PROMPTS, "Standard_LRS", "Standard_ZRS"),
        Edit(Q, PROMPTS_JSON, "Standard_LRS", "Standard_ZRS"),
    ),
    Mutation(
        "storage-blob-versioning", STORAGE, PASS, FAIL,
        Edit(BLOBS, "", '"isVersioningEnabled": true', '"isVersioningEnabled": false'),
        Edit(P, PROMPTS, "versioning: true", "versioning: false"),
        Edit(Q, PROMPTS_JSON, '"versioning": true', '"versioning": false'),
    ),
    Mutation(
        "storage-blob-soft-delete", STORAGE, PASS, FAIL,
        Edit(BLOBS, '"deleteRetentionPolicy"', '"days": 30', '"days": 29'),
        Edit(P, PROMPTS, " softDelete: aMonth", " softDelete: aMonth - 1"),
        Edit(Q, PROMPTS_JSON, '"softDelete": 30', '"softDelete": 29'),
    ),
    Mutation(
        "storage-container-soft-delete", STORAGE, PASS, FAIL,
        Edit(BLOBS, '"containerDeleteRetentionPolicy"', '"days": 30', '"days": 29'),
        Edit(P, PROMPTS, "containerSoftDelete: aMonth", "containerSoftDelete: 29"),
        Edit(Q, PROMPTS_JSON, '"containerSoftDelete": 30', '"containerSoftDelete": 29'),
    ),
    Mutation(
        "storage-share-soft-delete", STORAGE, FAIL, PASS,
        Edit(f"{STORAGE}/fileServices/default", '"shareDeleteRetentionPolicy"', '"days": 7', '"days": 14'),
        Edit(P, PROMPTS, "files: { softDelete: aWeek }", "files: { softDelete: 2 * aWeek }"),
        Edit(Q, PROMPTS_JSON, '"shareSoftDelete": 7', '"shareSoftDelete": 14'),
    ),
    Mutation(
        "storage-permanent-delete", STORAGE, PASS, FAIL,
        Edit(BLOBS, "", '"allowPermanentDelete": false', '"allowPermanentDelete": true'),
        Edit(P, PROMPTS, "permanentDelete: false", "permanentDelete: true"),
        Edit(Q, PROMPTS_JSON, '"permanentDelete": false', '"permanentDelete": true'),
    ),
    Mutation(
        "storage-point-in-time-restore", STORAGE, FAIL, PASS,
        Edit(
            BLOBS, "", '"isVersioningEnabled": true',
            '"isVersioningEnabled": true, "changeFeed": {"enabled": true}, "restorePolicy": {"enabled": true, "days": 7}',
        ),
        Edit(P, PROMPTS, "permanentDelete: false", "permanentDelete: false\n      pointInTimeRestore: 7"),
        Edit(Q, PROMPTS_JSON, '"versioning": true', '"versioning": true, "restore": 7'),
    ),
    Mutation(
        "storage-lifecycle-deletes", LOGS, FAIL, PASS,
        Edit(f"{LOGS}/managementPolicies/default", "", '"daysAfterCreationGreaterThan": 3', '"daysAfterCreationGreaterThan": 30'),
        Edit("shared/logs-lifecycle.json", "", '"daysAfterCreationGreaterThan": 3', '"daysAfterCreationGreaterThan": 30'),
        Edit(Q, '"logs"', '"keepVersions": 3', '"keepVersions": 30'),
    ),
    Mutation(
        "storage-backup", STORAGE, PASS, FAIL,
        Edit(f"{BACKUPS}/backupInstances", '"resourceID"', STORAGE, "stfllmvectors"),
        Edit("main.bicep", "protectedWorkloads", "prompts", "vectors"),
        Edit(Q, '"backupVault"', '"accounts": ["prompts"]', '"accounts": ["vectors"]'),
        also=(("storage-backup", "stfllmvectors"),),
    ),
    Mutation(
        "storage-delete-lock", LAKE, PASS, FAIL,
        Edit("Microsoft.Authorization/locks", "", "CanNotDelete", "NotSpecified"),
        None, None,
    ),
    Mutation(
        # Without it there may still be a lock above what the template deploys.
        "storage-delete-lock", LAKE, PASS, UNKNOWN,
        None,
        Edit("data-rg.bicep", "resource lock", "CanNotDelete", "NotSpecified"),
        Edit("azuredeploy.json", '"do-not-delete"', "CanNotDelete", "NotSpecified"),
    ),
    Mutation(
        "storage-delete-lock", STORAGE, UNKNOWN, PASS,
        None,
        Edit(P, PROMPTS, "sku: 'Standard_LRS'", "sku: 'Standard_LRS'\n    deleteLock: true"),
        Edit(Q, PROMPTS_JSON, '"sku": "Standard_LRS"', '"sku": "Standard_LRS", "deleteLock": true'),
    ),
    Mutation(
        "keyvault-soft-delete", "kv-fllm-ops", PASS, FAIL,
        Edit(VAULTS, '"name": "kv-fllm-ops"', '"enableSoftDelete": true', '"enableSoftDelete": false'),
        Edit(P, "param opsVault", "softDelete: true", "softDelete: false"),
        Edit(Q, '"ops"', '"softDelete": true', '"softDelete": false'),
        also=(("keyvault-soft-delete-retention", "kv-fllm-ops"),),
    ),
    Mutation(
        "keyvault-soft-delete-retention", "kv-fllm-auth", FAIL, PASS,
        Edit(VAULTS, '"name": "kv-fllm-auth"', '"softDeleteRetentionInDays": 7', '"softDeleteRetentionInDays": 90'),
        Edit(P, "param authVault", "retention: 7", "retention: 90"),
        Edit(Q, '"auth"', '"retention": 7', '"retention": 90'),
    ),
    Mutation(
        "keyvault-purge-protection", "kv-fllm-auth", PASS, FAIL,
        Edit(VAULTS, '"name": "kv-fllm-auth"', '"enablePurgeProtection": true', '"enablePurgeProtection": null'),
        Edit(P, "param authVault", "  purgeProtection: true\n", ""),
        Edit(Q, '"auth"', ', "purgeProtection": true', ""),
    ),
    Mutation(
        "keyvault-cross-region", "kv-fllm-legacy", FAIL, PASS,
        Edit(VAULTS, '"name": "kv-fllm-legacy"', '"italynorth"', '"westeurope"'),
        Edit("sandbox-rg.bicep", "module legacyVault", "'italynorth'", "location"),
        Edit("nested/sandbox.json", "kv-{0}-legacy", '"italynorth"', "\"[parameters('location')]\""),
    ),
    Mutation(
        "appconfig-tier", FREE, FAIL, PASS,
        Edit(STORES, f'"name": "{FREE}"', '"free"', '"standard"'),
        Edit("sandbox-rg.bicep", "module trial", "'free'", "'standard'"),
        Edit("nested/sandbox.json", "appconfig-{0}-trial", '"free"', '"standard"'),
        # What a tier does not have is asked of no store in it, and how long revisions are kept is the tier's.
        also=(
            ("appconfig-geo-replication", FREE), ("appconfig-purge-protection", FREE),
            ("appconfig-soft-delete-retention", FREE), ("appconfig-revision-retention", FREE),
        ),
    ),
    Mutation(
        "appconfig-soft-delete-retention", CONFIG, PASS, FAIL,
        Edit(STORES, f'"name": "{CONFIG}"', '"softDeleteRetentionInDays": 7', '"softDeleteRetentionInDays": 1'),
        Edit(P, "param configuration", "softDelete: 7", "softDelete: 1"),
        Edit(Q, '"configuration"', '"softDelete": 7', '"softDelete": 1'),
    ),
    Mutation(
        "appconfig-purge-protection", CONFIG, FAIL, PASS,
        Edit(STORES, f'"name": "{CONFIG}"', '"enablePurgeProtection": false', '"enablePurgeProtection": true'),
        Edit(P, "param configuration", "purgeProtection: false", "purgeProtection: true"),
        Edit(Q, '"configuration"', '"purgeProtection": false', '"purgeProtection": true'),
    ),
    Mutation(
        "appconfig-geo-replication", CONFIG, FAIL, PASS,
        Edit(
            f"{CONFIG}/replicas", "", '"value": []',
            '"value": [{"name": "r", "location": "centralus", "properties": {"provisioningState": "Succeeded"}}]',
        ),
        Edit(P, "param configuration", "replicas: []", "replicas: ['centralus']"),
        Edit(Q, '"configuration"', '"replicas": []', '"replicas": ["centralus"]'),
    ),
    Mutation(
        "appconfig-revision-retention", CONFIG, PASS, FAIL,
        Edit(
            STORES, f'"name": "{CONFIG}"', '"softDeleteRetentionInDays": 7',
            '"softDeleteRetentionInDays": 7, "defaultKeyValueRevisionRetentionPeriodInSeconds": 3600',
        ),
        Edit(P, "param configuration", "softDelete: 7", "softDelete: 7\n  revisions: 3600"),
        Edit("azuredeploy.json", "", PURGE_JSON, f'"defaultKeyValueRevisionRetentionPeriodInSeconds": 3600, {PURGE_JSON}'),
    ),
    Mutation(
        "backupvault-soft-delete", BACKUPS, PASS, FAIL,
        Edit("Microsoft.DataProtection/backupVaults", "", '"state": "On"', '"state": "Off"'),
        Edit(P, "param backupVault", "state: 'On'", "state: 'Off'"),
        Edit(Q, '"backupVault"', '"state": "On"', '"state": "Off"'),
    ),
    Mutation(
        "backupvault-immutability", BACKUPS, FAIL, PASS,
        Edit("Microsoft.DataProtection/backupVaults", "", "Disabled", "Unlocked"),
        Edit(P, "param backupVault", "Disabled", "Unlocked"),
        Edit(Q, '"backupVault"', "Disabled", "Unlocked"),
    ),
    Mutation(
        "backupvault-redundancy", BACKUPS, PASS, FAIL,
        Edit("Microsoft.DataProtection/backupVaults", "", "GeoRedundant", "LocallyRedundant"),
        Edit(P, "param backupVault", "GeoRedundant", "LocallyRedundant"),
        Edit(Q, '"backupVault"', "GeoRedundant", "LocallyRedundant"),
    ),
)  # fmt: skip

NOT_DECLARED = {("cosmosdb-restorable", "bicep"), ("cosmosdb-restorable", "arm")}
"""What no template can say, so that no edit of one could change it."""

PURGE_BICEP = "enablePurgeProtection: settings.?purgeProtection"
VECTORS, SHARES = "stfllmvectors", "stfllmshares"
MODULES = {
    "a value": (
        "bicep",
        Edit("modules/keyVault.bicep", "", PURGE_BICEP, "enablePurgeProtection: true"),
        {("keyvault-purge-protection", store, PASS) for store in ("kv-fllm-ops", "kv-fllm-legacy")},
    ),
    "a condition": (
        "bicep",
        Edit("modules/storageAccount.bicep", "resource blobs", "if (hasBlobs)", "if (kind == 'Storage')"),
        {("storage-blob-soft-delete", store, FAIL) for store in (STORAGE, VECTORS, LAKE)}
        | {("storage-container-soft-delete", store, FAIL) for store in (STORAGE, VECTORS, LAKE)}
        | {("storage-blob-versioning", store, FAIL) for store in (STORAGE, VECTORS)},
    ),
    "a parent nobody knows": (
        "bicep",
        Edit("modules/storageAccount.bicep", "resource files", "parent: account", "parent: other"),
        {("storage-share-soft-delete", store, UNKNOWN) for store in (STORAGE, VECTORS, SHARES, LAKE, LOGS)},
    ),
    "a lock": (
        "bicep",
        Edit("data-rg.bicep", "", "locks@2020-05-01' = {", "locks@2020-05-01' = if (project == 'other') {"),
        {("storage-delete-lock", LAKE, UNKNOWN)},
    ),
    "a nested value": (
        "arm",
        Edit("nested/storageAccount.json", "", "[variables('settings').versioning]", "[not(true())]"),
        {("storage-blob-versioning", store, FAIL) for store in (STORAGE, VECTORS)},
    ),
    "a nested condition": (
        "arm",
        Edit("nested/storageAccount.json", '"resources"', "[variables('hasBlobs')]", "[false()]"),
        {
            (rule, store, FAIL)
            for rule in ("storage-blob-soft-delete", "storage-blob-versioning", "storage-container-soft-delete")
            for store in (STORAGE, VECTORS)
        },
    ),
}
"""What a module or a nested template writes, changed in its own text, and the verdicts that change with it."""

GONE = {
    "bicep": Edit(P, "", "param project", "param deploySandbox = false\nparam project"),
    "arm": Edit(Q, "", '"project"', '"deploySandbox": { "value": false }, "project"'),
}

CASES = [
    pytest.param(mutation, source, id=f"{mutation.rule}-{source}-{mutation.store}")
    for mutation in MUTATIONS
    for source in ("live", "bicep", "arm")
    if mutation.edit(source) is not None
]


def test_every_rule_a_baseline_requires_is_mutated_in_every_source() -> None:
    required = {
        rule.id
        for baseline in (SD, WA)
        for policy in [_policy(baseline)]
        for rule in policy.rules.values()
        if policy.baseline.setting(rule.id).effect == "require" and not rule.about
    }
    mutated = {(one.rule, source) for one in MUTATIONS for source in ("live", "bicep", "arm") if one.edit(source)}
    assert {(rule, source) for rule in required for source in ("live", "bicep", "arm")} - mutated == NOT_DECLARED


@pytest.mark.parametrize(("mutation", "source"), CASES)
def test_a_changed_setting_changes_its_verdict_and_no_other(
    mutation: Mutation, source: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLLM_LOCATION", raising=False)
    edit = mutation.edit(source)
    assert edit is not None
    estate = tmp_path / "estate"
    shutil.copytree(home / "samples" / "estate" / source, estate)
    if mutation.given:
        _make(mutation.given[source], estate, source)
        before = _verdicts(estate, source, mutation.baseline)
    else:
        before = _unchanged(home / "samples" / "estate" / source, source, mutation.baseline)
    _make(edit, estate, source)
    after = _verdicts(estate, source, mutation.baseline)
    key = (mutation.rule, mutation.store)
    assert (before[key], after[key]) == (mutation.before, mutation.after)
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == mutation.changes(
        source
    )


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_writes_changes_for_all_it_is_called_for(name: str, home: Path, tmp_path: Path) -> None:
    source, edit, changed = MODULES[name]
    estate = tmp_path / "estate"
    shutil.copytree(home / "samples" / "estate" / source, estate)
    before = _unchanged(home / "samples" / "estate" / source, source, WA)
    _make(edit, estate, source)
    after = _verdicts(estate, source, WA)
    assert before.keys() == after.keys()
    assert {(*key, after[key]) for key in before if before[key] != after[key]} == changed


@pytest.mark.parametrize("source", GONE)
def test_what_a_condition_leaves_out_is_not_judged(source: str, home: Path, tmp_path: Path) -> None:
    estate = tmp_path / "estate"
    shutil.copytree(home / "samples" / "estate" / source, estate)
    before = _unchanged(home / "samples" / "estate" / source, source, WA)
    _make(GONE[source], estate, source)
    after = _verdicts(estate, source, WA)
    assert {store for _, store in before.keys() - after.keys()} == {TRIALS, "kv-fllm-legacy", FREE}
    assert after.items() <= before.items()


def _make(edit: Edit, estate: Path, source: str) -> None:
    """Change the text of one file, in one place."""
    path = _recorded(edit.at, estate) if source == "live" else estate / edit.at
    text = path.read_text("utf-8")
    begin = text.index(edit.after)
    place = text.index(edit.old, begin)
    path.write_text(text[:place] + edit.new + text[place + len(edit.old) :], "utf-8")


def _recorded(end: str, folder: Path) -> Path:
    """The one exchange whose path ends so, the query left out."""
    (found,) = [
        path
        for path in folder.glob("0*.json")
        if json.loads(path.read_text("utf-8"))["request"]["path"].partition("?")[0].endswith(f"/{end}")
    ]
    return found


@cache
def _policy(baseline: str) -> pipeline.Policy:
    return pipeline.load_policy(baseline)


@cache
def _unchanged(estate: Path, source: str, baseline: str) -> Verdicts:
    return _verdicts(estate, source, baseline)


def _verdicts(estate: Path, source: str, baseline: str) -> Verdicts:
    if source == "live":
        collected = pipeline.collect("azure:", replay=estate)
    else:
        collected = pipeline.collect(estate, subscription=SUBSCRIPTION)
    report = pipeline.evaluate(collected, _policy(baseline))
    found = {(one.rule, one.subject.name): str(one.outcome) for one in report.findings}
    assert len(found) == len(report.findings)
    return found

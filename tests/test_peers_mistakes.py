"""What other auditors get wrong, each case judged through the whole pipeline under a shipped baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from auditor import pipeline
from auditor.model import Finding, Listing, Origin, Outcome, Record, Resource, Severity, Snapshot, Unknown

SD, WA = "standard-deployment", "well-architected"
P, F, U, N, I = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE, Outcome.INFORMATIONAL  # noqa: E741

STORAGE = "Microsoft.Storage/storageAccounts"
COSMOS = "Microsoft.DocumentDB/databaseAccounts"
VAULT = "Microsoft.KeyVault/vaults"
CONFIG = "Microsoft.AppConfiguration/configurationStores"
GROUP = "/subscriptions/s/resourceGroups/g/providers"
FORBIDDEN = Unknown("403 AuthorizationFailed", permission="x/read")


def resource(kind: str, body: Mapping[str, Any], children: Mapping[str, Any] | None = None, **more: Any) -> Resource:
    """A store as the live source yields it; `children` maps their paths to bodies (None: known not to exist)."""
    store_id = f"{GROUP}/{kind}/x"
    made = []
    for path, item in (children or {}).items():
        child_type = "/".join([kind, *path.split("/")[::2]])
        if path.count("/") % 2:
            made.append(Resource(f"{store_id}/{path}", child_type, "default", None, item, Origin("u"), deployed=True))
            continue
        for index, one in enumerate(item if isinstance(item, list) else []):
            made.append(Resource(f"{store_id}/{path}/{index}", child_type, "r", None, one, Origin("u"), deployed=True))
        end = None if isinstance(item, list) else item
        made.append(Resource(f"{store_id}/{path}/*", child_type, "*", None, end, Origin("u"), deployed=True))
    given = {"region": "westeurope", "deployed": True, **more}
    return Resource(store_id, kind, "x", body=body, origin=Origin("u"), children=tuple(made), **given)


def judged(baseline: str, *records: Record) -> dict[str, Finding]:
    report = pipeline.evaluate(Snapshot(("t",), "", lambda skip=(): iter(records)), pipeline.load_policy(baseline))
    return {finding.rule: finding for finding in report.findings}


def account(
    sku: str = "Standard_LRS", kind: str = "StorageV2", blob: Any = None, file: Any = None, **properties: Any
) -> Resource:
    children = {"blobServices/default": {"properties": blob or {}}, "fileServices/default": {"properties": file or {}}}
    if kind == "FileStorage":
        children["blobServices/default"] = Unknown("a FileStorage account has no blob service", unseen=True)
    body = {"kind": kind, "sku": {"name": sku}, "properties": properties}
    return resource(STORAGE, body, {**children, "managementPolicies/default": None})


def cosmos(*regions: str, **properties: Any) -> Resource:
    return resource(COSMOS, {"properties": {**properties, "locations": [{"locationName": name} for name in regions]}})


def vault(**properties: Any) -> Resource:
    return resource(VAULT, {"properties": properties}, api_version="2026-05-15")


def config(tier: str, replicas: Any = (), **properties: Any) -> Resource:
    return resource(CONFIG, {"sku": {"name": tier}, "properties": properties}, {"replicas": list(replicas)})


KEPT = {"enabled": True, "days": 30}
BLOB = {"deleteRetentionPolicy": KEPT, "containerDeleteRetentionPolicy": KEPT, "isVersioningEnabled": True}


class Case(NamedTuple):
    """A rule's outcome on a resource under a baseline; `basis` is that of its first evidence, where it matters."""

    name: str
    rule: str
    baseline: str
    about: Resource
    outcome: Outcome
    basis: str = ""


CASES = [
    # FileStorage failing blob soft delete
    *(
        Case(f"FileStorage does not fail {rule}", rule, baseline, account("Premium_LRS", "FileStorage"), N)
        for baseline in (SD, WA)
        for rule in ("storage-blob-soft-delete", "storage-container-soft-delete", "storage-blob-versioning")
    ),
    Case("FileStorage has no block blobs", "storage-point-in-time-restore", WA, account("Premium_ZRS", "FileStorage"), N),
    Case("FileStorage purges no blob", "storage-permanent-delete", WA, account("Premium_LRS", "FileStorage"), N),
    Case("FileStorage does fail share soft delete", "storage-share-soft-delete", WA,
         account("Premium_LRS", "filestorage", file={"shareDeleteRetentionPolicy": {"enabled": False, "days": 0}}), F, "explicit"),
    # Premium App Configuration failing the tier rule
    Case("Premium is a tier with soft delete", "appconfig-tier", WA, config("Premium"), P, "explicit"),
    Case("so is standard as GET writes it", "appconfig-tier", WA, config("standard"), P),
    Case("Developer is not", "appconfig-tier", WA, config("Developer"), F),
    Case("a premium store is judged like a standard one", "appconfig-purge-protection", WA, config("premium"), F, "default"),
    # ZRS counted as no replication
    Case("ZRS is replication", "storage-redundancy", SD, account("Standard_ZRS"), P, "explicit"),
    Case("ZRS survives a zone", "storage-zone-redundancy", WA, account("Standard_ZRS"), P),
    Case("ZRS does not survive a region", "storage-redundancy", WA, account("Standard_ZRS"), F),
    Case("GRS does not survive a zone", "storage-zone-redundancy", WA, account("Standard_GRS"), F),
    # a share retention of exactly 7 days expected
    *(
        Case(f"shares kept {days} days", "storage-share-soft-delete", WA,
             account(file={"shareDeleteRetentionPolicy": {"enabled": True, "days": days}}), outcome)
        for days, outcome in ((7, F), (13, F), (14, P), (30, P), (365, P))
    ),
    # RA-GRS never matching Standard_RAGRS
    *(
        Case(f"{sku} survives a region", "storage-redundancy", WA, account(sku), P)
        for sku in ("Standard_RAGRS", "Standard_GRS", "Standard_GZRS", "standard_ragzrs", "StandardV2_GRS")
    ),
    Case("GZRS survives a zone", "storage-zone-redundancy", WA, account("Standard_RAGZRS"), P),
    Case("Premium cannot be geo-redundant", "storage-redundancy", WA, account("Premium_LRS", "BlockBlobStorage"), N),
    Case("nor can the newer Premium", "storage-redundancy", WA, account("PremiumV2_ZRS", "FileStorage"), N),
    # service-managed failover demanded of a single-region account
    Case("one region fails over to nothing", "cosmosdb-automatic-failover", WA, cosmos("West Europe"), N),
    Case("two regions do", "cosmosdb-automatic-failover", WA, cosmos("West Europe", "North Europe"), F, "default"),
    Case("several write regions need none", "cosmosdb-automatic-failover", WA,
         cosmos("West Europe", "North Europe", enableMultipleWriteLocations=True), N),
    # a Key Vault that omits enableSoftDelete failing
    Case("a vault that omits soft delete has it", "keyvault-soft-delete", SD, vault(), P, "default"),
    Case("null is omitted", "keyvault-soft-delete", SD, vault(enableSoftDelete=None), P, "default"),
    Case("false is false", "keyvault-soft-delete", SD, vault(enableSoftDelete=False, softDeleteRetentionInDays=90), F, "explicit"),
    Case("and has no retention", "keyvault-soft-delete-retention", SD, vault(enableSoftDelete=False), N),
    Case("an omitted retention is 90 days", "keyvault-soft-delete-retention", WA, vault(), P, "default"),
    # an unresolved purge flag passing
    Case("an unresolved purge flag does not pass", "keyvault-purge-protection", SD,
         vault(enablePurgeProtection=Unknown("a parameter without a value")), U, "unknown"),
    Case("one that may be true does not either", "keyvault-purge-protection", SD,
         vault(enablePurgeProtection=Unknown("a parameter", (True, False))), U, "unknown"),
    Case("an omitted purge flag is off", "keyvault-purge-protection", SD, vault(), F, "default"),
    Case("null is off", "keyvault-purge-protection", SD, vault(enablePurgeProtection=None), F, "default"),
    Case("an unresolved flag of a store", "appconfig-purge-protection", WA, config("standard", enablePurgeProtection=Unknown("?")), U),
    # a 403 on a child resource becoming pass or fail
    *(
        Case(f"a 403 is neither for {rule}", rule, baseline,
             resource(STORAGE, {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}, dict.fromkeys(
                 ("blobServices/default", "fileServices/default", "managementPolicies/default"), FORBIDDEN)), U)
        for baseline in (SD, WA)
        for rule in ("storage-blob-versioning", "storage-blob-soft-delete", "storage-container-soft-delete", "storage-share-soft-delete",
                     "storage-permanent-delete", "storage-point-in-time-restore", "storage-lifecycle-deletes")
    ),
    Case("a 403 on replicas is neither", "appconfig-geo-replication", WA,
         resource(CONFIG, {"sku": {"name": "standard"}, "properties": {}}, {"replicas": FORBIDDEN}), U),
    # purge protection demanded of a Free App Configuration store
    *(
        Case(f"{rule} is not demanded of {tier}", rule, WA,
             config(tier, enablePurgeProtection=claimed, softDeleteRetentionInDays=0), N)
        for tier in ("Free", "free", "developer")
        for claimed in (True, False, None)
        for rule in ("appconfig-purge-protection", "appconfig-soft-delete-retention", "appconfig-geo-replication")
    ),
    # soft-delete verdicts skipped on hierarchical-namespace accounts
    *(
        Case(f"{rule} works on a hierarchical namespace", rule, SD, account(blob=blob, isHnsEnabled=True), outcome)
        for rule in ("storage-blob-soft-delete", "storage-container-soft-delete")
        for blob, outcome in ((BLOB, P), ({}, F))
    ),
    Case("versioning does not", "storage-blob-versioning", SD, account(blob={}, isHnsEnabled=True), N),
    Case("point-in-time restore does not", "storage-point-in-time-restore", WA, account(blob={}, isHnsEnabled="true"), N),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.baseline}: {case.name}")
def test_a_mistake_of_our_peers_is_not_ours(case: Case) -> None:
    finding = judged(case.baseline, case.about)[case.rule]
    assert finding.outcome is case.outcome, finding.message
    if case.basis:
        assert finding.evidence[0].basis.value == case.basis
    if case.outcome is U:
        assert not finding.message.startswith("Not known: ;")


def test_a_soft_delete_that_was_switched_off_is_critical() -> None:
    for baseline in (SD, WA):
        assert judged(baseline, vault(enableSoftDelete=False))["keyvault-soft-delete"].severity is Severity.CRITICAL


def test_another_consistency_level_is_a_deviation_and_low() -> None:
    about = cosmos("West Europe", consistencyPolicy={"defaultConsistencyLevel": "Strong"})
    finding = judged(SD, about)["cosmosdb-consistency"]
    assert (finding.outcome, finding.severity) == (F, Severity.LOW)
    assert judged(WA, about)["cosmosdb-consistency"].outcome is I


# ── what each baseline expects, at its boundaries ────────────────────────────────────────────────────────────────────

SECONDS = "defaultKeyValueRevisionRetentionPeriodInSeconds"


def periodic(**mode: Any) -> Resource:
    return cosmos("West Europe", backupPolicy={"type": "Periodic", "periodicModeProperties": mode})


def replica(location: str, state: str = "Succeeded") -> dict[str, Any]:
    return {"location": location, "properties": {"provisioningState": state}}


# rule, resource, outcome under standard-deployment, outcome under well-architected
BOUNDARIES = [
    ("cosmosdb-backup-interval", periodic(backupIntervalInMinutes=60), P, P),
    ("cosmosdb-backup-interval", periodic(backupIntervalInMinutes=61), P, F),
    ("cosmosdb-backup-interval", periodic(backupIntervalInMinutes="240"), P, F),
    ("cosmosdb-backup-interval", periodic(backupIntervalInMinutes=241), F, F),
    ("cosmosdb-backup-interval", periodic(), P, F),
    ("cosmosdb-backup-interval", periodic(backupIntervalInMinutes="often"), U, U),
    ("cosmosdb-backup-interval", cosmos("West Europe", backupPolicy={"type": "continuous"}), N, N),
    ("cosmosdb-backup-retention", periodic(backupRetentionIntervalInHours=720.0), P, P),
    ("cosmosdb-backup-retention", periodic(backupRetentionIntervalInHours=719), F, F),
    ("cosmosdb-backup-retention", cosmos("West Europe", backupPolicy=None), F, F),
    ("cosmosdb-backup-retention", cosmos("West Europe", BackupPolicy={"TYPE": "continuous"}), P, P),
    ("cosmosdb-backup-redundancy", periodic(backupStorageRedundancy="Geo"), I, P),
    ("cosmosdb-backup-redundancy", periodic(backupStorageRedundancy="Zone"), I, F),
    ("cosmosdb-backup-redundancy", periodic(backupStorageRedundancy="Invalid"), U, U),
    ("cosmosdb-multi-region", cosmos("West Europe"), I, F),
    ("cosmosdb-multi-region", cosmos("West Europe", "North Europe"), I, P),
    ("cosmosdb-zone-redundancy", cosmos("West US"), N, N),
    ("cosmosdb-zone-redundancy", cosmos("West Europe"), I, F),
    ("storage-blob-soft-delete", account(blob={"deleteRetentionPolicy": {"enabled": True, "days": 29}}), F, F),
    ("storage-blob-soft-delete", account(blob={"DeleteRetentionPolicy": {"Enabled": "True", "Days": "30"}}), P, P),
    ("storage-blob-soft-delete", account(blob={"deleteRetentionPolicy": {"enabled": False, "days": 365}}), F, F),
    ("storage-blob-soft-delete", account(blob={"deleteRetentionPolicy": "on"}), U, U),
    ("storage-container-soft-delete", account(blob={"containerDeleteRetentionPolicy": {"enabled": True}}), F, F),
    ("storage-permanent-delete", account(blob={"deleteRetentionPolicy": {"allowPermanentDelete": True}}), I, F),
    ("storage-share-soft-delete", account(kind="BlockBlobStorage", sku="Premium_LRS"), N, N),
    ("keyvault-soft-delete-retention", vault(softDeleteRetentionInDays=7), P, F),
    ("keyvault-soft-delete-retention", vault(softDeleteRetentionInDays=6), F, F),
    ("keyvault-soft-delete-retention", vault(softDeleteRetentionInDays=90), P, P),
    ("keyvault-purge-protection", vault(enablePurgeProtection="True"), P, P),
    ("keyvault-purge-protection", vault(enablePurgeProtection="yes"), U, U),
    ("keyvault-cross-region", resource(VAULT, {"properties": {}}, region="West US 3"), I, F),
    ("keyvault-cross-region", resource(VAULT, {"properties": {}}, region="West US 2"), I, P),
    ("appconfig-tier", config("free"), I, F),
    ("appconfig-soft-delete-retention", config("Standard", softDeleteRetentionInDays=6), I, F),
    ("appconfig-soft-delete-retention", config("Standard", softDeleteRetentionInDays=None), I, P),
    ("appconfig-purge-protection", config("standard", enablePurgeProtection=True), I, P),
    ("appconfig-geo-replication", config("standard", [replica("North Europe")]), I, P),
    ("appconfig-geo-replication", config("standard", [replica("West Europe"), replica("northeurope", "Failed")]), I, F),
    ("appconfig-geo-replication", config("standard"), I, F),
    ("appconfig-revision-retention", config("free"), I, F),
    ("appconfig-revision-retention", config("premium"), I, P),
    ("appconfig-revision-retention", config("standard", **{SECONDS: 2_591_999}), I, F),
]


@pytest.mark.parametrize("index", range(len(BOUNDARIES)), ids=lambda i: f"{BOUNDARIES[i][0]}-{i}")
def test_what_a_baseline_expects(index: int) -> None:
    rule, about, *expected = BOUNDARIES[index]
    found = [judged(baseline, about)[rule] for baseline in (SD, WA)]
    assert [finding.outcome for finding in found] == expected, found[1].message


# ── what stands beside a store ───────────────────────────────────────────────────────────────────────────────────────

BACKUP, RECOVERY = "Microsoft.DataProtection/backupVaults", "Microsoft.RecoveryServices/vaults"
LOCKS = "Microsoft.Authorization/locks"
LISTED = [Listing("/subscriptions/s", kind) for kind in (BACKUP, RECOVERY, LOCKS)]


def beside(kind: str, name: str, child: str, body: Mapping[str, Any]) -> Resource:
    return resource(kind, {"properties": {}}, {child: [{"name": name, **body}]})


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"currentProtectionState": "ProtectionConfigured"}, P),
        ({"currentProtectionState": "protectionconfigured", "protectionStatus": {"status": "ProtectionConfigured"}}, P),
        ({"protectionStatus": {"status": "ProtectionConfigured"}}, P),
        ({"currentProtectionState": "ProtectionStopped"}, F),
        ({"currentProtectionState": "SoftDeleted", "protectionStatus": {"status": "SoftDeleted"}}, F),
        ({"currentProtectionState": "ProtectionError"}, F),
        ({}, U),
    ],
)
def test_an_instance_in_a_backup_vault_protects_only_while_it_is_configured(
    properties: Mapping[str, Any], expected: Outcome
) -> None:
    source = {"dataSourceInfo": {"resourceID": f"{GROUP}/microsoft.storage/storageaccounts/X"}}
    instance = beside(BACKUP, "i", "backupInstances", {"properties": {**source, **properties}})
    assert judged(WA, account(), instance, *LISTED)["storage-backup"].outcome is expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"protectionState": "Protected", "protectionStatus": "Healthy"}, P),
        ({"protectionState": "ProtectionStopped", "protectionStatus": "Healthy"}, F),
        ({"protectionState": "ProtectionStopped", "isScheduledForDeferredDelete": True}, F),
        ({"protectionState": "Protected", "isScheduledForDeferredDelete": True}, F),
    ],
)
def test_an_item_in_a_recovery_vault_protects_only_while_it_is_protected(
    properties: Mapping[str, Any], expected: Outcome
) -> None:
    source = {"sourceResourceId": f"{GROUP}/Microsoft.storage/storageAccounts/x"}
    path = "backupFabrics/f/protectionContainers/c/protectedItems"
    item = beside(RECOVERY, "i", path, {"properties": {**source, **properties}})
    assert judged(WA, account(), item, *LISTED)["storage-backup"].outcome is expected


def test_without_an_instance_and_with_whole_lists_nothing_protects() -> None:
    assert judged(WA, account(), *LISTED)["storage-backup"].outcome is F
    assert judged(SD, account(), *LISTED)["storage-backup"].outcome is I
    cut = [Listing("/subscriptions/s", BACKUP, FORBIDDEN), *LISTED[1:]]
    assert judged(WA, account(), *cut)["storage-backup"].outcome is U


def test_a_lock_of_the_group_counts_and_a_list_that_failed_says_nothing() -> None:
    lock_id = "/subscriptions/S/resourcegroups/G/providers/Microsoft.Authorization/locks/l"
    lock = Resource(lock_id, LOCKS, "l", None, {"properties": {"level": "ReadOnly"}}, Origin("u"), deployed=True)
    assert judged(WA, account(), lock, *LISTED)["storage-delete-lock"].outcome is P
    assert judged(WA, account(), *LISTED)["storage-delete-lock"].outcome is F
    cut = Listing("/subscriptions/s", LOCKS, FORBIDDEN)
    assert judged(WA, account(), cut)["storage-delete-lock"].outcome is U
    assert judged(WA, account(), lock, cut)["storage-delete-lock"].outcome is P

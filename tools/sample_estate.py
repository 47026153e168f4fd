"""Writes samples/estate/live: a FoundationaLLM-like Standard Deployment, with strengths and flaws, as a recording.

Everything in it is made up. `python -m tools.sample_estate` writes the folder anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from tools.estate import BACKUP, CONFIG, COSMOS, STORAGE, VAULT, Estate

FOLDER = Path(__file__).resolve().parent.parent / "samples" / "estate" / "live"
SUBSCRIPTION = "5c0de5a1-0000-4000-8000-0000000000f1"
APP, DATA, STORE, OPS, SANDBOX = ("rg-fllm-app", "rg-fllm-data", "rg-fllm-storage", "rg-fllm-ops", "rg-fllm-sandbox")
KEPT_30 = {"enabled": True, "days": 30}
KEPT_7 = {"enabled": True, "days": 7}


def build() -> Estate:
    """The sample estate."""
    estate = Estate()
    base = estate.subscription(
        SUBSCRIPTION, "FoundationaLLM Production", regions=("eastus2", "centralus", "westeurope", "italynorth")
    )
    _cosmos(estate, base)
    _storage(estate, base)
    _vaults(estate, base)
    _configuration(estate, base)
    estate.lock(f"{base}/resourceGroups/{DATA}", "do-not-delete", "CanNotDelete")
    return estate


def _cosmos(estate: Estate, base: str) -> None:
    """The chat history as it should be, and an account somebody made by hand."""
    region = {"locationName": "East US 2", "failoverPriority": 0, "isZoneRedundant": False}
    estate.add(
        base, COSMOS, "cosmos-fllm-prod", group=DATA, location="East US 2", kind="GlobalDocumentDB",
        properties={
            "instanceId": "8a5f3c1e-0000-4000-8000-00000000c0de",
            "provisioningState": "Succeeded",
            "enableAutomaticFailover": True,
            "enableMultipleWriteLocations": False,
            "consistencyPolicy": {"defaultConsistencyLevel": "Session", "maxIntervalInSeconds": 5, "maxStalenessPrefix": 100},
            "locations": [{"id": "cosmos-fllm-prod-eastus2", **region}],
            "backupPolicy": {"type": "Continuous", "continuousModeProperties": {"tier": "Continuous30Days"}},
        },
    )  # fmt: skip
    estate.joined(base, "/providers/Microsoft.DocumentDB/restorableDatabaseAccounts", {
        "id": f"{base}/providers/Microsoft.DocumentDB/locations/eastus2/restorableDatabaseAccounts/8a5f3c1e-0000-4000-8000-00000000c0de",
        "name": "8a5f3c1e-0000-4000-8000-00000000c0de",
        "type": "Microsoft.DocumentDB/locations/restorableDatabaseAccounts",
        "location": "East US 2",
        "properties": {"accountName": "cosmos-fllm-prod", "apiType": "Sql", "creationTime": "2026-02-03T08:12:44Z",
                       "oldestRestorableTime": "2026-10-24T06:00:00Z", "restorableLocations": [{"locationName": "East US 2"}]},
    })  # fmt: skip
    estate.add(
        base, COSMOS, "cosmos-fllm-evaluations", group=SANDBOX, location="East US 2", kind="GlobalDocumentDB",
        properties={
            "instanceId": "8a5f3c1e-0000-4000-8000-00000000e7a1",
            "provisioningState": "Succeeded",
            "consistencyPolicy": {"defaultConsistencyLevel": "Strong"},
            "locations": [{"id": "cosmos-fllm-evaluations-eastus2", **region}],
            "backupPolicy": {"type": "Periodic", "periodicModeProperties": {
                "backupIntervalInMinutes": 1440, "backupRetentionIntervalInHours": 48, "backupStorageRedundancy": "Local"}},
        },
    )  # fmt: skip


def _storage(estate: Estate, base: str) -> None:
    """Accounts with and without hierarchical namespace, files, a forbidden child, and a rule that deletes history."""
    flat = {"location": "eastus2", "kind": "StorageV2"}
    good = {
        "deleteRetentionPolicy": {**KEPT_30, "allowPermanentDelete": False},
        "containerDeleteRetentionPolicy": KEPT_30,
    }
    shares = {"shareDeleteRetentionPolicy": KEPT_7}
    live = {"status": "Live", "canFailover": True, "canPlannedFailover": True, "postPlannedFailoverRedundancy": None}
    prompts = estate.add(
        base, STORAGE, "stfllmprompts", group=STORE, **flat, sku={"name": "Standard_LRS", "tier": "Standard"},
        properties={"provisioningState": "Succeeded", "primaryLocation": "eastus2", "statusOfPrimary": "available"},
        children={"blobServices/default": {**good, "isVersioningEnabled": True}, "fileServices/default": shares},
    )  # fmt: skip
    estate.add(
        base, STORAGE, "stfllmdatalake", group=DATA, **flat, sku={"name": "Standard_GRS", "tier": "Standard"},
        properties={"isHnsEnabled": True, "primaryLocation": "eastus2", "secondaryLocation": "centralus"},
        children={"blobServices/default": good, "fileServices/default": shares,
                  "geoReplicationStats": {**live, "lastSyncTime": "2026-11-26T11:58:31Z", "postFailoverRedundancy": "Standard_LRS"}},
    )  # fmt: skip
    estate.add(
        base, STORAGE, "stfllmlogs", group=OPS, **flat, sku={"name": "Standard_ZRS", "tier": "Standard"},
        properties={"primaryLocation": "eastus2"},
        children={
            "blobServices/default": {"deleteRetentionPolicy": KEPT_7, "containerDeleteRetentionPolicy": {"enabled": False}},
            "fileServices/default": {"shareDeleteRetentionPolicy": {"enabled": False, "days": 0}},
            "managementPolicies/default": {"policy": {"rules": [
                {"enabled": True, "name": "trim", "type": "Lifecycle", "definition": {
                    "actions": {"version": {"delete": {"daysAfterCreationGreaterThan": 3}}},
                    "filters": {"blobTypes": ["blockBlob"]}}}]}},
        },
    )  # fmt: skip
    estate.add(
        base, STORAGE, "stfllmvectors", group=STORE, **flat, sku={"name": "Standard_RAGZRS", "tier": "Standard"},
        properties={"primaryLocation": "eastus2", "secondaryLocation": "centralus"},
        children={"blobServices/default": 403, "fileServices/default": shares,
                  "geoReplicationStats": {**live, "lastSyncTime": "2026-11-26T11:02:10Z", "postFailoverRedundancy": "Standard_LRS"}},
    )  # fmt: skip
    estate.add(
        base, STORAGE, "stfllmshares", group=STORE, location="eastus2", kind="FileStorage",
        sku={"name": "Premium_ZRS", "tier": "Premium"}, properties={"primaryLocation": "eastus2"},
        children={"fileServices/default": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 14}},
                  "fileServices/default/shares": [{"name": "models", "properties": {"shareQuota": 100}}]},
    )  # fmt: skip
    estate.add(
        base, BACKUP, "bvault-fllm", group=OPS, location="eastus2",
        properties={
            "storageSettings": [{"datastoreType": "VaultStore", "type": "GeoRedundant"}],
            "securitySettings": {"softDeleteSettings": {"state": "On", "retentionDurationInDays": 14.0},
                                 "immutabilitySettings": {"state": "Disabled"}},
        },
        children={"backupInstances": [{"name": "stfllmprompts-blobs", "properties": {
            "currentProtectionState": "ProtectionConfigured", "protectionStatus": {"status": "ProtectionConfigured"},
            "dataSourceInfo": {"datasourceType": "Microsoft.Storage/storageAccounts/blobServices", "resourceID": prompts},
            "policyInfo": {"policyId": f"{base}/resourceGroups/{OPS}/providers/{BACKUP}/bvault-fllm/backupPolicies/daily"}}}]},
    )  # fmt: skip


def _vaults(estate: Estate, base: str) -> None:
    """One as documented, one without purge protection, one from before soft delete."""
    estate.add(
        base,
        VAULT,
        "kv-fllm-auth",
        group=APP,
        location="eastus2",
        properties={
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 7,
            "enablePurgeProtection": True,
            "enableRbacAuthorization": True,
        },
    )
    estate.add(
        base,
        VAULT,
        "kv-fllm-ops",
        group=OPS,
        location="eastus2",
        properties={"enableSoftDelete": True, "softDeleteRetentionInDays": 90, "enableRbacAuthorization": True},
    )
    estate.add(
        base,
        VAULT,
        "kv-fllm-legacy",
        group=SANDBOX,
        location="italynorth",
        properties={"enableSoftDelete": False, "softDeleteRetentionInDays": 90},
    )
    estate.joined(base, "/providers/Microsoft.KeyVault/deletedVaults", {
        "id": f"{base}/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv-fllm-old",
        "name": "kv-fllm-old",
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {"vaultId": f"{base}/resourceGroups/{APP}/providers/{VAULT}/kv-fllm-old", "location": "eastus2",
                       "deletionDate": "2026-11-20T09:30:00Z", "scheduledPurgeDate": "2026-11-27T09:30:00Z",
                       "purgeProtectionEnabled": True},
    })  # fmt: skip


def _configuration(estate: Estate, base: str) -> None:
    """The platform's store, and a free one for trials."""
    estate.add(
        base,
        CONFIG,
        "appconfig-fllm",
        group=APP,
        location="eastus2",
        sku={"name": "standard"},
        properties={"provisioningState": "Succeeded", "softDeleteRetentionInDays": 7, "enablePurgeProtection": False},
    )
    estate.add(
        base,
        CONFIG,
        "appconfig-fllm-trial",
        group=SANDBOX,
        location="eastus2",
        sku={"name": "free"},
        properties={"provisioningState": "Succeeded", "softDeleteRetentionInDays": 0, "enablePurgeProtection": False},
    )


def main() -> None:
    """Write the recording."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    meta = {
        "schema": "auditor/recording/v1",
        "endpoint": "https://management.azure.com",
        "collected_at": "2026-11-26T12:00:00Z",
        "note": "Made up; see tools/sample_estate.py",
    }
    (FOLDER / "recording.json").write_text(json.dumps(meta, indent=1) + "\n", "utf-8")
    for number, exchange in enumerate(build().exchanges()):
        text = json.dumps(exchange, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{number:06d}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()

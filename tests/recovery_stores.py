"""Stores of every service, made of the settings a test is about, and what the recovery analysis says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from auditor import pipeline, services
from auditor.engine import Judge
from auditor.model import Listing, Origin, Recovery, Resource, Unknown
from auditor.paths import data_dir
from auditor.reading import Estate
from auditor.recovery import SCENARIOS, Analysis, load_knowledge
from auditor.rules import load_rules

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CATALOG = services.catalog()
VOCABULARY = pipeline.vocabulary_of(CATALOG)
KNOWLEDGE = load_knowledge(data_dir("rules") / "recovery", VOCABULARY, load_rules([data_dir("rules")], VOCABULARY))
TYPES = {
    "cosmos": "Microsoft.DocumentDB/databaseAccounts",
    "storage": "Microsoft.Storage/storageAccounts",
    "vault": "Microsoft.KeyVault/vaults",
    "config": "Microsoft.AppConfiguration/configurationStores",
}
LISTED = (
    "Microsoft.Authorization/locks",
    "Microsoft.DataProtection/backupVaults",
    "Microsoft.RecoveryServices/vaults",
    "Microsoft.DocumentDB/locations/restorableDatabaseAccounts",
)


def store(
    kind: str,
    body: dict[str, Any],
    children: dict[str, Any] | None = None,
    *,
    region: str = "westeurope",
    deployed: bool = False,
) -> Resource:
    """A store with its children; a list is a collection that was listed to its end."""
    type_ = TYPES[kind]
    id_ = f"/subscriptions/s/resourceGroups/g/providers/{type_}/x"
    made = []
    for name, value in (children or {}).items():
        segments = "/".join(name.split("/")[::2])
        if isinstance(value, list):
            items = [("*", None), *((f"r{n}", item) for n, item in enumerate(value))]
            made += [
                Resource(f"{id_}/{name}/{n}", f"{type_}/{segments}", n, None, b, Origin("f"), id_) for n, b in items
            ]
        else:
            made.append(Resource(f"{id_}/{name}", f"{type_}/{segments}", "default", None, value, Origin("f"), id_))
    return Resource(id_, type_, "x", region, body, Origin("f"), None, tuple(made), deployed=deployed)


def cosmos(
    *, regions: int = 1, zones: bool = False, deployed: bool = False, region: str = "westeurope", **properties: Any
) -> Resource:
    names = ["West Europe", "North Europe", "East US 2"][:regions]
    places = [{"locationName": name, "failoverPriority": n, "isZoneRedundant": zones} for n, name in enumerate(names)]
    return store("cosmos", {"properties": {"locations": places, **properties}}, region=region, deployed=deployed)


def periodic(interval: int = 240, hours: int = 8, redundancy: str = "Geo") -> dict[str, Any]:
    mode = {
        "backupIntervalInMinutes": interval,
        "backupRetentionIntervalInHours": hours,
        "backupStorageRedundancy": redundancy,
    }
    return {"backupPolicy": {"type": "Periodic", "periodicModeProperties": mode}}


def continuous(tier: str | None = "Continuous30Days") -> dict[str, Any]:
    return {"backupPolicy": {"type": "Continuous"} | ({"continuousModeProperties": {"tier": tier}} if tier else {})}


def storage(
    sku: str = "Standard_LRS",
    kind: str = "StorageV2",
    *,
    region: str = "westeurope",
    blob: Any = None,
    files: Any = None,
    policy: Any = None,
    deployed: bool = False,
    **properties: Any,
) -> Resource:
    children = {"blobServices/default": blob, "fileServices/default": files, "managementPolicies/default": policy}
    body = {"sku": {"name": sku}, "kind": kind, "properties": properties}
    return store("storage", body, children, region=region, deployed=deployed)


def blobs(
    soft: int = 0, container: int = 0, versions: bool = False, restore: int = 0, feed: bool = False, **more: Any
) -> dict[str, Any]:
    return {
        "properties": {
            "deleteRetentionPolicy": {"enabled": soft > 0, "days": soft},
            "containerDeleteRetentionPolicy": {"enabled": container > 0, "days": container},
            "isVersioningEnabled": versions,
            "changeFeed": {"enabled": feed},
            "restorePolicy": {"enabled": restore > 0, "days": restore, **more},
        }
    }


def capped(days: int, *, enabled: bool = True) -> dict[str, Any]:
    actions = {"version": {"delete": {"daysAfterCreationGreaterThan": days}}}
    return {"properties": {"policy": {"rules": [{"enabled": enabled, "definition": {"actions": actions}}]}}}


def vault(*, region: str = "westeurope", **properties: Any) -> Resource:
    return store("vault", {"properties": properties}, region=region)


def config(sku: str = "Standard", replicas: int = 0, *, region: str = "westeurope", **properties: Any) -> Resource:
    return store(
        "config",
        {"sku": {"name": sku}, "properties": properties},
        {"replicas": [{"location": "x"}] * replicas},
        region=region,
    )


def instance(properties: dict[str, Any]) -> Resource:
    kind = "Microsoft.DataProtection/backupVaults/backupInstances"
    source = {"dataSourceInfo": {"resourceID": storage().id}}
    return Resource("/v/backupInstances/i", kind, "i", None, {"properties": source | properties}, Origin("f"))


VAULTED_POLICY = {"policyInfo": {"policyParameters": {"backupDatasourceParametersList": [{"containersList": ["a"]}]}}}
VAULTED = instance(VAULTED_POLICY)


def backup_vault(
    immutable: str, soft: str, redundancy: str = "LocallyRedundant", *, instances: tuple[Resource, ...] = (VAULTED,)
) -> Resource:
    security = {"immutabilitySettings": {"state": immutable}, "softDeleteSettings": {"state": soft}}
    stored = [{"datastoreType": "VaultStore", "type": redundancy}]
    body = {"properties": {"securitySettings": security, "storageSettings": stored}}
    return Resource(
        "/v", "Microsoft.DataProtection/backupVaults", "v", "westeurope", body, Origin("f"), None, instances
    )


NO_SHARES = {"properties": {"shareDeleteRetentionPolicy": {"enabled": False}}}


def share(name: str = "a", last: str = "", **properties: Any) -> Resource:
    kind = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
    said = {"sourceResourceId": storage().id, "protectionState": "Protected"} | properties
    said |= {"lastRecoveryPoint": last} if last else {}
    return Resource(f"/v/items/{name}", kind, name, None, {"properties": said}, Origin("f"))


OPERATIONAL = instance({"policyInfo": {"policyId": "p"}})


def restorable(oldest: str) -> Resource:
    kind = "Microsoft.DocumentDB/locations/restorableDatabaseAccounts"
    body = {"properties": {"accountName": "x", "oldestRestorableTime": oldest}}
    return Resource("/restorable/i", kind, "i", None, body, Origin("f"))


def judge(beside: tuple[Resource, ...] = (), missing: Unknown | None = None) -> Judge:
    """What decides conditions in an estate; `missing` says why what stands beside stores was not listed to its end."""
    return Judge(CATALOG, Estate(CATALOG, beside, [Listing("", kind, missing) for kind in LISTED]))


def analysis(beside: tuple[Resource, ...] = (), *, missing: Unknown | None = None, previews: bool = False) -> Analysis:
    """The analysis of an estate."""
    return Analysis(KNOWLEDGE, judge(beside, missing), NOW, previews=previews)


def analysed(made: Resource, beside: tuple[Resource, ...] = (), **how: Any) -> dict[str, Recovery]:
    """The rows of a store, by scenario."""
    return {row.scenario: row for row in analysis(beside, **how).recoveries(made)}


def endings(made: Resource, beside: tuple[Resource, ...] = (), **how: Any) -> dict[str, Recovery]:
    """The rows of a store without the changes that would better them: as good, and sooner there."""
    judged = analysis(beside, **how)
    return {scenario: judged.recovery(made, scenario) for scenario in SCENARIOS}

"""Every ordered setting, every pair of its values: weaker, stronger, different, or the same.

The direction is derived from the rules, so this table is written by hand: values of each setting from the weakest to the
strongest. Two values that stand in one tuple are neither weaker nor stronger than each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import pytest

from auditor import rules as language
from auditor.delta import Drift
from auditor.model import Resource
from auditor.rules import ORDERED, AllOf, AnyOf, Condition, Count, Not
from tests.drift.sides import (
    ACCOUNT,
    BACKUP,
    CHILDREN,
    CONFIG,
    COSMOS,
    RECOVERY,
    VAULT,
    compared,
    policy,
    store,
    told,
)  # fmt: skip


class Ordered(NamedTuple):
    """A setting of a type: its path as a difference names it, and its values from the weakest to the strongest.

    `base` are settings that have to be there for it to have an effect.
    """

    kind: str
    path: str
    values: tuple[Any, ...]
    base: Mapping[str, Any] = {}


BLOB, FILE = "blobServices/default:properties.", "fileServices/default:properties."
PERIODIC = {"properties.backupPolicy.type": "Periodic"}
PERIOD = "properties.backupPolicy.periodicModeProperties."
SOFT, RSV = "properties.securitySettings.softDeleteSettings.", "properties.securitySettings.softDeleteSettings."

SETTINGS = (
    # durations
    Ordered(ACCOUNT, f"{BLOB}deleteRetentionPolicy.days", (1, 7, 30, 365), {f"{BLOB}deleteRetentionPolicy.enabled": True}),
    Ordered(ACCOUNT, f"{BLOB}containerDeleteRetentionPolicy.days", (1, "7", 30), {f"{BLOB}containerDeleteRetentionPolicy.enabled": True}),
    Ordered(ACCOUNT, f"{FILE}shareDeleteRetentionPolicy.days", (1, 7, 14, 365), {f"{FILE}shareDeleteRetentionPolicy.enabled": True}),
    Ordered(COSMOS, f"{PERIOD}backupRetentionIntervalInHours", (8, 48, 720), PERIODIC),
    Ordered(COSMOS, f"{PERIOD}backupIntervalInMinutes", (1440, 240, 60), PERIODIC),
    Ordered(VAULT, "properties.softDeleteRetentionInDays", (7, 30, 90)),
    Ordered(CONFIG, "properties.softDeleteRetentionInDays", (1, 7)),
    Ordered(CONFIG, "properties.defaultKeyValueRevisionRetentionPeriodInSeconds", (0, 3600, 2_592_000)),
    Ordered(BACKUP, f"{SOFT}retentionDurationInDays", (14, 60, 180)),
    Ordered(RECOVERY, f"{RSV}softDeleteRetentionPeriodInDays", (14, 180)),
    # tiers and degrees
    Ordered(COSMOS, "properties.backupPolicy.continuousModeProperties.tier", ("Continuous7Days", "Continuous30Days")),
    Ordered(COSMOS, "properties.consistencyPolicy.defaultConsistencyLevel", ("Eventual", "ConsistentPrefix", "Session", "BoundedStaleness", "Strong")),
    # how long revisions are kept when nobody says follows from the tier, so it is said
    Ordered(CONFIG, "sku.name", ("free", "developer", "standard", "premium"), {"properties.defaultKeyValueRevisionRetentionPeriodInSeconds": 3600}),
    Ordered(BACKUP, "properties.securitySettings.immutabilitySettings.state", ("Disabled", "Unlocked", "Locked")),
    Ordered(RECOVERY, "properties.securitySettings.immutabilitySettings.state", ("Disabled", "Unlocked", "Locked")),
    Ordered(BACKUP, f"{SOFT}state", ("Off", "On", "AlwaysOn")),
    Ordered(RECOVERY, f"{RSV}softDeleteState", ("Disabled", "Enabled", "AlwaysON")),
    Ordered(COSMOS, "properties.backupPolicy.type", ("Periodic", "Continuous")),
    # redundancy: what survives the loss of a zone and what survives that of a region are not to be compared
    Ordered(ACCOUNT, "sku.name", ("Standard_LRS", ("Standard_ZRS", "Standard_GRS", "Standard_RAGRS"), ("Standard_GZRS", "Standard_RAGZRS"))),
    Ordered(COSMOS, f"{PERIOD}backupStorageRedundancy", ("Local", ("Zone", "Geo")), PERIODIC),
    Ordered(RECOVERY, "properties.redundancySettings.standardTierStorageRedundancy", ("LocallyRedundant", ("ZoneRedundant", "GeoRedundant"))),
    Ordered(BACKUP, "properties.storageSettings[VaultStore].type", ("LocallyRedundant", ("ZoneRedundant", "GeoRedundant"))),
    # true and false
    Ordered(ACCOUNT, f"{BLOB}deleteRetentionPolicy.enabled", (False, True)),
    Ordered(ACCOUNT, f"{BLOB}containerDeleteRetentionPolicy.enabled", (False, True)),
    Ordered(ACCOUNT, f"{FILE}shareDeleteRetentionPolicy.enabled", (False, True)),
    Ordered(ACCOUNT, f"{BLOB}isVersioningEnabled", (False, "true")),
    Ordered(ACCOUNT, f"{BLOB}restorePolicy.enabled", (False, True)),
    Ordered(ACCOUNT, f"{BLOB}changeFeed.enabled", (False, True)),
    Ordered(ACCOUNT, f"{BLOB}deleteRetentionPolicy.allowPermanentDelete", (True, False), {f"{BLOB}deleteRetentionPolicy.enabled": True}),
    Ordered(VAULT, "properties.enableSoftDelete", (False, True)),
    Ordered(VAULT, "properties.enablePurgeProtection", (False, True)),
    Ordered(CONFIG, "properties.enablePurgeProtection", (False, True)),
    Ordered(COSMOS, "properties.enableAutomaticFailover", (False, True), {"properties.locations": [{"locationName": "westeurope"}, {"locationName": "northeurope"}]}),
    Ordered(COSMOS, "properties.locations[westeurope].isZoneRedundant", (False, True)),
    # counts
    Ordered(COSMOS, "properties.locations[", ([{"locationName": "westeurope"}], [{"locationName": "westeurope"}, {"locationName": "northeurope"}], [{"locationName": "westeurope"}, {"locationName": "northeurope"}, {"locationName": "uksouth"}])),
    Ordered(ACCOUNT, "managementPolicies/default:properties.policy.rules[", ([{"name": "a", "definition": {"actions": {"version": {"delete": {"daysAfterCreationGreaterThan": 1}}}}}], [])),
)  # fmt: skip

NO_ORDER = {
    "kind", "region", "properties.isHnsEnabled", "properties.isNfsV3Enabled", "properties.enableMultipleWriteLocations",
    # what a rule only shows, or only compares another setting with
    "blobServices/default:properties.restorePolicy.days",
}  # fmt: skip
"""What rules look at without saying which way is up."""


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.kind.rpartition('/')[2]}-{one.path}")
def test_every_pair_of_values_gets_its_class(setting: Ordered) -> None:
    ranked = [
        (rank, value)
        for rank, one in enumerate(setting.values)
        for value in (one if isinstance(one, tuple) else (one,))
    ]
    for (before_rank, before), (after_rank, after) in product(ranked, ranked):
        found = told(compared(_with(setting, before), _with(setting, after)))
        about = {path: drift for (_, path), drift in found.items() if path.startswith(setting.path)}
        assert set(found) == {("one", path) for path in about}, (before, after)
        assert set(about.values()) == _expected(before_rank, before, after_rank, after), (before, after, found)


def _expected(before_rank: int, before: Any, after_rank: int, after: Any) -> set[str]:
    if before_rank == after_rank:
        # Read access adds nothing to what a redundancy survives; it is another SKU all the same.
        return set() if before == after else {"different"}
    return {"stronger" if after_rank > before_rank else "weaker"}


def _with(setting: Ordered, value: Any) -> Resource:
    body: dict[str, Any] = {"properties": {}}
    children: dict[str, Any] = {}
    for path, one in {**setting.base, setting.path: value}.items():
        child, colon, inside = path.rpartition(":")
        holder = children.setdefault(child, {}) if colon else body
        if inside.startswith("properties.storageSettings["):
            holder["properties"]["storageSettings"] = [{"datastoreType": "VaultStore", "type": one}]
        elif inside.startswith("properties.locations[w"):
            holder["properties"]["locations"] = [{"locationName": "westeurope", "isZoneRedundant": one}]
        else:
            _put(holder, inside.rstrip("[").split("."), one)
    assert set(children) <= set(CHILDREN.get(setting.kind, ()))
    if setting.kind == COSMOS and "backupPolicy" not in body["properties"]:
        body["properties"]["backupPolicy"] = {"type": "Continuous"}
    if setting.path.endswith("continuousModeProperties.tier"):
        body["properties"]["backupPolicy"]["type"] = "Continuous"
    return store(setting.kind, body=body, children=children)


def _put(holder: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        holder = holder.setdefault(name, {})
    holder[path[-1]] = value


def test_every_setting_that_a_rule_orders_is_in_the_table() -> None:
    """A rule that orders another setting wants a row here; nothing else is asked of its author."""
    tabled = {
        (one.kind, one.path.replace("[VaultStore]", "[*]").replace("[westeurope]", "[*]").partition("[")[0])
        for one in SETTINGS
    }
    missing = set()
    for rule in policy().rules.values():
        for test, child, count in _tests(rule.require):
            accessor = test.accessor
            if accessor.root != "field" or accessor.path in (("type",), ("id",)) or child == "related":
                continue
            if "terraform" in str(accessor.child) or "terraform" in str(child):
                continue
            path = count or ".".join(accessor.path).replace(".[*]", "[*]").partition("[")[0]
            label = f"{accessor.child or child}:" if accessor.child or child else ""
            missing |= {(kind, label + path) for kind in rule.applies_to if (kind, label + path) not in tabled}
    assert {one for one in missing if one[1].partition(":")[2] not in NO_ORDER and one[1] not in NO_ORDER} <= {
        # A replica's place and state decide whether it counts; tests of collections have them.
        (CONFIG, "replicas:location"), (CONFIG, "replicas:properties.provisioningState"),
        # The type says which of two branches is meant.
        (RECOVERY, "properties.storageSettings"), (RECOVERY, f"{SOFT}state"), (RECOVERY, f"{SOFT}retentionDurationInDays"),
        (BACKUP, "properties.redundancySettings.standardTierStorageRedundancy"),
        (BACKUP, f"{RSV}softDeleteState"), (BACKUP, f"{RSV}softDeleteRetentionPeriodInDays"),
    }  # fmt: skip


def _tests(condition: Condition, child: str = "", count: str = "") -> list[tuple[language.Test, str, str]]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return [found for part in parts for found in _tests(part, child, count)]
        case Not(part):
            return _tests(part, child, count)
        case Count():
            items = condition.items
            where = "related" if items.root == "related" else str(items.child or "")
            path = ".".join(items.path).partition(".[*]")[0]
            return _tests(condition.where, where, path) if condition.where else []
        case language.Test():
            return [(condition, child, count)]


def test_ordered_operators_are_all_known() -> None:
    assert set(ORDERED) == {"atLeast", "atMost", "moreThan", "lessThan"}


def test_a_difference_seen_from_the_other_side() -> None:
    assert [one.reversed for one in Drift] == [Drift.STRONGER, Drift.WEAKER, Drift.DIFFERENT, Drift.UNKNOWN]

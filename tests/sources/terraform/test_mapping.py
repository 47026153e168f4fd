"""Every attribute of the tables, unset, in an empty block and written, for three majors of the provider.

What is expected is written out from the provider's schemas and expand functions at v3.117.1, v4.81.0 and v5.2.0, and not
taken from the tables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from auditor.model import Origin, Resource, Unknown
from auditor.paths import data_dir
from auditor.sources.terraform import estate
from tests.sources.terraform.estates import CATALOG, at, child, instance, reference, store

MAJORS = (3, 4, 5)
NOTHING = None
LATER = Unknown("known after apply")


class Majors(NamedTuple):
    """A value that differs by major version."""

    v3: Any
    v4: Any
    v5: Any


class Case(NamedTuple):
    """An attribute: what is written and what ARM gets of it; what is sent when it is unset in a block that is there.

    `unset` is in the provider's own terms, as a plan holds it (a tuple for a block), `sends` in ARM's. `v3` is its name
    in azurerm 3.
    """

    path: str
    arm: str
    written: Any
    gets: Any
    unset: Any = NOTHING
    sends: Any = NOTHING
    v3: str = ""

    def name(self, major: int) -> str:
        """The attribute's name in a major version."""
        return self.v3 or self.path if major == 3 else self.path


def same(path: str, arm: str, written: Any, unset: Any = NOTHING, **rest: Any) -> Case:
    """An attribute that ARM has as it is."""
    return Case(path, arm, written, written, unset, unset, **rest)


def flag(path: str, arm: str, unset: bool, **rest: Any) -> Case:
    """A flag that ARM has as it is, written against its default."""
    return same(path, arm, not unset, unset, **rest)


def switch(path: str, arm: str) -> Case:
    """A flag that is on by default and that ARM says in words."""
    return Case(path, arm, False, "Disabled", True, "Enabled")


P = "properties."
BLOB, FILE = "blobServices/default:properties.", "fileServices/default:properties."
B = "blob_properties."

STORAGE = (
    same("location", "location", "westeurope"),
    same("tags", "tags", {"a": "b"}),
    same("account_kind", "kind", "BlobStorage", "StorageV2"),
    same("access_tier", P + "accessTier", "Cool"),
    flag("https_traffic_only_enabled", P + "supportsHttpsTrafficOnly", True, v3="enable_https_traffic_only"),
    same("min_tls_version", P + "minimumTlsVersion", "TLS1_0", "TLS1_2"),
    same("allow_nested_items_to_be_public", P + "allowBlobPublicAccess", False, Majors(True, True, False)),
    flag("shared_access_key_enabled", P + "allowSharedKeyAccess", True),
    switch("public_network_access_enabled", P + "publicNetworkAccess"),
    same("cross_tenant_replication_enabled", P + "allowCrossTenantReplication", True, Majors(True, False, False)),
    flag("default_to_oauth_authentication", P + "defaultToOAuthAuthentication", False),
    flag("infrastructure_encryption_enabled", P + "encryption.requireInfrastructureEncryption", False),
    same("queue_encryption_key_type", P + "encryption.services.queue.keyType", "Account", "Service"),
    same("table_encryption_key_type", P + "encryption.services.table.keyType", "Account", "Service"),
    flag("is_hns_enabled", P + "isHnsEnabled", False),
    flag("nfsv3_enabled", P + "isNfsV3Enabled", False),
    flag("sftp_enabled", P + "isSftpEnabled", False),
    flag("local_user_enabled", P + "isLocalUserEnabled", True),
    Case("large_file_share_enabled", P + "largeFileSharesState", True, "Enabled"),
    same("dns_endpoint_type", P + "dnsEndpointType", "AzureDnsZone", "Standard"),
    same("allowed_copy_scope", P + "allowedCopyScope", "AAD"),
    Case(
        "customer_managed_key", P + "encryption.keySource", [{}], "Microsoft.Keyvault", (), "Microsoft.Storage",
    ),
    same("customer_managed_key.user_assigned_identity_id", P + "encryption.identity.userAssignedIdentity", "/u"),
    Case(
        "customer_managed_key.key_vault_key_id", P + "encryption.keyVaultProperties.keyVaultUri",
        "https://v.vault.azure.net/keys/k/1", "https://v.vault.azure.net",
    ),
    same("network_rules.default_action", P + "networkAcls.defaultAction", "Deny"),
    Case("network_rules.bypass", P + "networkAcls.bypass", ["Logging", "Metrics"], "Logging, Metrics"),
    Case("network_rules.ip_rules", P + "networkAcls.ipRules", ["192.0.2.0"], [{"value": "192.0.2.0"}]),
    Case("network_rules.virtual_network_subnet_ids", P + "networkAcls.virtualNetworkRules", ["/s"], [{"id": "/s"}]),
    same(
        "network_rules.private_link_access[*].endpoint_resource_id",
        P + "networkAcls.resourceAccessRules[0].resourceId",
        "/e",
    ),
    same(
        "network_rules.private_link_access[*].endpoint_tenant_id", P + "networkAcls.resourceAccessRules[0].tenantId", "t"
    ),
    Case("immutability_policy", P + "immutableStorageWithVersioning.enabled", [{}], True, ()),
    same(
        "immutability_policy.allow_protected_append_writes",
        P + "immutableStorageWithVersioning.immutabilityPolicy.allowProtectedAppendWrites",
        False,
    ),
    same(
        "immutability_policy.period_since_creation_in_days",
        P + "immutableStorageWithVersioning.immutabilityPolicy.immutabilityPeriodSinceCreationInDays",
        9,
    ),
    same("immutability_policy.state", P + "immutableStorageWithVersioning.immutabilityPolicy.state", "Unlocked"),
    same("sas_policy.expiration_period", P + "sasPolicy.sasExpirationPeriod", "00.01:00:00"),
    same("sas_policy.expiration_action", P + "sasPolicy.expirationAction", "Block", "Log"),
    Case(B + "delete_retention_policy", BLOB + "deleteRetentionPolicy.enabled", [{}], True, (), False,),
    same(B + "delete_retention_policy.days", BLOB + "deleteRetentionPolicy.days", 30, 7),
    flag(B + "delete_retention_policy.permanent_delete_enabled", BLOB + "deleteRetentionPolicy.allowPermanentDelete", False),
    Case(
        B + "container_delete_retention_policy", BLOB + "containerDeleteRetentionPolicy.enabled", [{}], True, (), False,
    ),
    same(B + "container_delete_retention_policy.days", BLOB + "containerDeleteRetentionPolicy.days", 30, 7),
    Case(B + "restore_policy", BLOB + "restorePolicy.enabled", [{}], True, (), False,),
    same(B + "restore_policy.days", BLOB + "restorePolicy.days", 29),
    flag(B + "versioning_enabled", BLOB + "isVersioningEnabled", False),
    flag(B + "change_feed_enabled", BLOB + "changeFeed.enabled", False),
    same(B + "change_feed_retention_in_days", BLOB + "changeFeed.retentionInDays", 90),
    flag(B + "last_access_time_enabled", BLOB + "lastAccessTimeTrackingPolicy.enable", False),
    same(B + "default_service_version", BLOB + "defaultServiceVersion", "2020-06-12"),
    Case(
        "share_properties.retention_policy", FILE + "shareDeleteRetentionPolicy.enabled", [{}], True, (), False,
    ),
    same("share_properties.retention_policy.days", FILE + "shareDeleteRetentionPolicy.days", 30, 7),
)  # fmt: skip

COSMOS = (
    same("location", "location", "westeurope"),
    same("tags", "tags", {"a": "b"}),
    same("kind", "kind", "MongoDB", "GlobalDocumentDB"),
    same("offer_type", P + "databaseAccountOfferType", "Standard"),
    same("backup.type", P + "backupPolicy.type", "Continuous"),
    same("backup.tier", P + "backupPolicy.continuousModeProperties.tier", "Continuous7Days"),
    same("backup.interval_in_minutes", P + "backupPolicy.periodicModeProperties.backupIntervalInMinutes", 60),
    same("backup.retention_in_hours", P + "backupPolicy.periodicModeProperties.backupRetentionIntervalInHours", 720),
    same("backup.storage_redundancy", P + "backupPolicy.periodicModeProperties.backupStorageRedundancy", "Local"),
    same("consistency_policy.consistency_level", P + "consistencyPolicy.defaultConsistencyLevel", "Strong"),
    same("consistency_policy.max_interval_in_seconds", P + "consistencyPolicy.maxIntervalInSeconds", 300, 5),
    same("consistency_policy.max_staleness_prefix", P + "consistencyPolicy.maxStalenessPrefix", 100_000, 100),
    same("geo_location[*].location", P + "locations[0].locationName", "northeurope"),
    same("geo_location[*].failover_priority", P + "locations[0].failoverPriority", 0),
    flag("geo_location[*].zone_redundant", P + "locations[0].isZoneRedundant", False),
    same("capabilities[*].name", P + "capabilities[0].name", "EnableCassandra"),
    flag("automatic_failover_enabled", P + "enableAutomaticFailover", False, v3="enable_automatic_failover"),
    flag(
        "multiple_write_locations_enabled",
        P + "enableMultipleWriteLocations",
        False,
        v3="enable_multiple_write_locations",
    ),
    Case("access_key_metadata_writes_enabled", P + "disableKeyBasedMetadataWriteAccess", False, True, True, False),
    Case("local_authentication_enabled", P + "disableLocalAuth", False, True, True, False),
    switch("public_network_access_enabled", P + "publicNetworkAccess"),
    same("minimal_tls_version", P + "minimalTlsVersion", "Tls", Majors(NOTHING, "Tls12", "Tls12")),
    flag("is_virtual_network_filter_enabled", P + "isVirtualNetworkFilterEnabled", False),
    same("virtual_network_rule[*].id", P + "virtualNetworkRules[0].id", "/s"),
    flag(
        "virtual_network_rule[*].ignore_missing_vnet_service_endpoint",
        P + "virtualNetworkRules[0].ignoreMissingVNetServiceEndpoint",
        False,
    ),
    Case("ip_range_filter", P + "ipRules", ["192.0.2.0/24"], [{"ipAddressOrRange": "192.0.2.0/24"}]),
    Case("network_acl_bypass_for_azure_services", P + "networkAclBypass", True, "AzureServices", False, "None"),
    same("network_acl_bypass_ids", P + "networkAclBypassResourceIds", ["/r"]),
    same("key_vault_key_id", P + "keyVaultKeyUri", "https://v.vault.azure.net/keys/k"),
    same("default_identity_type", P + "defaultIdentity", "SystemAssignedIdentity", "FirstPartyIdentity"),
    same("create_mode", P + "createMode", "Restore"),
    flag("free_tier_enabled", P + "enableFreeTier", False, v3="enable_free_tier"),
    flag("analytical_storage_enabled", P + "enableAnalyticalStorage", False),
    same("analytical_storage.schema_type", P + "analyticalStorageConfiguration.schemaType", "WellDefined"),
    flag("partition_merge_enabled", P + "enablePartitionMerge", False),
    flag("burst_capacity_enabled", P + "enableBurstCapacity", False),
    same("capacity.total_throughput_limit", P + "capacity.totalThroughputLimit", 4000),
    same("mongo_server_version", P + "apiProperties.serverVersion", "4.2"),
    same("restore.source_cosmosdb_account_id", P + "restoreParameters.restoreSource", "/restorable"),
    same("restore.restore_timestamp_in_utc", P + "restoreParameters.restoreTimestampInUtc", "2026-01-01T00:00:00Z"),
)

VAULT = (
    same("location", "location", "westeurope"),
    same("tags", "tags", {"a": "b"}),
    same("sku_name", P + "sku.name", "premium"),
    same("tenant_id", P + "tenantId", "t"),
    # No major of the three has it; the provider sends true.
    Case("soft_delete_enabled", P + "enableSoftDelete", True, True, NOTHING, True),
    same("soft_delete_retention_days", P + "softDeleteRetentionInDays", 7, 90),
    same("purge_protection_enabled", P + "enablePurgeProtection", True),
    same(
        "rbac_authorization_enabled", P + "enableRbacAuthorization", True, Majors(False, False, NOTHING),
        v3="enable_rbac_authorization",
    ),
    switch("public_network_access_enabled", P + "publicNetworkAccess"),
    flag("enabled_for_deployment", P + "enabledForDeployment", False),
    flag("enabled_for_disk_encryption", P + "enabledForDiskEncryption", False),
    flag("enabled_for_template_deployment", P + "enabledForTemplateDeployment", False),
    same("network_acls.default_action", P + "networkAcls.defaultAction", "Deny"),
    same("network_acls.bypass", P + "networkAcls.bypass", "None"),
    Case("network_acls.ip_rules", P + "networkAcls.ipRules", ["192.0.2.0"], [{"value": "192.0.2.0"}]),
    Case("network_acls.virtual_network_subnet_ids", P + "networkAcls.virtualNetworkRules", ["/s"], [{"id": "/s"}]),
)  # fmt: skip

CONFIGURATION = (
    same("location", "location", "westeurope"),
    same("tags", "tags", {"a": "b"}),
    same("sku", "sku.name", "standard", "free"),
    same("soft_delete_retention_days", P + "softDeleteRetentionInDays", 1, 7),
    flag("purge_protection_enabled", P + "enablePurgeProtection", False),
    Case("local_auth_enabled", P + "disableLocalAuth", False, True, True, False),
    same("public_network_access", P + "publicNetworkAccess", "Disabled"),
    same("encryption.key_vault_key_identifier", P + "encryption.keyVaultProperties.keyIdentifier", "https://k"),
    same("encryption.identity_client_id", P + "encryption.keyVaultProperties.identityClientId", "c"),
    same(
        "data_plane_proxy_authentication_mode", P + "dataPlaneProxy.authenticationMode", "Pass-through",
        Majors(NOTHING, "Local", "Local"),
    ),
    Case(
        "data_plane_proxy_private_link_delegation_enabled", P + "dataPlaneProxy.privateLinkDelegation", True, "Enabled",
        Majors(NOTHING, False, False), Majors(NOTHING, "Disabled", "Disabled"),
    ),
    same("replica[*].name", "replicas/r:name", "r"),
    same("replica[*].location", "replicas/{0}:location", "northeurope"),
)  # fmt: skip

BACKUP = (
    same("location", "location", "westeurope"),
    same("tags", "tags", {"a": "b"}),
    same("datastore_type", P + "storageSettings[0].datastoreType", "VaultStore"),
    same("redundancy", P + "storageSettings[0].type", "GeoRedundant"),
    same("soft_delete", P + "securitySettings.softDeleteSettings.state", "Off", "On"),
    same("retention_duration_in_days", P + "securitySettings.softDeleteSettings.retentionDurationInDays", 30, 14),
    same(
        "immutability", P + "securitySettings.immutabilitySettings.state", "Locked", Majors(NOTHING, "Disabled", "Disabled")
    ),
    Case(
        "cross_region_restore_enabled", P + "featureSettings.crossRegionRestoreSettings.state", True, "Enabled"
    ),
)  # fmt: skip

RECOVERY = (
    same("location", "location", "westeurope"),
    same("tags", "tags", {"a": "b"}),
    same("sku", "sku.name", "Standard"),
    same(
        "storage_mode_type", P + "redundancySettings.standardTierStorageRedundancy", "LocallyRedundant", "GeoRedundant"
    ),
    Case("cross_region_restore_enabled", P + "redundancySettings.crossRegionRestore", True, "Enabled", False, "Disabled"),
    same("immutability", P + "securitySettings.immutabilitySettings.state", "Locked"),
    Case(
        "soft_delete_enabled", P + "securitySettings.softDeleteSettings.softDeleteState", False, "Disabled",
        Majors(True, True, NOTHING), Majors("Enabled", "Enabled", NOTHING),
    ),
    switch("public_network_access_enabled", P + "publicNetworkAccess"),
)  # fmt: skip

TABLES: Mapping[str, tuple[Case, ...]] = {
    "azurerm_storage_account": STORAGE,
    "azurerm_cosmosdb_account": COSMOS,
    "azurerm_key_vault": VAULT,
    "azurerm_app_configuration": CONFIGURATION,
    "azurerm_data_protection_backup_vault": BACKUP,
    "azurerm_recovery_services_vault": RECOVERY,
}
TOGETHER = {"account_tier", "account_replication_type", "provisioned_billing_model_version"}
"""Attributes that make one value between them; they have a test of their own."""


def values_with(path: str, value: Any) -> dict[str, Any]:
    """Attributes with one of them set, in the blocks around it; without it where it is NOTHING."""
    name, dot, rest = path.partition(".")
    name = name.removesuffix("[*]")
    if dot:
        return {name: [values_with(rest, value)]}
    return {} if value is NOTHING else {name: value}


def of_major(value: Any, major: int) -> Any:
    return value[major - 3] if isinstance(value, Majors) else value


def made(kind: str, values: Mapping[str, Any], major: int | None, *, complete: bool) -> Resource:
    return store(instance(f"{kind}.x", {"name": "x", **values}, major, complete=complete))


def got(of: Resource, arm: str) -> Any:
    """What ARM gets; of a child that is not there nothing, as of one that is there and does not say it."""
    label = arm.rpartition(":")[0]
    return at(of, arm) if not label or any(one.id == f"{of.id}/{label}" for one in of.children) else NOTHING


CASES = [pytest.param(kind, case, id=f"{kind}-{case.path}") for kind, cases in TABLES.items() for case in cases]
IN_BLOCKS = [
    pytest.param(kind, case, id=f"{kind}-{case.path}")
    for kind, cases in TABLES.items()
    for case in cases
    if "." in case.path
]
WAYS = [(major, complete) for major in MAJORS for complete in (True, False)]
"""Each major, as a plan or a state has an instance and as a configuration has it."""


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_written_attribute(kind: str, case: Case) -> None:
    for major, complete in WAYS:
        values = values_with(case.name(major), case.written)
        assert got(made(kind, values, major, complete=complete), case.arm) == case.gets, (major, complete)


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_an_attribute_that_is_unset_in_an_empty_block(kind: str, case: Case) -> None:
    for major, complete in WAYS:
        # A plan holds what the provider fills in; in a configuration there is nothing.
        unset = of_major(case.unset, major) if complete else NOTHING
        values = values_with(case.path, list(unset) if isinstance(unset, tuple) else unset)
        sent = got(made(kind, values, major, complete=complete), case.arm)
        expected = of_major(case.sends, major)
        assert (type(sent), sent) == (type(expected), expected), (major, complete)


@pytest.mark.parametrize(("kind", "case"), IN_BLOCKS)
def test_an_attribute_whose_block_is_unset(kind: str, case: Case) -> None:
    *blocks, _ = case.path.split(".")
    for major, complete in WAYS:
        for depth in range(len(blocks)):
            # A plan shows a block that is not there as an empty list.
            values = values_with(".".join(blocks[: depth + 1]), [] if complete else NOTHING)
            assert got(made(kind, values, major, complete=complete), case.arm) is NOTHING, (major, complete)


def test_every_attribute_of_the_tables_is_tried() -> None:
    for service in CATALOG.services:
        for table in service.terraform:
            if table.type in TABLES:
                known = {case.path for case in TABLES[table.type]} | TOGETHER
                named = {name for row in table.rows for name in row.names}
                assert named - TOGETHER == known - TOGETHER, table.type
    stores = {kind for service in CATALOG.services for kind in service.store_types}
    tables = {table.arm for service in CATALOG.services for table in service.terraform if table.type in TABLES}
    assert tables == stores


# What rules read and azurerm has no attribute for: what only a live deployment tells, and two settings.
NO_ATTRIBUTE = {
    "properties.apiType",
    "properties.backupPolicy.migrationState.status",
    "properties.defaultKeyValueRevisionRetentionPeriodInSeconds",
    "properties.deletionTime",
    "properties.isScheduledForDeferredDelete",
    "properties.oldestRestorableTime",
    "properties.protectionState",
    "properties.protectionStatus",
    "properties.protectionStatus.status",
    "properties.provisioningState",
    "properties.restorableLocations[*].locationName",
    "properties.restorePolicy.minRestoreTime",
    "properties.securitySettings.softDeleteSettings.softDeleteRetentionPeriodInDays",
}


def plain(path: str) -> str:
    """A path without its lists, casefolded."""
    return path.replace("[0]", "").replace("[*]", "").casefold()


def test_every_setting_that_a_rule_reads_has_an_attribute() -> None:
    rows = [row for service in CATALOG.services for table in service.terraform for row in table.rows]
    written = {f".{plain(row.arm.rpartition(':')[2])}." for row in rows}
    field = re.compile(r"(?:properties|definition)(?:\.\w+(?:\[\*\])?)+|sku\.name")
    folders = [
        folder for folder in data_dir("rules").iterdir() if folder.name not in ("baselines", "recovery", "terraform")
    ]
    texts = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.yaml")]
    read = {path for text in texts for path in field.findall(text)}
    assert len(read) > 30
    missing = {path for path in read if not any(f".{plain(path)}." in arm for arm in written)}
    assert missing == NO_ATTRIBUTE


# ── what a matrix does not show ──────────────────────────────────────────────────────────────────────────────────────


def storage(values: Mapping[str, Any], major: int | None = 5, *, complete: bool = False) -> Resource:
    return made("azurerm_storage_account", values, major, complete=complete)


def cosmos(values: Mapping[str, Any], major: int | None = 5, *, complete: bool = False) -> Resource:
    return made("azurerm_cosmosdb_account", values, major, complete=complete)


@pytest.mark.parametrize(
    ("parts", "sku"),
    [
        ({"account_tier": "Standard", "account_replication_type": "GRS"}, "Standard_GRS"),
        ({"account_tier": "Premium", "account_replication_type": "ZRS", "provisioned_billing_model_version": ""}, "Premium_ZRS"),
        (
            {"account_tier": "Standard", "account_replication_type": "LRS", "provisioned_billing_model_version": "V2"},
            "StandardV2_LRS",
        ),
        ({"account_tier": "Standard"}, None),
        ({"account_replication_type": "GRS"}, None),
        ({}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("complete", [True, False])
def test_a_sku_is_made_of_several_attributes(parts: dict[str, Any], sku: str | None, complete: bool) -> None:
    assert at(storage(parts, complete=complete), "sku.name") == sku


def test_a_sku_of_which_one_part_can_be_several() -> None:
    replication = Unknown("var.replication", ("LRS", "ZRS"))
    sku = at(storage({"account_tier": "Standard", "account_replication_type": replication}), "sku.name")
    assert isinstance(sku, Unknown)
    assert sku.possible == ("Standard_LRS", "Standard_ZRS")
    sku = at(storage({"account_tier": "Standard", "account_replication_type": Unknown("var.r")}), "sku.name")
    assert sku == Unknown("var.r")


@pytest.mark.parametrize("major", [3, 4])
def test_local_authentication_turned_round_in_azurerm_5(major: int) -> None:
    for written in (True, False):
        assert at(cosmos({"local_authentication_disabled": written}, major), P + "disableLocalAuth") is written
        unset = {"local_authentication_disabled": written, "local_authentication_enabled": None}
        assert at(cosmos(unset, major, complete=True), P + "disableLocalAuth") is written


def test_an_ip_range_filter_was_one_text_in_azurerm_3() -> None:
    rules = at(cosmos({"ip_range_filter": "192.0.2.1,198.51.100.0/24"}, 3), P + "ipRules")
    assert rules == [{"ipAddressOrRange": "192.0.2.1"}, {"ipAddressOrRange": "198.51.100.0/24"}]


@pytest.mark.parametrize(
    ("written", "vault"),
    [
        ({"key_vault_key_id": "https://v.vault.azure.net/keys/k"}, "https://v.vault.azure.net"),
        ({"managed_hsm_key_id": "https://h.managedhsm.azure.net/keys/k/1"}, "https://h.managedhsm.azure.net"),
        ({"key_vault_uri": "https://v.vault.azure.net/", "key_vault_id": "/v", "key_name": "k"}, "https://v.vault.azure.net/"),
        ({"key_vault_id": "/subscriptions/s/vaults/v", "key_name": "k"}, Unknown),
        ({"key_vault_key_id": LATER}, Unknown),
        ({"key_vault_key_id": "no address"}, Unknown),
    ],
)  # fmt: skip
def test_the_vault_of_a_key_of_its_own(written: dict[str, Any], vault: Any) -> None:
    account = instance("azurerm_storage_account.x", {"name": "x"})
    owner = {"storage_account_id": reference("azurerm_storage_account.x")}
    key = instance("azurerm_storage_account_customer_managed_key.k", {**owner, **written})
    found = at(store(account, key), P + "encryption.keyVaultProperties.keyVaultUri")
    assert isinstance(found, Unknown) if vault is Unknown else found == vault


def test_soft_delete_that_azurerm_2_switched_off() -> None:
    for written in (True, False):
        vault = made("azurerm_key_vault", {"soft_delete_enabled": written}, 2, complete=True)
        assert at(vault, P + "enableSoftDelete") is written
    vault = made("azurerm_key_vault", {"soft_delete_enabled": None}, 2, complete=True)
    assert isinstance(at(vault, P + "enableSoftDelete"), Unknown)


def test_a_share_service_without_a_retention_policy_is_written_without_one() -> None:
    for complete in (True, False):
        account = storage({"share_properties": [{"smb": [{}]}]}, complete=complete)
        assert at(account, FILE + "shareDeleteRetentionPolicy.enabled") is False


@pytest.mark.parametrize("complete", [True, False])
def test_children_that_nothing_writes_are_known_not_to_be_written(complete: bool) -> None:
    account = storage({"blob_properties": [], "share_properties": None}, complete=complete)
    for label in ("blobServices/default", "fileServices/default", "managementPolicies/default"):
        assert child(account, label).body is None


def test_zero_and_an_empty_text_are_what_the_provider_does_not_send() -> None:
    backup = {
        "type": "Continuous",
        "tier": "",
        "interval_in_minutes": 0,
        "retention_in_hours": 0,
        "storage_redundancy": "",
    }
    account = cosmos({"backup": [backup]}, complete=True)
    assert at(account, P + "backupPolicy") == {"type": "Continuous"}
    changes = storage({"blob_properties": [{"change_feed_retention_in_days": 0}]}, complete=True)
    assert at(changes, BLOB + "changeFeed.retentionInDays") is None


@pytest.mark.parametrize(("text", "word"), [("true", "Enabled"), ("false", "Disabled")])
def test_a_flag_written_as_text_is_taken_as_terraform_takes_it(text: str, word: str) -> None:
    assert at(storage({"public_network_access_enabled": text}), P + "publicNetworkAccess") == word


@pytest.mark.parametrize("nonsense", [[1], {"a": 1}, "yes", 2, 0.5])
def test_a_value_no_provider_takes_is_unknown(nonsense: Any) -> None:
    assert isinstance(at(storage({"public_network_access_enabled": nonsense}), P + "publicNetworkAccess"), Unknown)


@pytest.mark.parametrize("nonsense", ["text", 3, True, [3], ["text"], [[{}]]])
def test_a_block_that_is_none_is_unknown(nonsense: Any) -> None:
    account = storage({"blob_properties": nonsense})
    assert isinstance(child(account, "blobServices/default").body, Unknown)
    account = storage({"blob_properties": [{"delete_retention_policy": nonsense}]})
    assert isinstance(at(account, BLOB + "deleteRetentionPolicy.days"), Unknown)


@pytest.mark.parametrize("nonsense", ["text", 3, [3], ["text"], [[{}]], True])
def test_a_list_of_blocks_that_is_none_is_unknown(nonsense: Any) -> None:
    locations = at(cosmos({"geo_location": nonsense}), P + "locations")
    assert isinstance(locations[0] if isinstance(locations, list) else locations, Unknown)
    configuration = made("azurerm_app_configuration", {"sku": "standard", "replica": nonsense}, 5, complete=False)
    assert isinstance(child(configuration, "replicas/*").body, Unknown)


@pytest.mark.parametrize("rules", [["192.0.2.1", LATER], [LATER]])
def test_an_unknown_among_texts_stays_among_them(rules: list[Any]) -> None:
    account = storage({"network_rules": [{"ip_rules": rules, "bypass": rules}]})
    assert at(account, P + "networkAcls.ipRules")[-1] == {"value": LATER}
    assert at(account, P + "networkAcls.bypass") == LATER


def test_a_value_of_nested_alternatives_that_does_not_end_is_unknown() -> None:
    value: Any = "Hot"
    for _ in range(30):
        value = Unknown("nested", (value, "Cool"))
    assert isinstance(at(storage({"access_tier": value}), P + "accessTier"), Unknown)
    many = Unknown("many", tuple(range(1000)))
    assert at(storage({"access_tier": many}), P + "accessTier") == Unknown("many")
    assert child(storage({"blob_properties": Unknown("many", ([{}],) * 1000)}), "blobServices/default").body == Unknown(
        "many"
    )


# ── majors that are not told ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_default_that_differs_is_one_of_all_where_the_major_is_not_told() -> None:
    account = storage({}, None)
    public = at(account, P + "allowBlobPublicAccess")
    assert isinstance(public, Unknown)
    assert set(public.possible) == {True, False}
    assert at(account, P + "minimumTlsVersion") == "TLS1_2"
    tls = at(cosmos({}, None), P + "minimalTlsVersion")
    assert isinstance(tls, Unknown)
    assert set(tls.possible) == {None, "Tls12"}


@pytest.mark.parametrize("major", [2, 6])
def test_the_defaults_of_other_majors_are_not_known(major: int) -> None:
    account = storage({"blob_properties": [{"delete_retention_policy": [{}]}]}, major)
    assert at(account, BLOB + "deleteRetentionPolicy.enabled") is True
    for path in (P + "minimumTlsVersion", P + "allowBlobPublicAccess", BLOB + "deleteRetentionPolicy.days"):
        unknown = at(account, path)
        assert isinstance(unknown, Unknown)
        assert not unknown.possible
        assert str(major) in unknown.reason


# ── what is not known ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_an_unknown_attribute_is_unknown_and_never_absent(kind: str, case: Case) -> None:
    for major, complete in WAYS:
        of = made(kind, values_with(case.name(major), LATER), major, complete=complete)
        # A replica whose name is not known stands under its place in the list.
        found = got(of, case.arm.replace("replicas/r:", "replicas/{0}:"))
        assert isinstance(found, Unknown), (major, complete)


@pytest.mark.parametrize(("kind", "case"), IN_BLOCKS)
def test_nothing_in_an_unknown_block_is_known(kind: str, case: Case) -> None:
    *blocks, _ = case.path.split(".")
    ways = [(*way, depth, unknown) for way in WAYS for depth in range(len(blocks)) for unknown in (LATER, [LATER])]
    for major, complete, depth, unknown in ways:
        of = made(kind, values_with(".".join(blocks[: depth + 1]), unknown), major, complete=complete)
        if case.arm.startswith("replicas/"):
            found = child(of, "replicas/*").body
        else:
            found = got(of, case.arm.partition("[0]")[0] if "[*]" in case.path else case.arm)
        found = found[0] if isinstance(found, list) else found
        assert isinstance(found, Unknown), (major, complete, depth, unknown)


def test_possible_values_are_carried_through() -> None:
    account = storage({"public_network_access_enabled": Unknown("var.public", (True, False))})
    assert at(account, P + "publicNetworkAccess") == Unknown("var.public", ("Enabled", "Disabled"))
    days = Unknown("var.days", (14, 30, None))
    account = storage({"blob_properties": [{"delete_retention_policy": [{"days": days}]}]})
    assert at(account, BLOB + "deleteRetentionPolicy.days").possible == (14, 30, 7)


def test_a_block_that_may_be_there_says_all_that_it_can() -> None:
    policy = Unknown("var.keep", ([{"days": 30}], []))
    account = storage({"blob_properties": [{"versioning_enabled": True, "delete_retention_policy": policy}]})
    assert at(account, BLOB + "isVersioningEnabled") is True
    assert at(account, BLOB + "deleteRetentionPolicy.enabled").possible == (True, False)
    assert at(account, BLOB + "deleteRetentionPolicy.days").possible == (30, None)
    blobs = Unknown("var.keep", ([{"versioning_enabled": True}], []))
    body = child(storage({"blob_properties": blobs}), "blobServices/default").body
    assert isinstance(body, Unknown)
    assert body.possible[1] is None
    assert body.possible[0]["properties"]["isVersioningEnabled"] is True


def test_both_alternatives_agree_on_what_they_agree_on() -> None:
    backup = Unknown("var.tier", ([{"type": "Continuous", "tier": "Continuous7Days"}], [{"type": "Continuous"}]))
    account = cosmos({"backup": backup})
    assert at(account, P + "backupPolicy.type") == "Continuous"
    tier = at(account, P + "backupPolicy.continuousModeProperties")
    assert tier.possible == ({"tier": "Continuous7Days"}, None)


def test_locations_that_can_be_several() -> None:
    one, two = {"location": "westeurope"}, {"location": "northeurope"}
    account = cosmos({"geo_location": Unknown("var.regions", ([one], [one, two]))})
    locations = at(account, P + "locations")
    assert [len(possible) for possible in locations.possible] == [1, 2]
    account = cosmos({"geo_location": [one, Unknown("a dynamic block")]})
    assert [type(one) for one in at(account, P + "locations")] == [dict, Unknown]


def test_replicas_that_are_not_known_are_not_none() -> None:
    configuration = made("azurerm_app_configuration", {"sku": "standard", "replica": LATER}, 5, complete=True)
    assert child(configuration, "replicas/*").body == LATER
    configuration = made("azurerm_app_configuration", {"sku": "standard", "replica": []}, 5, complete=True)
    assert child(configuration, "replicas/*").body is None


# ── the lifecycle policy ─────────────────────────────────────────────────────────────────────────────────────────────

POLICY = {
    "storage_account_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x",
    "rule": [
        {
            "name": "old",
            "enabled": True,
            "filters": [
                {
                    "blob_types": ["blockBlob"],
                    "prefix_match": ["logs/"],
                    "match_blob_index_tag": [{"name": "k", "operation": "==", "value": "v"}],
                }
            ],
            "actions": [
                {
                    "base_blob": [
                        {
                            "tier_to_cool_after_days_since_modification_greater_than": 10,
                            "tier_to_cold_after_days_since_creation_greater_than": 20,
                            "tier_to_archive_after_days_since_last_access_time_greater_than": 50,
                            "tier_to_archive_after_days_since_last_tier_change_greater_than": 7,
                            "delete_after_days_since_modification_greater_than": 100,
                            "delete_after_days_since_creation_greater_than": -1,
                            "auto_tier_to_hot_from_cool_enabled": True,
                        }
                    ],
                    "snapshot": [
                        {
                            "delete_after_days_since_creation_greater_than": 30,
                            "change_tier_to_archive_after_days_since_creation": 90,
                            "tier_to_archive_after_days_since_last_tier_change_greater_than": 8,
                            "change_tier_to_cool_after_days_since_creation": 23,
                            "tier_to_cold_after_days_since_creation_greater_than": -1,
                        }
                    ],
                    "version": [
                        {
                            "delete_after_days_since_creation": 9,
                            "change_tier_to_archive_after_days_since_creation": -1,
                            "change_tier_to_cool_after_days_since_creation": 5,
                            "tier_to_cold_after_days_since_creation_greater_than": 6,
                        }
                    ],
                }
            ],
        }
    ],
}
POLICY_IN_ARM = {
    "properties": {
        "policy": {
            "rules": [
                {
                    "name": "old",
                    "enabled": True,
                    "type": "Lifecycle",
                    "definition": {
                        "filters": {
                            "blobTypes": ["blockBlob"],
                            "prefixMatch": ["logs/"],
                            "blobIndexMatch": [{"name": "k", "op": "==", "value": "v"}],
                        },
                        "actions": {
                            "baseBlob": {
                                "tierToCool": {"daysAfterModificationGreaterThan": 10},
                                "tierToCold": {"daysAfterCreationGreaterThan": 20},
                                "tierToArchive": {
                                    "daysAfterLastAccessTimeGreaterThan": 50,
                                    "daysAfterLastTierChangeGreaterThan": 7,
                                },
                                "delete": {"daysAfterModificationGreaterThan": 100},
                                "enableAutoTierToHotFromCool": True,
                            },
                            "snapshot": {
                                "delete": {"daysAfterCreationGreaterThan": 30},
                                "tierToArchive": {
                                    "daysAfterCreationGreaterThan": 90,
                                    "daysAfterLastTierChangeGreaterThan": 8,
                                },
                                "tierToCool": {"daysAfterCreationGreaterThan": 23},
                            },
                            "version": {
                                "delete": {"daysAfterCreationGreaterThan": 9},
                                "tierToCool": {"daysAfterCreationGreaterThan": 5},
                                "tierToCold": {"daysAfterCreationGreaterThan": 6},
                            },
                        },
                    },
                }
            ]
        }
    }
}


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("complete", [True, False])
def test_a_lifecycle_policy_has_arms_names(major: int, complete: bool) -> None:
    account = instance(
        "azurerm_storage_account.x", {"name": "x", "id": POLICY["storage_account_id"]}, major, complete=complete
    )
    policy = instance("azurerm_storage_management_policy.p", POLICY, major, complete=complete)
    assert child(store(account, policy), "managementPolicies/default").body == POLICY_IN_ARM


# ── where a value stands ─────────────────────────────────────────────────────────────────────────────────────────────


def test_values_stand_where_they_are_written_and_defaults_at_their_block() -> None:
    origins = {
        "account_kind": Origin("main.tf", 3),
        "blob_properties[0]": Origin("main.tf", 5),
        "blob_properties[0].delete_retention_policy[0]": Origin("main.tf", 7),
    }
    values = {"name": "x", "account_kind": "StorageV2", "blob_properties": [{"delete_retention_policy": [{}]}]}
    account = store(instance("azurerm_storage_account.x", values, 4, complete=False, origins=origins))
    assert account.origins["kind"] == Origin("main.tf", 3)
    assert account.origins["properties.minimumtlsversion"] == Origin("main.tf", 1, expression="azurerm 4 default")
    blobs = child(account, "blobServices/default")
    assert blobs.origin == Origin("main.tf", 5)
    assert blobs.origins["properties.isversioningenabled"] == Origin("main.tf", 5, expression="azurerm 4 default")
    assert blobs.origins["properties.deleteretentionpolicy.days"] == Origin(
        "main.tf", 7, expression="azurerm 4 default"
    )
    assert blobs.origins["properties.deleteretentionpolicy.enabled"] == Origin("main.tf", 5)


def test_elements_of_lists_stand_where_they_are_written() -> None:
    origins = {"geo_location[1]": Origin("main.tf", 9), "geo_location[1].zone_redundant": Origin("main.tf", 11)}
    values = {"name": "x", "geo_location": [{"location": "a"}, {"location": "b", "zone_redundant": True}]}
    account = store(instance("azurerm_cosmosdb_account.x", values, 5, complete=False, origins=origins))
    assert account.origins["properties.locations[1]"] == Origin("main.tf", 9)
    assert account.origins["properties.locations[1].iszoneredundant"] == Origin("main.tf", 11)
    zone = account.origins["properties.locations[0].iszoneredundant"]
    assert zone == Origin("main.tf", 1, expression="azurerm 5 default")


# ── what the tables do not know ──────────────────────────────────────────────────────────────────────────────────────


def test_attributes_that_no_table_knows_are_counted() -> None:
    values = {
        "name": "x",
        "primary_access_key": "k",
        "routing": [{"choice": "x"}],
        "future_setting": 1,
        "unset_setting": None,
        "empty_block": [],
        "blob_properties": [{"future_policy": [{}], "cors_rule": [{}], "versioning_enabled": True}],
    }
    counted: Counter[str] = Counter()
    list(estate.records([instance("azurerm_storage_account.x", values)] * 2, (), CATALOG, ignored=counted))
    assert counted == {
        "azurerm_storage_account.future_setting": 2,
        "azurerm_storage_account.blob_properties.future_policy": 2,
    }

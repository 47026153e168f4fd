"""Azure Storage: accounts with their blob, file and lifecycle settings, which live on child resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from auditor import quantities
from auditor.catalog import (
    ApiDefault,
    ByMajor,
    ChildCall,
    Conversion,
    Expansion,
    Filled,
    ListCall,
    Related,
    ResourceMap,
    Row,
    Service,
    SourceNote,
)
from auditor.model import Resource, Unknown
from auditor.reading import ABSENT, look_up
from auditor.services import backup, locks
from auditor.services.mapping import (
    AZURERM,
    COMMAS,
    DAYS,
    ENABLED,
    NOT_ZERO,
    PRESENT,
    SAME,
    WHERE_PRESENT,
    always,
    each,
    either,
    row,
    sent,
    under,
)

ACCOUNT = "Microsoft.Storage/storageAccounts"
BLOB = f"{ACCOUNT}/blobServices"
FILE = f"{ACCOUNT}/fileServices"
LIFECYCLE = f"{ACCOUNT}/managementPolicies"
SHARES = f"{FILE}/shares"
API_VERSION = "2026-09-01"

_DELETE = SourceNote("learn.microsoft.com/azure/storage/blobs/soft-delete-blob-enable", "2026-11-22")
_CONTAINER = SourceNote("learn.microsoft.com/azure/storage/blobs/soft-delete-container-enable", "2026-11-22")
_PROTECTION = SourceNote("learn.microsoft.com/azure/storage/blobs/data-protection-overview", "2026-11-22")
_SHARE = SourceNote("learn.microsoft.com/azure/storage/files/storage-files-prevent-file-share-deletion", "2026-11-22")
_SDK = SourceNote("azure-mgmt-storage 25.3.0, API 2026-09-01", "2026-11-22")


def _kind(body: Mapping[str, Any]) -> str:
    return str(look_up(body, ("kind",))).casefold()


def _no_blobs(body: Mapping[str, Any]) -> str:
    return "a FileStorage account has no blob service" if _kind(body) == "filestorage" else ""


def _no_files(body: Mapping[str, Any]) -> str:
    return "accounts of this kind have no file service" if _kind(body) in ("blobstorage", "blockblobstorage") else ""


def _geo_redundant(body: Mapping[str, Any]) -> bool:
    redundancy = quantities.parse_redundancy(look_up(body, ("sku", "name")))
    return redundancy is not None and "region" in redundancy


def _not_file_storage(body: Mapping[str, Any]) -> str:
    return "" if _kind(body) == "filestorage" else "shares are listed for FileStorage accounts only"


def _share_policy(child: Resource, _facts: Any) -> Any:
    """New accounts have share soft delete on; an account that exists may be older than that default."""
    if child.deployed:
        return Unknown("accounts of different age have different defaults for share soft delete")
    return True


def _targets(instance: Resource) -> Iterator[str]:
    """The account an Azure Backup instance or protected item stands for."""
    for path in (("dataSourceInfo", "resourceID"), ("sourceResourceId",)):
        source = look_up(instance.body, ("properties", *path))
        if isinstance(source, str) and source:
            yield source.casefold().rstrip("/")


def _copied_by(vault: Resource) -> Iterator[str]:
    """The accounts a Backup vault holds a copy of, outside of the account; itself, so that it speaks of something."""
    yield vault.id.casefold().rstrip("/")
    parameters = ("properties", "policyInfo", "policyParameters", "backupDatasourceParametersList")
    for instance in vault.children:
        listed = look_up(instance.body, parameters)
        if listed is not ABSENT and not isinstance(listed, Unknown):
            yield from _targets(instance)


# ── Terraform ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sku(parts: Any) -> str | None:
    tier, version, replication = parts or (None, None, None)
    return None if tier is None or replication is None else f"{tier}{version or ''}_{replication}"


def _vault(key: str) -> str:
    """The address of the vault in a key's. Raises ValueError for what is no key's address."""
    scheme, host = key.split("/")[0], key.split("/")[2]
    if not scheme.endswith(":") or not host:
        raise ValueError
    return f"{scheme}//{host}"


_SKU: Final = Conversion("tier, then V2 where that billing model is asked for, _ and replication", _sku, unset=True)
_KEY_SOURCE: Final = Conversion(
    "block there ↔ Microsoft.Keyvault, not there ↔ Microsoft.Storage",
    lambda block: "Microsoft.Keyvault" if block else "Microsoft.Storage",
    unset=True,
)
_VAULT: Final = Conversion("https://vault/keys/name/version ↔ https://vault", _vault)
_SOME_VAULT: Final = Conversion(
    "the vault's id; its address is another in each cloud", lambda _: Unknown("the address of the vault is not written")
)
_IDENTITY: Final = "properties.encryption.identity.userAssignedIdentity"
_VAULT_URI: Final = "properties.encryption.keyvaultproperties.keyvaulturi"

_NETWORK: Final = (
    row("default_action", "defaultAction"),
    row("bypass", "bypass", COMMAS),
    row("ip_rules", "ipRules", each("value")),
    row("virtual_network_subnet_ids", "virtualNetworkRules", each("id")),
    *under(
        "private_link_access[*]",
        "resourceAccessRules[*]",
        row("endpoint_resource_id", "resourceId"),
        row("endpoint_tenant_id", "tenantId"),
    ),
)

_BLOBS: Final = (
    *under(
        "delete_retention_policy",
        "deleteRetentionPolicy",
        row(".", "enabled", PRESENT),
        row("days", "days", default=7),
        row("permanent_delete_enabled", "allowPermanentDelete", default=False),
    ),
    *under(
        "container_delete_retention_policy",
        "containerDeleteRetentionPolicy",
        row(".", "enabled", PRESENT),
        row("days", "days", default=7),
    ),
    *under("restore_policy", "restorePolicy", row(".", "enabled", PRESENT), row("days", "days")),
    row("versioning_enabled", "isVersioningEnabled", default=False),
    row("change_feed_enabled", "changeFeed.enabled", default=False),
    row("change_feed_retention_in_days", "changeFeed.retentionInDays", NOT_ZERO),
    row("last_access_time_enabled", "lastAccessTimeTrackingPolicy.enable", default=False),
    row("default_service_version", "defaultServiceVersion"),
)

_SETTINGS: Final = (
    row("location", "location"),
    row("tags", "tags"),
    row("account_kind", "kind", default="StorageV2"),
    row("account_tier provisioned_billing_model_version account_replication_type", "sku.name", _SKU),
    *under(
        "",
        "properties",
        row("access_tier", "accessTier"),
        row(
            "https_traffic_only_enabled",
            "supportsHttpsTrafficOnly",
            default=True,
            formerly=(("enable_https_traffic_only", SAME),),
        ),
        row("min_tls_version", "minimumTlsVersion", default="TLS1_2"),
        row("allow_nested_items_to_be_public", "allowBlobPublicAccess", default=ByMajor({3: True, 4: True, 5: False})),
        row("shared_access_key_enabled", "allowSharedKeyAccess", default=True),
        row("public_network_access_enabled", "publicNetworkAccess", ENABLED, default=True),
        row(
            "cross_tenant_replication_enabled",
            "allowCrossTenantReplication",
            default=ByMajor({3: True, 4: False, 5: False}),
        ),
        row("default_to_oauth_authentication", "defaultToOAuthAuthentication", default=False),
        row("infrastructure_encryption_enabled", "encryption.requireInfrastructureEncryption", default=False),
        row("customer_managed_key", "encryption.keySource", _KEY_SOURCE),
        row("queue_encryption_key_type", "encryption.services.queue.keyType", default="Service"),
        row("table_encryption_key_type", "encryption.services.table.keyType", default="Service"),
        row("is_hns_enabled", "isHnsEnabled", default=False),
        row("nfsv3_enabled", "isNfsV3Enabled", default=False),
        row("sftp_enabled", "isSftpEnabled", default=False),
        row("local_user_enabled", "isLocalUserEnabled", default=True),
        row("large_file_share_enabled", "largeFileSharesState", either("Enabled", None)),
        row("dns_endpoint_type", "dnsEndpointType", default="Standard"),
        row("allowed_copy_scope", "allowedCopyScope"),
        *under("network_rules", "networkAcls", *_NETWORK),
        *under(
            "immutability_policy",
            "immutableStorageWithVersioning",
            row(".", "enabled", WHERE_PRESENT),
            row("allow_protected_append_writes", "immutabilityPolicy.allowProtectedAppendWrites"),
            row("period_since_creation_in_days", "immutabilityPolicy.immutabilityPeriodSinceCreationInDays"),
            row("state", "immutabilityPolicy.state"),
        ),
        *under(
            "sas_policy",
            "sasPolicy",
            row("expiration_period", "sasExpirationPeriod"),
            row("expiration_action", "expirationAction", default="Log"),
        ),
    ),
    row("customer_managed_key.user_assigned_identity_id", _IDENTITY),
    row(
        "customer_managed_key.key_vault_key_id",
        _VAULT_URI,
        _VAULT,
        formerly=(("customer_managed_key.managed_hsm_key_id", _VAULT),),
    ),
    *under("blob_properties", "blobServices/default:properties", *_BLOBS),
    *under(
        "share_properties.retention_policy",
        "fileServices/default:properties.shareDeleteRetentionPolicy",
        row(".", "enabled", PRESENT),
        row("days", "days", default=7),
    ),
)

_SINCE: Final = {
    "modification": "daysAfterModificationGreaterThan",
    "last_access_time": "daysAfterLastAccessTimeGreaterThan",
    "creation": "daysAfterCreationGreaterThan",
}
_ACTIONS: Final = {
    "tier_to_cool": "tierToCool",
    "tier_to_cold": "tierToCold",
    "tier_to_archive": "tierToArchive",
    "delete": "delete",
}
_TIER_CHANGE: Final = row(
    "tier_to_archive_after_days_since_last_tier_change_greater_than",
    "tierToArchive.daysAfterLastTierChangeGreaterThan",
    DAYS,
)


def _copies(delete: str) -> tuple[Row, ...]:
    """What is done to snapshots or to versions; their tables differ in one name."""
    after = "daysAfterCreationGreaterThan"
    return (
        row(delete, f"delete.{after}", DAYS),
        row("change_tier_to_archive_after_days_since_creation", f"tierToArchive.{after}", DAYS),
        _TIER_CHANGE,
        row("change_tier_to_cool_after_days_since_creation", f"tierToCool.{after}", DAYS),
        row("tier_to_cold_after_days_since_creation_greater_than", f"tierToCold.{after}", DAYS),
    )


_RULE: Final = (
    row("name", "name"),
    row("enabled", "enabled"),
    row("name", "type", always("Lifecycle")),
    *under(
        "filters",
        "definition.filters",
        row("blob_types", "blobTypes"),
        row("prefix_match", "prefixMatch"),
        *under(
            "match_blob_index_tag[*]",
            "blobIndexMatch[*]",
            row("name", "name"),
            row("operation", "op", default="=="),
            row("value", "value"),
        ),
    ),
    *under(
        "actions.base_blob",
        "definition.actions.baseBlob",
        *(
            row(f"{action}_after_days_since_{since}_greater_than", f"{arm}.{after}", DAYS)
            for action, arm in _ACTIONS.items()
            for since, after in _SINCE.items()
        ),
        _TIER_CHANGE,
        row("auto_tier_to_hot_from_cool_enabled", "enableAutoTierToHotFromCool", NOT_ZERO),
    ),
    *under(
        "actions.snapshot", "definition.actions.snapshot", *_copies("delete_after_days_since_creation_greater_than")
    ),
    *under("actions.version", "definition.actions.version", *_copies("delete_after_days_since_creation")),
)

TERRAFORM: Final = (
    ResourceMap(
        "azurerm_storage_account",
        ACCOUNT,
        f"{{group}}/providers/{ACCOUNT}/{{name}}",
        _SETTINGS,
        ignored=(
            "identity",
            "edge_zone",
            "custom_domain",
            "routing",
            "azure_files_authentication",
            "queue_properties",
            "static_website",
            "blob_properties.cors_rule",
            "share_properties.cors_rule",
            "share_properties.smb",
            "primary_*",
            "secondary_*",
        ),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_storage_account_network_rules",
        ACCOUNT,
        "{owner}",
        under("", "properties.networkAcls", *_NETWORK),
        owner="storage_account_id storage_account_name",
        ignored=("resource_group_name",),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_storage_account_customer_managed_key",
        ACCOUNT,
        "{owner}",
        (
            sent("properties.encryption.keySource", "Microsoft.Keyvault"),
            row("user_assigned_identity_id", _IDENTITY),
            row(
                "key_vault_key_id",
                _VAULT_URI,
                _VAULT,
                formerly=(("key_vault_uri", SAME), ("managed_hsm_key_id", _VAULT), ("key_vault_id", _SOME_VAULT)),
            ),
        ),
        owner="storage_account_id",
        ignored=("key_name", "key_version", "federated_identity_client_id"),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_storage_account_queue_properties",
        ACCOUNT,
        "{owner}",
        owner="storage_account_id",
        ignored=("*",),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_storage_account_static_website",
        ACCOUNT,
        "{owner}",
        owner="storage_account_id",
        ignored=("*",),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_storage_management_policy",
        LIFECYCLE,
        "{owner}/managementPolicies/default",
        under("rule[*]", "properties.policy.rules[*]", *_RULE),
        owner="storage_account_id",
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_storage_share",
        SHARES,
        "{owner}/fileServices/default/shares/{name}",
        (
            row("quota", "properties.shareQuota"),
            row("enabled_protocol", "properties.enabledProtocols", default="SMB"),
            row("access_tier", "properties.accessTier"),
        ),
        owner="storage_account_id storage_account_name",
        ignored=("acl", "metadata", "url", "resource_manager_id", "rbac_scope_id"),
        source=AZURERM,
    ),
)

SERVICE = Service(
    name="storage",
    title="Azure Storage",
    namespace="Microsoft.Storage",
    store_types=(ACCOUNT,),
    lists=(
        ListCall(
            type=ACCOUNT,
            path="/providers/Microsoft.Storage/storageAccounts",
            api_version=API_VERSION,
            action="Microsoft.Storage/storageAccounts/read",
            client="storage",
        ),
        ListCall(
            type="Microsoft.Storage/deletedAccounts",
            path="/providers/Microsoft.Storage/deletedAccounts",
            api_version=API_VERSION,
            action="Microsoft.Storage/deletedAccounts/read",
            client="storage",
            in_group=False,
        ),
    ),
    children=(
        ChildCall(
            parent_type=ACCOUNT,
            type=BLOB,
            path="/blobServices/default",
            api_version=API_VERSION,
            action="Microsoft.Storage/storageAccounts/blobServices/read",
            client="storage",
            skip=_no_blobs,
            rate="storage",
        ),
        ChildCall(
            parent_type=ACCOUNT,
            type=FILE,
            path="/fileServices/default",
            api_version=API_VERSION,
            action="Microsoft.Storage/storageAccounts/fileServices/read",
            client="storage",
            skip=_no_files,
            rate="storage",
        ),
        ChildCall(
            parent_type=ACCOUNT,
            type=LIFECYCLE,
            path="/managementPolicies/default",
            api_version=API_VERSION,
            action="Microsoft.Storage/storageAccounts/managementPolicies/read",
            client="storage",
            absent_on=(404,),
            skip=_no_blobs,
            rate="storage",
        ),
        ChildCall(
            parent_type=ACCOUNT,
            type=SHARES,
            path="/fileServices/default/shares",
            api_version=API_VERSION,
            action="Microsoft.Storage/storageAccounts/fileServices/shares/read",
            client="storage",
            collection=True,
            skip=_not_file_storage,
            rate="storage",
            optional=True,
        ),
    ),
    expansions=(
        Expansion(
            type=ACCOUNT,
            property="geoReplicationStats",
            query="$expand=geoReplicationStats",
            api_version=API_VERSION,
            action="Microsoft.Storage/storageAccounts/read",
            client="storage",
            when=_geo_redundant,
            rate="storage",
        ),
    ),
    defaults=(
        ApiDefault(BLOB, "properties.deleteRetentionPolicy.enabled", False, _DELETE),
        ApiDefault(BLOB, "properties.deleteRetentionPolicy.allowPermanentDelete", False, _SDK),
        ApiDefault(BLOB, "properties.containerDeleteRetentionPolicy.enabled", False, _CONTAINER),
        ApiDefault(BLOB, "properties.containerDeleteRetentionPolicy.days", 7, _CONTAINER),
        ApiDefault(BLOB, "properties.isVersioningEnabled", False, _PROTECTION),
        ApiDefault(BLOB, "properties.changeFeed.enabled", False, _PROTECTION),
        ApiDefault(BLOB, "properties.restorePolicy.enabled", False, _PROTECTION),
        ApiDefault(FILE, "properties.shareDeleteRetentionPolicy.enabled", _share_policy, _SHARE),
        ApiDefault(FILE, "properties.shareDeleteRetentionPolicy.days", 7, _SHARE),
        ApiDefault(ACCOUNT, "properties.isHnsEnabled", False, _SDK),
        ApiDefault(ACCOUNT, "properties.isNfsV3Enabled", False, _SDK),
    ),
    related=(
        locks.LOCKS,
        Related(
            name="backup-instances",
            title="Azure Backup instances and protected file shares",
            types=(backup.INSTANCE, backup.PROTECTED_ITEM),
            listed=(backup.BACKUP_VAULT, backup.RECOVERY_VAULT),
            targets=_targets,
            keys=lambda account: (account.id.casefold().rstrip("/"),),
        ),
        Related(
            name="backup-vaults",
            title="Backup vaults that hold a copy of the account",
            types=(backup.BACKUP_VAULT,),
            listed=(backup.BACKUP_VAULT,),
            targets=_copied_by,
            keys=lambda account: (account.id.casefold().rstrip("/"),),
        ),
    ),
    deleted_types=("Microsoft.Storage/deletedAccounts",),
    not_assessed=("Blobs, files, tables and queues themselves: nothing of the data plane is read",),
    modules=(("avm/res/storage/storage-account", ACCOUNT),),
    terraform=TERRAFORM,
    filled=(
        Filled(ACCOUNT, "sku.tier", "follows from the SKU's name"),
        Filled(ACCOUNT, "properties.creationTime", "when the account was made"),
        Filled(ACCOUNT, "properties.keyCreationTime", "when the account's keys were made"),
        Filled(ACCOUNT, "properties.primaryEndpoints", "made from the account's name"),
        Filled(ACCOUNT, "properties.secondaryEndpoints", "made from the account's name"),
        Filled(ACCOUNT, "properties.primaryLocation", "where the account is, or has failed over to"),
        Filled(ACCOUNT, "properties.secondaryLocation", "the pair of the primary region"),
        Filled(ACCOUNT, "properties.statusOfPrimary", "whether the primary region answers now"),
        Filled(ACCOUNT, "properties.statusOfSecondary", "whether the secondary region answers now"),
        Filled(ACCOUNT, "properties.geoReplicationStats", "how far the copies in the pair have come"),
        Filled(ACCOUNT, "properties.lastGeoFailoverTime", "when the account last failed over"),
        Filled(ACCOUNT, "properties.blobRestoreStatus", "how far a restore has come"),
        Filled(ACCOUNT, "properties.encryption.services.blob.lastEnabledTime", "when encryption was last enabled"),
        Filled(ACCOUNT, "properties.encryption.services.file.lastEnabledTime", "when encryption was last enabled"),
        Filled(BLOB, "sku", "the account's"),
        Filled(BLOB, "properties.restorePolicy.lastEnabledTime", "when the policy was last enabled"),
        Filled(BLOB, "properties.restorePolicy.minRestoreTime", "moves with the clock"),
        Filled(FILE, "sku", "the account's"),
        Filled(LIFECYCLE, "properties.lastModifiedTime", "when the policy was last written"),
        Filled(SHARES, "properties.lastModifiedTime", "when the share was last written"),
    ),
)

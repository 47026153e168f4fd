"""Azure Cosmos DB: accounts, their restorable shadows, and what the API does when a setting is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from auditor.catalog import ApiDefault, ByMajor, Conversion, Filled, ListCall, Related, ResourceMap, Service, SourceNote
from auditor.model import Resource, Unknown
from auditor.reading import ABSENT, look_up
from auditor.services import locks
from auditor.services.mapping import AZURERM, ENABLED, NEGATED, NOT_ZERO, SAME, either, row, under

ACCOUNT = "Microsoft.DocumentDB/databaseAccounts"
RESTORABLE = "Microsoft.DocumentDB/locations/restorableDatabaseAccounts"
API_VERSION = "2026-03-15"

_PERIODIC = SourceNote("learn.microsoft.com/azure/cosmos-db/periodic-backup-restore-introduction", "2026-11-22")
_CONTINUOUS = SourceNote("learn.microsoft.com/azure/cosmos-db/migrate-continuous-backup", "2026-11-22")
_SDK = SourceNote("azure-mgmt-cosmosdb 10.0.0, API 2026-03-15", "2026-11-22")
_AVM = SourceNote("Azure Verified Modules, avm/res/document-db/database-account", "2026-11-22")


def _backup_type(account: Resource) -> str:
    """`Periodic` or `Continuous`, the API's default applied; another string when it cannot be told."""
    kind = look_up(account.body, ("properties", "backupPolicy", "type"))
    return "periodic" if kind is ABSENT else str(kind).casefold()


def _redundancy(account: Resource, facts: Mapping[str, Callable[[Resource, Any], Any]]) -> Any:
    """Geo where the write region has a pair; elsewhere the API wants one to be chosen."""
    paired = facts["region.pair"](account, None)
    if paired is True:
        return "Geo"
    if isinstance(paired, Unknown):
        return paired
    return Unknown("a region without a pair has no documented default for backup storage redundancy")


def _restorable_targets(item: Resource) -> Iterator[str]:
    """A restorable account is named by its instance; the account's own name is unique among those that live."""
    if item.name:
        yield "instance:" + item.name.casefold()
    name = look_up(item.body, ("properties", "accountName"))
    if isinstance(name, str) and name:
        yield "account:" + name.casefold()


def _account_keys(account: Resource) -> Iterator[str]:
    instance = look_up(account.body, ("properties", "instanceId"))
    if isinstance(instance, str) and instance:
        yield "instance:" + instance.casefold()
    elif account.deployed and account.name:
        yield "account:" + account.name.casefold()


def _default(path: str, value: Any, source: SourceNote, mode: str = "") -> ApiDefault:
    applies = (lambda account: _backup_type(account) == mode) if mode else None
    return ApiDefault(ACCOUNT, f"properties.{path}", value, source, when=applies)


def _ip_rules(ranges: Any) -> list[dict[str, Any]]:
    listed = ranges.split(",") if isinstance(ranges, str) else ranges
    return [{"ipAddressOrRange": one} for one in listed]


_IP_RULES: Final = Conversion("each x ↔ {ipAddressOrRange: x}; azurerm 3: one text, parted by commas", _ip_rules)

TERRAFORM: Final = (
    ResourceMap(
        "azurerm_cosmosdb_account",
        ACCOUNT,
        f"{{group}}/providers/{ACCOUNT}/{{name}}",
        (
            row("location", "location"),
            row("tags", "tags"),
            row("kind", "kind", default="GlobalDocumentDB"),
            row("offer_type", "properties.databaseAccountOfferType"),
            *under(
                "backup",
                "properties.backupPolicy",
                row("type", "type"),
                row("tier", "continuousModeProperties.tier"),
                row("interval_in_minutes", "periodicModeProperties.backupIntervalInMinutes", NOT_ZERO),
                row("retention_in_hours", "periodicModeProperties.backupRetentionIntervalInHours", NOT_ZERO),
                row("storage_redundancy", "periodicModeProperties.backupStorageRedundancy"),
            ),
            *under(
                "consistency_policy",
                "properties.consistencyPolicy",
                row("consistency_level", "defaultConsistencyLevel"),
                row("max_interval_in_seconds", "maxIntervalInSeconds", default=5),
                row("max_staleness_prefix", "maxStalenessPrefix", default=100),
            ),
            *under(
                "geo_location[*]",
                "properties.locations[*]",
                row("location", "locationName"),
                row("failover_priority", "failoverPriority"),
                row("zone_redundant", "isZoneRedundant", default=False),
            ),
            *under("capabilities[*]", "properties.capabilities[*]", row("name", "name")),
            *under(
                "",
                "properties",
                row(
                    "automatic_failover_enabled",
                    "enableAutomaticFailover",
                    default=False,
                    formerly=(("enable_automatic_failover", SAME),),
                ),
                row(
                    "multiple_write_locations_enabled",
                    "enableMultipleWriteLocations",
                    default=False,
                    formerly=(("enable_multiple_write_locations", SAME),),
                ),
                row("access_key_metadata_writes_enabled", "disableKeyBasedMetadataWriteAccess", NEGATED, True),
                row(
                    "local_authentication_enabled",
                    "disableLocalAuth",
                    NEGATED,
                    default=True,
                    formerly=(("local_authentication_disabled", SAME),),
                ),
                row("public_network_access_enabled", "publicNetworkAccess", ENABLED, default=True),
                row("minimal_tls_version", "minimalTlsVersion", default=ByMajor({3: None, 4: "Tls12", 5: "Tls12"})),
                row("is_virtual_network_filter_enabled", "isVirtualNetworkFilterEnabled", default=False),
                *under(
                    "virtual_network_rule[*]",
                    "virtualNetworkRules[*]",
                    row("id", "id"),
                    row("ignore_missing_vnet_service_endpoint", "ignoreMissingVNetServiceEndpoint", default=False),
                ),
                row("ip_range_filter", "ipRules", _IP_RULES),
                row(
                    "network_acl_bypass_for_azure_services",
                    "networkAclBypass",
                    either("AzureServices", "None"),
                    default=False,
                ),
                row("network_acl_bypass_ids", "networkAclBypassResourceIds"),
                row("key_vault_key_id", "keyVaultKeyUri"),
                row("default_identity_type", "defaultIdentity", default="FirstPartyIdentity"),
                row("create_mode", "createMode"),
                row("free_tier_enabled", "enableFreeTier", default=False, formerly=(("enable_free_tier", SAME),)),
                row("analytical_storage_enabled", "enableAnalyticalStorage", default=False),
                row("analytical_storage.schema_type", "analyticalStorageConfiguration.schemaType"),
                row("partition_merge_enabled", "enablePartitionMerge", default=False),
                row("burst_capacity_enabled", "enableBurstCapacity", default=False),
                row("capacity.total_throughput_limit", "capacity.totalThroughputLimit"),
                row("mongo_server_version", "apiProperties.serverVersion"),
                row("restore.source_cosmosdb_account_id", "restoreParameters.restoreSource"),
                row("restore.restore_timestamp_in_utc", "restoreParameters.restoreTimestampInUtc"),
            ),
        ),
        ignored=(
            "identity",
            "cors_rule",
            "managed_hsm_key_id",
            "endpoint",
            "read_endpoints",
            "write_endpoints",
            "connection_strings",
            "geo_location[*].id",
            "restore.database",
            "restore.gremlin_database",
            "restore.tables_to_restore",
            "primary_*",
            "secondary_*",
        ),
        source=AZURERM,
    ),
)

SERVICE = Service(
    name="cosmosdb",
    title="Azure Cosmos DB",
    namespace="Microsoft.DocumentDB",
    store_types=(ACCOUNT,),
    lists=(
        ListCall(
            type=ACCOUNT,
            path="/providers/Microsoft.DocumentDB/databaseAccounts",
            api_version=API_VERSION,
            action="Microsoft.DocumentDB/databaseAccounts/read",
            client="cosmosdb",
        ),
        ListCall(
            type=RESTORABLE,
            path="/providers/Microsoft.DocumentDB/restorableDatabaseAccounts",
            api_version=API_VERSION,
            action="Microsoft.DocumentDB/locations/restorableDatabaseAccounts/read",
            client="cosmosdb",
            in_group=False,
        ),
    ),
    defaults=(
        _default("backupPolicy.type", "Periodic", _PERIODIC),
        _default("backupPolicy.periodicModeProperties.backupIntervalInMinutes", 240, _PERIODIC, "periodic"),
        _default("backupPolicy.periodicModeProperties.backupRetentionIntervalInHours", 8, _PERIODIC, "periodic"),
        _default("backupPolicy.periodicModeProperties.backupStorageRedundancy", _redundancy, _PERIODIC, "periodic"),
        _default("backupPolicy.continuousModeProperties.tier", "Continuous30Days", _CONTINUOUS, "continuous"),
        _default("enableAutomaticFailover", False, _SDK),
        _default("enableMultipleWriteLocations", False, _SDK),
        _default("locations[*].isZoneRedundant", False, _SDK),
        _default("consistencyPolicy.defaultConsistencyLevel", "Session", _AVM),
    ),
    related=(
        locks.LOCKS,
        Related(
            name="restorable-accounts",
            title="restorable database accounts",
            types=(RESTORABLE,),
            listed=(RESTORABLE,),
            targets=_restorable_targets,
            keys=_account_keys,
        ),
    ),
    not_assessed=("Cosmos DB for MongoDB vCore, for PostgreSQL and Managed Instance for Apache Cassandra clusters",),
    modules=(("avm/res/document-db/database-account", ACCOUNT),),
    terraform=TERRAFORM,
    filled=(
        Filled(ACCOUNT, "properties.instanceId", "given when the account is made"),
        Filled(ACCOUNT, "properties.documentEndpoint", "made from the account's name"),
        Filled(ACCOUNT, "properties.sqlEndpoint", "made from the account's name"),
        Filled(ACCOUNT, "properties.writeLocations", "which of the locations takes writes now"),
        Filled(ACCOUNT, "properties.readLocations", "which of the locations answer reads now"),
        Filled(ACCOUNT, "properties.failoverPolicies", "the order of the locations, said again"),
        Filled(ACCOUNT, "properties.locations[*].id", "made from the names of account and region"),
        Filled(ACCOUNT, "properties.locations[*].documentEndpoint", "made from the names of account and region"),
        Filled(ACCOUNT, "properties.locations[*].provisioningState", "how far the last change of the region has come"),
        Filled(ACCOUNT, "properties.keysMetadata", "when the account's keys were made"),
        Filled(ACCOUNT, "properties.backupPolicy.migrationState", "how far a change of the backup mode has come"),
        Filled(RESTORABLE, "properties.creationTime", "when the account was made"),
        Filled(RESTORABLE, "properties.oldestRestorableTime", "moves with the clock"),
        Filled(RESTORABLE, "properties.deletionTime", "when the account was deleted"),
        Filled(RESTORABLE, "properties.restorableLocations", "where the account has been, region by region"),
    ),
)

"""Azure Backup's two services: Backup vaults (DataProtection) and Recovery Services vaults, with what they protect."""

from __future__ import annotations

from typing import Final

from auditor.catalog import ApiDefault, ByMajor, ChildCall, Filled, ListCall, ResourceMap, Service, SourceNote
from auditor.model import Unknown
from auditor.services import locks
from auditor.services.mapping import AZURERM, ENABLED, row, sent, under

BACKUP_VAULT = "Microsoft.DataProtection/backupVaults"
INSTANCE = f"{BACKUP_VAULT}/backupInstances"
RECOVERY_VAULT = "Microsoft.RecoveryServices/vaults"
PROTECTED_ITEM = f"{RECOVERY_VAULT}/backupFabrics/protectionContainers/protectedItems"

_AZURERM = SourceNote("hashicorp/terraform-provider-azurerm 69697b7f, data_protection_backup_vault", "2026-11-22")

_INSTANCE_ID: Final = "{owner}/backupInstances/{name}"
_PARAMETERS: Final = "properties.policyInfo.policyParameters.backupDatasourceParametersList[0]"

TERRAFORM: Final = (
    ResourceMap(
        "azurerm_data_protection_backup_vault",
        BACKUP_VAULT,
        f"{{group}}/providers/{BACKUP_VAULT}/{{name}}",
        (
            row("location", "location"),
            row("tags", "tags"),
            row("datastore_type", "properties.storageSettings[0].datastoreType"),
            row("redundancy", "properties.storageSettings[0].type"),
            *under(
                "",
                "properties.securitySettings",
                row("soft_delete", "softDeleteSettings.state", default="On"),
                row("retention_duration_in_days", "softDeleteSettings.retentionDurationInDays", default=14),
                row(
                    "immutability",
                    "immutabilitySettings.state",
                    default=ByMajor({3: None, 4: "Disabled", 5: "Disabled"}),
                ),
            ),
            row(
                "cross_region_restore_enabled",
                "properties.featureSettings.crossRegionRestoreSettings.state",
                ENABLED,
            ),
        ),
        ignored=("identity",),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_data_protection_backup_policy_blob_storage",
        f"{BACKUP_VAULT}/backupPolicies",
        "{vault_id}/backupPolicies/{name}",
        (sent("properties.datasourceTypes[0]", "Microsoft.Storage/storageAccounts/blobServices"),),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_data_protection_backup_instance_blob_storage",
        INSTANCE,
        _INSTANCE_ID,
        (
            sent("properties.dataSourceInfo.datasourceType", "Microsoft.Storage/storageAccounts/blobServices"),
            row("location", "properties.dataSourceInfo.resourceLocation"),
            row("storage_account_id", "properties.dataSourceInfo.resourceID"),
            row("backup_policy_id", "properties.policyInfo.policyId"),
            row("storage_account_container_names", f"{_PARAMETERS}.containersList"),
            row("protection_state", "properties.currentProtectionState"),
        ),
        owner="vault_id",
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_data_protection_backup_instance_data_lake_storage",
        INSTANCE,
        _INSTANCE_ID,
        (
            sent("properties.dataSourceInfo.datasourceType", "Microsoft.Storage/storageAccounts/adlsBlobServices"),
            row("location", "properties.dataSourceInfo.resourceLocation"),
            row("storage_account_id", "properties.dataSourceInfo.resourceID"),
            row("backup_policy_data_lake_storage_id", "properties.policyInfo.policyId"),
            row("storage_container_names", f"{_PARAMETERS}.containersList"),
            row("protection_state", "properties.currentProtectionState"),
        ),
        owner="data_protection_backup_vault_id",
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_recovery_services_vault",
        RECOVERY_VAULT,
        f"{{group}}/providers/{RECOVERY_VAULT}/{{name}}",
        (
            row("location", "location"),
            row("tags", "tags"),
            row("sku", "sku.name"),
            *under(
                "",
                "properties",
                row(
                    "storage_mode_type",
                    "redundancySettings.standardTierStorageRedundancy",
                    default="GeoRedundant",
                ),
                row("cross_region_restore_enabled", "redundancySettings.crossRegionRestore", ENABLED, default=False),
                row("immutability", "securitySettings.immutabilitySettings.state"),
                row(
                    "soft_delete_enabled",
                    "securitySettings.softDeleteSettings.softDeleteState",
                    ENABLED,
                    default=ByMajor({3: True, 4: True, 5: None}),
                ),
                row("public_network_access_enabled", "publicNetworkAccess", ENABLED, default=True),
            ),
        ),
        ignored=("identity", "encryption", "monitoring", "classic_vmware_replication_enabled"),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_backup_protected_file_share",
        PROTECTED_ITEM,
        "{owner}/backupFabrics/Azure/protectionContainers/{address}/protectedItems/{source_file_share_name}",
        (
            sent("properties.protectedItemType", "AzureFileShareProtectedItem"),
            row("source_storage_account_id", "properties.sourceResourceId"),
            row("source_file_share_name", "properties.friendlyName"),
            row("backup_policy_id", "properties.policyId"),
        ),
        owner="recovery_vault_name",
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_backup_container_storage_account",
        f"{RECOVERY_VAULT}/backupFabrics/protectionContainers",
        "{owner}/backupFabrics/Azure/protectionContainers/{address}",
        (row("storage_account_id", "properties.sourceResourceId"),),
        owner="recovery_vault_name",
        source=AZURERM,
    ),
)

SERVICE = Service(
    name="backupvault",
    title="Azure Backup",
    namespace="Microsoft.DataProtection",
    store_types=(BACKUP_VAULT, RECOVERY_VAULT),
    lists=(
        ListCall(
            type=BACKUP_VAULT,
            path="/providers/Microsoft.DataProtection/backupVaults",
            api_version="2026-06-01",
            action="Microsoft.DataProtection/backupVaults/read",
            client="resource",
        ),
        ListCall(
            type=RECOVERY_VAULT,
            path="/providers/Microsoft.RecoveryServices/vaults",
            api_version="2026-11-01",
            action="Microsoft.RecoveryServices/Vaults/read",
            client="resource",
        ),
        locks.LIST,
    ),
    children=(
        ChildCall(
            parent_type=BACKUP_VAULT,
            type=INSTANCE,
            path="/backupInstances",
            api_version="2026-06-01",
            action="Microsoft.DataProtection/backupVaults/backupInstances/read",
            client="resource",
            collection=True,
        ),
        ChildCall(
            parent_type=RECOVERY_VAULT,
            type=PROTECTED_ITEM,
            path="/backupProtectedItems",
            api_version="2026-10-01",
            action="Microsoft.RecoveryServices/Vaults/backupProtectedItems/read",
            client="resource",
            collection=True,
            query="$filter=backupManagementType eq 'AzureStorage'",
        ),
    ),
    defaults=(
        ApiDefault(BACKUP_VAULT, "properties.securitySettings.immutabilitySettings.state", "Disabled", _AZURERM),
        ApiDefault(RECOVERY_VAULT, "properties.securitySettings.immutabilitySettings.state", "Disabled", _AZURERM),
        ApiDefault(
            BACKUP_VAULT,
            "properties.storageSettings",
            Unknown("properties.storageSettings is left out and no default of the API is documented", unseen=True),
            _AZURERM,
        ),
    ),
    related=(locks.LOCKS,),
    not_assessed=("Restore tests: whether a backup was ever restored is not written in any setting",),
    modules=(
        ("avm/res/data-protection/backup-vault", BACKUP_VAULT),
        ("avm/res/recovery-services/vault", RECOVERY_VAULT),
    ),
    terraform=(*TERRAFORM, *locks.TERRAFORM),
    filled=(
        Filled(BACKUP_VAULT, "properties.isVaultProtectedByResourceGuard", "follows from the guards on it"),
        Filled(BACKUP_VAULT, "properties.resourceMoveState", "how far a move of the vault has come"),
        Filled(BACKUP_VAULT, "properties.resourceMoveDetails", "how far a move of the vault has come"),
        Filled(BACKUP_VAULT, "properties.secureScore", "Azure's own judgement of the other settings"),
        Filled(BACKUP_VAULT, "properties.bcdrSecurityLevel", "Azure's own judgement of the other settings"),
        Filled(INSTANCE, "properties.currentProtectionState", "how the protection is doing"),
        Filled(INSTANCE, "properties.protectionStatus", "how the protection is doing"),
        Filled(INSTANCE, "properties.protectionErrorDetails", "what the last backup ran into"),
        Filled(RECOVERY_VAULT, "properties.backupStorageVersion", "which generation of storage the vault is on"),
        Filled(RECOVERY_VAULT, "properties.privateEndpointStateForBackup", "whether private endpoints connect"),
        Filled(RECOVERY_VAULT, "properties.privateEndpointStateForSiteRecovery", "whether private endpoints connect"),
        Filled(RECOVERY_VAULT, "properties.moveDetails", "how far a move of the vault has come"),
        Filled(RECOVERY_VAULT, "properties.moveState", "how far a move of the vault has come"),
        Filled(RECOVERY_VAULT, "properties.secureScore", "Azure's own judgement of the other settings"),
        Filled(RECOVERY_VAULT, "properties.bcdrSecurityLevel", "Azure's own judgement of the other settings"),
        Filled(PROTECTED_ITEM, "properties.protectionState", "how the protection is doing"),
        Filled(PROTECTED_ITEM, "properties.protectionStatus", "how the protection is doing"),
        Filled(PROTECTED_ITEM, "properties.healthStatus", "how the protection is doing"),
        Filled(PROTECTED_ITEM, "properties.kpisHealths", "how the protection is doing"),
        Filled(PROTECTED_ITEM, "properties.lastBackupStatus", "how the last backup went"),
        Filled(PROTECTED_ITEM, "properties.lastBackupTime", "when the last backup was taken"),
        Filled(PROTECTED_ITEM, "properties.lastRecoveryPoint", "when the last backup was taken"),
        Filled(PROTECTED_ITEM, "properties.isScheduledForDeferredDelete", "set when the item is deleted"),
        Filled(PROTECTED_ITEM, "properties.deferredDeleteTimeInUTC", "set when the item is deleted"),
        Filled(PROTECTED_ITEM, "properties.deferredDeleteTimeRemaining", "moves with the clock"),
    ),
)

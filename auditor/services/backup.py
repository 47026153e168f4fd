"""Azure Backup's two services: Backup vaults (DataProtection) and Recovery Services vaults, with what they protect."""

from __future__ import annotations

from auditor.model import ApiDefault, ChildCall, ListCall, Service, SourceNote, Unknown
from auditor.services import locks

BACKUP_VAULT = "Microsoft.DataProtection/backupVaults"
INSTANCE = f"{BACKUP_VAULT}/backupInstances"
RECOVERY_VAULT = "Microsoft.RecoveryServices/vaults"
PROTECTED_ITEM = f"{RECOVERY_VAULT}/backupFabrics/protectionContainers/protectedItems"

_AZURERM = SourceNote("hashicorp/terraform-provider-azurerm 69697b7f, data_protection_backup_vault", "2026-11-22")

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
)

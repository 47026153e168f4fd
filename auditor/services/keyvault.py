"""Azure Key Vault: one list returns every setting; deleted vaults are listed apart."""

from __future__ import annotations

from auditor.model import ApiDefault, ListCall, Service, SourceNote, Unknown
from auditor.services import locks

VAULT = "Microsoft.KeyVault/vaults"
DELETED = "Microsoft.KeyVault/locations/deletedVaults"
API_VERSION = "2026-05-15"

_SOFT_DELETE = SourceNote("learn.microsoft.com/azure/key-vault/general/soft-delete-overview", "2026-11-22")

SERVICE = Service(
    name="keyvault",
    title="Azure Key Vault",
    namespace="Microsoft.KeyVault",
    store_types=(VAULT,),
    lists=(
        ListCall(
            type=VAULT,
            path="/providers/Microsoft.KeyVault/vaults",
            api_version=API_VERSION,
            action="Microsoft.KeyVault/vaults/read",
            client="keyvault",
        ),
        ListCall(
            type=DELETED,
            path="/providers/Microsoft.KeyVault/deletedVaults",
            api_version=API_VERSION,
            action="Microsoft.KeyVault/deletedVaults/read",
            client="keyvault",
            in_group=False,
        ),
    ),
    defaults=(
        ApiDefault(VAULT, "properties.enableSoftDelete", True, _SOFT_DELETE, since="2019-09-01"),
        ApiDefault(
            VAULT,
            "properties.enableSoftDelete",
            Unknown("before API version 2019-09-01 soft delete was off unless asked for; later vaults have it on"),
            _SOFT_DELETE,
            until="2019-08-31",
        ),
        ApiDefault(VAULT, "properties.softDeleteRetentionInDays", 90, _SOFT_DELETE),
        ApiDefault(VAULT, "properties.enablePurgeProtection", False, _SOFT_DELETE),
    ),
    related=(locks.LOCKS,),
    deleted_types=(DELETED,),
    not_assessed=(
        "Keys, secrets and certificates themselves, and whether anyone exported a backup of them: the management plane"
        " does not show it",
        "Managed HSM pools, whose recovery needs a security domain that cannot be read",
    ),
    modules=(("avm/res/key-vault/vault", VAULT),),
)

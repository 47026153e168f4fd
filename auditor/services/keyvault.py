"""Azure Key Vault: one list returns every setting; deleted vaults are listed apart."""

from __future__ import annotations

from typing import Final

from auditor.catalog import ApiDefault, ByMajor, Conversion, Filled, ListCall, ResourceMap, Service, SourceNote
from auditor.model import Unknown
from auditor.services import locks
from auditor.services.mapping import AZURERM, ENABLED, SAME, each, row, under

VAULT = "Microsoft.KeyVault/vaults"
DELETED = "Microsoft.KeyVault/locations/deletedVaults"
API_VERSION = "2026-05-15"

_SOFT_DELETE = SourceNote("learn.microsoft.com/azure/key-vault/general/soft-delete-overview", "2026-11-22")

_SOFT_DELETED: Final = Conversion(
    "always true; azurerm 2 sent false where false was written", lambda on: on is not False, unset=True
)

TERRAFORM: Final = (
    ResourceMap(
        "azurerm_key_vault",
        VAULT,
        f"{{group}}/providers/{VAULT}/{{name}}",
        (
            row("location", "location"),
            row("tags", "tags"),
            row("sku_name", "properties.sku.name"),
            row("tenant_id", "properties.tenantId"),
            row("soft_delete_enabled", "properties.enableSoftDelete", _SOFT_DELETED),
            row("soft_delete_retention_days", "properties.softDeleteRetentionInDays", default=90),
            row("purge_protection_enabled", "properties.enablePurgeProtection"),
            row(
                "rbac_authorization_enabled",
                "properties.enableRbacAuthorization",
                default=ByMajor({3: False, 4: False, 5: None}),
                formerly=(("enable_rbac_authorization", SAME),),
            ),
            row("public_network_access_enabled", "properties.publicNetworkAccess", ENABLED, default=True),
            row("enabled_for_deployment", "properties.enabledForDeployment", default=False),
            row("enabled_for_disk_encryption", "properties.enabledForDiskEncryption", default=False),
            row("enabled_for_template_deployment", "properties.enabledForTemplateDeployment", default=False),
            *under(
                "network_acls",
                "properties.networkAcls",
                row("default_action", "defaultAction"),
                row("bypass", "bypass"),
                row("ip_rules", "ipRules", each("value")),
                row("virtual_network_subnet_ids", "virtualNetworkRules", each("id")),
            ),
        ),
        ignored=("access_policy", "contact", "vault_uri"),
        source=AZURERM,
    ),
)

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
    terraform=TERRAFORM,
    filled=(
        Filled(VAULT, "properties.vaultUri", "made from the vault's name"),
        Filled(VAULT, "properties.hsmPoolResourceId", "the pool behind the vault"),
    ),
)

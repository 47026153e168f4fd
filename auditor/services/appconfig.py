"""Azure App Configuration: stores with their replicas; what a tier has decides what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from auditor.catalog import ApiDefault, ByMajor, ChildCall, Filled, ListCall, ResourceMap, Service, SourceNote
from auditor.model import Resource, Unknown
from auditor.reading import look_up
from auditor.services import locks
from auditor.services.mapping import AZURERM, ENABLED, NEGATED, row, under

STORE = "Microsoft.AppConfiguration/configurationStores"
REPLICAS = f"{STORE}/replicas"
DELETED = "Microsoft.AppConfiguration/locations/deletedConfigurationStores"
API_VERSION = "2024-06-01"

_SDK = SourceNote("azure-mgmt-appconfiguration 5.0.0, API 2024-06-01", "2026-11-22")

# Periods in seconds of the revision history when it is not set: 7 days on Free and Developer, 30 days above.
_SHORT, _LONG = 604_800, 2_592_000
_TIERS = {"free": _SHORT, "developer": _SHORT, "standard": _LONG, "premium": _LONG}


def _tier(body: Any) -> str:
    return str(look_up(body, ("sku", "name"))).casefold()


def _revision_retention(store: Resource, _facts: Any) -> Any:
    return _TIERS.get(_tier(store.body), Unknown("the default depends on the tier, which is not known"))


def _no_replicas(body: Mapping[str, Any]) -> str:
    return "the Free tier has no replicas" if _tier(body) == "free" else ""


TERRAFORM: Final = (
    ResourceMap(
        "azurerm_app_configuration",
        STORE,
        f"{{group}}/providers/{STORE}/{{name}}",
        (
            row("location", "location"),
            row("tags", "tags"),
            row("sku", "sku.name", default="free"),
            row("soft_delete_retention_days", "properties.softDeleteRetentionInDays", default=7),
            row("purge_protection_enabled", "properties.enablePurgeProtection", default=False),
            row("local_auth_enabled", "properties.disableLocalAuth", NEGATED, default=True),
            row("public_network_access", "properties.publicNetworkAccess"),
            *under(
                "encryption",
                "properties.encryption.keyVaultProperties",
                row("key_vault_key_identifier", "keyIdentifier"),
                row("identity_client_id", "identityClientId"),
            ),
            row(
                "data_plane_proxy_authentication_mode",
                "properties.dataPlaneProxy.authenticationMode",
                default=ByMajor({3: None, 4: "Local", 5: "Local"}),
            ),
            row(
                "data_plane_proxy_private_link_delegation_enabled",
                "properties.dataPlaneProxy.privateLinkDelegation",
                ENABLED,
                default=ByMajor({3: None, 4: False, 5: False}),
            ),
            *under("replica[*]", "replicas[*]:", row("name", "name"), row("location", "location")),
        ),
        ignored=("identity", "endpoint", "replica[*].id", "replica[*].endpoint", "primary_*", "secondary_*"),
        source=AZURERM,
    ),
)

SERVICE = Service(
    name="appconfig",
    title="Azure App Configuration",
    namespace="Microsoft.AppConfiguration",
    store_types=(STORE,),
    lists=(
        ListCall(
            type=STORE,
            path="/providers/Microsoft.AppConfiguration/configurationStores",
            api_version=API_VERSION,
            action="Microsoft.AppConfiguration/configurationStores/read",
            client="appconfiguration",
        ),
        ListCall(
            type=DELETED,
            path="/providers/Microsoft.AppConfiguration/deletedConfigurationStores",
            api_version=API_VERSION,
            action="Microsoft.AppConfiguration/locations/deletedConfigurationStores/read",
            client="appconfiguration",
            in_group=False,
        ),
    ),
    children=(
        ChildCall(
            parent_type=STORE,
            type=REPLICAS,
            path="/replicas",
            api_version=API_VERSION,
            action="Microsoft.AppConfiguration/configurationStores/replicas/read",
            client="appconfiguration",
            collection=True,
            skip=_no_replicas,
        ),
    ),
    defaults=(
        ApiDefault(STORE, "properties.softDeleteRetentionInDays", 7, _SDK),
        ApiDefault(STORE, "properties.enablePurgeProtection", False, _SDK),
        ApiDefault(STORE, "properties.defaultKeyValueRevisionRetentionPeriodInSeconds", _revision_retention, _SDK),
    ),
    related=(locks.LOCKS,),
    deleted_types=(DELETED,),
    not_assessed=("Key-values, feature flags and snapshots of App Configuration: listing them is data plane",),
    modules=(("avm/res/app-configuration/configuration-store", STORE),),
    terraform=TERRAFORM,
    filled=(
        Filled(STORE, "properties.creationDate", "when the store was made"),
        Filled(STORE, "properties.endpoint", "made from the store's name"),
        Filled(REPLICAS, "properties.endpoint", "made from the names of store and replica"),
    ),
)

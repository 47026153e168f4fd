"""What Terraform itself would do with a data store, carried by the store as a child that Azure knows nothing of.

Rules in `rules/terraform` read it (`child: terraform/lifecycle`); the Terraform source makes it with `lifecycle_of` for
every store it yields. Its body:

- `address` and `provider` (`azurerm`, `azapi`) of the store's resource;
- `action` (`create`, `update`, `replace`, `delete`, `none`) and `destroyed`, all that the plan destroys of the store
  (itself, its parts), each with `address`, `type`, `action`, `forcedBy`; both are left out where there is no plan;
- `preventDestroy`, an unseen Unknown where the configuration is not at hand;
- `features`, the provider's flags that say whether what it destroys is purged as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from auditor.catalog import ApiDefault, Service, SourceNote
from auditor.model import Origin, Resource, Unknown
from auditor.services import appconfig, keyvault

CHILD: Final = "terraform/lifecycle"

_FEATURES: Final = SourceNote(
    "hashicorp/terraform-provider-azurerm v3.117.1, v4.81.0 and v5.2.0, internal/provider/features.go", "2026-11-26"
)

FLAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "key_vault": (
        "purge_soft_delete_on_destroy",
        "purge_soft_deleted_keys_on_destroy",
        "purge_soft_deleted_secrets_on_destroy",
        "purge_soft_deleted_certificates_on_destroy",
    ),
    "app_configuration": ("purge_soft_delete_on_destroy",),
}
"""The purging flags by block of `features`; each is true by default, under the same name in majors 3, 4 and 5."""

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            "azurerm_storage_container",
            "azurerm_storage_share",
            "azurerm_storage_table",
            "azurerm_storage_queue",
            "azurerm_storage_data_lake_gen2_filesystem",
        ),
        ("storage_account_id", "storage_account_name"),
    ),
    **dict.fromkeys(
        (
            "azurerm_cosmosdb_sql_database",
            "azurerm_cosmosdb_sql_container",
            "azurerm_cosmosdb_mongo_database",
            "azurerm_cosmosdb_mongo_collection",
            "azurerm_cosmosdb_cassandra_keyspace",
            "azurerm_cosmosdb_gremlin_database",
            "azurerm_cosmosdb_gremlin_graph",
            "azurerm_cosmosdb_table",
        ),
        ("account_name",),
    ),
    "azurerm_cosmosdb_cassandra_table": ("cassandra_keyspace_id",),
    **dict.fromkeys(
        ("azurerm_key_vault_key", "azurerm_key_vault_secret", "azurerm_key_vault_certificate"), ("key_vault_id",)
    ),
    **dict.fromkeys(
        ("azurerm_app_configuration_key", "azurerm_app_configuration_feature"), ("configuration_store_id",)
    ),
    **dict.fromkeys(
        (
            "azurerm_data_protection_backup_instance_blob_storage",
            "azurerm_data_protection_backup_instance_data_lake_storage",
        ),
        ("vault_id",),
    ),
    "azurerm_backup_protected_file_share": ("recovery_vault_name",),
}
"""Terraform's resources that hold data of a store, and the attribute that names it: its id, an id below it, its name.

Source: the schemas of terraform-provider-azurerm v3.117.1, v4.81.0 and v5.2.0, 2026-11-26. Backups are data, too.
"""

ARM_PARTS: Final = frozenset({
    "microsoft.storage/storageaccounts/blobservices/containers",
    "microsoft.storage/storageaccounts/fileservices/shares",
    "microsoft.storage/storageaccounts/tableservices/tables",
    "microsoft.storage/storageaccounts/queueservices/queues",
    "microsoft.documentdb/databaseaccounts/sqldatabases",
    "microsoft.documentdb/databaseaccounts/sqldatabases/containers",
    "microsoft.documentdb/databaseaccounts/mongodbdatabases",
    "microsoft.documentdb/databaseaccounts/mongodbdatabases/collections",
    "microsoft.documentdb/databaseaccounts/cassandrakeyspaces",
    "microsoft.documentdb/databaseaccounts/cassandrakeyspaces/tables",
    "microsoft.documentdb/databaseaccounts/gremlindatabases",
    "microsoft.documentdb/databaseaccounts/gremlindatabases/graphs",
    "microsoft.documentdb/databaseaccounts/tables",
    "microsoft.keyvault/vaults/keys",
    "microsoft.keyvault/vaults/secrets",
    "microsoft.appconfiguration/configurationstores/keyvalues",
    "microsoft.dataprotection/backupvaults/backupinstances",
    "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems",
})  # fmt: skip
"""The same by ARM type, casefolded: what an `azapi_resource` says it is."""

_UNSEEN: Final = Unknown("prevent_destroy stands in the configuration, which is not at hand", unseen=True)


class _Provider(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def features(self) -> Mapping[str, Any] | Unknown: ...


class Managed(Protocol):
    """What is asked of an instance of a Terraform resource; `action` is empty where there is no plan."""

    @property
    def address(self) -> str:
        """Its address, from the root module."""

    @property
    def type(self) -> str:
        """Terraform's type."""

    @property
    def provider(self) -> _Provider:
        """The provider that manages it."""

    @property
    def origin(self) -> Origin:
        """Where it stands."""

    @property
    def action(self) -> str | Unknown:
        """What the plan does with it."""

    @property
    def forced_by(self) -> tuple[str, ...]:
        """The attributes that force its replacement."""

    @property
    def prevent_destroy(self) -> bool | Unknown | None:
        """Whether Terraform refuses to destroy it; None where the source cannot show it."""


def lifecycle_of(
    store_id: str, store_type: str, instance: Managed, parts: Iterable[Managed | Unknown] = ()
) -> Resource:
    """The child that says what becomes of the store with this ARM id and type.

    `parts` are the instances of `PARTS` that belong to the store, whatever the plan does with them; an Unknown among
    them says why there may be more.
    """
    body: dict[str, Any] = {
        "address": instance.address,
        "provider": instance.provider.name,
        "preventDestroy": _UNSEEN if instance.prevent_destroy is None else instance.prevent_destroy,
        "features": _features(instance.provider.features),
    }
    origins: dict[str, Origin] = {}
    if instance.action:
        going = list(_destroyed((instance, *parts)))
        body["action"] = instance.action
        body["destroyed"] = [entry for entry, _ in going]
        origins = {f"destroyed[{index}]": origin for index, (_, origin) in enumerate(going) if origin is not None}
    return Resource(
        id=f"{store_id}/{CHILD}",
        type=_type(store_type),
        name="lifecycle",
        region=None,
        body=body,
        origin=instance.origin,
        parent=store_id,
        origins=origins,
    )


def _type(store_type: str) -> str:
    """The child's type, made as ARM makes that of a child from its path."""
    return f"{store_type}/{CHILD.partition('/')[0]}"


def _destroyed(instances: Iterable[Managed | Unknown]) -> Iterator[tuple[dict[str, Any] | Unknown, Origin | None]]:
    """What is destroyed, and what may be, each with its place."""
    for instance in instances:
        if isinstance(instance, Unknown):
            yield instance, None
        elif isinstance(instance.action, Unknown):
            yield instance.action, instance.origin
        elif instance.action in ("replace", "delete"):
            entry: dict[str, Any] = {"address": instance.address, "type": instance.type, "action": instance.action}
            if instance.forced_by:
                entry["forcedBy"] = list(instance.forced_by)
            yield entry, instance.origin


def _features(features: Mapping[str, Any] | Unknown) -> dict[str, Any] | Unknown:
    """The flags that are written, in the shape of the provider's block."""
    if isinstance(features, Unknown):
        return features
    blocks = {name: _block(features.get(name)) for name in FLAGS}
    return {
        name: block if isinstance(block, Unknown) else {flag: block[flag] for flag in FLAGS[name] if flag in block}
        for name, block in blocks.items()
    }


def _block(value: Any) -> Mapping[str, Any] | Unknown:
    """A block that may stand once: a mapping, or a list of at most one."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None if not value else Unknown("the block stands more than once")
    if value is None:
        return {}
    return value if isinstance(value, Mapping | Unknown) else Unknown("it is written as something that is no block")


SERVICE = Service(
    name="terraform",
    title="Terraform",
    namespace="",
    store_types=(),
    lists=(),
    defaults=tuple(
        ApiDefault(_type(store_type), f"features.{block}.{flag}", True, _FEATURES)
        for store_type, block in ((keyvault.VAULT, "key_vault"), (appconfig.STORE, "app_configuration"))
        for flag in FLAGS[block]
    ),
    carried=(CHILD,),
)

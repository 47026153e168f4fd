"""Azure Cosmos DB: accounts, their restorable shadows, and what the API does when a setting is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from auditor.model import ApiDefault, ListCall, Related, Resource, Service, SourceNote, Unknown
from auditor.reading import ABSENT, look_up
from auditor.services import locks

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
)

"""Azure Storage: accounts with their blob, file and lifecycle settings, which live on child resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from auditor.model import ApiDefault, ChildCall, ListCall, Related, Resource, Service, SourceNote, Unknown
from auditor.reading import look_up
from auditor.services import backup, locks

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
    ),
    deleted_types=("Microsoft.Storage/deletedAccounts",),
    not_assessed=("Blobs, files, tables and queues themselves: nothing of the data plane is read",),
    modules=(("avm/res/storage/storage-account", ACCOUNT),),
)

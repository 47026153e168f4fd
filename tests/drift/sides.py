"""Sides of a comparison, made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from auditor import comparison, pipeline
from auditor.delta import Delta
from auditor.model import Gap, Listing, Origin, Record, Resource, Snapshot, Unknown

SUBSCRIPTION = "5c0de5a1-0000-4000-8000-0000000000f1"
ACCOUNT = "Microsoft.Storage/storageAccounts"
COSMOS = "Microsoft.DocumentDB/databaseAccounts"
VAULT = "Microsoft.KeyVault/vaults"
CONFIG = "Microsoft.AppConfiguration/configurationStores"
BACKUP = "Microsoft.DataProtection/backupVaults"
RECOVERY = "Microsoft.RecoveryServices/vaults"
LOCKS = "Microsoft.Authorization/locks"
HERE = Origin("here")

# What keeps a store from being undecided for a reason that is not the one under test.
LISTINGS = (
    Listing("", LOCKS),
    Listing("", BACKUP),
    Listing("", RECOVERY),
    Listing("", "Microsoft.DocumentDB/locations/restorableDatabaseAccounts"),
)
CHILDREN = {
    ACCOUNT: (
        "blobServices/default",
        "fileServices/default",
        "managementPolicies/default",
        "fileServices/default/shares/*",
    ),
    CONFIG: ("replicas/*",),
    BACKUP: ("backupInstances/*",),
    RECOVERY: ("backupProtectedItems/*",),
}
BODIES: Mapping[str, Any] = {
    ACCOUNT: {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    COSMOS: {"kind": "GlobalDocumentDB", "properties": {"backupPolicy": {"type": "Continuous"}}},
    CONFIG: {"sku": {"name": "standard"}},
}


def resource_id(kind: str, name: str, group: str = "rg", subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"


def store(
    kind: str,
    name: str = "one",
    body: Any = None,
    children: Mapping[str, Any] | None = None,
    *,
    deployed: bool = True,
    region: str | None = "westeurope",
    condition: str | None = None,
    version: str | None = None,
    at: str = "",
) -> Resource:
    """A store; children by their path below it, each a body. What is not named of them is known not to exist."""
    whole = at or resource_id(kind, name)
    given = {**dict.fromkeys(CHILDREN.get(kind, ())), **(children or {})}
    made = tuple(
        Resource(
            f"{whole}/{path}", _type(kind, path), path.rpartition("/")[2], None, one, HERE, whole, (), version, deployed
        )
        for path, one in given.items()
    )
    full = body if isinstance(body, Unknown) else {"name": name, **BODIES.get(kind, {}), **(body or {})}
    return Resource(whole, kind, name, region, full, HERE, None, made, version, deployed, condition)


def _type(kind: str, path: str) -> str:
    return "/".join((kind, *path.split("/")[::2]))


def side(*records: Record, listed: bool = True, name: str = "side") -> Snapshot:
    """A collection of records; `listed` says that all locks, backups and restorable accounts were."""
    found = (*records, *(LISTINGS if listed else ()))

    def read(skip: Iterable[str] = ()) -> Iterable[Record]:
        return (one for one in found if not (isinstance(one, Resource) and one.type.casefold() in set(skip)))

    return Snapshot((name,), "2026-11-22T10:00:00Z", read)  # type: ignore[arg-type]


@cache
def policy(name: str = "standard-deployment") -> pipeline.Policy:
    return pipeline.load_policy(name)


def compared(
    reference: Resource | Snapshot, current: Resource | Snapshot, baseline: str = "standard-deployment", **options: Any
) -> Delta:
    sides = [one if isinstance(one, Snapshot) else side(one) for one in (reference, current)]
    return comparison.compare(sides[0], sides[1], policy(baseline), **options)


def told(delta: Delta) -> dict[tuple[str, str], str]:
    """The class of each difference, by store and path."""
    found = {(one.subject.name, one.path): one.drift.value for one in delta.differences}
    assert len(found) == len(delta.differences), "one setting is told of twice"
    return found


def gap(subject: str, reason: str = "403") -> Gap:
    return Gap(subject, reason, HERE)

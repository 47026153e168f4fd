"""Management locks: extension resources that hold for the resource they stand on and for all below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.catalog import ListCall, Related, ResourceMap
from auditor.model import Resource, ancestors
from auditor.services.mapping import AZURERM, row

TYPE = "Microsoft.Authorization/locks"
_MARK = "/providers/microsoft.authorization/locks/"

# One call returns the locks of the subscription, its groups and its resources; Resource Graph has no table of them.
LIST = ListCall(
    type=TYPE,
    path="/providers/Microsoft.Authorization/locks",
    api_version="2020-05-01",
    action="Microsoft.Authorization/locks/read",
    client="resource",
    in_group=False,
)


def _targets(lock: Resource) -> Iterator[str]:
    scope, mark, _ = lock.id.casefold().rpartition(_MARK)
    if mark and scope:
        yield scope


LOCKS = Related(
    name="locks",
    title="management locks on the resource, its group or its subscription",
    types=(TYPE,),
    listed=(TYPE,),
    targets=_targets,
    keys=lambda store: ancestors(store.id),
)

TERRAFORM: Final = (
    ResourceMap(
        "azurerm_management_lock",
        TYPE,
        f"{{scope}}/providers/{TYPE}/{{name}}",
        (row("lock_level", "properties.level"), row("notes", "properties.notes")),
        source=AZURERM,
    ),
    ResourceMap(
        "azurerm_resource_group",
        "Microsoft.Resources/resourceGroups",
        "{group}",
        (row("location", "location"), row("tags", "tags")),
        ignored=("managed_by",),
        source=AZURERM,
    ),
)

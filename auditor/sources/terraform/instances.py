"""What plans, states and configurations have in common: the instances of Terraform's resources, with their attributes.

Each of the three readers yields `Instance`s; `estate` alone knows how they become resources in ARM's shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.model import Origin, Unknown, Waiver


@dataclass(frozen=True, slots=True)
class Reference(Unknown):
    """An attribute of another instance that is known after apply only: `azurerm_storage_account.a.id`.

    `address` names the instance (or, without its index, all instances of a resource), from the root module; `attribute`
    is what is asked of it. `keyed` says that the index is the instance's own (`a[each.key]`, `a[count.index]`).
    `below` is what is written behind an id, from a slash on: `"${azurerm_storage_account.a.id}/blobServices/default"`.
    """

    address: str = ""
    attribute: str = ""
    keyed: bool = False
    below: str = ""


class Partly(dict[str, Any]):
    """Attributes of which some could not be read: one that is missing is `rest`, an Unknown, and not unset.

    Stands for the values of an instance, or of one of its blocks: where a file is broken, or a module is not at hand.
    """

    __slots__ = ("rest",)

    def __init__(self, values: Mapping[str, Any], rest: Unknown) -> None:
        """Take what is known, and why the rest is not."""
        super().__init__(values)
        self.rest = rest

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 - as a mapping's is called
        """The attribute; the Unknown in place of the default."""
        return super().get(key, self.rest)


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider of an instance: `azurerm` or `azapi`, with what its configuration says.

    `major` is None where no version constraint and no lock file tells. `features` holds the `features` block of
    azurerm (`key_vault.purge_soft_delete_on_destroy`) as it is written; an `Unknown` where it cannot be read.
    """

    name: str
    major: int | None = None
    features: Mapping[str, Any] | Unknown = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a managed resource: `module.data["eu"].azurerm_storage_account.logs[0]`.

    `values` holds attributes under the names its provider's version uses; a block is a list of mappings, however many
    times it may stand. A missing key or None is unset, but in a `Partly`; an `Unknown` (or a `Reference`) stands for
    what is not known and for a sensitive value. `complete` says that the provider's own defaults are among the values,
    as in a plan or a state; in a configuration they are not.

    `origins` maps attribute paths (`blob_properties[0].versioning_enabled`) to where they are written. `action` is what
    a plan does (`create`, `update`, `replace`, `delete`, `none`), empty outside of one; `forced_by` the attributes that
    force a replacement. `prevent_destroy` is None where the source cannot show it. `condition` is the undecided `count`
    or `for_each` it stands under. `waivers` are the inline waivers by its block, and by the module calls around it.
    """

    address: str
    type: str
    provider: Provider
    values: Mapping[str, Any]
    origin: Origin
    origins: Mapping[str, Origin] = field(default_factory=dict)
    complete: bool = True
    deployed: bool = False
    action: str = ""
    forced_by: tuple[str, ...] = ()
    prevent_destroy: bool | Unknown | None = None
    condition: str | None = None
    waivers: tuple[Waiver, ...] = ()

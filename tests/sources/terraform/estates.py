"""Instances as the readers make them, and a look into the records that come of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from auditor import services
from auditor.model import Gap, Origin, Record, Resource, Unknown
from auditor.reading import ABSENT, look_up
from auditor.sources.terraform import estate
from auditor.sources.terraform.instances import Instance, Provider, Reference

CATALOG = services.catalog()
HERE = Origin("main.tf", 1)


def instance(address: str, values: Mapping[str, Any], major: int | None = 5, **rest: Any) -> Instance:
    """An instance with a provider of this major version; its type is what its address says."""
    parts = address.partition("[")[0].split(".")
    name = parts[-2]
    provider = Provider(name.partition("_")[0], major)
    return Instance(address, name, provider, values, rest.pop("origin", HERE), **rest)


def reference(address: str, attribute: str = "id", *, keyed: bool = False) -> Reference:
    """A reference that is known after apply only."""
    return Reference(f"known after apply: {address}.{attribute}", address=address, attribute=attribute, keyed=keyed)


def read(*instances: Instance, gaps: Iterable[Gap] = (), subscription: str = "") -> list[Record]:
    """The records of some instances."""
    return list(estate.records(instances, gaps, CATALOG, subscription))


def stores(records: Iterable[Record]) -> dict[str, Resource]:
    """The stores among records, by name."""
    types = CATALOG.store_types()
    return {r.name: r for r in records if isinstance(r, Resource) and r.type.casefold() in types}


def store(*instances: Instance, **rest: Any) -> Resource:
    """The only store that comes of some instances."""
    (found,) = stores(read(*instances, **rest)).values()
    return found


def child(of: Resource, path: str) -> Resource:
    """A store's child by its path (`blobServices/default`, `replicas/*`)."""
    (found,) = (one for one in of.children if one.id == f"{of.id}/{path}")
    return found


def at(of: Resource, path: str) -> Any:
    """What stands at an ARM path, the child before it; None where nothing does."""
    label, colon, path = path.rpartition(":")
    value: Any = child(of, label).body if colon else of.body
    for step in path.replace("[", ".[").split("."):
        if step.startswith("[") and isinstance(value, list):
            index = int(step[1:-1])
            value = value[index] if index < len(value) else None
        elif isinstance(value, Unknown | Mapping):
            value = look_up(value, (step,))
        else:
            return None
    return None if value is ABSENT else value

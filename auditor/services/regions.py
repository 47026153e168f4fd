"""Regions: do they have availability zones, a pair, a cross-region copy of their key vaults?

The shipped table (`regions.json`, with sources and dates) covers the public cloud; the answer of
`GET /subscriptions/{id}/locations` stands before it. A region neither knows is unknown, never "no".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.model import Resource, Unknown

# Paired regions whose vaults are not copied to the pair. Source: Key Vault reliability guide, 2025-06-20.
_NO_VAULT_COPY = frozenset({"brazilsouth", "brazilsoutheast", "westus3"})


def normalise(region: str) -> str:
    """The programmatic name of a region: `West US` and `northcentralus(stage)` become `westus`, `northcentralus`."""
    return region.partition("(")[0].replace(" ", "").casefold()


@dataclass(frozen=True, slots=True)
class Regions:
    """What is known of each region, by programmatic name: `zones`, `pair`, `keyVaultCopy`."""

    table: Mapping[str, Mapping[str, Any]]

    @classmethod
    def load(cls, locations: Iterable[Resource] = ()) -> Regions:
        """The shipped table, overlaid with what the subscriptions' own location lists say."""
        shipped = json.loads(Path(__file__).with_name("regions.json").read_text("utf-8"))
        table: dict[str, Mapping[str, Any]] = dict(shipped["regions"])
        for listing in locations:
            body = listing.body if isinstance(listing.body, Mapping) else {}
            items = body.get("value")
            for item in items if isinstance(items, list) else ():
                if isinstance(item, Mapping) and isinstance(item.get("name"), str):
                    table[normalise(item["name"])] = _live(item, table.get(normalise(item["name"]), {}))
        return cls(table)

    def facts(self) -> dict[str, Callable[[Resource, Any], Any]]:
        """The facts rules can ask for, each a function of the resource and of a region's name."""
        return {
            "region.zones": lambda resource, value: self._ask(resource, value, "zones", "has availability zones"),
            "region.pair": lambda resource, value: self._ask(resource, value, "pair", "has a paired region"),
            "region.keyVaultCopy": lambda resource, value: self._ask(
                resource, value, "keyVaultCopy", "has a cross-region copy of its key vaults"
            ),
        }

    def _ask(self, resource: Resource, value: Any, key: str, what: str) -> bool | Unknown:
        region = resource.region if value is None else value
        if region is None and isinstance(resource.body, Mapping):
            # What a template says of it, if only why it is not known.
            region = resource.body.get("location")
        if isinstance(region, Unknown):
            return region
        if not isinstance(region, str) or not region:
            return Unknown("the region is not known")
        row = self.table.get(normalise(region))
        answer = row.get(key) if row is not None else None
        if row is None or (answer is None and key != "pair"):
            return Unknown(f"it is not known whether region {region} {what}")
        return bool(answer)


def _live(item: Mapping[str, Any], shipped: Mapping[str, Any]) -> Mapping[str, Any]:
    """One row of a subscription's location list, in the table's words."""
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    row: dict[str, Any] = dict(shipped)
    pairs = metadata.get("pairedRegion")
    if isinstance(pairs, list):
        first = pairs[0] if pairs and isinstance(pairs[0], Mapping) else {}
        row["pair"] = first.get("name")
    if isinstance(item.get("availabilityZoneMappings"), list):
        row["zones"] = bool(item["availabilityZoneMappings"])
    if "pair" in row:
        name = normalise(str(item.get("name", "")))
        row["keyVaultCopy"] = bool(row["pair"]) and name not in _NO_VAULT_COPY
    return row

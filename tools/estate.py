"""An estate as ARM answers for it: a route for every path the live source can read, empty lists where nothing was put.

The loopback server of the tests serves it, and `tools.sample_estate` writes it as the recording that ships as a sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor import services
from auditor.catalog import Catalog

STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
COSMOS = "Microsoft.DocumentDB/databaseAccounts"
CONFIG = "Microsoft.AppConfiguration/configurationStores"
BACKUP = "Microsoft.DataProtection/backupVaults"
RECOVERY = "Microsoft.RecoveryServices/vaults"

FORBIDDEN = {
    "error": {
        "code": "AuthorizationFailed",
        "message": "The client does not have authorization to perform action over scope, or the scope is invalid.",
    }
}


@dataclass(slots=True)
class Route:
    """What a path answers."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Estate:
    """Subscriptions and what is in them. Paths are kept without case and without their query."""

    catalog: Catalog = field(default_factory=services.catalog)
    routes: dict[str, Route] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, body: Any, status: int = 200, query: str = "") -> None:
        """Answer a path with a body."""
        self.routes[path.casefold()] = Route(body, status)
        self.paths[path.casefold()] = path + (f"?{query}" if query else "")

    def forbid(self, path: str) -> None:
        """Answer a path with 403."""
        query = self.paths.get(path.casefold(), path).partition("?")[2]
        self.put(path, FORBIDDEN, 403, query)

    def subscription(self, name: str, title: str, state: str = "Enabled", regions: tuple[str, ...] = ()) -> str:
        """Add a subscription with empty lists; returns its id (`/subscriptions/…`)."""
        base = f"/subscriptions/{name}"
        item = {"id": base, "subscriptionId": name, "displayName": title, "state": state}
        self.put(base, item, query="api-version=2022-12-01")
        listed = self.routes.get("/subscriptions")
        found = [*listed.body["value"], item] if listed else [item]
        self.put("/subscriptions", {"value": found}, query="api-version=2022-12-01")
        self.put(
            f"{base}/locations",
            {"value": [_location(base, region) for region in regions]},
            query="api-version=2022-12-01",
        )
        for service in self.catalog.services:
            for call in service.lists:
                self.put(base + call.path, {"value": []}, query=f"api-version={call.api_version}")
        return base

    def add(
        self,
        base: str,
        kind: str,
        name: str,
        /,
        *,
        group: str = "rg",
        children: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> str:
        """Add a resource to the list of its type and its children to their paths; returns its id.

        `children` maps a child's path (`blobServices/default`) to its properties, to None for 404, to an int for that
        status, or to a list for a collection; the name of a property that lists leave out, to its value or a status.
        What is not named answers as a new resource does.
        """
        resource_id = f"{base}/resourceGroups/{group}/providers/{kind}/{name}"
        item = {"id": resource_id, "name": name, "type": kind, "location": "westeurope", **body}
        call = next(c for s in self.catalog.services for c in s.lists if c.type == kind)
        self.routes[(base + call.path).casefold()].body["value"].append(item)
        given = dict(children or {})
        for service in self.catalog.services:
            for expansion in service.expansions:
                if expansion.type == kind and expansion.when(item):
                    shown = given.get(expansion.property, {})
                    whole = {**item, "properties": {**item.get("properties", {}), expansion.property: shown}}
                    failed = isinstance(shown, int)
                    query = f"api-version={expansion.api_version}&{expansion.query}"
                    self.put(resource_id, FORBIDDEN if failed else whole, shown if failed else 200, query)
            for child in service.children:
                if child.parent_type == kind:
                    self._child(
                        resource_id, child.path, child.type, child.query, given, child.api_version, child.collection
                    )
        return resource_id

    def _child(
        self, parent: str, path: str, kind: str, query: str, given: dict[str, Any], version: str, collection: bool
    ) -> None:
        value = given.get(path.lstrip("/"), [] if collection else None if "managementPolicies" in path else {})
        query = f"api-version={version}" + (f"&{query}" if query else "")
        place = parent + path
        if value is None:
            self.put(place, {"error": {"code": "ResourceNotFound", "message": "There is none."}}, 404, query)
        elif isinstance(value, int):
            body = FORBIDDEN if value == 403 else {"error": {"code": f"Status{value}", "message": "Cannot."}}
            self.put(place, body, value, query)
        elif isinstance(value, list):
            items = [
                {"id": f"{place}/{i.get('name', n)}", "type": kind, "name": i.get("name", str(n)), **i}
                for n, i in enumerate(value)
            ]
            self.put(place, {"value": items}, 200, query)
        else:
            self.put(place, {"id": place, "name": "default", "type": kind, "properties": value}, 200, query)

    def lock(self, scope: str, name: str, level: str) -> None:
        """Put a lock on a subscription, a group or a resource."""
        base = "/".join(scope.split("/")[:3])
        lock = {
            "id": f"{scope}/providers/Microsoft.Authorization/locks/{name}",
            "name": name,
            "type": "Microsoft.Authorization/locks",
            "properties": {"level": level},
        }
        self.routes[f"{base}/providers/microsoft.authorization/locks".casefold()].body["value"].append(lock)

    def joined(self, base: str, path: str, item: Mapping[str, Any]) -> None:
        """Add an item to a list that is no store's: deleted vaults, restorable accounts."""
        self.routes[(base + path).casefold()].body["value"].append(dict(item))

    def answer(self, path: str) -> Route | None:
        """What a path (without its query) answers; group-level lists are made from the subscription's."""
        folded = path.casefold().rstrip("/")
        route = self.routes.get(folded)
        if route is not None or "/resourcegroups/" not in folded:
            return route
        head, _, tail = folded.partition("/resourcegroups/")
        group, slash, rest = tail.partition("/")
        if not slash:
            return Route({"id": path, "name": path.rpartition("/")[2], "location": "westeurope", "properties": {}})
        whole = self.routes.get(f"{head}/{rest}")
        if whole is None or whole.status != 200:
            return whole
        inside = f"/resourcegroups/{group}/"
        return Route({"value": [item for item in whole.body["value"] if inside in item["id"].casefold()]})

    def exchanges(self) -> Iterator[dict[str, Any]]:
        """Every route as a recorded exchange, in a stable order."""
        for number, (folded, route) in enumerate(sorted(self.routes.items())):
            response = {
                "status": route.status,
                "headers": {
                    "content-type": "application/json; charset=utf-8",
                    "x-ms-request-id": f"sample-{number:04d}",
                },
                "body": route.body,
            }
            yield {"request": {"method": "GET", "path": self.paths[folded]}, "response": response}


def _location(base: str, region: str) -> dict[str, Any]:
    """A region as `GET /locations` shows it, from the shipped table."""
    from auditor.services.regions import Regions

    row = Regions.load().table[region]
    metadata: dict[str, Any] = {"regionType": "Physical", "pairedRegion": []}
    if row["pair"]:
        metadata["pairedRegion"] = [{"name": row["pair"], "id": f"{base}/locations/{row['pair']}"}]
    item = {"id": f"{base}/locations/{region}", "name": region, "displayName": row["name"], "metadata": metadata}
    zones = [{"logicalZone": str(n), "physicalZone": f"{region}-az{n}"} for n in (1, 2, 3)]
    return {**item, "availabilityZoneMappings": zones} if row["zones"] else item

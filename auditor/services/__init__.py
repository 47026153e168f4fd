"""One module per Azure service: what is read of it, what the API does when a setting is left out, what joins to it.

`catalog()` is the one table the sources and the engine work from; to add a service is to add a module and its name.
"""

from __future__ import annotations

from collections.abc import Iterable

from auditor.catalog import Catalog, Filled, Service
from auditor.model import Resource
from auditor.services import appconfig, backup, cosmosdb, keyvault, storage, terraform
from auditor.services.regions import Regions

SERVICES: tuple[Service, ...] = (
    cosmosdb.SERVICE,
    storage.SERVICE,
    keyvault.SERVICE,
    appconfig.SERVICE,
    backup.SERVICE,
    terraform.SERVICE,
)

# Resource Manager's own, on every resource. Source: learn.microsoft.com/azure/azure-resource-manager (2026-11-22).
FILLED = (
    Filled("", "id", "where the resource stands"),
    Filled("", "name", "what the resource is called; stores are matched by it"),
    Filled("", "type", "what the resource is"),
    Filled("", "etag", "changes with every write"),
    Filled("", "systemData", "who wrote it last, and when"),
    Filled("", "managedBy", "the resource that manages it, written by that resource"),
    Filled("", "identity.principalId", "given by Microsoft Entra when the identity is made"),
    Filled("", "identity.tenantId", "the tenant the identity was made in"),
    Filled("", "properties.provisioningState", "how far the last write has come"),
    Filled("", "properties.resourceGuid", "given when the resource is made"),
    Filled("", "properties.privateEndpointConnections", "made by the private endpoints that connect"),
)

LOCATIONS_TYPE = "Microsoft.Resources/subscriptions/locations"


def catalog(locations: Iterable[Resource] = ()) -> Catalog:
    """Everything the services know.

    `locations` are the answers of `GET /subscriptions/{id}/locations` found in the collection: what they say of zones
    and pairs stands before the shipped region table.
    """
    regions = Regions.load(locations)
    facts = {**regions.facts(), "deployed": lambda resource, _value: resource.deployed}
    return Catalog(SERVICES, facts, FILLED)

"""One module per Azure service: what is read of it, what the API does when a setting is left out, what joins to it.

`catalog()` is the one table the sources and the engine work from; to add a service is to add a module and its name.
"""

from __future__ import annotations

from collections.abc import Iterable

from auditor.model import Catalog, Resource, Service
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

LOCATIONS_TYPE = "Microsoft.Resources/subscriptions/locations"


def catalog(locations: Iterable[Resource] = ()) -> Catalog:
    """Everything the services know.

    `locations` are the answers of `GET /subscriptions/{id}/locations` found in the collection: what they say of zones
    and pairs stands before the shipped region table.
    """
    regions = Regions.load(locations)
    facts = {**regions.facts(), "deployed": lambda resource, _value: resource.deployed}
    return Catalog(SERVICES, facts)

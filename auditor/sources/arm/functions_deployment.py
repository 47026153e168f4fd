"""What belongs to the deployment and not to the template: the cloud's addresses, and what only Azure can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm.structure import Builtin
from auditor.sources.arm.values import Arr, Obj

_PUBLIC_CLOUD: Final[Mapping[str, Any]] = {
    "name": "AzureCloud",
    "gallery": "https://gallery.azure.com/",
    "graph": "https://graph.windows.net/",
    "portal": "https://portal.azure.com",
    "graphAudience": "https://graph.windows.net/",
    "activeDirectoryDataLake": "https://datalake.azure.net/",
    "batch": "https://batch.core.windows.net/",
    "media": "https://rest.media.azure.net",
    "sqlManagement": "https://management.core.windows.net:8443/",
    "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/"
    "quickstart-templates/aliases.json",
    "resourceManager": "https://management.azure.com/",
    "authentication": {
        "loginEndpoint": Unknown(
            "the documentation of environment() has had both",
            ("https://login.microsoftonline.com/", "https://login.windows.net/"),
        ),
        "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
        "tenant": "common",
        "identityProvider": "AAD",
    },
    "suffixes": {
        "acrLoginServer": ".azurecr.io",
        "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
        "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
        "azureFrontDoorEndpointSuffix": "azurefd.net",
        "keyvaultDns": ".vault.azure.net",
        "sqlServerHostname": ".database.windows.net",
        "storage": "core.windows.net",
    },
}
"""What `environment()` gives in the public cloud: Microsoft Learn, "Deployment functions for Bicep", as of 2021-05-21
and later. Templates for other clouds are read as if they were for this one."""


def _environment() -> Obj:
    return Obj({name: _copied(value) for name, value in _PUBLIC_CLOUD.items()})


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return Obj(value)
    return Arr(value) if isinstance(value, list) else value


def _told_by_azure(what: str) -> Callable[..., Unknown]:
    return lambda *_: Unknown(f"{what} is known only at deployment")


BUILTINS: Final[Mapping[str, Builtin]] = {
    "environment": Builtin(_environment, 0, 0),
    "deployer": Builtin(_told_by_azure("who deploys"), 0, 0),
    "providers": Builtin(_told_by_azure("what a resource provider offers"), 1, 2),
    "pickzones": Builtin(_told_by_azure("which zones a region has"), 3, 5),
    "tologicalzone": Builtin(_told_by_azure("how a subscription numbers its zones"), 3, 3),
    "tologicalzones": Builtin(_told_by_azure("how a subscription numbers its zones"), 3, 3),
    "tophysicalzone": Builtin(_told_by_azure("how a subscription numbers its zones"), 3, 3),
    "tophysicalzones": Builtin(_told_by_azure("how a subscription numbers its zones"), 3, 3),
    "roledefinitions": Builtin(_told_by_azure("the id of a role definition"), 1, 1),
    "externalinput": Builtin(_told_by_azure("what a parameter file takes from elsewhere"), 1, 2),
}

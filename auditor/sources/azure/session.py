"""The typed SDK clients on one pool, one credential and our own chain of policies.

The clients bring what is Microsoft's to know: endpoints, clouds, api-versions, credentials. Their default chain is not
used, because it answers a GET's 409 with a POST that registers a provider, retries without a budget and follows
redirects; the chain here identifies, guards and signs, and leaves budgets and retries to the reader above.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
from azure.core import AzureClouds
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import RequestIdPolicy, SansIOHTTPPolicy, UserAgentPolicy
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy
from azure.mgmt.core.tools import get_arm_endpoints

from auditor import __version__
from auditor.errors import SourceError
from auditor.sources.azure.wire import check_request, is_loopback

if TYPE_CHECKING:
    from auditor.sources import CollectOptions

_CLOUDS: Final = {
    "public": AzureClouds.AZURE_PUBLIC_CLOUD,
    "usgov": AzureClouds.AZURE_US_GOVERNMENT,
    "china": AzureClouds.AZURE_CHINA_CLOUD,
}
BLOCK: Final = 2**18
"""Bytes of a body taken at once; the SDK's own 4 KB make five steps of an ordinary answer."""
# Seconds before its end at which a token is renewed.
_RENEW_BEFORE: Final = 300
# The clients want a subscription to be made; every request names its own.
_NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"


class _Guard(SansIOHTTPPolicy[Any, Any]):
    """Lets reads through and stops everything else before it is signed."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        check_request(request.http_request.method, request.http_request.url)


class _Request(HttpRequest):
    """A request that is made for one call: the clients copy what they are given, and nobody else holds this one."""

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> _Request:
        return self


class _ReadyToken:
    """A credential that holds a token somebody else got."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        # When it ends is not known; ARM will say so with a 401.
        return AccessToken(self._token, int(time.time()) + 86_400)

    async def close(self) -> None:
        pass


class SharedCredential:
    """One token for all clients: cached, got once however many ask, and got anew for a claims challenge."""

    def __init__(self, inner: Any) -> None:
        """Share an asynchronous credential."""
        self._inner = inner
        self._lock = asyncio.Lock()
        self._tokens: dict[tuple[str, ...], tuple[AccessToken, str | None]] = {}

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False, **_: Any
    ) -> AccessToken:
        """A token for the scopes; with `claims`, one that answers them."""
        async with self._lock:
            token, answered = self._tokens.get(scopes, (None, None))
            fresh = token is not None and token.expires_on - time.time() > _RENEW_BEFORE
            if token is not None and fresh and claims in (None, answered):
                return token
            extra = {"claims": claims} if claims else {}
            extra |= {"tenant_id": tenant_id} if tenant_id else {}
            got: AccessToken = await self._inner.get_token(*scopes, enable_cae=enable_cae, **extra)
            self._tokens[scopes] = (got, claims)
            return got

    async def close(self) -> None:
        """Close the credential underneath."""
        await self._inner.close()


def _credential(options: CollectOptions) -> tuple[Any, str]:
    """The credential, and a name for the principal that budgets are kept by."""
    name = options.access_token_env
    if name:
        token = os.environ.get(name, "").strip()
        if not token:
            raise SourceError(f"the variable {name!r} holds no token", hint="Set it, or leave --access-token-env out.")
        if not token.isascii() or not token.isprintable():
            raise SourceError(f"the variable {name!r} holds something that is no token")
        return _ReadyToken(token), "token"
    from azure.identity import AzureAuthorityHosts
    from azure.identity.aio import DefaultAzureCredential

    hosts = {
        "public": AzureAuthorityHosts.AZURE_PUBLIC_CLOUD,
        "usgov": AzureAuthorityHosts.AZURE_GOVERNMENT,
        "china": AzureAuthorityHosts.AZURE_CHINA,
    }
    authority = os.environ.get("AZURE_AUTHORITY_HOST") or hosts[options.cloud]
    return DefaultAzureCredential(authority=authority), "default"


class Session:
    """Sends requests through the client of the service they belong to."""

    def __init__(self, endpoint: str, options: CollectOptions) -> None:
        """Find the credential. Raises SourceError when there is none to begin with."""
        self._endpoint = endpoint
        self._options = options
        # What the SDK has to say of a failed call is in the gap already; without a handler it would go to stderr too.
        if not (logger := logging.getLogger("azure")).handlers:
            logger.addHandler(logging.NullHandler())
        self._inner, self.principal = _credential(options)
        self._scopes = list(get_arm_endpoints(_CLOUDS[options.cloud])["credential_scopes"])
        self._clients: dict[str, Any] = {}
        self._http: aiohttp.ClientSession | None = None
        self._shared: SharedCredential | None = None
        self._lock = asyncio.Lock()
        host = urlsplit(endpoint).hostname or ""
        self._secure = endpoint.startswith("https")
        # Looked up once: aiohttp would look for it at every request.
        proxied = not is_loopback(host) and not urllib.request.proxy_bypass(host)
        self._proxies = urllib.request.getproxies() if proxied else {}

    async def send(self, client: str, method: str, url: str) -> AsyncHttpResponse:
        """Send one request and return the answer, its body unread. Raises AzureError, SourceError."""
        if client not in self._clients:
            await self._open(client)
        request = _Request(method, url, headers={"Accept": "application/json"})
        options: dict[str, Any] = {"proxies": self._proxies} if self._proxies else {}
        if not self._secure:
            # Only loopback gets here (see endpoint_of).
            options["enforce_https"] = False
        response: AsyncHttpResponse = await self._clients[client].send_request(request, stream=True, **options)
        return response

    async def _open(self, client: str) -> None:
        async with self._lock:
            if self._shared is None:
                self._shared = SharedCredential(self._inner)
                await self._sign_in(self._shared)
            if self._http is None:
                connector = aiohttp.TCPConnector(limit=self._options.concurrency, ttl_dns_cache=300)
                jar = aiohttp.DummyCookieJar()
                self._http = aiohttp.ClientSession(
                    connector=connector, cookie_jar=jar, auto_decompress=False, trust_env=False
                )
            if client not in self._clients:
                self._clients[client] = self._make(client, self._shared, self._http)

    async def _sign_in(self, credential: SharedCredential) -> None:
        """Get the first token now, so that having none is one clear error and not a gap for every call."""
        try:
            await credential.get_token(*self._scopes, enable_cae=True)
        except ClientAuthenticationError as error:
            first = next((line for line in str(error).splitlines() if line.strip()), "no credential")
            raise SourceError(
                f"could not sign in: {first[:300]}",
                hint="Sign in with `az login`, set AZURE_CLIENT_ID and its like, or use --access-token-env.",
            ) from error
        except (AzureError, ValueError, OSError) as error:
            raise SourceError(f"could not sign in: {type(error).__name__}: {str(error)[:300]}") from error

    def _make(self, client: str, credential: SharedCredential, http: aiohttp.ClientSession) -> Any:
        # Policies hold a link to the next one: each client needs objects of its own.
        policies = [
            RequestIdPolicy(),
            UserAgentPolicy(base_user_agent=f"azure-resiliency-auditor/{__version__}"),
            _Guard(),
            AsyncARMChallengeAuthenticationPolicy(credential, *self._scopes, enable_cae=True),  # type: ignore[arg-type]
        ]
        transport = AioHttpTransport(session=http, session_owner=False, connection_data_block_size=BLOCK)
        settings: dict[str, Any] = {
            "credential": credential,
            "subscription_id": _NO_SUBSCRIPTION,
            "base_url": self._endpoint,
            "cloud_setting": _CLOUDS[self._options.cloud],
            "credential_scopes": self._scopes,
            "policies": policies,
            "transport": transport,
        }
        return client_class(client)(**settings)

    async def close(self) -> None:
        """Close clients, pool and credential."""
        for client in self._clients.values():
            await client.close()
        if self._http is not None:
            await self._http.close()
        await self._inner.close()


def client_class(name: str) -> Any:
    """The typed client for a name in the services' tables; each package is imported when it is first needed.

    App Configuration's client can send no request of ours (and its models lose fields), so its paths go through the
    resource client, as do those of the services whose packages are not installed.
    """
    match name:
        case "cosmosdb":
            from azure.mgmt.cosmosdb.aio import CosmosDBManagementClient

            return CosmosDBManagementClient
        case "storage":
            from azure.mgmt.storage.aio import StorageManagementClient

            return StorageManagementClient
        case "keyvault":
            from azure.mgmt.keyvault.aio import KeyVaultManagementClient

            return KeyVaultManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

    return ResourceManagementClient

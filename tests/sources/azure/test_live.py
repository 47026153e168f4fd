"""The live source against an ARM server on loopback: real HTTP, the real SDK stack."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import auditor
from auditor import pipeline, services, snapshot
from auditor.errors import SourceError, UsageError
from auditor.model import Gap, Listing, Outcome, Report, Resource, Scope, Severity, Silent, Unknown
from auditor.sources import CollectOptions, azure
from auditor.sources.azure.reader import Limits
from tests import arm_server
from tests.arm_server import ArmServer, answering, refusing
from tools.estate import BACKUP, CONFIG, COSMOS, STORAGE, VAULT, Estate

SUB = "11111111-2222-4333-8444-555555555555"
BASE = f"/subscriptions/{SUB}"
TARGET = f"azure:{SUB}"
KEPT = {"enabled": True, "days": 30}
PATIENCE = Limits(attempt=2.0, call=3.0, delay=0.01)


def estate() -> Estate:
    """One good store of each kind, so that everything the baseline asks passes."""
    made = Estate()
    base = made.subscription(SUB, "Loopback", regions=("westeurope", "northeurope"))
    blobs = {"deleteRetentionPolicy": KEPT, "containerDeleteRetentionPolicy": KEPT, "isVersioningEnabled": True}
    account = made.add(
        base, STORAGE, "good", kind="StorageV2", sku={"name": "Standard_GZRS"}, properties={},
        children={"blobServices/default": blobs, "fileServices/default": {"shareDeleteRetentionPolicy": KEPT}},
    )  # fmt: skip
    made.add(base, VAULT, "kv", properties={"enableSoftDelete": True, "enablePurgeProtection": True})
    made.add(base, COSMOS, "cosmos", location="West Europe", properties={
        "instanceId": "i-1", "locations": [{"locationName": "West Europe"}], "backupPolicy": {"type": "Continuous"}})  # fmt: skip
    made.add(base, CONFIG, "conf", sku={"name": "standard"}, properties={}, children={
        "replicas": [{"name": "r", "location": "northeurope", "properties": {"provisioningState": "Succeeded"}}]})  # fmt: skip
    made.add(base, BACKUP, "bv", properties={"storageSettings": [{"type": "GeoRedundant"}]}, children={
        "backupInstances": [{"name": "b", "properties": {
            "currentProtectionState": "ProtectionConfigured", "dataSourceInfo": {"resourceID": account}}}]})  # fmt: skip
    made.joined(base, "/providers/Microsoft.DocumentDB/restorableDatabaseAccounts", {
        "id": f"{base}/x/i-1", "name": "i-1", "properties": {"accountName": "cosmos"}})  # fmt: skip
    made.lock(base, "keep", "CanNotDelete")
    return made


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_TOKEN", "secret-token")


@pytest.fixture
def server() -> Iterator[ArmServer]:
    with ArmServer(estate()) as running:
        yield running


def options(server: ArmServer, **more: Any) -> CollectOptions:
    return CollectOptions(arm_endpoint=server.url, access_token_env="ARM_TOKEN", **more)


def collect(server: ArmServer, *targets: str, limits: Limits = PATIENCE, **more: Any) -> list[Any]:
    return list(azure.collect(targets or (TARGET,), options(server, **more), services.catalog(), Silent(), limits))


_policy = functools.cache(pipeline.load_policy)


def report(records: list[Any], baseline: str = "well-architected") -> Report:
    return pipeline.evaluate(snapshot.spool(records, (TARGET,)), _policy(baseline))


def outcomes(found: Report) -> dict[tuple[str, str], Outcome]:
    return {(finding.rule, finding.subject.name): finding.outcome for finding in found.findings}


def gaps(records: list[Any]) -> list[Gap]:
    return [record for record in records if isinstance(record, Gap)]


def stores(records: list[Any]) -> dict[str, Resource]:
    return {record.name: record for record in records if isinstance(record, Resource) and "/" in record.type}


def test_a_whole_estate_is_read_and_judged(server: ArmServer) -> None:
    records = collect(server)
    assert gaps(records) == []
    found = outcomes(report(records))
    assert found["storage-backup", "good"] is Outcome.PASS
    assert found["storage-delete-lock", "good"] is Outcome.PASS
    assert found["storage-blob-soft-delete", "good"] is Outcome.PASS
    assert found["cosmosdb-restorable", "cosmos"] is Outcome.PASS
    assert found["appconfig-geo-replication", "conf"] is Outcome.PASS
    assert found["storage-lifecycle-deletes", "good"] is Outcome.NOT_APPLICABLE
    assert found["keyvault-purge-protection", "kv"] is Outcome.PASS
    assert report(records, "standard-deployment").exit_code(Severity.LOW) == 0


def test_only_reads_leave_and_they_are_signed(server: ArmServer) -> None:
    collect(server)
    assert server.methods() == {"GET"}
    assert all(asked.headers["Authorization"] == "Bearer secret-token" for asked in server.requests)
    assert not any("key" in asked.path.casefold().replace("keyvault", "") for asked in server.requests)


def test_records_keep_the_raw_body_and_its_evidence(server: ArmServer) -> None:
    route = server.estate.answer(f"{BASE}/providers/{CONFIG}")
    assert route is not None
    route.body["value"][0]["properties"]["aFieldNobodyKnows"] = {"kept": [1, 2.5, None, "ü"]}
    store = stores(collect(server))["conf"]
    assert store.body == route.body["value"][0]
    assert store.api_version == "2024-06-01"
    assert store.origin.uri == f"{server.url}{store.id}?api-version=2024-06-01"
    assert (store.origin.request_id or "").startswith("req-")
    assert store.deployed


def test_no_provider_is_registered_for_a_missing_registration(server: ArmServer) -> None:
    path = f"*/providers/{BACKUP}"
    server.fault(path, refusing(409, "MissingSubscriptionRegistration"))
    records = collect(server)
    assert server.methods() == {"GET"}
    assert [gap.subject for gap in gaps(records)] == [f"{BASE}/providers/{BACKUP}"]
    assert outcomes(report(records))["storage-backup", "good"] is Outcome.UNKNOWN


def test_a_provider_known_to_be_unregistered_is_an_empty_list(server: ArmServer) -> None:
    server.fault(f"*/providers/{BACKUP}", refusing(409, "MissingSubscriptionRegistration"))
    server.estate.put(f"{BASE}/providers/Microsoft.DataProtection", {"registrationState": "NotRegistered"})
    records = collect(server)
    assert gaps(records) == []
    listing = next(r for r in records if isinstance(r, Listing) and r.type == BACKUP)
    assert (listing.missing, listing.count) == (None, 0)
    assert "not registered" in listing.note
    assert outcomes(report(records))["storage-backup", "good"] is Outcome.FAIL


# ── children ─────────────────────────────────────────────────────────────────────────────────────────────────────────

CHILD_FAULTS = {
    "403": (refusing(403, "AuthorizationFailed"), "403 AuthorizationFailed"),
    "404": (refusing(404, "ResourceNotFound"), "404"),
    "409": (refusing(409, "FeatureNotSupportedForAccount"), "409 FeatureNotSupportedForAccount"),
    "429": (refusing(429, "TooManyRequests"), "429"),
    "500": (refusing(500, "InternalServerError"), "500"),
    "503-html": (answering("<html>down</html>", 503), "503"),
    "reset": (arm_server.reset, ""),
    "empty": (answering(""), "empty"),
    "html": (answering("<html>hello</html>"), "not JSON"),
    "braces": (answering({}), "no 'properties'"),
    "null": (answering({"id": "x", "properties": None}), "no 'properties'"),
    "list": (answering([]), "no JSON object"),
    "cut": (arm_server.cut, ""),
    "endless": (arm_server.endless, "larger than"),
}


@pytest.mark.parametrize("name", CHILD_FAULTS)
def test_a_child_that_cannot_be_read_is_unknown_and_all_else_keeps_its_verdict(server: ArmServer, name: str) -> None:
    whole = outcomes(report(collect(server)))
    fault, reason = CHILD_FAULTS[name]
    server.fault("*/blobServices/default", fault)
    records = collect(server)
    (gap,) = gaps(records)
    assert gap.subject.endswith("/good/blobServices/default")
    assert reason in gap.reason
    child = next(c for c in stores(records)["good"].children if c.type.endswith("/blobServices"))
    assert isinstance(child.body, Unknown)
    permission = "Microsoft.Storage/storageAccounts/blobServices/read" if name == "403" else None
    assert (child.body.permission, gap.permission) == (permission, permission)
    found = outcomes(report(records))
    changed = {key for key, outcome in found.items() if outcome is not whole[key]}
    assert {found[key] for key in changed} == {Outcome.UNKNOWN}
    assert {key[0] for key in changed} >= {"storage-blob-soft-delete", "storage-blob-versioning"}
    assert report(records, "standard-deployment").exit_code(Severity.LOW) == 3


def test_a_lifecycle_policy_that_does_not_exist_is_known_absent(server: ArmServer) -> None:
    child = next(c for c in stores(collect(server))["good"].children if c.type.endswith("/managementPolicies"))
    assert child.body is None


@pytest.mark.parametrize(
    "fault", [answering({}), answering("<html>"), refusing(503, "Busy"), arm_server.reset, arm_server.cut]
)
def test_a_passing_fault_is_retried(server: ArmServer, fault: arm_server.Fault) -> None:
    server.fault("*/fileServices/default", fault, times=1)
    assert gaps(collect(server)) == []
    assert server.count("*/fileServices/default") >= 2


def test_a_hopeless_answer_is_not_retried(server: ArmServer) -> None:
    server.fault("*/fileServices/default", refusing(403, "AuthorizationFailed", {"Retry-After": "1"}))
    collect(server)
    assert server.count("*/fileServices/default") == 1


def test_retry_after_is_honoured(server: ArmServer) -> None:
    server.fault("*/fileServices/default", refusing(429, "TooManyRequests", {"x-ms-retry-after-ms": "300"}), times=1)
    assert gaps(collect(server)) == []
    assert server.count("*/fileServices/default") == 2


def test_a_wait_beyond_the_bound_is_not_begun(server: ArmServer) -> None:
    server.fault("*/fileServices/default", refusing(429, "TooManyRequests", {"Retry-After": "86400"}))
    (gap,) = gaps(collect(server))
    assert "429" in gap.reason
    assert server.count("*/fileServices/default") == 1


@pytest.mark.parametrize("fault", [arm_server.hang, arm_server.drip])
def test_a_body_that_never_ends_is_bounded(server: ArmServer, fault: arm_server.Fault) -> None:
    server.fault("*/fileServices/default", fault)
    (gap,) = gaps(collect(server, limits=Limits(attempt=0.3, call=0.8, delay=0.01)))
    assert "no complete answer within" in gap.reason


@pytest.mark.parametrize("fault", [arm_server.huge, arm_server.bomb])
def test_an_answer_that_is_too_large_is_a_gap(server: ArmServer, fault: arm_server.Fault) -> None:
    server.fault("*/fileServices/default", fault)
    (gap,) = gaps(collect(server, limits=Limits(attempt=30, call=60, delay=0.01)))
    assert "larger than 32 MB" in gap.reason
    assert server.count("*/fileServices/default") == 1


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────

LIST_FAULTS = {
    **{name: fault for name, (fault, _) in CHILD_FAULTS.items() if name not in ("404", "409", "endless")},
    "value-null": answering({"value": None}),
    "not-resources": answering({"value": ["a", None]}),
    "no-ids": answering({"value": [{"name": "x"}]}),
    "circle": arm_server.circling(),
    "foreign": answering({"value": [], "nextLink": "https://evil.example/next"}),
    "foreign-port": answering({"value": [], "nextLink": "http://127.0.0.1:1/next"}),
    "other-scheme": answering({"value": [], "nextLink": "file:///etc/passwd"}),
    "odd-link": answering({"value": [], "nextLink": 7}),
    "redirect": answering("", 307, {"Location": "https://evil.example/"}),
}


def test_a_list_without_end_is_a_gap(server: ArmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure.reader, "MAX_PAGES", 20)
    server.fault(f"{BASE}/providers/{VAULT}", arm_server.growing())
    (gap,) = gaps(collect(server))
    assert "did not end after 20 pages" in gap.reason


def test_pages_are_followed_and_an_empty_page_may_have_a_next() -> None:
    made = Estate()
    base = made.subscription(SUB, "Many")
    for number in range(25):
        made.add(base, VAULT, f"kv{number}", properties={})
    with ArmServer(made, page_size=4) as server:
        empty = {"value": [], "nextLink": f"{server.url}{base}/providers/{VAULT}?api-version=x&%24skiptoken=0"}
        server.fault(f"{base}/providers/{VAULT}", answering(empty), times=1)
        records = collect(server)
    assert len(stores(records)) - 1 == 25  # and the list of locations
    assert gaps(records) == []


def test_what_was_read_before_a_list_broke_is_kept() -> None:
    made = Estate()
    base = made.subscription(SUB, "Many")
    for number in range(8):
        made.add(base, VAULT, f"kv{number}", properties={})
    with ArmServer(made, page_size=4) as server:
        path = f"{base}/providers/{VAULT}"

        async def second_page_fails(request: Any) -> Any:
            if "$skiptoken" in request.query:
                return arm_server.reply({"error": {"code": "Gone"}}, 410)
            return server._answer(request)

        server.fault(path, second_page_fails)
        records = collect(server)
    assert {f"kv{n}" for n in range(4)} <= set(stores(records))
    assert [gap.subject for gap in gaps(records)] == [path]


def test_a_store_without_properties_is_not_judged_by_defaults(server: ArmServer) -> None:
    route = server.estate.answer(f"{BASE}/providers/{VAULT}")
    assert route is not None
    del route.body["value"][0]["properties"]
    records = collect(server)
    assert len(gaps(records)) == 1
    assert outcomes(report(records))["keyvault-soft-delete", "kv"] is Outcome.UNKNOWN


# ── scopes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_visible_subscription_and_its_state() -> None:
    made = estate()
    made.subscription("99999999-2222-4333-8444-555555555555", "Closed", state="Disabled")
    with ArmServer(made) as server:
        records = collect(server, "azure:")
    states = {scope.name: scope.state for scope in records if isinstance(scope, Scope)}
    assert states == {"Loopback": "Enabled", "Closed": "Disabled"}
    assert [gap.subject for gap in gaps(records)] == ["/subscriptions/99999999-2222-4333-8444-555555555555"]


def test_a_management_group(server: ArmServer) -> None:
    path = "/providers/Microsoft.Management/managementGroups/platform/descendants"
    below = {"id": BASE, "type": "/subscriptions", "name": SUB}
    group = {"id": "/providers/x/g", "type": "Microsoft.Management/managementGroups", "name": "g"}
    server.estate.put(path, {"value": [group, below]})
    assert "good" in stores(collect(server, "azure:mg/platform"))


def test_a_resource_group_is_read_alone(server: ArmServer) -> None:
    server.estate.add(BASE, VAULT, "elsewhere", group="other", properties={})
    records = collect(server, f"{TARGET}/rg")
    assert "kv" in stores(records)
    assert "elsewhere" not in stores(records)
    assert gaps(records) == []
    assert server.count(f"{BASE}/resourceGroups/rg/providers/{VAULT}") == 1
    assert server.count(f"{BASE}/providers/{VAULT}") == 0
    found = outcomes(report(records))
    assert found["storage-delete-lock", "good"] is Outcome.PASS


def test_a_provider_that_lists_by_subscription_only_is_filtered(server: ArmServer) -> None:
    server.estate.add(BASE, VAULT, "elsewhere", group="other", properties={})
    server.fault(f"{BASE}/resourceGroups/rg/providers/{VAULT}", refusing(404, "InvalidResourceType"))
    records = collect(server, f"{TARGET}/rg")
    assert ("kv" in stores(records), "elsewhere" in stores(records)) == (True, False)


def test_a_subscription_that_does_not_exist_is_a_gap(server: ArmServer) -> None:
    records = collect(server, "azure:00000000-0000-4000-8000-000000000000")
    assert len(gaps(records)) == 1
    assert report(records).exit_code(Severity.LOW) == 3


def test_nothing_visible_is_a_gap() -> None:
    made = Estate()
    made.put("/subscriptions", {"value": []})
    with ArmServer(made) as server:
        assert [gap.subject for gap in gaps(collect(server, "azure:"))] == ["/subscriptions"]


def test_a_subscription_named_twice_is_read_once(server: ArmServer) -> None:
    collect(server, TARGET, f"{TARGET}/rg", TARGET.upper().replace("AZURE:", "azure:"))
    assert server.count(f"{BASE}/providers/{VAULT}") == 1


@pytest.mark.parametrize("target", ["azure:a/b/c", "azure:../x", "azure:mg/", "azure:sub/gr oup", "azure:a?b"])
def test_a_malformed_target_is_said(server: ArmServer, target: str) -> None:
    with pytest.raises(UsageError, match=r"no live target|no management group"):
        collect(server, target)


# ── credentials and endpoints ────────────────────────────────────────────────────────────────────────────────────────


def test_plain_http_is_for_loopback_only() -> None:
    for url in (
        "http://management.example",
        "ftp://127.0.0.1",
        "http://user:pw@127.0.0.1",
        "127.0.0.1:80",
        "http://10.0.0.1",
    ):
        with pytest.raises(UsageError):
            list(azure.collect((TARGET,), CollectOptions(arm_endpoint=url), services.catalog(), Silent()))


def test_a_variable_without_a_token_is_said(server: ArmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARM_TOKEN")
    with pytest.raises(SourceError, match="holds no token"):
        collect(server)


def test_a_claims_challenge_is_answered_once(server: ArmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.credentials import AccessToken

    from auditor.sources.azure import session

    asked: list[str | None] = []

    class Credential:
        async def get_token(self, *_scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
            asked.append(claims)
            return AccessToken("with-claims" if claims else "secret-token", 2_000_000_000)

        async def close(self) -> None:
            pass

    monkeypatch.setattr(session, "_credential", lambda _options: (Credential(), "test"))
    claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwMzc0MjgwMCJ9fX0="
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'

    async def revoked(request: Any) -> Any:
        if request.headers["Authorization"] == "Bearer secret-token":
            return arm_server.reply({"error": {"code": "TokenRevoked"}}, 401, {"WWW-Authenticate": challenge})
        return server._answer(request)

    server.fault("*", revoked)
    assert gaps(collect(server)) == []
    assert [bool(one) for one in asked] == [False, True]


def test_all_clients_share_one_token_and_one_pool(server: ArmServer) -> None:
    collect(server, concurrency=5)
    assert server.connections <= 5


def test_the_guard_refuses_everything_but_reads() -> None:
    from auditor.sources.azure.wire import check_request

    check_request("GET", f"{BASE}/providers/{VAULT}?api-version=1")
    check_request("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=1")
    for method, path in (
        ("POST", f"{BASE}/providers/Microsoft.Storage/register"),
        ("PUT", BASE),
        ("DELETE", BASE),
        ("GET", f"{BASE}/x/readonlykeys"),
        ("GET", f"{BASE}/x/%72eadonlykeys"),
        ("GET", f"{BASE}/x/listKeys"),
    ):
        with pytest.raises(auditor.AuditorError, match="refused"):
            check_request(method, path)


def test_the_guard_stands_in_the_pipeline_itself(server: ArmServer) -> None:
    import asyncio

    from auditor.sources.azure.session import Session

    async def post() -> None:
        session = Session(server.url, options(server))
        try:
            await session.send("storage", "POST", f"{server.url}{BASE}/providers/Microsoft.Storage/register")
        finally:
            await session.close()

    with pytest.raises(auditor.AuditorError, match="refused to send POST"):
        asyncio.run(post())
    assert server.requests == []


# ── tables and role ──────────────────────────────────────────────────────────────────────────────────────────────────

TYPED: Mapping[str, tuple[str, str, str]] = {
    COSMOS: ("azure.mgmt.cosmosdb.aio:CosmosDBManagementClient", "database_accounts", "list"),
    STORAGE: ("azure.mgmt.storage.aio:StorageManagementClient", "storage_accounts", "list"),
    VAULT: ("azure.mgmt.keyvault.aio:KeyVaultManagementClient", "vaults", "list_by_subscription"),
    CONFIG: ("azure.mgmt.appconfiguration.aio:AppConfigurationManagementClient", "configuration_stores", "list"),
    "Microsoft.DocumentDB/locations/restorableDatabaseAccounts": (
        "azure.mgmt.cosmosdb.aio:CosmosDBManagementClient", "restorable_database_accounts", "list"),
    "Microsoft.Storage/deletedAccounts": ("azure.mgmt.storage.aio:StorageManagementClient", "deleted_accounts", "list"),
    "Microsoft.KeyVault/locations/deletedVaults": (
        "azure.mgmt.keyvault.aio:KeyVaultManagementClient", "vaults", "list_deleted"),
    "Microsoft.AppConfiguration/locations/deletedConfigurationStores": (
        "azure.mgmt.appconfiguration.aio:AppConfigurationManagementClient", "configuration_stores", "list_deleted"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPED)
def test_our_paths_and_api_versions_are_the_typed_clients_own(server: ArmServer, kind: str) -> None:
    import asyncio
    import importlib

    from azure.core.pipeline.policies import ContentDecodePolicy

    from auditor.sources.azure.session import SharedCredential, _Guard, _ReadyToken

    call = next(call for service in services.SERVICES for call in service.lists if call.type == kind)
    where, group, operation = TYPED[kind]
    module, _, name = where.partition(":")

    async def ask() -> None:
        client = getattr(importlib.import_module(module), name)(
            SharedCredential(_ReadyToken("t")), SUB, base_url=server.url, policies=[ContentDecodePolicy(), _Guard()]
        )
        async with client:
            async for _ in getattr(getattr(client, group), operation)():
                pass

    asyncio.run(ask())
    asked = server.requests[-1]
    assert asked.path.casefold() == (BASE + call.path).casefold()
    # The installed package may be newer than the lower bound; ours must be one that it knows, not a later one.
    assert call.api_version <= asked.query["api-version"]


def test_no_call_lacks_its_action(server: ArmServer) -> None:
    from auditor.sources.azure.collect import calls_of

    server.estate.put("/providers/Microsoft.Management/managementGroups/g/descendants", {"value": []})
    server.fault(f"*/providers/{BACKUP}", refusing(409, "MissingSubscriptionRegistration"))
    server.estate.add(BASE, STORAGE, "files", kind="FileStorage", sku={"name": "Premium_LRS"}, properties={})
    collect(server, "azure:", "azure:mg/g", f"{TARGET}/rg")
    collect(server, f"{TARGET}/rg")
    patterns = [pattern.casefold() for pattern, _ in calls_of(services.catalog())]
    for asked in server.requests:
        assert _matching(asked.path.casefold(), patterns), asked.path
    role = azure.role(services.catalog(), ["/subscriptions/x"])
    actions = {str(action).casefold() for action in role["Actions"]}  # type: ignore[attr-defined]
    assert {action.casefold() for _, action in calls_of(services.catalog())} == actions
    assert all(
        action.endswith("/read") and "*" not in action and "key" not in action.replace("keyvault", "")
        for action in actions
    )
    assert (role["DataActions"], role["NotActions"]) == ([], [])


def _matching(path: str, patterns: list[str]) -> bool:
    import re

    # A group's list needs the action of the subscription's.
    path = re.sub(r"(/subscriptions/[^/]+)/resourcegroups/[^/]+(/providers/[^/]+/[^/]+)$", r"\1\2", path)
    for pattern in patterns:
        if pattern.startswith("/microsoft."):
            kind, _, child = pattern[1:].partition("/")
            name, _, rest = child.partition("/")
            expression = (
                rf".*/providers/{re.escape(kind)}/{re.escape(name)}/[^/]+{re.escape(f'/{rest}' if rest else '')}"
            )
        else:
            expression = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern))
        if re.fullmatch(expression, path):
            return True
    return False


@pytest.mark.parametrize("scope", ["", "/", "rg", "/resourceGroups/x"])
def test_a_role_needs_a_scope(scope: str) -> None:
    with pytest.raises(UsageError, match="no scope"):
        azure.role(services.catalog(), [scope])


# ── recordings ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_recording_replays_to_the_same_verdicts(server: ArmServer, tmp_path: Path) -> None:
    server.fault("*/blobServices/default", refusing(403, "AuthorizationFailed"))
    server.fault("*/fileServices/default", arm_server.reset, times=1)
    folder = tmp_path / "recording"
    live = collect(server, record=folder)
    replayed = list(azure.collect((TARGET,), CollectOptions(replay=folder), services.catalog(), Silent(), PATIENCE))
    assert outcomes(report(live)) == outcomes(report(replayed))
    assert {gap.reason for gap in gaps(live)} == {gap.reason for gap in gaps(replayed)}


def test_a_recording_holds_no_token_and_no_secret(server: ArmServer, tmp_path: Path) -> None:
    route = server.estate.answer(f"{BASE}/providers/{VAULT}")
    assert route is not None
    route.body["value"][0]["properties"] |= {
        "primaryKey": "hush-1",
        "connectionString": "hush-2",
        "nested": [{"password": "hush-3"}],
    }
    route.body["value"][0]["tags"] = {"apiToken": "hush-4", "team": "data"}
    folder = tmp_path / "recording"
    collect(server, record=folder)
    text = "".join(path.read_text("utf-8") for path in folder.iterdir())
    assert "secret-token" not in text
    assert "Authorization" not in text.replace("Microsoft.Authorization", "")
    assert "hush" not in text
    assert '"team": "data"' in text
    assert "softDeleteRetention" in text or "enableSoftDelete" in text


def test_a_replay_needs_no_network_and_no_sdk(server: ArmServer, tmp_path: Path) -> None:
    import subprocess
    import sys

    folder = tmp_path / "recording"
    collect(server, record=folder)
    code = (
        "import sys\nfrom auditor.cli import run\n"
        f"code = run(['--no-config', 'scan', {TARGET!r}, '--replay', {str(folder)!r}, '--format', 'json'])\n"
        "assert not [m for m in sys.modules if m.partition('.')[0] in ('azure', 'aiohttp', 'jinja2', 'rich')], 'loaded too much'\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"] == "auditor/report/v1"


def test_what_is_not_in_a_recording_is_a_gap(server: ArmServer, tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    collect(server, record=folder)
    for path in folder.glob("0*.json"):
        if f"/providers/{VAULT}?" in path.read_text("utf-8"):
            path.unlink()
    records = list(azure.collect((TARGET,), CollectOptions(replay=folder), services.catalog(), Silent(), PATIENCE))
    (gap,) = gaps(records)
    assert "not in the recording" in gap.reason


def test_a_folder_that_is_no_recording_is_said(server: ArmServer, tmp_path: Path) -> None:
    def replay(folder: Path) -> None:
        list(azure.collect((TARGET,), CollectOptions(replay=folder), services.catalog(), Silent()))

    with pytest.raises(SourceError, match="no recording"):
        replay(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no recorded exchange"):
        replay(tmp_path)
    for text in ("{", "[]", '{"request": {}}', '{"request": {"path": "/x"}, "response": {"status": "many"}}'):
        (tmp_path / "000000.json").write_text(text)
        with pytest.raises(SourceError, match=r"000000\.json: is no recorded exchange"):
            replay(tmp_path)
    with pytest.raises(UsageError, match="exclude each other"):
        collect(server, record=tmp_path, replay=tmp_path)


def test_a_recording_does_not_overwrite_other_files(server: ArmServer, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="holds other files"):
        collect(server, record=tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"


# ── budgets and leaving ──────────────────────────────────────────────────────────────────────────────────────────────


def test_arms_bucket_is_never_run_into() -> None:
    made = Estate()
    base = made.subscription(SUB, "Many")
    for number in range(20):
        made.add(base, STORAGE, f"st{number}", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    limits = Limits(attempt=20, call=20, subscription=(30, 200))
    # A machine that stalls lets calls arrive together that were sent apart; without pacing, every run is throttled.
    throttled = []
    for _ in range(5):
        with ArmServer(made, bucket=(40, 250)) as server:
            assert gaps(collect(server, limits=limits)) == []
            throttled.append(server.throttled)
        if not throttled[-1]:
            break
    assert throttled[-1] == 0, throttled


def test_when_somebody_else_uses_the_bucket_up_the_scan_slows_down_and_fails_nothing() -> None:
    made = Estate()
    base = made.subscription(SUB, "Many")
    for number in range(10):
        made.add(base, STORAGE, f"st{number}", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    with ArmServer(made, bucket=(20, 40)) as server:
        assert gaps(collect(server, limits=Limits(attempt=20, call=20, delay=0.01))) == []
        assert server.throttled > 0


def test_leaving_early_stops_the_source(server: ArmServer) -> None:
    import threading

    stream = azure.collect((TARGET,), options(server), services.catalog(), Silent(), PATIENCE)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "auditor-live"]

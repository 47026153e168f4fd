"""Every endpoint of the live source broken in every way: never a pass for what was not read, never a crash."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import services
from auditor.model import Gap, Listing, Outcome, Resource, Scope, Severity, Silent, Unknown
from auditor.sources import CollectOptions, azure
from auditor.sources.azure.reader import Limits, Reader, retry_after
from auditor.sources.azure.wire import Answer
from tests import arm_server
from tests.arm_server import ArmServer, answering, refusing
from tests.sources.azure import test_live as live
from tests.sources.azure.test_live import BASE, PATIENCE, SUB, TARGET, collect, gaps, outcomes, report, stores
from tools.estate import BACKUP, CONFIG, COSMOS, RECOVERY, STORAGE, VAULT, Estate

GROUP = "/providers/Microsoft.Management/managementGroups/platform"
GOOD = f"{BASE}/resourceGroups/rg/providers"
FAST = Limits(attempt=2.0, call=3.0, delay=0.001)
QUICK = Limits(attempt=0.2, call=0.3, delay=0.001)
token = live.token


def estate() -> Estate:
    """One store of each kind with a child of each kind, so that every endpoint is asked."""
    made = live.estate()
    files = made.add(
        BASE, STORAGE, "files", kind="FileStorage", sku={"name": "Premium_ZRS"}, properties={},
        children={"fileServices/default": {"shareDeleteRetentionPolicy": live.KEPT},
                  "fileServices/default/shares": [{"name": "share", "properties": {}}]},
    )  # fmt: skip
    made.add(BASE, RECOVERY, "rv", properties={}, children={
        "backupProtectedItems": [{"name": "p", "properties": {"protectionState": "Protected", "sourceResourceId": files}}]})  # fmt: skip
    made.put(f"{GROUP}/descendants", {"value": [{"id": BASE, "type": "/subscriptions", "name": SUB}]})
    return made


@pytest.fixture
def server() -> Iterator[ArmServer]:
    with ArmServer(estate()) as running:
        yield running


# ── each endpoint × each fault ───────────────────────────────────────────────────────────────────────────────────────

FAULTS: dict[str, arm_server.Fault] = {
    **live.LIST_FAULTS,
    "404": refusing(404, "ResourceNotFound"),
    "404-html": answering("<html>nothing here</html>", 404),
    "409": refusing(409, "FeatureNotSupportedForAccount"),
    "401": refusing(401, "ExpiredAuthenticationToken"),
    "429-later": refusing(429, "TooManyRequests", {"Retry-After": "86400"}),
    "202": answering({"value": [], "properties": {}}, 202),
    "204": answering("", 204),
    "hang": arm_server.hang,
    "garbage": arm_server.raw(b"\x00\xff no HTTP at all\r\n\r\n"),
    "bad-chunk": arm_server.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"),
    "bad-gzip": arm_server.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
    "long-header": arm_server.raw(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}"),
    "bad-claims": answering("", 401, {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="gICA"'}),
    "deep": answering('{"value": ' + "[" * 100_000),
    "long-number": answering('{"value": [' + "9" * 10_000 + "]}"),
}

# What must not be decided any more when an endpoint cannot be read: rules, and the stores they are about.
DEPENDING: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "good/blobServices/default": (
        ("storage-blob-soft-delete", "storage-container-soft-delete", "storage-blob-versioning",
         "storage-permanent-delete", "storage-point-in-time-restore"), ("good",)),
    "good/fileServices/default": (("storage-share-soft-delete",), ("good",)),
    "files/fileServices/default": (("storage-share-soft-delete",), ("files",)),
    "good/managementPolicies/default": (("storage-lifecycle-deletes",), ("good",)),
    "files/fileServices/default/shares": (("storage-backup",), ("files",)),
    "conf/replicas": (("appconfig-geo-replication",), ("conf",)),
    "bv/backupInstances": (("storage-backup",), ("good",)),
    "rv/backupProtectedItems": (("storage-backup",), ("files",)),
    "backupVaults": (("storage-backup",), ("good",)),
    "Microsoft.RecoveryServices/vaults": (("storage-backup",), ("files",)),
    "restorableDatabaseAccounts": (("cosmosdb-restorable",), ("cosmos",)),
    "locks": (("storage-delete-lock", "keyvault-delete-lock"), ("good", "files", "kv")),
}  # fmt: skip
STORES = {
    "databaseAccounts": "cosmosdb-", "storageAccounts": "storage-", "configurationStores": "appconfig-",
    "Microsoft.KeyVault/vaults": "keyvault-",
}  # fmt: skip
QUIET = {
    # A lifecycle policy that answers 404 is known to be none, and 404 for the regions leaves the shipped table.
    ("good/managementPolicies/default", "404"), ("good/managementPolicies/default", "404-html"),
    ("locations", "404"), ("locations", "404-html"),
    # No rule looks at how far geo-replication has come, and what answers 404 to that has nothing to say of it.
    ("good/geoReplicationStats", "404"), ("good/geoReplicationStats", "404-html"),
    # Only one rule's exception looks at shares; and regions are regions without an id.
    ("files/fileServices/default/shares", "404"), ("files/fileServices/default/shares", "404-html"),
    ("locations", "no-ids"),
}  # fmt: skip


def endpoints() -> dict[str, str]:
    """Everything the live source asks for in this estate, by the end of its path."""
    lists = [call.path for service in services.SERVICES for call in service.lists]
    found = {path.rpartition("/")[2] if "vaults" not in path else path[11:]: f"{BASE}{path}" for path in lists}
    found |= {"subscription": BASE, "locations": f"{BASE}/locations", "descendants": f"{GROUP}/descendants"}
    for service in services.SERVICES:
        for child in service.children:
            for name in {STORAGE: ("good", "files"), BACKUP: ("bv",), RECOVERY: ("rv",), CONFIG: ("conf",)}[
                child.parent_type
            ]:
                found[f"{name}{child.path}"] = f"{GOOD}/{child.parent_type}/{name}{child.path}"
        for expansion in service.expansions:
            found[f"good/{expansion.property}"] = f"{GOOD}/{expansion.type}/good"
    # What an account of its kind cannot have is not asked for.
    for name in ("files/blobServices/default", "files/managementPolicies/default", "good/fileServices/default/shares"):
        del found[name]
    return found


ENDPOINTS = endpoints()


def test_these_are_all_endpoints(server: ArmServer) -> None:
    collect(server, "azure:mg/platform")
    assert {asked.path.casefold() for asked in server.requests} == {path.casefold() for path in ENDPOINTS.values()}
    assert gaps(collect(server)) == []


@pytest.mark.parametrize("name", ENDPOINTS)
def test_each_fault_of_an_endpoint_costs_what_it_says_and_no_more(server: ArmServer, name: str) -> None:
    whole = outcomes(report(collect(server, "azure:mg/platform")))
    rules, names = DEPENDING.get(name, ((), ()))
    for kind, fault in FAULTS.items():
        server.heal()
        server.fault(ENDPOINTS[name], fault)
        records = collect(server, "azure:mg/platform", limits=QUICK if kind == "hang" else FAST)
        judged = outcomes(report(records))
        told = gaps(records)
        changed = {outcome for key, outcome in judged.items() if outcome is not whole[key]}
        assert changed <= {Outcome.UNKNOWN}, kind
        quiet = (name, kind) in QUIET
        assert bool(told) is not quiet, kind
        assert report(records, "standard-deployment").exit_code(Severity.LOW) == (0 if quiet else 3), kind
        if not quiet:
            undecided = {outcome for (rule, store), outcome in judged.items() if rule in rules and store in names}
            assert undecided == ({Outcome.UNKNOWN} if rules else set()), kind
        for ending, prefix in STORES.items():
            if name.endswith(ending):
                assert not any(rule.startswith(prefix) for rule, _ in judged)
        # A 401 is a token that has ended, a 403 a permission that is missing; ARM's answer names neither well.
        permission = told[0].permission if told else None
        assert (permission is not None) is (kind == "403"), kind
        assert permission is None or permission in told[0].reason
        assert permission is None or permission == action_of(ENDPOINTS[name])


def action_of(path: str) -> str:
    """The action a path needs, told from the names in it and not from the table that is tested."""
    for ending, action in {
        f"{BASE}": "Microsoft.Resources/subscriptions/read",
        f"{BASE}/locations": "Microsoft.Resources/subscriptions/locations/read",
        "restorableDatabaseAccounts": "Microsoft.DocumentDB/locations/restorableDatabaseAccounts/read",
        "deletedConfigurationStores": "Microsoft.AppConfiguration/locations/deletedConfigurationStores/read",
        "descendants": "Microsoft.Management/managementGroups/descendants/read",
        "RecoveryServices/vaults": "Microsoft.RecoveryServices/Vaults/read",
        "backupProtectedItems": "Microsoft.RecoveryServices/Vaults/backupProtectedItems/read",
    }.items():
        if path.endswith(ending):
            return action
    parts = path.rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]]) + "/read"


def test_everything_broken_at_once_ends_in_gaps(server: ArmServer) -> None:
    for kind, fault in FAULTS.items():
        server.heal()
        server.fault("*", fault)
        records = collect(server, limits=QUICK if kind == "hang" else FAST)
        found = report(records)
        assert (found.subjects, found.exit_code(Severity.CRITICAL)) == ((), 3), kind
        assert len(found.gaps) >= len([call for service in services.SERVICES for call in service.lists]), kind


@pytest.mark.parametrize("path", [f"{BASE}/providers/{CONFIG}", f"{GOOD}/{CONFIG}/conf/replicas"])
def test_a_list_of_a_wrong_shape_is_asked_for_again(server: ArmServer, path: str) -> None:
    for fault in (answering({}), answering({"value": None}), answering("<html>"), answering(""), arm_server.cut):
        server.heal()
        server.fault(path, fault, times=2)
        assert gaps(collect(server, limits=FAST)) == []


# ── as a program ─────────────────────────────────────────────────────────────────────────────────────────────────────


def scan(url: str, *arguments: str, target: str = TARGET) -> tuple[int, dict[str, Any], str]:
    """`auditor scan` in a process of its own: exit code, JSON report, what it said on stderr."""
    command = [sys.executable, "-m", "auditor", "--no-config", "scan", target, "--arm-endpoint", url]
    command += ["--access-token-env", "ARM_TOKEN", "--format", "json", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "CI": "1"}
    )
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("kind", ["cut", "garbage", "hang", "endless", "bad-claims"])
def test_the_program_ends_in_time_and_says_what_it_missed(server: ArmServer, kind: str) -> None:
    server.fault("*/providers/*", {**FAULTS, "endless": arm_server.endless}[kind])
    code, found, said = scan(server.url, "--call-timeout", "1.5")
    assert (code, said) == (3, "")
    assert found["summary"]["pass"] == 0
    assert found["summary"]["gaps"] == len(found["gaps"]) >= 11
    assert "secret-token" not in json.dumps(found)


class Stranger(http.server.ThreadingHTTPServer):
    """An ARM of somebody else's making: HTTP/1.0, a few paths, and 404 in its own words for all others."""

    daemon_threads = True

    def __init__(self, routes: Mapping[str, Any], other: tuple[int, bytes] = (404, b"")) -> None:
        self.asked: list[str] = []
        stranger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                stranger.asked.append(path)
                status, body = (200, json.dumps(routes[path]).encode()) if path in routes else other
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Stranger:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


CAPITAL = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"


def few(base: str) -> dict[str, Any]:
    """The lists of stores and an account's children, and nothing else; ids in capitals, as some services send them."""
    account = f"{base.upper()}/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.STORAGE/STORAGEACCOUNTS/ST"
    vault = f"{base}/resourcegroups/rg/providers/microsoft.keyvault/vaults/kv"
    kept = {"enabled": True, "days": 30}
    return {
        f"{base}/providers/{STORAGE}": {"value": [
            {"id": account, "name": "st", "location": "West Europe", "kind": "StorageV2",
             "sku": {"name": "Standard_GRS"}, "properties": {}}]},
        f"{base}/providers/{VAULT}": {"value": [
            {"id": vault, "location": "westeurope", "properties": {"enablePurgeProtection": True}}]},
        f"{account}/blobServices/default": {"properties": {
            "isVersioningEnabled": True, "deleteRetentionPolicy": kept, "containerDeleteRetentionPolicy": kept}},
        f"{account}/fileServices/default": {"properties": {"shareDeleteRetentionPolicy": kept}},
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [(404, b""), (404, b'{"error": {"code": "NotFound", "message": "?"}}'), (404, b"<html>404</html>"), (403, b"")],
)
def test_an_arm_that_answers_a_few_paths_gives_what_it_has(other: tuple[int, bytes]) -> None:
    base = f"/subscriptions/{CAPITAL}"
    with Stranger(few(base), other) as server:
        code, found, said = scan(server.url, target=f"azure:{CAPITAL}")
        # A subscription is asked for as it was spelled, and stays in one spelling.
        assert not [path for path in server.asked if CAPITAL.casefold() in path]
    assert (code, said) == (3, "")
    verdicts = {(one["rule"], one["resource"]["name"]): one["outcome"] for one in found["findings"]}
    assert verdicts["storage-blob-soft-delete", "st"] == "pass"
    assert verdicts["storage-container-soft-delete", "st"] == "pass"
    assert verdicts["keyvault-purge-protection", "kv"] == "pass"
    assert verdicts["storage-delete-lock", "st"] == "unknown"
    told = {gap["subject"].rpartition("/")[2] for gap in found["gaps"]}
    assert {"databaseAccounts", "configurationStores", "locks", "backupVaults", "deletedVaults"} <= told
    assert "storageAccounts" not in told


def test_a_whole_arm_of_somebody_elses_making_is_clean() -> None:
    base = f"/subscriptions/{CAPITAL}"
    lists = {base + call.path: {"value": []} for service in services.SERVICES for call in service.lists}
    here = {base: {"subscriptionId": CAPITAL, "state": "Enabled"}}
    with Stranger({**lists, **few(base), **here}) as server:
        code, found, said = scan(server.url, target=f"azure:{CAPITAL}")
    assert (code, said, found["gaps"]) == (0, "", [])
    assert found["summary"]["unknown"] == 0


# ── where a token must not go ────────────────────────────────────────────────────────────────────────────────────────


def put(server: ArmServer, kind: str, name: str, **changes: Any) -> None:
    """Change a store in the list of its type."""
    route = server.estate.answer(f"{BASE}/providers/{kind}")
    assert route is not None
    next(item for item in route.body["value"] if item["name"] == name).update(changes)


ODD_IDS = (
    "/", "////", "x", "@{host}/x", ".{host}/x", ":{port}@{host}/x", "http://{host}:{port}/x", "//{host}:{port}/x",
    f"{GOOD}/{STORAGE}/a b", f"{GOOD}/{STORAGE}/good?x=1", f"{GOOD}/{STORAGE}/good#", f"{GOOD}/{STORAGE}/x/../good",
    f"{GOOD}/{STORAGE}/x/%2e%2e/good", f"{GOOD}/{STORAGE}/go\nod", f"{GOOD}/{STORAGE}/go\x00od",
    f"{GOOD}/{STORAGE}/good\ud800", f"{GOOD}/{STORAGE}/good\\x", f"{GOOD}/{STORAGE}/" + "x" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_id_that_is_no_path_is_not_asked_for(server: ArmServer, odd: str) -> None:
    server.estate.add(BASE, STORAGE, "odd", kind="StorageV2", sku={"name": "Standard_GZRS"}, properties={})
    with ArmServer(estate()) as foreign:
        host, _, port = foreign.url.removeprefix("http://").partition(":")
        put(server, STORAGE, "odd", id=odd.replace("{host}", host).replace("{port}", port))
        asked = len(server.requests)
        records = collect(server)
        assert foreign.requests == []
    children = [one.path for one in server.requests[asked:] if one.path.endswith("/default")]
    assert all("/good/" in path or "/files/" in path for path in children)
    assert len(children) == 4
    # The settings of the account itself were in the list, and keep their verdict.
    found = {key[0]: outcome for key, outcome in outcomes(report(records)).items() if key[1] == "odd"}
    assert found["storage-redundancy"] is Outcome.PASS
    assert found["storage-blob-soft-delete"] is Outcome.UNKNOWN
    assert {gap.reason for gap in gaps(records)} == {"it has no id that could be asked for"}


@pytest.mark.parametrize(
    "name", ["listkeys", "readonlykeys", "listsecrets", "{0}", "{endpoint}", "{", "müller", "a(b)"]
)
def test_a_store_may_be_called_anything_else(server: ArmServer, name: str) -> None:
    server.estate.add(BASE, STORAGE, name, kind="StorageV2", sku={"name": "Standard_GZRS"}, properties={}, children={
        "blobServices/default": {"deleteRetentionPolicy": live.KEPT}})  # fmt: skip
    records = collect(server)
    assert gaps(records) == []
    assert outcomes(report(records))["storage-blob-soft-delete", name] is Outcome.PASS


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("{foreign}/x", "another host"),
        ("https://{home}/x", "another host"),
        ("//{foreign_host}/x", "another host"),
        ("http://{home}@{foreign_host}/x", "another host"),
        ("http://user:pw@{home}/x", "another host"),
        ("http://{home}:1/x", "no usable address"),
        ("http://[::1/x", "no usable address"),
        ("http://{home}/\nx", "no usable address"),
        ("{here}/readonlykeys", "refused to send GET"),
        ("{here}/listKeys?api-version=1", "refused to send GET"),
        ("{here}/{0}/x", "404"),
        ({"href": "x"}, "no usable address"),
        ("x" * 20_000, "no usable address"),
    ],
)
def test_a_next_page_leads_nowhere_else(server: ArmServer, link: Any, reason: str) -> None:
    with ArmServer(estate()) as foreign:
        if isinstance(link, str):
            for name, value in {
                "{foreign}": foreign.url, "{foreign_host}": foreign.url[7:], "{home}": server.url[7:],
                "{here}": f"{server.url}{GOOD}/{STORAGE}/good",
            }.items():  # fmt: skip
                link = link.replace(name, value)
        server.fault(f"{BASE}/providers/{VAULT}", answering({"value": [], "nextLink": link}))
        (gap,) = gaps(collect(server))
        assert foreign.requests == []
    assert reason in gap.reason
    assert server.count("*keys*") == 0
    assert server.count("/x") == 0


def test_a_next_page_is_followed_as_it_was_written(server: ArmServer) -> None:
    asked: list[Any] = []
    query = "api-version=1&%24skiptoken=a%2Bb%2Fc%3D+d&$SkipToken=e/f?g&%C3%BC=%25"

    async def pages(request: Any) -> Any:
        return arm_server.reply({"value": [], "nextLink": f"{request.url.origin()}{BASE}/next%20page?{query}"})

    async def last(request: Any) -> Any:
        asked.append([*request.query.items()])
        return arm_server.reply({"value": []})

    server.fault(f"{BASE}/providers/{VAULT}", pages)
    server.fault(f"{BASE}/next page", last)
    assert gaps(collect(server)) == []
    wanted = [("api-version", "1"), ("$skiptoken", "a+b/c= d"), ("$SkipToken", "e/f?g"), ("ü", "%")]
    assert asked == [wanted]


@pytest.mark.parametrize("same", [True, False])
def test_pages_that_bring_nothing_new_come_to_an_end(server: ArmServer, same: bool) -> None:
    async def pages(request: Any) -> Any:
        page = int(request.query.get("page", "0")) + 1
        item = {"id": f"{GOOD}/{VAULT}/kv", "name": "kv", "properties": {"enablePurgeProtection": True}}
        link = f"{request.url.origin()}{request.path}?page={page}"
        return arm_server.reply({"value": [item] if same else [], "nextLink": link})

    server.fault(f"{BASE}/providers/{VAULT}", pages)
    records = collect(server)
    (gap,) = gaps(records)
    assert "the list does not end" in gap.reason
    assert server.count(f"{BASE}/providers/{VAULT}") < 50
    assert len([record for record in records if isinstance(record, Resource) and record.type == VAULT]) == same


def test_a_store_on_two_pages_is_judged_once(server: ArmServer) -> None:
    first = {"id": f"{GOOD}/{VAULT}/kv", "name": "kv", "properties": {"enablePurgeProtection": True}}
    again = {**first, "id": first["id"].upper()}

    async def pages(request: Any) -> Any:
        if "page" in request.query:
            return arm_server.reply({"value": [again]})
        return arm_server.reply({"value": [first], "nextLink": f"{request.url.origin()}{request.path}?page=2"})

    server.fault(f"{BASE}/providers/{VAULT}", pages)
    records = collect(server)
    assert [r.id for r in records if isinstance(r, Resource) and r.type == VAULT] == [first["id"]]
    assert next(r.count for r in records if isinstance(r, Listing) and r.type == VAULT) == 1


# ── scopes, told as they are ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["SubscriptionNotFound", "InvalidSubscriptionId"])
def test_a_subscription_that_is_none_is_asked_nothing_more(server: ArmServer, code: str) -> None:
    server.fault(BASE, refusing(404, code))
    records = collect(server)
    assert len(server.requests) == 1
    assert [gap.subject for gap in gaps(records)] == [BASE]


def test_a_subscription_that_does_not_tell_of_itself_is_still_read(server: ArmServer) -> None:
    server.fault(BASE, refusing(404, "NotFound"))
    records = collect(server)
    assert [gap.subject for gap in gaps(records)] == [BASE]
    assert "good" in stores(records)


def test_a_name_in_two_spellings_is_one_name(server: ArmServer) -> None:
    collect(server, f"{TARGET}/rg", f"{TARGET.replace('azure:', 'azure:').upper().replace('AZURE', 'azure')}/RG")
    assert server.count(f"{BASE}/resourceGroups/rg") == 1
    assert server.count(f"{BASE}/resourceGroups/rg/providers/{VAULT}") == 1


def test_lists_of_names_need_no_ids(server: ArmServer) -> None:
    server.estate.put("/subscriptions", {"value": [{"subscriptionId": SUB, "displayName": "Bare", "state": "Warned"}]})
    server.estate.put(f"{BASE}/locations", {"value": [{"name": "westeurope", "metadata": {"pairedRegion": []}}]})
    server.estate.put(f"{GOOD}/{CONFIG}/conf/replicas", {"value": [
        {"name": "r", "location": "northeurope", "properties": {"provisioningState": "Succeeded"}}]})  # fmt: skip
    records = collect(server, "azure:")
    assert gaps(records) == []
    assert [(s.name, s.state) for s in records if isinstance(s, Scope)] == [("Bare", "Warned")]
    found = outcomes(report(records))
    assert found["appconfig-geo-replication", "conf"] is Outcome.PASS


@pytest.mark.parametrize("item", [{"subscriptionId": "../x"}, {"id": "/subscriptions/a b"}, {"name": "a/b?"}])
def test_a_subscription_without_a_usable_name_is_a_gap(server: ArmServer, item: dict[str, str]) -> None:
    whole = {"id": BASE, "subscriptionId": SUB, "state": "Enabled"}
    server.estate.put("/subscriptions", {"value": [item, whole]})
    server.estate.put(
        f"{GROUP}/descendants", {"value": [{"type": "/subscriptions", **item}, {"id": BASE, "type": "/subscriptions"}]}
    )
    for target in ("azure:", "azure:mg/platform"):
        records = collect(server, target)
        told = [gap.subject for gap in gaps(records)]
        assert "good" in stores(records)
        assert len(told) == 1 or item == {"subscriptionId": "../x"}


def test_subscriptions_in_every_state_are_told(server: ArmServer) -> None:
    states = {"Enabled": 0, "Warned": 0, "PastDue": 0, "Disabled": 1, "Deleted": 1}
    for number, (state, gap_count) in enumerate(states.items()):
        server.estate.put(BASE, {"subscriptionId": SUB, "displayName": f"S{number}", "state": state})
        records = collect(server)
        assert [s.state for s in records if isinstance(s, Scope)] == [state]
        assert len(gaps(records)) == gap_count
        assert "good" in stores(records)


def test_what_was_deleted_is_shown_and_not_judged(server: ArmServer) -> None:
    for path, name in (
        ("/providers/Microsoft.KeyVault/deletedVaults", "gone-vault"),
        ("/providers/Microsoft.Storage/deletedAccounts", "gone-account"),
        ("/providers/Microsoft.AppConfiguration/deletedConfigurationStores", "gone-store"),
    ):
        server.estate.joined(BASE, path, {"id": f"{BASE}/x/{name}", "name": name, "properties": {}})
    found = report(collect(server))
    assert {subject.name for subject in found.deleted} == {"gone-vault", "gone-account", "gone-store"}
    assert not any(subject.name.startswith("gone") for subject in found.subjects)


def test_locks_and_stores_are_kept_as_they_came(server: ArmServer) -> None:
    lock = {"id": f"{BASE}/providers/Microsoft.Authorization/locks/l", "name": "l",
            "properties": {"level": "ReadOnly", "owners": [{"applicationId": "x"}], "aFieldNobodyKnows": [1, None, "ü"]}}  # fmt: skip
    server.estate.joined(BASE, "/providers/Microsoft.Authorization/locks", lock)
    kept = [r for r in collect(server) if isinstance(r, Resource) and r.type == "Microsoft.Authorization/locks"]
    assert lock in [record.body for record in kept]


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Counting:
    """A wire that answers everything at once, and counts."""

    endpoint = "https://management.azure.com"
    principal = "p"

    def __init__(self, *answers: Answer) -> None:
        self.paths: list[str] = []
        self.answers = list(answers)

    async def get(self, _client: str, path: str) -> Answer:
        self.paths.append(path)
        if self.answers:
            return self.answers.pop(0)
        return Answer(200, {}, b'{"properties": {}, "value": []}')

    async def close(self) -> None:
        pass


NEVER = 1e-9
"""Tokens a second of a bucket that a test will not see filled again."""


def first_come(wire: Counting, limits: Limits, *calls: tuple[str, tuple[str, ...]]) -> list[str]:
    """Start calls, and return those that were answered before all the others wait."""
    over = Reader(wire, limits, 64, lambda _seconds: None)

    async def run() -> None:
        tasks = [asyncio.create_task(over.read("resource", path, budget=budget)) for path, budget in calls]
        for _ in range(50):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    return wire.paths


def test_each_subscription_has_a_budget_of_its_own() -> None:
    limits = Limits(subscription=(2, NEVER))
    calls = [(f"/subscriptions/{sub}/x/{number}", ()) for sub in ("a", "b") for number in range(4)]
    wide = [("/subscriptions?api-version=1", ())]
    assert first_come(Counting(), limits, *calls, *wide) == [
        "/subscriptions/a/x/0", "/subscriptions/a/x/1", "/subscriptions/b/x/0", "/subscriptions/b/x/1",
        "/subscriptions?api-version=1",
    ]  # fmt: skip


def test_storage_has_a_budget_for_each_subscription_and_region() -> None:
    limits = Limits(storage_reads=(1, NEVER), storage_lists=(1, NEVER))
    calls = [
        (f"/subscriptions/{sub}/{region}/{number}", ("storage", region))
        for sub in ("a", "b") for region in ("we", "ne") for number in range(2)
    ]  # fmt: skip
    lists = [("/subscriptions/a/list/0", ("storage-lists", "")), ("/subscriptions/a/list/1", ("storage-lists", ""))]
    assert first_come(Counting(), limits, *calls, *lists) == [
        "/subscriptions/a/we/0", "/subscriptions/a/ne/0", "/subscriptions/b/we/0", "/subscriptions/b/ne/0",
        "/subscriptions/a/list/0",
    ]  # fmt: skip


def test_what_arm_says_is_left_is_taken_over() -> None:
    headers = {"x-ms-ratelimit-remaining-subscription-reads": "0"}
    told = Counting(Answer(200, headers, b'{"properties": {}}'))
    over = Reader(told, Limits(subscription=(100, NEVER)), 64, lambda _seconds: None)

    async def run() -> None:
        await over.read("resource", "/subscriptions/a/1")
        waiting = asyncio.create_task(over.read("resource", "/subscriptions/a/2"))
        await over.read("resource", "/subscriptions/b/1")
        for _ in range(20):
            await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(run())
    assert told.paths == ["/subscriptions/a/1", "/subscriptions/b/1"]


def test_a_throttled_call_holds_its_subscription_back_and_no_other() -> None:
    throttled = Answer(429, {"retry-after": "50"}, b"{}")
    calls = [("/subscriptions/a/1", ()), ("/subscriptions/b/1", ()), ("/subscriptions/b/2", ())]
    waits: list[float] = []
    wire = Counting(throttled)
    over = Reader(wire, Limits(), 1, waits.append)

    async def run() -> None:
        tasks = [asyncio.create_task(over.read("resource", path)) for path, _ in calls]
        for _ in range(50):
            await asyncio.sleep(0)
        late = asyncio.create_task(over.read("resource", "/subscriptions/a/2"))
        for _ in range(50):
            await asyncio.sleep(0)
        for task in (*tasks, late):
            task.cancel()
        await asyncio.gather(*tasks, late, return_exceptions=True)

    asyncio.run(run())
    assert wire.paths == ["/subscriptions/a/1", "/subscriptions/b/1", "/subscriptions/b/2"]
    # Honoured in full, lengthened a little so that not all come back at once, and told to whoever watches.
    assert 50 <= waits[0] <= 50.25


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        *[({"retry-after": text}, None) for text in (
            "", "soon", "-1", "1.5", "nan", "1e9", "9" * 400, "Mon, 01 Jan 2020 00:00:00 +999999999999999",
            "Mon, 01 Jan 2020 99999999999999999999:00:00 GMT", "Mon, 32 Jan 2020 00:00:00 GMT", "Mon,", ",",
        )],
    ],
)  # fmt: skip
def test_what_a_service_asks_us_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers) == expected


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("text", ["Fri, 31 Dec 9999 23:59:59 -0000", "Mon, 01 Jan 0001 00:00:00 -0000"])
def test_a_date_at_the_end_of_time_is_no_crash(monkeypatch: pytest.MonkeyPatch, zone: str, text: str) -> None:
    import time

    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert (retry_after({"retry-after": text}) or 0) >= 0
    time.tzset()


def test_a_wait_of_nothing_is_still_a_wait(server: ArmServer) -> None:
    server.fault("*/fileServices/default", refusing(429, "TooManyRequests", {"Retry-After": "0"}))
    limits = Limits(attempt=2, call=3, delay=0.02)
    import time

    begun = time.monotonic()
    assert len(gaps(collect(server, limits=limits))) == 2
    assert time.monotonic() - begun >= 0.02 * 0.75 * (1 + 2 + 4 + 8)


# ── recordings ───────────────────────────────────────────────────────────────────────────────────────────────────────


def replay(folder: Path, limits: Limits = FAST) -> list[Any]:
    return list(azure.collect((TARGET,), CollectOptions(replay=folder), services.catalog(), Silent(), limits))


@pytest.mark.parametrize("kind", [*FAULTS, "drip"])
def test_a_recording_of_a_fault_replays_as_the_fault(server: ArmServer, tmp_path: Path, kind: str) -> None:
    server.fault("*/blobServices/default", {**FAULTS, "drip": arm_server.drip}[kind])
    limits = QUICK if kind in ("hang", "drip") else FAST
    recorded = collect(server, record=tmp_path / "r", limits=limits)
    replayed = replay(tmp_path / "r", limits)
    assert outcomes(report(recorded)) == outcomes(report(replayed))
    assert {(gap.subject, gap.reason, gap.permission) for gap in gaps(recorded)} == {
        (gap.subject, gap.reason, gap.permission) for gap in gaps(replayed)
    }
    assert stores(recorded).keys() == stores(replayed).keys()


def test_a_replay_waits_for_nobody(server: ArmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.fault("*/blobServices/default", refusing(503, "Busy", {"Retry-After": "1"}), times=1)
    collect(server, record=tmp_path / "r")
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float, *rest: Any) -> None:
        slept.append(seconds)
        await real(0, *rest)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert gaps(replay(tmp_path / "r", PATIENCE)) == []
    assert set(slept) <= {0, 0.01}


SECRETS = {
    "connection": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=hush0==;EndpointSuffix=x",
    "shared": "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=hush1=",
    "link": "https://x.example/c?sv=2024&sig=hush2%3D&se=1",
    "login": "Server=x;User Id=u;Password=hush3;",
    "bearer": "Bearer eyJhbGciOiJodXNoNCJ9.eyJodXNoIjo0fQ.hush4",
}


@pytest.mark.parametrize(
    "body",
    [
        {"properties": {"note": list(SECRETS.values()), "clientSecret": "hush5", "primaryMasterKey": "hush6"}},
        '{"properties": {"primaryKey": "hush7", "password" : "hu\\"sh8", "note": "AccountKey=hush9',
        '{"properties": {"accessKey": "hush10", "deep": ' + "[" * 5000 + "]" * 5000 + "}}",
        '"' + SECRETS["connection"] + '"',
        "<html>" + SECRETS["link"] + "</html>",
    ],
)
def test_no_secret_comes_into_a_recording_by_any_way(server: ArmServer, tmp_path: Path, body: Any) -> None:
    server.fault("*/good/blobServices/default", answering(body))
    recorded = collect(server, record=tmp_path / "r", limits=FAST)
    text = "".join(path.read_text("utf-8") for path in (tmp_path / "r").iterdir())
    assert "hush" not in text
    assert "secret-token" not in text
    assert outcomes(report(recorded)) == outcomes(report(replay(tmp_path / "r")))


def test_a_setting_that_only_looks_like_a_secret_stays(server: ArmServer, tmp_path: Path) -> None:
    put(server, STORAGE, "good", properties={
        "allowSharedKeyAccess": False, "encryption": {"keySource": "Microsoft.Storage"}, "keyPolicy": {"days": 3}})  # fmt: skip
    recorded = stores(collect(server, record=tmp_path / "r"))["good"]
    assert stores(replay(tmp_path / "r"))["good"].body == recorded.body


def test_a_child_that_was_not_read_is_unknown_with_its_reason(server: ArmServer) -> None:
    server.fault("*/good/blobServices/default", refusing(409, "FeatureNotSupportedForAccount"))
    (child,) = [c for c in stores(collect(server))["good"].children if c.type.endswith("/blobServices")]
    assert isinstance(child.body, Unknown)
    assert "FeatureNotSupportedForAccount" in child.body.reason
    assert isinstance(gaps(collect(server))[0], Gap)


def test_a_backup_without_settings_is_no_proof_that_there_is_none(server: ArmServer) -> None:
    path = f"{GOOD}/{BACKUP}/bv/backupInstances"
    server.fault(path, answering({"value": [{"id": f"{path}/x", "name": "x"}]}))
    records = collect(server, limits=FAST)
    assert [gap.subject for gap in gaps(records)] == [path]
    assert outcomes(report(records))["storage-backup", "good"] is Outcome.UNKNOWN


def test_an_account_that_is_not_restorable_is_told_from_one_that_is(server: ArmServer) -> None:
    server.estate.add(BASE, COSMOS, "other", properties={"instanceId": "i-2", "backupPolicy": {"type": "Continuous"}})
    found = outcomes(report(collect(server)))
    assert found["cosmosdb-restorable", "cosmos"] is Outcome.PASS
    assert found["cosmosdb-restorable", "other"] is Outcome.FAIL


# ── what is read in part ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_collection_that_breaks_off_keeps_what_it_gave(server: ArmServer) -> None:
    path = f"{GOOD}/{CONFIG}/conf/replicas"

    async def pages(request: Any) -> Any:
        if "page" in request.query:
            return arm_server.reply({"error": {"code": "AuthorizationFailed"}}, 403)
        item = {"name": "r", "location": "northeurope", "properties": {"provisioningState": "Succeeded"}}
        return arm_server.reply({"value": [item], "nextLink": f"{request.url.origin()}{request.path}?page=2"})

    server.fault(path, pages)
    records = collect(server)
    (gap,) = gaps(records)
    assert (gap.subject, gap.permission) == (path, "Microsoft.AppConfiguration/configurationStores/replicas/read")
    children = {child.name: child.body for child in stores(records)["conf"].children}
    assert isinstance(children["*"], Unknown)
    # One replica is known, and one is enough, whatever else there may be.
    assert outcomes(report(records))["appconfig-geo-replication", "conf"] is Outcome.PASS


def test_a_group_that_does_not_tell_of_itself_is_still_read(server: ArmServer) -> None:
    server.fault(f"{BASE}/resourceGroups/rg", refusing(403, "AuthorizationFailed"))
    records = collect(server, f"{TARGET}/rg")
    (gap,) = gaps(records)
    assert gap.permission == "Microsoft.Resources/subscriptions/resourceGroups/read"
    assert "good" in stores(records)
    assert "not read" in {scope.state for scope in records if isinstance(scope, Scope)}


def test_a_group_whose_lists_fail_at_both_levels_is_a_gap(server: ArmServer) -> None:
    server.fault(f"{BASE}/resourceGroups/rg/providers/{VAULT}", refusing(404, "InvalidResourceType"))
    server.fault(f"{BASE}/providers/{VAULT}", refusing(403, "AuthorizationFailed"))
    records = collect(server, f"{TARGET}/rg")
    (gap,) = gaps(records)
    assert gap.permission == "Microsoft.KeyVault/vaults/read"
    assert "good" in stores(records)


def test_subscriptions_that_cannot_be_listed_are_a_gap(server: ArmServer) -> None:
    server.fault("/subscriptions", refusing(403, "AuthorizationFailed"))
    (gap,) = gaps(collect(server, "azure:"))
    assert (gap.subject, gap.permission) == ("/subscriptions", "Microsoft.Resources/subscriptions/read")


def test_a_slow_consumer_holds_the_source_back_and_loses_nothing(
    server: ArmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    whole = len(collect(server))
    monkeypatch.setattr(azure, "BATCH", 1)
    monkeypatch.setattr(azure, "QUEUED", 1)
    count = 0
    for _ in azure.collect((TARGET,), live.options(server), services.catalog(), Silent(), PATIENCE):
        time.sleep(0.005)
        count += 1
    assert count == whole


@pytest.mark.parametrize(
    ("error", "said"),
    [("ClientAuthenticationError", "could not sign in: no way in"), ("ValueError", "ValueError: no way in")],
)
def test_nobody_signed_in_is_one_error_and_not_a_gap_a_call(
    server: ArmServer, monkeypatch: pytest.MonkeyPatch, error: str, said: str
) -> None:
    from azure.core import exceptions

    from auditor.errors import SourceError
    from auditor.sources.azure import session

    class Credential:
        async def get_token(self, *_: str, **__: Any) -> Any:
            raise getattr(exceptions, error, ValueError)("no way in")

        async def close(self) -> None:
            pass

    monkeypatch.setattr(session, "_credential", lambda _options: (Credential(), "test"))
    with pytest.raises(SourceError, match=said):
        collect(server)
    assert server.requests == []

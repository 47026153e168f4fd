"""What ARM really sends: recorded exchanges of public test suites, read and judged as a live answer would be.

The recordings stand beside the checkout and are no part of it; without them their tests are skipped. The shapes they
taught are written down again in the second half, which needs nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import pipeline, services, snapshot
from auditor.model import Basis, Finding, Gap, Listing, Outcome, Report, Resource, Scope, Silent, Unknown
from auditor.sources.azure.collect import Collector, parse_targets
from auditor.sources.azure.reader import Limits, Page, Reader, Unreadable, error_of
from auditor.sources.azure.wire import Answer, ReplayWire
from tools.estate import BACKUP, CONFIG, COSMOS, RECOVERY, STORAGE, VAULT, Estate

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "arm"
SUB = "11111111-2222-4333-8444-555555555555"
BASE = f"/subscriptions/{SUB}"
BASELINES = ("standard-deployment", "well-architected")
PASS, FAIL, UNKNOWN, NOT_APPLICABLE = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE
HTML = "<html><body><h1>503 Service Unavailable</h1></body></html>"


def recorded(test: Any) -> Any:
    """Mark a test that needs the recordings."""
    missing = pytest.mark.skipif(not CORPUS.is_dir(), reason="the recorded exchanges are not beside the checkout")
    return pytest.mark.corpus(missing(test))


def _index() -> list[str]:
    if not CORPUS.is_dir():
        return []
    return [json.loads(line)["file"] for line in (CORPUS / "index.jsonl").read_text("utf-8").splitlines()]


FILES = _index()


class Canned:
    """A wire that answers from an estate, and 404 for what is not in it."""

    endpoint = "https://management.azure.com"
    principal = "canned"

    def __init__(self, estate: Estate) -> None:
        self.estate = estate

    async def get(self, _client: str, path: str) -> Answer:
        route = self.estate.answer(path.partition("?")[0])
        if route is None:
            return Answer(404, {}, b'{"error": {"code": "ResourceNotFound", "message": "There is none."}}')
        return answer_of(route.status, route.body, route.headers)

    async def close(self) -> None:
        """Nothing to close."""


class Said:
    """A wire that always gives one answer."""

    endpoint = Canned.endpoint
    principal = Canned.principal

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def get(self, _client: str, _path: str) -> Answer:
        return self.answer

    async def close(self) -> None:
        """Nothing to close."""


def answer_of(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A body as it went over the wire: text as it is, nothing for null, everything else as JSON."""
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    return Answer(status, {name.lower(): value for name, value in (headers or {}).items()}, text.encode())


def reader(wire: Any) -> Reader:
    return Reader(wire, Limits(delay=0), 64, lambda _seconds: None, paced=False)


def collect(estate: Estate, target: str = f"azure:{SUB}") -> list[Any]:
    """All records of an estate, through the collector."""
    records: list[Any] = []

    async def emit(record: Any) -> None:
        records.append(record)

    async def run() -> None:
        collector = Collector(reader(Canned(estate)), services.catalog(), emit, Silent(), deep=True)
        await collector.run(parse_targets([target]))

    asyncio.run(run())
    return records


_POLICIES: dict[str, pipeline.Policy] = {}


def judge(records: list[Any], baseline: str) -> Report:
    if baseline not in _POLICIES:
        _POLICIES[baseline] = pipeline.load_policy(baseline)
    return pipeline.evaluate(snapshot.spool(records, (f"azure:{SUB}",)), _POLICIES[baseline])


def findings(estate: Estate, baseline: str = "well-architected") -> dict[tuple[str, str], Finding]:
    return {(f.rule, f.subject.name): f for f in judge(collect(estate), baseline).findings}


def estate() -> Estate:
    made = Estate()
    made.subscription(SUB, "Recorded", regions=("westeurope", "northeurope", "westus", "eastus"))
    return made


def nothing_passes_on_what_is_unknown(report: Report) -> None:
    """A pass, and a failure too, rest on values that were read or are the API's documented default."""
    for finding in report.findings:
        if finding.outcome in (PASS, FAIL):
            assert not [e for e in finding.evidence if e.expected is not None and e.basis is Basis.UNKNOWN], finding


# ── the recordings ───────────────────────────────────────────────────────────────────────────────────────────────────


def load(file: str) -> dict[str, Any]:
    exchange: dict[str, Any] = json.loads((CORPUS / file).read_bytes())
    return exchange


def answered(exchange: Mapping[str, Any]) -> Answer:
    response = exchange["response"]
    return answer_of(response["status"], response["body"], response["headers"])


def items(body: Any) -> list[dict[str, Any]]:
    """The resources in a body: a list's, or the one it is."""
    found = body.get("value", body) if isinstance(body, dict) else None
    found = found if isinstance(found, list) else [found]
    return [item for item in found if isinstance(item, dict) and isinstance(item.get("id"), str)]


def type_of(resource_id: str) -> str:
    """The type an id names, without case."""
    parts = resource_id.casefold().rpartition("/providers/")[2].split("/")
    return "/".join(parts[:1] + parts[1::2])


def moved(body: Any) -> Any:
    """The same body in the subscription that is scanned, so that what belongs together is found together."""
    return json.loads(re.sub(r"(?i)/subscriptions/[^/\"?]+(?=[/\"?])", BASE, json.dumps(body)))


def place(home: Estate, exchange: Mapping[str, Any]) -> list[str]:
    """Put the resources of an exchange where the live source looks for them; the ids of the stores put there."""
    lists = {call.type.casefold(): call for service in home.catalog.services for call in service.lists}
    children = {call.type.casefold(): call for service in home.catalog.services for call in service.children}
    placed = []
    for item in items(moved(exchange["response"]["body"])):
        kind = type_of(item["id"])
        if kind in lists:
            home.joined(BASE, lists[kind].path, item)
            placed.append(item["id"])
        elif kind in children:
            call = children[kind]
            mark = f"/{call.parent_type.rpartition('/')[2]}/".casefold()
            cut = item["id"].casefold().index(mark) + len(mark)
            parent = item["id"][:cut] + item["id"][cut:].partition("/")[0]
            store = {"id": parent, "name": parent.rpartition("/")[2], "location": "westeurope", "properties": {}}
            home.joined(BASE, lists[call.parent_type.casefold()].path, {**store, "kind": "StorageV2"})
            home.put(parent + call.path, {"value": [item]} if call.collection else item)
            placed.append(parent)
    return placed


@recorded
def test_the_recordings_are_all_there_and_load_as_one_recording() -> None:
    assert len(FILES) >= 470
    wire = ReplayWire(CORPUS)
    for file in FILES:
        exchange = load(file)
        if exchange["request"]["method"] == "GET":
            found = asyncio.run(wire.get("resource", exchange["request"]["path"]))
            assert found.status in range(200, 600)


@recorded
@pytest.mark.parametrize("file", FILES)
def test_every_exchange_is_read(file: str) -> None:
    exchange = load(file)
    response = exchange["response"]
    path = exchange["request"]["path"]
    over = reader(Said(answered(exchange)))
    is_list = isinstance(response["body"], dict) and isinstance(response["body"].get("value"), list)

    async def read() -> list[Page]:
        if is_list:
            return [page async for page in over.pages("resource", path)]
        return [await over.read("resource", path, needs=("properties", "id"))]

    found: Any
    try:
        found = [page.body for page in asyncio.run(read())]
    except Unreadable as error:
        found = error.status
    if found != [response["body"]]:
        # What came is an error, no resource, or a page whose next one this wire does not have.
        assert response["status"] != 200 or not items(response["body"]) or response["body"].get("nextLink")
        assert is_list or found == response["status"]


@recorded
@pytest.mark.parametrize("file", FILES)
def test_every_resource_is_judged_by_every_rule(file: str) -> None:
    home = estate()
    stores = place(home, load(file))
    records = collect(home)
    types = services.catalog().store_types()
    wanted = {one.casefold() for one in stores if type_of(one) in types}
    for baseline in BASELINES:
        report = judge(records, baseline)
        assert {subject.id.casefold() for subject in report.subjects} == wanted
        assert {finding.subject.id.casefold() for finding in report.findings} == wanted
        nothing_passes_on_what_is_unknown(report)


ERRORS = [file for file in FILES if "/errors/" in file]


@recorded
@pytest.mark.parametrize("file", ERRORS)
def test_every_error_envelope_names_its_code(file: str) -> None:
    response = load(file)["response"]
    code, message = error_of(answered(load(file)).body)
    if isinstance(response["body"], dict):
        assert code
        assert code.isprintable()
        assert "\n" not in message
        assert code in json.dumps(response["body"])
    else:
        assert (code, message) == ("", "")


@recorded
@pytest.mark.parametrize("file", ERRORS)
def test_a_recorded_error_in_place_of_a_setting_or_a_list_is_never_a_pass(file: str) -> None:
    response = load(file)["response"]
    home = estate()
    account = home.add(BASE, STORAGE, "st", kind="StorageV2", sku={"name": "Standard_GZRS"}, properties={})
    home.put(f"{account}/blobServices/default", response["body"], response["status"])
    home.put(f"{BASE}/providers/{VAULT}", response["body"], response["status"])
    home.put(f"{BASE}/providers/Microsoft.Authorization/locks", response["body"], response["status"])
    records = collect(home)
    assert {gap.subject for gap in records if isinstance(gap, Gap)} == {
        f"{account}/blobServices/default",
        f"{BASE}/providers/{VAULT}",
        f"{BASE}/providers/Microsoft.Authorization/locks",
    }
    found = {f.rule: f.outcome for f in judge(records, "well-architected").findings}
    for rule in (
        "storage-blob-soft-delete", "storage-container-soft-delete", "storage-blob-versioning",
        "storage-permanent-delete", "storage-point-in-time-restore", "storage-delete-lock",
    ):  # fmt: skip
        assert found[rule] is UNKNOWN
    assert found["storage-redundancy"] is PASS


def recorded_stores(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every recorded body of a type that is a whole resource, with its file."""
    for file in FILES:
        for item in items(load(file)["response"]["body"]):
            if type_of(item["id"]) == kind.casefold() and isinstance(item.get("properties"), dict):
                yield file, item


def alone(kind: str, item: Mapping[str, Any], baseline: str = "well-architected") -> dict[str, Finding]:
    """A recorded store judged by itself."""
    home = estate()
    call = next(c for s in home.catalog.services for c in s.lists if c.type == kind)
    home.joined(BASE, call.path, moved(item))
    return {finding.rule: finding for finding in judge(collect(home), baseline).findings}


@recorded
def test_recorded_vaults_that_leave_settings_out_have_the_api_defaults() -> None:
    seen = 0
    for _, item in recorded_stores(VAULT):
        properties = item["properties"]
        found = alone(VAULT, item)
        if properties.get("enableSoftDelete") is None:
            seen += 1
            assert found["keyvault-soft-delete"].outcome is PASS
            assert found["keyvault-soft-delete"].evidence[0].basis is Basis.DEFAULT
        if properties.get("enablePurgeProtection") is None:
            assert found["keyvault-purge-protection"].outcome is FAIL
            assert found["keyvault-purge-protection"].evidence[0].basis is Basis.DEFAULT
        else:
            assert found["keyvault-purge-protection"].outcome is PASS
    assert seen >= 10


@recorded
def test_recorded_accounts_of_cosmos_db() -> None:
    odd = placed = 0
    for _, item in recorded_stores(COSMOS):
        found = alone(COSMOS, item)
        policy = item["properties"].get("backupPolicy")
        if policy is None:
            finding = found["cosmosdb-backup-continuous"]
            assert finding.outcome in (FAIL, NOT_APPLICABLE)
            assert finding.outcome is NOT_APPLICABLE or finding.evidence[0].basis is Basis.DEFAULT
        elif policy.get("periodicModeProperties", {}).get("backupStorageRedundancy") == "Invalid":
            odd += 1
            assert found["cosmosdb-backup-redundancy"].outcome is UNKNOWN
        if any(" " in str(place.get("locationName")) for place in item["properties"].get("locations") or ()):
            placed += 1
            # A display name is the same region as its programmatic name, so whether it has zones is known.
            assert found["cosmosdb-zone-redundancy"].outcome in (PASS, FAIL, NOT_APPLICABLE)
    assert odd == 1
    assert placed > 10


@recorded
def test_recorded_storage_accounts() -> None:
    staged = bare = 0
    seen: set[str] = set()
    for _, item in recorded_stores(STORAGE):
        shape = json.dumps([item.get("location"), item.get("sku"), item.get("kind"), sorted(item["properties"])])
        if shape in seen:
            continue
        seen.add(shape)
        found = alone(STORAGE, item)
        if "sku" not in item:
            bare += 1
            assert found["storage-redundancy"].outcome is UNKNOWN
        if "(" in str(item.get("location")):
            staged += 1
            assert found["storage-zone-redundancy"].outcome in (PASS, FAIL, NOT_APPLICABLE)
    assert bare >= 1
    assert staged >= 1


@recorded
def test_recorded_stores_of_app_configuration_that_are_being_made() -> None:
    creating = 0
    for _, item in recorded_stores(CONFIG):
        if item["properties"].get("softDeleteRetentionInDays") is None and "provisioningState" in item["properties"]:
            creating += item["properties"]["provisioningState"] == "Creating"
            finding = alone(CONFIG, item)["appconfig-soft-delete-retention"]
            assert finding.outcome in (PASS, NOT_APPLICABLE)
            assert finding.outcome is NOT_APPLICABLE or finding.evidence[0].basis is Basis.DEFAULT
    assert creating >= 1


@recorded
def test_recorded_backup_vaults_in_both_vocabularies() -> None:
    expected = {"on": True, "alwayson": True, "enabled": True, "off": False, "disabled": False}
    seen = set()
    for kind, state, days in (
        (BACKUP, "state", "retentionDurationInDays"),
        (RECOVERY, "softDeleteState", "softDeleteRetentionPeriodInDays"),
    ):
        for _, item in recorded_stores(kind):
            finding = alone(kind, item)["backupvault-soft-delete"]
            settings = (item["properties"].get("securitySettings") or {}).get("softDeleteSettings") or {}
            word = str(settings.get(state)).casefold()
            if word in expected and isinstance(settings.get(days), int | float):
                seen.add((kind, word))
                assert finding.outcome is (PASS if expected[word] and settings[days] >= 14 else FAIL), item
            else:
                assert finding.outcome in (UNKNOWN, FAIL)
    assert {(BACKUP, "on"), (BACKUP, "off"), (RECOVERY, "enabled")} <= seen


@recorded
def test_recorded_locks_hold_what_they_stand_on_whatever_the_case_of_their_ids() -> None:
    locks = [item for _, item in recorded_stores("Microsoft.Authorization/locks")]
    assert {"/resourcegroups/" in lock["id"] for lock in locks} == {True, False}
    held = 0
    for lock in locks:
        target = moved(lock)["id"].rpartition("/providers/Microsoft.Authorization/")[0]
        if type_of(target) != STORAGE.casefold() or "/providers/" not in target.casefold():
            continue
        held += 1
        home = estate()
        home.joined(BASE, "/providers/Microsoft.Authorization/locks", moved(lock))
        account = {"id": target.upper(), "name": "st", "kind": "StorageV2", "properties": {}}
        home.joined(BASE, f"/providers/{STORAGE}", account)
        assert findings(home)["storage-delete-lock", "st"].outcome is PASS
    assert held >= 2


@recorded
def test_recorded_states_of_subscriptions() -> None:
    states = set()
    for file in FILES:
        exchange = load(file)
        if (
            not re.fullmatch(r"/subscriptions(\?.*)?", exchange["request"]["path"])
            or exchange["response"]["status"] != 200
        ):
            continue
        listed = exchange["response"]["body"]["value"]
        home = estate()
        home.put("/subscriptions", {"value": listed})
        records = collect(home, "azure:")
        scopes = {record.id: record.state for record in records if isinstance(record, Scope)}
        states |= set(scopes.values())
        told = {record.subject: record.reason for record in records if isinstance(record, Gap)}
        for item in listed:
            scope = f"/subscriptions/{item['subscriptionId']}"
            assert scopes[scope] == item["state"]
            assert ("disabled" in told.get(scope, "")) == (item["state"] == "Disabled")
    assert "Enabled" in states


# ── the shapes they taught ───────────────────────────────────────────────────────────────────────────────────────────


def store(kind: str, baseline: str = "well-architected", /, **body: Any) -> dict[str, Finding]:
    """A store judged by itself."""
    home = estate()
    home.add(BASE, kind, "it", **body)
    return {finding.rule: finding for finding in judge(collect(home), baseline).findings}


@pytest.mark.parametrize(
    ("properties", "soft_delete", "retention", "purge"),
    [
        ({}, PASS, PASS, FAIL),
        (
            {"enableSoftDelete": None, "softDeleteRetentionInDays": None, "enablePurgeProtection": None},
            PASS,
            PASS,
            FAIL,
        ),
        ({"enableSoftDelete": True}, PASS, PASS, FAIL),
        ({"enableSoftDelete": False, "softDeleteRetentionInDays": 90}, FAIL, NOT_APPLICABLE, FAIL),
        ({"enableSoftDelete": True, "softDeleteRetentionInDays": 7, "enablePurgeProtection": True}, PASS, FAIL, PASS),
        ({"enableSoftDelete": "sometimes", "enablePurgeProtection": {}}, UNKNOWN, UNKNOWN, UNKNOWN),
        (
            {"enableSoftDelete": [], "softDeleteRetentionInDays": -1, "enablePurgeProtection": 1},
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
        ),
    ],
)
def test_vaults(properties: dict[str, Any], soft_delete: Outcome, retention: Outcome, purge: Outcome) -> None:
    found = store(VAULT, properties=properties)
    assert found["keyvault-soft-delete"].outcome is soft_delete
    assert found["keyvault-soft-delete-retention"].outcome is retention
    assert found["keyvault-purge-protection"].outcome is purge


@pytest.mark.parametrize(
    ("sku", "properties", "retention", "purge"),
    [
        ("free", {"softDeleteRetentionInDays": 0, "enablePurgeProtection": True}, NOT_APPLICABLE, NOT_APPLICABLE),
        ("free", {"softDeleteRetentionInDays": 0}, NOT_APPLICABLE, NOT_APPLICABLE),
        ("standard", {"softDeleteRetentionInDays": None, "enablePurgeProtection": None}, PASS, FAIL),
        ("Standard", {"softDeleteRetentionInDays": 7, "enablePurgeProtection": True}, PASS, PASS),
        ("standard", {"softDeleteRetentionInDays": 0, "enablePurgeProtection": False}, FAIL, FAIL),
        ("premium", {"softDeleteRetentionInDays": 30, "publicNetworkAccess": "SecuredByPerimeter"}, PASS, FAIL),
    ],
)
def test_stores_of_app_configuration(sku: str, properties: dict[str, Any], retention: Outcome, purge: Outcome) -> None:
    found = store(CONFIG, sku={"name": sku}, properties=properties)
    assert found["appconfig-soft-delete-retention"].outcome is retention
    assert found["appconfig-purge-protection"].outcome is purge


def test_an_account_of_cosmos_db_that_is_being_made() -> None:
    policy = {
        "type": "Periodic",
        "periodicModeProperties": {
            "backupIntervalInMinutes": 240, "backupRetentionIntervalInHours": 8, "backupStorageRedundancy": "Invalid",
        },
    }  # fmt: skip
    found = store(COSMOS, properties={"provisioningState": "Creating", "locations": [], "backupPolicy": policy})
    assert found["cosmosdb-backup-redundancy"].outcome is UNKNOWN
    assert "Invalid" in found["cosmosdb-backup-redundancy"].message
    assert found["cosmosdb-backup-continuous"].outcome is FAIL


@pytest.mark.parametrize(
    ("mode", "outcome", "basis"),
    [
        ({}, PASS, Basis.DEFAULT),
        ({"continuousModeProperties": None}, PASS, Basis.DEFAULT),
        ({"continuousModeProperties": {"tier": "Continuous30Days"}}, PASS, Basis.EXPLICIT),
        ({"continuousModeProperties": {"tier": "Continuous7Days"}}, FAIL, Basis.EXPLICIT),
        ({"continuousModeProperties": {"tier": "ContinuousForever"}}, UNKNOWN, Basis.EXPLICIT),
    ],
)
def test_the_tier_of_a_continuous_backup(mode: dict[str, Any], outcome: Outcome, basis: Basis) -> None:
    found = store(COSMOS, properties={"instanceId": "i", "backupPolicy": {"type": "Continuous", **mode}})
    finding = found["cosmosdb-backup-retention"]
    assert finding.outcome is outcome
    assert basis in {evidence.basis for evidence in finding.evidence if "tier" in evidence.path}


def test_names_of_regions_as_services_write_them() -> None:
    at = [
        {"locationName": "West US", "isZoneRedundant": False},
        {"locationName": "West Europe", "isZoneRedundant": True},
    ]
    found = store(COSMOS, location="West US", properties={"locations": at, "EnabledApiTypes": "Sql"})
    # West US has no zones and West Europe has: both are known whatever the spelling.
    assert found["cosmosdb-zone-redundancy"].outcome is PASS
    staged = store(STORAGE, location="westeurope(stage)", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    assert staged["storage-zone-redundancy"].outcome is FAIL


@pytest.mark.parametrize(
    ("item", "outcome"),
    [
        (
            {"name": "i", "properties": {"accountName": "it", "apiType": "Gremlin, Sql", "restorableLocations": [{}]}},
            PASS,
        ),
        ({"name": "I", "properties": {"accountName": "it", "apiType": "Table, Sql"}}, PASS),
        ({"name": "i", "properties": {"deletionTime": "2026-01-01T00:00:00Z", "restorableLocations": []}}, FAIL),
        ({"name": "other", "properties": {"accountName": "it", "restorableLocations": []}}, FAIL),
    ],
)
def test_restorable_accounts(item: dict[str, Any], outcome: Outcome) -> None:
    home = estate()
    home.add(BASE, COSMOS, "it", properties={"instanceId": "i", "backupPolicy": {"type": "Continuous"}})
    path = "/providers/Microsoft.DocumentDB/restorableDatabaseAccounts"
    home.joined(BASE, path, {"id": f"{BASE}/providers/x/locations/y/restorableDatabaseAccounts/i", **item})
    assert findings(home)["cosmosdb-restorable", "it"].outcome is outcome


BLOB = {
    "storage-blob-soft-delete": "deleteRetentionPolicy",
    "storage-container-soft-delete": "containerDeleteRetentionPolicy",
}


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        ({"enabled": False}, FAIL),
        ({"enabled": False, "allowPermanentDelete": False}, FAIL),
        ({"enabled": False, "days": 0}, FAIL),
        ({"enabled": True, "days": 30}, PASS),
        ({"enabled": True, "days": "30"}, PASS),
        ({"enabled": "True", "days": 30.0}, PASS),
        ({"enabled": True, "days": "a month"}, UNKNOWN),
        ({"enabled": "maybe", "days": 30}, UNKNOWN),
        ({"enabled": True, "days": None}, None),
        (None, FAIL),
        ("on", UNKNOWN),
        ([], UNKNOWN),
    ],
)
@pytest.mark.parametrize("rule", BLOB)
def test_retention_policies(rule: str, policy: Any, outcome: Outcome | None) -> None:
    children = {"blobServices/default": {BLOB[rule]: policy}}
    found = store(STORAGE, kind="StorageV2", sku={"name": "Standard_LRS"}, properties={}, children=children)
    if outcome is None:
        assert found[rule].outcome in (FAIL, UNKNOWN)
    else:
        assert found[rule].outcome is outcome


def test_a_blob_service_that_says_next_to_nothing() -> None:
    children = {"blobServices/default": {"cors": {"corsRules": []}}, "fileServices/default": {}}
    found = store(STORAGE, kind="StorageV2", sku={"name": "Standard_RAGRS"}, properties={}, children=children)
    assert found["storage-blob-versioning"].outcome is FAIL
    assert found["storage-point-in-time-restore"].outcome is FAIL
    # Whether it is on depends on the account's age; 7 days are too few either way.
    assert found["storage-share-soft-delete"].outcome is FAIL
    # There is a secondary copy even where the account does not name its region.
    assert found["storage-redundancy"].outcome is PASS


def test_an_old_answer_without_a_sku() -> None:
    found = store(STORAGE, kind="StorageV2", properties={"accountType": "Standard_GRS"})
    assert found["storage-redundancy"].outcome is UNKNOWN
    assert found["storage-zone-redundancy"].outcome is UNKNOWN


@pytest.mark.parametrize(
    ("kind", "settings", "outcome"),
    [
        (BACKUP, {"state": "On", "retentionDurationInDays": 14.0}, PASS),
        (BACKUP, {"state": "AlwaysOn", "retentionDurationInDays": 14.0}, PASS),
        (BACKUP, {"state": "Enabled", "retentionDurationInDays": 90}, PASS),
        (BACKUP, {"state": "On", "retentionDurationInDays": 13.0}, FAIL),
        (BACKUP, {"state": "Off", "retentionDurationInDays": 0.0}, FAIL),
        (BACKUP, {"softDeleteState": "Enabled", "softDeleteRetentionPeriodInDays": 14}, UNKNOWN),
        (RECOVERY, {"softDeleteState": "Enabled", "softDeleteRetentionPeriodInDays": 14}, PASS),
        (RECOVERY, {"softDeleteState": "AlwaysON", "softDeleteRetentionPeriodInDays": 14}, PASS),
        (RECOVERY, {"softDeleteState": "Disabled"}, FAIL),
        (RECOVERY, {"state": "On", "retentionDurationInDays": 14.0}, UNKNOWN),
    ],
)
def test_soft_delete_of_backups_in_two_vocabularies(kind: str, settings: dict[str, Any], outcome: Outcome) -> None:
    found = store(kind, properties={"securitySettings": {"softDeleteSettings": settings}})
    assert found["backupvault-soft-delete"].outcome is outcome


@pytest.mark.parametrize(
    "scope",
    [
        f"{BASE}/resourcegroups/RG/providers/microsoft.storage/StorageAccounts/IT",
        f"{BASE}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/it",
        f"{BASE}/resourcegroups/Rg",
        BASE,
        BASE.upper(),
    ],
)
def test_a_lock_holds_below_its_scope_in_any_spelling(scope: str) -> None:
    home = estate()
    home.add(BASE, STORAGE, "it", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    home.joined(BASE, "/providers/Microsoft.Authorization/locks", {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/keep", "properties": {"level": "CanNotDelete"}})  # fmt: skip
    assert findings(home)["storage-delete-lock", "it"].outcome is PASS


def test_a_lock_elsewhere_holds_nothing_here() -> None:
    home = estate()
    home.add(BASE, STORAGE, "it", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    for scope in (f"{BASE}/resourceGroups/rg2", f"{BASE}/resourceGroups/rg/providers/{STORAGE}/it2", f"{BASE}0"):
        home.joined(BASE, "/providers/Microsoft.Authorization/locks", {
            "id": f"{scope}/providers/Microsoft.Authorization/locks/keep", "properties": {"level": "CanNotDelete"}})  # fmt: skip
    assert findings(home)["storage-delete-lock", "it"].outcome is FAIL


@pytest.mark.parametrize(
    ("kind", "children", "outcome"),
    [
        (RECOVERY, {"sourceResourceId": "/resourceGroups/RG/providers/Microsoft.storage/StorageAccounts/IT",
                    "protectionState": "Protected", "vaultId": "https://x.example/vaults/v"}, PASS),
        (RECOVERY, {"sourceResourceId": "/resourceGroups/RG/providers/Microsoft.storage/StorageAccounts/IT",
                    "protectionState": "ProtectionStopped", "isScheduledForDeferredDelete": True}, FAIL),
        (BACKUP, {"dataSourceInfo": {"resourceID": "/resourcegroups/rg/providers/microsoft.storage/storageaccounts/it/"},
                  "currentProtectionState": "ProtectionConfigured"}, PASS),
        (BACKUP, {"dataSourceInfo": {"resourceId": "/resourcegroups/rg/providers/microsoft.storage/storageaccounts/it"},
                  "currentProtectionState": "ProtectionConfigured"}, PASS),
        (BACKUP, {"dataSourceInfo": {"resourceID": "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/it"},
                  "currentProtectionState": "ProtectionError"}, FAIL),
        (BACKUP, {"dataSourceInfo": None, "currentProtectionState": "ProtectionConfigured"}, UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_backup_protects_is_found_in_any_spelling(kind: str, children: dict[str, Any], outcome: Outcome) -> None:
    home = estate()
    home.add(BASE, STORAGE, "it", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    path = "backupProtectedItems" if kind == RECOVERY else "backupInstances"
    text = json.dumps({"name": "item;hash", "properties": children})
    here = json.loads(re.sub(r'"/resource', f'"{BASE}/resource', text))
    home.add(BASE, kind, "vault", properties={}, children={path: [here]})
    found = findings(home)["storage-backup", "it"].outcome
    # An instance that does not say what it protects is no backup of this account; whether it fails is left open here.
    assert found is outcome or (outcome is UNKNOWN and found is FAIL)


def test_pages_that_are_empty_short_or_the_last() -> None:
    made: dict[str, Any] = {
        f"{BASE}/providers/{VAULT}": {"value": [], "nextLink": f"{BASE}/p1?%24skiptoken=a%2Bb%3D"},
        f"{BASE}/p1": {"value": [{"id": f"{BASE}/resourceGroups/rg/providers/{VAULT}/one", "properties": {}}],
                       "nextLink": f"https://management.azure.com:443{BASE}/p2?$skipToken=x"},
        f"{BASE}/p2": {"value": [], "nextLink": None},
    }  # fmt: skip
    home = estate()
    for path, body in made.items():
        home.put(path, body)
    records = collect(home)
    assert [record.name for record in records if isinstance(record, Resource) and record.type == VAULT] == ["one"]
    (listing,) = [record for record in records if isinstance(record, Listing) and record.type == VAULT]
    assert (listing.missing, listing.count) == (None, 1)
    assert not [record for record in records if isinstance(record, Gap)]


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, HTML), (404, HTML), (200, HTML), (405, None), (404, None), (200, None), (200, "null"), (200, '"text"')],
)
def test_answers_that_are_no_json(status: int, body: str | None) -> None:
    home = estate()
    account = home.add(BASE, STORAGE, "it", kind="StorageV2", sku={"name": "Standard_LRS"}, properties={})
    home.put(f"{account}/fileServices/default", body, status)
    records = collect(home)
    (gap,) = [record for record in records if isinstance(record, Gap)]
    assert gap.reason.startswith(str(status))
    assert "<" not in gap.reason
    assert judge(records, "well-architected").findings
    (child,) = [c for r in records if isinstance(r, Resource) for c in r.children if c.type.endswith("/fileServices")]
    assert isinstance(child.body, Unknown)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": "A", "message": "b"}}, ("A", "b")),
        ({"error": {"code": "A", "message": "b", "details": [{"code": "C"}], "innererror": {}}}, ("A", "b")),
        ({"Error": {"Code": "A", "Message": "b", "Target": None}}, ("A", "b")),
        ({"code": "NotFound", "message": "Entity\r\nActivityId: 1"}, ("NotFound", "Entity ActivityId: 1")),
        ({"Code": "429", "Message": "b", "Target": None, "Details": []}, ("429", "b")),
        ({"Message": "b"}, ("", "b")),
        ({"ErrorCode": "A", "Message": {"Language": "en", "Value": "b"}, "Values": None}, ("A", "b")),
        ({"error": {"code": "400"}}, ("400", "")),
        ({"error": {"code": 400, "message": None}}, ("400", "")),
        ({"error": "text"}, ("", "text")),
        ({"error": None}, ("", "")),
        ({"error": []}, ("", "")),
        ([], ("", "")),
        (HTML, ("", "")),
        (None, ("", "")),
        ({"error": {"code": "A" * 500, "message": "b" * 5000}}, ("A" * 79 + "…", "b" * 199 + "…")),
    ],
)
def test_envelopes_of_errors(body: Any, expected: tuple[str, str]) -> None:
    assert error_of(answer_of(500, body).body) == expected

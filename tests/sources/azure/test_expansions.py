"""What lists leave out is asked for one by one: how far geo-replication has come, and when a recording was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor import pipeline, services
from auditor.model import Gap, Resource, Silent, Unknown
from auditor.sources import CollectOptions, azure, collected_at
from auditor.sources.azure.reader import Limits
from tests.arm_server import ArmServer, refusing
from tools.estate import STORAGE, Estate

SUB = "11111111-2222-4333-8444-555555555555"
BASE = f"/subscriptions/{SUB}"
STATS = {"status": "Live", "canFailover": True, "lastSyncTime": "2026-11-26T10:00:00Z"}
PATIENCE = Limits(attempt=2.0, call=3.0, delay=0.01)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_TOKEN", "secret-token")


@pytest.fixture
def server() -> Iterator[ArmServer]:
    made = Estate()
    made.subscription(SUB, "Geo", regions=("westeurope", "northeurope"))
    for name, sku in (("geo", "Standard_RAGRS"), ("local", "Standard_LRS"), ("zones", "Standard_ZRS")):
        made.add(
            BASE, STORAGE, name, kind="StorageV2", sku={"name": sku}, properties={"x": 1},
            children={"geoReplicationStats": STATS},
        )  # fmt: skip
    with ArmServer(made) as running:
        yield running


def collect(server: ArmServer, **more: Any) -> list[Any]:
    options = CollectOptions(arm_endpoint=server.url, access_token_env="ARM_TOKEN", **more)
    return list(azure.collect((f"azure:{SUB}",), options, services.catalog(), Silent(), PATIENCE))


def geo(records: list[Any]) -> Resource:
    return next(r for r in records if isinstance(r, Resource) and r.name == "geo")


def asked(server: ArmServer) -> list[tuple[str, str]]:
    return [
        (one.path.rpartition("/")[2], one.query.get("$expand", ""))
        for one in server.requests
        if one.path.rpartition("/")[0].endswith("/storageAccounts")
    ]


def test_only_accounts_with_another_region_are_asked_how_far_it_has_come(server: ArmServer) -> None:
    made = geo(collect(server))
    assert asked(server) == [("geo", "geoReplicationStats")]
    assert isinstance(made.body, dict)
    assert made.body["properties"] == {"x": 1, "geoReplicationStats": STATS}


@pytest.mark.parametrize("status", [403, 409, 500])
def test_what_cannot_be_asked_for_is_unknown_and_a_gap(server: ArmServer, status: int) -> None:
    server.fault(f"{BASE}/resourceGroups/rg/providers/{STORAGE}/geo", refusing(status, "No"))
    records = collect(server)
    assert isinstance(geo(records).body, dict)
    found = geo(records).body["properties"]["geoReplicationStats"]  # type: ignore[index]
    assert isinstance(found, Unknown)
    (gap,) = [record for record in records if isinstance(record, Gap)]
    assert gap.subject.endswith("/geo/geoReplicationStats")
    assert (gap.permission == "Microsoft.Storage/storageAccounts/read") is (status == 403)
    rows = {
        row.scenario: row
        for store in pipeline.evaluate(_collection(records), pipeline.load_policy()).recovery
        if store.subject.name == "geo"
        for row in store.scenarios
    }
    assert rows["region-outage"].recoverable == "unknown"
    assert "geoReplicationStats could not be read" in rows["region-outage"].reason


def _collection(records: list[Any]) -> Any:
    from auditor import snapshot

    return snapshot.spool(records, (f"azure:{SUB}",), "2026-11-26T12:00:00Z")


def test_a_recording_says_when_it_was_made_and_is_judged_by_that(server: ArmServer, tmp_path: Path) -> None:
    collect(server, record=tmp_path / "kept")
    meta = tmp_path / "kept" / "recording.json"
    said = json.loads(meta.read_text("utf-8"))
    assert collected_at(["azure:"], tmp_path / "kept") == said["collected_at"]
    meta.write_text(json.dumps(said | {"collected_at": "2026-11-26T12:00:00Z"}), "utf-8")
    report = pipeline.recovery(f"azure:{SUB}", replay=tmp_path / "kept").report
    rows = {row.scenario: row for store in report.recovery if store.subject.name == "geo" for row in store.scenarios}
    assert report.collected_at == "2026-11-26T12:00:00Z"
    assert rows["region-outage"].rpo.seconds == 2 * 3600


@pytest.mark.parametrize("said", ["{}", "[]", '{"collected_at": "soon"}', '{"collected_at": "2026-11-26"}', "no JSON"])
def test_a_recording_that_does_not_say_when_is_of_now(tmp_path: Path, said: str) -> None:
    (tmp_path / "recording.json").write_text(said)
    assert collected_at(["azure:"], tmp_path) == ""
    assert collected_at(["azure:", "x.bicep"], tmp_path) == ""

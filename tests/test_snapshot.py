"""Snapshots: what is written is read back, and what was cut or changed is told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import pipeline, snapshot
from auditor.errors import OutputError, SnapshotError
from auditor.model import Gap, Listing, Origin, Record, Resource, Scope, Severity, Unknown, Waiver, WaiverState

NAMES = st.one_of(st.text(max_size=6), st.sampled_from(["$unknown", "unknowns", "kind", "body", "\ud800"]))
# What a value can be may itself be known in part only.
POSSIBLE = st.recursive(
    st.integers() | st.builds(Unknown, st.text(max_size=3)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=2) | st.builds(Unknown, st.text(max_size=3), st.tuples(inner)),
    max_leaves=4,
)
UNKNOWNS = st.builds(
    Unknown,
    st.text(max_size=5),
    st.lists(POSSIBLE, max_size=2).map(tuple),
    st.none() | st.just("a/read"),
    st.booleans(),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=8), UNKNOWNS
)
BODIES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
ORIGINS = st.builds(
    Origin, st.text(max_size=5), st.none() | st.integers(1, 9), st.none() | st.integers(1, 9), st.none() | st.text(max_size=3),
    st.just(()) | st.just((Origin("outer", 2),)), st.none() | st.text(max_size=3),
)  # fmt: skip

WAIVERS = st.builds(
    Waiver, st.text(max_size=4), st.text(max_size=4), st.text(max_size=4), st.text(max_size=4), st.text(max_size=4),
    st.sampled_from(WaiverState), st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), st.just(()), ORIGINS,
    st.just(True),
)  # fmt: skip


def resources(children: bool = True) -> st.SearchStrategy[Resource]:
    return st.builds(
        Resource,
        id=st.text(max_size=8), type=st.text(max_size=8), name=st.text(max_size=8), region=st.none() | st.text(max_size=4),
        body=st.dictionaries(NAMES, BODIES, max_size=3) | st.none() | UNKNOWNS, origin=ORIGINS,
        parent=st.none() | st.text(max_size=3), children=st.lists(resources(False), max_size=2).map(tuple) if children else st.just(()),
        api_version=st.none() | st.text(max_size=3), deployed=st.booleans(), condition=st.none() | st.text(max_size=3),
        origins=st.dictionaries(st.text(max_size=3), ORIGINS, max_size=2), waivers=st.lists(WAIVERS, max_size=2).map(tuple),
    )  # fmt: skip


RECORDS = st.lists(
    st.one_of(
        resources(),
        st.builds(Gap, st.text(), st.text(), ORIGINS, st.none() | st.text()),
        st.builds(Listing, st.text(), st.text(), st.none() | UNKNOWNS, st.integers(0, 9), st.text()),
        st.builds(Scope, st.text(), st.text(), st.text(), st.text(), st.booleans()),
        WAIVERS,
    ),
    max_size=6,
)


@pytest.mark.parametrize("name", ["live", "bicep", "arm", "terraform/plan.json", "terraform/main.tf"])
def test_the_estate_is_read_back_in_each_of_its_languages(name: str, tmp_path: Path, home: Path) -> None:
    place = home / "samples/estate" / name
    collected = pipeline.collect("azure:", replay=place) if name == "live" else pipeline.collect(place)
    records = list(collected.records())
    assert snapshot.write(tmp_path / "s.jsonl", records, collected.targets) == len(records) > 13
    assert list(snapshot.read(tmp_path / "s.jsonl").records()) == records


TEMPLATE = """
param days int
param on bool
// auditor:waive storage-redundancy until=2027-06-30 reason="caches" owner=o ticket=T-1 created=2026-01-01
resource store 'Microsoft.Storage/storageAccounts@2023-05-01' = if (on) {
  name: 'stone'
  location: 'westeurope'
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
}
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = if (on) {
  parent: store
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: on ? { enabled: true, days: days } : { enabled: true, days: 7 }
  }
}
"""


def test_waivers_conditions_and_alternatives_known_in_part_are_read_back(tmp_path: Path) -> None:
    (tmp_path / "main.bicep").write_text(TEMPLATE, "utf-8")
    collected = pipeline.collect(tmp_path)
    records = list(collected.records())
    (store,) = [one for one in records if isinstance(one, Resource)]
    assert store.waivers
    assert store.condition
    snapshot.write(tmp_path / "s.jsonl", records, collected.targets)
    again = snapshot.read(tmp_path / "s.jsonl")
    assert list(again.records()) == records
    judged = [pipeline.audit(one).findings for one in (collected, again)]
    assert judged[0] == judged[1]
    assert {one.outcome.value for one in judged[1] if one.rule == "storage-blob-versioning"} == {"unknown"}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS)
def test_what_is_written_is_read_back(tmp_path: Path, records: list[Record]) -> None:
    path = tmp_path / "s.jsonl"
    assert snapshot.write(path, iter(records), ("azure:x",)) == len(records)
    found = snapshot.read(path)
    assert list(found.records()) == records
    assert list(found.records()) == records
    assert found.targets == ("azure:x",)


def store(number: int = 0) -> Resource:
    return Resource(f"/s/{number}", "A/b", str(number), None, {"n": number}, Origin("u"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "s.jsonl"
    snapshot.write(place, (store(n) for n in range(5)), ("t",))
    return place


def test_a_file_cut_anywhere_is_said(path: Path) -> None:
    whole = path.read_bytes()
    for end in range(1, len(whole) - 1, 7):
        path.write_bytes(whole[:end])
        with pytest.raises(SnapshotError, match="is cut|not the header|does not match"):
            snapshot.read(path)


def test_a_changed_file_is_said(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], lines[2].replace('"n":1', '"n":7'), *lines[3:]]))
    with pytest.raises(SnapshotError, match="was changed after it was written"):
        snapshot.read(path)
    path.write_text("".join([*lines[:2], *lines[3:]]))
    with pytest.raises(SnapshotError, match="was changed after it was written"):
        snapshot.read(path)
    path.write_text("".join([*lines, lines[1]]))
    with pytest.raises(SnapshotError, match="something after the end"):
        snapshot.read(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is not the header"),
        ("[]\n", "is not the header"),
        ("[" * 100_000, "is not the header"),
        ('{"kind":"header","schema":"auditor/snapshot/v9"}\n', "version is 'auditor/snapshot/v9'"),
        ('{"kind":"header","schema":"auditor/snapshot/v1"}\n{"kind":"end",]\n', "is cut"),
    ],
)
def test_what_is_no_snapshot_is_said(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "s").write_text(text)
    with pytest.raises(SnapshotError, match=expected):
        snapshot.read(tmp_path / "s")
    with pytest.raises(SnapshotError, match="cannot be read"):
        snapshot.read(tmp_path / "nowhere")


def odd(**changes: Any) -> str:
    """A resource's line with some values of the wrong kind."""
    whole = {
        "kind": "resource", "type": "A/b", "id": "/s/1", "name": "n", "region": None, "api_version": None,
        "deployed": True, "origin": {"uri": "u"}, "body": {}, "unknowns": [], "children": [], "origins": {},
    }  # fmt: skip
    return json.dumps({**whole, **changes}, separators=(",", ":"))


ODD_LINES = (
    '{"kind":"odd"}', "{", '{"kind":"resource"}', '{"kind":"gap","subject":1}', "[1]",
    '{"kind":"gap","subject":"s","reason":"r","origin":7}',
    '{"kind":"listing","scope":"s","type":7,"missing":null,"count":1,"note":""}',
    '{"kind":"listing","scope":"s","type":"t","missing":7,"count":1,"note":""}',
    '{"kind":"listing","scope":"s","type":"t","missing":null,"count":"1","note":""}',
    '{"kind":"scope","id":"s","scope":"k","name":null,"state":""}',
    odd(type=7), odd(id=None), odd(name=[]), odd(region=7), odd(api_version={}), odd(body=[]), odd(body="x"),
    odd(origin={"uri": "u", "line": "7"}), odd(children=[None]), odd(children=7), odd(origins=[]),
    odd(unknowns=[[["a"], 7]]), odd(unknowns=[[["a", "b"], {"reason": "r"}]]), odd(unknowns=[[["a"], {"reason": 7}]]),
)  # fmt: skip


@pytest.mark.parametrize("line", ODD_LINES)
def test_a_line_that_is_no_record_is_said_when_it_is_met(tmp_path: Path, line: str) -> None:
    import hashlib

    head = b'{"kind":"header","schema":"auditor/snapshot/v1","targets":[]}\n' + line.encode() + b"\n"
    end = {"kind": "end", "records": 1, "digest": "sha256:" + hashlib.sha256(head).hexdigest()}
    (tmp_path / "s").write_bytes(head + json.dumps(end, separators=(",", ":")).encode() + b"\n")
    found = snapshot.read(tmp_path / "s")
    with pytest.raises(SnapshotError, match="holds a line that is no record"):
        list(found.records())
    report = pipeline.evaluate(found, pipeline.load_policy())
    assert (len(report.gaps), report.exit_code(Severity.LOW)) == (1, 3)


def test_a_header_of_odd_values_is_read(path: Path) -> None:
    import hashlib

    head = b'{"kind":"header","schema":"auditor/snapshot/v1","targets":7,"tool":"x"}\n'
    digest = hashlib.sha256(head).hexdigest()
    path.write_bytes(head + f'{{"kind":"end","records":0,"digest":"sha256:{digest}"}}\n'.encode())
    found = snapshot.read(path)
    assert (found.targets, found.tool_version, list(found.records())) == ((), "", [])


def test_a_line_too_long_to_be_a_record_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], "x" * 2**21 + "\n", *lines[3:]]))
    monkeypatch.setattr(snapshot, "MAX_LINE", 2**20)
    with pytest.raises(SnapshotError, match=":4: a line of more than 1 MiB is no record"):
        snapshot.read(path)


def test_an_earlier_file_stays_whole_until_the_new_one_is(path: Path) -> None:
    before = path.read_bytes()

    def broken() -> Iterator[Record]:
        yield store()
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        snapshot.write(path, broken(), ("t",))
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    with pytest.raises(OutputError, match="cannot be written"):
        snapshot.write(path / "below", [], ("t",))


def test_a_store_that_will_not_exist_is_kept_with_what_is_told_of_its_going(tmp_path: Path) -> None:
    kind = "Microsoft.KeyVault/vaults"
    body = {"action": "delete", "destroyed": [Unknown("cut"), {"address": "a.b", "forcedBy": ["name"]}],
            "preventDestroy": Unknown("not at hand", unseen=True)}  # fmt: skip
    going = Resource("/s/terraform/lifecycle", f"{kind}/terraform", "lifecycle", None, body, Origin("plan.json"),
                     parent="/s", origins={"destroyed[1]": Origin("main.tf", 3)})  # fmt: skip
    deleted = Resource("/s", kind, "s", None, None, Origin("plan.json"), children=(going,))
    snapshot.write(tmp_path / "s.jsonl", [deleted], ("plan.json",))
    assert [*snapshot.read(tmp_path / "s.jsonl").records()] == [deleted]


def test_types_can_be_passed_over(path: Path) -> None:
    assert list(snapshot.read(path).records(skip={"a/b"})) == []
    held = snapshot.spool([store(), Scope("a", "b")], ("t",))
    assert list(held.records(skip={"a/b"})) == [Scope("a", "b")]


def test_a_small_collection_stays_in_memory_and_a_large_one_rests_on_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(snapshot, "SPOOL_RECORDS", 3)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    small = snapshot.spool(iter([store(1)]), ("t",))
    assert list(tmp_path.iterdir()) == []
    assert [r.name for r in small.records()] == ["1"]  # type: ignore[union-attr]
    large = snapshot.spool((store(n) for n in range(9)), ("t",))
    assert [r.name for r in large.records()] == list("012345678")  # type: ignore[union-attr]
    assert len(list(tmp_path.iterdir())) == 1
    del large
    assert list(tmp_path.iterdir()) == []

    def broken() -> Iterator[Record]:
        yield from (store(n) for n in range(9))
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        snapshot.spool(broken(), ("t",))
    assert list(tmp_path.iterdir()) == []


def test_the_head_tells_a_snapshot(path: Path) -> None:
    assert snapshot.is_snapshot(path.read_bytes()[:512])
    heads: list[Any] = [b"", b"{}", b'{"kind":"header"}', b'{"$schema":"x"}']
    assert not any(map(snapshot.is_snapshot, heads))

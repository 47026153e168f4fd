"""GitHub's and Azure Pipelines' commands, GitHub's step summary, GitLab's Code Quality, JUnit XML."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from typing import NamedTuple
from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Basis, Evidence, Finding, Gap, Origin, Outcome, Report, Severity
from auditor.renderers import github_summary, render
from tests.renderers.large_report import findings, gaps, in_template, report_of, waived
from tests.renderers.sample_report import (
    ACTIVE_WAIVER,
    EXPIRED_WAIVER,
    HOSTILE,
    STORAGE,
    clean_sample,
    empty_sample,
    hostile_sample,
    sample,
)

EVERY = (sample, clean_sample, empty_sample, hostile_sample)
MORE = ("%0A::error::x", "a%25b", "a,line=1::b", "x]y;code=z;", "%AZP25", "\ufffe\uffff", "größe 日本 🙂")


def text_of(report: Report, name: str) -> str:
    return "".join(render(report, name))


def named(*names: str) -> Report:
    """A report in which each text stands wherever an estate's text can."""
    found = [
        Finding(
            name,
            STORAGE._replace(id=f"/s/{number}/{name}", name=name, type=name, origin=Origin(name, 3, 4)),
            Outcome.FAIL,
            Severity.HIGH,
            name,
            (Evidence(name, name, "other", Basis.EXPLICIT, name, Origin(name, 5, 6)),),
        )
        for number, name in enumerate(names)
    ]
    return report_of(found, [Gap(name, name, Origin(name, 1), name) for name in names])


# ── GitHub's commands, read as its runner reads them ─────────────────────────────────────────────────────────────────


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def unescaped(text: str, escapes: dict[str, str]) -> str:
    for written, meant in escapes.items():
        text = text.replace(written, meant)
    return text


def github_command(line: str) -> Command | None:
    """A line as the runner takes it: a command at the start of a line, or the older form anywhere in it."""
    assert "##[" not in line
    if not line.lstrip().startswith("::"):
        return None
    head, data = line.lstrip()[2:].split("::", 1)
    name, _, listed = head.partition(" ")
    escapes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    pairs = [pair.split("=", 1) for pair in listed.strip().split(",") if pair]
    properties = {key: unescaped(value, escapes) for key, value in pairs}
    return Command(name, properties, unescaped(data, {"%0D": "\r", "%0A": "\n", "%25": "%"}))


def github_commands(report: Report) -> list[Command]:
    found = [github_command(line) for line in text_of(report, "github").splitlines()]
    assert None not in found
    return [command for command in found if command is not None]


def test_github_is_told_of_the_line_with_the_rule_as_a_title():
    found = github_commands(sample())
    assert found[0] == Command(
        "notice",
        {"title": "auditor"},
        "Failing and incomplete: 3 findings below the baseline; 2 gaps in what was read and 3 settings undecided.",
    )
    assert [command.name for command in found] == ["notice", *["warning"] * 2, *["error"] * 2, *["warning"] * 7]
    (template,) = [c for c in found if c.properties.get("line") == "32"]
    assert template.properties == {
        "file": "infra/modules/storage.bicep",
        "line": "32",
        "col": "13",
        "title": "storage-blob-soft-delete",
    }
    live = next(c for c in found if c.properties["title"] == "keyvault-purge-protection")
    assert (live.name, live.properties) == ("error", {"title": "keyvault-purge-protection"})
    refused = f"the waiver of {EXPIRED_WAIVER.owner} does not count: {EXPIRED_WAIVER.note}"
    assert [(c.properties.get("file"), c.properties.get("line")) for c in found[-3:]] == [
        ("waivers.yaml", "13"), ("waivers.yaml", "7"), ("infra/main.bicep", "9"),
    ]  # fmt: skip
    assert (
        found[-1].data
        == "Waiver without effect (malformed): no rule on what infra/main.bicep:9 declares: 'until' is missing"
    )
    assert live.data == f"kv-fllm-auth: Purge protection is not enabled ({refused}) (critical)"


@pytest.mark.parametrize("text", [*HOSTILE, *MORE])
def test_no_name_becomes_a_command_or_a_property_for_github(text):
    found = github_commands(named(text))
    assert [command.name for command in found] == ["notice", "warning", "error"]
    for command in found:
        assert set(command.properties) <= {"file", "line", "col", "title"}
        assert "\n" not in command.data
    lines = [] if "://" in text else ["1", "5"]
    assert [command.properties["line"] for command in found if "line" in command.properties] == lines


def test_what_is_escaped_comes_out_as_it_was():
    found = github_commands(named("100%25 of a,b:c"))
    assert found[2].properties["title"] == "100%25 of a,b:c"
    assert found[2].data == "100%25 of a,b:c: 100%25 of a,b:c (high)"


def test_github_is_given_ten_of_a_kind_the_worst_first_and_told_of_the_rest():
    found = findings(30, Outcome.FAIL, Severity.LOW) + findings(20, Outcome.UNKNOWN) + in_template(12)
    found += findings(3, Outcome.FAIL, Severity.CRITICAL, prefix="worst")
    commands = github_commands(report_of(found, gaps(4)))
    assert Counter(command.name for command in commands) == {"error": 10, "warning": 10, "notice": 10}
    errors = [command for command in commands if command.name == "error"]
    assert ["critical" in command.data for command in errors] == [True] * 3 + [False] * 7
    warnings = [command for command in commands if command.name == "warning"]
    assert [command.properties["title"] for command in warnings[:5]] == ["not-read"] * 4 + ["storage-blob-soft-delete"]
    assert commands[0].data.endswith(
        "Not shown as notes: 5 errors, 21 notices, 14 warnings; a runner keeps 10 of a kind."
    )


def test_what_is_waived_or_passes_makes_no_note():
    report = report_of(waived(3) + findings(3, Outcome.PASS) + findings(3, Outcome.INFORMATIONAL))
    assert [command.name for command in github_commands(report)] == ["notice"]
    assert len(text_of(report, "azuredevops").splitlines()) == 1
    assert json.loads(text_of(report, "gitlab")) == []


# ── Azure Pipelines' commands, read as its agent reads them ──────────────────────────────────────────────────────────


def azure_command(line: str) -> Command | None:
    start = line.casefold().find("##vso[")
    if start < 0:
        assert "##[" not in line
        return None
    head, data = line[start + 6 :].split("]", 1)
    assert start == 0
    assert "##" not in data
    name, _, listed = head.partition(" ")
    pairs = [pair.split("=", 1) for pair in listed.split(";") if pair]
    escapes = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%AZP25": "%"}
    return Command(name, {key: unescaped(value, escapes) for key, value in pairs}, unescaped(data, escapes))


def azure_commands(report: Report) -> list[Command]:
    first, *lines = text_of(report, "azuredevops").splitlines()
    assert azure_command(first) is None
    found = [azure_command(line) for line in lines]
    assert None not in found
    return [command for command in found if command is not None]


def test_azure_pipelines_is_told_of_the_line_with_the_rule_as_a_code():
    found = azure_commands(sample())
    assert {command.name for command in found} == {"task.logissue"}
    assert Counter(command.properties["type"] for command in found) == {"warning": 9, "error": 2}
    (template,) = [c for c in found if c.properties.get("linenumber") == "32"]
    assert template.properties == {
        "type": "warning",
        "sourcepath": "infra/modules/storage.bicep",
        "linenumber": "32",
        "columnnumber": "13",
        "code": "storage-blob-soft-delete",
    }
    assert text_of(sample(), "azuredevops").startswith("Failing and incomplete: 3 findings below the baseline;")
    assert "task.complete" not in text_of(sample(), "azuredevops")


@pytest.mark.parametrize("text", [*HOSTILE, *MORE])
def test_no_name_becomes_a_command_or_a_property_for_azure_pipelines(text):
    found = azure_commands(named(text))
    assert [(command.name, command.properties["type"]) for command in found] == [
        ("task.logissue", "warning"),
        ("task.logissue", "error"),
    ]
    for command in found:
        assert set(command.properties) <= {"type", "sourcepath", "linenumber", "columnnumber", "code"}


def test_azure_pipelines_is_given_ten_of_a_kind():
    report = report_of(
        findings(30, Outcome.FAIL) + findings(5, Outcome.FAIL, Severity.LOW) + findings(9, Outcome.UNKNOWN)
    )
    assert Counter(command.properties["type"] for command in azure_commands(report)) == {"error": 10, "warning": 10}
    assert "Not shown as notes: 20 errors, 4 warnings" in text_of(report, "azuredevops").splitlines()[0]


# ── the step summary ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", EVERY)
def test_a_summary_that_fits_is_the_markdown_report(make):
    assert text_of(make(), "github-summary") == text_of(make(), "markdown")


def test_a_summary_that_would_be_refused_is_cut_at_a_line_and_says_so():
    model = sample().findings[10]
    evidence = tuple(model.evidence[0]._replace(path="p" * 4_000 + str(n)) for n in range(2))
    found = [f._replace(evidence=evidence) for f in findings(500, Outcome.FAIL)]
    report = report_of(found, gaps(3))
    whole = text_of(report, "markdown")
    assert len(whole.encode()) > github_summary.MAX_BYTES
    text = text_of(report, "github-summary")
    assert len(text.encode()) <= github_summary.MAX_BYTES
    assert text.startswith(whole[: text.index("<details>")])
    assert "## Not read (3)" in text
    assert text.count("<details>") == text.count("</details>") == 1
    left_out = int(
        re.search(r"\*\*Cut here\.\*\* GitHub takes 1 MiB of summary; ([\d,]+) more lines", text)[1].replace(",", "")
    )  # type: ignore[index]
    assert len(text.split("\n</details>\n\n**Cut")[0].splitlines()) + left_out == len(whole.splitlines())


def test_a_template_of_ones_own_makes_the_summary_too(tmp_path):
    (tmp_path / "markdown.md.j2").write_text("{{ report.baseline }} is ours")
    assert "".join(render(sample(), "github-summary", template_dir=tmp_path)) == "standard-deployment is ours"


# ── GitLab ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_gitlab_is_told_what_to_act_on_and_what_was_not_read():
    entries = json.loads(text_of(sample(), "gitlab"))
    assert [(entry["check_name"], entry["severity"]) for entry in entries] == [
        ("not-read", "major"),
        ("not-read", "major"),
        ("keyvault-purge-protection", "blocker"),
        ("storage-blob-soft-delete", "critical"),
        ("storage-blob-versioning", "major"),
        ("storage-blob-soft-delete", "major"),
        ("appconfig-purge-protection", "major"),
        ("storage-blob-versioning", "major"),
        *[("waiver", "minor")] * 3,
    ]
    assert entries[-1]["location"] == {"path": "infra/main.bicep", "lines": {"begin": 9}}
    assert entries[5]["location"] == {"path": "infra/modules/storage.bicep", "lines": {"begin": 32}}
    assert entries[2]["location"]["path"].endswith("providers/Microsoft.KeyVault/vaults/kv-fllm-auth")
    assert entries[2]["location"]["lines"] == {"begin": 1}
    low = json.loads(
        text_of(report_of(findings(1, Outcome.FAIL, Severity.LOW) + findings(1, Outcome.FAIL, Severity.INFO)), "gitlab")
    )
    assert [entry["severity"] for entry in low] == ["minor", "info"]


@pytest.mark.parametrize("make", EVERY)
def test_gitlab_has_of_every_entry_what_it_needs(make):
    entries = json.loads(text_of(make(), "gitlab"))
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["description"]
        assert re.fullmatch(r"[0-9a-f]{32}:\d+", entry["fingerprint"])
        assert entry["location"]["path"]
        assert not entry["location"]["path"].startswith(("/subscriptions", "./"))
        assert entry["location"]["lines"]["begin"] >= 1
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


# ── JUnit ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def suites_of(report: Report) -> junitparser.JUnitXml:
    return junitparser.JUnitXml.fromstring(text_of(report, "junit").encode("utf-8"))


def test_a_stock_reader_finds_a_suite_a_resource_and_a_case_a_finding():
    suites = suites_of(sample())
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (17, 3, 5, 7)
    assert len(list(suites)) == 8
    cases = {(case.classname, case.name): case for suite in suites for case in suite}
    assert len(cases) == 17
    assert cases["cosmosdb.rg-fllm-data.cdb-fllm-prod", "cosmosdb-backup-continuous"].is_passed
    (failed,) = cases["storage.rg-fllm-data.stfllmprod", "storage-blob-soft-delete"].result
    assert isinstance(failed, junitparser.Failure)
    assert (failed.message, failed.type) == ("Deleted blobs are kept 7 days, expected at least 30 days", "high")
    assert "deleteRetentionPolicy.days = 7, expected at least 30 days; explicit" in failed.text
    (waived_case,) = cases["storage.rg-fllm-data.dlsfllmprod", "storage-blob-soft-delete"].result
    assert isinstance(waived_case, junitparser.Skipped)
    assert (
        f"Waived until {ACTIVE_WAIVER.expires} by {ACTIVE_WAIVER.owner}: {ACTIVE_WAIVER.reason}" in waived_case.message
    )
    (expired,) = cases["keyvault.rg-fllm-data.kv-fllm-auth", "keyvault-purge-protection"].result
    assert isinstance(expired, junitparser.Failure)
    assert "does not count" in expired.message
    (inapplicable,) = cases["storage.rg-fllm-data.dlsfllmprod", "storage-blob-versioning"].result
    assert isinstance(inapplicable, junitparser.Skipped)
    (unknown,) = cases["appconfig.rg-fllm-data.appcs-fllm-prod", "appconfig-purge-protection"].result
    assert (type(unknown), unknown.type) == (junitparser.Error, "unknown")
    (gap,) = cases["not-read", "infra/legacy.bicep"].result
    assert (type(gap), gap.type) == (junitparser.Error, "not-read")


@pytest.mark.parametrize("make", EVERY)
def test_the_numbers_of_a_suite_are_those_of_its_cases(make):
    root = ET.fromstring(text_of(make(), "junit"))
    everything = Counter[str]()
    for suite in root:
        inside = Counter(child.tag for case in suite for child in case)
        numbers = {"failure": "failures", "error": "errors", "skipped": "skipped"}
        assert {suite.get(name) for name in ("tests",)} == {str(len(suite))}
        assert {tag: int(suite.get(name, "")) for tag, name in numbers.items()} == {tag: inside[tag] for tag in numbers}
        everything += inside
    assert int(root.get("errors", "")) == everything["error"]
    assert int(root.get("failures", "")) == everything["failure"]
    assert int(root.get("skipped", "")) == everything["skipped"]


def test_a_file_and_a_line_are_there_where_there_are_any():
    root = ET.fromstring(text_of(sample(), "junit"))
    places = {(case.get("file"), case.get("line")) for case in root.iter("testcase")}
    assert places == {
        (None, None),
        ("infra/legacy.bicep", "17"),
        ("infra/modules/storage.bicep", "32"),
        ("infra/modules/storage.bicep", "12"),
        ("waivers.yaml", "13"),
        ("waivers.yaml", "7"),
        ("infra/main.bicep", "9"),
    }


def test_nothing_audited_is_an_error_and_gaps_alone_are_errors():
    empty = suites_of(empty_sample())
    assert (empty.tests, empty.errors) == (1, 1)
    only = suites_of(report_of([], gaps(3)))
    assert (only.tests, only.errors) == (4, 4)
    clean = suites_of(clean_sample())
    assert (clean.tests, clean.errors, clean.failures) == (2, 0, 0)


@pytest.mark.parametrize("text", [*HOSTILE, *MORE, "]]><testcase/>", "<!DOCTYPE x>&y;"])
def test_no_name_breaks_the_xml(text):
    root = ET.fromstring(text_of(named(text), "junit"))
    assert Counter(element.tag for element in root.iter()) == {
        "testsuites": 1,
        "testsuite": 2,
        "testcase": 2,
        "failure": 1,
        "error": 1,
    }


def test_a_failure_of_a_subject_in_two_places_makes_two_suites_and_loses_nothing():
    one, other = findings(2, Outcome.FAIL)
    root = ET.fromstring(text_of(report_of([one, other, one]), "junit"))
    assert (root.get("tests"), len(list(root.iter("testcase")))) == ("3", 3)


# ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["github", "azuredevops", "gitlab", "junit", "github-summary"])
def test_ten_thousand_findings_come_in_small_chunks(name):
    longest = number = 0
    for chunk in render(report_of(findings(6_000, Outcome.FAIL) + in_template(6_000)), name):
        longest, number = max(longest, len(chunk)), number + 1
    assert longest < 400_000
    assert number > 10
    if name in ("gitlab", "junit"):
        assert number > 12_000


@pytest.mark.parametrize("name", ["github", "azuredevops", "gitlab", "junit"])
def test_any_language_comes_through(name):
    finding = sample().findings[2]
    report = report_of([finding._replace(message="größe 日本 🙂")])
    text = text_of(report, name)
    text = json.loads(text)[0]["description"] if name == "gitlab" else text
    assert "größe 日本 🙂" in text


ACTING = st.text(
    st.sampled_from([*"::#[]%;,=@-|<>`'\" \n\r\x1b\x85vsoerendgroup0AD\\/.{}$", "\u2028", "\u202e"]), max_size=50
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(ACTING, min_size=1, max_size=3))
def test_whatever_an_estate_is_called_each_line_is_one_command_of_ours(texts: list[str]) -> None:
    report = named(*texts)
    for line in text_of(report, "github").splitlines():
        command = re.fullmatch(r"::(error|notice|warning)( [a-z]+=[^:,]*(,[a-z]+=[^:,]*)*)?::(?P<text>.*)", line)
        assert command is not None, line
        assert not re.search(r"::|##\[|##vso\[", command["text"], re.IGNORECASE)
    head, *lines = text_of(report, "azuredevops").splitlines()
    assert not head.startswith("##")
    for line in lines:
        command = re.fullmatch(r"##vso\[task\.logissue ([a-z]+=[^;\]]*;)+\](?P<text>.*)", line)
        assert command is not None, line
        assert not re.search(r"##\[|##vso\[", command["text"], re.IGNORECASE)
    assert json.loads(text_of(report, "gitlab"))
    assert junitparser.JUnitXml.fromstring(text_of(report, "junit").encode())


def test_a_time_that_is_none_leaves_no_timestamp():
    report = dataclasses.replace(sample(), generated_at="2026-99-99T00:00:00Z")
    assert "timestamp" not in text_of(report, "junit")
    assert 'timestamp="2026-11-22T10:15:00"' in text_of(sample(), "junit")

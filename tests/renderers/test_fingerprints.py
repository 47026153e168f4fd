"""A finding keeps its fingerprint over a reordered, reformatted and moved template; and no two are alike."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from auditor import audit
from auditor.model import Origin, Outcome
from auditor.renderers import render
from auditor.renderers.locations import Fingerprints, place
from tests.renderers.large_report import findings, report_of
from tests.renderers.sample_report import TEMPLATE, sample

Identity = tuple[str, str, str]
TOP = ("targetScope", "import ", "metadata ")


def blocks(text: str) -> list[str]:
    """The declarations of a Bicep file, each with the comments and decorators above it."""
    found: list[list[str]] = [[]]
    depth = 0
    for line in text.splitlines():
        if not line.strip() and depth == 0:
            found.append([])
            continue
        found[-1].append(line)
        code = re.sub(r"'(?:\\.|[^'\\])*'|//.*", "", line)
        depth += len(re.findall(r"[\[({]", code)) - len(re.findall(r"[\])}]", code))
    return ["\n".join(block) for block in found if block]


def reordered(text: str) -> str:
    """The declarations in the reverse order, below what must come first."""
    found = blocks(text)
    first = [block for block in found if any(line.startswith(TOP) for line in block.splitlines())]
    return "\n\n".join([*first, *reversed([block for block in found if block not in first])]) + "\n"


def reformatted(text: str) -> str:
    """Blank lines, comments and blanks wherever Bicep takes them."""
    lines = ["// laid out anew", "", ""]
    for line in text.splitlines():
        code = re.sub(r"^( *)", r"\1\1  ", line)
        lines += [code + ("  // kept" if line.rstrip().endswith(("{", "[")) else "   "), ""]
    text = "\n".join(lines) + "\n"
    return re.sub(r"\$\{(\w+)\}", r"${  \1  }", text)


@pytest.fixture
def estate(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample estate, in a folder that scans begin in."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(home / "samples" / "estate" / "bicep", tmp_path / "infra"))


def scanned(folder: str, **options: Any) -> dict[Identity, tuple[str, int]]:
    """Rule, kind and fingerprint of every result, with its place."""
    report = audit(folder, **options)
    assert not report.gaps
    (run,) = json.loads("".join(render(report, "sarif")))["runs"]
    found = {}
    for one in run["results"]:
        where = one["locations"][0]["physicalLocation"]
        identity = (one["ruleId"], one["kind"], one["partialFingerprints"]["primaryLocationLineHash"])
        found[identity] = (where["artifactLocation"]["uri"], where["region"]["startLine"])
    assert len(found) == len(run["results"]) == len(report.findings) > 100
    return found


def rewrite(folder: Path, change: Any) -> None:
    for path in folder.rglob("*.bicep"):
        path.write_text(change(path.read_text("utf-8")), "utf-8")


@pytest.mark.parametrize("change", [reordered, reformatted, lambda text: reformatted(reordered(text))])
def test_a_finding_keeps_its_fingerprint_however_its_template_is_laid_out(estate, change):
    before = scanned("infra")
    rewrite(estate, change)
    after = scanned("infra")
    assert after.keys() == before.keys()
    assert sum(after[key] != before[key] for key in before) > len(before) / 2, "nothing was laid out anew"


def test_a_finding_keeps_its_fingerprint_when_its_template_moves(estate):
    before = scanned("infra")
    rewrite(estate, lambda text: reformatted(reordered(text)))
    moved = Path("platform/deploy/azure")
    moved.parent.mkdir(parents=True)
    estate.rename(moved)
    after = scanned("platform")
    assert after.keys() == before.keys()
    assert not {path for path, _ in after.values()} & {path for path, _ in before.values()}


def test_the_fingerprint_is_that_of_every_format_that_has_one(estate):
    report = audit("infra")
    by_format = {
        "gitlab": {entry["fingerprint"] for entry in json.loads("".join(render(report, "gitlab")))},
        "github-sarif": {
            result["partialFingerprints"]["auditor/v1"]
            for run in json.loads("".join(render(report, "github-sarif")))["runs"]
            for result in run["results"]
        },
    }
    assert by_format["gitlab"] == by_format["github-sarif"]
    assert len(by_format["gitlab"]) == sum(f.outcome in (Outcome.FAIL, Outcome.UNKNOWN) for f in report.findings) > 5


def test_a_subscription_that_is_not_known_is_a_constant_and_one_that_is_makes_another_resource(estate):
    open_ended = scanned("infra")
    named = scanned("infra", subscription="5f0c2f6e-2c2d-4d3e-9c63-0f5a3a1f7b10")
    assert not named.keys() & open_ended.keys()
    assert scanned("infra").keys() == open_ended.keys()


def test_two_findings_with_one_key_have_two_fingerprints():
    finding = sample().findings[2]
    entries = json.loads("".join(render(report_of([finding, finding, *findings(1, Outcome.FAIL)]), "gitlab")))
    names = [entry["fingerprint"] for entry in entries]
    assert len(set(names)) == 3
    assert sorted(name.rpartition(":")[2] for name in names) == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/subscriptions/S/x", "/SUBSCRIPTIONS/s/X", True),
        ("/s/kv-{uniqueString(group.id)}", "/s/kv-{ uniqueString( group.id ) }", True),
        ("/s/straße", "/s/STRASSE", True),
        ("/s/a", "/s/b", False),
        ("/s/ab", "/s/a\0b", False),
    ],
)
def test_case_and_layout_do_not_matter(one, other, same):
    assert (Fingerprints().of("rule", one) == Fingerprints().of("rule", other)) is same


def test_a_rule_and_a_resource_do_not_run_into_each_other():
    assert Fingerprints().of("a-b", "c") != Fingerprints().of("a", "-bc")


@pytest.mark.parametrize(
    ("uri", "path", "live"),
    [
        ("https://management.azure.com/subscriptions/s/x?api-version=1", "subscriptions/s/x", True),
        ("https://management.azure.com/subscriptions/s/a%20b", "subscriptions/s/a b", True),
        ("https://management.azure.com", "s/fallback", True),
        ("https://", "s/fallback", True),
        ("", "s/fallback", True),
        ("infra/main.bicep", "infra/main.bicep", False),
    ],
)
def test_a_place_is_a_path(uri, path, live):
    found = place(Origin(uri), "/s/fallback")
    assert (found.path, found.live) == (path, live)


def test_a_place_has_a_line_only_where_there_is_one():
    assert place(Origin("a", 0, 4))[1:3] == (None, None)
    assert place(Origin("a", 4, 0))[1:3] == (4, None)
    assert place(Origin("", None), "").path == "unknown"
    assert TEMPLATE.origin.line == 12


def test_a_name_that_is_left_open_keeps_its_fingerprint_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vault = "resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {\n  name: %s\n  location: 'westeurope'\n}\n"
    account = "resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {\n  name: 'st${uniqueString(resourceGroup().id)}'\n}\n"
    Path("one").mkdir()
    Path("one/main.bicep").write_text(vault % "reference(account.id).label" + account)
    Path("two/deep").mkdir(parents=True)
    Path("two/deep/start.bicep").write_text(account + "\n\n" + vault % "reference( account.id ).label")
    fingerprints = []
    for folder in ("one", "two"):
        (run,) = json.loads("".join(render(audit(folder), "sarif")))["runs"]
        names = {result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for result in run["results"]}
        assert any("{reference(" in name for name in names)
        fingerprints.append({result["partialFingerprints"]["auditor/v1"] for result in run["results"]})
    assert fingerprints[0] == fingerprints[1]
    assert len(fingerprints[0]) > 10

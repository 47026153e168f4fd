"""`--changed-only`: what a change reaches is audited, what it does not reach is left out and said to be."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from auditor import cli, services, sources
from auditor.errors import UsageError
from auditor.model import Gap, Record, Resource, Scope
from auditor.sources.files import checkout as checkouts
from tests.checkouts import Checkout
from tests.scans import scan

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

STORE = """param name string
param sku string = 'Standard_LRS'
resource store 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: 'westeurope'
  sku: { name: sku }
  kind: 'StorageV2'
}
"""
VALUES = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
TEMPLATE = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def values(**given: str) -> str:
    parameters = {name: {"value": value} for name, value in given.items()}
    return json.dumps({"$schema": VALUES, "contentVersion": "1.0.0.0", "parameters": parameters})


def calling(path: str, name: str, more: str = "") -> str:
    return f"module m '{path}' = {{ name: 'm', params: {{ name: '{name}' }} }}\n{more}"


def linked(path: str) -> str:
    link = {"relativePath": path}
    properties = {"mode": "Incremental", "templateLink": link, "parameters": {"name": {"value": "linked"}}}
    deployment = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "l",
        "properties": properties,
    }
    return json.dumps({"$schema": TEMPLATE, "contentVersion": "1.0.0.0", "resources": [deployment]})


def account(name: str) -> str:
    lines = (f'name = "{name}"', 'resource_group_name = "rg"', 'location = "westeurope"', 'account_tier = "Standard"')
    body = "\n  ".join((*lines, 'account_replication_type = "LRS"'))
    return f'resource "azurerm_storage_account" "a" {{\n  {body}\n}}\n'


ARM_STORE = json.dumps(
    {
        "$schema": TEMPLATE,
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string"}},
        "resources": [
            {
                "type": "Microsoft.Storage/storageAccounts",
                "apiVersion": "2023-05-01",
                "name": "[parameters('name')]",
                "location": "westeurope",
                "sku": {"name": "Standard_LRS"},
                "kind": "StorageV2",
            }
        ],
    }
)

ESTATE = {
    "shared/store.bicep": STORE,
    "shared/names.bicep": "@export()\nvar prefix = 'st'\n",
    "one/main.bicep": calling("../shared/store.bicep", "stone"),
    "two/main.bicep": "import { prefix } from '../shared/names.bicep'\n"
    + STORE.replace("name: name", "name: '${prefix}two'"),
    "two/main.dev.parameters.json": values(name="dev"),
    "two/main.prod.parameters.json": values(name="prod"),
    "three/main.bicep": STORE.replace("name: name", "name: loadTextContent('name.txt')"),
    "three/name.txt": "stthree",
    "four/site.bicep": STORE,
    "four/base.bicepparam": "param sku = 'Standard_GRS'\n",
    "four/prod.bicepparam": "using 'site.bicep'\nextends 'base.bicepparam'\nparam name = 'stfour'\n",
    "five/azuredeploy.json": linked("nested/store.json"),
    "five/nested/store.json": ARM_STORE,
    "six/anything.bicep": STORE,
    "six/values.json": values(name="stsix"),
    "seven/azure.yaml": "name: seven\ninfra:\n  path: deploy\n",
    "seven/deploy/main.bicep": STORE,
    "seven/deploy/main.parameters.json": values(name="${NAME=stseven}"),
    "bicepconfig.json": '{"moduleAliases": {}}',
    "tf/main.tf": 'module "m" {\n  source = "./store"\n  name   = var.name\n}\nvariable "name" {}\n',
    "tf/terraform.tfvars": 'name = "sttf"\n',
    "tf/store/main.tf": 'variable "name" {}\n' + account("x").replace('"x"', "var.name"),
    "plain/main.tf": account("stplain"),
    "README.md": "Templates.\n",
}
ENTRIES = {
    "one/main.bicep", "two/main.bicep main.dev.parameters.json", "two/main.bicep main.prod.parameters.json",
    "three/main.bicep", "four/site.bicep prod.bicepparam", "five/azuredeploy.json", "six/anything.bicep values.json",
    "seven/deploy/main.bicep main.parameters.json", "tf", "plain",
}  # fmt: skip


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout that is the working directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Checkout(tmp_path / "estate", ESTATE)
    monkeypatch.chdir(made.folder)
    return made


def records(*targets: str, base: str = "", **options: object) -> list[Record]:
    given = sources.CollectOptions(changed_only=base, **options)  # type: ignore[arg-type]
    return list(sources.collect(targets or (".",), given, services.catalog()))


def label(scope: Scope) -> str:
    terraform = scope.kind.startswith("Terraform")
    return scope.id if terraform or not scope.name else f"{scope.id} {scope.name}"


def entries(found: list[Record]) -> dict[str, list[Record]]:
    """The resources and gaps of each entry point: those that come before its scope and stand in its files."""
    result: dict[str, list[Record]] = {}
    waiting: list[Record] = []
    for record in found:
        if isinstance(record, Scope) and is_entry(record):
            result[label(record)] = [one for one in waiting if is_of(record, one)]
            waiting = []
        else:
            waiting.append(record)
    return result


def is_of(scope: Scope, record: Record) -> bool:
    if isinstance(record, Gap):
        return any(origin.uri.startswith(scope.id) for origin in (record.origin, *record.origin.via))
    return isinstance(record, Resource)


def is_entry(scope: Scope) -> bool:
    return not scope.left_out and "data store" in scope.state


def left_out(found: list[Record]) -> set[str]:
    return {label(record) for record in found if isinstance(record, Scope) and record.left_out}


# ── what is reached ──────────────────────────────────────────────────────────────────────────────────────────────────

REACHED = {
    "README.md": set(),
    "one/main.bicep": {"one/main.bicep"},
    "shared/store.bicep": {"one/main.bicep"},
    "shared/names.bicep": {"two/main.bicep main.dev.parameters.json", "two/main.bicep main.prod.parameters.json"},
    "two/main.dev.parameters.json": {"two/main.bicep main.dev.parameters.json"},
    "three/name.txt": {"three/main.bicep"},
    "four/base.bicepparam": {"four/site.bicep prod.bicepparam"},
    "four/prod.bicepparam": {"four/site.bicep prod.bicepparam"},
    "five/nested/store.json": {"five/azuredeploy.json"},
    "six/values.json": {"six/anything.bicep values.json"},
    "seven/azure.yaml": {"seven/deploy/main.bicep main.parameters.json"},
    "tf/terraform.tfvars": {"tf"},
    "tf/store/main.tf": {"tf"},
    "plain/main.tf": {"plain"},
    "bicepconfig.json": ENTRIES - {"tf", "plain"},
}


@pytest.mark.parametrize("name", REACHED)
def test_a_change_is_audited_where_it_reaches_and_nowhere_else(estate: Checkout, name: str) -> None:
    text = ESTATE[name]
    estate.commit({name: text + ("\n" if name.endswith("json") else "// \n" if "bicep" in name else "# \n")})
    found = records(base="main")
    assert entries(found).keys() == REACHED[name]
    assert left_out(found) == ENTRIES - REACHED[name]


def test_the_estate_has_these_entries(estate: Checkout) -> None:
    assert entries(records()).keys() == ENTRIES


@pytest.mark.parametrize("how", ["committed", "staged", "edited", "untracked"])
def test_what_is_not_committed_counts_too(estate: Checkout, how: str) -> None:
    name = "three/main.bicep"
    if how == "untracked":
        name = "new/main.bicep"
    estate.write({name: STORE.replace("name: name", "name: 'stnew'")})
    if how in ("staged", "committed"):
        estate.git("add", "-A")
    if how == "committed":
        estate.git("commit", "-q", "-m", "x")
    assert entries(records(base="main")).keys() == {name}


def test_what_others_changed_on_the_base_meanwhile_is_not_this_branchs(estate: Checkout) -> None:
    estate.git("switch", "-q", "main")
    estate.commit({"one/main.bicep": calling("../shared/store.bicep", "other")})
    estate.git("switch", "-q", "work")
    estate.commit({"three/name.txt": "stother"})
    assert entries(records(base="main")).keys() == {"three/main.bicep"}


def test_files_that_git_ignores_cannot_be_compared_and_count_as_changed(estate: Checkout) -> None:
    estate.commit({".gitignore": "three/name.txt\n"})
    estate.git("rm", "-q", "--cached", "three/name.txt")
    estate.git("commit", "-q", "-m", "x")
    estate.git("branch", "-f", "base")
    assert entries(records(base="base")).keys() == {"three/main.bicep"}


# ── it never leaves out what a change may have made another ──────────────────────────────────────────────────────────

MUTATIONS = {
    **{f"delete {name}": {name: None} for name in ESTATE},
    "a caller calls no more": {"one/main.bicep": STORE},
    "a caller is new": {"two/all.bicep": calling("main.bicep", "stall")},
    "parameters go with another template": {"six/other.bicep": STORE},
    "parameters fit no more": {"six/values.json": values(other="x")},
    "parameters for another template": {"four/prod.bicepparam": "using '../six/anything.bicep'\nparam name = 'x'\n"},
    "a file is where none was": {"three/bicepconfig.json": "{}"},
    "an azd project is new": {"shared/azure.yaml": "name: x\ninfra:\n  path: .\n  module: store\n"},
    "a template becomes a module only": {"shared/store.bicep": "@export()\nvar a = 1\n"},
    "a template that exported deploys": {"shared/names.bicep": STORE},
    "Terraform calls no more": {"tf/main.tf": account("sttf")},
    "Terraform calls another": {"plain/main.tf": 'module "m" {\n  source = "../tf/store"\n  name = "x"\n}\n'},
    "a variable file is new": {"tf/more.auto.tfvars": 'name = "more"\n'},
    "broken": {"shared/store.bicep": "resource store '"},
    "a computed name is loaded": {"three/main.bicep": STORE.replace("name: name", "name: loadTextContent(f)\n") + "var f = 'name.txt'\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_nothing_is_left_out_whose_verdict_a_change_could_have_changed(estate: Checkout, name: str) -> None:
    before = entries(records())
    for path, text in MUTATIONS[name].items():
        if text is None:
            (estate.folder / path).unlink()
        else:
            estate.write({path: text})
    now, found = entries(records()), records(base="main")
    audited = entries(found)
    assert audited == {name: now[name] for name in audited}, "what is audited is audited as ever"
    assert now.keys() == audited.keys() | left_out(found)
    assert {name for name in now if now[name] != before.get(name)} <= audited.keys()


def test_what_loads_a_computed_name_is_always_audited(estate: Checkout) -> None:
    estate.commit({"three/main.bicep": ESTATE["three/main.bicep"].replace("'name.txt'", "f") + "var f = 'name.txt'\n"})
    estate.git("branch", "-f", "base")
    assert entries(records(base="base")).keys() == {"three/main.bicep"}


def test_terraform_that_reads_files_is_audited_with_every_change(estate: Checkout) -> None:
    estate.commit({"plain/main.tf": account("x").replace('"x"', 'file("../three/name.txt")')})
    estate.git("branch", "-f", "base")
    assert entries(records(base="base")).keys() == set()
    estate.commit({"three/name.txt": "other"})
    assert entries(records(base="base")).keys() == {"plain", "three/main.bicep"}


def test_what_could_not_be_read_is_told_whether_it_changed_or_not(estate: Checkout) -> None:
    estate.commit({"shared/broken.bicep": "resource store '"})
    estate.git("branch", "-f", "base")
    found = records(base="base")
    assert [record.origin.uri for record in found if isinstance(record, Gap)] == ["shared/broken.bicep"]


def test_a_link_that_leads_elsewhere_now_is_a_change(estate: Checkout) -> None:
    estate.write({"links/a/store.bicep": STORE, "links/b/store.bicep": STORE.replace("LRS", "GRS")})
    (estate.folder / "links/current").symlink_to("a", target_is_directory=True)
    estate.commit({"one/main.bicep": calling("../links/current/store.bicep", "stone")})
    estate.git("branch", "-f", "base")
    (estate.folder / "links/current").unlink()
    (estate.folder / "links/current").symlink_to("b", target_is_directory=True)
    assert "one/main.bicep" in entries(records(base="base"))


def test_a_target_that_is_a_link_and_leads_elsewhere_now_is_audited_whole(estate: Checkout) -> None:
    link = estate.folder / "current"
    link.symlink_to("one", target_is_directory=True)
    estate.commit({})
    estate.git("branch", "-f", "base")
    assert left_out(records("current", base="base")) == {"one/main.bicep"}
    link.unlink()
    link.symlink_to("six", target_is_directory=True)
    assert entries(records("current", base="base")).keys() == {"six/anything.bicep values.json"}


def test_what_a_link_to_a_loaded_file_leads_to_counts(estate: Checkout) -> None:
    (estate.folder / "three/name.txt").rename(estate.folder / "name.txt")
    (estate.folder / "three/name.txt").symlink_to("../name.txt")
    estate.commit({})
    estate.git("branch", "-f", "base")
    estate.write({"name.txt": "stother"})
    assert entries(records(base="base")).keys() == {"three/main.bicep"}


def test_what_was_not_understood_whole_may_reach_anything(estate: Checkout) -> None:
    estate.commit({"one/main.bicep": ESTATE["one/main.bicep"] + "module n '../two/\n"})
    estate.git("branch", "-f", "base")
    assert entries(records(base="base")).keys() == {"one/main.bicep"}


def test_a_file_as_large_and_as_old_as_it_was_is_looked_at_again(estate: Checkout) -> None:
    # What git trusts is a file that is older than its index. This one is as old, and nothing else tells them apart.
    estate.git("config", "core.trustctime", "false")
    file, index = estate.folder / "three/name.txt", estate.folder / ".git/index"
    moment = file.stat().st_mtime_ns
    estate.write({"three/name.txt": "stother"})
    for path in (file, index):
        os.utime(path, ns=(moment, moment))
    assert entries(records(base="main")).keys() == {"three/main.bicep"}


def test_parameters_that_are_given_count_as_those_that_are_found(estate: Checkout) -> None:
    given = {"parameters": (Path("extra/values.json"),)}
    estate.commit({"extra/values.json": values(name="stextra")})
    estate.git("branch", "-f", "base")
    assert left_out(records("six", base="base", **given)) == {"six/anything.bicep values.json"}
    estate.commit({"extra/values.json": values(name="stother")})
    assert entries(records("six", base="base", **given)).keys() == {"six/anything.bicep values.json"}


# ── what cannot be ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("base", ["-main", "--output=x", "", " ", "main\0x", "main\nx", "x" * 501])
def test_names_that_are_none_never_reach_git(estate: Checkout, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts.subprocess, "run", None)
    with pytest.raises(UsageError, match="no name of a commit"):
        checkouts.changes(estate.folder, base)


@pytest.mark.parametrize(
    "base", ["no-such-branch", "HEAD:README.md", "main main", "$(touch pwned)", "`touch pwned`", "@{-5}"]
)
def test_a_commit_that_is_not_known_ends_with_2_and_says_how_to_have_it(
    estate: Checkout, base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["--no-config", "scan", ".", "--changed-only", base]) == 2
    said = capsys.readouterr().err
    assert "the checkout has no such commit" in said
    assert "fetch-depth: 0" in said
    assert not (estate.folder / "pwned").exists()


def test_branches_without_a_common_commit_are_told(estate: Checkout) -> None:
    estate.git("checkout", "-q", "--orphan", "alone")
    estate.git("commit", "-q", "-m", "x")
    with pytest.raises(UsageError, match="no commit in common"):
        records(base="main")


def test_outside_of_a_checkout_it_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "main.bicep").write_text(STORE)
    with pytest.raises(UsageError, match="needs a git checkout"):
        records(str(tmp_path), base="main")


def test_targets_of_several_checkouts_cannot_be(estate: Checkout, tmp_path: Path) -> None:
    other = Checkout(tmp_path / "other", {"main.bicep": STORE})
    with pytest.raises(UsageError, match="looks at one git checkout"):
        records(".", str(other.folder), base="main")


def test_a_live_deployment_has_no_files_that_change(estate: Checkout) -> None:
    with pytest.raises(UsageError, match="is live"):
        records(".", "azure:", base="main")


def test_without_git_it_cannot_be(estate: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="needs git"):
        records(base="main")


# ── git runs nothing else ────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_a_checkout_configures_is_run(estate: Checkout) -> None:
    trap = estate.folder.parent / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {estate.folder.parent}/sprung\ncat\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    estate.commit({".gitattributes": "* filter=trap diff=trap\n"})
    for key in (
        "core.fsmonitor", "diff.external", "diff.trap.command", "diff.trap.textconv", "filter.trap.clean",
        "filter.trap.smudge", "filter.trap.process", "core.pager", "pager.diff", "core.sshCommand",
    ):  # fmt: skip
        estate.git("config", key, str(trap))
    estate.git("config", "filter.trap.required", "true")
    (estate.folder / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman"):
        shutil.copy(trap, estate.folder / ".git/hooks" / hook)
    sprung = estate.folder.parent / "sprung"
    sprung.unlink(missing_ok=True)
    estate.write({"three/name.txt": "stother"})
    os.utime(estate.folder / "one/main.bicep", (1, 1))
    index = (estate.folder / ".git/index").read_bytes()
    assert "three/main.bicep" in entries(records(base="main"))
    assert not sprung.exists()
    assert (estate.folder / ".git/index").read_bytes() == index, "nothing is written either"


def test_a_hook_that_points_git_elsewhere_does_not_mislead(
    estate: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Checkout(tmp_path / "other", {"README.md": "x"})
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.folder / ".git/index"))
    assert left_out(records(base="main")) == ENTRIES


def test_odd_names_are_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a b/main.bicep", 'q"uote/main.bicep', "new\nline/main.bicep", "ünï/main.bicep", "-dash/main.bicep"]
    made = Checkout(tmp_path / "odd", dict.fromkeys(names, STORE))
    monkeypatch.chdir(made.folder)
    for name in names:
        made.write({name: STORE + "//\n"})
        assert entries(records(base="main")).keys() == {name}
        made.write({name: STORE})


def test_what_is_changed_in_a_submodule_counts(estate: Checkout, tmp_path: Path) -> None:
    Checkout(tmp_path / "inner", {"inner.bicep": STORE})
    estate.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "inner"), "sub")
    estate.commit({"one/main.bicep": calling("../sub/inner.bicep", "stone")})
    estate.git("branch", "-f", "base")
    assert entries(records("one", base="base")) == {}
    estate.write({"sub/inner.bicep": STORE.replace("LRS", "GRS")})
    assert entries(records("one", base="base")).keys() == {"one/main.bicep"}


def test_the_index_is_not_ours_to_write_and_a_place_for_its_copy_is_needed(
    estate: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts.tempfile, "tempdir", "/proc/none")
    with pytest.raises(UsageError, match="cannot copy git's index"):
        records(base="main")


# ── what a report says ───────────────────────────────────────────────────────────────────────────────────────────────


def test_when_nothing_that_changed_is_audited_that_is_clean_and_said(estate: Checkout, tmp_path: Path) -> None:
    estate.commit({"README.md": "Other.\n"})
    formats = ("text", "markdown", "html", "junit", "sarif", "oscal", "github", "azuredevops", "gitlab", "csv")
    outputs = [part for name in formats for part in ("--format", f"{name}={tmp_path}/{name}")]
    found = scan(tmp_path, ".", "--changed-only", "main", *outputs)
    assert found.code == 0
    assert found.report["summary"]["resources"] == 0
    states = [one["state"] for one in found.report["scopes"]]
    assert states.count("left out: nothing it reads differs since main") == len(ENTRIES)
    for name in ("text", "markdown", "html", "github", "azuredevops"):
        assert "Nothing that changed is audited: 10 entry points were left out." in (tmp_path / name).read_text(), name
    assert (tmp_path / "junit").read_text().count("<skipped") == len(ENTRIES)
    assert "<error" not in (tmp_path / "junit").read_text()
    run = json.loads((tmp_path / "sarif").read_text())["runs"][0]["invocations"][0]
    assert (run["executionSuccessful"], run["exitCode"]) == (True, 0)
    assert [note["descriptor"]["id"] for note in run["toolExecutionNotifications"]] == ["not-changed"]


def test_a_folder_without_templates_is_still_nothing_to_audit(estate: Checkout) -> None:
    estate.commit({"docs/a.md": "x"})
    assert cli.run(["--no-config", "scan", "docs", "--changed-only", "main", "-q"]) == 4


def test_a_verdict_on_a_part_says_that_it_is_one(estate: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    estate.commit({"three/name.txt": "stother"})
    assert cli.run(["--no-config", "scan", ".", "--changed-only", "main"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Only what a change reaches was audited; 9 entry points were left out." in said


def test_no_control_is_satisfied_by_a_part(estate: Checkout, tmp_path: Path) -> None:
    estate.commit({"three/name.txt": "stother"})
    scan(tmp_path, ".", "--changed-only", "main", "--format", f"oscal={tmp_path}/oscal")
    result = json.loads((tmp_path / "oscal").read_text())["assessment-results"]["results"][0]
    assert {one["target"]["status"]["state"] for one in result["findings"]} == {"not-satisfied"}


def test_what_was_left_out_is_not_called_gone(estate: Checkout, tmp_path: Path) -> None:
    scan(tmp_path, ".", "--format", f"json={tmp_path}/before.json")
    estate.commit({"three/name.txt": "stother"})
    arguments = (
        ".",
        "--changed-only",
        "main",
        "--since",
        str(tmp_path / "before.json"),
        "--format",
        f"text={tmp_path}/text",
    )
    since = scan(tmp_path, *arguments).report["since"]
    assert (since["gone"], since["summary"]["new"] > 0) == ([], True)


def test_waivers_for_what_was_left_out_are_not_called_unused(estate: Checkout, tmp_path: Path) -> None:
    waiver = (
        "waivers:\n  - {rule: storage-blob-versioning, resource: stone, reason: x, owner: o, expires: 2999-12-31}\n"
    )
    (tmp_path / "waivers.yaml").write_text(waiver)
    estate.commit({"three/name.txt": "stother"})
    arguments = (".", "--changed-only", "main", "--waivers", str(tmp_path / "waivers.yaml"))
    assert "unused" not in json.dumps(scan(tmp_path, *arguments).report)


@pytest.mark.parametrize("name", ["waivers.yaml", "baseline.yaml", "rules/own.yaml", "auditor.toml"])
def test_a_change_of_what_it_is_judged_by_bears_on_everything(estate: Checkout, name: str) -> None:
    shutil.copy(Path(__file__).parents[2] / "rules/baselines/standard-deployment.yaml", estate.folder / "baseline.yaml")
    estate.commit({"waivers.yaml": "waivers: []\n", "rules/note.md": "Rules.\n", "auditor.toml": 'fail_on = "low"\n'})
    estate.git("branch", "-f", "base")
    policy = ["--waivers", "waivers.yaml", "--baseline", "baseline.yaml", "--rules-dir", "rules"]
    arguments = ["scan", ".", "--changed-only", "base", "-q", "--format", "json=out.json", *policy]
    cli.run(arguments)
    assert json.loads((estate.folder / "out.json").read_text())["summary"]["resources"] == 0
    if name == "rules/own.yaml":
        estate.write({"rules/own.md": "x"})
    else:
        (estate.folder / name).write_text((estate.folder / name).read_text() + "# changed\n")
    cli.run(arguments)
    report = json.loads((estate.folder / "out.json").read_text())
    assert report["summary"]["resources"] == len(ENTRIES)
    assert any("by which it is judged, differs" in one["state"] for one in report["scopes"])


def test_a_parameter_of_what_was_left_out_is_no_mistake(estate: Checkout) -> None:
    assert cli.run(["--no-config", "scan", "six", "--changed-only", "main", "-q", "--parameter", "name=x"]) == 0

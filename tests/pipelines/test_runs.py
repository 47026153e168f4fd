"""The pipelines run from end to end, on the sample estate and on checkouts with pull requests in them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import junitparser
import pytest
import yaml

from tests.checkouts import Checkout, alone
from tests.pipelines.expressions import expanded
from tests.pipelines.runner import GitHub, Run, fake_python
from tests.pipelines.test_files import GITLAB, STEPS, load
from tests.shells import HOME, commands, program

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

GOOD = """resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'NAME'
  location: 'westeurope'
  sku: { name: 'Standard_ZRS' }
  kind: 'StorageV2'
  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      isVersioningEnabled: true
      deleteRetentionPolicy: { enabled: true, days: 30 }
      containerDeleteRetentionPolicy: { enabled: true, days: 30 }
    }
  }
}
"""
WEAK = GOOD.replace("true, days: 30", "true, days: 7", 1)
UPLOAD = "github/codeql-action/upload-sarif"


def store(name: str, text: str = GOOD) -> str:
    return text.replace("NAME", name)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """A workspace with the sample estate as Bicep."""
    workspace = tmp_path / "workspace"
    shutil.copytree(HOME / "samples/estate/bicep", workspace / "infra")
    (workspace / ".git").mkdir()
    return workspace


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with two stores, one of which has been weak for long; a branch is checked out."""
    files = {"infra/good/main.bicep": store("stgood"), "infra/old/main.bicep": store("stold", WEAK), "README.md": "x\n"}
    return Checkout(tmp_path / "checkout", files)


# ── GitHub: the action ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_action_audits_uploads_and_only_then_fails(tmp_path: Path, estate: Path) -> None:
    run = GitHub(tmp_path / "runner", estate).action({"targets": "infra\n", "category": "here"})
    assert run.code == 1
    assert run.steps == ["Set up Python", "Install", "Audit", "Upload to code scanning", "Verdict"]
    assert run.installed == ["--quiet", "--disable-pip-version-check", str(HOME)]
    assert "::error file=infra/" in run.said
    assert "# Resiliency report" in run.summary
    assert run.outputs["exit-code"] == "1"
    assert run.used[-1] == (UPLOAD, {"sarif_file": run.outputs["sarif"], "category": "here"})
    assert json.loads(Path(run.outputs["sarif"]).read_text())["version"] == "2.1.0"
    failing = json.loads(Path(run.outputs["json"]).read_text())["summary"]["fail"]
    assert run.said.count(" file=infra/") == failing > 0
    assert Path(run.outputs["html"]).read_text().startswith("<!DOCTYPE html>")
    assert Path(run.outputs["reports"]).is_dir()


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        ({"gate": "false"}, {"Verdict"}),
        ({"sarif": "false"}, {"Upload to code scanning"}),
        ({"gate": "false", "sarif": "false", "annotations": "false", "summary": "false"}, {"Verdict", "Upload to code scanning"}),
    ],
)  # fmt: skip
def test_parts_of_the_action_can_be_switched_off(
    tmp_path: Path, estate: Path, inputs: dict[str, str], missing: set[str]
) -> None:
    run = GitHub(tmp_path / "runner", estate).action({"targets": "infra", **inputs})
    assert {"Set up Python", "Install", "Audit", "Upload to code scanning", "Verdict"} - {*run.steps} == missing
    assert run.code == (0 if "Verdict" in missing else 1)
    assert run.outputs["exit-code"] == "1"
    assert ("::error" in run.said) == (inputs.get("annotations") != "false")
    assert bool(run.summary) == (inputs.get("summary") != "false")


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"targets": "nowhere"}, "2"),
        ({"targets": ""}, "2"),
        ({"targets": "infra", "baseline": "none-such"}, "5"),
        ({"targets": "infra", "changed-only": "--output=x"}, "2"),
        ({"targets": "infra", "waivers": "broken.yaml"}, "5"),
        ({"targets": "empty"}, "4"),
    ],
)
def test_what_could_not_be_audited_fails_without_an_upload_of_nothing(
    tmp_path: Path, estate: Path, inputs: dict[str, str], code: str
) -> None:
    (estate / "broken.yaml").write_text("waivers: 1\n")
    (estate / "empty").mkdir()
    run = GitHub(tmp_path / "runner", estate).action(inputs)
    assert (str(run.code), run.outputs["exit-code"]) == (code, code)
    assert (run.outputs["sarif"] != "") == (code == "4")
    assert ("Upload to code scanning" in run.steps) == (code == "4")


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "x' ; touch pwned '",
    '"; touch pwned; "',
    "${IFS}",
    "a && touch pwned",
    "*",
]


@pytest.mark.parametrize(
    "name", ["targets", "baseline", "parameters", "waivers", "changed-only", "since", "config", "arguments", "fail-on"]
)
@pytest.mark.parametrize("value", HOSTILE)
def test_no_input_is_ever_code(tmp_path: Path, name: str, value: str) -> None:
    run = arguments_of(tmp_path, {"targets": "infra", name: value})
    assert not [*tmp_path.rglob("pwned")]
    assert value in {argument.partition("=")[2] or argument for argument in run} | set(run)


def arguments_of(tmp_path: Path, inputs: dict[str, str]) -> list[str]:
    """What the action's script calls the auditor with."""
    runner = GitHub(tmp_path / "runner", tmp_path)
    note = tmp_path / "arguments"
    auditor = program(tmp_path / "auditor", f"printf '%s\\0' \"$@\" > '{note}'\n")
    action = load(HOME / "action.yml")
    names = {f"inputs.{key}": str(one.get("default", "")) for key, one in action["inputs"].items()}
    names |= {f"inputs.{key}": value for key, value in inputs.items()}
    names |= {"steps.install.outputs.auditor": str(auditor), "steps.install.outputs.place": str(tmp_path / "place")}
    step = next(step for step in action["runs"]["steps"] if step.get("id") == "audit")
    assert runner.steps([step], names).code == 0
    reports = str(tmp_path / "place/reports")
    given = note.read_text().split("\0")[:-1]
    return [argument for argument in given if reports not in argument]


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ({}, ["scan", "--format=github", "--", "infra"]),
        ({"annotations": "false"}, ["scan", "--", "infra"]),
        ({"targets": "\n  a b \r\n\n-x\nc"}, ["scan", "--format=github", "--", "a b", "-x", "c"]),
        ({"config": "none"}, ["--no-config", "scan", "--format=github", "--", "infra"]),
        ({"config": "own.toml"}, ["--config=own.toml", "scan", "--format=github", "--", "infra"]),
        ({"inline-waivers": "false"}, ["scan", "--no-inline-waivers", "--format=github", "--", "infra"]),
        ({"since": "a.json", "only-new": "true"}, ["scan", "--since=a.json", "--only-new", "--format=github", "--", "infra"]),
        (
            {"baseline": "b", "waivers": "w", "fail-on": "high", "changed-only": "origin/main"},
            ["scan", "--baseline=b", "--waivers=w", "--fail-on=high", "--changed-only=origin/main", "--format=github", "--", "infra"],
        ),
        ({"parameters": "a.json\nb c.bicepparam"}, ["scan", "--parameters=a.json", "--parameters=b c.bicepparam", "--format=github", "--", "infra"]),
        ({"arguments": "--location=x\n--rule\nkeyvault-soft-delete"}, ["scan", "--format=github", "--location=x", "--rule", "keyvault-soft-delete", "--", "infra"]),
    ],
)  # fmt: skip
def test_inputs_become_arguments(tmp_path: Path, inputs: dict[str, str], wanted: list[str]) -> None:
    assert arguments_of(tmp_path, {"targets": "infra", **inputs}) == wanted


@pytest.mark.parametrize("version", ["1.0 --index-url=http://x", "$(touch pwned)", "../x", "@ http://x", "-r x"])
def test_a_version_that_is_none_is_not_installed(tmp_path: Path, estate: Path, version: str) -> None:
    run = GitHub(tmp_path / "runner", estate).action({"targets": "infra", "version": version})
    assert run.code == 2
    assert run.installed == []
    assert run.steps == ["Set up Python", "Install"]


def test_a_version_comes_from_the_index(tmp_path: Path, estate: Path) -> None:
    run = GitHub(tmp_path / "runner", estate).action({"targets": "infra", "version": "0.1.0"})
    assert run.installed[-1] == "azure-resiliency-auditor==0.1.0"


# ── GitHub: the workflows ────────────────────────────────────────────────────────────────────────────────────────────


def workflow(name: str, job: str) -> dict[str, Any]:
    found: dict[str, Any] = load(HOME / f"pipelines/github/{name}.yml")["jobs"][job]
    return found


def pull_request(tmp_path: Path, checkout: Checkout) -> Run:
    base = checkout.git("merge-base", "main", "HEAD").strip()
    checkout.git("worktree", "add", "--quiet", "--detach", ".base", base)
    names = {"github.event_name": "pull_request", "github.event.pull_request.base.sha": base}
    return GitHub(tmp_path / "runner", checkout.folder).steps(workflow("pull-request", "pull-request")["steps"], names)


def test_a_pull_request_that_weakens_a_store_fails(tmp_path: Path, checkout: Checkout) -> None:
    checkout.commit({"infra/good/main.bicep": store("stgood", WEAK)})
    run = pull_request(tmp_path, checkout)
    assert run.code == 1
    assert "::error file=infra/good/main.bicep,line=10" in run.said
    assert "stold" not in run.said
    assert run.used[-1][0] == "actions/upload-artifact", "the reports are kept all the same"


@pytest.mark.parametrize(
    "change",
    [
        {"README.md": "Other.\n"},
        {"infra/good/main.bicep": store("stgood") + "// better\n"},
        {"infra/old/main.bicep": store("stold", WEAK) + "// no worse\n"},
        {"infra/new/main.bicep": store("stnew")},
    ],
    ids=["docs", "good", "old", "new"],
)
def test_a_pull_request_that_weakens_nothing_passes(tmp_path: Path, checkout: Checkout, change: dict[str, str]) -> None:
    checkout.commit(change)
    run = pull_request(tmp_path, checkout)
    assert run.code == 0, run.said
    assert not [given for name, given in run.used if name == UPLOAD], "a part is not uploaded"


def test_a_pull_request_to_a_branch_without_templates_is_judged_whole(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout", {"README.md": "x\n"})
    checkout.commit({"infra/main.bicep": store("stnew", WEAK)})
    assert pull_request(tmp_path, checkout).code == 1


def test_the_main_branch_uploads_everything(tmp_path: Path, checkout: Checkout) -> None:
    run = GitHub(tmp_path / "runner", checkout.folder).steps(workflow("pull-request", "main")["steps"], {})
    assert run.code == 1
    found = next(given for name, given in run.used if name == UPLOAD)
    assert "stold" in Path(found["sarif_file"]).read_text()


def scheduled(tmp_path: Path, workspace: Path, before: Path | None) -> Run:
    """The nightly workflow, on the recorded estate, after a run that kept this snapshot."""
    runner = GitHub(tmp_path / "runner", workspace)
    place = tmp_path / "runner/commands"
    fake_python(place / "python", tmp_path / "runner/pip")
    found = f"mkdir -p before && cp '{before}' before/estate.jsonl" if before is not None else "false"
    program(place / "gh", f'if [[ "$1 $2" == "run list" ]]; then echo 11; echo 12; else {found}; fi\n')
    job = workflow("scheduled", "audit")
    names = {
        "vars.AZURE_SUBSCRIPTION_ID": "11111111-1111-1111-1111-111111111111",
        "github.workflow": "Nightly",
        "github.token": "t",
    }
    runner.environment |= {"PACKAGE": job["env"]["PACKAGE"], "TARGET": "azure:"}
    # What is live is what was recorded; the command is otherwise as it is written.
    runner.environment["AUDITOR_SNAPSHOT_REPLAY"] = str(HOME / "samples/estate/live")
    return runner.steps(job["steps"], names)


def test_the_first_night_keeps_a_snapshot_and_compares_with_nothing(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    run = scheduled(tmp_path, workspace, None)
    assert "no run before this one kept a snapshot" in run.said
    assert run.installed[-1] == "azure-resiliency-auditor==0.1.0"
    login = dict(run.used)["azure/login"]
    assert login.keys() == {"client-id", "tenant-id", "subscription-id"}, "and no secret"
    kept = [given for name, given in run.used if name == "actions/upload-artifact"]
    assert [one["name"] for one in kept] == ["snapshot", "resiliency"]
    assert (workspace / "out/estate.jsonl").is_file()
    assert not (workspace / "out/drift.html").exists()
    assert run.code == 1, "the recorded estate has findings"
    assert "# Resiliency report" in run.summary


def test_a_night_after_tells_what_has_drifted(tmp_path: Path) -> None:
    workspace, before = tmp_path / "workspace", tmp_path / "before.jsonl"
    workspace.mkdir()
    subprocess.run(
        ["auditor", "snapshot", str(HOME / "samples/estate/bicep"), "-o", str(before), "-q"],
        env=commands(tmp_path), check=False, capture_output=True,
    )  # fmt: skip
    run = scheduled(tmp_path, workspace, before)
    assert (workspace / "out/drift.html").is_file()
    assert "# Resiliency report" in run.summary
    assert len(run.summary) > len((workspace / "out/summary.md").read_text()), "and the drift"
    drift = json.loads((workspace / "out/drift.json").read_text())
    assert drift["schema"] == "auditor/drift/v1"


@pytest.mark.parametrize(
    ("audited", "drifted", "code"), [("0", "0", 0), ("0", "1", 1), ("0", "3", 3), ("3", "1", 3), ("1", "0", 1)]
)
def test_a_night_fails_for_what_it_found_and_for_drift(tmp_path: Path, audited: str, drifted: str, code: int) -> None:
    verdict = workflow("scheduled", "audit")["steps"][-1]
    names = {"steps.audit.outputs.audited": audited, "steps.audit.outputs.drifted": drifted}
    assert GitHub(tmp_path / "runner", tmp_path).steps([verdict], names).code == code


# ── Azure Pipelines ──────────────────────────────────────────────────────────────────────────────────────────────────


def azure(tmp_path: Path, workspace: Path, **parameters: Any) -> Run:
    """The steps as an agent would run them, with what tasks were given."""
    template = load(STEPS)
    given = {one["name"]: one.get("default") for one in template["parameters"]} | parameters
    place = tmp_path / "agent"
    environment = alone(commands(place, AGENT_TEMPDIRECTORY=str(place)))
    fake_python(place / "commands/python3", place / "pip")
    run = Run(place)
    for step in expanded(template["steps"], given):
        script = step.get("bash") or step.get("inputs", {}).get("inlineScript")
        if run.code and "condition" not in step:
            continue
        if script is None or "task" in step:
            run.used.append((step.get("task", "publish"), step.get("inputs") or step))
        if script is not None:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-c", script],
                cwd=workspace, env=environment | step.get("env", {}), capture_output=True, text=True, check=False,
            )  # fmt: skip
            run.said += done.stdout + done.stderr
            run.code = run.code or done.returncode
    return run


@pytest.mark.parametrize("connection", ["", "resiliency-auditor"])
def test_azure_publishes_and_only_then_fails(tmp_path: Path, estate: Path, connection: str) -> None:
    run = azure(tmp_path, estate, targets=["infra"], serviceConnection=connection)
    assert run.code == 1
    assert "##vso[task.logissue type=error;sourcepath=infra/" in run.said
    assert run.installed[-1] == "azure-resiliency-auditor==0.1.0"
    names = [name for name, _ in run.used]
    assert names == [*(["AzureCLI@2"] if connection else []), "PublishTestResults@2", "publish"]
    if connection:
        assert run.used[0][1]["azureSubscription"] == connection
    tests = junitparser.JUnitXml.fromfile(str(tmp_path / "agent/auditor/reports/junit.xml"))
    assert tests.failures > 0
    assert (tmp_path / "agent/auditor/reports/report.html").read_text().startswith("<!DOCTYPE html>")


def test_azure_passes_what_is_right(tmp_path: Path, checkout: Checkout) -> None:
    checkout.commit({"infra/good/main.bicep": store("stgood") + "// better\n"})
    run = azure(
        tmp_path,
        checkout.folder,
        targets=["infra"],
        changedOnly="main",
        arguments=["--rule", "storage-blob-soft-delete"],
    )
    assert run.code == 0, run.said
    report = json.loads((tmp_path / "agent/auditor/reports/report.json").read_text())
    assert (report["summary"]["resources"], report["summary"]["pass"]) == (1, 1)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_parameter_is_ever_code_in_azure(tmp_path: Path, estate: Path, value: str) -> None:
    run = azure(
        tmp_path,
        estate,
        targets=[value, "a b"],
        baseline=value,
        waivers=value,
        failOn=value,
        changedOnly=value,
        arguments=[value],
    )
    assert run.code == 2
    assert not [*tmp_path.rglob("pwned")]


def test_azure_takes_what_is_named_as_it_is(tmp_path: Path, estate: Path) -> None:
    (estate / "a b").mkdir()
    (estate / "a b/-x.bicep").write_text(store("stodd", WEAK))
    assert azure(tmp_path, estate, targets=["a b/-x.bicep"]).code == 1


# ── GitLab ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def gitlab(tmp_path: Path, workspace: Path, job: str, **variables: str) -> Run:
    """A job's script as a runner would run it."""
    jobs = load(GITLAB)
    run = Run(tmp_path / "gitlab")
    environment = alone(commands(run.folder))
    fake_python(run.folder / "commands/python", run.folder / "pip")
    environment |= {key: str(value) for key, value in (jobs["variables"] | jobs[job].get("variables", {})).items()}
    for script in (*jobs[".auditor"]["before_script"], *jobs[job]["script"]):
        if not run.code:
            done = subprocess.run(
                ["sh", "-c", script],
                cwd=workspace,
                env=environment | variables,
                capture_output=True,
                text=True,
                check=False,
            )
            run.said += done.stdout + done.stderr
            run.code = done.returncode
    return run


def test_gitlab_reports_and_fails(tmp_path: Path, estate: Path) -> None:
    run = gitlab(tmp_path, estate, "auditor")
    assert run.code == 1
    assert run.installed[-1] == "azure-resiliency-auditor==0.1.0"
    named = load(GITLAB)[".auditor"]["artifacts"]["reports"]
    entries = json.loads((estate / named["codequality"]).read_text())
    assert entries[0].keys() == {"description", "check_name", "fingerprint", "severity", "location"}
    assert all(one["location"]["path"].startswith("infra/") for one in entries)
    assert junitparser.JUnitXml.fromfile(str(estate / named["junit"])).failures > 0
    assert (estate / "auditor-reports/report.html").is_file()


def test_a_merge_request_audits_what_it_touches(tmp_path: Path, checkout: Checkout) -> None:
    checkout.commit({"infra/good/main.bicep": store("stgood") + "// better\n"})
    base = checkout.git("rev-parse", "main").strip()
    assert gitlab(tmp_path, checkout.folder, "auditor", CI_MERGE_REQUEST_DIFF_BASE_SHA=base).code == 0
    assert gitlab(tmp_path, checkout.folder, "auditor").code == 1, "the other one was weak before"


def test_gitlab_takes_one_argument_a_line(tmp_path: Path, checkout: Checkout) -> None:
    (checkout.folder / "in fra").mkdir()
    (checkout.folder / "in fra/main.bicep").write_text(store("stother"))
    given = {"AUDITOR_TARGETS": "in fra\ninfra/good", "AUDITOR_ARGUMENTS": "--location=west europe\n--fail-on=low"}
    run = gitlab(tmp_path, checkout.folder, "auditor", **given)
    assert run.code == 0, run.said


@pytest.mark.parametrize("value", HOSTILE)
def test_no_variable_is_ever_code_in_gitlab(tmp_path: Path, estate: Path, value: str) -> None:
    assert gitlab(tmp_path, estate, "auditor", AUDITOR_TARGETS=value, AUDITOR_ARGUMENTS=f"--baseline={value}").code == 5
    assert not [*tmp_path.rglob("pwned")]


def test_gitlab_expands_no_pattern(tmp_path: Path, estate: Path) -> None:
    run = gitlab(tmp_path, estate, "auditor", AUDITOR_TARGETS="inf*")
    assert run.code == 2
    assert "there is no file or folder 'inf*'" in run.said


def test_gitlab_gives_its_token_to_azure_and_keeps_no_copy(tmp_path: Path, estate: Path) -> None:
    note = tmp_path / "note"
    (estate / ".auditor-venv/bin").mkdir(parents=True)
    jobs = load(GITLAB)
    auditor = program(
        estate / ".auditor-venv/bin/auditor",
        f'echo "$AZURE_FEDERATED_TOKEN_FILE" > {note}; cat "$AZURE_FEDERATED_TOKEN_FILE" >> {note}; exit 1\n',
    )
    assert auditor.exists()
    environment = commands(tmp_path) | {"AZURE_ID_TOKEN": "secret", "AUDITOR_LIVE_TARGET": "azure:x"}
    done = subprocess.run(
        ["sh", "-c", jobs["auditor-live"]["script"][0]],
        cwd=estate,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    place, token = note.read_text().splitlines()
    assert (done.returncode, token) == (1, "secret")
    assert not Path(place).exists()
    assert "secret" not in done.stdout + done.stderr


# ── pre-commit ───────────────────────────────────────────────────────────────────────────────────────────────────────


def hook(tmp_path: Path, checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    entry = yaml.safe_load((HOME / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
    command = [*entry["entry"].split(), *(arguments or entry["args"])]
    # As in a hook, git's own variables name the repository.
    environment = alone(commands(tmp_path)) | {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"}
    return subprocess.run(command, cwd=checkout.folder, env=environment, capture_output=True, text=True, check=False)


def test_the_hook_audits_what_is_about_to_be_committed(tmp_path: Path, checkout: Checkout) -> None:
    assert hook(tmp_path, checkout).returncode == 0, "nothing"
    checkout.write({"infra/good/main.bicep": store("stgood", WEAK)})
    checkout.git("add", "-A")
    failed = hook(tmp_path, checkout)
    assert failed.returncode == 1
    assert "stgood" in failed.stdout
    assert hook(tmp_path, checkout, "infra/old").returncode == 0

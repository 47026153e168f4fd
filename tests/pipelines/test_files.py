"""The pipeline files by themselves: their schemas, their style, their shell, and what no pipeline may do."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor import cli
from auditor.cli.targets import scan
from tests.pipelines.expressions import WHOLE, expanded
from tests.shells import HOME

ACTION = HOME / "action.yml"
WORKFLOWS = sorted((HOME / "pipelines/github").glob("*.yml"))
STEPS = HOME / "pipelines/azure-devops/auditor-steps.yml"
AZURE = HOME / "pipelines/azure-devops/azure-pipelines.yml"
GITLAB = HOME / "pipelines/gitlab/auditor.gitlab-ci.yml"
HOOKS = HOME / ".pre-commit-hooks.yaml"
FILES = [ACTION, *WORKFLOWS, STEPS, AZURE, GITLAB, HOOKS]
STYLE = """
extends: default
rules:
  line-length: {max: 120}
  document-start: disable
  truthy: {check-keys: false}
  comments: {min-spaces-from-content: 1}
"""

EXCLUDED = "SC2154,SC2250,SC2312"
"""Variables that are not assigned, braces around all, commands whose exit code a substitution hides."""


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def github_steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for step in load(ACTION)["runs"]["steps"]:
        yield f"action: {step['name']}", step
    for path in WORKFLOWS:
        for job in load(path)["jobs"].values():
            for step in job["steps"]:
                yield f"{path.stem}: {step['name']}", step


def scripts() -> Iterator[tuple[str, str]]:
    """Every shell script there is, with what it is called."""
    for name, step in github_steps():
        if "run" in step:
            yield name, step["run"]
    for step in all_azure_steps():
        if "bash" in step:
            yield f"azure: {step['displayName']}", step["bash"]
            for inner in re.findall(r"<<'END'\n(.*?)^END$", step["bash"], re.MULTILINE | re.DOTALL):
                yield f"azure: {step['displayName']}, inner", inner
        if "task" in step and "inlineScript" in step["inputs"]:
            yield f"azure: {step['displayName']} by the Azure CLI", step["inputs"]["inlineScript"]
    for name, job in load(GITLAB).items():
        if isinstance(job, dict):
            for number, script in enumerate([*job.get("before_script", ()), *job.get("script", ())]):
                yield f"gitlab: {name} {number}", script


def all_azure_steps() -> Iterator[dict[str, Any]]:
    parameters = {one["name"]: one.get("default", ["infra"]) for one in load(STEPS)["parameters"]}
    yield from expanded(load(STEPS)["steps"], parameters)
    yield from expanded(load(STEPS)["steps"], {**parameters, "serviceConnection": "connection"})


# ── schemas and style ────────────────────────────────────────────────────────────────────────────────────────────────


def checked(schema: str, *paths: Path, more: tuple[str, ...] = ()) -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        *more,
        *map(str, paths),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]


def test_github_takes_the_action() -> None:
    checked("github-actions", ACTION)


def test_github_takes_the_workflows() -> None:
    checked("github-workflows", *WORKFLOWS)


def test_gitlab_takes_the_jobs() -> None:
    checked("gitlab-ci", GITLAB, more=("--data-transform", "gitlab-ci", "--regex-variant", "python"))


def test_azure_takes_the_pipeline_and_the_steps_it_expands_to(tmp_path: Path) -> None:
    # The schema knows no template expressions, so the steps are looked at as they are expanded.
    flat = tmp_path / "steps.yml"
    flat.write_text(yaml.safe_dump({"steps": list(all_azure_steps())}))
    checked("azure-pipelines", AZURE, flat, more=("--regex-variant", "python"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_style(path: Path) -> None:
    from yamllint import linter
    from yamllint.config import YamlLintConfig

    problems = [str(problem) for problem in linter.run(path.read_text("utf-8"), YamlLintConfig(STYLE))]
    assert problems == []


@pytest.mark.parametrize(("name", "script"), [*scripts()], ids=lambda value: value[:40].partition("\n")[0])
def test_shell(name: str, script: str) -> None:
    shell = "sh" if name.startswith("gitlab") else "bash"
    # Variables come from the step, and `set -u` finds the one that does not when it is run.
    command = [
        Path(sys.executable).with_name("shellcheck"),
        f"--shell={shell}",
        "--enable=all",
        f"--exclude={EXCLUDED}",
        "-",
    ]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.stdout == ""


# ── what no pipeline may do ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("name", "step"), list(github_steps()))
def test_no_value_is_put_into_a_script(name: str, step: dict[str, Any]) -> None:
    assert "${{" not in step.get("run", "")
    for value in step.get("env", {}).values():
        assert "${{" not in str(value) or WHOLE.fullmatch(value), "a variable is one expression"


def test_no_value_is_put_into_a_script_in_azure_either() -> None:
    for step in load(STEPS)["steps"]:
        inner = next(iter(step.values())) if any("${{" in key for key in step) else [step]
        for one in inner:
            assert "${{" not in one.get("bash", "")
            assert "${{" not in one.get("inputs", {}).get("inlineScript", "")


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_other_actions_are_pinned_by_commit_and_say_their_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)$", path.read_text("utf-8"), re.MULTILINE)
    assert used
    for action, comment in used:
        if not action.startswith("YOUR-ORG/"):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_one_action_has_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in [ACTION, *WORKFLOWS, HOME / "docs/ci.md"]:
        for action, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40} # v[\d.]+)", path.read_text("utf-8")):
            pins.setdefault("/".join(action.split("/")[:2]), set()).add(commit)
    assert {action for action, commits in pins.items() if len(commits) > 1} == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_no_permission_that_is_not_asked_for(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True], "`on` is true in YAML 1.1"
    for job in workflow["jobs"].values():
        writes = {name for name, kind in job["permissions"].items() if kind == "write"}
        used = [step.get("uses", "") for step in job["steps"]]
        uploads = any("upload-sarif" in one for one in used) or any(
            "YOUR-ORG" in step.get("uses", "") and step["with"].get("sarif") != "false" for step in job["steps"]
        )
        signs_in = any(one.startswith("azure/login@") for one in used)
        assert writes == (({"security-events"} if uploads else set()) | ({"id-token"} if signs_in else set()))
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_reports_are_published_whatever_came_before() -> None:
    for step in all_azure_steps():
        if step.get("task") == "PublishTestResults@2" or "publish" in step or step["displayName"] == "Verdict":
            assert step["condition"] == "succeededOrFailed()"
    assert load(GITLAB)[".auditor"]["artifacts"]["when"] == "always"
    for name, step in github_steps():
        if step.get("uses", "").startswith("actions/upload-artifact@") or step["name"] == "Verdict":
            assert "!cancelled()" in step["if"], name


def test_no_pipeline_holds_a_secret() -> None:
    for path in FILES:
        assert not re.search(
            r"secrets\.|client-secret|AZURE_CLIENT_SECRET|password", path.read_text("utf-8"), re.IGNORECASE
        )


# ── they agree with the rest ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_action_uses_every_input_and_names_none_that_is_not_there() -> None:
    action = load(ACTION)
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text("utf-8")))
    assert used == action["inputs"].keys()
    ids = {step["id"] for step in action["runs"]["steps"] if "id" in step}
    assert set(re.findall(r"steps\.([\w-]+)\.", ACTION.read_text("utf-8"))) <= ids
    assert {"name", "description", "author", "branding", "inputs", "outputs", "runs"} == action.keys()
    assert all(step.get("shell") == "bash" for step in action["runs"]["steps"] if "run" in step)
    assert all(one.get("description") for one in (*action["inputs"].values(), *action["outputs"].values()))
    assert all("default" in one or one.get("required") for one in action["inputs"].values())


def test_every_option_and_format_that_is_named_is_there() -> None:
    from auditor.renderers import DRIFT_FORMATS, FORMATS

    options = {name for parameter in scan.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--no-config", "--config", "--version"}
    text = "\n".join(script for _, script in scripts())
    for line in text.splitlines():
        if "pip" in line or "gh " in line or "curl" in line or "--status" in line or "date" in line:
            continue
        found = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", line))
        assert found <= options, line
    formats = set(re.findall(r"--format[= ]([a-z-]+)", text))
    assert formats
    assert formats <= FORMATS.keys() | DRIFT_FORMATS.keys()


def test_they_install_this_version_of_this_distribution() -> None:
    import tomllib

    from auditor import __version__

    name = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    wanted = f"{name}=={__version__}"
    for path in (HOME / "pipelines/github/scheduled.yml", STEPS, GITLAB):
        assert set(re.findall(r"azure-resiliency-auditor==[\w.]+", path.read_text("utf-8"))) == {wanted}
    assert f'SOURCE="{name}==$VERSION"' in ACTION.read_text("utf-8")


# ── hooks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hooks_have_what_pre_commit_asks_for() -> None:
    for hook in load(HOOKS):
        assert {"id", "name", "entry", "language", "files", "pass_filenames"} <= hook.keys()
        assert hook["language"] == "python"
        program, *arguments = hook["entry"].split()
        assert program == "auditor"
        assert cli.run([*(one for one in arguments if not one.startswith("--") and one != "HEAD"), "--help"]) == 0


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("infra/main.bicep", True),
        ("main.bicepparam", True),
        ("azuredeploy.json", True),
        ("tf/main.tf", True),
        ("tf/prod.tfvars", True),
        ("azure.yaml", True),
        ("src/app.py", False),
        ("compose.yaml", False),
        ("notbicep", False),
    ],
)
def test_a_commit_without_templates_runs_no_hook(path: str, runs: bool) -> None:
    hook = next(hook for hook in load(HOOKS) if hook["id"] == "auditor")
    assert bool(re.search(hook["files"], path)) is runs


# ── the container ────────────────────────────────────────────────────────────────────────────────────────────────────


def docker() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile."""
    text = re.sub(r"\\\n", " ", (HOME / "Dockerfile").read_text("utf-8"))
    lines = (line.strip() for line in text.splitlines())
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line and line[0] != "#")
    ]


def test_the_container_is_slim_without_root_and_without_a_cache() -> None:
    instructions = docker()
    assert not [word for word, _ in instructions if word in ("ADD", "VOLUME", "EXPOSE", "SHELL")]
    bases = [rest for word, rest in instructions if word == "FROM"]
    assert bases == ["${PYTHON} AS build", "${PYTHON} AS runtime", "runtime AS git", "runtime"]
    assert dict(instructions)["ARG"].endswith("-slim")
    users = [rest for word, rest in instructions if word == "USER"]
    assert users == ["65532:65532", "0:0", "65532:65532"], "root for the time of an installation"
    assert ("HEALTHCHECK", "NONE") in instructions
    assert ("ENTRYPOINT", '["auditor"]') in instructions
    for word, rest in instructions:
        if word == "RUN":
            assert "pip install" not in rest or "--no-cache-dir" in rest
            assert "apt-get install" not in rest or "rm -rf /var/lib/apt/lists/*" in rest


def test_what_reaches_the_build_is_enough_for_it(tmp_path: Path) -> None:
    rules = [line for line in (HOME / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    context = tmp_path / "context"
    for name in (rule[1:] for rule in rules if rule.startswith("!")):
        source = HOME / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            context.mkdir(exist_ok=True)
            shutil.copy(source, context / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
    ]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(context)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "auditor/cli/__init__.py",
        "auditor/_data/rules/storage/*.yaml",
        "auditor/_data/templates/html.html.j2",
    ):
        assert fnmatch.filter(names, wanted), wanted


def test_a_scan_writes_nothing_but_its_reports(tmp_path: Path) -> None:
    hook = (
        "import os, sys\n"
        "def watch(event, given):\n"
        "    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT\n"
        "    if event == 'open' and (given[2] or 0) & writes and given[0] != os.devnull:\n"
        "        os.write(2, f'WROTE {given[0]}\\n'.encode())\n"
        "    if event in ('os.mkdir', 'os.rename', 'os.remove'):\n"
        "        os.write(2, f'WROTE {event} {given}\\n'.encode())\n"
        "sys.addaudithook(watch)\n"
        "from auditor import cli\n"
        "raise SystemExit(cli.run(['--no-config', 'scan', 'samples/estate/bicep', '--format', 'json']))\n"
    )
    environment = {"PYTHONPATH": str(HOME), "PYTHONDONTWRITEBYTECODE": "1", "AUDITOR_NO_CACHE": "1", "PATH": ""}
    command = [sys.executable, "-c", hook]
    done = subprocess.run(command, cwd=HOME, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 3), done.stderr
    assert "WROTE" not in done.stderr

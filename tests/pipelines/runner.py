"""Runs pipelines here: their shell as it is, and what only the platform has (other actions, tasks) as a note of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.checkouts import alone
from tests.pipelines.expressions import Expressions
from tests.shells import HOME, assignments, commands, program


@dataclass
class Run:
    """What came of a pipeline. `used` are the other actions or tasks, with what they were given, in their order."""

    folder: Path
    code: int = 0
    said: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    used: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """What was written for the run's page."""
        path = self.folder / "summary"
        return path.read_text("utf-8") if path.exists() else ""

    @property
    def installed(self) -> list[str]:
        """What pip was asked for."""
        path = self.folder / "pip"
        return path.read_text("utf-8").splitlines() if path.exists() else []


def fake_python(place: Path, note: Path) -> Path:
    """A Python that makes environments which have this checkout's auditor, and notes what pip is to install."""
    text = f"""
if [[ "$1 $2" == "-m venv" ]]; then
  mkdir -p "$3/bin"
  cp "$0" "$3/bin/python"
  printf '%s\\n' '#!/usr/bin/env bash' 'PYTHONPATH="{HOME}" exec "{sys.executable}" -m auditor "$@"' > "$3/bin/auditor"
  chmod +x "$3/bin/auditor"
elif [[ "$1 $2 $3" == "-m pip install" ]]; then
  printf '%s\\n' "${{@:4}}" >> "{note}"
else
  exec "{sys.executable}" "$@"
fi
"""
    return program(place, text)


class GitHub:
    """A runner: one job, in one workspace."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        """Keep what steps write in `folder`."""
        self.folder = folder
        self.workspace = workspace
        folder.mkdir(parents=True, exist_ok=True)
        self.python = fake_python(folder / "python", folder / "pip")
        self.environment = alone(
            commands(folder, RUNNER_TEMP=str(folder), GITHUB_REPOSITORY="o/r", GITHUB_REF_NAME="main")
        )

    def action(self, inputs: Mapping[str, str]) -> Run:
        """The composite action of this checkout with these inputs."""
        action = yaml.safe_load((HOME / "action.yml").read_text("utf-8"))
        given = {name: str(one.get("default", "")) for name, one in action["inputs"].items()} | dict(inputs)
        assert given.keys() == action["inputs"].keys()
        names = {f"inputs.{name}": value for name, value in given.items()}
        names |= {"github.action_path": str(HOME), "steps.python.outputs.python-path": str(self.python)}
        run = self.steps(action["runs"]["steps"], names)
        expressions = Expressions(names)
        run.outputs = {name: expressions.text(one["value"]) for name, one in action["outputs"].items()}
        return run

    def steps(self, steps: list[dict[str, Any]], names: dict[str, Any]) -> Run:
        """Steps one after the other; `names` gets the outputs of each. After a failure only what says so goes on."""
        run = Run(self.folder)
        for number, step in enumerate(steps):
            expressions = Expressions(
                names, cancelled=lambda: False, hashFiles=lambda name: "x" * (self.workspace / name).exists()
            )
            condition = str(step.get("if", "${{ 'true' }}"))
            if (run.code and "cancelled()" not in condition) or not expressions.all(condition):
                continue
            run.steps.append(step["name"])
            if "uses" in step:
                self.use(step, expressions.all(step.get("with", {})), names, run)
                continue
            code = self.shell(step, expressions, number, names, run)
            run.code = run.code or code
        return run

    def use(self, step: dict[str, Any], given: dict[str, Any], names: dict[str, Any], run: Run) -> None:
        """Another action; our own one is run."""
        if not step["uses"].startswith("YOUR-ORG/azure-resiliency-auditor@"):
            run.used.append((step["uses"].partition("@")[0], given))
            return
        inner = GitHub(self.folder / f"action-{len(run.steps)}", self.workspace).action(
            {
                name: Expressions({}).text(str(value)).replace("True", "true").replace("False", "false")
                for name, value in given.items()
            }
        )
        run.said += inner.said
        run.used += inner.used
        run.code = run.code or inner.code
        names |= {f"steps.{step.get('id', '')}.outputs.{name}": value for name, value in inner.outputs.items()}

    def shell(
        self, step: dict[str, Any], expressions: Expressions, number: int, names: dict[str, Any], run: Run
    ) -> int:
        """One script."""
        output, path = self.folder / f"output-{number}", self.folder / f"path-{number}"
        variables = {name: expressions.text(str(value)) for name, value in step.get("env", {}).items()}
        own = {
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_PATH": str(path),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace / expressions.text(step.get("working-directory", ".")),
            env=self.environment | own | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        run.said += done.stdout + done.stderr
        for name, value in assignments(output).items():
            names[f"steps.{step.get('id', '')}.outputs.{name}"] = value
        if path.exists():
            self.environment["PATH"] = f"{path.read_text().strip()}:{self.environment['PATH']}"
        return done.returncode

"""The examples that `--help` prints work as printed: each is run, with the recorded estate for the live one."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from auditor import cli, pipeline, snapshot
from tests.test_cli import run

SUBSCRIPTION = "5c0de5a1-0000-4000-8000-0000000000f1"
PLACEHOLDERS = {
    "00000000-0000-0000-0000-000000000000": SUBSCRIPTION,
    "azure:SUBSCRIPTION/GROUP": f"azure:{SUBSCRIPTION}",
    "azure:SUBSCRIPTION/GOLDEN": f"azure:{SUBSCRIPTION}",
    "azure:SUBSCRIPTION": f"azure:{SUBSCRIPTION}",
}
SNAPSHOTS = ("estate", "last-week", "staging", "production", "golden")
WAIVERS = "- {rule: storage-redundancy, resource: st*, reason: r, owner: o, expires: 2999-12-31}\n"
READING = ("SCAN", "SNAPSHOT", "DRIFT", "RECOVERY", "BASELINES_DERIVE", "WAIVERS_CHECK", "WAIVERS_LIST")


def _helps(command: click.Command, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _helps(found, f"{name} {below}")


def _lines() -> list[str]:
    parts = [re.split("Examples?:\n", text)[-1].partition("\n\n")[0] for text in _helps(cli.root, "auditor")]
    return [*dict.fromkeys(line.strip() for text in parts for line in text.splitlines())]


HELP = _lines()
EXAMPLES = [line for line in HELP if line.startswith("auditor ")]


def test_every_command_has_examples() -> None:
    commands = (
        "scan", "snapshot", "drift", "recovery", "role", "completion", "waivers check", "waivers list", "rules list",
        "rules show", "rules test", "rules schema", "baselines list", "baselines show", "baselines derive",
    )  # fmt: skip
    shown = {name for name in commands if any(f"auditor {name}" in line for line in HELP)}
    assert shown == {*commands}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the examples name."""
    home = Path(__file__).resolve().parent.parent
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(home / "samples/estate/bicep", folder / "infra")
    collected = pipeline.collect("azure:", replay=home / "samples/estate/live")
    for name in SNAPSHOTS:
        snapshot.write(folder / f"{name}.jsonl", collected.records(), collected.targets)
    for name in ("baselines", "my-rules", "init"):
        (folder / name).mkdir()
    (folder / "init/main.bicep").write_text("")
    (folder / "waivers.yaml").write_text(WAIVERS)
    (folder / "names.yaml").write_text("stlogs: stfllmlogs\n")
    return folder


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_works_as_printed(
    line: str, place: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No usage error, no bad policy file, no bug; whatever the estate's verdict is."""
    folder = tmp_path / "here"
    shutil.copytree(place, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FLLM_LOCATION", "eastus2")
    for name in READING:
        monkeypatch.setenv(f"AUDITOR_{name}_REPLAY", str(home / "samples/estate/live"))
    for before in _prepared(line):
        assert run(*before).code in (0, 1, 3)
    for placeholder, real in PLACEHOLDERS.items():
        line = line.replace(placeholder, real)
    for part in line.split(" && "):
        command = re.split(r" [|>] |\s{2,}\(", part)[0]
        done = run("--no-config", *shlex.split(command)[1:])
        assert done.code in (0, 1, 3, 4), (command, done.err)
        assert "internal error" not in done.err


def _prepared(line: str) -> Iterator[tuple[str, ...]]:
    """What an example takes for granted that the tool itself makes."""
    if "main.json" in line:
        yield "--no-config", "scan", "infra/", "--format", "json=main.json", "-q"
    if "--baseline golden.yaml" in line:
        yield "--no-config", "baselines", "derive", "golden.jsonl", "-o", "golden.yaml"
    if "--objectives objectives.yaml" in line:
        yield "--no-config", "recovery", "init", "mission-critical", "-o", "objectives.yaml"

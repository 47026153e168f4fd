"""Promises about the project itself, so that nobody has to remember them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def test_dependencies_point_down(home: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_module_is_too_long_to_read(home: Path) -> None:
    assert [p.name for p in (home / "auditor").rglob("*.py") if len(p.read_text("utf-8").splitlines()) > 800] == []


def test_only_the_command_line_prints(home: Path) -> None:
    said = [
        p.parent.name
        for p in (home / "auditor").rglob("*.py")
        if re.search(r"^\s*(print|click\.echo)\(", p.read_text("utf-8"), re.MULTILINE)
    ]
    assert set(said) == {"cli"}


def test_every_lower_bound_is_plain() -> None:
    from tools.lowest import lowest

    assert all("==" in bound for bound in lowest())


def test_the_readme_names_commands_that_exist(home: Path) -> None:
    import click

    from auditor import cli

    def commands(group: click.Group) -> Iterator[click.Command]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield command
            if isinstance(command, click.Group):
                yield from commands(command)

    text = (home / "README.md").read_text("utf-8") + (home / "docs" / "usage.md").read_text("utf-8")
    named = set(re.findall(r"^(?:eval \"\$\()?auditor (\w+)", text, re.MULTILINE))
    assert named <= cli.COMMANDS.keys()
    options = {
        option for command in commands(cli.root) for p in command.params for option in (*p.opts, *p.secondary_opts)
    }
    documented = set(
        re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(line for line in text.splitlines() if "az role" not in line))
    )
    assert documented <= options | {"--config", "--no-config"}


def test_the_live_bench_measures_the_calls_it_names() -> None:
    from tools import bench_live

    (alone,) = bench_live.one_service(("/blobServices/default", "/fileServices/default")).services
    assert (len(alone.lists), len(alone.children), alone.expansions) == (1, 2, ())
    assert [len(one.lists) for one in bench_live.five_lists().services] == [1] * 5


@pytest.mark.parametrize("name", ["audit", "test", "check", "static", "lowest", "golden", "bench", "docs"])
def test_the_makefile_has_the_promised_targets(home: Path, name: str) -> None:
    assert re.search(rf"^{name}:", (home / "Makefile").read_text("utf-8"), re.MULTILINE)

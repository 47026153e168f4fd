"""The walk-through in docs/ci.md, run as it is written there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.checkouts import Checkout, alone
from tests.shells import commands

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


class Block(NamedTuple):
    """A fenced block: its language, what the fence says of it, and its text."""

    language: str
    key: str
    value: str
    text: str


def blocks(text: str) -> Iterator[Block]:
    for found in re.finditer(r"^```(\w+) (\w+)(?:=(\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, key, value, inner = found.groups()
        yield Block(language, key, value or "", inner)


def test_the_walk_through_goes_as_it_says(home: Path, tmp_path: Path) -> None:
    steps = list(blocks((home / "docs/ci.md").read_text("utf-8")))
    assert [f"{step.key}={step.value}" if step.value else step.key for step in steps] == [
        "title=infra/main.bicep", "run=0", "run=0", "run=1", "says", "run=0", "run=0", "in=audit.md", "run=1", "says",
    ]  # fmt: skip
    checkout = Checkout(tmp_path / "project", {"README.md": "A project.\n"})
    checkout.git("switch", "-q", "main")
    said = ""
    for step in steps:
        match step.key:
            case "title":
                checkout.write({step.value: step.text})
            case "run":
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", step.text],
                    cwd=checkout.folder,
                    env=alone(commands(tmp_path)),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                said = done.stdout
                assert done.returncode == int(step.value), f"{step.text}\n{done.stdout}\n{done.stderr}"
            case "says":
                assert step.text.strip() in said
            case "in":
                assert step.text.strip() in (checkout.folder / step.value).read_text("utf-8")
            case other:
                pytest.fail(f"what is a block with {other!r}?")


def test_files_that_the_docs_link_to_are_there(home: Path) -> None:
    text = (home / "docs/ci.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert links
    assert [link for link in links if not (home / "docs" / link).resolve().is_file()] == []

"""Git checkouts for tests, made and changed without the machine's configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ALONE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def alone(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which git knows an author, and nothing of the machine's configuration."""
    return {**environment, **ALONE}


class Checkout:
    """A repository with a branch `main`, in a folder of its own."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        """Make it with these files in its first commit, and go on in the branch `work`."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.commit(files)
        self.git("switch", "-q", "-c", "work")

    def git(self, *arguments: str) -> str:
        """Run git, and return what it says."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=alone(os.environ), check=True, capture_output=True
        )
        return done.stdout.decode()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files without a commit."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def commit(self, files: Mapping[str, str], message: str = "change") -> None:
        """Write files and commit everything."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

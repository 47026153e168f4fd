"""Prints the lower bounds pyproject.toml promises, as pip requirements, so that CI can install exactly them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def lowest() -> list[str]:
    """`name==bound` for every runtime dependency. Raises ValueError for one without a lower bound."""
    result = []
    for requirement in tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)>=([0-9.]+)", requirement)
        if match is None:
            raise ValueError(f"{requirement!r} has no plain lower bound")
        result.append(f"{match[1]}=={match[2]}")
    return result


if __name__ == "__main__":
    print("\n".join(lowest()))

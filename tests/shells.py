"""The shell parts of pipelines, run with the auditor of this checkout and without the machine's own settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


def commands(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which `auditor` is this checkout's; `more` are variables over it."""
    place = folder / "commands"
    if not place.exists():
        place.mkdir(parents=True)
        program(place / "auditor", f'PYTHONPATH="{HOME}" exec "{sys.executable}" -m auditor "$@"\n')
    kept = {name: os.environ[name] for name in ("XDG_CACHE_HOME", "LANG") if name in os.environ}
    path = os.pathsep.join((str(place), os.environ["PATH"]))
    return {**kept, "PATH": path, "HOME": str(folder), "CI": "true", **more}


def program(path: Path, text: str) -> Path:
    """A shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}", "utf-8")
    path.chmod(0o755)
    return path


def assignments(path: Path) -> Mapping[str, str]:
    """What a step wrote for those after it, as `name=value` lines."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines)

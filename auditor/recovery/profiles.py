"""Files of recovery objectives to start from, as they are shipped."""

from __future__ import annotations

import difflib

from auditor.errors import UsageError
from auditor.paths import data_dir


def profile_names() -> list[str]:
    """The names of the shipped profiles."""
    return sorted(path.stem for path in (data_dir("rules") / "recovery" / "objectives").glob("*.yaml"))


def profile_text(name: str) -> str:
    """The text of a profile. Raises UsageError with the valid names and the nearest."""
    names = profile_names()
    if name not in names:
        near = difflib.get_close_matches(name[:40], names, 1)
        guess = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no profile {name[:80]!r}", hint=f"{guess}Profiles: {', '.join(names)}.")
    return (data_dir("rules") / "recovery" / "objectives" / f"{name}.yaml").read_text("utf-8")

"""Scans as the command line makes them, for tests that compare what comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor import cli

Verdicts = dict[tuple[str, str], str]
"""Outcomes by rule and store."""


@dataclass(frozen=True, slots=True)
class Scan:
    """An exit code, and the JSON report."""

    code: int
    report: dict[str, Any]

    @property
    def verdicts(self) -> Verdicts:
        """Every outcome, by rule and by the name of the store."""
        found = {(one["rule"], one["resource"]["name"]): one["outcome"] for one in self.report["findings"]}
        assert len(found) == len(self.report["findings"]), "two stores have one name"
        return found

    @property
    def gaps(self) -> list[tuple[str, str]]:
        """What was not read: `file:line` and the reason."""
        return [(f"{one['origin']['uri']}:{one['origin']['line']}", one["reason"]) for one in self.report["gaps"]]


def scan(folder: Path, *arguments: str, baseline: str = "standard-deployment") -> Scan:
    """Scan as the command line does; the report goes through a file in `folder`."""
    place = folder / "report.json"
    code = cli.run(["--no-config", "scan", *arguments, "--baseline", baseline, "-q", "--format", f"json={place}"])
    return Scan(code, json.loads(place.read_text("utf-8")))

"""Reads every Terraform file of public repositories, and every folder of them that is deployed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.model import Unknown
from auditor.sources.files.jail import Jail, text_of
from auditor.sources.terraform.configuration import read_configuration
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.json_syntax import parse_json
from auditor.sources.terraform.modules import roots_of
from auditor.sources.terraform.parser import parse
from auditor.sources.terraform.syntax import Source

ENDINGS = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars")


@dataclass
class Tally:
    """What was seen of one repository. Times are those of the processor."""

    files: int = 0
    whole: int = 0
    characters: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    folders: int = 0
    instances: int = 0
    values: int = 0
    unknown: int = 0
    reading: float = 0.0
    slowest_folder: float = 0.0
    problems: list[str] = field(default_factory=list)

    def rows(self, name: str) -> tuple[str, str]:
        """A line of the table of files, and one of that of folders."""
        share = f"{100 * self.whole / self.files:.1f} %" if self.files else "-"
        rate = f"{self.files / self.seconds:,.0f}" if self.seconds else "-"
        megabytes = f"{self.characters / 1e6 / self.seconds:.1f}" if self.seconds else "-"
        slowest, slowest_folder = (f"{1000 * seconds:.0f} ms" for seconds in (self.slowest, self.slowest_folder))
        known = f"{100 * (1 - self.unknown / self.values):.0f} %" if self.values else "-"
        folders = f"{self.folders / self.reading:,.0f}" if self.reading else "-"
        return (
            f"| {name} | {self.files:,} | {self.whole:,} ({share}) | {rate} | {megabytes} | {slowest} |",
            f"| {name} | {self.folders:,} | {self.instances:,} | {self.values:,} "
            f"| {known} | {folders} | {slowest_folder} |",
        )


def measure(paths: list[Path]) -> dict[str, Tally]:
    """Parse all files and read all root modules below each path, which is one repository. No exception is caught."""
    tallies: dict[str, Tally] = {}
    for path in paths:
        tally = tallies.setdefault(path.resolve().name, Tally())
        files = [one for one in sorted(path.resolve().rglob("*")) if one.name.endswith(ENDINGS) and one.is_file()]
        for file in files:
            _parse(file, tally)
        jail = Jail([path.resolve()])
        folders = list(dict.fromkeys(file.parent for file in files if not file.name.endswith(".tfvars")))
        for folder in sorted(roots_of(folders, jail)):
            _read(folder, jail, tally)
    return tallies


def _parse(file: Path, tally: Tally) -> None:
    source = Source(file.as_posix(), text_of(file.read_bytes()), file)
    start = time.process_time()
    document = parse_json(source) if file.name.endswith(".json") else parse(source)
    seconds = time.process_time() - start
    tally.files += 1
    tally.whole += not document.problems
    tally.characters += len(source.text)
    tally.seconds += seconds
    tally.slowest = max(tally.slowest, seconds)
    for problem in document.problems[:1]:
        line, column = problem.span.source.position(problem.span.start)
        tally.problems.append(f"{file}:{line}:{column}: {problem.message}")


def _read(folder: Path, jail: Jail, tally: Tally) -> None:
    start = time.process_time()
    found = [one for one in read_configuration(folder, jail) if isinstance(one, Instance)]
    seconds = time.process_time() - start
    tally.folders += 1
    tally.instances += len(found)
    tally.reading += seconds
    tally.slowest_folder = max(tally.slowest_folder, seconds)
    for one in found:
        for leaf in _leaves(dict(one.values)):
            tally.values += 1
            tally.unknown += isinstance(leaf, Unknown)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def report(tallies: dict[str, Tally]) -> Iterator[str]:
    """The two tables, and what could not be parsed."""
    total = Tally()
    for tally in tallies.values():
        for name in ("files", "whole", "characters", "seconds", "folders", "instances", "values", "unknown", "reading"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.slowest = max(total.slowest, tally.slowest)
        total.slowest_folder = max(total.slowest_folder, tally.slowest_folder)
        total.problems += tally.problems
    rows = [tally.rows(name) for name, tally in [*tallies.items(), ("**all**", total)]]
    yield "| repository | files | parsed whole | files/s | MB/s | slowest file |"
    yield "|---|---|---|---|---|---|"
    yield from (files for files, _ in rows)
    yield ""
    yield "| repository | root modules | instances | values | of them known | root modules/s | slowest |"
    yield "|---|---|---|---|---|---|---|"
    yield from (folders for _, folders in rows)
    yield ""
    yield from total.problems

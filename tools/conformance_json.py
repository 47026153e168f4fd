"""Reads every ARM template and parameter file of public repositories: the `json` mode of `tools.conformance`."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from auditor.sources.arm import ir, jsontext, parse_parameters, parse_template
from auditor.sources.arm.expressions import is_expression
from auditor.sources.files.jail import Refused, text_of
from auditor.sources.files.kinds import Kind, kind_of

CORPORA = {
    "(^|/)bicep-registry-modules[^/]*/": "bicep-registry-modules",
    "(^|/)AzureStack-QuickStart|(^|/)azurestack-quickstart": "AzureStack-QuickStart-Templates",
    "(^|/)(azure-)?quickstart": "azure-quickstart-templates",
    "Bicep[.]Decompiler": "Azure/bicep, templates to be decompiled",
    "(^|/)bicep[^/]*/": "Azure/bicep, compiled samples",
}
"""What a file belongs to, by a pattern of its path; the first that fits counts."""
DEEPEST = 24
NO_EXPRESSION = "the expression cannot be read"
NOT_FOUND = "there is no such file"


class Beside:
    """Says whether the file a link names is there; what is in it is read on its own."""

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        """Never the template itself."""
        found = base.path is not None and (base.path.parent / reference).is_file()
        return ir.Unresolved(reference, "it is there" if found else NOT_FOUND)

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        """Never the file itself."""
        return ir.Unresolved(reference, f"not followed from {base.uri}")

    def content(self, base: ir.Source, relative: str) -> bytes:
        """Never asked for by a parser."""
        raise FileNotFoundError(f"{relative} of {base.uri}")


@dataclass
class Tally:
    """What was seen of one corpus."""

    files: int = 0
    whole: int = 0
    characters: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    expressions: int = 0
    unread: int = 0
    resources: int = 0
    deployments: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what was seen elsewhere."""
        for name in ("files", "whole", "characters", "seconds", "expressions", "unread", "resources"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest = max(self.slowest, other.slowest)
        self.deployments += other.deployments
        self.complaints += other.complaints

    def row(self, name: str) -> str:
        """A line of the table."""
        share = f"{self.whole:,} ({100 * self.whole / self.files:.1f} %)" if self.files else "-"
        expressions = f"{self.expressions:,} | {self.unread}"
        speed = f"{self.characters / 1e6 / self.seconds:.1f}" if self.seconds else "-"
        return (
            f"| {name} | {self.files:,} | {share} | {self.resources:,} | {expressions} | {speed} | "
            f"{1000 * self.slowest:.0f} ms |"
        )


def measure(paths: list[Path]) -> dict[str, Tally]:
    """Read all files one after the other, and tally them by corpus."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for path in paths:
        for found in sorted(path.rglob("*.json*")) if path.is_dir() else [path]:
            if found.is_file():
                _measure(found, tallies)
    return tallies


def _measure(path: Path, tallies: dict[str, Tally]) -> None:
    data = path.read_bytes()
    kind = kind_of(path, data)
    if kind not in (Kind.TEMPLATE, Kind.PARAMETERS):
        return
    place = path.absolute().as_posix()
    tally = tallies[next((name for pattern, name in CORPORA.items() if re.search(pattern, place)), "other files")]
    tally.files += 1
    try:
        source = ir.Source(path.as_posix(), text_of(data), path)
    except Refused as refused:
        tally.complaints.append(f"{path}: {refused}")
        return
    start = time.process_time()
    if kind is Kind.TEMPLATE:
        problems = _whole(parse_template(source, Beside()), tally, 0)
    else:
        problems = list(parse_parameters(source).problems)
    seconds = time.process_time() - start
    tally.whole += not problems
    tally.characters += len(source.text)
    tally.seconds += seconds
    tally.slowest = max(tally.slowest, seconds)
    tally.unread += sum(problem.message.startswith(NO_EXPRESSION) for problem in problems)
    if kind is Kind.TEMPLATE:
        tally.expressions += _expressions(source.text)
    for problem in problems:
        line, column = source.position(problem.span.start)
        tally.complaints.append(f"{path}:{line}:{column}: {problem.message}")


def _whole(template: ir.Template, tally: Tally, depth: int) -> list[ir.Problem]:
    """The problems of a template and of all those written inside it."""
    problems = list(template.problems)
    for declaration in template.declarations:
        tally.resources += 1
        if isinstance(declaration, ir.ModuleDeclaration) and depth < DEEPEST:
            inside = declaration.load()
            if isinstance(inside, ir.Template):
                tally.deployments["inline"] += 1
                problems += _whole(inside, tally, depth + 1)
            else:
                tally.deployments[inside.reason.partition(";")[0]] += 1
    return problems


def _expressions(text: str) -> int:
    """How many texts of a file are expressions."""
    try:
        pending = [jsontext.read(text).root]
    except jsontext.JsonError:
        return 0
    count = 0
    while pending:
        value = pending.pop().value
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str):
            count += is_expression(value)
    return count


def report(tallies: dict[str, Tally]) -> Iterator[str]:
    """The table, the deployments by what gives their templates, and what could not be read."""
    yield "| corpus | files | read whole | resources | expressions | of them unread | MB/s | slowest file |"
    yield "|---|---|---|---|---|---|---|---|"
    total = Tally()
    for name in [*CORPORA.values(), "other files"]:
        if name in tallies:
            yield tallies[name].row(name)
            total.add(tallies[name])
    yield total.row("**all**")
    yield ""
    for reason, count in total.deployments.most_common():
        yield f"{count:6,} deployments: {reason}"
    yield from total.complaints

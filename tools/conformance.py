"""Reads every file of a kind in public repositories, and says which could not be read and how long it took.

    python -m tools.conformance bicep PATH...
    python -m tools.conformance json PATH...
    python -m tools.conformance plans PATH...
    python -m tools.conformance hcl PATH...
    python -m tools.conformance hcl2 PATH...

Each PATH is a checkout, or a folder of one. Files are counted by where they come from; those that are wrong on purpose
must be reported with a place, all others must be parsed whole. Returns 1 when a Bicep file is not as it should be.
"""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from auditor.sources.arm import ir
from auditor.sources.bicep import parse_parameters, parse_template
from tools import conformance_hcl, conformance_hcl2, conformance_json, conformance_plans

SLOW = 2.0
"""Seconds no file may take."""
SAMPLES = "src/Bicep.Core.Samples/Files"
CORPORA = {
    f"{SAMPLES}/baselines(_bicepparam)?/Invalid": "Azure/bicep baselines that are wrong on purpose",
    f"{SAMPLES}/baselines/.*[.]bicep$": "Azure/bicep baselines",
    f"{SAMPLES}/baselines_bicepparam/": "Azure/bicep parameter file baselines",
    f"{SAMPLES}/user_submitted/.*/main[.]bicep$": "Azure/bicep user_submitted, main.bicep",
    f"{SAMPLES}/user_submitted/": "Azure/bicep user_submitted, other files",
    "(^|/)avm/res/.*/tests/": "bicep-registry-modules avm/res, tests",
    "(^|/)avm/res/.*/main[.]bicep$": "bicep-registry-modules avm/res, main.bicep",
    "(^|/)avm/res/": "bicep-registry-modules avm/res, other files",
    "(^|/)avm/(ptn|utl)/": "bicep-registry-modules avm/ptn and avm/utl",
    "(^|/)foundationallm[^/]*/": "foundationallm deploy",
}
"""What a file belongs to, by a pattern of its path; the first that fits counts."""
ON_PURPOSE = "on purpose"
DERIVED = re.compile(r"baselines.*[.](tokens|syntax|symbols|diagnostics|formatted|sourcemap|ir|pprint[.]\w+)[.]bicep")
"""Listings the compiler's tests keep beside a baseline; they are no Bicep."""


class NoFiles:
    """Parsing needs no other file."""

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        """Nothing is at hand."""
        return ir.Unresolved(reference, f"not followed from {base.uri}")

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        """Nothing is at hand."""
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
    slowest: tuple[float, str] = (0.0, "")
    complaints: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A line of the table."""
        rate = f"{self.files / self.seconds:,.0f}" if self.seconds else "-"
        megabytes = f"{self.characters / 1e6 / self.seconds:.1f}" if self.seconds else "-"
        share = f"{100 * self.whole / self.files:.1f} %" if self.files else "-"
        slowest = f"{1000 * self.slowest[0]:.0f} ms"
        return f"| {name} | {self.files:,} | {self.whole:,} ({share}) | {rate} | {megabytes} | {slowest} |"


def bicep_files(paths: list[Path]) -> Iterator[Path]:
    """Every template and parameter file below the paths."""
    for path in paths:
        for found in sorted(path.rglob("*.bicep*")) if path.is_dir() else [path]:
            if found.suffix in (".bicep", ".bicepparam") and not DERIVED.search(found.as_posix()):
                yield found


def corpus_of(path: Path) -> str:
    """The corpus a file belongs to."""
    text = path.absolute().as_posix()
    return next((name for pattern, name in CORPORA.items() if re.search(pattern, text)), "other files")


def measure(paths: list[Path]) -> dict[str, Tally]:
    """Parse all files one after the other, and tally them by corpus."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    files = NoFiles()
    for path in bicep_files(paths):
        name = corpus_of(path)
        tally = tallies[name]
        source = ir.Source(path.as_posix(), path.read_bytes().decode("utf-8-sig", "replace"), path)
        start = time.process_time()
        if path.suffix == ".bicep":
            problems = parse_template(source, files).problems
        else:
            problems = parse_parameters(source, files).problems
        seconds = time.process_time() - start
        tally.files += 1
        tally.whole += not problems
        tally.characters += len(source.text)
        tally.seconds += seconds
        tally.slowest = max(tally.slowest, (seconds, path.as_posix()))
        if seconds > SLOW:
            tally.complaints.append(f"{path}: took {seconds:.1f} s")
        if not name.endswith(ON_PURPOSE):
            for problem in problems:
                line, column = problem.span.source.position(problem.span.start)
                tally.complaints.append(f"{path}:{line}:{column}: {problem.message}")
    return tallies


def report(tallies: dict[str, Tally]) -> Iterator[str]:
    """The table, and what is not as it should be."""
    yield "| corpus | files | parsed whole | files/s | MB/s | slowest file |"
    yield "|---|---|---|---|---|---|"
    valid, wrong = Tally(), Tally()
    for name in [*CORPORA.values(), "other files"]:
        tally = tallies.get(name)
        if tally is None:
            continue
        yield tally.row(name)
        total = wrong if name.endswith(ON_PURPOSE) else valid
        total.files += tally.files
        total.whole += tally.whole
        total.characters += tally.characters
        total.seconds += tally.seconds
        total.slowest = max(total.slowest, tally.slowest)
        total.complaints += tally.complaints
    yield valid.row("**all that are valid**")
    if wrong.files:
        yield ""
        yield f"{wrong.files - wrong.whole} of {wrong.files} files that are wrong on purpose are reported."
    yield from valid.complaints + wrong.complaints


def main(arguments: list[str]) -> int:
    """Print the table; 1 when a file is not as it should be, 2 for wrong arguments."""
    paths = [Path(argument) for argument in arguments[1:]]
    if arguments[:1] == ["json"] and paths and all(path.exists() for path in paths):
        for line in conformance_json.report(conformance_json.measure(paths)):
            print(line)
        return 0
    if arguments[:1] == ["plans"] and paths and all(path.is_dir() for path in paths):
        for line in conformance_plans.report(conformance_plans.measure(paths)):
            print(line)
        return 0
    if arguments[:1] == ["hcl"] and paths and all(path.is_dir() for path in paths):
        for line in conformance_hcl.report(conformance_hcl.measure(paths)):
            print(line)
        return 0
    if arguments[:1] == ["hcl2"] and paths and all(path.is_dir() for path in paths):
        for line in conformance_hcl2.report(conformance_hcl2.measure(paths)):
            print(line)
        return 0
    if arguments[:1] != ["bicep"] or not paths or not all(path.exists() for path in paths):
        print(__doc__, file=sys.stderr)
        return 2
    tallies = measure(paths)
    for line in report(tallies):
        print(line)
    return 1 if any(tally.complaints for tally in tallies.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Bicep against what Microsoft's own compiler made of it: the same template read twice must give the same resources.

    python -m tests.conformance.bicep --corpus DIR [--only TEXT] [--differences] [--markdown]

DIR holds checkouts of Azure/bicep (`bicep`) and Azure/bicep-registry-modules (`bicep-registry-modules`); either may be
missing. Each pair of `main.bicep` and its compiled JSON is evaluated by both front ends, without parameters, and what
they declare is compared: type, name, api-version, condition and body of every resource, modules included. A value that
is unknown on both sides is equal; one that is known on one side only is a difference.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from auditor.sources import arm, bicep
from auditor.sources.arm import ir, records
from auditor.sources.arm.compare import Declared, declared, differences
from auditor.sources.arm.values import EvaluationError

CONTEXT = records.Context("11111111-2222-4333-8444-555555555555", "group", "westeurope")

STALE = {
    "azure-stack-hci/network-interface": "the compiled file is older than the source",
    "azure-stack-hci/virtual-hard-disk": "the compiled file is older than the source",
    "azure-stack-hci/virtual-machine-instance": "the compiled file is older than the source",
    "compute/virtual-machine": "the compiled file is older than the source",
    "kubernetes-runtime/load-balancer": "the compiled file is older than the source",
    "hybrid-container-service/provisioned-cluster-instance": "the compiled file is older than the source",
}
"""Pairs that say nothing, with the reason (found by the format study of 2026-11)."""


class Pair(NamedTuple):
    """A source and what the compiler made of it."""

    corpus: str
    name: str
    source: Path
    compiled: Path


class Result(NamedTuple):
    """How a pair compared: the differences found, or the error that ended it."""

    pair: Pair
    differences: tuple[str, ...]
    resources: int
    seconds: float
    registry: bool


class Disk:
    """`ir.Files` for a checkout: relative paths only, each file parsed once."""

    def __init__(self) -> None:
        self._parsed: dict[Path, ir.Template] = {}
        self.registry = False

    def open(self, path: Path) -> ir.Template:
        """Parse a template, Bicep or JSON by its name."""
        path = path.resolve()
        if path not in self._parsed:
            source = ir.Source(str(path), path.read_text("utf-8-sig"), path)
            parse = bicep.parse_template if path.suffix == ".bicep" else arm.parse_template
            self._parsed[path] = parse(source, self)
        return self._parsed[path]

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        """A module below the checkout; a registry's module is never at hand here."""
        if reference.startswith(("br:", "br/", "ts:", "ts/")):
            self.registry = True
            return ir.Unresolved(reference, "registry modules are not at hand")
        path = (base.path.parent / reference).resolve() if base.path is not None else Path(reference)
        return self.open(path) if path.is_file() else ir.Unresolved(reference, "there is no such file")

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        """A parameter file below the checkout."""
        path = (base.path.parent / reference).resolve() if base.path is not None else Path(reference)
        if not path.is_file():
            return ir.Unresolved(reference, "there is no such file")
        return bicep.parse_parameters(ir.Source(str(path), path.read_text("utf-8-sig"), path), self)

    def content(self, base: ir.Source, relative: str) -> bytes:
        """A file's bytes."""
        try:
            assert base.path is not None
            return (base.path.parent / relative).read_bytes()
        except OSError as error:
            raise EvaluationError(f"{relative} cannot be read") from error


# ── comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def evaluated(path: Path, disk: Disk) -> list[Declared]:
    """What a template declares when nothing but the context is given."""
    return declared(records.deploy(disk.open(path), [], {}, CONTEXT, disk, {}))


def compared(pair: Pair) -> Result:
    """Evaluate both files and list how they differ."""
    begin = time.perf_counter()
    disk = Disk()
    ours, theirs = evaluated(pair.source, disk), evaluated(pair.compiled, disk)
    found = [*_problems(disk, pair), *differences(ours, theirs)]
    return Result(pair, tuple(found), len(theirs), time.perf_counter() - begin, disk.registry)


def _problems(disk: Disk, pair: Pair) -> Iterator[str]:
    for path in (pair.source, pair.compiled):
        for problem in disk.open(path).problems:
            yield f"{path.name}:{problem.span.line}: {problem.message}"


# ── the corpora ──────────────────────────────────────────────────────────────────────────────────────────────────────


def pairs(corpus: Path) -> Iterator[Pair]:
    """Every source with a compiled file beside it."""
    samples = corpus / "bicep" / "src" / "Bicep.Core.Samples" / "Files"
    for kind in ("baselines", "user_submitted"):
        for source in sorted((samples / kind).glob("**/main.bicep")):
            name = str(source.parent.relative_to(samples / kind))
            if "Invalid" in name:
                continue
            for compiled in ("main.json", "main.symbolicnames.json"):
                if source.with_name(compiled).is_file():
                    yield Pair(f"{kind} {compiled}", name, source, source.with_name(compiled))
    modules = corpus / "bicep-registry-modules" / "avm"
    for kind in ("res", "ptn", "utl"):
        for source in sorted((modules / kind).glob("**/main.bicep")):
            compiled = source.with_name("main.json")
            name = str(source.parent.relative_to(modules / kind))
            if compiled.is_file() and "/tests/" not in f"/{name}/":
                yield Pair(f"AVM {kind}", name, source, compiled)


def main(arguments: list[str]) -> int:
    """Compare every pair, print the table, and say 1 when something differs that is not known to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--only", default="", help="only pairs whose name holds this text")
    parser.add_argument("--differences", action="store_true", help="list what differs")
    options = parser.parse_args(arguments)
    table: dict[str, list[Result]] = {}
    crashed = 0
    for pair in pairs(options.corpus):
        if options.only not in f"{pair.corpus}/{pair.name}" or pair.name in STALE:
            continue
        try:
            result = compared(pair)
        except Exception as error:  # noqa: BLE001 - one pair that fails must not hide the others
            crashed += 1
            result = Result(pair, (f"{type(error).__name__}: {error}",), 0, 0.0, False)
        table.setdefault(pair.corpus, []).append(result)
        if options.differences and result.differences and not result.registry:
            print(f"{pair.corpus}/{pair.name}")
            for text in result.differences[:4]:
                print(f"    {text[:300]}")
    print("| corpus | pairs | equal | bound to a registry | different | resources | slowest |")
    print("|---|---|---|---|---|---|---|")
    different = 0
    for corpus, results in table.items():
        equal = sum(not r.differences for r in results)
        bound = sum(bool(r.differences) and r.registry for r in results)
        rest = len(results) - equal - bound
        different += rest
        slowest = max(r.seconds for r in results)
        share = f"{equal} ({equal / max(1, len(results) - bound):.1%})"
        total = sum(r.resources for r in results)
        print(f"| {corpus} | {len(results)} | {share} | {bound} | {rest} | {total:,} | {slowest:.2f} s |")
    print(f"\n{crashed} exceptions; {len(STALE)} stale pairs left out.")
    return 1 if different or crashed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

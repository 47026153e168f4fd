"""Bicep against what Microsoft's own compiler made of it: the same template read twice must give the same resources.

    python -m tests.conformance.bicep --corpus DIR [--only TEXT] [--differences]

DIR holds checkouts of Azure/bicep (`bicep`) and Azure/bicep-registry-modules (`bicep-registry-modules`); either may be
missing. Each pair of `main.bicep` and its compiled JSON is evaluated by both front ends, without parameters, and what
they declare is compared: type, name, api-version, condition and body of every resource, modules included. Of each pair
of a `.bicepparam` file and its JSON the values are compared, parameter by parameter. Each end-to-end test of a registry
module is evaluated with the module and with what it was compiled to, so that the module is compared with its parameters
given. A value that is unknown on both sides is equal; one that is known on one side only is a difference.

A compiled file holds the modules of registries, which are not at hand for its source. There the resources that the
source declares itself must be among those of the compiled file, as far as they are known.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from auditor.sources import arm, bicep
from auditor.sources.arm import ir, records
from auditor.sources.arm.compare import UNKNOWN, Declared, declared, differences, plain
from auditor.sources.arm.values import EvaluationError, same

CONTEXT = records.Context("11111111-2222-4333-8444-555555555555", "group", "westeurope")
ENVIRONMENT = {
    "stringEnvVariableName": "test",
    "intEnvVariableName": "100",
    "boolEnvironmentVariable": "true",
}
"""The environment in which the compiler's tests compile parameter files (TemplateEmitterTests.cs, 2026-08-21)."""
NOT_GIVEN = "(not given)"
PARAMETERS = "parameter files"

STALE = {
    "azure-stack-hci/network-interface": "2024-01-01 in the compiled file, 2025-04-01-preview in the source",
    "azure-stack-hci/virtual-hard-disk": "2024-05-01-preview in the compiled file, 2025-04-01-preview in the source",
    "azure-stack-hci/virtual-machine-instance": "2024-01-01 in the compiled file, 2025-04-01-preview in the source",
    "compute/virtual-machine": "diskControllerType is 'SCSI' when it is not given, in the source only",
}
"""Pairs whose compiled file was made of an older source (2026-08-07), and where that shows."""


class Pair(NamedTuple):
    """A source and what the compiler made of it; of a `test`, what it made of the modules it calls."""

    corpus: str
    name: str
    source: Path
    compiled: Path
    test: bool = False

    @property
    def module(self) -> str:
        """The name of what is compared."""
        return self.name.rpartition("/")[0] if self.test else self.name


class Result(NamedTuple):
    """How a pair compared: the differences found, or the error that ended it.

    `compared` are resources, or values; `seconds` is the longer of both evaluations. Of a pair that is `bound` to a registry only what the source declares itself
    was compared.
    """

    pair: Pair
    differences: tuple[str, ...]
    compared: int = 0
    seconds: float = 0.0
    bound: bool = False


class Disk:
    """`ir.Files` for a checkout: relative paths only, each file parsed once."""

    def __init__(self, *, compiled: bool = False) -> None:
        """With `compiled`, the modules of a registry's repository are what the compiler made of them."""
        self._compiled = compiled
        self._parsed: dict[Path, ir.Template] = {}
        self.registry = False

    def open(self, path: Path) -> ir.Template:
        """Parse a template, Bicep or JSON by its name."""
        path = path.resolve()
        if path not in self._parsed:
            parse = bicep.parse_template if path.suffix == ".bicep" else arm.parse_template
            self._parsed[path] = parse(_source(path), self)
        return self._parsed[path]

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        """A module below the checkout; a registry's module is never at hand here."""
        if reference.startswith(("br:", "br/", "ts:", "ts/")):
            self.registry = True
            return ir.Unresolved(reference, "registry modules are not at hand")
        path = (base.path.parent / reference).resolve() if base.path is not None else Path(reference)
        beside = path.with_name("main.json")
        if self._compiled and path.name == "main.bicep" and "tests" not in path.parts and beside.is_file():
            path = beside
        return self.open(path) if path.is_file() else ir.Unresolved(reference, "there is no such file")

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        """A parameter file below the checkout."""
        path = (base.path.parent / reference).resolve() if base.path is not None else Path(reference)
        if not path.is_file():
            return ir.Unresolved(reference, "there is no such file")
        return bicep.parse_parameters(_source(path), self)

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
    begin = time.process_time()
    disk = Disk()
    ours = evaluated(pair.source, disk)
    between = time.process_time()
    theirs = evaluated(pair.source, Disk(compiled=True)) if pair.test else evaluated(pair.compiled, disk)
    seconds = max(between - begin, time.process_time() - between)
    found = list(differences(ours, theirs))
    bound = bool(found) and disk.registry
    if bound:
        found = [f"{one.type} {one.name} is not there" for one in ours if not any(fits(one, other) for other in theirs)]
    found += _problems(disk, pair)
    return Result(pair, tuple(found), len(ours if bound else theirs), seconds, bound)


def fits(ours: Any, theirs: Any) -> bool:
    """Whether what is known of the one is so in the other; where a property's name is not known, there may be more."""
    if ours == UNKNOWN:
        return True
    if isinstance(ours, dict) and isinstance(theirs, dict):
        named = ours.keys() - {UNKNOWN}
        complete = UNKNOWN in ours or named >= theirs.keys()
        return complete and all(fits(ours[name], theirs.get(name)) for name in named)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(fits, ours, theirs))
    return bool(ours == theirs) and isinstance(ours, bool) is isinstance(theirs, bool)


def compared_parameters(pair: Pair) -> Result:
    """Evaluate both parameter files and list how their values differ."""
    begin = time.process_time()
    disk = Disk()
    ours = bicep.parse_parameters(_source(pair.source), disk)
    theirs = arm.parse_parameters(_source(pair.compiled))
    found = [f"{one.span.source.uri}:{one.span.line}: {one.message}" for one in (*ours.problems, *theirs.problems)]
    names = dict.fromkeys((*ours.values, *theirs.values, *_extended(ours, disk)))
    left, right = values(ours, names, disk), values(theirs, names, disk)
    found += [
        f"{name} is {left[name]!r} here, {right[name]!r} there" for name in names if not same(left[name], right[name])
    ]
    return Result(pair, tuple(found), len(theirs.values), time.process_time() - begin)


def values(file: ir.ParameterFile, names: Iterable[str], disk: Disk) -> dict[str, Any]:
    """What a parameter file gives for each name, as it is compared."""
    nowhere = ir.Span(file.source, 0, 0)
    default = ir.Literal(nowhere, NOT_GIVEN)
    parameters = {name: ir.Parameter(nowhere, name, default=default) for name in names}
    template = ir.Template(file.source, parameters=parameters, bicep=True)
    root = records.deploy(template, [file], {}, CONTEXT, disk, ENVIRONMENT)
    return {name: plain(root.parameter(name)) for name in names}


def _extended(file: ir.ParameterFile, disk: Disk) -> Iterable[str]:
    base = disk.parameters(file.source, file.extends) if file.extends else None
    return base.values if isinstance(base, ir.ParameterFile) else ()


def _source(path: Path) -> ir.Source:
    return ir.Source(str(path), path.read_text("utf-8-sig"), path)


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
    decompiled = corpus / "bicep" / "src" / "Bicep.Decompiler.IntegrationTests" / "Files" / "Parameters"
    for folder in (samples / "baselines_bicepparam", decompiled):
        for source in sorted(folder.glob("*/parameters.bicepparam")):
            compiled_file = source.with_suffix(".json")
            if compiled_file.is_file() and "Invalid" not in source.parent.name:
                yield Pair(PARAMETERS, source.parent.name, source, compiled_file)
    modules = corpus / "bicep-registry-modules" / "avm"
    for kind in ("res", "ptn", "utl"):
        tests: list[Pair] = []
        for source in sorted((modules / kind).glob("**/main.bicep")):
            module = source.with_name("main.json")
            name = str(source.parent.relative_to(modules / kind))
            if module.is_file() and "/tests/" not in f"/{name}/":
                yield Pair(f"AVM {kind}", name, source, module)
                found = sorted(source.parent.glob("tests/e2e/*/main.test.bicep"))
                tests += (Pair(f"AVM {kind}, tests", f"{name}/{one.parent.name}", one, module, True) for one in found)
        yield from tests


def main(arguments: list[str]) -> int:
    """Compare every pair, print the table, and say 1 when one differs or fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--only", default="", help="only pairs whose name holds this text")
    parser.add_argument("--differences", action="store_true", help="list what differs, and what cannot be compared")
    options = parser.parse_args(arguments)
    table: dict[str, list[Result]] = {}
    crashed = 0
    for pair in pairs(options.corpus):
        if options.only not in f"{pair.corpus}/{pair.name}" or pair.module in STALE:
            continue
        try:
            result = compared_parameters(pair) if pair.corpus == PARAMETERS else compared(pair)
        except Exception as error:  # noqa: BLE001 - one pair that fails must not hide the others
            crashed += 1
            result = Result(pair, (f"{type(error).__name__}: {error}",))
        table.setdefault(pair.corpus, []).append(result)
    for line in report(table):
        print(line)
    print(f"\n{crashed} exceptions; {len(STALE)} stale pairs left out.")
    if options.differences:
        for line in details(table):
            print(line)
    return 1 if any(one.differences for results in table.values() for one in results) else 0


def report(table: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    """The table."""
    yield "| corpus | pairs | comparable | equal | bound to a registry | agreeing | resources or values | slowest |"
    yield "|---|---|---|---|---|---|---|---|"
    for corpus, results in table.items():
        whole, bound = [one for one in results if not one.bound], [one for one in results if one.bound]
        equal, agreeing = (_share(part) for part in (whole, bound))
        total, slowest = sum(one.compared for one in results), max(one.seconds for one in results)
        counts = f"{len(results)} | {len(whole)} | {equal} | {len(bound)} | {agreeing}"
        yield f"| {corpus} | {counts} | {total:,} | {slowest:.2f} s |"


def _share(results: Sequence[Result]) -> str:
    good = sum(not one.differences for one in results)
    return f"{good} ({good / len(results):.1%})" if results else "-"


def details(table: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    """What differs, how; and the pairs that could not be compared as a whole, or not at all."""
    for corpus, results in table.items():
        for one in results:
            if one.differences:
                yield f"{corpus}/{one.pair.name}"
                yield from (f"    {text[:300]}" for text in one.differences[:4])
        bound = [one.pair.name for one in results if one.bound]
        if bound:
            yield f"{corpus}, bound to a registry: {', '.join(bound)}"
    yield from (f"stale: {name}: {reason}" for name, reason in STALE.items())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

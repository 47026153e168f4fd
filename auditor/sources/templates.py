"""The template source: what is deployed in files and folders, evaluated, as records."""

from __future__ import annotations

import difflib
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from auditor.catalog import Catalog
from auditor.errors import UsageError
from auditor.model import Gap, Origin, Progress, Record, Resource, Scope
from auditor.sources import changed, cross_check
from auditor.sources.arm import ir, records
from auditor.sources.arm.evaluate import Deployment
from auditor.sources.arm.values import EvaluationError
from auditor.sources.files import Entry, EntryPoint, Survey, read_snapshot

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from auditor.sources import CollectOptions


MANY: Final = 64
"""Entry points from which on it pays to use more than one core."""
CHUNK: Final = 16
"""Entry points a process evaluates before it hands their records over."""


class _Evaluated(NamedTuple):
    """An entry point's records, and the names of its template's parameters."""

    records: tuple[Record, ...]
    parameters: tuple[str, ...] = ()


def collect(paths: Sequence[Path], options: CollectOptions, catalog: Catalog, progress: Progress) -> Iterator[Record]:
    """Yield what the templates, snapshots and plans in `paths` declare, and what could not be read of them.

    Raises TargetError for a file that is nothing we read, UsageError for parameters that fit no template.
    """
    survey = Survey(paths, options)
    narrowed = tuple(changed.narrow(survey, paths, options)) if options.changed_only else ()
    yield from survey.records
    yield from narrowed
    for path in dict.fromkeys(survey.snapshots):
        yield from read_snapshot(path)
    known: dict[str, None] = {}
    if survey.terraform or survey.terraform_named:
        from auditor.sources import terraform

        known |= dict.fromkeys((yield from terraform.collect(survey, options, catalog, progress)))
    work = _Work(survey, options, catalog)
    told: set[tuple[object, ...]] = set()
    for number, evaluated in enumerate(work.all()):
        progress.update("Evaluating templates", done=number, total=len(survey.points))
        known |= dict.fromkeys(evaluated.parameters)
        told.update(record.origin[:3] for record in evaluated.records if isinstance(record, Gap))
        yield from evaluated.records
    # A broken module that an entry point calls was told with the calls that lead to it.
    yield from (gap for gap in survey.broken if gap.origin[:3] not in told)
    if not any(scope.left_out for scope in narrowed):
        _check_given(options, list(known))


class _Work:
    """Evaluates entry points, in order, on as many cores as there are when there are many of them."""

    def __init__(self, survey: Survey, options: CollectOptions, catalog: Catalog) -> None:
        self._survey = survey
        self._options = options
        self._catalog = catalog
        self._compiler = cross_check.compiler() if options.cross_check else ""

    def all(self) -> Iterator[_Evaluated]:
        """Every entry point, one at a time."""
        points = self._survey.points
        workers = _cores() if len(points) >= MANY else 1
        return self._spread(points, workers) if workers > 1 else map(self.one, points)

    def one(self, point: EntryPoint) -> _Evaluated:
        """Open and evaluate one entry point."""
        entry = self._survey.open(point)
        if isinstance(entry, Gap):
            return _Evaluated((entry,))
        names = tuple(parameter.name for parameter in entry.template.parameters.values())
        return _Evaluated(tuple(_evaluated(entry, self._options, self._catalog, self._compiler)), names)

    def some(self, chunks: Sequence[Sequence[EntryPoint]], pipe: Connection) -> None:
        """What a process does: its chunks, each sent when it is done."""
        for chunk in chunks:
            pipe.send([self.one(point) for point in chunk])
        pipe.close()

    def _spread(self, points: Sequence[EntryPoint], workers: int) -> Iterator[_Evaluated]:
        """The same by several processes: the chunks are dealt out in turn, and taken back in that order."""
        context = multiprocessing.get_context("fork")
        chunks = [points[start : start + CHUNK] for start in range(0, len(points), CHUNK)]
        pipes: list[Connection] = []
        processes = []
        try:
            for worker in range(workers):
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=self.some, args=(chunks[worker::workers], theirs), daemon=True)
                process.start()
                theirs.close()
                pipes.append(ours)
                processes.append(process)
            for number, chunk in enumerate(chunks):
                try:
                    yield from pipes[number % workers].recv()
                except EOFError:
                    reason = "the process that evaluated it ended early"
                    yield _Evaluated(tuple(Gap(str(p.at), reason, Origin(str(p.at))) for p in chunk))
        finally:
            for process in processes:
                process.terminate()
                process.join()


def _cores() -> int:
    """Processes that can work at once; 1 where one cannot be forked safely (other systems, other threads)."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(8, len(os.sched_getaffinity(0)))


def _check_given(options: CollectOptions, known: list[str]) -> None:
    """A parameter nobody has is a mistake of the command line, and would leave its value unsaid."""
    folded = {name.casefold() for name in known}
    for name in options.parameter:
        if known and name.casefold() not in folded:
            near = difflib.get_close_matches(name, known, 1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"--parameter {name}: nothing that was read has such a parameter{guess}")


def _evaluated(entry: Entry, options: CollectOptions, catalog: Catalog, compiler: str) -> Iterator[Record]:
    """The records of one entry point, and a Scope that says what was audited as what."""
    context = records.Context(options.subscription, options.resource_group, options.location)

    def deploy(template: ir.Template) -> Deployment:
        files = entry.files
        return records.deploy(template, entry.parameters, options.parameter, context, files, files.environment)

    source = entry.template.source
    stores = 0
    types = catalog.store_types()
    try:
        root = deploy(entry.template)
        for record in records.records(root, catalog):
            stores += isinstance(record, Resource) and record.type.casefold() in types
            yield record
        if compiler and entry.template.bicep and source.path is not None:
            yield from cross_check.differences(compiler, source.path, root, entry.files, deploy)
    except (EvaluationError, RecursionError) as error:
        reason = "it nests too deep to be evaluated" if isinstance(error, RecursionError) else str(error)
        yield Gap(entry.label, reason, Origin(source.uri))
    state = f"{stores} data store{'' if stores == 1 else 's'}"
    if entry.template.problems:
        state += ", partly analysed"
    name = ", ".join(Path(file.source.uri).name for file in entry.parameters)
    yield Scope(source.uri, entry.kind, name, state)

"""The template source: what is deployed in files and folders, evaluated, as records."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.model import Catalog, Gap, Origin, Progress, Record, Resource, Scope
from auditor.sources.arm import records
from auditor.sources.arm.values import EvaluationError
from auditor.sources.files import Entry, Survey, read_snapshot, read_terraform

if TYPE_CHECKING:
    from auditor.sources import CollectOptions


def collect(paths: Sequence[Path], options: CollectOptions, catalog: Catalog, progress: Progress) -> Iterator[Record]:
    """Yield what the templates, snapshots and plans in `paths` declare, and what could not be read of them.

    Raises TargetError for a file that is nothing we read, UsageError for parameters that fit no template.
    """
    survey = Survey(paths, options)
    yield from survey.records
    for path in dict.fromkeys(survey.snapshots):
        yield from read_snapshot(path)
    yield from read_terraform(list(dict.fromkeys(survey.terraform)))
    known: dict[str, None] = {}
    told: set[tuple[object, ...]] = set()
    for number, point in enumerate(survey.points):
        progress.update("Evaluating templates", done=number, total=len(survey.points))
        entry = survey.open(point)
        if isinstance(entry, Gap):
            yield entry
            continue
        known |= dict.fromkeys(parameter.name for parameter in entry.template.parameters.values())
        for record in _evaluated(entry, options, catalog):
            if isinstance(record, Gap):
                told.add(record.origin[:3])
            yield record
    # A broken module that an entry point calls was told with the calls that lead to it.
    yield from (gap for gap in survey.broken if gap.origin[:3] not in told)
    _check_given(options, list(known))


def _check_given(options: CollectOptions, known: list[str]) -> None:
    """A parameter nobody has is a mistake of the command line, and would leave its value unsaid."""
    folded = {name.casefold() for name in known}
    for name in options.parameter:
        if known and name.casefold() not in folded:
            near = difflib.get_close_matches(name, known, 1)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"--parameter {name}: no template has such a parameter{guess}")


def _evaluated(entry: Entry, options: CollectOptions, catalog: Catalog) -> Iterator[Record]:
    """The records of one entry point, and a Scope that says what was audited as what."""
    context = records.Context(options.subscription, options.resource_group, options.location)
    stores = 0
    types = catalog.store_types()
    try:
        root = records.deploy(
            entry.template, entry.parameters, options.parameter, context, entry.files, entry.files.environment
        )
        for record in records.records(root, catalog):
            stores += isinstance(record, Resource) and record.type.casefold() in types
            yield record
    except (EvaluationError, RecursionError) as error:
        reason = "it nests too deep to be evaluated" if isinstance(error, RecursionError) else str(error)
        yield Gap(entry.label, reason, Origin(entry.template.source.uri))
    state = f"{stores} data store{'' if stores == 1 else 's'}"
    if entry.template.problems:
        state += ", partly analysed"
    name = ", ".join(Path(file.source.uri).name for file in entry.parameters)
    yield Scope(entry.template.source.uri, entry.kind, name, state)

"""Reports as the command line asks for them: `--format NAME[=PATH]`, several, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from auditor.cli.output import emit, say, tell, write
from auditor.errors import AuditorError, OutputError, UsageError

if TYPE_CHECKING:
    from auditor.renderers import Format

_Report = TypeVar("_Report")
Render = Callable[[_Report], Iterator[str]]


def requested(
    table: Mapping[str, Format[_Report]], formats: Iterable[str], template: Path | None
) -> list[tuple[Render[_Report], Path | None]]:
    """The renderer and the place of each `NAME[=PATH]`; a place of None is stdout, which one report may have.

    Whatever can be wrong with them is said here, before the work.
    """
    from auditor import writing
    from auditor.renderers import find

    result: list[tuple[Render[_Report], Path | None]] = []
    for item in formats:
        name, equals, target = item.partition("=")
        entry = find(name, table)
        if equals and not target:
            raise UsageError(f"--format {item!r} names no file", hint=f"For example {name}=report.{entry.extension}.")
        path = Path(target) if target not in ("", "-") else None
        if path is not None:
            writing.require(path)
        result.append((entry.load(template), path))
    places = [path for _, path in result]
    if places.count(None) > 1:
        raise UsageError("only one report can go to stdout", hint="Give the others a file: --format json=report.json")
    if len({path.absolute() for path in places if path}) < len(places) - places.count(None):
        raise UsageError("two reports would be written to one file", hint="Give each a file of its own.")
    return result


def written(report: _Report, outputs: Iterable[tuple[Render[_Report], Path | None]], *, quiet: bool) -> None:
    """Write all reports. One that fails keeps none of the others from being written; it is raised at the end."""
    failed: list[AuditorError] = []
    for render, path in outputs:
        try:
            if path is None:
                emit(render(report))
            else:
                write(path, render(report))
                if not quiet:
                    say(f"Wrote {path}")
        except OutputError as error:
            failed.append(error)
    for other in failed[1:]:
        tell(other)
    if failed:
        raise failed[0]

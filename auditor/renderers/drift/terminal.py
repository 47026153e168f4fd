"""The summary of a comparison in the terminal: the verdict, what is weaker, and what cannot be told."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.delta import Delta, Difference, Drift
from auditor.model import Subject
from auditor.renderers.drift.overview import Doubt, DriftOverview, drift_overview, value
from auditor.renderers.escaping import terminal as inert
from auditor.renderers.overview import counted
from auditor.renderers.terminal import heading, more, not_read

ROWS_SHOWN: Final = 25
NAMES_SHOWN: Final = 4

_STYLES: Final = {Drift.WEAKER: "bold red", Drift.DIFFERENT: "yellow", Drift.STRONGER: "green"}
_MARKS: Final = {
    "fail": ("✗", "bold red"),
    "unknown": ("?", "bold yellow"),
    "none": ("≠", "bold"),
    "pass": ("✓", "bold green"),
}


def render(delta: Delta, *, fail_on: str, color: bool, width: int | None) -> Iterator[str]:
    """The summary as text, with ANSI colours where `color` is set; `width` is in columns, None for the terminal's."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=color, no_color=not color, width=width, highlight=False)
    seen = drift_overview(delta)
    _head(delta, seen, fail_on, console)
    for drift, title, rows in seen.classes:
        _rows(title, _STYLES[drift], rows, seen, console)
    _alone("Only in the reference", delta.only_in_reference, console)
    _alone("Only in the current side", delta.only_in_current, console)
    _doubts("Cannot be told", "bold yellow", seen.doubts, console)
    not_read(seen.gaps, console)
    _doubts("Not compared, because one side can never show it", "dim", seen.not_compared, console)
    _foot(delta, console)
    yield "".join(line.rstrip() + "\n" for line in file.getvalue().splitlines())


def _head(delta: Delta, seen: DriftOverview, fail_on: str, console: Console) -> None:
    names = [(inert(side.name), "cyan") for side in (delta.reference, delta.current)]
    console.print(Text.assemble(("Drift  ", "bold"), names[0], " → ", names[1]))
    compared = f"{counted(delta.compared, 'resource')} compared"
    console.print(Text(f"{inert(delta.baseline_title or delta.baseline)} · {compared}", style="dim"))
    console.print()
    mark, style = _MARKS[seen.verdict.tone]
    console.print(Text(f"{mark} {seen.verdict.word}", style=style))
    console.print(Padding(Text(seen.verdict.sentence), (0, 0, 0, 2)))
    if seen.classes and delta.exit_code(fail_on) != 1:
        console.print(Padding(Text(f"Nothing counts at --fail-on {fail_on}.", style="dim"), (0, 0, 0, 2)))


def _rows(title: str, style: str, rows: tuple[Difference, ...], seen: DriftOverview, console: Console) -> None:
    heading(console, f"{title} ({len(rows)})", style)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in ("Resource", "Setting", "Reference", "Current", "Severity"):
        table.add_column(column, overflow="fold")
    for row in rows[:ROWS_SHOWN]:
        severity = seen.severity(row)
        table.add_row(
            Text(inert(row.subject.name), style="cyan"),
            Text(inert(_short(row.path))),
            Text(inert(value(row, current=False))),
            Text(inert(value(row, current=True)), style=style),
            Text(severity.value if severity else "–", style="dim"),
        )
    console.print(Padding(table, (0, 0, 0, 2)))
    more(console, len(rows) - ROWS_SHOWN)


def _short(path: str) -> str:
    """A path without what every path begins with."""
    child, colon, rest = path.rpartition(":")
    return child + colon + rest.removeprefix("properties.")


def _alone(title: str, subjects: tuple[Subject, ...], console: Console) -> None:
    if not subjects:
        return
    heading(console, f"{title} ({len(subjects)})", "yellow")
    for subject in subjects[:ROWS_SHOWN]:
        console.print(Padding(Text.assemble((inert(subject.name), "cyan"), f"  {inert(subject.type)}"), (0, 0, 0, 2)))
    more(console, len(subjects) - ROWS_SHOWN)


def _doubts(title: str, style: str, doubts: tuple[Doubt, ...], console: Console) -> None:
    if not doubts:
        return
    heading(console, f"{title} ({sum(len(doubt.differences) for doubt in doubts)})", style)
    for doubt in doubts[:ROWS_SHOWN]:
        paths = _listed(map(_short, doubt.paths))
        console.print(Padding(Text.assemble((_listed(doubt.names), "cyan"), f"  {paths}"), (0, 0, 0, 2)))
        console.print(Padding(Text(inert(doubt.reason), style="dim"), (0, 0, 0, 4)))
    more(console, len(doubts) - ROWS_SHOWN)


def _foot(delta: Delta, console: Console) -> None:
    console.print()
    if delta.unused_map:
        unused = counted(len(delta.unused_map), "pair of the map is", "pairs of the map are")
        console.print(Text(f"{unused} not used: {_listed(delta.unused_map)}.", style="yellow"))
    console.print(Text("All of it, with the places: --format html=drift.html", style="dim"))


def _listed(names: Iterable[str]) -> str:
    found = [inert(name) for name in dict.fromkeys(names)]
    rest = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    return ", ".join(found[:NAMES_SHOWN]) + rest

"""The recovery matrix in the terminal: a line a store, a sign a scenario; in words what is not surely recoverable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.model import RecoveryReport
from auditor.renderers.escaping import terminal as inert
from auditor.renderers.recovery.pages import changed
from auditor.renderers.recovery.view import Matrix, matrix
from auditor.renderers.terminal import not_read

STYLES: Final = {"pass": "green", "fail": "bold red", "waived": "magenta", "unknown": "bold yellow"}
DELETED_SHOWN: Final = 10
_KEY: Final = (
    ("yes", "recoverable"),
    ("best-effort", "best effort only"),
    ("unknown", "cannot be told"),
    ("no", "lost, or down while an outage lasts"),
)


def render(shown: RecoveryReport, *, color: bool, width: int | None) -> Iterator[str]:
    """The matrix as text, with ANSI colours where `color` is set; `width` is in columns, None for the terminal's."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=color, no_color=not color, width=width, highlight=False)
    seen = matrix(shown.report.recovery)
    targets = ", ".join(map(inert, shown.report.targets))
    console.print(Text.assemble(("Recovery  ", "bold"), (targets, "cyan")))
    console.print(Text(" · ".join(f"{seen.counts.get(state, 0)} {word}" for state, word in _KEY), style="dim"))
    console.print()
    _matrix(seen, console)
    not_read([("", gap) for gap in shown.report.gaps], console)
    if shown.report.gaps:
        console.print()
    _deleted(shown, console)
    if shown.asked:
        _changed(shown, console)
    else:
        _promised(seen, console)
        _lost(seen, console)
    yield "".join(line.rstrip() + "\n" for line in file.getvalue().splitlines())


def _matrix(seen: Matrix, console: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Store", overflow="fold")
    for short, _ in seen.scenarios.values():
        table.add_column(short, justify="center", no_wrap=True)
    for line in seen.lines:
        signs = [Text(cell.symbol, style=STYLES[cell.tone]) for cell in line.cells]
        table.add_row(Text(inert(line.subject.name)), *signs)
    console.print(Padding(table, (0, 0, 1, 2)))


def _deleted(shown: RecoveryReport, console: Console) -> None:
    """What was deleted and can still be had back."""
    deleted = shown.report.deleted
    if deleted:
        names = ", ".join(subject.name for subject in deleted[:DELETED_SHOWN]) + (
            ", …" if deleted[DELETED_SHOWN:] else ""
        )
        console.print(Text.assemble(("Deleted and not purged yet: ", "bold"), inert(names)))
        console.print()


def _changed(shown: RecoveryReport, console: Console) -> None:
    rows = changed(shown)
    console.print(Text("What would be different" if rows else "Nothing would be different", style="bold"))
    console.print(Padding(Text(inert("if " + ", ".join(shown.asked)), style="cyan"), (0, 0, 0, 2)))
    console.print(
        Padding(Text("Judged by settings alone, as they are once they have held.", style="dim"), (0, 0, 0, 2))
    )
    for one in rows:
        console.print(Padding(Text(inert(f"{one.subject.name}: {one.after.title}"), style="bold"), (0, 0, 0, 2)))
        for label, cell in (("before", one.before), ("after", one.after)):
            said = cell.word.lower() + (f"; {cell.by}; lost: {cell.rpo}; back: {cell.lookback}" if cell.by else "")
            console.print(Padding(Text.assemble(f"{label:<7}", (inert(said), STYLES[cell.tone])), (0, 0, 0, 4)))


def _promised(seen: Matrix, console: Console) -> None:
    judged = [(line, cell) for line in seen.lines for cell in line.cells if cell.verdict]
    if not judged:
        return
    console.print(Text("Objectives", style="bold"))
    for line, cell in judged:
        style = "green" if cell.row.verdict == "met" else "bold red" if cell.row.verdict == "missed" else "bold yellow"
        said = f"{cell.row.objective}: {line.subject.name}, {cell.title}: "
        console.print(Padding(Text.assemble(inert(said), (cell.verdict, style)), (0, 0, 0, 2)))
        if cell.row.verdict != "met":
            for text in (cell.row.verdict_reason, *cell.changes):
                console.print(Padding(Text(inert(text), style="dim"), (0, 0, 0, 4)))
    console.print()


def _lost(seen: Matrix, console: Console) -> None:
    """Each scenario that is not surely recoverable, with the stores it concerns and what would change it."""
    for name, (_, title) in seen.scenarios.items():
        cells = [(line.subject.name, cell) for line in seen.lines for cell in line.cells if cell.scenario == name]
        for state, _ in _KEY[1:]:
            stores = [store for store, cell in cells if cell.recoverable == state]
            changes = dict.fromkeys(c for _, cell in cells if cell.recoverable == state for c in cell.changes)
            if not stores:
                continue
            seen_first = next(cell for _, cell in cells if cell.recoverable == state)
            console.print(Text.assemble((f"{title}: ", "bold"), (seen_first.word.lower(), STYLES[seen_first.tone])))
            console.print(Padding(Text(inert(", ".join(stores))), (0, 0, 0, 2)))
            for text in list(changes)[:3]:
                console.print(Padding(Text(inert(f"→ {text}"), style="dim"), (0, 0, 0, 2)))
    console.print(Text("\nFigures and sources: --format html=recovery.html", style="dim"))

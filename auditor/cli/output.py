"""What the commands say: reports to stdout, words to a person and progress to stderr. The only module that prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from auditor.errors import AuditorError, OutputError
from auditor.untrusted import harmless


def say(text: str) -> None:
    """One line to the person, on stderr."""
    click.echo(harmless(text), err=True)


def emit(chunks: Iterable[str]) -> None:
    """A report to stdout, as it comes. Raises OutputError when it cannot be written there."""
    if sys.stdout is None:
        raise OutputError("stdout cannot be written: it is closed")
    with stdout() as stream:
        stream.writelines(chunk.encode("utf-8", "backslashreplace") for chunk in chunks)


@contextlib.contextmanager
def stdout() -> Iterator[BinaryIO]:
    """Stdout for bytes, flushed at the end."""
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        _mute()
        raise SystemExit(141) from None
    except OSError as error:
        _mute()
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error


def _mute() -> None:
    """Let what Python still holds for stdout go nowhere, or it would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def screen() -> tuple[bool, int | None]:
    """Whether stdout shows colours, and how wide it is in columns (None: as wide as its terminal)."""
    terminal_there = sys.stdout.isatty()
    color = not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or terminal_there)
    width = int(columns) if (columns := os.environ.get("COLUMNS", "")).isdigit() else None
    return color, width if width or terminal_there else 100


def write(path: Path, chunks: Iterable[str]) -> None:
    """A report to a file, whole or not at all. Raises OutputError."""
    from auditor import writing

    with writing.whole(path) as stream:
        stream.writelines(chunk.encode("utf-8", "backslashreplace") for chunk in chunks)


class Progress:
    """Progress on stderr while it is a terminal and nobody asked for quiet; otherwise nothing."""

    def __init__(self, quiet: bool) -> None:
        """Draw nothing when `quiet`, in CI, or where stderr is no terminal."""
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        if quiet or os.environ.get("CI") or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False, style="yellow"),
        )
        self._live = Progress(*columns, console=Console(stderr=True), transient=True)

    def update(self, stage: str, *, done: int = 0, total: int | None = None, note: str = "") -> None:
        """Show how far a stage is."""
        if self._live is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._live.add_task(harmless(stage), total=total, note="")
        self._live.update(self._tasks[stage], completed=done, total=total, note=harmless(note))

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()


def page(text: str) -> None:
    """A page in Markdown: laid out for a person at a terminal, as it is for everyone else."""
    text = harmless(text)
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        emit([text])
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))


def to_json(value: Any) -> str:
    """A value as JSON text, ended by a newline."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def tell(error: AuditorError) -> None:
    """An error and its hint, on stderr."""
    say(f"error: {error}")
    if error.hint:
        say(f"hint: {error.hint}")

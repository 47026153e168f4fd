"""GitHub's step summary: the Markdown report, cut where GitHub would refuse it.

GitHub drops a summary of more than 1 MiB whole (docs.github.com, "Workflow commands", 2026-11-26). The report has its
verdict, its gaps and what to act on first, so a cut takes the detail; the last lines say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from auditor.model import Renderer, Report
from auditor.renderers import template

MAX_BYTES: Final = 1024 * 1024
RESERVE: Final = 4_096
"""Bytes for what is said of a cut, and for the little that another command of the step may write."""


def renderer(template_dir: Path | None) -> Renderer:
    """The renderer, with a user's own Markdown template where there is one."""
    whole = template.renderer("markdown.md.j2", template_dir)
    return lambda report: _cut(whole, report)


def _cut(whole: Callable[[Report], Iterator[str]], report: Report) -> Iterator[str]:
    room = MAX_BYTES - RESERVE
    left_out = 0
    open_details = 0
    for line in _lines(whole(report)):
        size = len(line.encode("utf-8"))
        if left_out or size > room:
            left_out += 1
            continue
        room -= size
        open_details += (line == "<details>\n") - (line == "</details>\n")
        yield line
    if left_out:
        yield "\n</details>\n" * open_details
        yield f"\n**Cut here.** GitHub takes 1 MiB of summary; {left_out:,} more lines are in the Markdown report.\n"


def _lines(chunks: Iterator[str]) -> Iterator[str]:
    """Whole lines, whatever the chunks."""
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        yield from (line + "\n" for line in lines)
    if rest:
        yield rest

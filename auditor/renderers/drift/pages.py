"""The pages of a comparison, made by the same templates' machinery as reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from auditor.delta import Delta
from auditor.renderers import template
from auditor.renderers.drift.overview import drift_overview


def renderer(name: str, template_dir: Path | None) -> Callable[[Delta], Iterator[str]]:
    """The renderer of a drift template; it sees `delta`, `overview` and the filters of docs/report-formats.md."""
    return template.page(name, template_dir, _context, _entries)


def _context(delta: Delta) -> Mapping[str, Any]:
    return {"delta": delta, "overview": drift_overview(delta)}


def _entries(delta: Delta) -> int:
    alone = len(delta.only_in_reference) + len(delta.only_in_current)
    return len(delta.differences) + len(delta.not_compared) + alone + len(delta.reference.gaps + delta.current.gaps)

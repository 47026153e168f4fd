"""Writes the golden files: `python -m tests.renderers.golden`."""

from __future__ import annotations

from pathlib import Path

from auditor.renderers import FORMATS, render
from tests.renderers.sample_report import sample

FOLDER = Path(__file__).parents[1] / "golden" / "renderers"


def path_of(name: str) -> Path:
    """The golden file of a format."""
    return FOLDER / f"report.{FORMATS[name].extension}"


def main() -> None:
    """Write every format's golden file anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FORMATS:
        path_of(name).write_text("".join(render(sample(), name)), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()

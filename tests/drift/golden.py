"""Writes the golden files of comparisons: `python -m tests.drift.golden`."""

from __future__ import annotations

from pathlib import Path

from auditor.renderers import DRIFT_FORMATS
from tests.drift.sample_delta import sample

FOLDER = Path(__file__).parents[1] / "golden" / "drift"


def path_of(name: str) -> Path:
    """The golden file of a format."""
    return FOLDER / f"drift.{DRIFT_FORMATS[name].extension}"


def main() -> None:
    """Write every format's golden file anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, entry in DRIFT_FORMATS.items():
        path_of(name).write_text("".join(entry.load(None)(sample())), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()

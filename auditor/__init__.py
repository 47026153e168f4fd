"""auditor: would this platform's data come back?

`collect(targets)` reads resources in ARM shape into a `Snapshot`; `audit(targets_or_snapshot)` judges them by rules
against a baseline and returns a `Report`; `drift(reference, current)` compares two of them, or a baseline and one, and
returns a `Delta`. They are what the command line uses. Importing this package does nothing: every name is loaded on
first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from auditor.comparison import drift
    from auditor.delta import Delta, Difference, Drift
    from auditor.errors import AuditorError, PolicyError, SnapshotError, SourceError, TargetError, UsageError
    from auditor.model import (
        Basis,
        Evidence,
        Finding,
        Gap,
        Listing,
        Origin,
        Outcome,
        Report,
        Resource,
        Severity,
        Snapshot,
        Unknown,
        Waiver,
        WaiverState,
    )
    from auditor.pipeline import audit, collect

_HOMES = {
    "auditor.comparison": ("drift",),
    "auditor.delta": ("Delta", "Difference", "Drift"),
    "auditor.pipeline": ("audit", "collect"),
    "auditor.errors": ("AuditorError", "PolicyError", "SnapshotError", "SourceError", "TargetError", "UsageError"),
    "auditor.model": (
        "Basis",
        "Evidence",
        "Finding",
        "Gap",
        "Listing",
        "Origin",
        "Outcome",
        "Report",
        "Resource",
        "Severity",
        "Snapshot",
        "Unknown",
        "Waiver",
        "WaiverState",
    ),
}

__all__ = [
    "AuditorError",
    "Basis",
    "Delta",
    "Difference",
    "Drift",
    "Evidence",
    "Finding",
    "Gap",
    "Listing",
    "Origin",
    "Outcome",
    "PolicyError",
    "Report",
    "Resource",
    "Severity",
    "Snapshot",
    "SnapshotError",
    "SourceError",
    "TargetError",
    "Unknown",
    "UsageError",
    "Waiver",
    "WaiverState",
    "__version__",
    "audit",
    "collect",
    "drift",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use, so that importing the package costs nothing."""
    for home, names in _HOMES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)

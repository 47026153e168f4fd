"""What would be lost, and for how long: scenarios × mechanisms, computed from effective settings."""

from __future__ import annotations

from auditor.recovery.analysis import Analysis
from auditor.recovery.knowledge import SCENARIOS, Knowledge, Mechanism, load_knowledge

__all__ = ["SCENARIOS", "Analysis", "Knowledge", "Mechanism", "load_knowledge"]

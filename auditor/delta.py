"""What a comparison of two sides finds: frozen values, and how the process ends with them.

A `Delta` is to drift what a `Report` is to a scan: a renderer needs nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from auditor.model import Gap, Origin, RuleInfo, Subject


class Drift(StrEnum):
    """How a current setting stands to the reference: what it protects is less, more, other, or cannot be told."""

    WEAKER = "weaker"
    STRONGER = "stronger"
    DIFFERENT = "different"
    UNKNOWN = "unknown"

    @property
    def reversed(self) -> Drift:
        """The same difference seen from the other side."""
        return _REVERSED.get(self, self)


_REVERSED: Final = {Drift.WEAKER: Drift.STRONGER, Drift.STRONGER: Drift.WEAKER}

FAIL_ON: Final[Mapping[str, tuple[Drift, ...]]] = {
    "weaker": (Drift.WEAKER,),
    "different": (Drift.WEAKER, Drift.DIFFERENT),
    "any": (Drift.WEAKER, Drift.DIFFERENT, Drift.STRONGER),
}
"""The classes that make the exit code 1. A resource that only one side has counts as different."""


class Difference(NamedTuple):
    """One setting on which the two sides differ, or may.

    `path` is the ARM path, with the child before it where it stands on a child (`blobServices/default:properties.…`);
    `id` where it is the resource itself that cannot be told. `reference` and `current` are what evidence would show:
    None for what is left out or not known. `rules` are the rules that read the setting, `statements` the baseline's
    statements behind them. `reason` says why it cannot be told, or where a value stands that nobody wrote.
    `origin` is the current value's place, `reference_origin` the other's; either is None where there is none.
    """

    subject: Subject
    path: str
    reference: Any
    current: Any
    drift: Drift
    rules: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    reason: str = ""
    origin: Origin | None = None
    reference_origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what was named, what it is called, how many stores it holds, and what could not be read of it.

    `collected_at` is empty for a baseline.
    """

    name: str
    collected_at: str = ""
    resources: int = 0
    gaps: tuple[Gap, ...] = ()
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """Everything that a comparison found.

    `compared` counts the stores of which both sides told something; `not_compared` are settings that one side can never
    show and of which the baseline requires nothing. `everything` says that more was compared than rules read.
    """

    tool_version: str
    generated_at: str
    reference: Side
    current: Side
    baseline: str
    baseline_title: str
    differences: tuple[Difference, ...]
    only_in_reference: tuple[Subject, ...] = ()
    only_in_current: tuple[Subject, ...] = ()
    not_compared: tuple[Difference, ...] = ()
    compared: int = 0
    everything: bool = False
    unused_map: tuple[str, ...] = ()
    rules: Mapping[str, RuleInfo] = field(default_factory=dict)

    def summary(self) -> dict[str, int]:
        """Counts in the JSON contract's words."""
        found = Counter(difference.drift for difference in self.differences)
        only = {"only-in-reference": len(self.only_in_reference), "only-in-current": len(self.only_in_current)}
        return {**{drift.value: found[drift] for drift in Drift}, **only}

    def exit_code(self, fail_on: str) -> int:
        """0 no drift of a class that counts, 1 there is some, 3 it cannot be told, 4 there is nothing to compare.

        `fail_on` is a key of `FAIL_ON`. A gap on either side may hide a store, so it cannot be told either.
        """
        counted = FAIL_ON[fail_on]
        alone = bool(self.only_in_reference or self.only_in_current)
        found = {difference.drift for difference in self.differences}
        if found.intersection(counted) or (alone and Drift.DIFFERENT in counted):
            return 1
        if Drift.UNKNOWN in found or self.reference.gaps or self.current.gaps:
            return 3
        return 0 if self.compared else 4

"""Waivers: approved exceptions laid over findings, which keep their outcome; an expired waiver stops counting."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from auditor.model import Finding, Outcome, Waiver


class Waivers:
    """The waivers of a run, and which of them met a finding."""

    def __init__(self, waivers: Iterable[Waiver]) -> None:
        """Prepare the patterns; active waivers are tried before expired ones."""
        self._waivers = sorted(waivers, key=lambda waiver: waiver.expired)
        self._patterns = [re.compile(fnmatch.translate(waiver.resource.casefold())) for waiver in self._waivers]
        self._met: set[int] = set()

    def apply(self, finding: Finding) -> Finding:
        """The finding with the waiver that covers it, if one does. Only failures and unknowns can be waived."""
        if not self._waivers or finding.outcome not in (Outcome.FAIL, Outcome.UNKNOWN):
            return finding
        resource = finding.subject.id.casefold()
        for index, (waiver, pattern) in enumerate(zip(self._waivers, self._patterns, strict=True)):
            if waiver.rule in ("*", finding.rule) and pattern.match(resource):
                self._met.add(index)
                return finding._replace(waiver=waiver)
        return finding

    def stale(self) -> tuple[Waiver, ...]:
        """The waivers that covered nothing: the exception has gone, or the pattern is wrong."""
        return tuple(waiver for index, waiver in enumerate(self._waivers) if index not in self._met)

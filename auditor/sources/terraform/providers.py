"""Which version of a provider is meant: version constraints, and the dependency lock file beside a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LOCK_FILE: Final = ".terraform.lock.hcl"
MAX_CONSTRAINT: Final = 1_000
"""Characters of a constraint; longer ones determine nothing."""

_CONSTRAINT: Final = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*v?(\d{1,9})((?:\.\d{1,9}){0,2})(-[0-9A-Za-z.-]+)?\s*\Z")
_LOCKED: Final = re.compile(
    r'^\s*provider\s+"([^"\\\n]{1,300})"\s*\{[^}]*?^\s*version\s*=\s*"v?(\d{1,9})[^"\n]*"', re.MULTILINE
)

FULL_NAMES: Final = frozenset({"hashicorp/azurerm", "azure/azapi", "-/azurerm"})
"""The providers the tables are made from, of whatever registry, casefolded; the last is how Terraform 0.13 says it."""

Version = tuple[int, int, int]


def major_of(constraints: Iterable[str]) -> int | None:
    """The major version that all constraints together leave, or None where they leave several, or none at all.

    Example: `~> 4.0` gives 4, `>= 3.0, < 4.0` gives 3, `>= 4.0` gives None (a major 5 fits it too).
    """
    low: Version = (0, 0, 0)
    high: Version | None = None  # exclusive
    for part in ",".join(constraints).split(","):
        match = _CONSTRAINT.match(part) if len(part) <= MAX_CONSTRAINT else None
        if match is None:
            if part.strip():
                return None
            continue
        operator = match[1] or "="
        given = [int(match[2]), *(int(number) for number in match[3].split(".") if number)]
        major, minor, patch = [*given, 0, 0][:3]
        version = (major, minor, patch)
        match operator:
            case "=":
                low, high = max(low, version), _lower(high, _after(version))
            case ">=" | ">":
                low = max(low, version if operator == ">=" else _after(version))
            case "<=" | "<":
                high = _lower(high, version if operator == "<" else _after(version))
            case "~>":
                # The last number that is written may grow: `~> 4.1` stays below 5, `~> 4.1.2` below 4.2.
                end = (major, minor + 1, 0) if len(given) == 3 else (major + 1, 0, 0)
                low, high = max(low, version), _lower(high, end)
    if high is None or low >= high:
        return None
    last = high[0] if high[1:] > (0, 0) else high[0] - 1
    return low[0] if low[0] == last else None


def _after(version: Version) -> Version:
    return version[0], version[1], version[2] + 1


def _lower(high: Version | None, other: Version) -> Version:
    return other if high is None else min(high, other)


def locked_majors(text: str) -> dict[str, int]:
    """The major version of each provider in a dependency lock file, by its full name (`…/hashicorp/azurerm`)."""
    return {match[1]: int(match[2]) for match in _LOCKED.finditer(text)}


def provider_name(full_name: str) -> tuple[str, str]:
    """The last part of `registry.terraform.io/hashicorp/azurerm`, and a note where somebody else made the provider."""
    short = full_name.casefold().split("/", 1)[-1] if full_name.count("/") == 2 else full_name.casefold()
    name = short.rsplit("/", 1)[-1]
    return name, f"{full_name[:100]} is taken for {name}" if "/" in short and short not in FULL_NAMES else ""

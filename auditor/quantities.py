"""The ordered types of the rule language: durations (ISO 8601) and redundancy (what a replica set survives)."""

from __future__ import annotations

import math
import re
from typing import Any, Final

UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}

_DURATION: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,10})S)?)?",
    re.ASCII,
)
_SECONDS: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def parse_duration(text: str) -> int:
    """Seconds of an ISO 8601 duration of weeks, days and time (`P30D`, `PT4H`, `P1DT12H`).

    Years and months have no fixed length and are refused. Raises ValueError.
    """
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as P30D or PT4H")
    return sum(int(amount) * _SECONDS[part] for part, amount in match.groupdict().items() if amount)


def iso_duration(seconds: float) -> str:
    """The ISO 8601 form of a number of seconds: 2592000 gives `P30D`, 100 gives `PT1M40S`, 0 gives `PT0S`."""
    whole = round(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)
    return f"P{days}D" * bool(days) + (f"T{time}" if days and time else f"PT{time}" if time else "") or "PT0S"


def spoken_duration(seconds: float) -> str:
    """A duration for people: `30 days`, `4 hours`, `90 minutes`, `1 day`; the largest unit that stays whole."""
    for unit in ("days", "hours", "minutes"):
        amount, rest = divmod(seconds, UNITS[unit])
        if amount and not rest:
            return f"{amount:g} {unit if amount != 1 else unit[:-1]}"
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def as_number(value: Any) -> float | None:
    """A finite number, or the number a string holds (ARM coerces both ways); None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 32 or not re.fullmatch(r"[+-]?\d+(\.\d+)?", text, re.ASCII):
            return None
        return float(text)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return None


def parse_tier(value: Any) -> int | None:
    """Seconds of a tier that carries its days in its name (`Continuous7Days`, `Continuous30Days`); None for others."""
    match = re.fullmatch(r"(?i)[a-z]{1,32}(\d{1,4})days", value.strip()) if isinstance(value, str) else None
    return int(match[1]) * UNITS["days"] if match else None


DISK: Final = frozenset({"disk"})
ZONE: Final = frozenset({"disk", "zone"})
REGION: Final = frozenset({"disk", "region"})
BOTH: Final = frozenset({"disk", "zone", "region"})

# What each vocabulary's words survive. Sources: Azure Storage redundancy (2024-01-19), Cosmos DB backup storage
# redundancy, Recovery Services and Backup vault storage settings.
_REDUNDANCY: Final = {
    "lrs": DISK,
    "zrs": ZONE,
    "grs": REGION,
    "ragrs": REGION,
    "gzrs": BOTH,
    "ragzrs": BOTH,
    "local": DISK,
    "zone": ZONE,
    "geo": REGION,
    "geozone": BOTH,
    "locallyredundant": DISK,
    "zoneredundant": ZONE,
    "georedundant": REGION,
    "geozoneredundant": BOTH,
}


def parse_redundancy(value: Any) -> frozenset[str] | None:
    """What a redundancy survives, out of `disk`, `zone`, `region`; None for a word nobody knows.

    Reads SKU names (`Standard_RAGRS`, `Premium_ZRS`, `StandardV2_GZRS`), their short forms (`RA-GRS`) and the words of
    the backup services (`Geo`, `GeoRedundant`).
    """
    if not isinstance(value, str):
        return None
    return _REDUNDANCY.get(value.rpartition("_")[2].replace("-", "").casefold())


# Words of ARM that are degrees of one thing, the weakest first. Sources, all 2026-11-22: Cosmos DB consistency levels
# (learn.microsoft.com/azure/cosmos-db/consistency-levels), immutability and soft delete of backup vaults
# (learn.microsoft.com/azure/backup/backup-azure-immutable-vault-concept, …/backup-azure-enhanced-soft-delete-about),
# tiers of App Configuration (azure-mgmt-appconfiguration 5.0.0), levels of locks (a read-only resource cannot be
# deleted either: learn.microsoft.com/azure/azure-resource-manager/management/lock-resources).
DEGREES: Final = (
    ("eventual", "consistentprefix", "session", "boundedstaleness", "strong"),
    ("disabled", "unlocked", "locked"),
    ("off", "on", "alwayson"),
    ("disabled", "enabled", "alwayson"),
    ("free", "developer", "standard", "premium"),
    ("notspecified", "cannotdelete", "readonly"),
)


def parse_degrees(value: Any, other: Any) -> tuple[int, int] | None:
    """How far up two words are that are degrees of one thing (`Unlocked`, `Locked` gives 1, 2); None for others."""
    if not (isinstance(value, str) and isinstance(other, str)):
        return None
    left, right = value.strip().casefold(), other.strip().casefold()
    degrees = next((words for words in DEGREES if left in words and right in words), None)
    return None if degrees is None else (degrees.index(left), degrees.index(right))

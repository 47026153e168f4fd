"""Comparisons, logic, conversions and whole numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm import texts
from auditor.sources.arm.structure import Builtin, an_integer, equal, kind, short, unknown_inside
from auditor.sources.arm.values import EvaluationError, Placeholder, unknown_of

_LOWEST: Final = -(1 << 63)
_HIGHEST: Final = (1 << 63) - 1


# ── comparisons ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _compare(left: Any, right: Any) -> int:
    """Negative, zero or positive, for two numbers or two texts. Raises EvaluationError for anything else."""
    numbers = (left, right)
    if isinstance(left, str) and isinstance(right, str):
        keys = texts.sort_key(left), texts.sort_key(right)
        return (keys[0] > keys[1]) - (keys[0] < keys[1])
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
        return int(left > right) - int(left < right)
    raise EvaluationError(f"{kind(left)} and {kind(right)} have no order")


def _ordered(holds: Callable[[int], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: holds(_compare(left, right))


# ── logic ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise EvaluationError(f"{kind(value)} is neither true nor false")
    return value


def _not(value: Any) -> bool:
    return not _truth(value)


def _decided_by(decisive: bool) -> Callable[..., bool | Unknown]:
    def decide(*values: Any) -> bool | Unknown:
        doubt: Unknown | None = None
        for value in values:
            if isinstance(value, Unknown | Placeholder):
                doubt = doubt or Unknown(value.reason)
            elif _truth(value) is decisive:
                return decisive
        return (not decisive) if doubt is None else doubt

    return decide


def _coalesce(*values: Any) -> Any:
    found: list[Any] = []
    reason = ""
    for value in values:
        if not isinstance(value, Unknown):
            if value is not None:
                found.append(value)
                break
            continue
        if not value.possible:
            return Unknown(reason or value.reason)
        reason = reason or value.reason
        found += [one for one in value.possible if one is not None]
        if None not in value.possible:
            break
    else:
        found.append(None)
    return unknown_of(found, reason) if reason else found[0]


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.strip().casefold() in ("true", "false"):
        return value.strip().casefold() == "true"
    raise EvaluationError(f"{kind(value)} is converted to no boolean")


def _any(value: Any) -> Any:
    return value


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ranged(value: int) -> int:
    if not _LOWEST <= value <= _HIGHEST:
        raise EvaluationError("the number does not fit into 64 bits")
    return value


def _calculation(calculate: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    return lambda left, right: _ranged(calculate(_ranged(an_integer(left)), _ranged(an_integer(right))))


def _divide(left: int, right: int) -> int:
    """Towards zero, as .NET divides."""
    if right == 0:
        raise EvaluationError("the division is by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    """With the sign of the dividend."""
    return left - right * _divide(left, right)


def _int(value: Any) -> int | Unknown:
    if isinstance(value, float):
        if value.is_integer():
            return _ranged(int(value))
        return Unknown("how int() rounds a fraction is not documented")
    if isinstance(value, str):
        digits = value.strip()
        if not (digits.isascii() and digits.removeprefix("-").removeprefix("+").isdigit() and len(digits) <= 40):
            raise EvaluationError(f"{short(value)} is no whole number")
        return _ranged(int(digits))
    return _ranged(an_integer(value))


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EvaluationError(f"{kind(value)} is converted to no number")
    try:
        number = float(value) if not isinstance(value, str) or "_" not in value else math.nan
    except (ValueError, OverflowError) as error:
        raise EvaluationError(f"{short(value)} is no number") from error
    if not math.isfinite(number):
        raise EvaluationError(f"{short(value)} is no number")
    return number


def _extreme(choose: Callable[[list[int]], int]) -> Callable[..., int | Unknown]:
    def extreme(*values: Any) -> int | Unknown:
        numbers = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
        unknown = unknown_inside(numbers)
        if unknown is not None:
            return unknown
        if not numbers:
            raise EvaluationError("there are no numbers")
        return choose([an_integer(number, "an item") for number in numbers])

    return extreme


BUILTINS: Final[Mapping[str, Builtin]] = {
    # Comparing decides by itself what a placeholder cannot be: null, a number.
    "equals": Builtin(equal, 2, 2, lenient=True),
    "less": Builtin(_ordered(lambda order: order < 0), 2, 2),
    "lessorequals": Builtin(_ordered(lambda order: order <= 0), 2, 2),
    "greater": Builtin(_ordered(lambda order: order > 0), 2, 2),
    "greaterorequals": Builtin(_ordered(lambda order: order >= 0), 2, 2),
    "not": Builtin(_not, 1, 1),
    "and": Builtin(_decided_by(False), 1, None, lenient=True),
    "or": Builtin(_decided_by(True), 1, None, lenient=True),
    "coalesce": Builtin(_coalesce, 1, None, lenient=True),
    "true": Builtin(lambda: True, 0, 0),
    "false": Builtin(lambda: False, 0, 0),
    "null": Builtin(lambda: None, 0, 0),
    "bool": Builtin(_bool, 1, 1),
    "any": Builtin(_any, 1, 1, lenient=True),
    "add": Builtin(_calculation(lambda left, right: left + right), 2, 2),
    "sub": Builtin(_calculation(lambda left, right: left - right), 2, 2),
    "mul": Builtin(_calculation(lambda left, right: left * right), 2, 2),
    "div": Builtin(_calculation(_divide), 2, 2),
    "mod": Builtin(_calculation(_remainder), 2, 2),
    "int": Builtin(_int, 1, 1),
    "float": Builtin(_float, 1, 1),
    "min": Builtin(_extreme(min), 1, None),
    "max": Builtin(_extreme(max), 1, None),
}

"""The values an evaluation of Terraform's expressions yields, and how one kind of them becomes another.

Plain values are Python's: text, numbers, booleans, None, lists, `Set`s and dicts. What is not known is an `Unknown`,
which may stand anywhere inside. Resources, modules and the names `var` and `local` are `Lazy`: asked for a part, they
evaluate that part only.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm.values import MAX_POSSIBLE, same, unknown_of
from auditor.sources.terraform.instances import Partly

MAX_TEXT: Final = 2**20
"""Characters of a text that is put together."""
MAX_ITEMS: Final = 100_000
"""Items of a collection that is put together."""
MAX_NUMBER: Final = 10**300
MAX_DEPTH: Final = 40
"""Collections inside one another."""


class EvaluationError(Exception):
    """An expression that Terraform would refuse; the message says why."""


class Undecided(Exception):  # noqa: N818 - it is an answer, and no error
    """A result that hangs on a value which is not known."""

    def __init__(self, unknown: Unknown) -> None:
        """Take what is not known."""
        super().__init__(unknown.reason)
        self.unknown = unknown


class Exhausted(Exception):  # noqa: N818 - it is a limit of ours
    """A bound of the evaluation was reached; the message says which."""


@dataclass(frozen=True, slots=True)
class OwnKey(Unknown):
    """`each.key` or `count.index` of an instance whose keys are not decided."""


class Set(list[Any]):
    """A set: its items in Terraform's order, each once."""

    __slots__ = ()


class Lazy:
    """Something whose parts are evaluated when they are asked for."""

    def member(self, name: str | int) -> Any:
        """`this.name`."""
        raise EvaluationError(f"it has no member {name}")

    def index(self, key: Any) -> Any:
        """`this[key]`."""
        raise EvaluationError(f"it has no element {shown(key)}")

    def whole(self) -> Any:
        """All of it, as a list or a dict that may hold `Lazy` values, or as an Unknown."""
        raise EvaluationError("it is no value")


def settled(value: Any) -> Any:
    """A value that is not `Lazy` itself."""
    return value.whole() if isinstance(value, Lazy) else value


def shown(value: Any) -> str:
    """A value as a message shows it, cut short."""
    text = value if isinstance(value, str) else "an unknown value" if isinstance(value, Unknown) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


# ── what is not known ────────────────────────────────────────────────────────────────────────────────────────────────


def spread(arguments: Sequence[Any], apply: Callable[..., Any]) -> Any:
    """`apply` on the arguments; where some are unknown, an Unknown with what it can give for all they can be.

    Where one of the alternatives would be refused, none are listed: a `try` around it may give something else again.
    """
    unknown = [argument for argument in arguments if isinstance(argument, Unknown)]
    try:
        if not unknown:
            return apply(*arguments)
        if not all(one.possible for one in unknown) or math.prod(len(u.possible) for u in unknown) > MAX_POSSIBLE:
            return Unknown(unknown[0].reason)
        choices = [one.possible if isinstance(one, Unknown) else (one,) for one in arguments]
        try:
            return unknown_of([spread(choice, apply) for choice in itertools.product(*choices)], unknown[0].reason)
        except EvaluationError:
            return Unknown(unknown[0].reason)
    except Undecided as undecided:
        return Unknown(undecided.unknown.reason)


def known(value: Any) -> Any:
    """A value of which nothing is unknown, as plain data. Raises Undecided."""
    return _known(value, MAX_DEPTH)


def _known(value: Any, depth: int) -> Any:
    if isinstance(value, Lazy):
        value = value.whole()
    if isinstance(value, Unknown):
        raise Undecided(value)
    if isinstance(value, dict | list) and not depth:
        raise EvaluationError("the value nests too deep")
    if isinstance(value, dict):
        return {key: _known(item, depth - 1) for key, item in to_map(value).items()}
    return type(value)(_known(item, depth - 1) for item in value) if isinstance(value, list) else value


def unknowns_in(value: Any, depth: int = MAX_DEPTH) -> Iterator[Unknown]:
    """Everything unknown inside a value, itself included."""
    if isinstance(value, Unknown):
        yield value
    elif depth and isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from unknowns_in(item, depth - 1)


def equal(left: Any, right: Any) -> bool:
    """`left == right`. Raises Undecided where it hangs on something unknown."""
    left, right = settled(left), settled(right)
    if left is None or right is None:
        # A resource or a module is never null, whatever is unknown of it.
        return left is right
    for one in (left, right):
        if isinstance(one, Unknown):
            raise Undecided(one)
    if isinstance(left, dict) and isinstance(right, dict):
        left, right = to_map(left), to_map(right)
        return left.keys() == right.keys() and _all_equal(left.values(), (right[key] for key in left))
    if isinstance(left, list) and isinstance(right, list):
        return isinstance(left, Set) == isinstance(right, Set) and len(left) == len(right) and _all_equal(left, right)
    return same(left, right)


def _all_equal(left: Any, right: Any) -> bool:
    """Whether pairs are equal; one that differs decides, whatever is unknown of the others."""
    undecided: Undecided | None = None
    for one, other in zip(left, right, strict=True):
        try:
            if not equal(one, other):
                return False
        except Undecided as found:
            undecided = found
    if undecided is not None:
        raise undecided
    return True


# ── conversions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def is_number(value: Any) -> bool:
    """Whether it is a number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_primitive(value: Any) -> bool:
    """Whether it is text, a number or a boolean."""
    return isinstance(value, str | int | float)


def to_text(value: Any) -> str:
    """A primitive as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    raise EvaluationError(f"a text is needed, and this is {kind_of(value)}")


def to_number(value: Any) -> int | float:
    """A number, or a text that is one."""
    if is_number(value):
        return bounded(value)
    if isinstance(value, str) and len(value) <= 300:
        try:
            number = bounded(float(value))
            if "_" not in value and value.strip() == value:
                return int(Decimal(value)) if isinstance(number, int) else number
        except ValueError:
            pass
    raise EvaluationError(f"a number is needed, and this is {kind_of(value)}")


def bounded(number: int | float) -> int | float:
    """A number that is not too large to go on with; whole ones are int."""
    if isinstance(number, float):
        if not math.isfinite(number):
            raise Exhausted("the number is too large")
        return int(number) if number.is_integer() else number
    if abs(number) > MAX_NUMBER:
        raise Exhausted("the number is too large")
    return number


def to_bool(value: Any) -> bool:
    """A boolean, or a text that is one."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise EvaluationError(f"true or false is needed, and this is {kind_of(value)}")


def to_list(value: Any) -> list[Any]:
    """A list, a tuple or a set, as a list."""
    if isinstance(value, list):
        return list(value)
    raise EvaluationError(f"a list is needed, and this is {kind_of(value)}")


def to_map(value: Any) -> dict[str, Any]:
    """A map or an object. Raises Undecided where not all of it is known."""
    if isinstance(value, Partly):
        raise Undecided(value.rest)
    if isinstance(value, dict):
        return value
    raise EvaluationError(f"a map is needed, and this is {kind_of(value)}")


def to_set(items: Sequence[Any]) -> Set:
    """A set of items, texts in order. Raises Undecided where one is unknown."""
    plain = unified([known(item) for item in items])
    if all(map(is_primitive, plain)):
        kinds: dict[tuple[bool, Any], Any] = {(isinstance(item, bool), item): item for item in plain}
        return Set(sorted(kinds.values(), key=lambda item: (isinstance(item, str), item)))
    texts = {json.dumps(item, sort_keys=True): item for item in plain}
    return Set(texts[text] for text in sorted(texts))


def unified(items: Sequence[Any]) -> list[Any]:
    """Items of one type: where primitives of several kinds stand together, all become texts."""
    kinds = {type(item) for item in items if is_primitive(item)} | ({int} if any(map(is_number, items)) else set())
    several = len(kinds - {float}) > 1
    return [to_text(item) if several and is_primitive(item) else item for item in items]


def kind_of(value: Any) -> str:
    """What a value is, in a message."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a map"
    return "something else"

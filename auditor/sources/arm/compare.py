"""Two evaluations of what should be the same template, compared: every resource they declare, positions left aside.

Values that are unknown on both sides are equal; one that is known on one side only is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from auditor.model import Unknown
from auditor.sources.arm import instances
from auditor.sources.arm.evaluate import Deployment
from auditor.sources.arm.ids import Scope
from auditor.sources.arm.values import Placeholder

UNKNOWN: Final = "(unknown)"
MAX_DEPTH: Final = 60


class Declared(NamedTuple):
    """A resource as it is compared; `body` is plain, its names in lower case and its nulls left out."""

    type: str
    name: str
    api_version: str
    condition: str
    body: Any


def declared(root: Deployment) -> list[Declared]:
    """Everything a deployment and its modules declare, in an order of its own."""
    found = []
    for one in root.everything():
        if isinstance(one, instances.Module) or one.declaration.existing or _left_aside(one.type.casefold()):
            continue
        name = UNKNOWN if isinstance(one.id, Placeholder) else str(one.id).casefold().rpartition("/providers/")[2]
        condition = UNKNOWN if isinstance(one.condition, Unknown) else "deployed"
        body = plain(one.body)
        if isinstance(body, dict):
            body.pop("metadata", None)  # the compiler writes descriptions there
        found.append(Declared(one.type.casefold(), name, one.declaration.api_version, condition, body))
    return sorted(found, key=repr)


def _left_aside(kind: str) -> bool:
    """Resources of extensions, which ARM does not deploy."""
    return "." not in kind or kind.startswith("microsoft.graph/")


def plain(value: Any, depth: int = 0) -> Any:
    """A value as it is compared."""
    if isinstance(value, Unknown | Placeholder) or depth > MAX_DEPTH:
        return UNKNOWN
    if isinstance(value, dict):
        entries = ((_named(key), plain(item, depth + 1)) for key, item in value.items())
        return {key: item for key, item in entries if item is not None}
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, instances.Resource | instances.Module | Scope):
        return plain(value.member("id"), depth + 1)
    if isinstance(value, str):
        # The compiler spells types as its own list does; ids compare without case.
        return value.casefold() if "/providers/" in value else value
    return value if isinstance(value, int | float | bool) or value is None else UNKNOWN


def _named(key: str) -> str:
    return UNKNOWN if isinstance(key, Placeholder) else key.casefold()


def differences(left: list[Declared], right: list[Declared]) -> Iterator[str]:
    """How two lists of resources differ, a sentence each: `left` is what we made, `right` what is held against it."""
    if len(left) != len(right):
        yield f"{len(left)} resources here, {len(right)} there"
    for ours, theirs in zip(left, right, strict=False):
        label = f"{theirs.type} {theirs.name}"
        for what, one, other in zip(Declared._fields[:-1], ours, theirs, strict=False):
            if one != other:
                yield f"{label}: {what} is {one!r} here, {other!r} there"
        yield from (f"{label}: {text}" for text in _unequal(ours.body, theirs.body, ""))


def _unequal(left: Any, right: Any, path: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from _unequal(left.get(key), right.get(key), f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _unequal(one, other, f"{path}[{index}]")
    elif left != right or isinstance(left, bool) is not isinstance(right, bool):
        yield f"{path.lstrip('.') or 'the body'} is {_shown(left)} here, {_shown(right)} there"


def _shown(value: Any) -> str:
    text = "left out" if value is None else repr(value)
    return text if len(text) <= 120 else text[:119] + "…"

"""A store with some of its settings changed: what a proposal would do, and what the user asks with `--what-if`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from auditor.model import Resource, Unknown

MAX_STEPS: Final = 24
_STEP: Final = re.compile(r"([^.\[\]]+)(\[(?:\*|\+|\d{1,4})\])?")


class ImpossibleChangeError(ValueError):
    """A path that leads nowhere in the store, or into what could not be read; the message says why."""


class UnreadError(ImpossibleChangeError):
    """A path that leads into what could not be read."""


def changed(store: Resource, settings: Mapping[str, Any]) -> Resource:
    """The store as it would be with other settings; the store given stays as it is.

    Paths are those of evidence: `properties.backupPolicy.type`, on a child `blobServices/default:properties.…`. Names
    compare without case; `[*]` is every element of an array, `[2]` one of them, and `[+]` at the end a further one; a
    collection takes `replicas[+]`. Values are replaced whole. Raises ImpossibleChangeError.
    """
    for path, value in settings.items():
        child, colon, inside = path.rpartition(":")
        if not colon and path.endswith("[+]") and "." not in path:
            store = _grown(store, path.removesuffix("[+]"), value)
        elif colon:
            store = _on_child(store, child, inside, value)
        else:
            body = _set(store.body, _steps(path), value, path)
            region = body.get("location", store.region) if path.casefold() == "location" else store.region
            store = replace(store, body=body, region=region)
    return store


def _steps(path: str) -> list[str]:
    steps: list[str] = []
    position = 0
    for match in _STEP.finditer(path):
        if match.start() != position or len(steps) > MAX_STEPS:
            break
        steps.append(match[1])
        if match[2]:
            steps.append(match[2])
        position = match.end() + 1
    if not steps or position != len(path) + 1:
        raise ImpossibleChangeError(f"{path!r} is no path such as properties.backupPolicy.type")
    return steps


def _grown(store: Resource, collection: str, value: Any) -> Resource:
    """The store with one child more in a collection."""
    name = str(value.get("name", "new")) if isinstance(value, Mapping) else "new"
    kind = f"{store.type}/{collection}"
    child = Resource(f"{store.id}/{collection}/{name}", kind, name, None, value, store.origin, store.id)
    return replace(store, children=(*store.children, child))


def _on_child(store: Resource, name: str, path: str, value: Any) -> Resource:
    wanted = f"{store.id}/{name}".casefold()
    for child in store.children:
        if child.id.casefold() == wanted:
            made = replace(child, body=_set(child.body, _steps(path), value, f"{name}:{path}"), origins={})
            return replace(store, children=tuple(made if one is child else one for one in store.children))
    raise ImpossibleChangeError(f"{name} of {store.name} was not read")


def _set(holder: Any, steps: list[str], value: Any, path: str) -> Any:
    """A copy of a body with a value put where the steps lead to."""
    if not steps:
        return value
    if isinstance(holder, Unknown):
        raise UnreadError(f"{path} cannot be changed: {holder.reason}")
    step, rest = steps[0], steps[1:]
    if step.startswith("["):
        items = list(holder) if isinstance(holder, list | tuple) else []
        match step:
            case "[+]":
                return [*items, _set({} if rest else None, rest, value, path)]
            case "[*]":
                return [_set(item, rest, value, path) for item in items]
        index = int(step[1:-1])
        if index >= len(items):
            raise ImpossibleChangeError(f"{path}: there are only {len(items)} elements")
        return [_set(item, rest, value, path) if number == index else item for number, item in enumerate(items)]
    if holder is not None and not isinstance(holder, Mapping):
        raise ImpossibleChangeError(f"{path} leads through a value that is no object")
    body = dict(holder or {})
    key = next((name for name in body if isinstance(name, str) and name.casefold() == step.casefold()), step)
    body[key] = _set(body.get(key), rest, value, path)
    return body

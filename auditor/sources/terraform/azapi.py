"""The azapi provider: resources whose body is ARM's already, each with the api-version it is written for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.terraform.instances import Instance, Reference
from auditor.sources.terraform.shape import OWN, Shape, overlay, plain

RESOURCE: Final = "azapi_resource"
UPDATE: Final = "azapi_update_resource"
MAX_BODY: Final = 4 * 2**20
"""Characters of a body that is written as JSON text."""


def kind_of(instance: Instance) -> str:
    """The ARM type an instance declares or updates; empty for anything else than these two resources."""
    if instance.type not in (RESOURCE, UPDATE):
        return ""
    kind = instance.values.get("type")
    return kind.partition("@")[0] if isinstance(kind, str) else ""


def version_of(instance: Instance) -> str | None:
    """The api-version of an azapi resource; None for one of another provider."""
    kind = instance.values.get("type") if instance.type in (RESOURCE, UPDATE) else None
    return kind.partition("@")[2] or None if isinstance(kind, str) else None


def id_below(parent: str, kind: str, name: str) -> str:
    """The id of a resource of a type below its parent: a subscription, a group, or the resource it belongs to."""
    namespace, *types = kind.split("/")
    if kind.casefold() == "microsoft.resources/resourcegroups":
        return f"{parent}/resourceGroups/{name}"
    return (
        f"{parent}/{types[-1]}/{name}" if len(types) > 1 else f"{parent}/providers/{namespace}/{''.join(types)}/{name}"
    )


def shape(instance: Instance, resolve: Callable[[Reference], Any]) -> Shape:
    """What an azapi instance says: its body, with the attributes that stand beside it."""
    values = instance.values
    body = _parsed(values.get("body"))
    hidden = values.get("sensitive_body")
    if hidden is not None:
        body = overlay(body, _parsed(hidden, secret=True))
    if isinstance(body, dict):
        for name in ("location", "tags"):
            value = values.get(name)
            value = resolve(value) if isinstance(value, Reference) else value
            if value is not None:
                body = {**body, name: plain(value) if isinstance(value, Unknown) else value}
        body = _resolved(body, resolve)
    result = Shape({OWN: body}, places={OWN: instance.origin})
    mark = "body."
    result.origins[OWN] = {
        path.removeprefix(mark).casefold(): origin
        for path, origin in instance.origins.items()
        if path.startswith(mark) or path in ("location", "tags")
    }
    return result


def _parsed(body: Any, *, secret: bool = False) -> Any:
    """A body as an object; an Unknown where it is not known. Of a secret one only the names are."""
    if body is None:
        return {}
    if isinstance(body, str):
        try:
            if len(body) > MAX_BODY:
                raise ValueError
            body = json.loads(body)
        except (ValueError, RecursionError):
            return Unknown("the body is no JSON that could be read")
    if isinstance(body, Unknown):
        return plain(body)
    if not isinstance(body, dict):
        return Unknown("the body is no object")
    return _hidden(body) if secret else body


def _hidden(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict) and depth < 32:
        return {name: _hidden(inside, depth + 1) for name, inside in value.items()}
    return Unknown("it is sensitive")


def _resolved(value: Any, resolve: Callable[[Reference], Any], depth: int = 0) -> Any:
    """A body with its references answered."""
    if depth > 64:
        return Unknown("the body nests too deep")
    if type(value) is dict:
        return {name: _resolved(inside, resolve, depth + 1) for name, inside in value.items()}
    if type(value) is list:
        return [_resolved(inside, resolve, depth + 1) for inside in value]
    return resolve(value) if isinstance(value, Reference) else value

"""Inline waivers of an ARM template in JSON: comments, where there may be some, and `metadata`.

"metadata": {"auditor": {"waive": [{"rule": "…", "until": "2027-06-30", "reason": "…", "resource": "…"}]}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from auditor.directives import (
    MAX_DIRECTIVES,
    NOWHERE,
    Comment,
    Declared,
    bound,
    from_metadata,
    hinted,
    innermost,
    narrowed,
    of_whole,
)
from auditor.model import Origin, Waiver
from auditor.sources.arm import ir, jsontext
from auditor.sources.arm.jsontext import Node

_DEPLOYMENT: Final = "microsoft.resources/deployments"
_METADATA: Final = re.compile(r'"auditor"', re.IGNORECASE)


def find(source: ir.Source, root: Node) -> None:
    """Find the inline waivers of a text that has been read, and note on the source what each is for."""
    commented, described = hinted(source.text), _METADATA.search(source.text) is not None
    if not (commented or described):
        return
    nodes = list(_objects(root))
    declared = sorted(one for node in nodes if (one := _declared(node)) is not None)

    def origin(offset: int) -> Origin:
        return ir.Span(source, offset, offset).origin()

    comments = (Comment(*place) for place in jsontext.comments(source.text)) if commented else ()
    found = {start: list(waivers) for start, waivers in bound(source.text, comments, declared, origin).items()}
    for number, (start, waiver) in enumerate(_described(nodes, root, declared, origin) if described else ()):
        if number == MAX_DIRECTIVES:
            break
        found.setdefault(start, []).append(waiver)
    source.waivers = {start: tuple(waivers) for start, waivers in found.items()}


def _objects(root: Node) -> Iterator[Node]:
    """All objects of a text, those around others first."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        inside = node.value.values() if isinstance(node.value, dict) else node.value
        if isinstance(node.value, dict):
            yield node
        waiting.extend(one for one in inside if isinstance(one.value, dict | list))


def _declared(node: Node) -> Declared | None:
    """A resource or a deployment, which is told by its members."""
    if not node.text("type") or node.get("apiversion") is None or node.get("name") is None:
        return None
    return Declared(node.at if node.at >= 0 else node.start, node.end, node.text("type").lower() == _DEPLOYMENT)


def _described(
    nodes: Sequence[Node], root: Node, declared: Sequence[Declared], origin: Callable[[int], Origin]
) -> Iterator[tuple[int, Waiver]]:
    """The waivers in `metadata`, each with the start of the declaration it is for.

    Metadata of a template that is written inside a deployment is for that deployment.
    """
    for node in nodes:
        metadata = node.get("metadata")
        ours = metadata.get("auditor") if metadata is not None else None
        if ours is None:
            continue
        own = _declared(node)
        template = node is root or node.get("resources") is not None
        meant = own or (innermost(declared, node.start) if template else None)
        for item in _items(ours):
            waiver = from_metadata(_plain(item), origin(item.start))
            if node is root and own is None:
                yield of_whole(waiver)
            else:
                yield NOWHERE if meant is None else meant.start, narrowed(waiver, meant, whole=False)


def _items(ours: Node) -> Sequence[Node]:
    """What stands under `waive`; where there is something else, that, which is then malformed."""
    waive = ours.get("waive")
    if waive is None:
        return (ours,)
    return waive.value if isinstance(waive.value, list) else (waive,)


def _plain(node: Node) -> Any:
    if not isinstance(node.value, dict):
        return None
    return {name: one.value if isinstance(one.value, str) else None for name, one in node.value.items()}

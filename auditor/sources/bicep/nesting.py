"""Resources inside resources: their types, their symbols, and which names mean them.

A nested resource is a declaration of its own, named `parent::child` in the whole template. Inside its parent's body it
is called `child`, which may be another thing's name outside, so those names are replaced by the full ones.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from auditor.sources.arm import ir

Names = ChainMap[str, str]
"""What a name inside a resource stands for."""

MAX_HEIGHT: Final = 120
"""Expressions inside one another in which names are replaced; evaluation gives up earlier than that."""


@dataclass(frozen=True, slots=True, eq=False)
class ResourceSyntax:
    """A resource as it is written, `type` as far as it is given there, `body` without what has a place of its own."""

    span: ir.Span
    symbol: str
    type: str
    api_version: str
    name: ir.Expression
    body: ir.ObjectNode
    condition: ir.Expression | None = None
    loop: ir.Loop | None = None
    existing: bool = False
    parent: ir.Expression | None = None
    scope: ir.Expression | None = None
    nested: Mapping[str, ResourceSyntax] = field(default_factory=dict)


def declarations_of(
    syntax: ResourceSyntax, parent: ir.ResourceDeclaration | None = None, around: Names | None = None
) -> Iterator[ir.ResourceDeclaration]:
    """A resource and everything nested in it, parents first. `around` are the nested ones it is nested among."""
    symbol = f"{parent.symbol}::{syntax.symbol}" if parent else syntax.symbol
    names: Names = ChainMap() if around is None else around
    if syntax.nested:
        names = names.new_child({child: f"{symbol}::{child}" for child in syntax.nested})
    local = _hiding(names, syntax.loop.item, syntax.loop.index) if syntax.loop else names
    body = renamed(syntax.body, local)
    assert isinstance(body, ir.ObjectNode)
    declaration = ir.ResourceDeclaration(
        syntax.span,
        symbol,
        f"{parent.type}/{syntax.type}" if parent else syntax.type,
        syntax.api_version or (parent.api_version if parent else ""),
        renamed(syntax.name, local),
        body,
        None if syntax.condition is None else renamed(syntax.condition, local),
        None if syntax.loop is None else _renamed_loop(syntax.loop, names),
        syntax.existing,
        parent,
        None if syntax.parent is None else renamed(syntax.parent, local),
        None if syntax.scope is None else renamed(syntax.scope, local),
    )
    yield declaration
    for child in syntax.nested.values():
        yield from declarations_of(child, declaration, names)


def renamed(expression: ir.Expression, names: Names, height: int = 0) -> ir.Expression:
    """The expression with these names replaced, except where a lambda or a loop gives them another meaning."""
    if not names or height > MAX_HEIGHT:
        return expression
    up = height + 1
    match expression:
        case ir.Name(span, name):
            first, colons, rest = name.partition("::")
            return ir.Name(span, f"{names[first]}{colons}{rest}") if first in names else expression
        case ir.Call(span, name, arguments, builtin):
            return ir.Call(span, name, tuple(renamed(argument, names, up) for argument in arguments), builtin)
        case ir.Member():
            base, key = renamed(expression.base, names, up), renamed(expression.key, names, up)
            return replace(expression, base=base, key=key)
        case ir.Interpolation(span, parts):
            return ir.Interpolation(span, tuple(renamed(part, names, up) for part in parts))
        case ir.ObjectNode(span, entries):
            return ir.ObjectNode(span, tuple(_renamed_entry(entry, names, up) for entry in entries))
        case ir.ArrayNode(span, items):
            return ir.ArrayNode(
                span,
                tuple(
                    ir.Spread(item.span, renamed(item.value, names, up))
                    if isinstance(item, ir.Spread)
                    else renamed(item, names, up)
                    for item in items
                ),
            )
        case ir.Lambda(span, parameters, body):
            return ir.Lambda(span, parameters, renamed(body, _hiding(names, *parameters), up))
        case ir.Comprehension(span, loop, body, condition):
            local = _hiding(names, loop.item, loop.index)
            wanted = None if condition is None else renamed(condition, local, up)
            return ir.Comprehension(span, _renamed_loop(loop, names, up), renamed(body, local, up), wanted)
    return expression


def _renamed_entry(entry: ir.Entry | ir.Spread, names: Names, height: int) -> ir.Entry | ir.Spread:
    if isinstance(entry, ir.Spread):
        return ir.Spread(entry.span, renamed(entry.value, names, height))
    return ir.Entry(entry.span, renamed(entry.key, names, height), renamed(entry.value, names, height))


def _renamed_loop(loop: ir.Loop, names: Names, height: int = 0) -> ir.Loop:
    return loop if loop.items is None else replace(loop, items=renamed(loop.items, names, height))


def _hiding(names: Names, *hidden: str) -> Names:
    """The names as they are where these have another meaning: there they stand for themselves."""
    return names.new_child({name: name for name in hidden}) if names else names

"""The attributes of a block: arguments and nested blocks as values, with the place of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from auditor.model import Origin, Unknown
from auditor.sources.terraform import syntax
from auditor.sources.terraform.expressions import Evaluator, Local, entries
from auditor.sources.terraform.instances import Partly
from auditor.sources.terraform.modules import block_kind, content_of
from auditor.sources.terraform.syntax import Argument, Block, Body, Expression
from auditor.sources.terraform.values import (
    MAX_DEPTH,
    EvaluationError,
    Exhausted,
    Lazy,
    Undecided,
    settled,
)

META: Final = frozenset({"count", "for_each", "provider", "depends_on", "providers", "source", "version"})
"""Arguments that are Terraform's own, and no attributes."""
META_BLOCKS: Final = frozenset({"lifecycle", "provisioner", "connection", "timeouts"})
MAX_BLOCKS: Final = 1_000
"""Blocks that a dynamic one makes."""
MAX_ORIGINS: Final = 5_000
"""Positions kept of one instance."""

Origins = dict[str, Origin]


class Blocks:
    """Evaluates the blocks of one module; `via` are the calls that lead to it."""

    def __init__(self, evaluator: Evaluator, via: tuple[Origin, ...]) -> None:
        """Take the module's evaluator."""
        self._evaluator = evaluator
        self._via = via

    def attributes(self, block: Block, local: Local, origins: Origins, ignored: Iterable[str] = ()) -> dict[str, Any]:
        """The attributes of a resource. `ignored` are those of which `ignore_changes` keeps what is deployed."""
        return self._body(block.body, local, "", origins, frozenset(ignored))

    def of(self, block: Block, kind: str, local: Local) -> Any:
        """The nested blocks of one type, as another resource sees them; None where none are written.

        What is not written in them may be known after apply.
        """
        if not any(block_kind(one) == kind for one in block.body.blocks):
            return None
        body = Body({}, tuple(one for one in block.body.blocks if block_kind(one) == kind))
        found = self._body(body, local, "", {}, frozenset()).get(kind)
        if not isinstance(found, list):
            return found
        rest = Unknown(f"{'.'.join(block.labels)}.{kind} is known whole after apply")
        return [Partly(one, rest) if isinstance(one, dict) else one for one in found]

    def _body(self, body: Body, local: Local, path: str, origins: Origins, ignored: frozenset[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, argument in body.arguments.items():
            if path or name not in META:
                values[name] = final(self._evaluator.guarded(argument.value, local))
                self._keep(origins, path + name, argument, name in ignored or "all" in ignored)
        for kind in dict.fromkeys(map(block_kind, body.blocks)):
            if path or kind not in META_BLOCKS:
                values[kind] = self._of_kind(
                    [one for one in body.blocks if block_kind(one) == kind], kind, local, path, origins, ignored
                )
        if body.broken is not None:
            place = f"{body.broken.span.source.uri}:{body.broken.span.line}"
            return Partly(values, Unknown(f"{place} could not be read, and may set it"))
        return values

    def _of_kind(
        self,
        blocks: Sequence[Block],
        kind: str,
        local: Local,
        path: str,
        origins: Origins,
        ignored: frozenset[str],
    ) -> Any:
        """All nested blocks of a type: a list, or an Unknown where it is not decided how many there are."""
        found: list[Any] = []
        undecided: Unknown | None = None
        alternatives: list[list[Any]] = []
        for block in blocks:
            if block.type != "dynamic":
                place = f"{path}{kind}[{len(found)}]"
                self._put(origins, place, block.span.origin(self._via))
                found.append(self._body(block.body, local, f"{place}.", origins, _below(ignored, kind)))
                continue
            made = self._dynamic(block, kind, local, f"{path}{kind}", len(found), origins, _below(ignored, kind))
            if isinstance(made, list):
                found += made
            elif undecided is None and made.possible:
                undecided, alternatives = made, list(made.possible)
            else:
                return Unknown(made.reason)
        if undecided is None:
            return found
        if any(block.type == "dynamic" for block in blocks) and len(blocks) > 1:
            alternatives = [[*found, *one] for one in alternatives]
        return Unknown(undecided.reason, tuple(alternatives))

    def _dynamic(
        self,
        block: Block,
        kind: str,
        local: Local,
        path: str,
        start: int,
        origins: Origins,
        ignored: frozenset[str],
    ) -> list[Any] | Unknown:
        """The blocks that a `dynamic` one makes; an Unknown, with all there can be, where that is not decided."""
        expression = block.body.value("for_each")
        if block.body.broken is not None or expression is None:
            return Unknown(f"the dynamic block {kind} could not be read")
        reason = f"whether there are blocks {kind}, and how many, is not decided: "
        items = self._evaluator.settled(expression, local)
        self._put(origins, f"{path}[{start}]", block.span.origin(self._via))
        iterator = block.body.value("iterator")
        name = iterator.name if isinstance(iterator, syntax.Name) else kind
        content = content_of(block)

        def made(items: Any, origins: Origins) -> list[Any]:
            result: list[Any] = []
            for key, value in entries(settled(items)):
                if len(result) >= MAX_BLOCKS:
                    raise Exhausted(f"there are more than {MAX_BLOCKS:,}")
                place = f"{path}[{start + len(result)}]"
                self._put(origins, place, block.span.origin(self._via))
                inner = {**local, name: {"key": key, "value": value}}
                result.append(self._body(content, inner, f"{place}.", origins, ignored))
            return result

        try:
            if not isinstance(items, Unknown):
                return made(items, origins)
            return Unknown(reason + items.reason, tuple(made(one, origins) for one in items.possible))
        except (EvaluationError, Exhausted, Undecided) as error:
            return Unknown(reason + str(error))

    # ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, origins: Origins, path: str, origin: Origin) -> None:
        if len(origins) < MAX_ORIGINS:
            origins.setdefault(path, origin)

    def _keep(self, origins: Origins, path: str, argument: Argument, ignored: bool) -> None:
        note = " (ignore_changes: what is deployed may differ)" if ignored else ""
        for place, origin in places(path, argument, self._via):
            if note:
                origin = origin._replace(expression=f"{origin.expression or argument.value.span.text}{note}")
            self._put(origins, place, origin)


def places(path: str, argument: Argument, via: tuple[Origin, ...]) -> Iterable[tuple[str, Origin]]:
    """The place of an argument, and of everything written out inside it (`body.properties.accessTier`)."""
    span = argument.span
    line, column = span.source.position(span.start)
    yield path, Origin(span.source.uri, line, column, _expression(argument.value), via)
    yield from _inside(path, argument.value, via, MAX_DEPTH)


def _inside(path: str, node: Expression, via: tuple[Origin, ...], depth: int) -> Iterable[tuple[str, Origin]]:
    if isinstance(node, syntax.Call) and node.name == "jsonencode" and len(node.arguments) == 1:
        node = node.arguments[0]
    if not depth:
        return
    parts: list[tuple[str, syntax.Entry | Expression, Expression]] = []
    if isinstance(node, syntax.ObjectNode):
        named = [(entry.key, entry) for entry in node.entries if isinstance(entry.key, syntax.Literal)]
        parts += [(f"{path}.{key.value}", entry, entry.value) for key, entry in named]
    elif isinstance(node, syntax.TupleNode):
        parts += [(f"{path}[{index}]", item, item) for index, item in enumerate(node.items)]
    for place, holder, value in parts:
        line, column = holder.span.source.position(holder.span.start)
        yield place, Origin(holder.span.source.uri, line, column, _expression(value), via)
        yield from _inside(place, value, via, depth - 1)


def _expression(value: Expression) -> str | None:
    """The source text of a value that is not written out."""
    written = isinstance(value, syntax.Literal | syntax.ObjectNode | syntax.TupleNode)
    return None if written else value.span.text


def _below(ignored: frozenset[str], kind: str) -> frozenset[str]:
    """What of a block's own attributes is ignored, where all of the block is."""
    return frozenset({"all"}) if ignored & {kind, "all"} else frozenset()


def ignored_changes(lifecycle: Body) -> frozenset[str]:
    """The attributes that `ignore_changes` names, `all` for all of them."""
    value = lifecycle.value("ignore_changes")
    if value is None:
        return frozenset()
    items = value.items if isinstance(value, syntax.TupleNode) else (value,)
    return frozenset(filter(None, map(_first_name, items)))


def _first_name(node: Expression) -> str:
    while isinstance(node, syntax.Member | syntax.Index | syntax.Splat):
        node = node.base
    if isinstance(node, syntax.Name):
        return node.name
    return str(node.value).partition(".")[0] if isinstance(node, syntax.Literal) else ""


def final(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A value as an instance holds it: plain data, with an Unknown for all that is not known."""
    if isinstance(value, Lazy):
        try:
            value = value.whole()
        except (EvaluationError, Exhausted) as error:
            return Unknown(str(error))
    if isinstance(value, dict | list) and not depth:
        return Unknown("the value nests too deep")
    if isinstance(value, Partly):
        return Partly({key: final(item, depth - 1) for key, item in value.items()}, value.rest)
    if isinstance(value, Mapping):
        return {key: final(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [final(item, depth - 1) for item in value]
    return value

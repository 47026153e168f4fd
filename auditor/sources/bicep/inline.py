"""Inline waivers of a Bicep file: its comments, and the resource, module call or property each is for."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from typing import Any

from auditor.directives import MAX_DIRECTIVES, Comment, Declared, bound, from_metadata, hinted, of_whole
from auditor.model import Origin
from auditor.sources.arm import ir
from auditor.sources.bicep.expressions import CLOSING, OPENING
from auditor.sources.bicep.lexer import END, NEWLINE, REMARKS, Tokens


def find(
    source: ir.Source,
    tokens: Tokens,
    declarations: Iterable[ir.Declaration] = (),
    metadata: ir.Expression | None = None,
) -> None:
    """Find the inline waivers of a text, and note on the source what each is for.

    `metadata` is what the file says with `metadata auditor = {…}`, which becomes that of the compiled template.
    """
    if not hinted(source.text) and metadata is None:
        return
    declared = [
        Declared(one.span.start, one.span.end, isinstance(one, ir.ModuleDeclaration))
        for one in declarations
        if one.span.source is source
    ]

    def origin(offset: int) -> Origin:
        return ir.Span(source, offset, offset).origin()

    def behind_decorators(at: int) -> int:
        return _behind_decorators(tokens, at)

    found = bound(source.text, _comments(source.text, tokens), declared, origin, behind_decorators)
    for item in () if metadata is None else _items(metadata)[:MAX_DIRECTIVES]:
        start, waiver = of_whole(from_metadata(_plain(item), item.span.origin()))
        found[start] = (*found.get(start, ()), waiver)
    source.waivers = found


def _items(metadata: ir.Expression) -> tuple[ir.Expression, ...]:
    """What stands under `waive`; where there is something else, that, which is then malformed."""
    if not isinstance(metadata, ir.ObjectNode):
        return (metadata,)
    for entry in metadata.entries:
        if isinstance(entry, ir.Entry) and isinstance(entry.key, ir.Literal) and entry.key.value == "waive":
            listed = entry.value
            if not isinstance(listed, ir.ArrayNode):
                return (listed,)
            return tuple(item.value if isinstance(item, ir.Spread) else item for item in listed.items)
    return (metadata,)


def _plain(item: ir.Expression) -> dict[str, Any] | None:
    """An object of literals; what is computed is None."""
    if not isinstance(item, ir.ObjectNode):
        return None
    return {
        str(entry.key.value).lower(): entry.value.value if isinstance(entry.value, ir.Literal) else None
        for entry in item.entries
        if isinstance(entry, ir.Entry) and isinstance(entry.key, ir.Literal)
    }


def _comments(text: str, tokens: Tokens) -> Iterator[Comment]:
    """Everything between the tokens that is no white space."""
    end = 0
    for kind, start, stop in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if kind == NEWLINE:
            continue
        if start - end > 1:
            for match in REMARKS.finditer(text, end, start):
                yield Comment(match.start(), match.end(), _words(match[0]))
        end = stop


def _words(remark: str) -> str:
    """What a comment says; nothing for a directive to the compiler."""
    if remark.startswith("#"):
        return ""
    return remark[2:-2] if remark.startswith("/*") else remark[2:]


def _behind_decorators(tokens: Tokens, at: int) -> int:
    """Where what is decorated begins, for an offset at which decorators do; any other offset as it is."""
    kinds, starts = tokens.kinds, tokens.starts
    index = bisect.bisect_left(starts, at)
    if index == len(starts) or starts[index] != at:
        return at
    while kinds[index] == "@":
        depth = 0
        while kinds[index] != END and not (depth == 0 and kinds[index] == NEWLINE):
            depth += (kinds[index] in OPENING) - (kinds[index] in CLOSING)
            index += 1
        index += kinds[index] == NEWLINE
    return starts[index]

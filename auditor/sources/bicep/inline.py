"""Inline waivers of a Bicep file: its comments, and the resource, module call or property each is for."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator

from auditor.directives import Comment, Declared, bound, hinted
from auditor.model import Origin
from auditor.sources.arm import ir
from auditor.sources.bicep.expressions import CLOSING, OPENING
from auditor.sources.bicep.lexer import END, NEWLINE, REMARKS, Tokens


def find(source: ir.Source, tokens: Tokens, declarations: Iterable[ir.Declaration] = ()) -> None:
    """Find the inline waivers of a text, and note on the source what each is for."""
    if not hinted(source.text):
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

    source.waivers = bound(source.text, _comments(source.text, tokens), declared, origin, behind_decorators)


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

"""Inline waivers of Terraform files: comments by a resource or a module call, and in JSON the members named `//`.

The words are those of `auditor.directives`; a part of a resource (an attribute, a nested block) stands for the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from auditor.directives import MAX_DIRECTIVES, NOWHERE, Comment, Declared, bound, hinted, innermost, narrowed, read
from auditor.model import Origin, Waiver
from auditor.sources.arm import jsontext
from auditor.sources.terraform.syntax import Block, Document, Span


def note(document: Document) -> None:
    """Find the inline waivers of a file, and note on its source what each is for."""
    source = document.source
    if not hinted(source.text):
        return
    declared = sorted(
        Declared(block.span.start, block.span.end, block.type == "module")
        for block in document.body.blocks
        if block.type in ("resource", "module")
    )

    def origin(offset: int) -> Origin:
        return Span(source, offset, offset).origin()

    if not document.schemaless:
        comments = (Comment(start, end, _words(source.text[start:end])) for _, start, end in document.comments)
        source.waivers = bound(source.text, comments, declared, origin)
        return
    # Terraform refuses comments in JSON. Who writes one all the same means something by it.
    comments = (Comment(*place) for place in jsontext.comments(source.text))
    found = {start: list(waivers) for start, waivers in bound(source.text, comments, declared, origin).items()}
    for number, (at, words) in enumerate(_members(document)):
        waiver = read(words, origin(at)) if number < MAX_DIRECTIVES else None
        if waiver is not None:
            meant = innermost(declared, at)
            place = NOWHERE if meant is None else meant.start
            found.setdefault(place, []).append(narrowed(waiver, meant, whole=meant is None))
    source.waivers = {start: tuple(waivers) for start, waivers in found.items()}


def by(blocks: Iterable[Block]) -> tuple[Waiver, ...]:
    """The waivers by some blocks, a resource and the module calls around it, those in override files included."""
    found: dict[Waiver, None] = {}
    for block in blocks:
        for span in (block.span, *block.overrides):
            found |= dict.fromkeys(span.source.waivers.get(span.start, ()))
    return tuple(found)


def told(documents: Iterable[Document]) -> tuple[Waiver, ...]:
    """All waivers in some files, also those that are for nothing."""
    return tuple(waiver for document in documents for found in document.source.waivers.values() for waiver in found)


def _words(comment: str) -> str:
    if comment.startswith("/*"):
        return comment[2:-2]
    return comment[1:] if comment.startswith("#") else comment[2:]


def _members(document: Document) -> Iterator[tuple[int, str]]:
    """Where each text of a member `//` begins, and the text."""
    for source, start, end in document.comments:
        value: Any = jsontext.read(source.text[start:end]).root.value
        for one in value if isinstance(value, list) else ():
            if isinstance(one.value, str):
                yield start + one.start, one.value
        if isinstance(value, str):
            yield start, value

"""Lowers the values of a JSON file: to expressions in a template, as they stand in a parameter file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from auditor.sources.arm import expressions, ir, jsontext
from auditor.sources.arm.expressions import ExpressionError
from auditor.sources.arm.jsontext import Node

NOTHING: Final = frozenset[str]()
MAX_PROBLEMS: Final = 100
"""Problems kept of one template, or parameter file."""


class Lowering:
    """Lowers values of one source; what cannot be understood is collected in `problems`."""

    def __init__(self, source: ir.Source) -> None:
        """Start without problems."""
        self.source = source
        self.problems: list[ir.Problem] = []

    # ── places and problems ──────────────────────────────────────────────────────────────────────────────────────────

    def span(self, node: Node) -> ir.Span:
        """The place of a value."""
        return ir.Span(self.source, node.start, node.end)

    def whole(self, node: Node) -> ir.Span:
        """The place of a member of an object, its name included."""
        return ir.Span(self.source, node.at if node.at >= 0 else node.start, node.end)

    def problem(self, node: Node, message: str) -> None:
        """Note what could not be understood."""
        self.note(self.span(node), message)

    def note(self, span: ir.Span, message: str) -> None:
        """Note what could not be understood at a place."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(ir.Problem(span, message))

    def unreadable(self, span: ir.Span, message: str) -> ir.Expression:
        """What stands for a value that cannot be understood, which is noted."""
        self.note(span, message)
        return unknown(span, message)

    def members(self, node: Node | None, what: str) -> Iterator[Node]:
        """The members of an object; anything else that stands there is a problem, null and nothing are not."""
        if node is None or node.value is None:
            return
        if isinstance(node.value, dict):
            yield from node.value.values()
        else:
            self.problem(node, f"{what} is no object")

    def items(self, node: Node | None, what: str) -> Iterator[Node]:
        """The items of an array that are objects; anything else is a problem, null and nothing are not."""
        if node is None or node.value is None:
            return
        if not isinstance(node.value, list):
            self.problem(node, f"{what} is no array")
            return
        for item in node.value:
            if isinstance(item.value, dict):
                yield item
            else:
                self.problem(item, f"this item of {what} is no object")

    # ── values of a template ─────────────────────────────────────────────────────────────────────────────────────────

    def value(self, node: Node) -> ir.Expression:
        """A value in which texts may be expressions, and `copy` makes properties."""
        value = node.value
        if isinstance(value, str):
            return self.text(value, node)
        if isinstance(value, dict):
            return ir.ObjectNode(self.span(node), tuple(self.entries(value.values())))
        if isinstance(value, list):
            return ir.ArrayNode(self.span(node), tuple(map(self.value, value)))
        return ir.Literal(self.span(node), value)

    def optional(self, node: Node | None) -> ir.Expression | None:
        """A value, or None where there is none."""
        return None if node is None else self.value(node)

    def text(self, text: str, node: Node) -> ir.Expression:
        """What a text stands for; `node` is its place."""
        if text[:1] != "[":
            return ir.Literal(self.span(node), text)
        if not expressions.is_expression(text):
            return ir.Literal(self.span(node), expressions.literal(text))
        places = jsontext.offsets(self.source.text, node)
        try:
            return expressions.parse(text, self.source, places)
        except ExpressionError as error:
            message = f"the expression cannot be read: {error}"
            self.note(ir.Span(self.source, places[error.index], node.end), message)
            return unknown(self.span(node), message)

    def entries(self, members: Iterable[Node], without: Collection[str] = NOTHING) -> Iterator[ir.Entry]:
        """The properties of an object, but for those whose names (in lower case) are listed."""
        for member in members:
            folded = member.name.lower()
            if folded in without:
                continue
            if folded == "copy" and _makes_properties(member):
                for made in self.copies(member):
                    yield ir.Entry(made.span, ir.Literal(made.span, made.loop.name), made)
            else:
                yield ir.Entry(self.whole(member), self.name(member), self.value(member))

    def name(self, member: Node) -> ir.Expression:
        """The name of a property, which may be an expression as well."""
        return self.text(member.name, jsontext.name_of(self.source.text, member))

    # ── copies ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def copies(self, node: Node) -> Iterator[ir.Comprehension]:
        """The arrays a `copy` list makes, `{name, count, input}` each; a loop's name is the property's."""
        for one in self.items(node, "'copy'"):
            name, body = one.text("name"), one.get("input")
            loop = self.loop(one, resource=False)
            if loop is None or not name or expressions.is_expression(name) or body is None:
                self.problem(one, "a copy needs a name, a count and an input")
                continue
            yield ir.Comprehension(self.span(one), loop, self.value(body))

    def loop(self, copy: Node | None, *, resource: bool) -> ir.Loop | None:
        """The loop `{name, count}` describes, which a bare `copyIndex()` means when `resource` is set."""
        count = copy.get("count") if copy is not None else None
        if copy is None or count is None:
            return None
        times = self.value(count)
        return ir.Loop(times.span, count=times, name=copy.text("name"), resource=resource)

    # ── values of a parameter file ───────────────────────────────────────────────────────────────────────────────────

    def plain(self, node: Node) -> ir.Expression:
        """A value in which texts are texts, whatever they look like."""
        value = node.value
        if isinstance(value, dict):
            return ir.ObjectNode(self.span(node), tuple(map(self.plain_entry, value.values())))
        if isinstance(value, list):
            return ir.ArrayNode(self.span(node), tuple(map(self.plain, value)))
        return ir.Literal(self.span(node), value)

    def plain_entry(self, member: Node) -> ir.Entry:
        """A property whose name and value are what stands there."""
        return self.given(member, self.plain(member))

    def given(self, member: Node, value: ir.Expression) -> ir.Entry:
        """A property whose name is what stands there, with a value."""
        name = jsontext.name_of(self.source.text, member)
        return ir.Entry(self.whole(member), ir.Literal(self.span(name), member.name), value)


def unknown(span: ir.Span, reason: str) -> ir.Expression:
    """What stands for a value that is not known, with the reason."""
    return ir.Call(span, "unreadable", (ir.Literal(span, reason),))


def _makes_properties(node: Node) -> bool:
    """Whether a `copy` is a list of what makes properties, and not a property of that name."""
    return (
        isinstance(node.value, list) and bool(node.value) and all(item.get("count") is not None for item in node.value)
    )


def quoted(node: Node) -> Node | None:
    """What a value gives whose texts are evaluated once: `[[x]` has become `[x]`; None when some of it is computed."""
    value = node.value
    if isinstance(value, str):
        if expressions.is_expression(value):
            return None
        text = expressions.literal(value)
        return node if text is value else node._replace(value=text, start=node.start + 1)
    if isinstance(value, dict):
        members = {child.name.lower(): child for child in map(_quoted_member, value.values()) if child is not None}
        return node._replace(value=members) if len(members) == len(value) else None
    if isinstance(value, list):
        items = [item for item in map(quoted, value) if item is not None]
        return node._replace(value=items) if len(items) == len(value) else None
    return node


def _quoted_member(member: Node) -> Node | None:
    found = quoted(member)
    if found is None or expressions.is_expression(member.name):
        return None
    name = expressions.literal(member.name)
    return found if name is member.name else found._replace(name=name, at=member.at + 1)

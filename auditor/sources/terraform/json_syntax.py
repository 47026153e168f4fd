"""Terraform's JSON syntax (`.tf.json`, `.tfvars.json`): the same tree as from its own language.

JSON does not tell arguments from blocks: what is an object inside a resource stays an argument with an object for its
value. Texts are templates, but for those that are names. Source:
https://developer.hashicorp.com/terraform/language/syntax/json, 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from auditor.sources.arm import jsontext
from auditor.sources.arm.jsontext import JsonError, Node
from auditor.sources.terraform import syntax
from auditor.sources.terraform.parser import ParseError, parse_expression, parse_template
from auditor.sources.terraform.syntax import Argument, Block, Body, Document, Expression, Problem, Source, Span

LABELS: Final = {"resource": 2, "data": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}
"""How many names stand around the body of a block of a file."""
NESTED: Final = frozenset({"lifecycle", "required_providers", "features", "validation"})
"""Objects that are blocks wherever they stand."""
PLAIN: Final = frozenset({"source", "version", "provider", "depends_on", "ignore_changes", "alias", "description"})
"""Arguments whose texts are no templates."""
EXPRESSIONS: Final = frozenset({"type", "condition"})
"""Arguments whose texts are expressions."""


def parse_json(source: Source) -> Document:
    """A `.tf.json` file. Never raises: what is wrong with it is among its problems."""
    reader = _Reader(source)
    blocks = tuple(reader.blocks())
    body = Body({}, blocks, reader.broken)
    return Document(source, body, tuple(reader.problems), reader.comments, schemaless=True)


def parse_json_values(source: Source) -> Document:
    """A `.tfvars.json` file: the values of variables, in which nothing is a template."""
    reader = _Reader(source)
    arguments = {
        name: Argument(reader.span(node), name, reader.value(node, plain=True)) for name, node in reader.root()
    }
    body = Body(arguments, (), reader.broken)
    return Document(source, body, tuple(reader.problems), reader.comments, schemaless=True)


class _Reader:
    """One file. `broken` is set where there may be more than was understood."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.broken: Problem | None = None
        self._comments: dict[int, Span] = {}
        self._root: Node | None = None
        try:
            document = jsontext.read(source.text)
            self._root = document.root
            for message, offset in document.problems:
                self.fail(message, Span(source, offset, offset))
        except JsonError as error:
            self.fail(f"it is no JSON: {error}", Span(source, error.offset, error.offset))

    @property
    def comments(self) -> tuple[Span, ...]:
        """The values of all members that are comments, once the rest has been read."""
        return tuple(self._comments.values())

    def fail(self, message: str, span: Span) -> None:
        """Note a mistake, and that more may be missing."""
        problem = Problem(span, message)
        self.problems.append(problem)
        self.broken = self.broken or problem

    def span(self, node: Node) -> Span:
        """The place of a value, with its name where it has one."""
        return Span(self.source, node.at if node.at >= 0 else node.start, node.end)

    def root(self) -> Iterator[tuple[str, Node]]:
        """The members of the whole file."""
        if self._root is not None:
            yield from self.members(self._root)

    def members(self, node: Node) -> Iterator[tuple[str, Node]]:
        """The members of an object, or of all objects in a list; comments left out."""
        for one in node.value if isinstance(node.value, list) else (node,):
            if not isinstance(one.value, dict):
                self.fail("an object is needed here", self.span(one))
                continue
            for member in one.value.values():
                if member.name == "//":
                    self._comments[member.start] = Span(self.source, member.start, member.end)
                else:
                    yield member.name, member

    def blocks(self) -> Iterator[Block]:
        """The blocks of a `.tf.json` file."""
        for kind, node in self.root():
            yield from self.labelled(kind, node, (), LABELS.get(kind, 0))

    def labelled(self, kind: str, node: Node, labels: tuple[str, ...], left: int) -> Iterator[Block]:
        """Blocks of one type, below as many names as it has labels."""
        if left:
            for name, inner in self.members(node):
                yield from self.labelled(kind, inner, (*labels, name), left - 1)
            return
        for one in node.value if isinstance(node.value, list) else (node,):
            if isinstance(one.value, dict):
                span = self.span(node if node.at >= 0 and one is node else one)
                yield Block(span, kind, labels, self.body(one))
            else:
                self.fail("an object is needed here", self.span(one))

    def body(self, node: Node, nested: frozenset[str] = NESTED) -> Body:
        """What stands in one block; objects of the names in `nested` are blocks, and such with dynamic ones in them."""
        arguments: dict[str, Argument] = {}
        blocks: list[Block] = []
        for name, member in self.members(node):
            if name == "dynamic" and _is_dynamic(member):
                for kind, inner in self.members(member):
                    blocks += self.dynamic(kind, inner)
            elif isinstance(member.value, dict | list) and (name in nested or _holds_dynamic(member)):
                blocks += self.labelled(name, member, (), 0)
            else:
                arguments[name] = Argument(self.span(member), name, self.value(member, name=name))
        return Body(arguments, tuple(blocks))

    def dynamic(self, kind: str, node: Node) -> Iterator[Block]:
        """Dynamic blocks: their content is a block, and their iterator a name."""
        for one in node.value if isinstance(node.value, list) else (node,):
            if not isinstance(one.value, dict):
                self.fail("an object is needed here", self.span(one))
                continue
            body = self.body(one, NESTED | {"content"})
            iterator = body.value("iterator")
            if isinstance(iterator, syntax.Literal):
                name = syntax.Name(iterator.span, str(iterator.value))
                iterated = Argument(iterator.span, "iterator", name)
                body = Body({**body.arguments, "iterator": iterated}, body.blocks)
            yield Block(self.span(one), "dynamic", (kind,), body)

    def value(self, node: Node, *, name: str = "", plain: bool = False) -> Expression:
        """A value as an expression."""
        span = self.span(node)
        value: Any = node.value
        plain = plain or name in PLAIN
        if isinstance(value, dict):
            members = [(key, one) for key, one in self.members(node)]
            return syntax.ObjectNode(
                span,
                tuple(
                    syntax.Entry(self.span(one), self.text(key, one, plain=plain), self.value(one, plain=plain))
                    for key, one in members
                ),
            )
        if isinstance(value, list):
            return syntax.TupleNode(span, tuple(self.value(one, plain=plain) for one in value))
        if isinstance(value, str):
            return self.text(value, node, plain=plain, expression=name in EXPRESSIONS)
        return syntax.Literal(span, value)

    def text(self, text: str, node: Node, *, plain: bool, expression: bool = False) -> Expression:
        """A text: itself, a template or an expression."""
        span = self.span(node)
        if plain or ("${" not in text and "%{" not in text and not expression):
            return syntax.Literal(span, text)
        try:
            parsed = (parse_expression if expression else parse_template)(Source(self.source.uri, text))
        except ParseError as error:
            self.problems.append(Problem(span, str(error)))
            return syntax.Broken(span, str(error))
        return parsed


def _is_dynamic(node: Node) -> bool:
    """Whether what is named `dynamic` holds dynamic blocks, and is no attribute of that name."""
    kinds = [kind for one in _objects(node) for kind in one.value.values()]
    return any(
        one.get("for_each") is not None and one.get("content") is not None for kind in kinds for one in _objects(kind)
    )


def _holds_dynamic(node: Node) -> bool:
    """Whether there are dynamic blocks somewhere in a value, which is a block itself then."""
    return any(
        _is_dynamic(member) if member.name == "dynamic" else _holds_dynamic(member)
        for one in _objects(node)
        for member in one.value.values()
    )


def _objects(node: Node) -> Iterator[Node]:
    """A node, or the items of one that is a list, as far as they are objects."""
    yield from (one for one in (node.value if isinstance(node.value, list) else (node,)) if isinstance(one.value, dict))

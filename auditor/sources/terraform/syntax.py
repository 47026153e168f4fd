"""The syntax tree of Terraform's language: what a `.tf` file says, with the place of every part, and no meaning.

A file is a `Body`: arguments by name, and blocks in order. Values are expressions, small frozen nodes that know their
`Span`. What could not be parsed stays in its place: a value as `Broken`, and a body whose statements were not all
understood names the `Problem`, so that nobody takes what is missing from it for unset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.sources.arm.ir import Problem, Source, Span

__all__ = ["Problem", "Source", "Span"]

# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """Text, number, boolean or null."""

    span: Span
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Text put together of parts. One that is a single hole (`"${x}"`) is the value of that hole, whatever it is."""

    span: Span
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TupleNode:
    """`[a, b]`."""

    span: Span
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of an object. The span is that of `key = value`."""

    span: Span
    key: Expression
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class ObjectNode:
    """`{ key = value }`. A bare name as a key is a literal."""

    span: Span
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """The first name of a reference: `var`, `local`, `each`, a resource's type, the variable of a `for`."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """`base.name`, also `base.0`, whose key is a number."""

    span: Span
    base: Expression
    key: str | int


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """`base[key]`."""

    span: Span
    base: Expression
    key: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """What stands for each item inside a `Splat`."""

    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Splat:
    """`base[*].a.b` or `base.*.a.b`: `each` of every item of `base`, where `Element` is the item."""

    span: Span
    base: Expression
    each: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function call. With `expand`, the last argument is a list of arguments (`max(list...)`)."""

    span: Span
    name: str
    arguments: tuple[Expression, ...]
    expand: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """`-a` or `!a`."""

    span: Span
    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """Two operands and an operator between them."""

    span: Span
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """`condition ? yes : no`, in a template also `%{ if }`."""

    span: Span
    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True, eq=False)
class For:
    """`[for key, value in items : result if condition]`; an object where it has a `result_key`.

    `key` is empty where only one variable is named. `grouped` collects values of the same key (`...`). `text` says that
    it is a template's `%{ for }`, whose results are put together as text.
    """

    span: Span
    key: str
    value: str
    items: Expression
    result: Expression
    result_key: Expression | None = None
    condition: Expression | None = None
    grouped: bool = False
    text: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """Stands for a value that could not be parsed; the problem says why."""

    span: Span
    message: str


Expression = (
    Literal
    | Template
    | TupleNode
    | ObjectNode
    | Name
    | Member
    | Index
    | Element
    | Splat
    | Call
    | Unary
    | Binary
    | Conditional
    | For
    | Broken
)


# ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """`name = value`. The span is the whole of it."""

    span: Span
    name: str
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Arguments by their names, and blocks in order. `broken` is set where there may be more, not understood."""

    arguments: Mapping[str, Argument] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    broken: Problem | None = None

    def value(self, name: str) -> Expression | None:
        """The value of an argument, or None where it is not written."""
        argument = self.arguments.get(name)
        return argument.value if argument is not None else None

    def of_type(self, kind: str) -> tuple[Block, ...]:
        """The blocks of a type."""
        return tuple(block for block in self.blocks if block.type == kind)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`type "label" { … }`. The span begins with the type and ends with the closing brace.

    `overrides` are the places of blocks in override files that were laid over it.
    """

    span: Span
    type: str
    labels: tuple[str, ...]
    body: Body
    overrides: tuple[Span, ...] = ()

    @property
    def label(self) -> str:
        """The first label, or an empty text."""
        return self.labels[0] if self.labels else ""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One file. `comments` are its comments, marks included; `problems` all that could not be understood of it.

    `schemaless` says that it is JSON, where arguments and blocks look the same, and members named `//` are comments.
    """

    source: Source
    body: Body
    problems: tuple[Problem, ...] = ()
    comments: tuple[Span, ...] = ()
    schemaless: bool = False

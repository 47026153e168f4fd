"""The intermediate form of a template: what ARM JSON and Bicep are both lowered to before anything is evaluated.

An expression is a small tree of the nodes below. Operators and language constructs are calls of ARM's own functions
(`a + b` is `add(a, b)`, `c ? x : y` is `if(c, x, y)`, `a ?? b` is `coalesce(a, b)`), so that one evaluator and one
function library serve both languages. Every node knows its `Span`; nothing here evaluates.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from auditor.model import Origin, Waiver

MAX_EXPRESSION_SHOWN: Final = 200


class Source:
    """One file's text. `uri` is how reports name it; `path` is where it is on disk (None for text from elsewhere).

    `waivers` are the inline waivers in it, by the offset at which what they are for begins, or by NOWHERE and WHOLE of
    `auditor.directives`; whoever parses the text notes them.
    """

    __slots__ = ("_starts", "path", "text", "uri", "waivers")

    def __init__(self, uri: str, text: str, path: Path | None = None) -> None:
        """Take a text as it is; line starts are found when the first position is asked for."""
        self.uri = uri
        self.text = text
        self.path = path
        self.waivers: Mapping[int, tuple[Waiver, ...]] = {}
        self._starts: list[int] = []

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        if not self._starts:
            self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self.text.split("\n"))]
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Span(NamedTuple):
    """A piece of a source: offsets `start` (inclusive) and `end` (exclusive)."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The source text itself, on one line and cut to what a report can show."""
        text = " ".join(self.source.text[self.start : min(self.end, self.start + 4 * MAX_EXPRESSION_SHOWN)].split())
        return text if len(text) <= MAX_EXPRESSION_SHOWN else text[: MAX_EXPRESSION_SHOWN - 1] + "…"

    @property
    def line(self) -> int:
        """The line it begins on, counted from 1."""
        return self.source.position(self.start)[0]

    def origin(self, via: tuple[Origin, ...] = ()) -> Origin:
        """The place for a report; `via` are the module calls around it, the outermost first."""
        line, column = self.source.position(self.start)
        return Origin(self.source.uri, line, column, None, via)


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """Text, number, boolean or null."""

    span: Span
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Interpolation:
    """Text put together of parts, each turned into text as `format('{0}', part)` does."""

    span: Span
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """`...value` inside an object or an array."""

    span: Span
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One property of an object. The span is the whole of `key: value`."""

    span: Span
    key: Expression
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class ObjectNode:
    """An object; later entries win."""

    span: Span
    entries: tuple[Entry | Spread, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ArrayNode:
    """An array."""

    span: Span
    items: tuple[Expression | Spread, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A symbol: of the nearest lambda or loop, else a parameter, variable, resource, module or import of the template.

    ARM's `parameters('x')` and `variables('x')` are calls, not names.
    """

    span: Span
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function call. `name` is in lower case; a user-defined ARM function is `namespace.name`.

    Bicep's namespaces (`az.`, `sys.`) are dropped, and a method on a resource (`account.listKeys()`) is a call with
    the resource as its first argument. A `builtin` one (an operator, or a call with its namespace) means the language's
    own function, also where the template has one of that name.
    """

    span: Span
    name: str
    arguments: tuple[Expression, ...]
    builtin: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """`base.key` or `base[key]`. `safe` gives null where there is nothing; `from_end` counts from the end (1 is last).

    A safe member guards the members chained behind it too: `a.?b.c` is null when `a` has no `b`.
    """

    span: Span
    base: Expression
    key: Expression
    safe: bool = False
    from_end: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Lambda:
    """A function given to `map`, `filter`, `reduce`, …"""

    span: Span
    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """What is repeated: over `items` (Bicep's `for`), or `count` times (ARM's `copy`); one of the two is given.

    `item` and `index` are the names the body sees, empty when it has none. `name` is what `copyIndex('name')` refers
    to; `resource` says that a bare `copyIndex()` means this loop.
    """

    span: Span
    items: Expression | None = None
    count: Expression | None = None
    item: str = ""
    index: str = ""
    name: str = ""
    resource: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension:
    """An array made by a loop; items for which `condition` is false are left out."""

    span: Span
    loop: Loop
    body: Expression
    condition: Expression | None = None


Expression = Literal | Interpolation | ObjectNode | ArrayNode | Name | Call | Member | Lambda | Comprehension


# ── declarations ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Something in a template that could not be understood; what stands around it was."""

    span: Span
    message: str


class Secrecy(Protocol):
    """What a type says of secrets in a value."""

    @property
    def secure(self) -> bool:
        """Whether the value is one."""

    @property
    def hides(self) -> bool:
        """Whether it is one, or may have one in it."""

    def inside(self, key: str | int) -> Iterable[Secrecy]:
        """What is said of a property, or of an item by its position; several things where there are alternatives."""


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter. `type` is string, int, bool, object or array, empty when it is none of them for sure.

    `allowed` are the values it can have, where they are listed (ARM's `allowedValues`, Bicep's `@allowed` or a union of
    literals). A `nullable` one is null when nothing is given. A `secure` one is never known; of others, parts may be
    secrets.
    """

    span: Span
    name: str
    type: str = ""
    default: Expression | None = None
    secure: bool = False
    nullable: bool = False
    allowed: tuple[Any, ...] = ()
    secrecy: Secrecy | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """A named value."""

    span: Span
    name: str
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A user-defined function. `name` is as calls write it, in lower case."""

    span: Span
    name: str
    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """An output of a template. A `secure` one is never known outside; of others, parts may be secrets."""

    span: Span
    name: str
    value: Expression
    secure: bool = False
    secrecy: Secrecy | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ResourceDeclaration:
    """A resource. `symbol` is its name inside the template (empty when it has none).

    `type` is the full ARM type (`Microsoft.Storage/storageAccounts/blobServices`), also for a nested one. `name` is the
    resource's name expression as written: for a nested or `parent`ed one the last segment, in ARM JSON possibly all
    segments. `parent` is the parent's declaration when it is nested in it; `parent_reference` an expression that gives
    the parent (Bicep's `parent:`). `scope` is the resource it extends, or the scope it is deployed to. `body` holds all
    the other properties.
    """

    span: Span
    symbol: str
    type: str
    api_version: str
    name: Expression
    body: ObjectNode
    condition: Expression | None = None
    loop: Loop | None = None
    existing: bool = False
    parent: ResourceDeclaration | None = None
    parent_reference: Expression | None = None
    scope: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Unresolved:
    """A module whose template is not at hand, with the reason. `reference` is how the template names it."""

    reference: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class ModuleDeclaration:
    """A module, or a nested or linked deployment.

    `load` gives its template, read when it is first needed. `arguments` is one object of parameter values by name.
    `inner` is False for ARM's outer-scope nested templates, whose expressions belong to the template around them.
    """

    span: Span
    symbol: str
    name: Expression | None
    reference: str
    load: Callable[[], Template | Unresolved]
    arguments: Expression | None
    condition: Expression | None = None
    loop: Loop | None = None
    scope: Expression | None = None
    subscription: Expression | None = None
    resource_group: Expression | None = None
    inner: bool = True
    api_version: str = ""


Declaration = ResourceDeclaration | ModuleDeclaration


@dataclass(frozen=True, slots=True, eq=False)
class Import:
    """Names taken from another template's exports. `names` maps the name here to the name there; empty for `* as`.

    `alias` is the name the whole import has (`import * as alias`).
    """

    span: Span
    load: Callable[[], Template | Unresolved]
    names: Mapping[str, str]
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template, or parameter file.

    Keys of the mappings are as written (Bicep) or in lower case (ARM JSON, whose names compare without case, and
    `functions`). `scope` is what it is deployed to: resourceGroup, subscription, managementGroup or tenant.
    `problems` are what could not be understood of it. `types` are those it declares, as written.
    """

    source: Source
    scope: str = "resourceGroup"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    declarations: tuple[Declaration, ...] = ()
    outputs: Mapping[str, Output] = field(default_factory=dict)
    imports: tuple[Import, ...] = ()
    problems: tuple[Problem, ...] = ()
    bicep: bool = False
    types: Mapping[str, Secrecy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParameterFile:
    """Values for a template's parameters.

    `values` are expressions by parameter name as written; `context` holds the variables, functions and imports they
    may use. `using` is the template it names (empty when it names none), `extends` the file it builds on.
    """

    source: Source
    values: Mapping[str, Expression]
    context: Template
    using: str = ""
    extends: str = ""
    problems: tuple[Problem, ...] = ()


class Files(Protocol):
    """What a template can reach on disk, within bounds and inside the project the target belongs to."""

    def template(self, base: Source, reference: str) -> Template | Unresolved:
        """The template a module reference (`./a.bicep`, `br/public:…`, a linked JSON file) names, parsed once."""

    def parameters(self, base: Source, reference: str) -> ParameterFile | Unresolved:
        """The parameter file that another one extends."""

    def content(self, base: Source, relative: str) -> bytes:
        """A file's bytes, for `loadTextContent` and its kin. Raises EvaluationError when it may not be read."""

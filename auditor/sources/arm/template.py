"""ARM JSON → the intermediate form: templates in all their forms, and parameter files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from auditor.sources.arm import inline, ir, jsontext
from auditor.sources.arm.expressions import is_expression
from auditor.sources.arm.jsontext import JsonError, Node
from auditor.sources.arm.lowering import Lowering
from auditor.sources.arm.resources import Resources, Variables

MAX_REFERENCES: Final = 32
"""Type definitions that refer to one another."""

AZURE: Final = "AzureResourceManager"
"""The extension that Azure's own resources belong to."""
_SCOPES: Final = (
    ("subscriptiondeploymenttemplate", "subscription"),
    ("managementgroupdeploymenttemplate", "managementGroup"),
    ("tenantdeploymenttemplate", "tenant"),
)
_HOLDING: Final = ("properties", "additionalproperties", "items", "prefixitems", "discriminator")
"""What a definition says of the parts of a value."""
_TYPES: Final = {
    "string": "string",
    "securestring": "string",
    "int": "int",
    "bool": "bool",
    "object": "object",
    "secureobject": "object",
    "array": "array",
}


def parse_template(source: ir.Source, files: ir.Files) -> ir.Template:
    """An ARM template. Never raises for what the text holds: what could not be understood is among `problems`."""
    root, problems = _read(source)
    if root is None:
        return ir.Template(source, problems=problems)
    inline.find(source, root)
    made = _TemplateLowering(source, files, root)
    made.problems += problems
    return made.template()


def parse_inside(source: ir.Source, files: ir.Files, root: Node) -> ir.Template:
    """A template that is written inside another file, and has been read already."""
    return _TemplateLowering(source, files, root).template()


def parse_parameters(source: ir.Source) -> ir.ParameterFile:
    """A parameter file. Its texts are values, not expressions; what a Key Vault holds is a secret.

    Never raises for what the text holds: what could not be understood is among `problems`.
    """
    context = ir.Template(source)
    root, problems = _read(source)
    if root is None:
        return ir.ParameterFile(source, {}, context, problems=problems)
    inline.find(source, root)
    lower = Lowering(source)
    lower.problems += problems
    given = root.get("parameters")
    if given is None:
        lower.problem(root, "the file has no 'parameters'")
    values = {node.name: _given(lower, node) for node in lower.members(given, "'parameters'")}
    return ir.ParameterFile(source, values, context, problems=tuple(lower.problems))


def _given(lower: Lowering, node: Node) -> ir.Expression:
    """One value of a parameter file."""
    value, expression = node.get("value"), node.get("expression")
    if value is not None:
        return lower.plain(value)
    if node.get("reference") is not None:
        return ir.Call(lower.span(node), "getsecret", ())
    if expression is not None:
        return lower.value(expression)
    return lower.unreadable(lower.span(node), "a parameter needs a value or a reference")


def _read(source: ir.Source) -> tuple[Node | None, tuple[ir.Problem, ...]]:
    """The value a text holds and what is odd about it; None, and why, when it is no JSON."""
    size = len(source.text)
    try:
        root, twice = jsontext.read(source.text)
    except JsonError as error:
        span = ir.Span(source, error.offset, min(error.offset + 1, size))
        return None, (ir.Problem(span, f"this is no JSON: {error}"),)
    return root, tuple(ir.Problem(ir.Span(source, at, at + 1), message) for message, at in twice)


class _TemplateLowering(Lowering):
    """Lowers one template, which may be written inside another; `around` are variables it sees besides its own."""

    def __init__(self, source: ir.Source, files: ir.Files, root: Node, around: Variables | None = None) -> None:
        super().__init__(source)
        self._files = files
        self._root = root
        self._around = around
        self._variables = Variables({}, None)

    def template(self) -> ir.Template:
        root = self._root
        if not isinstance(root.value, dict):
            self.problem(root, "a template is an object")
            return ir.Template(self.source, problems=tuple(self.problems))
        parameters = {node.name.lower(): self._parameter(node) for node in self._section("parameters")}
        variables = {variable.name.lower(): variable for variable in self._all_variables()}
        self._variables = Variables(variables, root.get("variables"))
        functions = {function.name: function for function in self._functions()}
        outputs = {node.name.lower(): self._output(node) for node in self._section("outputs")}
        if root.get("resources") is None:
            self.problem(root, "the template has no 'resources'")
        visible = self._variables if self._around is None else self._around
        resources = Resources(self, self._files, visible, self._inline, tuple(self._own_extensions()))
        declarations = tuple(resources.declarations(root.get("resources")))
        schema = root.text("$schema").lower()
        scope = next((scope for name, scope in _SCOPES if name in schema), "resourceGroup")
        return ir.Template(
            self.source,
            scope,
            parameters,
            variables,
            functions,
            declarations,
            outputs,
            problems=tuple(self.problems),
            types={node.name: _Described(node, self._described) for node in self._definitions()},
        )

    def _inline(self, root: Node, inner: bool) -> ir.Template:
        """A template inside this one; unless it is `inner`, its expressions see this one's variables."""
        visible = self._variables if self._around is None else self._around
        return _TemplateLowering(self.source, self._files, root, None if inner else visible).template()

    def _own_extensions(self) -> Iterator[str]:
        """What the template calls the extension that Azure's own resources belong to, which may be named as well."""
        for node in (*self._section("extensions"), *self._section("imports")):
            if AZURE in (node.text("name"), node.text("provider")):
                yield node.name

    def _section(self, name: str) -> Iterator[Node]:
        return self.members(self._root.get(name), f"'{name}'")

    # ── parameters and outputs ───────────────────────────────────────────────────────────────────────────────────────

    def _parameter(self, node: Node) -> ir.Parameter:
        described = list(self._described(node))
        kind = _first(described, "type")
        kind = kind.lower() if isinstance(kind, str) else ""
        simple = _TYPES.get(kind, "")
        # For an array, and for an object, the values listed are not the only ones it can have.
        allowed = () if simple in ("array", "object") else _scalars(_first(described, "allowedvalues"))
        default = self.optional(node.get("defaultvalue"))
        nullable = _first(described, "nullable") is True
        secure = kind.startswith("secure")
        secrecy = _Described(node, self._described)
        return ir.Parameter(self.whole(node), node.name, simple, default, secure, nullable, allowed, secrecy)

    def _output(self, node: Node) -> ir.Output:
        secrecy = _Described(node, self._described)
        value = self._output_value(node)
        condition = node.get("condition")
        if condition is not None:
            nothing = ir.Literal(value.span, None)
            value = ir.Call(value.span, "if", (self.value(condition), value, nothing))
        return ir.Output(self.whole(node), node.name, value, secrecy.secure, secrecy)

    def _output_value(self, node: Node) -> ir.Expression:
        copy, value = node.get("copy"), node.get("value")
        if value is not None:
            return self.value(value)
        # In an output, a bare copyIndex() means the output's own loop.
        loop = self.loop(copy, resource=True)
        body = copy.get("input") if copy is not None else None
        if loop is None or body is None or copy is None:
            return self.unreadable(self.span(node), f"the output {node.name[:60]!r} has no value")
        return ir.Comprehension(self.span(copy), loop, self.value(body))

    def _definitions(self) -> Iterator[Node]:
        found = self._root.get("definitions")
        yield from found.value.values() if found is not None and isinstance(found.value, dict) else ()

    def _described(self, node: Node) -> Iterator[Node]:
        """A parameter or an output, and the type definitions it refers to, nearest first."""
        found: Node | None = node
        for _ in range(MAX_REFERENCES):
            if found is None:
                return
            yield found
            reference = found.text("$ref")
            found = self._pointed(reference[2:]) if reference.startswith("#/") else None

    def _pointed(self, pointer: str) -> Node | None:
        """What a JSON pointer leads to in this template."""
        found: Node | None = self._root
        for part in pointer.split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~").lower()) if found is not None else None
        return found

    # ── variables and functions ──────────────────────────────────────────────────────────────────────────────────────

    def _all_variables(self) -> Iterator[ir.Variable]:
        for node in self._section("variables"):
            if node.name.lower() == "copy" and isinstance(node.value, list):
                for made in self.copies(node):
                    yield ir.Variable(made.span, made.loop.name, made)
            else:
                yield ir.Variable(self.whole(node), node.name, self.value(node))

    def _functions(self) -> Iterator[ir.Function]:
        for space in self.items(self._root.get("functions"), "'functions'"):
            for node in self.members(space.get("members"), "'members'"):
                output = node.get("output")
                value = output.get("value") if output is not None else None
                if value is None:
                    self.problem(node, f"the function {node.name[:60]!r} has no output")
                    continue
                parameters = self.items(node.get("parameters"), "'parameters'")
                names = tuple(parameter.text("name") for parameter in parameters)
                name = f"{space.text('namespace')}.{node.name}".lower()
                yield ir.Function(self.whole(node), name, names, self.value(value))


class _Described:
    """`ir.Secrecy` by the definition of a value; `follow` gives it, and those it refers to, nearest first."""

    __slots__ = ("_follow", "_node")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Described) and self._node is other._node

    def __hash__(self) -> int:
        return id(self._node)

    def __init__(self, node: Node, follow: Callable[[Node], Iterable[Node]]) -> None:
        self._node = node
        self._follow = follow

    @property
    def secure(self) -> bool:
        kind = _first(self._all(), "type")
        return isinstance(kind, str) and kind.lower().startswith("secure")

    @property
    def hides(self) -> bool:
        return self.secure or any(node.get(name) is not None for node in self._all() for name in _HOLDING)

    def inside(self, key: str | int) -> Iterator[ir.Secrecy]:
        for node in (*self._all(), *self._alternatives()):
            named, rest = ("prefixitems", "items") if isinstance(key, int) else ("properties", "additionalproperties")
            parts = node.get(named)
            found: Node | None = None
            if isinstance(key, str) and parts is not None:
                found = parts.get(key.lower())
            elif isinstance(key, int) and parts is not None and isinstance(parts.value, list):
                found = parts.value[key] if key < len(parts.value) else None
            found = found or node.get(rest)
            if found is not None:
                yield _Described(found, self._follow)

    def _all(self) -> list[Node]:
        return list(self._follow(self._node))

    def _alternatives(self) -> Iterator[Node]:
        """The definitions one of which a property decides about."""
        for node in self._all():
            decided = node.get("discriminator")
            mapping = decided.get("mapping") if decided is not None else None
            for one in mapping.value.values() if mapping is not None and isinstance(mapping.value, dict) else ():
                yield from self._follow(one)


def _first(described: list[Node], name: str) -> Any:
    """The nearest definition's value for a name."""
    return next((found.value for node in described if (found := node.get(name)) is not None), None)


def _scalars(allowed: Any) -> tuple[Any, ...]:
    """The values a list allows, when all of them are plain."""
    values = [item.value for item in allowed] if isinstance(allowed, list) else []
    plain = all(
        not isinstance(value, dict | list) and not (isinstance(value, str) and is_expression(value)) for value in values
    )
    return tuple(values) if plain else ()

"""ARM JSON → the intermediate form: templates in all their forms, and parameter files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from auditor.sources.arm import expressions, ir, jsontext
from auditor.sources.arm.expressions import ExpressionError
from auditor.sources.arm.jsontext import JsonError, Node

DEPLOYMENT: Final = "microsoft.resources/deployments"
MAX_DEFINITIONS: Final = 32
"""References followed from one type definition to the next."""

_SCOPES: Final = {
    "subscriptiondeploymenttemplate.json": "subscription",
    "managementgroupdeploymenttemplate.json": "managementGroup",
    "tenantdeploymenttemplate.json": "tenant",
}
_TYPES: Final = {
    "string": "string",
    "securestring": "string",
    "int": "int",
    "bool": "bool",
    "object": "object",
    "secureobject": "object",
    "array": "array",
}
# What is said of a resource besides what it is made of.
_NOT_BODY: Final = frozenset(
    ("type", "apiversion", "name", "dependson", "condition", "copy", "scope", "resources", "comments", "existing")
)


def parse_template(source: ir.Source, files: ir.Files) -> ir.Template:
    """An ARM template. Never raises for what the text holds: what could not be understood is among `problems`."""
    try:
        root, odd = jsontext.parse(source.text)
    except JsonError as error:
        span = ir.Span(source, error.offset, min(error.offset + 1, len(source.text)))
        return ir.Template(source, problems=(ir.Problem(span, f"this is no JSON: {error}"),))
    lowering = _Lowering(source, files)
    lowering.problems += [ir.Problem(ir.Span(source, at, at + 1), message) for message, at in odd]
    return lowering.template(root)


def parse_parameters(source: ir.Source) -> ir.ParameterFile:
    """A parameter file. Its texts are values, not expressions; a Key Vault reference is a secret."""
    context = ir.Template(source)
    try:
        root, odd = jsontext.parse(source.text)
    except JsonError as error:
        span = ir.Span(source, error.offset, min(error.offset + 1, len(source.text)))
        return ir.ParameterFile(source, {}, context, problems=(ir.Problem(span, f"this is no JSON: {error}"),))
    problems = [ir.Problem(ir.Span(source, at, at + 1), message) for message, at in odd]
    lowering = _Lowering(source, None)
    values: dict[str, ir.Expression] = {}
    given = root.get("parameters")
    if given is None or not isinstance(given.value, dict):
        problems.append(ir.Problem(ir.Span(source, root.start, root.end), "there is no object 'parameters'"))
        given = Node({}, 0, 0)
    for name, node in given.value.items():
        values[name] = lowering.given(node)
    return ir.ParameterFile(source, values, context, problems=tuple(problems + lowering.problems))


class _Lowering:
    """Lowers one file; inline templates are lowered by one of their own, when they are needed."""

    def __init__(self, source: ir.Source, files: ir.Files | None) -> None:
        self.source = source
        self.files = files
        self.problems: list[ir.Problem] = []
        self._definitions: Mapping[str, Node] = {}
        self._resources = 0

    def span(self, node: Node) -> ir.Span:
        return ir.Span(self.source, node.start, node.end)

    def problem(self, node: Node, message: str) -> None:
        self.problems.append(ir.Problem(self.span(node), message))

    # ── a template ───────────────────────────────────────────────────────────────────────────────────────────────────

    def template(self, root: Node) -> ir.Template:
        if not isinstance(root.value, dict):
            self.problem(root, "a template is an object")
            return ir.Template(self.source, problems=tuple(self.problems))
        definitions = root.get("definitions")
        self._definitions = definitions.value if definitions is not None and isinstance(definitions.value, dict) else {}
        schema = root.text("$schema").rstrip("#").rpartition("/")[2].casefold()
        parameters = {
            name.casefold(): self.parameter(name, node, root) for name, node in self.members(root, "parameters")
        }
        variables = {variable.name.casefold(): variable for variable in self.variables(root)}
        functions = {function.name: function for function in self.functions(root)}
        declarations = tuple(self.declarations(root.get("resources"), None))
        outputs = {name.casefold(): self.output(name, node) for name, node in self.members(root, "outputs")}
        return ir.Template(
            self.source,
            _SCOPES.get(schema, "resourceGroup"),
            parameters,
            variables,
            functions,
            declarations,
            outputs,
            (),
            tuple(self.problems),
        )

    def members(self, node: Node, name: str) -> Iterator[tuple[str, Node]]:
        """The members of an object below a node; anything else there is a problem."""
        found = node.get(name)
        if found is None or found.value is None:
            return
        if not isinstance(found.value, dict):
            self.problem(found, f"{name!r} is no object")
            return
        yield from found.value.items()

    def parameter(self, name: str, node: Node, _root: Node) -> ir.Parameter:
        chain = list(self._described(node))
        kind = next((one.text("type").casefold() for one in chain if one.text("type")), "")
        allowed = next((found for one in chain if (found := one.get("allowedValues")) is not None), None)
        values = _plain(allowed) if allowed is not None and isinstance(allowed.value, list) else []
        nullable = any((found := one.get("nullable")) is not None and found.value is True for one in chain)
        default = node.get("defaultValue")
        return ir.Parameter(
            self.span(node),
            name,
            _TYPES.get(kind, ""),
            None if default is None else self.value(default),
            kind.startswith("secure"),
            nullable,
            tuple(values),
        )

    def _described(self, node: Node) -> Iterator[Node]:
        """A parameter and the type definitions it refers to, nearest first."""
        for _ in range(MAX_DEFINITIONS):
            yield node
            reference = node.text("$ref").removeprefix("#/definitions/")
            found = self._definitions.get(reference) if reference else None
            if found is None:
                return
            node = found

    def variables(self, root: Node) -> Iterator[ir.Variable]:
        for name, node in self.members(root, "variables"):
            if name.casefold() == "copy" and isinstance(node.value, list):
                for key, value in self.copies(node):
                    yield ir.Variable(value.span, key, value)
            else:
                yield ir.Variable(self.span(node), name, self.value(node))

    def functions(self, root: Node) -> Iterator[ir.Function]:
        spaces = root.get("functions")
        for space in spaces.value if spaces is not None and isinstance(spaces.value, list) else ():
            for name, node in self.members(space, "members"):
                parameters = node.get("parameters")
                listed = parameters.value if parameters is not None and isinstance(parameters.value, list) else []
                output = node.get("output")
                value = output.get("value") if output is not None else None
                if value is None:
                    self.problem(node, f"function {name!r} has no output")
                    continue
                names = tuple(one.text("name") for one in listed)
                full = f"{space.text('namespace')}.{name}".lower()
                yield ir.Function(self.span(node), full, names, self.value(value))

    def output(self, name: str, node: Node) -> ir.Output:
        kinds = [one.text("type").casefold() for one in self._described(node)]
        copy, value = node.get("copy"), node.get("value")
        if copy is not None:
            count, body = copy.get("count"), copy.get("input")
            if count is not None and body is not None:
                loop = ir.Loop(self.span(copy), count=self.value(count), resource=True)
                made: ir.Expression = ir.Comprehension(self.span(copy), loop, self.value(body))
                return ir.Output(self.span(node), name, made, any(kind.startswith("secure") for kind in kinds))
        found = self.value(value) if value is not None else self.unreadable(node, "the output has no value")
        return ir.Output(self.span(node), name, found, any(kind.startswith("secure") for kind in kinds))

    # ── resources ────────────────────────────────────────────────────────────────────────────────────────────────────

    def declarations(self, resources: Node | None, parent: ir.ResourceDeclaration | None) -> Iterator[ir.Declaration]:
        if resources is None or resources.value is None:
            return
        if isinstance(resources.value, dict):
            for symbol, node in resources.value.items():
                yield from self.declaration(node, symbol, parent, resources.keys.get(symbol, node.start))
        elif isinstance(resources.value, list):
            for node in resources.value:
                yield from self.declaration(node, "", parent, node.start)
        else:
            self.problem(resources, "'resources' is no list")

    def declaration(
        self, node: Node, symbol: str, parent: ir.ResourceDeclaration | None, start: int
    ) -> Iterator[ir.Declaration]:
        kind, name = node.text("type"), node.get("name")
        if node.get("extension") is not None or node.get("import") is not None:
            return
        if not kind or name is None:
            self.problem(node, "a resource needs a type and a name")
            return
        span = ir.Span(self.source, start, node.end)
        condition = node.get("condition")
        when = None if condition is None else self.value(condition)
        loop = self.loop(node.get("copy"))
        if kind.casefold() == DEPLOYMENT:
            yield self.module(node, symbol, span, when, loop)
            return
        name_value = self.value(name)
        above: ir.ResourceDeclaration | None = None
        if parent is not None:
            kind, name_value, above = _below(kind, name_value, parent)
            if above is None:
                # It carries its parent's name itself; what decides about the parent decides about it too.
                when = when if parent.condition is None else when or parent.condition
                loop = loop or parent.loop
        scope = node.get("scope")
        version = node.text("apiVersion")
        existing = node.get("existing")
        made = ir.ResourceDeclaration(
            span,
            symbol,
            kind,
            "" if expressions.is_expression(version) else version,
            name_value,
            self.body(node),
            when,
            loop,
            existing is not None and existing.value is True,
            above,
            None,
            None if scope is None else self.value(scope),
        )
        yield made
        yield from self.declarations(node.get("resources"), made)

    def loop(self, copy: Node | None) -> ir.Loop | None:
        if copy is None:
            return None
        count = copy.get("count")
        if count is None:
            self.problem(copy, "a copy needs a count")
            return None
        return ir.Loop(self.span(copy), count=self.value(count), name=copy.text("name"), resource=True)

    def body(self, node: Node) -> ir.ObjectNode:
        entries = [self.entry(key, child, node) for key, child in node.value.items() if key.casefold() not in _NOT_BODY]
        return ir.ObjectNode(self.span(node), tuple(entries))

    def module(
        self, node: Node, symbol: str, span: ir.Span, when: ir.Expression | None, loop: ir.Loop | None
    ) -> ir.ModuleDeclaration:
        properties = node.get("properties") or Node({}, node.start, node.end)
        inline, link = properties.get("template"), properties.get("templateLink")
        options = properties.get("expressionEvaluationOptions")
        inner = (options is not None and options.text("scope").casefold() == "inner") or inline is None
        name = node.get("name")
        parameters = properties.get("parameters")
        subscription, group, scope = node.get("subscriptionId"), node.get("resourceGroup"), node.get("scope")
        reference, load = self.loading(inline, link)
        return ir.ModuleDeclaration(
            span,
            symbol,
            None if name is None else self.value(name),
            reference,
            load,
            None if parameters is None else self.arguments(parameters),
            when,
            loop,
            None if scope is None else self.value(scope),
            None if subscription is None else self.value(subscription),
            None if group is None else self.value(group),
            inner,
        )

    def loading(self, inline: Node | None, link: Node | None) -> tuple[str, Any]:
        """How a deployment's template is named, and what gives it."""
        source, files = self.source, self.files
        if inline is not None:
            made: list[ir.Template] = []

            def lowered() -> ir.Template:
                if not made:
                    made.append(_Lowering(source, files).template(inline))
                return made[0]

            return "", lowered
        relative = link.text("relativePath") if link is not None else ""
        uri = (link.text("uri") or link.text("id")) if link is not None else ""
        if relative and files is not None and not expressions.is_expression(relative):
            return relative, lambda: files.template(source, relative)
        reference = relative or uri or "(no template)"
        reason = "linked templates are read from files beside the template only (relativePath)"
        return reference, lambda: ir.Unresolved(reference, reason)

    def arguments(self, parameters: Node) -> ir.Expression:
        """`{name: {value}}` as one object of values."""
        if not isinstance(parameters.value, dict):
            return self.value(parameters)
        entries = []
        for name, node in parameters.value.items():
            value = node.get("value")
            start = parameters.keys.get(name, node.start)
            key = ir.Literal(ir.Span(self.source, start, start + len(name) + 2), name)
            if value is not None:
                given = self.value(value)
            elif node.get("reference") is not None:
                given = ir.Call(self.span(node), "getsecret", ())
            else:
                # An expression, or a copy, that makes the object with the value.
                place = self.span(node)
                given = ir.Member(place, self.value(node), ir.Literal(place, "value"), safe=True)
            entries.append(ir.Entry(ir.Span(self.source, start, node.end), key, given))
        return ir.ObjectNode(self.span(parameters), tuple(entries))

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def value(self, node: Node) -> ir.Expression:
        """A value of a template, in which text may be an expression."""
        value = node.value
        if isinstance(value, str):
            return self.text(value, node)
        if isinstance(value, dict):
            entries: list[ir.Entry | ir.Spread] = []
            for key, child in value.items():
                if key.casefold() == "copy" and _is_copies(child):
                    entries += [
                        ir.Entry(made.span, ir.Literal(made.span, name), made) for name, made in self.copies(child)
                    ]
                else:
                    entries.append(self.entry(key, child, node))
            return ir.ObjectNode(self.span(node), tuple(entries))
        if isinstance(value, list):
            return ir.ArrayNode(self.span(node), tuple(map(self.value, value)))
        return ir.Literal(self.span(node), value)

    def entry(self, key: str, child: Node, holder: Node) -> ir.Entry:
        start = holder.keys.get(key, child.start)
        place = Node(key, start, start + len(key) + 2)
        return ir.Entry(ir.Span(self.source, start, child.end), self.text(key, place), self.value(child))

    def text(self, text: str, node: Node) -> ir.Expression:
        if not expressions.is_expression(text):
            return ir.Literal(self.span(node), expressions.literal(text))
        try:
            return expressions.parse(text, self.source, node.start + 1)
        except ExpressionError as error:
            return self.unreadable(node, f"the expression cannot be read: {error}")

    def unreadable(self, node: Node, message: str) -> ir.Expression:
        self.problem(node, message)
        return ir.Call(self.span(node), "unreadable", (ir.Literal(self.span(node), message),))

    def copies(self, node: Node) -> Iterator[tuple[str, ir.Comprehension]]:
        """The properties a `copy` list makes: `{name, count, input}` each."""
        for one in node.value:
            name, count, body = one.text("name"), one.get("count"), one.get("input")
            if not name or count is None or body is None:
                self.problem(one, "a copy needs a name, a count and an input")
                continue
            loop = ir.Loop(self.span(one), count=self.value(count), name=name)
            yield name, ir.Comprehension(self.span(one), loop, self.value(body))

    def given(self, node: Node) -> ir.Expression:
        """One value of a parameter file."""
        value, expression = node.get("value"), node.get("expression")
        if value is not None:
            return self.plain(value)
        if node.get("reference") is not None:
            return ir.Call(self.span(node), "getsecret", ())
        if expression is not None and isinstance(expression.value, str):
            return self.text(expression.value, expression)
        return self.unreadable(node, "a parameter needs a value or a reference")

    def plain(self, node: Node) -> ir.Expression:
        """A value in which text is text."""
        if isinstance(node.value, dict):
            entries = []
            for key, child in node.value.items():
                start = node.keys.get(key, child.start)
                name = ir.Literal(ir.Span(self.source, start, start + len(key) + 2), key)
                entries.append(ir.Entry(ir.Span(self.source, start, child.end), name, self.plain(child)))
            return ir.ObjectNode(self.span(node), tuple(entries))
        if isinstance(node.value, list):
            return ir.ArrayNode(self.span(node), tuple(map(self.plain, node.value)))
        return ir.Literal(self.span(node), node.value)


def _is_copies(node: Node) -> bool:
    """Whether a `copy` is the list that makes properties, and not a property of that name."""
    return isinstance(node.value, list) and all(one.get("input") is not None for one in node.value)


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(child) for key, child in node.value.items()}
    return list(map(_plain, node.value)) if isinstance(node.value, list) else node.value


def _below(
    kind: str, name: ir.Expression, parent: ir.ResourceDeclaration
) -> tuple[str, ir.Expression, ir.ResourceDeclaration | None]:
    """Full type, name and parent of a resource written inside another.

    A relative type has a relative name. A full type has either; a name that is computed or has several segments is
    taken for a full one. `providers/locks` is an extension in the old way, whose name begins with its namespace.
    """
    folded = kind.casefold()
    if folded.startswith("providers/"):
        parts = (parent.name, ir.Literal(name.span, "/"), name)
        return f"{parent.type}/{kind}", ir.Call(name.span, "concat", parts), None
    if not folded.startswith(parent.type.casefold() + "/"):
        if "." in kind.partition("/")[0] and "/" in kind:
            return kind, name, None
        return f"{parent.type}/{kind}", name, parent
    whole = not isinstance(name, ir.Literal) or "/" in str(name.value)
    return kind, name, None if whole else parent

"""Deployments that are written as resources: `Microsoft.Resources/deployments`, with a template inside or loaded.

Bicep knows nothing of them, so a text in such a template is an expression of the template's own: what looks like one
in Bicep is escaped by the compiler, and evaluated where the template is deployed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.sources.arm import ir, parse_inside
from auditor.sources.arm.jsontext import Node
from auditor.sources.bicep.nesting import ResourceSyntax

Load = Callable[[], ir.Template | ir.Unresolved]


def deployment_of(
    syntax: ResourceSyntax, variables: Mapping[str, ir.Variable], files: ir.Files
) -> ir.ModuleDeclaration:
    """The module that a resource of this type is."""
    properties = _member(syntax.body, "properties")
    reference, load = _template(properties, variables, syntax.span.source, files)
    return ir.ModuleDeclaration(
        syntax.span,
        syntax.symbol,
        syntax.name,
        reference,
        load,
        _arguments(_member(properties, "parameters")),
        syntax.condition,
        syntax.loop,
        syntax.scope,
        _member(syntax.body, "subscriptionId"),
        _member(syntax.body, "resourceGroup"),
        api_version=syntax.api_version,
    )


def _member(holder: ir.Expression | None, name: str) -> ir.Expression | None:
    """The value of a property that is written out; None where there is none for sure."""
    entries = holder.entries if isinstance(holder, ir.ObjectNode) else ()
    for entry in entries:
        key = entry.key if isinstance(entry, ir.Entry) else None
        if isinstance(entry, ir.Entry) and isinstance(key, ir.Literal) and str(key.value).lower() == name.lower():
            return entry.value
    return None


# ── the template ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _template(
    properties: ir.Expression | None, variables: Mapping[str, ir.Variable], source: ir.Source, files: ir.Files
) -> tuple[str, Load]:
    """How a deployment's template is called, and what gives it."""
    template, link = _member(properties, "template"), _member(properties, "templateLink")
    if isinstance(template, ir.Name) and template.name in variables:
        template = variables[template.name].value
    path = _loaded(template) or _text(_member(link, "relativePath"))
    if path:
        return path, lambda: files.template(source, path)
    if template is None:
        return _unresolved("template specs and web addresses are not at hand" if link else "it names no template")
    node = _node(template)
    if node is None:
        return _unresolved("its template is computed; it is followed where it is written out, loaded, or a module")
    made: list[ir.Template] = []

    def load() -> ir.Template:
        if not made:
            made.append(parse_inside(source, files, node))
        return made[0]

    return "", load


def _loaded(template: ir.Expression | None) -> str:
    """The path in `loadJsonContent('path')`."""
    if isinstance(template, ir.Call) and template.name == "loadjsoncontent" and len(template.arguments) == 1:
        return _text(template.arguments[0])
    return ""


def _text(value: ir.Expression | None) -> str:
    return value.value if isinstance(value, ir.Literal) and isinstance(value.value, str) else ""


def _unresolved(reason: str) -> tuple[str, Load]:
    return "", lambda: ir.Unresolved("(a deployment)", reason)


def _node(value: ir.Expression) -> Node | None:
    """A value that is written out as JSON has it, each part with its place here; None when some of it is computed."""
    start, end = value.span.start, value.span.end
    match value:
        case ir.Literal():
            return Node(value.value, start, end)
        case ir.ArrayNode(_, items):
            nodes = [None if isinstance(item, ir.Spread) else _node(item) for item in items]
            return None if None in nodes else Node(nodes, start, end)
        case ir.ObjectNode(_, entries):
            members: dict[str, Node] = {}
            for entry in entries:
                found = _node(entry.value) if isinstance(entry, ir.Entry) else None
                key = entry.key if isinstance(entry, ir.Entry) else None
                if found is None or not isinstance(key, ir.Literal):
                    return None
                name = str(key.value)
                members[name.lower()] = found._replace(name=name, at=entry.span.start)
            return Node(members, start, end)
    return None


# ── what it is given ─────────────────────────────────────────────────────────────────────────────────────────────────


def _arguments(given: ir.Expression | None) -> ir.Expression | None:
    """The values given to a deployment's parameters, `{name: {value: …}}`, as one object of values."""
    if given is None:
        return None
    if isinstance(given, ir.ObjectNode) and all(isinstance(entry, ir.Entry) for entry in given.entries):
        entries = (entry for entry in given.entries if isinstance(entry, ir.Entry))
        return ir.ObjectNode(given.span, tuple(ir.Entry(e.span, e.key, _argument(e.value)) for e in entries))
    value = ir.Lambda(given.span, ("parameter",), _value_of(ir.Name(given.span, "parameter")))
    return ir.Call(given.span, "mapvalues", (given, value), builtin=True)


def _argument(given: ir.Expression) -> ir.Expression:
    value = _member(given, "value")
    if value is not None:
        return value
    if _member(given, "reference") is not None:
        return ir.Call(given.span, "getsecret", (), builtin=True)
    return _value_of(given)


def _value_of(given: ir.Expression) -> ir.Expression:
    return ir.Member(given.span, given, ir.Literal(given.span, "value"))

"""Lowers the resources of an ARM template: lists and symbolic names, children in all their forms, deployments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from auditor.sources.arm import expressions, ir
from auditor.sources.arm.jsontext import Node
from auditor.sources.arm.links import beside, constant
from auditor.sources.arm.lowering import Lowering, quoted, unknown

DEPLOYMENT: Final = "microsoft.resources/deployments"
MAX_TYPE: Final = 500
"""Characters of a resource's type."""
MAX_RESOURCES: Final = 10_000
"""Resources of one template; Azure takes 800."""

_BESIDES: Final = frozenset(
    ("type", "apiversion", "name", "dependson", "condition", "copy", "scope", "resources", "comments", "existing")
) | {"extension", "import"}
"""What is said of a resource besides what it is made of."""
_PLACE: Final = frozenset(("subscriptionid", "resourcegroup"))
"""Where one that exists already is."""

_VARIABLE: Final = re.compile(r"\[\s*variables\(\s*'([^']+)'\s*\)\s*\]")

Inline = Callable[[Node, bool], ir.Template]
"""Lowers the template written inside a deployment; the flag says whether its expressions are its own."""
Load = Callable[[], ir.Template | ir.Unresolved]


class Variables(NamedTuple):
    """The variables that expressions of a template see, by name in lower case, and the object they are written in."""

    lowered: Mapping[str, ir.Variable]
    written: Node | None


class Resources:
    """Lowers the resources of one template, whose variables are given for what has to be known before evaluation."""

    def __init__(
        self, lowering: Lowering, files: ir.Files, variables: Variables, inline: Inline, own: Sequence[str]
    ) -> None:
        """Lower with `lowering`, which also takes the problems. `own` are the names of Azure's own extension."""
        self._lower = lowering
        self._files = files
        self._variables = variables
        self._inline = inline
        self._own = own
        self._count = 0
        self._loads: dict[str, Load | None] = {}

    def declarations(
        self, resources: Node | None, parent: ir.ResourceDeclaration | None = None
    ) -> Iterator[ir.Declaration]:
        """The resources of a list, or of an object of symbolic names, and those inside them; parents come first."""
        if resources is None or resources.value is None:
            return
        if isinstance(resources.value, dict):
            found = self._lower.members(resources, "'resources'")
        else:
            found = self._lower.items(resources, "'resources'")
        for node in found:
            self._count += 1
            if self._count > MAX_RESOURCES:
                self._lower.problem(node, f"there are more than {MAX_RESOURCES:,} resources; the rest was not read")
                return
            yield from self._declaration(node, parent)

    def _declaration(self, node: Node, parent: ir.ResourceDeclaration | None) -> Iterator[ir.Declaration]:
        if not isinstance(node.value, dict):
            self._lower.problem(node, "this resource is no object")
            return
        extension = node.get("extension") or node.get("import")
        if extension is not None and extension.value not in self._own:
            return  # none of Azure's own
        kind = self._constant(node, "type").strip("/")
        name = node.get("name")
        if not kind or len(kind) > MAX_TYPE or name is None:
            lacking = "has no name" if kind and name is None else "has no type that is written out"
            self._lower.problem(node, f"the resource {lacking}")
            return
        condition = self._lower.optional(node.get("condition"))
        loop = self._loop(node.get("copy"))
        if kind.lower() == DEPLOYMENT and not _is(node, "existing"):
            yield self._module(node, condition, loop)
            return
        full_name, above = self._lower.value(name), parent
        if parent is not None:
            kind, full_name, above = below(kind, full_name, parent)
            if above is None:
                # Here it carries its parent's name itself, and what decides about the parent decides about it too.
                condition = _both(parent.condition, condition)
                loop = loop or parent.loop
            if len(kind) > MAX_TYPE:
                self._lower.problem(node, f"the resource's type has more than {MAX_TYPE} characters")
                return
        made = ir.ResourceDeclaration(
            self._lower.whole(node),
            node.name,
            kind,
            self._constant(node, "apiversion"),
            full_name,
            self._body(node),
            condition,
            loop,
            _is(node, "existing"),
            above,
            None,
            self._scope(node),
        )
        yield made
        yield from self.declarations(node.get("resources"), made)

    def _constant(self, node: Node, name: str) -> str:
        """A text that has to be known before evaluation: as written, or as variables make it; else an empty one."""
        found = node.get(name)
        if found is None or not isinstance(found.value, str):
            return ""
        if not expressions.is_expression(found.value):
            return found.value
        return constant(self._lower.value(found), self._variables.lowered)

    def _loop(self, copy: Node | None) -> ir.Loop | None:
        if copy is None or isinstance(copy.value, list):
            return None
        loop = self._lower.loop(copy, resource=True)
        if loop is None:
            self._lower.problem(copy, "a copy needs a count")
        return loop

    def _body(self, node: Node) -> ir.ObjectNode:
        without = _BESIDES | _PLACE if _is(node, "existing") else _BESIDES
        copy = node.get("copy")
        if copy is not None and isinstance(copy.value, list):
            without -= {"copy"}
        return ir.ObjectNode(self._lower.span(node), tuple(self._lower.entries(node.value.values(), without)))

    def _scope(self, node: Node) -> ir.Expression | None:
        scope, group, subscription = node.get("scope"), node.get("resourcegroup"), node.get("subscriptionid")
        if scope is not None or not _is(node, "existing"):
            return self._lower.optional(scope)
        place = tuple(self._lower.value(one) for one in (subscription, group) if one is not None)
        if not place:
            return None
        return ir.Call(place[-1].span, "subscription" if group is None else "resourcegroup", place)

    # ── deployments ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _module(self, node: Node, condition: ir.Expression | None, loop: ir.Loop | None) -> ir.ModuleDeclaration:
        properties = node.get("properties") or Node({}, node.start, node.end)
        inline = properties.get("template")
        options = properties.get("expressionevaluationoptions")
        inner = options is not None and options.text("scope").lower() == "inner"
        if inline is not None and isinstance(inline.value, dict) and not inner:
            # Where none of its expressions is for the template around it, they are for where it is deployed.
            left = quoted(inline)
            inner, inline = left is not None, left or inline
        else:
            inner = True
        reference, load = self._template(inline, properties.get("templatelink"), inner)
        return ir.ModuleDeclaration(
            self._lower.whole(node),
            node.name,
            self._lower.optional(node.get("name")),
            reference,
            load,
            self._arguments(properties),
            condition,
            loop,
            self._lower.optional(node.get("scope")),
            self._lower.optional(node.get("subscriptionid")),
            self._lower.optional(node.get("resourcegroup")),
            inner,
        )

    def _template(self, inline: Node | None, link: Node | None, inner: bool) -> tuple[str, Load]:
        """How a deployment's template is called, and what gives it."""
        if inline is not None and isinstance(inline.value, dict):
            return "", _once(lambda: self._inline(inline, inner))
        if inline is not None:
            return self._kept(inline)
        if link is None:
            return _unresolved("", "the deployment names no template")
        spec, written = link.text("id"), link.get("relativepath") or link.get("uri")
        if spec or written is None:
            return _unresolved(spec, "template specs are not at hand" if spec else "the link names no template")
        address = self._lower.value(written)
        path, known = beside(address, self._variables.lowered), constant(address, self._variables.lowered)
        if not path:
            why = "lies at a web address" if known else "is named by an address that is not known before deployment"
            reason = f"the linked template {why}; it is read where it is a file beside the template"
            return _unresolved(known or self._lower.span(written).text.strip('"'), reason)
        source, files = self._lower.source, self._files
        return path, lambda: files.template(source, path)

    def _kept(self, reference: Node) -> tuple[str, Load]:
        """The template kept in a variable; all deployments that name it share what it is lowered to."""
        match = _VARIABLE.fullmatch(reference.value) if isinstance(reference.value, str) else None
        name = match[1].lower() if match is not None else ""
        if name not in self._loads:
            written = self._variables.written
            found = written.get(name) if written is not None else None
            template = quoted(found) if found is not None and isinstance(found.value, dict) else None
            load = None if template is None else _once(lambda: self._inline(template, True))
            self._loads[name] = load
        known = self._loads[name]
        if known is None:
            return _unresolved(self._lower.span(reference).text.strip('"'), "the template is computed")
        return "", known

    def _arguments(self, properties: Node) -> ir.Expression | None:
        """The values given to a deployment's parameters, as one object."""
        given, link = properties.get("parameters"), properties.get("parameterslink")
        if given is None or given.value is None:
            return None if link is None else self._linked(link)
        if isinstance(given.value, dict):
            entries = (self._lower.given(one, self._argument(one)) for one in given.value.values())
            return ir.ObjectNode(self._lower.span(given), tuple(entries))
        # An expression gives an object of `{value}`s.
        span = self._lower.span(given)
        value = ir.Member(span, ir.Name(span, "parameter"), ir.Literal(span, "value"))
        return ir.Call(span, "mapvalues", (self._lower.value(given), ir.Lambda(span, ("parameter",), value)))

    def _argument(self, node: Node) -> ir.Expression:
        if not isinstance(node.value, dict):
            span = self._lower.span(node)
            return ir.Member(span, self._lower.value(node), ir.Literal(span, "value"))
        value = node.get("value")
        if value is not None:
            return self._lower.value(value)
        if node.get("reference") is not None:
            return ir.Call(self._lower.span(node), "getsecret", ())
        for entry in self._lower.entries(node.value.values()):
            if isinstance(entry.value, ir.Comprehension) and entry.value.loop.name.lower() == "value":
                return entry.value
        return self._lower.unreadable(self._lower.span(node), "a parameter needs a value or a reference")

    def _linked(self, link: Node) -> ir.Expression:
        """The values of a parameter file beside the template."""
        span, written = self._lower.span(link), link.get("relativepath") or link.get("uri")
        path = "" if written is None else beside(self._lower.value(written), self._variables.lowered)
        if not path:
            return unknown(span, "a linked parameter file is read only where it is a file beside the template")
        found = self._files.parameters(self._lower.source, path)
        if isinstance(found, ir.Unresolved):
            return unknown(span, f"the parameter file {path}: {found.reason}")
        for problem in found.problems:
            self._lower.note(problem.span, problem.message)
        entries = (ir.Entry(value.span, ir.Literal(value.span, name), value) for name, value in found.values.items())
        return ir.ObjectNode(span, tuple(entries))


# ── names and types of children ──────────────────────────────────────────────────────────────────────────────────────


def below(
    kind: str, name: ir.Expression, parent: ir.ResourceDeclaration
) -> tuple[str, ir.Expression, ir.ResourceDeclaration | None]:
    """Full type, name and parent of a resource written inside another; one without a parent has its full name.

    A type of one part is relative, as is the name. One that begins with the parent's is whole, as is the name, unless
    that is a text of one part. `providers/locks`, or a type of another provider, extends the parent.
    """
    folded, above = kind.lower(), parent.type.lower()
    first, _, rest = kind.partition("/")
    if folded.startswith(above + "/"):
        if isinstance(name, ir.Literal) and "/" not in str(name.value) and "/" not in kind[len(above) + 1 :]:
            return kind, name, parent
        return kind, name, None
    if folded.startswith("providers/"):
        return f"{parent.type}/{kind}", _joined(_full_name(parent), name), None
    if "." in first and rest:
        if first.lower() == above.partition("/")[0]:
            return kind, name, None
        extension = _joined(ir.Literal(name.span, first), name)
        return f"{parent.type}/providers/{rest}", _joined(_full_name(parent), extension), None
    if rest:
        return f"{parent.type}/{kind}", _joined(_full_name(parent), name), None
    return f"{parent.type}/{kind}", name, parent


def _full_name(declaration: ir.ResourceDeclaration) -> ir.Expression:
    above = declaration.parent
    return declaration.name if above is None else _joined(_full_name(above), declaration.name)


def _joined(first: ir.Expression, second: ir.Expression) -> ir.Expression:
    span = second.span
    if isinstance(first, ir.Literal) and isinstance(second, ir.Literal):
        return ir.Literal(span, f"{first.value}/{second.value}")
    return ir.Interpolation(span, (first, ir.Literal(span, "/"), second))


def _both(above: ir.Expression | None, own: ir.Expression | None) -> ir.Expression | None:
    """The condition that both give."""
    if above is None or own is None or above is own:
        return own if above is None else above
    return ir.Call(own.span, "and", (above, own))


def _is(node: Node, name: str) -> bool:
    found = node.get(name)
    return found is not None and found.value is True


# ── what gives a template ────────────────────────────────────────────────────────────────────────────────────────────


def _once(make: Callable[[], ir.Template]) -> Load:
    made: list[ir.Template] = []

    def load() -> ir.Template:
        if not made:
            made.append(make())
        return made[0]

    return load


def _unresolved(reference: str, reason: str) -> tuple[str, Load]:
    return reference, lambda: ir.Unresolved(reference or "(no template)", reason)

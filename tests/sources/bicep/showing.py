"""The intermediate form as lines of text, so that a test says on one line what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditor.sources.arm import ir
from auditor.sources.bicep import parse_parameters, parse_template


class NoFiles:
    """Nothing on disk."""

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        return ir.Unresolved(reference, "there are no files here")

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        return ir.Unresolved(reference, "there are no files here")

    def content(self, base: ir.Source, relative: str) -> bytes:
        raise AssertionError(relative)


def template(text: str) -> ir.Template:
    return parse_template(ir.Source("main.bicep", text), NoFiles())


def parameters(text: str) -> ir.ParameterFile:
    return parse_parameters(ir.Source("main.bicepparam", text), NoFiles())


def problems(found: ir.Template | ir.ParameterFile) -> list[str]:
    """Problems as `line:column message`."""
    return ["%d:%d %s" % (*p.span.source.position(p.span.start), p.message) for p in found.problems]


def value_of(text: str) -> str:
    """An expression, parsed as a variable's value."""
    found = template(f"var it = {text}")
    assert not found.problems, problems(found)
    return show(found.variables["it"].value)


def lines(found: ir.Template) -> list[str]:
    """Everything a template declares, one line each."""
    return list(_lines(found))


def _lines(found: ir.Template) -> Iterator[str]:
    if found.scope != "resourceGroup":
        yield f"scope {found.scope}"
    for parameter in found.parameters.values():
        yield _parameter(parameter)
    for variable in found.variables.values():
        yield f"var {variable.name} = {show(variable.value)}"
    for key, function in found.functions.items():
        assert key == function.name
        yield f"func {function.name}({', '.join(function.parameters)}) = {show(function.body)}"
    for declaration in found.declarations:
        yield _resource(declaration) if isinstance(declaration, ir.ResourceDeclaration) else _module(declaration)
    for output in found.outputs.values():
        yield f"output {output.name} = {show(output.value)}{' secure' if output.secure else ''}"
    for one in found.imports:
        names = ", ".join(f"{there} as {here}" for here, there in one.names.items())
        loaded = one.load()
        assert isinstance(loaded, ir.Unresolved)
        yield f"import {f'* as {one.alias}' if one.alias else names} from {loaded.reference}"


def _parameter(parameter: ir.Parameter) -> str:
    line = f"param {parameter.name}: {parameter.type or '-'}{'?' if parameter.nullable else ''}"
    if parameter.default is not None:
        line += f" = {show(parameter.default)}"
    if parameter.secure:
        line += " secure"
    return line + (f" of {list(parameter.allowed)}" if parameter.allowed else "")


def _resource(found: ir.ResourceDeclaration) -> str:
    line = f"resource {found.symbol} {found.type}@{found.api_version}"
    line += " existing" if found.existing else ""
    line += f" in {found.parent.symbol}" if found.parent else ""
    line += _around(found.loop, found.condition) + f" name={show(found.name)}"
    line += f" parent={show(found.parent_reference)}" if found.parent_reference else ""
    line += f" scope={show(found.scope)}" if found.scope else ""
    return f"{line} {show(found.body)}"


def _module(found: ir.ModuleDeclaration) -> str:
    loaded = found.load()
    assert isinstance(loaded, ir.Unresolved)
    assert loaded.reference == found.reference
    assert found.inner
    line = f"module {found.symbol} {found.reference}{_around(found.loop, found.condition)}"
    line += f" name={show(found.name)}" if found.name else ""
    line += f" scope={show(found.scope)}" if found.scope else ""
    return f"{line} {show(found.arguments)}" if found.arguments else line


def _around(loop: ir.Loop | None, condition: ir.Expression | None) -> str:
    return (f" {_loop(loop)}" if loop else "") + (f" if {show(condition)}" if condition else "")


def _loop(loop: ir.Loop) -> str:
    if loop.items is None:
        return f"{show(loop.count)} times{f' as {loop.name}' if loop.name else ''}{' here' if loop.resource else ''}"
    return f"for {loop.item}{f', {loop.index}' if loop.index else ''} in {show(loop.items)}"


def show(node: Any) -> str:
    """An expression in a notation of our own: calls for operators, quotes for literals."""
    match node:
        case ir.Literal(value=value):
            return repr(value)
        case ir.Name(name=name):
            return name
        case ir.Interpolation(parts=parts):
            return f"<{' '.join(map(show, parts))}>"
        case ir.Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(show, arguments))})"
        case ir.Member(base=base, key=key, safe=safe, from_end=from_end):
            return f"{show(base)}[{'?' if safe else ''}{'^' if from_end else ''}{show(key)}]"
        case ir.Lambda(parameters=names, body=body):
            return f"({', '.join(names)}) => {show(body)}"
        case ir.Spread(value=value):
            return f"...{show(value)}"
        case ir.Entry(key=key, value=value):
            return f"{key.value if isinstance(key, ir.Literal) else show(key)}: {show(value)}"
        case ir.ObjectNode(entries=entries):
            return "{" + ", ".join(map(show, entries)) + "}"
        case ir.ArrayNode(items=items):
            return "[" + ", ".join(map(show, items)) + "]"
        case ir.Comprehension(loop=loop, body=body, condition=condition):
            return f"[{_loop(loop)}{f' if {show(condition)}' if condition else ''}: {show(body)}]"
    raise AssertionError(node)

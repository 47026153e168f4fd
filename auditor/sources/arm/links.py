"""Where a linked template lies: the path beside the template that an address means, as far as the template tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from auditor.sources.arm import ir

MAX_STEPS: Final = 2_000
"""Expressions and properties looked at for one address."""
MAX_DEPTH: Final = 40
MAX_PATH: Final = 1_000
"""Characters of a path or another text."""

_BASE: Final = "_artifactslocation"
_TOKEN: Final = "_artifactslocationsastoken"
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")
_HOLE: Final = re.compile(r"\{([0-9]{1,2})\}")


class _Folder:
    """Stands for the folder the template lies in."""


FOLDER: Final = _Folder()
Part = str | _Folder


def beside(address: ir.Expression, variables: Mapping[str, ir.Variable]) -> str:
    """The path, relative to the template's folder, that an address means; empty when it means none for sure.

    Azure's convention is followed: what a template needs lies beside it, at `_artifactsLocation`, and is named relative
    to that or to the template's own address, `deployment().properties.templateLink.uri`.
    """
    parts = _Address(variables).parts(address, 0)
    path = _text(parts)
    if not path or any(isinstance(part, _Folder) for part in parts[1:]) or _ADDRESS.match(path):
        return ""
    return path.partition("?")[0].lstrip("/" if isinstance(parts[0], _Folder) else "")


def constant(expression: ir.Expression, variables: Mapping[str, ir.Variable]) -> str:
    """The text an expression gives without anything from outside the template, or an empty one."""
    parts = _Address(variables).parts(expression, 0)
    return _text(parts) if all(isinstance(part, str) for part in parts) else ""


def _text(parts: list[Part]) -> str:
    """The parts that are text as one, or an empty one when it would be too long."""
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if sum(map(len, texts)) <= MAX_PATH else ""


class _Address:
    """Takes one address apart, following variables, within a bounded number of steps."""

    def __init__(self, variables: Mapping[str, ir.Variable]) -> None:
        self.variables = variables
        self.steps = MAX_STEPS

    def parts(self, expression: ir.Expression, depth: int) -> list[Part]:
        """What an address is put together from; nothing when some of it is not known."""
        self.steps -= 1
        if depth > MAX_DEPTH or self.steps < 0:
            return []
        if isinstance(expression, ir.Literal):
            return [expression.value] if isinstance(expression.value, str) else []
        if isinstance(expression, ir.Member):
            if _is_own_address(expression):
                return [FOLDER]
            selected = self.selected(expression, depth)
            return [] if selected is None else self.parts(selected, depth + 1)
        return self.called(expression, depth) if isinstance(expression, ir.Call) else []

    def called(self, call: ir.Call, depth: int) -> list[Part]:
        """What a call gives."""
        given = call.arguments
        name = str(given[0].value).lower() if given and isinstance(given[0], ir.Literal) else ""
        match call.name:
            case "parameters":
                return [FOLDER] if name == _BASE else [""] if name == _TOKEN else []
            case "variables":
                variable = self.variables.get(name)
                return [] if variable is None else self.parts(variable.value, depth + 1)
            case "format" if name:
                holes = [self.parts(one, depth + 1) for one in given[1:]]
                return _formatted(str(given[0].value), holes) if isinstance(given[0], ir.Literal) else []
            case "concat" | "uri":
                parts = [self.parts(one, depth + 1) for one in given]
                if call.name == "uri" and (len(parts) != 2 or parts[0] != [FOLDER]):
                    return []
                return [part for one in parts for part in one] if all(parts) else []
        return []

    def selected(self, expression: ir.Expression, depth: int) -> ir.Expression | None:
        """What `variables('x').y` selects, when that variable is an object with such a property."""
        if isinstance(expression, ir.Call):
            given = expression.arguments
            if expression.name != "variables" or len(given) != 1 or not isinstance(given[0], ir.Literal):
                return None
            variable = self.variables.get(str(given[0].value).lower())
            return None if variable is None else variable.value
        if not isinstance(expression, ir.Member) or depth > MAX_DEPTH or not isinstance(expression.key, ir.Literal):
            return None
        holder = self.selected(expression.base, depth + 1)
        wanted = str(expression.key.value).lower()
        for entry in holder.entries if isinstance(holder, ir.ObjectNode) else ():
            self.steps -= 1
            key = entry.key if isinstance(entry, ir.Entry) else None
            if self.steps < 0:
                break
            if isinstance(entry, ir.Entry) and isinstance(key, ir.Literal) and str(key.value).lower() == wanted:
                return entry.value
        return None


def _formatted(text: str, given: list[list[Part]]) -> list[Part]:
    if len(text) > MAX_PATH:
        return []
    found: list[Part] = []
    pieces = _HOLE.split(text)
    for literal, hole in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if literal:
            found.append(literal)
        if hole:
            if int(hole) >= len(given) or not given[int(hole)]:
                return []
            found += given[int(hole)]
    return found


def _is_own_address(expression: ir.Expression) -> bool:
    """Whether this is `deployment().properties.templateLink.uri`."""
    names: list[str] = []
    while isinstance(expression, ir.Member) and len(names) < 4:
        names.append(str(expression.key.value).lower() if isinstance(expression.key, ir.Literal) else "")
        expression = expression.base
    return (
        isinstance(expression, ir.Call)
        and expression.name == "deployment"
        and names == ["uri", "templatelink", "properties"]
    )

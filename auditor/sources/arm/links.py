"""Where a linked template lies: the path beside the template that an address means, as far as the template tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from auditor.sources.arm import ir

MAX_DEPTH: Final = 40
MAX_PARTS: Final = 64
MAX_PATH: Final = 1_000
"""Characters of a path."""

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
    parts = _parts(address, variables, 0)
    if not parts:
        return ""
    path = "".join(part for part in parts if isinstance(part, str))
    if any(isinstance(part, _Folder) for part in parts[1:]) or _ADDRESS.match(path) or len(path) > MAX_PATH:
        return ""
    return path.partition("?")[0].lstrip("/" if isinstance(parts[0], _Folder) else "")


def constant(expression: ir.Expression, variables: Mapping[str, ir.Variable]) -> str:
    """The text an expression gives without anything from outside the template, or an empty one."""
    parts = _parts(expression, variables, 0)
    return "".join(map(str, parts)) if parts and all(isinstance(part, str) for part in parts) else ""


def _parts(expression: ir.Expression, variables: Mapping[str, ir.Variable], depth: int) -> list[Part]:
    """What an address is put together from; nothing when some of it is not known."""
    if depth > MAX_DEPTH:
        return []
    if isinstance(expression, ir.Literal):
        return [expression.value] if isinstance(expression.value, str) else []
    if isinstance(expression, ir.Member):
        if _is_own_address(expression):
            return [FOLDER]
        selected = _selected(expression, variables, depth)
        return [] if selected is None else _parts(selected, variables, depth + 1)
    if not isinstance(expression, ir.Call):
        return []
    given = expression.arguments
    if expression.name in ("variables", "parameters") and len(given) == 1 and isinstance(given[0], ir.Literal):
        name = str(given[0].value).lower()
        if expression.name == "parameters":
            return [FOLDER] if name == _BASE else [""] if name == _TOKEN else []
        variable = variables.get(name)
        return [] if variable is None else _parts(variable.value, variables, depth + 1)
    if expression.name == "format" and given and isinstance(given[0], ir.Literal):
        found = _formatted(str(given[0].value), [_parts(one, variables, depth + 1) for one in given[1:]])
    elif expression.name in ("concat", "uri"):
        parts = [_parts(one, variables, depth + 1) for one in given]
        found = [part for one in parts for part in one] if all(parts) else []
        if expression.name == "uri" and (len(parts) != 2 or parts[0] != [FOLDER]):
            return []
    else:
        return []
    return found if len(found) <= MAX_PARTS else []


def _formatted(text: str, given: list[list[Part]]) -> list[Part]:
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


def _selected(expression: ir.Expression, variables: Mapping[str, ir.Variable], depth: int) -> ir.Expression | None:
    """What `variables('x').y` selects, when that variable is an object with such a property."""
    if isinstance(expression, ir.Call):
        given = expression.arguments
        if expression.name != "variables" or len(given) != 1 or not isinstance(given[0], ir.Literal):
            return None
        variable = variables.get(str(given[0].value).lower())
        return None if variable is None else variable.value
    if not isinstance(expression, ir.Member) or depth > MAX_DEPTH or not isinstance(expression.key, ir.Literal):
        return None
    holder = _selected(expression.base, variables, depth + 1)
    wanted = str(expression.key.value).lower()
    for entry in holder.entries if isinstance(holder, ir.ObjectNode) else ():
        if isinstance(entry, ir.Entry) and isinstance(entry.key, ir.Literal) and str(entry.key.value).lower() == wanted:
            return entry.value
    return None


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

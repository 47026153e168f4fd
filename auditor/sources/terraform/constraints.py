"""Type constraints of variables: what a given value becomes, with the defaults of optional attributes filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.terraform import syntax
from auditor.sources.terraform.syntax import Expression
from auditor.sources.terraform.values import (
    EvaluationError,
    Lazy,
    Undecided,
    kind_of,
    spread,
    to_bool,
    to_number,
    to_set,
    to_text,
)

PRIMITIVES: Final[dict[str, Callable[[Any], Any]]] = {"string": to_text, "number": to_number, "bool": to_bool}

Evaluate = Callable[[Expression], Any]
"""Gives the value of an optional attribute's default."""


def is_primitive(constraint: Expression | None) -> bool:
    """Whether values are given as texts: a primitive type, or none that is named."""
    return constraint is None or (isinstance(constraint, syntax.Name) and constraint.name in PRIMITIVES)


def converted(value: Any, constraint: Expression, evaluate: Evaluate) -> Any:
    """A value as its type constraint has it. Raises EvaluationError where it does not fit."""
    if value is None:
        return None
    if isinstance(value, Unknown):
        if not value.possible:
            return value
        return spread((value,), lambda one: converted(one, constraint, evaluate))
    match constraint:
        case syntax.Literal(value=str() as name):
            # Before Terraform 0.12 types were written as texts.
            return converted(value, syntax.Name(constraint.span, name), evaluate)
        case syntax.Name(name="any" | "list" | "map" | "set"):
            return value
        case syntax.Name(name=name) if name in PRIMITIVES:
            if isinstance(value, Lazy):
                raise EvaluationError(f"a {name} is needed, and this is an object")
            return PRIMITIVES[name](value)
        case syntax.Call(name="list" | "set" | "map" | "tuple" | "object", arguments=(inner,)):
            return _collection(value, constraint.name, inner, evaluate)
    raise EvaluationError(f"`{constraint.span.text}` is no type")


def _collection(value: Any, kind: str, inner: Expression, evaluate: Evaluate) -> Any:
    if isinstance(value, Lazy):
        # A whole resource or module: its attributes are what they are.
        return value
    if kind == "object" and isinstance(inner, syntax.ObjectNode) and isinstance(value, dict):
        return _object(value, inner, evaluate)
    if kind == "map" and isinstance(value, dict):
        return {key: converted(item, inner, evaluate) for key, item in value.items()}
    if kind == "tuple" and isinstance(inner, syntax.TupleNode) and isinstance(value, list):
        if len(value) != len(inner.items):
            raise EvaluationError(f"{len(inner.items)} items are needed, and there are {len(value)}")
        return [converted(item, one, evaluate) for item, one in zip(value, inner.items, strict=True)]
    if kind in ("list", "set") and isinstance(value, list):
        items = [converted(item, inner, evaluate) for item in value]
        if kind == "list":
            return items
        try:
            return to_set(items)
        except Undecided as undecided:
            # Nothing can tell which of its items are the same.
            return Unknown(undecided.unknown.reason)
    raise EvaluationError(f"a value of type {kind} is needed, and this is {kind_of(value)}")


def _object(value: dict[str, Any], inner: syntax.ObjectNode, evaluate: Evaluate) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for entry in inner.entries:
        if not isinstance(entry.key, syntax.Literal):
            raise EvaluationError(f"`{entry.key.span.text}` is no attribute's name")
        name = str(entry.key.value)
        constraint, default, optional = entry.value, None, False
        if isinstance(constraint, syntax.Call) and constraint.name == "optional" and constraint.arguments:
            optional = True
            default = constraint.arguments[1] if len(constraint.arguments) > 1 else None
            constraint = constraint.arguments[0]
        given = value.get(name)
        if given is None and not optional and name not in value:
            raise EvaluationError(f"it has no attribute {name}, which its type asks for")
        if given is None and default is not None:
            given = evaluate(default)
        elif isinstance(given, Unknown) and default is not None and not given.possible:
            # What is not known may be null, and then the default holds; it is unknown either way.
            given = Unknown(given.reason)
        result[name] = converted(given, constraint, evaluate)
    return result

"""The functions of templates, by name: everything ARM and Bicep offer that needs nothing but its arguments.

`apply` calls one. What is not known goes through it as data: an argument with alternatives gives their results, one
without makes the result unknown, and what is computed from a placeholder decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm import (
    dates,
    functions_collections,
    functions_deployment,
    functions_encoding,
    functions_lambdas,
    functions_logic,
    functions_text,
    networks,
)
from auditor.sources.arm.functions_collections import member
from auditor.sources.arm.structure import Builtin, alternatives, tainted, to_text, within_items, within_text
from auditor.sources.arm.values import EvaluationError, Placeholder

__all__ = ["FUNCTIONS", "Builtin", "apply", "member", "to_text"]

FUNCTIONS: Final[Mapping[str, Builtin]] = {
    **functions_logic.BUILTINS,
    **functions_text.BUILTINS,
    **functions_encoding.BUILTINS,
    **functions_collections.BUILTINS,
    **functions_lambdas.BUILTINS,
    **dates.BUILTINS,
    **networks.BUILTINS,
    **functions_deployment.BUILTINS,
}
"""Names are in lower case."""


def apply(name: str, arguments: Sequence[Any]) -> Any:
    """The value of a function for its arguments. Raises EvaluationError for what ARM would refuse."""
    builtin = FUNCTIONS.get(name)
    if builtin is None:
        raise EvaluationError(f"there is no function {name[:80]}()")
    count = len(arguments)
    if count < builtin.least or (builtin.most is not None and count > builtin.most):
        raise EvaluationError(f"{name}() was given {count} arguments")
    if builtin.lenient:
        return _bounded(builtin.call(*arguments))
    return alternatives(arguments, lambda *known: _called(builtin, known))


def _called(builtin: Builtin, arguments: Sequence[Any]) -> Any:
    """The value for arguments of which none is unknown."""
    made_from = next((argument for argument in arguments if isinstance(argument, Placeholder)), None)
    if made_from is None:
        return _bounded(builtin.call(*arguments))
    try:
        value = _bounded(builtin.call(*arguments))
    except EvaluationError:
        # It is the text that stands for the value that was refused.
        return Unknown(made_from.reason)
    return tainted(value, made_from.reason)


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        within_text(len(value))
    elif isinstance(value, list):
        within_items(len(value))
    return value

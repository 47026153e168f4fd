"""ARM templates: one evaluator for what JSON and Bicep are lowered to, and the JSON front end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditor.sources.arm.template import parse_inside, parse_parameters, parse_template

__all__ = ["parse_inside", "parse_parameters", "parse_template"]


def __getattr__(name: str) -> Any:
    # The JSON front end is loaded when a JSON file is read; Bicep needs no more than the intermediate form.
    if name in __all__:
        from auditor.sources.arm import template

        return getattr(template, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

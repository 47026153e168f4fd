"""ARM templates: one evaluator for what JSON and Bicep are lowered to, and the JSON front end."""

from auditor.sources.arm.template import parse_parameters, parse_template

__all__ = ["parse_parameters", "parse_template"]

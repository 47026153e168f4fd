"""The Bicep front end: text → tokens → the intermediate form ARM JSON is lowered to as well."""

from auditor.sources.bicep.parser import parse_parameters, parse_template

__all__ = ["parse_parameters", "parse_template"]

"""JSON Schemas of rule, baseline and waivers files, for editors; the loader in `auditor.rules` is the authority."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from auditor.model import Severity
from auditor.quantities import UNITS
from auditor.rules import EFFECTS, MAPPINGS, ORDERED, PARAMETER_TYPES, REMEDIATIONS, STATEMENT_KINDS, Vocabulary

_TEXT: Final = {"type": "string", "minLength": 1}
_PLAIN: Final = {"type": ["string", "number", "boolean"]}
_ID: Final = {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"}


def schema(kind: str, vocabulary: Vocabulary, rule_ids: Collection[str]) -> dict[str, Any]:
    """The schema (draft 2020-12) of `rule`, `baseline` or `waivers` files."""
    build = {"rule": _rule, "baseline": _baseline, "waivers": _waivers}[kind]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **build(vocabulary, rule_ids)}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _list(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


def _conditions(vocabulary: Vocabulary) -> dict[str, Any]:
    """Definitions of the condition language."""
    condition = {"$ref": "#/$defs/condition"}
    accessor = {
        "field": _TEXT,
        "child": _TEXT,
        "fact": {"enum": sorted(vocabulary.facts)},
        "of": _TEXT,
        "parent": _TEXT,
    }
    operand = {"$ref": "#/$defs/operand"}
    operators = {
        "equals": operand,
        "notEquals": operand,
        "in": {"anyOf": [_list(_PLAIN, 1), operand]},
        "notIn": {"anyOf": [_list(_PLAIN, 1), operand]},
        "exists": {"type": "boolean"},
        **dict.fromkeys(ORDERED, operand),
    }
    counted = _object(
        {
            "field": _TEXT,
            "child": _TEXT,
            "related": {"enum": sorted(vocabulary.related)},
            "where": condition,
            "show": _list(_TEXT),
        }
    )
    otherwise = {"otherwise": _TEXT}
    return {
        "operand": {
            "anyOf": [
                _PLAIN,
                _object({"parameter": _TEXT}, "parameter"),
                _object(dict.fromkeys(("field", "child", "parent"), _TEXT)),
            ]
        },
        "condition": {
            "anyOf": [
                _object({"allOf": _list(condition, 1), **otherwise}, "allOf"),
                _object({"anyOf": _list(condition, 1), **otherwise}, "anyOf"),
                _object({"not": condition, **otherwise}, "not"),
                _object({"count": counted, "equals": operand, **dict.fromkeys(ORDERED, operand), **otherwise}, "count"),
                {
                    **_object(
                        {
                            **accessor,
                            **operators,
                            **otherwise,
                            "unit": {"enum": list(UNITS)},
                            "type": {"enum": ["redundancy", "tier"]},
                        }
                    ),
                    "anyOf": [{"required": [key]} for key in ("field", "fact", "child", "parent")],
                },
            ]
        },
        "applicability": {"allOf": [condition, {"required": ["otherwise"]}]},
    }


def _rule(vocabulary: Vocabulary, _rule_ids: Collection[str]) -> dict[str, Any]:
    parameter = _object({"type": {"enum": list(PARAMETER_TYPES)}, "default": _PLAIN, "title": _TEXT}, "type", "default")
    control = _object(
        {"framework": _TEXT, "id": _PLAIN, "mapping": {"enum": list(MAPPINGS)}, "note": _TEXT},
        "framework",
        "id",
        "mapping",
    )
    example = _object(
        {
            "name": _TEXT,
            "outcome": {"enum": ["pass", "fail", "unknown", "not-applicable"]},
            "parameters": {"type": "object"},
            "resource": {"type": "object"},
        },
        "name",
        "outcome",
        "resource",
    )
    shown = _object({"field": _TEXT, "child": _TEXT, "fact": {"enum": sorted(vocabulary.facts)}, "of": _TEXT})
    reference = _object({"title": _TEXT, "url": {"type": "string", "pattern": "^https://"}}, "title", "url")
    properties = {
        "id": _ID,
        "title": _TEXT,
        "severity": {"enum": list(Severity)},
        "applies_to": _list({"enum": sorted(vocabulary.types)}, 1),
        "rationale": _TEXT,
        "parameters": {"type": "object", "additionalProperties": parameter},
        "when": _list({"$ref": "#/$defs/applicability"}),
        "require": {"$ref": "#/$defs/condition"},
        "show": _list(shown),
        "remediation": _object(dict.fromkeys(REMEDIATIONS, _TEXT)),
        "references": _list(reference),
        "controls": _list(control),
        "examples": _list(example, 1),
    }
    required = ("id", "title", "severity", "applies_to", "rationale", "require", "examples")
    return {"title": "auditor rule", **_object(properties, *required), "$defs": _conditions(vocabulary)}


def _baseline(vocabulary: Vocabulary, rule_ids: Collection[str]) -> dict[str, Any]:
    setting = _object(
        {
            "effect": {"enum": list(EFFECTS)},
            "severity": {"enum": list(Severity)},
            "parameters": {"type": "object", "additionalProperties": _PLAIN},
            "when": _list({"$ref": "#/$defs/applicability"}),
            "note": _TEXT,
        }
    )
    statement = _object(
        {
            "id": _TEXT,
            "service": _TEXT,
            "kind": {"enum": list(STATEMENT_KINDS)},
            "text": _TEXT,
            "note": _TEXT,
            "rules": _list({"enum": sorted(rule_ids)}),
        },
        "id",
        "service",
        "kind",
        "text",
    )
    source = _object({"title": _TEXT, "url": _TEXT, "date": _TEXT}, "title")
    properties = {
        "id": _ID,
        "title": _TEXT,
        "description": _TEXT,
        "extends": {"type": ["string", "null"]},
        "source": {"anyOf": [_TEXT, source]},
        "default": {"enum": list(EFFECTS)},
        # Rules of a user's own are valid names too; the shipped ones are offered.
        "rules": {
            "type": "object",
            "properties": dict.fromkeys(sorted(rule_ids), setting),
            "additionalProperties": setting,
        },
        "statements": _list(statement),
    }
    return {"title": "auditor baseline", **_object(properties, "id", "title"), "$defs": _conditions(vocabulary)}


def _waivers(_vocabulary: Vocabulary, rule_ids: Collection[str]) -> dict[str, Any]:
    waiver = _object(
        {
            "rule": {"anyOf": [{"enum": ["*", *sorted(rule_ids)]}, _ID]},
            "resource": _TEXT,
            "reason": _TEXT,
            "owner": _TEXT,
            "expires": {"type": "string", "format": "date"},
        },
        "rule",
        "resource",
        "reason",
        "owner",
        "expires",
    )
    return {"title": "auditor waivers", "anyOf": [_list(waiver), _object({"waivers": _list(waiver)}, "waivers")]}

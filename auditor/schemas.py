"""JSON Schemas of rule, baseline, waivers, map and objectives files, for editors; what loads them is the authority."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from auditor.model import Severity
from auditor.quantities import UNITS
from auditor.recovery import SCENARIOS, objectives
from auditor.rules import (
    EFFECTS,
    MAPPINGS,
    ORDERED,
    PARAMETER_TYPES,
    REMEDIATIONS,
    STATEMENT_KINDS,
    Parameter,
    Rule,
    Vocabulary,
)
from auditor.waivers import MAX_PATTERN

_TEXT: Final = {"type": "string", "minLength": 1}
_PLAIN: Final = {"type": ["string", "number", "boolean"]}
_NUMBER: Final = {"type": "number"}
_PATH: Final = {"type": "string", "pattern": r"^[^.\[\]]+(\[\*\])?(\.[^.\[\]]+(\[\*\])?)*$"}
_VALUE_PATH: Final = {"type": "string", "pattern": r"^[^.\[\]]+(\.[^.\[\]]+)*$"}
_DURATION: Final = {"type": "string", "pattern": "^P(?=.)([0-9]+W)?([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+S)?)?$"}
_ID: Final = {"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"}


def schema(kind: str, vocabulary: Vocabulary, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The schema (draft 2020-12) of `rule`, `baseline`, `waivers`, `map` or `objectives` files."""
    build = {"rule": _rule, "baseline": _baseline, "waivers": _waivers, "map": _map, "objectives": _objectives}[kind]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **build(vocabulary, rules)}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _list(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


def _named(names: Iterable[str]) -> dict[str, Any]:
    return {"enum": sorted(set(names))}


def _children(vocabulary: Vocabulary, *, collections: bool) -> dict[str, Any]:
    """Child paths: a collection (`replicas`) ends in a type, a single child (`blobServices/default`) in a name."""
    return _named(name for name in vocabulary.children if (len(name.split("/")) % 2 == 1) is collections)


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _conditions(vocabulary: Vocabulary) -> dict[str, Any]:
    """Definitions of the condition language: conditions on a resource, and on the items a count goes through."""
    facts = _named(vocabulary.facts)
    child = _children(vocabulary, collections=False)
    on_resource = {"field": _PATH, "fact": facts, "of": _PATH, "child": child}
    on_item = {"field": _PATH, "fact": facts, "of": _PATH, "parent": _PATH}
    counted = _object(
        {
            "field": {"allOf": [_PATH, {"pattern": r"\[\*\]$"}]},
            "child": _named(vocabulary.children),
            "related": _named(vocabulary.related),
            "where": _ref("itemCondition"),
            "show": _list(_PATH),
        }
    ) | {
        "oneOf": [
            {"required": ["field"], "properties": {"child": child}, **_none_of("related")},
            {
                "required": ["child"],
                "properties": {"child": _children(vocabulary, collections=True)},
                **_none_of("field", "related"),
            },
            {"required": ["related"], **_none_of("field", "child")},
        ]
    }
    number = _ref("number")
    compared = _object({"count": counted, **dict.fromkeys(("equals", *ORDERED), number), "otherwise": _TEXT}, "count")
    count = {**compared, "oneOf": _required("equals", *ORDERED)}
    parameter = _object({"parameter": _TEXT}, "parameter")
    field = _object({"field": _VALUE_PATH, "child": child}, "field")
    return {
        "operand": {"anyOf": [_PLAIN, parameter, field, _object({"parent": _VALUE_PATH}, "parent")]},
        "number": {"anyOf": [{"type": "integer"}, parameter, field]},
        "condition": {"anyOf": [*_joined("condition"), count, _test(on_resource)]},
        "itemCondition": {"anyOf": [*_joined("itemCondition"), _test(on_item)]},
        "applicability": {"allOf": [_ref("condition"), {"required": ["otherwise"]}]},
    }


def _joined(name: str) -> list[dict[str, Any]]:
    """And, or, not, over the conditions of a definition."""
    several = _list(_ref(name), 1)
    forms = (("allOf", several), ("anyOf", several), ("not", _ref(name)))
    return [_object({key: value, "otherwise": _TEXT}, key) for key, value in forms]


def _test(accessor: Mapping[str, Any]) -> dict[str, Any]:
    """One comparison of what an accessor points at."""
    operand = _ref("operand")
    operators = {
        "equals": operand,
        "notEquals": operand,
        "in": _list(_PLAIN, 1),
        "notIn": _list(_PLAIN, 1),
        "exists": {"type": "boolean"},
        **dict.fromkeys(ORDERED, operand),
    }
    typed = {"unit": {"enum": list(UNITS)}, "type": {"enum": ["redundancy", "tier"]}}
    paths = [key for key in ("field", "fact", "parent") if key in accessor]
    roots = _required(*paths)
    if "child" in accessor:
        roots.append({**_none_of(*paths), "required": ["child", "exists"]})
    return {
        **_object({**accessor, **operators, **typed, "otherwise": _TEXT}),
        "allOf": [{"oneOf": roots}, {"oneOf": _required(*operators)}, *_ordered()],
        "dependentRequired": {"of": ["fact"]},
        "dependentSchemas": {"unit": _none_of("type")},
    }


def _required(*names: str) -> list[dict[str, Any]]:
    return [{"required": [name]} for name in names]


def _ordered() -> list[dict[str, Any]]:
    """What is compared by order: durations with a unit, redundancies, tiers, and numbers for the rest."""
    tier = {"properties": {"type": {"const": "tier"}}, "required": ["type"]}
    redundancy = {"properties": {"type": {"const": "redundancy"}}, "required": ["type"]}
    duration = {"anyOf": [{"required": ["unit"]}, tier]}
    kinds = ((duration, _DURATION), (redundancy, _TEXT), ({"not": {"anyOf": _required("unit", "type")}}, _NUMBER))
    return [
        {"if": {"anyOf": _required("unit", "type")}, "then": {"anyOf": _required(*ORDERED)}},
        *(
            {"if": given, "then": {"properties": {name: _operand_of(value) for name in ORDERED}}}
            for given, value in kinds
        ),
    ]


def _operand_of(value: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [value, {"type": "object"}]}


def _none_of(*names: str) -> dict[str, Any]:
    return {"not": {"anyOf": _required(*names)}}


_VALUES: Final = {"duration": _DURATION, "integer": {"type": "integer"}, "boolean": {"type": "boolean"}}


def _parameter(kind: str) -> dict[str, Any]:
    return _object({"type": {"const": kind}, "default": _VALUES.get(kind, _TEXT), "title": _TEXT}, "type", "default")


def _given(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The settings of one rule, with the parameters it has."""
    values = _object({name: _VALUES.get(parameter.type, _TEXT) for name, parameter in parameters.items()})
    return {"allOf": [{"$ref": "#/$defs/setting"}, {"properties": {"parameters": values}}]}


def _rule(vocabulary: Vocabulary, _rules: Mapping[str, Rule]) -> dict[str, Any]:
    parameter = {"oneOf": [_parameter(kind) for kind in PARAMETER_TYPES]}
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
    shown = _object(
        {
            "field": _PATH,
            "child": _children(vocabulary, collections=False),
            "fact": _named(vocabulary.facts),
            "of": _PATH,
        }
    )
    reference = _object({"title": _TEXT, "url": {"type": "string", "pattern": "^https://"}}, "title", "url")
    properties = {
        "id": _ID,
        "title": _TEXT,
        "severity": {"enum": list(Severity)},
        "applies_to": _list({"enum": sorted(vocabulary.types)}, 1),
        "about": _named(vocabulary.carried),
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


def _baseline(vocabulary: Vocabulary, rules: Mapping[str, Rule]) -> dict[str, Any]:
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
            "rules": _list({"anyOf": [{"enum": sorted(rules)}, _ID]}),
            "objectives": {"type": "boolean"},
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
            "properties": {rule_id: _given(rules[rule_id].parameters) for rule_id in sorted(rules)},
            "additionalProperties": {"$ref": "#/$defs/setting"},
        },
        "statements": _list(statement),
    }
    definitions = {**_conditions(vocabulary), "setting": setting}
    return {"title": "auditor baseline", **_object(properties, "id", "title"), "$defs": definitions}


def _waivers(_vocabulary: Vocabulary, rules: Mapping[str, Rule]) -> dict[str, Any]:
    day = {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    pattern = {**_TEXT, "maxLength": MAX_PATTERN}
    waiver = _object(
        {
            "rule": {"anyOf": [{"enum": ["*", *sorted(rules)]}, _ID]},
            "resource": pattern,
            "tags": {"type": "object", "additionalProperties": pattern, "minProperties": 1},
            "reason": _TEXT,
            "owner": _TEXT,
            "ticket": _TEXT,
            "created": day,
            "expires": day,
        },
        "rule",
        "reason",
        "owner",
        "expires",
    ) | {"anyOf": _required("resource", "tags")}
    file = _object({"longest": _DURATION, "waivers": _list(waiver)}, "waivers")
    return {"title": "auditor waivers", "anyOf": [_list(waiver), file]}


def _map(_vocabulary: Vocabulary, _rules: Mapping[str, Rule]) -> dict[str, Any]:
    names = {"type": "object", "additionalProperties": {"type": "string", "pattern": r"\S"}, "propertyNames": _TEXT}
    return {
        "title": "auditor map",
        "description": "Names or ids of the reference's resources, and what each is called on the current side.",
        **names,
    }


def _objectives(vocabulary: Vocabulary, _rules: Mapping[str, Rule]) -> dict[str, Any]:
    glob = {**_TEXT, "maxLength": objectives.MAX_PATTERN}
    kinds = {"anyOf": [{"enum": sorted(vocabulary.types)}, glob]}
    tags = {"type": "object", "additionalProperties": glob, "minProperties": 1}
    stores = _object({"type": kinds, **dict.fromkeys(("name", "id", "group"), glob), "tags": tags})
    objective = _object(
        {
            "id": _TEXT,
            "note": {"type": "string"},
            "stores": stores,
            "scenarios": {"anyOf": [{"const": "all"}, _list({"enum": list(SCENARIOS)}, 1)]},
            **dict.fromkeys(objectives.FIGURES, _DURATION),
        },
        "id",
        "scenarios",
    ) | {"anyOf": _required(*objectives.FIGURES)}
    return {"title": "auditor objectives", **_object({"title": _TEXT, "objectives": _list(objective, 1)}, "objectives")}

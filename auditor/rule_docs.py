"""Rules and baselines as text for people: the pages of `rules show`, and the generated reference in docs/rules.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor import quantities
from auditor.rules import (
    Accessor,
    AllOf,
    AnyOf,
    Baseline,
    Condition,
    Count,
    Not,
    Parameter,
    ParameterRef,
    Rule,
    Test,
)

_WORDS = {
    "equals": "is",
    "notEquals": "is not",
    "in": "is one of",
    "notIn": "is none of",
    "atLeast": "is at least",
    "atMost": "is at most",
    "moreThan": "is more than",
    "lessThan": "is less than",
}
_LANGUAGES = {"az": "sh", "bicep": "bicep", "azurerm": "hcl"}
_TITLES = {"az": "Azure CLI", "bicep": "Bicep", "azurerm": "Terraform (azurerm)"}


def describe(condition: Condition, indent: int = 0) -> Iterator[str]:
    """A condition as an indented list in Markdown."""
    pad = "  " * indent + "- "
    match condition:
        case AllOf(parts) | AnyOf(parts):
            yield pad + ("all of:" if isinstance(condition, AllOf) else "any of:")
            for part in parts:
                yield from describe(part, indent + 1)
        case Not(part):
            yield pad + "not:"
            yield from describe(part, indent + 1)
        case Count(items, where, operator, operand):
            counted = items.related or _place(items)
            verb = _WORDS[operator].removeprefix("is ").strip() or "exactly"
            number = f"{'exactly' if operator == 'equals' else verb} {_operand(operand, None)}"
            yield f"{pad}{number} of `{counted}`" + (" where:" if where is not None else "")
            if where is not None:
                yield from describe(where, indent + 1)
        case Test(accessor, "exists", operand):
            yield f"{pad}`{_place(accessor)}` {'exists' if operand else 'does not exist'}"
        case Test(accessor, operator, operand, unit, kind):
            scale = f" ({unit})" if unit else f" (as {kind})" if kind else ""
            yield f"{pad}`{_place(accessor)}`{scale} {_WORDS[operator]} {_operand(operand, unit or kind == 'tier')}"


def _place(accessor: Accessor) -> str:
    path = ".".join(accessor.path).replace(".[*]", "[*]")
    if accessor.fact:
        path = f"{accessor.fact}({path})" if path else accessor.fact
    if accessor.root == "parent":
        path = f"parent {path}"
    return f"{accessor.child}:{path}".rstrip(":") if accessor.child else path


def _operand(operand: Any, duration: object) -> str:
    match operand:
        case ParameterRef(name):
            return f"parameter `{name}`"
        case Accessor():
            return f"`{_place(operand)}`"
        case tuple():
            return ", ".join(f"`{item}`" for item in operand)
        case bool():
            return f"`{str(operand).lower()}`"
    return quantities.spoken_duration(operand) if duration else f"`{operand}`"


def parameter_value(parameter: Parameter, value: Any) -> str:
    """A parameter's value as a baseline file writes it."""
    return quantities.iso_duration(value) if parameter.type == "duration" else str(value)


def rule_page(rule: Rule) -> str:
    """Everything a rule says, as Markdown."""
    return "\n".join(_page(rule)) + "\n"


def _page(rule: Rule) -> Iterator[str]:
    yield from (f"## {rule.id}", "", f"**{rule.title}**", "")
    about = f" with `{rule.about}`" if rule.about else ""
    yield from (f"Severity {rule.severity} · applies to {', '.join(f'`{t}`' for t in rule.applies_to)}{about}", "")
    yield from (rule.rationale, "")
    if rule.parameters:
        yield from ("Parameters:", "")
        for parameter in rule.parameters.values():
            default = parameter_value(parameter, parameter.default)
            yield f"- `{parameter.name}` ({parameter.type}, default `{default}`): {parameter.title}"
        yield ""
    if rule.when:
        yield from ("Not applicable:", "", *(f"- {applicability.otherwise}" for applicability in rule.when), "")
    yield from ("Expected:", "", *describe(rule.require), "")
    for key, text in rule.remediation.items():
        if key in _LANGUAGES:
            yield from (f"{_TITLES[key]}:", "", f"```{_LANGUAGES[key]}", text, "```", "")
    if "caveat" in rule.remediation:
        yield from (f"Mind: {rule.remediation['caveat']}", "")
    if rule.controls:
        yield from ("Controls:", "")
        for control in rule.controls:
            note = f" ({control['note']})" if control.get("note") else ""
            yield f"- {control['framework']}: {control['id']} — {control['mapping']} mapping{note}"
        yield ""
    if rule.references:
        yield from ("References:", "", *(f"- [{title}]({url})" for title, url in rule.references), "")


def baseline_page(baseline: Baseline, rules: Mapping[str, Rule]) -> str:
    """What a baseline expects, as Markdown."""
    return "\n".join(_baseline(baseline, rules)) + "\n"


def _baseline(baseline: Baseline, rules: Mapping[str, Rule]) -> Iterator[str]:
    yield from (f"# {baseline.title}", "")
    if baseline.description:
        yield from (baseline.description, "")
    if baseline.source:
        yield from (f"Source: {baseline.source}", "")
    yield from ("| rule | effect | severity | expects |", "|---|---|---|---|")
    for rule in rules.values():
        setting = baseline.setting(rule.id)
        severity = setting.severity or rule.severity
        values = {name: setting.parameters.get(name, p.default) for name, p in rule.parameters.items()}
        wants = ", ".join(f"{name} = {parameter_value(rule.parameters[name], v)}" for name, v in values.items())
        yield f"| {rule.id} | {setting.effect} | {severity} | {wants or rule.title} |"
    if baseline.statements:
        yield from ("", "## Statements", "", "| id | service | statement | ends as | rules |", "|---|---|---|---|---|")
        for row in baseline.statements:
            yield f"| {row.id} | {row.service} | {row.text} | {row.kind} | {', '.join(row.rules) or '–'} |"


def reference(rules: Iterable[Rule], baselines: Iterable[Baseline]) -> str:
    """The whole rules reference: docs/rules.md."""
    chosen = list(rules)
    lines = ["# Rules", "", "Generated from `rules/` by `make docs`; `make check` fails when it is stale.", ""]
    lines += ["| rule | severity | what holds when it passes |", "|---|---|---|"]
    lines += [f"| [{rule.id}](#{rule.id}) | {rule.severity} | {rule.title} |" for rule in chosen]
    lines.append("")
    for rule in chosen:
        lines += _page(rule)
    for baseline in baselines:
        lines += [*_baseline(baseline, {rule.id: rule for rule in chosen}), ""]
    return "\n".join(lines).rstrip("\n").replace("\n# ", "\n# Baseline: ") + "\n"

"""A baseline from a golden environment: what all its stores meet today is what is required from now on.

Every parameter gets the strictest value that no store fails: the weakest that was seen. A rule that some store fails,
or of which it cannot be told, is reported and not required, with a comment that says why.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from auditor import quantities
from auditor.comparison.views import View
from auditor.engine import CompiledRule
from auditor.errors import UsageError
from auditor.model import Gap, Outcome, Resource, Snapshot, Unknown
from auditor.paths import data_dir
from auditor.pipeline import Policy
from auditor.reading import Defaulted, Item
from auditor.rules import (
    AllOf,
    AnyOf,
    Condition,
    Count,
    Not,
    Parameter,
    ParameterRef,
    Rule,
    Setting,
    Test,
    baseline_names,
)
from auditor.untrusted import harmless

NAMES_TOLD: Final = 3
_ID: Final = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
REDUNDANCIES: Final = ("GZRS", "GRS", "ZRS", "LRS")
"""From what survives most to what survives least; no other words are written into a baseline."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What is to be required of one rule. `setting` is None where nothing says anything of it; `why` is for people."""

    rule: Rule
    setting: Setting | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Golden:
    """What a golden environment says: a row a rule, how many stores it has, and what could not be read of it."""

    rules: tuple[Derived, ...]
    resources: int
    targets: tuple[str, ...]
    collected_at: str
    gaps: tuple[Gap, ...] = ()

    def counted(self) -> str:
        """How many rules are required, and how many of the others are there, in words."""
        effects = [one.setting.effect for one in self.rules if one.setting is not None]
        required, reported = effects.count("require"), effects.count("report")
        return f"{required} rules required, {reported} reported, {len(self.rules) - len(effects)} as they were"


def derive(collected: Snapshot, policy: Policy) -> Golden:
    """What each rule of a policy could require so that the collection meets it exactly."""
    view = View(collected, policy)
    by_type: dict[str, list[Resource]] = {}
    for store in view.stores():
        by_type.setdefault(store.type.casefold(), []).append(store)
    return Golden(
        rules=tuple(_derived(rule, policy.baseline.setting(rule.id), view, by_type) for rule in policy.rules.values()),
        resources=sum(map(len, by_type.values())),
        targets=collected.targets,
        collected_at=collected.generated_at,
        gaps=tuple(view.beside.gaps),
    )


def name_of(given: str, file: Path | None, extended: str) -> str:
    """The id of the baseline: the one that was given, or the file's name in an id's letters.

    Raises UsageError for what is no id, and for the one of the baseline it extends or of a shipped one.
    """
    name = given or _id_of(file.stem if file is not None else "golden")
    if not _ID.fullmatch(name):
        raise UsageError(f"{name!r} is no id such as golden-2026: small letters, digits, and single hyphens")
    if name in (extended, *baseline_names(data_dir("rules") / "baselines")):
        raise UsageError(f"{name!r} is the id of another baseline", hint="Give this one an id of its own with --id.")
    return name


def _id_of(text: str) -> str:
    words = "-".join(re.findall("[a-z0-9]+", text.casefold())) or "golden"
    return words if words[0].isalpha() else f"golden-{words}"


def _derived(rule: Rule, inherited: Setting, view: View, by_type: Mapping[str, Sequence[Resource]]) -> Derived:
    setting = replace(inherited, effect="require")
    compiled = CompiledRule(rule, setting, view.reader)
    stores = [store for kind in rule.applies_to for store in by_type.get(kind.casefold(), ())]
    stores = [store for store in stores if compiled.concerns(store)]
    if inherited.effect == "off":
        return Derived(rule, None, "is off in what this extends")
    judged = [store for store in stores if compiled.judge(store).outcome is not Outcome.NOT_APPLICABLE]
    if not judged:
        return Derived(rule, None, "applies to nothing here")
    for parameter in rule.parameters.values():
        setting = _strictest(rule, setting, parameter, view, judged)
    return _ended(rule, setting, view, judged)


def _ended(rule: Rule, setting: Setting, view: View, stores: Sequence[Resource]) -> Derived:
    """Required where every store passes; otherwise reported."""
    compiled = CompiledRule(rule, setting, view.reader)
    outcomes = {Outcome.FAIL: list[str](), Outcome.UNKNOWN: list[str]()}
    for store in stores:
        outcome = compiled.judge(store).outcome
        if outcome in outcomes:
            outcomes[outcome].append(store.name)
    reasons = [
        f"{said} {len(names)} of {len(stores)}: {_listed(names)}"
        for said, names in (("fails on", outcomes[Outcome.FAIL]), ("cannot be told on", outcomes[Outcome.UNKNOWN]))
        if names
    ]
    if reasons:
        return Derived(rule, replace(setting, effect="report"), "; ".join(reasons))
    return Derived(rule, setting)


def _strictest(rule: Rule, setting: Setting, parameter: Parameter, view: View, stores: Sequence[Resource]) -> Setting:
    """The setting with the strictest value of a parameter that no store fails; as it was where each fails some."""
    candidates = _candidates(CompiledRule(rule, setting, view.reader), parameter, stores)
    # Where a store is unknown whatever is asked for, the others still say what they have.
    for refused in ({Outcome.FAIL, Outcome.UNKNOWN}, {Outcome.FAIL}):
        for value in candidates:
            tried = replace(setting, parameters={**setting.parameters, parameter.name: value})
            attempt = CompiledRule(rule, tried, view.reader)
            if all(attempt.judge(store).outcome not in refused for store in stores):
                return tried
    return setting


def _candidates(compiled: CompiledRule, parameter: Parameter, stores: Sequence[Resource]) -> list[Any]:
    """The values seen where the parameter is compared with, the strictest first."""
    if parameter.type == "redundancy":
        return list(REDUNDANCIES)
    seen: dict[Any, bool] = {}
    for store in stores:
        for value, more in _compared(compiled, compiled.rule.require, parameter, store, None, wanted=True):
            typed = _typed(value, parameter)
            if typed is not None:
                seen[typed] = more
    if parameter.type in ("duration", "integer"):
        return sorted(seen, reverse=all(seen.values()))
    return list(seen)


def _compared(
    compiled: CompiledRule,
    condition: Condition,
    parameter: Parameter,
    store: Resource,
    item: Item | None,
    *,
    wanted: bool,
) -> Iterator[tuple[Any, bool]]:
    """What is compared with a parameter, in seconds where it is a duration, and whether more of it is stricter."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _compared(compiled, part, parameter, store, item, wanted=wanted)
        case Not(part):
            yield from _compared(compiled, part, parameter, store, item, wanted=not wanted)
        case Count():
            items, _ = compiled.reader.items(condition.items, store)
            where = condition.where
            if condition.operand == ParameterRef(parameter.name):
                matching = sum(where is None or compiled.holds(where, store, one) is True for one in items)
                yield matching, (condition.operator in ("atLeast", "moreThan")) is wanted
            elif where is not None:
                many = condition.operator in ("atLeast", "moreThan") or condition.operand != 0
                for one in items:
                    yield from _compared(compiled, where, parameter, store, one, wanted=many is wanted)
        case Test() if condition.operand == ParameterRef(parameter.name):
            more = (condition.operator not in ("atMost", "lessThan")) is wanted
            for reading in compiled.reader.test(condition.accessor, store, item):
                yield from ((value, more) for value in _values(condition, reading.value))


def _values(test: Test, value: Any) -> Iterator[Any]:
    """The plain values of a reading, each that it could be; lengths of time in seconds."""
    if isinstance(value, Defaulted):
        yield from _values(test, value.value)
    elif isinstance(value, Unknown):
        for one in value.possible:
            yield from _values(test, one)
    elif test.type == "tier":
        yield quantities.parse_tier(value)
    elif test.unit:
        number = quantities.as_number(value)
        yield None if number is None or number < 0 else number * quantities.UNITS[test.unit]
    else:
        yield value


def _typed(value: Any, parameter: Parameter) -> Any:
    """A value as the parameter takes it; None where it does not."""
    match parameter.type:
        case "duration" | "integer":
            number = quantities.as_number(value)
            return None if number is None else int(number)
        case "boolean":
            return value if isinstance(value, bool) else None
    return value if isinstance(value, str) and value else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
    return ", ".join(names[:NAMES_TOLD]) + more


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(golden: Golden, name: str, extends: str, folder: Path) -> Iterator[str]:
    """The baseline as YAML with comments, in chunks; it is to stand in `folder`, and loads as any other does."""
    source = ", ".join(golden.targets)
    if Path(extends).is_file() and extends not in baseline_names(data_dir("rules") / "baselines"):
        extends = os.path.relpath(extends, folder)
    yield f"id: {_text(name)}\ntitle: {_text(f'What {source} meets')}\n"
    yield "description: >-\n  What every store of a golden environment met on the day it was looked at.\n"
    yield "  A rule that one of them fails, or of which it could not be told, is shown, and never fails.\n"
    yield f"extends: {_text(extends)}\n"
    yield (
        f"source: {{title: {_text(source)}, date: {_text(golden.collected_at[:10])}}}\n" if golden.collected_at else ""
    )
    yield "rules:\n"
    for one in golden.rules:
        yield _row(one)


def _row(one: Derived) -> str:
    if one.setting is None:
        return f"  # {one.rule.id}: {_comment(one.why)}\n"
    values = [f"effect: {one.setting.effect}"]
    given = {key: value for key, value in one.setting.parameters.items() if key in one.rule.parameters}
    if given:
        pairs = (f"{key}: {_value(value, one.rule.parameters[key])}" for key, value in given.items())
        values.append(f"parameters: {{{', '.join(pairs)}}}")
    comment = f"  # {_comment(one.why)}\n" if one.why else ""
    return f"{comment}  {one.rule.id}: {{{', '.join(values)}}}\n"


def _value(value: Any, parameter: Parameter) -> str:
    if parameter.type == "duration":
        return quantities.iso_duration(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """A text as YAML: JSON's form of it, which YAML reads."""
    return json.dumps(harmless(text))


def _comment(text: str) -> str:
    return " ".join(harmless(text).split())[:300]

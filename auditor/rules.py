"""Rules and baselines: YAML → frozen values, with `file:line` in every error.

The format is described in docs/rule-language.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor import quantities
from auditor.documents import Reader, describe, read_documents
from auditor.errors import PolicyError
from auditor.model import Severity, Unknown

EFFECTS: Final = ("require", "report", "off")
PARAMETER_TYPES: Final = ("duration", "integer", "boolean", "text", "redundancy")
ORDERED: Final = ("atLeast", "atMost", "moreThan", "lessThan")
OPERATORS: Final = ("equals", "notEquals", "in", "notIn", *ORDERED, "exists")
MAPPINGS: Final = ("official", "third-party", "text-based")
STATEMENT_KINDS: Final = ("rule", "advice", "platform", "procedure")
MAX_EXTENDED: Final = 16
NO_RULES: Final = ("baselines", "recovery")
"""Folders beside the rules that hold something else."""
REMEDIATIONS: Final = ("az", "bicep", "azurerm", "caveat")


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Accessor:
    """What a test looks at: `root` is `field`, `parent`, `fact` or `child`; `path` the dotted path, split."""

    root: str
    path: tuple[str, ...] = ()
    child: str | None = None
    fact: str | None = None
    related: str | None = None


class Parameter(NamedTuple):
    """A value a baseline may set. `default` is typed: seconds for a duration, text for a redundancy."""

    name: str
    type: str
    default: Any
    title: str


@dataclass(frozen=True, slots=True)
class ParameterRef:
    """An operand that stands for a parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison. `operand` is a literal, a `ParameterRef` or another `Accessor`."""

    accessor: Accessor
    operator: str
    operand: Any
    unit: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many items of `items` meet `where`, compared with a number; `show` are paths of matching items."""

    items: Accessor
    where: Condition | None
    operator: str
    operand: Any
    show: tuple[Accessor, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Test | Count | AllOf | AnyOf | Not


class Applicability(NamedTuple):
    """A condition that must hold for a rule to apply, and the reason it is not applicable where it does not."""

    condition: Condition
    otherwise: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its file says it. `service` is the folder it stands in.

    `about` names a carried child (`Service.carried`): the rule speaks of the stores that have it, and of no other.
    """

    id: str
    title: str
    service: str
    severity: Severity
    applies_to: tuple[str, ...]
    rationale: str
    parameters: Mapping[str, Parameter]
    when: tuple[Applicability, ...]
    require: Condition
    show: tuple[Accessor, ...]
    remediation: Mapping[str, str]
    references: tuple[tuple[str, str], ...]
    controls: tuple[Mapping[str, str], ...]
    examples: tuple[Mapping[str, Any], ...]
    file: str
    line: int = 1
    about: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a baseline says about one rule. `severity` None keeps the rule's own."""

    effect: str
    severity: Severity | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    when: tuple[Applicability, ...] = ()


class Statement(NamedTuple):
    """A row of the document a baseline stands for; `objectives` where the owner's recovery objectives decide it."""

    id: str
    service: str
    kind: str
    text: str
    note: str
    rules: tuple[str, ...]
    objectives: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """A named expected state."""

    id: str
    title: str
    description: str
    default: str
    rules: Mapping[str, Setting]
    statements: tuple[Statement, ...]
    source: str = ""
    file: str = ""

    def setting(self, rule_id: str) -> Setting:
        """What it says about a rule, named or not."""
        return self.rules.get(rule_id) or Setting(self.default)


class Vocabulary(NamedTuple):
    """The names rules may use; empty collections accept any name."""

    types: Collection[str] = ()
    facts: Collection[str] = ()
    related: Collection[str] = ()
    children: Collection[str] = ()
    carried: Collection[str] = ()


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_rules(folders: Iterable[Path], vocabulary: Vocabulary | None = None) -> dict[str, Rule]:
    """Read every `<service>/<rule-id>.yaml` below the folders; a later folder's rule replaces an earlier one's.

    Raises PolicyError with file and line for the first thing that is wrong.
    """
    rules: dict[str, Rule] = {}
    for folder in folders:
        if not folder.is_dir():
            raise PolicyError("is no folder of rules", file=str(folder))
        files = sorted(p for p in folder.glob("*/*.yaml") if p.parent.name not in NO_RULES)
        for document in read_documents(files):
            rule = _rule(Reader(document), vocabulary or Vocabulary())
            rules[rule.id] = rule
    return rules


def load_baseline(
    name: str,
    folder: Path,
    rules: Mapping[str, Rule],
    vocabulary: Vocabulary | None = None,
    *,
    base: Path | None = None,
) -> Baseline:
    """A shipped baseline by name, or a file by path, with what it extends merged in.

    `base` is the folder a relative `extends` starts from. Raises PolicyError.
    """
    path = _baseline_path(name, folder, base, None)
    return _baseline(path, folder, rules, vocabulary or Vocabulary(), seen=())


def baseline_names(folder: Path) -> list[str]:
    """The names of the shipped baselines."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _baseline(
    path: Path, folder: Path, rules: Mapping[str, Rule], vocabulary: Vocabulary, seen: tuple[Path, ...]
) -> Baseline:
    reader = Reader(read_documents([path])[0])
    body = reader.mapping(
        "", ("id", "title", "description", "extends", "source", "default", "rules", "statements"), ("id", "title")
    )
    parent = None
    if body.get("extends") is not None:
        extended = _baseline_path(reader.text("/extends"), folder, path.parent, reader)
        chain = (*seen, path)
        if any(extended.samefile(one) for one in chain):
            circle = " → ".join(map(str, (*chain, extended)))
            reader.fail("/extends", f"baselines extend each other in a circle: {circle}")
        if len(chain) > MAX_EXTENDED:
            reader.fail("/extends", f"more than {MAX_EXTENDED} baselines extend each other")
        parent = _baseline(extended, folder, rules, vocabulary, chain)
    default = reader.choice("/default", EFFECTS, parent.default if parent else "report")
    settings = dict(parent.rules) if parent else {}
    for rule_id in reader.mapping("/rules", None) if "rules" in body else ():
        rule = rules.get(rule_id)
        if rule is None:
            reader.unknown(f"/rules/{rule_id}", rule_id, rules, "rule")
        settings[rule_id] = _setting(reader, f"/rules/{rule_id}", rule, settings.get(rule_id), default, vocabulary)
    statements = tuple(_statement(reader, f"/statements/{i}", rules) for i in range(reader.length("/statements")))
    return Baseline(
        id=reader.text("/id"),
        title=reader.text("/title"),
        description=reader.text("/description", ""),
        default=default,
        rules=settings,
        statements=statements or (parent.statements if parent else ()),
        source=_source(reader, body),
        file=str(path),
    )


def _source(reader: Reader, body: Mapping[str, Any]) -> str:
    if not isinstance(body.get("source"), Mapping):
        return reader.text("/source", "")
    reader.mapping("/source", ("title", "url", "date"), ("title",))
    parts = (reader.text(f"/source/{key}", "") for key in ("title", "url", "date"))
    return ", ".join(part for part in parts if part)


def _baseline_path(name: str, folder: Path, base: Path | None, reader: Reader | None) -> Path:
    """The file of a baseline that was named to us or, with a reader, by the one that extends it."""
    shipped = folder / f"{name}.yaml"
    if "/" not in name and "\\" not in name and shipped.is_file():
        return shipped
    given = Path(name)
    path = given if given.is_absolute() or base is None else base / given
    if path.is_file():
        return path
    valid = baseline_names(folder)
    near = difflib.get_close_matches(name, valid, 1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    message, hint = (
        f"there is no baseline or file {name!r}{guess}",
        f"Shipped baselines: {', '.join(valid)}; or name a YAML file.",
    )
    if reader is not None:
        reader.document.fail("/extends", message, hint=hint)
    raise PolicyError(message, hint=hint)


# ── from plain values to frozen ones ─────────────────────────────────────────────────────────────────────────────────


_RULE_KEYS: Final = (
    "id",
    "title",
    "severity",
    "applies_to",
    "about",
    "rationale",
    "parameters",
    "when",
    "require",
    "show",
    "remediation",
    "references",
    "controls",
    "examples",
)


def _rule(reader: Reader, vocabulary: Vocabulary) -> Rule:
    reader.mapping("", _RULE_KEYS, ("id", "title", "severity", "applies_to", "rationale", "require", "examples"))
    file = Path(reader.document.file)
    rule_id = reader.text("/id")
    if rule_id != file.stem:
        reader.fail("/id", f"the id {rule_id!r} is not the file's name {file.stem!r}")
    applies = [reader.text(f"/applies_to/{i}") for i in range(reader.length("/applies_to"))]
    if not applies:
        reader.fail("/applies_to", "expected at least one resource type")
    known = {t.casefold() for t in vocabulary.types}
    for index, name in enumerate(applies):
        if known and name.casefold() not in known:
            reader.unknown(f"/applies_to/{index}", name, vocabulary.types, "resource type")
    parameters = _parameters(reader)
    conditions = Conditions(reader, parameters, vocabulary)
    return Rule(
        id=rule_id,
        title=reader.text("/title"),
        service=file.parent.name,
        severity=Severity(reader.choice("/severity", tuple(Severity))),
        applies_to=tuple(applies),
        rationale=reader.text("/rationale"),
        parameters=parameters,
        when=conditions.applicability("/when"),
        require=conditions.condition("/require"),
        show=tuple(
            conditions.accessor(f"/show/{i}", reader.mapping(f"/show/{i}", None)) for i in _range(reader, "/show")
        ),
        remediation=_texts(reader, "/remediation", REMEDIATIONS),
        references=tuple(_reference(reader, f"/references/{i}") for i in _range(reader, "/references")),
        controls=tuple(_control(reader, f"/controls/{i}") for i in _range(reader, "/controls")),
        examples=tuple(_example(reader, f"/examples/{i}", parameters) for i in _range(reader, "/examples")),
        file=reader.document.file,
        about=_about(reader, vocabulary),
    )


def _about(reader: Reader, vocabulary: Vocabulary) -> str:
    """The carried child a rule is about. One that Azure has cannot be: not having been read, it is unknown."""
    name = reader.text("/about", "")
    if name and vocabulary.carried and name not in vocabulary.carried:
        reader.unknown("/about", name, vocabulary.carried, "carried child")
    return name


def _range(reader: Reader, path: str) -> range:
    return range(reader.length(path))


def _texts(reader: Reader, path: str, keys: Collection[str]) -> dict[str, str]:
    if reader.get(path) is None:
        return {}
    return {key: reader.text(f"{path}/{key}") for key in reader.mapping(path, keys)}


def _reference(reader: Reader, path: str) -> tuple[str, str]:
    reader.mapping(path, ("title", "url"), ("title", "url"))
    url = reader.text(f"{path}/url")
    if not url.startswith("https://"):
        reader.fail(f"{path}/url", "a reference's url must begin with https://")
    return reader.text(f"{path}/title"), url


def _control(reader: Reader, path: str) -> Mapping[str, str]:
    reader.mapping(path, ("framework", "id", "mapping", "note"), ("framework", "id", "mapping"))
    reader.choice(f"{path}/mapping", MAPPINGS)
    return {key: str(value) for key, value in reader.mapping(path, None).items()}


def _example(reader: Reader, path: str, parameters: Mapping[str, Parameter]) -> Mapping[str, Any]:
    value = reader.mapping(path, ("name", "outcome", "resource", "parameters"), ("name", "outcome", "resource"))
    reader.text(f"{path}/name")
    reader.choice(f"{path}/outcome", ("pass", "fail", "unknown", "not-applicable"))
    reader.mapping(f"{path}/resource", None)
    given = _overrides(reader, f"{path}/parameters", parameters) if "parameters" in value else {}
    return {**value, "parameters": given, "line": reader.document.lines.get(path, 1)}


def _parameters(reader: Reader) -> dict[str, Parameter]:
    result = {}
    for name in reader.mapping("/parameters", None) if reader.get("/parameters") is not None else ():
        at = f"/parameters/{name}"
        reader.mapping(at, ("type", "default", "title"), ("type", "default"))
        kind = reader.choice(f"{at}/type", PARAMETER_TYPES)
        result[name] = Parameter(name, kind, _typed(reader, f"{at}/default", kind), reader.text(f"{at}/title", name))
    return result


def _typed(reader: Reader, path: str, kind: str) -> Any:
    """A parameter's value in its type: seconds for a duration, the word itself for a redundancy."""
    value = reader.get(path)
    if kind == "duration" and isinstance(value, str):
        try:
            return quantities.parse_duration(value)
        except ValueError as error:
            reader.fail(path, str(error))
    valid = {
        "duration": False,
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "text": isinstance(value, str),
        "redundancy": quantities.parse_redundancy(value) is not None,
    }
    if not valid[kind]:
        examples = {"duration": " such as P30D", "redundancy": " such as LRS, ZRS, GRS or GZRS"}
        reader.fail(path, f"expected a {kind}{examples.get(kind, '')}, found {value!r}")
    return value


def _overrides(reader: Reader, path: str, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    result = {}
    for name in reader.mapping(path, None) if reader.get(path) is not None else ():
        if name not in parameters:
            reader.unknown(f"{path}/{name}", name, parameters, "parameter")
        result[name] = _typed(reader, f"{path}/{name}", parameters[name].type)
    return result


def _setting(
    reader: Reader, path: str, rule: Rule, inherited: Setting | None, default: str, vocabulary: Vocabulary
) -> Setting:
    body = reader.mapping(path, ("effect", "severity", "parameters", "when", "note"))
    base = inherited or Setting("require" if body.keys() - {"effect", "note"} else default)
    severity = Severity(reader.choice(f"{path}/severity", tuple(Severity))) if "severity" in body else base.severity
    conditions = Conditions(reader, rule.parameters, vocabulary)
    further = conditions.applicability(f"{path}/when")
    return replace(
        base,
        effect=reader.choice(f"{path}/effect", EFFECTS, base.effect),
        severity=severity,
        parameters={**base.parameters, **_overrides(reader, f"{path}/parameters", rule.parameters)},
        # What narrows a rule adds up; an empty list says outright that nothing inherited narrows it.
        when=base.when + further if further or "when" not in body else (),
    )


def _statement(reader: Reader, path: str, rules: Mapping[str, Rule]) -> Statement:
    keys = ("id", "service", "kind", "text", "note", "rules", "objectives")
    body = reader.mapping(path, keys, ("id", "service", "kind", "text"))
    ids = [reader.text(f"{path}/rules/{i}") for i in _range(reader, f"{path}/rules")]
    for index, rule_id in enumerate(ids):
        if rule_id not in rules:
            reader.unknown(f"{path}/rules/{index}", rule_id, rules, "rule")
    return Statement(
        id=reader.text(f"{path}/id"),
        service=reader.text(f"{path}/service"),
        kind=reader.choice(f"{path}/kind", STATEMENT_KINDS),
        text=reader.text(f"{path}/text"),
        note=reader.text(f"{path}/note", ""),
        rules=tuple(ids),
        objectives=body.get("objectives") is True,
    )


class Conditions:
    """Reads conditions out of a document."""

    def __init__(self, reader: Reader, parameters: Mapping[str, Parameter], vocabulary: Vocabulary) -> None:
        """Read with a rule's `parameters` (none for conditions outside of rules), and the names of `vocabulary`."""
        self.reader = reader
        self.parameters = parameters
        self.vocabulary = vocabulary

    def applicability(self, path: str) -> tuple[Applicability, ...]:
        """A list of conditions, each with the reason that is given where it does not hold."""
        result = []
        for index in _range(self.reader, path):
            at = f"{path}/{index}"
            self.reader.mapping(at, None, ("otherwise",))
            result.append(Applicability(self.condition(at, ("otherwise",)), self.reader.text(f"{at}/otherwise")))
        return tuple(result)

    def condition(self, path: str, extra: tuple[str, ...] = (), *, item: bool = False) -> Condition:
        """The condition at a path; `extra` keys may stand beside it, and `item` says that it is about an item."""
        body = self.reader.mapping(path, None)
        forms: dict[str, Callable[[], Condition]] = {
            "allOf": lambda: AllOf(self._parts(f"{path}/allOf", item)),
            "anyOf": lambda: AnyOf(self._parts(f"{path}/anyOf", item)),
            "not": lambda: Not(self.condition(f"{path}/not", item=item)),
            "count": lambda: self._count(path, extra, item=item),
        }
        for key, build in forms.items():
            if key in body:
                if key != "count":
                    self.reader.mapping(path, (key, *extra))
                return build()
        return self._test(path, body, extra, item)

    def _parts(self, path: str, item: bool) -> tuple[Condition, ...]:
        count = self.reader.length(path)
        if not count:
            self.reader.fail(path, "expected a list of at least one condition")
        return tuple(self.condition(f"{path}/{index}", item=item) for index in range(count))

    def _operator(self, path: str, body: Mapping[str, Any], allowed: tuple[str, ...]) -> str:
        found = [key for key in body if key in allowed]
        if len(found) != 1:
            what = "one operator" if not found else f"one operator, not {' and '.join(found)}"
            self.reader.fail(path, f"expected {what}; one of {', '.join(allowed)}")
        return found[0]

    def _test(self, path: str, body: Mapping[str, Any], extra: tuple[str, ...], item: bool) -> Test:
        roots = ("field", "fact", "of", "child", "unit", "type", *(("parent",) if item else ()))
        self.reader.mapping(path, (*roots, *OPERATORS, *extra))
        operator = self._operator(path, body, OPERATORS)
        accessor = self.accessor(
            path, {k: v for k, v in body.items() if k in roots and k not in ("unit", "type")}, item=item
        )
        unit = self.reader.choice(f"{path}/unit", tuple(quantities.UNITS)) if "unit" in body else None
        kind = self.reader.choice(f"{path}/type", ("redundancy", "tier")) if "type" in body else None
        if accessor.root == "child" and operator != "exists":
            self.reader.fail(path, "a child without a field can only be tested with 'exists'")
        if operator not in ORDERED and (unit or kind):
            key = "unit" if unit else "type"
            self.reader.fail(f"{path}/{key}", f"{key} goes with one of {', '.join(ORDERED)}, not with {operator}")
        if unit and kind:
            self.reader.fail(f"{path}/type", "a value has a unit or a type, not both")
        operand = self._operand(f"{path}/{operator}", operator, unit, kind, item)
        return Test(accessor, operator, operand, unit, kind)

    def accessor(self, path: str, body: Mapping[str, Any], *, item: bool = False) -> Accessor:
        """What the keys of `body` (field, fact and of, child) point at."""
        reader = self.reader
        for key in body:
            if key not in ("field", "fact", "of", "child", "parent"):
                reader.unknown(f"{path}/{key}", key, ("field", "fact", "of", "child"), "key")
        roots = [key for key in ("field", "fact", "parent") if key in body]
        if len(roots) > 1:
            reader.fail(path, f"expected one of field and fact, not {' and '.join(roots)}")
        if "fact" not in body and "of" in body:
            reader.fail(f"{path}/of", "of goes with a fact")
        if "fact" in body and "child" in body and "of" not in body:
            reader.fail(f"{path}/child", "a fact of a child needs the path of a value: of")
        child = self._child(f"{path}/child", item=item) if "child" in body else None
        if "fact" in body:
            fact = reader.text(f"{path}/fact")
            if self.vocabulary.facts and fact not in self.vocabulary.facts:
                reader.unknown(f"{path}/fact", fact, self.vocabulary.facts, "fact")
            of = self._path(f"{path}/of") if "of" in body else ()
            return Accessor("fact", of, child, fact)
        if item and "parent" in body:
            return Accessor("parent", self._path(f"{path}/parent"))
        if "field" in body:
            return Accessor("field", self._path(f"{path}/field"), child)
        if child is not None:
            return Accessor("child", (), child)
        return reader.fail(path, "expected one of field, fact, child, count, allOf, anyOf, not")

    def _child(self, path: str, *, item: bool = False, collection: bool = False) -> str:
        """The name of a singleton child (`blobServices/default`), or of a collection (`replicas`)."""
        name = self.reader.text(path)
        if item:
            self.reader.fail(path, "an item has no children of its own here; a path starts at the item")
        if self.vocabulary.children and name.casefold() not in {n.casefold() for n in self.vocabulary.children}:
            self.reader.unknown(path, name, self.vocabulary.children, "child")
        if (len(name.split("/")) % 2 == 1) is not collection:
            what = "a collection, which only a count goes through" if not collection else "one child, not a collection"
            self.reader.fail(path, f"{name!r} is {what}")
        return name

    def _path(self, path: str) -> tuple[str, ...]:
        text = self.reader.text(path)
        segments = []
        for part in text.split("."):
            name, star, rest = part.partition("[*]")
            if not name or rest or "[" in name or "]" in name:
                self.reader.fail(path, f"{text!r} is no path such as properties.locations[*].isZoneRedundant")
            segments.append(name)
            if star:
                segments.append("[*]")
        return tuple(segments)

    def _operand(self, path: str, operator: str, unit: str | None, kind: str | None, item: bool) -> Any:
        reader = self.reader
        value = reader.get(path)
        if isinstance(value, Mapping) and operator not in ("exists", "in", "notIn"):
            if "parameter" in value:
                reader.mapping(path, ("parameter",))
                return self._parameter(path, operator, unit, kind)
            reader.mapping(path, ("field", "parent", "child", "parameter"))
            accessor = self.accessor(path, value, item=item)
            if "[*]" in accessor.path or accessor.root == "child":
                reader.fail(path, "an operand is one value: a field without [*]")
            return accessor
        if operator == "exists":
            valid, expected = isinstance(value, bool), "true or false"
        elif operator in ("in", "notIn"):
            plain = isinstance(value, list) and all(isinstance(v, str | int | float | bool) for v in value)
            valid, expected = plain and bool(value), "a list of plain values"
        elif operator in ORDERED and (unit or kind == "tier"):
            return _typed(reader, path, "duration")
        elif operator in ORDERED and kind == "redundancy":
            return _typed(reader, path, "redundancy")
        elif operator in ORDERED:
            valid, expected = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        else:
            valid, expected = isinstance(value, str | int | float | bool), "text, a number or true/false"
        if not valid:
            reader.fail(path, f"{operator} expects {expected}, found {describe(value)}")
        return tuple(value) if isinstance(value, list) else value

    def _parameter(self, path: str, operator: str, unit: str | None, kind: str | None) -> ParameterRef:
        name = self.reader.text(f"{path}/parameter")
        if name not in self.parameters:
            self.reader.unknown(f"{path}/parameter", name, self.parameters, "parameter")
        given = self.parameters[name].type
        if operator in ORDERED:
            wanted = "duration" if unit or kind == "tier" else kind or "integer"
            if given != wanted:
                remedy = " (say the unit of the value)" if given == "duration" else ""
                self.reader.fail(path, f"{operator} compares a {wanted} here, and {name!r} is a {given}{remedy}")
        elif given == "duration":
            self.reader.fail(path, f"{name!r} is a duration; compare it with one of {', '.join(ORDERED)}")
        return ParameterRef(name)

    def _count(self, path: str, extra: tuple[str, ...], *, item: bool = False) -> Count:
        reader = self.reader
        if item:
            reader.fail(f"{path}/count", "a count cannot stand inside the 'where' of another")
        body = reader.mapping(path, ("count", "equals", *ORDERED, *extra))
        operator = self._operator(path, body, ("equals", *ORDERED))
        at = f"{path}/count"
        items = reader.mapping(at, ("field", "child", "related", "where", "show"))
        where = self.condition(f"{at}/where", item=True) if "where" in items else None
        show = tuple(Accessor("field", self._path(f"{at}/show/{index}")) for index in _range(reader, f"{at}/show"))
        operand = self._operand(f"{path}/{operator}", operator, None, None, item=False)
        if isinstance(operand, ParameterRef) and self.parameters[operand.name].type != "integer":
            reader.fail(f"{path}/{operator}", f"a count is compared with an integer, and {operand.name!r} is none")
        if not isinstance(operand, ParameterRef | Accessor) and (
            isinstance(operand, bool) or not isinstance(operand, int)
        ):
            reader.fail(f"{path}/{operator}", f"a count is compared with an integer, found {describe(operand)}")
        return Count(self._items(at, items), where, operator, operand, show)

    def _items(self, at: str, items: Mapping[str, Any]) -> Accessor:
        """What a count goes through."""
        reader = self.reader
        if "related" in items:
            reader.mapping(at, ("related", "where", "show"))
            name = reader.text(f"{at}/related")
            if self.vocabulary.related and name not in self.vocabulary.related:
                reader.unknown(f"{at}/related", name, self.vocabulary.related, "related resource")
            return Accessor("related", related=name)
        if "field" not in items and "child" in items:
            return Accessor("child", (), self._child(f"{at}/child", collection=True))
        accessor = self.accessor(at, {k: v for k, v in items.items() if k in ("field", "child")})
        if accessor.path[-1] != "[*]":
            reader.fail(f"{at}/field", "the field of a count must end in [*]")
        return accessor


def mark_unknowns(value: Any) -> Any:
    """Turn every `{$unknown: reason}` of an example into an `Unknown`, with the values under `$possible`."""
    if isinstance(value, Mapping):
        if "$unknown" in value and value.keys() <= {"$unknown", "$possible"}:
            possible = value.get("$possible") or ()
            return Unknown(str(value["$unknown"]), tuple(mark_unknowns(one) for one in possible))
        return {key: mark_unknowns(item) for key, item in value.items()}
    if isinstance(value, list):
        return [mark_unknowns(item) for item in value]
    return value

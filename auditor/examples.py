"""Runs the examples that rule files carry: each says which outcome a resource must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from auditor.catalog import Catalog
from auditor.engine import Engine, subject_of
from auditor.errors import PolicyError
from auditor.model import Origin, Outcome, Resource, Unknown
from auditor.reading import Estate
from auditor.rules import Baseline, Rule, Setting, mark_unknowns

_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/example/providers"


class ExampleResult(NamedTuple):
    """One example: what it expects, and what the engine made of it."""

    rule: str
    name: str
    expected: Outcome
    actual: Outcome
    message: str
    file: str
    line: int

    @property
    def passed(self) -> bool:
        """True when the rule did what the example says."""
        return self.actual is self.expected


class _ExampleEstate(Estate):
    """Related resources as the example lists them; what it does not list was not read."""

    def __init__(self, catalog: Catalog, related: Mapping[str, Any]) -> None:
        super().__init__(catalog)
        self._related = related

    def related(self, name: str, store: Resource) -> tuple[tuple[Resource, ...], Unknown | None]:
        given = self._related.get(name, Unknown(f"{name} were not read", unseen=True))
        if isinstance(given, Unknown):
            return (), given
        items = [item for item in given if not isinstance(item, Unknown)]
        missing = next((item for item in given if isinstance(item, Unknown)), None)
        made = (_resource(f"{store.id}/{name}/{i}", name, item, store.deployed) for i, item in enumerate(items))
        return tuple(made), missing


def run_examples(rules: Iterable[Rule], catalog: Catalog) -> Iterator[ExampleResult]:
    """Judge every example of the rules, with effect `require` and the rule's own parameters or the example's.

    Raises PolicyError for an example whose resource has not the shape docs/rule-language.md describes.
    """
    for rule in rules:
        for example in rule.examples:
            line = int(example["line"])
            try:
                store, related = _store(rule, example["resource"])
            except (TypeError, ValueError, AttributeError) as error:
                raise PolicyError(f"the example is no resource: {error}", file=rule.file, line=line) from error
            setting = Setting("require", parameters=example["parameters"])
            baseline = Baseline("example", "", "", "require", {rule.id: setting}, ())
            engine = Engine({rule.id: rule}, baseline, catalog, _ExampleEstate(catalog, related))
            found = engine.evaluate(store, subject_of(store))
            if not found:
                message = f"the example has no {rule.about}, so the rule says nothing of it"
                raise PolicyError(message, file=rule.file, line=line)
            finding = found[0]
            expected = Outcome(example["outcome"])
            yield ExampleResult(rule.id, example["name"], expected, finding.outcome, finding.message, rule.file, line)


def _store(rule: Rule, given: Mapping[str, Any]) -> tuple[Resource, Mapping[str, Any]]:
    body = mark_unknowns(given)
    kind = body.pop("type", rule.applies_to[0])
    region = body.pop("region", "westeurope")
    deployed = bool(body.pop("deployed", False))
    version = body.pop("apiVersion", None)
    children = body.pop("children", {})
    related = body.pop("related", {})
    if not isinstance(children, Mapping) or not isinstance(related, Mapping):
        raise TypeError("children and related must be mappings")
    store_id = f"{_GROUP}/{kind}/example"
    made = tuple(
        child for name, item in children.items() for child in _children(store_id, kind, name, item, deployed, version)
    )
    known_region = None if isinstance(region, Unknown) else region
    store = Resource(
        store_id, kind, "example", known_region, body, Origin(rule.file), None, made, version, deployed=deployed
    )
    return store, related


def _children(
    store_id: str, kind: str, name: str, given: Any, deployed: bool, version: str | None
) -> Iterator[Resource]:
    types = "/".join(name.split("/")[::2])
    child_type = f"{kind}/{types}"
    collection = len(name.split("/")) % 2 == 1
    if not collection:
        yield _resource(f"{store_id}/{name}", child_type, given, deployed, version)
        return
    items = given if isinstance(given, list) else []
    for index, item in enumerate(items):
        if not isinstance(item, Unknown):
            yield _resource(f"{store_id}/{name}/{index}", child_type, item, deployed, version)
    missing = given if isinstance(given, Unknown) else next((item for item in items if isinstance(item, Unknown)), None)
    yield Resource(f"{store_id}/{name}/*", child_type, "*", None, missing, Origin(""), deployed=deployed)


def _resource(resource_id: str, kind: str, body: Any, deployed: bool, version: str | None = None) -> Resource:
    name = str(body.get("name", resource_id.rpartition("/")[2])) if isinstance(body, Mapping) else ""
    return Resource(resource_id, kind, name, None, body, Origin(""), api_version=version, deployed=deployed)

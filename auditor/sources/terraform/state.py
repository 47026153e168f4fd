"""Reads states: `terraform show -json` of one, and the file a backend keeps (version 4), as instances.

A state is a copy of what was deployed when Terraform looked last. What it says exists, with an age nobody knows: so its
instances count as deployed, and a default that differs between new and older stores is not taken for theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from auditor.model import Gap, Origin, Unknown
from auditor.sources.terraform.document import Document, DocumentError, mapping
from auditor.sources.terraform.instances import Instance, Provider
from auditor.sources.terraform.marks import MAX_LEVELS, merged
from auditor.sources.terraform.plan import Surroundings
from auditor.sources.terraform.providers import provider_name
from auditor.sources.terraform.references import instance_key

VERSION: Final = 4
"""Of the file a backend keeps, since Terraform 0.12."""

_NO_FEATURES: Final = Unknown("a state does not hold the configuration of its provider", unseen=True)
_SENSITIVE_PATHS: Final = 10_000
"""Sensitive attributes marked in one instance."""
_MARKED_ITEMS: Final = 1_000
"""Items of a list that are marked one by one."""


class State:
    """A state's instances."""

    def __init__(self, document: Document, uri: str, around: Surroundings) -> None:
        """Take a state's document; `uri` is how the report names its file."""
        self._document = document
        self._uri = uri
        self._around = around
        self._providers: dict[str, Provider] = {}
        self.notes: dict[str, int] = {}

    def instances(self) -> Iterator[Instance | Gap]:
        """Every managed resource of Azure's providers in it, and what cannot be told."""
        document = self._document
        try:
            if "values" in document or "version" not in document:
                yield from self._shown()
            elif document.get("version") == VERSION:
                yield from self._kept()
            else:
                version = str(document.get("version"))[:20]
                advice = "`terraform show -json` of a Terraform since 0.12 makes one that is"
                yield self._gap(f"a state file of version {version} is not read; {advice}")
        except DocumentError as error:
            yield self._gap(f"it cannot be read to its end: {error}")

    def _gap(self, reason: str, subject: str = "") -> Gap:
        return Gap(subject or self._uri, reason, Origin(self._uri, expression=subject or None))

    # ── terraform show -json ─────────────────────────────────────────────────────────────────────────────────────────

    def _shown(self) -> Iterator[Instance | Gap]:
        if "values" not in self._document:
            if "format_version" not in self._document:
                yield self._gap("it has no values, no version and no format_version, which every state has")
            return  # a state of nothing has no values
        for resource, line in self._document.resources("values"):
            one = mapping(resource)
            address = one.get("address")
            if one.get("mode") == "data":
                continue
            if not isinstance(address, str) or not isinstance(one.get("type"), str) or one.get("mode") != "managed":
                yield self._gap("one of its resources cannot be told: its address, its type or its mode is missing")
                continue
            values = one.get("values")
            if not one["type"].startswith(("azurerm_", "azapi_")):
                continue
            if not isinstance(values, dict):
                yield self._gap("the values it has are no object", address)
                continue
            deposed = one.get("deposed_key")
            yield Instance(
                address=f"{address} (deposed {str(deposed)[:16]})" if deposed else address,
                type=one["type"],
                provider=self._provider(one.get("provider_name")),
                values=merged(values, {}, one.get("sensitive_values")),
                origin=Origin(self._uri, line, expression=address),
                deployed=True,
            )

    # ── a state file ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _kept(self) -> Iterator[Instance | Gap]:
        if "resources" not in self._document:
            return  # Terraform reads that as a state of nothing, too
        for resource, line in self._document.items("resources"):
            one = mapping(resource)
            kind, name, instances = one.get("type"), one.get("name"), one.get("instances")
            if one.get("mode") == "data":
                continue
            if not isinstance(kind, str) or not isinstance(name, str) or one.get("mode") != "managed":
                yield self._gap("one of its resources cannot be told: its type, its name or its mode is missing")
                continue
            if not kind.startswith(("azurerm_", "azapi_")):
                continue
            module = one.get("module")
            address = f"{module}.{kind}.{name}" if isinstance(module, str) and module else f"{kind}.{name}"
            if not isinstance(instances, list):
                yield self._gap("its instances are no list", address)
                continue
            provider = self._provider(_in_quotes(one.get("provider")))
            for instance in instances:
                yield self._instance(mapping(instance), kind, address, provider, line)

    def _instance(
        self, entry: Mapping[str, Any], kind: str, resource: str, provider: Provider, line: int | None
    ) -> Instance | Gap:
        address = resource + instance_key(entry.get("index_key"))
        values = entry.get("attributes")
        if not isinstance(values, dict):
            flat = isinstance(entry.get("attributes_flat"), dict)
            older = "its attributes are kept as Terraform before 0.12 did, and have not been written anew since"
            return self._gap(older if flat else "its attributes are no object", address)
        deposed = entry.get("deposed")
        return Instance(
            address=f"{address} (deposed {str(deposed)[:16]})" if deposed else address,
            type=kind,
            provider=provider,
            values=merged(_undressed(values), {}, _marks(entry.get("sensitive_attributes"))),
            origin=Origin(self._uri, line, expression=address),
            deployed=True,
        )

    def _provider(self, full_name: Any) -> Provider:
        full = full_name if isinstance(full_name, str) else ""
        if full not in self._providers:
            name, note = provider_name(full)
            if note:
                self.notes[note] = self.notes.get(note, 0) + 1
            self._providers[full] = Provider(name, self._around.majors.get(full.casefold()), _NO_FEATURES)
        return self._providers[full]


def _in_quotes(provider: Any) -> str:
    """The full name in `module.a.provider["registry.terraform.io/hashicorp/azurerm"].west`; the short one of 0.12."""
    text = provider if isinstance(provider, str) else ""
    before, quote, rest = text.partition('["')
    if quote:
        return rest.partition('"]')[0]
    return before.rpartition("provider.")[2].partition(".")[0]


def _marks(paths: Any) -> Any:
    """The paths of sensitive attributes as marks on the values: true where a value is sensitive.

    A path is a list of steps, `{"type": "get_attr", "value": "a"}` or `{"type": "index", "value": {"value": 0, …}}`.
    All that is around a place is marked where a step to it is none of these: an element of a set, or what is not
    understood.
    """
    if not paths:
        return None
    if not isinstance(paths, list) or len(paths) > _SENSITIVE_PATHS:
        return True
    marks: Any = None
    for path in paths:
        steps = [_step(step) for step in path] if isinstance(path, list) else []
        if not steps or not isinstance(steps[0], str):
            return True
        marks = _marked(marks, steps)
    return marks


def _step(step: Any) -> Any:
    value = mapping(step).get("value")
    return value.get("value") if isinstance(value, dict) else value


def _marked(marks: Any, steps: list[Any]) -> Any:
    """Marks with one more place marked; the marks given are written on."""
    if marks is True or not steps or len(steps) > MAX_LEVELS:
        return True
    first, rest = steps[0], steps[1:]
    if isinstance(first, str) and isinstance(marks, dict | None):
        marks = {} if marks is None else marks
        marks[first] = _marked(marks.get(first), rest)
        return marks
    if type(first) is int and 0 <= first < _MARKED_ITEMS and isinstance(marks, list | None):
        marks = [] if marks is None else marks
        marks += [None] * (first + 1 - len(marks))
        marks[first] = _marked(marks[first], rest)
        return marks
    return True


def _undressed(values: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an azapi resource, its body without the type that a state file keeps with it (azapi 2)."""
    body = values.get("body")
    if isinstance(body, dict) and body.keys() == {"value", "type"}:
        return {**values, "body": body["value"]}
    return values

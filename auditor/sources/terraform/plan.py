"""Reads plans: what `terraform show -json` (or `tofu show -json`) makes of a saved plan, as instances.

Three things decide what a missing value means. `after` leaves out what is known after apply only, and `after_unknown`
says so; but it says so too of everything that is left unset and that the provider fills in. What the configuration in
the plan does not mention is unset; unless it is a block that a `dynamic` one may stand for, because those are left out
there (Terraform's own `internal/command/jsonconfig/expression.go`, 2026-11). Then it is unset only where nothing else
can have made it unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from auditor.model import Gap, Origin, Scope, Unknown
from auditor.sources.terraform.document import Document, DocumentError, mapping
from auditor.sources.terraform.instances import Instance, Partly, Provider, Reference
from auditor.sources.terraform.marks import LATER, MAX_LEVELS, Written, any_true, merged
from auditor.sources.terraform.providers import major_of, provider_name
from auditor.sources.terraform.references import (
    Configuration,
    instance_key,
    is_expression,
    module_path,
    references_of,
    without_keys,
)
from auditor.sources.terraform.references import Scope as Place

MAX_PATH: Final = 20
"""Steps of the path of an attribute that forces a replacement."""

ACTIONS: Final[Mapping[tuple[str, ...], str]] = {
    ("no-op",): "none",
    ("create",): "create",
    ("read",): "",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
    ("create", "forget"): "create",
    ("forget", "create"): "create",
}
"""What Terraform's and OpenTofu's lists of actions come to. To forget is to leave it as it is, and out of the state."""

_HIDDEN: Final = Unknown(
    "known after apply: a dynamic block may stand for it, which a plan does not show; the configuration would tell"
)
_DEEP: Final = Unknown("it nests too deep")
_WITHOUT_RELEVANT: Final = frozenset({"0.1", "0.2", "1.0"})
"""The formats before Terraform 1.2, which do not say what a plan rests on (internal/command/jsonplan, 2026-11)."""
_TAKEN_FOR_UNSET: Final = (
    "blocks that are not written count as left out; without the configuration a plan does not show dynamic ones"
)
_NO_CHANGE: Final = Unknown("the plan tells no change of its resource, and so not what is left open in it")


@dataclass(slots=True)
class Surroundings:
    """What stands around a plan: the majors its lock file tells by full name, and where things are written.

    `dynamic` says of a resource in the configuration's own files, by its address without keys, whether a block of this
    name is written as a dynamic one; None where the files do not have the resource. `behind` gives what
    is written behind the reference that one of its attributes begins with, where a plan tells the reference alone: a
    text from a slash on, empty where there is none, None for any other text with a reference in it.
    """

    majors: Mapping[str, int] = field(default_factory=dict)
    dynamic: Callable[[str, str], bool | None] = lambda _address, _block: None
    behind: Callable[[str, str], str | None] = lambda _address, _attribute: ""


class Plan:
    """A plan's instances. `notes` are what the report's scope section should say of it."""

    def __init__(self, document: Document, uri: str, around: Surroundings) -> None:
        """Take a plan's document; `uri` is how the report names its file."""
        self._document = document
        self._uri = uri
        self._around = around
        self._configuration = Configuration(document.get("configuration"))
        self._providers: dict[tuple[str, str], Provider] = {}
        self._hides: bool | None = None
        self.notes: Counter[str] = Counter()

    # ── what it holds ────────────────────────────────────────────────────────────────────────────────────────────────

    def instances(self) -> Iterator[Instance | Gap | Scope]:
        """Everything the plan says of managed resources of Azure's providers, and what it leaves open."""
        yield from self._shortcomings()
        changed: set[str] = set()
        if "resource_changes" in self._document:
            try:
                for change, line in self._document.items("resource_changes"):
                    if isinstance(change, dict) and isinstance(change.get("address"), str):
                        changed.add(change["address"])
                    yield from self._of(change, line)
            except DocumentError as error:
                yield self._gap(f"its resource_changes cannot be read: {error}")
        if "planned_values" in self._document:
            yield from self._unexplained(changed)

    def _shortcomings(self) -> Iterator[Gap]:
        """What the plan itself says is missing from it."""
        document = self._document
        version = str(document.get("format_version"))[:20]
        if not version.startswith(("0.", "1.")):
            yield self._gap(f"its format_version is {version}; 0.1 to 1.x are known, and what else it says is not")
        if "resource_changes" not in document and "planned_values" not in document:
            yield self._gap("it holds neither resource_changes nor planned_values")
        if document.get("errored") is True:
            yield self._gap("planning ended with an error, so that it does not hold everything")
        elif document.get("complete") is False:
            yield self._gap(
                "Terraform calls it incomplete: it was made for some resources only, or leaves some for later"
            )
        if "deferred_changes" not in document:
            return
        try:
            for deferred, _ in document.items("deferred_changes"):
                change = mapping(mapping(deferred).get("resource_change"))
                if change.get("mode") != "data":
                    address = change.get("address")
                    reason = mapping(deferred).get("reason")
                    yield self._gap(f"its change is deferred ({reason})", address if isinstance(address, str) else "")
        except DocumentError as error:
            yield self._gap(f"its deferred_changes cannot be read: {error}")

    def _unexplained(self, changed: set[str]) -> Iterator[Instance | Gap | Scope]:
        """Resources with planned values of which no change is told: what has no value there may be anything."""
        try:
            for resource, line in self._document.resources("planned_values"):
                one = mapping(resource)
                address, kind, values = one.get("address"), one.get("type"), one.get("values")
                told = isinstance(address, str) and address in changed
                if one.get("mode") == "data" or told or not _is_azure(one):
                    continue
                if not (isinstance(address, str) and isinstance(kind, str) and isinstance(values, dict)):
                    yield self._gap("its planned values cannot be read", str(address)[:300])
                    continue
                written = self._configuration.resource(module_path(address), f"{kind}.{one.get('name')}")
                yield Instance(
                    address=address,
                    type=kind,
                    provider=self._provider(one.get("provider_name"), written),
                    values=Partly(merged(values, {}, one.get("sensitive_values")), _NO_CHANGE),
                    origin=Origin(self._uri, line, expression=address),
                )
        except DocumentError as error:
            yield self._gap(f"its planned_values cannot be read: {error}")

    def _gap(self, reason: str, subject: str = "") -> Gap:
        origin = Origin(self._uri, expression=subject or None)
        return Gap(subject or self._uri, reason, origin)

    # ── one change ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _of(self, entry: Any, line: int | None) -> Iterator[Instance | Gap | Scope]:
        if not isinstance(entry, dict):
            yield self._gap("one of its resource_changes is no object")
            return
        if entry.get("mode") == "data":
            return
        address, kind = entry.get("address"), entry.get("type")
        if not isinstance(address, str) or not address:
            yield self._gap("one of its resource_changes has no address")
            return
        if not isinstance(kind, str) or entry.get("mode") != "managed":
            yield self._gap("what it is cannot be told: its type or its mode is missing", address)
            return
        if not _is_azure(entry):
            return
        change = mapping(entry.get("change"))
        action = _action(change.get("actions"))
        if action is None:
            yield self._gap("what is done with it cannot be told: its actions are none that are known", address)
        elif action == "forget":
            state = "leaves Terraform's management and stays as it is; not judged"
            yield Scope(address, "resource", "", state)
        elif action:
            yield self._instance(entry, change, action, Origin(self._uri, line, expression=address))

    def _instance(
        self, entry: Mapping[str, Any], change: Mapping[str, Any], action: str, origin: Origin
    ) -> Instance | Gap:
        address: str = entry["address"]
        deposed = entry.get("deposed")
        gone = action == "delete"
        values = change.get("before" if gone else "after")
        if not isinstance(values, dict):
            return self._gap("the values it has are no object", address)
        module = module_path(address)
        written = self._configuration.resource(module, f"{entry['type']}.{entry.get('name')}")
        key = instance_key(entry.get("index"))
        if gone:
            found = merged(values, {}, change.get("before_sensitive"))
        else:
            place = Place(module, key, tuple(references_of(mapping(written).get("for_each_expression"))))
            expressions = None if written is None else mapping(written.get("expressions"))
            new = change.get("before") is None or action == "replace"
            of = Written(expressions, place, new, without_keys(address))
            unknown = change.get("after_unknown")
            if not isinstance(unknown, dict):
                return self._gap("what of it is known after apply only is not told", address)
            found = merged(values, unknown, change.get("after_sensitive"), of, self._undecided)
        return Instance(
            address=f"{address} (deposed {str(deposed)[:16]})" if deposed else address,
            type=entry["type"],
            provider=self._provider(entry.get("provider_name"), written),
            values=found,
            origin=origin,
            action=action,
            forced_by=_forced_by(change.get("replace_paths")) if action == "replace" else (),
        )

    # ── what is not known ────────────────────────────────────────────────────────────────────────────────────────────

    def _undecided(self, name: str, written: Written) -> Unknown | None:
        """What an attribute is that is unknown as a whole, or what may be a block: unset (None), or an Unknown."""
        if written.expressions is None:
            return LATER
        if name not in written.expressions:
            # An update keeps what is there of what is left unset, so that this is something else.
            if not written.new:
                return LATER
            return _HIDDEN if self._may_be_dynamic(name, written.address) else None
        expression = written.expressions[name]
        if not is_expression(expression):
            return LATER
        if "constant_value" in expression:
            return None if expression["constant_value"] is None else LATER
        references = references_of(expression)
        # Nothing that is known makes it unknown but null, which leaves it unset.
        if written.new and references and self._configuration.trace(references, written.place).known:
            return None
        found = self._configuration.unknown(references, written.place)
        behind = self._around.behind(written.address, name)
        if behind == "" or not isinstance(found, Reference):
            return found
        return Unknown(found.reason) if behind is None or found.attribute != "id" else replace(found, below=behind)

    def _may_be_dynamic(self, name: str, address: str) -> bool:
        told = self._around.dynamic(address, name)
        if told is not None:
            return told
        if self._hides is None:
            self._hides = self._hides_something()
        return self._hides

    def _hides_something(self) -> bool:
        """Whether something that is not known goes into the plan by ways the configuration in it does not show.

        `relevant_attributes` lists all attributes of resources that anything in the plan rests on, dynamic blocks
        included; where it rests on none, there is no list. What is used where it shows counts as explained, although a
        dynamic block may use it besides.
        """
        listed = self._document.get("relevant_attributes")
        if listed is None and str(self._document.get("format_version")) not in _WITHOUT_RELEVANT:
            return False
        if not isinstance(listed, list):
            return True
        if listed:
            self.notes[_TAKEN_FOR_UNSET] += 1
        shown = self._configuration.uses()
        whole = {address for address, attribute in shown if not attribute}
        hidden: set[tuple[str, str]] = set()
        for one in listed:
            path = mapping(one).get("attribute")
            address = without_keys(str(mapping(one).get("resource")))
            attribute = path[0] if isinstance(path, list) and path and isinstance(path[0], str) else ""
            seen = (address, attribute) in shown or address in whole
            if not seen and not (attribute == "" and any(address == other for other, _ in shown)):
                hidden.add((address, attribute))
        return bool(hidden) and self._is_unknown(hidden)

    def _is_unknown(self, attributes: set[tuple[str, str]]) -> bool:
        """Whether any of these attributes, of resources without their keys, is known after apply only."""
        by_address: dict[str, set[str]] = {}
        for address, attribute in attributes:
            by_address.setdefault(address, set()).add(attribute)
        for entry, _ in self._document.items("resource_changes"):
            wanted = by_address.get(without_keys(str(mapping(entry).get("address"))))
            if wanted:
                unknown = mapping(mapping(entry).get("change")).get("after_unknown")
                if any(any_true(mapping(unknown).get(name) if name else unknown, 0) for name in wanted):
                    return True
        return False

    # ── providers ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _provider(self, full_name: Any, written: Mapping[str, Any] | None) -> Provider:
        full = full_name if isinstance(full_name, str) else ""
        key = mapping(written).get("provider_config_key")
        known = (full, key if isinstance(key, str) else "")
        found = self._providers.get(known)
        if found is None:
            name, note = provider_name(full)
            if note:
                self.notes[note] += 1
            found = self._providers[known] = Provider(name, self._major(full, name), self._features(known[1], name))
        return found

    def _major(self, full: str, name: str) -> int | None:
        locked = self._around.majors.get(full.casefold())
        if locked is not None:
            return locked
        constraints = [
            constraint
            for provider in self._configuration.providers.values()
            if mapping(provider).get("full_name", full) == full
            and mapping(provider).get("name") == name
            and isinstance(constraint := mapping(provider).get("version_constraint"), str)
        ]
        return major_of(constraints)

    def _features(self, key: str, name: str) -> Mapping[str, Any] | Unknown:
        """The `features` block of the provider's configuration that a resource uses."""
        configured = {
            at: one
            for at, one in self._configuration.providers.items()
            if mapping(one).get("name") == name and "expressions" in one
        }
        # Before Terraform 1.1 a resource of a module names its own module's configuration, which it seldom has.
        provider = configured.get(key) or (next(iter(configured.values())) if len(configured) == 1 else None)
        if provider is None:
            return Unknown("the plan does not show the configuration of its provider")
        blocks = mapping(provider["expressions"]).get("features")
        if isinstance(blocks, list) and len(blocks) == 1 and isinstance(blocks[0], dict):
            return {at: _literal(one, 0) for at, one in blocks[0].items()}
        return Unknown("the plan does not show the features block of its provider") if name == "azurerm" else {}


def _literal(written: Any, depth: int) -> Any:
    """Blocks and attributes as they are written; of an expression a plan shows names only, so that it is unknown."""
    if depth > MAX_LEVELS:
        return _DEEP
    if isinstance(written, list):
        return [_literal(one, depth + 1) for one in written]
    if is_expression(written):
        if "constant_value" in written:
            return written["constant_value"]
        named = ", ".join(references_of(written))[:100]
        return Unknown(
            f"the plan does not show what is made of {named}" if named else "the plan does not show its value"
        )
    return {name: _literal(one, depth + 1) for name, one in mapping(written).items()}


def _is_azure(entry: Mapping[str, Any]) -> bool:
    kind = entry.get("type")
    return not isinstance(kind, str) or kind.startswith(("azurerm_", "azapi_"))


def _action(actions: Any) -> str | None:
    if not isinstance(actions, list) or not all(isinstance(one, str) for one in actions):
        return None
    return ACTIONS.get(tuple(actions))


def _forced_by(paths: Any) -> tuple[str, ...]:
    """The attributes that force a replacement: `blob_properties[0].versioning_enabled`."""
    found: dict[str, None] = {}
    for path in paths if isinstance(paths, list) else ():
        text = ""
        for step in path[:MAX_PATH] if isinstance(path, list) else ():
            if isinstance(step, str):
                text += f".{step}" if text else step
            elif isinstance(step, int):
                text += f"[{step}]"
        if text:
            found[text[:300]] = None
    return tuple(found)

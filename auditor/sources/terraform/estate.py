"""From the instances of Terraform's resources to records: stores with their parts, what speaks about them, the gaps.

The services' tables say how attributes become ARM's; here instances find the store they are a part of, by reference, id
or name. Where it is not known whose a part is, the settings it makes are unknown for every store it may belong to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from auditor.model import (
    Catalog,
    ChildCall,
    Gap,
    Listing,
    Origin,
    Record,
    Resource,
    ResourceMap,
    Scope,
    Unknown,
    ancestors,
)
from auditor.services import appconfig, backup, cosmosdb, keyvault, storage
from auditor.services.terraform import ARM_PARTS, PARTS, lifecycle_of
from auditor.sources.terraform import azapi
from auditor.sources.terraform.instances import Instance, Reference
from auditor.sources.terraform.shape import OWN, Maps, Shape, alternatives, blurred, overlay, plain

NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
MAX_CANDIDATES: Final = 16
"""Stores that are told apart where a part may be that of any of them; beyond it, it may be that of every store."""
MAX_STRAYS: Final = 16
"""Parts of nobody knows which store whose values are kept as what a setting can be."""

_HOLE: Final = re.compile(r"\{(\w+)\}")
_KEY: Final = re.compile(r'\[(?:"(?:[^"\\]|\\.)*+"|[0-9]+)\]\Z')
_GROUP: Final = "azurerm_resource_group"
# What is destroyed with a store (`PARTS`) names it by one of these.
_STORE_OF: Final[Mapping[str, str]] = {
    "storage_account_id": storage.ACCOUNT,
    "storage_account_name": storage.ACCOUNT,
    "account_name": cosmosdb.ACCOUNT,
    "cassandra_keyspace_id": cosmosdb.ACCOUNT,
    "key_vault_id": keyvault.VAULT,
    "configuration_store_id": appconfig.STORE,
    "vault_id": backup.BACKUP_VAULT,
    "data_protection_backup_vault_id": backup.BACKUP_VAULT,
    "recovery_vault_name": backup.RECOVERY_VAULT,
}


def records(
    instances: Iterable[Instance | Gap | Scope],
    gaps: Iterable[Gap],
    catalog: Catalog,
    subscription: str = "",
    ignored: Counter[str] | None = None,
) -> Iterator[Record]:
    """Everything that rules look at, stores first; then what is not there to be looked at.

    `gaps`, and those among the instances, may hide what is not declared elsewhere; they are gone through when the
    instances are. `subscription` stands in ids that are not known yet. `ignored` counts the attributes that no table
    knows, with the type before them.
    """
    estate = _Estate(catalog, subscription or NO_SUBSCRIPTION)
    beside: list[Gap | Scope] = []
    for one in instances:
        if isinstance(one, Instance):
            estate.add(one, ignored)
        else:
            beside.append(one)
    beside += gaps
    yield from estate.records([one for one in beside if isinstance(one, Gap)])
    yield from beside


@dataclass(slots=True, eq=False)
class _Item:
    """An instance of which ARM has something. `table` is None for azapi, whose bodies are ARM's already.

    `id` and `name` may hold made-up parts, in braces, which name things consistently; `known` and `named` say that
    they do not. `parts` are the instances merged into a store or standing below it, with why it is not certain that
    they do; `lost` what is destroyed of it.
    """

    instance: Instance
    kind: str
    table: ResourceMap | None
    id: str = ""
    known: bool = False
    name: str = ""
    named: bool = False
    shape: Shape | None = None
    parts: list[tuple[_Item, str]] = field(default_factory=list)
    lost: list[Instance | Unknown] = field(default_factory=list)

    @property
    def gone(self) -> bool:
        """Whether the plan destroys it."""
        return self.instance.action == "delete"

    @property
    def place(self) -> str:
        """Its address, as a part of an id."""
        return self.instance.address.replace("/", "_")


class _Estate:
    """All instances of one plan, state or configuration, until they can be joined."""

    def __init__(self, catalog: Catalog, subscription: str) -> None:
        self._subscription = subscription
        self._maps = Maps(table for service in catalog.services for table in service.terraform)
        self._store_types = catalog.store_types()
        self._calls: dict[str, list[ChildCall]] = {}
        self._below: dict[str, ChildCall] = {}
        for call in (call for service in catalog.services for call in service.children):
            self._calls.setdefault(call.parent_type.casefold(), []).append(call)
            self._below[call.type.casefold()] = call
        self._related = tuple({one.name: one for service in catalog.services for one in service.related}.values())
        self._beside = {name.casefold() for related in self._related for name in related.types}
        names = [name for service in catalog.services for name in service.store_types]
        names += [call.type for call in self._below.values()]
        names += [name for related in self._related for name in related.types]
        self._names = {name.casefold(): name for name in names}
        self._by_address: dict[str, _Item] = {}
        self._by_resource: dict[str, list[_Item]] = {}
        self._stores: dict[str, list[_Item]] = {}
        self._parts: list[_Item] = []
        self._items: list[_Item] = []
        self._lost: list[_Item] = []
        self._ids: dict[str, _Item] = {}
        self._tails: dict[str, _Item] = {}
        # Parts that may be those of any store of a type, and why, by the store's type.
        self._strays: dict[str, list[tuple[_Item, str]]] = {}
        self._perhaps_lost: dict[str, Unknown] = {}
        self._merged: dict[str, dict[str, tuple[str, Any, str]]] = {}

    # ── taking instances in ──────────────────────────────────────────────────────────────────────────────────────────

    def add(self, instance: Instance, ignored: Counter[str] | None) -> None:
        """Take an instance in when any rule looks at what it makes, or when others may refer to it."""
        if instance.action == "forget":
            return
        table = self._maps.by_type.get(instance.type)
        if ignored is not None:
            ignored.update(f"{instance.type}.{path}" for path in self._maps.ignored(instance))
        arm = table.arm if table is not None else azapi.kind_of(instance)
        kind = self._names.get(arm.casefold(), arm)
        item = _Item(instance, kind, table)
        destroyed = instance.action in ("delete", "replace") or isinstance(instance.action, Unknown)
        if destroyed and (instance.type in PARTS or kind.casefold() in ARM_PARTS):
            self._lost.append(item)
        if not kind:
            return
        self._by_address[instance.address] = item
        self._by_resource.setdefault(_KEY.sub("", instance.address), []).append(item)
        folded = kind.casefold()
        owned = bool(table.owner) if table is not None else instance.type == azapi.UPDATE
        if folded in self._store_types and not owned:
            self._stores.setdefault(folded, []).append(item)
        elif item.gone:
            return
        elif owned or folded in self._below:
            self._parts.append(item)
        elif folded in self._beside:
            self._items.append(item)

    # ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _identify(self) -> None:
        """Give every store an id of its own; what a plan destroys yields to what stays."""
        stores = [item for items in self._stores.values() for item in items]
        for item in sorted(stores, key=lambda item: item.gone):
            base = self._id(item).casefold()
            count = 1
            while (key := base if count == 1 else f"{base} ({count})") in self._ids:
                count += 1
            if count > 1:
                item.id, item.known = f"{item.id} ({count})", False
            self._ids[key] = item
            mark = f"/subscriptions/{NO_SUBSCRIPTION}/"
            if base.startswith(mark):
                self._tails[key.removeprefix(mark)] = item

    def _id(self, item: _Item) -> str:
        """The ARM id of an instance, with made-up parts for what is not known of it."""
        if item.id:
            return item.id
        values = item.instance.values
        item.id = f"{{{item.place}}}"
        known = self._text(values.get("name"), item)
        item.name, item.named = known if known is not None and "/" not in known[0] else (item.id, False)
        written = values.get("id")
        if isinstance(written, str) and written.startswith("/"):
            item.id, item.known = written.rstrip("/"), True
        elif item.table is None:
            item.id, item.known = self._azapi_id(item)
        else:
            item.id, item.known = self._filled(item, item.table.id)
        return item.id

    def _filled(self, item: _Item, template: str) -> tuple[str, bool]:
        """An id from a table's template; the address alone where what it starts with is not known."""
        parts = _HOLE.split(template)
        text = parts[0]
        known = True
        for name, literal in zip(parts[1::2], parts[2::2], strict=True):
            value, sure = self._hole(item, name)
            if not value and not text:
                return f"{{{item.place}}}", False
            text += (value or f"{{{item.place}.{name}}}") + literal
            known = known and sure
        return text, known

    def _hole(self, item: _Item, name: str) -> tuple[str, bool]:
        match name:
            case "address":
                return f"{{{item.place}}}", False
            case "group":
                return self._group(item)
            case "name":
                return item.name, item.named
            case "owner":
                owners, doubt = self._owners(item)
                return ("", False) if doubt or len(owners) != 1 else (self._id(owners[0]), owners[0].known)
        text = self._text(item.instance.values.get(name), item)
        return ("", False) if text is None else (text[0].rstrip("/"), text[1])

    def _group(self, item: _Item) -> tuple[str, bool]:
        """The id of the resource group an instance is in, or of the group it is."""
        base = f"/subscriptions/{self._subscription}/resourceGroups/"
        sure = self._subscription != NO_SUBSCRIPTION
        if item.instance.type == _GROUP:
            return base + (item.name if item.named else f"{{{item.place}.name}}"), sure and item.named
        value = item.instance.values.get("resource_group_name")
        if isinstance(value, Reference):
            found, certain = self._referred(value, item)
            if certain and found[0].instance.type == _GROUP:
                return self._id(found[0]), found[0].known
        text = self._text(value, item)
        if text is None or "/" in text[0]:
            return f"{base}{{{item.place}.resource_group_name}}", False
        return base + text[0], sure and text[1]

    def _azapi_id(self, item: _Item) -> tuple[str, bool]:
        """The id of an azapi resource: below its parent, or that of the resource it updates."""
        values = item.instance.values
        target = self._text(values.get("resource_id"), item)
        if target is not None:
            return target[0].rstrip("/"), target[1]
        parent = self._text(values.get("parent_id"), item)
        if parent is None:
            return f"{{{item.place}}}", False
        return azapi.id_below(parent[0].rstrip("/"), item.kind, item.name), parent[1] and item.named

    # ── references ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _referred(self, reference: Reference, item: _Item) -> tuple[list[_Item], bool]:
        """The instances a reference can mean, and whether it is sure to be the first."""
        resource = _KEY.sub("", reference.address)
        address = reference.address
        if reference.keyed:
            key = _KEY.search(item.instance.address)
            address = resource + (key[0] if key else "")
        exact = self._by_address.get(address)
        if exact is not None:
            return [exact], True
        found = self._by_resource.get(resource, [])
        return found, len(found) == 1 and reference.address == resource and not reference.keyed

    def _text(self, value: Any, item: _Item) -> tuple[str, bool] | None:
        """A text, and whether all of it is known; a reference gives the id or another attribute of what it means."""
        if isinstance(value, str):
            return (value, True) if value else None
        if not isinstance(value, Reference):
            return None
        found, sure = self._referred(value, item)
        if not sure:
            return None
        target = found[0]
        if value.attribute in ("id", ""):
            return self._id(target), target.known
        if value.attribute == "name":
            self._id(target)
            return target.name, target.named
        text = target.instance.values.get(value.attribute)
        return (text, True) if isinstance(text, str) and text else None

    # ── whose a part is ──────────────────────────────────────────────────────────────────────────────────────────────

    def _owners(self, item: _Item) -> tuple[list[_Item], str]:
        """The stores an instance may be a part of, and why it is not certain that it is."""
        kind, value = self._owner(item)
        stores = self._stores.get(kind.casefold(), [])
        if isinstance(value, Reference):
            found, sure = self._referred(value, item)
            if sure:
                if found[0] in stores:
                    return found, ""
                value = self._id(found[0])
            elif found:
                mine = [one for one in found if one in stores]
                return mine or stores, f"it is not known which of {value.address} {_where(item)} is for"
        if isinstance(value, str) and value:
            return self._called(stores, kind, value, item)
        reason = value.reason if isinstance(value, Unknown) else "nothing names it"
        return stores, f"it is not known whose {_where(item)} is: {reason}"

    def _owner(self, item: _Item) -> tuple[str, Any]:
        """The type of the store an instance is a part of, and what names it."""
        values = item.instance.values
        folded = item.kind.casefold()
        kind = max((one for one in self._store_types if f"{folded}/".startswith(f"{one}/")), key=len, default="")
        names = item.table.owner.split() if item.table is not None else list(PARTS.get(item.instance.type, ()))
        if names:
            name = next((name for name in names if name in values and values[name]), names[0])
            return kind or _STORE_OF[name], values.get(name)
        if item.instance.type == azapi.UPDATE and values.get("resource_id"):
            return kind, values["resource_id"]
        if folded == kind:
            return kind, self._id(item) if values.get("parent_id") and item.named else values.get("name")
        return kind, values.get("parent_id")

    def _called(self, stores: list[_Item], kind: str, text: str, item: _Item) -> tuple[list[_Item], str]:
        """The store with an id (or an id below it) or a name; those that may be it where that cannot be told."""
        doubt = f"it is not known whether {_where(item)} is for this one"
        if "/" in text:
            for scope in ancestors(text):
                owner = self._ids.get(scope) or self._tails.get(scope.partition("/subscriptions/")[2].partition("/")[2])
                if owner is not None and owner.kind.casefold() == kind.casefold():
                    return [owner], ""
            name = text.casefold().partition(f"/{kind.casefold()}/")[2].partition("/")[0]
            return [one for one in stores if not one.known and name in ("", one.name.casefold())] + [
                one for one in stores if name and not one.named
            ], doubt
        same = [one for one in stores if one.named and one.name.casefold() == text.casefold()]
        if len(same) == 1:
            return same, ""
        return same or [one for one in stores if not one.named], doubt

    def _assign(self) -> None:
        """Give every part to the store, or the stores, it may belong to."""
        for part in self._parts:
            owners, doubt = self._owners(part)
            if doubt and len(owners) > MAX_CANDIDATES:
                self._strays.setdefault(owners[0].kind.casefold(), []).append((part, doubt))
                continue
            for owner in owners:
                owner.parts.append((part, doubt))
        for part in self._lost:
            owners, doubt = self._owners(part)
            if doubt and len(owners) > MAX_CANDIDATES:
                self._perhaps_lost.setdefault(owners[0].kind.casefold(), Unknown(doubt))
                continue
            for owner in owners:
                owner.lost.append(Unknown(doubt) if doubt else part.instance)

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def records(self, gaps: list[Gap]) -> Iterator[Record]:
        """The stores with their parts, what speaks about them, and what was read whole."""
        self._identify()
        self._assign()
        missing = _hidden(gaps)
        for items in self._stores.values():
            for item in items:
                yield self._destroyed(item) if item.gone else self._store(item, missing)
        below = {
            id(part) for items in self._stores.values() for item in items for part, doubt in item.parts if not doubt
        }
        for item in (*self._items, *self._parts):
            if item.kind.casefold() in self._beside and id(item) not in below:
                yield self._alone(item, None)
        if missing is None:
            yield from self._listings()

    def _listings(self) -> Iterator[Listing]:
        """Where backup vaults are declared, a store none of them protects is known to have no backup."""
        stores = [item for items in self._stores.values() for item in items if not item.gone]
        kinds = {item.kind.casefold() for item in stores}
        scopes = dict.fromkeys(list(ancestors(item.id))[-1] for item in stores)
        for related in self._related:
            listed = [name.casefold() for name in related.listed]
            if kinds.isdisjoint(listed) or not all(name in self._store_types for name in listed):
                continue
            note = "as far as Terraform's resources tell"
            yield from (Listing(scope, name, note=note) for scope in scopes for name in related.listed)

    def _destroyed(self, item: _Item) -> Resource:
        """A store that will not be there: nothing but what Terraform does to it."""
        region = item.instance.values.get("location")
        place = region if isinstance(region, str) else None
        return Resource(item.id, item.kind, item.name, place, None, item.instance.origin, None, (self._fate(item),))

    def _shape(self, item: _Item, *, made_up: bool, mark: bool = False) -> Shape:
        """What an instance says; with `made_up` ids may hold parts that are not known, so that they join."""
        if item.shape is None:

            def resolve(reference: Reference) -> Any:
                text = self._text(reference, item)
                return plain(reference) if text is None or not (text[1] or made_up) else text[0]

            if item.table is None:
                item.shape = azapi.shape(item.instance, resolve)
            else:
                item.shape = self._maps.shape(item.instance, resolve, mark=mark)
        return item.shape

    def _store(self, item: _Item, missing: Unknown | None) -> Resource:
        instance = item.instance
        shape = self._shape(item, made_up=False)
        many = self._with_parts(item, shape)
        body = shape.bodies.get(OWN, {})
        region = body.get("location") if isinstance(body, dict) else instance.values.get("location")
        if isinstance(body, dict):
            name = item.name if item.named else Unknown("the name is not known yet")
            body = {"name": name, "type": item.kind, **body}
        version = azapi.version_of(instance)
        children: list[Resource] = []
        for call in self._calls.get(item.kind.casefold(), ()):
            skipped = call.skip(body if isinstance(body, dict) else {}) if call.skip is not None else ""
            nothing = Unknown(skipped, unseen=True) if skipped else missing
            if call.collection:
                children += self._many(item, call, shape, many.get(call.type.casefold(), []), nothing)
            else:
                path = call.path.strip("/")
                place = shape.places.get(path, instance.origin)
                said = shape.bodies.get(path, nothing)
                children.append(self._child(item, call, path, said, place, shape.origins.get(path), version))
        children.append(self._fate(item))
        return Resource(
            item.id,
            item.kind,
            item.name,
            region if isinstance(region, str) and region else None,
            body,
            instance.origin,
            None,
            tuple(children),
            version,
            instance.deployed,
            instance.condition,
            shape.origins.get(OWN, {}),
        )

    def _fate(self, item: _Item) -> Resource:
        """The child that says what Terraform does to a store."""
        perhaps = self._perhaps_lost.get(item.kind.casefold())
        lost = item.lost if perhaps is None else [*item.lost, perhaps]
        return lifecycle_of(item.id, item.kind, item.instance, lost)

    def _with_parts(self, item: _Item, shape: Shape) -> dict[str, list[tuple[_Item, str]]]:
        """Lay what parts say over a store; give those that are children of their own, by type."""
        many: dict[str, list[tuple[_Item, str]]] = {}
        for part, doubt in item.parts:
            folded = part.kind.casefold()
            call = self._below.get(folded)
            if call is not None and call.collection:
                many.setdefault(folded, []).append((part, doubt))
            elif call is not None or folded == item.kind.casefold():
                self._lay(shape, OWN if call is None else call.path.strip("/"), part, doubt or _undecided(part, item))
        for folded, (label, said, doubt) in self._stray(item.kind).items():
            if said is None:
                many.setdefault(folded, []).append((item, doubt))
            else:
                before = shape.bodies.get(label)
                shape.bodies[label] = alternatives([before, overlay(before, said)], Unknown(doubt))
        return many

    def _lay(self, shape: Shape, label: str, part: _Item, doubt: str) -> None:
        """Lay what a part says over what its store, or a child of it, says without it."""
        said = self._shape(part, made_up=True, mark=True)
        before = shape.bodies.get(label)
        after = overlay(before, said.bodies.get(OWN, {}))
        shape.bodies[label] = alternatives([before, after], Unknown(doubt)) if doubt else after
        shape.origins.setdefault(label, {}).update(said.origins.get(OWN, {}))
        if before is None:
            shape.places[label] = part.instance.origin

    def _stray(self, kind: str) -> Mapping[str, tuple[str, Any, str]]:
        """What stray parts may say of any store of a type, by their own type.

        Each with the label of the body it is about, all that it can say (None for children that are listed), and why.
        """
        known = self._merged.get(kind)
        if known is None:
            known = self._merged[kind] = {}
            bodies: dict[str, list[Any]] = {}
            for part, doubt in self._strays.get(kind.casefold(), ()):
                folded = part.kind.casefold()
                call = self._below.get(folded)
                if call is not None and call.collection:
                    known[folded] = ("", None, doubt)
                elif call is not None or folded == kind.casefold():
                    said = bodies.setdefault(folded, [])
                    said.append(self._shape(part, made_up=True, mark=True).bodies.get(OWN, {}))
                    label = OWN if call is None else call.path.strip("/")
                    known[folded] = (label, None, doubt)
            for folded, said in bodies.items():
                label, _, doubt = known[folded]
                reason = Unknown(doubt)
                merge = alternatives if len(said) <= MAX_STRAYS else blurred
                known[folded] = (label, merge(said, reason), doubt)
        return known

    def _many(
        self,
        item: _Item,
        call: ChildCall,
        shape: Shape,
        parts: list[tuple[_Item, str]],
        nothing: Unknown | None,
    ) -> Iterator[Resource]:
        """The children of a collection, and how it ends: with nothing more, or with what may be missing."""
        path = call.path.strip("/")
        listed = shape.lists.get(path, [])
        doubt = next((doubt for _, doubt in parts if doubt), "")
        end = nothing or (Unknown(doubt) if doubt else None)
        if isinstance(listed, Unknown):
            end = nothing or listed
        else:
            for index, one in enumerate(listed):
                body = one.bodies.get(OWN, {})
                name = body.get("name")
                name = name if isinstance(name, str) and "/" not in name else f"{{{index}}}"
                place = one.places.get(OWN, item.instance.origin)
                yield self._child(item, call, f"{path}/{name}", body, place, one.origins.get(OWN))
        yield from (self._alone(part, item) for part, unsure in parts if not unsure)
        yield self._child(item, call, f"{path}/*", end, item.instance.origin)

    @staticmethod
    def _child(
        item: _Item,
        call: ChildCall,
        path: str,
        body: Any,
        place: Origin,
        origins: Mapping[str, Origin] | None = None,
        version: str | None = None,
    ) -> Resource:
        return Resource(
            f"{item.id}/{path}",
            call.type,
            path.rpartition("/")[2],
            None,
            body,
            place,
            item.id,
            (),
            version,
            item.instance.deployed,
            origins=origins or {},
        )

    def _alone(self, item: _Item, parent: _Item | None) -> Resource:
        """A lock, a backup instance, a share: what is a resource of its own, also below a store."""
        shape = self._shape(item, made_up=True)
        body = shape.bodies.get(OWN, {})
        return Resource(
            self._id(item),
            item.kind,
            item.name,
            None,
            body,
            item.instance.origin,
            None if parent is None else parent.id,
            (),
            azapi.version_of(item.instance),
            item.instance.deployed,
            item.instance.condition,
            shape.origins.get(OWN, {}),
        )


def _where(item: _Item) -> str:
    return item.instance.address[:200]


def _undecided(part: _Item, store: _Item) -> str:
    """Why a part may not be there although its store is: a condition that is not the store's own."""
    condition = part.instance.condition
    module = part.instance.address.partition(part.instance.type)[0]
    if condition is None or (
        condition == store.instance.condition and module == store.instance.address.partition(store.instance.type)[0]
    ):
        return ""
    return f"{_where(part)} stands under a condition that is not decided: {condition}"


def _hidden(gaps: list[Gap]) -> Unknown | None:
    """Why what is not declared may be declared where it could not be read."""
    if not gaps:
        return None
    origin = gaps[0].origin
    where = f"{origin.uri}:{origin.line}" if origin.line else origin.uri
    return Unknown(f"it is not declared where it could be read, and {where} could not be read whole")

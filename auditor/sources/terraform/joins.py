"""Which instance is which of ARM's resources: ids, references, and the store that a part belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from auditor.catalog import Catalog, ChildCall, ResourceMap
from auditor.model import Unknown, ancestors
from auditor.services import appconfig, backup, cosmosdb, keyvault, storage
from auditor.services.terraform import ARM_PARTS, PARTS
from auditor.sources.terraform import azapi
from auditor.sources.terraform.instances import Instance, Reference
from auditor.sources.terraform.shape import Resolve, Shape, plain

NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
MAX_CANDIDATES: Final = 16
"""Stores that are told apart where a part may be that of any of them; beyond it, it may be that of every store."""
MAX_LINKS: Final = 8
"""Attributes that are references to one another."""

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


@dataclass(slots=True, eq=False)
class Item:
    """An instance of which ARM has something. `table` is None for azapi, whose bodies are ARM's already.

    `id` and `name` may hold made-up parts, in braces, which name things consistently; `known` and `named` say that
    they do not. `parts` are the instances merged into a store or standing below it, with why it is not certain that
    they do; `lost` what is destroyed of it. `store` says that it is a store, and not a part of one.
    """

    instance: Instance
    kind: str
    table: ResourceMap | None
    id: str = ""
    known: bool = False
    name: str = ""
    named: bool = False
    store: bool = False
    shape: Shape | None = None
    parts: list[tuple[Item, str]] = field(default_factory=list)
    lost: list[Instance | Unknown] = field(default_factory=list)

    @property
    def gone(self) -> bool:
        """Whether the plan destroys it."""
        return self.instance.action == "delete"

    @property
    def place(self) -> str:
        """Its address, as a part of an id."""
        return self.instance.address.replace("/", "_")


class Joins:
    """All instances of one plan, state or configuration, by what they are and by whose part they are.

    `stores` holds the stores by casefolded type; `parts` what is merged into one or stands below it; `beside` locks and
    the like. `strays` are the parts that may be those of any store of a type, each with why, by the store's type; of
    those that are destroyed one reason is kept (`strays_lost`).
    """

    def __init__(self, catalog: Catalog, tables: Mapping[str, ResourceMap], subscription: str) -> None:
        """Take the tables by Terraform's type; `subscription` stands in ids that Azure has not given yet."""
        self._tables = tables
        self._subscription = subscription or NO_SUBSCRIPTION
        self._store_types = catalog.store_types()
        calls = [call for service in catalog.services for call in service.children]
        self.below: dict[str, ChildCall] = {call.type.casefold(): call for call in calls}
        related = [name for service in catalog.services for one in service.related for name in one.types]
        self.related = {name.casefold() for name in related}
        names = [name for service in catalog.services for name in service.store_types]
        self._names = {name.casefold(): name for name in (*names, *(call.type for call in calls), *related)}
        self.stores: dict[str, list[Item]] = {}
        self.parts: list[Item] = []
        self.beside: list[Item] = []
        self.strays: dict[str, list[tuple[Item, str]]] = {}
        self.strays_lost: dict[str, Unknown] = {}
        self._lost: list[Item] = []
        self._by_address: dict[str, Item] = {}
        self._by_resource: dict[str, list[Item]] = {}
        # Stores by id, by what follows a subscription that is not known, and by type and name (empty: not known).
        self._ids: dict[str, list[Item]] = {}
        self._tails: dict[str, list[Item]] = {}
        self._named: dict[tuple[str, str], list[Item]] = {}

    def add(self, instance: Instance) -> None:
        """Take an instance in when any rule looks at what it makes, or when others may refer to it."""
        if instance.action == "forget":
            return
        table = self._tables.get(instance.type)
        arm = table.arm if table is not None else azapi.kind_of(instance)
        folded = arm.casefold()
        item = Item(instance, self._names.get(folded, arm), table)
        destroyed = instance.action in ("delete", "replace") or isinstance(instance.action, Unknown)
        if destroyed and (instance.type in PARTS or folded in ARM_PARTS):
            self._lost.append(item)
        if not arm:
            return
        self._by_address[instance.address] = item
        self._by_resource.setdefault(_KEY.sub("", instance.address), []).append(item)
        owned = bool(table.owner) if table is not None else instance.type == azapi.UPDATE
        if folded in self._store_types and not owned:
            item.store = True
            self.stores.setdefault(folded, []).append(item)
        elif item.gone:
            return
        elif owned or folded in self.below:
            self.parts.append(item)
        elif folded in self.related:
            self.beside.append(item)

    def settle(self) -> None:
        """Give every store its id, and every part to the store, or the stores, it may belong to."""
        self._identify()
        for part in self.parts:
            owners, doubt = self._owners(part)
            if doubt and len(owners) > MAX_CANDIDATES:
                self.strays.setdefault(owners[0].kind.casefold(), []).append((part, doubt))
                continue
            for owner in owners:
                owner.parts.append((part, doubt))
        for part in self._lost:
            owners, doubt = self._owners(part)
            if doubt and len(owners) > MAX_CANDIDATES:
                self.strays_lost.setdefault(owners[0].kind.casefold(), Unknown(doubt))
                continue
            for owner in owners:
                owner.lost.append(Unknown(doubt) if doubt else part.instance)

    # ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _identify(self) -> None:
        """Give every store an id of its own; what a plan destroys yields to what stays."""
        stores = [item for items in self.stores.values() for item in items]
        for item in sorted(stores, key=lambda item: item.gone):
            base = self.id_of(item).casefold()
            same = self._ids.setdefault(base, [])
            same.append(item)
            if len(same) > 1:
                item.id = f"{item.id} ({len(same)})"
            name = item.name.casefold() if item.named else ""
            self._named.setdefault((item.kind.casefold(), name), []).append(item)
            mark = f"/subscriptions/{NO_SUBSCRIPTION}/"
            if base.startswith(mark):
                self._tails[base.removeprefix(mark)] = same

    def id_of(self, item: Item) -> str:
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

    def _filled(self, item: Item, template: str) -> tuple[str, bool]:
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

    def _hole(self, item: Item, name: str) -> tuple[str, bool]:
        match name:
            case "address":
                return f"{{{item.place}}}", False
            case "group":
                return self._group(item)
            case "name":
                return item.name, item.named
            case "owner":
                owners, doubt = self._owners(item)
                return ("", False) if doubt or len(owners) != 1 else (self.id_of(owners[0]), owners[0].known)
        text = self._text(item.instance.values.get(name), item)
        return ("", False) if text is None else (text[0].rstrip("/"), text[1])

    def _group(self, item: Item) -> tuple[str, bool]:
        """The id of the resource group an instance is in, or of the group it is."""
        base = f"/subscriptions/{self._subscription}/resourceGroups/"
        sure = self._subscription != NO_SUBSCRIPTION
        if item.instance.type == _GROUP:
            return base + (item.name if item.named else f"{{{item.place}.name}}"), sure and item.named
        value = item.instance.values.get("resource_group_name")
        if isinstance(value, Reference):
            found, certain = self._referred(value, item)
            if certain and found[0].instance.type == _GROUP:
                return self.id_of(found[0]), found[0].known
        text = self._text(value, item)
        if text is None or "/" in text[0]:
            return f"{base}{{{item.place}.resource_group_name}}", False
        return base + text[0], sure and text[1]

    def _azapi_id(self, item: Item) -> tuple[str, bool]:
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

    def _referred(self, reference: Reference, item: Item) -> tuple[list[Item], bool]:
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

    def _text(self, value: Any, item: Item, links: int = MAX_LINKS) -> tuple[str, bool] | None:
        """A text, and whether all of it is known; a reference gives the id or another attribute of what it means."""
        if isinstance(value, str):
            return (value, True) if value else None
        if not isinstance(value, Reference):
            return None
        found, sure = self._referred(value, item)
        if not sure:
            return None
        target = found[0]
        if value.attribute == "id":
            return self.id_of(target) + value.below, target.known
        if value.attribute == "name":
            self.id_of(target)
            return target.name, target.named
        text = target.instance.values.get(value.attribute)
        return self._text(text, target, links - 1) if links else None

    def resolver(self, item: Item, *, made_up: bool) -> Resolve:
        """What answers the references of an instance; with `made_up` by ids that may hold parts that are not known."""

        def resolve(reference: Reference) -> Any:
            text = self._text(reference, item)
            return plain(reference) if text is None or not (text[1] or made_up) else text[0]

        return resolve

    # ── whose a part is ──────────────────────────────────────────────────────────────────────────────────────────────

    def _owners(self, item: Item) -> tuple[list[Item], str]:
        """The stores an instance may be a part of, and why it is not certain that it is."""
        kind, value = self._owner(item)
        stores = self.stores.get(kind, [])
        if isinstance(value, Reference):
            found, sure = self._referred(value, item)
            mine = [one for one in found[:MAX_CANDIDATES] if one.store and one.kind.casefold() == kind]
            if sure and mine:
                return mine, ""
            if sure:
                value = self.id_of(found[0]) + value.below
            elif found:
                few = mine if len(found) <= MAX_CANDIDATES else []
                return few or stores, f"it is not known which of {value.address} {where(item)} is for"
        if isinstance(value, str) and value:
            return self._called(kind, value, item)
        reason = value.reason if isinstance(value, Unknown) else "nothing names it"
        return stores, f"it is not known whose {where(item)} is: {reason}"

    def _owner(self, item: Item) -> tuple[str, Any]:
        """The casefolded type of the store an instance is a part of, and what names it."""
        values = item.instance.values
        folded = item.kind.casefold()
        kind = max((one for one in self._store_types if f"{folded}/".startswith(f"{one}/")), key=len, default="")
        names = item.table.owner.split() if item.table is not None else list(PARTS.get(item.instance.type, ()))
        if names:
            # Of attributes that could not all be read, one that is there counts before one that may be.
            written = [name for name in names if name in values]
            name = next((name for name in written if values[name] not in (None, "")), names[0])
            return kind or _STORE_OF[name].casefold(), values.get(name)
        if item.instance.type == azapi.UPDATE and values.get("resource_id"):
            return kind, values["resource_id"]
        if folded == kind:
            return kind, self.id_of(item) if values.get("parent_id") and item.named else values.get("name")
        return kind, values.get("parent_id")

    def _called(self, kind: str, text: str, item: Item) -> tuple[list[Item], str]:
        """The store with an id (or an id below it) or a name; those that may be it where that cannot be told."""
        doubt = f"it is not known whether {where(item)} is for this one"
        unnamed = self._named.get((kind, ""), [])
        if "/" not in text:
            same = self._named.get((kind, text.casefold()), [])
            return (same, "") if len(same) == 1 else (same or unnamed, doubt)
        for scope in ancestors(text):
            tail = scope.partition("/subscriptions/")[2].partition("/")[2]
            same = self._ids.get(scope) or self._tails.get(tail, [])
            if same and same[0].kind.casefold() == kind:
                return same, "" if len(same) == 1 else doubt
        name = text.casefold().partition(f"/{kind}/")[2].partition("/")[0]
        same = self._named.get((kind, name), []) if name else self.stores.get(kind, [])
        return [*(one for one in same if not one.known), *(unnamed if name else ())], doubt


def where(item: Item) -> str:
    """An instance by its address, for a sentence."""
    return item.instance.address[:200]

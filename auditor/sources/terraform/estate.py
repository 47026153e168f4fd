"""From the instances of Terraform's resources to records: stores with their parts, what speaks about them, the gaps.

The services' tables say how attributes become ARM's, `joins` which store a part belongs to. Where that is not known,
the settings the part makes are unknown for every store it may belong to.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from auditor.catalog import Catalog, ChildCall
from auditor.model import EMPTY, Gap, Listing, Origin, Record, Resource, Scope, Unknown, Waiver, ancestors
from auditor.services.terraform import lifecycle_of
from auditor.sources.terraform import azapi
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.joins import Item, Joins, where
from auditor.sources.terraform.shape import OWN, Maps, Shape, alternatives, blurred, overlay

MAX_ALTERNATIVES: Final = 16
"""Parts that may be a store's whose values are kept as what a setting can be."""


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
    estate = _Estate(catalog, subscription)
    beside: list[Gap | Scope] = []
    for one in instances:
        if isinstance(one, Instance):
            estate.add(one, ignored)
        else:
            beside.append(one)
    beside += gaps
    yield from estate.records([one for one in beside if isinstance(one, Gap)])
    yield from beside


class _Doubtful(NamedTuple):
    """What parts may say of a store: of its body and those of its children, by label, and of collections, by type.

    Each with why it is not certain.
    """

    bodies: Mapping[str, tuple[Any, str]]
    listed: Mapping[str, str]


class _Estate:
    """All instances of one plan, state or configuration, until they can be joined."""

    def __init__(self, catalog: Catalog, subscription: str) -> None:
        self._maps = Maps(table for service in catalog.services for table in service.terraform)
        self._joins = Joins(catalog, self._maps.by_type, subscription)
        self._store_types = catalog.store_types()
        self._calls: dict[str, list[ChildCall]] = {}
        for call in self._joins.below.values():
            self._calls.setdefault(call.parent_type.casefold(), []).append(call)
        self._related = tuple({one.name: one for service in catalog.services for one in service.related}.values())
        self._strays: dict[str, _Doubtful] = {}

    def add(self, instance: Instance, ignored: Counter[str] | None) -> None:
        """Take an instance in, and count what no table knows of it."""
        if ignored is not None:
            ignored.update(f"{instance.type}.{path}" for path in self._maps.ignored(instance))
        self._joins.add(instance)

    def records(self, gaps: list[Gap]) -> Iterator[Record]:
        """The stores with their parts, what speaks about them, and what was read whole."""
        joins = self._joins
        joins.settle()
        missing = _hidden(gaps)
        stores = [item for items in joins.stores.values() for item in items]
        for item in stores:
            yield self._destroyed(item) if item.gone else self._store(item, missing)
        below = {id(part) for item in stores for part, doubt in item.parts if not doubt}
        for item in (*joins.beside, *joins.parts):
            if item.kind.casefold() in joins.related and id(item) not in below:
                yield self._alone(item, None)
        yield from self._listings([item for item in stores if not item.gone], missing)

    def _listings(self, stores: list[Item], missing: Unknown | None) -> Iterator[Listing]:
        """Where backup vaults are declared, a store none of them protects is known to have no backup.

        What could not be read here may protect what another configuration or template of the target declares.
        """
        kinds = {item.kind.casefold() for item in stores}
        hidden = None if missing is None else dataclasses.replace(missing, unseen=True)
        scopes = dict.fromkeys(list(ancestors(item.id))[-1] for item in stores)
        for related in self._related:
            listed = [name.casefold() for name in related.listed]
            if not all(name in self._store_types for name in listed) or (hidden is None and kinds.isdisjoint(listed)):
                continue
            note = "as far as Terraform's resources tell"
            for scope in scopes or ("",):
                yield from (Listing(scope, name, hidden, note=note, declared=True) for name in related.listed)

    def _destroyed(self, item: Item) -> Resource:
        """A store that will not be there: nothing but what Terraform does to it."""
        region = item.instance.values.get("location")
        place = region if isinstance(region, str) else None
        return Resource(item.id, item.kind, item.name, place, None, item.instance.origin, None, (self._fate(item),))

    def _fate(self, item: Item) -> Resource:
        """The child that says what Terraform does to a store."""
        perhaps = self._joins.strays_lost.get(item.kind.casefold())
        lost = item.lost if perhaps is None else [*item.lost, perhaps]
        return lifecycle_of(item.id, item.kind, item.instance, lost)

    def _shape(self, item: Item) -> Shape:
        """What an instance says. What is not a store itself joins by its ids, also by those that are made up."""
        if item.shape is None:
            resolve = self._joins.resolver(item, made_up=not item.store)
            if item.table is None:
                item.shape = azapi.shape(item.instance, resolve)
            else:
                item.shape = self._maps.shape(item.instance, resolve, mark=not item.store)
        return item.shape

    # ── a store ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _store(self, item: Item, missing: Unknown | None) -> Resource:
        instance = item.instance
        shape = self._shape(item)
        listed = self._with_parts(item, shape)
        waivers = self._waivers(item)
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
                children += self._many(item, call, shape, listed.get(call.type.casefold(), ""), nothing)
            else:
                path = call.path.strip("/")
                place = shape.places.get(path, instance.origin)
                said = shape.bodies.get(path, nothing)
                origins = shape.origins.get(path)
                children.append(_child(item, call, path, said, place, origins, version, waivers.get(path, ())))
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
            tuple(dict.fromkeys((*instance.waivers, *waivers.get(OWN, ())))),
        )

    def _waivers(self, item: Item) -> Mapping[str, tuple[Waiver, ...]]:
        """The inline waivers by the parts laid over a store and its children, by the label of what they are laid over.

        One by a part of the store itself holds for a rule it names: all rules would be more than the part is about.
        """
        found: dict[str, tuple[Waiver, ...]] = {}
        for part, doubt in item.parts:
            label = self._label(part, item.kind) if part.instance.waivers and not doubt else None
            if label is not None:
                wanted = (one for one in part.instance.waivers if label != OWN or one.rule != "*")
                found[label] = (*found.get(label, ()), *wanted)
        return found

    def _with_parts(self, item: Item, shape: Shape) -> Mapping[str, str]:
        """Lay what parts say over a store; give why there may be more in the collections below it, by type."""
        unsure = []
        for part, doubt in item.parts:
            label = self._label(part, item.kind)
            reason = doubt or (_undecided(part, item) if label is not None else "")
            if reason:
                unsure.append((part, reason))
            elif label is not None:
                self._lay(shape, label, part)
        strays = self._strays.get(item.kind)
        if strays is None:
            strays = self._strays[item.kind] = self._doubtful(
                self._joins.strays.get(item.kind.casefold(), []), item.kind
            )
        own = self._doubtful(unsure, item.kind)
        for label, (said, reason) in (*own.bodies.items(), *strays.bodies.items()):
            before = shape.bodies.get(label)
            shape.bodies[label] = alternatives([before, overlay(before, said)], Unknown(reason))
        return {**strays.listed, **own.listed}

    def _label(self, part: Item, kind: str) -> str | None:
        """The body of a store of a type that a part is laid over; None for one that stands in a collection."""
        call = self._joins.below.get(part.kind.casefold())
        if call is not None:
            return None if call.collection else call.path.strip("/")
        return OWN if part.kind.casefold() == kind.casefold() else None

    def _lay(self, shape: Shape, label: str, part: Item) -> None:
        """Lay what a part says over what its store, or a child of it, says without it."""
        said = self._shape(part)
        before = shape.bodies.get(label)
        shape.bodies[label] = overlay(before, said.bodies.get(OWN, {}))
        shape.origins.setdefault(label, {}).update(said.origins.get(OWN, EMPTY))
        if before is None:
            shape.places[label] = part.instance.origin

    def _doubtful(self, parts: list[tuple[Item, str]], kind: str) -> _Doubtful:
        """All that some parts can say of a store, if they are its own."""
        said: dict[str, list[Any]] = {}
        reasons: dict[str, str] = {}
        listed: dict[str, str] = {}
        for part, reason in parts:
            label = self._label(part, kind)
            if label is None:
                listed.setdefault(part.kind.casefold(), reason)
            else:
                said.setdefault(label, []).append(self._shape(part).bodies.get(OWN, {}))
                reasons.setdefault(label, reason)
        bodies = {
            label: (
                (alternatives if len(several) <= MAX_ALTERNATIVES else blurred)(several, Unknown(reasons[label])),
                reasons[label],
            )
            for label, several in said.items()
        }
        return _Doubtful(bodies, listed)

    def _many(
        self, item: Item, call: ChildCall, shape: Shape, doubt: str, nothing: Unknown | None
    ) -> Iterator[Resource]:
        """The children of a collection, and how it ends: with nothing more, or with why there may be more."""
        path = call.path.strip("/")
        end = nothing or (Unknown(doubt) if doubt else None)
        said = shape.lists.get(path, [])
        if isinstance(said, Unknown):
            end = nothing or said
        else:
            for index, one in enumerate(said):
                body = one.bodies.get(OWN, {})
                name = body.get("name")
                name = name if isinstance(name, str) and "/" not in name else f"{{{index}}}"
                place = one.places.get(OWN, item.instance.origin)
                yield _child(item, call, f"{path}/{name}", body, place, one.origins.get(OWN))
        folded = call.type.casefold()
        yield from (
            self._alone(part, item) for part, unsure in item.parts if not unsure and part.kind.casefold() == folded
        )
        yield _child(item, call, f"{path}/*", end, item.instance.origin)

    def _alone(self, item: Item, parent: Item | None) -> Resource:
        """A lock, a backup instance, a share: what is a resource of its own, also below a store."""
        shape = self._shape(item)
        return Resource(
            self._joins.id_of(item),
            item.kind,
            item.name,
            None,
            shape.bodies.get(OWN, {}),
            item.instance.origin,
            None if parent is None else parent.id,
            (),
            azapi.version_of(item.instance),
            item.instance.deployed,
            item.instance.condition,
            shape.origins.get(OWN, {}),
            item.instance.waivers,
        )


def _child(
    item: Item,
    call: ChildCall,
    path: str,
    body: Any,
    place: Origin,
    origins: Mapping[str, Origin] | None = None,
    version: str | None = None,
    waivers: tuple[Waiver, ...] = (),
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
        waivers=waivers,
    )


def _undecided(part: Item, store: Item) -> str:
    """Why a part may not be there although its store is: a condition that is not the store's own."""
    condition = part.instance.condition
    module = part.instance.address.partition(part.instance.type)[0]
    if condition is None or (
        condition == store.instance.condition and module == store.instance.address.partition(store.instance.type)[0]
    ):
        return ""
    return f"{where(part)} stands under a condition that is not decided: {condition}"


def _hidden(gaps: list[Gap]) -> Unknown | None:
    """Why what is not declared may be declared where it could not be read."""
    if not gaps:
        return None
    origin = gaps[0].origin
    where = f"{origin.uri}:{origin.line}" if origin.line else origin.uri
    return Unknown(f"it is not declared where it could be read, and {where} could not be read whole")

"""Walks the scopes that were asked for and turns ARM's answers into records, driven by the services' tables alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.catalog import Catalog, ChildCall, Expansion, ListCall
from auditor.errors import UsageError
from auditor.model import Gap, Listing, Origin, Progress, Record, Resource, Scope, Unknown, resource_group
from auditor.sources.azure.reader import Reader, Unreadable
from auditor.sources.azure.wire import Refusal, check_request

SUBSCRIPTIONS_API: Final = "2022-12-01"
GROUPS_API: Final = "2025-04-01"
PROVIDERS_API: Final = "2021-04-01"
MANAGEMENT_GROUPS_API: Final = "2023-04-01"
LOCATIONS_TYPE: Final = "Microsoft.Resources/subscriptions/locations"

OPEN_SUBSCRIPTIONS: Final = 24
"""Subscriptions that are read at once: enough to fill the pool, few enough to keep memory flat."""

# The calls of the collector itself, besides those of the services' tables, with the action each needs.
ACTIONS: Final[Mapping[str, str]] = {
    "/subscriptions": "Microsoft.Resources/subscriptions/read",
    "/subscriptions/{subscription}": "Microsoft.Resources/subscriptions/read",
    "/subscriptions/{subscription}/locations": "Microsoft.Resources/subscriptions/locations/read",
    "/subscriptions/{subscription}/resourceGroups/{group}": "Microsoft.Resources/subscriptions/resourceGroups/read",
    "/subscriptions/{subscription}/providers/{namespace}": "Microsoft.Resources/subscriptions/providers/read",
    "/providers/Microsoft.Management/managementGroups/{group}/descendants": (
        "Microsoft.Management/managementGroups/descendants/read"
    ),
}

_NOT_REGISTERED: Final = frozenset(
    {
        "missingsubscriptionregistration",
        "noregisteredproviderfound",
        "invalidresourcenamespace",
        "subscriptionnotregistered",
    }
)


_NO_SUBSCRIPTION: Final = frozenset({"subscriptionnotfound", "invalidsubscriptionid"})
_SAID_OF_SUBSCRIPTION: Final = ("subscriptionId", "state", "displayName")
_NO_NAME: Final = "it has no id that could be asked for"

# An id that can stand in a request and means itself there: no query, fragment, escape, or way up in it.
_PLAIN_ID: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[^/\\?#%\s\x00-\x1f\x7f\ud800-\udfff]+)+")


@dataclass(frozen=True, slots=True)
class Targets:
    """What was asked for: everything visible, management groups, and subscriptions with the groups wanted of each.

    An empty tuple of groups stands for the whole subscription.
    """

    everything: bool
    management_groups: tuple[str, ...]
    subscriptions: Mapping[str, tuple[str, ...]]


def parse_targets(targets: Sequence[str]) -> Targets:
    """Read `azure:`, `azure:SUB`, `azure:SUB/GROUP`, `azure:mg/GROUP`. Raises UsageError for anything else."""
    everything = False
    management: dict[str, None] = {}
    subscriptions: dict[str, tuple[str, ...]] = {}
    for target in targets:
        parts = target.removeprefix("azure:").strip("/").split("/")
        if len(parts) > 2 or any(not _plain(part) for part in parts if part) or (len(parts) == 2 and not all(parts)):
            raise UsageError(
                f"{target!r} is no live target",
                hint="Use azure:, azure:SUBSCRIPTION, azure:SUBSCRIPTION/GROUP or azure:mg/MANAGEMENT_GROUP.",
            )
        if parts == ["mg"]:
            raise UsageError(f"{target!r} names no management group", hint="Use azure:mg/MANAGEMENT_GROUP.")
        if parts == [""]:
            everything = True
        elif len(parts) == 2 and parts[0].casefold() == "mg":
            management[parts[1]] = None
        else:
            subscription = _first_spelling(subscriptions, parts[0])
            groups = subscriptions.get(subscription)
            whole = len(parts) == 1 or groups == ()
            wanted = () if whole else (*(groups or ()), _first_spelling(groups or (), parts[1]))
            subscriptions[subscription] = tuple(dict.fromkeys(wanted))
    return Targets(everything, tuple(management), subscriptions)


def _first_spelling(known: Iterable[str], name: str) -> str:
    """The name as it was first written: names are the same without case, and asked for as their user spells them."""
    return next((one for one in known if one.casefold() == name.casefold()), name)


def _plain(part: str) -> bool:
    """Whether a name may stand in a path: letters, digits and what Azure allows in ids and group names."""
    return len(part) <= 90 and all(c.isalnum() or c in "-_.()" for c in part) and part not in (".", "..")


class Collector:
    """One run: puts records where `emit` takes them."""

    def __init__(
        self,
        reader: Reader,
        catalog: Catalog,
        emit: Callable[[Record], Awaitable[None]],
        progress: Progress,
        *,
        deep: bool,
    ) -> None:
        """Collect with a reader what the catalog's tables list."""
        self._reader = reader
        self._emit = emit
        self._progress = progress
        self._lists = [call for s in catalog.services for call in s.lists if deep or not call.deep]
        self._children: dict[str, list[ChildCall]] = {}
        for service in catalog.services:
            for child in service.children:
                if deep or not child.deep:
                    self._children.setdefault(child.parent_type, []).append(child)
        self._expansions: dict[str, list[Expansion]] = {}
        for expansion in (one for service in catalog.services for one in service.expansions):
            self._expansions.setdefault(expansion.type, []).append(expansion)
        self._resources = 0
        self._subscriptions = 0
        self._total: int | None = None

    # ── scopes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, targets: Targets) -> None:
        """Read all targets; what cannot be read becomes a gap."""
        wanted: dict[str, tuple[str, ...]] = dict(targets.subscriptions)
        spelled = {name.casefold(): name for name in wanted}
        known: dict[str, Mapping[str, Any]] = {}
        more: list[str] = []
        if targets.everything:
            known = await self._visible()
            more += [str(item["subscriptionId"]) for item in known.values()]
        for group in targets.management_groups:
            more += await self._below(group)
        for name in more:
            wanted[spelled.setdefault(name.casefold(), name)] = ()
        self._total = len(wanted)
        gate = asyncio.Semaphore(OPEN_SUBSCRIPTIONS)

        async def one(subscription: str, groups: tuple[str, ...]) -> None:
            try:
                await self._subscription(subscription, groups, known.get(subscription.casefold()))
            finally:
                gate.release()
            self._subscriptions += 1
            self._tell()

        async with asyncio.TaskGroup() as tasks:
            for subscription, groups in wanted.items():
                await gate.acquire()
                tasks.create_task(one(subscription, groups))

    async def _visible(self) -> dict[str, Mapping[str, Any]]:
        """Every subscription the credential sees, by its id without case."""
        path = f"/subscriptions?api-version={SUBSCRIPTIONS_API}"
        found: dict[str, Mapping[str, Any]] = {}
        try:
            async for page in self._reader.pages("resource", path, named=True):
                for item in page.body["value"]:
                    name = str(item.get("subscriptionId") or item.get("id") or item["name"]).rpartition("/")[2]
                    if name and _plain(name):
                        found[name.casefold()] = {**item, "subscriptionId": name}
                    else:
                        await self._emit(Gap(f"/subscriptions/{name}", _NO_NAME, self._origin(path, page.request_id)))
        except Unreadable as error:
            await self._gap("/subscriptions", error, path, ACTIONS["/subscriptions"])
        else:
            if not found:
                await self._emit(Gap("/subscriptions", "the credential sees no subscription", self._origin(path)))
        return found

    async def _below(self, group: str) -> list[str]:
        """The subscriptions below a management group."""
        base = f"/providers/Microsoft.Management/managementGroups/{group}"
        path = f"{base}/descendants?api-version={MANAGEMENT_GROUPS_API}"
        found: list[str] = []
        await self._emit(Scope(base, "management group", group))
        try:
            async for page in self._reader.pages("resource", path, named=True):
                for item in page.body["value"]:
                    item_id = str(item.get("id") or "")
                    kind = str(item.get("type", "")).casefold()
                    if not (kind.endswith("/subscriptions") or item_id.casefold().startswith("/subscriptions/")):
                        continue
                    name = str(item.get("name") or item_id).rpartition("/")[2]
                    if name and _plain(name):
                        found.append(name)
                    else:
                        await self._emit(Gap(f"/subscriptions/{name}", _NO_NAME, self._origin(path, page.request_id)))
        except Unreadable as error:
            action = ACTIONS["/providers/Microsoft.Management/managementGroups/{group}/descendants"]
            await self._gap(base, error, path, action)
        else:
            if not found:
                await self._emit(Gap(base, "no subscription was found below the management group", self._origin(path)))
        return found

    async def _subscription(self, name: str, groups: tuple[str, ...], item: Mapping[str, Any] | None) -> None:
        base = f"/subscriptions/{name}"
        if item is None:
            path = f"{base}?api-version={SUBSCRIPTIONS_API}"
            try:
                item = (await self._reader.read("resource", path, needs=_SAID_OF_SUBSCRIPTION)).body
            except Unreadable as error:
                await self._gap(base, error, path, ACTIONS["/subscriptions/{subscription}"])
                item = {}
                if error.code.casefold() in _NO_SUBSCRIPTION:
                    await self._emit(Scope(base, "subscription", "", "not found"))
                    return
        state = str(item.get("state") or "")
        await self._emit(Scope(base, "subscription", str(item.get("displayName") or ""), state))
        if state.casefold() in ("disabled", "deleted"):
            reason = f"the subscription is {state.casefold()}: what can still be read of it may not be all"
            await self._emit(Gap(base, reason, self._origin(base)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._locations(base))
            for group in groups:
                tasks.create_task(self._group(f"{base}/resourceGroups/{group}"))
            for call in self._lists:
                if groups and call.in_group:
                    for group in groups:
                        tasks.create_task(self._list(base, call, group))
                else:
                    tasks.create_task(self._list(base, call, only=groups))

    async def _group(self, base: str) -> None:
        path = f"{base}?api-version={GROUPS_API}"
        action = ACTIONS["/subscriptions/{subscription}/resourceGroups/{group}"]
        try:
            item = (await self._reader.read("resource", path, needs=("name", "location"))).body
        except Unreadable as error:
            await self._emit(Scope(base, "resource group", base.rpartition("/")[2], "not read"))
            await self._gap(base, error, path, action)
        else:
            await self._emit(Scope(base, "resource group", str(item.get("name") or base.rpartition("/")[2])))

    async def _locations(self, base: str) -> None:
        """The subscription's regions; the shipped table stands in where there is no such list."""
        path = f"{base}/locations?api-version={SUBSCRIPTIONS_API}"
        found: list[Any] = []
        request_id = ""
        try:
            async for page in self._reader.pages("resource", path, named=True):
                found += page.body["value"]
                request_id = page.request_id
        except Unreadable as error:
            if error.status != 404:
                reason = Unreadable(
                    f"{error}; the shipped region table was used", status=error.status, request_id=error.request_id
                )
                action = ACTIONS["/subscriptions/{subscription}/locations"]
                await self._gap(f"{base}/locations", reason, path, action)
            return
        origin = self._origin(path, request_id)
        await self._emit(
            Resource(f"{base}/locations", LOCATIONS_TYPE, "locations", None, {"value": found}, origin, deployed=True)
        )

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _list(self, base: str, call: ListCall, group: str = "", only: tuple[str, ...] = ()) -> None:
        """Read one list of a subscription or group, its resources and their children.

        `only` restricts a list that exists for whole subscriptions to what concerns some groups.
        """
        scope = f"{base}/resourceGroups/{group}" if group else base
        path = f"{scope}{call.path}?api-version={call.api_version}"
        try:
            count = await self._pages(path, call, only)
        except Unreadable as error:
            if group and error.status == 404:
                # Some providers list by subscription only.
                await self._list_and_filter(base, scope, call, group)
                return
            await self._unlisted(base, scope, path, call, error)
            return
        await self._emit(Listing(scope, call.type, None, count))

    async def _list_and_filter(self, base: str, scope: str, call: ListCall, group: str) -> None:
        path = f"{base}{call.path}?api-version={call.api_version}"
        try:
            count = await self._pages(path, call, (group,))
        except Unreadable as error:
            await self._unlisted(base, scope, path, call, error)
            return
        await self._emit(Listing(scope, call.type, None, count))

    async def _unlisted(self, base: str, scope: str, path: str, call: ListCall, error: Unreadable) -> None:
        """A list that failed: nothing, when the provider is known not to be registered; else a gap."""
        provider = call.path.split("/")[2]
        if error.code.casefold() in _NOT_REGISTERED and await self._unregistered(base, provider):
            note = f"the provider {provider} is not registered, so there can be none"
            await self._emit(Listing(scope, call.type, None, 0, note))
            return
        missing = _unknown(error, call.action, f"the list of {call.type}")
        await self._emit(Listing(scope, call.type, missing))
        if not (call.optional and error.status == 404):
            await self._gap(f"{scope}{call.path}", error, path, call.action)

    async def _unregistered(self, base: str, namespace: str) -> bool:
        path = f"{base}/providers/{namespace}?api-version={PROVIDERS_API}"
        try:
            page = await self._reader.read("resource", path, needs=("registrationState",))
        except Unreadable:
            return False
        return str(page.body["registrationState"]).casefold() in ("notregistered", "unregistered")

    async def _pages(self, path: str, call: ListCall, only: tuple[str, ...]) -> int:
        """Read a list's pages and emit its resources; how many. Raises Unreadable when what was read has been kept."""
        budget = ("storage-lists", "") if call.path.startswith("/providers/Microsoft.Storage/") else ()
        groups = {group.casefold() for group in only}
        seen: set[str] = set()

        def wanted(resource_id: str) -> bool:
            """Whether it is in scope, and not known from an earlier page of a list that changed while it was read."""
            folded = resource_id.casefold()
            if folded in seen or (groups and not _concerns(resource_id, groups)):
                return False
            seen.add(folded)
            return True

        count = 0
        if call.type not in self._children:
            async for page in self._reader.pages(call.client, path, budget=budget):
                for item in page.body["value"]:
                    if wanted(item["id"]):
                        count += 1
                        await self._store(item, page.request_id, call)
            return count
        # Bounded, so that a page of a thousand does not become a thousand waiting tasks.
        gate = asyncio.Semaphore(256)

        async def one(item: Mapping[str, Any], request_id: str) -> None:
            try:
                await self._store(item, request_id, call)
            finally:
                gate.release()

        failed: Unreadable | None = None
        async with asyncio.TaskGroup() as tasks:
            try:
                async for page in self._reader.pages(call.client, path, budget=budget):
                    for item in page.body["value"]:
                        if wanted(item["id"]):
                            count += 1
                            await gate.acquire()
                            tasks.create_task(one(item, page.request_id))
            except Unreadable as error:
                # Raised after the group has ended, which an error inside it would cancel.
                failed = error
        if failed is not None:
            raise failed
        return count

    async def _store(self, item: Mapping[str, Any], request_id: str, call: ListCall) -> None:
        store_id = item["id"].rstrip("/") or item["id"]
        body: Mapping[str, Any] = item
        origin = self._origin(f"{store_id}?api-version={call.api_version}", request_id)
        if not isinstance(item.get("properties"), dict):
            # A body without properties would read as one that leaves everything to the API's defaults.
            body = {**item, "properties": Unknown("the answer holds no properties of the resource")}
            await self._emit(Gap(store_id, "the answer holds no properties of the resource", origin))
        else:
            body = await self._expanded(store_id, item, call.type)
        children: list[Resource] = []
        if call.type in self._children:
            reads = [self._child(store_id, item, child) for child in self._children[call.type]]
            children = [child for found in await asyncio.gather(*reads) for child in found]
        region = item.get("location")
        await self._emit(
            Resource(
                store_id,
                call.type,
                _name(item, store_id),
                region if isinstance(region, str) and region else None,
                body,
                origin,
                None,
                tuple(children),
                call.api_version,
                deployed=True,
            )
        )
        self._resources += 1
        if not self._resources % 20:
            self._tell()

    async def _expanded(self, store_id: str, item: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        """An item of a list with the properties that lists of its type leave out."""
        wanted = [expansion for expansion in self._expansions.get(kind, ()) if expansion.when(item)]
        if not wanted or len(store_id) > 2_048 or not _PLAIN_ID.fullmatch(store_id):
            return item
        properties = dict(item["properties"])
        for expansion in wanted:
            properties[expansion.property] = await self._property(store_id, item, expansion)
        return {**item, "properties": properties}

    async def _property(self, store_id: str, item: Mapping[str, Any], call: Expansion) -> Any:
        path = f"{store_id}?api-version={call.api_version}&{call.query}"
        budget = (call.rate, _place(item)) if call.rate else ()
        try:
            check_request("GET", path)
            page = await self._reader.read(call.client, path, budget=budget)
        except Refusal as error:
            # A store may be called as what would hold its keys is.
            return Unknown(f"{call.property} was not read: {error}", unseen=True)
        except Unreadable as error:
            unseen = error.status == 404
            if not unseen:
                await self._gap(f"{store_id}/{call.property}", error, path, call.action)
            return _unknown(error, call.action, call.property, unseen=unseen)
        properties = page.body["properties"]
        return properties.get(call.property) if isinstance(properties, Mapping) else None

    # ── children ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _child(self, store_id: str, store: Mapping[str, Any], call: ChildCall) -> list[Resource]:
        child_id = f"{store_id}{call.path}"
        query = f"api-version={call.api_version}" + (f"&{call.query.replace(' ', '%20')}" if call.query else "")
        path = f"{child_id}?{query}"
        marker = f"{child_id}/*" if call.collection else child_id
        name = "*" if call.collection else call.path.rpartition("/")[2]
        reason = call.skip(store) if call.skip is not None else ""
        if reason:
            return [self._made(marker, name, Unknown(reason, unseen=True), path, "", store_id, call)]
        if len(store_id) > 2_048 or not _PLAIN_ID.fullmatch(store_id):
            await self._emit(Gap(child_id, _NO_NAME, self._origin(path)))
            return [self._made(marker, name, Unknown(f"{child_id} was not read: {_NO_NAME}"), path, "", store_id, call)]
        budget = (call.rate, _place(store)) if call.rate else ()
        try:
            if call.collection:
                return await self._collection(path, marker, store_id, call, budget)
            page = await self._reader.read(call.client, path, budget=budget)
        except Unreadable as error:
            if error.status in call.absent_on:
                return [self._made(marker, name, None, path, error.request_id, store_id, call)]
            unseen = call.optional and error.status == 404
            unknown = _unknown(error, call.action, child_id[len(store_id) + 1 :], unseen=unseen)
            if not unseen:
                await self._gap(child_id, error, path, call.action)
            return [self._made(marker, name, unknown, path, error.request_id, store_id, call)]
        return [self._made(child_id, name, page.body, path, page.request_id, store_id, call)]

    async def _collection(
        self, path: str, marker: str, store_id: str, call: ChildCall, budget: tuple[str, ...]
    ) -> list[Resource]:
        found: list[Resource] = []
        missing: Unknown | None = None
        try:
            async for page in self._reader.pages(call.client, path, budget=budget, named=True):
                for item in page.body["value"]:
                    item_id = item.get("id") or f"{marker.removesuffix('/*')}/{item.get('name')}"
                    if not isinstance(item.get("properties"), dict):
                        raise Unreadable(f"200, but {item_id} holds no properties", request_id=page.request_id)
                    item_path = f"{item_id}?api-version={call.api_version}"
                    found.append(
                        self._made(item_id, _name(item, item_id), item, item_path, page.request_id, store_id, call)
                    )
        except Unreadable as error:
            if not found:
                raise
            missing = _unknown(error, call.action, call.path)
            await self._gap(marker.removesuffix("/*"), error, path, call.action)
        found.append(self._made(marker, "*", missing, path, "", store_id, call))
        return found

    def _made(
        self, child_id: str, name: str, body: Any, path: str, request_id: str, parent: str, call: ChildCall
    ) -> Resource:
        region = body.get("location") if isinstance(body, dict) else None
        return Resource(
            child_id,
            call.type,
            name,
            region if isinstance(region, str) else None,
            body,
            self._origin(path, request_id),
            parent,
            (),
            call.api_version,
            deployed=True,
        )

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _origin(self, path: str, request_id: str = "") -> Origin:
        return Origin(self._reader.wire.endpoint + path, request_id=request_id or None)

    async def _gap(self, subject: str, error: Unreadable, path: str, action: str) -> None:
        permission = action if error.status == 403 else None
        needs = f"; it needs {action}" if permission else ""
        await self._emit(Gap(subject, f"{error}{needs}", self._origin(path, error.request_id), permission))

    def _tell(self) -> None:
        note = f"{self._resources:,} resources, {self._reader.calls:,} calls"
        self._progress.update("Reading subscriptions", done=self._subscriptions, total=self._total, note=note)


def _unknown(error: Unreadable, action: str, what: str, *, unseen: bool = False) -> Unknown:
    permission = action if error.status == 403 else None
    needs = f"; it needs {action}" if permission else ""
    request = f" (request {error.request_id})" if error.request_id else ""
    return Unknown(f"{what} could not be read: {error}{needs}{request}", permission=permission, unseen=unseen)


def _place(store: Mapping[str, Any]) -> str:
    """The region a store's own reads are counted in."""
    return str(store.get("location") or "").replace(" ", "").casefold()


def _name(item: Mapping[str, Any], resource_id: str) -> str:
    name = item.get("name")
    return name if isinstance(name, str) and name else resource_id.rpartition("/")[2]


def _concerns(resource_id: str, groups: set[str]) -> bool:
    """Whether a resource lies in one of the groups, or above them (a lock of the subscription)."""
    group = resource_group(resource_id).casefold()
    return not group or group in groups


def calls_of(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Every path pattern the collector can request, with the action it needs."""
    yield from ACTIONS.items()
    for service in catalog.services:
        for call in service.lists:
            yield "/subscriptions/{subscription}" + call.path, call.action
        for child in service.children:
            yield f"/{child.parent_type}{child.path}", child.action
        for expansion in service.expansions:
            yield f"/{expansion.type}", expansion.action


def actions_of(catalog: Catalog) -> list[str]:
    """The actions all calls need between them, sorted and each once (their names compare without case)."""
    found: dict[str, str] = {}
    for _, action in calls_of(catalog):
        found.setdefault(action.casefold(), action)
    return sorted(found.values(), key=str.casefold)


def assignable(scopes: Iterable[str]) -> list[str]:
    """Scopes a role may be assigned at. Raises UsageError for one that is none."""
    result = []
    for scope in scopes:
        if not scope.startswith(("/subscriptions/", "/providers/Microsoft.Management/managementGroups/")):
            raise UsageError(
                f"{scope!r} is no scope a role can be assigned at",
                hint="Give /subscriptions/ID or /providers/Microsoft.Management/managementGroups/NAME.",
            )
        result.append(scope.rstrip("/"))
    return result

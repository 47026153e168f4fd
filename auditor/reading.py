"""Reading values for conditions: names without case, API defaults applied, children and related resources found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from auditor.catalog import ApiDefault, Catalog, Related
from auditor.model import Listing, Resource, Unknown, ancestors
from auditor.rules import Accessor

MAX_ITEMS_SHOWN: Final = 5
MAX_STEPS: Final = 24
"""How deep below a setting undecided values are looked for."""


class _Absent:
    """The value of a path that leads nowhere."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Defaulted:
    """A value the API itself supplies (or an Unknown: nobody can tell which), with the source of that knowledge."""

    value: Any
    note: str


# ── looking values up, names compared as ARM does ────────────────────────────────────────────────────────────────────

_folds: dict[tuple[str, ...], dict[str, str]] = {}


def _key_of(holder: Mapping[str, Any], name: str) -> str | None:
    """The key of an object that equals a name without case, or None."""
    if name in holder:
        return name
    shape = tuple(holder)
    fold = _folds.get(shape)
    if fold is None:
        if len(_folds) > 10_000:
            _folds.clear()
        fold = _folds[shape] = {key.casefold(): key for key in reversed(shape) if isinstance(key, str)}
    return fold.get(name.casefold())


def look_up(body: Any, path: tuple[str, ...]) -> Any:
    """Follow names (no `[*]`) into a body, without case: a value, ABSENT (null counts as absent), or an Unknown.

    Below an Unknown that lists possible objects, the result lists the possible values at the path, ABSENT included.
    """
    value = body
    for index, name in enumerate(path):
        if type(value) is dict or isinstance(value, Mapping):
            key = _key_of(value, name)
            value = None if key is None else value[key]
        elif value is ABSENT or value is None:
            return ABSENT
        elif isinstance(value, Unknown):
            return _one_of(value, (look_up(one, path[index:]) for one in value.possible))
        else:
            return Unknown(f"{name} was looked for in {shown(value)!r}, which is no object")
    return ABSENT if value is None else value


def _listed(unknown: Unknown) -> bool:
    """Whether all that an Unknown can be is known."""
    return bool(unknown.possible) and all(not isinstance(one, Unknown) or _listed(one) for one in unknown.possible)


def _one_of(unknown: Unknown, possible: Iterable[Any]) -> Unknown:
    """The same doubt about other values, each listed once."""
    values = [ABSENT if one is None else one for one in possible]
    # True, 1 and 1.0 are equal to Python and not to a rule.
    return replace(unknown, possible=tuple({repr(value): value for value in values}.values()))


def shown(value: Any) -> Any:
    """A value as evidence shows it: scalars as they are, long text and structures shortened."""
    if isinstance(value, Defaulted):
        return shown(value.value)
    if value is ABSENT or isinstance(value, Unknown):
        return None
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:199] + "…"
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [shown(item) for item in value[:MAX_ITEMS_SHOWN]] + (["…"] if len(value) > MAX_ITEMS_SHOWN else [])
    if isinstance(value, Mapping):
        return f"an object with {len(value)} properties"
    return str(value)[:200]


def words(value: Any) -> str:
    """A shown value inside a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(words, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


# ── what stands beside the stores ────────────────────────────────────────────────────────────────────────────────────


class Estate:
    """The resources that speak about others (locks, backup instances), indexed by what they speak about."""

    def __init__(self, catalog: Catalog, resources: Iterable[Resource] = (), listings: Iterable[Listing] = ()) -> None:
        """Index `resources` (children included) and `listings` for `catalog`."""
        self._kinds = {related.name: related for service in catalog.services for related in service.related}
        self._index: dict[str, dict[str, list[Resource]]] = {name: {} for name in self._kinds}
        self._incomplete: dict[str, Unknown] = {}
        self._listed: dict[str, list[Listing]] = {}
        self._answers: dict[tuple[str, str], Unknown | None] = {}
        types: dict[str, list[Related]] = {}
        for related in self._kinds.values():
            for name in related.types:
                types.setdefault(name.casefold(), []).append(related)
        for listing in listings:
            self._listed.setdefault(listing.type.casefold(), []).append(listing)
        for resource in resources:
            for item in (resource, *resource.children):
                for related in types.get(item.type.casefold(), ()):
                    self._add(related, item)

    def _add(self, related: Related, item: Resource) -> None:
        if item.name == "*":
            if isinstance(item.body, Unknown):
                self._incomplete[related.name] = item.body
            return
        targets = tuple(related.targets(item))
        if not targets:
            # What does not say for sure what it is for may be for any store.
            reason = f"what {item.name} is for could not be determined"
            self._incomplete.setdefault(related.name, Unknown(reason))
        for target in targets:
            self._index[related.name].setdefault(target, []).append(item)

    def related(self, name: str, store: Resource) -> tuple[tuple[Resource, ...], Unknown | None]:
        """The items that concern a store, and why there may be more (None when they are all)."""
        related = self._kinds[name]
        index = self._index[name]
        keys = tuple(related.keys(store))
        found = tuple(item for key in keys for item in index.get(key, ()))
        if not keys and store.deployed:
            return found, Unknown(f"what the {related.title} refer to is not known of this resource")
        return found, self._missing(related, store)

    def _missing(self, related: Related, store: Resource) -> Unknown | None:
        scope = list(ancestors(store.id))[-1]
        key = (related.name, scope)
        if key not in self._answers:
            self._answers[key] = self._why_missing(related, scope)
        return self._answers[key]

    def _why_missing(self, related: Related, scope: str) -> Unknown | None:
        for name in related.listed:
            listings = [
                listing
                for listing in self._listed.get(name.casefold(), ())
                if not listing.scope or scope == listing.scope.casefold().rstrip("/")
            ]
            if any(listing.missing is None and not listing.declared for listing in listings):
                continue
            missing = next((listing.missing for listing in listings if listing.missing is not None), None)
            if missing is not None:
                return missing
            if not listings:
                elsewhere = next((x.missing for x in self._listed.get(name.casefold(), ()) if x.missing), None)
                return elsewhere or Unknown(f"the {related.title} were not read", unseen=True)
        return self._incomplete.get(related.name)


# ── reading one resource ─────────────────────────────────────────────────────────────────────────────────────────────


class Item(NamedTuple):
    """What a path inside a count starts at: a resource, or an element of an array with the path that led there."""

    value: Any
    owner: Resource
    prefix: tuple[str, ...]
    origin_prefix: str
    label: str


class Reading(NamedTuple):
    """A value with its place: the shown path, and the resource and concrete path its origin is looked up by."""

    value: Any
    path: str
    owner: Resource | None
    concrete: str


_SPECIAL: Final = ("region", "type", "name", "id")


def _readings(
    elements: list[tuple[Any, str]], missing: Unknown | None, label: str, place: str, owner: Resource
) -> list[Reading]:
    """One reading an element, and one for what may be missing."""
    readings = [Reading(value, label + path, owner, path) for value, path in elements]
    return readings if missing is None else [*readings, Reading(missing, label + place, owner, "")]


class Reader:
    """Reads what accessors point at, API defaults applied."""

    def __init__(self, catalog: Catalog, estate: Estate) -> None:
        """Read with the defaults and facts of `catalog`, and the related resources of `estate`."""
        self.facts = catalog.facts
        self.estate = estate
        self._defaults: dict[tuple[str, tuple[str, ...]], list[ApiDefault]] = {}
        for service in catalog.services:
            for default in service.defaults:
                path = tuple(default.path.casefold().replace("[*]", ".[*]").split("."))
                self._defaults.setdefault((default.type.casefold(), path), []).append(default)
        self._notes: dict[tuple[int, Any], Defaulted] = {}
        self._candidates: dict[tuple[str, tuple[str, ...]], tuple[ApiDefault, ...]] = {}
        # The children of the store that is being judged, by their casefolded path below it.
        self._children: tuple[Resource | None, dict[str, Resource]] = (None, {})

    def child(self, store: Resource, name: str) -> Resource | Unknown:
        """A singleton child of a store; one that was not looked at is unknown."""
        current, children = self._children
        if current is not store:
            base = len(store.id) + 1
            children = {child.id[base:].casefold(): child for child in store.children}
            self._children = (store, children)
        child = children.get(name) or children.get(name.casefold())
        return Unknown(f"{name} was not read", unseen=True) if child is None else child

    def collection(self, store: Resource, name: str) -> tuple[tuple[Resource, ...], Unknown | None]:
        """The children of a collection, and why there may be more."""
        wanted = f"{store.type}/{types_of(name)}".casefold()
        found = []
        missing: Unknown | None = Unknown(f"{name} was not read", unseen=True)
        for child in store.children:
            if child.type.casefold() == wanted:
                if child.name == "*":
                    missing = child.body if isinstance(child.body, Unknown) else None
                else:
                    found.append(child)
        return tuple(found), missing

    def body(self, resource: Resource, path: tuple[str, ...]) -> Any:
        """A path without `[*]` in a resource's body, the API's default where it is left out."""
        if len(path) == 1 and path[0] in _SPECIAL:
            value = getattr(resource, path[0])
            if value is None and path[0] == "region":
                value = look_up(resource.body, ("location",))
            return ABSENT if value is None else value
        return self._settled(resource, path, look_up(resource.body, path))

    def _settled(self, owner: Resource, path: tuple[str, ...], value: Any) -> Any:
        """A value of a resource, with the API's default where it, or one of its alternatives, is left out."""
        if value is ABSENT:
            return self.default(owner, path, owner)
        if isinstance(value, Unknown) and value.possible:
            return _one_of(
                value, (self._settled(owner, path, ABSENT if one is None else one) for one in value.possible)
            )
        return value

    def default(self, resource: Resource, path: tuple[str, ...], owner: Resource) -> Any:
        """What the API uses for a path that is left out, or ABSENT where no default is documented."""
        candidates = self._candidates.get((resource.type, path))
        if candidates is None:
            key = (resource.type.casefold(), tuple(map(str.casefold, path)))
            candidates = self._candidates[resource.type, path] = tuple(self._defaults.get(key, ()))
        if not candidates:
            return ABSENT
        version = (owner.api_version or "")[:10]
        for default in candidates:
            if version and ((default.since and version < default.since) or (default.until and version > default.until)):
                continue
            if not version and default.until:
                continue
            if default.when is not None and not default.when(resource):
                continue
            value = default.value(resource, self.facts) if callable(default.value) else default.value
            return self._note(default, value)
        return ABSENT

    def concerns(self, resource: Resource, path: tuple[str, ...]) -> bool:
        """Whether a setting is one of the resource's at all: not where each of its defaults is for another kind."""
        defaults = self._defaults.get((resource.type.casefold(), tuple(map(str.casefold, path))), ())
        return not defaults or any(default.when is None or default.when(resource) for default in defaults)

    def _note(self, default: ApiDefault, value: Any) -> Defaulted:
        key = (id(default), value)
        if key not in self._notes:
            where, date = default.source
            self._notes[key] = Defaulted(value, f"left out, so the default applies ({where}, {date})")
        return self._notes[key]

    def test(self, accessor: Accessor, store: Resource, item: Item | None) -> list[Reading]:
        """Everything an accessor points at: one reading, or one an element where its path holds `[*]`."""
        if accessor.root == "child":
            child = self.child(store, str(accessor.child))
            value = child if isinstance(child, Unknown) else ABSENT if child.body is None else child.body
            return [Reading(value, f"{accessor.child}:", None, "")]
        if accessor.root == "fact":
            if not accessor.path:
                return [self._own_fact(str(accessor.fact), store)]
            about = self.test(Accessor("field", accessor.path, accessor.child), store, item)
            return [self._fact(str(accessor.fact), store, reading) for reading in about]
        if accessor.root == "parent" or item is None:
            return self._of_store(accessor, store)
        return self._of_item(accessor.path, item)

    def _of_store(self, accessor: Accessor, store: Resource) -> list[Reading]:
        owner = store
        label = ""
        if accessor.child is not None:
            child = self.child(store, accessor.child)
            label = f"{accessor.child}:"
            if isinstance(child, Unknown):
                return [Reading(child, label + dotted(accessor.path), None, "")]
            owner = child
        if "[*]" not in accessor.path:
            path = dotted(accessor.path)
            return [Reading(self.body(owner, accessor.path), label + path, owner, path)]
        return _readings(*self.elements(owner, accessor.path), label, dotted(accessor.path), owner)

    def elements(self, owner: Resource, path: tuple[str, ...]) -> tuple[list[tuple[Any, str]], Unknown | None]:
        """The values at a path with `[*]`, each with its concrete path; and why there may be more."""
        cut = path.index("[*]")
        return self._unfold(owner, self.body(owner, path[:cut]), path, cut, dotted(path[:cut]))

    def _unfold(
        self, owner: Resource, array: Any, path: tuple[str, ...], cut: int, place: str
    ) -> tuple[list[tuple[Any, str]], Unknown | None]:
        """What a path leads to from the array at `path[:cut]`, which concretely stands at `place`."""
        if isinstance(array, Defaulted):
            array = array.value
        if array is ABSENT:
            return [], None
        if isinstance(array, Unknown):
            return [], array
        if not isinstance(array, list):
            return [], Unknown(f"{place} is no list")
        rest = path[cut + 1 :]
        end = rest.index("[*]") if "[*]" in rest else len(rest)
        found: list[tuple[Any, str]] = []
        missing: Unknown | None = None
        for index, element in enumerate(array):
            concrete = f"{place}[{index}]" + (f".{dotted(rest[:end])}" if end else "")
            if isinstance(element, Unknown) and not _listed(element):
                # Whether it is one element, several or none is as little known as what it says.
                missing = element
                continue
            value = ABSENT if element is None else element
            value = self._settled(owner, path[: cut + 1 + end], look_up(value, rest[:end])) if end else value
            if end == len(rest):
                found.append((value, concrete))
            else:
                more, lacking = self._unfold(owner, value, path, cut + 1 + end, concrete)
                found += more
                missing = lacking or missing
        return found, missing

    def _of_item(self, path: tuple[str, ...], item: Item) -> list[Reading]:
        place = dotted(path)
        if isinstance(item.value, Resource):
            if "[*]" in path:
                return _readings(*self.elements(item.value, path), f"{item.label}:", place, item.value)
            return [Reading(self.body(item.value, path), f"{item.label}:{place}", item.value, place)]
        whole = (*item.prefix, *path)
        cut = path.index("[*]") if "[*]" in path else len(path)
        concrete = f"{item.origin_prefix}.{dotted(path[:cut])}"
        value = self._settled(item.owner, (*item.prefix, *path[:cut]), look_up(item.value, path[:cut]))
        if cut == len(path):
            return [Reading(value, concrete, item.owner, concrete)]
        elements, missing = self._unfold(item.owner, value, whole, len(item.prefix) + cut, concrete)
        return _readings(elements, missing, "", f"{item.origin_prefix}.{place}", item.owner)

    def _own_fact(self, name: str, store: Resource) -> Reading:
        """A fact about the store itself; one about its region, where that is one of several, for each of them."""
        if not name.startswith("region."):
            return Reading(self.facts[name](store, None), name, store, "")
        region = self.body(store, ("region",))
        if isinstance(region, Unknown):
            return self._fact(name, store, Reading(region, "location", store, "location"))
        path = f"{name} of {store.region}" if store.region else name
        return Reading(self.facts[name](store, None), path, store, "")

    def _fact(self, name: str, store: Resource, of: Reading) -> Reading:
        """A fact about a value."""
        about = of.value.value if isinstance(of.value, Defaulted) else of.value
        path = f"{name} of {words(shown(about))}" if about is not ABSENT else f"{name} of {of.path}"
        if about is ABSENT:
            return Reading(Unknown(f"{of.path} is left out"), path, of.owner, of.concrete)
        if isinstance(about, Unknown):
            known = (self._fact(name, store, of._replace(value=one)).value for one in about.possible)
            return Reading(_one_of(about, known), f"{name} of {of.path}", of.owner, of.concrete)
        return Reading(self.facts[name](store, about), path, of.owner, of.concrete)

    def items(self, accessor: Accessor, store: Resource) -> tuple[list[Item], Unknown | None]:
        """What a count goes through, and why there may be more."""
        if accessor.root == "related":
            found, missing = self.estate.related(str(accessor.related), store)
            return [Item(item, item, (), "", item.name) for item in found], missing
        if accessor.root == "child":
            found, missing = self.collection(store, str(accessor.child))
            return [Item(item, item, (), "", f"{accessor.child}/{item.name}") for item in found], missing
        owner: Resource = store
        if accessor.child is not None:
            child = self.child(store, accessor.child)
            if isinstance(child, Unknown):
                return [], child
            owner = child
        elements, missing = self.elements(owner, accessor.path)
        return [Item(value, owner, accessor.path, path, path) for value, path in elements], missing

    def alternatives(self, store: Resource, accessors: Iterable[Accessor]) -> list[Resource]:
        """The store once for each value that the first undecided setting can take; empty where there is none.

        Only what the accessors point at is looked through, and only where all possible values are known.
        """
        for accessor in accessors:
            path = accessor.path
            if accessor.root == "fact" and not path and store.region is None:
                path = ("location",)
            for owner in self._owners(accessor, store):
                place = _undecided(owner.body, path, ())
                if place is not None:
                    steps, unknown = place
                    return [_chosen(store, owner, steps, one) for one in unknown.possible]
        return []

    def _owners(self, accessor: Accessor, store: Resource) -> Iterator[Resource]:
        if accessor.child is None:
            yield store
            return
        wanted = f"{store.id}/{accessor.child}".casefold()
        collection = f"{store.type}/{types_of(accessor.child)}".casefold()
        for child in store.children:
            if child.id.casefold() == wanted or (child.type.casefold() == collection and child.name != "*"):
                yield child

    def signer(self, accessor: Accessor) -> Callable[[Resource], Any]:
        """A function that gives all that can make two stores differ on an accessor: hashable, and cheap to compute."""
        child = accessor.child
        path = accessor.path
        if accessor.root == "related":
            return lambda store: self._related_signature(str(accessor.related), store)
        if accessor.root == "child":
            name = str(child)
            if name.count("/") % 2:
                return lambda store: _existence(self.child(store, name))
            return lambda store: repr([(c.name, c.type, c.body) for c in store.children if _below(c, store, name)])
        if accessor.root == "fact" and not path:
            fact = self.facts[str(accessor.fact)]
            return lambda store: fact(store, None)
        if "[*]" in path:
            path = path[: path.index("[*]")]

        def sign(store: Resource) -> Any:
            owner = store if child is None else self.child(store, child)
            value = owner if isinstance(owner, Unknown) else self.body(owner, path)
            kind = type(value)
            if kind is str or kind is Defaulted or kind is _Absent:
                return value
            # 1, 1.0 and True are equal to Python and not to a rule.
            return (kind, value) if kind in _PLAIN else (kind, repr(value))

        return sign

    def _related_signature(self, name: str, store: Resource) -> Any:
        found, missing = self.estate.related(name, store)
        return (repr(missing), *map(id, found))


_PLAIN: Final = (bool, int, float)

_Steps = tuple[str | int, ...]


def _undecided(value: Any, path: tuple[str, ...], steps: _Steps) -> tuple[_Steps, Unknown] | None:
    """The first Unknown with known alternatives on a path or below its end, and the concrete steps that lead to it."""
    if isinstance(value, Unknown):
        return (steps, value) if value.possible else None
    if len(steps) > MAX_STEPS:
        return None
    following: Iterable[str | int] = ()
    rest = path[1:]
    if isinstance(value, list) and (not path or path[0] == "[*]"):
        following = range(len(value))
    elif isinstance(value, Mapping):
        key = _key_of(value, path[0]) if path else None
        following = (list(value) if not path else ()) if key is None else (key,)
    found = (_undecided(value[step], rest, (*steps, step)) for step in following)
    return next((place for place in found if place is not None), None)


def _chosen(store: Resource, owner: Resource, steps: _Steps, value: Any) -> Resource:
    """The store with one value put in the place the steps lead to, in its own body or in a child's."""
    made = replace(owner, body=_put(owner.body, steps, value))
    if owner is not store:
        return replace(store, children=tuple(made if child is owner else child for child in store.children))
    location = look_up(made.body, ("location",))
    return replace(made, region=location) if made.region is None and isinstance(location, str) else made


def _put(body: Any, steps: _Steps, value: Any) -> Any:
    if not steps:
        return value
    copy: Any = dict(body) if isinstance(body, Mapping) else list(body)
    copy[steps[0]] = _put(copy[steps[0]], steps[1:], value)
    return copy


def _existence(child: Resource | Unknown) -> bool | str:
    state = child if isinstance(child, Unknown) else child.body
    return repr(state) if isinstance(state, Unknown) else state is not None


def _below(child: Resource, store: Resource, name: str) -> bool:
    below = child.id[len(store.id) + 1 :].casefold()
    wanted = name.casefold()
    return below == wanted or below.startswith(wanted + "/")


def types_of(name: str) -> str:
    """The type segments of a child path: `fileServices/default/shares` is of type `fileServices/shares`."""
    return "/".join(name.split("/")[::2])


def dotted(path: tuple[str, ...]) -> str:
    """A split path as rule files write it."""
    return ".".join(path).replace(".[*]", "[*]")

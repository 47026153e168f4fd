"""What the services know, as values: the calls, defaults, joins and tables that each service module is made of.

The sources and the engine work from a `Catalog` of them, and so depend on no service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from auditor.model import Resource


class SourceNote(NamedTuple):
    """The source of a fact: where it is written, and when that was last checked (ISO 8601 date)."""

    where: str
    date: str


class ApiDefault(NamedTuple):
    """The value the API itself uses when `path` is left out of a resource of `type`.

    `path` may hold `[*]`. `value` is a plain value, an `Unknown` (nobody can tell), or a function of the resource (a
    store or a child) and the facts. `since`/`until` bound the api-versions (inclusive dates, `YYYY-MM-DD`) it holds
    for; a resource without an api-version takes it. `when` restricts it to resources for which it returns True.
    """

    type: str
    path: str
    value: Any
    source: SourceNote
    since: str = ""
    until: str = ""
    when: Callable[[Resource], bool] | None = None


class ListCall(NamedTuple):
    """A list that the live source reads once a subscription.

    `path` is appended to `/subscriptions/{id}` (or to a resource group's id where `in_group`).
    `client` names the typed SDK client whose endpoint and pipeline carry it. An `optional` list
    that answers 404 leaves no gap, because the same fact is at hand elsewhere. `deep` lists are read on request only.
    """

    type: str
    path: str
    api_version: str
    action: str
    client: str
    in_group: bool = True
    optional: bool = False
    deep: bool = False


class ChildCall(NamedTuple):
    """A read below one resource: a singleton (`blobServices/default`) or a collection (`replicas`).

    `absent_on` are the statuses that mean "known not to exist". `skip` returns a reason when the resource cannot have
    the child, and an empty string when it can. `rate` names the token bucket besides ARM's own that the call draws on.
    An `optional` child that answers 404 is an `Unknown(unseen=True)` and leaves no gap.
    """

    parent_type: str
    type: str
    path: str
    api_version: str
    action: str
    client: str
    collection: bool = False
    absent_on: tuple[int, ...] = ()
    skip: Callable[[Mapping[str, Any]], str] | None = None
    query: str = ""
    rate: str = ""
    deep: bool = False
    optional: bool = False


class Expansion(NamedTuple):
    """A property that the list of a type leaves out, and that reading one of its resources with `query` shows.

    `property` is its name below `properties`; `when` tells the resources that have it. `rate` is as with `ChildCall`.
    """

    type: str
    property: str
    query: str
    api_version: str
    action: str
    client: str
    when: Callable[[Mapping[str, Any]], bool]
    rate: str = ""


class Related(NamedTuple):
    """A kind of resource that stands elsewhere and speaks about a data store: a lock, a backup instance.

    `targets(item)` gives the keys it points to (casefolded), `keys(store)` the keys that concern a store (its own id,
    or with locks also its group's and its subscription's). `listed` names the types of which a `Listing` must cover the
    store's subscription before "there is none" can be said; items below a `listed` parent (the instances of a backup
    vault) also need that parent's own listing to be complete.
    """

    name: str
    title: str
    types: tuple[str, ...]
    listed: tuple[str, ...]
    targets: Callable[[Resource], Iterable[str]]
    keys: Callable[[Resource], Iterable[str]]


class Conversion(NamedTuple):
    """How an attribute's value becomes ARM's. `text` says it in both directions, for the docs.

    `forward` takes the attribute's value, or a tuple of values for a row with several attributes; none of them is
    unknown. It returns None when ARM's property is not written. With `unset` it is also asked about what is unset
    (None): the provider sends something then, wherever the block around it is written.
    """

    text: str
    forward: Callable[[Any], Any]
    unset: bool = False


class ByMajor(NamedTuple):
    """A provider's default that differs by major version; `values` maps a major version to it."""

    values: Mapping[int, Any]


class Row(NamedTuple):
    """One attribute, or several that make one value, and where ARM has it.

    `names` are attribute paths in the names of the latest major version; blocks that may stand once are walked through
    (`blob_properties.delete_retention_policy.days`), lists are `[*]`. `arm` is a path in the body, with the child
    before it where it stands on one (`blobServices/default:properties.isVersioningEnabled`, `replicas[*]:location`).
    A row without a name is what the provider always sends; one that names a block is about its being there. `default`
    is what the provider sends when the attribute is unset and its block is there; None when it sends nothing.
    `formerly` are names of earlier major versions, with a conversion of their own where the meaning was turned round.
    """

    names: tuple[str, ...]
    arm: str
    conversion: Conversion
    default: Any = None
    formerly: tuple[tuple[str, Conversion], ...] = ()


class ResourceMap(NamedTuple):
    """A resource type of Terraform and the ARM resource it stands for.

    `owner` is the attribute that names the store it is a part of, by an id (`…_id`) or a name; several, separated by
    blanks, where earlier majors have another. Then `arm` is the store's own type when it is merged into it (network
    rules), or the type of the child it is (a management policy). Without an owner it is a resource of its own. `id` is
    the ARM id, with attributes in braces: `{group}` is the id of its resource group, `{owner}` that of its owner and
    `{address}` Terraform's own name for it, where Azure alone knows a part of the id. `rows` tell the attributes;
    `ignored` those that no rule and no reader of a report can want, so that the rest is listed as not understood; a
    final `*` stands for any ending. `source` is where the rows and their defaults were read.
    """

    type: str
    arm: str
    id: str
    rows: tuple[Row, ...] = ()
    owner: str = ""
    ignored: tuple[str, ...] = ()
    source: SourceNote | None = None


class Filled(NamedTuple):
    """A property that the service writes and nobody chooses, with what is below it, on resources of `type`.

    `path` may hold `[*]`; an empty type stands for all. `reason` says what the service writes there.
    """

    type: str
    path: str
    reason: str


class Service(NamedTuple):
    """One Azure service: what is read of it, its API defaults, what speaks about its stores from elsewhere.

    `modules` are the registry modules that make its stores, as (path, type): where such a module is not at hand, the
    store it would have made is known to be there, and nothing more. `terraform` are Terraform's resources. `filled` is
    what the service writes itself: no setting, and so no drift.

    `carried` are children that no call reads because Azure has no such thing: a source says there what it alone knows
    of a store (`terraform/lifecycle`).
    """

    name: str
    title: str
    namespace: str
    store_types: tuple[str, ...]
    lists: tuple[ListCall, ...]
    children: tuple[ChildCall, ...] = ()
    defaults: tuple[ApiDefault, ...] = ()
    related: tuple[Related, ...] = ()
    deleted_types: tuple[str, ...] = ()
    not_assessed: tuple[str, ...] = ()
    modules: tuple[tuple[str, str], ...] = ()
    filled: tuple[Filled, ...] = ()
    terraform: tuple[ResourceMap, ...] = ()
    carried: tuple[str, ...] = ()
    expansions: tuple[Expansion, ...] = ()


class Catalog(NamedTuple):
    """All services as the engine sees them, so that it depends on none of them.

    `facts` maps a fact's name (`region.zones`) to a function of the resource and of the value it is asked about.
    `filled` is what Resource Manager itself writes on resources of every type.
    """

    services: tuple[Service, ...]
    facts: Mapping[str, Callable[[Resource, Any], Any]]
    filled: tuple[Filled, ...] = ()

    def store_types(self) -> dict[str, Service]:
        """Casefolded ARM type of every audited resource → its service."""
        return {t.casefold(): s for s in self.services for t in s.store_types}

"""Scopes and resource ids: which deployment scope there is, and how ARM writes the id of what is deployed to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm.values import EvaluationError, Obj, Placeholder

GROUP_TYPE: Final = "microsoft.resources/resourcegroups"
_GROUP_MARK: Final = "/resourcegroups/"


def join(*parts: str) -> str:
    """Texts put together; a Placeholder when one of them is."""
    text = "".join(parts)
    reason = next((part.reason for part in parts if isinstance(part, Placeholder)), None)
    return text if reason is None else Placeholder(text, reason)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template is deployed to. `location` is the group's (or the deployment's) region, or an Unknown."""

    kind: str
    subscription: str = ""
    group: str = ""
    location: Any = None
    management_group: str = ""

    @property
    def id(self) -> str:
        """The scope's ARM id; empty for the tenant."""
        match self.kind:
            case "resourceGroup":
                return join("/subscriptions/", self.subscription, "/resourceGroups/", self.group)
            case "subscription":
                return join("/subscriptions/", self.subscription)
            case "managementGroup":
                return join("/providers/Microsoft.Management/managementGroups/", self.management_group)
        return ""

    def known_as(self, here: Scope) -> Scope:
        """The same scope with what is already known of it, when it is the one around it."""
        return here if self.id and self.id.casefold() == here.id.casefold() else self

    def member(self, key: Any) -> Any:
        """A property of what `resourceGroup()` or `subscription()` gives."""
        if isinstance(key, Unknown):
            return key
        found = self.as_object()
        name = str(key).casefold()
        actual = next((k for k in found if k.casefold() == name), None)
        if actual is None:
            return Unknown(f"{self.kind}().{key} is known only after deployment")
        return found[actual]

    def as_object(self) -> Obj:
        """What `resourceGroup()`, `subscription()` and their kin give, as far as it is known."""
        after = "is known only after deployment"
        match self.kind:
            case "resourceGroup":
                return Obj(
                    {
                        "id": self.id,
                        "name": self.group,
                        "type": "Microsoft.Resources/resourceGroups",
                        "location": self.location,
                        "tags": Unknown(f"resourceGroup().tags {after}"),
                        "properties": Obj({"provisioningState": "Succeeded"}),
                    }
                )
            case "subscription":
                return Obj(
                    {
                        "id": self.id,
                        "subscriptionId": self.subscription,
                        "tenantId": Unknown(f"subscription().tenantId {after}"),
                        "displayName": Unknown(f"subscription().displayName {after}"),
                    }
                )
            case "managementGroup":
                return Obj({"id": self.id, "name": self.management_group, "properties": Unknown(f"it {after}")})
        return Obj({"tenantId": Unknown(f"tenant().tenantId {after}")})

    def at(self, kind: str) -> Scope:
        """The scope of a kind around this one."""
        return replace(self, kind=kind)


def scope_of_id(text: str, here: Scope) -> Scope | Unknown:
    """The deployment scope an id names (`/subscriptions/x/resourceGroups/y`), or an Unknown."""
    parts = text.strip("/").split("/")
    folded = [part.casefold() for part in parts]
    if isinstance(text, Placeholder):
        parts = [Placeholder(part, text.reason) for part in parts]
    if folded[:2] == ["providers", "microsoft.management"] and len(parts) == 4:
        return Scope("managementGroup", here.subscription, "", here.location, parts[3])
    if folded[0] == "microsoft.management" and len(parts) == 3:
        return Scope("managementGroup", here.subscription, "", here.location, parts[2])
    if folded[0] == "subscriptions" and len(parts) == 2:
        return Scope("subscription", parts[1], "", here.location)
    if folded[0] == "subscriptions" and len(parts) >= 4 and folded[2] == "resourcegroups":
        unknown = Unknown(f"the location of resource group {parts[3]} is not known")
        return Scope("resourceGroup", parts[1], parts[3], unknown).known_as(here)
    if text == "/":
        return here.at("tenant")
    return Unknown(f"{text[:100]!r} is no scope that is known")


def old_extension(kind: str, name: str) -> tuple[str, str, str]:
    """Type, name and extended resource of an extension written in the old way; the latter is empty for all others.

    `N/stores/providers/locks` named `s/Microsoft.Authorization/l` is the lock `l` on the store `N/stores/s`.
    """
    head, mark, tail = kind.partition("/providers/")
    parts = name.split("/")
    types = head.split("/")
    if not mark or len(parts) < len(types) + 1:
        return kind, name, ""
    names, rest = parts[: len(types) - 1], parts[len(types) - 1 :]
    base = "/".join([types[0], *(x for pair in zip(types[1:], names, strict=True) for x in pair)])
    reason = name.reason if isinstance(name, Placeholder) else None
    own = "/".join(rest[1:])
    wrap = (lambda text: Placeholder(text, reason)) if reason is not None else str
    return f"{rest[0]}/{tail}", wrap(own), wrap(base)


def resource_id(base: str, kind: str, name: str) -> str:
    """The id of a resource of a full type at a scope (or on the resource with the id `base`).

    `name` has one segment a segment of the type, separated by slashes. A name with too few or too many of them (it
    holds a text that is not known) stands behind the type as a whole.
    """
    if kind.casefold() == GROUP_TYPE:
        return join(base, "/resourceGroups/", name)
    kind, name, extended = old_extension(kind, name)
    if extended:
        base = join(base, "/providers/", extended)
    namespace, *types = kind.split("/")
    names = name.split("/")
    if len(names) == len(types):
        text = "".join(f"/{part}/{one}" for part, one in zip(types, names, strict=True))
    else:
        text = f"/{'/'.join(types)}/{name}"
    made = f"{base}/providers/{namespace}{text}"
    reason = next((part.reason for part in (base, name) if isinstance(part, Placeholder)), None)
    if reason is None and len(names) != len(types):
        reason = f"the name {name!r} has not one part for each part of the type {kind}"
    return made if reason is None else Placeholder(made, reason)


def resource_id_of(base: str, arguments: list[Any]) -> str:
    """What `resourceId` and its kin give for a type and its names. Raises EvaluationError."""
    if not arguments or not all(isinstance(one, str) for one in arguments):
        raise EvaluationError("resourceId takes a type and names")
    kind, *names = arguments
    if len(kind.split("/")) - 1 != len(names):
        raise EvaluationError(f"{kind} takes {len(kind.split('/')) - 1} names, {len(names)} were given")
    return resource_id(base, kind, join(*[x for name in names for x in ("/", name)][1:]))

"""Where the resources of a plan are written: the folder of `.tf` files beside it, parsed and not evaluated.

A plan knows addresses and no places. Its reader asks here for the block behind an address, for the places of the
attributes in it, and whether a block is written in it, may be there as a `dynamic` one, or is absent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from auditor.model import Origin, Unknown, Waiver
from auditor.sources.files.jail import Jail
from auditor.sources.terraform import inline, syntax
from auditor.sources.terraform.blocks import MAX_ORIGINS, places
from auditor.sources.terraform.configuration import prevents_destroy
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.modules import Loader, Module, content_of
from auditor.sources.terraform.parser import ParseError, parse_expression
from auditor.sources.terraform.syntax import Block, Body, Source

MAX_ADDRESS: Final = 4_000
MAX_LEVELS: Final = 32

T = TypeVar("T")


class Presence(StrEnum):
    """What is written of an attribute or a block."""

    WRITTEN = "written"
    DYNAMIC = "dynamic"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The block behind an address. `via` are the module calls that lead to it, the outermost first.

    `waivers` are the inline waivers by it, and by those calls.
    """

    block: Block
    via: tuple[Origin, ...]
    waivers: tuple[Waiver, ...] = ()

    @property
    def origin(self) -> Origin:
        """Where it begins."""
        return self.block.span.origin(self.via)

    @property
    def prevent_destroy(self) -> bool | Unknown:
        """What its lifecycle says; false where it says nothing."""
        return prevents_destroy(self.block)

    def presence(self, path: str) -> Presence:
        """Whether an attribute or a block (`blob_properties.delete_retention_policy`) is written.

        Indexes in the path do not matter: where blocks of a type differ, one that has it decides.
        """
        return _presence(self.block.body, [step.partition("[")[0] for step in path.split(".")])

    def origins(self, values: Mapping[str, Any]) -> dict[str, Origin]:
        """The places of the attributes in `values` that are written, by path (`blob_properties[0].days`)."""
        found: dict[str, Origin] = {}
        for path, origin in _origins(self.block.body, values, "", self.via, MAX_LEVELS):
            if len(found) >= MAX_ORIGINS:
                break
            found[path] = origin
        return found


class Positions:
    """The places of one configuration, found when they are asked for."""

    def __init__(self, folder: Path, jail: Jail) -> None:
        """Take the root module's folder, by its real path."""
        self._loader = Loader(folder, jail)
        self._root = folder
        self._found: dict[tuple[str, ...], Place | None] = {}

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """All inline waivers in the configuration's files, also those that are for nothing."""
        modules = self._loader.reachable(self._loader.open(self._root))
        return inline.told(one for module in modules for one in module.documents)

    def of(self, address: str) -> Place | None:
        """The block of a resource or of one of its instances (`module.m["x"].azurerm_key_vault.a[0]`), if any."""
        names = _names(address)
        if names not in self._found:
            self._found[names] = self._place(names)
        return self._found[names]

    def dynamic(self, address: str, block: str) -> bool | None:
        """Whether a block of this name may stand in a resource as a dynamic one; None where nothing tells.

        The address may go on into blocks of the resource (`azurerm_storage_account.a.blob_properties`).
        """
        names = _names(address)
        end = 2
        while names[end - 2 : end - 1] == ("module",):
            end += 2
        place = self.of(".".join(names[:end]))
        presence = place.presence(".".join((*names[end:], block))) if place is not None else Presence.UNKNOWN
        return None if presence is Presence.UNKNOWN else presence is Presence.DYNAMIC

    def _place(self, names: tuple[str, ...]) -> Place | None:
        module = self._loader.open(self._root)
        via: tuple[Origin, ...] = ()
        path: tuple[str, ...] = ()
        calls: list[Block] = []
        while len(names) > 2 and names[0] == "module":
            call = module.calls.get(names[1])
            if call is None or len(path) >= MAX_LEVELS:
                return None
            path = (*path, names[1])
            child = self._loader.child(module, call, ".".join(path))
            if not isinstance(child, Module):
                return None
            via = (*via, call.span.origin(via))
            calls.append(call)
            module, names = child, names[2:]
        if len(names) != 2:
            return None
        block = module.resources.get((names[0], names[1]))
        return Place(block, via, inline.by((block, *calls))) if block is not None else None


def located(found: Iterable[T], positions: Positions) -> Iterator[T | Instance]:
    """What a plan says, its instances with the places they are written at, where there are any."""
    for one in found:
        place = positions.of(one.address) if isinstance(one, Instance) else None
        if place is None or not isinstance(one, Instance):
            yield one
            continue
        origin = place.origin._replace(expression=one.address)
        yield dataclasses.replace(
            one,
            origin=origin,
            origins={**place.origins(one.values), **one.origins},
            prevent_destroy=place.prevent_destroy,
            waivers=place.waivers,
        )


def _names(address: str) -> tuple[str, ...]:
    """The names in an address, without keys; empty where it is none."""
    if len(address) > MAX_ADDRESS:
        return ()
    try:
        node = parse_expression(Source("", address))
    except ParseError:
        return ()
    names: list[str] = []
    while isinstance(node, syntax.Member | syntax.Index):
        if isinstance(node, syntax.Member):
            names.append(str(node.key))
        node = node.base
    return (node.name, *reversed(names)) if isinstance(node, syntax.Name) else ()


def _presence(body: Body, steps: list[str]) -> Presence:
    first, rest = steps[0], steps[1:]
    if first in body.arguments:
        return Presence.WRITTEN
    found: list[Presence] = []
    for block in body.blocks:
        if block.type == "dynamic" and block.label == first:
            # Whether it makes any block is not known, and so for what is in them.
            inner = _presence(content_of(block), rest) if rest else Presence.DYNAMIC
            found.append(Presence.DYNAMIC if inner is Presence.WRITTEN else inner)
        elif block.type == first:
            found.append(_presence(block.body, rest) if rest else Presence.WRITTEN)
    if body.broken is not None:
        found.append(Presence.UNKNOWN)
    order = (Presence.WRITTEN, Presence.DYNAMIC, Presence.UNKNOWN)
    return next((one for one in order if one in found), Presence.ABSENT)


def _origins(
    body: Body, values: Mapping[str, Any], path: str, via: tuple[Origin, ...], depth: int
) -> Iterator[tuple[str, Origin]]:
    for name, value in values.items():
        argument = body.arguments.get(name)
        if argument is not None:
            yield from places(path + name, argument, via)
        elif isinstance(value, list) and depth:
            blocks = _blocks(body, name)
            for index, item in enumerate(value):
                block, inner = _block_at(blocks, index, item) if isinstance(item, Mapping) else (None, Body())
                if block is None:
                    continue
                place = f"{path}{name}[{index}]"
                yield place, block.span.origin(via)
                yield from _origins(inner, item, f"{place}.", via, depth - 1)


def _blocks(body: Body, name: str) -> list[tuple[Block, Body]]:
    """The blocks of a name in order, each with what stands in it."""
    found: list[tuple[Block, Body]] = []
    for block in body.blocks:
        if block.type == "dynamic" and block.label == name:
            found.append((block, content_of(block)))
        elif block.type == name:
            found.append((block, block.body))
    return found


def _block_at(blocks: list[tuple[Block, Body]], index: int, item: Mapping[str, Any]) -> tuple[Block | None, Body]:
    """The block that makes an element. The elements of a set come in another order than they are written in."""
    fitting = [at for at, (_, body) in enumerate(blocks) if _fits(body, item)]
    if not fitting or (len(fitting) > 1 and any(blocks[at][0].type == "dynamic" for at in fitting)):
        return None, Body()
    return blocks[index if index in fitting else fitting[0]]


def _fits(body: Body, item: Mapping[str, Any]) -> bool:
    """Whether an element has all the values that a block writes out."""
    for name, argument in body.arguments.items():
        value = item.get(name)
        if (
            isinstance(argument.value, syntax.Literal)
            and name in item
            and value is not None
            and not isinstance(value, Unknown)
        ):
            written = argument.value.value
            if str(written).casefold() != str(value).casefold():
                return False
    return True

"""The configuration inside a plan: what is written for a resource, and where the values in it come from.

A plan tells of an expression what it refers to, and not what it makes of that. References are followed through the
variables of modules to what their callers give, and through the outputs of modules to what these refer to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from auditor.model import Unknown
from auditor.sources.terraform.document import mapping
from auditor.sources.terraform.instances import Reference

MAX_DEPTH: Final = 32
"""Variables and outputs that lead to one another."""
MAX_STEPS: Final = 500
"""References followed for one expression."""
MAX_SHOWN: Final = 100
"""Characters of a reference in a reason."""

_STEP: Final = re.compile(r'([^.\[\]"]+)|\[("(?:[^"\\]|\\.)*+"|[0-9]+)\]')
_KEYS: Final = re.compile(r'\[(?:"(?:[^"\\]|\\.)*+"|[0-9]+)\]')
_MODULE: Final = re.compile(r'module\.([^.\[\]"]+)(\[(?:"(?:[^"\\]|\\.)*+"|[0-9]+)\])?(?:\.|\Z)')

ModulePath = tuple[tuple[str, str], ...]
"""A module's instance: the name of each call with its key in brackets, or an empty text."""


def module_path(address: str) -> ModulePath:
    """The path of `module.a["x"].module.b`; of a resource's address the modules it stands in."""
    path: list[tuple[str, str]] = []
    at = 0
    while match := _MODULE.match(address, at):
        path.append((match[1], match[2] or ""))
        at = match.end()
    return tuple(path)


def without_keys(address: str) -> str:
    """An address without the keys of `count` and `for_each`."""
    return _KEYS.sub("", address)


def instance_key(index: Any) -> str:
    """The key of an instance as addresses show it."""
    if isinstance(index, bool) or index is None:
        return ""
    if isinstance(index, int):
        return f"[{index}]"
    if not isinstance(index, str):
        return ""
    escaped = (
        index.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f'["{escaped}"]'


class Scope(NamedTuple):
    """Where an expression stands: the module's instance, the key of the resource's own, and what it is repeated for."""

    module: ModulePath
    key: str = ""
    repeated: tuple[str, ...] = ()


class Source(NamedTuple):
    """A resource whose attribute goes into a value; `attribute` is empty where the plan does not tell which.

    `key` is the instance's, in brackets; `keyed` says that it is that of whoever refers to it.
    """

    module: ModulePath
    resource: str
    key: str
    attribute: str
    keyed: bool

    @property
    def address(self) -> str:
        """The address from the root module, without the keys of modules and instances."""
        return "".join(f"module.{name}." for name, _ in self.module) + self.resource


@dataclass(frozen=True, slots=True)
class Traced:
    """What an expression rests on: resources, and names that lead where the plan does not show."""

    sources: frozenset[Source]
    opaque: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        """Whether all of it stands in the plan: constants and the variables of the root module."""
        return not self.sources and not self.opaque


class _Module:
    """A module's configuration, its resources by their addresses within it."""

    def __init__(self, tree: Any) -> None:
        self.tree = mapping(tree)
        self.calls = mapping(self.tree.get("module_calls"))
        self.outputs = mapping(self.tree.get("outputs"))
        listed = self.tree.get("resources")
        self.resources: dict[str, Mapping[str, Any]] = {
            str(one.get("address")): one
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict)
        }


class Configuration:
    """The `configuration` of a plan, whatever it may hold."""

    def __init__(self, tree: Any) -> None:
        """Take the member as it was parsed."""
        whole = mapping(tree)
        self.providers = mapping(whole.get("provider_config"))
        self._root = _Module(whole.get("root_module"))
        self._modules: dict[tuple[str, ...], _Module | None] = {(): self._root}
        self._traced: dict[tuple[tuple[str, ...], Scope], Traced] = {}

    def resource(self, module: ModulePath, address: str) -> Mapping[str, Any] | None:
        """What is written for a resource, by its address within its module; None where it is not there."""
        found = self._module(tuple(name for name, _ in module))
        return None if found is None else found.resources.get(address)

    def _module(self, names: tuple[str, ...]) -> _Module | None:
        if names not in self._modules:
            above = self._module(names[:-1]) if len(names) <= MAX_DEPTH else None
            call = mapping(above.calls.get(names[-1])) if above is not None else {}
            self._modules[names] = _Module(call["module"]) if isinstance(call.get("module"), dict) else None
        return self._modules[names]

    # ── where values come from ───────────────────────────────────────────────────────────────────────────────────────

    def trace(self, references: Iterable[Any], scope: Scope) -> Traced:
        """What an expression with these references rests on."""
        key = (tuple(name for name in references if isinstance(name, str)), scope)
        found = self._traced.get(key)
        if found is None:
            if len(self._traced) > 10_000:
                self._traced.clear()
            sources: set[Source] = set()
            opaque: set[str] = set()
            budget = [MAX_STEPS]
            for one in self._follow(*key, budget, 0):
                if isinstance(one, Source):
                    sources.add(one)
                else:
                    opaque.add(one)
            found = self._traced[key] = Traced(frozenset(sources), frozenset(opaque))
        return found

    def unknown(self, references: Iterable[Any], scope: Scope) -> Unknown:
        """A value known after apply only: a Reference where it can be but one resource's attribute."""
        traced = self.trace(references, scope)
        if len(traced.sources) == 1 and not traced.opaque:
            (source,) = traced.sources
            if not source.resource.startswith("data."):
                where = "".join(f"module.{name}{key}." for name, key in source.module)
                reason = f"known after apply: {source.resource}{source.key}.{source.attribute}".rstrip(".")
                return Reference(
                    reason[: MAX_SHOWN * 2],
                    address=f"{where}{source.resource}{source.key}",
                    attribute=source.attribute,
                    keyed=source.keyed,
                )
        rests = sorted({source.address for source in traced.sources} | traced.opaque)
        named = ", ".join(name[:MAX_SHOWN] for name in rests[:3])
        return Unknown(f"known after apply: it depends on {named}" if named else "known after apply")

    def _follow(
        self, references: tuple[str, ...], scope: Scope, budget: list[int], depth: int
    ) -> Iterator[Source | str]:
        keyed = any(name.startswith(("each.", "count.")) for name in references)
        for name in _longest(references):
            budget[0] -= 1
            if budget[0] < 0 or depth > MAX_DEPTH:
                yield name
                continue
            steps = _steps(name)
            match steps:
                case [("var", _), (variable, _), *rest]:
                    yield from self._given(variable, rest, scope, budget, depth)
                case [("each", _), ("value", _), *rest]:
                    for one in self._follow(scope.repeated, scope._replace(repeated=()), budget, depth + 1):
                        yield _asked(one, rest, keyed=True)
                case [("each" | "count" | "path" | "terraform" | "self", _), *_]:
                    continue
                case [("module", _), (module, key), (output, _), *rest]:
                    yield from self._output((*scope.module, (module, key)), output, rest, budget, depth)
                case [("module", _), (module, key)]:
                    yield from self._outputs((*scope.module, (module, key)), budget, depth)
                case [("data", _), (kind, _), (label, key), *rest]:
                    yield _source(scope, f"data.{kind}.{label}", key, rest, keyed)
                case [("local" | "module" | "data" | "ephemeral", _), *_] | [] | [_]:
                    yield name
                case [(kind, _), (label, key), *rest]:
                    yield _source(scope, f"{kind}.{label}", key, rest, keyed)

    def _given(
        self, variable: str, rest: list[tuple[str, str]], scope: Scope, budget: list[int], depth: int
    ) -> Iterator[Source | str]:
        """What a module's caller gives for a variable; in the root module it is known, as its default is."""
        if not scope.module:
            return
        *above, (name, key) = scope.module
        caller = self._module(tuple(step for step, _ in above))
        call = mapping(caller.calls.get(name)) if caller is not None else {}
        if not call:
            yield f"var.{variable}"
            return
        given = references_of(mapping(call.get("expressions")).get(variable))
        outer = Scope(tuple(above), key, tuple(references_of(call.get("for_each_expression"))))
        for one in self._follow(tuple(given), outer, budget, depth + 1):
            found = _asked(one, rest)
            # The key is that of the module's instance, which is known here.
            if isinstance(found, Source) and found.keyed and key:
                found = found._replace(key=key, keyed=False)
            yield found

    def _outputs(self, module: ModulePath, budget: list[int], depth: int) -> Iterator[Source | str]:
        """All that a module gives: which of it is meant, a plan does not tell of `module.a[each.key].id`."""
        inside = self._module(tuple(name for name, _ in module))
        if inside is None or not inside.outputs:
            yield f"module.{module[-1][0]}"
            return
        for output in inside.outputs:
            yield from self._output(module, output, [], budget, depth)

    def _output(
        self, module: ModulePath, output: str, rest: list[tuple[str, str]], budget: list[int], depth: int
    ) -> Iterator[Source | str]:
        inside = self._module(tuple(name for name, _ in module))
        written = mapping(inside.outputs.get(output)) if inside is not None else {}
        if not written:
            yield f"module.{module[-1][0]}.{output}"
            return
        for one in self._follow(tuple(references_of(written.get("expression"))), Scope(module), budget, depth + 1):
            yield _asked(one, rest)

    # ── what is seen to be used ──────────────────────────────────────────────────────────────────────────────────────

    def uses(self) -> set[tuple[str, str]]:
        """Each resource, without keys, with the first step of the attribute, that some shown expression refers to."""
        found: set[tuple[str, str]] = set()
        for references, scope in self._expressions():
            found.update((source.address, source.attribute) for source in self.trace(references, scope).sources)
        return found

    def _expressions(self) -> set[tuple[tuple[str, ...], Scope]]:
        found: set[tuple[tuple[str, ...], Scope]] = set()
        for provider in self.providers.values():
            found.update((one, Scope(())) for one in _all_references(mapping(provider).get("expressions")))
        found.update((one, Scope(())) for one in _all_references(list(self._root.outputs.values())))
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            names = waiting.pop()
            module = self._module(names)
            if module is None:
                continue
            path = tuple((name, "") for name in names)
            for one in module.resources.values():
                repeated = tuple(references_of(one.get("for_each_expression")))
                for written in (one.get("expressions"), one.get("count_expression"), one.get("for_each_expression")):
                    found.update((references, Scope(path, "", repeated)) for references in _all_references(written))
            for name, call in module.calls.items():
                for written in (mapping(call).get("count_expression"), mapping(call).get("for_each_expression")):
                    found.update((references, Scope(path)) for references in _all_references(written))
                waiting.append((*names, name))
        return found


def references_of(expression: Any) -> list[str]:
    """The references of one expression."""
    listed = mapping(expression).get("references")
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def is_expression(written: Any) -> bool:
    """Whether something written is an attribute's expression; a block is a list, or an object of expressions."""
    return isinstance(written, dict) and written.keys() <= {"references", "constant_value"}


def _all_references(written: Any, depth: int = 0) -> Iterator[tuple[str, ...]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(written, dict):
        references = references_of(written)
        if references:
            yield tuple(references)
        else:
            for one in written.values():
                yield from _all_references(one, depth + 1)
    elif isinstance(written, list):
        for one in written:
            yield from _all_references(one, depth + 1)


def _longest(references: tuple[str, ...]) -> Iterator[str]:
    """The references as they are written: a plan lists each one's beginnings behind it."""
    last = ""
    for name in references:
        if not last.startswith(name) or last[len(name) : len(name) + 1] not in (".", "["):
            yield name
            last = name


def _steps(reference: str) -> list[tuple[str, str]]:
    """The names in a reference, each with the key in brackets behind it: `a.b["x"].c` is a, b ["x"], c."""
    steps: list[tuple[str, str]] = []
    for match in _STEP.finditer(reference):
        if match[1] is not None:
            steps.append((match[1], ""))
        elif steps and not steps[-1][1]:
            steps[-1] = (steps[-1][0], match[0])
    return steps


def _source(scope: Scope, resource: str, key: str, rest: list[tuple[str, str]], keyed: bool) -> Source:
    # Of `a[each.key].id` a plan tells `a` and `each.key`, so that what is asked of it is lost.
    return Source(scope.module, resource, key, rest[0][0] if rest else "", keyed and not key and not rest)


def _asked(one: Source | str, rest: list[tuple[str, str]], keyed: bool = False) -> Source | str:
    """A source, when an attribute of the value it gives is asked for."""
    if isinstance(one, str):
        return one
    attribute = rest[0][0] if rest and not one.attribute and not one.keyed else one.attribute
    return one._replace(attribute=attribute, keyed=one.keyed or (keyed and not one.key and not one.attribute))

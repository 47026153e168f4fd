"""From an evaluated template to records: data stores with their children, what speaks about them, and the gaps."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.catalog import Catalog, ChildCall
from auditor.directives import WHOLE
from auditor.model import Gap, Listing, Origin, Record, Resource, Unknown, Waiver
from auditor.sources.arm import functions, instances, ir
from auditor.sources.arm.evaluate import Deployment, GivenArguments, Run
from auditor.sources.arm.ids import Scope
from auditor.sources.arm.values import Arr, Mark, Obj, Placeholder

NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
MAX_ORIGINS: Final = 5_000
"""Positions kept of one resource."""
MAX_DEPTH: Final = 60
MAX_EXTENDS: Final = 16


@dataclass(frozen=True, slots=True)
class Context:
    """Where a template would be deployed to, as far as it was said. Empty texts stand for what was not."""

    subscription: str = ""
    resource_group: str = ""
    location: str = ""

    def scope(self, kind: str) -> Scope:
        """The scope of a template of a kind; what was not said is a Placeholder or an Unknown that names the option."""
        subscription = self.subscription.casefold() or Placeholder(
            NO_SUBSCRIPTION, "the subscription was not given (--subscription)"
        )
        group = self.resource_group or Placeholder(
            "{resource-group}", "the resource group was not given (--resource-group)"
        )
        location = self.location or Unknown("the location of the deployment was not given (--location)")
        manager = Placeholder("{management-group}", "the management group is not known")
        return Scope(kind, subscription, group if kind == "resourceGroup" else "", location, manager)


def deploy(
    template: ir.Template,
    parameters: Sequence[ir.ParameterFile],
    given: Mapping[str, str],
    context: Context,
    files: ir.Files,
    environment: Mapping[str, str],
) -> Deployment:
    """The deployment of an entry point: its parameter files (later ones win) and single values given over them."""
    run = Run(files, environment, "")
    scope = context.scope(template.scope)
    values: dict[str, Callable[[], Any]] = {}
    lost: list[Unknown] = []
    for file in parameters:
        values |= _values_of(file, run, scope, files, lost)
    if lost:
        # What a file says and could not be read may be another value than the default.
        values = {name.casefold(): lambda: lost[0] for name in template.parameters} | values
    for name, text in given.items():
        kind = next((p.type for key, p in template.parameters.items() if key.casefold() == name.casefold()), "")
        values[name.casefold()] = lambda text=text, kind=kind: _parsed(text, kind)  # type: ignore[misc]
    name = Placeholder("main", "the name of the deployment is not known")
    run.partly(template, ())
    return Deployment(run, template, scope, GivenArguments(values), name)


def _values_of(
    file: ir.ParameterFile, run: Run, scope: Scope, files: ir.Files, lost: list[Unknown], depth: int = 0
) -> dict[str, Callable[[], Any]]:
    """What a parameter file and those it extends give; `lost` takes why there may be more that was not read."""
    values: dict[str, Callable[[], Any]] = {}
    uri = file.source.uri
    run.heard(file.source)
    if file.extends:
        base = files.parameters(file.source, file.extends)
        if depth >= MAX_EXTENDS:
            base = ir.Unresolved(file.extends, f"more than {MAX_EXTENDS} parameter files extend one another")
        if isinstance(base, ir.Unresolved):
            run.gaps.setdefault(("parameters", base.reference), Gap(base.reference, base.reason, Origin(uri)))
            lost.append(Unknown(f"{uri} extends {base.reference}, which was not read and may give it"))
        else:
            values |= _values_of(base, run, scope, files, lost, depth + 1)
    for problem in file.problems:
        reason = f"{problem.message}; the parameter file was only partly read"
        gap = Gap(uri, reason, problem.span.origin())
        run.gaps.setdefault(("parameters", uri, problem.span.start), gap)
        if not any(one.span.start <= problem.span.start < one.span.end for one in file.values.values()):
            lost.append(Unknown(f"{uri}:{problem.span.line} could not be read, and may give it"))
    home = Deployment(run, file.context, scope, GivenArguments({}), uri)
    for name, expression in file.values.items():
        values[name.casefold()] = lambda expression=expression: home.guarded(expression, {})  # type: ignore[misc]
    return values


def _parsed(text: str, kind: str) -> Any:
    """A value from the command line: JSON for objects and arrays, text otherwise (the evaluator converts the rest)."""
    if kind in ("object", "array"):
        try:
            return _with_marks(json.loads(text))
        except (ValueError, RecursionError):
            return Unknown(f"the value given with --parameter is no JSON {kind}")
    return text


def _with_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return Obj({key: _with_marks(item) for key, item in value.items()})
    return Arr(map(_with_marks, value)) if isinstance(value, list) else value


# ── what a deployment declares ───────────────────────────────────────────────────────────────────────────────────────


def records(root: Deployment, catalog: Catalog) -> Iterator[Record]:
    """Everything of a deployment that rules look at, stores first; then its gaps, and all inline waivers."""
    estate = _Estate(catalog)
    for one in root.everything():
        if isinstance(one, instances.Module):
            estate.module(one)
        elif not one.declaration.existing:
            estate.resource(one)
    yield from estate.records(root)
    yield from root.run.gaps.values()
    yield from root.run.waivers


class _Estate:
    """The resources of one deployment, by type, until all have been seen and can be joined."""

    def __init__(self, catalog: Catalog) -> None:
        services = catalog.services
        self._stores = catalog.store_types()
        self._calls: dict[str, list[ChildCall]] = {}
        for service in services:
            for call in service.children:
                self._calls.setdefault(call.parent_type.casefold(), []).append(call)
        self._related = tuple({related.name: related for s in services for related in s.related}.values())
        beside = {name for related in self._related for name in related.types}
        below = {call.type for service in services for call in service.children}
        self._names = {name.casefold(): name for name in (*below, *beside)}
        self._names |= {name.casefold(): name for s in services for name in s.store_types}
        self._modules = {path: kind for service in services for path, kind in service.modules}
        self._found: dict[str, list[tuple[Resource, instances.Resource]]] = {}
        self._made: list[Resource] = []
        self._strays: dict[str, list[tuple[str, Resource]]] = {}
        self._missing: Unknown | None = None

    def module(self, module: instances.Module) -> None:
        """Note what a module whose template is not at hand would have made."""
        inside = module.inside
        if isinstance(inside, Deployment):
            return
        reference = module.declaration.reference
        reason = f"module {reference or module.name} could not be resolved: {inside.reason}"
        path = reference.partition(":")[2].partition(":")[0].casefold()
        kind = next((kind for known, kind in self._modules.items() if path.endswith(known)), None)
        if kind is not None:
            self._made.append(self._unresolved(module, kind, Unknown(reason)))
        elif "avm/res/" not in path:
            # What it makes is anybody's guess; a module of another kind of resource cannot touch a data store.
            self._missing = self._missing or Unknown(f"{reason}, and it may declare this")

    def _unresolved(self, module: instances.Module, kind: str, reason: Unknown) -> Resource:
        arguments = module.declaration.arguments
        value = module.deployment.guarded(arguments, module.env) if arguments is not None else None
        name = functions.member(value, "name", safe=True) if isinstance(value, dict) else None
        text = name if isinstance(name, str) else f"{{{module.declaration.symbol or module.name}}}"
        scope = module.deployment.scope.id
        store_id = f"{scope}/providers/{kind}/{text}"
        origin = module.declaration.span.origin(via=module.deployment.via)
        children = tuple(
            Resource(
                f"{store_id}{call.path}{'/*' if call.collection else ''}",
                call.type,
                "*" if call.collection else call.path.rpartition("/")[2],
                None,
                reason,
                origin,
                store_id,
            )
            for call in self._calls.get(kind.casefold(), ())
        )
        condition = _condition(module)
        return Resource(
            store_id,
            kind,
            str(text),
            None,
            reason,
            origin,
            None,
            children,
            condition=condition,
            waivers=_waivers(module),
        )

    def resource(self, one: instances.Resource) -> None:
        """Take a resource in when any rule looks at its type."""
        kind = self._names.get(one.type.casefold())
        if kind is not None:
            made = _resource(one, kind, keep_ids=kind.casefold() not in self._stores)
            self._found.setdefault(kind.casefold(), []).append((made, one))

    def records(self, root: Deployment) -> Iterator[Record]:
        """The stores with their children, what speaks about them, and what was read whole."""
        run = root.run
        if self._missing is None and run.gaps:
            partly = next((gap for key, gap in run.gaps.items() if key[0] not in ("module", "parameters")), None)
            if partly is not None:
                where = f"{partly.origin.uri}:{partly.origin.line}" if partly.origin.line else partly.origin.uri
                self._missing = Unknown(
                    f"it is not declared where it could be read, and {where} could not be read whole"
                )
        seen: dict[str, int] = {}
        for kind in self._stores:
            for made, one in self._found.get(kind, ()):
                joined = self._joined(made, one)
                count = seen[joined.id.casefold()] = seen.get(joined.id.casefold(), 0) + 1
                # Two stores whose names are not known are two stores.
                yield joined if count == 1 or not isinstance(one.name, Placeholder) else _renamed(joined, f" ({count})")
        yield from self._made
        for related in self._related:
            for name in related.types:
                if name.casefold() not in self._below() and name.casefold() not in self._stores:
                    yield from (made for made, _ in self._found.get(name.casefold(), ()))
            # Where backup vaults are declared, a store none of them protects is known to have no backup.
            listed = [name.casefold() for name in related.listed]
            if not all(name in self._stores for name in listed):
                continue
            # What could not be read here may protect what another template of the target declares.
            missing = None if self._missing is None else dataclasses.replace(self._missing, unseen=True)
            if missing is not None or any(map(self._found.get, listed)):
                base = f"/subscriptions/{root.scope.subscription}"
                note = "as far as the template declares"
                yield from (Listing(base, name, missing, note=note, declared=True) for name in related.listed)

    def _below(self) -> set[str]:
        return {call.type.casefold() for calls in self._calls.values() for call in calls}

    def _joined(self, store: Resource, one: instances.Resource) -> Resource:
        children: list[Resource] = []
        body = store.body if isinstance(store.body, Mapping) else {}
        for call in self._calls.get(store.type.casefold(), ()):
            found = self._found.get(call.type.casefold(), ())
            own = [made for made, child in found if _stands_in(child, one)]
            skipped = call.skip(body) if call.skip is not None else ""
            nothing: Unknown | None = Unknown(skipped, unseen=True) if skipped else self._missing
            if call.collection:
                children += own
                children.append(_absent(store, call, nothing or self._perhaps(store, call)))
                continue
            own = [made for made in own if made.id.casefold() == f"{store.id}{call.path}".casefold()]
            children.append(_chosen(own) if own else _absent(store, call, nothing or self._perhaps(store, call)))
        return dataclasses.replace(store, children=tuple(children))

    def _perhaps(self, store: Resource, call: ChildCall) -> Unknown | None:
        """Why a store may have a child that is not known to be its own; None when all children are somebody's."""
        kind = call.type.casefold()
        if kind not in self._strays:
            stores = {made.id.casefold() for made, _ in self._found.get(call.parent_type.casefold(), ())}
            depth = 2 * (call.type.count("/") - call.parent_type.count("/"))
            self._strays[kind] = [
                (_name_above(child), made)
                for made, child in self._found.get(kind, ())
                if isinstance(child.id, Placeholder) and made.id.rsplit("/", depth)[0].casefold() not in stores
            ]
        for name, stray in self._strays[kind]:
            if not name or name.casefold() == store.name.casefold():
                where = f"{stray.origin.uri}:{stray.origin.line}"
                return Unknown(f"it is not known whose the one is that {where} declares; it may be this one's")
        return None


def _stands_in(child: instances.Resource, store: instances.Resource) -> bool:
    """Whether a resource belongs to a store: by its parents, or by its id where they are not in the template."""
    parent = child.parent
    while parent is not None and not parent.declaration.existing:
        if parent is store:
            return True
        parent = parent.parent
        if parent is None:
            return False
    return child.id.casefold().startswith(f"{store.id}/".casefold())


def _name_above(child: instances.Resource) -> str:
    """The name of the store a child belongs to; empty when it is not known."""
    root = child
    while root.parent is not None:
        root = root.parent
    if isinstance(root.name, Placeholder) or (root is child and child.declaration.parent_reference is not None):
        return ""
    return root.name.partition("/")[0]


def _renamed(store: Resource, suffix: str) -> Resource:
    """The same store under another name, its children with it."""
    cut, new = len(store.id), store.id + suffix
    children = tuple(dataclasses.replace(one, id=new + one.id[cut:], parent=new) for one in store.children)
    return dataclasses.replace(store, id=new, name=store.name + suffix, children=children)


def _chosen(own: Sequence[Resource]) -> Resource:
    """The one declaration of a singleton child; the last where there are several. A conditional one may be missing."""
    child = own[-1]
    if child.condition is None:
        return child
    others = [one.body for one in own[:-1]] or [None]
    reason = f"it is declared under a condition that is not decided: {child.condition}"
    # An alternative that is itself unknown stays among them: leaving it out would let the rest decide.
    body = Unknown(reason, (child.body, *others))
    return dataclasses.replace(child, body=body)


def _absent(store: Resource, call: ChildCall, body: Unknown | None) -> Resource:
    child_id = f"{store.id}{call.path}" + ("/*" if call.collection else "")
    name = "*" if call.collection else call.path.rpartition("/")[2]
    # Defaults of a child nobody declares are those of the api-version the store is declared with.
    return Resource(child_id, call.type, name, None, body, store.origin, store.id, (), store.api_version)


# ── one resource ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _resource(one: instances.Resource, kind: str, *, keep_ids: bool) -> Resource:
    declaration = one.declaration
    via = one.deployment.via
    body = one.body
    origins: dict[str, Origin] = {}
    plain: Any = _plain(body, "", origins, keep_ids=keep_ids) if isinstance(body, Obj) else body
    name = one.id.rpartition("/")[2] if one.parent is not None or "/" in one.name else str(one.name)
    region: Any = None
    if isinstance(plain, dict):
        region = next((value for key, value in plain.items() if key.casefold() == "location"), None)
        # A made-up name joins what belongs together, and must not be taken for the name of what is deployed.
        told = Unknown(one.name.reason) if isinstance(one.name, Placeholder) else name
        plain = {"name": told, "type": kind, **plain}
    parent = one.parent
    return Resource(
        str(one.id),
        kind,
        name,
        region if isinstance(region, str) and region else None,
        plain,
        declaration.span.origin(via=via),
        str(parent.id) if parent is not None else None,
        (),
        declaration.api_version or None,
        condition=_condition(one),
        origins=origins,
        waivers=_waivers(one),
    )


def _condition(one: instances.Resource | instances.Module) -> str | None:
    """The undecided conditions and loops a resource stands under, as text; None when it is deployed for sure."""
    found: list[str] = []
    seen: instances.Resource | instances.Module | None = one
    while seen is not None:
        if isinstance(seen.condition, Unknown):
            expression = seen.declaration.condition
            found.append(expression.span.text if expression is not None else seen.condition.reason)
        if seen.repeated:
            found.append(seen.repeated)
        seen = seen.deployment.module
    return " and ".join(dict.fromkeys(reversed(found))) or None


def _waivers(one: instances.Resource | instances.Module) -> tuple[Waiver, ...]:
    """The inline waivers of what declares a resource, and of the module calls and the files around it."""
    found: dict[Waiver, None] = {}
    seen: instances.Resource | instances.Module | None = one
    while seen is not None:
        span = seen.declaration.span
        for place in (span.start, WHOLE):
            found |= dict.fromkeys(span.source.waivers.get(place, ()))
        seen = seen.deployment.module
    return tuple(found)


def _plain(value: Any, path: str, origins: dict[str, Origin], *, keep_ids: bool, depth: int = 0) -> Any:
    """A value as a resource's body holds it, with the place of every entry in `origins` by its casefolded path."""
    if depth > MAX_DEPTH:
        return Unknown("the value nests too deep")
    if isinstance(value, Placeholder):
        # A made-up text may name a thing consistently (an id that joins), but it decides nothing.
        return str(value) if keep_ids and "/providers/" in value else Unknown(value.reason)
    if isinstance(value, Obj):
        result: dict[str, Any] = {}
        for key, item in value.items():
            place = f"{path}.{key}" if path else key
            _keep(origins, place, value.marks.get(key))
            result[key] = _plain(item, place, origins, keep_ids=keep_ids, depth=depth + 1)
        return result
    if isinstance(value, Arr):
        items = []
        for index, item in enumerate(value):
            place = f"{path}[{index}]"
            _keep(origins, place, value.marks.get(index))
            items.append(_plain(item, place, origins, keep_ids=keep_ids, depth=depth + 1))
        return items
    if isinstance(value, dict):
        return {key: _plain(item, path, origins, keep_ids=keep_ids, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, path, origins, keep_ids=keep_ids, depth=depth + 1) for item in value]
    if isinstance(value, instances.Resource | instances.Module | Scope):
        return _plain(value.member("id"), path, origins, keep_ids=keep_ids, depth=depth + 1)
    if isinstance(value, Unknown) and value.possible:
        possible = tuple(_plain(one, path, {}, keep_ids=keep_ids, depth=depth + 1) for one in value.possible)
        return Unknown(value.reason, possible, value.permission, value.unseen)
    if isinstance(value, str | int | float | bool | Unknown) or value is None:
        return value
    return Unknown("a value that is known only to the evaluator")


def _keep(origins: dict[str, Origin], path: str, mark: Mark | None) -> None:
    if mark is not None and len(origins) < MAX_ORIGINS:
        origins[path.casefold()] = mark.origin

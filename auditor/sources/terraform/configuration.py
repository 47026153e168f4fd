"""Reads a folder of `.tf` files: the instances of its resources, as far as the configuration alone decides them.

The truth about a deployment is its plan. What stands here is what the text says: variables without a value, data
sources and what the provider computes are unknown, each with its reason, and a resource under an undecided `count` or
`for_each` is one instance that says so.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from auditor.model import EMPTY, Gap, Unknown, Waiver
from auditor.sources.files.jail import Jail, Refused, read, shown, text_of
from auditor.sources.terraform import inline, syntax
from auditor.sources.terraform.blocks import Origins, final, ignored_changes
from auditor.sources.terraform.instances import Instance, Partly, Provider
from auditor.sources.terraform.modules import (
    Loader,
    Missing,
    Module,
    constraints_of,
    full_name,
    lifecycle_of,
)
from auditor.sources.terraform.providers import LOCK_FILE, locked_majors, major_of, provider_name
from auditor.sources.terraform.scopes import Key, ModuleScope, Run, condition_of
from auditor.sources.terraform.syntax import Block, Body, Expression
from auditor.sources.terraform.variables import Given

MAX_INSTANCES: Final = 20_000
MAX_LOCK: Final = 2**20
PROVIDERS: Final = ("azurerm", "azapi")
"""The providers whose resources are read; by their types' first part."""
IDENTITY: Final = ("name", "location", "resource_group_name")
"""The arguments of a well-known module that name the store it makes, and where: Azure Verified Modules agree on them.

Source: https://azure.github.io/Azure-Verified-Modules/specs/tf/res/ (RMFR1, RMFR2 and the interfaces), 2026-11.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What a configuration is read with.

    `files` are files of values beyond those Terraform reads by itself, by their real paths; `single` are values by
    variable; `environment` is where TF_VAR_ and TF_WORKSPACE are looked up. `modules` maps registry modules that make a
    store (`azure/avm-res-storage-storageaccount/azurerm`) to Terraform's type of that store.
    """

    files: tuple[Path, ...] = ()
    single: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    modules: Mapping[str, str] = field(default_factory=dict)


def read_configuration(folder: Path, jail: Jail, options: Options | None = None) -> Iterator[Instance | Gap]:
    """The instances of the root module in a folder, given by its real path, and what could not be read of it.

    Gaps come last. Each may hide declarations, so that nobody may conclude from an absence.
    """
    return Configuration(folder, jail, options or Options()).instances()


class Configuration:
    """A root module with its values. `variables` are the names it can be given values for.

    `notes` are what the report's scope section should say of it.
    """

    def __init__(self, folder: Path, jail: Jail, options: Options) -> None:
        """Read the root module's files."""
        self._options = options
        loader = Loader(folder, jail)
        self._run = Run(folder, jail, loader, options.environment)
        module = loader.open(folder)
        self.variables = tuple(module.variables)
        given = Given(module, options.files, options.single, options.environment, self._run.budget)
        self._given = tuple(given.documents)
        for gap in given.gaps:
            self._run.gap(gap)
        self._root = ModuleScope(self._run, module, given, None, None, Key(None, EMPTY, True))
        self._modules = loader.reachable(module)
        self._majors = self._all_majors(folder)
        self._providers: dict[tuple[int, str, str], Provider] = {}
        self._left = MAX_INSTANCES
        self.notes: Counter[str] = Counter()

    @property
    def uri(self) -> str:
        """How the report names its folder."""
        return shown(self._run.root)

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """All inline waivers in what was read, also those that are for nothing."""
        documents = (one for module in self._modules for one in module.documents)
        return inline.told((*documents, *self._given))

    def instances(self) -> Iterator[Instance | Gap]:
        """Every instance, those of modules after those of who calls them; then the gaps."""
        yield from self._of(self._root)
        yield from self._run.gaps.values()

    def _of(self, scope: ModuleScope) -> Iterator[Instance]:
        for block in scope.module.resources.values():
            if block.labels[0].partition("_")[0] not in PROVIDERS:
                continue
            for key in scope.expansion(block).keys:
                if not self._left:
                    reason = f"there are more than {MAX_INSTANCES:,} instances; the rest was not judged"
                    self._run.gap(Gap(self.uri, reason, block.span.origin(scope.via)))
                    return
                self._left -= 1
                yield self._instance(scope, block, key)
        for call in scope.module.calls.values():
            for key in scope.expansion(call).keys:
                child = scope.child(call, key)
                if isinstance(child, Missing):
                    yield from self._unread(scope, call, key, child)
                else:
                    yield from self._of(child)

    def _instance(self, scope: ModuleScope, block: Block, key: Key) -> Instance:
        lifecycle = lifecycle_of(block)
        origins: Origins = {}
        values = scope.blocks.attributes(block, key.local, origins, ignored_changes(lifecycle))
        return Instance(
            f"{scope.address}{'.'.join(block.labels)}{key.suffix}",
            block.labels[0],
            self._provider_of(scope, block),
            values,
            block.span.origin(scope.via),
            origins,
            complete=False,
            prevent_destroy=prevents_destroy(block),
            condition=scope.joined(None if key.certain else condition_of(block)),
            waivers=inline.by((block, *_calls(scope))),
        )

    def _unread(self, scope: ModuleScope, call: Block, key: Key, missing: Missing) -> Iterator[Instance]:
        """A module that is not at hand: a gap, and the store it is known to make, of which nothing else is known."""
        address = f"{scope.address}module.{call.label}{key.suffix}"
        origin = call.span.origin(scope.via)
        named = f" ({missing.source})" if missing.source else ""
        self._run.gap(Gap(f"{address}{named}", f"the module was not read: {missing.reason}", origin))
        kind = self._options.modules.get(missing.source.partition("//")[0].casefold())
        if kind is None:
            return
        rest = Unknown(f"it is made by the module {missing.source}, which was not read: {missing.reason}")
        evaluator = scope.evaluator
        given = {name: call.body.arguments[name] for name in IDENTITY if name in call.body.arguments}
        values = {name: final(evaluator.guarded(one.value, key.local)) for name, one in given.items()}
        origins = {name: one.span.origin(scope.via) for name, one in given.items()}
        provider = Provider("azurerm", self._majors.get("registry.terraform.io/hashicorp/azurerm"), rest)
        condition = scope.joined(None if key.certain else condition_of(call))
        values = Partly(values, rest)
        yield Instance(
            address,
            kind,
            provider,
            values,
            origin,
            origins,
            complete=False,
            prevent_destroy=rest,
            condition=condition,
            waivers=inline.by((call, *_calls(scope))),
        )

    # ── providers ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _all_majors(self, folder: Path) -> dict[str, int | None]:
        """The major versions of all providers: of the lock file, else what the constraints of all modules leave."""
        majors: dict[str, int | None] = {}
        for name, versions in constraints_of(self._modules).items():
            majors[name] = major_of(versions)
        try:
            return majors | locked_majors(text_of(read(folder / LOCK_FILE, MAX_LOCK)))
        except Refused:
            return majors

    def _provider_of(self, scope: ModuleScope, block: Block) -> Provider:
        """The provider of a resource, by its `provider` argument or its type."""
        written = block.body.value("provider")
        name, alias = _provider_address(written) if written is not None else ("", "")
        return self._provider(scope, name or block.labels[0].partition("_")[0], alias)

    def _provider(self, scope: ModuleScope, name: str, alias: str) -> Provider:
        key = (id(scope), name, alias)
        found = self._providers.get(key)
        if found is None:
            found = self._providers[key] = self._found_provider(scope, name, alias)
        return found

    def _found_provider(self, scope: ModuleScope, name: str, alias: str) -> Provider:
        """The configuration of a provider: the module's own, one it is passed, or the one around it."""
        for block in scope.module.providers:
            own = block.body.value("alias")
            if block.label == name and alias == (own.value if isinstance(own, syntax.Literal) else ""):
                features = self._features(scope, block)
                return self._named(scope.module, name, features)
        if scope.parent is not None and scope.call is not None:
            for inner, outer in _passed(scope.call):
                if inner == (name, alias):
                    return self._provider(scope.parent, *outer)
            if not alias:
                around = self._provider(scope.parent, name, "")
                return self._named(scope.module, name, around.features)
        what = f"provider {name}{'.' + alias if alias else ''}"
        return self._named(scope.module, name, Unknown(f"no configuration of {what} is in what was read"))

    def _named(self, module: Module, name: str, features: Mapping[str, Any] | Unknown) -> Provider:
        full = full_name(module, name)
        return Provider(provider_name(full)[0], self._majors.get(full), features)

    def _features(self, scope: ModuleScope, block: Block) -> Mapping[str, Any] | Unknown:
        """The `features` block, as it is written."""
        values = scope.blocks.attributes(Block(block.span, block.type, block.labels, _features_body(block)), EMPTY, {})
        features = values.get("features", [])
        first = features[0] if isinstance(features, list) and features else {}
        return first if isinstance(first, dict | Unknown) else Unknown("the features block is none")


def _calls(scope: ModuleScope) -> Iterator[Block]:
    """The module calls that lead to a scope, the innermost first."""
    seen: ModuleScope | None = scope
    while seen is not None:
        if seen.call is not None:
            yield seen.call
        seen = seen.parent


def _features_body(block: Block) -> Body:
    """A provider's body without its secrets."""
    return dataclasses.replace(block.body, arguments={}, blocks=block.body.of_type("features"))


def prevents_destroy(block: Block) -> bool | Unknown:
    """What `lifecycle { prevent_destroy }` says; false where it is not written."""
    lifecycle = lifecycle_of(block)
    value = lifecycle.value("prevent_destroy")
    broken = block.body.broken or lifecycle.broken
    if value is None:
        return Unknown(f"{broken.span.source.uri}:{broken.span.line} could not be read") if broken else False
    if isinstance(value, syntax.Literal) and value.value in (True, False, "true", "false"):
        return value.value in (True, "true")
    return Unknown(f"`{value.span.text}` is not written out")


def _provider_address(node: Expression) -> tuple[str, str]:
    """`azurerm`, or `azurerm.west`; both empty for anything else."""
    match node:
        case syntax.Name(name=name):
            return name, ""
        case syntax.Member(base=syntax.Name(name=name), key=str() as alias):
            return name, alias
        case syntax.Literal(value=str() as text):
            name, _, alias = text.partition(".")
            return name, alias
    return "", ""


def _passed(call: Block) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """What `providers = { … }` of a module call passes: the provider inside, and the one outside."""
    written = call.body.value("providers")
    if isinstance(written, syntax.ObjectNode):
        for entry in written.entries:
            yield _provider_address(entry.key), _provider_address(entry.value)


def verified_module(bicep: str) -> str:
    """The Azure Verified Module for Terraform that goes with one for Bicep, by the rule both are named by.

    Example: `avm/res/key-vault/vault` gives `azure/avm-res-keyvault-vault/azurerm`.
    """
    *kind, group, name = bicep.split("/")
    return f"azure/{'-'.join((*kind, group.replace('-', ''), name.replace('-', '')))}/azurerm"


def environment() -> Mapping[str, str]:
    """The process's environment, as far as Terraform looks into it for values."""
    return {name: text for name, text in os.environ.items() if name.startswith("TF_")}

"""The names of a configuration: what `var.x`, `local.x`, `module.x.y` and `azurerm_storage_account.a.id` stand for.

A `ModuleScope` is one instance of a module. Everything in it is evaluated when it is first asked for, and once.
"""

from __future__ import annotations

import abc
import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor.model import EMPTY, Gap, Origin, Unknown
from auditor.sources.arm.values import unknown_of
from auditor.sources.files.jail import Jail, Refused, read, shown, text_of
from auditor.sources.terraform import constraints, syntax
from auditor.sources.terraform.blocks import Blocks
from auditor.sources.terraform.expressions import Budget, Evaluator, Local, entries
from auditor.sources.terraform.instances import Reference
from auditor.sources.terraform.modules import Loader, Missing, Module
from auditor.sources.terraform.parser import ParseError, parse_template
from auditor.sources.terraform.syntax import Block, Source
from auditor.sources.terraform.values import (
    EvaluationError,
    Exhausted,
    Lazy,
    OwnKey,
    Set,
    Undecided,
    settled,
    to_number,
    to_text,
)
from auditor.sources.terraform.values import (
    shown as text_shown,
)
from auditor.sources.terraform.variables import Given, allowed

MAX_MODULE_DEPTH: Final = 16
MAX_SCOPES: Final = 2_000
"""Instances of modules in one configuration."""
MAX_KEYS: Final = 2_000
"""Instances of one resource or module."""
MAX_ALTERNATIVES: Final = 16
MAX_CONTENT: Final = 2**20
"""Bytes of a file that `file` and its kin read."""

LEVELS: Final = 3
"""What one name that stands for another counts for in the depth of an evaluation: its calls of Python."""

_OWN: Final = "an undecided key"


@dataclass(slots=True)
class Run:
    """What all modules of one configuration share. `gaps` are told once each."""

    root: Path
    jail: Jail
    loader: Loader
    environment: Mapping[str, str]
    budget: Budget = field(default_factory=Budget)
    gaps: dict[tuple[Any, ...], Gap] = field(default_factory=dict)
    active: set[tuple[Any, ...]] = field(default_factory=set)
    scopes: int = 0

    def gap(self, gap: Gap) -> None:
        """Keep a gap, once for each place."""
        self.gaps.setdefault((gap.subject, gap.reason, gap.origin[:3]), gap)

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """A value that may not lead to itself, nor through too many others."""
        if key in self.active:
            return Unknown("it refers to itself")
        self.active.add(key)
        try:
            with self.budget.inside(LEVELS):
                return make()
        except Exhausted as limit:
            return Unknown(str(limit))
        finally:
            self.active.discard(key)


class Key(NamedTuple):
    """One instance of a resource or a module. `index` is None for the only one; `certain` says that it is there."""

    index: Any
    local: Local
    certain: bool

    @property
    def suffix(self) -> str:
        """What stands behind the address."""
        if self.index is None or isinstance(self.index, Unknown):
            return ""
        return f"[{self.index}]" if isinstance(self.index, int) else f"[{json.dumps(self.index, ensure_ascii=False)}]"


@dataclass(frozen=True, slots=True)
class Expansion:
    """The instances that `count` or `for_each` make.

    `kind` is `count`, `for_each` or empty. `why` is not empty where they are not decided: then those that can be are
    listed, or one that stands for all.
    """

    kind: str
    keys: tuple[Key, ...]
    why: str = ""

    def find(self, index: Any) -> Key | None:
        """The instance with an index."""
        return next((key for key in self.keys if key.index == index and type(key.index) is type(index)), None)


_SINGLE: Final = Expansion("", (Key(None, EMPTY, True),))


class ModuleScope:
    """One instance of a module.

    `address` is what its resources' addresses begin with, `via` the calls that lead to it, `condition` what it is not
    decided under. `calls` is the call it was made by, with the scope and the instance that call stands in.
    """

    def __init__(
        self, run: Run, module: Module, given: Given | None, parent: ModuleScope | None, call: Block | None, key: Key
    ) -> None:
        """Take the root module with what it is `given`, or a child with the call that made it."""
        self.run = run
        self.module = module
        self.parent = parent
        self.call = call
        self.key = key
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.address = ""
        self.path: tuple[str, ...] = ()
        self.via: tuple[Origin, ...] = ()
        self.condition: str | None = None
        if parent is not None and call is not None:
            self.address = f"{parent.address}module.{call.label}{key.suffix}."
            self.path = (*parent.path, call.label)
            self.via = (*parent.via, call.span.origin())
            self.condition = parent.joined(None if key.certain else condition_of(call))
        self._given = given
        self.evaluator = Evaluator(self.name, _files(self), run.budget)
        self.blocks = Blocks(self.evaluator, self.via)
        self._kept: dict[tuple[str, Any], Any] = {}
        self._expansions: dict[int, Expansion] = {}
        self._children: dict[tuple[str, Any], ModuleScope | Missing] = {}
        run.scopes += 1
        for gap in module.gaps:
            run.gap(dataclasses.replace(gap, origin=gap.origin._replace(via=self.via)))

    def joined(self, condition: str | None) -> str | None:
        """A condition together with the scope's own."""
        return " and ".join(filter(None, (self.condition, condition))) or None

    # ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def name(self, name: str) -> Any:
        """What a reference begins with."""
        match name:
            case "var":
                return _Group("variable", self.variable)
            case "local":
                return _Group("local", self.local)
            case "module":
                return _Group("module", self._call)
            case "data":
                return _Group(
                    "data source", lambda kind: _Group(kind, lambda one: self._resource(kind, one, data=True))
                )
            case "path":
                return self._paths()
            case "terraform" | "tofu":
                return {"workspace": self._workspace(), "applying": Unknown("terraform.applying is known at apply")}
            case "each" | "count" | "self":
                raise EvaluationError(f"there is no `{name}` here")
            case "ephemeral":
                return Unknown("ephemeral values are known when Terraform runs")
        return self._type(name, data=False)

    def _type(self, kind: str, *, data: bool) -> Lazy:
        return _Group(kind, lambda name: self._resource(kind, name, data=data))

    def missing(self, what: str) -> Any:
        """A declaration that is not there: refused, or unknown where not all could be read."""
        if self.module.broken:
            return Unknown(f"{what} is not declared where it could be read, and {self.module.broken}")
        raise EvaluationError(f"{what} is not declared")

    def _once(self, kind: str, name: Any, make: Callable[[], Any]) -> Any:
        key = (kind, name)
        if key not in self._kept:
            self._kept[key] = self.run.once((id(self), *key), make)
        return self._kept[key]

    def variable(self, name: str) -> Any:
        """`var.name`."""
        block = self.module.variables.get(name)
        if block is None:
            return self.missing(f"variable {name}")
        return self._once("var", name, lambda: self._variable(name, block))

    def _variable(self, name: str, block: Block) -> Any:
        value = self._argument(name, block)
        default = block.body.value("default")
        nullable = block.body.value("nullable")
        if value is None and default is not None and isinstance(nullable, syntax.Literal) and not nullable.value:
            value = self.evaluator.guarded(default)
        constraint = block.body.value("type")
        if constraint is not None:
            try:
                value = constraints.converted(value, constraint, self.evaluator.guarded)
            except EvaluationError as error:
                value = Unknown(f"Terraform would refuse the value of variable {name}: {error}")
        return hidden(value, f"variable {name} is sensitive") if is_sensitive(block) else value

    def _argument(self, name: str, block: Block) -> Any:
        """What a variable is given, or its default."""
        default = block.body.value("default")
        if self.parent is not None and self.call is not None:
            argument = self.call.body.value(name)
            if argument is not None:
                return self.parent.evaluator.guarded(argument, self.key.local)
            if self.call.body.broken is not None:
                return Unknown(f"{_place(self.call.body.broken)} could not be read, and may give {name}")
        elif self._given is not None:
            given = self._given.value(name)
            if given is not None:
                return given[0]
        if default is not None:
            return self.evaluator.guarded(default)
        if block.body.broken is not None:
            return Unknown(f"{_place(block.body.broken)} could not be read, and may give the default of {name}")
        if self.parent is not None:
            return Unknown(f"the call of module {'.'.join(self.path)} gives no value for {name}")
        reason = f"variable {name} has no value; give it with --parameter {name}=… or a .tfvars file"
        return Unknown(reason, allowed(block, self.evaluator))

    def local(self, name: str) -> Any:
        """`local.name`."""
        argument = self.module.locals.get(name)
        if argument is None:
            return self.missing(f"local value {name}")
        return self._once("local", name, lambda: self.evaluator.guarded(argument.value))

    def output(self, name: str) -> Any:
        """What another module sees of an output."""
        block = self.module.outputs.get(name)
        if block is None:
            return self.missing(f"output {name}")
        return self._once("output", name, lambda: self._output(block))

    def _output(self, block: Block) -> Any:
        expression = block.body.value("value")
        if expression is None:
            return Unknown(f"output {block.label} has no value that could be read")
        value = self.evaluator.guarded(expression)
        return hidden(value, f"output {block.label} is sensitive") if is_sensitive(block) else value

    def _paths(self) -> dict[str, Any]:
        try:
            module = Path(os.path.relpath(self.module.folder, self.run.root)).as_posix()
        except ValueError:
            module = "."
        return {"module": module, "root": ".", "cwd": Unknown("the folder that Terraform runs in is not known")}

    def _workspace(self) -> Any:
        named = self.run.environment.get("TF_WORKSPACE", "")
        if not named:
            try:
                named = text_of(read(self.run.root / ".terraform" / "environment", 1_000)).strip()
            except Refused:
                return Unknown("the workspace is not known; give it with TF_WORKSPACE in the environment")
        return named

    # ── resources and modules ────────────────────────────────────────────────────────────────────────────────────────

    def _resource(self, kind: str, name: str, *, data: bool) -> Any:
        block = (self.module.data if data else self.module.resources).get((kind, name))
        if block is None:
            return self.missing(f"{'data source' if data else 'resource'} {kind}.{name}")
        return ResourceGroup(self, block, data=data)

    def _call(self, name: str) -> Any:
        block = self.module.calls.get(name)
        return self.missing(f"module {name}") if block is None else ModuleGroup(self, block)

    def expansion(self, block: Block) -> Expansion:
        """The instances of a resource, a data source or a module call."""
        found = self._expansions.get(id(block))
        if found is None:
            made = self.run.once((id(self), "expansion", id(block)), lambda: self._expanded(block))
            found = made if isinstance(made, Expansion) else _undecided("for_each", made)
            self._expansions[id(block)] = found
        return found

    def _expanded(self, block: Block) -> Expansion:
        for kind, keys in (("count", _counted), ("for_each", _keyed)):
            expression = block.body.value(kind)
            if expression is not None:
                return _decided(kind, self.evaluator.settled(expression), keys)
        if block.body.broken is not None:
            return _undecided("", Unknown(f"{_place(block.body.broken)} could not be read, and may give several"))
        return _SINGLE

    def child(self, block: Block, key: Key) -> ModuleScope | Missing:
        """The scope of one instance of a module call."""
        place = (block.label, key.index if not isinstance(key.index, Unknown) else _OWN)
        found = self._children.get(place)
        if found is None:
            found = self._children[place] = self._child(block, key)
        return found

    def _child(self, block: Block, key: Key) -> ModuleScope | Missing:
        if self.depth >= MAX_MODULE_DEPTH:
            return Missing("", f"modules call one another more than {MAX_MODULE_DEPTH} deep")
        if self.run.scopes >= MAX_SCOPES:
            return Missing("", f"there are more than {MAX_SCOPES:,} instances of modules")
        module = self.run.loader.child(self.module, block, ".".join((*self.path, block.label)))
        return module if isinstance(module, Missing) else ModuleScope(self.run, module, None, self, block, key)


def condition_of(block: Block) -> str:
    """The `count` or `for_each` of a block, as text."""
    for kind in ("count", "for_each"):
        argument = block.body.arguments.get(kind)
        if argument is not None:
            return f"{kind} = {argument.value.span.text}"
    return "a part of it that could not be read"


def hidden(value: Any, reason: str) -> Any:
    """A value that may not be shown: an Unknown, unless it is one already and tells nothing."""
    return value if isinstance(value, Unknown) and not value.possible else Unknown(reason)


def is_sensitive(block: Block) -> bool:
    """Whether a variable or an output is marked as sensitive, or may be."""
    marks = [block.body.value(name) for name in ("sensitive", "ephemeral")]
    return any(mark is not None and not (isinstance(mark, syntax.Literal) and mark.value is False) for mark in marks)


def _place(problem: syntax.Problem) -> str:
    return f"{problem.span.source.uri}:{problem.span.line}"


# ── count and for_each ───────────────────────────────────────────────────────────────────────────────────────────────

Indexed = list[tuple[Any, Local]]


def _counted(value: Any) -> Indexed:
    number = to_number(value)
    if not isinstance(number, int) or number < 0:
        raise EvaluationError(f"count is a whole number, and this is {text_shown(value)}")
    return [(index, {"count": {"index": index}}) for index in range(min(number, MAX_KEYS + 1))]


def _keyed(value: Any) -> Indexed:
    if not isinstance(value, dict | Set):
        raise EvaluationError("for_each is a map or a set")
    return [(to_text(key), {"each": {"key": to_text(key), "value": item}}) for key, item in entries(value)]


def _decided(kind: str, value: Any, keys: Callable[[Any], Indexed]) -> Expansion:
    try:
        if not isinstance(value, Unknown):
            found = keys(value)
            if len(found) > MAX_KEYS:
                raise Exhausted(f"there are more than {MAX_KEYS:,} of it")
            return Expansion(kind, tuple(Key(index, local, True) for index, local in found))
        if value.possible:
            return _possible(kind, value, [keys(settled(one)) for one in value.possible])
    except (EvaluationError, Exhausted, Undecided) as error:
        return _undecided(kind, Unknown(str(error)))
    return _undecided(kind, value)


def _possible(kind: str, value: Unknown, alternatives: list[Indexed]) -> Expansion:
    """All instances there can be; those of every alternative are certain."""
    locals_: dict[Any, list[Local]] = {}
    for one in alternatives:
        for index, local in one:
            locals_.setdefault(index, []).append(local)
    if len(locals_) > MAX_KEYS:
        raise Exhausted(f"there can be more than {MAX_KEYS:,} of it")
    keys = []
    for index, found in locals_.items():
        local = found[0]
        if "each" in local:
            local = {"each": {"key": index, "value": unknown_of([one["each"]["value"] for one in found], value.reason)}}
        keys.append(Key(index, local, len(found) == len(alternatives)))
    return Expansion(kind, tuple(keys), value.reason)


def _undecided(kind: str, unknown: Unknown) -> Expansion:
    said = unknown.reason.startswith(("for_each is not decided", "count is not decided"))
    reason = unknown.reason if said or not kind else f"{kind} is not decided: {unknown.reason}"
    own = OwnKey(reason)
    local: Local = {"count": {"index": own}} if kind == "count" else {"each": {"key": own, "value": Unknown(reason)}}
    return Expansion(kind, (Key(own, local, False),), reason)


# ── what names stand for ─────────────────────────────────────────────────────────────────────────────────────────────


class _Group(Lazy):
    """`var`, `local`, a type of resources: names only, and no value."""

    def __init__(self, what: str, find: Callable[[str], Any]) -> None:
        self._what = what
        self._find = find

    def member(self, name: str | int) -> Any:
        if not isinstance(name, str):
            raise EvaluationError(f"{self._what} {name} is none")
        return self._find(name)

    def whole(self) -> Any:
        raise EvaluationError(f"{self._what} alone is no value")


class _Many(Lazy, abc.ABC):
    """A resource or a module call: one instance, or several by their keys."""

    def __init__(self, scope: ModuleScope, block: Block) -> None:
        self.scope = scope
        self.block = block

    @property
    def expansion(self) -> Expansion:
        """Its instances."""
        return self.scope.expansion(self.block)

    @abc.abstractmethod
    def one(self, key: Key) -> Lazy:
        """One instance."""

    def member(self, name: str | int) -> Any:
        """Of the only instance its member; of several there is none."""
        expansion = self.expansion
        if expansion.kind:
            if isinstance(name, int):
                return self.index(name)
            raise EvaluationError(f"it has several instances, and .{name} is asked of all of them")
        return self.one(expansion.keys[0]).member(name)

    def index(self, key: Any) -> Any:
        """One instance of several."""
        key = settled(key)
        expansion = self.expansion
        if isinstance(key, OwnKey):
            return self.one(Key(key, EMPTY, False))
        if isinstance(key, Unknown):
            return Unknown(f"which one of it is meant is not known: {key.reason}")
        if not expansion.kind:
            return self.one(expansion.keys[0]).index(key)
        index: Any = to_number(key) if expansion.kind == "count" else to_text(key)
        found = expansion.find(index)
        if found is not None:
            return self.one(found)
        if expansion.why:
            return self.one(Key(index, EMPTY, False))
        raise EvaluationError(f"there is no instance {text_shown(key)} of it")

    def whole(self) -> Any:
        """All instances: a list, or a map by key."""
        expansion = self.expansion
        if expansion.why:
            return Unknown(expansion.why)
        found = [self.one(key) for key in expansion.keys]
        if expansion.kind == "for_each":
            return dict(zip((key.index for key in expansion.keys), found, strict=True))
        return found if expansion.kind else found[0].whole()


class ResourceGroup(_Many):
    """A resource or a data source."""

    def __init__(self, scope: ModuleScope, block: Block, *, data: bool) -> None:
        """Take its declaration."""
        super().__init__(scope, block)
        self._data = data

    def one(self, key: Key) -> Lazy:
        """One instance."""
        return _ResourceInstance(self.scope, self.block, key, data=self._data)


class _ResourceInstance(Lazy):
    """One instance of a resource: what is written for it is known, all else after apply."""

    def __init__(self, scope: ModuleScope, block: Block, key: Key, *, data: bool) -> None:
        self._scope = scope
        self._block = block
        self._key = key
        self._data = data

    @property
    def address(self) -> str:
        """Its address, from the root module."""
        data = "data." if self._data else ""
        return f"{self._scope.address}{data}{'.'.join(self._block.labels)}{self._key.suffix}"

    def member(self, name: str | int) -> Any:
        """An attribute."""
        if not isinstance(name, str):
            raise EvaluationError(f"it has no attribute {name}")
        scope = self._scope
        index = self._key.index if not isinstance(self._key.index, Unknown) else _OWN
        return scope._once("attribute", (id(self._block), index, name), lambda: self._attribute(name))

    def _attribute(self, name: str) -> Any:
        if not self._key.certain:
            why = "" if self._data else " when it is there"
            return self._refer(name, f"{self.address}.{name} is known after apply{why}")
        argument = self._block.body.arguments.get(name)
        if argument is not None:
            value = self._scope.evaluator.guarded(argument.value, self._key.local)
            return self._refer(name, value.reason, value.possible) if isinstance(value, Unknown) else value
        blocks = self._scope.blocks.of(self._block, name, self._key.local)
        if blocks is not None:
            return blocks
        if self._data:
            return Unknown(f"{self.address}.{name} is read when Terraform runs")
        return self._refer(name, f"{self.address}.{name} is known after apply")

    def _refer(self, name: str, reason: str, possible: tuple[Any, ...] = ()) -> Unknown:
        if self._data:
            return Unknown(reason, possible)
        return Reference(
            reason, possible, address=self.address, attribute=name, keyed=isinstance(self._key.index, Unknown)
        )

    def whole(self) -> Any:
        """All of its attributes: not all of them are known before apply."""
        return self._refer("", f"{self.address} is known after apply")

    def index(self, key: Any) -> Any:
        """`resource["name"]`, as a member."""
        if isinstance(key, Unknown):
            return Unknown(key.reason)
        return self.member(to_text(key))


class ModuleGroup(_Many):
    """A module call."""

    def one(self, key: Key) -> Lazy:
        """One instance."""
        return _ModuleInstance(self.scope, self.block, key)


class _ModuleInstance(Lazy):
    """One instance of a module, whose members are its outputs."""

    def __init__(self, scope: ModuleScope, block: Block, key: Key) -> None:
        self._scope = scope
        self._block = block
        self._key = key

    def member(self, name: str | int) -> Any:
        """An output. Of an instance that may not be there it is known which it would be, and no more."""
        where = f"{self._scope.address}module.{self._block.label}{self._key.suffix}.{name}"
        key = self._key
        if key.local is EMPTY and not key.certain:
            # It is asked for with a key that is not decided; the one that stands for all has such a key, too.
            expansion = self._scope.expansion(self._block)
            key = next((one for one in expansion.keys if isinstance(one.index, Unknown)), key)
            if key is self._key:
                return Unknown(f"{where} is not decided")
        child = self._scope.child(self._block, key)
        if isinstance(child, Missing):
            return Unknown(f"{where} is not known, because the module was not read: {child.reason}")
        value = child.output(str(name))
        return value if key.certain or isinstance(value, Reference) else Unknown(f"{where} may not be there")

    def index(self, key: Any) -> Any:
        """`module.x["output"]`, as a member."""
        if isinstance(key, Unknown):
            return Unknown(key.reason)
        return self.member(to_text(key))

    def whole(self) -> Any:
        """All outputs."""
        child = self._scope.child(self._block, self._key)
        if isinstance(child, Missing):
            return Unknown(f"the module {self._block.label} was not read: {child.reason}")
        return {name: child.output(name) for name in child.module.outputs}


# ── files that expressions read ──────────────────────────────────────────────────────────────────────────────────────


def _files(scope: ModuleScope) -> dict[str, Callable[..., Any]]:
    """The functions that read files, inside of what may be read; paths start at the root module's folder."""
    import base64

    def content(path: Any) -> tuple[Path, bytes]:
        reference = to_text(path)
        try:
            found = scope.run.jail.resolve(scope.run.root / "x", reference)
            return found, read(found, MAX_CONTENT)
        except Refused as refused:
            raise Undecided(Unknown(f"the file {text_shown(reference)} was not read: {refused}")) from refused

    def template(path: Any, values: Any) -> Any:
        found, data = content(path)
        names = values if isinstance(values, dict) else {}

        def name(one: str) -> Any:
            if one not in names:
                raise EvaluationError(f"the template is given no value for {one}")
            return names[one]

        try:
            parsed = parse_template(Source(shown(found), text_of(data), found))
        except ParseError as error:
            raise EvaluationError(f"the template {text_shown(to_text(path))}: {error}") from error
        return Evaluator(name, {}, scope.run.budget).value(parsed)

    def exists(path: Any) -> bool:
        content(path)
        return True

    return {
        "file": lambda path: text_of(content(path)[1]),
        "filebase64": lambda path: base64.b64encode(content(path)[1]).decode("ascii"),
        "fileexists": exists,
        "templatefile": template,
    }

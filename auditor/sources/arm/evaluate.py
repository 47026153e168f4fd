"""Evaluates templates as Azure Resource Manager would: lazily, each value once, with what is not known kept as data.

A `Deployment` is one template with its arguments in one scope; modules are deployments of their own, made when they
are first needed. What an expression cannot tell is an `Unknown` in the place of its value, with the alternatives it
can have where they are known; an expression ARM would refuse is one as well, so that it never costs more than the
property it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from auditor.model import Gap, Origin, Unknown, Waiver
from auditor.sources.arm import functions, ids, ir
from auditor.sources.arm.ids import Scope
from auditor.sources.arm.instances import UNSET, Arguments, Declared, Env, Module, Outputs, Resource, Unset
from auditor.sources.arm.secrecy import concealed
from auditor.sources.arm.special import SPECIAL
from auditor.sources.arm.values import Arr, EvaluationError, Mark, Obj, Placeholder, find_key, unknown_of

MAX_DEPTH: Final = 120
"""Nested evaluations of one value; a template that needs more is taken for a loop."""
MAX_STEPS: Final = 20_000_000
"""Expressions evaluated for one entry point, all its modules included."""
MAX_INSTANCES: Final = 20_000
MAX_COPIES: Final = 800
"""Instances of one resource loop (ARM's own limit)."""
MAX_ITEMS: Final = 100_000


@dataclass(slots=True)
class Run:
    """What all deployments of one entry point share: files, budgets, and the gaps found on the way."""

    files: ir.Files
    environment: Mapping[str, str]
    tenant: str
    steps: int = 0
    instances: int = 0
    depth: int = 0
    gaps: dict[tuple[Any, ...], Gap] = field(default_factory=dict)
    waivers: dict[Waiver, None] = field(default_factory=dict)

    def step(self) -> None:
        """Count an expression. Raises EvaluationError when there have been too many."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise EvaluationError(f"the template needs more than {MAX_STEPS:,} evaluations")

    def partly(self, template: ir.Template, via: tuple[Origin, ...]) -> None:
        """Note what could not be understood of a template, and the inline waivers in it, once."""
        self.heard(template.source)
        for problem in template.problems:
            origin = problem.span.origin(via=via)
            key = (problem.span.source.uri, problem.span.start, problem.message)
            reason = f"{problem.message}; the file was only partly analysed"
            self.gaps.setdefault(key, Gap(template.source.uri, reason, origin))

    def heard(self, source: ir.Source) -> None:
        """Note all inline waivers of a file, also those that are for nothing."""
        for waivers in source.waivers.values():
            self.waivers |= dict.fromkeys(waivers)


@dataclass(frozen=True, slots=True)
class GivenArguments:
    """Arguments from parameter files and the command line: functions by casefolded name."""

    values: Mapping[str, Callable[[], Any]]

    def get(self, name: str) -> Any:
        """The argument's value, or UNSET."""
        value = self.values.get(name.casefold())
        return UNSET if value is None else value()


class Deployment:
    """One template with its arguments in one scope."""

    def __init__(
        self,
        run: Run,
        template: ir.Template,
        scope: Scope,
        arguments: Arguments | GivenArguments,
        name: str,
        via: tuple[Origin, ...] = (),
    ) -> None:
        """Prepare; nothing is evaluated yet."""
        self.run = run
        self.template = template
        self.scope = scope
        self.name = name
        self.via = via
        self.names = self
        self.outer_env: Env = {}
        self.module: Module | None = None
        self._arguments = arguments
        self._memo: dict[tuple[str, str], Any] = {}
        self._busy: set[tuple[str, str]] = set()
        self._instances: dict[int, list[Resource | Module]] = {}
        self._symbols = {d.symbol: d for d in template.declarations if d.symbol}
        if not template.bicep:
            self._symbols = {symbol.casefold(): d for symbol, d in self._symbols.items()}
        self._imports: dict[int, Deployment | Unknown] = {}

    def enter(
        self,
        template: ir.Template,
        scope: Scope,
        arguments: Arguments,
        name: str,
        via: tuple[Origin, ...],
        module: Module,
    ) -> Deployment:
        """A module's deployment. The expressions of one that is not `inner` belong to this template."""
        self.run.partly(template, via)
        inside = Deployment(self.run, template, scope, arguments, name, via)
        inside.module = module
        if not module.declaration.inner:
            inside.names = self.names
            inside.outer_env = module.env
        return inside

    # ── the parts of a template ──────────────────────────────────────────────────────────────────────────────────────

    def _once(self, kind: str, name: str, make: Callable[[], Any]) -> Any:
        key = (kind, name)
        if key not in self._memo:
            if key in self._busy:
                raise EvaluationError(f"{kind} {name!r} depends on itself")
            self._busy.add(key)
            try:
                self._memo[key] = make()
            finally:
                self._busy.discard(key)
        return self._memo[key]

    def parameter(self, name: str) -> Any:
        """The value of a parameter: what was given, else its default, else what stands for a missing one."""
        key = _key(self.template.parameters, name)
        if key is None:
            raise EvaluationError(f"there is no parameter {name!r}")
        found = self.template.parameters[key]
        return self._once("parameter", key, lambda: _without_secrets(self._parameter(found), "parameter", found))

    def _parameter(self, parameter: ir.Parameter) -> Any:
        if parameter.secure:
            return missing(parameter, f"the value of parameter {parameter.name!r} is a secret")
        given = self._arguments.get(parameter.name)
        if isinstance(given, Unset) or (given is None and not parameter.nullable):
            if parameter.default is not None:
                return self.guarded(parameter.default, {})
            if parameter.nullable:
                return None
            how = "" if self.via else f"; give --parameters FILE or --parameter {parameter.name}=VALUE"
            return missing(parameter, f"parameter {parameter.name!r} has no value{how}")
        if isinstance(given, Unknown) and not given.possible:
            return missing(parameter, given.reason)
        return _coerced(given, parameter.type)

    def variable(self, name: str) -> Any:
        """The value of a variable."""
        key = _key(self.template.variables, name)
        if key is None:
            raise EvaluationError(f"there is no variable {name!r}")
        return self._once("variable", key, lambda: self.guarded(self.template.variables[key].value, {}))

    def output(self, name: str) -> Any:
        """The value of an output; secure ones stay unknown."""
        key = _key(self.template.outputs, name)
        if key is None:
            raise EvaluationError(f"there is no output {name!r}")
        output = self.template.outputs[key]
        if output.secure:
            return Unknown(f"output {name!r} is a secret")
        return self._once(
            "output", key, lambda: _without_secrets(self.guarded(output.value, self.outer_env), "output", output)
        )

    # ── instances ────────────────────────────────────────────────────────────────────────────────────────────────────

    def instances(self, declaration: ir.Declaration, env: Env | None = None) -> list[Resource | Module]:
        """The instances a declaration has, without regard to its condition; one for a loop over something unknown."""
        outer = self.outer_env if env is None else env
        key = id(declaration)
        if key not in self._instances or env:
            made = [
                self._made(declaration, local, repeated) for local, repeated in self._repeat(declaration.loop, outer)
            ]
            if env:
                return made
            self._instances[key] = made
        return self._instances[key]

    def _made(self, declaration: ir.Declaration, env: Env, repeated: str) -> Resource | Module:
        self.run.instances += 1
        if self.run.instances > MAX_INSTANCES:
            raise EvaluationError(f"the template makes more than {MAX_INSTANCES:,} resources")
        if isinstance(declaration, ir.ModuleDeclaration):
            return Module(self, declaration, env, repeated)
        return Resource(self, declaration, env, repeated)

    def instance(self, declaration: ir.ResourceDeclaration, env: Env) -> Resource | None:
        """The instance of a parent declaration that a nested child with this environment stands in."""
        found = self.instances(declaration)
        for one in found:
            if isinstance(one, Resource) and all(env.get(name) == value for name, value in one.env.items()):
                return one
        first = found[0] if found else None
        return first if isinstance(first, Resource) else None

    def _repeat(self, loop: ir.Loop | None, env: Env) -> Iterator[tuple[Env, str]]:
        if loop is None:
            yield env, ""
            return
        items = self._items(loop, env)
        if isinstance(items, Unknown):
            unknown = Unknown(f"{loop.span.text}: {items.reason}")
            yield (
                self._local(loop, env, Placeholder(f"{{{loop.item or 'index'}}}", unknown.reason), unknown),
                loop.span.text,
            )
            return
        if len(items) > MAX_COPIES:
            raise EvaluationError(f"a loop makes more than {MAX_COPIES} instances")
        for index, item in enumerate(items):
            yield self._local(loop, env, item, index), ""

    def _items(self, loop: ir.Loop, env: Env) -> Sequence[Any] | Unknown:
        """What a loop goes through."""
        if loop.count is not None:
            count = self.guarded(loop.count, env)
            if isinstance(count, Unknown):
                return count
            if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_ITEMS:
                return Unknown(f"{functions.to_text(count)} is no number of copies")
            return range(count)
        assert loop.items is not None
        items = self.guarded(loop.items, env)
        if isinstance(items, Unknown):
            return items
        if not isinstance(items, list):
            return Unknown(f"{loop.items.span.text} is no array")
        return items

    @staticmethod
    def _local(loop: ir.Loop, env: Env, item: Any, index: Any) -> Env:
        local = dict(env)
        if loop.item:
            local[loop.item] = item
        if loop.index:
            local[loop.index] = index
        if loop.name:
            local[f"copy:{loop.name.casefold()}"] = index
        if loop.resource:
            local["copy:"] = index
        return local

    def everything(self) -> Iterator[Resource | Module]:
        """Every instance this deployment and its modules make, unless its condition is known to be false."""
        for declaration in self.template.declarations:
            if (
                isinstance(declaration, ir.ResourceDeclaration)
                and declaration.parent is not None
                and declaration.parent.loop
            ):
                made = [
                    child
                    for parent in self.instances(declaration.parent)
                    for child in self.instances(declaration, parent.env)
                ]
            else:
                try:
                    made = self.instances(declaration)
                except (EvaluationError, RecursionError) as error:
                    origin = declaration.span.origin(via=self.via)
                    self.run.gaps[declaration.span.source.uri, declaration.span.start] = Gap(
                        declaration.symbol or declaration.span.text[:80], _reason(error), origin
                    )
                    continue
            for one in made:
                if one.condition is False:
                    continue
                yield one
                if isinstance(one, Module):
                    yield from self._within(one)

    def _within(self, module: Module) -> Iterator[Resource | Module]:
        inside = module.inside
        origin = module.declaration.span.origin(via=self.via)
        if isinstance(inside, Deployment):
            yield from inside.everything()
        else:
            reference = module.declaration.reference or module.name
            reason = inside.reason
            self.run.gaps.setdefault(("module", reference, reason), Gap(f"module {reference}", reason, origin))

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def guarded(self, expression: ir.Expression, env: Env) -> Any:
        """The value of an expression; what ARM would refuse is an Unknown with the reason."""
        try:
            value = self.evaluate(expression, env)
        except (EvaluationError, RecursionError) as error:
            return Unknown(f"{expression.span.text}: {_reason(error)}")
        return value.value if isinstance(value, Declared) else value

    def condition(self, expression: ir.Expression, env: Env) -> Any:
        """True, False, or an Unknown."""
        value = self.guarded(expression, env)
        if isinstance(value, bool):
            return value
        if isinstance(value, Unknown):
            return value
        if isinstance(value, str) and value.casefold() in ("true", "false") and not isinstance(value, Placeholder):
            return value.casefold() == "true"
        return Unknown(f"{expression.span.text} is no condition")

    def evaluate(self, expression: ir.Expression, env: Env) -> Any:
        """The value of an expression. Raises EvaluationError for what ARM would refuse."""
        run = self.run
        run.step()
        run.depth += 1
        try:
            if run.depth > MAX_DEPTH:
                raise EvaluationError("the expression nests too deep, or depends on itself")
            match expression:
                case ir.Literal():
                    return expression.value
                case ir.Name():
                    return self._name(expression, env)
                case ir.Call():
                    return self._call(expression, env)
                case ir.Member():
                    return self._member(expression, env)
                case ir.ObjectNode():
                    return self._object(expression, env)
                case ir.ArrayNode():
                    return self._array(expression, env)
                case ir.Interpolation():
                    return self._interpolation(expression, env)
                case ir.Comprehension():
                    return self._comprehension(expression, env)
                case ir.Lambda():
                    return self._lambda(expression, env)
        finally:
            run.depth -= 1

    def _name(self, expression: ir.Name, env: Env) -> Any:
        name = expression.name
        if name in env:
            return env[name]
        if name in self.outer_env:
            return self.outer_env[name]
        home = self.names
        if name in home.template.parameters:
            return home.parameter(name)
        if name in home.template.variables:
            return home.variable(name)
        declaration = self._symbols.get(name)
        if declaration is not None:
            return self._instances_of(declaration, env)
        for one in home.template.imports:
            if name in one.names:
                source = home.imported(one)
                return source if isinstance(source, Unknown) else source.exported(one.names[name])
        raise EvaluationError(f"{name!r} is not declared")

    def _instances_of(self, declaration: ir.Declaration, env: Env) -> Any:
        if declaration.loop is None:
            parent = declaration.parent if isinstance(declaration, ir.ResourceDeclaration) else None
            found = self.instances(declaration, dict(env) if parent is not None and parent.loop else None)
            return found[0] if found else Unknown("the loop around it makes nothing")
        found = self.instances(declaration)
        if any(one.repeated for one in found):
            return Unknown(f"{declaration.symbol} is repeated over something that is not known: {found[0].repeated}")
        return Arr(found)

    def imported(self, one: ir.Import) -> Deployment | Unknown:
        """The deployment in which the exports of an imported template are evaluated."""
        if id(one) not in self._imports:
            template = one.load()
            if isinstance(template, ir.Unresolved):
                reason = f"import of {template.reference} could not be resolved: {template.reason}"
                origin = one.span.origin(via=self.via)
                self.run.gaps.setdefault(
                    ("import", template.reference), Gap(template.reference, template.reason, origin)
                )
                self._imports[id(one)] = Unknown(reason)
            else:
                self.run.partly(template, self.via)
                arguments = GivenArguments({})
                self._imports[id(one)] = Deployment(self.run, template, self.scope, arguments, self.name, self.via)
        return self._imports[id(one)]

    def exported(self, name: str) -> Any:
        """A variable of this template, for one that imports it."""
        return self.evaluate(ir.Name(ir.Span(self.template.source, 0, 0), name), {})

    def _object(self, node: ir.ObjectNode, env: Env) -> Any:
        alternatives = [Obj()]
        for entry in node.entries:
            if isinstance(entry, ir.Spread):
                value = self.guarded(entry.value, env)
                choices = list(value.possible) if isinstance(value, Unknown) else [value]
                if not choices or len(choices) * len(alternatives) > 16:
                    return value if isinstance(value, Unknown) else Unknown("too many alternatives")
                alternatives = [_spread(one, choice) for one in alternatives for choice in choices]
                continue
            key = self.evaluate(entry.key, env)
            if isinstance(key, Unknown):
                return Unknown(f"the name of a property is not known: {key.reason}")
            mark = self._mark(entry.span, entry.value)
            value = self.guarded(entry.value, env)
            for one in alternatives:
                one.put(key if isinstance(key, str) else str(functions.to_text(key)), value, mark)
        return alternatives[0] if len(alternatives) == 1 else unknown_of(alternatives, "a spread value is not decided")

    def _mark(self, span: ir.Span, value: ir.Expression) -> Mark:
        literal = isinstance(value, ir.Literal | ir.ObjectNode | ir.ArrayNode)
        return Mark(span, None if literal else value.span, self.via)

    def _array(self, node: ir.ArrayNode, env: Env) -> Any:
        result = Arr()
        for item in node.items:
            if isinstance(item, ir.Spread):
                value = self.guarded(item.value, env)
                if isinstance(value, Unknown):
                    return Unknown(value.reason)
                for one in value if isinstance(value, list) else ():
                    result.add(one)
            else:
                result.add(self.guarded(item, env), self._mark(item.span, item))
        return result

    def _interpolation(self, node: ir.Interpolation, env: Env) -> Any:
        parts = [self._plain(part, env) for part in node.parts]
        template = "".join(f"{{{index}}}" for index in range(len(parts)))
        return functions.apply("format", [template, *parts])

    def _comprehension(self, node: ir.Comprehension, env: Env) -> Any:
        items = self._items(node.loop, env)
        if isinstance(items, Unknown):
            if not items.possible:
                return items
            return unknown_of((self._each(node, env, one) for one in items.possible), items.reason)
        return self._each(node, env, items)

    def _each(self, node: ir.Comprehension, env: Env, items: Any) -> Any:
        result = Arr()
        if not isinstance(items, Sequence) or isinstance(items, str):
            return Unknown(f"{node.loop.span.text} goes through something that is no array")
        for index, item in enumerate(items):
            local = self._local(node.loop, env, item, index)
            if node.condition is not None:
                wanted = self.condition(node.condition, local)
                if isinstance(wanted, Unknown):
                    return Unknown(f"whether an item belongs to the array is not known: {wanted.reason}")
                if not wanted:
                    continue
            result.add(self.guarded(node.body, local), self._mark(node.body.span, node.body))
        return result

    def _lambda(self, node: ir.Lambda, env: Env) -> Any:
        def function(*arguments: Any) -> Any:
            value = self.evaluate(node.body, {**env, **dict(zip(node.parameters, arguments, strict=False))})
            return value.value if isinstance(value, Declared) else value

        return function

    def _member(self, node: ir.Member, env: Env) -> Any:
        found = self._chain(node, env)
        return None if found is _STOPPED else found

    def _chain(self, node: ir.Member, env: Env) -> Any:
        """A member, or _STOPPED when a safe member earlier in the chain had nothing to give."""
        alias = self._wildcard(node.base)
        if alias is not None:
            key = self.evaluate(node.key, env)
            return alias if isinstance(alias, Unknown) else alias.exported(str(key))
        base = self._chain(node.base, env) if isinstance(node.base, ir.Member) else self.evaluate(node.base, env)
        if base is _STOPPED:
            return _STOPPED
        if node.safe and (base is None or (isinstance(base, Resource | Module) and base.condition is False)):
            return _STOPPED
        key = self.evaluate(node.key, env)
        if isinstance(base, Resource | Module | Declared | Outputs | Scope):
            return base.member(key)
        found = functions.member(base, key, safe=node.safe, from_end=node.from_end)
        return _STOPPED if node.safe and found is None else found

    def _wildcard(self, base: ir.Expression) -> Deployment | Unknown | None:
        if isinstance(base, ir.Name):
            for one in self.names.template.imports:
                if one.alias and one.alias == base.name:
                    return self.names.imported(one)
        return None

    def _plain(self, expression: ir.Expression, env: Env) -> Any:
        """An argument's value as functions take it."""
        value = self.evaluate(expression, env)
        if isinstance(value, Declared):
            return value.value
        if isinstance(value, Resource | Module):
            # Functions that take a resource take it by its id.
            return value.member("id")
        if isinstance(value, Outputs):
            return Unknown("the outputs of a module as a whole are not followed")
        return value.as_object() if isinstance(value, Scope) else value

    def _call(self, node: ir.Call, env: Env) -> Any:
        found = None if node.builtin else self._user_function(node)
        if isinstance(found, Unknown):
            return found
        if found is not None:
            return self._apply(found, [self._plain(argument, env) for argument in found.arguments])
        special = SPECIAL.get(node.name)
        if special is not None:
            return special(self, node, env)
        if node.name not in functions.FUNCTIONS and node.name.startswith("list"):
            return Unknown(f"{node.name}() reads keys, or what is known only after deployment")
        arguments = [self._plain(argument, env) for argument in node.arguments]
        # A call on something large is paid for, since a lambda may repeat it.
        self.run.steps += sum(len(one) >> 4 for one in arguments if isinstance(one, str | list | dict))
        return functions.apply(node.name, arguments)

    @staticmethod
    def _apply(user: _UserFunction, values: list[Any]) -> Any:
        names = user.function.parameters
        if len(values) != len(names):
            raise EvaluationError(f"{user.function.name} takes {len(names)} arguments, {len(values)} were given")
        local: dict[str, Any] = dict(zip(names, values, strict=True))
        # Bicep reads them by name, ARM JSON by parameters('name').
        local |= {f"parameter:{name.casefold()}": value for name, value in local.items()}
        return user.home.evaluate(user.function.body, local)

    def _user_function(self, node: ir.Call) -> _UserFunction | Unknown | None:
        """The user-defined function a call means: of this template, or of one it imports."""
        home = self.names
        own = home.template.functions.get(node.name)
        if own is not None:
            return _UserFunction(home, own, node.arguments)
        first = node.arguments[0] if node.arguments else None
        for one in home.template.imports:
            there = next((theirs for ours, theirs in one.names.items() if ours.casefold() == node.name), None)
            arguments = node.arguments
            if there is None and one.alias and isinstance(first, ir.Name) and first.name == one.alias:
                there, arguments = node.name, node.arguments[1:]
            if there is None:
                continue
            source = home.imported(one)
            if isinstance(source, Unknown):
                return source
            function = source.template.functions.get(there.casefold())
            if function is not None:
                return _UserFunction(source, function, arguments)
        return None

    def find(self, target: Any) -> Resource | Module | Unknown | None:
        """The instance that `reference()` names by its id, by its name or by its symbol; None when it is not ours."""
        if isinstance(target, Unknown):
            return target
        if not isinstance(target, str):
            return None
        declaration = self._symbols.get(target if self.template.bicep else target.casefold())
        if declaration is not None and declaration.loop is None:
            return self.instances(declaration)[0]
        try:
            index = self._once("index of", "resources", self._index)
        except EvaluationError as error:
            return Unknown(str(error))
        found: Resource | Module | None = index.get(target.casefold().rstrip("/"))
        return found if found is not None or self.names is self else self.names.find(target)

    def group(self, scope: str) -> Resource | None:
        """The resource group with an id, when this template or one around it makes it."""
        for declaration in self.template.declarations:
            if isinstance(declaration, ir.ResourceDeclaration) and declaration.type.casefold() == ids.GROUP_TYPE:
                for one in () if declaration.existing else self.instances(declaration):
                    if isinstance(one, Resource) and one.id.casefold() == scope.casefold():
                        return one
        return self.module.deployment.group(scope) if self.module is not None else None

    def _index(self) -> dict[str, Resource | Module]:
        index: dict[str, Resource | Module] = {}
        for declaration in self.template.declarations:
            if isinstance(declaration, ir.ResourceDeclaration) and declaration.parent is not None:
                continue
            for position, one in enumerate(self.instances(declaration)):
                index.setdefault(str(one.member("id")).casefold(), one)
                index.setdefault(one.name.casefold(), one)
                if declaration.symbol:
                    index.setdefault(f"{declaration.symbol}[{position}]".casefold(), one)
        return index


class _UserFunction(NamedTuple):
    """A user-defined function, the deployment it belongs to, and the arguments of the call."""

    home: Deployment
    function: ir.Function
    arguments: tuple[ir.Expression, ...]


_STOPPED: Final = object()


def _key(names: Mapping[str, Any], name: str) -> str | None:
    return name if name in names else find_key(names, name)


def _reason(error: BaseException) -> str:
    return "the expression nests too deep" if isinstance(error, RecursionError) else str(error)


def _spread(base: Obj, more: Any) -> Obj:
    result = Obj(base)
    for key, value in more.items() if isinstance(more, dict) else ():
        result.put(key, value, more.marks.get(key) if isinstance(more, Obj) else None)
    return result


def _without_secrets(value: Any, kind: str, declared: ir.Parameter | ir.Output) -> Any:
    said = declared.secrecy
    return value if said is None else concealed(value, said, f"the type of {kind} {declared.name!r} keeps it secret")


def missing(parameter: ir.Parameter, reason: str) -> Any:
    """What stands for a parameter nobody gave: text that decides nothing, or an Unknown with what it can be."""
    if parameter.allowed:
        return Unknown(reason, parameter.allowed)
    if parameter.type == "bool":
        return Unknown(reason, (True, False))
    if parameter.type == "string":
        return Placeholder(f"{{{parameter.name}}}", reason)
    return Unknown(reason)


def _coerced(value: Any, kind: str) -> Any:
    """Text from a parameter file or the command line as the parameter's type, as ARM converts it."""
    if not isinstance(value, str) or isinstance(value, Placeholder):
        return value
    if kind == "bool" and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    if kind == "int" and value.strip().lstrip("+-").isdecimal() and len(value) < 20:
        return int(value)
    return value

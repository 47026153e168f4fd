"""What a template's symbols stand for while it is evaluated: instances of resources and modules, and their parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from auditor.model import Unknown
from auditor.sources.arm import functions, ids, ir
from auditor.sources.arm.ids import Scope
from auditor.sources.arm.values import Obj, Placeholder, find_key

if TYPE_CHECKING:
    from auditor.sources.arm.evaluate import Deployment

MAX_PARENTS: Final = 32
"""Resources below one another."""
MAX_MODULES: Final = 24
"""Modules inside modules."""

Env = Mapping[str, Any]
"""Names of lambdas, loops and function parameters; ARM's loops stand in it as `copy:NAME`."""

DEPLOYMENT: Final = "Microsoft.Resources/deployments"
_AFTER: Final = "is known only after deployment"


class Unset:
    """Nothing was given."""


UNSET: Final = Unset()


class Declared:
    """What a template declares of a resource, read by another expression: what it leaves out is not known yet."""

    __slots__ = ("label", "value")

    def __init__(self, value: Mapping[str, Any], label: str) -> None:
        """Wrap a declared object; `label` is how reasons name it."""
        self.value = value
        self.label = label

    def member(self, key: Any) -> Any:
        """A property as declared; one that is not is decided by Azure."""
        if isinstance(key, Unknown):
            return key
        actual = find_key(self.value, str(key))
        label = f"{self.label}.{key}"
        if actual is None or self.value[actual] is None:
            return Unknown(f"{label} {_AFTER}")
        found = self.value[actual]
        return Declared(found, label) if isinstance(found, dict) else found


class Resource:
    """One instance of a resource declaration."""

    __slots__ = (
        "_body",
        "_condition",
        "_id",
        "_name",
        "_named_parent",
        "_parent",
        "_scope",
        "declaration",
        "deployment",
        "env",
        "repeated",
    )

    def __init__(self, deployment: Deployment, declaration: ir.ResourceDeclaration, env: Env, repeated: str) -> None:
        """An instance in the environment of its loops; `repeated` is the loop's text when its items are not known."""
        self.deployment = deployment
        self.declaration = declaration
        self.env = env
        self.repeated = repeated
        self._name: str | None = None
        self._id: str | None = None
        self._body: Obj | Unknown | None = None
        self._condition: Any = UNSET
        self._parent: Any = UNSET
        self._named_parent: Any = UNSET
        self._scope: Any = UNSET

    @property
    def type(self) -> str:
        """The full ARM type; an extension written in the old way (`…/providers/locks`) has its own type here."""
        return ids.old_extension(self.declaration.type, self.name)[0]

    @property
    def name(self) -> str:
        """The name as written: for a child with a parent the last segment."""
        if self._name is None:
            value = self.deployment.guarded(self.declaration.name, self.env)
            self._name = text_of(value, self.declaration.name.span)
        return self._name

    @property
    def parent(self) -> Resource | None:
        """The resource it stands below, when the template says so by nesting or by `parent`; never itself."""
        if self._parent is UNSET:
            above = self._above()
            for _ in range(MAX_PARENTS):
                if above is None or above is self:
                    break
                above = above._above()
            self._parent = self._above() if above is None else None
        parent: Resource | None = self._parent
        return parent

    def _above(self) -> Resource | None:
        """What the template says it stands below, be it in a circle."""
        if self._named_parent is UNSET:
            declaration = self.declaration
            found: Any = None
            if declaration.parent is not None:
                found = self.deployment.instance(declaration.parent, self.env)
            elif declaration.parent_reference is not None:
                found = self.deployment.guarded(declaration.parent_reference, self.env)
            self._named_parent = found if isinstance(found, Resource) else None
        named: Resource | None = self._named_parent
        return named

    @property
    def scope(self) -> Any:
        """What `scope` gives: a Scope, a Resource, an id; None when it is not set."""
        if self._scope is UNSET:
            expression = self.declaration.scope
            self._scope = None if expression is None else self.deployment.guarded(expression, self.env)
        return self._scope

    @property
    def id(self) -> str:
        """The ARM id, a Placeholder when it holds something that was not given."""
        if self._id is None:
            symbol = self.declaration.symbol or self.declaration.type
            self._id = Placeholder(f"{{{symbol}}}", f"{symbol} is the scope of itself")
            self._id = self._made_id()
        return self._id

    def _made_id(self) -> str:
        parent = self.parent
        declaration = self.declaration
        if parent is not None:
            types = declaration.type.split("/")
            own = types[-1] if len(types) > 1 else declaration.type
            return ids.join(parent.id, "/", own, "/", self.name)
        scope = self.scope
        if isinstance(scope, Resource) and scope.declaration.type.casefold() != ids.GROUP_TYPE:
            base: str = scope.id
        elif isinstance(scope, str):
            base = scope if scope.startswith("/") else ids.join(self.deployment.scope.id, "/providers/", scope)
        elif scope is None:
            base = self.deployment.scope.id
        else:
            found = scope_of(scope, self.deployment.scope)
            expression = declaration.scope
            shown = expression.span.text if expression is not None else ""
            base = found.id if isinstance(found, Scope) else Placeholder(f"{{{shown}}}", found.reason)
        return ids.resource_id(base, declaration.type, self.name)

    @property
    def condition(self) -> Any:
        """Whether it is deployed: True, False, or an Unknown; parents count."""
        if self._condition is UNSET:
            own: Any = True
            if self.declaration.condition is not None:
                own = self.deployment.condition(self.declaration.condition, self.env)
            above = self.parent.condition if self.declaration.parent is not None and self.parent is not None else True
            self._condition = own if own is False or above is True else above
        return self._condition

    @property
    def body(self) -> Obj | Unknown:
        """Everything it declares besides name, type and api-version."""
        if self._body is None:
            value = self.deployment.guarded(self.declaration.body, self.env)
            self._body = value if isinstance(value, Obj | Unknown) else Obj()
        return self._body

    @property
    def region(self) -> Any:
        """Its `location`."""
        body = self.body
        if isinstance(body, Unknown):
            return body
        key = find_key(body, "location")
        return None if key is None else body[key]

    def member(self, key: Any) -> Any:
        """What another expression reads of it."""
        if isinstance(key, Unknown):
            return key
        match str(key).casefold():
            case "id":
                return self.id
            case "name":
                return self.name
            case "type":
                return self.type
            case "apiversion":
                return self.declaration.api_version
        label = f"{self.declaration.symbol or self.declaration.type}"
        if self.declaration.existing:
            return Unknown(f"{label}.{key}: the resource exists already, outside the template")
        body = self.body
        if isinstance(body, Unknown):
            return body
        return Declared(body, label).member(key)


class Module:
    """One instance of a module."""

    __slots__ = ("_condition", "_inside", "_name", "declaration", "deployment", "env", "repeated")

    def __init__(self, deployment: Deployment, declaration: ir.ModuleDeclaration, env: Env, repeated: str) -> None:
        """An instance in the environment of its loops; `repeated` is the loop's text when its items are not known."""
        self.deployment = deployment
        self.declaration = declaration
        self.env = env
        self.repeated = repeated
        self._name: str | None = None
        self._inside: Deployment | ir.Unresolved | None = None
        self._condition: Any = UNSET

    @property
    def name(self) -> str:
        """The deployment's name."""
        if self._name is None:
            expression = self.declaration.name
            if expression is None:
                parts = [self.declaration.symbol, self.deployment.name]
                unique = functions.apply("uniquestring", parts)
                self._name = ids.join(self.declaration.symbol, "-", unique)
            else:
                self._name = text_of(self.deployment.guarded(expression, self.env), expression.span)
        return self._name

    @property
    def condition(self) -> Any:
        """Whether it is deployed: True, False, or an Unknown."""
        if self._condition is UNSET:
            expression = self.declaration.condition
            self._condition = True if expression is None else self.deployment.condition(expression, self.env)
        return self._condition

    @property
    def inside(self) -> Deployment | ir.Unresolved:
        """The module's own deployment; Unresolved when its template is not at hand."""
        if self._inside is None:
            self._inside = self._opened()
        return self._inside

    def _opened(self) -> Deployment | ir.Unresolved:
        declaration = self.declaration
        outside = self.deployment
        if len(outside.via) >= MAX_MODULES:
            return ir.Unresolved(declaration.reference, f"modules nest deeper than {MAX_MODULES} levels")
        template = declaration.load()
        if isinstance(template, ir.Unresolved):
            return template
        if template.bicep and self._calls_itself(template):
            return ir.Unresolved(declaration.reference, "the module calls itself, by way of those it uses")
        via = (*outside.via, declaration.span.origin())
        scope = self._scope(template)
        if scope.kind == "resourceGroup" and isinstance(scope.location, Unknown):
            # The group may be declared beside the module.
            group = outside.group(scope.id)
            if group is not None and group.region is not None:
                scope = dataclasses.replace(scope, location=group.region)
        outside.run.partly(template, via)
        arguments = Arguments(outside, declaration.arguments, self.env)
        return outside.enter(template, scope, arguments, self.name, via, self)

    def _calls_itself(self, template: ir.Template) -> bool:
        """Whether a template is among those around the module: Bicep has no such circles, ARM JSON may end one."""
        around: Module | None = self
        while around is not None:
            if around.deployment.template.source.path == template.source.path is not None:
                return True
            around = around.deployment.module
        return False

    def _scope(self, template: ir.Template) -> Scope:
        declaration = self.declaration
        here = self.deployment.scope
        if declaration.scope is not None:
            found = scope_of(self.deployment.guarded(declaration.scope, self.env), here)
            if isinstance(found, Scope):
                return found.known_as(here)
            # Where it goes is not known; what it declares is.
            name = Placeholder(f"{{{declaration.scope.span.text}}}", found.reason)
            return Scope(template.scope, name, name if template.scope == "resourceGroup" else "", found, name)
        subscription, group = here.subscription, here.group
        if declaration.subscription is not None:
            value = self.deployment.guarded(declaration.subscription, self.env)
            subscription = text_of(value, declaration.subscription.span)
        if declaration.resource_group is not None:
            value = self.deployment.guarded(declaration.resource_group, self.env)
            group = text_of(value, declaration.resource_group.span)
            return Scope(
                "resourceGroup", subscription, group, Unknown(f"the location of {group} is not known")
            ).known_as(here)
        if declaration.subscription is not None:
            return Scope("subscription", subscription, "", here.location)
        if template.scope != here.kind and template.scope in ("subscription", "managementGroup", "tenant"):
            return Scope(template.scope, subscription, "", here.location, here.management_group)
        return here

    def member(self, key: Any) -> Any:
        """What another expression reads of it: `outputs`, `name`, `id`."""
        if isinstance(key, Unknown):
            return key
        match str(key).casefold():
            case "outputs":
                return Outputs(self, wrapped=False)
            case "name":
                return self.name
            case "id":
                inside = self.inside
                scope = self.deployment.scope if isinstance(inside, ir.Unresolved) else inside.scope
                return ids.resource_id(scope.id, DEPLOYMENT, self.name)
            case "type":
                return DEPLOYMENT
            case "apiversion":
                return self.declaration.api_version
            case "properties":
                label = self.declaration.symbol or self.name
                return Declared({"outputs": Outputs(self, wrapped=True)}, f"{label}.properties")
        return Unknown(f"{self.declaration.symbol}.{key} {_AFTER}")


class Outputs:
    """The outputs of a module; `wrapped` as ARM's reference() gives them, each under `value`."""

    __slots__ = ("module", "wrapped")

    def __init__(self, module: Module, *, wrapped: bool) -> None:
        """Stand for the outputs of a module; nothing is evaluated until one is read."""
        self.module = module
        self.wrapped = wrapped

    def member(self, key: Any) -> Any:
        """One output."""
        if isinstance(key, Unknown):
            return key
        module = self.module
        if module.condition is False:
            return Unknown(f"module {module.declaration.symbol or module.name} is not deployed")
        inside = module.inside
        if isinstance(inside, ir.Unresolved):
            return Unknown(f"module {inside.reference} could not be resolved: {inside.reason}")
        value = inside.output(str(key))
        return Declared({"value": value}, str(key)) if self.wrapped else value


class Arguments:
    """The arguments of a module, each evaluated in the deployment around it when it is first asked for."""

    def __init__(self, outside: Deployment, expression: ir.Expression | None, env: Env) -> None:
        """Take the object of arguments as it is written around the module."""
        self._outside = outside
        self._env = env
        self._entries: dict[str, ir.Entry] | None = {}
        self._whole: Any = None
        self._rest: Unknown | None = None
        if isinstance(expression, ir.ObjectNode):
            for entry in expression.entries:
                if isinstance(entry, ir.Entry) and isinstance(entry.key, ir.Literal) and self._entries is not None:
                    self._entries[str(entry.key.value).casefold()] = entry
                else:
                    self._entries = None
        elif expression is not None:
            self._entries = None
        if self._entries is None and expression is not None:
            value = outside.guarded(expression, env)
            self._whole = value if isinstance(value, dict) else {}
            self._rest = value if isinstance(value, Unknown) else None

    def get(self, name: str) -> Any:
        """The argument's value, or UNSET."""
        if self._entries is not None:
            entry = self._entries.get(name.casefold())
            return UNSET if entry is None else self._outside.guarded(entry.value, self._env)
        if self._rest is not None:
            return self._rest
        key = find_key(self._whole, name)
        return UNSET if key is None else self._whole[key]


def text_of(value: Any, span: ir.Span) -> str:
    """A name: the text itself, or what stands for it when it is not known or is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    reason = value.reason if isinstance(value, Unknown) else f"{span.text} is no text"
    return Placeholder(f"{{{span.text}}}", reason)


def scope_of(value: Any, here: Scope) -> Scope | Unknown:
    """The scope a `scope:` value names."""
    if isinstance(value, Scope | Unknown):
        return value
    if isinstance(value, Resource):
        if value.declaration.type.casefold() == ids.GROUP_TYPE:
            region = None if value.declaration.existing else value.region
            unknown = Unknown(f"the location of resource group {value.name} is not known")
            base = value.scope if isinstance(value.scope, Scope) else value.deployment.scope
            return Scope("resourceGroup", base.subscription, value.name, region or unknown)
        return ids.scope_of_id(value.id, here)
    if isinstance(value, dict):
        key = find_key(value, "id")
        value = value[key] if key is not None else None
    if isinstance(value, str):
        return ids.scope_of_id(value, here)
    return Unknown("the scope is none that is known")

"""The functions that see more than their arguments: lazy ones, and those of the deployment around the expression."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from auditor.model import Unknown
from auditor.sources.arm import functions, ids, ir
from auditor.sources.arm.ids import Scope
from auditor.sources.arm.instances import Declared, Env, Module, Outputs, Resource, text_of
from auditor.sources.arm.values import Arr, EvaluationError, Obj, Placeholder, unknown_of

if TYPE_CHECKING:
    from auditor.sources.arm.evaluate import Deployment

Special = Callable[["Deployment", ir.Call, Env], Any]


def _arguments(node: ir.Call, least: int, most: int | None = None) -> tuple[ir.Expression, ...]:
    count = len(node.arguments)
    if count < least or (most is not None and count > most):
        raise EvaluationError(f"{node.name} was given {count} arguments")
    return node.arguments


# ── logic ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _if(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    condition, yes, no = _arguments(node, 3, 3)
    value = deployment.condition(condition, env)
    if not isinstance(value, Unknown):
        return deployment.evaluate(yes if value else no, env)
    return unknown_of((deployment.guarded(yes, env), deployment.guarded(no, env)), value.reason)


def _decided_by(decisive: bool) -> Special:
    def decide(deployment: Deployment, node: ir.Call, env: Env) -> Any:
        doubt: Unknown | None = None
        for argument in _arguments(node, 1):
            value = deployment.condition(argument, env)
            if value is decisive:
                return decisive
            if isinstance(value, Unknown) and doubt is None:
                doubt = value
        return (not decisive) if doubt is None else Unknown(doubt.reason, (True, False))

    return decide


def _coalesce(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    found: list[Any] = []
    reason = ""
    for argument in _arguments(node, 1):
        value = deployment.evaluate(argument, env)
        if value is None:
            continue
        if not isinstance(value, Unknown):
            found.append(value)
            break
        reason = reason or value.reason
        if not value.possible:
            return value
        found += [one for one in value.possible if one is not None]
        if None not in value.possible:
            break
    else:
        found.append(None)
    return found[0] if not reason else unknown_of(found, reason)


# ── names of the template ────────────────────────────────────────────────────────────────────────────────────────────


def _parameters(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    (argument,) = _arguments(node, 1, 1)
    name = deployment.evaluate(argument, env)
    if not isinstance(name, str):
        raise EvaluationError("parameters() takes a name")
    local = f"parameter:{name.casefold()}"
    return env[local] if local in env else deployment.names.parameter(name)


def _variables(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    (argument,) = _arguments(node, 1, 1)
    name = deployment.evaluate(argument, env)
    if not isinstance(name, str):
        raise EvaluationError("variables() takes a name")
    return deployment.names.variable(name)


def _copy_index(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    arguments = [deployment.evaluate(argument, env) for argument in _arguments(node, 0, 2)]
    name = ""
    if arguments and isinstance(arguments[0], str):
        name = arguments.pop(0).casefold()
    key = f"copy:{name}"
    index = env[key] if key in env else deployment.outer_env.get(key)
    if index is None:
        raise EvaluationError("copyIndex() stands outside a loop")
    return functions.apply("add", [index, arguments[0]]) if arguments else index


def _reference(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    arguments = _arguments(node, 1, 3)
    target = deployment.evaluate(arguments[0], env)
    full = len(arguments) == 3
    found = target if isinstance(target, Resource | Module) else deployment.find(target)
    if found is None:
        shown = target if isinstance(target, str) else arguments[0].span.text
        return Unknown(f"reference() to {str(shown)[:120]} is known only after deployment")
    if isinstance(found, Unknown):
        return found
    return found if full else found.member("properties")


def _try_get(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    """What Bicep's `a.?b.c` is compiled to; `a` may be a resource or a module."""
    base, *keys = _arguments(node, 2)
    value = deployment.evaluate(base, env)
    while keys and isinstance(value, Resource | Module | Declared | Outputs | Scope):
        value = value.member(deployment.evaluate(keys.pop(0), env))
    if isinstance(value, Declared):
        value = value.value
    return functions.apply(node.name, [value, *(deployment.evaluate(key, env) for key in keys)]) if keys else value


# ── scopes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _resource_group(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    given = [_text(deployment, argument, env) for argument in _arguments(node, 0, 2)]
    here = deployment.scope
    if not given:
        if here.kind != "resourceGroup":
            return Unknown("resourceGroup() has no meaning outside a resource group")
        return here
    subscription, group = given if len(given) == 2 else (here.subscription, given[0])
    unknown = Unknown(f"the location of resource group {group} is not known")
    return Scope("resourceGroup", subscription, group, unknown).known_as(here)


def _subscription(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    given = [_text(deployment, argument, env) for argument in _arguments(node, 0, 1)]
    here = deployment.scope
    return Scope("subscription", given[0] if given else here.subscription, "", here.location)


def _management_group(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    given = [_text(deployment, argument, env) for argument in _arguments(node, 0, 1)]
    here = deployment.scope
    return Scope("managementGroup", here.subscription, "", here.location, given[0] if given else here.management_group)


def _tenant(deployment: Deployment, node: ir.Call, _env: Env) -> Any:
    _arguments(node, 0, 0)
    here = deployment.scope
    return Scope("tenant", here.subscription, "", here.location)


def _deployment(deployment: Deployment, node: ir.Call, _env: Env) -> Any:
    _arguments(node, 0, 0)
    home = deployment.names
    found = Obj({"name": home.name, "location": home.scope.location})
    found["properties"] = Unknown("deployment().properties is not followed")
    return found


def _text(deployment: Deployment, argument: ir.Expression, env: Env) -> str:
    return text_of(deployment.guarded(argument, env), argument.span)


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _id_at(kind: str) -> Special:
    def make(deployment: Deployment, node: ir.Call, env: Env) -> Any:
        given: list[Any] = [_text(deployment, argument, env) for argument in _arguments(node, 1)]
        here = deployment.scope
        before: list[str] = []
        while given and "/" not in given[0]:
            before.append(given.pop(0))
        if kind == "tenant":
            base = ""
        elif kind == "managementGroup":
            base = Scope(kind, management_group=before[0] if before else here.management_group).id
        elif kind == "subscription" or (kind == "" and here.kind == "subscription" and len(before) < 2):
            base = ids.join("/subscriptions/", before[0] if before else here.subscription)
        elif kind == "" and here.kind in ("tenant", "managementGroup"):
            base = ""
        else:
            subscription = before[0] if len(before) == 2 else here.subscription
            base = Scope("resourceGroup", subscription, before[-1] if before else here.group).id
        return ids.resource_id_of(base, given)

    return make


def _extension_id(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    base, *rest = [_text(deployment, argument, env) for argument in _arguments(node, 3)]
    return ids.resource_id_of(base, rest)


# ── files and the environment ────────────────────────────────────────────────────────────────────────────────────────


def _content(deployment: Deployment, node: ir.Call, env: Env) -> bytes:
    path = deployment.evaluate(node.arguments[0], env) if node.arguments else None
    if not isinstance(path, str) or isinstance(path, Placeholder):
        raise EvaluationError(f"{node.name} takes the path of a file")
    return deployment.run.files.content(node.span.source, path)


def _load_text(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    _arguments(node, 1, 2)
    encoding = deployment.evaluate(node.arguments[1], env) if len(node.arguments) == 2 else "utf-8"
    known = {
        "us-ascii": "ascii",
        "iso-8859-1": "latin-1",
        "utf-8": "utf-8-sig",
        "utf-16": "utf-16",
        "utf-16be": "utf-16-be",
    }
    try:
        return _content(deployment, node, env).decode(known.get(str(encoding).casefold(), "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise EvaluationError("the file is no text in that encoding") from error


def _load_base64(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    _arguments(node, 1, 1)
    return base64.b64encode(_content(deployment, node, env)).decode("ascii")


def _load_json(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    _arguments(node, 1, 3)
    try:
        value = json.loads(_content(deployment, node, env).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise EvaluationError("the file is not JSON") from error
    return _part(_plain(value), deployment, node, env)


def _load_yaml(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    import yaml

    _arguments(node, 1, 3)
    data = _content(deployment, node, env)
    if b"&" in data and b"*" in data:
        raise EvaluationError("YAML with anchors is not read")
    try:
        value = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise EvaluationError("the file is not YAML") from error
    return _part(_plain(value), deployment, node, env)


def _part(value: Any, deployment: Deployment, node: ir.Call, env: Env) -> Any:
    """What the JSONPath given as second argument selects; plain member paths only."""
    if len(node.arguments) < 2:
        return value
    path = deployment.evaluate(node.arguments[1], env)
    if path is None or path in ("$", ""):
        return value
    if not isinstance(path, str) or not path.removeprefix("$").replace(".", "").replace("_", "").isalnum():
        return Unknown(f"the path {str(path)[:80]!r} into the file is not followed")
    for name in path.removeprefix("$").strip(".").split("."):
        value = functions.member(value, name)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return Obj({str(key): _plain(item) for key, item in value.items()})
    if isinstance(value, list):
        return Arr(map(_plain, value))
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _environment_variable(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    arguments = _arguments(node, 1, 2)
    name = deployment.evaluate(arguments[0], env)
    found = deployment.run.environment.get(str(name))
    if found is not None:
        return found
    if len(arguments) == 2:
        return deployment.evaluate(arguments[1], env)
    return Placeholder(f"{{{name}}}", f"the environment variable {name} is not set")


def _unreadable(deployment: Deployment, node: ir.Call, env: Env) -> Any:
    (reason,) = _arguments(node, 1, 1)
    return Unknown(str(deployment.evaluate(reason, env)))


def _secret(_deployment: Deployment, node: ir.Call, _env: Env) -> Any:
    return Unknown(f"{node.name}() reads a secret")


def _at_run_time(_deployment: Deployment, node: ir.Call, _env: Env) -> Any:
    return Unknown(f"{node.name}() is known only at deployment")


SPECIAL: Final[Mapping[str, Special]] = {
    "if": _if,
    "and": _decided_by(False),
    "or": _decided_by(True),
    "coalesce": _coalesce,
    "parameters": _parameters,
    "variables": _variables,
    "copyindex": _copy_index,
    "reference": _reference,
    "references": _at_run_time,
    "tryget": _try_get,
    "resourcegroup": _resource_group,
    "subscription": _subscription,
    "managementgroup": _management_group,
    "tenant": _tenant,
    "deployment": _deployment,
    "resourceid": _id_at(""),
    "subscriptionresourceid": _id_at("subscription"),
    "tenantresourceid": _id_at("tenant"),
    "managementgroupresourceid": _id_at("managementGroup"),
    "extensionresourceid": _extension_id,
    "loadtextcontent": _load_text,
    "loadfileasbase64": _load_base64,
    "loadjsoncontent": _load_json,
    "loadyamlcontent": _load_yaml,
    "loaddirectoryfileinfo": _at_run_time,
    "readenvironmentvariable": _environment_variable,
    "readcliarg": _at_run_time,
    "externalinput": _at_run_time,
    "externalinputs": _at_run_time,
    "getsecret": _secret,
    "az.getsecret": _secret,
    "unreadable": _unreadable,
}

"""What a type keeps secret is in no value that comes out of a template, wherever in it the secret is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auditor.model import Unknown
from auditor.sources import bicep
from auditor.sources.arm import ir, secrecy
from tests.sources.arm.template_files import STORAGE, Texts, evaluated, properties

SECRET = "hunter2"
GIVEN = {"user": "ada", "password": SECRET, "more": [SECRET, SECRET], "inner": {"password": SECRET, "user": "bob"}}
CLEAR = ["ada", "bob"]
STORE = f"""
resource sa '{STORAGE}@2023-05-01' = {{
  name: 'st'
  properties: {{ whole: p, one: p.password, joined: '${{p.password}}!', user: p.user, inner: p.inner.user }}
}}
"""
LITERAL = (
    "{ user: 'ada', password: 'hunter2', more: ['hunter2', 'hunter2'], inner: { password: 'hunter2', user: 'bob' } }"
)
IN_ANOTHER = """
@secure()
type secret = string
@export()
type part = { password: secret, user: string }
@export()
type t = { user: string, password: secret, more: secret[], inner: part }
"""
TYPES = {
    "property": "type t = { user: string, @secure()\n password: string, more: more, inner: inner }\n"
    "type more = [ @secure()\n string, @secure()\n string ]\n"
    "type inner = { @secure()\n password: string, user: string }\n",
    "named": IN_ANOTHER.replace("@export()\n", ""),
    "nullable": "@secure()\ntype s = string?\ntype t = { user: string, password: s?, more: s[]?, inner: i? }?\n"
    "type i = { password: s, user: string? }\n",
    "others": "type t = { user: string, inner: i, @secure()\n *: string }\n"
    "type i = { user: string, @secure()\n *: string }\n",
    "union": "type a = { user: string, @secure()\n password: string, inner: i, more: m }\n"
    "type b = { user: string }\n@secure()\ntype m = array\n"
    "type i = { user: string, @secure()\n password: string }\ntype t = a | b\n",
    "part": "type h = { x: { user: string, @secure()\n password: string, inner: i, more: m[] }[] }\n"
    "@secure()\ntype m = string\ntype i = { @secure()\n password: string, user: string }\ntype t = h.x[*]\n",
    "of itself": "type t = { user: string, @secure()\n password: string?, inner: t?, more: s[]? }\n"
    "@secure()\ntype s = string\n",
    "name in another case": "type t = { User: string, @secure()\n PassWord: string, more: m, inner: i }\n"
    "@secure()\ntype m = array\ntype i = { user: string, @secure()\n PASSWORD: string }\n",
    "imported": "import { t } from 'types.bicep'\n",
    "imported by another name": "import { t as other } from 'types.bicep'\ntype t = other\n",
    "imported as a whole": "import * as all from 'types.bicep'\ntype t = all.t\n",
    "imported in part": "import * as all from 'types.bicep'\n@secure()\ntype s = string\n"
    "type t = { user: string, password: s, more: s[], inner: all.part }\n",
    "imported from JSON": "import { t } from 'types.json'\n",
}
DEFINITIONS: dict[str, Any] = {
    "secret": {"type": "securestring"},
    "part": {
        "type": "object",
        "properties": {"PassWord": {"$ref": "#/definitions/secret"}, "user": {"type": "string"}},
    },
    "t": {
        "type": "object",
        "properties": {
            "user": {"type": "string"},
            "password": {"type": "SecureString"},
            "more": {"type": "array", "items": {"$ref": "#/definitions/secret"}},
            "inner": {"$ref": "#/definitions/part", "nullable": True},
        },
    },
}


def hidden(found: Any) -> None:
    """A store's properties, as they should be."""
    given = properties(found["st"])
    assert SECRET not in repr(found.resources)
    assert (given["user"], given["inner"], given["whole"]["user"]) == ("ada", "bob", "ada")
    assert given["whole"]["inner"]["user"] == "bob"
    assert all(isinstance(given[name], Unknown) for name in ("one", "joined"))
    assert isinstance(given["whole"]["password"], Unknown)
    assert "keeps it secret" in given["one"].reason


@pytest.mark.parametrize("form", TYPES)
@pytest.mark.parametrize("how", ["given", "default", "module"])
def test_parts_that_a_bicep_type_keeps_secret(form: str, how: str) -> None:
    head = TYPES[form] + "param p t"
    texts = {"types.bicep": IN_ANOTHER, "types.json": json.dumps({"definitions": DEFINITIONS, "resources": []})}
    if how == "given":
        hidden(evaluated({**texts, "main.bicep": head + STORE}, f"using 'main.bicep'\nparam p = {LITERAL}\n"))
    elif how == "default":
        hidden(evaluated({**texts, "main.bicep": f"{head} = {LITERAL}\n{STORE}"}))
    else:
        module = f"module m 'inner.bicep' = {{ name: 'm', params: {{ p: {LITERAL} }} }}".replace(
            ", params", "\n params"
        )
        hidden(evaluated({**texts, "main.bicep": module, "inner.bicep": head + STORE}))


@pytest.mark.parametrize(
    "declared",
    [
        DEFINITIONS["t"],
        {"$ref": "#/definitions/t"},
        {
            "type": "object",
            "properties": {"user": {}, "inner": {"$ref": "#/definitions/part"}},
            "additionalProperties": {"$ref": "#/definitions/secret"},
        },
        {
            "type": "object",
            "discriminator": {"propertyName": "user", "mapping": {"ada": {"$ref": "#/definitions/t"}, "b": {}}},
        },
        {
            **DEFINITIONS["t"],
            "properties": {
                **DEFINITIONS["t"]["properties"],
                "more": {"type": "array", "prefixItems": [{"type": "secureObject"}], "items": {"type": "secureString"}},
            },
        },
    ],
)
def test_parts_that_a_definition_keeps_secret(declared: dict[str, Any]) -> None:
    store = {
        "type": STORAGE,
        "apiVersion": "2023-05-01",
        "name": "st",
        "properties": {
            "whole": "[parameters('p')]",
            "one": "[parameters('p').password]",
            "joined": "[concat(parameters('p').password, '!')]",
            "user": "[parameters('p').user]",
            "inner": "[parameters('p').inner.user]",
        },
    }
    parameters = {"p": {**declared, "defaultValue": GIVEN}}
    text = json.dumps({"definitions": DEFINITIONS, "parameters": parameters, "resources": [store]})
    hidden(evaluated({"main.json": text}))


def test_parts_of_an_output() -> None:
    module = "module m 'inner.bicep' = {\n  name: 'm'\n}\n"
    out = TYPES["property"] + f"output p t = {LITERAL}\n"
    hidden(evaluated({"main.bicep": module + "var p = m.outputs.p\n" + STORE, "inner.bicep": out}))


def test_alternatives_are_looked_through() -> None:
    text = TYPES["property"] + f"param yes bool\nparam p t = yes ? {LITERAL} : {LITERAL.replace('ada', 'eve')}\n{STORE}"
    found = evaluated(text)
    user = properties(found["st"])["user"]
    assert isinstance(user, Unknown)
    assert set(user.possible) == {"ada", "eve"}
    assert SECRET not in repr(found.resources)


def test_where_a_secret_is_written_is_known_and_how_is_not() -> None:
    given = "using 'main.bicep'\nvar x = 'hunter'\nparam p = {\n  user: x\n  password: '${x}2'\n}\n"
    text = "type t = { user: string, @secure()\n password: string }\nparam p t\n" + STORE.replace(
        ", user: p.user, inner: p.inner.user", ""
    )
    origins = evaluated(text, given)["st"].origins
    assert (origins["properties.whole.password"].line, origins["properties.whole.password"].expression) == (5, None)
    assert origins["properties.whole.user"].expression == "x"


def test_what_is_not_secret_is_as_it_was() -> None:
    given = "{ a: 1, b: [true, null], c: { d: 'x' } }"
    text = f"type t = {{ a: int, b: bool?[], c: object }}\nparam p t = {given}\n{STORE}".replace(
        "whole: p, one: p.password, joined: '${p.password}!', user: p.user, inner: p.inner.user", "whole: p"
    )
    assert properties(evaluated(text)["st"])["whole"] == {"a": 1, "b": [True, None], "c": {"d": "x"}}


@pytest.mark.parametrize(
    "texts",
    [
        {
            "main.bicep": "import { t as u } from 'b.bicep'\ntype t = u",
            "b.bicep": "import { t as u } from 'main.bicep'\ntype t = u",
        },
        {
            "main.bicep": "import * as b from 'b.bicep'\ntype t = b.t | b.u | { user: b.t }",
            "b.bicep": "import * as a from 'main.bicep'\ntype t = a.t | a.t.user\ntype u = t | a.t | { user: a.t }",
        },
        {
            "main.bicep": "\n".join(
                ["type t = t0", *(f"type t{n} = t{n + 1}.user" for n in range(3000)), "type t3000 = t"]
            )
        },
        {"main.bicep": f"type t = {' | '.join(['{ user: t, inner: t, more: t }'] * 3000)}"},
    ],
    ids=["circle", "circles", "chain", "wide"],
)
def test_types_that_lead_nowhere_keep_everything_secret(texts: dict[str, str]) -> None:
    main = texts["main.bicep"] + f"\nparam p t = {LITERAL}\n{STORE}"
    found = evaluated({**texts, "main.bicep": main})
    assert found.names == ["st"]
    assert SECRET not in repr(found.resources)


def test_what_is_too_large_to_be_looked_through_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrecy, "MAX_STEPS", 5)
    found = properties(evaluated(TYPES["property"] + f"param p t = {LITERAL}\n{STORE}")["st"])["whole"]
    assert (found["user"], isinstance(found["inner"], Unknown)) == ("ada", True)


def test_simple_types_say_nothing() -> None:
    files = Texts({})
    found = bicep.parse_template(ir.Source("main.bicep", "param a string\nparam b 'x'\nparam c int[]\n"), files)
    assert [one.secrecy is None for one in found.parameters.values()] == [True, True, False]

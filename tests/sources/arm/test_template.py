"""ARM JSON: what templates and parameter files are lowered to, in all their forms, and what is said of bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Unknown
from auditor.sources.arm import ir, parse_parameters, parse_template, resources
from auditor.sources.arm.values import EvaluationError
from tests.sources.arm.template_files import GROUP, Evaluated, evaluated, properties
from tests.sources.bicep.showing import problems, show

STORAGE = "Microsoft.Storage/storageAccounts"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


class Beside:
    """`ir.Files` that says what it was asked for."""

    def __init__(self, **parameters: str) -> None:
        self.asked: list[str] = []
        self._parameters = parameters

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        self.asked.append(reference)
        return ir.Unresolved(reference, f"not there, beside {base.uri}")

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        self.asked.append(reference)
        text = self._parameters.get(reference.partition(".")[0])
        return ir.Unresolved(reference, "not there") if text is None else parse_parameters(ir.Source(reference, text))

    def content(self, base: ir.Source, relative: str) -> bytes:
        raise EvaluationError(relative)


def template(content: Any, files: Beside | None = None) -> ir.Template:
    """A template of an object, or of a text as it is."""
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    return parse_template(ir.Source("main.json", text, Path("main.json")), files or Beside())


def sound(content: Any, files: Beside | None = None) -> ir.Template:
    found = template(content, files)
    assert problems(found) == []
    return found


def declared(*listed: Any, **more: Any) -> tuple[ir.Declaration, ...]:
    return sound({"resources": list(listed), **more}).declarations


def resource(*listed: Any, **more: Any) -> ir.ResourceDeclaration:
    """The last resource of a template."""
    found = declared(*listed, **more)[-1]
    assert isinstance(found, ir.ResourceDeclaration)
    return found


def module(properties: Any, files: Beside | None = None, beside: Any = None, **more: Any) -> ir.ModuleDeclaration:
    deployment = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": "inner",
        "properties": properties,
        **more,
    }
    (found,) = sound({"resources": [deployment], **(beside or {})}, files).declarations
    assert isinstance(found, ir.ModuleDeclaration)
    return found


def account(name: str = "st", **more: Any) -> dict[str, Any]:
    return {"type": STORAGE, "apiVersion": "2023-05-01", "name": name, **more}


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("schema", "scope"),
    [
        ("", "resourceGroup"),
        (SCHEMA, "resourceGroup"),
        ("http://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json", "resourceGroup"),
        ("https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#", "subscription"),
        (
            "https://schema.management.azure.com/schemas/2019-08-01/ManagementGroupDeploymentTemplate.json#",
            "managementGroup",
        ),
        ("https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#", "tenant"),
    ],
)
def test_the_schema_says_what_it_is_deployed_to(schema: str, scope: str) -> None:
    assert sound({"$schema": schema, "resources": []}).scope == scope


def test_what_is_none_of_our_business_is_left_alone() -> None:
    found = sound(
        {
            "languageVersion": "2.0",
            "metadata": {"x": "[not an expression"},
            "imports": {"k": {"provider": "Kubernetes"}},
            "extensions": {"k": {"name": "Kubernetes"}},
            "resources": {
                "pod": {"import": "k", "type": "core/Service@v1", "properties": {}},
                "gear": {"extension": "k", "type": "core/Gear@v1"},
                "st": account(comments="hello", dependsOn=["pod"]),
            },
        }
    )
    (only,) = found.declarations
    assert (only.symbol, show(only.body) if isinstance(only, ir.ResourceDeclaration) else "") == ("st", "{}")


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parameters() -> None:
    found = sound(
        {
            "definitions": {
                "tier": {"type": "string", "allowedValues": ["hot", "cool"]},
                "maybe": {"$ref": "#/definitions/tier", "nullable": True},
                "loop": {"$ref": "#/definitions/loop"},
                "box": {"type": "object", "properties": {"lid/x": {"type": "int"}}},
                "hidden": {"type": "secureString"},
            },
            "parameters": {
                "Plain": {"type": "String", "defaultValue": "[resourceGroup().location]"},
                "secret": {"type": "securestring"},
                "secrets": {"type": "secureObject"},
                "number": {"type": "int", "allowedValues": [1, 2, None], "minValue": 1},
                "flag": {"type": "bool", "defaultValue": False},
                "list": {"type": "array", "allowedValues": [["a"], ["b"]]},
                "thing": {"type": "object", "defaultValue": {"a": ["[[b]"]}},
                "none": {"type": "string", "nullable": True, "defaultValue": None},
                "tier": {"$ref": "#/definitions/tier"},
                "maybe": {"$ref": "#/definitions/maybe"},
                "surely": {"$ref": "#/definitions/maybe", "nullable": False},
                "circle": {"$ref": "#/definitions/loop"},
                "missing": {"$ref": "#/definitions/nothing"},
                "part": {"$ref": "#/definitions/box/properties/lid~1x"},
                "hidden": {"$ref": "#/definitions/hidden"},
                "odd": {"type": "unheard", "allowedValues": ["[computed()]"]},
            },
            "resources": [],
        }
    )
    shown = {
        key: (
            p.type,
            p.default and show(p.default),
            "".join(letter for letter, on in (("s", p.secure), ("n", p.nullable)) if on),
            p.allowed,
        )
        for key, p in found.parameters.items()
    }
    assert shown == {
        "plain": ("string", "resourcegroup()['location']", "", ()),
        "secret": ("string", None, "s", ()),
        "secrets": ("object", None, "s", ()),
        "number": ("int", None, "", (1, 2, None)),
        "flag": ("bool", "False", "", ()),
        "list": ("array", None, "", ()),
        "thing": ("object", "{a: ['[b]']}", "", ()),
        "none": ("string", "None", "n", ()),
        "tier": ("string", None, "", ("hot", "cool")),
        "maybe": ("string", None, "n", ("hot", "cool")),
        "surely": ("string", None, "", ("hot", "cool")),
        "circle": ("", None, "", ()),
        "missing": ("", None, "", ()),
        "part": ("int", None, "", ()),
        "hidden": ("string", None, "s", ()),
        "odd": ("", None, "", ()),
    }
    assert found.parameters["plain"].name == "Plain"


# ── variables, functions, outputs ────────────────────────────────────────────────────────────────────────────────────


def test_variables_and_their_copies() -> None:
    found = sound(
        {
            "variables": {
                "One": "[concat('a', parameters('b'))]",
                "two": {"x": [1, None, True], "copy": [{"name": "ys", "count": 2, "input": "[copyIndex('ys')]"}]},
                "copy": [
                    {"name": "Three", "count": "[length(variables('two').x)]", "input": {"i": "[copyIndex('Three')]"}},
                    {"name": "four", "count": 3, "input": "x"},
                ],
            },
            "resources": [],
        }
    )
    assert {key: show(variable.value) for key, variable in found.variables.items()} == {
        "one": "concat('a', parameters('b'))",
        "two": "{x: [1, None, True], ys: [2 times as ys: copyindex('ys')]}",
        "three": "[length(variables('two')['x']) times as Three: {i: copyindex('Three')}]",
        "four": "[3 times as four: 'x']",
    }
    assert found.variables["one"].name == "One"


@pytest.mark.parametrize("value", ["text", {"name": "a", "count": 1}, [], [1], [{"name": "a"}], ["[x()]"]])
def test_a_property_named_copy_that_makes_nothing_is_a_property(value: Any) -> None:
    body = show(resource(account(properties={"copy": value})).body)
    assert body.startswith("{properties: {copy: ")
    assert "times" not in body


def test_user_functions() -> None:
    found = sound(
        {
            "functions": [
                {
                    "namespace": "Contoso",
                    "members": {
                        "UniqueName": {
                            "parameters": [{"name": "prefix", "type": "string"}, {"name": "n", "type": "int"}],
                            "output": {"type": "string", "value": "[concat(parameters('prefix'), 'x')]"},
                        },
                        "one": {"output": {"type": "int", "value": 1}},
                    },
                },
                {"namespace": "empty"},
            ],
            "resources": [],
        }
    )
    assert {key: (f.name, f.parameters, show(f.body)) for key, f in found.functions.items()} == {
        "contoso.uniquename": ("contoso.uniquename", ("prefix", "n"), "concat(parameters('prefix'), 'x')"),
        "contoso.one": ("contoso.one", (), "1"),
    }


def test_outputs() -> None:
    found = sound(
        {
            "definitions": {"hidden": {"type": "securestring"}},
            "outputs": {
                "Plain": {"type": "string", "value": "[reference('st').x]"},
                "maybe": {"type": "string", "condition": "[parameters('on')]", "value": "x"},
                "many": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}},
                "secret": {"type": "secureObject", "value": {}},
                "hidden": {"$ref": "#/definitions/hidden", "value": "x"},
            },
            "resources": [],
        }
    )
    assert {key: (output.name, show(output.value), output.secure) for key, output in found.outputs.items()} == {
        "plain": ("Plain", "reference('st')['x']", False),
        "maybe": ("maybe", "if(parameters('on'), 'x', None)", False),
        "many": ("many", "[2 times here: copyindex()]", False),
        "secret": ("secret", "{}", True),
        "hidden": ("hidden", "'x'", True),
    }


# ── resources ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_resource_of_a_list() -> None:
    found = resource(
        account(
            "[parameters('n')]",
            condition="[parameters('on')]",
            copy={"name": "many", "count": "[length(parameters('l'))]", "mode": "serial", "batchSize": 1},
            location="[resourceGroup().location]",
            sku={"name": "Standard_LRS"},
            properties={"[concat('a', 'b')]": "[[literal]", "x": "[copyIndex('many', 1)]"},
            tags={"[resourceId('a/b', 'c')]": {}},
        )
    )
    assert (found.symbol, found.type, found.api_version, show(found.name)) == (
        "",
        STORAGE,
        "2023-05-01",
        "parameters('n')",
    )
    assert show(found.condition) == "parameters('on')"
    assert found.loop is not None
    assert (show(found.loop.count), found.loop.name, found.loop.resource) == ("length(parameters('l'))", "many", True)
    assert found.loop.span.text == "length(parameters('l'))"
    assert show(found.body) == (
        "{location: resourcegroup()['location'], sku: {name: 'Standard_LRS'}, "
        "properties: {concat('a', 'b'): '[literal]', x: copyindex('many', 1)}, tags: {resourceid('a/b', 'c'): {}}}"
    )
    assert (found.existing, found.parent, found.parent_reference, found.scope) == (False, None, None, None)


def test_names_of_properties_compare_without_case() -> None:
    found = resource(
        {"TYPE": STORAGE, "ApiVersion": "2023-05-01", "Name": "st", "DependsOn": [], "Condition": False, "SKU": {}}
    )
    assert (found.api_version, show(found.condition), show(found.body)) == ("2023-05-01", "False", "{SKU: {}}")


def test_symbolic_names_and_what_exists_already() -> None:
    found = sound(
        {
            "languageVersion": "2.0",
            "resources": {
                "Here": account(),
                "there": account(existing=True, resourceGroup="[parameters('g')]"),
                "afar": account(existing=True, subscriptionId="s", resourceGroup="g"),
                "above": account(existing=True, subscriptionId="s"),
                "scoped": account(existing=True, scope="[x()]", resourceGroup="g"),
                "beside": account(existing=False, resourceGroup="g"),
            },
        }
    ).declarations
    assert [
        (one.symbol, one.existing, show(one.scope) if one.scope else "", show(one.body))
        for one in found
        if isinstance(one, ir.ResourceDeclaration)
    ] == [
        ("Here", False, "", "{}"),
        ("there", True, "resourcegroup(parameters('g'))", "{}"),
        ("afar", True, "resourcegroup('s', 'g')", "{}"),
        ("above", True, "subscription('s')", "{}"),
        ("scoped", True, "x()", "{}"),
        ("beside", False, "", "{resourceGroup: 'g'}"),
    ]


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("2023-05-01", "2023-05-01"),
        ("[variables('v')]", "2022-01-01"),
        ("[variables('versions').Storage]", "2021-01-01"),
        ("[concat(variables('v'), '-preview')]", "2022-01-01-preview"),
        ("[format('{0}-{1}', variables('v'), 'preview')]", "2022-01-01-preview"),
        ("[parameters('v')]", ""),
        ("[variables('nothing')]", ""),
        ("[variables('circle')]", ""),
        ("[variables('versions')]", ""),
        ("[variables('versions').other]", ""),
        ("[format('{0}', 1)]", ""),
        ("[toLower('X')]", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_an_api_version_is_known_where_the_template_says_it(version: Any, known: str) -> None:
    made = resource(
        account(apiVersion=version),
        variables={
            "v": "2022-01-01",
            "versions": {"storage": "2021-01-01"},
            "circle": "[variables('circle')]",
        },
        parameters={"v": {"type": "string", "defaultValue": "x"}},
    )
    assert made.api_version == known


def test_loops_inside_a_resource() -> None:
    found = resource(
        account(
            properties={
                "copy": [{"name": "disks", "count": 2, "input": {"lun": "[copyIndex('disks')]"}}],
                "list": [{"copy": [{"name": "inner", "count": "[parameters('n')]", "input": "[copyIndex('inner')]"}]}],
            }
        )
    )
    assert show(found.body) == (
        "{properties: {disks: [2 times as disks: {lun: copyindex('disks')}], "
        "list: [{inner: [parameters('n') times as inner: copyindex('inner')]}]}}"
    )


# ── children and extensions ──────────────────────────────────────────────────────────────────────────────────────────


def child(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "apiVersion": "2023-05-01", "name": name, **more}


@pytest.mark.parametrize(
    ("kind", "name", "full_type", "full_name", "nested"),
    [
        ("blobServices", "default", f"{STORAGE}/blobServices", "'default'", True),
        ("blobServices", "[parameters('x')]", f"{STORAGE}/blobServices", "parameters('x')", True),
        (f"{STORAGE}/blobServices", "default", f"{STORAGE}/blobServices", "'default'", True),
        (f"{STORAGE.lower()}/blobServices", "st/default", f"{STORAGE.lower()}/blobServices", "'st/default'", False),
        (
            f"{STORAGE}/blobServices",
            "[concat(parameters('a'), '/default')]",
            f"{STORAGE}/blobServices",
            "concat(parameters('a'), '/default')",
            False,
        ),
        ("blobServices/containers", "default/c", f"{STORAGE}/blobServices/containers", "'st/default/c'", False),
        (
            "providers/locks",
            "Microsoft.Authorization/l",
            f"{STORAGE}/providers/locks",
            "'st/Microsoft.Authorization/l'",
            False,
        ),
        (
            "/providers/locks/",
            "[concat('Microsoft.Authorization/', parameters('l'))]",
            f"{STORAGE}/providers/locks",
            "<'st' '/' concat('Microsoft.Authorization/', parameters('l'))>",
            False,
        ),
        (
            "Microsoft.Authorization/locks",
            "l",
            f"{STORAGE}/providers/locks",
            "'st/Microsoft.Authorization/l'",
            False,
        ),
        (
            f"{STORAGE}/providers/locks",
            "st/Microsoft.Authorization/l",
            f"{STORAGE}/providers/locks",
            "'st/Microsoft.Authorization/l'",
            False,
        ),
        ("Microsoft.Storage/other", "x", "Microsoft.Storage/other", "'x'", False),
    ],
)
def test_a_resource_inside_another(kind: str, name: str, full_type: str, full_name: str, nested: bool) -> None:
    parent, made = declared(account(resources=[child(kind, name)]))
    assert isinstance(made, ir.ResourceDeclaration)
    assert (made.type, show(made.name), made.parent is parent) == (full_type, full_name, nested)


def test_children_of_children_and_of_symbolic_names() -> None:
    inside = child("containers", "c", resources=[child("providers/locks", "Microsoft.Authorization/l")])
    found = sound(
        {"resources": {"st": account(resources={"blobs": child("blobServices", "default", resources=[inside])})}}
    ).declarations
    assert [
        (one.symbol, one.type, show(one.name), one.parent and one.parent.symbol)
        for one in found
        if isinstance(one, ir.ResourceDeclaration)
    ] == [
        ("st", STORAGE, "'st'", None),
        ("blobs", f"{STORAGE}/blobServices", "'default'", "st"),
        ("", f"{STORAGE}/blobServices/containers", "'c'", "blobs"),
        (
            "",
            f"{STORAGE}/blobServices/containers/providers/locks",
            "'st/default/c/Microsoft.Authorization/l'",
            None,
        ),
    ]


def test_what_decides_about_a_parent_decides_about_what_carries_its_name() -> None:
    lock = child("providers/locks", "Microsoft.Authorization/l")
    loop = {"name": "many", "count": 2}
    parent = account("[concat('st', copyIndex())]", copy=loop, condition="[parameters('on')]")
    same, both, own = (
        resource({**parent, "resources": [{**lock, **more}]})
        for more in ({}, {"condition": "[parameters('too')]"}, {"copy": {"name": "other", "count": 3}})
    )
    assert show(same.condition) == "parameters('on')"
    assert same.loop is not None
    assert same.loop.name == "many"
    assert show(both.condition) == "and(parameters('on'), parameters('too'))"
    assert own.loop is not None
    assert own.loop.name == "other"
    alone = resource(account(resources=[{**lock, "condition": "[parameters('too')]"}]))
    assert show(alone.condition) == "parameters('too')"


def test_extension_resources() -> None:
    found = resource(
        child("Microsoft.Authorization/locks", "l", scope=f"[resourceId('{STORAGE}', 'st')]", properties={"level": "x"})
    )
    assert (show(found.scope), show(found.body)) == (f"resourceid('{STORAGE}', 'st')", "{properties: {level: 'x'}}")
    old = resource(child(f"{STORAGE}/providers/locks", "st/Microsoft.Authorization/l"))
    assert (old.type, show(old.name)) == (f"{STORAGE}/providers/locks", "'st/Microsoft.Authorization/l'")


# ── deployments ──────────────────────────────────────────────────────────────────────────────────────────────────────

INSIDE: dict[str, Any] = {"$schema": SCHEMA, "parameters": {"p": {"type": "string"}}, "resources": [account()]}


def test_a_template_inside_a_deployment() -> None:
    found = module(
        {
            "expressionEvaluationOptions": {"scope": "Inner"},
            "parameters": {
                "a": {"value": "[parameters('x')]"},
                "b": {"value": None},
                "c": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}},
                "d": "[if(parameters('x'), createObject('value', 1), createObject('reference', 2))]",
                "e": {"copy": [{"name": "value", "count": 2, "input": "[copyIndex('value')]"}]},
            },
            "template": INSIDE,
        },
        resourceGroup="[parameters('g')]",
        subscriptionId="s",
        scope="/",
        condition=False,
        copy={"name": "c", "count": 2},
    )
    assert (found.symbol, found.reference, found.inner, show(found.name)) == ("", "", True, "'inner'")
    assert (show(found.resource_group), show(found.subscription), show(found.scope)) == (
        "parameters('g')",
        "'s'",
        "'/'",
    )
    assert show(found.condition) == "False"
    assert found.loop is not None
    assert show(found.arguments) == (
        "{a: parameters('x'), b: None, c: getsecret(), "
        "d: if(parameters('x'), createobject('value', 1), createobject('reference', 2))['value'], "
        "e: [2 times as value: copyindex('value')]}"
    )
    inside = found.load()
    assert isinstance(inside, ir.Template)
    assert (list(inside.parameters), len(inside.declarations), inside.source) == (["p"], 1, found.span.source)
    assert found.load() is inside


@pytest.mark.parametrize("options", [None, {"scope": "outer"}, {"scope": "notSpecified"}, {}, "inner"])
def test_expressions_of_a_nested_template_belong_to_the_outer_one_unless_it_says_otherwise(options: Any) -> None:
    more = {"expressionEvaluationOptions": options} if options is not None else {}
    inside = {**INSIDE, "outputs": {"o": {"type": "string", "value": "[parameters('x')]"}}}
    assert module({"template": inside, **more}).inner is False


@pytest.mark.parametrize("form", ["inline", "variable"])
@pytest.mark.parametrize("scope", ["outer", "inner"])
def test_expressions_that_are_left_when_others_are_evaluated_belong_to_the_template_they_stand_in(
    form: str, scope: str
) -> None:
    escaped = scope == "outer" or form == "variable"
    name = "[[parameters('n')]" if escaped else "[parameters('n')]"
    inside = {"parameters": {"n": {"type": "string"}}, "resources": [account(name)]}
    options = {
        "expressionEvaluationOptions": {"scope": scope},
        "template": inside if form == "inline" else "[variables('kept')]",
        "parameters": {"n": {"value": "given"}},
    }
    deployment = child("Microsoft.Resources/deployments", "d", properties=options)
    assert made(deployment, variables={"kept": inside}).names == ["given"]


def test_which_variables_an_api_version_inside_a_deployment_means() -> None:
    def version(scope: str) -> str:
        inside = {"variables": {"v": "2002-02-02"}, "resources": [account(apiVersion="[variables('v')]")]}
        found = module(
            {"expressionEvaluationOptions": {"scope": scope}, "template": inside},
            beside={"variables": {"v": "2001-01-01"}},
        ).load()
        assert isinstance(found, ir.Template)
        (only,) = found.declarations
        assert isinstance(only, ir.ResourceDeclaration)
        return only.api_version

    assert (version("inner"), version("outer")) == ("2002-02-02", "2001-01-01")


def test_parameters_that_are_computed_as_a_whole() -> None:
    found = module({"template": INSIDE, "parameters": "[variables('all')]"})
    assert show(found.arguments) == "mapvalues(variables('all'), (parameter) => parameter['value'])"
    assert module({"template": INSIDE}).arguments is None
    assert module({"template": INSIDE, "parameters": None}).arguments is None


def test_a_template_kept_in_a_variable() -> None:
    kept = {
        "resources": [account("[[parameters('p')]", tags={"[[x()]": ["[[[y]", 1]})],
        "parameters": {"p": {"type": "string"}},
    }
    found = module(
        {"template": "[ variables('Kept') ]", "expressionEvaluationOptions": {"scope": "inner"}},
        beside={"variables": {"kept": kept}},
    ).load()
    assert isinstance(found, ir.Template)
    assert problems(found) == []
    (only,) = found.declarations
    assert isinstance(only, ir.ResourceDeclaration)
    assert (show(only.name), show(only.body)) == ("parameters('p')", "{tags: {x(): ['[y]', 1]}}")
    assert only.name.span.text == "parameters('p')"


@pytest.mark.parametrize("kept", ["text", {"resources": ["[x()]"]}, {"[x()]": []}, None])
@pytest.mark.parametrize("reference", ["[variables('kept')]", "[variables('other')]", "[x()]", "text", 7])
def test_a_template_that_is_computed_is_not_at_hand(kept: Any, reference: Any) -> None:
    found = module({"template": reference}, beside={"variables": {"kept": kept}}).load()
    assert isinstance(found, ir.Unresolved)
    assert found.reason == "the template is computed"


VARIABLES = {
    "base": "[parameters('_artifactsLocation')]",
    "folder": "nested/",
    "links": {"Own": "[uri(deployment().properties.templateLink.uri, 'own.json')]"},
    "web": "https://example.com/templates",
    "circle": "[concat(variables('circle'), 'x')]",
}


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ({"relativePath": "nested/a.json"}, "nested/a.json"),
        ({"relativePath": "../a.json", "contentVersion": "1.0.0.0"}, "../a.json"),
        ({"relativePath": "[concat(variables('folder'), 'a.json')]"}, "nested/a.json"),
        ({"uri": "nested/a.json"}, "nested/a.json"),
        ({"uri": "[uri(deployment().properties.templateLink.uri, 'a.json')]"}, "a.json"),
        (
            {"uri": "[uri(deployment()['properties'].TemplateLink.uri, concat(variables('folder'), 'a.json'))]"},
            "nested/a.json",
        ),
        (
            {"uri": "[concat(parameters('_artifactsLocation'), '/a.json', parameters('_artifactsLocationSasToken'))]"},
            "a.json",
        ),
        (
            {
                "uri": "[uri(parameters('_ArtifactsLocation'), concat('n/a.json', parameters('_artifactsLocationSasToken')))]"
            },
            "n/a.json",
        ),
        ({"uri": "[concat(variables('base'), '/', variables('folder'), 'a.json?x=y')]"}, "nested/a.json"),
        ({"uri": "[format('{0}/{1}a.json{2}', variables('base'), variables('folder'), '')]"}, "nested/a.json"),
        ({"uri": "[variables('links').own]"}, "own.json"),
    ],
)
def test_a_linked_template_beside_the_template(link: Any, path: str) -> None:
    files = Beside()
    found = module({"templateLink": link}, files, {"variables": VARIABLES})
    assert (found.reference, found.inner, files.asked) == (path, True, [])
    missing = found.load()
    assert isinstance(missing, ir.Unresolved)
    assert (missing.reference, missing.reason) == (path, "not there, beside main.json")
    assert files.asked == [path]


@pytest.mark.parametrize(
    ("link", "reference", "reason"),
    [
        ({"uri": "https://example.com/a.json"}, "https://example.com/a.json", "lies at a web address"),
        (
            {"uri": "[concat(variables('web'), '/a.json')]"},
            "https://example.com/templates/a.json",
            "lies at a web address",
        ),
        ({"uri": "[parameters('link')]"}, "[parameters('link')]", "not known before deployment"),
        ({"uri": "[variables('circle')]"}, "[variables('circle')]", "not known before deployment"),
        ({"uri": "[variables('links').other]"}, "[variables('links').other]", "not known before deployment"),
        ({"uri": "[concat('x/', parameters('_artifactsLocation'))]"}, None, "not known before deployment"),
        ({"uri": "[uri('https://example.com/', 'a.json')]"}, None, "not known before deployment"),
        ({"uri": 7}, "7", "not known before deployment"),
        ({"uri": "[concat(parameters('_artifactsLocation'), parameters('x'))]"}, None, "not known before deployment"),
        ({"uri": "[format('{0}{7}', parameters('_artifactsLocation'))]"}, None, "not known before deployment"),
        ({"uri": "[deployment().properties.other]"}, None, "not known before deployment"),
        ({"id": "[resourceId('Microsoft.Resources/templateSpecs/versions', 's', '1')]"}, None, "template specs"),
        ({}, "(no template)", "the link names no template"),
        (None, "(no template)", "the deployment names no template"),
    ],
)
def test_a_linked_template_that_lies_elsewhere(link: Any, reference: str | None, reason: str) -> None:
    properties = {} if link is None else {"templateLink": link}
    found = module(properties, Beside(), {"variables": VARIABLES}).load()
    assert isinstance(found, ir.Unresolved)
    assert reason in found.reason
    assert reference in (None, found.reference)


def test_a_linked_parameter_file() -> None:
    files = Beside(values=json.dumps({"parameters": {"a": {"value": "[x]"}}}))
    found = module({"template": INSIDE, "parametersLink": {"relativePath": "values.json"}}, files)
    assert show(found.arguments) == "{a: '[x]'}"
    assert files.asked == ["values.json"]
    missing = module({"template": INSIDE, "parametersLink": {"uri": "other.json"}}, files)
    assert show(missing.arguments) == "unreadable('the parameter file other.json: not there')"
    afar = module({"template": INSIDE, "parametersLink": {"uri": "https://example.com/x.json"}}, files)
    assert show(afar.arguments).startswith("unreadable('a linked parameter file")


def test_a_deployment_that_exists_already_is_a_resource() -> None:
    found = sound(
        {"resources": {"d": {"type": "Microsoft.Resources/deployments", "name": "d", "existing": True}}}
    ).declarations[0]
    assert isinstance(found, ir.ResourceDeclaration)
    assert found.existing


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_property_knows_its_place() -> None:
    text = """{
  // a comment
  "resources": [
    {
      "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-05-01",
      "name": "[concat('st',
        parameters('x'))]",
      "sku": { "name": "Standard_LRS" },
      "properties": {
        "minimumTlsVersion"  :  "TLS1_2",
        "a\\"b": [
          1,
          "[parameters('y')]"
        ]
      }
    }
  ]
}"""
    found = sound(text).declarations[0]
    assert isinstance(found, ir.ResourceDeclaration)
    assert found.span.line == 4
    assert isinstance(found.name, ir.Call)
    assert [(part.span.line, part.span.text) for part in found.name.arguments] == [(6, "'st'"), (7, "parameters('x')")]
    sku, properties = found.body.entries
    assert isinstance(properties, ir.Entry)
    assert isinstance(properties.value, ir.ObjectNode)
    places = [(entry.span.line, entry.span.text) for entry in (sku, *properties.value.entries)]
    assert places == [
        (8, '"sku": { "name": "Standard_LRS" }'),
        (10, '"minimumTlsVersion" : "TLS1_2"'),
        (11, '"a\\"b": [ 1, "[parameters(\'y\')]" ]'),
    ]
    last = properties.value.entries[1]
    assert isinstance(last, ir.Entry)
    assert isinstance(last.value, ir.ArrayNode)
    assert last.key.span.text == '"a\\"b"'
    assert [item.span.origin()[1:3] for item in last.value.items] == [(12, 11), (13, 13)]


def test_a_symbolic_name_is_part_of_its_resource() -> None:
    found = sound('{"resources": {\n "st": {"type": "a/b", "name": "n"}}}').declarations[0]
    assert found.span.text == '"st": {"type": "a/b", "name": "n"}'
    assert found.span.line == 2


# ── what cannot be understood ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1 this is no JSON: the text ends where a value was expected"),
        ('{"resources": [}', "1:16 this is no JSON: expected a value, or ']', found '}'"),
        ("[" * 5_000, "1:101 this is no JSON: it nests deeper than 100 levels"),
        ("[]", "1:1 a template is an object"),
        ("{}", "1:1 the template has no 'resources'"),
        ('{"resources": "x"}', "1:15 'resources' is no array"),
        ('{"resources": [1]}', "1:16 this item of 'resources' is no object"),
        ('{"resources": {"a": 1}}', "1:21 this resource is no object"),
        ('{"resources": [{"name": "x"}]}', "1:16 the resource has no type that is written out"),
        ('{"resources": [{"type": "[x()]", "name": "x"}]}', "1:16 the resource has no type that is written out"),
        ('{"resources": [{"type": "a/b"}]}', "1:16 the resource has no name"),
        ('{"resources": [], "parameters": []}', "1:33 'parameters' is no object"),
        ('{"resources": [], "variables": 1}', "1:32 'variables' is no object"),
        ('{"resources": [], "outputs": {"o": {}}}', "1:36 the output 'o' has no value"),
        ('{"resources": [], "functions": {}}', "1:32 'functions' is no array"),
        ('{"resources": [], "functions": [{"members": {"f": {}}}]}', "1:51 the function 'f' has no output"),
        (
            '{"resources": [], "variables": {"a": 1, "A": 2}}',
            "1:41 'a' and 'A' are the same name; the last one counts",
        ),
        ('{"resources": [{"type": "a/b", "name": "n", "copy": {}}]}', "1:53 a copy needs a count"),
        (
            '{"resources": [], "variables": {"copy": [{"name": "x", "count": 1}]}}',
            "1:42 a copy needs a name, a count and an input",
        ),
        (
            '{"resources": [], "variables": {"copy": [{"name": "[x()]", "count": 1, "input": 1}]}}',
            "1:42 a copy needs a name, a count and an input",
        ),
        (
            '{"resources": [], "variables": {"v": "[concat(\'a\' 1)]"}}',
            "1:51 the expression cannot be read: expected ',' or ')', found '1'",
        ),
        (
            '{"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": {},'
            ' "parameters": {"p": {}}}}]}',
            "1:124 a parameter needs a value or a reference",
        ),
    ],
)
def test_problems_have_a_place(text: str, message: str) -> None:
    assert problems(template(text)) == [message]


def test_one_bad_thing_costs_one_thing() -> None:
    found = template(
        {
            "variables": {"bad": "[concat(]", "good": "x"},
            "resources": [account(properties={"bad": "[x(]", "good": 1}), {"type": "a/b"}, account("other")],
        }
    )
    assert len(found.problems) == 3
    first, second = found.declarations
    assert isinstance(first, ir.ResourceDeclaration)
    assert isinstance(second, ir.ResourceDeclaration)
    reason = "the expression cannot be read: it ends where a function, a text or a number was expected"
    assert show(found.variables["bad"].value) == f"unreadable('{reason}')"
    assert show(found.variables["good"].value) == "'x'"
    assert show(first.body) == f"{{properties: {{bad: unreadable('{reason}'), good: 1}}}}"
    assert show(second.name) == "'other'"


def test_only_so_many_problems_are_kept() -> None:
    found = template({"resources": [{"type": "a/b"}] * 500})
    assert len(found.problems) == 100


@pytest.mark.parametrize(
    "variables",
    [
        {f"v{i}": f"[concat(variables('v{i + 1}'), variables('v{i + 1}'))]" for i in range(60)},
        {"v0": "[concat(" + ", ".join(["variables('v1')"] * 900) + ")]", "v1": "x" * 100_000},
        {"v0": "[format('" + "{0}" * 20_000 + "', variables('v1'))]", "v1": "x"},
        {"v0": "[variables('v1').x]", "v1": {f"p{i}": "x" for i in range(50_000)} | {"x": "y"}},
        {"v0": "[variables('v1')" + ".x" * 90 + "]", "v1": {"x": "y"}},
        {"v0": "[variables('v0').x]"},
    ],
    ids=["doubling", "long", "holes", "wide", "deep", "circle"],
)
def test_what_a_template_says_before_evaluation_is_found_in_bounded_time(variables: dict[str, Any]) -> None:
    listed = [account(apiVersion="[variables('v0')]"), child("[variables('v0')]", "x")]
    found = template({"variables": variables, "resources": listed})
    assert [problem.message for problem in found.problems] == ["the resource has no type that is written out"]
    (only,) = found.declarations
    assert isinstance(only, ir.ResourceDeclaration)
    assert only.api_version == ""


def test_deployments_share_the_template_they_keep_in_a_variable() -> None:
    deployment = child("Microsoft.Resources/deployments", "d", properties={"template": "[variables('kept')]"})
    inner = child(
        "Microsoft.Resources/deployments",
        "d",
        properties={"template": "[variables('kept')]", "expressionEvaluationOptions": {"scope": "inner"}},
    )
    first, second, third = sound(
        {"variables": {"kept": {"resources": []}}, "resources": [deployment, deployment, inner]}
    ).declarations
    assert isinstance(first, ir.ModuleDeclaration)
    assert isinstance(second, ir.ModuleDeclaration)
    assert isinstance(third, ir.ModuleDeclaration)
    assert first.load() is second.load() is third.load()
    assert (first.inner, third.inner) == (True, True)


def test_problems_of_a_template_inside_are_its_own() -> None:
    found = module({"template": {"resources": [{"type": "a/b"}]}}).load()
    assert isinstance(found, ir.Template)
    assert [problem.message for problem in found.problems] == ["the resource has no name"]


def test_types_and_numbers_of_resources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    long = template({"resources": [{"type": "a/" + "b" * resources.MAX_TYPE, "name": "x"}, account()]})
    assert [problem.message for problem in long.problems] == ["the resource has no type that is written out"]
    assert len(long.declarations) == 1
    below = template({"resources": [account(resources=[child("b" * (resources.MAX_TYPE - 5), "x")])]})
    assert [problem.message for problem in below.problems] == ["the resource's type has more than 500 characters"]
    monkeypatch.setattr(resources, "MAX_RESOURCES", 2)
    many = template({"resources": [account(resources=[child("blobServices", "default")]), account(), account()]})
    assert [problem.message for problem in many.problems] == ["there are more than 2 resources; the rest was not read"]
    assert len(many.declarations) == 2


# ── parameter files ──────────────────────────────────────────────────────────────────────────────────────────────────


def given_by(text: str) -> ir.ParameterFile:
    return parse_parameters(ir.Source("main.parameters.json", text))


def test_a_parameter_file_gives_values_as_they_stand() -> None:
    found = given_by(
        """\ufeff{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "parameters": {
    "Text": {"value": "[resourceGroup().location]"},
    "escaped": {"value": "[[x]"},
    "thing": {"value": {"[a]": ["${X}", 1, null], "copy": [{"name": "x", "count": 1, "input": 1}]}},
    "nothing": {"value": null},
    "secret": {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}},
    "late": {"expression": "[externalInput('sys.env', 'X')]"},
  }
}"""
    )
    assert problems(found) == []
    assert {name: show(value) for name, value in found.values.items()} == {
        "Text": "'[resourceGroup().location]'",
        "escaped": "'[[x]'",
        "thing": "{[a]: ['${X}', 1, None], copy: [{name: 'x', count: 1, input: 1}]}",
        "nothing": "None",
        "secret": "getsecret()",
        "late": "externalinput('sys.env', 'X')",
    }
    assert (found.values["thing"].span.line, found.using, found.extends, found.context.bicep) == (6, "", "", False)
    thing = found.values["thing"]
    assert isinstance(thing, ir.ObjectNode)
    assert thing.entries[0].span.text == '"[a]": ["${X}", 1, null]'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "1:2 this is no JSON: the text ends where a name in double quotes, or '}' was expected"),
        ("[]", "1:1 the file has no 'parameters'"),
        ("{}", "1:1 the file has no 'parameters'"),
        ('{"parameters": []}', "1:16 'parameters' is no object"),
        ('{"parameters": {"a": 1}}', "1:22 a parameter needs a value or a reference"),
        ('{"parameters": {"a": {"metadata": {}}}}', "1:22 a parameter needs a value or a reference"),
        (
            '{"parameters": {"a": {"value": 1}, "A": {"value": 2}}}',
            "1:36 'a' and 'A' are the same name; the last one counts",
        ),
    ],
)
def test_problems_of_a_parameter_file(text: str, message: str) -> None:
    assert problems(given_by(text)) == [message]


# ── evaluated ────────────────────────────────────────────────────────────────────────────────────────────────────────

RETENTION = {"properties": {"deleteRetentionPolicy": {"enabled": True, "days": 7}}}


def made(*listed: Any, **more: Any) -> Evaluated:
    return evaluated({"main.json": json.dumps({"$schema": SCHEMA, "resources": list(listed), **more}, indent=2)})


@pytest.mark.parametrize(
    "listed",
    [
        [account(resources=[child("blobServices", "default", **RETENTION)])],
        [account(resources=[child(f"{STORAGE}/blobServices", "default", **RETENTION)])],
        [account(resources=[child(f"{STORAGE}/blobServices", "[concat('st', '/default')]", **RETENTION)])],
        [account(), child(f"{STORAGE}/blobServices", "st/default", **RETENTION)],
        [account(), child(f"{STORAGE}/blobServices", "[format('{0}/{1}', 'st', 'default')]", **RETENTION)],
    ],
)
def test_a_child_joins_its_store_however_it_is_written(listed: list[Any]) -> None:
    body = made(*listed).child("st", "blobServices/default").body
    assert isinstance(body, dict)
    assert body["properties"] == RETENTION["properties"]


@pytest.mark.parametrize(
    "lock",
    [
        child("Microsoft.Authorization/locks", "l", scope=f"[resourceId('{STORAGE}', 'st')]"),
        child("Microsoft.Authorization/locks", "l", scope=f"[concat('{STORAGE}/', 'st')]"),
        child(f"{STORAGE}/providers/locks", "st/Microsoft.Authorization/l"),
        child(f"{STORAGE}/providers/locks", "[concat('st', '/Microsoft.Authorization/', 'l')]"),
        account(resources=[child("providers/locks", "Microsoft.Authorization/l")]),
        account(resources=[child("Microsoft.Authorization/locks", "l")]),
        account(resources=[child(f"{STORAGE}/providers/locks", "st/Microsoft.Authorization/l")]),
    ],
)
def test_a_lock_extends_its_store_however_it_is_written(lock: dict[str, Any]) -> None:
    lock = {**lock, "properties": {"level": "CanNotDelete"}}
    listed = [lock] if lock["type"] == STORAGE else [account(), lock]
    (found,) = [one for one in made(*listed).resources if one.type == "Microsoft.Authorization/locks"]
    assert (found.id, found.name) == (f"{GROUP}/providers/{STORAGE}/st/providers/Microsoft.Authorization/locks/l", "l")


def test_children_of_a_loop_follow_their_parents() -> None:
    name, loop = "[format('st{0}', copyIndex())]", {"name": "many", "count": 2}
    blobs = child("blobServices", "default", properties={"x": "[copyIndex()]"})
    lock = child("providers/locks", "Microsoft.Authorization/l", properties={"level": "[string(copyIndex('many'))]"})
    found = made(account(name, copy=loop, resources=[blobs, lock]))
    bodies = [found.child(store, "blobServices/default").body for store in ("st0", "st1")]
    assert [body["properties"] for body in bodies if isinstance(body, dict)] == [{"x": 0}, {"x": 1}]
    locks = [one for one in found.resources if one.type == "Microsoft.Authorization/locks"]
    assert [(one.id.split("/")[8], properties(one)) for one in locks] == [
        ("st0", {"level": "0"}),
        ("st1", {"level": "1"}),
    ]


@pytest.mark.parametrize(
    ("declared", "made_of"),
    [
        ({"extensions": {"az": {"name": "AzureResourceManager"}, "k": {"name": "Kubernetes"}}}, "extension"),
        ({"imports": {"az": {"provider": "AzureResourceManager"}, "k": {"provider": "Kubernetes"}}}, "import"),
    ],
)
def test_azures_own_resources_may_name_their_extension(declared: dict[str, Any], made_of: str) -> None:
    found = made(account("ours", **{made_of: "az"}), account("other", **{made_of: "k"}), **declared)
    assert found.names == ["ours"]
    assert isinstance(found["ours"].body, dict)
    assert made_of not in found["ours"].body


@pytest.mark.parametrize(("name", "known"), [("made", True), ("other", False)])
def test_what_a_nullable_deployment_gives(name: str, known: bool) -> None:
    inside = {"resources": [], "outputs": {"made": {"type": "string", "value": "from inside"}}}
    options = {"expressionEvaluationOptions": {"scope": "inner"}, "template": inside}
    deployment = child("Microsoft.Resources/deployments", "d", properties=options)
    it = f"[tryGet(if(equals(1, 1), reference('d'), null()), 'outputs', '{name}', 'value')]"
    given = properties(made(deployment, account(properties={"it": it}))["st"])["it"]
    assert (given == "from inside") if known else isinstance(given, Unknown)


def test_one_of_many_symbolic_names_can_be_referred_to() -> None:
    many = account(
        "[format('st{0}', copyIndex())]", copy={"name": "many", "count": 2}, properties={"i": "[copyIndex()]"}
    )
    one = account("other", properties={"second": "[reference('many[1]').i]", "first": "[reference('Many[0]').i]"})
    text = json.dumps({"languageVersion": "2.0", "resources": {"many": many, "one": one}})
    assert properties(evaluated({"main.json": text})["other"]) == {"second": 1, "first": 0}


@pytest.mark.parametrize(("scope", "kind"), [("inner", "inside"), ("outer", "outside")])
def test_whose_variables_a_nested_template_sees(scope: str, kind: str) -> None:
    inside = {"variables": {"v": "inside"}, "resources": [account(kind="[variables('v')]")]}
    options = {"expressionEvaluationOptions": {"scope": scope}, "template": inside}
    deployment = child("Microsoft.Resources/deployments", "d", properties=options)
    body = made(deployment, variables={"v": "outside"})["st"].body
    assert isinstance(body, dict)
    assert body["kind"] == kind


def test_linked_templates_and_parameter_files_are_followed() -> None:
    linked = {
        "parameters": {"kind": {"type": "string"}, "size": {"type": "int"}},
        "resources": [account(kind="[parameters('kind')]", properties={"size": "[parameters('size')]"})],
    }
    link = {
        "templateLink": {"uri": "[uri(deployment().properties.templateLink.uri, 'nested/account.json')]"},
        "parameters": {"kind": {"value": "[concat('Storage', 'V2')]"}, "size": {"value": "[add(1, 2)]"}},
    }
    main = {"resources": [child("Microsoft.Resources/deployments", "d", properties=link)]}
    texts = {"main.json": json.dumps(main, indent=1), "nested/account.json": json.dumps(linked, indent=1)}
    found = evaluated(texts)["st"]
    assert isinstance(found.body, dict)
    assert (found.body["kind"], found.body["properties"]) == ("StorageV2", {"size": 3})
    assert (found.origin.uri, [via.uri for via in found.origin.via]) == ("nested/account.json", ["main.json"])
    lines = texts["nested/account.json"].splitlines()
    line = found.origins["properties.size"].line
    assert line is not None
    assert lines[line - 1].strip().startswith('"size": "[parameters')


def test_what_a_bad_expression_costs_when_evaluated() -> None:
    found = made(account(properties={"bad": "[concat(]", "good": 1}))
    body = properties(found["st"])
    assert (body["good"], type(body["bad"])) == (1, Unknown)
    assert "the expression cannot be read" in body["bad"].reason
    (gap,) = found.gaps
    assert (gap.origin.uri, "partly analysed" in gap.reason) == ("main.json", True)


# ── anything at all ──────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = """
resources variables parameters outputs functions copy count input name type apiVersion condition
properties template templateLink parametersLink uri relativePath value reference $ref definitions members
namespace output existing scope resourceGroup subscriptionId expressionEvaluationOptions allowedValues
defaultValue nullable id x
""".split()  # noqa: SIM905 - a list of these would fill the page
TEXTS = st.sampled_from(
    [
        *WORDS,
        "a/b",
        "Microsoft.Resources/deployments",
        "providers/locks",
        "securestring",
        "inner",
        "n/m",
        "#/definitions/x",
        "[copyIndex()]",
        "[variables('x')]",
        "[[x]",
        "[",
        "[x(]",
        "[lambda('x', 1)]",
        "[concat(parameters('x'), '/y')]",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=40,
)


def loaded(found: ir.Template, depth: int = 0) -> int:
    """How many problems there are, those of all templates inside included."""
    count = len(found.problems)
    for one in found.declarations:
        if isinstance(one, ir.ModuleDeclaration) and depth < 5:
            inside = one.load()
            count += loaded(inside, depth + 1) if isinstance(inside, ir.Template) else 0
    return count


@given(st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=6), st.lists(ANYTHING, max_size=3))
def test_no_json_raises(content: dict[str, Any], listed: list[Any]) -> None:
    found = template({**content, "resources": [*listed, account()]})
    assert found.declarations[-1].span.source.uri == "main.json"
    assert loaded(found) >= len(found.problems)
    for problem in found.problems:
        assert problem.message
        assert 0 <= problem.span.start <= problem.span.end <= len(found.source.text)
    assert given_by(json.dumps(content)).source.uri == "main.parameters.json"


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_raises(text: str) -> None:
    assert template(text).source.text == text
    assert given_by(text).source.text == text


@pytest.mark.parametrize(
    "content",
    [
        '{"resources": [' + '{"type": "a/b", "name": "n", "resources": [' * 40 + "]}" * 40 + "]}",
        json.dumps({"resources": [account(properties={"x": "[" + "f(" * 90 + "1" + ")" * 90 + "]"})]}),
        json.dumps(
            {
                "variables": {f"v{i}": f"[variables('v{i + 1}')]" for i in range(3_000)},
                "resources": [{"type": "[variables('v0')]", "name": "n"}],
            }
        ),
    ],
    ids=["resources", "calls", "variables"],
)
def test_what_nests_deep_is_read_or_refused(content: str) -> None:
    found = template(content)
    assert loaded(found) <= 1

"""Templates are evaluated as Azure Resource Manager would, and what is not known stays so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auditor.model import Unknown
from auditor.sources.arm import records
from tests.sources.arm.template_files import GROUP, KNOWN, STORAGE, SUB, VAULT, evaluated, properties

NOWHERE = records.Context()


def account(name: str = "'st'", more: str = "", head: str = "") -> str:
    return f"""
resource sa '{STORAGE}@2023-05-01' = {head}{{
  name: {name}
  location: 'westeurope'
  sku: {{ name: 'Standard_LRS' }}
  kind: 'StorageV2'
  {more}
}}
"""


def value(expression: str, before: str = "", **options: Any) -> Any:
    """What an expression gives as a property of a store."""
    text = f"{before}\n{account(more=f'properties: {{ it: {expression} }}')}"
    return properties(evaluated(text, **options)["st"])["it"]


# ── names and ids ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_resource_has_its_id_type_region_and_version() -> None:
    made = evaluated(account())["st"]
    assert made.id == f"{GROUP}/providers/{STORAGE}/st"
    assert (made.type, made.region, made.api_version, made.deployed) == (STORAGE, "westeurope", "2023-05-01", False)
    assert made.body == {
        "name": "st",
        "type": STORAGE,
        "location": "westeurope",
        "sku": {"name": "Standard_LRS"},
        "kind": "StorageV2",
    }


CHILD = "{ properties: { deleteRetentionPolicy: { enabled: true, days: 9 } } name: 'default' "
CHILDREN = {
    "nested": account(more=f"resource blobs 'blobServices' = {CHILD}}}".replace(" name", "\n name").replace("} }", "} }\n")),
    "parent": account() + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {{\n parent: sa\n name: 'default'\n properties: {{ deleteRetentionPolicy: {{ enabled: true, days: 9 }} }}\n}}",
    "full name": account() + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {{\n name: 'st/default'\n properties: {{ deleteRetentionPolicy: {{ enabled: true, days: 9 }} }}\n}}",
    "computed name": account() + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {{\n name: '${{sa.name}}/default'\n properties: {{ deleteRetentionPolicy: {{ enabled: true, days: 9 }} }}\n}}",
    "existing parent": account() + f"resource there '{STORAGE}@2023-05-01' existing = {{ name: 'ST' }}\nresource blobs '{STORAGE}/blobServices@2023-05-01' = {{\n parent: there\n name: 'default'\n properties: {{ deleteRetentionPolicy: {{ enabled: true, days: 9 }} }}\n}}",
}  # fmt: skip


@pytest.mark.parametrize("form", CHILDREN)
def test_a_child_joins_its_store_however_it_is_declared(form: str) -> None:
    made = evaluated(CHILDREN[form])
    assert made.names == ["st"]
    assert properties(made.child("st", "blobServices/default"))["deleteRetentionPolicy"]["days"] == 9


@pytest.mark.parametrize(
    ("places", "known"),
    [
        (("parent: a", "parent: a"), True),
        (("parent: b", "parent: a"), True),
        (("scope: a", "scope: a"), False),
        (("scope: b", "scope: a"), False),
        (("parent: b", "scope: a"), False),
    ],
)
def test_resources_that_stand_below_themselves_cost_no_other(places: tuple[str, str], known: bool) -> None:
    text = "".join(
        f"resource {symbol} '{STORAGE}@2023-05-01' = {{\n  {place}\n  name: '{symbol}'\n}}\n"
        for symbol, place in zip("ab", places, strict=True)
    )
    made = evaluated(text + account())
    assert [name for name in made.names if name in "ab"] == ["a", "b"]
    assert made["st"].id == f"{GROUP}/providers/{STORAGE}/st"
    assert (made["a"].id == f"{GROUP}/providers/{STORAGE}/a") is known


def test_parents_are_followed_as_far_as_any_resource_has_some() -> None:
    rest = "".join(f"resource r{n} 'a.b/c@2023-05-01' = {{\n  parent: r{n + 1}\n  name: 'n'\n}}\n" for n in range(400))
    made = evaluated(f"{rest}resource r400 '{STORAGE}@2023-05-01' = {{ name: 'top' }}\n" + account())
    assert (made.names, made.gaps) == (["top", "st"], [])


@pytest.mark.parametrize("context", [KNOWN, NOWHERE])
def test_a_child_declared_in_another_module_joins_too(context: records.Context) -> None:
    made = evaluated(
        {
            "main.bicep": """
                var name = 'st${uniqueString(resourceGroup().id)}'
                module a 'store.bicep' = { name: 'a', params: { name: name } }
                module b 'blobs.bicep' = { name: 'b', params: { account: name } }
            """.replace(", params", "\n params"),
            "store.bicep": "param name string\n" + account("name"),
            "blobs.bicep": f"""
                param account string
                resource sa '{STORAGE}@2023-05-01' existing = {{ name: account }}
                resource blobs '{STORAGE}/blobServices@2023-05-01' = {{
                  parent: sa
                  name: 'default'
                  properties: {{ isVersioningEnabled: true }}
                }}
            """,
        },
        context=context,
    )
    (store,) = made.resources
    assert properties(made.child(store.name, "blobServices/default")) == {"isVersioningEnabled": True}


def test_a_child_nobody_declares_is_known_to_be_left_to_the_defaults() -> None:
    assert evaluated(account()).child("st", "blobServices/default").body is None


def test_modules_in_other_groups_and_subscriptions() -> None:
    made = evaluated(
        {
            "main.bicep": """
                targetScope = 'subscription'
                resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
                  name: 'made'
                  location: 'northeurope'
                }
                module one 'store.bicep' = {
                  name: 'one'
                  scope: group
                  params: { name: 'one' }
                }
                module two 'store.bicep' = {
                  name: 'two'
                  scope: resourceGroup('there')
                  params: { name: 'two' }
                }
                module three 'store.bicep' = {
                  name: 'three'
                  scope: resourceGroup('99999999-2222-4333-8444-555555555555', 'far')
                  params: { name: 'three' }
                }
            """,
            "store.bicep": f"""
                param name string
                resource sa '{STORAGE}@2023-05-01' = {{
                  name: name
                  location: resourceGroup().location
                }}
            """,
        }
    )
    assert made["one"].id == f"/subscriptions/{SUB}/resourceGroups/made/providers/{STORAGE}/one"
    assert made["one"].region == "northeurope"
    assert made["two"].id == f"/subscriptions/{SUB}/resourceGroups/there/providers/{STORAGE}/two"
    assert made["two"].region is None
    assert made["three"].id.startswith("/subscriptions/99999999-2222-4333-8444-555555555555/resourceGroups/far/")


def test_locks_extend_what_they_stand_on() -> None:
    lock = "resource {0} 'Microsoft.Authorization/locks@2020-05-01' = {{\n  name: '{0}'\n{1}  properties: {{ level: 'CanNotDelete' }}\n}}\n"
    made = evaluated(account() + lock.format("onStore", "  scope: sa\n") + lock.format("onGroup", ""))
    assert made["onStore"].id == f"{GROUP}/providers/{STORAGE}/st/providers/Microsoft.Authorization/locks/onStore"
    assert made["onGroup"].id == f"{GROUP}/providers/Microsoft.Authorization/locks/onGroup"


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_a_parameters_value_comes_from() -> None:
    text = "param a int = 1\n"
    assert value("a", text) == 1
    assert value("a", text, parameters="using 'main.bicep'\nparam a = 2\n") == 2
    assert value("a", text, parameters="using 'main.bicep'\nparam a = 2\n", given={"A": "3"}) == 3
    assert value("a", "param a bool", given={"a": "true"}) is True
    assert value("a", "param a object", given={"a": '{"b": [1]}'}) == {"b": [1]}
    assert isinstance(value("a", "param a object", given={"a": "{"}), Unknown)


def test_null_for_a_parameter_that_cannot_be_null_is_its_default() -> None:
    files = {
        "main.bicep": "module m 'm.bicep' = {\n  name: 'm'\n  params: { a: null, b: null }\n}\n",
        "m.bicep": "param a int = 7\nparam b int?\n" + account(more="properties: { a: a, b: b }"),
    }
    assert properties(evaluated(files)["st"]) == {"a": 7, "b": None}


def test_a_parameter_without_a_value_is_unknown_with_what_it_can_be() -> None:
    assert value("a", "@allowed(['x', 'y'])\nparam a string").possible == ("x", "y")
    assert value("a", "param a bool").possible == (True, False)
    found = value("a", "param a string")
    assert isinstance(found, Unknown)
    assert found.possible == ()
    assert "--parameter a=" in found.reason


def test_a_secret_is_never_known() -> None:
    secret = value("a", "@secure()\nparam a string = 'hunter2'")
    assert isinstance(secret, Unknown)
    assert "hunter2" not in str(secret)
    assert isinstance(value("a", "@secure()\nparam a object", given={"a": '{"k": "hunter2"}'}), Unknown)


def test_text_that_was_not_given_names_but_decides_nothing() -> None:
    text = "param a string\n"
    made = evaluated(text + account("'st${a}'", "properties: { same: a == 'x', up: toUpper(a) }"))
    (store,) = made.resources
    assert store.name == "st{a}"
    assert isinstance(properties(store)["same"], Unknown)
    assert isinstance(properties(store)["up"], Unknown)


def test_what_the_context_does_not_say_is_unknown() -> None:
    before = "param where string = resourceGroup().location"
    assert value("where", before) == "westeurope"
    assert "--location" in value("where", before, context=NOWHERE).reason
    assert value("subscription().subscriptionId") == SUB
    assert "--subscription" in value("subscription().subscriptionId", context=NOWHERE).reason


# ── unknown ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_branches_of_an_undecided_condition_are_kept() -> None:
    assert value("c ? 30 : 7", "param c bool").possible == (30, 7)
    assert value("c ? 30 : 30", "param c bool") == 30
    assert value("c ? (c ? 1 : 2) : 3", "param c bool").possible == (1, 2, 3)
    assert value("(c ? { d: 1 } : { d: 2 }).d", "param c bool").possible == (1, 2)


def test_logic_is_decided_by_what_is_known() -> None:
    assert value("c && false", "param c bool") is False
    assert value("c || true", "param c bool") is True
    assert isinstance(value("c && true", "param c bool"), Unknown)
    assert value("a ?? 3", "param a int?") == 3
    assert value("null ?? c ?? 3", "param c bool").possible == (True, False)


def test_a_resource_under_an_undecided_condition_is_judged_and_marked() -> None:
    made = evaluated("param c bool\n" + account(head="if (c) "))
    assert made["st"].condition == "c"
    assert evaluated("param c bool = false\n" + account(head="if (c) ")).names == []
    assert evaluated("param c bool = true\n" + account(head="if (c) "))["st"].condition is None


def test_a_child_under_an_undecided_condition_may_be_missing() -> None:
    child = f"resource b '{STORAGE}/blobServices@2023-05-01' = if (c) {{\n  parent: sa\n  name: 'default'\n  properties: {{ isVersioningEnabled: true }}\n}}"
    body = evaluated("param c bool\n" + account() + child).child("st", "blobServices/default").body
    assert isinstance(body, Unknown)
    declared, missing = body.possible
    assert declared["properties"] == {"isVersioningEnabled": True}
    assert missing is None


def test_a_loop_over_something_unknown_makes_one_marked_instance() -> None:
    made = evaluated("param names array\n" + account("'st${n}'", head="[for n in names: ").rstrip() + "]\n")
    (store,) = made.resources
    assert store.name == "st{n}"
    assert store.condition is not None


def test_one_bad_expression_costs_one_property() -> None:
    made = evaluated(account(more="properties: { bad: split('a', 1, 2)[7], good: 1 }"))
    assert properties(made["st"])["good"] == 1
    assert isinstance(properties(made["st"])["bad"], Unknown)
    assert made.gaps == []


def test_one_bad_statement_costs_what_it_may_have_declared() -> None:
    made = evaluated(account() + "\nresource broken 'Microsoft.Storage/storageAccounts@2023-05-01' = = {\n}\n")
    assert made.names == ["st"]
    (gap,) = made.gaps
    assert gap.origin.line == 10
    assert isinstance(made.child("st", "blobServices/default").body, Unknown)


@pytest.mark.parametrize(
    "text", ["var a = b\nvar b = a\n", "param a string = b\nvar b = a\n", "var a = [for x in a: x]\n"], ids=str
)
def test_a_circle_is_an_unknown(text: str) -> None:
    assert isinstance(value("a", text), Unknown)


def test_a_module_that_contains_itself_ends() -> None:
    made = evaluated({"main.bicep": account() + "module m 'main.bicep' = {\n  name: 'm'\n}\n"})
    assert set(made.names) >= {"st"}
    assert any("calls itself" in gap.reason for gap in made.gaps)


def test_more_copies_than_arm_allows_are_a_gap() -> None:
    made = evaluated(account("'st${n}'", head="[for n in range(0, 801): ").rstrip() + "]\n")
    assert made.resources == []
    assert "800" in made.gaps[0].reason


# ── modules ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_outputs_feed_other_modules() -> None:
    made = evaluated(
        {
            "main.bicep": """
                module a 'a.bicep' = { name: 'a' }
                module b 'b.bicep' = {
                  name: 'b'
                  params: { days: a.outputs.days, secret: a.outputs.secret, id: a.outputs.id }
                }
            """,
            "a.bicep": "output days int = 3 + 4\n@secure()\noutput secret string = 'hunter2'\noutput id string = sa.id\n"
            + account("'first'"),
            "b.bicep": "param days int\nparam secret string\nparam id string\n"
            + account(more="properties: { days: days, secret: secret, id: id }"),
        }
    )
    found = properties(made["st"])
    assert found["days"] == 7
    assert isinstance(found["secret"], Unknown)
    assert "hunter2" not in str(found)
    assert found["id"] == f"{GROUP}/providers/{STORAGE}/first"


def test_loops_of_modules_with_an_index() -> None:
    made = evaluated(
        {
            "main.bicep": """
                var names = ['a', 'b', 'c']
                module m 'm.bicep' = [for (name, i) in names: if (name != 'b') {
                  name: 'm-${i}'
                  params: { name: '${name}${i}' }
                }]
            """,
            "m.bicep": "param name string\n" + account("name"),
        }
    )
    assert made.names == ["a0", "c2"]


def test_a_module_that_is_not_at_hand_is_a_gap_and_its_store_is_there() -> None:
    made = evaluated(
        """
        module kv 'br/public:avm/res/key-vault/vault:0.11.0' = {
          name: 'kv'
          params: { name: 'kv-main' }
        }
        module other 'br:contoso.azurecr.io/bicep/everything:v1' = { name: 'other' }
        """
        + account()
    )
    assert [gap.subject for gap in made.gaps] == [
        "module br/public:avm/res/key-vault/vault:0.11.0",
        "module br:contoso.azurecr.io/bicep/everything:v1",
    ]
    vault = made["kv-main"]
    assert vault.type == VAULT
    assert isinstance(vault.body, Unknown)
    assert isinstance(made.child("st", "blobServices/default").body, Unknown)


def test_a_module_of_another_kind_leaves_the_stores_alone() -> None:
    text = "module v 'br/public:avm/res/network/virtual-network:0.5.0' = { name: 'v' }\n"
    assert evaluated(text + account()).child("st", "blobServices/default").body is None


def test_imports_and_user_functions() -> None:
    made = evaluated(
        {
            "main.bicep": """
                import { days, twice as double } from 'shared.bicep'
                import * as shared from 'shared.bicep'
                func own(n int) int => n + 1
            """
            + account(more="properties: { a: days, b: double(4), c: shared.days, d: shared.twice(5), e: own(1) }"),
            "shared.bicep": "@export()\nvar days = 30\n@export()\nfunc twice(n int) int => n * 2\n",
        }
    )
    assert properties(made["st"]) == {"a": 30, "b": 8, "c": 30, "d": 10, "e": 2}


def test_files_are_loaded() -> None:
    made = evaluated(
        {
            "main.bicep": account(
                more="properties: { t: loadTextContent('a.txt'), j: loadJsonContent('a.json').x[0], y: loadYamlContent('a.yaml').x, no: loadTextContent('none') }"
            ),
            "a.txt": "hello",
            "a.json": '{"x": [5]}',
            "a.yaml": "x: true",
        }
    )
    found = properties(made["st"])
    assert (found["t"], found["j"], found["y"]) == ("hello", 5, True)
    assert isinstance(found["no"], Unknown)


def test_lambdas_spread_and_safe_access() -> None:
    assert value("map([1, 2], x => x + 1)") == [2, 3]
    assert value("filter(['a', 'b'], x => x != 'a')") == ["b"]
    assert value("{ ...{ a: 1 }, b: 2 }") == {"a": 1, "b": 2}
    assert value("[...[1], 2]") == [1, 2]
    assert value("{ a: null }.?a.?b.c") is None
    assert value("[1, 2][^1]") == 2
    assert value("[for (x, i) in ['a']: '${x}${i}']") == ["a0"]


def test_a_resources_own_properties_can_be_read_and_what_azure_decides_cannot() -> None:
    first = account("'first'").replace("resource sa ", "resource first ")
    made = evaluated(
        first
        + account(
            more="properties: { sku: first.sku.name, host: first.properties.primaryEndpoints.blob, key: first.listKeys().keys[0].value }"
        )
    )
    found = properties(made["st"])
    assert found["sku"] == "Standard_LRS"
    assert "deployment" in found["host"].reason
    assert isinstance(found["key"], Unknown)


# ── where things are written ─────────────────────────────────────────────────────────────────────────────────────────


def test_every_value_knows_its_line_and_the_calls_around_it() -> None:
    made = evaluated(
        {
            "main.bicep": "var d = 30\nmodule m 'modules/m.bicep' = {\n  name: 'm'\n  params: { days: d }\n}\n",
            "modules/m.bicep": f"""param days int
resource sa '{STORAGE}@2023-05-01' = {{
  name: 'st'
  resource blobs 'blobServices' = {{
    name: 'default'
    properties: {{
      deleteRetentionPolicy: {{
        enabled: true
        days: days
      }}
    }}
  }}
}}
""",
        }
    )
    origins = made.child("st", "blobServices/default").origins
    enabled = origins["properties.deleteretentionpolicy.enabled"]
    days = origins["properties.deleteretentionpolicy.days"]
    assert (enabled.uri, enabled.line, enabled.expression) == ("modules/m.bicep", 8, None)
    assert (days.line, days.expression) == (9, "days")
    assert [(call.uri, call.line) for call in days.via] == [("main.bicep", 2)]


def test_where_backup_vaults_are_declared_an_unprotected_account_is_known_to_be_so() -> None:
    vault = (
        "resource v 'Microsoft.DataProtection/backupVaults@2024-04-01' = {\n  name: 'bv'\n  location: 'westeurope'\n}\n"
    )
    assert evaluated(account()).listings == []
    assert {one.scope for one in evaluated(account() + vault).listings} == {f"/subscriptions/{SUB}"}


def test_values_of_a_parameter_file_may_be_made_of_others() -> None:
    text = "param size object\n" + account(more="properties: size")
    made = evaluated(text, "using 'main.bicep'\nvar c = 'd'\nparam b = c\nparam size = { a: b, '${b}': 1 }\n")
    assert properties(made["st"]) == {"a": "d", "d": 1}


# ── deployments written as resources ─────────────────────────────────────────────────────────────────────────────────


def deployment(template: str, more: str = "") -> str:
    return f"""
resource d 'Microsoft.Resources/deployments@2022-09-01' = {{
  name: 'inner'
  properties: {{
    mode: 'Incremental'
    template: {template}
    parameters: {{ kind: {{ value: 'BlobStorage' }}, secret: {{ reference: {{ secretName: 's' }} }} }}
  }}
  {more}
}}
"""


WRITTEN = f"""{{
      '$schema': 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'
      parameters: {{ kind: {{ type: 'string' }}, secret: {{ type: 'string' }} }}
      resources: [
        {{
          type: '{STORAGE}'
          apiVersion: '2023-05-01'
          name: '[concat(\\'st\\', \\'in\\')]'
          kind: '[parameters(\\'kind\\')]'
          properties: {{ secret: '[parameters(\\'secret\\')]' }}
        }}
      ]
      outputs: {{ made: {{ type: 'string', value: 'from inside' }} }}
    }}"""
LOADED = json.dumps(
    {
        "parameters": {"kind": {"type": "string"}, "secret": {"type": "string"}},
        "resources": [
            {
                "type": STORAGE,
                "apiVersion": "2023-05-01",
                "name": "stin",
                "kind": "[parameters('kind')]",
                "properties": {"secret": "[parameters('secret')]"},
            }
        ],
        "outputs": {"made": {"type": "string", "value": "from inside"}},
    },
    indent=1,
)


@pytest.mark.parametrize(
    ("template", "uri"),
    [(WRITTEN, "main.bicep"), ("loadJsonContent('inner.json')", "inner.json"), ("kept", "main.bicep")],
)
def test_a_deployment_written_as_a_resource_is_followed(template: str, uri: str) -> None:
    kept = f"var kept = {WRITTEN}\n"
    outer = account(more="properties: { it: d.properties.outputs.made.value, of: [d.type, d.apiVersion] }")
    text = deployment(template) + kept + outer
    made = evaluated({"main.bicep": text, "inner.json": LOADED})
    inner = made["stin"]
    assert (made.gaps, made.names) == ([], ["stin", "st"])
    assert isinstance(inner.body, dict)
    assert inner.body["kind"] == "BlobStorage"
    assert isinstance(properties(inner)["secret"], Unknown)
    assert (inner.origin.uri, inner.origins["kind"].uri) == (uri, uri)
    lines = (text if uri == "main.bicep" else LOADED).splitlines()
    line = inner.origins["kind"].line
    assert line is not None
    assert "[parameters(" in lines[line - 1]
    assert [via.line for via in inner.origin.via] == [2]
    assert properties(made["st"]) == {
        "it": "from inside",
        "of": ["Microsoft.Resources/deployments", "2022-09-01"],
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("template: { resources: [ { name: x } ] }", "its template is computed"),
        ("template: { ...x }", "its template is computed"),
        ("templateLink: { uri: x }", "template specs and web addresses are not at hand"),
        ("mode: 'Incremental'", "it names no template"),
    ],
)
def test_a_deployment_whose_template_is_not_at_hand_is_a_gap_and_may_have_declared_anything(
    body: str, reason: str
) -> None:
    head = "resource d 'Microsoft.Resources/deployments@2022-09-01' = "
    made = evaluated(f"param x string\n{head}{{\n name: 'inner'\n properties: {{ {body} }}\n}}" + account())
    ((subject, told),) = [(gap.subject, gap.reason) for gap in made.gaps]
    assert (subject, told.startswith(reason)) == ("module inner", True)
    assert isinstance(made.child("st", "blobServices/default").body, Unknown)


def test_arguments_of_a_deployment_that_are_computed() -> None:
    text = deployment("loadJsonContent('inner.json')").replace(
        "{ kind: { value: 'BlobStorage' }, secret: { reference: { secretName: 's' } } }",
        "union({ kind: { value: 'FileStorage' } }, { secret: { value: 'x' } })",
    )
    made = evaluated({"main.bicep": text, "inner.json": LOADED})["stin"]
    assert isinstance(made.body, dict)
    assert (made.body["kind"], properties(made)) == ("FileStorage", {"secret": "x"})


def test_what_a_module_declares_is_known_where_its_scope_is_not() -> None:
    made = evaluated(
        {
            "main.bicep": "param all array\nmodule m 'a.bicep' = [for one in all: { name: 'm'\n scope: one.group }]",
            "a.bicep": account(),
        }
    )
    assert (made.names, made.gaps) == (["st"], [])
    assert "{one.group}" in made["st"].id


# ── names of functions ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("coalesce('a', 'b')", "mine"),
        ("if(true, 'b')", "mine"),
        ("and('a', 'b')", "mine"),
        ("concat('a', 'b')", "mine"),
        ("true ? 'a' : 'b'", "a"),
        ("null ?? 'b'", "b"),
        ("true && false", False),
        ("sys.coalesce(null, 'b')", "b"),
        ("sys.concat('a', 'b')", "ab"),
        ("tolower('A')", "a"),
    ],
)
def test_a_function_of_the_template_hides_what_the_language_has_of_that_name(expression: str, expected: Any) -> None:
    own = "".join(
        f"func {name}(x any, y any) string => 'mine'\n" for name in ("coalesce", "if", "and", "concat", "not")
    )
    assert value(expression, before=own) == expected


@pytest.mark.parametrize("name", ["sa2", "[sa2]", "{ a: sa2 }", "map", "true", "null", "['a']"])
def test_a_name_that_is_no_text_stands_for_itself(name: str) -> None:
    text = account("'other'").replace("resource sa ", "resource sa2 ")
    made = evaluated(text + account(name))
    assert len(made.names) == 2
    assert made.names[1].startswith("{")

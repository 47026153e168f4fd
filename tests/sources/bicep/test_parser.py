"""The grammar, family by family: what every construct becomes."""

from __future__ import annotations

import pytest

from auditor.sources.arm import ir

from .showing import lines, parameters, problems, show, template, value_of

RESOURCE = "resource a 'X.Y/z@2024-01-01' ="
STORE = "resource a X.Y/z@2024-01-01"

DECLARATIONS = {
    "empty file": ("", []),
    "only a comment": ("// nothing here", []),
    "byte order mark": ("\ufeffvar a = 1", ["var a = 1"]),
    "target scope": ("targetScope = 'subscription'", ["scope subscription"]),
    "target scope that is not Azure's": ("targetScope = 'local'", []),
    "metadata text": ("metadata name = 'Stores'", []),
    "metadata object": ("metadata about = {\n  team: 'data'\n  levels: [1, 2]\n}", []),
    # parameters
    "param string": ("param a string", ["param a: string"]),
    "param of each kind": (
        "param a int\nparam b bool\nparam c object\nparam d array",
        ["param a: int", "param b: bool", "param c: object", "param d: array"],
    ),
    "param default": ("param a string = 'x'", ["param a: string = 'x'"]),
    "param default from others": (
        "param a int = max(1, 2)\nparam b object = {\n  k: a\n}",
        ["param a: int = max(1, 2)", "param b: object = {k: a}"],
    ),
    "secure": ("@secure()\nparam a string", ["param a: string secure"]),
    "decorator with a namespace": ("@sys.secure()\nparam a object", ["param a: object secure"]),
    "allowed": (
        "@allowed([\n  'LRS'\n  'ZRS'\n])\nparam a string = 'LRS'",
        ["param a: string = 'LRS' of ['LRS', 'ZRS']"],
    ),
    "allowed numbers": ("@allowed([1, 2])\nparam a int", ["param a: int of [1, 2]"]),
    "allowed items of an array": ("@allowed(['a', 'b'])\nparam a array", ["param a: array"]),
    "allowed that is computed": ("@allowed(concat(['a'], ['b']))\nparam a string", ["param a: string"]),
    "several decorators": (
        "@description('''\nlong\n''')\n@minLength(3)\n\n// between\n@maxLength(24)\n@metadata({ a: 'b' })\nparam a string",
        ["param a: string"],
    ),
    "nullable": ("param a string?\nparam b int? = 1", ["param a: string?", "param b: int? = 1"]),
    "never null": ("type t = string?\nparam a t!", ["param a: string"]),
    "union": ("param a 'x' | 'y'", ["param a: string of ['x', 'y']"]),
    "union of numbers and of booleans": (
        "param a 1 | -2\nparam b true | false",
        ["param a: int of [1, -2]", "param b: bool of [True, False]"],
    ),
    "negated constant": ("param a !true", ["param a: bool of [False]"]),
    "union on lines of its own": ("param a\n  | 'x'\n  | 'y'\n", ["param a: string of ['x', 'y']"]),
    "union with null": ("param a 'x' | null", ["param a: string? of ['x']"]),
    "null alone": ("param a null", ["param a: -?"]),
    "union that its last member makes nullable": ("param a 'x' | 'y'?", ["param a: string? of ['x', 'y']"]),
    "union with an open member": ("param a 'x' | string", ["param a: string"]),
    "union of different kinds": ("param a 'x' | 1", ["param a: - of ['x', 1]"]),
    "union with something imported": (
        "import { t } from 'x.bicep'\nparam a 'x' | t?",
        ["param a: -?", "import t as t from x.bicep"],
    ),
    "array of a union": ("param a ('x' | 'y')[]", ["param a: array"]),
    "arrays": ("param a string[]\nparam b int[][]?", ["param a: array", "param b: array?"]),
    "object type": (
        "param a {\n  @description('d')\n  name: string\n  'quoted-key': int?\n  @secure()\n  inner: { deep: bool }\n}",
        ["param a: object"],
    ),
    "object type on one line": ("param a { x: string, y: int }", ["param a: object"]),
    "object type with others": ("param a {\n  x: int\n  *: string\n}", ["param a: object"]),
    "object type without properties": ("param a {}\nparam b { }", ["param a: object", "param b: object"]),
    "tuple": ("param a [\n  string\n  @minValue(1)\n  int\n]", ["param a: array"]),
    "discriminated union": (
        "@discriminator('kind')\nparam a { kind: 'x', n: int } | { kind: 'y' }",
        ["param a: object"],
    ),
    "user type": ("param a t\n@export()\n@sealed()\ntype t = 'x' | 'y'", ["param a: string of ['x', 'y']"]),
    "user type that is secret": ("@secure()\ntype t = string\nparam a t", ["param a: string secure"]),
    "user type of user types": (
        "type t = u | 'z'\ntype u = 'x' | 'y'\nparam a t",
        ["param a: string of ['x', 'y', 'z']"],
    ),
    "user type that needs itself": (
        "type t = { next: t? }\nparam a t\ntype u = u\nparam b u\ntype v = v.x\nparam c v",
        ["param a: object", "param b: -", "param c: -"],
    ),
    "user type hiding an ambient one": (
        "type string = int\nparam a string\nparam b sys.string",
        ["param a: int", "param b: string"],
    ),
    "parts of a type": (
        "type t = {\n  sku: 'x' | 'y'\n  @secure()\n  key: string\n  list: int[]\n  *: bool\n}\ntype u = [int, 'z']\n"
        "param a t.sku\nparam b t.key\nparam c t.list[*]\nparam d t.*\nparam e u[1]\nparam f t.none\nparam g u[7]",
        [
            "param a: string of ['x', 'y']",
            "param b: string secure",
            "param c: int",
            "param d: bool",
            "param e: string of ['z']",
            "param f: -",
            "param g: -",
        ],
    ),
    "part of a part": ("type t = { a: { b: int }? }\nparam a t.a.b", ["param a: int"]),
    "type of an import": (
        "import * as shared from 'x.bicep'\nparam a shared.t\nparam b shared.t.x?",
        ["param a: -", "param b: -?", "import * as shared from x.bicep"],
    ),
    "resource-derived input": ("param a resourceInput<'X.Y/z@2024-01-01'>", ["param a: -"]),
    "resource-derived output": ("output a resourceOutput<'X.Y/z@2024-01-01'>.properties = b", ["output a = b"]),
    "part of a resource-derived type": (
        "param a resourceInput<'X.Y/z@2024-01-01'>.properties.sku[*]?",
        ["param a: -?"],
    ),
    "resource-derived with a namespace": ("param a sys.resourceInput<'X.Y/z@2024-01-01'>[]", ["param a: array"]),
    "param resource": ("param a resource 'X.Y/z@2024-01-01'", ["param a: -"]),
    # variables and functions
    "var": ("var a = 'x'\nvar b = a", ["var a = 'x'", "var b = a"]),
    "typed var": ("var a string = 'x'\nvar b { c: int }[] = []", ["var a = 'x'", "var b = []"]),
    "exported var": ("@export()\nvar a = 1", ["var a = 1"]),
    "keywords as names": (
        "var resource = 1\nvar param = resource\nvar existing = { if: 1, for: 2, type: param, resource: 3, output: 4 }",
        [
            "var resource = 1",
            "var param = resource",
            "var existing = {if: 1, for: 2, type: param, resource: 3, output: 4}",
        ],
    ),
    "func": ("func add3(a int, b int) int => a + b", ["func add3(a, b) = add(a, b)"]),
    "func without parameters": ("@export()\nfunc Now() string => 'x'", ["func now() = 'x'"]),
    "func on several lines": (
        "func f(\n  a string?,\n  b ('x' | 'y')\n) { k: string } =>\n  { k: a ?? b }",
        ["func f(a, b) = {k: coalesce(a, b)}"],
    ),
    # resources
    "resource": (
        RESOURCE + " {\n  name: 'n'\n  location: 'westeurope'\n  sku: {\n    name: 'Standard_LRS'\n  }\n}",
        [STORE + " name='n' {location: 'westeurope', sku: {name: 'Standard_LRS'}}"],
    ),
    "resource on one line": (RESOURCE + " { name: 'n', kind: 'k' }", [STORE + " name='n' {kind: 'k'}"]),
    "quoted keys of a resource": (RESOURCE + " { 'name': 'n', 'my-key': 1 }", [STORE + " name='n' {my-key: 1}"]),
    "existing": ("resource a 'X.Y/z@2024-01-01' existing = { name: 'n' }", [STORE + " existing name='n' {}"]),
    "if": (RESOURCE + " if (b && c) { name: 'n' }", [STORE + " if and(b, c) name='n' {}"]),
    "if on a line of its own": (RESOURCE + "\n  if (\n    b\n  ) { name: 'n' }", [STORE + " if b name='n' {}"]),
    "existing if": (
        "resource a 'X.Y/z@2024-01-01' existing = if (b) { name: 'n' }",
        [STORE + " existing if b name='n' {}"],
    ),
    "for": (RESOURCE + " [for n in names: { name: n }]", [STORE + " for n in names name=n {}"]),
    "for with an index": (
        "@batchSize(1)\n" + RESOURCE + " [\n  for (n, i) in range(0, 3): {\n    name: '${n}${i}'\n  }\n]",
        [STORE + " for n, i in range(0, 3) name=<n i> {}"],
    ),
    "for and if": (
        RESOURCE + " [for n in names: if (n.on) { name: n.id }]",
        [STORE + " for n in names if n['on'] name=n['id'] {}"],
    ),
    "resource decorators": (
        "@onlyIfNotExists()\n@retryOn(['x'], 3)\n@waitUntil(x => x.ok, 'PT1M')\n" + RESOURCE + " { name: 'n' }",
        [STORE + " name='n' {}"],
    ),
    "parent, scope, dependsOn": (
        RESOURCE + " {\n  parent: b\n  scope: resourceGroup('g')\n  name: 'n'\n  dependsOn: [\n    c\n  ]\n}",
        [STORE + " name='n' parent=b scope=resourcegroup('g') {}"],
    ),
    "type with a namespace": ("resource a 'az:X.Y/z@2024-01-01' = { name: 'n' }", [STORE + " name='n' {}"]),
    "resource of an extension": (
        "resource a 'core/Service@v1' = { metadata: { name: 'n' } }",
        ["resource a core/Service@v1 name=unreadable('the resource has no name') {metadata: {name: 'n'}}"],
    ),
    "resource of an extension without versions": (
        "resource a 'Repository' = { name: 'n' }",
        ["resource a Repository@ name='n' {}"],
    ),
    "nested": (
        RESOURCE
        + " {\n  name: 'n'\n  @description('d')\n  resource b 'w@2020-02-02' = {\n    name: 'default'\n  }\n  kind: 'k'\n}",
        [STORE + " name='n' {kind: 'k'}", "resource a::b X.Y/z/w@2020-02-02 in a name='default' {}"],
    ),
    "nested without a version": (
        RESOURCE
        + " {\n  name: 'n'\n  resource b 'w' existing = {\n    name: 'default'\n    resource c 'v' = if (x) {\n      name: 'o'\n    }\n  }\n}",
        [
            STORE + " name='n' {}",
            "resource a::b X.Y/z/w@2024-01-01 existing in a name='default' {}",
            "resource a::b::c X.Y/z/w/v@2024-01-01 in a::b if x name='o' {}",
        ],
    ),
    "nested in a condition and a loop": (
        RESOURCE + " [for n in ns: if (n.on) {\n  name: n.id\n  resource b 'w' = {\n    name: n.b\n  }\n}]",
        [STORE + " for n in ns if n['on'] name=n['id'] {}", "resource a::b X.Y/z/w@2024-01-01 in a name=n['b'] {}"],
    ),
    "property called resource": (
        RESOURCE + " {\n  name: 'n'\n  resource: 'r'\n}",
        [STORE + " name='n' {resource: 'r'}"],
    ),
    "resource access": ("var x = a::b.properties.p", ["var x = a::b['properties']['p']"]),
    # modules
    "module": (
        "module m './a/b.bicep' = {\n  name: 'deploy'\n  params: {\n    x: 1\n  }\n}",
        ["module m ./a/b.bicep name='deploy' {x: 1}"],
    ),
    "module without name and params": ("module m 'b.bicep' = {}", ["module m b.bicep"]),
    "module of the public registry": (
        "module m 'br/public:avm/res/storage/storage-account:0.9.0' = { params: {} }",
        ["module m br/public:avm/res/storage/storage-account:0.9.0 {}"],
    ),
    "module of a registry": ("module m 'br:x.azurecr.io/a:v1' = {}", ["module m br:x.azurecr.io/a:v1"]),
    "template spec": ("module m 'ts/alias:spec:v1' = {}", ["module m ts/alias:spec:v1"]),
    "module if": ("module m 'b.bicep' = if (x) { params: y }", ["module m b.bicep if x y"]),
    "module for": (
        "@batchSize(1)\nmodule m 'b.bicep' = [for (x, i) in xs: if (x.on) {\n  name: 'm${i}'\n  params: { ...x }\n  dependsOn: [n]\n}]",
        ["module m b.bicep for x, i in xs if x['on'] name=<'m' i> {...x}"],
    ),
    "module scope": ("module m 'b.bicep' = { scope: subscription('s') }", ["module m b.bicep scope=subscription('s')"]),
    "module with an identity and extensions": (
        "module m 'b.bicep' = { identity: { type: 'UserAssigned' }, extensionConfigs: { k: {} } }",
        ["module m b.bicep"],
    ),
    # outputs, imports, the rest
    "output": ("output a string = b.id", ["output a = b['id']"]),
    "secure output": ("@secure()\noutput a string = b", ["output a = b secure"]),
    "output of a secret type": ("@secure()\ntype t = string\noutput a t = b", ["output a = b secure"]),
    "output loop": ("output a array = [for x in xs: x.id]", ["output a = [for x in xs: x['id']]"]),
    "output of a resource": (
        "output a resource 'X.Y/z@2024-01-01' = b\noutput c resource = d",
        ["output a = b", "output c = d"],
    ),
    "import": ("import { a } from 'x.bicep'", ["import a as a from x.bicep"]),
    "import of several, renamed": (
        "import {\n  a\n  b as c\n  'my-type' as d\n} from 'x.bicep'\nimport { e, f as g } from 'br/public:y:1'",
        ["import a as a, b as c, my-type as d from x.bicep", "import e as e, f as g from br/public:y:1"],
    ),
    "import of nothing": ("import {} from 'x.bicep'", ["import  from x.bicep"]),
    "import of everything": ("import * as x from 'x.bicep'", ["import * as x from x.bicep"]),
    "extension": ("extension microsoftGraphV1", []),
    "extension from a registry": ("extension 'br:x.io/e:1' as e", []),
    "extension with": ("extension kubernetes with {\n  namespace: 'n'\n} as k8s", []),
    "extension as it was written before": ("provider 'k@1' with { a: 1 }\nimport 'kubernetes@1.0.0' as k", []),
    "assert and test": ("assert a = b > 1\ntest t 'x.bicep' = {\n  params: {}\n}", []),
}


@pytest.mark.parametrize("family", DECLARATIONS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_declaration_becomes(family: str, line_end: str) -> None:
    text, expected = DECLARATIONS[family]
    found = template(text.replace("\n", line_end))
    assert problems(found) == []
    assert lines(found) == expected
    assert found.bicep


EXPRESSIONS = {
    "values": ("[true, false, null, 0, 18446744073709551615]", "[True, False, None, 0, 18446744073709551615]"),
    "negative numbers": ("[-1, -(2), -a, 0 - 1]", "[-1, -2, sub(0, a), sub(0, 1)]"),
    "empty text": ("''", "''"),
    "escapes": (r"'\'\\\n\r\t\$\${x}'", repr("'\\\n\r\t$${x}")),
    "escaped characters": (r"'\u{41}\u{1F600}\u{00000e9}'", "'A😀é'"),
    "escaped halves of a character": (r"'\u{d83d}\u{de00}'", "'😀'"),
    "dollar without a hole": ("'$5 and $ {x}'", "'$5 and $ {x}'"),
    "interpolation": ("'a${b}c${d.e}'", "<'a' b 'c' d['e']>"),
    "only a hole": ("'${a}'", "<a>"),
    "holes in holes": ("'${f('${a}-${b['c']}')}'", "<f(<a '-' b['c']>)>"),
    "object in a hole": ("'${string({ a: '}' })}'", "<string({a: '}'})>"),
    "long text": ("'''\n  a\n'b' ${c} \\n\n'''", repr("  a\n'b' ${c} \\n\n")),
    "long text with quotes at its end": ("'''a'''''", "\"a''\""),
    "empty long text": ("''''''", "''"),
    "long text with holes": ("$'''\na ${b} $${c} {d}\n'''", r"<'a ' b ' $' c ' {d}\n'>"),
    "long text with more dollars": ("$$'''a ${b} $${c}'''", "<'a ${b} ' c>"),
    "long text with dollars and no hole": ("$'''a'''", "'a'"),
    "array": ("[\n  1\n  2\n\n  // three\n  3\n]", "[1, 2, 3]"),
    "array on one line": ("[1, 2,3]", "[1, 2, 3]"),
    "commas and lines": ("[1,\n2, 3\n4]", "[1, 2, 3, 4]"),
    "empty ones": ("[{}, [], {\n}, [\n]]", "[{}, [], {}, []]"),
    "object": ("{\n  a: 1\n  'b c': 2, d: { e: 3 }\n}", "{a: 1, b c: 2, d: {e: 3}}"),
    "computed key": ("{ '${a}-x': 1 }", "{<a '-x'>: 1}"),
    "spread": ("[...a, { ...b, c: 1\n  ...d ?? {} }]", "[...a, {...b, c: 1, ...coalesce(d, {})}]"),
    "loop": ("[for x in xs: { a: x }]", "[for x in xs: {a: x}]"),
    "loop with an index": ("[\n  for (x, i) in xs: '${x}${i}'\n]", "[for x, i in xs: <x i>]"),
    "loop in a loop": ("[for x in xs: [for y in x: y + 1]]", "[for x in xs: [for y in x: add(y, 1)]]"),
    "loop with a condition": ("[for x in xs: if (x > 1) {\n  a: x\n}]", "[for x in xs if greater(x, 1): {a: x}]"),
    "call": ("f(1,\n  'a', // b\n  g()\n)", "f(1, 'a', g())"),
    "call over lines": ("f(\n  1,\n  2\n)", "f(1, 2)"),
    "calls without case": ("toLower(resourceGroup().id)", "tolower(resourcegroup()['id'])"),
    "namespaces": ("az.resourceGroup().id == sys.concat('a', 'b')", "equals(resourcegroup()['id'], concat('a', 'b'))"),
    "methods": ("kv.getSecret('x', sa.listKeys().keys[0].value)", "getsecret(kv, 'x', listkeys(sa)['keys'][0]['value'])"),
    "function of an import": ("shared.f(1)", "f(shared, 1)"),
    "name of": ("[nameof(a), nameof(a.b.c), nameof(a::d), nameof(f())]", "['a', 'c', 'd', nameof(f())]"),
    "members": ("a.b['c'][0][d].e", "a['b']['c'][0][d]['e']"),
    "safe members": ("a.?b.c[?0][?d]", "a[?'b']['c'][?0][?d]"),
    "members from the end": ("a[^1][?^2]", "a[^1][?^2]"),
    "not null": ("a!.b! + c![0]!", "add(a['b'], c[0])"),
    "nested resources": ("a::b::c.id", "a::b::c['id']"),
    "nested resource of a loop": ("a[0]::b.id", "unreadable('a nested resource of something that is no name is not followed')['id']"),
    "member of a value": ("{ a: 1 }.a + [1][0] + 'x'.y", "add(add({a: 1}['a'], [1][0]), 'x'['y'])"),
    "lambda": ("map(a, x => x.b)", "map(a, (x) => x['b'])"),
    "lambda of two": ("reduce(a, 0, (x, y) => x + y)", "reduce(a, 0, (x, y) => add(x, y))"),
    "lambda of none": ("f(() => 1)", "f(() => 1)"),
    "lambda over lines": ("map(a, (x,\n  i\n) =>\n  { b: x })", "map(a, (x, i) => {b: x})"),
    "lambda of lambda": ("map(a, x => map(x, y => x ?? y))", "map(a, (x) => map(x, (y) => coalesce(x, y)))"),
    "files": ("loadTextContent('./a.txt')", "loadtextcontent('./a.txt')"),
    "parentheses": ("(\n  (1)\n)", "1"),
    # precedence
    "left to right": ("1 - 2 - 3", "sub(sub(1, 2), 3)"),
    "division and remainder": ("8 / 4 % 3 * 2", "mul(mod(div(8, 4), 3), 2)"),
    "product before sum": ("1 + 2 * 3 - 4", "sub(add(1, mul(2, 3)), 4)"),
    "product first": ("2 * 3 + 1", "add(mul(2, 3), 1)"),
    "parentheses first": ("(1 + 2) * 3", "mul(add(1, 2), 3)"),
    "sum before comparison": ("a + 1 < b - 1", "less(add(a, 1), sub(b, 1))"),
    "comparisons": ("[a < b, a <= b, a > b, a >= b]", "[less(a, b), lessorequals(a, b), greater(a, b), greaterorequals(a, b)]"),
    "equality": ("[a == b, a != b, a =~ b, a !~ b]", "[equals(a, b), not(equals(a, b)), equalsignorecase(a, b), not(equalsignorecase(a, b))]"),
    "comparison before equality": ("a < b == c > d", "equals(less(a, b), greater(c, d))"),
    "equality before and": ("a == b && c != d", "and(equals(a, b), not(equals(c, d)))"),
    "and before or": ("a || b && c || d", "or(or(a, and(b, c)), d)"),
    "or before coalesce": ("a ?? b || c ?? d", "coalesce(coalesce(a, or(b, c)), d)"),
    "not binds tightest": ("!b && c", "and(not(b), c)"),
    "not of a member": ("!a.b[0]", "not(a['b'][0])"),
    "not of a call in a condition": ("!contains(x, 'y') ? 1 : 2", "if(not(contains(x, 'y')), 1, 2)"),
    "minus of a product": ("-a * b", "mul(sub(0, a), b)"),
    "condition last": ("a ?? b == c ? d : e", "if(coalesce(a, equals(b, c)), d, e)"),
    "conditions group to the right": ("a ? b : c ? d : e", "if(a, b, if(c, d, e))"),
    "conditions in the middle": ("a ? b ? 1 : 2 : 3", "if(a, if(b, 1, 2), 3)"),
    "condition over lines": ("a\n  ? b + 1\n  : c\n    ? d\n    // otherwise\n    : e || f", "if(a, add(b, 1), if(c, d, or(e, f)))"),
    "condition of arrays": ("a ?[1]:[2]", "if(a, [1], [2])"),
    # what is no token
    "comment before a value": ("/* a\n b */ 1 /** b **/ + 2 // c '", "add(1, 2)"),
    "directive": ("[\n  #disable-next-line no-hardcoded-env-urls // why\n  1\n#disable-diagnostics a b\n#restore-diagnostics a\n]", "[1]"),
}  # fmt: skip


@pytest.mark.parametrize("family", EXPRESSIONS)
def test_an_expression_becomes(family: str) -> None:
    text, expected = EXPRESSIONS[family]
    assert value_of(text) == expected


def test_every_family_of_the_language_is_here() -> None:
    assert len(DECLARATIONS) + len(EXPRESSIONS) + len(PARAMETERS) >= 89


PARAMETERS = {
    "using": ("using './main.bicep'", "./main.bicep", "", {}),
    "using none": ("using none", "", "", {}),
    "using with": ("using 'main.bicep' with {\n  mode: 'deployment'\n}", "main.bicep", "", {}),
    "using a registry": ("using 'br/public:a:1'", "br/public:a:1", "", {}),
    "extends": ("using none\nextends '../base.bicepparam'", "", "../base.bicepparam", {}),
    "values": (
        "param a = 'x'\nparam b = [\n  1\n]\nparam c = {\n  d: true\n  ...e\n}",
        "",
        "",
        {"a": "'x'", "b": "[1]", "c": "{d: True, ...e}"},
    ),
    "values of the environment": (
        "param a = readEnvironmentVariable('A', 'b')\nparam c = int(sys.readEnvironmentVariable('C'))",
        "",
        "",
        {"a": "readenvironmentvariable('A', 'b')", "c": "int(readenvironmentvariable('C'))"},
    ),
    "secrets": ("param a = az.getSecret('s', 'g', 'v', 'n')", "", "", {"a": "getsecret('s', 'g', 'v', 'n')"}),
    "external input": ("param a = externalInput('sys.envVar', 'A')", "", "", {"a": "externalinput('sys.envVar', 'A')"}),
    "extension config": ("extension k8s\nextensionConfig k8s with {\n  a: 'b'\n}", "", "", {}),
}


@pytest.mark.parametrize("family", PARAMETERS)
def test_a_parameter_file_becomes(family: str) -> None:
    text, using, extends, values = PARAMETERS[family]
    found = parameters(text)
    assert problems(found) == []
    assert (found.using, found.extends) == (using, extends)
    assert {name: show(value) for name, value in found.values.items()} == values


def test_a_parameter_file_has_variables_functions_types_and_imports() -> None:
    text = (
        "import { a, f } from 'x.bicep'\nimport * as s from 'y.bicep'\nvar v string = a\ntype t = int\nparam p = f(v)"
    )
    found = parameters(text)
    assert problems(found) == []
    assert lines(found.context) == [
        "var p = f(v)",
        "var v = a",
        "import a as a, f as f from x.bicep",
        "import * as s from y.bicep",
    ]
    assert show(found.values["p"]) == "f(v)"
    assert found.context.bicep


def test_what_belongs_into_the_other_kind_of_file_is_a_problem() -> None:
    assert problems(parameters("param a string\nparam b = 1\nresource c 'd@e' = {}")) == [
        "1:9 expected '=', found 'string'",
        "3:1 expected a declaration, found 'resource'",
    ]
    assert problems(template("using 'a.bicep'\nvar b = 1")) == ["1:1 expected a declaration, found 'using'"]


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_inside_a_parent_a_nested_resource_is_called_by_its_own_name() -> None:
    found = template(
        """
var blob = 'another'
resource a 'X.Y/z@1' = {
  name: 'n'
  tags: { first: blob.id, each: map(xs, blob => blob.x), all: [for blob in blob.ids: blob], more: '${blob.name}' }
  resource blob 'w' = [for item in range(0, 1): {
    name: other.name
    list: [...other.list, { '${other.key}': other, ...other }, -other.n, (other) => blob]
    resource deep 'v' = if (other.on) {
      name: blob.name
      scope: deep
      parent: blob::deep
    }
  }]
  resource other 'u' = [for (other, blob) in other.xs: {
    name: other
    index: blob
  }]
}
output o string = a::blob.id
output p string = blob
"""
    )
    assert problems(found) == []
    assert lines(found)[1:] == [
        "resource a X.Y/z@1 name='n' {tags: {first: a::blob['id'], each: map(xs, (blob) => blob['x']), "
        "all: [for blob in a::blob['ids']: blob], more: <a::blob['name']>}}",
        "resource a::blob X.Y/z/w@1 in a for item in range(0, 1) name=a::other['name'] "
        "{list: [...a::other['list'], {<a::other['key']>: a::other, ...a::other}, sub(0, a::other['n']), (other) => a::blob]}",
        "resource a::blob::deep X.Y/z/w/v@1 in a::blob if a::other['on'] name=a::blob['name'] "
        "parent=a::blob::deep scope=a::blob::deep {}",
        "resource a::other X.Y/z/u@1 in a for other, blob in a::other['xs'] name=other {index: blob}",
        "output o = a::blob['id']",
        "output p = blob",
    ]


def test_an_expression_too_high_for_evaluation_keeps_its_names() -> None:
    members = ".x" * 300
    found = template(f"resource a 'X.Y/z@1' = {{\n name: b{members}\n resource b 'w' = {{ name: 'm' }}\n}}")
    assert problems(found) == []
    node = found.declarations[0].name
    while isinstance(node, ir.Member):
        node = node.base
    assert isinstance(node, ir.Name)
    assert node.name == "b"


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_property_knows_its_line() -> None:
    text = """// a store
@description('''
two lines
''')
param p string

resource a 'X.Y/z@1' = {
  name: 'n'

  properties: {
    first: p // one
    second: [
      1
      { third: 'x' }
    ]
    'fourth': '${p}'
  }
  resource b 'w' = {
    name: 'm'
    fifth: true
  }
}
"""
    found = template(text)
    assert problems(found) == []

    def entries(node: ir.Expression) -> dict[str, tuple[int, str]]:
        result: dict[str, tuple[int, str]] = {}
        if isinstance(node, ir.ObjectNode):
            for entry in node.entries:
                assert isinstance(entry, ir.Entry)
                assert isinstance(entry.key, ir.Literal)
                result[str(entry.key.value)] = (entry.span.line, entry.span.text)
                result |= entries(entry.value)
        for item in node.items if isinstance(node, ir.ArrayNode) else ():
            assert not isinstance(item, ir.Spread)
            result |= entries(item)
        return result

    a, b = found.declarations
    assert isinstance(a, ir.ResourceDeclaration)
    assert isinstance(b, ir.ResourceDeclaration)
    assert (a.span.line, b.span.line, found.parameters["p"].span.line) == (7, 18, 5)
    assert a.span.text.startswith("resource a 'X.Y/z@1' = { name: 'n' properties:")
    assert found.parameters["p"].span.text == "param p string"
    assert entries(a.body) == {
        "properties": (10, "properties: { first: p // one second: [ 1 { third: 'x' } ] 'fourth': '${p}' }"),
        "first": (11, "first: p"),
        "second": (12, "second: [ 1 { third: 'x' } ]"),
        "third": (14, "third: 'x'"),
        "fourth": (16, "'fourth': '${p}'"),
    }
    assert entries(b.body) == {"fifth": (20, "fifth: true")}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a + b * c", "a + b * c"),
        ("a ? b : c", "a ? b : c"),
        ("a.b[0]::c", "a.b[0]::c"),
        ("f(a, b).c", "f(a, b).c"),
        ("-a", "-a"),
        ("'${a}'", "'${a}'"),
        ("[for x in y: x]", "[for x in y: x]"),
        ("x => x", "x => x"),
        ("{ a: 1 }", "{ a: 1 }"),
    ],
)
def test_an_expression_knows_its_text(text: str, shown: str) -> None:
    assert template(f"var a = 1\nvar it = {text} // and more\n").variables["it"].value.span.text == shown


def test_a_loop_knows_its_text() -> None:
    (found,) = template(RESOURCE + " [for (x, i) in range(0, n): { name: x }]").declarations
    assert found.loop is not None
    assert found.loop.span.text == "for (x, i) in range(0, n)"

"""What is wrong in a file: where it is reported, what is given up for it, and that nothing makes the parser fail."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.arm import ir
from auditor.sources.bicep import declarations, expressions, lexer, parser

from .showing import lines, parameters, problems, show, template

WRONG = {
    # what is no token
    "unknown character": ("var a = §", "1:9 unexpected character §"),
    "control character": ("var a = \0", r"1:9 unexpected character '\x00'"),
    "double quotes": ('var a = "b"', "1:9 texts stand in single quotes (')"),
    "text without an end": ("var a = 'b\nvar c = 1", "1:9 the text that begins here has no end (')"),
    "hole without an end": ("var a = 'b${c\nvar d = 1", "1:14 the text that began on this line has no end"),
    "text without an end after a hole": ("var a = 'b${c}d\nvar e = 1", "1:14 the text that begins here has no end (')"),
    "text that a backslash keeps from ending": ("var a = 'b\\", "1:9 the text that begins here has no end (')"),
    "wrong escape": (r"var a = 'b\q'", r"1:11 this escape is none (those there are: \n \r \t \\ \' \$ \u{…})"),
    "wrong escape of a character": (r"var a = '\u{110000}'", r"1:10 this escape is none (those there are: \n \r \t \\ \' \$ \u{…})"),
    "wrong escape after a hole": (r"var a = '${b}\u'", r"1:14 this escape is none (those there are: \n \r \t \\ \' \$ \u{…})"),
    "long text without an end": ("var a = '''b\n", "1:9 the text that begins here has no end (''')"),
    "long text without an end after a hole": ("var a = $'''b${c}\n", "1:17 the text that begins here has no end (''')"),
    "comment without an end": ("var a = 1\n/* b\nvar c = 2", "2:1 the comment that begins here has no end (*/)"),
    "unknown directive": ("#pragma x\nvar a = 1", "1:1 this is no directive"),
    "directive behind something": ("var a = 1 #disable-next-line x\n", "1:11 this is no directive"),
    # what is no expression
    "nothing": ("var a =", "1:8 expected an expression, found the end of the file"),
    "nothing on this line": ("var a =\n  1", "1:8 expected an expression, found a new line"),
    "new line behind an operator": ("var a = 1 +\n  2", "1:12 expected an expression, found a new line"),
    "two unary operators": ("var a = !!b", "1:10 expected an expression without another operator before it, found '!'"),
    "unknown operator": ("var a = 1 & 2", "1:11 unexpected character &"),
    "large number": ("var a = 18446744073709551616", "1:9 the number does not fit into 64 bits"),
    "very large number": ("var a = " + "9" * 5000, "1:9 the number does not fit into 64 bits"),
    "fraction": ("var a = 1.5", "1:11 expected a name behind the '.', found a number"),
    "condition without an else": ("var a = b ? c\n", "1:14 expected ':', found a new line"),
    "member without a name": ("var a = b.", "1:11 expected a name behind the '.', found the end of the file"),
    "safe method": ("var a = b.?c()", "1:13 expected a new line, found '('"),
    "nested resource without a name": ("var a = b::1", "1:12 expected a nested resource's name behind the '::', found a number"),
    "index without an end": ("var a = b[0", "1:12 expected ']', found the end of the file"),
    "arguments without a comma": ("var a = f(1\n2)", "2:1 expected ',' or ')', found a number"),
    "comma without an argument": ("var a = f(1,)", "1:13 expected an expression, found ')'"),
    "empty parentheses": ("var a = ()", "1:10 expected one expression in parentheses, found ')'"),
    "parameters that are no names": ("var a = map(b, (1) => 2)", "1:20 the parameters of a lambda are names"),
    "two expressions in a hole": ("var a = '${b c}'", "1:14 expected '}', found 'c'"),
    "text in a hole": ("var a = '${b 'c'}'", "1:14 expected '}', found a text"),
    "loop without in": ("var a = [for b of c: b]", "1:16 expected 'in', found 'of'"),
    "loop without an item": ("var a = [for in b: c]", "1:17 expected 'in', found 'b'"),
    "loop with an index without an item": ("var a = [for (b) in c: b]", "1:16 expected ',', found ')'"),
    "loop without a body": ("var a = [for b in c]", "1:20 expected ':', found ']'"),
    # what is no type
    "no type": ("param a", "1:8 expected a type, found the end of the file"),
    "bad type": ("param a =\n", "1:9 expected a type, found '='"),
    "bad member of a union": ("param a 'b' |\n", "1:14 expected a type, found a new line"),
    "bad part of a type": ("param a b.1", "1:11 expected a name or '*' behind the '.', found a number"),
    "resource-derived type without an end": ("param a resourceInput<'b'", "1:26 expected '>', found the end of the file"),
    "negated text": ("param a -'b'", "1:10 expected a value, found a text"),
    "bad property of a type": ("param a { 1: string }", "1:11 expected a property's name, found a number"),
    "tuple without an end": ("param a [ string", "1:17 expected ']', found the end of the file"),
    "object type without an end": ("param a {\n b: string", "2:11 expected '}', found the end of the file"),
    # what is no declaration
    "unknown declaration": ("let a = 1", "1:1 expected a declaration, found 'let'"),
    "no declaration at all": ("{}", "1:1 expected a declaration, found '{'"),
    "two declarations on a line": ("var a = 1 var b = 2", "1:11 expected a new line, found 'var'"),
    "no name": ("var 'a' = 1", "1:5 expected a variable's name, found a text"),
    "long name": (f"var {'a' * 256} = 1", "1:5 the name is longer than 255 characters"),
    "decorator of nothing": ("@secure()\n", "2:1 expected a declaration, found the end of the file"),
    "decorator without a name": ("@()\nvar a = 1", "1:2 expected a decorator's name behind the '@', found '('"),
    "decorator without a name behind a namespace": ("@sys.1\nvar a = 1", "1:6 expected a decorator's name behind the '.', found a number"),
    "resource without an equals sign": ("resource a 'b@c' {}", "1:18 expected '=', found '{'"),
    "resource of a computed type": ("resource a '${b}@c' = {}", "1:12 expected a resource's type, as a text without holes, found a text"),
    "resource of a long type": (f"resource a '{'b' * 600}@c' = {{}}", "1:12 the type is longer than 500 characters"),
    "resource that is no object": ("resource a 'b@c' = d", "1:20 expected '{', 'if' or '[', found 'd'"),
    "resource that is an array": ("resource a 'b@c' = [{}]", "1:21 expected 'for', found '{'"),
    "condition without parentheses": ("resource a 'b@c' = if d {}", "1:23 expected '(', found 'd'"),
    "condition without a body": ("resource a 'b@c' = if (d) e", "1:27 expected '{', found 'e'"),
    "module with a computed path": ("module a '${b}.bicep' = {}", "1:10 expected the path of a file, as a text without holes, found a text"),
    "import without a path": ("import { a } 'b'", "1:14 expected 'from', found a text"),
    "import of everything without a name": ("import * from 'b'", "1:10 expected 'as', found 'from'"),
    "import of a quoted name without another": ("import { 'a' } from 'b'", "1:14 expected 'as', found '}'"),
    "import of a number": ("import { 1 } from 'b'", "1:10 expected the name of an export, or '}', found a number"),
    "import of nothing": ("import a from 'b'", "1:8 expected '{' or '*', found 'a'"),
    "extension that is none": ("extension 1", "1:11 expected the name of an extension, or a text, found a number"),
    "extension with no object": ("extension a with b", "1:18 expected '{', found 'b'"),
    "function without parameters": ("func a string => 1", "1:8 expected '(', found 'string'"),
    "function without a comma": ("func a(b int c int) int => 1", "1:14 expected ',' or ')', found 'c'"),
    "function without a body": ("func a() int\n", "1:13 expected '=>', found a new line"),
    "target scope without a text": ("targetScope = a", "1:15 expected the name of a scope, found 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_reported_where_it_is(mistake: str) -> None:
    text, expected = WRONG[mistake]
    found = template(text)
    assert problems(found)[0] == expected


@pytest.mark.parametrize("mistake", [m for m in WRONG if m != "decorator of nothing"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_mistake_never_costs_the_other_declarations(mistake: str, line_end: str) -> None:
    text, _ = WRONG[mistake]
    before = "@secure()\nparam first string\n\nresource x 'X.Y/z@1' = {\n  name: 'n'\n  kind: 'k'\n}\n"
    after = "\n@secure()\nparam last string\nresource y 'X.Y/z@1' = {\n  name: 'm'\n}\n"
    found = template((before + text + after).replace("\n", line_end))
    first = before.count("\n") + 1
    lines_of_it = range(first, first + text.count("\n") + 3)
    assert all(int(problem.partition(":")[0]) in lines_of_it for problem in problems(found))
    assert found.problems
    shown = lines(found)
    assert "param first: string secure" in shown
    assert "resource x X.Y/z@1 name='n' {kind: 'k'}" in shown
    if mistake != "comment without an end":  # there the rest of the file is a comment
        assert "param last: string secure" in shown
        assert "resource y X.Y/z@1 name='m' {}" in shown


def test_a_bad_property_stays_as_one_that_is_not_known() -> None:
    found = template(
        """resource a 'X.Y/z@1' = {
  name: 'n'
  kind: 'k' +
  properties: {
    first: 1
    second: [1, 2 3, ...4 5, 6]
    third: f(1 2)
    1: 'lost'
    fourth: { a: §, b: 2 }
    'a b': ${c}
    ...x y
    fifth: 5
  }
  resource b 'w' = {
    name: ?
    kind: 'k'
  }
  resource c = {
    name: 'lost'
  }
  @batchSize()
  resource d = {}
  tags: [
"""
    )
    assert problems(found) == [
        "3:14 expected an expression, found a new line (the value of 'kind' was skipped)",
        "6:19 expected a new line, ',' or ']', found a number (an item was skipped)",
        "6:27 expected a new line, ',' or ']', found a number (an item was skipped)",
        "7:16 expected ',' or ')', found a number (the value of 'third' was skipped)",
        "8:5 expected a property's name, found a number (a property was skipped)",
        "9:18 unexpected character § (the value of 'a' was skipped)",
        "10:12 unexpected character $ (the value of 'a b' was skipped)",
        "11:10 expected a new line, ',' or '}', found 'y' (a property was skipped)",
        "15:11 expected an expression, found '?' (the value of 'name' was skipped)",
        "18:14 expected a resource's type, as a text without holes, found '=' (a nested resource was skipped)",
        "22:14 expected a resource's type, as a text without holes, found '=' (a nested resource was skipped)",
        "24:1 expected ']', found the end of the file",
    ]
    assert lines(found) == [
        "resource a X.Y/z@1 name='n' {kind: unreadable('expected an expression, found a new line'), properties: {first: 1, "
        """second: [1, unreadable("expected a new line, ',' or ']', found a number"), """
        """unreadable("expected a new line, ',' or ']', found a number"), 6], """
        """third: unreadable("expected ',' or ')', found a number"), """
        """...unreadable("expected a property's name, found a number"), """
        "fourth: {a: unreadable('unexpected character §'), b: 2}, a b: unreadable('unexpected character $'), "
        """...unreadable("expected a new line, ',' or '}', found 'y'"), fifth: 5}, tags: []}""",
        """resource a::b X.Y/z/w@1 in a name=unreadable("expected an expression, found '?'") {kind: 'k'}""",
    ]
    first = found.declarations[0]
    assert isinstance(first, ir.ResourceDeclaration)
    kind = first.body.entries[0]
    assert (kind.span.line, kind.span.text) == (3, "kind: 'k' +")


def test_a_property_without_its_colon_is_not_taken_for_one_that_is_left_out() -> None:
    found = template(
        "resource a 'X.Y/z@1' = {\n  name: 'n'\n  on true\n  'off' false\n  properties {\n    b: 1\n  }\n}\n"
    )
    assert problems(found) == [
        "3:6 expected ':', found 'true' (the value of 'on' was skipped)",
        "4:9 expected ':', found 'false' (the value of 'off' was skipped)",
        "5:14 expected ':', found '{' (the value of 'properties' was skipped)",
    ]
    assert lines(found) == [
        """resource a X.Y/z@1 name='n' {on: unreadable("expected ':', found 'true'"), """
        """off: unreadable("expected ':', found 'false'"), properties: unreadable("expected ':', found '{'")}"""
    ]


def test_a_missing_bracket_ends_where_the_next_declaration_begins() -> None:
    found = template(
        """resource a 'X.Y/z@1' = {
  name: 'n'
  properties: {
    list: [
      1
      { x: f(2
}

@description('''
of the next
''')
@secure()
param p string
resource b 'X.Y/z@1' = {
  name: 'n'
  tags: {
resource c 'X.Y/z@1' = {
  name: 'n'
  list: [1, 2}
  kind: 'k')
}
param q int
"""
    )
    assert lines(found) == [
        "param p: string secure",
        "param q: int",
        """resource a X.Y/z@1 name='n' {properties: {list: [1, {x: unreadable("expected ',' or ')', found '}'")}]}}""",
        "resource b X.Y/z@1 name='n' {tags: {}}",
        """resource c X.Y/z@1 name='n' {list: [1, 2], kind: 'k'}""",
    ]
    assert problems(found) == [
        "7:1 expected ',' or ')', found '}' (the value of 'x' was skipped)",
        "9:1 expected '}', found the next declaration",
        "17:1 expected '}', found the next declaration",
        "19:14 expected ']', found '}'",
        "20:12 expected '}', found ')'",
        "21:1 expected a declaration, found '}'",
    ]


def test_declarations_are_found_again_where_lines_are_indented() -> None:
    found = template("  var a = )\n  var b = 1\n    var c = ]\n  @export()\n  var d = 2\n x\n var e = [1")
    assert lines(found) == ["var b = 1", "var d = 2", "var e = [1]"]
    assert [problem.partition(" ")[0] for problem in problems(found)] == ["1:11", "3:13", "6:2", "7:12"]


def test_a_decorator_goes_with_its_declaration_or_with_nothing() -> None:
    found = template("@allowed([\n1\n)\nparam a string\n@secure()\nlet x = 1\nparam b int\n@secure() param c string")
    assert lines(found) == ["param b: int", "param c: string secure"]
    assert problems(found) == [
        "3:1 expected ']', found ')'",
        "4:1 expected ',' or ')', found 'param'",
        "6:1 expected a declaration, found 'let'",
        "8:11 expected a new line behind a decorator",
    ]


def test_what_is_declared_twice_counts_once() -> None:
    found = template(
        "var a = 1\nvar a = 2\nfunc f() int => 1\nfunc F() int => 2\n"
        "resource r 'X.Y/z@1' = {\n name: 'n'\n resource s 'w' = {}\n resource s 'w' = { name: 'm' }\n}\nmodule r 'm.bicep' = {}"
    )
    assert problems(found) == [
        "2:1 'a' is declared already; only the first declaration counts",
        "4:1 'f' is declared already; only the first declaration counts",
        "8:2 's' is declared already; only the first declaration counts",
        "10:1 'r' is declared already; only the first declaration counts",
    ]
    assert [line.split()[:2] for line in lines(found)] == [
        ["var", "a"],
        ["func", "f()"],
        ["resource", "r"],
        ["resource", "r::s"],
    ]
    assert show(found.variables["a"].value) == "1"


def test_what_is_doubtful_is_kept_and_reported() -> None:
    found = template("targetScope = 'planet'\nresource a 'X.Y/z' = { name: 'n' }")
    assert lines(found) == ["resource a X.Y/z@ name='n' {}"]
    assert problems(found) == [
        "1:15 expected one of managementGroup, resourceGroup, subscription, tenant; taken for resourceGroup",
        "2:12 expected a type and its version, as in 'Microsoft.Storage/storageAccounts@2023-05-01'",
    ]


def test_problems_of_a_parameter_file() -> None:
    found = parameters("using 'a.bicep'\nparam a =\nparam b = 1\nusing ${c}\nparam b = 2")
    assert problems(found) == [
        "2:10 expected an expression, found a new line",
        "4:7 unexpected character $",
        "5:1 'b' is declared already; only the first declaration counts",
    ]
    assert (found.using, {name: show(value) for name, value in found.values.items()}) == ("a.bicep", {"b": "1"})


# ── hostile texts ────────────────────────────────────────────────────────────────────────────────────────────────────

MANY = 20_000
HOSTILE = {
    "arrays": ("var a = " + "[" * MANY, "1:73 expressions nest deeper than 64 levels"),
    "objects": ("var a = " + "{b:" * MANY, "1:201 expressions nest deeper than 64 levels"),
    "parentheses": ("var a = " + "(" * MANY, "1:73 expressions nest deeper than 64 levels"),
    "calls": ("var a = " + "f(" * MANY, "1:137 expressions nest deeper than 64 levels"),
    "indexes": ("var a = " + "b[" * MANY, "1:137 expressions nest deeper than 64 levels"),
    "holes": ("var a = " + "'${" * MANY, "1:201 expressions nest deeper than 64 levels"),
    "lambdas": ("var a = " + "b=>" * MANY, "1:201 expressions nest deeper than 64 levels"),
    "loops": ("var a = " + "[for b in c: " * MANY, "1:838 expressions nest deeper than 64 levels"),
    "conditions": ("var a = " + "b ? " * MANY, "1:265 expressions nest deeper than 64 levels"),
    "all of them": ("var a = " + "b ? c : 1 + -f(" * MANY, "1:958 expressions nest deeper than 64 levels"),
    "else after else": ("var a = " + "b ? c : " * MANY, "1:8011 more than 1000 conditions stand in one expression"),
    "operators": ("var a = " + "1 + " * MANY, "1:4011 more than 1000 operators stand in one expression"),
    "members": ("var a = b" + ".c" * MANY, "1:2010 more than 1000 members stand in one chain"),
    "tuples": ("type a = " + "[" * MANY, "1:74 types nest deeper than 64 levels"),
    "object types": ("type a = " + "{b:" * MANY, "1:202 types nest deeper than 64 levels"),
    "types in parentheses": ("type a = " + "(" * MANY, "1:74 types nest deeper than 64 levels"),
    "parameterized types": ("type a = " + "b<" * MANY, "1:138 types nest deeper than 64 levels"),
    "arrays of arrays": ("type a = b" + "[]" * MANY, "1:2011 more than 1000 parts stand in one type"),
    "unclosed resources": ("resource a 'b@c' = {\n" * MANY, "2:1 expected '}', found the next declaration"),
    "nested resources": ("resource a 'b@c' = {\n" + " resource d 'e' = {\n" * MANY, "12:2 resources nest deeper than 10 levels"),
    "dollars": ("$" * MANY, "1:1 unexpected character $"),
    "dollars in a long text": ("var a = $'''" + "$" * MANY, "1:9 the text that begins here has no end (''')"),
    "quotes": ("'" * MANY, "1:1 expected a declaration, found a text"),
    "escapes": ("var a = '" + "\\" * (MANY + 1), "1:9 the text that begins here has no end (')"),
    "comments": ("/* " * MANY, "1:1 the comment that begins here has no end (*/)"),
    "digits of an escape": ("var a = '\\u{" + "1" * MANY + "}'", "1:10 this escape is none"),
    "digits": ("var a = " + "1" * MANY, "1:9 the number does not fit into 64 bits"),
    "closing brackets": ("var a = " + "]" * MANY, "1:9 expected an expression, found ']'"),
}  # fmt: skip


def _frames() -> int:
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_a_problem_and_nothing_worse(kind: str) -> None:
    text, expected = HOSTILE[kind]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(_frames() + 600)  # whoever calls the parser may be deep down already
    try:
        found = template(text)
        values = parameters(text)
    finally:
        sys.setrecursionlimit(limit)
    assert problems(found)[0].startswith(expected)
    assert values.problems
    assert len(found.problems) <= expressions.MAX_PROBLEMS + 1


def test_types_that_need_each_other_are_followed_only_so_far() -> None:
    many = 2000
    chain = "".join(f"type t{i} = t{i + 1} | t{i + 1}\n" for i in range(many))
    found = template(chain + f"type t{many} = 'x'\nparam a t0\nparam b t{many - 3}")
    assert lines(found) == ["param a: -", "param b: string of ['x']"]
    parts = "".join(f"type t{i} = t{i + 1}.x\n" for i in range(many))
    found = template(parts + "param a t0\ntype u = { x: u }\nparam b u" + ".x" * 500)
    assert lines(found) == ["param a: -", "param b: -"]


def test_a_long_union_is_known_only_by_its_kind() -> None:
    values = " | ".join(f"'{i}'" for i in range(300))
    assert lines(template(f"param a {values}")) == ["param a: string"]


def test_a_large_file_is_not_read() -> None:
    text = "var a = 1\n//" + "x" * parser.MAX_SIZE
    assert problems(template(text)) == ["1:1 the file has more than 4 MiB and was not read"]
    assert problems(parameters(text)) == ["1:1 the file has more than 4 MiB and was not read"]
    assert lines(template(text)) == []


def test_only_so_many_tokens_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexer, "MAX_TOKENS", 8)
    found = template("var a = 1\nvar b = 2\nvar c = 3")
    assert problems(found) == ["2:8 the file has more than 8 tokens"]
    assert lines(found) == ["var a = 1"]
    found = template("var a = 'x${1}${2}${3}${4}${5}'\nvar b = 2")
    assert problems(found) == ["1:21 the file has more than 8 tokens"]


def test_only_so_many_resources_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "MAX_RESOURCES", 1)
    found = template("resource a 'X.Y/z@1' = { name: 'n' }\nresource b 'X.Y/z@1' = { name: 'n' }")
    assert problems(found) == ["2:10 the file declares more than 1 resources"]
    assert len(found.declarations) == 1


def test_only_so_many_problems_are_kept() -> None:
    found = template("var a = ?\n" * 1000)
    assert len(found.problems) == expressions.MAX_PROBLEMS + 1
    assert problems(found)[-1] == "101:9 there is more from here on that could not be understood"


PIECES = [
    "resource a 'X.Y/z@1' = {", "module m 'x.bicep' = [for", "param p", "@secure()", "var v =", "type t =", "output o", "func f(",
    "import {", "targetScope", "using", "extends", "'", "'''", "$'''", "${", "}", "{", "[", "]", "(", ")", "\n", "\r\n", " ", ",",
    ":", "::", ".", ".?", "?", "??", "!", "=", "==", "=>", "|", "||", "&&", "+", "-", "*", "/", "//", "/*", "*/", "#", "...", "^",
    "<", ">", "1", "0x", "if", "for", "in", "as", "from", "name", "true", "null", "\\", "\\u{41}", "\\n", "é", "\0", "\ud800",
]  # fmt: skip


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=80).map("".join)))
def test_no_text_makes_the_parser_fail(text: str) -> None:
    found = template(text)
    lines(found)
    values = parameters(text)
    for value in values.values.values():
        show(value)
    for problem in (*found.problems, *values.problems):
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
        assert problem.message


BLOCKS = [
    "param p{} string",
    "var v{} = [\n  1\n]",
    "resource r{} 'X.Y/z@1' = {{\n  name: 'n'\n}}",
    "output o{} int = f(\n1)",
]


@given(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5), st.data())
def test_a_missing_character_costs_no_other_declaration(blocks: list[str], data: st.DataObject) -> None:
    texts = [block.format(index) for index, block in enumerate(blocks)]
    whole = [lines(template(text)) for text in texts]
    broken = data.draw(st.integers(0, len(texts) - 1))
    cut = data.draw(st.integers(0, len(texts[broken]) - 1))
    texts[broken] = texts[broken][:cut] + texts[broken][cut + 1 :]
    found = lines(template("\n".join(texts)))
    for index, expected in enumerate(whole):
        assert index == broken or set(expected) <= set(found)

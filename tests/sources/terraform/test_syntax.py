"""The parser of Terraform's language: what texts mean, where parts stand, and what mistakes cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.terraform import syntax
from auditor.sources.terraform.parser import MAX_DEPTH, ParseError, parse, parse_expression, parse_template
from auditor.sources.terraform.syntax import Source
from tests.sources.terraform.showing import shown


def document(text: str) -> syntax.Document:
    return parse(Source("main.tf", text))


def expression(text: str) -> str:
    return shown(parse_expression(Source("x", text)))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1 + 2 * 3", "(+ 1 (* 2 3))"),
        ("1 - 2 - 3", "(- (- 1 2) 3)"),
        ("a -12", "(- a 12)"),
        ("a-12", "a-12"),  # a name may hold dashes
        ("!!a", "(! (! a))"),
        ("- -a", "(- (- a))"),
        ("-a.b", "(- a.b)"),
        ("!a && b", "(&& (! a) b)"),
        ("a || b && c", "(|| a (&& b c))"),
        ("a == b && c < d + 1", "(&& (== a b) (< c (+ d 1)))"),
        ("a ? b : c ? d : e", "(? a b (? c d e))"),
        ("(a + 1) * 2", "(* (+ a 1) 2)"),
        ("(a\n - b)", "(- a b)"),
        ("a % 2 == 0", "(== (% a 2) 0)"),
        ("1.5", "1.5"),
        ("2.0", "2"),
        ("1e3", "1000"),
        ("a.b[0][\"k\"].c", 'a.b[0]["k"].c'),
        ("a.0.1.b", "a.0.1.b"),
        ("a[*].b.c", "(splat a @.b.c)"),
        ("a[*].b[0].c", "(splat a @.b[0].c)"),
        ("a.*.b[0].c", "(splat a @.b)[0].c"),
        ("a[*].b[*].c", "(splat a (splat @.b @.c))"),
        ("f(a, [b...c])"[:4] + ")", "(f() a)"),
        ("max(a...)", "(max() a)..."),
        ("f(\n a,\n b,\n)", "(f() a b)"),
        ("provider::arm::id(a)", "(provider::arm::id() a)"),
        ("[1, 2,]", "(list 1 2)"),
        ("{ a = 1, \"b\" : 2\n (c) = 3 }", '(map "a"=1 "b"=2 c=3)'),
        ("{ true = 1, for = 2 }", '(map "true"=1 "for"=2)'),
        ("[for v in a : v.x if v != null]", "(for v a v.x if (!= v null))"),
        ("{for k, v in a : k => v...}", "(for k,v a k=>v grouped)"),
        ("[\n for k, v in a :\n k\n]", "(for k,v a k)"),
        ("var.for.in.if", "var.for.in.if"),
        ("null", "null"),
        ("π", "π"),
    ],
)  # fmt: skip
def test_expressions(text: str, meaning: str) -> None:
    assert expression(text) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('""', '""'),
        ('"a\\n\\"b\\\\ \\u00e9\\U0001F600"', '"a\\n\\"b\\\\ é😀"'),
        ('"$${a} %%{b} $$ $ 5% $"', '"${a} %{b} $$ $ 5% $"'),
        ('"$$${a}"', '"$${a}"'),
        ('"${a}"', "(text a)"),
        ('"x${a}y${"z${b}"}"', '(text "x" a "y" (text "z" b))'),
        ('"${ {a = "}"} }"', '(text (map "a"="}"))'),
        ('"x ${~ a ~} y"', '(text "x" a "y")'),
        ('"${a ~} "', '(text a "")'),
        ('"%{ if a }x%{ else }y%{ endif }"', '(text (? a "x" "y") "")'),
        ('"%{ if a == "q" }x${b}%{ endif }z"', '(text (? (== a "q") (text "x" b "") "") "z")'),
        ('"%{ for k, v in a }${k}%{ endfor }"', '(text (text-for k,v a (text k "")) "")'),
        ("<<E\na\n  b\nE\n", '"a\\n  b\\n"'),
        ("<<-E\n    a\n      b\n    E\n", '"a\\n  b\\n"'),
        ("<<-E\n  a\n\n    ${b}\n  E\n", '(text "a\\n\\n  " b "\\n")'),
        ("<<-E\n  %{ if a ~}\n  x\n  %{ endif ~}\n  E\n", '(text "" (? a "  x\\n" "") "")'),
        ("<<E\n\\n $${x}\nE\n", '"\\\\n ${x}\\n"'),
        ("<<E\n${a}\nEOF\nE\n", '(text a "\\nEOF\\n")'),
        ("<<E\nE", '""'),
        ('f(<<E\n"${a}"\nE\n, 1)', '(f() (text "\\"" a "\\"\\n") 1)'),
    ],
)
def test_templates(text: str, meaning: str) -> None:
    assert expression(text) == meaning


def test_a_whole_text_as_a_template() -> None:
    assert (
        shown(parse_template(Source("x", 'a "${b}"\n%{ if c }d%{ endif }'))) == '(text "a \\"" b "\\"\\n" (? c "d" ""))'
    )
    with pytest.raises(ParseError, match="this `if` has no end"):
        parse_template(Source("x", "%{ if c }d"))


def test_structure_and_places() -> None:
    found = document(
        '# first\nresource "azurerm_storage_account" "a" { // why\r\n  name = "x"\n\n'
        '  blob_properties {\n    versioning_enabled = var.v\n  }\n  network_rules { default_action = "Deny" }\n'
        "  /* long\n comment */\n}\nlocals {}\n"
    )
    assert not found.problems
    account, local = found.body.blocks
    assert (account.type, account.labels, account.span.line) == ("resource", ("azurerm_storage_account", "a"), 2)
    assert local.labels == ()
    name = account.body.arguments["name"]
    assert (name.span.text, name.span.source.position(name.span.start)) == ('name = "x"', (3, 3))
    assert name.value.span.source.position(name.value.span.start) == (3, 10)
    blob, rules = account.body.blocks
    assert blob.span.line == 5
    assert blob.body.arguments["versioning_enabled"].value.span.text == "var.v"
    assert rules.body.arguments["default_action"].span.line == 8
    assert [c.text for c in found.comments] == ["# first", "// why", "/* long comment */"]


def test_comments_are_none_inside_texts() -> None:
    found = document('a = "# no // no /* no */"\nb = <<E\n# no\nE\nc = "${ 1 /* yes */ }" # yes\n')
    assert [comment.text for comment in found.comments] == ["/* yes */", "# yes"]
    assert not found.problems


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_and_byte_order_marks(ending: str) -> None:
    found = document("\ufeff" + ending.join(["a = 1", "b {", "  c = <<E", "x", "E", "}", ""]))
    assert not found.problems
    assert shown(found.body.blocks[0].body.arguments["c"].value) == f'"x{ending}"'.replace("\r", "\\r").replace(
        "\n", "\\n"
    )


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a = \n", (1, 5), "expected a value, found a new line"),
        ("a = [1 2]\n", (1, 8), "expected `,` or `]`, found a number"),
        ("a = 1 +\n", (1, 8), "expected a value, found a new line"),
        ('a = "x\n', (1, 7), 'the text that goes on here has no end (")'),
        ("a = <<E\nx\n", (1, 5), "the text that begins here has no end (E)"),
        ('a = "\\q"\n', (1, 6), "this escape is none"),
        ("a = f(1\n", (2, 1), "expected `,` or `)`, found the end of the file"),
        ("a = x ? 1\n", (1, 10), "expected `:` of a condition, found a new line"),
        ("a = 1\na = 2\n", (2, 1), "a is given twice in the same block"),
        ("a = @\n", (1, 5), "unexpected character @"),
        ("a = '1'\n", (1, 5), "unexpected character '"),
        ("a = .5\n", (1, 5), "expected a value, found `.`"),
        ("a = b.1e5\n", (1, 7), "an index is a whole number"),
        ("/* a\n", (1, 1), "the comment that begins here has no end"),
        ('r "${x}" {}\n', (1, 10), "a label is plain text"),
        ("r {\n", (2, 1), "a closing brace is missing"),
        ("}\n", (1, 1), "expected the name of an argument or a block, found `}`"),
        ("a b\n", (1, 4), "expected `{` or a label, found a new line"),
        ('a = "%{ else }"\n', (1, 6), "there is nothing that this `else` goes with"),
        ('a = "%{ if x }"\n', (1, 6), "this `if` has no end"),
        ('a = "%{ what }"\n', (1, 9), "expected if, else, endif, for or endfor, found `what`"),
    ],
)
def test_a_mistake_has_its_place(text: str, place: tuple[int, int], message: str) -> None:
    problem = document(text).problems[0]
    assert problem.message.startswith(message)
    assert problem.span.source.position(problem.span.start) == place


def test_a_broken_value_costs_itself() -> None:
    found = document('r "t" "n" {\n  a = 1\n  b = [1, 2 3]\n  c = "x\n  d { e = }\n  f = 2\n}\ns {}\n')
    block, after = found.body.blocks
    assert after.type == "s"
    assert block.body.broken is None
    assert [shown(argument.value) for argument in block.body.arguments.values()] == ["1", "BROKEN", "BROKEN", "2"]
    assert shown(block.body.blocks[0].body.arguments["e"].value) == "BROKEN"
    assert len(found.problems) == 3


def test_a_broken_statement_makes_its_body_say_so() -> None:
    found = document('r "t" "n" {\n  a = 1\n  what is this\n  f = 2\n}\ns {}\n')
    block, after = found.body.blocks
    assert list(block.body.arguments) == ["a", "f"]
    assert block.body.broken is found.problems[0]
    assert found.body.broken is None
    assert after.type == "s"


@pytest.mark.parametrize(
    "text",
    [
        'r "t" "n" {\n  a = 1\n  b = (\n}\nr "t" "m" {\n  a = 2\n}\n',
        'r "t" "n" {\n  a = 1\n  b = {\n}\nresource "t" "m" {\n  a = 2\n}\n',
        'r "t" "n" {\n  a = 1\n  b {\n    c = 1\n}\nresource "t" "m" {\n  a = 2\n}\n',
        'r "t" "n" {\n  a = 1\n  b = <<E\nresource "t" "m" {\n  a = 2\n}\n',
    ],
)
def test_a_block_without_an_end_ends_where_the_next_one_begins(text: str) -> None:
    found = document(text)
    first, second = found.body.blocks
    assert (first.labels, second.labels) == (("t", "n"), ("t", "m"))
    assert "a" in first.body.arguments
    assert first.body.broken is not None
    assert second.body.broken is None
    assert found.problems


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5_000, "a = " + "(" * 5_000 + "1" + ")" * 5_000, "a {\n" * 5_000, "a = " + '"${' * 5_000,
        "a = 1" + "+1" * 5_000, "a = b" + ".c" * 5_000, "a = " + "!" * 5_000 + "b", "a = b" + "[*].c" * 5_000,
        "a = " + "b ? c : " * 5_000 + "d", "a = " + "9" * 5_000, 'a = "' + "%{if a}" * 5_000 + '"', "@\n" * 5_000,
        "a = <<E\nb {\n" * 5_000, "a = b" + "[c" * 5_000, "a b c\n" * 5_000, "a = {" + "b={" * 5_000,
    ],
)  # fmt: skip
def test_hostile_texts_are_problems(text: str) -> None:
    found = document(text + "\n")
    assert 1 <= len(found.problems) <= 200


def test_what_nests_as_deep_as_may_be_is_read() -> None:
    depth = MAX_DEPTH - 4
    assert not document("a = " + "[" * (depth // 2) + "]" * (depth // 2) + "\n").problems


@given(st.text(alphabet='ab1"${}%[]().*=?:!-+<>~\n \\,#/E', max_size=60))
def test_any_text_ends_in_a_tree(text: str) -> None:
    found = document(text)
    for problem in found.problems:
        assert 0 <= problem.span.start <= len(text) + 1
    assert found.problems or found.body.broken is None


@given(st.text(max_size=40))
def test_a_quoted_text_is_itself(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    quoted = quoted.replace("${", "$${").replace("%{", "%%{")
    found = parse_expression(Source("x", f'"{quoted}"'))
    if "$$" not in text and "%%" not in text:
        assert isinstance(found, syntax.Literal)
        assert found.value == text

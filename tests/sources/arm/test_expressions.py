"""ARM's template expressions: what they are lowered to, where their parts stand, errors and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.arm import expressions, ir
from auditor.sources.arm.expressions import ExpressionError, is_expression, literal
from tests.sources.bicep.showing import show


def parse(text: str) -> ir.Expression:
    return expressions.parse(text, ir.Source("f", text), range(len(text) + 1))


def refusal(text: str) -> ExpressionError | None:
    try:
        parse(text)
    except ExpressionError as refused:
        return refused
    return None


def inside(node: Any) -> Iterator[Any]:
    """An expression and all in it."""
    yield node
    match node:
        case ir.Call(arguments=arguments):
            parts: tuple[Any, ...] = arguments
        case ir.Member(base=base, key=key):
            parts = (base, key)
        case ir.Lambda(body=body):
            parts = (body,)
        case _:
            parts = ()
    for part in parts:
        yield from inside(part)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("['x']", "'x'"),
        ("['it''s']", '"it\'s"'),
        ("['''']", '"\'"'),
        ("['']", "''"),
        ("[12]", "12"),
        ("[-3]", "-3"),
        ("[1.5]", "1.5"),
        ("[parameters('x')]", "parameters('x')"),
        ("[ParaMeters( 'X' )]", "parameters('X')"),
        ("[resourceGroup().location]", "resourcegroup()['location']"),
        ("[ resourceGroup ( ) . location ]", "resourcegroup()['location']"),
        ("[variables('a').b[0]['c']]", "variables('a')['b'][0]['c']"),
        ("[variables('a')[parameters('k')].z]", "variables('a')[parameters('k')]['z']"),
        ("[variables('a')[variables('b')[1]]]", "variables('a')[variables('b')[1]]"),
        ("[concat('a', 'b', 3)]", "concat('a', 'b', 3)"),
        ("[concat('a''b')]", 'concat("a\'b")'),
        ("[f(g(h('x').y, 1)[2], 'z')]", "f(g(h('x')['y'], 1)[2], 'z')"),
        ("[if(equals(1, 2), null(), createArray())]", "if(equals(1, 2), null(), createarray())"),
        ("[contoso.uniqueName('x')]", "contoso.uniquename('x')"),
        ("[contoso . uniqueName ()]", "contoso.uniquename()"),
        ("[__bicep.f(1)]", "__bicep.f(1)"),
        ("[tryGet(parameters('x'), 'y', 0)]", "tryget(parameters('x'), 'y', 0)"),
        ("[map(variables('l'), lambda('x', lambdaVariables('x')))]", "map(variables('l'), (x) => x)"),
        ("[lambda('a', 'b', add(lambdaVariables('A'), lambdaVariables('b')))]", "(a, b) => add(a, b)"),
        ("[lambda('x', map(range(0, 2), lambda('y', lambdaVariables('x'))))]", "(x) => map(range(0, 2), (y) => x)"),
        ("[lambda(1)]", "() => 1"),
        ("[\n  concat(\n\t'a',\r\n 'b' )\n]", "concat('a', 'b')"),
        ("['text with ] and ( and ,']", "'text with ] and ( and ,'"),
        ("['first\nsecond']", "'first\\nsecond'"),
    ],
)
def test_what_an_expression_is_lowered_to(text: str, shown: str) -> None:
    assert is_expression(text)
    assert show(parse(text)) == shown


def test_every_part_knows_where_it_stands() -> None:
    text = (
        "[concat(parameters('a') , variables('b').c[0], g ( ), 'it''s', map(x(), lambda('n', lambdaVariables('n'))))]"
    )
    found = {(type(node).__name__, text[node.span.start : node.span.end]) for node in inside(parse(text))}
    assert found >= {
        ("Call", text[1:-1]),
        ("Call", "parameters('a')"),
        ("Literal", "'a'"),
        ("Member", "variables('b').c[0]"),
        ("Member", "variables('b').c"),
        ("Literal", "c"),
        ("Literal", "0"),
        ("Call", "g ( )"),
        ("Literal", "'it''s'"),
        ("Lambda", "lambda('n', lambdaVariables('n'))"),
        ("Name", "lambdaVariables('n')"),
    }


def test_places_are_those_of_the_file() -> None:
    source = ir.Source("f", r'{"x": "[concat(\"\", \u0027a\u0027)]"}')
    places = [7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 21, 27, 28, 34, 35, 36]
    found = expressions.parse("[concat('', 'a')]", source, places)
    assert isinstance(found, ir.Call)
    assert source.text[found.arguments[1].span.start : found.arguments[1].span.end] == r"\u0027a\u0027"


@pytest.mark.parametrize(
    ("text", "expression", "value"),
    [
        ("plain", False, "plain"),
        ("", False, ""),
        ("[", False, "["),
        ("[x] tail", False, "[x] tail"),
        (" [x]", False, " [x]"),
        ("[[x]", False, "[x]"),
        ("[[[x]]]", False, "[[x]]]"),
        ("[[x", False, "[[x"),
        ("[x()]", True, ""),
        ("[]", True, ""),
    ],
)
def test_which_text_is_an_expression_and_what_the_rest_stands_for(text: str, expression: bool, value: str) -> None:
    assert is_expression(text) is expression
    if not expression:
        assert literal(text) == value


@pytest.mark.parametrize(
    ("text", "index", "message"),
    [
        ("[]", 1, "it ends where a function, a text or a number was expected"),
        ("[  ]", 3, "it ends where a function, a text or a number was expected"),
        ("[concat('a']", 1, "a bracket is not closed"),
        ("[concat('a', ]", 13, "it ends where a function, a text or a number was expected"),
        ("[concat('a' 'b')]", 12, "expected ',' or ')', found \"'\""),
        ("[concat('a'))]", 12, "expected the end of the expression, found ')'"),
        ("[concat('a',)]", 12, "expected a function, a text or a number, found ')'"),
        ("[concat(,'a')]", 8, "expected a function, a text or a number, found ','"),
        ("[a('x'), b('y')]", 7, "expected the end of the expression, found ','"),
        ("[x()[0)]", 6, "expected ']', found ')'"),
        ("[x()[0, 1]]", 6, "expected ']', found ','"),
        ("[x()[]]", 5, "expected a function, a text or a number, found ']'"),
        ("[x(0]]", 4, "expected ')', found ']'"),
        ("[x()[)]", 5, "expected a function, a text or a number, found ')'"),
        ("['never closed]", 1, "a text in it is not closed"),
        ("[x('a)]", 3, "a text in it is not closed"),
        ("[azurerm_group.example.location]", 1, "'azurerm_group' is no function call"),
        ("[x(true)]", 3, "'true' is no function call"),
        ("[x().]", 4, "expected the end of the expression, found '.'"),
        ("[x() y]", 5, "expected the end of the expression, found 'y'"),
        ("[1x]", 1, "expected a function, a text or a number, found '1'"),
        ("[1 + 2]", 3, "expected the end of the expression, found '+'"),
        ('[concat("a")]', 8, "expected a function, a text or a number, found '\"'"),
        ("[lambda()]", 1, "a lambda needs a body"),
        ("[lambda(x(), 1)]", 1, "a lambda's variables are plain names"),
        ("[lambda('not a name', 1)]", 1, "a lambda's variables are plain names"),
        ("[lambdaVariables('x')]", 1, "lambdaVariables() names no variable of a lambda around it"),
        ("[lambda('x', lambdaVariables('y'))]", 13, "lambdaVariables() names no variable of a lambda around it"),
        ("[lambda('x', lambdaVariables())]", 13, "lambdaVariables() names no variable of a lambda around it"),
        ("[lambda('x', lambdaVariables(x('x')))]", 13, "lambdaVariables() names no variable of a lambda around it"),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(text: str, index: int, message: str) -> None:
    refused = refusal(text)
    assert refused is not None
    assert (refused.index, str(refused)) == (index, message)


OPERANDS = st.recursive(
    st.sampled_from(["'a'", "'it''s'", "12", "-3", "1.5", "f()", "parameters('p')", "ns.f('x')"]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda items: f"g({', '.join(items)})")
        | st.tuples(inner, inner).map(lambda pair: f"h({pair[0]})[{pair[1]}]")
        | inner.map(lambda one: f"h({one}).m")
    ),
    max_leaves=12,
)


@given(OPERANDS)
def test_an_expression_written_again_says_the_same(text: str) -> None:
    def written(node: Any) -> str:
        match node:
            case ir.Literal(value=str(value)):
                return "'" + value.replace("'", "''") + "'"
            case ir.Literal(value=value):
                return str(value)
            case ir.Call(name=name, arguments=arguments):
                return f"{name}({', '.join(map(written, arguments))})"
            case ir.Member(base=base, key=ir.Literal(value="m")):
                return f"{written(base)}.m"
            case ir.Member(base=base, key=key):
                return f"{written(base)}[{written(key)}]"
        raise AssertionError(node)

    assert written(parse(f"[{text}]")) == text


@given(st.text(st.sampled_from("[]()',. abf01-\n"), max_size=50) | st.text(max_size=50))
def test_any_text_is_an_expression_or_refused_at_a_place_inside_it(text: str) -> None:
    refused = refusal(f"[{text}]")
    assert refused is None or 0 <= refused.index <= len(text) + 1


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_depth_is_bounded_without_a_deep_call_stack() -> None:
    deepest = expressions.MAX_DEPTH
    assert refusal("[" + "f(" * deepest + "1" + ")" * deepest + "]") is None
    for begin, middle, end in (("f(", "1", ")"), ("f(1)[", "0", "]"), ("f()[g(", "1", ")]")):
        refused = refusal("[" + begin * 9_000 + middle + end * 9_000 + "]")
        assert refused is not None
        assert str(refused) == "the expression nests deeper than 100 levels"


@pytest.mark.parametrize("member", [".a", "[0]", "['a']", ".a[0]"])
def test_the_members_of_one_value_are_bounded(member: str) -> None:
    assert refusal(f"[f(){member * 50}]") is None
    refused = refusal(f"[f(){member * 5_000}]")
    assert refused is not None
    assert str(refused) == "more than 100 members of one value"


def test_length_is_bounded() -> None:
    assert refusal(f"['{'x' * (expressions.MAX_LENGTH - 4)}']") is None
    refused = refusal(f"['{'x' * expressions.MAX_LENGTH}']")
    assert refused is not None
    assert str(refused) == "the expression has more than 100,000 characters"


@pytest.mark.parametrize("piece", ["''", "a.", "a ", "1", " ", "f(", "'a',", "'", "-", "f().", "\\"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    refused = refusal("[" + piece * (90_000 // len(piece)) + "]")
    assert refused is None or refused.index <= 90_002

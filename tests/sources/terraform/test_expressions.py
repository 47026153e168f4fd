"""Expressions: what they give, and that what is not known is never taken for something that is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Unknown
from auditor.sources.arm.values import same
from auditor.sources.terraform import constraints
from auditor.sources.terraform.expressions import MAX_STEPS, Budget, Evaluator
from auditor.sources.terraform.functions import FUNCTIONS, UNDECIDABLE
from auditor.sources.terraform.parser import ParseError, parse_expression
from auditor.sources.terraform.syntax import Source
from auditor.sources.terraform.values import EvaluationError, Exhausted, Set
from tests.sources.terraform.vectors import REFUSED, VALUES

NAMES: dict[str, Any] = {
    "u": Unknown("u is not known"),
    "either": Unknown("either is not known", (True, False)),
    "tier": Unknown("tier is not known", ("LRS", "GRS")),
    "maps": Unknown("maps is not known", ({"a": 1}, {"a": 2})),
    "some": Unknown("some is not known", ({"a": 1}, {})),
    "list": [1, Unknown("item is not known"), 3],
    "map": {"known": 1, "not": Unknown("entry is not known")},
}


def _name(name: str) -> Any:
    if name not in NAMES:
        raise EvaluationError(f"there is no {name}")
    return NAMES[name]


def evaluator(budget: Budget | None = None) -> Evaluator:
    return Evaluator(_name, {}, budget or Budget())


def value(text: str) -> Any:
    return evaluator().value(parse_expression(Source("x", text)))


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_values_are_those_of_terraform(text: str, expected: Any) -> None:
    assert same(value(text), expected)


@pytest.mark.parametrize("text", REFUSED)
def test_what_terraform_refuses_is_refused(text: str) -> None:
    try:
        node = parse_expression(Source("x", text))
    except ParseError:
        return
    with pytest.raises(EvaluationError):
        value(text)
    guarded = evaluator().guarded(node)
    assert isinstance(guarded, Unknown)
    assert guarded.reason.startswith("Terraform would refuse `")


@pytest.mark.parametrize(
    "text",
    [
        "u", "u.a", "u[0]", "u[*].a", '"x${u}"', "u + 1", "-u", "!u", "u == 1", "u != null", "u == null", "u && true",
        "u || false", "u ? 1 : 2", "lower(u)", "[for x in u : x]", "{for k, v in u : k => v}", "{ (u) = 1 }",
        "length(u)", "merge({a = 1}, u)", "try(u, 1)", "try(u.a, 1)", "can(u)", "can(u.a)", "coalesce(u, 1)",
        "coalesce(null, u, 1)", "concat([1], u)", "contains([1, u], 2)", "toset([u, 1])", "distinct(list)",
        "compact([u])", "flatten([u])", "jsonencode(map)", 'join(",", list)', "sum(list)", "max(list...)", "max(u...)",
        "lookup(u, \"a\", 1)", "element(u, 0)", "[for x in list : x if x > 1]", "{for x in list : x => x}", "one(u)",
        "alltrue([true, u])", "anytrue([false, u])", "list == [1, 2, 3]", "map == { known = 1, not = 2 }", "list[u]",
        "some.a", "try(some.a, 2)", "timestamp()", "uuid()", 'regex("a", "a")', 'replace("a", "/a/", "b")', "nonsense(1)",
        'provider::x::f("a")', "sensitive(1)", "zipmap([u], [1])", "setunion([u], [1])", "sort(list)", "format(u)",
        'format("%s", u)', "1 / 0", "1 % 0", "u ? nonsense.a : 1", "range(u)", "jsondecode(u)",
    ],
)  # fmt: skip
def test_what_hangs_on_the_unknown_is_unknown(text: str) -> None:
    found = value(text)
    if isinstance(found, Unknown) and text == "u ? 1 : 2":
        assert found.possible == (1, 2)
    else:
        assert isinstance(found, Unknown)
        assert not found.possible
    assert found.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u && false", False), ("false && u", False), ("u || true", True), ("true || u", True),
        ("u ? 1 : 1", 1), ("[1, u][0]", 1), ("map.known", 1), ("length(list)", 3), ("keys(map)", ["known", "not"]),
        ("contains(list, 3)", True), ("[1, u] == [2, 3]", False), ("alltrue([false, u])", False),
        ("anytrue([u, true])", True), ("coalesce(1, u)", 1), ("try(nothing.a, 1)", 1), ("[for x in [1] : u][0] == 1 || true", True),
        ("merge(map, { not = 2 })", {"known": 1, "not": 2}), ("maps.a > 0", True), ("lower(tier) != \"zrs\"", True),
    ],
)  # fmt: skip
def test_what_does_not_hang_on_the_unknown_is_known(text: str, expected: Any) -> None:
    assert same(value(text), expected)


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ('either ? "a" : "b"', ("a", "b")), ("either ? [1] : []", ([1], [])), ("!either", (False, True)),
        ('"Standard_${tier}"', ("Standard_LRS", "Standard_GRS")), ("lower(tier)", ("lrs", "grs")), ("maps.a", (1, 2)),
        ('tier == "LRS"', (True, False)), ('either ? tier : "ZRS"', ("LRS", "GRS", "ZRS")), ("maps.a + 1", (2, 3)),
        ('tier == "LRS" ? 1 : 2', (1, 2)), ("[for k, v in maps : v]", ([1], [2])), ("maps[\"a\"]", (1, 2)),
    ],
)  # fmt: skip
def test_alternatives_are_followed(text: str, possible: tuple[Any, ...]) -> None:
    found = value(text)
    assert isinstance(found, Unknown)
    assert found.possible == possible


def test_an_undecided_condition_says_which_one() -> None:
    found = value("u ? 1 : 2")
    assert found.reason == "`u` is not decided: u is not known"


@pytest.mark.parametrize(
    ("text", "constraint", "expected"),
    [
        ("1", "string", "1"), ("true", "string", "true"), ('"1.5"', "number", 1.5), ('"true"', "bool", True),
        ("[1, 2]", "list(string)", ["1", "2"]), ('["b", "a", "b"]', "set(string)", ["a", "b"]),
        ("{ a = 1 }", "map(string)", {"a": "1"}), ("{ a = 1, b = 2 }", "object({ a = string })", {"a": "1"}),
        ("{}", "object({ a = optional(string) })", {"a": None}), ("{}", 'object({ a = optional(string, "x") })', {"a": "x"}),
        ("{ a = null }", 'object({ a = optional(string, "x") })', {"a": "x"}), ("null", "string", None),
        ("{ a = {} }", "map(object({ b = optional(number, 7) }))", {"a": {"b": 7}}), ('[1, "a"]', "tuple([string, string])", ["1", "a"]),
        ("{ a = 1 }", "any", {"a": 1}), ("{}", "object({ a = optional(object({ b = optional(number, 7) }), {}) })", {"a": {"b": 7}}),
        ("1", '"string"', "1"), ("[1]", "list", [1]),
    ],
)  # fmt: skip
def test_values_become_what_their_type_says(text: str, constraint: str, expected: Any) -> None:
    node = parse_expression(Source("x", constraint))
    found = constraints.converted(value(text), node, evaluator().guarded)
    assert same(found, expected)
    assert isinstance(found, Set) is constraint.startswith("set")


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ('"x"', "number"), ("[]", "string"), ("{}", "list(string)"), ("{}", "object({ a = string })"), ("1", "nothing"),
        ("[1]", "tuple([string, string])"), ('"x"', "bool"), ("[]", "map(string)"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(text: str, constraint: str) -> None:
    with pytest.raises(EvaluationError):
        constraints.converted(value(text), parse_expression(Source("x", constraint)), evaluator().guarded)


def test_unknown_values_stay_unknown_whatever_their_type() -> None:
    for constraint in ("string", "list(string)", 'object({ a = optional(string, "x") })', "set(string)"):
        node = parse_expression(Source("x", constraint))
        assert isinstance(constraints.converted(value("u"), node, evaluator().guarded), Unknown)
    node = parse_expression(Source("x", 'object({ a = optional(string, "x") })'))
    assert isinstance(constraints.converted({"a": value("u")}, node, evaluator().guarded)["a"], Unknown)
    node = parse_expression(Source("x", "set(string)"))
    assert isinstance(constraints.converted(["a", value("u")], node, evaluator().guarded), Unknown)


@pytest.mark.parametrize(
    "text",
    [
        "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]",
        "[for a in range(1000) : [for b in range(1000) : \"${a}${b}\"]]",
        'join("", [for a in range(1000) : join("", [for b in range(1000) : "xxxxxxxxxx"])])',
        "setproduct(range(1000), range(1000))",
        'indent(1000, join("", [for a in range(1000) : join("", [for b in range(100) : "\\n"])]))',
        'format("%1000000s", "x")',
    ],
)  # fmt: skip
def test_what_takes_too_much_ends(text: str) -> None:
    budget = Budget()
    with pytest.raises(Exhausted):
        evaluator(budget).value(parse_expression(Source("x", text)))
    assert budget.steps < MAX_STEPS
    assert isinstance(evaluator().guarded(parse_expression(Source("x", text))), Unknown)


def test_numbers_do_not_grow_without_end() -> None:
    text = "1e300"
    for _ in range(20):
        text = f"{text} * 1e300"
    with pytest.raises(Exhausted, match="too large"):
        value(text)


def test_the_deepest_expression_is_evaluated_or_given_up() -> None:
    for text in ("[" * 48 + "]" * 48, "f(" * 30 + ")" * 30, '"a${' * 15 + "1" + '}"' * 15, "!" * 50 + "true"):
        evaluator().guarded(parse_expression(Source("x", text)))
    budget = Budget(depth=1_000)
    assert evaluator(budget).guarded(parse_expression(Source("x", "[1]"))).reason == "it nests too deep to be evaluated"


def test_functions_are_either_evaluated_or_not() -> None:
    assert not FUNCTIONS.keys() & UNDECIDABLE.keys()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_json_survives_a_round_trip(data: Any) -> None:
    found = Evaluator(lambda _name: data, {}, Budget()).value(
        parse_expression(Source("x", "jsondecode(jsonencode(v))"))
    )
    assert same(found, data)


@given(
    st.lists(st.sampled_from(["true", "false", "u", "either"]), min_size=1, max_size=6), st.sampled_from(["&&", "||"])
)
def test_logic_agrees_with_every_value_the_unknown_can_have(operands: list[str], operator: str) -> None:
    found = value(f" {operator} ".join(operands))
    outcomes = set()
    for u in (True, False):
        for either in (True, False):
            real = {"true": True, "false": False, "u": u, "either": either}
            outcomes.add((all if operator == "&&" else any)(real[one] for one in operands))
    if isinstance(found, Unknown):
        assert not found.possible or outcomes <= set(found.possible)
    else:
        assert outcomes == {found}

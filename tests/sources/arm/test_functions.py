"""How what is not known goes through functions, members of values, and their text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Unknown
from auditor.sources.arm import functions
from auditor.sources.arm.functions import apply, member, to_text
from auditor.sources.arm.values import MAX_POSSIBLE, Arr, EvaluationError, Obj, Placeholder

LOST = Unknown("nobody knows")
TIER = Unknown("the tier is not decided", ("Standard", "Premium"))
FLAG = Unknown("the flag is not decided", (True, False))
NAME = Placeholder("{name}", "name has no value")
UNNAMED = Unknown("name has no value")


class TestUnknownArguments:
    def test_without_alternatives_the_argument_is_the_result(self) -> None:
        assert apply("toupper", [LOST]) == LOST
        assert apply("concat", ["a", LOST, TIER]) == LOST
        assert apply("union", [Obj({"a": 1}), LOST]) == LOST
        assert apply("array", [LOST]) == LOST

    def test_alternatives_are_tried_one_by_one(self) -> None:
        assert apply("toupper", [TIER]) == Unknown(TIER.reason, ("STANDARD", "PREMIUM"))
        assert apply("concat", [TIER, "_", Unknown("r", ("LRS", "GRS"))]).possible == (
            "Standard_LRS",
            "Standard_GRS",
            "Premium_LRS",
            "Premium_GRS",
        )

    def test_alternatives_that_agree_are_decided(self) -> None:
        assert apply("length", [Unknown("r", ("abc", "xyz"))]) == 3
        assert apply("equals", [TIER, "Basic"]) is False
        assert apply("contains", [Unknown("r", (Arr(["a", "b"]), Arr(["b"]))), "b"]) is True

    def test_alternatives_that_do_not_agree_are_listed(self) -> None:
        assert apply("not", [FLAG]).possible == (False, True)
        assert apply("equals", [TIER, "Premium"]) == Unknown(TIER.reason, (True, False))
        assert apply("less", [Unknown("r", (1, 5)), 3]).possible == (True, False)

    def test_too_many_alternatives_are_not_tried(self) -> None:
        five = Unknown("five", (1, 2, 3, 4, 5))
        assert apply("add", [five, five]) == Unknown("five")
        four = Unknown("four", (1, 2, 3, 4))
        assert apply("mul", [four, four]).possible
        assert MAX_POSSIBLE == 4 * 4

    def test_an_alternative_that_is_refused_leaves_the_result_open(self) -> None:
        result = apply("int", [Unknown("r", ("1", "x"))])
        assert isinstance(result, Unknown)
        assert result.possible == ()
        with pytest.raises(EvaluationError, match="no whole number"):
            apply("int", [Unknown("r", ("x", "y"))])

    def test_some_take_it_as_it_is(self) -> None:
        assert apply("createarray", [LOST, 1]) == [LOST, 1]
        assert apply("createobject", ["a", LOST]) == {"a": LOST}
        assert apply("any", [LOST]) == LOST
        assert apply("createobject", [LOST, 1]) == Unknown("the name of a property is not known: nobody knows")

    def test_logic_is_decided_by_what_is_known(self) -> None:
        assert apply("and", [LOST, False]) is False
        assert apply("and", [LOST, True]) == LOST
        assert apply("or", [LOST, True]) is True
        assert apply("or", [False, NAME]) == UNNAMED
        assert apply("coalesce", [None, LOST, 1]) == LOST
        assert apply("coalesce", [1, LOST]) == 1
        assert apply("coalesce", [Unknown("r", (None, 1)), 2]).possible == (1, 2)
        assert apply("coalesce", [Unknown("r", (3, 1)), 2]).possible == (3, 1)
        assert apply("coalesce", [Unknown("r", (None, 1)), None]).possible == (1, None)
        with pytest.raises(EvaluationError):
            apply("and", [True, "true"])

    def test_arguments_are_counted_before_anything_else(self) -> None:
        with pytest.raises(EvaluationError, match="was given 2 arguments"):
            apply("not", [LOST, LOST])
        with pytest.raises(EvaluationError, match="no function"):
            apply("nosuch", [LOST])


class TestPlaceholders:
    def test_text_stays_a_placeholder(self) -> None:
        for name, arguments, text in [
            ("concat", ["st", NAME], "st{name}"),
            ("format", ["{0}-{1}", "st", NAME], "st-{name}"),
            ("toupper", [NAME], "{NAME}"),
            ("take", [NAME, 3], "{na"),
            ("replace", ["a-b", "-", NAME], "a{name}b"),
            ("uniquestring", [NAME], apply("uniquestring", ["{name}"])),
            ("string", [Obj({"a": NAME})], '{"a":"{name}"}'),
            ("join", [Arr(["a", NAME]), ","], "a,{name}"),
            ("builduri", [Obj({"scheme": "https", "host": NAME})], "https://{name}/"),
            ("coalesce", [None, NAME], "{name}"),
        ]:
            result = apply(name, arguments)
            assert isinstance(result, Placeholder), name
            assert (str(result), result.reason) == (text, NAME.reason)

    def test_what_depends_on_it_is_unknown(self) -> None:
        for name, arguments in [
            ("length", [NAME]),
            ("empty", [NAME]),
            ("contains", [NAME, "n"]),
            ("contains", ["name", NAME]),
            ("contains", [Arr(["name"]), NAME]),
            ("contains", [Obj({"name": 1}), NAME]),
            ("indexof", [Arr(["name"]), NAME]),
            ("equals", [NAME, "{name}"]),
            ("equals", [Arr([NAME]), Arr(["x"])]),
            ("less", [NAME, "x"]),
            ("startswith", [NAME, "{"]),
            ("bool", [NAME]),
            ("min", [Arr([1, NAME])]),
            ("intersection", [Arr(["a", NAME]), Arr(["a"])]),
            ("split", ["a,b", Arr([NAME])]),
            ("tryget", [Obj({"a": 1, "b": 2, "c": NAME}), NAME]),
        ]:
            assert apply(name, arguments) == UNNAMED, name

    def test_what_its_text_is_refused_for_is_unknown(self) -> None:
        for name in ("int", "json", "parsecidr", "datetimetoepoch", "base64tostring", "parseuri", "fail"):
            assert apply(name, [NAME]) == UNNAMED

    def test_containers_stay_containers(self) -> None:
        parts = apply("split", [Placeholder("a/b", "r"), "/"])
        assert parts == ["a", "b"]
        assert [part.reason for part in parts] == ["r", "r"]
        found = apply("json", [Placeholder('{"a": ["x", 1], "b": true}', "r")])
        assert found == {"a": ["x", 1], "b": True}
        assert isinstance(found["a"][0], Placeholder)
        assert apply("array", [NAME]) == [NAME]

    def test_it_is_text_and_not_null(self) -> None:
        assert apply("equals", [NAME, None]) is False
        assert apply("equals", [12, NAME]) is False
        assert apply("equals", [NAME, Arr()]) is False

    def test_lenient_functions_leave_it_alone(self) -> None:
        assert apply("createarray", [NAME, "known"]) == [NAME, "known"]
        assert not isinstance(apply("createarray", [NAME, "known"])[1], Placeholder)
        assert apply("reduce", [Arr([1, 2]), NAME, lambda _, item, __: item]) == 2


class TestMembers:
    BASE = Obj({"Name": "x", "list": Arr([1, 2, 3])})

    def test_names_compare_without_case(self) -> None:
        assert member(self.BASE, "name") == "x"
        assert member(Obj({"a": 1, "A": 2}), "A") == 2

    def test_items_from_either_end(self) -> None:
        assert member(self.BASE["list"], 0) == 1
        assert member(self.BASE["list"], 1, from_end=True) == 3
        assert member(self.BASE["list"], 3, from_end=True) == 1

    @pytest.mark.parametrize(
        ("base", "key", "from_end"),
        [
            (Obj({"a": 1}), "b", False),
            (Arr([1]), 1, False),
            (Arr([1]), -1, False),
            (Arr([1]), 0, True),
            (Arr([1]), 2, True),
        ],
    )
    def test_what_is_missing(self, base: Any, key: Any, from_end: bool) -> None:
        assert member(base, key, safe=True, from_end=from_end) is None
        with pytest.raises(EvaluationError):
            member(base, key, from_end=from_end)

    def test_what_has_no_members(self) -> None:
        assert member(None, "a", safe=True) is None
        for base, key in [
            (None, "a"),
            ("text", "length"),
            (1, 0),
            (Arr([1]), "0"),
            (Obj({"0": 1}), 0),
            (Arr([1]), True),
        ]:
            with pytest.raises(EvaluationError):
                member(base, key)
        with pytest.raises(EvaluationError):
            member(Arr([1, 2]), NAME)

    def test_of_what_is_not_known(self) -> None:
        assert member(LOST, "a") == LOST
        assert member(LOST, "a", safe=True) == LOST
        assert member(Unknown("r", (Obj({"a": 1}), Obj({"a": 2}))), "A").possible == (1, 2)
        assert member(Unknown("r", (Obj({"a": 1}), None)), "a", safe=True).possible == (1, None)
        assert member(Obj({"a": LOST}), "a") == LOST

    def test_an_unknown_key_gives_one_of_the_values(self) -> None:
        sizes = Obj({"dev": 1, "prod": 2})
        assert member(sizes, NAME) == Unknown(NAME.reason, (1, 2))
        assert member(sizes, LOST) == Unknown(LOST.reason, (1, 2))
        assert member(sizes, LOST, safe=True).possible == (1, 2, None)
        assert member(Arr([5, 5]), LOST) == 5
        assert member(Arr(["a", "b"]), Unknown("r", (0, 1))).possible == ("a", "b")
        assert member(Obj(), LOST) == LOST
        assert member(Arr(range(100)), LOST) == LOST

    def test_a_name_made_from_a_placeholder_can_be_any_name(self) -> None:
        base = Obj({"a": 1, NAME: 2})
        assert member(base, "a") == 1
        assert member(base, "b") == UNNAMED
        assert member(base, "b", safe=True) == UNNAMED
        assert apply("contains", [base, "b"]) == UNNAMED
        assert apply("contains", [base, "a"]) is True

    def test_only_the_first_member_of_a_chain_may_be_missing(self) -> None:
        base = Obj({"a": Obj({"b": None})})
        assert apply("tryget", [base, "x", "y", "z"]) is None
        assert apply("tryget", [base, "a", "b"]) is None
        with pytest.raises(EvaluationError):
            apply("tryget", [base, "a", "x"])
        with pytest.raises(EvaluationError):
            apply("tryget", [Arr([1]), "0"])


class TestText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, ""),
            (True, "True"),
            (False, "False"),
            (-12, "-12"),
            (1.5, "1.5"),
            (2.0, "2"),
            (1e20, "1E+20"),
            (1e-7, "1E-07"),
            ("a", "a"),
            (Obj({"a": None, "b": Arr([1.0, False])}), "{'a':null,'b':[1.0,false]}"),
            (Obj({"it's": 'a "b"\n\\\x01'}), "{'it\\'s':'a \"b\"\\n\\\\\\u0001'}"),
        ],
    )
    def test_of_values(self, value: Any, text: str) -> None:
        assert to_text(value) == text
        assert apply("format", ["{0}", value]) == text

    def test_string_writes_json(self) -> None:
        assert apply("string", [Obj({"it's": 'a "b"'})]) == '{"it\'s":"a \\"b\\""}'
        assert apply("string", [True]) == "True"
        assert apply("string", [None]) == ""
        assert apply("string", ["é\u2028"]) == "é\u2028"
        assert apply("string", [Arr(["é\u2028"])]) == '["é\\u2028"]'

    def test_of_what_is_not_known(self) -> None:
        assert to_text(LOST) == LOST
        assert to_text(Arr([1, LOST])) == LOST
        assert to_text(NAME) is NAME
        made = to_text(Arr([Obj({NAME: 1})]))
        assert isinstance(made, Placeholder)
        assert made == "[{'{name}':1}]"

    def test_of_something_else(self) -> None:
        with pytest.raises(EvaluationError):
            to_text(object())
        with pytest.raises(EvaluationError):
            apply("length", [object()])


def test_names_are_in_lower_case() -> None:
    assert all(name == name.lower() for name in functions.FUNCTIONS)


def test_constants() -> None:
    assert apply("true", []) is True
    assert apply("false", []) is False
    assert apply("null", []) is None


def test_the_public_cloud() -> None:
    found = apply("environment", [])
    assert member(member(found, "suffixes"), "storage") == "core.windows.net"
    assert member(found, "resourcemanager") == "https://management.azure.com/"
    assert "https://login.microsoftonline.com/" in found["authentication"]["loginEndpoint"].possible
    found["suffixes"]["storage"] = "changed"
    assert apply("environment", [])["suffixes"]["storage"] == "core.windows.net"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("utcnow", []),
        ("utcnow", ["u"]),
        ("newguid", []),
        ("deployer", []),
        ("providers", ["Microsoft.Web", "sites"]),
        ("pickzones", ["Microsoft.Compute", "virtualMachines", "westus2"]),
        ("tologicalzone", ["s", "westus2", "westus2-az1"]),
        ("tologicalzones", ["s", "westus2", Arr(["westus2-az1"])]),
        ("tophysicalzone", ["s", "westus2", "1"]),
        ("tophysicalzones", ["s", "westus2", Arr(["1"])]),
        ("roledefinitions", ["Contributor"]),
        ("externalinput", ["sys.cli", "x"]),
    ],
)
def test_what_only_azure_knows(name: str, arguments: list[Any]) -> None:
    result = apply(name, arguments)
    assert isinstance(result, Unknown)
    assert "known only at deployment" in result.reason
    assert not result.possible


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["{0}", "{0:N}", "P1D", "2020-01-01T00:00:00Z", "10.0.0.0/8", "a,b", "https://x/y", '{"a": [1]}']),
    st.sampled_from([LOST, TIER, FLAG, NAME]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(Arr),
        st.dictionaries(st.sampled_from(["a", "A", "scheme", "host", NAME]), inner, max_size=3).map(Obj),
    ),
    max_leaves=8,
)
LAMBDAS = st.sampled_from([lambda *values: values[0], lambda *_: True, lambda *_: LOST, lambda *_: "key"])


@pytest.mark.parametrize("name", sorted(functions.FUNCTIONS))
@settings(max_examples=25, derandomize=True, deadline=None, database=None)
@given(arguments=st.lists(VALUES | LAMBDAS, max_size=4))
def test_whatever_comes_in_a_value_or_a_refusal_comes_out(name: str, arguments: list[Any]) -> None:
    try:
        result = apply(name, arguments)
    except EvaluationError:
        return
    assert callable(result) or isinstance(result, str | int | float | list | dict | Unknown | None)
    if not callable(result) and not functions.FUNCTIONS[name].lenient:
        lost = [argument for argument in arguments if isinstance(argument, Unknown) and not argument.possible]
        assert not lost or result == lost[0]


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(left=VALUES, right=VALUES)
def test_comparing_is_symmetric_and_agrees_with_the_text(left: Any, right: Any) -> None:
    answer, reverse = apply("equals", [left, right]), apply("equals", [right, left])
    assert isinstance(answer, bool) is isinstance(reverse, bool)
    if isinstance(answer, bool):
        assert answer is reverse

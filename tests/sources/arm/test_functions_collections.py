"""Arrays, objects and lambdas: marks that travel, unknowns inside, and bounds."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import Unknown
from auditor.sources.arm import ir, structure
from auditor.sources.arm.functions import apply, member
from auditor.sources.arm.values import Arr, EvaluationError, Mark, Obj, Placeholder

LOST = Unknown("nobody knows")
EITHER = Unknown("it depends", (Obj({"a": 1}), Obj({"a": 2})))
NAME = Placeholder("{name}", "name has no value")
UNNAMED = Unknown("name has no value")
SOURCE = ir.Source("t.bicep", "x\n" * 20)


def mark(line: int) -> Mark:
    return Mark(ir.Span(SOURCE, 2 * line - 2, 2 * line - 1), None, ())


def obj(first_line: int, **entries: Any) -> Obj:
    """An object whose entries stand on one line each."""
    result = Obj()
    for line, (key, value) in enumerate(entries.items(), first_line):
        result.put(key, value, mark(line))
    return result


def arr(first_line: int, *items: Any) -> Arr:
    result = Arr()
    for line, item in enumerate(items, first_line):
        result.add(item, mark(line))
    return result


def lines(container: Any) -> dict[Any, int]:
    return {key: found.span.line for key, found in container.marks.items()}


class TestMarks:
    def test_travel_through_objects(self) -> None:
        left, right = obj(1, a=1, b=obj(5, x=1, y=2)), obj(10, B=obj(12, Y=3, z=4), c=5)
        merged = apply("union", [left, right])
        assert merged == {"a": 1, "b": {"x": 1, "y": 3, "z": 4}, "c": 5}
        assert lines(merged) == {"a": 1, "b": 10, "c": 11}
        assert lines(merged["b"]) == {"x": 5, "y": 12, "z": 13}
        spread = apply("shallowmerge", [Arr([left, right])])
        assert spread == {"a": 1, "b": {"Y": 3, "z": 4}, "c": 5}
        assert lines(spread) == {"a": 1, "b": 10, "c": 11}
        assert lines(apply("intersection", [left, obj(15, A=1)])) == {"a": 1}
        assert lines(left) == {"a": 1, "b": 2}, "the arguments are left alone"
        assert lines(left["b"]) == {"x": 5, "y": 6}

    def test_an_entry_made_up_elsewhere_has_none(self) -> None:
        assert lines(apply("union", [obj(1, a=1), Obj({"a": 2})])) == {}

    def test_travel_through_arrays(self) -> None:
        left, right = arr(1, "a", "b", "c"), arr(11, "c", "d")
        assert lines(apply("concat", [left, right])) == {0: 1, 1: 2, 2: 3, 3: 11, 4: 12}
        assert lines(apply("union", [left, right])) == {0: 1, 1: 2, 2: 3, 3: 12}
        assert lines(apply("skip", [left, 1])) == {0: 2, 1: 3}
        assert lines(apply("take", [left, 2])) == {0: 1, 1: 2}
        assert lines(apply("filter", [left, lambda item, _: item != "b"])) == {0: 1, 1: 3}
        assert lines(apply("sort", [left, lambda one, other: one > other])) == {0: 3, 1: 2, 2: 1}
        assert lines(apply("flatten", [Arr([left, right])])) == {0: 1, 1: 2, 2: 3, 3: 11, 4: 12}
        assert lines(apply("distinct", [arr(1, "a", "a", "b")])) == {0: 1, 1: 3}
        assert lines(apply("intersection", [arr(1, "a", "a", "b"), Arr(["b"])])) == {0: 3}
        assert lines(apply("map", [left, lambda item, _: item])) == {}

    def test_travel_with_items_and_members(self) -> None:
        base = obj(1, b=obj(5, x=1), a=2)
        entries = apply("items", [base])
        assert [lines(entry) for entry in entries] == [{"value": 2}, {"value": 1}]
        assert lines(entries[1]["value"]) == {"x": 5}
        assert lines(member(base, "B")) == {"x": 5}
        assert lines(apply("tryget", [base, "b"])) == {"x": 5}
        assert lines(apply("first", [Arr([base])])) == {"b": 1, "a": 2}


class TestUnknownsInside:
    def test_travel_where_nobody_looks_at_them(self) -> None:
        assert apply("concat", [Arr([LOST]), Arr([1])]) == [LOST, 1]
        assert apply("union", [Obj({"a": LOST}), Obj({"b": 1})]) == {"a": LOST, "b": 1}
        assert apply("items", [Obj({"a": LOST})]) == [{"key": "a", "value": LOST}]
        assert apply("map", [Arr([LOST, 1]), lambda item, index: Arr([index, item])]) == [[0, LOST], [1, 1]]
        assert apply("length", [Arr([LOST, NAME])]) == 2
        assert apply("empty", [Arr([LOST])]) is False
        assert apply("last", [Arr([1, LOST])]) == LOST
        assert apply("union", [Arr([LOST, NAME, 1]), Arr([NAME, LOST, 1])]) == [LOST, NAME, 1, LOST]

    def test_merging_with_them(self) -> None:
        assert apply("union", [Obj({"a": Obj({"x": 1})}), Obj({"a": LOST})]) == {"a": LOST}
        assert apply("union", [Obj({"a": LOST}), Obj({"a": Obj({"x": 1})})]) == {"a": LOST}
        assert apply("union", [Obj({"a": LOST}), Obj({"a": None})]) == {"a": None}
        merged = apply("union", [Obj({"p": Obj({"x": 1})}), Obj({"p": EITHER})])
        assert merged["p"].possible == ({"x": 1, "a": 1}, {"x": 1, "a": 2})
        assert apply("union", [Obj({"b": 0}), EITHER]).possible == ({"b": 0, "a": 1}, {"b": 0, "a": 2})
        assert apply("shallowmerge", [Arr([Obj({"b": 0}), EITHER])]).possible == ({"b": 0, "a": 1}, {"b": 0, "a": 2})
        assert apply("shallowmerge", [Arr([Obj({"b": 0}), LOST])]) == LOST
        assert apply("flatten", [Arr([Arr([1]), Unknown("r", (Arr(), Arr([2])))])]).possible == ([1], [1, 2])
        assert apply("flatten", [Arr([Arr([1]), LOST])]) == LOST

    def test_searching_among_them(self) -> None:
        assert apply("contains", [Arr([LOST, "a"]), "a"]) is True
        assert apply("contains", [Arr([LOST, "a"]), "b"]) == LOST
        assert apply("contains", [Arr([NAME]), "b"]) == UNNAMED
        assert apply("contains", [Arr([NAME]), 12]) is False
        assert apply("contains", [Arr([Unknown("r", ("x", "y"))]), "b"]) is False
        assert apply("indexof", [Arr(["a", LOST]), "a"]) == 0
        assert apply("indexof", [Arr([LOST, "a"]), "a"]) == LOST
        assert apply("lastindexof", [Arr([LOST, "a"]), "a"]) == 1
        assert apply("indexof", [Arr([LOST]), "a"]) == LOST

    def test_comparing_deep_in_three_values(self) -> None:
        same = [Obj({"a": Arr([1, LOST])}), Obj({"a": Arr([1, 2])})]
        assert apply("equals", same) == LOST
        assert apply("equals", [Obj({"a": LOST, "b": 1}), Obj({"a": 1, "b": 2})]) is False
        assert apply("equals", [Obj({"a": LOST}), Obj({"b": LOST})]) is False
        assert apply("equals", [Arr([LOST]), Arr()]) is False
        assert apply("equals", [LOST, LOST]) == LOST
        assert apply("equals", [Arr([Unknown("r", (1, 2))]), Arr([3])]) is False
        assert apply("equals", [Obj({"a": NAME}), Obj({"a": None})]) is False
        assert apply("equals", [True, 1]) is False
        assert apply("equals", [1, 1.0]) is True
        assert apply("equals", [Obj(), Arr()]) is False

    def test_what_must_look_at_them(self) -> None:
        for name, arguments in [
            ("join", [Arr(["a", LOST]), ","]),
            ("string", [Obj({"a": Arr([LOST])})]),
            ("min", [Arr([1, LOST])]),
            ("max", [Arr([LOST])]),
            ("intersection", [Arr([LOST]), Arr([1])]),
            ("intersection", [Obj({"a": 1}), Obj({"a": Arr([LOST])})]),
            ("sort", [Arr([1, LOST]), lambda one, other: apply("less", [one, other])]),
            ("split", ["a", Arr([LOST])]),
            ("builduri", [Obj({"scheme": "https", "host": LOST})]),
        ]:
            assert apply(name, arguments) == LOST, name


class TestLambdas:
    def test_map_and_filter_and_reduce_give_the_index(self) -> None:
        dogs = Arr(["Evie", "Casper", "Lady"])
        greeted = apply("map", [dogs, lambda dog, index: f"{'Hi' if index % 2 == 0 else 'Ahoy'} {dog}!"])
        assert greeted == ["Hi Evie!", "Ahoy Casper!", "Hi Lady!"]
        assert apply("filter", [Arr("abcd"), lambda _, index: index % 2 == 0]) == ["a", "c"]
        words = Arr(["abc", "def", "ghi"])
        assert apply("reduce", [words, "", lambda cur, word, i: cur + word if i % 2 == 0 else cur]) == "abcghi"

    def test_of_nothing(self) -> None:
        assert apply("map", [Arr(), lambda *_: 1]) == []
        assert apply("filter", [Arr(), lambda *_: True]) == []
        assert apply("reduce", [Arr(), 0, lambda *_: 1]) == 0
        assert apply("sort", [Arr(), lambda *_: True]) == []

    def test_reduce(self) -> None:
        product = apply("reduce", [apply("range", [1, 5]), 1, lambda cur, item, _: apply("mul", [cur, item])])
        assert product == 120
        parts = Arr([Obj({"foo": 123}), Obj({"bar": 456})])
        assert apply("reduce", [parts, Obj(), lambda cur, item, _: apply("union", [cur, item])]) == {
            "foo": 123,
            "bar": 456,
        }
        assert apply("reduce", [LOST, 0, lambda *_: 1]) == LOST
        assert apply("reduce", [Unknown("r", (Arr([1]), Arr([2]))), 0, lambda cur, item, _: cur + item]).possible == (
            1,
            2,
        )
        assert apply("reduce", [Arr([1]), LOST, lambda cur, item, _: cur]) == LOST

    def test_sort_is_stable(self) -> None:
        assert apply("sort", [Arr([8, 3, 10, -13, 5]), lambda x, y: x < y]) == [-13, 3, 5, 8, 10]
        assert apply("sort", [Arr(["ghi", "abc", "def"]), lambda x, y: apply("greater", [x, y])]) == [
            "ghi",
            "def",
            "abc",
        ]
        dogs = Arr([Obj({"n": "a", "age": 2}), Obj({"n": "b", "age": 1}), Obj({"n": "c", "age": 2})])
        by_age = apply("sort", [dogs, lambda x, y: x["age"] < y["age"]])
        assert [dog["n"] for dog in by_age] == ["b", "a", "c"]

    def test_to_object(self) -> None:
        numbers = Arr([123, 456, 789])
        assert apply("toobject", [numbers, lambda i: str(i // 100)]) == {"1": 123, "4": 456, "7": 789}
        assert apply("toobject", [Arr([1, 2]), str, lambda i: i > 1]) == {"1": False, "2": True}
        assert apply("toobject", [Arr(["a", "A"]), str]) == {"a": "A"}
        with pytest.raises(EvaluationError, match="the key"):
            apply("toobject", [Arr([1]), lambda i: i])

    def test_group_by(self) -> None:
        entries = Arr([Obj({"t": "a", "v": 1}), Obj({"t": "b", "v": 2}), Obj({"t": "a", "v": 3})])
        assert apply("groupby", [entries, lambda e: e["t"], lambda e: e["v"]]) == {"a": [1, 3], "b": [2]}
        assert apply("groupby", [Arr(["foo", "bar", "baz"]), lambda w: w[0]]) == {"f": ["foo"], "b": ["bar", "baz"]}

    def test_map_values(self) -> None:
        assert apply("mapvalues", [Obj({"a": 123, "b": 456}), lambda v: v * 2]) == {"a": 246, "b": 912}

    def test_an_undecided_lambda_leaves_all_open(self) -> None:
        assert apply("filter", [Arr([1, 2]), lambda *_: LOST]) == LOST
        assert apply("filter", [Arr([1]), lambda *_: NAME]) == UNNAMED
        assert apply("sort", [Arr([1, 2]), lambda *_: LOST]) == LOST
        reason = Unknown("the name of a property is not known: nobody knows")
        assert apply("toobject", [Arr([1]), lambda _: LOST]) == reason
        assert apply("groupby", [Arr([1]), lambda _: LOST]) == reason

    def test_what_a_lambda_must_give(self) -> None:
        with pytest.raises(EvaluationError, match="neither true nor false"):
            apply("filter", [Arr([1]), lambda *_: "true"])
        with pytest.raises(EvaluationError, match="lambda is expected"):
            apply("sort", [Arr([1]), "no lambda"])

    def test_alternatives_of_the_array(self) -> None:
        doubled = apply("map", [Unknown("r", (Arr([1]), Arr([2]))), lambda item, _: item * 2])
        assert doubled.possible == ([2], [4])


class TestMerging:
    def test_null_replaces(self) -> None:
        assert apply("union", [Obj({"a": 1, "b": Obj({"c": 1})}), Obj({"a": None, "b": None})]) == {
            "a": None,
            "b": None,
        }

    def test_arrays_inside_are_replaced(self) -> None:
        assert apply("union", [Obj({"a": Arr([1])}), Obj({"a": Arr([2])})]) == {"a": [2]}

    def test_equal_items_once(self) -> None:
        assert apply("union", [Arr([1, True, 1.0, "1"]), Arr([Obj({"a": Arr([1]), "b": 2})])]) == [
            1,
            True,
            "1",
            {"a": [1], "b": 2},
        ]
        twice = [Arr([Obj({"a": 1, "b": 2})]), Arr([Obj({"b": 2, "a": 1})])]
        assert len(apply("union", twice)) == 1
        assert apply("distinct", [Arr(["a", "A", "a", None, None])]) == ["a", "A", None]
        assert apply("intersection", [Arr([Obj({"a": 1}), 2]), Arr([Obj({"a": 1})]), Arr([2, Obj({"a": 1})])]) == [
            {"a": 1}
        ]

    def test_names_once(self) -> None:
        assert apply("createobject", ["Name", 1, "name", 2]) == {"Name": 2}
        assert list(apply("union", [Obj({"Name": 1}), Obj({"name": 2})])) == ["Name"]


class TestBounds:
    def test_arrays_do_not_grow_without_end(self) -> None:
        half = Arr(range(60_000))
        with pytest.raises(EvaluationError, match="100,000 items"):
            apply("concat", [half, half])
        with pytest.raises(EvaluationError, match="100,000 items"):
            apply("union", [half, half])
        with pytest.raises(EvaluationError, match="100,000 items"):
            apply("flatten", [Arr([half, half])])
        with pytest.raises(EvaluationError, match="100,000 items"):
            apply("split", ["," * 100_001, ","])
        with pytest.raises(EvaluationError, match="100,000 items"):
            apply("createarray", list(range(100_001)))

    def test_doubling_ends(self) -> None:
        numbers = apply("range", [0, 60])
        with pytest.raises(EvaluationError, match="longer than"):
            apply("reduce", [numbers, "x", lambda cur, *_: apply("concat", [cur, cur])])
        with pytest.raises(EvaluationError, match="items"):
            apply("reduce", [numbers, Arr([1]), lambda cur, *_: apply("concat", [cur, cur])])

    def test_a_value_that_shares_itself_is_not_unfolded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(structure, "MAX_STEPS", 5_000)

        def doubled(_: Any) -> Any:
            return apply("reduce", [apply("range", [0, 60]), Obj(), lambda cur, *_: Obj({"a": cur, "b": cur})])

        one, other = doubled(1), doubled(2)
        for name, arguments in [
            ("string", [one]),
            ("format", ["{0}", one]),
            ("equals", [one, other]),
            ("contains", [Arr([one]), other]),
            ("union", [one, other]),
            ("union", [Arr([one]), Arr([other])]),
            ("intersection", [one, other]),
        ]:
            with pytest.raises(EvaluationError, match="too large|longer than"):
                apply(name, arguments)

    def test_a_value_that_nests_too_deep_is_refused(self) -> None:
        deep = apply("reduce", [apply("range", [0, 5000]), 1, lambda cur, *_: Arr([cur])])
        for name, arguments in [
            ("string", [deep]),
            ("equals", [deep, Arr([Arr([deep])])]),
            ("distinct", [Arr([deep])]),
            ("max", [deep]),
        ]:
            with pytest.raises(EvaluationError, match="nests too deep"):
                apply(name, arguments)
        assert structure.tainted(deep, "r", 3) is not deep

    def test_objects_with_many_properties(self) -> None:
        many = Obj({f"Key{number}": number for number in range(50_000)})
        merged = apply("union", [many, Obj({f"key{number}": -number for number in range(50_000)})])
        assert len(merged) == 50_000
        assert merged["Key7"] == -7
        assert len(apply("intersection", [many, Obj(many)])) == 50_000

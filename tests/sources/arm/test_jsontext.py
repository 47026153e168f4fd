"""The JSON reader: what it takes, where things stand, what it says of text that is no JSON, and its bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.arm import jsontext
from auditor.sources.arm.ir import Source
from auditor.sources.arm.jsontext import JsonError, Node, name_of, offsets, read


def plain(node: Node) -> Any:
    """The value without places, names as they are written."""
    if isinstance(node.value, dict):
        return {member.name: plain(member) for member in node.value.values()}
    return list(map(plain, node.value)) if isinstance(node.value, list) else node.value


def refusal(text: str) -> JsonError | None:
    """Why a text is refused; None when it is read."""
    try:
        read(text)
    except JsonError as refused:
        return refused
    return None


def error(text: str) -> str:
    """What is wrong with a text, with line and column."""
    refused = refusal(text)
    assert refused is not None
    line, column = Source("f", text).position(refused.offset)
    return f"{line}:{column} {refused}"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcde \\\"'/", max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_what_json_writes_is_read_as_it_was(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert plain(read(text).root) == value
    assert read(text).problems == ()


@given(st.text(st.sampled_from('{}[]:,"\\/*\n ab01-.eEtrufalsn\u00a0'), max_size=60))
def test_any_text_is_read_as_json_reads_it_or_refused_at_a_place_inside_it(text: str) -> None:
    try:
        theirs = (json.loads(text, strict=False),)
    except ValueError:
        theirs = ()
    refused = refusal(text)
    if refused is not None:
        assert 0 <= refused.offset <= len(text)
        assert theirs == () or str(refused) == "the number is too large"
    else:
        allowed = any(mark in text for mark in ("//", "/*", ",", "\u00a0"))
        assert theirs == (plain(read(text).root),) or (theirs == () and allowed)


def test_every_value_and_every_name_knows_its_place() -> None:
    text = '{\n  "a" : "x",\n  "b": [ 1, {"c": null} ],\n  "d\\"e": true\n}'
    root = read(text).root
    assert (root.start, root.end, root.name, root.at) == (0, len(text), "", -1)
    places = {
        member.name: (text[member.at : member.at + 3], text[member.start : member.end])
        for member in root.value.values()
    }
    assert places == {"a": ('"a"', '"x"'), "b": ('"b"', '[ 1, {"c": null} ]'), 'd"e': ('"d\\', "true")}
    inner = root.get("b")
    assert inner is not None
    assert [text[item.start : item.end] for item in inner.value] == ["1", '{"c": null}']
    escaped = root.get('d"e')
    assert escaped is not None
    name = name_of(text, escaped)
    assert (name.value, text[name.start : name.end]) == ('d"e', '"d\\"e"')


def test_members_are_found_without_case() -> None:
    root = read('{"ApiVersion": "1", "Nested": {"X": 2}}').root
    assert root.text("apiversion") == "1"
    assert root.text("nested") == ""
    assert root.get("other") is None
    nested = root.get("nested")
    assert nested is not None
    found = nested.get("x")
    assert found is not None
    assert found.value == 2
    assert found.get("anything") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\ufeff{}", {}),
        (" \r\n\t\u00a0[]\n", []),
        ('// one\n{ /* two */ "a" /**/ : // three\n 1 /* * / */ } // four', {"a": 1}),
        ('{"a": [1, 2,], "b": {},}', {"a": [1, 2], "b": {}}),
        ("[\n]", []),
        ('{"a": "first\n  second\ttab"}', {"a": "first\n  second\ttab"}),
        ('{"a": "x", /* behind the comma */ "b": 1}', {"a": "x", "b": 1}),
        ('"\\u0041\\/\\\\\\"\\b\\f\\n\\r\\t\\\'"', "A/\\\"\b\f\n\r\t'"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud83d x \\ude00"', "\ufffd x \ufffd"),
        ("-0", 0),
        ("[0, -12, 1.5, 1e3, -2.5E-1]", [0, -12, 1.5, 1000.0, -0.25]),
        ("12345678901234567890123", 12345678901234567890123),
        ("true", True),
        ("null", None),
    ],
)
def test_json_as_people_write_it(text: str, value: Any) -> None:
    found = plain(read(text).root)
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1 the text ends where a value was expected"),
        ("  // only a comment", "1:20 the text ends where a value was expected"),
        ("{", "1:2 the text ends where a name in double quotes, or '}' was expected"),
        ('{\n  "a": 1\n  "b": 2\n}', "3:3 expected ',' or '}', found '\"'"),
        ('{"a" 1}', """1:6 expected ':' behind "a", found '1'"""),
        ("{'a': 1}", "1:2 expected a name in double quotes, or '}', found \"'\""),
        ('{"a": }', "1:7 expected a value, found '}'"),
        ('{"a": 1,,}', "1:9 expected a name in double quotes, or '}', found ','"),
        ("{,}", "1:2 expected a name in double quotes, or '}', found ','"),
        ("[1, 2", "1:6 the text ends where ',' or ']' was expected"),
        ("[1 2]", "1:4 expected ',' or ']', found '2'"),
        ("[1}", "1:3 expected ',' or ']', found '}'"),
        ("[,]", "1:2 expected a value, or ']', found ','"),
        ('{"a": {"b"', "1:11 the text ends where ':' behind \"b\" was expected"),
        ('{"a": 1]', "1:8 expected ',' or '}', found ']'"),
        ('{"a": "x"]', "1:10 expected ',' or '}', found ']'"),
        ('{"a": "never closed}', "1:7 this text is not closed"),
        ('["a\\"', "1:2 this text is not closed"),
        ('{"a', "1:2 this text is not closed"),
        ("{ /* never closed }", "1:3 this comment is not closed"),
        ('{"a": /x}', "1:7 expected a value, found '/'"),
        ("[1] 2", "1:5 '2' stands behind the end of the JSON"),
        ('["a\nb\\x"]', "2:2 '\\\\x' is no escape"),
        ('["\\u12"]', "1:3 '\\\\u' is no escape"),
        ('{"\\q": 1}', "1:3 '\\\\q' is no escape"),
        ("tru", "1:1 expected a value, found 't'"),
        ("nullx", "1:1 expected a value, found 'n'"),
        ("NaN", "1:1 expected a value, found 'N'"),
        ("[01]", "1:3 expected ',' or ']', found '1'"),
        ("[.5]", "1:2 expected a value, found '.'"),
        ("[-]", "1:2 expected a value, found '-'"),
        ("1e999", "1:1 the number is too large"),
        ("-1e999", "1:1 the number is too large"),
        ("[" + "1" * 101 + "]", "1:2 the number has more than 100 digits"),
    ],
)
def test_text_that_is_no_json_is_refused_at_its_place(text: str, message: str) -> None:
    assert error(text) == message


def test_a_name_given_twice_is_noted_and_the_last_one_counts() -> None:
    text = '{"a": 1, "b": {"X": 1, "x": {}, "X": 3},\n "a": 2}'
    root, problems = read(text)
    assert plain(root) == {"b": {"X": 3}, "a": 2}
    assert [(Source("f", text).position(at), message) for message, at in problems] == [
        ((1, 24), "'X' and 'x' are the same name; the last one counts"),
        ((1, 33), "'x' and 'X' are the same name; the last one counts"),
        ((2, 2), "'a' is given twice; the last one counts"),
    ]


@given(st.text(max_size=30))
def test_every_character_of_a_text_has_its_place(value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    text = f"[ {json.dumps(value)} ]"
    (node,) = read(text).root.value
    places = offsets(text, node)
    assert node.value == value
    assert len(places) == len(value) + 1
    assert text[places[-1]] == '"'
    for index, character in enumerate(value):
        piece = text[places[index] : places[index + 1]]
        assert json.loads(f'"{piece}"') == character


def test_places_of_plain_text_cost_nothing() -> None:
    (node,) = read('["abc"]').root.value
    assert offsets('["abc"]', node) == range(2, 6)


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_depth_is_bounded_without_a_deep_call_stack(pair: str) -> None:
    begin = "[" if pair == "[]" else '{"a":'
    inside = jsontext.MAX_DEPTH
    assert read(begin * inside + "1" + pair[1] * inside)
    with pytest.raises(JsonError, match="nests deeper than 100 levels") as caught:
        read(begin * 500_000)
    assert caught.value.offset == len(begin) * inside


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_VALUES", 5)
    assert read('[1, "a", {}]')
    for text in ('[1, "a", {}, null]', '{"a": "b", "c": "d", "e": [[]]}', "[[],[],[]]"):
        assert error(text) == "1:1 it has more than 5 values"


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_SIZE", 2**20)
    assert read(" " * (2**20 - 2) + "{}")
    with pytest.raises(JsonError, match="more than 1 MiB"):
        read(" " * (2**20 - 1) + "{}")


def test_only_so_many_problems_are_kept() -> None:
    assert len(read("{" + '"a": 1,' * 1000 + "}").problems) == jsontext.MAX_PROBLEMS


@pytest.mark.parametrize(
    "text",
    [
        '"' + "\\n" * 500_000 + '"',
        '"' + "\\" * 500_001,
        "/* " + "* " * 500_000,
        "/**/" * 250_000,
        "// x\n" * 200_000,
        " " * 1_000_000 + "x",
        "[" + "1," * 300_000 + "]",
        '{"a":' + " " * 1_000_000,
        '"' + '\\"' * 500_000,
        "-" * 1_000_000,
        "1" * 1_000_000,
    ],
    ids=lambda text: f"{text[:8]}…",
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    # Were anything here quadratic, it would not end within the patience of whoever runs the tests.
    refused = refusal(text)
    assert refused is None or 0 <= refused.offset <= len(text)

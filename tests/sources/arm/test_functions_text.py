"""Texts, formats, dates, JSON and encodings where they are not plain sailing."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import Unknown
from auditor.sources.arm import hashing, texts
from auditor.sources.arm.functions import apply
from auditor.sources.arm.values import Arr, EvaluationError, Obj, Placeholder

FACE = "\U0001f600"


class TestFormats:
    @pytest.mark.parametrize(
        ("template", "value", "expected"),
        [
            ("{{{0}}}", "x", "{x}"),
            ("[{0,5}]", "ab", "[   ab]"),
            ("[{0,-5}]", "ab", "[ab   ]"),
            ("[{0, 1 }]", "ab", "[ab]"),
            ("{0 }", 1, "1"),
            ("{0:D2}", 7, "07"),
            ("{0:d4}", -7, "-0007"),
            ("{0:D}", 7, "7"),
            ("{0:000}", 7, "007"),
            ("{0:00}", -7, "-07"),
            ("{0:X}", 255, "FF"),
            ("{0:x4}", 255, "00ff"),
            ("{0:X}", -1, "FFFFFFFFFFFFFFFF"),
            ("{0:N}", 1234567, "1,234,567.00"),
            ("{0:N1}", -0.25, "-0.3"),
            ("{0:F2}", 0.125, "0.13"),
            ("{0:F0}", 2.5, "3"),
            ("{0:F2}", 12, "12.00"),
            ("{0:G}", 12, "12"),
            ("{0:D5}", "text", "text"),
            ("{0:D5}", True, "True"),
            ("{0:N0}", None, ""),
            ("{0,8:N2}", 1234.5, "1,234.50"),
            ("no place", 1, "no place"),
        ],
    )
    def test_understood(self, template: str, value: Any, expected: str) -> None:
        assert apply("format", [template, value]) == expected

    @pytest.mark.parametrize("pattern", ["C", "P1", "E3", "R", "#,##0.00", "G5", "D100", "N999999"])
    def test_not_understood(self, pattern: str) -> None:
        result = apply("format", [f"{{0:{pattern}}}", 12])
        assert isinstance(result, Unknown)
        assert pattern in result.reason

    @pytest.mark.parametrize(
        "template", ["{0", "0}", "{}", "{0,}", "{0,x}", "{-1}", "{99999999}", "{0:{0}}", "{1}", "{0}}"]
    )
    def test_refused(self, template: str) -> None:
        with pytest.raises(EvaluationError):
            apply("format", [template, 1])

    def test_only_what_is_written_counts(self) -> None:
        lost = Arr([Unknown("nobody knows")])
        assert apply("format", ["{0}", "a", lost]) == "a"
        assert apply("format", ["{1}", "a", lost]) == Unknown("nobody knows")

    def test_not_a_number(self) -> None:
        assert apply("format", ["{0:N0}", float("inf")]) == Unknown("the number is not finite")

    def test_bounds(self) -> None:
        with pytest.raises(EvaluationError, match="longer than"):
            apply("format", ["{0,1000000}{0,1000000}", "x"])
        with pytest.raises(EvaluationError, match="longer than"):
            apply("format", ["{0}" * 100, "x" * 20_000])


class TestDates:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("yyyy-MM-dd", "2020-04-07"),
            ("yyyy-MM-dd HH:mm", "2020-04-07 14:53"),
            ("d", "04/07/2020"),
            ("u", "2020-04-07 14:53:14Z"),
            ("s", "2020-04-07T14:53:14"),
            ("o", "2020-04-07T14:53:14.0000000Z"),
            ("R", "Tue, 07 Apr 2020 14:53:14 GMT"),
            ("M d", "4 7"),
            ("dddd d MMMM yy h:m:s tt", "Tuesday 7 April 20 2:53:14 PM"),
            ("hh t", "02 P"),
            ("H", None),
            ("%H", "14"),
            ("yyyyMMddTHHmmssZ", "20200407T145314Z"),
            ("ss.fff", "14.000"),
            ("'day' d\\d", "day 7d"),
            ('"on" MMM', "on Apr"),
            ("yyyyy", None),
            ("ffffffff", None),
            ("zzz", None),
            ("gg", None),
            ("D", None),
            ("'open", None),
            ("", None),
        ],
    )
    def test_formats(self, pattern: str, expected: str | None) -> None:
        result = apply("datetimeadd", ["2020-04-07T14:53:14Z", "PT0S", pattern])
        assert isinstance(result, Unknown) if expected is None else result == expected

    @pytest.mark.parametrize(
        ("duration", "expected"),
        [
            ("-P9D", "2020-03-29T14:53:14Z"),
            ("PT1H", "2020-04-07T15:53:14Z"),
            ("P1Y2M3DT4H5M6.5S", "2021-06-09T18:58:20Z"),
            ("-PT14H53M14S", "2020-04-07T00:00:00Z"),
        ],
    )
    def test_durations(self, duration: str, expected: str) -> None:
        assert apply("datetimeadd", ["2020-04-07T14:53:14Z", duration]) == expected

    @pytest.mark.parametrize(
        "duration", ["", "P", "PT", "P1", "P1DT", "1D", "PD", "P1H", "PT1D", "P1.5Y", "P\u0661D", "P1D "]
    )
    def test_no_durations(self, duration: str) -> None:
        with pytest.raises(EvaluationError):
            apply("datetimeadd", ["2020-04-07T14:53:14Z", duration])

    def test_what_is_not_documented(self) -> None:
        assert isinstance(apply("datetimeadd", ["2020-04-07T14:53:14Z", "P1W"]), Unknown)
        assert isinstance(apply("datetimeadd", ["20200407T145314Z", "P1D"]), Unknown)
        assert isinstance(apply("datetimeadd", ["2020-04-07T14:53:14+02:00", "P1D"]), Unknown)

    def test_times(self) -> None:
        assert apply("datetimetoepoch", ["2020-04-07T16:53:14+02:00"]) == 1586271194
        assert apply("datetimetoepoch", ["20200407T145314Z"]) == 1586271194
        assert apply("datetimetoepoch", ["2020-04-07T14:53:14.999Z"]) == 1586271194
        assert apply("datetimetoepoch", ["1969-12-31T23:59:59.5"]) == -1
        with pytest.raises(EvaluationError):
            apply("datetimetoepoch", ["0001-01-01T00:00:00+14:00"])
        assert apply("datetimeadd", [apply("utcnow", []), "P1D"]) == Unknown("utcNow() is known only at deployment")


class TestJson:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{'a': 'it\\'s \"b\"'}", {"a": 'it\'s "b"'}),
            ('{"a": "it\'s"}', {"a": "it's"}),
            ("[1, 2, /* three */ ] // end", [1, 2]),
            ('{"a": 1, }', {"a": 1}),
            ('["// no comment", "a,]"]', ["// no comment", "a,]"]),
            ('"a\nb"', "a\nb"),
            ("1.50", 1.5),
            (" -3 ", -3),
            ('"\\ud83d\\ude00"', FACE),
            ('"\\ud83d"', "\ufffd"),
            ('{"\\ud83d": 1}', {"\ufffd": 1}),
        ],
    )
    def test_relaxed(self, text: str, value: Any) -> None:
        assert apply("json", [text]) == value

    def test_containers_can_be_marked(self) -> None:
        found = apply("json", ['{"a": [{}]}'])
        assert isinstance(found, Obj)
        assert isinstance(found["a"], Arr)
        assert isinstance(found["a"][0], Obj)

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 150 + "]" * 150,
            "[" * 200_000,
            '{"a":' * 200_000,
            "'" + "\\'" * 300_000,
            "/*" + "*" * 300_000,
            '"' + "\\" * 300_001,
            "," + " " * 300_000,
            "[1" + ", " * 200_000,
            "1" * 5000 + "'",
            "Infinity",
            "{'a': 'b'",
            "undefined",
        ],
    )
    def test_hostile(self, text: str) -> None:
        with pytest.raises(EvaluationError):
            apply("json", [text])


class TestTexts:
    def test_positions_count_as_in_dotnet(self) -> None:
        text = f"a{FACE}b"
        assert apply("length", [text]) == 4
        assert apply("substring", [text, 1, 2]) == FACE
        assert apply("last", [text]) == "b"
        assert apply("skip", [text, 3]) == "b"
        assert apply("indexof", [text, "B"]) == 3
        assert apply("padleft", [FACE, 3, "-"]) == f"-{FACE}"
        assert isinstance(apply("take", [text, 2]), Unknown)
        assert isinstance(apply("first", [FACE]), Unknown)
        assert apply("take", ["é\u20ac", 1]) == "é"

    def test_first_and_last_of_nothing(self) -> None:
        assert apply("first", [""]) == ""
        assert apply("last", [""]) == ""

    def test_case_changes_one_character_at_a_time(self) -> None:
        assert apply("toupper", ["straße"]) == "STRAßE"
        assert apply("tolower", ["ÀΣ"]) == "àσ"
        assert apply("equalsignorecase", ["ÀB", "àb"]) is True
        assert apply("startswith", ["ÄPFEL", "äp"]) is True
        assert apply("indexof", ["xÄ", "ä"]) == 1

    def test_trimming(self) -> None:
        assert apply("trim", ["\u3000\t x\x1f \xa0"]) == "x\x1f"

    def test_order(self) -> None:
        words = ["ab", "a_b", "Ab", "aB", "a1", "b", "a b", "äb", "B", "ac", "a-b"]
        ordered = sorted(words, key=texts.sort_key)
        assert ordered == ["a b", "a_b", "a-b", "a1", "ab", "aB", "Ab", "äb", "ac", "b", "B"]
        assert apply("less", ["abc", "abd"]) is True
        assert apply("lessorequals", ["a", "a"]) is True
        assert apply("greater", [1.5, 1]) is True

    def test_like(self) -> None:
        for text, pattern, expected in [
            ("abc", "ABC", True),
            ("abc", "a*", True),
            ("abc", "*C", True),
            ("abc", "a*c", True),
            ("abcabc", "a*c*bc", True),
            ("abc", "*b*", True),
            ("abc", "*", True),
            ("", "*", True),
            ("aa", "a*a*a", False),
            ("a", "a*a", False),
            ("abc", "b*", False),
            ("abc", "a*x*c", False),
            ("abc", "ab", False),
        ]:
            assert apply("like", [text, pattern]) is expected, (text, pattern)
        assert apply("like", ["a" * 100_000, "*a" * 1000 + "b"]) is False

    def test_splitting(self) -> None:
        assert apply("split", ["a.b|c", Arr([".", "|"])]) == ["a", "b", "c"]
        assert apply("split", ["aXXb", Arr(["X", "XX"])]) == ["a", "", "b"]
        assert apply("split", ["aXXb", Arr(["XX", "X"])]) == ["a", "b"]
        assert apply("split", ["abc", Arr([""])]) == ["abc"]
        assert apply("split", ["", ","]) == [""]
        assert isinstance(apply("split", ["a b", Arr()]), Unknown)
        with pytest.raises(EvaluationError, match="too many delimiters"):
            apply("split", ["a", Arr(map(str, range(100)))])
        with pytest.raises(EvaluationError):
            apply("split", ["a", Arr([1])])

    def test_joining(self) -> None:
        assert apply("join", [Arr([None, 1]), "-"]) == "-1"
        assert apply("join", [Arr(), "-"]) == ""

    def test_searching_text(self) -> None:
        assert apply("contains", ["v12", 12]) is True
        assert apply("contains", [Obj({"1": 0}), 1]) is True
        assert apply("indexof", ["abc", ""]) == 0
        with pytest.raises(EvaluationError):
            apply("contains", [Obj(), None])

    def test_bounds(self) -> None:
        long = "x" * 600_000
        for name, arguments in [
            ("concat", [long, long]),
            ("replace", ["x" * 2000, "x", "y" * 1000]),
            ("padleft", ["x", 2_000_000]),
            ("join", [Arr([long, long]), ""]),
            ("uniquestring", [long, long]),
            ("guid", [long, long]),
            ("string", [Arr([long, long])]),
            ("uricomponent", ["é" * 300_000]),
            ("uri", ["https://x/" + long, long]),
            ("json", [long + long]),
        ]:
            with pytest.raises(EvaluationError, match="longer than"):
                apply(name, arguments)


class TestNumbers:
    def test_division_is_towards_zero(self) -> None:
        assert [apply("div", [left, right]) for left, right in [(7, 2), (-7, 2), (7, -2), (-7, -2)]] == [3, -3, -3, 3]
        assert [apply("mod", [left, right]) for left, right in [(7, 3), (-7, 3), (7, -3), (-7, -3)]] == [1, -1, 1, -1]

    def test_64_bits(self) -> None:
        lowest = -(1 << 63)
        assert apply("sub", [lowest + 1, 1]) == lowest
        for name, left, right in [("sub", lowest, 1), ("div", lowest, -1), ("add", 1 << 70, 0)]:
            with pytest.raises(EvaluationError, match="64 bits"):
                apply(name, [left, right])

    def test_conversions(self) -> None:
        assert apply("int", [" -12 "]) == -12
        assert apply("int", [4.0]) == 4
        assert isinstance(apply("int", [4.5]), Unknown)
        assert apply("bool", [True]) is True
        assert apply("bool", ["TRUE"]) is True
        assert apply("float", ["1.5e3"]) == 1500.0
        for name, value in [("int", "1_0"), ("float", "1_0"), ("float", "nan"), ("int", "\u0661"), ("float", 10**400)]:
            with pytest.raises(EvaluationError):
                apply(name, [value])


class TestEncodings:
    def test_base64(self) -> None:
        assert apply("base64", ["é"]) == "w6k="
        assert apply("base64tostring", ["w6k="]) == "é"
        assert apply("base64tostring", ["w6\nk="]) == "é"
        assert apply("base64tostring", ["/w=="]) == "\ufffd"
        assert apply("base64", ["\ud800"]) == "77+9"

    def test_data_uris(self) -> None:
        assert apply("datauritostring", ["data:text/plain,a%20b"]) == "a b"
        assert isinstance(apply("datauri", [Obj()]), Unknown)
        assert isinstance(apply("datauritostring", ["data:;charset=utf-16;base64,AAAA"]), Unknown)

    def test_uris(self) -> None:
        assert apply("uri", ["https://Contoso.ORG", "a.json"]) == "https://contoso.org/a.json"
        assert apply("uri", ["https://x.org/a/b", "https://y.org"]) == "https://y.org/"
        assert apply("uri", ["https://User@X.org/a/b/", "../c"]) == "https://User@x.org/a/c"
        assert apply("uricomponent", ["a b/é~-_."]) == "a%20b%2F%C3%A9~-_."
        assert apply("uricomponenttostring", ["100%"]) == "100%"
        assert apply("parseuri", ["https://Example.com"]) == {"scheme": "https", "host": "example.com", "port": None}

    def test_a_uri_from_components_that_stand_for_something(self) -> None:
        found = apply("parseuri", [Placeholder("https://{host}/a", "no host")])
        assert isinstance(found["host"], Placeholder)


class TestHashes:
    def test_lengths_of_the_last_block(self) -> None:
        made = {hashing.unique_string(["abcdefghijklmnop"[:length]]) for length in range(17)}
        assert len(made) == 17
        assert all(len(text) == 13 and set(text) <= set("abcdefghijklmnopqrstuvwxyz234567") for text in made)

    def test_halves_of_pairs(self) -> None:
        assert hashing.unique_string(["\ud83d"]) == hashing.unique_string(["\ufffd"])
        assert hashing.unique_string(["\ud83d\ude00"]) == hashing.unique_string([FACE])
        assert apply("guid", ["\ud800"]) == apply("guid", ["\ufffd"])


def test_fail_says_why() -> None:
    with pytest.raises(EvaluationError, match="the template fails here: no zones"):
        apply("fail", ["no zones"])

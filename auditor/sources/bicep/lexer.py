"""Bicep text → tokens.

Tokens are kept as parallel lists, because a parser looks at kinds far more often than at anything else. Punctuation is
its own kind. A run of line ends with the blank lines, comments and directives in it is one NEWLINE. A text with holes
is OPEN, then for each hole the tokens of its expression, MIDDLE between holes, and CLOSE.

What is no token (an unknown character, a text without an end, a wrong escape) is a BAD token whose value says what is
wrong with it: no grammar accepts it, so the parser reports it where it stands.
"""

from __future__ import annotations

import re
import sys
from typing import Final, NamedTuple

NAME: Final = "name"
TEXT: Final = "text"
OPEN: Final = "text{"
MIDDLE: Final = "}text{"
CLOSE: Final = "}text"
NUMBER: Final = "number"
NEWLINE: Final = "newline"
END: Final = "end"
BAD: Final = "bad"

MAX_TOKENS: Final = 500_000

WORDS: Final = {"true": "true", "false": "false", "null": "null"}
"""The words that are no names anywhere; all others are keywords by where they stand."""

# Every repetition is possessive: nothing is tried twice, so the time is linear in the text.
_COMMENT: Final = r"//[^\r\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/"
_DIRECTIVE: Final = r"\#(?:disable-next-line|disable-diagnostics|restore-diagnostics)(?![A-Za-z0-9_-])[^\r\n]*+"
REMARKS: Final = re.compile(f"{_COMMENT}|{_DIRECTIVE}")
"""What may stand between tokens besides white space."""
_SPACE: Final = rf"(?:[ \t\r\n]++|{_COMMENT}|{_DIRECTIVE})*+"

_TOKEN: Final = re.compile(
    rf"""
      ([A-Za-z_][A-Za-z0-9_]*+)
    | ([\r\n]{_SPACE})
    | ('[^'\\\r\n$]*+'(?!'))
    | (\.\.\.|=[=~>]|![=~]|[<>]=|&&|\|\||\?\?|::|[()\[\]@,.?:+\-%*^!<>=|]|/(?![/*]))
    | ([{{}}])
    | ('|\$++(?:''')?)
    | ([0-9]++)
    | ({_COMMENT})
    | ([^ \t])
    """,
    re.VERBOSE,
)
_WORD, _LINES, _PLAIN, _PUNCTUATION, _BRACE, _QUOTE, _DIGITS, _REMARK = range(1, 9)

_START: Final = re.compile(rf"\ufeff?{_SPACE}")
_SEGMENT: Final = re.compile(r"((?:[^'\\\r\n$]++|\\[^\r\n]|\$(?!\{))*+)('|\$\{)?")
_LONG_END: Final = re.compile("'{3,}")
_LONG_STOP: Final = re.compile(r"'++|\$++\{?")
_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9A-Fa-f]+)\}|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", "$": "$"}
_LINE_END: Final = re.compile(r"[\r\n]")
_NEXT_DECLARATION: Final = re.compile(
    r"[\r\n](?=(?:param|var|resource|module|output|type|func|import|metadata|targetScope)[ \t]|@[A-Za-z])"
)


class Tokens(NamedTuple):
    """All tokens of a text. The last one's kind is END."""

    kinds: list[str]
    values: list[str]
    starts: list[int]
    ends: list[int]


def tokenize(text: str) -> Tokens:
    """The tokens of a text; never raises. After MAX_TOKENS there is a BAD one, and the end."""
    lexer = _Lexer(text)
    lexer.run()
    return Tokens(lexer.kinds, lexer.values, lexer.starts, lexer.ends)


class _Lexer:
    """The work of `tokenize`. `holes` are the open braces inside texts: -1 a plain brace, else the text's dollars."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.values: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.holes: list[int] = []

    def add(self, kind: str, value: str, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)

    def run(self) -> None:
        first = _START.match(self.text)
        position: int | None = first.end() if first else 0
        while position is not None:
            if len(self.kinds) >= MAX_TOKENS:
                self.add(BAD, f"the file has more than {MAX_TOKENS:,} tokens", position, position + 1)
                break
            position = self.plain(position)
        self.add(END, "", len(self.text), len(self.text))

    def plain(self, position: int) -> int | None:
        """Take tokens until one needs more than a pattern; where to go on, or None at the end."""
        kinds, values, starts, ends, holes = self.kinds, self.values, self.starts, self.ends, self.holes
        budget = MAX_TOKENS - len(kinds)
        for match in _TOKEN.finditer(self.text, position):
            group = match.lastindex
            start, end = match.span()
            if group == _WORD:
                value = match[0]
                kinds.append(WORDS.get(value, NAME))
                values.append(value)
            elif group == _PUNCTUATION:
                value = match[0]
                kinds.append(value)
                values.append(value)
            elif group == _LINES:
                if holes:
                    holes.clear()
                    self.add(BAD, "the text that began on this line has no end", start, start)
                kinds.append(NEWLINE)
                values.append("")
            elif group == _PLAIN:
                kinds.append(TEXT)
                values.append(self.text[start + 1 : end - 1])
            elif group == _BRACE and not holes:
                value = match[0]
                kinds.append(value)
                values.append(value)
            elif group == _DIGITS:
                kinds.append(NUMBER)
                values.append(match[0])
            elif group == _REMARK:
                continue
            else:
                return self.special(match[0], start, end)
            starts.append(start)
            ends.append(end)
            budget -= 1
            if not budget:
                return end
        return None

    def special(self, value: str, start: int, end: int) -> int | None:
        """A text, a brace inside a hole, or something that is no token."""
        text = self.text
        if value == "{":
            self.holes.append(-1)
            self.add(value, value, start, end)
        elif value == "}":
            dollars = self.holes[-1]
            if dollars >= 0:
                return (
                    self.long_segment(start, end, dollars, first=False)
                    if dollars
                    else self.segment(start, end, first=False)
                )
            self.holes.pop()
            self.add(value, value, start, end)
        elif value.endswith("'''"):
            return self.long_segment(start, end, len(value) - 3, first=True)
        elif value == "'":
            if text.startswith("''", end):
                return self.long(start, end + 2)
            return self.segment(start, end, first=True)
        elif value == "/":
            self.add(BAD, "the comment that begins here has no end (*/)", start, start + 2)
            return None
        elif value == "#":
            self.add(BAD, "this is no directive", start, start + 1)
            line_end = _LINE_END.search(text, end)
            return line_end.start() if line_end else None
        elif value == '"':
            self.add(BAD, "texts stand in single quotes (')", start, end)
        else:
            self.add(BAD, f"unexpected character {value[0] if value[0].isprintable() else ascii(value[0])}", start, end)
        return end

    def segment(self, start: int, inner: int, *, first: bool) -> int:
        """A piece, from `inner` on, of a text that ends on its line."""
        match = _SEGMENT.match(self.text, inner)
        assert match is not None
        end = match.end()
        raw, stop = match.groups()
        if stop is None:
            self.add(BAD, "the text that begins here has no end (')", start, end)
            if not first:
                self.holes.pop()
        elif "\\" in raw:
            value, wrong = _unescaped(raw)
            self.piece(value, start, end, 0, opens=stop != "'", first=first)
            if wrong is not None:
                self.kinds[-1] = BAD
                self.values[-1] = "this escape is none (those there are: \\n \\r \\t \\\\ \\' \\$ \\u{…})"
                self.starts[-1] = inner + wrong
        else:
            self.piece(raw, start, end, 0, opens=stop != "'", first=first)
        return end

    def long(self, start: int, inner: int) -> int | None:
        """A text in three quotes, without holes."""
        match = _LONG_END.search(self.text, inner)
        if match is None:
            return self.endless(start)
        self.add(TEXT, _without_first_line_end(self.text[inner : match.end() - 3]), start, match.end())
        return match.end()

    def long_segment(self, start: int, inner: int, dollars: int, *, first: bool) -> int | None:
        """A piece of a text in three quotes whose holes begin with as many dollars."""
        for match in _LONG_STOP.finditer(self.text, inner):
            stop = match[0]
            end = match.end()
            if stop[0] == "'" and len(stop) >= 3:
                value = self.text[inner : end - 3]
            elif stop[-1] == "{" and len(stop) > dollars:
                value = self.text[inner : end - dollars - 1]
            else:
                continue
            value = _without_first_line_end(value) if first else value
            self.piece(value, start, end, dollars, opens=stop[-1] == "{", first=first)
            return end
        return self.endless(start)

    def piece(self, value: str, start: int, end: int, dollars: int, *, opens: bool, first: bool) -> None:
        """Add a piece of a text, and keep account of the hole it begins or ends."""
        if opens:
            if first:
                self.holes.append(dollars)
            self.add(OPEN if first else MIDDLE, value, start, end)
        else:
            if not first:
                self.holes.pop()
            self.add(TEXT if first else CLOSE, value, start, end)

    def endless(self, start: int) -> int | None:
        """A text in three quotes that has no end: go on where the next declaration seems to be."""
        self.add(BAD, "the text that begins here has no end (''')", start, start + 3)
        self.holes.clear()
        match = _NEXT_DECLARATION.search(self.text, start)
        return match.start() if match else None


def _without_first_line_end(value: str) -> str:
    return value.removeprefix("\r").removeprefix("\n")


def _unescaped(raw: str) -> tuple[str, int | None]:
    """A text with its escapes replaced, and where the first one stands that is none."""
    parts: list[str] = []
    at = 0
    wrong: int | None = None
    for match in _ESCAPE.finditer(raw):
        parts.append(raw[at : match.start()])
        at = match.end()
        digits, letter = match.groups()
        if digits is not None:
            code = int(digits.lstrip("0")[:7] or "0", 16)
            found = chr(code) if code <= sys.maxunicode else None
        else:
            found = _ESCAPES.get(letter)
        if found is None:
            wrong = match.start() if wrong is None else wrong
        else:
            parts.append(found)
    parts.append(raw[at:])
    value = "".join(parts)
    if any("\ud800" <= character <= "\udfff" for character in value):
        # Two escapes may make one character, as in UTF-16; half of one is none.
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value, wrong

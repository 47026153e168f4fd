"""Terraform's language → tokens.

Tokens are kept as parallel lists. Punctuation is its own kind. A text in quotes is QUOTE, its pieces, and UNQUOTE; a
heredoc is HEREDOC (value `-` where its indentation is taken off), one PIECE a line, and UNQUOTE. Between pieces,
`${` is HOLE and `%{` is DIRECTIVE, each up to HOLE_END; their values say whether a `~` trims what stands beside it.

What is no token (a text without an end, a wrong escape) is a BAD token whose value says what is wrong with it: no
grammar accepts it, so the parser reports it where it stands.
"""

from __future__ import annotations

import re
import sys
from typing import Final, NamedTuple

NAME: Final = "name"
NUMBER: Final = "number"
NEWLINE: Final = "newline"
QUOTE: Final = "quote"
HEREDOC: Final = "heredoc"
PIECE: Final = "piece"
UNQUOTE: Final = "unquote"
HOLE: Final = "${"
DIRECTIVE: Final = "%{"
HOLE_END: Final = "hole end"
END: Final = "end"
BAD: Final = "bad"

MAX_TOKENS: Final = 300_000
MAX_LOST: Final = 3
"""Texts without an end after which the rest is given up; each is looked for to the end of the file."""

# Every repetition is possessive: nothing is tried twice, so the time is linear in the text.
_TOKEN: Final = re.compile(
    r"""
      ([^\W\d][\w-]*+)
    | ([\r\n]++)
    | ([0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)
    | (\#[^\r\n]*+|//[^\r\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/)
    | (\.\.\.|=>|[=!<>]=|&&|\|\||::|[()\[\]=!?:+\-*%,.>]|/(?![/*])|<(?!<))
    | ([{}"]|<<-?[^\W\d][\w-]*+[ \t]*+\r?\n|~\})
    | ([^ \t])
    """,
    re.VERBOSE,
)
_WORD, _LINES, _DIGITS, _REMARK, _PUNCTUATION, _TURN = range(1, 7)

_SEGMENT: Final = re.compile(r"((?:[^\"\\\r\n$%]++|\\[^\r\n]|\$\$\{|%%\{|[$%](?!\{))*+)(\"|[$%]\{~?)?")
_LINE: Final = re.compile(r"((?:[^\r\n$%]++|\$\$\{|%%\{|[$%](?!\{)|\r(?!\n))*+)(\r?\n|[$%]\{~?)?")
_OPENED: Final = re.compile(r"<<(-?)([^\W\d][\w-]*+)")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))|(\$\$\{|%%\{)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}
_STATEMENT: Final = re.compile(r"[\r\n](?=[^\W\d][\w-]*+[ \t\"]++[^\r\n]*\{[ \t]*+[\r\n])")


class Tokens(NamedTuple):
    """All tokens of a text; the last one's kind is END. `comments` are the places of its comments."""

    kinds: list[str]
    values: list[str]
    starts: list[int]
    ends: list[int]
    comments: list[tuple[int, int]]


def tokenize(text: str, start: int = 0, *, template: bool = False) -> Tokens:
    """The tokens of a text; never raises. After MAX_TOKENS there is a BAD one, and the end.

    With `template` the text is one from its beginning to its end, as a file that `templatefile` reads.
    """
    lexer = _Lexer(text)
    lexer.run(start, template=template)
    return Tokens(lexer.kinds, lexer.values, lexer.starts, lexer.ends, lexer.comments)


class _Frame(NamedTuple):
    """A text that is open. `marker` ends it where it is a heredoc; None is the template that a whole text is."""

    marker: str | None


_QUOTED: Final = _Frame("")
_WHOLE: Final = _Frame(None)


class _Lexer:
    """The work of `tokenize`. `open` are the braces and holes around: None for a brace, else the text of a hole."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.values: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.comments: list[tuple[int, int]] = []
        self.open: list[_Frame | None] = []
        self.lost = 0

    def add(self, kind: str, value: str, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)

    def run(self, start: int, *, template: bool) -> None:
        position: int | None = self.inside(start, _WHOLE) if template else start
        while position is not None:
            if len(self.kinds) >= MAX_TOKENS:
                self.add(BAD, f"the file has more than {MAX_TOKENS:,} tokens", position, position + 1)
                break
            position = self.plain(position)
        self.add(END, "", len(self.text), len(self.text))

    def plain(self, position: int) -> int | None:
        """Take tokens until a text begins or goes on; where to continue, or None at the end."""
        kinds, values, starts, ends = self.kinds, self.values, self.starts, self.ends
        budget = MAX_TOKENS - len(kinds)
        for match in _TOKEN.finditer(self.text, position):
            group = match.lastindex
            start, end = match.span()
            value = match[0]
            if group == _REMARK:
                self.comments.append((start, end))
                continue
            if group == _WORD:
                kinds.append(NAME)
            elif group == _PUNCTUATION:
                kinds.append(value)
            elif group == _LINES:
                kinds.append(NEWLINE)
            elif group == _DIGITS:
                kinds.append(NUMBER)
            else:
                return self.turn(value, start, end) if group == _TURN else self.stray(value, start, end)
            values.append(value)
            starts.append(start)
            ends.append(end)
            budget -= 1
            if not budget:
                return end
        return None

    def turn(self, value: str, start: int, end: int) -> int | None:
        """A brace, or where a text begins or goes on."""
        if value == "{":
            self.open.append(None)
        elif value == '"':
            self.add(QUOTE, "", start, end)
            return self.inside(end, _QUOTED)
        elif value.startswith("<<"):
            opened = _OPENED.match(value)
            assert opened is not None
            self.add(HEREDOC, opened[1], start, end)
            return self.inside(end, _Frame(opened[2]))
        elif self.open:
            frame = self.open.pop()
            if frame is not None:
                self.add(HOLE_END, "~" if value == "~}" else "", start, end)
                return self.inside(end, frame)
        if value == "~}":
            self.add(BAD, "unexpected character ~", start, start + 1)
            value, start = "}", start + 1
        self.add(value, value, start, end)
        return end

    def stray(self, value: str, start: int, end: int) -> int | None:
        """Something that is no token."""
        if value == "/":
            self.add(BAD, "the comment that begins here has no end (*/)", start, start + 2)
            return None
        if value == "<":
            self.add(BAD, "a heredoc begins with << and a name at the end of its line", start, start + 2)
            return end + 1
        if value != "\ufeff" or start:
            shown = value if value.isprintable() else ascii(value)
            self.add(BAD, f"unexpected character {shown}", start, end)
        return end

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def inside(self, position: int, frame: _Frame) -> int | None:
        """The pieces of a text from a position up to its end or its next hole; where to go on."""
        if frame.marker == "":
            return self.quoted(position)
        fresh = self.kinds[-1:] == [HEREDOC]
        text = self.text
        while position < len(text) or frame.marker is not None:
            if len(self.kinds) >= MAX_TOKENS:
                return position
            if fresh and frame.marker is not None:
                line_end = text.find("\n", position)
                line_end = len(text) if line_end < 0 else line_end
                if line_end - position <= len(frame.marker) + 1_000:
                    line = text[position:line_end]
                    if line.strip() == frame.marker:
                        end = position + len(line.rstrip())
                        self.add(UNQUOTE, "", end - len(frame.marker), end)
                        return end
                if position >= len(text):
                    return self.endless(frame.marker)
            match = _LINE.match(text, position)
            assert match is not None
            raw, stop = match.groups()
            if stop is None and position >= len(text):
                return self.endless(frame.marker or "")
            end = match.end()
            if stop is None or stop[-1] == "\n":
                self.piece(raw + (stop or ""), position, end)
                fresh = True
                position = end
            else:
                if raw:
                    self.piece(raw, position, end - len(stop))
                self.hole(stop, end, frame)
                return end
        self.add(UNQUOTE, "", position, position)
        return None

    def quoted(self, position: int) -> int:
        """A piece of a text in quotes."""
        match = _SEGMENT.match(self.text, position)
        assert match is not None
        raw, stop = match.groups()
        end = match.end()
        if raw:
            self.piece(raw, position, position + len(raw), quoted=True)
        if stop is None:
            self.add(BAD, 'the text that goes on here has no end (")', end, end + 1)
            self.open.clear()
        elif stop == '"':
            self.add(UNQUOTE, "", end - 1, end)
        else:
            self.hole(stop, end, _QUOTED)
        return end

    def hole(self, stop: str, end: int, frame: _Frame) -> None:
        self.open.append(frame)
        self.add(HOLE if stop[0] == "$" else DIRECTIVE, stop[2:], end - len(stop), end)

    def piece(self, raw: str, start: int, end: int, *, quoted: bool = False) -> None:
        """Add literal text; in quotes backslashes escape, in a heredoc only a doubled `$` or `%` does."""
        if "\\" not in raw and "{" not in raw:
            self.add(PIECE, raw, start, end)
            return
        if not quoted:
            self.add(PIECE, raw.replace("$${", "${").replace("%%{", "%{"), start, end)
            return
        value, wrong = _unescaped(raw)
        if wrong is None:
            self.add(PIECE, value, start, end)
        else:
            message = r"this escape is none (those there are: \n \r \t \" \\ \uNNNN \UNNNNNNNN)"
            self.add(BAD, message, start + wrong, end)

    def endless(self, marker: str) -> int | None:
        """A heredoc without an end: go on where the next block seems to begin; nowhere when there are many of them."""
        at = max(index for index, kind in enumerate(self.kinds) if kind == HEREDOC)
        start = self.starts[at]
        for kept in (self.kinds, self.values, self.starts, self.ends):
            del kept[at:]
        self.add(BAD, f"the text that begins here has no end ({marker})", start, start + 2)
        self.open.clear()
        self.lost += 1
        match = _STATEMENT.search(self.text, start) if self.lost < MAX_LOST else None
        return match.start() if match else None


def _unescaped(raw: str) -> tuple[str, int | None]:
    """A text with its escapes replaced, and where the first one stands that is none."""
    parts: list[str] = []
    at = 0
    wrong: int | None = None
    for match in _ESCAPE.finditer(raw):
        parts.append(raw[at : match.start()])
        at = match.end()
        short, long, letter, doubled = match.groups()
        if doubled is not None:
            found: str | None = doubled[1:]
        elif letter is not None:
            found = _ESCAPES.get(letter)
        else:
            code = int(short or long, 16)
            found = chr(code) if code <= sys.maxunicode else None
        if found is None:
            wrong = match.start() if wrong is None else wrong
        else:
            parts.append(found)
    parts.append(raw[at:])
    value = "".join(parts)
    if any("\ud800" <= character <= "\udfff" for character in value):
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value, wrong

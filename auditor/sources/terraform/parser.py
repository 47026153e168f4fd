"""Terraform's language: tokens → the syntax tree.

What is wrong costs the smallest thing around it: a value that is no expression becomes `Broken`, a statement that is
none is passed over and its body says so, and a block without an end keeps what was understood of it. Parsing goes on
behind it, and every mistake is a `Problem`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, NamedTuple

from auditor.sources.terraform import syntax
from auditor.sources.terraform.syntax import Expression, Problem, Source, Span
from auditor.sources.terraform.tokens import (
    BAD,
    DIRECTIVE,
    END,
    HEREDOC,
    HOLE,
    HOLE_END,
    NAME,
    NEWLINE,
    NUMBER,
    PIECE,
    QUOTE,
    UNQUOTE,
    Tokens,
    tokenize,
)

MAX_SIZE: Final = 4 * 2**20
"""Characters of a file."""
MAX_DEPTH: Final = 100
"""Expressions, brackets and blocks inside one another. Each takes up to six calls of Python, which
allows a thousand."""
MAX_LINKS: Final = 1_000
"""Operators or members in one chain."""
MAX_DIGITS: Final = 300
MAX_PROBLEMS: Final = 100

PRECEDENCE: Final = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
WORDS: Final = {"true": True, "false": False, "null": None}
DECLARATIONS: Final = frozenset({"resource", "data", "module", "variable", "output", "provider"})
"""Blocks of a file that have labels: one of them at the start of a line, inside another, shows a missing brace."""

_OPENING: Final = {"(": ")", "[": "]", "{": "}", QUOTE: UNQUOTE, HEREDOC: UNQUOTE, HOLE: HOLE_END, DIRECTIVE: HOLE_END}
_CLOSING: Final = frozenset(_OPENING.values())
_FOUND: Final = {
    END: "the end of the file",
    NEWLINE: "a new line",
    QUOTE: "a text",
    HEREDOC: "a heredoc",
    NUMBER: "a number",
    HOLE_END: "the end of a hole",
    PIECE: "a text",
    UNQUOTE: "the end of a text",
}


class ParseError(Exception):
    """Something that cannot be parsed; caught where parsing can go on."""

    def __init__(self, problem: Problem) -> None:
        """Take what is to be reported."""
        super().__init__(problem.message)
        self.problem = problem


def parse(source: Source) -> syntax.Document:
    """A `.tf` or `.tfvars` file. Never raises: what is wrong with it is among its problems."""
    if len(source.text) > MAX_SIZE:
        problem = Problem(Span(source, 0, 0), f"it is larger than {MAX_SIZE // 2**20} MiB")
        return syntax.Document(source, syntax.Body(broken=problem), (problem,))
    parser = _Parser(source, tokenize(source.text))
    body = parser.body(END)
    comments = tuple(Span(source, start, end) for start, end in parser.comments)
    return syntax.Document(source, body, tuple(parser.problems), comments)


def parse_expression(source: Source) -> Expression:
    """A text that is one expression, as the command line gives values. Raises ParseError."""
    return _Parser(source, _tokens(source, template=False)).whole()


def parse_template(source: Source) -> Expression:
    """A text that is a template from its beginning to its end. Raises ParseError."""
    return _Parser(source, _tokens(source, template=True)).whole_template()


def _tokens(source: Source, *, template: bool) -> Tokens:
    if len(source.text) > MAX_SIZE:
        raise ParseError(Problem(Span(source, 0, 0), f"it is larger than {MAX_SIZE // 2**20} MiB"))
    return tokenize(source.text, template=template)


class _Piece(NamedTuple):
    """A part of a template before its directives are put together.

    `kind` is `text`, `hole` or a directive's word. `before` and `behind` say that it trims the text around it.
    """

    kind: str
    span: Span
    text: str = ""
    value: Expression | None = None
    names: tuple[str, ...] = ()
    before: bool = False
    behind: bool = False


class _Parser:
    """A cursor over tokens, and the grammar.

    `_loose` says that line ends mean nothing here (inside brackets); `_lost` that blocks are not closed, and the cursor
    stands where the next block of the file seems to begin.
    """

    def __init__(self, source: Source, tokens: Tokens) -> None:
        self._source = source
        self._kinds, self._values, self._starts, self._ends, self.comments = tokens
        self._at = 0
        self._depth = 0
        self._loose = False
        self._lost = False
        self.problems: list[Problem] = []

    # ── the cursor ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _kind(self) -> str:
        """The kind of the next token; where line ends mean nothing, they are passed over."""
        if self._loose:
            self._lines()
        return self._kinds[self._at]

    def _lines(self) -> None:
        while self._kinds[self._at] == NEWLINE:
            self._at += 1

    def _is(self, kind: str) -> bool:
        """Take the next token if it is of a kind."""
        if self._kind() != kind:
            return False
        self._at += 1
        return True

    def _is_word(self, word: str) -> bool:
        return self._kind() == NAME and self._values[self._at] == word

    def _expect(self, kind: str, what: str) -> str:
        """Take the next token, which must be of a kind; its value."""
        if self._kind() != kind:
            raise self._unexpected(what)
        self._at += 1
        return self._values[self._at - 1]

    def _word(self, word: str) -> None:
        if not self._is_word(word):
            raise self._unexpected(f"`{word}`")
        self._at += 1

    def _span(self, start: int) -> Span:
        """From an offset to the end of the last token taken."""
        return Span(self._source, start, self._ends[self._at - 1])

    def _here(self) -> int:
        """Where the next token begins."""
        self._kind()
        return self._starts[self._at]

    def _failed(self, message: str) -> ParseError:
        return ParseError(Problem(Span(self._source, self._starts[self._at], self._ends[self._at]), message))

    def _unexpected(self, expected: str) -> ParseError:
        kind = self._kind()
        if kind == BAD:
            return self._failed(self._values[self._at])
        found = _FOUND.get(kind) or f"`{self._values[self._at][:40]}`"
        return self._failed(f"expected {expected}, found {found}")

    @contextmanager
    def _inside(self, *, loose: bool) -> Iterator[None]:
        """One level deeper, where line ends mean nothing or do."""
        if self._depth >= MAX_DEPTH:
            raise self._failed(f"it nests deeper than {MAX_DEPTH} levels")
        outer, self._loose = self._loose, loose
        self._depth += 1
        try:
            yield
        finally:
            self._loose = outer
            self._depth -= 1

    # ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────

    def body(self, closing: str) -> syntax.Body:
        """Statements up to a closing brace or the end, which is not taken."""
        arguments: dict[str, syntax.Argument] = {}
        blocks: list[syntax.Block] = []
        broken: Problem | None = None
        while not self._lost or closing == END:
            self._lost = False
            self._lines()
            if self._kinds[self._at] in (closing, END):
                break
            first = self._at
            if closing != END and self._is_declaration(first):
                self._lost = True
                break
            try:
                if len(self.problems) >= MAX_PROBLEMS:
                    raise self._failed("there are more mistakes before; the rest was not read")
                found = self._statement()
                if isinstance(found, syntax.Block):
                    blocks.append(found)
                elif found.name in arguments:
                    message = f"{found.name} is given twice in the same block"
                    self.problems.append(Problem(found.span, message))
                    arguments[found.name] = syntax.Argument(found.span, found.name, syntax.Broken(found.span, message))
                else:
                    arguments[found.name] = found
            except ParseError as error:
                self.problems.append(error.problem)
                broken = broken or error.problem
                if len(self.problems) > MAX_PROBLEMS:
                    self._at = len(self._kinds) - 1
                elif not self._recover(first, first + 1, closing):
                    self._next_block(first + 1)
        if self._lost or self._kinds[self._at] != closing:
            problem = self._failed("a closing brace is missing").problem
            if broken is None:
                self.problems.append(problem)
            broken = broken or problem
        return syntax.Body(arguments, tuple(blocks), broken)

    def _statement(self) -> syntax.Argument | syntax.Block:
        start = self._here()
        name = self._expect(NAME, "the name of an argument or a block")
        if self._is("="):
            value = self._value()
            return syntax.Argument(self._span(start), name, value)
        labels: list[str] = []
        while not self._is("{"):
            if self._kind() == NAME:
                labels.append(self._values[self._at])
                self._at += 1
            elif self._kind() == QUOTE:
                label = self._quoted()
                if not isinstance(label, syntax.Literal):
                    raise self._failed("a label is plain text")
                labels.append(str(label.value))
            else:
                raise self._unexpected("`=`, or `{` for a block" if not labels else "`{` or a label")
        with self._inside(loose=False):
            body = self.body("}")
        if not self._lost and self._kinds[self._at] == "}":
            self._at += 1
        return syntax.Block(self._span(start), name, tuple(labels), body)

    def _value(self) -> Expression:
        """The value of an argument; `Broken` where it is none and it is clear where the next statement begins."""
        first, start = self._at, self._here()
        try:
            value = self._expression()
            if self._kind() not in (NEWLINE, END, "}"):
                raise self._unexpected("a new line")
        except ParseError as error:
            if not self._recover(first, first, "}"):
                raise
            self.problems.append(error.problem)
            return syntax.Broken(Span(self._source, start, max(start, self._ends[self._at - 1])), error.problem.message)
        return value

    def _recover(self, first: int, least: int, closing: str) -> bool:
        """Go to the end of a line, at `least` or behind it, by which all brackets from `first` on are closed.

        Returns False, and goes nowhere, when the brackets do not tell.
        """
        open_: list[str] = []
        for at in range(first, len(self._kinds)):
            kind = self._kinds[at]
            if not open_ and at >= least and kind in (NEWLINE, closing):
                self._at = at
                return True
            if kind in _OPENING:
                open_.append(_OPENING[kind])
            elif kind in _CLOSING:
                if not open_ or open_.pop() != kind:
                    return False
            elif kind == NAME and at > first and self._is_declaration(at):
                return False
            elif kind == BAD:
                while open_ and open_[-1] in (UNQUOTE, HOLE_END):
                    open_.pop()
        return False

    def _next_block(self, first: int) -> None:
        """Go to the next line that begins a block at its very start, as those of a file do, or to the end."""
        self._lost = True
        last = len(self._kinds) - 1
        self._at = next((at for at in range(first, last) if self._begins_block(at)), last)

    def _begins_block(self, at: int) -> bool:
        """Whether a token stands at the very start of a line, and could begin a block."""
        start = self._starts[at]
        begins = self._kinds[at] == NAME and self._source.text[start - 1 : start] == "\n"
        return begins and self._kinds[at + 1] in (NAME, QUOTE, "{")

    def _is_declaration(self, at: int) -> bool:
        """Whether a token begins one of a file's own blocks, which stand in no other."""
        return self._values[at] in DECLARATIONS and self._begins_block(at) and self._kinds[at + 1] == QUOTE

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def whole(self) -> Expression:
        """One expression, and nothing behind it."""
        self._loose = True
        found = self._expression()
        if self._kind() != END:
            raise self._unexpected("the end")
        return found

    def whole_template(self) -> Expression:
        """A text that is a template as a whole."""
        found = self._template(0, flush=False)
        if self._kind() != END:
            raise self._unexpected("the end")
        return found

    def _expression(self) -> Expression:
        with self._inside(loose=self._loose):
            start = self._here()
            condition = self._binary(1)
            if not self._is("?"):
                return condition
            yes = self._expression()
            self._expect(":", "`:` of a condition")
            no = self._expression()
            return syntax.Conditional(self._span(start), condition, yes, no)

    def _binary(self, least: int) -> Expression:
        start = self._here()
        left = self._unary()
        links = 0
        while (precedence := PRECEDENCE.get(self._kind(), 0)) >= least:
            operator = self._kinds[self._at]
            self._at += 1
            right = self._binary(precedence + 1)
            left = syntax.Binary(self._span(start), operator, left, right)
            links = self._link(links)
        return left

    def _link(self, links: int) -> int:
        if links >= MAX_LINKS:
            raise self._failed(f"it chains more than {MAX_LINKS:,} operators or members")
        return links + 1

    def _unary(self) -> Expression:
        kind = self._kind()
        if kind not in ("-", "!"):
            return self._postfix(self._term())
        start = self._here()
        self._at += 1
        with self._inside(loose=self._loose):
            operand = self._unary()
        return syntax.Unary(self._span(start), kind, operand)

    def _postfix(self, base: Expression, *, names_only: bool = False) -> Expression:
        """Members, indexes and splats behind a term. Behind `.*` only members belong to each item."""
        links = 0
        while True:
            start = base.span.start
            kind = self._kind()
            if kind == ".":
                if self._kinds[self._at + 1] == "*":
                    if names_only:
                        return base
                    self._at += 2
                    each = self._postfix(syntax.Element(self._span(start)), names_only=True)
                    base = syntax.Splat(self._span(start), base, each)
                else:
                    self._at += 1
                    base = self._member(base)
            elif kind == "[" and not names_only:
                self._at += 1
                with self._inside(loose=True):
                    full = self._kind() == "*" and self._kinds[self._at + 1] == "]"
                    key: Expression | None = None
                    if full:
                        self._at += 1
                    else:
                        key = self._expression()
                    self._expect("]", "`]`")
                if key is not None:
                    base = syntax.Index(self._span(start), base, key)
                else:
                    with self._inside(loose=self._loose):
                        each = self._postfix(syntax.Element(self._span(start)))
                    base = syntax.Splat(self._span(start), base, each)
            else:
                return base
            links = self._link(links)

    def _member(self, base: Expression) -> Expression:
        start = base.span.start
        if self._kind() == NUMBER:
            number = self._expect(NUMBER, "a number")
            if not number.replace(".", "").isdecimal() or len(number) > MAX_DIGITS:
                self._at -= 1
                raise self._failed("an index is a whole number")
            # `a.0.1` reads as a member named 0.1: two indexes.
            for part in number.split("."):
                base = syntax.Member(self._span(start), base, int(part))
            return base
        name = self._expect(NAME, "a member's name")
        return syntax.Member(self._span(start), base, name)

    def _term(self) -> Expression:
        start = self._here()
        kind = self._kind()
        match kind:
            case "name":
                return self._named(start)
            case "number":
                self._at += 1
                return syntax.Literal(self._span(start), self._number(self._values[self._at - 1]))
            case "quote":
                return self._quoted()
            case "heredoc":
                self._at += 1
                return self._template(start, flush=self._values[self._at - 1] == "-")
            case "(":
                self._at += 1
                with self._inside(loose=True):
                    inner = self._expression()
                    self._expect(")", "`)`")
                return inner
            case "[":
                return self._tuple(start)
            case "{":
                return self._object(start)
        raise self._unexpected("a value")

    def _number(self, text: str) -> int | float:
        if len(text) > MAX_DIGITS:
            self._at -= 1
            raise self._failed("the number is too long")
        number = float(text)
        if not math.isfinite(number):
            self._at -= 1
            raise self._failed("the number is too large")
        return int(Decimal(text)) if number.is_integer() else number

    def _named(self, start: int) -> Expression:
        name = self._expect(NAME, "a name")
        while self._kind() == "::":
            self._at += 1
            name += "::" + self._expect(NAME, "a function's name")
        if self._kind() == "(":
            return self._call(start, name)
        if name in WORDS:
            return syntax.Literal(self._span(start), WORDS[name])
        return syntax.Name(self._span(start), name)

    def _call(self, start: int, name: str) -> Expression:
        self._at += 1
        arguments: list[Expression] = []
        expand = False
        with self._inside(loose=True):
            while not self._is(")"):
                arguments.append(self._expression())
                if self._is("..."):
                    expand = True
                    self._expect(")", "`)`")
                    break
                if not self._is(",") and self._kind() != ")":
                    raise self._unexpected("`,` or `)`")
        return syntax.Call(self._span(start), name, tuple(arguments), expand)

    def _tuple(self, start: int) -> Expression:
        self._at += 1
        items: list[Expression] = []
        with self._inside(loose=True):
            if self._is_for():
                return self._for(start, "]")
            while not self._is("]"):
                items.append(self._expression())
                if not self._is(",") and self._kind() != "]":
                    raise self._unexpected("`,` or `]`")
        return syntax.TupleNode(self._span(start), tuple(items))

    def _object(self, start: int) -> Expression:
        self._at += 1
        with self._inside(loose=True):
            if self._is_for():
                return self._for(start, "}")
        entries: list[syntax.Entry] = []
        with self._inside(loose=False):
            while True:
                self._lines()
                if self._is("}"):
                    break
                entries.append(self._entry())
                if not self._is(",") and self._kind() not in (NEWLINE, "}"):
                    raise self._unexpected("`,`, a new line or `}`")
        return syntax.ObjectNode(self._span(start), tuple(entries))

    def _entry(self) -> syntax.Entry:
        start = self._here()
        key: Expression
        if self._kind() == NAME and self._kinds[self._at + 1] in ("=", ":"):
            self._at += 1
            key = syntax.Literal(self._span(start), self._values[self._at - 1])
        else:
            key = self._expression()
        if not self._is("=") and not self._is(":"):
            raise self._unexpected("`=` or `:`")
        value = self._expression()
        return syntax.Entry(self._span(start), key, value)

    def _is_for(self) -> bool:
        """Whether a `for` expression begins here, and no element named `for`."""
        if not self._is_word("for"):
            return False
        after = self._at + 1
        while self._kinds[after] == NEWLINE:
            after += 1
        return self._kinds[after] == NAME

    def _for(self, start: int, closing: str) -> Expression:
        self._word("for")
        names = self._for_names()
        items = self._expression()
        self._expect(":", "`:`")
        result = self._expression()
        result_key: Expression | None = None
        if closing == "}":
            self._expect("=>", "`=>`")
            result_key, result = result, self._expression()
        grouped = closing == "}" and self._is("...")
        condition: Expression | None = None
        if self._is_word("if"):
            self._at += 1
            condition = self._expression()
        self._expect(closing, f"`{closing}`")
        key, value = ("", names[0]) if len(names) == 1 else names
        return syntax.For(self._span(start), key, value, items, result, result_key, condition, grouped)

    def _for_names(self) -> tuple[str, ...]:
        names = [self._expect(NAME, "a name")]
        if self._is(","):
            names.append(self._expect(NAME, "a name"))
        self._word("in")
        return tuple(names)

    # ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _quoted(self) -> Expression:
        start = self._here()
        self._at += 1
        return self._template(start, flush=False)

    def _template(self, start: int, *, flush: bool) -> Expression:
        """The pieces up to the end of a text, put together."""
        with self._inside(loose=False):
            pieces = self._pieces()
            self._at += 1
        span = self._span(start)
        pieces = _trimmed(pieces)
        if flush:
            pieces = _flushed(pieces)
        if len(pieces) == 1 and pieces[0].value is not None and pieces[0].kind == "hole":
            return syntax.Template(span, (pieces[0].value,))
        whole = self._assembled(span, pieces)
        parts = whole.parts
        if not parts or (len(parts) == 1 and isinstance(parts[0], syntax.Literal)):
            return syntax.Literal(span, parts[0].value if parts else "")  # type: ignore[union-attr]
        # Two parts say that it is text, also where the second is empty.
        return syntax.Template(span, parts if len(parts) > 1 else (*parts, syntax.Literal(span, "")))

    def _pieces(self) -> list[_Piece]:
        pieces: list[_Piece] = []
        while True:
            kind, value = self._kinds[self._at], self._values[self._at]
            start = self._starts[self._at]
            if kind == UNQUOTE:
                return pieces
            if kind == PIECE:
                self._at += 1
                pieces.append(_Piece("text", self._span(start), value))
            elif kind == HOLE:
                self._at += 1
                with self._inside(loose=True):
                    found = self._expression()
                    behind = self._expect(HOLE_END, "`}`")
                pieces.append(_Piece("hole", self._span(start), "", found, (), bool(value), bool(behind)))
            elif kind == DIRECTIVE:
                self._at += 1
                with self._inside(loose=True):
                    pieces.append(self._directive(start, before=bool(value)))
            else:
                raise self._unexpected("the end of the text")

    def _directive(self, start: int, *, before: bool) -> _Piece:
        word = self._expect(NAME, "if, else, endif, for or endfor")
        names: tuple[str, ...] = ()
        value: Expression | None = None
        if word == "for":
            names = self._for_names()
        elif word not in ("if", "else", "endif", "endfor"):
            self._at -= 1
            raise self._unexpected("if, else, endif, for or endfor")
        if word in ("if", "for"):
            value = self._expression()
        behind = self._expect(HOLE_END, "`}`")
        return _Piece(word, self._span(start), "", value, names, before, bool(behind))

    def _assembled(self, span: Span, pieces: Sequence[_Piece]) -> syntax.Template:
        """The pieces as a tree: what stands between a directive and its end is inside it."""
        stack: list[tuple[_Piece | None, list[Expression]]] = [(None, [])]
        for piece in pieces:
            parts = stack[-1][1]
            opener = stack[-1][0]
            match piece.kind:
                case "text":
                    last = parts[-1] if parts else None
                    if isinstance(last, syntax.Literal) and isinstance(last.value, str):
                        joined = Span(span.source, last.span.start, piece.span.end)
                        parts[-1] = syntax.Literal(joined, f"{last.value}{piece.text}")
                    else:
                        parts.append(syntax.Literal(piece.span, piece.text))
                case "hole":
                    assert piece.value is not None
                    parts.append(piece.value)
                case "if" | "for":
                    if len(stack) + self._depth > MAX_DEPTH:
                        raise ParseError(Problem(piece.span, f"it nests deeper than {MAX_DEPTH} levels"))
                    stack.append((piece, []))
                case "else" if opener is not None and opener.kind == "if":
                    stack.append((piece, []))
                case "endif" if opener is not None and opener.kind in ("if", "else"):
                    no = _text(piece.span, stack.pop()[1]) if opener.kind == "else" else syntax.Literal(piece.span, "")
                    condition, yes = stack.pop()
                    assert condition is not None
                    assert condition.value is not None
                    whole = Span(span.source, condition.span.start, piece.span.end)
                    chosen = syntax.Conditional(whole, condition.value, _text(condition.span, yes), no)
                    stack[-1][1].append(chosen)
                case "endfor" if opener is not None and opener.kind == "for":
                    assert opener.value is not None
                    _, body = stack.pop()
                    key, value = ("", opener.names[0]) if len(opener.names) == 1 else opener.names
                    whole = Span(span.source, opener.span.start, piece.span.end)
                    result = _text(opener.span, body)
                    stack[-1][1].append(syntax.For(whole, key, value, opener.value, result, text=True))
                case _:
                    raise ParseError(Problem(piece.span, f"there is nothing that this `{piece.kind}` goes with"))
        opener = stack[-1][0]
        if opener is not None:
            raise ParseError(Problem(opener.span, f"this `{opener.kind}` has no end"))
        return syntax.Template(span, tuple(stack[0][1]))


def _text(span: Span, parts: Sequence[Expression]) -> Expression:
    """Parts as text, also where there is one alone."""
    if len(parts) == 1 and isinstance(parts[0], syntax.Literal):
        return parts[0]
    return syntax.Template(span, (*parts, syntax.Literal(span, "")))


def _trimmed(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces without the white space that a `~` beside them takes off, of one piece each."""
    found = list(pieces)
    for index, piece in enumerate(found):
        if piece.before and index and found[index - 1].kind == "text":
            found[index - 1] = found[index - 1]._replace(text=found[index - 1].text.rstrip())
        if piece.behind and index + 1 < len(found) and found[index + 1].kind == "text":
            found[index + 1] = found[index + 1]._replace(text=found[index + 1].text.lstrip())
    return found


def _flushed(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces of a `<<-` heredoc, without the indentation that all its lines have in common."""
    found = list(pieces)
    firsts: list[int] = []
    least: int | None = None
    begins = True
    for index, piece in enumerate(found):
        if begins:
            spaces = len(piece.text) - len(piece.text.lstrip()) if piece.kind == "text" else 0
            blank = piece.kind == "text" and spaces == len(piece.text) and piece.text.endswith("\n")
            if not blank:
                least = spaces if least is None else min(least, spaces)
                firsts.append(index)
        begins = piece.kind == "text" and piece.text.endswith("\n")
    for index in firsts:
        if found[index].kind == "text":
            found[index] = found[index]._replace(text=found[index].text[least or 0 :])
    return found

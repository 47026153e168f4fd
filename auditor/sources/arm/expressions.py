"""ARM's template expressions: the text between `[` and `]` → the intermediate form.

One pass with a stack of its own: what an expression nests costs no Python frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from auditor.sources.arm import ir

MAX_DEPTH: Final = 100
"""Calls inside one another, and members of one value."""
MAX_LENGTH: Final = 100_000
"""Characters of one expression; Azure takes 24,576."""

_WHITE: Final = r"[ \t\r\n\f\v\xa0]*+"
_IDENTIFIER: Final = r"[A-Za-z_$][A-Za-z0-9_$]*+"
_TEXT, _CALL, _ONLY, _NUMBER, _END = range(1, 6)
# A call of one plain text, such as parameters('x'), is by far the most frequent operand and is taken whole.
_OPERAND: Final = re.compile(
    rf"{_WHITE}(?:'((?:[^']++|'')*+)'"
    rf"|({_IDENTIFIER}(?:{_WHITE}\.{_WHITE}{_IDENTIFIER})*+){_WHITE}\((?:'([^']*+)'\))?+"
    r"|(-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?![0-9A-Za-z_$.]))"
    r"|(\)))"
)
_MEMBER, _SIGN = 1, 2
_AFTER: Final = re.compile(rf"{_WHITE}(?:\.{_WHITE}({_IDENTIFIER})|([\[\]),])|\Z)")
_SPACES: Final = re.compile(_WHITE)
_NAME: Final = re.compile(_IDENTIFIER)


class ExpressionError(ValueError):
    """An expression that cannot be read; `index` counts from the first character of its text."""

    def __init__(self, message: str, index: int) -> None:
        """Take what is wrong, and where."""
        super().__init__(message)
        self.index = index


def is_expression(text: str) -> bool:
    """Whether a template's text is an expression, and not text as it stands."""
    return text[:1] == "[" and text[-1:] == "]" and text[:2] != "[[" and len(text) > 1


def literal(text: str) -> str:
    """The value of a text that is no expression: `[[x]` is written for `[x]`."""
    return text[1:] if text[:2] == "[[" and text[-1:] == "]" else text


def parse(text: str, source: ir.Source, places: Sequence[int]) -> ir.Expression:
    """The expression in `[…]`. `places` are the offsets of its characters in the source. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has more than {MAX_LENGTH:,} characters", 0)
    return _Parser(text, source, places).whole()


class _Open(NamedTuple):
    """A bracket that is not closed yet: of a call, or behind the value `base` when it selects a member."""

    name: str
    start: int
    arguments: list[ir.Expression]
    base: ir.Expression | None = None
    members: int = 0


class _Parser:
    def __init__(self, text: str, source: ir.Source, places: Sequence[int]) -> None:
        self.text = text
        self.source = source
        self.places = places
        self.at = 1
        self.end = len(text) - 1
        self.start = 0
        self.members = 0
        self.open: list[_Open] = []

    def whole(self) -> ir.Expression:
        while True:
            value = self.operand()
            if value is not None:
                found = self.behind(value)
                if found is not None:
                    return found

    def span(self, start: int) -> ir.Span:
        """From an index to where the parser stands."""
        return ir.Span(self.source, self.places[start], self.places[self.at])

    def operand(self) -> ir.Expression | None:
        """A text, a number, or a call without arguments; None when the arguments of a call follow."""
        match = _OPERAND.match(self.text, self.at, self.end)
        if match is None:
            self.fail("a function, a text or a number")
        kind = match.lastindex
        self.at = match.end()
        self.members = 0
        if kind == _ONLY:
            return self.called_with(match)
        if kind == _CALL:
            self.enter(_Open(match[_CALL], match.start(_CALL), []))
            return None
        if kind == _TEXT:
            self.start = match.start(_TEXT) - 1
            return ir.Literal(self.span(self.start), match[_TEXT].replace("''", "'"))
        if kind == _NUMBER:
            self.start = match.start(_NUMBER)
            number = match[_NUMBER]
            return ir.Literal(self.span(self.start), float(number) if "." in number else int(number))
        if not self.open or self.open[-1].base is not None or self.open[-1].arguments:
            self.at -= 1
            self.fail("a function, a text or a number")
        return self.called()

    def behind(self, value: ir.Expression) -> ir.Expression | None:
        """What follows a value, up to where the next operand begins; the whole expression when it ends here."""
        while True:
            match = _AFTER.match(self.text, self.at, self.end)
            if match is None:
                self.fail("',' or ')'" if self.open else "the end of the expression")
            self.at = match.end()
            kind = match.lastindex
            sign = match[_SIGN]
            if kind is None:
                if self.open:
                    raise ExpressionError("a bracket is not closed", self.open[-1].start)
                return value
            if kind == _MEMBER:
                name = match[_MEMBER]
                key = ir.Literal(self.span(self.at - len(name)), name)
                value = ir.Member(self.span(self.start), value, key)
                self.members += 1
            elif sign == "[":
                self.enter(_Open("", self.start, [], value, self.members + 1))
                return None
            else:
                self.within(sign)
                self.open[-1].arguments.append(value)
                if sign == ",":
                    return None
                value = self.called()
            if self.members > MAX_DEPTH:
                raise ExpressionError(f"more than {MAX_DEPTH} members of one value", self.start)

    def within(self, sign: str) -> None:
        """Check that a sign belongs to the innermost bracket."""
        inner = self.open[-1] if self.open else None
        if inner is None or (sign == "]") != (inner.base is not None):
            self.at -= 1
            self.fail("the end of the expression" if inner is None else "']'" if inner.base is not None else "')'")

    def enter(self, bracket: _Open) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise ExpressionError(f"the expression nests deeper than {MAX_DEPTH} levels", bracket.start)
        self.open.append(bracket)

    def called(self) -> ir.Expression:
        """The call or the member whose bracket was just closed."""
        name, self.start, arguments, base, self.members = self.open.pop()
        span = self.span(self.start)
        if base is not None:
            return ir.Member(span, base, arguments[0])
        return self.made(name, span, arguments)

    def made(self, name: str, span: ir.Span, arguments: list[ir.Expression]) -> ir.Expression:
        name = name.lower() if name.isalnum() else "".join(name.split()).lower()
        if name == "lambda":
            return self.function(span, arguments)
        if name == "lambdavariables":
            return self.variable(span, arguments)
        return ir.Call(span, name, tuple(arguments))

    def called_with(self, match: re.Match[str]) -> ir.Expression:
        """The call of one plain text."""
        source, places = self.source, self.places
        self.start = start = match.start(_CALL)
        begin, end = match.span(_ONLY)
        text = ir.Literal(ir.Span(source, places[begin - 1], places[end + 1]), match[_ONLY])
        return self.made(match[_CALL], ir.Span(source, places[start], places[self.at]), [text])

    def function(self, span: ir.Span, arguments: list[ir.Expression]) -> ir.Expression:
        """`lambda('a', 'b', body)`."""
        if not arguments:
            raise ExpressionError("a lambda needs a body", self.start)
        names = [_name(argument) for argument in arguments[:-1]]
        if not all(names):
            raise ExpressionError("a lambda's variables are plain names", self.start)
        return ir.Lambda(span, tuple(names), arguments[-1])

    def variable(self, span: ir.Span, arguments: list[ir.Expression]) -> ir.Expression:
        """`lambdaVariables('a')`: the name as the lambda around it writes it."""
        wanted = _name(arguments[0]) if len(arguments) == 1 else ""
        for around in reversed(self.open):
            if around.base is None and around.name.lower() == "lambda":
                name = next((n for n in map(_name, around.arguments) if n.lower() == wanted.lower()), "")
                if name:
                    return ir.Name(span, name)
        raise ExpressionError("lambdaVariables() names no variable of a lambda around it", self.start)

    def fail(self, expected: str) -> NoReturn:
        match = _SPACES.match(self.text, self.at, self.end)
        at = match.end() if match is not None else self.at
        if at >= self.end:
            raise ExpressionError(f"it ends where {expected} was expected", at)
        if self.text[at] == "'" and "text" in expected:
            raise ExpressionError("a text in it is not closed", at)
        name = _NAME.match(self.text, at)
        if name is not None and "function" in expected:
            raise ExpressionError(f"{name[0][:60]!r} is no function call", at)
        raise ExpressionError(f"expected {expected}, found {self.text[at]!r}", at)


def _name(expression: ir.Expression) -> str:
    """The plain name a text gives; empty when it gives none."""
    if isinstance(expression, ir.Literal) and isinstance(expression.value, str) and _NAME.fullmatch(expression.value):
        return expression.value
    return ""

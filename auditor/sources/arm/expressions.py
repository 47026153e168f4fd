"""ARM's template expressions: the text between `[` and `]` → the intermediate form."""

from __future__ import annotations

import re
from typing import Final

from auditor.sources.arm import ir

MAX_DEPTH: Final = 100
MAX_LENGTH: Final = 200_000
"""Characters of one expression; ARM itself takes 24,576."""

_TOKEN: Final = re.compile(
    r"[ \t\r\n]*+(?:('(?:[^']|'')*+')|(-?\d++(?:\.\d++)?)|([A-Za-z_$][\w$]*+)|([()\[\],.]))", re.ASCII
)


class ExpressionError(ValueError):
    """An expression that cannot be read; `offset` counts from its first character."""

    def __init__(self, message: str, offset: int) -> None:
        """Take what was expected, and where."""
        super().__init__(message)
        self.offset = offset


def is_expression(text: str) -> bool:
    """Whether a template's text is an expression, and not text as it stands."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def literal(text: str) -> str:
    """Text that is no expression, its escape (`[[`) undone."""
    return text[1:] if text.startswith("[[") else text


def parse(text: str, source: ir.Source, start: int) -> ir.Expression:
    """The expression in `[…]`. `start` is the offset of its `[` in the source. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH:,} characters", 0)
    return _Parser(text, source, start).whole()


class _Parser:
    def __init__(self, text: str, source: ir.Source, start: int) -> None:
        self.text = text
        self.source = source
        self.base = start
        self.tokens: list[tuple[str, str, int, int]] = []
        place = 1
        end = len(text) - 1
        while place < end:
            match = _TOKEN.match(text, place, end)
            if match is None:
                if not text[place:end].strip():
                    break
                raise ExpressionError(f"{text[place : place + 20].strip()!r} cannot stand here", place)
            kind = ("text", "number", "name", "sign")[(match.lastindex or 1) - 1]
            token = match[match.lastindex or 0]
            self.tokens.append((kind, token, match.end() - len(token), match.end()))
            place = match.end()
        self.tokens.append(("end", "", end, end))
        self.at = 0

    def whole(self) -> ir.Expression:
        found = self.expression(0)
        kind, token, place, _ = self.tokens[self.at]
        if kind != "end":
            raise ExpressionError(f"{token[:20]!r} stands behind the end of the expression", place)
        return found

    def span(self, start: int) -> ir.Span:
        end = self.tokens[self.at - 1][3]
        return ir.Span(self.source, self.base + start, self.base + end)

    def take(self, sign: str) -> None:
        kind, token, place, _ = self.tokens[self.at]
        if kind != "sign" or token != sign:
            raise ExpressionError(f"expected {sign!r}", place)
        self.at += 1

    def sees(self, sign: str) -> bool:
        kind, token, _, _ = self.tokens[self.at]
        return kind == "sign" and token == sign

    def expression(self, depth: int) -> ir.Expression:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression nests deeper than {MAX_DEPTH} levels", self.tokens[self.at][2])
        start = self.tokens[self.at][2]
        found = self.primary(depth)
        while True:
            if self.sees("."):
                self.at += 1
                kind, token, place, _ = self.tokens[self.at]
                if kind != "name":
                    raise ExpressionError("expected a name behind '.'", place)
                self.at += 1
                found = ir.Member(self.span(start), found, ir.Literal(self.span(place), token))
            elif self.sees("["):
                self.at += 1
                key = self.expression(depth + 1)
                self.take("]")
                found = ir.Member(self.span(start), found, key)
            else:
                return found

    def primary(self, depth: int) -> ir.Expression:
        kind, token, start, _ = self.tokens[self.at]
        if kind == "text":
            self.at += 1
            return ir.Literal(self.span(start), token[1:-1].replace("''", "'"))
        if kind == "number":
            self.at += 1
            return ir.Literal(self.span(start), float(token) if "." in token else int(token))
        if kind != "name":
            raise ExpressionError("expected a function, a text or a number", start)
        name = token
        self.at += 1
        while self.sees(".") and self.tokens[self.at + 1][0] == "name":
            name += "." + self.tokens[self.at + 1][1]
            self.at += 2
        self.take("(")
        arguments: list[ir.Expression] = []
        while not self.sees(")"):
            arguments.append(self.expression(depth + 1))
            if not self.sees(")"):
                self.take(",")
        self.take(")")
        return self.call(name.lower(), tuple(arguments), start)

    def call(self, name: str, arguments: tuple[ir.Expression, ...], start: int) -> ir.Expression:
        span = self.span(start)
        if name == "lambda" and arguments:
            names = [one.value for one in arguments[:-1] if isinstance(one, ir.Literal)]
            return ir.Lambda(span, tuple(str(one) for one in names), arguments[-1])
        if name == "lambdavariables" and len(arguments) == 1 and isinstance(arguments[0], ir.Literal):
            return ir.Name(span, str(arguments[0].value))
        return ir.Call(span, name, arguments)

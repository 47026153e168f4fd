"""Bicep expressions: tokens → the intermediate form, without a syntax tree in between.

The parser works in one of two ways. At first it stops at the first thing it does not understand, which is cheapest
where there is none. When there is one, the text is parsed again, *mending*: what is wrong is noted, the smallest thing
around it (a property, an item, else a statement) is given up, and parsing goes on behind it. A property whose value
could not be understood stays, with a value that is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from auditor.sources.arm import ir
from auditor.sources.bicep.lexer import BAD, CLOSE, END, MIDDLE, NAME, NEWLINE, NUMBER, OPEN, TEXT, Tokens

MAX_DEPTH: Final = 64
"""Expressions and types inside one another. Each takes up to eight calls of Python, which allows a thousand."""
MAX_LINKS: Final = 1000
"""Operators, members or branches in one chain."""
MAX_PROBLEMS: Final = 100
MAX_NUMBER: Final = 2**64 - 1
MAX_NAME: Final = 255

NAMESPACES: Final = frozenset({"az", "sys"})

PRECEDENCE: Final = {
    "*": 100,
    "/": 100,
    "%": 100,
    "+": 90,
    "-": 90,
    "<": 80,
    ">": 80,
    "<=": 80,
    ">=": 80,
    "==": 70,
    "!=": 70,
    "=~": 70,
    "!~": 70,
    "&&": 50,
    "||": 40,
    "??": 30,
}
OPERATORS: Final = {
    "*": "mul",
    "/": "div",
    "%": "mod",
    "+": "add",
    "-": "sub",
    "<": "less",
    ">": "greater",
    "<=": "lessorequals",
    ">=": "greaterorequals",
    "==": "equals",
    "!=": "equals",
    "=~": "equalsignorecase",
    "!~": "equalsignorecase",
    "&&": "and",
    "||": "or",
    "??": "coalesce",
}
NEGATED: Final = frozenset({"!=", "!~"})
POSTFIX: Final = frozenset({".", "[", "::", "!"})
OPENING: Final = frozenset({"(", "[", "{", OPEN})
CLOSING: Final = frozenset({")", "]", "}", CLOSE})
_STOPS: Final = CLOSING | {END}
WORD_VALUES: Final = {"true": True, "false": False, "null": None}
DECLARATIONS: Final = frozenset(
    {"targetScope", "metadata", "param", "var", "func", "type", "resource", "module", "output", "import", "extension"}
    | {"provider", "assert", "test", "using", "extends", "extensionConfig"}
)
"""What a statement can begin with."""

_FOUND: Final = {
    END: "the end of the file",
    NEWLINE: "a new line",
    TEXT: "a text",
    OPEN: "a text",
    MIDDLE: "the end of a hole",
    CLOSE: "the end of a hole",
    NUMBER: "a number",
}


class ParseError(Exception):
    """Something that cannot be parsed; caught where parsing can go on."""

    def __init__(self, problem: ir.Problem) -> None:
        """Take what is to be reported."""
        super().__init__(problem.message)
        self.problem = problem


class ExpressionParser:
    """A cursor over tokens, and the grammar of expressions.

    Methods raise ParseError for what cannot be understood, with the cursor anywhere. `_at` is the next token's index.
    """

    def __init__(self, source: ir.Source, tokens: Tokens, *, mending: bool) -> None:
        """Stand before the first token."""
        self._source = source
        self._kinds, self._values, self._starts, self._ends = tokens
        self._mending = mending
        self._at = 0
        self._depth = 0
        self.problems: list[ir.Problem] = []

    # ── the cursor ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _span(self, start: int) -> ir.Span:
        """From an offset to the end of the last token taken."""
        return ir.Span(self._source, start, self._ends[self._at - 1])

    def _here(self) -> ir.Span:
        return ir.Span(self._source, self._starts[self._at], self._ends[self._at])

    def _failed(self, message: str) -> ParseError:
        """What to raise for the next token."""
        return ParseError(ir.Problem(self._here(), message))

    def _unexpected(self, expected: str) -> ParseError:
        kind = self._kinds[self._at]
        if kind == BAD:
            return self._failed(self._values[self._at])
        if kind == END and self._at < len(self._kinds) - 1:
            found = "the next declaration"
        else:
            found = _FOUND.get(kind) or f"'{self._values[self._at][:60]}'"
        return self._failed(f"expected {expected}, found {found}")

    def _note(self, span: ir.Span, message: str) -> None:
        """Report something parsing can go on behind of without a loss."""
        if not self._mending:
            raise ParseError(ir.Problem(span, message))
        self._report(ir.Problem(span, message))

    def _report(self, problem: ir.Problem) -> None:
        """Keep a problem, but only one of those at the same place: one missing bracket may leave much open."""
        if self.problems and self.problems[-1].span.start == problem.span.start:
            return
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append(ir.Problem(problem.span, "there is more from here on that could not be understood"))

    def _expect(self, kind: str, expected: str = "") -> None:
        """Take a token of this kind."""
        if self._kinds[self._at] != kind:
            raise self._unexpected(expected or f"'{kind}'")
        self._at += 1

    def _name(self, expected: str) -> str:
        at = self._at
        if self._kinds[at] != NAME:
            raise self._unexpected(expected)
        if len(self._values[at]) > MAX_NAME:
            raise self._failed(f"the name is longer than {MAX_NAME} characters")
        self._at = at + 1
        return self._values[at]

    def _text(self, expected: str) -> str:
        """A text without holes."""
        at = self._at
        if self._kinds[at] != TEXT:
            raise self._unexpected(expected)
        self._at = at + 1
        return self._values[at]

    def _skip_lines(self) -> None:
        while self._kinds[self._at] == NEWLINE:
            self._at += 1

    def _is_word(self, word: str) -> bool:
        return self._kinds[self._at] == NAME and self._values[self._at] == word

    # ── mending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _give_up(self, start: int, depth: int, failure: ParseError, lost: str) -> None:
        """After a failure inside an item that began at token `start`: report, and go to where the item ends."""
        if not self._mending:
            raise failure
        message = failure.problem.message
        self._report(ir.Problem(failure.problem.span, f"{message} ({lost})"))
        self._depth = depth
        kinds = self._kinds
        at = start
        inside = 0
        while True:
            kind = kinds[at]
            if kind == END or (inside == 0 and at > start and kind in (NEWLINE, ",")):
                break
            if kind in OPENING:
                inside += 1
            elif kind in CLOSING:
                if inside == 0:
                    break
                inside -= 1
            at += 1
        self._at = at

    def _close(self, kind: str) -> None:
        """Take the bracket that ends an object or an array; when mending, whatever stands where it should."""
        found = self._kinds[self._at]
        if found == kind:
            self._at += 1
            return
        failure = self._unexpected(f"'{kind}'")
        if not self._mending or (found != END and found not in CLOSING):
            raise failure
        self._report(failure.problem)
        if found != END:
            self._at += 1

    def _unreadable(self, span: ir.Span, reason: str) -> ir.Expression:
        """An expression whose value is not known, with the reason."""
        return ir.Call(span, "unreadable", (ir.Literal(span, reason),), builtin=True)

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _expression(self) -> ir.Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._failed(f"expressions nest deeper than {MAX_DEPTH} levels")
        kinds = self._kinds
        result = self._operand()
        kind = kinds[self._at]
        if kind in PRECEDENCE:
            result = self._operators(result)
            kind = kinds[self._at]
        if kind == "?" or (kind == NEWLINE and kinds[self._at + 1] == "?"):
            result = self._conditional(result)
        self._depth -= 1
        return result

    def _operators(self, first: ir.Expression) -> ir.Expression:
        """What binary operators make of operands; all of them group to the left."""
        operands = [first]
        waiting: list[str] = []
        kinds = self._kinds
        for _ in range(MAX_LINKS):
            operator = kinds[self._at]
            strength = PRECEDENCE.get(operator, 0)
            while waiting and PRECEDENCE[waiting[-1]] >= strength:
                right = operands.pop()
                operands.append(self._binary(waiting.pop(), operands.pop(), right))
            if not strength:
                return operands[0]
            waiting.append(operator)
            self._at += 1
            operands.append(self._operand())
        raise self._failed(f"more than {MAX_LINKS} operators stand in one expression")

    def _binary(self, operator: str, left: ir.Expression, right: ir.Expression) -> ir.Expression:
        span = ir.Span(self._source, left.span.start, right.span.end)
        call = ir.Call(span, OPERATORS[operator], (left, right), builtin=True)
        return ir.Call(span, "not", (call,), builtin=True) if operator in NEGATED else call

    def _conditional(self, condition: ir.Expression) -> ir.Expression:
        """`c ? x : y`, which may begin new lines before `?` and before `:`; the last branch may be one as well."""
        branches: list[tuple[ir.Expression, ir.Expression]] = []
        kinds = self._kinds
        last = condition
        while kinds[self._at] == "?" or (kinds[self._at] == NEWLINE and kinds[self._at + 1] == "?"):
            if len(branches) == MAX_LINKS:
                raise self._failed(f"more than {MAX_LINKS} conditions stand in one expression")
            self._skip_lines()
            self._at += 1
            yes = self._expression()
            if kinds[self._at] == NEWLINE and kinds[self._at + 1] == ":":
                self._at += 1
            self._expect(":")
            branches.append((last, yes))
            last = self._operand()
            if kinds[self._at] in PRECEDENCE:
                last = self._operators(last)
        end = last.span.end
        for test, yes in reversed(branches):
            last = ir.Call(ir.Span(self._source, test.span.start, end), "if", (test, yes, last), builtin=True)
        return last

    def _operand(self) -> ir.Expression:
        """A unary operator and what it applies to, or a primary expression with its members."""
        kinds = self._kinds
        at = self._at
        kind = kinds[at]
        result: ir.Expression
        if kind == NAME:
            result = self._named()
        elif kind == TEXT:
            self._at = at + 1
            result = ir.Literal(ir.Span(self._source, self._starts[at], self._ends[at]), self._values[at])
        elif kind == "{":
            result = self._object()
        elif kind == "[":
            result = self._array()
        elif kind == OPEN:
            result = self._interpolation()
        elif kind in WORD_VALUES:
            self._at = at + 1
            result = ir.Literal(ir.Span(self._source, self._starts[at], self._ends[at]), WORD_VALUES[kind])
        elif kind == NUMBER:
            result = ir.Literal(ir.Span(self._source, self._starts[at], self._ends[at]), self._number())
        elif kind == "(":
            result = self._parenthesized()
        elif kind in ("!", "-"):
            return self._unary(kind)
        else:
            raise self._unexpected("an expression")
        return self._members(result, self._starts[at]) if kinds[self._at] in POSTFIX else result

    def _unary(self, operator: str) -> ir.Expression:
        start = self._starts[self._at]
        self._at += 1
        if self._kinds[self._at] in ("!", "-"):
            raise self._unexpected("an expression without another operator before it")
        operand = self._operand()
        span = self._span(start)
        if operator == "!":
            return ir.Call(span, "not", (operand,), builtin=True)
        if isinstance(operand, ir.Literal) and type(operand.value) is int:
            return ir.Literal(span, -operand.value)
        return ir.Call(span, "sub", (ir.Literal(span, 0), operand), builtin=True)

    def _number(self) -> int:
        digits = self._values[self._at]
        if len(digits) > 40 or int(digits) > MAX_NUMBER:
            raise self._failed("the number does not fit into 64 bits")
        self._at += 1
        return int(digits)

    def _members(self, base: ir.Expression, start: int) -> ir.Expression:
        """What stands behind an expression: `.name`, `.?name`, `.method()`, `[i]`, `[?i]`, `[^i]`, `::child`, `!`."""
        kinds = self._kinds
        for _ in range(MAX_LINKS):
            kind = kinds[self._at]
            if kind == ".":
                self._at += 1
                safe = kinds[self._at] == "?"
                if safe:
                    self._at += 1
                at = self._at
                name = self._name("a name behind the '.'")
                if kinds[self._at] == "(" and not safe:
                    arguments = self._arguments()
                    builtin = isinstance(base, ir.Name) and base.name in NAMESPACES
                    if not builtin:
                        arguments = (base, *arguments)
                    base = self._call(name, self._span(start), arguments, builtin=builtin)
                else:
                    key = ir.Literal(ir.Span(self._source, self._starts[at], self._ends[at]), name)
                    base = ir.Member(self._span(start), base, key, safe)
            elif kind == "[":
                self._at += 1
                safe = kinds[self._at] == "?"
                if safe:
                    self._at += 1
                from_end = kinds[self._at] == "^"
                if from_end:
                    self._at += 1
                index = self._expression()
                self._expect("]")
                base = ir.Member(self._span(start), base, index, safe, from_end)
            elif kind == "::":
                self._at += 1
                name = self._name("a nested resource's name behind the '::'")
                span = self._span(start)
                if isinstance(base, ir.Name):
                    base = ir.Name(span, f"{base.name}::{name}")
                else:
                    base = self._unreadable(span, "a nested resource of something that is no name is not followed")
            elif kind == "!":
                self._at += 1
            else:
                return base
        raise self._failed(f"more than {MAX_LINKS} members stand in one chain")

    def _named(self) -> ir.Expression:
        """A name, a call, or a lambda with one parameter."""
        at = self._at
        name = self._values[at]
        start = self._starts[at]
        self._at = at + 1
        kind = self._kinds[at + 1]
        if kind == "(":
            arguments = self._arguments()
            return self._call(name, self._span(start), arguments)
        span = ir.Span(self._source, start, self._ends[at])
        if kind == "=>":
            return self._lambda(start, (name,))
        return ir.Name(span, name)

    def _call(
        self, name: str, span: ir.Span, arguments: tuple[ir.Expression, ...], *, builtin: bool = False
    ) -> ir.Expression:
        if name == "nameof" and len(arguments) == 1:
            # The compiler replaces it, and the name of a thing that cannot be read is still its name.
            named = arguments[0]
            if isinstance(named, ir.Name):
                return ir.Literal(span, named.name.rpartition("::")[2])
            if isinstance(named, ir.Member) and isinstance(named.key, ir.Literal):
                return ir.Literal(span, named.key.value)
        return ir.Call(span, name.lower(), arguments, builtin)

    def _arguments(self) -> tuple[ir.Expression, ...]:
        """Arguments in parentheses; new lines may stand behind `(` and `,`, and before `)`."""
        kinds = self._kinds
        self._at += 1
        if kinds[self._at] == ")":
            self._at += 1
            return ()
        result: list[ir.Expression] = []
        while True:
            self._skip_lines()
            if not result and kinds[self._at] == ")":
                break
            result.append(self._expression())
            if kinds[self._at] == ",":
                self._at += 1
                continue
            self._skip_lines()
            if kinds[self._at] == ")":
                break
            raise self._unexpected("',' or ')'")
        self._at += 1
        return tuple(result)

    def _parenthesized(self) -> ir.Expression:
        """An expression in parentheses, or a lambda with any number of parameters."""
        kinds = self._kinds
        at = self._at
        start = self._starts[at]
        self._at = at + 1
        self._skip_lines()
        items: list[ir.Expression] = []
        while kinds[self._at] != ")":
            items.append(self._expression())
            self._skip_lines()
            if kinds[self._at] == ",":
                self._at += 1
                self._skip_lines()
            elif kinds[self._at] != ")":
                raise self._unexpected("')'")
        self._at += 1
        if kinds[self._at] == "=>":
            names = tuple(item.name for item in items if isinstance(item, ir.Name))
            if len(names) != len(items):
                raise self._failed("the parameters of a lambda are names")
            return self._lambda(start, names)
        if len(items) != 1:
            self._at -= 1
            raise self._unexpected("one expression in parentheses")
        return items[0]

    def _lambda(self, start: int, names: tuple[str, ...]) -> ir.Lambda:
        self._expect("=>")
        if self._kinds[self._at] == NEWLINE and self._values[self._at + 1] not in DECLARATIONS:
            self._at += 1
        body = self._expression()
        return ir.Lambda(self._span(start), names, body)

    def _interpolation(self) -> ir.Expression:
        """A text with holes."""
        kinds = self._kinds
        start = self._starts[self._at]
        parts: list[ir.Expression] = []
        while True:
            at = self._at
            kind = kinds[at]
            if self._values[at]:
                span = ir.Span(self._source, self._starts[at], self._ends[at])
                parts.append(ir.Literal(span, self._values[at]))
            self._at = at + 1
            if kind == CLOSE:
                return ir.Interpolation(self._span(start), tuple(parts))
            parts.append(self._expression())
            if kinds[self._at] not in (MIDDLE, CLOSE):
                raise self._unexpected("'}'")

    # ── objects, arrays, loops ───────────────────────────────────────────────────────────────────────────────────────

    def _object(self, declaration: Callable[[], bool] | None = None) -> ir.ObjectNode:
        """An object. `declaration` takes what is declared inside it, where something is, and says whether it was."""
        kinds = self._kinds
        start = self._starts[self._at]
        entries: list[ir.Entry | ir.Spread] = []
        self._at += 1
        self._skip_lines()
        stops = _STOPS if self._mending else ("}", END)
        while kinds[self._at] not in stops:
            at, depth = self._at, self._depth
            try:
                if declaration is not None and declaration():
                    more = self._separated("}")
                else:
                    entry = self._entry()
                    more = self._separated("}")
                    entries.append(entry)
            except ParseError as failure:
                self._lose_entry(at, depth, failure, entries)
                more = self._separated("}")
            if not more:
                break
        self._close("}")
        return ir.ObjectNode(self._span(start), tuple(entries))

    def _entry(self) -> ir.Entry | ir.Spread:
        """`key: value` or `...value`."""
        kind = self._kinds[self._at]
        start = self._starts[self._at]
        if kind == "...":
            self._at += 1
            value = self._expression()
            return ir.Spread(self._span(start), value)
        key = self._key()
        self._expect(":")
        value = self._expression()
        return ir.Entry(self._span(start), key, value)

    def _key(self) -> ir.Expression:
        at = self._at
        kind = self._kinds[at]
        if kind == OPEN:
            return self._interpolation()
        if kind not in (NAME, TEXT):
            raise self._unexpected("a property's name")
        self._at = at + 1
        return ir.Literal(ir.Span(self._source, self._starts[at], self._ends[at]), self._values[at])

    def _lose_entry(self, at: int, depth: int, failure: ParseError, entries: list[ir.Entry | ir.Spread]) -> None:
        """After a failure in an object's entry: keep the property with an unknown value if its name was read.

        Where it was not, nothing in the object is certain but what was read of it; nested resources are no properties.
        """
        kind, value = self._kinds[at], self._values[at]
        message = failure.problem.message
        if kind in (NAME, TEXT) and (value != "resource" or self._kinds[at + 1] == ":"):
            self._give_up(at, depth, failure, f"the value of '{value[:60]}' was skipped")
            span = self._span(self._starts[at])
            key = ir.Literal(ir.Span(self._source, self._starts[at], self._ends[at]), value)
            entries.append(ir.Entry(span, key, self._unreadable(span, message)))
        elif kind == "@" or kind in (NAME, TEXT):
            self._give_up(at, depth, failure, "a nested resource was skipped")
        else:
            self._give_up(at, depth, failure, "a property was skipped")
            span = self._span(self._starts[at])
            entries.append(ir.Spread(span, self._unreadable(span, message)))

    def _separated(self, closing: str) -> bool:
        """Take what separates items: new lines, or a comma; False when there is nothing more to separate."""
        kinds = self._kinds
        kind = kinds[self._at]
        if kind == NEWLINE:
            self._at += 1
            return True
        if kind == ",":
            self._at += 1
            if kinds[self._at] == NEWLINE:
                # The compiler minds a line that ends in a comma; what is meant is clear all the same.
                self._at += 1
            return True
        if kind == closing:
            return False
        if self._mending and (kind == END or kind in CLOSING):
            return False
        raise self._unexpected(f"a new line, ',' or '{closing}'")

    def _array(self) -> ir.Expression:
        """An array, or a loop that makes one."""
        kinds = self._kinds
        start = self._starts[self._at]
        self._at += 1
        self._skip_lines()
        if self._is_word("for"):
            return self._comprehension(start)
        items: list[ir.Expression | ir.Spread] = []
        stops = _STOPS if self._mending else ("]", END)
        while kinds[self._at] not in stops:
            at, depth = self._at, self._depth
            try:
                if kinds[at] == "...":
                    self._at += 1
                    value = self._expression()
                    item: ir.Expression | ir.Spread = ir.Spread(self._span(self._starts[at]), value)
                else:
                    item = self._expression()
                more = self._separated("]")
                items.append(item)
            except ParseError as failure:
                self._give_up(at, depth, failure, "an item was skipped")
                items.append(self._unreadable(self._span(self._starts[at]), failure.problem.message))
                more = self._separated("]")
            if not more:
                break
        self._close("]")
        return ir.ArrayNode(self._span(start), tuple(items))

    def _comprehension(self, start: int) -> ir.Expression:
        loop = self._loop()
        condition = None
        if self._is_word("if") and self._kinds[self._at + 1] == "(":
            self._at += 1
            condition = self._parenthesized()
        body = self._expression()
        self._end_loop()
        return ir.Comprehension(self._span(start), loop, body, condition)

    def _loop(self) -> ir.Loop:
        """`for item in items:` or `for (item, index) in items:`."""
        start = self._starts[self._at]
        self._at += 1
        index = ""
        if self._kinds[self._at] == "(":
            self._at += 1
            item = self._name("the name of the loop's item")
            self._expect(",")
            index = self._name("the name of the loop's index")
            self._expect(")")
        else:
            item = self._name("the name of the loop's item, or '('")
        if not self._is_word("in"):
            raise self._unexpected("'in'")
        self._at += 1
        items = self._expression()
        span = self._span(start)
        self._expect(":")
        return ir.Loop(span, items, item=item, index=index)

    def _end_loop(self) -> None:
        self._skip_lines()
        self._expect("]")

"""Evaluates expressions of Terraform's language, as far as a configuration alone decides them.

What it does not decide is an `Unknown` that says why: nothing is ever taken for its default, for null or for absent.
Where a condition is undecided, both branches are evaluated and are what the value can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Context, Decimal, DivisionByZero, InvalidOperation
from typing import Any, Final

from auditor.model import EMPTY, Unknown
from auditor.sources.arm.values import unknown_of
from auditor.sources.terraform import syntax
from auditor.sources.terraform.functions import FUNCTIONS, UNDECIDABLE
from auditor.sources.terraform.instances import Partly, Reference
from auditor.sources.terraform.syntax import Expression
from auditor.sources.terraform.values import (
    MAX_ITEMS,
    MAX_TEXT,
    EvaluationError,
    Exhausted,
    Lazy,
    Set,
    Undecided,
    bounded,
    equal,
    kind_of,
    settled,
    shown,
    spread,
    to_bool,
    to_map,
    to_number,
    to_text,
)

MAX_STEPS: Final = 1_000_000
"""Expressions, items and characters (by the hundred) that one configuration may take."""
MAX_DEPTH: Final = 160
"""Evaluations inside one another. Each takes up to four calls of Python, which allows a thousand."""

Names = Callable[[str], Any]
"""Gives what a reference begins with (`var`, a resource's type). Raises EvaluationError for what is no name."""
Local = Mapping[str, Any]
"""Names around an expression that win over those: of a `for`, `each`, `count`, a dynamic block's iterator."""

_ELEMENT: Final = "*"


@dataclass(slots=True)
class Budget:
    """What one configuration may still take."""

    steps: int = MAX_STEPS
    depth: int = 0

    def spend(self, steps: int) -> None:
        """Take some steps. Raises Exhausted."""
        self.steps -= steps
        if self.steps < 0:
            raise Exhausted(f"the configuration takes more than {MAX_STEPS:,} steps to evaluate")

    @contextmanager
    def inside(self, levels: int) -> Iterator[None]:
        """Some levels deeper. Raises Exhausted."""
        if self.depth + levels > MAX_DEPTH:
            raise Exhausted("it nests too deep to be evaluated")
        self.depth += levels
        try:
            yield
        finally:
            self.depth -= levels


class Evaluator:
    """Evaluates the expressions of one module. `special` are functions that need to know where they stand."""

    def __init__(self, names: Names, special: Mapping[str, Callable[..., Any]], budget: Budget) -> None:
        """Take the module's names; the budget is shared by all modules of a configuration."""
        self._names = names
        self._special = special
        self._budget = budget

    def guarded(self, node: Expression, local: Local = EMPTY) -> Any:
        """A value; an Unknown for what Terraform would refuse, and for what is too much to evaluate."""
        return self._guarded(node, lambda: self.value(node, local))

    def settled(self, node: Expression, local: Local = EMPTY) -> Any:
        """The same, and nothing that is `Lazy` itself."""
        return self._guarded(node, lambda: settled(self.value(node, local)))

    def _guarded(self, node: Expression, evaluate: Callable[[], Any]) -> Any:
        try:
            return evaluate()
        except EvaluationError as error:
            return Unknown(f"Terraform would refuse `{node.span.text}`: {error}")
        except Exhausted as limit:
            return Unknown(str(limit))

    def value(self, node: Expression, local: Local = EMPTY) -> Any:
        """A value, possibly `Lazy` or an Unknown. Raises EvaluationError or Exhausted."""
        budget = self._budget
        budget.spend(1)
        if isinstance(node, syntax.Literal):
            return node.value
        with budget.inside(1):
            return self._of(node, local)

    def _of(self, node: Expression, local: Local) -> Any:
        match node:
            case syntax.Name(name=name):
                return local[name] if name in local else self._names(name)
            case syntax.Member() | syntax.Index():
                return self._path(node, local)
            case syntax.Template():
                return self._template(node, local)
            case syntax.Call():
                return self._call(node, local)
            case syntax.TupleNode(items=items):
                return [self.value(item, local) for item in items]
            case syntax.ObjectNode():
                return self._object(node, local)
            case syntax.Conditional():
                return self._conditional(node, local)
            case syntax.Binary():
                return self._binary(node, local)
            case syntax.Unary(operator=operator, operand=operand):
                return spread((settled(self.value(operand, local)),), _UNARY[operator])
            case syntax.For():
                return self._for(node, local)
            case syntax.Splat():
                return self._splat(node, local)
            case syntax.Element():
                return local[_ELEMENT]
            case syntax.Broken(message=message):
                return Unknown(f"it could not be read: {message}")
            case _:
                raise EvaluationError("it is no expression")

    # ── references ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _path(self, node: Expression, local: Local) -> Any:
        """A chain of members and indexes, from its base on."""
        steps: list[syntax.Member | syntax.Index] = []
        while isinstance(node, syntax.Member | syntax.Index):
            steps.append(node)
            node = node.base
        value = self.value(node, local)
        for step in reversed(steps):
            key = step.key if isinstance(step, syntax.Member) else self.value(step.key, local)
            value = part(value, key, member=isinstance(step, syntax.Member))
        return value

    def _splat(self, node: syntax.Splat, local: Local) -> Any:
        base = settled(self.value(node.base, local))
        if isinstance(base, Unknown):
            return spread((base,), lambda one: self._each(node, one, local))
        return self._each(node, base, local)

    def _each(self, node: syntax.Splat, base: Any, local: Local) -> Any:
        items = base if isinstance(base, list) else [] if base is None else [base]
        return [self.value(node.each, {**local, _ELEMENT: item}) for item in items]

    # ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _template(self, node: syntax.Template, local: Local) -> Any:
        if len(node.parts) == 1:
            return self.value(node.parts[0], local)
        return self._joined([settled(self.value(item, local)) for item in node.parts])

    def _joined(self, parts: Sequence[Any]) -> Any:
        if parts and isinstance(parts[0], Reference) and not any(isinstance(one, Unknown) for one in parts[1:]):
            behind = self._text(*parts[1:])
            if parts[0].attribute == "id" and (parts[0].below or behind).startswith("/"):
                return replace(parts[0], possible=(), below=parts[0].below + behind)
        return spread(parts, self._text)

    def _text(self, *parts: Any) -> str:
        for one in parts:
            if one is None:
                raise EvaluationError("null cannot be part of a text")
        text = "".join(map(to_text, parts))
        if len(text) > MAX_TEXT:
            raise Exhausted("a text is too long")
        self._budget.spend(len(text) // 100)
        return text

    # ── operators ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _binary(self, node: syntax.Binary, local: Local) -> Any:
        """A chain of operators; those on the left are taken one after the other, not one inside the other."""
        links: list[syntax.Binary] = []
        left_node: Expression = node
        while isinstance(left_node, syntax.Binary):
            links.append(left_node)
            left_node = left_node.left
        left = self.value(left_node, local)
        for link in reversed(links):
            self._budget.spend(1)
            if link.operator in ("&&", "||"):
                left = self._logic(link.operator == "||", left, link.right, local)
            elif link.operator in ("==", "!="):
                left = _equality(left, self.value(link.right, local), negated=link.operator == "!=")
            else:
                right = settled(self.value(link.right, local))
                operator = _ARITHMETIC[link.operator]
                left = spread((settled(left), right), lambda a, b, do=operator: do(to_number(a), to_number(b)))
        return left

    def _logic(self, decisive: bool, left: Any, right: Expression, local: Local) -> Any:
        """`||` where `decisive` is True, else `&&`: the other side matters only where this one does not decide."""
        one = spread((settled(left),), to_bool)
        if one is decisive:
            return decisive
        other = spread((settled(self.value(right, local)),), to_bool)
        if other is decisive or not isinstance(one, Unknown):
            return other
        return spread((one, other), lambda a, b: a or b if decisive else a and b)

    def _conditional(self, node: syntax.Conditional, local: Local) -> Any:
        condition = spread((settled(self.value(node.condition, local)),), to_bool)
        if not isinstance(condition, Unknown):
            return self.value(node.yes if condition else node.no, local)
        reason = f"`{node.condition.span.text}` is not decided: {condition.reason}"
        try:
            branches = [self.value(branch, local) for branch in (node.yes, node.no)]
        except EvaluationError:
            return Unknown(reason)
        if any(isinstance(branch, Lazy) for branch in branches):
            return branches[0] if branches[0] is branches[1] else Unknown(reason)
        return unknown_of(branches, reason)

    # ── collections ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _object(self, node: syntax.ObjectNode, local: Local) -> Any:
        result: dict[str, Any] = {}
        for entry in node.entries:
            key = settled(self.value(entry.key, local))
            if isinstance(key, Unknown):
                return Unknown(f"a key of it is not known: {key.reason}")
            result[to_text(key)] = self.value(entry.value, local)
        return result

    def _for(self, node: syntax.For, local: Local) -> Any:
        items = settled(self.value(node.items, local))
        return spread((items,), lambda one: self._loop(node, one, local))

    def _loop(self, node: syntax.For, items: Any, local: Local) -> Any:
        results: list[tuple[Any, Any]] = []
        for key, item in entries(items):
            self._budget.spend(1)
            inner = {**local, node.value: item}
            if node.key:
                inner[node.key] = key
            if node.condition is not None:
                keep = spread((settled(self.value(node.condition, inner)),), to_bool)
                if isinstance(keep, Unknown):
                    raise Undecided(keep)
                if not keep:
                    continue
            result_key = None
            if node.result_key is not None:
                result_key = settled(self.value(node.result_key, inner))
                if isinstance(result_key, Unknown):
                    raise Undecided(result_key)
            results.append((result_key, self.value(node.result, inner)))
            if len(results) > MAX_ITEMS:
                raise Exhausted("a collection has too many items")
        if node.text:
            return self._joined([settled(value) for _, value in results])
        if node.result_key is None:
            return [value for _, value in results]
        return _keyed(results, grouped=node.grouped)

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, node: syntax.Call, local: Local) -> Any:
        name = node.name.removeprefix("core::")
        if name in ("try", "can"):
            return self._try(node, local, can=name == "can")
        if name in UNDECIDABLE or "::" in name:
            return Unknown(f"{name}() is not evaluated{UNDECIDABLE.get(name, '')}")
        arguments = [self.value(argument, local) for argument in node.arguments]
        if node.expand:
            last = settled(arguments.pop())
            if isinstance(last, Unknown):
                return Unknown(last.reason)
            if not isinstance(last, list):
                raise EvaluationError(f"... needs a list, and this is {kind_of(last)}")
            arguments += last
        self._budget.spend(len(arguments))
        special = self._special.get(name)
        if special is not None:
            return spread([settled(argument) for argument in arguments], special)
        function = FUNCTIONS.get(name)
        if function is None:
            return Unknown(f"{name}() is a function that is not known")
        least, most = function.least, function.most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            raise EvaluationError(f"{name}() takes {_count(least, most)}, and there are {len(arguments)}")
        if function.passes:
            try:
                return function.apply(*arguments)
            except Undecided as undecided:
                return Unknown(undecided.unknown.reason)
        result = spread([settled(argument) for argument in arguments], function.apply)
        self._weigh(result)
        return result

    def _weigh(self, result: Any) -> None:
        """Bound what functions make."""
        if isinstance(result, str):
            if len(result) > MAX_TEXT:
                raise Exhausted("a text is too long")
            self._budget.spend(len(result) // 100)
        elif isinstance(result, list | dict):
            if len(result) > MAX_ITEMS:
                raise Exhausted("a collection has too many items")
            self._budget.spend(len(result) // 10)

    def _try(self, node: syntax.Call, local: Local, *, can: bool) -> Any:
        """The first argument that Terraform would not refuse; `can` asks only whether it would."""
        if not node.arguments or (can and len(node.arguments) > 1):
            raise EvaluationError("can() takes one argument, and try() at least one")
        for argument in node.arguments:
            try:
                value = self.value(argument, local)
            except EvaluationError:
                if can:
                    return False
                continue
            if can:
                return Unknown(value.reason) if isinstance(value, Unknown) else True
            return value
        raise EvaluationError("none of the arguments of try() has a value")


def part(value: Any, key: Any, *, member: bool = False) -> Any:
    """A member or an element of a value. Raises EvaluationError where there is none."""
    if isinstance(value, Lazy):
        return value.member(key) if member else value.index(key)
    if isinstance(value, dict) and isinstance(key, str) and key in value:
        return value[key]
    return spread((value, settled(key)), _part)


def _part(value: Any, key: Any) -> Any:
    if isinstance(value, Lazy):
        return value.index(key)
    if isinstance(value, dict):
        name = to_text(key)
        if isinstance(value, Partly):
            return value.get(name)
        if name not in value:
            raise EvaluationError(f"it has no attribute {shown(name)}")
        return value[name]
    if isinstance(value, list) and not isinstance(value, Set):
        index = to_number(key)
        if not isinstance(index, int) or not 0 <= index < len(value):
            raise EvaluationError(f"it has {len(value)} items, and none at {shown(key)}")
        return value[index]
    raise EvaluationError(f"{kind_of(value)} has no parts")


def entries(items: Any) -> Iterator[tuple[Any, Any]]:
    """What a loop goes over: a list by index, a set by its items, a map by key in order."""
    if isinstance(items, dict):
        yield from sorted(to_map(items).items())
    elif isinstance(items, Set):
        yield from ((item, item) for item in items)
    elif isinstance(items, list):
        yield from enumerate(items)
    else:
        raise EvaluationError(f"a list or a map is needed to go over, and this is {kind_of(items)}")


def _keyed(results: Sequence[tuple[Any, Any]], *, grouped: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in results:
        name = to_text(key)
        if grouped:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise EvaluationError(f"two of its items have the key {shown(name)}")
        else:
            found[name] = value
    return found


def _equality(left: Any, right: Any, *, negated: bool) -> Any:
    def compared(one: Any, other: Any) -> bool:
        return equal(one, other) is not negated

    if isinstance(left, Lazy) or isinstance(right, Lazy):
        try:
            return compared(left, right)
        except Undecided as undecided:
            return Unknown(undecided.unknown.reason)
    return spread((left, right), compared)


_EXACT: Final = Context(prec=350)
"""Numbers are decimal, and exact enough that 0.1 + 0.2 is 0.3, as Terraform's are."""


def _exactly(combine: Callable[[Decimal, Decimal], Decimal]) -> Callable[[float, float], Any]:
    def apply(left: float, right: float) -> Any:
        try:
            result = combine(Decimal(repr(left)), Decimal(repr(right)))
        except (DivisionByZero, InvalidOperation) as error:
            raise Undecided(Unknown("it divides by zero")) from error
        return bounded(int(result) if result == result.to_integral_value() else float(result))

    return apply


_UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "!": lambda one: not to_bool(one),
    "-": lambda one: -to_number(one),
}
_ARITHMETIC: Final[Mapping[str, Callable[[float, float], Any]]] = {
    "+": _exactly(_EXACT.add),
    "-": _exactly(_EXACT.subtract),
    "*": _exactly(_EXACT.multiply),
    "/": _exactly(_EXACT.divide),
    "%": _exactly(_EXACT.remainder),
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _count(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} or more arguments"
    return f"{least} to {most} arguments" if most != least else f"{least} argument{'' if least == 1 else 's'}"

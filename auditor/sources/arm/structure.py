"""What the functions share: their table's entry, checks of arguments, and whole values taken, compared and written.

Containers may hold what is not known anywhere inside. Comparing answers in three values, and text that was made from
something unknown says so. Every walk is bounded in depth and in steps: a template can share one object a million
times, and its copies would never end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from auditor.model import Unknown
from auditor.sources.arm.values import MAX_POSSIBLE, Arr, EvaluationError, Mark, Obj, Placeholder, unknown_of

MAX_TEXT: Final = 1 << 20
"""Characters of a text a function makes."""
MAX_ITEMS: Final = 100_000
"""Items of an array a function makes."""
MAX_NESTING: Final = 100
"""Containers inside each other that a function walks through."""
MAX_STEPS: Final = 200_000
"""Values one call of a function visits when it compares or writes."""


class Builtin(NamedTuple):
    """A function: what computes it, and how many arguments it takes (`most` is None when there is no limit).

    A `lenient` one takes arguments that are not known as they are; the others never see an `Unknown` argument.
    """

    call: Callable[..., Any]
    least: int
    most: int | None
    lenient: bool = False


# ── arguments ────────────────────────────────────────────────────────────────────────────────────────────────────────


def kind(value: Any) -> str:
    """How messages call a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "an array"
    return "an object" if isinstance(value, dict) else "something else"


def a_text(value: Any, what: str = "the argument") -> str:
    """The argument as text. Raises EvaluationError when it is none."""
    if not isinstance(value, str):
        raise EvaluationError(f"{what} is {kind(value)}, not text")
    return value


def an_integer(value: Any, what: str = "the argument") -> int:
    """The argument as a whole number. Raises EvaluationError when it is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise EvaluationError(f"{what} is {kind(value)}, not a whole number")
    return value


def an_array(value: Any, what: str = "the argument") -> list[Any]:
    """The argument as an array. Raises EvaluationError when it is none."""
    if not isinstance(value, list):
        raise EvaluationError(f"{what} is {kind(value)}, not an array")
    return value


def an_object(value: Any, what: str = "the argument") -> dict[str, Any]:
    """The argument as an object. Raises EvaluationError when it is none."""
    if not isinstance(value, dict):
        raise EvaluationError(f"{what} is {kind(value)}, not an object")
    return value


def short(text: Any) -> str:
    """A text as a message quotes it."""
    return repr(str(text)[:80])


def within_text(length: int) -> None:
    """Raise EvaluationError when a text of this length is not made."""
    if length > MAX_TEXT:
        raise EvaluationError(f"the text would be longer than {MAX_TEXT:,} characters")


def within_items(count: int) -> None:
    """Raise EvaluationError when an array of this length is not made."""
    if count > MAX_ITEMS:
        raise EvaluationError(f"the array would have more than {MAX_ITEMS:,} items")


# ── what is not known ────────────────────────────────────────────────────────────────────────────────────────────────


def alternatives(arguments: Sequence[Any], call: Callable[..., Any]) -> Any:
    """The result for arguments of which some may be unknown: what all the alternatives they have lead to.

    Without alternatives, or with too many, the result is unknown for the reason the argument is.
    """
    unknown = [argument for argument in arguments if isinstance(argument, Unknown)]
    if not unknown:
        return call(*arguments)
    without = next((one for one in unknown if not one.possible), None)
    if without is not None:
        return without
    if math.prod(len(one.possible) for one in unknown) > MAX_POSSIBLE:
        return Unknown(unknown[0].reason)
    choices = (one.possible if isinstance(one, Unknown) else (one,) for one in arguments)
    results: list[Any] = []
    refused: EvaluationError | None = None
    for chosen in itertools.product(*choices):
        try:
            results.append(call(*chosen))
        except EvaluationError as error:
            refused = error
    if refused is not None:
        if not results:
            raise refused
        results.append(Unknown(str(refused)))
    return unknown_of(results, unknown[0].reason)


def tainted(value: Any, reason: str, depth: int = MAX_NESTING) -> Any:
    """A result that was computed from a placeholder: its texts are placeholders, another scalar is unknown.

    Inside containers only texts are marked.
    """
    if isinstance(value, str):
        return value if isinstance(value, Placeholder) else Placeholder(value, reason)
    if isinstance(value, dict | list):
        return _tainted_inside(value, reason, depth)
    return value if isinstance(value, Unknown) else Unknown(reason)


def _tainted_inside(value: Any, reason: str, depth: int) -> Any:
    if isinstance(value, str):
        return tainted(value, reason)
    if not isinstance(value, dict | list) or not depth:
        return value
    result: Any
    if isinstance(value, dict):
        result = Obj((key, _tainted_inside(item, reason, depth - 1)) for key, item in value.items())
    else:
        result = Arr(_tainted_inside(item, reason, depth - 1) for item in value)
    if isinstance(value, Obj | Arr):
        result.marks = dict(value.marks)
    return result


class Steps:
    """What is left of the steps one call may take."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        """Start with all of them."""
        self.left = MAX_STEPS

    def take(self, depth: int) -> None:
        """Count a value visited at a depth. Raises EvaluationError when there are no steps left, or it is too deep."""
        self.left -= 1
        if self.left < 0:
            raise EvaluationError("the value is too large to be looked through")
        if depth > MAX_NESTING:
            raise EvaluationError("the value nests too deep")


# ── making objects ───────────────────────────────────────────────────────────────────────────────────────────────────


class Building:
    """An object that gets its properties one by one; a name given again without regard to case keeps its spelling."""

    __slots__ = ("_names", "made")

    def __init__(self, entries: Mapping[str, Any] | None = None) -> None:
        """Begin with the properties of an object, and their marks."""
        self.made = Obj(entries or ())
        self._names = {name.casefold(): name for name in self.made}

    def name(self, name: str) -> str | None:
        """How the object spells the name, or None when it has no such property."""
        return self._names.get(name.casefold())

    def set(self, name: str, value: Any, mark: Mark | None = None) -> None:
        """Set a property."""
        name = self._names.setdefault(name.casefold(), name)
        self.made[name] = value
        if mark is not None:
            self.made.marks[name] = mark
        else:
            self.made.marks.pop(name, None)


def mark_of(container: Any, key: Any) -> Mark | None:
    """Where an entry of a container is written, when it is known."""
    return container.marks.get(key) if isinstance(container, Obj | Arr) else None


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def equal(left: Any, right: Any, steps: Steps | None = None) -> bool | Unknown:
    """Whether two values are the same JSON, or an Unknown when what is not known inside decides it."""
    return _equal(left, right, steps or Steps(), 0)


def _equal(left: Any, right: Any, steps: Steps, depth: int) -> bool | Unknown:
    steps.take(depth)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Unknown):
            return _equal_to_unknown(one, other, steps, depth)
    if isinstance(left, str) and isinstance(right, str):
        made = next((one for one in (left, right) if isinstance(one, Placeholder)), None)
        return left == right if made is None else Unknown(made.reason)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return False
        return _all((_equal(value, right[key], steps, depth + 1) for key, value in left.items()))
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return False
        return _all(_equal(*pair, steps, depth + 1) for pair in zip(left, right, strict=True))
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return False
    return bool(left == right)


def _equal_to_unknown(unknown: Unknown, other: Any, steps: Steps, depth: int) -> bool | Unknown:
    if unknown.possible:
        answers = [_equal(one, other, steps, depth + 1) for one in unknown.possible]
        if all(answer is answers[0] for answer in answers):
            return answers[0]
        return Unknown(unknown.reason, (True, False))
    return Unknown(unknown.reason)


def _all(answers: Iterable[bool | Unknown]) -> bool | Unknown:
    doubt: Unknown | None = None
    for answer in answers:
        if answer is False:
            return False
        if isinstance(answer, Unknown) and doubt is None:
            doubt = answer
    return True if doubt is None else doubt


Key = tuple[Any, ...]


def key_of(value: Any, steps: Steps | None = None) -> Key | None:
    """Something hashable that equal values share; None for a value that holds something unknown.

    A placeholder shares it with one of the same text, and with no known text.
    """
    return _key_of(value, steps or Steps(), 0)


def _key_of(value: Any, steps: Steps, depth: int) -> Key | None:
    steps.take(depth)
    if isinstance(value, Unknown):
        return None
    if isinstance(value, dict | list):
        names = sorted(value) if isinstance(value, dict) else range(len(value))
        keys = []
        for name in names:
            key = _key_of(value[name], steps, depth + 1)
            if key is None:
                return None
            keys.append((name, key))
        return (kind(value), *keys)
    if isinstance(value, str):
        return ("placeholder" if isinstance(value, Placeholder) else "text", str(value))
    return ("boolean" if isinstance(value, bool) else "scalar", value)


def unknown_inside(values: Iterable[Any]) -> Unknown | None:
    """The first thing unknown or made from a placeholder inside some values, as an Unknown."""
    steps = Steps()
    pending = [(value, 0) for value in values]
    while pending:
        value, depth = pending.pop()
        steps.take(depth)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Placeholder):
            return Unknown(value.reason)
        if isinstance(value, dict | list):
            pending.extend((item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))
    return None


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_ESCAPES: Final[Mapping[int, str]] = {
    **{code: f"\\u{code:04x}" for code in (*range(0x20), 0x85, 0x2028, 0x2029)},
    **{ord(char): f"\\{letter}" for char, letter in zip("\b\t\n\f\r\\", "btnfr\\", strict=True)},
}
_QUOTED: Final[Mapping[str, Mapping[int, str]]] = {
    quote: {**_ESCAPES, ord(quote): f"\\{quote}"} for quote in ("'", '"')
}


def to_text(value: Any) -> str | Unknown:
    """A value as interpolation writes it: `True`, `12`, `{'a':1}`; an Unknown or a Placeholder when it is not known.

    Raises EvaluationError for what is too large.
    """
    if isinstance(value, str | Unknown):
        return value
    if isinstance(value, dict | list):
        return render(value, "'")
    return scalar_text(value)


def scalar_text(value: Any) -> str:
    """Null (nothing), a boolean (`True`), a number or text as .NET writes it. Raises EvaluationError for the rest."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return _float_text(value).removesuffix(".0")
    if isinstance(value, str | int):
        return str(value)
    raise EvaluationError(f"{kind(value)} has no text")


def _float_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    return repr(value).replace("e", "E").replace("inf", "Infinity").replace("nan", "NaN")


class _Rendering:
    """A JSON text being put together."""

    def __init__(self, quote: str) -> None:
        self.quote = quote
        self.table = _QUOTED[quote]
        self.parts: list[str] = []
        self.length = 0
        self.steps = Steps()
        self.made_from: Placeholder | None = None

    def add(self, part: str) -> None:
        self.length += len(part)
        within_text(self.length)
        self.parts.append(part)

    def text(self, text: str) -> None:
        within_text(self.length + len(text))
        if isinstance(text, Placeholder) and self.made_from is None:
            self.made_from = text
        self.add(f"{self.quote}{text.translate(self.table)}{self.quote}")

    def write(self, value: Any, depth: int = 0) -> Unknown | None:
        """Write a value; gives the Unknown that stands in the way, if there is one."""
        self.steps.take(depth)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, dict):
            return self._sequence("{}", [(key, item) for key, item in value.items()], depth)
        if isinstance(value, list):
            return self._sequence("[]", [(None, item) for item in value], depth)
        if isinstance(value, str):
            self.text(value)
        elif value is None or isinstance(value, bool):
            self.add("null" if value is None else str(value).lower())
        else:
            self.add(_float_text(value) if isinstance(value, float) else scalar_text(value))
        return None

    def _sequence(self, brackets: str, entries: list[tuple[str | None, Any]], depth: int) -> Unknown | None:
        self.add(brackets[0])
        for index, (key, item) in enumerate(entries):
            if index:
                self.add(",")
            if key is not None:
                self.text(key)
                self.add(":")
            unknown = self.write(item, depth + 1)
            if unknown is not None:
                return unknown
        self.add(brackets[1])
        return None


def render(value: Any, quote: str = '"') -> str | Unknown:
    """A value as compact JSON with one or the other quote; an Unknown or a Placeholder when it holds one.

    Raises EvaluationError when the text gets too long or the value nests too deep.
    """
    rendering = _Rendering(quote)
    unknown = rendering.write(value)
    if unknown is not None:
        return Unknown(unknown.reason)
    text = "".join(rendering.parts)
    return text if rendering.made_from is None else Placeholder(text, rendering.made_from.reason)

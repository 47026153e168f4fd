"""Values with marks beside them: which of them are unknown, which are sensitive, and what is written for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from auditor.model import Unknown
from auditor.sources.terraform.references import Scope, is_expression

MAX_LEVELS: Final = 64
"""Blocks, lists and objects inside one another."""

SENSITIVE: Final = Unknown("its value is sensitive")
LATER: Final = Unknown("known after apply")
_CONTRADICTION: Final = Unknown("the plan says two things of it")
_DEEP: Final = Unknown("it nests too deep")


class Written(NamedTuple):
    """What the configuration says around a value; `expressions` is None where it does not show what stands there."""

    expressions: Mapping[str, Any] | None
    place: Scope
    new: bool
    """Whether the object is made anew, so that what is unset is unknown before it is."""
    address: str


Undecided = Callable[[str, Written], Unknown | None]
"""What an attribute or a block is that is unknown as a whole, by its name and what is written around it: unset (None),
or an Unknown. What is not written is a list, or nothing tells that it is none, so that it may be a block."""

_NOWHERE: Final = Written(None, Scope(()), False, "")


def merged(
    values: dict[str, Any],
    unknown: dict[str, Any],
    sensitive: Any,
    written: Written = _NOWHERE,
    undecided: Undecided | None = None,
) -> dict[str, Any]:
    """A resource's values, changed to have an Unknown in place of what is not known and of what is sensitive."""
    if sensitive is True:
        return dict.fromkeys((*values, *unknown), SENSITIVE)
    return _object(values, unknown, sensitive, written, undecided or (lambda _name, _written: LATER), 0)


def _object(
    values: dict[str, Any], unknown: Any, sensitive: Any, written: Written, undecided: Undecided, depth: int
) -> dict[str, Any]:
    told = isinstance(sensitive, dict)
    secret: dict[str, Any] = sensitive if told else {}
    expressions = written.expressions if told and written.new else None
    for name, mark in unknown.items() if isinstance(unknown, dict) else ():
        if mark is True:
            # Lists and maps that are unknown stand among the sensitive values as empty ones. Of a new object a scalar
            # that nobody wrote is unset, and there are very many of these.
            if expressions is None or name in expressions or name in secret:
                values[name] = undecided(name, written)
            elif name in values:
                values[name] = None
        elif mark:
            values[name] = _inside(values.get(name), mark, secret.get(name), _within(written, name), undecided, depth)
    for name, mark in secret.items():
        if mark is True:
            values[name] = SENSITIVE
        elif mark and not (isinstance(unknown, dict) and unknown.get(name)) and name in values:
            values[name] = _inside(values[name], None, mark, (), undecided, depth)
    return values


def _inside(
    value: Any, unknown: Any, sensitive: Any, written: tuple[Written, ...], undecided: Undecided, depth: int
) -> Any:
    """A value with its marks: `written` are the blocks of its name, if the configuration shows as many as there are."""
    if sensitive is True:
        return SENSITIVE
    if unknown is True:
        return LATER
    if not unknown and not sensitive:
        return value
    if depth > MAX_LEVELS:
        return _DEEP
    if isinstance(value, dict) and _fits(unknown, dict) and _fits(sensitive, dict):
        block = written[0] if len(written) == 1 else _NOWHERE
        return _object(value, unknown, sensitive, block, undecided, depth + 1)
    if isinstance(value, list) and _fits(unknown, list) and _fits(sensitive, list):
        blocks = written if len(written) == len(value) else (_NOWHERE,) * len(value)
        items = [
            _inside(item, _at(unknown, index), _at(sensitive, index), blocks[index : index + 1], undecided, depth + 1)
            for index, item in enumerate(value)
        ]
        return items if len(unknown or ()) <= len(items) else [*items, LATER]
    if any_true(sensitive):
        return SENSITIVE
    return _CONTRADICTION if any_true(unknown) or not isinstance(unknown or [], list | dict) else value


def _fits(mark: Any, kind: type) -> bool:
    """Whether a mark says something of a value of this kind, or nothing at all."""
    return not mark or isinstance(mark, kind)


def _at(marks: Any, index: int) -> Any:
    return marks[index] if marks and index < len(marks) else None


def _within(written: Written, name: str) -> tuple[Written, ...]:
    """The blocks of a name; each with what is written in any of them, since those of a set come in another order."""
    if written.expressions is None:
        return ()
    blocks = written.expressions.get(name)
    if isinstance(blocks, dict) and not is_expression(blocks):
        blocks = [blocks]
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return ()
    if len(blocks) > 1:
        first, *others = blocks
        names = dict.fromkeys(one for block in blocks for one in block)
        same = {one: first.get(one) if all(first.get(one) == b.get(one) for b in others) else {} for one in names}
        blocks = [same] * len(blocks)
    return tuple(written._replace(expressions=block, address=f"{written.address}.{name}") for block in blocks)


def any_true(mark: Any, depth: int = 0) -> bool:
    """Whether anything is marked in a value's marks."""
    if depth > MAX_LEVELS:
        return True
    if isinstance(mark, dict):
        return any(any_true(one, depth + 1) for one in mark.values())
    if isinstance(mark, list):
        return any(any_true(one, depth + 1) for one in mark)
    return mark is True

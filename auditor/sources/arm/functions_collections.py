"""The functions over arrays and objects, and those that take a text as well as an array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm import texts
from auditor.sources.arm.structure import (
    Building,
    Builtin,
    Steps,
    a_text,
    alternatives,
    an_array,
    an_integer,
    an_object,
    equal,
    key_of,
    kind,
    mark_of,
    scalar_text,
    short,
    unknown_inside,
    within_items,
    within_text,
)
from auditor.sources.arm.values import (
    MAX_POSSIBLE,
    Arr,
    EvaluationError,
    Obj,
    Placeholder,
    find_key,
    unknown_of,
)

_MAX_RANGE: Final = 10_000
_MAX_INTEGER: Final = (1 << 31) - 1


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def member(base: Any, key: Any, *, safe: bool = False, from_end: bool = False) -> Any:
    """The property or item of a value; names compare without case, and `from_end` counts from the end (1 is last).

    A `safe` member of null, and one that is missing, is null. Of a key that is not known, the result is one of the
    values there are. Raises EvaluationError for a member that is missing or cannot be.
    """
    if isinstance(base, Unknown) or (isinstance(key, Unknown) and key.possible):
        return alternatives((base, key), lambda one, name: member(one, name, safe=safe, from_end=from_end))
    if base is None and safe:
        return None
    if isinstance(key, Unknown | Placeholder) and isinstance(base, dict | list):
        return _one_of(base, key, safe)
    if isinstance(base, dict):
        return _property(base, a_text(key, "the name of a property"), safe)
    if isinstance(base, list):
        return _item(base, an_integer(key, "the index"), safe, from_end)
    raise EvaluationError(f"{kind(base)} has no member {short(key)}")


def _one_of(base: dict[str, Any] | list[Any], key: Unknown | Placeholder, safe: bool) -> Any:
    if isinstance(base, list) and isinstance(key, str):
        raise EvaluationError("the index is text, not a whole number")
    if len(base) > MAX_POSSIBLE:
        return Unknown(key.reason)
    # Any other key would be refused.
    values = list(base.values() if isinstance(base, dict) else base)
    return unknown_of([*values, None] if safe else values, key.reason)


def _property(base: dict[str, Any], name: str, safe: bool) -> Any:
    key = find_key(base, name)
    if key is not None:
        return base[key]
    unnamed = _unknown_name(base)
    if unnamed is not None:
        return unnamed
    if safe:
        return None
    raise EvaluationError(f"there is no property {short(name)}")


def _item(base: list[Any], index: int, safe: bool, from_end: bool) -> Any:
    at = len(base) - index if from_end else index
    if 0 <= at < len(base):
        return base[at]
    if safe:
        return None
    raise EvaluationError(f"an array of {len(base)} items has no item {index}{' from the end' if from_end else ''}")


def _unknown_name(base: dict[str, Any]) -> Unknown | None:
    """An Unknown when a property's name was made from a placeholder: it can be any name."""
    made = next((key for key in base if isinstance(key, Placeholder)), None)
    return None if made is None else Unknown(made.reason)


def _chain(from_end: bool) -> Callable[..., Any]:
    def try_get(base: Any, key: Any, *more: Any) -> Any:
        found = member(base, key, safe=True, from_end=from_end)
        for name in more:
            if found is None:
                return None
            found = member(found, name)
        return found

    return try_get


def _index_from_end(items: Any, index: Any) -> Any:
    return member(an_array(items), index, from_end=True)


# ── texts and arrays ─────────────────────────────────────────────────────────────────────────────────────────────────


def _gathered(arrays: Iterable[list[Any]]) -> Arr:
    result = Arr()
    for array in arrays:
        start = len(result)
        within_items(start + len(array))
        result.extend(array)
        if isinstance(array, Arr):
            result.marks |= {start + index: mark for index, mark in array.marks.items()}
    return result


def _concat(*values: Any) -> Any:
    if isinstance(values[0], list):
        return _gathered(an_array(value) for value in values)
    parts: list[str] = []
    for value in values:
        if isinstance(value, dict | list) or value is None:
            raise EvaluationError(f"{kind(value)} is not put behind text")
        parts.append(scalar_text(value))
    within_text(sum(map(len, parts)))
    return "".join(parts)


def _sized(value: Any) -> int:
    if isinstance(value, str):
        return texts.length(value)
    if isinstance(value, dict | list):
        return len(value)
    raise EvaluationError(f"{kind(value)} has no length")


def _empty(value: Any) -> bool:
    return value is None or _sized(value) == 0


def _end(index: int) -> Callable[[Any], Any]:
    def end(value: Any) -> Any:
        if isinstance(value, str):
            units = texts.length(value)
            at = index % units if units else 0
            return texts.part(value, at, at + 1)
        items = an_array(value)
        return items[index] if items else None

    return end


def _part(value: Any, start: int, stop: int) -> Any:
    if isinstance(value, str):
        return texts.part(value, start, stop)
    items = an_array(value)
    result = Arr(items[start:stop])
    if isinstance(items, Arr):
        result.marks = {index - start: mark for index, mark in items.marks.items() if start <= index < stop}
    return result


def _skip(value: Any, count: Any) -> Any:
    length = _length_of_sequence(value)
    return _part(value, min(max(an_integer(count, "the number"), 0), length), length)


def _take(value: Any, count: Any) -> Any:
    return _part(value, 0, min(max(an_integer(count, "the number"), 0), _length_of_sequence(value)))


def _length_of_sequence(value: Any) -> int:
    if not isinstance(value, str | list):
        raise EvaluationError(f"{kind(value)} is neither text nor an array")
    return _sized(value)


def _contains(container: Any, wanted: Any) -> bool | Unknown:
    if isinstance(container, str):
        if isinstance(wanted, bool) or not isinstance(wanted, str | int):
            raise EvaluationError(f"{kind(wanted)} is not looked for in text")
        return scalar_text(wanted) in container
    if isinstance(container, list):
        place, doubt = _search(container, wanted, range(len(container)))
        return place >= 0 or doubt or False
    name = scalar_text(wanted) if isinstance(wanted, int) else a_text(wanted, "the name of a property")
    if find_key(an_object(container, "the container"), name) is not None:
        return True
    return _unknown_name(container) or False


def _index_of(first: bool) -> Callable[[Any, Any], int | Unknown]:
    def index_of(container: Any, wanted: Any) -> int | Unknown:
        if isinstance(container, str):
            text, part = texts.folded(container), texts.folded(a_text(wanted, "what is looked for"))
            found = text.find(part) if first else text.rfind(part)
            return found if found < 0 else texts.length(container[:found])
        items = an_array(container)
        place, doubt = _search(items, wanted, range(len(items)) if first else range(len(items) - 1, -1, -1))
        return place if doubt is None else doubt

    return index_of


def _search(items: list[Any], wanted: Any, places: Iterable[int]) -> tuple[int, Unknown | None]:
    """The first of the places where an item stands, else -1; and an Unknown when it may stand before that."""
    doubt: Unknown | None = None
    steps = Steps()
    for place in places:
        answer = equal(items[place], wanted, steps)
        if answer is True:
            return place, doubt
        if isinstance(answer, Unknown) and doubt is None:
            doubt = answer
    return -1, doubt


# ── arrays ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _array(value: Any) -> Arr:
    return value if isinstance(value, Arr) else Arr(value if isinstance(value, list) else [value])


def _create_array(*items: Any) -> Arr:
    return Arr(items)


def _range(start: Any, count: Any) -> Arr:
    first, number = an_integer(start, "the start"), an_integer(count, "the number")
    if not 0 <= number <= _MAX_RANGE or not -_MAX_INTEGER <= first <= _MAX_INTEGER - number:
        raise EvaluationError(f"there is no range of {str(number)[:20]} numbers from {str(first)[:20]}")
    return Arr(range(first, first + number))


def _flatten(arrays: Any) -> Any:
    return alternatives(an_array(arrays), lambda *parts: _gathered(an_array(part, "an item") for part in parts))


def _distinct(*arrays: Any) -> Arr:
    """The items of all arrays in their order, equal ones once. What is not known is equal to nothing."""
    result = Arr()
    seen = set()
    steps = Steps()
    for array in arrays:
        for index, item in enumerate(an_array(array)):
            key = key_of(item, steps)
            if key is None or key not in seen:
                seen.add(key)
                result.add(item, mark_of(array, index))
    return result


# ── objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _create_object(*entries: Any) -> Obj | Unknown:
    if len(entries) % 2:
        raise EvaluationError("a property has a name and no value")
    building = Building()
    for name, value in zip(entries[::2], entries[1::2], strict=True):
        if isinstance(name, Unknown):
            return Unknown(f"the name of a property is not known: {name.reason}")
        building.set(a_text(name, "the name of a property"), value)
    return building.made


def _union(*values: Any) -> Any:
    if isinstance(values[0], list):
        within_items(sum(len(an_array(value)) for value in values))
        return _distinct(*values)
    return _merged([an_object(value) for value in values], Steps(), 0)


def _merged(objects: list[dict[str, Any]], steps: Steps, depth: int) -> Obj:
    """Objects put together: what is an object in both is merged, and all else is replaced by the later one."""
    building = Building(objects[0])
    for source in objects[1:]:
        for key, value in source.items():
            steps.take(depth)
            there = building.name(key)
            if there is not None:
                value = _merged_value(building.made[there], value, steps, depth)
            building.set(key, value, mark_of(source, key))
    return building.made


def _merged_value(old: Any, new: Any, steps: Steps, depth: int) -> Any:
    def merge(one: Any, other: Any) -> Any:
        both = isinstance(one, dict) and isinstance(other, dict)
        return _merged([one, other], steps, depth + 1) if both else other

    return alternatives((old, new), merge) if isinstance(new, dict | Unknown) else new


def _shallow_merge(entries: Any) -> Any:
    return alternatives(an_array(entries), _spread)


def _spread(*values: Any) -> Obj:
    building = Building()
    for value in values:
        for key, entry in an_object(value, "an item").items():
            building.set(key, entry, mark_of(value, key))
    return building.made


def _intersection(*values: Any) -> Any:
    unknown = unknown_inside(values)
    if unknown is not None:
        return unknown
    steps = Steps()
    if isinstance(values[0], list):
        others = [{key_of(item, steps) for item in an_array(value)} for value in values[1:]]
        kept = Arr()
        candidates = _distinct(values[0])
        for index, item in enumerate(candidates):
            key = key_of(item, steps)
            if all(key in other for other in others):
                kept.add(item, candidates.marks.get(index))
        return kept
    objects = [Building(an_object(value)) for value in values]
    common = Building()
    for name, value in values[0].items():
        names = [other.name(name) for other in objects[1:]]
        pairs = zip(names, objects[1:], strict=True)
        if all(there is not None and equal(value, other.made[there], steps) is True for there, other in pairs):
            common.set(name, value, mark_of(values[0], name))
    return common.made


def _items(value: Any) -> Arr:
    result = Arr()
    for key in _names(value):
        entry = Obj({"key": key})
        entry.put("value", value[key], mark_of(value, key))
        result.add(entry)
    return result


def _object_keys(value: Any) -> Arr:
    return Arr(_names(value))


def _names(value: Any) -> list[str]:
    """The names of an object's properties, sorted without regard to case; those that differ in case only stay."""
    return sorted(an_object(value), key=texts.folded)


BUILTINS: Final[Mapping[str, Builtin]] = {
    "tryget": Builtin(_chain(from_end=False), 2, None),
    "tryindexfromend": Builtin(_chain(from_end=True), 2, None),
    "indexfromend": Builtin(_index_from_end, 2, 2),
    "concat": Builtin(_concat, 1, None),
    "length": Builtin(_sized, 1, 1),
    "empty": Builtin(_empty, 1, 1),
    "first": Builtin(_end(0), 1, 1),
    "last": Builtin(_end(-1), 1, 1),
    "skip": Builtin(_skip, 2, 2),
    "take": Builtin(_take, 2, 2),
    "contains": Builtin(_contains, 2, 2),
    "indexof": Builtin(_index_of(first=True), 2, 2),
    "lastindexof": Builtin(_index_of(first=False), 2, 2),
    "array": Builtin(_array, 1, 1),
    "createarray": Builtin(_create_array, 0, None, lenient=True),
    "range": Builtin(_range, 2, 2),
    "flatten": Builtin(_flatten, 1, 1),
    "distinct": Builtin(_distinct, 1, 1),
    "createobject": Builtin(_create_object, 0, None, lenient=True),
    "union": Builtin(_union, 2, None),
    "shallowmerge": Builtin(_shallow_merge, 1, 1),
    "intersection": Builtin(_intersection, 2, None),
    "items": Builtin(_items, 1, 1),
    "objectkeys": Builtin(_object_keys, 1, 1),
}

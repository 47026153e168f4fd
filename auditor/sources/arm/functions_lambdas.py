"""The functions that call a function: `map`, `filter`, `reduce`, `sort`, `groupBy`, `toObject` and `mapValues`.

A lambda is called with the values it works on; those of `map`, `filter` and `reduce` with the index behind them, which
a lambda without a parameter for it must ignore.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from auditor.model import Unknown
from auditor.sources.arm.structure import (
    Building,
    Builtin,
    a_text,
    alternatives,
    an_array,
    an_object,
    kind,
    mark_of,
)
from auditor.sources.arm.values import Arr, EvaluationError, Function, Obj, Placeholder


class _UndecidedError(Exception):
    """A sort met a comparison that is not known."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.reason)
        self.unknown = unknown


def _a_lambda(value: Any) -> Function:
    if not callable(value):
        raise EvaluationError("a lambda is expected")
    function: Function = value
    return function


def _answer(value: Any) -> bool | Unknown:
    if isinstance(value, Unknown | Placeholder):
        return Unknown(value.reason)
    if not isinstance(value, bool):
        raise EvaluationError(f"the lambda gives {kind(value)}, neither true nor false")
    return value


def _map(items: Any, function: Any) -> Arr:
    call = _a_lambda(function)
    return Arr([call(item, index) for index, item in enumerate(an_array(items))])


def _filter(items: Any, function: Any) -> Arr | Unknown:
    call = _a_lambda(function)
    result = Arr()
    for index, item in enumerate(an_array(items)):
        wanted = _answer(call(item, index))
        if isinstance(wanted, Unknown):
            return wanted
        if wanted:
            result.add(item, mark_of(items, index))
    return result


def _reduce(items: Any, start: Any, function: Any) -> Any:
    """The start may be unknown: what the lambda makes of it counts."""
    call = _a_lambda(function)

    def reduce(known: Any) -> Any:
        result = start
        for index, item in enumerate(an_array(known)):
            result = call(result, item, index)
        return result

    return alternatives((items,), reduce)


def _sort(items: Any, function: Any) -> Arr | Unknown:
    call = _a_lambda(function)

    class _Place:
        __slots__ = ("index",)

        def __init__(self, index: int) -> None:
            self.index = index

        def __lt__(self, other: _Place) -> bool:
            before = _answer(call(values[self.index], values[other.index]))
            if isinstance(before, Unknown):
                raise _UndecidedError(before)
            return before

    values = an_array(items)
    try:
        places = sorted(range(len(values)), key=_Place)
    except _UndecidedError as error:
        return error.unknown
    result = Arr()
    for index in places:
        result.add(values[index], mark_of(items, index))
    return result


def _keyed(items: Any, key: Any, value: Any, place: Callable[[Building, str, Any], None]) -> Obj | Unknown:
    name_of, value_of = _a_lambda(key), _a_lambda(value) if value is not None else None
    building = Building()
    for item in an_array(items):
        name = name_of(item)
        if isinstance(name, Unknown):
            return Unknown(f"the name of a property is not known: {name.reason}")
        place(building, a_text(name, "the key"), item if value_of is None else value_of(item))
    return building.made


def _to_object(items: Any, key: Any, value: Any = None) -> Obj | Unknown:
    return _keyed(items, key, value, Building.set)


def _group_by(items: Any, key: Any, value: Any = None) -> Obj | Unknown:
    def place(building: Building, name: str, item: Any) -> None:
        there = building.name(name)
        if there is None:
            building.set(name, Arr([item]))
        else:
            building.made[there].append(item)

    return _keyed(items, key, value, place)


def _map_values(value: Any, function: Any) -> Obj:
    call = _a_lambda(function)
    return Obj({name: call(entry) for name, entry in an_object(value).items()})


BUILTINS: Final[Mapping[str, Builtin]] = {
    "map": Builtin(_map, 2, 2),
    "filter": Builtin(_filter, 2, 2),
    "reduce": Builtin(_reduce, 3, 3, lenient=True),
    "sort": Builtin(_sort, 2, 2),
    "toobject": Builtin(_to_object, 2, 3),
    "groupby": Builtin(_group_by, 2, 3),
    "mapvalues": Builtin(_map_values, 2, 2),
}

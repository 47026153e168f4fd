"""Terraform's functions, as far as they are pure.

Arguments are settled values; what is unknown as a whole has been taken care of before (see `values.spread`), but lists
and maps may hold unknown values. A function that hangs on one of them raises Undecided; one that Terraform would refuse
raises EvaluationError. Source of what each does: Terraform 1.11 itself, which the tests' tables were made with.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from auditor.model import Unknown
from auditor.sources.terraform import networks, texts
from auditor.sources.terraform.values import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_TEXT,
    EvaluationError,
    Exhausted,
    Lazy,
    Set,
    Undecided,
    bounded,
    equal,
    is_number,
    is_primitive,
    kind_of,
    known,
    settled,
    shown,
    to_bool,
    to_list,
    to_map,
    to_number,
    to_set,
    to_text,
    unified,
)

UNDECIDABLE: Final[Mapping[str, str]] = {
    **dict.fromkeys(["timestamp", "plantimestamp", "uuid", "bcrypt"], "; it gives another value each time"),
    **dict.fromkeys(["regex", "regexall"], "; its patterns are another language"),
    **dict.fromkeys(["rsadecrypt", "issensitive", "ephemeralasnull", "type", "templatestring", "cidrcontains"], ""),
    **dict.fromkeys(["abspath", "pathexpand", "fileset", "filemd5", "filesha1", "filesha256", "filesha512"], ""),
    **dict.fromkeys(["filebase64sha256", "filebase64sha512", "csvdecode", "yamldecode", "yamlencode"], ""),
    **dict.fromkeys(["formatdate", "timeadd", "timecmp", "base64gzip", "textencodebase64", "textdecodebase64"], ""),
}
"""Functions that are known and not evaluated, each with a word on the reason."""


class Function(NamedTuple):
    """A function and how many arguments it takes (`most` is None for any number).

    One that `passes` values through is also given those that are unknown or `Lazy`.
    """

    apply: Callable[..., Any]
    least: int
    most: int | None
    passes: bool = False


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _extreme(choose: Callable[[Iterable[Any]], Any]) -> Callable[..., Any]:
    return lambda *numbers: choose([to_number(known(number)) for number in numbers])


def _logarithm(number: Any, base: Any) -> Any:
    try:
        return bounded(math.log(to_number(number), to_number(base)))
    except (ValueError, ZeroDivisionError) as error:
        raise EvaluationError("there is no such logarithm") from error


def _power(number: Any, exponent: Any) -> Any:
    try:
        return bounded(math.pow(to_number(number), to_number(exponent)))
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise EvaluationError("there is no such power") from error


def _parse_int(text: Any, base: Any) -> int:
    digits, radix = to_text(text), to_number(base)
    try:
        if not isinstance(radix, int) or not 2 <= radix <= 62 or len(digits) > 300 or "_" in digits or " " in digits:
            raise ValueError
        return int(digits, radix)
    except ValueError as error:
        raise EvaluationError(f"{shown(digits)} is no whole number of this base") from error


def _sum(numbers: Any) -> Any:
    found = [to_number(known(number)) for number in to_list(numbers)]
    if not found:
        raise EvaluationError("there is nothing to add up")
    return bounded(sum(found))


# ── collections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _all_true(items: Any) -> bool:
    return _quantified(items, all_=True)


def _any_true(items: Any) -> bool:
    return _quantified(items, all_=False)


def _quantified(items: Any, *, all_: bool) -> bool:
    undecided: Unknown | None = None
    for item in to_list(items):
        item = settled(item)
        if isinstance(item, Unknown):
            undecided = item
        elif (item is not None and to_bool(item)) is not all_:
            return not all_
    if undecided is not None:
        raise Undecided(undecided)
    return all_


def _coalesce(*values: Any) -> Any:
    """The first value that is neither null nor an empty text."""
    for value in values:
        plain = value if isinstance(value, Lazy) else settled(value)
        if isinstance(plain, Unknown):
            # What it is decides, even whether the next one counts.
            raise Undecided(plain)
        if plain is not None and plain != "":
            texts_too = is_primitive(plain) and any(isinstance(other, str) for other in values)
            return to_text(plain) if texts_too else plain
    raise EvaluationError("all of its values are null or empty")


def _coalesce_list(*lists: Any) -> Any:
    for one in lists:
        if one is not None and to_list(one):
            return one
    raise EvaluationError("all of its lists are empty")


def _compact(items: Any) -> list[Any]:
    return [item for item in map(known, to_list(items)) if item is not None and item != ""]


def _concat(*lists: Any) -> list[Any]:
    return [item for one in lists for item in to_list(one)]


def _contains(items: Any, value: Any) -> bool:
    undecided: Undecided | None = None
    for item in to_list(items):
        try:
            if equal(item, value):
                return True
        except Undecided as found:
            undecided = found
    if undecided is not None:
        raise undecided
    return False


def _distinct(items: Any) -> list[Any]:
    found: dict[str, Any] = {}
    for item in map(known, to_list(items)):
        found.setdefault(json.dumps(item, sort_keys=True), item)
    return list(found.values())


def _element(items: Any, index: Any) -> Any:
    found, at = to_list(items), to_number(index)
    if not found or not isinstance(at, int) or at < 0:
        raise EvaluationError(f"there is no element {shown(index)} among {len(found)}")
    return found[at % len(found)]


def _flatten(items: Any) -> list[Any]:
    result: list[Any] = []
    _flatten_into(result, to_list(items), MAX_DEPTH)
    return result


def _flatten_into(result: list[Any], items: Sequence[Any], depth: int) -> None:
    if not depth:
        raise EvaluationError("the list nests too deep")
    for item in items:
        plain = settled(item) if not isinstance(item, Lazy) else item
        if isinstance(plain, Unknown):
            # It may be a list itself, of any length.
            raise Undecided(plain)
        if isinstance(plain, list):
            _flatten_into(result, plain, depth - 1)
        else:
            result.append(item)


def _index(items: Any, value: Any) -> int:
    for index, item in enumerate(to_list(items)):
        if equal(item, value):
            return index
    raise EvaluationError("the value is not in the list")


def _keys(holder: Any) -> list[str]:
    return sorted(to_map(holder))


def _values(holder: Any) -> list[Any]:
    return [value for _, value in sorted(to_map(holder).items())]


def _length(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    raise EvaluationError(f"{kind_of(value)} has no length")


def _lookup(holder: Any, key: Any, *default: Any) -> Any:
    found, name = to_map(holder), to_text(key)
    if name in found:
        return found[name]
    if default:
        return default[0]
    raise EvaluationError(f"it has no key {shown(name)}")


def _match_keys(values: Any, keys: Any, wanted: Any) -> list[Any]:
    if len(to_list(values)) != len(to_list(keys)):
        raise EvaluationError("there are not as many values as keys")
    return [value for value, key in zip(values, keys, strict=True) if _contains(wanted, key)]


def _merge(*holders: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for holder in holders:
        if holder is not None:
            result |= to_map(holder)
    return result


def _one(items: Any) -> Any:
    if isinstance(items, Unknown):
        raise Undecided(items)
    found = to_list(settled(items))
    if len(found) > 1:
        raise EvaluationError(f"there are {len(found)} items, and one at most is asked for")
    return found[0] if found else None


def _range(*limits: Any) -> list[Any]:
    numbers = [to_number(limit) for limit in limits]
    start = numbers[0] if len(numbers) > 1 else 0
    limit = numbers[1] if len(numbers) > 1 else numbers[0]
    step = numbers[2] if len(numbers) > 2 else 1 if start <= limit else -1
    if not step or ((step > 0) != (limit >= start) and limit != start):
        raise EvaluationError("its step never reaches the limit")
    if (limit - start) / step > 1024:
        raise EvaluationError("it has more than 1024 items")
    result = []
    while (start < limit) if step > 0 else (start > limit):
        result.append(bounded(start))
        start += step
    return result


def _set_operation(combine: Callable[[list[Any], list[Any]], list[Any]]) -> Callable[..., Set]:
    def apply(first: Any, *others: Any) -> Set:
        result = known(to_list(first))
        for other in others:
            result = combine(result, known(to_list(other)))
        return to_set(result)

    return apply


def _set_product(*lists: Any) -> list[Any]:
    size = math.prod(len(to_list(one)) for one in lists)
    if size > MAX_ITEMS:
        raise Exhausted("a collection has too many items")
    result: list[list[Any]] = [[]]
    for one in lists:
        result = [[*before, item] for before in result for item in to_list(one)]
    return result


def _slice(items: Any, start: Any, end: Any) -> list[Any]:
    found, first, last = to_list(items), to_number(start), to_number(end)
    if not (isinstance(first, int) and isinstance(last, int) and 0 <= first <= last <= len(found)):
        raise EvaluationError("the list has no such part")
    return found[first:last]


def _sorted(items: Any) -> list[str]:
    return sorted(to_text(known(item)) for item in to_list(items))


def _chunks(items: Any, size: Any) -> list[Any]:
    found, count = to_list(items), to_number(size)
    if not isinstance(count, int) or count < 0:
        raise EvaluationError("the size of a chunk is a whole number")
    return [found[at : at + count] for at in range(0, len(found), count)] if count else [found]


def _transposed(holder: Any) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for key, items in sorted(known(to_map(holder)).items()):
        for item in to_list(items):
            result.setdefault(to_text(item), []).append(key)
    return result


def _zipped(keys: Any, values: Any) -> dict[str, Any]:
    names, found = to_list(keys), to_list(values)
    if len(names) != len(found):
        raise EvaluationError("there are not as many keys as values")
    return {to_text(known(name)): value for name, value in zip(names, found, strict=True)}


def _reversed(items: Any) -> list[Any]:
    return to_list(items)[::-1]


# ── kinds of values ──────────────────────────────────────────────────────────────────────────────────────────────────


def _nullable(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _as_text(value: Any) -> Any:
    """`tostring` of what is known; what is not stays what it is, a reference among it."""
    value = settled(value)
    return value if value is None or isinstance(value, Unknown) else to_text(value)


def _as_list(value: Any) -> list[Any]:
    items = to_list(value)
    return unified(items) if all(map(is_primitive, items)) else items


def _as_map(value: Any) -> dict[str, Any]:
    holder = to_map(value)
    return dict(zip(holder, _as_list(list(holder.values())), strict=True))


def _sensitive(value: Any) -> Any:
    return value if isinstance(value, Unknown) and not value.possible else Unknown("it is marked as sensitive")


# ── encodings and hashes ─────────────────────────────────────────────────────────────────────────────────────────────


def encoded(value: Any) -> str:
    """`jsonencode`: keys in order, and what could end a script escaped."""
    text = json.dumps(known(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MAX_TEXT:
        raise Exhausted("a text is too long")
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def decoded(text: Any) -> Any:
    """`jsondecode`."""
    try:
        return _plain(json.loads(to_text(text), parse_constant=_no_constant, parse_int=_whole))
    except (ValueError, RecursionError) as error:
        raise EvaluationError("the text is no JSON") from error


def _whole(digits: str) -> int:
    if len(digits) > 300:
        raise ValueError
    return int(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Numbers as an evaluation has them; nothing that nests too deep."""
    if isinstance(value, dict | list) and not depth:
        raise EvaluationError("the value nests too deep")
    if isinstance(value, dict):
        return {key: _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    return bounded(value) if is_number(value) else value


def _base64_decoded(text: Any) -> str:
    try:
        return base64.b64decode(to_text(text), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise EvaluationError("the text is no base64 of a text") from error


def _base64_encoded(text: Any) -> str:
    return base64.b64encode(to_text(text).encode("utf-8", "replace")).decode("ascii")


def _hash(name: str, *, as_base64: bool = False) -> Callable[[Any], str]:
    def apply(text: Any) -> str:
        digest = hashlib.new(name, to_text(text).encode("utf-8", "replace"), usedforsecurity=False)
        return base64.b64encode(digest.digest()).decode("ascii") if as_base64 else digest.hexdigest()

    return apply


_NAMESPACES: Final = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


def _uuid5(namespace: Any, name: Any) -> str:
    try:
        space = _NAMESPACES.get(to_text(namespace)) or uuid.UUID(to_text(namespace))
    except ValueError as error:
        raise EvaluationError("the namespace is no UUID") from error
    return str(uuid.uuid5(space, to_text(name)))


FUNCTIONS: Final[Mapping[str, Function]] = {
    "abs": Function(lambda number: abs(to_number(number)), 1, 1),
    "ceil": Function(lambda number: math.ceil(to_number(number)), 1, 1),
    "floor": Function(lambda number: math.floor(to_number(number)), 1, 1),
    "log": Function(_logarithm, 2, 2),
    "max": Function(_extreme(max), 1, None),
    "min": Function(_extreme(min), 1, None),
    "parseint": Function(_parse_int, 2, 2),
    "pow": Function(_power, 2, 2),
    "signum": Function(lambda number: (to_number(number) > 0) - (to_number(number) < 0), 1, 1),
    "sum": Function(_sum, 1, 1),
    "alltrue": Function(_all_true, 1, 1),
    "anytrue": Function(_any_true, 1, 1),
    "chunklist": Function(_chunks, 2, 2),
    "coalesce": Function(_coalesce, 1, None, passes=True),
    "coalescelist": Function(_coalesce_list, 1, None),
    "compact": Function(_compact, 1, 1),
    "concat": Function(_concat, 1, None),
    "contains": Function(_contains, 2, 2),
    "distinct": Function(_distinct, 1, 1),
    "element": Function(_element, 2, 2),
    "flatten": Function(_flatten, 1, 1),
    "index": Function(_index, 2, 2),
    "keys": Function(_keys, 1, 1),
    "length": Function(_length, 1, 1),
    "list": Function(lambda *items: list(items), 0, None),
    "lookup": Function(_lookup, 2, 3),
    "matchkeys": Function(_match_keys, 3, 3),
    "merge": Function(_merge, 0, None),
    "one": Function(_one, 1, 1, passes=True),
    "range": Function(_range, 1, 3),
    "reverse": Function(_reversed, 1, 1),
    "setintersection": Function(_set_operation(lambda a, b: [x for x in a if x in b]), 1, None),
    "setproduct": Function(_set_product, 2, None),
    "setsubtract": Function(_set_operation(lambda a, b: [x for x in a if x not in b]), 2, 2),
    "setunion": Function(_set_operation(lambda a, b: a + b), 1, None),
    "slice": Function(_slice, 3, 3),
    "sort": Function(_sorted, 1, 1),
    "transpose": Function(_transposed, 1, 1),
    "values": Function(_values, 1, 1),
    "zipmap": Function(_zipped, 2, 2),
    "tobool": Function(_nullable(to_bool), 1, 1),
    "tolist": Function(_nullable(_as_list), 1, 1),
    "tomap": Function(_nullable(_as_map), 1, 1),
    "tonumber": Function(_nullable(to_number), 1, 1),
    "toset": Function(_nullable(lambda items: to_set(to_list(items))), 1, 1),
    "tostring": Function(_as_text, 1, 1, passes=True),
    "nonsensitive": Function(lambda value: value, 1, 1, passes=True),
    "sensitive": Function(_sensitive, 1, 1, passes=True),
    "base64decode": Function(_base64_decoded, 1, 1),
    "base64encode": Function(_base64_encoded, 1, 1),
    "jsondecode": Function(decoded, 1, 1),
    "jsonencode": Function(encoded, 1, 1),
    "urlencode": Function(lambda text: urllib.parse.quote_plus(to_text(text), safe="~"), 1, 1),
    "base64sha256": Function(_hash("sha256", as_base64=True), 1, 1),
    "base64sha512": Function(_hash("sha512", as_base64=True), 1, 1),
    "md5": Function(_hash("md5"), 1, 1),
    "sha1": Function(_hash("sha1"), 1, 1),
    "sha256": Function(_hash("sha256"), 1, 1),
    "sha512": Function(_hash("sha512"), 1, 1),
    "uuidv5": Function(_uuid5, 2, 2),
    **{name: Function(apply, least, most) for name, (apply, least, most) in texts.FUNCTIONS.items()},
    **{name: Function(apply, least, most) for name, (apply, least, most) in networks.FUNCTIONS.items()},
}
"""The functions that are evaluated, by name; `try` and `can` are the evaluator's own, files a configuration's."""

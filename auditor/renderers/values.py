"""Values of an estate as plain data and as short text. Everything here may come from a stranger, so all is bounded."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from auditor.model import Evidence, Unknown

MAX_DEPTH: Final = 12
MAX_ITEMS: Final = 200
MAX_TEXT: Final = 8_192

_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that UTF-8 can carry and that is no longer than `MAX_TEXT`: half a surrogate pair becomes U+FFFD."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + "…"
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def utc(text: str) -> str:
    """The text when it is a time in UTC as ISO 8601 writes it (`2026-11-22T10:15:00Z`), else nothing."""
    try:
        return text if _UTC.fullmatch(text) and datetime.fromisoformat(text) else ""
    except ValueError:
        return ""


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: an Unknown becomes None, what nests too deep or is too long is cut with `…`."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**40 else "…"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Unknown):
        return None
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        pairs = list(value.items())
        mapping = {clean(str(key)): plain(item, depth + 1) for key, item in pairs[:MAX_ITEMS]}
        return mapping | {"…": len(pairs) - MAX_ITEMS} if len(pairs) > MAX_ITEMS else mapping
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        items = [plain(item, depth + 1) for item in value[:MAX_ITEMS]]
        return [*items, "…"] if len(value) > MAX_ITEMS else items
    return clean(str(value))


def spoken(value: Any) -> str:
    """A value on one line for people: `true`, `30`, `Standard_LRS`, `["a", "b"]`; `unknown` for an Unknown."""
    if isinstance(value, Unknown):
        return "unknown"
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def because(item: Evidence) -> str:
    """Why a piece of evidence has the basis it has, with the permission that was lacking; may be empty."""
    for value in (item.observed, item.expected):
        if isinstance(value, Unknown):
            reason = item.reason or value.reason
            return needing(reason, value.permission)
    return item.reason


def told(item: Evidence) -> str:
    """A piece of evidence in one line: `properties.x = 7, expected at least 30 days; explicit (why)`."""
    expected = f", expected {spoken(item.expected)}" if spoken(item.expected) else ""
    reason = f" ({because(item)})" if because(item) else ""
    return f"{item.path} = {spoken(item.observed) or '(nothing)'}{expected}; {item.basis.value}{reason}"


def needing(reason: str, permission: str | None) -> str:
    """A reason with the permission that was lacking, unless it names that already."""
    return f"{reason} (needs {permission})" if permission and permission not in reason else reason

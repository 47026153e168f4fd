"""The JSON of a comparison, `auditor/drift/v1`: a versioned copy of the delta in the contract's words. ASCII only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from auditor.delta import Delta, Difference, Side
from auditor.model import Gap, Origin, Subject
from auditor.renderers.escaping import json_text
from auditor.renderers.json_v1 import array, expected, gap_entry, in_chunks, origin, rule_entry
from auditor.renderers.values import clean, plain

SCHEMA: Final = "auditor/drift/v1"


def render(delta: Delta) -> Iterator[str]:
    """The delta as JSON text, in chunks of about 64 KiB."""
    return in_chunks(_lines(delta))


def _lines(delta: Delta) -> Iterator[str]:
    sides = {"reference": delta.reference, "current": delta.current}
    head = {
        "schema": SCHEMA,
        "tool": {"name": "auditor", "version": delta.tool_version},
        "generated_at": delta.generated_at,
        "baseline": delta.baseline,
        "baseline_title": delta.baseline_title,
        **{name: side.name for name, side in sides.items()},
        "sides": {name: _side(side) for name, side in sides.items()},
        "compared": delta.compared,
        "everything": delta.everything,
        "summary": delta.summary(),
    }
    yield "{\n"
    for key, value in head.items():
        yield f'"{key}": {json_text(plain(value))},\n'
    yield from array("differences", delta.differences, _difference)
    yield from array("only_in_reference", delta.only_in_reference, _subject)
    yield from array("only_in_current", delta.only_in_current, _subject)
    yield from array("not_compared", delta.not_compared, _difference)
    yield from array("gaps", [(name, gap) for name, side in sides.items() for gap in side.gaps], _gap)
    yield from array("rules", delta.rules.values(), lambda rule: json_text(rule_entry(rule)))
    yield f'"unused_map": {json_text(plain(delta.unused_map))}\n}}\n'


def _side(side: Side) -> dict[str, Any]:
    kind = "baseline" if side.baseline else "collection"
    return {"kind": kind, "collected_at": side.collected_at, "resources": side.resources, "gaps": len(side.gaps)}


def _difference(row: Difference) -> str:
    subject = row.subject
    entry = {
        "resource": {"id": clean(subject.id), "type": clean(subject.type), "name": clean(subject.name)},
        "path": clean(row.path),
        "reference": expected(row.reference),
        "current": expected(row.current),
        "class": row.drift.value,
        "rules": plain(row.rules),
        "statements": plain(row.statements),
        "reason": clean(row.reason),
        "origin": _origin(row.origin),
        "reference_origin": _origin(row.reference_origin),
    }
    return json_text(entry)


def _origin(place: Origin | None) -> dict[str, Any] | None:
    return None if place is None else origin(place)


def _subject(subject: Subject) -> str:
    entry = {"id": subject.id, "type": subject.type, "name": subject.name, "region": subject.region}
    return json_text({**plain(entry), "origin": origin(subject.origin)})


def _gap(row: tuple[str, Gap]) -> str:
    side, gap = row
    return json_text({"side": side, **gap_entry(gap)})

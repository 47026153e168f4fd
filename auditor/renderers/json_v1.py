"""The JSON report, `auditor/report/v1`: a versioned copy of the model in the contract's words, never a dump of it.

Streamed: each resource, finding and gap is a line of its own, so that a million findings never stand in memory as one
text. What findings share (the resource, an origin, a piece of evidence) is serialised once. Only ASCII is written, so
that no byte of a hostile name reaches a terminal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from auditor.model import (
    Basis,
    Evidence,
    Finding,
    Gap,
    Listing,
    Novelty,
    Origin,
    Report,
    RuleInfo,
    Scope,
    Since,
    StatementResult,
    StoreRecovery,
    Subject,
    Unknown,
    Waiver,
)
from auditor.quantities import UNITS, iso_duration
from auditor.renderers.escaping import json_text as _dump
from auditor.renderers.recovery import rows as recovery_rows
from auditor.renderers.values import clean, plain

SCHEMA: Final = "auditor/report/v1"

_PHRASE: Final = re.compile(
    r"(at least|at most|more than|less than) (\d{1,9}(?:\.\d{1,9})?) (day|hour|minute|second)s?"
)

_CHUNK: Final = 64 * 1024
_CACHE: Final = 50_000

_Item = TypeVar("_Item")


def render(report: Report) -> Iterator[str]:
    """The report as JSON text, in chunks of about 64 KiB."""
    return in_chunks(lines(report))


def in_chunks(lines: Iterable[str]) -> Iterator[str]:
    """Lines of JSON, in chunks of about 64 KiB."""
    chunk: list[str] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield "".join(chunk)
            chunk, size = [], 0
    yield "".join(chunk)


def lines(
    report: Report,
    *,
    schema: str = SCHEMA,
    before: Iterable[StoreRecovery] | None = None,
    more: Iterable[tuple[str, Iterable[str]]] = (),
) -> Iterator[str]:
    """The report's JSON in lines.

    `before` are recovery rows to be written beside the report's own; `more` are further members, arrays by their keys,
    of items that are JSON already.
    """
    write = _Writer()
    head: dict[str, Any] = {
        "schema": schema,
        "tool": {"name": "auditor", "version": report.tool_version},
        "generated_at": report.generated_at,
        "collected_at": report.collected_at,
        "baseline": report.baseline,
        "baseline_title": report.baseline_title,
        "targets": list(report.targets),
        "summary": report.summary(),
    }
    if report.since is not None:
        head["since"] = _since(report, report.since)
    yield "{\n"
    for key, value in head.items():
        yield f'"{key}": {_dump(plain(value))},\n'
    yield from array("resources", report.subjects, write.resource)
    yield from array("findings", report.findings, write.finding)
    yield from array("gaps", report.gaps, lambda gap: _dump(gap_entry(gap)))
    yield from array("statements", report.statements, lambda row: _dump(_statement(row)))
    rows = recovery_rows.Rows()
    yield from array("recovery", rows.texts(report.recovery), str)
    if before is not None:
        yield from array("before", rows.texts(before), str)
    yield f'"recovery_mechanisms": {_dump(rows.mechanisms)},\n'
    yield from array("recovery_changes", rows.changes, _dump)
    for key, items in more:
        yield from array(key, items, str)
    yield from array("rules", report.rules.values(), lambda rule: _dump(rule_entry(rule)))
    yield from array("scopes", report.scopes, lambda scope: _dump(_scope(scope)))
    yield from array("listings", report.listings, lambda listing: _dump(_listing(listing)))
    yield from array("deleted", report.deleted, write.resource)
    yield from array("stale_waivers", report.stale_waivers, lambda waiver: _dump(_waiver(waiver)))
    yield f'"not_assessed": {_dump(plain(report.not_assessed))}\n}}\n'


def array(key: str, items: Iterable[_Item], text: Callable[[_Item], str]) -> Iterator[str]:
    """A member of the report that is an array, an item a line."""
    yield f'"{key}": ['
    separator = "\n  "
    for item in items:
        yield separator + text(item)
        separator = ",\n  "
    yield "],\n" if separator == "\n  " else "\n],\n"


class _Writer:
    """Serialises findings, remembering the parts they share."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._values: dict[tuple[Any, ...], str] = {}
        self._origins: dict[tuple[int, str], str] = {}

    def resource(self, subject: Subject) -> str:
        entry = {"id": subject.id, "type": subject.type, "name": subject.name, "region": subject.region}
        if subject.condition is not None:
            entry["condition"] = subject.condition
        return f'{_dump(plain(entry))[:-1]}, "origin": {_dump(origin(subject.origin))}}}'

    def finding(self, finding: Finding) -> str:
        evidence = ", ".join([self._evidence(finding, item) for item in finding.evidence])
        waiver = "null" if finding.waiver is None else _dump(_waiver(finding.waiver))
        since = "" if finding.novelty is None else f', "since": "{finding.novelty.value}"'
        return (
            f'{{"rule": {_dump(clean(finding.rule))}, "severity": "{finding.severity.value}", '
            f'"outcome": "{finding.outcome.value}", "resource": {self._name(finding.subject)}, '
            f'"message": {_dump(clean(finding.message))}, "evidence": [{evidence}], "waiver": {waiver}'
            f"{since}}}"
        )

    def _name(self, subject: Subject) -> str:
        # The report keeps every subject alive while it is rendered, so an address stands for one of them alone.
        text = self._names.get(id(subject))
        if text is None:
            text = _dump({"id": clean(subject.id), "type": clean(subject.type), "name": clean(subject.name)})
            _remember(self._names, id(subject), text)
        return text

    def _evidence(self, finding: Finding, item: Evidence) -> str:
        # True and 1 are equal, so the types are part of the key.
        key = (
            item.path,
            type(item.expected),
            item.expected,
            type(item.observed),
            item.observed,
            item.basis,
            item.reason,
        )
        try:
            text = self._values.get(key)
        except TypeError:
            return f'{_values(item)}, "origin": {self._origin(finding, item)}}}'
        if text is None:
            text = _values(item)
            _remember(self._values, key, text)
        return f'{text}, "origin": {self._origin(finding, item)}}}'

    def _origin(self, finding: Finding, item: Evidence) -> str:
        if item.origin is not None:
            return _dump(origin(item.origin))
        key = (id(finding.subject), item.path.partition(":")[0])
        text = self._origins.get(key)
        if text is None:
            text = _dump(origin(finding.origin_of(item)))
            _remember(self._origins, key, text)
        return text


def _remember(cache: dict[Any, str], key: Any, text: str) -> None:
    if len(cache) >= _CACHE:
        cache.clear()
    cache[key] = text


def _values(item: Evidence) -> str:
    """The part of a piece of evidence that does not depend on where it stands, its brace left open."""
    reason = item.reason or next((v.reason for v in (item.observed, item.expected) if isinstance(v, Unknown)), "")
    unknown = item.basis is Basis.UNKNOWN
    if unknown and not reason:
        reason = "the source gave no reason"
    values = {
        "path": clean(item.path),
        "expected": expected(item.expected),
        "observed": None if unknown else plain(item.observed),
        "basis": item.basis.value,
        "reason": clean(reason),
    }
    return _dump(values)[:-1]


def expected(value: Any) -> Any:
    """What was expected; a duration in a phrase for people (`at least 30 days`) in ISO 8601 (`at least P30D`)."""
    match = _PHRASE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return plain(value)
    words, amount, unit = match.groups()
    return f"{words} {iso_duration(float(amount) * UNITS[unit + 's'])}"


def origin(place: Origin, depth: int = 0) -> dict[str, Any]:
    """An origin in the contract's shape; column, expression, chain and request id only where they are known."""
    entry: dict[str, Any] = {"uri": clean(place.uri), "line": place.line}
    if place.column is not None:
        entry["column"] = place.column
    if place.expression is not None:
        entry["expression"] = clean(place.expression)
    if place.via and depth < 2:
        entry["via"] = [origin(step, depth + 1) for step in place.via[:64]]
    if place.request_id is not None:
        entry["request_id"] = clean(place.request_id)
    return entry


def gap_entry(gap: Gap) -> dict[str, Any]:
    """A gap in the contract's shape."""
    entry = {"subject": clean(gap.subject), "reason": clean(gap.reason), "origin": origin(gap.origin)}
    return entry if gap.permission is None else entry | {"permission": clean(gap.permission)}


def _since(report: Report, since: Since) -> dict[str, Any]:
    """What the report is held against, and the findings by what they are to it."""
    counts = Counter(finding.novelty for finding in report.findings)
    return {
        "name": since.name,
        "collected_at": since.collected_at,
        "baseline": since.baseline,
        "only_new": since.only_new,
        "summary": {novelty.value: counts[novelty] for novelty in Novelty} | {"gone": len(since.gone)},
        "gone": [{"rule": rule, "resource": resource} for rule, resource in since.gone],
        "new_gaps": [gap.subject for gap in since.new_gaps],
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    entry: Mapping[str, Any] = {
        "rule": waiver.rule,
        "resource": waiver.resource,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires,
        "expired": waiver.expired,
        "state": waiver.state.value,
        "note": waiver.note,
        "ticket": waiver.ticket,
        "created": waiver.created,
        "tags": dict(waiver.tags),
        "inline": waiver.inline,
    }
    return {**plain(entry), "origin": None if waiver.origin is None else origin(waiver.origin)}


def _statement(row: StatementResult) -> dict[str, Any]:
    entry = {"id": row.id, "service": row.service, "text": row.text, "kind": row.kind, "note": row.note}
    keys = [{"rule": clean(rule), "resource": clean(resource)} for rule, resource in row.findings]
    return {**plain(entry), "verdict": row.verdict.value, "findings": keys}


def rule_entry(rule: RuleInfo) -> dict[str, Any]:
    """What a report says of a rule, in the contract's shape."""
    entry = dict(plain(rule._asdict()))
    entry["severity"] = rule.severity.value
    entry["references"] = [{"title": clean(title), "url": clean(url)} for title, url in rule.references]
    return entry


def _scope(scope: Scope) -> Any:
    return plain({"id": scope.id, "kind": scope.kind, "name": scope.name, "state": scope.state})


def _listing(listing: Listing) -> Any:
    missing = listing.missing
    entry: dict[str, Any] = {
        "scope": listing.scope,
        "type": listing.type,
        "complete": missing is None,
        "count": listing.count,
        "note": listing.note,
    }
    if missing is not None:
        entry["reason"] = missing.reason
        if missing.permission is not None:
            entry["permission"] = missing.permission
    return plain(entry)

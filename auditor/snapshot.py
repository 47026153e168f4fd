"""Snapshots: one collection as streaming JSON Lines, versioned, with a digest; and the spool a large one rests in.

    {"kind": "header", "schema": "auditor/snapshot/v1", "targets": […], "generated_at": "…", "tool": {…}}
    {"kind": "resource", "type": "…", "id": "…", …, "body": {…}, "unknowns": [[path, {reason…}], …], "children": […]}
    {"kind": "gap" | "listing" | "scope" | "waiver", …}
    {"kind": "end", "records": 123, "digest": "sha256:…"}

The digest covers every byte before the last line, so a changed, cut or spliced file is told apart from a whole one. An
`Unknown` inside a body is written as null there and listed under `unknowns` by its path, so that no value an API sends
can be mistaken for one. The file is written beside its place and renamed, so an earlier one stays whole until then.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import weakref
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from auditor import __version__, writing
from auditor.errors import SnapshotError
from auditor.model import Gap, Listing, Origin, Record, Resource, Scope, Snapshot, Unknown, Waiver, WaiverState

SCHEMA: Final = "auditor/snapshot/v1"
MAX_LINE: Final = 64 * 2**20
SPOOL_RECORDS: Final = 2_000
"""Records kept in memory before a collection moves to a temporary file."""

_END: Final = b'{"kind":"end",'
_dumps: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(path: Path, records: Iterable[Record], targets: tuple[str, ...], generated_at: str = "") -> int:
    """Write a snapshot and return how many records it holds.

    Raises OutputError when the place cannot be written; whatever stood there before then stays as it was.
    """
    with writing.whole(path, durable=True) as stream:
        return write_to(stream, records, targets, generated_at)


def write_to(stream: BinaryIO, records: Iterable[Record], targets: tuple[str, ...], generated_at: str = "") -> int:
    """Write a snapshot to a stream as its records come, and return how many it holds."""
    digest = hashlib.sha256()
    header = {
        "kind": "header",
        "schema": SCHEMA,
        "targets": targets,
        "generated_at": generated_at or now(),
        "tool": {"name": "auditor", "version": __version__},
    }
    count = 0
    line = _encoded(header)
    digest.update(line)
    stream.write(line)
    for record in records:
        line = _line(record)
        digest.update(line)
        stream.write(line)
        count += 1
    stream.write(_encoded({"kind": "end", "records": count, "digest": f"sha256:{digest.hexdigest()}"}))
    return count


def _line(record: Record) -> bytes:
    if isinstance(record, Resource):
        try:
            # Most bodies hold no Unknown, and the encoder finds one faster than a walk in Python does.
            return _encoded(_resource(record, mark=False))
        except TypeError:
            pass
    return _encoded(_encode(record))


def _encoded(value: Mapping[str, Any]) -> bytes:
    # Lone surrogates (a JSON answer may hold them) cannot be UTF-8; they are kept as escapes.
    try:
        return (_dumps(value) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value, separators=(",", ":")) + "\n").encode()


def _encode(record: Record) -> dict[str, Any]:
    match record:
        case Resource():
            return _resource(record, mark=True)
        case Gap():
            gap = {"kind": "gap", "subject": record.subject, "reason": record.reason, "origin": _origin(record.origin)}
            return gap if record.permission is None else {**gap, "permission": record.permission}
        case Listing():
            missing = None if record.missing is None else _unknown(record.missing)
            listing = {"kind": "listing", "scope": record.scope, "type": record.type, "missing": missing}
            declared = {"declared": True} if record.declared else {}
            return {**listing, "count": record.count, "note": record.note, **declared}
        case Scope():
            scope = {"kind": "scope", "id": record.id, "scope": record.kind, "name": record.name, "state": record.state}
            return {**scope, "left_out": True} if record.left_out else scope
        case Waiver():
            return {"kind": "waiver", **_waiver(record)}


def _resource(resource: Resource, *, mark: bool) -> dict[str, Any]:
    """A resource as its line holds it; with `mark`, every Unknown is taken out of the bodies and listed beside them."""
    # `type` comes second, within the first bytes of the line, where a reader finds it without parsing.
    result: dict[str, Any] = {
        "kind": "resource",
        "type": resource.type,
        "id": resource.id,
        "name": resource.name,
        "region": resource.region,
        "api_version": resource.api_version,
        "deployed": resource.deployed,
        "origin": _origin(resource.origin),
        "body": resource.body,
    }
    if resource.parent is not None:
        result["parent"] = resource.parent
    if resource.condition is not None:
        result["condition"] = resource.condition
    if resource.waivers:
        result["waivers"] = [_waiver(waiver) for waiver in resource.waivers]
    if resource.origins:
        result["origins"] = {path: _origin(origin) for path, origin in resource.origins.items()}
    if mark:
        unknowns: list[tuple[list[str | int], dict[str, Any]]] = []
        result["body"] = _without_unknowns(resource.body, [], unknowns)
        if unknowns:
            result["unknowns"] = unknowns
    if resource.children:
        result["children"] = [_resource(child, mark=mark) for child in resource.children]
    return result


_WAIVER_TEXTS: Final = ("rule", "resource", "reason", "owner", "expires", "state", "note", "ticket", "created")


def _waiver(waiver: Waiver) -> dict[str, Any]:
    """An inline waiver; those of a file are no part of what was collected."""
    origin = {} if waiver.origin is None else {"origin": _origin(waiver.origin)}
    return {**{name: text for name in _WAIVER_TEXTS if (text := str(getattr(waiver, name)))}, **origin}


def _without_unknowns(value: Any, path: list[str | int], found: list[tuple[list[str | int], dict[str, Any]]]) -> Any:
    if isinstance(value, Unknown):
        found.append((path, _unknown(value)))
        return None
    if isinstance(value, Mapping):
        return {key: _without_unknowns(item, [*path, key], found) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_unknowns(item, [*path, index], found) for index, item in enumerate(value)]
    return value


def _unknown(unknown: Unknown) -> dict[str, Any]:
    result: dict[str, Any] = {"reason": unknown.reason}
    if unknown.possible:
        unknowns: list[tuple[list[str | int], dict[str, Any]]] = []
        result["possible"] = _without_unknowns(unknown.possible, [], unknowns)
        if unknowns:
            result["unknowns"] = unknowns
    if unknown.permission is not None:
        result["permission"] = unknown.permission
    if unknown.unseen:
        result["unseen"] = True
    return result


def _origin(origin: Origin) -> dict[str, Any]:
    result: dict[str, Any] = {"uri": origin.uri}
    for name in ("line", "column", "expression", "request_id"):
        if getattr(origin, name) is not None:
            result[name] = getattr(origin, name)
    if origin.via:
        result["via"] = [_origin(one) for one in origin.via]
    return result


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_snapshot(head: bytes) -> bool:
    """Whether a file's first bytes are those of a snapshot, of whatever version."""
    return head.lstrip()[:200].startswith(b'{"kind":"header","schema":"auditor/snapshot/')


def read(path: Path) -> Snapshot:
    """Open a snapshot after checking its version, its end and its digest.

    Raises SnapshotError when any of them is wrong. Records are read from the file each time they are iterated.
    """
    try:
        with path.open("rb") as stream:
            header = _header(stream, path)
            _check(stream, path)
    except OSError as error:
        raise SnapshotError(f"the snapshot {path} cannot be read: {error.strerror}") from error
    targets, tool = header.get("targets"), header.get("tool")
    return Snapshot(
        targets=tuple(map(str, targets)) if isinstance(targets, list) else (),
        generated_at=str(header.get("generated_at", "")),
        records=_reader(path),
        tool_version=str(tool.get("version", "")) if isinstance(tool, dict) else "",
    )


def taken_at(path: Path) -> str:
    """When a snapshot was taken, as its header says it; empty where it does not, or the file is none."""
    try:
        with path.open("rb") as stream:
            said = _header(stream, path).get("generated_at")
    except (OSError, SnapshotError):
        return ""
    return said[:40] if isinstance(said, str) else ""


def _header(stream: BinaryIO, path: Path) -> dict[str, Any]:
    line = stream.readline(MAX_LINE)
    try:
        header = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{path}:1: is not the header of a snapshot") from error
    if not isinstance(header, dict) or header.get("kind") != "header":
        raise SnapshotError(f"{path}:1: is not the header of a snapshot")
    if header.get("schema") != SCHEMA:
        raise SnapshotError(
            f"{path}:1: the snapshot's version is {str(header.get('schema'))[:60]!r}; this auditor reads {SCHEMA!r}",
            hint="Take the snapshot again, or use the auditor that wrote it.",
        )
    stream.seek(0)
    return header


def _check(stream: BinaryIO, path: Path) -> None:
    digest = hashlib.sha256()
    count = -1
    for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE), b""), 1):
        if line.startswith(_END):
            try:
                end = json.loads(line)
            except ValueError:
                break
            if stream.read(1):
                raise SnapshotError(f"{path}:{number + 1}: there is something after the end of the snapshot")
            if end.get("digest") != f"sha256:{digest.hexdigest()}" or end.get("records") != count:
                raise SnapshotError(
                    f"{path}: was changed after it was written: its digest does not match",
                    hint="Nothing in it can be trusted; take the snapshot again.",
                )
            return
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            raise SnapshotError(f"{path}:{number}: a line of more than {MAX_LINE // 2**20} MiB is no record")
        if not line.endswith(b"\n"):
            break
        digest.update(line)
        count += 1
    held = f"{max(count, 0)} record{'' if count == 1 else 's'}"
    raise SnapshotError(f"{path}: is cut: it ends after {held} without an end line", hint="Take the snapshot again.")


def _reader(path: Path) -> Callable[..., Iterator[Record]]:
    def records(skip: Container[str] = ()) -> Iterator[Record]:
        """Yield the records; resources whose casefolded type is in `skip` are passed over without being parsed."""
        with path.open("rb") as stream:
            for line in iter(lambda: stream.readline(MAX_LINE), b""):
                if line.startswith((_END, b'{"kind":"header"')):
                    continue
                if skip and line.startswith(b'{"kind":"resource","type":"'):
                    kind = line[27 : line.find(b'"', 27)].decode("utf-8", "replace").casefold()
                    if kind in skip:
                        continue
                try:
                    yield _decode(json.loads(line))
                except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                    raise SnapshotError(f"{path}: holds a line that is no record: {line[:60]!r}") from error

    return records


def _decode(data: Mapping[str, Any]) -> Record:
    match data["kind"]:
        case "resource":
            return _read_resource(data)
        case "gap":
            permission = data.get("permission")
            _require((data["subject"], data["reason"]), (permission,))
            return Gap(data["subject"], data["reason"], _read_origin(data["origin"]), permission)
        case "listing":
            missing = None if data["missing"] is None else _read_unknown(data["missing"])
            _require((data["scope"], data["type"], data["note"]), (), (data["count"],))
            count, declared = data["count"] or 0, bool(data.get("declared"))
            return Listing(data["scope"], data["type"], missing, count, data["note"], declared)
        case "scope":
            _require((data["id"], data["scope"], data["name"], data["state"]))
            return Scope(data["id"], data["scope"], data["name"], data["state"], data.get("left_out") is True)
        case "waiver":
            return _read_waiver(data)
    raise ValueError(f"unknown kind {data['kind']!r}")


_TEXT: Final = {str}
_TEXT_OR_NONE: Final = {str, type(None)}
_NUMBER_OR_NONE: Final = {int, type(None)}


def _require(texts: tuple[Any, ...], optional: tuple[Any, ...] = (), numbers: tuple[Any, ...] = ()) -> None:
    """See that values are what the model says. Raises TypeError."""
    if not ({*map(type, texts)} <= _TEXT and {*map(type, optional)} <= _TEXT_OR_NONE):
        raise TypeError("a value that should be text is not")
    if not {*map(type, numbers)} <= _NUMBER_OR_NONE:
        raise TypeError("a value that should be a number is not")


def _read_resource(data: Mapping[str, Any]) -> Resource:
    get = data.get
    body = data["body"]
    if not (body is None or isinstance(body, dict)):
        raise TypeError("a body that is no object")
    _require(
        (data["id"], data["type"], data["name"]), (data["region"], data["api_version"], get("parent"), get("condition"))
    )
    for path, unknown in get("unknowns", ()):
        body = _put(body, path, _read_unknown(unknown))
    return Resource(
        data["id"],
        data["type"],
        data["name"],
        data["region"],
        body,
        _read_origin(data["origin"]),
        get("parent"),
        tuple([_read_resource(child) for child in get("children", ())]),
        data["api_version"],
        bool(data["deployed"]),
        get("condition"),
        {path: _read_origin(origin) for path, origin in get("origins", {}).items()},
        tuple([_read_waiver(waiver) for waiver in get("waivers", ())]),
    )


def _put(body: Any, path: list[Any], unknown: Unknown) -> Any:
    if not path:
        return unknown
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = unknown
    return body


def _read_unknown(data: Mapping[str, Any]) -> Unknown:
    possible = list(data.get("possible", ()))
    for path, unknown in data.get("unknowns", ()):
        _put(possible, path, _read_unknown(unknown))
    _require((data["reason"],), (data.get("permission"),))
    return Unknown(data["reason"], tuple(possible), data.get("permission"), bool(data.get("unseen")))


def _read_waiver(data: Mapping[str, Any]) -> Waiver:
    texts = {name: data.get(name, "") for name in _WAIVER_TEXTS}
    _require(tuple(texts.values()))
    state = WaiverState(texts.pop("state"))
    origin = _read_origin(data["origin"]) if "origin" in data else None
    return Waiver(**texts, state=state, origin=origin, inline=True)


def _read_origin(data: Mapping[str, Any]) -> Origin:
    get = data.get
    via = tuple([_read_origin(one) for one in get("via", ())])
    _require((data["uri"],), (get("expression"), get("request_id")), (get("line"), get("column")))
    return Origin(data["uri"], get("line"), get("column"), get("expression"), via, get("request_id"))


# ── the spool ────────────────────────────────────────────────────────────────────────────────────────────────────────


def spool(records: Iterable[Record], targets: tuple[str, ...], generated_at: str = "") -> Snapshot:
    """Hold a collection so that it can be gone through more than once: in memory, or in a temporary file when large.

    `generated_at` is when it was collected, where that is not now. The file is removed when the snapshot is no longer
    used.
    """
    generated_at = generated_at or now()
    source = iter(records)
    held = [record for _, record in zip(range(SPOOL_RECORDS), source, strict=False)]
    if len(held) < SPOOL_RECORDS:

        def in_memory(skip: Container[str] = ()) -> Iterator[Record]:
            return (r for r in held if not (isinstance(r, Resource) and r.type.casefold() in skip))

        return Snapshot(targets, generated_at, in_memory, __version__)
    folder = tempfile.mkdtemp(prefix="auditor-")
    path = Path(folder) / "spool.jsonl"

    def everything() -> Iterator[Record]:
        yield from held
        held.clear()
        yield from source

    try:
        write(path, everything(), targets, generated_at)
    except BaseException:
        _remove(folder)
        raise
    on_disk = _reader(path)
    snapshot = Snapshot(targets, generated_at, on_disk, __version__)
    weakref.finalize(on_disk, _remove, folder)
    return snapshot


def _remove(folder: str) -> None:
    for entry in Path(folder).iterdir():
        entry.unlink(missing_ok=True)
    Path(folder).rmdir()

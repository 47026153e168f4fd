"""YAML documents with positions: plain values, the line of each, and typed look-ups that fail at the right line.

Files are untrusted: size, depth and number of nodes are bounded, tags and merges are refused, nothing is executed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from auditor.errors import PolicyError

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 40
MAX_NODES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain values, and the line of every path into them (`rules/0/when` style)."""

    file: str
    value: Any
    lines: Mapping[str, int]

    def fail(self, path: str, message: str, *, hint: str = "") -> NoReturn:
        """Raise PolicyError at the line of `path`, or of the nearest parent that has one."""
        while path and path not in self.lines:
            path = path.rpartition("/")[0]
        raise PolicyError(message, file=self.file, line=self.lines.get(path, 1), hint=hint)


def read_document(path: Path, *, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES) -> Document:
    """Parse one YAML file. Raises PolicyError for anything but plain mappings, lists and scalars within the bounds."""
    return _parse(_read(path, max_bytes), str(path), max_nodes)


def _read(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise PolicyError(f"cannot be read: {error.strerror}", file=str(path)) from error
    if len(data) > max_bytes:
        raise PolicyError(f"is larger than {max_bytes:,} bytes", file=str(path))
    return data


def _parse(data: bytes, file: str, max_nodes: int = MAX_NODES) -> Document:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(data, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError(f"not YAML: {error.problem or error}", file=file, line=line) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise PolicyError(f"not YAML: {str(error).splitlines()[0]}", file=file, line=1) from error
    if node is None:
        raise PolicyError("the file is empty", file=file, line=1)
    return _Builder(file, max_nodes).document(node)


class _Builder:
    """Turns composed YAML nodes into plain values, with the line of each, within the bounds."""

    def __init__(self, file: str, max_nodes: int) -> None:
        self.file = file
        self.max_nodes = max_nodes
        self.lines: dict[str, int] = {}
        self.nodes = 0

    def document(self, node: Any) -> Document:
        return Document(self.file, self.build(node, "", 0), self.lines)

    def build(self, node: Any, path: str, depth: int) -> Any:
        import yaml

        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.nodes += 1
        if self.nodes > self.max_nodes or depth > MAX_DEPTH:
            deep, many = f"nests deeper than {MAX_DEPTH} levels", f"has more than {self.max_nodes:,} nodes"
            what = deep if depth > MAX_DEPTH else many
            raise PolicyError(f"the file {what}", file=self.file, line=line)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, f"{path}/{index}", depth + 1) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    raise PolicyError("keys must be plain text", file=self.file, line=key.start_mark.line + 1)
                if key.value in result:
                    raise PolicyError(f"{key.value!r} is given twice", file=self.file, line=key.start_mark.line + 1)
                self.lines[f"{path}/{key.value}"] = key.start_mark.line + 1
                result[key.value] = self.build(value, f"{path}/{key.value}", depth + 1)
            return result
        return self.scalar(node, line)

    def scalar(self, node: Any, line: int) -> Any:
        kind = node.tag.rpartition(":")[2]
        text: str = node.value
        try:
            match kind:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    # As YAML 1.2 has it: `no` and `off` are words, not booleans.
                    folded = text.casefold()
                    return folded == "true" if folded in ("true", "false") else text
                case "int":
                    return int(text.replace("_", ""), 0 if text.startswith(("0x", "0o")) else 10)
                case "float":
                    return float(text.replace("_", ""))
                case "timestamp":
                    return text
        except ValueError:
            pass
        raise PolicyError(f"{text[:40]!r} is no value the format knows", file=self.file, line=line)


def read_documents(files: list[Path]) -> list[Document]:
    """Parse files, or take what an earlier run parsed of the same bytes from the user's cache.

    Parsing YAML is most of the time of a small scan; the cache holds plain JSON and is keyed by the files' contents.
    """
    contents = [(str(path), _read(path)) for path in files]
    # What an older version of this module made of the same bytes must not be taken for what this one makes of them.
    digest = hashlib.sha256(str(Path(__file__).stat().st_mtime_ns).encode())
    for name, data in contents:
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    cache = _cache_file(digest.hexdigest())
    if cache is not None:
        try:
            stored = json.loads(cache.read_text("utf-8"))
            return [Document(file, value, lines) for file, value, lines in stored]
        except (OSError, ValueError, TypeError):
            pass
    documents = [_parse(data, name) for name, data in contents]
    if cache is not None:
        _store(cache, json.dumps([[d.file, d.value, d.lines] for d in documents]))
    return documents


def _cache_file(digest: str) -> Path | None:
    if os.environ.get("AUDITOR_NO_CACHE"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    home = os.environ.get("HOME")
    root = Path(base) if base else Path(home) / ".cache" if home else None
    return root / "auditor" / f"rules-{digest[:32]}.json" if root is not None else None


def _store(cache: Path, text: str) -> None:
    """Write the cache in one rename; a cache that cannot be written is no error."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=cache.parent, prefix=".rules-")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).replace(cache)
        for old in sorted(cache.parent.glob("rules-*.json"), key=lambda p: p.stat().st_mtime)[:-8]:
            old.unlink(missing_ok=True)
    except OSError:
        return


class Reader:
    """Typed look-ups in a document that fail at the right line."""

    def __init__(self, document: Document) -> None:
        """Read from the document's root."""
        self.document = document
        self._seen: dict[str, Any] = {"": document.value}

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a path (`/rules/0/when`), or the default."""
        if path in self._seen:
            return self._seen[path]
        parent, _, key = path.rpartition("/")
        holder = self.get(parent)
        value = default
        if isinstance(holder, Mapping):
            value = holder.get(key, default)
        elif isinstance(holder, list) and key.isdigit() and int(key) < len(holder):
            value = holder[int(key)]
        if isinstance(value, Mapping | list):
            self._seen[path] = value
        return value

    def fail(self, path: str, message: str) -> NoReturn:
        """Raise PolicyError at the path's line."""
        self.document.fail(path, message)

    def unknown(self, path: str, name: str, valid: Iterable[str], what: str) -> NoReturn:
        """Raise PolicyError for a name that is not among the valid ones, with the nearest."""
        names = sorted(map(str, valid))
        near = difflib.get_close_matches(name, names, 1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        listed = f" Expected one of: {', '.join(names)}." if len(names) <= 16 else ""
        self.fail(path, f"unknown {what} {name!r}{guess}{listed}")

    def mapping(self, path: str, keys: Collection[str] | None, required: Iterable[str] = ()) -> Mapping[str, Any]:
        """The mapping at a path; its keys must be among `keys` and hold `required`."""
        value = self.get(path)
        if not isinstance(value, Mapping):
            self.fail(path, f"expected a mapping{' with ' + ', '.join(keys) if keys else ''}, found {describe(value)}")
        if keys is not None:
            for key in value:
                if key not in keys:
                    self.unknown(f"{path}/{key}", key, keys, "key")
        for key in required:
            if key not in value:
                self.fail(path, f"{key!r} is missing")
        return value

    def length(self, path: str) -> int:
        """The length of the list at a path; 0 where there is none."""
        value = self.get(path)
        if value is None:
            return 0
        if not isinstance(value, list):
            self.fail(path, f"expected a list, found {describe(value)}")
        return len(value)

    def text(self, path: str, default: str | None = None) -> str:
        """The text at a path, stripped; the default where there is none."""
        value = self.get(path)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            found = "an empty one" if isinstance(value, str) else describe(value)
            self.fail(path, f"{path.rpartition('/')[2]!r} must be a text, found {found}")
        return value.strip()

    def choice(self, path: str, valid: Collection[str], default: str | None = None) -> str:
        """One of the valid words."""
        value = self.text(path, default)
        if value not in valid:
            self.unknown(path, value, valid, path.rpartition("/")[2])
        return value


def describe(value: Any) -> str:
    """What a value is, for an error message."""
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true/false", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), "something else")

"""The functions between texts and other forms: base64, URIs, data URIs, JSON."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote, unquote, urljoin, urlsplit

from auditor.model import Unknown
from auditor.sources.arm import hashing
from auditor.sources.arm.structure import MAX_NESTING, Builtin, a_text, an_integer, an_object, kind, short, within_text
from auditor.sources.arm.values import Arr, EvaluationError, Obj, Placeholder, find_key

_SCHEMES: Final = frozenset({"http", "https", "ftp", "sftp", "file"})
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443, "ftp": 21}


# ── base64 and data URIs ─────────────────────────────────────────────────────────────────────────────────────────────


def _base64(text: Any) -> str:
    return base64.b64encode(hashing.utf8(a_text(text))).decode("ascii")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise EvaluationError("the text is not base64") from error


def _base64_to_string(text: Any) -> str:
    return _decoded(a_text(text))


def _base64_to_json(text: Any) -> Any:
    return _parsed(_decoded(a_text(text)))


def _data_uri(value: Any) -> str | Unknown:
    if not isinstance(value, str):
        return Unknown(f"how {kind(value)} is written as a data URI is not documented")
    return f"data:text/plain;charset=utf-8;base64,{_base64(value)}"


def _data_uri_to_string(uri: Any) -> str | Unknown:
    scheme, colon, rest = a_text(uri).partition(":")
    head, comma, data = rest.partition(",")
    if not colon or not comma or scheme.strip().casefold() != "data":
        raise EvaluationError(f"{short(uri)} is no data URI")
    media = [part.strip().casefold() for part in head.split(";")]
    charset = next((part.removeprefix("charset=") for part in media if part.startswith("charset=")), "utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        return Unknown(f"the character set {short(charset)} is not read")
    return _decoded(data) if "base64" in media else unquote(data)


# ── URIs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _uri(base: Any, relative: Any) -> str:
    text, more = a_text(base, "the base"), a_text(relative, "the relative part")
    within_text(len(text) + len(more))
    try:
        parts = urlsplit(text)
        if parts.scheme not in _SCHEMES or not (parts.netloc or parts.scheme == "file"):
            raise EvaluationError(f"{short(text)} is no absolute URI")
        joined = urlsplit(urljoin(text, more))
    except ValueError as error:
        raise EvaluationError(f"{short(text)} is no URI") from error
    return joined._replace(netloc=_lower_host(joined.netloc), path=joined.path or "/").geturl()


def _lower_host(place: str) -> str:
    user, at, host = place.rpartition("@")
    return f"{user}{at}{host.lower()}"


def _uri_component(text: Any) -> str:
    return quote(hashing.utf8(a_text(text)), safe="")


def _uri_component_to_string(text: Any) -> str:
    return unquote(a_text(text))


def _parse_uri(text: Any) -> Obj:
    try:
        parts = urlsplit(a_text(text))
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EvaluationError(f"{short(text)} is no URI") from error
    if not parts.scheme or not host:
        raise EvaluationError(f"{short(text)} is no absolute URI")
    result = Obj({"scheme": parts.scheme, "host": host})
    result["port"] = None if port == _PORTS.get(parts.scheme) else port
    if parts.path not in ("", "/"):
        result["path"] = parts.path
    if parts.query:
        result["query"] = f"?{parts.query}"
    return result


def _build_uri(components: Any) -> str | Unknown:
    given: dict[str, Any] = {}
    made_from: Placeholder | None = None
    for name in ("scheme", "host", "port", "path", "query"):
        key = find_key(an_object(components), name)
        value = None if key is None else components[key]
        if isinstance(value, Unknown):
            return Unknown(value.reason)
        if isinstance(value, Placeholder) and made_from is None:
            made_from = value
        given[name] = value
    place = f"{a_text(given['scheme'], 'the scheme')}://{a_text(given['host'], 'the host')}"
    if given["port"] is not None:
        place += f":{an_integer(given['port'], 'the port')}"
    path = a_text(given["path"] or "", "the path")
    query = a_text(given["query"] or "", "the query")
    made = f"{place}/{path.removeprefix('/')}"
    if query:
        made += f"?{query.removeprefix('?')}"
    return made if made_from is None else Placeholder(made, made_from.reason)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


_COMMENT: Final = r"//[^\r\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_RELAXED: Final = re.compile(
    rf"""
      "(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)
    | '(?P<text>(?:[^'\\]++|\\(?:.|\Z))*+)(?P<closed>'|\Z)
    | (?P<comment>{_COMMENT})
    | (?P<comma>,)(?:\s++|{_COMMENT})*+(?=[}}\]])
    """,
    re.DOTALL | re.VERBOSE,
)
"""What .NET's reader takes besides JSON: text in single quotes, comments, a comma behind the last item."""
_TO_REQUOTE: Final = re.compile(r"""\\.|\"""", re.DOTALL)


def _json(text: Any) -> Any:
    return _parsed(a_text(text))


def _parsed(text: str) -> Any:
    """The value of a JSON text. Raises EvaluationError for what is none, and for what nests too deep."""
    within_text(len(text))
    try:
        try:
            value = json.loads(text, strict=False, parse_constant=_no_number)
        except ValueError:
            value = json.loads(_RELAXED.sub(_strict, text), strict=False, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{short(text)} is not JSON") from error
    return _plain(value, 0)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _strict(found: re.Match[str]) -> str:
    if found["comment"] is not None or found["comma"] is not None:
        return " "
    if not found["closed"]:
        return found[0]
    plain = _TO_REQUOTE.sub(lambda sign: {"\\'": "'", '"': '\\"'}.get(sign[0], sign[0]), found["text"])
    return f'"{plain}"'


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_NESTING:
        raise EvaluationError("the JSON nests too deep")
    if isinstance(value, dict):
        return Obj({hashing.sound(name): _plain(item, depth + 1) for name, item in value.items()})
    if isinstance(value, list):
        return Arr(_plain(item, depth + 1) for item in value)
    return hashing.sound(value) if isinstance(value, str) else value


BUILTINS: Final[Mapping[str, Builtin]] = {
    "base64": Builtin(_base64, 1, 1),
    "base64tostring": Builtin(_base64_to_string, 1, 1),
    "base64tojson": Builtin(_base64_to_json, 1, 1),
    "datauri": Builtin(_data_uri, 1, 1),
    "datauritostring": Builtin(_data_uri_to_string, 1, 1),
    "uri": Builtin(_uri, 2, 2),
    "uricomponent": Builtin(_uri_component, 1, 1),
    "uricomponenttostring": Builtin(_uri_component_to_string, 1, 1),
    "parseuri": Builtin(_parse_uri, 1, 1),
    "builduri": Builtin(_build_uri, 1, 1),
    "json": Builtin(_json, 1, 1),
}

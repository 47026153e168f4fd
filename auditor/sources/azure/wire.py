"""One request, one answer: over the network through the SDK's clients, or out of a recording.

Everything above this seam (budgets, retries, shapes, pages, gaps) is the same for both, so a recording behaves as the
live deployment did, faults included.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from auditor import __version__
from auditor.errors import AuditorError, SourceError, UsageError

if TYPE_CHECKING:
    from auditor.sources import CollectOptions

MAX_BODY: Final = 32 * 2**20
"""Bytes of one answer, unpacked. ARM's own pages stay far below; 1,000 storage accounts are about 2.5 MB."""

KEPT_HEADERS: Final = (
    "content-type",
    "date",
    "retry-after",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "www-authenticate",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-ms-failure-cause",
    "x-ms-ratelimit-remaining-subscription-reads",
)

# What the last part of a path would have to be for its answer to hold keys; a store may be called so, and is not the
# last part.
_SECRET_PATH: Final = re.compile(
    r"(?i)(?<!/resourceGroups)/(list\w*keys?|readonlykeys|list\w*secrets?|listconnectionstrings|list\w*sas)/*$"
)
_RESOURCE_GRAPH: Final = "/providers/microsoft.resourcegraph/resources"

_ENDPOINTS: Final = {
    "public": "https://management.azure.com",
    "usgov": "https://management.usgovcloudapi.net",
    "china": "https://management.chinacloudapi.cn",
}


class Answer(NamedTuple):
    """What came back: header names are lower case, `body` is at most `MAX_BODY` bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WireError(Exception):
    """No answer: the connection failed, the body was cut or is too large. `final` says that trying again is no use."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        """Take the reason a person reads."""
        super().__init__(message)
        self.final = final


class Refusal(AuditorError, WireError):  # noqa: N818 - it names what happened, as Unreadable does
    """A request that nobody may send. It is a bug of ours, unless an answer led there: then it is a gap."""

    def __init__(self, message: str) -> None:
        """Take what was refused."""
        super().__init__(message)
        self.final = True


class Wire(Protocol):
    """Sends one GET and returns what came back, without retrying."""

    endpoint: str
    principal: str

    async def get(self, client: str, path: str) -> Answer:
        """GET a path (with its query) through the named client. Raises WireError."""

    async def close(self) -> None:
        """Let go of connections and credentials."""


def endpoint_of(options: CollectOptions) -> str:
    """The ARM endpoint, without a trailing slash. Raises UsageError for one a token must not be sent to."""
    if not options.arm_endpoint:
        return _ENDPOINTS[options.cloud]
    parts = urlsplit(options.arm_endpoint)
    plain = parts.hostname and not (parts.username or parts.query or parts.fragment)
    if not plain or parts.scheme not in ("http", "https"):
        raise UsageError(
            f"{options.arm_endpoint!r} is no ARM endpoint", hint="Give a URL such as https://management.azure.com"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise UsageError(
            f"{options.arm_endpoint!r}: plain http would send the token in the clear",
            hint="Use https; http is accepted for loopback addresses only.",
        )
    return options.arm_endpoint.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_request(method: str, path: str) -> None:
    """The guard every request passes: reads only, and never one that returns keys.

    Raises Refusal.
    """
    bare = unquote(urlsplit(path).path)
    reads = method == "GET" or (method == "POST" and bare.casefold().rstrip("/") == _RESOURCE_GRAPH)
    if not reads or _SECRET_PATH.search(bare):
        raise Refusal(f"refused to send {method} {bare}: this tool only reads, and never keys")


def request_key(path: str) -> str:
    """What makes two requests the same: the path without case, the query decoded and in order."""
    parts = urlsplit(path)
    query = sorted((name.casefold(), value) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    return unquote(parts.path).rstrip("/").casefold() + "?" + "&".join(f"{name}={value}" for name, value in query)


# ── the network ──────────────────────────────────────────────────────────────────────────────────────────────────────


class LiveWire:
    """The typed SDK clients, all on one connection pool and one credential, each with our own chain of policies."""

    def __init__(self, options: CollectOptions) -> None:
        """Check the endpoint and find the credential; nothing is sent yet. Raises UsageError, SourceError."""
        from auditor.sources.azure import session

        self.endpoint = endpoint_of(options)
        self._session = session.Session(self.endpoint, options)
        self.principal = self._session.principal

    async def get(self, client: str, path: str) -> Answer:
        """GET a path through a client, past its guard. The body is read within its bound while it comes."""
        from azure.core.exceptions import AzureError

        if not path.startswith("/"):
            # It would become a part of the host's name, and the token would go there.
            raise WireError("it has no address at this endpoint", final=True)
        if "{" in path:
            # The clients take braces in an address for placeholders of theirs.
            path = path.replace("{", "%7B").replace("}", "%7D")
        try:
            response = await self._session.send(client, "GET", self.endpoint + path)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = await _read(response.iter_raw(), headers.get("content-encoding", ""))
            finally:
                await response.close()
        except (AzureError, OSError, asyncio.IncompleteReadError, ValueError) as error:
            # ValueError: an address no client can make sense of, a claims challenge that is none.
            raise WireError(_one_line(error)) from error
        return Answer(response.status_code, headers, body)

    async def close(self) -> None:
        """Close the clients, the pool and the credential."""
        await self._session.close()


async def _read(chunks: Any, encoding: str) -> bytes:
    """The whole body, unpacked, as long as it stays within its bound."""
    packed = encoding.casefold() in ("gzip", "deflate", "x-gzip")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
    found = bytearray()
    async for chunk in chunks:
        try:
            found += unpack.decompress(chunk, MAX_BODY + 1 - len(found)) if unpack else chunk
        except zlib.error as error:
            raise WireError(f"the body is not {encoding}: {error}") from error
        if len(found) > MAX_BODY:
            raise WireError(f"the answer is larger than {MAX_BODY // 2**20} MB", final=True)
    if unpack is not None and found and not unpack.eof:
        raise WireError("the packed body is cut")
    return bytes(found)


def _one_line(error: BaseException) -> str:
    """An SDK error in one short line: its own message may hold a whole HTML page."""
    text = " ".join(str(getattr(error, "message", None) or error or type(error).__name__).split())
    return f"{type(error).__name__}: {text}"[:300]


# ── recordings ───────────────────────────────────────────────────────────────────────────────────────────────────────

_META: Final = "recording.json"
_SECRET_NAME: Final = re.compile(
    r"(?i)(password|passwd|pwd|secret|token|signature|credential|connection_?string|"
    r"(account|primary|secondary|access|shared|master|read\w*)_?\w*key\w*|^sas\w*|^key\d?)$"
)
_SECRET_TEXT: Final = re.compile(
    r"(?i)\b((?:account_?key|shared_?access_?key|shared_?access_?signature|client_?secret|password|pwd|sig)=)[^;&\s\"'<]+"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
)
_PAIR: Final = re.compile(r'"([^"\\]{1,80})"(\s*:\s*)"((?:[^"\\]|\\.)*)"?')
_REMOVED: Final = "(removed)"
_LATE: Final = "(no complete answer in time)"
_MAX_TEXT: Final = 65_536


class RecordingWire:
    """Passes requests on and keeps every exchange as a file, without tokens and with key-like values removed."""

    def __init__(self, wire: Wire, folder: Path) -> None:
        """Record into `folder`, which is made, and must be empty or hold an earlier recording. Raises UsageError."""
        self.endpoint = wire.endpoint
        self.principal = wire.principal
        self._wire = wire
        self._folder = folder
        self._count = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            strangers = [
                entry.name for entry in folder.iterdir() if not re.fullmatch(r"\d{6}\.json|recording\.json", entry.name)
            ]
            if strangers:
                raise UsageError(
                    f"{folder} holds other files ({strangers[0]!r}…)", hint="Give --record an empty or a new folder."
                )
            for entry in folder.iterdir():
                entry.unlink()
            begun = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            meta = {
                "schema": "auditor/recording/v1",
                "endpoint": wire.endpoint,
                "tool": __version__,
                "collected_at": begun,
            }
            _put(folder / _META, meta)
        except OSError as error:
            raise UsageError(f"cannot record into {folder}: {error.strerror}") from error

    async def get(self, client: str, path: str) -> Answer:
        """GET and keep the exchange; an answer that never came is kept as status 0 with its reason."""
        number = self._count
        self._count += 1
        try:
            answer = await self._wire.get(client, path)
        except WireError as error:
            self._keep(number, path, {"status": 0, "error": str(error), "final": error.final})
            raise
        except asyncio.CancelledError:
            self._keep(number, path, {"status": 0, "error": _LATE})
            raise
        headers = {name: value for name, value in answer.headers.items() if name in KEPT_HEADERS}
        self._keep(number, path, {"status": answer.status, "headers": headers, "body": _recorded(answer.body)})
        return answer

    def _keep(self, number: int, path: str, response: dict[str, Any]) -> None:
        request = {"method": "GET", "path": _without_secret_text(path)}
        _put(self._folder / f"{number:06d}.json", {"request": request, "response": response})

    async def close(self) -> None:
        """Close what is underneath."""
        await self._wire.close()


def _put(path: Path, value: Any) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8", "backslashreplace")
    temporary.replace(path)


def _recorded(body: bytes) -> Any:
    """A body as it is kept: JSON without secrets; the beginning of anything else, such as JSON that was cut."""
    try:
        value = json.loads(body)
        if not isinstance(value, str):
            return without_secrets(value)
    except (ValueError, RecursionError):
        pass
    text = body[:_MAX_TEXT].decode("utf-8", "replace")
    return _without_secret_text(_PAIR.sub(_without_secret_pair, text))


def without_secrets(value: Any) -> Any:
    """A body with keys, passwords and tokens removed, by their name or their form; all else stays as it is."""
    if isinstance(value, dict):
        return {
            name: _REMOVED if isinstance(item, str) and item and _SECRET_NAME.search(name) else without_secrets(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return _without_secret_text(value) if isinstance(value, str) else value


def _without_secret_text(text: str) -> str:
    return _SECRET_TEXT.sub(lambda found: (found[1] or "") + _REMOVED, text)


def _without_secret_pair(found: re.Match[str]) -> str:
    return f'"{found[1]}"{found[2]}"{_REMOVED}"' if _SECRET_NAME.search(found[1]) else found[0]


def recorded_at(folder: Path) -> str:
    """When a recording was begun, in ISO 8601; empty where it does not say."""
    try:
        text = str(json.loads((folder / _META).read_bytes())["collected_at"])
        return text if datetime.fromisoformat(text).tzinfo is not None else ""
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return ""


class ReplayWire:
    """Answers out of a folder of exchanges: a request that was made several times gets its answers in order."""

    def __init__(self, folder: Path) -> None:
        """Read the folder. Raises SourceError for one that is no recording."""
        self.endpoint = _ENDPOINTS["public"]
        self.principal = "recording"
        self._answers: dict[str, list[Answer | WireError]] = {}
        if not folder.is_dir():
            raise SourceError(f"there is no recording {str(folder)!r}", hint="--record DIR makes one.")
        files = sorted(folder.glob("**/*.json"))
        for path in files:
            if path.name == _META:
                self.endpoint = str(self._load(path).get("endpoint") or self.endpoint).rstrip("/")
            else:
                self._take(path)
        if not self._answers:
            raise SourceError(f"{folder} holds no recorded exchange", hint="--record DIR makes a recording.")

    @staticmethod
    def _load(path: Path) -> dict[str, Any]:
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise SourceError(f"{path}: is no recorded exchange: {error}") from error
        if not isinstance(value, dict):
            raise SourceError(f"{path}: is no recorded exchange: expected an object")
        return value

    def _take(self, path: Path) -> None:
        exchange = self._load(path)
        try:
            key = request_key(exchange["request"]["path"])
            response = exchange["response"]
            status = int(response["status"])
            if status == 0:
                answer: Answer | WireError = WireError(str(response["error"]), final=bool(response.get("final")))
            else:
                headers = {str(name).lower(): str(text) for name, text in (response.get("headers") or {}).items()}
                body = response.get("body")
                text = "" if body is None else body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
                answer = Answer(status, headers, text.encode("utf-8", "surrogatepass"))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceError(f"{path}: is no recorded exchange: {type(error).__name__} {error}") from error
        self._answers.setdefault(key, []).append(answer)

    async def get(self, _client: str, path: str) -> Answer:
        """The next answer recorded for the request; the last one stays. Raises WireError, TimeoutError as it was."""
        check_request("GET", path)
        answers = self._answers.get(request_key(path))
        if not answers:
            raise WireError("this request is not in the recording", final=True)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, WireError):
            if str(answer) == _LATE:
                raise TimeoutError
            raise WireError(str(answer), final=answer.final)
        return answer

    async def close(self) -> None:
        """Nothing to let go of."""

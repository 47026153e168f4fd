"""An ARM server on loopback: serves an estate over real HTTP, breaks on demand, and remembers what it was asked.

with ArmServer(estate) as server:
    server.fault("*/blobServices/default", forbidden)
    … scan with arm_endpoint=server.url …
    assert server.methods() == {"GET"}
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tools.estate import Estate

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(slots=True)
class ArmServer:
    """Serves `estate` until left, `latency` seconds an answer; beyond `bucket` (size, refill a second) it says 429."""

    estate: Estate
    latency: float = 0.0
    bucket: tuple[float, float] | None = None
    page_size: int = 0
    requests: list[Asked] = field(default_factory=list)
    throttled: int = 0
    connections: int = 0
    _faults: list[tuple[str, Fault, int]] = field(default_factory=list)
    _hits: Counter[str] = field(default_factory=Counter)
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _done: asyncio.Event | None = None
    _port: int = 0
    _peers: set[Any] = field(default_factory=set)
    _tokens: float = 0.0
    _filled: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def fault(self, pattern: str, fault: Fault, *, times: int = 1_000_000) -> None:
        """Break paths that match a glob (without case), the first `times` they are asked for."""
        self._faults.insert(0, (pattern.casefold(), fault, times))

    def heal(self) -> None:
        """Break nothing any more."""
        self._faults.clear()
        self._hits.clear()

    def methods(self) -> set[str]:
        return {asked.method for asked in self.requests}

    def count(self, pattern: str) -> int:
        """How often paths that match were asked for."""
        return sum(fnmatch.fnmatch(asked.path.casefold(), pattern.casefold()) for asked in self.requests)

    def __enter__(self) -> ArmServer:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(20):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._done is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(20)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        if self.bucket:
            self._tokens, self._filled = self.bucket[0], time.monotonic()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self._port = runner.addresses[0][1]
        ready.set()
        await self._done.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        # Port numbers are not reused within one run's time, so they tell connections apart.
        peer = request.transport.get_extra_info("peername") if request.transport else None
        self._peers.add(peer)
        self.connections = len(self._peers)
        self.requests.append(Asked(request.method, request.path, dict(request.query), dict(request.headers)))
        if self.latency:
            await asyncio.sleep(self.latency)
        for pattern, fault, times in self._faults:
            if fnmatch.fnmatch(request.path.casefold(), pattern) and self._hits[pattern] < times:
                self._hits[pattern] += 1
                return await fault(request)
        if self.bucket and not self._take():
            self.throttled += 1
            return reply(
                {"error": {"code": "ResourceRequestsThrottled", "message": "Wait."}}, 429, {"Retry-After": "1"}
            )
        return self._answer(request)

    def _take(self) -> bool:
        assert self.bucket is not None
        now = time.monotonic()
        self._tokens = min(self.bucket[0], self._tokens + (now - self._filled) * self.bucket[1])
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _answer(self, request: web.Request) -> web.StreamResponse:
        route = self.estate.answer(request.path)
        if route is None:
            scope = "/".join(request.path.casefold().split("/")[:3])
            if scope.startswith("/subscriptions/") and scope not in self.estate.routes:
                return reply({"error": {"code": "SubscriptionNotFound", "message": "There is none."}}, 404)
            return reply({"error": {"code": "ResourceNotFound", "message": f"no {request.path}"}}, 404)
        body = route.body
        if self.page_size and isinstance(body, dict) and len(body.get("value", ())) > self.page_size:
            start = int(request.query.get("$skiptoken", "0"))
            end = start + self.page_size
            page: dict[str, Any] = {"value": body["value"][start:end]}
            if end < len(body["value"]):
                version = request.query.get("api-version", "")
                page["nextLink"] = f"{self.url}{request.path}?api-version={version}&%24skiptoken={end}"
            body = page
        return reply(body, route.status, {"x-ms-request-id": f"req-{len(self.requests)}"})


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A whole answer: JSON, or text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    return web.Response(text=text, status=status, headers=headers, content_type=kind)


def answering(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Fault:
    """Always this answer."""

    async def fault(_request: web.Request) -> web.StreamResponse:
        return reply(body, status, headers)

    return fault


def refusing(status: int, code: str, headers: Mapping[str, str] | None = None) -> Fault:
    """ARM's error envelope."""
    return answering({"error": {"code": code, "message": f"This is {code}."}}, status, headers)


def raw(data: bytes) -> Fault:
    """Bytes that need be no HTTP, then the connection closes."""

    async def fault(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(data)
        request.transport.close()
        return web.Response()

    return fault


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection is torn down."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_request: web.Request) -> web.StreamResponse:
    """No answer ever comes."""
    await asyncio.sleep(3600)
    return web.Response()


async def drip(request: web.Request) -> web.StreamResponse:
    """A byte now and then, without end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


async def endless(request: web.Request) -> web.StreamResponse:
    """A body that never ends, as fast as it is read."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b'{"value": [' + b" " * 262_144)


async def cut(request: web.Request) -> web.StreamResponse:
    """Less than was promised, then the connection closes."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"value": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def huge(_request: web.Request) -> web.StreamResponse:
    """50 MB of well-formed JSON."""
    return reply('{"properties": {}, "value": [], "pad": "' + "x" * (50 * 2**20) + '"}')


async def bomb(_request: web.Request) -> web.StreamResponse:
    """A small packed body that unpacks to 200 MB."""
    import gzip

    packed = gzip.compress(b'{"properties": {}, "value": []' + b" " * (200 * 2**20) + b"}")
    return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


def circling() -> Fault:
    """A list whose next page is always itself."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return reply({"value": [], "nextLink": str(request.url)})

    return fault


def growing() -> Fault:
    """A list that never ends: each page names a new one."""

    async def fault(request: web.Request) -> web.StreamResponse:
        page = int(request.query.get("page", "0")) + 1
        return reply({"value": [], "nextLink": f"{request.url.origin()}{request.path}?page={page}"})

    return fault

"""The live source on loopback: time against the arithmetic floor, CPU a call, connections, memory.

    python -m tools.bench_live            # the table rows
    python -m tools.bench_live serve …    # the server, in a process of its own so that its CPU is not counted

The reference of the CPU row is a lean pipeline measured in the same run: azure-core's AsyncPipelineClient on one
aiohttp session with the four policies a guarded reader cannot do without (request id, user agent, reads only, signing),
each call bounded in time, the list's shape checked, nothing kept.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.cli import GC_THRESHOLD

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
ACCOUNTS = 1_000
PAGE = 200
LATENCY = 0.1
IN_FLIGHT = 64
BUCKET = (250.0, 25.0)
ITEMS = 8


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────


def serve(latency: float, throttle: bool) -> None:
    """Answer as an estate of `ACCOUNTS` accounts in one subscription, or of `ITEMS` stores a list in any other."""
    from aiohttp import web

    account = {
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "location": "westeurope",
        "properties": {"p": "x" * 1_800},
    }
    blob = json.dumps(
        {"id": "x", "properties": {"deleteRetentionPolicy": {"enabled": True, "days": 30}, "pad": "x" * 400}}
    )
    state: dict[str, Any] = {"tokens": BUCKET[0], "at": time.monotonic(), "throttled": 0, "peers": set(), "calls": 0}

    def item(base: str, kind: str, number: int) -> dict[str, Any]:
        return {"id": f"{base}/resourceGroups/g/providers/{kind}/s{number}", "name": f"s{number}", **account}

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/stats":
            return web.json_response(
                {"throttled": state["throttled"], "connections": len(state["peers"]), "calls": state["calls"]}
            )
        state["peers"].add(request.transport.get_extra_info("peername") if request.transport else None)
        state["calls"] += 1
        if latency:
            await asyncio.sleep(latency)
        if throttle:
            now = time.monotonic()
            state["tokens"] = min(BUCKET[0], state["tokens"] + (now - state["at"]) * BUCKET[1])
            state["at"] = now
            if state["tokens"] < 1:
                state["throttled"] += 1
                return web.json_response({"error": {"code": "TooMany"}}, status=429, headers={"Retry-After": "1"})
            state["tokens"] -= 1
        if request.path.endswith("/default"):
            return web.Response(text=blob, content_type="application/json")
        parts = request.path.split("/")
        base = "/".join(parts[:3])
        if len(parts) == 3:
            return web.json_response({"id": base, "subscriptionId": parts[2], "state": "Enabled"})
        if request.path == "/subscriptions":
            return web.json_response({"value": []})
        kind = "/".join(parts[-2:])
        if parts[2] != SUBSCRIPTION:
            return web.json_response({"value": [item(base, kind, n) for n in range(ITEMS)]})
        if not request.path.endswith("/storageAccounts"):
            return web.json_response({"value": []})
        start = int(request.query.get("skip", "0"))
        page: dict[str, Any] = {"value": [item(base, kind, n) for n in range(start, min(start + PAGE, ACCOUNTS))]}
        if start + PAGE < ACCOUNTS:
            page["nextLink"] = f"{request.url.origin()}{request.path}?skip={start + PAGE}"
        return web.json_response(page)

    async def main() -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.sleep(3_600)

    asyncio.run(main())


class Server:
    """The server as a process; `stats()` says what it saw."""

    def __init__(self, latency: float = 0.0, *, throttle: bool = False) -> None:
        """Start it; answers take `latency` seconds, and `throttle` puts ARM's bucket before them."""
        command = [sys.executable, "-m", "tools.bench_live", "serve", str(latency), str(int(throttle))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def stats(self) -> dict[str, int]:
        """Answers throttled, connections, calls."""
        return _stats(self.url)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)


def _stats(url: str) -> dict[str, int]:
    import urllib.request

    with urllib.request.urlopen(f"{url}/stats") as answer:
        return dict(json.load(answer))


# ── what is measured, each in a process of its own ───────────────────────────────────────────────────────────────────


def one_service(children: tuple[str, ...]) -> Any:
    """A catalog of storage accounts alone, with some of their children."""
    from auditor import services
    from auditor.services import storage

    calls = tuple(call for call in storage.SERVICE.children if call.path in children)
    lists = tuple(call for call in storage.SERVICE.lists if call.path.endswith("/storageAccounts"))
    return services.catalog()._replace(services=(storage.SERVICE._replace(lists=lists, children=calls, expansions=()),))


def five_lists() -> Any:
    """A catalog of five lists a subscription and no children."""
    from auditor import services

    stores = [s for s in services.SERVICES if s.name in ("cosmosdb", "storage", "keyvault", "appconfig", "backupvault")]
    kept = [s._replace(lists=s.lists[:1], children=(), expansions=()) for s in stores]
    return services.catalog()._replace(services=tuple(kept))


def accounts(url: str, paced: bool) -> dict[str, float]:
    """Read `ACCOUNTS` accounts with both their services."""
    from auditor.model import Gap, Resource, Silent
    from auditor.sources import CollectOptions, azure
    from auditor.sources.azure.reader import Limits

    free = (1e9, 1e9)
    limits = (
        Limits(storage_reads=free, storage_lists=free)
        if paced
        else Limits(subscription=free, storage_reads=free, storage_lists=free)
    )
    options = CollectOptions(arm_endpoint=url, access_token_env="BENCH_TOKEN", concurrency=IN_FLIGHT)
    catalog = one_service(("/blobServices/default", "/fileServices/default"))
    list(
        azure.collect(("azure:22222222-2222-4333-8444-555555555555",), options, five_lists(), Silent())
    )  # imports, once
    before = _stats(url)["connections"]
    begin, cpu = time.perf_counter(), time.process_time()
    records = list(azure.collect((f"azure:{SUBSCRIPTION}",), options, catalog, Silent(), limits))
    return {
        "wall": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
        "stores": sum(isinstance(r, Resource) and r.name.startswith("s") for r in records),
        "gaps": sum(isinstance(r, Gap) for r in records),
        "connections": _stats(url)["connections"] - before,
    }


def many(url: str, subscriptions: int) -> dict[str, float]:
    """Read five lists in each of many subscriptions, the records taken as they come and not kept."""
    from auditor.model import Silent
    from auditor.sources import azure

    targets, options = _many(url, subscriptions)
    list(azure.collect(targets[:2], options, five_lists(), Silent()))  # imports, once
    begin = time.process_time()
    for _ in azure.collect(targets, options, five_lists(), Silent()):
        pass
    # Two more calls a subscription than the lean reference makes: the subscription itself and its regions.
    return {"cpu": time.process_time() - begin, "calls": subscriptions * 7}


def kept(url: str, subscriptions: int) -> dict[str, float]:
    """The same, written to a snapshot."""
    import resource

    from auditor import snapshot
    from auditor.model import Silent
    from auditor.sources import azure

    targets, options = _many(url, subscriptions)
    with tempfile.TemporaryDirectory() as folder:
        snapshot.write(Path(folder) / "s", azure.collect(targets, options, five_lists(), Silent()), ("bench",))
    return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _many(url: str, subscriptions: int) -> tuple[list[str], Any]:
    from auditor.sources import CollectOptions

    targets = [f"azure:{number:08d}-0000-4000-8000-000000000000" for number in range(subscriptions)]
    return targets, CollectOptions(arm_endpoint=url, access_token_env="BENCH_TOKEN", concurrency=128)


def lean(url: str, subscriptions: int) -> dict[str, float]:
    """The reference: the same lists through a bare azure-core pipeline on one aiohttp session."""
    import aiohttp
    from azure.core import AsyncPipelineClient
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.policies import RequestIdPolicy, SansIOHTTPPolicy, UserAgentPolicy
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.core.rest import HttpRequest
    from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

    class ReadsOnly(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            assert request.http_request.method == "GET"

    class Token:
        async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
            return AccessToken("token", int(time.time()) + 86_400)

    paths = [call.path for service in five_lists().services for call in service.lists]

    async def main() -> float:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=128), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        sign = AsyncARMChallengeAuthenticationPolicy(Token(), "https://management.azure.com/.default")  # type: ignore[arg-type]
        policies = [RequestIdPolicy(), UserAgentPolicy("lean"), ReadsOnly(), sign]
        transport = AioHttpTransport(session=session, session_owner=False)
        client: Any = AsyncPipelineClient(url, policies=policies, transport=transport)
        gate = asyncio.Semaphore(128)

        async def ask(path: str) -> int:
            async with gate, asyncio.timeout(60):
                answer = await client.send_request(HttpRequest("GET", f"{url}{path}"), enforce_https=False)
                items = json.loads(answer.body())["value"]
                assert isinstance(items, list)
                assert all(isinstance(item, dict) and isinstance(item["id"], str) for item in items)
                return len(items)

        begin = time.process_time()
        for start in range(0, subscriptions, 100):
            block = range(start, min(start + 100, subscriptions))
            bases = [f"/subscriptions/{number:08d}-0000-4000-8000-000000000000" for number in block]
            await asyncio.gather(*(ask(base + path) for base in bases for path in paths))
        spent = time.process_time() - begin
        await session.close()
        return spent

    return {"cpu": asyncio.run(main()), "calls": subscriptions * len(paths)}


def measured(kind: str, url: str, argument: int) -> dict[str, float]:
    """Run one measurement in a fresh process."""
    command = [sys.executable, "-m", "tools.bench_live", kind, url, str(argument)]
    return dict(json.loads(subprocess.check_output(command, env={**os.environ, "BENCH_TOKEN": "token"})))


def rows() -> Iterator[tuple[str, str, str, bool]]:
    """(what, measured, target, met)."""
    pages = ACCOUNTS // PAGE
    floor = pages * LATENCY + 2 * ACCOUNTS / IN_FLIGHT * LATENCY
    with Server(LATENCY) as server:
        found = measured("accounts", server.url, 0)
    calls = 2 * ACCOUNTS + pages + 2
    assert (found["stores"], found["gaps"]) == (ACCOUNTS, 0), found
    ratio = found["wall"] / floor
    yield "1,000 accounts with both services, 100 ms, 64 in flight: wall ÷ floor", f"{ratio:.2f}", "≤ 1.2", ratio <= 1.2
    each = found["cpu"] / calls * 1000
    yield "the same: CPU a call", f"{each:.2f} ms", "≤ 0.9 ms", each <= 0.9
    yield "the same: connections", f"{found['connections']:.0f}", "≤ 65", found["connections"] <= 65
    with Server(LATENCY, throttle=True) as server:
        found = measured("accounts", server.url, 1)
    least = (calls - BUCKET[0]) / BUCKET[1]
    ratio = found["wall"] / least
    yield "the same under ARM's bucket: failed calls", f"{found['gaps']:.0f}", "0", found["gaps"] == 0
    yield "the same under ARM's bucket: wall ÷ the bucket's own minimum", f"{ratio:.2f}", "≤ 1.1", ratio <= 1.1
    with Server() as server:
        ratios = []
        for _ in range(3):
            ours, reference = measured("many", server.url, 3_000), measured("lean", server.url, 3_000)
            ratios.append((ours["cpu"] / ours["calls"]) / (reference["cpu"] / reference["calls"]))
        per_call = statistics.median(ratios)
        what = "3,000 subscriptions × 5 lists: CPU a call ÷ lean pipeline"
        yield what, f"{per_call:.2f}", "≤ 1.5", per_call <= 1.5
        growth = measured("kept", server.url, 3_000)["peak"] - measured("kept", server.url, 500)["peak"]
    what = "the same to a snapshot: memory growth from 500 to 3,000 subscriptions"
    yield what, f"{growth:.0f} MB", "≤ 60 MB", growth <= 60


if __name__ == "__main__":
    gc.set_threshold(GC_THRESHOLD)  # as the command line sets it; for the reference too
    match sys.argv[1:]:
        case ["serve", latency, throttle]:
            serve(float(latency), bool(int(throttle)))
        case ["accounts", url, paced]:
            print(json.dumps(accounts(url, bool(int(paced)))))
        case ["many", url, count]:
            print(json.dumps(many(url, int(count))))
        case ["kept", url, count]:
            print(json.dumps(kept(url, int(count))))
        case ["lean", url, count]:
            print(json.dumps(lean(url, int(count))))
        case _:
            for row in rows():
                print("|", " | ".join(map(str, row)), "|", flush=True)

"""Reads ARM: budgets, retries, shapes and pages over a wire. What cannot be read is an `Unreadable` with its reason.

The limits kept here are ARM's published ones (2024: 250 reads at once and 25 a second per subscription and principal;
Storage: 800 reads and 100 lists in five minutes per subscription and region), with a margin, so that a scan does not
run into them; when another client of the same principal does, a 429 slows the whole budget down, not one task.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from auditor.sources.azure.wire import Answer, Wire, WireError

MAX_PAGES: Final = 1_000
MAX_BARREN: Final = 40
"""Pages of a list that bring nothing new, empty ones included, before it counts as one without an end."""
RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the reader is. Times are seconds, budgets calls: (at once, a second).

    `attempt` bounds one try, `call` everything a call does but wait for its own budget; a call that is told to come
    back later than that gives up at once. `delay` is the first pause between tries, doubled each time and jittered.
    """

    attempt: float = 30.0
    call: float = 60.0
    delay: float = 0.8
    tries: int = 4
    throttled_tries: int = 5
    subscription: tuple[float, float] = (240, 24)
    storage_reads: tuple[float, float] = (760, 760 / 300)
    storage_lists: tuple[float, float] = (95, 95 / 300)


class Unreadable(Exception):  # noqa: N818 - it names what the answer was, as `Unknown` and `Gap` do
    """A call that gave nothing: `status` 0 stands for no answer at all, `code` is ARM's error code."""

    def __init__(self, reason: str, *, status: int = 0, code: str = "", request_id: str = "") -> None:
        """Take the reason a person reads."""
        super().__init__(reason)
        self.status = status
        self.code = code
        self.request_id = request_id


class Page(NamedTuple):
    """A readable answer: the parsed body, and ARM's request id."""

    body: dict[str, Any]
    request_id: str


class Budget:
    """A token bucket that may be paused: `take()` waits for its turn, first come, first served."""

    def __init__(self, size: float, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin full; `rate` is tokens a second."""
        self._tokens = self._size = size
        self._rate = self._full_rate = rate
        self._clock = clock
        self._seen = clock()
        self._paused_until = 0.0

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._seen) * self._rate)
        self._seen = now

    async def take(self) -> float:
        """Wait for a token and return the seconds waited."""
        self._refill()
        # Going below zero reserves a place in the queue.
        self._tokens -= 1
        wait = -self._tokens / self._rate if self._tokens < 0 else 0.0
        waited = 0.0
        while (pause := max(wait - waited, self._paused_until - self._clock())) > 0:
            await asyncio.sleep(pause)
            waited += pause
        return waited

    def pause(self, seconds: float) -> None:
        """Stop everybody for a while: the service said that it is too much."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def slow_down(self) -> None:
        """Spend no more than a second's worth at once and half as fast: what was thought to be left is not there."""
        self._refill()
        self._tokens = min(self._tokens, self._rate)
        self._rate = max(self._rate / 2, self._full_rate / 4)

    def succeed(self) -> None:
        """Come back to the full rate bit by bit."""
        if self._rate < self._full_rate:
            self._rate = min(self._full_rate, self._rate * 1.05)

    def remaining(self, tokens: float) -> None:
        """Take over what the service says is left, when that is less."""
        self._refill()
        self._tokens = min(self._tokens, tokens)


class Reader:
    """GETs of ARM paths within the budgets, retried where that can help, checked for their shape."""

    def __init__(
        self, wire: Wire, limits: Limits, concurrency: int, waiting: Callable[[float], None], *, paced: bool = True
    ) -> None:
        """Read over a wire; `waiting` is told of throttling waits in seconds; a recording needs no pace."""
        self.wire = wire
        self.calls = 0
        self._limits = limits
        self._waiting = waiting
        self._paced = paced
        self._slots = asyncio.Semaphore(concurrency)
        self._budgets: dict[tuple[str, ...], Budget] = {}

    # ── one object ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(
        self, client: str, path: str, *, needs: tuple[str, ...] = ("properties",), budget: tuple[str, ...] = ()
    ) -> Page:
        """GET one object that must hold one of `needs`: an object for `properties`, else text. Raises Unreadable."""

        def check(body: dict[str, Any]) -> str:
            held = any(isinstance(body.get(name), dict if name == "properties" else str) for name in needs)
            return "" if held else f"the answer has no {needs[0]!r}"

        return await self._call(client, path, check, budget)

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def pages(
        self, client: str, path: str, *, budget: tuple[str, ...] = (), named: bool = False
    ) -> AsyncIterator[Page]:
        """GET a list page by page; each item has an id, or where `named` will do at least a name.

        Raises Unreadable, possibly after some pages have been yielded.
        """
        check = _check_names if named else _check_list
        seen: set[str] = set()
        first: set[str] = set()
        follow: str | None = path
        while follow is not None:
            if len(seen) >= MAX_PAGES:
                raise Unreadable(f"the list did not end after {MAX_PAGES:,} pages")
            if follow in seen:
                raise Unreadable("the list runs in a circle: a page names an earlier one as its next")
            seen.add(follow)
            page = await self._call(client, follow, check, budget)
            yield page
            # Pages that begin alike are alike; and it has to end in a time somebody waits for.
            first.add(_first(page.body["value"]))
            if len(seen) - len(first) > MAX_BARREN:
                raise Unreadable(f"the list does not end: {MAX_BARREN} of its pages brought nothing new")
            follow = self._next(page.body.get("nextLink"))

    def _next(self, link: Any) -> str | None:
        if not link:
            return None
        if not isinstance(link, str) or len(link) > 16_384 or not link.isprintable():
            raise Unreadable("the next page has no usable address")
        try:
            target = urlsplit(urljoin(self.wire.endpoint + "/", link))
            home = urlsplit(self.wire.endpoint)
            same = _host(target) == _host(home)
        except ValueError as error:
            raise Unreadable("the next page has no usable address") from error
        if not same or target.username or target.password:
            # The token would go there.
            raise Unreadable(f"the next page is at another host ({str(target.hostname)[:100]!r}) and was not followed")
        path = target.path.removeprefix(home.path.rstrip("/"))
        return f"{path}?{target.query}" if target.query else path

    # ── one call ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _call(
        self, client: str, path: str, check: Callable[[dict[str, Any]], str], extra: tuple[str, ...]
    ) -> Page:
        budgets = self._budgets_of(path, extra) if self._paced else []
        deadline = _Deadline(self._limits.call)
        failures = throttled = 0
        while True:
            for budget in budgets:
                waited = await budget.take()
                if waited > 1:
                    self._waiting(waited)
            async with self._slots:
                deadline.start()
                outcome = await self._attempt(client, path, check, deadline.left())
                deadline.stop()
            if isinstance(outcome, Page):
                for budget in budgets:
                    budget.succeed()
                return outcome
            if outcome.throttled:
                throttled += 1
            else:
                failures += 1
            if outcome.final or failures >= self._limits.tries or throttled >= self._limits.throttled_tries:
                raise outcome.error
            delay = self._delay(outcome, failures + throttled)
            if delay > deadline.left() or (outcome.timed_out and failures > 1):
                raise outcome.error
            if outcome.throttled and budgets:
                for budget in budgets:
                    budget.pause(delay)
                budgets[0].slow_down()
            if delay > 1:
                self._waiting(delay)
            # A recording answers when it is asked.
            await asyncio.sleep(delay if self._paced else 0)
            deadline.spend(delay)

    def _delay(self, outcome: _Failure, tries: int) -> float:
        pause: float = min(self._limits.delay * 2.0 ** (tries - 1), 30.0)
        # Jitter only ever lengthens what the service asked for, so that many clients do not come back at once.
        jitter = random.uniform(0, 0.25)  # noqa: S311 - nothing secret about it
        if outcome.retry_after:
            return outcome.retry_after + min(1.0, outcome.retry_after) * jitter
        return pause * (0.75 + 2 * jitter)

    async def _attempt(
        self, client: str, path: str, check: Callable[[dict[str, Any]], str], left: float
    ) -> Page | _Failure:
        self.calls += 1
        limit = min(self._limits.attempt, left)
        try:
            async with asyncio.timeout(limit):
                answer = await self.wire.get(client, path)
        except TimeoutError:
            return _Failure(Unreadable(f"no complete answer within {limit:.0f} seconds"), timed_out=True)
        except WireError as error:
            return _Failure(Unreadable(str(error)), final=error.final)
        self._learn(path, answer.headers)
        request_id = answer.headers.get("x-ms-request-id") or answer.headers.get("x-ms-correlation-request-id") or ""
        if answer.status != 200:
            return _refused(answer, request_id)
        body = _parsed(answer.body)
        problem = body if isinstance(body, str) else check(body)
        if isinstance(body, str) or problem:
            return _Failure(Unreadable(f"200, but {problem}", status=200, request_id=request_id))
        return Page(body, request_id)

    # ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _budgets_of(self, path: str, extra: tuple[str, ...]) -> list[Budget]:
        scope = _subscription_of(path)
        found = [self._budget(("arm", self.wire.principal, scope), self._limits.subscription)]
        if extra:
            kind, region = extra
            size = self._limits.storage_lists if kind == "storage-lists" else self._limits.storage_reads
            found.append(self._budget((kind, scope, region), size))
        return found

    def _budget(self, key: tuple[str, ...], size: tuple[float, float]) -> Budget:
        if key not in self._budgets:
            self._budgets[key] = Budget(*size)
        return self._budgets[key]

    def _learn(self, path: str, headers: Mapping[str, str]) -> None:
        text = headers.get("x-ms-ratelimit-remaining-subscription-reads", "")
        if self._paced and text.isdecimal() and len(text) < 9:
            key = ("arm", self.wire.principal, _subscription_of(path))
            self._budget(key, self._limits.subscription).remaining(float(text))


class _Deadline:
    """The time a call has spent on the wire and on pauses; waiting for its own budget does not count."""

    def __init__(self, limit: float) -> None:
        self._left = limit
        self._begun = 0.0

    def start(self) -> None:
        self._begun = time.monotonic()

    def stop(self) -> None:
        self._left -= time.monotonic() - self._begun

    def spend(self, seconds: float) -> None:
        self._left -= seconds

    def left(self) -> float:
        return max(self._left, 0.001)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why one try gave nothing, and whether another can help."""

    error: Unreadable
    final: bool = False
    throttled: bool = False
    timed_out: bool = False
    retry_after: float | None = None


_SUBSCRIPTION: Final = re.compile(r"(?i)/subscriptions/([^/?]+)")


def _subscription_of(path: str) -> str:
    match = _SUBSCRIPTION.match(path)
    return match[1].casefold() if match else ""


def _check_list(body: dict[str, Any]) -> str:
    items = body.get("value")
    if not isinstance(items, list):
        return "the answer has no list under 'value'"
    if not all(isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"] for item in items):
        return "the list holds something that is no resource"
    return ""


def _check_names(body: dict[str, Any]) -> str:
    items = body.get("value")
    if not isinstance(items, list):
        return "the answer has no list under 'value'"
    if not all(isinstance(item, dict) and any(map(_is_text, map(item.get, _NAMES))) for item in items):
        return "the list holds something that has neither id nor name"
    return ""


def _first(items: list[dict[str, Any]]) -> str:
    return str(items[0].get("id") or items[0].get("name")) if items else ""


_NAMES: Final = ("id", "name", "subscriptionId")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _host(address: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, the scheme's own port where none is written. Raises ValueError for a bad port."""
    own = {"https": 443, "http": 80}.get(address.scheme)
    return address.scheme, address.hostname, address.port or own


def _parsed(body: bytes) -> dict[str, Any] | str:
    """The JSON object of a body, or what is wrong with it."""
    if not body.strip():
        return "the body is empty"
    try:
        value = json.loads(body)
    except RecursionError:
        return "the body nests too deep"
    except ValueError:
        return "the body is not JSON (cut, or another format)"
    return value if isinstance(value, dict) else "the body is no JSON object"


def _refused(answer: Answer, request_id: str) -> _Failure:
    code, message = error_of(answer.body)
    # A 403's message names the caller; its code and the action it needs (added by the caller) say all there is to do.
    detail = "" if answer.status == 403 and code else message and f"({message})"
    words = " ".join(part for part in (str(answer.status), code, detail) if part)
    error = Unreadable(words, status=answer.status, code=code, request_id=request_id)
    retried = answer.status in RETRIED
    throttled = answer.status == 429
    return _Failure(error, not retried, throttled, retry_after=retry_after(answer.headers) if retried else None)


def error_of(body: bytes) -> tuple[str, str]:
    """ARM's error code and message, out of the envelopes the services use; both may be empty.

    Known shapes: `{"error": {code, message}}`, `{code, message}`, both in any case, `{ErrorCode, Message: {Value}}`.
    """
    value = _parsed(body[:65_536])
    if isinstance(value, str):
        return "", ""
    inner = next((item for key, item in value.items() if key.casefold() == "error"), value)
    if not isinstance(inner, dict):
        return "", _short(inner)
    folded = {str(key).casefold(): item for key, item in inner.items()}
    message = folded.get("message", "")
    if isinstance(message, dict):
        message = message.get("Value") or message.get("value") or ""
    return _short(folded.get("code") or folded.get("errorcode") or "", 80), _short(message)


def _short(value: Any, most: int = 200) -> str:
    text = " ".join(str(value).split()) if isinstance(value, str | int) else ""
    return text if len(text) <= most else text[: most - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds a service asks us to wait: milliseconds headers first, then seconds or an HTTP date; else None."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        text = headers.get(name, "").strip()
        if text.isdecimal() and len(text) < 12:
            return int(text) / 1000
    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and len(text) < 9:
        return float(text)
    if text:
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
        except (TypeError, ValueError, OverflowError):
            return None
    return None

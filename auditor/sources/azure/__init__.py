"""The live source: a deployment as ARM answers for it, or as a recording of those answers does."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from auditor.catalog import Catalog
from auditor.errors import UsageError
from auditor.model import Progress, Record
from auditor.sources.azure.collect import Collector, actions_of, assignable, parse_targets
from auditor.sources.azure.reader import Limits, Reader
from auditor.sources.azure.wire import LiveWire, RecordingWire, ReplayWire, Wire, endpoint_of, recorded_at

if TYPE_CHECKING:
    from auditor.sources import CollectOptions
    from auditor.sources.azure.collect import Targets

__all__ = ["collect", "recorded_at", "role"]

BATCH: Final = 64
QUEUED: Final = 32
"""Batches that may wait for the consumer: a reader that writes to disk holds the network back, not memory."""


def collect(
    targets: Sequence[str], options: CollectOptions, catalog: Catalog, progress: Progress, limits: Limits | None = None
) -> Iterator[Record]:
    """Yield the records of live targets as they come.

    Raises UsageError for a malformed target or endpoint, SourceError when nobody is signed in or a recording is none;
    everything that fails later is a `Gap`.
    """
    wanted = parse_targets(targets)
    if options.record and options.replay:
        raise UsageError("--record and --replay exclude each other")
    if options.replay is None:
        endpoint_of(options)
    return _Stream(wanted, options, catalog, progress, limits or Limits(call=options.call_timeout)).records()


def role(catalog: Catalog, scopes: Sequence[str]) -> dict[str, object]:
    """The least-privilege custom role, in the form `az role definition create` takes; no data actions.

    It is made from the very tables the collector works from. `Reader` would be more: it includes Cosmos DB's
    `readonlykeys/read`, a GET that returns keys.
    """
    return {
        "Name": "Resiliency Auditor (read-only)",
        "IsCustom": True,
        "Description": "Reads recoverability settings of data stores; reads no keys, no secrets and no data.",
        "Actions": actions_of(catalog),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": assignable(scopes),
    }


def _open(options: CollectOptions) -> Wire:
    if options.replay is not None:
        return ReplayWire(options.replay)
    wire: Wire = LiveWire(options)
    return RecordingWire(wire, options.record) if options.record is not None else wire


class _End:
    """Closes the stream; carries the error that ended it, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Stream:
    """Runs the collector in a thread of its own, so that calls go on while the consumer judges or writes."""

    def __init__(
        self, wanted: Targets, options: CollectOptions, catalog: Catalog, progress: Progress, limits: Limits
    ) -> None:
        self._wanted = wanted
        self._options = options
        self._catalog = catalog
        self._progress = progress
        self._limits = limits
        self._queue: queue.Queue[list[Record] | _End] = queue.Queue(QUEUED)
        self._batch: list[Record] = []
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def records(self) -> Iterator[Record]:
        """Yield records until the collector ends; leaving early stops it."""
        thread = threading.Thread(target=self._run, name="auditor-live", daemon=True)
        thread.start()
        try:
            while True:
                batch = self._queue.get()
                if isinstance(batch, _End):
                    if batch.error is not None:
                        raise batch.error
                    return
                yield from batch
        finally:
            self._stop()
            thread.join()

    def _stop(self) -> None:
        self._stopped.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                # The loop closed between the question and the call: it has ended by itself.
                return

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseExceptionGroup as group:
            error = _first(group)
        except BaseException as other:  # noqa: BLE001 - carried over to the consumer's thread, which raises it
            error = other
        if self._batch and error is None:
            self._put(self._batch)
        self._put(_End(error))

    def _put(self, item: list[Record] | _End) -> None:
        """Hand over, unless the consumer has left."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        wire = _open(self._options)
        try:
            reader = Reader(
                wire, self._limits, self._options.concurrency, self._waited, paced=self._options.replay is None
            )
            collector = Collector(reader, self._catalog, self._emit, self._progress, deep=self._options.deep)
            await collector.run(self._wanted)
        finally:
            await wire.close()

    async def _emit(self, record: Record) -> None:
        self._batch.append(record)
        if len(self._batch) < BATCH:
            return
        batch, self._batch = self._batch, []
        while not self._stopped.is_set():
            try:
                self._queue.put_nowait(batch)
            except queue.Full:
                # The consumer is behind: hold the network back without blocking the loop.
                await asyncio.sleep(0.01)
            else:
                return

    def _waited(self, seconds: float) -> None:
        self._progress.update("Waiting for ARM's limits", note=f"{seconds:.0f} s")


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    """The first error of a group of tasks, however deep it is nested."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""What would be different: `--what-if [STORE@]PATH=VALUE` laid over a collection, judged by the same analysis."""

from __future__ import annotations

import difflib
import fnmatch
import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeGuard

from auditor.errors import UsageError
from auditor.model import Gap, Record, Resource, Snapshot
from auditor.recovery.changes import ImpossibleChangeError, UnreadError, changed

EXAMPLE: Final = (
    "For example cosmos-*@properties.backupPolicy.type=Continuous, or vaults@properties.enablePurgeProtection=true."
)
MAX_VALUE: Final = 10_000


class WhatIf(NamedTuple):
    """One setting as it might be. `stores` is a glob over names, or a type with or without its namespace."""

    stores: str
    path: str
    value: Any

    def covers(self, store: Resource) -> bool:
        """Whether it is for a store."""
        kind = store.type.casefold()
        names = (store.name.casefold(), kind, kind.rpartition("/")[2], store.id.casefold())
        return any(fnmatch.fnmatchcase(name, self.stores.casefold()) for name in names)


def parsed(text: str) -> WhatIf:
    """`[STORE@]PATH=VALUE`; the value is JSON where it is any, and text otherwise. Raises UsageError."""
    place, equals, value = text.partition("=")
    stores, at, path = place.rpartition("@")
    if not equals or not path or (at and not stores) or len(text) > MAX_VALUE or stores.count("*") > 16:
        raise UsageError(f"--what-if {text[:200]!r} is not of the form [STORE@]PATH=VALUE", hint=EXAMPLE)
    try:
        return WhatIf(stores or "*", path, json.loads(value))
    except (ValueError, RecursionError):
        return WhatIf(stores or "*", path, value)


def require_settings(asked: Sequence[WhatIf], known: Iterable[str]) -> None:
    """See that the analysis looks at what is asked about; `known` are settings, `child:path` on a child.

    Raises UsageError: a misspelled setting would change nothing, and look as if it did not matter.
    """
    names = {_plain(name): name for name in known}
    for one in asked:
        wanted = _plain(one.path)
        if not any(f"{wanted}.".startswith(f"{name}.") or f"{name}.".startswith(f"{wanted}.") for name in names):
            near = difflib.get_close_matches(wanted[:200], names, 1)
            guess = f"Did you mean {names[near[0]]}? " if near else ""
            raise UsageError(f"--what-if {one.path[:200]!r}: no scenario depends on that setting", hint=guess + EXAMPLE)


def _plain(path: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", path).casefold()


def with_changes(collected: Snapshot, asked: Sequence[WhatIf], types: Container[str]) -> Snapshot:
    """The collection with the settings changed in every store they are for; `types` are the stores', casefolded.

    Raises UsageError for a change that is for no store, or that is impossible in every store it is for.
    """
    for one in asked:
        stores = [store for store in collected.records() if _is_store(store, types) and one.covers(store)]
        problems = [problem for store in stores if (problem := _problem(store, one))]
        if len(problems) == len(stores):
            why = problems[0] if problems else f"no store is called {one.stores!r}, and none is of that type"
            raise UsageError(f"--what-if {one.path}: {why}", hint=EXAMPLE)

    def records(skip: Container[str] = ()) -> Iterator[Record]:
        for record in collected.records(skip=skip):
            yield from _changed(record, asked) if _is_store(record, types) else (record,)

    return replace(collected, records=records)


def _is_store(record: Record, types: Container[str]) -> TypeGuard[Resource]:
    return isinstance(record, Resource) and record.type.casefold() in types


def _problem(store: Resource, one: WhatIf) -> str:
    try:
        changed(store, {one.path: one.value})
    except ImpossibleChangeError as error:
        return str(error)
    return ""


def _changed(store: Resource, asked: Sequence[WhatIf]) -> Iterator[Record]:
    """The store with its changes; one that meets what could not be read is not made, and is a gap."""
    for one in asked:
        if one.covers(store):
            try:
                store = changed(store, {one.path: one.value})
            except UnreadError as error:
                yield Gap(store.id, f"--what-if {one.path} was not laid over it: {error}", store.origin)
            except ImpossibleChangeError:
                # The setting is none of this store's.
                continue
    yield store

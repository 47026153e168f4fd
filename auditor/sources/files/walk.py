"""Goes through a folder and says what is in it for us, within bounds and without following links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditor.model import Gap, Origin, Scope
from auditor.sources.files.jail import PROJECT_FILES, Refused, head, read, shown
from auditor.sources.files.kinds import JSON_ENDINGS, TERRAFORM, Kind, by_ending, has_links, is_compiled, kind_of

MAX_SEEN: Final = 500_000
"""Names looked at in one run."""
MAX_FILES: Final = 50_000
"""Files opened in one run."""
MAX_BYTES: Final = 2**30
"""Bytes read to tell what files are."""
MAX_DEPTH: Final = 40
"""Folders inside one another."""
SKIPPED: Final = frozenset({"node_modules"})
"""Folders of what others wrote; hidden ones are skipped too."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a kind we know, by its real path. `linked`: its JSON leads to others; `compiled`: Bicep made it."""

    path: Path
    kind: Kind
    linked: bool = False
    compiled: bool = False


class Budget:
    """What one run may look at, all its folders together. `spent` says what has run out, or is empty."""

    def __init__(self) -> None:
        """Start with all of it."""
        self.seen = 0
        self.files = 0
        self.bytes = 0

    @property
    def spent(self) -> str:
        """The bound that is reached, in words."""
        if self.seen > MAX_SEEN:
            return f"there are more than {MAX_SEEN:,} files"
        if self.files > MAX_FILES:
            return f"there are more than {MAX_FILES:,} files of our kinds"
        return f"there is more than {MAX_BYTES // 2**20:,} MiB of JSON" if self.bytes > MAX_BYTES else ""


def found_in(path: Path, data: bytes) -> Found:
    """What a file with this content is."""
    kind = kind_of(path, data)
    if kind is not Kind.TEMPLATE:
        return Found(path, kind)
    return Found(path, kind, linked=has_links(data), compiled=is_compiled(data))


def walk(folder: Path, budget: Budget, *, below: bool = True) -> Iterator[Found | Path | Gap | Scope]:
    """What is in a folder, and with `below` in those inside it, in the order of names.

    A `Path` is an azd project's folder. What could not be looked at, and might hold something, is a Gap.
    """
    waiting: list[tuple[Path, int]] = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = _listed(place, budget)
        except OSError as error:
            yield _gap(place, f"the folder cannot be read: {error.strerror or error}")
            continue
        if any(entry.name in PROJECT_FILES for entry in entries):
            yield place
        inner: list[Path] = []
        for entry in entries:
            path = Path(entry.path)
            if not _is_folder(entry):
                if not budget.spent and (by_ending(path) or entry.name.casefold().endswith(JSON_ENDINGS)):
                    yield from _file(path, folder, budget)
            elif below and not entry.name.startswith(".") and entry.name not in SKIPPED:
                if not entry.is_symlink():
                    inner.append(path)
                elif not Path(os.path.realpath(path)).is_relative_to(folder):
                    yield Scope(shown(path), "folder", entry.name, "a link that leads out of the folder; not followed")
        if budget.spent:
            yield _gap(place, f"{budget.spent}; the rest of the folder was not looked at")
            return
        if inner and depth >= MAX_DEPTH:
            yield _gap(place, f"folders nest deeper than {MAX_DEPTH} levels; what is below was not looked at")
        else:
            waiting.extend((path, depth + 1) for path in reversed(inner))


def _listed(folder: Path, budget: Budget) -> list[os.DirEntry[str]]:
    """What is in a folder, by name, as far as the budget goes. Raises OSError."""
    entries = []
    with os.scandir(folder) as listing:
        for entry in listing:
            entries.append(entry)
            budget.seen += 1
            if budget.spent:
                break
    return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads in a circle


def _file(path: Path, folder: Path, budget: Budget) -> Iterator[Found | Gap]:
    budget.files += 1
    told = by_ending(path)
    if path.is_symlink():
        target = Path(os.path.realpath(path))
        if target.is_relative_to(folder) or not target.is_file():
            return  # what it leads to is seen where it stands, or is nothing
        if told is not None:
            yield _gap(path, "it is a link that leads out of the folder, and was not followed")
        return
    if told is not None:
        yield Found(path, told)
        return
    try:
        data = read(path)
    except Refused as refused:
        yield from _unread(path, refused)
        return
    budget.bytes += len(data)
    found = found_in(path, data)
    if found.kind is not Kind.OTHER:
        yield found


def _unread(path: Path, refused: Refused) -> Iterator[Found | Gap]:
    """A JSON file that could not be read whole: a gap, unless its beginning is that of something else."""
    if not path.is_file():
        return
    beginning = head(path)
    kind = kind_of(path, beginning)
    if kind is Kind.SNAPSHOT or kind in TERRAFORM:
        yield Found(path, kind)  # these are read piece by piece
    elif kind is not Kind.OTHER or not beginning:
        yield _gap(path, str(refused))


def _gap(path: Path, reason: str) -> Gap:
    return Gap(shown(path), reason, Origin(shown(path)))

"""What may be read: regular files inside the folders a run was pointed at, by their real paths.

Templates are strangers' text. A path in one of them leads where it says only when the file it ends at, all links
followed, stands inside a folder the user named, and not in a hidden folder (`.git`, `.azure`, `.ssh`).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

MAX_FILE: Final = 16 * 2**20
"""Bytes of one file."""
MAX_REFERENCE: Final = 1_000
"""Characters of a path in a template."""
MAX_UP: Final = 40
"""Folders looked at above a target."""
PROJECT_FILES: Final = ("azure.yaml", "azure.yml")
"""The files that make a folder an azd project, in azd's order."""

_ABSOLUTE: Final = re.compile(r"[/~]|[A-Za-z]:")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Refused(Exception):  # noqa: N818 - it is a reason, which becomes data, and no error of ours
    """A file that is not there or may not be read; the message is the reason a report gives."""


def real(path: Path) -> Path:
    """A path with all links followed. Raises Refused when there is no such file, or its links go in a circle."""
    try:
        return Path(os.path.realpath(path, strict=True))
    except (OSError, ValueError, RuntimeError) as error:
        raise Refused(_why(error)) from error


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    text = error.strerror if isinstance(error, OSError) and error.strerror else "its path is none"
    return f"it cannot be read: {text}"


def read(path: Path, limit: int = MAX_FILE) -> bytes:
    """A regular file's bytes. Raises Refused for anything else (a pipe would never end) and beyond `limit` bytes."""
    data = _read(path, limit + 1)
    if len(data) > limit:
        raise Refused(f"it is larger than {limit // 2**20} MiB")
    return data


def head(path: Path, count: int = 4_096) -> bytes:
    """The first bytes of a regular file; none where it cannot be read."""
    try:
        return _read(path, count)
    except Refused:
        return b""


def _read(path: Path, count: int) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Refused("it is no regular file")
            # Asking for what there is, and a byte more, spares a buffer of the size of what there may be.
            data = stream.read(min(count, status.st_size + 1))
            return data if len(data) <= status.st_size else data + stream.read(count - len(data))
    except (OSError, ValueError) as error:
        raise Refused(_why(error)) from error


def text_of(data: bytes) -> str:
    """A file's text: UTF-8, or UTF-16 where a byte order mark says so. Bytes that are neither become U+FFFD."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def shown(path: Path) -> str:
    """A path as reports name it: relative to the working directory where it is below it."""
    try:
        return path.relative_to(os.path.realpath(Path.cwd())).as_posix() or "."
    except (ValueError, OSError):
        return path.as_posix()


def home() -> Path | None:
    """The user's home folder by its real path, where there is one."""
    try:
        return Path(os.path.realpath(Path.home()))
    except RuntimeError:
        return None


def project_root(target: Path) -> Path:
    """The folder a target's templates may read in: the repository it stands in, else its azd project, else itself.

    `target` is a real path. A home folder, or the root of the file system, is never taken for a project just because
    there is a `.git` in it.
    """
    start = target if target.is_dir() else target.parent
    azd = None
    for folder in (start, *start.parents)[:MAX_UP]:
        if folder in (home(), folder.parent):
            break
        if os.path.lexists(folder / ".git"):
            return folder
        if azd is None and any(os.path.lexists(folder / name) for name in PROJECT_FILES):
            azd = folder
    return azd or start


class Jail:
    """The folders that may be read. A file in one of the user's own (`apart`) leads nowhere else.

    `asked` are the paths each file asked for, as it names them and where they lead, whether they may be read or not.
    """

    def __init__(self, roots: Iterable[Path], apart: Iterable[Path] = ()) -> None:
        """Take the projects' folders, and those of registry modules, by their real paths."""
        self._roots = tuple(dict.fromkeys(roots))
        self._apart = list(dict.fromkeys(apart))
        self.asked: dict[Path, set[Path]] = {}

    def add(self, folder: Path) -> None:
        """Let one more folder of registry modules be read."""
        if folder not in self._apart:
            self._apart.append(folder)

    def root(self, path: Path) -> Path | None:
        """The innermost folder of the jail that a real path stands in."""
        found = [root for root in (*self._roots, *self._apart) if path.is_relative_to(root)]
        return max(found, key=lambda root: len(root.parts), default=None)

    def resolve(self, base: Path, reference: str) -> Path:
        """The real path of the file that `reference` means in the file `base`. Raises Refused."""
        if not reference or len(reference) > MAX_REFERENCE or "\0" in reference:
            raise Refused("that is no path of a file")
        if _SCHEME.match(reference):
            raise Refused("what an address leads to is not read")
        relative = reference.replace("\\", "/")
        if _ABSOLUTE.match(relative):
            raise Refused("absolute paths are not followed")
        # As a compiler does: `a/../b` is `b`, whether there is an `a` or not.
        path = Path(os.path.normpath(base.parent / relative))
        self.note(base, path)
        root = self.root(base)
        allowed = (root,) if root is None or root in self._apart else self._roots
        self._check(path, base, allowed)
        path = real(path)
        self.note(base, path)
        self._check(path, base, allowed)
        return path

    def note(self, base: Path, path: Path) -> None:
        """Remember that a file asked for another one."""
        self.asked.setdefault(base, set()).add(path)

    @staticmethod
    def _check(path: Path, base: Path, allowed: tuple[Path | None, ...]) -> None:
        inside = next((root for root in allowed if root is not None and path.is_relative_to(root)), None)
        if inside is None:
            where = ", ".join(shown(root) for root in allowed if root is not None)
            raise Refused(f"it lies outside of {where or 'what was named'}; name a folder that holds both")
        shared = Path(os.path.commonpath((path, base.parent)))
        if any(part.startswith(".") for part in path.relative_to(shared).parts):
            raise Refused("it lies in a hidden folder, or is a hidden file")

"""Files that are written whole or not at all: beside their place, and renamed when they are complete."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from auditor.errors import OutputError


def require(path: Path) -> None:
    """See that a file could be written to `path`, before the work whose result it shall hold.

    Raises OutputError for a folder, for a place below a file, and for one that may not be written to.
    """
    if path.is_dir():
        raise OutputError(f"{path} cannot be written: it is a folder")
    if _direct(path):
        return
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise OutputError(f"{path} cannot be written: {folder} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: nothing may be written to {folder}")


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """A stream whose bytes stand at `path` once the block has ended well; until then what stood there stays.

    Folders on the way are made. A link is replaced, not followed: it may have come with a repository under review. A
    device or a pipe is written to as it is. With `durable` the bytes are on the disk before the name is.
    Raises OutputError.
    """
    import tempfile

    temporary = ""
    try:
        if _direct(path):
            with path.open("wb") as stream:
                yield stream
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.", suffix=".part")
        with os.fdopen(handle, "wb", buffering=2**20) as stream:
            yield stream
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
        temporary = ""
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _direct(path: Path) -> bool:
    """Whether a path is no place for a file of ours: a device, a pipe, or one of the names a shell makes of them."""
    return str(path).startswith("/dev/") or (path.exists() and not path.is_file() and not path.is_dir())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

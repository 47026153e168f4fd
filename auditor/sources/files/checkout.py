"""What differs in a git checkout from the commit a branch started at: `--changed-only`.

Git is asked without a shell, and with everything switched off that could run another program: the file system monitor,
hooks, pagers, external diffs, text conversions, content filters and transports. Compared is the working tree, so
committed, staged and other edits count, and so does every file git does not track, ignored ones included: what cannot
be compared has changed as far as anybody can tell.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from auditor.errors import UsageError
from auditor.sources.files.jail import MAX_FILE

TIMEOUT: Final = 120.0
"""Seconds one call of git may take."""
MAX_REF: Final = 500
MAX_OUTPUT: Final = 256 * 2**20
"""Bytes of what git lists, and of all old texts together."""
TEMPLATES: Final = (".bicep", ".bicepparam", ".json", ".jsonc", ".tf", ".tofu")
"""Endings of files whose old text says what was called at the base."""

_HARMLESS: Final = (
    "--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never",
)  # fmt: skip
_KEPT: Final = ("GIT_CONFIG", "GIT_CEILING_DIRECTORIES", "GIT_EXEC_PATH")
"""Of git's own variables, those that do not point it at another repository, as they do in a hook."""
_ENVIRONMENTS: Final = frozenset({".azure", ".terraform"})
"""Folders of what azd and Terraform keep beside a project: as little part of a change as environment variables are."""
_FILTERS: Final = r"^filter\..*\.(clean|smudge|process|required)$"
_FETCH: Final = "Fetch it first; in CI check out with the history (fetch-depth: 0, or GIT_DEPTH: 0)."


class Changes(NamedTuple):
    """How a checkout differs from the commit where its branch left `base`.

    `root` and `paths` are real as far as folders go; a path may be that of a folder no file of which git knows.
    `before` are the templates that changed or are gone, with their texts then; None for one that cannot be had.
    """

    root: Path
    base: str
    commit: str
    paths: frozenset[Path]
    before: Mapping[Path, bytes | None]

    def touch(self, path: Path) -> bool:
        """Whether a path, or a folder it is in, differs. What is outside of the checkout is not compared."""
        return not self.paths.isdisjoint((path, *path.parents))

    def below(self, folder: Path) -> Iterator[Path]:
        """What differs in a folder itself."""
        yield from (path for path in self.paths if path.parent == folder)


def changes(folder: Path, base: str) -> Changes:
    """Compare the checkout that a folder is in with its merge base with `base`.

    Raises UsageError where there is no checkout, no such commit, or git cannot tell.
    """
    if not base.strip() or base.startswith("-") or len(base) > MAX_REF or not base.isprintable():
        raise UsageError(f"--changed-only {base[:MAX_REF]!r} is no name of a commit", hint="For example origin/main.")
    git = _Git(folder)
    top = git.text("rev-parse", "--show-toplevel", failure="--changed-only needs a git checkout")
    root = Path(os.path.realpath(top))
    git = _Git(root)
    named = git.text(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}",
        failure=f"--changed-only {base}: the checkout has no such commit", hint=_FETCH,
    )  # fmt: skip
    commit = git.text(
        "merge-base", named, "HEAD", failure=f"--changed-only {base}: it has no commit in common with HEAD", hint=_FETCH
    )
    differing = _compared(git, root, commit)
    paths = {path for one in differing for path in (one.path, *_environment(one.path))}
    for name in filter(None, git.run("ls-files", "-z", "--others", "--directory").split(b"\0")):
        path = root / os.fsdecode(name).rstrip("/")
        if _ENVIRONMENTS.isdisjoint(path.relative_to(root).parts):
            paths.add(path)
    return Changes(root, base, commit, frozenset(paths), _texts(git, differing))


def _compared(git: _Git, root: Path, commit: str) -> list[_Differing]:
    """The tracked paths that differ. Raises UsageError."""
    index = Path(root, git.text("rev-parse", "--git-path", "index", failure="the index cannot be found"))
    try:
        with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
            # `git diff` notes in the index what it found to be the same. That is not ours to write.
            copy = Path(folder, "index")
            if index.is_file():
                shutil.copy2(index, copy)  # with its time, by which git tells what it must look at again
            return list(_differing(_Git(root, copy), root, commit))
    except OSError as error:
        raise UsageError(f"--changed-only cannot copy git's index: {error.strerror or error}") from error


def _environment(path: Path) -> Iterator[Path]:
    """The folder of an azd environment that a file belongs to: it changes with every file in it."""
    yield from (folder for folder in path.parents if folder.name in _ENVIRONMENTS)


# ── git ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Git:
    """Runs git in a folder."""

    def __init__(self, folder: Path, index: Path | None = None) -> None:
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        kept |= {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        self._environment = {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        if index is not None:
            self._environment["GIT_INDEX_FILE"] = str(index)

    def run(self, *arguments: str, given: bytes = b"", failure: str = "", hint: str = "", silent: int = 0) -> bytes:
        """What git answers. An exit code of `silent` is no failure. Raises UsageError."""
        try:
            done = subprocess.run(  # noqa: S603 - no shell; names of commits are checked, and follow --end-of-options
                ["git", *_HARMLESS, "-C", str(self._folder), *arguments],  # noqa: S607 - the user's own git
                input=given,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
                env=self._environment,
            )
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"git {arguments[0]} did not end within {TIMEOUT:.0f} seconds") from error
        except OSError as error:
            raise UsageError(f"--changed-only needs git, which could not be run: {error.strerror}") from error
        if done.returncode not in (0, silent):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            why = said[0][:300] if said else ""
            what = failure or f"git {arguments[0]} failed with {done.returncode}"
            raise UsageError(f"{what}: {why}" if why else what, hint=hint)
        if len(done.stdout) > MAX_OUTPUT:
            raise UsageError(f"git {arguments[0]} answers more than {MAX_OUTPUT // 2**20} MiB")
        return done.stdout

    def text(self, *arguments: str, failure: str, hint: str = "") -> str:
        """One line that git answers."""
        return os.fsdecode(self.run(*arguments, failure=failure, hint=hint)).removesuffix("\n")


@dataclass(frozen=True, slots=True)
class _Differing:
    """A tracked path that differs, and the id of what it was: empty for what was no regular file."""

    path: Path
    blob: str


def _differing(git: _Git, root: Path, commit: str) -> Iterator[_Differing]:
    # A filter is a command of the configuration; without it, what is filtered may differ, which errs on the safe side.
    filters = git.run("config", "--null", "--name-only", "--get-regexp", _FILTERS, silent=1)
    names = [os.fsdecode(name) for name in filters.split(b"\0") if name]
    off = [f"{name}={'false' if name.endswith('.required') else ''}" for name in names]
    listed = git.run(
        *(part for setting in off for part in ("-c", setting)),
        "diff", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative",
        "--ignore-submodules=none", commit, "--",
    )  # fmt: skip
    fields = listed.split(b"\0")[:-1]
    for about, name in zip(fields[::2], fields[1::2], strict=True):
        mode, _, blob, *_ = about.decode("ascii").lstrip(":").split(" ")
        yield _Differing(root / os.fsdecode(name), blob if mode.startswith("100") else "")


def _texts(git: _Git, differing: Iterable[_Differing]) -> dict[Path, bytes | None]:
    """The texts that templates had at the base."""
    wanted = {one.path: one.blob for one in differing if one.blob and one.path.name.casefold().endswith(TEMPLATES)}
    if not wanted:
        return {}
    blobs = list(dict.fromkeys(wanted.values()))
    sizes = dict(
        zip(blobs, map(_size, git.run("cat-file", "--batch-check", given=_lines(blobs)).splitlines()), strict=True)
    )
    small = [blob for blob in blobs if 0 <= sizes[blob] <= MAX_FILE]
    if sum(sizes[blob] for blob in small) > MAX_OUTPUT:
        small = []
    found: dict[str, bytes] = {}
    answer = git.run("cat-file", "--batch", given=_lines(small)) if small else b""
    at = 0
    for blob in small:
        start = answer.index(b"\n", at) + 1
        found[blob] = answer[start : start + sizes[blob]]
        at = start + sizes[blob] + 1
    return {path: found.get(blob) for path, blob in wanted.items()}


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("ascii")


def _size(answer: bytes) -> int:
    """The size in `ID blob SIZE`; -1 for an object that is not at hand."""
    parts = answer.split(b" ")
    return int(parts[2]) if len(parts) == 3 and parts[1] == b"blob" else -1

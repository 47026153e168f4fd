"""`--changed-only`: takes out of a survey what nothing that changed since a commit reaches.

What is audited is an entry point that was none at that commit, and one that reads a file which differs: its template,
modules, imports, parameter files, loaded contents, configurations, whatever they asked for and was not there. Where
that cannot be told, it is audited. So a verdict that a change could have made another one is never left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.errors import UsageError
from auditor.model import Scope
from auditor.sources.files.checkout import TEMPLATES, Changes, changes
from auditor.sources.files.jail import Jail, shown, text_of
from auditor.sources.files.kinds import Kind
from auditor.sources.files.reach import Reach
from auditor.sources.files.survey import Survey, is_variables
from auditor.sources.files.tree import EntryPoint

if TYPE_CHECKING:
    from auditor.sources import CollectOptions
    from auditor.sources.terraform.modules import Module

CONFIGURATIONS: Final = (".tf", ".tf.json", ".tofu", ".tofu.json")
_TERRAFORM: Final = (".tf", ".tofu", ".tfvars", ".tfstate", ".hcl", ".json")
"""Endings of files in a folder that Terraform reads by itself."""
_READS: Final = re.compile(r"\b(?:file\w*|templatefile)\s*\(")
"""Calls of functions that read files, whose names only evaluation tells."""
_CALLS: Final = re.compile(r"source\"?\s*[=:]\s*\"(\.{1,2}(?:[/\\][^\"]*)?)\"")
"""The sources of local modules."""


def narrow(survey: Survey, paths: Sequence[Path], options: CollectOptions) -> Iterator[Scope]:
    """Leave in a survey only what a change reaches, and say what was left out.

    Raises UsageError where the targets are in no checkout, or in several, or the commit is not known.
    """
    targets = [Path(os.path.realpath(path)) for path in paths]
    since = changes(targets[0] if targets[0].is_dir() else targets[0].parent, options.changed_only)
    for target in targets:
        if not target.is_relative_to(since.root):
            message = f"--changed-only looks at one git checkout, and {shown(target)!r} is not in {shown(since.root)!r}"
            raise UsageError(message, hint="Scan what is in each checkout by itself.")
    everything = _everything(since, paths, options)
    number = len(since.paths)
    state = (
        f"{number} path{' differs' if number == 1 else 's differ'} from {since.commit[:12]}, where it left {since.base}"
    )
    state += f"; everything is audited: {everything}" if everything else "; only what these reach is audited"
    yield Scope(shown(since.root), "git checkout", since.root.name, state)
    if not everything:
        yield from _points(survey, paths, options, since)
        yield from _snapshots(survey, since)
        yield from _terraform(survey, options, since)


def _everything(since: Changes, paths: Iterable[Path], options: CollectOptions) -> str:
    """Why nothing can be left out; an empty text where something can."""
    for path in options.judged_by:
        if _differs(path, since):
            return f"{shown(Path(os.path.realpath(path)))}, by which it is judged, differs"
    for path in options.parameters:
        if not Path(os.path.realpath(path)).is_relative_to(since.root):
            return f"{path} is not in the checkout"
    for path in paths:
        if path.is_symlink() and _differs(path, since):
            return f"the link {path} differs"
    unread = next((path for path, text in since.before.items() if text is None), None)
    return f"what {shown(unread)} was is not at hand" if unread is not None else ""


def _differs(path: Path, since: Changes) -> bool:
    """Whether a file, what it leads to, or anything in a folder differs."""
    named = Path(os.path.realpath(path.parent), path.name)
    return any(
        since.touch(one) or any(other.is_relative_to(one) for other in since.paths)
        for one in (named, Path(os.path.realpath(path)))
    )


def _left_out(path: Path, kind: str, name: str, since: Changes) -> Scope:
    state = f"left out: nothing it reads differs since {since.base}"
    return Scope(shown(path), kind, name, state, left_out=True)


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _points(survey: Survey, paths: Sequence[Path], options: CollectOptions, since: Changes) -> Iterator[Scope]:
    before = _before(survey, paths, options, since)
    reach = Reach(survey.loader, survey.jail)
    kept: list[EntryPoint] = []
    for point in survey.points:
        files = reach.files(point) if point in before else None
        if files is None or any(map(since.touch, files)):
            kept.append(point)
        else:
            kind = Kind.TEMPLATE if point.at.suffix.casefold() in (".json", ".jsonc") else Kind.BICEP
            yield _left_out(point.at, kind.value, ", ".join(path.name for path in point.parameters), since)
    survey.points = kept


def _before(survey: Survey, paths: Sequence[Path], options: CollectOptions, since: Changes) -> set[EntryPoint]:
    """The entry points there were at the base: what is called, and which parameters go with what, may have changed."""
    if not since.before and not any(path.suffix.casefold() in TEMPLATES or path.is_dir() for path in since.paths):
        return set(survey.points)
    try:
        return set(Survey(paths, options, since).points)
    except UsageError:
        return set()


def _snapshots(survey: Survey, since: Changes) -> Iterator[Scope]:
    for path in dict.fromkeys(survey.snapshots):
        if not since.touch(path):
            survey.snapshots = [other for other in survey.snapshots if other != path]
            yield _left_out(path, Kind.SNAPSHOT.value, path.name, since)


# ── Terraform ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _terraform(survey: Survey, options: CollectOptions, since: Changes) -> Iterator[Scope]:
    """Leave out the folders whose files, and those of the local modules they call, are what they were."""
    if any(is_variables(path) and _differs(path, since) for path in options.parameters):
        return
    folders = _Folders(survey.jail, since)
    if options.terraform_dir is not None and folders.reached(Path(os.path.realpath(options.terraform_dir))):
        return
    every = (*survey.terraform, *survey.terraform_named)
    left = {folder for folder in {one.path.parent for one in every} if not folders.reached(folder)}
    if not left:
        return
    from auditor.sources.terraform import modules

    written = [one.path.parent for one in survey.terraform if one.kind is Kind.CONFIGURATION]
    called = set(written) - modules.roots_of(dict.fromkeys(written), survey.jail)
    survey.terraform = [one for one in survey.terraform if one.path.parent not in left]
    survey.terraform_named = [one for one in survey.terraform_named if one.path.parent not in left]
    for folder in sorted(left):
        kinds = dict.fromkeys(one.kind.value for one in every if one.path.parent == folder)
        if folder in called:
            kinds.pop(Kind.CONFIGURATION.value)  # it is judged where it is called
        if kinds:
            yield _left_out(folder, ", ".join(kinds), folder.name, since)


class _Folders:
    """Which folders of Terraform a change reaches."""

    def __init__(self, jail: Jail, since: Changes) -> None:
        self._jail = jail
        self._since = since
        # A folder that was called, and is so no longer, is deployed by itself now.
        self._called = {
            Path(os.path.normpath(path.parent / source))
            for path, text in since.before.items()
            if path.name.casefold().endswith(CONFIGURATIONS) and text is not None
            for source in _CALLS.findall(text_of(text))
        }
        self._directly: dict[Path, bool] = {}

    def reached(self, root: Path) -> bool:
        """Whether a change reaches what is deployed from a folder; it does where that cannot be told."""
        from auditor.sources.terraform import modules

        loader = modules.Loader(root, self._jail)
        waiting = [(root, "")]
        seen: set[Path] = set()
        while waiting:
            folder, name = waiting.pop()
            if folder in seen:
                continue
            seen.add(folder)
            module = loader.open(folder)
            if self._changed(folder, module):
                return True
            for label, call in module.calls.items():
                path = f"{name}.{label}" if name else label
                child = loader.child(module, call, path)
                if isinstance(child, modules.Module):
                    waiting.append((child.folder, path))
        asked = (path for folder in seen for path in self._jail.asked.get(folder / "x", ()))
        return any(self._since.touch(path) or (not path.is_dir() and self._emptied(path)) for path in asked)

    def _emptied(self, folder: Path) -> bool:
        return any(path.is_relative_to(folder) for path in self._since.paths)

    def _changed(self, folder: Path, module: Module) -> bool:
        if folder not in self._directly:
            since = self._since
            reads = any(_READS.search(document.source.text) for document in module.documents)
            self._directly[folder] = (
                bool(module.broken)
                or folder in self._called
                or since.touch(folder)
                or (reads and bool(since.paths))
                or any(path.name.casefold().endswith(_TERRAFORM) for path in since.below(folder))
            )
        return self._directly[folder]

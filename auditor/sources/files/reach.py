"""Which files an entry point reads, found by parsing: modules, imports, parameters, loaded contents, configurations.

A module under a condition is reached, whatever the condition says: nothing is evaluated here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor.sources.arm import ir
from auditor.sources.files.jail import PROJECT_FILES, Jail, Refused
from auditor.sources.files.loading import Loader
from auditor.sources.files.registry import CONFIG
from auditor.sources.files.tree import MAX_INLINE, EntryPoint

LOADS: Final = frozenset({"loadtextcontent", "loadfileasbase64", "loadjsoncontent", "loadyamlcontent"})
_ASIDE: Final = frozenset({"span", "source", "load", "secrecy", "types", "problems", "parent"})
"""Fields of nodes that hold no expression of the file itself, or one that is met elsewhere."""


class _File(NamedTuple):
    """A template, or a parameter file."""

    path: Path
    parameters: bool


class Reach:
    """What files read. `loader` parses them, and `jail` knows what they asked for then."""

    def __init__(self, loader: Loader, jail: Jail) -> None:
        """Take those of the survey whose entry points it is about."""
        self._loader = loader
        self._jail = jail
        self._known: dict[_File, tuple[_File, ...] | None] = {}

    def files(self, point: EntryPoint) -> set[Path] | None:
        """The paths an entry point reads, or would if they were there; None where nobody can tell.

        Nobody can where a file was not understood whole, or where what it loads has a computed name.
        """
        first = [] if point.template is None else [_File(point.template, parameters=False)]
        waiting = [*first, *(_File(path, parameters=True) for path in point.parameters)]
        seen: set[_File] = set()
        found = self._of_project(point.at)
        while waiting:
            file = waiting.pop()
            if file in seen:
                continue
            seen.add(file)
            further = self._further(file)
            if further is None:
                return None
            waiting += further
            found.add(file.path)
            found |= self._jail.asked.get(file.path, set())
            found |= self._configurations(file.path)
        return found

    def _further(self, file: _File) -> tuple[_File, ...] | None:
        """The templates and parameter files that one leads to."""
        if file not in self._known:
            try:
                self._known[file] = tuple(self._parameters(file.path) if file.parameters else self._template(file.path))
            except _Unclear:
                self._known[file] = None
            except Refused:
                self._known[file] = ()  # a gap, unless it changes
        return self._known[file]

    def _template(self, path: Path) -> Iterator[_File]:
        yield from self._called(self._loader.open_template(path), 0)

    def _parameters(self, path: Path) -> Iterator[_File]:
        file = self._loader.open_parameters(path)
        if file.problems:
            raise _Unclear
        if file.using:
            yield from self._given(self._loader.template(file.source, file.using))
        if file.extends:
            extended = self._loader.parameters(file.source, file.extends)
            if isinstance(extended, ir.ParameterFile) and extended.source.path is not None:
                yield _File(extended.source.path, parameters=True)
        self._note_loads(file.source, file.values)
        yield from self._called(file.context, 0)

    def _called(self, template: ir.Template, depth: int) -> Iterator[_File]:
        if template.problems or depth > MAX_INLINE:
            raise _Unclear
        self._note_loads(template.source, template)
        for declaration in (*template.declarations, *template.imports):
            if isinstance(declaration, ir.ResourceDeclaration):
                continue
            called = declaration.load()
            inline = isinstance(declaration, ir.ModuleDeclaration) and not declaration.reference
            if inline and isinstance(called, ir.Template):
                yield from self._called(called, depth + 1)
            else:
                yield from self._given(called)

    @staticmethod
    def _given(called: ir.Template | ir.Unresolved) -> Iterator[_File]:
        """The file of a template; one that is not at hand was asked for all the same."""
        if isinstance(called, ir.Template) and called.source.path is not None:
            yield _File(called.source.path, parameters=False)

    def _note_loads(self, source: ir.Source, node: object) -> None:
        if "load" not in source.text.casefold():
            return
        for call in _calls(node):
            if call.name not in LOADS or not call.arguments:
                continue
            path = call.arguments[0]
            if not isinstance(path, ir.Literal) or not isinstance(path.value, str):
                raise _Unclear
            try:
                self._loader.locate(source, path.value)
            except Refused:
                continue  # it was asked for

    # ── what is looked for around a file ─────────────────────────────────────────────────────────────────────────────

    def _configurations(self, path: Path) -> set[Path]:
        """Where a file's bicepconfig.json may lie, and what those that were read extend."""
        found = {folder / CONFIG for folder in self._around(path)}
        waiting = list(found)
        while waiting:
            more = self._jail.asked.get(waiting.pop(), set()) - found
            found |= more
            waiting += more
        return found

    def _of_project(self, path: Path) -> set[Path]:
        """The files of the azd projects an entry point may belong to."""
        folders = list(self._around(path))
        return {folder / name for folder in folders for name in (*PROJECT_FILES, ".azure")}

    def _around(self, path: Path) -> Iterator[Path]:
        root = self._jail.root(path)
        for folder in path.parents:
            yield folder
            if root is None or folder == root:
                return


class _Unclear(Exception):  # noqa: N818 - no error: what a file leads to cannot be told
    """Something in a file may lead anywhere."""


def _calls(node: Any) -> Iterator[ir.Call]:
    """All calls in a template or an expression."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ir.Call):
            yield one
        if isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, tuple):
            waiting.extend(one)
        elif dataclasses.is_dataclass(one):
            waiting.extend(getattr(one, field.name) for field in dataclasses.fields(one) if field.name not in _ASIDE)

"""What the files of a folder are to one another: which template is deployed, which is only called, with what values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditor.model import Gap, Origin, Scope, Waiver
from auditor.sources.arm import ir
from auditor.sources.files.azd import Project
from auditor.sources.files.jail import Refused, shown
from auditor.sources.files.kinds import Kind
from auditor.sources.files.loading import Loader
from auditor.sources.files.registry import is_registry
from auditor.sources.files.walk import Found

MAX_BESIDE: Final = 8
"""Templates of one folder that are compared with a parameter file of another name."""
MAX_INLINE: Final = 24
"""Deployments written inside one another."""


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A template that is deployed, with its parameter files (later ones win), all by their real paths.

    `template` is None where the first parameter file names a registry's module.
    """

    template: Path | None
    parameters: tuple[Path, ...] = ()

    @property
    def at(self) -> Path:
        """The file it begins with."""
        return self.template or self.parameters[0]

    def order(self) -> tuple[Path, tuple[Path, ...]]:
        """Where it stands among others."""
        return self.at, self.parameters


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of a template once its file has been looked at: the files it calls, and whether it deploys."""

    uses: frozenset[Path] = frozenset()
    deploys: bool = True
    gaps: tuple[Gap, ...] = ()


class Tree:
    """The templates and parameter files of one folder."""

    def __init__(self, loader: Loader, found: Iterable[Found], projects: Iterable[Project]) -> None:
        """Take what is in the folder; files are parsed when the question needs it."""
        self.records: list[Gap | Scope | Waiver] = []
        self.broken: list[Gap] = []
        self._loader = loader
        self._templates: dict[Path, Found] = {}
        self._json: list[Path] = []
        self._bicepparam: list[Path] = []
        for one in found:
            if one.kind in (Kind.BICEP, Kind.TEMPLATE):
                self._templates[one.path] = one
            elif one.kind is Kind.PARAMETERS:
                self._json.append(one.path)
            elif one.kind is Kind.BICEPPARAM:
                self._bicepparam.append(one.path)
        self._projects = tuple(projects)
        self._folders: dict[Path, list[Path]] = {}
        for path in self._templates:
            self._folders.setdefault(path.parent, []).append(path)
        self._compiled = dict(self._sources_of_compiled())
        self._facts: dict[Path, Facts] = {}

    def _sources_of_compiled(self) -> Iterator[tuple[Path, Path]]:
        for path, one in self._templates.items():
            if one.compiled:
                names = (path.stem, "main") if path.stem.casefold() == "azuredeploy" else (path.stem,)
                sources = [path.with_name(f"{name}.bicep") for name in names]
                source = next((source for source in sources if source in self._templates), None)
                if source is not None:
                    yield path, source

    # ── what is deployed ─────────────────────────────────────────────────────────────────────────────────────────────

    def points(self) -> list[EntryPoint]:
        """Everything in the folder that is deployed; what is left out is in `records`, with the reason.

        `broken` are then the problems of templates that are not in the answer: of modules, and of files that deploy
        nothing.
        """
        for path, source in self._compiled.items():
            state = f"compiled from {source.name} beside it, which is audited instead"
            self.records.append(Scope(shown(path), "template", path.name, state))
        given = self._with_bicepparam()
        entries = self._entries({point.template for point in given if point.template is not None})
        paired = self._with_json(entries)
        points = list(given)
        named = {point.template for point in given}
        for path in entries:
            files = paired.get(path, ())
            points += [EntryPoint(path, (file,)) for file in files]
            if not files and path not in named:
                points.append(EntryPoint(path))
        told = {*entries, *named, *self._compiled}
        for path in self._templates:
            if path not in told:
                self.broken += self._of(path).gaps
        return sorted(points, key=EntryPoint.order)

    def points_of(self, template: Path) -> list[EntryPoint]:
        """A template of the folder as it is deployed, whoever else calls it."""
        self._compiled.pop(template, None)
        points = [point for point in self._with_bicepparam() if point.template == template]
        replaced = self._replaced()
        for file in self._json:
            named = self._of_its_name(file)
            fits = template in named or (not named and self._only_beside(file, self._beside(template)) == [template])
            if fits and file not in replaced:
                points.append(EntryPoint(template, (file,)))
        return sorted(points, key=EntryPoint.order) or [EntryPoint(template)]

    def templates_of(self, parameters: Path) -> list[Path]:
        """The templates of the folder a JSON parameter file is for."""
        return self._of_its_name(parameters) or self._only_beside(parameters, self._entries(set()))

    def _beside(self, template: Path) -> list[Path]:
        """A template, and those in its folder that are deployed as well."""
        others = self._templates.keys() - self._compiled.keys() - self._of(template).uses - {template}
        return [template, *(path for path in self._entries(set()) if path in others)] if others else [template]

    def _entries(self, given: set[Path]) -> list[Path]:
        """The templates no other one calls. A circle of calls has an entry too, the first of its files."""
        deployed = {
            path
            for project in self._projects
            for module in project.modules
            if (path := module.with_name(f"{module.name}.bicep")) in self._templates
        }
        candidates = [path for path in self._templates if path not in self._compiled]
        called = {used for path in candidates for used in self._of(path).uses if used != path}
        entries = [path for path in candidates if (path not in called or path in deployed) and self._of(path).deploys]
        reached = self._reached([*entries, *given])
        for path in candidates:
            if path not in reached and self._of(path).deploys:
                entries.append(path)
                reached |= self._reached([path])
        return entries

    def _reached(self, starts: Iterable[Path]) -> set[Path]:
        reached: set[Path] = set()
        waiting = list(starts)
        while waiting:
            path = waiting.pop()
            if path not in reached:
                reached.add(path)
                if path in self._templates:
                    waiting.extend(self._of(path).uses)
        return reached

    def _of(self, path: Path) -> Facts:
        found = self._facts.get(path)
        if found is None:
            one = self._templates[path]
            # JSON that leads nowhere is parsed once, when it is evaluated.
            found = Facts() if one.kind is Kind.TEMPLATE and not one.linked else self._looked_at(path)
            self._facts[path] = found
        return found

    def _looked_at(self, path: Path) -> Facts:
        try:
            template = self._loader.open_template(path)
        except Refused as refused:
            return Facts(deploys=False, gaps=(Gap(shown(path), str(refused), Origin(shown(path))),))
        gaps = tuple(_problems(path, template.problems))
        deploys = bool(template.declarations) or not template.bicep
        if not deploys:
            # Nothing in it is deployed or called, so nobody else hears of its inline waivers.
            self.records += (waiver for waivers in template.source.waivers.values() for waiver in waivers)
        return Facts(frozenset(self._called(template, 0)), deploys, gaps)

    def _called(self, template: ir.Template, depth: int) -> Iterator[Path]:
        for declaration in template.declarations:
            if not isinstance(declaration, ir.ModuleDeclaration):
                continue
            if declaration.reference:
                try:
                    yield self._loader.locate(declaration.span.source, declaration.reference)
                except Refused:
                    continue
            elif depth < MAX_INLINE:
                inside = declaration.load()
                if isinstance(inside, ir.Template):
                    yield from self._called(inside, depth + 1)

    # ── with what parameters ─────────────────────────────────────────────────────────────────────────────────────────

    def _with_bicepparam(self) -> list[EntryPoint]:
        """What Bicep parameter files deploy; one that others extend is part of them."""
        files: dict[Path, ir.ParameterFile] = {}
        extended: set[Path] = set()
        for path in self._bicepparam:
            try:
                file = files[path] = self._loader.open_parameters(path)
            except Refused as refused:
                self._gap(path, str(refused))
                continue
            if file.extends:
                try:
                    extended.add(self._loader.locate(file.source, file.extends))
                except Refused:
                    continue  # the evaluator says so
        points: list[EntryPoint] = []
        for path, file in files.items():
            if path in extended:
                continue
            if not file.using:
                # A file that is broken before it names its template is taken for that of its name.
                template = path.with_suffix(".bicep")
                if file.problems and template in self._templates:
                    points.append(EntryPoint(template, (path,)))
                elif file.problems:
                    self.records += _problems(path, file.problems)
                else:
                    self.records.append(Scope(shown(path), "parameter file", path.name, "names no template; not used"))
            elif is_registry(file.using):
                points.append(EntryPoint(None, (path,)))
            else:
                try:
                    points.append(EntryPoint(self._loader.locate(file.source, file.using), (path,)))
                except Refused as refused:
                    self._gap(path, f"the template {file.using!r} it is for was not read: {refused}")
        return points

    def _with_json(self, entries: list[Path]) -> dict[Path, list[Path]]:
        """The JSON parameter files of each entry; those of none are said to be unused."""
        paired: dict[Path, list[Path]] = {}
        deployed = set(entries)
        replaced = self._replaced()
        for file in self._json:
            owners: list[Path] = []
            if file in replaced:
                state = "not used: azd takes the .bicepparam file beside it"
            elif named := self._of_its_name(file):
                owners = [path for path in named if path in deployed]
                state = f"not used: {named[0].name} is audited as a module of others"
            else:
                beside = self._folders.get(file.parent, ())
                owners = self._only_beside(file, [path for path in beside if path in deployed])
                state = "not used: no template that is deployed goes with it"
            for owner in owners:
                paired.setdefault(owner, []).append(file)
            if not owners:
                self.records.append(Scope(shown(file), "parameter file", file.name, state))
        return paired

    def _replaced(self) -> set[Path]:
        """The JSON parameter files that azd passes over, because there is a Bicep one."""
        modules = (module for project in self._projects for module in project.modules)
        return {
            module.with_name(f"{module.name}.parameters.json")
            for module in modules
            if module.with_name(f"{module.name}.bicepparam") in self._bicepparam
        }

    def _of_its_name(self, file: Path) -> list[Path]:
        """The templates beside a JSON parameter file whose name its own begins with, the longest such name."""
        words = file.stem.casefold().split(".")
        beside = self._folders.get(file.parent, ())
        for count in range(len(words), 0, -1):
            stem = ".".join(words[:count])
            named = [self._compiled.get(path, path) for path in beside if path.stem.casefold() == stem]
            if named:
                return list(dict.fromkeys(named))
        return []

    def _only_beside(self, file: Path, entries: Iterable[Path]) -> list[Path]:
        """The entry beside a JSON parameter file, if there is but one that takes all its parameters."""
        here = [path for path in entries if path.parent == file.parent]
        fitting = [path for path in here if self.fits(file, path)] if len(here) <= MAX_BESIDE else []
        return fitting if len(fitting) == 1 else []

    def fits(self, file: Path, template: Path) -> bool:
        """Whether a template takes all the parameters a file gives."""
        try:
            return not unknown_names(self._loader.open_parameters(file), self._loader.open_template(template))
        except Refused:
            return False

    def _gap(self, path: Path, reason: str) -> None:
        self.records.append(Gap(shown(path), reason, Origin(shown(path))))


def unknown_names(file: ir.ParameterFile, template: ir.Template) -> list[str]:
    """The parameters a file gives that a template does not take."""
    taken = {name.casefold() for name in template.parameters}
    return [name for name in file.values if name.casefold() not in taken]


def _problems(path: Path, problems: Iterable[ir.Problem]) -> Iterator[Gap]:
    for problem in problems:
        yield Gap(shown(path), f"{problem.message}; the file was only partly analysed", problem.span.origin())

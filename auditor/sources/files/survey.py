"""The targets of a run, from paths to entry points, and each entry point from paths to templates."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor import snapshot
from auditor.errors import SnapshotError, TargetError, UsageError
from auditor.model import Gap, Origin, Record, Scope, Waiver
from auditor.sources.arm import ir
from auditor.sources.files.azd import Environment, Project, environment_of, filled, project_at
from auditor.sources.files.checkout import Changes
from auditor.sources.files.jail import Jail, Refused, head, project_root, read, real, shown, text_of
from auditor.sources.files.kinds import JSON_ENDINGS, TERRAFORM, Kind, lenient_json
from auditor.sources.files.loading import Loader
from auditor.sources.files.registry import is_registry
from auditor.sources.files.tree import EntryPoint, Tree, unknown_names
from auditor.sources.files.walk import SKIPPED, Budget, Found, found_in, walk

if TYPE_CHECKING:
    from auditor.sources import CollectOptions

MAX_ENTRIES: Final = 10_000

_HINT: Final = (
    "What can be audited: .bicep, .bicepparam, ARM templates and their parameter files, Terraform plans or states as "
    "JSON (`terraform show -json`), .tf, snapshots, and folders of them."
)
_SHOW: Final = "Let Terraform show it: terraform show -json PLAN > plan.json, and name plan.json."
_ELSEWHERE: Final = "Name the template, and this file with --parameters."


@dataclass(frozen=True, slots=True)
class Entry:
    """A template that is deployed, with its parameter files (later ones win).

    `label` and `kind` are for the report's scope section. `azd` says that azd deploys it. `files` gives it what it
    reaches for; `files.environment` is what `readEnvironmentVariable` sees.
    """

    template: ir.Template
    parameters: tuple[ir.ParameterFile, ...]
    label: str
    kind: str
    azd: bool
    files: Loader


def entries(paths: Sequence[Path], options: CollectOptions) -> Iterator[Entry | Record]:
    """Everything to audit in files and folders; snapshots give their records, what cannot be read gives gaps.

    Raises TargetError or UsageError at once for a file that is nothing we read, or parameters that fit no template.
    """
    return Survey(paths, options).entries()


class Survey:
    """What there is to audit in the targets. `points` are paths alone; `open` reads and parses one of them.

    `records` are what was left out and what could not be looked at; `broken` the problems of modules, which those who
    call them may show as well. `terraform` is what the folders hold of Terraform, `terraform_named` what was named of
    it itself; `jail` bounds what may be read, `loader` reads it.
    """

    def __init__(self, paths: Sequence[Path], options: CollectOptions, since: Changes | None = None) -> None:
        """Look at all targets; with `since` as they were before these changes.

        Raises TargetError and UsageError as `entries` does.
        """
        self.points: list[EntryPoint] = []
        self.records: list[Gap | Scope | Waiver] = []
        self.broken: list[Gap] = []
        self.snapshots: list[Path] = []
        self.terraform: list[Found] = []
        self.terraform_named: list[Found] = []
        self._options = options
        self._since = since
        self._budget = Budget()
        self._named: set[tuple[Path, ...]] = set()
        self._projects: dict[Path, Project | None] = {}
        self._environments: dict[Path | None, Environment] = {}
        targets = [_target(path) for path in paths]
        given = [_target(path) for path in options.parameters if not is_variables(path)]
        module_path = _target(options.module_path) if options.module_path is not None else None
        beside = (_target(options.terraform_dir),) if options.terraform_dir is not None else ()
        places = map(project_root, (*targets, *given, *beside))
        self.jail = Jail(places, (module_path,) if module_path is not None else ())
        earlier = since.before if since is not None else None
        self.loader = Loader(self.jail, module_path, environment_of(None, ""), earlier)
        for target in targets:
            (self._folder if target.is_dir() else self._file)(target)
        self.points = list(dict.fromkeys(self.points))
        kinds = {one.kind for one in (*self.terraform, *self.terraform_named)}
        if len(given) < len(options.parameters) and Kind.CONFIGURATION not in kinds:
            name = next(path for path in options.parameters if is_variables(path))
            raise UsageError(f"--parameters {name} is for a Terraform configuration, and none was named")
        if given and self.points:
            self._give(given)
        if len(self.points) > MAX_ENTRIES:
            reason = f"there are more than {MAX_ENTRIES:,} templates; the rest was not audited"
            self._gap(targets[0], reason)
            del self.points[MAX_ENTRIES:]
        for point in self.points:
            self._environment(self._project(point))

    def entries(self) -> Iterator[Entry | Record]:
        """All there is, one at a time."""
        yield from self.records
        for path in dict.fromkeys(self.snapshots):
            yield from read_snapshot(path)
        for point in self.points:
            yield self.open(point)
        yield from self.broken

    def open(self, point: EntryPoint) -> Entry | Gap:
        """Read and parse an entry point; a Gap when its template or its parameters cannot be read."""
        project = self._project(point)
        environment = self._environment(project)
        files = self.loader.seeing(environment)
        at = point.at
        try:
            given = [files.open_parameters(path) for path in point.parameters]
            if point.template is not None:
                template = files.open_template(point.template)
            else:
                found = files.template(given[0].source, given[0].using)
                if isinstance(found, ir.Unresolved):
                    return Gap(
                        shown(at), f"the template {found.reference!r} it is for: {found.reason}", Origin(shown(at))
                    )
                template = found
        except Refused as refused:
            return Gap(shown(at), f"it was not audited: {refused}", Origin(shown(at)))
        parameters = tuple(filled(file, template, environment) for file in given)
        named = ", ".join(path.name for path in point.parameters)
        label = f"{template.source.uri} with {named}" if named else template.source.uri
        kind = Kind.BICEP if template.bicep else Kind.TEMPLATE
        return Entry(template, parameters, label, kind.value, self._is_azd(project, point), files)

    # ── targets ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _folder(self, folder: Path) -> None:
        found: list[Found] = []
        projects: list[Project] = []
        for one in self._walked(folder):
            match one:
                case Found(kind=Kind.SNAPSHOT):
                    self.snapshots.append(one.path)
                case Found(kind=kind) if kind in TERRAFORM:
                    self.terraform.append(one)
                case Found():
                    found.append(one)
                case Path():
                    project = self._project_at(one)
                    if project is not None:
                        projects.append(project)
                case _:
                    self.records.append(one)
        above = self._project_above(folder)
        for project in projects:
            self._check(project)
        if above is not None and above not in projects:
            projects.append(above)
        tree = Tree(self.loader, found, projects)
        self.points += tree.points()
        self.records += tree.records
        self.broken += tree.broken

    def _walked(self, folder: Path, *, below: bool = True) -> Iterable[Found | Path | Gap | Scope]:
        """What is in a folder, or was."""
        there = walk(folder, self._budget, below=below)
        if self._since is None:
            return there
        same = [one for one in there if not (isinstance(one, Found) and self._since.touch(one.path))]
        gone = (found_in(path, data) for path, data in self._since.before.items() if data is not None)
        return [*same, *(one for one in gone if one.kind is not Kind.OTHER and _would_find(folder, one.path, below))]

    def _check(self, project: Project) -> None:
        """Say what azure.yaml names and is not there."""
        if project.problem:
            uri = shown(project.file)
            self.records.append(Gap(uri, project.problem, Origin(uri, project.line)))
        for module in project.modules if project.stated else ():
            if not any(_is_there(module.with_name(module.name + ending)) for ending in (".bicep", ".bicepparam")):
                self._gap(project.file, f"the template it names, {shown(module)}.bicep, is not there")

    def _file(self, path: Path) -> None:
        try:
            data = read(path)
        except Refused as refused:
            found = found_in(path, head(path))
            if found.kind is Kind.SNAPSHOT:
                self.snapshots.append(path)
            elif found.kind in TERRAFORM:
                self.terraform_named.append(found)
            elif found.kind is Kind.OTHER:
                raise TargetError(f"{shown(path)!r} is nothing that can be audited: {refused}", hint=_HINT) from refused
            else:
                self._gap(path, str(refused))
            return
        found = found_in(path, data)
        match found.kind:
            case Kind.SNAPSHOT:
                self.snapshots.append(path)
            case kind if kind in TERRAFORM:
                self.terraform_named.append(found)
            case Kind.BICEPPARAM:
                self._bicepparam(path)
            case Kind.BICEP | Kind.TEMPLATE:
                self.points += self._tree(path).points_of(path)
            case Kind.PARAMETERS:
                self._json_parameters(path)
            case _:
                self._other(path, text_of(data))

    def _bicepparam(self, path: Path) -> None:
        self._named.add((path,))
        tree = Tree(self.loader, [Found(path, Kind.BICEPPARAM)], ())
        points = tree.points()
        if not points and not any(isinstance(record, Gap) for record in tree.records):
            raise TargetError(
                f"{shown(path)!r} names no template", hint="Name the template, with --parameters for this."
            )
        self.points += points
        self.records += [record for record in tree.records if isinstance(record, Gap)]

    def _json_parameters(self, path: Path) -> None:
        self._named.add((path,))
        templates = self._tree(path).templates_of(path)
        if not templates:
            message = f"{shown(path)!r} is a parameter file, and no template beside it goes with it"
            raise TargetError(message, hint=_ELSEWHERE)
        self.points += [EntryPoint(template, (path,)) for template in templates]

    def _other(self, path: Path, text: str) -> None:
        """A file that was named and is nothing we know: broken JSON is a gap, anything else a wrong target."""
        if text.startswith("PK\x03\x04") and "tfplan" in text[:200]:
            raise TargetError(f"{shown(path)!r} is a saved plan, whose content only Terraform can show", hint=_SHOW)
        if path.suffix.casefold() in JSON_ENDINGS:
            try:
                lenient_json(text)
            except ValueError as error:
                line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
                reason = f"it is no JSON: {getattr(error, 'msg', error)}"
                self.records.append(Gap(shown(path), reason, Origin(shown(path), line, column)))
                return
        raise TargetError(f"{shown(path)!r} is no template, parameter file, plan, state or snapshot", hint=_HINT)

    def _tree(self, path: Path) -> Tree:
        """The files beside one that was named."""
        project = self._project_above(path.parent)
        beside = (one for one in self._walked(path.parent, below=False) if isinstance(one, Found))
        found = {one.path: one for one in beside}
        if path not in found:
            found[path] = found_in(path, read(path))
        return Tree(self.loader, found.values(), (project,) if project is not None else ())

    # ── parameters that were given ───────────────────────────────────────────────────────────────────────────────────

    def _give(self, given: Sequence[Path]) -> None:
        """Let the files of --parameters take the place of those found, for each template they fit."""
        templates = dict.fromkeys(point.template for point in self.points if point.template is not None)
        fitting: dict[Path, list[Path]] = {template: [] for template in templates}
        for path in given:
            try:
                file = self.loader.open_parameters(path)
            except Refused as refused:
                raise UsageError(f"--parameters {shown(path)}: {refused}") from refused
            owners = [template for template in templates if self._fits(file, template)]
            for owner in owners:
                fitting[owner].append(path)
            if not owners:
                raise UsageError(f"--parameters {shown(path)} fits no template{self._why(file, list(templates))}")
        points: dict[EntryPoint, None] = {}
        for point in self.points:
            extra = tuple(fitting[point.template]) if point.template is not None else ()
            own = point.parameters if not extra or point.parameters[:1] in self._named else ()
            points[EntryPoint(point.template, tuple(dict.fromkeys((*own, *extra))))] = None
        self.points = list(points)

    def _fits(self, file: ir.ParameterFile, template: Path) -> bool:
        try:
            if file.using and not is_registry(file.using):
                return self.loader.locate(file.source, file.using) == template
            return not unknown_names(file, self.loader.open_template(template))
        except Refused:
            return False

    def _why(self, file: ir.ParameterFile, templates: Sequence[Path]) -> str:
        if len(templates) != 1:
            return ""
        try:
            template = self.loader.open_template(templates[0])
        except Refused:
            return ""
        unknown = unknown_names(file, template)
        if not unknown:
            return f": it is for {file.using!r}"
        near = difflib.get_close_matches(unknown[0], [parameter.name for parameter in template.parameters.values()], 1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        return f": {template.source.uri} has no parameter {unknown[0]!r}{guess}"

    # ── azd ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _project_at(self, folder: Path) -> Project | None:
        if folder not in self._projects:
            self._projects[folder] = project_at(folder)
        return self._projects[folder]

    def _project_above(self, folder: Path) -> Project | None:
        """The nearest azd project at or above a folder, within what may be read."""
        root = self.jail.root(folder)
        for place in (folder, *folder.parents):
            project = self._project_at(place)
            if project is not None or place == root or root is None:
                return project
        return None

    def _project(self, point: EntryPoint) -> Project | None:
        return self._project_above(point.at.parent)

    def _environment(self, project: Project | None) -> Environment:
        key = project.folder if project is not None else None
        if key not in self._environments:
            self._environments[key] = environment_of(project, self._options.azd_env)
        return self._environments[key]

    @staticmethod
    def _is_azd(project: Project | None, point: EntryPoint) -> bool:
        return project is not None and point.at.with_suffix("") in project.modules

    def _gap(self, path: Path, reason: str) -> None:
        self.records.append(Gap(shown(path), reason, Origin(shown(path))))


def is_variables(path: Path) -> bool:
    """Whether a file of --parameters is one of Terraform's variables."""
    return path.name.casefold().endswith((".tfvars", ".tfvars.json"))


def _target(path: Path) -> Path:
    try:
        return real(path)
    except Refused as refused:
        raise TargetError(f"{str(path)!r} cannot be read: {refused}") from refused


def _would_find(folder: Path, path: Path, below: bool) -> bool:
    """Whether going through a folder comes upon a file."""
    if not path.is_relative_to(folder):
        return False
    inner = path.relative_to(folder).parts[:-1]
    return not inner or (below and not any(part.startswith(".") or part in SKIPPED for part in inner))


def _is_there(path: Path) -> bool:
    try:
        return real(path).is_file()
    except Refused:
        return False


def read_snapshot(path: Path) -> Iterator[Record]:
    """The records of a snapshot; one that is cut or changed ends with a gap."""
    yield Scope(shown(path), "snapshot", path.name)
    try:
        yield from snapshot.read(path).records()
    except SnapshotError as error:
        yield Gap(shown(path), str(error), Origin(shown(path)))

"""The Terraform source: plans, states and configurations, as records in ARM's shape.

In a folder a plan stands for the configuration beside it, and a configuration for the state beside it: what is about to
be is judged before what was. A file that is named is always judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from auditor.catalog import Catalog
from auditor.model import Gap, Origin, Progress, Record, Resource, Scope
from auditor.sources.files.jail import Jail, Refused, read, real, shown, text_of
from auditor.sources.files.kinds import Kind
from auditor.sources.files.survey import is_variables
from auditor.sources.files.walk import Found
from auditor.sources.terraform import estate, modules, syntax
from auditor.sources.terraform.configuration import Configuration, Options, environment, verified_module
from auditor.sources.terraform.document import MAX_FILE, Document, DocumentError
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.plan import Plan, Surroundings
from auditor.sources.terraform.positions import Positions, located
from auditor.sources.terraform.providers import LOCK_FILE, locked_majors
from auditor.sources.terraform.state import State

if TYPE_CHECKING:
    from auditor.sources import CollectOptions

MAX_GAPS: Final = 200
"""Gaps of one file that are told one by one."""
MAX_LOCK: Final = 2**20
MAX_IGNORED: Final = 50
"""Attributes no table knows that are named."""


class Survey(Protocol):
    """What the targets hold of Terraform: in folders, and named itself. `jail` bounds what may be read."""

    terraform: list[Found]
    terraform_named: list[Found]
    jail: Jail


class _Entry(NamedTuple):
    """Something to judge: a plan's or a state's file, or the folder of a configuration.

    `aside` is what it stands for: files beside it that say the same another way.
    """

    path: Path
    kind: Kind
    aside: tuple[Found, ...] = ()


def collect(
    survey: Survey, options: CollectOptions, catalog: Catalog, progress: Progress
) -> Generator[Record, None, list[str]]:
    """Yield what Terraform is about to make, or has made, and what could not be read of it.

    Returns the names of the variables that configurations can be given values for.
    """
    entries = list(dict.fromkeys((*_named(survey.terraform_named), *_found(survey.terraform, survey.jail))))
    known: list[str] = []
    for number, entry in enumerate(entries):
        progress.update("Reading Terraform", done=number, total=len(entries))
        yield from _records(entry, survey.jail, options, catalog, known)
        for one in entry.aside:
            state = f"not judged: {entry.path.name} stands for it; name it to audit it"
            yield Scope(shown(one.path), one.kind.value, one.path.name, state)
    return known


# ── what there is to judge ───────────────────────────────────────────────────────────────────────────────────────────


def _named(files: Iterable[Found]) -> Iterator[_Entry]:
    for one in files:
        yield _Entry(one.path.parent if one.kind is Kind.CONFIGURATION else one.path, one.kind)


def _found(files: Iterable[Found], jail: Jail) -> Iterator[_Entry]:
    """The entries of each folder, in the order of folders and names; modules are judged where they are called."""
    folders: dict[Path, list[Found]] = {}
    for one in files:
        folders.setdefault(one.path.parent, []).append(one)
    written = [folder for folder, inside in folders.items() if any(one.kind is Kind.CONFIGURATION for one in inside)]
    roots = modules.roots_of(written, jail)
    for folder, inside in folders.items():
        plans = [one for one in inside if one.kind is Kind.PLAN]
        states = [one for one in inside if one.kind is Kind.STATE]
        if plans:
            yield from (_Entry(one.path, one.kind) for one in plans[:-1])
            yield _Entry(plans[-1].path, Kind.PLAN, tuple(states))
        elif folder in roots:
            yield _Entry(folder, Kind.CONFIGURATION, tuple(states))
        else:
            yield from (_Entry(one.path, one.kind) for one in states)


# ── judging one ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _records(
    entry: _Entry, jail: Jail, options: CollectOptions, catalog: Catalog, known: list[str]
) -> Iterator[Record]:
    """The records of one entry; `known` takes the names of variables that a configuration can be given."""
    uri = shown(entry.path)
    reader: Plan | State | Configuration
    try:
        folder = entry.path.parent if options.terraform_dir is None else real(options.terraform_dir)
        positions = Positions(folder, jail) if entry.kind is Kind.PLAN and modules.is_module(folder) else None
        if entry.kind is Kind.CONFIGURATION:
            reader = Configuration(entry.path, jail, _values(options, catalog))
            known += reader.variables
        else:
            reader = _opened(entry, uri, _around(entry, folder, positions))
    except DocumentError as error:
        yield Gap(uri, f"it was not judged: {error}", Origin(uri, error.line, error.column))
        yield Scope(uri, entry.kind.value, entry.path.name, "not judged")
        return
    except Refused as refused:
        yield Gap(uri, f"it was not judged: {refused}", Origin(uri))
        yield Scope(uri, entry.kind.value, entry.path.name, "not judged")
        return
    instances: Iterator[Instance | Gap | Scope] = reader.instances()
    sorted_out = _Sorted(located(instances, positions) if positions is not None else instances, uri)
    ignored: Counter[str] | None = Counter() if options.verbose else None
    types = catalog.store_types()
    stores = 0
    for record in estate.records(sorted_out.instances(), sorted_out.gaps, catalog, options.subscription, ignored):
        stores += isinstance(record, Resource) and record.type.casefold() in types
        yield record
    yield from sorted_out.scopes
    if isinstance(reader, Configuration):
        yield from reader.waivers
    elif positions is not None:
        yield from positions.waivers
    if ignored:
        named = ", ".join(f"{name} ({count})" for name, count in ignored.most_common(MAX_IGNORED))
        yield Scope(uri, "attributes not understood", entry.path.name, named)
    notes = [f"{stores} data store{'' if stores == 1 else 's'}", *reader.notes]
    yield Scope(uri, entry.kind.value, entry.path.name, "; ".join(notes))


class _Sorted:
    """Instances, and what comes between them. `gaps` and `scopes` are whole once the instances are at their end."""

    def __init__(self, found: Iterator[Instance | Gap | Scope], uri: str) -> None:
        self._found = found
        self._uri = uri
        self.gaps: list[Gap] = []
        self.scopes: list[Scope] = []

    def instances(self) -> Iterator[Instance]:
        """The instances, one at a time."""
        untold = 0
        for one in self._found:
            match one:
                case Instance():
                    yield one
                case Scope():
                    self.scopes.append(one)
                case _ if len(self.gaps) < MAX_GAPS:
                    self.gaps.append(one)
                case _:
                    untold += 1
        if untold:
            self.gaps.append(Gap(self._uri, f"{untold:,} more parts of it could not be read", Origin(self._uri)))


def _opened(entry: _Entry, uri: str, around: Surroundings) -> Plan | State:
    """The reader of a plan or a state. Raises DocumentError and Refused."""
    data = read(entry.path, MAX_FILE)
    text = text_of(data)
    del data  # twice the text would be most of what a plan takes
    document = Document(text)
    if "encrypted_data" in document:
        raise DocumentError("OpenTofu encrypted it; `tofu show -json` shows it to who has the key")
    return Plan(document, uri, around) if entry.kind is Kind.PLAN else State(document, uri, around)


def _values(options: CollectOptions, catalog: Catalog) -> Options:
    """What a configuration is read with."""
    stores = {
        one.arm.casefold(): one.type for service in catalog.services for one in service.terraform if not one.owner
    }
    well_known = {
        verified_module(path): stores[kind.casefold()]
        for service in catalog.services
        for path, kind in service.modules
        if kind.casefold() in stores
    }
    files = tuple(real(path) for path in options.parameters if is_variables(path))
    return Options(files, options.parameter, environment(), well_known)


def _around(entry: _Entry, folder: Path, positions: Positions | None) -> Surroundings:
    """What stands beside a plan or a state: its own lock file, else that of the configuration in a folder."""
    if positions is None:
        return Surroundings(_locked(entry.path.parent))

    def behind(address: str, attribute: str) -> str | None:
        place = positions.of(address)
        node = place.block.body.value(attribute) if place is not None else None
        if not isinstance(node, syntax.Template) or len(node.parts) == 1:
            return ""
        match node.parts:
            case [syntax.Member() | syntax.Index(), syntax.Literal(value=str() as text)] if text.startswith("/"):
                return text
        return None

    return Surroundings({**_locked(folder), **_locked(entry.path.parent)}, positions.dynamic, behind)


def _locked(folder: Path) -> Mapping[str, int]:
    """The majors in the dependency lock file of a folder, by the providers' full names."""
    try:
        return locked_majors(text_of(read(real(folder / LOCK_FILE), MAX_LOCK)))
    except Refused:
        return {}

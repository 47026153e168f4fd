"""Modules of registries: where a reference's template lies on this machine, if it does.

    br:REGISTRY/PATH:TAG   br:REGISTRY/PATH@sha256:…   br/ALIAS:PATH:TAG      a registry's module
    ts:SUBSCRIPTION/GROUP/NAME:VERSION                 ts/ALIAS:NAME:VERSION  a template spec

Nothing is fetched. Bicep's own cache is looked at (`bicep restore` fills it), and the folder of `--module-path`;
aliases are those of the nearest bicepconfig.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor.sources.files.jail import Jail, Refused, home, read, real, text_of
from auditor.sources.files.kinds import lenient_json

CONFIG: Final = "bicepconfig.json"
MAX_CONFIG: Final = 2**20
MAX_EXTENDS: Final = 8
MAX_REPOSITORY: Final = 255

_REFERENCE: Final = re.compile(r"(br|ts)(?:/([A-Za-z0-9_-]{1,100}))?:(.{1,700})", re.IGNORECASE)
_REGISTRY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,250}(?::[0-9]{1,5})?")
_SEGMENT: Final = re.compile(r"[a-z0-9]++(?:[._-]++[a-z0-9]++)*+")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SPEC: Final = re.compile(r"([0-9A-Fa-f-]{36})/([\w.()-]{1,90})/([\w.()-]{1,90}):([\w.()-]{1,90})")


class Module(NamedTuple):
    """A registry's module: exactly one of `tag` and `digest` is given."""

    registry: str
    repository: str
    tag: str
    digest: str


class Spec(NamedTuple):
    """A version of a template spec."""

    subscription: str
    group: str
    name: str
    version: str


class Place(NamedTuple):
    """A file that may hold a module's template.

    `root` is the folder it must stand in, and all a template in it may read. `version` is the one that was asked for
    where the place is not bound to one.
    """

    path: Path
    root: Path
    version: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What bicepconfig.json says about modules; aliases stand for the beginning of a reference."""

    registries: Mapping[str, str] = field(default_factory=dict)
    specs: Mapping[str, str] = field(default_factory=dict)
    cache: str = ""


PUBLIC: Final = Configuration({"public": "mcr.microsoft.com/bicep"})
"""What Bicep itself knows."""


def is_registry(reference: str) -> bool:
    """Whether a reference names a registry's module or a template spec, and no file."""
    return reference[:3].casefold() in ("br:", "br/", "ts:", "ts/")


def parse(reference: str, configuration: Configuration) -> Module | Spec:
    """What a reference names, its alias put in. Raises Refused for one that is malformed or whose alias is unknown."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise Refused("the reference is malformed")
    scheme, alias, rest = match[1].casefold(), match[2], match[3]
    if alias is not None:
        aliases = configuration.registries if scheme == "br" else configuration.specs
        if alias not in aliases:
            raise Refused(f"no {CONFIG} defines the alias {alias!r}")
        rest = f"{aliases[alias]}/{rest}"
    if scheme == "ts":
        spec = _SPEC.fullmatch(rest)
        if spec is None or any(part.strip(".") == "" for part in spec.groups()):
            raise Refused("the reference to a template spec is malformed")
        return Spec(*spec.groups())
    registry, slash, path = rest.partition("/")
    repository, at, digest = path.partition("@")
    tag = ""
    if not at:
        repository, _, tag = path.partition(":")
    named = _TAG.fullmatch(tag) if not at else _DIGEST.fullmatch(digest)
    segments = repository.split("/") if len(repository) <= MAX_REPOSITORY else [""]
    if not (slash and named and _REGISTRY.fullmatch(registry) and all(map(_SEGMENT.fullmatch, segments))):
        raise Refused("the reference to a registry's module is malformed")
    return Module(registry, repository, tag, digest)


def places(reference: str, configuration: Configuration, module_path: Path | None) -> Iterator[Place]:
    """The files that may hold a reference's template, the most certain first. Raises Refused as `parse` does."""
    found = parse(reference, configuration)
    if isinstance(found, Module) and module_path is not None:
        yield from _below(module_path, found)
    for cache in _caches(configuration):
        if isinstance(found, Spec):
            folder = cache.joinpath("ts", *(part.lower() for part in found))
        else:
            version = _encoded(found.tag) if found.tag else found.digest.replace(":", "#")
            registry = found.registry.replace(":", "$").lower()
            folder = cache / "br" / registry / found.repository.replace("/", "$") / version
        yield Place(folder / "main.json", folder)


def _below(folder: Path, module: Module) -> Iterator[Place]:
    """A module in the folder of --module-path: by version, or as a checkout of its sources has it."""
    if not module.tag:
        return
    short = module.repository.removeprefix("bicep/")
    paths = dict.fromkeys((short, module.repository, f"{module.registry}/{module.repository}"))
    for path in paths:
        for name in ("main.json", "main.bicep"):
            yield Place(folder / path / module.tag / name, folder)
    for path in paths:
        for name in ("main.json", "main.bicep"):
            yield Place(folder / path / name, folder, module.tag)


def _caches(configuration: Configuration) -> Iterator[Path]:
    if configuration.cache:
        yield Path(configuration.cache)
    folder = home()
    if folder is not None:
        yield folder / ".bicep"


def _encoded(tag: str) -> str:
    """A tag as Bicep names its folder: with a bit for each of its capitals, for file systems that ignore case."""
    mask = sum(1 << index for index, character in enumerate(tag) if character.isupper())
    return f"{tag}${mask:x}" if mask else f"{tag}$"


def other_version(place: Place) -> str:
    """The version of a module in a folder that is not bound to one, where its sources tell it and it is another."""
    if not place.version:
        return ""
    try:
        content = lenient_json(text_of(read(place.path.parent / "version.json", MAX_CONFIG)))
    except (Refused, ValueError):
        return ""
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(version, str) or not _TAG.fullmatch(version):
        return ""
    return "" if f"{place.version}.".startswith(f"{version}.") else version


# ── bicepconfig.json ─────────────────────────────────────────────────────────────────────────────────────────────────


def configuration_of(folder: Path, root: Path, jail: Jail) -> Configuration:
    """What the nearest bicepconfig.json at or above a folder says; it is looked for up to `root`.

    Raises Refused when there is one that cannot be read.
    """
    for place in (folder, *folder.parents):
        path = place / CONFIG
        if path.is_file():
            return _configuration(path, jail, 0)
        if place == root:
            break
    return PUBLIC


def _configuration(path: Path, jail: Jail, depth: int) -> Configuration:
    try:
        path = jail.resolve(path, path.name)
        content = lenient_json(text_of(read(path, MAX_CONFIG)))
    except (Refused, ValueError) as error:
        raise Refused(f"{CONFIG} cannot be read: {error}") from error
    extends = _at(content, "extends")
    base = PUBLIC
    if isinstance(extends, str) and extends.strip():
        if depth >= MAX_EXTENDS:
            raise Refused(f"{CONFIG} extends others more than {MAX_EXTENDS} times")
        base = _configuration(jail.resolve(path, extends), jail, depth + 1)
    registries = _aliases(_at(content, "moduleAliases", "br"), "registry", "modulePath")
    specs = _aliases(_at(content, "moduleAliases", "ts"), "subscription", "resourceGroup")
    cache = _at(content, "cacheRootDirectory")
    folder = _expanded(cache, path.parent) if isinstance(cache, str) and cache.strip() else base.cache
    return Configuration({**base.registries, **registries}, {**base.specs, **specs}, folder)


def _at(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _aliases(content: Any, first: str, second: str) -> dict[str, str]:
    """Aliases with what they stand for; the second part may be missing."""
    found: dict[str, str] = {}
    for name, value in content.items() if isinstance(content, dict) else ():
        parts = [_at(value, first), _at(value, second)]
        if isinstance(parts[0], str):
            found[name] = "/".join(part for part in parts if isinstance(part, str) and part)
    return found


def _expanded(cache: str, folder: Path) -> str:
    if cache == "~" or cache.startswith(("~/", "~\\")):
        user = home()
        return str(user / cache[2:].replace("\\", "/")) if user is not None else ""
    try:
        return str(real(folder / cache))
    except Refused:
        return ""

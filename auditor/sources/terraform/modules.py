"""What a folder of `.tf` files declares: one module, its files and overrides put together, and the modules it calls."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from auditor.model import Gap, Origin
from auditor.sources.files.jail import Jail, Refused, read, real, shown, text_of
from auditor.sources.files.kinds import lenient_json
from auditor.sources.terraform import inline, syntax
from auditor.sources.terraform.parser import MAX_SIZE, parse
from auditor.sources.terraform.syntax import Argument, Block, Body, Problem, Source, Span

MAX_FILES: Final = 1_000
"""Files of one folder."""
MAX_TOTAL: Final = 32 * 2**20
"""Bytes of all files of a configuration."""
MAX_MANIFEST: Final = 4 * 2**20
MAX_LEVELS: Final = 16
"""Calls of modules inside one another."""

ENDINGS: Final = (".tf", ".tf.json", ".tofu", ".tofu.json")
MANIFEST: Final = ".terraform/modules/modules.json"
REGISTRY: Final = "registry.terraform.io/"
_LOCAL: Final = ("./", "../")
_NO_BODY: Final = Body()


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One folder's declarations. Keys of resources and data sources are (type, name).

    `requirements` are the entries of `required_providers` by local name. `broken` is set where there may be
    declarations that could not be read; `gaps` say what was not.
    """

    folder: Path
    variables: Mapping[str, Block] = field(default_factory=dict)
    locals: Mapping[str, Argument] = field(default_factory=dict)
    outputs: Mapping[str, Block] = field(default_factory=dict)
    resources: Mapping[tuple[str, str], Block] = field(default_factory=dict)
    data: Mapping[tuple[str, str], Block] = field(default_factory=dict)
    calls: Mapping[str, Block] = field(default_factory=dict)
    providers: tuple[Block, ...] = ()
    requirements: Mapping[str, Argument] = field(default_factory=dict)
    documents: tuple[syntax.Document, ...] = ()
    gaps: tuple[Gap, ...] = ()
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A module that is not at hand. `source` is how it is named, without its version and its host."""

    source: str
    reason: str


class Loader:
    """Reads the modules of one configuration, each folder once."""

    def __init__(self, root: Path, jail: Jail) -> None:
        """Take the root module's folder by its real path."""
        self.root = root
        self._jail = jail
        self._modules: dict[Path, Module] = {}
        self._left = MAX_TOTAL
        self._manifest: Mapping[str, tuple[str, str]] | None = None

    def open(self, folder: Path) -> Module:
        """The module in a folder, given by its real path."""
        found = self._modules.get(folder)
        if found is None:
            found = self._modules[folder] = self._read(folder)
        return found

    def reachable(self, root: Module) -> list[Module]:
        """A module and all that can be read of those it calls, each once."""
        found: dict[int, Module] = {id(root): root}
        waiting: list[tuple[Module, tuple[str, ...]]] = [(root, ())]
        while waiting:
            module, path = waiting.pop()
            for name, call in module.calls.items():
                child = self.child(module, call, ".".join((*path, name)))
                if isinstance(child, Module) and id(child) not in found and len(path) < MAX_LEVELS:
                    found[id(child)] = child
                    waiting.append((child, (*path, name)))
        return list(found.values())

    def child(self, module: Module, call: Block, path: str) -> Module | Missing:
        """The module that a call names. `path` is that of all calls from the root on, joined by dots."""
        source = call.body.value("source")
        if not isinstance(source, syntax.Literal) or not isinstance(source.value, str):
            return Missing("", "its source is not written as a plain text")
        name = source.value.replace("\\", "/")
        try:
            if name.startswith(_LOCAL) or name in (".", ".."):
                folder = self._jail.resolve(module.folder / "x", name)
            else:
                folder = self._downloaded(path, name)
            if not folder.is_dir():
                raise Refused("it is no folder")
        except Refused as refused:
            return Missing(name.removeprefix(REGISTRY).partition("?")[0], str(refused))
        return self.open(folder)

    def _downloaded(self, path: str, source: str) -> Path:
        """The folder that `terraform init` put a module in."""
        if self._manifest is None:
            self._manifest = self._read_manifest()
        named, folder = self._manifest.get(path, ("", ""))
        if not folder or named.removeprefix(REGISTRY).casefold() != source.removeprefix(REGISTRY).casefold():
            raise Refused("it is not at hand; `terraform init` would download it")
        found = real(self.root / folder)
        if not found.is_relative_to(self.root):
            raise Refused("what was downloaded for it lies outside of the configuration's folder")
        return found

    def _read_manifest(self) -> dict[str, tuple[str, str]]:
        try:
            content = lenient_json(text_of(read(self.root / MANIFEST, MAX_MANIFEST)))
        except (Refused, ValueError):
            return {}
        entries = content.get("Modules") if isinstance(content, dict) else None
        found: dict[str, tuple[str, str]] = {}
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and all(isinstance(entry.get(k), str) for k in ("Key", "Source", "Dir")):
                found[entry["Key"]] = (entry["Source"], entry["Dir"])
        return found

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, folder: Path) -> Module:
        gathered = _Gathered(folder)
        try:
            names = configuration_files(folder)
        except OSError as error:
            gathered.refuse(shown(folder), f"it cannot be listed: {error.strerror}")
            names = []
        if len(names) > MAX_FILES:
            gathered.refuse(shown(folder), f"there are more than {MAX_FILES:,} files; the rest was not read")
        for name in sorted(names[:MAX_FILES], key=lambda name: (is_override(name), name)):
            document = self._document(folder, name, gathered)
            if document is not None:
                gathered.add(document, override=is_override(name))
        return gathered.module()

    def _document(self, folder: Path, name: str, gathered: _Gathered) -> syntax.Document | None:
        uri = shown(folder / name)
        try:
            path = self._jail.resolve(folder / name, name)
            data = read(path, min(self._left, 4 * MAX_SIZE))
        except Refused as refused:
            gathered.refuse(uri, str(refused))
            return None
        self._left -= len(data)
        source = Source(uri, text_of(data), path)
        if name.endswith(".json"):
            from auditor.sources.terraform.json_syntax import parse_json

            document = parse_json(source)
        else:
            document = parse(source)
        inline.note(document)
        return document


def configuration_files(folder: Path) -> list[str]:
    """The names of a folder's configuration files, as Terraform and OpenTofu pick them. Raises OSError.

    A file for OpenTofu stands for the one for Terraform that has the same name.
    """
    names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(ENDINGS))
    found = {name for name in names if not name.startswith((".", "#"))}
    return [
        name for name in names if name in found and (".tf" not in name or name.replace(".tf", ".tofu") not in found)
    ]


def is_module(folder: Path) -> bool:
    """Whether there are configuration files in a folder."""
    try:
        return bool(configuration_files(folder))
    except OSError:
        return False


def is_override(name: str) -> bool:
    """Whether a file's declarations are merged into those of the others."""
    stem = name.removesuffix(".json").removesuffix(".tf").removesuffix(".tofu")
    return stem == "override" or stem.endswith("_override")


def roots_of(folders: Iterable[Path], jail: Jail) -> set[Path]:
    """The folders, by their real paths, that none of the others calls as a module: those that are deployed.

    Where folders only call one another, the first of them counts.
    """
    calls: dict[Path, set[Path]] = {}
    for folder in folders:
        loader = Loader(folder, jail)
        module = loader.open(folder)
        children = [loader.child(module, call, name) for name, call in module.calls.items()]
        calls[folder] = {child.folder for child in children if isinstance(child, Module)} - {folder}
    called = set().union(*calls.values()) if calls else set()
    roots: list[Path] = []
    reached: set[Path] = set()
    for folder in sorted(calls, key=lambda one: one in called):
        if folder in called and folder in reached:
            continue
        roots.append(folder)
        waiting = [folder]
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached.add(one)
                waiting += calls.get(one, ())
    return set(roots)


class _Gathered:
    """The declarations of a folder while its files are read one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.named: dict[str, dict[Any, Block]] = {
            kind: {} for kind in ("variable", "output", "module", "resource", "data", "provider")
        }
        self.locals: dict[str, Argument] = {}
        self.requirements: dict[str, Argument] = {}
        self.documents: list[syntax.Document] = []
        self.gaps: list[Gap] = []
        self.broken = ""

    def refuse(self, uri: str, reason: str) -> None:
        """A file that could not be read at all."""
        self.gaps.append(Gap(uri, f"{reason}; what it declares is not known", Origin(uri)))
        self.broken = self.broken or f"{uri} could not be read"

    def add(self, document: syntax.Document, *, override: bool) -> None:
        """Take a file's declarations."""
        self.documents.append(document)
        for problem in document.problems:
            self.problem(problem)
        if document.body.broken is not None:
            self.lose(document.body.broken)
        for block in document.body.blocks:
            self.block(block, override=override)

    def problem(self, problem: Problem) -> None:
        """Something in a file that was not understood."""
        reason = f"{problem.message}; what it declares there is not known"
        self.gaps.append(Gap(problem.span.source.uri, reason, problem.span.origin()))

    def lose(self, problem: Problem) -> None:
        """Say that there may be more declarations."""
        self.broken = self.broken or f"{problem.span.source.uri}:{problem.span.line} could not be read"

    def block(self, block: Block, *, override: bool) -> None:
        """One block of a file."""
        match block.type, len(block.labels):
            case "locals", 0:
                self.locals |= block.body.arguments
            case "terraform", 0:
                for inner in block.body.of_type("required_providers"):
                    self.requirements |= inner.body.arguments
                    if inner.body.broken is not None:
                        self.lose(inner.body.broken)
            case (("variable" | "output" | "module"), 1):
                self.declare(block.type, block.label, block, override=override)
            case (("resource" | "data"), 2):
                self.declare(block.type, block.labels, block, override=override)
            case "provider", 1:
                alias = block.body.value("alias")
                key = (block.label, alias.value if isinstance(alias, syntax.Literal) else "")
                self.declare(block.type, key, block, override=override)
            case (
                ("locals" | "terraform" | "variable" | "output" | "module" | "resource" | "data" | "provider"),
                count,
            ):
                self.problem(Problem(block.span, f"a block of type {block.type} with {count} labels is none"))
                self.lose(Problem(block.span, ""))
        if block.type in ("locals", "terraform") and block.body.broken is not None:
            self.lose(block.body.broken)

    def declare(self, kind: str, key: Any, block: Block, *, override: bool) -> None:
        """Something that has a name."""
        known = self.named[kind]
        if key not in known:
            known[key] = block
        elif override:
            known[key] = merged(known[key], block)
        else:
            self.problem(Problem(Span(*block.span), f"this {kind} is declared more than once"))

    def module(self) -> Module:
        """All of it."""
        named = self.named
        return Module(
            self.folder,
            named["variable"],
            self.locals,
            named["output"],
            named["resource"],
            named["data"],
            named["module"],
            tuple(named["provider"].values()),
            self.requirements,
            tuple(self.documents),
            tuple(self.gaps),
            self.broken,
        )


def merged(block: Block, other: Block) -> Block:
    """A block with that of an override file over it: arguments one by one, nested blocks all of a type at once."""
    body, over = block.body, other.body
    replaced = {block_kind(one) for one in over.blocks}
    blocks: list[Block] = [one for one in body.blocks if block_kind(one) not in replaced]
    for one in over.blocks:
        before = body.of_type("lifecycle") if one.type == "lifecycle" else ()
        blocks.append(merged(before[0], one) if before else one)
    arguments = {**body.arguments, **over.arguments}
    merged_body = Body(arguments, tuple(blocks), body.broken or over.broken)
    return Block(block.span, block.type, block.labels, merged_body, (*block.overrides, other.span))


def block_kind(block: Block) -> str:
    """What a nested block is: a `dynamic` one stands for those of its label."""
    return block.label if block.type == "dynamic" and block.label else block.type


def content_of(block: Block) -> Body:
    """The body that a `dynamic` block makes blocks with."""
    return next((inner.body for inner in block.body.of_type("content")), _NO_BODY)


def lifecycle_of(block: Block) -> Body:
    """The `lifecycle` block of a resource; an empty one where none is written."""
    return next((inner.body for inner in block.body.of_type("lifecycle")), _NO_BODY)


def constraints_of(modules: Iterable[Module]) -> dict[str, list[str]]:
    """The version constraints of providers by their full names, in all modules."""
    found: dict[str, list[str]] = {}
    for module in modules:
        for name in {*module.requirements, *(block.label for block in module.providers)}:
            found.setdefault(full_name(module, name), []).extend(_versions(module, name))
    return found


def _versions(module: Module, name: str) -> Iterator[str]:
    argument = module.requirements.get(name)
    values: list[syntax.Expression | None] = [
        block.body.value("version") for block in module.providers if block.label == name
    ]
    if argument is not None:
        values.append(argument.value if isinstance(argument.value, syntax.Literal) else _entry(argument, "version"))
    for value in values:
        if isinstance(value, syntax.Literal) and isinstance(value.value, str):
            yield value.value


def _entry(argument: Argument, name: str) -> syntax.Expression | None:
    if not isinstance(argument.value, syntax.ObjectNode):
        return None
    for entry in argument.value.entries:
        if isinstance(entry.key, syntax.Literal) and entry.key.value == name:
            return entry.value
    return None


def full_name(module: Module, name: str) -> str:
    """The full name of a provider that a module calls by a name of its own."""
    argument = module.requirements.get(name)
    source = _entry(argument, "source") if argument is not None else None
    text = source.value if isinstance(source, syntax.Literal) and isinstance(source.value, str) else f"hashicorp/{name}"
    if argument is None and name == "azapi":
        text = "azure/azapi"
    return (text if text.count("/") > 1 else REGISTRY + text).casefold()

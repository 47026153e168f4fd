"""Templates in memory for tests: texts by path, evaluated as an entry point is."""

from __future__ import annotations

import posixpath
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor import services
from auditor.model import Gap, Listing, Resource
from auditor.sources import arm, bicep
from auditor.sources.arm import ir, records
from auditor.sources.arm.values import EvaluationError

SUB = "11111111-2222-4333-8444-555555555555"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg"
KNOWN = records.Context(SUB, "rg", "westeurope")
STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"


class Texts:
    """`ir.Files` over a mapping from paths to texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = {path: textwrap.dedent(text) for path, text in texts.items()}
        self._parsed: dict[str, ir.Template] = {}

    def _path(self, base: ir.Source, relative: str) -> str:
        return posixpath.normpath(posixpath.join(posixpath.dirname(base.uri), relative))

    def source(self, path: str) -> ir.Source:
        return ir.Source(path, self.texts[path], Path(path))

    def open(self, path: str) -> ir.Template:
        if path not in self._parsed:
            parse = bicep.parse_template if path.endswith(".bicep") else arm.parse_template
            self._parsed[path] = parse(self.source(path), self)
        return self._parsed[path]

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        path = self._path(base, reference)
        return self.open(path) if path in self.texts else ir.Unresolved(reference, "it is not in the cache")

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        path = self._path(base, reference)
        if path not in self.texts:
            return ir.Unresolved(reference, "there is no such file")
        return bicep.parse_parameters(self.source(path), self)

    def content(self, base: ir.Source, relative: str) -> bytes:
        path = self._path(base, relative)
        if path not in self.texts:
            raise EvaluationError(f"there is no file {relative}")
        return self.texts[path].encode()


class Evaluated:
    """What an entry point makes."""

    def __init__(self, found: list[Any]) -> None:
        self.resources = [one for one in found if isinstance(one, Resource)]
        self.gaps = [one for one in found if isinstance(one, Gap)]
        self.listings = [one for one in found if isinstance(one, Listing)]

    def __getitem__(self, name: str) -> Resource:
        (found,) = [one for one in self.resources if one.name == name]
        return found

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.resources]

    def child(self, name: str, child: str) -> Resource:
        store = self[name]
        (found,) = [one for one in store.children if one.id.casefold() == f"{store.id}/{child}".casefold()]
        return found


def evaluated(
    main: str | Mapping[str, str],
    parameters: str | None = None,
    given: Mapping[str, str] | None = None,
    context: records.Context = KNOWN,
    environment: Mapping[str, str] | None = None,
) -> Evaluated:
    """Evaluate `main.bicep` (the text itself, or among several files), with a .bicepparam text if there is one."""
    texts = Texts({"main.bicep": main} if isinstance(main, str) else main)
    entry = next(path for path in ("main.bicep", "main.json") if path in texts.texts)
    files = []
    if parameters is not None:
        texts.texts["main.bicepparam"] = textwrap.dedent(parameters)
        files.append(bicep.parse_parameters(texts.source("main.bicepparam"), texts))
    root = records.deploy(texts.open(entry), files, given or {}, context, texts, environment or {})
    return Evaluated(list(records.records(root, services.catalog())))


def properties(resource: Resource) -> Any:
    """The properties of a resource's body."""
    assert isinstance(resource.body, Mapping), resource.body
    return resource.body["properties"]

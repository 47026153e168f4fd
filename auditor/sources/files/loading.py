"""Gives templates what they reach for: modules, parameter files and contents, within the jail, each parsed once."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from auditor.sources.arm import ir
from auditor.sources.arm.values import EvaluationError
from auditor.sources.files import registry
from auditor.sources.files.jail import Jail, Refused, read, real, shown, text_of
from auditor.sources.files.kinds import Kind, kind_of
from auditor.sources.files.registry import Configuration, Place

MAX_CONTENT: Final = 4 * 2**20
"""Bytes of a file that `loadTextContent` and its kin read."""
MAX_KEPT: Final = 3_000_000
"""Characters of source whose parsed templates are kept; what was used longest ago is parsed again when it is needed."""

_SPEC_TEMPLATE: Final = re.compile(r'"mainTemplate"\s*+:\s*+(?=\{)')


class Loader:
    """Implements `ir.Files` for one run. `environment` is what `readEnvironmentVariable` sees."""

    def __init__(
        self,
        jail: Jail,
        module_path: Path | None,
        environment: Mapping[str, str],
        earlier: Mapping[Path, bytes | None] | None = None,
    ) -> None:
        """Read inside `jail`; registry modules are also looked for in `module_path`.

        `earlier` are texts that stand for those on disk.
        """
        self.environment = environment
        self._jail = jail
        self._module_path = module_path
        self._earlier = earlier or {}
        self._kept: OrderedDict[Path, ir.Template] = OrderedDict()
        self._size = [0]
        self._configurations: dict[Path, Configuration | Refused] = {}

    def seeing(self, environment: Mapping[str, str]) -> Loader:
        """The same loader, with all it has read, for another environment."""
        other = Loader(self._jail, self._module_path, environment, self._earlier)
        other._kept, other._size, other._configurations = self._kept, self._size, self._configurations
        return other

    # ── what templates ask for ───────────────────────────────────────────────────────────────────────────────────────

    def template(self, base: ir.Source, reference: str) -> ir.Template | ir.Unresolved:
        """The template a module reference names; a local one starts at the folder of the file it stands in."""
        try:
            if registry.is_registry(reference):
                return self._module(base, reference)
            return self.open_template(self.locate(base, reference))
        except Refused as refused:
            return ir.Unresolved(reference, str(refused))

    def locate(self, base: ir.Source, reference: str) -> Path:
        """The real path of the file a local reference means. Raises Refused, also for a registry's module."""
        if base.path is None:
            raise Refused("the template it is named in is no file")
        if registry.is_registry(reference):
            raise Refused("it is a registry's module")
        return self._jail.resolve(base.path, reference)

    def parameters(self, base: ir.Source, reference: str) -> ir.ParameterFile | ir.Unresolved:
        """The `.bicepparam` file another one extends."""
        try:
            return self.open_parameters(self.locate(base, reference))
        except Refused as refused:
            return ir.Unresolved(reference, str(refused))

    def content(self, base: ir.Source, relative: str) -> bytes:
        """A file's bytes, up to MAX_CONTENT. Raises EvaluationError when it may not be read."""
        try:
            return read(self.locate(base, relative), MAX_CONTENT)
        except Refused as refused:
            raise EvaluationError(f"{relative[:200]!r} was not read: {refused}") from refused

    # ── files by their real paths ────────────────────────────────────────────────────────────────────────────────────

    def open_template(self, path: Path) -> ir.Template:
        """A template, parsed unless it was before. Raises Refused when the file cannot be read or is no template."""
        found = self._kept.get(path)
        if found is None:
            found = self._parsed(path)
            self._keep(path, found)
        else:
            self._kept.move_to_end(path)
        return found

    def open_parameters(self, path: Path) -> ir.ParameterFile:
        """A parameter file of either kind. Raises Refused when the file cannot be read or is none."""
        data = self._read(path)
        kind = kind_of(path, data)
        source = ir.Source(shown(path), text_of(data), path)
        if kind is Kind.BICEPPARAM:
            from auditor.sources import bicep

            return bicep.parse_parameters(source, self)
        if kind is Kind.TEMPLATE or path.suffix.casefold() not in (".json", ".jsonc"):
            raise Refused("it is no parameter file")
        from auditor.sources import arm

        return arm.parse_parameters(source)

    def _read(self, path: Path) -> bytes:
        data = self._earlier.get(path)
        return read(path) if data is None else data

    def _parsed(self, path: Path) -> ir.Template:
        data = self._read(path)
        kind = kind_of(path, data)
        text = text_of(data)
        if kind is Kind.BICEP:
            from auditor.sources import bicep

            return bicep.parse_template(ir.Source(shown(path), text, path), self)
        if kind is not Kind.TEMPLATE:
            found = _spec_template(text)
            if found is None:
                raise Refused("it is no template")
            text = found
        from auditor.sources import arm

        return arm.parse_template(ir.Source(shown(path), text, path), self)

    def _keep(self, path: Path, template: ir.Template) -> None:
        self._kept[path] = template
        self._size[0] += len(template.source.text)
        while self._size[0] > MAX_KEPT and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._size[0] -= len(dropped.source.text)

    # ── registries ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _module(self, base: ir.Source, reference: str) -> ir.Template:
        for place in registry.places(reference, self._configuration(base), self._module_path):
            if base.path is not None:
                self._jail.note(base.path, place.path)
            try:
                root, path = real(place.root), real(place.path)
            except Refused:
                continue
            if not path.is_relative_to(root):
                raise Refused("what stands for it leads out of its folder")
            self._jail.add(root)
            return self._noted(self.open_template(path), place, reference)
        looked = "the Bicep cache" if self._module_path is None else "the Bicep cache or the folder of --module-path"
        advice = "" if self._module_path is not None else ", or give --module-path"
        raise Refused(f"it is not in {looked}; run `bicep restore` on the template{advice}")

    def _configuration(self, base: ir.Source) -> Configuration:
        if base.path is None:
            return registry.PUBLIC
        folder = base.path.parent
        found = self._configurations.get(folder)
        if found is None:
            try:
                root = self._jail.root(base.path) or folder
                found = registry.configuration_of(folder, root, self._jail)
            except Refused as refused:
                found = refused
            self._configurations[folder] = found
        if isinstance(found, Refused):
            raise Refused(str(found))
        return found

    @staticmethod
    def _noted(template: ir.Template, place: Place, reference: str) -> ir.Template:
        """The template; with a problem when it is of another version than the one that was asked for."""
        version = registry.other_version(place)
        if not version:
            return template
        import dataclasses

        message = f"this is version {version} of the module; {reference} is not at hand"
        problem = ir.Problem(ir.Span(template.source, 0, 0), message)
        return dataclasses.replace(template, problems=(*template.problems, problem))


def _spec_template(text: str) -> str | None:
    """The template inside a template spec, at its own lines and columns; None where there is none."""
    match = _SPEC_TEMPLATE.search(text)
    if match is None:
        return None
    decoder: Any = json.JSONDecoder()
    try:
        _, end = decoder.raw_decode(text, match.end())
    except (ValueError, RecursionError):
        return None
    before = re.sub(r"[^\n]", " ", text[: match.end()])
    return before + text[match.end() : end]

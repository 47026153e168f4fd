"""The values that a root module's variables are given: files, the environment, the command line, in Terraform's order.

Source of the order: https://developer.hashicorp.com/terraform/language/values/variables, 2026-11. What cannot be read
of a file may be a value for any variable, so those that nothing later gives are unknown then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from auditor.model import Gap, Origin, Unknown
from auditor.sources.files.jail import Refused, read, shown, text_of
from auditor.sources.terraform import constraints, inline, syntax
from auditor.sources.terraform.expressions import Budget, Evaluator
from auditor.sources.terraform.modules import Module
from auditor.sources.terraform.parser import MAX_SIZE, ParseError, parse, parse_expression
from auditor.sources.terraform.syntax import Block, Expression, Source
from auditor.sources.terraform.values import EvaluationError, unknowns_in

ENDINGS: Final = (".tfvars", ".tfvars.json")
PREFIX: Final = "TF_VAR_"
MAX_ALLOWED: Final = 16
"""Values a validation lists that are kept as what a variable can be."""


class Given:
    """The values that a root module is given, by name.

    `documents` are the files of values, `gaps` those that were not read whole.
    """

    def __init__(
        self,
        module: Module,
        files: Iterable[Path],
        single: Mapping[str, str],
        environment: Mapping[str, str],
        budget: Budget,
    ) -> None:
        """Read all that the root module's folder holds, and what is given over it; later values win."""
        self.gaps: list[Gap] = []
        self.documents: list[syntax.Document] = []
        self._module = module
        self._values: dict[str, Any] = {}
        self._lost: Unknown | None = None
        self._evaluator = Evaluator(_no_name, {}, budget)
        for name, text in environment.items():
            if name.startswith(PREFIX):
                self._single(name.removeprefix(PREFIX), text, f"the variable {name} of the environment")
        for path in (*_own(module.folder), *(path for path in files if path.name.endswith(ENDINGS))):
            self._file(path)
        for name, text in single.items():
            self._single(name, text, "--parameter")

    def value(self, name: str) -> tuple[Any] | None:
        """The value of a variable, or None where none is given."""
        if name in self._values:
            return (self._values[name],)
        return (self._lost,) if self._lost is not None else None

    def _single(self, name: str, text: str, where: str) -> None:
        """A value that is a text: itself for primitive types, else an expression."""
        block = self._module.variables.get(name)
        if block is None:
            return
        if constraints.is_primitive(block.body.value("type")):
            self._values[name] = text
            return
        try:
            self._values[name] = self._evaluator.guarded(parse_expression(Source(where, text)))
        except ParseError as error:
            self._values[name] = Unknown(f"{where} gives {name} a value that is none: {error}")

    def _file(self, path: Path) -> None:
        uri = shown(path)
        try:
            source = Source(uri, text_of(read(path, 4 * MAX_SIZE)), path)
        except Refused as refused:
            self.gaps.append(Gap(uri, f"{refused}; the values it gives are not known", Origin(uri)))
            self._lose(uri)
            return
        if path.name.endswith(".json"):
            from auditor.sources.terraform.json_syntax import parse_json_values

            document = parse_json_values(source)
        else:
            document = parse(source)
        inline.note(document)
        self.documents.append(document)
        for problem in document.problems:
            reason = f"{problem.message}; the file of values was only partly read"
            self.gaps.append(Gap(uri, reason, problem.span.origin()))
        if document.body.broken is not None:
            self._lose(f"{uri}:{document.body.broken.span.line}")
        for name, argument in document.body.arguments.items():
            self._values[name] = self._evaluator.guarded(argument.value)

    def _lose(self, where: str) -> None:
        """What came before may have been given anew there, where nobody can read it."""
        self._lost = Unknown(f"{where} could not be read, and may give it")
        self._values.clear()


def _own(folder: Path) -> Iterator[Path]:
    """The files of values that Terraform reads without being told to."""
    for name in ("terraform.tfvars", "terraform.tfvars.json"):
        if os.path.lexists(folder / name):
            yield folder / name
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return
    yield from (folder / name for name in names if name.endswith((".auto.tfvars", ".auto.tfvars.json")))


def _no_name(name: str) -> Any:
    raise EvaluationError(f"{name} is no value that can be given")


def allowed(block: Block, evaluator: Evaluator) -> tuple[Any, ...]:
    """The values a variable can have, where a validation says that a list contains it; empty where none does."""
    for validation in block.body.of_type("validation"):
        condition = validation.body.value("condition")
        if isinstance(condition, syntax.Call) and condition.name == "contains" and len(condition.arguments) == 2:
            listed, named = condition.arguments
            if _is_variable(named, block.label):
                values = evaluator.guarded(listed)
                if any(unknowns_in(values)):
                    continue
                if isinstance(values, list) and 0 < len(values) <= MAX_ALLOWED:
                    return tuple(values)
    return ()


def _is_variable(node: Expression, name: str) -> bool:
    return (
        isinstance(node, syntax.Member)
        and node.key == name
        and isinstance(node.base, syntax.Name)
        and node.base.name == "var"
    )

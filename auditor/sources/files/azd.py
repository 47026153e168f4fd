"""azd projects: what azure.yaml deploys, the values of an environment, and what they fill in parameter files.

`${NAME}` and `${NAME=default}` in a JSON parameter file stand for environment variables. A value that is not at hand is
text that decides nothing (`Placeholder`), or an unknown where the parameter is no text, never an empty string.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from auditor.errors import PolicyError, TargetError
from auditor.sources.arm import ir
from auditor.sources.arm.values import Placeholder
from auditor.sources.files.jail import MAX_REFERENCE, PROJECT_FILES, Jail, Refused, read, shown, text_of
from auditor.sources.files.kinds import lenient_json

MAX_DOTENV: Final = 2**20
MAX_TEXT: Final = 100_000
"""Characters of a text after its placeholders are filled in."""
MAX_NESTED: Final = 16
"""Placeholders inside one another's defaults."""

_ENVIRONMENT: Final = re.compile(r"[A-Za-z0-9_.()-]{1,64}")
_CREDENTIAL: Final = re.compile(
    r"(?:SECRET|TOKEN|PASSWORD|PASSWD|PWD|PASSPHRASE|CREDENTIALS?|KEY|SAS|CONNECTION_?STRING)S?\Z", re.IGNORECASE
)
_SWITCH: Final = re.compile(r"(?:true|false|[0-9]{0,6})", re.IGNORECASE)
"""What is no credential, whatever its name says (`USE_CUSTOMER_MANAGED_KEY=true`)."""
_PLACEHOLDER: Final = re.compile(r"\$\{")
_NAME: Final = re.compile(r"[A-Za-z0-9_]++")
_DEFAULT: Final = re.compile(r":?=|:-")
_PIPELINE: Final = re.compile(r"#\{[^{}\n]{1,200}\}#?|\$\([^()\n]{1,200}\)|__[A-Za-z][A-Za-z0-9.-]{0,100}__")
"""How pipelines mark what they fill in: `#{name}#`, `$(name)`, `__name__`."""


# ── projects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with an azure.yaml. `modules` are its templates without their endings, as azure.yaml names them.

    `stated` says that azure.yaml names them itself. `problem` is what is wrong with azure.yaml, at `line`, else empty.
    """

    folder: Path
    file: Path
    modules: tuple[Path, ...]
    stated: bool = False
    problem: str = ""
    line: int | None = None


def project_at(folder: Path) -> Project | None:
    """The azd project of a folder, or None when it is none."""
    file = next((folder / name for name in PROJECT_FILES if (folder / name).is_file()), None)
    if file is None:
        return None
    default = (folder / "infra" / "main",)
    try:
        infra = _infra(Jail([folder]).resolve(file, file.name))
    except PolicyError as error:
        _, _, problem = str(error).partition(": ")
        return Project(folder, file, default, problem=f"it cannot be read: {problem}", line=error.line)
    except Refused as refused:
        return Project(folder, file, default, problem=f"it cannot be read: {refused}")
    layers = infra.get("layers")
    if isinstance(layers, list) and layers:
        stages = [{**infra, **layer} for layer in layers if isinstance(layer, dict)]
    else:
        stages = [infra]
    modules = []
    for stage in stages:
        if str(stage.get("provider") or "bicep").casefold() != "bicep":
            continue
        named = Path(str(stage.get("path") or "infra"), str(stage.get("module") or "main"))
        path = Path(os.path.normpath(folder / named))
        if len(str(named)) > MAX_REFERENCE or path.name == "":
            return Project(folder, file, default, problem="the template it names has no proper path")
        modules.append(path)
    return Project(folder, file, tuple(modules), stated="path" in infra or "module" in infra or len(stages) > 1)


def _infra(file: Path) -> dict[str, Any]:
    from auditor.documents import read_document

    value = read_document(file).value
    infra: Any = value.get("infra") if isinstance(value, dict) else None
    return infra if isinstance(infra, dict) else {}


# ── environments ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Environment(Mapping[str, str]):
    """Environment variables: those of the process, then those of an azd environment.

    A variable named like a credential is a `Placeholder`: templates under review could otherwise show it in a report.
    `whole` says that an azd environment was read, so that a variable that is not here has no value there either.
    """

    def __init__(self, process: Mapping[str, str], stored: Mapping[str, str], name: str = "") -> None:
        """Lay the process's variables over the stored ones; `name` is the azd environment's name, if there is one."""
        self.name = name
        self.whole = bool(name)
        self._values = {**stored, **process}
        if name:
            self._values["AZURE_ENV_NAME"] = name

    def __getitem__(self, name: str) -> str:
        value = self._values[name]
        if _CREDENTIAL.search(name) and not _SWITCH.fullmatch(value):
            return Placeholder(f"{{{name}}}", f"the variable {name} is named like a credential, and is not read")
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Environment({self.name!r}, {len(self._values)} variables)"


def environment_of(project: Project | None, wanted: str) -> Environment:
    """The environment of a project: the one that is `wanted`, else its default one, else the process's alone.

    Raises TargetError when the project has no environment of the wanted name, or its values cannot be read.
    """
    if project is None:
        return Environment(os.environ, {})
    home = project.folder / ".azure"
    name = wanted or _default_environment(home)
    if not name:
        return Environment(os.environ, {})
    file = home / name / ".env"
    if not _ENVIRONMENT.fullmatch(name) or name.strip(".") == "" or not file.parent.is_dir():
        if not wanted:
            return Environment(os.environ, {})
        there = ", ".join(sorted(path.name for path in home.glob("*/") if path.is_dir())[:10]) if home.is_dir() else ""
        hint = f"Its environments: {there}." if there else "It has no environments; `azd env new` makes one."
        raise TargetError(f"{shown(project.folder)} has no azd environment {wanted!r}", hint=hint)
    if not file.exists():
        return Environment(os.environ, {}, name)
    try:
        stored = dotenv(text_of(read(_own(file, home), MAX_DOTENV)))
    except Refused as refused:
        raise TargetError(f"the azd environment {name!r} cannot be read: {refused}") from refused
    return Environment(os.environ, stored, name)


def _own(file: Path, home: Path) -> Path:
    """A file of `.azure`, which may not lead out of it. Raises Refused."""
    path = Path(os.path.realpath(file))
    if not path.is_relative_to(os.path.realpath(home)) or Path(os.path.realpath(home)) != home:
        raise Refused("it leads out of its folder")
    return path


def _default_environment(home: Path) -> str:
    try:
        content = lenient_json(text_of(read(_own(home / "config.json", home), MAX_DOTENV)))
    except (Refused, ValueError):
        return ""
    name = content.get("defaultEnvironment") if isinstance(content, dict) else None
    return name if isinstance(name, str) else ""


_LINE: Final = re.compile(
    r"""[^\S\n]*+(?:export[^\S\n]++)?([A-Za-z0-9_.-]++)[^\S\n]*+[=:][^\S\n]*+
    (?: "((?:[^"\\]|\\.)*+)"[^\n]*+
      | '([^']*+)'[^\n]*+
      | ([^\n]*+) )""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLE: Final = re.compile(r"(\\)?\$(?:\{([A-Za-z0-9_]++)\}|([A-Za-z0-9_]++))")
_ESCAPE: Final = re.compile(r"\\([^$])", re.DOTALL)


def dotenv(text: str) -> dict[str, str]:
    """The variables of a `.env` file, as azd reads them: quotes, `export`, comments, `$NAME` for an earlier one.

    A line that sets nothing is passed over, and a variable made from one that is not in the file is left out.
    """
    values: dict[str, str] = {}
    text = text.replace("\r\n", "\n")
    at = 0
    while at < len(text):
        match = _LINE.match(text, at)
        if match is None:
            at = text.find("\n", at) + 1 or len(text)
            continue
        at = match.end() + 1
        name, quoted, plain, bare = match.groups()
        if plain is not None:
            values[name] = plain
            continue
        if quoted is not None:
            bare = _ESCAPE.sub(lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), quoted)
        else:
            bare = re.split(r"(?:^|\s)#", bare, maxsplit=1)[0].strip()
        earlier = [braced or plain for escaped, braced, plain in _VARIABLE.findall(bare) if not escaped]
        size = len(bare) + sum(len(values.get(other, "")) for other in earlier)
        if size <= MAX_TEXT and all(other in values for other in earlier):
            values[name] = _VARIABLE.sub(lambda found: found[0][1:] if found[1] else values[found[2] or found[3]], bare)
        else:
            values.pop(name, None)
    return values


# ── placeholders ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _Filling:
    """One text being filled in; remembers the first variable that is missing, and whether any was unset."""

    def __init__(self, text: str, environment: Environment, empty: bool) -> None:
        self.text = text
        self.environment = environment
        self.empty = empty
        self.reason = ""
        self.unset = False
        self.at = 0
        self.room = MAX_TEXT

    def whole(self) -> str:
        if "${" not in self.text:
            return self.text
        made = self.until("", 0)
        return Placeholder(made, self.reason) if self.reason else made

    def until(self, end: str, depth: int) -> str:
        parts: list[str] = []
        text = self.text
        while self.at < len(text):
            character = text[self.at]
            if character == end:
                return "".join(parts)
            if text.startswith("$$", self.at):
                self.at += 2
                character = "$"
            elif text.startswith("${", self.at):
                self.at += 2
                parts.append(self.variable(depth))
                continue
            else:
                self.at += 1
            self.room -= 1
            if self.room < 0:
                self.failed("it is too long")
                self.at = len(text)
                break
            parts.append(character)
        if end:
            self.failed("a placeholder is not closed")
        return "".join(parts)

    def failed(self, reason: str) -> None:
        self.reason = self.reason or f"{self.text[:100]!r} cannot be filled in: {reason}"

    def variable(self, depth: int) -> str:
        name = _NAME.match(self.text, self.at)
        self.at = name.end() if name else self.at
        operator = _DEFAULT.match(self.text, self.at)
        self.at = operator.end() if operator else self.at
        if name is None or depth >= MAX_NESTED or not (operator or self.text.startswith("}", self.at)):
            self.failed("it is written in a way that is not followed")
            self.at = len(self.text)
            return ""
        # What the default lacks does not matter when the variable is set.
        reason, unset = self.reason, self.unset
        default = self.until("}", depth + 1) if operator else ""
        self.at += 1
        value = self.environment.get(name[0], "")
        if value:
            self.reason, self.unset = reason, unset
            if isinstance(value, Placeholder):
                self.reason = self.reason or value.reason
            self.room -= len(value)
            if self.room >= 0:
                return value
            self.failed("it is too long")
            self.at = len(self.text)
            return ""
        self.unset = self.unset or name[0] not in self.environment
        if operator or name[0] in self.environment or self.empty:
            return default
        where = f"the azd environment {self.environment.name!r}" if self.environment.whole else "the environment"
        advice = "" if self.environment.whole else "; set it, or name an azd environment with --azd-env"
        self.reason = self.reason or f"the variable {name[0]} is not set in {where}{advice}"
        return f"{{{name[0]}}}"


def has_placeholders(text: str) -> bool:
    """Whether a parameter file's text holds anything that is filled in before it is used."""
    return _PLACEHOLDER.search(text) is not None or _PIPELINE.search(text) is not None


def filled(file: ir.ParameterFile, template: ir.Template, environment: Environment) -> ir.ParameterFile:
    """A JSON parameter file with its placeholders filled in, as azd does it.

    A parameter that comes to nothing because a variable is not set is left out, so that the template's default counts;
    a text for an object or an array is taken as its JSON.
    """
    if file.context.bicep or not has_placeholders(file.source.text):
        return file
    parameters = {name.casefold(): parameter for name, parameter in template.parameters.items()}
    values: dict[str, ir.Expression] = {}
    for name, expression in file.values.items():
        made = _parameter(expression, parameters.get(name.casefold()), environment)
        if made is not None:
            values[name] = made
    return replace(file, values=values)


def _parameter(
    expression: ir.Expression, parameter: ir.Parameter | None, environment: Environment
) -> ir.Expression | None:
    """A parameter's value, or None when it is not given."""
    if not (isinstance(expression, ir.Literal) and isinstance(expression.value, str)):
        return _inside(expression, environment)
    # Where all variables are at hand, one that is not among them is empty, unless the template needs the parameter.
    optional = parameter is not None and (parameter.default is not None or parameter.nullable)
    filling = _Filling(expression.value, environment, environment.whole and optional)
    value = _placed(_pipelined(filling.whole()), expression.span)
    if value == "" and filling.unset and not filling.reason:
        return None
    kind = parameter.type if parameter is not None else ""
    if isinstance(value, Placeholder):
        return ir.Literal(expression.span, value) if kind in ("", "string") else _unreadable(expression, value.reason)
    if kind in ("object", "array"):
        try:
            return _nodes(expression.span, json.loads(value))
        except (ValueError, RecursionError):
            return _unreadable(expression, f"what fills in {expression.span.text} is no JSON")
    return ir.Literal(expression.span, value)


def _inside(expression: ir.Expression, environment: Environment) -> ir.Expression:
    """The same expression, its texts filled in however deep they stand."""
    match expression:
        case ir.Literal(value=str(text)):
            value = _placed(_pipelined(_Filling(text, environment, environment.whole).whole()), expression.span)
            return expression if value is text else ir.Literal(expression.span, value)
        case ir.ObjectNode(entries=entries):
            made = tuple(
                ir.Entry(entry.span, entry.key, _inside(entry.value, environment))
                if isinstance(entry, ir.Entry)
                else entry
                for entry in entries
            )
            return ir.ObjectNode(expression.span, made)
        case ir.ArrayNode(items=items):
            return ir.ArrayNode(
                expression.span,
                tuple(item if isinstance(item, ir.Spread) else _inside(item, environment) for item in items),
            )
    return expression


def _pipelined(value: str) -> str:
    """Text a pipeline fills in later is not the text it will be."""
    if isinstance(value, Placeholder) or _PIPELINE.search(value) is None:
        return value
    return Placeholder(value, f"{value[:100]!r} is filled in when it is deployed")


def _placed(value: str, span: ir.Span) -> str:
    """The text; one that is not known says where it is used."""
    if not isinstance(value, Placeholder):
        return value
    return Placeholder(value, f"{value.reason} (used in {span.source.uri}:{span.line})")


def _unreadable(expression: ir.Expression, reason: str) -> ir.Expression:
    return ir.Call(expression.span, "unreadable", (ir.Literal(expression.span, reason),))


def _nodes(span: ir.Span, value: Any) -> ir.Expression:
    """Plain values as an expression."""
    if isinstance(value, dict):
        entries = ((ir.Literal(span, key), _nodes(span, item)) for key, item in value.items())
        return ir.ObjectNode(span, tuple(ir.Entry(span, key, item) for key, item in entries))
    if isinstance(value, list):
        return ir.ArrayNode(span, tuple(_nodes(span, item) for item in value))
    return ir.Literal(span, value)

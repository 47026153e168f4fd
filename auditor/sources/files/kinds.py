"""What a file is, by its content; and JSON as people write it, with comments."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from auditor import snapshot
from auditor.sources.files.jail import text_of


class Kind(StrEnum):
    """What a file is to us. `OTHER` is none of our business."""

    BICEP = "Bicep template"
    BICEPPARAM = "Bicep parameter file"
    TEMPLATE = "ARM template"
    PARAMETERS = "ARM parameter file"
    SNAPSHOT = "snapshot"
    PLAN = "Terraform plan"
    STATE = "Terraform state"
    CONFIGURATION = "Terraform configuration"
    OTHER = "other"


JSON_ENDINGS: Final = (".json", ".jsonc", ".jsonl", ".tfstate")
"""Endings of files a folder is searched for, besides those that say what they are."""
TERRAFORM: Final = frozenset({Kind.PLAN, Kind.STATE, Kind.CONFIGURATION})
_BY_ENDING: Final = {
    ".bicep": Kind.BICEP,
    ".bicepparam": Kind.BICEPPARAM,
    **dict.fromkeys((".tf", ".tf.json", ".tofu", ".tofu.json"), Kind.CONFIGURATION),
}
_FIRST_SCHEMA: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\{\s*+"\$schema"\s*+:\s*+"([^"\\]*+)"')
_MARKS: Final = (
    b"ontentVersion", b"eploymentTemplate", b"eploymentParameters", b'"terraform_version"', b'"format_ver',
    b'"encrypted_data"', b'"resource_changes"', b'"lineage"',
)  # fmt: skip
_BEGINNING: Final = 65_536
"""Bytes of a file that show what it is, where it is a plan or a state as Terraform writes it."""
_SORTED: Final = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*+\{\s*+"configuration"\s*+:\s*+\{\s*+"(?:provider_config|root_module)"'
)
"""How a plan begins whose members somebody sorted."""
_PLANNED: Final = frozenset({
    "applyable", "configuration", "errored", "output_changes", "planned_values", "prior_state", "proposed_unknown",
    "relevant_attributes", "resource_changes", "resource_drift", "variables",
})  # fmt: skip
_TOKEN: Final = re.compile(
    r'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\Z)|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|[{}\[\]:,]', re.DOTALL
)
_DROPPED: Final = re.compile(
    r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z))|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)', re.DOTALL
)
_TRAILING: Final = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z))|,(?=\s*+[}\]])', re.DOTALL)
_COMPILED: Final = re.compile(rb'"_generator"\s*+:\s*+\{\s*+"name"\s*+:\s*+"bicep"')


def by_ending(path: Path) -> Kind | None:
    """The kind a file's name alone tells, or None."""
    name = path.name.casefold()
    return next((kind for ending, kind in _BY_ENDING.items() if name.endswith(ending)), None)


def kind_of(path: Path, data: bytes) -> Kind:
    """The kind of a file with this content."""
    kind = by_ending(path) or _of_content(data)
    # Templates without resources are none; many a parameter file was begun as a copy of its template.
    return Kind.PARAMETERS if kind is Kind.TEMPLATE and b'"resources"' not in data and _gives_values(data) else kind


def _of_content(data: bytes) -> Kind:
    if snapshot.is_snapshot(data[:512]):
        return Kind.SNAPSHOT
    first = _FIRST_SCHEMA.match(data)
    kind = _of_schema(first[1].decode("latin-1")) if first else None
    if kind is not None:
        return kind
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = text_of(data).encode("utf-8", "replace")
    if not any(mark in data for mark in _MARKS):
        return Kind.OTHER
    # Going through a large plan to its end, only to see what it is, would take longer than reading it.
    if _SORTED.match(data):
        return Kind.PLAN
    beginning = _of_terraform(top_level(text_of(data[:_BEGINNING])))
    return beginning or _of_keys(top_level(text_of(data)))


def _gives_values(data: bytes) -> bool:
    """Whether JSON that says it is a template gives parameters their values, and declares none."""
    try:
        root = lenient_json(text_of(data))
    except ValueError:
        return False
    found = {key.casefold(): value for key, value in root.items()} if isinstance(root, dict) else {}
    given = found.get("parameters")
    if found.keys() & {"resources", "variables", "functions", "outputs"} or not isinstance(given, dict):
        return False
    return all(
        isinstance(one, dict) and one.keys() & {"value", "reference"} and "type" not in one for one in given.values()
    )


def _of_terraform(keys: dict[str, str]) -> Kind | None:
    """A plan or a state by its members; one that OpenTofu encrypted is taken for a state, as most are."""
    planned = len(keys.keys() & _PLANNED)
    if planned > 1 or (planned and "format_version" in keys) or keys.get("resource_changes") == "[":
        return Kind.PLAN
    marks = ({"terraform_version"}, {"version", "serial", "lineage"}, {"encrypted_data", "encryption_version"})
    shown = {"format_version", "values"} <= keys.keys() or keys.keys() == {"format_version"}
    return Kind.STATE if shown or any(mark <= keys.keys() for mark in marks) else None


def _of_schema(schema: str) -> Kind | None:
    name = schema.casefold()
    if "deploymenttemplate" in name:
        return Kind.TEMPLATE
    return Kind.PARAMETERS if "deploymentparameters" in name else None


def _of_keys(keys: dict[str, str]) -> Kind:
    told = _of_schema(keys.get("$schema", ""))
    if told is not None:
        return told
    terraform = _of_terraform(keys)
    if terraform is not None:
        return terraform
    if "contentversion" in keys:
        if keys.get("resources", "") in ("[", "{"):
            return Kind.TEMPLATE
        if keys.get("parameters") == "{":
            return Kind.PARAMETERS
    return Kind.OTHER


def top_level(text: str) -> dict[str, str]:
    """The casefolded keys of a JSON object, each with its text, or the bracket its value begins with.

    Reads as far as the text goes, whether it is JSON to its end or not: what a broken file was meant to be shows.
    """
    found: dict[str, str] = {}
    depth = 0
    key: str | None = None
    value: str | None = None
    for match in _TOKEN.finditer(text):
        token = match[0]
        character = token[0]
        if character == "/":
            continue
        if depth == 1:
            if character == '"':
                value = match[1]
            elif character == ":":
                key, value = value, ""
            elif key is not None:
                found.setdefault(key.casefold(), character if character in "{[" else value or "")
                key = None
        if character in "{[":
            depth += 1
            if depth == 1 and character == "[":
                break
        elif character in "}]":
            depth -= 1
            if depth <= 0:
                break
    if key is not None:
        found.setdefault(key.casefold(), value or "")
    return found


def is_compiled(data: bytes) -> bool:
    """Whether a template's JSON says that Bicep made it."""
    return _COMPILED.search(data) is not None


def has_links(data: bytes) -> bool:
    """Whether a template's JSON may lead to other files."""
    return b"templatelink" in data.lower()


def lenient_json(text: str) -> Any:
    """JSON with comments and trailing commas, as plain values. Raises ValueError, whose position fits the text."""
    text = _DROPPED.sub(lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)
    try:
        return json.loads(_TRAILING.sub(lambda match: match[1] or " ", text))
    except RecursionError as error:
        raise ValueError("it nests too deep") from error

"""Writes folders of Terraform files, and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.model import Gap
from auditor.sources.files.jail import Jail
from auditor.sources.terraform.configuration import Options, read_configuration
from auditor.sources.terraform.instances import Instance


class Reading:
    """What a folder was read as."""

    def __init__(self, folder: Path, found: list[Instance | Gap]) -> None:
        self.folder = folder
        self.instances = {one.address: one for one in found if isinstance(one, Instance)}
        self.gaps = [one for one in found if isinstance(one, Gap)]

    def values(self, address: str = "azurerm_storage_account.a") -> Mapping[str, Any]:
        return self.instances[address].values


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder.resolve()


def read(folder: Path, texts: Mapping[str, str] | str, *, root: str = ".", **options: Any) -> Reading:
    """Read the module in `root` of a folder that holds these files; a text alone is `main.tf`."""
    top = written(folder, {"main.tf": texts} if isinstance(texts, str) else texts)
    home = (top / root).resolve()
    return Reading(home, list(read_configuration(home, Jail([top]), Options(**options))))


def account(body: str, name: str = "a") -> str:
    """A storage account with this body."""
    return f'resource "azurerm_storage_account" "{name}" {{\n{body}\n}}\n'

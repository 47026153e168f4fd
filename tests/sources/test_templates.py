"""The template source as a whole: many entry points on several cores, what the command line gives, the cross-check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import auditor
from auditor import services
from auditor.errors import UsageError
from auditor.model import Gap, Resource, Scope, Silent
from auditor.sources import CollectOptions, templates

VAULT = """param days int = 90
resource kv 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-%s'
  location: 'westeurope'
  properties: { softDeleteRetentionInDays: days }
}
"""


def collected(folder: Path, **options: Any) -> list[Any]:
    return list(templates.collect([folder], CollectOptions(**options), services.catalog(), Silent()))


def many(folder: Path) -> Path:
    for number in range(templates.MANY + 10):
        (folder / f"t{number:03d}.bicep").write_text(VAULT % number, "utf-8")
    return folder


def test_several_processes_give_what_one_does_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = many(tmp_path)
    monkeypatch.setattr(templates, "_cores", lambda: 1)
    alone = collected(folder)
    monkeypatch.setattr(templates, "_cores", lambda: 3)
    assert collected(folder) == alone
    assert sum(isinstance(one, Resource) for one in alone) == templates.MANY + 10


def test_a_process_that_ends_early_is_a_gap_for_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = many(tmp_path)
    one = templates._Work.one

    def sometimes(self: Any, point: Any) -> Any:
        if point.at.name == "t000.bicep":
            os._exit(9)
        return one(self, point)

    monkeypatch.setattr(templates, "_cores", lambda: 2)
    monkeypatch.setattr(templates._Work, "one", sometimes)
    found = collected(folder)
    gaps = [one for one in found if isinstance(one, Gap)]
    assert gaps
    assert all("ended early" in gap.reason for gap in gaps)
    assert len(gaps) + sum(isinstance(one, Resource) for one in found) == templates.MANY + 10


def test_leaving_early_ends_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_cores", lambda: 2)
    stream = templates.collect([many(tmp_path)], CollectOptions(), services.catalog(), Silent())
    assert isinstance(next(stream), Resource)
    stream.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(stream)


def test_what_was_audited_as_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "main.bicep").write_text(VAULT % 1, "utf-8")
    (scope,) = [one for one in collected(tmp_path) if isinstance(one, Scope)]
    assert (scope.id.endswith("main.bicep"), scope.state) == (True, "1 data store")


TWICE = """
param name string
resource %s 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: 'westeurope'
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  resource blobs 'blobServices' = { name: 'default', properties: { isVersioningEnabled: true } }
}
"""


def test_two_stores_whose_name_is_not_known_each_keep_their_own_children(tmp_path: Path) -> None:
    (tmp_path / "main.bicep").write_text(TWICE % "a" + (TWICE % "b").replace("param name string", ""), "utf-8")
    stores = [one for one in collected(tmp_path) if isinstance(one, Resource)]
    assert [one.id.rpartition("/")[2] for one in stores] == ["{name}", "{name} (2)"]
    for one in stores:
        assert {child.parent for child in one.children if isinstance(child.body, dict)} == {one.id}
        assert f"{one.id}/blobServices/default" in {child.id for child in one.children}


def test_a_parameter_no_template_has_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "main.bicep").write_text(VAULT % 1, "utf-8")
    with pytest.raises(UsageError, match=r"did you mean 'days'\?"):
        collected(tmp_path, parameter={"dys": "7"})
    (vault,) = [one for one in collected(tmp_path, parameter={"days": "7"}) if isinstance(one, Resource)]
    assert vault.body["properties"] == {"softDeleteRetentionInDays": 7}  # type: ignore[index]


def bicep_command(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A `bicep` on the path that says what it is told to."""
    command = folder / "bin" / "bicep"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")


COMPILED = """cat <<'END'
{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
 "resources": [{"type": "Microsoft.KeyVault/vaults", "apiVersion": "2023-07-01", "name": "kv-1", "location": "westeurope",
   "properties": {"softDeleteRetentionInDays": DAYS}}]}
END"""


def test_the_cross_check_is_silent_when_the_compiler_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bicep_command(tmp_path, monkeypatch, COMPILED.replace("DAYS", "90"))
    (tmp_path / "main.bicep").write_text(VAULT % 1, "utf-8")
    assert not [one for one in collected(tmp_path / "main.bicep", cross_check=True) if isinstance(one, Gap)]


def test_the_cross_check_tells_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bicep_command(tmp_path, monkeypatch, COMPILED.replace("DAYS", "7"))
    (tmp_path / "main.bicep").write_text(VAULT % 1, "utf-8")
    (gap,) = [one for one in collected(tmp_path / "main.bicep", cross_check=True) if isinstance(one, Gap)]
    assert "softdeleteretentionindays is 90 here, 7 there" in gap.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [("echo 'Error BCP007' >&2; exit 1", "BCP007"), ("echo no json", "no JSON"), ("kill -9 $$", "ended with")],
)
def test_a_compiler_that_fails_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    bicep_command(tmp_path, monkeypatch, text)
    (tmp_path / "main.bicep").write_text(VAULT % 1, "utf-8")
    (gap,) = [one for one in collected(tmp_path / "main.bicep", cross_check=True) if isinstance(one, Gap)]
    assert reason in gap.reason


def test_a_cross_check_without_a_compiler_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "main.bicep").write_text(VAULT % 1, "utf-8")
    with pytest.raises(UsageError, match="bicep"):
        collected(tmp_path / "main.bicep", cross_check=True)


VAULT_WITH_BACKUPS = """
resource v 'Microsoft.DataProtection/backupVaults@2024-04-01' = {
  name: 'bv'
  location: 'westeurope'
  properties: { storageSettings: [] }
}
"""
ACCOUNT = """
resource a 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'sta'
  location: 'westeurope'
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
}
"""
LOST = "module m 'br/public:some/unknown:1.0' = { name: 'm' }\n"


@pytest.mark.parametrize(("account", "outcome"), [(ACCOUNT, "fail"), (ACCOUNT + LOST, "unknown")])
def test_what_one_template_hides_is_not_concluded_from_what_another_declares(
    tmp_path: Path, account: str, outcome: str
) -> None:
    """A vault that is read whole says nothing of the instances that a module which is not at hand may declare."""
    (tmp_path / "account.bicep").write_text(account, "utf-8")
    (tmp_path / "vault.bicep").write_text(VAULT_WITH_BACKUPS, "utf-8")
    report = auditor.audit(tmp_path, "well-architected", rule=("storage-backup",))
    assert [finding.outcome.value for finding in report.findings] == [outcome]


TF_ACCOUNT = """
resource "azurerm_storage_account" "a" {
  name                     = "sta"
  resource_group_name      = "rg"
  location                 = "westeurope"
  account_tier             = "Standard"
  account_replication_type = "LRS"
}
"""
TF_LOST = 'module "m" {\n  source = "example/unknown/azurerm"\n}\n'


@pytest.mark.parametrize(("account", "outcome"), [(TF_ACCOUNT, "fail"), (TF_ACCOUNT + TF_LOST, "unknown")])
def test_nor_is_what_a_terraform_configuration_hides(tmp_path: Path, account: str, outcome: str) -> None:
    (tmp_path / "stores").mkdir()
    (tmp_path / "stores" / "main.tf").write_text(account, "utf-8")
    (tmp_path / "vault.bicep").write_text(VAULT_WITH_BACKUPS, "utf-8")
    report = auditor.audit(tmp_path, "well-architected", rule=("storage-backup",))
    assert [finding.outcome.value for finding in report.findings] == [outcome]

"""Places: what an address of a plan means in the files beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.model import Origin, Unknown
from auditor.sources.files.jail import Jail
from auditor.sources.terraform.instances import Instance, Provider
from auditor.sources.terraform.positions import Place, Positions, Presence, located
from tests.sources.terraform.folders import account, written

FILES = {
    "main.tf": """resource "azurerm_storage_account" "a" {
  count = 2
  name  = var.name
  blob_properties {
    versioning_enabled = true
    dynamic "delete_retention_policy" {
      for_each = var.days
      content {
        days = delete_retention_policy.value
      }
    }
  }
  dynamic "network_rules" {
    for_each = var.rules
    content {
      default_action = "Deny"
    }
  }
  lifecycle {
    prevent_destroy = true
  }
}
module "m" {
  source   = "./child"
  for_each = var.modules
}
module "gone" {
  source = "Azure/thing/azurerm"
}
""",
    "child/main.tf": 'module "n" {\n  source = "./inner"\n}\n' + account("name = 1"),
    "child/inner/main.tf": account('geo {\n location = "a"\n zone = var.z\n}\ngeo {\n location = "b"\n}', "deep"),
    "broken.tf": account("what is this", "broken"),
}
ACCOUNT = "azurerm_storage_account.a[0]"


@pytest.fixture
def positions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Positions:
    monkeypatch.chdir(tmp_path)
    folder = written(tmp_path, FILES)
    return Positions(folder, Jail([folder]))


def place(positions: Positions, address: str) -> Place:
    found = positions.of(address)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("address", "uri", "line", "via"),
    [
        (ACCOUNT, "main.tf", 1, []),
        ("azurerm_storage_account.a", "main.tf", 1, []),
        ('module.m["x"].azurerm_storage_account.a', "child/main.tf", 4, [23]),
        ('module.m["a.b\\"]c"].module.n.azurerm_storage_account.deep["k"]', "child/inner/main.tf", 1, [23, 1]),
    ],
)
def test_addresses_lead_to_blocks(positions: Positions, address: str, uri: str, line: int, via: list[int]) -> None:
    origin = place(positions, address).origin
    assert (origin.uri, origin.line, [call.line for call in origin.via]) == (uri, line, via)


@pytest.mark.parametrize(
    "address",
    [
        "", "azurerm_storage_account", "azurerm_storage_account.b", "module.m", "module.x.azurerm_storage_account.a", "a[", "a.b.c.d",
        "module.gone.azurerm_storage_account.a", "module.m.module.m.azurerm_storage_account.a", "1 + 1", "a.b" * 5_000, "data.azurerm_x.y",
    ],
)  # fmt: skip
def test_addresses_that_lead_nowhere(positions: Positions, address: str) -> None:
    assert positions.of(address) is None


@pytest.mark.parametrize(
    ("address", "path", "presence"),
    [
        (ACCOUNT, "name", Presence.WRITTEN),
        (ACCOUNT, "blob_properties", Presence.WRITTEN),
        (ACCOUNT, "blob_properties[0].versioning_enabled", Presence.WRITTEN),
        (ACCOUNT, "blob_properties.change_feed_enabled", Presence.ABSENT),
        (ACCOUNT, "blob_properties.delete_retention_policy", Presence.DYNAMIC),
        (ACCOUNT, "blob_properties.delete_retention_policy.days", Presence.DYNAMIC),
        (ACCOUNT, "network_rules", Presence.DYNAMIC),
        (ACCOUNT, "network_rules.default_action", Presence.DYNAMIC),
        (ACCOUNT, "network_rules.bypass", Presence.ABSENT),
        (ACCOUNT, "share_properties", Presence.ABSENT),
        ("azurerm_storage_account.broken", "share_properties", Presence.UNKNOWN),
    ],
)
def test_what_is_written(positions: Positions, address: str, path: str, presence: Presence) -> None:
    assert place(positions, address).presence(path) is presence


def test_what_a_plan_asks_of_blocks(positions: Positions) -> None:
    assert positions.dynamic("azurerm_storage_account.a", "network_rules") is True
    assert positions.dynamic("azurerm_storage_account.a", "share_properties") is False
    assert positions.dynamic("azurerm_storage_account.a.blob_properties", "delete_retention_policy") is True
    assert positions.dynamic("module.m.module.n.azurerm_storage_account.deep", "geo") is False
    assert positions.dynamic("module.m.module.n.azurerm_storage_account.deep.geo", "x") is False
    assert positions.dynamic("azurerm_storage_account.broken", "share_properties") is None
    assert positions.dynamic("azurerm_storage_account.nowhere", "x") is None


def test_attributes_have_places(positions: Positions) -> None:
    values = {
        "name": "n",
        "location": "x",
        "blob_properties": [{"versioning_enabled": True, "delete_retention_policy": [{"days": 7}], "container": [{}]}],
        "network_rules": [{"default_action": "Deny"}],
    }
    found = place(positions, ACCOUNT).origins(values)
    assert {path: origin.line for path, origin in found.items()} == {
        "name": 3,
        "blob_properties[0]": 4,
        "blob_properties[0].versioning_enabled": 5,
        "blob_properties[0].delete_retention_policy[0]": 6,
        "blob_properties[0].delete_retention_policy[0].days": 9,
        "network_rules[0]": 13,
        "network_rules[0].default_action": 16,
    }
    assert found["name"].expression == "var.name"


def test_elements_of_a_set_are_told_by_what_is_written_for_them(positions: Positions) -> None:
    deep = place(positions, "module.m.module.n.azurerm_storage_account.deep")
    values = {"geo": [{"location": "B", "zone": None}, {"location": "a", "zone": True}, {"location": "c"}]}
    lines = {path: origin.line for path, origin in deep.origins(values).items()}
    assert lines == {"geo[0]": 6, "geo[0].location": 7, "geo[1]": 2, "geo[1].location": 3, "geo[1].zone": 4}


def test_whether_terraform_refuses_to_destroy(positions: Positions) -> None:
    assert place(positions, ACCOUNT).prevent_destroy is True
    assert place(positions, "module.m.azurerm_storage_account.a").prevent_destroy is False
    assert isinstance(place(positions, "azurerm_storage_account.broken").prevent_destroy, Unknown)


def test_instances_of_a_plan_get_their_places(positions: Positions) -> None:
    plan = Origin("plan.json", 7, expression=ACCOUNT)
    known = Instance(ACCOUNT, "azurerm_storage_account", Provider("azurerm"), {"name": "n"}, plan)
    stranger = Instance(
        "azurerm_storage_account.z", "azurerm_storage_account", Provider("azurerm"), {"name": "n"}, plan
    )
    one, other, rest = located([known, stranger, "a gap"], positions)
    assert isinstance(one, Instance)
    assert one.origin == Origin("main.tf", 1, 1, ACCOUNT)
    assert one.origins["name"].line == 3
    assert one.prevent_destroy is True
    assert (other, rest) == (stranger, "a gap")


def test_downloaded_modules_are_found(tmp_path: Path) -> None:
    source = "Azure/thing/azurerm"
    manifest = {"Modules": [{"Key": "m", "Source": source, "Dir": ".terraform/modules/m"}]}
    folder = written(
        tmp_path,
        {
            "main.tf": f'module "m" {{ source = "{source}" }}',
            ".terraform/modules/m/main.tf": account("name = 1"),
            ".terraform/modules/modules.json": json.dumps(manifest),
        },
    )
    assert Positions(folder, Jail([folder])).of("module.m.azurerm_storage_account.a") is not None

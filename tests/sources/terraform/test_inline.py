"""Inline waivers of Terraform files: what each is for, from a folder and from a plan beside one, and in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scans import Scan, scan
from tests.sources.terraform.plan_json import PlanJson, constant

PURGE = "keyvault-purge-protection"
WORDS = f"auditor:waive {PURGE} until=2999-01-01 reason='rebuilt nightly'"
LINE = f"# {WORDS}"


def vault(name: str, *, above: str = "", beside: str = "", inside: str = "") -> str:
    """A key vault without purge protection, with text above it, behind its name, and in it."""
    return f"""
{above}
resource "azurerm_key_vault" "{name}" {{
  name                = "kv-{name}" {beside}
  location            = "westeurope"
  resource_group_name = "rg"
  sku_name            = "standard"
  tenant_id           = "00000000-0000-0000-0000-000000000001"
{inside}
}}
"""


VERSIONS = (
    'terraform {\n  required_providers {\n    azurerm = { source = "hashicorp/azurerm", version = "~> 4.0" }\n  }\n}\n'
)


def look(folder: Path, files: Mapping[str, Any], *options: str, rule: str = PURGE, target: str = ".") -> Scan:
    """Scan a folder that holds these files: texts, or what is written as JSON."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text, indent=1), "utf-8")
    rules = ("--rule", rule) if rule else ()
    return scan(folder, str(folder / target), *rules, *options)


def told(found: Scan) -> list[tuple[str, str]]:
    """The waivers that do not count, by file and line, with their state."""
    return sorted(
        (f"{Path(w['origin']['uri']).name}:{w['origin']['line']}", w["state"]) for w in found.report["stale_waivers"]
    )


def waived(found: Scan) -> list[str]:
    return sorted(one["resource"]["name"] for one in found.report["findings"] if active(one))


def active(finding: dict[str, Any]) -> bool:
    return bool(finding["waiver"]) and finding["waiver"]["state"] == "active"


@pytest.mark.parametrize(
    "where",
    [
        {"above": LINE},
        {"above": f"// {WORDS}"},
        {"above": f"/* {WORDS} */"},
        {"above": f"{LINE}\n# the reviewer agreed"},
        {"beside": LINE},
        {"beside": f"// {WORDS}"},
        {"inside": f"  {LINE}\n  purge_protection_enabled = false"},
        {"inside": f"  purge_protection_enabled = false {LINE}"},
        {"inside": f'  network_acls {{\n    {LINE}\n    default_action = "Deny"\n    bypass = "None"\n  }}'},
        {"inside": f"  lifecycle {{ {LINE}\n  }}"},
    ],
)
def test_a_comment_covers_the_resource_it_stands_by(tmp_path: Path, where: dict[str, str]) -> None:
    found = look(tmp_path, {"main.tf": VERSIONS + vault("a", **where) + vault("b")})
    assert (waived(found), told(found), found.code) == (["kv-a"], [], 1)
    assert {one["outcome"] for one in found.report["findings"]} == {"fail"}


def test_a_waived_folder_is_clean_unless_inline_waivers_are_switched_off(tmp_path: Path) -> None:
    text = VERSIONS + vault("a", above=LINE)
    assert look(tmp_path, {"main.tf": text}).code == 0
    found = look(tmp_path, {}, "--no-inline-waivers")
    assert (waived(found), told(found), found.code) == ([], [("main.tf:7", "switched-off")], 1)


def test_what_stands_in_a_text_is_no_directive(tmp_path: Path) -> None:
    texts = f'locals {{\n  a = "{LINE}"\n  b = <<EOT\n{LINE}\nEOT\n}}\n'
    found = look(tmp_path, {"main.tf": VERSIONS + texts + vault("a")})
    assert (waived(found), told(found)) == ([], [])


def test_a_comment_on_a_module_call_covers_what_the_call_makes(tmp_path: Path) -> None:
    def call(name: str, words: str) -> str:
        return f'module "{name}" {{ {words}\n  source = "./v"\n  n = "{name}"\n}}\n'

    inner = 'variable "n" {}\n' + vault("v").replace('"kv-v"', "var.n")
    outer = VERSIONS + call("a", LINE) + call("b", "")
    found = look(tmp_path, {"main.tf": outer, "v/main.tf": inner})
    assert (waived(found), told(found), found.code) == (["a"], [], 1)
    deeper = {"main.tf": outer.replace(LINE, ""), "v/main.tf": inner.replace("\nresource", f"{LINE}\nresource")}
    inside = look(tmp_path, deeper)
    assert (waived(inside), told(inside), inside.code) == (["a", "b"], [], 0)
    every = look(tmp_path, {"main.tf": outer.replace(PURGE, "*"), "v/main.tf": inner})
    assert (waived(every), told(every)) == ([], [("main.tf:6", "too-broad")])


def test_all_instances_of_a_resource_are_covered(tmp_path: Path) -> None:
    many = vault("v", above=LINE, inside='  for_each = toset(["x", "y"])').replace('"kv-v"', '"kv-${each.key}"')
    found = look(tmp_path, {"main.tf": VERSIONS + many})
    assert (waived(found), told(found), found.code) == (["kv-x", "kv-y"], [], 0)


def test_a_comment_in_an_override_file_holds_for_what_it_overrides(tmp_path: Path) -> None:
    over = f'resource "azurerm_key_vault" "a" {{\n  soft_delete_retention_days = 90 {LINE}\n}}\n'
    found = look(tmp_path, {"main.tf": VERSIONS + vault("a"), "a_override.tf": over})
    assert (waived(found), told(found)) == (["kv-a"], [])


def test_every_directive_that_does_not_count_is_told_with_its_place(tmp_path: Path) -> None:
    text = (
        f"{LINE}\n\nlocals {{}}\n"  # 1: the whole file
        f'{LINE}\nprovider "azurerm" {{\n  features {{}}\n}}\n'  # 4: no resource
        f"# auditor:waive {PURGE}{vault('a').replace(chr(10), '', 1)}"  # 8: no date
        f"# auditor:waive {PURGE} until=2020-01-01 reason=old{vault('b').replace(chr(10), '', 1)}"  # 17: over
        f"# auditor:waive keyvault-purge until=2999-01-01 reason=x{vault('c').replace(chr(10), '', 1)}"  # 26: no such rule
        f'{LINE}\nresource "random_id" "r" {{}}\n'  # 35: nothing to waive
    )
    values = f"x = 1\n{LINE}\ny = 1\n"
    module = f'\nlocals {{}}\n{LINE}\noutput "x" {{}}\n'
    found = look(tmp_path, {"main.tf": text, "terraform.tfvars": values, "m/other.tf": module}, rule="")
    assert waived(found) == []
    assert told(found) == [
        ("main.tf:1", "too-broad"),
        ("main.tf:17", "expired"),
        ("main.tf:26", "malformed"),
        ("main.tf:35", "unused"),
        ("main.tf:4", "malformed"),
        ("main.tf:8", "malformed"),
        ("other.tf:3", "malformed"),
        ("terraform.tfvars:2", "malformed"),
    ]


def test_a_plan_takes_the_waivers_of_the_folder_beside_it(tmp_path: Path) -> None:
    def change(plan: PlanJson, address: str) -> None:
        values = {"name": "kv-a", "location": "westeurope", "resource_group_name": "rg", "sku_name": "standard"}
        plan.add(address, values, unknown={"id": True}, written={name: constant(one) for name, one in values.items()})

    plan = PlanJson()
    change(plan, "azurerm_key_vault.a")
    plan.module("m")
    change(plan, "module.m.azurerm_key_vault.v")
    written = VERSIONS + vault("a", above=LINE) + f'{LINE}\nmodule "m" {{\n  source = "./m"\n}}\n'
    found = look(
        tmp_path,
        {"plan.json": plan.text(), "main.tf": written, "m/main.tf": vault("v"), "n/main.tf": vault("n")},
    )
    assert len(found.report["findings"]) == 3
    assert (waived(found), told(found), found.code) == (["kv-a", "kv-a"], [], 1)
    alone = look(tmp_path, {}, target="plan.json")
    assert (waived(alone), told(alone), alone.code) == (["kv-a", "kv-a"], [], 0)
    (tmp_path / "main.tf").rename(tmp_path / "main.txt")
    assert waived(look(tmp_path, {}, target="plan.json")) == []


def test_a_waiver_in_a_module_that_no_plan_has_is_told(tmp_path: Path) -> None:
    plan = PlanJson().add("azurerm_key_vault.a", {"name": "kv-a", "location": "westeurope"}, unknown={"id": True})
    files = {
        "main.tf": f'{vault("a")}\nmodule "m" {{\n  source = "./m"\n  count = 0\n}}\n',
        "m/main.tf": vault("v", above=LINE),
    }
    found = look(tmp_path, {"plan.json": plan.text(), **files})
    assert told(found) == [("main.tf:2", "unused")]


def test_a_part_of_a_store_is_covered_where_findings_rest_on_it(tmp_path: Path) -> None:
    rule = "storage-lifecycle-deletes"
    line = LINE.replace(PURGE, rule)
    account = """
resource "azurerm_storage_account" "a" {
  name                     = "sta"
  resource_group_name      = "rg"
  location                 = "westeurope"
  account_tier             = "Standard"
  account_replication_type = "LRS"
}
"""
    policy = """
resource "azurerm_storage_management_policy" "a" {
  storage_account_id = azurerm_storage_account.a.id
  rule {
    name    = "r"
    enabled = true
    filters {
      blob_types = ["blockBlob"]
    }
    actions {
      version { delete_after_days_since_creation = 3 }
    }
  }
}
"""
    (tmp_path / "main.tf").write_text(VERSIONS + account + line + policy)
    found = scan(tmp_path, str(tmp_path), "--rule", rule, baseline="well-architected")
    assert [(one["outcome"], active(one)) for one in found.report["findings"]] == [("fail", True)]
    (tmp_path / "main.tf").write_text(VERSIONS + account + line.replace(rule, "*") + policy)
    found = scan(tmp_path, str(tmp_path), baseline="well-architected")
    assert {one["rule"] for one in found.report["findings"] if active(one)} == {rule}


def test_a_part_merged_into_a_store_covers_the_rule_it_names_and_not_all(tmp_path: Path) -> None:
    network = """
resource "azapi_update_resource" "u" {
  type        = "Microsoft.KeyVault/vaults@2023-07-01"
  resource_id = azurerm_key_vault.a.id
  body        = { properties = { publicNetworkAccess = "Disabled" } }
}
"""
    found = look(tmp_path, {"main.tf": VERSIONS + vault("a") + LINE + network})
    assert (waived(found), told(found)) == (["kv-a"], [])
    every = look(tmp_path, {"main.tf": VERSIONS + vault("a") + LINE.replace(PURGE, "*") + network}, rule="")
    assert (waived(every), [state for _, state in told(every)]) == ([], ["unused"])


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def json_vault(name: str, **more: Any) -> dict[str, Any]:
    body = {"name": f"kv-{name}", "location": "westeurope", "resource_group_name": "rg", "sku_name": "standard"}
    return {name: {**body, "tenant_id": "00000000-0000-0000-0000-000000000001", **more}}


@pytest.mark.parametrize("comment", [WORDS, ["what it is", WORDS]])
def test_a_comment_member_covers_the_resource_it_is_in(tmp_path: Path, comment: Any) -> None:
    vaults = json_vault("a", **{"//": comment}) | json_vault("b") | json_vault("c", lifecycle={"//": comment})
    vaults["d"] = [{**json_vault("d")["d"], "//": comment}]
    found = look(tmp_path, {"main.tf.json": {"resource": {"azurerm_key_vault": vaults}}})
    assert (waived(found), told(found), found.code) == (["kv-a", "kv-c", "kv-d"], [], 1)


def test_comment_members_of_modules_and_of_nothing(tmp_path: Path) -> None:
    tree = {
        "//": WORDS,
        "module": {"m": {"//": WORDS, "source": "./m"}, "n": {"source": "./m"}},
        "resource": {"//": WORDS, "azurerm_key_vault": json_vault("a")},
    }
    found = look(tmp_path, {"main.tf.json": tree, "m/main.tf": vault("v")})
    assert waived(found) == ["kv-v"]
    assert [state for _, state in told(found)] == ["too-broad", "too-broad"]


def test_a_comment_that_json_does_not_have_counts_all_the_same(tmp_path: Path) -> None:
    text = json.dumps({"resource": {"azurerm_key_vault": json_vault("a")}}, indent=1)
    found = look(tmp_path, {"main.tf.json": text.replace('"name"', f'// {WORDS}\n"name"')})
    assert (waived(found), told(found)) == (["kv-a"], [])

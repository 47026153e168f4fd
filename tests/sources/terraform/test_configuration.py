"""Folders of `.tf` files: what they declare, and that what they leave open is unknown."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from auditor.model import Unknown
from auditor.sources.files.jail import Jail
from auditor.sources.terraform.configuration import Configuration, Options, verified_module
from auditor.sources.terraform.instances import Instance, Partly, Reference
from auditor.sources.terraform.modules import roots_of
from tests.sources.terraform.folders import account, read, written


def only(tmp_path: Path, body: str, before: str = "", **options: Any) -> Any:
    """The value of `x` in an account with this body."""
    return read(tmp_path, before + account(body), **options).values().get("x")


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "expression", "expected"),
    [
        ("", "1", 1),
        ("", "null", None),
        ('variable "v" { default = "d" }', "var.v", "d"),
        ('variable "v" {\n type = number\n default = "7"\n}', "var.v", 7),
        ('variable "v" {\n type = object({ a = optional(string, "o") })\n default = {}\n}', "var.v.a", "o"),
        ('variable "v" {\n default = "d"\n nullable = false\n}', "var.v", "d"),
        ("locals {\n a = local.b + 1\n b = 2\n}", "local.a", 3),
        ("locals { a = 1 }\nlocals { b = 2 }", "[local.a, local.b]", [1, 2]),
        ("", "path.module", "."),
        ("", "path.root", "."),
        ('resource "azurerm_resource_group" "g" { name = "rg" }', "azurerm_resource_group.g.name", "rg"),
        ('data "azurerm_resource_group" "g" { name = "rg" }', "data.azurerm_resource_group.g.name", "rg"),
        (account("name = each.key\n for_each = toset([\"k\"])", "b"), 'azurerm_storage_account.b["k"].name', "k"),
        (account("name = \"n${count.index}\"\n count = 2", "b"), "azurerm_storage_account.b[1].name", "n1"),
        (account("name = \"n${count.index}\"\n count = 2", "b"), "azurerm_storage_account.b[*].name", ["n0", "n1"]),
        (account("name = each.value\n for_each = { k = \"v\" }", "b"), "[for k, b in azurerm_storage_account.b : b.name]", ["v"]),
        (account("blob_properties {\n versioning_enabled = true\n}", "b"), "azurerm_storage_account.b.blob_properties[0].versioning_enabled", True),
    ],
)  # fmt: skip
def test_names_give_values(tmp_path: Path, before: str, expression: str, expected: Any) -> None:
    assert only(tmp_path, f"x = {expression}", before + "\n") == expected


@pytest.mark.parametrize(
    ("before", "expression", "reason"),
    [
        ('variable "v" {}', "var.v", "variable v has no value; give it with --parameter v=… or a .tfvars file"),
        ('variable "v" {}', "var.v ? true : false", "`var.v` is not decided: variable v has no value"),
        ('variable "v" {}', '"a-${var.v}"', "variable v has no value"),
        ('variable "v" {}', "coalesce(var.v, true)", "variable v has no value"),
        ('variable "v" {}', "try(var.v.a, true)", "variable v has no value"),
        ('variable "v" {\n default = true\n sensitive = true\n}', "var.v", "variable v is sensitive"),
        ('variable "v" {\n default = true\n sensitive = true\n}', "var.v ? 1 : 1 == 1", "is not decided: variable v is sensitive"),
        ('variable "v" {\n type = number\n default = "x"\n}', "var.v", "Terraform would refuse the value of variable v"),
        ("", "var.nothing", "Terraform would refuse `var.nothing`: variable nothing is not declared"),
        ("", "local.nothing", "local value nothing is not declared"),
        ("", "azurerm_key_vault.nothing.id", "resource azurerm_key_vault.nothing is not declared"),
        ("", "each.key", "there is no `each` here"),
        ("", "terraform.workspace", "the workspace is not known"),
        ("", "path.cwd", "the folder that Terraform runs in is not known"),
        ("", "self.name", "there is no `self` here"),
        ("locals {\n a = local.b\n b = local.a\n}", "local.a", "it refers to itself"),
        ("", "azurerm_storage_account.a.x", "it refers to itself"),
        ('data "azurerm_storage_account" "d" { name = "n" }', "data.azurerm_storage_account.d.account_tier", "data.azurerm_storage_account.d.account_tier is read when Terraform runs"),
        ('data "azurerm_client_config" "c" {}', "data.azurerm_client_config.c.tenant_id == null", "data.azurerm_client_config.c.tenant_id is read"),
        ('module "m" { source = "Azure/naming/azurerm" }', "module.m.name", "module.m.name is not known, because the module was not read"),
        ("", "timestamp()", "timestamp() is not evaluated; it gives another value each time"),
        ("", 'file("../secret")', "was not read: it lies outside of"),
        ("", 'file("nothing.txt")', "was not read: there is no such file"),
        ("", 'fileexists("nothing.txt")', "was not read: there is no such file"),
        ("", 'file("/etc/passwd")', "absolute paths are not followed"),
    ],
)  # fmt: skip
def test_what_is_left_open_is_unknown(tmp_path: Path, before: str, expression: str, reason: str) -> None:
    found = only(tmp_path, f"x = {expression}", before + "\n")
    assert isinstance(found, Unknown)
    assert reason in found.reason


def test_a_validation_tells_what_a_variable_can_be(tmp_path: Path) -> None:
    variable = 'variable "v" {\n validation {\n  condition = contains(["LRS", "GRS"], var.v)\n }\n}\n'
    assert only(tmp_path, "x = var.v", variable).possible == ("LRS", "GRS")


def test_computed_attributes_are_references(tmp_path: Path) -> None:
    files = account("name = random_string.r.result", "b") + account(
        "x = azurerm_storage_account.b.id\n y = azurerm_storage_account.b.name"
    )
    values = read(tmp_path, files).values()
    assert values["x"] == Reference(
        "azurerm_storage_account.b.id is known after apply", address="azurerm_storage_account.b", attribute="id"
    )
    # What stands below an id is known to; what is made of anything else is not.
    files = account("", "b") + account(
        """
        p = "${azurerm_storage_account.b.id}/blobServices/default"
        q = "${azurerm_storage_account.b.id}/blobServices/${lower("DEFAULT")}/containers/${random_string.r.result}"
        r = "${azurerm_storage_account.b.id}-x"
        s = "${azurerm_storage_account.b.name}/x"
        t = "/x${azurerm_storage_account.b.id}"
        u = "${local.blobs}/containers/c"
        """
    )
    below = read(
        tmp_path, files + 'locals {\n  blobs = "${azurerm_storage_account.b.id}/blobServices/default"\n}\n'
    ).values()
    assert below["p"] == dataclasses.replace(values["x"], below="/blobServices/default")
    assert below["u"].below == "/blobServices/default/containers/c"
    assert [type(below[name]) for name in "qrst"] == [Unknown] * 4
    # The name is not known; whose name it is, is.
    assert (values["y"].address, values["y"].attribute) == ("azurerm_storage_account.b", "name")


@pytest.mark.parametrize(
    ("expression", "address", "keyed"),
    [
        ('azurerm_storage_account.b["eu"].id', 'azurerm_storage_account.b["eu"]', False),
        ("azurerm_storage_account.b[each.key].id", 'azurerm_storage_account.b["x"]', False),
    ],
)
def test_references_name_the_instance(tmp_path: Path, expression: str, address: str, keyed: bool) -> None:
    before = account('for_each = toset(["eu", "x"])', "b")
    found = read(tmp_path, before + account(f'for_each = toset(["x"])\n x = {expression}'))
    value = found.values('azurerm_storage_account.a["x"]')["x"]
    assert (value.address, value.keyed) == (address, keyed)


def test_references_under_the_same_undecided_keys_are_keyed(tmp_path: Path) -> None:
    text = 'variable "v" {}\n' + account("for_each = var.v", "b")
    text += account("for_each = var.v\n x = azurerm_storage_account.b[each.key].id")
    found = read(tmp_path, text)
    value = found.values()["x"]
    assert (value.address, value.attribute, value.keyed) == ("azurerm_storage_account.b", "id", True)
    assert found.instances["azurerm_storage_account.a"].condition == "for_each = var.v"


# ── where values come from ───────────────────────────────────────────────────────────────────────────────────────────

VARIABLE = 'variable "v" { default = "default" }\n'


def test_values_are_taken_in_the_order_of_terraform(tmp_path: Path) -> None:
    files = {"main.tf": VARIABLE + account("x = var.v")}
    expected = [(files, {}, "default")]
    environment = {"environment": {"TF_VAR_v": "environment", "TF_VAR_other": "1"}}
    expected.append((files, environment, "environment"))
    files = files | {"terraform.tfvars": 'v = "tfvars"'}
    expected.append((files, environment, "tfvars"))
    files = files | {"terraform.tfvars.json": '{"v": "json"}'}
    expected.append((files, environment, "json"))
    files = files | {"a.auto.tfvars": 'v = "a"', "b.auto.tfvars.json": '{"v": "b"}'}
    expected.append((files, environment, "b"))
    files = files | {"prod.tfvars": 'v = "file"'}
    expected.append((files, environment, "b"))
    given = environment | {"files": (tmp_path / "prod.tfvars",)}
    expected.append((files, given, "file"))
    expected.append((files, given | {"single": {"v": "single"}}, "single"))
    for step, (inside, options, value) in enumerate(expected):
        assert read(tmp_path, inside, **options).values()["x"] == value, step


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [("string", "7", "7"), ("number", "7", 7), ("bool", "true", True), ("list(string)", '["a"]', ["a"]), ("any", "{ a = 1 }", {"a": 1}), (None, "[1]", "[1]")],
)  # fmt: skip
def test_single_values_are_texts_or_expressions(tmp_path: Path, kind: str | None, text: str, expected: Any) -> None:
    variable = f'variable "v" {{\n type = {kind}\n}}\n' if kind else 'variable "v" {}\n'
    assert only(tmp_path, "x = var.v", variable, single={"v": text}) == expected


def test_a_single_value_that_is_none_is_unknown(tmp_path: Path) -> None:
    found = only(tmp_path, "x = var.v", 'variable "v" {\n type = list(string)\n}\n', single={"v": "[1"})
    assert isinstance(found, Unknown)
    assert "--parameter gives v a value that is none" in found.reason


def test_a_broken_file_of_values_may_give_any(tmp_path: Path) -> None:
    files = {
        "main.tf": VARIABLE + 'variable "w" { default = 1 }\n' + account("x = var.v\n y = var.w"),
        "terraform.tfvars": 'w = 2\nv "broken\n',
    }
    found = read(tmp_path, files)
    assert isinstance(found.values()["x"], Unknown)
    assert "terraform.tfvars:2 could not be read, and may give it" in found.values()["x"].reason
    assert found.values()["y"] == 2
    assert found.gaps[0].origin.line == 2


def test_the_workspace_is_the_one_that_was_selected(tmp_path: Path) -> None:
    text = account("x = terraform.workspace")
    assert read(tmp_path, text, environment={"TF_WORKSPACE": "prod"}).values()["x"] == "prod"
    assert read(tmp_path, {"main.tf": text, ".terraform/environment": "dev\n"}).values()["x"] == "dev"


def test_files_are_read_inside_the_project(tmp_path: Path) -> None:
    files = {
        "main.tf": account(
            'x = jsondecode(file("${path.module}/a.json")).a\n y = templatefile("t.tpl", { n = "N" })\n z = fileexists("a.json")'
        ),
        "a.json": '{"a": [1]}',
        "t.tpl": "%{ for i in [1, 2] }${n}${i}%{ endfor }",
    }
    values = read(tmp_path, files).values()
    assert (values["x"], values["y"], values["z"]) == ([1], "N1N2", True)


# ── count, for_each, dynamic ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("meta", "addresses"),
    [
        ("", ["a"]),
        ("count = 0", []),
        ("count = 2", ["a[0]", "a[1]"]),
        ("count = true ? 1 : 0", ["a[0]"]),
        ("for_each = {}", []),
        ("for_each = { \"k\" = 1 }", ['a["k"]']),
        ('for_each = toset(["y", "x"])', ['a["x"]', 'a["y"]']),
        ('for_each = { for n in ["q\\"q"] : n => n }', ['a["q\\"q"]']),
    ],
)  # fmt: skip
def test_decided_instances(tmp_path: Path, meta: str, addresses: list[str]) -> None:
    found = read(tmp_path, account(meta))
    assert list(found.instances) == [f"azurerm_storage_account.{one}" for one in addresses]
    assert all(one.condition is None for one in found.instances.values())


@pytest.mark.parametrize(
    ("meta", "addresses"),
    [
        ("count = var.v", ["a"]),
        ("count = var.v ? 1 : 0", ["a[0]"]),
        ("count = var.v ? 2 : 1", ["a[0]", "a[1]"]),
        ("for_each = var.v", ["a"]),
        ("for_each = toset(var.v)", ["a"]),
        ("for_each = toset([var.v])", ["a"]),
        ('for_each = var.v ? toset(["k"]) : []', ["a"]),
        ("for_each = var.v ? { k = 1 } : {}", ['a["k"]']),
        ('for_each = ["k"]', ["a"]),
        ("count = -1", ["a"]),
        ("count = local", ["a"]),
        ("for_each = tags", ["a"]),
        ("for_each = timestamp()", ["a"]),
    ],
)
def test_undecided_instances_say_so(tmp_path: Path, meta: str, addresses: list[str]) -> None:
    found = read(
        tmp_path, 'variable "v" {}\n' + account(f"{meta}\n x = try(each.key, count.index)\n y = try(each.value, 0)")
    )
    assert list(found.instances) == [f"azurerm_storage_account.{one}" for one in addresses]
    last = list(found.instances.values())[-1]
    assert last.condition == meta
    if addresses == ["a"]:
        assert isinstance(last.values["x"], Unknown)
    if addresses == ["a[0]", "a[1]"]:
        assert found.instances["azurerm_storage_account.a[0]"].condition is None


def test_what_may_not_be_there_gives_no_values(tmp_path: Path) -> None:
    text = 'variable "v" {}\n' + account('count = var.v ? 1 : 0\n name = "n"', "b")
    found = read(tmp_path, text + account('x = try(azurerm_storage_account.b[0].name, "fallback")'))
    assert isinstance(found.values()["x"], Reference)
    found = read(tmp_path, text + account("x = length(azurerm_storage_account.b)"))
    assert isinstance(found.values()["x"], Unknown)


def test_too_many_instances_are_not_counted(tmp_path: Path) -> None:
    found = read(tmp_path, account("count = 1000000000"))
    assert found.instances["azurerm_storage_account.a"].condition == "count = 1000000000"


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("b {\n y = 1\n}\nb {\n y = 2\n}", [{"y": 1}, {"y": 2}]),
        ('dynamic "b" {\n for_each = [1, 2]\n content {\n y = b.value\n }\n}', [{"y": 1}, {"y": 2}]),
        ('dynamic "b" {\n for_each = { k = 7 }\n iterator = it\n content {\n y = it.key\n z = it.value\n }\n}', [{"y": "k", "z": 7}]),
        ('dynamic "b" {\n for_each = []\n content {}\n}', []),
        ('b {\n y = 0\n}\ndynamic "b" {\n for_each = toset(["s"])\n content {\n y = b.key\n }\n}', [{"y": 0}, {"y": "s"}]),
        ('dynamic "b" {\n for_each = [[1, 2]]\n content {\n dynamic "c" {\n for_each = b.value\n content {\n y = c.value\n }\n }\n }\n}', [{"c": [{"y": 1}, {"y": 2}]}]),
    ],
)  # fmt: skip
def test_blocks(tmp_path: Path, block: str, expected: Any) -> None:
    assert read(tmp_path, account(block)).values()["b"] == expected


@pytest.mark.parametrize(
    ("expression", "possible"),
    [("var.v", ()), ("var.v ? [1] : []", ([{"y": 1}], [])), ("1", ()), ("var.v == null ? [] : [var.v]", None)],
)
def test_an_undecided_dynamic_block_is_neither_there_nor_absent(tmp_path: Path, expression: str, possible: Any) -> None:
    block = f'dynamic "b" {{\n for_each = {expression}\n content {{\n y = b.value\n }}\n}}'
    found = read(tmp_path, 'variable "v" {}\n' + account(block)).values()["b"]
    assert isinstance(found, Unknown)
    if possible is None:
        assert [len(one) for one in found.possible] == [0, 1]
        assert isinstance(found.possible[1][0]["y"], Unknown)
    else:
        assert found.possible == possible


# ── modules ──────────────────────────────────────────────────────────────────────────────────────────────────────────

CHILD = account("name = var.name\n x = var.x") + 'variable "name" {}\nvariable "x" { default = "d" }\noutput "id" { value = azurerm_storage_account.a.id }\noutput "name" { value = azurerm_storage_account.a.name }\n'  # fmt: skip


def test_modules_are_followed(tmp_path: Path) -> None:
    files = {
        "main.tf": 'module "m" {\n  source = "./child"\n  for_each = { eu = "n" }\n  name = each.value\n}\n'
        + account('x = module.m["eu"].name\n y = module.m["eu"].id\n z = [for k, m in module.m : m.name]'),
        "child/main.tf": CHILD,
    }
    found = read(tmp_path, files)
    inside = found.instances['module.m["eu"].azurerm_storage_account.a']
    assert (inside.values["name"], inside.values["x"]) == ("n", "d")
    assert inside.origin.via[0].line == 1
    assert inside.origins["name"].via == inside.origin.via
    values = found.values()
    assert (values["x"], values["z"]) == ("n", ["n"])
    assert values["y"].address == 'module.m["eu"].azurerm_storage_account.a'


def test_a_module_under_an_undecided_count(tmp_path: Path) -> None:
    files = {
        "main.tf": 'variable "v" {}\nmodule "m" {\n  source = "./child"\n  count = var.v ? 1 : 0\n  name = "n"\n}\n'
        + account('x = try(module.m[0].name, "none")'),
        "child/main.tf": CHILD,
    }
    found = read(tmp_path, files)
    assert found.instances["module.m[0].azurerm_storage_account.a"].condition == "count = var.v ? 1 : 0"
    assert isinstance(found.values()["x"], Unknown)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("../outside", "it lies outside of"),
        ("/etc", "it is not at hand"),
        ("./nothing", "there is no such file"),
        ("./main.tf", "it is no folder"),
        ("Azure/naming/azurerm", "it is not at hand; `terraform init` would download it"),
        ("git::https://example.com/x.git?ref=v1", "it is not at hand"),
        ("./link", "it lies outside of"),
    ],
)
def test_modules_that_are_not_at_hand_are_gaps(tmp_path: Path, source: str, reason: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "main.tf").write_text(account(""))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "outside")
    found = read(tmp_path / "in", f'module "m" {{\n  source = "{source}"\n}}\n')
    assert not found.instances
    (gap,) = found.gaps
    assert gap.subject.startswith("module.m (")
    assert reason in gap.reason
    assert gap.origin.line == 1


def test_a_module_without_a_plain_source_is_a_gap(tmp_path: Path) -> None:
    assert "its source is not written" in read(tmp_path, 'module "m" { source = var.s }').gaps[0].reason


def test_modules_that_call_themselves_end(tmp_path: Path) -> None:
    found = read(tmp_path, 'module "m" { source = "./" }\n' + account("name = 1"))
    assert any("more than 16 deep" in gap.reason for gap in found.gaps)
    assert len(found.instances) == 17


def test_many_instances_of_modules_end(tmp_path: Path) -> None:
    files = {
        "main.tf": 'module "m" {\n source = "./child"\n count = 100\n}\n',
        "child/main.tf": 'module "m" {\n source = "./child"\n count = 100\n}\n',
        "child/child/main.tf": account("name = 1"),
    }
    found = read(tmp_path, files)
    assert 0 < len(found.instances) < 2_000
    assert any("more than 2,000 instances of modules" in gap.reason for gap in found.gaps)


def test_downloaded_modules_are_followed(tmp_path: Path) -> None:
    source = "Azure/thing/azurerm"
    entries = [
        {"Key": "m", "Source": f"registry.terraform.io/{source}", "Version": "1.0.0", "Dir": ".terraform/modules/m"}
    ]
    files = {
        "main.tf": f'module "m" {{\n  source = "{source}"\n  name = "n"\n}}\n',
        ".terraform/modules/m/main.tf": CHILD + 'module "inner" {\n  source = "./inner"\n}\n',
        ".terraform/modules/m/inner/main.tf": account("name = 1", "i"),
        ".terraform/modules/modules.json": json.dumps({"Modules": entries}),
    }
    found = read(tmp_path, files)
    assert list(found.instances) == [
        "module.m.azurerm_storage_account.a",
        "module.m.module.inner.azurerm_storage_account.i",
    ]
    assert not found.gaps
    for wrong in ({"Source": "registry.terraform.io/Other/thing/azurerm"}, {"Dir": "../elsewhere"}, {"Dir": 7}):
        files[".terraform/modules/modules.json"] = json.dumps({"Modules": [entries[0] | wrong]})
        assert read(tmp_path, files).gaps
    files[".terraform/modules/modules.json"] = "{"
    assert read(tmp_path, files).gaps


def test_a_well_known_module_is_a_store_of_which_nothing_is_known(tmp_path: Path) -> None:
    path = verified_module("avm/res/storage/storage-account")
    assert path == "azure/avm-res-storage-storageaccount/azurerm"
    text = 'module "s" {\n  source = "Azure/avm-res-storage-storageaccount/azurerm"\n  version = "0.6.0"\n  name = "st"\n  account_tier = "Standard"\n}\n'
    found = read(tmp_path, text, modules={path: "azurerm_storage_account"})
    store = found.instances["module.s"]
    assert (store.type, store.values.get("name")) == ("azurerm_storage_account", "st")
    assert isinstance(store.values, Partly)
    assert isinstance(store.values.get("account_tier"), Unknown)
    assert isinstance(store.values.get("blob_properties"), Unknown)
    assert isinstance(store.prevent_destroy, Unknown)
    assert len(found.gaps) == 1


def test_modules_are_judged_where_they_are_called(tmp_path: Path) -> None:
    top = written(
        tmp_path,
        {
            "root/main.tf": 'module "m" { source = "../m" }',
            "m/main.tf": 'module "n" { source = "../n" }',
            "n/main.tf": "",
            "alone/main.tf": "",
            "p/main.tf": 'module "q" { source = "../q" }',
            "q/main.tf": 'module "p" { source = "../p" }',
            "self/main.tf": 'module "s" { source = "./" }',
        },
    )
    folders = [path for path in sorted(top.iterdir()) if path.is_dir()]
    assert {path.name for path in roots_of(folders, Jail([top]))} == {"root", "alone", "p", "self"}


# ── providers and lifecycle ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("files", "major"),
    [
        ({}, None),
        ({"versions.tf": 'terraform {\n required_providers {\n azurerm = { source = "hashicorp/azurerm", version = "~> 4.1" }\n }\n}'}, 4),
        ({"versions.tf": 'terraform {\n required_providers {\n azurerm = "~> 3.0"\n }\n}'}, 3),
        ({"versions.tf": 'provider "azurerm" {\n version = "~> 3.0"\n features {}\n}'}, 3),
        ({"versions.tf": 'terraform {\n required_providers {\n azurerm = { version = ">= 3.0" }\n }\n}'}, None),
        ({"versions.tf": 'terraform {\n required_providers {\n azurerm = { version = ">= 3.0" }\n }\n}',
          ".terraform.lock.hcl": 'provider "registry.terraform.io/hashicorp/azurerm" {\n  version = "4.81.0"\n}\n'}, 4),
        ({"versions.tf": 'terraform {\n required_providers {\n azurerm = { version = ">= 3.0" }\n }\n}\nmodule "m" { source = "./m" }',
          "m/main.tf": 'terraform {\n required_providers {\n azurerm = { version = "< 4" }\n }\n}'}, 3),
    ],
)  # fmt: skip
def test_the_major_version_of_the_provider(tmp_path: Path, files: dict[str, str], major: int | None) -> None:
    provider = read(tmp_path, {"main.tf": account("name = 1"), **files}).instances["azurerm_storage_account.a"].provider
    assert (provider.name, provider.major) == ("azurerm", major)


PROVIDERS = """
provider "azurerm" {
  client_secret = "hidden"
  features {
    key_vault {
      purge_soft_delete_on_destroy = false
    }
  }
}
provider "azurerm" {
  alias = "west"
  features {}
}
"""


def test_the_features_of_the_provider_that_is_meant(tmp_path: Path) -> None:
    files = {
        "main.tf": PROVIDERS
        + account("name = 1")
        + account("provider = azurerm.west", "w")
        + account("provider = azurerm.nowhere", "n")
        + 'module "m" {\n source = "./m"\n}\nmodule "p" {\n source = "./m"\n providers = {\n azurerm = azurerm.west\n }\n}\n',
        "m/main.tf": account("name = 1"),
    }
    found = read(tmp_path, files).instances
    purge = {"key_vault": [{"purge_soft_delete_on_destroy": False}]}
    assert found["azurerm_storage_account.a"].provider.features == purge
    assert found["azurerm_storage_account.w"].provider.features == {}
    assert isinstance(found["azurerm_storage_account.n"].provider.features, Unknown)
    assert found["module.m.azurerm_storage_account.a"].provider.features == purge
    assert found["module.p.azurerm_storage_account.a"].provider.features == {}


def test_without_a_provider_block_nothing_is_known_of_its_features(tmp_path: Path) -> None:
    assert isinstance(
        read(tmp_path, account("name = 1")).instances["azurerm_storage_account.a"].provider.features, Unknown
    )


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        ("", False),
        ("lifecycle {}", False),
        ("lifecycle {\n prevent_destroy = true\n}", True),
        ("lifecycle {\n prevent_destroy = false\n}", False),
        ("lifecycle {\n prevent_destroy = var.v\n}", Unknown),
        ("lifecycle {\n prevent_destroy = }\n}", Unknown),
        ("lifecycle {\n what is this\n}", Unknown),
        ("what is this", Unknown),
    ],
)
def test_prevent_destroy(tmp_path: Path, lifecycle: str, expected: Any) -> None:
    found = read(tmp_path, account(lifecycle)).instances["azurerm_storage_account.a"].prevent_destroy
    assert found is expected if isinstance(expected, bool) else isinstance(found, expected)


def test_what_is_ignored_keeps_its_value_and_says_so(tmp_path: Path) -> None:
    body = 'tier = "Hot"\n kind = "V2"\n b {\n y = 1\n }\n lifecycle {\n ignore_changes = [tier, b[0].y]\n }'
    one = read(tmp_path, account(body)).instances["azurerm_storage_account.a"]
    assert one.values["tier"] == "Hot"
    assert one.origins["tier"].expression == '"Hot" (ignore_changes: what is deployed may differ)'
    assert one.origins["kind"].expression is None
    assert "ignore_changes" in (one.origins["b[0].y"].expression or "")
    one = read(tmp_path, account("x = 1\n lifecycle {\n ignore_changes = all\n }")).instances[
        "azurerm_storage_account.a"
    ]
    assert "ignore_changes" in (one.origins["x"].expression or "")


def test_only_attributes_are_values(tmp_path: Path) -> None:
    body = 'count = 1\n provider = azurerm\n depends_on = []\n x = 1\n lifecycle {}\n timeouts {}\n provisioner "local-exec" {}\n connection {}'
    assert read(tmp_path, account(body)).values("azurerm_storage_account.a[0]") == {"x": 1}


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_value_knows_where_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        'resource "azapi_resource" "a" {\n  type = "Microsoft.KeyVault/vaults@2023-07-01"\n  body = jsonencode({\n'
        '    properties = {\n      sku = { name = "standard" }\n      list = [1, var.v]\n    }\n  })\n'
        '  b {\n    y = 1\n  }\n  dynamic "b" {\n    for_each = [2]\n    content {\n      y = b.value\n    }\n  }\n}\n'
    )
    one = read(tmp_path, text).instances["azapi_resource.a"]
    lines = {path: (origin.uri, origin.line, origin.column) for path, origin in one.origins.items()}
    assert lines == {
        "type": ("main.tf", 2, 3),
        "body": ("main.tf", 3, 3),
        "body.properties": ("main.tf", 4, 5),
        "body.properties.sku": ("main.tf", 5, 7),
        "body.properties.sku.name": ("main.tf", 5, 15),
        "body.properties.list": ("main.tf", 6, 7),
        "body.properties.list[0]": ("main.tf", 6, 15),
        "body.properties.list[1]": ("main.tf", 6, 18),
        "b[0]": ("main.tf", 9, 3),
        "b[0].y": ("main.tf", 10, 5),
        "b[1]": ("main.tf", 12, 3),
        "b[1].y": ("main.tf", 15, 7),
    }
    assert one.origins["body.properties.list[1]"].expression == "var.v"
    assert one.origins["type"].expression is None
    assert one.origin.line == 1
    assert not one.complete


def test_azapi_bodies_are_objects_or_json(tmp_path: Path) -> None:
    for body in ('{ properties = { accessTier = "Hot" } }', 'jsonencode({ properties = { accessTier = "Hot" } })'):
        found = read(tmp_path, f'resource "azapi_resource" "a" {{\n body = {body}\n}}').instances["azapi_resource.a"]
        value = found.values["body"]
        assert (json.loads(value) if isinstance(value, str) else value) == {"properties": {"accessTier": "Hot"}}


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_override_files_are_merged(tmp_path: Path) -> None:
    files = {
        "main.tf": 'variable "v" { default = 1 }\nlocals {\n l = 1\n m = 1\n}\n'
        + account('a = 1\n b = 1\n c {\n y = 1\n }\n c {\n y = 2\n }\n d {\n y = 1\n }\n lifecycle {\n prevent_destroy = true\n }\n v = var.v\n l = local.l\n m = local.m'),
        "a_override.tf": 'variable "v" { default = 2 }\nlocals { m = 2 }\n' + account('b = 2\n dynamic "c" {\n for_each = [3]\n content {\n y = c.value\n }\n }\n lifecycle {\n ignore_changes = [a]\n }'),
        "override.tf": account("e = 3"),
    }  # fmt: skip
    found = read(tmp_path, files)
    assert not found.gaps
    one = found.instances["azurerm_storage_account.a"]
    assert one.values == {"a": 1, "b": 2, "e": 3, "c": [{"y": 3}], "d": [{"y": 1}], "v": 2, "l": 1, "m": 2}
    assert one.prevent_destroy is True


def test_a_file_for_opentofu_stands_for_the_other(tmp_path: Path) -> None:
    files = {"main.tf": account("x = 1"), "main.tofu": account("x = 2"), ".hidden.tf": account("x = 3", "h")}
    found = read(tmp_path, files)
    assert list(found.instances) == ["azurerm_storage_account.a"]
    assert found.values()["x"] == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name = 1\n what is this", (3, 14)),
        ('name = 1\n x = "unclosed', (3, 15)),
    ],
)
def test_a_broken_file_is_a_gap_with_a_place(tmp_path: Path, text: str, place: tuple[int, int]) -> None:
    found = read(tmp_path, account(text) + account("x = 1", "b"))
    (gap,) = found.gaps
    assert (gap.origin.line, gap.origin.column) == place
    assert "what it declares there is not known" in gap.reason
    assert found.values("azurerm_storage_account.b")["x"] == 1


def test_what_is_missing_from_a_broken_block_is_unknown(tmp_path: Path) -> None:
    found = read(tmp_path, account("name = 1\n what is this\n b {\n y = 1\n nor this\n }"))
    values = found.values()
    assert values["name"] == 1
    assert isinstance(values, Partly)
    assert isinstance(values.get("account_tier"), Unknown)
    assert isinstance(values["b"][0].get("z"), Unknown)
    value = read(tmp_path, account("x = [1 2]\n y = 1")).values()
    assert isinstance(value["x"], Unknown)
    assert not isinstance(value, Partly)


def test_what_a_broken_file_may_declare_is_unknown(tmp_path: Path) -> None:
    files = {"main.tf": account("x = try(var.v, 1)\n y = try(local.l, 1)"), "variables.tf": 'variable "w" {}\n}}}\n'}
    values = read(tmp_path, files).values()
    assert isinstance(values["x"], Unknown)
    assert isinstance(values["y"], Unknown)
    assert "variables.tf:2 could not be read" in values["x"].reason


def test_files_that_cannot_be_read_are_gaps(tmp_path: Path) -> None:
    outside = tmp_path / "outside.tf"
    outside.write_text(account("x = 1", "o"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "link.tf").symlink_to(outside)
    (home / "folder.tf").mkdir()
    found = read(home, {"main.tf": account("x = try(var.v, 1)")})
    assert list(found.instances) == ["azurerm_storage_account.a"]
    assert sorted(gap.subject.rpartition("/")[2] for gap in found.gaps) == ["folder.tf", "link.tf"]
    assert isinstance(found.values()["x"], Unknown)


def test_a_resource_that_is_declared_twice_is_a_gap(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.tf": account("x = 1"), "b.tf": account("x = 2")})
    assert found.gaps[0].reason.startswith("this resource is declared more than once")


def test_labels_that_do_not_fit_are_gaps(tmp_path: Path) -> None:
    found = read(tmp_path, 'resource "azurerm_storage_account" {}\n' + account("x = try(var.v, 1)"))
    assert found.gaps[0].reason.startswith("a block of type resource with 1 labels is none")
    assert isinstance(found.values()["x"], Unknown)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

JSON = """{
  "//": "a comment",
  "terraform": {"required_providers": {"azurerm": {"source": "hashicorp/azurerm", "version": "~> 4.0"}}},
  "provider": {"azurerm": [{"features": {"key_vault": {"purge_soft_delete_on_destroy": false}}}]},
  "variable": {"v": {"type": "list(string)", "default": ["x"]}, "u": {}},
  "locals": {"l": "${upper(var.v[0])}-${1 + 1}"},
  "resource": {
    "azurerm_storage_account": {
      "a": {
        "x": "${local.l}", "y": "${var.u}", "z": "${length(var.v)}", "plain": "text", "n": null,
        "blob_properties": {"versioning_enabled": true, "delete_retention_policy": [{"days": 7}]},
        "dynamic": {"b": {"for_each": "${var.v}", "iterator": "it", "content": {"q": "${it.value}"}}},
        "lifecycle": {"prevent_destroy": true, "ignore_changes": ["x"]}
      },
      "many": {"for_each": "${toset(var.v)}", "name": "${each.key}"}
    }
  },
  "module": {"m": {"source": "./m", "providers": {"azurerm": "azurerm"}}}
}
"""


def test_json_syntax(tmp_path: Path) -> None:
    found = read(tmp_path, {"main.tf.json": JSON, "m/main.tf": account("name = 1")})
    assert not found.gaps
    one = found.instances["azurerm_storage_account.a"]
    values = one.values
    assert (values["x"], values["z"], values["plain"], values["n"]) == ("X-2", 1, "text", None)
    assert isinstance(values["y"], Unknown)
    assert values["blob_properties"] == {"versioning_enabled": True, "delete_retention_policy": [{"days": 7}]}
    assert values["b"] == [{"q": "x"}]
    assert one.origins["blob_properties.versioning_enabled"].line == 11
    assert one.origins["x"].line == 10
    assert (one.prevent_destroy, one.provider.major) == (True, 4)
    assert one.provider.features == {"key_vault": {"purge_soft_delete_on_destroy": False}}
    assert found.instances['azurerm_storage_account.many["x"]'].values["name"] == "x"
    assert found.instances["module.m.azurerm_storage_account.a"].provider == one.provider


DAYS = {"for_each": [40], "iterator": "days", "content": {"days": "${days.value}"}}
KEPT = {"versioning_enabled": True, "dynamic": {"delete_retention_policy": DAYS}}


@pytest.mark.parametrize(
    "written",
    [
        {"blob_properties": KEPT},
        {"blob_properties": [KEPT]},
        {"dynamic": {"blob_properties": {"for_each": "${[1]}", "content": KEPT}}},
        {"dynamic": {"blob_properties": [{"for_each": [1], "content": [KEPT]}]}},
        {"dynamic": [{"blob_properties": {"for_each": [1], "content": KEPT}}, {"other": DAYS}]},
    ],
)
def test_dynamic_blocks_in_json_stand_anywhere(tmp_path: Path, written: dict[str, Any]) -> None:
    found = read(tmp_path, {"main.tf.json": json.dumps({"resource": {"azurerm_storage_account": {"a": written}}})})
    assert not found.gaps
    expected = [{"versioning_enabled": True, "delete_retention_policy": [{"days": 40}]}]
    assert found.values()["blob_properties"] == expected


def test_what_is_named_dynamic_and_is_no_block(tmp_path: Path) -> None:
    written = {"dynamic": {"a": {"for_each": [1]}}, "tags": {"dynamic": {"x": {}}}, "b": {"dynamic": "x"}}
    values = read(
        tmp_path, {"main.tf.json": json.dumps({"resource": {"azurerm_storage_account": {"a": written}}})}
    ).values()
    assert values == written


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{\n "resource": {\n', 3, "it is no JSON"),
        ('{\n "resource": [1]\n}', 2, "an object is needed here"),
        ('{\n "locals": {\n "a": "${1 +}"\n}\n}', 3, "expected a value"),
        ("[", 1, "it is no JSON"),
        ('{\n "resource": {"azurerm_storage_account": {"a": 7}}\n}', 2, "an object is needed here"),
    ],
)
def test_broken_json_is_a_gap(tmp_path: Path, text: str, line: int, reason: str) -> None:
    found = read(tmp_path, {"main.tf.json": text})
    assert found.gaps[0].origin.line == line
    assert found.gaps[0].reason.startswith(reason)


# ── all of it ────────────────────────────────────────────────────────────────────────────────────────────────────────

ESTATE = Path("samples/estate/terraform")


def test_the_sample_estate_is_read_as_its_plan_has_it(home: Path) -> None:
    """What the configuration alone decides is what Terraform planned."""
    folder = (home / ESTATE).resolve()
    plan = json.loads((folder / "plan.json").read_text())
    planned = {one["address"]: one["change"]["after"] for one in plan["resource_changes"] if one["mode"] == "managed"}
    found = {
        one.address: one
        for one in Configuration(folder, Jail([folder]), Options()).instances()
        if isinstance(one, Instance)
    }
    assert found.keys() == planned.keys()
    compared = 0
    for address, one in found.items():
        for name, value in one.values.items():
            if not isinstance(value, Unknown) and "location" not in name and one.type.startswith("azurerm"):
                _agrees(value, planned[address].get(name), f"{address}.{name}")
                compared += 1
    assert compared > 150


def _agrees(value: Any, planned: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "location":
                _agrees(item, planned.get(key), f"{where}.{key}")
    elif isinstance(value, list) and (not value or isinstance(value[0], dict)):
        planned = planned or []  # a block that is not written is an empty list, or null
        assert len(value) == len(planned), where
        for item, other in zip(value, planned, strict=True):
            _agrees(item, other, where)
    elif not isinstance(value, Unknown) and value is not None:
        assert value == planned, where


def test_the_names_of_variables(tmp_path: Path) -> None:
    folder = written(tmp_path, {"main.tf": 'variable "a" {}\nvariable "b" {}'})
    assert Configuration(folder, Jail([folder]), Options()).variables == ("a", "b")


# ── the less usual ───────────────────────────────────────────────────────────────────────────────────────────────────

MANY = account("count = 2\n name = \"n${count.index}\"", "b") + account('for_each = { k = "v" }\n name = each.value', "e")  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("azurerm_storage_account.b.0.name", "n0"),
        ('azurerm_storage_account.b["1"].name', "n1"),
        ('azurerm_storage_account.e["k"]["name"]', "v"),
        ("length(azurerm_storage_account.b)", 2),
        ("keys(azurerm_storage_account.e)", ["k"]),
        ("try(azurerm_storage_account.b[5].name, 0)", 0),
        ('try(azurerm_storage_account.e["x"].name, 0)', 0),
        ("try(azurerm_storage_account.b.name, 0)", 0),
        ("azurerm_storage_account.b[0] == null", False),
        ("azurerm_storage_account.e != null", True),
        ("one(azurerm_storage_account.e[*]) == null", False),
        ("can(var.0)", False),
        ("can(local.nothing)", False),
        ("tostring(1)", "1"),
        ("core::upper(\"a\")", "A"),
    ],
)  # fmt: skip
def test_instances_are_asked_in_many_ways(tmp_path: Path, expression: str, expected: Any) -> None:
    assert only(tmp_path, f"x = {expression}", MANY) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("azurerm_storage_account.b[var.u].name", "which one of it is meant is not known: variable u has no value"),
        ("azurerm_storage_account.b[0][var.u]", "variable u has no value"),
        ("azurerm_storage_account.b[0]", "azurerm_storage_account.b[0] is known after apply"),
        ("keys(azurerm_storage_account.b[0])", "azurerm_storage_account.b[0] is known after apply"),
        ("azurerm_storage_account.b[0].identity[0].principal_id", "azurerm_storage_account.b[0].identity is known after apply"),
        ("ephemeral.random_password.p.result", "ephemeral values are known when Terraform runs"),
        ("terraform.applying", "terraform.applying is known at apply"),
        ("var.u ? azurerm_storage_account.b[0] : azurerm_storage_account.b[1]", "`var.u` is not decided"),
        ("var.s", "variable s is sensitive"),
        ("var.s.a", "variable s is sensitive"),
        ("var.broken", "could not be read"),
        ("module.m", "the module m was not read"),
        ("module.m[var.u]", "which one of it is meant is not known"),
        ("[for k, v in module.m : k]", "the module m was not read"),
        ("merge(local.lazy, {})", "azurerm_storage_account.b[0] is known after apply"),
        ("setunion([var.u], [])", "variable u has no value"),
        ("{ for k in setunion([\"a\"], var.u) : k => 1 }", "variable u has no value"),
        ("null.a", "Terraform would refuse"),
        ("1 * (2", "could not be read"),
    ],
)  # fmt: skip
def test_what_is_asked_of_what_is_not_known(tmp_path: Path, expression: str, reason: str) -> None:
    before = MANY + (
        'variable "u" {}\nvariable "s" {\n sensitive = var.x\n default = { a = 1 }\n}\nvariable "broken" {\n default 1\n}\n'
        'module "m" { source = "Azure/x/azurerm" }\nlocals { lazy = azurerm_storage_account.b[0] }\n'
    )
    found = only(tmp_path, f"x = {expression}", before)
    assert isinstance(found, Unknown)
    assert reason in found.reason


def test_outputs_of_modules(tmp_path: Path) -> None:
    outputs = 'variable "a" {}\nvariable "b" { default = 1 }\noutput "none" {}\noutput "a" { value = var.a }\noutput "b" { value = var.b }\n'
    outputs += 'output "s" {\n value = "hidden"\n sensitive = true\n}\noutput "r" {\n value = azurerm_storage_account.a.id\n sensitive = true\n}\n'
    files = {
        "main.tf": 'module "m" {\n source = "./m"\n b = 2\n}\nmodule "n" {\n source = "./m"\n what is this\n}\n'
        + account(
            'a = module.m.a\n b = module.m["b"]\n none = module.m.none\n s = module.m.s\n r = module.m.r\n whole = keys(module.m)\n'
            " x = try(module.m.nothing, 0)\n n = module.n.b\n k = module.m[var.v]"
        ),
        "m/main.tf": outputs + account("name = 1"),
    }
    found = read(tmp_path, files)
    values = found.values()
    assert (values["b"], values["x"], values["whole"]) == (2, 0, ["a", "b", "none", "r", "s"])
    assert "the call of module m gives no value for a" in values["a"].reason
    assert "output none has no value that could be read" in values["none"].reason
    assert "output s is sensitive" in values["s"].reason
    assert isinstance(values["r"], Reference)
    assert "module.n.b may not be there" in values["n"].reason
    assert isinstance(values["k"], Unknown)


def test_modules_with_the_same_undecided_keys(tmp_path: Path) -> None:
    files = {
        "main.tf": 'variable "v" {}\nmodule "m" {\n source = "./child"\n for_each = var.v\n name = each.key\n}\n'
        + account(
            "for_each = var.v\n x = module.m[each.key].id\n y = module.m[each.key].x\n z = module.n[each.key].id"
            "\n w = { for k, m in module.m : k => m.id }"
        )
        + 'module "n" {\n source = "./child"\n for_each = { a = 1 }\n name = each.key\n}\n',
        "child/main.tf": CHILD + 'output "x" { value = var.x }\n',
    }
    values = read(tmp_path, files).values()
    assert values["x"].address == "module.m.azurerm_storage_account.a"
    assert "may not be there" in values["y"].reason
    assert "is not decided" in values["z"].reason
    assert isinstance(values["w"], Unknown)


def test_data_sources_have_instances_too(tmp_path: Path) -> None:
    text = 'data "azurerm_key_vault" "d" {\n for_each = toset(["k"])\n name = each.key\n}\n'
    values = read(
        tmp_path, text + account('x = data.azurerm_key_vault.d["k"].name\n y = data.azurerm_key_vault.d["k"].id')
    ).values()
    assert values["x"] == "k"
    assert type(values["y"]) is Unknown
    assert 'data.azurerm_key_vault.d["k"].id is read' in values["y"].reason


def test_values_that_cannot_be_read_are_gaps(tmp_path: Path) -> None:
    (tmp_path / "terraform.tfvars").mkdir()
    found = read(tmp_path, VARIABLE + account("x = var.v"))
    assert "; the values it gives are not known" in found.gaps[0].reason
    assert isinstance(found.values()["x"], Unknown)


def test_files_of_values_refer_to_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, {"main.tf": VARIABLE + account("x = var.v"), "terraform.tfvars": "v = local.x"})
    assert "local is no value that can be given" in found.values()["x"].reason


def test_validations_that_tell_nothing(tmp_path: Path) -> None:
    for condition in (
        "length(var.v) > 3",
        "contains(var.list, var.v)",
        'contains(["a"], var.other)',
        "contains([timestamp()], var.v)",
    ):
        variable = f'variable "v" {{\n validation {{\n  condition = {condition}\n }}\n}}\nvariable "list" {{}}\n'
        assert only(tmp_path, "x = var.v", variable).possible == ()


def test_dynamic_blocks_that_cannot_be_read(tmp_path: Path) -> None:
    for inner in ("", "what is this", "for_each = [1", "for_each = tags"):
        found = read(tmp_path, account(f'dynamic "b" {{\n {inner}\n content {{}}\n}}')).values()["b"]
        assert isinstance(found, Unknown)
    many = 'dynamic "b" {\n for_each = range(1000)\n content {}\n}\n' * 2
    assert len(read(tmp_path, account(many)).values()["b"]) == 2_000
    twice = 'dynamic "b" {\n for_each = var.v ? [1] : []\n content {}\n}\n' * 2
    found = read(tmp_path, 'variable "v" {}\n' + account(twice)).values()["b"]
    assert isinstance(found, Unknown)
    assert not found.possible


def test_blocks_beside_an_undecided_one_are_among_what_there_can_be(tmp_path: Path) -> None:
    block = 'b {\n y = 0\n}\ndynamic "b" {\n for_each = var.v ? [1] : []\n content {\n y = b.value\n }\n}'
    found = read(tmp_path, 'variable "v" {}\n' + account(block)).values()["b"]
    assert found.possible == ([{"y": 0}, {"y": 1}], [{"y": 0}])


def test_a_provider_of_another_name(tmp_path: Path) -> None:
    files = 'terraform {\n required_providers {\n azure = { source = "hashicorp/azurerm", version = "~> 4.0" }\n }\n}\nprovider "azure" {\n features {}\n}\n'
    provider = read(tmp_path, files + account("provider = azure")).instances["azurerm_storage_account.a"].provider
    assert (provider.name, provider.major, provider.features) == ("azurerm", 4, {})


def test_resources_of_other_providers_are_no_instances(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'resource "random_string" "r" {}\nresource "aws_s3_bucket" "b" {}\n' + account("x = random_string.r.result"),
    )
    assert list(found.instances) == ["azurerm_storage_account.a"]
    assert found.values()["x"].address == "random_string.r"


def test_a_broken_resource_may_be_there_several_times(tmp_path: Path) -> None:
    found = read(
        tmp_path, account("name = each.key\n what is this", "b") + account("x = try(azurerm_storage_account.b.name, 0)")
    )
    one = found.instances["azurerm_storage_account.b"]
    assert one.condition == "a part of it that could not be read"
    assert isinstance(one.values["name"], Unknown)
    assert found.values()["x"].address == "azurerm_storage_account.b"


PIECES = (
    '"', "${", "}", "{", "[", "]", "(", ")", "var.", "local", "each.value", "count = ", "for_each = ", "...", "<<E\n", "E\n", "\n", " = ", "?", ":",
    "[*]", ".*", "!", "%{", "for x in ", "=> ", "try(", "toset(", "flatten(", 'dynamic "x" {\n', "module.", "data.", "provider = ", "1e9", "true",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_mangled_files_end_in_instances_and_gaps(tmp_path: Path, home: Path, seed: int) -> None:
    """Whatever is done to a text, it is read; a brace too many or too few never goes without a gap."""
    chance = random.Random(seed)
    sample = home / ESTATE
    files = {path.relative_to(sample).as_posix(): path.read_text() for path in sorted(sample.rglob("*.tf"))}
    for _ in range(chance.randint(1, 8)):
        name = chance.choice(sorted(files))
        text = files[name]
        at = chance.randrange(len(text))
        cut = at + chance.choice((0, 0, 1, 9))
        files[name] = text[:at] + chance.choice((*PIECES, "")) + text[cut:]
    found = read(tmp_path, files)
    for gap in found.gaps:
        assert gap.reason
        assert gap.origin.line is not None
    uneven = [name for name in ("main.tf", "sandbox.tf", "backup.tf") if _braces(files[name])]
    assert all(any(gap.subject.endswith(name) for gap in found.gaps) for name in uneven)


def _braces(text: str) -> int:
    """How many more braces are opened than closed; none where quotes and heredocs make that no sign."""
    return 0 if "<<" in text or text.count('"') % 2 else text.count("{") - text.count("}")

"""States: what `terraform show -json` writes of one, and the file a backend keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auditor.model import Gap, Origin, Unknown
from auditor.sources.terraform.document import Document
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.marks import SENSITIVE
from auditor.sources.terraform.plan import Surroundings
from auditor.sources.terraform.state import State
from tests.sources.terraform.plan_json import AZURERM, CORPUS

ACCOUNT = "azurerm_storage_account.a"


def read(tree: Any, around: Surroundings | None = None) -> list[Instance | Gap]:
    text = tree if isinstance(tree, str) else json.dumps(tree)
    return list(State(Document(text), "s.json", around or Surroundings()).instances())


def instances(tree: Any, around: Surroundings | None = None) -> dict[str, Instance]:
    found = read(tree, around)
    assert all(isinstance(one, Instance) for one in found), found
    return {one.address: one for one in found if isinstance(one, Instance)}


def shown(*resources: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {
        "format_version": "1.0",
        "terraform_version": "1.11.4",
        "values": {"root_module": {"resources": list(resources), **root}},
    }


def resource(address: str, values: Any, **more: Any) -> dict[str, Any]:
    kind = address.rpartition(".")[0].rpartition(".")[2]
    return {"address": address, "mode": "managed", "type": kind, "provider_name": AZURERM, "values": values, **more}


def kept(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 6,
        "lineage": "x",
        "resources": list(resources),
        **more,
    }


def in_file(*found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "mode": "managed",
        "type": "azurerm_storage_account",
        "name": "a",
        "provider": f'provider["{AZURERM}"]',
        "instances": list(found),
        **more,
    }


# ── as it is shown ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_modules_and_what_they_hold() -> None:
    deep = {
        "address": "module.m.module.n",
        "resources": [resource("module.m.module.n.azurerm_key_vault.k", {"name": "k"})],
    }
    module = {
        "address": "module.m",
        "resources": [resource(f"module.m.{ACCOUNT}", {"name": "m"})],
        "child_modules": [deep],
    }
    tree = shown(resource(ACCOUNT, {"name": "a"}), child_modules=[module])
    found = instances(tree)
    assert {address: one.values["name"] for address, one in found.items()} == {
        ACCOUNT: "a",
        f"module.m.{ACCOUNT}": "m",
        "module.m.module.n.azurerm_key_vault.k": "k",
    }
    one = found[ACCOUNT]
    assert (one.deployed, one.complete, one.action, one.prevent_destroy) == (True, True, "", None)
    assert one.origin == Origin("s.json", expression=ACCOUNT)
    assert isinstance(one.provider.features, Unknown)


def test_sensitive_values_do_not_survive() -> None:
    tree = shown(resource(ACCOUNT, {"name": "a", "key": "hunter2"}, sensitive_values={"key": True}))
    assert instances(tree)[ACCOUNT].values == {"name": "a", "key": SENSITIVE}
    tree = kept(
        in_file({"attributes": {"b": [{"c": "hunter2"}], "name": "a"}, "sensitive_attributes": [[step("b"), 0]]})
    )
    assert instances(tree)[ACCOUNT].values == {"name": "a", "b": SENSITIVE}


def step(name: str) -> dict[str, str]:
    return {"type": "get_attr", "value": name}


def index(value: Any) -> dict[str, Any]:
    return {"type": "index", "value": {"value": value, "type": "dynamic"}}


def test_of_a_value_in_a_state_file_no_more_is_hidden_than_is_sensitive() -> None:
    attributes = {
        "blob_properties": [{"days": 30, "policy": [{"key": "hunter2", "on": True}]}],
        "tags": {"pw": "hunter2", "env": "prod"},
        "rule": [{"a": "hunter2"}, {"b": 1}],
        "name": "a",
    }
    paths = [
        [step("blob_properties"), index(0), step("policy"), index(0), step("key")],
        [step("tags"), index("pw")],
        [step("rule"), index({"a": "hunter2"}), step("a")],  # an element of a set
        [step("absent"), step("key")],
    ]
    values = instances(kept(in_file({"attributes": attributes, "sensitive_attributes": paths})))[ACCOUNT].values
    assert values == {
        "blob_properties": [{"days": 30, "policy": [{"key": SENSITIVE, "on": True}]}],
        "tags": {"pw": SENSITIVE, "env": "prod"},
        "rule": SENSITIVE,
        "name": "a",
    }


def test_the_body_of_azapi_stands_in_a_state_file_with_its_type() -> None:
    body = {"value": {"sku": {"name": "Standard_LRS"}, "properties": {"key": "hunter2"}}, "type": ["object", {}]}
    entry = {"attributes": {"body": body}, "sensitive_attributes": [[step("body"), step("properties"), step("key")]]}
    (instance,) = instances(kept(in_file(entry, type="azapi_resource"))).values()
    assert instance.values["body"] == {"sku": {"name": "Standard_LRS"}, "properties": {"key": SENSITIVE}}


@pytest.mark.parametrize("marks", ["x", [[]], [{}], [[{"type": "index"}]], {"a": 1}])
def test_marks_that_cannot_be_read_hide_everything(marks: Any) -> None:
    tree = kept(in_file({"attributes": {"key": "hunter2"}, "sensitive_attributes": marks}))
    assert instances(tree)[ACCOUNT].values == {"key": SENSITIVE}


def test_a_deposed_object_is_there_still() -> None:
    tree = shown(resource(ACCOUNT, {"name": "a"}), resource(ACCOUNT, {"name": "old"}, deposed_key="0d3f5a1c"))
    assert list(instances(tree)) == [ACCOUNT, f"{ACCOUNT} (deposed 0d3f5a1c)"]
    tree = kept(in_file({"attributes": {}}, {"attributes": {}, "deposed": "0d3f5a1c"}))
    assert list(instances(tree)) == [ACCOUNT, f"{ACCOUNT} (deposed 0d3f5a1c)"]


def test_data_sources_and_other_clouds_are_nothing_of_ours() -> None:
    data = resource("data.azurerm_key_vault.d", {}, mode="data")
    assert read(shown(data, resource("aws_s3_bucket.b", {}))) == []
    assert read(kept(in_file(mode="data"), in_file({}, type="aws_s3_bucket"))) == []


def test_an_empty_state_is_nothing() -> None:
    assert read({"format_version": "1.0"}) == []
    assert read(kept()) == read({"version": 4, "terraform_version": "1.11.4"}) == []


# ── as it is kept ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_addresses_in_the_file() -> None:
    tree = kept(
        in_file({"index_key": 0, "attributes": {}}, {"index_key": 'x"y', "attributes": {}}),
        in_file({"attributes": {}}, module='module.m["eu"]'),
    )
    assert list(instances(tree)) == [f"{ACCOUNT}[0]", f'{ACCOUNT}["x\\"y"]', f'module.m["eu"].{ACCOUNT}']


@pytest.mark.parametrize(
    ("provider", "name", "major"),
    [
        ('provider["registry.terraform.io/hashicorp/azurerm"]', "azurerm", 4),
        ('module.m.provider["registry.terraform.io/hashicorp/azurerm"].west', "azurerm", 4),
        ('provider["registry.terraform.io/azure/azapi"]', "azapi", None),
        ("provider.azurerm", "azurerm", None),
        ("module.m.provider.azurerm.west", "azurerm", None),
        (None, "", None),
    ],
)
def test_providers(provider: Any, name: str, major: int | None) -> None:
    found = instances(kept(in_file({"attributes": {}}, provider=provider)), Surroundings(majors={AZURERM: 4}))
    assert (found[ACCOUNT].provider.name, found[ACCOUNT].provider.major) == (name, major)


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({"version": 3, "modules": []}, "version 3 is not read"),
        ({"version": 5, "resources": []}, "version 5 is not read"),
        (kept(in_file({"attributes_flat": {"name": "a"}})), "before 0.12"),
        (kept(in_file({"attributes": []})), "no object"),
        (kept(in_file(instances=None)), "its instances are no list"),
        (kept(in_file(name=None)), "its type, its name or its mode"),
        (kept({}), "its type, its name or its mode"),
        (shown({}), "its address, its type or its mode"),
        (shown(resource(ACCOUNT, None)), "no object"),
        ({"format_version": "1.0", "values": []}, "values is no object"),
        ({"format_version": "1.0", "values": {"root_module": []}}, "a module is no object"),
        ({"format_version": "1.0", "values": {"root_module": {"resources": {}}}}, "are no list"),
    ],
)
def test_what_cannot_be_told_is_a_gap(tree: Any, reason: str) -> None:
    (gap,) = read(tree)
    assert isinstance(gap, Gap)
    assert reason in gap.reason


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the checkout")
def test_the_corpus_state() -> None:
    found = instances((CORPUS / "azurerm_state_stub.json").read_text())
    assert len(found) == 7
    assert (
        found['azurerm_storage_account.blob["b"]'].values["blob_properties"][0]["delete_retention_policy"][0]["days"]
        == 7
    )

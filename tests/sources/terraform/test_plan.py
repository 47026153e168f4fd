"""Plans: what their JSON says of each instance, and what it leaves open."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from auditor.model import Gap, Origin, Scope, Unknown
from auditor.sources.terraform.document import Document
from auditor.sources.terraform.instances import Instance, Reference
from auditor.sources.terraform.marks import SENSITIVE
from auditor.sources.terraform.plan import Plan, Surroundings
from tests.sources.terraform.plan_json import CORPUS, PlanJson, constant, read, refers

ACCOUNT = "azurerm_storage_account.a"
NAMED = {"name": constant("a")}
UNSET = {"unknown": {"blob_properties": True}, "sensitive": {"blob_properties": []}}
"""How an Optional and Computed block that nobody wrote looks in the plan of a new resource."""


def of(plan: PlanJson, address: str = ACCOUNT, around: Surroundings | None = None) -> Any:
    return plan.instances(around)[address].values


# ── what is planned ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_modules_counts_and_keys() -> None:
    plan = (
        PlanJson()
        .module("m")
        .module("m.deep")
        .add('azurerm_storage_account.a["x"]', {"name": "ax"}, written=NAMED)
        .add("azurerm_storage_account.n[1]", {"name": "n1"}, written=NAMED)
        .add('module.m["eu"].module.deep[0].azurerm_storage_account.d', {"name": "d"}, written=NAMED)
    )
    assert {address: one.values["name"] for address, one in plan.instances().items()} == {
        'azurerm_storage_account.a["x"]': "ax",
        "azurerm_storage_account.n[1]": "n1",
        'module.m["eu"].module.deep[0].azurerm_storage_account.d': "d",
    }


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (("create",), "create"),
        (("update",), "update"),
        (("no-op",), "none"),
        (("delete", "create"), "replace"),
        (("create", "delete"), "replace"),
        (("create", "forget"), "create"),
    ],
)
def test_actions(actions: tuple[str, ...], action: str) -> None:
    before = None if actions == ("create",) else {"name": "old"}
    plan = PlanJson().add(ACCOUNT, {"name": "new"}, actions=actions, before=before, written=NAMED)
    instance = plan.instances()[ACCOUNT]
    assert (instance.action, instance.values) == (action, {"name": "new"})
    assert not instance.deployed
    assert instance.complete
    assert instance.prevent_destroy is None


def test_what_is_deleted_has_the_values_it_had() -> None:
    before = {"name": "old", "secret": "hunter2"}
    plan = PlanJson().add(
        ACCOUNT, None, actions=("delete",), before=before, before_sensitive={"secret": True}, unknown=False
    )
    instance = plan.instances()[ACCOUNT]
    assert (instance.action, instance.values) == ("delete", {"name": "old", "secret": SENSITIVE})


def test_what_forces_a_replacement() -> None:
    paths = [["name"], ["blob_properties", 0, "versioning_enabled"], ["name"], [], "x", [None]]
    plan = PlanJson().add(ACCOUNT, {}, actions=("delete", "create"), before={}, replace_paths=paths, written=NAMED)
    assert plan.instances()[ACCOUNT].forced_by == ("name", "blob_properties[0].versioning_enabled")


def test_a_deposed_object_is_one_of_its_own() -> None:
    plan = (
        PlanJson()
        .add(ACCOUNT, {"name": "new"}, actions=("no-op",), before={"name": "new"}, written=NAMED)
        .add(ACCOUNT, None, actions=("delete",), before={"name": "old"}, deposed="0d3f5a1c")
    )
    found = plan.instances()
    assert {address: (one.action, one.values["name"]) for address, one in found.items()} == {
        ACCOUNT: ("none", "new"),
        f"{ACCOUNT} (deposed 0d3f5a1c)": ("delete", "old"),
    }


def test_what_is_forgotten_is_said_and_not_judged() -> None:
    found = PlanJson().add(ACCOUNT, None, actions=("forget",), before={"name": "old"}).read()
    assert found == [Scope(ACCOUNT, "resource", "", "leaves Terraform's management and stays as it is; not judged")]


def test_data_sources_and_other_clouds_are_nothing_of_ours() -> None:
    plan = (
        PlanJson()
        .add("data.azurerm_storage_account.d", {"name": "d"}, mode="data", actions=("read",), written={})
        .add("aws_s3_bucket.b", {"name": "b"}, written={})
    )
    assert plan.read() == []


def test_the_origin_is_the_address_and_the_line_where_there_are_lines() -> None:
    plan = PlanJson().add("azurerm_key_vault.k", {}, written={}).add(ACCOUNT, {}, written=NAMED)
    assert plan.instances()[ACCOUNT].origin == Origin("plan.json", None, expression=ACCOUNT)
    text = json.dumps(plan.tree(), indent=2)
    line = next(n for n, t in enumerate(text.split("\n"), 1) if f'"address": "{ACCOUNT}"' in t) - 1
    (_, instance) = read(text)
    assert isinstance(instance, Instance)
    assert instance.origin == Origin("plan.json", line, expression=ACCOUNT)


# ── unset, or known after apply only ─────────────────────────────────────────────────────────────────────────────────


def test_what_nobody_wrote_is_unset() -> None:
    plan = PlanJson().add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
    assert of(plan)["blob_properties"] is None


def test_what_is_written_and_unknown_is_unknown() -> None:
    plan = PlanJson().add(
        ACCOUNT,
        {"name": "a", "blob_properties": [{}]},
        unknown={"blob_properties": [{"versioning_enabled": True}], "min_tls_version": True},
        sensitive={"blob_properties": [{}]},
        written={
            **NAMED,
            "blob_properties": [{"versioning_enabled": refers("random_integer.r.result")}],
            "min_tls_version": {},
        },
    )
    values = of(plan)
    versioning = values["blob_properties"][0]["versioning_enabled"]
    assert versioning == Reference(
        "known after apply: random_integer.r.result", address="random_integer.r", attribute="result"
    )
    assert values["min_tls_version"] == Unknown("known after apply")


def test_a_hidden_dynamic_block_may_stand_for_it() -> None:
    """Its for_each is nowhere in the plan's configuration, and it is unknown as what is unset."""
    plan = (
        PlanJson()
        .add("azurerm_key_vault.k", {}, unknown={"id": True}, written={"name": constant("k")})
        .add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
        .rests_on("azurerm_key_vault.k", "id")
    )
    value = of(plan)["blob_properties"]
    assert isinstance(value, Unknown)
    assert "dynamic" in value.reason


@pytest.mark.parametrize("given", [True, False])
def test_the_files_decide_where_they_are_at_hand(given: bool) -> None:
    plan = (
        PlanJson()
        .add("azurerm_key_vault.k", {}, unknown={"id": True}, written={})
        .add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
        .rests_on("azurerm_key_vault.k", "id")
    )
    around = Surroundings(
        dynamic=lambda address, block: given if (address, block) == (ACCOUNT, "blob_properties") else None
    )
    assert isinstance(of(plan, around=around)["blob_properties"], Unknown) is given
    if not given:
        assert of(plan, around=around)["blob_properties"] is None


def test_a_shown_use_explains_what_the_plan_rests_on() -> None:
    plan = (
        PlanJson()
        .add("azurerm_key_vault.k", {}, unknown={"id": True}, written={})
        .add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
        .add("azurerm_key_vault_key.y", {}, unknown={"v": True}, written={"v": refers("azurerm_key_vault.k.id")})
        .rests_on("azurerm_key_vault.k", "id")
    )
    assert of(plan)["blob_properties"] is None


def test_what_is_known_hides_nothing() -> None:
    plan = (
        PlanJson()
        .add("azurerm_resource_group.g", {"name": "rg"}, unknown={"id": True}, written={})
        .add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
        .rests_on("azurerm_resource_group.g", "name")
    )
    assert of(plan)["blob_properties"] is None


@pytest.mark.parametrize(("version", "told"), [("0.2", False), ("1.0", False), ("1.1", True), ("1.2", True)])
def test_a_plan_without_a_list_of_what_it_rests_on(version: str, told: bool) -> None:
    """Before Terraform 1.2 there was none; since then it is left out where the plan rests on nothing."""
    plan = PlanJson(format_version=version).add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
    tree = plan.tree()
    del tree["relevant_attributes"]
    (instance,) = read(json.dumps(tree))
    assert isinstance(instance, Instance)
    value = instance.values["blob_properties"]
    assert value is None if told else isinstance(value, Unknown)


def test_it_is_said_that_a_plan_may_hide_dynamic_blocks_over_what_it_shows() -> None:
    plan = (
        PlanJson()
        .add("azurerm_key_vault.k", {}, unknown={"id": True}, written={})
        .add(ACCOUNT, {"name": "a"}, **UNSET, written=NAMED)
        .add("azurerm_key_vault_key.y", {}, unknown={"v": True}, written={"v": refers("azurerm_key_vault.k.id")})
        .rests_on("azurerm_key_vault.k", "id")
    )
    for around, expected in ((Surroundings(), 1), (Surroundings(dynamic=lambda _address, _block: False), 0)):
        reader = Plan(Document(plan.text()), "plan.json", around)
        list(reader.instances())
        assert sum("dynamic" in note for note in reader.notes) == expected


def test_a_scalar_cannot_be_a_dynamic_block() -> None:
    tree = PlanJson().add(ACCOUNT, {}, unknown={"access_tier": True}, written=NAMED).tree()
    del tree["relevant_attributes"]
    (instance,) = read(json.dumps(tree))
    assert isinstance(instance, Instance)
    assert "access_tier" not in instance.values


def test_a_block_that_only_a_dynamic_one_can_have_made_shows_nothing_of_its_content() -> None:
    plan = PlanJson().add(
        ACCOUNT,
        {"blob_properties": [{"versioning_enabled": True}]},
        unknown={"blob_properties": [{"default_service_version": True}]},
        sensitive={"blob_properties": [{}]},
        written=NAMED,
    )
    assert of(plan)["blob_properties"] == [
        {"versioning_enabled": True, "default_service_version": Unknown("known after apply")}
    ]


def test_an_update_keeps_what_is_unset_so_that_unknown_is_something_else() -> None:
    plan = PlanJson().add(ACCOUNT, {}, **UNSET, written=NAMED, actions=("update",), before={"blob_properties": []})
    assert isinstance(of(plan)["blob_properties"], Unknown)


def test_a_replacement_begins_anew() -> None:
    plan = PlanJson().add(
        ACCOUNT, {}, **UNSET, written=NAMED, actions=("delete", "create"), before={"blob_properties": []}
    )
    assert of(plan)["blob_properties"] is None


@pytest.mark.parametrize(
    ("expression", "unset"),
    [
        (constant(None), True),
        (refers("var.tier"), True),
        (refers("each.value.tier"), True),
        (refers("local.tier"), False),
        (refers("data.azurerm_storage_account.d.access_tier"), False),
        (refers("random_pet.p.id"), False),
        (refers("var.tier", "random_pet.p.id"), False),
        ({}, False),
        (constant("Hot"), False),
    ],
)
def test_null_is_unset(expression: dict[str, Any], unset: bool) -> None:
    """An expression of known values is not unknown: it was null, and the provider fills it in."""
    plan = PlanJson().add(
        ACCOUNT,
        {},
        unknown={"access_tier": True},
        written={**NAMED, "access_tier": expression},
        repeated=refers("var.all"),
    )
    value = of(plan)["access_tier"]
    assert value is None if unset else isinstance(value, Unknown)


def test_blocks_of_a_set_come_in_another_order() -> None:
    written = [
        {"location": constant("a"), "zone_redundant": refers("random_pet.p.id")},
        {"location": constant("b"), "zone_redundant": refers("random_pet.q.id")},
    ]
    plan = PlanJson().add(
        ACCOUNT,
        {"geo_location": [{"location": "b"}, {"location": "a"}]},
        unknown={"geo_location": [{"zone_redundant": True, "id": True}, {"zone_redundant": True, "id": True}]},
        sensitive={"geo_location": [{}, {}]},
        written={"geo_location": written},
    )
    for block in of(plan)["geo_location"]:
        assert block["zone_redundant"] == Unknown("known after apply")
        assert "id" not in block


def test_items_that_are_unknown() -> None:
    plan = PlanJson().add(
        ACCOUNT,
        {"ip_rules": ["1.2.3.4", None], "tags": {"a": "b"}},
        unknown={"ip_rules": [False, True], "tags": {"c": True}},
        sensitive={"ip_rules": [False, False], "tags": {}},
        written={"ip_rules": refers("azurerm_public_ip.p.ip_address"), "tags": refers("random_pet.p.id")},
    )
    assert of(plan)["ip_rules"] == ["1.2.3.4", Unknown("known after apply")]
    assert of(plan)["tags"] == {"a": "b", "c": Unknown("known after apply")}


def test_sensitive_values_do_not_survive() -> None:
    plan = PlanJson(variables={"password": {"value": "hunter2"}}).add(
        ACCOUNT,
        {
            "key": "hunter2",
            "blob_properties": [{"a": "hunter2", "b": 1}],
            "list": ["hunter2"],
            "whole": [{"x": "hunter2"}],
        },
        sensitive={"key": True, "blob_properties": [{"a": True}], "list": [True], "whole": True, "gone": True},
        written=NAMED,
    )
    found = plan.read()
    assert "hunter2" not in repr(found)
    values = of(plan)
    assert values["key"] == values["whole"] == values["list"][0] == values["blob_properties"][0]["a"] == SENSITIVE
    assert values["blob_properties"][0]["b"] == 1
    everything = PlanJson().add(ACCOUNT, {"key": "hunter2"}, sensitive=True, written=NAMED)
    assert of(everything) == {"key": SENSITIVE}


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────────


def scope_of(plan: PlanJson, address: str, *names: str, repeated: dict[str, Any] | None = None) -> Any:
    plan.add(address, {}, unknown={"scope": True}, written={"scope": refers(*names)}, repeated=repeated)
    return plan.instances()[address].values["scope"]


def points_to(value: Any) -> tuple[str, str, bool]:
    assert isinstance(value, Reference), value
    return value.address, value.attribute, value.keyed


def test_a_reference_in_the_same_module() -> None:
    plan = PlanJson().module("m")
    value = scope_of(plan, 'module.m["eu"].azurerm_management_lock.l', "azurerm_storage_account.a.id")
    assert points_to(value) == ('module.m["eu"].azurerm_storage_account.a', "id", False)
    value = scope_of(PlanJson(), "azurerm_management_lock.l", 'azurerm_storage_account.a["x.y"].id')
    assert points_to(value) == ('azurerm_storage_account.a["x.y"]', "id", False)


def test_a_reference_by_the_instances_own_key() -> None:
    value = scope_of(PlanJson(), 'azurerm_management_lock.l["x"]', "azurerm_storage_account.a", "each.key")
    assert points_to(value) == ("azurerm_storage_account.a", "", True)
    value = scope_of(
        PlanJson(), 'azurerm_management_lock.l["x"]', "each.value.id", repeated=refers("azurerm_storage_account.a")
    )
    assert points_to(value) == ("azurerm_storage_account.a", "id", True)


def test_a_reference_through_a_modules_variable() -> None:
    plan = PlanJson().module("m", expressions={"target": refers("azurerm_storage_account.a.id")})
    value = scope_of(plan, "module.m.azurerm_management_lock.l", "var.target")
    assert points_to(value) == ("azurerm_storage_account.a", "id", False)


def test_a_whole_resource_given_to_a_module() -> None:
    plan = PlanJson().module("m", expressions={"target": refers("azurerm_storage_account.a")})
    value = scope_of(plan, "module.m.azurerm_management_lock.l", "var.target.id")
    assert points_to(value) == ("azurerm_storage_account.a", "id", False)


def test_a_key_of_the_module_that_is_called() -> None:
    plan = PlanJson().module(
        "m",
        expressions={"target": refers("azurerm_storage_account.a", "each.key")},
        for_each_expression=refers("var.all"),
    )
    value = scope_of(plan, 'module.m["eu"].azurerm_management_lock.l', "var.target")
    assert points_to(value) == ('azurerm_storage_account.a["eu"]', "", False)


def test_a_reference_through_a_modules_output() -> None:
    plan = (
        PlanJson()
        .module("data", outputs={"account": refers("azurerm_storage_account.a.id")})
        .module("m", expressions={"target": refers('module.data["eu"].account')})
    )
    value = scope_of(plan, "module.m.azurerm_management_lock.l", "var.target")
    assert points_to(value) == ('module.data["eu"].azurerm_storage_account.a', "id", False)


@pytest.mark.parametrize(
    "names",
    [
        ("azurerm_storage_account.a.id", "azurerm_storage_account.b.id"),
        ("azurerm_storage_account.a.id", "local.suffix"),
        ("local.target",),
        ("module.m", "each.key"),
        ("module.gone.out",),
        ("data.azurerm_storage_account.a.id",),
        ("",),
    ],
)
def test_what_is_no_single_reference_is_just_unknown(names: tuple[str, ...]) -> None:
    value = scope_of(PlanJson().module("m"), 'azurerm_management_lock.l["x"]', *names)
    assert isinstance(value, Unknown)
    assert not isinstance(value, Reference)


def test_a_text_with_a_reference_in_it_is_something_else() -> None:
    """A lock on a container of an account is none on the account; a plan alone cannot tell, the files can."""

    def scope(behind: str | None, reference: str = "azurerm_storage_account.a.id") -> Any:
        plan = PlanJson()
        scope_of(plan, "azurerm_management_lock.l", reference)
        here = ("azurerm_management_lock.l", "scope")
        around = Surroundings(behind=lambda address, name: behind if (address, name) == here else "")
        return plan.instances(around)["azurerm_management_lock.l"].values["scope"]

    assert scope("/blobServices/default") == dataclasses.replace(scope(""), below="/blobServices/default")
    for value in (scope(None), scope("/x", "azurerm_storage_account.a.name")):
        assert isinstance(value, Unknown)
        assert not isinstance(value, Reference)


def test_modules_that_call_in_circles_come_to_an_end() -> None:
    plan = PlanJson().module("m", expressions={"a": refers("module.m.o")}, outputs={"o": refers("var.a", "module.n.o")})
    plan.module(
        "m.n", outputs={"o": refers("var.b", "var.b2")}, expressions={"b": refers("var.a"), "b2": refers("module.n.o")}
    )
    value = scope_of(plan, "module.m.azurerm_management_lock.l", "var.a")
    assert isinstance(value, Unknown)


# ── providers ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("constraint", "locked", "major"),
    [
        ("~> 4.0", {}, 4),
        (">= 3.0", {}, None),
        (">= 3.0", {"registry.terraform.io/hashicorp/azurerm": 3}, 3),
        (None, {}, None),
    ],
)
def test_majors(constraint: str | None, locked: dict[str, int], major: int | None) -> None:
    plan = PlanJson({"version_constraint": constraint}).add(ACCOUNT, {}, written=NAMED)
    assert plan.instances(Surroundings(majors=locked))[ACCOUNT].provider.major == major


def test_constraints_of_all_modules_hold_together() -> None:
    plan = PlanJson({"version_constraint": ">= 4.0"}).add(ACCOUNT, {}, written=NAMED)
    plan.configuration["provider_config"]["module.m:azurerm"] = {
        "name": "azurerm",
        "full_name": "registry.terraform.io/hashicorp/azurerm",
        "version_constraint": "< 5.0.0",
    }
    assert plan.instances()[ACCOUNT].provider.major == 4


def test_features() -> None:
    vault = [{"purge_soft_delete_on_destroy": constant(False), "recover_soft_deleted_key_vaults": refers("var.x")}]
    plan = PlanJson({"expressions": {"features": [{"key_vault": vault}]}}).add(ACCOUNT, {}, written=NAMED)
    provider = plan.instances()[ACCOUNT].provider
    assert provider.name == "azurerm"
    assert provider.features == {
        "key_vault": [
            {
                "purge_soft_delete_on_destroy": False,
                "recover_soft_deleted_key_vaults": Unknown("the plan does not show what is made of var.x"),
            }
        ]
    }


def test_each_alias_has_features_of_its_own() -> None:
    plan = PlanJson().add(ACCOUNT, {}, written=NAMED).add("azurerm_key_vault.k", {}, written=NAMED)
    keep = {"expressions": {"features": [{"key_vault": [{"purge_soft_delete_on_destroy": constant(False)}]}]}}
    plan.configuration["provider_config"]["azurerm.west"] = {"name": "azurerm", "alias": "west", **keep}
    plan.root["resources"][1]["provider_config_key"] = "azurerm.west"
    found = plan.instances()
    assert found[ACCOUNT].provider.features == {}
    assert found["azurerm_key_vault.k"].provider.features == {"key_vault": [{"purge_soft_delete_on_destroy": False}]}
    plan.root["resources"][1]["provider_config_key"] = "module.m:azurerm"
    assert isinstance(plan.instances()["azurerm_key_vault.k"].provider.features, Unknown)


# ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────────────


def gaps(plan: PlanJson) -> list[str]:
    return [f"{one.subject}: {one.reason}" for one in plan.read() if isinstance(one, Gap)]


def test_incomplete_plans() -> None:
    assert gaps(PlanJson(errored=True, complete=False)) == [
        "plan.json: planning ended with an error, so that it does not hold everything"
    ]
    assert "incomplete" in gaps(PlanJson(complete=False))[0]
    assert gaps(PlanJson(complete=True, errored=False)) == []
    assert "format_version is 2.0" in gaps(PlanJson(format_version="2.0"))[0]


def test_deferred_changes() -> None:
    change = {"address": ACCOUNT, "mode": "managed", "type": "azurerm_storage_account"}
    plan = PlanJson(deferred_changes=[{"reason": "provider_config_unknown", "resource_change": change}])
    assert gaps(plan) == [f"{ACCOUNT}: its change is deferred (provider_config_unknown)"]


def test_planned_values_without_a_change() -> None:
    """As in a plan made with -target before Terraform 1.8: what has a value has it, and the rest may be anything."""
    values = {"name": "kv", "purge_protection_enabled": True, "network_acls": None, "secret": "x"}
    left = {"address": "module.m.azurerm_key_vault.k", "mode": "managed", "type": "azurerm_key_vault", "values": values}
    left["sensitive_values"] = {"secret": True}
    data = {"address": "data.azurerm_key_vault.d", "mode": "data", "type": "azurerm_key_vault", "values": {}}
    planned = {"root_module": {"resources": [data], "child_modules": [{"address": "module.m", "resources": [left]}]}}
    plan = PlanJson(planned_values=planned).add(ACCOUNT, {}, written=NAMED)
    assert gaps(plan) == []
    found = of(plan, "module.m.azurerm_key_vault.k")
    assert (found.get("purge_protection_enabled"), found.get("network_acls")) == (True, None)
    assert isinstance(found.get("secret"), Unknown)
    assert "tells no change" in found.get("soft_delete_retention_days").reason
    broken = {"root_module": {"resources": [{**left, "values": []}, {**left, "address": ["x"]}]}}
    assert gaps(PlanJson(planned_values=broken)) == [
        f"{left['address']}: its planned values cannot be read",
        "['x']: its planned values cannot be read",
    ]


@pytest.mark.parametrize(
    "change",
    [
        None,
        [],
        "x",
        {},
        {"address": 1},
        {"address": ACCOUNT},
        {"address": ACCOUNT, "mode": "managed"},
        {"address": ACCOUNT, "mode": "managed", "type": "azurerm_storage_account"},
        {"address": ACCOUNT, "mode": "managed", "type": "azurerm_storage_account", "change": {"actions": ["explode"]}},
        {"address": ACCOUNT, "mode": "managed", "type": "azurerm_storage_account", "change": {"actions": ["create"]}},
        {
            "address": ACCOUNT,
            "mode": "managed",
            "type": "azurerm_storage_account",
            "change": {"actions": ["create"], "after": {}, "after_unknown": None},
        },
    ],
)
def test_a_change_that_cannot_be_told_is_a_gap(change: Any) -> None:
    plan = PlanJson()
    plan.changes.append(change)
    assert len(gaps(plan)) == 1


@pytest.mark.parametrize("members", [{"resource_changes": "x"}, {"resource_changes": None}, {"planned_values": []}])
def test_members_of_other_types(members: dict[str, Any]) -> None:
    tree = {**PlanJson().tree(), **members}
    (gap,) = read(json.dumps(tree))
    assert isinstance(gap, Gap)


# ── genuine ones ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the checkout")
def test_the_corpus_plan() -> None:
    found = read((CORPUS / "azurerm_plan_stub.json").read_text())
    instances = {one.address: one for one in found if isinstance(one, Instance)}
    assert len(found) == len(instances) == 7
    assert {one.action for one in instances.values()} == {"create"}
    bare = instances["azurerm_storage_account.bare"].values
    assert bare["blob_properties"] is bare["network_rules"] is bare.get("access_tier") is None
    assert instances['azurerm_storage_account.blob["a"]'].values["blob_properties"][0]["versioning_enabled"] is True
    assert instances["azurerm_cosmosdb_account.c"].values["backup"] is None
    key = instances["azurerm_app_configuration.ac"].values["encryption"][0]["key_vault_key_identifier"]
    assert points_to(key) == ("azurerm_key_vault.kv", "id", False)

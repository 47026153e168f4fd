"""How instances find their stores, and what is unknown where they may be anybody's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from auditor import pipeline, snapshot
from auditor.model import Finding, Gap, Listing, Origin, Outcome, Record, Resource, Unknown
from auditor.services import backup, storage
from auditor.services.terraform import PARTS
from auditor.sources.terraform import estate, joins
from auditor.sources.terraform.instances import Instance, Partly
from tests.sources.terraform.estates import CATALOG, at, child, instance, read, reference, store, stores

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
NOBODY = joins.NO_SUBSCRIPTION
LATER = Unknown("known after apply")
LIFECYCLE = "managementPolicies/default"
RULES = {"rule": [{"name": "r", "enabled": True, "actions": [{"version": [{"delete_after_days_since_creation": 3}]}]}]}


def group(name: str = "rg") -> Instance:
    return instance(f"azurerm_resource_group.{name}", {"name": name, "location": "westeurope"})


def account(label: str = "a", key: str = "", /, **values: Any) -> Instance:
    body = {
        "name": label + "".join(filter(str.isalnum, key)),
        "resource_group_name": "rg",
        "account_kind": "StorageV2",
        "account_tier": "Standard",
        "account_replication_type": "GRS",
        **values,
    }
    return instance(f"azurerm_storage_account.{label}{key}", body)


def policy(owner: Any, address: str = "azurerm_storage_management_policy.p", **rest: Any) -> Instance:
    return instance(address, {"storage_account_id": owner, **RULES}, **rest)


def lock(scope: Any, address: str = "azurerm_management_lock.l", **rest: Any) -> Instance:
    return instance(address, {"name": "l", "scope": scope, "lock_level": "CanNotDelete"}, **rest)


def rules_of(policy_body: Any) -> Any:
    return policy_body["properties"]["policy"]["rules"]


def judged(records: list[Record], rule: str, baseline: str = "well-architected") -> dict[str, Finding]:
    """The findings of one rule, by the store's name."""
    report = pipeline.audit(snapshot.spool(iter(records), ("t",), "2026-01-01T00:00:00Z"), baseline, rule=[rule])
    return {finding.subject.name: finding for finding in report.findings}


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

ID = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"


def test_an_id_is_made_of_group_and_name() -> None:
    assert store(account()).id == f"/subscriptions/{NOBODY}{ID}"
    assert store(account(), subscription=SUBSCRIPTION).id == f"/subscriptions/{SUBSCRIPTION}{ID}"


def test_an_id_that_is_known_stands() -> None:
    known = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.Storage/storageAccounts/a"
    assert store(account(id=known)).id == known


def test_a_group_is_named_by_reference() -> None:
    found = store(account(resource_group_name=reference("azurerm_resource_group.rg", "name")), group())
    assert found.id == f"/subscriptions/{NOBODY}{ID}"


def test_other_attributes_are_read_from_what_is_referred_to() -> None:
    found = store(account(location=reference("azurerm_resource_group.rg", "location")), group())
    assert found.region == "westeurope"
    for attribute in ("", "id", "tags", "nothing"):
        found = store(account(location=reference("azurerm_resource_group.rg", attribute)), group())
        assert found.region is None
        assert isinstance(at(found, "location"), Unknown)


def test_a_group_that_azapi_makes() -> None:
    made = azapi(
        "g", "Microsoft.Resources/resourceGroups@2024-03-01", {}, name="rg", parent_id=f"/subscriptions/{SUBSCRIPTION}"
    )
    of = azapi("a", f"{storage.ACCOUNT}@2023-05-01", {}, name="a", parent_id=reference("azapi_resource.g"))
    assert store(of, made).id == f"/subscriptions/{SUBSCRIPTION}{ID}"
    by_name = account(resource_group_name=reference("azapi_resource.g", "name"))
    assert store(by_name, made).id == f"/subscriptions/{NOBODY}{ID}"


def test_names_that_are_not_known_are_different_names() -> None:
    one = account("one", name=LATER)
    two = account("two", name=LATER)
    records = stores(read(one, two, account("three", name="three", resource_group_name=LATER)))
    assert len({record.id for record in records.values()}) == 3
    assert all(isinstance(at(record, "name"), Unknown) for name, record in records.items() if name != "three")
    assert all("{azurerm_storage_account." in record.id for record in records.values())


def test_two_stores_never_share_an_id() -> None:
    records = [r for r in read(account("a", name="same"), account("b", name="same")) if isinstance(r, Resource)]
    assert len({record.id.casefold() for record in records}) == 2
    for record in records:
        assert all(one.id.startswith(f"{record.id}/") for one in record.children)


def test_a_part_of_an_id_that_two_stores_have_may_be_eithers() -> None:
    one, other = account("a", name="same"), account("b", name="same")
    part = policy(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/{storage.ACCOUNT}/same")
    records = [r for r in read(replace(one, condition="count = var.x ? 1 : 0"), other, part) if isinstance(r, Resource)]
    assert len(records) == 2
    assert all(isinstance(child(record, LIFECYCLE).body, Unknown) for record in records)


@pytest.mark.parametrize("name", ["a/b", "x/providers/Microsoft.Authorization/locks/l", "", 3, ["a"], {"a": 1}])
def test_a_name_that_is_none_names_nothing(name: Any) -> None:
    found = store(account(name=name))
    assert found.id.endswith("/storageAccounts/{azurerm_storage_account.a}")


# ── whose a part is ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "owner",
    [
        reference("azurerm_storage_account.a"),
        reference("azurerm_storage_account.a", ""),
        f"/subscriptions/{NOBODY}{ID}",
        f"/subscriptions/{SUBSCRIPTION}{ID}",
        f"/subscriptions/{NOBODY}{ID}/".upper(),
    ],
)
def test_a_policy_finds_its_account(owner: Any) -> None:
    records = stores(read(account(), account("b"), policy(owner)))
    assert rules_of(child(records["a"], LIFECYCLE).body)
    assert child(records["b"], LIFECYCLE).body is None


def test_a_policy_of_an_account_that_is_elsewhere_is_nobodys() -> None:
    elsewhere = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/elsewhere"
    assert child(store(account(), policy(elsewhere)), LIFECYCLE).body is None


def test_a_part_by_its_instances_own_key() -> None:
    keys = ('["x"]', '["y"]')
    accounts = [account("a", key) for key in keys]
    parts = [
        policy(reference("azurerm_storage_account.a", keyed=True), f"azurerm_storage_management_policy.p{key}")
        for key in keys[:1]
    ]
    records = stores(read(*accounts, *parts))
    assert rules_of(child(records["ax"], LIFECYCLE).body)
    assert child(records["ay"], LIFECYCLE).body is None


@pytest.mark.parametrize(
    "owner",
    [
        reference("azurerm_storage_account.a"),
        reference("azurerm_storage_account.a[7]"),
        reference("azurerm_storage_account.a", keyed=True),
    ],
)
def test_a_part_that_may_be_one_of_several_is_unknown_for_each(owner: Any) -> None:
    records = stores(read(account("a", "[0]"), account("a", "[1]"), account("b"), policy(owner)))
    for name in ("a0", "a1"):
        body = child(records[name], LIFECYCLE).body
        assert isinstance(body, Unknown)
        assert body.possible[0] is None
        assert rules_of(body.possible[1])
    assert child(records["b"], LIFECYCLE).body is None


@pytest.mark.parametrize(
    "owner",
    [LATER, reference("data.azurerm_storage_account.x"), None, "", 3, reference("azurerm_storage_account.none")],
)
def test_a_part_of_nobody_knows_whom_may_be_anybodys(owner: Any) -> None:
    records = stores(read(account(), account("b"), policy(owner)))
    for record in records.values():
        assert isinstance(child(record, LIFECYCLE).body, Unknown)
    found = judged(read(account(), account("b"), policy(owner)), "storage-lifecycle-deletes")
    assert {finding.outcome for finding in found.values()} == {Outcome.UNKNOWN}


def test_a_part_of_many_stores_is_unknown_for_each_and_costs_no_more() -> None:
    accounts = [account(f"a{number}") for number in range(40)]
    parts = [policy(LATER, f"azurerm_storage_management_policy.p{number}") for number in range(40)]
    rules = [
        instance(f"azurerm_storage_account_network_rules.n{n}", {"storage_account_id": LATER, "default_action": "Deny"})
        for n in range(3)
    ]
    records = stores(read(*accounts, *parts, *rules))
    assert len(records) == 40
    for record in records.values():
        assert isinstance(child(record, LIFECYCLE).body, Unknown)
        assert isinstance(at(record, "properties.networkAcls"), Unknown)
        assert at(record, "sku.name") == "Standard_GRS"


def test_a_store_whose_name_is_not_known_may_be_the_one_that_is_named() -> None:
    share = instance("azurerm_storage_share.s", {"name": "s", "storage_account_name": "b", "quota": 5}, 3)
    files = {"account_kind": "FileStorage", "account_tier": "Premium", "account_replication_type": "LRS"}
    records = stores(read(account(**files), account("b", name=LATER, **files), share))
    assert child(records["a"], "fileServices/default/shares/*").body is None
    unsure = records["{azurerm_storage_account.b}"]
    assert isinstance(child(unsure, "fileServices/default/shares/*").body, Unknown)
    records = stores(read(account(**files), account("b", **files), share))
    assert child(records["b"], "fileServices/default/shares/s").parent == records["b"].id
    assert child(records["b"], "fileServices/default/shares/*").body is None


def test_the_values_of_a_part_that_could_not_be_read_make_it_anybodys() -> None:
    part = instance("azurerm_storage_management_policy.p", Partly(RULES, Unknown("the file is broken")), complete=False)
    assert isinstance(child(store(account(), part), LIFECYCLE).body, Unknown)


# ── parts that are merged ────────────────────────────────────────────────────────────────────────────────────────────


def rules(owner: Any, **values: Any) -> Instance:
    written = {"storage_account_id": owner, "default_action": "Deny", "bypass": ["AzureServices"], **values}
    return instance("azurerm_storage_account_network_rules.n", written, origin=Origin("main.tf", 30))


def test_network_rules_and_keys_of_their_own_are_merged_into_the_account() -> None:
    owner = reference("azurerm_storage_account.a")
    key = instance(
        "azurerm_storage_account_customer_managed_key.k",
        {"storage_account_id": owner, "key_vault_key_id": "https://k", "user_assigned_identity_id": "/u"},
    )
    site = instance("azurerm_storage_account_static_website.w", {"storage_account_id": owner, "index_document": "i"})
    found = store(account(), rules(owner), key, site)
    assert at(found, "properties.networkAcls") == {"defaultAction": "Deny", "bypass": "AzureServices"}
    assert at(found, "properties.encryption.keySource") == "Microsoft.Keyvault"
    assert at(found, "properties.encryption.identity.userAssignedIdentity") == "/u"
    assert found.origins["properties.networkacls.defaultaction"] == Origin("main.tf", 30)


def test_what_may_be_merged_is_one_of_two_values() -> None:
    accounts = [account("a", key, network_rules=[{"default_action": "Allow"}]) for key in ("[0]", "[1]")]
    for record in stores(read(*accounts, rules(reference("azurerm_storage_account.a")))).values():
        assert at(record, "properties.networkAcls.defaultAction").possible == ("Allow", "Deny")
        assert at(record, "properties.networkAcls.bypass").possible == (None, "AzureServices")
        assert at(record, "sku.name") == "Standard_GRS"


def test_a_part_under_an_undecided_condition_may_not_be_there() -> None:
    owner = reference("azurerm_storage_account.a")
    body = child(store(account(), policy(owner, condition="count = var.n")), LIFECYCLE).body
    assert isinstance(body, Unknown)
    assert body.possible[0] is None


def test_a_part_under_its_stores_own_condition_is_there_when_the_store_is() -> None:
    both = {"condition": "count = var.enabled ? 1 : 0"}
    of = instance("module.m.azurerm_storage_account.a", {"name": "a"}, **both)
    part = policy(
        reference("module.m.azurerm_storage_account.a"), "module.m.azurerm_storage_management_policy.p", **both
    )
    found = store(of, part)
    assert found.condition == "count = var.enabled ? 1 : 0"
    assert rules_of(child(found, LIFECYCLE).body)
    outside = policy(reference("module.m.azurerm_storage_account.a"), **both)
    assert isinstance(child(store(of, outside), LIFECYCLE).body, Unknown)


def test_what_a_plan_destroys_is_no_part_any_more() -> None:
    owner = reference("azurerm_storage_account.a")
    assert child(store(account(), policy(owner, action="delete")), LIFECYCLE).body is None
    assert not [r for r in read(account(), lock(owner, action="delete")) if isinstance(r, Resource) and r.name == "l"]
    assert not read(replace(account(), action="forget"))


def test_a_store_that_a_plan_destroys_is_nothing_but_its_fate() -> None:
    gone = replace(account(), action="delete")
    found = store(gone)
    assert found.body is None
    assert [one.name for one in found.children] == ["lifecycle"]
    assert found.children[0].body["action"] == "delete"  # type: ignore[index]


def test_a_store_that_moves_to_another_address_is_destroyed_and_made() -> None:
    gone = replace(account("old", name="same"), action="delete")
    made = replace(account("new", name="same"), action="create")
    found = [r for r in read(gone, made) if isinstance(r, Resource)]
    assert len({record.id for record in found}) == 2
    (stays,) = (record for record in found if record.body is not None)
    assert not stays.id.endswith(")")


def test_what_is_destroyed_of_a_store_is_told_with_it() -> None:
    container = instance(
        'azurerm_storage_container.c["old"]',
        {"name": "old", "storage_account_id": f"/subscriptions/{SUBSCRIPTION}{ID}"},
        action="delete",
    )
    database = instance("azurerm_cosmosdb_sql_database.d", {"name": "d", "account_name": LATER}, action="replace")
    cosmos = instance("azurerm_cosmosdb_account.c", {"name": "c", "resource_group_name": "rg"}, action="none")
    of = replace(account(), action="none")
    records = stores(read(of, container, database, cosmos))
    assert [entry["address"] for entry in at(records["a"], "terraform/lifecycle:destroyed")] == [container.address]
    (unsure,) = at(records["c"], "terraform/lifecycle:destroyed")
    assert isinstance(unsure, Unknown)


@pytest.mark.parametrize("kind", sorted(PARTS))
def test_every_kind_of_part_may_be_destroyed(kind: str) -> None:
    names = ("azurerm_storage_account", "azurerm_cosmosdb_account", "azurerm_key_vault", "azurerm_app_configuration")
    vaults = ("azurerm_data_protection_backup_vault", "azurerm_recovery_services_vault")
    everything = [instance(f"{name}.x", {"name": "x"}, action="none") for name in (*names, *vaults)]
    part = instance(f"{kind}.p", {"name": "p"}, action="delete")
    told = [at(record, "terraform/lifecycle:destroyed") for record in _all(read(*everything, part))]
    assert sorted(map(len, told)) == [0, 0, 0, 0, 0, 1]


def _all(records: list[Record]) -> list[Resource]:
    return [record for record in records if isinstance(record, Resource)]


# ── locks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "scope",
    [
        reference("azurerm_storage_account.a"),
        reference("azurerm_resource_group.rg"),
        f"/subscriptions/{NOBODY}{ID}",
        f"/subscriptions/{NOBODY}/resourceGroups/RG",
        f"/subscriptions/{NOBODY}",
    ],
)
def test_a_lock_holds_for_what_it_stands_on_and_all_below(scope: Any) -> None:
    records = read(account(resource_group_name=reference("azurerm_resource_group.rg", "name")), group(), lock(scope))
    finding = judged(records, "storage-delete-lock")["a"]
    assert finding.outcome is Outcome.PASS, finding.message


@pytest.mark.parametrize(
    "scope",
    [
        LATER,
        None,
        reference("azurerm_storage_account.b"),
        reference("azurerm_resource_group.other"),
        3,
        reference("azurerm_storage_account.a", ""),
        replace(reference("azurerm_storage_account.a"), below="/blobServices/default/containers/c"),
    ],
)
def test_a_lock_elsewhere_or_on_nobody_knows_what_makes_nothing_pass(scope: Any) -> None:
    found = judged(read(account(), account("b"), group("other"), lock(scope)), "storage-delete-lock")
    assert found["a"].outcome is Outcome.UNKNOWN


def test_a_lock_under_an_undecided_condition_makes_nothing_pass() -> None:
    held = lock(reference("azurerm_storage_account.a"), condition="count = var.n")
    assert judged(read(account(), held), "storage-delete-lock")["a"].outcome is Outcome.UNKNOWN


def test_a_lock_of_an_unknown_level_makes_nothing_pass() -> None:
    values = {"name": "l", "scope": reference("azurerm_storage_account.a"), "lock_level": LATER}
    found = judged(read(account(), instance("azurerm_management_lock.l", values)), "storage-delete-lock")
    assert found["a"].outcome is Outcome.UNKNOWN


def test_a_lock_on_one_of_several_instances() -> None:
    accounts = [account("a", key) for key in ('["x"]', '["y"]')]
    held = lock(reference('azurerm_storage_account.a["x"]'))
    found = judged(read(*accounts, held), "storage-delete-lock")
    assert found["ax"].outcome is Outcome.PASS
    assert found["ay"].outcome is Outcome.UNKNOWN
    unsure = judged(read(*accounts, lock(reference("azurerm_storage_account.a"))), "storage-delete-lock")
    assert {finding.outcome for finding in unsure.values()} == {Outcome.UNKNOWN}


# ── backups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def backup_vault(**values: Any) -> Instance:
    written = {"name": "v", "resource_group_name": "rg", "datastore_type": "VaultStore", "redundancy": "GeoRedundant"}
    return instance("azurerm_data_protection_backup_vault.v", {**written, **values})


def protection(of: Any, vault: Any, **values: Any) -> Instance:
    policy_id = reference("azurerm_data_protection_backup_policy_blob_storage.p")
    written = {"name": "i", "vault_id": vault, "storage_account_id": of, "backup_policy_id": policy_id, **values}
    return instance("azurerm_data_protection_backup_instance_blob_storage.i", written)


VAULT = reference("azurerm_data_protection_backup_vault.v")


def test_a_backup_instance_is_its_vaults_and_speaks_of_its_account() -> None:
    plan = instance("azurerm_data_protection_backup_policy_blob_storage.p", {"name": "p", "vault_id": VAULT})
    records = read(
        account(), account("b"), backup_vault(), plan, protection(reference("azurerm_storage_account.a"), VAULT)
    )
    made = child(stores(records)["v"], "backupInstances/i")
    assert at(made, "properties.dataSourceInfo.resourceID") == f"/subscriptions/{NOBODY}{ID}"
    assert at(made, "properties.policyInfo.policyId") == f"{made.parent}/backupPolicies/p"
    assert child(stores(records)["v"], "backupInstances/*").body is None
    found = judged(records, "storage-backup")
    assert found["a"].outcome is Outcome.PASS
    # All vaults of the configuration were seen, and none protects this one.
    assert found["b"].outcome is Outcome.FAIL


def test_without_a_vault_nobody_says_that_there_is_no_backup() -> None:
    records = read(account())
    assert not [record for record in records if isinstance(record, Listing)]
    assert judged(records, "storage-backup")["a"].outcome is Outcome.UNKNOWN


def test_a_backup_in_a_vault_that_is_elsewhere() -> None:
    records = read(account(), protection(reference("azurerm_storage_account.a"), LATER))
    assert judged(records, "storage-backup")["a"].outcome is Outcome.PASS


def test_a_backup_of_nobody_knows_what_hides_that_there_is_none() -> None:
    found = judged(read(account(), backup_vault(), protection(LATER, VAULT)), "storage-backup")
    assert found["a"].outcome is Outcome.UNKNOWN


def test_a_vault_that_may_have_more_instances_says_so() -> None:
    other = instance("azurerm_data_protection_backup_vault.w", {"name": "w", "resource_group_name": "rg"})
    records = read(account(), backup_vault(), other, protection(reference("azurerm_storage_account.a"), LATER))
    for name in ("v", "w"):
        assert isinstance(child(stores(records)[name], "backupInstances/*").body, Unknown)


@pytest.mark.parametrize("vault", ["r", reference("azurerm_recovery_services_vault.r", "name")])
@pytest.mark.parametrize("through", [False, True])
def test_a_protected_file_share_is_its_vaults(vault: Any, through: bool) -> None:
    """Its account is often named by way of the container that the account is in, as the provider's own example does."""
    of, account_id = "azurerm_backup_container_storage_account.c", reference("azurerm_storage_account.a")
    recovery = instance(
        "azurerm_recovery_services_vault.r", {"name": "r", "resource_group_name": "rg", "sku": "Standard"}
    )
    share = instance(
        "azurerm_backup_protected_file_share.s",
        {
            "resource_group_name": "rg",
            "recovery_vault_name": vault,
            "source_storage_account_id": reference(of, "storage_account_id") if through else account_id,
            "source_file_share_name": "s",
        },
    )
    container = instance(of, {"recovery_vault_name": vault, "storage_account_id": account_id})
    records = read(account(account_kind="FileStorage"), recovery, share, container)
    (item,) = (one for one in stores(records)["r"].children if one.type == backup.PROTECTED_ITEM and one.name != "*")
    assert at(item, "properties.sourceResourceId") == f"/subscriptions/{NOBODY}{ID}"
    assert len({one.id for one in stores(records)["r"].children}) == len(stores(records)["r"].children)


# ── gaps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

GAP = Gap("main.tf", "it could not be parsed", Origin("main.tf", 7))


def test_what_could_not_be_read_may_declare_what_is_not_there() -> None:
    records = read(account(), backup_vault(), gaps=[GAP])
    assert GAP in records
    listings = [record for record in records if isinstance(record, Listing)]
    assert listings
    assert all(listing.declared and listing.missing is not None for listing in listings)
    found = stores(records)["a"]
    for label in ("blobServices/default", "fileServices/default", LIFECYCLE):
        assert isinstance(child(found, label).body, Unknown)
    assert judged(records, "storage-blob-soft-delete")["a"].outcome is Outcome.UNKNOWN
    assert judged(records, "storage-backup")["a"].outcome is Outcome.UNKNOWN


def test_what_is_there_stands_beside_a_gap() -> None:
    blobs = [{"delete_retention_policy": [{"days": 30}]}]
    found = judged(read(account(blob_properties=blobs), gaps=[GAP]), "storage-blob-soft-delete")
    assert found["a"].outcome is Outcome.PASS


def test_a_gap_among_the_instances_hides_as_well() -> None:
    records = list(estate.records([account(), GAP], (), CATALOG))
    assert isinstance(child(stores(records)["a"], LIFECYCLE).body, Unknown)
    assert GAP in records


def test_a_kind_that_cannot_have_a_child_does_not_need_it_declared() -> None:
    body = child(store(account(account_kind="BlockBlobStorage"), gaps=[GAP]), "fileServices/default").body
    assert isinstance(body, Unknown)
    assert body.unseen


# ── what is not known makes nothing pass ─────────────────────────────────────────────────────────────────────────────

KEEP = {
    "blob_properties": [
        {
            "versioning_enabled": True,
            "delete_retention_policy": [{"days": 365}],
            "container_delete_retention_policy": [{"days": 365}],
        }
    ]
}


@pytest.mark.parametrize(
    "rule", ["storage-blob-soft-delete", "storage-container-soft-delete", "storage-blob-versioning"]
)
@pytest.mark.parametrize("unknown", [LATER, [LATER], reference("azurerm_storage_account.other"), Unknown("var.x")])
def test_an_unknown_block_passes_nothing(rule: str, unknown: Any) -> None:
    assert judged(read(account(**KEEP)), rule)["a"].outcome is Outcome.PASS
    assert judged(read(account(blob_properties=unknown)), rule)["a"].outcome is Outcome.UNKNOWN
    if rule != "storage-blob-versioning":
        name = "delete_retention_policy" if "blob" in rule else "container_delete_retention_policy"
        inside = [{**KEEP["blob_properties"][0], name: unknown}]
        assert judged(read(account(blob_properties=inside)), rule)["a"].outcome is Outcome.UNKNOWN


def test_a_default_that_is_not_known_passes_nothing() -> None:
    values = {"name": "a", "blob_properties": [{"delete_retention_policy": [{}]}], "account_kind": "StorageV2"}
    records = read(instance("azurerm_storage_account.a", values, 9, complete=False))
    assert judged(records, "storage-blob-soft-delete")["a"].outcome is Outcome.UNKNOWN


def test_alternatives_that_agree_decide() -> None:
    days = Unknown("var.long", ([{"days": 90}], [{"days": 365}]))
    blobs = [{"delete_retention_policy": days}]
    assert judged(read(account(blob_properties=blobs)), "storage-blob-soft-delete")["a"].outcome is Outcome.PASS
    maybe = [{"delete_retention_policy": Unknown("var.keep", ([{"days": 90}], []))}]
    assert judged(read(account(blob_properties=maybe)), "storage-blob-soft-delete")["a"].outcome is Outcome.UNKNOWN


# ── azapi ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def azapi(address: str, kind: str, body: Any, **values: Any) -> Instance:
    return instance(f"azapi_resource.{address}", {"type": kind, "body": body, **values}, None)


def azapi_account(body: Any = None, **values: Any) -> Instance:
    body = {"sku": {"name": "Standard_ZRS"}, "kind": "StorageV2"} if body is None else body
    parent = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    written = {"name": "a", "parent_id": parent, "location": "westeurope", **values}
    return azapi("a", f"{storage.ACCOUNT}@2023-05-01", body, **written)


def test_an_azapi_body_of_which_some_is_not_told() -> None:
    one = azapi_account()
    found = store(replace(one, values=Partly(one.values, Unknown("the plan tells no change"))))
    assert found.body == Unknown("the plan tells no change")


BLOBS = {"properties": {"deleteRetentionPolicy": {"enabled": True, "days": 30}}}


@pytest.mark.parametrize("text", [False, True])
def test_an_azapi_body_is_arms_already(text: bool) -> None:
    body = {"sku": {"name": "Standard_ZRS"}, "kind": "StorageV2", "properties": {"isHnsEnabled": True}}
    found = store(azapi_account(json.dumps(body) if text else body))
    assert found.id == f"/subscriptions/{SUBSCRIPTION}{ID}"
    assert found.api_version == "2023-05-01"
    assert found.region == "westeurope"
    assert at(found, "properties.isHnsEnabled") is True
    assert child(found, "blobServices/default").body is None


@pytest.mark.parametrize(
    "parent",
    [reference("azapi_resource.a"), f"/subscriptions/{SUBSCRIPTION}{ID}", reference("azurerm_storage_account.a")],
)
def test_an_azapi_child_finds_its_store(parent: Any) -> None:
    of = account(id=f"/subscriptions/{SUBSCRIPTION}{ID}") if "azurerm" in str(parent) else azapi_account()
    blobs = azapi("b", f"{storage.BLOB}@2023-05-01", BLOBS, name="default", parent_id=parent)
    assert child(store(of, blobs), "blobServices/default").body["properties"] == BLOBS["properties"]  # type: ignore[index]


def test_an_azapi_child_below_a_part_that_is_only_written_in_its_parents_id() -> None:
    of = azapi_account({"kind": "FileStorage", "sku": {"name": "Premium_LRS"}})
    parent = replace(reference("azapi_resource.a"), below="/fileServices/default")
    found = store(of, azapi("s", f"{storage.SHARES}@2023-05-01", {}, name="s", parent_id=parent))
    assert child(found, "fileServices/default/shares/s").type == storage.SHARES


def test_an_azapi_grandchild_finds_its_store() -> None:
    of = azapi_account({"kind": "FileStorage", "sku": {"name": "Premium_LRS"}})
    files = azapi("f", f"{storage.FILE}@2023-05-01", {}, name="default", parent_id=reference("azapi_resource.a"))
    share = azapi("s", f"{storage.SHARES}@2023-05-01", {}, name="s", parent_id=reference("azapi_resource.f"))
    found = store(of, files, share)
    assert child(found, "fileServices/default/shares/s").type == storage.SHARES
    assert child(found, "fileServices/default/shares/*").body is None


def update(kind: str, body: Any, **values: Any) -> Instance:
    return instance("azapi_update_resource.u", {"type": f"{kind}@2023-05-01", "body": body, **values}, None)


@pytest.mark.parametrize(
    "target",
    [
        {"resource_id": f"/subscriptions/{SUBSCRIPTION}{ID}/blobServices/default"},
        {"parent_id": reference("azurerm_storage_account.a"), "name": "default"},
        {"resource_id": replace(reference("azurerm_storage_account.a"), below="/blobServices/default")},
    ],
)
def test_an_azapi_update_is_merged_into_what_it_updates(target: Mapping[str, Any]) -> None:
    written = {"properties": {"isVersioningEnabled": True, "deleteRetentionPolicy": {"days": 90}}}
    of = account(id=f"/subscriptions/{SUBSCRIPTION}{ID}", blob_properties=[{"delete_retention_policy": [{"days": 30}]}])
    found = store(of, update(storage.BLOB, written, **target))
    blobs = "blobServices/default:properties."
    assert at(found, f"{blobs}isVersioningEnabled") is True
    assert at(found, f"{blobs}deleteRetentionPolicy.enabled") is True
    assert at(found, f"{blobs}deleteRetentionPolicy.days") == 90


@pytest.mark.parametrize(
    "target",
    [
        {"resource_id": reference("azurerm_storage_account.a")},
        {"parent_id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg", "name": "a"},
    ],
)
def test_an_azapi_update_of_a_store(target: Mapping[str, Any]) -> None:
    of = account(id=f"/subscriptions/{SUBSCRIPTION}{ID}")
    found = store(of, update(storage.ACCOUNT, {"sku": {"name": "Standard_LRS"}}, **target))
    assert at(found, "sku.name") == "Standard_LRS"
    assert at(found, "kind") == "StorageV2"


def test_an_update_of_nobody_knows_what_may_be_of_anything() -> None:
    found = store(account(), update(storage.ACCOUNT, {"sku": {"name": "Standard_LRS"}}, resource_id=LATER))
    assert at(found, "sku.name").possible == ("Standard_GRS", "Standard_LRS")


@pytest.mark.parametrize(
    "body", [LATER, "{", "[]", "3", "[" * 5000, [1], 3, {"kind": "StorageV2", "sku": LATER}, {"sku": {"name": LATER}}]
)
def test_an_azapi_body_that_is_not_known_passes_nothing(body: Any) -> None:
    found = judged(read(azapi_account(body)), "storage-redundancy")
    assert found["a"].outcome is Outcome.UNKNOWN


def test_references_and_depth_in_an_azapi_body() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    body = {
        "kind": LATER,
        "sku": {"name": reference("azapi_resource.other", "output")},
        "properties": [reference("x.y"), deep],
    }
    found = store(azapi_account(body))
    assert at(found, "sku.name") == Unknown("known after apply: azapi_resource.other.output")
    assert isinstance(at(found, "properties")[0], Unknown)
    assert "deep" in str(found.body)


def test_a_sensitive_body_may_say_anything_it_names() -> None:
    found = store(azapi_account(sensitive_body={"properties": {"allowSharedKeyAccess": False}}))
    assert isinstance(at(found, "properties.allowSharedKeyAccess"), Unknown)
    assert at(found, "sku.name") == "Standard_ZRS"
    assert isinstance(store(azapi_account(sensitive_body=LATER)).body, Unknown)


def test_azapi_actions_and_other_types_are_nothing() -> None:
    action = instance("azapi_resource_action.x", {"type": f"{storage.ACCOUNT}@2023-05-01", "action": "listKeys"}, None)
    other = azapi("o", "Microsoft.Web/sites@2023-01-01", {}, name="o", parent_id="/subscriptions/s/resourceGroups/g")
    unknown = azapi("u", "", {}, name="u")
    strange = instance("azapi_resource.t", {"type": LATER, "name": "t"}, None)
    assert not read(action, other, unknown, strange)


def test_an_azapi_lock() -> None:
    body = {"properties": {"level": "CanNotDelete"}}
    held = azapi(
        "l", "Microsoft.Authorization/locks@2020-05-01", body, name="l", parent_id=reference("azapi_resource.a")
    )
    assert judged(read(azapi_account(), held), "storage-delete-lock")["a"].outcome is Outcome.PASS


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_state_is_deployed_and_a_condition_is_carried() -> None:
    of = replace(account(), deployed=True, condition="count = var.n")
    found = store(of)
    assert found.deployed
    assert found.condition == "count = var.n"
    assert all(one.deployed for one in found.children if one.name != "lifecycle")


def test_resources_that_no_rule_looks_at_are_left_out() -> None:
    others = [
        instance("azurerm_storage_account_local_user.u", {"name": "u", "storage_account_id": LATER}),
        instance("azurerm_cosmosdb_sql_database.d", {"name": "d", "account_name": LATER}),
        instance("azurerm_linux_web_app.w", {"name": "w"}),
        group(),
    ]
    assert not read(*others)
    assert list(stores(read(account(), *others))) == ["a"]


def test_attributes_that_refer_to_one_another_end() -> None:
    of = "azurerm_backup_container_storage_account."
    circle = [
        instance(
            of + name, {"recovery_vault_name": "v", "storage_account_id": reference(of + other, "storage_account_id")}
        )
        for name, other in (("a", "b"), ("b", "a"))
    ]
    found = judged(read(account(), *circle, lock(reference(of + "a", "storage_account_id"))), "storage-delete-lock")
    assert found["a"].outcome is Outcome.UNKNOWN


def test_a_circle_of_references_ends() -> None:
    a = azapi("a", f"{storage.ACCOUNT}@2023-05-01", {}, name="a", parent_id=reference("azapi_resource.b"))
    b = azapi("b", f"{storage.ACCOUNT}@2023-05-01", {}, name="b", parent_id=reference("azapi_resource.a"))
    assert len({record.id for record in _all(read(a, b))}) == 2

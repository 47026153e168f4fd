"""Two sides of one store and of many: what matches what, what is only here, and what cannot be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

import auditor
from auditor import comparison
from auditor.comparison.matching import NO_SUBSCRIPTION, Key, NameMap, load_map, match, same_id
from auditor.delta import FAIL_ON, Delta, Difference, Drift, Side
from auditor.errors import PolicyError, UsageError
from auditor.model import Gap, Listing, Resource, Subject, Unknown
from auditor.sources.arm import records
from tests.drift.sides import (
    ACCOUNT,
    BACKUP,
    BODIES,
    CONFIG,
    COSMOS,
    HERE,
    LOCKS,
    SUBSCRIPTION,
    VAULT,
    compared,
    gap,
    policy,
    resource_id,
    side,
    store,
    told,
)  # fmt: skip

PURGE = {"properties": {"enablePurgeProtection": True}}
NO_PURGE = {"properties": {"enablePurgeProtection": False}}
WEAKER = {("one", "properties.enablePurgeProtection"): "weaker"}


def unknown(*possible: Any, unseen: bool = False) -> Unknown:
    return Unknown("nobody knows", possible, None, unseen)


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_unset_is_set_to_the_default() -> None:
    assert told(compared(store(VAULT), store(VAULT, body=NO_PURGE))) == {}
    assert told(compared(store(VAULT, body=PURGE), store(VAULT))) == WEAKER
    (found,) = compared(store(VAULT, body=PURGE), store(VAULT)).differences
    assert (found.reference, found.current) == (True, False)
    assert found.reason.startswith("current: left out, so the default applies (learn.microsoft.com/")


def test_names_and_words_compare_without_case_and_numbers_as_text() -> None:
    body = {"Properties": {"ENABLEPURGEPROTECTION": "True", "softDeleteRetentionInDays": "90"}}
    assert told(compared(store(VAULT, body=body), store(VAULT, body=PURGE))) == {}


@pytest.mark.parametrize(("one", "other"), [("East US 2", "eastus2"), ("northcentralus(stage)", "North Central US")])
def test_regions_compare_without_blanks(one: str, other: str) -> None:
    assert told(compared(store(VAULT, region=one), store(VAULT, region=other))) == {}
    assert told(compared(store(VAULT, region=one), store(VAULT, region="uksouth"))) == {
        ("one", "location"): "different"
    }


def test_what_is_unknown_is_never_no_drift() -> None:
    doubtful = store(VAULT, body={"properties": {"enablePurgeProtection": unknown()}}, deployed=False)
    for sides in ((doubtful, store(VAULT, body=PURGE)), (store(VAULT, body=PURGE), doubtful), (doubtful, doubtful)):
        delta = compared(*sides)
        assert told(delta) == {("one", "properties.enablePurgeProtection"): "unknown"}
        assert delta.differences[0].reason.endswith("nobody knows")
        assert [delta.exit_code(name) for name in FAIL_ON] == [3, 3, 3]


@pytest.mark.parametrize(
    ("reference", "possible", "expected"),
    [
        (90, (90, 90), {}),
        (90, (7, 30), {("one", "properties.softDeleteRetentionInDays"): "weaker"}),
        (7, (30, 90), {("one", "properties.softDeleteRetentionInDays"): "stronger"}),
        (30, (7, 90), {("one", "properties.softDeleteRetentionInDays"): "unknown"}),
        (30, (30, 90), {("one", "properties.softDeleteRetentionInDays"): "unknown"}),
    ],
)
def test_what_all_possible_values_agree_on_stands(reference: int, possible: tuple[int, ...], expected: Any) -> None:
    one = store(VAULT, body={"properties": {"softDeleteRetentionInDays": reference}})
    other = store(VAULT, body={"properties": {"softDeleteRetentionInDays": unknown(*possible)}}, deployed=False)
    assert told(compared(one, other)) == expected


def test_a_branch_that_leaves_a_setting_out_has_the_default_of_the_api() -> None:
    branches = unknown({"enablePurgeProtection": False}, {})
    assert told(compared(store(VAULT), store(VAULT, body={"properties": branches}, deployed=False))) == {}


def test_what_a_template_leaves_to_the_api_cannot_be_told_where_nobody_documents_it() -> None:
    """The tier of a store, say: ARM wants one, so a template without it is not finished."""
    body = {"sku": {"name": None}}
    declared, live = store(CONFIG, body=body, deployed=False), store(CONFIG)
    assert told(compared(declared, live, "well-architected"))["one", "sku.name"] == "unknown"
    # Where the baseline requires nothing of it, it is set apart, as a scan sets it apart.
    assert [one.path for one in compared(declared, live).not_compared] == ["sku.name"]
    assert ("one", "sku.name") not in told(compared(store(CONFIG, body=body), store(CONFIG, body=body)))


def test_settings_of_a_policy_that_is_switched_off_have_no_effect() -> None:
    def retention(enabled: bool, days: int | None) -> Resource:
        body = {"properties": {"deleteRetentionPolicy": {"enabled": enabled, "days": days}}}
        return store(ACCOUNT, children={"blobServices/default": body, "fileServices/default": {}})

    path = "blobServices/default:properties.deleteRetentionPolicy"
    assert told(compared(retention(False, 7), retention(False, None))) == {}
    assert told(compared(retention(True, 30), retention(False, None))) == {("one", f"{path}.enabled"): "weaker"}
    assert told(compared(retention(False, 7), retention(True, 30))) == {("one", f"{path}.enabled"): "stronger"}


def test_a_pair_of_alike_stores_is_not_taken_for_one_that_differs() -> None:
    """What was seen to be the same is remembered by its values, the switches that no rule reads among them."""

    def account(name: str, days: int, enabled: Any) -> Resource:
        policy = {"enabled": enabled, "days": days}
        blobs = {"properties": {"restorePolicy": policy, "isVersioningEnabled": True, "changeFeed": {"enabled": True}}}
        return store(ACCOUNT, name, children={"blobServices/default": blobs, "fileServices/default": {}})

    left = side(*(account(f"a{n}", 7, n > 1) for n in range(4)))
    right = side(*(account(f"a{n}", 6, n > 1) for n in range(4)))
    assert {name for name, _ in told(compared(left, right))} == {"a2", "a3"}
    assert told(compared(left, left)) == {}


def test_settings_of_another_mode_have_no_effect() -> None:
    continuous = {
        "properties": {"backupPolicy": {"type": "Continuous", "continuousModeProperties": {"tier": "Continuous30Days"}}}
    }
    periodic = {
        "properties": {"backupPolicy": {"type": "Periodic", "periodicModeProperties": {"backupIntervalInMinutes": 60}}}
    }
    found = told(compared(store(COSMOS, body=continuous), store(COSMOS, body=periodic)))
    assert found == {("one", "properties.backupPolicy.type"): "weaker"}


def test_a_rule_that_does_not_apply_on_one_side_compares_nothing_but_why() -> None:
    free = store(
        CONFIG,
        body={
            "sku": {"name": "free"},
            "properties": {"softDeleteRetentionInDays": 1, "defaultKeyValueRevisionRetentionPeriodInSeconds": 60},
        },
    )
    paid = store(
        CONFIG,
        body={"properties": {"softDeleteRetentionInDays": 7, "defaultKeyValueRevisionRetentionPeriodInSeconds": 60}},
    )
    assert told(compared(paid, free)) == {("one", "sku.name"): "weaker"}


def test_rules_and_statements_of_a_difference() -> None:
    (found,) = compared(
        store(VAULT, body={"properties": {"softDeleteRetentionInDays": 90}}),
        store(VAULT, body={"properties": {"softDeleteRetentionInDays": 7}}),
    ).differences
    assert found.rules == ("keyvault-soft-delete-retention",)
    assert found.statements == ("K2", "K3")
    assert (found.reference, found.current) == (90, 7)


def test_only_the_rules_that_were_asked_for() -> None:
    both = {"properties": {"enablePurgeProtection": False, "softDeleteRetentionInDays": 7}}
    delta = comparison.drift(
        side(store(VAULT, body=PURGE)), side(store(VAULT, body=both)), rule=["keyvault-purge-protection"]
    )
    assert told(delta) == WEAKER
    assert list(delta.rules) == ["keyvault-purge-protection"]


# ── collections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def replicas(*found: tuple[str, str], state: str = "Succeeded", end: Any = None) -> Resource:
    children = {
        f"replicas/{name}": {"location": place, "properties": {"provisioningState": state}} for name, place in found
    }
    return store(CONFIG, children={**children, "replicas/*": end})


def test_replicas_that_came_went_and_moved() -> None:
    assert told(compared(replicas(), replicas(("a", "uksouth")))) == {("one", "replicas/a"): "stronger"}
    assert told(compared(replicas(("a", "uksouth")), replicas())) == {("one", "replicas/a"): "weaker"}
    assert told(compared(replicas(("a", "uksouth")), replicas(("a", "UK South")))) == {}
    assert told(compared(replicas(("a", "uksouth")), replicas(("b", "uksouth")))) == {}
    assert told(compared(replicas(("a", "uksouth")), replicas(("a", "ukwest")))) == {
        ("one", "replicas/a:location"): "different"
    }


def test_a_replica_in_the_stores_own_region_counts_for_nothing() -> None:
    assert told(compared(replicas(), replicas(("a", "westeurope")))) == {("one", "replicas/a"): "different"}


def test_a_replica_that_stopped_working() -> None:
    (found,) = compared(replicas(("a", "uksouth")), replicas(("a", "uksouth"), state="Failed")).differences
    assert (found.path, found.drift) == ("replicas/a:properties.provisioningState", Drift.WEAKER)
    assert (found.reference, found.current) == ("Succeeded", "Failed")


def test_a_state_that_decides_nothing_is_no_drift() -> None:
    declared = store(CONFIG, children={"replicas/a": {"location": "uksouth"}, "replicas/*": None}, deployed=False)
    assert told(compared(declared, replicas(("a", "uksouth")))) == {}


def test_a_list_that_was_not_read_whole() -> None:
    cut = replicas(end=Unknown("403"))
    assert told(compared(replicas(("a", "uksouth")), cut)) == {("one", "replicas/a"): "unknown"}
    assert told(compared(cut, cut)) == {("one", "replicas"): "unknown"}
    # What is known to have been there and is known to be gone is known.
    seen = replicas(("a", "uksouth"), end=Unknown("403"))
    assert told(compared(seen, replicas())) == {("one", "replicas/a"): "weaker"}


def regions(*names: str, zones: bool = False) -> Resource:
    places = [{"locationName": name, "isZoneRedundant": zones} for name in names]
    return store(COSMOS, body={"properties": {"backupPolicy": {"type": "Continuous"}, "locations": places}})


def test_regions_of_an_account() -> None:
    assert told(compared(regions("West Europe", "North Europe"), regions("northeurope", "westeurope"))) == {}
    assert told(compared(regions("West Europe", "North Europe"), regions("West Europe"))) == {
        ("one", "properties.locations[North Europe]"): "weaker"
    }
    assert told(compared(regions("West Europe"), regions("UK South"))) == {
        ("one", "properties.locations[West Europe].locationName"): "different"
    }


def test_an_element_that_nobody_knows() -> None:
    doubtful = store(
        COSMOS,
        body={
            "properties": {
                "backupPolicy": {"type": "Continuous"},
                "locations": [{"locationName": "West Europe"}, unknown()],
            }
        },
        deployed=False,
    )
    assert told(compared(doubtful, regions("West Europe"))) == {("one", "properties.locations[*]"): "unknown"}


def test_a_region_nobody_knows_anything_of_is_no_doubt_about_drift() -> None:
    assert told(compared(regions("Mars"), regions("Mars"))) == {}
    assert told(compared(regions("Mars", "Venus"), regions("Mars"))) == {
        ("one", "properties.locations[Venus]"): "weaker"
    }


def lifecycle(**days: int) -> Resource:
    rules = [
        {"name": name, "definition": {"actions": {"version": {"delete": {"daysAfterCreationGreaterThan": count}}}}}
        for name, count in days.items()
    ]
    return store(
        ACCOUNT,
        children={
            "managementPolicies/default": {"properties": {"policy": {"rules": rules}}},
            "blobServices/default": {},
            "fileServices/default": {},
        },
    )


def test_lifecycle_rules() -> None:
    rules = "managementPolicies/default:properties.policy.rules"
    inside = "definition.actions.version.delete.daysAfterCreationGreaterThan"
    none = store(ACCOUNT, children={"blobServices/default": {}, "fileServices/default": {}})
    assert told(compared(lifecycle(a=10), lifecycle(a=20))) == {("one", f"{rules}[a].{inside}"): "stronger"}
    assert told(compared(none, lifecycle(a=10))) == {("one", f"{rules}[a]"): "weaker"}
    assert told(compared(lifecycle(a=10), none)) == {("one", f"{rules}[a]"): "stronger"}
    # One that keeps versions long enough hurts nobody, and is another setting all the same.
    assert told(compared(none, lifecycle(a=90))) == {("one", f"{rules}[a]"): "different"}
    assert told(compared(lifecycle(a=10, b=20), lifecycle(b=20, a=10))) == {}


def lock(name: str, level: str, scope: str = "") -> Resource:
    place = scope or resource_id(ACCOUNT, "one")
    return Resource(
        f"{place}/providers/{LOCKS}/{name}", LOCKS, name, None, {"properties": {"level": level}}, HERE, deployed=True
    )


def test_locks_are_told_of_on_the_store_they_hold_for() -> None:
    one = store(ACCOUNT, children={"blobServices/default": {}, "fileServices/default": {}})
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    locked = side(one, lock("keep", "CanNotDelete"))
    assert told(compared(locked, side(one))) == {("one", "locks/keep"): "weaker"}
    assert told(compared(locked, side(one, lock("keep", "CanNotDelete", group)))) == {}
    assert told(compared(locked, side(one, lock("other", "ReadOnly")))) == {
        ("one", "locks/keep:properties.level"): "stronger"
    }
    assert told(compared(locked, side(one, listed=False))) == {}
    assert {(found.subject.name, found.path) for found in compared(locked, side(one, listed=False)).not_compared} >= {
        ("one", "locks/keep")
    }


# ── which store is which ─────────────────────────────────────────────────────────────────────────────────────────────


def at(name: str, group: str = "rg", subscription: str = SUBSCRIPTION, kind: str = VAULT) -> str:
    return resource_id(kind, name, group, subscription)


def test_a_scope_that_was_not_given_can_be_any() -> None:
    declared = store(VAULT, body=PURGE, deployed=False, at=at("one", "{resource-group}", NO_SUBSCRIPTION))
    assert told(compared(declared, store(VAULT, body=NO_PURGE))) == WEAKER
    assert same_id(declared.id, at("ONE")) is True
    assert same_id(declared.id, at("two")) is False
    assert records.NO_SUBSCRIPTION == NO_SUBSCRIPTION


def test_a_resource_that_moved_is_the_same_by_type_and_name() -> None:
    delta = compared(store(VAULT, body=PURGE), store(VAULT, body=NO_PURGE, at=at("One", "elsewhere")))
    assert set(told(delta).values()) == {"weaker"}
    assert delta.compared == 1


def test_what_is_on_one_side_only() -> None:
    delta = compared(side(store(VAULT), store(VAULT, "two")), side(store(VAULT), store(VAULT, "three")))
    assert [one.name for one in delta.only_in_reference] == ["two"]
    assert [one.name for one in delta.only_in_current] == ["three"]
    assert [delta.exit_code(name) for name in FAIL_ON] == [0, 1, 1]
    assert delta.summary() == {
        "weaker": 0,
        "stronger": 0,
        "different": 0,
        "unknown": 0,
        "only-in-reference": 1,
        "only-in-current": 1,
    }


def test_several_of_one_name_are_told_apart_by_their_groups_or_not_at_all() -> None:
    left = side(*(store(BACKUP, "b", at=at("b", group, kind=BACKUP)) for group in ("one", "two")))
    right = side(*(store(BACKUP, "b", at=at("b", group, kind=BACKUP)) for group in ("two", "one")))
    assert compared(left, right).compared == 2
    open_scope = side(store(BACKUP, "b", deployed=False, at=at("b", "{resource-group}", kind=BACKUP)))
    delta = compared(open_scope, right)
    assert delta.compared == 0
    assert [one.drift for one in delta.differences] == [Drift.UNKNOWN] * 3
    assert "/resourceGroups/two/" in delta.differences[0].reason
    assert "--map" in delta.differences[0].reason
    assert delta.exit_code("weaker") == 3


def unnamed(name: str = "{name}", **given: Any) -> Resource:
    return store(VAULT, name, {"name": Unknown("parameter 'name' has no value"), **given}, deployed=False, at=at(name))


def test_a_name_that_nobody_knows_is_matched_with_nothing() -> None:
    delta = compared(unnamed(**PURGE), store(VAULT, "kv-prod", NO_PURGE))
    assert told(delta) == {("{name}", "id"): "unknown", ("kv-prod", "id"): "unknown"}
    assert (delta.only_in_reference, delta.only_in_current, delta.compared) == ((), (), 0)
    assert "parameter 'name' has no value" in delta.differences[0].reason
    # Where nothing of its type is left, it is known to be missing.
    assert [one.name for one in compared(unnamed(), side(store(ACCOUNT))).only_in_reference] == ["{name}"]
    # Two readings of one template agree on what they call it.
    assert told(compared(unnamed(**PURGE), unnamed(**NO_PURGE))) == {
        ("{name}", "properties.enablePurgeProtection"): "weaker"
    }


@pytest.mark.parametrize("current", ["KV-prod", at("kv-prod")])
def test_a_map_says_what_it_is_called(current: str, tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(f'"{{name}}": " {current}/"\n{{name}} : kv-prdo\nno: such\n'.replace("{name} :", "'{name} ':"))
    delta = compared(unnamed(**PURGE), store(VAULT, "kv-prod", NO_PURGE), names=load_map(path))
    assert told(delta) == {("kv-prod", "properties.enablePurgeProtection"): "weaker"}
    assert delta.unused_map == (
        f"{path}:2: '{{name}}' of the reference is paired already; "
        "nothing in the current side is called 'kv-prdo'; did you mean 'kv-prod'?",
        f"{path}:3: nothing in the reference is called 'no'; nothing in the current side is called 'such'",
    )


def test_a_map_of_a_large_estate_is_looked_up_and_not_searched(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text("".join(f"kv{number}: other{number}\n" for number in range(20_000)))
    keys = [
        [Key(Subject(at(f"{prefix}{number}"), VAULT, f"{prefix}{number}", None, HERE)) for number in range(10_000)]
        for prefix in ("kv", "other")
    ]
    matching = match(*keys, load_map(path))
    assert matching.pairs == {number: number for number in range(10_000)}
    assert len(matching.unused_map) == 10_000


def test_two_of_one_id_are_said_to_be_two() -> None:
    delta = compared(side(store(VAULT), store(VAULT)), side(store(VAULT)))
    reasons = {one.reason for one in delta.differences}
    assert f"2 resources there have the id {store(VAULT).id}" in reasons
    assert f"it may be any of {store(VAULT).id}; say which with --map" in reasons


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- a\n", 1, "expected a mapping"),
        ("a: b\nc:\n", 2, "expected the name or id"),
        ("a: b\nc: [d]\n", 2, "expected the name or id"),
        ("a: b\n'': d\n", 2, "found an empty text"),
        ("a: b\nc: B\n", 2, "stands for 'a' already"),
        ("a: b\na: c\n", 2, "given twice"),
        ("a: {\n", 2, "not YAML"),
    ],
)
def test_a_bad_map_is_named_by_file_and_line(text: str, line: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=said) as error:
        load_map(path)
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert error.value.exit_code == 5


@pytest.mark.parametrize(
    ("text", "valid"), [('"{name}": kv\nst: stprod\n', True), ("a: 1\n", False), ("a: ' '\n", False), ("- a\n", False)]
)
def test_the_schema_of_maps_takes_what_is_loaded(text: str, valid: bool, home: Path, tmp_path: Path) -> None:
    schema = json.loads((home / "docs/map.schema.json").read_text())
    (tmp_path / "names.yaml").write_text(text)
    assert Draft202012Validator(schema).is_valid(yaml.safe_load(text)) is valid
    if valid:
        assert load_map(tmp_path / "names.yaml").pairs
    else:
        with pytest.raises(PolicyError):
            load_map(tmp_path / "names.yaml")


def test_a_map_that_names_several_or_two_types(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text("b: c\n")
    several = side(*(store(BACKUP, "b", at=at("b", group, kind=BACKUP)) for group in ("one", "two")))
    with pytest.raises(PolicyError, match="names.yaml:1: 'b' is the name of 2 resources of the reference"):
        compared(several, side(store(BACKUP, "c")), names=load_map(path))
    with pytest.raises(PolicyError, match="names.yaml:1: 'b' is of type"):
        compared(store(VAULT, "b"), store(ACCOUNT, "c"), names=load_map(path))
    assert NameMap() == NameMap(())


def test_a_map_holds_for_each_type_that_has_the_name_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "names.yaml"
    path.write_text("a: b\n")
    sides = side(store(VAULT, "a", PURGE), store(ACCOUNT, "a")), side(store(VAULT, "b", NO_PURGE), store(CONFIG, "b"))
    delta = compared(*sides, names=load_map(path))
    assert told(delta) == {("b", "properties.enablePurgeProtection"): "weaker"}
    assert [one.type for one in (*delta.only_in_reference, *delta.only_in_current)] == [ACCOUNT, CONFIG]
    assert delta.unused_map == ()


# ── what was not read ────────────────────────────────────────────────────────────────────────────────────────────────

LIST = f"/subscriptions/{SUBSCRIPTION}/providers/{VAULT}"


@pytest.mark.parametrize(
    "hidden",
    [
        Listing(f"/subscriptions/{SUBSCRIPTION}", VAULT, Unknown("403")),
        gap(LIST),
        gap(f"/subscriptions/{SUBSCRIPTION}"),
        gap(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"),
        gap("/subscriptions"),
        gap("main.bicep"),
        gap("/tmp/main.bicep"),
        gap(at("two")),
    ],
    ids=lambda one: getattr(one, "subject", "listing"),
)
def test_what_a_gap_may_hide_cannot_be_told(hidden: Gap | Listing) -> None:
    delta = compared(side(store(VAULT), store(VAULT, "two")), side(store(VAULT), hidden))
    assert told(delta) == {("two", "id"): "unknown"}
    assert delta.only_in_reference == ()
    turned = compared(side(store(VAULT), hidden), side(store(VAULT), store(VAULT, "two")))
    assert told(turned) == {("two", "id"): "unknown"}


@pytest.mark.parametrize(
    "other",
    [
        Listing(f"/subscriptions/{SUBSCRIPTION}", ACCOUNT, Unknown("403")),
        Listing(f"/subscriptions/{SUBSCRIPTION}", VAULT),
        gap(f"/subscriptions/{SUBSCRIPTION}/providers/{ACCOUNT}"),
        gap("/subscriptions/another"),
        gap(f"{resource_id(ACCOUNT, 'x')}/blobServices/default"),
    ],
    ids=lambda one: getattr(one, "subject", "listing"),
)
def test_what_no_gap_can_hide_is_missing(other: Gap | Listing) -> None:
    delta = compared(side(store(VAULT), store(VAULT, "two")), side(store(VAULT), other))
    assert [one.name for one in delta.only_in_reference] == ["two"]
    # A gap is never green, whatever it is about.
    assert delta.exit_code("weaker") == (3 if isinstance(other, Gap) else 0)


def test_a_child_that_was_not_read() -> None:
    children = {"blobServices/default": Unknown("403"), "fileServices/default": {}}
    one, other = (
        store(ACCOUNT, children=children),
        store(ACCOUNT, children={"blobServices/default": {}, "fileServices/default": {}}),
    )
    assert set(told(compared(one, other)).values()) == {"unknown"}
    assert all(path.startswith("blobServices/default:") for _, path in told(compared(one, other)))


def test_a_resource_under_a_condition_may_not_be_there() -> None:
    conditional = store(VAULT, condition="deployVault", deployed=False)
    assert told(compared(conditional, store(VAULT))) == {("one", "id"): "unknown"}
    assert told(compared(conditional, conditional)) == {}
    assert told(compared(side(conditional, store(ACCOUNT)), store(ACCOUNT))) == {("one", "id"): "unknown"}


def test_nothing_to_compare_is_no_success() -> None:
    assert compared(side(), side()).exit_code("any") == 4
    assert compared(side(store(VAULT)), side()).exit_code("weaker") == 4
    assert compared(side(store(VAULT)), side()).exit_code("different") == 1
    assert compared(side(), side(gap("x"))).exit_code("any") == 3


# ── baselines, and everything ────────────────────────────────────────────────────────────────────────────────────────


def test_a_baseline_is_held_against_what_runs() -> None:
    strict = policy("well-architected")
    one = store(VAULT, body={"properties": {"softDeleteRetentionInDays": 30, "enablePurgeProtection": None}})
    delta = comparison.compare(strict.baseline, side(one), strict)
    assert told(delta) == {
        ("one", "properties.softDeleteRetentionInDays"): "weaker",
        ("one", "properties.enablePurgeProtection"): "weaker",
    }
    assert {(found.reference, found.current) for found in delta.differences} == {
        ("at least 90 days", 30),
        (True, False),
    }
    assert (delta.reference, delta.compared) == (Side("well-architected", baseline=True), 1)
    turned = comparison.compare(side(one), strict.baseline, strict)
    assert set(told(turned).values()) == {"stronger"}
    assert {(found.reference, found.current) for found in turned.differences} == {
        (30, "at least 90 days"),
        (False, True),
    }


def test_more_than_a_baseline_asks_for_is_stronger() -> None:
    delta = comparison.compare(
        policy().baseline,
        side(store(VAULT, body={"properties": {"softDeleteRetentionInDays": 90, "enablePurgeProtection": True}})),
        policy(),
    )
    assert told(delta) == {("one", "properties.softDeleteRetentionInDays"): "stronger"}
    assert [delta.exit_code(name) for name in FAIL_ON] == [0, 0, 1]
    level = {
        "properties": {
            "backupPolicy": {"type": "Continuous"},
            "consistencyPolicy": {"defaultConsistencyLevel": "Strong"},
        }
    }
    assert told(comparison.compare(policy().baseline, side(store(COSMOS, body=level)), policy())) == {
        ("one", "properties.consistencyPolicy.defaultConsistencyLevel"): "stronger"
    }


def test_what_a_baseline_requires_and_nobody_can_tell() -> None:
    doubtful = store(VAULT, body={"properties": {"enablePurgeProtection": unknown()}})
    delta = comparison.compare(policy().baseline, side(doubtful), policy())
    assert told(delta) == {("one", "properties.enablePurgeProtection"): "unknown"}
    assert delta.exit_code("weaker") == 3


def test_two_baselines_hold_nothing() -> None:
    with pytest.raises(UsageError, match="two baselines"):
        comparison.drift("standard-deployment", "well-architected")
    with pytest.raises(UsageError, match="two baselines"):
        comparison.compare(policy().baseline, policy().baseline, policy())
    with pytest.raises(UsageError, match="--baseline|already"):
        comparison.drift("standard-deployment", side(), "well-architected")


def test_a_side_is_a_baseline_by_name_or_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert comparison.is_baseline("standard-deployment")
    assert not comparison.is_baseline("azure:")
    assert not comparison.is_baseline(side())
    (tmp_path / "mine.yaml").write_text("id: mine\ntitle: Mine\nextends: standard-deployment\n")
    assert comparison.is_baseline("mine.yaml")
    assert comparison.drift("mine.yaml", side(store(VAULT, body=PURGE))).baseline == "mine"
    (tmp_path / "standard-deployment").mkdir()
    assert not comparison.is_baseline("standard-deployment")


def test_everything_leaves_out_what_services_fill_in() -> None:
    left = {
        "tags": {"a": "1", "b": "2"},
        "etag": "x",
        "systemData": {"createdAt": "then"},
        "properties": {
            "provisioningState": "Succeeded",
            "vaultUri": "here",
            "networkAcls": {"ipRules": [{"value": "1.2.3.4"}, {"value": "5.6.7.8"}], "bypass": "None"},
            "accessPolicies": [],
        },
    }
    right = {
        "Tags": {"B": "3", "c": "4"},
        "etag": "y",
        "systemData": {"createdAt": "now"},
        "properties": {
            "provisioningState": "Updating",
            "vaultUri": "there",
            "networkAcls": {
                "ipRules": [{"value": "5.6.7.8"}, {"value": "9.9.9.9"}, {"value": "8.8.8.8"}],
                "bypass": "none",
            },
        },
    }
    found = told(compared(store(VAULT, body=left), store(VAULT, body=right), everything=True))
    rules = "properties.networkAcls.ipRules"
    assert found == {
        ("one", "tags.a"): "different", ("one", "tags.b"): "different", ("one", "tags.c"): "different",
        ("one", f"{rules}[1.2.3.4]"): "different", ("one", f"{rules}[9.9.9.9]"): "different", ("one", f"{rules}[8.8.8.8]"): "different",
    }  # fmt: skip


def test_everything_goes_into_children() -> None:
    def account(container: str, shares: Any = None) -> Resource:
        blobs = {"properties": {"cors": {"corsRules": [{"allowedOrigins": [container]}]}}}
        return store(
            ACCOUNT,
            children={
                "blobServices/default": blobs,
                "fileServices/default": {},
                "fileServices/default/shares/*": shares,
            },
        )

    found = told(compared(account("a"), account("b"), everything=True))
    assert set(found.values()) == {"different"}
    assert all(path.startswith("blobServices/default:properties.cors.corsRules") for _, path in found)


def _lifecycle(**definition: Any) -> Resource:
    rule = {"name": "r", "enabled": True, "definition": definition}
    return store(ACCOUNT, children={"managementPolicies/default": {"properties": {"policy": {"rules": [rule]}}}})


def test_everything_goes_into_the_items_that_rules_count() -> None:
    """What the rules look at there is told once, and what they do not look at is told, too."""
    inside = "managementPolicies/default:properties.policy.rules[r].definition."
    after = {"daysAfterModificationGreaterThan": 30}, {"daysAfterModificationGreaterThan": 1}
    sides = [_lifecycle(actions={"baseBlob": {"delete": one}}) for one in after]
    assert told(compared(*sides)) == {}
    path = f"{inside}actions.baseBlob.delete.daysAfterModificationGreaterThan"
    assert told(compared(*sides, everything=True)) == {("one", path): "different"}
    sides = [
        _lifecycle(
            actions={"version": {"delete": {"daysAfterCreationGreaterThan": days}}}, filters={"prefixMatch": [name]}
        )
        for days, name in ((60, "a"), (30, "b"))
    ]
    assert told(compared(*sides, everything=True)) == {
        ("one", f"{inside}actions.version.delete.daysAfterCreationGreaterThan"): "weaker",
        ("one", f"{inside}filters.prefixMatch[a]"): "different",
    }
    regions = [
        [
            {"locationName": "West Europe", "failoverPriority": 0},
            {"locationName": "North Europe", "failoverPriority": 1},
        ],
        [{"locationName": "northeurope", "failoverPriority": 0}, {"locationName": "westeurope", "failoverPriority": 1}],
        [{"locationName": "westeurope", "failoverPriority": 0}],
    ]
    first, swapped, fewer = (
        store(COSMOS, body={"properties": {**BODIES[COSMOS]["properties"], "locations": one}}) for one in regions
    )
    assert told(compared(first, first, everything=True)) == {}
    assert told(compared(first, swapped, everything=True)) == {
        ("one", "properties.locations[West Europe].failoverPriority"): "different",
        ("one", "properties.locations[North Europe].failoverPriority"): "different",
    }
    assert told(compared(first, fewer, everything=True)) == {("one", "properties.locations[North Europe]"): "weaker"}


def test_what_a_template_says_nothing_of_is_not_compared() -> None:
    declared = store(VAULT, deployed=False)
    live = store(VAULT, body={"properties": {"publicNetworkAccess": "Enabled"}})
    delta = compared(declared, live, everything=True)
    assert told(delta) == {}
    assert [one.path for one in delta.not_compared] == ["properties.publicNetworkAccess"]


def test_a_deep_or_hostile_body_is_compared_all_the_same() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"a": deep}
    one = store(VAULT, body={"properties": {"deep": deep, "\x1b[31m": 1, "…" * 300: "y"}})
    assert told(compared(one, one, everything=True)) == {}
    other = store(VAULT, body={"properties": {"deep": {}, "\x1b[31m": 2}})
    assert len(told(compared(one, other, everything=True))) == 3


# ── the values ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("drifts", "codes"),
    [
        ((), [0, 0, 0]),
        ((Drift.STRONGER,), [0, 0, 1]),
        ((Drift.DIFFERENT,), [0, 1, 1]),
        ((Drift.WEAKER,), [1, 1, 1]),
        ((Drift.UNKNOWN,), [3, 3, 3]),
        ((Drift.UNKNOWN, Drift.STRONGER), [3, 3, 1]),
        ((Drift.UNKNOWN, Drift.WEAKER), [1, 1, 1]),
    ],
)
def test_exit_codes(drifts: tuple[Drift, ...], codes: list[int]) -> None:
    subject = Subject("id", VAULT, "one", None, HERE)
    rows = tuple(Difference(subject, "p", 1, 2, drift) for drift in drifts)
    delta = Delta("1", "now", Side("a"), Side("b"), "x", "X", rows, compared=1)
    assert [delta.exit_code(name) for name in FAIL_ON] == codes


def test_the_public_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert auditor.drift is comparison.drift
    delta = auditor.drift(side(store(VAULT, body=PURGE)), side(store(VAULT)))
    assert isinstance(delta, auditor.Delta)
    assert told(delta) == WEAKER

"""The engine: operators, Kleene's logic, defaults, counts, joins, evidence, and decisions that are shared."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import services
from auditor.catalog import Catalog
from auditor.documents import Document, Reader
from auditor.engine import Engine, subject_of
from auditor.model import (
    Basis,
    Evidence,
    Finding,
    Listing,
    Origin,
    Outcome,
    Resource,
    Unknown,
    ancestors,
    resource_group,
)
from auditor.quantities import iso_duration, parse_duration, parse_redundancy, parse_tier, spoken_duration
from auditor.reading import ABSENT, Estate, look_up
from auditor.rules import Baseline, Rule, Setting, Vocabulary, _rule

STORAGE = "Microsoft.Storage/storageAccounts"
GROUP = "/subscriptions/S/resourceGroups/G/providers"
CATALOG = services.catalog()


def rule(require: str, *, kind: str = STORAGE, when: str = "[]", show: str = "[]", parameters: str = "{}") -> Rule:
    text = (
        f"id: r\ntitle: T\nseverity: high\napplies_to: [{kind}]\nrationale: R\nparameters: {parameters}\n"
        f"when: {when}\nrequire: {require}\nshow: {show}\nexamples: []\n"
    )
    return _rule(Reader(Document("svc/r.yaml", yaml.safe_load(text), {})), Vocabulary())


def store(body: Any = None, *, kind: str = STORAGE, children: Iterable[Resource] = (), **more: Any) -> Resource:
    store_id = f"{GROUP}/{kind}/st"
    return Resource(
        store_id,
        kind,
        "st",
        more.pop("region", "westeurope"),
        body or {},
        Origin("u"),
        children=tuple(children),
        **more,
    )


def child(name: str, body: Any, **more: Any) -> Resource:
    kind = "/".join([STORAGE, *name.split("/")[::2]])
    return Resource(f"{GROUP}/{STORAGE}/st/{name}", kind, name.rpartition("/")[2], None, body, Origin("u"), **more)


def judge(
    made: Rule, about: Resource, *, effect: str = "require", estate: Estate | None = None, catalog: Catalog = CATALOG
) -> Finding:
    baseline = Baseline("b", "", "", "require", {"r": Setting(effect)}, ())
    (finding,) = Engine({"r": made}, baseline, catalog, estate or Estate(catalog)).evaluate(about, subject_of(about))
    return finding


def outcome(require: str, body: Any, **more: Any) -> Outcome:
    return judge(rule(require), store(body, **more)).outcome


P, F, U, N = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("require", "body", "expected"),
    [
        ("{field: a, equals: b}", {"a": "B"}, P),
        ("{field: A, equals: b}", {"a": "b"}, P),
        ("{field: a, equals: b}", {"a": "c"}, F),
        ("{field: a, equals: true}", {"a": True}, P),
        ("{field: a, equals: true}", {"a": "True"}, P),
        ("{field: a, equals: true}", {"a": False}, F),
        ("{field: a, equals: true}", {"a": 1}, U),
        ("{field: a, equals: true}", {"a": "yes"}, U),
        ("{field: a, notEquals: true}", {"a": "yes"}, U),
        ("{field: a, equals: true}", {"a": {"b": True}}, U),
        ("{field: a, equals: 1}", {"a": True}, U),
        ("{field: a, equals: 1}", {"a": "one"}, U),
        ("{field: a, equals: b}", {"a": True}, U),
        ("{field: a, equals: b}", {"a": 1}, U),
        ("{field: a, notEquals: b}", {"a": ["c"]}, U),
        ("{field: a, notEquals: b}", {"a": "true"}, P),
        ("{field: a, equals: '7'}", {"a": "7.0"}, P),
        ("{field: a, equals: 1}", {"a": 1.0}, P),
        ("{field: a, equals: 1}", {"a": "1"}, P),
        ("{field: a, equals: b}", {"a": None}, U),
        ("{field: a, equals: b}", {}, U),
        ("{field: a.b, equals: c}", {"a": "text"}, U),
        ("{field: a.b, equals: c}", {"a": ["list"]}, U),
        ("{field: a, notEquals: b}", {"a": "c"}, P),
        ("{field: a, notEquals: b}", {}, U),
        ("{field: tags.x, notEquals: b}", {}, P),
        ("{field: tags.x, equals: b}", {"tags": {}}, F),
        ("{field: a, in: [b, c]}", {"a": "C"}, P),
        ("{field: a, in: [b, c]}", {"a": "d"}, F),
        ("{field: a, notIn: [b, c]}", {"a": "d"}, P),
        ("{field: a, notIn: [b, c]}", {"a": "b"}, F),
        ("{field: a, in: [b, 1]}", {"a": "b"}, P),
        ("{field: a, in: [b, c]}", {"a": 7}, U),
        ("{field: a, notIn: [b, c]}", {"a": {}}, U),
        ("{field: a, exists: true}", {"a": 0}, P),
        ("{field: a, exists: true}", {"a": None}, F),
        ("{field: a, exists: false}", {}, P),
        ("{field: a, atLeast: 2}", {"a": 2}, P),
        ("{field: a, atLeast: 2}", {"a": "2"}, P),
        ("{field: a, atLeast: 2}", {"a": 1.9}, F),
        ("{field: a, atLeast: 2}", {"a": "many"}, U),
        ("{field: a, atLeast: 2}", {"a": True}, U),
        ("{field: a, atLeast: 2}", {"a": float("nan")}, U),
        ("{field: a, atLeast: 2}", {"a": float("inf")}, U),
        ("{field: a, atLeast: 2}", {"a": 10**400}, P),
        ("{field: a, atMost: 2}", {"a": 3}, F),
        ("{field: a, moreThan: 2}", {"a": 2}, F),
        ("{field: a, lessThan: 2}", {"a": 1}, P),
        ("{field: a, unit: days, atLeast: P30D}", {"a": 30}, P),
        ("{field: a, unit: hours, atLeast: P30D}", {"a": 719}, F),
        ("{field: a, unit: seconds, atLeast: P30D}", {"a": 2592000}, P),
        ("{field: a, unit: minutes, atMost: PT4H}", {"a": -1}, U),
        ("{field: a, unit: minutes, atMost: PT4H}", {"a": 0}, P),
        ("{field: a, unit: days, moreThan: {field: b}}", {"a": 8, "b": 7}, P),
        ("{field: a, unit: days, moreThan: {field: b}}", {"a": 7, "b": 7}, F),
        ("{field: a, moreThan: {field: b}}", {"a": 7}, U),
        ("{field: a, type: redundancy, atLeast: GRS}", {"a": "Standard_RAGRS"}, P),
        ("{field: a, type: redundancy, atLeast: GRS}", {"a": "Standard_ZRS"}, F),
        ("{field: a, type: redundancy, atLeast: ZRS}", {"a": "Standard_GRS"}, F),
        ("{field: a, type: redundancy, atLeast: LRS}", {"a": "Invalid"}, U),
        ("{field: a, type: tier, atLeast: P30D}", {"a": "Continuous30Days"}, P),
        ("{field: a, type: tier, atLeast: P30D}", {"a": "Continuous7Days"}, F),
        ("{field: a, type: tier, atLeast: P30D}", {"a": "Forever"}, U),
        ("{field: location, equals: {field: b}}", {"location": "West Europe", "b": "westeurope"}, P),
        ("{field: region, equals: West Europe}", {}, P),
        ("{field: name, equals: st}", {}, P),
        ('{field: "a[*].b", equals: 1}', {"a": [{"b": 1}, {"b": 1}]}, P),
        ('{field: "a[*].b", equals: 1}', {"a": [{"b": 1}, {"b": 2}]}, F),
        ('{field: "a[*].b", equals: 1}', {"a": []}, P),
        ('{field: "a[*].b", equals: 1}', {}, P),
        ('{field: "a[*].b", equals: 1}', {"a": "x"}, U),
        ('{field: "a[*].b", equals: 1}', {"a": [{"b": 1}, Unknown("x")]}, U),
        ('{field: "a[*].b", equals: 1}', {"a": [{"b": 2}, Unknown("x")]}, F),
        ('{field: "a[*]", equals: 1}', {"a": [1, 1]}, P),
        ('{field: "a[*]", equals: 1}', {"a": [1, None]}, U),
        ('{field: "a[*].b[*].c", equals: 1}', {"a": [{"b": [{"c": 1}]}, {"b": [{"c": 1}, {"c": 1}]}]}, P),
        ('{field: "a[*].b[*].c", equals: 1}', {"a": [{"b": [{"c": 1}]}, {"b": [{"c": 1}, {"c": 2}]}]}, F),
        ('{field: "a[*].b[*].c", equals: 1}', {"a": [{"b": []}, {}, {"b": None}]}, P),
        ('{field: "a[*].b[*].c", equals: 1}', {"a": [{"b": [{"c": 1}]}, {"b": "x"}]}, U),
        ('{field: "a[*].b[*].c", equals: 1}', {"a": [{"b": [{"c": 1}]}, {"b": Unknown("x")}]}, U),
        ("{not: {field: a, equals: b}}", {"a": "b"}, F),
        ("{not: {field: a, equals: b}}", {}, U),
        ("{fact: region.zones, equals: true}", {}, P),
        ("{fact: region.zones, of: a, equals: true}", {"a": "West US"}, F),
        ("{fact: region.zones, of: a, equals: true}", {}, U),
        ("{fact: region.zones, of: a, equals: true}", {"a": Unknown("x")}, U),
        ("{fact: region.zones, of: a, equals: true}", {"a": "atlantis"}, U),
        ("{fact: region.zones, of: a, equals: true}", {"a": Unknown("x", ("westeurope", "North Europe"))}, P),
        ("{fact: region.zones, of: a, equals: true}", {"a": Unknown("x", ("westus", "northcentralus"))}, F),
        ("{fact: region.zones, of: a, equals: true}", {"a": Unknown("x", ("westus", "westeurope"))}, U),
        ('{fact: region.zones, of: "a[*]", equals: true}', {"a": ["westeurope", "northeurope"]}, P),
        ('{fact: region.zones, of: "a[*]", equals: true}', {"a": ["westeurope", "westus"]}, F),
        ('{fact: region.zones, of: "a[*]", equals: true}', {"a": []}, P),
        ("{fact: deployed, equals: false}", {}, P),
        ("{child: blobServices/default, exists: true}", {}, U),
    ],
)
def test_operators(require: str, body: dict[str, Any], expected: Outcome) -> None:
    assert outcome(require, body) is expected


VALUES = {"T": {"a": "b"}, "F": {"a": "c"}, "U": {"a": Unknown("why")}}


@pytest.mark.parametrize(("left", "right"), [*itertools.product("TFU", repeat=2)])
def test_kleene(left: str, right: str) -> None:
    parts = "[{field: x.a, equals: b}, {field: y.a, equals: b}]"
    body = {"x": VALUES[left], "y": VALUES[right]}
    both = {left, right}
    assert outcome(f"{{allOf: {parts}}}", body) is (F if "F" in both else U if "U" in both else P)
    assert outcome(f"{{anyOf: {parts}}}", body) is (P if "T" in both else U if "U" in both else F)


def test_all_possible_values_that_agree_decide() -> None:
    assert outcome("{field: a, in: [b, c]}", {"a": Unknown("either", ("b", "c"))}) is P
    assert outcome("{field: a, in: [b, c]}", {"a": Unknown("either", ("d", "e"))}) is F
    assert outcome("{field: a, in: [b, c]}", {"a": Unknown("either", ("b", "d"))}) is U
    assert outcome("{field: a, atLeast: 2}", {"a": Unknown("either", (3, "many"))}) is U


def test_an_operand_that_is_unknown_is_unknown_unless_its_values_agree() -> None:
    assert outcome("{field: a, moreThan: {field: b}}", {"a": 1, "b": Unknown("x")}) is U
    assert outcome("{field: a, moreThan: {field: b}}", {"a": 9, "b": Unknown("x", (1, 8))}) is P
    assert outcome("{field: a, moreThan: {field: b}}", {"a": 9, "b": Unknown("x", (1, 10))}) is U
    assert outcome("{field: a, moreThan: {field: b}}", {"a": 9, "b": Unknown("x", (1, None))}) is U
    assert outcome("{field: a, equals: {field: b}}", {"a": 1, "b": [1]}) is U


# ── values that are one of several ───────────────────────────────────────────────────────────────────────────────────


def either(*possible: Any) -> Unknown:
    return Unknown("depends on a parameter", possible)


def test_a_path_through_one_of_several_objects_lists_the_values_at_it() -> None:
    body = {"a": either({"b": {"C": 1}}, {"b": {"c": 2}}, {"b": None}, {"b": {"c": 1}}, None)}
    found = look_up(body, ("a", "b", "c"))
    assert (found.reason, found.possible) == ("depends on a parameter", (1, 2, ABSENT))
    assert look_up({"a": either({"b": True}, {"b": 1})}, ("a", "b")).possible == (True, 1)
    (nothing,) = look_up({"a": either("text")}, ("a", "b")).possible
    assert isinstance(nothing, Unknown)
    assert look_up({"a": Unknown("x")}, ("a", "b")).possible == ()


@pytest.mark.parametrize(
    ("require", "body", "expected"),
    [
        ("{field: a.b, equals: 1}", {"a": either({"b": 1}, {"b": "1", "c": 2})}, P),
        ("{field: a.b, equals: 1}", {"a": either({"b": 2}, {"b": 3})}, F),
        ("{field: a.b, equals: 1}", {"a": either({"b": 1}, {"b": 2})}, U),
        ("{field: a.b, equals: 1}", {"a": either({"b": 1}, {})}, U),
        ("{field: a.b, equals: 1}", {"a": either({"b": 1}, None)}, U),
        ("{field: a.b, equals: 1}", {"a": either({"b": 1}, Unknown("more"))}, U),
        ("{field: a.b, equals: 1}", {"a": either({"b": 1}, either({"b": 1}, {"b": 1.0}))}, P),
        ("{field: a.b, equals: 1}", {"a": either({"b": either(1, 2)}, {"b": 1})}, U),
        ("{field: a.b, exists: true}", {"a": either({"b": 1}, {"b": False})}, P),
        ("{field: a.b, exists: false}", {"a": either({"b": None}, {}, None)}, P),
        ("{field: a.b, exists: true}", {"a": either({"b": 1}, {})}, U),
        # Neither test alone can be told, and both alternatives fail.
        ("{allOf: [{field: a.b, equals: true}, {field: a.c, atLeast: 30}]}", {"a": either({"b": False}, {"b": True, "c": 7})}, F),
        ("{allOf: [{field: a.b, equals: true}, {field: a.c, atLeast: 30}]}", {"a": either({"b": False}, {"b": True, "c": 30})}, U),
        ("{anyOf: [{field: a, equals: 1}, {field: a, equals: 2}]}", {"a": either(1, 2)}, P),
        ("{anyOf: [{field: a, equals: 1}, {field: b, equals: 1}]}", {"a": either(1, 2), "b": either(1, 2)}, U),
        ('{field: "a[*].b", equals: 1}', {"a": either([{"b": 1}], [{"b": 1}, {"b": 1}])}, P),
        ('{field: "a[*].b", equals: 1}', {"a": either([{"b": 1}], [])}, P),
        ('{field: "a[*].b", equals: 1}', {"a": either([{"b": 1}], [{"b": 2}])}, U),
        ('{field: "a[*].b", equals: 1}', {"a": [either({"b": 1}, {"b": 1, "c": 1}), {"b": 1}]}, P),
        ('{count: {field: "a[*]"}, atLeast: 2}', {"a": either([1, 2], [1, 2, 3])}, P),
        ('{count: {field: "a[*]"}, atLeast: 2}', {"a": either([1], [])}, F),
        ('{count: {field: "a[*]"}, atLeast: 2}', {"a": either([1], [1, 2])}, U),
        ('{count: {field: "a[*]"}, atLeast: 2}', {"a": [1, either(1, None)]}, P),
        ('{count: {field: "a[*]"}, atLeast: 2}', {"a": [1, Unknown("none, one or more")]}, U),
        ('{count: {field: "a[*]", where: {field: b, equals: 1}}, atLeast: 1}', {"a": [either({"b": 1}, {"b": 1.0})]}, P),
        ('{count: {field: "a[*]", where: {field: b, equals: 1}}, equals: 1}', {"a": [{"b": either(1, 2)}, {"b": either(2, 3)}]}, U),
        ("{fact: region.pair, equals: true}", {"location": either("westeurope", "northeurope")}, P),
        ("{fact: region.pair, equals: true}", {"location": either("westeurope", "italynorth")}, U),
        ("{field: region, equals: West Europe}", {"location": either("westeurope", "West Europe")}, P),
    ],
)  # fmt: skip
def test_a_verdict_all_alternatives_agree_on_stands(require: str, body: dict[str, Any], expected: Outcome) -> None:
    assert judge(rule(require), store(body, region=None)).outcome is expected


def test_a_default_of_the_api_stands_in_where_an_alternative_leaves_a_setting_out() -> None:
    made = rule("{field: properties.softDeleteRetentionInDays, unit: days, atLeast: P90D}", kind=VAULT)
    for possible, expected in (
        (({"softDeleteRetentionInDays": 90}, {}), P),
        (({"softDeleteRetentionInDays": None}, None), P),
        (({"softDeleteRetentionInDays": 7}, {}), U),
    ):
        assert judge(made, store({"properties": either(*possible)}, kind=VAULT)).outcome is expected
    # What is written down in one alternative only does not exist in all.
    exists = rule("{field: properties.softDeleteRetentionInDays, exists: true}", kind=VAULT)
    assert judge(exists, store({"properties": either({"softDeleteRetentionInDays": 7}, {})}, kind=VAULT)).outcome is U


def test_a_default_that_depends_on_another_setting_goes_with_its_alternative() -> None:
    kind = "Microsoft.DocumentDB/databaseAccounts"
    made = rule(
        """{anyOf: [
          {allOf: [{field: properties.backupPolicy.type, equals: Continuous},
                   {field: properties.backupPolicy.continuousModeProperties.tier, type: tier, atLeast: P30D}]},
          {allOf: [{field: properties.backupPolicy.type, equals: Periodic},
                   {field: properties.backupPolicy.periodicModeProperties.backupIntervalInMinutes, atMost: 240}]}]}""",
        kind=kind,
    )
    policy = either({"type": "Continuous"}, {"type": "Periodic"}, None)
    assert judge(made, store({"properties": {"backupPolicy": policy}}, kind=kind)).outcome is P
    assert (
        judge(
            made, store({"properties": {"backupPolicy": {"type": either("continuous", "PERIODIC")}}}, kind=kind)
        ).outcome
        is P
    )


def test_a_child_that_is_one_of_several() -> None:
    made = rule("{child: blobServices/default, field: properties.isVersioningEnabled, equals: true}")
    on, off = {"properties": {"isVersioningEnabled": True}}, {"properties": {}}
    for possible, expected in (((on, on), P), ((on, None), U), ((on, Unknown("more")), U), ((off, None), F)):
        about = store(children=[child("blobServices/default", either(*possible))])
        assert judge(made, about).outcome is expected
    exists = rule("{child: blobServices/default, exists: true}")
    assert judge(exists, store(children=[child("blobServices/default", either(on, off))])).outcome is P
    assert judge(exists, store(children=[child("blobServices/default", either(on, None))])).outcome is U


def test_alternatives_of_an_item_of_a_collection() -> None:
    made = rule("{count: {child: things, where: {allOf: [{field: a, equals: 1}, {field: b, equals: 1}]}}, atLeast: 1}")
    end = Resource(f"{GROUP}/{STORAGE}/st/things/*", f"{STORAGE}/things", "*", None, None, Origin("u"))
    for possible, expected in ((({"a": 2, "b": 1}, {"a": 1, "b": 2}), F), (({"a": 1, "b": 1}, {"a": 2}), U)):
        assert judge(made, store(children=[child("things/1", either(*possible)), end])).outcome is expected


def test_what_is_declared_under_an_undecided_condition_may_not_be_there() -> None:
    made = rule("{count: {child: things, where: {field: live, equals: true}}, atLeast: 1}")
    end = Resource(f"{GROUP}/{STORAGE}/st/things/*", f"{STORAGE}/things", "*", None, None, Origin("u"))
    perhaps = child("things/1", {"live": True}, condition="deployThing")
    assert judge(made, store(children=[perhaps, end])).outcome is U
    assert "deployThing" in judge(made, store(children=[perhaps, end])).message
    assert judge(made, store(children=[perhaps, child("things/2", {"live": True}), end])).outcome is P
    assert judge(made, store(children=[child("things/1", {"live": False}, condition="deployThing"), end])).outcome is F


def test_a_reported_setting_whose_values_are_known_is_shown_and_not_unknown() -> None:
    about = store({"a": either("b", "c")})
    assert judge(rule("{field: a, equals: b}"), about).outcome is U
    finding = judge(rule("{field: a, equals: b}"), about, effect="report")
    (evidence,) = finding.evidence
    assert (finding.outcome, evidence.observed, evidence.basis) == (Outcome.INFORMATIONAL, ["b", "c"], Basis.UNKNOWN)


def test_a_message_names_all_that_a_setting_can_be() -> None:
    made = rule("{field: properties.softDeleteRetentionInDays, unit: days, atLeast: P30D}", kind=VAULT)
    about = store({"properties": {"softDeleteRetentionInDays": either(90, None, 60)}}, kind=VAULT)
    assert judge(made, about).message == "softDeleteRetentionInDays is 90 or 60 (at least 30 days expected)"


def test_too_many_combinations_are_left_undecided() -> None:
    require = "{anyOf: [%s]}" % ", ".join(
        f"{{allOf: [{{field: a{n}, equals: 1}}, {{field: a{n}, equals: 2}}]}}" for n in range(20)
    )
    body = {f"a{n}": either(1, 2) for n in range(20)}
    assert outcome(require, body) is U
    assert outcome(require, {f"a{n}": either(1, 2) if n < 3 else 1 for n in range(20)}) is F


# ── applicability ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_applicability_is_decided_before_the_condition() -> None:
    made = rule("{field: a, equals: b}", when="[{field: k, equals: x, otherwise: Not an x}]")
    assert judge(made, store({"k": "y", "a": Unknown("?")})).outcome is N
    assert judge(made, store({"k": "y"})).message == "Not an x"
    assert judge(made, store({"k": "x", "a": "b"})).outcome is P
    # Whether it applies is not known, so neither is anything else.
    assert judge(made, store({"k": Unknown("?"), "a": "b"})).outcome is U
    assert judge(made, store({"a": "c"})).outcome is U


def test_a_failed_read_outweighs_what_could_never_be_seen() -> None:
    made = rule(
        "{field: a, equals: b}", when="[{field: k, equals: x, otherwise: o}, {field: j, equals: x, otherwise: o}]"
    )
    about = store({"k": Unknown("never", unseen=True), "j": Unknown("failed"), "a": "b"})
    assert "failed" in judge(made, about).message


# ── defaults ─────────────────────────────────────────────────────────────────────────────────────────────────────────

VAULT = "Microsoft.KeyVault/vaults"


def test_a_default_of_the_api_is_applied_and_named() -> None:
    finding = judge(
        rule("{field: properties.softDeleteRetentionInDays, unit: days, atLeast: P7D}", kind=VAULT), store(kind=VAULT)
    )
    (evidence,) = finding.evidence
    assert (finding.outcome, evidence.observed, evidence.basis) == (P, 90, Basis.DEFAULT)
    assert "soft-delete-overview" in evidence.reason


def test_a_default_depends_on_the_api_version() -> None:
    made = rule("{field: properties.enableSoftDelete, equals: true}", kind=VAULT)
    assert judge(made, store(kind=VAULT, api_version="2019-09-01")).outcome is P
    assert judge(made, store(kind=VAULT, api_version="2018-02-14-preview")).outcome is U
    assert judge(made, store(kind=VAULT)).outcome is P


def test_exists_applies_no_default() -> None:
    made = rule("{field: properties.enableSoftDelete, exists: false}", kind=VAULT)
    assert judge(made, store(kind=VAULT)).outcome is P
    # Nobody can tell what the API made of it then; that it is not written down is known all the same.
    assert judge(made, store(kind=VAULT, api_version="2018-02-14")).outcome is P


def test_a_child_that_does_not_exist_takes_the_defaults_of_its_type() -> None:
    made = rule("{child: blobServices/default, field: properties.isVersioningEnabled, equals: true}")
    assert judge(made, store(children=[child("blobServices/default", None)])).outcome is F
    assert judge(made, store(children=[child("blobServices/default", {})])).outcome is F
    assert (
        judge(
            made, store(children=[child("BlobServices/Default", {"properties": {"isVersioningEnabled": True}})])
        ).outcome
        is P
    )
    assert judge(made, store(children=[child("blobServices/default", Unknown("403"))])).outcome is U
    assert judge(made, store()).outcome is U


def test_the_absence_of_a_child_is_testable() -> None:
    made = rule("{child: blobServices/default, exists: true}")
    assert judge(made, store(children=[child("blobServices/default", None)])).outcome is F
    assert judge(made, store(children=[child("blobServices/default", {})])).outcome is P
    assert judge(made, store(children=[child("blobServices/default", Unknown("403"))])).outcome is U


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("operator", "items", "expected"),
    [
        ("atLeast: 1", ["y", "n"], P),
        ("atLeast: 2", ["y", "n"], F),
        ("atLeast: 1", ["n", "?"], U),
        ("atLeast: 1", ["y", "?"], P),
        ("equals: 0", ["n"], P),
        ("equals: 0", ["n", "?"], U),
        ("equals: 0", ["y", "?"], F),
        ("equals: 1", ["y"], P),
        ("equals: 1", ["y", "?"], U),
        ("equals: 3", ["y", "?"], F),
        ("atMost: 1", ["y", "?"], U),
        ("atMost: 2", ["y", "?"], P),
        ("atMost: 0", ["y"], F),
        ("moreThan: 1", ["y", "y"], P),
        ("lessThan: 1", [], P),
    ],
)
def test_counts_know_their_bounds(operator: str, items: list[str], expected: Outcome) -> None:
    body = {"a": [{"v": Unknown("?") if item == "?" else item} for item in items]}
    assert outcome(f'{{count: {{field: "a[*]", where: {{field: v, equals: y}}}}, {operator}}}', body) is expected


def test_a_collection_that_did_not_end_may_hold_more() -> None:
    made = rule("{count: {child: things, where: {field: properties.on, equals: true}}, atLeast: 1}")
    on, off = child("things/1", {"properties": {"on": True}}), child("things/2", {"properties": {"on": False}})
    whole = Resource(f"{GROUP}/{STORAGE}/st/things/*", f"{STORAGE}/things", "*", None, None, Origin("u"))
    cut = dataclasses.replace(whole, body=Unknown("page 2 failed"))
    assert judge(made, store(children=[on, whole])).outcome is P
    assert judge(made, store(children=[on, cut])).outcome is P
    assert judge(made, store(children=[off, whole])).outcome is F
    assert judge(made, store(children=[whole])).outcome is F
    assert "page 2 failed" in judge(made, store(children=[off, cut])).message
    assert judge(made, store()).outcome is U


def test_a_count_reaches_the_resource_around_it() -> None:
    require = '{count: {field: "a[*]", where: {field: v, equals: {parent: b}}}, equals: 2}'
    assert outcome(require, {"a": [{"v": "x"}, {"v": "X"}, {"v": "y"}], "b": "x"}) is P
    require = '{count: {field: "a[*]", where: {allOf: [{parent: b, equals: x}, {field: v, equals: x}]}}, equals: 1}'
    assert outcome(require, {"a": [{"v": "x"}], "b": "y"}) is F


def test_a_count_on_a_child_that_could_not_be_read() -> None:
    made = rule('{count: {child: blobServices/default, field: "properties.x[*]"}, equals: 0}')
    assert judge(made, store(children=[child("blobServices/default", Unknown("403"))])).outcome is U
    assert judge(made, store(children=[child("blobServices/default", {"properties": {}})])).outcome is P


# ── what stands beside ───────────────────────────────────────────────────────────────────────────────────────────────

LOCKED = "{count: {related: locks, where: {field: properties.level, equals: CanNotDelete}}, atLeast: 1}"
LOCKS = "Microsoft.Authorization/locks"


def lock(scope: str) -> Resource:
    lock_id = f"{scope}/providers/microsoft.authorization/Locks/l"
    return Resource(lock_id, LOCKS, "l", None, {"properties": {"level": "CanNotDelete"}}, Origin("u"))


@pytest.mark.parametrize(
    "scope",
    ["/subscriptions/s", "/Subscriptions/S/resourcegroups/g", f"{GROUP}/{STORAGE}/ST"],
    ids=["subscription", "group", "resource"],
)
def test_locks_hold_for_what_is_below_them(scope: str) -> None:
    estate = Estate(CATALOG, [lock(scope)], [Listing("/subscriptions/s", LOCKS)])
    assert judge(rule(LOCKED), store(), estate=estate).outcome is P


@pytest.mark.parametrize(
    "scope", ["/subscriptions/other", "/subscriptions/s/resourceGroups/other", f"{GROUP}/{STORAGE}/st2"]
)
def test_locks_elsewhere_do_not_count(scope: str) -> None:
    estate = Estate(CATALOG, [lock(scope)], [Listing("/subscriptions/S", LOCKS)])
    assert judge(rule(LOCKED), store(), estate=estate).outcome is F


def test_without_a_whole_list_nobody_can_say_that_there_is_no_lock() -> None:
    for listings in (
        [],
        [Listing("/subscriptions/s", LOCKS, Unknown("403"))],
        [Listing("/subscriptions/s/resourceGroups/g", LOCKS)],
        [Listing("/subscriptions/other", LOCKS)],
    ):
        estate = Estate(CATALOG, [], listings)
        assert judge(rule(LOCKED), store(), estate=estate).outcome is U
        assert judge(rule(LOCKED), store(), estate=Estate(CATALOG, [lock("/subscriptions/s")], listings)).outcome is P
    assert judge(rule(LOCKED), store(), estate=Estate(CATALOG, [], [Listing("", LOCKS)])).outcome is F


BACKED = "{count: {related: backup-instances}, atLeast: 1}"


def test_backup_instances_are_found_among_the_children_of_vaults() -> None:
    vault_id = f"{GROUP}/Microsoft.DataProtection/backupVaults/v"
    kind = "Microsoft.DataProtection/backupVaults/backupInstances"
    body = {"properties": {"dataSourceInfo": {"resourceID": f"{GROUP}/{STORAGE}/ST".upper()}}}
    instance = Resource(f"{vault_id}/backupInstances/i", kind, "i", None, body, Origin("u"))
    end = Resource(f"{vault_id}/backupInstances/*", kind, "*", None, None, Origin("u"))
    listings = [
        Listing("/subscriptions/S", t)
        for t in ("Microsoft.DataProtection/backupVaults", "Microsoft.RecoveryServices/vaults")
    ]

    def vault(*children: Resource) -> Resource:
        return Resource(vault_id, kind.rpartition("/")[0], "v", None, {}, Origin("u"), children=children)

    assert judge(rule(BACKED), store(), estate=Estate(CATALOG, [vault(instance, end)], listings)).outcome is P
    assert judge(rule(BACKED), store(), estate=Estate(CATALOG, [vault(end)], listings)).outcome is F
    cut = dataclasses.replace(end, body=Unknown("403 on the instances"))
    assert (
        "403 on the instances" in judge(rule(BACKED), store(), estate=Estate(CATALOG, [vault(cut)], listings)).message
    )
    assert judge(rule(BACKED), store(), estate=Estate(CATALOG, [vault(end)], listings[:1])).outcome is U


def test_a_restorable_account_is_joined_by_its_instance_or_else_by_its_name() -> None:
    kind = "Microsoft.DocumentDB/databaseAccounts"
    listed = [Listing("/subscriptions/s", "Microsoft.DocumentDB/locations/restorableDatabaseAccounts")]
    made = rule("{count: {related: restorable-accounts}, atLeast: 1}", kind=kind)
    estate = Estate(CATALOG, [], listed)
    assert judge(made, store({"properties": {"instanceId": "i"}}, kind=kind, deployed=True), estate=estate).outcome is F
    assert judge(made, store({"properties": {}}, kind=kind, deployed=True), estate=estate).outcome is F
    assert judge(made, store({"properties": {}}, kind=kind), estate=estate).outcome is F
    restorable = Resource("/r/i", listed[0].type, "i", None, {"properties": {"accountName": "ST"}}, Origin("u"))
    estate = Estate(CATALOG, [restorable], listed)
    # By its instance where the account tells it, else by its name, which no other account that lives can have.
    assert judge(made, store({"properties": {"instanceId": "I"}}, kind=kind, deployed=True), estate=estate).outcome is P
    assert judge(made, store({"properties": {"instanceId": "j"}}, kind=kind, deployed=True), estate=estate).outcome is F
    assert judge(made, store({"properties": {}}, kind=kind, deployed=True), estate=estate).outcome is P


def test_the_subscriptions_own_regions_come_first() -> None:
    answer = {"value": [
        {"name": "westeurope", "metadata": {"pairedRegion": []}},
        {"name": "newregion", "availabilityZoneMappings": [{}], "metadata": {"pairedRegion": [{"name": "x"}]}},
        "odd",
    ]}  # fmt: skip
    live = services.catalog(
        [Resource("/l", "t", "l", None, answer, Origin("u")), Resource("/m", "t", "m", None, Unknown("x"), Origin("u"))]
    )
    pair = rule("{fact: region.pair, equals: true}")
    zones = rule("{fact: region.zones, equals: true}")
    assert judge(pair, store(), catalog=live).outcome is F
    assert judge(zones, store(), catalog=live).outcome is P
    assert judge(zones, store(region="newregion"), catalog=live).outcome is P
    assert judge(pair, store(region=None), catalog=live).outcome is U


# ── what the baseline expects ────────────────────────────────────────────────────────────────────────────────────────


def test_a_reported_rule_never_fails_and_keeps_what_could_not_be_read() -> None:
    made = rule("{field: a, equals: b}", when="[{field: k, notEquals: x, otherwise: o}]")
    body = {"k": "y"}
    assert judge(made, store({**body, "a": "b"}), effect="report").outcome is Outcome.INFORMATIONAL
    failed = judge(made, store({**body, "a": "c"}), effect="report")
    assert (failed.outcome, failed.severity.value) == (Outcome.INFORMATIONAL, "info")
    assert judge(made, store({"k": "x"}), effect="report").outcome is N
    assert judge(made, store({**body, "a": Unknown("403")}), effect="report").outcome is U
    unseen = judge(made, store({**body, "a": Unknown("not in a template", unseen=True)}), effect="report")
    assert (unseen.outcome, unseen.message) == (Outcome.INFORMATIONAL, "Not shown by this source: not in a template")


# ── evidence and messages ────────────────────────────────────────────────────────────────────────────────────────────


def test_evidence_explains_the_outcome() -> None:
    made = rule("{allOf: [{field: a, equals: 1}, {field: b, equals: 2}]}", show="[{field: c}, {field: d}]")
    failed = judge(made, store({"a": 1, "b": 3, "c": [1, {"x": 2}, *range(9)]}))
    assert [(e.path, e.expected, e.observed) for e in failed.evidence] == [
        ("b", 2, 3),
        ("c", None, [1, "an object with 1 properties", 0, 1, 2, "…"]),
    ]
    assert failed.message == "b is 3 (2 expected)"
    passed = judge(made, store({"a": 1, "b": 2}))
    assert [e.path for e in passed.evidence] == ["a", "b"]


def test_a_branch_that_was_not_meant_explains_nothing() -> None:
    branch = "{allOf: [{field: k, equals: %s}, {field: %s, equals: 1}]}"
    made = rule("{anyOf: [%s, %s]}" % (branch % ("x", "a"), branch % ("y", "b")))
    assert judge(made, store({"k": "y", "a": 1, "b": 2})).message == "b is 2 (1 expected)"
    assert judge(made, store({"k": "z"})).message.startswith("k is z")


def test_more_than_expected_is_said() -> None:
    made = rule("{field: a, unit: days, atLeast: P30D}")
    assert judge(made, store({"a": 45})).message == "a is 45 (at least 30 days expected, more than that)"
    assert judge(made, store({"a": 30})).message == "a is 30 (at least 30 days expected)"


def test_evidence_of_a_file_knows_its_line() -> None:
    lines = {"properties": Origin("main.bicep", 3), "properties.a": Origin("main.bicep", 4)}
    about = Resource(
        f"{GROUP}/{STORAGE}/st",
        STORAGE,
        "st",
        None,
        {"properties": {"a": 1, "b": 2}},
        Origin("main.bicep", 1),
        origins=lines,
    )
    made = rule("{allOf: [{field: properties.a, equals: 0}, {field: properties.b, equals: 0}, {field: c, equals: 0}]}")
    finding = judge(made, about)
    assert [finding.origin_of(e).line for e in finding.evidence] == [4, 3]
    assert judge(rule("{field: c, equals: 0}"), about).evidence[0].origin == Origin("main.bicep", 1)


def test_evidence_of_a_live_child_names_the_childs_url() -> None:
    finding = Finding(
        "r", subject_of(dataclasses.replace(store(), origin=Origin("https://arm/st?api-version=1"))), P, "high", "", ()
    )  # type: ignore[arg-type]
    evidence = Evidence("blobServices/default:properties.x", 1, 1, Basis.EXPLICIT)
    assert finding.origin_of(evidence).uri == "https://arm/st/blobServices/default?api-version=1"


# ── shared decisions ─────────────────────────────────────────────────────────────────────────────────────────────────

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(0, 40), st.sampled_from(["b", "B", "true", "1", "30"]), st.floats(0, 40)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(scalars, scalars, scalars), min_size=1, max_size=8))
def test_a_shared_decision_is_the_one_that_would_be_made_alone(values: list[tuple[Any, Any, Any]]) -> None:
    require = """{anyOf: [{field: a, equals: b}, {allOf: [{child: blobServices/default, field: b, atLeast: 7},
      {count: {field: "c[*]", where: {field: v, equals: true}}, atLeast: 1}]}]}"""
    made = rule(require, when="[{field: a, notEquals: 3, otherwise: three}]")
    baseline = Baseline("b", "", "", "require", {}, ())
    together = Engine({"r": made}, baseline, CATALOG, Estate(CATALOG))
    for a, b, c in values:
        about = store({"a": a, "c": [{"v": c}]}, children=[child("blobServices/default", {"b": b})], deployed=True)
        (shared,) = together.evaluate(about, subject_of(about))
        alone = judge(made, about)
        assert shared == alone


# ── what a source alone knows of a store, and stores that will not exist ─────────────────────────────────────────────

GOING = "terraform/lifecycle"


def about(made: Rule, name: str = GOING) -> Rule:
    return dataclasses.replace(made, about=name)


def findings(made: Rule, *stores: Resource) -> list[list[Outcome]]:
    """The outcomes of a rule on each of several stores, judged by one engine."""
    engine = Engine({"r": made}, Baseline("b", "", "", "require", {}, ()), CATALOG, Estate(CATALOG))
    return [[finding.outcome for finding in engine.evaluate(one, subject_of(one))] for one in stores]


@pytest.mark.parametrize("deployed", [True, False])
def test_a_rule_about_something_speaks_of_the_stores_that_have_it_alone(deployed: bool) -> None:
    made = about(rule("{field: a, equals: 1}"))
    with_it = store({"a": 1}, children=[child(GOING, {})], deployed=deployed)
    unknown = store({"a": 1}, children=[child(GOING, Unknown("not read"))], deployed=deployed)
    without = store({"a": 1}, deployed=deployed)
    assert findings(made, with_it, without, unknown) == [[P], [], [P]]
    assert findings(made, without, with_it) == [[], [P]]


def gone(*children: Resource, **more: Any) -> Resource:
    return dataclasses.replace(store(children=children, **more), body=None)


@pytest.mark.parametrize(
    "require",
    [
        "{field: properties.allowBlobPublicAccess, exists: false}",
        "{field: region, equals: westeurope}",
        "{fact: region.zones, equals: true}",
        "{count: {related: locks}, atLeast: 1}",
        "{count: {child: replicas}, equals: 0}",
        "{child: blobServices/default, field: properties.isVersioningEnabled, equals: true}",
        "{child: managementPolicies/default, exists: false}",
        "{allOf: [{child: terraform/lifecycle, field: action, equals: delete}, {field: kind, exists: false}]}",
        "{child: terraform/lifecycle, field: action, equals: {field: kind}}",
        "{count: {child: terraform/lifecycle, field: 'd[*]', where: {parent: kind, exists: false}}, equals: 0}",
    ],
)
@pytest.mark.parametrize("deployed", [True, False])
def test_a_store_that_will_not_exist_is_not_judged_by_what_it_would_have_been(require: str, deployed: bool) -> None:
    going = child(GOING, {"action": "delete"})
    assert findings(rule(require), gone(going, deployed=deployed)) == [[]]
    assert findings(rule(require), gone(deployed=deployed)) == [[]]


@pytest.mark.parametrize("deployed", [True, False])
def test_a_store_that_will_not_exist_is_judged_by_what_is_told_of_its_going(deployed: bool) -> None:
    made = rule("{child: terraform/lifecycle, field: action, notEquals: delete}")
    deleted = gone(child(GOING, {"action": "delete"}), deployed=deployed)
    kept = store(children=[child(GOING, {"action": "none"})], deployed=deployed)
    assert findings(made, deleted, kept, store(deployed=deployed)) == [[F], [P], [U]]
    asks_more = rule(
        "{child: terraform/lifecycle, field: action, notEquals: delete}",
        when="[{field: a, exists: true, otherwise: n}]",
    )
    assert findings(asks_more, deleted) == [[]]
    shows_more = rule("{child: terraform/lifecycle, field: action, notEquals: delete}", show="[{field: a}]")
    assert findings(shows_more, deleted) == [[]]


def test_a_rule_that_is_off_and_a_type_nobody_asks_about() -> None:
    baseline = Baseline("b", "", "", "require", {"r": Setting("off")}, ())
    engine = Engine({"r": rule("{field: a, exists: true}")}, baseline, CATALOG, Estate(CATALOG))
    assert engine.evaluate(store(), subject_of(store())) == []


# ── quantities ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("P30D", 2_592_000), ("PT4H", 14_400), ("P1W", 604_800), ("P1DT1M1S", 86_461), ("PT100S", 100)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "30", "P1M", "P1Y", "P1DT", "P-1D", "p1d", "P1D ", "P٣D"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no|not"):
        parse_duration(text)


@given(st.integers(0, 10**9))
def test_a_duration_survives_its_own_form(seconds: int) -> None:
    assert parse_duration(iso_duration(seconds)) == seconds


def test_durations_are_spoken() -> None:
    spoken = [spoken_duration(n) for n in (86_400, 2_592_000, 5_400, 1, 90, 3_600)]
    assert spoken == ["1 day", "30 days", "90 minutes", "1 second", "90 seconds", "1 hour"]


def test_redundancy_is_a_partial_order() -> None:
    words = ["LRS", "ZRS", "GRS", "GZRS", "RA-GRS", "Standard_RAGZRS", "Local", "Zone", "Geo", "LocallyRedundant"]
    parsed = [parse_redundancy(word) for word in words]
    assert None not in parsed
    assert parse_redundancy("GZRS") > parse_redundancy("GRS")  # type: ignore[operator]
    assert not parse_redundancy("ZRS") >= parse_redundancy("GRS")  # type: ignore[operator]
    assert (parse_redundancy(7), parse_redundancy("x"), parse_tier(None), parse_tier("30")) == (None, None, None, None)


def test_ids_and_their_scopes() -> None:
    nested = "/subscriptions/s/resourceGroups/g/providers/N/t/x/u/y"
    assert list(ancestors(nested)) == [
        nested.casefold(),
        nested.casefold()[:-4],
        "/subscriptions/s/resourcegroups/g",
        "/subscriptions/s",
    ]
    assert list(ancestors("/subscriptions/S")) == ["/subscriptions/s"]
    assert (resource_group(nested), resource_group("/subscriptions/s")) == ("g", "")

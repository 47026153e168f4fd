"""Reading the JSON of plans and states: whole or not at all, one resource at a time, within bounds."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from auditor.model import Gap
from auditor.sources.terraform import document
from auditor.sources.terraform.document import Document, DocumentError
from auditor.sources.terraform.instances import Instance
from auditor.sources.terraform.plan import Plan, Surroundings
from auditor.sources.terraform.state import State
from tests.sources.terraform.plan_json import CORPUS, PlanJson, constant


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("", "it ends in the middle", 1, 1),
        ("[]", "'{' is expected", 1, 1),
        ('{"a": 1', "it ends in the middle", 1, 8),
        ('{\n "a": [1,\n 2 3]}', "',' is expected", 3, 4),
        ('{"a" 1}', "':' is expected", 1, 6),
        ("{1: 1}", "a name is expected", 1, 3),
        ('{"a": 1,}', "Expecting value", 1, 9),
        ('{"a": tru}', "Expecting value", 1, 7),
        ('{"a": NaN}', "NaN is no number in JSON", 1, 7),
        ('{"a": [1e999]}', "the number 1e999 is out of range", 1, 8),
        ('{"a": "x', "it ends in the middle", 1, 9),
        ('{"a": 1} {}', "something stands behind its end", 1, 10),
        ('{"a": 1} x', "something stands behind its end", 1, 10),
    ],
)
def test_what_is_no_json(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(DocumentError) as raised:
        Document(text)
    assert (str(raised.value), raised.value.line, raised.value.column) == (message, line, column)


@pytest.mark.parametrize(
    "nested", ["[" * 100_000, '{"a":' * 100_000, '{"root_module":' * 100_000, '{"child_modules":[' * 9_999]
)
@pytest.mark.parametrize("member", ["a", "values", "configuration"])
def test_depth_is_bounded(nested: str, member: str) -> None:
    with pytest.raises(DocumentError, match="deep|ends in the middle"):
        Document(f'{{"{member}": {nested}')


def test_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_VALUES", 10)
    Document('{"a": [1, 2, 3, 4, 5, 6, 7, 8]}')
    with pytest.raises(DocumentError, match="more than 10 values"):
        Document('{"a": [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]}')


def test_a_name_given_twice_counts_with_its_last_value() -> None:
    text = '{"resource_changes": [1], "a": {"b": 1, "b": 2}, "resource_changes": [2, 3]}'
    found = Document(text)
    assert [value for value, _ in found.items("resource_changes")] == [2, 3]
    assert found.get("a") == {"b": 2}
    assert found.get("c") is None


def test_white_space_and_lines() -> None:
    text = json.dumps(
        {"values": {"root_module": {"resources": [1, 2], "child_modules": [{"resources": [3]}]}}}, indent=1
    )
    found = list(Document(text.replace("\n", "\r\n")).resources("values"))
    assert found == [(1, 5), (2, 6), (3, 11)]


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in steps:
        yield from nodes(value, (*path, key))


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copy


ODD = ("null", "[]", "{}", '"x"', "1e999", "true", "-1", "[[]]", '[{"a": true}]')


def addresses(found: list[Any]) -> set[str]:
    return {one.address for one in found if isinstance(one, Instance)}


def small_plan() -> dict[str, Any]:
    plan = PlanJson().module("m", expressions={"v": {"references": ["azurerm_key_vault.k.id", "azurerm_key_vault.k"]}})
    blocks = {"blob_properties": [{"a": {"references": ["var.x"]}}]}
    marks = {
        "unknown": {"blob_properties": [{"a": True}], "id": True},
        "sensitive": {"blob_properties": [{}], "key": True},
    }
    plan.add("azurerm_key_vault.k", {"name": "k"}, unknown={"id": True}, written={"name": constant("k")})
    plan.add('module.m.azurerm_storage_account.a["x"]', {"name": "a", "blob_properties": [{}]}, **marks, written=blocks)
    values = {"address": "azurerm_key_vault.k", "mode": "managed", "type": "azurerm_key_vault", "values": {"name": "k"}}
    return {**plan.tree(), "planned_values": {"root_module": {"resources": [values]}}}


def small_state() -> dict[str, Any]:
    kept = {"index_key": 0, "attributes": {"name": "a", "key": "x"}, "sensitive_attributes": [[{"value": "key"}]]}
    one = {"mode": "managed", "type": "azurerm_storage_account", "name": "a", "provider": "p", "instances": [kept]}
    return {"version": 4, "terraform_version": "1", "resources": [one]}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", ["plan", "state"])
def test_whatever_stands_anywhere_nothing_is_lost_without_a_gap(kind: str, odd: str) -> None:
    tree = small_plan() if kind == "plan" else small_state()
    reader = Plan if kind == "plan" else State
    whole = addresses(list(reader(Document(json.dumps(tree)), "f", Surroundings()).instances()))
    assert len(whole) == (2 if kind == "plan" else 1)
    for path in nodes(tree):
        text = json.dumps(replaced(tree, path, "@odd")).replace('"@odd"', odd)
        try:
            found = list(reader(Document(text), "f", Surroundings()).instances())
        except DocumentError:
            continue
        left = addresses(found)
        # What is no longer of our providers, or is not to be any more, is not lost.
        other = path and path[-1] in ("type", "actions", "mode", "resource_changes", "resources", "instances")
        if len(left) < len(whole):
            assert any(isinstance(one, Gap) for one in found) or other, (path, odd)


@pytest.mark.parametrize("kind", ["plan", "state"])
def test_wherever_it_is_cut(kind: str) -> None:
    text = json.dumps(small_plan() if kind == "plan" else small_state())
    for end in range(len(text)):
        with pytest.raises(DocumentError):
            Document(text[:end])


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the checkout")
@pytest.mark.parametrize("name", ["azurerm_plan_stub.json", "azurerm_state_stub.json"])
def test_the_corpus_with_anything_anywhere(name: str) -> None:
    """Every seventh node, so that the tests stay quick; the conformance tools go through all of them."""
    text = (CORPUS / name).read_text()
    tree = json.loads(text)
    reader = Plan if "plan" in name else State
    for number, path in enumerate(nodes(tree)):
        if number % 7 == 0:
            odd = ODD[number // 7 % len(ODD)]
            changed = json.dumps(replaced(tree, path, "@odd")).replace('"@odd"', odd)
            try:
                found = list(reader(Document(changed), "f", Surroundings()).instances())
            except DocumentError:
                continue
            assert all(re.fullmatch(r"[\w.\[\]\"]+", address) for address in addresses(found))

"""A child whose store is not known may be any store's: nobody may conclude that a store has none."""

from __future__ import annotations

import pytest

from auditor.model import Unknown
from auditor.sources.arm import records
from tests.sources.arm.template_files import STORAGE, evaluated

STORE = f"""
param other string
param group string
resource sa '{STORAGE}@2023-05-01' = {{
  name: 'st'
  location: 'westeurope'
  sku: {{ name: 'Standard_LRS' }}
  kind: 'StorageV2'
}}
"""
BLOBS = "{ properties: { deleteRetentionPolicy: { enabled: true, days: 9 } }"


def existing(name: str, scope: str = "") -> str:
    """An account outside the template, and blobs of it."""
    return STORE + (
        f"resource there '{STORAGE}@2023-05-01' existing = {{\n  name: {name}\n  {scope}\n}}\n"
        f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {BLOBS}\n  name: 'default'\n  parent: there\n}}\n"
    )


def state(text: str, kind: str = "blobServices", context: records.Context | None = None) -> object:
    """The body of the store's only child of a type."""
    store = evaluated(text, context=context)["st"] if context else evaluated(text)["st"]
    (child,) = [child for child in store.children if child.type == f"{STORAGE}/{kind}"]
    return child.body


MAYBE = {
    "existing parent": existing("other"),
    "existing parent, part of its name": existing("'s${other}'"),
    "existing parent of this name elsewhere": existing("'ST'", "scope: resourceGroup(group)"),
    "name": STORE + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {BLOBS}\n  name: '${{other}}/default'\n}}\n",
    "whole name": STORE + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {BLOBS}\n  name: other\n}}\n",
    "parent": STORE + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {BLOBS}\n  name: 'default'\n  parent: nothing\n}}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", MAYBE)
def test_a_child_of_a_store_that_is_not_known_may_be_any_stores(name: str) -> None:
    found = state(MAYBE[name])
    assert isinstance(found, Unknown)
    assert found.possible == ()
    assert "main.bicep:" in found.reason
    assert "it is not known whose" in found.reason
    # Of another type of child it says nothing.
    assert state(MAYBE[name], "fileServices") is None


NOT_ITS_OWN = {
    "existing parent": existing("'other'"),
    "existing parent elsewhere": existing("'other'", "scope: resourceGroup(group)"),
    "name": STORE + f"resource blobs '{STORAGE}/blobServices@2023-05-01' = {BLOBS}\n  name: 'other/default'\n}}\n",
    "another store of the template": STORE + f"""
resource second '{STORAGE}@2023-05-01' = {{
  name: other
  location: 'westeurope'
}}
resource blobs '{STORAGE}/blobServices@2023-05-01' = {BLOBS}
  name: 'default'
  parent: second
}}
""",
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_ITS_OWN)
@pytest.mark.parametrize("context", [None, records.Context()], ids=["in a group", "anywhere"])
def test_a_child_of_another_store_is_not_this_ones(name: str, context: records.Context | None) -> None:
    assert state(NOT_ITS_OWN[name], context=context) is None

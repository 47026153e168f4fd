"""A plan that looks like any other edit and destroys data: it fails, and says what goes and why, in every format.

The sample's plan, in which everything is made, is turned into one for the estate once it is there: what Terraform itself
writes of a replacement (`delete`, `create`, `replace_paths`) and of a deletion stands in place of a creation.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import cli
from auditor.renderers import FORMATS
from tests.scans import Scan, scan

LOSS = "terraform-data-loss"
LOGS = 'module.account["logs"].azurerm_storage_account.this'
AGENTS = 'module.account["prompts"].azurerm_storage_container.this["agents"]'
PROFILES = 'module.chat_history.azurerm_cosmosdb_sql_container.this["user-profiles/user-profiles"]'
OPS = 'module.vault["ops"].azurerm_key_vault.this'
GROUP = "/subscriptions/5c0de5a1-0000-4000-8000-0000000000f1/resourceGroups/rg-fllm-storage"

Change = dict[str, Any]


def stays(change: Change) -> None:
    """There already, and as it is to be."""
    later = {name: None for name, unknown in change["after_unknown"].items() if unknown is True}
    change["before"] = change["after"] = later | change["after"]
    change["actions"], change["after_unknown"] = ["no-op"], {}


def goes(change: Change) -> None:
    """No longer written down."""
    stays(change)
    change["actions"], change["after"] = ["delete"], None


def replaced(*paths: list[str | int]) -> Callable[[Change], None]:
    """Attributes cannot be changed in place."""

    def made_anew(change: Change) -> None:
        change["before"] = change["after"]
        change["actions"], change["replace_paths"] = ["delete", "create"], [*paths]

    return made_anew


@pytest.fixture
def plan(home: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a plan in which some resources change, by address, and all others stay."""

    def write(changes: Mapping[str, Callable[[Change], None]]) -> Path:
        document = json.loads((home / "samples" / "estate" / "terraform" / "plan.json").read_text("utf-8"))
        entries = {one["address"]: one for one in document["resource_changes"]}
        assert changes.keys() <= entries.keys()
        for address, entry in entries.items():
            change = entry["change"]
            if entry["type"] == "azurerm_storage_container":
                account = "stfllm" + address.split('"')[1]
                change["after"]["storage_account_id"] = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{account}"
            changes.get(address, stays)(change)
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(document), "utf-8")
        return path

    return write


def losses(found: Scan) -> dict[str, dict[str, Any]]:
    """What the evidence shows by store, for the stores of which something is destroyed."""
    return {
        one["resource"]["name"]: {item["path"]: item["observed"] for item in one["evidence"]}
        for one in found.report["findings"]
        if one["rule"] == LOSS and one["outcome"] == "fail"
    }


def test_a_replaced_store_is_critical_and_names_what_forces_it(plan: Callable[..., Path], tmp_path: Path) -> None:
    path = plan({LOGS: replaced(["is_hns_enabled"])})
    found = scan(tmp_path, str(path), "--rule", LOSS, "--fail-on", "critical")
    assert found.code == 1
    (finding,) = (one for one in found.report["findings"] if one["outcome"] == "fail")
    assert (finding["rule"], finding["severity"], finding["resource"]["name"]) == (LOSS, "critical", "stfllmlogs")
    shown = losses(found)["stfllmlogs"]
    assert shown["destroyed[0].address"] == LOGS
    assert shown["destroyed[0].action"] == "replace"
    assert shown["destroyed[0].forcedBy"] == ["is_hns_enabled"]
    assert "is_hns_enabled" in finding["message"]
    assert LOGS in finding["message"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_names_what_forces_it(plan: Callable[..., Path], tmp_path: Path, name: str) -> None:
    path = plan({LOGS: replaced(["is_hns_enabled"], ["blob_properties", 0, "restore_policy"])})
    report = tmp_path / "report"
    assert cli.run(["--no-config", "scan", str(path), "-q", "--format", f"{name}={report}"]) == 1
    # HTML and Markdown escape some characters, and text breaks lines.
    text = re.sub(r"\s+", " ", html.unescape(report.read_text("utf-8"))).replace("\\_", "_")
    assert LOSS in text
    assert "is_hns_enabled" in text
    assert "azurerm_storage_account.this" in text


def test_what_goes_is_told_of_the_store_it_is_part_of(plan: Callable[..., Path], tmp_path: Path) -> None:
    path = plan({AGENTS: goes, PROFILES: replaced(["partition_key_paths"]), OPS: goes})
    found = scan(tmp_path, str(path))
    assert found.code == 1
    shown = losses(found)
    assert shown.keys() == {"stfllmprompts", "cosmos-fllm-prod", "kv-fllm-ops"}
    assert shown["stfllmprompts"]["destroyed[0].address"] == AGENTS
    assert shown["cosmos-fllm-prod"]["destroyed[0].forcedBy"] == ["partition_key_paths"]
    assert shown["kv-fllm-ops"]["destroyed[0].action"] == "delete"


def test_a_store_that_goes_is_judged_by_nothing_else(plan: Callable[..., Path], tmp_path: Path) -> None:
    found = scan(tmp_path, str(plan({OPS: goes})), baseline="well-architected")
    of_it = {rule: outcome for (rule, store), outcome in found.verdicts.items() if store == "kv-fllm-ops"}
    assert of_it == {LOSS: "fail", "terraform-prevent-destroy": "not-applicable"}


def test_an_estate_that_stays_loses_nothing(plan: Callable[..., Path], tmp_path: Path) -> None:
    found = scan(tmp_path, str(plan({})), "--rule", LOSS)
    assert set(found.verdicts.values()) == {"pass"}
    assert found.code == 0

"""The Terraform source: a plan of ten thousand resources against what merely loading its JSON costs.

python -m tools.bench_terraform            # the table rows
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.bench import AUDITOR, run

RESOURCES = 10_000
RUNS = 3
AZURERM = "registry.terraform.io/hashicorp/azurerm"

_SERVICES = ("blob", "dfs", "file", "queue", "table", "web")
ENDPOINTS = [
    f"{place}_{service}_{what}"
    for place in ("primary", "secondary")
    for service in _SERVICES
    for what in ("endpoint", "host", "internet_endpoint", "internet_host", "microsoft_endpoint", "microsoft_host")
]
"""What Azure computes of an account, and is known after apply only."""

READ = """
import json, resource, sys, time
begin = time.process_time()
if sys.argv[1] == "load":
    with open(sys.argv[2], encoding="utf-8") as stream:
        json.load(stream)
else:
    from auditor import services
    from auditor.sources import CollectOptions, collect
    catalog = services.catalog()
    from auditor.sources import templates, terraform
    begin = time.process_time()
    assert sum(1 for _ in collect([sys.argv[2]], CollectOptions(), catalog)) >= int(sys.argv[3])
print(time.process_time() - begin)
"""


def account(number: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A storage account: what is planned, what is unknown, what is written."""
    planned: dict[str, Any] = {
        "account_kind": "StorageV2",
        "account_replication_type": ("LRS", "GRS", "GZRS")[number % 3],
        "account_tier": "Standard",
        "allow_nested_items_to_be_public": False,
        "allowed_copy_scope": None,
        "cross_tenant_replication_enabled": False,
        "default_to_oauth_authentication": False,
        "dns_endpoint_type": "Standard",
        "edge_zone": None,
        "https_traffic_only_enabled": True,
        "infrastructure_encryption_enabled": False,
        "is_hns_enabled": False,
        "local_user_enabled": True,
        "location": "eastus2",
        "min_tls_version": "TLS1_2",
        "name": f"st{number:08d}",
        "nfsv3_enabled": False,
        "provisioned_billing_model_version": None,
        "public_network_access_enabled": True,
        "queue_encryption_key_type": "Service",
        "resource_group_name": f"rg-{number // 100}",
        "sftp_enabled": False,
        "shared_access_key_enabled": True,
        "table_encryption_key_type": "Service",
        "tags": {"team": "data", "number": str(number)},
        **{key: [] for key in ("azure_files_authentication", "custom_domain", "identity", "sas_policy")},
    }
    unknown: dict[str, Any] = dict.fromkeys(("access_tier", "id", "large_file_share_enabled", "network_rules"), True)
    unknown |= dict.fromkeys((*ENDPOINTS, "primary_access_key", "secondary_access_key", "share_properties"), True)
    written: dict[str, Any] = {
        "account_replication_type": {"constant_value": planned["account_replication_type"]},
        "account_tier": {"constant_value": "Standard"},
        "location": refers("azurerm_resource_group.g.location"),
        "name": refers("var.prefix"),
        "resource_group_name": refers("azurerm_resource_group.g.name"),
    }
    if number % 2:
        policy = {"days": 7 + number % 40, "permanent_delete_enabled": False}
        planned["blob_properties"] = [
            {
                "change_feed_enabled": False,
                "change_feed_retention_in_days": None,
                "container_delete_retention_policy": [{"days": 30}],
                "cors_rule": [],
                "delete_retention_policy": [policy],
                "last_access_time_enabled": False,
                "restore_policy": [],
                "versioning_enabled": number % 4 == 1,
            }
        ]
        inside = {"container_delete_retention_policy": [{}], "cors_rule": [], "delete_retention_policy": [{}]}
        unknown["blob_properties"] = [{**inside, "default_service_version": True}]
        written["blob_properties"] = [
            {
                "container_delete_retention_policy": [{"days": {"constant_value": 30}}],
                "delete_retention_policy": [{"days": refers("var.days")}],
                "versioning_enabled": {"constant_value": number % 4 == 1},
            }
        ]
    else:
        unknown["blob_properties"] = True
    return planned, unknown, written


def vault(number: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A key vault, the same way."""
    planned = {
        "enabled_for_deployment": None,
        "enabled_for_disk_encryption": None,
        "enabled_for_template_deployment": None,
        "location": "eastus2",
        "name": f"kv{number:08d}",
        "public_network_access_enabled": True,
        "purge_protection_enabled": True if number % 3 else None,
        "rbac_authorization_enabled": True,
        "resource_group_name": f"rg-{number // 100}",
        "sku_name": "standard",
        "soft_delete_retention_days": 90,
        "tags": None,
        "tenant_id": "00000000-0000-0000-0000-000000000000",
    }
    unknown: dict[str, Any] = dict.fromkeys(("access_policy", "id", "network_acls", "vault_uri"), True)
    written = {
        "location": refers("azurerm_resource_group.g.location"),
        "name": refers("var.prefix"),
        "resource_group_name": refers("azurerm_resource_group.g.name"),
        "tenant_id": refers("data.azurerm_client_config.me.tenant_id"),
    }
    return planned, unknown, written


def lock(number: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A lock on the account before it, which it refers to."""
    planned = {"lock_level": "CanNotDelete", "name": f"lock{number}", "notes": None}
    written = {
        "lock_level": {"constant_value": "CanNotDelete"},
        "name": {"constant_value": f"lock{number}"},
        "scope": refers(f"azurerm_storage_account.r{number - 1}.id"),
    }
    return planned, {"id": True, "scope": True}, written


def refers(name: str) -> dict[str, Any]:
    """An expression, with the beginnings of its reference listed as Terraform does."""
    whole = name.rpartition(".")[0]
    return {"references": [name, whole] if whole.count(".") else [name]}


def sensitive(unknown: dict[str, Any]) -> dict[str, Any]:
    """The marks that stand beside these: lists are there, and what the schema calls sensitive."""
    lists = ("blob_properties", "network_rules", "share_properties", "access_policy", "network_acls")
    marks: dict[str, Any] = {name: [] for name in lists if unknown.get(name) is True}
    return marks | {name: True for name in unknown if name.endswith("_access_key")}


def plan(resources: int) -> str:
    """The JSON of a plan: of ten resources six are accounts, three vaults and one a lock."""
    changes, values, configuration, relevant = [], [], [], []
    for number in range(resources):
        place = number % 10
        kind, make = (
            ("azurerm_storage_account", account)
            if place < 6
            else ("azurerm_management_lock", lock)
            if place == 6
            else ("azurerm_key_vault", vault)
        )
        planned, unknown, written = make(number)
        marks = sensitive(unknown)
        short = {"address": f"{kind}.r{number}", "mode": "managed", "type": kind, "name": f"r{number}"}
        what = {**short, "provider_name": AZURERM}
        change = {
            "actions": ["create"],
            "before": None,
            "after": planned,
            "after_unknown": unknown,
            "before_sensitive": False,
            "after_sensitive": marks,
        }
        changes.append({**what, "change": change})
        values.append({**what, "schema_version": 4, "values": planned, "sensitive_values": marks})
        configuration.append({**short, "provider_config_key": "azurerm", "expressions": written, "schema_version": 4})
        if place == 6:
            relevant.append({"resource": f"azurerm_storage_account.r{number - 1}", "attribute": ["id"]})
    provider = {
        "name": "azurerm",
        "full_name": AZURERM,
        "version_constraint": "~> 5.0",
        "expressions": {"features": [{}]},
    }
    tree = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {"prefix": {"value": "st"}, "days": {"value": 30}},
        "planned_values": {"root_module": {"resources": values}},
        "resource_changes": changes,
        "configuration": {"provider_config": {"azurerm": provider}, "root_module": {"resources": configuration}},
        "relevant_attributes": relevant,
        "complete": True,
        "errored": False,
    }
    return json.dumps(tree, separators=(",", ":"))


def seconds(what: str, path: Path) -> float:
    """The CPU seconds of loading a file's JSON, or of reading it as a plan into records."""
    least = str(RESOURCES * 9 // 10)
    return float(subprocess.check_output([sys.executable, "-c", READ, what, str(path), least]))


def rows() -> Iterator[tuple[str, str, str, bool]]:
    """(what, measured, target, met)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(plan(RESOURCES), "utf-8")
        megabytes = path.stat().st_size / 1e6
        ratio = statistics.median(seconds("read", path) / seconds("load", path) for _ in range(RUNS))
        scan = run([*AUDITOR, "scan", str(path), "--format", f"json={folder}/report.json", "--quiet"])
        memory = scan.peak * 1.048576 / megabytes
    what = f"Terraform plan of {RESOURCES:,} resources, {megabytes:.0f} MB"
    yield f"{what}: into records ÷ json.load, CPU", f"{ratio:.2f}", "≤ 3", ratio <= 3
    yield "the same: peak memory of a scan ÷ the file's size", f"{memory:.1f}", "≤ 6", memory <= 6


if __name__ == "__main__":
    for row in rows():
        print(f"| {row[0]} | {row[1]} | {row[2]} | {'yes' if row[3] else '**no**'} |")

"""The template source: files parsed a second, and a folder of templates against what merely loading its JSON costs.

python -m tools.bench_templates            # the table rows
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.bench import AUDITOR, Run, run

BICEP_FILES = 1_000
TEMPLATES = 1_000
SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "estate" / "bicep"


def bicep_rate() -> float:
    """Bicep files parsed a CPU second: the sample estate's own files, over and over."""
    from auditor.sources import bicep
    from auditor.sources.arm import ir
    from tests.conformance.bicep import Disk

    texts = [(path, path.read_text("utf-8")) for path in sorted(SAMPLES.glob("**/*.bicep"))]
    files = Disk()
    begin = time.process_time()
    for number in range(BICEP_FILES):
        path, text = texts[number % len(texts)]
        bicep.parse_template(ir.Source(str(path), text, path), files)
    return BICEP_FILES / (time.process_time() - begin)


def template(number: int) -> dict[str, Any]:
    """A template of five to ten resources, written as people write them: parameters, variables, a loop, children."""
    accounts: list[dict[str, Any]] = []
    for place in range(1 + number % 3):
        name = f"[concat(variables('prefix'), '{place}')]"
        accounts += [
            {
                "type": "Microsoft.Storage/storageAccounts",
                "apiVersion": "2023-05-01",
                "name": name,
                "location": "[parameters('location')]",
                "sku": {"name": "[parameters('sku')]"},
                "kind": "StorageV2",
                "properties": {
                    "minimumTlsVersion": "TLS1_2",
                    "allowBlobPublicAccess": False,
                    "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": []},
                },
            },
            {
                "type": "Microsoft.Storage/storageAccounts/blobServices",
                "apiVersion": "2023-05-01",
                "name": f"[concat(variables('prefix'), '{place}/default')]",
                "dependsOn": [
                    f"[resourceId('Microsoft.Storage/storageAccounts', concat(variables('prefix'), '{place}'))]"
                ],
                "properties": {
                    "isVersioningEnabled": True,
                    "deleteRetentionPolicy": {"enabled": True, "days": "[parameters('days')]"},
                    "containerDeleteRetentionPolicy": {"enabled": True, "days": "[parameters('days')]"},
                },
            },
        ]
    others = [
        {
            "type": "Microsoft.KeyVault/vaults",
            "apiVersion": "2023-07-01",
            "name": f"kv-{number}",
            "location": "[parameters('location')]",
            "properties": {
                "tenantId": "[subscription().tenantId]",
                "sku": {"family": "A", "name": "standard"},
                "enablePurgeProtection": "[if(equals(parameters('sku'), 'Standard_GRS'), true(), null())]",
                "softDeleteRetentionInDays": 90,
            },
        },
        {
            "type": "Microsoft.Network/virtualNetworks",
            "apiVersion": "2023-11-01",
            "name": "[format('vnet-{0}', parameters('location'))]",
            "location": "[parameters('location')]",
            "copy": {"name": "networks", "count": 2},
            "properties": {"addressSpace": {"addressPrefixes": ["[format('10.{0}.0.0/16', copyIndex())]"]}},
        },
        {
            "type": "Microsoft.AppConfiguration/configurationStores",
            "apiVersion": "2024-05-01",
            "name": f"appcs-{number}",
            "location": "[parameters('location')]",
            "sku": {"name": "standard"},
            "properties": {"enablePurgeProtection": True},
        },
    ]
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "location": {"type": "string", "defaultValue": "westeurope"},
            "sku": {
                "type": "string",
                "defaultValue": "Standard_GRS",
                "allowedValues": ["Standard_LRS", "Standard_GRS"],
            },
            "days": {"type": "int", "defaultValue": 30},
        },
        "variables": {"prefix": f"[concat('st{number}', uniqueString(resourceGroup().id))]"},
        "resources": accounts + others,
    }


def write(folder: Path, count: int) -> None:
    """Write templates, a hundred a folder."""
    for number in range(count):
        path = folder / f"{number // 100:02d}" / f"t{number:04d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(template(number), indent=2), "utf-8")


def loading(folder: Path) -> float:
    """Seconds `json.load` takes for all files of a folder, the interpreter's start left out; the median of five."""
    code = (
        "import json,pathlib,sys,time\n"
        "files=sorted(pathlib.Path(sys.argv[1]).glob('**/*.json'))\n"
        "t=time.perf_counter()\n"
        "for f in files:\n    with f.open(encoding='utf-8') as s: json.load(s)\n"
        "print(time.perf_counter()-t)"
    )
    found = [float(subprocess.check_output([sys.executable, "-c", code, str(folder)])) for _ in range(5)]
    return statistics.median(found)


def scan(folder: Path) -> Run:
    """A whole scan of a folder as JSON, started from nothing."""
    return run([*AUDITOR, "scan", str(folder), "--format", f"json={folder}.report.json", "--quiet"])


def rows() -> Iterator[tuple[str, str, str, bool]]:
    """(what, measured, target, met)."""
    rate = bicep_rate()
    yield "Bicep files parsed a second, one core", f"{rate:,.0f}", "≥ 500", rate >= 500
    with tempfile.TemporaryDirectory() as top:
        small, large = Path(top) / "small", Path(top) / "large"
        write(small, TEMPLATES // 10)
        write(large, TEMPLATES)
        few, many = [scan(small) for _ in range(3)], [scan(large) for _ in range(3)]
        least = scan_of_nothing(Path(top))
        wall = statistics.median(one.wall for one in many)
        ratio = wall / loading(large)
        what = "1,000 ARM templates of 5-10 resources: scan ÷ json.load of the same files, wall"
        yield what, f"{ratio:.1f}", "≤ 8", ratio <= 8
        peak = max(one.peak for one in many)
        yield "the same: peak memory", f"{peak:.0f} MB", "≤ 200 MB", peak <= 200
        growth = (statistics.median(o.cpu for o in many) - least) / (statistics.median(o.cpu for o in few) - least)
        yield "the same: CPU of 1,000 ÷ 100 templates, start left out", f"{growth:.1f}", "≤ 12", growth <= 12


def scan_of_nothing(top: Path) -> float:
    """CPU seconds of a scan that has one small template to read."""
    folder = top / "one"
    write(folder, 1)
    return statistics.median(scan(folder).cpu for _ in range(3))


if __name__ == "__main__":
    for row in rows():
        print("|", " | ".join(map(str, row)), "|", flush=True)

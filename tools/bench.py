"""Measures what docs/benchmarks.md promises, as ratios within one run; `--write` puts the figures there.

    python -m tools.bench [start] [snapshot] [live] [templates] [terraform] [--write]

Every figure is a median; each ratio pairs two commands run in turn, so that a machine whose speed drifts or that is
shared does not decide it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from auditor import pipeline, snapshot
from auditor.model import Listing, Origin, Record, Resource

DOCS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
AUDITOR = [sys.executable, "-m", "auditor", "--no-config"]
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"


class Row(NamedTuple):
    """One measured promise."""

    what: str
    measured: str
    target: str
    met: bool


class Run(NamedTuple):
    """One finished process: seconds of wall and CPU time, and its peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def run(command: list[str]) -> Run:
    """Run a command to its end, its output thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ratio(command: list[str], other: list[str], runs: int = 15) -> float:
    """The median of the wall-time ratios of two commands run in turn."""
    run(command)
    run(other)
    return statistics.median(run(command).wall / run(other).wall for _ in range(runs))


# ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def start() -> Iterator[Row]:
    """How long it takes to begin."""
    python = [sys.executable, "-c"]
    version = ratio([*python, "from auditor.cli import main; main()", "--version"], [*python, "import click"])
    yield Row("`auditor --version` ÷ `import click`, wall", f"{version:.2f}", "≤ 1.3", version <= 1.3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.jsonl"
        snapshot.write(path, estate(1), ("bench",))
        scan = ["from auditor.cli import main; main()", "--no-config", "scan", str(path), "--format", "json"]
        one = ratio([*python, *scan], [*python, "import click, yaml, jinja2"])
    yield Row("one-resource scan, all rules, JSON ÷ `import click, yaml, jinja2`, wall", f"{one:.2f}", "≤ 2", one <= 2)


# ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────────────


def estate(stores: int) -> Iterator[Record]:
    """A mixed estate: of ten stores six are storage accounts, two vaults, one a Cosmos account, one a config store."""
    for kind in (
        "Microsoft.Authorization/locks",
        "Microsoft.DataProtection/backupVaults",
        "Microsoft.RecoveryServices/vaults",
        "Microsoft.DocumentDB/locations/restorableDatabaseAccounts",
    ):
        yield Listing(SUBSCRIPTION, kind)
    for number in range(stores):
        yield _store(number)


def _store(number: int) -> Resource:
    place = number % 10
    group = f"{SUBSCRIPTION}/resourceGroups/rg-{number // 100}/providers"
    if place < 6:
        kind, name = "Microsoft.Storage/storageAccounts", f"st{number:08d}"
        body = {
            "sku": {"name": ("Standard_LRS", "Standard_GZRS", "Standard_RAGRS")[number % 3], "tier": "Standard"},
            "kind": "StorageV2",
            "properties": {
                "isHnsEnabled": place == 0,
                "accessTier": "Hot",
                "encryption": {"keySource": "Microsoft.Storage", "services": {"blob": {"enabled": True}}},
                "primaryEndpoints": {
                    s: f"https://{name}.{s}.core.windows.net/" for s in ("blob", "dfs", "queue", "table")
                },
                "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": []},
            },
        }
        policy = {"enabled": number % 7 > 0, "days": 7 + number % 40}
        blob = {
            "properties": {
                "deleteRetentionPolicy": policy,
                "containerDeleteRetentionPolicy": policy,
                "isVersioningEnabled": number % 2 == 0,
            }
        }
        files = {"properties": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 14}}}
        children = {"blobServices": blob, "fileServices": files, "managementPolicies": None}
    elif place < 8:
        kind, name, children = "Microsoft.KeyVault/vaults", f"kv{number:08d}", {}
        body = {
            "properties": {
                "enableSoftDelete": True,
                "softDeleteRetentionInDays": 7 + number % 84,
                "enablePurgeProtection": True if number % 3 else None,
                "vaultUri": f"https://{name}.vault.azure.net/",
            }
        }
    elif place == 8:
        kind, name, children = "Microsoft.DocumentDB/databaseAccounts", f"cosmos{number:08d}", {}
        location = {"locationName": "West Europe", "failoverPriority": 0, "isZoneRedundant": number % 4 == 0}
        body = {
            "kind": "GlobalDocumentDB",
            "properties": {
                "instanceId": f"i-{number}",
                "locations": [location],
                "backupPolicy": {"type": "Continuous", "continuousModeProperties": {"tier": "Continuous30Days"}},
                "consistencyPolicy": {"defaultConsistencyLevel": "Session"},
            },
        }
    else:
        kind, name, children = (
            "Microsoft.AppConfiguration/configurationStores",
            f"appcs{number:08d}",
            {"replicas": None},
        )
        body = {
            "sku": {"name": "standard"},
            "properties": {"softDeleteRetentionInDays": 7, "enablePurgeProtection": False},
        }
    store_id = f"{group}/{kind}/{name}"
    origin = Origin(f"https://management.azure.com{store_id}?api-version=2026-01-01", request_id=f"r-{number}")
    body = {"id": store_id, "name": name, "type": kind, "location": "westeurope", "tags": {"team": "data"}, **body}
    below = tuple(
        Resource(
            f"{store_id}/{child}/{'*' if child == 'replicas' else 'default'}",
            f"{kind}/{child}",
            "*" if child == "replicas" else "default",
            None,
            value,
            origin,
            store_id,
            deployed=True,
        )
        for child, value in children.items()
    )
    return Resource(store_id, kind, name, "westeurope", body, origin, None, below, "2026-01-01", deployed=True)


def snapshots() -> Iterator[Row]:
    """How time and memory grow with the estate."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for size in (10_000, 100_000):
            path = Path(folder) / f"{size}.jsonl"
            snapshot.write(path, estate(size), ("bench",))
            command = [*AUDITOR, "scan", str(path), "--format", f"json={folder}/{size}.json", "--quiet"]
            runs[size] = statistics_of(command, 3 if size < 50_000 else 1)
        small, large = runs[10_000], runs[100_000]
        growth = large.cpu / small.cpu
        yield Row("100,000 resources ÷ 10,000 resources, CPU", f"{growth:.1f}", "≤ 12", growth <= 12)
        yield Row("peak memory, 100,000 resources", f"{large.peak:.0f} MB", "≤ 400 MB", large.peak <= 400)
        rate = float(subprocess.check_output([sys.executable, "-m", "tools.bench", "--rate", f"{folder}/10000.jsonl"]))
        yield Row("rule evaluations a second, one core", f"{rate:,.0f}", "≥ 150,000", rate >= 150_000)


def statistics_of(command: list[str], runs: int) -> Run:
    """The medians of several runs."""
    found = [run(command) for _ in range(runs)]
    return Run(*(statistics.median(column) for column in zip(*found, strict=True)))


def rate(path: Path) -> float:
    """Rule evaluations a CPU second on resources already in memory: what the engine itself costs."""
    from auditor import services
    from auditor.engine import Engine, subject_of
    from auditor.reading import Estate

    policy = pipeline.load_policy()
    catalog = services.catalog()
    records = list(snapshot.read(path).records())
    listings = [record for record in records if isinstance(record, Listing)]
    stores = [record for record in records if isinstance(record, Resource)]
    best = 0.0
    for _ in range(3):
        engine = Engine(policy.rules, policy.baseline, catalog, Estate(catalog, (), listings))
        begin = time.process_time()
        count = sum(len(engine.evaluate(store, subject_of(store))) for store in stores)
        best = max(best, count / (time.process_time() - begin))
    return best


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _other(module: str) -> Callable[[], Iterator[Row]]:
    """The rows of a bench that stands in a module of its own: `rows()` yields (what, measured, target, met)."""

    def rows() -> Iterator[Row]:
        loaded = importlib.import_module(module)
        for row in loaded.rows():
            yield Row(*row)

    return rows


PARTS: dict[str, Callable[[], Iterator[Row]]] = {"start": start, "snapshot": snapshots}
for _name in ("live", "templates", "terraform"):
    if importlib.util.find_spec(f"tools.bench_{_name}") is not None:
        PARTS[_name] = _other(f"tools.bench_{_name}")


def main(arguments: list[str]) -> int:
    """Measure the named parts, or all, and print or write the table; 1 when a target is missed."""
    if arguments[:1] == ["--rate"]:
        print(rate(Path(arguments[1])))
        return 0
    names = [name for name in arguments if name in PARTS] or list(PARTS)
    lines = ["| what | measured | target | met |", "|---|---|---|---|"]
    missed = 0
    print("\n".join(lines), flush=True)
    for name in names:
        for row in PARTS[name]():
            missed += not row.met
            lines.append(f"| {row.what} | {row.measured} | {row.target} | {'yes' if row.met else '**no**'} |")
            print(lines[-1], flush=True)
    if "--write" in arguments:
        text = DOCS.read_text("utf-8")
        begin, end = text.index("<!-- figures -->"), text.index("<!-- end -->")
        machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}."
        DOCS.write_text(
            f"{text[:begin]}<!-- figures -->\n{machine}\n\n" + "\n".join(lines) + f"\n{text[end:]}", "utf-8"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

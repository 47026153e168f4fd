"""Baselines from a golden environment: it meets its own exactly, and the slightest weakening does not."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from auditor import derivation, pipeline
from auditor.errors import UsageError
from auditor.model import Outcome, Unknown
from tests.drift.sides import ACCOUNT, CONFIG, COSMOS, VAULT, gap, policy, side, store
from tests.drift.test_cli import written as snapshot_of
from tests.test_cli import run
from tests.test_mutations import CONFIG as CONFIGS
from tests.test_mutations import LOGS, STORES, TRIALS, VAULTS, Edit, _make

ACCOUNTS = "Microsoft.DocumentDB/databaseAccounts"
WEAKENED = {
    "cosmosdb-backup-interval": Edit(ACCOUNTS, f'"name": "{TRIALS}"', "1440", "1441"),
    "cosmosdb-backup-retention": Edit(ACCOUNTS, f'"name": "{TRIALS}"', "48", "47"),
    "keyvault-soft-delete-retention": Edit(VAULTS, '"name": "kv-fllm-auth"', '"softDeleteRetentionInDays": 7', '"softDeleteRetentionInDays": 6'),
    "storage-lifecycle-deletes": Edit(f"{LOGS}/managementPolicies/default", "", '"daysAfterCreationGreaterThan": 3', '"daysAfterCreationGreaterThan": 2'),
    "appconfig-soft-delete-retention": Edit(STORES, f'"name": "{CONFIGS}"', '"softDeleteRetentionInDays": 7', '"softDeleteRetentionInDays": 6'),
    "appconfig-revision-retention": Edit(STORES, f'"name": "{CONFIGS}"', '"softDeleteRetentionInDays": 7', '"softDeleteRetentionInDays": 7, "defaultKeyValueRevisionRetentionPeriodInSeconds": 604799'),
    "backupvault-soft-delete": Edit("Microsoft.DataProtection/backupVaults", "", '"retentionDurationInDays": 14', '"retentionDurationInDays": 13'),
    "backupvault-redundancy": Edit("Microsoft.DataProtection/backupVaults", "", "GeoRedundant", "LocallyRedundant"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(home)
    monkeypatch.delenv("FLLM_LOCATION", raising=False)


def failing(recording: Path, baseline: Path) -> set[str]:
    report = pipeline.audit("azure:", str(baseline), replay=recording)
    return {one.rule for one in report.findings if one.outcome is Outcome.FAIL}


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline of the sample estate's recording."""
    path = tmp_path_factory.mktemp("golden") / "Golden 2026.yaml"
    home = Path(__file__).resolve().parent.parent
    done = run(
        "--no-config", "baselines", "derive", "azure:", "--replay", str(home / "samples/estate/live"), "-o", str(path)
    )
    assert done.code == 3, "the recording holds a 403, and what it hides is not in the baseline"
    assert "Not read: " in done.err
    assert re.search(r"Wrote .*: \d+ rules required, \d+ reported, \d+ as they were", done.err)
    return path


def test_the_golden_environment_meets_its_own_baseline(golden: Path, home: Path) -> None:
    assert failing(home / "samples/estate/live", golden) == set()
    loaded = pipeline.load_policy(str(golden)).baseline
    assert (loaded.id, loaded.title) == ("golden-2026", "What azure: meets")
    assert loaded.statements == policy().baseline.statements
    assert {name for name, one in loaded.rules.items() if one.effect == "require"} >= WEAKENED.keys()


@pytest.mark.parametrize("rule", WEAKENED)
def test_a_setting_that_is_weakened_fails(rule: str, golden: Path, home: Path, tmp_path: Path) -> None:
    recording = tmp_path / "estate"
    shutil.copytree(home / "samples/estate/live", recording)
    _make(WEAKENED[rule], recording, "live")
    assert failing(recording, golden) == {rule}


def test_what_some_store_fails_is_reported_with_the_reason(golden: Path) -> None:
    text = golden.read_text("utf-8")
    assert "  # fails on 1 of 3: kv-fllm-legacy\n  keyvault-soft-delete: {effect: report}\n" in text
    assert (
        "  # cannot be told on 1 of 4: stfllmvectors\n  storage-blob-soft-delete: {effect: report, parameters: {retention: P7D}}\n"
        in text
    )
    assert "  # cosmosdb-automatic-failover: applies to nothing here\n" in text
    assert "parameters: {interval: P1D}" in text


def test_the_file_is_what_the_schema_of_baselines_says(golden: Path, home: Path) -> None:
    schema = json.loads((home / "docs/baseline.schema.json").read_text())
    data = yaml.safe_load(golden.read_text())
    data["source"]["date"] = str(data["source"]["date"])
    assert [error.message for error in Draft202012Validator(schema).iter_errors(data)] == []


def derived(*records: Any, extends: str = "standard-deployment") -> dict[str, Any]:
    found = derivation.derive(side(*records), policy(extends))
    text = "".join(derivation.written(found, "golden", extends, Path()))
    return dict(yaml.safe_load(text)["rules"])


def account(sku: str, name: str = "one") -> Any:
    return store(ACCOUNT, name, {"sku": {"name": sku}}, {"blobServices/default": {}, "fileServices/default": {}})


@pytest.mark.parametrize(
    ("skus", "minimum"),
    [
        (("Standard_LRS", "Standard_GZRS"), "LRS"),
        (("Standard_ZRS", "Standard_RAGZRS"), "ZRS"),
        (("Standard_GRS", "Standard_GZRS"), "GRS"),
        (("Standard_RAGZRS", "Standard_GZRS"), "GZRS"),
        # What both survive is a disk.
        (("Standard_ZRS", "Standard_GRS"), "LRS"),
    ],
)
def test_the_redundancy_that_all_have(skus: tuple[str, ...], minimum: str) -> None:
    rules = derived(*(account(sku, f"a{number}") for number, sku in enumerate(skus)))
    assert rules["storage-redundancy"] == {"effect": "require", "parameters": {"minimum": minimum}}


def test_the_weakest_of_each_is_what_is_required() -> None:
    rules = derived(
        *(store(VAULT, f"v{days}", {"properties": {"softDeleteRetentionInDays": days}}) for days in (30, 90, 7)),
        *(store(COSMOS, f"c{count}", {"properties": {"backupPolicy": {"type": "Periodic", "periodicModeProperties": {"backupIntervalInMinutes": 60 * count, "backupRetentionIntervalInHours": 24 * count}}, "locations": [{"locationName": f"r{n}"} for n in range(count)]}}) for count in (2, 3)),
    )  # fmt: skip
    assert rules["keyvault-soft-delete-retention"]["parameters"] == {"retention": "P7D"}
    assert rules["cosmosdb-backup-interval"]["parameters"] == {"interval": "PT3H"}
    assert rules["cosmosdb-backup-retention"]["parameters"] == {"retention": "P2D"}
    assert rules["cosmosdb-multi-region"]["parameters"] == {"regions": 2}
    assert rules["cosmosdb-backup-continuous"] == {"effect": "require", "parameters": {"mode": "Periodic"}}
    assert rules["keyvault-purge-protection"] == {"effect": "report"}


def test_words_that_differ_cannot_be_required() -> None:
    level = [{"properties": {"consistencyPolicy": {"defaultConsistencyLevel": name}}} for name in ("Strong", "Session")]
    rules = derived(*(store(COSMOS, f"c{number}", body) for number, body in enumerate(level)))
    assert rules["cosmosdb-consistency"] == {"effect": "report", "parameters": {"level": "Session"}}
    assert derived(store(COSMOS, body=level[0]))["cosmosdb-consistency"] == {
        "effect": "require",
        "parameters": {"level": "Strong"},
    }


def test_what_is_not_known_is_not_required() -> None:
    rules = derived(store(VAULT, body={"properties": {"softDeleteRetentionInDays": Unknown("403")}}))
    assert rules["keyvault-soft-delete-retention"]["effect"] == "report"
    either = store(VAULT, body={"properties": {"softDeleteRetentionInDays": Unknown("a parameter", (30, 90))}})
    assert derived(either)["keyvault-soft-delete-retention"] == {
        "effect": "require",
        "parameters": {"retention": "P30D"},
    }


def test_what_the_parent_leaves_out_stays_out(tmp_path: Path) -> None:
    parent = tmp_path / "parent.yaml"
    parent.write_text(
        "id: parent\ntitle: Parent\nextends: standard-deployment\nrules:\n  keyvault-purge-protection: {effect: 'off'}\n"
    )
    golden = snapshot_of(tmp_path / "golden.jsonl", store(VAULT, body={"properties": {"enablePurgeProtection": True}}))
    place = tmp_path / "below" / "golden.yaml"
    place.parent.mkdir()
    done = run(
        "--no-config", "baselines", "derive", golden, "-o", str(place), "--extends", str(parent), "--id", "golden-vault"
    )
    assert done.code == 0
    text = place.read_text()
    assert 'extends: "../parent.yaml"' in text
    assert "# keyvault-purge-protection: is off in what this extends" in text
    loaded = pipeline.load_policy(str(place)).baseline
    assert (loaded.id, loaded.setting("keyvault-purge-protection").effect) == ("golden-vault", "off")


def test_nothing_to_derive_from(tmp_path: Path) -> None:
    place = tmp_path / "golden.yaml"
    assert run("--no-config", "baselines", "derive", snapshot_of(tmp_path / "a.jsonl"), "-o", str(place)).code == 4
    assert (
        run("--no-config", "baselines", "derive", snapshot_of(tmp_path / "b.jsonl", gap("x")), "-o", str(place)).code
        == 3
    )
    assert not place.exists()
    whole = snapshot_of(tmp_path / "c.jsonl", store(CONFIG))
    assert run("--no-config", "baselines", "derive", whole, "-o", str(place), "--id", "No Id").code == 2
    done = run("--no-config", "baselines", "derive", whole, "-o", "-", "--quiet")
    assert (done.code, done.out.startswith('id: "golden"\n'), done.err) == (0, True, "")


def test_ids() -> None:
    extended = "standard-deployment"
    assert derivation.name_of("", Path("x/Golden 2026.yaml"), extended) == "golden-2026"
    assert derivation.name_of("", Path("2026.yaml"), extended) == "golden-2026"
    assert derivation.name_of("", None, extended) == "golden"
    with pytest.raises(UsageError, match="is no id"):
        derivation.name_of("-", None, extended)
    for taken, other in (("well-architected", extended), ("platform", "platform")):
        with pytest.raises(UsageError, match="is the id of another baseline"):
            derivation.name_of("", Path(f"{taken}.yaml"), other)


def test_a_baseline_does_not_extend_itself(tmp_path: Path) -> None:
    golden, place = snapshot_of(tmp_path / "a.jsonl", store(VAULT)), tmp_path / "golden.yaml"
    assert run("--no-config", "baselines", "derive", golden, "-o", str(place)).code == 0
    before = place.read_text()
    done = run("--no-config", "baselines", "derive", golden, "-o", str(place), "--extends", str(place), "--id", "other")
    assert (done.code, "cannot extend itself" in done.err) == (2, True)
    assert place.read_text() == before


def test_hostile_names_stay_in_their_comment(tmp_path: Path) -> None:
    name = "x\nrules: {}\n# \x1b[31m::error::"
    found = derivation.derive(side(store(VAULT, name, {"properties": {"enableSoftDelete": False}})), policy())
    text = "".join(derivation.written(found, "golden", "standard-deployment", Path()))
    assert "\x1b" not in text
    assert yaml.safe_load(text)["rules"]["keyvault-soft-delete"] == {"effect": "report"}

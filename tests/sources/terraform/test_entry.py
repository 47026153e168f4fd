"""What targets hold of Terraform, which of it is judged, and what the report says of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auditor import Outcome, Severity, audit, services
from auditor.errors import TargetError, UsageError
from auditor.model import Gap, Origin, Record, Resource, Scope
from auditor.sources import CollectOptions, collect
from tests.sources.terraform.plan_json import AZURERM, CORPUS, PlanJson, constant

ACCOUNT = "azurerm_storage_account.a"
VAULT = "azurerm_key_vault.k"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def records(*targets: str, **options: Any) -> list[Record]:
    return list(collect(targets or (".",), CollectOptions(**options), services.catalog()))


def stores(found: list[Record]) -> list[str]:
    return [one.origin.uri for one in found if isinstance(one, Resource)]


def scopes(found: list[Record]) -> dict[str, str]:
    return {one.id: one.state for one in found if isinstance(one, Scope)}


def plan(**more: Any) -> str:
    values = {"name": "kv", "location": "westeurope", "resource_group_name": "rg", "soft_delete_retention_days": 90}
    written = {"name": constant("kv"), "location": constant("westeurope")}
    return PlanJson(**more).add(VAULT, values, unknown={"id": True}, written=written).text()


def state() -> str:
    values = {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", "name": "kv"}
    one = {"address": VAULT, "mode": "managed", "type": "azurerm_key_vault", "provider_name": AZURERM, "values": values}
    return json.dumps(
        {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {"resources": [one]}}}
    )


def test_a_plan_stands_before_the_state_beside_it() -> None:
    write(plan_json=plan(), state_json=state())
    found = records()
    assert stores(found) == ["plan.json"]
    assert scopes(found) == {
        "plan.json": "1 data store",
        "state.json": "not judged: plan.json stands for it; name it to audit it",
    }
    assert stores(records("state.json")) == ["state.json"]
    assert stores(records("plan.json", "state.json")) == ["plan.json", "state.json"]


def test_every_plan_of_a_folder_is_judged() -> None:
    write(dev_json=plan(), prod_json=plan(), below__plan_json=plan(), below__deeper__state_json=state())
    assert stores(records()) == ["dev.json", "prod.json", "below/plan.json", "below/deeper/state.json"]


def test_what_terraform_keeps_for_itself_is_skipped() -> None:
    Path(".terraform").mkdir()
    Path(".terraform/terraform.tfstate").write_text(state())
    write(plan_json=plan())
    assert stores(records()) == ["plan.json"]


def test_a_file_named_twice_is_judged_once() -> None:
    write(plan_json=plan())
    assert stores(records("plan.json", "plan.json", ".")) == ["plan.json"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    Path("plan.json").write_text(plan(), encoding)
    assert stores(records("plan.json")) == ["plan.json"]


@pytest.mark.parametrize("end", [40, -1, -40])
def test_a_cut_plan_is_a_gap_and_nothing_else(end: int) -> None:
    text = plan()[:end]
    write(plan_json=text)
    (gap,) = [one for one in records() if not isinstance(one, Scope)]
    assert gap == Gap("plan.json", "it was not judged: it ends in the middle", Origin("plan.json", 1, len(text) + 1))
    assert scopes(records()) == {"plan.json": "not judged"}
    assert audit("plan.json").exit_code(Severity.LOW) == 3


def test_an_encrypted_state_is_a_gap() -> None:
    write(sealed_tfstate=json.dumps({"meta": {}, "encrypted_data": "x", "encryption_version": "v0"}))
    (gap,) = [one for one in records() if isinstance(one, Gap)]
    assert "tofu show -json" in gap.reason


def test_the_lock_file_tells_the_major(work: Path) -> None:
    lock = f'provider "{AZURERM}" {{\n  version = "3.117.1"\n}}\n'
    made = PlanJson({"version_constraint": ">= 3.0"}).add(
        VAULT, {"name": "kv", "enable_rbac_authorization": True}, written={"name": constant("kv")}
    )
    write(plan_json=made.text())
    Path(".terraform.lock.hcl").write_text(lock)
    (vault,) = [one for one in records() if isinstance(one, Resource)]
    assert isinstance(vault.body, dict)
    assert vault.body["properties"]["enableRbacAuthorization"] is True


def test_many_gaps_are_told_in_sum() -> None:
    made = PlanJson()
    made.changes += [{"address": f"azurerm_key_vault.k{n}"} for n in range(300)]
    write(plan_json=made.text())
    gaps = [one for one in records() if isinstance(one, Gap)]
    assert len(gaps) == 201
    assert gaps[-1].reason == "100 more parts of it could not be read"


def test_what_no_table_knows_is_named_on_request() -> None:
    made = PlanJson().add(VAULT, {"name": "kv", "new_thing": 1, "vault_uri": "x"}, written={"name": constant("kv")})
    write(plan_json=made.text())
    kinds = {one.kind: one.state for one in records(verbose=True) if isinstance(one, Scope)}
    assert kinds["attributes not understood"] == "azurerm_key_vault.new_thing (1)"
    assert "attributes not understood" not in {one.kind for one in records() if isinstance(one, Scope)}


def test_a_providers_look_alike_is_said_to_be_one() -> None:
    made = PlanJson().add(
        VAULT, {"name": "kv"}, written={"name": constant("kv")}, provider_name="registry.terraform.io/evil/azurerm"
    )
    write(plan_json=made.text())
    assert scopes(records())["plan.json"] == "1 data store; registry.terraform.io/evil/azurerm is taken for azurerm"


def outcomes(target: Path) -> dict[tuple[str, str], Outcome]:
    report = audit(target)
    assert report.gaps == ()
    return {(one.subject.name, one.rule): one.outcome for one in report.findings}


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the checkout")
def test_verdicts_on_the_corpus() -> None:
    """Terraform 1.11's own output: of a plan, and of the state after it was applied."""
    planned = outcomes(CORPUS / "azurerm_plan_stub.json")
    kept = outcomes(CORPUS / "azurerm_state_stub.json")
    expected = {
        ("stdevbare", "storage-blob-soft-delete"): Outcome.FAIL,
        ("stdeva", "storage-blob-soft-delete"): Outcome.FAIL,
        ("stdevbare", "storage-blob-versioning"): Outcome.FAIL,
        ("stdeva", "storage-blob-versioning"): Outcome.PASS,
        ("stdevb", "storage-blob-versioning"): Outcome.PASS,
        ("stdevbare", "storage-container-soft-delete"): Outcome.FAIL,
        ("cosmos-dev", "cosmosdb-backup-continuous"): Outcome.FAIL,
        ("cosmos-dev", "cosmosdb-backup-retention"): Outcome.FAIL,
        ("kv-dev", "keyvault-soft-delete"): Outcome.PASS,
        ("kv-dev", "keyvault-purge-protection"): Outcome.FAIL,
    }
    assert {key: planned[key] for key in expected} == expected
    assert {key: kept[key] for key in expected} == expected
    assert planned["stdevbare", "terraform-data-loss"] is Outcome.PASS
    assert ("stdevbare", "terraform-data-loss") not in kept or kept[
        "stdevbare", "terraform-data-loss"
    ] is not Outcome.FAIL


UNSURE: dict[str, Any] = {
    "known after apply": {
        "unknown": {"purge_protection_enabled": True},
        "written": {"purge_protection_enabled": {"references": ["random_pet.p.id"]}},
    },
    "a data source": {
        "unknown": {"purge_protection_enabled": True},
        "written": {"purge_protection_enabled": {"references": ["data.external.d.result"]}},
    },
    "a local": {
        "unknown": {"purge_protection_enabled": True},
        "written": {"purge_protection_enabled": {"references": ["local.x"]}},
    },
    "sensitive": {
        "after": {"purge_protection_enabled": True},
        "sensitive": {"purge_protection_enabled": True},
        "written": {},
    },
}


@pytest.mark.parametrize("case", UNSURE)
def test_what_is_not_known_never_passes(case: str) -> None:
    given = dict(UNSURE[case])
    after = {"name": "kv", "location": "westeurope", "soft_delete_retention_days": 90, **given.pop("after", {})}
    write(plan_json=PlanJson().add(VAULT, after, **given).text())
    found = {one.rule: one for one in audit("plan.json").findings}
    assert found["keyvault-purge-protection"].outcome is Outcome.UNKNOWN
    assert found["keyvault-soft-delete"].outcome is Outcome.PASS


# ── configurations ───────────────────────────────────────────────────────────────────────────────────────────────────

VAULT_TF = 'resource "azurerm_key_vault" "k" {\n  name = "kv"\n  location = "westeurope"\n}\n'
CALL_TF = 'module "m" {\n  source = "../modules/m"\n}\n'


def test_a_configuration_stands_before_the_state_beside_it() -> None:
    write(main_tf=VAULT_TF, terraform_tfstate=state())
    found = records()
    assert stores(found) == ["main.tf"]
    assert scopes(found)["terraform.tfstate"].startswith("not judged")
    assert stores(records("main.tf")) == ["main.tf"]
    assert stores(records("terraform.tfstate")) == ["terraform.tfstate"]


def test_a_plan_stands_before_the_configuration_beside_it_and_its_modules() -> None:
    write(app__main_tf=CALL_TF, modules__m__main_tf=VAULT_TF, app__plan_json=plan())
    assert stores(records()) == ["app/plan.json"]
    Path(".git").mkdir()  # what is below it belongs together
    assert stores(records("app/main.tf")) == ["modules/m/main.tf"]


def test_a_module_is_judged_where_it_is_called() -> None:
    write(app__main_tf=CALL_TF, modules__m__main_tf=VAULT_TF, other__main_tf=VAULT_TF)
    assert stores(records()) == ["modules/m/main.tf", "other/main.tf"]
    assert stores(records("modules/m")) == ["modules/m/main.tf"]


def test_modules_that_call_each_other_are_judged_once() -> None:
    circle = 'module "m" {{\n  source = "../{}"\n}}\n'
    write(a__main_tf=circle.format("b") + VAULT_TF, b__main_tf=circle.format("a"))
    assert set(stores(records())) == {"a/main.tf"}


def test_what_is_of_opentofu_alone() -> None:
    write(main_tofu=VAULT_TF)
    assert stores(records()) == ["main.tofu"]


# ── the configuration beside a plan ──────────────────────────────────────────────────────────────────────────────────

ACCOUNT_TF = """\
resource "azurerm_storage_account" "a" {
  name                     = "st"
  account_tier             = "Standard"
  account_replication_type = "LRS"
  %s
  lifecycle {
    prevent_destroy = true
  }
}
"""
BLOCK = "blob_properties {\n    versioning_enabled = true\n  }"
DYNAMIC = 'dynamic "blob_properties" {\n    for_each = local.x\n    content {}\n  }'


def account_plan(*, written: bool) -> str:
    """A plan in which something unknown is used where its own configuration does not show it."""
    after: dict[str, Any] = {"name": "st", "account_tier": "Standard", "account_replication_type": "LRS"}
    after |= {"account_kind": "StorageV2", "location": "westeurope"}
    expressions: dict[str, Any] = {"name": constant("st")}
    unknown: dict[str, Any] = {"blob_properties": True}
    marks: dict[str, Any] = {"blob_properties": []}
    if written:
        after["blob_properties"] = [{"versioning_enabled": True, "delete_retention_policy": []}]
        expressions["blob_properties"] = [{"versioning_enabled": constant(True)}]
        unknown, marks = {"blob_properties": [{}]}, {"blob_properties": [{}]}
    made = PlanJson().add(ACCOUNT, after, unknown=unknown, sensitive=marks, written=expressions)
    made.add(VAULT, {"name": "kv"}, unknown={"id": True}, written={})
    return made.rests_on(VAULT, "id").text()


def judged(rule: str, **options: Any) -> Any:
    found = {one.rule: one for one in audit("plan.json", **options).findings if one.subject.name == "st"}
    return found[rule]


def prevented(**options: Any) -> bool:
    """Whether prevent_destroy is seen, whatever the baseline makes of it."""
    return any(one.observed is True for one in judged("terraform-prevent-destroy", **options).evidence)


@pytest.mark.parametrize(
    ("block", "outcome"), [(None, Outcome.UNKNOWN), ("", Outcome.FAIL), (DYNAMIC, Outcome.UNKNOWN)]
)
def test_the_files_tell_a_dynamic_block_from_one_that_is_not_there(block: str | None, outcome: Outcome) -> None:
    write(plan_json=account_plan(written=False), **({} if block is None else {"main_tf": ACCOUNT_TF % block}))
    assert judged("storage-blob-versioning").outcome is outcome
    assert judged("storage-blob-soft-delete").outcome is outcome


def test_values_stand_where_they_are_written() -> None:
    write(plan_json=account_plan(written=True), main_tf=ACCOUNT_TF % BLOCK)
    finding = judged("storage-blob-versioning")
    assert finding.outcome is Outcome.PASS
    assert finding.subject.origin == Origin("main.tf", 1, 1, expression=ACCOUNT)
    (place,) = {one.origin for one in finding.evidence if one.path.endswith("isVersioningEnabled")}
    assert (place.uri, place.line) == ("main.tf", 6)
    assert prevented()


def test_the_files_may_be_elsewhere() -> None:
    write(plan_json=account_plan(written=True), infra__main_tf=ACCOUNT_TF % BLOCK)
    assert not prevented()
    assert prevented(terraform_dir=Path("infra"))
    assert judged("storage-blob-versioning", terraform_dir=Path("infra")).subject.origin.uri == "infra/main.tf"
    with pytest.raises(TargetError, match="no such file"):
        audit("plan.json", terraform_dir=Path("nowhere"))


def test_values_for_a_configuration() -> None:
    declared = 'variable "on" {\n  type = bool\n}\n' + VAULT_TF.replace("}", "  purge_protection_enabled = var.on\n}")
    write(main_tf=declared, on_tfvars="on = true\n", app__plan_json=plan())
    rules = ("keyvault-purge-protection", "keyvault-soft-delete")

    def outcome(**options: Any) -> Outcome:
        return {one.rule: one.outcome for one in audit("main.tf", rule=rules, **options).findings}[rules[0]]

    assert outcome() is Outcome.UNKNOWN
    assert outcome(parameters=(Path("on.tfvars"),)) is outcome(parameter={"on": "true"}) is Outcome.PASS
    with pytest.raises(UsageError, match="no variable|such a parameter"):
        outcome(parameter={"onn": "true"})
    with pytest.raises(UsageError, match="none was named"):
        audit("app/plan.json", parameters=(Path("on.tfvars"),))


def test_a_lock_on_a_part_of_a_store_is_no_lock_on_the_store() -> None:
    lock = 'resource "azurerm_management_lock" "l" {\n  name = "l"\n  lock_level = "CanNotDelete"\n  scope = %s\n}\n'
    made = json.loads(account_plan(written=True))
    locked = PlanJson().add(
        "azurerm_management_lock.l",
        {"name": "l", "lock_level": "CanNotDelete"},
        unknown={"id": True, "scope": True},
        written={"scope": {"references": [f"{ACCOUNT}.id", ACCOUNT]}},
    )
    made["resource_changes"] += locked.tree()["resource_changes"]
    made["configuration"]["root_module"]["resources"] += locked.root["resources"]
    files = {"plan_json": json.dumps(made), "main_tf": ACCOUNT_TF % BLOCK}
    rule = "storage-delete-lock"

    def locks() -> list[Any]:
        return [one.observed for one in judged(rule).evidence if one.path.startswith("locks")]

    write(**files, lock_tf=lock % f"{ACCOUNT}.id")
    whole = locks()
    write(lock_tf=lock % f'"${{{ACCOUNT}.id}}/blobServices/default/containers/c"')
    assert locks() != whole
    assert judged(rule).outcome is not Outcome.PASS

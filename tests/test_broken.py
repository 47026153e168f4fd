"""Inputs that cannot be read whole: never green, never silent, and no verdict is lost or made up by what is broken.

Every sample is scanned twice: as it is, and in a copy that was mended. What the broken one says of a store is what the
mended one says, or that it is not known.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.scans import Scan, scan

ACCOUNT = """param name string
param location string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
}
"""
POLICY = """variable "storage_account_id" {
  type = string
}

resource "azurerm_storage_management_policy" "this" {
  storage_account_id = var.storage_account_id

  rule {
    name    = "trim"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = 90
      }
    }
  }
}
"""
REST = 'ily": "A", "name": "standard" }\n      }\n    }\n  ]\n}\n'
REST_OF_PLAN = 'T12:00:00Z",\n "applyable": true,\n "complete": true,\n "errored": false\n}\n'


@dataclass(frozen=True)
class Case:
    """A sample: where it is broken and what is said of that, what is not known for it, and how it is mended.

    `code` is the exit code as it is; `mended` that of the mended copy. `lost` are the stores that are not there at all.
    """

    where: str
    says: str
    mend: Callable[[Path], None]
    unknown: frozenset[tuple[str, str]] = frozenset()
    lost: frozenset[str] = frozenset()
    code: int = 3
    mended: int = 0
    environment: dict[str, str] = field(default_factory=dict)


def replacing(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Mend a file by one replacement."""

    def mend(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert text.count(old) == 1
        (folder / name).write_text(text.replace(old, new), "utf-8")

    return mend


def adding_the_module(folder: Path) -> None:
    (folder / "account.bicep").write_text(ACCOUNT, "utf-8")
    replacing("main.bicep", "br/public:avm/res/storage/storage-account:0.14.3", "account.bicep")(folder)


def writing_the_module(folder: Path) -> None:
    (folder / "policy").mkdir()
    (folder / "policy" / "main.tf").write_text(POLICY, "utf-8")
    replacing("main.tf", 'example/lifecycle-policy/azurerm"\n  version = "1.2.0', "./policy")(folder)


def leaving_the_circle(folder: Path) -> None:
    text = (folder / "second.bicep").read_text("utf-8")
    (folder / "second.bicep").write_text(text[: text.index("\nmodule first")], "utf-8")


def going_on(name: str, rest: str) -> Callable[[Path], None]:
    """Mend a file that was cut."""

    def mend(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(rest)

    return mend


def doing_nothing(_: Path) -> None:
    pass


PURGE, RETENTION = "keyvault-purge-protection", "keyvault-soft-delete-retention"
OF_CHILDREN = frozenset({
    "storage-blob-soft-delete", "storage-blob-versioning", "storage-container-soft-delete",
    "storage-lifecycle-deletes", "storage-permanent-delete", "storage-point-in-time-restore", "storage-share-soft-delete",
})  # fmt: skip
"""Rules that look at what is declared beside an account."""
OF_ACCOUNTS = OF_CHILDREN | {"storage-redundancy", "storage-zone-redundancy", "storage-backup"}

CASES = {
    "bad-statement": Case(
        "bad-statement/main.bicep:19",
        "expected ':', found a text (the value of 'kind' was skipped)",
        replacing("main.bicep", "kind 'StorageV2'", "kind: 'StorageV2'"),
        unknown=frozenset(
            (rule, "stbroken") for rule in OF_CHILDREN | {"storage-zone-redundancy", "storage-backup"}
        ),
        mended=1,
    ),
    "missing-module": Case(
        "missing-module/main.bicep:4",
        "it is not in the Bicep cache; run `bicep restore`",
        adding_the_module,
        unknown=frozenset((rule, "stunresolved") for rule in OF_ACCOUNTS),
        mended=1,
    ),
    "circle": Case(
        "circle/second.bicep:14",
        "the module calls itself",
        leaving_the_circle,
        code=1,
        mended=1,
    ),
    "cut-template": Case(
        "cut-template/azuredeploy.json:25",
        "this is no JSON",
        going_on("azuredeploy.json", REST),
        lost=frozenset({"kv-good", "kv-cut"}),
        mended=1,
    ),
    "bad-block": Case(
        "bad-block/main.tf:30",
        "expected `{` or a label, found a new line",
        replacing("main.tf", 'account_replication_type "ZRS"', 'account_replication_type = "ZRS"'),
        unknown=frozenset(
            (rule, "stbroken") for rule in OF_ACCOUNTS | {"terraform-prevent-destroy"}
        ),
        mended=1,
    ),
    "unresolved-module": Case(
        "unresolved-module/main.tf:15",
        "it is not at hand; `terraform init` would download it",
        writing_the_module,
        unknown=frozenset(
            {("storage-lifecycle-deletes", "stunresolved"), ("storage-share-soft-delete", "stunresolved")}
        ),
    ),
    "cut-plan": Case(
        "cut-plan/plan.json:136",
        "it was not judged: ",
        going_on("plan.json", REST_OF_PLAN),
        lost=frozenset({"kv-cut"}),
    ),
    "bad-parameters": Case(
        "bad-parameters/main.parameters.json:7",
        "this is no JSON: expected ','",
        replacing("main.parameters.json", '"value": true }', '"value": true },'),
        unknown=frozenset(
            {(PURGE, "kv-first"), (RETENTION, "kv-first")}
            | {("keyvault-cross-region", name) for name in ("kv-first", "kv-second")}
        ),
    ),
    "bad-bicepparam": Case(
        "bad-bicepparam/main.bicepparam:4",
        "expected an expression, found '='; the parameter file was only partly read",
        replacing("main.bicepparam", "= = true", "= true"),
        unknown=frozenset({(PURGE, "kv-first")}),
    ),
    "no-value": Case(
        "no-value/infra/main.parameters.json:6",
        "the variable FLLM_VAULT_RETENTION is not set in the environment",
        doing_nothing,
        unknown=frozenset({(RETENTION, "kv-filled")}),
        environment={"FLLM_VAULT_RETENTION": "90"},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    """Targets relative to the samples; no Bicep cache of the user's, no values of the machine's."""
    monkeypatch.chdir(home / "samples" / "broken")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("FLLM_VAULT_RETENTION", "AZURE_LOCATION", "AZURE_ENV_NAME"):
        monkeypatch.delenv(name, raising=False)


def test_every_sample_is_tested(home: Path) -> None:
    assert {path.name for path in (home / "samples" / "broken").iterdir()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_what_is_broken_is_said_where_it_is(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    found = scan(tmp_path, name)
    assert found.code == case.code
    told = [reason for where, reason in found.gaps if where == case.where]
    told += [reason for reason in _reasons(found) if f"(used in {case.where})" in reason]
    assert any(case.says in reason for reason in told)
    assert {where for where, _ in found.gaps} <= {case.where}
    assert found.report["summary"]["resources"] > 0


def _reasons(found: Scan) -> list[str]:
    """Why what is not known is not known."""
    return [
        str(item["reason"])
        for one in found.report["findings"]
        if one["outcome"] == "unknown"
        for item in one["evidence"]
        if item["basis"] == "unknown"
    ]


@pytest.mark.parametrize("baseline", ["standard-deployment", "well-architected"])
@pytest.mark.parametrize("name", CASES)
def test_every_verdict_is_that_of_the_mended_sample_or_not_known(
    name: str, baseline: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    broken = scan(tmp_path, name, baseline=baseline)
    copy = shutil.copytree(name, tmp_path / name)
    case.mend(copy)
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    whole = scan(tmp_path, str(copy), baseline=baseline)
    assert whole.gaps == []
    if baseline == "standard-deployment":
        assert whole.code == case.mended
    _compare(case, broken, whole)


def _compare(case: Case, broken: Scan, whole: Scan) -> None:
    expected = {key: outcome for key, outcome in whole.verdicts.items() if key[1] not in case.lost}
    assert broken.verdicts.keys() == expected.keys()
    changed = {key for key, outcome in broken.verdicts.items() if outcome != expected[key]}
    assert {broken.verdicts[key] for key in changed} <= {"unknown"}
    assert changed == {key for key in case.unknown if expected[key] != "unknown"}


def test_a_default_does_not_stand_for_a_value_that_could_not_be_read(tmp_path: Path) -> None:
    """The templates' own defaults would fail purge protection and pass the retention."""
    for name in ("bad-parameters", "bad-bicepparam"):
        assert scan(tmp_path, name).verdicts[PURGE, "kv-first"] == "unknown"
        given = scan(tmp_path, name, "--parameter", "purgeProtection=true", "--parameter", "retention=90")
        assert given.verdicts[PURGE, "kv-first"] == "pass"
        assert given.code == 3


def test_a_property_without_its_colon_does_not_fail_by_the_apis_default(tmp_path: Path) -> None:
    copy = shutil.copytree("bad-statement", tmp_path / "copy")
    text = (copy / "main.bicep").read_text("utf-8")
    (copy / "main.bicep").write_text(text.replace("enablePurgeProtection: true", "enablePurgeProtection true"), "utf-8")
    verdicts = scan(tmp_path, str(copy)).verdicts
    assert [verdicts[PURGE, name] for name in ("kv-good", "kv-after")] == ["unknown", "unknown"]
    assert [verdicts[RETENTION, name] for name in ("kv-good", "kv-after")] == ["pass", "pass"]


def test_a_certain_failure_beside_what_is_broken_is_exit_code_1(tmp_path: Path) -> None:
    copy = shutil.copytree("bad-statement", tmp_path / "copy")
    text = (copy / "main.bicep").read_text("utf-8")
    (copy / "main.bicep").write_text(
        text.replace("enablePurgeProtection: true", "enablePurgeProtection: false"), "utf-8"
    )
    found = scan(tmp_path, str(copy))
    assert found.code == 1
    assert len(found.gaps) == 1
    assert found.verdicts[PURGE, "kv-after"] == "fail"


def test_a_broken_parameter_file_hides_no_child_of_an_account(tmp_path: Path) -> None:
    """What is declared stands in the template; there it is known that there is no blob service."""
    (tmp_path / "main.bicep").write_text(ACCOUNT.replace("param location", "param other string = 'a'\nparam location"))
    (tmp_path / "main.bicepparam").write_text(
        "using 'main.bicep'\nparam name = 'st'\nparam location = 'eastus2'\nparam other = = 'b'\n"
    )
    found = scan(tmp_path, str(tmp_path))
    assert found.verdicts["storage-blob-soft-delete", "st"] == "fail"
    assert len(found.gaps) == 1


def test_what_an_unread_base_may_give_is_not_the_default(tmp_path: Path) -> None:
    shutil.copy("bad-parameters/main.bicep", tmp_path / "main.bicep")
    (tmp_path / "main.bicepparam").write_text(
        "using 'main.bicep'\nextends 'nowhere.bicepparam'\nparam retention = 90\n"
    )
    found = scan(tmp_path, str(tmp_path))
    assert found.code == 3
    assert found.verdicts[PURGE, "kv-first"] == "unknown"
    assert found.verdicts[RETENTION, "kv-first"] == "pass"
    assert len(found.gaps) == 1


def test_parameter_files_that_extend_one_another_in_a_circle_end(tmp_path: Path) -> None:
    shutil.copy("bad-parameters/main.bicep", tmp_path / "main.bicep")
    (tmp_path / "main.bicepparam").write_text("using 'main.bicep'\nextends 'base.bicepparam'\nparam retention = 90\n")
    (tmp_path / "base.bicepparam").write_text("using 'main.bicep'\nextends 'base.bicepparam'\nparam location = 'a'\n")
    found = scan(tmp_path, str(tmp_path / "main.bicepparam"))
    assert found.code == 3
    assert found.verdicts[RETENTION, "kv-first"] == "pass"
    assert [reason for _, reason in found.gaps] == ["more than 16 parameter files extend one another"]

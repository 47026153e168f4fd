"""`auditor drift` as a person or a pipeline meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from auditor import snapshot
from auditor.renderers import DRIFT_FORMATS
from tests.drift.sides import SUBSCRIPTION, VAULT, gap, side, store
from tests.test_cli import run

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "drift-schema-v1.json").read_text("utf-8"))
ESTATE = ("samples/estate/bicep", "azure:", "--replay", "samples/estate/live", "--subscription", SUBSCRIPTION)
WEAK = {"properties": {"enablePurgeProtection": False}}
STRONG = {"properties": {"enablePurgeProtection": True}}


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(home)
    monkeypatch.delenv("FLLM_LOCATION", raising=False)


def written(path: Path, *records: Any) -> str:
    """A snapshot file of some records."""
    snapshot.write(path, side(*records).records(), ("here",))
    return str(path)


def drift(*arguments: str) -> Any:
    return run("--no-config", "drift", *arguments)


def test_help_shows_examples_formats_and_exit_codes() -> None:
    text = drift("--help").out
    assert "auditor drift last-week.jsonl azure:" in text
    assert "0   no drift at or above --fail-on" in text
    assert all(f"{entry.name} " in text for entry in DRIFT_FORMATS.values())
    assert "oscal" not in text
    assert "--map FILE" in text


@pytest.mark.parametrize(
    ("sides", "options", "code"),
    [
        ((STRONG, STRONG), (), 0),
        ((STRONG, WEAK), (), 1),
        ((WEAK, STRONG), (), 0),
        ((WEAK, STRONG), ("--fail-on", "any"), 1),
        ((WEAK, STRONG), ("--fail-on", "different"), 0),
    ],
)
def test_exit_codes_of_drift(sides: tuple[Any, Any], options: tuple[str, ...], code: int, tmp_path: Path) -> None:
    files = [written(tmp_path / f"{number}.jsonl", store(VAULT, body=body)) for number, body in enumerate(sides)]
    assert drift(*files, *options).code == code


def test_the_other_exit_codes(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.jsonl", store(VAULT))
    cut = written(tmp_path / "cut.jsonl", store(VAULT), gap("/subscriptions/x"))
    nothing = written(tmp_path / "nothing.jsonl")
    assert drift(whole, cut).code == 3
    assert drift(nothing, nothing).code == 4
    assert drift(whole).code == 2
    assert drift(whole, "nowhere").code == 2
    assert drift(whole, whole, "--fail-on", "high").code == 2
    assert drift(whole, whole, "--format", "csv").code == 2
    assert drift("standard-deployment", "well-architected").code == 2
    done = drift(whole, whole, "--map", str(tmp_path / "nothing.yaml"))
    assert done.code == 5
    (tmp_path / "map.yaml").write_text("a: b\n- c\n")
    done = drift(whole, whole, "--map", str(tmp_path / "map.yaml"))
    assert (done.code, "map.yaml:2:" in done.err) == (5, True)


def test_a_snapshot_that_was_changed_is_no_success(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.jsonl", store(VAULT))
    changed = tmp_path / "changed.jsonl"
    changed.write_text(Path(whole).read_text().replace("westeurope", "eastus"))
    assert drift(whole, str(changed)).code == 3


def test_the_summary_and_every_format_at_once(tmp_path: Path) -> None:
    files = {name: tmp_path / f"drift.{entry.extension}" for name, entry in DRIFT_FORMATS.items()}
    done = drift(*ESTATE, *(option for name, path in files.items() for option in ("--format", f"{name}={path}")))
    assert done.code == 3
    assert "Cannot tell: No weaker setting was seen" in done.err
    assert all(path.stat().st_size for path in files.values())
    data = json.loads(files["json"].read_text())
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data)] == []
    assert data["summary"]["unknown"] == 8
    assert data["current"] == "azure:"
    summary = drift(*ESTATE)
    assert "? Cannot tell" in summary.out
    assert "Not compared, because one side can never show it" in summary.out


def test_json_goes_to_stdout_and_nothing_else_does(tmp_path: Path) -> None:
    files = [
        written(tmp_path / f"{number}.jsonl", store(VAULT, body=body)) for number, body in enumerate((STRONG, WEAK))
    ]
    done = drift(*files, "--format", "json")
    data = json.loads(done.out)
    assert [one["class"] for one in data["differences"]] == ["weaker"]
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data)] == []


def test_a_baseline_is_a_side() -> None:
    done = drift("standard-deployment", "azure:", "--replay", "samples/estate/live", "--format", "json")
    data = json.loads(done.out)
    assert done.code == 1
    assert data["sides"]["reference"] == {"kind": "baseline", "collected_at": "", "resources": 0, "gaps": 0}
    assert {one["reference"] for one in data["differences"]} >= {"at least P30D", "Continuous", True, "at most PT4H"}
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data)] == []


def test_options_hold_for_both_sides(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "samples/estate/bicep", tmp_path / "b")
    done = drift(
        "samples/estate/bicep",
        str(tmp_path / "b"),
        "--subscription",
        SUBSCRIPTION,
        "--parameter",
        "location=westus",
        "--all",
    )
    assert done.code == 3, "the tenant is known after deployment only"
    assert drift("samples/estate/bicep", str(tmp_path / "b"), "--subscription", SUBSCRIPTION).code == 0


def test_a_map_finds_what_a_template_cannot_name(tmp_path: Path) -> None:
    template = tmp_path / "main.bicep"
    template.write_text(
        "param name string\nresource v 'Microsoft.KeyVault/vaults@2023-07-01' = {\n  name: name\n  location: 'westeurope'\n"
        "  properties: { enablePurgeProtection: true, softDeleteRetentionInDays: 90 }\n}\n"
    )
    live = written(tmp_path / "live.jsonl", store(VAULT, "kv-prod", WEAK))
    (tmp_path / "map.yaml").write_text('"{name}": kv-prod\n')
    assert drift(str(template), live).code == 3
    done = drift(str(template), live, "--map", str(tmp_path / "map.yaml"), "--format", "json")
    data = json.loads(done.out)
    assert done.code == 1
    (found,) = data["differences"]
    assert (found["resource"]["name"], found["class"]) == ("kv-prod", "weaker")
    assert found["reference_origin"]["line"] == 5


def test_a_configuration_says_what_matters_and_not_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auditor.toml").write_text('baseline = "well-architected"\nfail_on = "high"\nformat = ["csv=x.csv"]\n')
    whole = written(tmp_path / "whole.jsonl", store(VAULT, body=STRONG))
    done = run("drift", whole, whole)
    assert (done.code, "Well-Architected" in done.out) == (0, True)
    assert run("drift", "standard-deployment", whole).code == 0
    assert run("drift", "standard-deployment", whole, "--baseline", "well-architected").code == 2


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    name = "\x1b[31m::error::<script>"
    files = [
        written(tmp_path / f"{number}.jsonl", store(VAULT, name, {**body, "name": name}))
        for number, body in enumerate((STRONG, WEAK))
    ]
    done = drift(*files)
    assert done.code == 1
    assert "\x1b" not in done.out
    assert not any(line.startswith("::") for line in done.out.splitlines())


def test_what_is_named_wrongly_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.jsonl", store(VAULT))
    done = drift("standard-deploymnt", whole)
    assert (done.code, "or baseline 'standard-deploymnt'; did you mean 'standard-deployment'?" in done.err) == (2, True)
    assert "no file or folder 'nowhere'" in drift(whole, "nowhere").err
    done = drift(whole, "")
    assert (done.code, "a target is an empty text" in done.err) == (2, True)
    for words, near in ((("drft", whole, whole), "drift"), (("waivers", "chek"), "check"), (("rules", "lst"), "list")):
        done = run("--no-config", *words)
        assert (done.code, f"Did you mean '{near}'?" in done.err) == (2, True)
    assert "Did you mean" not in run("--no-config", "xyz").err


@pytest.mark.parametrize("option", [("--all",), ("--map", "names.yaml")])
def test_options_that_say_nothing_beside_a_baseline_are_refused(option: tuple[str, ...], tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.jsonl", store(VAULT))
    for sides in (("standard-deployment", whole), (whole, "standard-deployment")):
        done = drift(*sides, *option)
        assert (done.code, "Leave --all and --map out." in done.err) == (2, True)

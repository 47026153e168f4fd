"""One estate, read five times: from the recording of a live deployment, Bicep, ARM JSON, a Terraform plan, and its `.tf`.

A rule knows nothing of its source, so the same settings give the same outcome. Where one source cannot see a fact that
another sees, the difference is listed here with its reason; a difference that is not listed fails the test, and so does
one that is listed and no longer there.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.scans import Scan, scan

SUBSCRIPTION = "5c0de5a1-0000-4000-8000-0000000000f1"
SOURCES = {
    "live": ("azure:", "--replay", "samples/estate/live"),
    "bicep": ("samples/estate/bicep", "--subscription", SUBSCRIPTION),
    "arm": ("samples/estate/arm", "--subscription", SUBSCRIPTION),
    "plan": ("samples/estate/terraform/plan.json", "--subscription", SUBSCRIPTION),
    "configuration": ("samples/estate/terraform/main.tf", "--subscription", SUBSCRIPTION),
}
TEMPLATES = tuple(source for source in SOURCES if source != "live")
BASELINES = ("standard-deployment", "well-architected")

PAST = "A template says what shall be; whether a deployed account can be restored by now is the service's to say."
ABOVE = (
    "A lock may stand above what a template deploys, or have been put there by hand: that there is none, only the"
    " subscription's own list of locks can say."
)
FORBIDDEN = "The reader of the recording may not read this account's blob service; a template needs no permission."


class Difference(NamedTuple):
    """Outcomes of a rule on a store: live, and in a template, with the reason why they differ."""

    baseline: str
    rule: str
    store: str
    live: str
    template: str
    reason: str


SD, WA = BASELINES
DIFFERENCES = (
    Difference(SD, "cosmosdb-restorable", "cosmos-fllm-prod", "informational", "not-applicable", PAST),
    Difference(WA, "cosmosdb-restorable", "cosmos-fllm-prod", "pass", "not-applicable", PAST),
    Difference(WA, "storage-delete-lock", "stfllmlogs", "fail", "unknown", ABOVE),
    Difference(WA, "storage-delete-lock", "stfllmprompts", "fail", "unknown", ABOVE),
    Difference(WA, "storage-delete-lock", "stfllmshares", "fail", "unknown", ABOVE),
    Difference(WA, "storage-delete-lock", "stfllmvectors", "fail", "unknown", ABOVE),
    Difference(SD, "storage-blob-soft-delete", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(WA, "storage-blob-soft-delete", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(SD, "storage-blob-versioning", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(WA, "storage-blob-versioning", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(SD, "storage-container-soft-delete", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(WA, "storage-container-soft-delete", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(SD, "storage-permanent-delete", "stfllmvectors", "unknown", "informational", FORBIDDEN),
    Difference(WA, "storage-permanent-delete", "stfllmvectors", "unknown", "pass", FORBIDDEN),
    Difference(SD, "storage-point-in-time-restore", "stfllmvectors", "unknown", "informational", FORBIDDEN),
    Difference(WA, "storage-point-in-time-restore", "stfllmvectors", "unknown", "fail", FORBIDDEN),
)


STATE = "Only a deployed instance has a state of protection; where a template declares it, that it is declared counts."
SWITCHED_OFF = "ARM answers 0 days where share soft delete is off; a template that switches it off gives no days."
OTHER_VALUES = {
    **{(one.rule, one.store): one.reason for one in DIFFERENCES},
    **{("keyvault-delete-lock", store): ABOVE for store in ("kv-fllm-auth", "kv-fllm-legacy", "kv-fllm-ops")},
    ("cosmosdb-restorable", "cosmos-fllm-evaluations"): PAST,
    ("storage-backup", "stfllmprompts"): STATE,
    ("storage-share-soft-delete", "stfllmlogs"): SWITCHED_OFF,
}
"""Where rules look at other values live than in a template, with the reason."""

NORMALISED = "The provider writes the names of regions as ARM's list of regions has them."
OTHER_VALUES_OF: dict[str, dict[tuple[str, str], str]] = {
    "plan": {
        (rule, store): NORMALISED
        for rule in ("cosmosdb-multi-region", "cosmosdb-zone-redundancy")
        for store in ("cosmos-fllm-prod", "cosmos-fllm-evaluations")
    },
    "configuration": {
        (rule, "cosmos-fllm-evaluations"): "Its region is a variable's value, written the short way."
        for rule in ("cosmosdb-multi-region", "cosmosdb-zone-redundancy")
    },
}
"""The same for one source alone."""

STORES = (
    "appconfig-fllm", "appconfig-fllm-trial", "bvault-fllm", "cosmos-fllm-evaluations", "cosmos-fllm-prod",
    "kv-fllm-auth", "kv-fllm-legacy", "kv-fllm-ops", "stfllmdatalake", "stfllmlogs", "stfllmprompts", "stfllmshares",
    "stfllmvectors",
)  # fmt: skip
PURGED = {"kv-fllm-auth": "pass", "kv-fllm-ops": "pass", "kv-fllm-legacy": "not-applicable"} | {
    "appconfig-fllm": "fail", "appconfig-fllm-trial": "not-applicable"
}  # fmt: skip
SANDBOX = ("appconfig-fllm-trial", "cosmos-fllm-evaluations", "kv-fllm-legacy")
WRITTEN = {
    **{("terraform-prevent-destroy", store): "fail" if store in SANDBOX else "pass" for store in STORES},
    **{("terraform-purge-on-destroy", store): outcome for store, outcome in PURGED.items()},
}
OF_TERRAFORM = {
    "plan": {**WRITTEN, **{("terraform-data-loss", store): "pass" for store in STORES}},
    "configuration": {**WRITTEN, **{("terraform-data-loss", store): "not-applicable" for store in STORES}},
}
"""What is said of Terraform under the stricter baseline, which is said of no other source."""


@cache
def _scanned(source: str, baseline: str, folder: Path) -> Scan:
    return scan(folder, *SOURCES[source], baseline=baseline)


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(home)
    monkeypatch.delenv("FLLM_LOCATION", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reports go."""
    return tmp_path_factory.mktemp("reports")


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_gets_the_verdicts_of_what_it_deployed(template: str, baseline: str, folder: Path) -> None:
    live = _scanned("live", baseline, folder).verdicts
    found = _scanned(template, baseline, folder).verdicts
    declared = {key: outcome for key, outcome in found.items() if not key[0].startswith("terraform-")}
    assert declared.keys() == live.keys()
    assert {key: (live[key], declared[key]) for key in live if live[key] != declared[key]} == {
        (one.rule, one.store): (one.live, one.template) for one in DIFFERENCES if one.baseline == baseline
    }


@pytest.mark.parametrize("template", TEMPLATES)
def test_only_terraform_is_asked_what_terraform_would_do(template: str, folder: Path) -> None:
    found = _scanned(template, WA, folder).verdicts
    of_terraform = {key: outcome for key, outcome in found.items() if key[0].startswith("terraform-")}
    assert of_terraform == OF_TERRAFORM.get(template, {})


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_plan_without_its_configuration_lacks_nothing_but_lifecycles(
    baseline: str, folder: Path, tmp_path: Path, home: Path
) -> None:
    plan, *options = SOURCES["plan"]
    alone = scan(folder, str(shutil.copy(home / plan, tmp_path / "plan.json")), *options, baseline=baseline)
    beside = _scanned("plan", baseline, folder)
    differing = {key for key in beside.verdicts if alone.verdicts[key] != beside.verdicts[key]}
    lifecycles = {key for key in alone.verdicts if key[0] == "terraform-prevent-destroy"}
    assert alone.verdicts.keys() == beside.verdicts.keys()
    assert differing == (lifecycles if baseline == WA else set())
    assert {alone.verdicts[key] for key in lifecycles} == {"unknown" if baseline == WA else "informational"}
    assert alone.gaps == []


@pytest.mark.parametrize("baseline", BASELINES)
def test_bicep_and_arm_json_get_the_same_verdicts_for_the_same_reasons(baseline: str, folder: Path) -> None:
    bicep, arm = (_scanned(source, baseline, folder) for source in ("bicep", "arm"))
    assert bicep.verdicts == arm.verdicts
    assert bicep.code == arm.code
    assert _seen(bicep) == _seen(arm)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_verdicts_rest_on_the_same_values(template: str, folder: Path) -> None:
    live = _seen(_scanned("live", WA, folder))
    declared = _seen(_scanned(template, WA, folder))
    expected = OTHER_VALUES | OTHER_VALUES_OF.get(template, {})
    assert {key for key in live if live[key] != declared[key]} == expected.keys()


def _seen(found: Scan) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """What every rule looked at: paths, and the values found there, whether they are written or the API's own."""
    return {
        (one["rule"], one["resource"]["name"]): [
            (item["path"], item["expected"], item["observed"]) for item in one["evidence"]
        ]
        for one in found.report["findings"]
    }


def test_the_stores_are_the_same_ones(folder: Path) -> None:
    """By id, type and region; names are computed in the templates, and written out in the recording."""
    stores = [
        sorted(
            (one["id"].casefold(), one["type"].casefold(), one["region"].replace(" ", "").casefold())
            for one in _scanned(source, SD, folder).report["resources"]
        )
        for source in SOURCES
    ]
    assert len(stores[0]) == 13
    assert all(found == stores[0] for found in stores)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_read_whole(template: str, folder: Path) -> None:
    """Without a gap; and nothing is unknown under the baseline that demands nothing a template cannot say."""
    found = _scanned(template, SD, folder)
    assert found.gaps == []
    assert found.report["summary"]["unknown"] == 0
    assert found.code == 1


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_needs_no_subscription_to_be_judged(template: str, folder: Path) -> None:
    target = SOURCES[template][0]
    for baseline in BASELINES:
        assert scan(folder, target, baseline=baseline).verdicts == _scanned(template, baseline, folder).verdicts


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_value_of_a_template_stands_in_one_of_its_files(template: str, folder: Path, home: Path) -> None:
    found = _scanned(template, WA, folder)
    places = {
        (item["origin"]["uri"], item["origin"]["line"])
        for one in found.report["findings"]
        for item in one["evidence"]
        if item["basis"] == "explicit"
    }
    assert places
    target = Path(SOURCES[template][0])
    for uri, line in places:
        assert Path(uri).is_relative_to(target.parent if target.suffix else target)
        assert 1 <= line <= len((home / uri).read_text("utf-8").splitlines())


@pytest.mark.parametrize("source", SOURCES)
def test_the_estate_shows_every_outcome(source: str, folder: Path) -> None:
    outcomes = set(_scanned(source, WA, folder).verdicts.values())
    assert outcomes == {"pass", "fail", "unknown", "not-applicable", "informational"}

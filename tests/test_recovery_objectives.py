"""Recovery objectives: what a file may say, whom it is for, and whether it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from auditor import pipeline, schemas, services
from auditor.engine import subject_of
from auditor.errors import PolicyError, UsageError
from auditor.model import Gap, Listing, Origin, Outcome, Recovery, Resource, Severity
from auditor.paths import data_dir
from auditor.recovery import SCENARIOS, Recoveries, RecoveryTerms
from auditor.recovery.objectives import load_objectives
from auditor.recovery.profiles import profile_names, profile_text
from tests.recovery_stores import (
    KNOWLEDGE,
    NOW,
    VOCABULARY,
    blobs,
    continuous,
    cosmos,
    judge,
    periodic,
    restorable,
    storage,
    vault,
)

DAY = 86_400


def objectives(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "objectives.yaml"
    path.write_text(text, "utf-8")
    return load_objectives(path, VOCABULARY)


def one(tmp_path: Path, **keys: Any) -> Any:
    objective = {"id": "promise", "scenarios": ["item-loss"], **keys}
    return objectives(tmp_path, yaml.safe_dump({"objectives": [objective]}))


def judged(
    promised: Any, *stores: Resource, beside: tuple[Resource, ...] = (), whole: bool = True, previews: bool = False
) -> dict[str, Recovery]:
    """The rows of the first store, by scenario."""
    terms = RecoveryTerms(KNOWLEDGE, promised, previews)
    recoveries = Recoveries(terms, judge(beside), NOW)
    for made in stores:
        recoveries.add(made, subject_of(made))
    return {row.scenario: row for row in recoveries.rows(whole=whole)[0].scenarios}


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GEO = storage("Standard_GRS")


@pytest.mark.parametrize(
    ("made", "scenario", "promise", "verdict"),
    [
        (cosmos(**continuous()), "item-loss", {"rpo": "PT100S"}, "met"),
        (cosmos(**continuous()), "item-loss", {"rpo": "PT99S"}, "missed"),
        (cosmos(**continuous()), "item-loss", {"lookback": "P30D"}, "met"),
        (cosmos(**continuous()), "item-loss", {"lookback": "P30DT1S"}, "missed"),
        (GEO, "region-outage", {"rto": "PT1H"}, "met"),
        (GEO, "region-outage", {"rto": "PT3599S"}, "missed"),
        (GEO, "region-outage", {"rpo": "PT15M", "rto": "PT60M"}, "met"),
        (GEO, "region-outage", {"rpo": "PT15M", "rto": "PT59M"}, "missed"),
        (vault(), "container-loss", {"rpo": "PT0S", "lookback": "P90D"}, "met"),
        # Nobody documents how long it takes; what is documented and too little comes first.
        (vault(), "container-loss", {"rto": "PT4H"}, "no-documented-figure"),
        (vault(), "container-loss", {"rto": "PT4H", "lookback": "P91D"}, "missed"),
        # Versions stay for ever.
        (storage(blob=blobs(versions=True)), "late-corruption", {"lookback": "P3650D"}, "met"),
        # Nothing, and best effort, keep no promise, whatever figures there are.
        (storage(), "item-loss", {"rpo": "P30D"}, "missed"),
        (storage(), "store-loss", {"lookback": "P1D"}, "missed"),
        (cosmos(**periodic()), "store-loss", {"rpo": "PT4H"}, "missed"),
    ],
)
def test_equal_is_met_and_one_more_is_not(
    tmp_path: Path, made: Resource, scenario: str, promise: dict[str, str], verdict: str
) -> None:
    row = judged(one(tmp_path, scenarios=[scenario], **promise), made)[scenario]
    assert (row.objective, row.verdict) == ("promise", verdict), row.verdict_reason
    assert row.verdict_reason


def test_a_missed_objective_says_by_how_much(tmp_path: Path) -> None:
    promised = one(tmp_path, rpo="PT1H", lookback="P1D")
    reason = judged(promised, cosmos(**periodic(240, 8)))["item-loss"].verdict_reason
    assert "data loss is 4 hours, at most 1 hour promised, 3 hours more" in reason
    assert "look-back is 8 hours, at least 1 day promised, 16 hours short" in reason


def test_what_cannot_be_told_is_not_met(tmp_path: Path) -> None:
    promised = one(tmp_path, scenarios=["malicious-purge"], rpo="PT0S")
    from auditor.model import Unknown

    row = judged(promised, vault(enablePurgeProtection=Unknown("the parameter has no value")))["malicious-purge"]
    assert (row.recoverable, row.verdict) == ("unknown", "cannot-tell")
    assert "the parameter has no value" in row.verdict_reason
    days = vault(softDeleteRetentionInDays=Unknown("known after apply"))
    row = judged(one(tmp_path, scenarios=["store-loss"], lookback="P7D"), days)["store-loss"]
    assert (row.recoverable, row.verdict) == ("yes", "cannot-tell")
    assert "known after apply" in row.verdict_reason


def test_the_mechanism_that_serves_a_promise_best_is_held_to_it(tmp_path: Path) -> None:
    kept = {"isSoftDeletionEnabled": True, "softDeleteRetentionPeriodInMinutes": 1_440}
    made = cosmos(softDeleteConfiguration=kept, **continuous())
    for promise, mechanism in (
        ({"rpo": "PT0S"}, "cosmosdb-soft-delete"),
        ({"lookback": "P30D"}, "cosmosdb-continuous-backup"),
    ):
        row = judged(one(tmp_path, scenarios=["container-loss"], **promise), made, previews=True)["container-loss"]
        assert (row.verdict, row.mechanism) == ("met", mechanism)


def test_best_effort_of_another_mechanism_keeps_no_promise(tmp_path: Path) -> None:
    row = judged(one(tmp_path, scenarios=["store-loss"], lookback="P14D"), storage())["store-loss"]
    assert (row.recoverable, row.verdict) == ("best-effort", "missed")
    assert "best effort only" in row.verdict_reason


# ── what would meet it ───────────────────────────────────────────────────────────────────────────────────────────────


def settings_of(row: Recovery) -> list[dict[str, Any]]:
    return [dict(change.settings) for change in row.changes]


def test_the_easiest_change_that_meets_it_is_named_with_cost_and_caveat(tmp_path: Path) -> None:
    row = judged(one(tmp_path, scenarios=["malicious-purge"], rpo="PT0S"), vault())["malicious-purge"]
    (change,) = row.changes
    assert change.settings == {"properties.enablePurgeProtection": True}
    assert (change.cost, "Irreversible" in change.caveat) == ("none", True)
    # An hour of loss is met by an hour's interval, which is easier than another mode of backup.
    row = judged(one(tmp_path, rpo="PT1H"), cosmos(**periodic(240, 720)))["item-loss"]
    assert settings_of(row) == [{"properties.backupPolicy.periodicModeProperties.backupIntervalInMinutes": 60}]
    row = judged(one(tmp_path, rpo="PT5M"), cosmos(**periodic(240, 720)))["item-loss"]
    assert settings_of(row)[0]["properties.backupPolicy"]["type"] == "Continuous"
    assert "One-way" in row.changes[0].caveat


def test_two_changes_may_meet_what_one_does_not(tmp_path: Path) -> None:
    promised = one(tmp_path, scenarios=["region-outage"], rpo="PT5M")
    made = cosmos(consistencyPolicy={"defaultConsistencyLevel": "Session"}, **continuous())
    row = judged(promised, made)["region-outage"]
    assert row.verdict_reason.endswith("two changes would meet it")
    paths = {path for settings in settings_of(row) for path in settings}
    assert paths == {"properties.locations[+]", "properties.consistencyPolicy"}


def test_where_nothing_known_would_meet_it_nothing_is_proposed(tmp_path: Path) -> None:
    row = judged(one(tmp_path, scenarios=["subscription-loss"], rpo="P1D"), vault())["subscription-loss"]
    assert (row.verdict, row.changes) == ("missed", ())
    assert row.verdict_reason.endswith("no change of settings that is known here would meet it")


def test_what_was_just_switched_on_meets_it_in_time(tmp_path: Path) -> None:
    promised = one(tmp_path, lookback="P30D")
    young = (restorable("2026-11-25T12:00:00Z"),)
    row = judged(promised, cosmos(deployed=True, **continuous()), beside=young)["item-loss"]
    assert (row.verdict, row.lookback.seconds, row.changes) == ("missed", DAY, ())
    assert "look-back is 1 day" in row.verdict_reason
    assert row.verdict_reason.endswith("by its settings it will be met in time")
    week = judged(promised, cosmos(deployed=True, **continuous("Continuous7Days")), beside=young)["item-loss"]
    assert settings_of(week) == [{"properties.backupPolicy.continuousModeProperties.tier": "Continuous30Days"}]


# ── whom it is for ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("selection", "covered"),
    [
        ({}, True),
        ({"type": "Microsoft.KeyVault/vaults"}, True),
        ({"type": "microsoft.keyvault/*"}, True),
        ({"type": "Microsoft.Storage/storageAccounts"}, False),
        ({"name": "X"}, True),
        ({"name": "y*"}, False),
        ({"group": "G"}, True),
        ({"group": "h"}, False),
        ({"id": "*/VAULTS/x"}, True),
        ({"tags": {"Tier": "gold"}}, True),
        ({"tags": {"tier": "g*", "team": "data"}}, True),
        ({"tags": {"tier": "silver"}}, False),
        ({"tags": {"absent": "*"}}, False),
        ({"name": "x", "group": "h"}, False),
    ],
)
def test_a_selection_is_globs_without_case_that_must_all_match(
    tmp_path: Path, selection: dict[str, Any], covered: bool
) -> None:
    from dataclasses import replace

    made = vault()
    assert isinstance(made.body, dict)
    made = replace(made, body={**made.body, "tags": {"tier": "gold", "team": "data"}})
    promised = one(tmp_path, stores=selection, rpo="PT0S")
    assert promised.objectives[0].stores.covers(made) is covered


def test_a_tag_that_is_not_there_is_matched_by_no_pattern(tmp_path: Path) -> None:
    promised = one(tmp_path, stores={"tags": {"tier": "*"}}, rpo="PT0S")
    assert not promised.objectives[0].stores.covers(vault())


def test_an_objective_for_no_store_is_a_mistake_where_every_store_was_seen(tmp_path: Path) -> None:
    promised = one(tmp_path, stores={"name": "typo"}, rpo="PT0S")
    with pytest.raises(PolicyError, match="is for no store that was read") as error:
        judged(promised, vault())
    assert f"{tmp_path / 'objectives.yaml'}:2:" in str(error.value)
    assert judged(promised, vault(), whole=False)["item-loss"].verdict == ""


def test_two_objectives_that_say_different_things_of_a_store_contradict_each_other(tmp_path: Path) -> None:
    text = """objectives:
  - {id: all, scenarios: all, rpo: P1D}
  - {id: vaults, stores: {type: Microsoft.KeyVault/vaults}, scenarios: [item-loss], rpo: PT0S}
"""
    promised = objectives(tmp_path, text)
    with pytest.raises(
        PolicyError, match=r"contradicts 'all' .*objectives\.yaml:2.*: both are for x in item-loss"
    ) as error:
        judged(promised, vault())
    assert f"{tmp_path / 'objectives.yaml'}:3:" in str(error.value)
    assert judged(objectives(tmp_path, text.replace("PT0S", "P1D")), vault())["item-loss"].objective == "all"


# ── what a file may say ──────────────────────────────────────────────────────────────────────────────────────────────

BAD = {
    "a word for a duration": ({"rpo": "one hour"}, "'one hour' is not an ISO 8601 duration such as P30D or PT4H"),
    "a duration without a unit": ({"rpo": "PT"}, "not an ISO 8601 duration"),
    "months": ({"lookback": "P1M"}, "not an ISO 8601 duration"),
    "years": ({"lookback": "P1Y"}, "not an ISO 8601 duration"),
    "a negative duration": ({"rpo": "-PT1H"}, "not an ISO 8601 duration"),
    "a fraction": ({"rpo": "PT1.5H"}, "not an ISO 8601 duration"),
    "a unit of time before the T": ({"rpo": "P4H"}, "not an ISO 8601 duration"),
    "a number": ({"rpo": 30}, "'rpo' must be a text, found a number"),
    "a number of days": ({"lookback": "30 days"}, "not an ISO 8601 duration"),
    "an unknown scenario": ({"scenarios": ["item-los"], "rpo": "P1D"}, "did you mean 'item-loss'"),
    "no scenario": ({"scenarios": [], "rpo": "P1D"}, "expected scenarios, or all"),
    "nothing promised": ({}, "promises nothing"),
    "an unknown key": ({"rp": "P1D", "rpo": "P1D"}, "unknown key 'rp'"),
    "an unknown selector": ({"stores": {"named": "x"}, "rpo": "P1D"}, "unknown key 'named'"),
    "an unknown type": ({"stores": {"type": "Microsoft.KeyVault/vault"}, "rpo": "P1D"}, "did you mean 'Microsoft.KeyVault/vaults'"),
    "no tag": ({"stores": {"tags": {}}, "rpo": "P1D"}, "at least one tag"),
    "a pattern too long": ({"stores": {"name": "x" * 501}, "rpo": "P1D"}, "at most 500 characters"),
    "too many stars": ({"stores": {"name": "*a" * 17}, "rpo": "P1D"}, "16 stars"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_says_what_is_wrong_and_where(tmp_path: Path, name: str) -> None:
    keys, said = BAD[name]
    with pytest.raises(PolicyError) as error:
        one(tmp_path, **keys)
    assert said in str(error.value), str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'objectives.yaml'}:")
    assert error.value.exit_code == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("objectives: []", "at least one objective"),
        ("title: x", "objectives"),
        (
            "objectives:\n  - {id: a, scenarios: all, rpo: P1D}\n  - {id: a, scenarios: all, rpo: P1D}\n",
            "two objectives 'a'",
        ),
        ("objectives:\n  - {scenarios: all, rpo: P1D}\n", "id"),
        ("objectives: {}", "list"),
        ("- x", "object"),
        ("{", "objectives.yaml:2: not YAML"),
        ("objectives: &a [*a]", "objectives.yaml:1"),
    ],
)
def test_a_file_that_is_none_says_so(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        objectives(tmp_path, text)
    assert said in str(error.value)


def test_hostile_patterns_come_to_an_end(tmp_path: Path) -> None:
    promised = one(tmp_path, stores={"name": "*a" * 16 + "!"}, rpo="P1D")
    made = Resource("/x", "Microsoft.KeyVault/vaults", "a" * 5_000, None, {}, Origin("f"))
    assert not promised.objectives[0].stores.covers(made)


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yaml"):
        load_objectives(tmp_path / "nowhere.yaml", VOCABULARY)


# ── the schema and the profiles ──────────────────────────────────────────────────────────────────────────────────────


def schema() -> dict[str, Any]:
    return schemas.schema("objectives", VOCABULARY, {})


def test_the_schema_takes_what_the_loader_takes_and_refuses_what_it_refuses() -> None:
    check = jsonschema.Draft202012Validator(schema())
    check.check_schema(schema())
    for keys, _ in BAD.values():
        document = {"objectives": [{"id": "promise", "scenarios": ["item-loss"], **keys}]}
        # What an editor cannot know: how many stars there are, and which types a glob may stand for.
        by_loader_alone = "*a*a" in json.dumps(keys) or 'KeyVault/vault"' in json.dumps(keys)
        assert check.is_valid(document) is by_loader_alone, keys
    for name in profile_names():
        check.validate(yaml.safe_load(profile_text(name)))


def test_the_published_schema_is_the_one_that_is_made(home: Path) -> None:
    assert json.loads((home / "docs" / "objectives.schema.json").read_text("utf-8")) == schemas.schema(
        "objectives", VOCABULARY, {}
    )


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_loads_and_is_for_some_store(name: str) -> None:
    path = data_dir("rules") / "recovery" / "objectives" / f"{name}.yaml"
    promised = load_objectives(path, VOCABULARY)
    named = {scenario for objective in promised.objectives for scenario in objective.scenarios}
    assert named <= set(SCENARIOS)
    estate = (cosmos(**continuous()), storage(), vault())
    types = {service for one in services.SERVICES for service in one.store_types}
    for objective in promised.objectives:
        assert objective.stores.type in ("", *types)
    assert any(objective.stores.covers(made) for objective in promised.objectives for made in estate)


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        profile_text("standrad")
    assert "Did you mean standard?" in (error.value.hint or "")


# ── the whole run ────────────────────────────────────────────────────────────────────────────────────────────────────


def report(tmp_path: Path, text: str, *records: Any) -> Any:
    from auditor import snapshot

    path = tmp_path / "o.yaml"
    path.write_text(text, "utf-8")
    listed = [
        Listing("", kind)
        for kind in (
            "Microsoft.Authorization/locks",
            "Microsoft.DataProtection/backupVaults",
            "Microsoft.RecoveryServices/vaults",
        )
    ]
    collected = snapshot.spool([*listed, *records], ("x",), "2026-11-26T12:00:00Z")
    return pipeline.evaluate(collected, pipeline.load_policy(objectives=path))


PROMISE = (
    "objectives:\n  - {{id: p, stores: {{type: Microsoft.KeyVault/vaults}}, scenarios: [{scenario}], {figures}}}\n"
)
PURGED = vault(enablePurgeProtection=True, enableSoftDelete=True, softDeleteRetentionInDays=90)


@pytest.mark.parametrize(
    ("scenario", "figures", "code", "verdict"),
    [
        ("malicious-purge", "rpo: PT0S", 0, Outcome.PASS),
        ("malicious-purge", "lookback: P91D", 1, Outcome.FAIL),
        ("malicious-purge", "rto: PT1H", 3, Outcome.UNKNOWN),
    ],
)
def test_objectives_decide_the_exit_code_and_the_first_statement(
    tmp_path: Path, scenario: str, figures: str, code: int, verdict: Outcome
) -> None:
    from auditor.model import RecoveryReport
    from auditor.renderers.overview import overview

    made = report(tmp_path, PROMISE.format(scenario=scenario, figures=figures), PURGED)
    statement = next(row for row in made.statements if row.id == "G1")
    assert (made.exit_code(Severity.CRITICAL), statement.verdict) == (code, verdict)
    assert RecoveryReport(made).exit_code() == code
    assert "recovery objectives" in statement.note
    tone = overview(made).verdict.tone
    assert tone == {0: "pass", 1: "fail", 3: "unknown"}[code]


def test_without_objectives_the_first_statement_says_that_there_were_none(tmp_path: Path) -> None:
    from auditor import snapshot

    made = pipeline.evaluate(snapshot.spool([PURGED], ("x",)), pipeline.load_policy())
    statement = next(row for row in made.statements if row.id == "G1")
    assert (statement.verdict, statement.note) == (
        Outcome.INFORMATIONAL,
        "No objectives file was given to compare the stores with.",
    )
    assert made.promises == {"met": 0, "missed": 0, "untold": 0}


def test_what_was_not_read_is_no_mistake_of_the_objectives(tmp_path: Path) -> None:
    gap = Gap("/subscriptions/s", "403", Origin("x"))
    text = "objectives:\n  - {id: p, stores: {name: elsewhere}, scenarios: all, rpo: PT0S}\n"
    assert report(tmp_path, text, PURGED, gap).exit_code(Severity.LOW) == 3
    assert report(tmp_path, text).exit_code(Severity.LOW) == 4
    with pytest.raises(PolicyError, match="is for no store"):
        report(tmp_path, text, PURGED)


@pytest.mark.parametrize("fmt", ["html", "markdown", "text"])
def test_every_report_for_people_shows_what_was_promised(tmp_path: Path, fmt: str) -> None:
    from auditor.renderers import render

    made = report(tmp_path, PROMISE.format(scenario="malicious-purge", figures="lookback: P91D"), PURGED)
    text = "".join(render(made, fmt))
    assert "1 recovery objective missed" in text
    assert "at least 91 days promised, 1 day short" in text


def test_the_terminal_shows_what_was_promised(tmp_path: Path) -> None:
    from auditor.renderers import terminal

    made = report(tmp_path, PROMISE.format(scenario="malicious-purge", figures="lookback: P91D"), PURGED)
    text = "".join(terminal.render(made, fail_on=Severity.LOW, color=False, width=200))
    assert "Recovery objectives (1 missed)" in text
    assert "at least 91 days promised, 1 day short" in text

"""Every statement of the document gets a verdict, and none is better than what was read."""

from __future__ import annotations

from dataclasses import replace

from auditor import pipeline
from auditor.model import (
    Gap,
    Listing,
    Origin,
    Outcome,
    Record,
    Resource,
    Snapshot,
    StatementResult,
    Unknown,
    Waiver,
    WaiverState,
)

from .test_peers_mistakes import BLOB, COSMOS, account, config, cosmos, vault

P, F, U, N, I = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE, Outcome.INFORMATIONAL  # noqa: E741

CONTINUOUS = {"type": "Continuous", "continuousModeProperties": {"tier": "Continuous30Days"}}
ROWS = [
    "G1",
    *(f"{letter}{n}" for letter, most in (("C", 7), ("S", 5), ("K", 5), ("A", 3)) for n in range(1, most + 1)),
]


def rows(*records: Record, waivers: tuple[Waiver, ...] = ()) -> dict[str, StatementResult]:
    policy = pipeline.load_policy()
    policy = pipeline.Policy(policy.rules, policy.baseline, waivers)
    report = pipeline.evaluate(Snapshot(("t",), "", lambda skip=(): iter(records)), policy)
    return {row.id: row for row in report.statements}


def verdicts(*records: Record) -> dict[str, Outcome]:
    return {name: row.verdict for name, row in rows(*records).items()}


def estate(**changed: Resource) -> list[Resource]:
    made = {
        "cosmos": cosmos("West Europe", backupPolicy=CONTINUOUS),
        "storage": account(blob=BLOB),
        "vault": vault(enablePurgeProtection=True, softDeleteRetentionInDays=7),
        "config": config("standard"),
    }
    return [*(made | changed).values()]


def test_the_standard_deployment_meets_its_own_document() -> None:
    found = verdicts(*estate())
    assert [*found] == ROWS
    # The account is continuous, and nobody read the list of restorable accounts.
    expected = dict.fromkeys(ROWS, P) | dict.fromkeys(("G1", "C4", "C5", "C7", "S2", "K4", "K5", "A1", "A2", "A3"), I)
    assert found == expected | {"C3": N}


def test_what_falls_short_shows_in_its_rows() -> None:
    weak = cosmos(
        "West Europe", backupPolicy={"type": "Periodic"}, consistencyPolicy={"defaultConsistencyLevel": "Eventual"}
    )
    found = verdicts(*estate(cosmos=weak, storage=account(), vault=vault(enableSoftDelete=False)))
    assert {name for name, verdict in found.items() if verdict is F} == {"C1", "C2", "C6", "S3", "S4", "S5", "K1", "K3"}
    assert (found["C3"], found["S1"], found["K2"]) == (P, P, N)


def test_a_service_nobody_uses_is_not_applicable() -> None:
    found = verdicts(account(blob=BLOB))
    assert {found[name] for name in ("C1", "C5", "K1", "A3")} == {N}
    assert {found[name] for name in ("K4", "K5", "A1")} == {I}


def test_a_service_that_could_not_be_listed_is_not_called_not_applicable() -> None:
    missing = Listing("/subscriptions/s", COSMOS, Unknown("the list could not be read: 403"))
    for records in ([account(blob=BLOB), missing], [*estate(), missing]):
        found = rows(*records)
        assert {found[name].verdict for name in ("C1", "C2", "C5", "C6")} == {U}
        assert "403" in found["C1"].note
        assert (found["S1"].verdict, found["C7"].verdict) == (P, I)
    failing = rows(*estate(cosmos=cosmos("West Europe")), missing)
    assert failing["C1"].verdict is F


def test_with_a_gap_and_no_list_nobody_can_say_that_there_is_none() -> None:
    gap = Gap("/subscriptions", "403 AuthorizationFailed", Origin("u"))
    assert {verdict for name, verdict in verdicts(gap).items() if name not in ("G1", "C7", "K4", "K5", "A1")} == {U}
    found = verdicts(*estate(), gap)
    assert (found["C1"], found["S1"]) == (P, P)
    # The list was read to its end, so that the gap is about something else.
    whole = [Listing("/subscriptions/s", COSMOS), Gap("x", "y", Origin("u"))]
    assert verdicts(*whole)["C1"] is N


def test_a_statement_with_nothing_but_waived_failures_is_no_pass() -> None:
    waiver = Waiver("keyvault-purge-protection", "*", "reason", "owner", "2999-12-31")
    assert rows(vault(), waivers=(waiver,))["K1"].verdict is I
    assert rows(vault(), waivers=(replace(waiver, state=WaiverState.EXPIRED),))["K1"].verdict is F

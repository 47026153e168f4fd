"""Waivers: what a file may say, until when and how far one counts, what it is laid over, and what becomes of the rest."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor import pipeline, services, snapshot, waivers
from auditor.errors import PolicyError, UsageError
from auditor.model import (
    Basis,
    Evidence,
    Finding,
    Gap,
    Origin,
    Outcome,
    Resource,
    Severity,
    Snapshot,
    Subject,
    Unknown,
    Waiver,
    WaiverState,
)
from auditor.schemas import schema
from auditor.waivers import Terms, Waivers, day_of, fits, inspect, judged, load_waivers

TODAY = date(2026, 12, 31)
STORAGE = "Microsoft.Storage/storageAccounts"
TERMS = Terms(TODAY, {"storage-backup": (STORAGE,), "storage-redundancy": (STORAGE,), "keyvault-lock": ("N/vaults",)})
ENTRY = {"rule": "storage-backup", "resource": "*/st1", "reason": "r", "owner": "o", "expires": "2026-12-31"}


def waiver(rule: str = "storage-backup", resource: str = "*/st1", **changes: Any) -> Waiver:
    return replace(Waiver(rule, resource, "r", "o", "2026-12-31"), **changes)


def store(name: str = "st1", group: str = "g", waivers: tuple[Waiver, ...] = (), **body: Any) -> Resource:
    store_id = f"/subscriptions/s/resourceGroups/{group}/providers/{STORAGE}/{name}"
    return Resource(store_id, STORAGE, name, None, body, Origin("x"), waivers=waivers)


def finding(on: Resource, rule: str = "storage-backup", outcome: Outcome = Outcome.FAIL, path: str = "sku") -> Finding:
    evidence = (Evidence(path, 1, 2, Basis.EXPLICIT),)
    return Finding(rule, Subject(on.id, on.type, on.name, None, on.origin), outcome, Severity.HIGH, "m", evidence)


def laid(over: Resource, *given: Waiver, terms: Terms = TERMS, **about: Any) -> Finding:
    (found,) = Waivers(given, terms).apply(over, [finding(over, **about)])
    return found


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "w.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return path


def test_a_file_is_a_list_bare_or_under_its_name(tmp_path: Path) -> None:
    for content in ([ENTRY], {"waivers": [ENTRY]}):
        (found,) = load_waivers(written(tmp_path, content), TERMS).waivers
        assert found.origin is not None
        assert replace(found, origin=None) == waiver()
        assert found.place == f"{tmp_path / 'w.yaml'}:{found.origin.line}"


def test_everything_an_entry_may_say(tmp_path: Path) -> None:
    text = (
        "longest: P90D\nwaivers:\n"
        "  - rule: storage-backup\n    resource: st*\n    tags: {env: dev*, Team: a}\n    reason: because\n"
        "    owner: me\n    ticket: OPS-1\n    created: 2026-11-01\n    expires: 2027-01-15\n"
    )
    file = load_waivers(written(tmp_path, text), TERMS)
    (found,) = file.waivers
    assert (found.tags, found.ticket, found.created) == ((("env", "dev*"), ("Team", "a")), "OPS-1", "2026-11-01")
    assert (found.resource, found.scope) == ("st*", "st*, tag env=dev*, tag Team=a")
    assert found.origin == Origin(str(tmp_path / "w.yaml"), 3)
    assert file.terms.longest == 90 * 86_400


def bad(**changes: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in {**ENTRY, **changes}.items() if value is not ...}]


BAD: dict[str, tuple[Any, str]] = {
    "rule": (bad(rule="storage-bakup"), "unknown rule 'storage-bakup'; did you mean 'storage-backup'?"),
    "date": (bad(expires="soon"), "expires must be a date such as 2027-06-30, found 'soon'"),
    "moment": ("- {rule: '*', resource: a, reason: r, owner: o, expires: 2027-06-30T10:00:00Z}", "must be a date such as"),
    "compact date": (bad(expires="20270630"), "must be a date such as"),
    "week": (bad(expires="2027-W26-3"), "must be a date such as"),
    "no such day": (bad(expires="2027-02-30"), "must be a date such as"),
    "number": (bad(expires=2027), "must be a text, found a number"),
    "null": (bad(expires=None), "must be a text, found nothing"),
    "created": (bad(created="yesterday"), "created must be a date such as"),
    "created late": (bad(created="2027-01-01"), "created on 2027-01-01, after it expires on 2026-12-31"),
    "no expiry": (bad(expires=...), "'expires' is missing"),
    "no owner": (bad(owner=...), "'owner' is missing"),
    "no reason": (bad(reason="  "), "'reason' must be a text, found an empty one"),
    "no resource": (bad(resource=...), "'resource' or 'tags' is missing"),
    "key": (bad(expiry="2027-01-01"), "unknown key 'expiry'; did you mean 'expires'?"),
    "tags": (bad(tags="env"), "expected a mapping"),
    "no tags": (bad(tags={}), "expected at least one tag"),
    "tag's value": (bad(tags={"env": 3}), "must be a text, found a number"),
    "tag's name": (bad(tags={"a/b": "c"}), "is no name of a tag"),
    "long": (bad(resource="*/" + "a" * 1_000), "longer than 1,000 characters"),
    "stars": (bad(resource="*a" * 17), "more than 16 stars"),
    "tag's stars": (bad(tags={"env": "*a" * 17}), "more than 16 stars"),
    "entry": (["storage-backup"], "expected a mapping with rule, resource"),
    "list": ({"waivers": {}}, "expected a list, found a mapping"),
    "top": ({"waiver": []}, "unknown key 'waiver'; did you mean 'waivers'?"),
    "longest": ({"waivers": [], "longest": "90 days"}, "is not an ISO 8601 duration"),
    "too short": ({"waivers": [], "longest": "PT4H"}, "is less than a day"),
    "scalar": ("word", "expected a mapping"),
    "empty": ("", "the file is empty"),
    "not yaml": ("[", "not YAML"),
    "twice": ("- {rule: '*', rule: '*'}", "given twice"),
    "deep": ("[" * 60 + "]" * 60, "nests deeper"),
    "tag": ("- !!python/object:os.system {}", "'rule' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_says_where_and_what_was_expected(tmp_path: Path, name: str) -> None:
    content, expected = BAD[name]
    path = written(tmp_path, content)
    with pytest.raises(PolicyError) as caught:
        load_waivers(path, TERMS)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{caught.value.line}: ")
    assert caught.value.exit_code == 5


def test_one_malformed_entry_does_not_hide_the_next(tmp_path: Path) -> None:
    file = inspect(written(tmp_path, [*bad(), *bad(rule="x"), *bad(expires="x"), *bad()]), TERMS)
    assert [problem.line for problem in file.problems] == [10, 11]
    assert [one.note for one in file.waivers] == ["", f"the same as the one at {tmp_path / 'w.yaml'}:1"]


def test_the_schema_takes_what_the_reader_takes(tmp_path: Path) -> None:
    import jsonschema

    policy = pipeline.load_policy()
    made = schema("waivers", pipeline.vocabulary_of(services.catalog()), policy.rules)
    check = jsonschema.Draft202012Validator(made)
    check.check_schema(made)
    for good in ([ENTRY], {"longest": "P90D", "waivers": [ENTRY]}, bad(resource=..., tags={"a": "b"}), []):
        assert check.is_valid(good), good
        assert inspect(written(tmp_path, good), TERMS).problems == ()
    beyond = {"rule", "created late", "stars", "tag's stars", "too short", "not yaml", "twice", "tag", "no such day"} | {
        "empty", "moment", "tag's name", "no reason", "deep",
    }  # fmt: skip
    for name in BAD.keys() - beyond:
        content = BAD[name][0]
        assert not check.is_valid(yaml.safe_load(content) if isinstance(content, str) else content), name


# ── until when ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (datetime(2026, 12, 30, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 0, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), True),
        (datetime(2027, 1, 1, 0, 0, 0, tzinfo=UTC), False),
        # It is next year already in Kiribati, and still last year in Hawaii.
        (datetime(2027, 1, 1, 13, 59, 59, tzinfo=timezone(timedelta(hours=14))), True),
        (datetime(2026, 12, 31, 14, 0, 0, tzinfo=timezone(timedelta(hours=-10))), False),
    ],
)
def test_a_waiver_counts_to_the_last_second_of_its_day_in_utc(tmp_path: Path, moment: datetime, counts: bool) -> None:
    path = written(tmp_path, [{**ENTRY, "rule": "storage-redundancy"}])
    policy = pipeline.load_policy(waivers=path, now=moment)
    (found,) = [judged(one, policy.terms) for one in policy.waivers]
    assert found.expired is not counts
    assert policy.terms.today == day_of(moment)


def test_the_clock_of_this_machine_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert Terms().today == datetime.now(UTC).date()
    monkeypatch.delenv("TZ")
    time.tzset()


@pytest.mark.parametrize(
    ("created", "expires", "state"),
    [
        ("", "2027-03-31", "active"),  # 90 days from today
        ("", "2027-04-01", "too-long"),
        ("2026-12-01", "2027-03-01", "active"),
        ("2026-12-01", "2027-03-02", "too-long"),
        ("2026-10-02", "2026-12-31", "active"),
        ("2026-10-01", "2026-12-31", "too-long"),
        # A day to come would shorten any life.
        ("2028-01-01", "2028-01-02", "too-long"),
        ("2020-01-01", "2026-12-30", "expired"),
        ("", "9999-12-31", "too-long"),
    ],
)
def test_a_waiver_must_not_live_longer_than_the_longest(created: str, expires: str, state: str) -> None:
    terms = replace(TERMS, longest=90 * 86_400)
    found = judged(waiver(created=created, expires=expires), terms)
    assert found.state == state
    assert bool(found.note) is (state != "active")
    assert judged(waiver(created=created, expires=expires), TERMS).state == (
        "expired" if state == "expired" else "active"
    )


def test_the_shorter_limit_holds(tmp_path: Path) -> None:
    path = written(tmp_path, {"longest": "P30D", "waivers": []})
    for given, days in (("", 30), ("P90D", 30), ("P2W", 14)):
        terms = pipeline.load_policy(waivers=path, longest_waiver=given).terms
        assert terms.longest == days * 86_400
    assert pipeline.load_policy(longest_waiver="P90D").terms.longest == 90 * 86_400
    assert pipeline.load_policy().terms.longest is None
    for wrong in ("90", "P1Y", "PT1H"):
        with pytest.raises(UsageError, match="longest life"):
            pipeline.load_policy(longest_waiver=wrong)


# ── how far ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "broad"),
    [
        ("*", True), ("**", True), ("?*", True), ("*/*", True), ("/subscriptions/*", True), ("*/providers/*", True),
        ("*/Microsoft.Storage/*", True), (f"*/{STORAGE}/*", True), ("*s*/*", True), ("*/*e*", True), ("[!x]*", True),
        ("st*", False), ("st1", False), ("*/st1", False), ("*/resourceGroups/dev/*", False), ("*dev*", False),
        ("/subscriptions/aaaa/*", False), ("*/resourcegroups/g-*/*", False), ("[s]*", False),
    ],
)  # fmt: skip
def test_every_rule_on_no_resource_in_particular_is_too_broad(pattern: str, broad: bool) -> None:
    found = judged(waiver("*", pattern), TERMS)
    assert (found.state is WaiverState.TOO_BROAD) is broad, found
    named = judged(waiver("storage-backup", pattern), TERMS)
    assert named.state is WaiverState.ACTIVE
    assert ("every resource" in named.note) is broad


def test_tags_narrow_when_they_say_something() -> None:
    assert judged(waiver("*", "*", tags=(("env", "dev"),)), TERMS).state is WaiverState.ACTIVE
    assert judged(waiver("*", "*", tags=(("env", "*"),)), TERMS).state is WaiverState.TOO_BROAD
    assert judged(waiver("*", "*", tags=(("env", "*"), ("team", "a*"))), TERMS).state is WaiverState.ACTIVE


def test_what_is_too_broad_covers_nothing_and_says_so() -> None:
    found = laid(store(), waiver("*", "*"))
    assert not found.waived
    assert found.waiver is not None
    assert found.waiver.state is WaiverState.TOO_BROAD


# ── laid over findings ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("st1", True), ("ST1", True), ("st?", True), ("s*", True), ("*1", True), ("st[0-9]", True), ("t1", False),
        ("st12", False), ("*/st1", True), ("*/ST1", True), ("*/resourceGroups/G/*", True), ("*/resourcegroups/h/*", False),
        (f"/subscriptions/s/resourceGroups/g/providers/{STORAGE}/st1", True), ("/subscriptions/s", False), ("*", True),
        ("*/", False), ("[", False), ("[]", False), ("st1\n", False),
    ],
)  # fmt: skip
def test_a_pattern_with_a_slash_is_held_against_the_id_another_against_the_name(pattern: str, matches: bool) -> None:
    assert laid(store(), waiver(resource=pattern)).waived is matches


@pytest.mark.parametrize(
    ("tags", "body", "matches"),
    [
        ((("env", "dev"),), {"tags": {"env": "dev"}}, True),
        ((("ENV", "d*"),), {"Tags": {"env": "dev"}}, True),
        ((("env", "DEV"),), {"tags": {"env": "dev"}}, False),
        ((("env", "dev"), ("team", "a")), {"tags": {"env": "dev"}}, False),
        ((("env", "*"),), {"tags": {}}, False),
        ((("env", "*"),), {"tags": None}, False),
        ((("env", "*"),), {"tags": {"env": 3}}, False),
        ((("env", "*"),), {"tags": {"env": Unknown("p")}}, False),
        ((("env", "*"),), {"tags": Unknown("p")}, False),
        ((("env", "*"),), {}, False),
    ],
)
def test_tags_must_all_be_there_and_known(tags: Any, body: Any, matches: bool) -> None:
    assert laid(store(**body), waiver(resource="*", tags=tags)).waived is matches


def test_a_tag_that_is_not_known_is_told() -> None:
    held = Waivers([waiver(resource="*", tags=(("env", "dev"),))], TERMS)
    list(held.apply(store(tags=Unknown("a parameter")), [finding(store())]))
    assert [one.note for one in held.stale()] == ["it matches nothing; a tag it asks for is not known"]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_failures_and_unknowns_carry_a_waiver(outcome: Outcome) -> None:
    found = laid(store(), waiver(), outcome=outcome)
    assert found.outcome is outcome
    assert found.waived is (outcome in (Outcome.FAIL, Outcome.UNKNOWN)) is (found.waiver is not None)


def test_an_active_waiver_comes_before_one_that_does_not_count() -> None:
    old, new = waiver(expires="2026-01-01"), waiver(resource="st*")
    assert laid(store(), old, new).waiver == new
    carried = laid(store(), old).waiver
    assert carried is not None
    assert carried.expired


def test_what_nothing_needs_is_told_with_the_reason() -> None:
    given = [
        waiver(resource="gone"),
        waiver("storage-redundancy"),
        waiver(),
        waiver(resource="st*", origin=Origin("w.yaml", 7)),
        waiver(expires="2020-01-01"),
    ]
    held = Waivers(given, TERMS)
    over = store()
    list(held.apply(over, [finding(over), finding(over, "storage-redundancy", Outcome.PASS)]))
    assert [(one.state, one.note) for one in held.stale()] == [
        ("unused", "it matches no resource"),
        ("unused", "nothing it is for fails"),
        ("unused", "all it is for is waived by another one already"),
        ("expired", "its last day was 2020-01-01"),
    ]
    # A run of some rules cannot tell of the others' waivers.
    assert [one.state for one in held.stale(["keyvault-lock"])] == ["expired"]


def test_of_two_that_overlap_the_later_one_says_so() -> None:
    first, second = waiver(origin=Origin("w.yaml", 1)), waiver(resource="st*", origin=Origin("w.yaml", 2))
    held = Waivers([first, second], TERMS)
    found = [one for over in (store("st1"), store("st2")) for one in held.apply(over, [finding(over)])]
    settled = held.settled(found)
    assert [one.waiver and one.waiver.note for one in settled] == ["", "some of it is waived at w.yaml:1 too"]
    assert held.stale() == ()


def test_waivers_of_a_declaration_cover_its_findings_only() -> None:
    inline = waiver(resource="", inline=True, origin=Origin("a.bicep", 3))
    assert laid(store(waivers=(inline,))).waived
    assert not laid(store()).waived
    assert not laid(store(waivers=(inline,)), rule="storage-redundancy").waived
    assert laid(store(waivers=(replace(inline, rule="*"),)), rule="storage-redundancy").waived
    assert not laid(store(waivers=(replace(inline, resource="st2"),))).waived


def test_waivers_of_a_child_cover_what_is_found_on_it() -> None:
    inline = waiver(resource="", inline=True)
    over = store()
    child = Resource(f"{over.id}/blobServices/default", f"{STORAGE}/blobServices", "default", None, {}, Origin("x"))
    over = replace(over, children=(replace(child, waivers=(inline,)),))
    assert laid(over, path="blobServices/default:properties.deleteRetentionPolicy.enabled").waived
    assert not laid(over, path="properties.sku").waived
    assert not laid(over, path="blobServices/default2:properties").waived


def test_inline_waivers_can_be_switched_off_and_are_still_told() -> None:
    inline = waiver(resource="", inline=True)
    found = laid(store(waivers=(inline,)), waiver(), terms=replace(TERMS, inline=False))
    assert found.waiver == waiver()
    held = Waivers([], replace(TERMS, inline=False))
    held.know(inline)
    assert [one.state for one in held.stale()] == ["switched-off"]


def test_an_inline_waiver_of_an_unknown_rule_is_malformed() -> None:
    held = Waivers([], TERMS)
    held.know(waiver("storage-bakup", "", inline=True))
    held.know(waiver(expires="soon", inline=True))
    assert [(one.state, one.note) for one in held.stale()] == [
        ("malformed", "unknown rule 'storage-bakup'; did you mean 'storage-backup'?"),
        ("malformed", "its dates are none such as 2027-06-30"),
    ]


# ── a whole run ──────────────────────────────────────────────────────────────────────────────────────────────────────

VAULT = "Microsoft.KeyVault/vaults"
PURGE = "keyvault-purge-protection"


def vault(name: str = "kv", **properties: Any) -> Resource:
    vault_id = f"/subscriptions/s/resourceGroups/g/providers/{VAULT}/{name}"
    body = {"properties": {"enableSoftDelete": True, "softDeleteRetentionInDays": 90, **properties}}
    return Resource(vault_id, VAULT, name, "westeurope", body, Origin("x"), deployed=True)


def report_on(*records: Any, given: tuple[Waiver, ...] = (), terms: Terms | None = None) -> Any:
    policy = pipeline.load_policy(rule=[PURGE], now=datetime(2026, 12, 31, tzinfo=UTC))
    policy = replace(policy, waivers=given, terms=terms or policy.terms)
    held = Snapshot(("t",), "2026-12-31T00:00:00Z", lambda skip=(): iter(records))
    return pipeline.evaluate(held, policy)


def test_a_waived_failure_keeps_its_outcome_and_makes_no_exit_code() -> None:
    report = report_on(vault(), given=(waiver(PURGE, "kv"),))
    assert [(one.outcome, one.waived) for one in report.findings] == [(Outcome.FAIL, True)]
    assert report.summary()["waived"] == 1
    assert report.summary()["fail"] == 0
    assert report.exit_code(Severity.LOW) == 0
    late = report_on(vault(), given=(waiver(PURGE, "kv", expires="2026-12-30"),))
    assert late.exit_code(Severity.LOW) == 1
    assert [one.state for one in late.stale_waivers] == ["expired"]


def test_a_waived_unknown_is_no_longer_incomplete_but_a_gap_stays_one() -> None:
    unread = vault(enablePurgeProtection=Unknown("403"))
    assert report_on(unread).exit_code(Severity.LOW) == 3
    report = report_on(unread, given=(waiver(PURGE, "kv"),))
    assert [(one.outcome, one.waived) for one in report.findings] == [(Outcome.UNKNOWN, True)]
    assert report.exit_code(Severity.LOW) == 0
    gap = Gap(f"{vault().id}/x", "403", Origin("x"))
    assert report_on(unread, gap, given=(waiver(PURGE, "*"), waiver("*", "kv"))).exit_code(Severity.LOW) == 3


def test_waivers_travel_in_a_snapshot(tmp_path: Path) -> None:
    inline = replace(
        waiver(PURGE, ""), inline=True, origin=Origin("main.bicep", 3, 1), ticket="T", created="2026-12-01"
    )
    broken = Waiver(
        "", "", "", "", "", WaiverState.MALFORMED, "'until' is missing", origin=Origin("main.bicep", 9), inline=True
    )
    path = tmp_path / "s.jsonl"
    snapshot.write(path, [replace(vault(), waivers=(inline,)), inline, broken], ("t",))
    held = list(snapshot.read(path).records())
    assert held == [replace(vault(), waivers=(inline,)), inline, broken]
    report = report_on(*held)
    assert report.exit_code(Severity.LOW) == 0
    assert [one.place for one in report.stale_waivers] == ["main.bicep:9"]


@pytest.mark.parametrize(
    "changes", [{"rule": 3}, {"state": "approved"}, {"origin": "x"}, {"reason": None}, {"expires": ["2027-01-01"]}]
)
def test_a_snapshot_with_something_else_for_a_waiver_is_no_snapshot(tmp_path: Path, changes: dict[str, Any]) -> None:
    from auditor.errors import SnapshotError

    entry = {"kind": "waiver", "rule": PURGE, "reason": "r", "expires": "2999-01-01", "state": "active", **changes}
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps(entry) + "\n")
    with pytest.raises(SnapshotError):
        list(snapshot._reader(path)())


# ── hostile and many ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pattern_is_taken_in_one_pass() -> None:
    # Without possessive stars each of these tries some 10^20 ways; the limits bound the product of both lengths.
    assert sys.version_info >= (3, 11)
    for pattern in ("*a" * 16 + "b", "*" + "a" * 900 + "b", "?*" * 16, "*[a-z]" * 16 + "!"):
        assert not waivers.pattern_flaw(pattern) or pattern.count("*") > 16
        assert not fits(pattern + "\0", "a" * 4_000)
        assert "(?>" in waivers._compiled(pattern + "\0").pattern or pattern.count("*") < 2
    assert not fits("*", "a" * 4_001)


def test_ten_thousand_waivers_over_as_many_findings_try_few_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0

    def counted(pattern: str, text: str) -> bool:
        nonlocal tried
        tried += 1
        return fits(pattern, text)

    monkeypatch.setattr(waivers, "fits", counted)
    number = 10_000
    shapes = (
        "*/storageAccounts/st{:05}",
        "st{:05}",
        "st{:05}*",
        "*-x{:05}",
        "/subscriptions/s/resourceGroups/g{:05}/*",
    )
    given = [waiver(resource=shapes[n % len(shapes)].format(n)) for n in range(number)]
    held = Waivers([*given, waiver(resource="*/resourceGroups/dev/*")], TERMS)
    waived = 0
    for n in range(number):
        name = f"st{n:05}" if n % 5 != 3 else f"y-x{n:05}"
        over = store(name, f"g{n:05}")
        waived += sum(one.waived for one in held.apply(over, [finding(over)]))
    assert waived == number
    assert len(held.stale()) == 1
    assert tried < 20 * number


def test_a_file_of_ten_thousand_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("".join(f"- {{rule: storage-backup, resource: '*/st{n}', reason: {'r' * 200}, owner: o, ticket: T-{n}, "
                            f"created: 2026-12-01, expires: 2026-12-31}}\n" for n in range(10_000)))  # fmt: skip
    assert len(load_waivers(path, TERMS).waivers) == 10_000
    path.write_text("[" + "a, " * 400_000 + "]")
    with pytest.raises(PolicyError, match="has more than 400,000 nodes"):
        load_waivers(path, TERMS)
    path.write_bytes(b"#" * 8_000_001)
    with pytest.raises(PolicyError, match="larger than 8,000,000 bytes"):
        load_waivers(path, TERMS)
    os.truncate(path, 0)

"""`auditor waivers`: which waivers count, which do not, which soon will not, and how each run ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.model import Gap, Origin
from tests.test_cli import HOSTILE, here, keep, run, vault  # noqa: F401 - `here` is a fixture for every test

PURGE = "keyvault-purge-protection"


def day(after: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=after)).isoformat()


def entry(**changes: Any) -> dict[str, Any]:
    return {"rule": PURGE, "resource": "kv", "reason": "r", "owner": "o", "expires": day(90), **changes}


def keep_waivers(*entries: dict[str, Any], **top: Any) -> str:
    Path("w.yaml").write_text(yaml.safe_dump({**top, "waivers": [*entries]}, sort_keys=False), "utf-8")
    return "w.yaml"


def states(*arguments: str, command: str = "check") -> list[str]:
    found = json.loads(run("waivers", command, *arguments, "--format", "json").out)
    return [one["state"] for one in found]


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        ({}, None, 0),
        ({"expires": day(-1)}, "expired", 1),
        ({"expires": day(0)}, "active", 0),
        ({"expires": day(30)}, "active", 0),
        ({"expires": day(31)}, None, 0),
        ({"rule": "*", "resource": "*"}, "too-broad", 1),
        ({"expires": day(200)}, "too-long", 1),
        ({"rule": "keyvault-purge"}, "malformed", 5),
        ({"expires": "soon"}, "malformed", 5),
    ],
)
def test_a_file_is_checked(changes: dict[str, Any], state: str | None, code: int) -> None:
    path = keep_waivers(entry(**changes), longest="P180D")
    done = run("waivers", "check", path)
    assert done.code == code, done.err
    assert states(path) == ([] if state is None else [state])
    assert ("w.yaml:" in done.out) is (state is not None)


def test_all_malformed_ones_are_named_with_line_and_nearest_name() -> None:
    path = keep_waivers(
        entry(rule="keyvault-purge-protecton"), entry(owner=""), entry(), entry(resource="b", expires=day(-1))
    )
    done = run("waivers", "check", path)
    assert done.code == 5
    first, second, third, summary = done.out.splitlines()
    assert first.startswith(f"w.yaml:2: malformed (unknown rule 'keyvault-purge-protecton'; did you mean '{PURGE}'?)")
    assert second.startswith("w.yaml:10: malformed ('owner' must be a text, found an empty one")
    assert third.startswith(f"w.yaml:17: expired (its last day was {day(-1)}): {PURGE} on b: r (o)")
    assert summary == "4 waivers: 1 active, 1 expired, 2 malformed"


def test_what_expires_soon_is_told_and_still_counts() -> None:
    path = keep_waivers(entry(expires=day(10)), entry(resource="kv2", expires=day(1)), entry(resource="kv3"))
    done = run("waivers", "check", path, "--within", "14")
    assert done.code == 0
    assert "10 days more" in done.out
    assert "1 day more" in done.out
    assert done.out.endswith("3 waivers: 3 active, 2 within 14 days of expiring\n")
    assert states(path, "--within", "0") == []
    assert states(path, "--longest-waiver", "P30D") == ["active", "active", "too-long"]


def test_with_targets_what_nothing_needs_is_told() -> None:
    target = keep(vault(), vault("ok", enablePurgeProtection=True))
    path = keep_waivers(entry(), entry(resource="ok"), entry(resource="gone"), entry(resource="k?"))
    done = run("waivers", "check", path, target)
    assert done.code == 1
    assert "nothing it is for fails" in done.out
    assert "it matches no resource" in done.out
    assert "is waived at w.yaml:2 already" in done.out
    found = json.loads(run("waivers", "list", path, target, "--format", "json").out)
    assert sorted((one["state"], one["findings"]) for one in found) == [("active", 1), *[("unused", 0)] * 3]
    assert run("waivers", "check", keep_waivers(entry()), target).code == 0


def test_unused_is_not_said_for_sure_where_something_was_not_read() -> None:
    target = keep(vault(), Gap("x", "403", Origin("u")))
    assert run("waivers", "check", keep_waivers(entry(), entry(resource="gone")), target).code == 3
    assert run("waivers", "check", keep_waivers(entry()), target).code == 0


def test_inline_waivers_are_checked_without_a_file() -> None:
    Path("main.bicep").write_text(f"// auditor:waive {PURGE}\nparam p string\n")
    done = run("waivers", "check", "main.bicep")
    assert done.code == 5
    assert "main.bicep:1: malformed ('until' is missing" in done.out


def test_a_file_that_is_none_ends_with_5_and_no_file_with_2() -> None:
    Path("w.yaml").write_text("[")
    done = run("waivers", "check", "w.yaml")
    assert (done.code, done.err.startswith("error: w.yaml:"), "not YAML" in done.err) == (5, True, True)
    assert run("waivers", "check", "nowhere.yaml").code == 5
    done = run("waivers", "check")
    assert (done.code, "no waivers file was named" in done.err) == (2, True)
    assert run("waivers", "check", keep_waivers(), "--longest-waiver", "a year").code == 2


def test_the_configuration_names_the_file_and_the_longest_life() -> None:
    keep_waivers(entry())
    Path("auditor.toml").write_text('waivers = "w.yaml"\nlongest_waiver = "P30D"\n')
    assert (run("waivers", "check").code, states()) == (1, ["too-long"])
    assert states("--longest-waiver", "P90D", command="list") == ["active"]
    target = keep(vault())
    assert run("scan", target, "--rule", PURGE).code == 1
    assert run("scan", target, "--rule", PURGE, "--longest-waiver", "P90D").code == 0
    Path("auditor.toml").write_text("inline_waivers = false\n")
    Path("main.bicep").write_text(
        f"resource kv 'Microsoft.KeyVault/vaults@2023-07-01' = {{ // auditor:waive {PURGE} until=2999-01-01 reason=x\n"
        "  name: 'kv'\n  location: 'westeurope'\n  properties: { enableSoftDelete: true }\n}\n"
    )
    assert run("scan", "main.bicep", "--rule", PURGE).code == 1
    assert run("scan", "main.bicep", "--rule", PURGE, "--inline-waivers").code == 0


def test_a_gate_opens_with_a_waiver_and_closes_with_its_day() -> None:
    target = keep(vault())
    assert run("scan", target, "--rule", PURGE).code == 1
    for after, code in ((0, 0), (-1, 1)):
        done = run("scan", target, "--rule", PURGE, "--waivers", keep_waivers(entry(expires=day(after))))
        assert done.code == code
    assert "expired" in done.out
    assert "w.yaml:2" in done.out


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_a_file_stay_words(text: str) -> None:
    path = keep_waivers(entry(reason=text, owner=text, resource=f"*{text}", ticket=text, tags={"a": text}))
    for arguments in (("check", path, "--within", "99"), ("list", path)):
        out = run("waivers", *arguments).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(line.lstrip().startswith(("::", "##")) or "##vso[" in line for line in out.splitlines())
        assert out.count("\n") == 2

"""`auditor recovery` as a person or a pipeline meets it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from auditor import cli, pipeline, snapshot
from auditor.errors import UsageError
from auditor.model import Gap, Listing, Origin, RecoveryReport, Resource, Scope, StoreRecovery, Subject, Unknown
from auditor.recovery import SCENARIOS
from auditor.recovery.runbook import runbook
from auditor.recovery.what_if import WhatIf, parsed, with_changes
from auditor.renderers import RECOVERY_FORMATS
from auditor.renderers.recovery import terminal
from tests.recovery_stores import KNOWLEDGE, LISTED, analysed, blobs, continuous, cosmos, periodic, storage, vault
from tests.renderers.sample_report import HOSTILE
from tests.test_cli import Done, run

TYPES = {"microsoft.documentdb/databaseaccounts", "microsoft.storage/storageaccounts", "microsoft.keyvault/vaults"}
OBJECTIVES = (
    "objectives:\n  - {{id: p, stores: {{type: Microsoft.KeyVault/vaults}}, scenarios: [malicious-purge], {}}}\n"
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working directory with the root of a repository, so that no configuration above is found."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(*records: Any, path: str = "s.jsonl") -> str:
    listed = [Listing("", kind) for kind in LISTED]
    snapshot.write(
        Path(path), [Scope("/subscriptions/s", "subscription"), *listed, *records], ("x",), "2026-11-26T12:00:00Z"
    )
    return path


ESTATE = (cosmos(**periodic()), storage(blob=blobs(30, 30, True)), vault(enablePurgeProtection=True))


def recovery(*arguments: str) -> Done:
    return run("recovery", *arguments)


# ── analysing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_matrix_is_the_default_and_needs_no_command() -> None:
    keep(*ESTATE)
    done = recovery("s.jsonl")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"Item +Container +Store +Purge +Corruption +Zone +Region +Attack +Subscription", done.out)
    assert done.out.count("✓") > 5
    assert recovery("analyse", "s.jsonl").out == done.out
    assert all(word in done.out for word in ("recoverable", "best effort only", "lost", "→ Continuous backup"))


@pytest.mark.parametrize(
    ("figures", "code", "word"),
    [("rpo: PT0S", 0, "met"), ("lookback: P91D", 1, "missed"), ("rto: PT1H", 3, "no documented figure")],
)
def test_objectives_decide_the_exit_code(figures: str, code: int, word: str) -> None:
    keep(*ESTATE)
    Path("o.yaml").write_text(OBJECTIVES.format(figures))
    done = recovery("s.jsonl", "--objectives", "o.yaml")
    assert done.code == code
    assert f"malicious-purge: {word}" in done.out or f"purges: {word}" in done.out


def test_gaps_and_nothing_have_their_codes() -> None:
    keep(*ESTATE, Gap("/subscriptions/s/x", "403 AuthorizationFailed", Origin("x")))
    done = recovery("s.jsonl")
    assert done.code == 3
    assert "Not read" in done.out
    keep()
    assert recovery("s.jsonl").code == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere.bicep",), 2, "nowhere.bicep"),
        (("s.jsonl", "--nonsense"), 2, "--nonsense"),
        (("s.jsonl", "--format", "pdf"), 2, "valid formats are html, markdown, json"),
        (("s.jsonl", "--format", "html="), 2, "names no file"),
        (("s.jsonl", "--format", "html=a", "--format", "json=a"), 2, "two reports would be written to one file"),
        (("s.jsonl", "--format", "html=s.jsonl/x.html"), 2, "s.jsonl"),
        (("s.jsonl", "--what-if", "properties.backupPolicy.type"), 2, "not of the form [STORE@]PATH=VALUE"),
        (("s.jsonl", "--what-if", "@x=1"), 2, "not of the form"),
        (("s.jsonl", "--what-if", "nobody@properties.backupPolicy.type=Continuous"), 2, "no store is called 'nobody'"),
        (("s.jsonl", "--what-if", "properties.bakupPolicy.type=1"), 2, "Did you mean properties.backupPolicy.type?"),
        (("s.jsonl", "--what-if", "vaults@properties.locations[9].isZoneRedundant=true"), 2, "only 0 elements"),
        (("s.jsonl", "--objectives", "nowhere.yaml"), 5, "nowhere.yaml"),
        (("s.jsonl", "--objectives", "bad.yaml"), 5, "bad.yaml:2: 'soon' is not an ISO 8601 duration"),
        (("s.jsonl", "--objectives", "none.yaml"), 5, "none.yaml:2: objective 'p' is for no store that was read"),
        (("s.jsonl", "--template", ".", "--format", "html"), 2, "no template in this folder"),
        ((), 2, "auditor recovery TARGET"),
    ],
)
def test_what_is_wrong_is_said_with_its_code(arguments: tuple[str, ...], code: int, said: str) -> None:
    keep(*ESTATE)
    Path("bad.yaml").write_text(OBJECTIVES.format("rpo: soon"))
    Path("none.yaml").write_text(
        OBJECTIVES.format("rpo: P1D").replace(
            "Microsoft.KeyVault/vaults", "Microsoft.AppConfiguration/configurationStores"
        )
    )
    done = recovery(*arguments)
    assert done.code == code
    assert said in done.err + done.out


def test_a_broken_snapshot_is_never_green() -> None:
    path = Path(keep(*ESTATE))
    path.write_bytes(path.read_bytes()[:-40])
    assert recovery("s.jsonl").code == 3


def test_reports_go_to_files_and_a_runbook_is_markdown_unless_told_otherwise() -> None:
    keep(*ESTATE)
    done = recovery(
        "s.jsonl", "--runbook", "--format", "html=r.html", "--format", "markdown=r.md", "--format", "json=r.json"
    )
    assert (done.code, done.out) == (0, "")
    assert "Wrote r.html" in done.err
    assert "# Runbook" in Path("r.md").read_text("utf-8")
    assert "Runbook" in Path("r.html").read_text("utf-8")
    assert len(json.loads(Path("r.json").read_text("utf-8"))["runbook"]) == 3
    assert recovery("s.jsonl", "--runbook").out == Path("r.md").read_text("utf-8")


def test_previews_count_only_when_asked() -> None:
    kept = {"isSoftDeletionEnabled": True, "softDeleteRetentionPeriodInMinutes": 1_440}
    keep(cosmos(softDeleteConfiguration=kept, **continuous()))
    assert rows(recovery("s.jsonl", "--format", "json"))["container-loss"]["mechanism"] == "cosmosdb-continuous-backup"
    found = rows(recovery("s.jsonl", "--format", "json", "--previews"))["container-loss"]
    assert (found["mechanism"], found["rpo"], found["lookback"]) == ("cosmosdb-soft-delete", "PT0S", "P1D")
    assert any("Preview" in note for note in found["notes"])


def rows(done: Done) -> dict[str, Any]:
    return {row["scenario"]: row for row in json.loads(done.out)["recovery"]}


def test_the_configuration_holds_for_recovery_too_but_not_its_formats() -> None:
    keep(*ESTATE)
    Path("o.yaml").write_text(OBJECTIVES.format("lookback: P91D"))
    Path("auditor.toml").write_text('objectives = "o.yaml"\nformat = ["html=out.html"]\n')
    done = recovery("s.jsonl")
    assert (done.code, Path("out.html").exists()) == (1, False)
    assert run("scan", "s.jsonl", "-q").code == 1
    assert Path("out.html").exists()


# ── what if ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_what_if_shows_what_would_be_different_and_leaves_the_rest() -> None:
    keep(*ESTATE)
    done = recovery("s.jsonl", "--what-if", "databaseAccounts@properties.backupPolicy.type=Continuous")
    assert done.code == 0
    assert "if databaseAccounts@properties.backupPolicy.type=Continuous" in done.out
    assert re.search(
        r"x: An item is overwritten or deleted\n +before .*Periodic backup[\s\S]*?after .*Continuous backup", done.out
    )
    assert "A region is down" in done.out
    assert "Judged by settings alone" in done.out
    assert (
        "Nothing would be different"
        in recovery("s.jsonl", "--what-if", "vaults@properties.enablePurgeProtection=true").out
    )


def test_the_json_of_a_what_if_is_not_to_be_taken_for_a_report(home: Path) -> None:
    keep(*ESTATE)
    asked = "vaults@properties.enablePurgeProtection=false"
    what_if = json.loads(recovery("s.jsonl", "--what-if", asked, "--format", "json").out)
    assert (what_if["schema"], what_if["what_if"]) == ("auditor/what-if/v1", [asked])
    told = {
        key: [row["recoverable"] for row in what_if[key] if row["scenario"] == "malicious-purge"]
        for key in ("before", "recovery")
    }
    assert told["before"][-1:] == ["yes"]
    assert told["recovery"][-1:] == ["no"]
    schema = json.loads((home / "docs" / "report-schema-v1.json").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(what_if, schema)
    jsonschema.validate(what_if | {"schema": "auditor/report/v1"}, schema)
    Path("w.json").write_text(json.dumps(what_if))
    assert run("scan", "s.jsonl", "--since", "w.json").code == 2
    plain = json.loads(recovery("s.jsonl", "--runbook", "--format", "json").out)
    jsonschema.validate(plain, schema)
    assert not {"what_if", "before"} & plain.keys()


def test_a_what_if_is_judged_by_settings_alone() -> None:
    """What the service keeps today says nothing of a protection that is not on yet, nor does its absence."""
    keep(cosmos(deployed=True, **periodic()))
    asked = 'properties.backupPolicy={"type": "Continuous"}'
    found = rows(recovery("s.jsonl", "--what-if", asked, "--format", "json"))["item-loss"]
    assert (found["recoverable"], found["lookback"]) == ("yes", "P30D")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a@b=1", WhatIf("a", "b", 1)),
        ("b=true", WhatIf("*", "b", True)),
        ("b=Continuous", WhatIf("*", "b", "Continuous")),
        ('b="1"', WhatIf("*", "b", "1")),
        ('b={"c": [1]}', WhatIf("*", "b", {"c": [1]})),
        ("b=", WhatIf("*", "b", "")),
        ("b=x=y", WhatIf("*", "b", "x=y")),
        ("b=" + "[" * 9_000, WhatIf("*", "b", "[" * 9_000)),
    ],
)
def test_a_value_is_json_where_it_is_any(text: str, wanted: WhatIf) -> None:
    assert parsed(text) == wanted


@pytest.mark.parametrize("text", ["", "=", "=1", "@=1", "a@=1", "a", "*" * 17 + "@b=1", "b=" + "x" * 10_001])
def test_what_is_no_what_if_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not of the form"):
        parsed(text)


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ("x@properties.a.b=1", {"properties": {"a": {"b": 1}}}),
        ("X@PROPERTIES.Keep=2", {"properties": {"keep": 2}}),
        ("vaults@properties.keep=2", {"properties": {"keep": 2}}),
        ("Microsoft.KeyVault/vaults@properties.list[0].n=9", {"properties": {"list": [{"n": 9}, {"n": 2}]}}),
        ("properties.list[*].n=9", {"properties": {"list": [{"n": 9}, {"n": 9}]}}),
        ("properties.list[+].n=9", {"properties": {"list": [{"n": 1}, {"n": 2}, {"n": 9}]}}),
        ("location=northeurope", {"location": "northeurope"}),
    ],
)
def test_paths_are_those_of_evidence(asked: str, changed: dict[str, Any]) -> None:
    made = vault(keep=1, list=[{"n": 1}, {"n": 2}])
    collected = snapshot.spool([made], ("x",))
    (after,) = with_changes(collected, [parsed(asked)], TYPES).records()
    assert isinstance(after, Resource)
    assert isinstance(after.body, dict)
    assert isinstance(made.body, dict)
    for key, value in changed.items():
        assert after.body[key] == ({**made.body[key], **value} if isinstance(value, dict) else value)
    assert next(iter(collected.records())) == made


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("properties.keep.deeper=1", "leads through a value that is no object"),
        ("properties.list[7].n=1", "there are only 2 elements"),
        ("properties.secret.a=1", "cannot be changed: nobody knows"),
        ("blobServices/default:properties.x=1", "was not read"),
        ("properties..x=1", "is no path"),
        ("properties.list[x].n=1", "is no path"),
        (".".join(["a"] * 60) + "=1", "is no path"),
    ],
)
def test_a_path_that_leads_nowhere_says_so(path: str, said: str) -> None:
    made = vault(keep=1, list=[{"n": 1}, {"n": 2}], secret=Unknown("nobody knows"))
    with pytest.raises(UsageError, match=re.escape(said)):
        with_changes(snapshot.spool([made], ("x",)), [parsed(path)], TYPES)


# ── init and help ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["standard", "mission-critical", "development"])
def test_a_profile_is_a_file_to_start_from(name: str) -> None:
    done = recovery("init", name, "-o", "o.yaml")
    assert (done.code, done.out, done.err) == (0, "", "Wrote o.yaml\n")
    keep(cosmos(**continuous()), storage(blob=blobs(30, 30, True)), vault(), config_store())
    assert recovery("s.jsonl", "--objectives", "o.yaml").code in (0, 1, 3)
    again = recovery("init", name, "-o", "o.yaml")
    assert (again.code, "is there already" in again.err) == (2, True)
    assert recovery("init", name).out == Path("o.yaml").read_text("utf-8")


def config_store() -> Resource:
    from tests.recovery_stores import config

    return config()


def test_an_unknown_profile_is_refused() -> None:
    done = recovery("init", "standart")
    assert (done.code, "Did you mean standard?" in done.err) == (2, True)


@pytest.mark.parametrize("command", [(), ("analyse",), ("init",)])
def test_every_help_has_an_example(command: tuple[str, ...]) -> None:
    done = recovery(*command, "--help")
    assert done.code == 0
    assert "Example" in done.out
    assert f"auditor recovery {' '.join(command)}".strip() in done.out


def test_the_help_lists_formats_options_and_exit_codes() -> None:
    text = " ".join(recovery("analyse", "--help").out.split())
    assert all(f"{entry.name} {entry.title}" in text for entry in RECOVERY_FORMATS.values())
    assert all(option in text for option in ("--objectives", "--what-if", "--previews", "--runbook", "--format"))
    assert {int(code) for code in re.findall(r"^ +(\d+) +\w", recovery("analyse", "--help").out, re.MULTILINE)} == {
        0,
        1,
        2,
        3,
        4,
        5,
        70,
    }


def test_a_target_may_be_called_like_a_command() -> None:
    keep(*ESTATE, path="init")
    assert recovery("./init").code == 0
    assert recovery("analyse", "init").code == 0


def test_what_is_not_asked_for_is_not_loaded() -> None:
    import subprocess
    import sys

    keep(*ESTATE)
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "auditor", "--no-config", "scan", "s.jsonl", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    loaded = set(re.findall(r"auditor\.recovery\.(\w+)", told))
    assert loaded == {"analysis", "changes", "knowledge"}


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hostile() -> RecoveryReport:
    """Everything an estate, a policy or a person can name is hostile."""
    made = analysed(vault())
    stores = []
    for text in HOSTILE:
        subject = Subject(
            f"/subscriptions/s/resourceGroups/{text}/providers/{text}/{text}", text, text, text, Origin(text)
        )
        row = made["malicious-purge"]
        change = row.changes[0]._replace(title=text, settings={text: text}, cost=text, caveat=text)
        bad = row._replace(
            reason=text, notes=(text,), changes=(change,), objective=text, verdict="missed", verdict_reason=text
        )
        good = made["store-loss"]._replace(
            title=text, notes=(text,), not_restored=(text,), defeated_by=(text,), others=((text, text),)
        )
        stores.append(StoreRecovery(subject, tuple({**made, "malicious-purge": bad, "store-loss": good}.values())))
    report = pipeline.evaluate(snapshot.spool([vault()], HOSTILE), pipeline.load_policy())
    from dataclasses import replace

    deleted = tuple(store.subject for store in stores)
    gaps = tuple(Gap(text, text, Origin(text)) for text in HOSTILE)
    report = replace(
        report, recovery=tuple(stores), gaps=gaps, deleted=deleted, targets=HOSTILE, collected_at=HOSTILE[0]
    )
    before = tuple(store._replace(scenarios=tuple(made.values())) for store in stores)
    return RecoveryReport(report, before, tuple(runbook(stores, KNOWLEDGE)), HOSTILE)


class Elements(HTMLParser):
    """What a page is made of: elements with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src")}


def test_hostile_names_are_inert_in_html() -> None:
    text = "".join(RECOVERY_FORMATS["html"].load(None)(hostile()))
    seen = Elements()
    seen.feed(text)
    assert not {"script", "img", "iframe", "object", "form", "base", "embed"} & seen.names
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert all(re.match(r"https://learn\.microsoft\.com/|#[a-z-]+$|data:,$", address) for address in seen.addresses)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)


def test_hostile_names_are_inert_in_markdown() -> None:
    text = "".join(RECOVERY_FORMATS["markdown"].load(None)(hostile()))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    outside = re.sub(r"```sh\n.*?\n```", "", text, flags=re.DOTALL)
    assert "<script" not in outside
    assert not re.search(r"(?<!\\)\]\(javascript", outside)
    assert text.count("```") % 2 == 0
    # No name breaks out of its row: each table has one width.
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table[:500]


def test_hostile_names_are_inert_on_a_terminal_and_in_json() -> None:
    text = "".join(terminal.render(hostile(), color=False, width=120))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    made = "".join(RECOVERY_FORMATS["json"].load(None)(hostile()))
    assert made.isascii()
    data = json.loads(made)
    assert len(data["recovery"]) == len(HOSTILE) * len(SCENARIOS)
    assert len(data["runbook"]) == len(HOSTILE)


# ── many ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def many(number: int) -> list[Resource]:
    from dataclasses import replace

    kinds = (
        storage(blob=blobs(7, 30, True)), storage("Standard_GRS", deployed=True), vault(), cosmos(deployed=True, **continuous()),
        cosmos(**periodic()),
    )  # fmt: skip
    made = []
    for n in range(number):
        one = kinds[n % len(kinds)]
        store_id = one.id[:-1] + f"store{n}"
        children = tuple(replace(c, id=c.id.replace(one.id, store_id), parent=store_id) for c in one.children)
        made.append(replace(one, id=store_id, name=f"store{n}", children=children))
    return made


def test_two_thousand_stores_stay_usable() -> None:
    """A page stays one that a browser opens, and tools get every row."""
    listed = [Listing("", kind) for kind in LISTED]
    shown = pipeline.recovery(snapshot.spool([*listed, *many(2_000)], ("x",), "2026-11-26T12:00:00Z"))
    pages = {name: "".join(entry.load(None)(shown)) for name, entry in RECOVERY_FORMATS.items()}
    assert len(shown.report.recovery) == 2_000
    assert len(pages["html"]) < 12_000_000
    assert "and 1,500 more" in pages["html"] or "and 1500 more" in pages["html"]
    assert len(json.loads(pages["json"])["recovery"]) == 2_000 * len(SCENARIOS)


def test_the_exit_code_is_the_command_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(*ESTATE)
    monkeypatch.setattr("sys.argv", ["auditor", "recovery", "s.jsonl"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0


def test_a_change_of_what_could_not_be_read_is_not_made_and_is_told() -> None:
    """Silence would look like a setting that does not matter."""
    known, hidden = storage(blob=blobs(7)), storage(blob=Unknown("403"))
    hidden = replace(hidden, id=f"{hidden.id}2", name="hidden")
    hidden = replace(hidden, children=tuple(replace(one, id=one.id.replace("/x/", "/x2/")) for one in hidden.children))
    asked = parsed("*@blobServices/default:properties.isVersioningEnabled=true")
    collected = snapshot.spool([known, hidden, vault()], ("t",))
    records = list(with_changes(collected, [asked], {known.type.casefold(), vault().type.casefold()}).records())
    (gap,) = [one for one in records if isinstance(one, Gap)]
    assert gap.subject == hidden.id
    assert "403" in gap.reason
    assert records.count(hidden) == 1
    assert known not in records

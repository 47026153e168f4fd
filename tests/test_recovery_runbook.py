"""The runbook: every command is one the Azure CLI knows, is whole in a shell, and is inert whatever a store is called."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.model import Origin, Recovery, StoreRecovery, Subject
from auditor.recovery.runbook import runbook
from tests.recovery_stores import (
    KNOWLEDGE,
    VAULTED,
    analysed,
    backup_vault,
    blobs,
    config,
    continuous,
    cosmos,
    periodic,
    share,
    storage,
    vault,
)

HOSTILE = (
    "$(touch PWNED)", "`touch PWNED`", "x;touch PWNED", "x && touch PWNED", "x|touch PWNED", "x\ntouch PWNED", "x\rtouch PWNED",
    '"; touch PWNED; "', "'; touch PWNED; '", "x > PWNED", "$HOME", "${IFS}", "~", "*", "?", "[a]", "{a,b}", "!x", "!!", "\\", "x\\",
    "#x", "-rf", "--yes", "a --yes", "(touch PWNED)", "<(touch PWNED)", "x&", "\u202ex", "\x1b[31m", "\x00", "", "{name}", "{group}", "'", '"',
    "a b", "ünïcode-Gruppe", "gruppe(1)", "über.group_1", "-", "x" * 5_000,
)  # fmt: skip


def rows_of(
    row: Recovery, name: str = "store", group: str = "group", region: str | None = "East US 2"
) -> StoreRecovery:
    place = f"/subscriptions/s/resourceGroups/{group}/providers/N/t/{name}"
    return StoreRecovery(Subject(place, "N/t", name, region, Origin("f")), (row,))


def every_row() -> Iterator[tuple[str, Recovery]]:
    """A row for every scenario of every mechanism that has steps."""
    for known in KNOWLEDGE:
        for mechanism in known.mechanisms:
            for scenario in mechanism.restore:
                figures = analysed(vault())["zone-outage"]
                made = figures._replace(scenario=scenario, mechanism=mechanism.id, title=mechanism.title)
                yield f"{mechanism.id}-{scenario}", made


ROWS = dict(every_row())


def commands(row: Recovery, **named: str | None) -> tuple[str, ...]:
    (chapter,) = runbook([rows_of(row, **named)], KNOWLEDGE)  # type: ignore[arg-type]
    return chapter.steps[0].commands


# ── in a shell ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def az(tmp_path: Path) -> Path:
    """A folder with an `az` that writes down what it is given, an argument a line."""
    tool = tmp_path / "bin" / "az"
    tool.parent.mkdir()
    tool.write_text(
        '#!/bin/sh\nfor one in "$@"; do printf "%s\\n" "$one" >> "$OUT"; done\nprintf -- "--\\n" >> "$OUT"\n'
    )
    tool.chmod(0o755)
    return tmp_path


def ran(az: Path, lines: tuple[str, ...]) -> list[list[str]]:
    """The arguments of each call of `az`, after the lines were pasted into a shell."""
    out = az / "out"
    out.unlink(missing_ok=True)
    environment = {"PATH": f"{az / 'bin'}{os.pathsep}/usr/bin:/bin", "OUT": str(out), "HOME": str(az)}
    done = subprocess.run(
        ["bash", "-u"],
        input="\n".join(lines) + "\n",
        text=True,
        capture_output=True,
        check=False,
        cwd=az,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, ""), lines
    calls = out.read_text("utf-8").split("--\n") if out.exists() else []
    return [call.splitlines() for call in calls if call]


def different(place: str, text: str = "x") -> tuple[str, ...]:
    """Each line in which a place is filled in, once, with a text there."""
    found = dict.fromkeys(
        (mark, line)
        for row in ROWS.values()
        for mark, line in zip(commands(row, **{place: "MARK"}), commands(row, **{place: text}), strict=True)
        if "MARK" in mark
    )
    return tuple(line for _, line in found)


@pytest.mark.parametrize("place", ["name", "group", "region"])
def test_no_name_makes_a_shell_do_anything_else(az: Path, place: str) -> None:
    """Every line of every mechanism at once: a shell takes long to start."""
    wanted = ran(az, different(place))
    assert wanted
    for text in HOSTILE:
        made = different(place, text)
        assert not any("\n" in line or "\r" in line or "\x1b" in line for line in made)
        calls = ran(az, made)
        # The same calls with the same number of arguments: no name became an option, a word more, or a command.
        assert [len(call) for call in calls] == [len(call) for call in wanted], text
        assert [option for call in calls for option in call if option.startswith("-")] == [
            option for call in wanted for option in call if option.startswith("-")
        ], text
        assert {path.name for path in az.iterdir()} == {"bin", "out"}, text


@pytest.mark.parametrize(("group", "argument"), [("gruppe(1)", "gruppe(1)"), ("ünïcode-Gruppe", "ünïcode-Gruppe")])
def test_names_that_azure_allows_arrive_as_they_are(az: Path, group: str, argument: str) -> None:
    (*_, call) = ran(az, commands(ROWS["cosmosdb-continuous-backup-item-loss"], group=group))
    assert call[call.index("--resource-group") + 1] == argument
    assert call[call.index("--location") + 1] == "East US 2"
    assert call[call.index("--target-database-account-name") + 1] == "store-restored"


def test_what_is_not_known_is_left_open() -> None:
    lines = commands(ROWS["cosmosdb-continuous-backup-item-loss"], region=None, name="{prefix}-x")
    assert '--location "REGION"' in lines[1]
    assert "--account-name NAME " in lines[1]


# ── the commands themselves ──────────────────────────────────────────────────────────────────────────────────────────

# Each command with the options it is used with here, as azure-cli 2.91.0 has them (its _params.py and aaz folders;
# dataprotection and support are extensions: learn.microsoft.com/cli/azure/dataprotection, …/support), 2026-11-26.
CLI = {
    "cosmosdb show": "--name --resource-group --query",
    "cosmosdb update": "--name --resource-group --backup-retention",
    "cosmosdb restore": "--account-name --target-database-account-name --resource-group --location --restore-timestamp"
    " --disable-ttl --public-network-access",
    "cosmosdb restorable-database-account list": "--account-name --location",
    "cosmosdb sql restorable-container list": "--instance-id --database-rid --location",
    "cosmosdb sql container restore": "--account-name --resource-group --database-name --name --restore-timestamp",
    "cosmosdb offline-region": "--name --resource-group --region",
    "support in-subscription tickets create": "",
    "storage blob list": "--account-name --container-name --include --prefix --auth-mode",
    "storage blob copy start": "--account-name --destination-container --destination-blob --source-uri --auth-mode",
    "storage blob undelete": "--account-name --container-name --name --auth-mode",
    "storage blob restore": "--account-name --resource-group --time-to-restore --blob-range",
    "storage container list": "--account-name --include-deleted --auth-mode",
    "storage container restore": "--account-name --name --deleted-version --auth-mode",
    "storage share-rm list": "--storage-account --resource-group --include-deleted",
    "storage share-rm restore": "--storage-account --resource-group --name --deleted-version",
    "storage account show": "--name --resource-group --expand --query",
    "storage account failover": "--name --resource-group --failover-type",
    "storage account update": "--name --resource-group --sku",
    "backup recoverypoint list": "--vault-name --resource-group --container-name --item-name --backup-management-type"
    " --workload-type",
    "backup restore restore-azurefiles": "--vault-name --resource-group --rp-name --container-name --item-name"
    " --restore-mode --resolve-conflict --source-file-type --source-file-path",
    "dataprotection backup-instance list": "--vault-name --resource-group",
    "dataprotection recovery-point list": "--vault-name --resource-group --backup-instance-name",
    "dataprotection backup-instance restore trigger": "--vault-name --resource-group --backup-instance-name"
    " --restore-request-object",
    "keyvault list-deleted": "--resource-type",
    "keyvault recover": "--name --location",
    "keyvault secret list-deleted": "--vault-name",
    "keyvault secret list-versions": "--vault-name --name",
    "keyvault secret recover": "--vault-name --name",
    "keyvault secret show": "--vault-name --name --version --query --output",
    "keyvault secret set": "--vault-name --name --value",
    "keyvault key recover": "--vault-name --name",
    "keyvault certificate recover": "--vault-name --name",
    "appconfig list-deleted": "",
    "appconfig recover": "--name --location",
    "appconfig kv restore": "--name --datetime",
    "appconfig revision list": "--name --key",
    "appconfig replica list": "--store-name --resource-group",
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_every_command_is_one_of_the_azure_cli_with_its_options(name: str) -> None:
    for line in commands(ROWS[name]):
        text = re.sub(r"^VALUE=\$\((.*)\)$", r"\1", line)
        words = shlex.split(text, comments=True)
        if not words:
            continue
        assert words[0] == "az", line
        end = next((n for n, word in enumerate(words) if word.startswith("--")), len(words))
        command = " ".join(words[1:end])
        assert command in CLI, line
        assert {word for word in words if word.startswith("--")} <= set(CLI[command].split()), line


def test_every_command_that_is_listed_is_used() -> None:
    used = " ".join(line for row in ROWS.values() for line in commands(row))
    assert [command for command in CLI if f"az {command}" not in used] == []


# ── what a chapter says ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chapter_has_a_step_for_every_scenario_and_says_where_there_is_none() -> None:
    made = (cosmos(**continuous()), cosmos(**periodic()), storage(blob=blobs(30, 30, True)), vault(), config())
    stores = [
        StoreRecovery(Subject(one.id, one.type, one.name, one.region, one.origin), tuple(analysed(one).values()))
        for one in made
    ]
    for chapter, store in zip(runbook(stores, KNOWLEDGE), stores, strict=True):
        assert [step.scenario for step in chapter.steps] == [row.scenario for row in store.scenarios]
        for step, row in zip(chapter.steps, store.scenarios, strict=True):
            if row.recoverable == "no":
                assert (step.commands, bool(step.reason)) == ((), True)
            elif row.actor in ("self-service", "support"):
                assert step.commands or row.mechanism == "storage-immutability", (store.subject.type, step.scenario)


def test_a_store_whose_key_is_lost_has_no_steps_to_follow() -> None:
    lost = analysed(cosmos(**continuous()))["malicious-purge"]._replace(recoverable="no", mechanism="", title="")
    assert commands(lost) == ()


def test_shares_and_vaulted_backups_name_what_is_to_be_filled_in() -> None:
    vaulted = analysed(storage(), (VAULTED, backup_vault("Locked", "On")))["store-loss"]
    assert any("VAULT" in line and "INSTANCE" in line for line in commands(vaulted))
    shares = analysed(storage(kind="FileStorage"), (share(),))["item-loss"]
    assert any("StorageContainer;Storage;group;store" in line for line in commands(shares))

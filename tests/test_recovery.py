"""The recovery analysis: what mechanisms give, what is not known, and what a file of them may say."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.engine import subject_of
from auditor.errors import PolicyError
from auditor.model import Origin, Recovery, Resource, Unknown
from auditor.recovery import SCENARIOS, Recoveries, RecoveryTerms, load_knowledge
from auditor.recovery.analysis import standing
from tests import recovery_stores as stores
from tests.recovery_stores import KNOWLEDGE, NOW, VOCABULARY, continuous, cosmos, judge, storage

DAY = 86_400


def vault(region: str | None = "westeurope", **properties: Any) -> dict[str, Recovery]:
    """The rows of a vault."""
    return stores.analysed(replace(stores.vault(**properties), region=region))


def test_every_store_has_a_row_for_every_scenario() -> None:
    assert list(vault()) == list(SCENARIOS)


def test_a_vault_with_its_defaults_comes_back_unless_somebody_purges_it() -> None:
    rows = vault()
    assert (rows["store-loss"].recoverable, rows["store-loss"].lookback.seconds) == ("yes", 90 * DAY)
    assert rows["store-loss"].lookback.reason == "the API's default"
    assert (rows["malicious-purge"].recoverable, rows["malicious-purge"].mechanism) == ("no", "")
    assert [change.settings for change in rows["malicious-purge"].changes] == [
        {"properties.enablePurgeProtection": True}
    ]


def test_what_cannot_be_read_protects_nothing() -> None:
    rows = vault(enablePurgeProtection=Unknown("the parameter has no value"), softDeleteRetentionInDays=7)
    purge = rows["malicious-purge"]
    assert (purge.recoverable, purge.rpo.seconds, purge.rpo.known) == ("unknown", None, False)
    assert "the parameter has no value" in purge.reason
    assert rows["store-loss"].lookback.seconds == 7 * DAY


def test_a_look_back_that_is_not_known_is_not_guessed() -> None:
    row = vault(softDeleteRetentionInDays=Unknown("known after apply"))["store-loss"]
    assert row.recoverable == "yes"
    assert row.lookback == (None, "known after apply", False)


def test_a_region_without_a_copy_loses_the_vault() -> None:
    assert vault("polandcentral")["region-outage"].recoverable == "no"
    assert vault()["region-outage"].recoverable == "best-effort"
    assert vault(None)["region-outage"].recoverable == "unknown"


FILE = """
service: s
applies_to: [Microsoft.KeyVault/vaults]
sources: {{A: {{title: t, url: "https://example.com"}}}}
without: {{{without}}}
mechanisms:
  - id: m
    title: M
    when: {{field: name, exists: true}}
    gives:
      {scenario}: {{rpo: {rpo}, rto: PT0S, lookback: P1D, actor: nobody, sources: [{source}]}}
"""
GOOD = {"without": ", ".join(f"{name}: x" for name in SCENARIOS), "scenario": "item-loss", "rpo": "PT0S", "source": "A"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scenario": "item-los"}, "did you mean 'item-loss'"),
        ({"rpo": "soon"}, "not an ISO 8601 duration"),
        ({"source": "B"}, "source 'B'"),
        ({"rpo": "{field: x}"}, "unit"),
        ({"without": "item-loss: x"}, "says nothing of container-loss"),
    ],
)
def test_a_bad_file_says_where(tmp_path: Path, change: dict[str, str], said: str) -> None:
    (tmp_path / "s.yaml").write_text(FILE.format(**GOOD))
    assert load_knowledge(tmp_path, VOCABULARY)[0].mechanisms[0].id == "m"
    (tmp_path / "s.yaml").write_text(FILE.format(**(GOOD | change)))
    with pytest.raises(PolicyError) as error:
        load_knowledge(tmp_path, VOCABULARY)
    assert said in str(error.value)
    assert f"{tmp_path / 's.yaml'}:" in str(error.value)


# ── what the knowledge says ──────────────────────────────────────────────────────────────────────────────────────────


def _sentences() -> list[tuple[str, str]]:
    found = [(known.service, one.text) for known in KNOWLEDGE for one in (*known.remarks, *known.without.values())]
    for mechanism in (mechanism for known in KNOWLEDGE for mechanism in known.mechanisms):
        notes = {note for gifts in mechanism.gives.values() for gift in gifts for note in gift.notes}
        caveats = {enabling.caveat for enabling in mechanism.enabling if enabling.caveat}
        found += [(mechanism.id, text) for text in (*notes, *caveats, *mechanism.defeated_by)]
    return found


def test_what_is_said_is_whole_sentences() -> None:
    """A comma in a list of YAML that nobody quoted cuts a sentence in two."""
    cut = [(where, text) for where, text in _sentences() if not re.match(r"[A-Z]|allowPermanentDelete", text)]
    open_ended = [(where, text) for where, text in _sentences() if not text.endswith(("true.", "."))]
    assert (cut, open_ended) == ([], [])
    for mechanism in (mechanism for known in KNOWLEDGE for mechanism in known.mechanisms):
        items = (*mechanism.not_restored, *mechanism.prerequisites, *mechanism.by_hand)
        assert all(re.match("[A-Z]", item) for item in items), mechanism.id


def test_every_figure_and_every_loss_has_a_source_with_an_address() -> None:
    for known in KNOWLEDGE:
        for source in known.sources.values():
            assert source.url.startswith("https://learn.microsoft.com/"), source
            assert re.fullmatch(r"(\d{4}(-\d\d-\d\d)?)?", source.date), source
        for remark in known.remarks:
            assert remark.sources, remark
        for mechanism in known.mechanisms:
            for gift in (gift for gifts in mechanism.gives.values() for gift in gifts):
                assert gift.sources, mechanism.id
        used = {
            tag
            for found in (
                *(gift.sources for m in known.mechanisms for gifts in m.gives.values() for gift in gifts),
                *(remark.sources for remark in known.remarks),
                *(without.sources for without in known.without.values()),
            )
            for tag in found
        }
        assert used == set(known.sources), known.service


def test_what_somebody_has_to_do_can_be_done() -> None:
    """Whatever a person restores has steps; whatever happens by itself needs none."""
    for mechanism in (mechanism for known in KNOWLEDGE for mechanism in known.mechanisms):
        for scenario, gifts in mechanism.gives.items():
            acted = any(gift.actor in ("self-service", "support") for gift in gifts)
            assert not acted or mechanism.preview or mechanism.restore.get(scenario) or mechanism.id in PREVENTS, (
                mechanism.id,
                scenario,
            )


PREVENTS = {"storage-immutability"}
"""What keeps data from being lost has nothing to restore."""


# ── a customer's key ─────────────────────────────────────────────────────────────────────────────────────────────────


def estate_rows(*stores: Resource) -> dict[str, Recovery]:
    """The rows of the first of several stores, by scenario, in an estate of all of them."""
    recoveries = Recoveries(RecoveryTerms(KNOWLEDGE), judge(), NOW)
    for made in stores:
        recoveries.add(made, subject_of(made))
    return {row.scenario: row for row in recoveries.rows()[0].scenarios}


def keyed(uri: Any = "https://x.vault.azure.net/keys/k/1", **more: Any) -> Resource:
    return cosmos(keyVaultKeyUri=uri, **continuous(), **more)


def key_vault(region: str = "westeurope", **properties: Any) -> Resource:
    return stores.vault(region=region, **properties)


def encrypted(**encryption: Any) -> Resource:
    locked = {"state": "Locked", "immutabilityPeriodSinceCreationInDays": 90}
    return storage(
        "Standard_GRS",
        immutableStorageWithVersioning={"enabled": True, "immutabilityPolicy": locked},
        encryption=encryption,
    )


ATTACKS = ("malicious-purge", "protection-attack")


@pytest.mark.parametrize("scenario", ATTACKS)
def test_who_can_purge_the_key_can_destroy_what_it_encrypts(scenario: str) -> None:
    assert estate_rows(keyed(uri=None))[scenario].recoverable == "yes"
    assert estate_rows(keyed(), key_vault(enablePurgeProtection=True))[scenario].recoverable == "yes"
    row = estate_rows(keyed(), key_vault())[scenario]
    assert (row.recoverable, row.mechanism, row.rpo.seconds) == ("no", "", None)
    assert "encrypted with a key in vault x" in row.reason
    unknown = key_vault(enablePurgeProtection=Unknown("the parameter has no value"))
    row = estate_rows(keyed(), unknown)[scenario]
    assert (row.recoverable, "the parameter has no value" in row.reason) == ("unknown", True)


@pytest.mark.parametrize("scenario", ATTACKS)
@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("https://elsewhere.vault.azure.net/keys/k", "vault elsewhere, which was not read"),
        ("https://pool.managedhsm.azure.net/keys/k", "vault pool, which was not read"),
        (Unknown("known after apply"), "known after apply"),
        ("no address", "cannot be read"),
        ("https://[", "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_looked_at_leaves_it_open(scenario: str, uri: Any, said: str) -> None:
    row = estate_rows(keyed(uri), key_vault(enablePurgeProtection=True))[scenario]
    assert (row.recoverable, row.rpo.known) == ("unknown", False)
    assert said in row.reason


def test_a_key_is_of_no_matter_where_its_store_is_not_attacked() -> None:
    rows = estate_rows(keyed(), key_vault())
    assert {rows[name].recoverable for name in ("item-loss", "container-loss", "store-loss", "late-corruption")} == {
        "yes"
    }


@pytest.mark.parametrize(
    ("region", "ending"),
    [
        ("westeurope", "best-effort"),  # the vault's own copy in the pair is Microsoft's to switch to
        ("West Europe", "best-effort"),
        ("polandcentral", "yes"),  # another region than the one that is down
        ("eastus2", "yes"),
    ],
)
def test_a_region_takes_the_key_with_the_store_where_both_are_in_it(region: str, ending: str) -> None:
    made = keyed(regions=2)
    row = estate_rows(made, key_vault(region=region))["region-outage"]
    assert row.recoverable == ending
    if ending != "yes":
        assert any("encrypted with a key in vault x" in note for note in row.notes)
        assert row.rto.seconds is None


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_vaults_of_one_name_the_worse_counts(order: int) -> None:
    vaults = [key_vault(enablePurgeProtection=True), key_vault()][::order]
    assert estate_rows(keyed(), *vaults)["malicious-purge"].recoverable == "no"


def test_a_region_without_a_copy_of_its_vaults_loses_what_their_keys_encrypt() -> None:
    made = storage("Standard_GRS", region="westus3", encryption={
        "keySource": "Microsoft.Keyvault", "keyVaultProperties": {"keyVaultUri": "https://x.vault.azure.net"}})  # fmt: skip
    assert estate_rows(made, key_vault(region="westus3"))["region-outage"].recoverable == "no"
    assert estate_rows(made, key_vault(region="eastus2"))["region-outage"].recoverable == "yes"


@pytest.mark.parametrize(
    ("encryption", "ending"),
    [
        ({}, "yes"),
        ({"keySource": "Microsoft.Storage"}, "yes"),
        ({"keySource": "Microsoft.Keyvault", "keyVaultProperties": {"keyVaultUri": "https://x.vault.azure.net"}}, "no"),
        (
            {"keySource": "microsoft.keyvault", "keyVaultProperties": {"keyVaultUri": "https://X.vault.azure.net/"}},
            "no",
        ),
        ({"keySource": "Microsoft.Keyvault"}, "unknown"),
        ({"keySource": Unknown("the variable has no value")}, "unknown"),
        ({"keySource": "Microsoft.Keyvault", "keyVaultProperties": Unknown("known after apply")}, "unknown"),
    ],
)
def test_an_account_says_whose_key_it_has(encryption: dict[str, Any], ending: str) -> None:
    for scenario in ATTACKS:
        assert estate_rows(encrypted(**encryption), key_vault())[scenario].recoverable == ending


def test_nothing_known_of_the_key_is_never_better_than_something() -> None:
    for known in ({}, {"enablePurgeProtection": True}, {"enableSoftDelete": False}):
        full = estate_rows(keyed(), key_vault(**known))
        for less in (
            (keyed(Unknown("?")), key_vault(**known)),
            (keyed(),),
            (keyed(), key_vault(**dict.fromkeys(known, Unknown("?")))),
            (keyed(), replace(key_vault(**known), body=Unknown("403"), region=None)),
        ):
            for scenario, row in estate_rows(*less).items():
                better = standing(row) < standing(full[scenario])
                assert row.recoverable == "unknown" or not better, (scenario, row, full[scenario])


# ── locks and best effort ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "made", [cosmos(**continuous()), storage(), stores.vault(), stores.config()], ids=lambda s: s.type
)
def test_a_lock_protects_no_data_and_changes_no_verdict(made: Resource) -> None:
    lock = Resource(
        f"{made.id}/providers/Microsoft.Authorization/locks/l", "Microsoft.Authorization/locks", "l", None,
        {"properties": {"level": "CanNotDelete"}}, Origin("f"),
    )  # fmt: skip
    without, locked = stores.analysed(made), stores.analysed(made, (lock,))
    assert [standing(row) for row in locked.values()] == [standing(row) for row in without.values()]
    assert any("A lock stands above" in note for note in locked["store-loss"].notes)
    assert any("does not stop a subscription" in note for note in locked["subscription-loss"].notes)
    assert not any("A lock" in note for row in without.values() for note in row.notes)


def test_what_was_not_listed_is_not_said_to_be_locked() -> None:
    rows = stores.analysed(storage(), missing=Unknown("not read", unseen=True))
    assert not any("A lock stands" in note for row in rows.values() for note in row.notes)


def test_an_account_says_what_is_in_it_that_nothing_protects() -> None:
    rows = stores.analysed(storage(blob=stores.blobs(30, 30, True), files=stores.NO_SHARES))
    notes = rows["item-loss"].notes
    assert any("Tables and queues have no soft delete" in note for note in notes)
    assert any("Files in shares" in note for note in notes)
    assert any("A deleted file share may not come back" in note for note in rows["container-loss"].notes)
    files = {"properties": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 7}}}
    rows = stores.analysed(storage(blob=stores.blobs(30, 30, True), files=files))
    assert any("A deleted file share comes back too" in note for note in rows["container-loss"].notes)
    assert not any(
        "Tables" in note for row in stores.analysed(storage(kind="FileStorage")).values() for note in row.notes
    )


def test_deep_settings_are_remarked_on() -> None:
    assert any(
        "cannot be listed" in note for note in stores.analysed(storage(isHnsEnabled=True))["container-loss"].notes
    )
    rule = {"enabled": True, "definition": {"actions": {"snapshot": {"delete": {"daysAfterCreationGreaterThan": 9}}, "baseBlob": {"delete": {"daysAfterModificationGreaterThan": 1}}}}}  # fmt: skip
    policy = {"properties": {"policy": {"rules": [rule]}}}
    notes = stores.analysed(storage(policy=policy))["item-loss"].notes
    assert any("deletes snapshots" in note for note in notes)
    assert any("deletes blobs" in note for note in notes)
    off = {"properties": {"policy": {"rules": [rule | {"enabled": False}]}}}
    assert not any("lifecycle" in note for note in stores.analysed(storage(policy=off))["item-loss"].notes)
    purging = stores.blobs(7)
    purging["properties"]["deleteRetentionPolicy"]["allowPermanentDelete"] = True
    assert any(
        "allowPermanentDelete" in note for note in stores.analysed(storage(blob=purging))["malicious-purge"].notes
    )


def test_a_copy_of_the_backup_vault_in_another_region_is_remarked_on() -> None:
    for redundancy, said in (("GeoRedundant", True), ("LocallyRedundant", False)):
        beside = (stores.VAULTED, stores.backup_vault("Disabled", "On", redundancy))
        row = stores.analysed(storage(), beside)["region-outage"]
        assert row.recoverable == "no"
        assert any("cross-region restore" in note for note in row.notes) is said

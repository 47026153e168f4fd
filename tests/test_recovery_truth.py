"""The recovery truth table: settings → scenario → documented figures, each row with the source its figures come from.

Sources are the ids of rules/recovery/<service>.yaml (title, address and date stand there). `None` is "no documented
figure", `ANY` a row whose figure another row tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from auditor.model import Resource
from auditor.recovery import SCENARIOS
from auditor.renderers.recovery.rows import duration
from tests.recovery_stores import (
    KNOWLEDGE,
    NO_SHARES,
    OPERATIONAL,
    TYPES,
    VAULTED,
    VAULTED_POLICY,
    analysed,
    analysis,
    backup_vault,
    blobs,
    capped,
    config,
    continuous,
    cosmos,
    instance,
    periodic,
    restorable,
    share,
    storage,
    vault,
)

ANY = "any"


class Row(NamedTuple):
    """What a store's settings must give in a scenario."""

    store: Resource
    scenario: str
    recoverable: str
    rpo: str | None
    rto: str | None
    lookback: str | None
    source: str
    beside: tuple[Resource, ...] = ()


# ── Cosmos DB: backups ───────────────────────────────────────────────────────────────────────────────────────────────

WINDOW = ("item-loss", "container-loss", "store-loss", "late-corruption", "malicious-purge")
BACKUPS = (
    *(Row(cosmos(**continuous()), scenario, "yes", "PT100S", None, "P30D", "CDB-CONT") for scenario in WINDOW[:4]),
    Row(cosmos(**continuous()), "malicious-purge", "yes", "PT100S", None, "P30D", "CDB-ONL"),
    *(Row(cosmos(**continuous("Continuous7Days")), s, "yes", "PT100S", None, "P7D", "CDB-CONT") for s in WINDOW[:4]),
    Row(cosmos(**continuous(None)), "item-loss", "yes", "PT100S", None, "P30D", "CDB-CONT"),
    Row(cosmos(**continuous()), "protection-attack", "yes", "PT100S", None, "P7D", "CDB-MIG"),
    Row(cosmos(**continuous("Continuous7Days")), "protection-attack", "yes", "PT100S", None, "P7D", "CDB-MIG"),
    Row(cosmos(**continuous()), "subscription-loss", "no", None, None, None, ""),
    Row(cosmos(), "item-loss", "yes", "PT4H", None, "PT8H", "CDB-PER"),
    Row(cosmos(**periodic(60, 720)), "item-loss", "yes", "PT1H", None, "P30D", "CDB-PER"),
    Row(cosmos(**periodic(1440, 48)), "late-corruption", "yes", "P1D", None, "P2D", "CDB-PMOD"),
    Row(cosmos(**periodic(1440, 48)), "container-loss", "yes", "P1D", None, "P30D", "CDB-PER"),
    Row(cosmos(**periodic()), "store-loss", "best-effort", "PT4H", None, None, "CDB-PREQ"),
    Row(cosmos(**periodic()), "malicious-purge", "best-effort", "PT4H", None, None, "CDB-PREQ"),
    Row(cosmos(**periodic()), "protection-attack", "best-effort", None, None, None, "CDB-PRED"),
    Row(cosmos(**periodic()), "subscription-loss", "no", None, None, None, ""),
)

# The look-back of what was switched on yesterday is a day, whatever the tier says (CDB-RM).
EVIDENCE = (
    Row(
        cosmos(**continuous(), deployed=True),
        "item-loss",
        "yes",
        "PT100S",
        None,
        "P1D",
        "CDB-RM",
        (restorable("2026-11-25T12:00:00Z"),),
    ),
    Row(
        cosmos(**continuous("Continuous7Days"), deployed=True),
        "store-loss",
        "yes",
        "PT100S",
        None,
        "P7D",
        "CDB-RM",
        (restorable("2026-10-01T00:00:00Z"),),
    ),
)

# ── Cosmos DB: outages. Every consistency level × number of regions × write mode (CDB-CONS) ──────────────────────────

REGION_RPO = {
    "Strong": {"single": "PT0S", "multiple": "not available"},
    "BoundedStaleness": {"single": "PT5M", "multiple": "PT5M"},
    "Session": {"single": "PT15M", "multiple": "PT15M"},
    "ConsistentPrefix": {"single": "PT15M", "multiple": "PT15M"},
    "Eventual": {"single": "PT15M", "multiple": "PT15M"},
}


def outages() -> Iterator[Row]:
    for level, by_mode in REGION_RPO.items():
        policy = {"consistencyPolicy": {"defaultConsistencyLevel": level, "maxIntervalInSeconds": 300}}
        for write, rpo in by_mode.items():
            for failover in (False, True):
                modes = {"enableMultipleWriteLocations": write == "multiple", "enableAutomaticFailover": failover}
                for regions in (1, 2, 3):
                    made = cosmos(regions=regions, **policy, **modes, **continuous())
                    if regions == 1 or rpo == "not available":
                        yield Row(made, "region-outage", "no", None, None, None, "")
                    else:
                        yield Row(made, "region-outage", "yes", rpo, None, "PT0S", "CDB-CONS")
                # The only region is lost for good: what a geo-redundant periodic backup holds comes back.
                geo = cosmos(**policy, **modes, **periodic(240, 8, "Geo"))
                yield Row(geo, "region-outage", "yes", "PT4H", None, "PT8H", "CDB-CONS")


OUTAGES = (
    *outages(),
    Row(cosmos(**periodic(240, 8, "Zone")), "region-outage", "no", None, None, None, ""),
    Row(cosmos(**periodic(240, 8, "Local")), "region-outage", "no", None, None, None, ""),
    Row(cosmos(zones=True, **continuous()), "zone-outage", "yes", "PT0S", None, "PT0S", "CDB-REL"),
    Row(cosmos(zones=False, **continuous()), "zone-outage", "no", None, None, None, ""),
    Row(cosmos(regions=2, zones=False, **continuous()), "zone-outage", "yes", "PT15M", None, "PT0S", "CDB-CONS"),
    Row(cosmos(regions=2, zones=True, **continuous()), "zone-outage", "yes", "PT0S", None, "PT0S", "CDB-REL"),
)

# ── Storage: every SKU ───────────────────────────────────────────────────────────────────────────────────────────────

SKUS = {  # what survives a zone, and a region (ST-RED)
    "Standard_LRS": (False, False),
    "Standard_ZRS": (True, False),
    "Standard_GRS": (False, True),
    "Standard_RAGRS": (False, True),
    "Standard_GZRS": (True, True),
    "Standard_RAGZRS": (True, True),
    "StandardV2_LRS": (False, False),
    "StandardV2_ZRS": (True, False),
    "StandardV2_GRS": (False, True),
    "StandardV2_GZRS": (True, True),
    "Premium_LRS": (False, False),
    "Premium_ZRS": (True, False),
    "PremiumV2_LRS": (False, False),
    "PremiumV2_ZRS": (True, False),
}


def redundancy() -> Iterator[Row]:
    for sku, (zone, region) in SKUS.items():
        kind = "FileStorage" if sku.startswith(("Premium", "StandardV2")) else "StorageV2"
        yes = ("yes", "PT0S", None, "PT0S", "ST-REL") if zone else ("no", None, None, None, "")
        yield Row(storage(sku, kind), "zone-outage", *yes)
        yes = ("yes", "PT15M", "PT1H", "PT0S", "ST-DR") if region else ("no", None, None, None, "")
        yield Row(storage(sku, kind), "region-outage", *yes)


DATA = (
    *redundancy(),
    Row(storage("Standard_GRS", isNfsV3Enabled=True), "region-outage", "best-effort", None, None, "PT0S", "ST-DR"),
    Row(storage(), "item-loss", "no", None, None, None, ""),
    Row(storage(), "container-loss", "no", None, None, None, ""),
    Row(storage(), "store-loss", "best-effort", None, None, "P14D", "ST-REC"),
    Row(storage(), "late-corruption", "no", None, None, None, ""),
    Row(storage(), "malicious-purge", "no", None, None, None, ""),
    Row(storage(), "protection-attack", "no", None, None, None, ""),
    Row(storage(), "subscription-loss", "no", None, None, None, ""),
    Row(storage(blob=blobs(soft=1)), "item-loss", "yes", "PT0S", None, "P1D", "ST-SDB"),
    Row(storage(blob=blobs(soft=30)), "item-loss", "yes", "PT0S", None, "P30D", "ST-SDB"),
    Row(storage(blob=blobs(soft=365)), "late-corruption", "yes", "PT0S", None, "P365D", "ST-SDB"),
    Row(storage(blob=blobs(soft=30), isHnsEnabled=True), "item-loss", "best-effort", "PT0S", None, "P30D", "ST-SDB"),
    Row(storage(blob=blobs(soft=30), isHnsEnabled=True), "late-corruption", "no", None, None, None, ""),
    Row(storage(blob=blobs(soft=30)), "container-loss", "no", None, None, None, ""),
    Row(storage(blob=blobs(soft=30)), "malicious-purge", "no", None, None, None, ""),
    Row(storage(blob=blobs(soft=30)), "protection-attack", "no", None, None, None, ""),
    Row(storage(blob=blobs(soft=30, container=30)), "container-loss", "yes", "PT0S", None, "P30D", "ST-SDC"),
    Row(storage(blob=blobs(soft=7, container=30)), "container-loss", "yes", "PT0S", None, "P7D", "ST-SDC"),
    Row(storage(blob=blobs(soft=30, container=7)), "container-loss", "yes", "PT0S", None, "P7D", "ST-SDC"),
    Row(storage(blob=blobs(container=14)), "container-loss", "yes", "PT0S", None, "P14D", "ST-SDC"),
    Row(storage(blob=blobs(30, 30)), "store-loss", "best-effort", None, None, "P14D", "ST-REC"),
    Row(storage(blob=blobs(versions=True)), "item-loss", "yes", "PT0S", None, None, "ST-DPO"),
    Row(storage(blob=blobs(versions=True)), "late-corruption", "yes", "PT0S", None, None, "ST-DPO"),
    Row(storage(blob=blobs(versions=True)), "container-loss", "no", None, None, None, ""),
    Row(storage(blob=blobs(versions=True)), "malicious-purge", "no", None, None, None, ""),
    Row(storage(blob=blobs(versions=True), isHnsEnabled=True), "item-loss", "no", None, None, None, ""),
    Row(storage(blob=blobs(versions=True), isNfsV3Enabled=True), "item-loss", "no", None, None, None, ""),
    Row(storage(blob=blobs(versions=True), policy=capped(90)), "item-loss", "yes", "PT0S", None, "P90D", "ST-SDB"),
    Row(
        storage(blob=blobs(versions=True), policy=capped(90, enabled=False)),
        "item-loss",
        "yes",
        "PT0S",
        None,
        None,
        "ST-DPO",
    ),
    Row(storage(blob=blobs(30, versions=True), policy=capped(3)), "item-loss", "yes", "PT0S", None, "P30D", "ST-SDB"),
    Row(
        storage(blob=blobs(30, 0, True, 29, True), policy=capped(7)),
        "late-corruption",
        "yes",
        "PT0S",
        None,
        "P30D",
        "ST-SDB",
    ),
    Row(storage(blob=blobs(8, 0, True, 6, True), policy=capped(3)), "item-loss", "yes", "PT0S", None, "P8D", "ST-SDB"),
    Row(
        storage(
            kind="FileStorage", files={"properties": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 14}}}
        ),
        "container-loss",
        "yes",
        "PT0S",
        None,
        "P14D",
        "ST-FSD",
    ),
    Row(
        storage(kind="FileStorage", files={"properties": {"shareDeleteRetentionPolicy": {"enabled": True}}}),
        "container-loss",
        "yes",
        "PT0S",
        None,
        "P7D",
        "ST-FSD",
    ),
    Row(
        storage(kind="FileStorage", files={"properties": {"shareDeleteRetentionPolicy": {"enabled": False}}}),
        "container-loss",
        "no",
        None,
        None,
        None,
        "",
    ),
    Row(
        storage(
            kind="FileStorage", files={"properties": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 14}}}
        ),
        "item-loss",
        "no",
        None,
        None,
        None,
        "",
    ),
    *(
        Row(
            storage(
                blob=blobs(7, 7),
                immutableStorageWithVersioning={
                    "enabled": True,
                    "immutabilityPolicy": {"state": "Locked", "immutabilityPeriodSinceCreationInDays": 90},
                },
            ),
            scenario,
            "yes",
            "PT0S",
            None,
            "P90D",
            "ST-IMM",
        )
        for scenario in (
            "item-loss",
            "container-loss",
            "store-loss",
            "malicious-purge",
            "late-corruption",
            "protection-attack",
        )
    ),
    Row(
        storage(
            immutableStorageWithVersioning={
                "enabled": True,
                "immutabilityPolicy": {"state": "Unlocked", "immutabilityPeriodSinceCreationInDays": 90},
            }
        ),
        "malicious-purge",
        "no",
        None,
        None,
        None,
        "",
    ),
    *(
        Row(storage(), scenario, "yes", "P1D", None, None, "ST-BBO", (VAULTED,))
        for scenario in ("item-loss", "container-loss", "store-loss", "late-corruption")
    ),
    Row(storage(), "malicious-purge", "best-effort", "P1D", None, None, "ST-BBO", (VAULTED,)),
    Row(storage(), "protection-attack", "best-effort", "P1D", None, None, "ST-BBO", (VAULTED,)),
    *(
        Row(storage(), scenario, "best-effort", "P1D", None, None, "ST-BBO", (VAULTED, backup_vault(immutable, soft)))
        for scenario in ("malicious-purge", "protection-attack")
        for immutable, soft in (("Disabled", "On"), ("Unlocked", "On"), ("Disabled", "Off"))
    ),
    *(
        Row(storage(), scenario, "yes", "P1D", None, None, "ST-BBM", (VAULTED, backup_vault(immutable, soft)))
        for scenario in ("malicious-purge", "protection-attack")
        for immutable, soft in (("Locked", "On"), ("Disabled", "AlwaysOn"))
    ),
    # The vault that withstands an insider has to be the one that holds the copy.
    Row(
        storage(),
        "malicious-purge",
        "best-effort",
        "P1D",
        None,
        None,
        "ST-BBO",
        (VAULTED, backup_vault("Locked", "AlwaysOn", instances=(OPERATIONAL,))),
    ),
    Row(storage(), "region-outage", "no", None, None, None, "", (VAULTED, backup_vault("Locked", "On"))),
    # A copy of the vault in the paired region is remarked on, and counts for nothing by itself.
    Row(
        storage(), "region-outage", "no", None, None, None, "", (VAULTED, backup_vault("Locked", "On", "GeoRedundant"))
    ),
    Row(storage(), "item-loss", "yes", "PT0S", None, None, "ST-BBO", (OPERATIONAL,)),
    Row(storage(blob=blobs(0, 0, False, 90)), "late-corruption", "yes", "PT0S", None, "P90D", "ST-BBO", (OPERATIONAL,)),
    *(
        Row(storage(), scenario, ending, None, None, back, source, (OPERATIONAL,))
        for scenario, ending, back, source in (
            ("container-loss", "no", None, ""),
            ("store-loss", "best-effort", "P14D", "ST-REC"),
            ("malicious-purge", "no", None, ""),
        )
    ),
    *(
        Row(storage(deployed=True), "item-loss", "no", None, None, None, "", (stopped,))
        for stopped in (
            instance(VAULTED_POLICY | {"currentProtectionState": "ProtectionStopped"}),
            instance({"policyInfo": {"policyId": "p"}, "currentProtectionState": "SoftDeleted"}),
        )
    ),
    # Shares: the copies of the vault, as old as the last recovery point of the share that waits longest.
    Row(storage(kind="FileStorage"), "item-loss", "no", None, None, None, "", (OPERATIONAL,)),
    Row(storage(kind="FileStorage"), "item-loss", "yes", None, None, None, "ST-AFS", (share(),)),
    Row(storage(kind="FileStorage", files=NO_SHARES), "container-loss", "yes", None, None, None, "ST-AFS", (share(),)),
    Row(storage(kind="FileStorage"), "store-loss", "best-effort", None, None, "P14D", "ST-REC", (share(),)),
    Row(storage(), "item-loss", "no", None, None, None, "", (share(),)),
    *(
        Row(storage(kind="FileStorage", deployed=True), "item-loss", "yes", rpo, None, None, "ST-AFS", beside)
        for rpo, beside in (
            ("P1D", (share("a", "2026-11-25T12:00:00Z"),)),
            ("P3D", (share("a", "2026-11-25T12:00:00Z"), share("b", "2026-11-23T12:00:00Z"))),
            (None, (share("a", "2026-11-25T12:00:00Z"), share("b"))),
        )
    ),
    Row(
        storage(kind="FileStorage", deployed=True),
        "item-loss",
        "no",
        None,
        None,
        None,
        "",
        (share("a", "2026-11-25T12:00:00Z", protectionState="ProtectionStopped"),),
    ),
    # Geo-redundancy: what the service says of the other region stands before what is typical.
    *(
        Row(
            storage("Standard_GRS", deployed=True, geoReplicationStats={"status": status, "canFailover": can} | time),
            "region-outage",
            ending,
            rpo,
            "PT1H" if ending == "yes" else None,
            "PT0S",
            "ST-DR",
        )
        for status, can, time, ending, rpo in (
            ("Live", True, {"lastSyncTime": "2026-11-26T11:55:00Z"}, "yes", "PT15M"),
            ("Live", True, {"lastSyncTime": "2026-11-26T10:00:00Z"}, "yes", "PT2H"),
            ("Live", True, {}, "yes", None),
            ("Live", False, {"lastSyncTime": "2026-11-26T11:55:00Z"}, "best-effort", None),
            ("Bootstrap", True, {}, "best-effort", None),
            ("Unavailable", True, {"lastSyncTime": "2026-11-26T11:55:00Z"}, "best-effort", None),
        )
    ),
    Row(storage("Standard_GRS", deployed=True), "region-outage", "yes", None, "PT1H", "PT0S", "ST-DR"),
    *(
        Row(
            storage("Standard_GRS", blob=blobs(feed=feed), geoPriorityReplicationStatus={"isBlobEnabled": on}),
            "region-outage",
            "yes",
            "PT15M",
            "PT1H",
            "PT0S",
            source,
        )
        for on, feed, source in ((True, False, "ST-GPR"), (True, True, "ST-RED"), (False, False, "ST-RED"))
    ),
)

# ── Key Vault ────────────────────────────────────────────────────────────────────────────────────────────────────────

VAULTS = (
    Row(vault(), "item-loss", "yes", "PT0S", None, "P90D", "KV-SD"),
    Row(vault(), "container-loss", "yes", "PT0S", None, "P90D", "KV-SD"),
    Row(vault(softDeleteRetentionInDays=7), "container-loss", "yes", "PT0S", None, "P7D", "KV-SD"),
    Row(vault(softDeleteRetentionInDays=7), "store-loss", "yes", "PT0S", None, "P7D", "KV-REC"),
    Row(vault(), "store-loss", "yes", "PT0S", None, "P90D", "KV-SD"),
    Row(vault(), "malicious-purge", "no", None, None, None, ""),
    Row(vault(), "protection-attack", "no", None, None, None, ""),
    Row(vault(enablePurgeProtection=True), "malicious-purge", "yes", "PT0S", None, "P90D", "KV-SD"),
    Row(
        vault(enablePurgeProtection=True, softDeleteRetentionInDays=7),
        "protection-attack",
        "yes",
        "PT0S",
        None,
        "P7D",
        "KV-SD",
    ),
    Row(vault(enableSoftDelete=False), "item-loss", "best-effort", "PT0S", None, None, "KV-BK"),
    Row(vault(enableSoftDelete=False), "container-loss", "no", None, None, None, ""),
    Row(vault(enableSoftDelete=False), "store-loss", "no", None, None, None, ""),
    Row(vault(enableSoftDelete=False, enablePurgeProtection=True), "malicious-purge", "no", None, None, None, ""),
    Row(vault(), "late-corruption", "yes", "PT0S", None, None, "KV-BK"),
    Row(vault(), "zone-outage", "yes", "PT0S", None, "PT0S", "KV-REL"),
    Row(vault(region="westus"), "zone-outage", "no", None, None, None, ""),
    Row(vault(), "region-outage", "best-effort", None, None, "PT0S", "KV-REL"),
    *(
        Row(vault(region=name), "region-outage", "no", None, None, None, "")
        for name in ("brazilsouth", "brazilsoutheast", "westus3", "polandcentral")
    ),
    Row(vault(), "subscription-loss", "no", None, None, None, ""),
)

# ── App Configuration: every tier ────────────────────────────────────────────────────────────────────────────────────


def tiers() -> Iterator[Row]:
    for sku, days, kept in (
        ("Free", "P7D", False),
        ("Developer", "P7D", False),
        ("Standard", "P30D", True),
        ("Premium", "P30D", True),
    ):
        for scenario in ("item-loss", "container-loss", "late-corruption"):
            yield Row(config(sku), scenario, "yes", "PT0S", None, days, "AC-PIT")
        gone = ("no", None, None, None, "")
        yield Row(config(sku), "store-loss", *(("yes", "PT0S", None, "P7D", "AC-SD") if kept else gone))
        yield Row(config(sku), "malicious-purge", *gone)
        protected = config(sku, enablePurgeProtection=True)
        for scenario in ("malicious-purge", "protection-attack"):
            yield Row(protected, scenario, *(("yes", "PT0S", None, "P7D", "AC-SD") if kept else gone))
        yield Row(config(sku, 1), "region-outage", *(("yes", None, None, "PT0S", "AC-GEO") if kept else gone))
        yield Row(config(sku), "region-outage", *gone)
        yield Row(config(sku), "zone-outage", "yes", "PT0S", None, "PT0S", "AC-REL")


CONFIGS = (
    *tiers(),
    Row(config(softDeleteRetentionInDays=1), "store-loss", "yes", "PT0S", None, "P1D", "AC-REC"),
    Row(
        config(defaultKeyValueRevisionRetentionPeriodInSeconds=3600), "item-loss", "yes", "PT0S", None, "PT1H", "AC-PIT"
    ),
    Row(config(region="westus"), "zone-outage", "no", None, None, None, ""),
    Row(config("Standard", 2, enablePurgeProtection=True), "subscription-loss", "no", None, None, None, ""),
)

TABLE = (*BACKUPS, *EVIDENCE, *OUTAGES, *DATA, *VAULTS, *CONFIGS)


def test_a_point_in_time_restore_reaches_back_no_further_than_the_service_says() -> None:
    """It is among what helps; soft delete, which it needs, reaches back further (ST-PITR)."""
    seen = blobs(30, 0, True, 29, True, minRestoreTime="2026-11-24T12:00:00.1234567Z")
    made = storage(blob=seen, policy=capped(1), deployed=True)
    row = analysed(made)["item-loss"]
    assert ("storage-point-in-time-restore", "Point-in-time restore of block blobs") in row.others
    mechanism = next(m for known in KNOWLEDGE for m in known.mechanisms if m.id == "storage-point-in-time-restore")
    figure = analysis().figure(mechanism.gives["item-loss"][0].lookback, made)
    assert figure is not None
    assert figure.seconds == pytest.approx(2 * 86_400, abs=1)


def test_the_table_is_long_enough_and_holds_every_service_and_scenario() -> None:
    assert len(TABLE) >= 120
    assert {row.store.type for row in TABLE} == set(TYPES.values())
    assert {row.scenario for row in TABLE} == set(SCENARIOS)


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_settings_give_the_documented_figures(number: int) -> None:
    expected = TABLE[number]
    row = analysed(expected.store, expected.beside)[expected.scenario]
    figures = [duration(figure) for figure in (row.rpo, row.rto, row.lookback)]
    wanted = [expected.rpo, expected.rto, expected.lookback]
    shown = [figure if want != ANY else ANY for figure, want in zip(figures, wanted, strict=True)]
    assert (row.recoverable, shown) == (expected.recoverable, wanted), row
    sources = {source.id for source in row.sources}
    assert (expected.source in sources) if expected.source else not row.mechanism

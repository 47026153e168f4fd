"""Properties of the recovery analysis: strengthening a setting never makes a scenario end worse, the documented traps
aside, and nothing ends better for being less known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Recovery, Resource, Unknown
from auditor.recovery.analysis import standing
from tests.recovery_stores import (
    OPERATIONAL,
    VAULTED,
    analysed,
    backup_vault,
    blobs,
    capped,
    config,
    continuous,
    cosmos,
    endings,
    periodic,
    restorable,
    share,
    storage,
    vault,
)

Choice = Mapping[str, Any]


class Kind(NamedTuple):
    """Stores of one kind: `ladders` are settings with their values from the weakest to the strongest, `free` others."""

    ladders: Mapping[str, Sequence[Any]]
    free: Mapping[str, Sequence[Any]]
    build: Callable[[Choice], tuple[Resource, tuple[Resource, ...]]]


# ── stores ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cosmos(choice: Choice) -> tuple[Resource, tuple[Resource, ...]]:
    policy = periodic(choice["interval"], choice["hours"], choice["redundancy"])
    if choice["mode"] == "Continuous":
        policy = continuous(choice["tier"])
    made = cosmos(
        regions=choice["regions"],
        zones=choice["zones"],
        deployed=choice["deployed"],
        consistencyPolicy={"defaultConsistencyLevel": choice["level"], "maxIntervalInSeconds": choice["staleness"]},
        enableMultipleWriteLocations=choice["many"],
        enableAutomaticFailover=choice["failover"],
        **policy,
    )
    return made, (restorable(choice["oldest"]),)


_PERIODIC: Final = {"interval": (1440, 240, 60), "hours": (48, 168, 720)}
_OUTAGE: Final = {
    "regions": (1, 2, 3),
    "zones": (False, True),
    "failover": (False, True),
    "level": ("Eventual", "ConsistentPrefix", "Session", "BoundedStaleness"),
    "oldest": ("2026-11-25T12:00:00Z", "2026-11-20T00:00:00Z", "2026-10-01T00:00:00Z"),
}


def _storage(choice: Choice) -> tuple[Resource, tuple[Resource, ...]]:
    locked = choice["locked"]
    immutable = {"state": locked, "immutabilityPeriodSinceCreationInDays": choice["period"]} if locked else None
    blob = blobs(choice["soft"], choice["container"], choice["versions"], choice["restore"], choice["feed"])
    cap = choice["cap"]
    made = storage(
        choice["sku"],
        blob=blob,
        policy=capped(cap) if cap else None,
        deployed=choice["deployed"],
        isHnsEnabled=choice["hns"],
        isNfsV3Enabled=choice["nfs"],
        geoReplicationStats={"status": "Live", "canFailover": choice["can"], "lastSyncTime": choice["synced"]},
        **({"immutableStorageWithVersioning": {"enabled": True, "immutabilityPolicy": immutable}} if locked else {}),
    )
    beside = {"": (), "operational": (OPERATIONAL,), "vaulted": (VAULTED, backup_vault(*choice["vault"]))}
    return made, beside[choice["backup"]]


def _files(choice: Choice) -> tuple[Resource, tuple[Resource, ...]]:
    days = choice["days"]
    kept = {"properties": {"shareDeleteRetentionPolicy": {"enabled": days > 0, "days": days}}}
    made = storage(choice["sku"], "FileStorage", files=kept, deployed=choice["deployed"])
    return made, (share("a", choice["last"], protectionState=choice["state"]),)


def _vault(choice: Choice) -> tuple[Resource, tuple[Resource, ...]]:
    made = vault(
        region=choice["region"],
        enableSoftDelete=choice["soft"],
        softDeleteRetentionInDays=choice["days"],
        enablePurgeProtection=choice["purge"],
    )
    return made, ()


def _config(choice: Choice) -> tuple[Resource, tuple[Resource, ...]]:
    made = config(
        choice["sku"],
        choice["replicas"],
        softDeleteRetentionInDays=choice["days"],
        enablePurgeProtection=choice["purge"],
        defaultKeyValueRevisionRetentionPeriodInSeconds=choice["revisions"],
    )
    return made, ()


DEPLOYED: Final = {"deployed": (False, True)}
KINDS: Final[Mapping[str, Kind]] = {
    "cosmos-periodic": Kind(
        {**_PERIODIC, **_OUTAGE, "redundancy": ("Local", "Geo")},
        {"mode": ("Periodic",), "tier": ("",), "many": (False, True), "staleness": (5, 300, 900), **DEPLOYED},
        _cosmos,
    ),
    "cosmos-continuous": Kind(
        {**_OUTAGE, "tier": ("Continuous7Days", "Continuous30Days")},
        {
            "mode": ("Continuous",),
            **dict.fromkeys(("interval", "hours"), (60,)),
            "redundancy": ("Geo",),
            "many": (False, True),
            "staleness": (5, 300, 900),
            **DEPLOYED,
        },
        _cosmos,
    ),
    # Continuous backup for the copies of one region that reach back a day at most.
    "cosmos-to-continuous": Kind(
        {"mode": ("Periodic", "Continuous"), "level": ("Session", "Strong")},
        {
            "interval": (60, 240),
            "hours": (8, 24),
            "redundancy": ("Local", "Zone"),
            "tier": ("Continuous30Days",),
            "regions": (1, 2, 3),
            "zones": (False, True),
            "failover": (False, True),
            "many": (False,),
            "staleness": (300,),
            "oldest": ("2026-10-01T00:00:00Z",),
            **DEPLOYED,
        },
        _cosmos,
    ),
    "storage-blobs": Kind(
        {
            "soft": (1, 7, 30, 365),
            "container": (0, 7, 30),
            "versions": (False, True),
            "restore": (0, 6),
            "cap": (3, 30, 0),
            "hns": (True, False),
            "nfs": (True, False),
            "locked": ("", "Unlocked", "Locked"),
            "period": (1, 90, 365),
            "can": (False, True),
            "synced": ("2026-11-20T00:00:00Z", "2026-11-26T11:59:00Z"),
            "backup": ("", "vaulted"),
            "vault": (("Disabled", "Off"), ("Disabled", "On"), ("Disabled", "AlwaysOn"), ("Locked", "AlwaysOn")),
            "sku": ("Standard_LRS", "Standard_GRS", "Standard_GZRS"),
        },
        {"feed": (False, True), **DEPLOYED},
        _storage,
    ),
    "storage-zones": Kind(
        {"sku": ("Standard_LRS", "Standard_ZRS", "Standard_GZRS"), "backup": ("", "operational")},
        {
            "soft": (0, 7),
            "container": (0, 7),
            "versions": (False, True),
            "restore": (0, 6),
            "feed": (False, True),
            "cap": (0, 3),
            "hns": (False, True),
            "nfs": (False,),
            "locked": ("",),
            "period": (1,),
            "can": (True,),
            "synced": ("2026-11-26T11:59:00Z",),
            "vault": (("Disabled", "Off"),),
            **DEPLOYED,
        },
        _storage,
    ),
    "storage-files": Kind(
        {
            "days": (0, 1, 7, 365),
            "sku": ("Premium_LRS", "Premium_ZRS"),
            "state": ("ProtectionStopped", "Protected"),
            "last": ("2026-11-01T00:00:00Z", "2026-11-26T00:00:00Z"),
        },
        DEPLOYED,
        _files,
    ),
    "vault": Kind(
        {"soft": (False, True), "days": (7, 30, 90), "purge": (False, True)},
        {"region": ("westeurope", "westus", "polandcentral", "westus3", "nowhere")},
        _vault,
    ),
    "config": Kind(
        {
            "sku": ("Free", "Developer", "Standard", "Premium"),
            "days": (1, 7),
            "purge": (False, True),
            "revisions": (3_600, 604_800, 2_592_000),
            "replicas": (0, 1, 2),
        },
        {},
        _config,
    ),
}


@st.composite
def pairs(draw: st.DrawFn, name: str) -> tuple[str, Choice, Choice]:
    """A setting, and two stores that differ in it alone: the weaker and the stronger."""
    kind = KINDS[name]
    choice = {key: draw(st.sampled_from(values)) for key, values in (kind.ladders | kind.free).items()}
    key = draw(st.sampled_from(list(kind.ladders)))
    low, high = sorted(draw(st.lists(st.integers(0, len(kind.ladders[key]) - 1), min_size=2, max_size=2, unique=True)))
    return key, choice | {key: kind.ladders[key][low]}, choice | {key: kind.ladders[key][high]}


@pytest.mark.parametrize("name", KINDS)
def test_strengthening_a_setting_never_worsens_a_scenario(name: str) -> None:
    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(pairs(name))
    def check(pair: tuple[str, Choice, Choice]) -> None:
        key, weak, strong = pair
        build = KINDS[name].build
        before, after = endings(*build(weak)), endings(*build(strong))
        for scenario, row in before.items():
            assert standing(after[scenario]) <= standing(row), (key, scenario, row, after[scenario])

    check()


# ── the traps: what looks stronger and is weaker somewhere ───────────────────────────────────────────────────────────


def worse(scenario: str, before: Resource, after: Resource) -> bool:
    return standing(analysed(after)[scenario]) > standing(analysed(before)[scenario])


def test_trap_continuous_backup_in_one_region_gives_up_the_geo_redundant_copy() -> None:
    before, after = cosmos(**periodic(240, 8, "Geo")), cosmos(**continuous())
    assert worse("region-outage", before, after)
    assert analysed(after)["region-outage"].recoverable == "no"
    assert any("out of reach" in note for note in analysed(after)["region-outage"].notes)
    assert not worse("item-loss", before, after)
    two = cosmos(regions=2, **continuous())
    assert not worse("region-outage", cosmos(regions=2, **periodic()), two)
    (change,) = {
        c.caveat for c in analysed(before)["malicious-purge"].changes if c.mechanism.endswith("continuous-backup")
    }
    assert "geo-redundant backup copies are given up" in change


def test_trap_another_backup_redundancy_drops_the_older_copies() -> None:
    row = analysed(cosmos(**periodic(240, 8, "Local")))["region-outage"]
    (change,) = [
        c
        for c in row.changes
        if c.settings.get("properties.backupPolicy.periodicModeProperties.backupStorageRedundancy")
    ]
    assert "all older backups are lost at once" in change.caveat
    attacked = analysed(cosmos(**periodic(60, 720, "Geo")))["protection-attack"]
    assert (attacked.recoverable, attacked.rpo.seconds, attacked.lookback.seconds) == ("best-effort", None, None)


def test_trap_a_shorter_tier_cuts_off_what_is_older() -> None:
    month, week = cosmos(**continuous()), cosmos(**continuous("Continuous7Days"))
    for scenario in ("item-loss", "container-loss", "store-loss", "late-corruption", "malicious-purge"):
        assert worse(scenario, month, week)
    # An attacker can do just that, so the longer tier gives no more against one.
    assert not worse("protection-attack", month, week)
    # So does going from a month of periodic copies to a week of continuous ones.
    assert worse("late-corruption", cosmos(**periodic(240, 720)), week)
    assert worse("container-loss", cosmos(**periodic(240, 48)), week) is False
    assert analysed(week)["container-loss"].lookback.seconds == 7 * 86_400


def test_trap_soft_delete_of_blobs_shortens_that_of_containers() -> None:
    before, after = storage(blob=blobs(0, 30)), storage(blob=blobs(7, 30))
    assert worse("container-loss", before, after)
    assert analysed(after)["container-loss"].lookback.seconds == 7 * 86_400
    assert not worse("item-loss", before, after)


def test_trap_strong_consistency_is_not_to_be_had_with_several_write_regions() -> None:
    made = cosmos(regions=2, enableMultipleWriteLocations=True, consistencyPolicy={"defaultConsistencyLevel": "Strong"})
    assert analysed(made)["region-outage"].mechanism != "cosmosdb-multi-region"


def test_trap_a_wide_bound_of_staleness_allows_more_loss_than_a_weaker_level() -> None:
    loose = {"defaultConsistencyLevel": "BoundedStaleness", "maxIntervalInSeconds": 86_400}
    session = cosmos(regions=2, consistencyPolicy={"defaultConsistencyLevel": "Session"})
    assert worse("region-outage", session, cosmos(regions=2, consistencyPolicy=loose))


@pytest.mark.parametrize(("regions", "said"), [(2, True), (3, False)])
def test_trap_strong_consistency_on_two_regions_stops_writes_with_either(regions: int, said: bool) -> None:
    made = cosmos(regions=regions, consistencyPolicy={"defaultConsistencyLevel": "Strong"}, **continuous())
    notes = analysed(made)["region-outage"].notes
    assert any("stops all writes" in note for note in notes) is said


# ── never optimistic ─────────────────────────────────────────────────────────────────────────────────────────────────


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body, whole parts too."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _forget(body: Any, place: tuple[Any, ...], unknown: Unknown) -> Any:
    if not place:
        return unknown
    copy = dict(body) if isinstance(body, Mapping) else list(body) if isinstance(body, list) else body
    if isinstance(copy, dict | list):
        copy[place[0]] = _forget(copy[place[0]], place[1:], unknown)
    return copy


def _at(body: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        if isinstance(body, Unknown):
            return body
        body = body[key]
    return body


@st.composite
def forgotten(draw: st.DrawFn, made: Resource) -> Resource:
    """A store of which less is known: settings, parts of them, whole children, the region."""

    def unknown(value: Any) -> Unknown:
        # Sometimes what it can be is known, and what it is is among it.
        others = draw(st.sampled_from(((), (True, False), ("Continuous", "Periodic"), (1, 400), (None,))))
        return Unknown("forgotten", possible=(value, *others) if others else ())

    def body_of(body: Any) -> Any:
        places = list(_places(body))
        chosen = draw(st.lists(st.sampled_from(places), max_size=3)) if places else []
        for place in chosen:
            if not isinstance(_at(body, place), Unknown):
                body = _forget(body, place, unknown(_at(body, place)))
        return body

    children = []
    for child in made.children:
        gone = draw(st.sampled_from((False, False, True)))
        body = Unknown("403") if gone and not isinstance(child.body, Unknown) else body_of(child.body)
        children.append(replace(child, body=body))
    if children and draw(st.sampled_from((False, False, False, True))):
        children.pop(draw(st.integers(0, len(children) - 1)))
    region = None if draw(st.booleans()) else made.region
    return replace(made, body=body_of(made.body), children=tuple(children), region=region)


def never_better(before: Recovery, after: Recovery) -> bool:
    """Whether a row that rests on less ends no better, and says no more than it knows."""
    if after.recoverable == "unknown":
        return after.rpo.seconds is None and bool(after.reason)
    return before.recoverable != "unknown" and standing(after) >= standing(before)


@pytest.mark.parametrize("name", KINDS)
def test_no_scenario_ends_better_for_being_less_known(name: str) -> None:
    kind = KINDS[name]

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        choice = {key: data.draw(st.sampled_from(values)) for key, values in (kind.ladders | kind.free).items()}
        made, beside = kind.build(choice)
        less = data.draw(forgotten(made))
        # What stands beside the store may not have been listed to its end either, or not be read.
        missing = data.draw(st.sampled_from((None, None, Unknown("403 on the list"))))
        kept = beside if missing is None else data.draw(st.sampled_from((beside, ())))
        before, after = endings(made, beside), endings(less, kept, missing=missing)
        for scenario, row in before.items():
            assert never_better(row, after[scenario]), (scenario, row, after[scenario], less)

    check()


# What the service does for every store, whatever its settings; how far it reaches is not known then.
ALWAYS: Final = {
    "Microsoft.KeyVault/vaults": {"late-corruption"},
    "Microsoft.AppConfiguration/configurationStores": {"item-loss", "container-loss", "late-corruption"},
}


def test_everything_unknown_leaves_nothing_green() -> None:
    for made in (cosmos(), storage(), vault(), config()):
        nothing = replace(made, body=Unknown("403"), region=None, children=(), deployed=True)
        rows = analysed(nothing, missing=Unknown("403"))
        green = {scenario for scenario, row in rows.items() if row.recoverable == "yes"}
        assert green == ALWAYS.get(made.type, set())

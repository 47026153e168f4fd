"""The recovery analysis: what mechanisms give, what is not known, and what a file of them may say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditor import pipeline, services
from auditor.engine import Judge
from auditor.errors import PolicyError
from auditor.model import Origin, Recovery, Resource, Unknown
from auditor.paths import data_dir
from auditor.reading import Estate
from auditor.recovery import SCENARIOS, Analysis, load_knowledge
from auditor.rules import load_rules

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CATALOG = services.catalog()
VOCABULARY = pipeline.vocabulary_of(CATALOG)
KNOWLEDGE = load_knowledge(data_dir("rules") / "recovery", VOCABULARY, load_rules([data_dir("rules")], VOCABULARY))
DAY = 86_400


def recoveries(
    kind: str, body: Any, region: str | None = "westeurope", *, deployed: bool = False
) -> dict[str, Recovery]:
    store = Resource(
        f"/subscriptions/s/resourceGroups/g/providers/{kind}/x", kind, "x", region, body, Origin("f"), deployed=deployed
    )
    analysis = Analysis(KNOWLEDGE, Judge(CATALOG, Estate(CATALOG)), NOW)
    return {row.scenario: row for row in analysis.recoveries(store)}


def vault(**properties: Any) -> dict[str, Recovery]:
    return recoveries("Microsoft.KeyVault/vaults", {"properties": properties})


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
    body: dict[str, Any] = {"properties": {}}
    assert recoveries("Microsoft.KeyVault/vaults", body, "polandcentral")["region-outage"].recoverable == "no"
    assert recoveries("Microsoft.KeyVault/vaults", body)["region-outage"].recoverable == "best-effort"
    assert recoveries("Microsoft.KeyVault/vaults", body, None)["region-outage"].recoverable == "unknown"


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

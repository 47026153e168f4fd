"""A delta with everything in it, one with nothing, and one whose every name tries to do something."""

from __future__ import annotations

import dataclasses

from auditor.delta import Delta, Difference, Drift, Side
from auditor.model import Gap, Origin, RuleInfo, Severity, Subject
from tests.drift.sides import ACCOUNT, COSMOS, VAULT, resource_id
from tests.renderers.sample_report import HOSTILE

MODULE = Origin("infra/storage.bicep", 31, 9, "retention", (Origin("infra/main.bicep", 12, 3),))
LIVE = "https://management.azure.com{}?api-version=2026-09-01"


def subject(kind: str, name: str) -> Subject:
    whole = resource_id(kind, name)
    return Subject(whole, kind, name, "westeurope", Origin(LIVE.format(whole)))


def rule(name: str, severity: Severity, service: str) -> RuleInfo:
    return RuleInfo(
        name, f"What {name} asks for", service, severity, "Why it matters.", {"az": f"az {name}"}, (), (), "require"
    )


PROMPTS, VAULTED, CHATS = subject(ACCOUNT, "stprompts"), subject(VAULT, "kv-auth"), subject(COSMOS, "cosmos-chats")
SOFT_DELETE = "storage-blob-soft-delete"
DIFFERENCES = (
    Difference(
        PROMPTS, "blobServices/default:properties.deleteRetentionPolicy.days", 30, 7, Drift.WEAKER,
        (SOFT_DELETE, "storage-point-in-time-restore"), ("S4",), "", PROMPTS.origin, MODULE,
    ),
    Difference(
        VAULTED, "properties.enablePurgeProtection", True, False, Drift.WEAKER, ("keyvault-purge-protection",), ("K1",),
        "current: left out, so the default applies (learn.microsoft.com, 2026-11-22)", VAULTED.origin, Origin("infra/main.bicep", 40, 5),
    ),
    Difference(CHATS, "properties.locations[North Europe]", {"locationName": "North Europe", "isZoneRedundant": True}, None, Drift.WEAKER, ("cosmosdb-multi-region",), ("C5",), "", None, Origin("infra/main.bicep", 50, 7)),
    Difference(CHATS, "properties.locations[West Europe].isZoneRedundant", False, True, Drift.STRONGER, ("cosmosdb-zone-redundancy",), ("C5",), "", CHATS.origin, Origin("infra/main.bicep", 48, 7)),
    Difference(PROMPTS, "sku.name", "Standard_GRS", "Standard_ZRS", Drift.DIFFERENT, ("storage-redundancy",), ("S1",), "", PROMPTS.origin, Origin("infra/main.bicep", 20, 5)),
    Difference(PROMPTS, "properties.minimumTlsVersion", "TLS1_2", None, Drift.DIFFERENT, (), (), "", None, Origin("infra/main.bicep", 22, 5)),
    Difference(PROMPTS, "properties.changeFeed.enabled", None, [True, False], Drift.UNKNOWN, ("storage-point-in-time-restore",), (), "current: 403 AuthorizationFailed", None, None),
    Difference(VAULTED, "id", VAULTED.id, None, Drift.UNKNOWN, (), (), "not all was read: /subscriptions/s: 403", None, VAULTED.origin),
)  # fmt: skip
RULES = {
    one.id: one
    for one in (
        rule(SOFT_DELETE, Severity.HIGH, "storage"),
        rule("storage-point-in-time-restore", Severity.MEDIUM, "storage"),
        rule("keyvault-purge-protection", Severity.CRITICAL, "keyvault"),
        rule("cosmosdb-multi-region", Severity.MEDIUM, "cosmosdb"),
        rule("cosmosdb-zone-redundancy", Severity.LOW, "cosmosdb"),
        rule("storage-redundancy", Severity.HIGH, "storage"),
        rule("storage-delete-lock", Severity.LOW, "storage"),
    )
}


def sample() -> Delta:
    """Every class, both lists of what is alone, gaps of both sides, what is not compared, and a map with a stray name."""
    apart = Difference(
        PROMPTS,
        "locks",
        None,
        None,
        Drift.UNKNOWN,
        ("storage-delete-lock",),
        (),
        "reference: the management locks were not read",
    )
    return Delta(
        tool_version="1.2.3",
        generated_at="2026-11-22T10:15:00Z",
        reference=Side(
            "infra/main.bicep",
            "2026-11-22T10:14:00Z",
            4,
            (Gap("infra/shared.bicep", "could not be read", Origin("infra/shared.bicep", 3)),),
        ),
        current=Side(
            "azure:",
            "2026-11-22T10:14:30Z",
            5,
            (
                Gap(
                    f"{PROMPTS.id}/blobServices/default",
                    "403 AuthorizationFailed",
                    PROMPTS.origin,
                    "Microsoft.Storage/storageAccounts/blobServices/read",
                ),
            ),
        ),
        baseline="standard-deployment",
        baseline_title="Standard Deployment",
        differences=DIFFERENCES,
        only_in_reference=(subject(ACCOUNT, "stgone"),),
        only_in_current=(subject(ACCOUNT, "stnew"),),
        not_compared=(apart,),
        compared=3,
        unused_map=("stold: stnothing",),
        rules=RULES,
    )


def clean() -> Delta:
    """No drift: three stores, the same on both sides."""
    sides = Side("week.jsonl", "2026-11-15T10:00:00Z", 3), Side("azure:", "2026-11-22T10:00:00Z", 3)
    return Delta(
        "1.2.3",
        "2026-11-22T10:15:00Z",
        *sides,
        "standard-deployment",
        "Standard Deployment",
        (),
        compared=3,
        everything=True,
    )


def empty() -> Delta:
    """Nothing to compare."""
    return dataclasses.replace(clean(), compared=0)


def hostile() -> Delta:
    """Every text an estate, a template or a map can bring along."""
    rows = [
        one._replace(
            subject=Subject(f"/{text}", text, text, text, Origin(text, 1, expression=text, via=(Origin(text),))),
            path=text, reference=text, current={text: [text]}, reason=text, origin=Origin(text), reference_origin=Origin(text, 3),
        )
        for one, text in zip(DIFFERENCES * 2, HOSTILE * 2, strict=False)
    ]  # fmt: skip
    gaps = tuple(Gap(text, text, Origin(text), text) for text in HOSTILE)
    alone = tuple(row.subject for row in rows)
    joined = " ".join(HOSTILE)
    side = Side(joined, joined, 2, gaps)
    return dataclasses.replace(
        sample(), reference=side, current=side, differences=tuple(rows), not_compared=tuple(row._replace(drift=Drift.UNKNOWN) for row in rows), only_in_reference=alone,
        only_in_current=alone, unused_map=HOSTILE, baseline=joined, baseline_title=joined,
    )  # fmt: skip

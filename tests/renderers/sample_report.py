"""Reports that hold everything a renderer may meet: each outcome, gaps, waivers, statements, templates, live calls."""

from __future__ import annotations

from auditor.model import (
    Basis,
    Evidence,
    Finding,
    Gap,
    Listing,
    Origin,
    Outcome,
    Report,
    RuleInfo,
    Scope,
    Severity,
    StatementResult,
    Subject,
    Unknown,
    Waiver,
    WaiverState,
)

SUBSCRIPTION = "/subscriptions/5f0c2f6e-2c2d-4d3e-9c63-0f5a3a1f7b10"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-fllm-data"
ARM = "https://management.azure.com"

HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x.invalid/","click")',
    "\x1b[31mred\x1b[0m",
    "::error::x",
    "a\nb",
    "a|b",
    "</script><img src=x onerror=alert(1)>",
    "safe\u202egnp.exe\u2066x",
    "`code` [link](javascript:alert(1)) ![i](http://x.invalid/i.png) **bold**",
    "\r\n::set-output name=x::y",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\ud800half",
    "\u2028line\u2029para\x85next\x00nul",
    "{{ 7*7 }}{% raw %}",
    "<!--<script>",
    "&lt;b&gt;",
    "+1",
    "-1",
    "\t=1",
    "' onmouseover='alert(1)",
    "x ##vso[task.setvariable variable=a]b",
    "##[error]x",
)


def live(provider: str, name: str, region: str = "westeurope", request: str = "6d8f2a10") -> Subject:
    """A store as a live answer shows it."""
    identifier = f"{GROUP}/providers/{provider}/{name}"
    return Subject(
        identifier,
        provider,
        name,
        region,
        Origin(f"{ARM}{identifier}?api-version=2026-09-01", request_id=f"{request}-4f6b-4d38-9a53-2f3f7a0f9c11"),
    )


COSMOS = live("Microsoft.DocumentDB/databaseAccounts", "cdb-fllm-prod")
STORAGE = live("Microsoft.Storage/storageAccounts", "stfllmprod", request="0b7e41aa")
LAKE = live("Microsoft.Storage/storageAccounts", "dlsfllmprod", request="9a1c33de")
VAULT = live("Microsoft.KeyVault/vaults", "kv-fllm-auth", request="be70d0c4")
CONFIG = live("Microsoft.AppConfiguration/configurationStores", "appcs-fllm-prod", request="44f0aa01")
TEMPLATE = Subject(
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/stfllmdr",
    "Microsoft.Storage/storageAccounts",
    "stfllmdr",
    "northeurope",
    Origin("infra/modules/storage.bicep", 12, 1, via=(Origin("infra/main.bicep", 41, 3),)),
    "deployDisasterRecovery",
)

RULES = {
    rule.id: rule
    for rule in (
        RuleInfo(
            "cosmosdb-backup-continuous",
            "Backups are continuous",
            "cosmosdb",
            Severity.HIGH,
            "Periodic backups are restored by a support request and lose everything since the last copy. "
            "Continuous backup restores to any second of the retention period, by the owner.",
            {
                "az": "az cosmosdb update --name NAME --resource-group GROUP --backup-policy-type Continuous",
                "bicep": "properties: {\n  backupPolicy: {\n    type: 'Continuous'\n  }\n}",
                "azurerm": 'backup {\n  type = "Continuous"\n}',
                "caveat": "One-way: an account cannot go back to periodic backups.",
            },
            (
                (
                    "Continuous backup",
                    "https://learn.microsoft.com/azure/cosmos-db/continuous-backup-restore-introduction",
                ),
            ),
            ({"framework": "Microsoft cloud security benchmark v2", "id": "BR-1", "mapping": "official"},),
            "require",
        ),
        RuleInfo(
            "cosmosdb-multi-region",
            "Data is in more than one region",
            "cosmosdb",
            Severity.MEDIUM,
            "An account with one region is unavailable for as long as that region is.",
            {"az": "az cosmosdb update --name NAME --resource-group GROUP --locations regionName=northeurope"},
            (),
            (),
            "report",
        ),
        RuleInfo(
            "storage-blob-soft-delete",
            "Deleted blobs can be undeleted for the whole retention period",
            "storage",
            Severity.HIGH,
            "Without soft delete a deleted or overwritten blob is gone at once.",
            {
                "az": "az storage account blob-service-properties update --account-name NAME \\\n"
                "  --enable-delete-retention true --delete-retention-days 30",
                "bicep": "deleteRetentionPolicy: {\n  enabled: true\n  days: 30\n}",
                "caveat": "Protects future deletions only.",
            },
            (
                ("Soft delete for blobs", "https://learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview"),
                ("Not a web address", "javascript:alert(1)"),
            ),
            (
                {"framework": "CIS Microsoft Azure Foundations 5.0.0", "id": "9.2.1", "mapping": "official"},
                {"framework": "ISO/IEC 27001:2022", "id": "A.8.13", "mapping": "text-based", "note": "backup"},
            ),
            "require",
        ),
        RuleInfo(
            "storage-blob-versioning",
            "Every overwritten blob keeps its earlier versions",
            "storage",
            Severity.MEDIUM,
            "Soft delete alone does not bring back what was overwritten by an upload in place.",
            {},
            (),
            (),
            "require",
        ),
        RuleInfo(
            "storage-delete-lock",
            "A lock stops the account's deletion",
            "storage",
            Severity.LOW,
            "A deleted account takes its containers with it.",
            {},
            (),
            (),
            "report",
        ),
        RuleInfo(
            "keyvault-purge-protection",
            "Nobody can purge a deleted vault early",
            "keyvault",
            Severity.CRITICAL,
            "Without purge protection whoever may delete a vault may also destroy it for good.",
            {"az": "az keyvault update --name NAME --enable-purge-protection true", "caveat": "Irreversible."},
            (("Soft delete", "https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview"),),
            ({"framework": "CIS Microsoft Azure Foundations 5.0.0", "id": "8.3.5", "mapping": "official"},),
            "require",
        ),
        RuleInfo(
            "keyvault-soft-delete-retention",
            "Deleted vaults are kept long enough",
            "keyvault",
            Severity.MEDIUM,
            "After the period nothing brings a deleted key back, nor what it encrypted.",
            {},
            (),
            (),
            "require",
        ),
        RuleInfo(
            "appconfig-purge-protection",
            "Nobody can purge a deleted store early",
            "appconfig",
            Severity.MEDIUM,
            "A purged store cannot be recovered.",
            {},
            (),
            (),
            "require",
        ),
    )
}

ACTIVE_WAIVER = Waiver(
    "storage-blob-soft-delete",
    "*/storageaccounts/dlsfllmprod",
    "Landing zone, refilled every night",
    "data@corp.example",
    "2027-03-31",
)
EXPIRED_WAIVER = Waiver(
    "keyvault-purge-protection",
    "*/vaults/kv-fllm-auth",
    "Migration in progress",
    "platform@corp.example",
    "2026-09-30",
    WaiverState.EXPIRED,
    "its last day was 2026-09-30",
    origin=Origin("waivers.yaml", 7),
)
STALE_WAIVER = Waiver(
    "storage-redundancy",
    "*/storageaccounts/gone",
    "Old account",
    "data@corp.example",
    "2027-01-31",
    WaiverState.UNUSED,
    "it matches no resource",
    "OPS-112",
    "2026-11-01",
    (("environment", "dev*"),),
    Origin("waivers.yaml", 13),
)
INLINE_WAIVER = Waiver(
    "", "", "", "", "", WaiverState.MALFORMED, "'until' is missing", origin=Origin("infra/main.bicep", 9), inline=True
)


def sample() -> Report:
    """The fixture behind the golden files."""
    soft_delete = "blobServices/default:properties.deleteRetentionPolicy"
    denied = "403 AuthorizationFailed: the blob service could not be read"
    findings = (
        Finding(
            "cosmosdb-backup-continuous",
            COSMOS,
            Outcome.PASS,
            Severity.HIGH,
            "The backup policy is Continuous",
            (Evidence("properties.backupPolicy.type", "Continuous", "Continuous", Basis.EXPLICIT),),
        ),
        Finding(
            "cosmosdb-multi-region",
            COSMOS,
            Outcome.INFORMATIONAL,
            Severity.MEDIUM,
            "1 region; the baseline expects nothing of it",
            (Evidence("properties.locations[*]", "at least 2", 1, Basis.EXPLICIT),),
        ),
        Finding(
            "storage-blob-soft-delete",
            STORAGE,
            Outcome.FAIL,
            Severity.HIGH,
            "Deleted blobs are kept 7 days, expected at least 30 days",
            (
                Evidence(f"{soft_delete}.enabled", True, True, Basis.EXPLICIT),
                Evidence(f"{soft_delete}.days", "at least 30 days", 7, Basis.EXPLICIT),
            ),
        ),
        Finding(
            "storage-blob-versioning",
            STORAGE,
            Outcome.FAIL,
            Severity.MEDIUM,
            "Versioning is off",
            (
                Evidence(
                    "blobServices/default:properties.isVersioningEnabled",
                    True,
                    False,
                    Basis.DEFAULT,
                    "left out; the API's default of 2026-09-01 is false",
                ),
            ),
        ),
        Finding(
            "storage-delete-lock",
            STORAGE,
            Outcome.INFORMATIONAL,
            Severity.LOW,
            "No lock at the account or above",
            (Evidence("locks", "at least 1", 0, Basis.ABSENT, "the subscription's locks were read to their end"),),
        ),
        Finding(
            "storage-blob-soft-delete",
            LAKE,
            Outcome.FAIL,
            Severity.HIGH,
            "Soft delete is off",
            (Evidence(f"{soft_delete}.enabled", True, False, Basis.EXPLICIT),),
            ACTIVE_WAIVER,
        ),
        Finding(
            "storage-blob-versioning",
            LAKE,
            Outcome.NOT_APPLICABLE,
            Severity.MEDIUM,
            "An account with a hierarchical namespace cannot have versioning",
            (Evidence("properties.isHnsEnabled", False, True, Basis.EXPLICIT),),
        ),
        Finding(
            "keyvault-purge-protection",
            VAULT,
            Outcome.FAIL,
            Severity.CRITICAL,
            "Purge protection is not enabled",
            (Evidence("properties.enablePurgeProtection", True, None, Basis.ABSENT, "the property is left out: off"),),
            EXPIRED_WAIVER,
        ),
        Finding(
            "keyvault-soft-delete-retention",
            VAULT,
            Outcome.PASS,
            Severity.MEDIUM,
            "Deleted vaults are kept 90 days, expected at least 7 days",
            (Evidence("properties.softDeleteRetentionInDays", "at least 7 days", 90, Basis.EXPLICIT),),
        ),
        Finding(
            "appconfig-purge-protection",
            CONFIG,
            Outcome.UNKNOWN,
            Severity.MEDIUM,
            "Cannot be decided: 429 TooManyRequests after 6 attempts",
            (
                Evidence(
                    "properties.enablePurgeProtection",
                    True,
                    Unknown("429 TooManyRequests after 6 attempts"),
                    Basis.UNKNOWN,
                ),
            ),
        ),
        Finding(
            "storage-blob-soft-delete",
            TEMPLATE,
            Outcome.UNKNOWN,
            Severity.HIGH,
            "Cannot be decided: parameter softDeleteDays has no value",
            (
                Evidence(
                    f"{soft_delete}.enabled",
                    True,
                    True,
                    Basis.EXPLICIT,
                    "",
                    Origin("infra/modules/storage.bicep", 31, 7),
                ),
                Evidence(
                    f"{soft_delete}.days",
                    "at least 30 days",
                    Unknown("parameter softDeleteDays has no value", (7, 30)),
                    Basis.UNKNOWN,
                    "parameter softDeleteDays has no value",
                    Origin(
                        "infra/modules/storage.bicep",
                        32,
                        13,
                        "softDeleteDays",
                        (Origin("infra/main.bicep", 41, 3), Origin("infra/data.bicep", 9, 5)),
                    ),
                ),
            ),
        ),
        Finding(
            "storage-blob-versioning",
            TEMPLATE,
            Outcome.UNKNOWN,
            Severity.MEDIUM,
            f"Cannot be decided: {denied}",
            (
                Evidence(
                    "blobServices/default:properties.isVersioningEnabled",
                    True,
                    Unknown(denied, permission="Microsoft.Storage/storageAccounts/blobServices/read"),
                    Basis.UNKNOWN,
                    denied,
                ),
            ),
        ),
    )
    statements = (
        StatementResult(
            "C1",
            "cosmosdb",
            "Backups are automatic and give point-in-time restore",
            "rule",
            Outcome.PASS,
            "",
            (("cosmosdb-backup-continuous", COSMOS.id.casefold()),),
        ),
        StatementResult(
            "C5",
            "cosmosdb",
            "A second region survives a region's outage; not part of the Standard Deployment",
            "advice",
            Outcome.INFORMATIONAL,
            "",
            (("cosmosdb-multi-region", COSMOS.id.casefold()),),
        ),
        StatementResult(
            "S4",
            "storage",
            "Deleted blobs are kept 30 days",
            "rule",
            Outcome.FAIL,
            "",
            tuple(("storage-blob-soft-delete", s.id.casefold()) for s in (STORAGE, LAKE, TEMPLATE)),
        ),
        StatementResult(
            "K1",
            "keyvault",
            "Purge protection stops permanent deletion",
            "rule",
            Outcome.FAIL,
            "",
            (("keyvault-purge-protection", VAULT.id.casefold()),),
        ),
        StatementResult(
            "K4",
            "keyvault",
            "Every update of a secret makes a new version",
            "platform",
            Outcome.NOT_APPLICABLE,
            "A property of every vault; nothing can be set.",
            (),
        ),
        StatementResult(
            "K5",
            "keyvault",
            "Keys, secrets and certificates can be backed up one by one",
            "procedure",
            Outcome.UNKNOWN,
            "The management plane does not show whether anybody exported a backup.",
            (),
        ),
    )
    return Report(
        tool_version="0.1.0",
        generated_at="2026-11-22T10:15:00Z",
        collected_at="2026-11-22T10:12:41Z",
        baseline="standard-deployment",
        baseline_title="FoundationaLLM Standard Deployment",
        targets=("azure:5f0c2f6e-2c2d-4d3e-9c63-0f5a3a1f7b10", "infra/main.bicep"),
        subjects=(COSMOS, STORAGE, LAKE, VAULT, CONFIG, TEMPLATE),
        findings=findings,
        gaps=(
            Gap(
                f"{GROUP}/providers/Microsoft.KeyVault/vaults",
                "403 AuthorizationFailed: the vaults of rg-fllm-data could not be listed",
                Origin(
                    f"{ARM}{GROUP}/providers/Microsoft.KeyVault/vaults?api-version=2026-03-01", request_id="77aa-01"
                ),
                "Microsoft.KeyVault/vaults/read",
            ),
            Gap(
                "infra/legacy.bicep", "expected a resource declaration, found '}'", Origin("infra/legacy.bicep", 17, 4)
            ),
        ),
        statements=statements,
        rules=RULES,
        services={
            "cosmosdb": "Azure Cosmos DB",
            "storage": "Azure Storage",
            "keyvault": "Azure Key Vault",
            "appconfig": "Azure App Configuration",
        },
        scopes=(
            Scope(SUBSCRIPTION, "subscription", "FoundationaLLM production", "Enabled"),
            Scope("/subscriptions/00000000-0000-0000-0000-000000000002", "subscription", "Old sandbox", "Disabled"),
            Scope("infra/main.bicep", "file"),
        ),
        listings=(
            Listing(SUBSCRIPTION, "Microsoft.DocumentDB/databaseAccounts", count=1),
            Listing(SUBSCRIPTION, "Microsoft.Storage/storageAccounts", count=2),
            Listing(
                SUBSCRIPTION,
                "Microsoft.KeyVault/vaults",
                Unknown("403 AuthorizationFailed", permission="Microsoft.KeyVault/vaults/read"),
                1,
            ),
            Listing(SUBSCRIPTION, "Microsoft.DataProtection/backupVaults", note="provider not registered"),
        ),
        deleted=(
            Subject(
                f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-fllm-old",
                "Microsoft.KeyVault/deletedVaults",
                "kv-fllm-old",
                "westeurope",
                Origin(f"{ARM}{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults?api-version=2026-03-01"),
            ),
        ),
        not_assessed=(
            "Blobs, files, tables and queues themselves: nothing of the data plane is read",
            "Restore tests: whether a backup was ever restored is not written in any setting",
        ),
        stale_waivers=(STALE_WAIVER, EXPIRED_WAIVER, INLINE_WAIVER),
    )


def clean_sample() -> Report:
    """A report with nothing wrong: every finding passes, and everything in scope was read."""
    report = sample()
    passing = tuple(f for f in report.findings if f.outcome is Outcome.PASS)
    return Report(
        tool_version=report.tool_version,
        generated_at=report.generated_at,
        collected_at=report.collected_at,
        baseline=report.baseline,
        baseline_title=report.baseline_title,
        targets=report.targets[:1],
        subjects=(COSMOS, VAULT),
        findings=passing,
        gaps=(),
        statements=report.statements[:1],
        rules=RULES,
        services=report.services,
        scopes=report.scopes[:1],
        listings=report.listings[:2],
        not_assessed=report.not_assessed,
    )


def empty_sample() -> Report:
    """A report on nothing at all."""
    return Report("0.1.0", "2026-11-22T10:15:00Z", "", "standard-deployment", "", ("infra",), (), (), (), (), {}, {})


def hostile_sample() -> Report:
    """Every text that comes from an estate, a template or a policy file is hostile."""
    findings: list[Finding] = []
    subjects: list[Subject] = []
    for index, text in enumerate(HOSTILE):
        subject = Subject(f"/subscriptions/{text}/x{index}", text, text, text, Origin(text, 3, expression=text), text)
        subjects.append(subject)
        for outcome in Outcome:
            state = list(WaiverState)[index % len(WaiverState)]
            waiver = Waiver(text, text, text, text, text, state, text) if outcome is Outcome.FAIL else None
            evidence = (
                Evidence(text, text, text, Basis.EXPLICIT, text, Origin(text, 1, 2, text, (Origin(text, 4),), text)),
                Evidence(text, [text], {text: text}, Basis.DEFAULT, text),
                Evidence(text, text, Unknown(text, (text,), text), Basis.UNKNOWN, text),
            )
            findings.append(
                Finding("storage-blob-soft-delete", subject, outcome, Severity.HIGH, text, evidence, waiver)
            )
    rule = RULES["storage-blob-soft-delete"]
    every = " ".join(HOSTILE)
    return Report(
        tool_version=every,
        generated_at=HOSTILE[0],
        collected_at=HOSTILE[2],
        baseline=HOSTILE[3],
        baseline_title=every,
        targets=HOSTILE,
        subjects=tuple(subjects),
        findings=tuple(findings),
        gaps=tuple(Gap(text, text, Origin(text, 1), text) for text in HOSTILE),
        statements=tuple(
            StatementResult(text, text, text, text, Outcome.FAIL, text, ((text, text),)) for text in HOSTILE
        ),
        rules={
            rule.id: rule._replace(
                title=every,
                service=HOSTILE[0],
                rationale=every,
                remediation={"az": every, "caveat": every, every: every},
                references=(*((text, text) for text in HOSTILE), (every, "https://learn.microsoft.com/" + every)),
                controls=tuple({"framework": text, "id": text, "mapping": text, "note": text} for text in HOSTILE),
                effect=every,
            )
        },
        services={HOSTILE[0]: every},
        scopes=tuple(Scope(text, text, text, text) for text in HOSTILE),
        listings=tuple(Listing(text, text, Unknown(text, permission=text), 1, text) for text in HOSTILE),
        deleted=tuple(subjects),
        not_assessed=HOSTILE,
        stale_waivers=tuple(
            Waiver(text, text, text, text, text, state, text, text, text, ((text, text),), Origin(text, 1), inline)
            for text in HOSTILE
            for state, inline in ((WaiverState.MALFORMED, True), (WaiverState.UNUSED, False))
        ),
    )

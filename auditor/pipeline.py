"""The whole flow on one screen: targets → records → engine → waivers → report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor import __version__, services, snapshot, statements
from auditor.catalog import Catalog, Service
from auditor.engine import Engine, Judge, subject_of
from auditor.errors import SnapshotError, UsageError
from auditor.model import (
    Finding,
    Gap,
    Listing,
    Origin,
    Progress,
    RecoveryReport,
    Report,
    Resource,
    RuleInfo,
    Scope,
    Silent,
    Snapshot,
    Subject,
    Waiver,
    WaiverState,
)
from auditor.paths import data_dir
from auditor.reading import Estate
from auditor.recovery import Analysis, Recoveries, RecoveryTerms, open_knowledge
from auditor.rules import Baseline, Rule, Vocabulary, load_baseline, load_rules
from auditor.sources import CollectOptions, collected_at
from auditor.sources import collect as read_targets
from auditor.waivers import Terms, Waivers, day_of, given_longest, load_waivers

if TYPE_CHECKING:
    from auditor.recovery.objectives import Objectives

DEFAULT_BASELINE = "standard-deployment"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run judges by: rules, the baseline over them, and the waivers laid over the findings, with their terms."""

    rules: Mapping[str, Rule]
    baseline: Baseline
    waivers: tuple[Waiver, ...] = ()
    terms: Terms = field(default_factory=Terms)
    recovery: RecoveryTerms = field(default_factory=RecoveryTerms)


def load_policy(
    baseline: str = DEFAULT_BASELINE,
    *,
    waivers: Path | None = None,
    rule: Sequence[str] = (),
    rules_dir: Sequence[Path] = (),
    longest_waiver: str = "",
    inline_waivers: bool = True,
    now: datetime | None = None,
    objectives: Path | None = None,
    previews: bool = False,
) -> Policy:
    """Read the shipped rules, the user's own rule folders, the baseline and the waivers.

    `rule` restricts the run to some rule ids. `longest_waiver` (`P90D`) limits the life of every waiver;
    `inline_waivers` lets those written in templates count; `now` is the moment they are judged at, with its time zone.
    `objectives` is a file of recovery objectives; `previews` counts mechanisms that are in preview. Raises PolicyError
    for a bad file, UsageError for an unknown rule id.
    """
    vocabulary = vocabulary_of(services.catalog())
    rules = load_rules([data_dir("rules"), *rules_dir], vocabulary)
    chosen = load_baseline(baseline, data_dir("rules") / "baselines", rules, vocabulary)
    about = {rule.id: rule.applies_to for rule in rules.values()}
    terms = Terms(day_of(now or datetime.now(UTC)), about, given_longest(longest_waiver), inline_waivers)
    knowledge = open_knowledge(data_dir("rules") / "recovery", vocabulary, rules)
    recovery = RecoveryTerms(knowledge, _promised(objectives, vocabulary), previews)
    if waivers is None:
        return Policy(select(rules, rule), chosen, terms=terms, recovery=recovery)
    file = load_waivers(waivers, terms)
    return Policy(select(rules, rule), chosen, file.waivers, file.terms, recovery)


def _promised(path: Path | None, vocabulary: Vocabulary) -> Objectives | None:
    if path is None:
        return None
    from auditor.recovery.objectives import load_objectives

    return load_objectives(path, vocabulary)


def select(rules: Mapping[str, Rule], ids: Sequence[str]) -> Mapping[str, Rule]:
    """The named rules, or all of them when none is named. Raises UsageError with the nearest name."""
    for rule_id in ids:
        if rule_id not in rules:
            import difflib

            near = difflib.get_close_matches(rule_id, list(rules), 1)
            raise UsageError(
                f"there is no rule {rule_id!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                hint="`auditor rules list` names them all.",
            )
    return {rule_id: rules[rule_id] for rule_id in dict.fromkeys(ids)} if ids else rules


def vocabulary_of(catalog: Catalog) -> Vocabulary:
    """The names rule files may use."""
    return Vocabulary(
        types=[name for service in catalog.services for name in service.store_types],
        facts=list(catalog.facts),
        related=[related.name for service in catalog.services for related in service.related],
        children=[name for service in catalog.services for name in (*_called(service), *service.carried)],
        carried=[name for service in catalog.services for name in service.carried],
    )


def _called(service: Service) -> list[str]:
    """The children that calls read."""
    return [call.path.strip("/") for call in service.children]


def collect(
    targets: str | Path | Iterable[str | Path], *, progress: Progress | None = None, **options: Any
) -> Snapshot:
    """Read resources in ARM shape from targets (files, folders, `azure:…`) into a snapshot.

    `options` are the fields of `auditor.sources.CollectOptions`. Raises TargetError for a target that is no such thing
    and SourceError when a live source cannot start; whatever could not be read is a `Gap` in the snapshot.
    """
    names = (targets,) if isinstance(targets, str | Path) else tuple(targets)
    named = tuple(str(name) for name in names)
    if not named:
        raise UsageError("no target was named")
    records = read_targets(named, CollectOptions(**options), services.catalog(), progress)
    return snapshot.spool(records, named, collected_at(named, options.get("replay")))


def audit(
    targets: str | Path | Iterable[str | Path] | Snapshot,
    baseline: str = DEFAULT_BASELINE,
    *,
    waivers: Path | None = None,
    rule: Sequence[str] = (),
    rules_dir: Sequence[Path] = (),
    longest_waiver: str = "",
    inline_waivers: bool = True,
    objectives: Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Judge targets, or a snapshot taken before, by the rules against a baseline.

    `baseline` is a shipped name or a file; `waivers` a waivers file; see `load_policy` for the others, and `collect`
    for `options`. Raises PolicyError, UsageError, SourceError.
    """
    policy = load_policy(
        baseline,
        waivers=waivers,
        rule=rule,
        rules_dir=rules_dir,
        longest_waiver=longest_waiver,
        inline_waivers=inline_waivers,
        objectives=objectives,
    )
    collected = targets if isinstance(targets, Snapshot) else collect(targets, progress=progress, **options)
    return evaluate(collected, policy, progress)


def recovery(
    targets: str | Path | Iterable[str | Path] | Snapshot,
    *,
    objectives: Path | None = None,
    what_if: Sequence[str] = (),
    previews: bool = False,
    runbook: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> RecoveryReport:
    """What every failure scenario would do to each store of targets, or of a snapshot taken before.

    `objectives` is a file of promises to hold the outcomes to; `what_if` are settings as they might be
    (`[STORE@]PATH=VALUE`), judged as they will be once they have held long enough; `previews` counts what is in
    preview; `runbook` adds the restore steps. Raises PolicyError, UsageError, SourceError; see `collect` for the rest.
    """
    from auditor.recovery import what_if as changes

    asked = [changes.parsed(text) for text in what_if]
    policy = load_policy(objectives=objectives, previews=previews)
    if asked:
        changes.require_settings(asked, _settings(policy))
        policy = replace(policy, recovery=policy.recovery._replace(evidence=False))
    collected = targets if isinstance(targets, Snapshot) else collect(targets, progress=progress, **options)
    before = None
    if asked:
        before = evaluate(collected, policy, progress).recovery
        collected = changes.with_changes(collected, asked, services.catalog().store_types())
    report = evaluate(collected, policy, progress)
    chapters = None
    if runbook:
        from auditor.recovery import runbook as steps

        chapters = tuple(steps.runbook(report.recovery, policy.recovery.knowledge))
    return RecoveryReport(report, before, chapters, tuple(what_if))


def _settings(policy: Policy) -> Iterable[str]:
    """Every setting that a failure scenario depends on."""
    catalog = services.catalog()
    analysis = Analysis(policy.recovery.knowledge, Judge(catalog, Estate(catalog)), datetime.now(UTC))
    # A region decides by what it has, a tag by the objectives that are for it.
    return (*analysis.settings(), "location", "tags")


def evaluate(collected: Snapshot, policy: Policy, progress: Progress | None = None) -> Report:
    """Judge a collection: once through it for what speaks about others, once for the stores themselves."""
    progress = progress or Silent()
    beside = Beside()
    beside.read(collected)
    catalog = services.catalog(beside.locations)
    estate = Estate(catalog, beside.related, beside.listings)
    engine = Engine(policy.rules, policy.baseline, catalog, estate)
    recoveries = Recoveries(policy.recovery, Judge(catalog, estate), _moment(collected.generated_at))
    waivers = Waivers(policy.waivers, policy.terms)
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for store in beside.stores(collected):
        subject = subject_of(store)
        subjects.append(subject)
        findings.extend(waivers.apply(store, engine.evaluate(store, subject)))
        recoveries.add(store, subject)
        if not len(subjects) % 500:
            progress.update("Judging resources", done=len(subjects))
    for waiver in beside.waivers:
        waivers.know(waiver)
    findings = waivers.settled(findings)
    report = Report(
        tool_version=__version__,
        generated_at=snapshot.now(),
        collected_at=collected.generated_at,
        baseline=policy.baseline.id,
        baseline_title=policy.baseline.title,
        targets=collected.targets,
        subjects=tuple(subjects),
        findings=tuple(findings),
        gaps=tuple(beside.gaps),
        statements=(),
        rules={rule.id: rule_info(rule, policy.baseline) for rule in policy.rules.values()},
        services=_titles(catalog, policy.rules, findings),
        scopes=tuple(beside.scopes),
        listings=tuple(beside.listings),
        deleted=tuple(map(subject_of, beside.deleted)),
        not_assessed=tuple(note for service in catalog.services for note in service.not_assessed),
        stale_waivers=_stale(waivers.stale(policy.rules), beside),
        recovery=recoveries.rows(whole=not beside.gaps and not _left_out(beside)),
    )
    unlisted = beside.unlisted(catalog, subjects)
    return replace(report, statements=statements.judge(policy.baseline, findings, unlisted, report.promises))


def _left_out(beside: Beside) -> bool:
    return any(scope.left_out for scope in beside.scopes)


def _stale(waivers: tuple[Waiver, ...], beside: Beside) -> tuple[Waiver, ...]:
    """The waivers that want a look. What was left out may need those that nothing else needs."""
    partly = _left_out(beside)
    return tuple(waiver for waiver in waivers if not (partly and waiver.state is WaiverState.UNUSED))


def _moment(text: str) -> datetime:
    """When an estate was collected; now where that is not said."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _titles(catalog: Catalog, rules: Mapping[str, Rule], findings: Iterable[Finding]) -> dict[str, str]:
    """The titles of the services that have stores, and of those whose rules found something without having any."""
    judged = {rules[finding.rule].service for finding in findings}
    return {s.name: s.title for s in catalog.services if s.store_types or s.name in judged}


@dataclass(slots=True)
class Beside:
    """Everything of a collection but the stores: small even where the estate is large."""

    related: list[Resource] = field(default_factory=list)
    locations: list[Resource] = field(default_factory=list)
    deleted: list[Resource] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)

    def read(self, collected: Snapshot) -> None:
        """Sort the records; stores whose children speak about nobody else are passed over."""
        catalog = services.catalog()
        joining = {name.casefold() for s in catalog.services for related in s.related for name in related.types}
        alone = {
            name.casefold()
            for service in catalog.services
            for name in service.store_types
            if not any(call.parent_type == name and call.type.casefold() in joining for call in service.children)
        }
        deleted = {name.casefold() for service in catalog.services for name in service.deleted_types}
        try:
            for record in collected.records(skip=alone):
                match record:
                    case Gap():
                        self.gaps.append(record)
                    case Listing():
                        self.listings.append(record)
                    case Scope():
                        self.scopes.append(record)
                    case Waiver():
                        self.waivers.append(record)
                    case Resource():
                        kind = record.type.casefold()
                        home = self.locations if kind == services.LOCATIONS_TYPE.casefold() else self.related
                        (self.deleted if kind in deleted else home).append(record)
        except SnapshotError as error:
            self.gaps.append(Gap("snapshot", str(error), Origin(collected.targets[0] if collected.targets else "")))

    def unlisted(self, catalog: Catalog, subjects: Iterable[Subject]) -> dict[str, str]:
        """The services whose stores may not all have been seen, with the reason."""
        result: dict[str, str] = {}
        seen = {subject.type.casefold() for subject in subjects}
        for service in catalog.services:
            types = {name.casefold() for name in service.store_types}
            listings = [listing for listing in self.listings if listing.type.casefold() in types]
            missing = next((listing.missing for listing in listings if listing.missing is not None), None)
            if missing is not None:
                result[service.name] = missing.reason
            elif not listings and self.gaps and not seen & types:
                result[service.name] = f"{self.gaps[0].subject}: {self.gaps[0].reason}"
        return result

    def stores(self, collected: Snapshot) -> Iterable[Resource]:
        """The resources to judge, one at a time."""
        types = services.catalog().store_types()
        others = {r.type.casefold() for r in (*self.related, *self.locations, *self.deleted)} - types.keys()
        try:
            for record in collected.records(skip=others):
                if isinstance(record, Resource) and record.type.casefold() in types:
                    yield record
        except SnapshotError as error:
            if not any(gap.reason == str(error) for gap in self.gaps):
                self.gaps.append(Gap("snapshot", str(error), Origin(collected.targets[0] if collected.targets else "")))


def rule_info(rule: Rule, baseline: Baseline) -> RuleInfo:
    """What a report shows of a rule under a baseline."""
    setting = baseline.setting(rule.id)
    return RuleInfo(
        rule.id,
        rule.title,
        rule.service,
        setting.severity or rule.severity,
        rule.rationale,
        rule.remediation,
        rule.references,
        rule.controls,
        setting.effect,
    )

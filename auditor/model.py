"""The vocabulary: frozen values, enums and seam protocols. No I/O, and nothing heavier than the standard library.

A `Resource` has ARM's shape wherever it came from. What could not be read stands inside it as an `Unknown`, or beside
it as a `Gap`. Rules turn resources into `Finding`s; a `Report` holds them and knows how the process ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

EMPTY: Final[Mapping[str, Any]] = {}


class Outcome(StrEnum):
    """What a rule found on a resource (XCCDF's rule-result, reduced to what a reader acts on)."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    INFORMATIONAL = "informational"


class Severity(StrEnum):
    """How much it matters when a rule fails; ordered by `rank`, highest first in the definition."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info, so that `a.rank >= b.rank` reads "at least as severe"."""
        return _SEVERITY_RANK[self]


_SEVERITY_RANK: Final = {severity: 4 - index for index, severity in enumerate(Severity)}


class Basis(StrEnum):
    """Where an observed value stands."""

    EXPLICIT = "explicit"
    DEFAULT = "default"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Origin(NamedTuple):
    """Where a value stands (SARIF physicalLocation).

    `uri` is a path relative to the working directory, or the URL of an ARM request; `line` and `column` count from 1.
    `expression` is the source text that gave the value, where it was not a literal; `via` is the chain of module calls
    that led there, the outermost first; `request_id` is ARM's x-ms-request-id for a live answer.
    """

    uri: str
    line: int | None = None
    column: int | None = None
    expression: str | None = None
    via: tuple[Origin, ...] = ()
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands inside a body for a value that could not be determined.

    `possible` lists the values it can take where they are known: a verdict on which all of them agree stands.
    `permission` names the ARM action the reader lacked. `unseen` says that the value lies outside what this kind of
    source can ever show (the locks above a template's scope), as opposed to a read that failed.
    """

    reason: str
    possible: tuple[Any, ...] = ()
    permission: str | None = None
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource in ARM's shape: `body` holds `sku`, `kind`, `properties`, … exactly as ARM writes them.

    `body` is a mapping; or an `Unknown` when the resource is known by name only (a child that answered 403); or None
    when it is known not to exist (a management policy that answered 404, a child a template does not declare).

    `children` holds the child resources that belong to a data store. A singleton child (`blobServices/default`) that
    is missing from it was not looked at, and reads as unknown. A store without a body will not exist, and is judged by
    what its children say of its going. For a listed collection (`replicas`) one more child
    named `*` says how the listing ended: body None when it was read to its end, an `Unknown` otherwise.

    `origins` maps casefolded paths inside the body (`properties.backuppolicy.type`, `properties.locations[0].name`) to
    where each value is written; sources without positions leave it empty and `origin` stands for all.
    `deployed` is True for what a live deployment answered, False for what a file declares.
    `condition` is the undecided condition under which a template deploys the resource.
    `waivers` are the inline waivers of what declares it; a child's hold for what is found on that child.
    """

    id: str
    type: str
    name: str
    region: str | None
    body: Mapping[str, Any] | Unknown | None
    origin: Origin
    parent: str | None = None
    children: tuple[Resource, ...] = ()
    api_version: str | None = None
    deployed: bool = False
    condition: str | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that should have been read and was not (SARIF notification).

    `subject` is what is missing: a resource id, a file, a list of a subscription.
    """

    subject: str
    reason: str
    origin: Origin
    permission: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Says that all resources of `type` at or below `scope` were listed, or why they were not.

    Without a listing that covers it, nobody may conclude from the absence of a lock or a backup that there is none.
    `scope` is an ARM id (`/subscriptions/…`), or empty for everything the target holds. `missing` is None when the list
    was read to its end. `note` is shown in the report's scope section (for example: provider not registered).
    `declared` says that it speaks of what one template, plan or configuration declares: of several, each speaks for
    itself alone, whereas one complete answer of Azure is enough.
    """

    scope: str
    type: str
    missing: Unknown | None = None
    count: int = 0
    note: str = ""
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """A subscription, resource group or file that was in scope, for the report's scope section.

    `left_out` says that it was not audited because nothing that changed reaches it, which was asked for.
    """

    id: str
    kind: str
    name: str = ""
    state: str = ""
    left_out: bool = False


class WaiverState(StrEnum):
    """What is to be said of a waiver. Only an active one counts."""

    ACTIVE = "active"
    UNUSED = "unused"
    EXPIRED = "expired"
    TOO_BROAD = "too-broad"
    TOO_LONG = "too-long"
    MALFORMED = "malformed"
    SWITCHED_OFF = "switched-off"


@dataclass(frozen=True, slots=True)
class Waiver:
    """An approved exception.

    `rule` is an id, or `*` for every rule. `resource` is a glob without case: over ids when there is a slash in it,
    over names otherwise. `tags` are names and globs of their values, all of which must match. An `inline` waiver is
    written in a template; it travels with the resources it is for, and usually has no `resource`. `expires` and
    `created` are ISO 8601 dates; it counts to the end of the day it expires on, in UTC. `note` says why it does not
    count, or what is odd about it. `origin` is where it is written.
    """

    rule: str
    resource: str
    reason: str
    owner: str
    expires: str
    state: WaiverState = WaiverState.ACTIVE
    note: str = ""
    ticket: str = ""
    created: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    origin: Origin | None = None
    inline: bool = False

    @property
    def expired(self) -> bool:
        """Whether the day it expires on is over."""
        return self.state is WaiverState.EXPIRED

    @property
    def place(self) -> str:
        """`file:line` of where it is written; empty where that is not known."""
        origin = self.origin
        if origin is None:
            return ""
        return origin.uri if origin.line is None else f"{origin.uri}:{origin.line}"

    @property
    def scope(self) -> str:
        """What it is for, in words: its pattern and tags, or the place in a template."""
        tags = ", ".join(f"tag {name}={glob}" for name, glob in self.tags)
        parts = [part for part in (self.resource, tags) if part]
        return ", ".join(parts) or (f"what {self.place} declares" if self.inline else "*")


Record = Resource | Gap | Listing | Scope | Waiver
"""What a source yields. Data stores carry their children; joined resources (locks, backup instances) stand alone.

A waiver on its own is one that stands in a template that was read, whether or not it is for a resource among them.
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Resources and gaps of one collection.

    `records()` can be called any number of times; for a large estate it reads from disk each time. With `skip=types` it
    passes over resources whose casefolded type is among them.
    """

    targets: tuple[str, ...]
    generated_at: str
    records: Callable[..., Iterator[Record]]
    tool_version: str = ""


# ── what a run finds ─────────────────────────────────────────────────────────────────────────────────────────────────


class Subject(NamedTuple):
    """The part of a resource a report keeps."""

    id: str
    type: str
    name: str
    region: str | None
    origin: Origin
    condition: str | None = None


class Evidence(NamedTuple):
    """One value a verdict rests on.

    `path` is the ARM path, with the child before it where it stands on a child (`blobServices/default:properties.…`).
    `expected` is the wanted value, or a phrase (`at least 30 days`). `reason` explains a default, an absence or an
    unknown. `origin` is None when the resource's own origin stands for it (see `Finding.origin_of`).
    """

    path: str
    expected: Any
    observed: Any
    basis: Basis
    reason: str = ""
    origin: Origin | None = None


class Novelty(StrEnum):
    """What a finding is to an earlier run; `cannot-tell` where that run may only not have seen it."""

    NEW = "new"
    CANNOT_TELL = "cannot-tell"
    FIXED = "fixed"
    UNCHANGED = "unchanged"


class Finding(NamedTuple):
    """A rule's outcome on a resource, pass included. Its key is (rule id, resource id casefolded).

    A waived finding keeps its outcome and carries the waiver. One that does not count (it has expired, is too broad, …)
    is carried too where there is no other, and changes nothing. `novelty` is None where no earlier run was named.
    """

    rule: str
    subject: Subject
    outcome: Outcome
    severity: Severity
    message: str
    evidence: tuple[Evidence, ...]
    waiver: Waiver | None = None
    novelty: Novelty | None = None

    @property
    def waived(self) -> bool:
        """True when an active waiver covers a finding that would otherwise count."""
        waiver = self.waiver
        active = waiver is not None and waiver.state is WaiverState.ACTIVE
        return active and self.outcome in (Outcome.FAIL, Outcome.UNKNOWN)

    def origin_of(self, evidence: Evidence) -> Origin:
        """Where a piece of evidence stands: its own origin, or the resource's, with the child's path for a live one."""
        if evidence.origin is not None:
            return evidence.origin
        origin = self.subject.origin
        child, colon, _ = evidence.path.partition(":")
        if colon and "://" in origin.uri and "/" in child:
            base, question, query = origin.uri.partition("?")
            return Origin(f"{base}/{child}{question}{query}")
        return origin


class StatementResult(NamedTuple):
    """A statement of the baseline document with its verdict and the keys of the findings behind it."""

    id: str
    service: str
    text: str
    kind: str
    verdict: Outcome
    note: str
    findings: tuple[tuple[str, str], ...]


class RuleInfo(NamedTuple):
    """What a report shows of a rule besides its findings."""

    id: str
    title: str
    service: str
    severity: Severity
    rationale: str
    remediation: Mapping[str, str]
    references: tuple[tuple[str, str], ...]
    controls: tuple[Mapping[str, str], ...]
    effect: str


class RecoverySource(NamedTuple):
    """Where a figure of the recovery analysis is documented; `date` is the document's own, empty where it has none."""

    id: str
    title: str
    url: str
    date: str = ""


class Figure(NamedTuple):
    """A duration in seconds. None is no documented figure where `known`, and not known otherwise; `reason` says more.

    Infinity is no limit (versions that are kept for ever).
    """

    seconds: float | None
    reason: str = ""
    known: bool = True


class Change(NamedTuple):
    """Settings that would bring a mechanism about, with what they cost and what cannot be undone."""

    mechanism: str
    title: str
    settings: Mapping[str, Any]
    rule: str
    cost: str
    caveat: str
    effort: int


class Recovery(NamedTuple):
    """What a scenario does to a store: whether data comes back, how much is lost, how long it takes, how far back.

    `scenario` is one of the contract's, `recoverable` is yes, no, best-effort or unknown. `mechanism` is the id of what
    gives it (empty for none) and `title` its name; `actor` who has to act; `reason` says why in a sentence. `others`
    are further mechanisms that help, as (id, title). `objective` is the id of what the owner promised, `verdict`
    whether it is met, missed or cannot be told.
    """

    scenario: str
    recoverable: str
    rpo: Figure
    rto: Figure
    lookback: Figure
    mechanism: str = ""
    title: str = ""
    actor: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    not_restored: tuple[str, ...] = ()
    defeated_by: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    changes: tuple[Change, ...] = ()
    sources: tuple[RecoverySource, ...] = ()
    objective: str = ""
    verdict: str = ""
    verdict_reason: str = ""


class StoreRecovery(NamedTuple):
    """All scenarios of one store, in the scenarios' order; stores with the same settings share them."""

    subject: Subject
    scenarios: tuple[Recovery, ...]


class Since(NamedTuple):
    """The earlier run that a report is held against.

    `name` is the file that was named, `baseline` what that run was judged by. `gone` are the keys of findings that were
    open in it and whose resource is no longer there; `new_gaps` are those that it did not have. `only_new` says that
    only what is new decides how the process ends, `elsewhere` that no resource of it is among the report's.
    """

    name: str
    collected_at: str
    baseline: str
    gone: tuple[tuple[str, str], ...] = ()
    new_gaps: tuple[Gap, ...] = ()
    only_new: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a renderer may show: `render(report) -> text` needs nothing else.

    `stale_waivers` are the waivers that want a look: those that do not count, and those that nothing needs.
    """

    tool_version: str
    generated_at: str
    collected_at: str
    baseline: str
    baseline_title: str
    targets: tuple[str, ...]
    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    statements: tuple[StatementResult, ...]
    rules: Mapping[str, RuleInfo]
    services: Mapping[str, str]
    scopes: tuple[Scope, ...] = ()
    listings: tuple[Listing, ...] = ()
    deleted: tuple[Subject, ...] = ()
    not_assessed: tuple[str, ...] = ()
    recovery: tuple[StoreRecovery, ...] = ()
    stale_waivers: tuple[Waiver, ...] = ()
    since: Since | None = None

    def summary(self) -> dict[str, int]:
        """Counts in the JSON contract's words. A waived finding counts under `waived` alone."""
        counts = dict.fromkeys(("pass", "fail", "unknown", "not-applicable", "informational", "waived"), 0)
        for finding in self.findings:
            counts["waived" if finding.waived else finding.outcome.value] += 1
        return {"resources": len(self.subjects), **counts, "gaps": len(self.gaps)}

    def exit_code(self, fail_on: Severity) -> int:
        """0 clean, 1 a failure at or above `fail_on` or a missed objective, 3 a gap or an unknown, 4 nothing to audit.

        An objective that cannot be told to be met is an unknown, whichever findings count. Where only what is new since
        an earlier run counts, so does what cannot be told to be old.
        """
        counting = [finding for finding in self.deciding if not finding.waived]
        failing = any(one.outcome is Outcome.FAIL and one.severity.rank >= fail_on.rank for one in counting)
        promises = self.promises
        if failing or promises["missed"]:
            return 1
        unknown = any(one.outcome is Outcome.UNKNOWN for one in counting)
        if unknown or self.deciding_gaps or promises["untold"]:
            return 3
        return (3 if self.gaps else 4) if self.empty else 0

    @property
    def promises(self) -> dict[str, int]:
        """How many scenarios of stores are met, missed, or cannot be told to be met, of those with an objective."""
        counts = dict.fromkeys(("met", "missed", "untold"), 0)
        for verdict in (row.verdict for store in self.recovery for row in store.scenarios if row.verdict):
            counts[verdict if verdict in counts else "untold"] += 1
        return counts

    @property
    def deciding(self) -> Sequence[Finding]:
        """The findings that decide how the process ends: all of them, or those that are or may be new."""
        if self.since is None or not self.since.only_new:
            return self.findings
        return [finding for finding in self.findings if finding.novelty in (Novelty.NEW, Novelty.CANNOT_TELL)]

    @property
    def deciding_gaps(self) -> tuple[Gap, ...]:
        """The gaps that decide how the process ends."""
        return self.since.new_gaps if self.since is not None and self.since.only_new else self.gaps

    @property
    def left_out(self) -> int:
        """How many entry points were not audited because nothing that changed reaches them."""
        return sum(scope.left_out for scope in self.scopes)

    @property
    def empty(self) -> bool:
        """Whether there was nothing to audit: no resource of an audited type, and nothing was left out."""
        return not self.subjects and not self.left_out


class RunbookStep(NamedTuple):
    """What to do in one scenario: commands in order, what has to be there first, what is rebuilt by hand."""

    scenario: str
    title: str
    mechanism: str
    actor: str
    prerequisites: tuple[str, ...]
    commands: tuple[str, ...]
    by_hand: tuple[str, ...]
    not_restored: tuple[str, ...]
    reason: str


class RunbookChapter(NamedTuple):
    """All scenarios of one store in a runbook. Scenarios nothing helps in have no commands and say why."""

    subject: Subject
    steps: tuple[RunbookStep, ...]


class RecoveryReport(NamedTuple):
    """What `auditor recovery` shows: a report for its recovery rows.

    `asked` are settings as they might be (`--what-if`), which the report is about then, and `before` the rows without
    them; both are judged by settings alone, not by what the services say of today. `runbook` is there where one was
    asked for.
    """

    report: Report
    before: tuple[StoreRecovery, ...] | None = None
    runbook: tuple[RunbookChapter, ...] | None = None
    asked: tuple[str, ...] = ()

    def exit_code(self) -> int:
        """0 analysed, 1 an objective is missed, 3 a gap or an objective that cannot be told, 4 nothing to analyse."""
        promises = self.report.promises
        if promises["missed"]:
            return 1
        if self.report.gaps or promises["untold"]:
            return 3
        return 0 if self.report.recovery else 4


# ── seams ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Progress(Protocol):
    """Told about long work; the CLI draws it on stderr, everyone else ignores it."""

    def update(self, stage: str, *, done: int = 0, total: int | None = None, note: str = "") -> None:
        """Say how far a stage is: `done` of `total` (None when unknown), with a short note (a throttling wait)."""


class Silent:
    """The progress that says nothing."""

    def update(self, stage: str, *, done: int = 0, total: int | None = None, note: str = "") -> None:
        """Ignore it."""


class Renderer(Protocol):
    """Report → text, in chunks so that a large report never stands in memory whole. Pure."""

    def __call__(self, report: Report, /) -> Iterator[str]:
        """Yield the report's text."""


def resource_group(resource_id: str) -> str:
    """The resource group's name in an ARM id, or an empty string."""
    parts = resource_id.split("/")
    for index, part in enumerate(parts[:-1]):
        if part.casefold() == "resourcegroups":
            return parts[index + 1]
    return ""


def ancestors(resource_id: str) -> Iterator[str]:
    """The casefolded scopes an ARM id stands below, itself first: resource, parents, group, subscription.

    Example: `/subscriptions/s/resourceGroups/g/providers/N/t/x` gives itself, `/subscriptions/s/resourcegroups/g`,
    `/subscriptions/s`.
    """
    folded = resource_id.casefold().rstrip("/")
    yield folded
    parts = folded.split("/")
    if "providers" in parts:
        provider = len(parts) - 1 - parts[::-1].index("providers")
        for end in range(len(parts) - 2, provider + 3, -2):
            yield "/".join(parts[:end])
        parts = parts[:provider]
        if len(parts) > 2:
            yield "/".join(parts)
    if len(parts) >= 5 and parts[1] == "subscriptions" and parts[3] == "resourcegroups":
        yield "/".join(parts[:3])

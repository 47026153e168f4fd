"""Drift: two collections, or a baseline and one, setting by setting.

Compared is what the rules read (or everything), the way they read it: names without case, the API's defaults applied,
children and what speaks about a store from elsewhere on the store they belong to. What a side cannot tell is told as
such, unless all that it could be leads to one answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from auditor import __version__, pipeline, snapshot
from auditor.comparison.items import Found, one_sided
from auditor.comparison.matching import NameMap, key_of, load_map, match
from auditor.comparison.pairs import StoreComparison
from auditor.comparison.views import View
from auditor.delta import Delta, Difference, Drift, Side
from auditor.engine import EXCESS, subject_of
from auditor.errors import TargetError, UsageError
from auditor.model import Basis, Finding, Outcome, Progress, Silent, Snapshot, Subject, Unknown
from auditor.paths import data_dir
from auditor.pipeline import DEFAULT_BASELINE, Policy
from auditor.quantities import parse_degrees
from auditor.rules import Baseline, baseline_names

WHOLE: Final = "id"
"""The path of a difference that is about a store as such."""

Target = str | Path | Snapshot


def drift(
    reference: Target,
    current: Target,
    baseline: str = "",
    *,
    rule: Sequence[str] = (),
    rules_dir: Sequence[Path] = (),
    names: Path | None = None,
    everything: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Delta:
    """Compare two sides, each a target, a snapshot taken before, or a baseline (a shipped name or its YAML file).

    `baseline` says what matters, `standard-deployment` when it is empty; where a side is a baseline, that one does.
    `names` is a map file for names a template cannot know; `everything` compares more than what rules read. `options`
    are those of `auditor.collect`, for both sides. Raises UsageError where no side holds resources, PolicyError for a
    bad rule, baseline or map file, and what `auditor.collect` raises.
    """
    sides = (reference, current)
    baselines = [str(side) for side in sides if is_baseline(side)]
    if len(baselines) == len(sides):
        raise UsageError("two baselines hold no resources to compare", hint="Name a target on one of the sides.")
    if baselines and baseline not in ("", *baselines):
        raise UsageError(f"one side is the baseline {baselines[0]} already", hint="Leave --baseline out.")
    if baselines and (everything or names is not None):
        hint = "Leave --all and --map out."
        raise UsageError(f"the baseline {baselines[0]} holds no resources to be compared or mapped", hint=hint)
    for side in sides:
        _require_side(side)
    chosen = baselines[0] if baselines else baseline or DEFAULT_BASELINE
    policy = pipeline.load_policy(chosen, rule=rule, rules_dir=rules_dir)
    pairs = load_map(names) if names is not None else NameMap()

    def opened(side: Target) -> Snapshot | Baseline:
        if is_baseline(side):
            return policy.baseline
        return side if isinstance(side, Snapshot) else pipeline.collect(side, progress=progress, **options)

    return compare(opened(reference), opened(current), policy, names=pairs, everything=everything, progress=progress)


def is_baseline(side: Target) -> bool:
    """Whether a side is a baseline: a YAML file, or the name of a shipped one that no file or folder has."""
    if isinstance(side, Snapshot):
        return False
    path = Path(side)
    if path.exists():
        return path.is_file() and path.suffix in (".yaml", ".yml")
    return str(side) in baseline_names(data_dir("rules") / "baselines")


def _require_side(side: Target) -> None:
    """Raise TargetError for what is nothing at all and looks like the name of a baseline."""
    if isinstance(side, Snapshot) or Path(side).exists():
        return
    known = baseline_names(data_dir("rules") / "baselines")
    near = difflib.get_close_matches(str(side), known, 1)
    if near and str(side) not in known:
        raise TargetError(
            f"there is no file, folder or baseline {str(side)!r}; did you mean {near[0]!r}?",
            hint=f"Shipped baselines: {', '.join(sorted(known))}.",
        )


def compare(
    reference: Snapshot | Baseline,
    current: Snapshot | Baseline,
    policy: Policy,
    *,
    names: NameMap = NameMap(),  # noqa: B008 - frozen, and empty
    everything: bool = False,
    progress: Progress | None = None,
) -> Delta:
    """What changed from the reference to the current side; at most one of them is the policy's baseline."""
    if isinstance(reference, Baseline):
        if isinstance(current, Baseline):
            raise UsageError("two baselines hold no resources to compare")
        return _Judged(current, policy).delta(reversed_=False)
    if isinstance(current, Baseline):
        return _Judged(reference, policy).delta(reversed_=True)
    return _Compared(reference, current, policy, names, everything, progress or Silent()).delta()


class _Gathered:
    """What both kinds of comparison share: how a difference is told, and what goes into a delta."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.differences: list[Difference] = []
        self.not_compared: list[Difference] = []
        self._statements: dict[str, list[str]] = {}
        for statement in policy.baseline.statements:
            for rule in statement.rules:
                self._statements.setdefault(rule, []).append(statement.id)

    def take(self, subject: Subject, found: Iterable[Found]) -> None:
        """Note differences on a store. What a side can never show, and the baseline does not require, is set apart."""
        for one in found:
            required = any(self.policy.baseline.setting(rule).effect == "require" for rule in one.rules)
            apart = one.drift is Drift.UNKNOWN and one.unseen and not required
            (self.not_compared if apart else self.differences).append(self._difference(subject, one))

    def _difference(self, subject: Subject, found: Found) -> Difference:
        statements = dict.fromkeys(name for rule in found.rules for name in self._statements.get(rule, ()))
        return Difference(
            subject,
            found.path,
            found.reference,
            found.current,
            found.drift,
            found.rules,
            tuple(statements),
            found.reason,
            found.origin,
            found.reference_origin,
        )

    def made(self, reference: Side, current: Side, **rest: Any) -> Delta:
        """The delta."""
        baseline = self.policy.baseline
        touched = {rule for one in (*self.differences, *self.not_compared) for rule in one.rules}
        return Delta(
            __version__,
            snapshot.now(),
            reference,
            current,
            baseline.id,
            baseline.title,
            tuple(self.differences),
            not_compared=tuple(self.not_compared),
            rules={
                name: pipeline.rule_info(rule, baseline) for name, rule in self.policy.rules.items() if name in touched
            },
            **rest,
        )


# ── a collection and a collection ────────────────────────────────────────────────────────────────────────────────────


class _Compared(_Gathered):
    """Two collections. The reference's stores are kept at hand; the current ones are gone through twice."""

    def __init__(
        self,
        reference: Snapshot,
        current: Snapshot,
        policy: Policy,
        names: NameMap,
        everything: bool,
        progress: Progress,
    ) -> None:
        super().__init__(policy)
        self.reference = View(reference, policy)
        self.current = View(current, policy)
        self.names = names
        self.everything = everything
        self.progress = progress

    def delta(self) -> Delta:
        """Match the stores, then compare each pair."""
        references = list(self.reference.stores())
        left = [key_of(store, subject_of(store)) for store in references]
        right = [key_of(store, subject_of(store)) for store in self.current.stores()]
        matching = match(left, right, self.names)
        comparison = StoreComparison(self.reference, self.current, everything=self.everything)
        for number, store in enumerate(self.current.stores()):
            if number in matching.pairs:
                self.take(right[number].subject, comparison.compare(references[matching.pairs[number]], store))
            if number % 500 == 499:
                self.progress.update("Comparing resources", done=number + 1, total=len(right))
        only_reference = [left[number].subject for number in matching.only_reference]
        only_current = [right[number].subject for number in matching.only_current]
        for keys, doubtful, gone in (
            (left, matching.doubtful_references, True),
            (right, matching.doubtful_currents, False),
        ):
            for number, reason in doubtful.items():
                self._untold(keys[number].subject, reason, gone=gone)
        return self.made(
            _side(self.reference, len(left)),
            _side(self.current, len(right)),
            only_in_reference=tuple(self._alone(only_reference, self.current, gone=True)),
            only_in_current=tuple(self._alone(only_current, self.reference, gone=False)),
            compared=len(matching.pairs),
            everything=self.everything,
            unused_map=tuple(matching.unused_map),
        )

    def _alone(self, found: Iterable[Subject], other: View, *, gone: bool) -> Iterator[Subject]:
        """The stores that the other side does not have, without those it may be hiding, or may never deploy."""
        for subject in found:
            reason = other.hides(subject)
            if reason:
                self._untold(subject, f"not all was read: {reason}", gone=gone)
            elif subject.condition is not None:
                reason = f"it is declared under a condition that is not decided: {subject.condition}"
                self._untold(subject, reason, gone=gone)
            else:
                yield subject

    def _untold(self, subject: Subject, reason: str, *, gone: bool) -> None:
        self.take(subject, [one_sided(WHOLE, subject.id, subject.origin, gone=gone).untold(Unknown(reason))])


def _side(view: View, resources: int) -> Side:
    targets = view.collected.targets
    return Side(", ".join(targets), view.collected.generated_at, resources, tuple(view.beside.gaps))


# ── a baseline and a collection ──────────────────────────────────────────────────────────────────────────────────────


class _Judged(_Gathered):
    """A collection held against what the baseline requires: the engine's findings, told as differences from it."""

    def __init__(self, collected: Snapshot, policy: Policy) -> None:
        super().__init__(policy)
        self.view = View(collected, policy)

    def delta(self, *, reversed_: bool) -> Delta:
        """Judge every store; `reversed_` where the collection is the reference, and the baseline what it became."""
        compared = 0
        for store in self.view.stores():
            subject = subject_of(store)
            compared += 1
            for finding in self.view.judge(store, subject):
                self.take(subject, (_turned(one) if reversed_ else one for one in _from_required(finding)))
        baseline = self.policy.baseline
        sides = (Side(baseline.id, baseline=True), _side(self.view, compared))
        return self.made(*(reversed(sides) if reversed_ else sides), compared=compared)


def _from_required(finding: Finding) -> Iterator[Found]:
    """How a store differs from what a rule requires of it; nothing where it does not, or nothing is required."""
    match finding.outcome:
        case Outcome.FAIL:
            wanted = [one for one in finding.evidence if one.expected is not None and one.basis is not Basis.UNKNOWN]
        case Outcome.PASS:
            wanted = [one for one in finding.evidence if one.reason == EXCESS]
        case Outcome.UNKNOWN:
            wanted = [one for one in finding.evidence if one.basis is Basis.UNKNOWN][:1]
        case _:
            return
    for one in wanted:
        drift = {Outcome.FAIL: Drift.WEAKER, Outcome.PASS: Drift.STRONGER}.get(finding.outcome, Drift.UNKNOWN)
        degrees = parse_degrees(one.expected, one.observed)
        if degrees is not None and degrees[1] > degrees[0]:
            # Another word than the one asked for can be a higher degree of the same thing.
            drift = Drift.STRONGER
        reason = finding.message if drift is Drift.UNKNOWN else "" if one.reason == EXCESS else one.reason
        origin = finding.origin_of(one)
        yield Found(one.path, one.expected, one.observed, drift, (finding.rule,), reason, False, None, origin)


def _turned(found: Found) -> Found:
    return found._replace(
        reference=found.current,
        current=found.reference,
        drift=found.drift.reversed,
        reference_origin=found.origin,
        origin=found.reference_origin,
    )

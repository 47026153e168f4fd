"""The engine: compiled conditions, three-valued evaluation, and the evidence a verdict rests on.

A rule is compiled once against a baseline. On a resource it first reads every value its conditions can look at;
resources that agree on all of them share one decision, so that a large estate costs little more than the reading. The
decision itself follows Kleene's logic and collects the evidence that explains it: what made an `allOf` false, what made
an `anyOf` true, or what was unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from auditor import quantities
from auditor.catalog import Catalog
from auditor.model import Basis, Evidence, Finding, Origin, Outcome, Resource, Severity, Subject, Unknown
from auditor.reading import ABSENT, MAX_ITEMS_SHOWN, Defaulted, Estate, Item, Reader, Reading, dotted, shown, words
from auditor.rules import (
    Accessor,
    AllOf,
    AnyOf,
    Applicability,
    Baseline,
    Condition,
    Count,
    Not,
    ParameterRef,
    Rule,
    Setting,
    Test,
)

MAX_WORLDS: Final = 64
"""Combinations of possible values that are judged before a store counts as undecided."""
MAX_DECISIONS: Final = 4096
"""Decisions kept for each rule and resource type; beyond it (unknowns with request ids) they are computed anew."""

Truth = bool | Unknown


class _Proof(NamedTuple):
    """The truth of a condition and the evidence that explains it."""

    truth: Truth
    evidence: tuple[Evidence, ...]


class _Decision(NamedTuple):
    """What a rule concludes from a set of values."""

    outcome: Outcome
    severity: Severity
    message: str
    evidence: tuple[Evidence, ...]


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "atLeast": lambda value, bound: value >= bound,
    "atMost": lambda value, bound: value <= bound,
    "moreThan": lambda value, bound: value > bound,
    "lessThan": lambda value, bound: value < bound,
}

_PHRASE: Final = {"atLeast": "at least", "atMost": "at most", "moreThan": "more than", "lessThan": "less than"}
_PRESENCE: Final = ("set", "not set")
EXCESS: Final = "more than expected"
_REGION_NAMES: Final = ("region", "location", "locationName")


def _fold(value: Any, *, region: bool) -> Any:
    """The form two values are compared in: text without case, regions without spaces, `"true"` as true."""
    if isinstance(value, str):
        text = value.strip().casefold()
        if region:
            return text.partition("(")[0].replace(" ", "")
        return {"true": True, "false": False}.get(text, text)
    return value


def _same(value: Any, other: Any, *, region: bool) -> Truth:
    """Whether two plain values are the same. Values of different kinds cannot be told: nobody knows what was meant."""
    for one in (value, other):
        if not isinstance(one, str | bool | int | float):
            return Unknown(f"{shown(one)!r} is no plain value")
    left, right = _fold(value, region=region), _fold(other, region=region)
    if isinstance(value, str) and isinstance(other, str):
        numbers = quantities.as_number(left), quantities.as_number(right)
        return left == right if None in numbers else numbers[0] == numbers[1]
    if isinstance(left, bool) and isinstance(right, bool):
        return left is right
    if not (isinstance(left, bool) or isinstance(right, bool)):
        numbers = quantities.as_number(left), quantities.as_number(right)
        if None not in numbers:
            return numbers[0] == numbers[1]
    wanted = "neither true nor false" if isinstance(right, bool) else f"no {_kind(other)}"
    return Unknown(f"{shown(value)!r} is {wanted}")


def _kind(value: Any) -> str:
    return "text" if isinstance(value, str) else "number"


def _any_of(value: Any, others: Any, *, region: bool) -> Truth:
    """Whether a value is among others."""
    if not isinstance(others, list | tuple):
        return Unknown(f"{shown(others)!r} is no list")
    truths = [_same(value, one, region=region) for one in others]
    return True if True in truths else next((truth for truth in truths if isinstance(truth, Unknown)), False)


def _ordered(test: Test, value: Any, bound: Any) -> Truth:
    """A comparison by order, in the test's type."""
    if test.type == "redundancy":
        left, right = quantities.parse_redundancy(value), quantities.parse_redundancy(bound)
        if left is None or right is None:
            return Unknown(f"{shown(value if left is None else bound)!r} is no redundancy this tool knows")
        return _COMPARE[test.operator](left, right)
    left_number = quantities.parse_tier(value) if test.type == "tier" else quantities.as_number(value)
    right_number = quantities.as_number(bound)
    if test.unit:
        # Nothing lasts a negative time; APIs say -1 for "off" or "never".
        left_number, right_number = (n if n is None or n >= 0 else None for n in (left_number, right_number))
    if left_number is None or right_number is None:
        what = f"number of {test.unit}" if test.unit else "tier this tool knows" if test.type == "tier" else "number"
        return Unknown(f"{shown(value if left_number is None else bound)!r} is no {what}")
    if test.unit:
        left_number *= quantities.UNITS[test.unit]
    return _COMPARE[test.operator](left_number, right_number)


def _compare(test: Test, value: Any, operand: Any, *, region: bool) -> Truth:
    """One comparison of a known, present value with a known operand."""
    match test.operator:
        case "equals":
            return _same(value, operand, region=region)
        case "notEquals":
            return _not(_same(value, operand, region=region))
        case "in":
            return _any_of(value, operand, region=region)
        case "notIn":
            return _not(_any_of(value, operand, region=region))
    return _ordered(test, value, operand)


def _not(truth: Truth) -> Truth:
    return truth if isinstance(truth, Unknown) else not truth


def _agree(truths: Iterable[Truth], unknown: Unknown) -> Truth:
    """The truth all possible values agree on, or the unknown itself."""
    seen = set()
    for truth in truths:
        if isinstance(truth, Unknown):
            return unknown
        seen.add(truth)
    return seen.pop() if len(seen) == 1 else unknown


def _kleene(proofs: list[_Proof], decisive: bool) -> _Proof:
    """All (decisive False) or any (decisive True) of several proofs, keeping the evidence that explains it."""
    found = [p for p in proofs if p.truth is decisive]
    if found:
        return _Proof(decisive, _joined(found))
    unknown = [p for p in proofs if isinstance(p.truth, Unknown)]
    if unknown:
        # A read that failed outweighs what the source could never have shown.
        worst = next(
            (p.truth for p in unknown if isinstance(p.truth, Unknown) and not p.truth.unseen), unknown[0].truth
        )
        return _Proof(worst, _joined(unknown))
    return _Proof(not decisive, _joined(proofs))


def _joined(proofs: Iterable[_Proof]) -> tuple[Evidence, ...]:
    """All evidence, each piece once (its values need not be hashable); that a value is there goes without saying."""
    result: list[Evidence] = []
    result.extend(evidence for evidence in _concat(proofs) if evidence not in result)
    compared = {evidence.path for evidence in result if evidence.expected not in _PRESENCE}
    return tuple(evidence for evidence in result if evidence.expected not in _PRESENCE or evidence.path not in compared)


def _concat(proofs: Iterable[_Proof]) -> tuple[Evidence, ...]:
    return tuple(evidence for proof in proofs for evidence in proof.evidence)


# ── one rule under one baseline ──────────────────────────────────────────────────────────────────────────────────────


class CompiledRule:
    """A rule with a baseline's setting applied, and its decisions so far."""

    def __init__(self, rule: Rule, setting: Setting, reader: Reader) -> None:
        """Apply what a baseline says of the rule; values are read by `reader`."""
        self.rule = rule
        self.effect = setting.effect
        self.severity = setting.severity or rule.severity
        self.parameters = {name: p.default for name, p in rule.parameters.items()} | dict(setting.parameters)
        self.when: tuple[Applicability, ...] = rule.when + setting.when
        self.reader = reader
        accessors: dict[Accessor, None] = {}
        for condition in (*(a.condition for a in self.when), rule.require):
            accessors.update(dict.fromkeys(_accessors(condition)))
        accessors.update(dict.fromkeys(rule.show))
        self.accessors = tuple(accessors)
        self._decisions: dict[Any, _Decision] = {}

    def holds(self, condition: Condition, store: Resource, item: Item | None = None) -> Truth:
        """Whether one of the rule's conditions holds for a store, or for an item that a count goes through."""
        return self._prove(condition, store, item).truth

    def meets(self, test: Test, value: Any) -> Truth:
        """Whether a value would meet one of the rule's tests, whose operand is no other setting."""
        operand = self.parameters[test.operand.name] if isinstance(test.operand, ParameterRef) else test.operand
        return self._meets(test, value, operand, dotted(test.accessor.path))

    def concerns(self, store: Resource) -> bool:
        """Whether there is anything to say of a store: it has what the rule is about, and what the rule reads.

        A store without a body will not exist. What it would have been cannot be judged; what is told of its going can,
        by rules that read nothing but children it has.
        """
        if self.rule.about and not self._has(store, self.rule.about):
            return False
        return store.body is not None or all(
            accessor.root in ("field", "child") and self._has(store, accessor.child) for accessor in self.accessors
        )

    def _has(self, store: Resource, child: str | None) -> bool:
        return child is not None and isinstance(self.reader.child(store, child), Resource)

    def decide(self, store: Resource, values: tuple[Any, ...]) -> _Decision:
        """The decision on a store, shared with all stores that have the same values."""
        decision = self._decisions.get(values)
        if decision is None:
            decision = self.judge(store)
            if len(self._decisions) < MAX_DECISIONS:
                self._decisions[values] = decision
        return decision

    def judge(self, store: Resource) -> _Decision:
        """The decision on a store, computed; where it is unknown, what all values it can still have agree on."""
        decision = self._judge(store)
        return decision if decision.outcome is not Outcome.UNKNOWN else self._agreed(store, decision)

    def _agreed(self, store: Resource, unknown: _Decision) -> _Decision:
        """The outcome the store has whichever of its undecided settings' possible values it gets, or `unknown`."""
        pending = self.reader.alternatives(store, self.accessors)
        messages: dict[str, None] = {}
        outcome: Outcome | None = None
        judged = 0
        while pending:
            world = pending.pop()
            decision = self._judge(world)
            judged += 1
            if decision.outcome is Outcome.UNKNOWN:
                further = self.reader.alternatives(world, self.accessors)
                if not further or judged + len(pending) + len(further) > MAX_WORLDS:
                    return unknown
                pending += further
            elif outcome is None or decision.outcome is outcome:
                outcome = decision.outcome
                messages[decision.message] = None
            else:
                return unknown
        if outcome is None:
            return unknown
        message = " or: ".join([*messages][:MAX_ITEMS_SHOWN])
        return self._decision(outcome, f"Whichever value it gets: {message}", unknown.evidence)

    def _judge(self, store: Resource) -> _Decision:
        doubt: _Proof | None = None
        for applicability in self.when:
            proof = self._prove(applicability.condition, store, None)
            if proof.truth is False:
                return self._decision(Outcome.NOT_APPLICABLE, applicability.otherwise, proof.evidence)
            if isinstance(proof.truth, Unknown) and (doubt is None or _seen_first(doubt.truth, proof.truth)):
                doubt = proof
        proof = self._prove(self.rule.require, store, None)
        if doubt is not None and not (isinstance(proof.truth, Unknown) and not proof.truth.unseen):
            proof = _Proof(doubt.truth, doubt.evidence + proof.evidence)
        evidence = proof.evidence + self._shown(store, {e.path for e in proof.evidence})
        if isinstance(proof.truth, Unknown):
            if self.effect == "report" and proof.truth.unseen:
                return self._decision(
                    Outcome.INFORMATIONAL, f"Not shown by this source: {proof.truth.reason}", evidence
                )
            return self._decision(Outcome.UNKNOWN, _why(proof), evidence)
        message = _message(proof, self.rule)
        if self.effect == "report":
            return self._decision(Outcome.INFORMATIONAL, message, evidence)
        return self._decision(Outcome.PASS if proof.truth else Outcome.FAIL, message, evidence)

    def _decision(self, outcome: Outcome, message: str, evidence: tuple[Evidence, ...]) -> _Decision:
        severity = Severity.INFO if outcome is Outcome.INFORMATIONAL else self.severity
        return _Decision(outcome, severity, message, evidence)

    def _shown(self, store: Resource, present: set[str]) -> tuple[Evidence, ...]:
        """The values a rule shows besides those that decide."""
        readings = (r for accessor in self.rule.show for r in self.reader.test(accessor, store, None))
        return tuple(_evidence(r, None) for r in readings if r.path not in present and r.value is not ABSENT)

    def _prove(self, condition: Condition, store: Resource, item: Item | None, wanted: bool = True) -> _Proof:
        """Whether a condition holds; `wanted` says whether that is what the rule asks for, or its opposite."""
        match condition:
            case AllOf(parts):
                return _kleene([self._part(part, parts, store, item, wanted) for part in parts], decisive=False)
            case AnyOf(parts):
                return self._any(parts, store, item, wanted)
            case Not(part):
                proof = self._prove(part, store, item, not wanted)
                return proof if isinstance(proof.truth, Unknown) else _Proof(not proof.truth, proof.evidence)
            case Count():
                return self._count(condition, store, wanted)
            case Test():
                return self._test(condition, store, item, wanted)

    def _part(
        self, part: Condition, parts: tuple[Condition, ...], store: Resource, item: Item | None, wanted: bool
    ) -> _Proof:
        """One part of several that must all hold. One that only guards another explains nothing by itself."""
        proof = self._prove(part, store, item, wanted)
        if not isinstance(part, Test) or part.operator != "exists" or isinstance(proof.truth, Unknown):
            return proof
        if any(isinstance(other, Test) and other is not part and other.accessor == part.accessor for other in parts):
            return _Proof(proof.truth, ())
        return proof

    def _any(self, parts: tuple[Condition, ...], store: Resource, item: Item | None, wanted: bool) -> _Proof:
        """Any part holds. A branch whose first part is false was not meant for this resource and explains nothing."""
        proofs = [self._prove(part, store, item, wanted) for part in parts]
        proof = _kleene(proofs, decisive=True)
        if proof.truth is not False:
            return proof
        meant = [
            branch
            for part, branch in zip(parts, proofs, strict=True)
            if not isinstance(part, AllOf) or self._prove(part.parts[0], store, item, wanted).truth is not False
        ]
        return _Proof(False, _joined(meant)) if meant else proof

    def _test(self, test: Test, store: Resource, item: Item | None, wanted: bool) -> _Proof:
        operand = self._operand(test.operand, store, item)
        # Nobody can change a fact, so there is nothing to expect of one that only says where a setting matters.
        expected = None if test.accessor.fact and not wanted else _expectation(test, operand, wanted)
        proofs = []
        for reading in self.reader.test(test.accessor, store, item):
            truth = self._holds(test, reading, operand)
            excess = EXCESS if truth is True and wanted and self._exceeds(test, reading, operand) else ""
            # The type and being deployed steer a condition; a reader of the report learns nothing from them.
            steers = test.accessor.path == ("type",) or test.accessor.fact == "deployed"
            evidence = _evidence(reading, expected, truth)
            evidence = evidence._replace(reason=excess) if excess and not evidence.reason else evidence
            proofs.append(_Proof(truth, () if steers else (evidence,)))
        return _kleene(proofs, decisive=False) if len(proofs) != 1 else proofs[0]

    @staticmethod
    def _exceeds(test: Test, reading: Reading, operand: Any) -> bool:
        """Whether a value that must be at least something is more than that."""
        known = test.operator == "atLeast" and not isinstance(reading.value, Defaulted | Unknown)
        stricter = Test(test.accessor, "moreThan", operand, test.unit, test.type)
        return known and not isinstance(test.operand, Accessor) and _ordered(stricter, reading.value, operand) is True

    def _operand(self, operand: Any, store: Resource, item: Item | None) -> Any:
        if isinstance(operand, ParameterRef):
            return self.parameters[operand.name]
        if isinstance(operand, Accessor):
            value = self.reader.test(operand, store, item)[0].value
            return value.value if isinstance(value, Defaulted) else value
        return operand

    def _holds(self, test: Test, reading: Reading, operand: Any) -> Truth:
        if test.unit and isinstance(test.operand, Accessor):
            number = quantities.as_number(operand)
            operand = operand if number is None else number * quantities.UNITS[test.unit]
        return self._meets(test, reading.value, operand, reading.path)

    def _meets(self, test: Test, value: Any, operand: Any, path: str) -> Truth:
        """Whether a value meets a test; of one that is one of several, what all of them agree on."""
        if isinstance(value, Unknown):
            return _agree((self._meets(test, one, operand, path) for one in value.possible), value)
        if test.operator == "exists":
            # A default of the API is not written down anywhere, so it does not exist.
            return (value is not ABSENT and value is not None and not isinstance(value, Defaulted)) is operand
        if isinstance(operand, Unknown):
            return _agree((self._meets(test, value, one, path) for one in operand.possible), operand)
        if isinstance(value, Defaulted):
            return self._meets(test, value.value, operand, path)
        if isinstance(operand, Defaulted):
            return self._meets(test, value, operand.value, path)
        if operand is ABSENT or operand is None:
            return Unknown(f"what {path} is compared with is left out")
        if value is ABSENT or value is None:
            if test.accessor.path[:1] == ("tags",):
                return test.operator in ("notEquals", "notIn")
            # No read failed: there is nothing more to be had from this source.
            return Unknown(f"{path} is left out and no default of the API is documented", unseen=True)
        return _compare(
            test, value, operand, region=test.accessor.path[-1:] != () and test.accessor.path[-1] in _REGION_NAMES
        )

    def _count(self, count: Count, store: Resource, wanted: bool) -> _Proof:
        items, missing = self.reader.items(count.items, store)
        # Where few items may be of a kind, being of that kind is what none of them should.
        many = count.operator in ("atLeast", "moreThan") or (count.operator == "equals" and count.operand != 0)
        matching: list[Item] = []
        doubtful: list[_Proof] = []
        proofs: list[_Proof] = []
        for item in items:
            proof = self._prove(count.where, store, item, many is wanted) if count.where else _Proof(True, ())
            condition = item.value.condition if isinstance(item.value, Resource) else None
            if condition is not None and proof.truth is True:
                reason = f"{item.label} is declared under a condition that is not decided: {condition}"
                proof = _Proof(Unknown(reason), proof.evidence)
            if isinstance(proof.truth, Unknown):
                doubtful.append(proof)
            elif proof.truth:
                matching.append(item)
            proofs.append(proof)
        low = len(matching)
        high = float("inf") if missing is not None else low + len(doubtful)
        bound = self._operand(count.operand, store, None)
        number = quantities.as_number(bound)
        truth: Truth | None
        if number is None:
            truth = bound if isinstance(bound, Unknown) else Unknown(f"{shown(bound)!r} is no number to compare with")
        else:
            truth = self._number(count.operator, low, high, number)
        if truth is None:
            truth = missing or next(p.truth for p in doubtful)
        name = _items_name(count.items)
        expected = f"{_PHRASE.get(_in_words(count.operator, wanted), 'exactly')} {words(shown(bound))}"
        labels = ", ".join(item.label for item in matching[:MAX_ITEMS_SHOWN])
        basis = Basis.UNKNOWN if isinstance(truth, Unknown) else Basis.EXPLICIT if items else Basis.ABSENT
        reason = truth.reason if isinstance(truth, Unknown) else labels
        observed = None if isinstance(truth, Unknown) else low
        evidence = [Evidence(name, expected, observed, basis, reason, _origin_of_items(matching))]
        details = [p for p in proofs if p.truth is True] if low else [p for p in proofs if p.truth is not True]
        if count.items.root == "field" or not low:
            evidence += _concat(details[:MAX_ITEMS_SHOWN])
        for item in matching[:MAX_ITEMS_SHOWN]:
            readings = [r for accessor in count.show for r in self.reader.test(accessor, store, item)[:MAX_ITEMS_SHOWN]]
            evidence += [_evidence(reading, None) for reading in readings if reading.value is not ABSENT]
        return _Proof(truth, tuple(evidence))

    @staticmethod
    def _number(operator: str, low: float, high: float, bound: Any) -> bool | None:
        """Whether every number from `low` to `high` meets the bound, none does, or it cannot be told."""
        if operator == "equals":
            return low == bound if low == high else None if low <= bound <= high else False
        holds = _COMPARE[operator]
        first, last = holds(low, bound), holds(high, bound)
        return first if first is last else None


def _accessors(condition: Condition) -> Iterator[Accessor]:
    """Every accessor of the store that a condition can read; a count's items stand for what is read in them."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _accessors(part)
        case Not(part):
            yield from _accessors(part)
        case Count():
            yield condition.items
            if condition.where is not None:
                yield from (Accessor("field", a.path) for a in _accessors(condition.where) if a.root == "parent")
        case Test(accessor, _, operand):
            yield accessor
            if isinstance(operand, Accessor):
                yield operand


def _doubt(item: Item) -> Unknown | None:
    """Why an item may not be there: the undecided condition it is declared under."""
    condition = item.value.condition if isinstance(item.value, Resource) else None
    return (
        None
        if condition is None
        else Unknown(f"{item.label} is declared under a condition that is not decided: {condition}")
    )


def _seen_first(known: Truth, other: Unknown) -> bool:
    return isinstance(known, Unknown) and known.unseen and not other.unseen


def _items_name(accessor: Accessor) -> str:
    if accessor.root == "related":
        return str(accessor.related)
    if accessor.root == "child":
        return str(accessor.child)
    return (f"{accessor.child}:" if accessor.child else "") + dotted(accessor.path)


def _origin_of_items(items: list[Item]) -> Origin | None:
    return items[0].value.origin if items and isinstance(items[0].value, Resource) else None


_OPPOSITE: Final = {
    "equals": "notEquals",
    "in": "notIn",
    "atLeast": "lessThan",
    "moreThan": "atMost",
}
_OPPOSITES: Final = {**_OPPOSITE, **{other: operator for operator, other in _OPPOSITE.items()}}


def _in_words(operator: str, wanted: bool) -> str:
    """The operator an expectation is worded with: the opposite one where the test is not to be met."""
    return operator if wanted else _OPPOSITES.get(operator, operator)


def _expectation(test: Test, operand: Any, wanted: bool = True) -> Any:
    """What a test wants, for people: the value itself, or a phrase."""
    operator = _in_words(test.operator, wanted)
    if isinstance(operand, Unknown | Accessor) or operand is ABSENT:
        return f"{_PHRASE.get(operator, operator)} {dotted(test.operand.path)}"
    match operator:
        case "equals":
            return operand
        case "exists":
            return _PRESENCE[operand is not wanted]
        case "notEquals":
            return not operand if isinstance(operand, bool) else f"not {words(operand)}"
        case "in":
            return "one of " + ", ".join(map(words, operand))
        case "notIn":
            return "none of " + ", ".join(map(words, operand))
    if (test.unit or test.type == "tier") and not isinstance(test.operand, Accessor):
        return f"{_PHRASE[operator]} {quantities.spoken_duration(operand)}"
    unit = f" {test.unit}" if test.unit else ""
    return f"{_PHRASE[operator]} {words(operand)}{unit}"


def _evidence(reading: Reading, expected: Any, truth: Truth | None = None) -> Evidence:
    value = reading.value
    if isinstance(value, Defaulted) and isinstance(value.value, Unknown):
        value = value.value
    origin = None
    if reading.owner is not None and reading.owner.origins:
        origin = written_at(reading.owner, reading.concrete)
    if isinstance(value, Unknown):
        observed = list({repr(one): one for one in map(shown, value.possible)}.values()) or None
        return Evidence(reading.path, expected, observed, Basis.UNKNOWN, value.reason, origin)
    if isinstance(value, Defaulted):
        return Evidence(reading.path, expected, shown(value), Basis.DEFAULT, value.note, origin)
    if value is ABSENT:
        reason = truth.reason if isinstance(truth, Unknown) else "left out"
        return Evidence(reading.path, expected, None, Basis.ABSENT, reason, origin)
    reason = truth.reason if isinstance(truth, Unknown) else ""
    return Evidence(reading.path, expected, shown(value), Basis.EXPLICIT, reason, origin)


def written_at(owner: Resource, path: str) -> Origin:
    """Where a path is written: itself, else the nearest thing around it, else the resource's declaration."""
    path = path.casefold()
    while path:
        origin = owner.origins.get(path)
        if origin is not None:
            return origin
        cut = max(path.rfind("."), path.rfind("["))
        path = path[:cut] if cut > 0 else ""
    return owner.origin


def _why(proof: _Proof) -> str:
    reasons = [e.reason for e in proof.evidence if e.basis is Basis.UNKNOWN and e.reason]
    if isinstance(proof.truth, Unknown):
        reasons.insert(0, proof.truth.reason)
    return "Not known: " + "; ".join(dict.fromkeys(reasons))[:600]


def _message(proof: _Proof, rule: Rule) -> str:
    """One sentence that names the observed values and, for a failure, what was expected."""
    parts = []
    for evidence in proof.evidence[:3]:
        observed = (
            "left out" if evidence.basis is Basis.ABSENT and evidence.observed is None else words(evidence.observed)
        )
        if evidence.basis is Basis.UNKNOWN and isinstance(evidence.observed, list):
            observed = " or ".join("left out" if one is None else words(one) for one in evidence.observed)
        text = f"{evidence.path.rpartition(':')[2].removeprefix('properties.')} is {observed}"
        if evidence.basis is Basis.DEFAULT:
            text += " by default"
        if isinstance(evidence.expected, str) and evidence.expected.startswith(tuple(_PHRASE.values())):
            text += f" ({evidence.expected} expected{', more than that' if evidence.reason == EXCESS else ''})"
        elif proof.truth is False and evidence.expected is not None:
            text += f" ({words(evidence.expected)} expected)"
        parts.append(text)
    return "; ".join(parts) or rule.title


# ── the engine ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _Plan:
    """The rules for one resource type, and the values they look at between them, each read once a store."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rules: list[CompiledRule] = []
        self._signers: dict[Accessor, tuple[int, Callable[[Resource], Any]]] = {}
        self._pick: list[Callable[[tuple[Any, ...]], tuple[Any, ...]]] = []
        self._known: dict[tuple[Any, ...], tuple[_Decision | None, ...]] = {}

    def add(self, compiled: CompiledRule) -> None:
        """Take a rule into the plan."""
        about = (Accessor("child", (), compiled.rule.about),) if compiled.rule.about else ()
        for accessor in (*compiled.accessors, *about):
            if accessor not in self._signers:
                self._signers[accessor] = (len(self._signers) + 2, self.reader.signer(accessor))
        # Positions 0 and 1 hold the api-version and the region, which defaults and facts depend on.
        self._pick.append(itemgetter(0, 1, *[self._signers[accessor][0] for accessor in compiled.accessors]))
        self.rules.append(compiled)

    def decisions(self, store: Resource) -> Iterable[_Decision | None]:
        """One decision a rule, None where it has nothing to say of the store.

        What files declare has positions of its own, so only live stores share decisions.
        """
        if not store.deployed or store.body is None:
            return [rule.judge(store) if rule.concerns(store) else None for rule in self.rules]
        values = (store.api_version, store.region, *[sign(store) for _, sign in self._signers.values()])
        known = self._known.get(values)
        if known is None:
            rules = zip(self.rules, self._pick, strict=True)
            known = tuple([rule.decide(store, pick(values)) if rule.concerns(store) else None for rule, pick in rules])
            if len(self._known) < MAX_DECISIONS:
                self._known[values] = known
        return known


class Engine:
    """Judges resources by rules under a baseline."""

    def __init__(self, rules: Mapping[str, Rule], baseline: Baseline, catalog: Catalog, estate: Estate) -> None:
        """Compile the rules the baseline does not leave out."""
        reader = Reader(catalog, estate)
        self._plans: dict[str, _Plan] = {}
        for rule in rules.values():
            setting = baseline.setting(rule.id)
            if setting.effect == "off":
                continue
            for name in rule.applies_to:
                plan = self._plans.setdefault(name.casefold(), _Plan(reader))
                plan.add(CompiledRule(rule, setting, reader))

    def rules_for(self, resource_type: str) -> Sequence[CompiledRule]:
        """The rules that judge resources of a type, in their order."""
        plan = self._plans.get(resource_type.casefold())
        return () if plan is None else plan.rules

    def evaluate(self, store: Resource, subject: Subject) -> list[Finding]:
        """One finding for each rule that applies to the store's type and concerns it, in the order of the rules."""
        plan = self._plans.get(store.type.casefold())
        if plan is None:
            return []
        return [
            Finding(compiled.rule.id, subject, *decision)
            for compiled, decision in zip(plan.rules, plan.decisions(store), strict=True)
            if decision is not None
        ]


class Judge:
    """Decides conditions on stores outside of any rule; `reader` reads settings beside them."""

    def __init__(self, catalog: Catalog, estate: Estate) -> None:
        """Judge with the defaults and facts of `catalog`, and the related resources of `estate`."""
        self.reader = Reader(catalog, estate)
        # By identity: to hash a condition is to walk through all of it. Its rule keeps it alive, so its id is its own.
        self._compiled: dict[int, CompiledRule] = {}

    def holds(self, condition: Condition, store: Resource) -> Truth:
        """Whether a condition holds; unknown settings are unknown with their reasons.

        Where all that an unknown setting can be leads to one answer, that is the answer.
        """
        rule = self._rule(condition)
        truth = rule.holds(condition, store)
        if not isinstance(truth, Unknown):
            return truth
        decision = rule.judge(store)
        if decision.outcome is Outcome.UNKNOWN:
            return Unknown(decision.message.removeprefix("Not known: "), unseen=truth.unseen)
        return decision.outcome is Outcome.PASS

    def accessors(self, condition: Condition) -> tuple[Accessor, ...]:
        """All that a condition looks at on a store."""
        return self._rule(condition).accessors

    def matching(
        self, items: Accessor, where: Condition | None, store: Resource
    ) -> tuple[tuple[Item, ...], Unknown | None]:
        """The items of an array that meet a condition, and why there may be more."""
        found, missing = self.reader.items(items, store)
        if where is None:
            return tuple(found), missing
        matching = []
        for item in found:
            truth = self._rule(where).holds(where, store, item)
            if isinstance(truth, Unknown):
                missing = missing or truth
            elif truth:
                matching.append(item)
        return tuple(matching), missing

    def _rule(self, condition: Condition) -> CompiledRule:
        compiled = self._compiled.get(id(condition))
        if compiled is None:
            rule = Rule("", "", "", Severity.INFO, (), "", {}, (), condition, (), {}, (), (), (), file="")
            compiled = self._compiled[id(condition)] = CompiledRule(rule, Setting("require"), self.reader)
        return compiled


def subject_of(store: Resource) -> Subject:
    """The part of a store a report keeps."""
    return Subject(store.id, store.type, store.name, store.region, store.origin, store.condition)

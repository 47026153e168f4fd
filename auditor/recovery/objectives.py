"""What the owner promised: recovery objectives per scenario and selection of stores, and whether they are met.

objectives:
  - id: chat-history
    stores: {type: Microsoft.DocumentDB/databaseAccounts, name: "cosmos-*", tags: {tier: gold}}
    scenarios: [item-loss, region-outage]
    rpo: PT1H          # at most this much is lost
    rto: PT4H          # at most this long until it is back
    lookback: P30D     # at least this far back
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from auditor import quantities
from auditor.documents import Reader, read_document
from auditor.model import Change, Figure, Recovery, Resource, resource_group
from auditor.reading import look_up
from auditor.recovery.analysis import Analysis
from auditor.recovery.changes import ImpossibleChangeError, changed
from auditor.recovery.knowledge import SCENARIOS
from auditor.rules import Vocabulary

MET, MISSED, CANNOT_TELL, NO_FIGURE = "met", "missed", "cannot-tell", "no-documented-figure"
_SELECTORS: Final = ("type", "name", "id", "group", "tags")
FIGURES: Final = ("rpo", "rto", "lookback")
_WORDS: Final = {"rpo": "data loss", "rto": "recovery time", "lookback": "look-back"}
MAX_PATTERN: Final = 500
MAX_TRIED: Final = 200
"""Combinations of changes tried for one missed objective."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which stores an objective is for: globs without case, all of which must match; none given selects all stores."""

    type: str = ""
    name: str = ""
    id: str = ""
    group: str = ""
    tags: Mapping[str, str] | None = None

    def covers(self, store: Resource) -> bool:
        """Whether a store is selected."""
        pairs = (
            (self.type, store.type),
            (self.name, store.name),
            (self.id, store.id),
            (self.group, resource_group(store.id)),
        )
        tags = ((pattern, look_up(store.body, ("tags", name))) for name, pattern in (self.tags or {}).items())
        return all(_matches(pattern, value) for pattern, value in pairs if pattern) and all(
            # A tag that is not there, or not known, is matched by nothing.
            isinstance(value, str) and _matches(pattern, value)
            for pattern, value in tags
        )


def _matches(pattern: str, value: str) -> bool:
    return fnmatch.fnmatchcase(value.casefold(), pattern.casefold())


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise. Figures are seconds; None promises nothing of that kind. `place` is `file:line`."""

    id: str
    stores: Selection
    scenarios: tuple[str, ...]
    rpo: float | None
    rto: float | None
    lookback: float | None
    place: str


@dataclass(frozen=True, slots=True)
class Objectives:
    """The promises of one file, and the document they stand in, for errors that name a line."""

    objectives: tuple[Objective, ...]
    reader: Reader

    def of(self, store: Resource, scenario: str) -> Objective | None:
        """What was promised of a store in a scenario. Raises PolicyError when two objectives say different things."""
        found = [one for one in self.objectives if scenario in one.scenarios and one.stores.covers(store)]
        if not found:
            return None
        first = found[0]
        for other in found[1:]:
            if (other.rpo, other.rto, other.lookback) != (first.rpo, first.rto, first.lookback):
                self._fail(other, f"contradicts {first.id!r} ({first.place}): both are for {store.name} in {scenario}")
        return first

    def require_stores(self, stores: Sequence[Resource]) -> None:
        """See that every objective is for a store that is there, where there is any. Raises PolicyError."""
        for one in self.objectives:
            if stores and not any(one.stores.covers(store) for store in stores):
                self._fail(one, f"objective {one.id!r} is for no store that was read")

    def _fail(self, objective: Objective, message: str) -> NoReturn:
        self.reader.fail(f"/objectives/{self.objectives.index(objective)}", message)


def load_objectives(path: Path, vocabulary: Vocabulary) -> Objectives:
    """Read a file of objectives. Raises PolicyError with file and line."""
    reader = Reader(read_document(path))
    reader.mapping("", ("title", "objectives"), ("objectives",))
    count = reader.length("/objectives")
    if not count:
        reader.fail("/objectives", "expected at least one objective")
    objectives = tuple(_objective(reader, f"/objectives/{index}", vocabulary) for index in range(count))
    seen: dict[str, Objective] = {}
    for index, one in enumerate(objectives):
        if one.id in seen:
            reader.fail(
                f"/objectives/{index}/id", f"there are two objectives {one.id!r}; the first is {seen[one.id].place}"
            )
        seen[one.id] = one
    return Objectives(objectives, reader)


def _objective(reader: Reader, at: str, vocabulary: Vocabulary) -> Objective:
    body = reader.mapping(at, ("id", "stores", "scenarios", "note", *FIGURES), ("id", "scenarios"))
    figures = {name: _duration(reader, f"{at}/{name}") if name in body else None for name in FIGURES}
    if all(value is None for value in figures.values()):
        reader.fail(at, f"promises nothing; give one of {', '.join(FIGURES)}")
    return Objective(
        id=reader.text(f"{at}/id"),
        stores=_selection(reader, f"{at}/stores", vocabulary) if "stores" in body else Selection(),
        scenarios=_scenarios(reader, f"{at}/scenarios"),
        place=f"{reader.document.file}:{reader.document.lines.get(at, 1)}",
        **figures,
    )


def _scenarios(reader: Reader, at: str) -> tuple[str, ...]:
    if reader.get(at) == "all":
        return tuple(SCENARIOS)
    names = [reader.text(f"{at}/{index}") for index in range(reader.length(at))]
    for index, name in enumerate(names):
        if name not in SCENARIOS:
            reader.unknown(f"{at}/{index}", name, SCENARIOS, "scenario")
    if not names:
        reader.fail(at, "expected scenarios, or all")
    return tuple(names)


def _selection(reader: Reader, at: str, vocabulary: Vocabulary) -> Selection:
    body = reader.mapping(at, _SELECTORS)
    texts = {key: _pattern(reader, f"{at}/{key}") for key in body if key != "tags"}
    kind = texts.get("type", "")
    known = {name.casefold() for name in vocabulary.types}
    if kind and known and not any(fnmatch.fnmatchcase(name, kind.casefold()) for name in known):
        reader.unknown(f"{at}/type", kind, vocabulary.types, "resource type")
    tags = None
    if "tags" in body:
        if not reader.mapping(f"{at}/tags", None):
            reader.fail(f"{at}/tags", "expected at least one tag")
        tags = {name: _pattern(reader, f"{at}/tags/{name}") for name in reader.mapping(f"{at}/tags", None)}
    return Selection(**texts, tags=tags)


def _pattern(reader: Reader, at: str) -> str:
    text = reader.text(at)
    if len(text) > MAX_PATTERN or text.count("*") > 16:
        reader.fail(at, f"a pattern has at most {MAX_PATTERN} characters and 16 stars")
    return text


def _duration(reader: Reader, at: str) -> float:
    try:
        return quantities.parse_duration(reader.text(at))
    except ValueError as error:
        reader.fail(at, str(error))


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def judged(row: Recovery, objective: Objective) -> Recovery:
    """The row with the objective's verdict on it."""
    verdict, reason = _verdict(row, objective)
    return row._replace(objective=objective.id, verdict=verdict, verdict_reason=reason)


def _verdict(row: Recovery, objective: Objective) -> tuple[str, str]:
    if row.recoverable == "unknown":
        return CANNOT_TELL, row.reason
    if row.recoverable != "yes":
        why = "the data does not come back" if row.recoverable == "no" else "what there is is best effort only"
        return MISSED, f"{why}: {row.reason}"
    verdicts = [
        _compared(name, getattr(row, name), promised)
        for name in FIGURES
        if (promised := getattr(objective, name)) is not None
    ]
    for worst in (MISSED, CANNOT_TELL, NO_FIGURE):
        reasons = [reason for verdict, reason in verdicts if verdict == worst]
        if reasons:
            return worst, "; ".join(reasons)
    return MET, "; ".join(reason for _, reason in verdicts)


def _compared(name: str, figure: Figure, promised: float) -> tuple[str, str]:
    wanted = f"{'at least' if name == 'lookback' else 'at most'} {quantities.spoken_duration(promised)} promised"
    word = _WORDS[name]
    if not figure.known:
        return CANNOT_TELL, f"{word} is not known ({figure.reason}), {wanted}"
    if figure.seconds is None:
        return NO_FIGURE, f"{word}: {figure.reason}, {wanted}"
    far = figure.seconds == float("inf")
    said = "without limit" if far else quantities.spoken_duration(figure.seconds)
    short = promised - figure.seconds if name == "lookback" else figure.seconds - promised
    if short > 0:
        by = "" if far else f", {quantities.spoken_duration(short)} {'short' if name == 'lookback' else 'more'}"
        return MISSED, f"{word} is {said}, {wanted}{by}"
    return MET, f"{word} is {said}, {wanted}"


class Outlook(NamedTuple):
    """What would meet a missed objective: changes, or time alone, or nothing we know of; `text` says which."""

    changes: tuple[Change, ...]
    text: str


def would_meet(row: Recovery, objective: Objective, store: Resource, analysis: Analysis) -> Outlook:
    """The easiest changes of settings after which a missed objective is met, tried one by one and in pairs.

    What the service says of today is left aside: a protection that was just switched on has yet to grow.
    """
    if store.deployed and _met(store, row.scenario, objective, analysis):
        return Outlook((), "by its settings it will be met in time")
    for together in _tried(analysis.proposals(store)):
        try:
            after = store
            for change in together:
                after = changed(after, change.settings)
        except ImpossibleChangeError:
            continue
        if _met(after, row.scenario, objective, analysis):
            return Outlook(together, "a change would meet it" if len(together) == 1 else "two changes would meet it")
    return Outlook((), "no change of settings that is known here would meet it")


def _met(store: Resource, scenario: str, objective: Objective, analysis: Analysis) -> bool:
    return any(_verdict(row, objective)[0] == MET for row in analysis.choices(store, scenario, evidence=False))


def _tried(proposals: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """The changes alone and in pairs, those that take the least effort together first."""
    together: list[tuple[Change, ...]] = [(one,) for one in proposals]
    together += combinations(proposals, 2)
    yield from sorted(together, key=lambda changes: sum(change.effort for change in changes))[:MAX_TRIED]

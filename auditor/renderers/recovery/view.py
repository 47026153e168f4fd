"""The recovery analysis for people: a matrix of stores and scenarios, and each cell in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from auditor.model import Change, Figure, Recovery, StoreRecovery, Subject
from auditor.quantities import spoken_duration
from auditor.renderers.values import spoken

SCENARIOS: Final[Mapping[str, tuple[str, str]]] = {
    "item-loss": ("Item", "An item is overwritten or deleted"),
    "container-loss": ("Container", "A container, share, database or secret is deleted"),
    "store-loss": ("Store", "The account, vault or store is deleted"),
    "malicious-purge": ("Purge", "An insider deletes and purges"),
    "late-corruption": ("Corruption", "Corruption is found only after a time"),
    "zone-outage": ("Zone", "A zone is down"),
    "region-outage": ("Region", "A region is down"),
    "protection-attack": ("Attack", "The protections are switched off first, then the data"),
    "subscription-loss": ("Subscription", "The subscription or tenant is lost"),
}
"""A short name and a sentence for each scenario of the contract."""
SYMBOLS: Final = {"yes": "✓", "best-effort": "~", "unknown": "?", "no": "✗"}
WORDS: Final = {"yes": "Recoverable", "best-effort": "Best effort only", "unknown": "Cannot be told", "no": "Lost"}
OUTAGES: Final = ("zone-outage", "region-outage")
DOWN: Final = "Down until it is over, and lost at worst"
"""What an outage does to a store that nothing brings back meanwhile."""
TONES: Final = {"yes": "pass", "best-effort": "waived", "unknown": "unknown", "no": "fail"}
_ACTORS: Final = {
    "nobody": "happens by itself",
    "self-service": "you restore it",
    "support": "a support ticket restores it",
    "microsoft": "Microsoft decides",
}
NO_FURTHER: Final = "no further than now"
_YEAR: Final = 365 * 86_400
_TICKS: Final = (
    (60, "now"),
    (3_600, "1 hour"),
    (86_400, "1 day"),
    (7 * 86_400, "7 days"),
    (30 * 86_400, "30 days"),
    (_YEAR, "1 year"),
)
_VERDICTS: Final = {
    "met": "met",
    "missed": "missed",
    "cannot-tell": "cannot be told",
    "no-documented-figure": "no documented figure",
}


_URGENCY: Final = {"missed": 0, "cannot-tell": 1, "no-documented-figure": 2, "met": 3}
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Cell(NamedTuple):
    """One scenario of one store. Figures are in words; `changes` are settings in words, with cost and caveat.

    `short` is the figure that tells most: how far back, and where nothing reaches back how much is lost.
    """

    scenario: str
    title: str
    recoverable: str
    symbol: str
    word: str
    tone: str
    rpo: str
    rto: str
    lookback: str
    by: str
    row: Recovery
    changes: tuple[str, ...]
    verdict: str
    short: str


class Bar(NamedTuple):
    """How far back a scenario can be undone, on a logarithmic line from now (0) to a year and more (1000).

    `start` is the moment of the last recoverable state (what lies before it is lost), `end` the earliest one.
    """

    scenario: str
    short: str
    tone: str
    start: float
    end: float
    text: str


class Line(NamedTuple):
    """One store, with a cell for each scenario, and bars for those that reach back."""

    subject: Subject
    cells: tuple[Cell, ...]
    bars: tuple[Bar, ...]


class Matrix(NamedTuple):
    """All stores; `counts` are how many cells are recoverable, best effort, unknown and lost, `ticks` those of bars.

    `promised` are the cells with an objective, those that are missed first.
    """

    scenarios: Mapping[str, tuple[str, str]]
    lines: tuple[Line, ...]
    counts: Mapping[str, int]
    verdicts: Mapping[str, int]
    ticks: tuple[tuple[float, str], ...]
    promised: tuple[tuple[Subject, Cell], ...]


def matrix(stores: Iterable[StoreRecovery]) -> Matrix:
    """The rows of stores for people."""
    known: dict[int, Cell] = {}
    lines = []
    counts: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for store in stores:
        cells = []
        for row in store.scenarios:
            cell = known.get(id(row))
            if cell is None:
                cell = known[id(row)] = _cell(row)
            cells.append(cell)
            counts[row.recoverable] += 1
            verdicts[row.verdict] += bool(row.verdict)
        lines.append(Line(store.subject, tuple(cells), tuple(_bars(store.scenarios))))
    told = {said: verdicts[word] for word, said in _VERDICTS.items() if verdicts[word]}
    promised = [(line.subject, cell) for line in lines for cell in line.cells if cell.verdict]
    promised.sort(key=lambda one: _URGENCY[one[1].row.verdict])
    ticks = tuple((_at(seconds), word) for seconds, word in _TICKS)
    return Matrix(SCENARIOS, tuple(lines), counts, told, ticks, tuple(promised))


def _bars(rows: tuple[Recovery, ...]) -> Iterator[Bar]:
    for row in rows:
        back, lost = row.lookback.seconds, row.rpo.seconds
        if back and row.recoverable in ("yes", "best-effort"):
            text = f"{SCENARIOS[row.scenario][1]}: reaches back {in_words(row.lookback)}; lost: {in_words(row.rpo)}"
            yield Bar(
                row.scenario, SCENARIOS[row.scenario][0], TONES[row.recoverable], _at(lost or 0.0), _at(back), text
            )


def _at(seconds: float) -> float:
    """The place of a moment so many seconds ago, from 0 to 1000; 1 minute and less is 0, a year is 960."""
    if math.isinf(seconds):
        return 1000.0
    return round(min(1000.0, 960 * math.log(max(seconds, 60) / 60) / math.log(_YEAR / 60)), 1)


def _cell(row: Recovery) -> Cell:
    lost = row.recoverable in ("no", "unknown")
    by = "" if lost else ", ".join(filter(None, (row.title, _ACTORS.get(row.actor, row.actor))))
    return Cell(
        row.scenario,
        SCENARIOS[row.scenario][1],
        row.recoverable,
        SYMBOLS[row.recoverable],
        DOWN if row.recoverable == "no" and row.scenario in OUTAGES else WORDS[row.recoverable],
        TONES[row.recoverable],
        "" if lost else in_words(row.rpo),
        "" if lost else in_words(row.rto),
        "" if lost else NO_FURTHER if row.lookback.seconds == 0 else in_words(row.lookback),
        by,
        row,
        tuple(map(change_in_words, row.changes)),
        _VERDICTS.get(row.verdict, ""),
        "" if lost else _short(row.lookback if row.lookback.seconds != 0 else row.rpo, most=not row.lookback.seconds),
    )


def _short(figure: Figure, *, most: bool) -> str:
    """A figure in a few characters, rounded to the worse side: up where it is `most`, down otherwise."""
    seconds = figure.seconds
    if seconds is None:
        return "–"
    if math.isinf(seconds):
        return "∞"
    size, unit = next((one for one in _UNITS if seconds >= one[0]), (1, "s"))
    return f"{math.ceil(seconds / size) if most else math.floor(seconds / size)} {unit}"


def in_words(figure: Figure) -> str:
    """A figure for people, with what qualifies it."""
    if not figure.known:
        return f"not known: {figure.reason}"
    if figure.seconds is None:
        return figure.reason or "no documented figure"
    number = "no limit" if math.isinf(figure.seconds) else spoken_duration(figure.seconds)
    if not figure.seconds:
        number = "none"
    return f"{number} ({figure.reason})" if figure.reason else number


def change_in_words(change: Change) -> str:
    """What to set, what it costs, and what cannot be undone."""
    settings = ", ".join(f"{path} = {spoken(value)}" for path, value in change.settings.items())
    parts = (f"{change.title}: {settings}", f"Cost: {change.cost}", change.caveat)
    return ". ".join(part.rstrip(".") for part in parts if part) + "."

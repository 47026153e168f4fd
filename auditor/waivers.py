"""Waivers: approved exceptions laid over findings, which keep their outcome.

What has run out, lives too long or holds for too much does not count, and is told of; so is what nothing needs any
more. A waivers file is read here; inline waivers come with the resources (`auditor.directives`). Both are held to the
same `Terms`.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditor import quantities
from auditor.directives import is_date
from auditor.documents import Reader, describe, read_document
from auditor.errors import PolicyError, UsageError
from auditor.model import Finding, Origin, Outcome, Resource, Unknown, Waiver, WaiverState

MAX_BYTES: Final = 8_000_000
MAX_NODES: Final = 400_000
MAX_PATTERN: Final = 1_000
"""Characters of a pattern."""
MAX_STARS: Final = 16
"""Stars of a pattern."""
MAX_TEXT: Final = 4_000
"""Characters of an id, a name or a tag; Azure's are shorter, and no pattern matches a longer one."""
KEYS: Final = ("rule", "resource", "tags", "reason", "owner", "ticket", "created", "expires")

_WILD: Final = re.compile(r"[*?\[\]]")
_NEEDED: Final = (Outcome.FAIL, Outcome.UNKNOWN)
# Two of everything a pattern can name: what fits both names nothing.
_SOME_IDS: Final = tuple(
    f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{{}}/{name}"
    for subscription, group, name in (("0" * 8, "q1", "w2"), ("f" * 8, "5z", "8v"))
)
_SOME_NAMES: Final = ("w2", "8v")


# ── what a waiver is held to ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Terms:
    """What waivers are held to: the day in UTC, the rules there are, how long one may live, whether inline ones count.

    `rules` maps the ids there are to the resource types each is about; empty, it takes any id. `longest` is in seconds.
    """

    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    rules: Mapping[str, Collection[str]] = field(default_factory=dict)
    longest: int | None = None
    inline: bool = True

    def within(self, longest: int | None) -> Terms:
        """The same with another limit to a waiver's life; the shorter one holds."""
        limits = [limit for limit in (self.longest, longest) if limit is not None]
        return replace(self, longest=min(limits, default=None))


def day_of(moment: datetime) -> date:
    """The day a moment (which knows its time zone) is in, in UTC: waivers count to its last second."""
    return moment.astimezone(UTC).date()


def longest_of(text: str) -> int:
    """Seconds of the longest life a waiver may have. Raises ValueError for what is no duration of a day or more."""
    seconds = quantities.parse_duration(text)
    if seconds < quantities.UNITS["days"]:
        raise ValueError(f"{text!r} is less than a day")
    return seconds


def given_longest(text: str) -> int | None:
    """The same for what a command line gives, where an empty text sets no limit. Raises UsageError."""
    try:
        return longest_of(text) if text else None
    except ValueError as error:
        raise UsageError(f"the longest life of a waiver: {error}", hint="For example P90D.") from None


def judged(waiver: Waiver, terms: Terms) -> Waiver:
    """The waiver with what becomes of it under the terms, and the reason where it does not count."""
    if waiver.state is not WaiverState.ACTIVE:
        return waiver
    state, note = _judgement(waiver, terms)
    return replace(waiver, state=state, note="; ".join(filter(None, (waiver.note, note))))


def _judgement(waiver: Waiver, terms: Terms) -> tuple[WaiverState, str]:
    if waiver.rule != "*" and terms.rules and waiver.rule not in terms.rules:
        near = difflib.get_close_matches(waiver.rule, [*terms.rules], 1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        return WaiverState.MALFORMED, f"unknown rule {waiver.rule!r}{guess}"
    if not is_date(waiver.expires) or not is_date(waiver.created or waiver.expires):
        return WaiverState.MALFORMED, "its dates are none such as 2027-06-30"
    flaw = next(filter(None, map(pattern_flaw, (waiver.resource, *(glob for _, glob in waiver.tags)))), "")
    if flaw:
        return WaiverState.MALFORMED, flaw
    if waiver.inline and not terms.inline:
        return WaiverState.SWITCHED_OFF, "inline waivers do not count in this run"
    expires = date.fromisoformat(waiver.expires)
    if expires < terms.today:
        return WaiverState.EXPIRED, f"its last day was {waiver.expires}"
    everywhere = _names_nothing(waiver, terms)
    if everywhere and waiver.rule == "*":
        return WaiverState.TOO_BROAD, "every rule, and no resource in particular; name the rule, or the resources"
    # A day that is still to come would make any life short.
    begins = min(date.fromisoformat(waiver.created), terms.today) if waiver.created else terms.today
    if terms.longest is not None and expires - begins > timedelta(seconds=terms.longest):
        since = f"{begins}" if waiver.created else "today"
        longest = quantities.spoken_duration(terms.longest)
        return WaiverState.TOO_LONG, f"lives {(expires - begins).days} days from {since}; the longest is {longest}"
    return WaiverState.ACTIVE, "holds for every resource there is or will be" if everywhere else ""


def days_left(waiver: Waiver, today: date) -> int:
    """The days after today to the last one on which a waiver counts; negative once it has expired."""
    return (date.fromisoformat(waiver.expires) - today).days


# ── patterns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def pattern_flaw(pattern: str) -> str:
    """What is wrong with a pattern; empty when nothing is."""
    if len(pattern) > MAX_PATTERN:
        return f"the pattern is longer than {MAX_PATTERN:,} characters"
    return f"the pattern has more than {MAX_STARS} stars" if pattern.count("*") > MAX_STARS else ""


def fits(pattern: str, text: str) -> bool:
    """Whether a glob (`*`, `?`, `[…]`; a star takes slashes too) fits the whole of a text, with their case as it is.

    In the pattern Python makes of a glob each star settles on the first place it can, and never goes back, so that the
    time is bounded by the product of both lengths, which are bounded themselves.
    """
    if _WILD.search(pattern) is None:
        return pattern == text
    return len(text) <= MAX_TEXT and _compiled(pattern).match(text) is not None


@functools.lru_cache(4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def _fits_resource(pattern: str, resource_id: str, name: str) -> bool:
    pattern = pattern.casefold()
    return not pattern or fits(pattern, (resource_id if "/" in pattern else name).casefold())


def _names_nothing(waiver: Waiver, terms: Terms) -> bool:
    """Whether a waiver fits resources of one type that share neither a name nor a group nor a subscription."""
    if waiver.inline and not waiver.resource:
        return False
    if any(not all(fits(glob, value) for value in _SOME_NAMES) for _, glob in waiver.tags):
        return False
    kinds = {kind for kinds in terms.rules.values() for kind in kinds} or {"Microsoft.Storage/storageAccounts"}
    return any(
        all(
            _fits_resource(waiver.resource, one.format(kind), name)
            for one, name in zip(_SOME_IDS, _SOME_NAMES, strict=True)
        )
        for kind in kinds
    )


class _Pattern(NamedTuple):
    """A pattern, the number of its waiver, and the longest text that whatever it fits has in it."""

    number: int
    glob: str
    core: str

    def fits(self, text: str) -> bool:
        # The commonest, `*/name`, is settled by its end, by which it was found.
        return self.core in text and (
            (self.glob == f"*{self.core}" and text.endswith(self.core)) or fits(self.glob, text)
        )


class _Patterns:
    """Patterns by the text they end with, or else begin with, so that few are tried on each resource."""

    def __init__(self) -> None:
        self._tails: dict[str, list[_Pattern]] = {}
        self._heads: dict[str, list[_Pattern]] = {}
        self._lengths: tuple[set[int], set[int]] = set(), set()

    def add(self, number: int, glob: str) -> None:
        pieces = _WILD.split(glob)
        home, key = (self._tails, pieces[-1]) if pieces[-1] else (self._heads, pieces[0])
        # Between brackets stand alternatives, of which a text has but one.
        core = "" if "[" in glob else max(pieces, key=len)
        home.setdefault(key, []).append(_Pattern(number, glob, core))
        self._lengths[home is self._heads].add(len(key))

    def fitting(self, text: str) -> Iterator[int]:
        """The numbers of the patterns that fit a text."""
        tails, heads = self._lengths
        near = [self._tails.get(text[len(text) - length :], ()) for length in tails if length <= len(text)]
        near += [self._heads.get(text[:length], ()) for length in heads]
        for patterns in near:
            yield from (pattern.number for pattern in patterns if pattern.fits(text))


# ── over findings ────────────────────────────────────────────────────────────────────────────────────────────────────


class Waivers:
    """The waivers of a run laid over its findings, and what became of each."""

    def __init__(self, waivers: Iterable[Waiver], terms: Terms | None = None) -> None:
        """Take the waivers of a file, and the terms for these and for those that come with resources."""
        self._terms = terms or Terms()
        self._all: list[Waiver] = []
        self._numbers: dict[Waiver, int] = {}
        self._ids: dict[str, _Patterns] = {}
        self._names: dict[str, _Patterns] = {}
        self._covers: Counter[int] = Counter()
        self._met: set[int] = set()
        self._beside: dict[int, int] = {}
        self._undecided: set[int] = set()
        for waiver in waivers:
            pattern = waiver.resource.casefold() or "*"
            index = self._ids if "/" in pattern else self._names
            index.setdefault(waiver.rule, _Patterns()).add(self.know(waiver), pattern)

    def know(self, waiver: Waiver) -> int:
        """The number of a waiver, which from now on is told of, whether or not it is for any resource."""
        number = self._numbers.get(waiver)
        if number is None:
            number = self._numbers[waiver] = len(self._all)
            self._all.append(judged(waiver, self._terms))
        return number

    def apply(self, store: Resource, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings on a store, each with the waiver that covers it; a failure can be covered, and an unknown."""
        attached = self._attached(store)
        if not (self._ids or self._names or attached):
            yield from findings
            return
        for finding in findings:
            numbers = self._fitting(finding, store, attached)
            self._met.update(numbers)
            if not numbers or finding.outcome not in _NEEDED:
                yield finding
                continue
            chosen = min(numbers, key=lambda number: (self._all[number].state is not WaiverState.ACTIVE, number))
            self._covers[chosen] += 1
            self._beside.update((number, chosen) for number in numbers if number != chosen)
            yield finding._replace(waiver=self._all[chosen])

    def _attached(self, store: Resource) -> list[tuple[int, str]]:
        """The inline waivers that come with a store, and those of its children, with the child's path."""
        found = [(self.know(waiver), "") for waiver in store.waivers]
        for child in store.children:
            path = child.id[len(store.id) + 1 :].casefold()
            found += [(self.know(waiver), path) for waiver in child.waivers]
        return found

    def _fitting(self, finding: Finding, store: Resource, attached: Iterable[tuple[int, str]]) -> list[int]:
        """The numbers of the waivers that fit a finding."""
        found: dict[int, None] = {}
        for index, text in ((self._ids, store.id), (self._names, store.name)):
            for rule in (finding.rule, "*"):
                if rule in index:
                    fitting = index[rule].fitting(text.casefold())
                    found |= dict.fromkeys(number for number in fitting if self._tagged(number, store))
        for number, child in attached:
            waiver = self._all[number]
            about = waiver.rule in ("*", finding.rule) and (not child or _rests_on(finding, child))
            if about and _fits_resource(waiver.resource, store.id, store.name):
                found[number] = None
        return [*found]

    def _tagged(self, number: int, store: Resource) -> bool:
        """Whether a store has the tags a waiver asks for; one that is not known is none, and is remembered."""
        wanted = self._all[number].tags
        if not wanted:
            return True
        tags = _member(store.body, "tags")
        values = [(glob, _member(tags, name)) for name, glob in wanted]
        if any(isinstance(value, Unknown) for _, value in values):
            self._undecided.add(number)
        return all(isinstance(value, str) and fits(glob, value) for glob, value in values)

    # ── at the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def settled(self, findings: list[Finding]) -> list[Finding]:
        """The findings, once all have been seen: of two waivers that covered the same, the later one says so."""
        noted: dict[int, Waiver] = {}
        for number, chosen in self._beside.items():
            waiver, other = self._all[number], self._all[chosen]
            if self._covers[number] and waiver.state is other.state is WaiverState.ACTIVE:
                note = f"some of it is waived {_at(other)} too"
                noted[id(waiver)] = replace(waiver, note="; ".join(filter(None, (waiver.note, note))))
        if not noted:
            return findings
        return [
            finding
            if finding.waiver is None
            else finding._replace(waiver=noted.get(id(finding.waiver), finding.waiver))
            for finding in findings
        ]

    def stale(self, rules: Collection[str] | None = None) -> tuple[Waiver, ...]:
        """The waivers that do not count, and those nothing needs, as far as the `rules` they are for were run."""
        partly = rules is not None and len(rules) < len(self._terms.rules)
        found = []
        for number, waiver in enumerate(self._all):
            if waiver.state is not WaiverState.ACTIVE:
                found.append(waiver)
            elif not self._covers[number] and not (partly and waiver.rule not in (rules or ())):
                found.append(replace(waiver, state=WaiverState.UNUSED, note=self._why_unused(number)))
        return tuple(found)

    def _why_unused(self, number: int) -> str:
        if number in self._beside:
            return f"all it is for is waived {_at(self._all[self._beside[number]])} already"
        if number in self._met:
            return "nothing it is for fails"
        if number in self._undecided:
            return "it matches nothing; a tag it asks for is not known"
        return "the rule judges nothing it is for" if self._all[number].inline else "it matches no resource"


def _at(waiver: Waiver) -> str:
    return f"at {waiver.place}" if waiver.place else "by another one"


def _member(value: Any, name: str) -> Any:
    """The member of an object, its name compared without case; an Unknown of what is itself not known."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, Unknown) else None
    folded = name.casefold()
    return next((item for key, item in value.items() if str(key).casefold() == folded), None)


def _rests_on(finding: Finding, child: str) -> bool:
    """Whether any of a finding's evidence stands on the child with this path, in lower case."""
    paths = (item.path.casefold() for item in finding.evidence)
    return any(path.startswith(child) and path[len(child) : len(child) + 1] in ("", ":", "/", ".") for path in paths)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class WaiversFile(NamedTuple):
    """What a waivers file holds; `terms` are those given, with the file's own; `problems` what is wrong, in order."""

    waivers: tuple[Waiver, ...]
    terms: Terms
    problems: tuple[PolicyError, ...]


def load_waivers(path: Path, terms: Terms) -> WaiversFile:
    """Read a waivers file whole or not at all. Raises PolicyError with file and line for the first thing wrong."""
    file = inspect(path, terms)
    if file.problems:
        raise file.problems[0]
    return file


def inspect(path: Path, terms: Terms) -> WaiversFile:
    """Read a waivers file: a list of waivers, bare or under `waivers` beside `longest`.

    A malformed waiver is left out and told of among the problems. Raises PolicyError when it is no such file at all.
    """
    reader = Reader(read_document(path, max_bytes=MAX_BYTES, max_nodes=MAX_NODES))
    prefix = ""
    if not isinstance(reader.document.value, list):
        reader.mapping("", ("waivers", "longest"), ("waivers",))
        prefix = "/waivers"
        terms = terms.within(_longest(reader))
    waivers: list[Waiver] = []
    problems: list[PolicyError] = []
    first: dict[tuple[Any, ...], Waiver] = {}
    for index in range(reader.length(prefix)):
        try:
            waiver = _waiver(reader, f"{prefix}/{index}", terms)
        except PolicyError as problem:
            problems.append(problem)
            continue
        key = (waiver.rule, waiver.resource.casefold(), waiver.tags)
        same = first.setdefault(key, waiver)
        waivers.append(waiver if same is waiver else replace(waiver, note=f"the same as the one {_at(same)}"))
    return WaiversFile(tuple(waivers), terms, tuple(problems))


def _longest(reader: Reader) -> int | None:
    text = reader.text("/longest", "")
    try:
        return longest_of(text) if text else None
    except ValueError as error:
        reader.fail("/longest", str(error))


def _waiver(reader: Reader, at: str, terms: Terms) -> Waiver:
    given = reader.mapping(at, KEYS, ("rule", "reason", "owner", "expires"))
    rule = reader.text(f"{at}/rule")
    if rule != "*" and terms.rules and rule not in terms.rules:
        reader.unknown(f"{at}/rule", rule, terms.rules, "rule")
    if "resource" not in given and "tags" not in given:
        reader.fail(at, "'resource' or 'tags' is missing: what is the waiver for?")
    reader.text(f"{at}/expires")
    expires, created = _date(reader, f"{at}/expires"), _date(reader, f"{at}/created")
    if created > expires:
        reader.fail(f"{at}/created", f"it was created on {created}, after it expires on {expires}")
    resource = reader.text(f"{at}/resource", "*")
    tags = tuple((name, reader.text(f"{at}/tags/{name}")) for name in _tags(reader, f"{at}/tags"))
    for path, pattern in ((f"{at}/resource", resource), *((f"{at}/tags/{name}", glob) for name, glob in tags)):
        if flaw := pattern_flaw(pattern):
            reader.fail(path, flaw)
    return Waiver(
        rule,
        resource,
        reader.text(f"{at}/reason"),
        reader.text(f"{at}/owner"),
        expires,
        ticket=reader.text(f"{at}/ticket", ""),
        created=created,
        tags=tags,
        origin=Origin(reader.document.file, reader.document.lines.get(at)),
    )


def _tags(reader: Reader, path: str) -> Iterable[str]:
    if reader.get(path) is None:
        return ()
    names = reader.mapping(path, None)
    for name in names:
        if not name.strip() or "/" in name:
            reader.fail(path, f"{name[:40]!r} is no name of a tag")
    return names or reader.fail(path, "expected at least one tag")


def _date(reader: Reader, path: str) -> str:
    """A date as written; an empty text where there is none."""
    value = reader.get(path)
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else ""
    if not is_date(text):
        found = repr(value[:40]) if isinstance(value, str) else describe(value)
        reader.fail(path, f"{path.rpartition('/')[2]} must be a date such as 2027-06-30, found {found}")
    return text

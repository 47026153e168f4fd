"""What a platform wants to know of a finding: which one it is, and where it stands.

A fingerprint is made of a rule and a resource, never of a file or a line, so that a finding keeps it when its template
is reordered, reformatted or moved. A place is a path below the checkout; what a live deployment answered has no file,
and gets its resource id as one, because GitHub and GitLab refuse a finding without.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from auditor.model import Finding, Origin
from auditor.renderers.values import clean, spoken

MAX_RELATED: Final = 50
"""Places besides the first. GitHub keeps 100 of a result and refuses more than 1,000 (2026-11-26)."""

_SPACE: Final = re.compile(r"\s+")
_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:/")


class Place(NamedTuple):
    """Where something stands. `path` has `/` in it, is never empty, and is absolute outside the working directory.

    `line` and `column` count from 1. `live` says that no file of the checkout is meant.
    """

    path: str
    line: int | None = None
    column: int | None = None
    live: bool = False

    @property
    def uri(self) -> str:
        """The path as a URI reference: relative below the working directory, `file:///…` outside."""
        text = quote(self.path, safe="/")
        if not _ABSOLUTE.match(self.path):
            return text
        return "file://" + ("" if self.path.startswith("/") else "/") + text.replace("%3A", ":", 1)

    @property
    def relative(self) -> bool:
        """Whether the path stands below the working directory."""
        return _ABSOLUTE.match(self.path) is None


class Related(NamedTuple):
    """A further place of a finding, and what is to be seen there."""

    place: Place
    text: str


class Fingerprints:
    """Hands out fingerprints, so that no two of a report are alike: the second finding with one key ends in `:2`."""

    def __init__(self) -> None:
        """Begin a report."""
        self._given: Counter[str] = Counter()

    def of(self, kind: str, subject: str) -> str:
        """The fingerprint of a rule's id on a resource's id: 32 hexadecimal digits, and a count.

        Neither case nor blanks matter: an id in which a template left something open holds the source text of an
        expression (`{uniqueString(group.id)}`), and that may be laid out anew.
        """
        key = "\0".join(_SPACE.sub("", clean(part)).casefold() for part in (kind, subject))
        digest = hashlib.sha256(key.encode("utf-8")).hexdigest()[:32]
        self._given[digest] += 1
        return f"{digest}:{self._given[digest]}"


def place(origin: Origin, otherwise: str = "") -> Place:
    """An origin as a place. `otherwise` is the path of an origin that has none."""
    uri = clean(origin.uri)
    _, scheme, rest = uri.partition("://")
    if scheme:
        path = unquote(rest.partition("?")[0].partition("/")[2])
        return Place(clean(path).strip("/") or _path(otherwise), live=True)
    line = origin.line if origin.line is not None and origin.line >= 1 else None
    column = origin.column if line is not None and origin.column is not None and origin.column >= 1 else None
    return Place(uri.replace("\\", "/"), line, column) if uri else Place(_path(otherwise), live=True)


def _path(text: str) -> str:
    return clean(text).strip("/") or "unknown"


def primary(finding: Finding) -> Place:
    """Where a finding is shown: at the first value that is not as expected; at the resource when it is a live one."""
    return place(_origin(finding), finding.subject.id)


def _origin(finding: Finding) -> Origin:
    subject = finding.subject.origin
    if "://" in subject.uri or not finding.evidence:
        return subject
    telling = next((item for item in finding.evidence if item.observed != item.expected), finding.evidence[0])
    return finding.origin_of(telling)


def related(finding: Finding) -> Iterator[Related]:
    """Where else to look, each place once: the calls of modules, further values, and where the resource is declared."""
    seen = {primary(finding)}
    for found in _related(finding):
        if found.place not in seen and len(seen) <= MAX_RELATED:
            seen.add(found.place)
            yield found


def _related(finding: Finding) -> Iterator[Related]:
    subject = finding.subject
    for step in _origin(finding).via:
        yield Related(place(step), "called from here")
    for item in finding.evidence:
        where = place(finding.origin_of(item), subject.id)
        yield Related(where, f"{item.path} is {spoken(item.observed) or 'left out'}")
    yield Related(place(subject.origin, subject.id), f"{subject.name} is declared here")

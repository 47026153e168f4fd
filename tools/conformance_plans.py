"""Reads every Terraform plan and state of public repositories: the `plans` mode of `tools.conformance`.

Each file goes the whole way, from its JSON to resources in ARM's shape that all rules have judged. What a file says is
missing from it, or what is wrong with it, is listed; an exception ends the run.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from auditor import pipeline, services, snapshot
from auditor.errors import TargetError
from auditor.model import Gap, Outcome, Resource, Snapshot
from auditor.sources import CollectOptions, collect
from auditor.sources.files.jail import MAX_FILE, Refused, read
from auditor.sources.files.kinds import Kind, kind_of

ENDINGS = (".json", ".tfstate", ".tfstate.backup")


@dataclass
class Tally:
    """What was seen of one repository."""

    plans: int = 0
    states: int = 0
    whole: int = 0
    characters: int = 0
    seconds: float = 0.0
    stores: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what was seen elsewhere."""
        for name in ("plans", "states", "whole", "characters", "seconds", "stores", "outcomes", "complaints"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def row(self, name: str) -> str:
        """A line of the table."""
        outcomes = " | ".join(f"{self.outcomes[one]:,}" for one in (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN))
        return f"| {name} | {self.plans:,} | {self.states:,} | {self.whole:,} | {self.stores.total():,} | {outcomes} |"


def found(paths: list[Path]) -> Iterator[tuple[str, Path, Kind]]:
    """Every plan and state below the paths, with the name of the folder among them that holds it."""
    for top in paths:
        for path in sorted(top.rglob("*")):
            if path.name.casefold().endswith(ENDINGS) and path.is_file():
                try:
                    kind = kind_of(path, read(path, 8 * MAX_FILE))
                except Refused:
                    continue
                if kind in (Kind.PLAN, Kind.STATE):
                    yield top.name, path, kind


def measure(paths: list[Path]) -> dict[str, Tally]:
    """Read and judge all of them, one after the other, by the rules of the default baseline."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    policy = pipeline.load_policy()
    catalog = services.catalog()
    for name, path, kind in found(paths):
        tally = tallies[name]
        begin = time.process_time()
        try:
            records = list(collect([str(path)], CollectOptions(), catalog))
        except TargetError as error:
            tally.complaints.append(f"{path}: {error}")
            continue
        held = Snapshot((str(path),), snapshot.now(), lambda records=records, **_: iter(records))
        report = pipeline.evaluate(held, policy)
        tally.seconds += time.process_time() - begin
        gaps = [record for record in records if isinstance(record, Gap)]
        tally.plans += kind is Kind.PLAN
        tally.states += kind is Kind.STATE
        tally.whole += not gaps
        tally.characters += path.stat().st_size
        types = catalog.store_types()
        tally.stores.update(r.type for r in records if isinstance(r, Resource) and r.type.casefold() in types)
        tally.outcomes.update(finding.outcome for finding in report.findings)
        tally.complaints += [f"{path}: {gap.subject.rpartition('/')[2]}: {gap.reason}" for gap in gaps]
    return tallies


def report(tallies: dict[str, Tally]) -> Iterator[str]:
    """The table, what stores there were, and what was not read."""
    yield "| repository | plans | states | read whole | data stores | passes | failures | unknown |"
    yield "|---|---|---|---|---|---|---|---|"
    total = Tally()
    for name in sorted(tallies):
        yield tallies[name].row(name)
        total.add(tallies[name])
    yield total.row("**all**")
    yield ""
    yield f"{total.characters / 1e6:.1f} MB in {total.seconds:.1f} s, rules included"
    yield from (f"{count:>6,} {kind}" for kind, count in total.stores.most_common())
    yield from total.complaints

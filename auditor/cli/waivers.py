"""The commands on waivers: which of them count, which do not, and which will soon have run out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from auditor.cli.options import (
    AS_JSON,
    FILE,
    LONGEST_WAIVER,
    RULES_DIR,
    TARGETS,
    Commands,
    Sections,
    collect_options,
    complete_baseline,
    how_to_collect,
)
from auditor.cli.output import Progress, emit, to_json
from auditor.errors import PolicyError, UsageError
from auditor.untrusted import harmless

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from auditor.model import Waiver

_EXIT_CODES: Final = """\b
Exit codes:
  0   all of them count
  1   some do not: expired, too long, too broad; or, with targets, unused
  2   usage: a wrong option, target or configuration
  3   some seem unused, and not all of the targets could be read
  5   malformed
  70  our own bug"""


class _Row(NamedTuple):
    """A waiver, the days it still counts after today (None where that is not known), the findings it covers.

    `findings` is None where no targets were read.
    """

    waiver: Waiver
    left: int | None
    findings: int | None


class _Checked(NamedTuple):
    """All waivers there are, and whether everything they could be for was read."""

    rows: tuple[_Row, ...]
    whole: bool


@click.group(
    cls=Commands,
    name="waivers",
    epilog="\b\nExamples:\n  auditor waivers check waivers.yaml\n  auditor waivers list waivers.yaml",
)
def waivers_group() -> None:
    """Check and list the waivers."""


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """What both commands take."""
    options = (
        click.argument("arguments", nargs=-1, metavar="[FILE] [TARGET]..."),
        click.option("--waivers", type=FILE, help="The waivers file, where it is not the first argument."),
        click.option(
            "--baseline",
            default="standard-deployment",
            show_default=True,
            metavar="NAME|FILE",
            help="What the targets are compared with.",
            shell_complete=complete_baseline,
        ),
        RULES_DIR,
        LONGEST_WAIVER,
        AS_JSON,
        how_to_collect,
    )
    for option in reversed(options):
        command = option(command)
    return command


@waivers_group.command(
    "check",
    cls=Sections,
    short_help="Tell of waivers that do not count, or soon will not.",
    epilog=f"""FILE is a waivers file (.yaml). With targets, their inline waivers are checked as well, and waivers
that nothing in them needs are told of.

{TARGETS}

\b
Examples:
  auditor waivers check waivers.yaml
  auditor waivers check waivers.yaml --within 14 --longest-waiver P180D
  auditor waivers check waivers.yaml infra/ azure:SUBSCRIPTION
  auditor waivers check infra/ --format json

{_EXIT_CODES}""",
)
@_reading
@click.option(
    "--within",
    type=click.IntRange(0, 3_650),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Tell of waivers that expire within so many days.",
)
def waivers_check(within: int, as_json: str, **given: Any) -> int:
    """Tell of waivers that do not count (malformed, expired, too long, too broad), soon will not, or are unused."""
    checked = _check(given)
    odd = [row for row in checked.rows if row.waiver.note or _state(row) != "active" or _soon(row, within)]
    _write(checked.rows, odd, within, as_json)
    states = {_state(row) for row in checked.rows}
    if "malformed" in states:
        return PolicyError.exit_code
    if states - {"active", "unused"} or ("unused" in states and checked.whole):
        return 1
    return 3 if "unused" in states else 0


@waivers_group.command(
    "list",
    cls=Sections,
    short_help="List all waivers with their state.",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor waivers list waivers.yaml
  auditor waivers list waivers.yaml infra/ --format json""",
)
@_reading
def waivers_list(as_json: str, **given: Any) -> int:
    """List the waivers of a file, and the inline ones of targets, with their state and when they expire."""
    checked = _check(given)
    _write(checked.rows, checked.rows, 0, as_json)
    return PolicyError.exit_code if any(_state(row) == "malformed" for row in checked.rows) else 0


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check(given: dict[str, Any]) -> _Checked:
    """All waivers of the file and the targets, judged."""
    from dataclasses import replace

    from auditor import pipeline
    from auditor.renderers.overview import overview
    from auditor.waivers import WaiversFile, inspect, judged

    arguments, file = given.pop("arguments"), given.pop("waivers")
    if arguments and Path(arguments[0]).suffix.casefold() in (".yaml", ".yml"):
        file, *arguments = arguments
    if file is None and not arguments:
        raise UsageError("no waivers file was named", hint="For example auditor waivers check waivers.yaml")
    policy = pipeline.load_policy(
        given.pop("baseline"), rules_dir=given.pop("rules_dir"), longest_waiver=given.pop("longest_waiver")
    )
    found = WaiversFile((), policy.terms, ()) if file is None else inspect(Path(file), policy.terms)
    today = found.terms.today
    malformed = [_row(_malformed(problem), today) for problem in found.problems]
    if not arguments:
        rows = [_row(judged(waiver, found.terms), today) for waiver in found.waivers]
        return _Checked((*malformed, *rows), whole=True)
    quiet = given["quiet"]
    with Progress(quiet) as progress:
        del given["quiet"]
        collected = pipeline.collect(arguments, progress=progress, **collect_options(given))
        report = pipeline.evaluate(collected, replace(policy, waivers=found.waivers, terms=found.terms), progress)
    rows = [_row(applied.waiver, today, applied.findings) for applied in overview(report).waivers]
    return _Checked((*malformed, *rows), whole=not report.gaps)


def _row(waiver: Waiver, today: date, findings: int | None = None) -> _Row:
    from auditor.directives import is_date
    from auditor.waivers import days_left

    return _Row(waiver, days_left(waiver, today) if is_date(waiver.expires) else None, findings)


def _malformed(problem: PolicyError) -> Waiver:
    from auditor.model import Origin, Waiver, WaiverState

    note = str(problem).removeprefix(f"{problem.file}:{problem.line}: ")
    return Waiver("", "", "", "", "", WaiverState.MALFORMED, note, origin=Origin(problem.file, problem.line))


def _state(row: _Row) -> str:
    return row.waiver.state.value


def _soon(row: _Row, within: int) -> bool:
    return _state(row) == "active" and row.left is not None and row.left <= within


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _write(every: Iterable[_Row], shown: Iterable[_Row], within: int, as_json: str) -> None:
    if as_json == "json":
        emit([to_json([_entry(row) for row in shown])])
        return
    rows = [*every]
    counts = Counter(map(_state, rows))
    soon = sum(_soon(row, within) for row in rows) if within else 0
    told = [f"{number} {state}" for state, number in sorted(counts.items())]
    if soon:
        told.append(f"{soon} within {within} days of expiring")
    number = len(rows)
    emit([*map(_line, shown), f"{number} waiver{'' if number == 1 else 's'}{': ' if told else ''}{', '.join(told)}\n"])


def _line(row: _Row) -> str:
    """One waiver on one line: where it is, what of it, what it is for, until when, whose, why."""
    waiver = row.waiver
    parts = [waiver.place, f"{_state(row)}{f' ({waiver.note})' if waiver.note else ''}"]
    if waiver.rule:
        parts.append(f"{waiver.rule} on {waiver.scope}")
    if row.left is not None and row.left >= 0:
        parts.append(f"until {waiver.expires}, {row.left} day{'' if row.left == 1 else 's'} more")
    if waiver.reason:
        parts.append(" ".join(filter(None, (waiver.reason, f"({waiver.owner})" if waiver.owner else ""))))
    return harmless(" ".join(": ".join(filter(None, parts)).split())) + "\n"


def _entry(row: _Row) -> dict[str, Any]:
    waiver = row.waiver
    texts = ("rule", "resource", "reason", "owner", "ticket", "created", "expires", "note", "place", "inline")
    return {
        "state": _state(row),
        **{name: getattr(waiver, name) for name in texts},
        "tags": dict(waiver.tags),
        "days_left": row.left,
        "findings": row.findings,
    }

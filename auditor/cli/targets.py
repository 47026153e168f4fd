"""The commands that read targets: scan and snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from auditor.cli.options import (
    EXIT_CODES,
    FILE,
    LONGEST_WAIVER,
    OBJECTIVES,
    RULE,
    RULES_DIR,
    SEVERITIES,
    SNAPSHOT_EXIT_CODES,
    TARGETS,
    TEMPLATE,
    Sections,
    collect_options,
    collecting,
    complete_baseline,
    reports,
)
from auditor.cli.output import Progress, emit, say, screen, stdout
from auditor.cli.reports import requested, written
from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.model import Record, Report
    from auditor.pipeline import Policy

GAPS_TOLD: Final = 5


@click.command(
    cls=Sections,
    short_help="Audit targets against a baseline and report.",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor scan azure:00000000-0000-0000-0000-000000000000
  auditor scan azure: --format html=report.html --fail-on high
  auditor scan estate.jsonl --baseline well-architected --rule keyvault-purge-protection
  auditor scan azure:SUBSCRIPTION/GROUP --waivers waivers.yaml --format json=- | jq .summary
  auditor scan infra/ --since main.json --only-new
  auditor scan azure: --objectives objectives.yaml

{EXIT_CODES}""",
)
@collecting
@click.option(
    "--baseline",
    default="standard-deployment",
    show_default=True,
    metavar="NAME|FILE",
    help="What the settings are compared with.",
    shell_complete=complete_baseline,
)
@click.option("--waivers", type=FILE, help="Approved exceptions with owner and expiry.")
@LONGEST_WAIVER
@click.option(
    "--inline-waivers/--no-inline-waivers",
    default=True,
    help="Whether waivers written in templates count (they do).",
)
@OBJECTIVES
@RULE
@RULES_DIR
@reports()
@TEMPLATE
@click.option(
    "--changed-only",
    default="",
    metavar="BASE_REF",
    help="Audit only what files that changed since this commit of the git checkout reach.",
)
@click.option("--since", type=FILE, metavar="FILE", help="Tell what is new since a snapshot or a JSON report.")
@click.option("--only-new", is_flag=True, help="Let only what is new since then decide the exit code.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="low",
    show_default=True,
    help="Exit with 1 for failures of this severity or above.",
)
def scan(targets: tuple[str, ...], **given: Any) -> int:
    """Audit TARGETs against a baseline and report."""
    from auditor import pipeline
    from auditor.model import Severity
    from auditor.renderers import FORMATS

    options = {**collect_options(given), "changed_only": given["changed_only"], "judged_by": _judged_by(given)}
    outputs = requested(FORMATS, given["format"], given["template"])
    policy = pipeline.load_policy(
        given["baseline"],
        **{
            name: given[name]
            for name in ("waivers", "longest_waiver", "inline_waivers", "rule", "rules_dir", "objectives")
        },
    )
    if given["only_new"] and given["since"] is None:
        raise UsageError("--only-new needs an earlier run", hint="Name a snapshot or a JSON report with --since.")
    with Progress(given["quiet"]) as progress:
        report = _report(targets, options, policy, given, progress)
    fail_on = Severity(given["fail_on"])
    if not outputs:
        _summary(report, fail_on)
    elif not given["quiet"] and all(path is not None for _, path in outputs):
        from auditor.renderers.overview import overview

        seen = overview(report)
        say(f"{seen.verdict.word}: {seen.verdict.sentence}")
        if seen.news is not None:
            say(f"Since {seen.news.since.name}: {seen.news.sentence}")
    written(report, outputs, quiet=given["quiet"])
    return report.exit_code(fail_on)


def _report(
    targets: tuple[str, ...], options: dict[str, Any], policy: Policy, given: dict[str, Any], progress: Progress
) -> Report:
    """The report, held against an earlier run where one is named; that run is read first, as it may be wrong."""
    from auditor import pipeline

    if given["since"] is None:
        return pipeline.evaluate(pipeline.collect(targets, progress=progress, **options), policy, progress)
    from auditor import since

    earlier = since.earlier_run(given["since"], policy, progress)
    collected = pipeline.collect(targets, progress=progress, **options)
    return since.held_against(pipeline.evaluate(collected, policy, progress), earlier, only_new=given["only_new"])


def _judged_by(given: dict[str, Any]) -> tuple[Path, ...]:
    """The files that say how everything is judged."""
    from auditor.config import NAMES

    here = Path.cwd()
    configuration = click.get_current_context().obj or here / NAMES[0]
    nearer = (folder / NAMES[0] for folder in (here, *here.parents))
    files = (given["waivers"], given["objectives"], Path(given["baseline"]))
    named = (*files, *given["rules_dir"], configuration, *nearer)
    return tuple(path for path in named if path is not None)


def _summary(report: Report, fail_on: Any) -> None:
    from auditor.renderers import terminal

    color, width = screen()
    emit(terminal.render(report, fail_on=fail_on, color=color, width=width))


# ── snapshot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@click.command(
    cls=Sections,
    short_help="Keep what targets answer in a file, to audit later.",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor snapshot azure: -o estate.jsonl
  auditor snapshot azure:00000000-0000-0000-0000-000000000000 -o estate.jsonl && auditor scan estate.jsonl
  auditor snapshot azure: -o - | gzip > estate.jsonl.gz

{SNAPSHOT_EXIT_CODES}""",
)
@collecting
@click.option("--output", "-o", type=FILE, required=True, help="The file to write, or - for stdout.")
def snapshot(targets: tuple[str, ...], output: Path, quiet: bool, **given: Any) -> int:
    """Collect TARGETs into a snapshot file that can be audited later, anywhere, without credentials."""
    from auditor import services, sources, writing
    from auditor import snapshot as snapshots
    from auditor.model import Gap, Resource
    from auditor.renderers import overview

    catalog = services.catalog()
    types = catalog.store_types()
    gaps: list[Gap] = []
    stores = 0

    def counted(records: Iterator[Record]) -> Iterator[Record]:
        nonlocal stores
        for record in records:
            if isinstance(record, Gap):
                gaps.append(record)
            stores += isinstance(record, Resource) and record.type.casefold() in types
            yield record

    if str(output) != "-":
        writing.require(output)
    options = sources.CollectOptions(**collect_options(given))
    taken = sources.collected_at(targets, options.replay)
    with Progress(quiet) as progress:
        records = sources.collect(targets, options, catalog, progress)
        if str(output) == "-":
            with stdout() as stream:
                snapshots.write_to(stream, counted(records), targets, taken)
        else:
            snapshots.write(output, counted(records), targets, taken)
    for gap in gaps[:GAPS_TOLD]:
        say(f"Not read: {gap.subject}: {gap.reason}")
    if not quiet:
        counts = f"{overview.counted(stores, 'resource')}, {overview.counted(len(gaps), 'gap')}"
        say(f"Wrote {'the snapshot' if str(output) == '-' else output}: {counts}")
    return 3 if gaps else 0 if stores else 4

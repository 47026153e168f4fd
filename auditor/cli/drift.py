"""The command that compares two sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from auditor.cli.options import (
    FILE,
    RULE,
    RULES_DIR,
    TARGETS,
    TEMPLATE,
    Sections,
    collect_options,
    complete_baseline,
    how_to_collect,
    reports,
)
from auditor.cli.output import Progress, emit, say, screen
from auditor.cli.reports import requested, written

FAIL_ON: Final = ("weaker", "different", "any")

DRIFT_EXIT_CODES: Final = """\b
Exit codes:
  0   no drift at or above --fail-on
  1   drift at or above --fail-on
  2   usage: a wrong option, target or configuration
  3   it cannot be told: something could not be read or decided
  4   nothing to compare: no resource is on both sides
  5   a rule, baseline or map file is bad
  70  our own bug"""


@click.command(
    cls=Sections,
    formats="DRIFT_FORMATS",
    short_help="Tell where a deployment, a template or a snapshot has drifted from another.",
    epilog=f"""{TARGETS}
  a baseline                    a shipped one by name, or its YAML file, on one of the sides

\b
Examples:
  auditor drift infra/ azure:00000000-0000-0000-0000-000000000000
  auditor drift last-week.jsonl azure: --format html=drift.html
  auditor drift standard-deployment azure: --fail-on any
  auditor drift infra/main.bicep azure:SUBSCRIPTION/GROUP --map names.yaml --format sarif=drift.sarif
  auditor drift staging.jsonl production.jsonl --all --format json=- | jq .summary

{DRIFT_EXIT_CODES}""",
)
@click.argument("reference", metavar="REFERENCE")
@click.argument("current", metavar="CURRENT")
@how_to_collect
@click.option(
    "--baseline",
    default="",
    metavar="NAME|FILE",
    help="What says which settings and statements matter (default: standard-deployment).",
    shell_complete=complete_baseline,
)
@RULE
@RULES_DIR
@click.option("--map", "names", type=FILE, help="Which resource is which, where a template cannot know its name.")
@click.option("--all", "everything", is_flag=True, help="Compare every property, not only what rules read.")
@reports("DRIFT_FORMATS")
@TEMPLATE
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="weaker",
    show_default=True,
    help="Exit with 1 for weaker settings only, for other differences too, or for any.",
)
@click.pass_context
def drift(
    context: click.Context,
    /,
    reference: str,
    current: str,
    template: Path | None,
    fail_on: str,
    quiet: bool,
    **given: Any,
) -> int:
    """Compare CURRENT with REFERENCE, setting by setting: weaker, stronger, different, or not to be told.

    Each side is any target, or a baseline. The options for templates and live deployments hold for both sides; where
    they have to differ, take a snapshot of one side first.
    """
    from auditor import comparison
    from auditor.renderers import DRIFT_FORMATS

    outputs = requested(DRIFT_FORMATS, given.pop("format"), template)
    options = collect_options(given)
    chosen = context.get_parameter_source("baseline")
    if chosen is ParameterSource.DEFAULT_MAP and (comparison.is_baseline(reference) or comparison.is_baseline(current)):
        # The configuration says what is usual; a baseline named as a side says what is meant here.
        given["baseline"] = ""
    with Progress(quiet) as progress:
        delta = comparison.drift(reference, current, progress=progress, **given, **options)
    if not outputs:
        from auditor.renderers.drift import terminal

        color, width = screen()
        emit(terminal.render(delta, fail_on=fail_on, color=color, width=width))
    elif not quiet and all(path is not None for _, path in outputs):
        from auditor.renderers.drift.overview import drift_overview

        verdict = drift_overview(delta).verdict
        say(f"{verdict.word}: {verdict.sentence}")
    written(delta, outputs, quiet=quiet)
    return delta.exit_code(fail_on)

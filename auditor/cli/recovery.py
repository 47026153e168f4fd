"""The command that says what would be lost, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from auditor.cli.options import (
    FILE,
    OBJECTIVES,
    TARGETS,
    TEMPLATE,
    Sections,
    collect_options,
    collecting,
    reports,
)
from auditor.cli.output import Progress, emit, say, screen
from auditor.cli.reports import requested, written

RECOVERY_EXIT_CODES: Final = """\b
Exit codes:
  0   analysed; every objective is met
  1   an objective is missed
  2   usage: a wrong option, target or configuration
  3   something could not be read, or an objective cannot be told to be met
  4   nothing to analyse
  5   a rule or objectives file is bad
  70  our own bug"""


class _Recovery(click.Group):
    """A group whose usual command needs no name: `auditor recovery TARGET…` analyses."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the usual command's name before what is no other command's, and no request for help on all of them."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["analyse", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Recovery,
    name="recovery",
    short_help="Say what would be lost, and for how long.",
    options_metavar="",
    subcommand_metavar="TARGET... | init [PROFILE]",
    epilog="""\b
Examples:
  auditor recovery azure:00000000-0000-0000-0000-000000000000
  auditor recovery infra/main.bicep --format html=recovery.html
  auditor recovery init mission-critical -o objectives.yaml
  auditor recovery ./init                 (a target that is called like a command)""",
)
def recovery_group() -> None:
    """Say for each store and scenario whether its data comes back, how much is lost, and what would change that.

    `auditor recovery TARGET...` analyses (its options: `auditor recovery analyse --help`); `auditor recovery init`
    writes a file of recovery objectives to start from.
    """


@recovery_group.command(
    "analyse",
    cls=Sections,
    formats="RECOVERY_FORMATS",
    short_help="Analyse targets (the name may be left out).",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor recovery azure:00000000-0000-0000-0000-000000000000
  auditor recovery infra/main.bicep --objectives objectives.yaml
  auditor recovery estate.jsonl --what-if 'cosmos-*@properties.backupPolicy.type=Continuous'
  auditor recovery azure: --format html=recovery.html --runbook --format markdown=runbook.md

{RECOVERY_EXIT_CODES}""",
)
@collecting
@OBJECTIVES
@click.option(
    "--what-if",
    "what_if",
    multiple=True,
    metavar="[STORE@]PATH=VALUE",
    help="A setting as it might be, for stores of a name or type (repeatable).",
)
@click.option("--previews", is_flag=True, help="Count protections that are in preview.")
@click.option("--runbook", is_flag=True, help="Add the restore steps, with the stores' names.")
@reports("RECOVERY_FORMATS", "a matrix on the terminal")
@TEMPLATE
def analyse(targets: tuple[str, ...], quiet: bool, **given: Any) -> int:
    """Analyse TARGETs: what each failure scenario would do to each store."""
    from auditor import pipeline
    from auditor.renderers import RECOVERY_FORMATS

    outputs = requested(RECOVERY_FORMATS, given.pop("format"), given.pop("template"))
    if given["runbook"] and not outputs:
        outputs = requested(RECOVERY_FORMATS, ("markdown",), None)
    asked = {name: given.pop(name) for name in ("objectives", "what_if", "previews", "runbook")}
    options = collect_options(given)
    with Progress(quiet) as progress:
        shown = pipeline.recovery(targets, progress=progress, **asked, **options)
    if not outputs:
        from auditor.renderers.recovery import terminal

        color, width = screen()
        emit(terminal.render(shown, color=color, width=width))
    written(shown, outputs, quiet=quiet)
    return shown.exit_code()


@recovery_group.command(
    "init",
    short_help="Write a file of recovery objectives to start from.",
    epilog="""\b
Examples:
  auditor recovery init > objectives.yaml
  auditor recovery init mission-critical -o objectives.yaml""",
)
@click.argument("profile", default="standard", metavar="[PROFILE]")
@click.option("--output", "-o", type=FILE, help="The file to write (default: stdout); one that is there is kept.")
def init(profile: str, output: Path | None) -> int:
    """Write a file of recovery objectives to start from: standard, mission-critical or development."""
    from auditor.errors import UsageError
    from auditor.recovery.profiles import profile_text

    text = profile_text(profile)
    if output is None:
        emit([text])
        return 0
    if output.exists():
        raise UsageError(f"{output} is there already", hint="Name another file, or move it away.")
    from auditor import writing

    with writing.whole(output) as stream:
        stream.write(text.encode())
    say(f"Wrote {output}")
    return 0

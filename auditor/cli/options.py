"""Options, help texts and completions that commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from auditor.errors import UsageError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

SEVERITIES: Final = ("critical", "high", "medium", "low", "info")

EXIT_CODES: Final = """\b
Exit codes:
  0   clean
  1   findings at or above --fail-on, or a missed objective
  2   usage: a wrong option, target or configuration
  3   incomplete: something could not be read or decided
  4   nothing to audit
  5   a rule, baseline, waivers or objectives file is bad
  70  our own bug"""

SNAPSHOT_EXIT_CODES: Final = """\b
Exit codes:
  0   read whole
  2   usage: a wrong option, target or configuration; a file that cannot be written
  3   incomplete: something could not be read; the file says what
  4   nothing to audit
  70  our own bug"""

# Options of the commands that read targets, by what they are for; what is named nowhere is listed at the end.
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Judging": ("objectives", "what_if", "previews",
        "baseline", "rule", "rules_dir", "names", "everything", "waivers", "longest_waiver", "inline_waivers",
        "since", "only_new", "fail_on",
    ),
    "Writing": ("format", "runbook", "template", "output", "quiet"),
    "Live deployments": (
        "cloud", "arm_endpoint", "access_token_env", "concurrency", "call_timeout", "deep", "record", "replay",
    ),
    "Templates": (
        "parameters", "parameter", "resource_group", "location", "subscription", "azd_env", "module_path",
        "cross_check", "terraform_dir", "verbose", "changed_only",
    ),
}  # fmt: skip

TARGETS: Final = """\b
Targets:
  azure:                        every subscription the credential sees
  azure:SUBSCRIPTION            one subscription (its id)
  azure:SUBSCRIPTION/GROUP      one resource group
  azure:mg/MANAGEMENT_GROUP     every subscription below a management group
  PATH                          a snapshot, a template, a Terraform plan, state
                                or .tf file, or a folder of them"""


class Sections(click.Command):
    """A command whose many options are listed by what they are for, and the formats with them.

    `formats` names the table of formats in `auditor.renderers`.
    """

    def __init__(self, *args: Any, formats: str = "FORMATS", **rest: Any) -> None:
        """Make a command as click does."""
        super().__init__(*args, **rest)
        self.formats = formats

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options section by section."""
        from auditor import renderers

        records = {
            param.name: record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)) is not None
        }
        for title, names in SECTIONS.items():
            rows = [records.pop(name) for name in names if name in records]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
            if "format" in names and any(param.name == "format" for param in self.params):
                with formatter.section("Formats"):
                    formatter.write_dl(
                        [(entry.name, entry.title) for entry in getattr(renderers, self.formats).values()]
                    )
        with formatter.section("Other options"):
            formatter.write_dl(list(records.values()))


class Commands(click.Group):
    """A group that tells of the nearest command where it has none of a name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant, as click finds it."""
        if args and not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0][:40], self.list_commands(ctx), 1)
            if near:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)


def complete_baseline(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[str]:
    """The shipped baselines that begin with what was typed."""
    from auditor.paths import data_dir

    names = [path.stem for path in (data_dir("rules") / "baselines").glob("*.yaml")]
    return sorted(name for name in names if name.startswith(incomplete))


def complete_rule(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[str]:
    """The shipped rules that begin with what was typed."""
    from auditor.paths import data_dir

    names = [
        path.stem for path in data_dir("rules").glob("*/*.yaml") if path.parent.name not in ("baselines", "recovery")
    ]
    return sorted(name for name in names if name.startswith(incomplete))


FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def collecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The targets, and the options, of every command that reads some."""
    return click.argument("targets", nargs=-1, required=True, metavar="TARGET...")(how_to_collect(command))


def how_to_collect(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that reads targets."""
    options = (
        click.option("--parameters", multiple=True, type=FILE, help="A template's parameter file (repeatable)."),
        click.option("--parameter", multiple=True, metavar="NAME=VALUE", help="One value of a parameter (repeatable)."),
        click.option("--resource-group", default="", metavar="NAME", help="The group a template would be deployed to."),
        click.option("--location", default="", metavar="REGION", help="The region of that group or deployment."),
        click.option("--subscription", default="", metavar="ID", help="The subscription it would be deployed to."),
        click.option("--azd-env", default="", metavar="NAME", help="The azd environment that fills ${…} placeholders."),
        click.option("--module-path", type=FOLDER, help="A folder of registry modules."),
        click.option("--cross-check", is_flag=True, help="Tell where the bicep command on the PATH disagrees."),
        click.option("--terraform-dir", type=FOLDER, help="The configuration a Terraform plan was made from."),
        click.option("--verbose", "-v", is_flag=True, help="Name the Terraform attributes that are not understood."),
        click.option(
            "--cloud",
            type=click.Choice(["public", "usgov", "china"]),
            default="public",
            show_default=True,
            help="The Azure cloud.",
        ),
        click.option("--arm-endpoint", default="", metavar="URL", help="Another ARM endpoint; http on loopback only."),
        click.option("--access-token-env", default="", metavar="NAME", help="A variable that holds a ready token."),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 512),
            metavar="NUMBER",
            default=64,
            show_default=True,
            help="Calls at once.",
        ),
        click.option(
            "--call-timeout",
            type=click.FloatRange(0.1, 3600),
            metavar="SECONDS",
            default=60.0,
            show_default=True,
            help="What one call may take, retries included.",
        ),
        click.option("--record", type=FOLDER, help="Keep every exchange in this folder (no token, no secret)."),
        click.option("--replay", type=FOLDER, help="Answer from such a folder instead of the network."),
        click.option("--deep", is_flag=True, help="Also read what no rule needs yet (more calls an account)."),
        click.option("--quiet", "-q", is_flag=True, help="No progress, and no word about what was written."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def collect_options(given: dict[str, Any]) -> dict[str, Any]:
    """Take the collecting options out of a command's arguments, in the pipeline's words."""
    names = (
        "parameters", "resource_group", "location", "subscription", "azd_env", "module_path", "cross_check", "cloud",
        "arm_endpoint", "access_token_env", "concurrency", "call_timeout", "record", "replay", "deep", "terraform_dir",
        "verbose",
    )  # fmt: skip
    pairs = {}
    for pair in given.pop("parameter"):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--parameter {pair!r} is not of the form NAME=VALUE")
        pairs[name] = value
    return {**{name: given.pop(name) for name in names}, "parameter": pairs}


OBJECTIVES = click.option(
    "--objectives", type=FILE, help="What was promised: RPO, RTO and look-back per scenario and store."
)
LONGEST_WAIVER = click.option(
    "--longest-waiver",
    default="",
    metavar="DURATION",
    help="The longest life of a waiver that counts, such as P90D.",
)
RULE = click.option(
    "--rule", multiple=True, metavar="ID", help="Only this rule (repeatable).", shell_complete=complete_rule
)
TEMPLATE = click.option(
    "--template", type=EXISTING_FOLDER, metavar="DIRECTORY", help="A folder of your own report templates."
)
RULES_DIR = click.option(
    "--rules-dir", multiple=True, type=EXISTING_FOLDER, help="A folder of your own rules (repeatable)."
)
AS_JSON = click.option(
    "--format",
    "as_json",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for tools.",
)


def reports(table: str = "FORMATS", otherwise: str = "a summary on the terminal") -> Callable[[Decorated], Decorated]:
    """The option that asks for reports in the formats of a table of `auditor.renderers`."""

    def complete(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[str]:
        from auditor import renderers

        return [name for name in getattr(renderers, table) if name.startswith(incomplete)]

    return click.option(
        "--format",
        "format",
        multiple=True,
        metavar="NAME[=PATH]",
        help=f"A report, to PATH or stdout (repeatable; default: {otherwise}).",
        shell_complete=complete,
    )

"""The command line: arguments → pipeline → renderer → exit code. Nothing else prints.

Only click is imported at the top: `--version`, `--help` and shell completion load nothing of the product.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

import click

from auditor import __version__
from auditor.cli.options import EXIT_CODES, Commands
from auditor.cli.output import say, tell
from auditor.errors import AuditorError, UsageError

GC_THRESHOLD: Final = 50_000
COMMANDS: Final[Mapping[str, str]] = {
    "baselines": "policy.baselines_group",
    "completion": "setup.completion",
    "drift": "drift.drift",
    "recovery": "recovery.recovery_group",
    "role": "setup.role",
    "rules": "policy.rules_group",
    "scan": "targets.scan",
    "snapshot": "targets.snapshot",
    "waivers": "waivers.waivers_group",
}
"""Each command, and where below this package it is; a module is loaded when its command is asked for."""


class _Commands(Commands):
    """The root command's group."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of a name, or None."""
        module, _, name = COMMANDS.get(cmd_name, "").partition(".")
        if not module:
            return None
        command: click.Command = getattr(importlib.import_module(f"auditor.cli.{module}"), name)
        return command


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"auditor {__version__}")
        context.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "AUDITOR", "max_content_width": 110},
    epilog=f"""\b
Examples:
  auditor scan azure:00000000-0000-0000-0000-000000000000
  auditor scan azure:mg/platform --format html=report.html --format json=report.json
  auditor snapshot azure: -o estate.jsonl && auditor scan estate.jsonl --baseline well-architected
  auditor rules show storage-blob-soft-delete

{EXIT_CODES}""",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Use this configuration file."
)
@click.option("--no-config", is_flag=True, help="Read no configuration file.")
@click.pass_context
def root(context: click.Context, config: Path | None, no_config: bool) -> None:
    """Would your platform's data come back?

    Reads the resiliency settings of Cosmos DB, Storage, Key Vault, App Configuration and Azure Backup, compares them
    with a baseline, and says what would be lost. It only ever reads.

    Options come from the command line, then the environment (AUDITOR_SCAN_BASELINE), then auditor.toml or
    [tool.auditor] of pyproject.toml, then the defaults.
    """
    if no_config or context.resilient_parsing:
        return
    from auditor import config as configuration

    found = config or configuration.find(Path.cwd())
    if found is not None:
        context.obj = found
        settings = configuration.load(found)
        own_rules = dict.fromkeys(("list", "show", "test"), settings)
        on_waivers = dict.fromkeys(("check", "list"), settings)
        context.default_map = {"scan": settings, "snapshot": settings, "rules": own_rules, "baselines": own_rules}
        context.default_map["waivers"] = on_waivers
        # Where reports of findings go is no place for those of recovery.
        context.default_map["recovery"] = {"analyse": {k: v for k, v in settings.items() if k != "format"}}
        # What decides on findings, and where reports of them go, says nothing of drift.
        of_findings = ("fail_on", "format", "waivers", "longest_waiver", "inline_waivers", "objectives")
        context.default_map["drift"] = {key: value for key, value in settings.items() if key not in of_findings}


def _terminated(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors are told on stderr."""
    try:
        code = root.main(arguments, prog_name="auditor", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "auditor"
        tell(UsageError(error.format_message(), hint=f"`{command} --help` shows what it takes."))
        return UsageError.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.")
        return 130
    except AuditorError as error:
        tell(error)
        return error.exit_code
    except Exception as error:
        # The one handler at the edge: whatever it is, it is our bug.
        if os.environ.get("AUDITOR_DEBUG"):
            raise
        say(f"internal error: {type(error).__name__}: {error}")
        say("hint: This is a bug in auditor. AUDITOR_DEBUG=1 shows the traceback; --record keeps what led to it.")
        return AuditorError.exit_code
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """Entry point of the console script."""
    # What a scan holds are trees without cycles: at Python's own pace the collector walks all of it again and again.
    gc.set_threshold(GC_THRESHOLD)
    with contextlib.suppress(ValueError, AttributeError):
        signal.signal(signal.SIGTERM, _terminated)
    raise SystemExit(run())

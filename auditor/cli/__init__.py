"""The command line: arguments → pipeline → renderer → exit code. Nothing else prints.

Only click is imported at the top: `--version`, `--help` and shell completion load nothing of the product.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from pathlib import Path
from typing import Final, NoReturn

import click

from auditor import __version__
from auditor.cli.options import EXIT_CODES
from auditor.cli.output import emit, say, tell, to_json
from auditor.cli.policy import baselines_group, rules_group
from auditor.cli.targets import scan, snapshot
from auditor.cli.waivers import waivers_group
from auditor.errors import AuditorError, UsageError

GC_THRESHOLD: Final = 50_000


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"auditor {__version__}")
        context.exit()


@click.group(
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
        settings = configuration.load(found)
        own_rules = dict.fromkeys(("list", "show", "test"), settings)
        on_waivers = dict.fromkeys(("check", "list"), settings)
        context.default_map = {"scan": settings, "snapshot": settings, "rules": own_rules, "baselines": own_rules}
        context.default_map["waivers"] = on_waivers


@root.command(
    short_help="Print the least-privilege role it needs.",
    epilog="""\b
Examples:
  auditor role --scope /subscriptions/00000000-0000-0000-0000-000000000000 > role.json
  az role definition create --role-definition role.json""",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="ID",
    default=("/subscriptions/00000000-0000-0000-0000-000000000000",),
    help="Where the role can be assigned (repeatable).",
)
def role(scopes: tuple[str, ...]) -> int:
    """Print the least-privilege custom role the auditor needs, as JSON for `az role definition create`."""
    from auditor import services
    from auditor.sources import azure_role

    emit([to_json(azure_role(services.catalog(), scopes))])
    return 0


@root.command(
    epilog="""\b
Examples:
  eval "$(auditor completion bash)"
  auditor completion fish > ~/.config/fish/completions/auditor.fish"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has all three
        raise UsageError(f"click has no completion for {shell}")
    emit([kind(root, {}, "auditor", "_AUDITOR_COMPLETE").source() + "\n"])
    return 0


for command in (scan, snapshot, rules_group, baselines_group, waivers_group):
    root.add_command(command)


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

"""The commands that set things up: the role the auditor needs, and shell completion."""

from __future__ import annotations

import click

from auditor.cli.output import emit, to_json
from auditor.errors import UsageError


@click.command(
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


@click.command(
    epilog="""\b
Examples:
  eval "$(auditor completion bash)"
  auditor completion fish > ~/.config/fish/completions/auditor.fish"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    from auditor.cli import root

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has all three
        raise UsageError(f"click has no completion for {shell}")
    emit([kind(root, {}, "auditor", "_AUDITOR_COMPLETE").source() + "\n"])
    return 0

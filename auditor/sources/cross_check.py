"""An optional second opinion: what the Bicep compiler on this machine makes of a template, held against our reading.

Nothing needs it. The compiler is run without a shell, on a file the user named, and its answer is evaluated as any ARM
template is.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from auditor.errors import UsageError
from auditor.model import Gap, Origin
from auditor.sources.arm import compare, ir, parse_template
from auditor.sources.arm.evaluate import Deployment

TIMEOUT: Final = 120.0
"""Seconds the compiler may take for one template."""
MAX_OUTPUT: Final = 64 * 2**20
MAX_TOLD: Final = 20
"""Differences told of one template."""


def compiler() -> str:
    """The path of the `bicep` command. Raises UsageError where there is none."""
    found = shutil.which("bicep")
    if found is None:
        raise UsageError(
            "--cross-check needs the bicep command on the PATH", hint="Leave the option out: nothing else needs it."
        )
    return found


def differences(
    command: str, path: Path, ours: Deployment, files: ir.Files, deploy: Callable[[ir.Template], Deployment]
) -> Iterator[Gap]:
    """A Gap for each way in which the compiled template differs from ours; none when they agree."""
    uri = ours.template.source.uri
    text, failure = _built(command, path)
    if failure:
        yield Gap(f"cross-check of {uri}", failure, Origin(uri))
        return
    theirs = parse_template(ir.Source(f"{uri} (compiled)", text, path), files)
    if theirs.problems:
        yield Gap(
            f"cross-check of {uri}", f"bicep's answer could not be read: {theirs.problems[0].message}", Origin(uri)
        )
        return
    found = list(compare.differences(compare.declared(ours), compare.declared(deploy(theirs))))
    for message in found[:MAX_TOLD]:
        yield Gap(f"cross-check of {uri}", message, Origin(uri))
    if len(found) > MAX_TOLD:
        yield Gap(f"cross-check of {uri}", f"and {len(found) - MAX_TOLD} more differences", Origin(uri))


def _built(command: str, path: Path) -> tuple[str, str]:
    """The compiled template, or why there is none."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a command found on the PATH and a path that begins with /
            [command, "build", "--stdout", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"bicep did not end within {TIMEOUT:.0f} seconds"
    except OSError as error:
        return "", f"bicep could not be run: {error.strerror}"
    if done.returncode or len(done.stdout) > MAX_OUTPUT:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[0][:300] if said else f"it ended with {done.returncode}"
        return "", f"bicep could not build it: {why}"
    return done.stdout.decode("utf-8", "replace"), ""

"""Where resources come from: one grammar of targets, one table of sources, each loaded only when a target needs it.

azure:  azure:SUBSCRIPTION  azure:SUBSCRIPTION/GROUP  azure:mg/GROUP      a live deployment
a snapshot file                                                          an earlier collection
any other file or folder                                                 templates
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auditor import snapshot
from auditor.catalog import Catalog
from auditor.errors import SnapshotError, TargetError, UsageError
from auditor.model import Gap, Origin, Progress, Record, Scope, Silent

AZURE = "azure:"


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """How to read the targets. Each source looks at its own part only.

    Live: `cloud` is public, usgov or china; `arm_endpoint` replaces its endpoint; `access_token_env` names a variable
    that holds a ready token; `concurrency` bounds calls in flight; `call_timeout` the seconds one call may take with
    all its retries; `record` and `replay` are folders of exchanges; `deep` reads what no rule needs yet.
    Templates: `parameters` are parameter files, `parameter` single values, `resource_group`, `location`, `subscription`
    and `azd_env` give the context, `module_path` a folder of registry modules; `cross_check` holds what the Bicep
    compiler on the PATH makes of each template against our reading.
    Terraform: `parameters` are also variable files (`.tfvars`), `parameter` also variables; `terraform_dir` is the
    configuration a plan was made from, where it is not beside it; `verbose` tells the attributes no table knows.
    `changed_only` is a commit of the git checkout the targets are in: only what changed since then reaches is read. All
    of it is where one of the files (or folders) it is `judged_by` changed.
    """

    cloud: str = "public"
    arm_endpoint: str = ""
    access_token_env: str = ""
    concurrency: int = 64
    call_timeout: float = 60.0
    record: Path | None = None
    replay: Path | None = None
    deep: bool = False
    parameters: tuple[Path, ...] = ()
    parameter: Mapping[str, str] = field(default_factory=dict)
    resource_group: str = ""
    location: str = ""
    subscription: str = ""
    azd_env: str = ""
    module_path: Path | None = None
    cross_check: bool = False
    terraform_dir: Path | None = None
    verbose: bool = False
    changed_only: str = ""
    judged_by: tuple[Path, ...] = ()


def collect(
    targets: Sequence[str], options: CollectOptions, catalog: Catalog, progress: Progress | None = None
) -> Iterator[Record]:
    """Read all targets, live ones together so that they share connections and budgets.

    Raises TargetError at once for a target that is no such thing; everything found out later is a `Gap`.
    """
    progress = progress or Silent()
    if not all(target.strip() for target in targets):
        raise TargetError("a target is an empty text", hint="Is a variable not set?")
    live = [target for target in targets if target.startswith(AZURE)]
    files = [Path(target) for target in targets if not target.startswith(AZURE)]
    for path in files:
        if not path.exists():
            near = f"{AZURE}{path}" if len(str(path)) == 36 else ""
            hint = f"To audit the live subscription, name it {near}." if near else "Name a file, a folder or azure:…"
            raise TargetError(f"there is no file or folder {str(path)!r}", hint=hint)
    if options.changed_only and live:
        raise UsageError(
            f"--changed-only is for templates in a git checkout, and {live[0]!r} is live", hint="Scan it by itself."
        )
    return _collect(live, files, options, catalog, progress)


def _collect(
    live: list[str], files: list[Path], options: CollectOptions, catalog: Catalog, progress: Progress
) -> Iterator[Record]:
    if live:
        from auditor.sources import azure

        yield from azure.collect(live, options, catalog, progress)
    snapshots = [path for path in files if not options.changed_only and path.is_file() and _is_snapshot(path)]
    for path in snapshots:
        yield from _from_snapshot(path)
    rest = [path for path in files if path not in snapshots]
    if rest:
        from auditor.sources import templates

        yield from templates.collect(rest, options, catalog, progress)


def _is_snapshot(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return snapshot.is_snapshot(stream.read(512))
    except OSError:
        return False


def _from_snapshot(path: Path) -> Iterator[Record]:
    taken = snapshot.taken_at(path)
    yield Scope(str(path), "snapshot", path.name, f"collected {taken}" if taken else "")
    try:
        yield from snapshot.read(path).records()
    except SnapshotError as error:
        reason = " ".join(filter(None, (str(error).removeprefix(f"{path}: ").rstrip(".") + ".", error.hint)))
        yield Gap(str(path), reason, Origin(str(path)))


def collected_at(targets: Sequence[str], replay: Path | None = None) -> str:
    """When the oldest of some snapshots was taken, or a recording made; empty where any of the targets is read now."""
    if replay is not None and all(target.startswith(AZURE) for target in targets):
        from auditor.sources import azure

        return azure.recorded_at(replay)
    paths = [Path(target) for target in targets if not target.startswith(AZURE)]
    if len(paths) != len(targets) or not all(path.is_file() and _is_snapshot(path) for path in paths):
        return ""
    return min(map(snapshot.taken_at, paths), default="")


def azure_role(catalog: Catalog, scopes: Sequence[str]) -> dict[str, object]:
    """The least-privilege custom role of the live source, assignable at `scopes`."""
    from auditor.sources import azure

    return azure.role(catalog, scopes)

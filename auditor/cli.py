"""The command line: arguments → pipeline → renderer → exit code. The only module that prints.

Only click is imported at the top: `--version`, `--help` and shell completion load nothing of the product.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

import click

from auditor import __version__
from auditor.errors import AuditorError, OutputError, UsageError
from auditor.untrusted import harmless

if TYPE_CHECKING:
    from auditor.model import Record, Renderer, Report

GC_THRESHOLD: Final = 50_000
GAPS_TOLD: Final = 5
_SEVERITIES: Final = ("critical", "high", "medium", "low", "info")

EXIT_CODES: Final = """\b
Exit codes:
  0   clean
  1   findings at or above --fail-on
  2   usage: a wrong option, target or configuration
  3   incomplete: something could not be read or decided
  4   nothing to audit
  5   a rule, baseline or waivers file is bad
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
    "Judging": ("baseline", "rule", "rules_dir", "waivers", "fail_on"),
    "Writing": ("format", "template", "output", "quiet"),
    "Live deployments": (
        "cloud", "arm_endpoint", "access_token_env", "concurrency", "call_timeout", "deep", "record", "replay",
    ),
    "Templates": (
        "parameters", "parameter", "resource_group", "location", "subscription", "azd_env", "module_path",
        "cross_check",
    ),
}  # fmt: skip

TARGETS: Final = """\b
Targets:
  azure:                        every subscription the credential sees
  azure:SUBSCRIPTION            one subscription (its id)
  azure:SUBSCRIPTION/GROUP      one resource group
  azure:mg/MANAGEMENT_GROUP     every subscription below a management group
  PATH                          a snapshot, a template, or a folder of them"""


# ── output ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _say(text: str) -> None:
    """One line to the person, on stderr."""
    click.echo(harmless(text), err=True)


def _emit(chunks: Iterable[str]) -> None:
    """A report to stdout, as it comes. Raises OutputError when it cannot be written there."""
    if sys.stdout is None:
        raise OutputError("stdout cannot be written: it is closed")
    with _stdout() as stream:
        stream.writelines(chunk.encode("utf-8", "backslashreplace") for chunk in chunks)


@contextlib.contextmanager
def _stdout() -> Iterator[BinaryIO]:
    """Stdout for bytes, flushed at the end."""
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        _mute()
        raise SystemExit(141) from None
    except OSError as error:
        _mute()
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error


def _mute() -> None:
    """Let what Python still holds for stdout go nowhere, or it would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path: Path, chunks: Iterable[str]) -> None:
    from auditor import writing

    with writing.whole(path) as stream:
        stream.writelines(chunk.encode("utf-8", "backslashreplace") for chunk in chunks)


class _Progress:
    """Progress on stderr while it is a terminal and nobody asked for quiet; otherwise nothing."""

    def __init__(self, quiet: bool) -> None:
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        if quiet or os.environ.get("CI") or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False, style="yellow"),
        )
        self._live = Progress(*columns, console=Console(stderr=True), transient=True)

    def update(self, stage: str, *, done: int = 0, total: int | None = None, note: str = "") -> None:
        """Show how far a stage is."""
        if self._live is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._live.add_task(harmless(stage), total=total, note="")
        self._live.update(self._tasks[stage], completed=done, total=total, note=harmless(note))

    def __enter__(self) -> _Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()


# ── the root command ─────────────────────────────────────────────────────────────────────────────────────────────────


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
        context.default_map = {"scan": settings, "snapshot": settings, "rules": own_rules, "baselines": own_rules}


class _Sections(click.Command):
    """A command whose many options are listed by what they are for, and the formats with them."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from auditor.renderers import FORMATS

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
                    formatter.write_dl([(entry.name, entry.title) for entry in FORMATS.values()])
        with formatter.section("Other options"):
            formatter.write_dl(list(records.values()))


def _complete_baseline(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[str]:
    from auditor.paths import data_dir

    names = [path.stem for path in (data_dir("rules") / "baselines").glob("*.yaml")]
    return sorted(name for name in names if name.startswith(incomplete))


def _complete_rule(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[str]:
    from auditor.paths import data_dir

    names = [path.stem for path in data_dir("rules").glob("*/*.yaml") if path.parent.name != "baselines"]
    return sorted(name for name in names if name.startswith(incomplete))


def _complete_format(_c: click.Context, _p: click.Parameter, incomplete: str) -> list[str]:
    from auditor.renderers import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, file_okay=False, path_type=Path)


def _collecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that reads targets."""
    options = (
        click.argument("targets", nargs=-1, required=True, metavar="TARGET..."),
        click.option("--parameters", multiple=True, type=_FILE, help="A template's parameter file (repeatable)."),
        click.option("--parameter", multiple=True, metavar="NAME=VALUE", help="One value of a parameter (repeatable)."),
        click.option("--resource-group", default="", metavar="NAME", help="The group a template would be deployed to."),
        click.option("--location", default="", metavar="REGION", help="The region of that group or deployment."),
        click.option("--subscription", default="", metavar="ID", help="The subscription it would be deployed to."),
        click.option("--azd-env", default="", metavar="NAME", help="The azd environment that fills ${…} placeholders."),
        click.option("--module-path", type=_FOLDER, help="A folder of registry modules."),
        click.option("--cross-check", is_flag=True, help="Tell where the bicep command on the PATH disagrees."),
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
        click.option("--record", type=_FOLDER, help="Keep every exchange in this folder (no token, no secret)."),
        click.option("--replay", type=_FOLDER, help="Answer from such a folder instead of the network."),
        click.option("--deep", is_flag=True, help="Also read what no rule needs yet (more calls an account)."),
        click.option("--quiet", "-q", is_flag=True, help="No progress, and no word about what was written."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _collect_options(given: dict[str, Any]) -> dict[str, Any]:
    """Take the collecting options out of a command's arguments, in the pipeline's words."""
    names = (
        "parameters", "resource_group", "location", "subscription", "azd_env", "module_path", "cross_check", "cloud",
        "arm_endpoint", "access_token_env", "concurrency", "call_timeout", "record", "replay", "deep",
    )  # fmt: skip
    pairs = {}
    for pair in given.pop("parameter"):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--parameter {pair!r} is not of the form NAME=VALUE")
        pairs[name] = value
    return {**{name: given.pop(name) for name in names}, "parameter": pairs}


# ── scan ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@root.command(
    cls=_Sections,
    short_help="Audit targets against a baseline and report.",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor scan azure:00000000-0000-0000-0000-000000000000
  auditor scan azure: --format html=report.html --fail-on high
  auditor scan estate.jsonl --baseline well-architected --rule keyvault-purge-protection
  auditor scan azure:SUBSCRIPTION/GROUP --waivers waivers.yaml --format json=- | jq .summary

{EXIT_CODES}""",
)
@_collecting
@click.option(
    "--baseline",
    default="standard-deployment",
    show_default=True,
    metavar="NAME|FILE",
    help="What the settings are compared with.",
    shell_complete=_complete_baseline,
)
@click.option("--waivers", type=_FILE, help="Approved exceptions with owner and expiry.")
@click.option("--rule", multiple=True, metavar="ID", help="Only this rule (repeatable).", shell_complete=_complete_rule)
@click.option("--rules-dir", multiple=True, type=_EXISTING, help="A folder of your own rules (repeatable).")
@click.option(
    "--format",
    "format",
    multiple=True,
    metavar="NAME[=PATH]",
    help="A report, to PATH or stdout (repeatable; default: a summary on the terminal).",
    shell_complete=_complete_format,
)
@click.option("--template", type=_EXISTING, metavar="DIRECTORY", help="A folder of your own report templates.")
@click.option(
    "--fail-on",
    type=click.Choice(_SEVERITIES),
    default="low",
    show_default=True,
    help="Exit with 1 for failures of this severity or above.",
)
def scan(targets: tuple[str, ...], **given: Any) -> int:
    """Audit TARGETs against a baseline and report."""
    from auditor import pipeline
    from auditor.model import Severity

    options = _collect_options(given)
    outputs = _outputs(given["format"], given["template"])
    policy = pipeline.load_policy(
        given["baseline"], waivers=given["waivers"], rule=given["rule"], rules_dir=given["rules_dir"]
    )
    with _Progress(given["quiet"]) as progress:
        collected = pipeline.collect(targets, progress=progress, **options)
        report = pipeline.evaluate(collected, policy, progress)
    fail_on = Severity(given["fail_on"])
    if not outputs:
        _summary(report, fail_on)
    elif not given["quiet"] and all(path is not None for _, path in outputs):
        from auditor.renderers.overview import overview

        verdict = overview(report).verdict
        _say(f"{verdict.word}: {verdict.sentence}")
    _render(report, outputs, quiet=given["quiet"])
    return report.exit_code(fail_on)


def _outputs(formats: Iterable[str], template: Path | None) -> list[tuple[Renderer, Path | None]]:
    """The renderer and the place of each `NAME[=PATH]`; a place of None is stdout, which one report may have.

    Whatever can be wrong with them is said here, before the work.
    """
    from auditor import writing
    from auditor.renderers import find

    result: list[tuple[Renderer, Path | None]] = []
    for item in formats:
        name, equals, target = item.partition("=")
        entry = find(name)
        if equals and not target:
            raise UsageError(f"--format {item!r} names no file", hint=f"For example {name}=report.{entry.extension}.")
        path = Path(target) if target not in ("", "-") else None
        if path is not None:
            writing.require(path)
        result.append((entry.load(template), path))
    places = [path for _, path in result]
    if places.count(None) > 1:
        raise UsageError("only one report can go to stdout", hint="Give the others a file: --format json=report.json")
    if len({path.absolute() for path in places if path}) < len(places) - places.count(None):
        raise UsageError("two reports would be written to one file", hint="Give each a file of its own.")
    return result


def _render(report: Report, outputs: Iterable[tuple[Renderer, Path | None]], *, quiet: bool) -> None:
    """Write all reports. One that fails keeps none of the others from being written; it is raised at the end."""
    failed: list[AuditorError] = []
    for render, path in outputs:
        try:
            if path is None:
                _emit(render(report))
            else:
                _write(path, render(report))
                if not quiet:
                    _say(f"Wrote {path}")
        except OutputError as error:
            failed.append(error)
    for other in failed[1:]:
        _tell(other)
    if failed:
        raise failed[0]


def _summary(report: Report, fail_on: Any) -> None:
    from auditor.renderers import terminal

    terminal_there = sys.stdout.isatty()
    color = not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or terminal_there)
    width = int(columns) if (columns := os.environ.get("COLUMNS", "")).isdigit() else None
    _emit(terminal.render(report, fail_on=fail_on, color=color, width=width if width or terminal_there else 100))


# ── snapshot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@root.command(
    cls=_Sections,
    short_help="Keep what targets answer in a file, to audit later.",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor snapshot azure: -o estate.jsonl
  auditor snapshot azure:00000000-0000-0000-0000-000000000000 -o estate.jsonl && auditor scan estate.jsonl
  auditor snapshot azure: -o - | gzip > estate.jsonl.gz

{SNAPSHOT_EXIT_CODES}""",
)
@_collecting
@click.option("--output", "-o", type=_FILE, required=True, help="The file to write, or - for stdout.")
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
    options = sources.CollectOptions(**_collect_options(given))
    with _Progress(quiet) as progress:
        records = sources.collect(targets, options, catalog, progress)
        if str(output) == "-":
            with _stdout() as stream:
                snapshots.write_to(stream, counted(records), targets)
        else:
            snapshots.write(output, counted(records), targets)
    for gap in gaps[:GAPS_TOLD]:
        _say(f"Not read: {gap.subject}: {gap.reason}")
    if not quiet:
        counts = f"{overview.counted(stores, 'resource')}, {overview.counted(len(gaps), 'gap')}"
        _say(f"Wrote {'the snapshot' if str(output) == '-' else output}: {counts}")
    return 3 if gaps else 0 if stores else 4


# ── rules and baselines ──────────────────────────────────────────────────────────────────────────────────────────────


def _load_rules(folders: Iterable[Path]) -> Mapping[str, Any]:
    from auditor import pipeline, services
    from auditor.paths import data_dir
    from auditor.rules import load_rules

    return load_rules([data_dir("rules"), *folders], pipeline.vocabulary_of(services.catalog()))


_RULES_DIR = click.option("--rules-dir", multiple=True, type=_EXISTING, help="A folder of your own rules (repeatable).")
_AS_JSON = click.option(
    "--format",
    "as_json",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for tools.",
)


@root.group(name="rules", epilog="\b\nExamples:\n  auditor rules list\n  auditor rules test storage-blob-soft-delete")
def rules_group() -> None:
    """List, explain and test the rules."""


@rules_group.command("list", epilog="\b\nExamples:\n  auditor rules list\n  auditor rules list --format json")
@_RULES_DIR
@_AS_JSON
def rules_list(rules_dir: tuple[Path, ...], as_json: str) -> int:
    """List all rules."""
    rules = _load_rules(rules_dir)
    if as_json == "json":
        rows = [
            {"id": r.id, "title": r.title, "severity": r.severity, "applies_to": r.applies_to} for r in rules.values()
        ]
        _emit([_json(rows)])
        return 0
    width = max(map(len, rules), default=0)
    _emit(f"{rule.id:<{width}}  {rule.severity.value:<8}  {harmless(rule.title)}\n" for rule in rules.values())
    return 0


@rules_group.command(
    "show", short_help="Explain one rule.", epilog="\b\nExample:\n  auditor rules show keyvault-purge-protection"
)
@click.argument("rule_id", metavar="ID", shell_complete=_complete_rule)
@_RULES_DIR
def rules_show(rule_id: str, rules_dir: tuple[Path, ...]) -> int:
    """Explain one rule: why it matters, what it expects, how to put it right."""
    from auditor import pipeline
    from auditor.rule_docs import rule_page

    rules = pipeline.select(_load_rules(rules_dir), [rule_id])
    _page(rule_page(rules[rule_id]))
    return 0


@rules_group.command("test", epilog="\b\nExamples:\n  auditor rules test\n  auditor rules test --rules-dir my-rules")
@click.argument("rule_ids", metavar="[ID]...", nargs=-1, shell_complete=_complete_rule)
@_RULES_DIR
@click.option("--verbose", "-v", is_flag=True, help="Name the examples that hold, too.")
def rules_test(rule_ids: tuple[str, ...], rules_dir: tuple[Path, ...], verbose: bool) -> int:
    """Run the examples that rules carry."""
    from auditor import pipeline, services
    from auditor.examples import run_examples

    chosen = pipeline.select(_load_rules(rules_dir), rule_ids)
    counts = {True: 0, False: 0}
    for result in run_examples(chosen.values(), services.catalog()):
        counts[result.passed] += 1
        if result.passed and verbose:
            _emit([harmless(f"ok    {result.rule}: {result.name}\n")])
        if not result.passed:
            where = f"{result.file}:{result.line}: {result.rule}: {result.name}"
            _emit(
                [harmless(f"FAIL  {where}\n      expected {result.expected}, got {result.actual}: {result.message}\n")]
            )
    _emit([f"{len(chosen)} rules, {counts[True]} examples hold, {counts[False]} do not\n"])
    return 5 if counts[False] or not counts[True] else 0


@rules_group.command(
    "schema",
    short_help="Print a JSON Schema for editors.",
    epilog="\b\nExamples:\n  auditor rules schema > rule.schema.json\n  auditor rules schema baseline",
)
@click.argument("kind", type=click.Choice(["rule", "baseline", "waivers"]), default="rule")
def rules_schema(kind: str) -> int:
    """Print the JSON Schema of rule, baseline or waivers files, for editors."""
    from auditor import pipeline, services
    from auditor.schemas import schema

    _emit([_json(schema(kind, pipeline.vocabulary_of(services.catalog()), _load_rules(())))])
    return 0


@root.group(name="baselines", epilog="\b\nExample:\n  auditor baselines show well-architected")
def baselines_group() -> None:
    """List and show the baselines."""


@baselines_group.command("list", epilog="\b\nExample:\n  auditor baselines list")
@_AS_JSON
def baselines_list(as_json: str) -> int:
    """List the shipped baselines."""
    from auditor.paths import data_dir
    from auditor.rules import baseline_names, load_baseline

    folder = data_dir("rules") / "baselines"
    rules = _load_rules(())
    found = [load_baseline(name, folder, rules) for name in baseline_names(folder)]
    if as_json == "json":
        _emit([_json([{"id": b.id, "title": b.title, "description": b.description} for b in found])])
        return 0
    width = max(len(baseline.id) for baseline in found)
    _emit(f"{baseline.id:<{width}}  {baseline.title}\n" for baseline in found)
    return 0


@baselines_group.command("show", epilog="\b\nExample:\n  auditor baselines show standard-deployment")
@click.argument("name", metavar="NAME|FILE", shell_complete=_complete_baseline)
@_RULES_DIR
def baselines_show(name: str, rules_dir: tuple[Path, ...]) -> int:
    """Show what a baseline expects of every rule."""
    from auditor import pipeline
    from auditor.rule_docs import baseline_page

    policy = pipeline.load_policy(name, rules_dir=rules_dir)
    _page(baseline_page(policy.baseline, policy.rules))
    return 0


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

    _emit([_json(azure_role(services.catalog(), scopes))])
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
    _emit([kind(root, {}, "auditor", "_AUDITOR_COMPLETE").source() + "\n"])
    return 0


def _page(text: str) -> None:
    """A page in Markdown: laid out for a person at a terminal, as it is for everyone else."""
    text = harmless(text)
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        _emit([text])
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


# ── the edge ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _terminated(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def _tell(error: AuditorError) -> None:
    _say(f"error: {error}")
    if error.hint:
        _say(f"hint: {error.hint}")


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
        _tell(UsageError(error.format_message(), hint=f"`{command} --help` shows what it takes."))
        return UsageError.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("Interrupted.")
        return 130
    except AuditorError as error:
        _tell(error)
        return error.exit_code
    except Exception as error:
        # The one handler at the edge: whatever it is, it is our bug.
        if os.environ.get("AUDITOR_DEBUG"):
            raise
        _say(f"internal error: {type(error).__name__}: {error}")
        _say("hint: This is a bug in auditor. AUDITOR_DEBUG=1 shows the traceback; --record keeps what led to it.")
        return AuditorError.exit_code
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """Entry point of the console script."""
    # What a scan holds are trees without cycles: at Python's own pace the collector walks all of it again and again.
    gc.set_threshold(GC_THRESHOLD)
    with contextlib.suppress(ValueError, AttributeError):
        signal.signal(signal.SIGTERM, _terminated)
    raise SystemExit(run())

"""The commands on what is judged by: rules and baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from auditor.cli.options import (
    AS_JSON,
    FILE,
    RULES_DIR,
    TARGETS,
    Commands,
    Sections,
    collect_options,
    collecting,
    complete_baseline,
    complete_rule,
)
from auditor.cli.output import Progress, emit, page, say, to_json, write
from auditor.errors import UsageError
from auditor.untrusted import harmless


def _load_rules(folders: Iterable[Path]) -> Mapping[str, Any]:
    from auditor import pipeline, services
    from auditor.paths import data_dir
    from auditor.rules import load_rules

    return load_rules([data_dir("rules"), *folders], pipeline.vocabulary_of(services.catalog()))


@click.group(
    cls=Commands,
    name="rules",
    epilog="\b\nExamples:\n  auditor rules list\n  auditor rules test storage-blob-soft-delete",
)
def rules_group() -> None:
    """List, explain and test the rules."""


@rules_group.command("list", epilog="\b\nExamples:\n  auditor rules list\n  auditor rules list --format json")
@RULES_DIR
@AS_JSON
def rules_list(rules_dir: tuple[Path, ...], as_json: str) -> int:
    """List all rules."""
    rules = _load_rules(rules_dir)
    if as_json == "json":
        rows = [
            {"id": r.id, "title": r.title, "severity": r.severity, "applies_to": r.applies_to} for r in rules.values()
        ]
        emit([to_json(rows)])
        return 0
    width = max(map(len, rules), default=0)
    emit(f"{rule.id:<{width}}  {rule.severity.value:<8}  {harmless(rule.title)}\n" for rule in rules.values())
    return 0


@rules_group.command(
    "show", short_help="Explain one rule.", epilog="\b\nExample:\n  auditor rules show keyvault-purge-protection"
)
@click.argument("rule_id", metavar="ID", shell_complete=complete_rule)
@RULES_DIR
def rules_show(rule_id: str, rules_dir: tuple[Path, ...]) -> int:
    """Explain one rule: why it matters, what it expects, how to put it right."""
    from auditor import pipeline
    from auditor.rule_docs import rule_page

    rules = pipeline.select(_load_rules(rules_dir), [rule_id])
    page(rule_page(rules[rule_id]))
    return 0


@rules_group.command("test", epilog="\b\nExamples:\n  auditor rules test\n  auditor rules test --rules-dir my-rules")
@click.argument("rule_ids", metavar="[ID]...", nargs=-1, shell_complete=complete_rule)
@RULES_DIR
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
            emit([harmless(f"ok    {result.rule}: {result.name}\n")])
        if not result.passed:
            where = f"{result.file}:{result.line}: {result.rule}: {result.name}"
            emit(
                [harmless(f"FAIL  {where}\n      expected {result.expected}, got {result.actual}: {result.message}\n")]
            )
    emit([f"{len(chosen)} rules, {counts[True]} examples hold, {counts[False]} do not\n"])
    return 5 if counts[False] or not counts[True] else 0


@rules_group.command(
    "schema",
    short_help="Print a JSON Schema for editors.",
    epilog="\b\nExamples:\n  auditor rules schema > rule.schema.json\n  auditor rules schema baseline",
)
@click.argument("kind", type=click.Choice(["rule", "baseline", "waivers", "map", "objectives"]), default="rule")
def rules_schema(kind: str) -> int:
    """Print the JSON Schema of rule, baseline, waivers, map or objectives files, for editors."""
    from auditor import pipeline, services
    from auditor.schemas import schema

    emit([to_json(schema(kind, pipeline.vocabulary_of(services.catalog()), _load_rules(())))])
    return 0


@click.group(
    cls=Commands,
    name="baselines",
    epilog="""\b
Examples:
  auditor baselines show well-architected
  auditor baselines derive golden.jsonl -o golden.yaml""",
)
def baselines_group() -> None:
    """List and show the baselines, and derive one from a golden environment."""


@baselines_group.command("list", epilog="\b\nExample:\n  auditor baselines list")
@AS_JSON
def baselines_list(as_json: str) -> int:
    """List the shipped baselines."""
    from auditor.paths import data_dir
    from auditor.rules import baseline_names, load_baseline

    folder = data_dir("rules") / "baselines"
    rules = _load_rules(())
    found = [load_baseline(name, folder, rules) for name in baseline_names(folder)]
    if as_json == "json":
        emit([to_json([{"id": b.id, "title": b.title, "description": b.description} for b in found])])
        return 0
    width = max(len(baseline.id) for baseline in found)
    emit(f"{baseline.id:<{width}}  {baseline.title}\n" for baseline in found)
    return 0


@baselines_group.command("show", epilog="\b\nExample:\n  auditor baselines show standard-deployment")
@click.argument("name", metavar="NAME|FILE", shell_complete=complete_baseline)
@RULES_DIR
def baselines_show(name: str, rules_dir: tuple[Path, ...]) -> int:
    """Show what a baseline expects of every rule."""
    from auditor import pipeline
    from auditor.rule_docs import baseline_page

    policy = pipeline.load_policy(name, rules_dir=rules_dir)
    page(baseline_page(policy.baseline, policy.rules))
    return 0


@baselines_group.command(
    "derive",
    cls=Sections,
    short_help="Freeze what a golden environment meets today as a baseline.",
    epilog=f"""{TARGETS}

\b
Examples:
  auditor baselines derive azure:SUBSCRIPTION/GOLDEN -o baselines/golden.yaml
  auditor baselines derive golden.jsonl -o golden.yaml --extends well-architected --id golden
  auditor scan azure: --baseline golden.yaml

\b
Exit codes:
  0   written
  2   usage: a wrong option, target or configuration; a file that cannot be written
  3   something could not be read: what it hides is not in the baseline
  4   nothing to derive from; nothing was written
  5   a rule or the baseline it extends is bad
  70  our own bug""",
)
@collecting
@click.option("--output", "-o", type=FILE, required=True, help="The baseline to write, or - for stdout.")
@click.option(
    "--extends",
    default="standard-deployment",
    show_default=True,
    metavar="NAME|FILE",
    help="The baseline that says everything else: statements, severities.",
    shell_complete=complete_baseline,
)
@click.option("--id", "name", default="", metavar="ID", help="The baseline's id (default: the file's name).")
@RULES_DIR
def baselines_derive(
    targets: tuple[str, ...],
    output: Path,
    extends: str,
    name: str,
    rules_dir: tuple[Path, ...],
    quiet: bool,
    **given: Any,
) -> int:
    """Freeze what TARGETs meet today as a baseline: the strictest values that none of their stores fails."""
    from auditor import derivation, pipeline, writing

    to_file = str(output) != "-"
    if to_file:
        writing.require(output)
        if Path(extends).is_file() and output.exists() and output.samefile(extends):
            raise UsageError(f"{output} cannot extend itself", hint="Write to another file.")
    options = collect_options(given)
    policy = pipeline.load_policy(extends, rules_dir=rules_dir)
    name = derivation.name_of(name, output if to_file else None, policy.baseline.id)
    with Progress(quiet) as progress:
        collected = pipeline.collect(targets, progress=progress, **options)
    golden = derivation.derive(collected, policy)
    if not golden.resources:
        say("Nothing was written: no resource of an audited type was found.")
        return 3 if golden.gaps else 4
    chunks = derivation.written(golden, name, extends, folder=output.parent if to_file else Path())
    if to_file:
        write(output, chunks)
    else:
        emit(chunks)
    for gap in golden.gaps[:5]:
        say(f"Not read: {gap.subject}: {gap.reason}")
    if not quiet:
        say(f"Wrote {output if to_file else 'the baseline'}: {golden.counted()}")
    return 3 if golden.gaps else 0

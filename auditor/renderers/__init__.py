"""Report → text. One table of formats; each is loaded only when it is asked for.

Templates (Jinja, in `reports/templates/`) are for people, serialisers for machines. Every renderer is pure, yields its
text in chunks, and treats each name in a report as hostile: a resource may be called `<script>` or `=HYPERLINK(…)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from auditor.errors import UsageError
from auditor.model import RecoveryReport, Renderer, Report

if TYPE_CHECKING:
    from auditor.delta import Delta

RecoveryRenderer = Callable[[RecoveryReport], Iterator[str]]
DriftRenderer = Callable[["Delta"], Iterator[str]]
DRIFT_HTML: Final = "drift-html.html.j2"
DRIFT_MARKDOWN: Final = "drift-markdown.md.j2"
DRIFT_TEXT: Final = "drift-text.txt.j2"
RECOVERY_HTML: Final = "recovery-page.html.j2"
RECOVERY_MARKDOWN: Final = "recovery-page.md.j2"

_Rendered = TypeVar("_Rendered")


class Format(NamedTuple, Generic[_Rendered]):
    """A report format: its name on the command line, its file extension, and how its renderer is loaded.

    `load(template_dir)` imports what the format needs and returns the renderer. `template` is the file name that a
    user's own template folder may hold for it; empty for a format that no template makes.
    """

    name: str
    extension: str
    title: str
    load: Callable[[Path | None], Callable[[_Rendered], Iterator[str]]]
    template: str = ""


def _json(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import json_v1

    return json_v1.render


def _csv(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import spreadsheet

    return spreadsheet.render


def _html(template_dir: Path | None) -> Renderer:
    from auditor.renderers import html

    return html.renderer(template_dir)


def _markdown(template_dir: Path | None) -> Renderer:
    from auditor.renderers import template

    return template.renderer("markdown.md.j2", template_dir)


def _text(template_dir: Path | None) -> Renderer:
    from auditor.renderers import template

    return template.renderer("text.txt.j2", template_dir)


def _sarif(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import sarif

    return sarif.render


def _github_sarif(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import sarif

    return sarif.render_for_github


def _github(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import github

    return github.render


def _github_summary(template_dir: Path | None) -> Renderer:
    from auditor.renderers import github_summary

    return github_summary.renderer(template_dir)


def _gitlab(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import gitlab

    return gitlab.render


def _azuredevops(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import azuredevops

    return azuredevops.render


def _junit(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import junit

    return junit.render


def _oscal(_template_dir: Path | None) -> Renderer:
    from auditor.renderers import oscal

    return oscal.render


FORMATS: Final[Mapping[str, Format[Report]]] = {
    entry.name: entry
    for entry in (
        Format("html", "html", "one page to read, filter and sign; needs no network", _html, "html.html.j2"),
        Format("markdown", "md", "summary and tables for a pull request or a wiki", _markdown, "markdown.md.j2"),
        Format("text", "txt", "plain text for a mail or a CI log", _text, "text.txt.j2"),
        Format("csv", "csv", "one row a finding, for a spreadsheet", _csv),
        Format("json", "json", "everything, for tools (schema auditor/report/v1)", _json),
        Format("sarif", "sarif", "SARIF 2.1.0: every finding, for viewers and archives", _sarif),
        Format("github-sarif", "github.sarif", "SARIF of what GitHub code scanning is to alert of", _github_sarif),
        Format("github", "github.txt", "GitHub workflow commands: notes beside the code", _github),
        Format("github-summary", "summary.md", "GitHub step summary: Markdown of at most 1 MiB", _github_summary),
        Format("gitlab", "gitlab.json", "GitLab Code Quality report", _gitlab),
        Format("azuredevops", "azuredevops.txt", "Azure Pipelines logging commands: issues of a run", _azuredevops),
        Format("junit", "xml", "JUnit XML: a suite a resource, a case a finding", _junit),
        Format("oscal", "oscal.json", "OSCAL 1.1.3 assessment results, by control", _oscal),
    )
}


def _drift_page(name: str) -> Callable[[Path | None], DriftRenderer]:
    def load(template_dir: Path | None) -> DriftRenderer:
        from auditor.renderers.drift import pages

        return pages.renderer(name, template_dir)

    return load


def _drift_json(_template_dir: Path | None) -> DriftRenderer:
    from auditor.renderers.drift import json_v1

    return json_v1.render


def _drift_sarif(*, for_github: bool) -> Callable[[Path | None], DriftRenderer]:
    def load(_template_dir: Path | None) -> DriftRenderer:
        from auditor.renderers import sarif
        from auditor.renderers.drift.as_report import as_comparison, as_report

        render = sarif.render_for_github if for_github else sarif.render
        return lambda delta: render(as_report(delta), as_comparison(delta))

    return load


def _drift_junit(_template_dir: Path | None) -> DriftRenderer:
    from auditor.renderers import junit
    from auditor.renderers.drift.as_report import as_report

    return lambda delta: junit.render(as_report(delta))


DRIFT_FORMATS: Final[Mapping[str, Format[Delta]]] = {
    entry.name: entry
    for entry in (
        Format("html", "html", "one page to read; needs no network", _drift_page(DRIFT_HTML), DRIFT_HTML),
        Format("markdown", "md", "tables for a pull request or a wiki", _drift_page(DRIFT_MARKDOWN), DRIFT_MARKDOWN),
        Format("text", "txt", "plain text for a mail or a CI log", _drift_page(DRIFT_TEXT), DRIFT_TEXT),
        Format("json", "json", "everything, for tools (schema auditor/drift/v1)", _drift_json),
        Format("sarif", "sarif", "SARIF 2.1.0: every difference as a result", _drift_sarif(for_github=False)),
        Format("github-sarif", "github.sarif", "SARIF of what GitHub is to alert of", _drift_sarif(for_github=True)),
        Format("junit", "xml", "JUnit XML: a suite a resource, a case a difference", _drift_junit),
    )
}


def _recovery_page(name: str) -> Callable[[Path | None], RecoveryRenderer]:
    def load(template_dir: Path | None) -> RecoveryRenderer:
        from auditor.renderers.recovery import pages

        return pages.renderer(name, template_dir)

    return load


def _recovery_json(_template_dir: Path | None) -> RecoveryRenderer:
    from auditor.renderers.recovery import pages

    return pages.as_json


RECOVERY_FORMATS: Final[Mapping[str, Format[RecoveryReport]]] = {
    entry.name: entry
    for entry in (
        Format(
            "html",
            "html",
            "one page to read: the matrix, its figures and sources",
            _recovery_page(RECOVERY_HTML),
            RECOVERY_HTML,
        ),
        Format(
            "markdown",
            "md",
            "the matrix and its figures, or the runbook, for a wiki",
            _recovery_page(RECOVERY_MARKDOWN),
            RECOVERY_MARKDOWN,
        ),
        Format("json", "json", "the report for tools (schema auditor/report/v1)", _recovery_json),
    )
}


def render(report: Report, fmt: str, *, template_dir: Path | None = None) -> Iterator[str]:
    """The report as text in the format called `fmt`, in chunks.

    `template_dir` is a folder of the user's own templates, used before the shipped ones; formats without a template do
    not look at it. Raises UsageError for an unknown format or a folder that holds no template, OutputError for a
    template that is wrong (file and line are named).
    """
    return find(fmt, FORMATS).load(template_dir)(report)


def find(name: str, table: Mapping[str, Format[_Rendered]]) -> Format[_Rendered]:
    """The format called `name` in a table. Raises UsageError with the valid names and the nearest."""
    entry = table.get(name)
    if entry is None:
        import difflib

        near = difflib.get_close_matches(name.casefold()[:40], table, n=1, cutoff=0.5)
        raise UsageError(
            f"unknown report format {name[:80]!r}; valid formats are {', '.join(table)}",
            hint=f"Did you mean {near[0]}?" if near else "",
        )
    return entry

"""Report → text. One table of formats; each is loaded only when it is asked for.

Templates (Jinja, in `reports/templates/`) are for people, serialisers for machines. Every renderer is pure, yields its
text in chunks, and treats each name in a report as hostile: a resource may be called `<script>` or `=HYPERLINK(…)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from auditor.errors import UsageError
from auditor.model import RecoveryReport, Report

if TYPE_CHECKING:
    from auditor.delta import Delta

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


_Load = Callable[[Path | None], Callable[[Any], Iterator[str]]]


def _made_by(module: str, name: str = "render") -> _Load:
    """A format that a function of a module of this package makes; it looks at no template."""
    return lambda _template_dir: getattr(_module(module), name)


def _page(module: str, *template: str) -> _Load:
    """A format that a template makes, through the `renderer` of a module of this package."""
    return lambda template_dir: _module(module).renderer(*template, template_dir)


def _module(name: str) -> Any:
    return importlib.import_module(f"auditor.renderers.{name}")


FORMATS: Final[Mapping[str, Format[Report]]] = {
    entry.name: entry
    for entry in (
        Format("html", "html", "one page to read, filter and sign; needs no network", _page("html"), "html.html.j2"),
        Format(
            "markdown",
            "md",
            "summary and tables for a pull request or a wiki",
            _page("template", "markdown.md.j2"),
            "markdown.md.j2",
        ),
        Format("text", "txt", "plain text for a mail or a CI log", _page("template", "text.txt.j2"), "text.txt.j2"),
        Format("csv", "csv", "one row a finding, for a spreadsheet", _made_by("spreadsheet")),
        Format("json", "json", "everything, for tools (schema auditor/report/v1)", _made_by("json_v1")),
        Format("sarif", "sarif", "SARIF 2.1.0: every finding, for viewers and archives", _made_by("sarif")),
        Format(
            "github-sarif",
            "github.sarif",
            "SARIF of what GitHub code scanning is to alert of",
            _made_by("sarif", "render_for_github"),
        ),
        Format("github", "github.txt", "GitHub workflow commands: notes beside the code", _made_by("github")),
        Format(
            "github-summary", "summary.md", "GitHub step summary: Markdown of at most 1 MiB", _page("github_summary")
        ),
        Format("gitlab", "gitlab.json", "GitLab Code Quality report", _made_by("gitlab")),
        Format(
            "azuredevops",
            "azuredevops.txt",
            "Azure Pipelines logging commands: issues of a run",
            _made_by("azuredevops"),
        ),
        Format("junit", "xml", "JUnit XML: a suite a resource, a case a finding", _made_by("junit")),
        Format("oscal", "oscal.json", "OSCAL 1.1.3 assessment results, by control", _made_by("oscal")),
    )
}


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
        Format("html", "html", "one page to read; needs no network", _page("drift.pages", DRIFT_HTML), DRIFT_HTML),
        Format(
            "markdown",
            "md",
            "tables for a pull request or a wiki",
            _page("drift.pages", DRIFT_MARKDOWN),
            DRIFT_MARKDOWN,
        ),
        Format("text", "txt", "plain text for a mail or a CI log", _page("drift.pages", DRIFT_TEXT), DRIFT_TEXT),
        Format("json", "json", "everything, for tools (schema auditor/drift/v1)", _made_by("drift.json_v1")),
        Format("sarif", "sarif", "SARIF 2.1.0: every difference as a result", _drift_sarif(for_github=False)),
        Format("github-sarif", "github.sarif", "SARIF of what GitHub is to alert of", _drift_sarif(for_github=True)),
        Format("junit", "xml", "JUnit XML: a suite a resource, a case a difference", _drift_junit),
    )
}


RECOVERY_FORMATS: Final[Mapping[str, Format[RecoveryReport]]] = {
    entry.name: entry
    for entry in (
        Format(
            "html",
            "html",
            "one page to read: the matrix, its figures and sources",
            _page("recovery.pages", RECOVERY_HTML),
            RECOVERY_HTML,
        ),
        Format(
            "markdown",
            "md",
            "the matrix and its figures, or the runbook, for a wiki",
            _page("recovery.pages", RECOVERY_MARKDOWN),
            RECOVERY_MARKDOWN,
        ),
        Format(
            "json", "json", "the report for tools (schema auditor/report/v1)", _made_by("recovery.pages", "as_json")
        ),
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

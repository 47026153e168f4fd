"""The summary a person sees in the terminal: the verdict, what could not be read, and what to act on, worst first."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.model import Finding, Outcome, Report, Severity
from auditor.untrusted import harmless_line

_GAPS_SHOWN = 10
_ROWS_SHOWN = 25
_NAMES_SHOWN = 3

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_VERDICTS = {
    0: ("Clean: everything expected was read and holds.", "bold green"),
    1: ("Failing: settings are weaker than the baseline expects.", "bold red"),
    3: ("Incomplete: something could not be read or decided, so this is no clean bill.", "bold yellow"),
    4: ("Nothing to audit: no resource of an audited type was found.", "bold yellow"),
}


def render(report: Report, *, fail_on: Severity, color: bool, width: int | None) -> Iterator[str]:
    """The summary as text, with ANSI colours where `color` is set; `width` is in columns, None for the terminal's."""
    console = Console(file=io.StringIO(), force_terminal=color, no_color=not color, width=width, highlight=False)
    verdict, style = _VERDICTS[report.exit_code(fail_on)]
    targets = ", ".join(map(harmless_line, report.targets[:5])) + (", …" if len(report.targets) > 5 else "")
    console.print(Text(f"{report.baseline_title} · {targets}", style="bold"))
    console.print(Text(verdict, style=style))
    _gaps(report, console)
    _services(report, console)
    _to_act_on(report, console)
    if any(scope.state.casefold() not in ("", "enabled") for scope in report.scopes):
        states = [f"{scope.name or scope.id} ({scope.state})" for scope in report.scopes if scope.state]
        console.print(Text("Subscriptions: " + harmless_line(", ".join(states[:8])), style="dim"))
    console.print(Text("Details: --format html=report.html; why and how to fix: auditor rules show RULE", style="dim"))
    output = console.file
    yield output.getvalue() if isinstance(output, io.StringIO) else ""


def _gaps(report: Report, console: Console) -> None:
    if not report.gaps:
        return
    console.print()
    console.print(Text(f"Could not be read ({len(report.gaps)}):", style="bold yellow"))
    for gap in report.gaps[:_GAPS_SHOWN]:
        console.print(Text(f"  {harmless_line(gap.subject)}: {harmless_line(gap.reason)}"))
    if len(report.gaps) > _GAPS_SHOWN:
        console.print(Text(f"  … and {len(report.gaps) - _GAPS_SHOWN} more", style="dim"))


def _services(report: Report, console: Console) -> None:
    counts: dict[str, Counter[str]] = {}
    for finding in report.findings:
        service = report.rules[finding.rule].service
        kind = "waived" if finding.waived else finding.outcome.value
        counts.setdefault(service, Counter())[kind] += 1
    if not counts:
        return
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column("Service")
    columns = ("pass", "fail", "unknown", "not-applicable", "informational", "waived")
    for column in columns:
        table.add_column(column, justify="right")
    for service, count in counts.items():
        cells = [Text(str(count[column]), style=_cell_style(column, count[column])) for column in columns]
        table.add_row(Text(report.services.get(service, service)), *cells)
    console.print()
    console.print(table)


def _cell_style(column: str, number: int) -> str:
    if not number:
        return "dim"
    return {"fail": "bold red", "unknown": "bold yellow", "pass": "green"}.get(column, "")


def _to_act_on(report: Report, console: Console) -> None:
    """Failures by rule, the most severe first, then unknowns by reason, each with the resources concerned."""
    failures: dict[tuple[int, str], list[Finding]] = {}
    unknowns: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.waived:
            continue
        if finding.outcome is Outcome.FAIL:
            failures.setdefault((-finding.severity.rank, finding.rule), []).append(finding)
        elif finding.outcome is Outcome.UNKNOWN:
            unknowns.setdefault(finding.message, []).append(finding)
    groups = [failures[key] for key in sorted(failures)] + list(unknowns.values())
    if not groups:
        return
    table = Table(box=None, padding=(0, 1), show_edge=False, title="To act on", title_justify="left")
    for column, ratio in (("Severity", None), ("Rule", None), ("Resources", 2), ("Found", 3)):
        table.add_column(column, ratio=ratio, overflow="fold", vertical="top")
    for findings in groups[:_ROWS_SHOWN]:
        first = findings[0]
        failed = first.outcome is Outcome.FAIL
        style = _STYLES[first.severity] if failed else "yellow"
        rules = _listed(finding.rule for finding in findings)
        names = _listed(harmless_line(finding.subject.name) for finding in findings)
        message = harmless_line(first.message)[:240]
        mark = first.severity.value if failed else "unknown"
        table.add_row(Text(mark, style=style), Text(rules), Text(names), Text(message))
    console.print()
    console.print(table)
    if len(groups) > _ROWS_SHOWN:
        console.print(Text(f"… and {len(groups) - _ROWS_SHOWN} more", style="dim"))


def _listed(names: Iterable[str]) -> str:
    """The first few of several names, each once."""
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - _NAMES_SHOWN} more" if len(found) > _NAMES_SHOWN else ""
    return ", ".join(found[:_NAMES_SHOWN]) + more

"""The summary a person sees in the terminal: the verdict, what could not be read, and what to act on, worst first."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator

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
    """Failures and unknowns by rule, the most severe first, each with the resources it concerns."""
    groups: dict[tuple[bool, int, str], list[Finding]] = {}
    for finding in report.findings:
        if finding.outcome in (Outcome.FAIL, Outcome.UNKNOWN) and not finding.waived:
            key = (finding.outcome is Outcome.UNKNOWN, -finding.severity.rank, finding.rule)
            groups.setdefault(key, []).append(finding)
    if not groups:
        return
    table = Table(box=None, padding=(0, 1), show_edge=False, title="To act on", title_justify="left")
    for column, ratio in (("Severity", None), ("Rule", None), ("Resources", 2), ("Found", 3)):
        table.add_column(column, ratio=ratio, overflow="fold", vertical="top")
    for key in sorted(groups)[:_ROWS_SHOWN]:
        findings = groups[key]
        first = findings[0]
        names = ", ".join(harmless_line(finding.subject.name) for finding in findings[:_NAMES_SHOWN])
        more = f" and {len(findings) - _NAMES_SHOWN} more" if len(findings) > _NAMES_SHOWN else ""
        mark = first.severity.value if first.outcome is Outcome.FAIL else "unknown"
        style = _STYLES[first.severity] if first.outcome is Outcome.FAIL else "yellow"
        message = harmless_line(first.message)[:240]
        table.add_row(Text(mark, style=style), Text(first.rule), Text(names + more), Text(message))
    console.print()
    console.print(table)
    if len(groups) > _ROWS_SHOWN:
        console.print(Text(f"… and {len(groups) - _ROWS_SHOWN} more rules", style="dim"))

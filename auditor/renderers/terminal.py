"""The summary a person sees in the terminal: the verdict, what could not be read, and what to act on, worst first."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.model import Finding, Gap, Report, Severity
from auditor.renderers.escaping import terminal as inert
from auditor.renderers.overview import Group, News, Overview, about, counted, overview, where
from auditor.renderers.values import needing

_GAPS_SHOWN = 10
_GROUPS_SHOWN = 25
_MESSAGES_SHOWN = 3
_NAMES_SHOWN = 3
_MESSAGE_LENGTH = 240

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_MARKS = {
    "fail": ("✗", "bold red"),
    "unknown": ("?", "bold yellow"),
    "none": ("–", "bold"),
    "pass": ("✓", "bold green"),
}
_COLUMNS = (
    ("fail", "Fail", "bold red"),
    ("unknown", "Unknown", "bold yellow"),
    ("waived", "Waived", "magenta"),
    ("pass", "Pass", "green"),
    ("informational", "Info", ""),
    ("not-applicable", "N/A", ""),
)


def render(report: Report, *, fail_on: Severity, color: bool, width: int | None) -> Iterator[str]:
    """The summary as text, with ANSI colours where `color` is set; `width` is in columns, None for the terminal's."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=color, no_color=not color, width=width, highlight=False)
    seen = overview(report)
    _head(report, seen, console)
    _verdict(report, seen, fail_on, console)
    _news(seen.news, console)
    not_read([("", gap) for gap in report.gaps], console)
    _services(seen, console)
    _to_act_on(seen.groups, console)
    _promised(report, console)
    _foot(report, seen, console)
    # What was padded to the width of the terminal is of no use to anyone.
    yield "".join(line.rstrip() + "\n" for line in file.getvalue().splitlines())


def _head(report: Report, seen: Overview, console: Console) -> None:
    targets = ", ".join(map(inert, report.targets[:5])) + (", …" if len(report.targets) > 5 else "")
    console.print(Text(inert(report.baseline_title or report.baseline), style="bold"))
    console.print(Text(f"{targets} · {counted(seen.counts['resources'], 'resource')}", style="dim"))
    noted = [scope for scope in report.scopes if scope.state.casefold() not in ("", "enabled") and not scope.left_out]
    if noted:
        states = ", ".join(f"{inert(scope.name or scope.id)} ({inert(scope.state)})" for scope in noted[:8])
        console.print(Text(states, style="dim"))
    console.print()


def _verdict(report: Report, seen: Overview, fail_on: Severity, console: Console) -> None:
    mark, style = _MARKS[seen.verdict.tone]
    console.print(Text(f"{mark} {seen.verdict.word}", style=style))
    console.print(Padding(Text(seen.verdict.sentence), (0, 0, 0, 2)))
    if seen.severities:
        severities = [Text(f"{number} {name}", style=_STYLES[Severity(name)]) for name, number in seen.severities]
        console.print(Padding(Text(" · ").join(severities), (0, 0, 0, 2)))
    if seen.counts["fail"] and report.exit_code(fail_on) != 1:
        only = "that is new " if seen.news is not None and seen.news.since.only_new else ""
        text = f"Nothing {only}fails at --fail-on {fail_on.value} or above."
        console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))


def _news(news: News | None, console: Console) -> None:
    """What is new and what was fixed since an earlier run, a line each."""
    if news is None:
        return
    heading(console, f"Since {inert(news.since.name)}", "bold")
    only = " Only what is new decides the exit code." if news.since.only_new else ""
    console.print(Padding(Text(f"{news.sentence}.{only}"), (0, 0, 0, 2)))
    for mark, style, findings in (("new", "bold red", news.fresh), ("fixed", "green", news.fixed)):
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=5)
        grid.add_column(overflow="fold")
        for finding in findings[:_GROUPS_SHOWN]:
            name = Text.assemble((inert(finding.subject.name), "cyan"), f"  {inert(finding.rule)}")
            grid.add_row(Text(mark, style=style), name)
        console.print(Padding(grid, (0, 0, 0, 2)))
        more(console, len(findings) - _GROUPS_SHOWN)


def _services(seen: Overview, console: Console) -> None:
    scores = [score for score in seen.scores if any(score.counts.values())]
    if not scores:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("Service")
    for title in ("Score", *(title for _, title, _ in _COLUMNS)):
        table.add_column(title, justify="right", no_wrap=True)
    for score in scores:
        percent = "–" if score.percent is None else f"{score.percent}%"
        cells = [
            Text(str(score.counts[state]), style=style if score.counts[state] else "dim")
            for state, _, style in _COLUMNS
        ]
        table.add_row(Text(inert(score.title.removeprefix("Azure "))), Text(percent), *cells)
    console.print()
    console.print(Padding(table, (0, 0, 0, 2)))


def _to_act_on(groups: tuple[Group, ...], console: Console) -> None:
    """Failures by rule, the most severe first, then unknowns by reason, each with the resources concerned."""
    if not groups:
        return
    heading(console, "To act on", "bold")
    for group in groups[:_GROUPS_SHOWN]:
        failed = group.state == "fail"
        rules = Text(_listed(map(inert, group.rules)), style="bold" if failed else "")
        mark = Text(
            group.severity.value if failed else "unknown", style=_STYLES[group.severity] if failed else "yellow"
        )
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=8)
        grid.add_column(overflow="fold")
        grid.add_row(mark, rules)
        for message in _messages(group.findings):
            grid.add_row("", message)
        console.print(Padding(grid, (0, 0, 0, 2)))
    more(console, len(groups) - _GROUPS_SHOWN)


def _messages(findings: Iterable[Finding]) -> list[Text]:
    """What was found, each message once with the names it was found on."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        message = inert(finding.message)
        if len(message) > _MESSAGE_LENGTH:
            message = message[:_MESSAGE_LENGTH] + "…"
        found.setdefault(message, []).append(inert(finding.subject.name))
    lines = [
        Text.assemble((_listed(names), "cyan"), f"  {message}")
        for message, names in list(found.items())[:_MESSAGES_SHOWN]
    ]
    if len(found) > _MESSAGES_SHOWN:
        lines.append(Text(f"… and {len(found) - _MESSAGES_SHOWN} more", style="dim"))
    return lines


def _promised(report: Report, console: Console) -> None:
    """The recovery objectives that are missed, or cannot be told to be met."""
    open_ = [
        (store.subject, row) for store in report.recovery for row in store.scenarios if row.verdict not in ("", "met")
    ]
    if not any(report.promises.values()):
        return
    words = {"met": "met", "missed": "missed", "untold": "cannot be told"}
    counts = ", ".join(f"{number} {words[key]}" for key, number in report.promises.items() if number)
    heading(console, f"Recovery objectives ({counts})", "bold")
    for subject, row in sorted(open_, key=lambda one: one[1].verdict != "missed")[:_GROUPS_SHOWN]:
        mark, style = _MARKS["fail" if row.verdict == "missed" else "unknown"]
        name = Text.assemble(
            (f"{mark} ", style), (inert(subject.name), "cyan"), f"  {row.scenario}  {inert(row.objective)}"
        )
        console.print(Padding(name, (0, 0, 0, 2)))
        console.print(Padding(Text(inert(row.verdict_reason), style="dim"), (0, 0, 0, 4)))
    more(console, len(open_) - _GROUPS_SHOWN)


def _foot(report: Report, seen: Overview, console: Console) -> None:
    _waivers(report, console)
    console.print()
    if seen.groups or report.gaps:
        console.print(Text("Why it matters and how to fix it: auditor rules show RULE", style="dim"))
    console.print(Text("The whole report: --format html=report.html", style="dim"))


def _waivers(report: Report, console: Console) -> None:
    """The waivers that do not count, and those nothing needs."""
    if not report.stale_waivers:
        return
    heading(console, f"{counted(len(report.stale_waivers), 'waiver')} without effect", "yellow")
    for waiver in report.stale_waivers[:_GROUPS_SHOWN]:
        what = f"{waiver.rule} on {waiver.scope}" if waiver.rule else ""
        parts = (waiver.state.value, waiver.place, what, waiver.note)
        console.print(Padding(Text(inert("  ".join(filter(None, parts)))), (0, 0, 0, 2)))
    more(console, len(report.stale_waivers) - _GROUPS_SHOWN)


def not_read(gaps: Sequence[tuple[str, Gap]], console: Console) -> None:
    """What could not be read, why, and the line where a file says it; each after a word of whose it is."""
    if not gaps:
        return
    heading(console, f"Not read ({len(gaps)})", "bold yellow")
    for side, gap in gaps[:_GAPS_SHOWN]:
        name, _ = about(gap.subject)
        console.print(Padding(Text.assemble(side and f"{side}: ", (inert(name), "bold")), (0, 0, 0, 2)))
        console.print(Padding(Text(inert(needing(gap.reason, gap.permission))), (0, 0, 0, 4)))
        if gap.origin.line is not None:
            console.print(Padding(Text(inert(where(gap.origin)), style="dim"), (0, 0, 0, 4)))
    more(console, len(gaps) - _GAPS_SHOWN)


def heading(console: Console, text: str, style: str) -> None:
    """A blank line, and the title of what comes."""
    console.print()
    console.print(Text(text, style=style))


def more(console: Console, number: int) -> None:
    """How many rows are not shown."""
    if number > 0:
        console.print(Padding(Text(f"… and {number} more", style="dim"), (0, 0, 0, 2)))


def _listed(names: Iterable[str]) -> str:
    """The first few of several names, each once."""
    found = list(dict.fromkeys(names))
    rest = f" and {len(found) - _NAMES_SHOWN} more" if len(found) > _NAMES_SHOWN else ""
    return ", ".join(found[:_NAMES_SHOWN]) + rest

"""Every format: its golden file, the table of formats, and names that try to do something."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt

from auditor.errors import UsageError
from auditor.model import Gap, Origin, Outcome, Report, Severity
from auditor.renderers import FORMATS, escaping, render, terminal
from auditor.renderers.overview import about, cause, moment, overview
from auditor.renderers.spreadsheet import COLUMNS, cell
from auditor.renderers.values import needing
from tests.renderers.golden import path_of
from tests.renderers.sample_report import HOSTILE, clean_sample, empty_sample, hostile_sample, sample

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def text_of(report: Report, name: str) -> str:
    return "".join(render(report, name))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_its_golden_file(name):
    expected = path_of(name).read_bytes().decode("utf-8")
    assert text_of(sample(), name) == expected, "make golden writes it anew, when the change is meant"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("make", [clean_sample, empty_sample, hostile_sample])
def test_every_format_renders_any_report_as_utf8(name, make):
    assert text_of(make(), name).encode("utf-8")


def test_an_unknown_format_names_the_valid_ones_and_the_nearest():
    with pytest.raises(UsageError, match="html, markdown, text, csv, json") as caught:
        render(sample(), "markdwon")
    assert caught.value.hint == "Did you mean markdown?"
    with pytest.raises(UsageError) as caught:
        render(sample(), "zzz")
    assert caught.value.hint == ""


@pytest.mark.parametrize("name", FORMATS)
def test_no_control_or_direction_character_leaves(name):
    found = CONTROLS.findall(text_of(hostile_sample(), name).replace("\r\n", "\n"))
    assert found == []


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("html", "github", "azuredevops")])
def test_no_workflow_command_leaves(name):
    for line in text_of(hostile_sample(), name).splitlines():
        assert not line.lstrip().startswith(("::", "##[")), line
        assert not re.search(r"##(vso)?\[", line)


class Page(HTMLParser):
    """The elements and attributes of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._script = self._script and tag != "script"

    def handle_data(self, data):
        if self._script:
            self.scripts[-1] += data


def test_hostile_names_add_no_element_and_no_attribute_to_the_page():
    known = {tag for tag, _ in Page(text_of(sample(), "html")).elements}
    page = Page(text_of(hostile_sample(), "html"))
    assert {tag for tag, _ in page.elements} <= known
    assert sum(tag == "script" for tag, _ in page.elements) == 2
    for tag, attributes in page.elements:
        assert tag != "img"
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    data = json.loads(page.scripts[0])
    assert HOSTILE[0] in data["strings"]
    assert [url for _, url in data["rules"][0][5]] == [""] * (len(HOSTILE) + 1)


def test_the_page_loads_nothing():
    text = text_of(sample(), "html")
    policy = next(a["content"] for tag, a in Page(text).elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert re.search(r"script-src 'sha256-[\w+/=]+'; ", policy)
    assert not re.search(r"@import|url\(|<link (?!rel=\"icon\" href=\"data:,\")|<iframe|\bsrc=", text)


def test_hostile_names_stay_text_in_markdown():
    markdown = MarkdownIt("commonmark").enable("table")
    kinds = set()
    for token in markdown.parse(text_of(hostile_sample(), "markdown")):
        for child in token.children or ():
            kinds.add(child.type)
            if child.type == "html_inline":
                assert child.content in ("<br>", "<!-- -->")
        assert token.type not in ("code_block", "fence")
        if token.type == "html_block":
            assert re.fullmatch(r"<details>\n<summary>[A-Za-z0-9 ,:]+</summary>\n|</details>\n", token.content)
    assert kinds <= {"text", "html_inline", "strong_open", "strong_close", "text_special"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_in_its_markdown_cell(name):
    markdown = MarkdownIt("commonmark").enable("table")
    row = f"| a | b |\n|---|---|\n| {escaping.markdown(name)} | next |\n"
    tokens = markdown.parse(row)
    cells = [t.content for t in tokens if t.type == "inline"]
    assert cells[2:][-1] == "next"
    assert len(cells) == 4


def test_markdown_pings_nobody_and_links_nowhere():
    text = escaping.markdown("@corp/team #12 see https://evil.example or www.evil.example $x$ ~~no~~")
    assert "@<!-- -->corp" in text
    assert "\\#<!-- -->12" in text
    assert "://" not in text
    assert "www." not in text
    assert "$" not in text
    assert "\\~\\~" in text


def test_csv_has_one_row_a_finding_and_no_formula():
    report = hostile_sample()
    text = text_of(report, "csv")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 1 + len(report.gaps) + len(report.findings) + len(report.stale_waivers)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert not [value for row in rows for value in row if value.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert text.endswith("\r\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("  =1+1", "'=1+1"),
        ("\t=1", "'=1"),
        ("\r@x", "'@x"),
        ("\tplain", "'plain"),
        ("-5", "'-5"),
        ("\uff1dSUM(A1)", "'\uff1dSUM(A1)"),
        ("a\nb\x00c", "a b c"),
        ("stfllmprod", "stfllmprod"),
        ("##vso[task.x]", "# #vso[task.x]"),
    ],
)
def test_a_cell_is_no_formula(name, expected):
    assert cell(name) == expected


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://learn.microsoft.com/azure/x?view=y#z", True),
        ("http://learn.microsoft.com/", False),
        ("javascript:alert(1)", False),
        ("https:javascript", False),
        ("https://user@evil.example/", False),
        ("https://x.example/<script>", False),
        ("https://x.example/ y", False),
        ("https://[::1", False),
        ("https://x.example/" + "a" * 3000, False),
        ("", False),
    ],
)
def test_only_plain_https_addresses_become_links(url, kept):
    assert escaping.https_url(url) == (url if kept else "")


def test_a_verdict_is_clean_only_when_everything_was_read():
    report = clean_sample()
    assert overview(report).verdict.tone == "pass"
    with_gap = Report(**{**{n: getattr(report, n) for n in report.__slots__}, "gaps": sample().gaps})
    assert overview(with_gap).verdict.word == "Incomplete"
    unknown = tuple(f for f in sample().findings if f.outcome is Outcome.UNKNOWN)
    undecided = Report(**{**{n: getattr(report, n) for n in report.__slots__}, "findings": unknown})
    assert overview(undecided).verdict.tone == "unknown"
    assert overview(sample()).verdict.word == "Failing and incomplete"
    assert overview(empty_sample()).verdict.word == "Nothing audited"
    shown = tuple(f for f in sample().findings if f.outcome is Outcome.INFORMATIONAL)
    unjudged = Report(**{**{n: getattr(report, n) for n in report.__slots__}, "findings": shown})
    assert overview(unjudged).verdict.word == "Nothing judged"
    failing = tuple(f for f in sample().findings if f.outcome is Outcome.FAIL)
    failed = Report(**{**{n: getattr(report, n) for n in report.__slots__}, "findings": failing})
    assert overview(failed).verdict.word == "Failing"


def test_a_score_never_rounds_up_to_all():
    finding = clean_sample().findings[0]
    unknown = finding._replace(outcome=Outcome.UNKNOWN)
    report = clean_sample()
    many = Report(**{**{n: getattr(report, n) for n in report.__slots__}, "findings": (finding,) * 999 + (unknown,)})
    score = overview(many).scores[0]
    assert (score.percent, score.judged) == (99, 1000)
    assert overview(many).scores[1].percent is None


@pytest.mark.parametrize("name", ["html", "markdown", "text"])
def test_gaps_scope_and_what_is_not_assessed_are_always_there(name):
    text = text_of(sample(), name)
    lowered = text.partition("</nav>")[2].casefold() or text.casefold()
    assert lowered.index("not read") < lowered.index("score per service") < lowered.index("not assessed")
    assert "infra/legacy.bicep" in text
    assert "Restore tests" in text
    assert "Disabled" in text
    assert "it matches no resource" in text
    assert "kv-fllm-old" in text
    empty = text_of(empty_sample(), name).casefold()
    assert "not assessed" in empty
    assert "no scope was recorded" in empty


def summary(report: Report, **options: Any) -> str:
    return "".join(terminal.render(report, **{"fail_on": Severity.LOW, "color": False, "width": 100, **options}))


@pytest.mark.parametrize("width", [20, 40, 60, 100, 400])
def test_the_summary_of_hostile_names_is_inert_however_it_is_wrapped(width):
    names = (
        *HOSTILE,
        "x ::error::boo",
        "x\t\n::error::boo",
        "aaaa " * 9 + "::set-output name=a::b",
        "##vso[task.complete]",
    )
    store = sample().subjects[0]
    findings = tuple(
        sample().findings[2]._replace(subject=store._replace(name=name, id=f"/s/{n}"), message=name)
        for n, name in enumerate(names)
    )
    gaps = tuple(Gap(name, name, Origin(name), name) for name in names)
    report = dataclasses.replace(
        hostile_sample(), findings=findings, gaps=gaps, rules=sample().rules, targets=names, baseline_title="::error::x"
    )
    text = summary(report, width=width)
    assert CONTROLS.findall(text) == []
    assert "::" not in text
    assert not re.search(r"(?i)##(vso)?\[", text)


def test_findings_are_grouped_by_what_puts_them_right():
    found = overview(sample())
    assert [(group.state, group.rules) for group in found.groups][:2] == [
        ("fail", ("keyvault-purge-protection",)),
        ("fail", ("storage-blob-soft-delete",)),
    ]
    assert {group.title for group in found.groups if group.state == "unknown"} == {
        finding.message for finding in sample().findings if finding.outcome is Outcome.UNKNOWN
    }
    assert sum(len(group.findings) for group in found.groups) == found.counts["fail"] + found.counts["unknown"]
    assert [store.subject.name for store in found.stores][:2] == ["kv-fllm-auth", "stfllmprod"]
    assert sum(sum(store.counts.values()) for store in found.stores) == len(sample().findings)


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/st", "st"),
        ("/subscriptions/s/resourceGroups/g/providers/M.S/storageAccounts/st/blobServices/default", "st › blobServices/default"),
        ("/subscriptions/s/providers/Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults in s"),
        ("/subscriptions/s/resourceGroups/g/providers/A.B/c", "A.B/c in g"),
        ("/providers/A.B/c", "A.B/c in the tenant"),
        ("/subscriptions/s", "/subscriptions/s"),
        ("infra/main.bicep", "infra/main.bicep"),
        ("providers/", "providers/"),
    ],
)  # fmt: skip
def test_a_gap_has_a_short_name(subject, name):
    assert about(subject)[0] == name


def test_a_cause_names_no_permission_twice():
    gap = Gap("x", "403 Forbidden; it needs A/b/read", Origin("u"), "A/b/read")
    assert cause(gap) == "403 Forbidden."
    assert cause(dataclasses.replace(gap, reason="403!")) == "403!"
    assert needing("403; it needs A/b/read", "A/b/read") == "403; it needs A/b/read"
    assert needing("403", "A/b/read") == "403 (needs A/b/read)"
    assert (moment("2026-11-22T10:15:00Z"), moment("yesterday")) == ("2026-11-22 10:15 UTC", "yesterday")

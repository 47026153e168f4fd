"""The HTML report in a real browser: filters, sorting, keys, print, size, and silence on the network."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import re

import pytest

from auditor.model import Finding, Gap, Origin, Outcome, Report, Severity, Subject
from auditor.renderers import render
from tests.renderers.browser import CHROMIUM, Browser
from tests.renderers.sample_report import RULES, hostile_sample, sample

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]

NAMES = "[...document.querySelectorAll('.finding .name')].map(e => e.textContent)"
BADGES = "[...document.querySelectorAll('.finding .c-outcome .badge')].map(e => e.textContent)"
SHOWN = "document.getElementById('shown').textContent"


def large(number: int) -> Report:
    """A report with as many findings, over all outcomes, severities and services."""
    kinds = itertools.cycle(itertools.product(RULES.values(), Outcome))
    severities = itertools.cycle(Severity)
    subjects = [
        Subject(
            f"/subscriptions/s/x/store{n}", "Microsoft.Storage/storageAccounts", f"store{n}", "westeurope", Origin("a")
        )
        for n in range(number // 10)
    ]
    findings = tuple(
        Finding(rule.id, subjects[n % len(subjects)], outcome, severity, f"message {n}", sample().findings[2].evidence)
        for n, (rule, outcome), severity in zip(range(number), kinds, severities, strict=False)
    )
    return dataclasses.replace(sample(), subjects=tuple(subjects), findings=findings)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def page(browser, tmp_path):
    """Opens a report in the tab, and at the end demands that nothing went wrong and nothing was asked for."""
    opened: list[str] = []

    def show(report: Report, fragment: str = "") -> Browser:
        file = tmp_path / f"report{len(opened)}.html"
        file.write_text("".join(render(report, "html")), encoding="utf-8")
        opened.append(file.as_uri())
        browser.problems.clear()
        browser.requests.clear()
        browser.open(file.as_uri() + fragment)
        return browser

    yield show
    assert browser.problems == []
    asked = {address.partition("#")[0] for address in browser.requests if not address.startswith("data:")}
    assert asked <= set(opened)


def type_into(tab: Browser, field: str, text: str) -> None:
    tab.run(
        f"(e => {{ e.value = {text!r}; e.dispatchEvent(new Event('input')); }})(document.getElementById('{field}'))"
    )


def test_findings_come_most_urgent_first_and_are_counted(page):
    tab = page(sample())
    assert tab.run(SHOWN) == "12 findings, 12 shown"
    assert tab.run(BADGES)[:4] == ["Fail", "Fail", "Fail", "Unknown"]
    assert tab.run("document.querySelectorAll('html.js').length") == 1


def test_filters_narrow_by_outcome_severity_service_resource_and_text(page):
    tab = page(sample())
    tab.run("document.querySelector('.chip.fail').click()")
    assert set(tab.run(BADGES)) == {"Fail"}
    assert tab.run(SHOWN) == "3 of 12 findings match, 3 shown"
    tab.run("document.querySelector('.chip.unknown').click()")
    assert set(tab.run(BADGES)) == {"Fail", "Unknown"}
    type_into(tab, "filter-severity", "high")
    assert tab.run(SHOWN).startswith("2 of 12")
    tab.run("document.getElementById('clear').click()")
    assert tab.run(SHOWN).startswith("12 findings")
    type_into(tab, "filter-service", "keyvault")
    assert set(tab.run(NAMES)) == {"kv-fllm-auth"}
    type_into(tab, "filter-service", "")
    type_into(tab, "filter-resource", "STFLLMPROD")
    assert set(tab.run(NAMES)) == {"stfllmprod", "dlsfllmprod"} - {"dlsfllmprod"}
    type_into(tab, "filter-resource", "")
    type_into(tab, "filter-text", "softDeleteDays bicep")
    assert tab.run(NAMES) == ["stfllmdr"]
    type_into(tab, "filter-text", "nothing like it")
    assert tab.run("document.getElementById('nothing').hidden") is False


def test_columns_sort_both_ways_and_say_so(page):
    tab = page(sample())
    tab.run("document.querySelector('[data-sort=resource] button').click()")
    assert tab.run("document.querySelector('[data-sort=resource]').getAttribute('aria-sort')") == "ascending"
    ascending = tab.run(NAMES)
    assert ascending == sorted(ascending)
    tab.run("document.querySelector('[data-sort=resource] button').click()")
    assert tab.run("document.querySelector('[data-sort=resource]').getAttribute('aria-sort')") == "descending"
    assert tab.run(NAMES) == sorted(ascending, reverse=True)
    tab.run("document.querySelector('[data-sort=severity] button').click()")
    assert tab.run("document.querySelectorAll('[aria-sort]').length") == 1
    severities = tab.run("[...document.querySelectorAll('.finding .severity')].map(e => e.textContent)")
    order = [severity.value for severity in Severity]
    assert severities == sorted(severities, key=order.index)


def test_a_finding_unfolds_by_key_and_shows_what_it_rests_on(page):
    tab = page(sample())
    tab.press("/", "/")
    assert tab.run("document.activeElement.id") == "filter-text"
    assert tab.run("document.activeElement.value") == ""
    tab.run("document.querySelector('.unfold').focus()")
    tab.press("ArrowDown", code=40)
    assert tab.run("document.activeElement === document.querySelectorAll('.unfold')[1]")
    tab.press("Enter", "\r", 13)
    assert tab.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    detail = tab.run("document.getElementById(document.activeElement.getAttribute('aria-controls')).innerText")
    for part in ("at least 30 days", "7", "explicit", "?api-version=2026-09-01", "gone at once", "az storage", "Bicep",
                 "Protects future deletions only", "text-based", "9.2.1"):  # fmt: skip
        assert part in detail
    links = tab.run("[...document.querySelectorAll('.detail a')].map(a => [a.protocol, a.rel])")
    assert links == [["https:", "noopener noreferrer"]]
    tab.press("Enter", "\r", 13)
    assert tab.run("document.querySelectorAll('.detail').length") == 0
    assert tab.run("document.activeElement.getAttribute('aria-expanded')") == "false"


def test_everything_that_acts_can_be_reached_by_tab(page):
    tab = page(sample())
    reached = set()
    for _ in range(90):
        tab.press("Tab", code=9)
        reached.add(
            tab.run("(e => e.id || (e.hash || '').includes('=') && e.hash || e.className)(document.activeElement)")
        )
    for wanted in ("skip", "theme", "chip fail", "filter-text", "filter-severity", "unfold-all", "unfold-0",
                   "#outcome=fail&severity=critical", "#service=storage", "#statement=S4"):  # fmt: skip
        assert wanted in reached
    unnamed = tab.run(
        "[...document.querySelectorAll('button, input, select, svg[role=img]')].filter(e => !e.ariaLabel && "
        "!(e.textContent || '').trim() && !(e.labels && e.labels.length)).map(e => e.outerHTML)"
    )
    assert unnamed == []


def follow(tab: Browser, link: str) -> None:
    """Click a link to a view, and wait until the page has turned to it."""
    tab.run(
        "new Promise(done => { addEventListener('hashchange', () => setTimeout(done), {once: true}); "
        f"document.querySelector({link!r}).click(); }})"
    )


def test_everything_that_is_counted_leads_to_its_findings(page):
    tab = page(sample())
    follow(tab, "#statements a[href='#statement=S4']")
    assert tab.run(SHOWN) == "3 of 12 findings match, 3 shown"
    assert tab.run("document.getElementById('pin').textContent") == "Statement S4"
    assert sorted(tab.run(NAMES)) == ["dlsfllmprod", "stfllmdr", "stfllmprod"]
    assert tab.run("document.activeElement.id") == "findings"
    follow(tab, "#score a[href='#service=appconfig']")
    assert tab.run(NAMES) == ["appcs-fllm-prod"]
    assert tab.run("document.getElementById('pin').hidden")
    follow(tab, "#act a[href*='rule=storage-blob-soft-delete']")
    assert (tab.run(NAMES), tab.run(BADGES)) == (["stfllmprod"], ["Fail"])
    tab.run("document.getElementById('pin').click()")
    assert tab.run(SHOWN) == "3 of 12 findings match, 3 shown"
    follow(tab, "#stores a[href*='cdb-fllm-prod']")
    assert set(tab.run(NAMES)) == {"cdb-fllm-prod"}
    follow(tab, ".severities a[href*='critical']")
    assert tab.run(NAMES) == ["kv-fllm-auth"]
    # The same view again: no address changes, and the link still leads there.
    tab.run("document.getElementById('filter-text').focus(); document.querySelector('.severities a').click()")
    assert tab.run("document.activeElement.id") == "findings"


def test_a_gap_leads_to_what_it_leaves_undecided(page):
    store = next(f.subject for f in sample().findings if f.subject.name == "appcs-fllm-prod")
    part = Gap(store.id.upper() + "/replicas", "403", Origin("a"))
    tab = page(dataclasses.replace(sample(), gaps=(*sample().gaps, part)))
    assert tab.run("document.querySelectorAll('#gaps a').length") == 1
    follow(tab, "#gaps a[href='#gap=3']")
    assert (tab.run(NAMES), tab.run(BADGES)) == (["appcs-fllm-prod"], ["Unknown"])


def test_every_outcome_of_a_store_is_counted_in_its_row(page):
    tab = page(sample())
    row = "[...document.querySelectorAll('#stores tbody tr')].map(r => r.querySelector('.wide .sub').textContent)"
    counts = [sum(int(number) for number in re.findall(r"\d+", text)) for text in tab.run(row)]
    assert sum(counts) == 12
    assert tab.run("document.querySelector('#stores tbody tr b').textContent") == "kv-fllm-auth"


def test_a_narrow_screen_needs_no_scrolling_sideways(page):
    tab = page(sample())
    tab.run("document.getElementById('unfold-all').click()")
    tab.send("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    try:
        assert tab.run("document.documentElement.scrollWidth") == 390
        wide = "[...document.querySelectorAll('.scroller')].filter(e => e.scrollWidth > e.clientWidth).length"
        assert tab.run(wide) == 0
        assert tab.run("[...document.querySelectorAll('.stack td')].every(e => e.getAttribute('role') === 'cell')")
    finally:
        tab.send("Emulation.clearDeviceMetricsOverride")


def test_a_fix_can_be_copied(page):
    tab = page(sample())
    tab.run("navigator.clipboard.writeText = (text) => { window.kept = text; return Promise.resolve(); }; 1")
    tab.run("document.querySelector('.unfold').click()")
    tab.run("document.querySelector('.copy').click()")
    assert tab.run("kept") == "az keyvault update --name NAME --enable-purge-protection true"
    assert tab.run("document.querySelector('.copy').textContent") == "Copied"


def test_an_address_keeps_the_filters(page):
    tab = page(sample(), "#outcome=fail,nonsense&severity=critical&text=purge")
    assert tab.run(NAMES) == ["kv-fllm-auth"]
    assert tab.run("document.querySelector('.chip.fail').ariaPressed") == "true"
    tab.run("document.querySelector('.chip.waived').click()")
    assert "outcome=fail%2Cwaived" in tab.run("location.hash")


def test_the_theme_can_be_chosen(page):
    tab = page(sample())
    tab.run("localStorage.clear()")
    colours = []
    for _ in range(3):
        colours.append(
            tab.run("[document.getElementById('theme').ariaLabel, getComputedStyle(document.body).backgroundColor]")
        )
        tab.run("document.getElementById('theme').click()")
    assert [label for label, _ in colours] == ["Colour theme: automatic", "Colour theme: light", "Colour theme: dark"]
    assert colours[1][1] != colours[2][1]


def test_text_has_enough_contrast_in_both_themes(page):
    tab = page(sample())
    tab.run("document.getElementById('unfold-all').click(); document.querySelectorAll('.chip').forEach(c => c.click())")
    for scheme in ("light", "dark"):
        tab.run(f"document.documentElement.dataset.theme = '{scheme}'")
        assert tab.run(CONTRAST) == [], scheme


CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = (c) => c.slice(0, 3).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const bad = new Set();
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || ['SCRIPT', 'STYLE', 'TITLE', 'title'].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    let back = e, colour = [0, 0, 0, 0];
    for (; back && colour.length === 4 && colour[3] === 0; back = back.parentElement) {
      colour = parse(getComputedStyle(back).backgroundColor);
    }
    const ink = lum(parse(e instanceof SVGElement ? style.fill : style.color)), paper = lum(colour);
    const ratio = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    if (ratio < 4.5) bad.add(`${e.tagName}.${e.getAttribute('class')} ${ratio.toFixed(2)}`);
  }
  return [...bad];
})()"""


@pytest.mark.parametrize("number", [2_000, 20_000])
def test_many_findings_stay_usable(page, number):
    tab = page(large(number))
    assert tab.run(SHOWN) == f"{number:,} findings, 50 shown"
    assert tab.run("document.querySelectorAll('#rows > tr').length") == 50
    assert tab.run("document.querySelectorAll('*').length") < 4_000
    tab.run("document.getElementById('more').focus(); document.getElementById('more').click()")
    assert tab.run("document.querySelectorAll('#rows > tr').length") == 150
    assert tab.run("document.activeElement === document.querySelectorAll('.unfold')[50]")
    type_into(tab, "filter-text", f"message {number - 7}")
    assert tab.run("document.querySelectorAll('.finding').length") == 1
    type_into(tab, "filter-text", "")
    tab.run("document.querySelector('[data-sort=rule] button').click(); document.querySelector('.chip.pass').click()")
    assert tab.run(SHOWN) == f"{number // 5:,} of {number:,} findings match, 50 shown"


def test_print_unfolds_what_matters(page):
    tab = page(sample())
    seen = (
        "window.seen = 0; addEventListener('beforeprint', () => { seen = document.querySelectorAll('.detail').length; "
        "explained = [...document.querySelectorAll('.detail')].filter(e => e.innerText.includes('Why it')).length })"
    )
    tab.run(seen)
    pdf = base64.b64decode(tab.send("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
    assert (tab.run("seen"), tab.run("explained")) == (7, 4)
    assert tab.run("document.querySelectorAll('.detail').length") == 0


def test_a_filtered_print_says_that_it_is_filtered(page):
    tab = page(sample(), "#outcome=pass")
    tab.send("Emulation.setEmulatedMedia", media="print")
    try:
        assert tab.run("document.querySelector('.controls').innerText.trim()") == "2 of 12 findings match, 2 shown"
        assert tab.run("getComputedStyle(document.querySelector('.sign')).display") == "grid"
        assert tab.run("getComputedStyle(document.getElementById('not-assessed')).display") == "block"
    finally:
        tab.send("Emulation.setEmulatedMedia", media="")


def test_hostile_names_are_inert(page):
    tab = page(hostile_sample())
    tab.run("document.getElementById('unfold-all').click()")
    assert tab.run("document.querySelectorAll('img, #rows script, .detail a:not([href^=\"https://\"])').length") == 0
    assert tab.run("document.querySelectorAll('script').length") == 2
    assert "<script>alert(1)</script>" in tab.run(NAMES)
    assert tab.run("document.getElementById('rows').innerText.includes('U+202E')")


def test_without_scripts_the_urgent_findings_are_a_table(page, browser):
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab = page(sample())
        document = tab.send("DOM.getDocument", depth=1)["root"]["nodeId"]
        rows = tab.send("DOM.querySelectorAll", nodeId=document, selector="#rows > tr")["nodeIds"]
        assert len(rows) == 9
        assert tab.send("DOM.querySelectorAll", nodeId=document, selector="html.js")["nodeIds"] == []
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)

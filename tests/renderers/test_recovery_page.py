"""The recovery section in a real browser: it unfolds, fits narrow screens, dark ones and paper, and asks for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor import pipeline
from auditor.model import RecoveryReport
from auditor.recovery import SCENARIOS
from auditor.renderers import RECOVERY_FORMATS, render
from tests.renderers.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]

Show = Callable[..., Browser]
OBJECTIVES = """
objectives:
  - {id: chat, stores: {type: Microsoft.DocumentDB/databaseAccounts}, scenarios: [item-loss, region-outage], rpo: PT5M}
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> RecoveryReport:
    home = Path(__file__).resolve().parents[2]
    promised = tmp_path_factory.mktemp("promised") / "o.yaml"
    promised.write_text(OBJECTIVES)
    return pipeline.recovery("azure:", replay=home / "samples" / "estate" / "live", objectives=promised, runbook=True)


@pytest.fixture
def page(browser: Browser, shown: RecoveryReport, tmp_path: Path) -> Iterator[Show]:
    """Opens the page, or a whole report; at the end demands that nothing went wrong and nothing was asked for."""
    opened: list[str] = []

    def show(whole: bool = False) -> Browser:
        file = tmp_path / f"page{len(opened)}.html"
        chunks = render(shown.report, "html") if whole else RECOVERY_FORMATS["html"].load(None)(shown)
        file.write_text("".join(chunks), encoding="utf-8")
        opened.append(file.as_uri())
        browser.problems.clear()
        browser.requests.clear()
        browser.open(opened[-1])
        return browser

    yield show
    browser.send("Emulation.clearDeviceMetricsOverride")
    browser.send("Emulation.setEmulatedMedia", media="", features=[])
    assert browser.problems == []
    assert {address for address in browser.requests if not address.startswith("data:")} <= set(opened)


def sizes(tab: Browser, selector: str) -> list[dict[str, Any]]:
    """The places of all elements that a selector finds."""
    script = f"[...document.querySelectorAll({selector!r})].map(e => e.getBoundingClientRect().toJSON())"
    return list(tab.run(script))


def visible(tab: Browser, selector: str) -> list[bool]:
    """Whether a reader sees each of the elements that a selector finds."""
    return list(tab.run(f"[...document.querySelectorAll({selector!r})].map(e => e.checkVisibility())"))


def unfold(tab: Browser, name: str) -> None:
    tab.run(f"[...document.querySelectorAll('summary')].find(e => e.textContent.startsWith({name!r})).click()")


@pytest.mark.parametrize("whole", [False, True], ids=["recovery", "report"])
def test_a_store_unfolds_to_its_timeline_figures_and_sources(page: Show, whole: bool) -> None:
    tab = page(whole)
    assert tab.run("document.querySelectorAll('.matrix tbody th').length") == 12
    assert tab.run("document.querySelectorAll('.matrix td.cell').length") == 12 * len(SCENARIOS)
    assert not any(visible(tab, ".scenarios"))
    unfold(tab, "cosmos-fllm-prod in detail")
    open_ = "document.querySelector('.matrix details[open]')"
    assert tab.run(f"{open_}.querySelectorAll('.scenarios > section').length") == len(SCENARIOS)
    assert tab.run(f"{open_}.querySelector('.timeline').getBoundingClientRect().height") > 50
    assert "100 seconds" in tab.run(f"{open_}.querySelector('dl').textContent")
    links = tab.run(f"[...{open_}.querySelectorAll('.note a')].map(e => e.href)")
    assert links
    assert all(link.startswith("https://learn.microsoft.com/") for link in links)


def test_each_cell_says_in_words_what_its_sign_means(page: Show) -> None:
    tab = page()
    labels = tab.run("[...document.querySelectorAll('.matrix .tell')].map(e => e.getAttribute('aria-label'))")
    assert "A region is down: Down until it is over, and lost at worst" in labels
    assert all(": " in label for label in labels)
    short = tab.run(
        "[...document.querySelectorAll('.matrix tbody tr')].find(e => e.textContent.startsWith('cosmos-fllm-prod')).textContent"
    )
    assert "30 d" in short


def test_the_timeline_stays_inside_its_picture_and_its_bars_stand_in_order(page: Show) -> None:
    tab = page()
    tab.run("document.querySelectorAll('.matrix details').forEach(e => e.open = true)")
    for place in tab.run(
        "[...document.querySelectorAll('.timeline')].map(svg => { const box = svg.getBoundingClientRect();"
        " return [...svg.querySelectorAll('rect, text, line')].map(e => { const r = e.getBoundingClientRect();"
        " return [r.left >= box.left - 1, r.right <= box.right + 1, r.top >= box.top - 1, r.bottom <= box.bottom + 1]; }); })"
    ):
        assert all(all(inside) for inside in place), place
    widths = tab.run("[...document.querySelectorAll('.timeline rect')].map(e => +e.getAttribute('width'))")
    assert widths
    assert all(width > 0 for width in widths)
    # The bar begins at the last state that comes back: 100 seconds ago, not now.
    starts = tab.run("[...document.querySelector('.timeline').querySelectorAll('rect')].map(e => +e.getAttribute('x'))")
    assert min(starts) > 140


@pytest.mark.parametrize("whole", [False, True], ids=["recovery", "report"])
def test_a_narrow_screen_shows_all_of_it_without_scrolling_sideways(page: Show, whole: bool) -> None:
    tab = page(whole)
    tab.send("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    tab.run("document.querySelectorAll('.matrix details').forEach(e => e.open = true)")
    assert tab.run("document.documentElement.scrollWidth") <= 390
    cells = sizes(tab, ".matrix td.cell, .scenarios > section, .scroller")
    assert all(cell["left"] >= 0 and cell["right"] <= 391 for cell in cells)
    # Each sign keeps the name of its scenario, whose header is out of sight.
    content = tab.run("getComputedStyle(document.querySelector('.matrix td.cell'), '::before').content")
    assert "Item" in content


def test_dark_and_light_keep_signs_and_bars_apart_from_what_is_behind(page: Show) -> None:
    tab = page()
    unfold(tab, "cosmos-fllm-prod in detail")
    colors = (
        "(() => { const svg = document.querySelector('.matrix details[open] .timeline');"
        " const luminance = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(n => (n /= 255) <= .03928 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4);"
        " return .2126 * r + .7152 * g + .0722 * b; };"
        " const ratio = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);"
        " const style = (e, p) => luminance(getComputedStyle(e)[p]);"
        " const panel = style(document.querySelector('.panel'), 'backgroundColor');"
        " const tell = document.querySelector('.tell.fail');"
        " return [ratio(style(svg.querySelector('rect'), 'fill'), panel), ratio(style(svg.querySelector('text'), 'fill'), panel),"
        " ratio(style(tell, 'color'), style(tell, 'backgroundColor'))]; })()"
    )
    for scheme in ("light", "dark"):
        tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        bar, text, sign = tab.run(colors)
        assert (bar >= 3, text >= 4.5, sign >= 4.5) == (True, True, True), (scheme, bar, text, sign)


def test_paper_has_every_store_unfolded(page: Show) -> None:
    tab = page()
    tab.send("Emulation.setEmulatedMedia", media="print")
    heights = [one["height"] for one in sizes(tab, ".scenarios")]
    assert len(heights) == 12
    assert all(height > 100 for height in heights)
    assert all(visible(tab, "#runbook pre"))
    assert tab.run("document.documentElement.scrollWidth") <= tab.run("innerWidth")


def test_objectives_and_runbook_are_reached_from_the_top(page: Show) -> None:
    tab = page()
    for place in ("objectives", "runbook", "gaps"):
        assert tab.run(f"document.getElementById({place!r}) !== null")
        assert tab.run(f"document.querySelectorAll('a[href=\"#{place}\"]').length") >= 1
    verdicts = tab.run("[...document.querySelectorAll('.promised td:last-child b')].map(e => e.textContent)")
    assert verdicts == ["Missed", "Missed", "Missed", "Met"]
    tab.run("document.querySelector('#runbook summary').click()")
    steps = tab.run("document.querySelector('#runbook details[open] pre').textContent")
    assert "az cosmosdb restore --account-name cosmos-fllm-prod" in steps

"""The pages of findings in a browser: policy, phone, what comes afterwards, and the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import served
from tests.browser.test_in_chromium import Opener, opened
from tests.web.findings.making import made

__all__ = ["opened"]

PAGES = ["/cohorts", "/usage", "/features", "/activation", "/trials", "/lifecycle",
         "/acquisition", "/lifecycle/accounts?period=2024-06", "/trials/accounts?part=converted"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a company with every kind of row is served."""
    folder: Path = tmp_path_factory.mktemp("findings")
    company = made(folder / "project")
    with served(company) as found:
        yield found
    company.close()


def settled(page: Any) -> None:
    """Wait until what comes afterwards is there."""
    from playwright.sync_api import expect

    # Late panels come one after the other, on a busy machine slowly.
    expect(page.locator(".late")).to_have_count(0, timeout=60_000)


@pytest.mark.parametrize("path", PAGES)
def test_they_keep_to_the_policy_and_to_a_phone(opened: Opener, path: str) -> None:
    with opened(path, viewport={"width": 390, "height": 844}, color_scheme="dark") as page:
        settled(page)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").count() == 1
        duplicates = page.evaluate(
            "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            " return ids.filter((id, i) => ids.indexOf(id) !== i); })()"
        )
        assert duplicates == []
        unnamed = page.evaluate(
            "[...document.querySelectorAll('a, button, select')].filter(e =>"
            " !(e.textContent.trim() || e.getAttribute('aria-label') || (e.labels || []).length ||"
            " e.querySelector('[aria-label]'))).length"
        )
        assert unnamed == 0


def test_a_month_is_chosen_in_place_and_late_panels_follow(opened: Opener) -> None:
    with opened("/lifecycle") as page:
        settled(page)
        page.evaluate("window.isSamePage = true")
        page.select_option("#choose-period", "2024-05")
        page.wait_for_url("**/lifecycle?period=2024-05")
        page.locator(".when", has_text="May 2024").wait_for()
        settled(page)
        assert page.evaluate("window.isSamePage")


def test_a_number_opens_by_keyboard_and_leads_back(opened: Opener) -> None:
    with opened("/trials") as page:
        page.locator('[data-figure="conversion"] .value a').focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/trials/accounts?part=converted")
        page.locator(".back a").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/trials#cohorts")


def test_steps_of_the_funnel_are_chosen_without_scripts(opened: Opener) -> None:
    with opened("/usage?panel=funnel", java_script_enabled=False) as page:
        page.set_default_timeout(60_000)
        page.select_option("#choose-step2", "report_viewed")
        page.locator("#funnel .controls button").click()
        assert "step2=report_viewed" in page.url
        assert "report viewed" in page.locator("#funnel table").inner_text()


VALUES = """
[...document.querySelectorAll('td:not(.text) .by')].map(by => {
  const text = by.parentElement.querySelector('a, abbr, span:not(.by)');
  if (!text || !by.getClientRects().length) return null;
  return {text: by.parentElement.textContent.trim(),
          behind: text.getBoundingClientRect().left - by.getBoundingClientRect().left};
}).filter(Boolean)
"""


@pytest.mark.parametrize("path", ["/cohorts", "/activation", "/trials", "/usage", "/acquisition"])
def test_a_phone_shows_the_value_before_the_bound_of_its_interval(
    opened: Opener, path: str
) -> None:
    with opened(path, viewport={"width": 390, "height": 844}) as page:
        settled(page)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        values = page.evaluate(VALUES)
        assert values
        # Where a column is cut off, whoever sees the lower bound has seen the value.
        assert [one for one in values if one["behind"] > 1] == []


def test_what_scrolls_shows_that_it_does(opened: Opener) -> None:
    with opened("/lifecycle", viewport={"width": 390, "height": 844}) as page:
        settled(page)
        boxes = page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
            ".map(e => getComputedStyle(e).backgroundAttachment)"
        )
        assert boxes
        assert set(boxes) == {"local, local, scroll, scroll"}


def test_paper_gets_the_wide_chart_and_the_tables(opened: Opener) -> None:
    # A4 is narrower than the width below which a screen gets the phone's chart.
    with opened("/usage", viewport={"width": 720, "height": 1000}) as page:
        settled(page)
        assert not page.locator(".chart.wide").first.is_visible()
        page.emulate_media(media="print")
        charts = page.locator(".chart.wide")
        assert charts.count()
        assert charts.first.is_visible()
        assert not page.locator(".chart.narrow").first.is_visible()
        table = page.locator("details.numbers:not([open]) table").first
        assert table.is_visible()
        assert table.bounding_box()["height"] > 40


CONTRAST = """
(() => {
  const light = c => {
    const [r, g, b] = c.map(v => {
      v /= 255;
      return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    });
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const parts = text => {
    const found = text.match(/[0-9.]+/g).map(Number);
    return found.length > 3 ? found : [...found, 1];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
  return [...document.querySelectorAll('td, th, td *, th *')].filter(e =>
    e.getClientRects().length && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
    && !e.closest('svg, .unseen')
  ).map(e => {
    let back = [255, 255, 255], opacity = 1;
    const line = [];
    for (let n = e; n; n = n.parentElement) line.unshift(n);
    for (const n of line) {
      const style = getComputedStyle(n);
      opacity *= Number(style.opacity);
      back = over(parts(style.backgroundColor), back);
    }
    const ink = parts(getComputedStyle(e).color);
    const shown = over([...ink.slice(0, 3), ink[3] * opacity], back);
    const [a, b] = [light(shown), light(back)];
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.className + ': ' + e.textContent];
  });
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/lifecycle", "/reconcile?against=stripe", "/cohorts"])
def test_text_in_tables_stands_out_from_its_ground(
    opened: Opener, path: str, scheme: str
) -> None:
    with opened(path, color_scheme=scheme) as page:
        settled(page)
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        found = page.evaluate(CONTRAST)
        assert len(found) > 20
        # WCAG 2.2, 1.4.3: at least 4.5 for text of this size.
        assert [text for ratio, text in found if ratio < 4.5] == []


@pytest.mark.parametrize("path", [*PAGES, "/books", "/reconcile?against=stripe"])
def test_every_column_has_a_name(opened: Opener, path: str) -> None:
    with opened(path) as page:
        settled(page)
        heads = page.evaluate(
            "[...document.querySelectorAll('thead th')].map(e =>"
            " e.textContent.trim() || e.getAttribute('aria-label') || '')"
        )
        assert heads or path == "/books"
        assert "" not in heads

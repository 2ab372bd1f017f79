"""The keyboard in tables, and copying a link."""

from __future__ import annotations

from tests.browser.test_in_chromium import Opener, opened

__all__ = ["opened"]

STOPS = """[...document.querySelectorAll('#cohorts table a[href]')].filter(a => a.tabIndex === 0)
           .length"""

PLACE = """[...document.querySelectorAll('#cohorts table a[href]')]
           .indexOf(document.activeElement)"""


def test_a_grid_is_one_stop_with_arrow_keys_inside(opened: Opener) -> None:
    with opened("/") as page:
        assert page.locator("#cohorts table a[href]").count() >= 6
        assert page.evaluate(STOPS) == 1
        page.evaluate(
            "[...document.querySelectorAll('#cohorts table a[href]')]"
            ".find(a => a.tabIndex === 0).focus()"
        )
        row = page.locator("#cohorts table tbody tr").first.locator("a[href]").count()
        assert row >= 3
        seen = []
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Home", "ArrowUp"):
            page.keyboard.press(key)
            seen.append(page.evaluate(PLACE))
            assert page.evaluate(STOPS) == 1
        # The size and the first month of the first cohort, then those of the second, and back.
        assert seen == [1, 1 + row, row, row, 0]
        # The place is remembered: Tab leaves the grid, and comes back to where one was.
        page.keyboard.press("Tab")
        assert not page.evaluate("document.activeElement.closest('#cohorts table') !== null")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(PLACE) == seen[-1]


def test_a_chart_is_one_stop_with_arrow_keys_inside(opened: Opener) -> None:
    with opened("/") as page:
        chart = page.locator("#movements svg:has(a)").locator("visible=true").first
        links = chart.locator("a")
        assert links.count() >= 6
        stops = "svg => [...svg.querySelectorAll('a')].filter(a => a.tabIndex === 0).length"
        at = "svg => [...svg.querySelectorAll('a')].indexOf(document.activeElement)"
        place = "svg => document.activeElement.getBoundingClientRect().x"
        assert chart.evaluate(stops) == 1
        chart.evaluate("svg => [...svg.querySelectorAll('a')].find(a => a.tabIndex === 0).focus()")
        page.keyboard.press("Home")
        first = chart.evaluate(place)
        seen = {chart.evaluate(at)}
        for _key in range(3):
            page.keyboard.press("ArrowRight")
            seen.add(chart.evaluate(at))
            assert chart.evaluate(stops) == 1
        assert len(seen) == 4
        assert min(seen) >= 0
        assert chart.evaluate(place) > first
        page.keyboard.press("Tab")
        assert chart.evaluate(at) == -1


def test_after_a_part_was_loaded_too(opened: Opener) -> None:
    with opened("/") as page:
        page.get_by_role("link", name="Quarters").click()
        page.wait_for_url("**grain=quarter**")
        page.locator("#cohorts table a[href]").first.wait_for()
        page.wait_for_timeout(300)
        assert page.evaluate(STOPS) == 1
        assert "grain=quarter" in (
            page.get_by_role("link", name="Renewals", exact=True).get_attribute("href") or ""
        )


def test_copying_a_link_says_so(opened: Opener) -> None:
    with opened("/?compare=year") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator("a.copy").click()
        page.locator("#status", has_text="Link copied").wait_for(state="attached")
        assert page.evaluate("navigator.clipboard.readText()").endswith("/?compare=year")

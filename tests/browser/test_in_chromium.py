"""The pages in a browser: no violation of the policy, htmx, no script, phone and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

PAGES = ["/", "/?plan=Basic&cohort_as=count", "/metrics/nrr", "/catalogue",
         "/accounts?metric=mrr&period=2024-03"]

Opener = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def opened(browser: Any, address: str) -> Opener:
    """Opens a page, and fails if the browser complained while it stood open."""

    @contextmanager
    def open_page(path: str, **settings: Any) -> Iterator[Any]:
        complaints: list[str] = []
        context = browser.new_context(**settings)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        yield page
        context.close()
        assert complaints == []

    return open_page


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "settings",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    ],
    ids=["desk", "phone-dark"],
)
def test_pages_keep_to_the_policy_and_to_the_screen(
    opened: Opener, path: str, settings: dict[str, Any]
) -> None:
    with opened(path, **settings) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").count() == 1
        duplicates = page.evaluate(
            "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            " return ids.filter((id, i) => ids.indexOf(id) !== i); })()"
        )
        assert duplicates == []
        unnamed = page.evaluate(
            "[...document.querySelectorAll('a, button, select')].filter(e =>"
            " !(e.textContent.trim() || e.getAttribute('aria-label') ||"
            " e.querySelector('[aria-label]'))).length"
        )
        assert unnamed == 0


def test_a_breach_of_the_policy_would_be_seen(opened: Opener) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), opened("/") as page:
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x')")


def test_a_filter_changes_the_page_in_place_and_its_address(opened: Opener) -> None:
    with opened("/") as page:
        page.evaluate("window.isSamePage = true")
        page.select_option("#choose-country", "DE")
        page.locator(".chips li").wait_for()
        assert page.evaluate("window.isSamePage")
        assert page.url.endswith("where=country=DE")
        assert page.locator("#choose-country").input_value() == "DE"
        assert "country = DE" in page.locator("#status").inner_text()
        page.go_back()
        page.locator(".chips li").wait_for(state="detached")
        assert "where" not in page.url


def test_cohorts_switch_in_place(opened: Opener) -> None:
    with opened("/") as page:
        page.evaluate("window.isSamePage = true")
        page.locator(".panel-cohorts .switch a", has_text="Count").click()
        page.locator(".panel-cohorts .switch a[aria-current]", has_text="Count").wait_for()
        assert page.evaluate("window.isSamePage")
        assert "cohort_as=count" in page.url


def test_filters_work_without_scripts(opened: Opener) -> None:
    with opened("/", java_script_enabled=False) as page:
        page.select_option("#choose-country", "DE")
        page.locator(".controls button").click()
        assert "country=DE" in page.url
        assert page.locator(".chips li").count() == 1


def test_a_number_opens_by_keyboard(opened: Opener) -> None:
    with opened("/") as page:
        link = page.locator('.card[data-metric="mrr"] .value a')
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/accounts?**")
        assert page.locator("[data-total]").inner_text() == "210.00"


def test_a_mark_of_the_chart_opens_its_rows(opened: Opener) -> None:
    with opened("/") as page:
        mark = page.locator('.chart.wide a path[aria-label^="Churn, Mar 2024"]')
        mark.click()
        page.wait_for_url("**/accounts?metric=churned_mrr&period=2024-03")
        assert page.locator("[data-total]").inner_text() == "70.00"


def test_a_phone_draws_fewer_periods_in_charts_of_its_own(opened: Opener) -> None:
    with opened("/", viewport={"width": 390, "height": 844}) as page:
        assert page.locator(".chart.wide").first.is_hidden()
        drawn = page.locator(".chart.narrow svg").first
        assert drawn.is_visible()
        assert drawn.bounding_box()["width"] <= 390


def test_dark_and_light_differ_in_the_page_and_in_its_charts(opened: Opener) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        with opened("/", color_scheme=scheme) as page:
            seen[scheme] = page.evaluate(
                "[getComputedStyle(document.body).backgroundColor,"
                " getComputedStyle(document.querySelector('.chart text')).fill]"
            )
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] != seen["dark"][1]

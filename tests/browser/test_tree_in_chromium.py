"""The metric tree in a browser: one tab stop, arrow keys inside, and a list without scripts."""

from __future__ import annotations

from typing import Any

from tests.browser.test_in_chromium import Opener, opened

__all__ = ["opened"]

PATH = "/value?panel=tree&as_of=2024-04-01"


def focused(page: Any) -> str:
    found: str = page.evaluate("document.activeElement.id")
    return found


def test_arrow_keys_move_in_the_tree_which_is_one_tab_stop(opened: Opener) -> None:
    with opened(PATH) as page:
        page.locator("[role=tree]").wait_for()
        stops = page.evaluate(
            "[...document.querySelectorAll('[data-tree] *')].filter(e => e.tabIndex === 0).length"
        )
        assert stops == 1
        page.locator("#tree-part-mrr").focus()
        page.keyboard.press("ArrowDown")
        assert focused(page) == "tree-part-mrr/new_mrr"
        page.keyboard.press("ArrowLeft")
        assert focused(page) == "tree-part-mrr"
        page.keyboard.press("ArrowLeft")
        assert page.locator("#tree-part-mrr").get_attribute("aria-expanded") == "false"
        page.keyboard.press("ArrowDown")
        assert focused(page) == "tree-part-nrr"
        page.keyboard.press("ArrowRight")
        assert focused(page) == "tree-part-nrr/expansion_rate"
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
        page.wait_for_url("**/metrics/mrr*")


def test_without_scripts_it_is_a_list_of_links(opened: Opener) -> None:
    with opened(PATH, java_script_enabled=False) as page:
        assert page.locator("[role=tree]").count() == 0
        assert page.locator("#tree .parts a[href^='/metrics/']").count() > 10
        assert page.locator("#tree .parts ul ul").count() > 0

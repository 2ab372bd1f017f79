"""Every number on the pages of behaviour opens into the rows that add up to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from tests.web.findings.asking import opened
from tests.web.findings.numbers_shown import Number, shown_on

PATHS = (
    "/usage", "/usage?whose=account", "/usage?per=week", "/features?period=2024-07", "/activation",
    "/trials", "/lifecycle?period=2024-07", "/acquisition?period=2024-06",
    "/acquisition?period=2024-06&where=channel=ads", "/usage?where=industry=EdTech",
    "/usage?where=plan=Basic", "/features?period=2024-07&where=plan=Basic",
    "/trials?where=industry=EdTech", "/activation?where=industry=EdTech",
)
NO_ROWS = {
    # (page, panel, column): why it has no rows of its own.
    ("/usage", "lifecycle", "Quick ratio"): "the ratio of numbers that open beside it",
    ("/usage", "power", "Last on"): "a day",
    ("/features", "figures", "works"): "counts features; it leads to their rows in the report",
    ("/features", "figures", "needs_work"): "the same",
    ("/features", "figures", "unused"): "the same",
    ("/features", "report", "Change, points"): "the difference of two shares that open",
    ("/features", "limits", "MRR"): "in the list of accounts: the row is one account",
    ("/features", "limits", "Projected"): "a projection",
    ("/features", "stay", "Difference, points"): "the difference of two shares that open",
    ("/features", "stay", "Among comparable accounts"): "an estimate over strata",
    ("/activation", "figures", "median"): "a median; it leads to the curve",
    ("/activation", "months", "Days: 25th percentile"): "a quartile; its accounts open beside it",
    ("/activation", "months", "Half"): "the same",
    ("/activation", "months", "75th percentile"): "the same",
    ("/activation", "checklist", "Hours after the step before"): "a median of those beside it",
    ("/activation", "later", "Difference, points"): "the difference of two shares that open",
    ("/activation", "later", "Among comparable accounts"): "an estimate over strata",
    ("/trials", "figures", "median"): "a median; it leads to the chart",
    ("/trials", "used", "Difference, points"): "the difference of two shares that open",
    ("/trials", "left", "Within months"): "a number of months",
    ("/trials", "left", "Kaplan–Meier"): "an estimate that includes censored accounts",
    ("/lifecycle", "times", "Median days"): "a median; its visits open beside it",
    ("/lifecycle", "stuck", "MRR"): "in the list of accounts: the row is one account",
    ("/lifecycle", "stuck", "Days in it"): "the row is one account",
    ("/lifecycle", "stuck", "Stuck after (days)"): "a threshold",
    ("/lifecycle", "indicators", "Change"): "the change between two numbers that open",
    ("/lifecycle", "rules", "Now"): "a threshold",
    ("/lifecycle", "rules", "Default"): "a threshold",
    ("/acquisition", "referrals", "Difference, points"): "the difference of two shares that open",
}
_ZERO = re.compile(r"0(\.0+)?%?")
_PLAIN = re.compile(r"−?[\d,]+(\.\d+)?%?")


Shows = Callable[[str], tuple[list[Number], list[str]]]


@pytest.fixture(scope="module")
def shows(findings: TestClient) -> Shows:
    """Address → what `shown_on` finds there, found once."""
    return cache(partial(shown_on, findings))


def _opens(path: str, number: Number) -> bool:
    """Whether its link leads elsewhere than to the page that it stands on."""
    place = urlsplit(number.href)
    return place.path not in ("", urlsplit(path).path)


@pytest.mark.parametrize("path", PATHS)
def test_what_has_rows_opens(shows: Shows, path: str) -> None:
    numbers, _hrefs = shows(path)
    assert len(numbers) > 20
    page = urlsplit(path).path
    closed = {
        (page, number.panel, number.column): (number.row, number.text)
        for number in numbers
        if not _opens(path, number) and not _ZERO.fullmatch(number.text)
    }
    assert {key: told for key, told in closed.items() if key not in NO_ROWS} == {}


def test_what_needs_no_rows_is_shown_somewhere(shows: Shows) -> None:
    seen = set()
    for path in PATHS:
        page = urlsplit(path).path
        numbers, _hrefs = shows(path)
        seen |= {
            (page, number.panel, number.column) for number in numbers if not _opens(path, number)
        }
    # Of sixty accounts too few can be compared among those that are alike.
    rare = {key for key in NO_ROWS if key[2] == "Among comparable accounts"}
    assert set(NO_ROWS) - rare - seen == set()


@pytest.mark.parametrize("path", PATHS)
def test_no_mark_of_a_chart_leads_nowhere(shows: Shows, path: str) -> None:
    numbers, hrefs = shows(path)
    marks = [number for number in numbers if number.column == "chart"]
    assert bool(marks) == (not path.startswith("/features"))
    assert hrefs
    assert all(mark.href.startswith("/") for mark in marks), marks
    assert not [href for href in hrefs if href.endswith("null") or "None" in href]


@pytest.mark.parametrize("path", PATHS)
def test_numbers_are_what_their_rows_come_to(
    findings: TestClient, shows: Shows, path: str
) -> None:
    numbers, _hrefs = shows(path)
    chosen: dict[tuple[str, str, str], list[Number]] = {}
    for number in numbers:
        is_plain = _PLAIN.fullmatch(number.text) and not _ZERO.fullmatch(number.text)
        if is_plain and _opens(path, number):
            to = urlsplit(number.href).path
            # A share opens to what it counts, which another number of its row says.
            if to == "/accounts" or not number.text.endswith("%"):
                chosen.setdefault((number.panel, number.column, to), []).append(number)
    assert len(chosen) > 5
    wrong = []
    for own in chosen.values():
        for number in (own[0], own[-1]):
            total = opened(findings, number.href)["total"]
            if not _says(number.text, total) and number.column not in RATIOS:
                wrong.append((number, total))
    assert wrong == []


RATIOS = {
    "breadth": "features ÷ accounts: both stand on the page of rows",
    "Uses an account": "uses ÷ accounts: both stand on the page of rows",
}


def _says(text: str, total: dict[str, object]) -> bool:
    """Whether one of the totals prints as the number does."""
    is_share = text.endswith("%")
    digits = text.rstrip("%").replace(",", "").replace("−", "-")
    places = len(digits.partition(".")[2])
    return any(
        f"{value * (100 if is_share else 1):.{places}f}" == digits
        for value in total.values()
        if isinstance(value, int | float)
    )

"""Cases whose results PostHog publishes in its own tests, at commit 014b060 and later.

The files are test_retention_query_runner.py, test_funnel_unordered.py and
test_stickiness_query_runner.py under posthog/hogql_queries/insights.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.insights.usage_company import company_of, days


def grid(found: Any) -> list[list[int]]:
    """Counts by cohort."""
    cells: dict[Any, list[int]] = {}
    for row in found.rows:
        cells.setdefault(row.cohort, []).append(row.size if row.age == 0 else row.returned)
    return list(cells.values())


def test_retention_of_at_least_two_a_day(tmp_path: Path) -> None:
    # test_all_events_with_minimum_occurrences: one day alone has two, and everybody starts.
    with company_of(tmp_path / "p", days(
        """one: 2020-06-10 2020-06-11 2020-06-12 2020-06-15 2020-06-15 2020-06-16
           two: 2020-06-11 2020-06-12 2020-06-13 2020-06-16"""
    )) as company:
        found = company.usage.retention(
            per="day", starts="every", back_times=2, first="2020-06-10", last="2020-06-20",
            as_of="2020-06-21",
        )
        assert grid(found) == [
            [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
            [2, 0, 0, 0, 1, 0, 0, 0, 0, 0],
            [2, 0, 0, 1, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0],
            [2, 0, 0, 0, 0],
            [0, 0, 0, 0],
            [0, 0, 0],
            [0, 0],
            [0],
        ]


@pytest.mark.parametrize(
    ("often", "wanted"),
    [
        (1, [[2, 1, 1, 0, 0], [1, 1, 0, 0], [3, 2, 0], [3, 0], [0]]),
        (3, [[2, 1, 1, 0, 0], [1, 1, 0, 0], [3, 1, 0], [3, 0], [0]]),
    ],
)
def test_rolling_retention_of_at_least_so_many(
    tmp_path: Path, often: int, wanted: list[list[int]]
) -> None:
    # test_rolling_retention and test_rolling_retention_with_minimum_occurrences: back on a day or
    # on any later one.
    with company_of(tmp_path / "p", days(
        f"""one: 2020-06-10 2020-06-13 {"2020-06-14 " * often}
            two: 2020-06-10 2020-06-11
            three: 2020-06-11 2020-06-12 {"2020-06-13 " * often}
            four: 2020-06-13 2020-06-14
            five: 2020-06-14"""
    )) as company:
        found = company.usage.retention(
            per="day", starts="every", returns="after", back_times=often, first="2020-06-11",
            last="2020-06-15", as_of="2020-06-16",
        )
        assert grid(found) == wanted


PEOPLE = {
    "p1": "signup", "p2": "page signup", "p3": "signup page blah view", "p4": "view page signup",
    "p5": "page signup blah view", "p6": "blah view", "p7": "page blah", "p8": "view page",
}
CRYING = {
    **PEOPLE, "p2": "page crying", "p4": "view crying signup", "p5": "page signup crying view",
}


def done(people: dict[str, str]) -> str:
    """What each did, a minute apart."""
    return "account user event occurred_at\n" + "\n".join(
        f"acme {who} {name} 2021-05-01T00:{minute:02}:00"
        for who, names in people.items() for minute, name in enumerate(names.split())
    )


@pytest.mark.parametrize(
    ("people", "more", "wanted"),
    [
        # test_basic_unordered_funnel, test_big_multi_step_unordered_funnel.
        (PEOPLE, [], ["p1 p2 p3 p4 p5 p6 p7 p8", "p2 p3 p4 p5 p8", "p3 p4 p5"]),
        (CRYING, ["crying"], ["p1 p2 p3 p4 p5 p6 p7 p8", "p2 p3 p4 p5 p8", "p3 p4 p5", "p5"]),
    ],
)
def test_unordered_funnels(
    tmp_path: Path, people: dict[str, str], more: list[str], wanted: list[str]
) -> None:
    with company_of(tmp_path / "p", done(people)) as company:
        found = company.usage.funnel(
            steps=["signup", "page", "view", *more], order="unordered", first="2021-05",
            last="2021-05", as_of="2021-07-01",
        )
        assert [row.count for row in found.rows] == [len(one.split()) for one in wanted]
        for step, names in enumerate(wanted, 1):
            assert sorted(str(row.user_id) for row in found.users(step).rows) == names.split()


def test_unordered_conversion_times_are_those_of_the_first(tmp_path: Path) -> None:
    # test_basic_unordered_funnel_conversion_times: 1 and 2 hours, then 2.
    rows = """account user event occurred_at
    acme one signup 2021-05-02T00:00:00
    acme two page 2021-05-02T00:00:00
    acme two signup 2021-05-02T01:00:00
    acme three view 2021-05-02T00:00:00
    acme three signup 2021-05-02T02:00:00
    acme three page 2021-05-02T04:00:00
    acme three page 2021-05-03T00:00:00
    acme three view 2021-05-03T03:00:00
    acme three signup 2021-05-03T06:00:00"""
    with company_of(tmp_path / "p", rows) as company:
        found = company.usage.funnel(
            steps=["signup", "page", "view"], order="unordered", window="1d", first="2021-05",
            last="2021-05", as_of="2021-07-01",
        )
        assert [row.count for row in found.rows] == [3, 2, 1]
        assert [row.mean_seconds for row in found.rows] == [None, 5400, 7200]


def test_unordered_exclusions(tmp_path: Path) -> None:
    rows = """account user event occurred_at
    acme one signup 2021-05-01T01:00:00
    acme one paid 2021-05-01T02:00:00
    acme two signup 2021-05-01T03:00:00
    acme two x 2021-05-01T03:30:00
    acme two paid 2021-05-01T04:00:00
    acme three signup 2021-05-01T05:00:00
    acme three paid 2021-05-01T06:00:00
    acme late signup 2021-05-02T01:00:00
    acme late paid 2021-05-02T02:00:00
    acme late left 2021-05-02T03:00:00
    acme late x 2021-05-02T04:00:00
    acme late left 2021-05-02T05:00:00"""
    asked: dict[str, Any] = {"order": "unordered", "exclude": ["x"], "as_of": "2021-07-01"}
    with company_of(tmp_path / "p", rows) as company:
        # test_funnel_exclusions_full_window: two may begin with the second event too, and goes
        # no further from there.
        found = company.usage.funnel(
            steps=["signup", "paid"], first="2021-05-01", last="2021-05-01", **asked)
        assert [row.count for row in found.rows] == [3, 2]
        assert [row.user_id for row in found.users(2).rows] == ["one", "three"]
        # test_unordered_exclusion_after_completion: what comes after the last step voids nothing.
        found = company.usage.funnel(
            steps=["signup", "paid", "left"], first="2021-05-02", last="2021-05-02", **asked)
        assert [row.count for row in found.rows] == [1, 1, 1]


def test_unordered_exclusions_of_several(tmp_path: Path) -> None:
    # test_advanced_funnel_multiple_exclusions_between_steps: half hours from 01:00 on.
    steps = ["signup", "page", "view", "invite", "page2"]
    people = {
        "p1": "signup - x - page - view y invite - page2",
        "p2": "signup y page - - - view y invite x page2",
        "p3": "signup x page - - - view - invite x page2",
        "p4": "signup - page - - - view - invite - page2",
        "p5": "signup x page x - - view y invite x page2",
    }
    rows = "account user event occurred_at\n" + "\n".join(
        f"acme {who} {name} 2021-05-01T{1 + place // 2:02}:{place % 2 * 30:02}:00"
        for who, names in people.items() for place, name in enumerate(names.split())
        if name != "-"
    )
    with company_of(tmp_path / "p", rows) as company:
        found = company.usage.funnel(
            steps=steps, order="unordered", exclude=["x", "y"], first="2021-05-01",
            last="2021-05-14", as_of="2021-07-01",
        )
        assert [row.count for row in found.rows] == [5, 2, 1, 1, 1]
        assert sorted(str(row.user_id) for row in found.users(2).rows) == ["p1", "p4"]


@pytest.fixture(scope="module")
def sticky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    odd = [f"2020-01-{day}" for day in range(11, 20)]
    rows = "account user event occurred_at platform\n" + "\n".join(
        f"acme {who} {event} {day}T12:00:00 {browser}"
        for who, browser, days_of in (("p1", "Chrome", odd), ("p2", "Firefox", odd[::2]))
        for day in days_of for event in ("pageview", "pageleave")
    )
    with company_of(tmp_path_factory.mktemp("sticky") / "p", rows,
                    exclude='week_start = "sunday"') as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        # test_interval_day, test_interval_week, test_interval_month, test_property_filtering,
        # test_event_filtering.
        ({"per": "day"}, [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]),
        ({"per": "week"}, [0, 0, 2]),
        ({"per": "month"}, [2]),
        ({"per": "day", "where": "property:platform=Chrome"}, [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        ({"per": "day", "event": "pageview[platform=Chrome]"}, [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
    ],
)
def test_stickiness(sticky: Company, asked: dict[str, Any], wanted: list[int]) -> None:
    found = sticky.usage.stickiness(
        **{"event": "pageview", **asked}, first="2020-01-11", last="2020-01-20", as_of="2020-03-01"
    )
    assert [row.count for row in found.rows] == wanted

"""Weeks begin on the day that the company says, in every answer at week grain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import ConfigError
from staycurve.workspace import Company
from tests.company import build, create

# 2024-03-03 is a Sunday. By Monday's weeks it ends the week of 2024-02-26, by Sunday's it
# begins its own.
TABLES = {
    "accounts": """
        account_id name created_at
        a          A    2024-03-02
        b          B    2024-03-03
        c          C    2024-03-04
        d          D    2024-03-10
    """,
    "subscriptions": """
        account_id subscription_id starts_at  amount
        a          s1              2024-03-02 1
        b          s2              2024-03-03 10
        c          s3              2024-03-04 100
        d          s4              2024-03-10 1000
    """,
    "users": """
        user_id account_id
        u       b
    """,
    "events": """
        event_id user_id account_id event occurred_at
        e1       u       b          open  2024-03-03T10:00:00
        e2       u       b          open  2024-03-09T10:00:00
        e3       u       b          open  2024-03-10T10:00:00
    """,
}
NEW = {
    "monday": {"2024-02-26": 11, "2024-03-04": 1100},
    "sunday": {"2024-02-25": 1, "2024-03-03": 110, "2024-03-10": 1000},
}
AS_OF = "2024-03-18"


@pytest.fixture(scope="module", params=["monday", "sunday"])
def weeks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, str]]:
    folder = tmp_path_factory.mktemp(request.param) / "project"
    with build(folder, TABLES, company=f'week_start = "{request.param}"') as made:
        yield made, request.param


def test_movements_lie_in_the_companys_weeks(weeks: tuple[Company, str]) -> None:
    company, start = weeks
    found = company.show("new_mrr", grain="week", start="2024-03-02", end="2024-03-10", as_of=AS_OF)
    assert {row["period"]: row["value"] for row in found.rows if row["value"]} == NEW[start]
    for period, value in NEW[start].items():
        # Any day of the week names it.
        rows = company.accounts("new_mrr", period=period, grain="week", as_of=AS_OF)
        assert rows.total["value"] == value


def test_weeks_follow_one_another_without_gaps(weeks: tuple[Company, str]) -> None:
    company, start = weeks
    rows = company.show("mrr", grain="week", start="2024-02-28", as_of=AS_OF).rows
    first = {"monday": ["2024-02-26", "2024-03-04", "2024-03-11"],
             "sunday": ["2024-02-25", "2024-03-03", "2024-03-10", "2024-03-17"]}
    assert [row["period"] for row in rows] == first[start]
    # On Monday 18th nothing has been seen after Sunday 17th: its own week has only begun.
    assert [row["open"] for row in rows][-1] == (start == "sunday")


def test_users_are_counted_in_the_companys_weeks(weeks: tuple[Company, str]) -> None:
    company, start = weeks
    rows = company.show("wau", grain="week", start="2024-03-03", end="2024-03-10", as_of=AS_OF).rows
    expected = {"monday": {"2024-02-26": 1, "2024-03-04": 1},
                "sunday": {"2024-03-03": 1, "2024-03-10": 1}}
    assert {row["period"]: row["value"] for row in rows} == expected[start]


def test_retention_counts_in_the_companys_weeks(weeks: tuple[Company, str]) -> None:
    company, start = weeks
    found = company.usage.retention(
        per="week", first="2024-03-03", last="2024-03-10", as_of=AS_OF
    )
    cells = {(str(row.cohort), row.age): row.returned for row in found.rows if row.returned}
    # Monday's weeks: started in 26 February's, back in 4 March's (the 9th and the 10th).
    # Sunday's weeks: started in 3 March's, back in 10 March's.
    begin = {"monday": "2024-02-26", "sunday": "2024-03-03"}[start]
    assert cells == {(begin, 0): 1, (begin, 1): 1}


def test_another_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="week_start"), create(
        tmp_path / "p", company='week_start = "sundy"'
    ):
        pass

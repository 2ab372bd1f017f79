"""What is an upgrade and what is not, from subscriptions that can be read at a glance."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from staycurve.insights.growth.upgrades import expansions_sql, steps_sql
from tests.company import build

ROWS = """
subscription_id item_id account_id plan  product kind    quantity unit_amount discount_percent starts_at  ends_at
s1              -       seats      Team  Flow    base    5        10          -                2024-01-01 2024-03-01
s1              -       seats      Team  Flow    base    7        10          -                2024-03-01 -
s2              -       price      Team  Flow    base    5        10          -                2024-01-01 2024-03-01
s2              -       price      Team  Flow    base    5        12          -                2024-03-01 -
s3              -       discount   Team  Flow    base    5        10          50               2024-01-01 2024-03-01
s3              -       discount   Team  Flow    base    5        10          -                2024-03-01 -
s4              -       plan       Team  Flow    base    5        10          -                2024-01-01 2024-03-01
s4              -       plan       Pro   Flow    base    5        20          -                2024-03-01 -
s5              -       addon      Team  Flow    base    5        10          -                2024-01-01 -
s5              extra   addon      Team  Storage addon   1        30          -                2024-03-01 -
s6              -       metered    Team  Flow    base    5        10          -                2024-01-01 -
s6              use     metered    Team  Flow    metered 10       1           -                2024-01-01 2024-03-01
s6              use     metered    Team  Flow    metered 90       1           -                2024-03-01 -
s7              -       replaced   Team  Flow    base    5        10          -                2024-01-01 2024-03-01
s8              -       replaced   Pro   Flow    base    5        20          -                2024-03-01 -
s9              -       fewer      Team  Flow    base    5        10          -                2024-01-01 2024-03-01
s9              -       fewer      Pro   Flow    base    1        20          -                2024-03-01 -
s10             -       back       Team  Flow    base    5        10          -                2024-01-01 2024-02-01
s10             -       back       Team  Flow    base    9        10          -                2024-03-01 -
"""  # noqa: E501

MARCH = dt.date(2024, 3, 1)


def test_more_was_taken_where_plan_or_units_or_items_grew(tmp_path: Path) -> None:
    company = build(tmp_path / "c", {"subscriptions": ROWS})
    with company.reading() as engine:
        rows = engine.rows(
            f"SELECT account_id, day, way, before_plan, before_quantity, quantity FROM "
            f"({steps_sql(dt.date(2024, 12, 31))}) s ORDER BY account_id"
        )
    # A price that rises, a discount that ends, metered usage, a plan that bills less in all, and
    # who comes back after a month away: none of them is an upgrade.
    assert rows == [
        ("addon", MARCH, "item", None, None, 1.0), ("plan", MARCH, "plan", "Team", 5.0, 5.0),
        ("replaced", MARCH, "plan", "Team", 5.0, 5.0), ("seats", MARCH, "seats", "Team", 5.0, 7.0),
    ]


def test_an_upgrade_counts_for_the_days_before_it_as_far_as_the_horizon(tmp_path: Path) -> None:
    company = build(tmp_path / "c", {"subscriptions": ROWS})
    days = [dt.date(2024, 1, 31), dt.date(2024, 2, 1), dt.date(2024, 3, 1)]
    with company.reading() as engine:
        rows = engine.rows(expansions_sql(days, 29))
    # (31 January, 29 February] ends a day before; the day itself is no future.
    assert {row[1:] for row in rows} == {(days[1], MARCH)}
    assert [row[0] for row in rows] == ["addon", "plan", "replaced", "seats"]

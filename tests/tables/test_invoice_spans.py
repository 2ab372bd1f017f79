"""Spans out of invoice lines: each rule in a few lines, expected values by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from staycurve.money import MICRO
from staycurve.tables.duckdb_engine import Engine
from tests.invoicing import Line, engine_of, line, monthly, spans
from tests.oracle.periods import add_months

FEW = settings(max_examples=12, deadline=None,
               suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("engine")
    with engine_of(folder) as made:
        yield made


def months(start: str, count: int, amount: object, **other: Any) -> list[Line]:
    """A bill a month."""
    first = dt.date.fromisoformat(start)
    return [
        line(f"{start}+{n}", str(add_months(first, n)), str(add_months(first, n + 1)), amount,
             **other)
        for n in range(count)
    ]


def priced(engine: Engine, rows: list[Line], zone: str = "UTC") -> list[tuple[str, str, float]]:
    """(start, end, amount of an interval) of each span, local days."""
    return [
        (str(one["starts_on"]), str(one["ends_on"]), one["amount"] / MICRO)
        for one in spans(engine, rows, zone)
    ]


def mrr(engine: Engine, rows: list[Line], day: str, conventions: str = "") -> float:
    return monthly(engine, rows, [dt.date.fromisoformat(day)], conventions)[0] / MICRO


def test_twelve_monthly_bills_are_one_span(engine: Engine) -> None:
    assert priced(engine, months("2023-03-01", 12, 100)) == [("2023-03-01", "2024-03-01", 100)]


def test_a_leap_day_is_no_change_of_price(engine: Engine) -> None:
    rows = months("2024-01-31", 4, 100)
    assert priced(engine, rows) == [("2024-01-31", "2024-05-31", 100)]


@pytest.mark.parametrize(
    ("start", "end", "interval", "count"),
    [
        ("2023-02-01", "2023-03-01", "month", 1),
        ("2024-01-31", "2024-02-29", "month", 1),
        ("2023-01-01", "2023-03-01", "month", 2),
        ("2022-11-30", "2023-02-28", "quarter", 1),
        ("2024-01-01", "2024-03-29", "quarter", 1),
        ("2023-07-01", "2024-01-01", "quarter", 2),
        ("2023-09-01", "2024-06-01", "quarter", 3),
        ("2024-01-01", "2025-01-01", "year", 1),
        ("2023-03-01", "2026-03-01", "year", 3),
        ("2023-01-01", "2024-07-01", "quarter", 6),
        ("2024-01-01", "2024-01-08", "week", 1),
        ("2024-01-01", "2024-01-15", "day", 14),
        ("2024-02-01", "2024-02-28", "day", 27),
        ("2024-01-01", "2024-12-30", "day", 364),
    ],
)
def test_the_length_of_a_period_says_its_interval(
    engine: Engine, start: str, end: str, interval: str, count: int
) -> None:
    one, = spans(engine, [line(1, start, end, 10)])
    assert (one["interval"], one["interval_count"]) == (interval, count)


def test_a_prorated_upgrade_bills_in_full_what_it_is_a_part_of(engine: Engine) -> None:
    rows = [
        line(1, "2024-06-01", "2024-07-01", 100),
        line(2, "2024-06-16", "2024-07-01", -50, is_proration="true"),
        line(3, "2024-06-16", "2024-07-01", 80, plan="Team", is_proration="true"),
    ]
    # 80 for 15 of 30 days.
    assert priced(engine, rows) == [
        ("2024-06-01", "2024-06-16", 100), ("2024-06-16", "2024-07-01", 160),
    ]


def test_a_prorated_downgrade_lowers_the_price(engine: Engine) -> None:
    rows = [
        line(1, "2024-06-01", "2024-07-01", 160),
        line(2, "2024-06-21", "2024-07-01", "-53.33", is_proration="true"),
        line(3, "2024-06-21", "2024-07-01", 30, is_proration="true"),
    ]
    assert priced(engine, rows)[1:] == [("2024-06-21", "2024-07-01", 90)]


def test_the_unit_price_of_a_prorated_line_needs_no_scaling(engine: Engine) -> None:
    rows = [
        line(1, "2024-06-01", "2024-07-01", 100, quantity=10, unit_amount=10),
        line(2, "2024-06-16", "2024-07-01", 75, quantity=15, unit_amount=10, is_proration="true"),
    ]
    assert priced(engine, rows)[1:] == [("2024-06-16", "2024-07-01", 150)]


def test_a_price_that_only_rounding_moved_is_the_full_one(engine: Engine) -> None:
    rows = [
        *months("2024-05-01", 1, 100),
        # 160 × 5 / 31 = 25.806…; billed 25.81, which scales to 160.02.
        line("u", "2024-05-27", "2024-06-01", "25.81", plan="Team", is_proration="true"),
        *months("2024-06-01", 2, 160, plan="Team"),
    ]
    assert priced(engine, rows) == [
        ("2024-05-01", "2024-05-27", 100), ("2024-05-27", "2024-08-01", 160),
    ]


def test_a_first_part_of_a_month_goes_by_the_month_after(engine: Engine) -> None:
    rows = [
        # 100 × 17 / 31 of January; billed from the first of a month on.
        line("u", "2024-01-15", "2024-02-01", "54.84", is_proration="true"),
        *months("2024-02-01", 2, 100),
    ]
    assert priced(engine, rows) == [("2024-01-15", "2024-04-01", 100)]


def test_a_part_alone_is_so_many_days(engine: Engine) -> None:
    rows = [line("u", "2024-01-15", "2024-02-01", 17, is_proration="true")]
    assert mrr(engine, rows, "2024-01-20", 'days_per_month = "30"') == 30


def test_a_gap_of_a_day_is_none_and_a_longer_one_ends_the_span(engine: Engine) -> None:
    def with_gap(days: int) -> list[tuple[str, str, float]]:
        start = dt.date(2024, 2, 1) + dt.timedelta(days=days)
        return priced(engine, [
            line(1, "2024-01-01", "2024-02-01", 100),
            line(2, str(start), str(add_months(start, 1)), 100),
        ])

    assert with_gap(1) == [("2024-01-01", "2024-03-02", 100)]
    assert with_gap(2) == [("2024-01-01", "2024-02-01", 100), ("2024-02-03", "2024-03-03", 100)]


def test_a_gap_of_a_day_of_25_hours_is_none(engine: Engine) -> None:
    rows = [
        line(1, "2024-10-03", "2024-11-03", 100), line(2, "2024-11-04", "2024-12-04", 100),
    ]
    assert priced(engine, rows, "America/New_York") == [("2024-10-03", "2024-12-04", 100)]


def test_a_clock_that_is_put_forward_scales_nothing(engine: Engine) -> None:
    rows = [
        line(1, "2024-03-01", "2024-04-01", 100),
        line(2, "2024-03-17", "2024-04-01", 75, is_proration="true"),
    ]
    # 31 and 15 local days, both an hour shorter: 75 × 31 / 15.
    assert priced(engine, rows, "Europe/Berlin")[1:] == [("2024-03-17", "2024-04-01", 155)]


def test_the_next_bill_takes_over_inside_a_prepaid_year(engine: Engine) -> None:
    rows = [line(1, "2024-01-01", "2025-01-01", 1200), line(2, "2024-06-10", "2024-07-10", 150)]
    assert mrr(engine, rows, "2024-06-09") == 100
    assert mrr(engine, rows, "2024-06-10") == 150
    assert mrr(engine, rows, "2024-07-10") == 0


def test_a_bill_of_nothing_for_something_with_a_price_is_a_trial(engine: Engine) -> None:
    rows = [
        line(1, "2024-01-01", "2024-01-15", 0, quantity=1, unit_amount=100),
        line(2, "2024-01-15", "2024-02-15", 100, quantity=1, unit_amount=100),
    ]
    found = [(one["status"], one["amount"]) for one in spans(engine, rows)]
    assert found == [("trialing", 0), ("active", 100 * MICRO)]


def test_a_month_given_away_later_is_free_and_no_trial(engine: Engine) -> None:
    rows = [
        *months("2024-01-01", 1, 100, quantity=1, unit_amount=100),
        *months("2024-02-01", 1, 0, quantity=1, unit_amount=100),
    ]
    found = [(one["status"], one["amount"]) for one in spans(engine, rows)]
    assert found == [("active", 100 * MICRO), ("active", 0)]


def test_a_change_inside_a_trial_leaves_it_free(engine: Engine) -> None:
    rows = [
        line(1, "2024-01-01", "2024-01-15", 0, quantity=1, unit_amount=100),
        line(2, "2024-01-08", "2024-01-15", 0, quantity=1, unit_amount=200, is_proration="true"),
    ]
    assert priced(engine, rows) == [("2024-01-01", "2024-01-15", 0)]


def test_discounts_count_by_the_convention(engine: Engine) -> None:
    rows = [
        *months("2024-01-01", 1, 70, discount_amount=30, discount_recurring="false"),
        *months("2024-02-01", 1, 90, discount_amount=10, quantity=1, unit_amount=100),
    ]
    said = {
        rule: [mrr(engine, rows, day, f'discounts = "{rule}"')
               for day in ("2024-01-20", "2024-02-20")]
        for rule in ("recurring", "all", "none")
    }
    assert said == {"recurring": [100, 90], "all": [70, 90], "none": [100, 100]}


def test_two_discounts_of_one_bill_count_each_by_its_kind(engine: Engine) -> None:
    rows = [
        line(1, "2024-01-01", "2024-02-01", 40, discount_amount=10),
        line(2, "2024-01-01", "2024-02-01", 30, discount_amount=20, discount_recurring="false"),
    ]
    said = [mrr(engine, rows, "2024-01-20", f'discounts = "{rule}"')
            for rule in ("recurring", "all", "none")]
    assert said == [90, 70, 100]


@pytest.mark.parametrize("other", [
    {"invoice_status": "void"}, {"invoice_status": "draft"}, {"kind": "one_time"},
    {"amount": "-100"}, {"period_end": "2024-03-01"},
])
def test_what_counts_for_nothing(engine: Engine, other: Line) -> None:
    rows = [line(1, "2024-03-01", "2024-04-01", 100)]
    assert priced(engine, rows) == [("2024-03-01", "2024-04-01", 100)]
    assert priced(engine, [rows[0] | other]) == []


@pytest.mark.parametrize("state", ["open", "uncollectible", "paid"])
def test_a_bill_that_is_not_paid_was_billed(engine: Engine, state: str) -> None:
    rows = [line(1, "2024-03-01", "2024-04-01", 100, invoice_status=state)]
    assert priced(engine, rows) == [("2024-03-01", "2024-04-01", 100)]


def test_without_a_subscription_each_plan_of_the_account_is_one(engine: Engine) -> None:
    rows = [
        *months("2024-01-01", 2, 100, subscription_id=""),
        *months("2024-01-10", 2, 30, subscription_id="", plan="Support"),
    ]
    assert mrr(engine, rows, "2024-01-20") == 130
    assert {one["subscription_id"] for one in spans(engine, rows)} == {"a/Pro", "a/Support"}


def test_an_addon_without_an_item_stays_when_the_plan_changes(engine: Engine) -> None:
    rows = [
        *months("2024-06-01", 1, 100),
        *months("2024-06-01", 1, 20, kind="addon", plan="Support"),
        line("u", "2024-06-16", "2024-07-01", 80, plan="Team", is_proration="true"),
    ]
    assert [mrr(engine, rows, day) for day in ("2024-06-10", "2024-06-20")] == [120, 180]


def test_parts_that_repeat_the_unit_price_bill_it_once(engine: Engine) -> None:
    rows = [
        line(n, "2024-01-01", "2024-02-01", amount, quantity=1, unit_amount=100)
        for n, amount in enumerate((60, 40))
    ]
    assert priced(engine, rows) == [("2024-01-01", "2024-02-01", 100)]


# Properties: what must change nothing, of a life with upgrades, gaps and mixed intervals.

STEPS = st.lists(
    st.tuples(
        st.sampled_from((1, 1, 1, 3, 12)),
        st.sampled_from((3100, 9300, 36600)),
        st.sampled_from((0, 0, 0, 1, 30)),
        st.booleans(),
    ),
    min_size=1, max_size=6,
)


def life(steps: list[tuple[int, int, int, bool]]) -> list[Line]:
    """Bills of an item; of each, perhaps an upgrade on its eighth day with the credit beside it."""
    rows: list[Line] = []
    day = dt.date(2023, 11, 1)
    for number, (count, amount, gap, is_changed) in enumerate(steps):
        end = add_months(day, count)
        rows.append(line(f"f{number}", str(day), str(end), amount))
        if is_changed:
            changed = str(day + dt.timedelta(days=7))
            part = {"is_proration": "true", "plan": "Team"}
            rows.append(line(f"u{number}", changed, str(end), 620, **part))
            rows.append(line(f"c{number}", changed, str(end), -70, **part))
        day = end + dt.timedelta(days=gap)
    return rows


@FEW
@given(STEPS, st.data())
def test_splitting_bills_changes_nothing(engine: Engine, steps: Any, data: st.DataObject) -> None:
    rows = life(steps)
    parts: list[Line] = []
    for row in rows:
        amount = int(row["amount"])
        first = data.draw(st.integers(1, abs(amount))) * (1 if amount > 0 else -1)
        pieces = [piece for piece in (first, amount - first) if piece]
        parts += [
            row | {"line_id": f"{row['line_id']}.{n}", "amount": str(piece)}
            for n, piece in enumerate(pieces)
        ]
    assert spans(engine, rows)
    assert spans(engine, parts) == spans(engine, rows)


@FEW
@given(STEPS, st.data())
def test_credits_and_the_order_of_lines_change_nothing(
    engine: Engine, steps: Any, data: st.DataObject
) -> None:
    rows = life(steps)
    credits = [
        data.draw(st.sampled_from(rows)) | {"line_id": f"n{n}", "amount": "-100",
                                            "is_proration": data.draw(st.booleans())}
        for n in range(3)
    ]
    mixed = data.draw(st.permutations([*rows, *credits]))
    assert spans(engine, rows)
    assert spans(engine, mixed) == spans(engine, rows)


@FEW
@given(st.dates(dt.date(2019, 1, 1), dt.date(2024, 12, 31)), st.integers(1, 24))
def test_monthly_bills_from_any_day_on_are_one_span(
    engine: Engine, first: dt.date, count: int
) -> None:
    rows = months(str(first), count, 100)
    assert priced(engine, rows) == [(str(first), str(add_months(first, count)), 100)]


@FEW
@given(
    st.integers(2, 27), st.integers(1000, 99999), st.integers(1000, 99999), st.integers(1, 12),
)
def test_what_a_biller_rounds_to_cents_moves_mrr_once(
    engine: Engine, day: int, before: int, after: int, month: int
) -> None:
    start, end = dt.date(2024, month, 1), add_months(dt.date(2024, month, 1), 1)
    changed = start + dt.timedelta(days=day)
    left, whole = (end - changed).days, (end - start).days
    cents = round(after * left / whole)
    rows = [
        *months(str(add_months(start, -2)), 3, before / 100),
        line("u", str(changed), str(end), cents / 100, plan="Team", is_proration="true"),
        *months(str(end), 2, after / 100, plan="Team"),
    ]
    assert priced(engine, rows) == [
        (str(add_months(start, -2)), str(changed), before / 100),
        (str(changed), str(add_months(end, 2)), after / 100),
    ]


def test_a_cancellation_inside_a_period_ends_the_span_at_the_price_of_the_whole(
    engine: Engine,
) -> None:
    rows = months("2024-01-01", 2, 100)
    rows[1]["canceled_at"] = "2024-02-11"
    assert priced(engine, rows) == [("2024-01-01", "2024-02-11", 100)]
    assert mrr(engine, rows, "2024-02-10") == 100
    assert mrr(engine, rows, "2024-02-11") == 0


def test_what_is_billed_after_a_cancellation_is_another_span(engine: Engine) -> None:
    rows = months("2024-01-01", 2, 100)
    rows[0]["canceled_at"] = "2024-01-11"
    assert priced(engine, rows) == [
        ("2024-01-01", "2024-01-11", 100), ("2024-02-01", "2024-03-01", 100)
    ]
    rows[0]["canceled_at"] = "2024-01-31T06:00:00"
    assert priced(engine, rows) == [("2024-01-01", "2024-03-01", 100)]


def test_a_cancellation_ends_a_prorated_price_too(engine: Engine) -> None:
    rows = [
        line(1, "2024-06-01", "2024-07-01", 100, canceled_at="2024-06-26"),
        line(2, "2024-06-16", "2024-07-01", 80, plan="Team", is_proration="true",
             canceled_at="2024-06-26"),
    ]
    assert priced(engine, rows) == [
        ("2024-06-01", "2024-06-16", 100), ("2024-06-16", "2024-06-26", 160)
    ]

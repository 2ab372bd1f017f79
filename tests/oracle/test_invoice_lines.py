"""Spans out of random invoice lines against the plain day-by-day reading of the same lines."""

from __future__ import annotations

import datetime as dt
import os
import random
from pathlib import Path

import pytest

from staycurve.money import MICRO
from tests.invoicing import Line, engine_of, line, monthly
from tests.oracle.invoices import monthly_on
from tests.oracle.periods import add_months
from tests.oracle.settings import Conventions

SEEDS = int(os.environ.get("STAYCURVE_INVOICE_SEEDS", "6"))
GROUP = 4
STATES = ("paid", "paid", "paid", "open", "uncollectible", "void", "draft")
ROUNDINGS = 5
"""Micro-units: each item is rounded once where it is scaled, and once to a month."""


def life(pick: random.Random, account: str, subscription: str) -> list[Line]:
    """The lines of one item: periods of many lengths, with gaps, changes and credits inside."""
    rows: list[Line] = []
    owner = {"account_id": account, "subscription_id": f"{account}{subscription}"}
    day = dt.date(2023, pick.randint(1, 12), pick.choice((1, 1, 15, 28)))
    kind = pick.choice(("base", "base", "base", "addon", "metered"))

    def add(start: dt.date, end: dt.date, amount: int, **other: object) -> None:
        number = f"{account}{subscription}{len(rows)}"
        rows.append(line(number, str(start), str(end), amount, **owner, kind=kind, **other))

    for _ in range(pick.randint(1, 6)):
        months = pick.choice((1, 1, 1, 1, 2, 3, 6, 12, 0))
        length = dt.timedelta(days=pick.choice((7, 10, 14)))
        end = add_months(day, months) if months else day + length
        if pick.random() < 0.1:
            end -= dt.timedelta(days=1)
        terms: dict[str, object] = {
            "plan": pick.choice(("Pro", "Team")), "invoice_status": pick.choice(STATES),
        }
        if pick.random() < 0.3:
            terms |= {"quantity": 2, "unit_amount": pick.choice((50, 75))}
        if pick.random() < 0.2:
            terms |= {"discount_amount": 10, "discount_recurring": pick.choice(("true", "false"))}
        add(day, end, pick.choice((0, 100, 100, 160, 1200)), **terms)
        if pick.random() < 0.1:
            rows[-1]["kind"] = "one_time"
        if pick.random() < 0.3:
            start = day + dt.timedelta(days=pick.randint(0, min(28, (end - day).days - 1)))
            until = pick.choice((end, end, start + dt.timedelta(days=5)))
            unit = {"quantity": 1, "unit_amount": 90} if pick.random() < 0.3 else {}
            add(start, until, pick.choice((83, 41, 0)), plan="Max", is_proration="true", **unit)
            add(start, until, -50, is_proration="true")
        day = end + dt.timedelta(days=pick.choice((0, 0, 0, 0, 1, 2, 40)))
    return rows


@pytest.mark.parametrize("group", range(-(-SEEDS // GROUP)))
def test_mrr_of_random_lines_is_what_they_say_day_by_day(group: int, tmp_path: Path) -> None:
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=3 * n) for n in range(260)]
    compared = 0
    with engine_of(tmp_path) as engine:
        for seed in range(group * GROUP, min((group + 1) * GROUP, SEEDS)):
            pick = random.Random(seed)
            rows = [row for account in "ab" for sub in "st" for row in life(pick, account, sub)]
            rule = pick.choice(("recurring", "all", "none"))
            ours = monthly(engine, rows, days, f'discounts = "{rule}"')
            rules = Conventions(discounts=rule)
            for day, found in zip(days, ours, strict=True):
                said = monthly_on(rows, day, rules) * MICRO
                assert abs(found - said) <= ROUNDINGS, (seed, day, found, float(said), rows)
                compared += found > 0
    assert compared > 100

"""What must hold for any company, under any switch: the oracle checked against itself."""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, assume, given, settings, strategies as st

from tests.oracle import Oracle
from tests.oracle.changes import CLASSES, KINDS
from tests.oracle.companies import Tables, as_ofs, companies, seeded_company, switches, zones
from tests.oracle.periods import ONE_DAY

REASONS = {"voluntary": ["customer request", "too expensive"], "involuntary": ["payment failed"]}
GRAIN = st.sampled_from(("month", "quarter", "year"))
MOVED = (*(f"{kind}_mrr" for kind in KINDS), "entering_mrr", "leaving_mrr", "fx_impact")
quick = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def oracle(tables: Tables, **options: Any) -> Oracle:
    return Oracle(tables, **{"as_of": "2024-08-01", "end_reasons": REASONS, **options})


@quick
@given(companies(), switches(), zones(), as_ofs(), GRAIN)
def test_every_account_closes_where_its_movements_lead(
    tables: Tables, conventions: dict[str, str], zone: str, as_of: str, grain: str
) -> None:
    told = oracle(tables, conventions=conventions, timezone=zone, as_of=as_of)
    is_fixed = conventions.get("fx") == "fixed"
    before: dict[str, int] = {}
    flowing = told.movements(grain)
    assume(flowing)
    for (_, account), flows in flowing.items():
        assert flows.opening == before.get(account, flows.opening)
        assert all(amount >= 0 for amount in flows.amounts.values())
        assert sum(flows.amounts[name] for name in CLASSES) == flows.amounts["churned"]
        if is_fixed or not tables["fx_rates"]:
            assert flows.fx == 0
        before[account] = flows.closing


@quick
@given(companies(), st.sampled_from(("day", "60min", "event")), zones())
def test_fx_impact_is_the_revaluation_of_what_stands(
    tables: Tables, netting: str, zone: str
) -> None:
    told = oracle(tables, conventions={"netting": netting}, timezone=zone)
    book = told.book
    revalued: dict[tuple[date, str], int] = {}
    for account in book.accounts:
        for day in book.all_days:
            held = book.close(account, day - ONE_DAY)
            key = (told.period("month", day).start, account)
            gained = book.total(held, day) - book.total(held, day - ONE_DAY)
            revalued[key] = revalued.get(key, 0) + gained
    flowing = told.movements("month")
    assume(flowing)
    for key, flows in flowing.items():
        assert flows.fx == revalued[key]


@quick
@given(
    companies(accounts=3),
    switches(),
    st.sampled_from((["plan"], ["kind", "currency"], ["country"], ["plan", "country"])),
)
def test_segments_sum_to_the_whole(
    tables: Tables, conventions: dict[str, str], by: list[str]
) -> None:
    told = oracle(tables, conventions=conventions)
    for period in ("2024-01", "2024-03", "2024-05"):
        parts = {
            metric: sum(
                (
                    value or Fraction(0)
                    for value in told.segments(metric, "month", period, by).values()
                ),
                Fraction(0),
            )
            for metric in ("opening_mrr", *MOVED, "net_new_mrr", "mrr")
        }
        assert parts["entering_mrr"] == parts["leaving_mrr"]
        for metric, whole in parts.items():
            if metric not in ("entering_mrr", "leaving_mrr"):
                assert whole == (told.value(metric, "month", period) or 0), metric


@quick
@given(companies(), switches(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    tables: Tables, conventions: dict[str, str], shuffler: random.Random
) -> None:
    mixed = {name: shuffler.sample(rows, len(rows)) for name, rows in tables.items()}
    first, second = (
        oracle(t, conventions=conventions).movements("quarter") for t in (tables, mixed)
    )
    assert first == second


@quick
@given(companies(), zones())
def test_splitting_a_span_changes_nothing(tables: Tables, zone: str) -> None:
    rows = []
    for row in tables["subscriptions"]:
        ends_at = row["ends_at"]
        middle = (date.fromisoformat(row["starts_at"][:10]) + timedelta(days=4)).isoformat()
        is_long = ends_at is None or ends_at[:10] > middle + "T"
        if len(row["starts_at"]) == 10 and is_long and not row["cancel_requested_at"]:
            rows.append(row | {"ends_at": middle, "end_reason": None})
            # A canceled row was active until its end, so its first half ends as an active one.
            rows.append(row | {"starts_at": middle})
        else:
            rows.append(row)
    split = {**tables, "subscriptions": rows}
    first, second = (oracle(t, timezone=zone) for t in (tables, split))
    assert first.movements("month") == second.movements("month")
    for metric in ("committed_mrr", "contracted_arr", "nrr", "trial_conversion_rate"):
        assert first.value(metric, "quarter", "2024-Q1") == second.value(
            metric, "quarter", "2024-Q1"
        )


@quick
@given(companies(), GRAIN)
def test_rates_do_not_depend_on_netting(tables: Tables, grain: str) -> None:
    names = ("nrr", "grr", "customer_churn_rate", "customer_retention_rate", "upgrade_rate", "mrr")
    answers = [
        [oracle(tables, conventions={"netting": netting}).value(n, grain, "2024-01") for n in names]
        for netting in ("day", "60min", "event", "month")
    ]
    assert answers[0] == answers[1] == answers[2] == answers[3]


@quick
@given(companies(), zones())
def test_layers_sum_to_mrr(tables: Tables, zone: str) -> None:
    told = oracle(tables, timezone=zone)
    layers = told.layers()
    assume(layers)
    for month in {month for month, _ in layers}:
        whole = sum(worth for (on, _), worth in layers.items() if on == month)
        assert whole == told.value("mrr", "month", month)
    cells = {(c.cohort, c.age): c for c in told.cohort("customers", "count")}
    for cell in told.cohort("gross_mrr", "count"):
        before = cells.get((cell.cohort, cell.age - 1))
        assert before is None or cell.size == before.size


def test_a_seeded_company_is_the_same_every_time() -> None:
    assert seeded_company(7, 12) == seeded_company(7, 12)
    assert seeded_company(7, 12) != seeded_company(8, 12)


def test_generated_rows_are_never_set_aside() -> None:
    for seed in range(20):
        tables = seeded_company(seed, 10)
        rows = tables["subscriptions"]
        long = [row for row in rows if row["starts_at"] != row["ends_at"]]
        for zone in ("UTC", "Pacific/Auckland", "America/New_York"):
            told = oracle(tables, timezone=zone, as_of="2030-01-01")
            assert sum(map(len, told.book.stretches.values())) == len(long)

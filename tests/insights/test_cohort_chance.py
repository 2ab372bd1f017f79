"""What is named is there, and what is not there is not named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from statsmodels.stats.multitest import multipletests

from staycurve.config import parse
from staycurve.demo import PROJECT_TOML, Truth, write_company
from staycurve.insights.cohorts import cohort_retention, riskiest_months
from staycurve.insights.cohorts.cohort_retention import Retention
from staycurve.insights.cohorts.riskiest_months import RiskiestMonths
from staycurve.insights.shared.members import Question
from staycurve.insights.statistics.proportions import adjusted
from staycurve.period import as_of, month_start
from staycurve.sources.files import load_files
from staycurve.workspace import Company
from tests.company import NOW, build, create

COMPANIES = 100
MONTHS = 40
FIRST = 2022 * 12
"""January 2022, as a month index."""


@dataclass(frozen=True)
class Lives:
    """Accounts that decide once a month, on the anniversary of their first day.

    `start` is the month in which an account first paid, counted from 0; `lasted` after how many
    months it left, or a number beyond the end.
    """

    start: npt.NDArray[np.int64]
    lasted: npt.NDArray[np.int64]


def lives_of(
    seed: int, *, spike: tuple[int, float] | None = None, change: tuple[int, float] | None = None
) -> Lives:
    """A growing company whose hazard is the same for all accounts, months and cohorts.

    Parameters
    ----------
    spike : (month, factor), optional
        A subscription month whose hazard is multiplied.
    change : (cohort, factor), optional
        The first renewal's hazard is multiplied in all cohorts before this one.
    """
    rng = np.random.default_rng(seed)
    hazard = rng.uniform(0.01, 0.06)
    sizes = rng.poisson(np.linspace(8, rng.uniform(15, 60), MONTHS))
    start = np.repeat(np.arange(MONTHS), sizes)
    chances = np.full((len(start), MONTHS), hazard)
    if spike is not None:
        chances[:, spike[0] - 1] *= spike[1]
    if change is not None:
        chances[start < change[0], 0] *= change[1]
    leaves = rng.random(chances.shape) < chances
    lasted = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, 10 * MONTHS)
    return Lives(start, lasted)


def question() -> Question:
    """As of the end of the last month; every account began on a first of the month."""
    config = parse('[company]\nname = "Test"\ncurrency = "USD"\ntimezone = "UTC"\n')
    at = dt.datetime.combine(month_start(FIRST + MONTHS), dt.time(), dt.UTC)
    return Question(config, as_of(at, config.company.zone))


def hazards(lives: Lives) -> RiskiestMonths:
    # An account of month s has MONTHS − s whole months less one day: the last renewal is not seen.
    seen = MONTHS - lives.start - 1
    rows: dict[tuple[int | None, int], int] = {}
    for lasted, whole in zip(lives.lasted.tolist(), seen.tolist(), strict=True):
        key = (lasted if lasted <= whole else None, whole)
        rows[key] = rows.get(key, 0) + 1
    answer = [(left, left and "voluntary", whole, n, 0) for (left, whole), n in rows.items()]
    return riskiest_months.riskiest(question(), answer, end_class=None)


def columns(lives: Lives, ages: tuple[int, ...] = (1, 12)) -> Retention:
    answer = []
    for cohort in range(MONTHS):
        own = lives.lasted[lives.start == cohort]
        answer += [
            (month_start(FIRST + cohort), age, len(own), int((own > age).sum()))
            for age in ages if cohort + age < MONTHS and len(own)
        ]
    return cohort_retention.read(question(), answer, ages=ages)


def test_nothing_is_named_in_95_of_100_companies_without_anything() -> None:
    with_month = with_change = with_any = 0
    for seed in range(COMPANIES):
        lives = lives_of(seed)
        has_month = bool(hazards(lives).named)
        has_change = any(trend.changepoint is not None for trend in columns(lives).trends)
        with_month += has_month
        with_change += has_change
        with_any += has_month or has_change
    assert with_month <= 5
    assert with_change <= 5
    assert with_any <= 5


def test_planted_spikes_and_changes_are_found_in_most_companies() -> None:
    months = changes = near = 0
    for seed in range(20):
        found = hazards(lives_of(seed, spike=(4, 4.0))).named
        months += 4 in [month.month for month in found]
        trend = columns(lives_of(seed, change=(20, 5.0)), (1,)).trends[0]
        if trend.changepoint is not None:
            changes += 1
            first, last = trend.changepoint.between
            near += first <= month_start(FIRST + 20) <= last
    assert months >= 18
    assert changes >= 18
    assert near >= changes - 2


def test_from_files_to_names_nothing_comes_of_nothing(tmp_path: Path) -> None:
    lives = lives_of(COMPANIES)
    rows = []
    for number, (start, lasted) in enumerate(
        zip(lives.start.tolist(), lives.lasted.tolist(), strict=True)
    ):
        ends = month_start(FIRST + start + lasted) if lasted < 10 * MONTHS else ""
        rows.append({
            "subscription_id": f"s{number}", "account_id": f"a{number}", "amount": "10",
            "starts_at": str(month_start(FIRST + start)), "ends_at": str(ends),
        })
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        months = company.cohorts.riskiest_months(as_of=str(month_start(FIRST + MONTHS)))
        trends = company.cohorts.retention(as_of=str(month_start(FIRST + MONTHS)))
    expected = hazards(lives)
    assert [(m.month, m.hazard, m.p_value) for m in months.rows] == [
        (m.month, m.hazard, m.p_value) for m in expected.rows
    ]
    assert [(t.size, t.retained) for t in trends.trends] == [
        (t.size, t.retained) for t in columns(lives).trends
    ]
    assert months.named == ()
    assert all(trend.changepoint is None for trend in trends.trends)


def test_the_same_question_has_the_same_answer() -> None:
    lives = lives_of(3, change=(20, 4.0))
    assert columns(lives) == columns(lives)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Truth]]:
    """The example company, loaded, and what was planted in it."""
    files = tmp_path_factory.mktemp("files")
    truth = write_company(files, accounts=4000, seed=7)
    company = create(tmp_path_factory.mktemp("example"))
    (company.folder / "staycurve.toml").write_text(PROJECT_TOML, encoding="utf-8")
    with Company(company.folder, clock=lambda: NOW) as opened:
        tables = ("accounts", "users", "subscriptions", "payments", "events", "tickets", "answers",
                  "fx_rates")
        paths = [files / f"{table}.parquet" for table in tables]
        load_files(opened.lake, opened.config, paths, now=NOW)
        opened.refresh()
        yield opened, truth


@pytest.fixture(scope="module")
def example(made: tuple[Company, Truth]) -> Company:
    return made[0]


@pytest.fixture(scope="module")
def truth(made: tuple[Company, Truth]) -> Truth:
    return made[1]


def test_the_planted_months_are_named(example: Company, truth: Truth) -> None:
    spike = truth.cause("fourth_month").where["renewal"]
    annual = truth.cause("annual_renewal").where["renewal"]
    every = example.cohorts.riskiest_months()
    monthly = example.cohorts.riskiest_months(where="interval=month")
    yearly = example.cohorts.riskiest_months(where="interval=year")
    assert {spike, annual} <= {month.month for month in every.named}
    # Before guided setup the first renewals were risky too; nothing else was.
    assert monthly.named[0].month == spike
    early = truth.cause("guided_setup").where["renewals"]
    assert {month.month for month in monthly.named} <= {spike, *early}
    assert {month.month for month in yearly.named} <= {12, 24, 36}
    assert yearly.named[0].month in (12, 24, 36)
    # Failed payments follow no such month.
    assert example.cohorts.riskiest_months(end_class="involuntary").named == ()
    voluntary = example.cohorts.riskiest_months(end_class="voluntary")
    assert {spike, annual} <= {month.month for month in voluntary.named}


def test_the_planted_change_is_named(example: Company, truth: Truth) -> None:
    where = truth.cause("guided_setup").where
    since = dt.date.fromisoformat(f"{where['first_cohort']}-01")
    found = example.cohorts.retention(ages=(*where["cohort_ages"], 6))
    assert len(found.trends) > 1
    for trend in found.trends[:2]:
        assert trend.changepoint is not None
        first, last = trend.changepoint.between
        assert first <= since <= last
        assert abs((trend.changepoint.cohort - since).days) <= 62
        assert (trend.changepoint.before.value or 0) < (trend.changepoint.after.value or 0)
        assert (trend.difference_low or 0) > 0


def test_the_causal_trait_shows_and_is_not_called_a_cause(example: Company) -> None:
    found = example.cohorts.retention(
        ages=(12,), by="first_month_used:automation_run", per="all"
    )
    used = next(
        c for c in found.comparisons if c.segment["first_month_used:automation_run"] == "used"
    )
    assert used.is_named
    assert (used.difference_low or 0) > 0


def test_segments_of_the_example_sum_to_the_whole(example: Company) -> None:
    whole = example.cohorts.riskiest_months().rows
    assert whole
    for dim in ("industry", "channel", "country", "first_month_active_days"):
        parts = example.cohorts.riskiest_months(by=dim).rows
        for month in whole:
            own = [m for m in parts if m.month == month.month]
            assert sum(m.at_risk for m in own) == month.at_risk
            assert sum(m.left for m in own) == month.left


def test_holm_is_that_of_statsmodels() -> None:
    chances = [0.04, 0.0004, 0.5, 0.0004, 0.012, 0.9]
    assert adjusted(chances) == pytest.approx(list(multipletests(chances, method="holm")[1]))
    assert adjusted([]) == []


PLANTED = {
    "renewal_near": "annual_renewal", "champion_left": "champion_left",
    "ticket_reopened": "ticket_pain", "ticket_unanswered": "ticket_pain", "usage_drop": "usage",
    "usage_narrower": "usage", "engagement_gap": "usage", "champion_silent": "usage",
}
"""Trigger → the planted cause that it is a sign of. Failed payments end accounts on their own."""


def test_triggers_of_planted_causes_stand_before_all_others(
    example: Company, truth: Truth
) -> None:
    assert {truth.cause(name).name for name in PLANTED.values()} == set(PLANTED.values())
    rows = example.risk.triggers().rows
    order = [row.trigger for row in rows]
    signs = {*PLANTED, "payment_failing"}
    others = set(order) - signs
    assert {"champion_bounced", "downgrade", "onboarding_stalled"} <= others
    assert set(order[:len(signs)]) == signs
    assert next(row.trigger for row in rows if row.is_significant) == "renewal_near"
    assert not any(row.is_significant for row in rows if row.trigger in others)
    found = {row.trigger: row for row in rows}
    # 27 accounts that left after their champion are too few for a test among fourteen, not for the
    # interval. Large accounts have more tickets and leave less: that hid what tickets do.
    assert found["champion_left"].low > 1
    assert found["ticket_reopened"].lift < 1 < found["ticket_reopened"].lift_alike

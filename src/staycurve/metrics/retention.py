"""Who and what is still there: rates over the accounts that paid when the period opened."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.metrics.base import Chart, Choice, Example, Measure, Metric, Unit
from staycurve.metrics.benchmark import Benchmark
from staycurve.metrics.revenue import (
    churned_mrr,
    contraction_mrr,
    expansion_mrr,
    opening_mrr,
    reactivation_mrr,
)


def _money(
    name: str, label: str, relation: str, expression: str, *, total: str = "",
    counted_by: Measure | None = None,
) -> Measure:
    return Measure(
        name, label, relation, f"SUM({expression})", is_money=True, total_sql=total,
        counted_by=counted_by,
    )


def _count(
    name: str, label: str, relation: str, test: str = "1 = 1", *, total: str = ""
) -> Measure:
    sql = f"COUNT(DISTINCT CASE WHEN {test} THEN account_id END)"
    return Measure(name, label, relation, sql, total_sql=total)


_AT_OPENING = N_("accounts that paid at the opening")
_s_accounts = _count("s_accounts", _AT_OPENING, "openers", total="SUM(accounts)")
_s_lost = _count(
    "s_lost", N_("of them not paying at the close"), "openers", "has_left = 1", total="SUM(lost)"
)
_s_kept = _count(
    "s_kept", N_("of them paying at the close"), "openers", "has_left = 0",
    total="SUM(accounts) - SUM(lost)",
)
_s_grown = _count(
    "s_grown", N_("of them with more MRR at the close"), "openers", "closing > opening",
    total="SUM(grown)",
)
_s_opening = _money(
    "s_opening", N_("their opening MRR"), "openers", "opening", counted_by=_s_accounts
)
_s_closing = _money(
    "s_closing", N_("closing MRR of accounts active at the start"), "openers", "closing"
)
_s_least = _money(
    "s_least", N_("the lesser of opening and closing MRR of each"), "openers",
    "least(opening, closing)", total="SUM(least)",
)
_y_opening = _money(
    "y_opening", N_("MRR twelve months before the close"), "year_openers", "opening",
    counted_by=_count(
        "y_accounts", N_("accounts that paid twelve months before the close"), "year_openers"
    ),
)
_y_closing = _money(
    "y_closing", N_("closing MRR of the same accounts"), "year_openers", "closing"
)
_y_least = _money(
    "y_least", N_("the lesser of the two of each account"), "year_openers",
    "least(opening, closing)",
)
_r_accounts = _count("r_accounts", N_("accounts that paid 30 days before"), "rolling_openers")
_r_lost = _count(
    "r_lost", N_("of them not paying at the close"), "rolling_openers", "has_left = 1"
)

_b_accounts = _count(
    "b_accounts", N_("accounts that paid at the opening, or for the first time since"), "base"
)
_b_lost = _count("b_lost", N_("of them not paying at the close"), "base", "has_left = 1")

_TEN = {"subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    leaver-1        leaver     2024-01-01 2024-02-10 10
    shrinker-1      shrinker   2024-01-01 2024-02-10 20
    shrinker-1      shrinker   2024-02-10 -          10
    grower-1        grower     2024-01-01 2024-02-10 70
    grower-1        grower     2024-02-10 -          80"""}
"""After ChartMogul help 203359341: 100 at the opening, 10 lost, 10 given up, 10 gained."""


def _example(answer: dict[str, float | None]) -> Example:
    return Example(rows=_TEN, answer=answer, as_of="2024-03-01")


_UNCHANGED = Benchmark(
    source=N_("the accounts of the opening bring as much as before"),
    at_least=1, level="definition",
)
_LEADERS = (
    Benchmark(
        source=N_("Snowflake, in its registration statement, for the year to July 2020"),
        at_least=1.58, at_most=1.58, level="leading", year=2020, companies=1,
        is_second_hand=True,
    ),
    Benchmark(
        source=N_("Twilio, when it was listed, as SaaStr quotes it"),
        at_least=1.55, at_most=1.55, level="leading", year=2016, companies=1,
        is_second_hand=True,
    ),
)
_YEARLY_CHURN = Benchmark(
    source=N_("Bessemer Venture Partners, as Lincoln Murphy quotes it: acceptable, of customers "
              "or of revenue"),
    at_least=0.05, at_most=0.07, year=2013, is_second_hand=True, grain="year",
)
_BY_AGE = N_("Quoted without the original, which names no year; taken to be by month.")
_CHURN_BY_AGE = (
    Benchmark(
        source=N_("SaaS companies under 3 years of age, in compilations"),
        at_least=0.04, at_most=0.24, level="typical", is_second_hand=True, grain="month",
        younger_than=3, note=_BY_AGE,
    ),
    Benchmark(
        source=N_("SaaS companies over 10 years of age, in compilations"),
        at_least=0.02, at_most=0.04, level="typical", is_second_hand=True, grain="month",
        older_than=10, note=_BY_AGE,
    ),
)
_DENOMINATORS = N_(
    "Stripe divides by the accounts active 30 days ago plus those new since, Baremetrics by those "
    "active 30 days ago, ChartMogul and Maxio by the start of the period (ChartMogul help "
    "207340419). Switch: churn_denominator."
)

customer_churn_rate = Metric(
    label=N_("Customer churn rate"),
    about=N_(
        "Of the accounts that paid when the period opened, the share that does not pay when it "
        "closes. One who left and came back is not in it. With churn_denominator = "
        "start_plus_new the accounts won since are looked at too; with rolling_30d those that "
        "paid 30 days before the close."
    ),
    formula=Choice(
        "churn_denominator",
        {
            "start": _s_lost / _s_accounts,
            "start_plus_new": _b_lost / _b_accounts,
            "rolling_30d": _r_lost / _r_accounts,
        },
    ),
    unit=Unit.PERCENT,
    better="lower",
    stage="retention",
    is_to_date=False,
    example=_example({"2024-02": 0.333333, "2024-01": None}),
    benchmarks=(_YEARLY_CHURN, *_CHURN_BY_AGE),
    disagreements=_DENOMINATORS,
)
customer_retention_rate = Metric(
    label=N_("Customer retention rate"),
    about=N_(
        "Of the accounts that paid when the period opened, the share that still pays when it "
        "closes: (E − N) / S, with N the accounts acquired in the period and still there."
    ),
    formula=_s_kept / _s_accounts,
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=1),
    example=_example({"2024-02": 0.666667}),
)
nrr = Metric(
    label=N_("Net revenue retention"),
    about=N_(
        "Of the MRR when the period opened, the share still there when it closed, upgrades "
        "included. New accounts do not count, nor do exchange rates."
    ),
    formula=Choice(
        "revenue_rates",
        {
            "accounts": _s_closing / _s_opening,
            "movements": (opening_mrr - contraction_mrr - churned_mrr + expansion_mrr)
            / opening_mrr,
        },
    ),
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=1),
    example=_example({"2024-02": 0.9, "2024-01": None}),
    benchmarks=(_UNCHANGED,),
    disagreements=N_(
        "ChartMogul takes it from the period's summed movements, and its net churn also subtracts "
        "reactivation (help 6886664393500, 203359411). Switch: revenue_rates."
    ),
)
grr = Metric(
    label=N_("Gross revenue retention"),
    about=N_(
        "Of the MRR when the period opened, the share still there when it closed, without "
        "upgrades: of each account the lesser of opening and closing MRR."
    ),
    formula=Choice(
        "revenue_rates",
        {
            "accounts": _s_least / _s_opening,
            "movements": (opening_mrr - contraction_mrr - churned_mrr) / opening_mrr,
        },
    ),
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=1),
    example=_example({"2024-02": 0.8}),
)
gross_revenue_churn = Metric(
    label=N_("Gross revenue churn"),
    about=N_("1 − gross revenue retention: the share of opening MRR lost or given up."),
    formula=Choice(
        "revenue_rates",
        {
            "accounts": (_s_opening - _s_least) / _s_opening,
            "movements": (contraction_mrr + churned_mrr) / opening_mrr,
        },
    ),
    unit=Unit.PERCENT,
    better="lower",
    stage="retention",
    is_to_date=False,
    example=_example({"2024-02": 0.2}),
    benchmarks=(_YEARLY_CHURN,),
)
net_revenue_churn = Metric(
    label=N_("Net revenue churn"),
    about=N_("1 − net revenue retention; negative when upgrades outweigh losses."),
    disagreements=N_(
        "ChartMogul's net churn also subtracts reactivation, so it is not 1 − its NRR (help "
        "203359411); revenue_rates = movements does the same."
    ),
    formula=Choice(
        "revenue_rates",
        {
            "accounts": (_s_opening - _s_closing) / _s_opening,
            "movements": (contraction_mrr + churned_mrr - expansion_mrr - reactivation_mrr)
            / opening_mrr,
        },
    ),
    unit=Unit.PERCENT,
    better="lower",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=0),
    example=_example({"2024-02": 0.1}),
)

_YEAR = {"subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2023-01-05 2023-06-05 100
    s1              acme       2023-06-05 -          130
    s2              bolt       2023-01-05 2023-09-01 100
    s3              crux       2023-03-01 -          500"""}

nrr_12m = Metric(
    label=N_("Net revenue retention, 12 months"),
    about=N_(
        "Of the MRR twelve months before the close, the share that the same accounts bring at "
        "the close, upgrades included."
    ),
    formula=_y_closing / _y_opening,
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=1),
    benchmarks=(_UNCHANGED, *_LEADERS),
    example=Example(rows=_YEAR, answer={"2024-01": 0.65}, as_of="2024-02-01"),
)
grr_12m = Metric(
    label=N_("Gross revenue retention, 12 months"),
    about=N_(
        "Of the MRR twelve months before the close, the share that the same accounts still bring, "
        "without upgrades."
    ),
    formula=_y_least / _y_opening,
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=1),
    example=Example(rows=_YEAR, answer={"2024-01": 0.5}, as_of="2024-02-01"),
)
upgrade_rate = Metric(
    label=N_("Upgrade rate"),
    about=N_(
        "Of the accounts that paid when the period opened, the share with more MRR at the close."
    ),
    formula=_s_grown / _s_accounts,
    unit=Unit.PERCENT,
    better="higher",
    stage="expansion",
    is_to_date=False,
    example=_example({"2024-02": 0.333333}),
)

"""What a customer is worth, and what winning and keeping one costs."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.metrics.base import (
    MONTHLY,
    Chart,
    Choice,
    Estimate,
    Example,
    Formula,
    Measure,
    Metric,
    Unit,
)
from staycurve.metrics.benchmark import Benchmark
from staycurve.metrics.lifetimes import PER_MONTH, mean_lifetime, shown
from staycurve.metrics.revenue import customers, new_customers, new_mrr

SKOK = N_("David Skok, SaaS Metrics 2.0, For Entrepreneurs: a rule of thumb")

_month_mrr = Measure(
    "month_mrr", N_("MRR of the months"), "month_value", "SUM(value)", is_money=True
)
_month_customers = Measure(
    "month_customers",
    N_("paying accounts of the months"),
    "month_payers",
    "COUNT(DISTINCT CASE WHEN is_paying = 1 THEN account_id || CAST(point_on AS VARCHAR) END)",
    total_sql="SUM(change)",
)
_lifetime = Measure(
    "mean_months",
    N_("mean lifetime in months"),
    "lives",
    "MAX(2 * months + has_left)",
    total_sql="MAX(mean_months)",
    is_empty_without_rows=True,
    per_unit=PER_MONTH,
    estimate=Estimate(
        mean_lifetime, shown, N_("no account has a whole month behind it at the close")
    ),
)


def _months(
    name: str, label: str, relation: str, test: str = "1 = 1", *, total: str
) -> Measure:
    """Accounts counted once in every month of the period."""
    once = "account_id || CAST(open_on AS VARCHAR)"
    sql = f"COUNT(DISTINCT CASE WHEN {test} THEN {once} END)"
    return Measure(name, label, relation, sql, total_sql=total)


def _monthly_churn(relation: str, prefix: str) -> Formula:
    lost = _months(
        f"{prefix}_lost", N_("accounts lost in the months"), relation, "has_left = 1",
        total="SUM(lost)",
    )
    stood = _months(
        f"{prefix}_opened", N_("accounts that paid at the months' openings"), relation,
        total="SUM(accounts)",
    )
    return lost / stood


_churn = Choice(
    "churn_denominator",
    {
        "start": _monthly_churn("month_openers", "month"),
        "start_plus_new": _monthly_churn("month_base", "month_base"),
        "rolling_30d": _monthly_churn("month_rolling_openers", "month_rolling"),
    },
)


def _spent(name: str, label: str, purpose: str, relation: str = "spend") -> Measure:
    return Measure(
        name,
        label,
        relation,
        f"SUM(CASE WHEN purpose = '{purpose}' THEN amount END)",
        is_money=True,
        is_empty_without_rows=True,
    )


_acquisition = _spent("acquisition_cost", N_("acquisition cost"), "acquisition")
_lagged = _spent("acquisition_cost_lagged", N_("acquisition cost"), "acquisition", "lagged_spend")
_retention = _spent("retention_cost", N_("retention cost"), "retention")
_delivery = _spent("delivery_cost", N_("delivery cost"), "delivery")

_COSTS = {
    "subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-01 -          300
    s2              bolt       2024-01-01 2024-02-15 100
    s3              crux       2024-02-05 -          100""",
    "spend": """
    month      purpose     kind    amount
    2024-02-01 retention   staff   80
    2024-02-01 acquisition ads     240
    2024-02-01 delivery    hosting 100""",
}


def _example(answer: dict[str, float | None]) -> Example:
    return Example(rows=_COSTS, answer=answer, as_of="2024-03-01")


clv_simple = Metric(
    label=N_("Customer lifetime value, simple"),
    about=N_(
        "ARPA ÷ monthly customer churn rate: what an account brings if it leaves at today's rate. "
        "Empty when nobody left. At quarter and year the months' sums are used."
    ),
    formula=(_month_mrr / _month_customers) / _churn,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    is_to_date=False,
    grains=MONTHLY,
    example=_example({"2024-02": 400, "2024-01": None}),
    disagreements=N_(
        "ChartMogul divides by the mean churn of the six months before and leaves it empty at "
        "zero churn; Stripe takes zero churn as 1.67%."
    ),
)
gross_margin = Metric(
    label=N_("Gross margin"),
    about=N_("(MRR of the month − delivery cost) ÷ MRR of the month."),
    formula=(_month_mrr - _delivery) / _month_mrr,
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    grains=MONTHLY,
    example=_example({"2024-02": 0.75, "2024-01": None}),
)
cac = Metric(
    label=N_("Customer acquisition cost"),
    about=N_(
        "Acquisition cost of the period ÷ accounts that paid for the first time in it. With "
        "cac_lag the cost of earlier months is taken."
    ),
    formula=_lagged / new_customers,
    unit=Unit.MONEY,
    better="lower",
    stage="purchase",
    is_to_date=False,
    grains=MONTHLY,
    example=_example({"2024-02": 240, "2024-01": None}),
)
_LIVES = {
    "subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-01 -          300
    s2              bolt       2024-01-01 2024-02-01 100
    s3              crux       2024-02-01 -          100
    s4              dune       2024-03-01 -          200""",
    "spend": """
    month      purpose     kind    amount
    2024-03-01 acquisition ads     100
    2024-03-01 delivery    hosting 150""",
}
"""At the close of March bolt has left in its month 1 and crux is seen for one month, acme for two:
of three at risk one left, so the mean of the first two months is 1 + 2/3. ARPA is 600 / 3, the
gross margin 450 / 600."""

clv_margin = Metric(
    label=N_("Customer lifetime value, margin"),
    about=N_(
        "ARPA × gross margin × mean lifetime in months. The lifetime is the restricted mean of the "
        "Kaplan–Meier curve of all accounts that have paid by the close. Its horizon is the "
        "longest time that any of them was followed, so value beyond it does not count: see "
        "`staycurve value ltv` for other horizons and for a projection."
    ),
    formula=(_month_mrr / _month_customers) * gross_margin * _lifetime,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    is_to_date=False,
    grains=MONTHLY,
    example=Example(rows=_LIVES, answer={"2024-03": 250}, as_of="2024-04-01"),
    disagreements=N_(
        "Others divide ARPA × gross margin by one month's churn rate, which supposes that it "
        "never changes and has no end."
    ),
)
ltv_cac = Metric(
    label=N_("LTV : CAC"),
    about=N_("Customer lifetime value (margin) for each unit of customer acquisition cost."),
    formula=clv_margin / cac,
    unit=Unit.RATIO,
    better="higher",
    stage="purchase",
    is_to_date=False,
    grains=MONTHLY,
    chart=Chart("line", reference=3),
    benchmarks=(
        Benchmark(source=SKOK, at_least=3, year=2013, is_second_hand=True),
    ),
    example=Example(rows=_LIVES, answer={"2024-03": 2.5}, as_of="2024-04-01"),
)
cac_payback = Metric(
    label=N_("CAC payback"),
    about=N_("Months until a new account has paid back its CAC: CAC ÷ (ARPA of new accounts × "
             "gross margin)."),
    formula=(_lagged / new_customers) / ((new_mrr / new_customers) * gross_margin),
    unit=Unit.MONTHS,
    better="lower",
    stage="purchase",
    is_to_date=False,
    grains=MONTHLY,
    chart=Chart("line", reference=12),
    benchmarks=(
        Benchmark(source=SKOK, at_most=12, year=2013, is_second_hand=True),
    ),
    example=_example({"2024-02": 3.2}),
)
crc = Metric(
    label=N_("Customer retention cost"),
    about=N_(
        "Retention cost of the period (staff, tools, customer marketing, training, loyalty) ÷ "
        "customers at its close."
    ),
    formula=_retention / customers,
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    is_to_date=False,
    grains=MONTHLY,
    example=_example({"2024-02": 40, "2024-01": None}),
)
acquisition_retention_ratio = Metric(
    label=N_("Acquisition to retention cost"),
    about=N_("Acquisition cost for each unit of retention cost in the period."),
    formula=_acquisition / _retention,
    unit=Unit.RATIO,
    better="neutral",
    stage="retention",
    is_to_date=False,
    grains=MONTHLY,
    example=_example({"2024-02": 3}),
)

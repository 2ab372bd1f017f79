"""Subscription revenue: what stands, what moved, and how fast."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.metrics.base import Chart, Example, Measure, Metric, Unit
from staycurve.metrics.benchmark import Benchmark

_CM = "ChartMogul help 203299812"


def _moved(name: str, label: str, test: str) -> Measure:
    sql = f"SUM(CASE WHEN {test} THEN amount ELSE 0 END)"
    return Measure(name, label, "movements", sql, is_money=True)


def _accounts(name: str, label: str, test: str) -> Measure:
    sql = f"COUNT(DISTINCT CASE WHEN {test} THEN account_id END)"
    return Measure(name, label, "movements", sql)


_paying = Measure(
    "paying",
    N_("accounts that pay at the close"),
    "payers",
    "COUNT(DISTINCT CASE WHEN is_paying = 1 THEN account_id END)",
    total_sql="SUM(change)",
)
_closing = Measure(
    "closing", N_("closing MRR"), "closing_value", "SUM(value)", is_money=True,
    counted_by=_paying,
)
_opening = Measure("opening", N_("opening MRR"), "opening", "SUM(value)", is_money=True)
_contracted = Measure(
    "contracted",
    N_("closing MRR on terms of a year or more"),
    "closing",
    "SUM(CASE WHEN is_contracted THEN value ELSE 0 END)",
    is_money=True,
)
_committed = Measure(
    "committed",
    N_("closing MRR without items whose cancellation was requested"),
    "closing",
    "SUM(CASE WHEN is_requested = 0 THEN value ELSE 0 END)",
    is_money=True,
)
_from_history = Measure(
    "from_history",
    N_("closing MRR of accounts that first paid in an earlier period"),
    "history",
    "SUM(CASE WHEN is_from_history = 1 THEN value ELSE 0 END)",
    is_money=True,
)

_LIFE = """
    subscription_id account_id starts_at  ends_at    interval amount
    gold-1          acme       2015-01-10 2016-01-10 year     2000
    silver-1        acme       2015-03-05 2015-06-05 month    60
    gold-2          acme       2016-04-01 -          month    150"""
_LIFE_ROWS = {"subscriptions": _LIFE}
"""One customer's life, after ChartMogul help 201244842: 2000 a year is 166.67 a month."""


def _example(answer: dict[str, float | None]) -> Example:
    return Example(rows=_LIFE_ROWS, answer=answer, as_of="2016-05-01")


mrr = Metric(
    label=N_("MRR"),
    about=N_(
        "What all subscriptions in force at the period's close bill in a month: yearly amounts "
        "count a twelfth, recurring discounts are taken off; tax, one-time items, trials and "
        "free plans do not count."
    ),
    formula=_closing,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    example=_example({"2015-04": 226.666667, "2016-02": 0, "2016-04": 150}),
    disagreements=N_(
        "ChartMogul deducts every discount; Stripe only coupons that last for ever, or by "
        "setting. Lago's MRR includes tax. Each is a switch in [conventions]."
    ),
)
opening_mrr = Metric(
    label=N_("Opening MRR"),
    about=N_("The MRR at the close of the period before."),
    formula=_opening,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    example=_example({"2015-03": 166.666667, "2015-04": 226.666667}),
)
arr = Metric(
    label=N_("ARR"),
    about=N_("MRR × 12: what a year would bring if nothing changed."),
    formula=mrr * 12,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    example=_example({"2015-02": 2000.000004, "2016-04": 1800}),
)
contracted_arr = Metric(
    label=N_("Contracted ARR"),
    about=N_(
        "Twelve times the closing MRR of items with a term of twelve months or more; where no "
        "term is known, of items that bill once a year or less often."
    ),
    formula=_contracted * 12,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    example=_example({"2015-04": 2000.000004, "2016-04": 0}),
)
committed_mrr = Metric(
    label=N_("Committed MRR"),
    about=N_(
        "Closing MRR without the items whose cancellation was requested before the close. A "
        "request that is followed by another span of the same item is void. Future starts are "
        "not added."
    ),
    formula=_committed,
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    example=Example(
        rows={"subscriptions": """
    subscription_id account_id starts_at  ends_at    amount cancel_requested_at
    s1              acme       2024-01-01 2024-03-15 40     2024-02-20
    s2              bolt       2024-01-01 -          60     -"""},
        answer={"2024-01": 100, "2024-02": 60, "2024-03": 60},
        as_of="2024-04-01",
    ),
)
customers = Metric(
    label=N_("Customers"),
    about=N_("Accounts with MRR at the period's close. A trial or a free plan is not a customer."),
    formula=_paying,
    unit=Unit.COUNT,
    better="higher",
    stage="retention",
    example=_example({"2015-04": 1, "2016-02": 0, "2016-04": 1}),
)
arpa = Metric(
    label=N_("ARPA"),
    about=N_("Average MRR of a paying account at the period's close."),
    formula=mrr / customers,
    unit=Unit.MONEY,
    better="higher",
    stage="expansion",
    example=_example({"2015-04": 226.666667, "2016-02": None}),
)
new_mrr = Metric(
    label=N_("New MRR"),
    about=N_("MRR of accounts that paid for the first time in the period."),
    formula=_moved("new_amount", N_("new MRR"), "movement = 'new'"),
    unit=Unit.MONEY,
    better="higher",
    stage="purchase",
    chart=Chart("bars"),
    example=_example({"2015-01": 166.666667, "2016-04": 0}),
)
reactivation_mrr = Metric(
    label=N_("Reactivation MRR"),
    about=N_("MRR of accounts that pay again after they had stopped."),
    formula=_moved("reactivated", N_("reactivation MRR"), "movement = 'reactivation'"),
    unit=Unit.MONEY,
    better="higher",
    stage="retention",
    chart=Chart("bars"),
    example=_example({"2016-04": 150, "2015-01": 0}),
    disagreements=N_(
        "Maxio counts a return after more than 90 days as new; ChartMogul at any gap as "
        "reactivation. Switch: reactivation_window."
    ),
)
expansion_mrr = Metric(
    label=N_("Expansion MRR"),
    about=N_("MRR added by accounts that already paid. Exchange rates are never expansion."),
    formula=_moved("expanded", N_("expansion MRR"), "movement = 'expansion'"),
    unit=Unit.MONEY,
    better="higher",
    stage="expansion",
    chart=Chart("bars"),
    example=_example({"2015-03": 60, "2015-01": 0}),
)
contraction_mrr = Metric(
    label=N_("Contraction MRR"),
    about=N_("MRR given up by accounts that went on paying."),
    formula=_moved("contracted_by", N_("contraction MRR"), "movement = 'contraction'"),
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_example({"2015-06": 60, "2016-01": 0}),
)
churned_mrr = Metric(
    label=N_("Churned MRR"),
    about=N_("MRR of accounts that stopped paying: voluntary, involuntary, paused and unknown."),
    formula=_moved("churned_amount", N_("churned MRR"), "movement = 'churned'"),
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_example({"2016-01": 166.666667, "2015-06": 0}),
    disagreements=N_(
        "Stripe books a cancellation when it is made or at the cycle's end, by setting; "
        "ChartMogul's pages name three ways. Switch: churn_booked."
    ),
)

_ENDINGS = {"subscriptions": """
    subscription_id account_id starts_at  ends_at    amount status end_reason
    s1              acme       2024-01-01 2024-02-10 10     active customer_request
    s2              bolt       2024-01-01 2024-02-11 20     active payment_failed
    s3              crux       2024-01-01 2024-02-12 40     active -
    s3              crux       2024-02-12 -          40     paused -
    s4              dune       2024-01-01 2024-02-13 80     active moon_phase"""}


def _ending(value: float) -> Example:
    return Example(rows=_ENDINGS, answer={"2024-02": value}, as_of="2024-03-01")


voluntary_churned_mrr = Metric(
    label=N_("Voluntary churned MRR"),
    about=N_("Churned MRR whose end reason is listed as voluntary in [end_reasons]."),
    formula=_moved(
        "left_voluntarily",
        N_("voluntary churned MRR"),
        "movement = 'churned' AND end_class = 'voluntary'",
    ),
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_ending(10),
    disagreements=N_("Chargebee counts a missing reason as voluntary; here it is unknown."),
)
involuntary_churned_mrr = Metric(
    label=N_("Involuntary churned MRR"),
    about=N_(
        "Churned MRR of accounts that did not decide to leave: the grace of a past-due item ran "
        "out, it became unpaid, or its end reason is listed as involuntary."
    ),
    formula=_moved(
        "left_involuntarily",
        N_("involuntary churned MRR"),
        "movement = 'churned' AND end_class = 'involuntary'",
    ),
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_ending(20),
)
paused_churned_mrr = Metric(
    label=N_("Paused MRR"),
    about=N_("Churned MRR of accounts that paused; resuming is reactivation."),
    formula=_moved(
        "paused_amount", N_("paused MRR"), "movement = 'churned' AND end_class = 'paused'"
    ),
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_ending(40),
)
unknown_churned_mrr = Metric(
    label=N_("Churned MRR of unknown reason"),
    about=N_("Churned MRR whose end reason is missing or not listed in [end_reasons]."),
    formula=_moved(
        "left_unexplained",
        N_("churned MRR of unknown reason"),
        "movement = 'churned' AND end_class = 'unknown'",
    ),
    unit=Unit.MONEY,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_ending(80),
)
entering_mrr = Metric(
    label=N_("Entering MRR"),
    about=N_(
        "In a segment: MRR of accounts that moved in from another segment. Without a segment it "
        "is zero."
    ),
    formula=_moved("entered", N_("entering MRR"), "movement = 'entering'"),
    unit=Unit.MONEY,
    better="neutral",
    stage="expansion",
    chart=Chart("bars"),
    example=_example({"2015-03": 0}),
)
leaving_mrr = Metric(
    label=N_("Leaving MRR"),
    about=N_(
        "In a segment: MRR of accounts that moved out to another segment. Without a segment it "
        "is zero."
    ),
    formula=_moved("left_segment", N_("leaving MRR"), "movement = 'leaving'"),
    unit=Unit.MONEY,
    better="neutral",
    stage="retention",
    chart=Chart("bars"),
    example=_example({"2015-03": 0}),
)
net_new_mrr = Metric(
    label=N_("Net new MRR"),
    about=N_("New + reactivation + expansion − contraction − churned. FX impact is left out."),
    formula=new_mrr + reactivation_mrr + expansion_mrr - contraction_mrr - churned_mrr,
    unit=Unit.MONEY,
    better="higher",
    stage="expansion",
    chart=Chart("bars", reference=0),
    example=_example({"2015-03": 60, "2016-01": -166.666667}),
)
fx_impact = Metric(
    label=N_("FX impact"),
    about=N_(
        "What exchange rates alone did to MRR: closing − opening − every movement. Never part of "
        "expansion or contraction."
    ),
    formula=mrr - opening_mrr - net_new_mrr - (entering_mrr - leaving_mrr),
    unit=Unit.MONEY,
    better="neutral",
    stage="retention",
    chart=Chart("bars", reference=0),
    example=Example(
        rows={
            "subscriptions": """
    subscription_id account_id starts_at  amount currency
    s1              acme       2024-01-05 100    EUR""",
            "fx_rates": """
    day        currency rate
    2024-01-01 EUR      1.10
    2024-02-01 EUR      1.20""",
        },
        answer={"2024-01": 0, "2024-02": 10},
        as_of="2024-03-01",
    ),
)
new_customers = Metric(
    label=N_("New customers"),
    about=N_("Accounts that paid for the first time in the period."),
    formula=_accounts("arrived", N_("new customers"), "movement = 'new'"),
    unit=Unit.COUNT,
    better="higher",
    stage="purchase",
    chart=Chart("bars"),
    example=_example({"2015-01": 1, "2016-04": 0}),
)
churned_customers = Metric(
    label=N_("Churned customers"),
    about=N_("Accounts that stopped paying in the period, even if they came back within it."),
    formula=_accounts("departed", N_("churned customers"), "movement = 'churned'"),
    unit=Unit.COUNT,
    better="lower",
    stage="retention",
    chart=Chart("bars"),
    example=_example({"2016-01": 1, "2015-06": 0}),
)
quick_ratio = Metric(
    label=N_("Quick ratio"),
    about=N_("MRR gained for each unit of MRR lost."),
    formula=(new_mrr + expansion_mrr + reactivation_mrr) / (churned_mrr + contraction_mrr),
    unit=Unit.RATIO,
    better="higher",
    stage="expansion",
    is_to_date=False,
    chart=Chart("line", reference=4),
    benchmarks=(
        Benchmark(
            source=N_("Mamoon Hamid, Social Capital: four or more for a growing company"),
            at_least=4, year=2015,
        ),
    ),
    example=Example(
        rows={"subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-01 2024-02-10 25
    s2              bolt       2024-02-05 -          100"""},
        answer={"2024-01": None, "2024-02": 4},
        as_of="2024-03-01",
    ),
)
share_from_history = Metric(
    label=N_("Share from history"),
    about=N_(
        "Part of the period's closing MRR that comes from accounts whose first paid period is an "
        "earlier one."
    ),
    formula=_from_history / mrr,
    unit=Unit.PERCENT,
    better="neutral",
    stage="retention",
    is_to_date=False,
    example=Example(
        rows={"subscriptions": """
    subscription_id account_id starts_at  amount
    s1              old        2023-12-01 300
    s2              young      2024-01-20 100"""},
        answer={"2023-12": 0, "2024-01": 0.75},
        as_of="2024-02-01",
    ),
)

"""From being seen to the first payment."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.metrics.base import Chart, Example, Formula, Measure, Metric, Unit


def _reached(name: str, label: str, kind: str) -> Measure:
    return Measure(
        name,
        label,
        "reach",
        f"SUM(CASE WHEN kind = '{kind}' THEN count END)",
    )


_visits = _reached("visit_count", N_("visits"), "visits")
_leads = Measure("lead_count", N_("leads"), "leads", "COUNT(*)")
_demos = Measure("demo_count", N_("demo requests"), "demos", "COUNT(*)")
_started = Measure("started", N_("trials started"), "trials", "COUNT(*)")
_mature = Measure("mature", N_("trials that have ended"), "trials", "SUM(is_mature)")
_converted = Measure(
    "converted",
    N_("of them paid within 30 days of the trial's end"),
    "trials",
    "SUM(is_mature * is_converted)",
)

_ROWS = {
    "reach": """
    day        channel kind               count
    2024-02-01 ads     visits             150
    2024-02-02 organic visits             50
    2024-02-01 social  social_engagements 30
    2024-02-01 press   mentions           4""",
    "leads": """
    lead_id created_at demo_at
    l1      2024-02-01 2024-02-10
    l2      2024-02-05 -
    l3      2024-01-20 2024-02-11
    l4      2024-02-07 -
    l5      2024-02-08 -""",
}
_TRIALS = {"subscriptions": """
    subscription_id account_id starts_at  ends_at    status   amount
    s1              acme       2024-02-01 2024-02-15 trialing 50
    s1              acme       2024-02-15 -          active   50
    s2              bolt       2024-02-03 2024-02-17 trialing 50
    s3              crux       2024-02-20 2024-03-20 trialing 50
    s4              dune       2024-02-04 2024-02-18 trialing 50
    s4              dune       2024-02-25 -          active   50"""}


def _reach_metric(
    label: str, about: str, formula: Formula, answer: float, *, is_to_date: bool = True
) -> Metric:
    return Metric(
        label=label,
        about=about,
        formula=formula,
        unit=Unit.COUNT,
        better="higher",
        stage="awareness",
        is_to_date=is_to_date,
        chart=Chart("bars"),
        example=Example(rows=_ROWS, answer={"2024-02": answer}, as_of="2024-03-01"),
    )


visits = _reach_metric(N_("Visits"), N_("Visits to the site."), _visits, 200)
social_engagements = _reach_metric(
    N_("Social engagements"),
    N_("Likes, comments and shares."),
    _reached("engagement_count", N_("social engagements"), "social_engagements"),
    30,
)
mentions = _reach_metric(
    N_("Mentions"),
    N_("Mentions of the company by others."),
    _reached("mention_count", N_("mentions"), "mentions"),
    4,
)
lead_rate = Metric(
    label=N_("Lead rate"),
    about=N_("Leads created in the period ÷ visits in it."),
    formula=_leads / _visits,
    unit=Unit.PERCENT,
    better="higher",
    stage="consideration",
    is_to_date=False,
    example=Example(rows=_ROWS, answer={"2024-02": 0.02}, as_of="2024-03-01"),
)
demo_requests = Metric(
    label=N_("Demo requests"),
    about=N_("Leads whose demo request falls in the period."),
    formula=_demos,
    unit=Unit.COUNT,
    better="higher",
    stage="consideration",
    chart=Chart("bars"),
    example=Example(rows=_ROWS, answer={"2024-02": 2}, as_of="2024-03-01"),
)
trial_starts = Metric(
    label=N_("Trial starts"),
    about=N_("Accounts whose first trial began in the period."),
    formula=_started,
    unit=Unit.COUNT,
    better="higher",
    stage="consideration",
    chart=Chart("bars"),
    example=Example(rows=_TRIALS, answer={"2024-02": 4}, as_of="2024-03-10"),
)
trial_conversion_rate = Metric(
    label=N_("Trial conversion rate"),
    about=N_(
        "Of the trials that began in the period and have ended, the share that paid within 30 "
        "days of the trial's end. Trials that still run are in neither part."
    ),
    formula=_converted / _mature,
    unit=Unit.PERCENT,
    better="higher",
    stage="purchase",
    is_to_date=False,
    example=Example(rows=_TRIALS, answer={"2024-02": 0.666667}, as_of="2024-03-10"),
    disagreements=N_(
        "Stripe divides conversions by ended trials of the last 30 days; Baremetrics compares new "
        "trials with conversions in the same window; ChartMogul goes by trial-start cohort "
        "(help 115000865205), as here."
    ),
)

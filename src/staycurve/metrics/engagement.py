"""How much customers use the product."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.metrics.base import Chart, Example, Measure, Metric, Unit
from staycurve.metrics.benchmark import Benchmark

_ACTIVE = N_(
    "Active means at least one event that [usage] active in staycurve.toml counts; any event "
    "without it."
)


def _users(name: str, label: str, relation: str) -> Measure:
    return Measure(name, label, relation, "COUNT(user_id)")


_week_users = _users("users_7d", N_("users active in the trailing 7 days"), "users_7d")
_month_users = _users("users_28d", N_("users active in the trailing 28 days"), "users_28d")
_period_users = _users("period_users", N_("users active in the period"), "period_users")
_user_days = Measure("user_days", N_("days on which users were active"), "period_users",
                     "SUM(active_days)")
_possible_days = Measure("possible_days", N_("active users × days of the period"),
                         "period_users", "SUM(period_days)")
_calendar_days = Measure("calendar_days", N_("days of the period"), "calendar",
                         "SUM(period_days)")
_accounts = Measure("active_accounts", N_("active accounts"), "active_accounts",
                    "COUNT(account_id)")
_using = Measure("using_accounts", N_("accounts that used the feature"), "feature_accounts",
                 "COUNT(used)")
_could_use = Measure("feature_base", N_("active accounts"), "feature_base", "SUM(accounts)")

_ROWS = {
    "accounts": "account_id\nacme\nbolt",
    "events": """
    event_id account_id user_id event  occurred_at
    e1       acme       ann     view   2024-02-01
    e2       acme       ann     view   2024-02-01T09:00:00Z
    e3       acme       ann     export 2024-02-02
    e4       acme       bob     view   2024-02-02
    e5       bolt       cid     view   2024-02-28
    e6       bolt       cid     view   2024-03-01""",
}


def _example(answer: dict[str, float | None], grain: str = "month") -> Example:
    return Example(rows=_ROWS, answer=answer, as_of="2024-04-01", grain=grain)


dau = Metric(
    label=N_("Daily active users"),
    about=N_(
        "Users active on a day; at coarser grains the mean over all calendar days of the period. "
    ) + _ACTIVE,
    formula=_user_days / _calendar_days,
    unit=Unit.COUNT,
    better="higher",
    stage="adoption",
    example=_example({"2024-02-01": 1, "2024-02-02": 2, "2024-02-28": 1}, "day"),
    disagreements=N_("PostHog shows a day's distinct persons, as here."),
)
wau = Metric(
    label=N_("Weekly active users"),
    about=N_(
        "Users active in the seven days that end with the day; at week grain, in the week. "
    ) + _ACTIVE,
    formula=_week_users,
    unit=Unit.COUNT,
    better="higher",
    stage="adoption",
    grains=("day", "week"),
    example=_example({"2024-02-02": 2, "2024-02-08": 2, "2024-02-09": 0}, "day"),
)
mau = Metric(
    label=N_("Monthly active users"),
    about=N_(
        "Users active in the calendar month; at day grain, in the 28 days that end with the day. "
    ) + _ACTIVE,
    formula=_period_users,
    unit=Unit.COUNT,
    better="higher",
    stage="adoption",
    grains=("day", "month"),
    by_grain={"day": _month_users},
    example=_example({"2024-02": 3, "2024-03": 1}),
    disagreements=N_(
        "PostHog's monthly active users look back 30 days from each day, Amplitude's at the "
        "calendar month or 30 days."
    ),
)
stickiness = Metric(
    label=N_("Stickiness"),
    about=N_(
        "Mean daily active users over all calendar days of the month ÷ monthly active users: the "
        "share of days on which a user of the month came back. "
    ) + _ACTIVE,
    formula=_user_days / _possible_days,
    unit=Unit.PERCENT,
    better="higher",
    stage="adoption",
    is_to_date=False,
    grains=("month",),
    # ann 2 days, bob 1, cid 1 of 29: 4 / (3 × 29)
    example=_example({"2024-02": 4 / 87}),
    benchmarks=(
        Benchmark(
            source=N_("Mixpanel, Product Benchmarks: the middle of SaaS products"),
            at_least=0.13, at_most=0.13, level="typical", year=2017,
        ),
    ),
)
active_accounts = Metric(
    label=N_("Active accounts"),
    about=N_("Accounts of which anybody was active in the period. ") + _ACTIVE,
    formula=_accounts,
    unit=Unit.COUNT,
    better="higher",
    stage="adoption",
    example=_example({"2024-02": 2, "2024-03": 1}),
)
feature_adoption = Metric(
    label=N_("Feature adoption"),
    about=N_(
        "Accounts that used the feature in the period ÷ accounts active in it; ask for it by "
        "feature. Without, the mean over all features that anybody used."
    ),
    formula=_using / _could_use,
    unit=Unit.PERCENT,
    better="higher",
    stage="activation",
    is_to_date=False,
    chart=Chart("line"),
    # view 2 of 2, export 1 of 2
    example=_example({"2024-02": 0.75, "2024-03": 1}),
)

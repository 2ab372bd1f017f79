"""The features of an account on a day that come with staycurve."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.risk.account_blocks import (
    ACCOUNT,
    ANSWERS,
    CHAMPIONS,
    CONTRACT,
    MOVEMENTS,
    PAYMENTS,
    TICKETS,
)
from staycurve.insights.risk.feature import (
    EVER,
    LAST_28,
    LAST_56,
    LAST_90,
    LAST_365,
    NOW,
    Feature,
)
from staycurve.insights.risk.pulse_block import PULSE
from staycurve.insights.risk.usage_blocks import (
    BREADTH,
    LIMITS,
    ONBOARDING,
    USAGE,
    USERS,
    VOLUME,
)
from staycurve.metrics.base import Unit

active_days = Feature(
    N_("Active days"), N_("Who uses the product seldom has the least to lose."), LAST_28, USAGE,
    "active_days", worse="lower", evidence="known",
)
active_days_change = Feature(
    N_("Change in active days"), N_("Usage falls before most accounts churn."), LAST_56, USAGE,
    "active_days_change", worse="lower", evidence="known",
)
days_inactive = Feature(
    N_("Days since last activity"), N_("Silence is the earliest sign that is easy to see."),
    LAST_90, USAGE, "days_inactive", evidence="known",
)
engagement_gap = Feature(
    N_("Engagement gap"),
    N_("Days since the last activity in units of the account's usual gap between active days."),
    LAST_90, USAGE, "engagement_gap", unit=Unit.RATIO, evidence="known",
)
features_used = Feature(
    N_("Features used"), N_("Who depends on several features is harder to replace for."), LAST_28,
    BREADTH, "features_used", worse="lower", evidence="known",
)
features_change = Feature(
    N_("Change in features used"), N_("Narrower usage often comes before less usage."), LAST_56,
    BREADTH, "features_change", worse="lower", evidence="known",
)
uses = Feature(
    N_("Uses"), N_("Where everybody is active daily, how much they do tells them apart."),
    LAST_28, VOLUME, "uses", worse="lower", evidence="known",
)
uses_change = Feature(
    N_("Change in uses"), N_("Doing less comes before coming less often."), LAST_56, VOLUME,
    "uses_change", worse="lower", unit=Unit.PERCENT, evidence="known",
)
active_users = Feature(
    N_("Active users"), N_("A product that few use has few who would miss it."), LAST_28, USERS,
    "active_users", worse="lower", evidence="known",
)
active_users_change = Feature(
    N_("Change in active users"), N_("Users go before the account does."), LAST_56, USERS,
    "active_users_change", worse="lower", evidence="known",
)
users_gone = Feature(
    N_("Users gone inactive"), N_("Those who stopped, even where others began."), LAST_56, USERS,
    "users_gone", evidence="known",
)
limit_share = Feature(
    N_("Share of its limit used"), N_("Above a limit an account upgrades, or looks elsewhere."),
    N_("30 days"), LIMITS, "limit_share", worse="either", unit=Unit.PERCENT, evidence="known",
)
days_not_activated = Feature(
    N_("Days paying without activation"), N_("Who never reached first value pays for nothing."),
    EVER, ONBOARDING, "days_not_activated",
)
champions_left = Feature(
    N_("Champions who left"), N_("A successor chooses the tools anew."), LAST_90, CHAMPIONS,
    "champions_left", evidence="positive",
)
champions_bounced = Feature(
    N_("Champions whose mail bounced"), N_("Mail bounces when people have left unannounced."),
    LAST_90, CHAMPIONS, "champions_bounced", evidence="positive",
)
champions_silent = Feature(
    N_("Champions without activity"), N_("Whoever spoke for the product may have stopped."),
    LAST_28, CHAMPIONS, "champions_silent", evidence="positive",
)
open_tickets = Feature(
    N_("Open tickets"), N_("An unsolved problem is a reason to go."), NOW, TICKETS,
    "open_tickets", evidence="positive",
)
old_tickets = Feature(
    N_("Tickets open for a week or longer"), N_("Waiting hurts more than the problem."), NOW,
    TICKETS, "old_tickets", evidence="positive",
)
reopened_tickets = Feature(
    N_("Reopened tickets"), N_("A solution that does not hold costs trust."), LAST_90, TICKETS,
    "reopened_tickets", evidence="positive",
)
recent_tickets = Feature(
    N_("Tickets"), N_("Many tickets are trouble; none may be indifference."), LAST_90, TICKETS,
    "recent_tickets", worse="either", evidence="positive",
)
nps_score = Feature(
    N_("NPS score"), N_("What customers say before they act."), LAST_365, ANSWERS, "nps_score",
    worse="lower", evidence="known",
)
nps_change = Feature(
    N_("Change in NPS score"), N_("A falling score says more than a low one."), LAST_365, ANSWERS,
    "nps_change", worse="lower", evidence="known",
)
csat_share = Feature(
    N_("Satisfaction score"), N_("How the last contact went."), LAST_365, ANSWERS, "csat_share",
    worse="lower", unit=Unit.PERCENT, evidence="known",
)
failed_payments = Feature(
    N_("Failed payments"), N_("Involuntary churn begins with a failed payment."), LAST_90,
    PAYMENTS, "failed_payments", evidence="positive",
)
unpaid_failures = Feature(
    N_("Failed payments not made good"), N_("The grace is running."), LAST_90, PAYMENTS,
    "unpaid_failures", evidence="positive",
)
contractions = Feature(
    N_("Downgrades"), N_("Paying less is often the step before paying nothing."), LAST_90,
    MOVEMENTS, "contractions",
)
expansions = Feature(
    N_("Upgrades"), N_("Who buys more means to stay."), N_("180 days"), MOVEMENTS, "expansions",
    worse="lower",
)
returns = Feature(
    N_("Earlier churns"), N_("Who left before may leave again."), EVER, MOVEMENTS, "returns",
)
days_to_renewal = Feature(
    N_("Days to renewal"), N_("Contracts of several months end at their renewal."), NOW, CONTRACT,
    "days_to_renewal", worse="lower",
)
is_annual = Feature(
    N_("On a contract of a year or longer"), N_("It cannot leave on any day."), NOW, CONTRACT,
    "is_annual", worse="lower",
)
items = Feature(
    N_("Subscription items"), N_("Add-ons tie an account in."), NOW, CONTRACT, "items",
    worse="lower",
)
pulse = Feature(
    N_("Pulse"), N_("Somebody who knows the account: 0 is green, 1 yellow and 2 red."),
    LAST_90, PULSE, "pulse", evidence="known",
)
tenure_days = Feature(
    N_("Tenure, days"), N_("The longer accounts have stayed, the fewer leave."), EVER, ACCOUNT,
    "tenure_days", worse="lower",
)
mrr_amount = Feature(
    N_("MRR"), N_("Small accounts leave more often."), NOW, ACCOUNT, "mrr_amount", worse="lower",
    unit=Unit.MONEY,
)

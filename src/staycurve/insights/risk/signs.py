"""The churn triggers that come with staycurve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staycurve.i18n import N_
from staycurve.insights.risk.settings import Risk
from staycurve.insights.risk.trigger import Trigger, Values

if TYPE_CHECKING:
    import numpy as np


def _less_often(of: Values, risk: Risk) -> np.ndarray:
    before = of["active_days"] - of["active_days_change"]
    enough = before >= risk.threshold("usage_before")
    return enough & (of["active_days"] <= before * (1 - risk.threshold("usage_drop")))


def _narrower(of: Values, risk: Risk) -> np.ndarray:
    return of["features_change"] <= -risk.threshold("features_lost")


def _nps_low(of: Values, risk: Risk) -> np.ndarray:
    return of["nps_score"] <= risk.threshold("nps_low")


def _nps_falling(of: Values, risk: Risk) -> np.ndarray:
    return of["nps_change"] <= -risk.threshold("nps_fall")


def _champion_left(of: Values, risk: Risk) -> np.ndarray:
    return of["champions_left"] >= risk.threshold("champions")


def _champion_silent(of: Values, risk: Risk) -> np.ndarray:
    return of["champions_silent"] >= risk.threshold("champions")


def _champion_bounced(of: Values, risk: Risk) -> np.ndarray:
    return of["champions_bounced"] >= risk.threshold("champions")


def _limit_reached(of: Values, risk: Risk) -> np.ndarray:
    return of["limit_share"] >= risk.threshold("limit_share")


def _engagement_gap(of: Values, risk: Risk) -> np.ndarray:
    is_long = of["days_inactive"] >= risk.threshold("gap_days")
    return is_long & ~(of["engagement_gap"] < risk.threshold("gap"))


def _unanswered(of: Values, risk: Risk) -> np.ndarray:
    return of["old_tickets"] >= risk.threshold("old_tickets")


def _reopened(of: Values, risk: Risk) -> np.ndarray:
    return of["reopened_tickets"] >= risk.threshold("reopened_tickets")


def _payment_failing(of: Values, risk: Risk) -> np.ndarray:
    return of["unpaid_failures"] >= risk.threshold("failed_payments")


def _renewal_near(of: Values, risk: Risk) -> np.ndarray:
    return of["days_to_renewal"] <= risk.threshold("renewal_days")


def _downgrade(of: Values, risk: Risk) -> np.ndarray:
    return of["contractions"] >= risk.threshold("downgrades")


def _stalled(of: Values, risk: Risk) -> np.ndarray:
    return of["days_not_activated"] >= risk.threshold("onboarding_days")


usage_drop = Trigger(
    N_("Used less often"), N_("Active days fell by half or more against the 28 days before."),
    ("active_days", "active_days_change"), _less_often,
)
usage_narrower = Trigger(
    N_("Narrower usage"), N_("Features that were used a month ago are no longer used."),
    ("features_change", "features_used"), _narrower,
)
nps_low = Trigger(
    N_("NPS low"), N_("The last NPS answer is a detractor's."), ("nps_score",), _nps_low,
)
nps_falling = Trigger(
    N_("NPS falling"), N_("The last NPS answer is well below the one before."),
    ("nps_change", "nps_score"), _nps_falling,
)
champion_left = Trigger(
    N_("Champion left"), N_("A champion left the account in the last 90 days."),
    ("champions_left",), _champion_left,
)
champion_silent = Trigger(
    N_("Champion silent"), N_("A champion has not used the product for 28 days."),
    ("champions_silent",), _champion_silent,
)
champion_bounced = Trigger(
    N_("Champion's mail bounced"), N_("Mail to a champion came back in the last 90 days."),
    ("champions_bounced",), _champion_bounced,
)
limit_reached = Trigger(
    N_("Limit reached"), N_("A plan's limit is reached or near: the next step is up, or out."),
    ("limit_share",), _limit_reached,
)
engagement_gap = Trigger(
    N_("Engagement gap"), N_("No activity for several times the account's usual gap."),
    ("days_inactive", "engagement_gap"), _engagement_gap,
)
ticket_unanswered = Trigger(
    N_("Ticket open for a week"), N_("A ticket has been open for a week or longer."),
    ("old_tickets",), _unanswered,
)
ticket_reopened = Trigger(
    N_("Ticket reopened"), N_("A ticket was reopened in the last 90 days."),
    ("reopened_tickets",), _reopened,
)
payment_failing = Trigger(
    N_("Payment failing"), N_("A payment failed in the last 90 days and was not made good."),
    ("unpaid_failures", "failed_payments"), _payment_failing,
)
renewal_near = Trigger(
    N_("Renewal near"), N_("A contract of several months is about to renew."),
    ("days_to_renewal",), _renewal_near,
)
downgrade = Trigger(
    N_("Downgrade"), N_("The account moved to a lower MRR in the last 90 days."),
    ("contractions",), _downgrade,
)
onboarding_stalled = Trigger(
    N_("Onboarding stalled"), N_("It has paid for a month without reaching first value."),
    ("days_not_activated",), _stalled,
)

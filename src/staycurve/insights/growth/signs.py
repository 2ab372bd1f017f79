"""The signs of growth that come with staycurve."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.growth.sign import Sign

PROMOTER = 9
"""From 9 of 10 an answer is a promoter's."""
RENEWAL = 60
"""Days before a renewal in which terms are talked over."""
BROADER = 2
"""One feature more may be chance: usage that got narrower is told from two as well."""

limit_near = Sign(
    N_("Limit near"), N_("Above a limit an account upgrades, or looks elsewhere."), "limit_share",
    lambda of, growth: of["limit_share"] >= growth.near,
)
more_users = Sign(
    N_("More active users"), N_("More people who use it need more seats."), "active_users_change",
    lambda of, growth: of["active_users_change"] >= 1,
)
broader_usage = Sign(
    N_("Broader usage"), N_("Who tries more features looks for more."), "features_change",
    lambda of, growth: of["features_change"] >= BROADER,
)
recent_upgrade = Sign(
    N_("Upgraded lately"), N_("Growth goes on: an upgrade in the last 180 days."), "expansions",
    lambda of, growth: of["expansions"] >= 1,
)
promoter = Sign(
    N_("Promoter"), N_("Who recommends a product buys more of it."), "nps_score",
    lambda of, growth: of["nps_score"] >= PROMOTER,
)
renewal_ahead = Sign(
    N_("Renewal near"), N_("At a renewal the terms are open."), "days_to_renewal",
    lambda of, growth: of["days_to_renewal"] <= RENEWAL,
)
several_items = Sign(
    N_("Several items"), N_("Who bought an add-on knows what another one may do."), "items",
    lambda of, growth: of["items"] >= 2,
)

"""What each value of a convention means, in words that stand side by side."""

from __future__ import annotations

from collections.abc import Mapping

from staycurve.i18n import N_

_WORDS: Mapping[str, Mapping[str, str]] = {
    # `` is any value that has no words of its own.
    "weeks_per_month": {"": N_("a month has {value} weeks")},
    "days_per_month": {"": N_("a month has {value} days")},
    "discounts": {
        "recurring": N_("discounts off every bill lower MRR, one-time ones do not"),
        "all": N_("every discount lowers MRR"),
        "none": N_("no discount lowers MRR"),
    },
    "usage": {
        "include": N_("metered items count"),
        "exclude": N_("metered items do not count"),
    },
    "free_plan": {
        "churn": N_("a payer on a free plan has churned"),
        "active": N_("a payer on a free plan stays a customer, with an MRR of 0"),
    },
    "past_due_grace": {
        "forever": N_("past due counts until it is unpaid or canceled"),
        "0d": N_("past due does not count"),
        "": N_("past due counts for {number} days"),
    },
    "paused": {"churn": N_("a paused item counts 0"), "keep": N_("a paused item counts in full")},
    "churn_booked": {
        "period_end": N_("a cancellation counts when access ends"),
        "request": N_("a cancellation counts when it is asked for"),
    },
    "fx": {
        "daily": N_("items are valued at each day's exchange rate"),
        "fixed": N_("items are valued at the first known exchange rate"),
    },
    "netting": {
        "day": N_("changes of one day net"),
        "60min": N_("changes within 60 minutes net"),
        "event": N_("only changes of one instant net"),
        "month": N_("changes of one month net"),
    },
    "reactivation_window": {
        "forever": N_("who paid before and returns is a reactivation"),
        "": N_("who returns after {number} days is new again"),
    },
    "churn_denominator": {
        "start": N_("churn is divided by who paid at the opening"),
        "start_plus_new": N_("churn is divided by who paid at the opening or came since"),
        "rolling_30d": N_("churn is divided by who paid 30 days before the close"),
    },
    "revenue_rates": {
        "accounts": N_("NRR and GRR compare the opening's accounts with themselves"),
        "movements": N_("NRR and GRR divide the period's summed movements"),
    },
    "cac_lag": {"": N_("acquisition cost of {number} months earlier")},
}

INTERACTION = "interaction"
"""The row of what rules do together and none of them does alone."""


def definition(switch: str, value: str) -> str:
    """What `value` of `switch` says, such as 'metered items do not count'."""
    words = _WORDS[switch]
    text = words.get(value) or words[""]
    return text.format(value=value, number=value[:-1])

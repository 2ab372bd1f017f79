"""How metrics beside a tree are linked with it: by a formula, or by none."""

from __future__ import annotations

from dataclasses import dataclass

from staycurve.i18n import N_

ROOTS = ("mrr", "nrr", "clv_margin")
"""What the tree begins with where no metric is named."""

SUCCESS = (
    "nps", "clv_margin", "nrr_12m", "crc", "customer_churn_rate", "voluntary_churned_mrr",
    "involuntary_churned_mrr", "csat", "fcr", "mrr", "arr",
)
"""The customer-success metrics that are numbers: each is in the tree, or said to be beside it."""

KINDS = {
    "computed": N_("By a formula"), "shares": N_("Shares a part"), "none": N_("By no formula"),
}


@dataclass(frozen=True)
class Link:
    """How a metric is linked with the tree.

    Attributes
    ----------
    to : str
        The metric or part of the tree that it is linked with.
    kind : str
        A key of KINDS.
    how : str
        In a sentence.
    """

    to: str
    kind: str
    how: str


_ASKED = N_(
    "It comes from what customers answer: no formula leads from it to revenue. Whether they went "
    "together so far: value correlations."
)

LINKS = {
    "arr": Link("mrr", "computed", N_("MRR × 12: it moves as MRR does.")),
    "nrr_12m": Link("nrr", "shares", N_(
        "The same rule over twelve months instead of one period: twelve monthly rates, but of "
        "other accounts each month, so that they do not multiply to it."
    )),
    "crc": Link("customers", "shares", N_(
        "Retention cost ÷ customers: it shares customers with the tree. What the cost buys shows "
        "in no formula."
    )),
    "customer_churn_rate": Link("clv_margin", "none", N_(
        "It counts accounts, and MRR counts money. It divides the simple lifetime value; here it "
        "acts through the mean lifetime, which is estimated from the whole history of all accounts "
        "and not from one period's rate."
    )),
    "nps": Link("nrr", "none", _ASKED),
    "csat": Link("nrr", "none", _ASKED),
    "fcr": Link("nrr", "none", N_(
        "It comes from tickets: no formula leads from it to revenue. Whether they went together "
        "so far: value correlations."
    )),
}
"""Metric → its link with the tree of ROOTS."""

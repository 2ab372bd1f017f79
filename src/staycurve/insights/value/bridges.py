"""Other drivers than a formula's sums, where these say little.

A stock such as MRR is one sum: the movements between two closes lead from one to the other. Net
revenue retention is one sum over another: both grow with the company, and what moves their quotient
is how much of the opening MRR was lost, and how much was added to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from staycurve.i18n import N_

_MRR = (
    ("new_mrr", 1), ("reactivation_mrr", 1), ("expansion_mrr", 1), ("contraction_mrr", -1),
    ("churned_mrr", -1), ("entering_mrr", 1), ("leaving_mrr", -1),
)


@dataclass(frozen=True)
class Bridge:
    """The movements between two closes.

    Attributes
    ----------
    movements : tuple of (metric, sign)
    rest : (str, str)
        The name and the label of what the movements do not explain.
    factor : int
        How often the stock counts each movement.
    """

    movements: tuple[tuple[str, int], ...]
    rest: tuple[str, str]
    factor: int = 1


BRIDGES = {
    "mrr": Bridge(_MRR, ("fx_impact", N_("FX impact"))),
    "arr": Bridge(_MRR, ("fx_impact", N_("FX impact")), 12),
    "customers": Bridge(
        (("new_customers", 1), ("churned_customers", -1)),
        ("returned", N_("came back, or changed segment")),
    ),
}
"""Metric → its bridge."""

SUMS = {
    "churned_mrr": (
        "voluntary_churned_mrr", "involuntary_churned_mrr", "paused_churned_mrr",
        "unknown_churned_mrr",
    ),
}
"""A sum of rows → the metrics that it is the sum of, by definition."""

COUNTED = {
    "mrr": "customers", "arr": "customers", "new_mrr": "new_customers",
    "churned_mrr": "churned_customers",
}
"""A sum → what counts the accounts that it is of: size effects are theirs."""

ADDED = ("expansion_rate", N_("MRR added ÷ opening MRR"))
LOST = ("lost_rate", N_("MRR churned or given up ÷ opening MRR"))


@dataclass(frozen=True)
class Rates:
    """A metric that is 1 + what was added − what was lost, each ÷ the opening; or the negative.

    Attributes
    ----------
    gross : str
        The metric whose numerator is the lesser of opening and closing MRR of each account.
    sign : int
        Of what was added.
    """

    gross: str
    sign: int = 1


RATES = {
    "nrr": Rates("grr"), "nrr_12m": Rates("grr_12m"), "net_revenue_churn": Rates("grr", -1),
}
"""Metric → how it is taken apart; where `revenue_rates` is by accounts."""

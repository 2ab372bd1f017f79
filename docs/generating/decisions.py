"""Which metrics rest on which decision of docs/explanation/ledger.md."""

from __future__ import annotations

from collections.abc import Mapping

LEDGER = "../../explanation/ledger.md"

RATES = ("customer_churn_rate", "customer_retention_rate", "nrr", "grr", "gross_revenue_churn",
         "net_revenue_churn", "upgrade_rate")

DECISIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    # Where the published definitions are silent, ledger.md says what was decided:
    # anchor → its title, and the metrics whose pages point there.
    "rates-follow-the-accounts-at-the-opening": ("Rates follow the accounts at the opening", RATES),
    "rates-in-a-segment": ("Rates in a segment", RATES),
    "the-base-with-newcomers": ("The base with newcomers", ("customer_churn_rate", "clv_simple")),
    "why-an-account-left": (
        "Why an account left",
        ("voluntary_churned_mrr", "involuntary_churned_mrr", "paused_churned_mrr",
         "unknown_churned_mrr", "churned_mrr"),
    ),
    "past-due-runs-and-grace": ("Past-due runs and grace", ("involuntary_churned_mrr", "mrr")),
    "free-plans": ("Free plans", ("customers", "churned_customers", "churned_mrr")),
    "requests-to-cancel": ("Requests to cancel", ("committed_mrr", "churned_mrr")),
    "long-terms": ("Long terms", ("contracted_arr",)),
    "exchange-rates": ("Exchange rates", ("fx_impact", "mrr")),
    "moves-between-segments": (
        "Moves between segments", ("entering_mrr", "leaving_mrr", "expansion_mrr"),
    ),
    "netting": ("Netting", ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr",
                            "reactivation_mrr", "new_customers", "churned_customers")),
    "a-ratio-of-ratios": ("A ratio of ratios", ("clv_simple", "cac_payback")),
    "first-contact": ("First contact", ("fcr",)),
    "other-scales": ("Other scales", ("csat",)),
    "zero-or-unknown": ("Zero or unknown", ("visits", "social_engagements", "mentions",
                        "lead_rate", "cac", "cac_payback", "crc", "gross_margin",
                        "acquisition_retention_ratio")),
    "open-periods": ("Open periods", ("arpa", "mrr", "customers")),
}

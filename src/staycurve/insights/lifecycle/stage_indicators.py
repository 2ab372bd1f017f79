"""The indicators of each lifecycle stage: metrics of the catalogue, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.insights.lifecycle.lifecycle import Row
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.catalogue import METRICS
from staycurve.period import parse_period

INDICATORS: Mapping[str, tuple[str, ...]] = {
    "awareness": ("visits", "social_engagements", "mentions"),
    "consideration": ("lead_rate", "trial_starts", "demo_requests"),
    "purchase": ("trial_conversion_rate", "cac"),
    "activation": ("time_to_first_value", "activation_rate"),
    "adoption": ("stickiness", "csat"),
    "retention": ("customer_churn_rate", "clv_simple", "nps"),
    "expansion": ("upgrade_rate", "arpa"),
}
"""What says how a stage fares; feature_adoption, being one number a feature, stands apart."""

NAMES = tuple(name for names in INDICATORS.values() for name in names)


def unanswered(name: str, first: str, last: str, why: str) -> list[Row]:
    """Rows of a metric that the question's filters cannot cut."""
    return [
        {"metric": name, "period": str(parse_period(month).start), "open": False, "value": None,
         "why": why}
        for month in (first, last)
    ]


def rows(answer: Sequence[Mapping[str, Any]]) -> list[Row]:
    """One row an indicator: its value, the one of the period before, and which way is better.

    Parameters
    ----------
    answer : sequence of dict
        Rows of `show` for NAMES over two periods, the asked one last.
    """
    values: dict[str, list[Mapping[str, Any]]] = {}
    for row in answer:
        values.setdefault(row["metric"], []).append(row)
    found = []
    for stage, names in INDICATORS.items():
        for name in names:
            metric = METRICS[name]
            before, now = values[name][-2:]
            found.append({
                "stage": stage, "label": LABELS[stage], "metric": name,
                "metric_label": metric.label, "about": metric.about, "unit": metric.unit.value,
                "better": metric.better, "period": now["period"], "open": now["open"],
                "value": now["value"], "previous": before["value"],
                "previous_period": before["period"],
                **({"why": now["why"]} if now.get("why") else {}),
            })
    return found

"""The metrics that staycurve knows."""

from __future__ import annotations

from staycurve.metrics.base import Metric
from staycurve.registry import Registry

METRICS: Registry[Metric] = Registry(
    "metric",
    Metric,
    (
        "staycurve.metrics.revenue",
        "staycurve.metrics.retention",
        "staycurve.metrics.value",
        "staycurve.metrics.acquisition",
        "staycurve.metrics.activation",
        "staycurve.metrics.engagement",
        "staycurve.metrics.experience",
    ),
    group="staycurve.metrics",
    hint="All metrics: staycurve metrics",
)

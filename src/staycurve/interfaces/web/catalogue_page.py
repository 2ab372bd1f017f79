"""Every metric by lifecycle stage: the page at /catalogue."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.interfaces.api.describe import describe
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.metrics.base import STAGES
from staycurve.metrics.catalogue import METRICS


def _show(ask: Ask) -> Shown:
    rows = [describe(name, metric, ask.company.config) for name, metric in METRICS.items()]
    stages = {stage: [r for r in rows if r["stage"] == stage] for stage in STAGES}
    return Shown(rows, {
        "stages": {stage: found for stage, found in stages.items() if found},
        "links": {row["name"]: ask.defines(row["name"]) for row in rows},
    })


CATALOGUE = Page(
    address="/catalogue",
    place=110,
    title=N_("Metrics"),
    question=N_("Which metrics are there, and what does each mean?"),
    panels=(
        Panel("catalogue", N_("Metrics"), N_("From first visit to expansion"), "catalogue.html",
              _show),
    ),
    has_controls=False,
    needs=(),
    group=Group.BOOKS,
)

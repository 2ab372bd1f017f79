"""Annotations beside a chart: their numbers on it, and the list below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.interfaces.web import addresses, periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.texts import _
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.chart_notes import Note, notes, numbered
from staycurve.period import Period
from staycurve.state.records import Annotation


@dataclass(frozen=True)
class Annotated:
    """The annotations of one chart.

    Attributes
    ----------
    listed : list
        Number, period and annotation, by day.
    """

    ask: Ask
    listed: Sequence[tuple[int, Period, Annotation]]

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the chart draws."""
        return notes(self.listed)

    @property
    def json(self) -> dict[str, Any]:
        """A key of the panel in the page's twin."""
        return {"annotations": [one.as_dict() for _number, _period, one in self.listed]}

    def view(self, *, metric: str = "", can_add: bool = True) -> dict[str, Any]:
        """What the template lists, and what a further note would speak of."""
        return {
            "lines": [
                {
                    "number": number,
                    "day": naming.day(one.day),
                    "text": one.text,
                    "author": one.author,
                    "metric": metric_label(one.metric),
                }
                for number, _period, one in self.listed
            ],
            "can_add": can_add and not self.ask.beside.is_away,
            "metric": metric,
            "label": metric_label(metric),
            "day": self.ask.seen.last_day.isoformat(),
            "back": addresses.of(self.ask),
        }


def annotated(ask: Ask, *metrics: str) -> Annotated:
    """The annotations that speak of one of the metrics, or of all, in the asked periods."""
    own = [one for one in ask.beside.annotations if one.metric in (None, *metrics)]
    return Annotated(ask, numbered(own, ask.periods, last_day=ask.seen.last_day))


def metric_label(name: str | None) -> str:
    """A metric as people call it; nothing where every metric is meant."""
    if not name:
        return ""
    return _(METRICS[name].label) if name in METRICS else name

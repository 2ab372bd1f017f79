"""The backtest as the track record shows it: its figures, and the reliability curve drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.risk.backtest import BEHIND_TENTH, Backtest, Tenth, backtest
from staycurve.interfaces.web.answered import answered, opened_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.drawing import Picture, picture_by
from staycurve.interfaces.web.page import Shown
from staycurve.interfaces.web.reading import between, percent, whole
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

UNIT = N_("share that churned, by mean churn probability, in tenths of the accounts and days; "
          "their number stands on top")
NOTE = N_("On the dashed line, probabilities say what happens; above it they are too low, below it "
          "too high. The vertical lines are 95% confidence intervals.")


def show_backtest(ask: Ask) -> Shown:
    """The panel of the backtest."""
    found = answer_of(ask, backtest)
    made = answered(ask, backtest, found)
    if not found.reliability:
        return made
    reading = made.view["reading"]
    picture = drawn(ask, found, found.reliability)
    return replace(made, view={**made.view, "reading": replace(
        reading, picture=picture, unit=_(UNIT), notes=[_(NOTE), *reading.notes],
    )})


def drawn(ask: Ask, answer: Backtest, tenths: Sequence[Tenth]) -> Picture:
    """The reliability curve in the two widths of a page."""
    from staycurve.metrics import charts
    from staycurve.metrics.reliability_chart import Bin, reliability

    bins, points = [], []
    for row in tenths:
        about = _(
            "Tenth %(tenth)s: %(said)s expected, %(share)s (%(ends)s) of %(count)s churned"
        ) % {
            "tenth": row.tenth, "said": percent(row.probability), "share": percent(row.left),
            "ends": between(row.low, row.high), "count": whole(row.rows),
        }
        href = opened_at(ask, BEHIND_TENTH, row, answer)
        bins.append(Bin(
            row.probability, row.left, row.low or 0.0, row.high or row.left, row.rows, about, href
        ))
        points.append(charts.Point(str(row.tenth), "share", row.left, about, href))

    def draw(_points: Any, frame: charts.Frame) -> Any:
        return reliability(bins, frame)

    return picture_by(
        ask, "reliability", points, draw, unit=Unit.PERCENT,
        label=_("Churn probability against the share that churned, in tenths"),
        wide={}, narrow={}, series=[charts.Series("share", _("Churned"), charts.ACCENT)],
    )

"""The reliability curve: what was said against what happened, group by group.

Importing Altair costs half a second: only what draws imports this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from staycurve.metrics.charts import ACCENT, INK, MUTED, Frame, framed, placed

ROOM = 1.15
"""Of the axes beyond the largest value: the number of rows stands over its line."""


@dataclass(frozen=True)
class Bin:
    """One group of rows with similar probabilities.

    Attributes
    ----------
    probability : float
        Their mean, 0 to 1.
    share, low, high : float
        Of them that had the outcome, and its 95% interval.
    count : int
        Rows.
    about : str
        All of it in words: what a screen reader says and what hovering shows.
    href : str
        A path on the same server that opens the rows.
    """

    probability: float
    share: float
    low: float
    high: float
    count: int
    about: str = ""
    href: str = ""


def reliability(bins: Sequence[Bin], frame: Frame) -> Any:
    """Points of (probability, share) with their intervals and counts, beside the diagonal.

    On the diagonal, probabilities say what happens. Both axes are quantities and begin at 0.
    """
    values: list[dict[str, Any]] = [
        {"said": one.probability, "share": one.share, "low": one.low, "high": one.high,
         "count": f"{one.count:,}", "about": one.about, "href": placed(one.href)}
        for one in bins
    ]
    data = alt.InlineData(values=values)
    most = min(1.0, ROOM * max(one.probability for one in bins))
    top = min(1.0, ROOM * max(max(one.high for one in bins), most / ROOM))
    x, y = _axis(alt.X, "said", most), _axis(alt.Y, "share", top)
    end = min(most, top)
    corners: list[dict[str, Any]] = [{"said": at, "share": at} for at in (0, end)]
    ends = alt.InlineData(values=corners)
    diagonal = alt.Chart(ends, name="diagonal").mark_line(
        color=MUTED, strokeDash=[4, 4], strokeWidth=1, aria=False
    )
    base = alt.Chart(data).encode(x=x)
    return framed([
        diagonal.encode(x=x, y=y),
        base.mark_rule(color=MUTED, strokeWidth=1.25, aria=False).properties(name="ends").encode(
            y=_axis(alt.Y, "low", top), y2=alt.Y2("high:Q")
        ),
        base.mark_line(color=ACCENT, strokeWidth=2, strokeJoin="round", aria=False).encode(y=y),
        base.mark_point(color=ACCENT, filled=True, size=40, opacity=1).encode(
            y=y, href="href:N", description="about:N"
        ),
        base.mark_text(
            color=INK, fontSize=10, angle=270, align="left", baseline="middle", dx=4, aria=False
        ).encode(y=_axis(alt.Y, "high", top), text="count:N"),
    ], frame)


def _axis(kind: Any, field: str, most: float) -> Any:
    axis = alt.Axis(
        title=None, format="~%", tickCount=5, domain=False, ticks=False, labelPadding=8,
    )
    return kind(f"{field}:Q", axis=axis, scale=alt.Scale(domain=[0, most], nice=False))

"""Charts of values with their intervals: whiskers on bars and points, a band along a curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from staycurve.metrics.charts import Frame, Point, Series

Ends = Mapping[tuple[str, str], tuple[float, float]]
"""(period, series) of a point → the ends of its interval."""


def whiskers(
    kind: str, series: Sequence[Series], ends: Ends, *, reference: float | None = None
) -> Callable[[Sequence[Point], Frame], Any]:
    """What draws bars or lines with an upright line from low to high through each.

    Parameters
    ----------
    kind : str
        bars or line.
    """

    def draw(points: Sequence[Point], frame: Frame) -> Any:
        from staycurve.metrics import charts

        drawn = charts.bars if kind == "bars" else charts.line
        made = drawn(points, series, frame, reference=reference)
        return _with(made, points, ends, is_band=False)

    return draw


def band(
    series: Sequence[Series], ends: Ends
) -> Callable[[Sequence[Point], Frame], Any]:
    """What draws lines, each in a band from low to high."""

    def draw(points: Sequence[Point], frame: Frame) -> Any:
        from staycurve.metrics import charts

        return _with(charts.line(points, series, frame), points, ends, is_band=True)

    return draw


def _with(made: Any, points: Sequence[Point], ends: Ends, *, is_band: bool) -> Any:
    import altair as alt

    from staycurve.metrics import charts

    values = [
        {"period": p.period, "low": ends[p.period, p.series][0],
         "high": ends[p.period, p.series][1], "series": p.series}
        for p in points
        if (p.period, p.series) in ends and p.value is not None
    ]
    if not values:
        return made
    drawn = next(one for one in made.layer if "x" in one.to_dict()["encoding"])
    x, y = drawn.encoding.x, drawn.encoding.y
    # The style sheet knows the lines by this name.
    base = alt.Chart(alt.InlineData(values=values), name="ends")
    mark = (
        base.mark_area(opacity=0.16, color=charts.ACCENT, aria=False)
        if is_band
        else base.mark_rule(strokeWidth=1.25, color=charts.MUTED, aria=False)
    )
    encoded = mark.encode(
        x=x, y=alt.Y("low:Q", axis=y["axis"], scale=y["scale"]), y2=alt.Y2("high:Q")
    )
    # A band lies behind its line; whiskers stand before their bars, behind what is clicked.
    made.layer.insert(0 if is_band else len(made.layer), encoded)
    return made

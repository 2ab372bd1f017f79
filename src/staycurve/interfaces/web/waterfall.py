"""A waterfall: how several differences, one after the other, make a gap."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import Picture, picture_by
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

if TYPE_CHECKING:
    from staycurve.metrics.charts import Point

FOOT = "foot"
MORE, LESS, WHOLE = "more", "less", "whole"
LINE = 12
"""Letters of a line under a bar."""

# A colour that nothing else has: what is drawn in it is found by it. No colour at all would be
# left out of the drawing, and the foot could not be told from other marks.
_UNSEEN = "#010203"
_FOOT = re.compile(
    rf'<a [^>]*><path[^>]*fill="{_UNSEEN}"[^>]*?(?:/>|>.*?</path>)</a>', re.DOTALL
)


@dataclass(frozen=True)
class Bar:
    """One difference.

    Attributes
    ----------
    name : str
        Unique in the chart.
    label, about : str
        What stands under it, and the difference in words.
    href : str
        A path that opens it.
    is_whole : bool
        Whether it begins at zero again, as the sum of those before it.
    """

    name: str
    label: str
    value: float
    about: str
    href: str
    is_whole: bool = False


def waterfall(ask: Ask, name: str, bars: Sequence[Bar], *, unit: Unit, label: str) -> Picture:
    """The bars from left to right, each from where the one before it ended.

    Under each bar that does not begin at zero stands one that is not seen: the stacks of every
    other chart draw it so. The one that is not seen is taken out of the drawing afterwards.
    """
    from staycurve.metrics import charts

    colours = {series.name: series.colour for series in charts.MOVEMENTS}
    seen = (
        charts.Series(MORE, _("raises it"), colours["new_mrr"]),
        charts.Series(LESS, _("lowers it"), colours["churned_mrr"], is_hatched=True),
        charts.Series(WHOLE, _("the gap"), charts.ACCENT),
    )
    series = (charts.Series(FOOT, "", _UNSEEN), *seen)
    points = list(_points(bars))
    used = {point.series for point in points}
    numbered = list(enumerate(bars, start=1))
    made = picture_by(
        ask, name, points, lambda p, f: charts.bars(p, series, f, reference=0), unit=unit,
        label=label, series=series, legend=[s for s in seen if s.name in used],
        wide={bar.name: textwrap.wrap(bar.label, LINE) for bar in bars},
        # On a phone there is room for the numbers that the table's lines have.
        narrow={bar.name: [bar.label if bar.is_whole else str(place)] for place, bar in numbered},
    )
    return replace(made, wide=_without_feet(made.wide), narrow=_without_feet(made.narrow))


def _points(bars: Sequence[Bar]) -> Iterator[Point]:
    from staycurve.metrics.charts import Point

    ended = 0.0
    for bar in bars:
        begun = 0.0 if bar.is_whole else ended
        ended = begun + bar.value
        low, high = sorted((begun, ended))
        series = WHOLE if bar.is_whole else MORE if bar.value > 0 else LESS
        # What crosses zero is drawn in two parts: stacks grow from zero either way.
        for near, far in ((max(low, 0.0), max(high, 0.0)), (min(high, 0.0), min(low, 0.0))):
            if near != far:
                yield Point(bar.name, FOOT, near, href=bar.href)
                yield Point(bar.name, series, far - near, bar.about, bar.href)


def _without_feet(drawn: Markup) -> Markup:
    # Only removes from what the renderer wrote.
    return Markup(_FOOT.sub("", str(drawn)))

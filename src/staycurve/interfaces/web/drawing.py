"""Charts in pages: drawn once a snapshot, wide and narrow, with a table's links on the marks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.metrics.base import Unit
from staycurve.period import Period
from staycurve.workspace.cache import Cache

if TYPE_CHECKING:
    from staycurve.metrics.chart_notes import Note
    from staycurve.metrics.charts import Frame, Point, Series

WIDE, NARROW = 1040, 330
HEIGHTS = {WIDE: 250, NARROW: 220}
ROOM = {WIDE: 24, NARROW: 6}
"""Labels that fit under a chart of each width."""
BARS = {WIDE: 60, NARROW: 9}
"""Periods that a chart of each width can show: on a phone, the latest."""

_DRAWN: Cache[Markup] = Cache(256)


@dataclass(frozen=True)
class Picture:
    """A chart in the two widths of a page."""

    wide: Markup
    narrow: Markup
    is_wide_cut: bool
    is_narrow_cut: bool
    """Whether earlier periods are left out."""
    legend: tuple[tuple[Markup, str], ...] = ()
    """Swatch and label of each series that is drawn."""


Draw = Callable[["Sequence[Point]", "Frame"], Any]


def picture(
    ask: Ask,
    name: str,
    points: Sequence[Point],
    draw: Draw,
    *,
    unit: Unit,
    label: str,
    series: Sequence[Series] = (),
    periods: Sequence[Period] | None = None,
    has_legend: bool = True,
    notes: Sequence[Note] = (),
    beside: Hashable = None,
) -> Picture:
    """A chart for a page.

    Parameters
    ----------
    name : str
        Unique in the page.
    draw : callable
        (points, frame) → an Altair chart.
    label : str
        What it shows, for screen readers.
    series : sequence of Series
        For the legend and for what is hatched.
    notes : sequence of Note
        Those of periods that a width leaves out are left out with them.
    beside : hashable, optional
        What `draw` draws beside the points: another drawing is kept for another.
    """
    chosen = list(periods if periods is not None else ask.periods)
    plans = {}
    for width in (WIDE, NARROW):
        kept = chosen[-BARS[width] :]
        names = {str(period.start) for period in kept}
        own = [point for point in points if point.period in names]
        plans[width] = (own, naming.axis(kept, ROOM[width], ask.fiscal))
    is_cut = {width: len(chosen) > most for width, most in BARS.items()}
    made = _pictured(
        ask, name, plans, draw, unit=unit, label=label, series=series, notes=tuple(notes),
        beside=beside,
    )
    used = {point.series for point in points if point.value}
    shown = [s for s in series if s.name in used] if has_legend else []
    return replace(
        made, is_wide_cut=is_cut[WIDE], is_narrow_cut=is_cut[NARROW], legend=_legend(name, shown)
    )


def picture_by(
    ask: Ask,
    name: str,
    points: Sequence[Point],
    draw: Draw,
    *,
    unit: Unit,
    label: str,
    wide: Mapping[str, list[str]],
    narrow: Mapping[str, list[str]],
    series: Sequence[Series],
    legend: Sequence[Series] = (),
) -> Picture:
    """A chart over what is no time: the points' `period` names what stands side by side.

    Parameters
    ----------
    wide, narrow : mapping
        What stands side by side → the lines under it, on a desk and on a phone.
    series, legend : sequence of Series
        What is drawn, and which of it the legend names.
    """
    plans = {WIDE: (points, wide), NARROW: (points, narrow)}
    made = _pictured(ask, name, plans, draw, unit=unit, label=label, series=series)
    return replace(made, legend=_legend(name, legend))


def _pictured(
    ask: Ask,
    name: str,
    plans: Mapping[int, tuple[Sequence[Point], Mapping[str, list[str]]]],
    draw: Draw,
    *,
    unit: Unit,
    label: str,
    series: Sequence[Series],
    notes: tuple[Note, ...] = (),
    beside: Hashable = None,
) -> Picture:
    drawn = {}
    for width, (points, labels) in plans.items():
        size = (width, HEIGHTS[width])
        key = _key(
            ask.company.snapshot.seq, name, size, points, labels, series, unit, label, notes,
            beside,
        )
        make = partial(_draw, name, points, draw, size, unit, labels, label, series, notes)
        drawn[width] = _DRAWN.get(key, make)
    return Picture(drawn[WIDE], drawn[NARROW], False, False)


def _legend(name: str, series: Sequence[Series]) -> tuple[tuple[Markup, str], ...]:
    return tuple((_swatch(s, f"key-{name}-{i}"), s.label) for i, s in enumerate(series))


def _draw(
    name: str,
    points: Sequence[Point],
    draw: Draw,
    size: tuple[int, int],
    unit: Unit,
    labels: Mapping[str, list[str]],
    label: str,
    series: Sequence[Series],
    notes: tuple[Note, ...],
) -> Markup:
    from staycurve.metrics import charts

    frame = charts.Frame(*size, unit, {k: list(v) for k, v in labels.items()}, notes=notes)
    made = draw(points, frame)
    hatched = [s for s in series if s.is_hatched]
    # The renderer escapes what it writes; nothing else is added to its text.
    return Markup(charts.svg(made, label=label, name=f"{name}-{size[0]}", hatched=hatched))


def _swatch(series: Series, key: str) -> Markup:
    """A small square as the chart paints the series."""
    from staycurve.metrics import charts

    defs, fill = "", series.colour
    if series.is_hatched:
        defs, fill = f"<defs>{charts.hatch(key, series.colour)}</defs>", f"url(#{key})"
    return Markup(
        '<svg class="swatch" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">'
        f'{defs}<rect width="12" height="12" rx="2" fill="{fill}"/></svg>'
    )


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def warm() -> None:
    """Load what draws: the first chart of a process costs over a second."""
    from staycurve.metrics import charts

    frame = charts.Frame(200, 80, Unit.COUNT, {"2024-01-01": "Jan"})
    point = charts.Point("2024-01-01", "a", 1.0)
    made = charts.bars([point], [charts.Series("a", "a", charts.ACCENT)], frame)
    charts.svg(made, label="", name="warm")

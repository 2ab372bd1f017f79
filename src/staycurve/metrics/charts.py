"""Charts: each kind defined once, for the page, for a notebook and for export.

Importing Altair costs half a second: only what draws imports this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import altair as alt

from staycurve.i18n import N_
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.chart_notes import Dated, Note, notes, numbered
from staycurve.period import Period

AxisLabels = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Point:
    """One value in a chart.

    Attributes
    ----------
    period : str
        First day, ISO 8601.
    series : str
        A name in the chart's series.
    value : float or None
        None where it is not known: nothing is drawn there.
    about : str
        The value in words: what a screen reader says and what hovering shows.
    href : str
        A path on the same server that opens the value.
    is_open : bool
        Whether the period has not closed; drawn fainter.

    Raises
    ------
    ValueError
        If `href` leads elsewhere.
    """

    period: str
    series: str
    value: float | None
    about: str = ""
    href: str = ""
    is_open: bool = False

    def __post_init__(self) -> None:
        if self.href and not re.match(r"/(?![/\\])", self.href):
            raise ValueError(f"'{self.href}' is not a path on the same server")


@dataclass(frozen=True)
class Beside:
    """What stands beside the values of a chart.

    Attributes
    ----------
    low, high : float, optional
        Bounds of a benchmark: a band with both, a line with one of them or with both alike.
    plan : tuple of Point
        The way from a goal's start to its target, drawn dashed; periods to come stand in it too.
    """

    low: float | None = None
    high: float | None = None
    plan: tuple[Point, ...] = ()


NOTHING = Beside()


@dataclass(frozen=True)
class Series:
    """What a chart stacks or draws side by side: a name, what people call it, and its colour."""

    name: str
    label: str
    colour: str
    is_hatched: bool = False


@dataclass(frozen=True)
class Frame:
    """The room that a chart has, and how its axes read.

    Attributes
    ----------
    width, height : int
        Pixels of the plot without its axes.
    unit : Unit
        Of the values.
    labels : mapping
        Period → its text under the axis, one line or a list of lines; empty where it is left out.
    has_legend : bool
        Whether the chart carries its own legend.
    notes : tuple of Note
        Drawn as thin rules with their numbers on top.
    """

    width: int
    height: int
    unit: Unit
    labels: AxisLabels
    has_legend: bool = False
    notes: tuple[Note, ...] = ()


# Colours of what is not data. A page replaces them by its own: in an SVG they are presentation
# attributes, which any rule of a style sheet outranks, so one drawing serves both themes.
INK, MUTED, GRID = "#1a1d21", "#626a73", "#e6e8eb"

# Colours that people with any common colour blindness tell apart: after Okabe & Ito, "Color
# Universal Design" (2008); churn is hatched as well, and losses point down.
MOVEMENTS = (
    Series("new_mrr", N_("New"), "#0072B2"),
    Series("expansion_mrr", N_("Expansion"), "#56B4E9"),
    Series("reactivation_mrr", N_("Reactivation"), "#7A5195"),
    Series("entering_mrr", N_("Entering the segment"), "#009E73"),
    Series("contraction_mrr", N_("Contraction"), "#E69F00"),
    Series("churned_mrr", N_("Churn"), "#C44E00", is_hatched=True),
    Series("leaving_mrr", N_("Leaving the segment"), "#CC79A7"),
    Series("fx_impact", N_("FX impact"), "#8A9099"),
)
LOSSES = frozenset({"contraction_mrr", "churned_mrr", "leaving_mrr"})
"""Metrics that are counted upwards and drawn downwards."""

ACCENT = "#3B5BDB"
_LAYER_ENDS = ((0x27, 0x3F, 0x8F), (0xB4, 0xC6, 0xF5))
_WHEEL = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A5195", "#8A9099")


def layer_series(names: Sequence[str]) -> list[Series]:
    """Layers from the oldest, darkest, to the newest, lightest."""
    last = max(len(names) - 1, 1)
    found = []
    for place, name in enumerate(names):
        mixed = (
            round(old + (new - old) * place / last)
            for old, new in zip(*_LAYER_ENDS, strict=True)
        )
        found.append(Series(name, name, "#" + "".join(f"{part:02X}" for part in mixed)))
    return found


def line(
    points: Sequence[Point],
    series: Sequence[Series],
    frame: Frame,
    *,
    reference: float | None = None,
    beside: Beside = NOTHING,
) -> Any:
    """Values over time as lines, one a series; a gap where a value is not known."""
    colour = _colour(series, frame)
    # A rate near 100% would be a flat line on an axis that begins at zero.
    is_from_zero = frame.unit in (Unit.MONEY, Unit.COUNT)
    y = _y(frame, "value:Q", is_from_zero=is_from_zero)
    base = alt.Chart(_data(points)).encode(x=_x(points, frame), y=y)
    layers = [
        # What speaks are the dots, or the columns over them: a line would read out raw fields.
        base.mark_line(strokeWidth=2, strokeJoin="round", aria=False).encode(color=colour),
        base.mark_point(filled=True, size=28, opacity=1, aria=len(series) > 1).encode(
            color=colour, **_opening(), **({} if len(series) == 1 else _speaking())
        ),
    ]
    layers[:0] = _compared(reference, beside, frame, is_from_zero=is_from_zero)
    layers += _planned(points, beside.plan, frame, is_from_zero=is_from_zero)
    if len(series) == 1:
        # The whole column answers to the pointer, not only the dot on the line.
        layers.append(
            alt.Chart(_data(points))
            .mark_rect(opacity=0)
            .encode(x=_x(points, frame), y=alt.value(0), y2=alt.value(frame.height), **_speaking())
        )
    return framed([*layers, *_noted(points, frame)], frame)


def bars(
    points: Sequence[Point],
    series: Sequence[Series],
    frame: Frame,
    *,
    reference: float | None = None,
    beside: Beside = NOTHING,
) -> Any:
    """Values over time as bars; several series are stacked."""
    layers = [
        _stack(points, series, frame), *_compared(reference, beside, frame),
        *_planned(points, beside.plan, frame),
    ]
    return framed([*layers, *_noted(points, frame)], frame)


def movements(points: Sequence[Point], series: Sequence[Series], frame: Frame) -> Any:
    """MRR movements: gains stacked upwards, losses downwards, net new MRR as a tick on them.

    Points of the series `net_new_mrr` become the ticks; losses must come negative.
    """
    net = [point for point in points if point.series == "net_new_mrr"]
    moved = [point for point in points if point.series != "net_new_mrr"]
    layers = [_stack(moved, series, frame), _rule(0, frame)]
    if net:
        ticks = alt.Chart(_data(net)).mark_tick(thickness=2, color=INK)
        layers.append(
            ticks.encode(x=_x(net, frame), y=_y(frame, "value:Q"), **_speaking(), **_opening())
        )
    return framed([*layers, *_noted(points, frame)], frame)


def layers(points: Sequence[Point], series: Sequence[Series], frame: Frame) -> Any:
    """Revenue layers: each period's value split by when the accounts began, oldest at the foot."""
    return framed([_stack(points, series, frame), *_noted(points, frame)], frame)


def chart_of(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    unit: Unit,
    currency: str,
    as_of: str,
    annotations: Sequence[Dated] = (),
    periods: Sequence[Period] = (),
) -> Any:
    """One metric over time as an Altair chart, one series a segment.

    Parameters
    ----------
    rows : sequence of mapping
        As a Result has them; those of the metric `name` are drawn.
    periods : sequence of Period
        Those that were asked for: what `annotations` fall into.
    """
    metric = METRICS[name]
    rows = [row for row in rows if row["metric"] == name]
    names = list(dict.fromkeys(_segment(row) or metric.label for row in rows))
    series = [Series(n, n, _WHEEL[i % len(_WHEEL)]) for i, n in enumerate(names)]
    points = [
        Point(
            row["period"], _segment(row) or metric.label, row["value"],
            about=f"{_segment(row) or metric.label}, {row['period']}: {row['value']}",
            is_open=row["open"],
        )
        for row in rows
    ]
    shown = list(dict.fromkeys(point.period for point in points))
    step = max(1, len(shown) // 12)
    labels = {p: p[:7] if i % step == 0 else "" for i, p in enumerate(shown)}
    noted = notes(numbered(annotations, periods))
    frame = Frame(640, 240, unit, labels, has_legend=len(series) > 1, notes=noted)
    draw = bars if metric.chart.kind == "bars" else line
    measured = currency if unit is Unit.MONEY else unit.value
    return draw(points, series, frame, reference=metric.chart.reference).properties(
        title=alt.Title(metric.label, subtitle=f"as of {as_of}, {measured}")
    )


def _segment(row: Mapping[str, Any]) -> str:
    return ", ".join(str(value) for value in row["segment"].values())


def _data(points: Sequence[Point]) -> Any:
    return alt.InlineData(
        values=[
            {
                "period": p.period, "series": p.series, "value": p.value, "about": p.about,
                "href": placed(p.href), "faint": 0.45 if p.is_open else 1,
            }
            for p in points
        ]
    )


def _x(points: Sequence[Point], frame: Frame) -> Any:
    periods = list(dict.fromkeys(point.period for point in points))
    shown = {p: text for p, text in frame.labels.items() if text and p in periods}
    axis = alt.Axis(
        title=None, labelAngle=0, values=list(shown), labelExpr=f"({_object(shown)})[datum.value]",
        ticks=False, domain=False, labelPadding=8, grid=False, labelOverlap=False,
    )
    scale = alt.Scale(type="band", paddingInner=0.28, paddingOuter=0.14)
    return alt.X("period:O", sort=periods, axis=axis, scale=scale)


def _object(texts: AxisLabels) -> str:
    """A Vega expression: an object with these texts. JSON is one, whatever the texts hold."""
    return json.dumps(dict(texts))


def _y(frame: Frame, field: str, *, is_from_zero: bool = True) -> Any:
    # d3 writes billions as G.
    expression = "datum.value === 0 ? '0' : replace(replace(datum.label, 'G', 'B'), 'k', 'K')"
    formats = {Unit.PERCENT: "~%", Unit.MONEY: "~s", Unit.COUNT: "~s"}
    axis = alt.Axis(
        title=None, format=formats.get(frame.unit, "~g"), labelExpr=expression, tickCount=5,
        domain=False, ticks=False, labelPadding=8,
    )
    return alt.Y(field, axis=axis, scale=alt.Scale(zero=is_from_zero))


def _colour(series: Sequence[Series], frame: Frame) -> Any:
    return alt.Color(
        "series:N",
        scale=alt.Scale(domain=[s.name for s in series], range=[s.colour for s in series]),
        legend=alt.Legend(title=None) if frame.has_legend else None,
    )


def _speaking() -> dict[str, Any]:
    return {"href": "href:N", "description": "about:N"}


def _opening() -> dict[str, Any]:
    return {"opacity": alt.Opacity("faint:Q", scale=None, legend=None)}


def _stack(points: Sequence[Point], series: Sequence[Series], frame: Frame) -> Any:
    order = {s.name: place for place, s in enumerate(series)}
    ordered = sorted(points, key=lambda p: (p.period, order[p.series]))
    stacked = alt.Chart(_data([p for p in ordered if p.value])).mark_bar()
    return stacked.transform_calculate(
        place=f"({_object({k: str(v) for k, v in order.items()})})[datum.series]"
    ).encode(
        x=_x(points, frame),
        y=_y(frame, "value:Q"),
        color=_colour(series, frame),
        order=alt.Order("place:Q"),
        **_speaking(),
        **_opening(),
    )


def _rule(value: float, frame: Frame, *, is_from_zero: bool = True) -> Any:
    return (
        alt.Chart(alt.InlineData(values=[{"at": value}]))
        .mark_rule(
            color=MUTED, strokeDash=[] if value == 0 else [4, 4], strokeWidth=1, aria=False
        )
        .encode(y=_y(frame, "at:Q", is_from_zero=is_from_zero))
    )


def _compared(
    reference: float | None, beside: Beside, frame: Frame, *, is_from_zero: bool = True
) -> list[Any]:
    """A metric's own reference line, and the band or line of a benchmark."""
    layers = []
    low, high = beside.low, beside.high
    bounds = {bound for bound in (low, high) if bound is not None}
    if len(bounds) == 2:
        data = alt.InlineData(values=[{"at": low, "to": high}])
        band = alt.Chart(data).mark_rect(color=MUTED, opacity=0.18, aria=False)
        layers.append(
            band.encode(y=_y(frame, "at:Q", is_from_zero=is_from_zero), y2=alt.Y2("to:Q"))
            .properties(name="benchmark")
        )
        bounds = set()
    if reference is not None:
        bounds.add(reference)
    return layers + [_rule(at, frame, is_from_zero=is_from_zero) for at in sorted(bounds)]


def _planned(
    points: Sequence[Point], plan: Sequence[Point], frame: Frame, *, is_from_zero: bool = True
) -> list[Any]:
    """The way to a goal: dashed, over what is drawn."""
    shown = {point.period for point in points}
    own = [point for point in plan if point.period in shown]
    if not own:
        return []
    base = alt.Chart(_data(own)).encode(
        x=_x(points, frame), y=_y(frame, "value:Q", is_from_zero=is_from_zero),
        detail="series:N",
    )
    line = base.mark_line(color=INK, strokeWidth=1.5, strokeDash=[5, 4], aria=False)
    ends = base.mark_point(color=INK, filled=False, size=36, shape="diamond")
    return [line.properties(name="plan"), ends.encode(description="about:N")]


def _noted(points: Sequence[Point], frame: Frame) -> list[Any]:
    """A thin rule for each period with notes, and their numbers above the plot."""
    periods = {point.period for point in points}
    shown = [note for note in frame.notes if note.period in periods]
    if not shown:
        return []
    data = alt.InlineData(
        values=[{"period": n.period, "note": n.label, "about": n.about} for n in shown]
    )
    base = alt.Chart(data).encode(x=_x(points, frame))
    rules = base.mark_rule(color=MUTED, strokeDash=[2, 3], strokeWidth=1, aria=False)
    numbers = base.mark_text(color=INK, fontSize=11, fontWeight="bold", baseline="bottom")
    return [
        rules.encode(y=alt.value(0), y2=alt.value(frame.height)).properties(name="notes"),
        numbers.encode(y=alt.value(-3), text="note:N", description="about:N"),
    ]


def framed(parts: Sequence[Any], frame: Frame) -> Any:
    """Layers as one chart of a frame's size, in the colours that pages replace."""
    text = {"labelColor": MUTED, "titleColor": INK, "labelFontSize": 11}
    return (
        alt.layer(*parts)
        .properties(width=frame.width, height=frame.height)
        .configure(font="system-ui, sans-serif", background="transparent")
        .configure_view(stroke=None)
        .configure_axis(gridColor=GRID, **text)
    )


_PLACE = "https://page.invalid"
"""Stands before paths while a chart is drawn: the renderer completes bare ones with its own."""


def placed(href: str) -> str | None:
    """A path as marks carry it while a chart is drawn; None without one."""
    return _PLACE + href if href else None


_DRAWN_LINK = re.compile(r'<a xlink:href="' + re.escape(_PLACE))
_NO_LINK = re.compile(r'<a xlink:href="(?!' + re.escape(_PLACE) + r')[^"]*">(.*?)</a>')
"""The renderer makes a link of a mark without an address too."""
_MARK = re.compile(r'<path aria-label="([^"]*)"([^>]*)/>')


def svg(chart: Any, *, label: str, name: str, hatched: Sequence[Series] = ()) -> str:
    """The chart as SVG to stand in a page: no styles, no scripts, no references outwards.

    Parameters
    ----------
    label : str
        What the chart shows, for screen readers.
    name : str
        Unique in the page: patterns are named after it.
    hatched : sequence of Series
        Series whose colour becomes a hatching.
    """
    import vl_convert

    # Altair's own check against the schema takes longer than the drawing.
    made = chart.to_dict(validate=False)
    drawn: str = vl_convert.vegalite_to_svg(made, allowed_base_urls=[])
    # The table under the chart holds the same links: the keyboard need not walk through each mark.
    drawn = _NO_LINK.sub(r"\1", drawn)
    drawn = _DRAWN_LINK.sub('<a tabindex="-1" href="', drawn)
    drawn = _MARK.sub(r'<path aria-label="\1"\2><title>\1</title></path>', drawn)
    patterns = ""
    for place, series in enumerate(hatched):
        key = f"hatch-{name}-{place}"
        drawn = drawn.replace(f'fill="{series.colour}"', f'fill="url(#{key})"')
        patterns += hatch(key, series.colour)
    head = f'<svg role="group" aria-label="{escape(label, quote=True)}" class="marks"'
    drawn = drawn.replace('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink='
                          '"http://www.w3.org/1999/xlink" version="1.1" class="marks"',
                          head, 1)
    return re.sub(r"(<svg[^>]*>)", r"\1" + f"<defs>{patterns}</defs>" if patterns else r"\1",
                  drawn, count=1)


def hatch(key: str, colour: str) -> str:
    """An SVG pattern of diagonal lines, named `key`."""
    return (
        f'<pattern id="{key}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{colour}" '
        f'fill-opacity=".28"/><rect width="3" height="6" fill="{colour}"/></pattern>'
    )

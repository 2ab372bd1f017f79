"""Benchmarks beside a number: on cards, under a metric's chart, in its definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.statistics.proportions import share
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Metric
from staycurve.metrics.benchmark import LEVELS
from staycurve.metrics.benchmarks import Fitting, drawn, fitting, judged
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.describe import bound_text

_PER = {
    "day": N_("%s a day"), "week": N_("%s a week"), "month": N_("%s a month"),
    "quarter": N_("%s a quarter"), "year": N_("%s a year"),
}
_PLACES = {"below": N_("below it"), "within": N_("within it"), "above": N_("above it")}
_TONES = {"good": N_("%s, better"), "bad": N_("%s, worse"), "neutral": "%s"}


@dataclass(frozen=True)
class Line:
    """A benchmark in words.

    Attributes
    ----------
    level, band, source : str
        What the band describes; it in the metric's unit; who says so, with what must be known.
    standing : str
        Where the number stands to it; empty without one.
    tone : str
        'good' and 'bad' only where the difference is statistically significant.
    """

    level: str
    band: str
    source: str
    standing: str = ""
    tone: str = "neutral"
    why_not: str = ""


def every(ask: Ask, name: str) -> tuple[Fitting, ...]:
    """A metric's benchmarks at the page's grain and in its segment, those that apply first."""
    company = ask.company
    context = company.benchmark_context(ask.seen, ask.filters)
    return fitting(name, company.config, grain=ask.grain, context=context)


def lines(
    ask: Ask, name: str, *, value: float | None = None, counts: tuple[int, int] | None = None,
    has_all: bool = False,
) -> list[Line]:
    """A metric's benchmarks in words.

    Parameters
    ----------
    value : float, optional
        The number that they stand beside.
    counts : tuple of int, optional
        What it is a share of, where it is one of accounts: then an interval is known.
    has_all : bool
        Whether those that do not apply are told too, with the reason.
    """
    metric = METRICS[name]
    found = [one for one in every(ask, name) if has_all or not one.why_not]
    return [_line(one, metric, value, counts) for one in found]


def on_card(ask: Ask, name: str) -> str:
    """The one benchmark that stands beside a number on a card; empty without any."""
    one = drawn(every(ask, name))
    if one is None:
        return ""
    text = _("Benchmark: %s") % band(METRICS[name], one)
    return text if not one.is_own else _("Your benchmark: %s") % band(METRICS[name], one)


def bounds(ask: Ask, name: str) -> tuple[float | None, float | None]:
    """The band that a chart draws."""
    one = drawn(every(ask, name))
    return (one.at_least, one.at_most) if one else (None, None)


def told(found: Sequence[Fitting]) -> list[dict[str, Any]]:
    """As JSON."""
    return [dict(one.as_dict()) for one in found]


def band(metric: Metric, one: Fitting) -> str:
    """Its bounds here, and as they were stated where that was for another length of period."""
    shown = _band(metric, one.at_least, one.at_most, one.per)
    if not one.is_translated:
        return shown
    stated = one.benchmark
    at = _band(metric, stated.at_least, stated.at_most, stated.grain)
    return _("%(band)s (from %(stated)s)") % {"band": shown, "stated": at}


def _band(metric: Metric, low: float | None, high: float | None, per: str) -> str:
    least, most = bound_text(metric, low), bound_text(metric, high)
    if low is not None and high is not None:
        text = least if low == high else _("%(low)s to %(high)s") % {"low": least, "high": most}
    else:
        text = _("at least %s") % least if low is not None else _("at most %s") % most
    return _(_PER[per]) % text if per else text


def _line(
    one: Fitting, metric: Metric, value: float | None, counts: tuple[int, int] | None
) -> Line:
    stated = one.benchmark
    is_plain = one.is_own or stated.level == "definition"
    year = str(stated.year) if stated.year else "" if is_plain else _("year not stated")
    parts = [_(stated.source) if stated.source else "", year]
    if stated.companies:
        parts.append(_("companies: %s") % f"{stated.companies:,}")
    elif not is_plain:
        parts.append(_("number of companies not stated"))
    parts.append(_("second-hand") if stated.is_second_hand else "")
    source = ", ".join(part for part in parts if part)
    wider = _("It speaks of all accounts.") if one.is_wider else ""
    told_of = ". ".join(part for part in (source, _(stated.note) if stated.note else "") if part)
    made = Line(
        _(LEVELS[stated.level]), band(metric, one), f"{told_of} {wider}".strip(),
        why_not=one.why_not,
    )
    if value is None or one.why_not:
        return made
    interval = None
    if counts is not None:
        known = share(*counts)
        if known.low is not None and known.high is not None:
            interval = (known.low, known.high)
    place, tone = judged(value, one, better=metric.better, interval=interval)
    words = _(_TONES[tone]) % _(_PLACES[place])
    if interval is not None and place != "within" and tone == "neutral":
        words = _("%s, not statistically significant") % words
    return Line(made.level, made.band, made.source, words, tone)

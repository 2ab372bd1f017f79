"""Where accounts stand on their way: the page at /lifecycle."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.acquisition.acquisition_rows import KINDS as REACH
from staycurve.insights.lifecycle.rules import rules as in_force
from staycurve.insights.lifecycle.stage_indicators import indicators
from staycurve.insights.lifecycle.stage_times import times
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.acquisition_page import loaded_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chooser, month_choice, month_of
from staycurve.interfaces.web.lifecycle_stages import FIGURES, FLOW, IN_STAGES, STUCK
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    nothing,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period


def _times(ask: Ask) -> Shown:
    found = answer_of(ask, times)
    if not found.rows:
        return nothing(ask, told(found.why))
    lines = []
    for row in found.rows:
        ends = ""
        if row.low is not None:
            high = row.high if row.high is not None else "…"
            ends = _("%(low)s to %(high)s") % {"low": row.low, "high": high}
        median = Cell(
            numbers.full(row.median_days, Unit.COUNT), about=told(row.why),
            beneath=ends,
        )
        lines.append(Line(
            words(_(row.label)),
            [median, count(row.visits, _visits_at(ask, row.stage)),
             count(row.left, _visits_at(ask, row.stage, has_ended=True)),
             count(row.still, _visits_at(ask, row.stage, has_ended=False))],
            row.is_small,
        ))
    heads = [
        Head(_("Stage")), Head(_("Median days"), _("Visits that still run count as long as they "
                                                   "have been seen")),
        Head(_("Visits")), Head(_("Ended")), Head(_("Still in it")),
    ]
    return shown([row.as_dict() for row in found.rows], Reading(
        tables=[Table(_("Time in each stage"), heads, lines)],
        notes=[_("An account may visit a stage several times. Under each median stands its 95% "
                 "interval.")],
    ))


def _metric_at(ask: Ask, name: str, period: Period) -> str:
    return ask.opens(name, period)


def _visits_at(ask: Ask, stage: str, *, has_ended: bool | None = None) -> str:
    ended = None if has_ended is None else str(has_ended).lower()
    return ask.url("/lifecycle/visits", stage=stage, has_ended=ended)


def _indicators(ask: Ask) -> Shown:
    period = month_of(ask)
    found = answer_of(ask, indicators, period=str(period.start)[:7])
    lines, rows = [], []
    stage = ""
    for row in found.rows:
        metric = METRICS[row.metric]
        name, earlier = row.metric, period.previous(ask.fiscal)
        opens = loaded_at if name in REACH else _metric_at
        href = opens(ask, name, period)
        rows.append({**row.as_dict(), "rows_at": href if row.value is not None else None})
        delta = numbers.delta(row.value, row.previous, metric.unit, metric.better)
        moved = f"{delta.arrow} {delta.size}" if delta else ""
        lines.append(Line(
            words(_(row.label) if row.stage != stage else ""),
            [
                words(_(metric.label), ask.defines(row.metric), about=_(row.about)),
                Cell(
                    numbers.full(row.value, metric.unit, ask.currency),
                    href if row.value is not None else "", told(row.why),
                ),
                Cell(
                    numbers.full(row.previous, metric.unit, ask.currency),
                    opens(ask, name, earlier) if row.previous is not None else "",
                ),
                Cell(moved, about=delta.words if delta else ""),
            ],
        ))
        stage = row.stage
    heads = [
        Head(_("Stage")), Head(_("Indicator"), is_text=True), Head(ask.label(period)),
        Head(ask.label(period.previous(ask.fiscal))), Head(_("Change")),
    ]
    return shown(rows, Reading(tables=[Table(_("Indicators by stage"), heads, lines)]))


def _rules(ask: Ask) -> Shown:
    found = answer_of(ask, in_force)
    rules = [
        Line(words(str(place)), [words(_(row.label)), words(_(row.words))])
        for place, row in enumerate(found.rows, start=1)
    ]
    limits = [
        Line(words(row.key), [
            Cell(str(row.value)), Cell(str(row.default)), words(_(row.about)),
            words(_(row.why)),
        ])
        for row in found.thresholds
    ]
    return shown([row.as_dict() for row in found.rows], Reading(
        tables=[
            Table(
                _("Rules"),
                [Head("#"), Head(_("Stage"), is_text=True), Head(_("The account …"), is_text=True)],
                rules, is_folded=True, title=_("The rules, in their order: the first that holds"),
            ),
            Table(
                _("Numbers in the rules"),
                [Head(_("Key")), Head(_("Now")), Head(_("Default")),
                 Head(_("Meaning"), is_text=True), Head(_("Reason"), is_text=True)],
                limits, is_folded=True, title=_("The numbers in them"),
            ),
        ],
    ), {"thresholds": [one.as_dict() for one in found.thresholds]})


LIFECYCLE = Page(
    address="/lifecycle",
    place=80,
    title=N_("Lifecycle"),
    question=N_("Which stage are accounts in, and who is stuck?"),
    panels=(
        chooser(month_choice),
        FIGURES,
        IN_STAGES,
        FLOW,
        Panel("times", N_("Time in each stage"), N_("How long do accounts stay in a stage?"),
              "reading.html", _times, is_late=True),
        STUCK,
        Panel("indicators", N_("Indicators"), N_("How is each stage doing?"), "reading.html",
              _indicators, is_late=True),
        Panel("rules", N_("Rules"), N_("When is an account in which stage?"), "reading.html",
              _rules),
    ),
    has_controls=False,
    needs=("accounts", "leads"),
    group=Group.BEHAVIOUR,
    options=("period",),
)

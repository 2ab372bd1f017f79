"""How tickets are handled, and who waits: the page at /support."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Answer
from staycurve.insights.base import Insight
from staycurve.insights.voice.solved import after
from staycurve.insights.voice.support import figures
from staycurve.insights.voice.waiting import backlog, largest
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import answered
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chooser, chosen_of, switch_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Reading, about_95, nothing, shown, told
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

SPLITS = {"channel": N_("Channel"), "priority": N_("Priority"), "topic": N_("Topic")}


def _hours(value: float | None) -> str:
    if value is None:
        return numbers.UNKNOWN
    if value < 48:
        return _("%s h") % numbers.full(round(value, 1), Unit.RATIO)
    return _("%s days") % numbers.full(round(value / 24, 1), Unit.RATIO)


def _figures(ask: Ask) -> Shown:
    found = answer_of(ask, figures)
    if not found.rows:
        return nothing(ask, told(found.why), "tickets")
    row = found.rows[0]
    cards = [
        Card("first_response", _("First response, median"), _hours(row.first_response_median),
             str(row.first_response_median),
             why=told(row.response_why) if row.first_response_median is None else "",
             note=_("90%% within %s") % _hours(row.first_response_p90)
             if row.first_response_p90 is not None else ""),
        Card("solution", _("Solution, median"), _hours(row.solution_median),
             str(row.solution_median),
             why=told(row.solution_why) if row.solution_median is None else "",
             note=_("90%% within %s") % _hours(row.solution_p90)
             if row.solution_p90 is not None else ""),
        Card("fcr", _("First contact resolution"), numbers.compact(row.fcr, Unit.PERCENT),
             str(row.fcr), why=told(row.fcr_why), note=about_95(row.fcr_low, row.fcr_high),
             defined_at=ask.defines("fcr")),
        Card("reopened", _("Reopened"), numbers.compact(row.reopen_rate, Unit.PERCENT),
             str(row.reopen_rate), why=told(row.reopen_why),
             note=about_95(row.reopen_low, row.reopen_high)),
        Card("opened", _("Tickets opened"), numbers.full(row.opened, Unit.COUNT),
             note=_("%s per account that opened any")
             % numbers.full(round(row.tickets_per_account, 2), Unit.RATIO)
             if row.tickets_per_account is not None else ""),
        Card("unanswered", _("Unanswered"), numbers.full(row.unanswered, Unit.COUNT),
             href=f"{ask.url()}#largest" if row.unanswered else ""),
    ]
    when = _("%(from)s to %(to)s") % {"from": found.period_from, "to": found.period_to}
    notes = [] if found.hours == "always" else [
        _("Times are in support hours: %s.") % found.hours
    ]
    return shown(
        [one.as_dict() for one in found.rows], Reading(cards=cards, when=when, notes=notes),
        {"hours": found.hours},
    )


def _split(ask: Ask) -> Shown:
    by = chosen_of(ask, "by", SPLITS, "channel")
    found = answered(ask, figures, answer_of(ask, figures, by=by))
    reading: Reading = found.view["reading"]
    switch = switch_of(ask, "by", "by", _("Split by"), SPLITS, "channel")
    return replace(found, view={"reading": replace(reading, switches=[switch])})


def _shows(insight: Insight[Any, Any]) -> Callable[[Ask], Shown]:
    def show(ask: Ask) -> Shown:
        answer: Answer = answer_of(ask, insight)
        return answered(ask, insight, answer)

    return show


SUPPORT = Page(
    address="/support",
    place=95,
    title=N_("Support"),
    question=N_("How fast are customers helped, and who waits?"),
    panels=(
        chooser(relation="tickets"),
        Panel("figures", N_("At a glance"), N_("How fast are tickets answered and solved?"),
              "reading.html", _figures),
        Panel("largest", N_("Who to call first"), N_("Which of the largest customers wait?"),
              "reading.html", _shows(largest)),
        Panel("backlog", N_("Open tickets"), N_("What is open, and for how long?"),
              "reading.html", _shows(backlog)),
        Panel("by", N_("By channel, priority and topic"), N_("Where does it take longer?"),
              "reading.html", _split),
        Panel("after", N_("After a ticket"),
              N_("Are customers happier when the first contact solves it?"), "reading.html",
              _shows(after)),
    ),
    has_controls=False,
    needs=("tickets",),
    group=Group.BEHAVIOUR,
    options=("by",),
)

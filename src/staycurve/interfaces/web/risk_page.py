"""Risk and its track record: the pages at /risk and /track-record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Answer
from staycurve.insights.base import Insight
from staycurve.insights.risk.fired import fired
from staycurve.insights.risk.misses import misses
from staycurve.insights.risk.months import entering_months
from staycurve.insights.risk.scores import scores
from staycurve.insights.risk.stages import stages
from staycurve.insights.risk.triggers import triggers
from staycurve.interfaces.web.answered import answered, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Page, Panel, Shown
from staycurve.interfaces.web.reading import Head, Line, Table, words
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.track_record import show_backtest


def _shows(insight: Insight[Any, Any]) -> Callable[[Ask], Shown]:
    def show(ask: Ask) -> Shown:
        answer: Answer = answer_of(ask, insight)
        return answered(ask, insight, answer)

    return show


def _months(ask: Ask) -> Shown:
    answer = answer_of(ask, entering_months)
    found = answered(ask, entering_months, answer)
    if answer.why:
        return found
    lines = [
        Line(words(_(one.title), ask.at(f"/playbooks/{one.playbook}")),
             [words(_("on") if one.is_on else _("off"))])
        for one in answer.playbooks
    ]
    heads = [Head(_("Playbook"), is_text=True), Head(_("State"), is_text=True)]
    title = _("Playbooks that meet them")
    met = [Table(title, heads, lines, title=title)] if lines else []
    reading = replace(found.view["reading"], tables=[*tables(ask, answer, "rows"), *met])
    return replace(found, view={**found.view, "reading": reading})


RISK = Page(
    address="/risk",
    place=34,
    title=N_("Risk"),
    question=N_("Which accounts may churn, and on what evidence?"),
    panels=(
        Panel("scores", N_("Health"), N_("How likely is churn, account by account?"),
              "reading.html", _shows(scores), is_late=True),
        Panel("fired", N_("Accounts under a trigger"), N_("Who stands under which sign now?"),
              "reading.html", _shows(fired), is_late=True),
        Panel("months", N_("Risky months ahead"),
              N_("Who enters one of the riskiest subscription months?"), "reading.html", _months,
              is_late=True),
    ),
    has_controls=False,
    can_be_cut=False,
)

TRACK_RECORD = Page(
    address="/track-record",
    place=35,
    title=N_("Track record"),
    question=N_("How good were churn probabilities, and which accounts did they miss?"),
    panels=(
        Panel("backtest", N_("Backtest"), N_("Do they beat a plain baseline?"), "reading.html",
              show_backtest, is_late=True),
        Panel("stages", N_("By lifecycle stage"),
              N_("Does a stage need a model of its own?"), "reading.html", _shows(stages),
              is_late=True),
        Panel("misses", N_("Misses"), N_("Who churned while health called them healthy?"),
              "reading.html", _shows(misses), is_late=True),
        Panel("triggers", N_("Churn triggers"), N_("Which signs went before churn here?"),
              "reading.html", _shows(triggers), is_late=True),
    ),
    has_controls=False,
    can_be_cut=False,
)

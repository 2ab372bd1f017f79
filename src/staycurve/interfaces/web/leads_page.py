"""Which open leads are likely to be won, and how good that score is: the page at /scores."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.fit.leads import LeadScores, leads
from staycurve.interfaces.web.answered import sentences, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Reading, nothing, shown, told


def _found(ask: Ask) -> LeadScores:
    return answer_of(ask, leads)


def _leads(ask: Ask) -> Shown:
    found = _found(ask)
    if found.why:
        return nothing(ask, told(found.why), "leads")
    reading = Reading(said=sentences(found), tables=tables(ask, found, "rows"))
    return shown([row.as_dict() for row in found.rows], reading)


def _record(ask: Ask) -> Shown:
    found = _found(ask)
    if found.auc_why:
        return nothing(ask, told(found.auc_why), "leads")
    rows = [row.as_dict() for row in found.calibration]
    keys = ("auc", "auc_low", "auc_high", "baseline_auc", "beats_baseline", "brier", "tested")
    return shown(
        rows, Reading(tables=tables(ask, found, "calibration", "by_fit")),
        {key: getattr(found, key) for key in keys},
    )


LEADS = Page(
    address="/scores",
    place=34,
    title=N_("Leads"),
    question=N_("Which open leads are likely to be won, why, and how good is the score?"),
    panels=(
        Panel("leads", N_("Open leads"), N_("Which leads are likely to be won?"), "reading.html",
              _leads),
        Panel("record", N_("Track record"), N_("How good was the score on later leads?"),
              "reading.html", _record),
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    needs=("leads",),
    can_be_cut=False,
)

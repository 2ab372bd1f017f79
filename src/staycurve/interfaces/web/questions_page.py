"""Every question that can be asked: the page at /questions."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Head, Line, Reading, Table, shown, words
from staycurve.interfaces.web.texts import _


def _questions(ask: Ask) -> Shown:
    found = sorted((one for _name, one in INSIGHTS.items()), key=lambda one: one.name)
    rows = [
        {"name": one.name, "question": one.question, "page": one.page} for one in found
    ]
    heads = [
        Head(_("Question"), is_text=True), Head(_("Command"), is_text=True),
        Head(_("Address"), is_text=True),
    ]
    lines = [
        Line(
            words(_(one.question), ask.url(one.page)),
            [words(f"staycurve {one.name}"), words(f"/api/v1/{one.name.replace(' ', '/')}")],
        )
        for one in found
    ]
    return shown(rows, Reading(tables=[Table(_("Questions"), heads, lines)]))


QUESTIONS = Page(
    address="/questions",
    place=115,
    title=N_("Questions"),
    question=N_("What can be asked?"),
    panels=(
        Panel("questions", N_("Questions"), N_("Each has a page, a command and an API route."),
              "reading.html", _questions),
    ),
    has_controls=False,
    needs=(),
    group=Group.BOOKS,
    can_be_cut=False,
)

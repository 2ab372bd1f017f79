"""The page at /greetings."""

from __future__ import annotations

from staycurve_outside.insights import newest

from staycurve.interfaces.web.answered import sentences, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Reading, shown


def _newest(ask: Ask) -> Shown:
    found = answer_of(ask, newest)
    reading = Reading(said=sentences(found), tables=tables(ask, found))
    return shown([row.as_dict() for row in found.rows], reading)


GREETINGS = Page(
    address="/greetings",
    title="Greetings",
    question="Whom is there to welcome?",
    panels=(
        Panel("newest", "New customers", "Who first paid, and when?", "reading.html", _newest),
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    can_be_cut=False,
)

"""What helped, and what cannot be said yet: the page at /effects."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.effects.show import listed, show
from staycurve.interfaces.web.answered import sentences, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Reading, shown, told
from staycurve.interfaces.web.texts import _


def _experiments(ask: Ask) -> Shown:
    found = answer_of(ask, listed)
    if found.why:
        return shown((), Reading(why=told(found.why)), {"why": found.why})
    return shown([row.as_dict() for row in found.rows], Reading(tables=tables(ask, found)))


def _looks(ask: Ask) -> Shown:
    every = answer_of(ask, listed)
    if every.why:
        return shown((), Reading(why=told(every.why)), {"why": every.why})
    rows, lines, parts, notes = [], [], [], []
    for one in every.rows:
        found = answer_of(ask, show, name=one.name)
        lines += [f"{one.name}: {text}" for text in sentences(found)]
        parts += tables(ask, found)
        notes += [_(note) for note in found.notes if _(note) not in notes]
        rows += [{"name": one.name, **row.as_dict()} for row in found.rows]
    return shown(rows, Reading(said=lines, tables=parts, notes=notes))


EFFECTS = Page(
    address="/effects",
    place=95,
    title=N_("Effects"),
    question=N_("Did what we did help, and what cannot be said yet?"),
    panels=(
        Panel("experiments", N_("Experiments"), N_("Where does each stand?"), "reading.html",
              _experiments),
        Panel("looks", N_("Looks"), N_("What has each planned look seen?"), "reading.html",
              _looks),
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    can_be_cut=False,
)

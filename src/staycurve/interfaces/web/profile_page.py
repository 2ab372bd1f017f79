"""Who is like the best customers, and who is not: the page at /profile."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.fit.brief import brief
from staycurve.insights.fit.channels import channels
from staycurve.insights.fit.profile import Profile, anti, profile
from staycurve.insights.fit.worth import BESTS
from staycurve.interfaces.web.answered import sentences, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chosen_of, switch_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Reading, Switch, shown, told
from staycurve.interfaces.web.texts import _

_BEST = "ltv"


def _best(ask: Ask) -> str:
    return chosen_of(ask, "best", BESTS, _BEST)


def _switch(ask: Ask, panel: str) -> Switch:
    return switch_of(ask, panel, "best", _("Best by"), BESTS, _BEST)


def _found(ask: Ask) -> Profile:
    return answer_of(ask, profile, best=_best(ask))


def _shown(ask: Ask, found: Profile, panel: str, *fields: str) -> Shown:
    switches = [_switch(ask, panel)]
    extra = {"best": found.best, "months": found.months, "accounts": found.accounts}
    if found.why:
        return shown((), Reading(switches=switches, why=told(found.why)), extra)
    rows = getattr(found, fields[0])
    reading = Reading(
        switches=switches, said=sentences(found) if fields[0] == "traits" else (),
        tables=tables(ask, found, *fields), sql=found.sql,
        notes=[_(one) for one in found.notes] if fields[0] == "traits" else (),
    )
    return shown([row.as_dict() for row in rows], reading, extra)


def _traits(ask: Ask) -> Shown:
    return _shown(ask, _found(ask), "traits", "traits")


def _rules(ask: Ask) -> Shown:
    return _shown(ask, _found(ask), "rules", "rules", "alone")


def _anti(ask: Ask) -> Shown:
    return _shown(ask, answer_of(ask, anti, best=_best(ask)), "anti", "traits", "rules")


def _brief(ask: Ask) -> Shown:
    found = answer_of(ask, brief, best=_best(ask))
    switches = [_switch(ask, "brief")]
    if found.why:
        return shown((), Reading(switches=switches, why=told(found.why)))
    return shown([row.as_dict() for row in found.rows], Reading(
        switches=switches, said=sentences(found), tables=tables(ask, found),
        notes=[_(one) for one in found.notes],
    ), {"text": found.text})


def _channels(ask: Ask) -> Shown:
    found = answer_of(ask, channels, best=_best(ask))
    switches = [_switch(ask, "channels")]
    if found.why:
        return shown((), Reading(switches=switches, why=told(found.why)))
    return shown([row.as_dict() for row in found.rows], Reading(
        switches=switches, said=sentences(found), tables=tables(ask, found),
        notes=[_(one) for one in found.notes],
    ), {"rule": found.rule})


PROFILE = Page(
    address="/profile",
    place=32,
    title=N_("Profile"),
    question=N_("What do our best customers have in common, and how sure is that?"),
    panels=(
        Panel("traits", N_("Traits"), N_("What do the best have that others have not?"),
              "reading.html", _traits, is_late=True),
        Panel("rules", N_("Rules"), N_("Which few traits together describe them?"),
              "reading.html", _rules, is_late=True),
        Panel("anti", N_("The opposite"), N_("What do the least valuable have in common?"),
              "reading.html", _anti, is_late=True),
        Panel("channels", N_("Channels"), N_("Which channels bring them, and whom do they bring?"),
              "reading.html", _channels, is_late=True),
        Panel("brief", N_("Brief"), N_("What can be said of them, and what does it rest on?"),
              "reading.html", _brief, is_late=True),
    ),
    has_controls=False,
    group=Group.BEHAVIOUR,
    options=("best",),
    can_be_cut=False,
)

"""Whether a playbook helped: beside its holdout, or where there is none beside similar accounts."""

from __future__ import annotations

from staycurve.experiments import EXPERIMENTS
from staycurve.insights.effects.matched import matched
from staycurve.insights.effects.show import show
from staycurve.interfaces.web.answered import sentences, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Shown
from staycurve.interfaces.web.reading import Reading, shown, told
from staycurve.interfaces.web.texts import _


def effect(ask: Ask, name: str) -> Shown:
    """The effect of one playbook, with its interval or with what is missing."""
    for one in ask.company.config[EXPERIMENTS]:
        if one.playbook == name:
            found = answer_of(ask, show, name=one.name)
            return shown([found.as_dict()], Reading(
                said=sentences(found), tables=tables(ask, found),
                notes=[_(note) for note in found.notes],
            ))
    beside = answer_of(ask, matched, playbook=name)
    return shown([beside.as_dict()], Reading(
        said=sentences(beside), tables=tables(ask, beside) if beside.rows else (),
        why=told(beside.why),
    ))

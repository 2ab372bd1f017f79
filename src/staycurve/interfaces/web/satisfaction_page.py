"""How content customers are, who answers, and who is unhappy: the page at /satisfaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Answer
from staycurve.insights.base import Insight
from staycurve.insights.voice.people import detractors, people
from staycurve.insights.voice.satisfaction import scores
from staycurve.insights.voice.scores import KINDS
from staycurve.insights.voice.silent import silent
from staycurve.insights.voice.trend import GRAINS, Trend, trend
from staycurve.interfaces.web import choices, numbers
from staycurve.interfaces.web.answered import answered, sentences, tables, text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import choice_of, chooser, chosen_of, switch_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Reading, between, nothing, shown, told
from staycurve.interfaces.web.texts import _, plural
from staycurve.metrics.base import Unit
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS

SPLITS = {
    "touchpoint": N_("Touchpoint"), "lifecycle": N_("Lifecycle stage"),
    "tenure": N_("Tenure"), "mrr_band": N_("MRR band"), "survey": N_("Survey"),
}
_GRAINS = {"month": N_("Month"), "quarter": N_("Quarter")}


def _kind(ask: Ask) -> str:
    return chosen_of(ask, "kind", KINDS, "nps")


def _figures(ask: Ask) -> Shown:
    found = answer_of(ask, scores)
    if not found.rows:
        return nothing(ask, told(found.why), "answers")
    cards = []
    for row in found.rows:
        unit = Unit(row.unit)
        ends = between(row.low, row.high) if unit is Unit.PERCENT else _("%(low)s to %(high)s") % {
            "low": text(row.low, unit), "high": text(row.high, unit)}
        notes = [plural("%(n)s answer", "%(n)s answers", row.answers) % {"n": row.answers}]
        if row.response_rate is not None:
            rate = numbers.compact(row.response_rate, Unit.PERCENT)
            notes.append(_("response rate %s") % rate)
        cards.append(Card(
            row.kind, _(KINDS[row.kind]), text(row.value, unit), str(row.value),
            f"{ask.url(kind=row.kind)}#trend", told(row.why),
            note=_("95% interval: {ends}").format(ends=ends) + "; " + "; ".join(notes),
            defined_at=ask.defines(row.kind) if row.kind != "ces" else "",
        ))
    when = _("%(from)s to %(to)s") % {"from": found.period_from, "to": found.period_to}
    return shown([row.as_dict() for row in found.rows], Reading(cards=cards, when=when))


def _splits(ask: Ask) -> dict[str, str]:
    """What scores are split by: what is known of any answer, and attributes of its account."""
    known = known_dims(RELATIONS["nps_answers"], ask.company.attributes())
    return SPLITS | {
        one.name: one.label for one in choices.segments(ask)
        if one.name in known and one.name not in SPLITS
    }


def _split(ask: Ask) -> Shown:
    splits = _splits(ask)
    by = chosen_of(ask, "by", {"": "", **splits}, "touchpoint")
    switch = switch_of(ask, "scores", "by", _("Split by"), splits, "touchpoint")
    found = answer_of(ask, scores, by=by or "touchpoint")
    return _with(answered(ask, scores, found), switch)


def _with(found: Shown, *switches: Any) -> Shown:
    reading: Reading = found.view["reading"]
    return replace(found, view={**found.view, "reading": replace(reading, switches=switches)})


def _trend(ask: Ask) -> Shown:
    kind = _kind(ask)
    grain = chosen_of(ask, "per", GRAINS, "month")
    found: Trend = answer_of(ask, trend, kind=kind, grain=grain)
    switch = switch_of(ask, "trend", "per", _("Per"), _GRAINS, "month")
    if not found.rows:
        return nothing(ask, told(found.why), "answers")
    return shown(
        [row.as_dict() for row in found.rows],
        Reading(switches=[switch], said=sentences(found), tables=tables(ask, found),
                sql=found.sql),
        {"kind": kind, "grain": grain},
    )


def _of_kind(insight: Insight[Any, Any]) -> Callable[[Ask], Shown]:
    def show(ask: Ask) -> Shown:
        answer: Answer = answer_of(ask, insight, kind=_kind(ask))
        return answered(ask, insight, answer)

    return show


SATISFACTION = Page(
    address="/satisfaction",
    place=85,
    title=N_("Satisfaction"),
    question=N_("How content are customers, who does not answer, and who is unhappy?"),
    panels=(
        chooser(
            lambda ask: choice_of(ask, "kind", _("Score"), KINDS, "nps"), relation="nps_answers"
        ),
        Panel("figures", N_("Scores"), N_("How content are customers, and how sure is that?"),
              "reading.html", _figures),
        Panel("trend", N_("Over time"), N_("Is the score moving, or does it only wobble?"),
              "reading.html", _trend),
        Panel("scores", N_("By segment"), N_("Who is more content than others?"), "reading.html",
              _split),
        Panel("silent", N_("Who did not answer"),
              N_("What could the score be if everybody had answered?"), "reading.html",
              _of_kind(silent)),
        Panel("detractors", N_("Unhappy answers"), N_("Who is unhappy, and what is at stake?"),
              "reading.html", _of_kind(detractors)),
        Panel("people", N_("Accounts with several answers"), N_("Where do people differ?"),
              "reading.html", _of_kind(people)),
    ),
    has_controls=False,
    needs=("answers",),
    group=Group.BEHAVIOUR,
    options=("kind", "by", "per"),
)

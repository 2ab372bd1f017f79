"""One survey: the page at /surveys/NAME, with its response, its answers and its versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from staycurve.actions.surveys.definition import ONCE
from staycurve.actions.surveys.gates import REASONS
from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import reading
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Cell, Head, Line, Reading, Table, words
from staycurve.interfaces.web.restated import moment
from staycurve.interfaces.web.surveys_page import survey_at
from staycurve.interfaces.web.texts import _, plural
from staycurve.mail_settings import MAIL
from staycurve.state import survey_mails as mails
from staycurve.workspace import Company
from staycurve.workspace.survey_asking import MAY

SHOWN = 100
_DONE = {
    "sent": N_("The mails wait: each goes out in the working hours of its person."),
    "paused": N_("The survey asks nobody any more. Links that are out still take answers."),
    "resumed": N_("The survey may ask again."),
}


def _name(ask: Ask) -> str:
    return SURVEY.name_in(ask.address)


def act(ask: Ask) -> str:
    """Send, pause or resume, as the form says; where to go then."""
    name, surveys = _name(ask), ask.company.surveys
    asked = ask.form.get("do", "")
    if asked == "send":
        try:
            surveys.asking.mail(surveys.get(name), ask.form.get("where", ""))
        except NotAnsweredError as error:
            raise UsageError(error.message, hint=error.hint) from error
        return f"{survey_at(name)}?done=sent#people"
    if asked in ("pause", "resume"):
        surveys.set_active(name, is_active=asked == "resume")
        return f"{survey_at(name)}?done={asked}d#people"
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def look_up(company: Company, name: str) -> None:
    """Raise for a survey that there is not."""
    company.surveys.get(name)


def _figures(ask: Ask) -> Shown:
    one = ask.company.surveys.standing(_name(ask))
    waiting = one.mails.get(mails.WAITING, 0) + one.mails.get(mails.SENDING, 0)
    failed = one.mails.get(mails.FAILED, 0)
    cards = [
        Card("asked", _("Asked"), reading.whole(one.asked)),
        Card("answered", _("Answered"), reading.whole(one.answered)),
        Card(
            "response_rate", _("Response rate"), reading.percent(one.response.value),
            note=reading.about_95(one.response.low, one.response.high),
            why=_("nobody has been asked yet") if not one.asked else "",
        ),
        Card("mean_score", _("Mean score"), "–" if one.mean is None else f"{one.mean:.1f}"),
    ]
    if waiting or failed:
        cards.append(Card("waiting", _("Mails that wait"), reading.whole(waiting)))
    if failed:
        cards.append(Card("failed", _("Refused by the mail server"), reading.whole(failed)))
    unsure = one.mails.get(mails.UNSURE, 0)
    notes = [plural(
        "%s mail may have arrived or not; it is not sent again.",
        "%s mails may have arrived or not; they are not sent again.", unsure,
    ) % unsure] if unsure else []
    return reading.shown([one.as_dict()], Reading(cards=cards, notes=notes))


def _people(ask: Ask) -> Shown:
    surveys, name = ask.company.surveys, _name(ask)
    survey = surveys.get(name)
    done = ask.options.get("done", "")
    view: dict[str, Any] = {
        "at": survey_at(name), "fault": ask.fault, "done": _(_DONE[done]) if done in _DONE else "",
        "where": ask.form.get("where", ""), "is_active": survey.is_active,
        "can_mail": bool(ask.company.config[MAIL].host), "may": 0, "reasons": [], "why": "",
    }
    try:
        found = surveys.asking.look(survey)
    except NotAnsweredError as error:
        return Shown((), view | {"why": error.message})
    why = Counter(one.why for one in found if one.why)
    view |= {
        "may": sum(one.status == MAY for one in found),
        "reasons": [
            (_(REASONS[reason]), count)
            for reason, count in sorted(why.items(), key=lambda one: (-one[1], one[0]))
        ],
    }
    rows = [{"status": MAY, "people": view["may"]}] + [
        {"status": reason, "people": count} for reason, count in sorted(why.items())
    ]
    return Shown(rows, view)


def _answers(ask: Ask) -> Shown:
    found = ask.company.surveys.answers(_name(ask))
    if not found:
        return reading.shown((), Reading(why=_("nobody has answered yet")))
    heads = [
        Head(_("Answered")), Head(_("Score")), Head(_("What was said"), is_text=True),
        Head(_("User"), is_text=True), Head(_("Account"), is_text=True), Head(_("Version")),
    ]
    lines = [
        Line(
            words(moment(one["answered_at"], ask),
                  beneath="" if one["is_finished"] else _("not finished")),
            [
                Cell("–" if one["score"] is None else str(one["score"])), words(_said(one)),
                words(one["user_id"]),
                words(one["account_id"] or "", account_at(ask, one["account_id"])),
                Cell(str(one["version"])),
            ],
        )
        for one in found[:SHOWN]
    ]
    notes = [_("The first %(shown)s of %(all)s; all: CSV below.") % {
        "shown": SHOWN, "all": len(found)}] if len(found) > SHOWN else []
    table = Table(_("Answers"), heads, lines)
    return reading.shown(_flat(found), Reading(tables=[table], notes=notes))


def _said(row: dict[str, Any]) -> str:
    further = [str(value) for key, value in row.items() if key.startswith("answer_") and value]
    return " · ".join([*filter(None, [row["comment"]]), *further])


def _flat(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every row with every column: versions have their own questions."""
    names = list(dict.fromkeys(name for row in found for name in row))
    return [{name: row.get(name) for name in names} for row in found]


def _versions(ask: Ask) -> Shown:
    found = ask.company.surveys.versions(_name(ask))
    heads = [
        Head(_("Version")), Head(_("Since"), is_text=True), Head(_("Questions"), is_text=True),
        Head(_("Asks again after, days")), Head(_("First after payment, days")),
        Head(_("Sample")),
    ]
    lines = [
        Line(Cell(str(number)), [
            words(moment(at.isoformat(), ask)),
            words(" · ".join([what.question, *(one.question for one in what.questions)])),
            Cell(_("once") if what.cadence_days == ONCE else str(what.cadence_days)),
            Cell(str(what.first_after_days)), Cell(reading.percent(what.rules.sample)),
        ])
        for number, at, what in found
    ]
    rows = [{"version": number, "since": at.isoformat(), "question": what.question}
            for number, at, what in found]
    return reading.shown(rows, Reading(tables=[Table(_("Versions"), heads, lines)]))


SURVEY = Page(
    address="/surveys/{survey}",
    title=N_("Survey"),
    question=N_("How many answered, and what did they say?"),
    panels=(
        Panel("figures", N_("Response"), N_("How many answered?"), "reading.html", _figures,
              needs_data=False),
        Panel("people", N_("Ask"), N_("Who may be asked now, and why not the others?"),
              "survey_people.html", _people, needs_data=False),
        Panel("answers", N_("Answers"), N_("What was said?"), "reading.html", _answers,
              needs_data=False),
        Panel("versions", N_("Versions"), N_("What was asked from when on?"), "reading.html",
              _versions, needs_data=False),
    ),
    has_controls=False,
    is_listed=False,
    needs=(),
    group=Group.BEHAVIOUR,
    heading=_name,
    options=("done",),
    can_be_cut=False,
    takes_forms=True,
    act=act,
    is_kept=False,
    look_up=look_up,
)

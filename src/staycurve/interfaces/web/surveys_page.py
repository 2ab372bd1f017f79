"""Surveys: the page at /surveys, with each survey's response, and a form for another."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from staycurve.actions.surveys import definition
from staycurve.actions.surveys.definition import KINDS
from staycurve.actions.surveys.triggers import AFTER
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import reading
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Cell, Head, Line, Reading, Table, words
from staycurve.interfaces.web.restated import moment
from staycurve.interfaces.web.texts import _

_DONE = {
    "suppressed": N_("The address is not written to any more."),
    "released": N_("The address may be written to again."),
}
_FIELDS = (
    "name", "kind", "question", "comment", "touchpoint", "low", "high", "questions",
    "cadence_days", "first_after_days", "after", "feature",
)
_REASONS = {
    "asked": N_("by request"), "unsubscribed": N_("unsubscribed"),
    "bounced": N_("mails come back"),
}


def survey_at(name: str) -> str:
    """The address of a survey's page."""
    return f"/surveys/{quote(name, safe='')}"


def act(ask: Ask) -> str:
    """Create a survey, or suppress an address, as the form says; where to go then."""
    form, surveys = ask.form, ask.company.surveys
    asked = form.get("do", "")
    if asked == "ready":
        text = definition.template(form.get("ready", ""))
        made, _new = surveys.save(definition.parse(text, file=form["ready"]))
        return survey_at(made.name)
    if asked == "create":
        made, _new = surveys.save(definition.of(_stated(form), file=_("The form")))
        return survey_at(made.name)
    if asked == "suppress":
        surveys.suppress(form.get("email", ""))
        return "/surveys?done=suppressed#suppressed"
    if asked == "release":
        surveys.release(form.get("email", ""))
        return "/surveys?done=released#suppressed"
    raise UsageError("The form asks for nothing.", hint="Send it from the page.")


def _stated(form: Any) -> dict[str, Any]:
    """What a form says, as a file would."""
    found: dict[str, Any] = {
        name: form.get(name, "").strip() for name in _FIELDS[:7] if form.get(name, "").strip()
    }
    further = [text.strip() for text in form.get("questions", "").splitlines()]
    found["questions"] = [text for text in further if text]
    rules: dict[str, Any] = {}
    for name in ("cadence_days", "first_after_days"):
        text = form.get(name, "").strip()
        if text:
            # What is no number is told as such by who reads the definition.
            rules[name] = int(text) if text.isascii() and text.isdigit() else text
    trigger = {
        name: form.get(name, "").strip() for name in ("after", "feature")
        if form.get(name, "").strip()
    }
    return found | {"rules": rules} | ({"trigger": trigger} if trigger else {})


def _listed(ask: Ask) -> Shown:
    found = ask.company.surveys.listed()
    if not found:
        told = Reading(why=_("no survey yet; create one below"), empty="nothing_connected")
        return Shown((), {"reading": told})
    # On a phone what is counted comes before what is read.
    heads = [
        Head(_("Survey")), Head(_("Response rate"), _("Answered ÷ asked, with its 95% interval")),
        Head(_("Asked")), Head(_("Answered")), Head(_("Mean score")),
        Head(_("Status"), is_text=True), Head(_("Question"), is_text=True),
        Head(_("Kind"), is_text=True),
    ]
    lines = [
        Line(
            words(one.survey.name, survey_at(one.survey.name)),
            [
                reading.measure(one.response), reading.count(one.asked),
                reading.count(one.answered),
                Cell("–" if one.mean is None else f"{one.mean:.1f}"),
                words(_("active") if one.survey.is_active else _("paused")),
                words(str(one.survey.body["question"])), words(_(KINDS[one.survey.kind])),
            ],
        )
        for one in found
    ]
    told = Reading(tables=[Table(_("Surveys"), heads, lines)])
    return reading.shown([one.as_dict() for one in found], told)


def _create(ask: Ask) -> Shown:
    typed = dict(ask.form) if ask.fault and ask.form.get("do") == "create" else {}
    view = {
        "fault": ask.fault if ask.form.get("do") in ("create", "ready") else None,
        "typed": {name: typed.get(name, "") for name in _FIELDS},
        "after": [(name, _(label)) for name, label in AFTER.items()],
        "kinds": [(name, _(label)) for name, label in KINDS.items()],
        "ready": [
            (name, definition.parse(text, file=name).question)
            for name, text in definition.templates().items()
        ],
        "is_open": bool(typed),
    }
    return Shown((), view)


def _suppressed(ask: Ask) -> Shown:
    found = ask.company.surveys.suppressions()
    done = ask.options.get("done", "")
    view = {
        "fault": ask.fault if ask.form.get("do") in ("suppress", "release") else None,
        "done": _(_DONE[done]) if done in _DONE else "",
        "lines": [
            {"email": one.email, "reason": _(_REASONS.get(one.reason, one.reason)),
             "at": moment(one.created_at.isoformat(), ask)}
            for one in found
        ],
    }
    return Shown([one.as_dict() for one in found], view)


SURVEYS = Page(
    address="/surveys",
    place=90,
    title=N_("Surveys"),
    question=N_("Whom do we ask, how many answer, and what do they say?"),
    panels=(
        Panel("surveys", N_("Surveys"), N_("How many answered?"), "reading.html", _listed,
              needs_data=False),
        Panel("create", N_("Create a survey"), N_("What do you want to know?"),
              "survey_create.html", _create, needs_data=False),
        Panel("suppressed", N_("Suppressed addresses"), N_("Who is not written to any more?"),
              "survey_suppressed.html", _suppressed, needs_data=False),
    ),
    has_controls=False,
    needs=(),
    group=Group.BEHAVIOUR,
    options=("done",),
    can_be_cut=False,
    takes_forms=True,
    act=act,
    is_kept=False,
)

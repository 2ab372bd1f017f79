"""Health of one account: the panels with its score, its pulse and its history, and the form."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from staycurve import personal
from staycurve.i18n import N_
from staycurve.insights.answers import Kind
from staycurve.insights.risk.account import account_health
from staycurve.insights.risk.history import history
from staycurve.insights.risk.pulse import LEVELS
from staycurve.interfaces.web.account_notes import act_on_notes
from staycurve.interfaces.web.accounts_at import START
from staycurve.interfaces.web.answered import cards_of, sentences, tables, text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import Reading, shown
from staycurve.interfaces.web.texts import _

MOST = 5
"""Pulses that are listed; the newest say what stands."""


def act_on_account(ask: Ask) -> str:
    """Keep a pulse or a note, as the form says; where to go then."""
    if ask.form.get("do") != "pulse":
        return act_on_notes(ask)
    account = unquote(ask.address.removeprefix(START))
    ask.company.health.give_pulse(
        account, ask.form.get("level", ""), note=ask.form.get("note", ""),
        author=ask.form.get("author", ""),
    )
    return f"{START}{quote(account)}?done=pulse#pulse"


def _account(ask: Ask) -> str:
    return unquote(ask.address.removeprefix(START))


def _pulse(ask: Ask) -> Shown:
    is_shown = personal.is_shown()
    found = [
        one for one in reversed(ask.company.health.pulses(_account(ask)))
        if one.day <= ask.seen.last_day or not ask.options.get("as_of")
    ]
    if found and is_shown:
        personal.note()
    is_own = ask.form.get("do") == "pulse"
    typed: dict[str, Any] = dict(ask.form) if ask.fault and is_own else {}
    rows = [
        one.as_dict() | ({} if is_shown else {"note": personal.HIDDEN, "author": personal.HIDDEN})
        for one in found
    ]
    return Shown(rows, {
        "pulses": [
            {"level": one.level, "label": _(LEVELS[one.level]), "day": text(one.day, Kind.DAY),
             "until": text(one.expires_on, Kind.DAY), "note": one.note if is_shown else "",
             "author": one.author if is_shown else ""}
            for one in found[:MOST]
        ],
        "levels": [(name, _(label), typed.get("level") == name) for name, label in LEVELS.items()],
        "typed": {name: typed.get(name, "") for name in ("note", "author")},
        "fault": ask.fault if is_own else None, "done": ask.options.get("done") == "pulse",
        "at": ask.address,
    })


def _health(ask: Ask) -> Shown:
    found = answer_of(ask, account_health, account=_account(ask))
    past = answer_of(ask, history, account=_account(ask))
    rows = [row.as_dict() for row in past.rows]
    extra = {"health": found.as_dict(), "kept_since": past.as_dict()["kept_since"]}
    notes = list(found.notes)
    if past.why:
        notes.append(_(past.why))
    made = [*tables(ask, found), *tables(ask, past, is_folded=True)]
    return shown(rows, Reading(
        cards=cards_of(ask, found), said=sentences(found), tables=made, notes=notes,
        why=_(found.why or ""),
    ), extra)


PULSE = Panel(
    "pulse", N_("Pulse"), N_("What do people who know it think?"), "pulse.html", _pulse,
    options=("done",),
)
HEALTH = Panel(
    "health", N_("Health"), N_("How likely is churn, why, and since when?"), "reading.html",
    _health, is_late=True,
)

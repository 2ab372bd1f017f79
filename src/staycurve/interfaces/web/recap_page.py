"""The value recap of one account, to print, to keep as a file, and to send: /recap/ID."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from staycurve import personal
from staycurve.actions.mails.recap_letter import letter_of
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.account.asked import whose
from staycurve.insights.account.recap import recap
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.mail_settings import MAIL
from staycurve.permissions import Permission
from staycurve.workspace import Company
from staycurve.workspace.recaps import WHY_NOT

START = "/recap/"
SENT = N_("The recap waits to be sent; a server sends it within a minute.")
AGAIN = N_("They have been sent this recap already.")


def _account(ask: Ask) -> str:
    return RECAP.name_in(ask.address)


def _look_up(company: Company, name: str) -> None:
    with company.reading() as engine:
        whose(engine, company, name, company.as_of())


def recap_at(account: str) -> str:
    """The address of an account's recap."""
    return START + quote(account, safe="")


def _act(ask: Ask) -> str:
    form, account = ask.form, _account(ask)
    if form.get("do") != "send":
        raise UsageError("The form asks for nothing.", hint="Send it from the page.")
    to = [name.removeprefix("to:") for name in form if name.startswith("to:")]
    told = ask.company.recaps.send(
        account, to, by=form.get("by", ""), period=form.get("period") or None
    )
    done = "sent" if any(one["is_new"] for one in told) else "again"
    kept = {"period": form["period"]} if form.get("period") else {}
    return f"{recap_at(account)}?{urlencode(kept | {'done': done})}#send"


def _recap(ask: Ask) -> Shown:
    period = ask.options.get("period") or None
    found = answer_of(ask, recap, account=_account(ask), period=period)
    letter = letter_of(found, company=ask.company.config.company.name)
    asked = {"account": found.account_id} | ({"period": period} if period else {})
    rows = [row.as_dict() for row in found.rows]
    return Shown(rows, {
        "letter": letter, "at": ask.address, "period": period or "",
        "files": [(_("HTML"), f"/api/v1/recaps/file?{urlencode(asked)}"),
                  (_("Plain text"), f"/api/v1/recaps/file?{urlencode(asked | {'form': 'text'})}")],
    }, {"recap": found.as_dict()})


def _send(ask: Ask) -> Shown:
    contacts = ask.company.recaps.contacts(_account(ask))
    rows: list[dict[str, Any]] = [one.as_dict() for one in contacts]
    done = ask.options.get("done", "")
    typed = dict(ask.form) if ask.fault else {}
    return Shown(rows, {
        "contacts": [
            {"shown": row, "id": one.user_id, "why": _(WHY_NOT[one.why_not]) if one.why_not else "",
             "is_on": f"to:{one.user_id}" in typed}
            for one, row in zip(contacts, rows, strict=True)
        ],
        "is_hidden": not personal.is_shown(), "has_mail": bool(ask.company.config[MAIL].host),
        "at": ask.address, "period": ask.options.get("period", "") or typed.get("period", ""),
        "by": typed.get("by", ""), "fault": ask.fault,
        "done": _(SENT) if done == "sent" else _(AGAIN) if done == "again" else "",
    })


def _heading(ask: Ask) -> str:
    return _("Value recap of %s") % _account(ask)


RECAP = Page(
    address=START + "{account:path}",
    place=165,
    title=N_("Value recap"),
    question=N_("What did this customer get out of the period?"),
    panels=(
        Panel("recap", N_("Recap"), N_("What would be sent?"), "recap.html", _recap,
              options=("period",)),
        Panel("send", N_("Send"), N_("To whom?"), "recap_send.html", _send, options=("done",)),
    ),
    has_controls=False, is_listed=False, can_be_cut=False, is_kept=False, needs=("accounts",),
    look_up=_look_up, heading=_heading, takes_forms=True, act=_act, changes=Permission.OPERATE,
    above=lambda ask: [(_account(ask), account_at(ask, _account(ask)))],
)

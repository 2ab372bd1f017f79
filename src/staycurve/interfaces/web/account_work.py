"""Work on one account: its open alerts and tasks, and its success plan with a form."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote, unquote

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Kind
from staycurve.interfaces.web.account_health import act_on_account as act_on_health
from staycurve.interfaces.web.accounts_at import START
from staycurve.interfaces.web.answered import text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.interfaces.web.work_cards import DONE, act_on_work, told, told_task

_PLANNED = {
    "planned": N_("The milestone was added."), "reached": N_("The milestone was reached."),
    "dropped": N_("The milestone was taken out."),
}
_FIELDS = ("title", "due_on", "owner")


def act_on_account(ask: Ask) -> str:
    """Do what a form of the account's page says; where to go then."""
    account, form, work = unquote(ask.address.removeprefix(START)), ask.form, ask.company.work
    asked, who = form.get("do", ""), form.get("by", "") or form.get("owner", "")
    if asked in ("resolve", "snooze", "done"):
        return f"{START}{quote(account)}?worked={act_on_work(ask)}#work"
    if asked == "plan":
        work.add_milestone(account, form.get("title", ""), due_on=form.get("due_on", ""),
                           owner=form.get("owner", ""), by=who)
        return f"{START}{quote(account)}?planned=planned#plan"
    if asked in ("reach", "drop"):
        if not who.strip():
            raise UsageError("Nobody is named.", hint="Say who says so.")
        do = work.reach_milestone if asked == "reach" else work.drop_milestone
        do(number_of(form.get("id", "")), by=who)
        done = "reached" if asked == "reach" else "dropped"
        return f"{START}{quote(account)}?planned={done}#plan"
    return act_on_health(ask)


def _account(ask: Ask) -> str:
    return unquote(ask.address.removeprefix(START))


def _work(ask: Ask) -> Shown:
    alerts = ask.company.work.alerts(account=_account(ask))
    tasks = ask.company.work.tasks(account=_account(ask))
    done = ask.options.get("worked", "")
    rows: list[dict[str, Any]] = [
        {"kind": "alert", "id": one["id"], "what": one["playbook"], "owner": one["owner"],
         "due_on": one["due_on"], "status": one["status"]} for one in alerts
    ] + [
        {"kind": "task", "id": one["id"], "what": one["title"], "owner": one["owner"],
         "due_on": one["due_on"], "status": one["status"]} for one in tasks
    ]
    return Shown(rows, {
        "alerts": [told(ask, one) for one in alerts],
        "tasks": [told_task(ask, one) for one in tasks], "at": ask.address,
        "fault": ask.fault if ask.form.get("do") in ("resolve", "snooze", "done") else None,
        "done": _(DONE[done]) if done in DONE else "",
    })


def _plan(ask: Ask) -> Shown:
    rows = ask.company.work.milestones(_account(ask))
    is_own = ask.form.get("do") in ("plan", "reach", "drop")
    typed: dict[str, Any] = dict(ask.form) if ask.fault and is_own else {}
    done = ask.options.get("planned", "")
    return Shown(rows, {
        "milestones": [
            one | {"due": text(dt.date.fromisoformat(one["due_on"]), Kind.DAY),
                   "done": text(dt.date.fromisoformat(one["done_at"][:10]), Kind.DAY)
                   if one["done_at"] else ""}
            for one in rows
        ],
        "typed": {name: typed.get(name, "") for name in _FIELDS}, "at": ask.address,
        "fault": ask.fault if is_own else None,
        "done": _(_PLANNED[done]) if done in _PLANNED else "",
    })


ACCOUNT_WORK = Panel(
    "work", N_("Alerts and tasks"), N_("What is to be done for it?"), "account_work.html", _work,
    options=("worked",),
)
PLAN = Panel(
    "plan", N_("Success plan"), N_("What is it to reach, and by when?"), "account_plan.html",
    _plan, options=("planned",),
)

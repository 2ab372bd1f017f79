"""Alerts at /alerts, open and resolved, and one with its history below it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.actions.playbooks.base import TYPES
from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Kind
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.answered import text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import Cell, Head, Line, Reading, Table, money, shown, words
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.interfaces.web.work_cards import DONE, STATUSES, act_on_work, told, told_task
from staycurve.workspace import Company

SHOWN = 200
"""Alerts on one page; the filters find the others."""
WHAT = {
    "opened": N_("opened"), "merged": N_("another playbook added its evidence"),
    "left_rule": N_("the account left the rule"), "woken": N_("the snooze is over"),
    "escalated": N_("escalated"), "assigned": N_("assigned"), "snoozed": N_("snoozed"),
    "resolved": N_("resolved"), "task_done": N_("a task was done"),
    "owner_gone": N_("its owner has left"), "ticket_asked": N_("a ticket was asked for"),
    "ticket_opened": N_("the help desk opened a ticket"),
    "ticket_solved": N_("the help desk solved the ticket"),
}


def _alerts(ask: Ask) -> Shown:
    chosen = {key: ask.options.get(key, "") for key in ("owner", "type", "status")}
    if chosen["status"] not in ("", *STATUSES):
        raise UsageError(f"'{chosen['status']}' is no status.",
                         hint=f"One of: {', '.join(STATUSES)}")
    work = ask.company.work
    rows = work.alerts(owner=chosen["owner"], kind=chosen["type"], status=chosen["status"],
                       has_resolved=True, most=SHOWN)
    counts = work.counts(has_resolved=True)
    heads = [Head(_("Alert"), is_text=True), Head(_("Account"), is_text=True),
             Head(_("Type"), is_text=True), Head(_("Status"), is_text=True),
             Head(_("Owner"), is_text=True), Head(_("Opened"), is_text=True),
             Head(_("Due"), is_text=True), Head(_("Reason"), is_text=True), Head(_("MRR"))]
    lines = [
        Line(words(f"{one['id']}: {one['playbook']}", ask.at(f"/alerts/{one['id']}")), [
            words(one["name"] or one["account_id"], account_at(ask, one["account_id"])),
            words(_(TYPES.get(one["type"], one["type"]))), words(_(STATUSES[one["status"]])),
            words(one["owner"]), _day(one["opened_on"]), _day(one["due_on"]),
            words((one["reason"] or "").replace("_", " ")), money(ask, one["mrr"]),
        ]) for one in rows
    ]
    why = "" if lines else _("no alert is like this")
    told_ = Reading(tables=[Table(_("Alerts"), heads, lines)] if lines else (), why=why)
    made = shown(rows, told_)
    return Shown(made.rows, dict(made.view) | {
        "chosen": chosen, "at": ask.address, "has_all": True,
        "owners": list(counts["owner"].items()),
        "types": [(one, _(TYPES.get(one, one)), n) for one, n in counts["type"].items()],
        "statuses": [(one, _(label), counts["status"].get(one, 0))
                     for one, label in STATUSES.items()],
    }, made.extra)


def _day(said: str) -> Cell:
    return words(text(dt.date.fromisoformat(said), Kind.DAY))


def _number(ask: Ask) -> int:
    return number_of(ALERT.name_in(ask.address))


def _look_up(company: Company, name: str) -> None:
    if not name.isdecimal():
        raise UnknownNameError("alert", name, (), hint="All alerts: staycurve alerts list")
    company.work.alert(int(name))


def _act(ask: Ask) -> str:
    return f"{ask.address}?done={act_on_work(ask)}"


def _alert(ask: Ask) -> Shown:
    found = ask.company.work.alert(_number(ask))
    done = ask.options.get("done", "")
    return Shown([found], {
        "alerts": [told(ask, found)], "at": ask.address, "fault": ask.fault,
        "done": _(DONE[done]) if done in DONE else "",
    })


def _tasks(ask: Ask) -> Shown:
    rows: list[dict[str, Any]] = ask.company.work.alert(_number(ask))["tasks"]
    waiting = [one for one in rows if one["status"] == "open"]
    return Shown(rows, {"tasks": [told_task(ask, one) for one in waiting], "at": ask.address})


def _history(ask: Ask) -> Shown:
    rows: list[dict[str, Any]] = ask.company.work.alert(_number(ask))["history"]
    heads = [Head(_("When (UTC)"), is_text=True), Head(_("What"), is_text=True),
             Head(_("Who"), is_text=True), Head(_("Detail"), is_text=True)]
    lines = [
        Line(words(one["at"][:16].replace("T", " ")), [
            words(_(WHAT.get(one["what"], one["what"]))), words(one["who"]),
            words(", ".join(f"{key}: {value}" for key, value in one["detail"].items()
                            if key != "facts")),
        ]) for one in rows
    ]
    return shown(rows, Reading(tables=[Table(_("History"), heads, lines)]))


ALERTS = Page(
    address="/alerts", place=13, title=N_("Alerts"),
    question=N_("What have playbooks found, and what became of it?"),
    panels=(Panel("alerts", N_("Alerts"), N_("Open and resolved ones, the most valuable first."),
                  "alerts.html", _alerts, options=("owner", "type", "status")),),
    has_controls=False, needs=(), group=Group.REVENUE, can_be_cut=False, is_kept=False,
)
ALERT = Page(
    address="/alerts/{alert}", place=14, title=N_("Alert"),
    question=N_("Why did it open, and what has happened since?"),
    panels=(
        Panel("alert", N_("Alert"), N_("What was found, and for whom?"), "work_one.html", _alert,
              options=("done",)),
        Panel("tasks", N_("Tasks"), N_("What is still to be done?"), "work_tasks.html", _tasks,
              is_quiet=True),
        Panel("history", N_("History"), N_("What has happened to it?"), "reading.html", _history),
    ),
    has_controls=False, needs=(), group=Group.REVENUE, can_be_cut=False, is_kept=False,
    is_listed=False, look_up=_look_up, takes_forms=True, act=_act,
    heading=lambda ask: _("Alert %(number)s") % {"number": _number(ask)},
)

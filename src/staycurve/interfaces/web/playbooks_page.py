"""Playbooks at /playbooks, one with its record below it, audiences, and who owns which accounts."""

from __future__ import annotations

from typing import Any

from staycurve.actions.playbooks.base import TYPES
from staycurve.actions.playbooks.retiring import SAYS
from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.interfaces.web import aimed, numbers
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.annotated import metric_label
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.playbook_effect import effect
from staycurve.interfaces.web.reading import (
    Card,
    Head,
    Line,
    Reading,
    Table,
    count,
    money,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.workspace import Company

WHY = {
    "own": N_("the account's own owner"), "rule": N_("a rule of [ownership]"),
    "shared": N_("shared out among [ownership] people"), "default": N_("the default"),
}
MOST = 500


def _playbooks(ask: Ask) -> Shown:
    read = ask.company.work.playbooks()
    rows = [one.as_dict() for one in read.playbooks]
    lines = [
        Line(words(_(one.title), ask.at(f"/playbooks/{one.name}")),
             [words(_(TYPES[one.type])), words(_("on") if one.is_on else _("off")),
              words(one.rule.words()), words(_(one.about))])
        for one in read.playbooks
    ]
    heads = [Head(_("Playbook"), is_text=True), Head(_("Type"), is_text=True),
             Head(_("State"), is_text=True), Head(_("Rule"), is_text=True),
             Head(_("About"), is_text=True)]
    said = [f"{fault.message} {fault.hint}" for fault in read.faults]
    return shown(rows, Reading(said=said, tables=[Table(_("Playbooks"), heads, lines)]))


def _name(ask: Ask) -> str:
    return PLAYBOOK.name_in(ask.address)


def _look_up(company: Company, name: str) -> None:
    company.work.playbooks().get(name)


def _record(ask: Ask) -> Shown:
    name = _name(ask)
    found, own = ask.company.work.record(name), ask.company.work.playbooks().get(name)
    cards = [
        Card(key, label, numbers.full(found[key], Unit.COUNT))
        for key, label in (("opened", _("Opened")), ("open", _("Open")),
                           ("waiting", _("Waiting")), ("resolved", _("Resolved")))
    ]
    median = found["median_days_to_act"]
    cards.append(Card(
        "time", _("Days to act (median)"),
        numbers.UNKNOWN if median is None else f"{median:.1f}",
        why="" if median is not None else _("nobody has acted on an alert of it yet"),
    ))
    cards.append(Card("mrr", _("MRR of its alerts"),
                      numbers.full(found["mrr"], Unit.MONEY, ask.currency)))
    lines = [
        Line(words(one["reason"].replace("_", " ")), [count(one["alerts"])])
        for one in found["reasons"]
    ]
    tables = [Table(_("Resolved by reason"), [Head(_("Reason"), is_text=True), Head(_("Alerts"))],
                    lines)] if lines else []
    served = _served(ask, name)
    tables += served
    said = [_(own.about), own.rule.words()]
    said += [
        _("Proposed for retirement: %s.") % (
            _(SAYS[one["kind"]]) % {"alerts": one["alerts"], "of": one["of"]}
        ) for one in found["retire"]
    ]
    return shown([found], Reading(cards=cards, said=[one for one in said if one], tables=tables))


def _served(ask: Ask, name: str) -> list[Table]:
    """The goals that it serves, by [goals]; nothing where it is named for none."""
    lines = []
    for metric, pace in ask.company.goals.served_by(name):
        if pace is None:
            lines.append(Line(words(metric_label(metric), ask.defines(metric)),
                              [words(_("no active goal")), words(""), words("")]))
            continue
        told = aimed.told(ask, pace)
        lines.append(Line(words(told.label, f"{ask.at('/goals')}#active"), [
            words(f"{told.target}, {told.until}"), words(told.value), words(told.status),
        ]))
    heads = [Head(_("Goal"), is_text=True), Head(_("Target"), is_text=True),
             Head(_("Value"), is_text=True), Head(_("Status"), is_text=True)]
    return [Table(_("Goals it serves"), heads, lines, title=_("Goals it serves"))] if lines else []


def _open(ask: Ask) -> Shown:
    name = _name(ask)
    rows = [one for one in ask.company.work.alerts() if one["playbook"] == name][:MOST]
    heads = [Head(_("Account"), is_text=True), Head(_("Status"), is_text=True),
             Head(_("Owner"), is_text=True), Head(_("Due"), is_text=True), Head(_("MRR"))]
    lines = [
        Line(words(one["name"] or one["account_id"], account_at(ask, one["account_id"])),
             [words(one["status"]), words(one["owner"]), words(one["due_on"]),
              money(ask, one["mrr"])])
        for one in rows
    ]
    return shown(rows, Reading(tables=[Table(_("Alerts"), heads, lines)] if lines else (),
                               why="" if lines else _("no alert of it is open")))


def _audiences(ask: Ask) -> Shown:
    rows = ask.company.audiences.listed()
    heads = [Head(_("Audience"), is_text=True), Head(_("Members")),
             Head(_("Rule"), is_text=True), Head(_("About"), is_text=True)]
    lines = [
        Line(words(_(one["title"]), ask.at(f"/audiences/{one['audience']}")),
             [count(one["members"], why=one["why"] or ""), words(one["rule"]),
              words(_(one["about"]))])
        for one in rows
    ]
    return shown(rows, Reading(tables=[Table(_("Audiences"), heads, lines)]))


def _audience_name(ask: Ask) -> str:
    return AUDIENCE.name_in(ask.address)


def _look_up_audience(company: Company, name: str) -> None:
    if name not in company.audiences.every():
        raise UnknownNameError("audience", name, company.audiences.every())


def _members(ask: Ask) -> Shown:
    found = ask.company.audiences.members(_audience_name(ask))
    rows: list[dict[str, Any]] = found["rows"]
    lines = [
        Line(words(one["name"] or one["account_id"], account_at(ask, one["account_id"])),
             [words((one["since"] or "")[:10])])
        for one in rows[:MOST]
    ]
    heads = [Head(_("Account"), is_text=True),
             Head(_("Since"), _("From when its history is kept."), is_text=True)]
    return shown(rows, Reading(tables=[Table(_("Members"), heads, lines)] if lines else (),
                               why="" if lines else _("no account is in it")))


def _owners(ask: Ask) -> Shown:
    rows = ask.company.work.owners()
    heads = [Head(_("Owner"), is_text=True), Head(_("Why"), is_text=True), Head(_("Accounts")),
             Head(_("Paying")), Head(_("MRR"))]
    lines = [
        Line(words(one["owner"]), [words(_(WHY[one["why"]])), count(one["accounts"]),
                                   count(one["paying"]), money(ask, one["mrr"])])
        for one in rows
    ]
    return shown(rows, Reading(tables=[Table(_("Ownership"), heads, lines)] if lines else (),
                               why="" if lines else _("no accounts are loaded")))


def _page(address: str, place: int, title: str, question: str, *panels: Panel,
          **more: Any) -> Page:
    return Page(address=address, place=place, title=title, question=question, panels=panels,
                has_controls=False, can_be_cut=False, is_kept=False, needs=("accounts",),
                group=Group.REVENUE, **more)


PLAYBOOKS = _page(
    "/playbooks", 60, N_("Playbooks"), N_("Which rules open alerts, and what is then to be done?"),
    Panel("playbooks", N_("Playbooks"), N_("Shipped ones, and the project's own."),
          "reading.html", _playbooks),
)
PLAYBOOK = _page(
    "/playbooks/{name}", 61, N_("Playbook"), N_("What became of its alerts?"),
    Panel("record", N_("Record"), N_("What became of its alerts?"), "reading.html", _record),
    Panel("alerts", N_("Alerts"), N_("Which are not resolved?"), "reading.html", _open),
    Panel("effect", N_("Effect"), N_("Did it help?"), "reading.html",
          lambda ask: effect(ask, _name(ask))),
    is_listed=False, heading=_name, look_up=_look_up,
)
AUDIENCES = _page(
    "/audiences", 62, N_("Audiences"), N_("Who belongs to which segment now?"),
    Panel("audiences", N_("Audiences"), N_("Saved segments, live."), "reading.html", _audiences),
)
AUDIENCE = _page(
    "/audiences/{name}", 63, N_("Audience"), N_("Who is in it?"),
    Panel("members", N_("Members"), N_("Who is in it now?"), "reading.html", _members),
    is_listed=False, heading=_audience_name, look_up=_look_up_audience,
)
OWNERSHIP = _page(
    "/ownership", 64, N_("Ownership"), N_("Who looks after which accounts?"),
    Panel("owners", N_("Owners"), N_("Every account has exactly one."), "reading.html", _owners),
)

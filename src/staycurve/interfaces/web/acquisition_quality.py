"""What becomes of whom a channel or a customer brought: panels of the page at /acquisition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.acquisition.referrals import STATES
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.choosing import chosen_of, day_of
from staycurve.interfaces.web.kept import asked_of, kept
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group, Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    difference,
    money,
    nothing,
    percent,
    rate,
    reason,
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Filter
from staycurve.period import period_of

Row = Mapping[str, Any]

REFERRED = Filter("referred_by", (None,), is_negated=True)
OTHERS = Filter("referred_by", (None,))
SHOWN = 20
"""Referrers that the panel itself lists; the page of referred accounts holds all."""


def referrals_of(ask: Ask) -> dict[str, Any]:
    """Who brought whom, and what the referred are worth."""
    return kept(
        ask, "referrals",
        lambda: ask.company.acquisition.referrals(**asked_of(ask)).as_dict(),
    )


def _quality(ask: Ask) -> Shown:
    found = kept(
        ask, "quality", lambda: ask.company.acquisition.quality(**asked_of(ask)).as_dict(),
    )
    if not found["rows"]:
        return nothing(ask, reason(found) or _("no account has a channel"))
    day = period_of(ask.seen.last_day, "day", ask.fiscal)
    ages = list(dict.fromkeys(one["age"] for row in found["rows"] for one in row["retention"]))
    rows, lines = [], []
    for row in found["rows"]:
        where = Filter("channel", (row["channel"],))
        href = ask.opens("customers", day, where)
        begun_at = link(
            "/activation/accounts", {"part": "in_window", "as_of": ask.options.get("as_of")},
            (*ask.filters, where),
        )
        rows.append({
            **row, "rows_at": href, "activated_at": begun_at,
            "stayed_at": {str(age): _stayed_at(ask, age, where) for age in ages},
        })
        stays = {one["age"]: one for one in row["retention"]}
        started = row["activation"]
        lines.append(Line(
            words(row["channel"] or _("no channel")),
            [
                rate(started, begun_at) if started else Cell(numbers.UNKNOWN),
                *(rate(stays[age], _stayed_at(ask, age, where)) if age in stays else Cell("")
                  for age in ages),
                count(row["customers"], href),
                money(ask, row["mrr"], ask.opens("mrr", day, where)),
                money(ask, row["arpa"], ask.opens("arpa", day, where)),
            ],
            bool(started and started["is_small"]) or any(s["is_small"] for s in stays.values()),
        ))
    heads = [
        Head(_("Channel")), Head(_("Reached first value")),
        *(Head(_("Pays after %s months") % age) for age in ages),
        Head(_("Customers")), Head(_("MRR")), Head(_("ARPA")),
    ]
    return shown(rows, Reading(
        tables=[Table(_("Channels afterwards"), heads, lines)],
        notes=[*(_(note) for note in found.get("notes") or ()),
               _("All accounts so far, each with its 95% interval. Small groups are marked "
                 "with *.")],
    ))


def _stayed_at(ask: Ask, age: int, *where: Filter) -> str:
    """The address of the accounts behind a retention."""
    options = {"age": str(age), "as_of": ask.options.get("as_of")}
    return link("/acquisition/stayed", options, (*ask.filters, *where))


def _referrals(ask: Ask) -> Shown:
    found = referrals_of(ask)
    if not found["rows"]:
        return nothing(ask, reason(found))
    told = found["summary"]
    said = _("%(referred)s of %(accounts)s accounts (%(share)s) came through another customer; "
             "%(paying)s of them pay, %(mrr)s %(currency)s of MRR in all.") % {
        "referred": whole(told["referred"]), "accounts": whole(told["accounts"]),
        "share": percent(told["share"]), "paying": whole(told["paying"]),
        "mrr": numbers.compact(told["mrr"], Unit.MONEY), "currency": ask.currency,
    }
    def brought(row: Row, referrer: str | None) -> list[Cell]:
        everybody, paid, pay = (
            ask.url("/acquisition/referred", referrer=referrer, state=state)
            for state in (None, "ever_paid", "paying")
        )
        return [
            count(row["referred"], everybody), count(row["ever_paid"], paid),
            count(row["paying"], pay), money(ask, row["mrr"], everybody),
            money(ask, row["lifetime_mrr"], everybody),
        ]

    rows = [
        {**row, "rows_at": ask.url("/acquisition/referred", referrer=row["account_id"])}
        for row in found["rows"]
    ]
    lines = [
        Line(words(row["account_id"], row["rows_at"], beneath=row["name"] or ""),
             brought(row, row["account_id"]))
        for row in rows[:SHOWN]
    ]
    foot = Line(words(_("All %s referrers") % whole(told["referrers"])), brought(told, None))
    heads = [
        Head(_("Customer who brought them")), Head(_("Brought")), Head(_("Ever paid")),
        Head(_("Pay now")), Head(_("Their MRR")), Head(_("MRR over time, summed by month")),
    ]
    beside = [
        Line(words(_("%s months on") % row["age"]),
             [rate(row["referred"], _stayed_at(ask, row["age"], REFERRED)),
              rate(row["others"], _stayed_at(ask, row["age"], OTHERS)), difference(row)],
             row["is_small"])
        for row in found["retention"]
    ]
    tables = [Table(_("Referrers"), heads, lines, foot, title=_("Who brought whom"))]
    if beside:
        tables.append(Table(
            _("Staying"),
            [Head(_("Pays")), Head(_("Referred")), Head(_("Others")),
             Head(_("Difference, points"))],
            beside, title=_("Do the referred stay longer?"),
        ))
    return shown(rows, Reading(
        said=[said], tables=tables, notes=[_(note) for note in found.get("notes") or ()],
    ), {"summary": told, "retention": found["retention"]})


def _referred(ask: Ask) -> Listed:
    referrer, state = ask.options.get("referrer"), chosen_of(ask, "state", STATES, "referred")
    rows = ask.company.acquisition.referred(referrer, state=state, **asked_of(ask))
    about = _("accounts that %s brought") % referrer if referrer else _(STATES["referred"])
    return Listed(
        about if state == "referred" else f"{about}, {_(STATES[state])}", rows,
        {
            "referred_by": (_("Brought by"), Kind.TEXT), "created_on": (_("Created"), Kind.DAY),
            "first_paid_on": (_("First paid"), Kind.DAY), "mrr": (_("MRR"), Unit.MONEY),
            "lifetime_mrr": (_("MRR over time"), Unit.MONEY),
        },
        ask.url("/acquisition") + "#referrals", ("mrr", "lifetime_mrr"),
    )


def _stayed(ask: Ask) -> Listed:
    age = day_of(ask, "age")
    if not age:
        raise UsageError("A retention is that of a number of months from 1.", hint="Write: age=3")
    found = ask.company.acquisition.stayed(age, **asked_of(ask))
    is_whole = ask.options.get("whole") == "1"
    about = _("accounts whose month %s has closed") if is_whole else _(
        "accounts that paid at the close of month %s")
    return Listed(
        about % age, [row for row in found.rows if is_whole or row["is_kept"]],
        {
            "first_paid_on": (_("First paid"), Kind.DAY), "close_on": (_("Looked at on"), Kind.DAY),
            "is_kept": (_("Paid then"), Kind.FLAG),
        },
        ask.url("/acquisition") + "#quality", sql=found.sql, total=found.total,
        beside=() if is_whole else [
            (_("all accounts whose month %s has closed") % age, ask.url(whole="1", page=None))
        ],
    )


QUALITY = Panel(
    "quality", N_("What becomes of them"), N_("Do the customers of a channel stay?"),
    "reading.html", _quality, is_late=True,
)
REFERRALS = Panel(
    "referrals", N_("Referrals"), N_("Who brings others, and what are those worth?"),
    "reading.html", _referrals, is_late=True,
)
ACQUISITION_REFERRED = rows_page(
    "/acquisition/referred", _referred, title=N_("Referred accounts"), group=Group.BEHAVIOUR,
    options=("referrer", "state"),
)
ACQUISITION_STAYED = rows_page(
    "/acquisition/stayed", _stayed, title=N_("Accounts that stayed"), group=Group.BEHAVIOUR,
    options=("whole", "age"),
)

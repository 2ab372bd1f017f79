"""What becomes of whom a channel or a customer brought: panels of the page at /acquisition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.kept import kept
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
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Filter
from staycurve.period import period_of

Row = Mapping[str, Any]

SHOWN = 20
"""Referrers that the panel itself lists; the page of referred accounts holds all."""


def _uncut(ask: Ask) -> None:
    if ask.filters:
        raise NotAnsweredError(
            "This panel looks at all accounts; it cannot be cut.", hint="Remove the filter."
        )


def referrals_of(ask: Ask) -> dict[str, Any]:
    """Who brought whom, and what the referred are worth."""
    return kept(
        ask, "referrals",
        lambda: ask.company.acquisition.referrals(as_of=ask.seen.at.isoformat()).as_dict(),
    )


def _quality(ask: Ask) -> Shown:
    _uncut(ask)
    found = kept(
        ask, "quality",
        lambda: ask.company.acquisition.quality(as_of=ask.seen.at.isoformat()).as_dict(),
    )
    if not found["rows"]:
        return nothing(ask, _(str(found.get("why") or _("no account has a channel"))))
    day = period_of(ask.seen.last_day, "day", ask.fiscal)
    ages = list(dict.fromkeys(one["age"] for row in found["rows"] for one in row["retention"]))
    rows, lines = [], []
    for row in found["rows"]:
        where = Filter("channel", (row["channel"],))
        href = ask.opens("customers", day, where)
        rows.append({**row, "rows_at": href})
        stays = {one["age"]: one for one in row["retention"]}
        started = row["activation"]
        lines.append(Line(
            words(row["channel"] or _("no channel")),
            [
                rate(started) if started else Cell(numbers.UNKNOWN),
                *(rate(stays[age]) if age in stays else Cell("") for age in ages),
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


def _referrals(ask: Ask) -> Shown:
    _uncut(ask)
    found = referrals_of(ask)
    if not found["rows"]:
        return nothing(ask, _(str(found.get("why") or "")))
    told = found["summary"]
    said = _("%(referred)s of %(accounts)s accounts (%(share)s) came through another customer; "
             "%(paying)s of them pay, %(mrr)s %(currency)s of MRR in all.") % {
        "referred": whole(told["referred"]), "accounts": whole(told["accounts"]),
        "share": percent(told["share"]), "paying": whole(told["paying"]),
        "mrr": numbers.compact(told["mrr"], Unit.MONEY), "currency": ask.currency,
    }
    rows = [
        {**row, "rows_at": ask.url("/acquisition/referred", referrer=row["account_id"])}
        for row in found["rows"]
    ]
    lines = [
        Line(words(row["account_id"], row["rows_at"], beneath=row["name"] or ""), [
            count(row["referred"], row["rows_at"]), count(row["ever_paid"]),
            count(row["paying"]), money(ask, row["mrr"], row["rows_at"]),
            money(ask, row["lifetime_mrr"], row["rows_at"]),
        ])
        for row in rows[:SHOWN]
    ]
    everybody = ask.url("/acquisition/referred")
    foot = Line(words(_("All %s referrers") % whole(told["referrers"])), [
        count(told["referred"], everybody), count(told["ever_paid"]), count(told["paying"]),
        money(ask, told["mrr"], everybody), money(ask, told["lifetime_mrr"], everybody),
    ])
    heads = [
        Head(_("Customer who brought them")), Head(_("Brought")), Head(_("Ever paid")),
        Head(_("Pay now")), Head(_("Their MRR")), Head(_("MRR over time, summed by month")),
    ]
    beside = [
        Line(words(_("%s months on") % row["age"]),
             [rate(row["referred"]), rate(row["others"]), difference(row)], row["is_small"])
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
    _uncut(ask)
    referrer = ask.options.get("referrer")
    rows = ask.company.acquisition.referred(referrer, as_of=ask.seen.at.isoformat())
    about = _("accounts that %s brought") % referrer if referrer else _(
        "accounts that another customer brought")
    return Listed(
        about, rows,
        {
            "referred_by": (_("Brought by"), Kind.TEXT), "created_on": (_("Created"), Kind.DAY),
            "first_paid_on": (_("First paid"), Kind.DAY), "mrr": (_("MRR"), Unit.MONEY),
            "lifetime_mrr": (_("MRR over time"), Unit.MONEY),
        },
        ask.url("/acquisition") + "#referrals", ("mrr", "lifetime_mrr"),
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
    options=("referrer",),
)

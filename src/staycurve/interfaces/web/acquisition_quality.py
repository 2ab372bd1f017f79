"""What becomes of whom a channel or a customer brought: panels of the page at /acquisition."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.acquisition.quality import Kept, quality
from staycurve.insights.acquisition.referrals import Referrer, Side, Summary, referrals
from staycurve.interfaces.web.accounts_at import account_cell
from staycurve.interfaces.web.answered import sentences
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    gap_of,
    money,
    nothing,
    share_of,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.context import Filter
from staycurve.period import period_of

REFERRED = Filter("referred_by", (None,), is_negated=True)
OTHERS = Filter("referred_by", (None,))
SHOWN = 20
"""Referrers that the panel itself lists; the page of referred accounts holds all."""


def _quality(ask: Ask) -> Shown:
    found = answer_of(ask, quality)
    if not found.rows:
        return nothing(ask, told(found.why) or _("no account has a channel"))
    day = period_of(ask.seen.last_day, "day", ask.fiscal)
    ages = list(dict.fromkeys(one.age for row in found.rows for one in row.retention))
    rows, lines = [], []
    for row in found.rows:
        where = Filter("channel", (row.channel,))
        href = ask.opens("customers", day, where)
        begun_at = link(
            "/activation/accounts", {"part": "in_window", "as_of": ask.options.get("as_of")},
            (*ask.filters, where),
        )
        rows.append({
            **row.as_dict(), "rows_at": href, "activated_at": begun_at,
            "stayed_at": {str(age): _stayed_at(ask, age, where) for age in ages},
        })
        stays = {one.age: one for one in row.retention}
        started = row.activation
        lines.append(Line(
            words(row.channel or _("no channel")),
            [
                share_of(started.value, started.low, started.high, begun_at, why=started.why),
                *(_kept(stays.get(age), _stayed_at(ask, age, where)) for age in ages),
                count(row.customers, href),
                money(ask, row.mrr, ask.opens("mrr", day, where)),
                money(ask, row.arpa, ask.opens("arpa", day, where)),
            ],
            started.is_small or any(one.is_small for one in stays.values()),
        ))
    heads = [
        Head(_("Channel")), Head(_("Reached first value")),
        *(Head(_("Pays after %s months") % age) for age in ages),
        Head(_("Customers")), Head(_("MRR")), Head(_("ARPA")),
    ]
    return shown(rows, Reading(
        tables=[Table(_("Accounts by channel"), heads, lines)],
        notes=[*(_(note) for note in found.notes),
               _("All accounts so far, each with its 95% interval. Small samples are marked "
                 "with *.")],
    ))


def _kept(part: Kept | Side | None, href: str) -> Cell:
    return share_of(part.value, part.low, part.high, href) if part else Cell("")


def _stayed_at(ask: Ask, age: int, *where: Filter) -> str:
    """The address of the accounts behind a retention."""
    options = {"age": str(age), "is_kept": "true", "as_of": ask.options.get("as_of")}
    return link("/acquisition/stayed", options, (*ask.filters, *where))


def _referrals(ask: Ask) -> Shown:
    found = answer_of(ask, referrals)
    if not found.rows:
        return nothing(ask, told(found.why))
    whole_of = found.summary

    def brought(row: Referrer | Summary, referrer: str | None) -> list[Cell]:
        everybody, paid, pay = (
            ask.url("/acquisition/referred", referrer=referrer, state=state)
            for state in (None, "ever_paid", "paying")
        )
        return [
            count(row.referred, everybody), count(row.ever_paid, paid),
            count(row.paying, pay), money(ask, row.mrr, everybody),
            money(ask, row.lifetime_mrr, everybody),
        ]

    def referred_at(row: Referrer) -> str:
        return ask.url("/acquisition/referred", referrer=row.account_id)

    lines = [
        Line(account_cell(ask, row.account_id, row.name), brought(row, row.account_id))
        for row in found.rows[:SHOWN]
    ]
    foot = Line(words(_("All %s referrers") % whole(whole_of.referrers)), brought(whole_of, None))
    heads = [
        Head(_("Referred by")), Head(_("Brought")), Head(_("Ever paid")),
        Head(_("Pay now")), Head(_("Their MRR")), Head(_("MRR over time, summed by month")),
    ]
    beside = [
        Line(words(_("%s months on") % row.age),
             [_kept(row.referred, _stayed_at(ask, row.age, REFERRED)),
              _kept(row.others, _stayed_at(ask, row.age, OTHERS)),
              gap_of(row.difference, row.difference_low, row.difference_high)],
             row.is_small)
        for row in found.retention
    ]
    tables = [Table(_("Referrers"), heads, lines, foot, title=_("Who referred whom"))]
    if beside:
        tables.append(Table(
            _("Staying"),
            [Head(_("Pays")), Head(_("Referred")), Head(_("Others")),
             Head(_("Difference, points"))],
            beside, title=_("Do referred customers stay longer?"),
        ))
    return shown([{**row.as_dict(), "rows_at": referred_at(row)} for row in found.rows], Reading(
        said=sentences(found), tables=tables, notes=[_(note) for note in found.notes],
    ), {
        "summary": whole_of.as_dict(), "retention": [one.as_dict() for one in found.retention],
    })


QUALITY = Panel(
    "quality", N_("Account quality by channel"), N_("Do a channel's customers stay?"),
    "reading.html", _quality, is_late=True,
)
REFERRALS = Panel(
    "referrals", N_("Referrals"), N_("Who refers others, and what are those customers worth?"),
    "reading.html", _referrals, is_late=True,
)

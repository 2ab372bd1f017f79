"""Who is near a plan's limit: a panel of the page at /features, and the accounts behind it."""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.i18n import N_
from staycurve.insights.features.limits import Allowance, Limits, limits
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.accounts_at import account_cell
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import month_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    money,
    named,
    percent,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _

SHOWN = 20
"""Accounts that the panel itself lists; a page of their own lists all."""

def limits_of(ask: Ask) -> Limits:
    """How much of its allowance each account has used in the asked month."""
    return answer_of(ask, limits, period=str(month_of(ask).start)[:7], least=0.0)


def _opens(ask: Ask, feature: str, state: str) -> str:
    return ask.url(
        "/features/limits", feature=feature, state=state,
        period=naming.name(month_of(ask), ask.fiscal),
    )


def _show(ask: Ask) -> Shown:
    found = limits_of(ask)
    if not found.summary:
        why = told(found.why) or _("no account is on a plan with a limit")
        return shown((), Reading(why=why), {"why": why})
    lines = [
        Line(words(named(row.feature)), [
            cell
            for state, number, mrr in (
                ("above", row.above, row.above_mrr), ("near", row.near, row.near_mrr),
                ("below", row.below, row.below_mrr),
            )
            for cell in (
                count(number, _opens(ask, row.feature, state)),
                money(ask, mrr, _opens(ask, row.feature, state)),
            )
        ] + [count(row.projected_above, _opens(ask, row.feature, "projected"))])
        for row in found.summary
    ]
    heads = [
        Head(_("Feature")), Head(_("Above")), Head(_("MRR")),
        Head(_("Near: %s or more") % percent(found.near_from)), Head(_("MRR")),
        Head(_("Below")), Head(_("MRR")), Head(_("Projected above")),
    ]
    close = [row for row in found.rows if row.status != "below" or row.is_projected_above]
    return shown(
        [row.as_dict() for row in close],
        Reading(
            said=_record(found),
            tables=[
                Table(_("Limits"), heads, lines),
                _nearest(ask, close[:SHOWN]),
            ],
            notes=[_(found.about)]
            + ([_("The %(shown)s closest to their limit of %(all)s.") % {
                "shown": SHOWN, "all": whole(len(close))}] if len(close) > SHOWN else []),
        ),
        {"summary": [one.as_dict() for one in found.summary], "record": found.record.as_dict()},
    )


def _record(found: Limits) -> list[str]:
    record = found.record
    if not record.months:
        return []
    hit, missed = record.projected_and_passed or 0, record.passed_only or 0
    return [
        _("Projected so after %(share)s of each of %(months)s closed months, %(hit)s of %(all)s "
          "accounts that passed their limit were named; %(false)s were named and did not pass it.")
        % {
            "share": percent(record.judged_at), "months": len(record.months),
            "hit": whole(hit), "all": whole(hit + missed),
            "false": whole(record.projected_only),
        }
    ]


def _nearest(ask: Ask, rows: Sequence[Allowance]) -> Table:
    lines = [
        Line(
            account_cell(ask, row.account_id, row.name),
            [
                words(named(row.feature)), words(row.plan or ""),
                money(ask, row.mrr),
                Cell(_("%(used)s of %(most)s") % {
                    "used": whole(row.uses), "most": whole(row.allowance)},
                    _uses_at(ask, row)),
                Cell(percent(row.utilisation), _uses_at(ask, row),
                     meter=(min(1.0, row.utilisation),) * 3),
                Cell(whole(round(row.projected))),
            ],
        )
        for row in rows
    ]
    heads = [
        Head(_("Account")), Head(_("Feature"), is_text=True), Head(_("Plan"), is_text=True),
        Head(_("MRR")), Head(_("Used")), Head(_("Of its limit")), Head(_("Projected")),
    ]
    return Table(
        _("Closest to their limit"), heads, lines, title=_("Closest to their limit"),
    )


def _uses_at(ask: Ask, row: Allowance) -> str:
    return ask.url(
        "/features/uses", feature=row.feature, account=row.account_id,
        period=naming.name(month_of(ask), ask.fiscal),
    )


LIMITS = Panel(
    "limits", N_("Limits"), N_("Who is near what their plan allows?"), "reading.html", _show
)

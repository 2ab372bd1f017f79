"""Who is near a plan's limit: a panel of the page at /features, and the accounts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import chosen_of, month_of
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
    money,
    named,
    percent,
    reason,
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

Row = Mapping[str, Any]

SHOWN = 20
"""Accounts that the panel itself lists; a page of their own lists all."""
STATES = {
    "close": N_("Near the limit or above it"), "above": N_("Above the limit"),
    "near": N_("Near the limit"), "below": N_("Below"),
    "projected": N_("Projected above it at the month's end"),
}


def limits_of(ask: Ask) -> dict[str, Any]:
    """How much of its allowance each account has used in the asked month."""
    name = str(month_of(ask).start)[:7]
    return kept(
        ask, "limits",
        lambda: ask.company.features.limits(period=name, least=0.0, **asked_of(ask)).to_json(),
        name,
    )


def _opens(ask: Ask, feature: str, state: str) -> str:
    return ask.url(
        "/features/limits", feature=feature, state=state,
        period=naming.name(month_of(ask), ask.fiscal),
    )


def _show(ask: Ask) -> Shown:
    found = limits_of(ask)
    if not found.get("summary"):
        why = reason(found) or _("no account is on a plan with a limit")
        return shown((), Reading(why=why), {"why": why})
    lines = [
        Line(words(named(row["feature"])), [
            cell
            for state in ("above", "near", "below")
            for cell in (
                count(row[state], _opens(ask, row["feature"], state)),
                money(ask, row[f"{state}_mrr"], _opens(ask, row["feature"], state)),
            )
        ] + [count(row["projected_above"], _opens(ask, row["feature"], "projected"))])
        for row in found["summary"]
    ]
    heads = [
        Head(_("Feature")), Head(_("Above")), Head(_("MRR")),
        Head(_("Near: %s or more") % percent(found["near_from"])), Head(_("MRR")),
        Head(_("Below")), Head(_("MRR")), Head(_("Projected above")),
    ]
    close = [row for row in found["rows"] if row["status"] != "below" or row["is_projected_above"]]
    return shown(
        close,
        Reading(
            said=_record(found),
            tables=[
                Table(_("Limits"), heads, lines),
                _nearest(ask, close[:SHOWN]),
            ],
            notes=[_(found["about"])]
            + ([_("The %(shown)s closest to their limit of %(all)s.") % {
                "shown": SHOWN, "all": whole(len(close))}] if len(close) > SHOWN else []),
        ),
        {"summary": found["summary"], "record": found["record"]},
    )


def _record(found: Row) -> list[str]:
    record = found.get("record") or {}
    if not record.get("months"):
        return []
    hit, missed = record["projected_and_passed"], record["passed_only"]
    return [
        _("Projected so in %(months)s closed months, %(hit)s of %(all)s accounts that passed their "
          "limit were named; %(false)s were named and did not pass it.") % {
            "months": len(record["months"]), "hit": whole(hit), "all": whole(hit + missed),
            "false": whole(record["projected_only"]),
        }
    ]


def _nearest(ask: Ask, rows: list[Row]) -> Table:
    lines = [
        Line(
            words(row["account_id"], beneath=row["name"] or ""),
            [
                words(named(row["feature"])), words(row["plan"] or ""),
                money(ask, row["mrr"]),
                Cell(_("%(used)s of %(most)s") % {
                    "used": whole(row["uses"]), "most": whole(row["allowance"])},
                    _uses_at(ask, row)),
                Cell(percent(row["utilisation"]), _uses_at(ask, row),
                     meter=(min(1.0, row["utilisation"]),) * 3),
                Cell(whole(round(row["projected"]))),
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


def _uses_at(ask: Ask, row: Row) -> str:
    return ask.url(
        "/features/uses", feature=row["feature"], account=row["account_id"],
        period=naming.name(month_of(ask), ask.fiscal),
    )


def _uses(ask: Ask) -> Listed:
    account, feature = ask.options.get("account", ""), ask.options.get("feature", "")
    found = ask.company.features.limit_uses(
        account, feature, period=str(month_of(ask).start)[:7], as_of=ask.seen.at.isoformat()
    )
    return Listed(
        ", ".join([named(feature), account, ask.label(month_of(ask))]), found.rows,
        {"day": (_("Day"), Kind.DAY), "uses": (_("Uses"), Unit.COUNT)},
        ask.url("/features", period=ask.options.get("period")) + "#limits", ("uses",), found.sql,
        number="uses",
    )


def _accounts(ask: Ask) -> Listed:
    state, feature = chosen_of(ask, "state", STATES, "above"), ask.options.get("feature", "")
    rows = [
        row for row in limits_of(ask).get("rows", ())
        if feature in ("", row["feature"]) and _is_in(row, state)
    ]
    return Listed(
        ", ".join(filter(None, [
            named(feature), _(STATES[state]).lower(), ask.label(month_of(ask))])),
        rows,
        {
            **({} if feature else {"feature": (_("Feature"), Kind.TEXT)}),
            "plan": (_("Plan"), Kind.TEXT), "mrr": (_("MRR"), Unit.MONEY),
            "uses": (_("Used"), Unit.COUNT), "allowance": (_("Limit"), Unit.COUNT),
            "utilisation": (_("Of its limit"), Unit.PERCENT),
            "projected": (_("Projected"), Unit.COUNT),
        },
        ask.url("/features", period=ask.options.get("period")) + "#limits", ("mrr", "uses"),
    )


def _is_in(row: Row, state: str) -> bool:
    if state == "projected":
        return bool(row["is_projected_above"])
    return row["status"] in (("near", "above") if state == "close" else (state,))


LIMITS = Panel(
    "limits", N_("Limits"), N_("Who is near what their plan allows?"), "reading.html", _show
)
FEATURE_LIMITS = rows_page(
    "/features/limits", _accounts, title=N_("Accounts by how near their limit they are"),
    group=Group.BEHAVIOUR, options=("period", "feature", "state"),
)
FEATURE_USES = rows_page(
    "/features/uses", _uses, title=N_("What an account used of a feature"),
    group=Group.BEHAVIOUR, options=("period", "feature", "account"),
)

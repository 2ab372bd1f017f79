"""The visits behind the times in each stage: a page of rows of the page at /lifecycle."""

from __future__ import annotations

import datetime as dt

from staycurve.i18n import N_
from staycurve.insights.lifecycle.lifecycle import check_stage
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.kept import asked_of
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group
from staycurve.interfaces.web.texts import _
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.period import periods_between

KNOWN_FROM = ("mrr", "activation_rate", "lead_rate", "active_accounts", "trial_starts")
"""Metrics over every table that makes an account known."""


def _years(ask: Ask) -> list[str]:
    """Every year in which an account may have moved."""
    first = ask.company.first_day(KNOWN_FROM) or ask.seen.last_day
    return [
        naming.name(year, ask.fiscal)
        for year in periods_between(
            min(first, ask.seen.last_day), ask.seen.last_day, "year", ask.fiscal)
    ]


def _visits(ask: Ask) -> Listed:
    """Visits of a stage: every move into it, and the move out of it where there was one.

    Segments are read on the visit's first day, as in the times that the number stands in.
    """
    stage = ask.options.get("stage", "")
    check_stage(stage)
    company, years = ask.company.lifecycle, _years(ask)
    begun = [
        row for year in years for row in company.movers(period=year, after=stage, **asked_of(ask))
    ]
    ended = {
        (row["account_id"], str(dt.date.fromisoformat(row["day"]) - dt.timedelta(row["days"]))): row
        for year in years
        for row in company.movers(period=year, before=stage, as_of=ask.seen.at.isoformat())
    }
    has_ended = ask.options.get("ended") == "1"
    rows = []
    for row in begun:
        end = ended.get((row["account_id"], row["day"]))
        if end or not has_ended:
            rows.append({
                "account_id": row["account_id"], "name": row["name"], "owner": row["owner"],
                "starts_on": row["day"], "ends_on": end and end["day"],
                "days": end and end["days"], "to": end and _(LABELS[end["to"]]),
            })
    about = _("visits of the stage %s that have ended") if has_ended else _(
        "visits of the stage %s")
    return Listed(
        about % _(LABELS[stage]).lower(), rows,
        {
            "starts_on": (_("From"), Kind.DAY), "ends_on": (_("Until"), Kind.DAY),
            "days": (_("Days"), Unit.COUNT), "to": (_("Then"), Kind.TEXT),
            "owner": (_("Owner"), Kind.TEXT),
        },
        ask.url("/lifecycle") + "#times",
    )


LIFECYCLE_VISITS = rows_page(
    "/lifecycle/visits", _visits, title=N_("Visits of a stage"), group=Group.BEHAVIOUR,
    options=("stage", "ended"),
)

"""The visits behind the times in each stage: a page of rows of the page at /lifecycle."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.kept import asked_of
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group
from staycurve.interfaces.web.texts import _
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit


def _visits(ask: Ask) -> Listed:
    """Visits of a stage; segments are read on the visit's first day, as in the times."""
    stage = ask.options.get("stage", "")
    has_ended = ask.options.get("ended") == "1"
    found = ask.company.lifecycle.visits(
        stage, has_ended=True if has_ended else None, **asked_of(ask)
    )
    rows = [{**row, "to": row["to"] and _(LABELS[row["to"]])} for row in found]
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

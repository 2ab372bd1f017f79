"""The accounts and users behind the numbers of the page at /features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from staycurve.i18n import N_
from staycurve.insights.features.feature_accounts import PARTS
from staycurve.insights.features.feature_use import STATUSES
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import day_of, month_of
from staycurve.interfaces.web.kept import asked_of
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
from staycurve.interfaces.web.page import Group
from staycurve.interfaces.web.reading import named
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

_KEPT = ("followed", "kept", "others", "others_kept")
BESIDE: Mapping[str, Sequence[str]] = {
    **{one: [other for other in _KEPT if other != one] for one in _KEPT},
    "again": ["before"], "before": ["again"], "using": ["active"],
    **{f"using_{status}": [status] for status in STATUSES},
}
"""What a part is a share of, and what it is compared with."""
ANCHORS = {
    "breadth": "#breadth", **dict.fromkeys(_KEPT, "#stay"),
    **{f"using_{status}": "#statuses" for status in STATUSES},
}


def _accounts(ask: Ask) -> Listed:
    part, feature = ask.options.get("part", "active"), ask.options.get("feature", "")
    period = month_of(ask)
    breadth = day_of(ask, "breadth")
    found = ask.company.features.accounts(
        feature, part=part, period=str(period.start)[:7], breadth=breadth, **asked_of(ask)
    )
    told = _("active accounts that used %s features") % breadth if breadth else _(PARTS[part])
    about = ", ".join(filter(None, [named(feature), told, ask.label(period)]))
    columns: dict[str, tuple[str, Unit | Kind]] = {
        "status": (_("Status"), Kind.TEXT), "uses": (_("Uses"), Unit.COUNT),
        "users": (_("Users"), Unit.COUNT), "features": (_("Features"), Unit.COUNT),
        "errors": (_("Errors"), Unit.COUNT), "base": (_("From"), Kind.DAY),
        "is_kept": (_("Still paid"), Kind.FLAG), "size": (_("Size"), Kind.TEXT),
        "tenure": (_("Paying for"), Kind.TEXT), "plan": (_("Plan"), Kind.TEXT),
        "activity": (_("Active"), Kind.TEXT),
    }
    present = {name for row in found.rows for name, value in row.items() if value is not None}
    anchor = ANCHORS.get(part, "#report")
    return Listed(
        about, found.rows, {k: v for k, v in columns.items() if k in present},
        ask.url("/features", period=ask.options.get("period")) + anchor,
        [name for name in ("uses", "users", "features", "errors") if name in present], found.sql,
        beside=[
            (_(PARTS[one]), ask.url(part=one, page=None)) for one in BESIDE.get(part, ())
        ],
    )


def _users(ask: Ask) -> Listed:
    feature, period = ask.options.get("feature", ""), month_of(ask)
    found = ask.company.features.users(feature, period=str(period.start)[:7], **asked_of(ask))
    return Listed(
        f"{named(feature)}, {ask.label(period)}", found.rows,
        {name: (label, Unit.COUNT) for name, label in (
            ("uses", _("Uses")), ("days", _("Days"))) if found.rows and name in found.rows[0]},
        ask.url("/features", period=ask.options.get("period")) + "#report",
        ("uses",), found.sql,
    )


FEATURE_ACCOUNTS = rows_page(
    "/features/accounts", _accounts, title=N_("Accounts by what they use"),
    group=Group.BEHAVIOUR, options=("period", "part", "feature", "breadth"),
)
FEATURE_USERS = rows_page(
    "/features/users", _users, title=N_("Users of a feature"), group=Group.BEHAVIOUR,
    options=("period", "feature"),
)

"""Facts of what accounts do: active days, limits, features that similar accounts keep."""

from __future__ import annotations

from collections import Counter
from typing import Any

from staycurve.actions.facts.base import TEXT, Fact, Moment, Values
from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import TRAILING
from staycurve.insights.features.limit_facts import month_of, shares_sql
from staycurve.metrics.base import Unit

KEEPS = 3
"""An account keeps a feature when it used it in each of the last three stretches of 28 days."""
ENOUGH_PEERS = 20
"""As in `account similar`: below twenty accounts one of them moves a share by over five points."""
KEPT_BY = 0.5
"""Share of the accounts on its plan that must keep a feature for it to be one that is missing."""


def _days(moment: Moment) -> dict[str, tuple[int, int]]:
    """account_id → active days of the last 28, and of the 28 before."""
    sql = f"""SELECT account_id,
       COUNT(DISTINCT CASE WHEN day > {moment.before(TRAILING)} THEN day END),
       COUNT(DISTINCT CASE WHEN day <= {moment.before(TRAILING)} THEN day END)
FROM {moment.usage}
WHERE is_active AND account_id IS NOT NULL AND day > {moment.before(2 * TRAILING)}
  AND day <= {moment.day}
GROUP BY account_id ORDER BY account_id"""
    return moment.once(sql, lambda: {row[0]: row[1:] for row in moment.engine.rows(sql)})


def _active(moment: Moment) -> Values:
    return {one: row[0] for one, row in _days(moment).items()}


def _before(moment: Moment) -> Values:
    return {one: row[1] for one, row in _days(moment).items()}


def _change(moment: Moment) -> Values:
    return {
        one: (now - before) / before for one, (now, before) in _days(moment).items() if before
    }


def _idle(moment: Moment) -> Values:
    sql = f"""SELECT account_id, MAX(day) FROM {moment.usage}
WHERE is_active AND account_id IS NOT NULL AND day <= {moment.day}
GROUP BY account_id ORDER BY account_id"""
    return {one: moment.since(day) for one, day in moment.rows(sql)}


def _limit(moment: Moment) -> list[tuple[Any, ...]]:
    """(account_id, feature, utilisation) of every allowance, this month to date."""
    config = moment.company.config
    if not config.behaviour.limits:
        raise NotAnsweredError("no limits of plans are stated",
                               hint="Write in staycurve.toml: [[limits]]")

    def find() -> list[tuple[Any, ...]]:
        month = month_of(None, moment.seen, config.company.zone)
        return list(moment.engine.rows(shares_sql(config, month.window, usage=moment.usage)))

    return moment.once("limits", find)


def _share(moment: Moment) -> Values:
    found: dict[str, float] = {}
    for one, _feature, used in _limit(moment):
        found[one] = max(used, found.get(one, 0.0))
    return found


def _fullest(moment: Moment) -> Values:
    found: dict[str, tuple[float, str]] = {}
    for one, feature, used in _limit(moment):
        found[one] = max((used, feature), found.get(one, (-1.0, "")))
    return {one: feature for one, (_used, feature) in found.items()}


def _missing(moment: Moment) -> dict[str, list[str]]:
    """account_id → features that at least half of the accounts on its plan keep, and it never
    used."""
    def find() -> dict[str, list[str]]:
        spans = ", ".join(
            f"MAX(CASE WHEN day > {moment.before((k + 1) * TRAILING)} "
            f"AND day <= {moment.before(k * TRAILING)} THEN 1 ELSE 0 END)" for k in range(KEEPS)
        )
        sql = f"""SELECT account_id, feature, {spans}
FROM {moment.usage}
WHERE account_id IS NOT NULL AND feature IS NOT NULL AND day <= {moment.day}
GROUP BY account_id, feature ORDER BY account_id, feature"""
        used: dict[str, set[str]] = {}
        kept: dict[str, set[str]] = {}
        for one, feature, *months in moment.rows(sql):
            used.setdefault(one, set()).add(feature)
            if all(months):
                kept.setdefault(one, set()).add(feature)
        status = moment.read("status")
        plans = {
            one: own for one, own in moment.read("plan").items() if status.get(one) == "paying"
        }
        sizes = Counter(plans.values())
        keepers = Counter(
            (plans[one], feature) for one, own in kept.items() if one in plans for feature in own
        )
        usual: dict[Any, list[str]] = {}
        for (own, feature), count in sorted(keepers.items()):
            if sizes[own] > ENOUGH_PEERS and count >= KEPT_BY * sizes[own]:
                usual.setdefault(own, []).append(feature)
        return {
            one: [name for name in usual.get(own, ()) if name not in used.get(one, ())]
            for one, own in plans.items() if sizes[own] > ENOUGH_PEERS
        }

    return moment.once("missing features", find)


def _gap(moment: Moment) -> Values:
    return {one: len(names) for one, names in _missing(moment).items()}


def _gap_names(moment: Moment) -> Values:
    return {one: ", ".join(names) for one, names in _missing(moment).items() if names}


active_days = Fact(
    N_("Active days"), N_("Days with activity, of the last 28."), "number", _active,
    needs=("events",), is_default_zero=True,
)
active_days_before = Fact(
    N_("Active days before"), N_("Days with activity, of the 28 days before the last 28."),
    "number", _before, needs=("events",), is_default_zero=True,
)
active_days_change = Fact(
    N_("Change of active days"),
    N_("Active days of the last 28 against the 28 before, as a share of these."), "number",
    _change, needs=("events",), unit=Unit.PERCENT,
)
idle_days = Fact(
    N_("Days without activity"), N_("Days since it was last active."), "number", _idle,
    needs=("events",),
)
limit_share = Fact(
    N_("Limit used"), N_("The fullest of its plan's allowances this month: used / allowance."),
    "number", _share, needs=("events",), unit=Unit.PERCENT,
)
limit_feature = Fact(
    N_("Fullest limit"), N_("The feature whose allowance is fullest this month."), TEXT, _fullest,
    needs=("events",), unit=None,
)
missing_features = Fact(
    N_("Features not tried"),
    N_("How many features it never used that at least half of the paying accounts on its plan "
       "keep (used in each of the last three stretches of 28 days)."), "number", _gap,
    needs=("events",),
)
missing_feature_names = Fact(
    N_("Which features"), N_("Their names, with commas."), TEXT, _gap_names, needs=("events",),
    unit=None,
)

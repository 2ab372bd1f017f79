"""Facts of where accounts stand: lifecycle stage, sign-up, people, the riskiest month."""

from __future__ import annotations

from typing import Any

from staycurve.actions.facts.base import FLAG, TEXT, Fact, Moment, Values
from staycurve.i18n import N_
from staycurve.insights.cohorts.riskiest_months import riskiest_months
from staycurve.insights.lifecycle.lifecycle_spans import SPANS


def _stages(moment: Moment) -> list[tuple[Any, ...]]:
    return moment.rows(
        f"SELECT account_id, stage, starts_on FROM {SPANS} WHERE starts_on <= {moment.day} "
        f"AND ends_on > {moment.day} ORDER BY account_id"
    )


def _stage(moment: Moment) -> Values:
    return {one: found for one, found, _since in _stages(moment)}


def _stage_days(moment: Moment) -> Values:
    return {one: moment.since(since) + 1 for one, _stage, since in _stages(moment)}


def _signed_up(moment: Moment) -> Values:
    sql = f"""SELECT account_id, created_on FROM accounts
WHERE created_on <= {moment.day} ORDER BY account_id"""
    return {one: moment.since(day) for one, day in moment.pairs(sql).items()}


def _activated(moment: Moment) -> Values:
    sql = f"""SELECT account_id, MIN(activated_on) FROM account_months
WHERE activated_on <= {moment.day} GROUP BY account_id ORDER BY account_id"""
    found = moment.pairs(sql)
    return {one: one in found for one in moment.accounts()}


def _champions(moment: Moment) -> list[tuple[Any, ...]]:
    """(account_id, champions that are there, the day on which the last one left)."""
    gone = "least(coalesce(u.left_at, u.bounced_at), coalesce(u.bounced_at, u.left_at))"
    return moment.rows(
        f"""SELECT r.root_id,
       SUM(CASE WHEN {gone} IS NULL OR {gone} >= {moment.at} THEN 1 ELSE 0 END),
       CAST(MAX(CASE WHEN {gone} < {moment.at} THEN {gone} END) AS DATE)
FROM users u JOIN account_roots r ON r.account_id = u.account_id
WHERE u.is_champion AND NOT r.is_excluded
  AND (u.created_at IS NULL OR u.created_at < {moment.at})
GROUP BY r.root_id ORDER BY r.root_id"""
    )


def _champions_there(moment: Moment) -> Values:
    return {one: int(there) for one, there, _left in _champions(moment)}


def _champion_left(moment: Moment) -> Values:
    return {one: moment.since(left) for one, _there, left in _champions(moment) if left}


def _riskiest(moment: Moment) -> Values:
    answer = riskiest_months(moment.company, as_of=moment.seen.at.isoformat())
    months = {row.month for row in answer.named}
    return {
        one: month in months for one, month in moment.read("subscription_month").items()
    }


stage = Fact(
    N_("Stage"), N_("Its lifecycle stage."), TEXT, _stage, unit=None,
)
stage_days = Fact(
    N_("Days in stage"), N_("Days in the stage, the first one included."), "number", _stage_days,
)
days_since_signup = Fact(
    N_("Days since sign-up"), N_("Days since the account was created."), "number", _signed_up,
)
is_activated = Fact(
    N_("Activated"), N_("Whether it has reached first value, by [activation]."), FLAG, _activated,
    needs=("events",), unit=None,
)
champions = Fact(
    N_("Champions"), N_("Users marked as champions that have not left."), "number",
    _champions_there, needs=("users",),
)
champion_left_days = Fact(
    N_("Champion left, days"), N_("Days since its last champion to leave left, or bounced."),
    "number", _champion_left, needs=("users",),
)
is_in_riskiest_month = Fact(
    N_("In the riskiest month"),
    N_("Whether it is in a subscription month in which accounts churn significantly more: see "
       "`cohorts riskiest`."), FLAG, _riskiest, unit=None,
)

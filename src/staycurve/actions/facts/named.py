"""Families of facts: any metric, any feature, event or attribute by its name."""

from __future__ import annotations

from typing import Any

from staycurve.actions.audiences import places
from staycurve.actions.facts.base import FLAG, NUMBER, TEXT, Family, Moment, Values
from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import TRAILING
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query
from staycurve.period import period_of
from staycurve.tables.engine import quoted

COLUMNS = ("name", "industry", "country", "employees", "channel", "owner", "currency")


def _check_metric(company: Reader, name: str) -> str:
    del company
    if "month" not in METRICS[name].grains:
        raise UnknownNameError("metric by month", name, ())
    return NUMBER


def _metric(moment: Moment, name: str) -> Values:
    month = period_of(moment.seen.last_day, "month")
    if moment.seen.is_open(month):
        month = month.previous()
    found: dict[str, float] = {}
    for row in moment.company.account_rows(Query((name,), "month", (month,), moment.seen)).rows:
        if "value" in row:
            value = row["value"]
        else:
            value = row["numerator"] / row["denominator"] if row.get("denominator") else None
        if value is not None:
            found[row["account_id"]] = float(value)
    return found


def _known(company: Reader, sql: str) -> list[str]:
    def find() -> list[str]:
        with company.reading() as engine:
            return [one for (one,) in engine.rows(sql)]

    return company.kept("names of facts", sql, find)


def _check_feature(company: Reader, name: str) -> str:
    known = _known(
        company, "SELECT DISTINCT feature FROM usage_days WHERE feature IS NOT NULL ORDER BY 1"
    )
    # With nothing loaded yet, any name may come to be one.
    if known and name not in known:
        raise UnknownNameError("feature", name, known)
    return NUMBER


def _feature(moment: Moment, name: str) -> Values:
    return moment.pairs(f"""SELECT account_id, COUNT(DISTINCT day) FROM {moment.usage}
WHERE account_id IS NOT NULL AND feature = {quoted(name)} AND day > {moment.before(TRAILING)}
  AND day <= {moment.day}
GROUP BY account_id ORDER BY account_id""")


def _check_event(company: Reader, name: str) -> str:
    known = _known(company, "SELECT DISTINCT event FROM events ORDER BY 1")
    if known and name not in known:
        raise UnknownNameError("event", name, known)
    return NUMBER


def _event(moment: Moment, name: str) -> Values:
    return moment.pairs(f"""SELECT r.root_id, COUNT(*)
FROM events e
LEFT JOIN users u ON e.account_id IS NULL AND u.user_id = e.user_id
JOIN account_roots r ON r.account_id = coalesce(e.account_id, u.account_id)
WHERE NOT r.is_excluded AND e.event = {quoted(name)} AND e.occurred_at < {moment.at}
  AND e.occurred_on > {moment.before(TRAILING)}
GROUP BY r.root_id ORDER BY r.root_id""")


def _check_attribute(company: Reader, name: str) -> str:
    known = [*COLUMNS, *company.attributes()]
    if name not in known:
        raise UnknownNameError("account attribute", name, known)
    return NUMBER if name == "employees" else TEXT


def _attribute(moment: Moment, name: str) -> Values:
    if name in COLUMNS:
        sql = f'SELECT account_id, "{name}" FROM accounts ORDER BY account_id'
    else:
        path = quoted(f'$."{name}"')
        sql = (f"SELECT account_id, json_extract_string(attributes, {path}) FROM accounts "
               "ORDER BY account_id")
    found: dict[str, Any] = moment.pairs(sql)
    return found


def _check_audience(company: Reader, name: str) -> str:
    known = places.names(company.folder)
    if name not in known:
        raise UnknownNameError("audience", name, known, hint="All audiences: staycurve audiences "
                               "list")
    return FLAG


def _audience(moment: Moment, name: str) -> Values:
    # The workspace hands the values of those there are to the moment.
    raise UnknownNameError("audience", name, places.names(moment.company.folder))


metric = Family(
    "metric", N_("A metric"), N_("Any metric by its name, of each account, in the last closed "
                                 "month: metric.nrr, metric.sessions."), _check_metric, _metric,
)
feature = Family(
    "feature", N_("A feature"), N_("Days with use of the feature, of the last 28."),
    _check_feature, _feature, needs=("events",), is_default_zero=True,
)
event = Family(
    "event", N_("An event"), N_("How often the event was sent, in the last 28 days."),
    _check_event, _event, needs=("events",), is_default_zero=True,
)
account = Family(
    "account", N_("An attribute"), N_("A column of accounts, or an attribute that was loaded."),
    _check_attribute, _attribute, needs=("accounts",),
)
audience = Family(
    "audience", N_("An audience"), N_("Whether the account is in the audience."),
    _check_audience, _audience,
)

"""Facts of churn risk: triggers that stand, and what the model says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from staycurve.actions.facts.base import FLAG, TEXT, Fact, Family, Moment, Values
from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.risk.frames import frames
from staycurve.insights.risk.scores import Score, scores
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.trigger import TRIGGERS
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.tables.engine import AnyEngine

Standing = dict[str, dict[str, bool]]
"""trigger → account_id → whether it stands; without accounts of which that is not known."""


def _day(moment: Moment) -> dt.date:
    seen = moment.seen
    return seen.last_day if seen.is_whole else seen.last_day - dt.timedelta(days=1)


def _standing(moment: Moment) -> Standing:
    """Every trigger as of the moment; those of all days that are looked at come together."""
    day = _day(moment)
    days = moment.days if day in moment.days else (day,)
    return moment.jointly(
        ("triggers", days), lambda: _on_days(moment.company, moment.engine, days)
    ).get(day, {})


def _on_days(
    company: Reader, engine: AnyEngine, days: Sequence[dt.date]
) -> dict[dt.date, Standing]:
    risk = company.config[RISK]
    found: dict[dt.date, Standing] = {}
    for part in frames(company, engine, days, 1):
        rows = list(zip(part.days.tolist(), part.account_ids, strict=True))
        for name, trigger in TRIGGERS.items():
            known, fired = trigger.on(part, risk)
            for place in known.nonzero()[0]:
                day, account = rows[place]
                found.setdefault(day, {}).setdefault(name, {})[account] = bool(fired[place])
    return found


def _check_trigger(company: Reader, name: str) -> str:
    del company
    _ = TRIGGERS[name]
    return FLAG


def _trigger(moment: Moment, name: str) -> Values:
    return _standing(moment).get(name, {})


def _names(moment: Moment) -> Values:
    found: dict[str, list[str]] = {}
    for name, accounts in sorted(_standing(moment).items()):
        for account, stands in accounts.items():
            if stands:
                found.setdefault(account, []).append(name)
    return {account: ", ".join(names) for account, names in found.items()}


def _count(moment: Moment) -> Values:
    found: dict[str, int] = {}
    for accounts in _standing(moment).values():
        for account, stands in accounts.items():
            found[account] = found.get(account, 0) + stands
    return found


def _scores(moment: Moment) -> dict[str, Score]:
    def find() -> dict[str, Score]:
        answer = scores(moment.company, as_of=moment.seen.at.isoformat())
        if answer.form is None and answer.why:
            raise NotAnsweredError(f"health is not known: {answer.why}",
                                   hint="See: staycurve risk scores")
        return {row.account_id: row for row in answer.rows}

    return moment.once("risk scores", find)


def _probability(moment: Moment) -> Values:
    return {
        one: row.probability for one, row in _scores(moment).items() if row.probability is not None
    }


def _health(moment: Moment) -> Values:
    return {one: row.health for one, row in _scores(moment).items() if row.health is not None}


def _band(moment: Moment) -> Values:
    return {one: row.band for one, row in _scores(moment).items()}


trigger = Family(
    "trigger", N_("A churn trigger"),
    N_("Whether the churn trigger stands, of accounts that pay and for which that is known: see "
       "`risk triggers`."), _check_trigger, _trigger,
)
triggers = Fact(
    N_("Churn triggers"), N_("The names of the churn triggers that stand, with commas."), TEXT,
    _names, unit=None,
)
trigger_count = Fact(
    N_("Number of churn triggers"), N_("How many churn triggers stand, of accounts that pay."),
    "number", _count,
)
probability = Fact(
    N_("Churn probability"),
    N_("Of churn within 90 days, 0 to 1, as `risk scores` gives it."), "number", _probability,
    unit=Unit.PERCENT,
)
health = Fact(
    N_("Health score"), N_("100 × (1 − churn probability), 0 to 100."), "number", _health,
)
health_band = Fact(
    N_("Health"), N_("at_risk, watch, healthy or unknown, of accounts that pay."), TEXT, _band,
    unit=None,
)

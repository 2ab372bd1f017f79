"""Books: what accounts pay today, as customers, subscriptions and activities say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from staycurve.interfaces.chartmogul.requests import Request
from staycurve.money import MICRO, half_even
from staycurve.sources.chartmogul.rows import digits
from staycurve.tables.engine import AnyEngine, quoted

KINDS = {
    "new": "new_biz", "expansion": "expansion", "contraction": "contraction",
    "churned": "churn", "reactivation": "reactivation",
}
"""Our movements, as ChartMogul calls them."""


@dataclass(frozen=True)
class Standing:
    """One account today.

    Attributes
    ----------
    status : str
        Lead, Active or Cancelled.
    mrr : int
        Smallest units of the company's currency.
    since : datetime, optional
        The first day that was paid for.
    """

    status: str = "Lead"
    mrr: int = 0
    since: dt.datetime | None = None


@dataclass(frozen=True)
class Books:
    """Accounts today, in the company's currency."""

    currency: str
    standings: Mapping[str, Standing]

    def of(self, account_id: str) -> Standing:
        """An account; a lead if nobody billed it."""
        return self.standings.get(account_id, Standing())

    @property
    def sign(self) -> str:
        """The currency's sign."""
        from babel.numbers import get_currency_symbol

        return str(get_currency_symbol(self.currency, locale="en_US"))


def books_of(request: Request, accounts: Sequence[str]) -> Books:
    """What these accounts pay as of the last day of which anything is known."""
    company = request.company
    currency = company.config.company.currency
    if not accounts:
        return Books(currency, {})
    request.desk.drain_and_refresh()
    today = company.as_of().last_day
    listed = ", ".join(quoted(one) for one in sorted(set(accounts)))
    with company.reading() as engine:
        found = engine.rows(f"""
            SELECT account_id, after, items_after, first_paid_on FROM (
                SELECT account_id, after, items_after, first_paid_on, row_number() OVER (
                    PARTITION BY account_id ORDER BY day DESC, last_mark DESC) AS place
                FROM mrr_movements
                WHERE account_id IN ({listed}) AND day <= DATE '{today}'
            ) m WHERE place = 1""")
    standings = {
        account: Standing(
            "Active" if after > 0 else "Cancelled", smallest(after, currency), _midnight(since)
        )
        for account, after, _, since in found if since is not None
    }
    return Books(currency, standings)


def smallest(micro: int, currency: str) -> int:
    """Smallest units of a currency, of micro-units; half to even."""
    return half_even(Fraction(micro * int(10 ** digits(currency)), MICRO))


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return None if day is None else dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def movements(
    engine: AnyEngine, *, until: dt.date, since: dt.date | None = None,
    accounts: Sequence[str] | None = None, kind: str | None = None, after: int = 0, most: int = 200,
) -> list[dict[str, Any]]:
    """Movements of MRR by day and account, as rows with `place`, their number from 1 on."""
    ours = {theirs: own for own, theirs in KINDS.items()}
    conditions = [
        f"day <= DATE '{until}'", f"movement IN ({', '.join(map(quoted, KINDS))})"
    ]
    if since is not None:
        conditions.append(f"day >= DATE '{since}'")
    if accounts is not None:
        conditions.append(f"account_id IN ({', '.join(map(quoted, accounts))})")
    if kind is not None:
        conditions.append(f"movement = {quoted(ours.get(kind, ''))}")
    lines = engine.rows(f"""
        SELECT account_id, last_mark, day, before, after, movement, place FROM (
            SELECT account_id, last_mark, day, before, after, movement,
                   row_number() OVER (ORDER BY day, last_mark, account_id) AS place
            FROM mrr_movements WHERE {' AND '.join(conditions)}
        ) m WHERE place > {int(after)} ORDER BY place LIMIT {int(most)}""")
    names = ("account_id", "last_mark", "day", "before", "after", "movement", "place")
    return [dict(zip(names, line, strict=True)) for line in lines]

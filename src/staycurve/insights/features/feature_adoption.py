"""Adoption of features month by month, from the month table alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.features.feature_use import Asked
from staycurve.insights.shared.account_facts import Opened
from staycurve.insights.usage.usage_windows import Window, window_of
from staycurve.period import month_index, month_start

Row = dict[str, Any]

MONTHS = 12

ABOUT = N_(
    "Accounts using the feature / accounts active in the month. A month before the first use "
    "that is known is left out."
)
NOBODY_ACTIVE = N_("no account was active in this month")


@dataclass(frozen=True)
class Adoption:
    """Accounts using each feature by month.

    Attributes
    ----------
    rows : list of dict
        feature, period, accounts, active_accounts, value; `why` where value is None. The feature
        most used in the last month first, and its months in order.
    rest : tuple of str
        Features beyond those shown.
    """

    as_of: str
    rows: list[Row]
    rest: tuple[str, ...]
    sql: str = field(repr=False, default="")
    _accounts: Callable[[str, str], Opened] | None = field(default=None, repr=False)

    def accounts(self, feature: str, month: str) -> Opened:
        """The accounts that used a feature in a month, such as 2024-05."""
        assert self._accounts is not None
        return self._accounts(feature, month)

    def to_json(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of, "about": ABOUT, "rows": self.rows,
            "rest": {"features": len(self.rest), "names": list(self.rest)},
        }


def windows_of(asked: Asked, months: int) -> list[Window]:
    """The last closed month, and those before it."""
    last = month_index(asked.window.start)
    if month_start(last).year < 2:
        raise NotAnsweredError("No month has closed.", hint="Load events first.")
    return [
        window_of(f"{month_start(last - back):%Y-%m}", asked.question.as_of)
        for back in reversed(range(months))
    ]


def adoption(
    asked: Asked,
    windows: Sequence[Window],
    answer: Iterable[Sequence[Any]],
    *,
    sql: str,
    accounts: Callable[[str, str], Opened],
) -> Adoption:
    """Adoption from the rows of `feature_use.adoption_statement`."""
    active: dict[dt.date, int] = {}
    using: dict[str, dict[dt.date, int]] = {}
    for month, feature, count in answer:
        if feature is None:
            active[month] = count
        else:
            using.setdefault(feature, {})[month] = count
    months = [w.start for w in windows if w.start >= min(active, default=w.end)]
    last = months[-1] if months else None
    order = sorted(
        using,
        key=lambda name: (-(using[name].get(last, 0) if last else 0),
                          -sum(using[name].values()), name),
    )
    chosen = list(asked.features) or order[: asked.top]
    rows: list[Row] = []
    for name in chosen:
        for month in months:
            count, size = using.get(name, {}).get(month, 0), active.get(month, 0)
            row: Row = {
                "feature": name, "period": str(month), "accounts": count,
                "active_accounts": size, "value": count / size if size else None,
            }
            rows.append(row if size else {**row, "why": NOBODY_ACTIVE})
    rest = () if asked.features else tuple(name for name in order if name not in set(chosen))
    return Adoption(asked.question.as_of.at.isoformat(), rows, rest, sql, accounts)

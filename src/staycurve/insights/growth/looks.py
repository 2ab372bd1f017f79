"""Looks: what the worklist would have expected on past days, and what followed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.growth.crosssell import known_on
from staycurve.insights.growth.signals import found_on
from staycurve.insights.growth.upgrades import gained_sql
from staycurve.insights.growth.upsell import Found
from staycurve.insights.growth.worklist import step_of
from staycurve.insights.risk.frames import Frame, apart, moment_on
from staycurve.insights.risk.judging import RESAMPLES, drawn_again
from staycurve.insights.risk.track import Track, is_told
from staycurve.insights.shared.reader import Reader
from staycurve.money import MICRO
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import numpy as np

TENTHS = 10


@dataclass(frozen=True)
class Looks:
    """Accounts on past days that lie one horizon apart, so that no expansion counts twice.

    Attributes
    ----------
    days : tuple of date
        Ascending.
    account_ids : array of object, shape (n,)
    on : array of datetime64[D], shape (n,)
    probability : array of float, shape (n,)
        By the model that was fitted to what had an outcome before; NaN where nothing was known of
        the account.
    gain : array of float, shape (n,)
        MRR of its step by the prices and the ladder of that day; NaN where that was not known.
    followed : array of float, shape (n,)
        Expansion MRR of its upgrades within the horizon.
    """

    days: tuple[dt.date, ...]
    account_ids: np.ndarray
    on: np.ndarray
    probability: np.ndarray
    gain: np.ndarray
    followed: np.ndarray

    @property
    def expected(self) -> np.ndarray:
        """Probability × gain, shape (n,)."""
        found: np.ndarray = self.probability * self.gain
        return found

    @property
    def is_upgraded(self) -> np.ndarray:
        """Whether anything followed, as bool of shape (n,)."""
        found: np.ndarray = self.followed > 0
        return found


def looks_of(
    company: Reader, engine: AnyEngine, seen: AsOf, track: Track, form: str
) -> Looks:
    """The test days of a track record that lie one horizon apart, the last one among them."""
    import numpy as np

    test = track.test
    days = sorted(apart([day.item() for day in np.unique(test.days)], track.horizon))
    chosen = np.isin(test.days, np.array(days, dtype="datetime64[D]"))
    rows = test.where(chosen)
    probability = track.forms[form].probability[chosen].astype(float)
    probability[~is_told(rows)] = np.nan
    gain = np.full(len(rows), np.nan)
    for day in days:
        own = (rows.days == np.datetime64(day)).nonzero()[0]
        gain[own] = _gains(company, engine, seen, rows.where(own), day, track.horizon)
    gained = {
        (account, day): value for account, day, value in engine.rows(
            gained_sql(days, track.horizon)
        )
    }
    followed = np.array([
        gained.get(one, 0) for one in zip(rows.account_ids, rows.days.tolist(), strict=True)
    ], dtype=float) / MICRO
    return Looks(tuple(days), rows.account_ids, rows.days, probability, gain, followed)


def _gains(
    company: Reader, engine: AnyEngine, seen: AsOf, rows: Frame, day: dt.date, horizon: int
) -> np.ndarray:
    """The possible gain of each account of a day, by what was known on it; NaN where none was."""
    import numpy as np

    known = known_on(company, engine, moment_on(engine, seen, day, horizon), horizon)
    offers, found = found_on(engine, company.config, day, rows, known)
    signals: dict[str, list[Found]] = {}
    for one in found:
        signals.setdefault(one.account_id, []).append(one)
    steps = [step_of(account, signals.get(account, ()), offers) for account in rows.account_ids]
    return np.array([np.nan if one.amount is None else one.amount for one in steps], dtype=float)


@dataclass(frozen=True)
class Part:
    """Some rows of looks, added up.

    Attributes
    ----------
    expected, followed : float
        MRR.
    upgrades, upgraded : float
        The sum of the probabilities, and how many were upgraded.
    low, high : float, optional
        The 95% interval of `followed`, by resampling whole accounts.
    """

    rows: int
    expected: float
    followed: float
    upgrades: float
    upgraded: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Sums:
    """Looks added up, of the rows whose expected gain is known.

    Attributes
    ----------
    whole : Part
    tenths : tuple of Part
        By expected gain, lowest first.
    ratio, low, high : float, optional
        followed / expected, and its interval; None where nothing was expected, or nothing followed.
    """

    whole: Part
    tenths: tuple[Part, ...]
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


def sums_of(looks: Looks) -> Sums:
    """Expected and followed, in all and by tenths, with intervals.

    An account stands on several days, so whole accounts are drawn again.
    """
    import numpy as np

    known = ~np.isnan(looks.expected)
    expected, followed = looks.expected[known], looks.followed[known]
    size = len(expected)
    if not size:
        return Sums(Part(0, 0.0, 0.0, 0.0, 0), ())
    # Ties stand by day and account, as rows come.
    order = np.argsort(expected, kind="stable")
    groups = np.empty(size, dtype=int)
    for place, rows in enumerate(np.array_split(order, TENTHS)):
        groups[rows] = place
    count = int(groups.max()) + 1
    drawn, wholes = [], []
    for weights in drawn_again(looks.account_ids[known], RESAMPLES):
        drawn.append(np.bincount(groups, weights=weights * followed, minlength=count))
        wholes.append((drawn[-1].sum(), float((weights * expected).sum())))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    sums = np.array(wholes)
    ends = np.quantile(sums[:, 0], [0.025, 0.975])

    def part(own: np.ndarray, low: float, high: float) -> Part:
        return Part(
            int(own.sum()), float(expected[own].sum()), float(followed[own].sum()),
            float(looks.probability[known][own].sum()), int((followed[own] > 0).sum()), low, high,
        )

    whole = part(np.ones(size, dtype=bool), float(ends[0]), float(ends[1]))
    tenths = tuple(
        part(groups == place, float(low[place]), float(high[place])) for place in range(count)
    )
    if whole.expected <= 0 or not whole.upgraded:
        return Sums(whole, tenths)
    low_ratio, high_ratio = np.quantile(sums[:, 0] / sums[:, 1], [0.025, 0.975])
    return Sums(
        whole, tenths, whole.followed / whole.expected, float(low_ratio), float(high_ratio)
    )

"""Frames: features of accounts on days, and who then left, as columns of numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from staycurve.insights.risk.asked import HORIZON, NEAR
from staycurve.insights.risk.feature_table import features, leavers_sql
from staycurve.insights.risk.kept_table import last_whole_day, rows_sql
from staycurve.insights.risk.pulse import by_customer, mark_of, values_of
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf, Period, period_of
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import numpy as np

AT_ONCE = 250_000
"""Rows of one statement: more days at once are faster, and take memory."""
KEPT = 300_000
"""Rows that are kept for the next question; larger companies compute theirs again."""
MONTHS = 24
"""Months of history that are looked at: what customers did before may no longer hold."""

Labels = Callable[[Sequence[dt.date], int], str]
"""(days, horizon) → SQL of (account_id, day, left_on): who has the outcome, and when first."""


@dataclass(frozen=True)
class Frame:
    """Accounts that pay on a day, one row an account and day.

    Attributes
    ----------
    account_ids, plans : array of object, shape (n,)
    days, left_on : array of datetime64[D], shape (n,)
        `left_on` is the first day after which it no longer paid, within the horizon; NaT for
        those that stayed. Under other labels it is the first day of their outcome.
    mrr : array of int64, shape (n,)
        Micro-units.
    is_requested : array of bool, shape (n,)
        Whether a cancellation was requested by then.
    days_unpaid : array of float32, shape (n,)
        Days since its last payment; NaN where none is known.
    values : mapping
        Feature → array of float32, shape (n,); NaN where it is not known.
    stages : array of object, shape (n,), optional
        The lifecycle stage of each at the close of its day, where somebody asked for it.
    """

    account_ids: np.ndarray
    days: np.ndarray
    plans: np.ndarray
    mrr: np.ndarray
    is_requested: np.ndarray
    days_unpaid: np.ndarray
    left_on: np.ndarray
    values: Mapping[str, np.ndarray]
    stages: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.account_ids)

    @property
    def has_left(self) -> np.ndarray:
        """Whether each left within the horizon, as bool of shape (n,)."""
        import numpy as np

        found: np.ndarray = ~np.isnat(self.left_on)
        return found

    def where(self, chosen: np.ndarray) -> Frame:
        """The rows of a mask, or of places."""
        return Frame(
            self.account_ids[chosen], self.days[chosen], self.plans[chosen], self.mrr[chosen],
            self.is_requested[chosen], self.days_unpaid[chosen], self.left_on[chosen],
            {name: values[chosen] for name, values in self.values.items()},
            None if self.stages is None else self.stages[chosen],
        )

    def within(self, horizon: int) -> Frame:
        """The same rows, judged over a shorter time: who left later has not left.

        The first churn after a day is the one that counts, so a shorter horizon knows it too.
        """
        import numpy as np

        late = self.left_on > self.days + np.timedelta64(horizon, "D")
        left = np.where(late, np.datetime64("NaT"), self.left_on)
        return replace(self, left_on=left)

    def without(self, names: Collection[str]) -> Frame:
        """The same rows, as if nobody knew some features."""
        import numpy as np

        unknown = np.full(len(self), np.nan, dtype=np.float32)
        return replace(self, values={
            name: unknown if name in names else values for name, values in self.values.items()
        })


@dataclass(frozen=True)
class Moment:
    """The day that is judged, and the earlier ones whose outcome is known by then.

    Attributes
    ----------
    day : date
        The last local day that is seen whole.
    past : tuple of date
        The last days of months, oldest first, whose horizon has passed.
    """

    seen: AsOf
    day: dt.date
    past: tuple[dt.date, ...]


def moment_of(engine: AnyEngine, seen: AsOf, horizon: int) -> Moment:
    """The days that a question as of an instant looks at."""
    return moment_on(engine, seen, last_whole_day(seen), horizon)


def moment_on(engine: AnyEngine, seen: AsOf, day: dt.date, horizon: int) -> Moment:
    """The days that a question about a day looks at."""
    first = engine.value(
        f"SELECT MIN(day) FROM mrr_movements WHERE after > 0 AND day <= DATE '{day}'"
    )
    last = day - dt.timedelta(days=horizon)
    past: list[dt.date] = []
    month: Period = period_of(last + dt.timedelta(days=1), "month")
    while first is not None and len(past) < MONTHS:
        end = month.start - dt.timedelta(days=1)
        if end < first:
            break
        past.append(end)
        month = month.previous()
    return Moment(seen, day, tuple(reversed(past)))


def frames(
    company: Reader, engine: AnyEngine, days: Sequence[dt.date], horizon: int,
    labels: Labels = leavers_sql,
) -> Iterator[Frame]:
    """The accounts of each day, oldest first, several days to a frame where they are few."""
    if not days:
        return
    accounts = int(engine.value("SELECT COUNT(DISTINCT account_id) FROM mrr_movements")) or 1
    step = max(1, AT_ONCE // accounts)
    for first in range(0, len(days), step):
        yield frame(company, engine, days[first:first + step], horizon, labels)


def frame(
    company: Reader, engine: AnyEngine, days: Sequence[dt.date], horizon: int,
    labels: Labels = leavers_sql,
) -> Frame:
    """The accounts of some days, in the order of day and account."""
    import numpy as np

    table: Any = engine.arrow(frame_sql(company, days, horizon, labels))

    def column(name: str) -> Any:
        return table[name].to_numpy()

    accounts, on = column("account_id").astype(object), column("day").astype("datetime64[D]")
    values = {name: column(name).astype(np.float32) for name in features()}
    values["pulse"] = values_of(accounts, on, by_customer(engine, company.pulses()))
    return Frame(
        accounts, on, column("plan").astype(object), column("mrr").astype(np.int64),
        column("is_requested") == 1, column("days_unpaid").astype(np.float32),
        column("left_on").astype("datetime64[D]"), values,
    )


def frame_sql(
    company: Reader, days: Sequence[dt.date], horizon: int, labels: Labels = leavers_sql
) -> str:
    """SQL of the features on some days and of the day on which each account left, if it did."""
    return f"""SELECT f.*, l.left_on
FROM ({rows_sql(company, days)}) f
LEFT JOIN ({labels(days, horizon)}) l ON l.account_id = f.account_id AND l.day = f.day
ORDER BY f.day, f.account_id"""


def history(
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int,
    labels: Labels = leavers_sql,
) -> list[Frame]:
    """Frames of the past days; kept between questions where they are small.

    Horizons that are asked for together share what is kept: features know nothing of them.
    """
    accounts = int(engine.value("SELECT COUNT(DISTINCT account_id) FROM mrr_movements"))
    days = days_of(engine, moment, horizon)
    if accounts * len(days) > KEPT:
        return list(frames(company, engine, moment.past, horizon, labels))
    longest = max(together(horizon))

    def make() -> list[Frame]:
        return list(frames(company, engine, days, longest, labels))

    key = (moment.seen.at, together(horizon), mark_of(company.pulses()))
    found = company.kept(f"risk history, {labels.__name__}", key, make, most=2)
    return [one for part in found if len(one := cut(part, moment.past, horizon))]


def together(horizon: int) -> tuple[int, ...]:
    """The horizons that are asked for beside one, itself among them, the shortest first."""
    return (NEAR, HORIZON) if horizon in (NEAR, HORIZON) else tuple(sorted({NEAR, horizon}))


def days_of(engine: AnyEngine, moment: Moment, horizon: int) -> list[dt.date]:
    """The past days of every horizon that is asked for together."""
    found = {
        day for one in together(horizon) for day in moment_of(engine, moment.seen, one).past
    }
    return sorted(found)


def cut(part: Frame, days: Sequence[dt.date], horizon: int) -> Frame:
    """The rows of some days, judged over a horizon."""
    import numpy as np

    wanted = np.array(days, dtype="datetime64[D]")
    return part.where(np.isin(part.days, wanted)).within(horizon)


def apart(days: Sequence[dt.date], horizon: int) -> list[dt.date]:
    """Days at least a horizon apart, from the last one back."""
    found: list[dt.date] = []
    for day in reversed(days):
        if not found or (found[-1] - day).days >= horizon:
            found.append(day)
    return found


def frame_of(company: Reader, engine: AnyEngine, moment: Moment) -> Frame:
    """The accounts of the day that is judged; kept for the next question."""
    key = (moment.seen.at, mark_of(company.pulses()))
    return company.kept(
        "risk frame", key, lambda: frame(company, engine, [moment.day], 1), most=2
    )


def joined(parts: Sequence[Frame]) -> Frame | None:
    """Several frames as one; None where there is none."""
    import numpy as np

    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]

    def all_of(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Frame(
        all_of("account_ids"), all_of("days"), all_of("plans"), all_of("mrr"),
        all_of("is_requested"), all_of("days_unpaid"), all_of("left_on"),
        {
            name: np.concatenate([part.values[name] for part in parts])
            for name in parts[0].values
        },
        None if any(part.stages is None for part in parts) else all_of("stages"),
    )

"""In how many periods of a range somebody did something: what is asked, and its SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from staycurve.errors import NotAnsweredError
from staycurve.insights.usage.usage_acts import acts_sql, days_sql, own_sql, owned
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.period import Period

_ONE = dt.timedelta(days=1)


@dataclass(frozen=True)
class StickinessQuestion:
    """What stickiness is asked for.

    Attributes
    ----------
    periods : tuple of Period
        Without gaps.
    times : int
        How often it is done in a period to count there.
    """

    use: UseQuestion
    doing: Doing
    periods: tuple[Period, ...]
    times: int = 1

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """The first and the last day of the range that are seen."""
        return self.periods[0].start, min(
            self.periods[-1].end - _ONE, self.use.as_of.last_day
        )

    @property
    def is_open(self) -> bool:
        """Whether the last period is not over."""
        return self.use.as_of.is_open(self.periods[-1])


def check(asked: StickinessQuestion) -> None:
    """Raise where there is no period."""
    if not asked.periods:
        raise NotAnsweredError(
            "The range is empty.", hint="--from must not lie after --to (or after the as-of)."
        )


def statement(asked: StickinessQuestion) -> str:
    """SQL of rows (seg…, active_periods, people)."""
    ctes, cutting = _cut(asked)
    lead = f"{cutting.segs[2:]}, " if cutting.segs else ""
    return f"""WITH {_joined((*ctes, *cutting.ctes))}
SELECT {lead}CAST(active_periods AS BIGINT) AS active_periods,
       CAST(COUNT(*) AS BIGINT) AS people
FROM {cutting.name}
GROUP BY {lead}active_periods
ORDER BY {order_of(asked.use, "active_periods")}"""


def members_statement(asked: StickinessQuestion, least: int, most: int) -> str:
    """SQL of rows (entity, customer, active_periods); `asked` without `by`."""
    ctes, cutting = _cut(asked)
    named = (
        f"named AS (SELECT DISTINCT entity, account_id, active_periods FROM {cutting.name} "
        f"WHERE active_periods >= {least} AND active_periods <= {most})"
    )
    return f"WITH {_joined((*ctes, *cutting.ctes, named))}\n" + listed_sql(
        asked.use, "named", ", CAST(b.active_periods AS BIGINT) AS active_periods",
        "active_periods DESC",
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _cut(asked: StickinessQuestion) -> tuple[list[str], Cut]:
    """Up to one row of everybody who did it: entity, account_id, active_periods."""
    use, (first, last) = asked.use, asked.days
    own = owned(use, "d")
    if asked.times == 1:
        done = days_sql(use, asked.doing, first=first, last=last)
    else:
        done = acts_sql(
            use, columns="e.occurred_on AS day", is_told=True, where=(
                f"{asked.doing.test(use.config)} AND e.occurred_on >= DATE '{first}' "
                f"AND e.occurred_on <= DATE '{last}'"
            ),
        )
    ctes = [f"places AS ({_places(asked)})", f"""people AS (
    SELECT entity{owned(use)}, MIN(account_id) AS account_id, COUNT(*) AS active_periods
    FROM (
        SELECT d.entity{own}, p.place, MIN(d.account_id) AS account_id
        FROM ({done}) d JOIN places p ON p.day = d.day
        GROUP BY d.entity{own}, p.place HAVING COUNT(*) >= {asked.times}
    ) placed GROUP BY entity{owned(use)}
)"""]
    columns = ("entity", "account_id", "active_periods")
    return ctes, cut(
        use.by_account(), "people", columns, day=f"DATE '{last}'", own=own_sql(use)
    )


def _places(asked: StickinessQuestion) -> str:
    rows = [
        f"(DATE '{period.start + number * _ONE}', {place})"
        for place, period in enumerate(asked.periods)
        for number in range((period.end - period.start).days)
        if period.start + number * _ONE <= asked.use.as_of.last_day
    ]
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS v(day, place)"

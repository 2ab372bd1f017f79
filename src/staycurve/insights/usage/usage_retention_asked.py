"""What retention of use is asked for: its start and return, periods and switches."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_acts import stretches
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.period import Period, day_start

PER = {"day": 24, "week": 7 * 24, "month": 30 * 24}
"""Periods, and how many hours their rolling windows take."""
STARTS = {"first": N_("the first ever"), "every": N_("every one")}
RETURNS = {"on": N_("in the period"), "after": N_("in the period or later")}
WINDOWS = {"calendar": N_("local days, weeks or months"), "rolling": N_("from each start on")}


@dataclass(frozen=True)
class RetentionQuestion:
    """What retention is asked for.

    Attributes
    ----------
    start, back : Doing
        What begins, and what counts as being back.
    cohorts : tuple of Period
        Without gaps.
    ages : int
        The last period after the start that is followed.
    starts, returns, windows : str
        Keys of STARTS, RETURNS and WINDOWS.
    start_times, back_times : int
        How often it is done to be a start, or to be back in a period.
    """

    use: UseQuestion
    start: Doing
    back: Doing
    per: str
    cohorts: tuple[Period, ...]
    ages: int
    starts: str = "first"
    returns: str = "on"
    windows: str = "calendar"
    start_times: int = 1
    back_times: int = 1

    @property
    def periods(self) -> tuple[Period, ...]:
        """The cohorts' periods and those in which their members may be back."""
        found = list(self.cohorts)
        for _ in range(self.ages):
            found.append(found[-1].next())
        return tuple(found)

    @property
    def is_from_months(self) -> bool:
        """Whether the month tables hold the answer: any activity, by calendar periods."""
        is_any = self.start.is_any and self.back.is_any
        is_once = self.start_times == self.back_times == 1
        return self.windows == "calendar" and is_any and is_once and not self.use.told

    @property
    def is_counted(self) -> bool:
        """Whether rows of a month table can be counted as they are, if nobody has two."""
        return (
            self.is_from_months and self.per == "month" and not self.use.dims
            and (self.starts, self.returns) == ("first", "on")
        )

    def is_open(self, place: int, age: int) -> bool:
        """Whether a cell can still change by what is not seen yet."""
        if self.windows == "calendar" or age == 0:
            return self.use.as_of.is_open(self.periods[place + age])
        end = day_start(self.cohorts[place].end, self.use.config.company.zone)
        return end + (age + 1) * self._window > self.use.as_of.at

    def has_begun(self, place: int, age: int) -> bool:
        """Whether anybody can be in a cell by now."""
        if self.windows == "calendar" or age == 0:
            return self.periods[place + age].start <= self.use.as_of.last_day
        start = day_start(self.cohorts[place].start, self.use.config.company.zone)
        return start + age * self._window < self.use.as_of.at

    @property
    def _window(self) -> dt.timedelta:
        return dt.timedelta(hours=PER[self.per])


def check(asked: RetentionQuestion) -> None:
    """Raise for a switch that is not known, or a range that cannot be followed."""
    for kind, given, known in (
        ("period", asked.per, PER), ("start", asked.starts, STARTS),
        ("return", asked.returns, RETURNS), ("window", asked.windows, WINDOWS),
    ):
        if given not in known:
            raise UnknownNameError(kind, given, known)
    if asked.back_times > 1 and (asked.windows, asked.returns) == ("rolling", "after"):
        raise UsageError(
            "How often somebody is back is counted in each period: a rolling window that has no "
            "end is none.",
            hint="Take --windows calendar, or --returns on.",
        )
    if asked.ages < 0:
        raise UsageError("The number of periods cannot be negative.", hint="Write: --ages 11")
    if not asked.cohorts:
        raise NotAnsweredError(
            "The range is empty.", hint="--from must not lie after --to (or after the as-of)."
        )
    stretches(asked.periods, len(asked.cohorts), asked.ages)

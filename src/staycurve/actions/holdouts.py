"""Holdouts: accounts of an experiment that nothing is done for, drawn as they enter it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from staycurve.actions.facts.base import Moment, Values
from staycurve.experiments import Experiment
from staycurve.metrics.dimensions import MRR_BANDS
from staycurve.state import arms
from staycurve.state.work_reading import Session

BETWEEN = " · "
UNKNOWN = "?"
"""Of an account whose stratum is not known: those are a stratum of their own."""


@dataclass(frozen=True)
class Holdout:
    """The experiment that holds accounts out of a playbook.

    Attributes
    ----------
    strata : mapping
        account_id → the stratum that it is drawn within.
    """

    experiment: Experiment
    strata: Mapping[str, str] = field(default_factory=dict)

    def held(
        self, session: Session, accounts: Sequence[str], *, on: dt.date, now: dt.datetime
    ) -> set[str]:
        """Those of the accounts that nothing is done for; who has no arm yet gets one."""
        asked = self.experiment
        drawn = arms.draw(
            session, asked.name, [(one, self.strata.get(one, "")) for one in accounts],
            salt=asked.salt, holdout=asked.holdout, on=on, now=now,
        )
        return {one for one in accounts if drawn[one].is_held_out}


def strata_of(asked: Experiment, moment: Moment, accounts: Iterable[str]) -> dict[str, str]:
    """account_id → the stratum that it is drawn within; empty where the experiment has none."""
    known = [_values(one, moment) for one in asked.strata]
    return {
        account: BETWEEN.join(str(values.get(account, UNKNOWN)) for values in known)
        for account in accounts
    }


def _values(name: str, moment: Moment) -> Values:
    if name == "plan":
        return moment.read("plan")
    if name == "mrr_band":
        return {
            account: next(label for low, label in reversed(MRR_BANDS) if value >= low)
            for account, value in moment.read("mrr").items() if isinstance(value, float | int)
        }
    return moment.read(f"account.{name}")

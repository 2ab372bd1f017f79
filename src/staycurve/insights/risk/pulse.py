"""Pulse: what somebody who knows the account thinks of it, good for 90 days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.i18n import N_
from staycurve.tables.engine import AnyEngine, quoted

if TYPE_CHECKING:
    import numpy as np

LEVELS = {
    "green": N_("Green"), "yellow": N_("Yellow"), "red": N_("Red"), "none": N_("Withdrawn"),
}
"""Level → what it is called; a withdrawn pulse says nothing from its day on."""
VALUES = {"green": 0.0, "yellow": 1.0, "red": 2.0}
DAYS = 90
"""Days for which a pulse holds: a quarter later nobody vouches for it."""


@dataclass(frozen=True)
class Pulse:
    """One judgement.

    Attributes
    ----------
    day : date
        The local day on which it was given: what was thought earlier is known from then on alone.
    level : str
        green, yellow, red, or none, which withdraws what stood.
    """

    id: int
    account_id: str
    day: dt.date
    level: str
    note: str
    author: str
    created_at: dt.datetime

    @property
    def expires_on(self) -> dt.date:
        """The first day on which it no longer holds."""
        return self.day + dt.timedelta(days=DAYS)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "account_id": self.account_id, "day": self.day.isoformat(),
            "level": self.level, "note": self.note, "author": self.author,
            "expires_on": self.expires_on.isoformat(), "created_at": self.created_at.isoformat(),
        }


def standing(pulses: Iterable[Pulse], day: dt.date) -> Pulse | None:
    """The worst of the pulses that hold on a day, each account's last one; None without any.

    Parameters
    ----------
    pulses : iterable of Pulse
        Of one customer and all its accounts.
    """
    last: dict[str, Pulse] = {}
    for one in sorted(pulses, key=lambda one: (one.day, one.id)):
        if one.day <= day:
            last[one.account_id] = one
    held = [one for one in last.values() if one.level in VALUES and day < one.expires_on]
    # The worst account decides: one part in trouble is trouble for the whole contract.
    return max(held, key=lambda one: (VALUES[one.level], one.day, one.id), default=None)


def values_of(
    account_ids: np.ndarray, days: np.ndarray, pulses: Mapping[str, Sequence[Pulse]]
) -> np.ndarray:
    """0, 1 or 2 for green, yellow and red of each account and day; NaN where none holds.

    Parameters
    ----------
    account_ids : array of object, shape (n,)
    days : array of datetime64[D], shape (n,)
    pulses : mapping
        Customer → the pulses of all its accounts.
    """
    import numpy as np

    found = np.full(len(account_ids), np.nan, dtype=np.float32)
    if not pulses:
        return found
    own = np.array([one in pulses for one in account_ids], dtype=bool)
    for place in own.nonzero()[0]:
        one = standing(pulses[account_ids[place]], days[place].item())
        if one is not None:
            found[place] = VALUES[one.level]
    return found


def mark_of(pulses: Sequence[Pulse]) -> int:
    """The number of the newest pulse: what rests on pulses is found again after another one."""
    return max((one.id for one in pulses), default=0)


def by_customer(engine: AnyEngine, pulses: Sequence[Pulse]) -> dict[str, list[Pulse]]:
    """Customer → the pulses of all its accounts."""
    if not pulses:
        return {}
    named = ", ".join(sorted({quoted(one.account_id) for one in pulses}))
    roots: dict[str, str] = dict(engine.rows(
        "SELECT r.account_id, coalesce(m.into_id, r.root_id) AS root_id FROM account_roots r "
        "LEFT JOIN account_merges m ON m.account_id = r.account_id "
        f"WHERE r.account_id IN ({named}) ORDER BY r.account_id"
    ))
    found: dict[str, list[Pulse]] = {}
    for one in pulses:
        root = roots.get(one.account_id)
        if root is not None:
            found.setdefault(root, []).append(one)
    return found

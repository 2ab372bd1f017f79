"""Arms of experiments: drawn within strata, kept, and read within a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from staycurve.insights.effects.arm import Arm
from staycurve.insights.shared.halves import place_of
from staycurve.state.effects_models import STRATUM, ArmRow

LONGEST_BLOCK = 20
"""Accounts of a block: shares that need a longer one are rounded to one of this length."""



def block_of(holdout: float) -> tuple[int, int]:
    """(accounts of a block, those of them that are held out)."""
    whole = Fraction(holdout).limit_denominator(LONGEST_BLOCK)
    if whole <= 0 or whole >= 1:
        return LONGEST_BLOCK, 1 if whole <= 0 else LONGEST_BLOCK - 1
    return whole.denominator, whole.numerator


@lru_cache(4096)
def _held_places(salt: str, stratum: str, block: int, holdout: float) -> frozenset[int]:
    length, held = block_of(holdout)
    order = sorted(
        range(length), key=lambda place: place_of(f"{salt}\0{stratum}", f"{block} {place}")
    )
    return frozenset(order[:held])


def is_held_at(salt: str, stratum: str, place: int, holdout: float) -> bool:
    """Whether the place of a stratum is one of the holdout: so many of each block, at random.

    Blocks keep the arms' sizes in every stratum within one block of the drawn shares, whenever
    the experiment is looked at.
    """
    length, _held = block_of(holdout)
    return place % length in _held_places(salt, stratum, place // length, holdout)


def drawn(session: Session, experiment: str) -> dict[str, Arm]:
    """account_id → its arm, of everyone who was drawn."""
    rows = session.execute(
        select(ArmRow.account_id, ArmRow.is_held_out, ArmRow.stratum, ArmRow.entered_on)
        .where(ArmRow.experiment == experiment).order_by(ArmRow.id)
    )
    return {
        account: Arm(account, is_held, stratum, entered_on)
        for account, is_held, stratum, entered_on in rows
    }


def draw(
    session: Session, experiment: str, entering: Iterable[tuple[str, str]], *, salt: str,
    holdout: float, on: dt.date, now: dt.datetime,
) -> dict[str, Arm]:
    """Give an arm to those who have none yet, and return everyone's.

    Parameters
    ----------
    entering : iterable of (account_id, stratum)
    on : date
        Their first day.
    """
    known = drawn(session, experiment)
    fresh = {account: stratum[:STRATUM] for account, stratum in entering if account not in known}
    if not fresh:
        return known
    places: dict[str, int] = {}
    for arm in known.values():
        places[arm.stratum] = places.get(arm.stratum, 0) + 1
    rows = []
    # Accounts that come together are put in an order of chance: no list of names decides.
    order = sorted(fresh, key=lambda one: (place_of(salt, one), one))
    for account in order:
        stratum = fresh[account]
        place = places.get(stratum, 0)
        places[stratum] = place + 1
        rows.append({
            "experiment": experiment, "account_id": account, "stratum": stratum, "place": place,
            "is_held_out": is_held_at(salt, stratum, place, holdout), "entered_on": on,
            "drawn_at": now,
        })
    session.execute(insert(ArmRow), rows)
    session.flush()
    return drawn(session, experiment)

"""Handing on: what an owner had who has left goes to whoever has their accounts now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from staycurve.actions.ownership import Owner, is_gone
from staycurve.actions.settings import Ownership
from staycurve.state import alerts as kept, milestones as planning, work_reading
from staycurve.state.cleaning import WHO
from staycurve.state.work_models import AlertRow, MilestoneRow
from staycurve.state.work_reading import Session

SELF = "staycurve"


@dataclass(frozen=True)
class Leaving:
    """Owners that have left.

    Attributes
    ----------
    stated : Ownership
        Who has left, and who has what nobody else has.
    owners : mapping
        account_id → its owner by now, of the accounts whose work a leaver has.
    """

    stated: Ownership = field(default_factory=Ownership)
    owners: Mapping[str, Owner] = field(default_factory=dict)

    def standing_in(self, name: str) -> str:
        """Somebody, or the default owner in the place of one who has left."""
        return self.stated.default if is_gone(self.stated, name) else name


def of_leavers(session: Session, stated: Ownership) -> tuple[str, ...]:
    """Accounts with an alert or a milestone that is open, and whose owner has left."""
    rows: list[AlertRow | MilestoneRow] = [
        *work_reading.standing(session), *planning.unreached(session)
    ]
    return tuple(sorted({row.account_id for row in rows if is_gone(stated, row.owner)}))


def hand_on(session: Session, leaving: Leaving, *, now: dt.datetime) -> list[AlertRow]:
    """Give alerts, their tasks and milestones of those who have left to who has the account now.

    Each alert's history says who had it, and by which rule the other got it.
    """
    found = []
    for row in work_reading.standing(session):
        new = leaving.owners.get(row.account_id)
        if new is None or not is_gone(leaving.stated, row.owner) or new.name[:WHO] == row.owner:
            continue
        before = row.owner
        kept.assign(session, row.id, owner=new.name[:WHO], who=SELF, version=None, now=now)
        kept.happened(session, row.id, "owner_gone", who=SELF, now=now, before=before,
                      owner=row.owner, why=new.why)
        found.append(row)
    for milestone in planning.unreached(session):
        new = leaving.owners.get(milestone.account_id)
        if new is not None and is_gone(leaving.stated, milestone.owner) \
                and new.name[:WHO] != milestone.owner:
            planning.assign(session, milestone, owner=new.name[:WHO], who=SELF, now=now)
    return found

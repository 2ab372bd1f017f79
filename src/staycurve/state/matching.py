"""Matching: what people decided about accounts that may be one, within a session."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from staycurve.state import audit
from staycurve.state.cleaning import TEXT, WHO, line
from staycurve.state.matching_models import ACCOUNT, MatchRow

MERGE, APART = "merge", "apart"


@dataclass(frozen=True)
class Decision:
    """What somebody decided about two accounts.

    Attributes
    ----------
    decision : str
        `merge`: the account counts for the other. `apart`: they are two.
    """

    account_id: str
    other_id: str
    decision: str
    reason: str
    decided_at: dt.datetime
    decided_by: str


def listed(session: Session) -> tuple[Decision, ...]:
    """Every decision that stands, oldest first."""
    rows = session.scalars(select(MatchRow).order_by(MatchRow.id))
    return tuple(
        Decision(row.account_id, row.other_id, row.decision, row.reason, row.decided_at,
                 row.decided_by)
        for row in rows
    )


def decide(
    session: Session, account: str, other: str, decision: str, *, reason: str, who: str,
    now: dt.datetime,
) -> None:
    """Keep a decision about two accounts; it takes the place of an earlier one about them."""
    ids = [line(one, what="The account", most=ACCOUNT) for one in (account, other)]
    _forget(session, *ids)
    row = MatchRow(
        account_id=ids[0], other_id=ids[1], decision=decision,
        reason=line(reason, what="The reason", most=TEXT, is_required=False),
        decided_at=now, decided_by=line(who, what="The author", most=WHO, is_required=False),
    )
    session.add(row)
    session.flush()
    what = "accounts.merged" if decision == MERGE else "accounts.kept_apart"
    _note(session, row, what, now=now, who=row.decided_by)


def undo(session: Session, account: str, other: str, *, who: str, now: dt.datetime) -> bool:
    """Take back what was decided about two accounts; whether anything was."""
    found = _forget(session, account, other)
    if found is not None:
        by = line(who, what="The author", most=WHO, is_required=False)
        _note(session, found, "accounts.decision_undone", now=now, who=by)
    return found is not None


def _forget(session: Session, account: str, other: str) -> MatchRow | None:
    row = session.scalar(select(MatchRow).where(or_(
        and_(MatchRow.account_id == account, MatchRow.other_id == other),
        and_(MatchRow.account_id == other, MatchRow.other_id == account),
    )))
    if row is not None:
        session.delete(row)
        session.flush()
    return row


def _note(session: Session, row: MatchRow, what: str, *, now: dt.datetime, who: str) -> None:
    subject = f"{row.account_id} → {row.other_id}"
    audit.add(
        session, at=now, who=who, what=what, subject=subject[:200],
        detail={"account_id": row.account_id, "other_id": row.other_id, "reason": row.reason,
                "decision": row.decision},
    )

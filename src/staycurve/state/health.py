"""Pulses, kept models and kept scores: added and listed within a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError
from staycurve.insights.risk.kept import FittedModel, KeptScore
from staycurve.insights.risk.pulse import LEVELS, Pulse
from staycurve.state import audit
from staycurve.state.cleaning import NUMBERS, PAGE, TEXT, WHO, line
from staycurve.state.health_models import HealthDayRow, HealthModelRow, HealthScoreRow, PulseRow

AT_ONCE = 500
"""Rows of one statement: SQLite takes so many values at once."""


def add_pulse(
    session: Session, *, account: str, day: dt.date, level: str, note: str, author: str,
    now: dt.datetime,
) -> Pulse:
    """Keep what somebody thinks of an account.

    Raises
    ------
    UnknownNameError
        If the level is none.
    UsageError
        If the note is too long.
    """
    if level not in LEVELS:
        raise UnknownNameError("level of a pulse", level, tuple(LEVELS))
    row = PulseRow(
        account_id=line(account, what="The account", most=PAGE), day=day, level=level,
        note=line(note, what="The note", most=TEXT, is_required=False),
        author=line(author, what="The author", most=WHO, is_required=False), created_at=now,
    )
    session.add(row)
    session.flush()
    made = _pulse(row)
    # Its note may name people: it stands in one place alone, where it can be deleted.
    audit.add(session, at=now, who=row.author, what="pulse.given", subject=f"pulse {row.id}",
              detail={"account": row.account_id, "level": level})
    return made


def pulses(session: Session, *, account: str = "") -> tuple[Pulse, ...]:
    """Every pulse, oldest first, or those of one account."""
    asked = select(PulseRow).order_by(PulseRow.day, PulseRow.id)
    if account:
        asked = asked.where(PulseRow.account_id == account)
    return tuple(map(_pulse, session.scalars(asked)))


def newest(session: Session) -> tuple[int, int]:
    """Numbers that grow with each pulse that is given, and each day whose scores are kept."""
    return (
        session.scalar(select(func.max(PulseRow.id))) or 0,
        session.scalar(select(func.max(HealthDayRow.id))) or 0,
    )


def add_model(session: Session, model: FittedModel) -> int:
    """Keep a model, and give its number: that of the same one if it was kept before."""
    known = session.scalar(
        select(HealthModelRow.id).where(
            HealthModelRow.digest == model.digest,
            HealthModelRow.data_version == model.data_version,
            HealthModelRow.fitted_for == model.fitted_for,
        )
    )
    if known is not None:
        return known
    row = HealthModelRow(
        form=model.form, horizon=model.horizon, fitted_for=model.fitted_for,
        fitted_at=model.fitted_at, data_version=model.data_version, settings=model.settings,
        trained_from=model.trained_from, trained_until=model.trained_until,
        trained_on=model.trained_on, left_trained=model.left_trained,
        base_rate=model.base_rate, beats_baseline=int(model.beats_baseline),
        digest=model.digest, body=dict(model.body),
    )
    session.add(row)
    session.flush()
    return row.id


def models(session: Session) -> tuple[FittedModel, ...]:
    """Every kept model, the newest first."""
    rows = session.scalars(select(HealthModelRow).order_by(HealthModelRow.id.desc()))
    return tuple(map(_model, rows))


def model(session: Session, number: int) -> FittedModel:
    """A kept model.

    Raises
    ------
    UnknownNameError
        If there is none of this number.
    """
    row = session.get(HealthModelRow, number) if number in NUMBERS else None
    if row is None:
        raise UnknownNameError(
            "model", str(number), (), hint="All models: staycurve health models"
        )
    return _model(row)


def last_day(session: Session) -> dt.date | None:
    """The last day whose scores were kept."""
    return session.scalar(select(func.max(HealthDayRow.day)))


def days(session: Session) -> tuple[dt.date, ...]:
    """Every day whose scores were kept, oldest first."""
    return tuple(session.scalars(select(HealthDayRow.day).order_by(HealthDayRow.day)))


def standing(session: Session) -> dict[str, KeptScore]:
    """Account → the last score that was kept of it."""
    last = select(HealthScoreRow.account_id, func.max(HealthScoreRow.day)).group_by(
        HealthScoreRow.account_id
    )
    rows = session.scalars(
        select(HealthScoreRow).where(
            tuple_(HealthScoreRow.account_id, HealthScoreRow.day).in_(last)
        )
    )
    return {row.account_id: _score(row) for row in rows}


def add_scores(
    session: Session, *, day: dt.date, model: int | None, accounts: int,
    scores: Sequence[KeptScore], now: dt.datetime,
) -> None:
    """Keep a day's scores: those that differ from what stood before."""
    session.add(HealthDayRow(day=day, model_id=model, accounts=accounts, kept_at=now))
    session.flush()
    for first in range(0, len(scores), AT_ONCE):
        session.execute(insert(HealthScoreRow), [
            {"account_id": one.account_id, "day": one.day, "model_id": model, "band": one.band,
             "probability": one.probability, "mrr": one.mrr, "reasons": list(one.reasons),
             "why": one.why[:TEXT]}
            for one in scores[first:first + AT_ONCE]
        ])


def histories(
    session: Session, accounts: Sequence[str]
) -> dict[str, tuple[KeptScore, ...]]:
    """Account → its scores as they stood, oldest first."""
    found: dict[str, tuple[KeptScore, ...]] = {}
    for first in range(0, len(accounts), AT_ONCE):
        rows = session.scalars(
            select(HealthScoreRow)
            .where(HealthScoreRow.account_id.in_(accounts[first:first + AT_ONCE]))
            .order_by(HealthScoreRow.day, HealthScoreRow.account_id)
        )
        for row in rows:
            found[row.account_id] = (*found.get(row.account_id, ()), _score(row))
    return found


def _pulse(row: PulseRow) -> Pulse:
    return Pulse(row.id, row.account_id, row.day, row.level, row.note, row.author, row.created_at)


def _score(row: HealthScoreRow) -> KeptScore:
    reasons: tuple[dict[str, Any], ...] = tuple(row.reasons)
    return KeptScore(
        row.account_id, row.day, row.model_id, row.band, row.probability, row.mrr, reasons, row.why
    )


def _model(row: HealthModelRow) -> FittedModel:
    return FittedModel(
        id=row.id, form=row.form, horizon=row.horizon, fitted_for=row.fitted_for,
        fitted_at=row.fitted_at, data_version=row.data_version, settings=row.settings,
        trained_from=row.trained_from, trained_until=row.trained_until,
        trained_on=row.trained_on, left_trained=row.left_trained, base_rate=row.base_rate,
        beats_baseline=bool(row.beats_baseline), digest=row.digest, body=row.body,
    )

"""Health of one project's accounts: pulses, and scores and models as they were used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.errors import UsageError
from staycurve.insights.account.asked import whose
from staycurve.insights.risk.asked import HORIZON
from staycurve.insights.risk.kept import (
    FittedModel,
    KeptScore,
    body_of,
    changed,
    digest_of,
)
from staycurve.insights.risk.pulse import Pulse
from staycurve.period import local_day
from staycurve.state import health as keeping
from staycurve.workspace.measured import MeasuredCompany

if TYPE_CHECKING:
    from staycurve.insights.risk.scores import Fitted
    from staycurve.workspace.state import State


@dataclass(frozen=True)
class KeptDay:
    """What keeping a day's scores did.

    Attributes
    ----------
    changed : int
        Accounts whose score differs from what stood before, those that churned among them.
    is_new : bool
        False where the day had been kept before: it stays as it was.
    """

    day: dt.date
    accounts: int
    changed: int
    is_new: bool

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"day": self.day.isoformat(), "accounts": self.accounts, "changed": self.changed,
                "is_new": self.is_new}


class Health:
    """What people and models thought of accounts, and when.

    Parameters
    ----------
    company : MeasuredCompany
        Whose accounts they are.
    state : State
        Where it is kept.
    """

    def __init__(self, company: MeasuredCompany, state: State) -> None:
        self._company = company
        self._database = state.database

    def pulses(self, account: str = "") -> tuple[Pulse, ...]:
        """Every pulse that was given by now, oldest first, or those of one account."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            found = keeping.pulses(session, account=account)
        now = self._company.clock()
        return tuple(one for one in found if one.created_at <= now)

    def give_pulse(
        self, account: str, level: str, *, note: str = "", author: str = ""
    ) -> Pulse:
        """Keep what somebody thinks of an account; it holds from today on, for 90 days.

        Parameters
        ----------
        level : str
            green, yellow or red; none withdraws the one that stands.

        Raises
        ------
        NoAccountError
            If there is no such account.
        UnknownNameError
            If there is no such level.
        UsageError
            If the note is too long.
        """
        company = self._company
        with company.reading() as engine:
            own = whose(engine, company, account, company.as_of())
        now = company.clock()
        with self._database.writing() as session:
            return keeping.add_pulse(
                session, account=own.account_id, level=level, note=note, author=author, now=now,
                day=local_day(now, company.config.company.zone),
            )

    def mark(self) -> tuple[int, int]:
        """Something that is another one after each pulse, and each day whose scores are kept."""
        if not self._database.is_there:
            return 0, 0
        with self._database.reading() as session:
            return keeping.newest(session)

    def models(self) -> tuple[FittedModel, ...]:
        """The models that scores were kept of, the newest first."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            return keeping.models(session)

    def history(self, account: str) -> tuple[KeptScore, ...]:
        """The scores of an account as they stood, oldest first."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            return keeping.histories(session, [account]).get(account, ())

    def days(self) -> tuple[dt.date, ...]:
        """The days whose scores were kept, oldest first."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            return keeping.days(session)

    def histories(self, accounts: Collection[str]) -> Mapping[str, tuple[KeptScore, ...]]:
        """Account → its scores as they stood, oldest first."""
        if not self._database.is_there:
            return {}
        with self._database.reading() as session:
            return keeping.histories(session, sorted(accounts))

    def keep(self) -> KeptDay:
        """Keep today's scores, and the model that gave them, unless the day has been kept.

        A day is the last that the data shows whole. Only what differs from the scores that stood
        is written, so a quiet day costs a row.
        """
        from staycurve.insights.risk.scores import fitted_now

        company = self._company
        now = fitted_now(company)
        day, rows = now.day, now.scores.rows
        with self._database.writing() as session:
            last = keeping.last_day(session)
            if last is not None and last >= day:
                return KeptDay(day, len(rows), 0, is_new=False)
            number = keeping.add_model(session, self._model(now)) if now.model else None
            before = keeping.standing(session)
            paying = {row.account_id for row in rows}
            scores = changed(
                before, now.scores, day, left=[one for one in before if one not in paying]
            )
            keeping.add_scores(
                session, day=day, model=number, accounts=len(rows), scores=scores,
                now=company.clock(),
            )
        return KeptDay(day, len(rows), len(scores), is_new=True)

    def refit(self, number: int) -> bool:
        """Whether the data that a kept model was fitted to gives the same coefficients again.

        Raises
        ------
        UnknownNameError
            If there is no such model.
        UsageError
            If the settings that it depends on have changed since.
        """
        from staycurve.insights.risk.scores import fitted_now

        with self._database.reading() as session:
            kept = keeping.model(session, number)
        if kept.settings != self._settings():
            raise UsageError(
                f"Model {number} was fitted under other settings.",
                hint="[risk], [conventions] or [end_reasons] have changed since.",
            )
        company = self._company
        if company.snapshot.seq != kept.data_version:
            company = company.known_at(kept.fitted_at.isoformat())
        day = kept.fitted_for + dt.timedelta(days=1)
        now = fitted_now(company, as_of=day.isoformat(), form=kept.form, horizon=kept.horizon)
        return now.model is not None and digest_of(now.model) == kept.digest

    def _model(self, now: Fitted) -> FittedModel:
        company, track = self._company, now.track
        assert now.model is not None
        assert track is not None
        found = now.scores
        assert found.form is not None
        assert found.trained_until is not None
        return FittedModel(
            form=found.form, horizon=found.horizon, fitted_for=now.day,
            fitted_at=company.clock(), data_version=company.snapshot.seq,
            settings=self._settings(), trained_from=track.past.days.min().item(),
            trained_until=found.trained_until, trained_on=found.trained_on,
            left_trained=len(set(track.past.account_ids[track.past.has_left])),
            base_rate=track.base_rate, beats_baseline=bool(found.beats_baseline),
            digest=digest_of(now.model), body=body_of(now.model),
        )

    def _settings(self) -> str:
        import hashlib

        from staycurve.insights.risk.settings import RISK

        config = self._company.config
        told = f"{config.ledger_hash}|{sorted(config[RISK].points.items())}|{HORIZON}"
        return hashlib.sha256(told.encode()).hexdigest()

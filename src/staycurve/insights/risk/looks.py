"""Looks: what health called each account that churned, the last time before it did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.insights.risk.kept import CHURNED, KeptScore, Remembering
from staycurve.insights.risk.models import label_of, value_of
from staycurve.insights.risk.scores import REASONS
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.track import (
    Lacking,
    Track,
    band_of,
    is_told,
    strongest,
    tracked,
)
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine

UNSCORED = "unscored"
"""The band of an account that churned before anything was said of it."""


@dataclass(frozen=True)
class Look:
    """What health said of an account on a day.

    Attributes
    ----------
    known : str
        What was known then, in words.
    is_kept : bool
        Whether it stood so on the day; else a model says it that was fitted to earlier days.
    """

    account_id: str
    day: dt.date
    band: str
    probability: float | None
    known: str
    mrr: float
    is_kept: bool


@dataclass(frozen=True)
class Departure:
    """An account that churned, and the last look before it did."""

    account_id: str
    left_on: dt.date
    mrr: float
    look: Look | None

    @property
    def band(self) -> str:
        """What it was called; `unscored` without a look."""
        return UNSCORED if self.look is None else self.look.band


@dataclass(frozen=True)
class Departures:
    """Everybody who churned since the first look.

    Attributes
    ----------
    first : date, optional
        The first day that is covered; None where nothing was ever scored.
    why : str
        Why nothing was.
    """

    first: dt.date | None
    rows: tuple[Departure, ...]
    why: str = ""


def departures(company: Remembering, seen: AsOf, horizon: int, form: str) -> Departures:
    """Who churned, and what health called each the last time before.

    A day's kept scores go before what a model says afterwards. Looks of a model reach back one
    horizon; a kept score stands until another one is kept.
    """
    with company.seeing(seen) as engine:
        moment, track = tracked(company, engine, seen, horizon, form)
        days = [one for one in company.kept_days() if one <= moment.day]
        starts = [*days[:1]]
        if isinstance(track, Track):
            starts.append(track.test.days.min().item())
        if not starts:
            why = track.why if isinstance(track, Lacking) else ""
            return Departures(None, (), why)
        first = min(starts)
        gone = _gone(engine, first, moment.day)
    past = past_looks(company, track, form) if isinstance(track, Track) else {}
    kept = company.kept_scores_of({account for account, _left, _mrr in gone}) if days else {}
    return Departures(first, tuple(
        Departure(
            account, left, mrr / 1_000_000,
            _last(account, left, kept.get(account, ()), days, past.get(account, ()), horizon),
        )
        for account, left, mrr in gone
    ))


def _gone(
    engine: AnyEngine, first: dt.date, last: dt.date
) -> Sequence[tuple[str, dt.date, int]]:
    found: Sequence[Any] = engine.rows(
        "SELECT account_id, day, before FROM mrr_movements WHERE movement = 'churned' "
        f"AND day > DATE '{first}' AND day <= DATE '{last}' ORDER BY day, account_id"
    )
    return found


def _last(
    account: str, left: dt.date, kept: Sequence[KeptScore], days: Sequence[dt.date],
    past: Sequence[Look], horizon: int,
) -> Look | None:
    looked = [one for one in days if one < left]
    stood = [one for one in kept if one.day < left]
    if looked and stood and stood[-1].band != CHURNED:
        return look_of(stood[-1], looked[-1])
    # A day that was kept speaks for itself: who is not in it had no score then.
    since = max(looked, default=dt.date.min)
    own = [
        one for one in past
        if max(since, left - dt.timedelta(days=horizon + 1)) < one.day < left
    ]
    return own[-1] if own else None


def look_of(one: KeptScore, day: dt.date) -> Look:
    """A kept score as it still stood on a day."""
    known = one.why or "; ".join(str(reason["reason"]) for reason in one.reasons)
    return Look(
        one.account_id, day, one.band, one.probability, known, one.mrr / 1_000_000, is_kept=True
    )


def past_looks(
    company: Remembering, track: Track, form: str, *, only: Iterable[str] = ()
) -> Mapping[str, tuple[Look, ...]]:
    """Account → what models of earlier days say of it on the test days, oldest first.

    Parameters
    ----------
    only : iterable of str
        The accounts that are looked at; without any those that churned.
    """
    import numpy as np

    test = track.test
    shown = form if form in track.forms and track.beats(form) else "baseline"
    judged, base = track.forms[shown], float(track.train.has_left.mean())
    named = set(only)
    chosen = np.array([one in named for one in test.account_ids]) if named else test.has_left
    places = chosen.nonzero()[0]
    if not len(places):
        return {}
    rows, effects = test.where(places), judged.effects(test, places)
    told, at_risk = is_told(rows), company.config[RISK].at_risk
    found: dict[str, list[Look]] = {}
    for place in range(len(rows)):
        own = float(judged.probability[places[place]])
        found.setdefault(rows.account_ids[place], []).append(Look(
            rows.account_ids[place], rows.days[place].item(),
            band_of(own, base, at_risk) if told[place] else "unknown",
            own if told[place] else None,
            "; ".join(
                f"{label_of(name)}: {value_of(rows, name, place)}"
                for name, _effect in strongest(effects, place, REASONS)
            ) if told[place] else "",
            float(rows.mrr[place]) / 1_000_000, is_kept=False,
        ))
    return {account: tuple(looks) for account, looks in found.items()}

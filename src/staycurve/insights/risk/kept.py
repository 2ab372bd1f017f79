"""What is kept of health in app state: the models that were used, and scores as they stood."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from staycurve.insights.risk.models import Baseline, Boosting, Model, Points
from staycurve.insights.risk.staged import Staged
from staycurve.insights.shared.reader import Reader

if TYPE_CHECKING:
    from staycurve.insights.risk.score_rows import Scores

CHURNED = "churned"
"""The band of a row that says that the account no longer pays; the score before it is frozen."""


@dataclass(frozen=True)
class KeptScore:
    """A score as it stood from a day on.

    Attributes
    ----------
    mrr : int
        Micro-units.
    reasons : tuple of mapping
        Each with `reason` and `effect`.
    """

    account_id: str
    day: dt.date
    model_id: int | None
    band: str
    probability: float | None
    mrr: int
    reasons: tuple[Mapping[str, Any], ...]
    why: str

    @property
    def health(self) -> int | None:
        """100 × (1 − probability of churn), as it was shown."""
        return None if self.probability is None else round(100 * (1 - self.probability))


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """A model as it was fitted, and what gives it again.

    Attributes
    ----------
    fitted_for : date
        The day whose accounts it scored.
    data_version : int
        The number of the snapshot that it was fitted to.
    settings : str
        A fingerprint of the settings that it depends on.
    digest : str
        A fingerprint of its coefficients.
    body : mapping
        Its coefficients; of boosted trees their settings alone.
    """

    id: int = 0
    form: str
    horizon: int
    fitted_for: dt.date
    fitted_at: dt.datetime
    data_version: int
    settings: str
    trained_from: dt.date
    trained_until: dt.date
    trained_on: int
    left_trained: int
    base_rate: float
    beats_baseline: bool
    digest: str
    body: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        found = dataclasses.asdict(self) | {"body": dict(self.body)}
        found.pop("settings")
        return {
            name: value.isoformat() if isinstance(value, dt.date) else value
            for name, value in found.items()
        }


class Remembering(Reader, Protocol):
    """A company that is read together with its health as it stood on earlier days."""

    def kept_scores(self, account: str) -> tuple[KeptScore, ...]:
        """The scores of an account as they stood, oldest first."""

    def kept_days(self) -> tuple[dt.date, ...]:
        """The days whose scores were kept, oldest first."""

    def kept_scores_of(
        self, accounts: Collection[str]
    ) -> Mapping[str, tuple[KeptScore, ...]]:
        """Account → its scores as they stood, oldest first."""


def body_of(model: Model) -> dict[str, Any]:
    """A model's coefficients as JSON."""
    if isinstance(model, Points):
        return {
            "factors": [
                dataclasses.asdict(one) | {"said": [one.said(k) for k in range(len(one.points))]}
                for one in model.factors
            ],
            "by_hand": dict(model.by_hand), "intercept": model.intercept, "slope": model.slope,
        }
    if isinstance(model, Staged):
        return {"whole": body_of(model.whole),
                "stages": {stage: body_of(own) for stage, own in model.own.items()}}
    if isinstance(model, Baseline):
        return {
            "plans": list(model.plans), "center": model.center.tolist(),
            "scale": model.scale.tolist(), "weights": model.weights.tolist(),
            "intercept": model.intercept,
        }
    if isinstance(model, Boosting):
        settings = {
            name: value for name, value in sorted(model.model.get_params().items())
            if isinstance(value, int | float | str | bool)
        }
        return {"names": list(model.names), "plans": list(model.plans), "settings": settings,
                "trees": model.trees()}
    return {}


def digest_of(model: Model) -> str:
    """A fingerprint of every coefficient of a model."""
    told = json.dumps(body_of(model), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def changed(
    before: Mapping[str, KeptScore], now: Scores, day: dt.date, *, left: Iterable[str],
) -> Sequence[KeptScore]:
    """What differs from what stood before: other scores, and accounts that have churned.

    Parameters
    ----------
    before : mapping
        Account → the last score that was kept of it.
    left : iterable of str
        Accounts of `before` that no longer pay.
    """
    found = []
    for row in now.rows:
        one = KeptScore(
            row.account_id, day, None, row.band, row.probability, round(row.mrr * 1_000_000),
            tuple(reason.as_dict() for reason in row.reasons), row.why or "",
        )
        stood = before.get(row.account_id)
        if stood is None or (stood.band, stood.health, stood.why) != (
            one.band, one.health, one.why
        ):
            found.append(one)
    for account in left:
        stood = before[account]
        if stood.band != CHURNED:
            found.append(dataclasses.replace(
                stood, day=day, band=CHURNED, probability=None, reasons=(), why=""
            ))
    return found

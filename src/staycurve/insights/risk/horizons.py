"""Horizons: how good the probabilities of each were on past days, side by side."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Row, col
from staycurve.insights.risk.track import FORM_NAMES, Lacking, Track, last_day, leavers
from staycurve.metrics.base import Unit


@dataclass(frozen=True, kw_only=True)
class HorizonRow(Row):
    """One horizon: the model that is shown, and how it did on days that it had not seen."""

    horizon: Annotated[int, col(N_("Within days"), Unit.COUNT)]
    form: Annotated[
        str | None,
        col(N_("Model"), Kind.NAME, N_("The baseline where the asked one does not beat it."),
            named_by=FORM_NAMES),
    ] = None
    beats_baseline: Annotated[
        bool | None, Key(N_("Whether the asked form beats the baseline."))
    ] = None
    auc: Annotated[float | None, col(N_("AUC"), Unit.RATIO)] = None
    pr_auc: Annotated[float | None, col(N_("PR-AUC"), Unit.RATIO)] = None
    brier: Annotated[float | None, col(N_("Brier score"), Unit.RATIO)] = None
    calibration_error: Annotated[
        float | None, col(N_("Calibration error"), Unit.RATIO)
    ] = None
    lift_top_decile: Annotated[float | None, col(N_("Lift, top tenth"), Unit.RATIO)] = None
    baseline_auc: Annotated[float | None, col(N_("AUC of the baseline"), Unit.RATIO)] = None
    difference: Annotated[
        float | None,
        col(N_("Difference"), Unit.RATIO, N_("AUC of the asked form less the baseline's."),
            ends=("difference_low", "difference_high")),
    ] = None
    difference_low: Annotated[float | None, Key(N_("The lower end of its 95% interval."))] = None
    difference_high: Annotated[float | None, Key(N_("The upper end of its 95% interval."))] = None
    base_rate: Annotated[
        float | None, col(N_("Churned"), Unit.PERCENT, N_("Of accounts on past days."))
    ] = None
    trained_until: Annotated[
        dt.date | None, col(N_("Fitted up to"), Kind.DAY, N_("The last day; its horizon has "
                                                            "passed."))
    ] = None
    trained_on: Annotated[int, Key(N_("Rows, one an account and day, that it was fitted to."))] = 0
    left_tested: Annotated[
        int, col(N_("Churned in the test"), Unit.COUNT, N_("Accounts."))
    ] = 0
    lowered: Annotated[
        int | None,
        Key(N_("Accounts whose probability was lowered to that of the longer horizon."),
            is_omitted=True),
    ] = None
    why: Annotated[str | None, col(N_("Why not"), is_omitted=True)] = None


def horizon_row(
    track: Track | Lacking, horizon: int, form: str, *, lowered: int | None = None
) -> HorizonRow:
    """How one horizon's model did.

    Parameters
    ----------
    form : str
        The form that was asked for.
    lowered : int, optional
        Accounts whose probability was lowered to that of a longer horizon.
    """
    if isinstance(track, Lacking):
        return HorizonRow(horizon=horizon, why=track.why)
    own = form if form in track.forms else "baseline"
    beats = own != "baseline" and track.beats(own)
    shown = own if beats else "baseline"
    gap: tuple[float | None, float | None, float | None] = (None, None, None)
    if own != "baseline":
        gap = track.difference(own)
    return HorizonRow(
        horizon=horizon, form=shown, beats_baseline=beats, **asdict(track.forms[shown].figures),
        baseline_auc=track.forms["baseline"].figures.auc, difference=gap[0],
        difference_low=gap[1], difference_high=gap[2], base_rate=track.base_rate,
        trained_until=last_day(track.past), trained_on=len(track.past),
        left_tested=leavers(track.test), lowered=lowered,
    )

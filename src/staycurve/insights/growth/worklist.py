"""The worklist of growth: whom to talk to first, by the MRR that may come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    HighField,
    Key,
    Kind,
    LowField,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.growth.at_risk import Risks, risks_of
from staycurve.insights.growth.expansion import reasons_of
from staycurve.insights.growth.gains import Gain, Offers
from staycurve.insights.growth.scoring import (
    HORIZON,
    Chances,
    Form,
    chances_of,
    with_interval,
)
from staycurve.insights.growth.signals import Standing, standing_of
from staycurve.insights.growth.upgrades import WAYS
from staycurve.insights.growth.upsell import Found
from staycurve.insights.risk.asked import NOBODY_PAYS
from staycurve.insights.risk.score_rows import BANDS, Reason
from staycurve.insights.risk.scoring import ASKED, NOTHING_KNOWN
from staycurve.insights.risk.track import Lacking, is_told
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import MICRO

if TYPE_CHECKING:
    import numpy as np

ALL_AT_RISK = N_("every paying account is at risk")


@dataclass(frozen=True)
class Draft:
    """One account before it is listed.

    Attributes
    ----------
    place : int
        Its row of the frame.
    """

    place: int
    account: str
    probability: float | None
    gain: Gain
    signals: tuple[Found, ...]
    expected: float | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Lead(AccountRow):
    """One account, and what may come of talking to it."""

    account_id: AccountField
    expected: Annotated[
        float | None,
        col(N_("Expected gain"), Unit.MONEY, N_("Probability × possible gain, MRR."),
            is_summed=True),
    ]
    probability: Annotated[
        float | None,
        col(N_("Upgrade probability"), Unit.PERCENT, N_("Of any upgrade, within 90 days."),
            ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    gain: Annotated[
        float | None,
        col(N_("Possible gain"), Unit.MONEY, N_("MRR that the step would add; see how.")),
    ]
    way: Annotated[str | None, col(N_("Step"), Kind.NAME, named_by=WAYS)]
    how: Annotated[str | None, col(N_("How it is computed"))]
    signals: Annotated[tuple[str, ...], col(N_("Signals"), shown_as="signs")]
    reasons: Annotated[tuple[Reason, ...], Key(N_("What moves its probability most."))]
    risk: Annotated[str, col(N_("Health"), Kind.NAME, named_by=BANDS)]
    risk_probability: Annotated[
        float | None, col(N_("Churn probability"), Unit.PERCENT, N_("Within 90 days."))
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    why: Annotated[str | None, Key(N_("Why the expected gain is unknown."))] = None

    @property
    def signs(self) -> str:
        """The evidence of its signals in one line."""
        return "; ".join(self.signals)


@dataclass(frozen=True, kw_only=True)
class Worklist(Answer):
    """Accounts by the MRR that may come of them, the most first."""

    as_of: AsOfField
    currency: CurrencyField
    horizon: Annotated[int, Key(N_("Days in which an upgrade counts."))] = HORIZON
    shown: Annotated[
        str | None, Key(N_("The model of the probability: points, boosting or baseline."))
    ] = None
    beats_baseline: Annotated[
        bool | None, Key(N_("Whether the asked form beats the baseline in the backtest."))
    ] = None
    lacking: Annotated[
        str | None, Key(N_("Why no probability is known."), is_omitted=True)
    ] = None
    accounts: Annotated[int, Key(N_("Paying accounts that could be listed."))] = 0
    expected: Annotated[
        float | None,
        col(N_("Expected gain"), Unit.MONEY, N_("The sum over all accounts of which it is known.")),
    ] = None
    unknown: Annotated[
        int, Key(N_("Accounts for which the probability or the gain is not known."))
    ] = 0
    unknown_why: Annotated[Mapping[str, int], Key(N_("Why → accounts."))]
    at_risk: Annotated[int, Key(N_("Accounts at risk that are left out."))] = 0
    at_risk_mrr: Annotated[float, Key(N_("Their MRR."))] = 0.0
    left_out: Annotated[int, Key(N_("Accounts after those that are listed."))] = 0
    rows: Annotated[tuple[Lead, ...], Table(N_("Whom to talk to first"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Growth worklist, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        found = []
        if self.lacking:
            found.append(Said(
                N_("No probability is known: %(why)s. The list is by possible gain alone."),
                {"why": Said(self.lacking)},
            ))
        if self.beats_baseline is False:
            found.append(Said(N_(
                "The model does not beat the plain baseline of recency, tenure and plan on past "
                "days: the baseline is shown."
            )))
        if self.at_risk:
            found.append(Said(
                N_("One account at risk with an MRR of %(mrr)s is left out: health at risk, or a "
                   "cancellation requested.") if self.at_risk == 1 else
                N_("%(count)s accounts at risk with an MRR of %(mrr)s are left out: health at "
                   "risk, or a cancellation requested."),
                {"count": (self.at_risk, Unit.COUNT), "mrr": (self.at_risk_mrr, Unit.MONEY)},
            ))
        if self.unknown:
            found.append(Said(
                N_("For one account the probability or the gain is not known; it stands last.")
                if self.unknown == 1 else
                N_("For %(count)s accounts the probability or the gain is not known; they stand "
                   "last."), {"count": (self.unknown, Unit.COUNT)},
            ))
        return tuple(found)


@insight("growth worklist", comes_from="/growth#worklist")
def worklist(
    company: Reader, *, form: Form = "points",
    with_at_risk: Annotated[
        bool, Param(N_("List accounts at risk, too, with their health beside them."))
    ] = False,
    most: Annotated[
        int, Param(N_("How many accounts are listed."), least=1, most=100_000)
    ] = 200,
    as_of: AsOfText = None,
) -> Worklist:
    """Which accounts may add most MRR, and by which step?

    Ordered by the probability of an upgrade within 90 days (`growth expansion`) × the MRR that its
    step would add. The step is that of its signals with the largest gain; without any, the one that
    accounts on its plan take most often: to the next plan (its price for the account's units, less
    what it pays) or more seats (as many as accounts usually add, at its own price). Prices are list
    prices where `plans` has them, else what accounts pay. What cannot be computed is unknown and
    stands last. The probability is of any upgrade: the product orders the list, it is no forecast
    of one account. Accounts whose health is at risk, or that have requested a cancellation, are
    left out, or listed with their health beside them.
    """
    import numpy as np

    seen = company.as_of(as_of)
    standing = standing_of(company, seen)
    chances = chances_of(company, seen, form=form, horizon=HORIZON)
    now = chances.now
    told: dict[str, Any] = {
        "as_of": seen.at.isoformat(), "currency": company.config.company.currency,
    }
    if not len(now):
        return Worklist(**told, unknown_why={}, why=NOBODY_PAYS)
    risks = risks_of(company, seen)
    left_out = np.zeros(len(now), dtype=bool) if with_at_risk else risks.is_at_risk
    every = drafts(chances, standing, (~left_out).nonzero()[0])
    known = [one.expected for one in every if one.expected is not None]
    listed = every[:most]
    return Worklist(
        **told, shown=chances.form,
        beats_baseline=None if chances.form is None else chances.form != "baseline",
        lacking=chances.track.why if isinstance(chances.track, Lacking) else None,
        accounts=len(every), expected=sum(known) if known else None,
        unknown=len(every) - len(known),
        unknown_why=dict(Counter(one.why for one in every if one.why).most_common()),
        at_risk=int(left_out.sum()), at_risk_mrr=float(now.mrr[left_out].sum()) / MICRO,
        left_out=len(every) - len(listed), rows=_leads(chances, risks, listed),
        why=None if every else ALL_AT_RISK, notes=standing.notes,
    )


def drafts(chances: Chances, standing: Standing, places: np.ndarray) -> list[Draft]:
    """Some accounts of a frame, those with the largest expected gain first.

    Those without one follow by their possible gain, then by name: what is not known is never 0.
    """
    import numpy as np

    now, signals = chances.now, standing.by_account()
    probability = np.full(len(now), np.nan)
    if chances.probability is not None:
        known = is_told(now) & ~now.is_requested
        probability[known] = chances.probability[known]
    found = []
    for place in places:
        account = now.account_ids[place]
        own = signals.get(account, ())
        gain = step_of(account, own, standing.offers)
        chance = float(probability[place])
        if chance != chance:
            why = chances.track.why if isinstance(chances.track, Lacking) else (
                ASKED if now.is_requested[place] else NOTHING_KNOWN
            )
            found.append(Draft(int(place), account, None, gain, tuple(own), None, why))
        else:
            expected = None if gain.amount is None else chance * gain.amount
            found.append(
                Draft(int(place), account, chance, gain, tuple(own), expected, gain.why)
            )
    return sorted(found, key=lambda one: (
        -(one.expected if one.expected is not None else -1.0),
        -(one.gain.amount if one.gain.amount is not None else -1.0), one.account,
    ))


def step_of(account: str, signals: Sequence[Found], offers: Offers) -> Gain:
    """The step of its signals with the largest known gain; without one the step that is usual."""
    known = [one.gain for one in signals if one.gain.amount is not None]
    if known:
        return max(known, key=lambda one: one.amount or 0.0)
    return offers.usual(account)


def _leads(chances: Chances, risks: Risks, listed: Sequence[Draft]) -> tuple[Lead, ...]:
    import numpy as np

    places = np.array([one.place for one in listed], dtype=int)
    rows = chances.now.where(places)
    ends = effects = None
    if chances.model is not None and not isinstance(chances.track, Lacking) and len(places):
        effects = chances.model.effects(rows)
        own = np.array([one.probability or 0.0 for one in listed])
        ends = with_interval(own, chances.track, chances.form or "baseline")
    found = []
    for row, one in enumerate(listed):
        is_known = one.probability is not None and ends is not None and effects is not None
        risk = float(risks.probability[one.place])
        found.append(Lead(
            account_id=one.account, expected=one.expected, probability=one.probability,
            low=float(ends[0][row]) if is_known and ends else None,
            high=float(ends[1][row]) if is_known and ends else None,
            gain=one.gain.amount, way=one.gain.way or None, how=one.gain.how or None,
            signals=tuple(each.evidence for each in one.signals),
            reasons=reasons_of(rows, effects, row) if is_known and effects is not None else (),
            risk=risks.bands[one.place], risk_probability=None if risk != risk else risk,
            mrr=float(rows.mrr[row]) / MICRO, why=one.why or None,
        ))
    return tuple(found)

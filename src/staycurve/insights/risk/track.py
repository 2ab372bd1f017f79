"""Track: what models would have said on past days, beside what happened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.risk.asked import NOBODY_PAYS
from staycurve.insights.risk.drift import lost
from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import (
    Frame,
    Moment,
    frame_of,
    joined,
    moment_of,
)
from staycurve.insights.risk.judging import Figures, auc_difference, figures
from staycurve.insights.risk.learned import learned, sampled
from staycurve.insights.risk.models import (
    Model,
    fit_baseline,
    fit_boosting,
    fit_by_hand,
    fit_points,
)
from staycurve.insights.risk.pulse import mark_of
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.staged import fit_by_stage, staged
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

BY_STAGE = "by_stage"
FORMS = ("points", "boosting", "by_hand", BY_STAGE)
FORM_NAMES = {
    "points": N_("Points"), "boosting": N_("Gradient boosting"),
    "by_hand": N_("Points by hand alone"), BY_STAGE: N_("Points by lifecycle stage"),
    "baseline": N_("Baseline: recency, tenure and plan"),
}
TEST_DAYS = 6
ORIGINS = 3
"""Times at which the models are fitted anew on the way through the test days: a model that is two
months old is what would have been in use."""
LEAST_TRAINED, LEAST_TESTED = 20, 10
"""Accounts that must have churned in training and in the test. With fewer leavers than these a
model learns names, and the interval of its AUC is wider than any difference worth knowing."""
NO_PAST = N_("no past day has an outcome yet: {days} days must have passed after the first one")
NO_POINTS = N_("no points are set by hand: [risk.points] takes them")


@dataclass(frozen=True)
class Outcome:
    """What is predicted, in the words of its explanations.

    Attributes
    ----------
    none, all : str
        Said where nobody, or everybody, has it.
    few : str
        Said where too few have it: how many there are, and when there will be enough.
    when : str
        In how many months that is.
    """

    none: str
    all: str
    few: str
    when: str


CHURN = Outcome(
    N_("no account has churned in the days with a known outcome: there is nothing to learn"),
    N_("every account churned in the days with a known outcome: there is nobody else"),
    N_("{trained} accounts churned in the days to learn from and {tested} in those to test on; "
       "{least_trained} and {least_tested} are needed{when}"),
    N_(": in about {months} months, at this churn"),
)


@dataclass(frozen=True)
class Judged:
    """One form of model on the test days.

    Attributes
    ----------
    models : tuple of Model
        One an origin: each is fitted to what had an outcome before its first test day.
    origins : array of int, shape (n,)
        Which of them judged each test row.
    probability : array, shape (n,)
    """

    models: tuple[Model, ...]
    origins: np.ndarray
    probability: np.ndarray
    figures: Figures

    def effects(self, test: Frame, places: np.ndarray) -> Mapping[str, np.ndarray]:
        """Factor → what it added to the probability of some test rows, by the model of their day.

        Parameters
        ----------
        places : array of int, shape (m,)
        """
        import numpy as np

        found: dict[str, np.ndarray] = {}
        for number, model in enumerate(self.models):
            own = (self.origins[places] == number).nonzero()[0]
            if len(own):
                for name, values in model.effects(test.where(places[own])).items():
                    found.setdefault(name, np.zeros(len(places)))[own] = values
        return found


class Forms(Mapping[str, Judged]):
    """Every form on the same test days; each is fitted when it is first looked at.

    Parameters
    ----------
    judge : callable
        Name → how that form did.
    """

    def __init__(self, names: Sequence[str], judge: Callable[[str], Judged]) -> None:
        self._names, self._judge = tuple(names), judge
        self._judged: dict[str, Judged] = {}
        self._gaps: dict[str, tuple[float, float, float]] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Judged:
        if name not in self._names:
            raise KeyError(name)
        with self._lock:
            if name not in self._judged:
                self._judged[name] = self._judge(name)
            return self._judged[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def gap(
        self, name: str, find: Callable[[], tuple[float, float, float]]
    ) -> tuple[float, float, float]:
        """A difference with its interval, drawn once."""
        with self._lock:
            if name not in self._gaps:
                self._gaps[name] = find()
            return self._gaps[name]


@dataclass(frozen=True)
class Origin:
    """One time at which the models were fitted anew, and the test days that they judged."""

    tested_from: dt.date
    tested_until: dt.date
    trained_until: dt.date
    trained: int
    left_trained: int


@dataclass(frozen=True)
class Track:
    """Models that were fitted on earlier days, judged on later ones.

    Attributes
    ----------
    train, test : Frame
        The last training day lies one horizon or more before the first test day; later test days
        are judged by models that were fitted anew, to all that had an outcome by then.
    forms : Forms
        points, boosting and baseline; by_hand where points are set by hand, by_stage where the
        stages were asked for.
    past : Frame
        Every past day, of accounts that had not requested a cancellation.
    requested : (int, int)
        Rows on which a cancellation had been requested, and those of them that churned.
    without : tuple of str
        Features that are known of nobody on the day that is judged: nothing was learned from
        them, so that what is judged is what is used.
    """

    train: Frame
    test: Frame
    forms: Forms
    past: Frame
    requested: tuple[int, int]
    horizon: int
    origins: tuple[Origin, ...]
    without: tuple[str, ...] = ()

    def difference(self, form: str) -> tuple[float, float, float]:
        """AUC of a form less the baseline's, with its 95% interval."""
        return self.forms.gap(form, lambda: auc_difference(
            self.forms[form].probability, self.forms["baseline"].probability,
            self.test.has_left, self.test.account_ids,
        ))

    def beats(self, form: str) -> bool:
        """Whether a form is better than the baseline, and than the same guess for everybody.

        A baseline that does worse than chance is beaten by anything: that alone proves nothing.
        """
        own = self.forms[form].probability
        if self.difference(form)[1] <= 0:
            return False
        chance = self.forms.gap(f"{form} and chance", lambda: auc_difference(
            own, 0 * own, self.test.has_left, self.test.account_ids
        ))
        return chance[1] > 0

    @property
    def base_rate(self) -> float:
        """Share of accounts that churn within the horizon, over the past days."""
        return float(self.past.has_left.mean())


@dataclass(frozen=True)
class Lacking:
    """Why there is no track record."""

    why: str


def tracked(
    company: Reader, engine: AnyEngine, seen: AsOf, horizon: int, form: str = "points"
) -> tuple[Moment, Track | Lacking]:
    """The days that a question looks at, and the track record that its form needs."""
    moment = moment_of(engine, seen, horizon)
    return moment, track_of(company, engine, moment, horizon, is_staged=form == BY_STAGE)


def track_of(
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int, *, is_staged: bool = False
) -> Track | Lacking:
    """The models of a company and how they did, or why that cannot be known.

    Parameters
    ----------
    is_staged : bool
        Whether the stage of each account on each day is looked up, for models by stage.
    """
    # Before anything is learned: a misspelt name is an error however little data there is.
    by_hand = points_by_hand(company)
    key = (moment.seen.at, horizon, is_staged, mark_of(company.pulses()))

    def make() -> Track | Lacking:
        parts = learned(company, engine, moment, horizon)
        now = frame_of(company, engine, moment)
        without = lost(now, parts)
        if is_staged:
            parts = [staged(engine, part) for part in parts]
        return answered(now, made(
            [part.without(without) for part in parts] if without else parts, horizon, by_hand,
            without=without,
        ))

    return company.kept("risk track", key, make, most=6)


def answered(now: Frame, found: Track | Lacking) -> Track | Lacking:
    """The same; of a company that nobody pays, that is why nothing can be learned: waiting for
    more to churn does not help."""
    return found if isinstance(found, Track) or len(now) else Lacking(NOBODY_PAYS)


def made(
    parts: Iterable[Frame], horizon: int, by_hand: Mapping[str, float], *,
    outcome: Outcome = CHURN, forms: Sequence[str] = FORMS, without: tuple[str, ...] = (),
) -> Track | Lacking:
    """The track record of frames of past days, whose `left_on` says who had the outcome.

    Parameters
    ----------
    by_hand : mapping
        Feature → points for each unit of it.
    forms : sequence of str
        Which forms are tried, beside the baseline.
    without : tuple of str
        The features that were left out.
    """
    import numpy as np

    kept, requested = [], np.zeros(2, dtype=int)
    for part in parts:
        own = part.is_requested
        requested += [int(own.sum()), int((own & part.has_left).sum())]
        kept.append(sampled(part.where(~own)))
    past = joined(kept)
    if past is None or not len(past):
        return Lacking(NO_PAST.format(days=horizon))
    left = past.has_left
    if left.all() or not left.any():
        return Lacking(outcome.all if left.all() else outcome.none)
    found = split(past, horizon, outcome)
    if isinstance(found, Lacking):
        return found
    train, test = found

    def judge(name: str) -> Judged:
        models, numbers, said = [], [], []
        for place, (own, part) in enumerate(rounds_of(past, test, horizon)):
            models.append(fitted(name, own, by_hand))
            numbers.append(np.full(len(part), place))
            said.append(models[-1].probability(part))
        probability = np.concatenate(said)
        return Judged(
            tuple(models), np.concatenate(numbers), probability,
            figures(probability, test.has_left),
        )

    has = {"by_hand": bool(by_hand), BY_STAGE: past.stages is not None}
    names = [name for name in (*forms, "baseline") if has.get(name, True)]
    origins = tuple(
        Origin(first_day(part), last_day(part), last_day(own), len(own), leavers(own))
        for own, part in rounds_of(past, test, horizon)
    )
    return Track(
        train, test, Forms(names, judge), past, (int(requested[0]), int(requested[1])), horizon,
        origins, without,
    )


def rounds_of(past: Frame, test: Frame, horizon: int) -> Iterator[tuple[Frame, Frame]]:
    """(what had an outcome before, the test days that it judges), one pair an origin."""
    import numpy as np

    days = np.unique(test.days)
    ahead = np.timedelta64(horizon, "D")
    for own in np.array_split(days, min(ORIGINS, len(days))):
        yield (
            past.where(past.days + ahead <= own[0]),
            test.where((test.days >= own[0]) & (test.days <= own[-1])),
        )


def points_by_hand(company: Reader) -> Mapping[str, float]:
    """`[risk.points]`: feature → points for each unit of it.

    Raises
    ------
    UnknownNameError
        For a name that is no feature.
    """
    stated = company.config[RISK].points
    for name in stated:
        if name not in features():
            raise UnknownNameError(
                "feature", name, features(), hint=f"[risk.points] takes: {', '.join(features())}"
            )
    return stated


def split(
    past: Frame, horizon: int, outcome: Outcome = CHURN
) -> tuple[Frame, Frame] | Lacking:
    """Days to learn from and days to test on, as many of the latter as leave enough to learn."""
    import numpy as np

    days = np.unique(past.days)
    best = (0, 0)
    for count in range(min(TEST_DAYS, len(days) - 1), 0, -1):
        first = days[-count]
        train = past.where(past.days + np.timedelta64(horizon, "D") <= first)
        test = past.where(past.days >= first)
        trained, tested = leavers(train), leavers(test)
        if trained >= LEAST_TRAINED and tested >= LEAST_TESTED and not train.has_left.all():
            return train, test
        best = max(best, (trained, tested), key=min)
    return Lacking(outcome.few.format(
        trained=best[0], tested=best[1], least_trained=LEAST_TRAINED, least_tested=LEAST_TESTED,
        when=_when(past, horizon, outcome),
    ))


def leavers(frame: Frame) -> int:
    """Accounts that left, each counted once."""
    return len(set(frame.account_ids[frame.has_left]))


def _when(past: Frame, horizon: int, outcome: Outcome) -> str:
    """How long it takes at the pace of the past."""
    import numpy as np

    days = np.unique(past.days)
    seen = (days[-1] - days[0]).astype(int) + horizon
    pace = leavers(past) / seen * 30.4375
    missing = LEAST_TRAINED + LEAST_TESTED - leavers(past)
    # Between the days to learn from and those to test on lies one horizon that serves neither.
    months = max(0.0, missing / pace if pace else 0.0) + horizon / 30.4375
    return outcome.when.format(months=max(1, round(months)))


def band_of(probability: float, base_rate: float, at_risk: float) -> str:
    """healthy below the company's own churn rate, at_risk from a multiple of it, else watch."""
    if probability >= min(at_risk * base_rate, (1 + base_rate) / 2):
        return "at_risk"
    return "healthy" if probability < base_rate else "watch"


def is_told(frame: Frame) -> np.ndarray:
    """Whether anything is known of what each account does or says, as bool of shape (n,)."""
    import numpy as np

    found = np.zeros(len(frame), dtype=bool)
    for name, feature in features().items():
        found |= feature.is_told(frame.values[name])
    return found


def last_day(frame: Frame) -> dt.date:
    """The last day of a frame."""
    found: dt.date = frame.days.max().item()
    return found


def first_day(frame: Frame) -> dt.date:
    """The first day of a frame."""
    found: dt.date = frame.days.min().item()
    return found


def fitted(form: str, past: Frame, by_hand: Mapping[str, float]) -> Model:
    """A form of model, fitted to a frame."""
    from threadpoolctl import threadpool_limits

    # One thread: sums come in one order, so a refit gives the same coefficients, and a server's
    # other questions keep their cores.
    with threadpool_limits(limits=1):
        if form == "by_hand":
            return fit_by_hand(past, by_hand)
        if form == "points":
            return fit_points(past, by_hand)
        if form == BY_STAGE:
            return fit_by_stage(past, by_hand)
        return fit_boosting(past) if form == "boosting" else fit_baseline(past)


def strongest(
    effects: Mapping[str, np.ndarray], place: int, most: int
) -> Sequence[tuple[str, float]]:
    """The factors that move one row's probability most, the strongest first."""
    found = [(name, float(values[place])) for name, values in effects.items()]
    found.sort(key=lambda one: (-abs(one[1]), one[0]))
    return [one for one in found[:most] if abs(one[1]) >= 0.0005]

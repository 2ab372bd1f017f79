"""Adoption of features month by month, from the month table alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.features.feature_use import (
    FeatureQuestion,
    Only,
    adoption_statement,
    asked_of,
    check_features,
)
from staycurve.insights.shared.columns import AboutField, Rest
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.params import FIRST_FEATURES, AsOfText, Top, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage.usage_windows import Window, window_of
from staycurve.metrics.base import Unit
from staycurve.period import month_index, month_start

ABOUT = N_(
    "Accounts using the feature / accounts active in the month. A month before the first use "
    "that is known is left out."
)
NOBODY_ACTIVE = N_("no account was active in this month")


@dataclass(frozen=True, kw_only=True)
class Adopted(Row):
    """One feature in one month."""

    feature: Annotated[str, col(N_("Feature"))]
    period: Annotated[dt.date, col(N_("Month"), Kind.MONTH, N_("The first day of the month."))]
    accounts: Annotated[int, Key(N_("Active accounts that used it."))]
    active_accounts: Annotated[int, Key(N_("Accounts that were active."))]
    value: Annotated[
        float | None,
        col(N_("Adoption"), Unit.PERCENT, ABOUT,
            opens=Opens("features accounts", {"feature": "feature", "period": "month"},
                        {"part": "using"})),
    ]
    why: WhyField = None

    @property
    def month(self) -> str:
        """What asks for the month again."""
        return f"{self.period:%Y-%m}"


@dataclass(frozen=True, kw_only=True)
class Adoption(Answer):
    """Accounts using each feature by month.

    The feature most used in the last month first, and its months in order.
    """

    as_of: AsOfField
    about: AboutField = ABOUT
    rows: Annotated[
        tuple[Adopted, ...], Table(N_("Adoption month by month"), across=("period", "value"))
    ]
    rest: Annotated[Rest, Key(N_("Features beyond those shown."))]

    def title(self) -> Said:
        return Said(N_("Feature adoption, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if not self.rest.features:
            return ()
        count = {"count": (self.rest.features, Unit.COUNT)}
        return (Said(N_("%(count)s other features are not shown."), count),)


@insight("features adoption", comes_from="/features#report", needs="events")
def adoption(
    company: Reader, *,
    months: Annotated[int, Param(N_("How many closed months."), least=1, most=120)] = 12,
    where: Where = "", as_of: AsOfText = None, top: Top = FIRST_FEATURES, features: Only = (),
) -> Adoption:
    """How has the adoption of each feature developed, month by month?"""
    asked = asked_of(company, None, where, as_of, top=top, features=features)
    windows = windows_of(asked, months)
    sql = adoption_statement(asked, windows)
    with company.seeing(asked.question.as_of) as engine:
        check_features(engine, asked, features)
        found = adopted(asked, windows, engine.rows(sql), sql=sql)
    return found if knows_use(company) else replace(found, notes=(missing(company),))


def windows_of(asked: FeatureQuestion, months: int) -> list[Window]:
    """The last closed month, and those before it."""
    last = month_index(asked.window.start)
    if month_start(last).year < 2:
        raise NotAnsweredError("No month has closed.", hint="Load events first.")
    return [
        window_of(f"{month_start(last - back):%Y-%m}", asked.question.as_of)
        for back in reversed(range(months))
    ]


def adopted(
    asked: FeatureQuestion, windows: Sequence[Window], answer: Iterable[Sequence[Any]], *, sql: str
) -> Adoption:
    """Adoption from the rows of `feature_use.adoption_statement`."""
    active: dict[dt.date, int] = {}
    using: dict[str, dict[dt.date, int]] = {}
    for month, feature, count in answer:
        if feature is None:
            active[month] = count
        else:
            using.setdefault(feature, {})[month] = count
    months = [w.start for w in windows if w.start >= min(active, default=w.end)]
    last = months[-1] if months else None
    order = sorted(
        using,
        key=lambda name: (-(using[name].get(last, 0) if last else 0),
                          -sum(using[name].values()), name),
    )
    chosen = list(asked.features) or order[: asked.top]
    rows = []
    for name in chosen:
        for month in months:
            count, size = using.get(name, {}).get(month, 0), active.get(month, 0)
            rows.append(Adopted(
                feature=name, period=month, accounts=count, active_accounts=size,
                value=count / size if size else None, why=None if size else NOBODY_ACTIVE,
            ))
    rest = () if asked.features else tuple(name for name in order if name not in set(chosen))
    return Adoption(
        as_of=asked.question.as_of.at.isoformat(), rows=tuple(rows),
        rest=Rest(features=len(rest), names=rest), sql=sql,
    )

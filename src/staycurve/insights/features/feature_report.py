"""The feature report: who uses what, how deeply, and again; what works and what lies unused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

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
from staycurve.insights.base import insight
from staycurve.insights.features import feature_retention, feature_use
from staycurve.insights.features.feature_rank import RANKS, RULE, rank_of
from staycurve.insights.features.feature_retention import MONTHS, SPANS, Compared, compared
from staycurve.insights.features.feature_row import Feature
from staycurve.insights.features.feature_use import (
    STATUSES,
    FeatureQuestion,
    Months,
    Only,
    Spans,
    WindowText,
    asked_of,
    check_features,
    first_day_of,
)
from staycurve.insights.shared.columns import ColumnsField, Rest, columns_of
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.params import FIRST_FEATURES, AsOfText, Top, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.staying import Stayed, stayed
from staycurve.insights.statistics.proportions import Share, share
from staycurve.insights.usage.usage_windows import Window, earlier, three_months_before
from staycurve.metrics.base import Unit
from staycurve.metrics.query import STILL_OPEN
from staycurve.tables.engine import AnyEngine

FeatureRow = Sequence[Any]
"""A row of `feature_use.features_statement`."""

NOT_REPEATED = N_("nobody used it in the 28 days before the last 28")
NO_DATA_THEN = N_("the data does not reach back that far")
NOTHING_BEFORE = N_("the data does not reach back that far, or no account was active then")
NOBODY_ACTIVE = N_("no account was active")
NO_ERRORS = N_("no event says how many errors it had: see [usage] errors in staycurve.toml")
NO_SECONDS = N_("no event says how long it took: see [usage] seconds in staycurve.toml")
NO_SUCH_STATUS = N_("no active account has this status")


@dataclass(frozen=True, kw_only=True)
class OtherFeatures(Rest):
    """The features that are not shown one by one."""

    most_accounts: Annotated[int, Key(N_("Accounts of the most used of them."))]
    uses: Annotated[int, Key(N_("Their uses together."))]


@dataclass(frozen=True)
class Used(Row):
    """Active accounts by how many features they use."""

    features: Annotated[int, col(N_("Features used"), Unit.COUNT)]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT,
            opens=Opens("features accounts", {"breadth": "features", "period": "asked"},
                        {"part": "breadth"})),
    ]


@dataclass(frozen=True)
class Breadth(Row):
    """How many features accounts use."""

    mean: Annotated[float | None, Key(N_("Features used by an active account, on average."))]
    rows: Annotated[tuple[Used, ...], Key(N_("Accounts by how many they use."))]


@dataclass(frozen=True, kw_only=True)
class FeatureReport(Answer):
    """What accounts do with each feature in a period."""

    as_of: AsOfField
    period: Annotated[Window, Key(N_("The period: local days [start, end)."))]
    active_accounts: Annotated[
        int | None,
        col(N_("Active accounts"), Unit.COUNT,
            opens=Opens("features accounts", {"period": "asked"}, {"part": "active"})),
    ]
    statuses: Annotated[
        Mapping[str, int], Key(N_("Active accounts by what they are at the period's close."))
    ]
    columns: ColumnsField
    rule: Annotated[str, Key(N_("What the judgement rests on."))] = RULE
    ranks: Annotated[Mapping[str, str], Key(N_("The judgements in words."))]
    retention: Annotated[Compared, Key(N_("The spans from which retention is computed."))]
    rows: Annotated[
        tuple[Feature, ...], Table(N_("Features"), N_("In the order of their judgement."))
    ]
    rest: Annotated[OtherFeatures, Key(N_("Features that are not shown one by one."))]
    breadth: Annotated[Breadth, Key(N_("How many features an account uses."))]
    why: WhyField = None
    staying: Annotated[
        tuple[Stayed, ...],
        Table(N_("Still paying: those who used it, beside the others (an association, not a "
                 "cause)"), is_view=True),
    ] = ()
    used: Annotated[
        tuple[Used, ...], Table(N_("Accounts by how many features they use"), is_view=True)
    ] = ()

    @property
    def asked(self) -> str:
        """What asks for the period again."""
        return self.period.name

    def title(self) -> Said:
        text = N_("Features, %(period)s, as of %(as_of)s")
        if self.period.is_open:
            text = N_("Features, %(period)s, to date, as of %(as_of)s")
        return Said(text, {"period": (self.period.name, Kind.TEXT), "as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        found = []
        if self.rest.features:
            found.append(Said(
                N_("%(count)s other features are not shown one by one; the most used of them has "
                   "%(most)s accounts."),
                {"count": (self.rest.features, Unit.COUNT),
                 "most": (self.rest.most_accounts, Unit.COUNT)},
            ))
        if self.breadth.mean is not None:
            mean = {"mean": (self.breadth.mean, Unit.RATIO)}
            found.append(Said(N_("An active account uses %(mean)s features."), mean))
        if self.retention.why:
            why = {"why": self.retention.why}
            found.append(Said(N_("Who stays is not compared: %(why)s."), why))
        return tuple(found)


@insight("features report", aliases=("/features",), comes_from="/features#report", needs="events")
def report(
    company: Reader, *, period: WindowText = None, where: Where = "", as_of: AsOfText = None,
    top: Top = FIRST_FEATURES, features: Only = (), months: Months = MONTHS, spans: Spans = SPANS,
) -> FeatureReport:
    """Which features work, which need work, and which are unused?

    Adoption, depth, repeat use, errors and retention of each feature. What changes with time, such
    as the plan, is read at the period's close; for repeat use and retention before it is known who
    came back or stayed.
    """
    asked = asked_of(company, period, where, as_of, top=top, features=features)
    sql = {"features": feature_use.features_statement(asked)}
    with company.seeing(asked.question.as_of) as engine:
        first_day = first_day_of(engine)
        check_features(engine, asked, features)
        answers = _answers(engine, asked, first_day)
        every = every_row(answers)
        shown = every[:top]
        if features:
            found = {row[0]: row for row in every}
            shown = [found.get(name, unused_row(name)) for name in dict.fromkeys(features)]
        chosen = [_feature(asked, answers, row) for row in shown]
        beside = compared(asked, months, spans, first_day)
        if beside.spans and chosen:
            names = [one.feature for one in chosen]
            sql["retention"] = feature_retention.statement(asked, beside.spans, names)
            kept = feature_retention.retention(engine.rows(sql["retention"]), names)
            chosen = [replace(one, retention=kept[one.feature]) for one in chosen]
        counts = engine.rows(feature_use.breadth_statement(asked))
    used = tuple(Used(count, accounts) for count, accounts in counts)
    usage = asked.question.config.behaviour.usage
    active, is_known = sum(answers.statuses.values()), knows_use(company)
    rows = in_order(chosen)
    return FeatureReport(
        as_of=asked.question.as_of.at.isoformat(),
        period=asked.window,
        active_accounts=active if is_known else None,
        statuses={status: answers.statuses.get(status, 0) for status in STATUSES if is_known},
        columns=columns_of(Feature),
        ranks=RANKS,
        retention=beside,
        rows=rows,
        rest=_rest([] if features else every[top:]),
        breadth=Breadth(
            _ratio(sum(one.features * one.accounts for one in used),
                   sum(one.accounts for one in used)),
            used,
        ),
        notes=(
            *(() if usage.errors else (NO_ERRORS,)), *(() if usage.seconds else (NO_SECONDS,)),
            *((STILL_OPEN,) if asked.window.is_open else ()),
        ),
        why=None if active else NOBODY_ACTIVE if is_known else missing(company),
        staying=stayed((one.feature, one.retention) for one in rows),
        used=used,
        sql=";\n\n".join(sql.values()),
    )


@dataclass(frozen=True)
class Answers:
    """What the statements of `feature_use` answered.

    Attributes
    ----------
    now : iterable of rows
        See `features_statement`.
    earlier, three_months : mapping, optional
        Feature → accounts, and None → active accounts; None where the data does not reach back.
    again : mapping, optional
        Feature → (used before, used again); None where the data does not reach back.
    """

    now: Sequence[Sequence[Any]]
    statuses: Mapping[str, int]
    earlier: Mapping[str | None, int] | None
    three_months: Mapping[str | None, int] | None
    again: Mapping[str, tuple[int, int]] | None


def every_row(answers: Answers) -> list[FeatureRow]:
    """A row for each feature used in the period or in one before it, the most used first."""
    names = {row[0] for row in answers.now}
    before = {
        name
        for found in (answers.earlier, answers.three_months)
        for name in (found or {})
        if name is not None
    }
    return [*answers.now, *(unused_row(name) for name in sorted(before - names))]


def unused_row(name: str) -> FeatureRow:
    """The row of a feature that nobody used."""
    return (name, 0, 0, 0, None, None, None, None, 0, 0, 0)


def _answers(engine: AnyEngine, asked: FeatureQuestion, first_day: dt.date | None) -> Answers:
    seen, fiscal = asked.question.as_of, asked.question.config.company.fiscal_year_start

    def using(window: Window | None) -> dict[str | None, int] | None:
        if window is None or first_day is None or window.start < first_day.replace(day=1):
            return None
        return dict(engine.rows(feature_use.using_statement(asked, window)))

    again = None
    start = asked.window.last_seen - dt.timedelta(days=2 * 28 - 1)
    if first_day is not None and start >= first_day:
        rows = engine.rows(feature_use.repeat_statement(asked))
        again = {name: (before, then) for name, before, then in rows}
    return Answers(
        now=engine.rows(feature_use.features_statement(asked)),
        statuses=dict(engine.rows(feature_use.statuses_statement(asked))),
        earlier=using(earlier(asked.window, seen, fiscal)),
        three_months=using(three_months_before(asked.window, seen)),
        again=again,
    )


def _feature(asked: FeatureQuestion, answers: Answers, row: FeatureRow) -> Feature:
    """What is told of a feature; a share takes time, so only those that are shown."""
    name, accounts, uses, users, errors, judged, seconds, timed, *by_status = row
    active, is_open = sum(answers.statuses.values()), asked.window.is_open
    adoption = share(accounts, active)
    again = share(*reversed(answers.again.get(name, (0, 0)))) if answers.again else share(0, 0)
    changes = [
        None if is_open else _change(adoption, name, found)
        for found in (answers.earlier, answers.three_months)
    ]
    error_rate = None if errors is None else _ratio(errors, judged or 0)
    rank, reasons, why = rank_of(asked, name, adoption, again, error_rate, changes)
    paying, trial, other = (
        _closed(share(count, answers.statuses.get(status, 0)), NO_SUCH_STATUS, is_open=is_open)
        for status, count in zip(STATUSES, by_status, strict=True)
    )
    return Feature(
        feature=name, rank=rank, rank_label=RANKS[rank], rank_why=why, reasons=reasons,
        accounts=accounts, adoption=_closed(adoption, NOBODY_ACTIVE, is_open=is_open),
        users=users, uses=uses, depth=None if is_open else _ratio(uses, accounts),
        repeat=again.hidden(NO_DATA_THEN) if answers.again is None else again.because(NOT_REPEATED),
        paying=paying, trial=trial, other=other,
        errors=errors, error_rate=error_rate,
        seconds=seconds, seconds_per_use=None if seconds is None else _ratio(seconds, timed or 0),
        change=changes[0], change_3m=changes[1],
        change_why=None if changes[0] is not None else STILL_OPEN if is_open else NOTHING_BEFORE,
    )


def _closed(found: Share, why: str, *, is_open: bool) -> Share:
    """A share that says nothing before the period is over."""
    return found.hidden(STILL_OPEN) if is_open else found.because(why)


def _change(
    adoption: Share, name: str, before: Mapping[str | None, int] | None
) -> float | None:
    if before is None or adoption.value is None or not before.get(None):
        return None
    return adoption.value - before.get(name, 0) / before[None]


def in_order(found: Iterable[Feature]) -> tuple[Feature, ...]:
    """Features by their judgement, then by accounts, then by name."""
    places = list(RANKS)
    return tuple(sorted(found, key=lambda f: (places.index(f.rank), -f.accounts, f.feature)))


def _rest(rows: Sequence[FeatureRow]) -> OtherFeatures:
    return OtherFeatures(
        features=len(rows),
        most_accounts=max((row[1] for row in rows), default=0),
        uses=sum(row[2] for row in rows),
        names=tuple(row[0] for row in rows),
    )


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None

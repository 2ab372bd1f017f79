"""The feature report: who uses what, how deeply, and again; what works and what lies unused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.features.feature_use import STATUSES, Asked
from staycurve.insights.shared.account_facts import Opened, described
from staycurve.insights.statistics.association import METHOD, Association, shown
from staycurve.insights.statistics.proportions import Share, share
from staycurve.insights.usage.usage_windows import Window
from staycurve.metrics.query import STILL_OPEN

Row = dict[str, Any]

FeatureRow = Sequence[Any]
"""A row of `feature_use.features_statement`."""

# What the ranking rests on. A larger UNUSED_BELOW calls more features unused, a larger
# AGAIN_BELOW, or smaller ERRORS_ABOVE or FALLS_BY, more of them in need of work.
UNUSED_BELOW = 0.05
AGAIN_BELOW = 0.5
ERRORS_ABOVE = 0.05
FALLS_BY = 0.05
MIN_ACTIVE = 30

RULE = N_(
    "Unused: fewer than 5% of the active accounts use it. Needs work: fewer than half of its "
    "accounts came back to it within 28 days, or over 5% of its uses fail, or its adoption fell by "
    "5 points or more against three months before (the period before, where that is not known). "
    "Works: none of these. Steps of onboarding are done once and are not ranked; neither is "
    "anything below 30 active accounts, or in a period that is still open."
)

RANKS = {
    "works": N_("Works"), "needs work": N_("Needs work"), "unused": N_("Unused"),
    "step": N_("Step of onboarding"), "": N_("Not ranked"),
}

FEW_AGAIN = N_("fewer than half of its accounts came back to it within 28 days")
MANY_ERRORS = N_("over 5% of its uses fail")
FALLING = N_("its adoption fell by 5 points or more")
FEW_ACTIVE = N_("fewer than 30 active accounts")
NOT_REPEATED = N_("nobody used it in the 28 days before the last 28")
NO_DATA_THEN = N_("the data does not reach back that far")
NOTHING_BEFORE = N_("the data does not reach back that far, or no account was active then")
NOBODY_ACTIVE = N_("no account was active")
NO_ERRORS = N_("no event says how many errors it had: see [usage] errors in staycurve.toml")
NO_SECONDS = N_("no event says how long it took: see [usage] seconds in staycurve.toml")
NO_SUCH_STATUS = N_("no active account has this status")

COLUMNS = described({
    "feature": (N_("Feature"), "text", N_("The event, or the property that [usage] feature names")),
    "rank": (N_("Judgement"), "text", RULE),
    "accounts": (N_("Accounts"), "count", N_("Active accounts that used it in the period")),
    "adoption": (N_("Adoption"), "percent", N_("Accounts using it / active accounts")),
    "users": (N_("Users"), "count", N_("Known users who used it, counted once an account")),
    "depth": (N_("Depth"), "number", N_("Uses / accounts using it")),
    "repeat": (N_("Again within 28 days"), "percent",
               N_("Of the accounts that used it in the 28 days before the last 28, the share that "
                  "used it again in the last 28")),
    "paying": (N_("Adoption, paying"), "percent",
               N_("Among active accounts with MRR above 0 at the period's close")),
    "trial": (N_("Adoption, in trial"), "percent",
              N_("Among other active accounts whose trial touches the period")),
    "errors": (N_("Errors"), "count", N_("As the events say")),
    "error_rate": (N_("Error rate"), "percent", N_("Errors / uses of which errors are known")),
    "seconds_per_use": (N_("Seconds a use"), "number", N_("Over uses whose time is known")),
    "change": (N_("Change"), "points", N_("Adoption against the period before")),
    "change_3m": (N_("Change in three months"), "points",
                  N_("Adoption against three months before (12 weeks, for 28 days)")),
    "retention": (N_("Retention beside it"), "points", METHOD),
})


@dataclass(frozen=True)
class Feature:
    """One feature in the report; `*_why` says why something is empty."""

    name: str
    accounts: int
    adoption: Share
    uses: int
    users: int
    again: Share
    again_why: str | None
    by_status: Mapping[str, Share]
    errors: int | None
    judged: int
    seconds: int | None
    timed: int
    change: float | None
    change_3m: float | None
    rank: str
    reasons: tuple[str, ...]
    rank_why: str | None
    retention: Association | None = None
    is_open: bool = False

    def as_dict(self) -> Row:
        """One row as `--format json` prints it."""
        found: Row = {
            "feature": self.name,
            "rank": self.rank,
            "rank_label": RANKS[self.rank],
            "reasons": list(self.reasons),
            "accounts": self.accounts,
            "adoption": _rate(self.adoption, STILL_OPEN if self.is_open else NOBODY_ACTIVE,
                              is_hidden=self.is_open),
            "users": self.users,
            "uses": self.uses,
            "depth": None if self.is_open else _ratio(self.uses, self.accounts),
            "repeat": _rate(self.again, self.again_why or NOT_REPEATED,
                            is_hidden=self.again_why is not None),
            **{status: _rate(self.by_status[status],
                             STILL_OPEN if self.is_open else NO_SUCH_STATUS,
                             is_hidden=self.is_open) for status in STATUSES},
            "errors": self.errors,
            "error_rate": None if self.errors is None else _ratio(self.errors, self.judged),
            "seconds": self.seconds,
            "seconds_per_use": None if self.seconds is None else _ratio(self.seconds, self.timed),
            "change": self.change,
            "change_3m": self.change_3m,
            "retention": self.retention and self.retention.as_dict(),
        }
        if self.change is None:
            found["change_why"] = STILL_OPEN if self.is_open else NOTHING_BEFORE
        if self.rank_why:
            found["rank_why"] = self.rank_why
        return found


@dataclass(frozen=True)
class FeatureReport:
    """What accounts do with each feature in a period."""

    as_of: str
    window: Window
    active: int
    statuses: Mapping[str, int]
    features: tuple[Feature, ...]
    rest: tuple[FeatureRow, ...]
    breadth: tuple[tuple[int, int], ...]
    retention_of: Row
    notes: tuple[str, ...] = ()
    why: str | None = None
    sql: Mapping[str, str] = field(default_factory=dict, repr=False)
    _accounts: Callable[[str, str], Opened] | None = field(default=None, repr=False)
    _users: Callable[[str], Opened] | None = field(default=None, repr=False)

    @property
    def rows(self) -> list[Row]:
        """One row a feature, in the order of their judgement."""
        return [one.as_dict() for one in self.features]

    @property
    def mean_breadth(self) -> float | None:
        """Features used by an active account, on average."""
        return _ratio(sum(k * n for k, n in self.breadth), sum(n for _, n in self.breadth))

    def accounts(self, feature: str = "", part: str = "using") -> Opened:
        """The accounts behind one number; see `staycurve.insights.features.feature_accounts`."""
        assert self._accounts is not None
        return self._accounts(feature, part)

    def users(self, feature: str) -> Opened:
        """The users of one feature."""
        assert self._users is not None
        return self._users(feature)

    def to_json(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "period": self.window.as_dict(),
            "active_accounts": self.active,
            "statuses": dict(self.statuses),
            "columns": columns(),
            "rule": RULE,
            "ranks": RANKS,
            "retention": self.retention_of,
            "rows": self.rows,
            "rest": {
                "features": len(self.rest),
                "most_accounts": max((row[1] for row in self.rest), default=0),
                "uses": sum(row[2] for row in self.rest),
                "names": [row[0] for row in self.rest],
            },
            "breadth": {
                "mean": self.mean_breadth,
                "rows": [{"features": k, "accounts": n} for k, n in self.breadth],
            },
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"why": self.why} if self.why else {}),
        }


def columns() -> list[Row]:
    """The report's columns in words."""
    return [column.as_dict() for column in COLUMNS]


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _rate(found: Share, why: str, *, is_hidden: bool = False) -> Row:
    if found.value is None or is_hidden:
        return {**shown(found), "value": None, "low": None, "high": None, "why": why}
    return shown(found)


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


def features(asked: Asked, answers: Answers, rows: Iterable[FeatureRow]) -> list[Feature]:
    """What is told of each feature; a share takes time, so only those that are shown."""
    active = sum(answers.statuses.values())
    return [_feature(asked, answers, row, active) for row in rows]


def _feature(asked: Asked, answers: Answers, row: FeatureRow, active: int) -> Feature:
    name, accounts, uses, users, errors, judged, seconds, timed, *by_status = row
    is_open = asked.window.is_open
    adoption = share(accounts, active)
    again = share(*reversed(answers.again.get(name, (0, 0)))) if answers.again else share(0, 0)
    why_not_again = NO_DATA_THEN if answers.again is None else None
    changes = [
        None if is_open else _change(adoption, name, found)
        for found in (answers.earlier, answers.three_months)
    ]
    rank, reasons, why = _rank(
        asked, name, adoption, again,
        None if errors is None else _ratio(errors, judged or 0), changes,
    )
    return Feature(
        name, accounts, adoption, uses, users, again, why_not_again,
        {
            status: share(count, answers.statuses.get(status, 0))
            for status, count in zip(STATUSES, by_status, strict=True)
        },
        errors, judged or 0, seconds, timed or 0, changes[0], changes[1], rank, reasons, why,
        is_open=is_open,
    )


def _change(
    adoption: Share, name: str, before: Mapping[str | None, int] | None
) -> float | None:
    if before is None or adoption.value is None or not before.get(None):
        return None
    return adoption.value - before.get(name, 0) / before[None]


def _rank(
    asked: Asked, name: str, adoption: Share, again: Share, error_rate: float | None,
    changes: Sequence[float | None],
) -> tuple[str, tuple[str, ...], str | None]:
    activation = asked.question.config.behaviour.activation
    if name in (*activation.events, *activation.checklist):
        return "step", (), None
    if asked.window.is_open:
        return "", (), STILL_OPEN
    if adoption.value is None or adoption.size < MIN_ACTIVE:
        return "", (), FEW_ACTIVE
    if adoption.value < UNUSED_BELOW:
        return "unused", (), None
    earlier, three_months = changes
    fall = earlier if three_months is None else three_months
    reasons = [
        reason
        for reason, holds in (
            (FEW_AGAIN, again.value is not None and again.value < AGAIN_BELOW),
            (MANY_ERRORS, error_rate is not None and error_rate > ERRORS_ABOVE),
            (FALLING, fall is not None and fall <= -FALLS_BY),
        )
        if holds
    ]
    return ("needs work" if reasons else "works"), tuple(reasons), None


def in_order(found: Iterable[Feature]) -> tuple[Feature, ...]:
    """Features by their judgement, then by accounts, then by name."""
    places = list(RANKS)
    return tuple(sorted(found, key=lambda f: (places.index(f.rank), -f.accounts, f.name)))


def report(
    asked: Asked,
    *,
    statuses: Mapping[str, int],
    chosen: Iterable[Feature],
    rest: Iterable[FeatureRow],
    breadth: Iterable[tuple[int, int]],
    retention_of: Row,
    sql: Mapping[str, str],
    accounts: Callable[[str, str], Opened],
    users: Callable[[str], Opened],
) -> FeatureReport:
    """The report of the features that were chosen, and of the rest together."""
    usage = asked.question.config.behaviour.usage
    notes = [
        *([] if usage.errors else [NO_ERRORS]), *([] if usage.seconds else [NO_SECONDS]),
        *([STILL_OPEN] if asked.window.is_open else []),
    ]
    active = sum(statuses.values())
    return FeatureReport(
        as_of=asked.question.as_of.at.isoformat(),
        window=asked.window,
        active=active,
        statuses={status: statuses.get(status, 0) for status in STATUSES},
        features=in_order(chosen),
        rest=tuple(rest),
        breadth=tuple(breadth),
        retention_of=retention_of,
        notes=tuple(notes),
        why=None if active else NOBODY_ACTIVE,
        sql=sql,
        _accounts=accounts,
        _users=users,
    )

"""The accounts behind each number of the trial report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Beside,
    Hidden,
    Key,
    Kind,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.features.feature_use import listed
from staycurve.insights.onboarding import trial_facts
from staycurve.insights.onboarding.trial_facts import CARD_LABELS, CARDS
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.columns import AboutField, TotalField
from staycurve.insights.shared.params import CLASS_NAMES, AsOfText, EndClass, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.period import align

PARTS = {
    "started": N_("accounts that started a trial"),
    "mature": N_("accounts whose trial has ended"),
    "converted": N_("accounts that paid within 30 days of their trial's end"),
    "not_converted": N_("accounts whose trial has ended, and that did not pay within 30 days"),
    "immature": N_("accounts whose trial has not ended"),
    "left": N_("converted accounts that churned"),
    "stayed": N_("converted accounts that never churned"),
    "used": N_("accounts that used the feature during a trial that has ended"),
}
"""What the parts are called."""


@dataclass(frozen=True)
class TrialAccount(AccountRow):
    """One account that started a trial, its first."""

    account_id: AccountField
    started_on: Annotated[dt.date, col(N_("Trial from"), Kind.DAY)]
    ended_on: Annotated[dt.date | None, col(N_("Trial to"), Kind.DAY)]
    card: Annotated[str, col(N_("Card"), Kind.NAME, named_by=CARD_LABELS)]
    is_mature: Annotated[bool, Key(N_("Whether the trial has ended."))]
    is_converted: Annotated[bool, Key(N_("Whether it paid within 30 days of the trial's end."))]
    paid_on: Annotated[dt.date | None, col(N_("First paid"), Kind.DAY)]
    days_to_pay: Annotated[
        int | None, col(N_("Days to pay"), Unit.COUNT, N_("From the trial's start."))
    ]
    left_on: Annotated[dt.date | None, col(N_("Left"), Kind.DAY)]
    end_class: Annotated[str | None, col(N_("Churn type"), Kind.NAME, named_by=CLASS_NAMES)]
    months: Annotated[
        int | None,
        Key(N_("Months from the first paid day until it left; those that are full, if it stays.")),
    ]
    followed_months: Annotated[
        int | None, Key(N_("Full months from the first paid day to the last day seen whole."))
    ]


@dataclass(frozen=True, kw_only=True)
class TrialAccounts(Answer):
    """The accounts behind a number of the trial report."""

    as_of: AsOfField
    about: AboutField
    rows: Annotated[tuple[TrialAccount, ...], Table(N_("Accounts"), is_list=True)]
    total: TotalField
    chosen: Annotated[tuple[Said, ...], Hidden()] = ()
    given: Annotated[Mapping[str, object], Hidden()] = field(default_factory=dict)

    def title(self) -> Said:
        found = Said(self.about)
        for one in self.chosen:
            found = Said(N_("%(who)s, %(which)s"), {"who": found, "which": one})
        return found

    def beside(self) -> tuple[Beside, ...]:
        part, feature = str(self.given.get("part")), self.given.get("feature")
        used = feature or self.given.get("without")
        if used and part in ("converted", "not_converted"):
            return tuple(
                Beside(
                    Said(text, {"who": Said(PARTS[one]), "feature": (used, Kind.TEXT)}),
                    {"part": one, **own},
                )
                for one in ("converted", "not_converted")
                for text, own in (
                    (N_("%(who)s, that used %(feature)s"), {"feature": used, "without": None}),
                    (N_("%(who)s, that did not use %(feature)s"),
                     {"feature": None, "without": used}),
                )
                if one != part or own["feature"] != feature
            )
        others = {"converted": "mature", "left": "converted", "stayed": "converted"}
        is_whole = "within" not in self.given and "on_day" not in self.given
        if part not in others or "on_day" in self.given or (part == "converted" and not is_whole):
            return ()
        one = others[part]
        return (Beside(Said(PARTS[one]), {"part": one, "end_class": None}),)

    def stands_at(self) -> str:
        found = (("feature", "used"), ("without", "used"), ("within", "left"),
                 ("on_day", "times"), ("card", "cards"))
        return next((panel for name, panel in found if name in self.given), "")


@insight("trials accounts", comes_from="/trials#cohorts")
def accounts(
    company: Reader, *,
    part: Annotated[str, Param(N_("Which of its numbers."), choices=tuple(PARTS))] = "started",
    cohort: Annotated[
        str | None, Param(N_("The month of the trial's start, such as 2024-05."), metavar="P")
    ] = None,
    card: Annotated[str | None, Param(N_("Trials of this kind."), choices=CARDS)] = None,
    feature: Annotated[
        str | None,
        Param(N_("With used, converted, not_converted: used during the trial."),
              metavar="FEATURE"),
    ] = None,
    without: Annotated[
        str | None,
        Param(N_("With converted, not_converted: a feature that they did not use."),
              metavar="FEATURE"),
    ] = None,
    within: Annotated[
        int | None,
        Param(N_("With left: those followed for so many months from the first paid day that left "
                 "within them; with converted, stayed: those followed for so many."), least=1,
              most=60),
    ] = None,
    on_day: Annotated[
        int | None, Param(N_("Those that paid so many days after the trial's start."), least=0)
    ] = None,
    end_class: EndClass = None, where: Where = "", as_of: AsOfText = None,
) -> TrialAccounts:
    """Which accounts are behind a number of the trial report?"""
    _check(part, feature, without, within, end_class)
    asked = question_on_day(company, (), where, as_of, relation="trials")
    month = align(cohort, "month", is_last=False) if cohort else None
    sql = trial_facts.accounts_statement(
        asked, part, cohort=str(month.start) if month else "", card=card or "",
        feature_sql=listed([feature]) if feature is not None else "",
        without_sql=listed([without]) if without is not None else "", within=within,
        end_class=end_class or "",
    )
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    rows = tuple(
        TrialAccount(account, start, end, kind, bool(mature), bool(converted), *rest)
        for account, start, end, kind, mature, converted, *rest in answer
    )
    if on_day is not None:
        rows = tuple(row for row in rows if row.days_to_pay == on_day)
    told: tuple[tuple[str, dict[str, str | Value | Said]] | None, ...] = (
        (N_("trial started in %(month)s"), {"month": (month.start, Kind.MONTH)})
        if month else None,
        (CARD_LABELS[card], {}) if card else None,
        (N_("that used %(feature)s"), {"feature": (feature, Kind.TEXT)}) if feature else None,
        (N_("that did not use %(feature)s"), {"feature": (without, Kind.TEXT)})
        if without else None,
        (CLASS_NAMES[end_class], {}) if end_class else None,
        (N_("within %(count)s months"), {"count": (within, Unit.COUNT)}) if within else None,
        (N_("paid on day %(day)s"), {"day": (on_day, Unit.COUNT)}) if on_day is not None else None,
    )
    return TrialAccounts(
        as_of=asked.as_of.at.isoformat(), about=PARTS[part], rows=rows,
        total={"accounts": len(rows)}, chosen=tuple(Said(*one) for one in told if one), sql=sql,
        given={name: value for name, value in (
            ("part", part), ("feature", feature), ("without", without), ("within", within),
            ("on_day", on_day), ("card", card),
        ) if value is not None},
    )


def _check(
    part: str, feature: str | None, without: str | None, within: int | None,
    end_class: str | None,
) -> None:
    if (part == "used") != (feature is not None) and part not in ("converted", "not_converted"):
        raise UsageError(
            "The part 'used' is that of one feature.",
            hint="Name it, or choose converted or not_converted with it.",
        )
    if within is not None and part not in ("left", "stayed", "converted"):
        raise UsageError(
            "A number of months is asked of the parts left, stayed and converted.",
            hint="Choose the part left, with a number of months.",
        )
    if without is not None and (part not in ("converted", "not_converted") or feature is not None):
        raise UsageError(
            "Who did not use a feature is asked of the parts converted and not_converted.",
            hint="Choose one of them, and one feature.",
        )
    if end_class is not None and part != "left":
        raise UsageError("A churn type is that of the part left.", hint="Choose the part left.")

"""What a reconciliation says: two values, and what makes the difference."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.metrics.base import Unit

INTERACTION = "interaction"
"""The row of what rules do together and none of them does alone."""

Account = str | None


@dataclass(frozen=True)
class Difference(AccountRow):
    """What one rule changes for one account, theirs less ours; of a ratio in its two parts too."""

    account_id: Annotated[
        Account,
        col(N_("Account"), Kind.ACCOUNT, N_("Empty for what belongs to no account, such as costs."),
            named_by={"": N_("(no account)")}),
    ]
    rule: Annotated[str, col(N_("Rule"))]
    difference: Annotated[
        Fraction | None,
        col(N_("Difference"), Unit.RATIO, N_("Empty where one of the two values is."),
            shown_as="changed"),
    ]
    numerator: Annotated[
        Fraction | None,
        col(N_("Numerator"), Unit.RATIO, N_("Of a ratio: what it changes above."),
            is_omitted=True),
    ] = None
    denominator: Annotated[
        Fraction | None,
        col(N_("Denominator"), Unit.RATIO, N_("Of a ratio: what it changes below."),
            is_omitted=True),
    ] = None
    unit: Annotated[Unit, Hidden()] = Unit.COUNT

    @property
    def changed(self) -> Said:
        """The difference in the metric's unit."""
        return valued(self.difference, self.unit)


@dataclass(frozen=True)
class Step(Row):
    """What one rule changes over all accounts, with both definitions in words."""

    rule: Annotated[str, col(N_("Rule"))]
    ours: Annotated[str, col(N_("Ours"))]
    theirs: Annotated[str, col(N_("Theirs"))]
    difference: Annotated[Fraction | None, col(N_("Difference"), Unit.RATIO, shown_as="changed")]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    unit: Annotated[Unit, Hidden()] = Unit.COUNT

    @property
    def changed(self) -> Said:
        """The difference in the metric's unit."""
        return valued(self.difference, self.unit)


@dataclass(frozen=True)
class NotImitated(Row):
    """A rule of the other tool for which there is no switch."""

    rule: Annotated[str, Key()]
    source: Annotated[str, Key(N_("Where the other tool states it."))]
    difference: Annotated[float | None, Key(N_("Never known."))] = None


@dataclass(frozen=True, kw_only=True)
class Reconciliation(Answer):
    """Two values of one metric and period, and every difference between them.

    The rows sum to the gap exactly, and so do the rules, in the order in which they were switched.
    """

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key()]
    period: Annotated[str, Key(N_("Its first day."))]
    against: Annotated[str, Key(N_("The profile of the other tool."))]
    ours: Annotated[Fraction | None, col(N_("Ours"), Unit.RATIO, shown_as="our_value")]
    theirs: Annotated[Fraction | None, col(N_("Theirs"), Unit.RATIO, shown_as="their_value")]
    gap: Annotated[
        Fraction | None, col(N_("Gap"), Unit.RATIO, N_("Theirs less ours."), shown_as="apart")
    ]
    why: WhyField = None
    rules: Annotated[tuple[Step, ...], Table(N_("By rule"))]
    rows: Annotated[
        tuple[Difference, ...],
        Table(N_("By account"), N_("One for each rule and account that it changes."),
              is_list=True),
    ]
    not_imitated: Annotated[tuple[NotImitated, ...], Key()]
    unit: Annotated[Unit, Hidden()]
    is_ratio: Annotated[bool, Hidden()] = False
    profile: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        text = N_("%(metric)s %(period)s against %(against)s, as of %(as_of)s, %(currency)s")
        return Said(text, {
            "metric": (self.metric, Kind.TEXT), "period": (self.period, Kind.DAY),
            "against": (self.against, Kind.TEXT), "as_of": (self.as_of, Kind.TEXT),
            "currency": (self.currency, Kind.TEXT),
        })

    @property
    def our_value(self) -> Said:
        """Ours, with the profile in force."""
        return Said("%(value)s (%(profile)s)", {
            "value": (self.ours, self.unit), "profile": (self.profile, Kind.TEXT),
        })

    @property
    def their_value(self) -> Said:
        """Theirs, with their profile."""
        return Said("%(value)s (%(profile)s)", {
            "value": (self.theirs, self.unit), "profile": (self.against, Kind.TEXT),
        })

    @property
    def apart(self) -> Said:
        """The gap in the metric's unit."""
        return valued(self.gap, self.unit)

    def said(self) -> tuple[Said, ...]:
        return tuple(
            Said(N_("Not imitated: %(rule)s. %(source)s"), {
                "rule": Said(one.rule), "source": Said(one.source),
            })
            for one in self.not_imitated
        )


def valued(value: Fraction | float | None, unit: Unit) -> Said:
    """A value in its unit, as a cell."""
    return Said("%(value)s", {"value": (value, unit)})

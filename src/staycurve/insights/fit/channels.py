"""Channels and referrals of the profile: where customers who match it come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.fit.asked import AgeMonths, BestName, Studied, matching, rule_text, studied
from staycurve.insights.fit.profile import rules_of
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.base import Unit

CHANNEL = "channel"
MATCHED = Opens(
    "fit accounts", {"best": "best", "months": "months", "as_of": "as_of", "rule": "condition"},
    given={"half": "all"},
)

NO_RULE = N_("no rule of the profile is statistically significant: there is no profile to bring")
NO_CHANNEL = N_("accounts carry no channel")
OF_CHANNEL = N_("The rule names the channel itself: that part of it is left out here.")


@dataclass(frozen=True, kw_only=True)
class Brought(Row):
    """What one channel brought."""

    channel: Annotated[str, col(N_("Channel"))]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("Mature ones."))]
    matching: Annotated[
        int, col(N_("Of the profile"), Unit.COUNT, N_("Which match its first significant rule."),
                 opens=MATCHED)
    ]
    share: Annotated[
        float | None, col(N_("Share of the profile"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    best: Annotated[float | None, col(N_("Among the best"), Unit.PERCENT)]
    condition: Annotated[str, Key(N_("Channel and rule, as fit accounts takes them."))]


@dataclass(frozen=True, kw_only=True)
class Referring(Row):
    """How many others customers brought."""

    who: Annotated[str, col(N_("Customers"), Kind.NAME, named_by={
        "profile": N_("Of the profile"), "others": N_("Others")})]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    referring: Annotated[
        int, col(N_("Which referred somebody"), Unit.COUNT, N_("Who came to be a mature account."))
    ]
    share: Annotated[float | None, col(N_("Share"), Unit.PERCENT, ends=("low", "high"))]
    low: LowField
    high: HighField
    referred: Annotated[int, col(N_("Accounts referred"), Unit.COUNT)]
    referred_in_profile: Annotated[
        int, col(N_("Of those, of the profile"), Unit.COUNT)
    ]


@dataclass(frozen=True, kw_only=True)
class Channels(Answer):
    """Where customers of the profile come from, and whom they bring."""

    as_of: AsOfField
    best: Annotated[str, Key(N_("The value by which the best were chosen."))]
    months: Annotated[int, Key(N_("Months after the first payment at which each was judged."))]
    rule: Annotated[str | None, Key(N_("The first significant rule."))]
    rows: Annotated[tuple[Brought, ...], Table(N_("Channels"))]
    referrals: Annotated[tuple[Referring, ...], Table(N_("Referrals"))]
    why: WhyField = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "rule": (self.rule, Kind.TEXT), "as_of": self.as_of,
        }
        if self.rule is None:
            return Said(N_("Channels of the profile, as of %(as_of)s"), values)
        return Said(N_("Channels that bring %(rule)s, as of %(as_of)s"), values)


@insight("fit channels", comes_from="/profile#channels")
def channels(
    company: Reader, *, best: BestName = "ltv", months: AgeMonths = None, as_of: AsOfText = None,
) -> Channels:
    """Which channels bring customers of the profile, and do those bring others?

    Customers of the profile match its first rule that is significant in the holdout.
    """
    seen = company.as_of(as_of)
    study = studied(company, seen, best, months)
    first = next(
        (found for found, row in zip(study.rules, rules_of(study), strict=True)
         if row.is_significant), None,
    ) if not study.chosen.why else None
    conditions = [] if first is None else [
        one for one in first.conditions if one[0] != CHANNEL
    ]
    told: dict[str, Any] = {
        "as_of": seen.at.isoformat(), "best": best, "months": study.mature.age,
        "rule": rule_text(conditions) if conditions else None, "sql": study.mature.sql,
    }
    if not conditions:
        return Channels(**told, rows=(), referrals=(), why=study.chosen.why or NO_RULE)
    matches = matching(study, conditions)
    rows = _brought(study, matches, conditions)
    left_out = first is not None and len(conditions) < len(first.conditions)
    return Channels(
        **told, rows=rows, referrals=_referring(study, matches),
        why=None if rows else NO_CHANNEL, notes=(OF_CHANNEL,) if left_out else (),
    )


def _brought(
    study: Studied, matches: Sequence[bool], conditions: Sequence[tuple[str, str]]
) -> tuple[Brought, ...]:
    values = study.traits.get(CHANNEL, ())
    rows = []
    for channel in sorted({one for one in values if one}):
        own = [place for place, value in enumerate(values) if value == channel]
        hits = sum(matches[place] for place in own)
        found = share(hits, len(own))
        rows.append(Brought(
            channel=channel, accounts=len(own), matching=hits, share=found.value, low=found.low,
            high=found.high, best=sum(study.chosen.is_best[place] for place in own) / len(own),
            condition=rule_text([(CHANNEL, channel), *conditions]),
        ))
    return tuple(sorted(rows, key=lambda row: (-(row.share or 0), row.channel)))


def _referring(study: Studied, matches: Sequence[bool]) -> tuple[Referring, ...]:
    customers = study.chosen.customers
    is_in = {one.account_id: hit for one, hit in zip(customers, matches, strict=True)}
    brought: dict[str, list[str]] = {}
    for one in customers:
        if one.referred_by in is_in:
            brought.setdefault(one.referred_by, []).append(one.account_id)
    if not brought:
        return ()
    rows = []
    for who, wanted in (("profile", True), ("others", False)):
        own = [account for account, hit in is_in.items() if hit is wanted]
        referring = [account for account in own if account in brought]
        found = share(len(referring), len(own))
        others = [other for account in referring for other in brought[account]]
        rows.append(Referring(
            who=who, accounts=len(own), referring=len(referring), share=found.value,
            low=found.low, high=found.high, referred=len(others),
            referred_in_profile=sum(is_in[other] for other in others),
        ))
    return tuple(rows)

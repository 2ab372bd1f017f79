"""The profile of the best customers, its opposite, and what is lost by selling to it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    CurrencyField,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    SignificantField,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.fit.asked import (
    AgeMonths,
    BestName,
    Studied,
    matching,
    rule_text,
    studied,
)
from staycurve.insights.fit.contrast import ALPHA, Contrast
from staycurve.insights.fit.mature import BEHAVIOUR, TODAY
from staycurve.insights.fit.rules import Found
from staycurve.insights.fit.worth import BESTS
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import adjusted, larger_by_chance, share
from staycurve.metrics.base import Unit
from staycurve.period import AsOf

_ASKED = {"best": "best", "months": "months", "is_reversed": "is_reversed"}
HAVING = Opens("fit accounts", {**_ASKED, "rule": "condition"})
MATCHING = Opens("fit accounts", {**_ASKED, "rule": "rule"})

SKIPPED = N_("Attributes with more than 30 values are no traits: {names}.")
NO_CAUSE = N_("A trait of the best customers need not be why they are: it says where to look.")


@dataclass(frozen=True, kw_only=True)
class Trait(Row):
    """One value of a trait among the best accounts and among the rest."""

    trait: Annotated[str, col(N_("Trait"), Kind.NAME)]
    value: Annotated[str, col(N_("Value"))]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT, N_("With this value, in the half that was looked at."),
            opens=HAVING),
    ]
    share_best: Annotated[
        float | None, col(N_("Of the best"), Unit.PERCENT, N_("Share of them that has it."))
    ]
    share_rest: Annotated[
        float | None, col(N_("Of the rest"), Unit.PERCENT, N_("Share of them that has it."))
    ]
    lift: Annotated[
        float | None,
        col(N_("Lift"), Unit.RATIO, N_("Share of the best / share of the rest. Where none of "
            "the rest has it, half an account is added."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("Fisher's exact test, with the Holm correction over all "
            "values of all traits.")),
    ]
    holdout_lift: Annotated[
        float | None,
        col(N_("Holdout lift"), Unit.RATIO, N_("In the half that was not looked at.")),
    ]
    is_significant: Annotated[
        bool,
        col(N_("Statistically significant"), Kind.FLAG,
            N_("p at most 0.05, and the holdout points the same way.")),
    ]
    condition: Annotated[str, Key(N_("The value as a rule of one trait."))]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Rule(Row):
    """At most three traits together."""

    rule: Annotated[str, col(N_("Rule"))]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT, N_("That match, in the half that was looked at."),
            opens=MATCHING),
    ]
    share_best: Annotated[
        float | None, col(N_("Of the best"), Unit.PERCENT, N_("Share of them that matches."))
    ]
    share_rest: Annotated[
        float | None, col(N_("Of the rest"), Unit.PERCENT, N_("Share of them that matches."))
    ]
    best_rate: Annotated[
        float | None,
        col(N_("Best among them"), Unit.PERCENT, N_("Share of matching accounts that is best, in "
            "the holdout."), ends=("best_rate_low", "best_rate_high")),
    ]
    best_rate_low: LowField
    best_rate_high: HighField
    lift: Annotated[
        float | None,
        col(N_("Lift"), Unit.RATIO, N_("Share of the best / share of the rest. The search chose "
            "the rule for it: believe the holdout's.")),
    ]
    stability: Annotated[
        float,
        col(N_("Stability"), Unit.PERCENT, N_("Share of 50 bootstrap samples in which the search "
            "finds the rule, or one that matches 80% of the same accounts.")),
    ]
    holdout_lift: Annotated[
        float | None,
        col(N_("Holdout lift"), Unit.RATIO, N_("In the half that was not looked at."),
            ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("In the holdout alone: Fisher's exact test, one-sided, with "
            "the Holm correction over the rules.")),
    ]
    is_significant: SignificantField
    value: Annotated[
        float | None,
        col(N_("Mean value"), Unit.RATIO, N_("Of matching accounts of both halves, in the unit of "
            "the value that was asked for.")),
    ]


@dataclass(frozen=True, kw_only=True)
class Alone(Row):
    """What selling to accounts that match the first significant rule alone would have kept and
    lost."""

    rule: Annotated[str, col(N_("Rule"))]
    accounts: Annotated[int, col(N_("Accounts kept"), Unit.COUNT)]
    lost_accounts: Annotated[int, col(N_("Accounts lost"), Unit.COUNT)]
    lost_best: Annotated[int, col(N_("Best ones lost"), Unit.COUNT)]
    lost_mrr: Annotated[
        float, col(N_("MRR lost"), Unit.MONEY, N_("What the lost accounts pay now."))
    ]
    lost_share: Annotated[
        float | None,
        col(N_("Share of MRR lost"), Unit.PERCENT, N_("Of the MRR of all mature accounts.")),
    ]


@dataclass(frozen=True, kw_only=True)
class Profile(Answer):
    """What the best (or worst) mature accounts have that others have not."""

    as_of: AsOfField
    currency: CurrencyField
    best: Annotated[str, Key(N_("The value by which the best were chosen."))]
    is_reversed: Annotated[bool, Key(N_("Whether the worst are described."))]
    months: Annotated[int, Key(N_("Months after the first payment at which each was judged."))]
    accounts: Annotated[int, Key(N_("Mature accounts with a known value."))]
    best_accounts: Annotated[int, Key(N_("The best (or worst) of them."))]
    cutoff: Annotated[float | None, Key(N_("The least value of the best."))]
    young: Annotated[int, Key(N_("Accounts that are not old enough."))]
    held_out: Annotated[int, Key(N_("Accounts of the half that was not looked at."))]
    alpha: AlphaField
    traits: Annotated[tuple[Trait, ...], Table(N_("Traits"), is_main=True)]
    rules: Annotated[
        tuple[Rule, ...], Table(N_("Rules"), N_("Traits together; ones that say the same are left "
                                               "out."))
    ]
    alone: Annotated[
        tuple[Alone, ...], Table(N_("Selling to the profile alone"))
    ] = ()
    why: WhyField = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "value": Said(BESTS[self.best]), "as_of": self.as_of,
        }
        if self.is_reversed:
            return Said(N_("The least valuable accounts by %(value)s, as of %(as_of)s"), values)
        return Said(N_("The best accounts by %(value)s, as of %(as_of)s"), values)

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        counts: dict[str, str | Value | Said] = {
            "best": (self.best_accounts, Unit.COUNT), "all": (self.accounts, Unit.COUNT),
            "months": (self.months, Unit.COUNT), "young": (self.young, Unit.COUNT),
            "held": (self.held_out, Unit.COUNT), "as_of": self.as_of,
        }
        found = [Said(N_(
            "%(best)s of %(all)s accounts, each judged %(months)s months after its first payment "
            "(%(young)s are younger); %(held)s of them were held out. Computed as of %(as_of)s."
        ), counts)]
        named = [row for row in self.traits if row.is_significant]
        found += [
            Said(
                N_("%(trait)s %(value)s: %(best)s of them, %(rest)s of the others."),
                {"trait": (row.trait, Kind.NAME), "value": (row.value, Kind.TEXT),
                 "best": (row.share_best, Unit.PERCENT), "rest": (row.share_rest, Unit.PERCENT)},
            )
            for row in named if (row.share_best or 0) > (row.share_rest or 0)
        ]
        if not named:
            found.append(Said(N_("No trait differs significantly.")))
        return tuple(found)


@insight("fit profile", comes_from="/profile#traits")
def profile(
    company: Reader, *, best: BestName = "ltv", months: AgeMonths = None, as_of: AsOfText = None,
) -> Profile:
    """What do the best customers have in common that others have not?

    The best quarter by a stated value: projected lifetime value, NRR, NPS, months paid, or a mix.
    Accounts are judged at the same age. Traits are tested on one half of them, with a correction
    for many tests, and shown again on the other half.
    """
    seen = company.as_of(as_of)
    return _profile(company, seen, studied(company, seen, best, months), best)


@insight("fit anti", comes_from="/profile#anti")
def anti(
    company: Reader, *, best: BestName = "ltv", months: AgeMonths = None, as_of: AsOfText = None,
) -> Profile:
    """What do the least valuable customers have in common that others have not?

    The anti-profile: the lowest quarter by the same value, read in the same way.
    """
    seen = company.as_of(as_of)
    return _profile(
        company, seen, studied(company, seen, best, months, is_reversed=True), best,
        is_reversed=True,
    )


def _profile(
    company: Reader, seen: AsOf, study: Studied, best: str, *, is_reversed: bool = False
) -> Profile:
    rules = rules_of(study)
    mature = study.mature
    notes: list[str] = [] if study.chosen.why else [NO_CAUSE]
    if company.attributes():
        notes.append(TODAY)
    if mature.has_events:
        notes.append(BEHAVIOUR)
    if mature.skipped:
        notes.append(SKIPPED.format(names=", ".join(mature.skipped)))
    return Profile(
        as_of=seen.at.isoformat(),
        currency=company.config.company.currency,
        best=best,
        is_reversed=is_reversed,
        months=mature.age,
        accounts=len(study.chosen.customers),
        best_accounts=sum(study.chosen.is_best),
        cutoff=study.chosen.cutoff,
        young=mature.young,
        held_out=sum(study.held_out),
        alpha=ALPHA,
        traits=tuple(trait_row(one) for one in study.contrasts),
        rules=rules,
        alone=() if is_reversed else _alone(study, rules),
        why=study.chosen.why,
        notes=tuple(notes),
        sql=mature.sql,
    )


def trait_row(one: Contrast) -> Trait:
    """A contrast as answers have it."""
    low, high = one.seen.interval()
    return Trait(
        trait=one.trait, value=one.value, accounts=one.seen.accounts,
        share_best=one.seen.share_best, share_rest=one.seen.share_rest, lift=one.seen.lift,
        low=low, high=high, p_value=one.p_value, holdout_lift=one.held_out.lift,
        is_significant=one.is_significant, condition=rule_text([(one.trait, one.value)]),
        why=one.why,
    )


def rules_of(study: Studied) -> tuple[Rule, ...]:
    """Every rule with what the holdout says of it."""
    measured = [(one, matching(study, one.conditions)) for one in study.rules]
    sides = [study.side(matches, is_held_out=True) for _one, matches in measured]
    chances = adjusted([
        larger_by_chance(share(one.with_best, one.best), share(one.with_rest, one.rest))
        for one in sides
    ])
    return tuple(
        _rule(study, one, matches, chance)
        for (one, matches), chance in zip(measured, chances, strict=True)
    )


def _rule(study: Studied, found: Found, matches: Sequence[bool], chance: float) -> Rule:
    own = study.side(matches, is_held_out=False)
    held = study.side(matches, is_held_out=True)
    rate = share(held.with_best, held.accounts)
    low, high = held.interval()
    values = [value for value, hit in zip(study.chosen.values, matches, strict=True) if hit]
    given: dict[str, Any] = {
        "rule": rule_text(found.conditions), "accounts": own.accounts,
        "share_best": own.share_best, "share_rest": own.share_rest, "lift": own.lift,
    }
    return Rule(
        **given, best_rate=rate.value, best_rate_low=rate.low, best_rate_high=rate.high,
        stability=found.stability, holdout_lift=held.lift, low=low, high=high, p_value=chance,
        is_significant=chance <= ALPHA, value=sum(values) / len(values) if values else None,
    )


def _alone(study: Studied, rules: Sequence[Rule]) -> tuple[Alone, ...]:
    first = next((place for place, row in enumerate(rules) if row.is_significant), None)
    if first is None:
        return ()
    kept = matching(study, study.rules[first].conditions)
    lost = [
        (one, best) for one, best, own in zip(
            study.chosen.customers, study.chosen.is_best, kept, strict=True
        ) if not own
    ]
    whole = sum(one.mrr_now for one in study.chosen.customers)
    mrr = sum(one.mrr_now for one, _best in lost)
    return (Alone(
        rule=rules[first].rule, accounts=sum(kept), lost_accounts=len(lost),
        lost_best=sum(best for _one, best in lost), lost_mrr=mrr,
        lost_share=mrr / whole if whole else None,
    ),)

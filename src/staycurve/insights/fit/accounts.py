"""The mature accounts behind a profile: those of a trait, of a rule, or all."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Kind,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.fit.asked import AgeMonths, BestName, Studied, matching, studied
from staycurve.insights.fit.worth import BESTS
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

HALVES = {"seen": N_("looked at"), "holdout": N_("held out"), "all": N_("both halves")}


@dataclass(frozen=True, kw_only=True)
class MatureAccount(AccountRow):
    """One mature account and its value."""

    account_id: AccountField
    first_paid_on: Annotated[dt.date, col(N_("First paid"), Kind.DAY)]
    value: Annotated[float, col(N_("Value"), Unit.RATIO, N_("By which the best are chosen."))]
    is_best: Annotated[bool, col(N_("Among the best"), Kind.FLAG)]
    is_held_out: Annotated[bool, col(N_("Held out"), Kind.FLAG)]
    mrr: Annotated[float, col(N_("MRR now"), Unit.MONEY, is_summed=True)]


@dataclass(frozen=True, kw_only=True)
class MatureAccounts(Answer):
    """Mature accounts, the most valuable first."""

    as_of: AsOfField
    currency: CurrencyField
    rows: Annotated[tuple[MatureAccount, ...], Table(N_("Accounts"), is_list=True)]
    why: WhyField = None
    rule: Annotated[str, Hidden()] = ""
    best: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "rule": (self.rule, Kind.TEXT), "as_of": self.as_of, "value": Said(BESTS[self.best]),
        }
        if self.rule:
            return Said(N_("Accounts with %(rule)s by %(value)s, as of %(as_of)s"), values)
        return Said(N_("Mature accounts by %(value)s, as of %(as_of)s"), values)


@insight("fit accounts", comes_from="/profile#rules")
def accounts(
    company: Reader, *,
    rule: Annotated[
        str,
        Param(N_("Traits that accounts have, such as 'industry=Software & plan=Team'; all without "
                 "it."), metavar="RULE", has_commas=True),
    ] = "",
    half: Annotated[
        str, Param(N_("Which half: looked at, held out, or both."), choices=tuple(HALVES))
    ] = "seen",
    best: BestName = "ltv", months: AgeMonths = None,
    is_reversed: Annotated[bool, Param(N_("Flag the worst in place of the best."))] = False,
    as_of: AsOfText = None,
) -> MatureAccounts:
    """Which mature accounts have these traits, and which of them are among the best?"""
    seen = company.as_of(as_of)
    study = studied(company, seen, best, months, is_reversed=is_reversed)
    matches = matching(study, conditions_of(study, rule))
    chosen = study.chosen
    rows = [
        MatureAccount(
            account_id=one.account_id, first_paid_on=one.first_paid_on, value=value,
            is_best=flag, is_held_out=held, mrr=one.mrr_now,
        )
        for one, value, flag, held, hit in zip(
            chosen.customers, chosen.values, chosen.is_best, study.held_out, matches, strict=True
        )
        if hit and half in ("all", "holdout" if held else "seen")
    ]
    return MatureAccounts(
        as_of=seen.at.isoformat(), currency=company.config.company.currency,
        rows=tuple(sorted(rows, key=lambda row: (-row.value, row.account_id))),
        why=chosen.why if not rows else None, rule=rule, best=best, sql=study.mature.sql,
    )


def conditions_of(study: Studied, rule: str) -> list[tuple[str, str]]:
    """The traits of a rule as it is written.

    Raises
    ------
    UsageError
        If a part is no trait, or no value of it, that any mature account has.
    """
    found = []
    known = {
        f"{trait}={value}": (trait, value)
        for trait, values in study.traits.items() for value in {one for one in values if one}
    }
    for part in (piece.strip() for piece in rule.split(" & ") if piece.strip()):
        if part not in known:
            trait = part.partition("=")[0]
            values = sorted(text for text in known if text.startswith(f"{trait}="))
            traits = ", ".join(sorted(study.traits)) or "none"
            raise UsageError(
                f"'{part}' is no trait of a mature account.",
                hint=f"Known: {', '.join(values[:12]) or traits}", parameter="rule",
            )
        found.append(known[part])
    return found

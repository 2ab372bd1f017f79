"""A brief for marketing: the profile in sentences, each with the evidence that it rests on.

Nothing is in it that was not tested: traits that are significant in the half that was looked at and
point the same way in the other, the opposite's likewise, and words that the best customers wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

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
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.fit.asked import AgeMonths, BestName, Studied, rule_text, studied
from staycurve.insights.fit.contrast import Contrast
from staycurve.insights.fit.profile import NO_CAUSE
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.voice.people import Unmasked, masked, masker
from staycurve.metrics.base import Unit

QUOTES = 5
"""Quotes that a brief shows: more are read by nobody."""
LONGEST = 240
"""Letters of a quote."""
ANSWER = "answer: "

PARTS = {
    "who": N_("Who they are"), "found": N_("How they found us"), "bought": N_("What they bought"),
    "began": N_("How they began"), "said": N_("What they answered"), "not": N_("Who they are not"),
    "words": N_("In their words"),
}
_PART_OF = {
    "channel": "found", "was_referred": "found", "plan": "bought", "product": "bought",
    "interval": "bought",
}
EVIDENCE = Opens(
    "fit accounts", {"best": "best", "months": "months", "as_of": "as_of", "rule": "condition",
                     "is_reversed": "is_reversed"},
    given={"half": "all"},
)
NOTHING = N_("no trait differs significantly between the best customers and the rest: any text "
             "would be made up")


@dataclass(frozen=True, kw_only=True)
class Clause(Row):
    """One sentence and what it rests on."""

    part: Annotated[str, col(N_("Part"), Kind.NAME, named_by=PARTS)]
    clause: Annotated[str, col(N_("Clause"), opens=EVIDENCE)]
    share_best: Annotated[float | None, col(N_("Of them"), Unit.PERCENT, why="")]
    share_rest: Annotated[float | None, col(N_("Of the others"), Unit.PERCENT, why="")]
    lift: Annotated[float | None, col(N_("Lift"), Unit.RATIO, why="")]
    holdout_lift: Annotated[
        float | None,
        col(N_("Holdout lift"), Unit.RATIO, N_("In the half that was not looked at."), why=""),
    ]
    p_value: Annotated[float | None, col(N_("p"), Kind.CHANCE, why="")]
    condition: Annotated[str, Key(N_("The accounts behind it, as fit accounts takes them."))]
    is_reversed: Annotated[bool, Key(N_("Whether it is of the least valuable."))] = False


@dataclass(frozen=True, kw_only=True)
class Quoted(Row):
    """What one of the best customers wrote."""

    account_id: Annotated[str, col(N_("Account"), Kind.ACCOUNT)]
    text: Annotated[str, col(N_("Words"), Kind.TEXT, N_("Personal data is masked."))]


@dataclass(frozen=True, kw_only=True)
class Brief(Answer):
    """The profile in sentences."""

    as_of: AsOfField
    best: Annotated[str, Key(N_("The value by which the best were chosen."))]
    months: Annotated[int, Key(N_("Months after the first payment at which each was judged."))]
    best_accounts: Annotated[int, Key(N_("Accounts among the best."))]
    text: Annotated[str, Key(N_("The clauses in one paragraph, to copy."))]
    rows: Annotated[tuple[Clause, ...], Table(N_("Clauses"))]
    quotes: Annotated[tuple[Quoted, ...], Table(N_("In their words"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Brief, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        values: dict[str, str | Value | Said] = {"text": (self.text, Kind.TEXT)}
        return (Said(N_("%(text)s"), values),)


@insight("fit brief", comes_from="/profile#brief")
def brief(
    company: Reader, *, best: BestName = "ltv", months: AgeMonths = None,
    unmasked: Unmasked = False, as_of: AsOfText = None,
) -> Brief:
    """What can marketing say of the ideal customer, and what does each sentence rest on?"""
    seen = company.as_of(as_of)
    study = studied(company, seen, best, months)
    worst = studied(company, seen, best, months, is_reversed=True)
    named = [one for one in study.contrasts if one.is_significant and _is_more(one)]
    against = [one for one in worst.contrasts if one.is_significant and _is_more(one)]
    rows = [
        *(_clause(one, _part_of(one.trait)) for one in named),
        *(_clause(one, "not", is_reversed=True) for one in against),
    ]
    order = list(PARTS)
    rows.sort(key=lambda row: order.index(row.part))
    with company.seeing(seen) as engine:
        hides = masker(engine, is_unmasked=unmasked)
    quotes = tuple(
        Quoted(account_id=account, text=masked(text[:LONGEST], hides) or "")
        for account, text in _typical(study)
    )
    return Brief(
        as_of=seen.at.isoformat(), best=best, months=study.mature.age,
        best_accounts=sum(study.chosen.is_best), text=_paragraph(rows), rows=tuple(rows),
        quotes=quotes if named else (), why=study.chosen.why or (None if named else NOTHING),
        notes=(NO_CAUSE,) if named else (), sql=study.mature.sql,
    )


def _is_more(one: Contrast) -> bool:
    return (one.seen.share_best or 0) > (one.seen.share_rest or 0)


def _part_of(trait: str) -> str:
    if trait.startswith(ANSWER):
        return "said"
    return "began" if trait.startswith("first_month") else _PART_OF.get(trait, "who")


def _clause(one: Contrast, part: str, *, is_reversed: bool = False) -> Clause:
    trait = one.trait.removeprefix(ANSWER).replace("_", " ").replace(":", " ")
    return Clause(
        part=part, clause=f"{trait}: {one.value}", share_best=one.seen.share_best,
        share_rest=one.seen.share_rest, lift=one.seen.lift, holdout_lift=one.held_out.lift,
        p_value=one.p_value, condition=rule_text([(one.trait, one.value)]),
        is_reversed=is_reversed,
    )


def _paragraph(rows: Sequence[Clause]) -> str:
    """One sentence a part: 'Who they are: industry: Software (62% against 31%), …'."""
    sentences = []
    for part, label in PARTS.items():
        own = [
            f"{row.clause} ({row.share_best or 0:.0%} against {row.share_rest or 0:.0%})"
            for row in rows if row.part == part
        ]
        if own:
            sentences.append(f"{label}: {'; '.join(own)}.")
    return " ".join(sentences)


def _typical(study: Studied) -> list[tuple[str, str]]:
    """(account_id, words) of the best customers: those whose words most others use as well, one an
    account, and each text once."""
    texts = [
        (one.account_id, text.strip())
        for one, best in zip(study.chosen.customers, study.chosen.is_best, strict=True) if best
        for text in one.words if len(text.split()) >= 4
    ]
    used = Counter(word for _account, text in texts for word in set(_words(text)))
    scored = sorted(texts, key=lambda pair: (
        -sum(used[word] for word in set(_words(pair[1])) if used[word] > 1)
        / (len(_words(pair[1])) + 5), pair,
    ))
    found: dict[str, str] = {}
    told: set[str] = set()
    for account, text in scored:
        alike = " ".join(_split(text))
        if account not in found and alike not in told:
            found[account] = text
            told.add(alike)
    return list(found.items())[:QUOTES]


def _words(text: str) -> list[str]:
    return [word for word in _split(text) if len(word) > 3]


def _split(text: str) -> Iterable[str]:
    return "".join(sign.lower() if sign.isalnum() else " " for sign in text).split()

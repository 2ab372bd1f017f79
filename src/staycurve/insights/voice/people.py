"""Detractors by what is at stake, and accounts of which several people answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve import personal
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    FromField,
    Key,
    Kind,
    Row,
    Said,
    Table,
    ToField,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.voice.accounts_sql import Standing, standing_of
from staycurve.insights.voice.answers_sql import scored_sql
from staycurve.insights.voice.asked import voice_asked
from staycurve.insights.voice.masking import Masker, masker_of
from staycurve.insights.voice.satisfaction import KindParam
from staycurve.insights.voice.scores import KINDS
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.tables.engine import AnyEngine

NO_DETRACTOR = N_("nobody was unhappy in the range")
NO_SEVERAL = N_("no account had answers of several people in the range")

Unmasked = Annotated[
    bool,
    Param(N_("Show e-mail addresses, phone numbers, names, card and account numbers in what "
             "people wrote.")),
]


def masker(engine: AnyEngine, *, is_unmasked: bool) -> Masker | None:
    """What hides personal data, with the names of all users; None where it is shown.

    It is never shown in a request that may not see it.
    """
    if is_unmasked and personal.is_shown():
        personal.note()
        return None
    names = engine.rows("SELECT DISTINCT name FROM users WHERE name IS NOT NULL ORDER BY name")
    return masker_of(row[0] for row in names)


def masked(text: str | None, by: Masker | None) -> str | None:
    """A text as it may be shown."""
    return text if by is None or not text else by.mask(text)


@dataclass(frozen=True, kw_only=True)
class Detractor(AccountRow):
    """One unhappy answer, and what is at stake."""

    account_id: AccountField
    user_id: Annotated[str | None, col(N_("User"), is_personal=True, stands_in=True)]
    score: Annotated[float, col(N_("Score"), Unit.COUNT)]
    scale_max: Annotated[int | None, Key(N_("The best score."))]
    answered_on: Annotated[dt.date, col(N_("Answered"), Kind.DAY)]
    mrr: Annotated[
        float, col(N_("MRR"), Unit.MONEY, N_("Of the account now; 0 where it has churned."))
    ]
    renews_on: Annotated[dt.date | None, col(N_("Renews"), Kind.DAY)]
    comment: Annotated[str | None, col(N_("Comment"), is_personal=True)]


@dataclass(frozen=True, kw_only=True)
class Detractors(Answer):
    """Unhappy people, the most MRR first."""

    as_of: AsOfField
    currency: CurrencyField
    kind: Annotated[str, Key(N_("Which score."))]
    period_from: FromField
    period_to: ToField
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("With an unhappy answer."))]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, N_("Of these accounts, each once."))]
    rows: Annotated[tuple[Detractor, ...], Table(N_("Detractors"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Unhappy answers: %(kind)s, %(from)s to %(to)s"), {
            "kind": Said(KINDS[self.kind]), "from": (self.period_from, Kind.DAY),
            "to": (self.period_to, Kind.DAY)})


@insight("satisfaction detractors", comes_from="/satisfaction#detractors", needs="answers")
def detractors(
    company: Reader, *, kind: KindParam = "nps", unmasked: Unmasked = False,
    start: From = None, end: To = None, where: Where = "", as_of: AsOfText = None,
) -> Detractors:
    """Who is unhappy, what is at stake, and what did they say?

    Each detractor's last NPS answer of the range, or each CSAT or CES answer that is not content,
    with the account's MRR, owner and next renewal; the most MRR first. Personal data in comments
    is masked.
    """
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end)
    sql = f"""WITH {scored_sql(asked)}
SELECT account_id, user_id, CAST(score AS DOUBLE) AS score,
       CAST(scale_max AS BIGINT) AS scale_max, answered_on, comment, answer_id
FROM scored WHERE kind = '{kind}' AND is_low AND account_id IS NOT NULL
ORDER BY account_id, answered_at, answer_id"""
    with company.seeing(asked.as_of) as engine:
        found = engine.rows(sql)
        standing = standing_of(engine, asked.config, asked.as_of) if found else {}
        hides = masker(engine, is_unmasked=unmasked)
    rows = [
        Detractor(
            account_id=account, user_id=user, score=score, scale_max=scale, answered_on=day,
            mrr=major(own.mrr) if own else 0.0, renews_on=own.renews_on if own else None,
            comment=masked(comment, hides),
        )
        for account, user, score, scale, day, comment, _answer in found
        for own in [standing.get(account)]
    ]
    rows.sort(key=lambda one: (-one.mrr, one.account_id, one.score))
    accounts = {row.account_id for row in rows}
    return Detractors(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, kind=kind,
        period_from=str(asked.first), period_to=str(asked.last), accounts=len(accounts),
        mrr=_mrr(accounts, standing), rows=tuple(rows), why=None if rows else NO_DETRACTOR,
        sql=sql,
    )


def _mrr(accounts: set[str], standing: Mapping[str, Standing]) -> float:
    return major(sum(standing[one].mrr for one in accounts if one in standing))


@dataclass(frozen=True, kw_only=True)
class Person(Row):
    """What one person of an account said last."""

    user_id: Annotated[
        str | None,
        Key(N_("The user; empty where nobody is named."), is_personal=True, stands_in=True),
    ]
    role: Annotated[str | None, Key(N_("Of the user."))]
    is_champion: Annotated[bool | None, Key(N_("Whether the user champions the product."))]
    score: Annotated[float, Key(N_("The score."))]
    answered_on: Annotated[dt.date, Key(N_("When."))]

    def brief(self) -> Said:
        who = self.role or self.user_id or "–"
        return Said(N_("%(who)s: %(score)s"), {
            "who": (who, Kind.TEXT), "score": (self.score, Unit.COUNT)})


@dataclass(frozen=True, kw_only=True)
class OfAccount(AccountRow):
    """One account with the answers of its people, side by side."""

    account_id: AccountField
    people: Annotated[int, col(N_("People"), Unit.COUNT, N_("Who answered."))]
    high: Annotated[int, col(N_("High"), Unit.COUNT, N_("Promoters, or content answers."))]
    low: Annotated[
        int, col(N_("Low"), Unit.COUNT, N_("Detractors, or answers that are not content."))
    ]
    lowest: Annotated[float, col(N_("Lowest"), Unit.COUNT)]
    highest: Annotated[float, col(N_("Highest"), Unit.COUNT)]
    is_divided: Annotated[
        bool, col(N_("Divided"), Kind.FLAG, N_("Whether some are happy and others unhappy."))
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    answers: Annotated[tuple[Person, ...], col(N_("Answers"))]


@dataclass(frozen=True, kw_only=True)
class People(Answer):
    """Accounts of which several people answered; no average of them."""

    as_of: AsOfField
    currency: CurrencyField
    kind: Annotated[str, Key(N_("Which score."))]
    divided: Annotated[
        int, col(N_("Divided"), Unit.COUNT, N_("Accounts with happy and unhappy people."))
    ]
    rows: Annotated[tuple[OfAccount, ...], Table(N_("Accounts"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Accounts with several answers: %(kind)s"),
                    {"kind": Said(KINDS[self.kind])})


@insight("satisfaction people", comes_from="/satisfaction#people", needs="answers")
def people(
    company: Reader, *, kind: KindParam = "nps",
    least: Annotated[int, Param(N_("People of an account at least."), least=1, most=100)] = 2,
    start: From = None, end: To = None, where: Where = "", as_of: AsOfText = None,
) -> People:
    """In which accounts do people differ?

    The last answer of each person in the range, account by account, divided ones first: an average
    would hide the champion that is happy, or the buyer who is not.
    """
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end)
    sql = f"""WITH {scored_sql(asked)}
SELECT account_id, user_id, role, is_champion, score, answered_on, is_high, is_low
FROM (
    SELECT s.account_id, s.user_id, u.role, u.is_champion, CAST(s.score AS DOUBLE) AS score,
           s.answered_on, s.is_high, s.is_low, s.answer_id,
           row_number() OVER (PARTITION BY s.account_id, s.user_id
               ORDER BY s.answered_at DESC, s.answer_id DESC) AS turn
    FROM scored s LEFT JOIN users u ON u.user_id = s.user_id
    WHERE s.kind = '{kind}' AND s.account_id IS NOT NULL
) lasts
WHERE turn = 1 OR user_id IS NULL
ORDER BY account_id, score, answered_on, answer_id"""
    with company.seeing(asked.as_of) as engine:
        found = engine.rows(sql)
        standing = standing_of(engine, asked.config, asked.as_of) if found else {}
    groups: dict[str, list[Sequence[Any]]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(row[1:])
    rows = [
        _of_account(account, own, standing.get(account))
        for account, own in groups.items() if len(own) >= least
    ]
    rows.sort(key=lambda one: (not one.is_divided, -one.mrr, one.account_id))
    return People(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, kind=kind,
        divided=sum(one.is_divided for one in rows), rows=tuple(rows),
        why=None if rows else NO_SEVERAL, sql=sql,
    )


def _of_account(
    account: str, lines: Sequence[Sequence[Any]], standing: Standing | None
) -> OfAccount:
    scores = [line[3] for line in lines]
    high, low = sum(bool(line[5]) for line in lines), sum(bool(line[6]) for line in lines)
    return OfAccount(
        account_id=account, people=len(lines), high=high, low=low, lowest=min(scores),
        highest=max(scores), is_divided=high > 0 and low > 0,
        mrr=major(standing.mrr) if standing else 0.0,
        answers=tuple(
            Person(user_id=user, role=role, is_champion=champion, score=score, answered_on=day)
            for user, role, champion, score, day, _high, _low in lines
        ),
    )

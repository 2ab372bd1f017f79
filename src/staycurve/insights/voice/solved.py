"""What follows a ticket: satisfaction and churn after first contact, beside all other solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    FromField,
    HighField,
    Kind,
    LowField,
    Row,
    Said,
    SignificantField,
    Table,
    ToField,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.shared.params import AsOfText, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import (
    ALPHA,
    adjusted,
    difference,
    different_by_chance,
    share,
)
from staycurve.insights.voice.accounts_sql import stretches_sql
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.scores import is_high_sql
from staycurve.insights.voice.tickets_sql import first_contact_measures
from staycurve.metrics.base import Unit

ANSWER_DAYS = 14
"""Days after the solution in which a CSAT answer is taken as one about it: answers name no ticket,
and a later one is about the next."""
HORIZON = 90
MIN_COMPARED = 20

OUTCOMES = {
    "csat": N_("Satisfied with it"), "churn": N_("Left within 90 days"),
}
TOO_FEW = N_("fewer than {count} on one side")
NO_CAUSE = N_(
    "Tickets that are solved at first contact are easier ones: a difference is no proof that "
    "solving more of them so would make it."
)


@dataclass(frozen=True, kw_only=True)
class After(Row):
    """One outcome after first contact, beside that after all other solutions."""

    outcome: Annotated[str, col(N_("Outcome"), Kind.NAME, named_by=OUTCOMES)]
    first_contact: Annotated[
        float | None,
        col(N_("Solved at first contact"), Unit.PERCENT, ends=("first_low", "first_high")),
    ]
    first_size: Annotated[
        int, col(N_("Of them"), Unit.COUNT, N_("Answers after a ticket, or paying accounts."))
    ]
    first_low: LowField
    first_high: HighField
    others: Annotated[
        float | None, col(N_("Solved otherwise"), Unit.PERCENT, ends=("others_low", "others_high"))
    ]
    others_size: Annotated[int, col(N_("Of the others"), Unit.COUNT)]
    others_low: LowField
    others_high: HighField
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, ends=("difference_low", "difference_high")),
    ]
    difference_low: LowField
    difference_high: HighField
    p_value: Annotated[
        float | None, col(N_("p"), Kind.CHANCE, N_("With the Holm correction."))
    ]
    is_significant: SignificantField
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class AfterSolved(Answer):
    """What followed tickets that were solved in the range."""

    as_of: AsOfField
    period_from: FromField
    period_to: ToField
    alpha: AlphaField
    rows: Annotated[tuple[After, ...], Table(N_("After a ticket"))]

    def title(self) -> Said:
        return Said(N_("After a ticket, %(from)s to %(to)s"), {
            "from": (self.period_from, Kind.DAY), "to": (self.period_to, Kind.DAY)})

    def said(self) -> tuple[Said, ...]:
        named = [row for row in self.rows if row.is_significant]
        if not named and any(row.p_value is not None for row in self.rows):
            return (Said(N_("What follows does not differ significantly.")),)
        return tuple(_told(row) for row in named)


def _told(row: After) -> Said:
    values: dict[str, str | Value | Said] = {
        "outcome": Said(OUTCOMES[row.outcome]), "own": (row.first_contact, Unit.PERCENT),
        "others": (row.others, Unit.PERCENT),
    }
    return Said(
        N_("%(outcome)s: %(own)s after a solution at first contact, %(others)s after others."),
        values,
    )


@insight("support after", comes_from="/support#after", needs="tickets")
def after(
    company: Reader, *, start: From = None, end: To = None, where: Where = "",
    as_of: AsOfText = None,
) -> AfterSolved:
    """Are customers happier, and do they stay, when the first contact solves it?

    Tickets solved in the range at first contact, as the metric counts it, beside all others: the
    share of content CSAT answers of the same account in the fourteen days after, and the churn of
    accounts within 90 days of the first ticket solved for them. Both are tested.
    """
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end,
                        relation="tickets")
    sql = _csat_sql(asked)
    with company.seeing(asked.as_of) as engine:
        content = engine.rows(sql)
        left = engine.rows(_churn_sql(asked))
    rows = [_row("csat", content), _row("churn", left)]
    raised = iter(adjusted([one.p_value for one in rows if one.p_value is not None]))
    made = []
    for row in rows:
        p_value = None if row.p_value is None else next(raised)
        made.append(replace(row, p_value=p_value,
                            is_significant=p_value is not None and p_value <= ALPHA))
    return AfterSolved(
        as_of=asked.as_of.at.isoformat(), period_from=str(asked.first), period_to=str(asked.last),
        alpha=ALPHA, rows=tuple(made), sql=sql,
        notes=(NO_CAUSE,) if any(one.is_significant for one in made) else (),
    )


def _row(outcome: str, counts: Sequence[Sequence[int]]) -> After:
    """From rows of (is_first, size, events)."""
    sizes = {bool(is_first): (events, size) for is_first, size, events in counts}
    own, others = share(*sizes.get(True, (0, 0))), share(*sizes.get(False, (0, 0)))
    gap, low, high = difference(own, others) or (None, None, None)
    is_tested = min(own.size, others.size) >= MIN_COMPARED
    return After(
        outcome=outcome, first_contact=own.value, first_size=own.size, first_low=own.low,
        first_high=own.high, others=others.value, others_size=others.size, others_low=others.low,
        others_high=others.high, difference=gap, difference_low=low, difference_high=high,
        p_value=different_by_chance(own, others) if is_tested else None, is_significant=False,
        why=None if is_tested else TOO_FEW.format(count=MIN_COMPARED),
    )


def _solved_sql(asked: VoiceAsked) -> str:
    """The relations up to `solved`: tickets of the range, with whether first contact solved each.

    What the metric leaves out below its line, such as bots', is left out here too.
    """
    top, bottom = first_contact_measures(asked)
    segments, joins = asked.segments(account="r.root_id", day="t.solved_on")
    return f"""{asked.shared_sql}placed AS (
    SELECT t.*, r.root_id{segments}
    FROM tickets t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.solved_at < {asked.at} AND {asked.within("t.solved_on")}
      AND coalesce(r.is_excluded, FALSE) = FALSE
),
solved AS (
    SELECT ticket_id, root_id AS account_id, user_id, solved_at, solved_on,
           {top.sql} > 0 AS is_first
    FROM placed WHERE {asked.context.where()}
    GROUP BY ticket_id, root_id, user_id, solved_at, solved_on
    HAVING {bottom.sql} > 0
)"""


def _csat_sql(asked: VoiceAsked) -> str:
    """SQL of (is_first, answers, content): each answer with the last ticket solved before it."""
    return f"""WITH {_solved_sql(asked)},
rated AS (
    SELECT s.is_first, {is_high_sql("n")} AS is_high,
           row_number() OVER (PARTITION BY n.answer_id
               ORDER BY s.solved_at DESC, s.ticket_id DESC) AS place
    FROM answers n
    JOIN account_roots r ON r.account_id = n.account_id
    JOIN solved s ON s.account_id = r.root_id AND s.solved_at <= n.answered_at
         AND n.answered_at < s.solved_at + INTERVAL {ANSWER_DAYS} DAY
         AND (s.user_id IS NULL OR n.user_id IS NULL OR s.user_id = n.user_id)
    WHERE n.kind = 'csat' AND n.score IS NOT NULL AND n.answered_at < {asked.at}
)
SELECT is_first, CAST(COUNT(*) AS BIGINT) AS answers,
       CAST(COUNT(CASE WHEN is_high THEN 1 END) AS BIGINT) AS content
FROM rated WHERE place = 1
GROUP BY is_first ORDER BY is_first"""


def _churn_sql(asked: VoiceAsked) -> str:
    """SQL of (is_first, accounts, left): paying accounts from the first ticket solved for them."""
    return f"""WITH {_solved_sql(asked)},
{stretches_sql(asked.as_of)},
firsts_solved AS (
    SELECT account_id, solved_on, is_first FROM (
        SELECT account_id, solved_on, is_first, row_number() OVER (PARTITION BY account_id
                   ORDER BY solved_at, ticket_id) AS place
        FROM solved WHERE account_id IS NOT NULL
    ) ranked WHERE place = 1
),
followed AS (
    SELECT f.account_id, f.is_first,
           l.ends_on <= CAST(f.solved_on + INTERVAL {HORIZON} DAY AS DATE) AS has_left
    FROM firsts_solved f
    JOIN stretches l ON l.account_id = f.account_id AND l.starts_on <= f.solved_on
         AND l.ends_on > f.solved_on
    WHERE CAST(f.solved_on + INTERVAL {HORIZON} DAY AS DATE) <= DATE '{asked.as_of.last_day}'
)
SELECT is_first, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(COUNT(CASE WHEN has_left THEN 1 END) AS BIGINT) AS gone
FROM followed
GROUP BY is_first ORDER BY is_first"""

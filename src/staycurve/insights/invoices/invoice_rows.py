"""The invoice lines of one account, and the span that each of them is part of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Hidden,
    Kind,
    Row,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.money import major
from staycurve.period import AsOf, Period, parse_period
from staycurve.tables.engine import quoted
from staycurve.tables.invoice_periods import lines_sql, periods_sql
from staycurve.tables.invoice_spans import pieces_sql, prices_sql

STATES: Mapping[str, str] = {
    "full": N_("full period"),
    "prorated": N_("prorated"),
    "void": N_("no: void invoice"),
    "draft": N_("no: draft invoice"),
    "one_time": N_("no: one-time"),
    "credit": N_("no: credit"),
    "no_period": N_("no: empty period"),
    "described": N_("no: subscriptions describe it"),
    "replaced": N_("no: another line holds"),
}


@dataclass(frozen=True)
class InvoiceLine(Row):
    """One invoice line, and what it does to MRR."""

    account_id: Annotated[str, col(N_("Account"))]
    subscription_id: Annotated[str | None, col(N_("Subscription"))]
    item_id: Annotated[str | None, col(N_("Item"))]
    invoice_id: Annotated[str, col(N_("Invoice"))]
    line_id: Annotated[str, col(N_("Line"))]
    plan: Annotated[str | None, col(N_("Plan"))]
    period_start_on: Annotated[dt.date, col(N_("From"), Kind.DAY)]
    period_end_on: Annotated[dt.date, col(N_("To"), Kind.DAY, N_("The first day after it."))]
    amount: Annotated[str, col(N_("Billed"), about=N_("Before tax, in the line's currency."))]
    state: Annotated[str, col(N_("Counts"), named_by=STATES)]
    span_starts_on: Annotated[dt.date | None, col(N_("Span from"), Kind.DAY)]
    span_ends_on: Annotated[
        dt.date | None, col(N_("Span to"), Kind.DAY, N_("The first day after it."))
    ]
    mrr: Annotated[
        str | None, col(N_("MRR of the span"), about=N_("In the line's currency."))
    ]


@dataclass(frozen=True, kw_only=True)
class InvoiceLines(Answer):
    """The lines of one account's invoices, by subscription and period."""

    as_of: AsOfField
    rows: Annotated[tuple[InvoiceLine, ...], Table(N_("Invoice lines"), is_list=True)]
    account: Annotated[str, Hidden()] = ""
    period: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "account": (self.account, Kind.TEXT), "period": (self.period, Kind.TEXT),
        }
        if self.period:
            return Said(N_("Invoice lines of %(account)s, %(period)s"), values)
        return Said(N_("Invoice lines of %(account)s"), values)


@insight("invoices lines", needs="invoice_lines")
def lines(
    company: Reader, *,
    account: Annotated[
        str, Param(N_("Whose invoices; of a customer those of all its accounts."),
                   metavar="ACCOUNT", is_argument=True)
    ],
    period: Annotated[
        str | None,
        Param(N_("Only lines of spans that reach into it."), metavar="P",
              examples="2024-01, 2024-Q1"),
    ] = None,
    as_of: AsOfText = None,
) -> InvoiceLines:
    """Which invoice lines are behind an account's MRR, and which do not count?"""
    seen = company.as_of(as_of)
    within = (
        parse_period(period, company.config.company.fiscal_year_start) if period else None
    )
    sql = lines_statement(account, seen, within)
    with company.seeing(seen) as engine:
        known = engine.value(
            f"SELECT COUNT(*) FROM account_roots WHERE {quoted(account)} IN (account_id, root_id)"
        )
        if not known:
            raise NotAnsweredError(
                f"There is no account '{account}'.", hint="staycurve accounts mrr lists them."
            )
        rows = tuple(_line(*row) for row in engine.rows(sql))
    return InvoiceLines(
        as_of=seen.at.isoformat(), rows=rows, account=account, period=period or "", sql=sql
    )


def _line(*row: Any) -> InvoiceLine:
    *told, amount, currency, state, starts_on, ends_on, mrr = row
    billed = _money(amount, currency) or ""
    return InvoiceLine(*(*told, billed, state, starts_on, ends_on, _money(mrr, currency)))


def _money(micro: int | None, currency: str) -> str | None:
    value = major(micro)
    return None if value is None else f"{value:,.2f} {currency}"


def lines_statement(account: str, seen: AsOf, period: Period | None) -> str:
    """SQL of every line of an account that had begun, and of the span that it is part of."""
    own = (
        "l.account_id IN (SELECT account_id FROM account_roots "
        f"WHERE {quoted(account)} IN (account_id, root_id) UNION SELECT into_id "
        f"FROM account_merges WHERE account_id = {quoted(account)})"
    )
    within = ""
    if period is not None:
        within = (
            f"AND coalesce(p.span_starts_on, l.period_start_on) < DATE '{period.end}' "
            f"AND coalesce(p.span_ends_on, l.period_end_on) > DATE '{period.start}'"
        )
    same = "account_id, subscription_id, item"
    return f"""WITH {lines_sql(own)},
{periods_sql()},
{prices_sql()},
{pieces_sql()},
runs AS (
    SELECT {same}, run, MIN(starts_at) AS span_starts_at, MIN(starts_on) AS span_starts_on,
           MAX(ends_on) AS span_ends_on
    FROM pieces GROUP BY {same}, run
),
counted AS (
    SELECT n.line_id, p.is_part, r.span_starts_on, r.span_ends_on, i.amount AS mrr
    FROM lines n
    JOIN pieces p ON p.account_id = n.account_id AND p.subscription_id = n.subscription_id
         AND p.item = n.item AND p.starts_at = n.starts_at
         AND (CASE WHEN n.is_proration THEN p.is_part = 1 AND p.covers_until >= n.ends_at
                   ELSE p.is_part = 0 AND p.covers_until = n.ends_at END)
    JOIN runs r ON r.account_id = p.account_id AND r.subscription_id = p.subscription_id
         AND r.item = p.item AND r.run = p.run
    JOIN account_roots a ON a.account_id = n.account_id
    LEFT JOIN mrr_items i ON i.account_id = a.root_id AND i.subscription_id = n.subscription_id
         AND coalesce(i.item_id, '') = n.item AND i.starts_at = r.span_starts_at
)
SELECT l.account_id, l.subscription_id, l.item_id, l.invoice_id, l.line_id, l.plan,
       l.period_start_on, l.period_end_on, l.amount, l.currency,
       CASE WHEN p.is_part = 1 THEN 'prorated' WHEN p.is_part = 0 THEN 'full'
            WHEN l.invoice_status IN ('void', 'draft') THEN l.invoice_status
            WHEN l.kind = 'one_time' THEN 'one_time' WHEN l.amount < 0 THEN 'credit'
            WHEN l.period_end <= l.period_start THEN 'no_period'
            WHEN n.line_id IS NULL THEN 'described' ELSE 'replaced' END AS state,
       coalesce(p.span_starts_on, d.starts_on) AS span_starts_on,
       CASE WHEN p.line_id IS NOT NULL THEN p.span_ends_on ELSE d.ends_on END AS span_ends_on,
       coalesce(p.mrr, d.amount) AS mrr
FROM invoice_lines l
LEFT JOIN lines n ON n.line_id = l.line_id
LEFT JOIN counted p ON p.line_id = l.line_id
LEFT JOIN account_roots ar ON ar.account_id = l.account_id
LEFT JOIN mrr_items d ON n.line_id IS NULL AND l.kind <> 'one_time' AND l.amount >= 0
     AND l.invoice_status NOT IN ('void', 'draft') AND d.account_id = ar.root_id
     AND d.subscription_id = l.subscription_id
     AND coalesce(d.item_id, '') = coalesce(l.item_id, '') AND d.starts_at <= l.period_start
     AND (d.ends_on IS NULL OR d.ends_on > l.period_start_on)
WHERE {own} AND l.period_start_on <= DATE '{seen.last_day}' {within}
ORDER BY l.account_id, coalesce(l.subscription_id, ''), coalesce(l.item_id, ''),
         l.period_start, l.line_id
"""

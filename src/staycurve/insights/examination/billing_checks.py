"""What doctor says of invoice lines: what counts for nothing, and what may be billed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from staycurve.insights.examination.findings import Finding, Patient
from staycurve.tables.invoice_periods import lines_sql

Check = Callable[[Patient], Iterator[Finding]]


def _has(patient: Patient, table: str) -> bool:
    return patient.lake.rows(patient.snapshot, table) > 0


def _uncounted_lines(patient: Patient) -> Iterator[Finding]:
    if not _has(patient, "invoice_lines"):
        return
    counts = patient.engine.rows(f"""
        WITH {lines_sql()}
        SELECT reason, COUNT(*) FROM (
            SELECT CASE WHEN l.invoice_status IN ('void', 'draft') THEN 'void or draft'
                        WHEN l.kind = 'one_time' THEN 'one-time'
                        WHEN l.amount < 0 THEN 'credits'
                        WHEN l.period_end <= l.period_start THEN 'without a period'
                        ELSE 'of subscriptions that rows of subscriptions describe' END AS reason
            FROM invoice_lines l
            WHERE NOT EXISTS (SELECT 1 FROM lines n WHERE n.line_id = l.line_id)
        ) uncounted GROUP BY reason ORDER BY reason""")
    total = sum(int(count) for _, count in counts)
    if total:
        listed = ", ".join(f"{count} {reason}" for reason, count in counts)
        yield Finding(
            "note",
            "uncounted_lines",
            f"{total} invoice lines do not count as MRR: {listed}.",
            "staycurve invoices lines ACCOUNT",
            total,
        )


def _billed_twice(patient: Patient) -> Iterator[Finding]:
    if not _has(patient, "invoice_lines"):
        return
    twice = patient.count(f"""
        WITH {lines_sql()}
        SELECT COUNT(*) FROM (
            SELECT n.account_id, n.subscription_id, n.item, n.starts_at, n.ends_at
            FROM lines n JOIN invoice_lines l ON l.line_id = n.line_id
            WHERE NOT n.is_proration
            GROUP BY n.account_id, n.subscription_id, n.item, n.starts_at, n.ends_at
            HAVING COUNT(DISTINCT l.invoice_id) > 1
        ) billed""")
    if twice:
        yield Finding(
            "warning",
            "billed_twice",
            f"{twice} periods of an item are billed by several invoices, and their amounts are "
            "added up.",
            "If one invoice replaces another, the replaced one has to be void.",
            twice,
        )


def _beside_each_other(patient: Patient) -> Iterator[Finding]:
    if not _has(patient, "invoice_lines"):
        return
    hidden = patient.count(f"""
        WITH {lines_sql()}
        SELECT COUNT(*) FROM (
            SELECT account_id, subscription_id, item, starts_at FROM lines
            WHERE NOT is_proration
            GROUP BY account_id, subscription_id, item, starts_at
            HAVING COUNT(DISTINCT ends_at) > 1 OR COUNT(DISTINCT currency) > 1
        ) begun""")
    if hidden:
        yield Finding(
            "warning",
            "several_periods",
            f"{hidden} times, lines of one item begin together and end apart, or are in several "
            "currencies. The longest counts, the others do not.",
            "If they are items of their own, give them an item_id.",
            hidden,
        )


CHECKS: tuple[Check, ...] = (_uncounted_lines, _billed_twice, _beside_each_other)

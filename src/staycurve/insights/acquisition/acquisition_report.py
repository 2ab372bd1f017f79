"""Acquisition by channel: what each one brought, how its leads fared, and what it cost.

Reach, leads and spend carry a channel of their own; trials, customers and what they pay go by the
channel of their account. Where a lead and its account name different channels, each counts where
it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.acquisition.lead_funnel import (
    CHANNEL,
    LeadQuestion,
    periods_sql,
    seen_sql,
    segs_of,
)
from staycurve.insights.acquisition.reading import Reading, Row
from staycurve.insights.lifecycle.lifecycle import SMALL
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.period import Period

METRICS = (
    "visits", "social_engagements", "mentions", "lead_rate", "demo_requests", "trial_starts",
    "trial_conversion_rate", "new_customers", "new_mrr", "cac",
)
"""Columns of the report that the catalogue defines; they equal what `show` says."""

OWN: Mapping[str, str] = {
    "leads": N_("Leads created in the period."),
    "qualified": N_("Leads found worth pursuing in the period."),
    "lead_trials": N_("Leads whose trial began in the period."),
    "won": N_("Leads won in the period."),
    "lost": N_("Leads given up in the period."),
    "spend": N_("Acquisition cost of the period's months that names the channel."),
}
"""Columns that the report counts itself."""

NO_CAUSE = N_(
    "Channels bring different customers: what an account does afterwards is associated with its "
    "channel, not caused by it. Channels are those of the accounts, as they are today."
)
NO_ACTIVATION = N_("no events are loaded, or no account's window has passed yet")
NO_SPEND = N_("no acquisition cost is loaded for this period")
NO_CUSTOMERS: Mapping[str, float | None] = {"customers": 0, "mrr": 0.0, "arpa": None}
"""What is paid where accounts of a channel are known and none of them pays."""
UNASSIGNED = N_("{amount} of acquisition cost in the range names no channel.")


@dataclass(frozen=True)
class ChannelReport(Reading):
    """What every channel brought in each period.

    Attributes
    ----------
    rows : list of dict
        period, open, channel, and one value a column of `columns`; `why` maps a column that is
        empty to its reason.
    totals : list of dict
        The same over all channels.
    columns : list of dict
        name, about, and unit where the catalogue defines it.
    """

    totals: list[Row] = field(default_factory=list)
    columns: list[Row] = field(default_factory=list)

    def as_dict(self) -> Row:
        return {**super().as_dict(), "columns": self.columns, "totals": self.totals}


def check_channel(filters: Iterable[Filter]) -> None:
    """Raise for a filter that reach, leads, spend and accounts do not have in common."""
    for one in filters:
        if one.dim != CHANNEL:
            raise NotAnsweredError(
                f"Channels cannot be restricted by {one.dim}: visits and spend do not carry it.",
                hint="Restrict them by channel, such as --where 'channel=ads|organic'; ask `show` "
                "for one metric.",
                dimension=one.dim,
            )


def counts_statement(question: LeadQuestion, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, seg…, leads, qualified, lead_trials, won, lost), by their own days."""
    columns = {"leads": "created_on", "qualified": "qualified_on", "lead_trials": "trial_on",
               "won": "won_on", "lost": "lost_on"}
    segs = segs_of(question)
    every = "\n    UNION ALL ".join(
        f"SELECT {day} AS day, '{name}' AS step{segs} FROM seen WHERE {day} IS NOT NULL"
        for name, day in columns.items()
    )
    sums = ", ".join(
        f"CAST(SUM(CASE WHEN step = '{name}' THEN 1 ELSE 0 END) AS BIGINT) AS {name}"
        for name in columns
    )
    return f"""WITH periods AS ({periods_sql(question, periods)}),
seen AS ({seen_sql(question)}),
happened AS (
    {every}
)
SELECT p.start_on{segs}, {sums}
FROM happened h
JOIN periods p ON h.day >= p.start_on AND h.day <= p.close_on
GROUP BY p.start_on{segs}
ORDER BY p.start_on{segs}"""


def spend_statement(
    question: LeadQuestion, periods: Sequence[Period], grain: str
) -> str:
    """SQL of rows (start_on, channel, amount): acquisition cost as `cac` values it, by month."""
    return f"""WITH periods AS ({periods_sql(question, periods)})
SELECT start_on, seg0 AS channel, CAST(SUM(amount) AS HUGEINT) AS amount
FROM ({spent_sql(question, periods, grain)}) spent
GROUP BY start_on, seg0
ORDER BY start_on, seg0"""


def spent_sql(question: LeadQuestion, periods: Sequence[Period], grain: str) -> str:
    """SQL of every row of acquisition cost, to follow `periods`: start_on, seg0, kind, amount."""
    context = Context(
        question.config, grain, tuple(periods), question.as_of, (CHANNEL,), 1, question.filters
    )
    return f"""SELECT start_on, seg0, kind, amount
    FROM ({RELATIONS["spend"].rows(context)}) every
    WHERE purpose = 'acquisition' AND {context.where()}"""


Key = tuple[str, str | None]


def report_rows(
    shown: Sequence[Mapping[str, Any]],
    counts: Mapping[Key, Mapping[str, int]],
    spent: Mapping[Key, int],
    *,
    is_total: bool,
    has_leads: bool,
) -> list[Row]:
    """One row a period and channel: the catalogue's values beside what the report counts.

    Parameters
    ----------
    shown : sequence of dict
        Rows of `show` for METRICS.
    counts, spent : mapping
        (period, channel) → what the statements answered, channel None where unknown; for totals
        summed under (period, None).
    """
    found: dict[Key, Row] = {}
    for row in shown:
        key = (row["period"], None if is_total else row["segment"][CHANNEL])
        own = found.setdefault(key, {
            "period": row["period"], "open": row["open"],
            **({} if is_total else {CHANNEL: key[1]}), "why": {},
        })
        own[row["metric"]] = row["value"]
        if row.get("why"):
            own["why"][row["metric"]] = row["why"]
    opened = {key[0]: row["open"] for key, row in found.items()}
    for key in (*counts, *spent):
        if key[0] in opened:
            found.setdefault(key, {
                "period": key[0], "open": opened[key[0]],
                **({} if is_total else {CHANNEL: key[1]}),
                **dict.fromkeys(METRICS), "why": {},
            })
    for key, row in found.items():
        for name in OWN:
            if name == "spend":
                amount = spent.get(key)
                row[name] = None if amount is None else amount / MICRO
                if amount is None:
                    row["why"][name] = NO_SPEND
            else:
                row[name] = counts.get(key, {}).get(name, 0) if has_leads else None
                if not has_leads:
                    row["why"][name] = N_("no leads are loaded")
    # Costs that are none of acquisition name no channel; they make no row of their own.
    numbers = (*METRICS, *OWN)
    return [
        found[key]
        for key in sorted(found, key=lambda key: (key[0], key[1] or ""))
        if is_total or key[1] is not None or any(found[key][name] for name in numbers)
    ]


def summed(counts: Mapping[Key, Mapping[str, int]]) -> dict[Key, dict[str, int]]:
    """The counts of all channels together, under (period, None)."""
    found: dict[Key, dict[str, int]] = {}
    for (period, _), own in counts.items():
        into = found.setdefault((period, None), {})
        for name, count in own.items():
            into[name] = into.get(name, 0) + count
    return found


def quality_rows(
    activated: Mapping[str | None, tuple[int, int]],
    retained: Mapping[tuple[str | None, int], tuple[int, int]],
    values: Mapping[str | None, Mapping[str, float | None]],
    *,
    ages: Sequence[int],
) -> list[Row]:
    """One row a channel: how its accounts fare afterwards.

    Parameters
    ----------
    activated : mapping
        Channel → (activated within their window, accounts whose window has passed).
    retained : mapping
        (channel, age in months) → (still paying, accounts of closed cohorts).
    values : mapping
        Channel → metric → value at the last close.
    """
    channels = {*activated, *values, *(channel for channel, _ in retained)}
    rows = []
    for channel in sorted(channels, key=lambda name: name or ""):
        begun = share(*activated.get(channel, (0, 0)))
        row: Row = {
            CHANNEL: channel,
            "activation": {
                "value": begun.value, "low": begun.low, "high": begun.high,
                "activated": begun.count, "size": begun.size, "is_small": begun.size < SMALL,
                **({} if begun.size else {"why": NO_ACTIVATION}),
            },
            "retention": [],
            **NO_CUSTOMERS,
            **values.get(channel, {}),
        }
        for age in ages:
            kept = share(*retained.get((channel, age), (0, 0)))
            row["retention"].append({
                "age": age, "value": kept.value, "low": kept.low, "high": kept.high,
                "retained": kept.count, "size": kept.size, "is_small": kept.size < SMALL,
            })
        rows.append(row)
    return rows

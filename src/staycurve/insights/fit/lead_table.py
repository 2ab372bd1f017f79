"""Leads as a model sees them: what was known when each came, and what became of it in time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycurve.insights.fit.mature import NOT_TRAITS, banded_of
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf
from staycurve.tables.engine import timestamp

HORIZON = 90
"""Days in which a lead is won or lost; what happens later does not count."""


@dataclass
class LeadFacts:
    """One lead.

    Attributes
    ----------
    outcome : bool, optional
        Won (true) or lost (false) within the horizon; None where neither happened in time.
    is_mature : bool
        Whether the horizon has passed.
    is_open : bool
        Neither won nor lost so far.
    """

    lead_id: str
    account_id: str | None
    channel: str | None
    created_on: dt.date
    won_on: dt.date | None
    lost_on: dt.date | None
    outcome: bool | None
    is_mature: bool
    is_open: bool
    traits: dict[str, str]


def leads_of(company: Reader, seen: AsOf, horizon: int) -> list[LeadFacts]:
    """Every lead that counts, by the day on which it came."""
    at = timestamp(seen.at)
    unseen = seen.last_day + dt.timedelta(days=1 if seen.is_whole else 0)
    with company.seeing(seen) as engine:
        rows = engine.rows(f"""SELECT l.lead_id, r.root_id AS account_id, l.channel, l.created_on,
       CASE WHEN l.won_at < {at} THEN l.won_on END AS won_on,
       CASE WHEN l.lost_at < {at} THEN l.lost_on END AS lost_on, l.attributes
FROM leads l
LEFT JOIN account_roots r ON r.account_id = l.account_id
WHERE l.created_at < {at} AND coalesce(r.is_excluded, FALSE) = FALSE
ORDER BY l.created_on, l.lead_id""")
    found = []
    attributes: dict[str, dict[str, str]] = {}
    for lead_id, account_id, channel, created_on, won_on, lost_on, more in rows:
        end = created_on + dt.timedelta(days=horizon)
        won = won_on is not None and won_on < end
        lost = lost_on is not None and lost_on < end
        # Lost first and won after all: won, as the deal was.
        outcome = True if won else False if lost else None
        found.append(LeadFacts(
            lead_id, account_id, channel, created_on, won_on, lost_on, outcome, end <= unseen,
            won_on is None and lost_on is None, {"channel": channel} if channel else {},
        ))
        for name, value in (json.loads(more) if more else {}).items():
            if value not in (None, "") and name.lower() not in NOT_TRAITS:
                attributes.setdefault(name, {})[lead_id] = value
    for name, values in attributes.items():
        banded = banded_of(values) or {}
        for one in found:
            if one.lead_id in banded:
                one.traits[name] = banded[one.lead_id]
    return found


@dataclass(frozen=True)
class Encoding:
    """The columns of a model: values of traits that enough leads have."""

    columns: tuple[tuple[str, str], ...]

    def matrix(self, traits: Sequence[Mapping[str, str]]) -> list[list[float]]:
        """One row a lead, shape (n, columns): 1 where it has the value."""
        return [
            [1.0 if one.get(trait) == value else 0.0 for trait, value in self.columns]
            for one in traits
        ]


def encoding_of(traits: Sequence[Mapping[str, str]], *, least: int = 10) -> Encoding:
    """The values that at least so many of the given leads have, and as many have not."""
    counts: dict[tuple[str, str], int] = {}
    for one in traits:
        for pair in one.items():
            counts[pair] = counts.get(pair, 0) + 1
    kept = (pair for pair, count in counts.items() if least <= count <= len(traits) - least)
    return Encoding(tuple(sorted(kept)))

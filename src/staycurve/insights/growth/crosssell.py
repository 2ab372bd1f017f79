"""Cross-sell: what similar accounts added next, with lift, interval and a corrected test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    SignificantField,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.fit.contrast import Side
from staycurve.insights.growth.additions import (
    KINDS,
    SEGMENTS,
    Additions,
    Counts,
    Group,
    Thing,
    additions_of,
)
from staycurve.insights.growth.scoring import HORIZON, Horizon
from staycurve.insights.risk.asked import NO_HISTORY
from staycurve.insights.risk.frames import Moment, apart, moment_of
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import ALPHA, adjusted
from staycurve.metrics.base import Unit
from staycurve.tables.engine import AnyEngine

ENOUGH = 20
"""Accounts and look days without the thing, in the group and in the rest: below that one account
moves a share by over five points, as in `account features`."""
LEAST_ADDED = 5
"""Accounts of all that added it: of fewer no group can differ from the rest after correction."""

SAYS_NOTHING = N_("similar accounts do not add it significantly more or less often than the rest")
NOTHING_ADDED = N_("nothing that accounts could have added was added often enough to be tested")

Segment = Annotated[
    str,
    Param(N_("What similar accounts share, beside the plan: size is by employees, or by MRR "
             "without them."), choices=SEGMENTS),
]


@dataclass(frozen=True, kw_only=True)
class Next(Row):
    """One thing, and how often one group of accounts added it."""

    kind: Annotated[str, col(N_("Kind"), Kind.NAME, named_by=KINDS)]
    thing: Annotated[str, col(N_("Added"), Kind.TEXT)]
    of_plan: Annotated[str, col(N_("By accounts on"), Kind.TEXT, N_("Their plan on the day."))]
    of_segment: Annotated[
        str | None, col(N_("Segment"), Kind.TEXT, N_("Empty is any."))
    ]
    at_risk: Annotated[
        int, col(N_("Accounts and days"), Unit.COUNT, N_("Without it on a look day."))
    ]
    added: Annotated[int, col(N_("Added it"), Unit.COUNT, N_("Within the horizon."))]
    share: Annotated[float | None, col(N_("Share"), Unit.PERCENT)]
    rest: Annotated[
        float | None, col(N_("Rest"), Unit.PERCENT, N_("The same share of all other accounts."))
    ]
    lift: Annotated[
        float | None,
        col(N_("Lift"), Unit.RATIO, N_("Share / rest; Katz's interval."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("Fisher's exact test, with the Holm correction.")),
    ]
    is_significant: SignificantField
    why: Annotated[str | None, col(N_("Note"))] = None

    @property
    def group(self) -> Group:
        """Plan, and value of the segment; None is any."""
        return self.of_plan, self.of_segment


@dataclass(frozen=True, kw_only=True)
class NextThings(Answer):
    """What groups of similar accounts added, the significant ones first."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each look day in which an addition counts."))]
    segment: Annotated[str, Key(N_("What similar accounts share, beside the plan."))]
    looks: Annotated[
        tuple[dt.date, ...], Key(N_("The look days, one horizon apart; the latest first."))
    ]
    tested: Annotated[int, Key(N_("How many were tested: the correction covers them all."))]
    untested: Annotated[
        int, Key(N_("How many were not, because too few accounts could have added it, or did."))
    ] = 0
    alpha: AlphaField = ALPHA
    rows: Annotated[tuple[Next, ...], Table(N_("What similar accounts add next"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("What similar accounts add next, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        found = [row for row in self.rows if row.is_significant and (row.lift or 0) > 1]
        if not found:
            return (Said(
                N_("None of %(tested)s groups and things that were tested differs significantly "
                   "from the rest."), {"tested": (self.tested, Unit.COUNT)},
            ),)
        return (Said(
            N_("%(found)s of %(tested)s groups and things that were tested are added "
               "significantly more often than by the rest."),
            {"found": (len(found), Unit.COUNT), "tested": (self.tested, Unit.COUNT)},
        ),)


@dataclass(frozen=True)
class Known:
    """What was added in the past, tested, and what accounts have now."""

    looks: tuple[dt.date, ...]
    additions: Additions | None
    rows: tuple[Next, ...]
    untested: int

    def for_account(self, account: str) -> list[Next]:
        """What the account has not got and similar ones add significantly more often.

        Of its two groups, plan and segment or plan alone, the narrower goes first.
        """
        if self.additions is None or account not in self.additions.groups:
            return []
        plan, value = self.additions.groups[account]
        has = self.additions.has.get(account, set())
        found: dict[Thing, Next] = {}
        for group in ((plan, value), (plan, None)):
            for row in self._named.get(group, ()):
                thing = (row.kind, row.thing)
                is_known = row.kind != "feature" or account in self.additions.is_seen
                if thing not in has and is_known:
                    found.setdefault(thing, row)
        return list(found.values())

    @cached_property
    def _named(self) -> Mapping[Group, list[Next]]:
        return _by_group(self.rows)


def _by_group(rows: Sequence[Next]) -> dict[Group, list[Next]]:
    found: dict[Group, list[Next]] = {}
    for row in rows:
        if row.is_significant and (row.lift or 0) > 1:
            found.setdefault(row.group, []).append(row)
    return found


@insight("growth next", comes_from="/growth#next")
def next_things(
    company: Reader, *, segment: Segment = "size", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> NextThings:
    """What do similar accounts add next: which plan, product or feature?

    Similar accounts are on the same plan, and of the same size (employees, or MRR without them), or
    share another segment; beside them stand all on the plan. At look days one horizon apart over
    the last 24 months, of the accounts that pay and have never had the thing: how many took it
    within the horizon, against the same share of all other accounts. Plans and products count when
    an upgrade brings them, features on their first day of use. Fisher's exact test has Holm's
    correction over all groups and things that were tested.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, horizon)
        known = known_of(company, engine, moment, horizon, segment)
    return NextThings(
        as_of=seen.at.isoformat(), horizon=horizon, segment=segment, looks=known.looks,
        tested=len(known.rows), untested=known.untested, rows=known.rows,
        why=NO_HISTORY if not known.looks else None if known.rows else NOTHING_ADDED,
    )


def known_of(
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int, segment: str = "size"
) -> Known:
    """What was added in the past, found once for a moment."""
    return company.kept(
        "growth additions", (moment.seen.at, horizon, segment),
        lambda: known_on(company, engine, moment, horizon, segment), most=4,
    )


def known_on(
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int, segment: str = "size"
) -> Known:
    """What was added before the day of a moment."""
    looks = tuple(apart(moment.past, horizon))
    if not looks:
        return Known((), None, (), 0)
    additions = additions_of(company, engine, looks, moment.day, horizon, segment)
    return Known(looks, additions, *compared(additions.counts))


def compared(counts: Mapping[Thing, Counts]) -> tuple[tuple[Next, ...], int]:
    """Every group and thing that can be tested, the significant ones first; how many cannot."""
    sides, untested = [], 0
    for (kind, thing), found in counts.items():
        for group, side in sides_of(found):
            if min(side.best, side.rest) < ENOUGH or side.accounts < LEAST_ADDED:
                untested += 1
            else:
                sides.append((kind, thing, group, side))
    raised = adjusted([side.chance() for *_names, side in sides])
    rows = []
    for (kind, thing, (plan, value), side), chance in zip(sides, raised, strict=True):
        low, high = side.interval()
        is_significant = chance <= ALPHA
        rows.append(Next(
            kind=kind, thing=thing, of_plan=plan, of_segment=value, at_risk=side.best,
            added=side.with_best, share=side.share_best, rest=side.share_rest, lift=side.lift,
            low=low, high=high, p_value=chance, is_significant=is_significant,
            why=None if is_significant else SAYS_NOTHING,
        ))
    rows.sort(key=lambda row: (
        not row.is_significant, row.p_value, -(row.lift or 0.0), row.kind, row.thing, row.of_plan,
        row.of_segment or "",
    ))
    return tuple(rows), untested


def sides_of(found: Counts) -> Iterator[tuple[Group, Side]]:
    """Each group of plan and segment, and each plan alone, against all the rest."""
    every, all_added = sum(found.at_risk.values()), sum(found.added.values())
    sums: dict[Group, list[int]] = {}
    for (plan, value), size in found.at_risk.items():
        added = found.added.get((plan, value), 0)
        groups: list[Group] = [(plan, None)]
        # Of what is not known of an account, nobody is similar.
        if value:
            groups.append((plan, value))
        for group in groups:
            cell = sums.setdefault(group, [0, 0])
            cell[0] += size
            cell[1] += added
    plans = {plan: sum(own == plan for own, value in sums if value) for plan, _value in sums}
    for (plan, value), (size, added) in sorted(sums.items(), key=lambda one: (
        one[0][0], one[0][1] or ""
    )):
        # The only segment of a plan is the plan.
        if value and plans[plan] == 1 and sums[plan, None] == [size, added]:
            continue
        yield (plan, value), Side(added, size, all_added - added, every - size)

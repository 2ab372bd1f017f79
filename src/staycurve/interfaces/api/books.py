"""The books, for the pages and the HTTP interface: closed months, what changed them, and loads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.insights.books.closing import MOVED, restated
from staycurve.interfaces.web.cache import Cache
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.tables.books import ClosedMonth
from staycurve.tables.pointer import LoadRecord, undone_by
from staycurve.workspace import Company

Restatement = Mapping[str, Any]
"""As `staycurve.insights.books.closing.restated` gives it."""

_RESTATED: Cache[Restatement | None] = Cache(512)

_BEHIND_MRR = frozenset({"subscriptions", "payments", "accounts", "fx_rates"})


@dataclass(frozen=True)
class Reason:
    """Why a closed figure is another one now.

    Attributes
    ----------
    loads : tuple of int
        The loads that changed rows behind it; several where they changed the same accounts. None
        where no load did, which leaves the conventions.
    difference : float, optional
        What they change, now less closed; None where it cannot be told apart.
    accounts : int
        How many accounts changed by them.
    """

    loads: tuple[int, ...]
    difference: float | None
    accounts: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "loads": list(self.loads), "difference": self.difference, "accounts": self.accounts,
        }


def load_rows(company: Company) -> list[dict[str, Any]]:
    """Every load, oldest first, as `loads --format json` prints them."""
    records = company.loads()
    undone = undone_by(records)
    return [
        {
            "load": r.load,
            "loaded_at": r.loaded_at,
            "kind": r.kind,
            "file": r.file,
            "table": r.table,
            "accepted": r.accepted,
            "replaced": r.replaced,
            "rejected": r.rejected,
            "removed": r.removed,
            "undoes": r.details.get("undoes"),
            "undone_by": undone.get(r.load),
        }
        for r in records
    ]


def adjustment_rows(company: Company) -> list[dict[str, Any]]:
    """Every adjustment, the earliest first, as `adjust --list --format json` prints them."""
    return [dict(vars(one)) for one in company.books.adjustments()]


def closed_month(company: Company, text: str) -> ClosedMonth:
    """The closed month that `text` names, such as 2024-12.

    Raises
    ------
    UnknownNameError
        If no such month is closed.
    """
    months = {f"{closed.month:%Y-%m}": closed for closed in company.books.closed()}
    if text not in months:
        raise UnknownNameError(
            "closed month", text, months, hint="" if months else "No month is closed yet."
        )
    return months[text]


def restatement(company: Company, closed: ClosedMonth) -> Restatement | None:
    """How a closed month differs from what it is now; None when it does not.

    Asked once a snapshot, and month by month: readers of other pages need not wait for all.

    Raises
    ------
    NotAnsweredError
        If something was loaded that is not computed yet.
    """
    if company.is_due():
        raise NotAnsweredError(
            "Something was loaded that is not computed yet.", hint="Run: staycurve refresh"
        )
    key = (
        company.folder, company.snapshot.seq, company.config.ledger_hash, closed.month, closed.seq,
    )
    return _RESTATED.get(key, lambda: restated(company, closed))


def closed_rows(company: Company) -> list[dict[str, Any]]:
    """Every closed month, the earliest first, with how much of it changed since."""
    found = []
    for closed in company.books.closed():
        now = restatement(company, closed) or {}
        found.append({
            "month": f"{closed.month:%Y-%m}",
            "closed_at": closed.closed_at,
            "as_of": closed.as_of,
            "seq": closed.seq,
            "figures_changed": len(now.get("figures", ())),
            "accounts_changed": len(now.get("accounts", ())),
        })
    return found


def restatements(company: Company) -> list[Restatement]:
    """Closed months whose figures are others now, as `restatements --format json` prints them.

    Each figure has its `difference` and its `reasons` as well.
    """
    found: list[Restatement] = []
    for closed in company.books.closed():
        now = restatement(company, closed)
        if now is not None:
            found.append({**now, "figures": figure_rows(company, closed, now)})
    return found


def figure_rows(
    company: Company, closed: ClosedMonth, now: Restatement
) -> list[dict[str, Any]]:
    """The changed figures of a closed month, each with why it changed."""
    why = reasons(company, closed, now)
    return [
        {
            "month": now["month"],
            **figure,
            "difference": difference_of(figure),
            "reasons": [reason.as_dict() for reason in why[figure["metric"]]],
        }
        for figure in now["figures"]
    ]


def difference_of(figure: Mapping[str, Any]) -> float | None:
    """Now less closed; None where one of them is empty."""
    closed, now = figure["closed"], figure["now"]
    return None if closed is None or now is None else now - closed


def reasons(
    company: Company, closed: ClosedMonth, now: Restatement
) -> dict[str, list[Reason]]:
    """Metric → why its closed figure changed, the largest difference first.

    Of MRR and its movements every account's value was kept, so their differences are exact. Of
    other metrics the loads are named that changed rows of the tables that they read.
    """
    found = {}
    for figure in now["figures"]:
        metric = figure["metric"]
        found[metric] = (
            _by_account(metric, now)
            if metric in MOVED
            else [Reason(_loads_behind(company, closed, metric), None, 0)]
        )
    return found


def loads_of(account: Mapping[str, Any]) -> tuple[int, ...]:
    """The loads that changed rows of an account of a restatement."""
    return tuple(sorted({cause["load"] for cause in account["causes"]}))


def _by_account(metric: str, now: Restatement) -> list[Reason]:
    sums: dict[tuple[int, ...], int] = defaultdict(int)
    counts: dict[tuple[int, ...], int] = defaultdict(int)
    for account in now["accounts"]:
        if metric in account["changes"]:
            loads = loads_of(account)
            # Back to the integer that it is in the lake, so that the parts sum exactly.
            sums[loads] += round(account["changes"][metric]["difference"] * MICRO)
            counts[loads] += 1
    ordered = sorted(sums, key=lambda loads: (-abs(sums[loads]), loads))
    return [Reason(loads, sums[loads] / MICRO, counts[loads]) for loads in ordered]


def _loads_behind(company: Company, closed: ClosedMonth, metric: str) -> tuple[int, ...]:
    tables = tables_of(company, metric)
    since = loads_since(company.loads(), closed)
    own = [record.load for record in since if tables & {*record.versions}]
    return tuple(own or [record.load for record in since])


def loads_since(records: Sequence[LoadRecord], closed: ClosedMonth) -> list[LoadRecord]:
    """The loads since a month was closed, without those that were taken back since."""
    since = {record.load: record for record in records if record.seq > closed.seq}
    pairs = [(load, by) for load, by in undone_by(records).items() if load in since and by in since]
    over = {load for pair in pairs for load in pair}
    return [record for load, record in since.items() if load not in over]


def tables_of(company: Company, metric: str) -> set[str]:
    """The conformed tables that a metric reads."""
    formula = METRICS[metric].resolve(company.config.conventions)
    relations = [RELATIONS[measure.relation] for measure in formula.measures()]
    found = {relation.base for relation in relations}
    if any(relation.has_account for relation in relations):
        found.add("accounts")
    return found | (_BEHIND_MRR if "subscriptions" in found else set())

"""How insights put their question to a company, checked before it is answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from staycurve.insights.shared.account_facts import check_dims
from staycurve.insights.shared.first_month import is_first_month
from staycurve.insights.shared.known_use import has_events
from staycurve.insights.shared.members import Question, check
from staycurve.insights.shared.reader import Reader
from staycurve.metrics import user_traits
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.filters import filters_of
from staycurve.tables.engine import AnyEngine


def question_of(
    company: Reader,
    by: str | Sequence[str],
    where: str | Sequence[Filter],
    as_of: str | None,
) -> Question:
    """Whose cohorts are read, and as of when."""
    return Question(company.config, company.as_of(as_of), dims_of(by), filters_of(where))


def question_on_day(
    company: Reader,
    by: str | Sequence[str],
    where: str | Sequence[Filter],
    as_of: str | None,
    *,
    relation: str = "closing",
) -> Question:
    """A question about what accounts are on a day, once its dimensions are known to be carried.

    Parameters
    ----------
    relation : str
        The relation of the metrics that can be cut as the answer can.
    """
    dims, filters = dims_of(by), filters_of(where)
    check_dims(
        dims, filters, company.attributes(), relation=relation,
        not_carried=user_traits.names(company.traits()),
    )
    return Question(company.config, company.as_of(as_of), dims, filters)


@contextmanager
def seeing(company: Reader, asked: Question) -> Iterator[AnyEngine]:
    """An engine as of the question's instant, once its dimensions are known to be there."""
    with company.seeing(asked.as_of) as engine:
        features: list[str] = []
        if any(is_first_month(dim) for dim in asked.dims):
            rows = engine.rows("SELECT DISTINCT feature FROM usage_days ORDER BY feature")
            features = [row[0] for row in rows if row[0] is not None]
        check(asked, company.attributes(), features, has_events=has_events(company))
        yield engine


def first_paid_on(engine: AnyEngine, asked: Question) -> dt.date | None:
    """The first paid day of all, as far as is seen."""
    found: dt.date | None = engine.value("SELECT MIN(first_paid_on) FROM mrr_movements")
    return found if found is not None and found <= asked.as_of.last_day else None

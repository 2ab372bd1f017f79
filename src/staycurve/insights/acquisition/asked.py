"""Whose customers are read by where they came from.

`where` takes what an account carries, such as 'industry=EdTech'. It takes no plan: an account
that has signed up or was brought may have none.
"""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.insights.shared.account_facts import check_dims
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.context import Filter
from staycurve.metrics.filters import filters_of

AGES = (3, 12)
"""Months after the activation month at which channels and referrals are compared."""


def question_of(
    company: Reader, where: str | Sequence[Filter], as_of: str | None
) -> Question:
    """Whose accounts are read, and as of when."""
    filters = filters_of(where)
    check_dims((), filters, company.attributes(), relation="signups")
    return Question(company.config, company.as_of(as_of), (), filters)

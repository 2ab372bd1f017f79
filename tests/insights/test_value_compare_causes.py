"""Where nothing is behind it, `value compare` hardly ever names a segment.

`make test-compare N=100` looks at a hundred companies without any cause; the suite at eight. That
it finds what was planted in the example company: tests/demo/test_demo_compare.py.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from tests.company import build

COMPANIES = int(os.environ.get("STAYCURVE_COMPANIES", "8"))
ACCOUNTS = 240
ASKED = (
    ("customer_churn_rate", "industry"), ("customer_churn_rate", "channel"), ("nrr", "industry"),
)
AS_OF = "2025-01-01"


def without_causes(count: int) -> dict[str, list[dict[str, Any]]]:
    """Companies in which industry and channel say nothing of who leaves or grows.

    All stand in one project, told apart by an attribute: one load for all of them.
    """
    accounts, spans = [], []
    for company in range(count):
        pick = np.random.default_rng(company)
        leaving = pick.uniform(0.01, 0.05)
        for place in range(ACCOUNTS):
            account = f"c{company:03d}-{place:03d}"
            accounts.append({
                "account_id": account, "company": f"c{company:03d}",
                "industry": pick.choice(["EdTech", "FinTech", "Health", "Retail"],
                                        p=[0.4, 0.3, 0.2, 0.1]),
                "channel": pick.choice(["ads", "press", "event"]),
            })
            begins = int(pick.integers(1, 10))
            months = int(pick.geometric(leaving))
            # A few accounts have most of the money, as in companies.
            amount = round(float(np.exp(pick.normal(3.5, 1))), 2)
            turn = begins + int(pick.integers(1, 6))
            ends = begins + months
            own = {"subscription_id": f"s-{account}", "account_id": account}
            end = f"2024-{ends:02d}-15" if ends <= 12 else ""
            if turn < min(ends, 13) and pick.random() < 0.3:
                spans.append(own | {"starts_at": f"2024-{begins:02d}-05", "amount": amount,
                                    "ends_at": f"2024-{turn:02d}-10"})
                spans.append(own | {"starts_at": f"2024-{turn:02d}-10", "ends_at": end,
                                    "amount": round(amount * float(pick.uniform(0.7, 1.6)), 2)})
            else:
                spans.append(own | {"starts_at": f"2024-{begins:02d}-05", "ends_at": end,
                                    "amount": amount})
    return {"accounts": accounts, "subscriptions": spans}


def test_companies_without_any_cause_have_none_named(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    tested = 0
    named: list[tuple[str, str, str]] = []
    with build(tmp_path_factory.mktemp("no-cause") / "p", without_causes(COMPANIES)) as company:
        for number in range(COMPANIES):
            where = f"company=c{number:03d}"
            for metric, by in ASKED:
                rows = company.value.compare(metric=metric, by=by, where=where, as_of=AS_OF).rows
                tested += any(row.p_value is not None for row in rows)
                if any(row.is_significant for row in rows):
                    named.append((where, metric, by))
    assert tested == COMPANIES * len(ASKED)
    # 95 of 100 at least; of eight none.
    assert len({where for where, _metric, _by in named}) <= COMPANIES // 20, named

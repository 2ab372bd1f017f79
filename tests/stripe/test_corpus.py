"""Hard subscriptions: each case of the corpus, in every family's shape, gives the spans and the MRR
that were worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.stripe.company import company_of, spans, synced
from tests.stripe.fake import Fake
from tests.stripe.families import FAMILIES

FOLDER = Path(__file__).parent / "corpus"
CASES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
}

def filled(family: str) -> Fake:
    """All cases side by side in one account, each under names of its own."""
    fake = Fake(family)
    for name, case in CASES.items():
        if family in case.get("families", FAMILIES):
            text = json.dumps(case["objects"])
            for prefix in ("cus", "acct", "sub", "si", "in", "il", "ii", "evt", "di"):
                text = text.replace(f'"{prefix}_', f'"{prefix}_{name}_')
            fake.fill(json.loads(text))
    return fake


def test_there_are_cases() -> None:
    assert len(CASES) >= 25


@pytest.fixture(scope="module", params=FAMILIES)
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Company]]:
    """(family, the company that was synced from it)."""
    with pytest.MonkeyPatch.context() as patch, filled(request.param).serving() as fake, \
            company_of(tmp_path_factory.mktemp("stripe") / "p", fake, patch) as company:
        synced(company)
        yield request.param, company


def test_the_spans_are_those_worked_out_by_hand(told: tuple[str, Company]) -> None:
    family, company = told
    found: dict[str, list[Any]] = {}
    for sub, item, *rest in spans(company):
        name = sub.removeprefix("sub_").rpartition("_")[0]
        found.setdefault(name, []).append(
            [sub.replace(f"{name}_", ""), item.replace(f"{name}_", ""), *rest]
        )
    wanted = {
        name: case["spans"] for name, case in CASES.items()
        if family in case.get("families", FAMILIES)
    }
    assert len(wanted) >= 25
    assert found == wanted
    assert company.rejects() == []


def test_the_mrr_is_that_worked_out_by_hand(told: tuple[str, Company]) -> None:
    family, company = told
    months = sorted({month for case in CASES.values() for month in case["mrr"]})
    assert len(months) == 6
    for month in months:
        values = by_account(company, "mrr", month)
        for name, case in CASES.items():
            wanted = case["mrr"][month]
            if wanted is not None and family in case.get("families", FAMILIES):
                known = [v for id, v in values.items() if id in (f"cus_{name}_1", f"acct_{name}_1")]
                assert sum(known) == wanted, (name, month)


def test_ends_have_the_type_that_the_case_says(told: tuple[str, Company]) -> None:
    _, company = told
    ends = {
        (name, month): kind for name, case in CASES.items()
        for month, kind in case.get("ends", {}).items()
    }
    assert len(ends) >= 4
    for month in sorted({month for _, month in ends}):
        for kind in ("voluntary", "involuntary", "paused", "unknown"):
            found = {id for id, v in by_account(company, f"{kind}_churned_mrr", month).items() if v}
            wanted = {
                f"cus_{name}_1" for (name, when), one in ends.items()
                if (when, one) == (month, kind)
            }
            assert found == wanted, (month, kind)


def by_account(company: Company, metric: str, month: str) -> dict[str, float]:
    """Account → its part of a metric in a month."""
    found = company.accounts(metric, period=month, as_of="2025-07-01").as_dict()["rows"]
    return {row["account_id"]: row["value"] for row in found}

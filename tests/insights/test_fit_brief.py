"""The brief and the channels of a planted profile: each clause has its evidence behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from staycurve.insights.fit.brief import _typical
from staycurve.workspace import Company
from tests.company import build

AS_OF = "2025-07-01"


AHEAD = "2025-09-01"
"""When half of the best churn and write that they do, in the one company that is built so."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("brief") / "p", tables()) as made:
        yield made


def tables(ahead: str = "") -> dict[str, list[dict[str, Any]]]:
    """120 accounts of 2024: 30 in EdTech double their MRR. 24 of those came by referral, six by
    ads; of the other 90 nine came by referral. A000 brought four, of which three are in EdTech; a
    retailer brought one."""
    accounts, subscriptions, answers = [], [], []
    for n in range(120):
        is_best = n % 4 == 0
        by_referral = n // 4 % 5 != 4 if is_best else n % 10 == 1 and n < 90
        name = f"A{n:03d}"
        accounts.append({
            "account_id": name, "industry": "EdTech" if is_best else ("Retail", "Media")[n % 2],
            "channel": "referral" if by_referral else "ads", "created_at": "2024-01-01",
            "referred_by": "A000" if n in (4, 8, 12, 1) else "A002" if n == 3 else "",
        })
        row = {"subscription_id": name, "account_id": name, "plan": "Pro", "interval": "month"}
        later = "2024-04-15" if is_best else ""
        subscriptions.append({**row, "starts_at": "2024-01-15", "ends_at": later, "amount": 100})
        if later:
            ends = ahead if n % 8 == 0 else ""
            subscriptions.append({**row, "starts_at": later, "ends_at": ends, "amount": 200})
            answers.append({
                "answer_id": name, "account_id": name, "survey": "nps", "kind": "nps", "score": 9,
                "answered_at": "2024-06-01",
                "comment": f"Teachers plan lessons faster; write to ann{n}@school.example",
            })
            if ends:
                answers.append({**answers[-1], "answer_id": f"{name}-2", "score": 1,
                                "answered_at": ends, "comment": "Lessons no longer print, we go"})
    return {"accounts": accounts, "subscriptions": subscriptions, "answers": answers}


def test_each_clause_rests_on_accounts(company: Company) -> None:
    found = company.fit.brief(best="nrr", as_of=AS_OF)
    assert found.rows
    clauses = {(row.part, row.clause) for row in found.rows}
    assert ("who", "industry: EdTech") in clauses
    assert ("found", "channel: referral") in clauses
    (edtech,) = [row for row in found.rows if row.clause == "industry: EdTech"
                 and not row.is_reversed]
    behind = company.fit.accounts(rule=edtech.condition, best="nrr", half="all", as_of=AS_OF)
    assert len(behind.rows) == 30
    assert "industry: EdTech (100% against 0%)" in found.text
    assert all(row.p_value is not None and row.p_value <= 0.05 for row in found.rows)


def test_words_are_the_customers_own_and_masked(company: Company) -> None:
    found = company.fit.brief(best="nrr", as_of=AS_OF)
    assert len(found.quotes) == 5
    assert all("Teachers plan lessons faster" in one.text for one in found.quotes)
    assert all("@" not in one.text for one in found.quotes)
    shown = company.fit.brief(best="nrr", unmasked=True, as_of=AS_OF)
    assert all("@school.example" in one.text for one in shown.quotes)


def test_what_comes_after_changes_no_profile(company: Company, tmp_path: Path) -> None:
    with build(tmp_path / "p", tables(AHEAD)) as other:
        for name in ("profile", "anti", "brief", "channels"):
            ask = [getattr(each.fit, name) for each in (company, other)]
            one, two = (each(best="nrr", as_of=AS_OF) for each in ask)
            assert one.why is None
            assert two.as_dict() == one.as_dict()
        assert other.fit.brief(best="nrr", as_of="2025-12-01").quotes


def test_a_text_is_told_once() -> None:
    studied = SimpleNamespace(chosen=SimpleNamespace(
        customers=[
            SimpleNamespace(account_id=f"a{place}", words=(text,)) for place, text in enumerate(
                ("We plan lessons faster.", "we plan lessons  faster", "It plans every lesson well")
            )
        ],
        is_best=[True, True, True],
    ))
    assert [text for _account, text in _typical(studied)] == [
        "We plan lessons faster.", "It plans every lesson well",
    ]


def test_without_a_difference_there_is_no_text(company: Company) -> None:
    found = company.fit.brief(best="tenure", as_of=AS_OF)
    assert (found.rows, found.text, found.quotes) == ((), "", ())
    assert found.why


def test_channels_and_referrals_by_hand(company: Company) -> None:
    found = company.fit.channels(best="nrr", as_of=AS_OF)
    assert found.rule == "industry=EdTech"
    rows = {row.channel: row for row in found.rows}
    ads, referral = rows["ads"], rows["referral"]
    assert (ads.accounts + referral.accounts, ads.matching, referral.matching) == (120, 6, 24)
    assert referral.share == pytest.approx(24 / referral.accounts)
    behind = company.fit.accounts(rule=referral.condition, best="nrr", half="all", as_of=AS_OF)
    assert len(behind.rows) == 24
    who = {row.who: row for row in found.referrals}
    own, others = who["profile"], who["others"]
    assert (own.accounts, own.referring, own.referred) == (30, 1, 4)
    assert own.referred_in_profile == 3
    assert (others.accounts, others.referring, others.referred) == (90, 1, 1)


def test_without_a_rule_there_are_no_channels(company: Company) -> None:
    assert company.fit.channels(best="tenure", as_of=AS_OF).why

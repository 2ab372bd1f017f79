"""Accounts of several sources: which are candidates, and what a merge does and its undo undoes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UnknownNameError, UsageError
from staycurve.sources.match_keys import MatchKey, domain_of, email_of
from staycurve.sources.matching import Known, candidates, merged
from staycurve.tables.account_merges import MOST
from staycurve.tables.views import DERIVED, USAGE
from staycurve.workspace import Company
from tests.company import build, create, load

KEYS = [key for text in ("id:customer", "domain", "email") if (key := MatchKey.of(text))]


def known(account: str, source: str = "", emails: str = "", **texts: str) -> Known:
    return Known(account, source, None, texts, tuple(emails.split()))


def pairs(*accounts: Known) -> list[tuple[str, str, list[str], bool]]:
    found, _ = candidates(accounts, {"crm": KEYS})
    return [(one.account_id, one.other_id, [k for k, _ in one.by], one.is_sure) for one in found]


def test_an_id_that_one_account_states_is_sure() -> None:
    ours = known("acme")
    assert pairs(ours, known("crm:1", "crm", customer="acme")) == [("crm:1", "acme", ["id"], True)]
    # Two of theirs state the same: somebody has to look.
    two = [known(f"crm:{n}", "crm", customer="acme") for n in (1, 2)]
    assert pairs(ours, *two) == [
        ("crm:1", "acme", ["id"], False), ("crm:2", "acme", ["id"], False)
    ]
    # The number that it has at another source will do.
    desk = known("desk:7", "desk")
    assert pairs(desk, known("crm:1", "crm", customer="7")) == [("crm:1", "desk:7", ["id"], True)]


def test_domains_and_addresses_are_doubtful_and_free_mail_is_no_company() -> None:
    ours = known("acme", emails="ada@acme.com bob@gmail.com")
    theirs = known("crm:1", "crm", domain="https://www.Acme.com/about")
    assert pairs(ours, theirs) == [("crm:1", "acme", ["domain"], False)]
    mails = known("crm:2", "crm", emails="BOB@gmail.com")
    assert pairs(ours, mails) == [("crm:2", "acme", ["email"], False)]
    stranger = known("crm:3", "crm", emails="eve@gmail.com")
    assert pairs(ours, stranger) == []
    # Accounts of one source are told apart by that source.
    assert pairs(theirs, known("crm:4", "crm", domain="acme.com")) == []
    assert domain_of("x@googlemail.com") == ""
    assert email_of("nobody") == ""


def test_a_domain_of_many_accounts_names_none_of_them() -> None:
    many = [known(f"a{n}", domain="agency.com") for n in range(21)]
    found, common = candidates([*many, known("crm:1", "crm", domain="agency.com")], {"crm": KEYS})
    assert (found, common) == ([], 1)


def test_an_account_counts_for_one_other_and_never_in_a_circle() -> None:
    there = ["a", "b", "c", "d"]
    got = merged([], decided=[("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")], apart=[],
                 known=there)
    assert got.into == {"a": "c", "b": "c"}
    assert got.kept_out == {("c", "a"), ("a", "d")}
    assert merged([], decided=[("a", "b")], apart=[("b", "a")], known=there).into == {}
    assert merged([], decided=[("a", "gone")], apart=[], known=there).into == {}
    ids = [f"x{n}" for n in range(MOST + 2)]
    got = merged([], decided=[(one, "x0") for one in ids[1:]], apart=[], known=ids)
    assert (len(got.into), len(got.kept_out)) == (MOST, 1)


HALVES: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"account_id": "acme", "name": "Acme", "created_at": "2024-01-01"},
        {"account_id": "crm:1", "name": "ACME Inc", "industry": "Retail", "domain": "acme.com",
         "tier": "gold"},
        {"account_id": "bolt", "name": "Bolt", "created_at": "2024-01-05", "parent_id": "crm:1"},
        {"account_id": "crm:2", "name": "Cato", "referred_by": "crm:1", "created_at": "2024-02-01"},
    ],
    "users": [
        {"user_id": "u1", "account_id": "acme", "email": "ada@acme.com"},
        {"user_id": "crm:u2", "account_id": "crm:1", "email": "bob@acme.com"},
    ],
    "subscriptions": [
        {"subscription_id": "s1", "account_id": "acme", "plan": "Pro", "interval": "month",
         "amount": "100", "starts_at": "2024-01-01", "ends_at": "2024-03-01"},
        {"subscription_id": "s2", "account_id": "crm:1", "plan": "Add", "interval": "month",
         "amount": "30", "starts_at": "2024-02-01", "ends_at": ""},
        {"subscription_id": "s3", "account_id": "crm:2", "plan": "Pro", "interval": "month",
         "amount": "50", "starts_at": "2024-02-01", "ends_at": ""},
    ],
    "events": [
        {"event_id": f"e{n}", "user_id": user, "account_id": account, "event": "view",
         "occurred_at": f"2024-0{1 + n % 3}-1{n}T10:00:00Z"}
        for n, (user, account) in enumerate([
            ("u1", ""), ("crm:u2", ""), ("", "crm:1"), ("u1", "acme"), ("crm:u2", "crm:1"),
        ])
    ],
    "tickets": [
        {"ticket_id": "t1", "account_id": "crm:1", "opened_at": "2024-02-03",
         "first_response_at": "2024-02-03T01:00:00Z", "solved_at": "2024-02-04",
         "agent_contacts": "1"},
        {"ticket_id": "t2", "account_id": "acme", "opened_at": "2024-02-05",
         "solved_at": "2024-02-06", "agent_contacts": "3"},
    ],
    "leads": [{"lead_id": "l1", "created_at": "2023-12-01", "account_id": "crm:1",
               "won_at": "2024-01-01"}],
}
AS_OF = "2024-03-20"


def whole() -> dict[str, list[dict[str, Any]]]:
    """The same company as if both had been one account from the beginning, worked out by hand."""
    own = {
        table: [
            {column: ("acme" if value == "crm:1" and column != "lead_id" else value)
             for column, value in row.items()} for row in rows
        ]
        for table, rows in HALVES.items() if table != "accounts"
    }
    return {
        "accounts": [
            {"account_id": "acme", "name": "Acme", "created_at": "2024-01-01",
             "industry": "Retail", "domain": "acme.com", "tier": "gold"},
            {"account_id": "bolt", "name": "Bolt", "created_at": "2024-01-05",
             "parent_id": "acme"},
            {"account_id": "crm:2", "name": "Cato", "referred_by": "acme",
             "created_at": "2024-02-01"},
        ],
        **own,
    }


def tables(company: Company) -> dict[str, list[Any]]:
    with company.reading() as engine:
        return {name: sorted(engine.rows(f"SELECT * FROM {name}"), key=str)
                for name in (*DERIVED, *USAGE)}


def asked(company: Company) -> dict[str, Any]:
    shown = [
        (name, row["period"], row["segment"], row["value"])
        for name, by in (("mrr", "industry"), ("customers", "tier"), ("active_accounts", ""),
                         ("fcr", ""), ("churned_mrr", ""), ("upgrade_rate", "plan"))
        for row in company.show(name, by=by, as_of=AS_OF).as_dict()["rows"]
    ]
    return {
        "shown": shown,
        "referred": company.acquisition.referrals(as_of=AS_OF).as_dict(),
        "lifecycle": company.lifecycle.accounts(as_of=AS_OF).as_dict(),
    }


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    create(tmp_path / "p").close()
    path = tmp_path / "p" / "staycurve.toml"
    path.write_text(
        path.read_text() + '\n[sources.crm]\nkind = "files"\nfolder = "in"\n'
        'match = ["id:customer", "domain", "email"]\n', encoding="utf-8",
    )
    (tmp_path / "p" / "in").mkdir()
    from tests.company import NOW

    with Company(tmp_path / "p", clock=lambda: NOW) as made:
        load(made, HALVES)
        yield made


def states(company: Company) -> list[tuple[str, str, str]]:
    return [(one.account_id, one.other_id, one.state) for one in company.matching.listed()]


def test_a_merge_counts_for_one_everywhere_and_undo_brings_back_the_same(
    company: Company, tmp_path: Path
) -> None:
    assert states(company) == [("crm:1", "acme", "open")]
    before, then = tables(company), asked(company)
    company.matching.merge("crm:1", "acme", author="ada", reason="same VAT number")
    assert not company.is_due()
    (one,) = company.matching.listed()
    assert (one.state, one.decided_by, one.reason) == ("merged", "ada", "same VAT number")
    after = tables(company)
    with build(tmp_path / "whole", whole()) as other:
        wanted, answers = tables(other), asked(other)
    wanted["account_roots"].append(("crm:1", "acme", False))
    assert {name: rows for name, rows in after.items()} == {
        name: sorted(rows, key=str) for name, rows in wanted.items()
    }
    assert asked(company) == answers
    # Everything computed anew is what the refresh of what changed came to.
    company.refresh(is_full=True)
    assert tables(company) == after

    company.matching.undo("crm:1", "acme")
    assert states(company) == [("crm:1", "acme", "open")]
    assert tables(company) == before
    assert asked(company) == then
    assert [entry.what for entry in company.state.audit()] == [
        "accounts.decision_undone", "accounts.merged"
    ]


def test_what_arrives_after_a_merge_counts_for_it(company: Company, tmp_path: Path) -> None:
    company.matching.merge("crm:1", "acme")
    more = {"subscription_id": "s4", "account_id": "crm:1", "plan": "Add", "interval": "month",
            "amount": "7", "starts_at": "2024-03-01"}
    event = {"event_id": "e9", "account_id": "crm:1", "event": "view",
             "occurred_at": "2024-03-02T00:00:00Z"}
    load(company, {"subscriptions": [more], "events": [event]})
    late = whole()
    late["subscriptions"].append({**more, "account_id": "acme"})
    late["events"].append({**event, "account_id": "acme"})
    with build(tmp_path / "whole", late) as other:
        wanted = tables(other)
    wanted["account_roots"] = sorted([*wanted["account_roots"], ("crm:1", "acme", False)], key=str)
    assert tables(company) == wanted


def test_what_cannot_be_merged_is_refused(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="crm:9"):
        company.matching.merge("crm:9", "acme")
    company.matching.merge("crm:1", "acme")
    with pytest.raises(UsageError, match="are one account already"):
        company.matching.merge("acme", "acme")
    with pytest.raises(UsageError, match="counts for acme already"):
        company.matching.merge("crm:1", "bolt")
    with pytest.raises(UnknownNameError, match="pair of accounts"):
        company.matching.apart("bolt", "acme")
    company.matching.apart("crm:1", "acme", reason="a namesake")
    assert states(company) == [("crm:1", "acme", "apart")]
    company.matching.undo("crm:1", "acme")
    with pytest.raises(UsageError, match="Nothing was decided"):
        company.matching.undo("crm:1", "acme")


def test_what_an_id_says_is_merged_by_itself_and_can_be_taken_back(company: Company) -> None:
    before = tables(company)
    said = {**HALVES["accounts"][1], "customer": "acme"}
    load(company, {"accounts": [said]})
    assert states(company) == [("crm:1", "acme", "merged")]
    with company.reading() as engine:
        assert engine.rows("SELECT account_id FROM mrr_items WHERE plan = 'Add'") == [("acme",)]
    company.matching.undo("crm:1", "acme")
    assert states(company) == [("crm:1", "acme", "apart")]
    assert tables(company) == before
    # Taken back once more, the id holds again.
    company.matching.undo("crm:1", "acme")
    assert states(company) == [("crm:1", "acme", "merged")]
    # The id is no longer told: nothing stays of it.
    load(company, {"accounts": [{**said, "customer": ""}]})
    assert states(company) == [("crm:1", "acme", "open")]
    assert tables(company) == before

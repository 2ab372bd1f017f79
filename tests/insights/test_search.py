"""Search: literal, bounded, nearest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import UsageError
from staycurve.workspace import Company
from tests.company import build, create
from tests.insights.account_company import SETTINGS, TABLES


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("search")
    made = build(folder / "project", TABLES, end_reasons=SETTINGS)
    yield made
    made.close()


def ids(company: Company, text: str, *kinds: str) -> list[str]:
    return [one.id for one in company.search(q=text, kind=kinds).rows]


def test_accounts_are_found_by_part_of_name_or_id(company: Company) -> None:
    assert ids(company, "acme", "account") == ["acme", "acme-eu"]
    assert ids(company, "EUROPE", "account") == ["acme-eu"]
    assert ids(company, "une", "account") == ["dune"]
    assert ids(company, "acme inc", "account") == ["acme"]
    assert ids(company, "nothing", "account") == []


def test_users_are_found_by_name_mail_and_id(company: Company) -> None:
    assert ids(company, "max@acme", "user") == ["u2"]
    # Una is called exactly so, Unai begins so.
    assert ids(company, "una", "user") == ["u1", "u4"]
    assert ids(company, "U3", "user") == ["u3"]
    [found] = company.search(q="max@", kind=["user"]).rows
    assert (found.name, found.about, found.account_id) == ("Max", "max@acme.example", "acme")


def test_metrics_and_pages_are_found_by_name_and_label(company: Company) -> None:
    assert ids(company, "nrr", "metric")[:2] == ["nrr", "nrr_12m"]
    assert ids(company, "net revenue churn", "metric") == ["net_revenue_churn"]
    assert "/cohorts/riskiest" in ids(company, "subscription", "page")


@pytest.mark.parametrize(("text", "found"), [
    ("%", ["bolt"]), ("_", ["bolt"]), ("'", ["bolt"]), ("50%_b", ["bolt"]), ("50_", []),
    ("a%e", []), ("\\", []), ("'; DROP TABLE accounts; --", []), ('"', []), ("b" * 10_000, []),
    ("-", ["acme-eu"]), ("\x00", []), ("🦆", []),
])
def test_a_text_is_looked_for_letter_by_letter(
    company: Company, text: str, found: list[str]
) -> None:
    assert ids(company, text, "account") == found


def test_no_text_finds_nothing(company: Company) -> None:
    for text in ("", "   "):
        found = company.search(q=text)
        assert (found.rows, found.counts) == ((), ())


def test_results_are_few_and_say_how_many_more(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {
        "accounts": [{"account_id": f"a{n:03}", "name": f"Shop {n:03}"} for n in range(250)],
    })
    found = company.search(q="shop", kind=["account"])
    assert [one.id for one in found.rows] == [f"a{n:03}" for n in range(8)]
    assert (found.counts[0].found, found.counts[0].more) == (250, 242)
    assert len(company.search(q="shop", kind=["account"], limit=100).rows) == 100
    with pytest.raises(UsageError, match="'101' is no value"):
        company.search(q="shop", limit=101)
    # A word that begins so goes before what only contains it.
    assert ids(company, "249", "account") == ["a249"]
    company.close()


def test_an_empty_project_can_be_searched(tmp_path: Path) -> None:
    company = create(tmp_path / "p")
    assert ids(company, "mrr", "account", "user") == []
    assert "mrr" in ids(company, "mrr")
    company.close()

"""The review of matches over the command line, HTTP and its page: the same list, the same acts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import NOW, create, load
from tests.state.served import FROM_HERE, client_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("matched") / "p"
    create(made).close()
    path = made / "staycurve.toml"
    path.write_text(
        path.read_text() + '\n[sources.crm]\nkind = "files"\nfolder = "in"\nmatch = ["domain"]\n',
        encoding="utf-8",
    )
    (made / "in").mkdir()
    with Company(made, clock=lambda: NOW) as company:
        load(company, {
            "accounts": [
                {"account_id": "acme", "name": "Acme", "domain": "acme.com"},
                {"account_id": "crm:1", "name": "ACME <Inc>", "domain": "www.acme.com"},
            ],
            "subscriptions": "subscription_id account_id plan interval amount starts_at\n"
            "s1 crm:1 Pro month 10 2024-01-01",
        })
    return made


@pytest.fixture
def company(folder: Path) -> Iterator[Company]:
    with Company(folder, clock=lambda: NOW) as made:
        yield made


def said(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["--project", str(folder), *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_lists_merges_and_takes_back(folder: Path) -> None:
    (row,) = json.loads(said(folder, "sources", "matches", "--format", "json"))["rows"]
    assert (row["account_id"], row["other_id"], row["state"], row["is_sure"]) == (
        "crm:1", "acme", "open", False
    )
    assert row["by"] == [{"key": "domain", "value": "acme.com"}]
    assert "counts for acme" in said(folder, "sources", "matches", "merge", "crm:1", "acme",
                                     "--by", "ada", "--reason", "one VAT number")
    shown = json.loads(said(folder, "accounts", "mrr", "--period", "2024-02", "--format", "json"))
    assert [(one["account_id"], one["value"]) for one in shown["rows"]] == [("acme", 10.0)]
    assert "merged" in said(folder, "sources", "matches", "list")
    said(folder, "sources", "matches", "undo", "crm:1", "acme")
    said(folder, "sources", "matches", "apart", "crm:1", "acme")
    said(folder, "sources", "matches", "undo", "crm:1", "acme")
    assert "crm" in said(folder, "sources")
    assert json.loads(said(folder, "sources", "certificate", "--format", "json")) == {"rows": []}


def test_the_page_and_the_api_do_the_same(company: Company) -> None:
    client = client_of(company)
    page = client.get("/data/matching")
    assert "ACME &lt;Inc&gt;" in page.text
    assert "Same domain: acme.com" in page.text
    form = {"do": "merge", "account": "crm:1", "other": "acme", "reason": "seen"}
    assert client.post("/data/matching", data=form).status_code == 400
    sent = client.post("/data/matching", data=form, headers=FROM_HERE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/data/matching?done=merge")
    assert "Matching review" in client.get("/data").text
    # Whoever asks for the account that was merged finds the one that it counts for.
    assert "Acme" in client.get("/accounts/crm:1").text
    (row,) = client.get("/api/v1/sources/matches").json()["rows"]
    assert (row["state"], row["reason"]) == ("merged", "seen")
    undone = client.post("/api/v1/sources/matches", json={
        "account_id": "crm:1", "other_id": "acme", "do": "undo"}, headers=FROM_HERE)
    assert [one["state"] for one in undone.json()["rows"]] == ["open"]
    wrong = client.post("/data/matching", data={**form, "account": "nobody"}, headers=FROM_HERE)
    assert wrong.status_code == 422
    assert "nobody" in wrong.text

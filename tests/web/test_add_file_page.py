"""A file is added in the browser: sent, looked at, loaded or thrown away, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web import uploads
from staycurve.workspace import Company
from tests.company import build

pytest.importorskip("python_multipart")

HERE = {"sec-fetch-site": "same-origin"}
FILE = "subscription_id,account_id,amount,starts_at\ns1,acme,100,2024-01-01\ns2,b,-1,2024-01-01\n"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = build(tmp_path / "project", {"accounts": [{"account_id": "zeta"}]})
    yield made
    made.close()


@pytest.fixture
def client(company: Company) -> TestClient:
    return TestClient(create_app(company), follow_redirects=False)


def sent(client: TestClient, name: str, text: str, **more: str) -> str:
    """Send a file; the address where the browser is sent then."""
    answer = client.post(
        "/data/add", data={"do": "upload"}, files={"file": (name, text.encode())}, headers=HERE,
    )
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_a_file_is_sent_looked_at_and_loaded(client: TestClient, company: Company) -> None:
    empty = client.get("/data/add").text
    assert 'enctype="multipart/form-data"' in empty
    address = sent(client, "subscriptions.csv", FILE)
    shown = client.get(address).text
    assert "1 rows would be accepted, 1 rejected" in shown
    assert "is negative" in shown
    assert "line 3: -1" in shown
    assert "subscriptions" not in company.snapshot.tables
    token = re.search(r"file=([0-9a-f]{32})", address)[1]  # type: ignore[index]
    loaded = client.post("/data/add", data={"do": "load", "file": token}, headers=HERE)
    assert loaded.status_code == 303
    told = client.get(loaded.headers["location"]).text
    assert "<td>1</td><td>0</td><td>1</td>" in told
    assert not (company.folder / uploads.FOLDER / token).exists()
    assert company.lake.rows(company.lake.pointer.latest(), "subscriptions") == 1


def test_an_option_is_chosen_by_a_link_or_a_plain_form(
    client: TestClient, company: Company
) -> None:
    text = "subscription_id,account_id,amount,starts_at\ns1,acme,100,31/01/2024\n"
    address = sent(client, "subscriptions.csv", text)
    shown = client.get(address).text
    assert "dates=dmy" in shown
    assert "--dates dmy" in shown
    again = client.get(address + "&dates=dmy").text
    assert "1 rows would be accepted, 0 rejected" in again
    assert '<input type="hidden" name="dates" value="dmy">' in again


def test_a_file_can_be_thrown_away(client: TestClient, company: Company) -> None:
    token = sent(client, "x.csv", FILE).partition("file=")[2]
    assert (company.folder / uploads.FOLDER / token / "x.csv").exists()
    dropped = client.post("/data/add", data={"do": "drop", "file": token}, headers=HERE)
    assert dropped.headers["location"] == "/data/add"
    assert not (company.folder / uploads.FOLDER / token).exists()


def test_a_file_from_elsewhere_is_not_taken(client: TestClient, company: Company) -> None:
    answer = client.post(
        "/data/add", data={"do": "upload"}, files={"file": ("a.csv", b"x")},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert answer.status_code >= 400
    assert not list((company.folder / uploads.FOLDER).glob("*/*"))


def test_a_file_that_is_too_large_is_refused_and_not_kept(
    client: TestClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST", 1000)
    answer = client.post(
        "/data/add", data={"do": "upload"}, files={"file": ("a.csv", b"x" * 5000)}, headers=HERE,
    )
    assert answer.status_code >= 400
    assert "larger than" in answer.text
    assert not list((company.folder / uploads.FOLDER).glob("*/*"))


def test_a_file_s_name_is_no_path() -> None:
    assert uploads.plain_name("../../etc/pass wd.csv") == "pass wd.csv"
    assert uploads.plain_name("C:\\data\\a<b>.csv") == "a_b_.csv"
    assert uploads.plain_name("..") == ""


def test_a_token_that_nobody_gave_leads_nowhere(client: TestClient) -> None:
    answer = client.get("/data/add?file=../../state.db")
    assert answer.status_code >= 400
    assert "no longer here" in answer.text


def test_what_was_guessed_is_what_is_loaded_and_can_be_kept(
    client: TestClient, company: Company
) -> None:
    text = "sub,customer,monthly_fee,from\ns1,acme,100,2024-01-01\n"
    token = sent(client, "Shop 7.csv", text).partition("file=")[2]
    loaded = client.post(
        "/data/add", data={"do": "load", "file": token, "keep": "1"}, headers=HERE
    )
    assert "<td>1</td><td>0</td><td>0</td>" in client.get(loaded.headers["location"]).text
    again = sent(client, "other.csv", text.replace("s1", "s2"))
    assert "Looks like a file that mappings/shop-7.toml" in client.get(again).text

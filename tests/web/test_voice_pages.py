"""The pages Satisfaction, Feedback and Support, and notes on the page of an account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("pages") / "project", {
        "accounts": "account_id industry\nacme EdTech\nbolt Law",
        "users": [{"user_id": "u", "account_id": "acme", "name": "Una Ray"}],
        "subscriptions": [{"subscription_id": one, "account_id": one, "amount": 100,
                           "starts_at": "2024-01-01"} for one in ("acme", "bolt")],
        "answers": [
            {"answer_id": f"a{day}", "survey": "q", "kind": "nps", "account_id": "acme",
             "user_id": "u", "answered_at": f"2024-05-{day:02}", "score": 3, "scale_max": 10,
             "comment": "Una Ray: a <b>dark</b> theme please, <script>alert(1)</script>"}
            for day in range(1, 6)
        ],
        "invitations": [{"invitation_id": "i", "survey": "q", "account_id": "acme",
                         "user_id": "u", "asked_at": "2024-04-30"}],
        "tickets": [{"ticket_id": "t", "account_id": "acme", "opened_at": "2024-05-01",
                     "topic": "billing"}],
    })
    yield made
    made.close()


@pytest.fixture
def client(company: Company) -> TestClient:
    return TestClient(create_app(company))


def test_satisfaction_shows_the_score_who_is_unhappy_and_no_personal_data(
    client: TestClient
) -> None:
    page = client.get("/satisfaction").text
    assert "-100" in page
    assert "[name]: a &lt;b&gt;dark&lt;/b&gt; theme" in page
    assert "Una Ray" not in page
    twin = client.get("/satisfaction.json").json()
    panels = {panel["name"]: panel for panel in twin["panels"]}
    assert [row["value"] for row in panels["figures"]["rows"]] == [-100]
    assert panels["silent"]["invited"] == 1
    # The bounds are scores: as shares they would read -10,000.0%.
    assert ",000.0%" not in page
    assert client.get("/satisfaction?kind=nonsense").status_code == 422
    assert 'by=industry' in page
    [by] = [one for one in client.get("/satisfaction.json?by=industry").json()["panels"]
            if one["name"] == "scores"]
    assert [(row["segment"], row["value"]) for row in by["rows"]] == [
        ({"industry": "EdTech"}, -100)]
    assert client.get("/satisfaction?by=nonsense").status_code == 422


def test_support_shows_who_waits(client: TestClient) -> None:
    panels = {one["name"]: one for one in client.get("/support.json").json()["panels"]}
    assert [row["account_id"] for row in panels["largest"]["rows"]] == ["acme"]
    assert "Who to call first" in client.get("/support?by=topic").text


def test_a_suggestion_is_accepted_on_the_page_and_a_second_editor_is_told(
    client: TestClient
) -> None:
    late = client.get("/feedback?panel=suggestions").text
    assert "dark*" in late
    assert "<script>alert" not in late
    form = {"do": "accept", "number": "1", "name": "Dark theme", "seen": "0", "by": "Ada"}
    answer = client.post("/feedback", data=form, headers=OWN, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/feedback?done=changed#codebook")
    # The page was asked for before: what is kept of it does not hide the change.
    panels = {one["name"]: one for one in client.get("/feedback.json").json()["panels"]}
    assert [(row["theme"], row["comments"]) for row in panels["themes"]["rows"]] == [
        ("dark-theme", 5), ("billing", 1),
    ]
    second = {"do": "rename", "theme": "dark-theme", "name": "Night", "seen": "0"}
    told = client.post("/feedback", data=second, headers=OWN)
    assert told.status_code == 422
    assert "changed meanwhile" in told.text
    assert 'value="Night"' in told.text
    other = client.post("/feedback", data=second, headers={"Sec-Fetch-Site": "cross-site"})
    assert other.status_code == 400


def test_a_note_is_kept_on_the_account_page_and_in_its_timeline(client: TestClient) -> None:
    form = {"do": "note", "text": "Met <i>@bob</i>", "kind": "meeting", "day": "2024-05-02",
            "author": "Ada"}
    answer = client.post("/accounts/acme", data=form, headers=OWN, follow_redirects=False)
    assert answer.headers["location"] == "/accounts/acme?done=noted#notes"
    page = client.get("/accounts/acme?kind=note").text
    assert page.count("Met &lt;i&gt;@bob&lt;/i&gt;") == 2
    [event] = client.get("/api/v1/account/timeline?account=acme&kind=note").json()["rows"]
    assert (event["day"], event["what"], event["detail"]) == (
        "2024-05-02", "note_meeting", "Ada: Met <i>@bob</i>")
    [note] = client.get("/api/v1/notes?text=BOB").json()["rows"]
    assert note["mentions"] == ["bob"]
    empty = client.post("/accounts/acme", data={"do": "note", "text": " "}, headers=OWN)
    assert "The note is empty" in empty.text
    assert client.delete(f"/api/v1/notes/{note['id']}").status_code == 200
    assert client.get("/api/v1/notes").json() == {"rows": []}


def test_the_codebook_is_changed_over_http(client: TestClient) -> None:
    sent = {"what": "pin", "comment": "a1", "theme": "price", "by": "Ada"}
    made = client.post("/api/v1/codebook", json=sent)
    assert (made.status_code, made.json()["what"], made.json()["theme"]) == (201, "pin", "price")
    rows = client.get("/api/v1/feedback/comments?theme=price").json()["rows"]
    assert [row["comment_id"] for row in rows] == ["a1"]
    stale = client.post("/api/v1/codebook", json={**sent, "seen": 0})
    assert stale.json()["error"]["code"] == "codebook_changed"
    assert client.post("/api/v1/codebook", json={"what": "burn"}).status_code == 422

"""The pages: surveys with their response, one survey with its answers, and their forms."""

from __future__ import annotations

import pytest

from staycurve import personal
from tests.state.served import FROM_HERE
from tests.surveys.conftest import Shop


@pytest.fixture
def settings() -> str:
    return '\n[mail]\nhost = "127.0.0.1"\nport = 1\nfrom = "hi@test.example"\n'


def test_a_survey_is_created_by_form_asked_and_read(shop: Shop) -> None:
    assert "no survey yet" in shop.client.get("/surveys").text.lower()
    sent = shop.client.post("/surveys", headers=FROM_HERE, data={
        "do": "create", "name": "After <help>", "kind": "csat", "question": "How was it?"})
    assert sent.status_code == 422
    assert "is not a name" in sent.text
    assert 'name="question" value="How was it?"' in sent.text
    sent = shop.client.post("/surveys", headers=FROM_HERE, data={
        "do": "create", "name": "After help", "kind": "csat", "question": "How was <it>?",
        "questions": "One?\n\nTwo?", "cadence_days": "14", "touchpoint": "support"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/surveys/After%20help")
    ((_number, _at, what),) = shop.surveys.versions("After help")
    assert (what.cadence_days, what.touchpoint, [one.question for one in what.questions]) == (
        14, "support", ["One?", "Two?"])
    link = shop.links(shop.surveys.get("After help"))["ann"]
    shop.client.post(link, data={"score": "2", "comment": "=1+1 <b>"})
    page = shop.client.get("/surveys/After%20help").text
    assert "=1+1 &lt;b&gt;" in page
    assert "not finished" in page
    panels = shop.client.get("/surveys/After%20help.json").json()["panels"]
    rows = {one["name"]: one["rows"] for one in panels}
    assert (rows["figures"][0]["asked"], rows["figures"][0]["answered"]) == (5, 1)
    assert rows["answers"][0]["comment"] == "=1+1 <b>"
    csv = shop.client.get("/surveys/After%20help?panel=answers&format=csv").text
    assert "'=1+1 <b>" in csv
    assert "How was &lt;it&gt;?" in shop.client.get("/surveys").text


def test_a_ready_survey_is_sent_from_its_page_and_paused(shop: Shop) -> None:
    sent = shop.client.post("/surveys", headers=FROM_HERE, data={"do": "ready", "ready": "nps"})
    assert sent.headers["location"] == "/surveys/nps"
    page = shop.client.get("/surveys/nps").text
    assert "4 people may be asked now." in page
    assert "the first payment was too recent" in page
    wrong = shop.client.post("/surveys/nps", headers=FROM_HERE,
                             data={"do": "send", "where": "country=FR"})
    assert wrong.status_code == 422
    sent = shop.client.post("/surveys/nps", headers=FROM_HERE,
                            data={"do": "send", "where": "country=US"})
    assert sent.headers["location"] == "/surveys/nps?done=sent#people"
    assert shop.surveys.standing("nps").mails == {"waiting": 2}
    assert shop.client.post("/surveys/nps", headers=FROM_HERE, data={"do": "pause"}).is_redirect
    assert not shop.surveys.get("nps").is_active
    # Nobody elsewhere sends a form.
    assert shop.client.post("/surveys/nps", data={"do": "resume"}).status_code == 400
    assert shop.client.get("/surveys/nsp").status_code == 404


def test_an_address_is_suppressed_and_released(shop: Shop) -> None:
    bad = shop.client.post("/surveys", headers=FROM_HERE, data={"do": "suppress", "email": "x"})
    assert bad.status_code == 422
    shop.client.post("/surveys", headers=FROM_HERE,
                     data={"do": "suppress", "email": "Ann@acme.example"})
    assert "ann@acme.example" in shop.client.get("/surveys").text
    shop.client.post("/surveys", headers=FROM_HERE,
                     data={"do": "release", "email": "ann@acme.example"})
    assert shop.surveys.suppressions() == ()


def test_the_api_answers_the_same(shop: Shop) -> None:
    survey = shop.create()
    shop.client.post(shop.links(survey)["dora"], data={"score": "10"})
    (row,) = shop.client.get("/api/v1/surveys").json()["rows"]
    assert (row["name"], row["asked"], row["answered"], row["mean_score"]) == ("nps", 4, 1, 10.0)
    (answer,) = shop.client.get("/api/v1/surveys/nps/answers").json()["rows"]
    assert (answer["user_id"], answer["score"]) == ("dora", 10)
    assert shop.client.get("/api/v1/surveys/nsp/answers").status_code == 404


def test_who_may_see_no_personal_data_sees_scores_alone(shop: Shop) -> None:
    link = shop.links(shop.create())["dora"]
    shop.client.post(link, data={"score": "7", "comment": "Ask Ann"})
    shop.surveys.suppress("ann@acme.example")
    with personal.reading(is_shown=False):
        (row,) = shop.surveys.answers("nps")
        (gone,) = shop.surveys.suppressions()
    assert (row["score"], row["account_id"], row["version"]) == (7, "bolt", 1)
    assert row["user_id"] == row["comment"] == gone.email == personal.HIDDEN

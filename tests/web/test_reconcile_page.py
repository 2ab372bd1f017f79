"""The page /reconcile: definitions in words, differences that sum, and figures that are sent."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from fractions import Fraction

import pytest
from fastapi.testclient import TestClient
from markupsafe import escape

from staycurve.conventions import PROFILES, SWITCHES
from staycurve.insights.books.reconciliation import Difference
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web import forms
from staycurve.interfaces.web.comparison import signed
from staycurve.interfaces.web.differences import sum_of
from staycurve.interfaces.web.their_figures import FIGURES
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.workspace import Company
from tests.company import build, create
from tests.web.reading import links

HTML = {"Accept": "text/html"}
OWN = {"Sec-Fetch-Site": "same-origin"}

# In March: acme 100 less 20%, bolt 60 metered, crux 40 past due since January, dune 50.
# Ours: 80 + 60 + 0 + 50 = 190. Stripe's: 80 + 0 + 40 + 50 = 170. Undiscounted: 210.
SUBSCRIPTIONS = """subscription_id account_id kind starts_at ends_at amount discount_percent status
    s1 acme base    2024-01-01 -          100 20 active
    s2 bolt metered 2024-01-01 -          60  -  active
    s3 crux base    2024-01-01 2024-01-10 40  -  active
    s3 crux base    2024-01-10 -          40  -  past_due
    s4 dune base    2024-01-01 -          50  -  active
    s5 echo base    2024-01-01 2024-04-05 10  -  active"""
STRIPE = "/reconcile?against=stripe&period=2024-03&as_of=2024-04-20"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, TestClient]]:
    folder = tmp_path_factory.mktemp("reconcile") / "project"
    accounts = [{"account_id": "crux", "name": "<b>Crux</b>"}]
    with build(folder, {"accounts": accounts, "subscriptions": SUBSCRIPTIONS}) as made:
        yield made, TestClient(create_app(made), raise_server_exceptions=False)


@pytest.fixture
def client(served: tuple[Company, TestClient]) -> TestClient:
    return served[1]


def panels(client: TestClient, address: str) -> dict[str, dict]:  # type: ignore[type-arg]
    path, _, query = address.partition("?")
    answer = client.get(f"{path}.json?{query}")
    assert answer.status_code == 200, answer.text
    return {panel["name"]: panel for panel in answer.json()["panels"]}


def test_the_gap_by_hand(client: TestClient) -> None:
    found = panels(client, STRIPE)["gap"]
    assert (found["ours"], found["theirs"], found["gap"]) == (200, 180, -20)
    differences = {row["rule"]: row["difference"] for row in found["rows"] if row["accounts"]}
    assert differences == {"usage": -60, "past_due_grace": 40}
    html = client.get(STRIPE).text
    assert "data-ours>200.00<" in html
    assert "data-theirs>180.00<" in html
    assert "data-gap>−20.00<" in html


@pytest.mark.parametrize("metric", ["mrr", "nrr", "customers"])
@pytest.mark.parametrize("against", [name for name in PROFILES if name != "staycurve"])
def test_rows_sum_to_the_gap(client: TestClient, metric: str, against: str) -> None:
    found = panels(client, STRIPE.replace("stripe", against) + f"&metric={metric}")
    gap, rows = found["gap"]["gap"], found["differences"]["rows"]
    assert sum(row["difference"] for row in rows) == pytest.approx(gap)
    assert found["differences"]["total"] == pytest.approx(gap)
    assert sum(row["difference"] for row in found["gap"]["rows"]) == pytest.approx(gap)


def test_each_rule_opens_into_the_accounts_that_make_it(client: TestClient) -> None:
    html = client.get(STRIPE).text
    for rule, account, shown in (("usage", "bolt", "−60.00"), ("past_due_grace", "crux", "+40.00")):
        link = next(x for x in links(html) if f"rule={rule}" in x.href and x.text == shown)
        opened = client.get(link.href.partition("#")[0]).text
        assert f"data-sum>{shown}<" in opened
        rows = panels(client, link.href.partition("#")[0])["differences"]["rows"]
        assert [row["account_id"] for row in rows] == [account]


def test_both_definitions_stand_side_by_side_with_their_sources(client: TestClient) -> None:
    html = client.get(STRIPE).text
    assert "Metered items count." in html
    assert "Metered items do not count." in html
    assert "Stripe billing docs: metered usage is left out" in html
    for rule, source in PROFILES["stripe"].not_imitated.items():
        assert rule in html
        assert source.replace("'", "&#39;") in html
    rows = panels(client, STRIPE)["definitions"]["rows"]
    assert [row["rule"] for row in rows if row["is_imitated"]] == list(SWITCHES)
    assert {row["rule"] for row in rows if row.get("differs")} == {
        "usage", "past_due_grace", "churn_denominator"
    }


def test_formulas_that_differ_are_shown(client: TestClient) -> None:
    told = panels(client, STRIPE.replace("stripe", "chartmogul") + "&metric=nrr")["definitions"]
    assert told["formula"]["ours"] != told["formula"]["theirs"]
    html = client.get(STRIPE.replace("stripe", "chartmogul") + "&metric=nrr").text
    assert "Formula of Net revenue retention" in html
    assert "Formula of" not in client.get(STRIPE).text


def test_the_waterfall_has_a_bar_for_each_rule_and_one_for_the_gap(client: TestClient) -> None:
    html = client.get(STRIPE).text
    drawing = re.search(r'<div class="chart wide">(.*?)</svg>', html, re.S)
    assert drawing is not None
    marks = re.findall(r'href="([^"]*)"><path aria-label="([^"]*)"', drawing[1])
    assert {label for _, label in marks} == {
        "usage: −60.00", "past due grace: +40.00", "the gap: −20.00"
    }
    assert all(href.startswith("/reconcile?") for href, _ in marks)
    assert "#010203" not in drawing[1]
    assert "https://" not in drawing[1]
    assert html.count('class="chart narrow"') == 1


def test_a_name_is_never_markup(client: TestClient) -> None:
    html = client.get(STRIPE).text
    assert "&lt;b&gt;Crux&lt;/b&gt;" in html
    assert "<b>Crux" not in html


def test_the_effects_come_afterwards_in_a_browser_and_at_once_in_the_twin(
    client: TestClient,
) -> None:
    whole = client.get(STRIPE).text
    assert 'data-switch="usage=exclude"' not in whole
    (late,) = re.findall(r'hx-get="([^"]*)" hx-target="#switches"', whole)
    address = late.replace("&amp;", "&")
    asked = {"HX-Request": "true", "HX-Target": "switches"}
    part = client.get(address, headers=asked)
    assert part.text.lstrip().startswith('<section class="panel panel-switches" id="switches"')
    assert "hx-push-url" not in part.headers
    assert "<main" not in part.text
    # Without scripts the link leads to the whole page with them.
    plain = client.get(address).text
    assert "<html" in plain
    assert 'data-switch="usage=exclude"' in plain
    rows = {
        (row["switch"], row["value"], row["metric"]): row
        for row in panels(client, STRIPE)["switches"]["rows"]
    }
    assert rows["usage", "exclude", "mrr"]["difference"] == -60
    assert rows["discounts", "none", "mrr"]["with"] == 220
    assert rows["past_due_grace", "forever", "customers"]["difference"] == 1


def test_a_changed_choice_gets_the_main_part_with_an_opened_panel(client: TestClient) -> None:
    asked = {"HX-Request": "true", "HX-Target": "main"}
    part = client.get(STRIPE + "&panel=switches", headers=asked)
    assert '<main id="main"' in part.text
    assert part.headers["hx-push-url"].startswith("/reconcile?")


def test_each_panel_has_its_own_csv(client: TestClient) -> None:
    for name in ("gap", "definitions", "differences", "switches"):
        text = client.get(f"{STRIPE}&format=csv&panel={name}").text
        sheet = list(csv.DictReader(io.StringIO(text)))
        assert sheet, name
        if name == "differences":
            assert sum(float(row["difference"]) for row in sheet) == -20


def test_rows_are_paged_and_their_sum_is_of_all(tmp_path: object) -> None:
    rows = [
        {"subscription_id": f"s{n}", "account_id": f"a{n:03}", "kind": "metered",
         "starts_at": "2024-01-01", "amount": n}
        for n in range(1, 151)
    ]
    with build(tmp_path / "p", {"subscriptions": rows}) as made:  # type: ignore[operator]
        client = TestClient(create_app(made))
        html = client.get("/reconcile?against=stripe&period=2024-01&as_of=2024-03-01&page=2").text
    assert html.count('<a class="to" href="/accounts/a') == 50
    assert "Sum of 150 rows" in html
    assert "data-sum>−11,325.00<" in html
    assert "Page 2 of 2" in html


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("against=strip", 422, "Did you mean &#39;stripe&#39;?"),
        ("metric=mmr", 404, "Did you mean &#39;mrr&#39;?"),
        ("period=soon", 422, "is not a period"),
        ("period=2030-01", 422, "begins after"),
        ("against=stripe&rule=nothing", 422, "Unknown rule"),
        ("page=x", 422, "is not a page"),
        ("where=plan=Pro", 422, "cannot be cut by plan"),
        ("against=<script>alert(1)</script>", 422, "Unknown profile"),
    ],
)
def test_what_cannot_be_compared_is_an_error_in_words(
    client: TestClient, query: str, status: int, said: str
) -> None:
    answer = client.get(f"/reconcile?{query}", headers=HTML)
    assert answer.status_code == status
    assert said in answer.text
    assert "<script>alert" not in answer.text


def test_an_unknown_panel_is_an_error(client: TestClient) -> None:
    asked = {"HX-Request": "true", "HX-Target": "x"}
    assert client.get("/reconcile?panel=x", headers=asked).status_code == 422


def test_an_open_period_has_no_rate_to_compare(client: TestClient) -> None:
    html = client.get(STRIPE.replace("2024-03", "2024-04") + "&metric=nrr").text
    assert "There is no gap to show: the period is still open." in html
    assert 'class="chart' not in html


def test_a_profile_against_itself_has_no_gap(client: TestClient) -> None:
    html = client.get(STRIPE.replace("stripe", "staycurve")).text
    assert "data-gap>0.00<" in html
    assert "The two follow the same rules." in html


def test_nothing_connected(tmp_path: object) -> None:
    with create(tmp_path / "project") as made:  # type: ignore[operator]
        client = TestClient(create_app(made))
        assert 'data-empty="nothing_connected"' in client.get("/reconcile").text
        assert client.get("/reconcile.json").json()["empty"] == "nothing_connected"


# Figures that are sent.

THEIRS = "month,metric,value\n2024-03,mrr,200\n2024-03,mrr,140.00\n2024-02,customers,4\n"


def sent(client: TestClient, text: str, **more: object) -> object:
    return client.post(STRIPE, data={"figures": text}, headers=OWN, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["pasted", "chosen", "posted"])
def test_their_figures_are_laid_beside_ours(client: TestClient, way: str) -> None:
    if way == "pasted":
        answer = client.post(STRIPE, data={"figures": THEIRS}, headers=OWN)
    elif way == "chosen":
        files = {"file": ("theirs.csv", b"\xef\xbb\xbf" + THEIRS.encode(), "text/csv")}
        answer = client.post(STRIPE, data={"figures": ""}, files=files, headers=OWN)
    else:
        path, _, query = STRIPE.partition("?")
        answer = client.post(
            f"{path}.json?{query}", content=THEIRS, headers={"Content-Type": "text/csv"}
        )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    if way == "posted":
        (found,) = [p for p in answer.json()["panels"] if p["name"] == "theirs"]
        assert [row["agrees"] for row in found["rows"]] == [True, False, True]
        assert found["rows"][1]["cause"]["names"] == ["usage", "exclude"]
        return
    assert "3 figures: 2 agree, 1 are explained to the last digit, 0 are not." in answer.text
    assert 'usage = &#34;exclude&#34;' in answer.text
    assert "Metered items do not count." in answer.text


def test_nothing_of_what_is_sent_is_kept(
    served: tuple[Company, TestClient], tmp_path: object
) -> None:
    company, client = served
    before = sorted(str(path) for path in company.folder.rglob("*"))
    sent(client, THEIRS)
    assert sorted(str(path) for path in company.folder.rglob("*")) == before
    assert "140.00" not in client.get(STRIPE).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Nothing was sent."),
        ("month,mrr\n2024-03,1", "has no column metric, value"),
        ("month,metric,value\n2024-03,mmr,1", "figures.csv:2 unknown metric &#39;mmr&#39;"),
        ("month,metric,value\n2024-03,mrr,<i>", ":2 &#39;&lt;i&gt;&#39; is not a number"),
        ("month,metric,value\n2022-03,mrr,1", "Nothing is known of 2022-03"),
        ("month,metric,value\n2024-03,mrr,1e999999999", "is not a number"),
        ("month,metric,value\n2024-03,mrr," + "9" * 400, "is not a number"),
        ("month,metric,value\n" + "2024-03,mrr,1\n" * (FIGURES + 1), "at most 240"),
        ("month,metric,value\n2024-03,mrr,\"" + "1" * 140_000, "is not CSV"),
    ],
)
def test_what_is_wrong_with_figures_is_said_on_the_page(
    client: TestClient, text: str, said: str
) -> None:
    answer = sent(client, text)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    html = answer.text  # type: ignore[attr-defined]
    assert said in html
    assert 'role="alert"' in html
    assert "data-ours>200.00<" in html
    # What was written stays, so that it can be mended.
    written = html[html.index("<textarea") : html.index("</textarea>")]
    assert str(escape(text[:40])) in written


def test_programs_get_the_one_shape(client: TestClient) -> None:
    headers = {"Content-Type": "text/csv"}
    answer = client.post(
        "/reconcile.json?as_of=2024-04-20", content="month,mrr\n", headers=headers
    )
    assert answer.status_code == 422
    assert set(answer.json()["error"]) == {"code", "message", "hint"}


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": "http://testserver"}, True),
        ({"Origin": "http://TESTSERVER"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "http://testserver:81"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
    ],
)
def test_a_form_from_elsewhere_is_not_read(
    client: TestClient, headers: dict[str, str], is_taken: bool
) -> None:
    for files in ({}, {"file": ("a.csv", b"x", "text/csv")}):
        answer = client.post(STRIPE, data={"figures": "x"}, files=files, headers=headers)
        assert answer.status_code == (422 if is_taken else 400)
        if not is_taken:
            assert answer.json()["error"]["code"] == "foreign_form"
    # A page elsewhere may send plain text without being asked, but no text/csv.
    plain = client.post(STRIPE, content="x", headers={**headers, "Content-Type": "text/plain"})
    assert plain.status_code == (422 if is_taken else 400)


def test_the_page_lets_a_browser_name_its_origin(client: TestClient) -> None:
    assert client.get(STRIPE).headers["referrer-policy"] == "same-origin"
    assert client.get("/healthz").headers["referrer-policy"] == "no-referrer"


def test_too_much_is_refused(client: TestClient) -> None:
    answer = sent(client, "x" * (forms.LIMIT + 1))
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert "larger than 256 KB" in answer.text  # type: ignore[attr-defined]


def test_what_is_not_utf8_is_refused(client: TestClient) -> None:
    files = {"file": ("theirs.csv", THEIRS.encode("utf-16"), "text/csv")}
    answer = client.post(STRIPE, files=files, headers=OWN)
    assert answer.status_code == 422
    assert "not UTF-8" in answer.text


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_nothing_else_is_taken(client: TestClient, method: str) -> None:
    assert client.request(method, "/reconcile").status_code == 405
    assert client.post("/books", headers=OWN).status_code == 405


def test_a_difference_that_rounding_would_hide_is_no_zero() -> None:
    assert signed(Fraction(5, 2), Unit.MONEY, "USD") == "+2.50"
    assert signed(Fraction(-1, 1000), Unit.MONEY, "USD") == "−0.001"
    assert signed(Fraction(-1, 3_000_000), Unit.PERCENT, "USD") == "−0.000033 points"
    assert signed(Fraction(0), Unit.PERCENT, "USD") == "0.00 points"
    assert signed(None, Unit.MONEY, "USD") == "–"


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    known = Difference("a", "usage", Fraction(1, 3), Fraction(1), None)
    unknown = Difference("b", "usage", None, Fraction(1), None)
    assert sum_of([known, known, known]) == 1
    assert sum_of([known, unknown]) is None


def test_a_metric_of_every_unit_can_be_compared(client: TestClient) -> None:
    names = {metric.unit: name for name, metric in METRICS.items()}
    for name in names.values():
        assert client.get(STRIPE + f"&metric={name}").status_code == 200, name


def test_their_figure_opens_into_the_accounts_under_their_rules(client: TestClient) -> None:
    html = client.get(STRIPE).text
    theirs = next(x for x in links(html) if "under=stripe" in x.href)
    # 170 as above, and echo, which pays until April.
    assert theirs.text == "180.00"
    page = client.get(theirs.href).text
    assert "data-total>180.00<" in page
    assert "<code>stripe</code>" in page
    found = panels(client, theirs.href)["rows"]
    assert {row["account_id"]: row["value"] for row in found["rows"]} == {
        "acme": 80, "crux": 40, "dune": 50, "echo": 10,
    }


def test_a_figure_under_another_switch_opens_into_its_accounts(client: TestClient) -> None:
    html = client.get(f"{STRIPE}&panel=switches").text
    found = [x for x in links(html) if "under=" in x.href and "metric=mrr" in x.href]
    assert len(found) >= 3
    for link in found:
        page = client.get(link.href).text
        assert f"data-total>{link.text}<" in page, link.href
    for wrong in ("under=strype", "under=discount=all", "under=discounts=some"):
        answer = client.get(f"/accounts?metric=mrr&period=2024-03&{wrong}")
        assert answer.status_code == 422, wrong
        assert "Unknown" in answer.text

"""What opens the numbers of behaviour: commands, the HTTP interface and Python agree."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.insights.answers import Answer
from staycurve.insights.filled import filled
from staycurve.insights.onboarding.checklist_accounts import STATES
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli import main
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.web.findings.by_hand import AS_OF, by_hand


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Five accounts, counted by hand."""
    made = by_hand(tmp_path_factory.mktemp("commands") / "project")
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(company: Company) -> TestClient:
    return TestClient(create_app(company), raise_server_exceptions=False)


def run(company: Company, words: str, output: str) -> str:
    asked = ["--project", str(company.folder), *words.split(), "--as-of", AS_OF]
    done = CliRunner().invoke(app, [*asked, "--format", output])
    if done.exception:
        raise done.exception
    return done.stdout


Ask = Callable[[Company], Any]
# Command, address, what Python is asked, and how many rows there are by hand.
SAME: list[tuple[str, str, Ask, int]] = [
    ("acquisition reach --period 2024-04", "acquisition/reach?period=2024-04",
     lambda c: c.acquisition.reach(period="2024-04", as_of=AS_OF), 3),
    ("acquisition reach --period 2024-04 --kind mentions --where channel=web",
     "acquisition/reach?period=2024-04&kind=mentions&where=channel%3Dweb",
     lambda c: c.acquisition.reach(
         period="2024-04", kind="mentions", where="channel=web", as_of=AS_OF), 1),
    ("acquisition spend --period 2024-04 --where channel=ads",
     "acquisition/spend?period=2024-04&where=channel%3Dads",
     lambda c: c.acquisition.spend(period="2024-04", where="channel=ads", as_of=AS_OF), 1),
    ("acquisition stayed --age 2 --where channel=ads",
     "acquisition/stayed?age=2&where=channel%3Dads",
     lambda c: c.acquisition.stayed(age=2, where="channel=ads", as_of=AS_OF), 2),
    ("acquisition quality --where industry=EdTech",
     "acquisition/quality?where=industry%3DEdTech",
     lambda c: c.acquisition.quality(where="industry=EdTech", as_of=AS_OF), 2),
    ("acquisition referrals --where industry=Health",
     "acquisition/referrals?where=industry%3DHealth",
     lambda c: c.acquisition.referrals(where="industry=Health", as_of=AS_OF), 1),
    ("acquisition referred --state ever_paid", "acquisition/referred?state=ever_paid",
     lambda c: c.acquisition.referred(state="ever_paid", as_of=AS_OF), 2),
    ("acquisition referred acme --state paying --where channel=web",
     "acquisition/referred?referrer=acme&state=paying&where=channel%3Dweb",
     lambda c: c.acquisition.referred(
         referrer="acme", state="paying", where="channel=web", as_of=AS_OF), 1),
    ("acquisition leads --cohort 2024 --step mature --horizon 30",
     "acquisition/leads?cohort=2024&step=mature&horizon=30",
     lambda c: c.acquisition.leads(
         cohort="2024", step="mature", horizon=30, as_of=AS_OF), 3),
    ("features accounts --part breadth --breadth 2 --period 2024-04",
     "features/accounts?part=breadth&breadth=2&period=2024-04",
     lambda c: c.features.accounts(part="breadth", breadth=2, period="2024-04", as_of=AS_OF), 2),
    ("features limit-uses acme report --period 2024-04",
     "features/limits/uses?account=acme&feature=report&period=2024-04",
     lambda c: c.features.limit_uses(
         account="acme", feature="report", period="2024-04", as_of=AS_OF), 4),
    *(
        (f"onboarding progress project --state {state}",
         f"onboarding/checklist/accounts?step=project&state={state}",
         lambda c, state=state: c.onboarding.step_accounts(
             step="project", state=state, as_of=AS_OF),
         count)
        for state, count in (
            ("did", 2), ("did_paying", 1), ("did_active", 1), ("did_not", 1),
            ("did_not_paying", 0), ("did_not_active", 0),
        )
    ),
    ("trials accounts --part converted --without report",
     "trials/accounts?part=converted&without=report",
     lambda c: c.trials.accounts(part="converted", without="report", as_of=AS_OF), 1),
    ("trials accounts --part left --end-class voluntary",
     "trials/accounts?part=left&end_class=voluntary",
     lambda c: c.trials.accounts(part="left", end_class="voluntary", as_of=AS_OF), 1),
    ("lifecycle visits activation --has-ended",
     "lifecycle/visits?stage=activation&has_ended=true",
     lambda c: c.lifecycle.visits(stage="activation", has_ended=True, as_of=AS_OF), 1),
    ("usage uses u1 --day 2024-04-30", "usage/uses?who=u1&day=2024-04-30",
     lambda c: c.usage.uses(who="u1", day="2024-04-30", as_of=AS_OF), 3),
    ("usage funnel signup project --pending 1", "usage/funnel?steps=signup&steps=project"
     "&members=1:pending",
     lambda c: c.usage.funnel(steps=["signup", "project"], as_of=AS_OF).pending(1), 1),
    ("usage retention --whose account --members all:3",
     "usage/retention?whose=account&members=all:3",
     lambda c: c.usage.retention(whose="account", as_of=AS_OF).users(None, 3), 3),
    ("usage lifecycle --members 2024-04:active", "usage/lifecycle?members=2024-04:active",
     lambda c: c.usage.lifecycle(as_of=AS_OF).users("2024-04", "active"), 4),
    ("usage paths report --listed 2 --members 2", "usage/paths?anchor=report&listed=2&members=2",
     lambda c: c.usage.paths(anchor="report", listed=2, members="2", as_of=AS_OF), 1),
    ("usage paths report --members all", "usage/paths?anchor=report&members=all",
     lambda c: c.usage.paths(anchor="report", as_of=AS_OF).users(None), 8),
    ("usage paths report --listed 1 --members others",
     "usage/paths?anchor=report&listed=1&members=others",
     lambda c: c.usage.paths(anchor="report", listed=1, as_of=AS_OF).other_users(), 2),
    *(
        (f"usage activity --members {figure}", f"usage/activity?members={figure}",
         lambda c, figure=figure: c.usage.activity(as_of=AS_OF).figure_users(figure), count)
        for figure, count in (("dau", 1), ("wau", 4), ("mau", 4))
    ),
]


@pytest.mark.parametrize(("words", "address", "ask", "count"), SAME, ids=[s[0] for s in SAME])
def test_one_answer_everywhere(
    company: Company, client: TestClient, words: str, address: str, ask: Ask, count: int
) -> None:
    found = ask(company)
    if isinstance(found, Answer):
        # What a method of an answer lists has no labels of its own; every interface adds them.
        found = filled(company, found)
    ours = json.loads(json.dumps(
        found if isinstance(found, dict)
        else found.as_dict() if hasattr(found, "as_dict") else found.to_json()
    ))
    said = json.loads(run(company, words, "json"))
    assert {key: said[key] for key in ours} == ours
    joint = "&" if "?" in address else "?"
    answer = client.get(f"/api/v1/{address}{joint}as_of={AS_OF}")
    assert (answer.status_code, answer.json()) == (200, said)
    assert len(said["rows"]) == count
    assert run(company, words, "table").strip()


# Command, the same as an address, its exit status, and the code over HTTP.
WRONG: list[tuple[str, str, int, str]] = [
    ("acquisition reach --period 2024-04 --kind fame",
     "acquisition/reach?period=2024-04&kind=fame", 1, "unknown_kind"),
    ("acquisition spend --period 2024-04 --where industry=EdTech",
     "acquisition/spend?period=2024-04&where=industry%3DEdTech", 1, "not_answered"),
    ("acquisition stayed --age 0", "acquisition/stayed?age=0", 2, "wrong_usage"),
    ("acquisition quality --where plan=Basic", "acquisition/quality?where=plan%3DBasic", 1,
     "not_answered"),
    ("acquisition referrals --where colour=red", "acquisition/referrals?where=colour%3Dred", 1,
     "unknown_dimension"),
    ("acquisition referred --where plan=Basic", "acquisition/referred?where=plan%3DBasic", 1,
     "not_answered"),
    ("acquisition referred --state lost", "acquisition/referred?state=lost", 1, "unknown_state"),
    ("acquisition leads --cohort 2024 --step old", "acquisition/leads?cohort=2024&step=old", 1,
     "unknown_step"),
    ("features accounts report --breadth 2", "features/accounts?feature=report&breadth=2", 2,
     "wrong_usage"),
    ("features accounts --part breadth --breadth 0", "features/accounts?part=breadth&breadth=0", 2,
     "wrong_usage"),
    ("features limit-uses acme report --period 2024",
     "features/limits/uses?account=acme&feature=report&period=2024", 2, "wrong_usage"),
    ("onboarding progress project --state did_nt",
     "onboarding/checklist/accounts?step=project&state=did_nt", 1, "unknown_state"),
    ("trials accounts --part left --without report", "trials/accounts?part=left&without=report", 2,
     "wrong_usage"),
    ("trials accounts --end-class voluntary", "trials/accounts?end_class=voluntary", 2,
     "wrong_usage"),
    ("trials accounts --part left --end-class bored",
     "trials/accounts?part=left&end_class=bored", 1, "unknown_end_class"),
    ("usage uses nobody", "usage/uses?who=nobody", 1, "unknown_user"),
    ("usage uses nobody --whose account", "usage/uses?who=nobody&whose=account", 1,
     "unknown_account"),
    ("features limit-uses nobody report", "features/limits/uses?account=nobody&feature=report", 1,
     "unknown_account"),
    ("features limit-uses acme repart", "features/limits/uses?account=acme&feature=repart", 1,
     "unknown_feature"),
    ("lifecycle visits adopted", "lifecycle/visits?stage=adopted", 1, "unknown_stage"),
    ("usage uses u1 --whose team", "usage/uses?who=u1&whose=team", 1, "unknown_whose"),
    ("usage funnel signup project --pending 2", "usage/funnel?steps=signup&steps=project"
     "&members=2:pending", 1, "not_answered"),
    ("usage retention --members 2024-01", "usage/retention?members=2024-01", 2, "wrong_usage"),
    ("usage retention --members all:99", "usage/retention?members=all:99", 1, "not_answered"),
    ("usage lifecycle --members 2024-04:actve", "usage/lifecycle?members=2024-04:actve", 1,
     "unknown_kind"),
    ("usage paths report --members 0", "usage/paths?anchor=report&members=0", 1, "not_answered"),
    ("usage paths report --members ²", "usage/paths?anchor=report&members=²", 2, "wrong_usage"),
    ("usage paths report --members all --by industry",
     "usage/paths?anchor=report&members=all&by=industry", 1, "not_answered"),
    ("usage activity --members yau", "usage/activity?members=yau", 1, "unknown_figure"),
    ("usage activity --members 3-x", "usage/activity?members=3-x", 2, "wrong_usage"),
]


@pytest.mark.parametrize(("words", "address", "status", "code"), WRONG, ids=[w[0] for w in WRONG])
def test_a_bad_value_is_a_clear_error(
    company: Company, client: TestClient, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], words: str, address: str, status: int, code: str,
) -> None:
    argv = ["staycurve", "--project", str(company.folder), *words.split(), "--as-of", AS_OF]
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert (stopped.value.code, said.out) == (status, "")
    message, hint = said.err.splitlines()
    assert message.startswith("staycurve: ")
    assert hint
    answer = client.get(f"/api/v1/{address}&as_of={AS_OF}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_amounts_name_their_currency(company: Company, client: TestClient) -> None:
    own = company.config.company.currency
    assert client.get(f"/api/v1/acquisition/spend?period=2024-04&as_of={AS_OF}").json()[
        "currency"
    ] == own
    reach = client.get(f"/api/v1/acquisition/reach?period=2024-04&as_of={AS_OF}").json()
    assert "currency" not in reach


def test_a_part_of_a_step_that_is_not_known_is_not_taken_for_another(client: TestClient) -> None:
    answer = client.get("/api/v1/usage/funnel?steps=signup&steps=project&members=2:droped")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        422, "'droped' is no part of a step."
    )


def test_one_step_is_asked_about_at_a_time(company: Company) -> None:
    with pytest.raises(Exception, match="one at a time"):
        run(company, "usage funnel signup project --members 2 --pending 1", "json")


def test_a_path_of_a_segment_opens_in_its_segment(company: Company) -> None:
    asked = "usage paths report --by industry"
    rows = json.loads(run(company, asked, "json"))["rows"]
    assert {row["segment"]["industry"] for row in rows} == {"EdTech", "Health"}
    for place, row in enumerate(rows, 1):
        opened = json.loads(run(company, f"{asked} --members {place}", "json"))
        assert opened["total"] == {"value": row["count"]}


def test_every_state_of_the_checklist_is_named(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    [state] = [
        one for one in paths["/api/v1/onboarding/progress"]["get"]["parameters"]
        if one["name"] == "state"
    ]
    assert all(name in json.dumps(state) for name in STATES)
    said = " ".join(CliRunner().invoke(app, ["onboarding", "progress", "--help"]).output.split())
    assert all(name in said for name in ("did", "did_not", "_paying", "_active"))

"""Goals and the playbooks that serve them name each other."""

from __future__ import annotations

import pytest

from staycurve.actions.goal_settings import GOALS
from staycurve.errors import ConfigError
from staycurve.workspace import Company
from tests.mails.conftest import Office


@pytest.fixture
def settings() -> str:
    return '\n[goals.playbooks]\nmrr = ["large", "renewal"]\nnrr = ["large"]\n'


def test_they_stand_on_each_others_pages(office: Office) -> None:
    office.open()
    made = office.company.goals.add("mrr", "5000", until="2024-12", owner="Ana")
    assert made.playbooks == ("large", "renewal")
    assert made.as_dict()["playbooks"] == ["large", "renewal"]
    client = office.client()
    goals = client.get("/goals").text
    assert 'href="/playbooks/large">Large</a>' in goals
    assert 'href="/playbooks/renewal">Renewal 90/60/30</a>' in goals
    page = client.get("/playbooks/large").text
    assert "Goals it serves" in page
    assert 'href="/goals#active"' in page
    # One without an active goal is named as well, and says so.
    assert "no active goal" in page
    assert "Goals it serves" not in client.get("/playbooks/win-back").text
    rows = client.get("/api/v1/goals").json()["rows"]
    assert [one["playbooks"] for one in rows] == [["large", "renewal"]]
    # What is over is served by nothing.
    office.company.goals.drop(made.goal.id)
    (ended,) = office.company.goals.every()
    assert ended.playbooks == ()


def test_a_playbook_that_there_is_not_is_named(office: Office) -> None:
    office.open()
    path = office.company.folder / "staycurve.toml"
    path.write_text(path.read_text().replace('["large", "renewal"]', '["large", "renewl"]'))
    with Company(office.company.folder, clock=office.clock) as company:
        with pytest.raises(ConfigError, match=r"'renewl', which is no playbook. Did you mean 'ren"):
            company.goals.check()
        assert "renewl" in Office(company, office.clock).client().get("/goals").text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"playbooks": {"nrrr": ["renewal"]}}, "which is no metric. Did you mean 'nrr'"),
        ({"playbooks": {"nrr": []}}, "names no playbook for nrr"),
        ({"playbooks": {"nrr": ["renewal", "renewal"]}}, "'renewal' twice"),
        ({"playbooks": {"nrr": "renewal"}}, "playbooks"), ({"playbook": {}}, "playbook"),
    ],
)
def test_what_cannot_be_followed_is_refused(given: dict[str, object], message: str) -> None:
    _found, wrong = GOALS.read(given)
    assert message in wrong[0].message

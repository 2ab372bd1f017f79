"""An owner who left: what they had goes to who has the account now, and history says so."""

from __future__ import annotations

import pytest

from staycurve.actions.settings import OWNERSHIP
from staycurve.tables.person.terms import new_key
from staycurve.workspace import Company
from tests.mails.conftest import Office

RULES = 'people = ["Ben", "Eva"]\nrules = [{ where = "country=DE", owner = "Dora" }]\n'


def later(office: Office, ownership: str) -> Company:
    """The company with another [ownership]."""
    path = office.company.folder / "staycurve.toml"
    path.write_text(f"{path.read_text()}\n[ownership]\n{ownership}\n")
    return Company(office.company.folder, clock=office.clock)


def test_alerts_tasks_and_milestones_of_a_leaver_get_the_owner_of_the_rule(office: Office) -> None:
    big, mid = office.open()
    assert {big["owner"], mid["owner"]} == {"Ana"}
    office.work.add_milestone("big", "Live", due_on="2024-09-01", owner="Ana")
    office.work.add_milestone("mid", "Live", due_on="2024-09-01", owner="Eva")
    office.work.resolve(mid["id"], reason="helped", by="Ana")
    with later(office, f'gone = ["Ana"]\n{RULES}') as company:
        for _again in range(2):
            company.work.run(as_of="2024-07-01")
        (found,) = company.work.alerts()
        whole = company.work.alert(found["id"])
        told = [one["detail"] for one in whole["history"] if one["what"] == "owner_gone"]
        assert told == [{"before": "Ana", "owner": "Dora", "why": "rule"}]
        assert (whole["owner"], {one["owner"] for one in whole["tasks"]}) == ("Dora", {"Dora"})
        assert company.work.milestones("big")[0]["owner"] == "Dora"
        assert company.work.milestones("mid")[0]["owner"] == "Eva"
        # What is over stays hers.
        assert company.work.alert(mid["id"])["owner"] == "Ana"


@pytest.mark.parametrize(
    ("ownership", "owner"),
    [('gone = ["Ana", "Ben"]\npeople = ["Ben", "Eva"]', "Eva"),
     ('gone = ["Ana"]\ndefault = "The desk"', "The desk")],
)
def test_without_a_rule_it_is_shared_out_or_the_fallback_has_it(
    office: Office, ownership: str, owner: str
) -> None:
    office.open()
    with later(office, ownership) as company:
        company.work.run(as_of="2024-07-01")
        assert {one["owner"] for one in company.work.alerts()} == {owner}


def test_who_may_log_in_no_more_has_left_as_well(office: Office) -> None:
    people = office.company.state.people
    people.add("admin@acme.example", "admin")
    people.add("Ana@acme.example", "operator")
    office.open()
    for one in office.work.alerts():
        office.work.assign(one["id"], owner="ana@acme.example", by="Ana")
    office.work.run(as_of="2024-07-01")
    assert {one["owner"] for one in office.work.alerts()} == {"ana@acme.example"}
    people.disable("ana@acme.example")
    office.work.run(as_of="2024-07-01")
    assert {one["owner"] for one in office.work.alerts()} == {"Ana"}


def test_the_key_of_somebody_who_was_forgotten_owns_nothing(office: Office) -> None:
    office.open()
    for one in office.work.alerts():
        office.work.assign(one["id"], owner=new_key(), by="Ana")
    office.work.run(as_of="2024-07-01")
    assert {one["owner"] for one in office.work.alerts()} == {"Ana"}


def test_nobody_escalates_to_a_leaver(office: Office) -> None:
    office.open(more='escalate_to = "Carl"\nact_within_days = 1')
    with later(office, 'gone = ["Carl"]\ndefault = "The desk"') as company:
        company.work.run(as_of="2024-07-04")
        assert {one["owner"] for one in company.work.alerts()} == {"The desk"}


def test_the_fallback_cannot_have_left() -> None:
    _found, wrong = OWNERSHIP.read({"default": "Ana", "gone": ["Ana"]})
    assert ["names somebody who is gone" in one.message for one in wrong] == [True]

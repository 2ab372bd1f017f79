"""Triggers: who is asked after a ticket, onboarding, a renewal or a feature, and only once."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.actions.surveys import definition
from staycurve.errors import UsageError
from staycurve.interfaces.scheduling import Schedule
from staycurve.workspace import Company
from staycurve.workspace.survey_occasions import occasions
from tests.company import build
from tests.surveys.conftest import NOON, Clock

USERS = """
    user_id account_id email             is_champion left_at
    ann     acme       ann@acme.example  true        -
    bob     acme       bob@acme.example  -           -
    dora    bolt       dora@bolt.example -           -
    eve     bolt       eve@bolt.example  true        2026-05-01"""
TICKETS = """
    ticket_id account_id user_id opened_at        solved_at        reopened_at
    old       acme       bob     2026-11-01       2026-11-02       -
    t1        acme       ann     2026-11-20       2026-11-22T10:00 -
    t2        acme       ann     2026-11-20       2026-11-23T10:00 -
    again     bolt       dora    2026-11-20       2026-11-21       2026-11-22
    nobody    bolt       -       2026-11-20       2026-11-22       -
    open      bolt       dora    2026-11-20       -                -"""
EVENTS = """
    event_id account_id user_id event    occurred_at
    e1       acme       ann     exported 2026-09-01T09:00
    e2       acme       ann     exported 2026-11-22T09:00
    e3       acme       bob     exported 2026-11-21T09:00
    e4       bolt       dora    started  2026-11-10T09:00
    e5       bolt       dora    invited  2026-11-20T09:00
    e6       acme       ann     started  2026-11-20T09:00"""
# The first renews when it says, the second a year after it began; the others did not renew now.
SUBSCRIPTIONS = """
    subscription_id account_id interval term_months starts_at  renews_at  ends_at    amount
    stated          acme       month    12          2024-02-05 2027-11-20 -          100
    counted         bolt       year     -           2024-11-19 -          -          900
    monthly         acme       month    -           2025-11-20 -          -          10
    begun           acme       year     -           2026-11-20 -          -          10
    ended           bolt       year     -           2025-11-20 -          2026-11-20 10"""
SETTINGS = """
[activation]
checklist = ["started", "invited"]

[mail]
host = "127.0.0.1"
port = 9
from = "hello@acme.example"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("triggers") / "project"
    build(folder, {
        "accounts": "account_id country\nacme DE\nbolt DE", "users": USERS, "tickets": TICKETS,
        "events": EVENTS, "subscriptions": SUBSCRIPTIONS,
    }, end_reasons=SETTINGS).close()
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def company(made: Path, clock: Clock, tmp_path: Path) -> Iterator[Company]:
    shutil.copytree(made, tmp_path / "project")
    with Company(tmp_path / "project", clock=clock) as opened:
        yield opened


def survey(company: Company, after: str, name: str = "after", **said: Any) -> Any:
    trigger = {"after": after} | said.pop("trigger", {})
    body = {"name": name, "kind": "csat", "question": "How was it?", "trigger": trigger}
    return company.surveys.save(definition.of(body | said))[0]


@pytest.mark.parametrize(("after", "found"), [
    # Not who is unknown, nor of what was opened again, nor of what is still open or long past.
    ("ticket_solved", {("ann", "t1"), ("ann", "t2")}),
    # Ann did before; who uses it again is not asked.
    ("feature_first_used", {("bob", "exported")}),
    # Bolt did the last step on the 20th; its champion has left.
    ("onboarding_done", {("dora", "bolt")}),
    ("renewal", {("ann", "stated 2026-11-20"), ("dora", "counted 2026-11-19")}),
])
def test_occasions_by_hand(company: Company, after: str, found: set[tuple[str, str]]) -> None:
    named = {"feature": "exported"} if after == "feature_first_used" else {}
    trigger = definition.of({
        "name": "x", "kind": "csat", "question": "?", "trigger": {"after": after} | named,
    }).trigger
    assert trigger is not None
    assert {
        (one.user_id, one.subject) for own in occasions(company, trigger).values() for one in own
    } == found


def test_without_a_checklist_onboarding_is_done_at_first_value(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "project")
    file = tmp_path / "project" / "staycurve.toml"
    file.write_text(file.read_text().replace(
        'checklist = ["started", "invited"]', 'events = ["invited"]'))
    with Company(tmp_path / "project", clock=Clock()) as company:
        company.refresh()
        trigger = definition.of({
            "name": "x", "kind": "csat", "question": "?", "trigger": {"after": "onboarding_done"},
        }).trigger
        assert trigger is not None
        assert list(occasions(company, trigger)) == ["dora"]


def test_the_server_asks_once_about_a_ticket_and_obeys_the_cadence(
    company: Company, clock: Clock
) -> None:
    survey(company, "ticket_solved", rules={"cadence_days": 1, "expires_days": 1})
    ask = Schedule(company).ask
    ask()
    ask()
    [one] = company.surveys.asking.look(company.surveys.get("after"), "")[:1]
    assert (one.person.user_id, one.why) == ("ann", "invited")
    with company.state.database.reading() as session:
        from staycurve.state.occasion_models import OccasionRow
        from staycurve.state.survey_models import InvitationRow, SurveyMailRow

        # Of two tickets the newer is asked about, in a mail for the working day in Germany.
        assert [row.subject for row in session.query(OccasionRow)] == ["t2"]
        assert [row.user_id for row in session.query(InvitationRow)] == ["ann"]
        assert [row.due_at for row in session.query(SurveyMailRow)] == [NOON]
    # A day later the cadence is over and the older ticket is still young: the quiet period holds
    # until it is too late.
    clock.pass_(days=1, hours=1)
    ask()
    [one] = company.surveys.asking.look(company.surveys.get("after"), "")[:1]
    assert (one.person.user_id, one.why) == ("ann", "quiet")
    clock.pass_(days=30)
    ask()
    with company.state.database.reading() as session:
        assert session.query(InvitationRow).count() == 1


def test_what_would_be_asked_too_late_is_not_asked(company: Company, clock: Clock) -> None:
    other = company.surveys.save(definition.of(
        {"name": "nps", "kind": "nps", "question": "?", "rules": {"first_after_days": 0}}))[0]
    assert {one.status for one in company.surveys.asking.export(other)} >= {"invited"}
    late = survey(company, "ticket_solved", trigger={"within_days": 5})
    found = {one.person.user_id: one.why for one in company.surveys.asking.mail(late)}
    # The quiet period ends on the 30th, seven days after t2 was solved.
    assert found["ann"] == "too_late"
    assert found["bob"] == "no_occasion"
    patient = survey(company, "ticket_solved", name="patient", trigger={"within_days": 10})
    [ann] = [one for one in company.surveys.asking.mail(patient) if one.person.user_id == "ann"]
    assert (ann.status, ann.at) == ("planned", NOON + dt.timedelta(days=7))


def test_inside_the_product_an_occasion_is_asked_about_once(
    company: Company, clock: Clock
) -> None:
    survey(company, "feature_first_used", trigger={"feature": "exported"},
           rules={"cadence_days": 1, "quiet_days": 0})
    assert company.surveys.product.due("ann") is None
    offer = company.surveys.product.due("bob")
    assert offer is not None
    company.surveys.product.shown(offer.token)
    clock.pass_(days=2)
    assert company.surveys.product.due("bob") is None


@pytest.mark.parametrize(("trigger", "says"), [
    ({"after": "lunch"}, "after"),
    ({"after": "feature_first_used"}, "has no feature"),
    ({"after": "renewal", "feature": "x"}, "which renewal does not read"),
    ({"after": "renewal", "within_days": 0}, "within_days"),
    ({"after": "renewal", "when": "now"}, "when"),
])
def test_a_trigger_that_cannot_be_is_told(trigger: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        definition.of({"name": "x", "kind": "csat", "question": "?", "trigger": trigger})

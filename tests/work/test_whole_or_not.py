"""A run is kept as a whole or not at all, and two at once open one alert."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from staycurve.actions.channels import telling
from staycurve.actions.ownership import Owner
from staycurve.actions.playbooks import opening
from staycurve.actions.playbooks.finding import About, Findings, Found
from staycurve.actions.settings import Working
from staycurve.state import alerts as kept
from staycurve.workspace import Company
from tests.work.conftest import NOW, RULE, playbook


@pytest.mark.parametrize("step", ["follow", "wake", "admit", "escalate", "_tasks", "tell"])
def test_a_run_that_is_cut_off_leaves_nothing(
    company: Company, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    playbook(company, RULE)

    def cut(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(telling if step == "tell" else opening._Run, step, cut)
        with pytest.raises(KeyboardInterrupt):
            company.work.run(as_of="2024-07-01")
    assert company.work.alerts(has_resolved=True) == []
    assert company.work.tasks() == []
    assert company.work.run(as_of="2024-07-01").rows[0]["opened"] == 1


def test_two_servers_at_once_open_one_alert(company: Company) -> None:
    playbook(company, RULE)

    def run(_number: int) -> int:
        with Company(company.folder, clock=company.clock) as other:
            found = other.work.run(as_of="2024-07-01")
        opened: int = found.rows[0]["opened"]
        return opened

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == [0, 1]
    assert len(company.work.alerts()) == 1
    assert len(company.work.tasks()) == 2


def test_five_thousand_in_one_night_are_no_storm(company: Company, tmp_path: Path) -> None:
    path = playbook(company, RULE)
    (own,) = [one for one in company.work.playbooks().playbooks if one.name == path.stem]
    accounts = tuple(f"a{number:04}" for number in range(5000))
    about = {
        one: About(one, Owner(f"P{place % 10}", "own"), float(place), "Pro")
        for place, one in enumerate(accounts)
    }
    findings = Findings(NOW, NOW.date(), (Found(own, accounts, 20_000),), about)
    with company.state.database.writing() as session:
        done = opening.open_alerts(
            session, findings, working=Working(per_person_a_day=20), by_name={own.name: own},
            now=NOW,
        )
        message = telling.body_of(done.alerts, [], on=NOW.date(), company="Acme")
    # Ten people get twenty each, the largest first; the others wait, and one message tells it.
    assert len(done.alerts) == 200
    assert {one.account_id for one in done.alerts} == set(accounts[-200:])
    assert done.tallies[own.name].waiting == 4800
    assert message["title"] == "Acme: 200 new alerts on 2024-07-01"
    assert len(message["text"].splitlines()) == telling.NAMED + 2
    assert len(company.work.tasks()) == 400
    assert company.work.counts()["status"] == {"open": 200, "waiting": 4800}


def test_moves_that_are_not_legal_are_refused(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    (alert,) = company.work.alerts()
    company.work.snooze(alert["id"], until="2026-12-01", reason="away", by="Ana")
    with pytest.raises(kept.TransitionError, match="is snoozed, and cannot become snoozed"):
        company.work.snooze(alert["id"], until="2026-12-02", reason="away", by="Ana")

"""Who enters a risky month: the day is counted from the first paid day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from staycurve.actions import playbooks
from staycurve.insights.cohorts.riskiest_months import month_of
from staycurve.insights.risk.months import entering
from staycurve.insights.statistics.proportions import share
from tests.company import build


def test_a_month_is_entered_as_many_months_after_the_first_paid_day() -> None:
    fourth = month_of({}, 4, share(30, 100), 0.05, {})
    rows = entering(
        [("edge", dt.date(2024, 1, 31), 5_000_000), ("past", dt.date(2024, 1, 1), 1_000_000),
         ("far", dt.date(2024, 3, 1), 1_000_000)],
        [fourth], dt.date(2024, 4, 10), 30,
    )
    assert [(row.account_id, row.enters_on, row.days, row.mrr) for row in rows] == [
        ("edge", dt.date(2024, 4, 30), 20, 5.0)
    ]
    assert (rows[0].hazard, rows[0].base_rate) == (0.3, 0.05)


def test_who_leaves_in_month_four_makes_it_a_month_to_work_on(tmp_path: Path) -> None:
    subscriptions = []
    for number in range(120):
        start = dt.date(2023, 1, 1) + dt.timedelta(days=number)
        left = start + dt.timedelta(days=115) if number % 3 == 0 else None
        subscriptions.append({
            "subscription_id": f"s{number}", "account_id": f"a{number}", "plan": "Pro",
            "amount": 100, "starts_at": start.isoformat(),
            "ends_at": left.isoformat() if left else "",
        })
    subscriptions.append({"subscription_id": "n", "account_id": "new", "plan": "Pro",
                          "amount": 70, "starts_at": "2023-10-15"})
    company = build(tmp_path / "c", {"subscriptions": subscriptions})
    found = company.risk.entering_months(as_of="2024-01-02")
    assert found.months == (4,)
    assert [(row.account_id, row.enters_on) for row in found.rows] == [
        ("new", dt.date(2024, 1, 15))
    ]
    assert company.risk.months(as_of="2024-01-02", within=5).why
    # The ready playbook looks for accounts in such a month.
    assert [(one.playbook, one.is_on) for one in found.playbooks] == [("riskiest-month", True)]
    assert found.rows[0].playbooks == ("riskiest-month",)
    assert found.mrr == 70
    own = company.folder / "playbooks"
    own.mkdir(exist_ok=True)
    shipped = Path(playbooks.__file__).parent / "shipped" / "riskiest-month.toml"
    (own / "riskiest-month.toml").write_text(
        "is_on = false\n" + shipped.read_text(encoding="utf-8"), encoding="utf-8"
    )
    off = company.risk.months(as_of="2024-01-02")
    assert [(one.playbook, one.is_on) for one in off.playbooks] == [("riskiest-month", False)]
    assert off.rows[0].playbooks == ()
    assert off.said()[-1].text == "No playbook that is on meets them."

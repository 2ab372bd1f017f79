"""Planted effects and nulls, in companies that are drawn anew: how often the answer is right.

`make test-effects N=100` looks at a hundred companies that ran a playbook with a holdout; the
suite at two, and at arms without a company around them.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from pathlib import Path

import pytest

from staycurve.experiments import Experiment
from staycurve.insights.effects.show import Effect, judged, needed
from staycurve.insights.effects.taking import Taking
from tests.company import load
from tests.work.conftest import made, playbook, rule

COMPANIES = int(os.environ.get("STAYCURVE_COMPANIES", "2"))
ACCOUNTS = 300
STAY, EFFECT = 0.80, 0.12
"""The share of accounts that stay without the playbook, and how much it adds."""
EXPERIMENT = f"""[[experiments]]
name = "call"
of = "playbook:call"
starts = "2024-06-01"
base = {STAY}
effect = {STAY + EFFECT}
days = 30
"""


def answered(folder: Path, seed: int) -> Effect:
    """What a company is told whose playbook keeps so many more of the accounts that it reaches."""
    rng = random.Random(seed)
    names = [f"c{seed}-{number}" for number in range(ACCOUNTS)]
    rows = [
        {"subscription_id": f"s-{one}", "account_id": one, "plan": "Pro", "interval": "month",
         "amount": rng.randrange(20, 200), "starts_at": "2024-01-01"} for one in names
    ]
    with made(folder, extra=EXPERIMENT) as company:
        load(company, {"subscriptions": rows})
        playbook(company, rule("plan", 'is = "Pro"', more="is_confirmed = true"), "call")
        company.work.run(as_of="2024-06-02", only="call")
        arms = company.proof.arms("call")
        held = {one for one in names if arms[one].is_held_out}
        # What was not held out has an alert, and only that.
        opened = {one["account_id"] for one in company.work.alerts()}
        assert opened & set(names) == set(names) - held
        ended = [
            row | {"ends_at": "2024-06-15"} for row in rows
            if rng.random() >= STAY + (0 if row["account_id"] in held else EFFECT)
        ]
        load(company, {"subscriptions": ended})
        return company.effects.show(name="call", as_of="2024-09-01")


def test_a_planted_playbook_effect_lies_in_its_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = 0
    for seed in range(COMPANIES):
        found = answered(tmp_path / str(seed), seed)
        retention = found.outcomes[0]
        assert (retention.outcome, retention.accounts) == ("retention", found.treated
                                                           + found.held_out)
        inside += retention.low <= EFFECT <= retention.high
    with capsys.disabled():
        if COMPANIES > 2:
            print(f"\nThe planted effect lies in its interval in {inside} of {COMPANIES} companies")
    # 95 of 100 are to be expected; of so many, three standard errors fewer are by chance.
    assert inside >= 0.95 * COMPANIES - 3 * (0.95 * 0.05 * COMPANIES) ** 0.5


def arms(asked: Experiment, rng: random.Random, effect: float) -> Effect:
    """What is said once the last look is due, of arms drawn at random."""
    known = []
    for number in range(needed(asked)):
        is_held = rng.random() < asked.holdout
        stays = rng.random() < asked.base + (0.0 if is_held else effect)
        known.append(Taking(f"a{number}", dt.date(2025, 2, 1), is_held, 100.0, 100.0 * stays))
    return judged(asked, known, 0, last_day=dt.date(2026, 1, 1),
                  told={"as_of": "", "currency": "USD"})


TWELVE = Experiment("twelve", "2025-01-01", 0.90, 0.95, days=30, looks=12)


def test_of_400_nulls_looked_at_twelve_times_few_are_called_an_effect() -> None:
    rng = random.Random(7)
    said = [arms(TWELVE, rng, 0.0).status for _run in range(400)]
    assert (said.count("helped") + said.count("hurt")) / 400 <= 0.05
    assert set(said) <= {"helped", "hurt", "not_seen", "mismatch"}
    # Arms that were drawn as stated are hardly ever taken for others: one in a thousand.
    assert said.count("mismatch") <= 3


def test_of_a_hundred_planted_effects_ninety_five_lie_in_their_intervals() -> None:
    rng = random.Random(5)
    rows = [arms(TWELVE, rng, 0.05).outcomes[0] for _run in range(100)]
    inside = sum(row.low <= 0.05 <= row.high for row in rows)
    assert inside >= 95
    # Intervals that hold everything would say nothing.
    assert max(row.high - row.low for row in rows) < 0.1

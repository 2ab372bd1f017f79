"""Experiments beside a holdout: planted effects found, nulls not, and what is missing named."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest

from staycurve.errors import ConfigError, UnknownNameError
from staycurve.experiments import Experiment
from staycurve.insights.effects.show import Effect, judged, needed
from staycurve.insights.effects.taking import Taking, taking
from staycurve.insights.shared.halves import is_held_out
from tests.company import build

CALL = Experiment("call", "2025-01-01", 0.80, 0.95, days=30, looks=4)
LAST = dt.date(2026, 1, 1)


def planted(effect: float, seed: int, count: int = 400) -> Effect:
    """Accounts of which 80% of the holdout stay, and 80% + effect of the others."""
    rng = random.Random(seed)
    known = []
    for n in range(count):
        held = is_held_out(CALL.salt, f"{seed}-{n}")
        stays = rng.random() < 0.8 + (0.0 if held else effect)
        known.append(Taking(f"{seed}-{n}", dt.date(2025, 2, 1), held, 100.0, 100.0 * stays))
    return judged(CALL, known, 0, last_day=LAST, told={"as_of": "", "currency": "USD"})


def test_a_planted_effect_is_found_and_a_null_is_not() -> None:
    # Planned for 80%: of 100 runs 68 or fewer would be three standard errors below.
    helped = [planted(0.15, seed).status for seed in range(100)]
    assert helped.count("helped") > 68
    assert "hurt" not in helped
    null = [planted(0.0, seed).status for seed in range(100)]
    assert null.count("helped") + null.count("hurt") <= 8
    assert null.count("not_seen") >= 90


def test_what_it_takes_by_hand() -> None:
    # (1.96 + 0.84)² × (0.16/0.5 + 0.0475/0.5) / 0.0225 = 144.8, × 1.0196 for four looks.
    assert needed(CALL) == 148


def test_what_is_missing_is_named() -> None:
    found = planted(0.15, 1, count=40)
    assert (found.status, found.accounts_missing, found.weeks) == ("not_enough", 108, None)
    assert [row.accounts for row in found.rows] == [37, 74, 111, 148]
    assert [row.difference is not None for row in found.rows] == [True, False, False, False]


def test_arms_of_wrong_sizes_say_nothing() -> None:
    known = [Taking(f"a{n}", LAST, n < 40, 100.0, 100.0 * (n > 60)) for n in range(400)]
    found = judged(CALL, known, 0, last_day=LAST, told={"as_of": "", "currency": "USD"})
    assert found.status == "mismatch"


def test_who_takes_part_and_when() -> None:
    day, far = dt.date, dt.date(9999, 1, 1)
    spells = [
        # Pays on the first day, and churns within 30 days.
        ("old", day(2024, 5, 1), day(2024, 5, 1), day(2025, 1, 20), 50_000_000, 1),
        ("old", day(2024, 5, 1), day(2025, 1, 20), far, 0, 0),
        # Comes later, and doubles on its tenth day.
        ("new", day(2025, 3, 1), day(2025, 3, 1), day(2025, 3, 10), 10_000_000, 1),
        ("new", day(2025, 3, 1), day(2025, 3, 10), far, 20_000_000, 1),
        # Churned before: takes no part.
        ("gone", day(2024, 1, 1), day(2024, 1, 1), day(2024, 6, 1), 10_000_000, 1),
        ("gone", day(2024, 1, 1), day(2024, 6, 1), far, 0, 0),
        # Its days are not over.
        ("late", day(2025, 3, 20), day(2025, 3, 20), far, 10_000_000, 1),
    ]
    known, waiting = taking(spells, CALL, day(2025, 4, 10))
    assert waiting == 1
    assert [(one.account_id, one.known_on, one.before, one.after) for one in known] == [
        ("old", day(2025, 1, 31), 50.0, 0.0), ("new", day(2025, 3, 31), 10.0, 20.0)]
    assert [one.outcome("upgrade") for one in known] == [0.0, 1.0]


DECLARED = """
[[experiments]]
name = "call"
starts = "2025-01-01"
base = 0.8
effect = 0.95
days = 30
"""


def test_a_declared_experiment_is_listed_and_shown(tmp_path: Path) -> None:
    rows = [{"subscription_id": f"s{n}", "account_id": f"a{n}", "plan": "Pro", "amount": 10,
             "interval": "month", "starts_at": "2024-01-01",
             "ends_at": "" if not is_held_out("experiment:call", f"a{n}") or n % 2 else
             "2025-01-15"} for n in range(200)]
    with build(tmp_path / "p", {"subscriptions": rows}, end_reasons=DECLARED) as company:
        (row,) = company.effects.list(as_of="2025-06-01").rows
        assert (row.name, row.status, row.accounts) == ("call", "helped", 200)
        found = company.effects.show(name="call", as_of="2025-06-01")
        held = sum(is_held_out("experiment:call", f"a{n}") for n in range(200))
        assert (found.held_out, found.treated) == (held, 200 - held)
        retention = found.outcomes[0]
        assert (retention.treated, retention.is_guardrail) == (1.0, False)
        with pytest.raises(UnknownNameError, match="call"):
            company.effects.show(name="cal")
        assert company.effects.show(name="call", as_of="2024-12-01").status == "not_started"


def test_a_faulty_declaration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none"):
        build(tmp_path / "p", {}, end_reasons=DECLARED.replace('"2025-01-01"', '"soon"'))
